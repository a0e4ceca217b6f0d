// A stand-in for libcudart.so.13: one device whose memory is the host's and which
// launches no kernel. With it the CUDA provider of ONNX Runtime goes all the way
// of a session, but for what kernels compute.
#include <stdlib.h>
#include <string.h>

#define NOTHING(name) int name(void) { return 0; }
#define HANDLE(name) int name(void **out) { return (*out = malloc(8)) ? 0 : 2; }

// The device has little memory, which is used up and never given back.
static const size_t memory = 64 << 20;
static size_t used;

int cudaGetDeviceCount(int *n) { *n = 1; return 0; }
int cudaGetDevice(int *n) { *n = 0; return 0; }
int cudaRuntimeGetVersion(int *v) { *v = 13000; return 0; }
int cudaDriverGetVersion(int *v) { *v = 13000; return 0; }
int cudaMemGetInfo(size_t *left, size_t *all) { *left = memory - used; *all = memory; return 0; }

// The fields of cudaDeviceProp in driver_types.h of CUDA 13 that are asked for.
int cudaGetDeviceProperties(char *p, int device) {
  memset(p, 0, 1008);
  strcpy(p, "stand-in");
  *(size_t *)(p + 288) = memory; // totalGlobalMem
  *(size_t *)(p + 296) = 49152;  // sharedMemPerBlock
  *(int *)(p + 304) = 65536;     // regsPerBlock
  *(int *)(p + 308) = 32;        // warpSize
  *(int *)(p + 320) = 1024;      // maxThreadsPerBlock
  *(int *)(p + 324) = 1024;      // maxThreadsDim
  *(int *)(p + 328) = 1024;
  *(int *)(p + 332) = 64;
  *(int *)(p + 336) = 1 << 30; // maxGridSize
  *(int *)(p + 340) = 65535;
  *(int *)(p + 344) = 65535;
  *(int *)(p + 360) = 8;    // major
  *(int *)(p + 384) = 16;   // multiProcessorCount
  *(int *)(p + 604) = 2048; // maxThreadsPerMultiProcessor
  return 0;
}

int cudaDeviceGetAttribute(int *v, int attribute, int device) {
  const int multiprocessors = 16, major = 75;
  *v = attribute == major ? 8 : attribute == multiprocessors ? 16 : 0;
  return 0;
}

int cudaMalloc(void **p, size_t n) {
  const int out_of_memory = 2;
  *p = NULL;
  if (n > memory - used || !(*p = aligned_alloc(256, (n + 255) / 256 * 256))) return out_of_memory;
  used += n;
  return 0;
}
int cudaFree(void *p) { free(p); return 0; }
int cudaMallocHost(void **p, size_t n) { return (*p = malloc(n)) ? 0 : 2; }
int cudaHostAlloc(void **p, size_t n, unsigned flags) { return cudaMallocHost(p, n); }
int cudaFreeHost(void *p) { free(p); return 0; }
int cudaMemPoolCreate(void **pool) { return 801; } // not supported

int cudaMemcpy(void *to, const void *from, size_t n, int kind) { memcpy(to, from, n); return 0; }
int cudaMemcpyAsync(void *to, const void *from, size_t n, int kind, void *stream) { memcpy(to, from, n); return 0; }
int cudaMemset(void *p, int v, size_t n) { memset(p, v, n); return 0; }
int cudaMemsetAsync(void *p, int v, size_t n, void *stream) { memset(p, v, n); return 0; }
int cudaPointerGetAttributes(void *attributes, const void *p) { memset(attributes, 0, 32); return 0; }
int cudaStreamIsCapturing(void *stream, int *status) { *status = 0; return 0; }

const char *cudaGetErrorString(int e) { return e == 2 ? "out of memory" : "an error of the stand-in"; }
const char *cudaGetErrorName(int e) { return e == 2 ? "cudaErrorMemoryAllocation" : "cudaErrorUnknown"; }

void **__cudaRegisterFatBinary(void *binary) { static void *handle; return &handle; }

HANDLE(cudaStreamCreate) HANDLE(cudaStreamCreateWithFlags) HANDLE(cudaEventCreate) HANDLE(cudaEventCreateWithFlags)
HANDLE(cudaLibraryLoadData) HANDLE(cudaLibraryGetKernel) HANDLE(__cudaGetKernel)

NOTHING(__cudaLaunchKernel) NOTHING(__cudaPopCallConfiguration) NOTHING(__cudaPushCallConfiguration)
NOTHING(__cudaRegisterFatBinaryEnd) NOTHING(__cudaRegisterFunction) NOTHING(__cudaRegisterVar)
NOTHING(__cudaUnregisterFatBinary) NOTHING(cudaDeviceSynchronize) NOTHING(cudaEventDestroy)
NOTHING(cudaEventElapsedTime) NOTHING(cudaEventRecord) NOTHING(cudaEventRecordWithFlags)
NOTHING(cudaEventSynchronize) NOTHING(cudaFreeAsync) NOTHING(cudaFuncGetAttributes)
NOTHING(cudaFuncSetAttribute) NOTHING(cudaGetDriverEntryPointByVersion) NOTHING(cudaGetLastError)
NOTHING(cudaGraphDestroy) NOTHING(cudaGraphExecDestroy) NOTHING(cudaGraphInstantiate)
NOTHING(cudaGraphLaunch) NOTHING(cudaKernelSetAttributeForDevice) NOTHING(cudaLaunchCooperativeKernel)
NOTHING(cudaLaunchHostFunc) NOTHING(cudaLaunchKernel) NOTHING(cudaLaunchKernelExC) NOTHING(cudaLibraryUnload)
NOTHING(cudaMallocFromPoolAsync) NOTHING(cudaMemPoolDestroy) NOTHING(cudaMemPoolGetAttribute)
NOTHING(cudaMemPoolSetAttribute) NOTHING(cudaMemPoolTrimTo) NOTHING(cudaMemcpy2DAsync)
NOTHING(cudaMemcpyFromSymbol) NOTHING(cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags)
NOTHING(cudaPeekAtLastError) NOTHING(cudaSetDevice) NOTHING(cudaStreamBeginCapture)
NOTHING(cudaStreamDestroy) NOTHING(cudaStreamEndCapture) NOTHING(cudaStreamSynchronize)
NOTHING(cudaStreamWaitEvent)
