// Adam and AMSGrad (Kingma and Ba 2015, algorithm 1; Reddi, Kale and Kumar 2018, algorithm 2) and
// AdaMax (Kingma and Ba 2015, algorithm 2). AdamW's decay is in update.hpp.
#pragma once
#include "optimizers/update.hpp"

namespace evenly::EVENLY_ISA {

// m = beta_1 m + (1 - beta_1) g,  v = beta_2 v + (1 - beta_2) g^2: what a family of rules keeps.
template <class T>
struct Averages {
  T beta_1, rest_1, beta_2, rest_2;

  Averages(double first, double second)
      : beta_1(static_cast<T>(first)),
        rest_1(static_cast<T>(1 - first)),
        beta_2(static_cast<T>(second)),
        rest_2(static_cast<T>(1 - second)) {}
  void take(T g, T* m, T* v) const {
    *m = beta_1 * *m + rest_1 * g;
    *v = beta_2 * *v + rest_2 * g * g;
  }
};

// The numbers of the family.
struct Betas {
  double beta_1, beta_2, epsilon;

  explicit Betas(const Instruction& i)
      : beta_1(number(i, "beta_1")), beta_2(number(i, "beta_2")), epsilon(number(i, "epsilon")) {}
};

//   value -= rate (m / (1 - beta_1^t)) / (sqrt(v / (1 - beta_2^t)) + epsilon)
//
// v the average, or the largest there was so far.
template <class T, bool kLargest>
struct AdamRule {
  Betas betas;

  explicit AdamRule(const Instruction& i) : betas(i) {}

  struct Step {
    Averages<T> averages;
    T rate, root, epsilon;
    void element(T& value, T g, T* m, T* v, T* largest) const {
      averages.take(g, m, v);
      T square = *v;
      if constexpr (kLargest) square = *largest = *largest > square ? *largest : square;
      value -= rate * *m / (std::sqrt(square) * root + epsilon);
    }
  };
  Step prepare(const StepNumbers& numbers, double t) const {
    const double beta_1 = momentum_or(numbers, betas.beta_1);
    const double first = 1 - std::pow(beta_1, t), second = 1 - std::pow(betas.beta_2, t);
    return {{beta_1, betas.beta_2},
            static_cast<T>(numbers.learning_rate / first),
            static_cast<T>(1 / std::sqrt(second)),
            static_cast<T>(betas.epsilon)};
  }
};

template <class T>
using Adam = AdamRule<T, false>;
template <class T>
using AdamLargest = AdamRule<T, true>;

//   u = max(beta_2 u, |g| + epsilon);  value -= rate / (1 - beta_1^t) m / u
template <class T>
struct AdaMax {
  Betas betas;

  explicit AdaMax(const Instruction& i) : betas(i) {}

  struct Step {
    T rate, beta_1, rest_1, beta_2, epsilon;
    void element(T& value, T g, T* m, T* u, T*) const {
      *m = beta_1 * *m + rest_1 * g;
      const T old = beta_2 * *u, now = std::fabs(g) + epsilon;
      *u = old > now ? old : now;
      value -= rate * *m / *u;
    }
  };
  Step prepare(const StepNumbers& numbers, double t) const {
    const double beta_1 = momentum_or(numbers, betas.beta_1);
    return {static_cast<T>(numbers.learning_rate / (1 - std::pow(beta_1, t))),
            static_cast<T>(beta_1), static_cast<T>(1 - beta_1), static_cast<T>(betas.beta_2),
            static_cast<T>(betas.epsilon)};
  }
};

}  // namespace evenly::EVENLY_ISA
