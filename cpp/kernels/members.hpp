// The mean of several networks' answers, in the space in which they are answers, as a score again.
// Every value is computed in double precision by one thread, from the members in their order.
#pragma once
#include <cmath>

#include "kernels/join.hpp"
#include "support/math.hpp"

namespace evenly::EVENLY_ISA {

enum class MeanOf { numbers, logs, classes, labels, quantiles };

constexpr Index kMostMembers = 1024;  // as in src/evenly/layers/ensemble.py
constexpr double kSoftplusTail = -37;

inline double above(double a, double b) {
  return a > b ? a : b;
}

inline double softplus_of(double x) {
  return above(x, 0.0) + std::log1p(std::exp(-std::fabs(x)));
}

// log(mean(exp(value(i)))) over the members.
template <class Value>
double log_mean_exp(Index count, Value value) {
  double top = value(0), sum = 0;
  for (Index i = 1; i < count; ++i) top = above(top, value(i));
  for (Index i = 0; i < count; ++i) sum += exponential_of_negative(value(i) - top);
  return top + std::log(sum / static_cast<double>(count));
}

// A mean of probabilities that is smaller is computed from their logarithms.
constexpr double kLeastMean = 1e-280;

// The logistic function of x.
inline double probability_of(double x) {
  const double small = exponential_of_negative(-std::fabs(x));
  return (x > 0 ? 1.0 : small) / (1.0 + small);
}

template <class Value>
double mean_of(Index count, Value value) {
  double sum = 0;
  for (Index i = 0; i < count; ++i) sum += value(i);
  return sum / static_cast<double>(count);
}

// One row of the members' outputs: of a buffer each, or one behind the other in a single buffer.
template <class T>
struct MembersRow {
  const T* x[kMostMembers];
  double log_total[kMostMembers];  // of classes: the logarithm of the sum of exp(x)
  Index count, columns;

  MembersRow(const Numbered<Source<T>>& sources, const Source<T>& within, Index members,
             const Batch& batch, Index width)
      : count(members > 0 ? members : sources.count()), columns(width) {
    for (Index i = 0; i < count; ++i)
      x[i] = members > 0 ? within(batch) + i * width : sources[i](batch);
  }

  double at(Index i, Index place) const { return static_cast<double>(x[i][place]); }

  void measure(Index start) {
    for (Index i = 0; i < count; ++i) {
      double top = at(i, start), sum = 0;
      const T* row = x[i] + start;
      for (Index c = 1; c < columns; ++c) top = above(top, static_cast<double>(row[c]));
#pragma omp simd reduction(+ : sum)
      for (Index c = 0; c < columns; ++c)
        sum += exponential_of_negative(static_cast<double>(row[c]) - top);
      log_total[i] = top + std::log(sum);
    }
  }

  double log_class(Index place) const {
    const auto log_p = [&](Index i) { return at(i, place) - log_total[i]; };
    const double mean = mean_of(count, [&](Index i) { return exponential_of_negative(log_p(i)); });
    return mean < kLeastMean ? log_mean_exp(count, log_p) : std::log(mean);
  }
  double log_yes(Index place) const {
    const double mean = mean_of(count, [&](Index i) { return probability_of(at(i, place)); });
    if (!(mean < kLeastMean)) return std::log(mean);
    return log_mean_exp(count, [&](Index i) { return -softplus_of(-at(i, place)); });
  }
  double log_no(Index place) const {
    const double mean = mean_of(count, [&](Index i) { return probability_of(-at(i, place)); });
    if (!(mean < kLeastMean)) return std::log(mean);
    return log_mean_exp(count, [&](Index i) { return -softplus_of(at(i, place)); });
  }
  double log_exp(Index place) const {
    return log_mean_exp(count, [&](Index i) { return at(i, place); });
  }
  double number(Index place) const {
    return mean_of(count, [&](Index i) { return at(i, place); });
  }
  double gap(Index place) const {
    double top = at(0, place);
    for (Index i = 1; i < count; ++i) top = above(top, at(i, place));
    if (top < kSoftplusTail) return log_exp(place);
    const double mean = mean_of(count, [&](Index i) { return softplus_of(at(i, place)); });
    return mean + std::log(-std::expm1(-mean));
  }
};

template <class T>
class AverageBase : public Kernel {
 public:
  explicit AverageBase(const Instruction& i)
      : shape_(i),
        x_(numbered_sources<T>(i, "x")),
        within_(i, "x"),
        members_(has_number(i, "members") ? integer(i, "members") : 0),
        kind_(static_cast<MeanOf>(integer(i, "average"))),
        levels_(integer(i, "levels")),
        anchor_(integer(i, "anchor")) {}

 protected:
  bool is_anchor(Index column) const { return column % levels_ == anchor_; }
  MembersRow<T> row_of(const Batch& batch) const {
    return {x_, within_, members_, batch, shape_.columns};
  }
  // Where a row of the members begins, for that of the mean.
  Index start_of(Index start) const { return members_ > 0 ? start * members_ : start; }

