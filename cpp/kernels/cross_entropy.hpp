// Cross-entropy of one class of several, and of yes and no: the loss of a row of scores and its
// gradient.
#pragma once
#include <cstdio>

#include "kernels/common.hpp"
#include "support/lanes.hpp"
#include "support/math.hpp"

namespace evenly::EVENLY_ISA {

// One row's part of the loss: its value, and its contribution to the score.
struct RowLoss {
  double loss, score;
  double scored;  // of an example: 1 where it counts in the score
};

// What a loss is told besides the shapes. Allocated when the program is loaded.
template <class T>
class ClassWeights {
 public:
  ClassWeights(const Instruction& i, Index classes) {
    if (!has_number(i, "class_weight_0")) return;
    values_ = new T[static_cast<std::size_t>(classes)];
    for (Index c = 0; c < classes; ++c) {
      char name[40];
      std::snprintf(name, sizeof name, "class_weight_%lld", static_cast<long long>(c));
      values_[c] = static_cast<T>(number(i, name));
    }
  }
  ClassWeights(const ClassWeights&) = delete;
  ClassWeights& operator=(const ClassWeights&) = delete;
  ~ClassWeights() { delete[] values_; }
  const T* get() const { return values_; }

 private:
  T* values_ = nullptr;
};

// 1 where the answer is right; of equal scores the first counts as the answer. Scores that give no
// loss are no answer.
template <class T>
inline double right_answer(const T* scores, Index wanted, T largest, double loss) {
  if (std::isnan(loss) || scores[wanted] != largest) return 0.0;
  for (Index c = 0; c < wanted; ++c)
    if (scores[c] == largest) return 0.0;
  return 1.0;
}

// What the losses of one class of several share: what counts of the targets, and two in one.
template <class T>
class OfOneClass {
 public:
  using Target = std::int32_t;
  static constexpr bool kCountsAnswers = true;
  static constexpr bool kMixes = true;

  Index target_columns() const { return 1; }
  bool counts_alike() const { return weights_.get() == nullptr; }
  bool ignores_some() const { return ignores_; }
  bool ignores(const Target* target) const { return ignores_ && *target == ignored_; }
  double part(const Target* target) const {
    return weights_.get() ? static_cast<double>(weights_.get()[*target]) : 1.0;
  }

 protected:
  struct Wanted {
    Index first, second;
    double mix, rest;  // what the two count; together less than 1 where one is ignored
  };

  OfOneClass(const Instruction& i, Index columns)
      : columns_(columns),
        weights_(i, columns),
        ignores_(has_number(i, "ignored")),
        ignored_(ignores_ ? static_cast<Target>(number(i, "ignored")) : 0) {}

  // Two examples in one: the first's class counts `mix`, the second's the rest.
  Wanted mixed(const Target* first, const Target* second, double mix) const {
    if (ignores(first)) return {*second, *second, 0, 1 - mix};
    if (ignores(second)) return {*first, *first, mix, 0};
    return {*first, *second, mix, 1 - mix};
  }

  Index columns_;
  ClassWeights<T> weights_;

 private:
  bool ignores_;
  Target ignored_;
};

// log(sum(exp(scores))) - scores[target]; gradient softmax(scores) - one_hot(target).
template <class T>
class SoftmaxCrossEntropy : public OfOneClass<T> {
  using Base = OfOneClass<T>;
  using Base::columns_;
  using Base::weights_;
  using typename Base::Wanted;

 public:
  using typename Base::Target;
  SoftmaxCrossEntropy(const Instruction& i, Index columns)
      : Base(i, columns), smoothing_(number(i, "label_smoothing")) {}

  RowLoss mixed_row(const T* scores, const Target* first, const Target* second, double mix, T* d,
                    double factor) const {
    return general(scores, Base::mixed(first, second, mix), d, factor);
  }

  RowLoss row(const T* scores, const Target* target, T* d, double factor) const {
    if (smoothing_ != 0 || weights_.get())
      return general(scores, {*target, *target, 1.0, 0.0}, d, factor);
    const T largest = largest_side_by_side(scores, columns_);
    // The right class apart from the others: neither the loss nor the gradient of an example that
    // is nearly certain is then a difference of two numbers near 1.
    const Index wanted = *target;
    const T others = exponentials(scores, 0, wanted, largest, d) +
                     exponentials(scores, wanted + 1, columns_, largest, d);
    const T right = exponential_of_negative(scores[wanted] - largest);
    const T sum = others + right;
    if (d != nullptr) {
      const T scale = static_cast<T>(factor / static_cast<double>(sum));
#pragma omp simd
      for (Index c = 0; c < columns_; ++c) d[c] *= scale;
      d[wanted] = -others * scale;
    }
    const double gap = static_cast<double>(largest) - static_cast<double>(scores[wanted]);
    const double loss = gap == 0 ? std::log1p(static_cast<double>(others))
                                 : std::log(static_cast<double>(sum)) + gap;
    return {loss, right_answer(scores, wanted, largest, loss), 1};
  }

