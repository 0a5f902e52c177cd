// What happens in one step of an RNN, an LSTM and a GRU, for a block of examples; forward and
// backward side by side. In backward the gates' gradients take the place of the gates.
#pragma once
#include "kernels/recurrent.hpp"
#include "support/math.hpp"

namespace evenly::EVENLY_ISA {

// A cell whose recurrent kernel is one product.
template <class T>
class WholeProduct {
 public:
  WholeProduct(const Walk<T>& walk) : walk_(walk) {}

  void pack(const Worker& worker, const T* kernel, T* packed) const {
    const Index wide = walk_.wide;
    pack_panels<T>(worker.share(panels<T>(wide)), walk_.units, wide, packed,
                   [=](Index r, Index c) { return kernel[r * wide + c]; });
  }
  void pack_back(const Worker& worker, const T* kernel, T* packed) const {
    const Index wide = walk_.wide;
    pack_panels<T>(worker.share(panels<T>(walk_.units)), wide, walk_.units, packed,
                   [=](Index r, Index c) { return kernel[c * wide + r]; });
  }
  int recurrent_products(Product<T>* to, Index all, Index n, T* d_kernel) const {
    to[0] = {true,        false,       walk_.units, walk_.wide, all,       walk_.left(0, n),
             walk_.units, walk_.gates, walk_.wide,  d_kernel,   walk_.wide};
    return 1;
  }
  bool more_sums(Index, Index) const { return false; }
  void begin(Index) const {}

 protected:
  // pre-activations += h recurrent_kernel
  void product(Range rows, Index step, Index n, const T* packed) const {
    multiply(rows, walk_.left(step, n), walk_.units, walk_.units, packed, walk_.wide,
             walk_.gates + step * n * walk_.wide, walk_.wide, true);
  }
  // d_h += d_gates recurrent_kernel'
  void product_back(Range rows, Index step, Index n, const T* packed, T* d_h) const {
    multiply_masked(rows, walk_.gates + step * n * walk_.wide, walk_.wide, walk_.wide, packed,
                    walk_.units, d_h, walk_.mask);
  }
  // Behind the end of a sequence the state stays, and nothing has a gradient.
  void stay(Index example, Index step, Index n) const {
    const Index u = walk_.units;
    std::memcpy(walk_.hidden + ((step + 1) * n + example) * u,
                walk_.hidden + (step * n + example) * u, static_cast<std::size_t>(u) * sizeof(T));
    clear(example, step, n);
  }
  void clear(Index example, Index step, Index n) const {
    std::memset(walk_.gates + (step * n + example) * walk_.wide, 0,
                static_cast<std::size_t>(walk_.wide) * sizeof(T));
  }

  const Walk<T>& walk_;
};

// h = f(a)
template <class T>
class RnnCell : public WholeProduct<T> {
 public:
  static constexpr Index kGates = 1;
  RnnCell(const Instruction& i, const Walk<T>& walk)
      : WholeProduct<T>(walk), relu_(number(i, "relu") != 0) {}

  void forward(Range rows, Index step, Index n, const Batch& batch, const T* packed) const {
    const Walk<T>& w = this->walk_;
    const Index u = w.units;
    this->product(rows, step, n, packed);
    for (Index e = rows.begin; e < rows.end; ++e) {
      if (step >= w.length(batch, e)) {
        this->stay(e, step, n);
        continue;
      }
      const T* a = w.gates + (step * n + e) * u;
      T* h = w.hidden + ((step + 1) * n + e) * u;
      if (relu_) {
#pragma omp simd
        for (Index c = 0; c < u; ++c) h[c] = a[c] < T(0) ? T(0) : a[c];
      } else {
#pragma omp simd
        for (Index c = 0; c < u; ++c) h[c] = hyperbolic_tangent(a[c]);
      }
    }
  }

