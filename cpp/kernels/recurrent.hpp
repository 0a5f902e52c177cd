// Recurrent layers: what RNN, LSTM and GRU share. Inside, steps come first and examples second, so
// that a step is a matrix, and all steps together are one. The input's part of the
// pre-activations is one product for all steps. Then every block of examples walks through time by
// itself: no thread waits for another.
#pragma once
#include "kernels/dense.hpp"
#include "kernels/product.hpp"

namespace evenly::EVENLY_ISA {

// What a walk through the steps is made of.
template <class T>
struct Walk {
  Index steps, inputs, units, wide;
  bool sequences, reverse;
  Source<std::int32_t> lengths;
  T *x, *gates, *hidden;  // (steps, examples, ...); hidden has one step more, the first state
  T *dropped, *mask;      // with recurrent dropout: h as the products see it

  Walk(const Instruction& i, Index gate_count)
      : steps(integer(i, "steps")),
        inputs(integer(i, "inputs")),
        units(integer(i, "units")),
        wide(gate_count * units),
        sequences(number(i, "sequences") != 0),
        reverse(number(i, "reverse") != 0),
        lengths(i, "lengths"),
        x(buffer<T>(i, "inputs")),
        gates(buffer<T>(i, "gates_kept")),
        hidden(buffer<T>(i, "hidden")),
        dropped(optional_buffer<T>(i, "dropped")),
        mask(optional_buffer<T>(i, "mask")) {}

  Index length(const Batch& batch, Index example) const {
    const std::int32_t* given = lengths(batch);
    return given ? larger(0, smaller(given[example], steps)) : steps;
  }
  // The position that an example has at a step of the walk.
  Index position(Index length, Index step) const { return reverse ? length - 1 - step : step; }

  // Blocks of examples: their number depends on the batch alone.
  static Index block_rows(Index rows) { return rows >= 128 ? 32 : 16; }
  static Index blocks(Index rows) { return divide_up(rows, block_rows(rows)); }
  static Range block(Index rows, Index index) {
    const Index step = block_rows(rows);
    return {index * step, smaller((index + 1) * step, rows)};
  }

  // What the products see of the state before a step.
  const T* left(Index step, Index n) const {
    return (dropped ? dropped : hidden) + step * n * units;
  }
};

// c (rows x columns) = a panels [+ c]; a and c have one row an example.
template <class T>
void multiply(Range rows, const T* a, Index a_stride, Index terms, const T* panel, Index columns,
              T* c, Index c_stride, bool add) {
  const Index nothing = 0;
  for (Index p = 0; p < panels<T>(columns); ++p, panel += terms * kPanel<T>) {
    const Index first = p * kPanel<T>, width = columns - first;
    for (Index r = rows.begin; r < rows.end; r += kRows)
      with_rows(smaller(kRows, rows.end - r), [&](auto tile) {
        constexpr int M = decltype(tile)::rows;
        const T* at[M];
        for (int i = 0; i < M; ++i) at[i] = a + (r + i) * a_stride;
        Sums<T, M> sums;
        sums.zero();
        if (add)
          for (int i = 0; i < M; ++i) sums.take(i, c + (r + i) * c_stride + first, width);
        add_products(at, &nothing, 1, terms, panel, sums);
        for (int i = 0; i < M; ++i) sums.put(i, c + (r + i) * c_stride + first, width);
      });
  }
}

// to += a panels, times the mask where there is one.
template <class T>
void multiply_masked(Range rows, const T* a, Index a_stride, Index terms, const T* panel,
                     Index columns, T* to, const T* mask) {
  if (mask == nullptr) return multiply(rows, a, a_stride, terms, panel, columns, to, columns, true);
  T part[kRows * kPanel<T>];
  for (Index p = 0; p < panels<T>(columns); ++p, panel += terms * kPanel<T>) {
    const Index first = p * kPanel<T>, width = smaller(kPanel<T>, columns - first);
    for (Index r = rows.begin; r < rows.end; r += kRows) {
      const Index count = smaller(kRows, rows.end - r);
      multiply({0, count}, a + r * a_stride, a_stride, terms, panel, kPanel<T>, part, kPanel<T>,
               false);
      for (Index i = 0; i < count; ++i)
        for (Index c = 0; c < width; ++c) {
          const Index at = (r + i) * columns + first + c;
          to[at] += part[i * kPanel<T> + c] * mask[at];
        }
    }
  }
}

// One product of whole matrices among several that the team shares.
template <class T>
struct Product {
  bool transpose_a, transpose_b;
  Index m, n, k;
  const T* a;
  Index lda;
  const T* b;
  Index ldb;
  T* c;
  Index ldc;

