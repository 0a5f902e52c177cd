// The gradients of a convolution.
//
//   d_kernel[place] = sum over positions of x' d_z,  d_bias = sum of d_z,
//   d_x = sum over the windows that saw x of d_z kernel'
//
// With stride 1, d_x is itself a convolution: of d_z, with the kernel turned around.
#pragma once
#include "kernels/convolution.hpp"
#include "kernels/small_product.hpp"

namespace evenly::EVENLY_ISA {

// The convolution that computes d_x where the stride is 1.
inline Windows turned_around(Windows w, Index filters) {
  const auto turn = [](Axis a) {
    return Axis{a.outputs, a.size, a.window, 1, a.dilation, (a.window - 1) * a.dilation - a.before};
  };
  w.height = turn(w.height);
  w.width = turn(w.width);
  w.channels = filters;
  return w;
}

inline bool can_turn(const Windows& w) {
  const auto fits = [](const Axis& a) {
    return a.stride == 1 && (a.window - 1) * a.dilation >= a.before;
  };
  return fits(w.height) && fits(w.width);
}

template <class T>
class ConvolutionBackward final : public Kernel {
 public:
  explicit ConvolutionBackward(const Instruction& i)
      : conv_(i),
        strips_(conv_.windows, sizeof(T)),
        turned_(can_turn(conv_.windows)),
        back_(turned_ ? turned_around(conv_.windows, conv_.filters) : conv_.windows, sizeof(T)),
        epilogue_(i),
        x_(i, "x"),
        y_(i, "y"),
        d_y_(i, "d_y"),
        d_x_(optional_buffer<T>(i, "d_x")),
        kernel_(buffer<T>(i, "kernel")),
        d_kernel_(buffer<T>(i, "d_kernel")),
        d_bias_(optional_buffer<T>(i, "d_bias")),
        d_z_(optional_buffer<T>(i, "d_z")),
        packed_(optional_buffer<T>(i, "packed")),
        partials_(buffer<T>(i, "partials")),
        offsets_(static_cast<std::size_t>(conv_.windows.places())),
        back_offsets_(static_cast<std::size_t>(conv_.windows.places())) {
    strips_.offsets(offsets_.get());
    back_.offsets(back_offsets_.get());
  }

  std::int64_t thread_bytes() const override {
    const Index number = static_cast<Index>(sizeof(T));
    const Index kernel =
        strips_.bytes() + kLine + strips_.step * conv_.windows.width.outputs * kPanel<T> * number;
    const Index input = turned_ ? back_.bytes() : columns_tile() * conv_.terms() * number;
    return larger(kernel, input);
  }

  void run(const Worker& worker, const Batch& batch) const override {
    const T* d_z = d_y_(batch);
    const Index positions = batch.rows * conv_.windows.outputs();
    if (epilogue_.present()) {
      epilogue_.backward_all(y_(batch), d_z, d_z_, positions * conv_.filters, worker, batch);
      d_z = d_z_;
    }
    if (d_x_ != nullptr && turned_ && !conv_.depthwise()) pack(worker);
    worker.meet();
    const T* x = x_(batch);
    const Index bias = d_bias_ ? divide_up(conv_.filters, kBiasStrip) : 0;
    const Index inputs = d_x_ ? batch.rows * (turned_ && !conv_.depthwise() ? back_.count : 1) : 0;
    const Index tasks = conv_.chunks + inputs + bias;
    for (Index t = worker.take(); t < tasks; t = worker.take()) {
      if (t < conv_.chunks) {
        kernel_chunk(worker, t, x, d_z, batch.rows);
      } else if (t < conv_.chunks + inputs) {
        input_gradient(worker, t - conv_.chunks, d_z);
      } else {
        const Index begin = (t - conv_.chunks - inputs) * kBiasStrip;
        column_sums(d_z, positions, conv_.filters,
                    {begin, smaller(begin + kBiasStrip, conv_.filters)}, d_bias_);
      }
    }
    worker.meet();
    add_partials(worker);
  }

 private:
  static constexpr Index kBiasStrip = 128, kLine = 64;

  // Input -----------------------------------------------------------------------------------

