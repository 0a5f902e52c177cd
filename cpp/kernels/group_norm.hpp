// Group normalization (Wu and He 2018): statistics of each example over its positions and over the
// channels of a group, which stand side by side. One channel a group: instance normalization
// (Ulyanov, Vedaldi and Lempitsky 2016).
//
//   z = gamma (x - mean) / sqrt(variance + epsilon) + beta,  y = epilogue(z)
//
// A worker takes whole examples: what it reads twice is in its cache. With positions, all is summed
// channel by channel first, which vectorizes for any size of a group. Without, each group is a
// short row; its length is a constant of the loops where it is a usual one.
#pragma once
#include "kernels/epilogue.hpp"
#include "kernels/groups.hpp"

namespace evenly::EVENLY_ISA {

template <class T>
class GroupNormForward final : public Kernel {
 public:
  explicit GroupNormForward(const Instruction& i)
      : groups_(i),
        epilogue_(i),
        epsilon_(number(i, "epsilon")),
        x_(i, "x"),
        y_(buffer<T>(i, "y")),
        gamma_(i, "gamma", groups_.channels, T(1)),
        beta_(i, "beta", groups_.channels, T(0)),
        statistics_(i, groups_) {}

  std::int64_t thread_bytes() const override {
    return groups_.channels * static_cast<Index>(2 * sizeof(double) + 4 * sizeof(T));
  }

  void run(const Worker& worker, const Batch& batch) const override {
    const T* x = x_(batch);
    const DropStream stream = epilogue_.prepare(batch);
    const Range examples = worker.share(batch.rows);
    if (groups_.positions > 1) {
      for (Index e = examples.begin; e < examples.end; ++e) with_positions(x, e, worker, stream);
      return;
    }
    for_width(groups_, [&](auto width) {
      for (Index e = examples.begin; e < examples.end; ++e) flat(width, x, e, stream);
    });
  }

 private:
  void with_positions(const T* all, Index example, const Worker& worker,
                      const DropStream& stream) const {
    const Index channels = groups_.channels, first = example * groups_.values;
    const T* x = all + first;
    double* sums = static_cast<double*>(static_cast<void*>(worker.scratch));
    T* mean = static_cast<T*>(static_cast<void*>(sums + 2 * channels));
    T *scale = mean + channels, *shift = scale + channels, *factor = shift + channels;
    const GroupStatistics<T> statistics(statistics_, example);
    measure(x, mean, shift, sums, statistics);
    spread(groups_, statistics.scale, scale);
    spread(groups_, statistics.mean, mean);
    spread(groups_, statistics.rest, shift);
    spread(groups_, statistics.reciprocal, factor);
    const T *gamma = gamma_.get(), *beta = beta_.get();
#pragma omp simd
    for (Index c = 0; c < channels; ++c) {
      factor[c] *= gamma[c];
      shift[c] = beta[c] - shift[c] * factor[c];
    }
    for_pieces({0, groups_.positions}, channels, [&](Piece piece) {
      for (Index p = piece.row_begin; p < piece.row_end; ++p) {
        const T* from = x + p * channels;
        T* to = y_ + first + p * channels;
#pragma omp simd
        for (Index c = piece.column_begin; c < piece.column_end; ++c)
          to[c] = (from[c] * scale[c] - mean[c]) * factor[c] + shift[c];
      }
      const Index begin = first + piece.row_begin * channels + piece.column_begin;
      const Index size =
          (piece.row_end - piece.row_begin) * (piece.column_end - piece.column_begin);
      if (epilogue_.present()) epilogue_.forward(y_ + begin, begin, size, stream);
    });
  }

  // Near each group's mean, from a sample of the positions; then sums about that, which correct it.
  // Where an outlier in the sample led them too far from the mean, once more from what they found.
  // `mean` and `sampled` have room for a number a channel, `sums` for two.
  void measure(const T* x, T* mean, T* sampled, double* sums,
               const GroupStatistics<T>& statistics) const {
    constexpr Index kSample = 256;
    const Index channels = groups_.channels, width = groups_.width;
    double* squares = sums + channels;
    const Index step = divide_up(groups_.positions, kSample);
    const Index sample = divide_up(groups_.positions, step);
    for (Index g = 0; g < groups_.count; ++g) statistics.mean[g] = x[g * width];
    spread(groups_, statistics.mean, mean);
    sum_rows<T>({0, sample}, {0, channels}, sampled,
                [=](Index p, Index c) { return x[p * step * channels + c] - mean[c]; });
    for (Index g = 0; g < groups_.count; ++g)
      statistics.mean[g] +=
          static_cast<T>(in_group(sampled, g) / static_cast<double>(sample * width));
    if (!measure_about(x, mean, sums, squares, statistics))
      measure_about(x, mean, sums, squares, statistics);
    for (Index g = 0; g < groups_.count; ++g) {
      const double n = groups_.size(), rest = in_group(sums, g) / n;
      const double variance = in_group(squares, g) / n - rest * rest;
      statistics.scale[g] = T(1);
      statistics.rest[g] = static_cast<T>(rest);
      statistics.reciprocal[g] = static_cast<T>(reciprocal_deviation(variance, epsilon_, 1.0));
      if (squares_hold<T>(variance + epsilon_)) continue;
      const T* own = x + g * width;
      statistics.keep(g, scaled_moments<T>(groups_.positions * width, epsilon_, [=](Index i) {
                        return own[i / width * channels + i % width];
                      }));
    }
  }