  Grid grid() const { return Grid(transpose_a, transpose_b, m, n, k); }
  void run(Piece p) const {
    matrix_product(transpose_a, transpose_b, p.row_end - p.row_begin, p.column_end - p.column_begin,
                   k, transpose_a ? a + p.row_begin : a + p.row_begin * lda, lda,
                   transpose_b ? b + p.column_begin * ldb : b + p.column_begin, ldb, false,
                   c + p.row_begin * ldc + p.column_begin, ldc);
  }
};

template <class T, template <class> class Cell>
class RecurrentForward final : public Kernel {
 public:
  explicit RecurrentForward(const Instruction& i)
      : walk_(i, Cell<T>::kGates),
        cell_(i, walk_),
        x_(i, "x"),
        y_(buffer<T>(i, "y")),
        input_kernel_(buffer<T>(i, "input_kernel")),
        recurrent_kernel_(buffer<T>(i, "recurrent_kernel")),
        bias_(i, "bias", walk_.wide, T(0)),
        packed_(buffer<T>(i, "packed")),
        first_(optional_buffer<T>(i, "h")) {
    if (has_number(i, "recurrent_rate") && has_number(i, "stream")) {
      keep_ = KeepFactors<T>(number(i, "recurrent_rate"),
                             static_cast<std::uint32_t>(integer(i, "stream")), walk_.units);
    }
  }

  void run(const Worker& worker, const Batch& batch) const override {
    const Index n = batch.rows;
    cell_.pack(worker, recurrent_kernel_, packed_);
    begin(worker, batch);
    worker.meet();
    const Product<T> project{false,        false,       walk_.steps * n, walk_.wide,
                             walk_.inputs, walk_.x,     walk_.inputs,    input_kernel_,
                             walk_.wide,   walk_.gates, walk_.wide};
    const Grid grid = project.grid();
    for (Index t = worker.take(); t < grid.count; t = worker.take()) {
      const Piece tile = grid.tile(t);
      project.run(tile);
      add_bias(tile);
    }
    worker.meet();
    for (Index b = worker.take(); b < walk_.blocks(n); b = worker.take()) {
      const Range rows = walk_.block(n, b);
      for (Index step = 0; step < walk_.steps; ++step) {
        drop(rows, step, n);
        cell_.forward(rows, step, n, batch, packed_);
      }
      finish(rows, batch);
    }
  }

 private:
  // The input, steps first, and zeros behind the end of a sequence; the first state.
  void begin(const Worker& worker, const Batch& batch) const {
    const T* x = x_(batch);
    const Index n = batch.rows, units = walk_.units, inputs = walk_.inputs;
    const Range own = worker.share(n);
    const DropStream stream = keep_.stream(batch);
    for (Index e = own.begin; e < own.end; ++e) {
      const Index length = walk_.length(batch, e);
      for (Index s = 0; s < walk_.steps; ++s) {
        T* to = walk_.x + (s * n + e) * inputs;
        if (s < length)
          std::memcpy(to, x + (e * walk_.steps + walk_.position(length, s)) * inputs,
                      static_cast<std::size_t>(inputs) * sizeof(T));
        else
          std::memset(to, 0, static_cast<std::size_t>(inputs) * sizeof(T));
      }
      T* h = walk_.hidden + e * units;
      for (Index c = 0; c < units; ++c) h[c] = first_ ? first_[e * units + c] : T(0);
      cell_.begin(e);
      if (walk_.mask == nullptr) continue;
      T* mask = walk_.mask + e * units;
      if (keep_.active()) {
        for (Index c = 0; c < units; c += kPiece)
          keep_.draw(e * units + c, smaller(kPiece, units - c), stream, mask + c);
      } else {
        for (Index c = 0; c < units; ++c) mask[c] = T(1);
      }
    }
  }

