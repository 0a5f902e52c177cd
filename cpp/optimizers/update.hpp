// What all update rules share: the flat parameters, the learning rate, the clipped gradient.
#pragma once
#include "kernels/common.hpp"

namespace evenly::EVENLY_ISA {

// Rule::Constants holds a step's numbers; Rule::element changes one value from its gradient and its
// state. Weight decay that is decoupled from the gradient touches the first `decaying` values.
template <class T, template <class> class Rule>
class Update final : public Kernel {
 public:
  explicit Update(const Instruction& i)
      : rule_(i),
        size_(integer(i, "size")),
        decaying_(integer(i, "decaying")),
        weight_decay_(has_number(i, "weight_decay") ? number(i, "weight_decay") : 0),
        values_(buffer<T>(i, "values")),
        gradients_(buffer<T>(i, "gradients")),
        first_(optional_buffer<T>(i, "state_1")),
        second_(optional_buffer<T>(i, "state_2")),
        scalars_(buffer<Scalars>(i, "scalars")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const auto step = rule_.prepare(batch.learning_rate, static_cast<double>(batch.step) + 1);
    const T factor = static_cast<T>(scalars_->clip_factor);
    const T keep = static_cast<T>(1 - batch.learning_rate * weight_decay_);
    const Range lines = worker.share(divide_up(size_, kLine));
    const Index begin = lines.begin * kLine, end = smaller(lines.end * kLine, size_);
    const Index border = weight_decay_ > 0 ? larger(begin, smaller(end, decaying_)) : begin;
    T *value = values_, *first = first_, *second = second_;
    const T* gradient = gradients_;
#pragma omp simd
    for (Index i = begin; i < border; ++i) {
      value[i] *= keep;
      step.element(value[i], gradient[i] * factor, first + i, second + i);
    }
#pragma omp simd
    for (Index i = border; i < end; ++i)
      step.element(value[i], gradient[i] * factor, first + i, second + i);
  }

 private:
  static constexpr Index kLine =
      16;  // a cache line of float32 each, so that no two threads share one

  Rule<T> rule_;
  Index size_, decaying_;
  double weight_decay_;
  T *values_, *gradients_, *first_, *second_;
  Scalars* scalars_;
};

}  // namespace evenly::EVENLY_ISA
