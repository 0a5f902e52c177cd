// Losses, with the gradient on the scores. Each example's loss goes to its place in "row_loss"; one
// thread adds them up in order.
#pragma once
#include "kernels/common.hpp"
#include "support/math.hpp"

namespace evenly::EVENLY_ISA {

// One row's part of the loss: its value, and its contribution to the score.
struct RowLoss {
  double loss, score;
};

// log(sum(exp(scores))) - scores[target]; gradient (softmax(scores) - one_hot(target)) / rows.
template <class T>
struct SoftmaxCrossEntropy {
  using Target = std::int32_t;
  static Index target_columns(Index) { return 1; }

  static RowLoss row(const T* scores, const Target* target, T* d, Index columns, double rows) {
    T largest = scores[0];
#pragma omp simd reduction(max : largest)
    for (Index c = 0; c < columns; ++c) largest = scores[c] > largest ? scores[c] : largest;
    // The right class apart from the others: neither the loss nor the gradient of an example that
    // is nearly certain is then a difference of two numbers near 1.
    const Index wanted = *target;
    const T others = exponentials(scores, 0, wanted, largest, d) +
                     exponentials(scores, wanted + 1, columns, largest, d);
    const T right = exponential_of_negative(scores[wanted] - largest);
    const T sum = others + right;
    if (d != nullptr) {
      const T factor = static_cast<T>(1.0 / (static_cast<double>(sum) * rows));
#pragma omp simd
      for (Index c = 0; c < columns; ++c) d[c] *= factor;
      d[wanted] = -others * factor;
    }
    const double gap = static_cast<double>(largest) - static_cast<double>(scores[wanted]);
    const double loss = gap == 0 ? std::log1p(static_cast<double>(others))
                                 : std::log(static_cast<double>(sum)) + gap;
    Index earlier = 0;  // of equal scores the first counts as the answer
    if (gap == 0)
      for (Index c = 0; c < wanted; ++c) earlier += scores[c] == largest;
    return {loss, gap == 0 && earlier == 0 ? 1.0 : 0.0};
  }

 private:
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
};

// log(1 + exp(z)) - z target, mean over all elements; gradient (logistic(z) - target) / elements.
template <class T>
struct BinaryCrossEntropy {
  using Target = T;
  static Index target_columns(Index columns) { return columns; }

  static RowLoss row(const T* scores, const Target* target, T* d, Index columns, double rows) {
    const double n = static_cast<double>(columns);
    const T factor = static_cast<T>(1.0 / (rows * n));
    double loss = 0;
    Index right = 0;
    for (Index c = 0; c < columns; ++c) {
      const double z = static_cast<double>(scores[c]), t = static_cast<double>(target[c]);
      const double positive = z > 0 ? z : 0.0;
      loss += positive - z * t + std::log1p(std::exp(-std::fabs(z)));
      right += (z > 0) == (t > 0.5);
    }
    if (d != nullptr) {
      // p (1 - t) - (1 - p) t rather than p - t: where p is nearly t that difference would cancel.
#pragma omp simd
      for (Index c = 0; c < columns; ++c) {
        const T z = scores[c], t = target[c];
        d[c] = (logistic(z) * (T(1) - t) - logistic(-z) * t) * factor;
      }
    }
    return {loss / n, static_cast<double>(right) / n};
  }
};

// (y - target)^2, mean over all elements (or their sum over columns); gradient 2 (y - target) / n.
template <class T>
struct MeanSquaredError {
  using Target = T;
  static Index target_columns(Index columns) { return columns; }

  static RowLoss row(const T* scores, const Target* target, T* d, Index columns, double rows) {
    const double n = static_cast<double>(columns);
    double squares = 0;
    for (Index c = 0; c < columns; ++c) {
      const double e = static_cast<double>(scores[c]) - static_cast<double>(target[c]);
      squares += e * e;
    }
    if (d != nullptr) {
      const T factor = static_cast<T>(2.0 / (rows * n));
#pragma omp simd
      for (Index c = 0; c < columns; ++c) d[c] = (scores[c] - target[c]) * factor;
    }
    return {squares / n, squares};
  }
};

template <class T, template <class> class Loss>
class LossKernel final : public Kernel {
 public:
  explicit LossKernel(const Instruction& i)
      : columns_(integer(i, "columns")),
        scores_(i, "x"),
        target_(i, "target"),
        d_scores_(optional_buffer<T>(i, "d_x")),
        row_loss_(buffer<RowLoss>(i, "row_loss")),
        scalars_(buffer<Scalars>(i, "scalars")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T* scores = scores_(batch);
    const auto* target = target_(batch);
    const Index targets = Loss<T>::target_columns(columns_);
    const Range own = worker.share(batch.rows);
    for (Index r = own.begin; r < own.end; ++r)
      row_loss_[r] = Loss<T>::row(scores + r * columns_, target + r * targets,
                                  d_scores_ ? d_scores_ + r * columns_ : nullptr, columns_,
                                  static_cast<double>(batch.rows));
    worker.meet();
    if (worker.index != 0) return;
    double loss = 0, score = 0;
    for (Index r = 0; r < batch.rows; ++r) {
      loss += row_loss_[r].loss;
      score += row_loss_[r].score;
    }
    scalars_->loss = loss / static_cast<double>(batch.rows);
    scalars_->score = score;
  }

 private:
  Index columns_;
  Source<T> scores_;
  Source<typename Loss<T>::Target> target_;
  T* d_scores_;
  RowLoss* row_loss_;
  Scalars* scalars_;
};

}  // namespace evenly::EVENLY_ISA
