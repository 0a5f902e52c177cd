// Convolution, channels last: forward, and the three gradients. No matrix of windows is ever
// built: a tile of output positions reads its windows where they lie, in the input itself or in a
// copy of a strip of it with its padding around it.
#pragma once
#include "kernels/convolution_depthwise.hpp"
#include "kernels/epilogue.hpp"
#include "kernels/product.hpp"
#include "kernels/statistics.hpp"
#include "kernels/strip.hpp"
#include "kernels/winograd.hpp"

namespace evenly::EVENLY_ISA {

// What forward and backward know of a convolution.
template <class T>
struct Convolution {
  Windows windows;
  Index filters, groups, chunks;
  bool winograd;

  explicit Convolution(const Instruction& i)
      : windows(i),
        filters(integer(i, "columns")),
        groups(integer(i, "groups")),
        chunks(integer(i, "chunks")),
        winograd(integer(i, "winograd") != 0) {}

  Index channels() const { return windows.channels; }
  Index own_channels() const { return windows.channels / groups; }
  Index own_filters() const { return filters / groups; }
  Index terms() const { return windows.places() * own_channels(); }
  bool depthwise() const { return groups == windows.channels && filters == windows.channels; }
  // A line of a window is one run of numbers where all of them are seen.
  bool by_lines() const { return groups == 1 && !depthwise(); }
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
  const Index terms = strips.windows.places() * groups.inputs;
  const Index each = panels<T>(groups.outputs), columns = groups.count * groups.outputs;
  const Index runs = strips.runs(), length = strips.run * groups.inputs;
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
          const Index row = n / width, column = n % width;
          if (column + M <= width)
            for (int i = 0; i < M; ++i) at[i] = from + strips.window(row, column + i);
          else
            for (int i = 0; i < M; ++i)
              at[i] = from + strips.window((n + i) / width, (n + i) % width);
          Sums<T, M, V> sums;
          sums.zero();
          add_products(at, offsets, runs, length, panel, sums);
          EVENLY_UNROLL(9)
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
        strips_(conv_.windows, sizeof(T), conv_.by_lines()),
        winograd_(conv_.windows, conv_.filters),
        epilogue_(i),
        x_(i, "x"),
        y_(buffer<T>(i, "y")),
        kernel_(buffer<T>(i, "kernel")),
        bias_(optional_buffer<T>(i, "bias")),
        packed_(optional_buffer<T>(i, "packed")),
        moments_(optional_buffer<double>(i, "moments")),
        band_moments_(optional_buffer<double>(i, "band_moments")),
        bands_(band_moments_ ? smaller(integer(i, "bands"), count_strips()) : 1),
        offsets_(static_cast<std::size_t>(strips_.runs())) {
    strips_.offsets(offsets_.get());
  }

  std::int64_t thread_bytes() const override {
    return conv_.winograd ? winograd_.bytes() : strips_.bytes();
  }

