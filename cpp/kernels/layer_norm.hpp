// Layer normalization (Ba, Kiros and Hinton 2016): statistics of each row over its columns.
//
//   z = gamma (x - mean) / sqrt(variance + epsilon) + beta,  y = epilogue(z)
//
// And RMS normalization (Zhang and Sennrich 2019), which is the same without a mean (kCentred is
// false) and without beta: variance then stands for the mean of x^2.
#pragma once
#include "kernels/epilogue.hpp"
#include "kernels/statistics.hpp"

namespace evenly::EVENLY_ISA {

// Rows of the buffer "statistics", one value a row of x each. The mean is shift + mean_rest, where
// shift is the row's first element: x - shift cancels nothing that matters.
template <class T>
struct RowStatistics {
  T *shift, *mean_rest, *reciprocal;
  RowStatistics(T* base, Index rows)
      : shift(base), mean_rest(base + rows), reciprocal(base + 2 * rows) {}
};

// A row in parts: each is summed in T, the parts' sums in double, so that rounding does not grow
// with the length of a row.
template <class Work>
inline void for_parts(Index columns, Work work) {
  for (Index begin = 0; begin < columns; begin += kPiece)
    work(begin, smaller(begin + kPiece, columns));
}

// What is left of x without the mean.
template <bool kCentred, class T>
inline T centre(T x, T shift, T rest) {
  if constexpr (kCentred) return (x - shift) - rest;
  return x;
}

template <class T, bool kCentred>
class LayerNormForward final : public Kernel {
 public:
  explicit LayerNormForward(const Instruction& i)
      : shape_(i),
        epilogue_(i),
        epsilon_(number(i, "epsilon")),
        planned_(integer(i, "planned_rows")),
        x_(i, "x"),
        y_(buffer<T>(i, "y")),
        gamma_(i, "gamma", shape_.columns, T(1)),
        beta_(i, "beta", shape_.columns, T(0)),
        statistics_(buffer<T>(i, "statistics"), planned_) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T* x = x_(batch);
    const Index columns = shape_.columns;
    const Index rows = shape_.rows(batch);
    const Range groups = worker.share(divide_up(rows, kGroup));
    const Stream stream = epilogue_.prepare(batch);
    for (Index group = groups.begin; group < groups.end; ++group) {
      const Index begin = group * kGroup, end = smaller(begin + kGroup, rows);
      if (end - begin == kGroup) {
        measure_group(x + begin * columns, begin);
      } else {
        for (Index row = begin; row < end; ++row) measure(x + row * columns, row);
      }
      for (Index row = begin; row < end; ++row) finish(x, row, stream);
    }
  }

 private:
  static constexpr Index kGroup = 4;

  void measure(const T* x, Index row) const {
    const Index columns = shape_.columns;
    T shift = 0, rest = 0;
    if constexpr (kCentred) {
      double total = 0;
      shift = x[0];
      for_parts(columns, [&](Index begin, Index end) {
        T sum = 0;
#pragma omp simd reduction(+ : sum)
        for (Index c = begin; c < end; ++c) sum += x[c] - shift;
        total += static_cast<double>(sum);
      });
      rest = static_cast<T>(total / static_cast<double>(columns));
    }
    double total = 0;
    for_parts(columns, [&](Index begin, Index end) {
      T squares = 0;
#pragma omp simd reduction(+ : squares)
      for (Index c = begin; c < end; ++c) {
        const T d = centre<kCentred>(x[c], shift, rest);
        squares += d * d;
      }
      total += static_cast<double>(squares);
    });
    keep(row, shift, rest, total);
  }

  // The same for four rows side by side: one row's sum would wait for itself.
  void measure_group(const T* x0, Index row) const {
    const Index columns = shape_.columns;
    const T *x1 = x0 + columns, *x2 = x1 + columns, *x3 = x2 + columns;
    T a0 = 0, a1 = 0, a2 = 0, a3 = 0, m0 = 0, m1 = 0, m2 = 0, m3 = 0;
    if constexpr (kCentred) {
      const double n = static_cast<double>(columns);
      double t0 = 0, t1 = 0, t2 = 0, t3 = 0;
      a0 = x0[0], a1 = x1[0], a2 = x2[0], a3 = x3[0];
      for_parts(columns, [&](Index begin, Index end) {
        T s0 = 0, s1 = 0, s2 = 0, s3 = 0;
#pragma omp simd reduction(+ : s0, s1, s2, s3)
        for (Index c = begin; c < end; ++c) {
          s0 += x0[c] - a0;
          s1 += x1[c] - a1;
          s2 += x2[c] - a2;
          s3 += x3[c] - a3;
        }
        t0 += static_cast<double>(s0), t1 += static_cast<double>(s1);
        t2 += static_cast<double>(s2), t3 += static_cast<double>(s3);
      });
      m0 = static_cast<T>(t0 / n), m1 = static_cast<T>(t1 / n);
      m2 = static_cast<T>(t2 / n), m3 = static_cast<T>(t3 / n);
    }
    double t0 = 0, t1 = 0, t2 = 0, t3 = 0;
    for_parts(columns, [&](Index begin, Index end) {
      T s0 = 0, s1 = 0, s2 = 0, s3 = 0;
#pragma omp simd reduction(+ : s0, s1, s2, s3)
      for (Index c = begin; c < end; ++c) {
        const T d0 = centre<kCentred>(x0[c], a0, m0), d1 = centre<kCentred>(x1[c], a1, m1),
                d2 = centre<kCentred>(x2[c], a2, m2), d3 = centre<kCentred>(x3[c], a3, m3);
        s0 += d0 * d0;
        s1 += d1 * d1;
        s2 += d2 * d2;
        s3 += d3 * d3;
      }
      t0 += static_cast<double>(s0), t1 += static_cast<double>(s1);
      t2 += static_cast<double>(s2), t3 += static_cast<double>(s3);
    });
    keep(row, a0, m0, t0);
    keep(row + 1, a1, m1, t1);
    keep(row + 2, a2, m2, t2);
    keep(row + 3, a3, m3, t3);
  }

