// Small matrix products without packing the left side: sums of outer products in registers, six
// rows by a panel of two vectors. Rows may lie anywhere, so a convolution needs no copy of its
// windows.
#pragma once
#include "kernels/common.hpp"
#include "support/dispatch_products.hpp"

namespace evenly::EVENLY_ISA {

template <class T>
struct VectorOf {
  typedef T type EVENLY_VECTOR(kLaneBytes);
};
template <class T>
using Vector = typename VectorOf<T>::type;

template <class T>
constexpr Index kVector = kLaneBytes / static_cast<Index>(sizeof(T));
template <class T>
constexpr Index kPanel = 2 * kVector<T>;  // columns of a panel
constexpr Index kRows = 6;                // of a tile: with two columns, twelve sums in registers

template <class T>
inline Vector<T> load(const T* from) {
  Vector<T> v;
  std::memcpy(&v, from, sizeof v);
  return v;
}
template <class T>
inline void store(T* to, Vector<T> v) {
  std::memcpy(to, &v, sizeof v);
}

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
    T row[V * kVector<T>] = {};
    for (Index c = 0; c < width; ++c) row[c] = from[c];
    for (int v = 0; v < V; ++v) value[i][v] = load(row + v * kVector<T>);
  }
  // The first `width` columns of row i, to where they belong.
  void put(int i, T* to, Index width) const {
    if (width >= V * kVector<T>) {
      for (int v = 0; v < V; ++v) store(to + v * kVector<T>, value[i][v]);
      return;
    }
    T row[V * kVector<T>];
    for (int v = 0; v < V; ++v) store(row + v * kVector<T>, value[i][v]);
    for (Index c = 0; c < width; ++c) to[c] = row[c];
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
      EVENLY_UNROLL(6)
      for (int i = 0; i < M; ++i) add_row<T, M, V>(i, from[i][k], row, sums);
    }
  }
}

// sums[i] += sum over n of rows[i][n step] panel[n]: the rows are columns of a matrix.
template <class T, int M, int V>
EVENLY_INLINE void add_outer(const T* const* rows, Index step, Index count, const T* panel,
                             Sums<T, M, V>& sums, PanelRows<T> lie = {}) {
  const T* from[M];
  for (int i = 0; i < M; ++i) from[i] = rows[i];
  for (Index n = 0; n < count; ++n, panel += lie.pitch) {
    Vector<T> row[V];
    for (int v = 0; v < V; ++v) row[v] = load(panel + v * lie.second);
    EVENLY_UNROLL(6)
    for (int i = 0; i < M; ++i) {
      add_row<T, M, V>(i, *from[i], row, sums);
      from[i] += step;
    }
  }
}

// Calls work(integral constant M) for a tile of m rows, 1 <= m <= kRows.
template <int M>
struct TileOf {
  static constexpr int rows = M;
};
template <class Work>
inline void with_rows(Index m, Work work) {
  switch (m) {
    case 1:
      return work(TileOf<1>{});
    case 2:
      return work(TileOf<2>{});
    case 3:
      return work(TileOf<3>{});
    case 4:
      return work(TileOf<4>{});
    case 5:
      return work(TileOf<5>{});
    default:
      return work(TileOf<6>{});
  }
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
