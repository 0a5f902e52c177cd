// Constraints on a unit's weights, a column of the kernel, after the update.
//
//   max_norm:  w *= min(1, limit / |w|)      unit_norm:  w /= |w|
#pragma once
#include "kernels/column_lengths.hpp"

namespace evenly::EVENLY_ISA {

template <class T, bool kUnit>
class ColumnNorm final : public Kernel {
 public:
  explicit ColumnNorm(const Instruction& i)
      : rows_(integer(i, "rows")),
        columns_(integer(i, "columns")),
        limit_(kUnit ? 1.0 : number(i, "limit")),
        values_(buffer<T>(i, "values")) {}

  // Threads share the columns, a few cache lines of them at a time.
  void run(const Worker& worker, const Batch&) const override {
    worker.meet();  // for what other threads updated
    const Range own = worker.share(divide_up(columns_, kColumns));
    for (Index block = own.begin; block < own.end; ++block) {
      const Index begin = block * kColumns, count = smaller(kColumns, columns_ - begin);
      T scales[kColumns], factors[kColumns];
      measure(values_ + begin, count, scales, factors);
      for (Index r = 0; r < rows_; ++r) {
        T* row = values_ + r * columns_ + begin;
#pragma omp simd
        for (Index c = 0; c < count; ++c) row[c] = row[c] * scales[c] * factors[c];
      }
    }
  }

 private:
  static constexpr Index kColumns = kLengths;

  void measure(const T* first, Index count, T* scales, T* factors) const {
    ColumnLengths lengths;
    lengths.measure(first, rows_, columns_, count);
    for (Index c = 0; c < count; ++c) {
      // Of what was scaled; the limit is another number there.
      const double length = lengths.scaled[c], limit = limit_ * lengths.scale[c];
      const bool changes = kUnit ? length > 0 : length > limit;
      scales[c] = changes ? static_cast<T>(lengths.scale[c]) : T(1);
      factors[c] = changes ? static_cast<T>(limit_ / length) : T(1);
    }
  }

  Index rows_, columns_;
  double limit_;
  T* values_;
};

}  // namespace evenly::EVENLY_ISA