  void keep(Index row, T shift, T rest, double squares) const {
    statistics_.shift[row] = shift;
    statistics_.mean_rest[row] = rest;
    statistics_.reciprocal[row] =
        static_cast<T>(1.0 / std::sqrt(squares / static_cast<double>(shape_.columns) + epsilon_));
  }

  void finish(const T* x, Index row, const Stream& stream) const {
    const Index columns = shape_.columns;
    for (Index begin = 0; begin < columns; begin += kPiece) {
      const Index end = smaller(begin + kPiece, columns), first = row * columns + begin;
      scale(x, row, begin, end);
      if (epilogue_.present()) epilogue_.forward(y_ + first, first, end - begin, stream);
    }
  }

  void scale(const T* x, Index row, Index begin, Index end) const {
    const T shift = statistics_.shift[row], rest = statistics_.mean_rest[row],
            reciprocal = statistics_.reciprocal[row];
    const T* from = x + row * shape_.columns;
    T* to = y_ + row * shape_.columns;
    const T *gamma = gamma_.get(), *beta = beta_.get();
#pragma omp simd
    for (Index c = begin; c < end; ++c)
      to[c] = centre<kCentred>(from[c], shift, rest) * reciprocal * gamma[c] + beta[c];
  }

  Shape shape_;
  Epilogue<T> epilogue_;
  double epsilon_;
  Index planned_;
  Source<T> x_;
  T* y_;
  OrConstant<T> gamma_, beta_;
  RowStatistics<T> statistics_;
};

// With g = gamma d_z and x_hat = (x - mean) / deviation:
//   d_x = (g - mean(g) - x_hat mean(g x_hat)) / deviation, d_gamma = sum d_z x_hat, d_beta = sum
//   d_z
// where mean(g) is there only if a mean was subtracted.
template <class T, bool kCentred>
class LayerNormBackward final : public Kernel {
 public:
  explicit LayerNormBackward(const Instruction& i)
      : shape_(i),
        epilogue_(i),
        planned_(integer(i, "planned_rows")),
        x_(i, "x"),
        y_(i, "y"),
        d_y_(i, "d_y"),
        d_x_(optional_buffer<T>(i, "d_x")),
        gamma_(i, "gamma", shape_.columns, T(1)),
        d_gamma_(optional_buffer<T>(i, "d_gamma")),
        d_beta_(optional_buffer<T>(i, "d_beta")),
        statistics_(buffer<T>(i, "statistics"), planned_),
        partial_(buffer<T>(i, "scratch")),
        d_z_(optional_buffer<T>(i, "d_z")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T *x = x_(batch), *y = y_(batch);
    const T* d_z = epilogue_.present() ? d_z_ : d_y_(batch);
    const Index columns = shape_.columns;
    const RowBlocks blocks(shape_.rows(batch), 8);
    const Stream stream = epilogue_.prepare(batch);
    T* partial_beta = partial_;
    T* partial_gamma = partial_ + kMaxBlocks * columns;
    const Range own = worker.share(blocks.count);
    for (Index b = own.begin; b < own.end; ++b) {
      T *beta = partial_beta + b * columns, *gamma = partial_gamma + b * columns;
      for (Index c = 0; c < columns; ++c) beta[c] = gamma[c] = T(0);
      const Range rows = blocks.block(b);
      if (epilogue_.present()) behind_epilogue(y, d_y_(batch), rows, stream);
      Index row = rows.begin;
      for (; row + 2 <= rows.end; row += 2) two_rows(x, d_z, row, beta, gamma);
      if (row < rows.end) one_row(x, d_z, row, beta, gamma);
    }
    worker.meet();
    const Range strip = worker.share(columns);
    if (d_beta_) total(partial_beta, blocks.count, strip, d_beta_);
    if (d_gamma_) total(partial_gamma, blocks.count, strip, d_gamma_);
  }

