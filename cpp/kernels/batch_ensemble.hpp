// Members within one network (Wen, Tran and Ba 2020; Gorishniy, Kotelnikov and Babenko 2025). An
// activation is examples x members x columns: row r belongs to member r % members.
//
//   members:         y_i = factor_i x
//   batch_ensemble:  y_i = output_scale_i (kernel' (input_scale_i x_i)) + bias_i, one kernel for
//   all member_dense:    y_i = kernel_i' x_i + bias_i
#pragma once
#include "kernels/dense.hpp"

namespace evenly::EVENLY_ISA {

// One product: tiles of op(A) op(B), taken by ticket from `first` on.
template <class T>
struct Tiled {
  bool transpose_a, transpose_b;
  Index terms;
  const T* a;
  Index lda;
  const T* b;
  Index ldb;
  T* c;
  Index ldc;

  void tile(Piece p) const {
    const T* left = a + (transpose_a ? p.row_begin : p.row_begin * lda);
    const T* right = b + (transpose_b ? p.column_begin * ldb : p.column_begin);
    matrix_product(transpose_a, transpose_b, p.row_end - p.row_begin, p.column_end - p.column_begin,
                   terms, left, lda, right, ldb, false, c + p.row_begin * ldc + p.column_begin,
                   ldc);
  }
};

// What the kernels of this file know of their members, and sums over one member's rows.
struct MemberRows {
  Index members;

  explicit MemberRows(const Instruction& i) : members(integer(i, "members")) {}

  // Tasks of one member and one strip of its columns.
  template <class Work>
  void for_strips(const Worker& worker, Index columns, Work work) const {
    const Index strips = divide_up(columns, kNarrow);
    const Range own = worker.share(members * strips);
    for (Index t = own.begin; t < own.end; ++t) {
      const Index begin = t % strips * kNarrow;
      work(t / strips, Range{begin, smaller(begin + kNarrow, columns)});
    }
  }

  // first[c], second[c] = sums over the examples of two terms, for a strip of columns; where a sum
  // has no place, it is not kept. terms(example, column, a, b) adds both.
  template <class T, class Terms>
  static void sums(Index examples, Range strip, T* first, T* second, Terms terms) {
    const Index width = strip.end - strip.begin;
    double totals[2][kNarrow];
    T a[kNarrow], b[kNarrow];
    for (Index c = 0; c < width; ++c) totals[0][c] = totals[1][c] = 0;
    for (Index e = 0; e < examples; e += kRun) {
      sum_rows<T>({e, smaller(e + kRun, examples)}, strip, a, b, terms);
      for (Index c = 0; c < width; ++c) {
        totals[0][c] += static_cast<double>(a[c]);
        totals[1][c] += static_cast<double>(b[c]);
      }
    }
    for (Index c = 0; c < width; ++c) {
      if (first != nullptr) first[strip.begin + c] = static_cast<T>(totals[0][c]);
      if (second != nullptr) second[strip.begin + c] = static_cast<T>(totals[1][c]);
    }
  }
};

// d_factor_i = sum over the examples of x d_y_i, d_x = sum over the members of factor_i d_y_i
template <class T, bool kBackward>
class Members final : public Kernel {
 public:
  explicit Members(const Instruction& i)
      : shape_(i),
        member_(i),
        factor_(buffer<T>(i, "factor")),
        x_(i, "x"),
        d_y_(i, kBackward ? "d_y" : "x"),
        y_(kBackward ? nullptr : buffer<T>(i, "y")),
        d_factor_(kBackward ? buffer<T>(i, "d_factor") : nullptr),
        d_x_(kBackward ? optional_buffer<T>(i, "d_x") : nullptr) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const Index columns = shape_.columns, members = member_.members;
    const T *x = x_(batch), *d_y = d_y_(batch);
    const Range own = worker.share(batch.rows);
    if constexpr (kBackward) {
      member_.for_strips(worker, columns, [&](Index member, Range strip) {
        MemberRows::sums<T>(batch.rows, strip, d_factor_ + member * columns, nullptr,
                            [=](Index e, Index c, T& a, T&) {
                              a += x[e * columns + c] * d_y[(e * members + member) * columns + c];
                            });
      });
      if (d_x_ == nullptr) return;
      for (Index e = own.begin; e < own.end; ++e) {
        const T* above = d_y + e * members * columns;
        T* below = d_x_ + e * columns;
        for (Index c = 0; c < columns; ++c) below[c] = T(0);
        for (Index i = 0; i < members * columns; i += columns) {
#pragma omp simd
          for (Index c = 0; c < columns; ++c) below[c] += factor_[i + c] * above[i + c];
        }
      }
    } else {
      for (Index e = own.begin; e < own.end; ++e) {
        const T* from = x + e * columns;
        T* to = y_ + e * members * columns;
        for (Index i = 0; i < members * columns; i += columns) {
#pragma omp simd
          for (Index c = 0; c < columns; ++c) to[i + c] = factor_[i + c] * from[c];
        }
      }
    }
  }

