// Dropout's kin: noise that is drawn in training, again in backward, and never stored. Each is an
// affine map of its input, element by element: forward and backward differ in what they map.
#pragma once
#include "kernels/epilogue.hpp"
#include "support/normal.hpp"

namespace evenly::EVENLY_ISA {

inline std::uint32_t stream_number(const Instruction& i) {
  return static_cast<std::uint32_t>(integer(i, "stream"));
}

inline Index features_of(const Instruction& i) {
  return integer(i, "rows_per_example") * integer(i, "columns");
}

// What forward reads and writes, or backward.
template <class T, bool kBackward>
struct Ends {
  Source<T> from;
  T* to;
  explicit Ends(const Instruction& i)
      : from(i, kBackward ? "d_y" : "x"), to(buffer<T>(i, kBackward ? "d_x" : "y")) {}
};

// One factor for all positions of a channel, or for a whole example:
//   y = x keep / (1 - rate), d_x = d_y keep / (1 - rate)
template <class T, bool kBackward>
class SharedDropout final : public Kernel {
 public:
  explicit SharedDropout(const Instruction& i)
      : shape_(i),
        ends_(i),
        masks_(integer(i, "masks")),
        keep_(number(i, "rate"), stream_number(i), masks_) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const DropStream stream = keep_.stream(batch);
    const T* from = ends_.from(batch);
    const Range own = worker.share(shape_.rows(batch));
    for (Index row = own.begin; row < own.end;) {
      const Index example = row / shape_.rows_per_example;
      const Index end = smaller(own.end, (example + 1) * shape_.rows_per_example);
      scale_example(from, example, {row, end}, stream);
      row = end;
    }
  }

 private:
  // Some rows of one example.
  void scale_example(const T* from, Index example, Range rows, const DropStream& stream) const {
    const Index columns = shape_.columns;
    T factors[kPiece];
    for (Index begin = 0; begin < columns; begin += kPiece) {
      const Index width = smaller(kPiece, columns - begin);
      if (masks_ == columns) {
        keep_.draw(example * columns + begin, width, stream, factors);
      } else {
        keep_.draw(example, 1, stream, factors);
        for (Index c = 1; c < width; ++c) factors[c] = factors[0];
      }
      for (Index row = rows.begin; row < rows.end; ++row) {
        const Index first = row * columns + begin;
#pragma omp simd
        for (Index c = 0; c < width; ++c) ends_.to[first + c] = from[first + c] * factors[c];
      }
    }
  }

  Shape shape_;
  Ends<T, kBackward> ends_;
  Index masks_;  // of an example: as many as channels, or 1
  KeepFactors<T> keep_;
};

// y = a x + b where x is kept, a low + b elsewhere; d_x = a d_y where it was kept;
// a = (q + low^2 q (1 - q))^(-1/2), b = -a (1 - q) low, q = 1 - rate.
template <class T, bool kBackward>
class AlphaDropout final : public Kernel {
 public:
  explicit AlphaDropout(const Instruction& i)
      : shape_(i),
        ends_(i),
        low_(number(i, "low")),
        keep_(number(i, "rate"), stream_number(i), features_of(i)) {}

  void run(const Worker& worker, const Batch& batch) const override {
    DropStream stream = keep_.stream(batch);
    const double q = 1 - stream.rate;
    stream.scale = 1 / std::sqrt(q + low_ * low_ * q * stream.rate);
    const double b = -stream.scale * stream.rate * low_;
    const T shift = static_cast<T>(b), dropped = static_cast<T>(stream.scale * low_ + b);
    const T* all = ends_.from(batch);
    const Index count = shape_.rows(batch) * shape_.columns;
    Epilogue<T>::for_flat(worker, count, [&](Index first, Index size) {
      T factors[kPiece];
      keep_.draw(first, size, stream, factors);
      const T* from = all + first;
      T* to = ends_.to + first;
      if constexpr (kBackward) {
#pragma omp simd
        for (Index i = 0; i < size; ++i) to[i] = from[i] * factors[i];
      } else {
#pragma omp simd
        for (Index i = 0; i < size; ++i)
          to[i] = from[i] * factors[i] + (factors[i] > T(0) ? shift : dropped);
      }
    });
  }

 private:
  Shape shape_;
  Ends<T, kBackward> ends_;
  double low_;
  KeepFactors<T> keep_;
};

// With n from N(0, 1): y = x (1 + deviation n), d_x = d_y (1 + deviation n),
// deviation = sqrt(rate / (1 - rate)).
template <class T, bool kBackward>
class GaussianDropout final : public Kernel {
 public:
  explicit GaussianDropout(const Instruction& i)
      : shape_(i),
        ends_(i),
        features_(features_of(i)),
        rate_(number(i, "rate")),
        stream_(stream_number(i)) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const Stream stream(batch.seed, batch.step, stream_, kNormalPurpose);
    const double rate = rate_ * batch.numbers.dropout;
    const T deviation = static_cast<T>(std::sqrt(rate / (1 - rate)));
    const T* all = ends_.from(batch);
    const Index count = shape_.rows(batch) * shape_.columns;
    Epilogue<T>::for_flat(worker, count, [&](Index first, Index size) {
      T n[kPiece];
      draw_by_example<kNormalTile>(first + batch.first() * features_, size, features_, n,
                                   [&](Index tile, T* to) { normal_tile(tile, stream, to); });
      const T* from = all + first;
      T* to = ends_.to + first;
#pragma omp simd
      for (Index i = 0; i < size; ++i) to[i] = from[i] * (T(1) + deviation * n[i]);
    });
  }

 private:
  Shape shape_;
  Ends<T, kBackward> ends_;
  Index features_;
  double rate_;
  std::uint32_t stream_;
};

// With n from N(0, 1): y = x + deviation n, d_x = d_y.
template <class T, bool kBackward>
class GaussianNoise final : public Kernel {
 public:
  explicit GaussianNoise(const Instruction& i)
      : shape_(i),
        ends_(i),
        features_(features_of(i)),
        deviation_(static_cast<T>(number(i, "deviation"))),
        stream_(stream_number(i)) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const Stream stream(batch.seed, batch.step, stream_, kNormalPurpose);
    const T* all = ends_.from(batch);
    const Index count = shape_.rows(batch) * shape_.columns;
    Epilogue<T>::for_flat(worker, count, [&](Index first, Index size) {
      const T* from = all + first;
      T* to = ends_.to + first;
      if constexpr (kBackward) {
        std::memcpy(to, from, static_cast<std::size_t>(size) * sizeof(T));
        return;
      }
      T n[kPiece];
      draw_by_example<kNormalTile>(first + batch.first() * features_, size, features_, n,
                                   [&](Index tile, T* where) { normal_tile(tile, stream, where); });
#pragma omp simd
      for (Index i = 0; i < size; ++i) to[i] = from[i] + deviation_ * n[i];
    });
  }

 private:
  Shape shape_;
  Ends<T, kBackward> ends_;
  Index features_;
  T deviation_;
  std::uint32_t stream_;
};

}  // namespace evenly::EVENLY_ISA
