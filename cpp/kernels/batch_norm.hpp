// Batch normalization (Ioffe and Szegedy 2015): statistics of each column over the rows.
//
//   z = gamma (x - mean) / sqrt(variance + epsilon) + beta,  y = epilogue(z)
//
// The mean is kept as two numbers, the upper and what it leaves: x - upper is exact for data far
// from zero, so x = 10000 +- 1 is normalized as well as x = 0 +- 1. A column whose squares overflow
// or vanish is scaled by a power of two first; all others by 1.
#pragma once
#include "kernels/epilogue.hpp"
#include "kernels/statistics.hpp"

namespace evenly::EVENLY_ISA {

// Rows of the buffer "statistics", one value a column each; all but the first are of the scaled
// column. `factor` is reciprocal times gamma.
template <class T>
struct ColumnStatistics {
  T *scale, *mean, *mean_rest, *reciprocal, *variance, *factor;
  ColumnStatistics(T* base, Index columns)
      : scale(base),
        mean(base + columns),
        mean_rest(base + 2 * columns),
        reciprocal(base + 3 * columns),
        variance(base + 4 * columns),
        factor(base + 5 * columns) {}
};

// Where a batch is cut into parts, it is one of two kernels: kMoments leaves mean and squares of
// the part in "part", kApply takes those of the whole batch from "all".
enum class Pass { whole, moments, apply };

template <class T, Pass kPass = Pass::whole>
class BatchNormForward final : public Kernel {
 public:
  explicit BatchNormForward(const Instruction& i)
      : shape_(i),
        epilogue_(i),
        epsilon_(number(i, "epsilon")),
        x_(i, "x"),
        y_(buffer<T>(i, "y")),
        gamma_(i, "gamma", shape_.columns, T(1)),
        beta_(i, "beta", shape_.columns, T(0)),
        statistics_(buffer<T>(i, "statistics"), shape_.columns),
        scratch_(buffer<double>(i, "scratch")),
        moments_(optional_buffer<double>(i, "moments")),
        part_(optional_buffer<double>(i, "part")),
        all_(optional_buffer<double>(i, "all")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    if constexpr (kPass == Pass::apply) return with_moments_of_all(worker, batch);
    if (moments_ != nullptr) return from_moments(worker, batch);
    const T* x = x_(batch);
    const Index rows = shape_.rows(batch), columns = shape_.columns;
    const RowBlocks blocks = reduction_blocks(rows);
    const Strips strips(columns, blocks);
    const DropStream stream = epilogue_.prepare(batch);
    double* means = scratch_;
    double* squares = scratch_ + kMaxBlocks * columns;
    const Range tasks = worker.share(blocks.count * strips.count);
    for (Index task = tasks.begin; task < tasks.end; ++task) {
      const Index block = task / strips.count;
      const Range strip = strips.strip(task % strips.count);
      const Index at = block * columns + strip.begin;
      block_moments(x, columns, blocks.block(block), strip, means + at, squares + at);
      if (blocks.count > 1) continue;
      // Few rows: the strip is still in the cache, and nobody else needs its statistics.
      finish(x, strip, blocks, means, squares);
      if constexpr (kPass == Pass::moments) continue;
      for (Index row = 0; row < rows; ++row)
        apply(x, {row, row + 1, strip.begin, strip.end}, stream);
    }
    if (blocks.count == 1) return;
    worker.meet();
    const Range own_strips = worker.share(strips.count);
    for (Index s = own_strips.begin; s < own_strips.end; ++s)
      finish(x, strips.strip(s), blocks, means, squares);
    if constexpr (kPass == Pass::moments) return;
    worker.meet();
    apply_rows(x, worker.share(rows), stream);
  }