 private:
  Shape shape_;
  MemberRows member_;
  const T* factor_;
  Source<T> x_, d_y_;
  T *y_, *d_factor_, *d_x_;
};

template <class T>
class BatchEnsembleForward final : public Kernel {
 public:
  explicit BatchEnsembleForward(const Instruction& i)
      : shape_(i),
        member_(i),
        inputs_(integer(i, "inputs")),
        epilogue_(i),
        x_(i, "x"),
        kernel_(buffer<T>(i, "kernel")),
        input_scale_(optional_buffer<T>(i, "input_scale")),
        output_scale_(buffer<T>(i, "output_scale")),
        bias_(optional_buffer<T>(i, "bias")),
        scaled_(optional_buffer<T>(i, "scaled")),
        product_(buffer<T>(i, "product")),
        y_(buffer<T>(i, "y")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T* x = x_(batch);
    const Index rows = shape_.rows(batch), columns = shape_.columns;
    if (input_scale_ != nullptr) {
      const Range own = worker.share(rows);
      for (Index row = own.begin; row < own.end; ++row) {
        const T *r = input_scale_ + row % member_.members * inputs_, *from = x + row * inputs_;
        T* to = scaled_ + row * inputs_;
#pragma omp simd
        for (Index c = 0; c < inputs_; ++c) to[c] = r[c] * from[c];
      }
      worker.meet();
      x = scaled_;
    }
    const Tiled<T> product{false, false, inputs_, x, inputs_, kernel_, columns, product_, columns};
    const Grid grid(false, false, rows, columns, inputs_);
    for (Index t = worker.take(); t < grid.count; t = worker.take()) {
      product.tile(grid.tile(t));
      finish(grid.tile(t));
    }
    if (epilogue_.has_dropout()) {
      worker.meet();
      const DropStream stream = epilogue_.prepare(batch);
      epilogue_.for_flat(worker, rows * columns, [&](Index first, Index count) {
        epilogue_.forward(y_ + first, first, count, stream);
      });
    }
  }

 private:
  // Scale, bias and activation while the tile is in the cache.
  void finish(Piece tile) const {
    const Index columns = shape_.columns, width = tile.column_end - tile.column_begin;
    for (Index row = tile.row_begin; row < tile.row_end; ++row) {
      const Index of = row % member_.members * columns + tile.column_begin;
      const T *from = product_ + row * columns + tile.column_begin, *s = output_scale_ + of;
      T* y = y_ + row * columns + tile.column_begin;
      if (bias_ != nullptr) {
        const T* bias = bias_ + of;
#pragma omp simd
        for (Index c = 0; c < width; ++c) y[c] = s[c] * from[c] + bias[c];
      } else {
#pragma omp simd
        for (Index c = 0; c < width; ++c) y[c] = s[c] * from[c];
      }
      if (!epilogue_.has_dropout()) epilogue_.activate(y, width);
    }
  }

  Shape shape_;
  MemberRows member_;
  Index inputs_;
  Epilogue<T> epilogue_;
  Source<T> x_;
  const T *kernel_, *input_scale_, *output_scale_, *bias_;
  T *scaled_, *product_, *y_;
};

