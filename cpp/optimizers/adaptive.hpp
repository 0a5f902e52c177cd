// The gradient over the root of its own squares: Adagrad (Duchi, Hazan and Singer 2011) and RMSprop
// (Hinton 2012; centered: Graves 2013).
#pragma once
#include "optimizers/update.hpp"

namespace evenly::EVENLY_ISA {

// s = s + g^2;  value -= rate / (1 + (t - 1) rate_decay) g / (sqrt(initial + s) + epsilon)
template <class T>
struct Adagrad {
  double epsilon, initial, rate_decay;

  explicit Adagrad(const Instruction& i)
      : epsilon(number(i, "epsilon")),
        initial(number(i, "initial")),
        rate_decay(number(i, "rate_decay")) {}

  struct Step {
    T rate, initial, epsilon;
    void element(T& value, T g, T* s, T*, T*) const {
      *s += g * g;
      value -= rate * g / (std::sqrt(initial + *s) + epsilon);
    }
  };
  Step prepare(const StepNumbers& numbers, double t) const {
    const double rate = numbers.learning_rate / (1 + (t - 1) * rate_decay);
    return {static_cast<T>(rate), static_cast<T>(initial), static_cast<T>(epsilon)};
  }
};

// s = beta s + (1 - beta) g^2;  value -= rate g / (sqrt(s) + epsilon)
template <class T>
struct RmsProp {
  double beta, epsilon;

  explicit RmsProp(const Instruction& i) : beta(number(i, "beta")), epsilon(number(i, "epsilon")) {}

  struct Step {
    T rate, beta, rest, epsilon;
    void element(T& value, T g, T* s, T*, T*) const {
      *s = beta * *s + rest * g * g;
      value -= rate * g / (std::sqrt(*s) + epsilon);
    }
  };
  Step prepare(const StepNumbers& numbers, double) const {
    return {static_cast<T>(numbers.learning_rate), static_cast<T>(beta), static_cast<T>(1 - beta),
            static_cast<T>(epsilon)};
  }
};

// With a velocity, and with the root of the variance s - a^2 where it is centered:
//
//   a = beta a + (1 - beta) g,  velocity = momentum velocity + g / (root + epsilon)
//   value -= rate velocity
template <class T>
struct RmsPropGeneral {
  double beta, epsilon, momentum;
  bool centered;

  explicit RmsPropGeneral(const Instruction& i)
      : beta(number(i, "beta")),
        epsilon(number(i, "epsilon")),
        momentum(number(i, "momentum")),
        centered(number(i, "centered") > 0) {}

  struct Step {
    T rate, beta, rest, epsilon, momentum, centered;
    void element(T& value, T g, T* s, T* velocity, T* mean) const {
      *s = beta * *s + rest * g * g;
      *mean = beta * *mean + centered * rest * g;
      // Rounding may leave a variance of a gradient that never changes below zero.
      const T variance = *s - *mean * *mean;
      *velocity =
          momentum * *velocity + g / (std::sqrt(variance > T(0) ? variance : T(0)) + epsilon);
      value -= rate * *velocity;
    }
  };
  Step prepare(const StepNumbers& numbers, double) const {
    return {static_cast<T>(numbers.learning_rate),
            static_cast<T>(beta),
            static_cast<T>(1 - beta),
            static_cast<T>(epsilon),
            static_cast<T>(momentum_or(numbers, momentum)),
            static_cast<T>(centered ? 1 : 0)};
  }
};

}  // namespace evenly::EVENLY_ISA
