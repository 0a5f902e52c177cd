// What a layer normalization keeps of each row of x.
#pragma once
#include "kernels/epilogue.hpp"
#include "kernels/statistics.hpp"

namespace evenly::EVENLY_ISA {

// Rows of the buffer "statistics", one value a row of x each. A row whose squares overflow or
// vanish is scaled by a power of two first, all others by 1. The mean of what was scaled is near +
// mean_rest: x - near cancels nothing that matters.
template <class T>
struct RowStatistics {
  T *scale, *near, *mean_rest, *reciprocal;
  RowStatistics(T* base, Index rows)
      : scale(base), near(base + rows), mean_rest(base + 2 * rows), reciprocal(base + 3 * rows) {}
};

// One row's.
template <class T>
struct OfRow {
  T scale, near, rest, reciprocal;
  OfRow(const RowStatistics<T>& all, Index row)
      : scale(all.scale[row]),
        near(all.near[row]),
        rest(all.mean_rest[row]),
        reciprocal(all.reciprocal[row]) {}

  // What is left of x without the mean.
  template <bool kCentred, class Number>
  Number centre(Number x) const {
    if constexpr (kCentred) return (x * scale - near) - rest;
    return x * scale;
  }
};

}  // namespace evenly::EVENLY_ISA
