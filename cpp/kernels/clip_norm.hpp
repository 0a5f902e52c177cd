// Clipping one array's gradient by its own norm, between the check and the update.
//
//   g *= min(1, max_norm / |g|)
#pragma once
#include "kernels/statistics.hpp"

namespace evenly::EVENLY_ISA {

template <class T>
class ClipNorm final : public Kernel {
 public:
  explicit ClipNorm(const Instruction& i)
      : size_(integer(i, "size")),
        max_norm_(number(i, "max_norm")),
        gradient_(buffer<T>(i, "gradient")),
        scratch_(buffer<double>(i, "scratch")) {}

  void run(const Worker& worker, const Batch&) const override {
    const RowBlocks blocks(size_, kPiece);
    const Range own = worker.share(blocks.count);
    for (Index b = own.begin; b < own.end; ++b) {
      const Range range = blocks.block(b);
      double sum = 0;
#pragma omp simd reduction(+ : sum)
      for (Index i = range.begin; i < range.end; ++i)
        sum += static_cast<double>(gradient_[i]) * static_cast<double>(gradient_[i]);
      scratch_[b] = sum;
    }
    worker.meet();
    double squares = 0;  // every thread adds the same numbers in the same order
    for (Index b = 0; b < blocks.count; ++b) squares += scratch_[b];
    // Squares that overflow or vanish even in double: those of numbers near 1 do neither.
    double scale = 1;
    if (!(squares > 1e-290 && squares < 1e290)) {
      const Normal scaled =
          scaled_moments<T, false>(size_, 0.0, [this](Index i) { return gradient_[i]; });
      scale = scaled.scale;
      squares = scaled.variance * static_cast<double>(size_);
    }
    const double norm = std::sqrt(squares);
    if (norm > max_norm_ * scale) {
      if (scale != 1) worker.meet();  // all have read what some now change
      const T factor = static_cast<T>(max_norm_ / norm), first = static_cast<T>(scale);
      for (Index b = own.begin; b < own.end; ++b) {
        const Range range = blocks.block(b);
#pragma omp simd
        for (Index i = range.begin; i < range.end; ++i)
          gradient_[i] = gradient_[i] * first * factor;
      }
    }
    worker.meet();  // the update reads what other threads scaled
  }

 private:
  Index size_;
  double max_norm_;
  T* gradient_;
  double* scratch_;
};

}  // namespace evenly::EVENLY_ISA
