// Group normalization (Wu and He 2018): statistics of each example over its positions and over the
// channels of a group, which stand side by side. One channel a group: instance normalization
// (Ulyanov, Vedaldi and Lempitsky 2016).
//
//   z = gamma (x - mean) / sqrt(variance + epsilon) + beta,  y = epilogue(z)
//
// A worker takes whole examples: what it reads several times is in its cache. All is summed
// channel by channel first, which vectorizes for any size of a group, and folded to groups then.
#pragma once
#include "kernels/epilogue.hpp"
#include "kernels/statistics.hpp"

namespace evenly::EVENLY_ISA {

// The sizes of one example, and what is done with numbers that each of its channels has.
struct Groups {
  Index positions, channels, count, width, values;  // width: channels of a group

  explicit Groups(const Instruction& i)
      : positions(integer(i, "rows_per_example")),
        channels(integer(i, "columns")),
        count(integer(i, "groups")),
        width(channels / count),
        values(positions * channels) {}

  // The number of values that a group's statistics are over.
  Index size() const { return positions * width; }

  // sums[g] = the sum of group g's channels; the rest of sums is lost. Neighbours are added in
  // pairs, all groups at once, as long as there are pairs.
  template <class T>
  void fold(T* sums) const {
    Index left = width, all = channels;
    for (; left % 2 == 0; left /= 2) {
      all /= 2;
#pragma omp simd
      for (Index i = 0; i < all; ++i) sums[i] = sums[2 * i] + sums[2 * i + 1];
    }
    if (left == 1) return;
    for (Index g = 0; g < count; ++g) {
      T sum = 0;
#pragma omp simd reduction(+ : sum)
      for (Index k = 0; k < left; ++k) sum += sums[g * left + k];
      sums[g] = sum;
    }
  }

  // of_channel[c] = what the group of channel c has.
  template <class T>
  void spread(const T* of_group, T* of_channel) const {
    if (width % 8 == 0) return spread_by<8>(of_group, of_channel);
    if (width % 4 == 0) return spread_by<4>(of_group, of_channel);
    if (width % 2 == 0) return spread_by<2>(of_group, of_channel);
    spread_by<1>(of_group, of_channel);
  }

