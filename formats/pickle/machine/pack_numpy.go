package machine

// numpyPack is what numpy writes for arrays, scalars and dtypes of numbers.
// Dtypes of objects, texts and structures are not among them.
const numpyPack = `weightgate.pack 1 numpy

_codecs.encode(str, "latin1"|"latin-1") -> bytes
builtins.bytes() -> bytes

numpy.ndarray
numpy.core.multiarray._reconstruct(numpy.ndarray, ints, bytes|str) -> ndarray state (int, ints, ndtype, bool, bytes)
numpy._core.multiarray._reconstruct(numpy.ndarray, ints, bytes|str) -> ndarray state (int, ints, ndtype, bool, bytes)
numpy.core.numeric._frombuffer(bytes|bytearray, ndtype, ints, "C"|"F") -> ndarray
numpy._core.numeric._frombuffer(bytes|bytearray, ndtype, ints, "C"|"F") -> ndarray
numpy.core.multiarray.scalar(ndtype, bytes) -> number
numpy._core.multiarray.scalar(ndtype, bytes) -> number
numpy.dtype("b1"|"i1"|"i2"|"i4"|"i8"|"u1"|"u2"|"u4"|"u8"|"f2"|"f4"|"f8"|"c8"|"c16", bool|int, bool|int) -> ndtype state (3, "<"|">"|"|"|"=", none, none, none, -1, -1, 0)
`