  void backward(Range rows, Index step, Index n, const Batch& batch, const T* packed, T* d_state,
                T*) const {
    const Walk<T>& w = this->walk_;
    const Index u = w.units;
    for (Index e = rows.begin; e < rows.end; ++e) {
      if (step >= w.length(batch, e)) {
        this->clear(e, step, n);
        continue;
      }
      T *d_a = w.gates + (step * n + e) * u, *d_h = d_state + e * u;
      const T* h = w.hidden + ((step + 1) * n + e) * u;
#pragma omp simd
      for (Index c = 0; c < u; ++c) {
        const T slope = relu_ ? (h[c] > T(0) ? T(1) : T(0)) : T(1) - h[c] * h[c];
        d_a[c] = d_h[c] * slope;
        d_h[c] = T(0);
      }
    }
    this->product_back(rows, step, n, packed, d_state);
  }

 private:
  bool relu_;
};

// i, f, o = logistic(a), g = tanh(a), c = f c + i g, h = o tanh(c)
template <class T>
class LstmCell : public WholeProduct<T> {
 public:
  static constexpr Index kGates = 4;
  LstmCell(const Instruction& i, const Walk<T>& walk)
      : WholeProduct<T>(walk),
        cells_(buffer<T>(i, "cells")),
        tanh_(buffer<T>(i, "cells_tanh")),
        first_(optional_buffer<T>(i, "c")) {}

  void begin(Index e) const {
    const Index u = this->walk_.units;
    for (Index c = 0; c < u; ++c) cells_[e * u + c] = first_ ? first_[e * u + c] : T(0);
  }

  void forward(Range rows, Index step, Index n, const Batch& batch, const T* packed) const {
    const Walk<T>& w = this->walk_;
    const Index u = w.units;
    this->product(rows, step, n, packed);
    for (Index e = rows.begin; e < rows.end; ++e) {
      const T* c_before = cells_ + (step * n + e) * u;
      T *c_after = cells_ + ((step + 1) * n + e) * u, *t = tanh_ + (step * n + e) * u;
      if (step >= w.length(batch, e)) {
        this->stay(e, step, n);
        for (Index c = 0; c < u; ++c) {
          c_after[c] = c_before[c];
          t[c] = T(0);
        }
        continue;
      }
      T* a = w.gates + (step * n + e) * 4 * u;
      T* h = w.hidden + ((step + 1) * n + e) * u;
#pragma omp simd
      for (Index c = 0; c < 2 * u; ++c) a[c] = logistic(a[c]);
#pragma omp simd
      for (Index c = 2 * u; c < 3 * u; ++c) a[c] = hyperbolic_tangent(a[c]);
#pragma omp simd
      for (Index c = 3 * u; c < 4 * u; ++c) a[c] = logistic(a[c]);
#pragma omp simd
      for (Index c = 0; c < u; ++c) {
        const T cell = a[u + c] * c_before[c] + a[c] * a[2 * u + c];
        c_after[c] = cell;
        t[c] = hyperbolic_tangent(cell);
        h[c] = a[3 * u + c] * t[c];
      }
    }
  }

  void backward(Range rows, Index step, Index n, const Batch& batch, const T* packed, T* d_state,
                T* d_cells) const {
    const Walk<T>& w = this->walk_;
    const Index u = w.units;
    for (Index e = rows.begin; e < rows.end; ++e) {
      if (step >= w.length(batch, e)) {
        this->clear(e, step, n);
        continue;
      }
      T *a = w.gates + (step * n + e) * 4 * u, *d_h = d_state + e * u, *d_c = d_cells + e * u;
      const T *before = cells_ + (step * n + e) * u, *tanh_c = tanh_ + (step * n + e) * u;
#pragma omp simd
      for (Index c = 0; c < u; ++c) {
        const T i = a[c], f = a[u + c], g = a[2 * u + c], o = a[3 * u + c], t = tanh_c[c];
        const T d_o = d_h[c] * t, d = d_c[c] + d_h[c] * o * (T(1) - t * t);
        a[c] = d * g * (i * (T(1) - i));
        a[u + c] = d * before[c] * (f * (T(1) - f));
        a[2 * u + c] = d * i * (T(1) - g * g);
        a[3 * u + c] = d_o * (o * (T(1) - o));
        d_c[c] = d * f;
        d_h[c] = T(0);
      }
    }
    this->product_back(rows, step, n, packed, d_state);
  }

