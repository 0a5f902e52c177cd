// Layer normalization (Ba, Kiros and Hinton 2016): statistics of each row over its columns.
//
//   z = gamma (x - mean) / sqrt(variance + epsilon) + beta,  y = epilogue(z)
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

template <class T>
class LayerNormForward final : public Kernel {
 public:
  explicit LayerNormForward(const Instruction& i)
      : shape_(i), epilogue_(i), epsilon_(number(i, "epsilon")), planned_(integer(i, "planned_rows")),
        x_(i, "x"), y_(buffer<T>(i, "y")), gamma_(optional_buffer<T>(i, "gamma")),
        beta_(optional_buffer<T>(i, "beta")), statistics_(buffer<T>(i, "statistics"), planned_) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T* x = x_(batch);
    const Index columns = shape_.columns;
    const Range own = worker.share(shape_.rows(batch));
    for_pieces(own, columns, [&](Piece piece) {
      for (Index row = piece.row_begin; row < piece.row_end; ++row) {
        if (piece.column_begin == 0) measure(x + row * columns, row);
        scale(x, row, piece.column_begin, piece.column_end);
      }
      const Index first = piece.row_begin * columns + piece.column_begin;
      epilogue_.forward(
          y_ + first, first,
          (piece.column_end - piece.column_begin) * (piece.row_end - piece.row_begin), batch);
    });
  }

 private:
  void measure(const T* x, Index row) const {
    const Index columns = shape_.columns;
    const T shift = x[0], n = static_cast<T>(columns);
    T sum = 0, squares = 0;
#pragma omp simd reduction(+ : sum)
    for (Index c = 0; c < columns; ++c) sum += x[c] - shift;
    const T rest = sum / n;
#pragma omp simd reduction(+ : squares)
    for (Index c = 0; c < columns; ++c) {
      const T d = (x[c] - shift) - rest;
      squares += d * d;
    }
    statistics_.shift[row] = shift;
    statistics_.mean_rest[row] = rest;
    statistics_.reciprocal[row] = static_cast<T>(
        1.0 / std::sqrt(static_cast<double>(squares) / static_cast<double>(columns) + epsilon_));
  }

  void scale(const T* x, Index row, Index begin, Index end) const {
    const T shift = statistics_.shift[row], rest = statistics_.mean_rest[row],
            reciprocal = statistics_.reciprocal[row];
    const T* from = x + row * shape_.columns;
    T* to = y_ + row * shape_.columns;
    if (gamma_ && beta_) {
      const T *gamma = gamma_, *beta = beta_;
#pragma omp simd
      for (Index c = begin; c < end; ++c)
        to[c] = ((from[c] - shift) - rest) * reciprocal * gamma[c] + beta[c];
    } else {
      for (Index c = begin; c < end; ++c)
        to[c] = ((from[c] - shift) - rest) * reciprocal * (gamma_ ? gamma_[c] : T(1)) +
                (beta_ ? beta_[c] : T(0));
    }
  }

  Shape shape_;
  Epilogue<T> epilogue_;
  double epsilon_;
  Index planned_;
  Source<T> x_;
  T *y_, *gamma_, *beta_;
  RowStatistics<T> statistics_;
};

