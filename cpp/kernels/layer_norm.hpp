// Layer normalization (Ba, Kiros and Hinton 2016): statistics of each row over its columns.
//
//   z = gamma (x - mean) / sqrt(variance + epsilon) + beta,  y = epilogue(z)
//
// And RMS normalization (Zhang and Sennrich 2019), which is the same without a mean (kCentred is
// false) and without beta: variance then stands for the mean of x^2.
#pragma once
#include "kernels/layer_norm_wide.hpp"

namespace evenly::EVENLY_ISA {

template <class T, bool kCentred>
class LayerNormForward final : public Kernel {
 public:
  explicit LayerNormForward(const Instruction& i)
      : shape_(i),
        epilogue_(i),
        epsilon_(number(i, "epsilon")),
        planned_(integer(i, "planned_rows")),
        x_(i, "x"),
        y_(buffer<T>(i, "y")),
        gamma_(i, "gamma", shape_.columns, T(1)),
        beta_(i, "beta", shape_.columns, T(0)),
        statistics_(buffer<T>(i, "statistics"), planned_),
        wide_(i) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T* x = x_(batch);
    const Index columns = shape_.columns;
    const Index rows = shape_.rows(batch);
    if (wide_.takes(rows)) return forward_of_wide(worker, batch, x, rows);
    const Range groups = worker.share(divide_up(rows, kGroup));
    const DropStream stream = epilogue_.prepare(batch);
    for (Index group = groups.begin; group < groups.end; ++group) {
      const Index begin = group * kGroup, end = smaller(begin + kGroup, rows);
      if (end - begin == kGroup) {
        measure_group(x + begin * columns, begin);
      } else {
        for (Index row = begin; row < end; ++row) measure(x + row * columns, row);
      }
      for (Index row = begin; row < end; ++row) finish(x, row, stream);
    }
  }

 private:
  static constexpr Index kGroup = 4;

  void forward_of_wide(const Worker& worker, const Batch& batch, const T* x, Index rows) const {
    const DropStream stream = epilogue_.prepare(batch);
    wide_.measure(worker, rows, x, [&](Index row, double near, double rest, double squares) {
      keep(x + row * shape_.columns, row, static_cast<T>(near), rest, squares);
    });
    wide_.share(worker, rows, [&](Index row, Index, Index begin, Index end) {
      const Index first = row * shape_.columns + begin;
      scale(x, row, begin, end);
      if (epilogue_.present()) epilogue_.forward(y_ + first, first, end - begin, stream);
    });
  }

  // Two passes over a row: one for a number near its mean, in differences to the first element,
  // which data far from zero asks for; and one about that number, where what is left sums to what
  // it lacks. So an outlier does no harm, be it the first element itself.
  void measure(const T* x, Index row) const {
    const Index columns = shape_.columns;
    T near = 0;
    if constexpr (kCentred) {
      double total = 0;
      const T first = x[0];
      for_parts(columns, [&](Index begin, Index end) {
        T sum[1];
        sum_side_by_side(end - begin, sum, [=](auto here, auto& sums) EVENLY_ALWAYS_INLINE {
          sums[0] += here(x + begin) - first;
        });
        total += static_cast<double>(sum[0]);
      });
      near = first + static_cast<T>(total / static_cast<double>(columns));
    }
    double rest = 0, squares = 0;
    for_parts(columns, [&](Index begin, Index end) {
      T sum[2];
      sum_side_by_side(end - begin, sum, [=](auto here, auto& sums) EVENLY_ALWAYS_INLINE {
        const auto d = kCentred ? here(x + begin) - near : here(x + begin);
        if constexpr (kCentred) sums[0] += d;
        sums[1] += d * d;
      });
      rest += static_cast<double>(sum[0]), squares += static_cast<double>(sum[1]);
    });
    keep(x, row, near, rest, squares);
  }