  Shape shape_;
  Numbered<Source<T>> x_;
  Source<T> within_;
  Index members_;
  MeanOf kind_;
  Index levels_, anchor_;
};

template <class T>
class AverageForward final : public AverageBase<T> {
 public:
  explicit AverageForward(const Instruction& i) : AverageBase<T>(i), y_(buffer<T>(i, "y")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const Index columns = this->shape_.columns;
    MembersRow<T> members = this->row_of(batch);
    const Range own = worker.share(this->shape_.rows(batch));
    for (Index row = own.begin; row < own.end; ++row) {
      const Index start = this->start_of(row * columns);
      if (this->kind_ == MeanOf::classes) members.measure(start);
      for (Index c = 0; c < columns; ++c)
        y_[row * columns + c] = static_cast<T>(value(members, start + c, c));
    }
  }

 private:
  double value(const MembersRow<T>& members, Index place, Index column) const {
    switch (this->kind_) {
      case MeanOf::logs:
        return members.log_exp(place);
      case MeanOf::classes:
        return members.log_class(place);
      case MeanOf::labels:
        return members.log_yes(place) - members.log_no(place);
      case MeanOf::quantiles:
        return this->is_anchor(column) ? members.number(place) : members.gap(place);
      default:
        return members.number(place);
    }
  }

  T* y_;
};

// The members' gradients; those that nobody asks for are left out.
template <class T>
class AverageBackward final : public AverageBase<T> {
 public:
  explicit AverageBackward(const Instruction& i)
      : AverageBase<T>(i),
        d_y_(i, "d_y"),
        d_x_(this->x_.count(), "d_x",
             [&](const char* name) { return optional_buffer<T>(i, name); }),
        within_d_x_(optional_buffer<T>(i, "d_x")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const Index columns = this->shape_.columns;
    MembersRow<T> members = this->row_of(batch);
    const Range own = worker.share(this->shape_.rows(batch));
    for (Index row = own.begin; row < own.end; ++row) {
      const Index start = this->start_of(row * columns);
      const T* d_y = d_y_(batch) + row * columns;
      if (this->kind_ == MeanOf::classes) {
        members.measure(start);
        of_classes(members, d_y, start);
        continue;
      }
      for (Index c = 0; c < columns; ++c)
        of_one(members, static_cast<double>(d_y[c]), start + c, c);
    }
  }

 private:
  void give(Index i, Index place, double value) const {
    T* d_x = within_d_x_ ? within_d_x_ + i * this->shape_.columns
                         : (i < d_x_.count() ? d_x_[i] : nullptr);
    if (d_x != nullptr) d_x[place] = static_cast<T>(value);
  }

  // d_x_i = d_y exp(power(i)) / members
  template <class Power>
  void spread(const MembersRow<T>& members, double d_y, Index place, Power power) const {
    const double share = d_y / static_cast<double>(members.count);
    for (Index i = 0; i < members.count; ++i) give(i, place, share * std::exp(power(i)));
  }

  void of_one(const MembersRow<T>& members, double d_y, Index place, Index column) const {
    const auto x = [&](Index i) { return members.at(i, place); };
    if (this->kind_ == MeanOf::logs) {
      const double y = members.log_exp(place);
      spread(members, d_y, place, [&](Index i) { return x(i) - y; });
    } else if (this->kind_ == MeanOf::labels) {
      const double both = members.log_yes(place) + members.log_no(place);
      spread(members, d_y, place,
             [&](Index i) { return -softplus_of(x(i)) - softplus_of(-x(i)) - both; });
    } else if (this->kind_ == MeanOf::quantiles && !this->is_anchor(column)) {
      const double slope = softplus_of(-members.gap(place));
      spread(members, d_y, place, [&](Index i) { return slope - softplus_of(-x(i)); });
    } else {
      spread(members, d_y, place, [](Index) { return 0.0; });
    }
  }

  // d_x_i = r_i - softmax(x_i) sum(r_i), r_i = d_y softmax(x_i) / (members exp(y))
  void of_classes(const MembersRow<T>& members, const T* d_y, Index start) const {
    const double share = 1.0 / static_cast<double>(members.count);
    double totals[kMostMembers];
    for (Index i = 0; i < members.count; ++i) totals[i] = 0;
    for (Index c = 0; c < members.columns; ++c) {
      const Index place = start + c;
      const double y = members.log_class(place), d = share * static_cast<double>(d_y[c]);
      for (Index i = 0; i < members.count; ++i)
        totals[i] += d * std::exp(members.at(i, place) - members.log_total[i] - y);
    }
    for (Index c = 0; c < members.columns; ++c) {
      const Index place = start + c;
      const double y = members.log_class(place), d = share * static_cast<double>(d_y[c]);
      for (Index i = 0; i < members.count; ++i) {
        const double log_p = members.at(i, place) - members.log_total[i];
        give(i, place, d * std::exp(log_p - y) - std::exp(log_p) * totals[i]);
      }
    }
  }

  Source<T> d_y_;
  Numbered<T*> d_x_;
  T* within_d_x_;
};

}  // namespace evenly::EVENLY_ISA
