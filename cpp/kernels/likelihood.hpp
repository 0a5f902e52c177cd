// Losses of a mean whose logarithm the network gives: negative log-likelihoods of counts and of
// positive quantities, and their gradients on the scores. In double: exp(s) - y loses no digit that
// a score in float has.
#pragma once
#include "kernels/cross_entropy.hpp"

namespace evenly::EVENLY_ISA {

template <class T, class Function>
class Likelihood {
 public:
  using Target = T;
  static constexpr bool kCountsAnswers = false;
  static constexpr bool kMixes = false;
  Likelihood(const Instruction& i, Index columns)
      : columns_(columns), divisor_(number(i, "divisor")) {}

  Index target_columns() const { return columns_; }
  static bool counts_alike() { return true; }
  static bool ignores_some() { return false; }
  static bool ignores(const Target*) { return false; }
  double part(const Target*) const { return 1.0; }

  RowLoss row(const T* scores, const Target* target, T* d, double factor) const {
    const double scale = factor / divisor_;
    double loss = 0, squares = 0;
    for (Index c = 0; c < columns_; ++c) {
      const double s = static_cast<double>(scores[c]), y = static_cast<double>(target[c]);
      const double error = std::exp(s) - y;
      loss += Function::value(s, y);
      squares += error * error;
      if (d != nullptr) d[c] = static_cast<T>(Function::derivative(s, y) * scale);
    }
    return {loss / divisor_, squares, 1};
  }

 private:
  Index columns_;
  double divisor_;
};

struct PoissonFunction {
  static double value(double s, double y) {
    const double mean = std::exp(s);
    if (std::isinf(mean)) return mean;
    return y == 0 ? mean : mean - y * s;
  }
  static double derivative(double s, double y) { return std::exp(s) - y; }
};

struct GammaFunction {
  static double value(double s, double y) {
    const double share = y * std::exp(-s);
    return std::isinf(share) ? share : s + share;
  }
  static double derivative(double s, double y) { return 1 - y * std::exp(-s); }
};

template <class T>
using Poisson = Likelihood<T, PoissonFunction>;
template <class T>
using Gamma = Likelihood<T, GammaFunction>;

}  // namespace evenly::EVENLY_ISA
