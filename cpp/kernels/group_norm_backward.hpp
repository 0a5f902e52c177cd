// The gradients of group normalization.
//
// With g = gamma d_z, x_hat = (x - mean) / deviation, and means over a group:
//   d_x = (g - mean(g) - x_hat mean(g x_hat)) / deviation,
//   d_gamma = sum of d_z x_hat, d_beta = sum of d_z over examples and positions
#pragma once
#include "kernels/epilogue.hpp"
#include "kernels/groups.hpp"

namespace evenly::EVENLY_ISA {

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
        band_sums_(optional_buffer<double>(i, "band_sums")),
        d_z_(optional_buffer<T>(i, "d_z")) {}

  std::int64_t thread_bytes() const override {
    return groups_.channels * static_cast<Index>(4 * sizeof(double) + 5 * sizeof(T));
  }

  void run(const Worker& worker, const Batch& batch) const override {
    const Index channels = groups_.channels;
    // Blocks of examples, small ones together.
    const RowBlocks blocks(batch.rows, divide_up(8, groups_.positions));
    const Range mine = worker.share(blocks.count);
    const Range strip = worker.share(channels);
    if (groups_.positions > 1) {
      double *betas = partial_, *gammas = partial_ + kMaxBlocks * channels;
      if (groups_.shared(batch.rows))
        bands_of_few(worker, batch, betas, gammas);
      else
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
  // A thread's own memory, as in forward; products are sums of d_z times what is centred.
  struct Scratch {
    double *sums, *products, *band;
    T *scale, *mean, *outer, *shift, *slope;

    Scratch(const Worker& worker, Index channels)
        : sums(static_cast<double*>(static_cast<void*>(worker.scratch))),
          products(sums + channels),
          band(products + channels),
          scale(static_cast<T*>(static_cast<void*>(band + 2 * channels))),
          mean(scale + channels),
          outer(mean + channels),
          shift(outer + channels),
          slope(shift + channels) {}
  };

  void positions_of_block(Range examples, const Worker& worker, const Batch& batch, double* beta,
                          double* gamma) const {
    const T *x = x_(batch), *d = epilogue_.present() ? d_z_ : d_y_(batch);
    const DropStream stream = epilogue_.prepare(batch);
    const Scratch own(worker, groups_.channels);
    for (Index c = 0; c < groups_.channels; ++c) beta[c] = gamma[c] = 0;
    for (Index e = examples.begin; e < examples.end; ++e) {
      const Index first = e * groups_.values;
      if (epilogue_.present()) behind_epilogue({first, first + groups_.values}, batch, stream);
      centre(e, own);
      sum_bands<T>(groups_, own.sums, own.band, terms(x + first, d + first, own));
      settle(e, own, beta, gamma);
      apply({0, groups_.positions}, x, d, first, own);
    }
  }

  // Each of the few examples is a block of its own.
  void bands_of_few(const Worker& worker, const Batch& batch, double* betas, double* gammas) const {
    const T *x = x_(batch), *d = epilogue_.present() ? d_z_ : d_y_(batch);
    const DropStream stream = epilogue_.prepare(batch);
    const Index channels = groups_.channels;
    const Scratch own(worker, channels);
    in_bands(
        groups_, worker, batch.rows,
        [&](Index e, Index b) {
          const Index first = e * groups_.values;
          const Range band = groups_.band(b);
          if (epilogue_.present())
            behind_epilogue({first + band.begin * channels, first + band.end * channels}, batch,
                            stream);
          centre(e, own);
          sum_positions<T>(groups_, band, band_sums_ + (e * groups_.bands + b) * 2 * channels,
                           terms(x + first, d + first, own));
        },
        [&](Index e, bool begins) {
          centre(e, own);
          join_bands(groups_, band_sums_ + e * groups_.bands * 2 * channels, own.sums);
          double *beta = begins ? betas + e * channels : own.band,
                 *gamma = begins ? gammas + e * channels : own.band + channels;
          for (Index c = 0; c < channels; ++c) beta[c] = gamma[c] = 0;
          settle(e, own, beta, gamma);
        },
        [&](Index e, Index b) { apply(groups_.band(b), x, d, e * groups_.values, own); });
  }

  template <Index kWidth>
  void flat_rows(Width<kWidth> width, Range examples, const Batch& batch, T* beta, T* gamma) const {
    const T *x = x_(batch), *d = epilogue_.present() ? d_z_ : d_y_(batch);
    const DropStream stream = epilogue_.prepare(batch);
    for (Index e = examples.begin; e < examples.end; ++e) {
      const Index first = e * groups_.values;
      if (epilogue_.present()) behind_epilogue({first, first + groups_.values}, batch, stream);
      flat(width, x, d, e, beta, gamma);
    }
  }

  void behind_epilogue(Range numbers, const Batch& batch, const DropStream& stream) const {
    const T *y = y_(batch), *d_y = d_y_(batch);
    for (Index i = numbers.begin; i < numbers.end; i += kPiece)
      epilogue_.backward(y + i, d_y + i, d_z_ + i, i, smaller(kPiece, numbers.end - i), stream);
  }

  // What the sums of an example need.
  void centre(Index example, const Scratch& own) const {
    const GroupStatistics<T> statistics(statistics_, example);
    spread(groups_, statistics.scale, own.scale);
    spread(groups_, statistics.mean, own.mean);
  }

  auto terms(const T* x, const T* d, const Scratch& own) const {
    return [x, d, scale = own.scale, mean = own.mean, channels = groups_.channels](Index p, Index c,
                                                                                   T& a, T& b) {
      const Index i = p * channels + c;
      a += d[i];
      b += d[i] * (x[i] * scale[c] - mean[c]);
    };
  }

  // From an example's sums what it adds to d_beta and d_gamma, and what its d_x needs.
  void settle(Index example, const Scratch& own, double* beta, double* gamma) const {
    const Index channels = groups_.channels;
    const GroupStatistics<T> statistics(statistics_, example);
    double *sums = own.sums, *products = own.products;
    T *shift = own.shift, *outer = own.outer;
    spread(groups_, statistics.rest, shift);
    spread(groups_, statistics.reciprocal, outer);
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
    const double n = groups_.size();
    for (Index g = 0; g < groups_.count; ++g) {
      const double *sum = sums + g * groups_.width, *product = products + g * groups_.width;
      const double all = sum_of<double>(groups_.width, [=](Index k) { return sum[k]; });
      const double along = sum_of<double>(groups_.width, [=](Index k) { return product[k]; });
      const T reciprocal = statistics.reciprocal[g];
      for (Index c = g * groups_.width; c < (g + 1) * groups_.width; ++c) {
        own.slope[c] = static_cast<T>(along / n) * reciprocal;
        shift[c] = static_cast<T>(all / n) - statistics.rest[g] * own.slope[c];
        outer[c] = reciprocal * own.scale[c];
      }
    }
  }

  // Backwards: the last positions read are still in the cache.
  void apply(Range positions, const T* all_x, const T* all_d, Index first,
             const Scratch& own) const {
    if (d_x_ == nullptr) return;
    const T *gain = gamma_.get(), *scale = own.scale, *mean = own.mean, *outer = own.outer,
            *shift = own.shift, *slope = own.slope;
    for (Index p = positions.end - 1; p >= positions.begin; --p) {
      const Index row = first + p * groups_.channels;
      const T *x = all_x + row, *d = all_d + row;
      T* to = d_x_ + row;
#pragma omp simd
      for (Index c = 0; c < groups_.channels; ++c) {
        const T centred = x[c] * scale[c] - mean[c];
        to[c] = outer[c] * ((d[c] * gain[c] - shift[c]) - centred * slope[c]);
      }
    }
  }

  template <Index kWidth>
  void flat(Width<kWidth>, const T* all_x, const T* all_d, Index example, T* all_beta,
            T* all_gamma) const {
    const Index width = Width<kWidth>::of(groups_), first = example * groups_.channels;
    const GroupStatistics<T> statistics(statistics_, example);
    const T each = static_cast<T>(1.0 / groups_.size());
    // Some groups' sums, and then their use: one group's use would wait for its sums.
    constexpr Index kSome = 32;
    T shares[kSome], slopes[kSome];
    for (Index some = 0; some < groups_.count; some += kSome) {
      const Index end = smaller(some + kSome, groups_.count);
      for (Index g = some; g < end; ++g) {
        const Index at = g * width;
        const T *x = all_x + first + at, *d = all_d + first + at, *gain = gamma_.get() + at;
        T *beta = all_beta + at, *gamma = all_gamma + at;
        const T scale = statistics.scale[g], mean = statistics.mean[g], rest = statistics.rest[g],
                reciprocal = statistics.reciprocal[g];
        T sum[2];
        sum_group<kWidth>(width, sum, [=](auto here, auto& sums) EVENLY_ALWAYS_INLINE {
          const auto x_hat = ((here(x) * scale - mean) - rest) * reciprocal;
          const auto d_z = here(d), scaled = d_z * here(gain);
          sums[0] += scaled;
          sums[1] += scaled * x_hat;
          here.add(beta, d_z);
          here.add(gamma, d_z * x_hat);
        });
        shares[g - some] = sum[0] * each;
        slopes[g - some] = sum[1] * each * reciprocal;
      }
      for (Index g = some; d_x_ != nullptr && g < end; ++g) {
        const Index at = g * width;
        const T *x = all_x + first + at, *d = all_d + first + at, *gain = gamma_.get() + at;
        const T scale = statistics.scale[g], mean = statistics.mean[g], rest = statistics.rest[g];
        const T share = shares[g - some], slope = slopes[g - some];
        const T outer = statistics.reciprocal[g] * scale;
        T* to = d_x_ + first + at;
#pragma omp simd
        for (Index k = 0; k < width; ++k)
          to[k] = outer * ((d[k] * gain[k] - share) - ((x[k] * scale - mean) - rest) * slope);
      }
    }
  }

  Groups groups_;
  Epilogue<T> epilogue_;
  Source<T> x_, y_, d_y_;
  T* d_x_;
  OrConstant<T> gamma_;
  T *d_gamma_, *d_beta_;
  GroupStatistics<T> statistics_;
  double *partial_, *band_sums_;
  T* d_z_;
};

}  // namespace evenly::EVENLY_ISA
