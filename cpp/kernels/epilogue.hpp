// What is fused behind a layer: an activation, then dropout; forward and backward side by side.
// Also the kernel "elementwise": an activation, dropout, or both, with no layer before them.
#pragma once
#include "kernels/common.hpp"
#include "support/math.hpp"
#include "support/philox.hpp"

namespace evenly::EVENLY_ISA {

// The numbers are those of the activation pages in src/evenly/layers/activations.py.
enum class Activation : int { none = 0, relu = 1, sigmoid = 2, tanh = 3 };

template <class T>
class Epilogue {
 public:
  Epilogue() = default;
  explicit Epilogue(const Instruction& instruction) : keep_(instruction) {
    if (has_number(instruction, "activation"))
      activation_ = static_cast<Activation>(integer(instruction, "activation"));
  }

  bool present() const { return activation_ != Activation::none || keep_.active(); }
  bool has_dropout() const { return keep_.active(); }
  bool is_relu() const { return activation_ == Activation::relu; }

  // Behind ReLU the output alone tells what passed: it is positive exactly where the input was
  // positive and was kept. So backward needs neither the input nor the mask again: d_z is d_y times
  // pass() there and 0 elsewhere.
  bool output_tells() const { return is_relu() || !present(); }
  T pass() const { return keep_.active() ? keep_.scale() : T(1); }

  // What a kernel prepares once a run, and hands over with every piece.
  Stream prepare(const Batch& batch) const { return keep_.stream(batch); }

  // y holds z on entry; `first` is the element's number in the layer's whole output; at most
  // kPiece elements.
  void forward(T* y, Index first, Index count, const Stream& stream) const {
    if (!keep_.active()) return activate(y, count);
    T factors[kPiece];
    keep_.draw(first, count, stream, factors);
    if (is_relu()) {
#pragma omp simd
      for (Index i = 0; i < count; ++i) y[i] = (y[i] < T(0) ? T(0) : y[i]) * factors[i];
      return;
    }
    activate(y, count);
#pragma omp simd
    for (Index i = 0; i < count; ++i) y[i] *= factors[i];
  }

  // The same from x to y, for a kernel of its own.
  void from(const T* x, T* y, Index first, Index count, const Stream& stream) const {
    if (activation_ == Activation::none && keep_.active()) {
      T factors[kPiece];
      keep_.draw(first, count, stream, factors);
#pragma omp simd
      for (Index i = 0; i < count; ++i) y[i] = x[i] * factors[i];
      return;
    }
    std::memcpy(y, x, static_cast<std::size_t>(count) * sizeof(T));
    forward(y, first, count, stream);
  }

  void activate(T* y, Index count) const {
    switch (activation_) {
      case Activation::none:
        return;
      case Activation::relu:  // written so that NaN passes
#pragma omp simd
        for (Index i = 0; i < count; ++i) y[i] = y[i] < T(0) ? T(0) : y[i];
        return;
      case Activation::sigmoid:
#pragma omp simd
        for (Index i = 0; i < count; ++i) y[i] = logistic(y[i]);
        return;
      case Activation::tanh:
#pragma omp simd
        for (Index i = 0; i < count; ++i) y[i] = hyperbolic_tangent(y[i]);
        return;
    }
  }

  // d_z from d_y and the output y; d_z may be d_y itself. At most kPiece elements.
  void backward(const T* y, const T* d_y, T* d_z, Index first, Index count,
                const Stream& stream) const {
    if (is_relu()) {
      const T scale = pass();
#pragma omp simd
      for (Index i = 0; i < count; ++i) d_z[i] = y[i] > T(0) ? d_y[i] * scale : T(0);
      return;
    }
    T factors[kPiece];
    if (keep_.active()) {
      keep_.draw(first, count, stream, factors);
    } else {
      for (Index i = 0; i < count; ++i) factors[i] = T(1);
    }
    const T unscale = T(1) / pass();  // y is the activation times this where it was kept
    switch (activation_) {
      case Activation::sigmoid:
#pragma omp simd
        for (Index i = 0; i < count; ++i) {
          const T a = y[i] * unscale;
          d_z[i] = d_y[i] * factors[i] * (a * (T(1) - a));
        }
        return;
      case Activation::tanh:
#pragma omp simd
        for (Index i = 0; i < count; ++i) {
          const T a = y[i] * unscale;
          d_z[i] = d_y[i] * factors[i] * (T(1) - a * a);
        }
        return;
      default:
#pragma omp simd
        for (Index i = 0; i < count; ++i) d_z[i] = d_y[i] * factors[i];
        return;
    }
  }

  // work(first, count) for this worker's pieces of a flat array.
  template <class Work>
  static void for_flat(const Worker& worker, Index count, Work work) {
    const Range pieces = worker.share(divide_up(count, kPiece));
    for (Index piece = pieces.begin; piece < pieces.end; ++piece) {
      const Index first = piece * kPiece;
      work(first, smaller(kPiece, count - first));
    }
  }

  // The gradient of a whole output, shared out among the team.
  void backward_all(const T* y, const T* d_y, T* d_z, Index count, const Worker& worker,
                    const Batch& batch) const {
    const Stream stream = prepare(batch);
    for_flat(worker, count, [&](Index first, Index size) {
      backward(y + first, d_y + first, d_z + first, first, size, stream);
    });
  }

 private:
  Activation activation_ = Activation::none;
  KeepFactors<T> keep_;
};

// y = dropout(activation(x)).
template <class T>
class ElementwiseForward final : public Kernel {
 public:
  explicit ElementwiseForward(const Instruction& i)
      : shape_(i), epilogue_(i), x_(i, "x"), y_(buffer<T>(i, "y")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T* x = x_(batch);
    const Index count = shape_.rows(batch) * shape_.columns;
    const Stream stream = epilogue_.prepare(batch);
    epilogue_.for_flat(worker, count, [&](Index first, Index size) {
      epilogue_.from(x + first, y_ + first, first, size, stream);
    });
  }

 private:
  Shape shape_;
  Epilogue<T> epilogue_;
  Source<T> x_;
  T* y_;
};

template <class T>
class ElementwiseBackward final : public Kernel {
 public:
  explicit ElementwiseBackward(const Instruction& i)
      : shape_(i), epilogue_(i), y_(i, "y"), d_y_(i, "d_y"), d_x_(buffer<T>(i, "d_x")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    epilogue_.backward_all(y_(batch), d_y_(batch), d_x_, shape_.rows(batch) * shape_.columns,
                           worker, batch);
  }

 private:
  Shape shape_;
  Epilogue<T> epilogue_;
  Source<T> y_, d_y_;
  T* d_x_;
};

}  // namespace evenly::EVENLY_ISA
