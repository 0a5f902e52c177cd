// Adam (Kingma and Ba 2015, algorithm 1); AdamW's decay is in update.hpp.
//
//   m = beta_1 m + (1 - beta_1) g,  v = beta_2 v + (1 - beta_2) g^2
//   value -= rate (m / (1 - beta_1^t)) / (sqrt(v / (1 - beta_2^t)) + epsilon)
#pragma once
#include "optimizers/update.hpp"

namespace evenly::EVENLY_ISA {

template <class T>
struct Adam {
  double beta_1, beta_2, epsilon;

  explicit Adam(const Instruction& i)
      : beta_1(number(i, "beta_1")), beta_2(number(i, "beta_2")), epsilon(number(i, "epsilon")) {}

  struct Step {
    T rate, beta_1, rest_1, beta_2, rest_2, root, epsilon;
    void element(T& value, T g, T* m, T* v) const {
      *m = beta_1 * *m + rest_1 * g;
      *v = beta_2 * *v + rest_2 * g * g;
      value -= rate * *m / (std::sqrt(*v) * root + epsilon);
    }
  };
  Step prepare(double rate, double t) const {
    const double first = 1 - std::pow(beta_1, t), second = 1 - std::pow(beta_2, t);
    return {static_cast<T>(rate / first), static_cast<T>(beta_1),
            static_cast<T>(1 - beta_1),   static_cast<T>(beta_2),
            static_cast<T>(1 - beta_2),   static_cast<T>(1 / std::sqrt(second)),
            static_cast<T>(epsilon)};
  }
};

}  // namespace evenly::EVENLY_ISA
