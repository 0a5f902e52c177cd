// A few rows that are whole images: their parts are shared, not they. Each part's sums stand in the
// buffer "row_parts" and are added in order, as where one worker has the row.
#pragma once
#include "kernels/layer_norm_rows.hpp"

namespace evenly::EVENLY_ISA {

template <class T, bool kCentred>
class WideRows {
 public:
  explicit WideRows(const Instruction& i)
      : columns_(integer(i, "columns")),
        parts_(divide_up(columns_, kPart)),
        sums_(optional_buffer<double>(i, "row_parts")) {}

  bool takes(Index rows) const { return sums_ != nullptr && rows < kFewRows; }

  // work(row, part, begin, end) for this worker's parts of some rows.
  template <class Work>
  void share(const Worker& worker, Index rows, Work work) const {
    const Range own = worker.share(rows * parts_);
    for (Index t = own.begin; t < own.end; ++t) {
      const Index part = t % parts_;
      work(t / parts_, part, part * kPart, smaller((part + 1) * kPart, columns_));
    }
  }

  void put(Index row, Index part, double first, double second) const {
    double* to = sums_ + 2 * (row * parts_ + part);
    to[0] = first, to[1] = second;
  }
  void total(Index row, double& first, double& second) const {
    const double* from = sums_ + 2 * row * parts_;
    first = second = 0;
    for (Index part = 0; part < parts_; ++part) {
      first += from[2 * part];
      second += from[2 * part + 1];
    }
  }

  // keep(row, near, rest, squares): a number near the row's mean, and the sums of x - near and of
  // its square. In two passes, as where a worker has the row; the team has met when it returns.
  template <class Keep>
  void measure(const Worker& worker, Index rows, const T* x, Keep keep) const {
    if constexpr (kCentred) {
      share(worker, rows, [&](Index row, Index part, Index begin, Index end) {
        const T *from = x + row * columns_, first = from[0];
        T sum[1];
        sum_side_by_side(end - begin, sum, [=](auto here, auto& sums) EVENLY_ALWAYS_INLINE {
          sums[0] += here(from + begin) - first;
        });
        put(row, part, static_cast<double>(sum[0]), 0);
      });
      worker.meet();
    }
    // The means are read by all before the second sums take the places of the first.
    T near[kFewRows] = {};
    for (Index row = 0; kCentred && row < rows; ++row) {
      double sum, none;
      total(row, sum, none);
      near[row] = x[row * columns_] + static_cast<T>(sum / static_cast<double>(columns_));
    }
    worker.meet();
    share(worker, rows, [&](Index row, Index part, Index begin, Index end) {
      const T *from = x + row * columns_, middle = near[row];
      T sum[2];
      sum_side_by_side(end - begin, sum, [=](auto here, auto& sums) EVENLY_ALWAYS_INLINE {
        const auto d = kCentred ? here(from + begin) - middle : here(from + begin);
        if constexpr (kCentred) sums[0] += d;
        sums[1] += d * d;
      });
      put(row, part, static_cast<double>(sum[0]), static_cast<double>(sum[1]));
    });
    worker.meet();
    const Range own = worker.share(rows);
    for (Index row = own.begin; row < own.end; ++row) {
      double rest, squares;
      total(row, rest, squares);
      keep(row, static_cast<double>(near[row]), rest, squares);
    }
    worker.meet();
  }

 private:
  static constexpr Index kFewRows = 16;

  Index columns_, parts_;
  double* sums_;
};

}  // namespace evenly::EVENLY_ISA
