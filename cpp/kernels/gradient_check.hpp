// Between backward and update: the penalty's gradient, the global norm, and whether all is finite.
// One pass over the gradients. The weights have not been touched when a step fails here.
#pragma once
#include "kernels/statistics.hpp"

namespace evenly::EVENLY_ISA {

template <class T>
class GradientCheck final : public Kernel {
 public:
  explicit GradientCheck(const Instruction& i)
      : size_(integer(i, "size")),
        decaying_(integer(i, "decaying")),
        l1_(number(i, "l1")),
        l2_(number(i, "l2")),
        clip_norm_(has_number(i, "clip_norm") ? number(i, "clip_norm") : 0),
        values_(buffer<T>(i, "values")),
        gradients_(buffer<T>(i, "gradients")),
        scratch_(buffer<double>(i, "scratch")),
        scalars_(buffer<Scalars>(i, "scalars")) {}

  void run(const Worker& worker, const Batch&) const override {
    const RowBlocks blocks(size_, kRun);
    double* penalties = scratch_ + kMaxBlocks;
    const Range own = worker.share(blocks.count);
    for (Index b = own.begin; b < own.end; ++b) {
      scratch_[b] = penalties[b] = 0;
      const Range range = blocks.block(b);
      for (Index begin = range.begin; begin < range.end; begin += kRun)
        one_run(begin, smaller(begin + kRun, range.end), scratch_[b], penalties[b]);
    }
    worker.meet();
    if (worker.index != 0) return;
    double squares = 0, penalty = 0;
    for (Index b = 0; b < blocks.count; ++b) {
      squares += scratch_[b];
      penalty += penalties[b];
    }
    // Squares that vanish, or that overflow even in double, are taken again of scaled numbers.
    double scale = 1;
    if (size_ > 0 && !(squares > (sizeof(T) == 4 ? 1e-30 : 1e-290) && squares < 1e290)) {
      const Normal scaled =
          scaled_moments<T, false>(size_, 0.0, [this](Index i) { return gradients_[i]; });
      scale = scaled.scale;
      squares = scaled.variance * static_cast<double>(size_);
    }
    const double norm = std::sqrt(squares) / scale;
    scalars_->penalty = penalty;
    scalars_->gradient_norm = norm;
    scalars_->clip_factor = clip_norm_ > 0 && norm > clip_norm_ ? clip_norm_ / norm : 1.0;
    scalars_->failed = std::isfinite(norm) && std::isfinite(scalars_->loss) ? 0.0 : kNotFinite;
  }

 private:
  static constexpr Index kRun = 1024;

  void one_run(Index begin, Index end, double& squares, double& penalty) const {
    const Index border = larger(begin, smaller(end, decaying_));
    if (l2_ > 0) add_squares(begin, border, penalty);
    if (l1_ > 0) add_sizes(begin, border, penalty);
    const T* g = gradients_;
    // Four sums side by side: one would wait for itself.
    const Index quarter = (end - begin) / 4;
    const T *g0 = g + begin, *g1 = g0 + quarter, *g2 = g1 + quarter, *g3 = g2 + quarter;
    T s[4];
    sum_side_by_side(quarter, s, [=](auto here, auto& sums) EVENLY_ALWAYS_INLINE {
      const auto a = here(g0), b = here(g1), c = here(g2), d = here(g3);
      sums[0] += a * a;
      sums[1] += b * b;
      sums[2] += c * c;
      sums[3] += d * d;
    });
    for (Index i = begin + 4 * quarter; i < end; ++i) s[0] += g[i] * g[i];
    const T sum = (s[0] + s[1]) + (s[2] + s[3]);
    // A float square overflows at 1e19 already: count again in double before calling it infinite.
    squares += std::isfinite(sum) ? static_cast<double>(sum) : in_double(g, begin, end);
  }

  void add_squares(Index begin, Index end, double& penalty) const {
    const T* w = values_;
    T* g = gradients_;
    const T l2 = static_cast<T>(l2_);
    T sum = 0;
#pragma omp simd reduction(+ : sum)
    for (Index i = begin; i < end; ++i) {
      g[i] += l2 * w[i];
      sum += w[i] * w[i];
    }
    penalty += l2_ / 2 * (std::isfinite(sum) ? static_cast<double>(sum) : in_double(w, begin, end));
  }

  void add_sizes(Index begin, Index end, double& penalty) const {
    const T* w = values_;
    T* g = gradients_;
    const T l1 = static_cast<T>(l1_);
    T sum = 0;
#pragma omp simd reduction(+ : sum)
    for (Index i = begin; i < end; ++i) {
      g[i] += w[i] > T(0) ? l1 : w[i] < T(0) ? -l1 : T(0);
      sum += std::fabs(w[i]);
    }
    penalty += l1_ * static_cast<double>(sum);
  }

  static double in_double(const T* x, Index begin, Index end) {
    double sum = 0;
    for (Index i = begin; i < end; ++i)
      sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
    return sum;
  }

  Index size_, decaying_;
  double l1_, l2_, clip_norm_;
  T *values_, *gradients_;
  double* scratch_;
  Scalars* scalars_;
};

}  // namespace evenly::EVENLY_ISA
