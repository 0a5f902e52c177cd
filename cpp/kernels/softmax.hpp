// Softmax over each row: y = exp(x - max) / sum, d_x = y (d_y - sum(d_y y)).
#pragma once
#include "kernels/common.hpp"
#include "support/lanes.hpp"
#include "support/math.hpp"

namespace evenly::EVENLY_ISA {

template <class T>
class SoftmaxForward final : public Kernel {
 public:
  explicit SoftmaxForward(const Instruction& i) : shape_(i), x_(i, "x"), y_(buffer<T>(i, "y")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T* x = x_(batch);
    const Range own = worker.share(shape_.rows(batch));
    for (Index row = own.begin; row < own.end; ++row)
      one_row(x + row * shape_.columns, y_ + row * shape_.columns);
  }

 private:
  void one_row(const T* x, T* y) const {
    const Index columns = shape_.columns;
    const T largest = largest_side_by_side(x, columns);
    T sum[1];
    sum_side_by_side(columns, sum, [=](auto here, auto& sums) EVENLY_ALWAYS_INLINE {
      const auto e =
          here.each(x, [=](T score) { return exponential_of_negative(score - largest); });
      here.put(y, e);
      sums[0] += e;
    });
    const T factor = T(1) / sum[0];
#pragma omp simd
    for (Index c = 0; c < columns; ++c) y[c] *= factor;
  }

  Shape shape_;
  Source<T> x_;
  T* y_;
};

template <class T>
class SoftmaxBackward final : public Kernel {
 public:
  explicit SoftmaxBackward(const Instruction& i)
      : shape_(i), y_(i, "y"), d_y_(i, "d_y"), d_x_(buffer<T>(i, "d_x")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T *all_y = y_(batch), *all_d = d_y_(batch);
    const Index columns = shape_.columns;
    const Range own = worker.share(shape_.rows(batch));
    for (Index row = own.begin; row < own.end; ++row) {
      const T *y = all_y + row * columns, *d_y = all_d + row * columns;
      T* d_x = d_x_ + row * columns;
      T inner[1];
      sum_side_by_side(columns, inner, [=](auto here, auto& sums) EVENLY_ALWAYS_INLINE {
        sums[0] += here(d_y) * here(y);
      });
#pragma omp simd
      for (Index c = 0; c < columns; ++c) d_x[c] = y[c] * (d_y[c] - inner[0]);
    }
  }

 private:
  Shape shape_;
  Source<T> y_, d_y_;
  T* d_x_;
};

}  // namespace evenly::EVENLY_ISA
