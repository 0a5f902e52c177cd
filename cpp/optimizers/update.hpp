// What all update rules share: the flat parameters, the learning rate, the clipped gradient.
#pragma once
#include "kernels/common.hpp"

namespace evenly::EVENLY_ISA {

// The momentum of a step: a schedule's, or the rule's own.
inline double momentum_or(const StepNumbers& numbers, double own) {
  return std::isnan(numbers.momentum) ? own : numbers.momentum;
}

// Rule::Step holds a step's numbers; its element changes one value from its gradient and up to
// three states. Weight decay that is decoupled from the gradient touches the first `decaying`
// values.
template <class T, template <class> class Rule>
class Update final : public Kernel {
 public:
  explicit Update(const Instruction& i)
      : rule_(i),
        size_(integer(i, "size")),
        decaying_(integer(i, "decaying")),
        weight_decay_(number(i, "weight_decay")),
        factor_(has_number(i, "rate_factor") ? number(i, "rate_factor") : 1),
        limit_(has_number(i, "clip_value") ? number(i, "clip_value") : HUGE_VAL),
        values_(buffer<T>(i, "values")),
        gradients_(buffer<T>(i, "gradients")),
        first_(optional_buffer<T>(i, "state_1")),
        second_(optional_buffer<T>(i, "state_2")),
        third_(optional_buffer<T>(i, "state_3")),
        scalars_(buffer<Scalars>(i, "scalars")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    StepNumbers numbers = batch.numbers;
    numbers.learning_rate *= factor_;
    const auto step = rule_.prepare(numbers, static_cast<double>(batch.step) + 1);
    const T factor = static_cast<T>(scalars_->clip_factor), limit = static_cast<T>(limit_);
    const T keep = static_cast<T>(1 - numbers.learning_rate * (weight_decay_ * numbers.decay));
    const Range lines = worker.share(divide_up(size_, kLine));
    const Index begin = lines.begin * kLine, end = smaller(lines.end * kLine, size_);
    const Index border = weight_decay_ > 0 ? larger(begin, smaller(end, decaying_)) : begin;
    T *value = values_, *first = first_, *second = second_, *third = third_;
    const T* gradient = gradients_;
    T strange = 0;  // infinity and NaN minus themselves are NaN
#pragma omp simd reduction(+ : strange)
    for (Index i = begin; i < border; ++i) {
      value[i] *= keep;
      const T g = clipped(gradient[i] * factor, limit);
      step.element(value[i], g, first + i, second + i, third + i);
      strange += value[i] - value[i];
    }
#pragma omp simd reduction(+ : strange)
    for (Index i = border; i < end; ++i) {
      const T g = clipped(gradient[i] * factor, limit);
      step.element(value[i], g, first + i, second + i, third + i);
      strange += value[i] - value[i];
    }
    if (strange != T(0)) {
#pragma omp atomic write
      scalars_->failed = kOverflowed;
    }
  }

 private:
  static constexpr Index kLine =
      16;  // a cache line of float32 each, so that no two threads share one

  static T clipped(T g, T limit) { return g > limit ? limit : g < -limit ? -limit : g; }

  Rule<T> rule_;
  Index size_, decaying_;
  double weight_decay_, factor_, limit_;
  T *values_, *gradients_, *first_, *second_, *third_;
  Scalars* scalars_;
};

}  // namespace evenly::EVENLY_ISA
