// Convolution, channels last: forward, and the three gradients. No matrix of windows is ever
// built: a tile of output positions reads its windows where they lie, in the input itself or in a
// copy of a strip of it with its padding around it.
#pragma once
#include "kernels/convolution_depthwise.hpp"
#include "kernels/epilogue.hpp"
#include "kernels/product.hpp"
#include "kernels/statistics.hpp"
#include "kernels/strip.hpp"

namespace evenly::EVENLY_ISA {

// What forward and backward know of a convolution.
template <class T>
struct Convolution {
  Windows windows;
  Index filters, groups, chunks;

  explicit Convolution(const Instruction& i)
      : windows(i),
        filters(integer(i, "columns")),
        groups(integer(i, "groups")),
        chunks(integer(i, "chunks")) {}

  Index channels() const { return windows.channels; }
  Index own_channels() const { return windows.channels / groups; }
  Index own_filters() const { return filters / groups; }
  Index terms() const { return windows.places() * own_channels(); }
  bool depthwise() const { return groups == windows.channels && filters == windows.channels; }
};

// How the columns on both sides of a product fall into groups.
struct ProductGroups {
  Index count, inputs, outputs;  // the columns of one group
};

// to = windows x packed, for some rows of outputs of a strip: forward, and with the kernel turned
// around the gradient on the input.
template <class T>
void window_products(const Strips2D& strips, const Index* offsets, ProductGroups groups,
                     const T* packed, const T* strip, Range rows, T* to) {
  const Index places = strips.windows.places(), terms = places * groups.inputs;
  const Index each = panels<T>(groups.outputs), columns = groups.count * groups.outputs;
  const Index width = strips.windows.width.outputs;
  const Index positions = (rows.end - rows.begin) * width;
  for (Index p = 0; p < groups.count * each; ++p) {
    const Index group = p / each, first = p % each * kPanel<T>;
    const T* panel = packed + p * terms * kPanel<T>;
    const T* from = strip + group * groups.inputs;
    T* here = to + group * groups.outputs + first;
    const auto tiles = [&](auto vectors) {
      constexpr int V = decltype(vectors)::rows;
      for (Index n = 0; n < positions; n += kRowsOf<V>)
        with_rows<kRowsOf<V>>(smaller(kRowsOf<V>, positions - n), [&](auto tile) {
          constexpr int M = decltype(tile)::rows;
          const T* at[M];
          for (int i = 0; i < M; ++i)
            at[i] = from + strips.window((n + i) / width, (n + i) % width);
          Sums<T, M, V> sums;
          sums.zero();
          add_products(at, offsets, places, groups.inputs, panel, sums);
          for (int i = 0; i < M; ++i) sums.put(i, here + (n + i) * columns, groups.outputs - first);
        });
    };
    with_vectors<T>(groups.outputs - first, tiles);
  }
}

template <class T>
class ConvolutionForward final : public Kernel {
 public:
  explicit ConvolutionForward(const Instruction& i)
      : conv_(i),
        strips_(conv_.windows, sizeof(T)),
        epilogue_(i),
        x_(i, "x"),
        y_(buffer<T>(i, "y")),
        kernel_(buffer<T>(i, "kernel")),
        bias_(optional_buffer<T>(i, "bias")),
        packed_(optional_buffer<T>(i, "packed")),
        moments_(optional_buffer<double>(i, "moments")),
        offsets_(static_cast<std::size_t>(conv_.windows.places())) {
    strips_.offsets(offsets_.get());
  }

  std::int64_t thread_bytes() const override { return strips_.bytes(); }

  void run(const Worker& worker, const Batch& batch) const override {
    if (!conv_.depthwise()) {
      pack(worker);
      worker.meet();
    }
    const T* x = x_(batch);
    if (moments_ != nullptr) {
      for (Index e = worker.take(); e < batch.rows; e = worker.take())
        for (Index s = 0; s < strips_.count; ++s) strip(worker, x, e, s);
    } else {
      const Index tasks = batch.rows * strips_.count;
      for (Index t = worker.take(); t < tasks; t = worker.take())
        strip(worker, x, t / strips_.count, t % strips_.count);
    }
    if (epilogue_.has_dropout()) {
      worker.meet();
      const DropStream stream = epilogue_.prepare(batch);
      epilogue_.for_flat(
          worker, batch.rows * conv_.windows.outputs() * conv_.filters,
          [&](Index first, Index count) { epilogue_.forward(y_ + first, first, count, stream); });
    }
  }

 private:
  void strip(const Worker& worker, const T* x, Index example, Index number) const {
    const Range rows = strips_.rows(number);
    const T* input = strips_.input(x + example * conv_.windows.inputs() * conv_.channels(), rows,
                                   reinterpret_cast<T*>(worker.scratch));
    T* y = y_ + (example * conv_.windows.outputs() + rows.begin * conv_.windows.width.outputs) *
                    conv_.filters;
    const Index positions = (rows.end - rows.begin) * conv_.windows.width.outputs;
    if (conv_.depthwise())
      depthwise_forward(conv_.windows, strips_, offsets_.get(), input, rows, kernel_, y);
    else
      window_products(strips_, offsets_.get(),
                      {conv_.groups, conv_.own_channels(), conv_.own_filters()}, packed_, input,
                      rows, y);
    finish(y, positions);
    if (moments_ != nullptr) add_moments(y, positions, number * strips_.step, example);
  }

  // Mean and sum of squared deviations of each filter over an example, strip by strip: for the
  // batch normalization behind.
  void add_moments(const T* y, Index positions, Index rows_before, Index example) const {
    const Index filters = conv_.filters;
    const auto before = static_cast<double>(rows_before * conv_.windows.width.outputs);
    double* mean = moments_ + example * 2 * filters;
    double* squares = mean + filters;
    for (Index first = 0; first < filters; first += kStrip) {
      const Index width = smaller(kStrip, filters - first);
      double means[kStrip], own[kStrip];
      block_moments(y, filters, {0, positions}, {first, first + width}, means, own);
      for (Index c = 0; c < width; ++c) {
        Moments all{before, mean[first + c], squares[first + c]};
        if (rows_before == 0) all = Moments{};
        all.add({static_cast<double>(positions), means[c], own[c]});
        mean[first + c] = all.mean;
        squares[first + c] = all.squares;
      }
    }
  }

  void pack(const Worker& worker) const {
    const Index own = conv_.own_filters(), terms = conv_.terms(), each = panels<T>(own);
    const Range mine = worker.share(conv_.groups * each);
    for (Index p = mine.begin; p < mine.end; ++p) {
      const Index group = p / each;
      pack_panels<T>(
          {p % each, p % each + 1}, terms, own, packed_ + group * each * terms * kPanel<T>,
          [&](Index r, Index c) { return kernel_[r * conv_.filters + group * own + c]; });
    }
  }

  // Bias and activation while the strip is in the cache.
  void finish(T* y, Index positions) const {
    if (bias_ != nullptr)
      for (Index n = 0; n < positions; ++n) {
        T* row = y + n * conv_.filters;
#pragma omp simd
        for (Index c = 0; c < conv_.filters; ++c) row[c] += bias_[c];
      }
    if (!epilogue_.has_dropout()) epilogue_.activate(y, positions * conv_.filters);
  }

  Convolution<T> conv_;
  Strips2D strips_;
  Epilogue<T> epilogue_;
  Source<T> x_;
  T *y_, *kernel_, *bias_, *packed_;
  double* moments_;  // of each example: mean and squares of every filter
  OwnArray<Index> offsets_;
};

}  // namespace evenly::EVENLY_ISA
