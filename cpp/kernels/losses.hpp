// Losses, with the gradient on the scores. Each example's loss goes to its place in "row_loss"; one
// thread adds them up in order.
//
//   loss = sum of w l / sum of w n,  n the class weight: 1 without class weights
//
// or, over rows, sum of w l / number of rows. A row of weight 0, or of the class that is ignored,
// is not looked at: whatever its scores are, its loss and its gradient are 0.
#pragma once
#include <cstdio>

#include "kernels/common.hpp"
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

// log(sum(exp(scores))) - scores[target]; gradient softmax(scores) - one_hot(target).
template <class T>
class SoftmaxCrossEntropy {
 public:
  using Target = std::int32_t;
  static constexpr bool kCountsAnswers = true;
  static constexpr bool kMixes = true;
  SoftmaxCrossEntropy(const Instruction& i, Index columns)
      : columns_(columns),
        smoothing_(number(i, "label_smoothing")),
        weights_(i, columns),
        ignores_(has_number(i, "ignored")),
        ignored_(ignores_ ? static_cast<Target>(number(i, "ignored")) : 0) {}

  Index target_columns() const { return 1; }
  bool counts_alike() const { return weights_.get() == nullptr; }
  bool ignores_some() const { return ignores_; }
  bool ignores(const Target* target) const { return ignores_ && *target == ignored_; }
  double part(const Target* target) const {
    return weights_.get() ? static_cast<double>(weights_.get()[*target]) : 1.0;
  }

  // Two examples in one: the first's class counts `mix`, the second's the rest.
  RowLoss mixed_row(const T* scores, const Target* first, const Target* second, double mix, T* d,
                    double factor) const {
    Wanted wanted{*first, *second, mix, 1 - mix};
    if (ignores(second)) wanted = {*first, *first, mix, 0};
    if (ignores(first)) wanted = {*second, *second, 0, 1 - mix};
    return general(scores, wanted, d, factor);
  }

  RowLoss row(const T* scores, const Target* target, T* d, double factor) const {
    if (smoothing_ != 0 || weights_.get())
      return general(scores, {*target, *target, 1.0, 0.0}, d, factor);
    T largest = maximum(scores);
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
    return {loss, answer(scores, wanted, largest, loss), 1};
  }

 private:
  struct Wanted {
    Index first, second;
    double mix, rest;  // what the two count; together less than 1 where one is ignored
  };

  T maximum(const T* scores) const {
    T largest = scores[0];
#pragma omp simd reduction(max : largest)
    for (Index c = 0; c < columns_; ++c) largest = scores[c] > largest ? scores[c] : largest;
    return largest;
  }

  // 1 where the answer is right; of equal scores the first counts as the answer. Scores that give
  // no loss are no answer.
  double answer(const T* scores, Index wanted, T largest, double loss) const {
    if (std::isnan(loss) || scores[wanted] != largest) return 0.0;
    for (Index c = 0; c < wanted; ++c)
      if (scores[c] == largest) return 0.0;
    return 1.0;
  }

  // The target as a row q of weights, class weights included: sum(q) log(sum(exp)) - q scores, and
  // its gradient p sum(q) - q = p (sum of the other q) - q (sum of the other p). Of both sums the
  // largest number is added last: what is left where it is taken out is no difference.
  RowLoss general(const T* scores, const Wanted& wanted, T* d, double factor) const {
    const T largest = maximum(scores);
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
    if (most == 0) {  // its class has the weight 0
      if (d != nullptr) std::memset(d, 0, static_cast<std::size_t>(columns_) * sizeof(T));
      return {0, answer(scores, wanted.first, largest, 0), 1};
    }
    const double top = static_cast<double>(exponential_of_negative(scores[first] - largest));
    const double sum = powers + top;
    if (d != nullptr)
      for (Index c = 0; c < columns_; ++c) {
        const double q = share(c, wanted, each, weights), e = static_cast<double>(d[c]);
        const double other_q = c == heaviest ? mass : mass - q + most;
        const double other_e = c == first ? powers : powers - e + top;
        d[c] = static_cast<T>((e * other_q - q * other_e) / sum * factor);
      }
    const double logarithm = top == 1 ? std::log1p(powers) : std::log(sum);
    const double loss = (mass + most) * logarithm - product;
    return {loss, answer(scores, wanted.first, largest, loss), 1};
  }

  double share(Index c, const Wanted& wanted, double each, const T* weights) const {
    const double right =
        (c == wanted.first ? wanted.mix : 0.0) + (c == wanted.second ? wanted.rest : 0.0);
    const double q = each + right * (1 - smoothing_);
    return weights ? q * static_cast<double>(weights[c]) : q;
  }

  static T exponentials(const T* scores, Index begin, Index end, T largest, T* d) {
    T sum = 0;
    if (d != nullptr) {
#pragma omp simd reduction(+ : sum)
      for (Index c = begin; c < end; ++c) {
        d[c] = exponential_of_negative(scores[c] - largest);
        sum += d[c];
      }
    } else {
#pragma omp simd reduction(+ : sum)
      for (Index c = begin; c < end; ++c) sum += exponential_of_negative(scores[c] - largest);
    }
    return sum;
  }

