#include "support/blas.hpp"

#include <cblas.h>

namespace evenly {
namespace {

CBLAS_TRANSPOSE order(bool transpose) {
  return transpose ? CblasTrans : CblasNoTrans;
}
blasint size(std::int64_t n) {
  return static_cast<blasint>(n);
}

}  // namespace

void gemm(bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
          const float* a, std::int64_t lda, const float* b, std::int64_t ldb, bool add, float* c,
          std::int64_t ldc) {
  scipy_cblas_sgemm(CblasRowMajor, order(transpose_a), order(transpose_b), size(m), size(n),
                    size(k), 1.0f, a, size(lda), b, size(ldb), add ? 1.0f : 0.0f, c, size(ldc));
}

void gemm(bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
          const double* a, std::int64_t lda, const double* b, std::int64_t ldb, bool add, double* c,
          std::int64_t ldc) {
  scipy_cblas_dgemm(CblasRowMajor, order(transpose_a), order(transpose_b), size(m), size(n),
                    size(k), 1.0, a, size(lda), b, size(ldb), add ? 1.0 : 0.0, c, size(ldc));
}

void use_one_blas_thread() {
  scipy_openblas_set_num_threads(1);
}

}  // namespace evenly