  void add_bias(Piece tile) const {
    const Index width = tile.column_end - tile.column_begin;
    const T* bias = bias_.get() + tile.column_begin;
    for (Index row = tile.row_begin; row < tile.row_end; ++row) {
      T* to = walk_.gates + row * walk_.wide + tile.column_begin;
#pragma omp simd
      for (Index c = 0; c < width; ++c) to[c] += bias[c];
    }
  }

  void drop(Range rows, Index step, Index n) const {
    if (walk_.dropped == nullptr) return;
    const Index begin = rows.begin * walk_.units, end = rows.end * walk_.units;
    const T* h = walk_.hidden + step * n * walk_.units;
    T* to = walk_.dropped + step * n * walk_.units;
#pragma omp simd
    for (Index c = begin; c < end; ++c) to[c] = h[c] * walk_.mask[c];
  }

  void finish(Range rows, const Batch& batch) const {
    const Index n = batch.rows, units = walk_.units;
    const auto bytes = static_cast<std::size_t>(units) * sizeof(T);
    for (Index e = rows.begin; e < rows.end; ++e) {
      if (!walk_.sequences) {
        std::memcpy(y_ + e * units, walk_.hidden + (walk_.steps * n + e) * units, bytes);
        continue;
      }
      const Index length = walk_.length(batch, e);
      for (Index s = 0; s < walk_.steps; ++s) {
        if (s < length)
          std::memcpy(y_ + (e * walk_.steps + walk_.position(length, s)) * units,
                      walk_.hidden + ((s + 1) * n + e) * units, bytes);
        else
          std::memset(y_ + (e * walk_.steps + s) * units, 0, bytes);
      }
    }
  }

  Walk<T> walk_;
  Cell<T> cell_;
  Source<T> x_;
  T *y_, *input_kernel_, *recurrent_kernel_;
  OrConstant<T> bias_;
  T *packed_, *first_;
  KeepFactors<T> keep_;
};

template <class T, template <class> class Cell>
class RecurrentBackward final : public Kernel {
 public:
  explicit RecurrentBackward(const Instruction& i)
      : walk_(i, Cell<T>::kGates),
        cell_(i, walk_),
        d_y_(i, "d_y"),
        d_x_(optional_buffer<T>(i, "d_x")),
        input_kernel_(buffer<T>(i, "input_kernel")),
        recurrent_kernel_(buffer<T>(i, "recurrent_kernel")),
        d_input_kernel_(buffer<T>(i, "d_input_kernel")),
        d_recurrent_kernel_(buffer<T>(i, "d_recurrent_kernel")),
        d_bias_(optional_buffer<T>(i, "d_bias")),
        packed_(buffer<T>(i, "packed")),
        d_state_(buffer<T>(i, "d_state")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const Index n = batch.rows, all = walk_.steps * n;
    cell_.pack_back(worker, recurrent_kernel_, packed_);
    worker.meet();
    for (Index b = worker.take(); b < walk_.blocks(n); b = worker.take())
      walk_back(walk_.block(n, b), batch);
    worker.meet();

    Product<T> products[kMostProducts];
    products[0] = {true,         false,       walk_.inputs, walk_.wide,      all,       walk_.x,
                   walk_.inputs, walk_.gates, walk_.wide,   d_input_kernel_, walk_.wide};
    const int count = 1 + cell_.recurrent_products(products + 1, all, n, d_recurrent_kernel_);
    share_out(worker, products, count, all);
    worker.meet();
    if (d_x_ == nullptr) return;
    const Product<T> input{false,      true,        all,         walk_.inputs,
                           walk_.wide, walk_.gates, walk_.wide,  input_kernel_,
                           walk_.wide, walk_.x,     walk_.inputs};
    const Grid grid = input.grid();
    for (Index t = worker.take(); t < grid.count; t = worker.take()) input.run(grid.tile(t));
    worker.meet();
    put_back(worker, batch);
  }

