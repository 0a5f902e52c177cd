// NAdam (Dozat 2016, algorithm 2) and RAdam (Liu, Jiang, He, Chen, Liu, Gao and Han 2020,
// algorithm 2): Adam with another direction.
#pragma once
#include "optimizers/adam.hpp"

namespace evenly::EVENLY_ISA {

//   mu_t = beta_1 (1 - 0.96^(t decay) / 2),  M_t = mu_1 ... mu_t
//   value -= rate (mu_(t+1) m / (1 - M_(t+1)) + (1 - mu_t) g / (1 - M_t)) / (root of v + epsilon)
template <class T>
struct NAdam {
  Betas betas;
  double decay;

  explicit NAdam(const Instruction& i) : betas(i), decay(number(i, "momentum_decay")) {}

  struct Step {
    Averages<T> averages;
    T on_m, on_g, root, epsilon;
    void element(T& value, T g, T* m, T* v, T*) const {
      averages.take(g, m, v);
      value -= (on_m * *m + on_g * g) / (std::sqrt(*v) * root + epsilon);
    }
  };
  Step prepare(const StepNumbers& numbers, double t) const {
    const double now = mu(t), next = mu(t + 1), product = mu_product(t);
    const double rate = numbers.learning_rate;
    return {{betas.beta_1, betas.beta_2},
            static_cast<T>(rate * next / (1 - product * next)),
            static_cast<T>(rate * (1 - now) / (1 - product)),
            static_cast<T>(1 / std::sqrt(1 - std::pow(betas.beta_2, t))),
            static_cast<T>(betas.epsilon)};
  }

 private:
  double mu(double t) const { return betas.beta_1 * (1 - std::pow(0.96, t * decay) / 2); }

  // mu_1 ... mu_t without a loop over the steps, so that a step needs no memory of those before it:
  // log(1 - x / 2) = -sum over k of (x / 2)^k / k, and the sum of x^k over the steps is geometric.
  double mu_product(double t) const {
    const double log_q = decay * std::log(0.96);
    double sum = 0, half = 1;
    for (int k = 1; k <= 60; ++k) {
      half *= 0.5;
      const double ratio = k * log_q;
      const double geometric =
          ratio == 0 ? t : std::exp(ratio) * std::expm1(ratio * t) / std::expm1(ratio);
      sum += half / k * geometric;
    }
    return std::exp(t * std::log(betas.beta_1) - sum);
  }
};

//   rho = rho_inf - 2 t beta_2^t / (1 - beta_2^t)
//   value -= rate m_hat, and where rho > 5 times r sqrt(1 - beta_2^t) / (sqrt(v) + epsilon)
template <class T>
struct RAdam {
  Betas betas;

  explicit RAdam(const Instruction& i) : betas(i) {}

  struct Step {
    Averages<T> averages;
    T rate, plain, divided, epsilon;
    void element(T& value, T g, T* m, T* v, T*) const {
      averages.take(g, m, v);
      value -= rate * *m * (plain + divided / (std::sqrt(*v) + epsilon));
    }
  };
  Step prepare(const StepNumbers& numbers, double t) const {
    const double beta_1 = momentum_or(numbers, betas.beta_1);
    const double power = std::pow(betas.beta_2, t), rest = 1 - power;
    const double end = 2 / (1 - betas.beta_2) - 1, rho = end - 2 * t * power / rest;
    const double r =
        rho > 5 ? std::sqrt((rho - 4) * (rho - 2) * end / ((end - 4) * (end - 2) * rho)) : 0;
    return {{beta_1, betas.beta_2},
            static_cast<T>(numbers.learning_rate / (1 - std::pow(beta_1, t))),
            static_cast<T>(rho > 5 ? 0 : 1),
            static_cast<T>(r * std::sqrt(rest)),
            static_cast<T>(betas.epsilon)};
  }
};

}  // namespace evenly::EVENLY_ISA
