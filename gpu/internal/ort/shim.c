//go:build cgo && linux

#include "shim.h"

#include <dlfcn.h>

#define SLOT(position, result, name, parameters) \
  typedef result(*name##Function) parameters;    \
  enum { name##Slot = position };
ORT_SLOTS(SLOT)

#define ORT(name) ((name##Function)table[name##Slot])

#define TRY(call)                 \
  do {                            \
    OrtStatus *status = (call);   \
    if (status) return status;    \
  } while (0)

// One process has one ONNX Runtime: opened once, never closed.
static void *const *table;
static OrtEnv *environment;
static OrtMemoryInfo *cpu;

struct api_base { // the head of OrtApiBase
  const void *(*GetApi)(uint32_t version);
};

const char *ort_attach(const char *path) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
  if (!library) return "the library is not open";
  const struct api_base *(*get_base)(void) = (const struct api_base *(*)(void))dlsym(library, "OrtGetApiBase");
  if (!get_base) return "the library has no OrtGetApiBase";
  table = get_base()->GetApi(ORT_TABLE_VERSION);
  return table ? NULL : "the library is older than the function table that is needed";
}

OrtStatus *ort_start(void) {
  const OrtLevel fatal = 4;
  const OrtMemory device_allocator = 0, default_memory = 0;
  TRY(ORT(CreateEnv)(fatal, "weightgate", &environment));
  return ORT(CreateCpuMemoryInfo)(device_allocator, default_memory, &cpu);
}

static OrtStatus *configure(OrtSessionOptions *options, const ort_config *config) {
  // Every weight's location is rewritten to "null" beneath this folder: one that
  // was not supplied is read as empty, and creation fails.
  TRY(ORT(AddSessionConfigEntry)(options, "session.model_external_initializers_file_folder_path", "/dev"));
  TRY(ORT(SetSessionGraphOptimizationLevel)(options, config->optimization));
  if (config->threads) TRY(ORT(SetIntraOpNumThreads)(options, config->threads));
  return ORT(AddSessionConfigEntry)(options, "session.record_ep_graph_assignment_info", "1");
}

OrtStatus *ort_options(const ort_config *config, OrtSessionOptions **out) {
  TRY(ORT(CreateSessionOptions)(out));
  OrtStatus *status = configure(*out, config);
  if (status) ort_release_options(*out);
  return status;
}

OrtStatus *ort_cuda_options(const char *const *keys, const char *const *values, size_t n,
                            OrtCUDAProviderOptionsV2 **out) {
  TRY(ORT(CreateCUDAProviderOptions)(out));
  OrtStatus *status = ORT(UpdateCUDAProviderOptions)(*out, keys, values, n);
  if (status) ort_release_cuda_options(*out);
  return status;
}

OrtStatus *ort_append_cuda(OrtSessionOptions *options, const OrtCUDAProviderOptionsV2 *cuda) {
  return ORT(SessionOptionsAppendExecutionProvider_CUDA_V2)(options, cuda);
}

OrtStatus *ort_wrap(const ort_tensor *tensor, const int64_t *shape, OrtValue **out) {
  static char none; // no bytes still need an address
  void *data = tensor->size ? tensor->data : &none;
  return ORT(CreateTensorWithDataAsOrtValue)(cpu, data, tensor->size, shape, tensor->rank, tensor->element, out);
}

OrtStatus *ort_lend(OrtSessionOptions *options, const char *name, const OrtValue *value) {
  return ORT(AddInitializer)(options, name, value);
}

OrtStatus *ort_copy(OrtSessionOptions *options, const char *name, const OrtValue *value) {
  return ORT(AddExternalInitializers)(options, &name, &value, 1);
}

OrtStatus *ort_create(const OrtSessionOptions *options, const void *graph, size_t size, OrtSession **out) {
  return ORT(CreateSessionFromArray)(environment, graph, size, options, out);
}

OrtStatus *ort_assignment(const OrtSession *session, const OrtEpAssignedSubgraph *const **out, size_t *n) {
  return ORT(Session_GetEpGraphAssignmentInfo)(session, out, n);
}

OrtStatus *ort_assigned(const OrtEpAssignedSubgraph *subgraph, const char **provider,
                        const OrtEpAssignedNode *const **nodes, size_t *n) {
  TRY(ORT(EpAssignedSubgraph_GetEpName)(subgraph, provider));
  return ORT(EpAssignedSubgraph_GetNodes)(subgraph, nodes, n);
}

OrtStatus *ort_assigned_node(const OrtEpAssignedNode *node, const char **name, const char **domain, const char **op) {
  TRY(ORT(EpAssignedNode_GetName)(node, name));
  TRY(ORT(EpAssignedNode_GetDomain)(node, domain));
  return ORT(EpAssignedNode_GetOperatorType)(node, op);
}

void ort_cancel_create(OrtSessionOptions *options) {
  ort_release_status(ORT(SessionOptionsSetLoadCancellationFlag)(options, true));
}

OrtStatus *ort_run_options(OrtRunOptions **out) { return ORT(CreateRunOptions)(out); }

static OrtStatus *wrap_all(const ort_tensor *tensors, const int64_t *shapes, size_t n, OrtValue **values) {
  for (size_t i = 0; i < n; i++) {
    if (!tensors[i].absent) TRY(ort_wrap(&tensors[i], shapes, &values[i]));
    shapes += tensors[i].rank;
  }
  return NULL;
}

OrtStatus *ort_run(OrtSession *session, const OrtRunOptions *options, const char *const *names,
                   const ort_tensor *tensors, const int64_t *shapes, size_t inputs, size_t outputs, OrtValue **values) {
  for (size_t i = 0; i < inputs + outputs; i++) values[i] = NULL;
  OrtStatus *status = wrap_all(tensors, shapes, inputs + outputs, values);
  if (!status)
    status = ORT(Run)(session, options, names, (const OrtValue *const *)values, inputs, names + inputs, outputs,
                      values + inputs);
  for (size_t i = 0; i < inputs + outputs; i++) {
    if (!status && tensors[i].absent) continue;
    if (values[i]) ort_release_value(values[i]);
    values[i] = NULL;
  }
  return status;
}

void ort_terminate(OrtRunOptions *options) { ort_release_status(ORT(RunOptionsSetTerminate)(options)); }

void ort_resume(OrtRunOptions *options) { ort_release_status(ORT(RunOptionsUnsetTerminate)(options)); }

OrtStatus *ort_look(OrtValue *value, ort_tensor *out) {
  OrtTensorTypeAndShapeInfo *info = NULL;
  TRY(ORT(GetTensorTypeAndShape)(value, &info));
  OrtStatus *status = ORT(GetTensorElementType)(info, &out->element);
  if (!status) status = ORT(GetDimensionsCount)(info, &out->rank);
  if (!status) status = ORT(GetTensorMutableData)(value, &out->data);
  ORT(ReleaseTensorTypeAndShapeInfo)(info);
  return status;
}

OrtStatus *ort_shape(const OrtValue *value, int64_t *shape, size_t rank) {
  OrtTensorTypeAndShapeInfo *info = NULL;
  TRY(ORT(GetTensorTypeAndShape)(value, &info));
  OrtStatus *status = ORT(GetDimensions)(info, shape, rank);
  ORT(ReleaseTensorTypeAndShapeInfo)(info);
  return status;
}

const char *ort_message(const OrtStatus *status) { return ORT(GetErrorMessage)(status); }

void ort_release_status(OrtStatus *status) {
  if (status) ORT(ReleaseStatus)(status);
}

void ort_release_options(OrtSessionOptions *options) { ORT(ReleaseSessionOptions)(options); }

void ort_release_cuda_options(OrtCUDAProviderOptionsV2 *cuda) { ORT(ReleaseCUDAProviderOptions)(cuda); }

void ort_release_run_options(OrtRunOptions *options) { ORT(ReleaseRunOptions)(options); }

void ort_release_value(OrtValue *value) { ORT(ReleaseValue)(value); }

void ort_release_session(OrtSession *session) { ORT(ReleaseSession)(session); }
