// RMSprop (Hinton 2012): the gradient over the root of its mean square.
//
//   s = beta s + (1 - beta) g^2;  value -= rate g / (sqrt(s) + epsilon)
#pragma once
#include "optimizers/update.hpp"

namespace evenly::EVENLY_ISA {

template <class T>
struct RmsProp {
  double beta, epsilon;

  explicit RmsProp(const Instruction& i) : beta(number(i, "beta")), epsilon(number(i, "epsilon")) {}

  struct Step {
    T rate, beta, rest, epsilon;
    void element(T& value, T g, T* s, T*) const {
      *s = beta * *s + rest * g * g;
      value -= rate * g / (std::sqrt(*s) + epsilon);
    }
  };
  Step prepare(double rate, double) const {
    return {static_cast<T>(rate), static_cast<T>(beta), static_cast<T>(1 - beta),
            static_cast<T>(epsilon)};
  }
};

}  // namespace evenly::EVENLY_ISA