 private:
  // So many channels at a time: a count that the compiler knows becomes one store or two.
  template <Index kStep, class T>
  void spread_by(const T* of_group, T* to) const {
    for (Index g = 0; g < count; ++g) {
      const T value = of_group[g];
      for (Index k = 0; k < width; k += kStep, to += kStep) {
        for (Index j = 0; j < kStep; ++j) to[j] = value;
      }
    }
  }
};

// Sums over an example's positions of two terms for each channel: runs of positions, and then the
// runs' sums, so that rounding does not grow with the size of an image. `run_first` and
// `run_second` hold the sums of one run.
template <class T, class Terms>
void sum_positions(const Groups& groups, T* first, T* second, T* run_first, T* run_second,
                   Terms terms) {
  constexpr Index kRun = 128;
  const Range all{0, groups.channels};
  sum_rows<T>({0, smaller(kRun, groups.positions)}, all, first, second, terms);
  for (Index p = kRun; p < groups.positions; p += kRun) {
    sum_rows<T>({p, smaller(p + kRun, groups.positions)}, all, run_first, run_second, terms);
#pragma omp simd
    for (Index c = 0; c < groups.channels; ++c) {
      first[c] += run_first[c];
      second[c] += run_second[c];
    }
  }
}

// The buffer "statistics": one value for each group of each example. The mean is shift + rest,
// where shift is the group's first element: x - shift cancels nothing that matters.
template <class T>
struct GroupStatistics {
  T *shift, *rest, *reciprocal;
  Index groups;
  GroupStatistics(const Instruction& i, const Groups& sizes)
      : shift(buffer<T>(i, "statistics")),
        rest(shift + integer(i, "planned_examples") * sizes.count),
        reciprocal(rest + integer(i, "planned_examples") * sizes.count),
        groups(sizes.count) {}
};

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
    T* own = static_cast<T*>(static_cast<void*>(worker.scratch));
    const Range examples = worker.share(batch.rows);
    for (Index e = examples.begin; e < examples.end; ++e) {
      const Index first = e * groups_.values;
      one(x + first, y_ + first, e, own);
      if (!epilogue_.present()) continue;
      for (Index i = 0; i < groups_.values; i += kPiece)
        epilogue_.forward(y_ + first + i, first + i, smaller(kPiece, groups_.values - i), stream);
    }
  }

 private:
  static constexpr Index kArrays = 6;

  // Two passes, the mean first: no difference of large sums anywhere.
  void one(const T* x, T* y, Index example, T* own) const {
    const Index channels = groups_.channels, width = groups_.width;
    T *shift = own, *rest = shift + channels, *scale = rest + channels;
    T *sums = scale + channels, *run = sums + channels, *unused = run + channels;
    T* of_groups = statistics_.shift + example * groups_.count;
    for (Index g = 0; g < groups_.count; ++g) of_groups[g] = x[g * width];
    groups_.spread(of_groups, shift);

    sum_positions<T>(groups_, sums, unused, run, scale,
                     [=](Index p, Index c, T& a, T&) { a += x[p * channels + c] - shift[c]; });
    groups_.fold(sums);
    const T n = static_cast<T>(groups_.size());
    of_groups = statistics_.rest + example * groups_.count;
#pragma omp simd
    for (Index g = 0; g < groups_.count; ++g) of_groups[g] = sums[g] / n;
    groups_.spread(of_groups, rest);

    sum_positions<T>(groups_, sums, unused, run, scale, [=](Index p, Index c, T& a, T&) {
      const T d = (x[p * channels + c] - shift[c]) - rest[c];
      a += d * d;
    });
    groups_.fold(sums);
    of_groups = statistics_.reciprocal + example * groups_.count;
    const double share = 1.0 / static_cast<double>(groups_.size());
#pragma omp simd
    for (Index g = 0; g < groups_.count; ++g)
      of_groups[g] =
          static_cast<T>(1.0 / std::sqrt(static_cast<double>(sums[g]) * share + epsilon_));
    groups_.spread(of_groups, scale);

    const T *gamma = gamma_.get(), *beta = beta_.get();
#pragma omp simd
    for (Index c = 0; c < channels; ++c) scale[c] *= gamma[c];
    for (Index p = 0; p < groups_.positions; ++p) {
      const T* from = x + p * channels;
      T* to = y + p * channels;
#pragma omp simd
      for (Index c = 0; c < channels; ++c)
        to[c] = ((from[c] - shift[c]) - rest[c]) * scale[c] + beta[c];
    }
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
    return kArrays * groups_.channels * static_cast<Index>(sizeof(T));
  }

  void run(const Worker& worker, const Batch& batch) const override {
    const T *x = x_(batch), *y = y_(batch), *d_y = d_y_(batch);
    const Index channels = groups_.channels;
    const Stream stream = epilogue_.prepare(batch);
    T* own = static_cast<T*>(static_cast<void*>(worker.scratch));
    // Blocks of examples, small ones together.
    const RowBlocks blocks(batch.rows, divide_up(8, groups_.positions));
    T* partial_beta = partial_;
    T* partial_gamma = partial_ + kMaxBlocks * channels;
    const Range mine = worker.share(blocks.count);
    for (Index b = mine.begin; b < mine.end; ++b) {
      T *beta = partial_beta + b * channels, *gamma = partial_gamma + b * channels;
      for (Index c = 0; c < channels; ++c) beta[c] = gamma[c] = T(0);
      const Range examples = blocks.block(b);
      for (Index e = examples.begin; e < examples.end; ++e) {
        const Index first = e * groups_.values;
        const T* d = d_y + first;
        if (epilogue_.present()) {
          for (Index i = first; i < first + groups_.values; i += kPiece)
            epilogue_.backward(y + i, d_y + i, d_z_ + i, i,
                               smaller(kPiece, first + groups_.values - i), stream);
          d = d_z_ + first;
        }
        one(x + first, d, e, own, beta, gamma);
      }
    }
    worker.meet();
    const Range strip = worker.share(channels);
    if (d_beta_) total(partial_beta, blocks.count, strip, d_beta_);
    if (d_gamma_) total(partial_gamma, blocks.count, strip, d_gamma_);
  }

 private:
  static constexpr Index kArrays = 7;

  void one(const T* x, const T* d, Index example, T* own, T* beta, T* gamma) const {
    const Index channels = groups_.channels, at = example * groups_.count;
    T *shift = own, *rest = shift + channels, *scale = rest + channels;
    T *sums = scale + channels, *products = sums + channels;
    T *run_sums = products + channels, *run_products = run_sums + channels;
    groups_.spread(statistics_.shift + at, shift);
    groups_.spread(statistics_.rest + at, rest);
    groups_.spread(statistics_.reciprocal + at, scale);
    sum_positions<T>(groups_, sums, products, run_sums, run_products,
                     [=](Index p, Index c, T& a, T& b) {
                       const Index i = p * channels + c;
                       a += d[i];
                       b += d[i] * ((x[i] - shift[c]) - rest[c]);
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
    groups_.fold(sums);
    groups_.fold(products);
    const T* reciprocal = statistics_.reciprocal + at;
    const T n = static_cast<T>(groups_.size());
#pragma omp simd
    for (Index g = 0; g < groups_.count; ++g) {
      sums[g] = sums[g] / n;
      products[g] = products[g] * reciprocal[g] * reciprocal[g] / n;
    }
    T *mean = run_sums, *slope = run_products;
    groups_.spread(sums, mean);
    groups_.spread(products, slope);
    T* to = d_x_ + example * groups_.values;
    for (Index p = 0; p < groups_.positions; ++p) {
      const Index row = p * channels;
#pragma omp simd
      for (Index c = 0; c < channels; ++c) {
        const T centred = (x[row + c] - shift[c]) - rest[c];
        to[row + c] = scale[c] * ((d[row + c] * gain[c] - mean[c]) - centred * slope[c]);
      }
    }
  }

  void total(const T* partial, Index count, Range strip, T* result) const {
    for (Index c = strip.begin; c < strip.end; ++c) {
      double sum = 0;
      for (Index b = 0; b < count; ++b)
        sum += static_cast<double>(partial[b * groups_.channels + c]);
      result[c] = static_cast<T>(sum);
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
