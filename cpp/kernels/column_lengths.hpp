// The lengths of the columns of a matrix: the root of each one's sum of squares.
#pragma once
#include "kernels/statistics.hpp"

namespace evenly::EVENLY_ISA {

// Columns that are measured together.
constexpr Index kLengths = 64;

// The length of scale times a column. A column whose squares overflow or vanish in double, or whose
// length has no reciprocal in T, is scaled by a power of two to about 1, all others by 1.
struct ColumnLengths {
  double scale[kLengths], scaled[kLengths];

  double of(Index c) const { return scaled[c] / scale[c]; }

  template <class T>
  void measure(const T* first, Index rows, Index stride, Index count) {
    for (Index c = 0; c < count; ++c) scaled[c] = 0;
    for (Index r = 0; r < rows; ++r) {
      const T* row = first + r * stride;
#pragma omp simd
      for (Index c = 0; c < count; ++c)
        scaled[c] += static_cast<double>(row[c]) * static_cast<double>(row[c]);
    }
    constexpr double kLeast = sizeof(T) == 4 ? 1e-60 : 1e-290;
    constexpr double kMost = sizeof(T) == 4 ? 1e60 : 1e290;
    for (Index c = 0; c < count; ++c) {
      scale[c] = 1;
      if (scaled[c] > kLeast && scaled[c] < kMost)
        scaled[c] = std::sqrt(scaled[c]);
      else
        measure_scaled(first + c, rows, stride, c);
    }
  }

 private:
  template <class T>
  void measure_scaled(const T* column, Index rows, Index stride, Index c) {
    const Normal about_zero =
        scaled_moments<T, false>(rows, 0.0, [=](Index r) { return column[r * stride]; });
    scale[c] = about_zero.scale;
    scaled[c] = std::sqrt(about_zero.variance * static_cast<double>(rows));
  }
};

}  // namespace evenly::EVENLY_ISA
