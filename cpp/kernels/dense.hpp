// The linear layer: y = x kernel + bias, and its gradients. Products are cut into tiles that the
// team shares; the grid depends on the shapes alone.
#pragma once
#include "kernels/epilogue.hpp"
#include "kernels/small_product.hpp"
#include "kernels/statistics.hpp"

namespace evenly::EVENLY_ISA {

template <class T>
class DenseForward final : public Kernel {
 public:
  explicit DenseForward(const Instruction& i)
      : shape_(i),
        inputs_(integer(i, "inputs")),
        epilogue_(i),
        x_(i, "x"),
        y_(buffer<T>(i, "y")),
        kernel_(buffer<T>(i, "kernel")),
        bias_(optional_buffer<T>(i, "bias")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T* x = x_(batch);
    const Index rows = shape_.rows(batch), columns = shape_.columns;
    if (rows <= kFewRows) {
      few_rows(worker, x, rows);
    } else {
      const Grid grid(false, false, rows, columns, inputs_);
      for (Index t = worker.take(); t < grid.count; t = worker.take()) {
        const Piece tile = grid.tile(t);
        const Index m = tile.row_end - tile.row_begin, n = tile.column_end - tile.column_begin;
        matrix_product(false, false, m, n, inputs_, x + tile.row_begin * inputs_, inputs_,
                       kernel_ + tile.column_begin, columns, false,
                       y_ + tile.row_begin * columns + tile.column_begin, columns);
        finish(tile);
      }
    }
    if (epilogue_.has_dropout()) {
      worker.meet();
      const DropStream stream = epilogue_.prepare(batch);
      epilogue_.for_flat(worker, rows * columns, [&](Index first, Index count) {
        epilogue_.forward(y_ + first, first, count, stream);
      });
    }
  }

 private:
  static constexpr Index kFewRows = 3;
  static constexpr Index kColumns = 64;

  // Bias and activation while the tile is in the cache; dropout counts elements along whole rows.
  void finish(Piece tile) const {
    const Index columns = shape_.columns, width = tile.column_end - tile.column_begin;
    for (Index row = tile.row_begin; row < tile.row_end; ++row) {
      T* y = y_ + row * columns + tile.column_begin;
      if (bias_) {
        const T* bias = bias_ + tile.column_begin;
#pragma omp simd
        for (Index c = 0; c < width; ++c) y[c] += bias[c];
      }
      if (!epilogue_.has_dropout()) epilogue_.activate(y, width);
    }
  }

  // A row times a matrix is bound by reading the matrix: no packing, a strip of columns a task.
  void few_rows(const Worker& worker, const T* x, Index rows) const {
    const Index columns = shape_.columns;
    const Range strips = worker.share(divide_up(columns, kColumns));
    for (Index s = strips.begin; s < strips.end; ++s) {
      const Index begin = s * kColumns, width = smaller(kColumns, columns - begin);
      for (Index row = 0; row < rows; ++row) {
        if (width == kColumns)
          dot_strip(x + row * inputs_, begin, y_ + row * columns + begin);
        else
          dot_rest(x + row * inputs_, begin, width, y_ + row * columns + begin);
        finish({row, row + 1, begin, begin + width});
      }
    }
  }

  void dot_strip(const T* x, Index begin, T* y) const {
    T sum[kColumns];
    for (Index c = 0; c < kColumns; ++c) sum[c] = 0;
    for (Index i = 0; i < inputs_; ++i) {
      const T* row = kernel_ + i * shape_.columns + begin;
      const T value = x[i];
#pragma omp simd
      for (Index c = 0; c < kColumns; ++c) sum[c] += value * row[c];
    }
    for (Index c = 0; c < kColumns; ++c) y[c] = sum[c];
  }

  void dot_rest(const T* x, Index begin, Index width, T* y) const {
    T sum[kColumns];
    for (Index c = 0; c < width; ++c) sum[c] = 0;
    for (Index i = 0; i < inputs_; ++i) {
      const T* row = kernel_ + i * shape_.columns + begin;
      const T value = x[i];
#pragma omp simd
      for (Index c = 0; c < width; ++c) sum[c] += value * row[c];
    }
    for (Index c = 0; c < width; ++c) y[c] = sum[c];
  }

  Shape shape_;
  Index inputs_;
  Epilogue<T> epilogue_;
  Source<T> x_;
  T *y_, *kernel_, *bias_;
};

//   d_kernel = x' d_z,  d_bias = sum of d_z's rows,  d_x = d_z kernel'
template <class T>
class DenseBackward final : public Kernel {
 public:
  explicit DenseBackward(const Instruction& i)
      : shape_(i),
        inputs_(integer(i, "inputs")),
        epilogue_(i),
        x_(i, "x"),
        y_(i, "y"),
        d_y_(i, "d_y"),
        d_x_(optional_buffer<T>(i, "d_x")),
        kernel_(buffer<T>(i, "kernel")),
        d_kernel_(buffer<T>(i, "d_kernel")),
        d_bias_(optional_buffer<T>(i, "d_bias")),
        d_z_(optional_buffer<T>(i, "d_z")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T *x = x_(batch), *d_z = d_y_(batch);
    const Index rows = shape_.rows(batch), columns = shape_.columns;
    if (epilogue_.present()) {
      epilogue_.backward_all(y_(batch), d_z, d_z_, rows * columns, worker, batch);
      d_z = d_z_;
      worker.meet();
    }
    const Grid weights(true, false, inputs_, columns, rows);
    const Grid inputs(false, true, d_x_ ? rows : 0, inputs_, columns);
    const Index strips = d_bias_ ? divide_up(columns, kBiasStrip) : 0;
    const Index tasks = inputs.count + weights.count + strips;
    for (Index t = worker.take(); t < tasks; t = worker.take()) {
      if (t < inputs.count) {
        const Piece p = inputs.tile(t);
        matrix_product(false, true, p.row_end - p.row_begin, p.column_end - p.column_begin, columns,
                       d_z + p.row_begin * columns, columns, kernel_ + p.column_begin * columns,
                       columns, false, d_x_ + p.row_begin * inputs_ + p.column_begin, inputs_);
      } else if (t < inputs.count + weights.count) {
        const Piece p = weights.tile(t - inputs.count);
        matrix_product(true, false, p.row_end - p.row_begin, p.column_end - p.column_begin, rows,
                       x + p.row_begin, inputs_, d_z + p.column_begin, columns, false,
                       d_kernel_ + p.row_begin * columns + p.column_begin, columns);
      } else {
        const Index begin = (t - inputs.count - weights.count) * kBiasStrip;
        column_sums(d_z, rows, columns, {begin, smaller(begin + kBiasStrip, columns)}, d_bias_);
      }
    }
  }

 private:
  static constexpr Index kBiasStrip = 128;

  Shape shape_;
  Index inputs_;
  Epilogue<T> epilogue_;
  Source<T> x_, y_, d_y_;
  T *d_x_, *kernel_, *d_kernel_, *d_bias_, *d_z_;
};

}  // namespace evenly::EVENLY_ISA
