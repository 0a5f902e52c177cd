// Matrix products: one tile, one thread, one call.
#pragma once
#include <cstdint>

namespace evenly {

// C (m x n) = op(A) op(B) [+ C if add]; row-major; lda, ldb, ldc are row lengths in elements.
void gemm(bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
          const float* a, std::int64_t lda, const float* b, std::int64_t ldb, bool add, float* c,
          std::int64_t ldc);
void gemm(bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
          const double* a, std::int64_t lda, const double* b, std::int64_t ldb, bool add, double* c,
          std::int64_t ldc);

// Whoever a shape belongs to, or one of the two.
enum class Maker : int { chosen = 0, own = 1, blas = 2 };

// C (m x n) = op(A) op(B) [+ C if add], of float or double.
struct MatrixProduct {
  Maker by;
  bool transpose_a, transpose_b, add;
  std::int64_t m, n, k;
  const void* a;
  std::int64_t lda;
  const void* b;
  std::int64_t ldb;
  void* c;
  std::int64_t ldc;
};

// Sets our own copy of OpenBLAS to one thread; NumPy's and SciPy's copies stay as they are.
void use_one_blas_thread();

}  // namespace evenly