// With g = gamma d_z and x_hat = (x - mean) / deviation:
//   d_x = (g - mean(g) - x_hat mean(g x_hat)) / deviation, d_gamma = sum d_z x_hat, d_beta = sum d_z
template <class T>
class LayerNormBackward final : public Kernel {
 public:
  explicit LayerNormBackward(const Instruction& i)
      : shape_(i), epilogue_(i), planned_(integer(i, "planned_rows")), x_(i, "x"), y_(i, "y"),
        d_y_(i, "d_y"), d_x_(optional_buffer<T>(i, "d_x")),
        gamma_(optional_buffer<T>(i, "gamma")), d_gamma_(optional_buffer<T>(i, "d_gamma")),
        d_beta_(optional_buffer<T>(i, "d_beta")),
        statistics_(buffer<T>(i, "statistics"), planned_),
        partial_(buffer<T>(i, "scratch")), d_z_(optional_buffer<T>(i, "d_z")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T *x = x_(batch), *y = y_(batch), *d_z = d_y_(batch);
    const Index columns = shape_.columns;
    const RowBlocks blocks(shape_.rows(batch), 8);
    T* partial_beta = partial_;
    T* partial_gamma = partial_ + kMaxBlocks * columns;
    const Range own = worker.share(blocks.count);
    for (Index b = own.begin; b < own.end; ++b) {
      T *beta = partial_beta + b * columns, *gamma = partial_gamma + b * columns;
      for (Index c = 0; c < columns; ++c) beta[c] = gamma[c] = T(0);
      const Range rows = blocks.block(b);
      for (Index row = rows.begin; row < rows.end; ++row) {
        const Index base = row * columns;
        const T* d = d_z + base;
        if (epilogue_.present()) {
          T* own_d = d_z_ + base;
          for (Index c = 0; c < columns; c += kPiece)
            epilogue_.backward(y + base + c, d + c, own_d + c, base + c,
                               smaller(kPiece, columns - c), batch);
          d = own_d;
        }
        one_row(x + base, d, row, beta, gamma);
      }
    }
    worker.meet();
    const Range strip = worker.share(columns);
    if (d_beta_) total(partial_beta, blocks.count, strip, d_beta_);
    if (d_gamma_) total(partial_gamma, blocks.count, strip, d_gamma_);
  }

 private:
  void one_row(const T* x, const T* d, Index row, T* beta, T* gamma_sum) const {
    const Index columns = shape_.columns;
    const T shift = statistics_.shift[row], rest = statistics_.mean_rest[row],
            reciprocal = statistics_.reciprocal[row];
    T sum = 0, product = 0;
    if (gamma_) {
      const T* gamma = gamma_;
#pragma omp simd reduction(+ : sum, product)
      for (Index c = 0; c < columns; ++c) {
        const T x_hat = ((x[c] - shift) - rest) * reciprocal;
        const T g = d[c] * gamma[c];
        sum += g;
        product += g * x_hat;
        beta[c] += d[c];
        gamma_sum[c] += d[c] * x_hat;
      }
    } else {
#pragma omp simd reduction(+ : sum, product)
      for (Index c = 0; c < columns; ++c) {
        const T x_hat = ((x[c] - shift) - rest) * reciprocal;
        sum += d[c];
        product += d[c] * x_hat;
        beta[c] += d[c];
      }
    }
    if (d_x_ == nullptr) return;
    const T n = static_cast<T>(columns);
    const T mean = sum / n, slope = product / n;
    T* to = d_x_ + row * columns;
    if (gamma_) {
      const T* gamma = gamma_;
#pragma omp simd
      for (Index c = 0; c < columns; ++c)
        to[c] = reciprocal *
                (d[c] * gamma[c] - mean - ((x[c] - shift) - rest) * reciprocal * slope);
    } else {
#pragma omp simd
      for (Index c = 0; c < columns; ++c)
        to[c] = reciprocal * (d[c] - mean - ((x[c] - shift) - rest) * reciprocal * slope);
    }
  }

  void total(const T* partial, Index count, Range strip, T* result) const {
    for (Index c = strip.begin; c < strip.end; ++c) {
      double sum = 0;
      for (Index b = 0; b < count; ++b)
        sum += static_cast<double>(partial[b * shape_.columns + c]);
      result[c] = static_cast<T>(sum);
    }
  }

  Shape shape_;
  Epilogue<T> epilogue_;
  Index planned_;
  Source<T> x_, y_, d_y_;
  T *d_x_, *gamma_, *d_gamma_, *d_beta_;
  RowStatistics<T> statistics_;
  T *partial_, *d_z_;
};

}  // namespace evenly::EVENLY_ISA
