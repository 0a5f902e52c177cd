// The gradients of batch normalization.
//
//   d_beta = sum d_z,  d_gamma = sum d_z x_hat,
//   d_x = gamma / sqrt(variance + epsilon) (d_z - d_beta / n - x_hat d_gamma / n)
// Frozen statistics do not depend on x: then d_x is the first term alone.
//
// Where a batch is cut into parts, kMoments leaves the two sums of the part in "part", and its
// d_beta and d_gamma; kApply takes the sums of the whole batch from "all".
#pragma once
#include "kernels/batch_norm.hpp"

namespace evenly::EVENLY_ISA {

template <class T, Pass kPass = Pass::whole>
class BatchNormBackward final : public Kernel {
 public:
  explicit BatchNormBackward(const Instruction& i)
      : shape_(i),
        epilogue_(i),
        frozen_(has_number(i, "frozen")),
        x_(i, "x"),
        y_(i, "y"),
        d_y_(i, "d_y"),
        d_x_(optional_buffer<T>(i, "d_x")),
        gamma_(optional_buffer<T>(i, "gamma")),
        d_gamma_(optional_buffer<T>(i, "d_gamma")),
        d_beta_(optional_buffer<T>(i, "d_beta")),
        sums_(buffer<T>(i, "sums")),
        statistics_(buffer<T>(i, "statistics"), shape_.columns),
        scratch_(buffer<double>(i, "scratch")),
        d_z_(optional_buffer<T>(i, "d_z")),
        part_(optional_buffer<double>(i, "part")),
        all_(optional_buffer<double>(i, "all")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const Index rows = shape_.rows(batch), columns = shape_.columns;
    const T *y = y_(batch), *d_y = d_y_(batch);
    if (epilogue_.has_mask()) {
      T own[kTogether * kStrip];
      const DropStream stream = epilogue_.prepare(batch);
      return reduce_and_apply(worker, batch, rows, OfMask{&epilogue_, &stream, d_y, columns, own});
    }
    if (!epilogue_.output_tells()) {
      if constexpr (kPass != Pass::apply) {
        epilogue_.backward_all(y, d_y, d_z_, rows * shape_.columns, worker, batch);
        worker.meet();
      }
      d_y = d_z_;
    }
    if (epilogue_.is_relu()) {
      const T pass = epilogue_.pass(epilogue_.prepare(batch));
      reduce_and_apply(worker, batch, rows, OfOutput{y, d_y, columns, pass});
    } else {
      reduce_and_apply(worker, batch, rows, Given{d_y, columns});
    }
  }

 private:
  // The gradient in front of the epilogue: d_z(row, c, begin) of a strip of columns that begins at
  // `begin`, once it was prepared for a few rows of it.
  struct Given {
    const T* d_y;
    Index columns;
    void prepare(Range, Range) const {}
    T operator()(Index row, Index c, Index) const { return d_y[row * columns + c]; }
  };
  struct OfOutput {
    const T *y, *d_y;
    Index columns;
    T pass;
    void prepare(Range, Range) const {}
    T operator()(Index row, Index c, Index) const {
      const Index i = row * columns + c;
      return y[i] > T(0) ? d_y[i] * pass : T(0);
    }
  };
  static constexpr Index kTogether = 4;  // as many rows as sum_rows takes at once
  struct OfMask {
    const Epilogue<T>* epilogue;
    const DropStream* stream;
    const T* d_y;
    Index columns;
    T* own;
    void prepare(Range rows, Range strip) const {
      for (Index row = rows.begin; row < rows.end; ++row) {
        const Index first = row * columns + strip.begin;
        epilogue->backward(nullptr, d_y + first, own + row % kTogether * kStrip, first,
                           strip.end - strip.begin, *stream);
      }
    }
    T operator()(Index row, Index c, Index begin) const {
      return own[row % kTogether * kStrip + (c - begin)];
    }
  };

