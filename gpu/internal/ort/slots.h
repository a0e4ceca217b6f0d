// The slots of ONNX Runtime's function table that this package calls: position,
// result, name and parameters, to the letter of onnxruntime_c_api.h (its order
// is frozen: slots are only ever appended). The package's test compiles this
// list against that header.
#ifndef WEIGHTGATE_ORT_SLOTS_H
#define WEIGHTGATE_ORT_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The table asked for: the version of the header that onnxruntime_go ships.
#define ORT_TABLE_VERSION 24

typedef struct OrtCUDAProviderOptionsV2 OrtCUDAProviderOptionsV2;
typedef struct OrtEnv OrtEnv;
typedef struct OrtEpAssignedNode OrtEpAssignedNode;
typedef struct OrtEpAssignedSubgraph OrtEpAssignedSubgraph;
typedef struct OrtMemoryInfo OrtMemoryInfo;
typedef struct OrtRunOptions OrtRunOptions;
typedef struct OrtSession OrtSession;
typedef struct OrtSessionOptions OrtSessionOptions;
typedef struct OrtStatus OrtStatus;
typedef struct OrtTensorTypeAndShapeInfo OrtTensorTypeAndShapeInfo;
typedef struct OrtValue OrtValue;

// The enumerations of the header, by the integer that each is in C.
typedef unsigned int OrtElement; // ONNXTensorElementDataType
typedef unsigned int OrtLevel;   // OrtLoggingLevel, GraphOptimizationLevel
typedef int OrtMemory;           // OrtAllocatorType, OrtMemType: they have negative values

#define ORT_SLOTS(SLOT)                                                                              \
  SLOT(2, const char *, GetErrorMessage, (const OrtStatus *))                                        \
  SLOT(3, OrtStatus *, CreateEnv, (OrtLevel, const char *, OrtEnv **))                               \
  SLOT(8, OrtStatus *, CreateSessionFromArray,                                                       \
       (const OrtEnv *, const void *, size_t, const OrtSessionOptions *, OrtSession **))             \
  SLOT(9, OrtStatus *, Run,                                                                          \
       (OrtSession *, const OrtRunOptions *, const char *const *, const OrtValue *const *, size_t,   \
        const char *const *, size_t, OrtValue **))                                                   \
  SLOT(10, OrtStatus *, CreateSessionOptions, (OrtSessionOptions **))                                \
  SLOT(23, OrtStatus *, SetSessionGraphOptimizationLevel, (OrtSessionOptions *, OrtLevel))           \
  SLOT(24, OrtStatus *, SetIntraOpNumThreads, (OrtSessionOptions *, int))                            \
  SLOT(39, OrtStatus *, CreateRunOptions, (OrtRunOptions **))                                        \
  SLOT(46, OrtStatus *, RunOptionsSetTerminate, (OrtRunOptions *))                                   \
  SLOT(47, OrtStatus *, RunOptionsUnsetTerminate, (OrtRunOptions *))                                 \
  SLOT(49, OrtStatus *, CreateTensorWithDataAsOrtValue,                                              \
       (const OrtMemoryInfo *, void *, size_t, const int64_t *, size_t, OrtElement, OrtValue **))    \
  SLOT(51, OrtStatus *, GetTensorMutableData, (OrtValue *, void **))                                 \
  SLOT(60, OrtStatus *, GetTensorElementType, (const OrtTensorTypeAndShapeInfo *, OrtElement *))     \
  SLOT(61, OrtStatus *, GetDimensionsCount, (const OrtTensorTypeAndShapeInfo *, size_t *))           \
  SLOT(62, OrtStatus *, GetDimensions, (const OrtTensorTypeAndShapeInfo *, int64_t *, size_t))       \
  SLOT(65, OrtStatus *, GetTensorTypeAndShape, (const OrtValue *, OrtTensorTypeAndShapeInfo **))     \
  SLOT(69, OrtStatus *, CreateCpuMemoryInfo, (OrtMemory, OrtMemory, OrtMemoryInfo **))               \
  SLOT(93, void, ReleaseStatus, (OrtStatus *))                                                       \
  SLOT(95, void, ReleaseSession, (OrtSession *))                                                     \
  SLOT(96, void, ReleaseValue, (OrtValue *))                                                         \
  SLOT(97, void, ReleaseRunOptions, (OrtRunOptions *))                                               \
  SLOT(99, void, ReleaseTensorTypeAndShapeInfo, (OrtTensorTypeAndShapeInfo *))                       \
  SLOT(100, void, ReleaseSessionOptions, (OrtSessionOptions *))                                      \
  SLOT(130, OrtStatus *, AddSessionConfigEntry,                                                      \
       (OrtSessionOptions *, const char *, const char *))                                            \
  SLOT(150, OrtStatus *, AddInitializer, (OrtSessionOptions *, const char *, const OrtValue *))      \
  SLOT(204, OrtStatus *, SessionOptionsAppendExecutionProvider_CUDA_V2,                              \
       (OrtSessionOptions *, const OrtCUDAProviderOptionsV2 *))                                      \
  SLOT(205, OrtStatus *, CreateCUDAProviderOptions, (OrtCUDAProviderOptionsV2 **))                   \
  SLOT(206, OrtStatus *, UpdateCUDAProviderOptions,                                                  \
       (OrtCUDAProviderOptionsV2 *, const char *const *, const char *const *, size_t))               \
  SLOT(208, void, ReleaseCUDAProviderOptions, (OrtCUDAProviderOptionsV2 *))                          \
  SLOT(210, OrtStatus *, AddExternalInitializers,                                                    \
       (OrtSessionOptions *, const char *const *, const OrtValue *const *, size_t))                  \
  SLOT(293, OrtStatus *, SessionOptionsSetLoadCancellationFlag, (OrtSessionOptions *, bool))         \
  SLOT(407, OrtStatus *, Session_GetEpGraphAssignmentInfo,                                           \
       (const OrtSession *, const OrtEpAssignedSubgraph *const **, size_t *))                        \
  SLOT(408, OrtStatus *, EpAssignedSubgraph_GetEpName,                                               \
       (const OrtEpAssignedSubgraph *, const char **))                                               \
  SLOT(409, OrtStatus *, EpAssignedSubgraph_GetNodes,                                                \
       (const OrtEpAssignedSubgraph *, const OrtEpAssignedNode *const **, size_t *))                 \
  SLOT(410, OrtStatus *, EpAssignedNode_GetName, (const OrtEpAssignedNode *, const char **))         \
  SLOT(411, OrtStatus *, EpAssignedNode_GetDomain, (const OrtEpAssignedNode *, const char **))       \
  SLOT(412, OrtStatus *, EpAssignedNode_GetOperatorType, (const OrtEpAssignedNode *, const char **))

#endif