 private:
  // The convolution in front has left each example's moments: the data is read once only.
  void from_moments(const Worker& worker, const Batch& batch) const {
    const Index columns = shape_.columns, stride = 2 * columns;
    const auto examples = static_cast<double>(batch.rows);
    const auto positions = static_cast<double>(shape_.rows_per_example);
    const T* x = x_(batch);
    const Range own = worker.share(columns);
    double *means = scratch_, *squares = scratch_ + kMaxBlocks * columns;
    for (Index c = own.begin; c < own.end; ++c) means[c] = squares[c] = 0;
    for (Index e = 0; e < batch.rows; ++e) {
      const double* of_example = moments_ + e * stride;
#pragma omp simd
      for (Index c = own.begin; c < own.end; ++c) means[c] += of_example[c];
    }
    for (Index c = own.begin; c < own.end; ++c) means[c] /= examples;
    for (Index e = 0; e < batch.rows; ++e) {
      const double* of_example = moments_ + e * stride;
#pragma omp simd
      for (Index c = own.begin; c < own.end; ++c) {
        const double difference = of_example[c] - means[c];
        squares[c] += of_example[columns + c] + positions * (difference * difference);
      }
    }
    finish(x, own, RowBlocks(shape_.rows(batch), shape_.rows(batch)), means, squares);
    if constexpr (kPass == Pass::moments) return;
    apply_all(worker, batch);
  }

  void with_moments_of_all(const Worker& worker, const Batch& batch) const {
    const Index columns = shape_.columns, rows = batch.whole() * shape_.rows_per_example;
    const double n = static_cast<double>(rows), *means = all_, *squares = all_ + columns;
    const Range own = worker.share(columns);
    if (keep(own, n, means, squares) > 0) {
      for (Index c = own.begin; c < own.end; ++c) {
        const double variance = squares[c] / n;
        if (squares_hold<T>(variance + epsilon_)) continue;
        const double scale = scale_to_one<T>(std::fmax(std::fabs(means[c]), std::sqrt(variance)));
        const double own_variance = variance * scale * scale;
        // Squares that even double does not hold: the step is not finite.
        const double reciprocal =
            std::isfinite(variance) ? reciprocal_deviation(own_variance, epsilon_, scale) : NAN;
        keep_scaled(c, {scale, means[c] * scale, own_variance, reciprocal});
      }
    }
    apply_all(worker, batch);
  }

  void apply_all(const Worker& worker, const Batch& batch) const {
    worker.meet();
    const T* x = x_(batch);
    const DropStream stream = epilogue_.prepare(batch);
    apply_rows(x, worker.share(shape_.rows(batch)), stream);
  }

  void apply_rows(const T* x, Range rows, const DropStream& stream) const {
    backwards(rows, shape_.columns, [&](Range part) {
      for_pieces(part, shape_.columns, [&](Piece piece) { apply(x, piece, stream); });
    });
  }

  // The blocks' moments become the column's mean and variance, in the place of the first block's.
  void finish(const T* x, Range strip, const RowBlocks& blocks, double* means,
              double* squares) const {
    const double n = static_cast<double>(blocks.rows);
    for (Index b = 1; b < blocks.count; ++b) join(strip, blocks.block(b), b, means, squares);
    if constexpr (kPass == Pass::moments) {
      leave(x, strip, blocks.rows, means, squares);
    } else if (keep(strip, n, means, squares) > 0) {
      for (Index c = strip.begin; c < strip.end; ++c)
        if (!squares_hold<T>(squares[c] / n + epsilon_))
          keep_scaled(c, moments_of(x, c, blocks.rows));
    }
  }

  // The moments of a block are added to those of all blocks before it (Chan, Golub and LeVeque
  // 1983, equation 2.1).
  void join(Range strip, Range rows, Index block, double* means, double* squares) const {
    const Index at = block * shape_.columns;
    const double before = static_cast<double>(rows.begin),
                 share = static_cast<double>(rows.end - rows.begin) / static_cast<double>(rows.end);
#pragma omp simd
    for (Index c = strip.begin; c < strip.end; ++c) {
      const double difference = means[at + c] - means[c];
      means[c] += difference * share;
      squares[c] += squares[at + c] + difference * difference * (before * share);
    }
  }