  Index columns_;
  double smoothing_;
  ClassWeights<T> weights_;
  bool ignores_;
  Target ignored_;
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
      : columns_(columns), smoothing_(number(i, "label_smoothing")), weights_(i, 2) {
    if (weights_.get()) {
      no_ = weights_.get()[0];
      yes_ = weights_.get()[1];
    }
  }

  Index target_columns() const { return columns_; }
  bool counts_alike() const { return weights_.get() == nullptr; }
  static bool ignores_some() { return false; }
  static bool ignores(const Target*) { return false; }
  double part(const Target* target) const {
    double sum = 0;
    for (Index c = 0; c < columns_; ++c) sum += static_cast<double>(weight(target[c]));
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
      const double w = static_cast<double>(weight(target[c]));
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
        const T z = scores[c], t = target[c], w = weight(t);
        const T slope = logistic(z) * ((T(1) - t) * keep + add) - logistic(-z) * (t * keep + add);
        d[c] = w != T(0) ? slope * (scale * w) : T(0);
      }
    }
    return {loss / n, static_cast<double>(right) / n, 1};
  }

 private:
  // Not no + (yes - no) t: of a small weight beside a large one nothing would be left.
  T weight(T target) const { return no_ * (T(1) - target) + yes_ * target; }

  Index columns_;
  double smoothing_;
  T no_ = T(1), yes_ = T(1);
  ClassWeights<T> weights_;
};

// A function of each error, summed over the columns and divided by "divisor".
template <class T, class Function>
class Regression {
 public:
  using Target = T;
  static constexpr bool kCountsAnswers = false;
  static constexpr bool kMixes = false;
  Regression(const Instruction& i, Index columns)
      : columns_(columns), divisor_(number(i, "divisor")), function_(i) {}

  Index target_columns() const { return columns_; }
  static bool counts_alike() { return true; }
  static bool ignores_some() { return false; }
  static bool ignores(const Target*) { return false; }
  double part(const Target*) const { return 1.0; }

  RowLoss row(const T* scores, const Target* target, T* d, double factor) const {
    double loss = 0, squares = 0;
    for (Index c = 0; c < columns_; ++c) {
      const double e = static_cast<double>(scores[c]) - static_cast<double>(target[c]);
      loss += function_.value(e);
      squares += e * e;
    }
    if (d != nullptr) {
      const T scale = static_cast<T>(factor / divisor_);
#pragma omp simd
      for (Index c = 0; c < columns_; ++c)
        d[c] = function_.derivative(scores[c] - target[c]) * scale;
    }
    return {loss / divisor_, squares, 1};
  }

 private:
  Index columns_;
  double divisor_;
  Function function_;
};

struct Square {
  explicit Square(const Instruction&) {}
  static double value(double e) { return e * e; }
  template <class T>
  static T derivative(T e) {
    return T(2) * e;
  }
};

struct AbsoluteValue {
  explicit AbsoluteValue(const Instruction&) {}
  static double value(double e) { return std::fabs(e); }
  template <class T>
  static T derivative(T e) {
    return e > T(0) ? T(1) : e < T(0) ? T(-1) : e;  // 0 and NaN stay what they are
  }
};

struct HuberFunction {
  double delta;
  explicit HuberFunction(const Instruction& i) : delta(number(i, "delta")) {}
  double value(double e) const {
    const double size = std::fabs(e);
    return size <= delta ? e * e / 2 : delta * (size - delta / 2);
  }
  template <class T>
  T derivative(T e) const {
    const T most = static_cast<T>(delta);
    return e > most ? most : e < -most ? -most : e;
  }
};

template <class T>
using MeanSquaredError = Regression<T, Square>;
template <class T>
using MeanAbsoluteError = Regression<T, AbsoluteValue>;
template <class T>
using Huber = Regression<T, HuberFunction>;

