// Cross-entropies in which what is answered well counts less: of one class of several, and of yes
// and no. In double: neither p nor 1 - p is made by a difference that loses digits.
#pragma once
#include "kernels/cross_entropy.hpp"

namespace evenly::EVENLY_ISA {

// Of the part of an answer that is wrong, q = 1 - p, with loss = -log p: q^gamma loss, and
// q^gamma (gamma p loss / q + 1), of which both gradients are made.
struct Focused {
  double value, pull;
  Focused(double p, double q, double loss, double gamma) {
    const double power = gamma == 0 ? 1.0 : std::pow(q, gamma);
    // An infinite loss times 0 is a loss that was far beyond any doubt: it does not come, since
    // q is 1 then. Where q is 0 the loss is too, and their quotient is 1.
    value = power * loss;
    pull = gamma == 0 ? 1.0 : power * (gamma * p * (q > 0 ? loss / q : 1.0) + 1);
    if (p == 0) pull = power;
  }
};

// -v (1 - p)^gamma log(p) of the target's p = softmax(scores); gradient on the other scores
// v p_c (1 - p)^gamma (gamma p (-log p) / (1 - p) + 1).
template <class T>
class FocalCrossEntropy : public OfOneClass<T> {
  using Base = OfOneClass<T>;
  using Base::columns_;
  using Base::weights_;
  using typename Base::Wanted;

 public:
  using typename Base::Target;
  FocalCrossEntropy(const Instruction& i, Index columns)
      : Base(i, columns), gamma_(number(i, "gamma")) {}

  RowLoss row(const T* scores, const Target* target, T* d, double factor) const {
    return both(scores, {*target, *target, 1.0, 0.0}, d, factor);
  }

  RowLoss mixed_row(const T* scores, const Target* first, const Target* second, double mix, T* d,
                    double factor) const {
    return both(scores, Base::mixed(first, second, mix), d, factor);
  }

 private:
  // The scores less the largest, and what their exponentials sum to without that one.
  struct Row {
    const T* scores;
    double largest;
    Index top;
    double others;
  };

  Row looked_at(const T* scores) const {
    Row row{scores, static_cast<double>(scores[0]), 0, 0};
    for (Index c = 1; c < columns_; ++c)
      if (static_cast<double>(scores[c]) > row.largest) {
        row.largest = static_cast<double>(scores[c]);
        row.top = c;
      }
    for (Index c = 0; c < columns_; ++c)
      if (c != row.top) row.others += power(row, c);
    if (!std::isfinite(row.largest)) row.others = std::nan("");  // no probabilities
    return row;
  }

  static double power(const Row& row, Index c) {
    return std::exp(static_cast<double>(row.scores[c]) - row.largest);
  }

  RowLoss both(const T* scores, const Wanted& wanted, T* d, double factor) const {
    const Row row = looked_at(scores);
    if (d != nullptr) std::memset(d, 0, static_cast<std::size_t>(columns_) * sizeof(T));
    double loss = of_class(row, wanted.first, wanted.mix, d, factor);
    if (wanted.rest != 0) loss += of_class(row, wanted.second, wanted.rest, d, factor);
    const double known = std::isnan(row.others) ? row.others : loss;
    const Index right = wanted.first;
    return {loss, right_answer(scores, right, static_cast<T>(row.largest), known), 1};
  }

  double of_class(const Row& row, Index wanted, double share, T* d, double factor) const {
    if (weights_.get()) share *= static_cast<double>(weights_.get()[wanted]);
    if (share == 0) return 0;
    const double sum = 1 + row.others, gap = row.largest - static_cast<double>(row.scores[wanted]);
    const double rest = wanted == row.top ? row.others : sum - power(row, wanted);
    const Focused focused(power(row, wanted) / sum, rest / sum, std::log1p(row.others) + gap,
                          gamma_);
    if (d != nullptr) {
      const double pull = focused.pull * share * factor;
      for (Index c = 0; c < columns_; ++c)
        d[c] += static_cast<T>(c == wanted ? -pull * (rest / sum) : pull * (power(row, c) / sum));
    }
    return focused.value * share;
  }

  double gamma_;
};

// Of yes (1 - p)^gamma_yes (-log p), of no p_m^gamma_no (-log(1 - p_m)), p = logistic(z) and
// p_m = max(p - margin, 0), mean over the columns.
template <class T>
class FocalYesNo {
 public:
  using Target = T;
  static constexpr bool kCountsAnswers = true;
  static constexpr bool kMixes = false;  // its targets are numbers: they come mixed
  FocalYesNo(const Instruction& i, Index columns)
      : columns_(columns),
        gamma_yes_(number(i, "gamma_yes")),
        gamma_no_(number(i, "gamma_no")),
        margin_(number(i, "margin")),
        weights_(i, 2) {
    if (weights_.get()) {
      no_ = static_cast<double>(weights_.get()[0]);
      yes_ = static_cast<double>(weights_.get()[1]);
    }
  }

  Index target_columns() const { return columns_; }
  bool counts_alike() const { return weights_.get() == nullptr; }
  static bool ignores_some() { return false; }
  static bool ignores(const Target*) { return false; }
  double part(const Target* target) const {
    double sum = 0;
    for (Index c = 0; c < columns_; ++c) {
      const double t = static_cast<double>(target[c]);
      sum += no_ * (1 - t) + yes_ * t;
    }
    return sum / static_cast<double>(columns_);
  }

  RowLoss row(const T* scores, const Target* target, T* d, double factor) const {
    const double n = static_cast<double>(columns_);
    double loss = 0;
    Index right = 0;
    for (Index c = 0; c < columns_; ++c) {
      const double z = static_cast<double>(scores[c]), t = static_cast<double>(target[c]);
      const double yes = yes_ * t, no = no_ * (1 - t);
      const double small = std::exp(-std::fabs(z)), extra = std::log1p(small);
      const double p = z >= 0 ? 1 / (1 + small) : small / (1 + small);
      const double q = z >= 0 ? small / (1 + small) : 1 / (1 + small);
      double slope = z == z ? 0.0 : z;
      if (yes != 0) {
        const Focused focused(p, q, (z < 0 ? -z : 0.0) + extra, gamma_yes_);
        loss += yes * focused.value;
        slope -= yes * (focused.pull * q);
      }
      if (no != 0 && !(p <= margin_)) {
        const double m = p - margin_;
        const double entropy = margin_ == 0 ? (z > 0 ? z : 0.0) + extra
                               : m < 0.5    ? -std::log1p(-m)
                                            : -std::log(q + margin_);
        const Focused focused(q + margin_, m, entropy, gamma_no_);
        // d p / d z = p q; without a margin what is left is p.
        const double change = margin_ == 0 ? p : p * (q / (q + margin_));
        loss += no * focused.value;
        slope += no * (focused.pull * change);
      }
      right += z == z && (z > 0) == (t > 0.5);
      if (d != nullptr) d[c] = static_cast<T>(slope * (factor / n));
    }
    return {loss / n, static_cast<double>(right) / n, 1};
  }

 private:
  Index columns_;
  double gamma_yes_, gamma_no_, margin_;
  double no_ = 1, yes_ = 1;
  ClassWeights<T> weights_;
};

}  // namespace evenly::EVENLY_ISA