 private:
  // The target as a row q of weights, class weights included: sum(q) log(sum(exp)) - q scores, and
  // its gradient p sum(q) - q = p (sum of the other q) - q (sum of the other p). Of both sums the
  // largest number is added last: what is left where it is taken out is no difference.
  RowLoss general(const T* scores, const Wanted& wanted, T* d, double factor) const {
    const T largest = largest_side_by_side(scores, columns_);
    const T* weights = weights_.get();
    const double each = smoothing_ / static_cast<double>(columns_) * (wanted.mix + wanted.rest);
    Index first = 0, heaviest = 0;
    while (first + 1 < columns_ && scores[first] != largest) ++first;
    double most = share(0, wanted, each, weights);
    double powers = 0, mass = 0, product = 0;
    for (Index c = 0; c < columns_; ++c) {
      const double q = share(c, wanted, each, weights);
      const T e = exponential_of_negative(scores[c] - largest);
      if (d != nullptr) d[c] = e;
      if (c != first) powers += static_cast<double>(e);
      if (q > most) {
        mass += most;
        most = q;
        heaviest = c;
      } else if (c != 0) {
        mass += q;
      }
      // A class without a share of the target may have the score of minus infinity.
      if (q != 0) product += q * (static_cast<double>(scores[c]) - static_cast<double>(largest));
    }
    const double top = static_cast<double>(exponential_of_negative(scores[first] - largest));
    const double sum = powers + top;
    if (most == 0) {  // its class has the weight 0
      if (d != nullptr) std::memset(d, 0, static_cast<std::size_t>(columns_) * sizeof(T));
      return {0, right_answer(scores, wanted.first, largest, sum), 1};
    }
    if (d != nullptr)
      for (Index c = 0; c < columns_; ++c) {
        const double q = share(c, wanted, each, weights), e = static_cast<double>(d[c]);
        const double other_q = c == heaviest ? mass : mass - q + most;
        const double other_e = c == first ? powers : powers - e + top;
        d[c] = static_cast<T>((e * other_q - q * other_e) / sum * factor);
      }
    const double logarithm = top == 1 ? std::log1p(powers) : std::log(sum);
    const double loss = (mass + most) * logarithm - product;
    return {loss, right_answer(scores, wanted.first, largest, loss), 1};
  }

  double share(Index c, const Wanted& wanted, double each, const T* weights) const {
    const double right =
        (c == wanted.first ? wanted.mix : 0.0) + (c == wanted.second ? wanted.rest : 0.0);
    const double q = each + right * (1 - smoothing_);
    return weights ? q * static_cast<double>(weights[c]) : q;
  }

  EVENLY_APART static T exponentials(const T* scores, Index begin, Index end, T largest, T* d) {
    T sum[1];
    sum_side_by_side(end - begin, sum, [=](auto here, auto& sums) EVENLY_ALWAYS_INLINE {
      here.at += begin;
      const auto e =
          here.each(scores, [=](T score) { return exponential_of_negative(score - largest); });
      if (d != nullptr) here.put(d, e);
      sums[0] += e;
    });
    return sum[0];
  }

  double smoothing_;
};

// log(1 + exp(-|z|)) + |z| times the share of the other answer, mean over the columns; gradient
// (logistic(z) - target) / columns.
template <class T>
class BinaryCrossEntropy {
 public:
  using Target = T;
  static constexpr bool kCountsAnswers = true;
  static constexpr bool kMixes = false;  // its targets are numbers: they come mixed
  BinaryCrossEntropy(const Instruction& i, Index columns)
      : columns_(columns),
        smoothing_(number(i, "label_smoothing")),
        stride_(has_number(i, "class_weight_2") ? 2 : 0),
        weights_(i, stride_ != 0 ? 2 * columns : 2) {}

  Index target_columns() const { return columns_; }
  bool counts_alike() const { return weights_.get() == nullptr; }
  static bool ignores_some() { return false; }
  static bool ignores(const Target*) { return false; }
  double part(const Target* target) const {
    double sum = 0;
    for (Index c = 0; c < columns_; ++c) sum += static_cast<double>(weight(c, target[c]));
    return sum / static_cast<double>(columns_);
  }

  RowLoss row(const T* scores, const Target* target, T* d, double factor) const {
    const double n = static_cast<double>(columns_);
    const double kept = 1 - smoothing_, half = smoothing_ / 2;
    const T scale = static_cast<T>(factor / n);
    double loss = 0;
    Index right = 0;
    for (Index c = 0; c < columns_; ++c) {
      const double z = static_cast<double>(scores[c]), t = static_cast<double>(target[c]);
      const double w = static_cast<double>(weight(c, target[c]));
      const double other = (z > 0 ? 1 - t : t) * kept + half;
      // An infinite score costs nothing where nothing speaks against it.
      if (w != 0)
        loss +=
            (std::log1p(std::exp(-std::fabs(z))) + (other == 0 ? 0.0 : std::fabs(z) * other)) * w;
      right += z == z && (z > 0) == (t > 0.5);
    }
    if (d != nullptr) {
      const T keep = static_cast<T>(kept), add = static_cast<T>(half);
      // p (1 - t) - (1 - p) t rather than p - t: where p is nearly t that difference would cancel.
#pragma omp simd
      for (Index c = 0; c < columns_; ++c) {
        const T z = scores[c], t = target[c], w = weight(c, t);
        const T slope = logistic(z) * ((T(1) - t) * keep + add) - logistic(-z) * (t * keep + add);
        d[c] = w != T(0) ? slope * (scale * w) : T(0);
      }
    }
    return {loss / n, static_cast<double>(right) / n, 1};
  }

 private:
  // Not no + (yes - no) t: of a small weight beside a large one nothing would be left.
  T weight(Index c, T target) const {
    const T* pairs = weights_.get();
    const T no = pairs ? pairs[stride_ * c] : T(1), yes = pairs ? pairs[stride_ * c + 1] : T(1);
    return no * (T(1) - target) + yes * target;
  }

  Index columns_;
  double smoothing_;
  Index stride_;  // from one column's pair of weights to the next; 0 where one pair serves all
  ClassWeights<T> weights_;
};

}  // namespace evenly::EVENLY_ISA