  // Sums of x - mean and its squares. False: some of the means are too far off; they now are
  // better.
  bool measure_about(const T* x, T* mean, double* sums, double* squares,
                     const GroupStatistics<T>& statistics) const {
    const Index channels = groups_.channels;
    spread(groups_, statistics.mean, mean);
    sum_positions<T>(groups_, sums, squares, [=](Index p, Index c, T& a, T& b) {
      const T d = x[p * channels + c] - mean[c];
      a += d;
      b += d * d;
    });
    bool near = true;
    for (Index g = 0; g < groups_.count; ++g) {
      const double n = groups_.size(), rest = in_group(sums, g) / n;
      if (!(2 * rest * rest > in_group(squares, g) / n)) continue;
      statistics.mean[g] += static_cast<T>(rest);
      near = false;
    }
    return near;
  }

  template <class Number>
  double in_group(const Number* of_channel, Index group) const {
    const Number* from = of_channel + group * groups_.width;
    return sum_of<double>(groups_.width, [=](Index k) { return static_cast<double>(from[k]); });
  }

  // Two passes over a group: one shifted by its first element, no difference of large sums; and one
  // about what that gave, where what is left of the sum corrects it.
  template <Index kWidth>
  void flat(Width<kWidth>, const T* all, Index example, const DropStream& stream) const {
    const Index width = Width<kWidth>::of(groups_), first = example * groups_.channels;
    const GroupStatistics<T> statistics(statistics_, example);
    const double share = 1.0 / groups_.size();
    for (Index g = 0; g < groups_.count; ++g) {
      const T* x = all + first + g * width;
      const T shift = x[0];
      double total = 0, sum = 0, square = 0;
      for_parts<kWidth>(width, [&](Index begin, Index end) {
        T a = 0;
#pragma omp simd reduction(+ : a)
        for (Index k = begin; k < end; ++k) a += x[k] - shift;
        total += static_cast<double>(a);
      });
      const T mean = shift + static_cast<T>(total * share);
      for_parts<kWidth>(width, [&](Index begin, Index end) {
        T a = 0, b = 0;
#pragma omp simd reduction(+ : a, b)
        for (Index k = begin; k < end; ++k) {
          const T d = x[k] - mean;
          a += d;
          b += d * d;
        }
        sum += static_cast<double>(a), square += static_cast<double>(b);
      });
      const double rest = sum * share;
      statistics.scale[g] = T(1);
      statistics.mean[g] = mean;
      statistics.rest[g] = static_cast<T>(rest);
      statistics.reciprocal[g] = static_cast<T>((square - rest * sum) * share);
    }
    Index lost = 0;
#pragma omp simd reduction(+ : lost)
    for (Index g = 0; g < groups_.count; ++g) {
      const double variance = static_cast<double>(statistics.reciprocal[g]) + epsilon_;
      statistics.reciprocal[g] = static_cast<T>(1.0 / std::sqrt(variance));
      lost += squares_hold<T>(variance) ? 0 : 1;
    }
    for (Index g = 0; lost > 0 && g < groups_.count; ++g) {
      const T* x = all + first + g * width;
      const T size = statistics.reciprocal[g];
      if (!squares_hold<T>(1.0 / (static_cast<double>(size) * static_cast<double>(size))))
        statistics.keep(g, scaled_moments<T>(width, epsilon_, [=](Index k) { return x[k]; }));
    }
    for (Index g = 0; g < groups_.count; ++g) {
      const T* x = all + first + g * width;
      T* y = y_ + first + g * width;
      const T *gamma = gamma_.get() + g * width, *beta = beta_.get() + g * width;
      const T scale = statistics.scale[g], mean = statistics.mean[g], rest = statistics.rest[g],
              reciprocal = statistics.reciprocal[g];
#pragma omp simd
      for (Index k = 0; k < width; ++k)
        y[k] = ((x[k] * scale - mean) - rest) * (reciprocal * gamma[k]) + beta[k];
    }
    if (!epilogue_.present()) return;
    for (Index c = 0; c < groups_.channels; c += kPiece)
      epilogue_.forward(y_ + first + c, first + c, smaller(kPiece, groups_.channels - c), stream);
  }