  // The same for four rows side by side: one row's sum would wait for itself.
  void measure_group(const T* x, Index row) const {
    const Index columns = shape_.columns;
    const double n = static_cast<double>(columns);
    T near[kGroup] = {};
    if constexpr (kCentred) {
      double total[kGroup] = {};
      for_parts(columns, [&](Index begin, Index end) {
        T sum[kGroup];
        sum_side_by_side(end - begin, sum, [&](auto here, auto& sums) EVENLY_ALWAYS_INLINE {
          EVENLY_UNROLL(4)
          for (Index r = 0; r < kGroup; ++r)
            sums[r] += here(x + r * columns + begin) - x[r * columns];
        });
        for (Index r = 0; r < kGroup; ++r) total[r] += static_cast<double>(sum[r]);
      });
      for (Index r = 0; r < kGroup; ++r) near[r] = x[r * columns] + static_cast<T>(total[r] / n);
    }
    double rest[kGroup] = {}, squares[kGroup] = {};
    for_parts(columns, [&](Index begin, Index end) {
      T sum[2 * kGroup];
      sum_side_by_side(end - begin, sum, [&](auto here, auto& sums) EVENLY_ALWAYS_INLINE {
        EVENLY_UNROLL(4)
        for (Index r = 0; r < kGroup; ++r) {
          const auto numbers = here(x + r * columns + begin);
          const auto d = kCentred ? numbers - near[r] : numbers;
          if constexpr (kCentred) sums[r] += d;
          sums[kGroup + r] += d * d;
        }
      });
      for (Index r = 0; r < kGroup; ++r) {
        rest[r] += static_cast<double>(sum[r]);
        squares[r] += static_cast<double>(sum[kGroup + r]);
      }
    });
    for (Index r = 0; r < kGroup; ++r) keep(x + r * columns, row + r, near[r], rest[r], squares[r]);
  }

  void keep(const T* x, Index row, T near, double rest, double squares) const {
    const double n = static_cast<double>(shape_.columns), lacks = rest / n;
    const double variance = (squares - rest * lacks) / n;
    statistics_.scale[row] = T(1);
    statistics_.near[row] = near;
    statistics_.mean_rest[row] = static_cast<T>(lacks);
    statistics_.reciprocal[row] = static_cast<T>(reciprocal_deviation(variance, epsilon_, 1.0));
    if (!squares_hold<T>(variance + epsilon_)) keep_scaled(x, row);
  }

  void keep_scaled(const T* x, Index row) const {
    const Normal normal =
        scaled_moments<T, kCentred>(shape_.columns, epsilon_, [x](Index c) { return x[c]; });
    statistics_.scale[row] = static_cast<T>(normal.scale);
    statistics_.near[row] = static_cast<T>(normal.mean);
    statistics_.mean_rest[row] =
        static_cast<T>(normal.mean - static_cast<double>(statistics_.near[row]));
    statistics_.reciprocal[row] = static_cast<T>(normal.reciprocal);
  }

  void finish(const T* x, Index row, const DropStream& stream) const {
    const Index columns = shape_.columns;
    for (Index begin = 0; begin < columns; begin += kPiece) {
      const Index end = smaller(begin + kPiece, columns), first = row * columns + begin;
      scale(x, row, begin, end);
      if (epilogue_.present()) epilogue_.forward(y_ + first, first, end - begin, stream);
    }
  }

  void scale(const T* x, Index row, Index begin, Index end) const {
    const OfRow<T> own(statistics_, row);
    const T* from = x + row * shape_.columns;
    T* to = y_ + row * shape_.columns;
    const T *gamma = gamma_.get(), *beta = beta_.get();
#pragma omp simd
    for (Index c = begin; c < end; ++c)
      to[c] = own.template centre<kCentred>(from[c]) * own.reciprocal * gamma[c] + beta[c];
  }

  Shape shape_;
  Epilogue<T> epilogue_;
  double epsilon_;
  Index planned_;
  Source<T> x_;
  T* y_;
  OrConstant<T> gamma_, beta_;
  RowStatistics<T> statistics_;
  WideRows<T, kCentred> wide_;
};

