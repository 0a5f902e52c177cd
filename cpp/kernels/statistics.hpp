// Sums over rows, accurate and in a fixed order: the moments of columns, and sums of columns.
#pragma once
#include "kernels/common.hpp"

namespace evenly::EVENLY_ISA {

// Columns that one task handles together; their running sums stay in the first-level cache.
constexpr Index kStrip = 1024, kNarrow = 128;  // narrow: a dropout tile

// The row blocks of a reduction over rows, and how small one may be.
inline RowBlocks reduction_blocks(Index rows) {
  return RowBlocks(rows, 256);
}

// Strips of columns. Few rows: narrow strips, which the team shares, and which are still in the
// cache for a second pass. Many rows: wide ones, read as the memory gives them.
struct Strips {
  Index columns, width, count;
  Strips(Index columns_, const RowBlocks& blocks)
      : columns(columns_),
        width(blocks.count > 1 ? kStrip : kNarrow),
        count(divide_up(columns_, width)) {}
  Range strip(Index index) const { return {index * width, smaller((index + 1) * width, columns)}; }
};

// first[c] += sum of a(row, c), second[c] += sum of b(row, c) over the rows of a range, for a strip
// of columns. Four rows at a time, so that the sums are loaded and stored once
// for four rows; more would not find room in the cache when a row is 4096 bytes long.
// terms(row) gives a function of the column that yields both terms.
template <class T, class Terms>
void sum_rows(Range rows, Range columns, T* first, T* second, Terms terms) {
  constexpr Index kGroup = 4;
  const Index width = columns.end - columns.begin;
  for (Index c = 0; c < width; ++c) first[c] = second[c] = T(0);
  Index row = rows.begin;
  for (; row + kGroup <= rows.end; row += kGroup) {
#pragma omp simd
    for (Index c = 0; c < width; ++c) {
      T a = first[c], b = second[c];
#pragma GCC unroll 4
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

// result[c] = the sum of what each block of rows has for column c.
template <class T>
void total_of_blocks(const T* partial, Index blocks, Index stride, Range columns, T* result) {
  for (Index c = columns.begin; c < columns.end; ++c) {
    double sum = 0;
    for (Index b = 0; b < blocks; ++b) sum += static_cast<double>(partial[b * stride + c]);
    result[c] = static_cast<T>(sum);
  }
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

// Mean and squares of a strip of columns over a block of rows. Two things keep them accurate: all
// is shifted by the block's first row, so that data far from zero cancel nothing; and eight rows at
// a time have their own mean subtracted, so that an outlier in that first row does no harm either.
template <class T>
void block_moments(const T* x, Index stride, Range rows, Range columns, double* means,
                   double* squares) {
  constexpr Index kGroup = 4;
  const Index width = columns.end - columns.begin;
  T mean[kStrip], square[kStrip];
  for (Index c = 0; c < width; ++c) mean[c] = square[c] = T(0);
  const T* shift = x + rows.begin * stride + columns.begin;
  Index row = rows.begin;
  for (Index groups = 0; row + kGroup <= rows.end; row += kGroup, ++groups) {
    const T* from = x + row * stride + columns.begin;
    const T share = T(1) / static_cast<T>(groups + 1);
    const T between = static_cast<T>(kGroup) * static_cast<T>(groups) * share;
#pragma omp simd
    for (Index c = 0; c < width; ++c) {
      T sum = 0, rest = 0;
#pragma GCC unroll 4
      for (Index r = 0; r < kGroup; ++r) sum += from[r * stride + c] - shift[c];
      const T own = sum * (T(1) / T(kGroup));
#pragma GCC unroll 4
      for (Index r = 0; r < kGroup; ++r) {
        const T d = (from[r * stride + c] - shift[c]) - own;
        rest += d * d;
      }
      const T difference = own - mean[c];
      mean[c] += difference * share;
      square[c] += rest + difference * difference * between;
    }
  }
  for (; row < rows.end; ++row) {
    const T* from = x + row * stride + columns.begin;
    const T n = static_cast<T>(row - rows.begin), share = T(1) / (n + T(1));
#pragma omp simd
    for (Index c = 0; c < width; ++c) {
      const T difference = (from[c] - shift[c]) - mean[c];
      mean[c] += difference * share;
      square[c] += difference * difference * (n * share);
    }
  }
  for (Index c = 0; c < width; ++c) {
    means[c] = static_cast<double>(shift[c]) + static_cast<double>(mean[c]);
    squares[c] = static_cast<double>(square[c]);
  }
}

}  // namespace evenly::EVENLY_ISA
