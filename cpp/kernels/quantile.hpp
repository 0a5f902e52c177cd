// The pinball loss of several quantiles that never cross, and its gradient on the scores. Of the
// scores of a target one is the quantile at the anchor; the others are gaps through softplus, added
// upward and taken away downward.
#pragma once
#include "kernels/cross_entropy.hpp"

namespace evenly::EVENLY_ISA {

template <class T>
class Quantile {
 public:
  using Target = T;
  static constexpr bool kCountsAnswers = false;
  static constexpr bool kMixes = false;
  Quantile(const Instruction& i, Index columns)
      : columns_(columns),
        count_(static_cast<Index>(number(i, "levels"))),
        anchor_(static_cast<Index>(number(i, "anchor"))),
        levels_(new double[static_cast<std::size_t>(count_)]) {
    for (Index l = 0; l < count_; ++l) {
      char name[40];
      std::snprintf(name, sizeof name, "level_%lld", static_cast<long long>(l));
      levels_[l] = number(i, name);
    }
  }
  Quantile(const Quantile&) = delete;
  Quantile& operator=(const Quantile&) = delete;
  ~Quantile() { delete[] levels_; }

  Index target_columns() const { return columns_; }
  static bool counts_alike() { return true; }
  static bool ignores_some() { return false; }
  static bool ignores(const Target*) { return false; }
  double part(const Target*) const { return 1.0; }

  RowLoss row(const T* scores, const Target* target, T* d, double factor) const {
    const double n = static_cast<double>(columns_), scale = factor / n;
    double loss = 0, squares = 0;
    for (Index first = 0; first < columns_; first += count_) {
      T* own = d != nullptr ? d + first : nullptr;
      loss += of_one(scores + first, target + first, own, squares);
      if (own != nullptr) backward(scores + first, own, scale);
    }
    return {loss / n, squares, 1};
  }

 private:
  static double softplus(double x) {
    return (x > 0 ? x : x == x ? 0.0 : x) + std::log1p(std::exp(-std::fabs(x)));
  }
  static double logistic(double x) {
    const double small = std::exp(-std::fabs(x));
    return x >= 0 ? 1 / (1 + small) : small / (1 + small);
  }

  // Of the quantiles of one target. Leaves in `sides` on which side of the target each lies.
  double of_one(const T* scores, const T* target, T* sides, double& squares) const {
    const double middle = static_cast<double>(scores[anchor_]);
    const double error = middle - static_cast<double>(target[anchor_]);
    squares += error * error;
    double loss = at(anchor_, middle, target, sides);
    double quantile = middle;
    for (Index l = anchor_ + 1; l < count_; ++l) {
      quantile += softplus(static_cast<double>(scores[l]));
      loss += at(l, quantile, target, sides);
    }
    quantile = middle;
    for (Index l = anchor_ - 1; l >= 0; --l) {
      quantile -= softplus(static_cast<double>(scores[l]));
      loss += at(l, quantile, target, sides);
    }
    return loss;
  }

  double at(Index l, double quantile, const T* target, T* sides) const {
    const double e = quantile - static_cast<double>(target[l]);
    if (sides != nullptr) sides[l] = e > 0 ? T(1) : e < 0 ? T(-1) : static_cast<T>(e);
    return e > 0 ? (1 - levels_[l]) * e : -levels_[l] * e;
  }

  double slope(Index l, T side) const {
    return side > T(0) ? 1 - levels_[l] : side < T(0) ? -levels_[l] : static_cast<double>(side);
  }

  // A gap moves its own quantile and all beyond it; the anchor moves all.
  void backward(const T* scores, T* d, double scale) const {
    double above = 0, below = 0;
    for (Index l = count_ - 1; l > anchor_; --l) {
      above += slope(l, d[l]);
      d[l] = static_cast<T>(above * logistic(static_cast<double>(scores[l])) * scale);
    }
    for (Index l = 0; l < anchor_; ++l) {
      below += slope(l, d[l]);
      d[l] = static_cast<T>(-below * logistic(static_cast<double>(scores[l])) * scale);
    }
    d[anchor_] = static_cast<T>((below + above + slope(anchor_, d[anchor_])) * scale);
  }

  Index columns_, count_, anchor_;
  double* levels_;
};

}  // namespace evenly::EVENLY_ISA
