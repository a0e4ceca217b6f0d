// Holds slots.h against the header of ONNX Runtime, which is included first.
// SHIFT is 0 and RESULT(r) is r, or what makes the check fail.
#include "onnxruntime_c_api.h"

#include "slots.h"

#define SLOT(position, result, name, parameters)                                                            \
  _Static_assert(offsetof(OrtApi, name) == ((position) + SHIFT) * sizeof(void *), #name ": position");      \
  _Static_assert(__builtin_types_compatible_p(__typeof__(((OrtApi *)0)->name), RESULT(result) (*)parameters), \
                 #name ": type");
ORT_SLOTS(SLOT)

_Static_assert(ORT_API_VERSION == ORT_TABLE_VERSION, "version of the table");
