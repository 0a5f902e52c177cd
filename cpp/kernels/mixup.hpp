// Mixup (Zhang, Cisse, Dauphin and Lopez-Paz 2018, equation 2): each row of a batch becomes a mean
// of itself and another row. Inputs, targets that are numbers, and sample weights are mixed alike;
// targets that are classes are mixed within the loss. And what cuts columns out of a table's rows:
// CutMix (Yun, Han, Oh, Chun, Choe and Yoo 2019) and cutout (DeVries and Taylor 2017).
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

// Of the columns c those are cut for which (a c + b) mod columns < cut, place = a columns + b: from
// the partner's row, or 0.
template <class T, bool kFromPartner>
class Cut final : public Kernel {
 public:
  explicit Cut(const Instruction& i)
      : columns_(integer(i, "columns")), x_(i, "x"), y_(buffer<T>(i, "y")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T* x = x_(batch);
    const Index place = static_cast<Index>(batch.numbers.place), b = place % columns_;
    const Index a = place / columns_ % columns_, cut = static_cast<Index>(batch.numbers.cut);
    const bool alone = kFromPartner && batch.whole() < 2;
    const Range own = worker.share(batch.rows);
    for (Index r = own.begin; r < own.end; ++r) {
      T* y = y_ + r * columns_;
      std::memcpy(y, x + r * columns_, static_cast<std::size_t>(columns_) * sizeof(T));
      if (cut == 0 || alone) continue;
      const T* other = x + batch.partner(r) * columns_;
      for (Index c = 0, at = b; c < columns_; ++c) {
        if (at < cut) y[c] = kFromPartner ? other[c] : T(0);
        at += a;
        if (at >= columns_) at -= columns_;
      }
    }
  }

 private:
  Index columns_;
  Source<T> x_;
  T* y_;
};

}  // namespace evenly::EVENLY_ISA