  // A part's moments, in double: there squares of float hold.
  void leave(const T* x, Range strip, Index rows, const double* means,
             const double* squares) const {
    const double n = static_cast<double>(rows);
    for (Index c = strip.begin; c < strip.end; ++c) {
      part_[c] = means[c];
      part_[shape_.columns + c] = squares[c];
      if (squares_hold<T>(squares[c] / n + epsilon_)) continue;
      const Normal normal = moments_of(x, c, rows);
      part_[c] = normal.mean / normal.scale;
      part_[shape_.columns + c] = normal.variance / normal.scale / normal.scale * n;
    }
  }

  // What each column of a strip is normalized by; returns how many have lost their squares.
  Index keep(Range strip, double n, const double* means, const double* squares) const {
    const T* gamma = gamma_.get();
    Index lost = 0;
#pragma omp simd reduction(+ : lost)
    for (Index c = strip.begin; c < strip.end; ++c) {
      const double mean = means[c], variance = squares[c] / n + epsilon_;
      const double reciprocal = 1.0 / std::sqrt(variance);
      const T upper = static_cast<T>(mean);
      statistics_.scale[c] = T(1);
      statistics_.mean[c] = upper;
      statistics_.mean_rest[c] = static_cast<T>(mean - static_cast<double>(upper));
      statistics_.variance[c] = static_cast<T>(squares[c] / n);
      statistics_.reciprocal[c] = static_cast<T>(reciprocal);
      statistics_.factor[c] = static_cast<T>(reciprocal * static_cast<double>(gamma[c]));
      lost += squares_hold<T>(variance) ? 0 : 1;
    }
    return lost;
  }

  Normal moments_of(const T* x, Index c, Index rows) const {
    return scaled_moments<T>(rows, epsilon_,
                             [=, this](Index row) { return x[row * shape_.columns + c]; });
  }

  void keep_scaled(Index c, const Normal& normal) const {
    const double gamma = static_cast<double>(gamma_.get()[c]);
    statistics_.scale[c] = static_cast<T>(normal.scale);
    statistics_.mean[c] = static_cast<T>(normal.mean);
    statistics_.mean_rest[c] =
        static_cast<T>(normal.mean - static_cast<double>(statistics_.mean[c]));
    statistics_.variance[c] = static_cast<T>(normal.variance);
    statistics_.reciprocal[c] = static_cast<T>(normal.reciprocal);
    statistics_.factor[c] = static_cast<T>(normal.reciprocal * gamma);
  }

  // A contiguous piece: some whole rows, or a part of one.
  void apply(const T* x, Piece piece, const DropStream& stream) const {
    const Index width = piece.column_end - piece.column_begin;
    const Index columns = shape_.columns, begin = piece.column_begin;
    const T *scale = statistics_.scale + begin, *mean = statistics_.mean + begin,
            *rest = statistics_.mean_rest + begin, *factor = statistics_.factor + begin,
            *beta = beta_.get() + begin;
    for (Index row = piece.row_begin; row < piece.row_end; ++row) {
      const T* from = x + row * columns + begin;
      T* to = y_ + row * columns + begin;
#pragma omp simd
      for (Index c = 0; c < width; ++c)
        to[c] = ((from[c] * scale[c] - mean[c]) - rest[c]) * factor[c] + beta[c];
    }
    const Index first = piece.row_begin * columns + begin;
    epilogue_.forward(y_ + first, first, width * (piece.row_end - piece.row_begin), stream);
  }