// With z the product:
//   d_bias_i = sum of d_y_i,  d_output_scale_i = sum of d_y_i z_i,  d_z_i = output_scale_i d_y_i
//   d_kernel = (input_scale x)' d_z,  d_s = d_z kernel'
//   d_input_scale_i = sum of d_s_i x_i,  d_x_i = input_scale_i d_s_i
// d_z takes the place of z, and d_s that of the scaled inputs when these are done with.
template <class T>
class BatchEnsembleBackward final : public Kernel {
 public:
  explicit BatchEnsembleBackward(const Instruction& i)
      : shape_(i),
        member_(i),
        inputs_(integer(i, "inputs")),
        epilogue_(i),
        x_(i, "x"),
        y_(i, "y"),
        d_y_(i, "d_y"),
        kernel_(buffer<T>(i, "kernel")),
        input_scale_(optional_buffer<T>(i, "input_scale")),
        output_scale_(buffer<T>(i, "output_scale")),
        scaled_(optional_buffer<T>(i, "scaled")),
        product_(buffer<T>(i, "product")),
        d_z_(optional_buffer<T>(i, "d_z")),
        d_x_(optional_buffer<T>(i, "d_x")),
        d_kernel_(buffer<T>(i, "d_kernel")),
        d_input_scale_(optional_buffer<T>(i, "d_input_scale")),
        d_output_scale_(buffer<T>(i, "d_output_scale")),
        d_bias_(optional_buffer<T>(i, "d_bias")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T *x = x_(batch), *d_y = d_y_(batch);
    const Index rows = shape_.rows(batch), columns = shape_.columns;
    if (epilogue_.present()) {
      epilogue_.backward_all(y_(batch), d_y, d_z_, rows * columns, worker, batch);
      d_y = d_z_;
      worker.meet();
    }
    through_scale(worker, batch.rows, d_y);
    worker.meet();
    const bool scales = input_scale_ != nullptr;
    const Tiled<T> weights{true,    false,     rows,   scales ? scaled_ : x, inputs_, product_,
                           columns, d_kernel_, columns};
    take(worker, Grid(true, false, inputs_, columns, rows), weights);
    T* d_s = scales ? scaled_ : d_x_;
    if (d_s == nullptr) return;
    worker.meet();
    take(worker, Grid(false, true, rows, inputs_, columns),
         {false, true, columns, product_, columns, kernel_, columns, d_s, inputs_});
    if (!scales) return;
    worker.meet();
    through_input_scale(worker, batch.rows, x);
  }

 private:
  static void take(const Worker& worker, const Grid& grid, const Tiled<T>& product) {
    for (Index t = worker.take(); t < grid.count; t = worker.take()) product.tile(grid.tile(t));
  }

  void through_scale(const Worker& worker, Index examples, const T* d_y) const {
    const Index columns = shape_.columns, stride = member_.members * columns;
    member_.for_strips(worker, columns, [&](Index member, Range strip) {
      const Index of = member * columns;
      const T *above = d_y + of, *s = output_scale_ + of;
      T* z = product_ + of;
      MemberRows::sums<T>(examples, strip, d_output_scale_ + of, d_bias_ ? d_bias_ + of : nullptr,
                          [=](Index e, Index c, T& a, T& b) {
                            const T d = above[e * stride + c];
                            a += d * z[e * stride + c];
                            b += d;
                          });
      for (Index e = 0; e < examples; ++e) {
#pragma omp simd
        for (Index c = strip.begin; c < strip.end; ++c)
          z[e * stride + c] = s[c] * above[e * stride + c];
      }
    });
  }

