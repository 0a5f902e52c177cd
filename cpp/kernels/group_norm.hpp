// Group normalization (Wu and He 2018): statistics of each example over its positions and over the
// channels of a group, which stand side by side. One channel a group: instance normalization
// (Ulyanov, Vedaldi and Lempitsky 2016).
//
//   z = gamma (x - mean) / sqrt(variance + epsilon) + beta,  y = epilogue(z)
//
// A worker takes whole examples: what it reads twice is in its cache; of a few large examples it
// takes bands. With positions, all is summed channel by channel first, which vectorizes for any
// size of a group. Without, each group is a short row; its length is a constant of the loops where
// it is a usual one.
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
        statistics_(i, groups_),
        band_sums_(optional_buffer<double>(i, "band_sums")) {}

  std::int64_t thread_bytes() const override {
    return groups_.channels * static_cast<Index>(4 * sizeof(double) + 4 * sizeof(T)) +
           4 * groups_.count * static_cast<Index>(sizeof(T));
  }

  void run(const Worker& worker, const Batch& batch) const override {
    const T* x = x_(batch);
    const DropStream stream = epilogue_.prepare(batch);
    if (groups_.shared(batch.rows)) return bands_of_few(worker, batch.rows, x, stream);
    const Range examples = worker.share(batch.rows);
    if (groups_.positions > 1) {
      const Scratch own(worker, groups_);
      for (Index e = examples.begin; e < examples.end; ++e) {
        const GroupStatistics<T> statistics(statistics_, e);
        near_means(x + e * groups_.values, own, statistics);
        sum_bands<T>(groups_, own.sums, own.band, about(x + e * groups_.values, own.mean));
        settle(x + e * groups_.values, own, statistics);
        prepare(own, statistics);
        apply({0, groups_.positions}, x, e * groups_.values, own, stream);
      }
      return;
    }
    for_width(groups_, [&](auto width) {
      for (Index e = examples.begin; e < examples.end; ++e) flat(width, x, e, stream);
    });
  }

 private:
  // A thread's own memory: sums and sums of squares of each channel, those of a band, and what each
  // channel is normalized by.
  struct Scratch {
    double *sums, *band;
    T *mean, *scale, *shift, *factor;
    GroupStatistics<T> statistics;

    Scratch(const Worker& worker, const Groups& groups)
        : sums(static_cast<double*>(static_cast<void*>(worker.scratch))),
          band(sums + 2 * groups.channels),
          mean(static_cast<T*>(static_cast<void*>(band + 2 * groups.channels))),
          scale(mean + groups.channels),
          shift(scale + groups.channels),
          factor(shift + groups.channels),
          statistics(factor + groups.channels, groups.count) {}
  };

  void bands_of_few(const Worker& worker, Index examples, const T* all,
                    const DropStream& stream) const {
    const Scratch own(worker, groups_);
    const Index size = 2 * groups_.channels;
    Index known = -1;  // the example whose near means are at hand
    in_bands(
        groups_, worker, examples,
        [&](Index e, Index b) {
          const T* x = all + e * groups_.values;
          if (e != known) near_means(x, own, own.statistics);
          known = e;
          sum_positions<T>(groups_, groups_.band(b), band_sums_ + (e * groups_.bands + b) * size,
                           about(x, own.mean));
        },
        [&](Index e, bool begins) {
          const T* x = all + e * groups_.values;
          if (e != known) near_means(x, own, own.statistics);
          known = e;
          join_bands(groups_, band_sums_ + e * groups_.bands * size, own.sums);
          settle(x, own, own.statistics);
          if (begins) own.statistics.copy_to({statistics_, e});
          prepare(own, own.statistics);
          known = -1;
        },
        [&](Index e, Index b) { apply(groups_.band(b), all, e * groups_.values, own, stream); });
  }

  void prepare(const Scratch& own, const GroupStatistics<T>& statistics) const {
    spread(groups_, statistics.scale, own.scale);
    spread(groups_, statistics.mean, own.mean);
    spread(groups_, statistics.rest, own.shift);
    spread(groups_, statistics.reciprocal, own.factor);
    const T *gamma = gamma_.get(), *beta = beta_.get();
    T *shift = own.shift, *factor = own.factor;
#pragma omp simd
    for (Index c = 0; c < groups_.channels; ++c) {
      factor[c] *= gamma[c];
      shift[c] = beta[c] - shift[c] * factor[c];
    }
  }

  void apply(Range positions, const T* all, Index first, const Scratch& own,
             const DropStream& stream) const {
    const Index channels = groups_.channels;
    const T *scale = own.scale, *mean = own.mean, *factor = own.factor, *shift = own.shift;
    for_pieces(positions, channels, [&](Piece piece) {
      for (Index p = piece.row_begin; p < piece.row_end; ++p) {
        const T* from = all + first + p * channels;
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

  // The terms of the sums of x - mean and of its squares.
  auto about(const T* x, const T* mean) const {
    return [x, mean, channels = groups_.channels](Index p, Index c, T& a, T& b) {
      const T d = x[p * channels + c] - mean[c];
      a += d;
      b += d * d;
    };
  }

  // A number near each group's mean, from a sample of the positions.
  void near_means(const T* x, const Scratch& own, const GroupStatistics<T>& statistics) const {
    constexpr Index kSample = 256;
    const Index channels = groups_.channels, width = groups_.width;
    const Index step = divide_up(groups_.positions, kSample);
    const Index sample = divide_up(groups_.positions, step);
    const T* mean = own.mean;
    for (Index g = 0; g < groups_.count; ++g) statistics.mean[g] = x[g * width];
    spread(groups_, statistics.mean, own.mean);
    sum_rows<T>({0, sample}, {0, channels}, own.shift,
                [=](Index p, Index c) { return x[p * step * channels + c] - mean[c]; });
    for (Index g = 0; g < groups_.count; ++g)
      statistics.mean[g] +=
          static_cast<T>(in_group(own.shift, g) / static_cast<double>(sample * width));
    spread(groups_, statistics.mean, own.mean);
  }

  // The statistics from sums about the near means, which these correct. Where an outlier in the
  // sample led them too far from the mean, once more from what they found.
  void settle(const T* x, const Scratch& own, const GroupStatistics<T>& statistics) const {
    const Index channels = groups_.channels, width = groups_.width;
    const double *sums = own.sums, *squares = sums + channels;
    if (!are_near(sums, squares, statistics)) {
      spread(groups_, statistics.mean, own.mean);
      sum_bands<T>(groups_, own.sums, own.band, about(x, own.mean));
      are_near(sums, squares, statistics);
    }
    for (Index g = 0; g < groups_.count; ++g) {
      const double n = groups_.size(), rest = in_group(sums, g) / n;
      const double variance = in_group(squares, g) / n - rest * rest;
      statistics.scale[g] = T(1);
      statistics.rest[g] = static_cast<T>(rest);
      statistics.reciprocal[g] = static_cast<T>(reciprocal_deviation(variance, epsilon_, 1.0));
      if (squares_hold<T>(variance + epsilon_)) continue;
      const T* from = x + g * width;
      statistics.keep(g, scaled_moments<T>(groups_.positions * width, epsilon_, [=](Index i) {
                        return from[i / width * channels + i % width];
                      }));
    }
  }

  // False: some of the means are too far off; they now are better.
  bool are_near(const double* sums, const double* squares,
                const GroupStatistics<T>& statistics) const {
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
    // Loop by loop: a group's second sum would wait for its first.
    for (Index g = 0; g < groups_.count; ++g) {
      const T *x = all + first + g * width, shift = x[0];
      T sum[1];
      sum_group<kWidth>(width, sum, [=](auto here, auto& sums) EVENLY_ALWAYS_INLINE {
        sums[0] += here(x) - shift;
      });
      statistics.mean[g] = shift + sum[0] * static_cast<T>(share);
    }
    for (Index g = 0; g < groups_.count; ++g) {
      const T *x = all + first + g * width, mean = statistics.mean[g];
      T sum[2];
      sum_group<kWidth>(width, sum, [=](auto here, auto& sums) EVENLY_ALWAYS_INLINE {
        const auto d = here(x) - mean;
        sums[0] += d;
        sums[1] += d * d;
      });
      statistics.rest[g] = sum[0];
      statistics.reciprocal[g] = sum[1];
    }
    Index lost = 0;
#pragma omp simd reduction(+ : lost)
    for (Index g = 0; g < groups_.count; ++g) {
      const double sum = static_cast<double>(statistics.rest[g]), rest = sum * share;
      const double variance =
          (static_cast<double>(statistics.reciprocal[g]) - rest * sum) * share + epsilon_;
      statistics.scale[g] = T(1);
      statistics.rest[g] = static_cast<T>(rest);
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
  double* band_sums_;
};

}  // namespace evenly::EVENLY_ISA
