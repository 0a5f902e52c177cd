// Mixup (Zhang, Cisse, Dauphin and Lopez-Paz 2018, equation 2): each row of a batch becomes a mean
// of itself and another row. Inputs, targets that are numbers, and sample weights are mixed alike;
// targets that are classes are mixed within the loss.
//
//   y[r] = mix x[r] + (1 - mix) x[partner of r]
#pragma once
#include "kernels/common.hpp"

namespace evenly::EVENLY_ISA {

template <class T>
class Mixup final : public Kernel {
 public:
  explicit Mixup(const Instruction& i)
      : columns_(integer(i, "columns")), x_(i, "x"), y_(buffer<T>(i, "y")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T mix = static_cast<T>(batch.numbers.mix), rest = static_cast<T>(1 - batch.numbers.mix);
    const T* x = x_(batch);
    const Range own = worker.share(batch.rows);
    for (Index r = own.begin; r < own.end; ++r) {
      T* y = y_ + r * columns_;
      if (x == nullptr) {  // no sample weights: 1 each, mixed or not
        for (Index c = 0; c < columns_; ++c) y[c] = T(1);
        continue;
      }
      const T *a = x + r * columns_, *b = x + batch.partner(r) * columns_;
#pragma omp simd
      for (Index c = 0; c < columns_; ++c) y[c] = mix * a[c] + rest * b[c];
    }
  }

 private:
  Index columns_;
  Source<T> x_;
  T* y_;
};

}  // namespace evenly::EVENLY_ISA
