// Products without a call of the BLAS: on some processors its own path for small products
// allocates, what it does before it computes costs as much as a small product, and it packs what
// already lies as it is needed. Here nothing is copied where the right side's rows do; and a strip
// of columns turns or copies its part of the right side once, for all rows.
#pragma once
#include "kernels/thin_product.hpp"
#include "support/blas.hpp"

namespace evenly::EVENLY_ISA {

// A product whose left side is turned, as in a kernel's gradient, is the BLAS's from so many
// multiplications on: it packs that side, whose columns are read here where they lie. (OpenBLAS
// takes a buffer up to here, where it has AVX-512.)
constexpr double kSmallProduct = 1e6;
constexpr Index kWorthACopy = 24;  // rows that read a panel, to make up for copying it

inline bool is_own(bool transpose_a, Index m, Index n, Index k) {
  return !transpose_a ||
         static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k) <= kSmallProduct;
}

// A grid of tiles over an m x n result whose products have k terms.
struct Grid {
  Index m, n, tile_m, tile_n, across, count;

  Grid(bool transpose_a, Index m_, Index n_, Index k)
      : m(m_), n(n_), tile_m(m_), tile_n(n_), across(1), count(0) {
    if (m == 0) return;  // a result that nobody wants
    if (is_own(transpose_a, m, n, k))
      strips(k);
    else
      halves(k);
    across = divide_up(n, tile_n);
    count = divide_up(m, tile_m) * across;
  }
  Piece tile(Index index) const {
    const Index row = index / across * tile_m, column = index % across * tile_n;
    return {row, smaller(row + tile_m, m), column, smaller(column + tile_n, n)};
  }

 private:
  // Of columns: the right side is copied strip by strip, the left side's rows stay in the cache.
  void strips(Index k) {
    constexpr Index kStripColumns = 32, kRowsInCache = 256, kWorthATile = Index{1} << 15, kFew = 8;
    const Index rows = divide_up(m, divide_up(m, kRowsInCache));
    const Index least = divide_up(kWorthATile, larger(1, rows * k));
    const Index columns = larger(kStripColumns, least), number = (n + columns / 2) / columns;
    tile_m = round_up(rows);
    if (number > 1) {
      tile_n = divide_up(divide_up(n, number), 8) * 8;
    } else if (m <= kRowsInCache) {
      const Index parts = larger(1, smaller(kFew, m * n * k / kWorthATile));
      tile_m = round_up(divide_up(m, parts));
    }
  }
  // Of the longer side: into four tiles where each is worth a call, into more only where they are
  // large, since every tile packs its operands anew.
  void halves(Index k) {
    constexpr Index kFew = 4, kWorthACall = Index{1} << 20;
    constexpr Index kMany = 32, kLarge = Index{1} << 25;
    for (;;) {
      const Index tiles = divide_up(m, tile_m) * divide_up(n, tile_n), work = tile_m * tile_n * k;
      const bool split = (tiles < kFew && work >= kWorthACall) || (tiles < kMany && work >= kLarge);
      if (!split || larger(tile_m, tile_n) < 32) break;
      Index& longer = tile_m >= tile_n ? tile_m : tile_n;
      longer = round_up(divide_up(longer, 2));
    }
  }
  static Index round_up(Index size) { return divide_up(size, 16) * 16; }
};

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
  const Index nothing = 0, tiles = divide_up(m, kRowsOf<V>);
  const bool whole = V == 2 || columns.width == kWide;
  // The columns that this panel must not write: they are behind a narrow one, or were done before.
  const Index skip = V == 1 && columns.first > 0 ? kWide - columns.width : 0;
  for (Index t = 0; t < tiles; ++t) {
    const Index row = m * t / tiles;
    with_rows<kRowsOf<V>>(m * (t + 1) / tiles - row, [&](auto tile) {
      constexpr int M = decltype(tile)::rows;
      const T* at[M];
      for (int i = 0; i < M; ++i) at[i] = a.at(row + i, k);
      Sums<T, M, V> sums;
      sums.zero();
      if (a.term == 1)
        add_products(at, &nothing, 1, terms, panel, sums, lie);
      else
        add_columns(at[0], a.term, terms, panel, sums, lie);
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

// C (m x n) = op(A) op(B) [+ C if add]; row-major; lda, ldb, ldc are row lengths in elements.
template <class T>
using MultiplyMatrices = void(bool transpose_a, bool transpose_b, Index m, Index n, Index k,
                              const T* a, Index lda, const T* b, Index ldb, bool add, T* c,
                              Index ldc);

template <class T>
void own_product(bool transpose_a, bool transpose_b, Index m, Index n, Index k, const T* left,
                 Index lda, const T* right, Index ldb, bool add, T* c, Index ldc) {
  alignas(kLaneBytes) T buffer[kTerms * kPanel<T>];
  const Side<T> a{left, transpose_a ? 1 : lda, transpose_a ? lda : 1};
  const Side<T> b{right, transpose_b ? ldb : 1, transpose_b ? 1 : ldb};
  const bool long_rows = a.term == 1 && k >= 2 * kVector<T>;
  // Parts that are alike: a short last one would be all beginning and end.
  const Index parts = larger(1, divide_up(k, kTerms));
  for (Index part = 0; part < parts; ++part, add = true) {
    const Index begin = k * part / parts, terms = k * (part + 1) / parts - begin;
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

// Which of the two makes a product depends on its shape alone.
template <class T>
void matrix_product(bool transpose_a, bool transpose_b, Index m, Index n, Index k, const T* a,
                    Index lda, const T* b, Index ldb, bool add, T* c, Index ldc) {
  const auto make =
      is_own(transpose_a, m, n, k) ? &own_product<T> : static_cast<MultiplyMatrices<T>*>(gemm);
  make(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, add, c, ldc);
}

}  // namespace evenly::EVENLY_ISA
