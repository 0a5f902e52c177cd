// Matrix products without packing the left side: sums of outer products in registers, some rows by
// a panel of two vectors, or of one. Rows may lie anywhere, so a convolution needs no copy of its
// windows.
#pragma once
#include "kernels/common.hpp"
#include "support/lanes.hpp"

namespace evenly::EVENLY_ISA {

template <class T>
constexpr Index kPanel = 2 * kVector<T>;  // columns of a panel

// Rows of a tile, by counting, for a processor of two loads and two multiply-adds a cycle that take
// four cycles each: eight sums hide how long one takes. A term loads V vectors and one number of
// each row, and a row has a pointer, of which there are 15. Nine are the places of a 3x3 window.
//
//   registers     rows x V   sums  registers in use  loads, multiply-adds  cycles a term (least)
//   16 (AVX2)     6 x 2      12    15                8, 12                 6   (6)
//                 9 x 1      9     11                10, 9                 5   (4.5)
//   32 (AVX-512)  8 x 2      16    19                10, 16                8   (8)
//                 9 x 1      9     11                10, 9                 5   (4.5)
//
// With 32 registers 6 x 2 has as few loads to wait for, but 23 instructions for 6 cycles, where
// some of those processors start four a cycle; 12 rows find no pointers, and more than 8 rows a
// large power of two apart no place in the first-level cache. Two vectors for the columns of one
// are 9 cycles where 5 do.
constexpr Index kRows = kVectorRegisters > 16 ? 8 : 6;  // of a tile of two vectors
constexpr Index kNarrowRows = 9;                        // of a tile of one
template <int V>
constexpr Index kRowsOf = V == 1 ? kNarrowRows : kRows;

template <class T>
inline Index panels(Index columns) {
  return divide_up(columns, kPanel<T>);
}

// A tile's sums: M rows of V vectors.
template <class T, int M, int V = 2>
struct Sums {
  Vector<T> value[M][V];

  void zero() {
    for (int i = 0; i < M; ++i)
      for (int v = 0; v < V; ++v) value[i][v] = Vector<T>{};
  }
  // Row i from `width` numbers, or a whole panel; the rest is 0.
  void take(int i, const T* from, Index width) {
    if (width >= V * kVector<T>) {
      for (int v = 0; v < V; ++v) value[i][v] = load(from + v * kVector<T>);
      return;
    }
    for (int v = 0; v < V; ++v) {
      const Index first = v * kVector<T>, left = larger(0, smaller(kVector<T>, width - first));
      value[i][v] = load_some(from + first, left);
    }
  }
  // The first `width` columns of row i, to where they belong.
  void put(int i, T* to, Index width) const {
    if (width >= V * kVector<T>) {
      for (int v = 0; v < V; ++v) store(to + v * kVector<T>, value[i][v]);
      return;
    }
    for (int v = 0; v < V; ++v) {
      const Index first = v * kVector<T>, left = larger(0, smaller(kVector<T>, width - first));
      store_some(to + first, value[i][v], left);
    }
  }
};

// Where the rows of a panel lie: `pitch` numbers apart, the second vector `second` behind the
// first.
template <class T>
struct PanelRows {
  Index pitch = kPanel<T>, second = kVector<T>;
};

// sums[i] += x times a panel's row.
template <class T, int M, int V>
EVENLY_INLINE void add_row(int i, T x, const Vector<T> (&row)[V], Sums<T, M, V>& sums) {
  const Vector<T> all = x - Vector<T>{};
  for (int v = 0; v < V; ++v) sums.value[i][v] += all * row[v];
}

// sums[i] += sum over k of rows[i][offsets[s] + k] panel[s, k], over segments of `length` numbers.
template <class T, int M, int V>
EVENLY_INLINE void add_products(const T* const* rows, const Index* offsets, Index segments,
                                Index length, const T* panel, Sums<T, M, V>& sums,
                                PanelRows<T> lie = {}) {
  const T* from[M];
  for (Index s = 0; s < segments; ++s) {
    for (int i = 0; i < M; ++i) from[i] = rows[i] + offsets[s];
    for (Index k = 0; k < length; ++k, panel += lie.pitch) {
      Vector<T> row[V];
      for (int v = 0; v < V; ++v) row[v] = load(panel + v * lie.second);
      EVENLY_UNROLL(9)
      for (int i = 0; i < M; ++i) add_row<T, M, V>(i, from[i][k], row, sums);
    }
  }
}

// The same for rows that are columns of a matrix, side by side: sum over n of rows[n step + i]
// panel[n].
template <class T, int M, int V>
EVENLY_INLINE void add_columns(const T* rows, Index step, Index count, const T* panel,
                               Sums<T, M, V>& sums, PanelRows<T> lie = {}) {
  for (Index n = 0; n < count; ++n, panel += lie.pitch, rows += step) {
    Vector<T> row[V];
    for (int v = 0; v < V; ++v) row[v] = load(panel + v * lie.second);
    EVENLY_UNROLL(9)
    for (int i = 0; i < M; ++i) add_row<T, M, V>(i, rows[i], row, sums);
  }
}

// sums[i] += sum over n of rows[i][n step] panel[n]: columns of a matrix that lie anywhere.
template <class T, int M, int V>
EVENLY_INLINE void add_outer(const T* const* rows, Index step, Index count, const T* panel,
                             Sums<T, M, V>& sums, PanelRows<T> lie = {}) {
  const T* from[M];
  for (int i = 0; i < M; ++i) from[i] = rows[i];
  for (Index n = 0; n < count; ++n, panel += lie.pitch) {
    Vector<T> row[V];
    for (int v = 0; v < V; ++v) row[v] = load(panel + v * lie.second);
    EVENLY_UNROLL(9)
    for (int i = 0; i < M; ++i) {
      add_row<T, M, V>(i, *from[i], row, sums);
      from[i] += step;
    }
  }
}

// Calls work(TileOf<M>) for a tile of m rows, 1 <= m <= kMost.
template <int M>
struct TileOf {
  static constexpr int rows = M;
};
template <Index kMost = kRows, class Work>
inline void with_rows(Index m, Work work) {
  if constexpr (kMost > 1)
    if (m < kMost) return with_rows<kMost - 1>(m, work);
  work(TileOf<static_cast<int>(kMost)>{});
}

// Calls work(TileOf<V>) with the vectors of a panel's row that hold `width` columns.
template <class T, class Work>
inline void with_vectors(Index width, Work work) {
  width <= kVector<T> ? work(TileOf<1>{}) : work(TileOf<2>{});
}

// The rows x columns matrix that get(row, column) gives, as panels: columns beyond the last are 0.
template <class T, class Get>
void pack_panels(Range panel_range, Index rows, Index columns, T* panels_out, Get get) {
  for (Index p = panel_range.begin; p < panel_range.end; ++p) {
    T* to = panels_out + p * rows * kPanel<T>;
    const Index first = p * kPanel<T>, width = smaller(kPanel<T>, columns - first);
    for (Index r = 0; r < rows; ++r, to += kPanel<T>) {
      for (Index c = 0; c < width; ++c) to[c] = get(r, first + c);
      for (Index c = width; c < kPanel<T>; ++c) to[c] = T(0);
    }
  }
}

}  // namespace evenly::EVENLY_ISA
