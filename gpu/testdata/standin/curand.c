// A stand-in for libcurand.so.10, of which the provider names no symbol.
const int curand_stand_in = 10;
