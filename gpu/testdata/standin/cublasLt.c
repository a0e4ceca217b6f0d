// A stand-in for libcublasLt.so.13, which does nothing.
#include <stdlib.h>

#define NOTHING(name) int name(void) { return 0; }

int cublasLtCreate(void **handle) { return (*handle = malloc(8)) ? 0 : 3; }

NOTHING(cublasLtDestroy) NOTHING(cublasLtMatmul) NOTHING(cublasLtMatmulAlgoConfigSetAttribute)
NOTHING(cublasLtMatmulAlgoGetHeuristic) NOTHING(cublasLtMatmulAlgoInit) NOTHING(cublasLtMatmulDescCreate)
NOTHING(cublasLtMatmulDescDestroy) NOTHING(cublasLtMatmulDescSetAttribute)
NOTHING(cublasLtMatmulPreferenceCreate) NOTHING(cublasLtMatmulPreferenceDestroy)
NOTHING(cublasLtMatmulPreferenceSetAttribute) NOTHING(cublasLtMatrixLayoutCreate)
NOTHING(cublasLtMatrixLayoutDestroy) NOTHING(cublasLtMatrixLayoutSetAttribute)
NOTHING(cublasLtMatrixTransform) NOTHING(cublasLtMatrixTransformDescCreate)
NOTHING(cublasLtMatrixTransformDescDestroy)