  Shape shape_;
  Epilogue<T> epilogue_;
  double epsilon_;
  Source<T> x_;
  T* y_;
  OrConstant<T> gamma_, beta_;
  ColumnStatistics<T> statistics_;
  double* scratch_;
  double *moments_, *part_, *all_;
};

// Inference, and training with frozen statistics: the running averages stand in for the batch.
template <class T>
class BatchNormFixed final : public Kernel {
 public:
  explicit BatchNormFixed(const Instruction& i)
      : shape_(i),
        epilogue_(i),
        epsilon_(static_cast<T>(number(i, "epsilon"))),
        x_(i, "x"),
        y_(buffer<T>(i, "y")),
        gamma_(i, "gamma", shape_.columns, T(1)),
        beta_(i, "beta", shape_.columns, T(0)),
        mean_(buffer<T>(i, "running_mean")),
        variance_(buffer<T>(i, "running_variance")),
        statistics_(optional_buffer<T>(i, "statistics")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T* x = x_(batch);
    const Index columns = shape_.columns;
    const DropStream stream = epilogue_.prepare(batch);
    if (statistics_ != nullptr) keep(worker.share(columns));
    for_pieces(worker.share(shape_.rows(batch)), columns, [&](Piece piece) {
      T scale[kPiece];
      const Index begin = piece.column_begin, width = piece.column_end - begin;
      const T *mean = mean_ + begin, *beta = beta_.get() + begin, *gamma = gamma_.get() + begin;
#pragma omp simd
      for (Index c = 0; c < width; ++c)
        scale[c] = gamma[c] / std::sqrt(variance_[begin + c] + epsilon_);
      for (Index row = piece.row_begin; row < piece.row_end; ++row) {
        const T* from = x + row * columns + begin;
        T* to = y_ + row * columns + begin;
#pragma omp simd
        for (Index c = 0; c < width; ++c) to[c] = (from[c] - mean[c]) * scale[c] + beta[c];
      }
      const Index first = piece.row_begin * columns + begin;
      epilogue_.forward(y_ + first, first, width * (piece.row_end - piece.row_begin), stream);
    });
  }

 private:
  // What backward wants to know, as BatchNormForward leaves it.
  void keep(Range columns) const {
    const ColumnStatistics<T> statistics(statistics_, shape_.columns);
    for (Index c = columns.begin; c < columns.end; ++c) {
      statistics.scale[c] = T(1);
      statistics.mean[c] = mean_[c];
      statistics.mean_rest[c] = T(0);
      statistics.variance[c] = variance_[c];
      statistics.reciprocal[c] = T(1) / std::sqrt(variance_[c] + epsilon_);
    }
  }

  Shape shape_;
  Epilogue<T> epilogue_;
  T epsilon_;
  Source<T> x_;
  T* y_;
  OrConstant<T> gamma_, beta_;
  T *mean_, *variance_, *statistics_;
};

// Once a step has proved finite: running = decay running + (1 - decay) batch, the variance
// unbiased. A variance that T does not hold becomes infinite.
template <class T>
class BatchNormTrack final : public Kernel {
 public:
  explicit BatchNormTrack(const Instruction& i)
      : shape_(i),
        decay_(number(i, "decay")),
        statistics_(buffer<T>(i, "statistics"), shape_.columns),
        mean_(buffer<T>(i, "running_mean")),
        variance_(buffer<T>(i, "running_variance")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const double n = static_cast<double>(shape_.rows(batch));
    const double unbiased = n / (n - 1);
    const Range own = worker.share(shape_.columns);
    for (Index c = own.begin; c < own.end; ++c) {
      const double scale = static_cast<double>(statistics_.scale[c]);
      const double mean =
          static_cast<double>(statistics_.mean[c]) + static_cast<double>(statistics_.mean_rest[c]);
      const double variance = static_cast<double>(statistics_.variance[c]) * unbiased;
      mean_[c] = blend(mean_[c], mean / scale);
      variance_[c] = blend(variance_[c], variance / scale / scale);
    }
  }

 private:
  T blend(T running, double own) const {
    return static_cast<T>(decay_ * static_cast<double>(running) + (1 - decay_) * own);
  }

  Shape shape_;
  double decay_;
  ColumnStatistics<T> statistics_;
  T *mean_, *variance_;
};

}  // namespace evenly::EVENLY_ISA