 private:
  void behind_epilogue(const T* y, const T* d_y, Range rows, const Stream& stream) const {
    const Index begin = rows.begin * shape_.columns, end = rows.end * shape_.columns;
    for (Index first = begin; first < end; first += kPiece)
      epilogue_.backward(y + first, d_y + first, d_z_ + first, first, smaller(kPiece, end - first),
                         stream);
  }

  void one_row(const T* all_x, const T* all_d, Index row, T* beta, T* gamma_sum) const {
    const Index columns = shape_.columns;
    const T *x = all_x + row * columns, *d = all_d + row * columns;
    const T shift = statistics_.shift[row], rest = statistics_.mean_rest[row],
            reciprocal = statistics_.reciprocal[row];
    const T* gain = gamma_.get();
    double sum = 0, product = 0;
    for_parts(columns, [&](Index begin, Index end) {
      T s = 0, p = 0;
#pragma omp simd reduction(+ : s, p)
      for (Index c = begin; c < end; ++c) {
        const T x_hat = centre<kCentred>(x[c], shift, rest) * reciprocal;
        const T g = d[c] * gain[c];
        if constexpr (kCentred) s += g, beta[c] += d[c];
        p += g * x_hat;
        gamma_sum[c] += d[c] * x_hat;
      }
      sum += static_cast<double>(s), product += static_cast<double>(p);
    });
    store(x, d, row, sum, product);
  }

  // Two rows side by side: their sums need not wait for each other, and the sums over rows are
  // loaded and stored once for both.
  void two_rows(const T* all_x, const T* all_d, Index row, T* beta, T* gamma_sum) const {
    const Index columns = shape_.columns;
    const T *x0 = all_x + row * columns, *x1 = x0 + columns;
    const T *d0 = all_d + row * columns, *d1 = d0 + columns;
    const T shift0 = statistics_.shift[row], rest0 = statistics_.mean_rest[row],
            reciprocal0 = statistics_.reciprocal[row];
    const T shift1 = statistics_.shift[row + 1], rest1 = statistics_.mean_rest[row + 1],
            reciprocal1 = statistics_.reciprocal[row + 1];
    const T* gain = gamma_.get();
    double sum0 = 0, product0 = 0, sum1 = 0, product1 = 0;
    for_parts(columns, [&](Index begin, Index end) {
      T s0 = 0, p0 = 0, s1 = 0, p1 = 0;
#pragma omp simd reduction(+ : s0, p0, s1, p1)
      for (Index c = begin; c < end; ++c) {
        const T hat0 = centre<kCentred>(x0[c], shift0, rest0) * reciprocal0;
        const T hat1 = centre<kCentred>(x1[c], shift1, rest1) * reciprocal1;
        const T g0 = d0[c] * gain[c], g1 = d1[c] * gain[c];
        if constexpr (kCentred) s0 += g0, s1 += g1, beta[c] += d0[c] + d1[c];
        p0 += g0 * hat0;
        p1 += g1 * hat1;
        gamma_sum[c] += d0[c] * hat0 + d1[c] * hat1;
      }
      sum0 += static_cast<double>(s0), product0 += static_cast<double>(p0);
      sum1 += static_cast<double>(s1), product1 += static_cast<double>(p1);
    });
    store(x0, d0, row, sum0, product0);
    store(x1, d1, row + 1, sum1, product1);
  }

  void store(const T* x, const T* d, Index row, double sum, double product) const {
    if (d_x_ == nullptr) return;
    const Index columns = shape_.columns;
    const T shift = statistics_.shift[row], rest = statistics_.mean_rest[row],
            reciprocal = statistics_.reciprocal[row];
    const double n = static_cast<double>(columns);
    const T mean = static_cast<T>(sum / n), slope = static_cast<T>(product / n);
    T* to = d_x_ + row * columns;
    const T* gain = gamma_.get();
#pragma omp simd
    for (Index c = 0; c < columns; ++c)
      to[c] = reciprocal *
              (d[c] * gain[c] - mean - centre<kCentred>(x[c], shift, rest) * reciprocal * slope);
  }

  void total(const T* partial, Index count, Range strip, T* result) const {
    for (Index c = strip.begin; c < strip.end; ++c) {
      double sum = 0;
      for (Index b = 0; b < count; ++b) sum += static_cast<double>(partial[b * shape_.columns + c]);
      result[c] = static_cast<T>(sum);
    }
  }

  Shape shape_;
  Epilogue<T> epilogue_;
  Index planned_;
  Source<T> x_, y_, d_y_;
  T* d_x_;
  OrConstant<T> gamma_;
  T *d_gamma_, *d_beta_;
  RowStatistics<T> statistics_;
  T *partial_, *d_z_;
};

}  // namespace evenly::EVENLY_ISA
