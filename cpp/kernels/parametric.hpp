// An activation whose part is trained (Holzmueller, Grinsztajn and Steinwart 2024):
//
//   y = (1 - share) x + share f(x)
//   d_x = (1 - share) d_y + share f'(x) d_y,  d_share = the sum over the rows of d_y (f(x) - x)
#pragma once
#include "kernels/activations.hpp"
#include "kernels/statistics.hpp"

namespace evenly::EVENLY_ISA {

template <class T>
class ParametricForward final : public Kernel {
 public:
  explicit ParametricForward(const Instruction& i)
      : shape_(i),
        activation_(i),
        share_(buffer<T>(i, "share")),
        x_(i, "x"),
        y_(buffer<T>(i, "y")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T* x = x_(batch);
    const Index columns = shape_.columns;
    for_pieces(worker.share(shape_.rows(batch)), columns, [&](Piece p) {
      const Index width = p.column_end - p.column_begin;
      const T* share = share_ + p.column_begin;
      T f[kPiece];
      for (Index row = p.row_begin; row < p.row_end; ++row) {
        const T* from = x + row * columns + p.column_begin;
        T* to = y_ + row * columns + p.column_begin;
        activation_.values(from, f, width);
#pragma omp simd
        for (Index c = 0; c < width; ++c) to[c] = (T(1) - share[c]) * from[c] + share[c] * f[c];
      }
    });
  }

 private:
  Shape shape_;
  Activate<T> activation_;
  const T* share_;
  Source<T> x_;
  T* y_;
};

template <class T>
class ParametricBackward final : public Kernel {
 public:
  explicit ParametricBackward(const Instruction& i)
      : shape_(i),
        activation_(i),
        share_(buffer<T>(i, "share")),
        x_(i, "x"),
        d_y_(i, "d_y"),
        d_x_(optional_buffer<T>(i, "d_x")),
        d_share_(buffer<T>(i, "d_share")),
        scratch_(buffer<double>(i, "scratch")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T *x = x_(batch), *d_y = d_y_(batch);
    const Index columns = shape_.columns;
    const RowBlocks blocks = reduction_blocks(shape_.rows(batch));
    const Strips strips(columns, blocks);
    const Range tasks = worker.share(blocks.count * strips.count);
    for (Index task = tasks.begin; task < tasks.end; ++task) {
      const Index block = task / strips.count;
      one_block(x, d_y, blocks.block(block), strips.strip(task % strips.count),
                scratch_ + block * columns);
    }
    worker.meet();
    total_of_blocks(scratch_, blocks.count, columns, worker.share(columns), d_share_);
  }

 private:
  // d_x of a block, and its sums: of a run of rows in T, their total in double.
  void one_block(const T* x, const T* d_y, Range rows, Range strip, double* to) const {
    const Index columns = shape_.columns, width = strip.end - strip.begin;
    const bool tells = !needs_input(activation_.kind());
    const T* share = share_ + strip.begin;
    T f[kStrip], slope[kStrip], sums[kStrip];
    for (Index c = strip.begin; c < strip.end; ++c) to[c] = 0;
    for (Index run = rows.begin; run < rows.end; run += kRun) {
      for (Index c = 0; c < width; ++c) sums[c] = 0;
      for (Index row = run; row < smaller(run + kRun, rows.end); ++row) {
        const Index first = row * columns + strip.begin;
        const T *from = x + first, *above = d_y + first;
        activation_.values(from, f, width);
#pragma omp simd
        for (Index c = 0; c < width; ++c) sums[c] += above[c] * (f[c] - from[c]);
        if (d_x_ == nullptr) continue;
        if (activation_.kind() == Activation::relu) {  // has no rule of its own
#pragma omp simd
          for (Index c = 0; c < width; ++c) slope[c] = f[c] > T(0) ? above[c] : T(0);
        } else {
          activation_.gradient(tells ? f : from, T(1), above, slope, width);
        }
        T* below = d_x_ + first;
#pragma omp simd
        for (Index c = 0; c < width; ++c)
          below[c] = (T(1) - share[c]) * above[c] + share[c] * slope[c];
      }
      for (Index c = 0; c < width; ++c) to[strip.begin + c] += static_cast<double>(sums[c]);
    }
  }

  Shape shape_;
  Activate<T> activation_;
  const T* share_;
  Source<T> x_, d_y_;
  T *d_x_, *d_share_;
  double* scratch_;
};

}  // namespace evenly::EVENLY_ISA
