// Clipping one array's gradient by its own norm, between the check and the update.
//
//   g *= min(1, max_norm / |g|)
#pragma once
#include "kernels/common.hpp"

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
    const double norm = std::sqrt(squares);
    if (norm > max_norm_) {
      const T factor = static_cast<T>(max_norm_ / norm);
      for (Index b = own.begin; b < own.end; ++b) {
        const Range range = blocks.block(b);
#pragma omp simd
        for (Index i = range.begin; i < range.end; ++i) gradient_[i] *= factor;
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