  void run(const Worker& worker, const Batch& batch) const override {
    if (!conv_.depthwise()) {
      pack(worker);
      worker.meet();
    }
    const T* x = x_(batch);
    const Index together = conv_.winograd ? winograd_.together : 1, strips = count_strips();
    // Moments are gathered strip by strip, in the order of the strips of a band.
    const Index parts = moments_ != nullptr ? bands_ : strips;
    const Index tasks = divide_up(batch.rows, together) * parts;
    for (Index t = worker.take(); t < tasks; t = worker.take()) {
      const Index first = t / parts * together, part = t % parts;
      for (Index s = strips * part / parts; s < strips * (part + 1) / parts; ++s)
        strip(worker, x, {first, smaller(first + together, batch.rows)}, s);
    }
    if (bands_ > 1) {
      worker.meet();
      join_bands(worker.share(batch.rows * conv_.filters));
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
  Index count_strips() const { return conv_.winograd ? winograd_.strips : strips_.count; }
  Range output_rows(Index strip) const {
    return conv_.winograd ? winograd_.output_rows(strip) : strips_.rows(strip);
  }

  // Of some examples one strip; of several there is but one.
  void strip(const Worker& worker, const T* x, Range examples, Index number) const {
    const Range rows = output_rows(number);
    const Index width = conv_.windows.width.outputs, count = examples.end - examples.begin;
    const Index before = rows.begin * width, positions = (rows.end - rows.begin) * width;
    const T* image = x + examples.begin * conv_.windows.inputs() * conv_.channels();
    T* scratch = reinterpret_cast<T*>(worker.scratch);
    T* y = y_ + (examples.begin * conv_.windows.outputs() + before) * conv_.filters;
    if (conv_.winograd) {
      winograd_.forward(image, count, number, packed_, scratch, y - before * conv_.filters);
    } else {
      const T* input = strips_.input(image, rows, scratch);
      if (conv_.depthwise())
        depthwise_forward(conv_.windows, strips_, offsets_.get(), input, rows, kernel_, y);
      else
        window_products(strips_, offsets_.get(),
                        {conv_.groups, conv_.own_channels(), conv_.own_filters()}, packed_, input,
                        rows, y);
    }
    finish(y, count * positions);
    if (moments_ != nullptr)
      for (Index e = 0; e < count; ++e)
        add_moments(y + e * positions * conv_.filters, positions, number, examples.begin + e);
  }

  // A large image is cut into bands of strips, which tasks share.
  Index first_strip(Index band) const { return count_strips() * band / bands_; }
  double positions_before(Index strip) const {
    const Index rows =
        strip < count_strips() ? output_rows(strip).begin : conv_.windows.height.outputs;
    return static_cast<double>(rows * conv_.windows.width.outputs);
  }

  // Mean and sum of squared deviations of each filter over an example, or over a band of it, strip
  // by strip: for the batch normalization behind.
  void add_moments(const T* y, Index positions, Index number, Index example) const {
    const Index filters = conv_.filters, band = ((number + 1) * bands_ - 1) / count_strips();
    const double before = positions_before(number) - positions_before(first_strip(band));
    double* mean =
        (bands_ > 1 ? band_moments_ : moments_) + (example * bands_ + band) * 2 * filters;
    double* squares = mean + filters;
    for (Index first = 0; first < filters; first += kStrip) {
      const Index width = smaller(kStrip, filters - first);
      double means[kStrip], own[kStrip];
      block_moments(y, filters, {0, positions}, {first, first + width}, means, own);
      for (Index c = 0; c < width; ++c) {
        Moments all{before, mean[first + c], squares[first + c]};
        if (number == first_strip(band)) all = Moments{};
        all.add({static_cast<double>(positions), means[c], own[c]});
        mean[first + c] = all.mean;
        squares[first + c] = all.squares;
      }
    }
  }

  // The moments of an example from those of its bands, for some filters of all examples.
  void join_bands(Range own) const {
    const Index filters = conv_.filters;
    for (Index t = own.begin; t < own.end; ++t) {
      const Index example = t / filters, filter = t % filters;
      Moments all;
      for (Index b = 0; b < bands_; ++b) {
        const double* from = band_moments_ + (example * bands_ + b) * 2 * filters + filter;
        all.add({positions_before(first_strip(b + 1)) - positions_before(first_strip(b)), from[0],
                 from[filters]});
      }
      moments_[example * 2 * filters + filter] = all.mean;
      moments_[(example * 2 + 1) * filters + filter] = all.squares;
    }
  }

  void pack(const Worker& worker) const {
    if (conv_.winograd)
      return winograd_.pack(worker, packed_, [&](int i, int j, Index c, Index first) {
        return load(kernel_ + ((i * 3 + j) * conv_.channels() + c) * conv_.filters + first);
      });
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
  Winograd<T> winograd_;
  Epilogue<T> epilogue_;
  Source<T> x_;
  T *y_, *kernel_, *bias_, *packed_;
  double *moments_, *band_moments_;  // of each example: mean and squares of every filter
  Index bands_;
  OwnArray<Index> offsets_;
};

}  // namespace evenly::EVENLY_ISA