// With g = gamma d_z and x_hat = (x - mean) / deviation:
//   d_x = (g - mean(g) - x_hat mean(g x_hat)) / deviation, d_gamma = sum d_z x_hat, d_beta = sum
//   d_z
// where mean(g) is there only if a mean was subtracted.
template <class T, bool kCentred>
class LayerNormBackward final : public Kernel {
 public:
  explicit LayerNormBackward(const Instruction& i)
      : shape_(i),
        epilogue_(i),
        planned_(integer(i, "planned_rows")),
        x_(i, "x"),
        y_(i, "y"),
        d_y_(i, "d_y"),
        d_x_(optional_buffer<T>(i, "d_x")),
        gamma_(i, "gamma", shape_.columns, T(1)),
        d_gamma_(optional_buffer<T>(i, "d_gamma")),
        d_beta_(optional_buffer<T>(i, "d_beta")),
        statistics_(buffer<T>(i, "statistics"), planned_),
        partial_(buffer<double>(i, "scratch")),
        d_z_(optional_buffer<T>(i, "d_z")),
        wide_(i) {}

  std::int64_t thread_bytes() const override {
    return 2 * shape_.columns * static_cast<Index>(sizeof(T));
  }

  void run(const Worker& worker, const Batch& batch) const override {
    const T *x = x_(batch), *y = y_(batch);
    const T* d_z = epilogue_.present() ? d_z_ : d_y_(batch);
    const Index columns = shape_.columns;
    const DropStream stream = epilogue_.prepare(batch);
    if (wide_.takes(shape_.rows(batch))) return backward_of_wide(worker, batch, x, d_z, stream);
    const BlockSums<T> sums{RowBlocks(shape_.rows(batch), 8), columns, partial_,
                            static_cast<T*>(static_cast<void*>(worker.scratch))};
    const Range own = worker.share(sums.blocks.count);
    for (Index b = own.begin; b < own.end; ++b) {
      if (epilogue_.present()) behind_epilogue(y, d_y_(batch), sums.blocks.block(b), stream);
      sums.block(b, [&](Range rows, T* beta, T* gamma) {
        Index row = rows.begin;
        for (; row + 2 <= rows.end; row += 2) two_rows(x, d_z, row, beta, gamma);
        if (row < rows.end) one_row(x, d_z, row, beta, gamma);
      });
    }
    worker.meet();
    const Range strip = worker.share(columns);
    if (d_beta_) sums.total(0, strip, d_beta_);
    if (d_gamma_) sums.total(1, strip, d_gamma_);
  }

 private:
  // The sums over rows of each column, and over the columns of each row; then d_x.
  void backward_of_wide(const Worker& worker, const Batch& batch, const T* x, const T* d_z,
                        const DropStream& stream) const {
    const Index columns = shape_.columns, rows = shape_.rows(batch);
    const T* gain = gamma_.get();
    wide_.share(worker, 1, [&](Index, Index part, Index begin, Index end) {
      T beta[kPart] = {}, gamma[kPart] = {};
      for (Index row = 0; row < rows; ++row) {
        const Index first = row * columns + begin;
        if (epilogue_.present())
          epilogue_.backward(y_(batch) + first, d_y_(batch) + first, d_z_ + first, first,
                             end - begin, stream);
        const OfRow<T> own(statistics_, row);
        T sums[2];
        sum_side_by_side(end - begin, sums, [&](auto here, auto& to) EVENLY_ALWAYS_INLINE {
          const auto x_hat = own.template centre<kCentred>(here(x + first)) * own.reciprocal;
          const auto d = here(d_z + first), g = d * here(gain + begin);
          if constexpr (kCentred) to[0] += g;
          to[1] += g * x_hat;
          here.add(beta, d);
          here.add(gamma, d * x_hat);
        });
        wide_.put(row, part, static_cast<double>(sums[0]), static_cast<double>(sums[1]));
      }
      const auto bytes = static_cast<std::size_t>(end - begin) * sizeof(T);
      if (d_beta_) std::memcpy(d_beta_ + begin, beta, bytes);
      if (d_gamma_) std::memcpy(d_gamma_ + begin, gamma, bytes);
    });
    worker.meet();
    Index known = -1;
    double sum = 0, product = 0;
    wide_.share(worker, rows, [&](Index row, Index, Index begin, Index end) {
      if (row != known) wide_.total(row, sum, product);
      known = row;
      store(x + row * columns, d_z + row * columns, row, sum, product, {begin, end});
    });
  }