template <class T, template <class> class Loss>
class LossKernel final : public Kernel {
 public:
  explicit LossKernel(const Instruction& i)
      : shape_(i),
        loss_(i, shape_.columns),
        scores_(i, "x"),
        target_(i, "target"),
        weights_(i, "weights"),
        lengths_(i, "lengths"),
        d_scores_(optional_buffer<T>(i, "d_x")),
        parts_(buffer<RowLoss>(i, "row_loss")),
        scalars_(buffer<Scalars>(i, "scalars")),
        mixes_(has_number(i, "mixes")),
        over_rows_(number(i, "over_rows") > 0) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T* scores = scores_(batch);
    const auto* target = target_(batch);
    const T* weights = weights_(batch);
    const std::int32_t* lengths = lengths_(batch);
    const double total = total_weight(batch, target, weights, lengths);
    const double share = total > 0 ? 1 / total : 0;  // no weight at all: nothing is learned
    const Range own = worker.share(batch.rows);
    for (Index e = own.begin; e < own.end; ++e)
      parts_[e] = example(batch, scores, target, e, length_of(lengths, e),
                          weights ? static_cast<double>(weights[e]) : 1.0, share);
    worker.meet();
    if (worker.index != 0) return;
    double loss = 0, score = 0, scored = 0;
    for (Index e = 0; e < batch.rows; ++e) {
      loss += parts_[e].loss;
      score += parts_[e].score;
      scored += parts_[e].scored;
    }
    scalars_->loss = loss * share;
    scalars_->score = score;
    scalars_->weight = total;
    scalars_->scored = scored;
  }

 private:
  using Target = typename Loss<T>::Target;

  Index length_of(const std::int32_t* lengths, Index e) const {
    return lengths ? smaller(lengths[e], shape_.rows_per_example) : shape_.rows_per_example;
  }

  RowLoss example(const Batch& batch, const T* scores, const Target* target, Index e, Index length,
                  double weight, double share) const {
    const Index steps = shape_.rows_per_example, columns = shape_.columns;
    RowLoss part{0, 0, 0};
    Index counted = 0;
    for (Index s = 0; s < steps; ++s) {
      const Index r = e * steps + s;
      T* d = d_scores_ ? d_scores_ + r * columns : nullptr;
      if (s >= length || weight == 0 || counts(batch, target, e, s) == 0) {
        if (d != nullptr) std::memset(d, 0, static_cast<std::size_t>(columns) * sizeof(T));
        continue;
      }
      const RowLoss row = row_loss(batch, scores + r * columns, target, e, s, d, weight * share);
      part.loss += row.loss * weight;
      part.score += row.score;
      ++counted;
    }
    // Right answers are a share of an example's steps; squared errors are summed over them.
    if (Loss<T>::kCountsAnswers && counted > 0) part.score /= static_cast<double>(counted);
    part.scored = counted > 0 ? 1 : 0;
    return part;
  }

  // The target of an example at a step.
  const Target* target_of(const Target* target, Index example, Index step) const {
    return target + (example * shape_.rows_per_example + step) * loss_.target_columns();
  }

  RowLoss row_loss(const Batch& batch, const T* scores, const Target* target, Index e, Index s,
                   T* d, double factor) const {
    const Target* own = target_of(target, e, s);
    if constexpr (Loss<T>::kMixes) {
      if (mixes_)
        return loss_.mixed_row(scores, own, target_of(target, batch.partner(e), s),
                               batch.numbers.mix, d, factor);
    }
    return loss_.row(scores, own, d, factor);
  }

  // Of an example's target and of the one that is mixed into it, what `value` gives.
  template <class Value>
  double of_both(const Batch& batch, const Target* target, Index e, Index s, Value value) const {
    const double own = value(target_of(target, e, s));
    if (!Loss<T>::kMixes || !mixes_) return own;
    const double other = value(target_of(target, batch.partner(e), s));
    return batch.numbers.mix * own + (1 - batch.numbers.mix) * other;
  }

  // 1; less where targets are ignored.
  double counts(const Batch& batch, const Target* target, Index e, Index s) const {
    if (!loss_.ignores_some()) return 1;
    return of_both(batch, target, e, s,
                   [this](const Target* one) { return loss_.ignores(one) ? 0.0 : 1.0; });
  }

  // The class weight of an example's target.
  double part(const Batch& batch, const Target* target, Index e, Index s) const {
    return of_both(batch, target, e, s, [this](const Target* one) {
      return loss_.ignores(one) ? 0.0 : loss_.part(one);
    });
  }

  double total_weight(const Batch& batch, const Target* target, const T* weights,
                      const std::int32_t* lengths) const {
    const Index rows = batch.rows, steps = shape_.rows_per_example;
    const bool alike = loss_.counts_alike() && !loss_.ignores_some();
    if (!weights && !lengths && (alike || (over_rows_ && !loss_.ignores_some())))
      return static_cast<double>(rows * steps);
    double total = 0;
    for (Index e = 0; e < rows; ++e) {
      const double weight = weights ? static_cast<double>(weights[e]) : 1.0;
      const Index length = length_of(lengths, e);
      if (weight == 0) continue;
      if (over_rows_) {
        for (Index s = 0; s < length; ++s) total += counts(batch, target, e, s) > 0 ? 1 : 0;
      } else if (alike) {
        total += weight * static_cast<double>(length);
      } else {
        for (Index s = 0; s < length; ++s) total += weight * part(batch, target, e, s);
      }
    }
    return total;
  }

  Shape shape_;
  Loss<T> loss_;
  Source<T> scores_;
  Source<typename Loss<T>::Target> target_;
  Source<T> weights_;
  Source<std::int32_t> lengths_;
  T* d_scores_;
  RowLoss* parts_;
  Scalars* scalars_;
  bool mixes_, over_rows_;
};

}  // namespace evenly::EVENLY_ISA
