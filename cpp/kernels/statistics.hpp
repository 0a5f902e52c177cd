// Sums over rows, accurate and in a fixed order: the moments of columns, and sums of columns.
#pragma once
#include "kernels/common.hpp"

namespace evenly::EVENLY_ISA {

// Columns that one task handles together; their running sums stay in the first-level cache.
constexpr Index kStrip = 128;
constexpr Index kNarrowStrip = 64;

// Strips of columns: narrow ones where there are few columns, so that the team has work to share.
struct Strips {
  Index columns, width, count;
  explicit Strips(Index columns_)
      : columns(columns_),
        width(columns_ > 4 * kStrip ? kStrip : kNarrowStrip),
        count(divide_up(columns_, width)) {}
  Range strip(Index index) const { return {index * width, smaller((index + 1) * width, columns)}; }
};

// The row blocks of a reduction over rows, and how small one may be.
inline RowBlocks reduction_blocks(Index rows) {
  return RowBlocks(rows, 256);
}

// first[c] += sum of a(row, c), second[c] += sum of b(row, c) over the rows of a range, for a strip
// of columns. Eight rows at a time, so that the sums are loaded and stored once for eight rows.
// terms(row) gives a function of the column that yields both terms.
template <class T, class Terms>
void sum_rows(Range rows, Range columns, T* first, T* second, Terms terms) {
  constexpr Index kGroup = 8;
  const Index width = columns.end - columns.begin;
  for (Index c = 0; c < width; ++c) first[c] = second[c] = T(0);
  Index row = rows.begin;
  for (; row + kGroup <= rows.end; row += kGroup) {
#pragma omp simd
    for (Index c = 0; c < width; ++c) {
      T a = first[c], b = second[c];
#pragma GCC unroll 8
      for (Index r = 0; r < kGroup; ++r) terms(row + r, columns.begin + c, a, b);
      first[c] = a;
      second[c] = b;
    }
  }
  for (; row < rows.end; ++row) {
#pragma omp simd
    for (Index c = 0; c < width; ++c) terms(row, columns.begin + c, first[c], second[c]);
  }
}

// Sum of the columns of a matrix, for a strip: blocks of rows in T, their total in double.
template <class T>
void column_sums(const T* x, Index rows, Index stride, Range columns, T* result) {
  constexpr Index kBlock = 256;
  const Index width = columns.end - columns.begin;
  double total[kStrip];
  T sums[kStrip], unused[kStrip];
  for (Index c = 0; c < width; ++c) total[c] = 0;
  for (Index row = 0; row < rows; row += kBlock) {
    sum_rows<T>({row, smaller(row + kBlock, rows)}, columns, sums, unused,
                [x, stride](Index r, Index c, T& a, T&) { a += x[r * stride + c]; });
    for (Index c = 0; c < width; ++c) total[c] += static_cast<double>(sums[c]);
  }
  for (Index c = 0; c < width; ++c) result[columns.begin + c] = static_cast<T>(total[c]);
}

// The moments of one column, or of one block of it: mean, and the sum of squared deviations.
struct Moments {
  double count = 0, mean = 0, squares = 0;

  // Chan, Golub and LeVeque (1983), equation 2.1.
  void add(const Moments& other) {
    const double total = count + other.count;
    const double difference = other.mean - mean;
    mean += difference * other.count / total;
    squares += other.squares + difference * difference * count * other.count / total;
    count = total;
  }
};

// Mean and squares of a strip of columns over a block of rows, shifted by the block's first row:
// x - shift is small where the data is far from zero, so nothing cancels.
template <class T>
void block_moments(const T* x, Index stride, Range rows, Range columns, double* means,
                   double* squares) {
  T sum[kStrip], square[kStrip];
  const T* shift = x + rows.begin * stride;
  sum_rows<T>(rows, columns, sum, square, [x, shift, stride](Index r, Index c, T& a, T& b) {
    const T d = x[r * stride + c] - shift[c];
    a += d;
    b += d * d;
  });
  const double n = static_cast<double>(rows.end - rows.begin);
  for (Index c = 0; c < columns.end - columns.begin; ++c) {
    const double s = static_cast<double>(sum[c]);
    means[c] = static_cast<double>(shift[columns.begin + c]) + s / n;
    const double rest = static_cast<double>(square[c]) - s * s / n;
    squares[c] = rest < 0 ? 0 : rest;  // NaN passes
  }
}

}  // namespace evenly::EVENLY_ISA
