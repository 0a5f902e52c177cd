// Products without a call of the BLAS: on some processors its own path for small products
// allocates, what it does before it computes costs as much as a small product, and it packs what
// already lies as it is needed. Here nothing is copied where the right side's rows do; and a strip
// of columns turns or copies its part of the right side once, for all rows.
#pragma once
#include "kernels/thin_product.hpp"
#include "support/blas.hpp"

namespace evenly::EVENLY_ISA {

// Up to this many multiplications a product is small. (OpenBLAS takes a buffer up to here, where it
// has AVX-512.)
constexpr double kSmallProduct = 1e6;
// Whether a tile, of 8 rows by two long vectors, uses whole lines of the right side and half lines
// of a left side that is turned. A smaller one must find what it leaves of them in a cache nearby.
constexpr bool kWholeLines = kLaneBytes >= 64;
// Numbers that the right side may have.
constexpr Index kRightInCache = Index{1} << (kWholeLines ? 20 : 18);
constexpr Index kWorthACopy = 24;  // rows that read a panel, to make up for copying it

// Whether a product is made here, by its shape alone. The BLAS packs both sides: that pays for a
// large right side, which is copied along its rows here too where it is turned, and for a left side
// that is turned, as in a kernel's gradient, whose columns are read here where they lie.
inline bool is_own(bool transpose_a, bool transpose_b, Index m, Index n, Index k, Index ldb) {
  const double work = static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  if (work <= kSmallProduct) return true;
  return transpose_a ? kWholeLines : transpose_b || k * ldb <= kRightInCache;
}

// A grid of tiles over an m x n result whose products have k terms, of sides that are whole.
struct Grid {
  Index m, n, tile_m, tile_n, across, count;

  Grid(bool transpose_a, bool transpose_b, Index m_, Index n_, Index k)
      : m(m_), n(n_), tile_m(m_), tile_n(n_), across(1), count(0) {
    if (m == 0) return;  // a result that nobody wants
    if (is_own(transpose_a, transpose_b, m, n, k, n))
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
    constexpr Index kStripColumns = 32, kRowsInCache = 256, kWorthATile = Index{1} << 17, kFew = 8;
    constexpr Index kWhole = larger(8, kVector<float>);
    const Index rows = divide_up(m, divide_up(m, kRowsInCache));
    const Index least = divide_up(kWorthATile, larger(1, rows * k));
    const Index columns = larger(kStripColumns, least), number = (n + columns / 2) / columns;
    tile_m = round_up(rows);
    if (number >= kFew) {
      tile_n = (n / number + kStripColumns / 2) / kStripColumns * kStripColumns;  // whole panels
    } else if (number > 1) {
      tile_n = divide_up(divide_up(n, number), kWhole) * kWhole;
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

// Some panels' parts of the right side, for `terms` terms from the k-th. Rows that lie side by side
// are walked once for all of them: they are often a page apart, and each is waited for.
template <class T>
void pack_group(const Side<T>& b, const Columns* group, Index count, Index width, Index k,
                Index terms, T* to) {
  const Index size = terms * kPanel<T>;
  const bool side_by_side = b.row == 1 && width == kVector<T>;
  for (Index t = 0; side_by_side && t < terms; ++t)
    for (Index g = 0; g < count; ++g) {
      T* row = to + g * size + t * kPanel<T>;
      store(row, load(b.at(group[g].first, k + t)));
      if (group[g].second >= 0) store(row + kVector<T>, load(b.at(group[g].second, k + t)));
    }
  if (side_by_side) return;
  for (Index g = 0; g < count; ++g) {
    pack_turned(b, group[g].first, width, k, terms, to + g * size);
    if (group[g].second >= 0)
      pack_turned(b, group[g].second, width, k, terms, to + g * size + kVector<T>);
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
        if (skip == 0) {
          if (add) sums.value[i][0] += load_some(to, columns.width);
          store_some(to, sums.value[i][0], columns.width);
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

// Panels that are copied together: what their rows read is two lines of the cache side by side.
template <class T>
constexpr Index kTogether = larger(1, 128 / (kPanel<T> * static_cast<Index>(sizeof(T))));

// c (m x n) = a b [+ c], for some terms; the buffer is for kTogether panels.
template <class T>
void panels_product(const Side<T>& a, const Side<T>& b, Index m, Index n, Index k, Index terms,
                    T* buffer, bool add, T* c, Index ldc) {
  const bool in_place = b.row == 1 && n >= kVector<T> && (m < kWorthACopy || !crowded<T>(b.term));
  const Index width = smaller(kVector<T>, n), together = in_place ? 1 : kTogether<T>;
  for (Index done = 0; done < n;) {
    Columns group[kTogether<T>];
    Index count = 0;
    for (; count < together && done < n; ++count) {
      group[count] = next_columns<T>(done, n);
      done = group[count].second >= 0 ? group[count].second + kVector<T> : n;
    }
    if (!in_place) pack_group(b, group, count, width, k, terms, buffer);
    for (Index g = 0; g < count; ++g) {
      const Columns& columns = group[g];
      const bool two = columns.second >= 0;
      const T* panel = in_place ? b.at(columns.first, k) : buffer + g * terms * kPanel<T>;
      const PanelRows<T> lie =
          in_place ? PanelRows<T>{b.term, columns.second - columns.first} : PanelRows<T>{};
      if (two)
        rows_by_panel<T, 2>(a, m, k, terms, panel, lie, columns, add, c, ldc);
      else
        rows_by_panel<T, 1>(a, m, k, terms, panel, lie, columns, add, c, ldc);
    }
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
  alignas(kLaneBytes) T buffer[kTogether<T> * kTerms * kPanel<T>];
  const Side<T> a{left, transpose_a ? 1 : lda, transpose_a ? lda : 1};
  const Side<T> b{right, transpose_b ? ldb : 1, transpose_b ? 1 : ldb};
  const bool long_rows = a.term == 1 && k >= 2 * kVector<T>;
  // Parts that are alike: a short last one would be all beginning and end.
  const Index parts = larger(1, divide_up(k, kTerms));
  for (Index part = 0; part < parts; ++part, add = true) {
    const Index begin = k * part / parts, terms = k * (part + 1) / parts - begin;
    if (n < kNarrowDots<T> && m >= kVector<T> && long_rows)
      dots_with_few(a, m, b, n, begin, terms, buffer, add, Result<T>{c, ldc, 1});
    else if (n < kVector<T> && m >= kVector<T> && (a.row == 1 || (long_rows && m >= kPanel<T>)))
      few_by_rows(b, n, a, m, begin, terms, buffer, add, Result<T>{c, ldc, 1});
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
  const auto make = is_own(transpose_a, transpose_b, m, n, k, ldb)
                        ? &own_product<T>
                        : static_cast<MultiplyMatrices<T>*>(gemm);
  make(transpose_a, transpose_b, m, n, k, a, lda, b, ldb, add, c, ldc);
}

}  // namespace evenly::EVENLY_ISA
