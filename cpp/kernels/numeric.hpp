// Embeddings of numbers (Gorishniy et al. 2022): waves of several frequencies, and shares of bins.
#pragma once
#include "kernels/statistics.hpp"

namespace evenly::EVENLY_ISA {

// sin and cos of 2 pi frequency x + phase. The number of turns is reduced in double, so that float
// loses nothing to many of them; half the angle lies within +-pi/2, where Taylor's series are
// short.
template <class T>
inline void sine_and_cosine(T frequency, T phase, T x, T& sine, T& cosine) {
  constexpr double kPerTurn = 0.15915494309189533577, kMagic = 6755399441055744.0;
  constexpr T kPi = T(3.14159265358979323846);
  const double turns = static_cast<double>(frequency) * static_cast<double>(x) +
                       static_cast<double>(phase) * kPerTurn;
  double rest = turns - ((turns + kMagic) - kMagic);  // NaN and infinity give NaN
  rest = rest < -0.5 ? -0.5 : rest;
  rest = rest > 0.5 ? 0.5 : rest;
  const T half = kPi * static_cast<T>(rest), z = half * half;
  T s = T(1.6059043836821613e-10), c = T(2.0876756987868099e-9);
  if constexpr (sizeof(T) == 8) {
    s = T(-8.2206352466243297e-18) + z * T(1.9572941063391263e-20);
    s = T(2.8114572543455206e-15) + z * s;
    s = T(-7.6471637318198164e-13) + z * s;
    s = T(1.6059043836821613e-10) + z * s;
    c = T(-1.5619206968586225e-16) + z * T(4.1103176233121648e-19);
    c = T(4.7794773323873853e-14) + z * c;
    c = T(-1.1470745597729725e-11) + z * c;
    c = T(2.0876756987868099e-9) + z * c;
  }
  s = T(-2.5052108385441719e-8) + z * s;
  s = T(2.7557319223985891e-6) + z * s;
  s = T(-1.9841269841269841e-4) + z * s;
  s = T(8.3333333333333333e-3) + z * s;
  s = T(-1.6666666666666667e-1) + z * s;
  s = half + half * z * s;
  c = T(-2.7557319223985893e-7) + z * c;
  c = T(2.4801587301587302e-5) + z * c;
  c = T(-1.3888888888888889e-3) + z * c;
  c = T(4.1666666666666667e-2) + z * c;
  c = T(-0.5) + z * c;
  c = T(1) + z * c;
  sine = T(2) * s * c;
  cosine = (c - s) * (c + s);
}

// The layer's sizes and arrays. Waves are rows, features columns: a piece of whole rows is one run
// of numbers, in which the features come again with each wave.
template <class T>
struct Waves {
  Index features, units, waves, columns;
  const T *frequency, *phase, *kernel;

  explicit Waves(const Instruction& i)
      : features(integer(i, "features")),
        units(integer(i, "units")),
        waves(integer(i, "frequencies")),
        columns((units + 1) * features),
        frequency(buffer<T>(i, "frequency")),
        phase(buffer<T>(i, "phase")),
        kernel(buffer<T>(i, "kernel")) {}

  static Index size(Piece p) { return (p.row_end - p.row_begin) * (p.column_end - p.column_begin); }

  // The features of a piece, once for each of its waves.
  static void spread(const T* from, Piece p, T* to) {
    const Index width = p.column_end - p.column_begin;
    for (Index j = p.row_begin; j < p.row_end; ++j, to += width)
      std::memcpy(to, from + p.column_begin, static_cast<std::size_t>(width) * sizeof(T));
  }

  // sum over the units of d_y kernel: the gradient on a piece's waves.
  void wave_gradient(const T* d_y, Piece p, T* to) const {
    const Index width = p.column_end - p.column_begin, made = units * features;
    for (Index j = p.row_begin; j < p.row_end; ++j, to += width) {
      for (Index c = 0; c < width; ++c) to[c] = T(0);
      for (Index u = 0; u < units; ++u) {
        const T* own = kernel + j * made + u * features + p.column_begin;
        const T* from = d_y + (u + 1) * features + p.column_begin;
#pragma omp simd
        for (Index c = 0; c < width; ++c) to[c] += from[c] * own[c];
      }
    }
  }
};

template <class T>
class PeriodicForward final : public Kernel {
 public:
  explicit PeriodicForward(const Instruction& i)
      : shape_(i), waves_(i), x_(i, "x"), bias_(buffer<T>(i, "bias")), y_(buffer<T>(i, "y")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T* x = x_(batch);
    const Range own = worker.share(shape_.rows(batch));
    for (Index row = own.begin; row < own.end; ++row)
      make(x + row * waves_.features, y_ + row * waves_.columns);
  }