  template <class Gradient>
  void reduce_and_apply(const Worker& worker, const Batch& batch, Index rows, Gradient d_z) const {
    const T* x = x_(batch);
    const Index columns = shape_.columns;
    const T *scale = statistics_.scale, *mean = statistics_.mean;
    if constexpr (kPass == Pass::apply) {
      const Range own = worker.share(columns);
      const double n = static_cast<double>(batch.whole() * shape_.rows_per_example);
      for (Index c = own.begin; c < own.end; ++c) keep(c, n, all_[c], all_[columns + c]);
      worker.meet();
      return apply_rows(x, worker.share(rows), {0, columns}, d_z);
    }
    const RowBlocks blocks = reduction_blocks(rows);
    const Strips strips(columns, blocks);
    double* betas = scratch_;
    double* gammas = scratch_ + kMaxBlocks * columns;
    const Range tasks = worker.share(blocks.count * strips.count);
    for (Index task = tasks.begin; task < tasks.end; ++task) {
      const Index block = task / strips.count;
      const Range strip = strips.strip(task % strips.count);
      const Index at = block * columns + strip.begin;
      sum_many_rows<T>(
          blocks.block(block), strip, betas + at, gammas + at,
          [=](Index r, Index c, T& a, T& b) {
            const T d = d_z(r, c, strip.begin);
            a += d;
            b += d * (x[r * columns + c] * scale[c] - mean[c]);
          },
          [=](Range few) { d_z.prepare(few, strip); });
      if (blocks.count > 1) continue;
      finish(strip, rows, blocks, betas, gammas);
      if constexpr (kPass == Pass::whole) apply_rows(x, {0, rows}, strip, d_z);
    }
    if (blocks.count == 1) return;
    worker.meet();
    const Range own = worker.share(strips.count);
    for (Index s = own.begin; s < own.end; ++s)
      finish(strips.strip(s), rows, blocks, betas, gammas);
    if constexpr (kPass == Pass::moments) return;
    worker.meet();
    apply_rows(x, worker.share(rows), {0, columns}, d_z);
  }

  template <class Gradient>
  void apply_rows(const T* x, Range rows, Range columns, Gradient d_z) const {
    if (d_x_ == nullptr) return;
    backwards(rows, columns.end - columns.begin, [&](Range part) {
      for (Index c = columns.begin; c < columns.end; c += kStrip)
        apply(x, part, {c, smaller(c + kStrip, columns.end)}, d_z);
    });
  }

  template <class Gradient>
  void apply(const T* x, Range rows, Range strip, Gradient d_z) const {
    const Index columns = shape_.columns;
    const T *scale = statistics_.scale, *mean = statistics_.mean;
    const T *outer = sums_, *shift = sums_ + columns, *slope = sums_ + 2 * columns;
    for (Index row = rows.begin; row < rows.end; ++row) {
      const Index base = row * columns;
      T* to = d_x_ + base;
      d_z.prepare(Range{row, row + 1}, strip);
#pragma omp simd
      for (Index c = strip.begin; c < strip.end; ++c) {
        const T centred = x[base + c] * scale[c] - mean[c];
        to[c] = outer[c] * ((d_z(row, c, strip.begin) - shift[c]) - centred * slope[c]);
      }
    }
  }

  // "sums" holds what each column's d_x needs: the factor in front of all, the mean of d_z, and
  // x_hat's share. What the mean's upper number leaves is taken into account here, once a column.
  void finish(Range strip, Index rows, const RowBlocks& blocks, double* betas,
              double* gammas) const {
    const Index columns = shape_.columns;
    for (Index b = 1; b < blocks.count; ++b) {
#pragma omp simd
      for (Index c = strip.begin; c < strip.end; ++c) {
        betas[c] += betas[b * columns + c];
        gammas[c] += gammas[b * columns + c];
      }
    }
    for (Index c = strip.begin; c < strip.end; ++c) {
      const double beta = betas[c], gamma = gammas[c];
      if constexpr (kPass == Pass::moments) {
        part_[c] = beta;
        part_[columns + c] = gamma;
      }
      keep(c, static_cast<double>(rows), beta, gamma);
    }
  }

  // `gamma` is the sum of d_z times the centred x, which the mean's upper number centres.
  void keep(Index c, double n, double beta, double gamma) const {
    const Index columns = shape_.columns;
    const double reciprocal = static_cast<double>(statistics_.reciprocal[c]);
    const double rest = static_cast<double>(statistics_.mean_rest[c]);
    gamma = (gamma - rest * beta) * reciprocal;
    if (kPass != Pass::apply && d_beta_) d_beta_[c] = static_cast<T>(beta);
    if (kPass != Pass::apply && d_gamma_) d_gamma_[c] = static_cast<T>(gamma);
    const double gain = gamma_ ? static_cast<double>(gamma_[c]) : 1.0;
    const double slope = frozen_ ? 0.0 : reciprocal * gamma / n;
    sums_[c] = static_cast<T>(reciprocal * gain * static_cast<double>(statistics_.scale[c]));
    sums_[columns + c] = static_cast<T>(frozen_ ? 0.0 : beta / n - rest * slope);
    sums_[2 * columns + c] = static_cast<T>(slope);
  }

  Shape shape_;
  Epilogue<T> epilogue_;
  bool frozen_;
  Source<T> x_, y_, d_y_;
  T *d_x_, *gamma_, *d_gamma_, *d_beta_, *sums_;
  ColumnStatistics<T> statistics_;
  double* scratch_;
  T* d_z_;
  double *part_, *all_;
};

}  // namespace evenly::EVENLY_ISA
