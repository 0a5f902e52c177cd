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
    return kArrays * groups_.channels * static_cast<Index>(sizeof(T));
  }

  void run(const Worker& worker, const Batch& batch) const override {
    const T* x = x_(batch);
    const Stream stream = epilogue_.prepare(batch);
    const Range examples = worker.share(batch.rows);
    if (groups_.positions > 1) {
      T* own = static_cast<T*>(static_cast<void*>(worker.scratch));
      for (Index e = examples.begin; e < examples.end; ++e) with_positions(x, e, own, stream);
      return;
    }
    for_width(groups_, [&](auto width) {
      for (Index e = examples.begin; e < examples.end; ++e) flat(width, x, e, stream);
    });
  }

 private:
  static constexpr Index kArrays = 7;

  void with_positions(const T* all, Index example, T* own, const Stream& stream) const {
    const Index channels = groups_.channels, first = example * groups_.values;
    const T* x = all + first;
    T *mean = own, *rest = mean + channels, *scale = rest + channels;
    const GroupStatistics<T> statistics(statistics_, example);
    measure(x, mean, scale + channels, statistics);
    spread(groups_, statistics.rest, rest);
    spread(groups_, statistics.reciprocal, scale);
    const T *gamma = gamma_.get(), *beta = beta_.get();
#pragma omp simd
    for (Index c = 0; c < channels; ++c) scale[c] *= gamma[c];
    for_pieces({0, groups_.positions}, channels, [&](Piece piece) {
      for (Index p = piece.row_begin; p < piece.row_end; ++p) {
        const T* from = x + p * channels;
        T* to = y_ + first + p * channels;
#pragma omp simd
        for (Index c = piece.column_begin; c < piece.column_end; ++c)
          to[c] = ((from[c] - mean[c]) - rest[c]) * scale[c] + beta[c];
      }
      const Index begin = first + piece.row_begin * channels + piece.column_begin;
      const Index size =
          (piece.row_end - piece.row_begin) * (piece.column_end - piece.column_begin);
      if (epilogue_.present()) epilogue_.forward(y_ + begin, begin, size, stream);
    });
  }

  // Near each group's mean, from a sample of the positions; then sums about that, which correct it.
  // `mean` gets what is subtracted from each channel.
  void measure(const T* x, T* mean, T* own, const GroupStatistics<T>& statistics) const {
    constexpr Index kSample = 256;
    const Index channels = groups_.channels, width = groups_.width;
    T *sums = own, *squares = sums + channels;
    const Index step = divide_up(groups_.positions, kSample);
    const Index sample = divide_up(groups_.positions, step);
    for (Index g = 0; g < groups_.count; ++g) statistics.mean[g] = x[g * width];
    spread(groups_, statistics.mean, mean);
    sum_rows<T>({0, sample}, {0, channels}, sums, squares,
                [=](Index p, Index c, T& a, T&) { a += x[p * step * channels + c] - mean[c]; });
    for (Index g = 0; g < groups_.count; ++g)
      statistics.mean[g] = static_cast<T>(statistics.mean[g] +
                                          in_group(sums, g) / static_cast<double>(sample * width));
    spread(groups_, statistics.mean, mean);
    sum_positions<T>(groups_, sums, squares, squares + channels, squares + 2 * channels,
                     [=](Index p, Index c, T& a, T& b) {
                       const T d = x[p * channels + c] - mean[c];
                       a += d;
                       b += d * d;
                     });
    const double n = groups_.size();
    for (Index g = 0; g < groups_.count; ++g) {
      const double rest = in_group(sums, g) / n, square = in_group(squares, g) / n;
      statistics.rest[g] = static_cast<T>(rest);
      statistics.reciprocal[g] = static_cast<T>(1.0 / std::sqrt((square - rest * rest) + epsilon_));
    }
  }

  double in_group(const T* of_channel, Index group) const {
    const T* from = of_channel + group * groups_.width;
    return sum_of<double>(groups_.width, [=](Index k) { return static_cast<double>(from[k]); });
  }

  // Two passes over a group: one shifted by its first element, no difference of large sums; and one
  // about the mean, where what is left of the sum corrects it.
  template <Index kWidth>
  void flat(Width<kWidth>, const T* all, Index example, const Stream& stream) const {
    const Index width = Width<kWidth>::of(groups_), first = example * groups_.channels;
    const GroupStatistics<T> statistics(statistics_, example);
    const T n = static_cast<T>(width);
    for (Index g = 0; g < groups_.count; ++g) {
      const T* x = all + first + g * width;
      const T shift = x[0];
      const T mean = shift + sum_of<T>(width, [=](Index k) { return x[k] - shift; }) / n;
      T sum = 0, square = 0;
#pragma omp simd reduction(+ : sum, square)
      for (Index k = 0; k < width; ++k) {
        const T d = x[k] - mean;
        sum += d;
        square += d * d;
      }
      const T rest = sum / n;
      statistics.mean[g] = mean;
      statistics.rest[g] = rest;
      statistics.reciprocal[g] = square - rest * sum;
    }
    const double share = 1.0 / groups_.size();
#pragma omp simd
    for (Index g = 0; g < groups_.count; ++g)
      statistics.reciprocal[g] = static_cast<T>(
          1.0 / std::sqrt(static_cast<double>(statistics.reciprocal[g]) * share + epsilon_));
    for (Index g = 0; g < groups_.count; ++g) {
      const T* x = all + first + g * width;
      T* y = y_ + first + g * width;
      const T *gamma = gamma_.get() + g * width, *beta = beta_.get() + g * width;
      const T mean = statistics.mean[g], rest = statistics.rest[g],
              reciprocal = statistics.reciprocal[g];
#pragma omp simd
      for (Index k = 0; k < width; ++k)
        y[k] = ((x[k] - mean) - rest) * (reciprocal * gamma[k]) + beta[k];
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
        partial_(buffer<T>(i, "scratch")),
        d_z_(optional_buffer<T>(i, "d_z")) {}

  std::int64_t thread_bytes() const override {
    return 7 * groups_.channels * static_cast<Index>(sizeof(T));
  }

  void run(const Worker& worker, const Batch& batch) const override {
    const Index channels = groups_.channels;
    // Blocks of examples, small ones together.
    const RowBlocks blocks(batch.rows, divide_up(8, groups_.positions));
    const Range mine = worker.share(blocks.count);
    T *betas = partial_, *gammas = partial_ + kMaxBlocks * channels;
    for_width(groups_, [&](auto width) {
      for (Index b = mine.begin; b < mine.end; ++b)
        block(width, blocks.block(b), worker, batch, betas + b * channels, gammas + b * channels);
    });
    worker.meet();
    const Range strip = worker.share(channels);
    if (d_beta_) total_of_blocks(betas, blocks.count, channels, strip, d_beta_);
    if (d_gamma_) total_of_blocks(gammas, blocks.count, channels, strip, d_gamma_);
  }

 private:
  template <Index kWidth>
  void block(Width<kWidth> width, Range examples, const Worker& worker, const Batch& batch, T* beta,
             T* gamma) const {
    const T *x = x_(batch), *d = d_y_(batch);
    const Stream stream = epilogue_.prepare(batch);
    for (Index c = 0; c < groups_.channels; ++c) beta[c] = gamma[c] = T(0);
    for (Index e = examples.begin; e < examples.end; ++e) {
      if (epilogue_.present()) {
        d = d_z_;
        behind_epilogue(e, batch, stream);
      }
      if (groups_.positions > 1)
        with_positions(x, d, e, static_cast<T*>(static_cast<void*>(worker.scratch)), beta, gamma);
      else
        flat(width, x, d, e, beta, gamma);
    }
  }

  void behind_epilogue(Index example, const Batch& batch, const Stream& stream) const {
    const T *y = y_(batch), *d_y = d_y_(batch);
    const Index begin = example * groups_.values, end = begin + groups_.values;
    for (Index i = begin; i < end; i += kPiece)
      epilogue_.backward(y + i, d_y + i, d_z_ + i, i, smaller(kPiece, end - i), stream);
  }

  void with_positions(const T* all_x, const T* all_d, Index example, T* own, T* beta,
                      T* gamma) const {
    const Index channels = groups_.channels, first = example * groups_.values;
    const T *x = all_x + first, *d = all_d + first;
    T *mean = own, *rest = mean + channels, *scale = rest + channels;
    T *sums = scale + channels, *products = sums + channels;
    T *run_sums = products + channels, *run_products = run_sums + channels;
    const GroupStatistics<T> statistics(statistics_, example);
    spread(groups_, statistics.mean, mean);
    spread(groups_, statistics.rest, rest);
    spread(groups_, statistics.reciprocal, scale);
    sum_positions<T>(groups_, sums, products, run_sums, run_products,
                     [=](Index p, Index c, T& a, T& b) {
                       const Index i = p * channels + c;
                       a += d[i];
                       b += d[i] * ((x[i] - mean[c]) - rest[c]);
                     });
    const T* gain = gamma_.get();
#pragma omp simd
    for (Index c = 0; c < channels; ++c) {
      beta[c] += sums[c];
      gamma[c] += products[c] * scale[c];
      sums[c] *= gain[c];
      products[c] *= gain[c];
    }
    if (d_x_ == nullptr) return;
    const T n = static_cast<T>(groups_.size());
    for (Index g = 0; g < groups_.count; ++g) {
      const T *sum = sums + g * groups_.width, *product = products + g * groups_.width;
      const T reciprocal = statistics.reciprocal[g];
      run_sums[g] = sum_of<T>(groups_.width, [=](Index k) { return sum[k]; }) / n;
      run_products[g] = sum_of<T>(groups_.width, [=](Index k) { return product[k]; }) * reciprocal *
                        reciprocal / n;
    }
    spread(groups_, run_sums, sums);
    spread(groups_, run_products, products);
    T* to = d_x_ + first;
    // Backwards: the last positions read are still in the cache.
    for (Index p = groups_.positions - 1; p >= 0; --p) {
      const Index row = p * channels;
#pragma omp simd
      for (Index c = 0; c < channels; ++c) {
        const T centred = (x[row + c] - mean[c]) - rest[c];
        to[row + c] = scale[c] * ((d[row + c] * gain[c] - sums[c]) - centred * products[c]);
      }
    }
  }

  template <Index kWidth>
  void flat(Width<kWidth>, const T* all_x, const T* all_d, Index example, T* all_beta,
            T* all_gamma) const {
    const Index width = Width<kWidth>::of(groups_), first = example * groups_.channels;
    const GroupStatistics<T> statistics(statistics_, example);
    const T n = static_cast<T>(width);
    for (Index g = 0; g < groups_.count; ++g) {
      const Index at = g * width;
      const T *x = all_x + first + at, *d = all_d + first + at, *gain = gamma_.get() + at;
      T *beta = all_beta + at, *gamma = all_gamma + at;
      const T mean = statistics.mean[g], rest = statistics.rest[g],
              reciprocal = statistics.reciprocal[g];
      T sum = 0, product = 0;
#pragma omp simd reduction(+ : sum, product)
      for (Index k = 0; k < width; ++k) {
        const T x_hat = ((x[k] - mean) - rest) * reciprocal;
        const T scaled = d[k] * gain[k];
        sum += scaled;
        product += scaled * x_hat;
        beta[k] += d[k];
        gamma[k] += d[k] * x_hat;
      }
      if (d_x_ == nullptr) continue;
      const T share = sum / n, slope = product / n;
      T* to = d_x_ + first + at;
#pragma omp simd
      for (Index k = 0; k < width; ++k)
        to[k] =
            reciprocal * ((d[k] * gain[k] - share) - ((x[k] - mean) - rest) * (reciprocal * slope));
    }
  }

  Groups groups_;
  Epilogue<T> epilogue_;
  Source<T> x_, y_, d_y_;
  T* d_x_;
  OrConstant<T> gamma_;
  T *d_gamma_, *d_beta_;
  GroupStatistics<T> statistics_;
  T *partial_, *d_z_;
};

}  // namespace evenly::EVENLY_ISA
