// A stand-in for libcublas.so.13, which multiplies float32 on the host.
#include <stdlib.h>

#define NOTHING(name) int name(void) { return 0; }

int cublasCreate_v2(void **handle) { return (*handle = malloc(8)) ? 0 : 3; }
const char *cublasGetStatusString(int s) { return "a status of the stand-in"; }
const char *cublasGetStatusName(int s) { return "CUBLAS_STATUS"; }

// C = alpha·op(A)·op(B) + beta·C, by columns.
int cublasSgemm_v2(void *handle, int ta, int tb, int m, int n, int k, const float *alpha, const float *a, int lda,
                   const float *b, int ldb, const float *beta, float *c, int ldc) {
  for (long j = 0; j < n; j++) {
    for (long i = 0; i < m; i++) {
      double sum = 0;
      for (long l = 0; l < k; l++) sum += (double)a[ta ? l + i * lda : i + l * lda] * b[tb ? j + l * ldb : l + j * ldb];
      float *out = &c[i + j * ldc];
      *out = *alpha * sum + (*beta == 0 ? 0 : *beta * *out);
    }
  }
  return 0;
}

NOTHING(cublasDestroy_v2) NOTHING(cublasDgeam) NOTHING(cublasDgemmBatched) NOTHING(cublasDgemmStridedBatched)
NOTHING(cublasDgemm_v2) NOTHING(cublasDgetrfBatched) NOTHING(cublasDgetriBatched)
NOTHING(cublasGemmBatchedEx) NOTHING(cublasGemmEx) NOTHING(cublasGemmStridedBatchedEx)
NOTHING(cublasGetMathMode) NOTHING(cublasScopy_v2) NOTHING(cublasSetMathMode) NOTHING(cublasSetStream_v2)
NOTHING(cublasSgeam) NOTHING(cublasSgemmBatched) NOTHING(cublasSgemmStridedBatched)
NOTHING(cublasSgetrfBatched) NOTHING(cublasSgetriBatched) NOTHING(cublasSscal_v2)
