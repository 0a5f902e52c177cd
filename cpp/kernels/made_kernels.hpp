// Kernels of linear layers and convolutions that are made from other arrays: weight normalization
// and DropConnect. The array "made" is what the layer behind then uses.
#pragma once
#include "kernels/column_lengths.hpp"
#include "support/philox.hpp"

namespace evenly::EVENLY_ISA {

// made = gain direction / ||direction||, column by column. A direction of zeros has no length: its
// column is zeros, and its length counts as 1 in backward, so that it can learn.
template <class T>
class WeightNorm : public Kernel {
 public:
  explicit WeightNorm(const Instruction& i)
      : rows_(integer(i, "made_rows")),
        columns_(integer(i, "made_columns")),
        direction_(buffer<T>(i, "direction")),
        gain_(buffer<T>(i, "gain")),
        made_(buffer<T>(i, "made")) {}

 protected:
  static constexpr Index kColumns = kLengths;

  Index strips() const { return divide_up(columns_, kColumns); }
  Range strip(Index s) const { return {s * kColumns, smaller((s + 1) * kColumns, columns_)}; }

  ColumnLengths lengths(Range columns) const {
    ColumnLengths lengths;
    lengths.measure(direction_ + columns.begin, rows_, columns_, columns.end - columns.begin);
    for (Index c = 0; c < columns.end - columns.begin; ++c)
      if (lengths.scaled[c] == 0) lengths.scaled[c] = 1;
    return lengths;
  }

  Index rows_, columns_;
  T *direction_, *gain_, *made_;
};

template <class T>
class WeightNormForward final : public WeightNorm<T> {
 public:
  using WeightNorm<T>::WeightNorm;

  void run(const Worker& worker, const Batch&) const override {
    const Range own = worker.share(this->strips());
    for (Index s = own.begin; s < own.end; ++s) {
      const Range columns = this->strip(s);
      const ColumnLengths lengths = this->lengths(columns);
      T scale[kLengths], factor[kLengths];
      for (Index c = columns.begin; c < columns.end; ++c) {
        const Index own = c - columns.begin;
        scale[own] = static_cast<T>(lengths.scale[own]);
        factor[own] = static_cast<T>(static_cast<double>(this->gain_[c]) / lengths.scaled[own]);
      }
      for (Index r = 0; r < this->rows_; ++r)
        for (Index c = columns.begin; c < columns.end; ++c)
          this->made_[r * this->columns_ + c] = this->direction_[r * this->columns_ + c] *
                                                scale[c - columns.begin] *
                                                factor[c - columns.begin];
    }
  }
};

//   d_gain = sum of d_made unit,  d_direction = gain / length (d_made - d_gain unit)
template <class T>
class WeightNormBackward final : public WeightNorm<T> {
 public:
  explicit WeightNormBackward(const Instruction& i)
      : WeightNorm<T>(i),
        d_made_(buffer<T>(i, "d_made")),
        d_direction_(buffer<T>(i, "d_direction")),
        d_gain_(buffer<T>(i, "d_gain")) {}

  void run(const Worker& worker, const Batch&) const override {
    const Range own = worker.share(this->strips());
    for (Index s = own.begin; s < own.end; ++s) {
      const Range columns = this->strip(s);
      const ColumnLengths lengths = this->lengths(columns);
      double products[kLengths];
      sum_products(columns, lengths, products);
      for (Index c = columns.begin; c < columns.end; ++c) {
        const Index own = c - columns.begin;
        const double d_gain = products[own] / lengths.scaled[own];
        d_gain_[c] = static_cast<T>(d_gain);
        const T outer = static_cast<T>(static_cast<double>(this->gain_[c]) / lengths.scaled[own] *
                                       lengths.scale[own]);
        const T scale = static_cast<T>(lengths.scale[own]);
        const T along = static_cast<T>(d_gain / lengths.scaled[own]);
        for (Index r = 0; r < this->rows_; ++r) {
          const Index at = r * this->columns_ + c;
          d_direction_[at] = outer * (d_made_[at] - along * (this->direction_[at] * scale));
        }
      }
    }
  }

 private:
  // sum of d_made times the scaled direction, down the columns of a strip.
  void sum_products(Range columns, const ColumnLengths& lengths, double* to) const {
    const Index width = columns.end - columns.begin;
    for (Index c = 0; c < width; ++c) to[c] = 0;
    for (Index r = 0; r < this->rows_; ++r) {
      const Index at = r * this->columns_ + columns.begin;
      for (Index c = 0; c < width; ++c)
        to[c] += static_cast<double>(d_made_[at + c]) *
                 (static_cast<double>(this->direction_[at + c]) * lengths.scale[c]);
    }
  }

  T *d_made_, *d_direction_, *d_gain_;
};

// made = kernel keep / (1 - rate); backward the same on the gradient.
template <class T, bool kBackward>
class DropConnect final : public Kernel {
 public:
  explicit DropConnect(const Instruction& i)
      : count_(integer(i, "made_rows") * integer(i, "made_columns")),
        keep_(number(i, "rate"), static_cast<std::uint32_t>(integer(i, "stream")), count_),
        from_(buffer<T>(i, kBackward ? "d_made" : "kernel")),
        to_(buffer<T>(i, kBackward ? "d_kernel" : "made")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    DropStream stream = keep_.stream(batch);
    stream.first = 0;  // all parts of a batch have the same kernel
    const Range pieces = worker.share(divide_up(count_, kPiece));
    for (Index p = pieces.begin; p < pieces.end; ++p) {
      const Index first = p * kPiece, count = smaller(kPiece, count_ - first);
      T factors[kPiece];
      keep_.draw(first, count, stream, factors);
#pragma omp simd
      for (Index k = 0; k < count; ++k) to_[first + k] = from_[first + k] * factors[k];
    }
  }

 private:
  Index count_;
  KeepFactors<T> keep_;
  T *from_, *to_;
};

}  // namespace evenly::EVENLY_ISA