 private:
  T *cells_, *tanh_, *first_;
};

// r, z = logistic(a), n = tanh(a_n + r (h kernel_n + bias)) or tanh(a_n + (r h) kernel_n),
// h = (1 - z) n + z h. The kernel's columns of n stand apart from those of r and z.
template <class T>
class GruCell {
 public:
  static constexpr Index kGates = 3;
  GruCell(const Instruction& i, const Walk<T>& walk)
      : walk_(walk),
        after_(number(i, "reset_after") != 0),
        inner_(buffer<T>(i, "inner")),
        bias_(i, "recurrent_bias", walk.units, T(0)),
        d_bias_(optional_buffer<T>(i, "d_recurrent_bias")) {}

  void begin(Index) const {}

  void pack(const Worker& worker, const T* kernel, T* packed) const {
    const Index u = walk_.units;
    pack_panels<T>(worker.share(panels<T>(2 * u)), u, 2 * u, packed,
                   [=](Index r, Index c) { return kernel[r * 3 * u + c]; });
    pack_panels<T>(worker.share(panels<T>(u)), u, u, packed + panels<T>(2 * u) * u * kPanel<T>,
                   [=](Index r, Index c) { return kernel[r * 3 * u + 2 * u + c]; });
  }
  void pack_back(const Worker& worker, const T* kernel, T* packed) const {
    const Index u = walk_.units;
    pack_panels<T>(worker.share(panels<T>(u)), 2 * u, u, packed,
                   [=](Index r, Index c) { return kernel[c * 3 * u + r]; });
    pack_panels<T>(worker.share(panels<T>(u)), u, u, packed + panels<T>(u) * 2 * u * kPanel<T>,
                   [=](Index r, Index c) { return kernel[c * 3 * u + 2 * u + r]; });
  }
  int recurrent_products(Product<T>* to, Index all, Index n, T* d_kernel) const {
    const Index u = walk_.units;
    to[0] = {true, false, u, 2 * u, all, walk_.left(0, n), u, walk_.gates, 3 * u, d_kernel, 3 * u};
    // after: left' d_inner; before: inner' d_n
    to[1] = {true,
             false,
             u,
             u,
             all,
             after_ ? walk_.left(0, n) : inner_,
             u,
             after_ ? inner_ : walk_.gates + 2 * u,
             after_ ? u : 3 * u,
             d_kernel + 2 * u,
             3 * u};
    return 2;
  }
  // The gradient of recurrent_bias: the sum of d_inner.
  bool more_sums(Index task, Index all) const {
    const Index begin = task * kStripOfSums;
    if (d_bias_ == nullptr || begin >= walk_.units) return false;
    column_sums(inner_, all, walk_.units, {begin, smaller(begin + kStripOfSums, walk_.units)},
                d_bias_);
    return true;
  }

