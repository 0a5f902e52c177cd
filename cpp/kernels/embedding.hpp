// Embedding: y = table[x], a row of the table for each number of x; padding's row counts as zeros.
// A number that is none of the table's gives a row of NaN, and nothing in backward: the table is
// never read or written beyond its ends.
#pragma once
#include "kernels/common.hpp"

namespace evenly::EVENLY_ISA {

struct Vocabulary {
  Index size, padding;  // padding is -1 where there is none
  explicit Vocabulary(const Instruction& i)
      : size(integer(i, "vocabulary")), padding(integer(i, "padding")) {}

  // The row that x names; -1 where it names none. NaN fails the first comparison.
  template <class T>
  Index row(T x) const {
    if (!(x >= T(0) && x < static_cast<T>(size))) return -1;
    const Index whole = static_cast<Index>(x);
    return static_cast<T>(whole) == x ? whole : -1;
  }
};

template <class T>
class EmbeddingForward final : public Kernel {
 public:
  explicit EmbeddingForward(const Instruction& i)
      : shape_(i),
        vocabulary_(i),
        x_(i, "x"),
        table_(buffer<T>(i, "table")),
        y_(buffer<T>(i, "y")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T* x = x_(batch);
    const Index columns = shape_.columns;
    const Range own = worker.share(shape_.rows(batch));
    for (Index row = own.begin; row < own.end; ++row) {
      const Index wanted = vocabulary_.row(x[row]);
      T* to = y_ + row * columns;
      if (wanted >= 0 && wanted != vocabulary_.padding) {
        std::memcpy(to, table_ + wanted * columns, static_cast<std::size_t>(columns) * sizeof(T));
      } else {
        const T filling = wanted < 0 ? static_cast<T>(NAN) : T(0);
        for (Index c = 0; c < columns; ++c) to[c] = filling;
      }
    }
  }

 private:
  Shape shape_;
  Vocabulary vocabulary_;
  Source<T> x_;
  const T* table_;
  T* y_;
};

// A row that training leaves as it is: it is set aside, and zeros stand in its place for whatever
// touches the weights; then it is put back.
template <class T, bool kBack>
class StillRow final : public Kernel {
 public:
  explicit StillRow(const Instruction& i)
      : columns_(integer(i, "columns")),
        row_(buffer<T>(i, "table") + integer(i, "row") * columns_),
        held_(buffer<T>(i, "held")) {}

  void run(const Worker& worker, const Batch&) const override {
    const Range own = worker.share(columns_);
    for (Index c = own.begin; c < own.end; ++c) {
      if constexpr (kBack) {
        row_[c] = held_[c];
      } else {
        held_[c] = row_[c];
        row_[c] = T(0);
      }
    }
  }

 private:
  Index columns_;
  T *row_, *held_;
};

// d_table[r] = sum of d_y over where x = r, in the order of x; d_x is zero. Each task owns some
// columns of the whole table, so that no two write the same number and the work is even however
// the numbers are spread. A team of more threads than that cuts the table's rows too: the order of
// a sum stays what it is.
template <class T>
class EmbeddingBackward final : public Kernel {
 public:
  explicit EmbeddingBackward(const Instruction& i)
      : shape_(i),
        vocabulary_(i),
        x_(i, "x"),
        d_y_(i, "d_y"),
        d_table_(buffer<T>(i, "d_table")),
        d_x_(optional_buffer<T>(i, "d_x")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T *x = x_(batch), *d_y = d_y_(batch);
    const Index columns = shape_.columns, rows = shape_.rows(batch);
    zero(d_table_, worker.share(vocabulary_.size * columns));
    if (d_x_ != nullptr) zero(d_x_, worker.share(rows));
    worker.meet();
    constexpr Index kStripe = 16;  // a cache line of floats
    const Index stripes = divide_up(columns, kStripe);
    const Index parts = larger(1, worker.count / stripes);
    const Range own = worker.share(stripes * parts);
    for (Index t = own.begin; t < own.end;) {
      const Index part = t / stripes, end = smaller(own.end, (part + 1) * stripes);
      add(x, d_y, rows,
          {vocabulary_.size * part / parts, vocabulary_.size * (part + 1) / parts,
           t % stripes * kStripe, smaller(columns, (end - part * stripes) * kStripe)});
      t = end;
    }
  }

 private:
  // To a piece of the table.
  void add(const T* x, const T* d_y, Index rows, Piece piece) const {
    const Index columns = shape_.columns;
    for (Index row = 0; row < rows; ++row) {
      const Index wanted = vocabulary_.row(x[row]);
      if (wanted < piece.row_begin || wanted >= piece.row_end || wanted == vocabulary_.padding)
        continue;
      T* to = d_table_ + wanted * columns;
      const T* from = d_y + row * columns;
#pragma omp simd
      for (Index c = piece.column_begin; c < piece.column_end; ++c) to[c] += from[c];
    }
  }

  static void zero(T* to, Range own) {
    for (Index i = own.begin; i < own.end; ++i) to[i] = T(0);
  }

  Shape shape_;
  Vocabulary vocabulary_;
  Source<T> x_, d_y_;
  T *d_table_, *d_x_;
};

}  // namespace evenly::EVENLY_ISA
