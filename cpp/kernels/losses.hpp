// Losses, with the gradient on the scores. The loss of each example, and of each band of a large
// one, goes to its place in "row_loss"; one thread adds them up in order.
//
//   loss = sum of w l / sum of w n,  n the class weight: 1 without class weights
//
// or, over rows, sum of w l / number of rows. Of a part of a batch the divisor is the whole
// batch's; what the part adds to it a run beforehand tells (number "weighs"). A row of weight 0, or
// of the class that is ignored, is not looked at: whatever its scores are, its loss and its
// gradient are 0.
#pragma once
#include "kernels/cross_entropy.hpp"

namespace evenly::EVENLY_ISA {

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
        bands_(integer(i, "bands")),
        mixes_(has_number(i, "mixes")),
        weighs_(has_number(i, "weighs")),
        shares_target_(number(i, "shares_target") > 0),
        over_rows_(number(i, "over_rows") > 0) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T* scores = scores_(batch);
    const auto* target = target_(batch);
    const T* weights = weights_(batch);
    const std::int32_t* lengths = lengths_(batch);
    if (weighs_) {
      if (worker.index == 0) scalars_->weight = total_weight(batch, target, weights, lengths);
      return;
    }
    const double known = batch.numbers.total;
    const double total =
        std::isnan(known) ? weight_of_all(worker, batch, target, weights, lengths) : known;
    const double share = total > 0 ? 1 / total : 0;  // no weight at all: nothing is learned
    const Range own = worker.share(batch.rows * bands_);
    for (Index t = own.begin; t < own.end; ++t) {
      const Index e = t / bands_;
      parts_[t] = some_steps(batch, scores, target, e, band(t % bands_), length_of(lengths, e),
                             weights ? static_cast<double>(weights[e]) : 1.0, share);
    }
    worker.meet();
    if (worker.index != 0) return;
    double loss = 0, score = 0, scored = 0;
    for (Index e = 0; e < batch.rows; ++e) {
      const RowLoss example = of_bands(parts_ + e * bands_);
      loss += example.loss;
      score += example.score;
      scored += example.scored;
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

  Range band(Index index) const {
    const Index steps = shape_.rows_per_example;
    return {steps * index / bands_, steps * (index + 1) / bands_};
  }

  // Of some steps of an example; "scored" is how many of them count.
  RowLoss some_steps(const Batch& batch, const T* scores, const Target* target, Index e, Range own,
                     Index length, double weight, double share) const {
    const Index steps = shape_.rows_per_example, columns = shape_.columns;
    RowLoss part{0, 0, 0};
    for (Index s = own.begin; s < own.end; ++s) {
      const Index r = e * steps + s;
      T* d = d_scores_ ? d_scores_ + r * columns : nullptr;
      if (s >= length || weight == 0 || counts(batch, target, e, s) == 0) {
        if (d != nullptr) std::memset(d, 0, static_cast<std::size_t>(columns) * sizeof(T));
        continue;
      }
      const RowLoss row = row_loss(batch, scores + r * columns, target, e, s, d, weight * share);
      part.loss += row.loss * weight;
      part.score += row.score;
      part.scored += 1;
    }
    return part;
  }

  // Right answers are a share of an example's steps; squared errors are summed over them, unless
  // they are several members' of one target.
  RowLoss of_bands(const RowLoss* bands) const {
    RowLoss all = bands[0];
    for (Index b = 1; b < bands_; ++b) {
      all.loss += bands[b].loss;
      all.score += bands[b].score;
      all.scored += bands[b].scored;
    }
    if ((Loss<T>::kCountsAnswers || shares_target_) && all.scored > 0) all.score /= all.scored;
    all.scored = all.scored > 0 ? 1 : 0;
    return all;
  }

  // The target of an example at a step; of members that all have the example's, that.
  const Target* target_of(const Target* target, Index example, Index step) const {
    const Index row = shares_target_ ? example : example * shape_.rows_per_example + step;
    return target + row * loss_.target_columns();
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
    if (is_plain(weights, lengths))
      return static_cast<double>(batch.rows * shape_.rows_per_example);
    double total = 0;
    for (Index e = 0; e < batch.rows; ++e)
      total += weight_of(batch, target, weights, lengths, e, {0, shape_.rows_per_example});
    return total;
  }

  // The same, and of large examples band by band, which the team shares.
  double weight_of_all(const Worker& worker, const Batch& batch, const Target* target,
                       const T* weights, const std::int32_t* lengths) const {
    if (bands_ == 1 || is_plain(weights, lengths))
      return total_weight(batch, target, weights, lengths);
    const Index count = batch.rows * bands_;
    double* bands = static_cast<double*>(static_cast<void*>(parts_ + count));
    const Range own = worker.share(count);
    for (Index t = own.begin; t < own.end; ++t)
      bands[t] = weight_of(batch, target, weights, lengths, t / bands_, band(t % bands_));
    worker.meet();
    double total = 0;
    for (Index t = 0; t < count; ++t) total += bands[t];
    return total;
  }

  bool counts_all_alike() const { return loss_.counts_alike() && !loss_.ignores_some(); }
  bool is_plain(const T* weights, const std::int32_t* lengths) const {
    return !weights && !lengths && (counts_all_alike() || (over_rows_ && !loss_.ignores_some()));
  }

  // Of some steps of an example.
  double weight_of(const Batch& batch, const Target* target, const T* weights,
                   const std::int32_t* lengths, Index e, Range steps) const {
    const double weight = weights ? static_cast<double>(weights[e]) : 1.0;
    const Index end = smaller(length_of(lengths, e), steps.end);
    if (weight == 0 || end <= steps.begin) return 0;
    if (!over_rows_ && counts_all_alike()) return weight * static_cast<double>(end - steps.begin);
    double total = 0;
    for (Index s = steps.begin; s < end; ++s)
      total += over_rows_ ? (counts(batch, target, e, s) > 0 ? 1 : 0)
                          : weight * part(batch, target, e, s);
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
  Index bands_;  // of an example's steps
  bool mixes_, weighs_, shares_target_, over_rows_;
};

}  // namespace evenly::EVENLY_ISA