  // The kernel turned around: of each group, (places x own filters) by own channels.
  void pack(const Worker& worker) const {
    const Index channels = conv_.own_channels(), filters = conv_.own_filters();
    const Index places = conv_.windows.places(), terms = places * filters;
    const Index each = panels<T>(channels);
    const Range mine = worker.share(conv_.groups * each);
    for (Index p = mine.begin; p < mine.end; ++p) {
      const Index group = p / each;
      pack_panels<T>({p % each, p % each + 1}, terms, channels,
                     packed_ + group * each * terms * kPanel<T>, [&](Index r, Index c) {
                       const Index place = places - 1 - r / filters, f = r % filters;
                       return kernel_[(place * channels + c) * conv_.filters + group * filters + f];
                     });
    }
  }

  void input_gradient(const Worker& worker, Index task, const T* d_z) const {
    const Index outputs = conv_.windows.outputs(), inputs = conv_.windows.inputs();
    T* scratch = reinterpret_cast<T*>(worker.scratch);
    if (turned_ && !conv_.depthwise()) {
      const Index example = task / back_.count;
      const Range rows = back_.rows(task % back_.count);
      const T* strip = back_.input(d_z + example * outputs * conv_.filters, rows, scratch);
      window_products(
          back_, back_offsets_.get(), {conv_.groups, conv_.own_filters(), conv_.own_channels()},
          packed_, strip, rows,
          d_x_ + (example * inputs + rows.begin * conv_.windows.width.size) * conv_.channels());
      return;
    }
    T* d_x = d_x_ + task * inputs * conv_.channels();
    const T* from = d_z + task * outputs * conv_.filters;
    std::memset(d_x, 0, static_cast<std::size_t>(inputs * conv_.channels()) * sizeof(T));
    if (conv_.depthwise())
      depthwise_input(conv_.windows, from, kernel_, d_x);
    else
      scatter(from, d_x, scratch);
  }

  // Any stride: the gradients of a tile of windows, then each number to the position it belongs to.
  Index columns_tile() const {
    return larger(1, smaller(conv_.windows.outputs(), (Index{1} << 17) / conv_.terms()));
  }
  void scatter(const T* d_z, T* d_x, T* tile) const {
    const Windows& w = conv_.windows;
    const Index channels = conv_.own_channels(), filters = conv_.own_filters();
    const Index terms = conv_.terms(), step = columns_tile();
    for (Index group = 0; group < conv_.groups; ++group)
      for (Index begin = 0; begin < w.outputs(); begin += step) {
        const Index count = smaller(step, w.outputs() - begin);
        matrix_product(false, true, count, terms, filters,
                       d_z + begin * conv_.filters + group * filters, conv_.filters,
                       kernel_ + group * filters, conv_.filters, false, tile, terms);
        for (Index n = 0; n < count; ++n) {
          const Index row = (begin + n) / w.width.outputs, column = (begin + n) % w.width.outputs;
          for (Index i = w.height.first(row); i < w.height.end(row); ++i)
            for (Index j = w.width.first(column); j < w.width.end(column); ++j) {
              const T* from = tile + n * terms + (i * w.width.window + j) * channels;
              T* to = d_x +
                      (w.height.position(row, i) * w.width.size + w.width.position(column, j)) *
                          w.channels +
                      group * channels;
#pragma omp simd
              for (Index c = 0; c < channels; ++c) to[c] += from[c];
            }
        }
      }
  }

  // Kernel ----------------------------------------------------------------------------------

  // A part of the batch: its sums stand apart, and are added up in order at the end.
  void kernel_chunk(const Worker& worker, Index chunk, const T* x, const T* d_z, Index rows) const {
    const Range examples{rows * chunk / conv_.chunks, rows * (chunk + 1) / conv_.chunks};
    const Index size = partial_size(), inputs = conv_.windows.inputs() * conv_.channels(),
                outputs = conv_.windows.outputs() * conv_.filters;
    T* sums = partials_ + chunk * size;
    std::memset(sums, 0, static_cast<std::size_t>(size) * sizeof(T));
    for (Index e = examples.begin; e < examples.end; ++e) {
      if (conv_.depthwise()) {
        depthwise_kernel(conv_.windows, x + e * inputs, d_z + e * outputs, sums);
        continue;
      }
      for (Index s = 0; s < strips_.count; ++s) {
        const Range strip_rows = strips_.rows(s);
        T* copy = reinterpret_cast<T*>(worker.scratch);
        const T* strip = strips_.input(x + e * inputs, strip_rows, copy);
        T* packed =
            copy + divide_up(strips_.bytes(), kLine) * kLine / static_cast<Index>(sizeof(T));
        kernel_strip(
            strip, strip_rows,
            d_z + e * outputs + strip_rows.begin * conv_.windows.width.outputs * conv_.filters,
            packed, sums);
      }
    }
  }