  Groups groups_;
  Epilogue<T> epilogue_;
  double epsilon_;
  Source<T> x_;
  T* y_;
  OrConstant<T> gamma_, beta_;
  GroupStatistics<T> statistics_;
};

// With g = gamma d_z, x_hat = (x - mean) / deviation, and means over a group:
//   d_x = (g - mean(g) - x_hat mean(g x_hat)) / deviation,
//   d_gamma = sum of d_z x_hat, d_beta = sum of d_z over examples and positions
template <class T>
class GroupNormBackward final : public Kernel {
 public:
  explicit GroupNormBackward(const Instruction& i)
      : groups_(i),
        epilogue_(i),
        x_(i, "x"),
        y_(i, "y"),
        d_y_(i, "d_y"),
        d_x_(optional_buffer<T>(i, "d_x")),
        gamma_(i, "gamma", groups_.channels, T(1)),
        d_gamma_(optional_buffer<T>(i, "d_gamma")),
        d_beta_(optional_buffer<T>(i, "d_beta")),
        statistics_(i, groups_),
        partial_(buffer<double>(i, "scratch")),
        d_z_(optional_buffer<T>(i, "d_z")) {}

  std::int64_t thread_bytes() const override {
    return groups_.channels * static_cast<Index>(2 * sizeof(double) + 5 * sizeof(T));
  }

  void run(const Worker& worker, const Batch& batch) const override {
    const Index channels = groups_.channels;
    // Blocks of examples, small ones together.
    const RowBlocks blocks(batch.rows, divide_up(8, groups_.positions));
    const Range mine = worker.share(blocks.count);
    const Range strip = worker.share(channels);
    if (groups_.positions > 1) {
      double *betas = partial_, *gammas = partial_ + kMaxBlocks * channels;
      for (Index b = mine.begin; b < mine.end; ++b)
        positions_of_block(blocks.block(b), worker, batch, betas + b * channels,
                           gammas + b * channels);
      worker.meet();
      if (d_beta_) total_of_blocks(betas, blocks.count, channels, strip, d_beta_);
      if (d_gamma_) total_of_blocks(gammas, blocks.count, channels, strip, d_gamma_);
      return;
    }
    const BlockSums<T> sums{blocks, channels, partial_,
                            static_cast<T*>(static_cast<void*>(worker.scratch))};
    for_width(groups_, [&](auto width) {
      for (Index b = mine.begin; b < mine.end; ++b)
        sums.block(b, [&](Range examples, T* beta, T* gamma) {
          flat_rows(width, examples, batch, beta, gamma);
        });
    });
    worker.meet();
    if (d_beta_) sums.total(0, strip, d_beta_);
    if (d_gamma_) sums.total(1, strip, d_gamma_);
  }

 private:
  void positions_of_block(Range examples, const Worker& worker, const Batch& batch, double* beta,
                          double* gamma) const {
    const T *x = x_(batch), *d = epilogue_.present() ? d_z_ : d_y_(batch);
    const DropStream stream = epilogue_.prepare(batch);
    for (Index c = 0; c < groups_.channels; ++c) beta[c] = gamma[c] = 0;
    for (Index e = examples.begin; e < examples.end; ++e) {
      if (epilogue_.present()) behind_epilogue(e, batch, stream);
      with_positions(x, d, e, worker, beta, gamma);
    }
  }

  template <Index kWidth>
  void flat_rows(Width<kWidth> width, Range examples, const Batch& batch, T* beta, T* gamma) const {
    const T *x = x_(batch), *d = epilogue_.present() ? d_z_ : d_y_(batch);
    const DropStream stream = epilogue_.prepare(batch);
    for (Index e = examples.begin; e < examples.end; ++e) {
      if (epilogue_.present()) behind_epilogue(e, batch, stream);
      flat(width, x, d, e, beta, gamma);
    }
  }

  void behind_epilogue(Index example, const Batch& batch, const DropStream& stream) const {
    const T *y = y_(batch), *d_y = d_y_(batch);
    const Index begin = example * groups_.values, end = begin + groups_.values;
    for (Index i = begin; i < end; i += kPiece)
      epilogue_.backward(y + i, d_y + i, d_z_ + i, i, smaller(kPiece, end - i), stream);
  }

