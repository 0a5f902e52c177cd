// Products of small matrices, without a call of the BLAS: on some processors its own path for
// small products allocates, and what it does before it computes costs as much as the product.
// Nothing is copied where the right side's rows lie as they are needed.
#pragma once
#include "kernels/thin_product.hpp"
#include "support/blas.hpp"

namespace evenly::EVENLY_ISA {

// Up to this many multiplications a product is small. (OpenBLAS takes a buffer up to here, where
// it has AVX-512.)
constexpr double kSmallProduct = 1e6;
constexpr Index kWorthACopy = 24;  // rows that read a panel, to make up for copying it

inline bool is_small(Index m, Index n, Index k) {
  return static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k) <= kSmallProduct;
}

// Columns of the result that are computed together: two vectors, which may overlap, or one.
struct Columns {
  Index first, second;  // where the vectors begin; second < 0: there is one
  Index width;          // of one that is narrower than a vector, or whose first columns are done
};

// Of n columns the next to compute, when `done` of them are.
template <class T>
inline Columns next_columns(Index done, Index n) {
  const Index left = n - done;
  if (n < kVector<T>) return {0, -1, n};
  if (left > kVector<T>) return {done, smaller(done + kVector<T>, n - kVector<T>), kPanel<T>};
  return {n - kVector<T>, -1, left};
}

// The right side's panel for `terms` terms from the k-th, copied so that a vector is one load.
template <class T>
void pack_right(const Side<T>& b, Index first, Index width, Index k, Index terms, T* to,
                Index pitch) {
  Index done = 0;
  if (width == kVector<T> && b.row == 1)
    for (; done < terms; ++done) store(to + done * pitch, load(b.at(first, k + done)));
  if (width == kVector<T> && b.term == 1)
    for (; done + kVector<T> <= terms; done += kVector<T>)
      transpose_square(b.at(first, k + done), b.row, to + done * pitch, pitch);
  for (; done < terms; ++done) {
    for (Index c = 0; c < width; ++c) to[done * pitch + c] = *b.at(first + c, k + done);
    for (Index c = width; c < kVector<T>; ++c) to[done * pitch + c] = T(0);
  }
}

// The rows' part: c = left panel, or c += left panel.
template <class T, int V>
void rows_by_panel(const Side<T>& a, Index m, Index k, Index terms, const T* panel,
                   PanelRows<T> lie, Columns columns, bool add, T* c, Index ldc) {
  constexpr Index kWide = kVector<T>;
  const Index nothing = 0, tiles = divide_up(m, kRows);
  const bool whole = V == 2 || columns.width == kWide;
  // The columns that this panel must not write: they are behind a narrow one, or were done before.
  const Index skip = V == 1 && columns.first > 0 ? kWide - columns.width : 0;
  for (Index t = 0; t < tiles; ++t) {
    const Index row = m * t / tiles;
    with_rows(m * (t + 1) / tiles - row, [&](auto tile) {
      constexpr int M = decltype(tile)::rows;
      const T* at[M];
      for (int i = 0; i < M; ++i) at[i] = a.at(row + i, k);
      Sums<T, M, V> sums;
      sums.zero();
      if (a.term == 1)
        add_products(at, &nothing, 1, terms, panel, sums, lie);
      else
        add_outer(at, a.term, terms, panel, sums, lie);
      for (int i = 0; i < M; ++i) {
        T* to = c + (row + i) * ldc + columns.first;
        if (whole) {
          // Vectors that overlap hold the same sums there: both read what is added to first.
          const Index step = V == 2 ? columns.second - columns.first : 0;
          if (add)
            for (int v = 0; v < V; ++v) sums.value[i][v] += load(to + v * step);
          for (int v = 0; v < V; ++v) store(to + v * step, sums.value[i][v]);
          continue;
        }
        T part[V * kWide];
        sums.put(i, part, V * kWide);
        for (Index j = skip; j < skip + columns.width; ++j) to[j] = add ? to[j] + part[j] : part[j];
      }
    });
  }
}

// Whether numbers so far apart fall to few places of the cache.
template <class T>
inline bool crowded(Index pitch) {
  return pitch * static_cast<Index>(sizeof(T)) % 1024 == 0;
}

// c (m x n) = a b [+ c], for some terms; the buffer is for a panel.
template <class T>
void panels_product(const Side<T>& a, const Side<T>& b, Index m, Index n, Index k, Index terms,
                    T* buffer, bool add, T* c, Index ldc) {
  const bool in_place = b.row == 1 && n >= kVector<T> && (m < kWorthACopy || !crowded<T>(b.term));
  for (Index done = 0; done < n;) {
    const Columns columns = next_columns<T>(done, n);
    const bool two = columns.second >= 0;
    const T* panel = b.at(columns.first, k);
    PanelRows<T> lie{b.term, columns.second - columns.first};
    if (!in_place) {
      lie = {two ? kPanel<T> : kVector<T>, kVector<T>};
      const Index width = smaller(kVector<T>, n);
      pack_right(b, columns.first, width, k, terms, buffer, lie.pitch);
      if (two) pack_right(b, columns.second, width, k, terms, buffer + kVector<T>, lie.pitch);
      panel = buffer;
    }
    if (two)
      rows_by_panel<T, 2>(a, m, k, terms, panel, lie, columns, add, c, ldc);
    else
      rows_by_panel<T, 1>(a, m, k, terms, panel, lie, columns, add, c, ldc);
    done = two ? columns.second + kVector<T> : n;
  }
}

// C (m x n) = A B [+ C].
template <class T>
void small_product(const Side<T>& a, const Side<T>& b, Index m, Index n, Index k, bool add, T* c,
                   Index ldc) {
  alignas(kLaneBytes) T buffer[kTerms * kPanel<T>];
  const bool long_rows = a.term == 1 && k >= 2 * kVector<T>;
  for (Index begin = 0; begin == 0 || begin < k; begin += kTerms, add = true) {
    const Index terms = smaller(kTerms, k - begin);
    if (n < kVector<T> && m >= kVector<T> && long_rows)
      dots_with_few(a, m, b, n, begin, terms, buffer, add, Result<T>{c, ldc, 1});
    else if (n <= kVector<T> && m >= kVector<T> && a.row == 1)
      few_by_rows(b, n, a, m, begin, terms, add, Result<T>{c, ldc, 1});
    else if (m < kFewDots && n >= kVector<T> && long_rows && b.term == 1)
      dots_with_few(b, n, a, m, begin, terms, buffer, add, Result<T>{c, 1, ldc});
    else
      panels_product(a, b, m, n, begin, terms, buffer, add, c, ldc);
  }
}

// C (m x n) = op(A) op(B) [+ C if add]; row-major; lda, ldb, ldc are row lengths in elements. Which
// way a product goes depends on its shape alone.
template <class T>
void matrix_product(bool transpose_a, bool transpose_b, Index m, Index n, Index k, const T* a,
                    Index lda, const T* b, Index ldb, bool add, T* c, Index ldc) {
  if (!is_small(m, n, k))
    return gemm(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, add, c, ldc);
  const Side<T> left{a, transpose_a ? 1 : lda, transpose_a ? lda : 1};
  const Side<T> right{b, transpose_b ? ldb : 1, transpose_b ? 1 : ldb};
  small_product(left, right, m, n, k, add, c, ldc);
}

}  // namespace evenly::EVENLY_ISA
