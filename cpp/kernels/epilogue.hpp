// What is fused behind a layer: an activation, then dropout; forward and backward side by side.
// Also the kernel "elementwise": an activation, dropout, or both, with no layer before them.
#pragma once
#include "kernels/activations.hpp"
#include "kernels/common.hpp"
#include "support/dispatch_bits.hpp"
#include "support/philox.hpp"

namespace evenly::EVENLY_ISA {

template <class T>
class Epilogue {
 public:
  Epilogue() = default;
  explicit Epilogue(const Instruction& instruction)
      : activation_(instruction),
        keep_(instruction),
        mask_(static_cast<std::uint8_t*>(optional_address(instruction, "bits"))) {
    if (has_number(instruction, "inference_scale"))
      inference_scale_ = static_cast<T>(number(instruction, "inference_scale"));
  }

  bool present() const {
    return activation_.kind() != Activation::none || keep_.active() || inference_scale_ != T(1);
  }
  bool has_dropout() const { return keep_.active(); }
  bool is_relu() const { return activation_.kind() == Activation::relu; }
  bool reads_input() const { return needs_input(activation_.kind()); }

  // Behind ReLU the output alone tells what passed: it is positive exactly where the input was
  // positive and was kept. So backward needs neither the input nor the mask again: d_z is d_y times
  // pass() there and 0 elsewhere.
  bool output_tells() const { return is_relu() || !present(); }

  // Where there is a buffer "bits", forward leaves a bit for each element: whether its gradient
  // passes. Then backward reads neither the output nor random numbers. Pieces begin at a whole
  // byte.
  bool has_mask() const { return mask_ != nullptr; }
  T pass(const DropStream& stream) const {
    return keep_.active() ? static_cast<T>(stream.scale) : T(1);
  }

  // What a kernel prepares once a run, and hands over with every piece.
  DropStream prepare(const Batch& batch) const { return keep_.stream(batch); }

  // y holds z on entry; `first` is the element's number in the layer's whole output; at most
  // kPiece elements.
  void forward(T* y, Index first, Index count, const DropStream& stream) const {
    from(y, y, first, count, stream);
  }

  // The same from x to y.
  void from(const T* x, T* y, Index first, Index count, const DropStream& stream) const {
    if (!keep_.active()) {
      activation_.values(x, y, count);
      if (has_mask()) positive_bits(y, count, mask_ + first / 8);
      return scale_for_inference(y, count);
    }
    T factors[kPiece];
    keep_.draw(first, count, stream, factors);
    if (is_relu()) {
#pragma omp simd
      for (Index i = 0; i < count; ++i) y[i] = (x[i] < T(0) ? T(0) : x[i]) * factors[i];
      if (has_mask()) positive_bits(y, count, mask_ + first / 8);
      return;
    }
    if (has_mask()) positive_bits(factors, count, mask_ + first / 8);
    const bool alone = activation_.kind() == Activation::none;
    const T* z = alone ? x : y;
    if (!alone) activation_.values(x, y, count);
#pragma omp simd
    for (Index i = 0; i < count; ++i) y[i] = z[i] * factors[i];
  }

  // Without dropout's mask: inference, and training where there is none.
  void activate(T* y, Index count) const {
    activation_.values(y, y, count);
    scale_for_inference(y, count);
  }

  // d_z from d_y and the output y; d_z may be d_y itself. At most kPiece elements.
  void backward(const T* y, const T* d_y, T* d_z, Index first, Index count,
                const DropStream& stream) const {
    if (has_mask()) {
      const std::uint8_t* bits = mask_ + first / 8;
      if (is_relu()) return pass_bits<false>(bits, count, pass(stream), d_y, d_z);
      return pass_bits<true>(bits, count, pass(stream), d_y, d_z);
    }
    if (is_relu()) {
      const T scale = pass(stream);
#pragma omp simd
      for (Index i = 0; i < count; ++i) d_z[i] = y[i] > T(0) ? d_y[i] * scale : T(0);
      return;
    }
    // y is the activation times pass() where it was kept
    backward_from(y, T(1) / pass(stream), d_y, d_z, first, count, stream);
  }

  // The same where the activation's slope needs its input.
  void backward_from_input(const T* x, const T* d_y, T* d_x, Index first, Index count,
                           const DropStream& stream) const {
    backward_from(x, T(1), d_y, d_x, first, count, stream);
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
    const DropStream stream = prepare(batch);
    for_flat(worker, count, [&](Index first, Index size) {
      backward(y + first, d_y + first, d_z + first, first, size, stream);
    });
  }

 private:
  Activate<T> activation_;
  KeepFactors<T> keep_;
  std::uint8_t* mask_ = nullptr;
  T inference_scale_ = T(1);  // classic dropout scales in inference

  void scale_for_inference(T* y, Index count) const {
    if (inference_scale_ == T(1)) return;
#pragma omp simd
    for (Index i = 0; i < count; ++i) y[i] *= inference_scale_;
  }

  void backward_from(const T* known, T factor, const T* d_y, T* d_z, Index first, Index count,
                     const DropStream& stream) const {
    if (!keep_.active()) return activation_.gradient(known, factor, d_y, d_z, count);
    T masked[kPiece];
    keep_.draw(first, count, stream, masked);
    const bool alone = activation_.kind() == Activation::none;
    T* to = alone ? d_z : masked;
#pragma omp simd
    for (Index i = 0; i < count; ++i) to[i] = d_y[i] * masked[i];
    if (!alone) activation_.gradient(known, factor, masked, d_z, count);
  }
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
    const DropStream stream = epilogue_.prepare(batch);
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
      : shape_(i),
        epilogue_(i),
        x_(i, "x"),
        y_(i, "y"),
        d_y_(i, "d_y"),
        d_x_(buffer<T>(i, "d_x")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    if (epilogue_.reads_input()) {
      const T *x = x_(batch), *d_y = d_y_(batch);
      const DropStream stream = epilogue_.prepare(batch);
      epilogue_.for_flat(worker, shape_.rows(batch) * shape_.columns, [&](Index first, Index size) {
        epilogue_.backward_from_input(x + first, d_y + first, d_x_ + first, first, size, stream);
      });
      return;
    }
    epilogue_.backward_all(y_(batch), d_y_(batch), d_x_, shape_.rows(batch) * shape_.columns,
                           worker, batch);
  }

 private:
  Shape shape_;
  Epilogue<T> epilogue_;
  Source<T> x_, y_, d_y_;
  T* d_x_;
};

}  // namespace evenly::EVENLY_ISA
