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
    void element(T& value, T g, T*, T*) const { value -= rate * g; }
  };
  Step prepare(double rate, double) const { return {static_cast<T>(rate)}; }
};

// velocity = beta velocity + weight g, weight 1 or 1 - beta; value -= rate velocity, or with
// Nesterov's look-ahead value -= rate (beta velocity + weight g).
template <class T>
struct Momentum {
  double beta, weight;
  bool nesterov, correct;

  explicit Momentum(const Instruction& i)
      : beta(number(i, "beta")),
        weight(number(i, "average") > 0 ? 1 - beta : 1),
        nesterov(number(i, "nesterov") > 0),
        correct(number(i, "bias_correction") > 0) {}

  struct Step {
    T rate, beta, weight, on_velocity, on_gradient;
    void element(T& value, T g, T* velocity, T*) const {
      *velocity = beta * *velocity + weight * g;
      value -= rate * (on_velocity * *velocity + on_gradient * g);
    }
  };
  Step prepare(double rate, double t) const {
    const double corrected = correct ? rate / (1 - std::pow(beta, t)) : rate;
    return {static_cast<T>(corrected), static_cast<T>(beta), static_cast<T>(weight),
            static_cast<T>(nesterov ? beta : 1), static_cast<T>(nesterov ? weight : 0)};
  }
};

}  // namespace evenly::EVENLY_ISA