  void through_input_scale(const Worker& worker, Index examples, const T* x) const {
    const Index stride = member_.members * inputs_;
    member_.for_strips(worker, inputs_, [&](Index member, Range strip) {
      const Index of = member * inputs_;
      const T *from = x + of, *r = input_scale_ + of, *d_s = scaled_ + of;
      MemberRows::sums<T>(
          examples, strip, d_input_scale_ + of, nullptr,
          [=](Index e, Index c, T& a, T&) { a += d_s[e * stride + c] * from[e * stride + c]; });
      if (d_x_ == nullptr) return;
      T* below = d_x_ + of;
      for (Index e = 0; e < examples; ++e) {
#pragma omp simd
        for (Index c = strip.begin; c < strip.end; ++c)
          below[e * stride + c] = r[c] * d_s[e * stride + c];
      }
    });
  }

  Shape shape_;
  MemberRows member_;
  Index inputs_;
  Epilogue<T> epilogue_;
  Source<T> x_, y_, d_y_;
  const T *kernel_, *input_scale_, *output_scale_;
  T *scaled_, *product_, *d_z_, *d_x_, *d_kernel_, *d_input_scale_, *d_output_scale_, *d_bias_;
};

// The kernels lie side by side: (inputs, members columns).
template <class T, bool kBackward>
class MemberDense final : public Kernel {
 public:
  explicit MemberDense(const Instruction& i)
      : shape_(i),
        member_(i),
        inputs_(integer(i, "inputs")),
        x_(i, "x"),
        d_y_(i, kBackward ? "d_y" : "x"),
        kernel_(buffer<T>(i, "kernel")),
        bias_(optional_buffer<T>(i, "bias")),
        y_(kBackward ? nullptr : buffer<T>(i, "y")),
        d_x_(kBackward ? optional_buffer<T>(i, "d_x") : nullptr),
        d_kernel_(kBackward ? buffer<T>(i, "d_kernel") : nullptr),
        d_bias_(kBackward ? optional_buffer<T>(i, "d_bias") : nullptr) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T *x = x_(batch), *d_y = d_y_(batch);
    const Index n = batch.rows, columns = shape_.columns, wide = member_.members * columns;
    const Index long_row = member_.members * inputs_;
    const Grid forward(false, false, kBackward ? 0 : n, columns, inputs_);
    const Grid inputs(false, true, kBackward && d_x_ ? n : 0, inputs_, columns);
    const Grid weights(true, false, kBackward ? inputs_ : 0, columns, n);
    const Index each = forward.count + inputs.count + weights.count;
    for (Index t = worker.take(); t < member_.members * each; t = worker.take()) {
      const Index member = t / each, of = member * columns, from = member * inputs_;
      Index place = t % each;
      if (place < forward.count) {
        const Piece p = forward.tile(place);
        Tiled<T>{false, false, inputs_, x + from, long_row, kernel_ + of, wide, y_ + of, wide}.tile(
            p);
        if (bias_ != nullptr) add_bias(p, of);
      } else if ((place -= forward.count) < inputs.count) {
        Tiled<T>{false, true, columns, d_y + of, wide, kernel_ + of, wide, d_x_ + from, long_row}
            .tile(inputs.tile(place));
      } else {
        Tiled<T>{true, false, n, x + from, long_row, d_y + of, wide, d_kernel_ + of, wide}.tile(
            weights.tile(place - inputs.count));
      }
    }
    if (d_bias_ == nullptr) return;
    const Index strips = divide_up(wide, kNarrow);
    const Range own = worker.share(strips);
    for (Index s = own.begin; s < own.end; ++s)
      column_sums(d_y, n, wide, {s * kNarrow, smaller((s + 1) * kNarrow, wide)}, d_bias_);
  }

 private:
  void add_bias(Piece p, Index of) const {
    const Index wide = member_.members * shape_.columns;
    for (Index row = p.row_begin; row < p.row_end; ++row) {
      T* y = y_ + row * wide + of;
#pragma omp simd
      for (Index c = p.column_begin; c < p.column_end; ++c) y[c] += bias_[of + c];
    }
  }

  Shape shape_;
  MemberRows member_;
  Index inputs_;
  Source<T> x_, d_y_;
  const T *kernel_, *bias_;
  T *y_, *d_x_, *d_kernel_, *d_bias_;
};

}  // namespace evenly::EVENLY_ISA