  void forward(Range rows, Index step, Index n, const Batch& batch, const T* packed) const {
    const Index u = walk_.units;
    const T *left = walk_.left(step, n), *packed_n = packed + panels<T>(2 * u) * u * kPanel<T>;
    T *gates = walk_.gates + step * n * 3 * u, *inner = inner_ + step * n * u;
    multiply(rows, left, u, u, packed, 2 * u, gates, 3 * u, true);
    if (after_) multiply(rows, left, u, u, packed_n, u, inner, u, false);
    for (Index e = rows.begin; e < rows.end; ++e) {
      T *a = gates + e * 3 * u, *q = inner + e * u;
      const T *h = left + e * u, *bias = bias_.get();
#pragma omp simd
      for (Index c = 0; c < 2 * u; ++c) a[c] = logistic(a[c]);
      if (after_) {
#pragma omp simd
        for (Index c = 0; c < u; ++c) {
          q[c] += bias[c];
          a[2 * u + c] += a[c] * q[c];
        }
      } else {
#pragma omp simd
        for (Index c = 0; c < u; ++c) q[c] = a[c] * h[c];
      }
    }
    if (!after_) multiply(rows, inner, u, u, packed_n, u, gates + 2 * u, 3 * u, true);
    for (Index e = rows.begin; e < rows.end; ++e) {
      T *a = gates + e * 3 * u, *to = walk_.hidden + ((step + 1) * n + e) * u;
      const T* h = walk_.hidden + (step * n + e) * u;
      if (step >= walk_.length(batch, e)) {
        std::memcpy(to, h, static_cast<std::size_t>(u) * sizeof(T));
        clear(e, step, n);
        continue;
      }
#pragma omp simd
      for (Index c = 0; c < u; ++c) {
        const T z = a[u + c], value = hyperbolic_tangent(a[2 * u + c]);
        a[2 * u + c] = value;
        to[c] = value + z * (h[c] - value);
      }
    }
  }

  void backward(Range rows, Index step, Index n, const Batch& batch, const T* packed, T* d_state,
                T* d_product) const {
    const Index u = walk_.units;
    const T *left = walk_.left(step, n), *packed_n = packed + panels<T>(u) * 2 * u * kPanel<T>;
    T *gates = walk_.gates + step * n * 3 * u, *inner = inner_ + step * n * u;
    for (Index e = rows.begin; e < rows.end; ++e) {
      if (step >= walk_.length(batch, e)) {
        clear(e, step, n);
        continue;
      }
      T *a = gates + e * 3 * u, *q = inner + e * u, *d_h = d_state + e * u;
      const T* h = walk_.hidden + (step * n + e) * u;
#pragma omp simd
      for (Index c = 0; c < u; ++c) {
        const T r = a[c], z = a[u + c], value = a[2 * u + c], d = d_h[c];
        const T d_n = d * (T(1) - z) * (T(1) - value * value);
        a[u + c] = d * (h[c] - value) * (z * (T(1) - z));
        a[2 * u + c] = d_n;
        d_h[c] = d * z;
        if (after_) {
          a[c] = d_n * q[c] * (r * (T(1) - r));
          q[c] = d_n * r;
        }
      }
    }
    if (after_) {
      multiply_masked(rows, inner, u, u, packed_n, u, d_state, walk_.mask);
    } else {
      multiply(rows, gates + 2 * u, 3 * u, u, packed_n, u, d_product, u, false);
      for (Index e = rows.begin; e < rows.end; ++e) {
        if (step >= walk_.length(batch, e)) continue;
        T *a = gates + e * 3 * u, *d_h = d_state + e * u;
        const T *d = d_product + e * u, *h = left + e * u;
        const T* mask = walk_.mask ? walk_.mask + e * u : nullptr;
#pragma omp simd
        for (Index c = 0; c < u; ++c) {
          const T r = a[c];
          d_h[c] += d[c] * r * (mask ? mask[c] : T(1));
          a[c] = d[c] * h[c] * (r * (T(1) - r));
        }
      }
    }
    multiply_masked(rows, gates, 3 * u, 2 * u, packed, u, d_state, walk_.mask);
  }

 private:
  static constexpr Index kStripOfSums = 128;

  void clear(Index e, Index step, Index n) const {
    const Index u = walk_.units;
    std::memset(walk_.gates + (step * n + e) * 3 * u, 0,
                static_cast<std::size_t>(3 * u) * sizeof(T));
    std::memset(inner_ + (step * n + e) * u, 0, static_cast<std::size_t>(u) * sizeof(T));
  }

  const Walk<T>& walk_;
  bool after_;
  T* inner_;
  OrConstant<T> bias_;
  T* d_bias_;
};

}  // namespace evenly::EVENLY_ISA