  void behind_epilogue(const T* y, const T* d_y, Range rows, const DropStream& stream) const {
    const Index begin = rows.begin * shape_.columns, end = rows.end * shape_.columns;
    for (Index first = begin; first < end; first += kPiece)
      epilogue_.backward(y + first, d_y + first, d_z_ + first, first, smaller(kPiece, end - first),
                         stream);
  }

  void one_row(const T* all_x, const T* all_d, Index row, T* beta, T* gamma_sum) const {
    const Index columns = shape_.columns;
    const T *x = all_x + row * columns, *d = all_d + row * columns;
    const OfRow<T> own(statistics_, row);
    const T* gain = gamma_.get();
    double sum = 0, product = 0;
    for_parts(columns, [&](Index begin, Index end) {
      T s = 0, p = 0;
#pragma omp simd reduction(+ : s, p)
      for (Index c = begin; c < end; ++c) {
        const T x_hat = own.template centre<kCentred>(x[c]) * own.reciprocal;
        const T g = d[c] * gain[c];
        if constexpr (kCentred) s += g, beta[c] += d[c];
        p += g * x_hat;
        gamma_sum[c] += d[c] * x_hat;
      }
      sum += static_cast<double>(s), product += static_cast<double>(p);
    });
    store(x, d, row, sum, product, {0, columns});
  }

  // Two rows side by side: their sums need not wait for each other, and the sums over rows are
  // loaded and stored once for both.
  void two_rows(const T* all_x, const T* all_d, Index row, T* beta, T* gamma_sum) const {
    const Index columns = shape_.columns;
    const T *x0 = all_x + row * columns, *x1 = x0 + columns;
    const T *d0 = all_d + row * columns, *d1 = d0 + columns;
    const OfRow<T> own0(statistics_, row), own1(statistics_, row + 1);
    const T* gain = gamma_.get();
    double sum0 = 0, product0 = 0, sum1 = 0, product1 = 0;
    for_parts(columns, [&](Index begin, Index end) {
      T s0 = 0, p0 = 0, s1 = 0, p1 = 0;
#pragma omp simd reduction(+ : s0, p0, s1, p1)
      for (Index c = begin; c < end; ++c) {
        const T hat0 = own0.template centre<kCentred>(x0[c]) * own0.reciprocal;
        const T hat1 = own1.template centre<kCentred>(x1[c]) * own1.reciprocal;
        const T g0 = d0[c] * gain[c], g1 = d1[c] * gain[c];
        if constexpr (kCentred) s0 += g0, s1 += g1, beta[c] += d0[c] + d1[c];
        p0 += g0 * hat0;
        p1 += g1 * hat1;
        gamma_sum[c] += d0[c] * hat0 + d1[c] * hat1;
      }
      sum0 += static_cast<double>(s0), product0 += static_cast<double>(p0);
      sum1 += static_cast<double>(s1), product1 += static_cast<double>(p1);
    });
    store(x0, d0, row, sum0, product0, {0, columns});
    store(x1, d1, row + 1, sum1, product1, {0, columns});
  }

  void store(const T* x, const T* d, Index row, double sum, double product, Range part) const {
    if (d_x_ == nullptr) return;
    const Index columns = shape_.columns;
    const OfRow<T> own(statistics_, row);
    const double n = static_cast<double>(columns);
    const T mean = static_cast<T>(sum / n), slope = static_cast<T>(product / n);
    const T outer = own.reciprocal * own.scale;
    T* to = d_x_ + row * columns;
    const T* gain = gamma_.get();
#pragma omp simd
    for (Index c = part.begin; c < part.end; ++c)
      to[c] = outer * (d[c] * gain[c] - mean -
                       own.template centre<kCentred>(x[c]) * own.reciprocal * slope);
  }

  Shape shape_;
  Epilogue<T> epilogue_;
  Index planned_;
  Source<T> x_, y_, d_y_;
  T* d_x_;
  OrConstant<T> gamma_;
  T *d_gamma_, *d_beta_;
  RowStatistics<T> statistics_;
  double* partial_;
  T* d_z_;
  WideRows<T, kCentred> wide_;
};

}  // namespace evenly::EVENLY_ISA