  void with_positions(const T* all_x, const T* all_d, Index example, const Worker& worker,
                      double* beta, double* gamma) const {
    const Index channels = groups_.channels, first = example * groups_.values;
    const T *x = all_x + first, *d = all_d + first;
    double* sums = static_cast<double*>(static_cast<void*>(worker.scratch));
    double* products = sums + channels;
    T* scale = static_cast<T*>(static_cast<void*>(products + channels));
    T *mean = scale + channels, *outer = mean + channels, *shift = outer + channels;
    T* slope = shift + channels;
    const GroupStatistics<T> statistics(statistics_, example);
    spread(groups_, statistics.scale, scale);
    spread(groups_, statistics.mean, mean);
    spread(groups_, statistics.rest, shift);
    spread(groups_, statistics.reciprocal, outer);
    sum_positions<T>(groups_, sums, products, [=](Index p, Index c, T& a, T& b) {
      const Index i = p * channels + c;
      a += d[i];
      b += d[i] * (x[i] * scale[c] - mean[c]);
    });
    const T* gain = gamma_.get();
#pragma omp simd
    for (Index c = 0; c < channels; ++c) {
      products[c] =
          (products[c] - static_cast<double>(shift[c]) * sums[c]) * static_cast<double>(outer[c]);
      beta[c] += sums[c];
      gamma[c] += products[c];
      sums[c] *= static_cast<double>(gain[c]);
      products[c] *= static_cast<double>(gain[c]);
    }
    if (d_x_ == nullptr) return;
    const double n = groups_.size();
    for (Index g = 0; g < groups_.count; ++g) {
      const double *sum = sums + g * groups_.width, *product = products + g * groups_.width;
      const double own = sum_of<double>(groups_.width, [=](Index k) { return sum[k]; });
      const double along = sum_of<double>(groups_.width, [=](Index k) { return product[k]; });
      const T reciprocal = statistics.reciprocal[g];
      for (Index c = g * groups_.width; c < (g + 1) * groups_.width; ++c) {
        slope[c] = static_cast<T>(along / n) * reciprocal;
        shift[c] = static_cast<T>(own / n) - statistics.rest[g] * slope[c];
        outer[c] = reciprocal * scale[c];
      }
    }
    T* to = d_x_ + first;
    // Backwards: the last positions read are still in the cache.
    for (Index p = groups_.positions - 1; p >= 0; --p) {
      const Index row = p * channels;
#pragma omp simd
      for (Index c = 0; c < channels; ++c) {
        const T centred = x[row + c] * scale[c] - mean[c];
        to[row + c] = outer[c] * ((d[row + c] * gain[c] - shift[c]) - centred * slope[c]);
      }
    }
  }

  template <Index kWidth>
  void flat(Width<kWidth>, const T* all_x, const T* all_d, Index example, T* all_beta,
            T* all_gamma) const {
    const Index width = Width<kWidth>::of(groups_), first = example * groups_.channels;
    const GroupStatistics<T> statistics(statistics_, example);
    const double each = 1.0 / groups_.size();
    for (Index g = 0; g < groups_.count; ++g) {
      const Index at = g * width;
      const T *x = all_x + first + at, *d = all_d + first + at, *gain = gamma_.get() + at;
      T *beta = all_beta + at, *gamma = all_gamma + at;
      const T scale = statistics.scale[g], mean = statistics.mean[g], rest = statistics.rest[g],
              reciprocal = statistics.reciprocal[g];
      double sum = 0, product = 0;
      for_parts<kWidth>(width, [&](Index begin, Index end) {
        T a = 0, b = 0;
#pragma omp simd reduction(+ : a, b)
        for (Index k = begin; k < end; ++k) {
          const T x_hat = ((x[k] * scale - mean) - rest) * reciprocal;
          const T scaled = d[k] * gain[k];
          a += scaled;
          b += scaled * x_hat;
          beta[k] += d[k];
          gamma[k] += d[k] * x_hat;
        }
        sum += static_cast<double>(a), product += static_cast<double>(b);
      });
      if (d_x_ == nullptr) continue;
      const T share = static_cast<T>(sum * each);
      const T slope = static_cast<T>(product * each) * reciprocal;
      const T outer = reciprocal * scale;
      T* to = d_x_ + first + at;
#pragma omp simd
      for (Index k = 0; k < width; ++k)
        to[k] = outer * ((d[k] * gain[k] - share) - ((x[k] * scale - mean) - rest) * slope);
    }
  }

  Groups groups_;
  Epilogue<T> epilogue_;
  Source<T> x_, y_, d_y_;
  T* d_x_;
  OrConstant<T> gamma_;
  T *d_gamma_, *d_beta_;
  GroupStatistics<T> statistics_;
  double* partial_;
  T* d_z_;
};

}  // namespace evenly::EVENLY_ISA
