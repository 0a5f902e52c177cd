// PReLU (He et al. 2015): y = x where x > 0, else slope x; d_slope is the sum of d_y x over where
// x <= 0. And a factor for each column, which is the same with slopes that hold everywhere.
#pragma once
#include "kernels/statistics.hpp"

namespace evenly::EVENLY_ISA {

// One slope a column, or one for all; kEverywhere: above 0 too.
template <class T, bool kEverywhere>
class Slopes {
 public:
  explicit Slopes(const Instruction& i)
      : slope_(buffer<T>(i, kEverywhere ? "factor" : "slope")),
        shared_(!kEverywhere && integer(i, "shared") != 0) {}
  bool shared() const { return shared_; }

  // to = known > 0 ? from : slope from, for some rows; both passes of PReLU are this.
  void apply(const T* known, const T* from, T* to, Range rows, Index columns) const {
    for_pieces(rows, columns, [&](Piece p) {
      const Index width = p.column_end - p.column_begin;
      T same[kPiece];
      if (shared_)
        for (Index c = 0; c < width; ++c) same[c] = slope_[0];
      const T* slope = shared_ ? same : slope_ + p.column_begin;
      for (Index row = p.row_begin; row < p.row_end; ++row) {
        const Index first = row * columns + p.column_begin;
#pragma omp simd
        for (Index c = 0; c < width; ++c) {
          const T value = from[first + c], below = slope[c] * value;
          to[first + c] = !kEverywhere && known[first + c] > T(0) ? value : below;
        }
      }
    });
  }

 private:
  const T* slope_;
  bool shared_;
};

template <class T, bool kEverywhere = false>
class PReluForward final : public Kernel {
 public:
  explicit PReluForward(const Instruction& i)
      : shape_(i), slopes_(i), x_(i, "x"), y_(buffer<T>(i, "y")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T* x = x_(batch);
    slopes_.apply(x, x, y_, worker.share(shape_.rows(batch)), shape_.columns);
  }

 private:
  Shape shape_;
  Slopes<T, kEverywhere> slopes_;
  Source<T> x_;
  T* y_;
};

template <class T, bool kEverywhere = false>
class PReluBackward final : public Kernel {
 public:
  explicit PReluBackward(const Instruction& i)
      : shape_(i),
        slopes_(i),
        x_(i, "x"),
        d_y_(i, "d_y"),
        d_x_(optional_buffer<T>(i, "d_x")),
        d_slope_(buffer<T>(i, kEverywhere ? "d_factor" : "d_slope")),
        scratch_(buffer<double>(i, "scratch")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T *x = x_(batch), *d_y = d_y_(batch);
    const Index rows = shape_.rows(batch), columns = shape_.columns;
    const RowBlocks blocks = reduction_blocks(rows);
    const Strips strips(columns, blocks);
    const Range tasks = worker.share(blocks.count * strips.count);
    for (Index task = tasks.begin; task < tasks.end; ++task) {
      const Index block = task / strips.count;
      sum_block(x, d_y, blocks.block(block), strips.strip(task % strips.count),
                scratch_ + block * columns);
    }
    if (d_x_ != nullptr) slopes_.apply(x, d_y, d_x_, worker.share(rows), columns);
    worker.meet();
    finish(worker, blocks.count);
  }

 private:
  // Sums of a run of rows in T, their total in double.
  void sum_block(const T* x, const T* d_y, Range rows, Range strip, double* to) const {
    const Index columns = shape_.columns;
    T sums[kStrip];
    for (Index c = strip.begin; c < strip.end; ++c) to[c] = 0;
    for (Index row = rows.begin; row < rows.end; row += kRun) {
      sum_rows<T>({row, smaller(row + kRun, rows.end)}, strip, sums,
                  [x, d_y, columns](Index r, Index c) {
                    const Index i = r * columns + c;
                    const T share = d_y[i] * x[i];
                    return !kEverywhere && x[i] > T(0) ? T(0) : share;
                  });
      for (Index c = strip.begin; c < strip.end; ++c)
        to[c] += static_cast<double>(sums[c - strip.begin]);
    }
  }

  void finish(const Worker& worker, Index blocks) const {
    const Index columns = shape_.columns;
    if (slopes_.shared()) {
      if (worker.index > 0) return;
      double sum = 0;
      for (Index i = 0; i < blocks * columns; ++i) sum += scratch_[i];
      *d_slope_ = static_cast<T>(sum);
      return;
    }
    total_of_blocks(scratch_, blocks, columns, worker.share(columns), d_slope_);
  }

  Shape shape_;
  Slopes<T, kEverywhere> slopes_;
  Source<T> x_, d_y_;
  T *d_x_, *d_slope_;
  double* scratch_;
};

}  // namespace evenly::EVENLY_ISA
