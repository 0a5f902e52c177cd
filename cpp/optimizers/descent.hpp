// Gradient descent, plain and with momentum.
#pragma once
#include "optimizers/update.hpp"

namespace evenly::EVENLY_ISA {

// value -= rate g
template <class T>
struct Descent {
  explicit Descent(const Instruction&) {}

  struct Step {
    T rate;
    void element(T& value, T g, T*, T*, T*) const { value -= rate * g; }
  };
  Step prepare(const StepNumbers& numbers, double) const {
    return {static_cast<T>(numbers.learning_rate)};
  }
};

// velocity = beta velocity + weight g, weight 1 or 1 - beta; value -= rate velocity, or with
// Nesterov's look-ahead value -= rate (beta velocity + weight g).
template <class T>
struct Momentum {
  double beta;
  bool average, nesterov, correct;

  explicit Momentum(const Instruction& i)
      : beta(number(i, "beta")),
        average(number(i, "average") > 0),
        nesterov(number(i, "nesterov") > 0),
        correct(number(i, "bias_correction") > 0) {}

  struct Step {
    T rate, beta, weight, on_velocity, on_gradient;
    void element(T& value, T g, T* velocity, T*, T*) const {
      *velocity = beta * *velocity + weight * g;
      value -= rate * (on_velocity * *velocity + on_gradient * g);
    }
  };
  Step prepare(const StepNumbers& numbers, double t) const {
    const double own = momentum_or(numbers, beta), weight = average ? 1 - own : 1;
    const double rate = numbers.learning_rate / (correct ? 1 - std::pow(own, t) : 1);
    return {static_cast<T>(rate), static_cast<T>(own), static_cast<T>(weight),
            static_cast<T>(nesterov ? own : 1), static_cast<T>(nesterov ? weight : 0)};
  }
};

}  // namespace evenly::EVENLY_ISA