 private:
  void make(const T* x, T* y) const {
    const Waves<T>& w = waves_;
    const Index features = w.features, made = w.units * features;
    std::memcpy(y, x, static_cast<std::size_t>(features) * sizeof(T));
    std::memcpy(y + features, bias_, static_cast<std::size_t>(made) * sizeof(T));
    for_pieces({0, w.waves}, features, [&](Piece p) {
      T at[kPiece], wave[kPiece];
      const Index size = Waves<T>::size(p), width = p.column_end - p.column_begin;
      const Index begin = p.row_begin * features + p.column_begin;
      Waves<T>::spread(x, p, at);
#pragma omp simd
      for (Index i = 0; i < size; ++i) {
        T sine;
        sine_and_cosine(w.frequency[begin + i], w.phase[begin + i], at[i], sine, wave[i]);
      }
      for (Index j = p.row_begin; j < p.row_end; ++j) {
        const T* from = wave + (j - p.row_begin) * width;
        for (Index u = 0; u < w.units; ++u) {
          const T* own = w.kernel + j * made + u * features + p.column_begin;
          T* to = y + (u + 1) * features + p.column_begin;
#pragma omp simd
          for (Index c = 0; c < width; ++c) to[c] += from[c] * own[c];
        }
      }
    });
  }

  Shape shape_;
  Waves<T> waves_;
  Source<T> x_;
  const T* bias_;
  T* y_;
};

// Each task owns some of the waves' arrays and goes through all rows, so no two write the same
// number, and the order of sums depends on shapes alone.
template <class T>
class PeriodicBackward final : public Kernel {
 public:
  explicit PeriodicBackward(const Instruction& i)
      : shape_(i),
        waves_(i),
        x_(i, "x"),
        d_y_(i, "d_y"),
        d_x_(optional_buffer<T>(i, "d_x")),
        d_frequency_(buffer<T>(i, "d_frequency")),
        d_phase_(buffer<T>(i, "d_phase")),
        d_kernel_(buffer<T>(i, "d_kernel")),
        d_bias_(buffer<T>(i, "d_bias")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T *x = x_(batch), *d_y = d_y_(batch);
    const Waves<T>& w = waves_;
    const Index rows = shape_.rows(batch), made = w.units * w.features;
    const Index each = larger(1, kOwn / w.features), wide = divide_up(w.features, kOwn);
    const Range tasks = worker.share(divide_up(w.waves, each) * wide);
    for (Index task = tasks.begin; task < tasks.end; ++task) {
      const Index wave = task / wide * each, column = task % wide * kOwn;
      const Piece p{wave, smaller(wave + each, w.waves), column,
                    smaller(column + kOwn, w.features)};
      for (Index unit = 0; unit < w.units; unit += kUnits)
        sum(x, d_y, rows, p, unit, smaller(unit + kUnits, w.units));
    }
    const Range strips = worker.share(divide_up(made, kNarrow));
    for (Index s = strips.begin; s < strips.end; ++s)
      column_sums(d_y + w.features, rows, w.columns,
                  {s * kNarrow, smaller((s + 1) * kNarrow, made)}, d_bias_);
    if (d_x_ == nullptr) return;
    const Range own = worker.share(rows);
    for (Index row = own.begin; row < own.end; ++row)
      through(x + row * w.features, d_y + row * w.columns, d_x_ + row * w.features);
  }

 private:
  static constexpr Index kOwn = 64, kUnits = 8;
  static constexpr T kTurn = T(6.28318530717958647693);

  // Of a piece: the gradients of some units' kernel, and with the first of those of the waves.
  void sum(const T* x, const T* d_y, Index rows, Piece p, Index unit, Index unit_end) const {
    const Waves<T>& w = waves_;
    const Index size = Waves<T>::size(p), width = p.column_end - p.column_begin;
    const Index begin = p.row_begin * w.features + p.column_begin, made = w.units * w.features;
    double totals[(kUnits + 2) * kOwn] = {};
    T at[kOwn], sine[kOwn], cosine[kOwn], gradient[kOwn];
    for (Index first = 0; first < rows; first += kRun) {
      T sums[(kUnits + 2) * kOwn] = {};
      for (Index row = first; row < smaller(first + kRun, rows); ++row) {
        const T* from = d_y + row * w.columns;
        Waves<T>::spread(x + row * w.features, p, at);
#pragma omp simd
        for (Index i = 0; i < size; ++i)
          sine_and_cosine(w.frequency[begin + i], w.phase[begin + i], at[i], sine[i], cosine[i]);
        if (unit == 0) {
          w.wave_gradient(from, p, gradient);
#pragma omp simd
          for (Index i = 0; i < size; ++i) {
            const T angle = -sine[i] * gradient[i];
            sums[i] += kTurn * at[i] * angle;
            sums[kOwn + i] += angle;
          }
        }
        for (Index u = unit; u < unit_end; ++u) {
          Waves<T>::spread(from + (u + 1) * w.features, p, gradient);
          T* to = sums + (2 + u - unit) * kOwn;
#pragma omp simd
          for (Index i = 0; i < size; ++i) to[i] += gradient[i] * cosine[i];
        }
      }
      for (Index i = 0; i < (kUnits + 2) * kOwn; ++i) totals[i] += static_cast<double>(sums[i]);
    }
    for (Index i = 0; unit == 0 && i < size; ++i) {
      d_frequency_[begin + i] = static_cast<T>(totals[i]);
      d_phase_[begin + i] = static_cast<T>(totals[kOwn + i]);
    }
    for (Index u = unit; u < unit_end; ++u)
      for (Index i = 0; i < size; ++i)
        d_kernel_[(p.row_begin + i / width) * made + u * w.features + p.column_begin + i % width] =
            static_cast<T>(totals[(2 + u - unit) * kOwn + i]);
  }