  Index partial_size() const {
    if (conv_.depthwise()) return conv_.terms() * conv_.filters;
    return conv_.groups * conv_.terms() * panels<T>(conv_.own_filters()) * kPanel<T>;
  }

  void kernel_strip(const T* strip, Range rows, const T* d_z, T* packed, T* sums_out) const {
    const Index filters = conv_.own_filters(), channels = conv_.own_channels();
    const Index width = conv_.windows.width.outputs, count = rows.end - rows.begin;
    const Index positions = count * width, terms = conv_.terms(), each = panels<T>(filters);
    // An image of width 1 is walked along its height.
    const Index lines = width == 1 ? 1 : count, length = width == 1 ? count : width;
    const Index step = width == 1 ? strips_.window(1, 0) : strips_.window(0, 1);
    for (Index group = 0; group < conv_.groups; ++group) {
      const T* from = strip + group * channels;
      for (Index p = 0; p < each; ++p) {
        const Index first = p * kPanel<T>;
        pack_panels<T>(
            {0, 1}, positions, smaller(kPanel<T>, filters - first), packed,
            [&](Index r, Index c) { return d_z[r * conv_.filters + group * filters + first + c]; });
        T* out = sums_out + (group * each + p) * terms * kPanel<T>;
        const auto tiles = [&](auto vectors) {
          constexpr int V = decltype(vectors)::rows;
          for (Index k = 0; k < terms; k += kRowsOf<V>)
            with_rows<kRowsOf<V>>(smaller(kRowsOf<V>, terms - k), [&](auto tile) {
              constexpr int M = decltype(tile)::rows;
              const T* base[M];
              for (int i = 0; i < M; ++i)
                base[i] = from + offsets_.get()[(k + i) / channels] + (k + i) % channels;
              Sums<T, M, V> sums;
              T* to = out + k * kPanel<T>;
              for (int i = 0; i < M; ++i) sums.take(i, to + i * kPanel<T>, kPanel<T>);
              for (Index r = 0; r < lines; ++r) {
                const T* at[M];
                for (int i = 0; i < M; ++i) at[i] = base[i] + strips_.window(r, 0);
                add_outer(at, step, length, packed + r * length * kPanel<T>, sums);
              }
              for (int i = 0; i < M; ++i) sums.put(i, to + i * kPanel<T>, kPanel<T>);
            });
        };
        with_vectors<T>(filters - first, tiles);
      }
    }
  }

  void add_partials(const Worker& worker) const {
    const Index size = partial_size(), filters = conv_.own_filters(), terms = conv_.terms();
    const Index each = panels<T>(filters);
    const Range mine = worker.share(terms * conv_.groups);
    for (Index t = mine.begin; t < mine.end; ++t) {
      const Index group = t / terms, term = t % terms;
      for (Index f = 0; f < filters; ++f) {
        const Index at =
            conv_.depthwise()
                ? term * conv_.filters + group
                : ((group * each + f / kPanel<T>)*terms + term) * kPanel<T> + f % kPanel<T>;
        T sum = partials_[at];
        for (Index c = 1; c < conv_.chunks; ++c) sum += partials_[c * size + at];
        d_kernel_[term * conv_.filters + group * filters + f] = sum;
      }
    }
  }

  Convolution<T> conv_;
  Strips2D strips_;
  bool turned_;
  Strips2D back_;
  Epilogue<T> epilogue_;
  Source<T> x_, y_, d_y_;
  T *d_x_, *kernel_, *d_kernel_, *d_bias_, *d_z_, *packed_, *partials_;
  OwnArray<Index> offsets_, back_offsets_;
};

}  // namespace evenly::EVENLY_ISA
