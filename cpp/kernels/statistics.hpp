// Sums over rows, accurate and in a fixed order: the moments of columns, and sums of columns.
#pragma once
#include "kernels/common.hpp"
#include "support/lanes.hpp"

namespace evenly::EVENLY_ISA {

// Columns that one task handles together; their running sums stay in the first-level cache.
constexpr Index kStrip = 1024, kNarrow = 128;  // narrow: a dropout tile

// The row blocks of a reduction over rows, and how small one may be.
inline RowBlocks reduction_blocks(Index rows) {
  return RowBlocks(rows, 64);
}

// work(rows) for parts of some rows, the last ones first: those were read last and are still in the
// cache. Within a part rows go forwards, as the memory gives them.
template <class Work>
void backwards(Range rows, Index columns, Work work) {
  constexpr Index kPart = Index{1} << 15;
  const Index step = larger(2, kPart / columns);
  for (Index end = rows.end; end > rows.begin; end -= step)
    work(Range{larger(rows.begin, end - step), end});
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

struct PrepareNothing {
  void operator()(Range) const {}
};

// first[c] = sum of a(row, c), second[c] = sum of b(row, c) over the rows of a range, for a strip
// of columns. Four rows at a time, so that the sums are loaded and stored once for four rows; more
// would not find room in the cache when a row is 4096 bytes long. The four are added up first: a
// large sum rounds them once, not four times. terms(row, column, a, b) adds both terms; before it,
// prepare(rows) makes what it wants to know of each few rows.
template <class T, class Terms, class Prepare = PrepareNothing>
void sum_rows(Range rows, Range columns, T* first, T* second, Terms terms, Prepare prepare = {}) {
  constexpr Index kGroup = 4;
  const Index width = columns.end - columns.begin;
  for (Index c = 0; c < width; ++c) first[c] = second[c] = T(0);
  Index row = rows.begin;
  for (; row + kGroup <= rows.end; row += kGroup) {
    prepare(Range{row, row + kGroup});
#pragma omp simd
    for (Index c = 0; c < width; ++c) {
      T a = 0, b = 0;
      EVENLY_UNROLL(4)
      for (Index r = 0; r < kGroup; ++r) terms(row + r, columns.begin + c, a, b);
      first[c] += a;
      second[c] += b;
    }
  }
  for (; row < rows.end; ++row) {
    prepare(Range{row, row + 1});
#pragma omp simd
    for (Index c = 0; c < width; ++c) terms(row, columns.begin + c, first[c], second[c]);
  }
}

// The same for one term, which term(row, column) gives.
template <class T, class Term>
void sum_rows(Range rows, Range columns, T* sums, Term term) {
  constexpr Index kGroup = 4;
  const Index width = columns.end - columns.begin;
  for (Index c = 0; c < width; ++c) sums[c] = T(0);
  Index row = rows.begin;
  for (; row + kGroup <= rows.end; row += kGroup) {
#pragma omp simd
    for (Index c = 0; c < width; ++c) {
      const Index at = columns.begin + c;
      sums[c] += (term(row, at) + term(row + 1, at)) + (term(row + 2, at) + term(row + 3, at));
    }
  }
  for (; row < rows.end; ++row) {
#pragma omp simd
    for (Index c = 0; c < width; ++c) sums[c] += term(row, columns.begin + c);
  }
}

// Rows that are summed in T; their sums are added up in double. So an outlier costs only what
// stands in its own run some digits, and rounding does not grow with the number of rows.
constexpr Index kRun = 128;

// Both terms of sum_rows over any number of rows.
template <class T, class Terms, class Prepare = PrepareNothing>
void sum_many_rows(Range rows, Range columns, double* first, double* second, Terms terms,
                   Prepare prepare = {}) {
  const Index width = columns.end - columns.begin;
  T a[kStrip], b[kStrip];
  for (Index c = 0; c < width; ++c) first[c] = second[c] = 0;
  for (Index row = rows.begin; row < rows.end; row += kRun) {
    sum_rows<T>({row, smaller(row + kRun, rows.end)}, columns, a, b, terms, prepare);
#pragma omp simd
    for (Index c = 0; c < width; ++c) {
      first[c] += static_cast<double>(a[c]);
      second[c] += static_cast<double>(b[c]);
    }
  }
}

// total[c] += the sum of a matrix's columns, for a strip.
template <class T>
void add_column_sums(const T* x, Index rows, Index stride, Range columns, double* total) {
  const Index width = columns.end - columns.begin;
  T sums[kStrip];
  for (Index row = 0; row < rows; row += kRun) {
    sum_rows<T>({row, smaller(row + kRun, rows)}, columns, sums,
                [x, stride](Index r, Index c) { return x[r * stride + c]; });
    for (Index c = 0; c < width; ++c) total[c] += static_cast<double>(sums[c]);
  }
}

// Sum of the columns of a matrix, for a strip.
template <class T>
void column_sums(const T* x, Index rows, Index stride, Range columns, T* result) {
  const Index width = columns.end - columns.begin;
  double total[kStrip];
  for (Index c = 0; c < width; ++c) total[c] = 0;
  add_column_sums(x, rows, stride, columns, total);
  for (Index c = 0; c < width; ++c) result[columns.begin + c] = static_cast<T>(total[c]);
}

// A row in parts: each is summed in T, the parts' sums in double, so that rounding does not grow
// with the length of a row, and an outlier costs few others a digit. kLength is the length where it
// is known when this is compiled: such a row is short.
constexpr Index kPart = 256;
template <Index kLength = 0, class Work>
inline void for_parts(Index columns, Work work) {
  if constexpr (kLength > 0) return work(Index(0), kLength);
  for (Index begin = 0; begin < columns; begin += kPart)
    work(begin, smaller(begin + kPart, columns));
}

// result[c] = the sum of what each block of rows has for column c.
template <class T, class Sum>
void total_of_blocks(const Sum* partial, Index blocks, Index stride, Range columns, T* result) {
  double sums[kNarrow];
  for (Index begin = columns.begin; begin < columns.end; begin += kNarrow) {
    const Index width = smaller(kNarrow, columns.end - begin);
    for (Index c = 0; c < width; ++c) sums[c] = 0;
    for (Index b = 0; b < blocks; ++b) {
      const Sum* of_block = partial + b * stride + begin;
#pragma omp simd
      for (Index c = 0; c < width; ++c) sums[c] += static_cast<double>(of_block[c]);
    }
    for (Index c = 0; c < width; ++c) result[begin + c] = static_cast<T>(sums[c]);
  }
}

// The sums of columns that rows are added to one after the other: of each block of rows, two of
// them, in the buffer "scratch". Blocks of more than a run are summed run by run.
template <class T>
struct BlockSums {
  static constexpr Index kRows = 32;  // of a run: each row is an addition of its own

  RowBlocks blocks;
  Index columns;
  double* partial;
  T* run;  // a thread's own: room for two sums

  bool short_blocks() const { return divide_up(blocks.rows, blocks.count) <= kRows; }

  // add(rows, first, second) adds some rows to both sums.
  template <class Add>
  void block(Index b, Add add) const {
    const Range rows = blocks.block(b);
    if (short_blocks()) {
      T* sums = static_cast<T*>(static_cast<void*>(partial));
      one_run(rows, sums + b * columns, sums + (kMaxBlocks + b) * columns, add);
      return;
    }
    double *first = partial + b * columns, *second = partial + (kMaxBlocks + b) * columns;
    for (Index c = 0; c < columns; ++c) first[c] = second[c] = 0;
    for (Index row = rows.begin; row < rows.end; row += kRows) {
      one_run({row, smaller(row + kRows, rows.end)}, run, run + columns, add);
#pragma omp simd
      for (Index c = 0; c < columns; ++c) {
        first[c] += static_cast<double>(run[c]);
        second[c] += static_cast<double>(run[columns + c]);
      }
    }
  }

  // The first sum (0) or the second (1) over all blocks, for a strip of columns.
  void total(Index which, Range strip, T* result) const {
    const Index at = which * kMaxBlocks * columns;
    if (short_blocks())
      total_of_blocks(static_cast<const T*>(static_cast<const void*>(partial)) + at, blocks.count,
                      columns, strip, result);
    else
      total_of_blocks(partial + at, blocks.count, columns, strip, result);
  }

 private:
  template <class Add>
  void one_run(Range rows, T* first, T* second, Add add) const {
    for (Index c = 0; c < columns; ++c) first[c] = second[c] = T(0);
    add(rows, first, second);
  }
};

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

// Mean and squares of a strip of columns over a block of rows. Eight rows at a time stay in
// registers: a number near their mean, and what is left of each beside it. What is left sums to
// what the near number lacks, so that neither data far from zero nor an outlier, wherever it
// stands, costs the mean a digit. Each eight are joined to what was before in double.
template <class T>
void block_moments(const T* x, Index stride, Range rows, Range columns, double* means,
                   double* squares) {
  constexpr Index kGroup = 8;
  const Index width = columns.end - columns.begin;
  for (Index c = 0; c < width; ++c) means[c] = squares[c] = 0;
  Index row = rows.begin;
  for (; row + kGroup <= rows.end; row += kGroup) {
    const T* from = x + row * stride + columns.begin;
    const double before = static_cast<double>(row - rows.begin);
    const double share = static_cast<double>(kGroup) / (before + static_cast<double>(kGroup));
    const double between = before * share;
#pragma omp simd
    for (Index c = 0; c < width; ++c) {
      const T x0 = from[c], x1 = from[stride + c], x2 = from[2 * stride + c],
              x3 = from[3 * stride + c], x4 = from[4 * stride + c], x5 = from[5 * stride + c],
              x6 = from[6 * stride + c], x7 = from[7 * stride + c];
      const T near = (((x0 + x1) + (x2 + x3)) + ((x4 + x5) + (x6 + x7))) * T(0.125);
      const T d0 = x0 - near, d1 = x1 - near, d2 = x2 - near, d3 = x3 - near, d4 = x4 - near,
              d5 = x5 - near, d6 = x6 - near, d7 = x7 - near;
      const T lacks = (((d0 + d1) + (d2 + d3)) + ((d4 + d5) + (d6 + d7))) * T(0.125);
      const T square =
          ((d0 * d0 + d1 * d1) + (d2 * d2 + d3 * d3)) + ((d4 * d4 + d5 * d5) + (d6 * d6 + d7 * d7));
      const double difference = (static_cast<double>(near) + static_cast<double>(lacks)) - means[c];
      means[c] += difference * share;
      squares[c] +=
          static_cast<double>(square - T(8) * lacks * lacks) + difference * difference * between;
    }
  }
  for (; row < rows.end; ++row) {
    const T* from = x + row * stride + columns.begin;
    const double before = static_cast<double>(row - rows.begin), share = 1.0 / (before + 1.0);
#pragma omp simd
    for (Index c = 0; c < width; ++c) {
      const double difference = static_cast<double>(from[c]) - means[c];
      means[c] += difference * share;
      squares[c] += difference * difference * (before * share);
    }
  }
}

// Whether squares were summed as they are: none overflowed, and none that matters vanished.
template <class T>
inline bool squares_hold(double variance) {
  constexpr double kLeast = sizeof(T) == 4 ? 1e-30 : 1e-290;
  return std::isfinite(variance) && variance > kLeast;
}

// What a normalization subtracts and multiplies by, for numbers that were scaled by a power of two.
struct Normal {
  double scale, mean, variance, reciprocal;
};

// 1 / sqrt(variance + epsilon) in the units of what was scaled. What does not vary at all stays 0
// beside a positive epsilon, however small that is there.
inline double reciprocal_deviation(double variance, double epsilon, double scale) {
  constexpr double kMost = 1e30;
  const double reciprocal = 1.0 / std::sqrt(variance + epsilon * scale * scale);
  return epsilon > 0 && !(reciprocal < kMost) && !std::isnan(reciprocal) ? kMost : reciprocal;
}

// The power of two that brings a size near 1, as far as T has one.
template <class T>
inline double scale_to_one(double size) {
  constexpr int kMost = sizeof(T) == 4 ? 126 : 1022;
  if (!(size > 0) || !std::isfinite(size)) return 1;
  const int power = -std::ilogb(size);
  return std::ldexp(1.0, power > kMost ? kMost : power < -kMost ? -kMost : power);
}

// For numbers whose squares T does not hold: mean and variance of at(0) .. at(count - 1), scaled.
// Slow and rare. Without a mean (kCentred false), variance is the mean square.
template <class T, bool kCentred = true, class At>
Normal scaled_moments(Index count, double epsilon, At at) {
  double largest = 0, total = 0, rest = 0, square = 0;
  for (Index i = 0; i < count; ++i) {
    const double size = std::fabs(static_cast<double>(at(i)));
    if (!(size <= largest)) largest = size;
  }
  const double scale = scale_to_one<T>(largest), n = static_cast<double>(count);
  const auto over_runs = [=](double& result, auto term) {
    for (Index first = 0; first < count; first += kPiece) {
      double sum = 0;
      for (Index i = first; i < smaller(first + kPiece, count); ++i)
        sum += term(static_cast<double>(at(i)) * scale);
      result += sum;
    }
  };
  if constexpr (kCentred) over_runs(total, [](double x) { return x; });
  const double near = total / n;
  if constexpr (kCentred) over_runs(rest, [=](double x) { return x - near; });
  const double mean = near + rest / n;
  over_runs(square, [=](double x) { return (x - mean) * (x - mean); });
  const double variance = square / n;
  return {scale, mean, variance, reciprocal_deviation(variance, epsilon, scale)};
}

}  // namespace evenly::EVENLY_ISA
