// The average of weights over the steps of a training: the exponential one (Polyak and Juditsky
// 1992; decay and correction as Adam's, Kingma and Ba 2015) and the plain mean (Izmailov,
// Podoprikhin, Garipov, Vetrov and Wilson 2018). And lookahead's slow weights (Zhang, Lucas, Hinton
// and Ba 2019), which begin at the first value, and from which the fast ones go on.
//
//   average += weight (value - average), and with lookahead value = average
//
// The weight is a number of the step, in double: 1 for the first, so that the average begins at the
// value itself, whatever lay there.
#pragma once
#include "kernels/common.hpp"

namespace evenly::EVENLY_ISA {

template <class T, bool kGoesOn>
class Average final : public Kernel {
 public:
  explicit Average(const Instruction& i)
      : size_(integer(i, "size")),
        values_(buffer<T>(i, "values")),
        average_(buffer<T>(i, "average")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T weight = static_cast<T>(batch.numbers.average);
    if (!(weight > T(0))) return;  // alike in every thread
    worker.meet();                 // for what other threads updated
    const Range lines = worker.share(divide_up(size_, kLine));
    const Index begin = lines.begin * kLine, end = smaller(lines.end * kLine, size_);
    T *value = values_, *average = average_;
    if (weight == T(1)) {
      if (begin < end)
        std::memcpy(average + begin, value + begin,
                    static_cast<std::size_t>(end - begin) * sizeof(T));
      return;
    }
#pragma omp simd
    for (Index i = begin; i < end; ++i) {
      average[i] += weight * (value[i] - average[i]);
      if constexpr (kGoesOn) value[i] = average[i];
    }
  }

 private:
  static constexpr Index kLine =
      16;  // a cache line of float32 each, so that no two threads share one

  Index size_;
  T *values_, *average_;
};

// average = value, before the first step.
template <class T>
class BeginAverage final : public Kernel {
 public:
  explicit BeginAverage(const Instruction& i)
      : size_(integer(i, "size")),
        values_(buffer<T>(i, "values")),
        average_(buffer<T>(i, "average")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    if (batch.step != 0) return;
    const Range own = worker.share(size_);
    if (own.begin < own.end)
      std::memcpy(average_ + own.begin, values_ + own.begin,
                  static_cast<std::size_t>(own.end - own.begin) * sizeof(T));
    worker.meet();  // what follows moves the values
  }

 private:
  Index size_;
  T *values_, *average_;
};

}  // namespace evenly::EVENLY_ISA