  // d_x of one row.
  void through(const T* x, const T* d_y, T* d_x) const {
    const Waves<T>& w = waves_;
    std::memcpy(d_x, d_y, static_cast<std::size_t>(w.features) * sizeof(T));
    for_pieces({0, w.waves}, w.features, [&](Piece p) {
      T at[kPiece], share[kPiece];
      const Index size = Waves<T>::size(p), width = p.column_end - p.column_begin;
      const Index begin = p.row_begin * w.features + p.column_begin;
      Waves<T>::spread(x, p, at);
      w.wave_gradient(d_y, p, share);
#pragma omp simd
      for (Index i = 0; i < size; ++i) {
        T sine, cosine;
        sine_and_cosine(w.frequency[begin + i], w.phase[begin + i], at[i], sine, cosine);
        share[i] *= -sine * kTurn * w.frequency[begin + i];
      }
      for (Index j = 0; j < p.row_end - p.row_begin; ++j)
#pragma omp simd
        for (Index c = 0; c < width; ++c) d_x[p.column_begin + c] += share[j * width + c];
    });
  }

  Shape shape_;
  Waves<T> waves_;
  Source<T> x_, d_y_;
  T *d_x_, *d_frequency_, *d_phase_, *d_kernel_, *d_bias_;
};

// Piecewise-linear encoding: bins are rows, features columns. Both passes; backward is d_x alone.
template <class T, bool kBackward>
class Piecewise final : public Kernel {
 public:
  explicit Piecewise(const Instruction& i)
      : shape_(i),
        features_(integer(i, "features")),
        bins_(integer(i, "bins")),
        x_(i, "x"),
        edge_(buffer<T>(i, "edge")),
        slope_(buffer<T>(i, "slope")) {
    if constexpr (kBackward) {
      d_y_ = Source<T>(i, "d_y");
      to_ = optional_buffer<T>(i, "d_x");
    } else {
      to_ = buffer<T>(i, "y");
    }
  }

  void run(const Worker& worker, const Batch& batch) const override {
    if (to_ == nullptr) return;
    const T* x = x_(batch);
    const Index columns = bins_ * features_;
    const Range own = worker.share(shape_.rows(batch));
    for (Index row = own.begin; row < own.end; ++row) {
      const T* from = x + row * features_;
      T* to = to_ + row * (kBackward ? features_ : columns);
      if constexpr (kBackward)
        for (Index c = 0; c < features_; ++c) to[c] = T(0);
      for (Index bin = 0; bin < bins_; ++bin) {
        const Index at = bin * features_;
        if constexpr (kBackward)
          pass(bin, from, d_y_(batch) + row * columns + at, to);
        else
          pass(bin, from, nullptr, to + at);
      }
    }
  }

 private:
  void pass(Index bin, const T* x, const T* d_y, T* to) const {
    const bool end = bin + 1 == bins_;
    const T *edge = edge_ + bin * features_, *slope = slope_ + bin * features_;
    const T* next = end ? slope : slope + features_;
    const T low = bin == 0 ? -static_cast<T>(INFINITY) : T(0);
#pragma omp simd
    for (Index c = 0; c < features_; ++c) {
      const T z = slope[c] * (x[c] - edge[c]);
      const T high = end || next[c] == T(0) ? static_cast<T>(INFINITY) : T(1);
      if constexpr (kBackward) {
        const T share = slope[c] * d_y[c];
        to[c] += z > low && z < high ? share : T(0);
      } else {
        const T raised = z < low ? low : z;
        to[c] = raised > high ? high : raised;
      }
    }
  }

  Shape shape_;
  Index features_, bins_;
  Source<T> x_, d_y_;
  const T *edge_, *slope_;
  T* to_;
};

}  // namespace evenly::EVENLY_ISA