 private:
  static constexpr Index kBiasStrip = 128;
  static constexpr int kMostProducts = 3;

  void walk_back(Range rows, const Batch& batch) const {
    const Index n = batch.rows, units = walk_.units;
    const T* d_y = d_y_(batch);
    for (Index e = rows.begin; e < rows.end; ++e)
      for (Index c = 0; c < units; ++c) {
        d_state_[e * units + c] = walk_.sequences ? T(0) : d_y[e * units + c];
        d_state_[(n + e) * units + c] = T(0);
      }
    for (Index step = walk_.steps - 1; step >= 0; --step) {
      if (walk_.sequences)
        for (Index e = rows.begin; e < rows.end; ++e) {
          const Index length = walk_.length(batch, e);
          if (step >= length) continue;
          const T* from = d_y + (e * walk_.steps + walk_.position(length, step)) * units;
          T* d_h = d_state_ + e * units;
#pragma omp simd
          for (Index c = 0; c < units; ++c) d_h[c] += from[c];
        }
      cell_.backward(rows, step, n, batch, packed_, d_state_, d_state_ + n * units);
    }
  }

  // The kernels' gradients and the bias's.
  void share_out(const Worker& worker, const Product<T>* products, int count, Index all) const {
    const Index strips = d_bias_ ? divide_up(walk_.wide, kBiasStrip) : 0;
    Index tiles[kMostProducts];
    for (int p = 0; p < count; ++p) tiles[p] = products[p].grid().count;
    for (Index t = worker.take();; t = worker.take()) {
      Index left = t;
      int which = 0;
      while (which < count && left >= tiles[which]) left -= tiles[which++];
      if (which < count) {
        products[which].run(products[which].grid().tile(left));
      } else if (left < strips) {
        const Index begin = left * kBiasStrip;
        column_sums(walk_.gates, all, walk_.wide, {begin, smaller(begin + kBiasStrip, walk_.wide)},
                    d_bias_);
      } else if (!cell_.more_sums(left - strips, all)) {
        return;
      }
    }
  }

  // d_x, examples first again.
  void put_back(const Worker& worker, const Batch& batch) const {
    const Index n = batch.rows, inputs = walk_.inputs;
    const auto bytes = static_cast<std::size_t>(inputs) * sizeof(T);
    const Range own = worker.share(n);
    for (Index e = own.begin; e < own.end; ++e) {
      const Index length = walk_.length(batch, e);
      for (Index s = 0; s < walk_.steps; ++s) {
        if (s < length)
          std::memcpy(d_x_ + (e * walk_.steps + walk_.position(length, s)) * inputs,
                      walk_.x + (s * n + e) * inputs, bytes);
        else
          std::memset(d_x_ + (e * walk_.steps + s) * inputs, 0, bytes);
      }
    }
  }

  Walk<T> walk_;
  Cell<T> cell_;
  Source<T> d_y_;
  T *d_x_, *input_kernel_, *recurrent_kernel_, *d_input_kernel_, *d_recurrent_kernel_, *d_bias_,
      *packed_, *d_state_;
};

// The last state of each row becomes the first of the next batch.
template <class T>
class RecurrentTrack final : public Kernel {
 public:
  explicit RecurrentTrack(const Instruction& i)
      : steps_(integer(i, "steps")),
        units_(integer(i, "units")),
        hidden_(buffer<T>(i, "hidden")),
        cells_(optional_buffer<T>(i, "cells")),
        h_(buffer<T>(i, "h")),
        c_(optional_buffer<T>(i, "c")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const Range own = worker.share(batch.rows * units_);
    const auto bytes = static_cast<std::size_t>(own.end - own.begin) * sizeof(T);
    const Index last = steps_ * batch.rows * units_ + own.begin;
    std::memcpy(h_ + own.begin, hidden_ + last, bytes);
    if (c_ != nullptr) std::memcpy(c_ + own.begin, cells_ + last, bytes);
  }

 private:
  Index steps_, units_;
  T *hidden_, *cells_, *h_, *c_;
};

}  // namespace evenly::EVENLY_ISA
