// What Go calls: each function is one step of a session's life. Those that
// return an OrtStatus return NULL on success; the caller releases any other.
#ifndef WEIGHTGATE_ORT_SHIM_H
#define WEIGHTGATE_ORT_SHIM_H

#include "slots.h"

// A tensor over memory that it does not own. One without memory is absent: an
// output that the runtime is to allocate.
typedef struct {
  void *data;
  size_t size;
  size_t rank;
  OrtElement element;
  bool absent;
} ort_tensor;

typedef struct {
  OrtLevel optimization;
  int threads; // within one operator; 0: the runtime's choice
} ort_config;

// ort_attach finds the function table of the library that is already open at
// path. It returns NULL, or what is wrong.
const char *ort_attach(const char *path);
// ort_start takes a share in the process's environment.
OrtStatus *ort_start(void);

OrtStatus *ort_options(const ort_config *config, OrtSessionOptions **out);
// ort_cuda_options opens the CUDA provider if the process has not yet.
OrtStatus *ort_cuda_options(const char *const *keys, const char *const *values, size_t n,
                            OrtCUDAProviderOptionsV2 **out);
OrtStatus *ort_append_cuda(OrtSessionOptions *options, const OrtCUDAProviderOptionsV2 *cuda);
OrtStatus *ort_wrap(const ort_tensor *tensor, const int64_t *shape, OrtValue **out);
OrtStatus *ort_lend(OrtSessionOptions *options, const char *name, const OrtValue *value);
OrtStatus *ort_copy(OrtSessionOptions *options, const char *name, const OrtValue *value);
OrtStatus *ort_create(const OrtSessionOptions *options, const void *graph, size_t size, OrtSession **out);
void ort_cancel_create(OrtSessionOptions *options);

// ort_assignment lists the parts of the graph as providers took them. These and
// what they point to are the session's.
OrtStatus *ort_assignment(const OrtSession *session, const OrtEpAssignedSubgraph *const **out, size_t *n);
OrtStatus *ort_assigned(const OrtEpAssignedSubgraph *subgraph, const char **provider,
                        const OrtEpAssignedNode *const **nodes, size_t *n);
OrtStatus *ort_assigned_node(const OrtEpAssignedNode *node, const char **name, const char **domain, const char **op);

OrtStatus *ort_run_options(OrtRunOptions **out);
// ort_run runs the session over inputs and then outputs tensors, whose shapes
// follow one another. Of values it needs one for each; after success those of
// absent outputs are the caller's to release, all others are NULL.
OrtStatus *ort_run(OrtSession *session, const OrtRunOptions *options, const char *const *names,
                   const ort_tensor *tensors, const int64_t *shapes, size_t inputs, size_t outputs, OrtValue **values);
void ort_terminate(OrtRunOptions *options);
void ort_resume(OrtRunOptions *options);
// ort_look describes a value; its shape is read by ort_shape.
OrtStatus *ort_look(OrtValue *value, ort_tensor *out);
OrtStatus *ort_shape(const OrtValue *value, int64_t *shape, size_t rank);

const char *ort_message(const OrtStatus *status);
void ort_release_status(OrtStatus *status);
void ort_release_options(OrtSessionOptions *options);
void ort_release_cuda_options(OrtCUDAProviderOptionsV2 *cuda);
void ort_release_run_options(OrtRunOptions *options);
void ort_release_value(OrtValue *value);
void ort_release_session(OrtSession *session);

#endif
