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
        strips_(conv_.windows, sizeof(T), conv_.by_lines()),
        turned_(can_turn(conv_.windows) && !conv_.depthwise()),
        back_(turned_ ? turned_around(conv_.windows, conv_.filters) : conv_.windows, sizeof(T),
              conv_.by_lines()),
        bands_(conv_.windows.height, kBandRows),
        winograd_(conv_.windows, conv_.filters),
        winograd_back_(back_.windows, conv_.channels()),
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
        bias_partials_(buffer<double>(i, "scratch")),
        offsets_(static_cast<std::size_t>(strips_.runs())),
        back_offsets_(static_cast<std::size_t>(back_.runs())) {
    strips_.offsets(offsets_.get());
    back_.offsets(back_offsets_.get());
  }

  std::int64_t thread_bytes() const override {
    if (conv_.winograd) return larger(winograd_.bytes(), winograd_back_.bytes());
    const Index number = static_cast<Index>(sizeof(T));
    const Index kernel =
        strips_.bytes() + kLine + strips_.step * conv_.windows.width.outputs * kPanel<T> * number;
    const Index input = turned_             ? back_.bytes()
                        : conv_.depthwise() ? 0
                                            : columns_tile() * conv_.terms() * number;
    return larger(kernel, input);
  }

  void run(const Worker& worker, const Batch& batch) const override {
    const T* d_z = d_y_(batch);
    const Index positions = batch.rows * conv_.windows.outputs();
    if (epilogue_.present()) {
      epilogue_.backward_all(y_(batch), d_z, d_z_, positions * conv_.filters, worker, batch);
      d_z = d_z_;
    }
    if (d_x_ != nullptr && turned_) pack(worker);
    worker.meet();
    const T* x = x_(batch);
    const Index parts = kernel_parts(), chunks = kernel_chunks(batch.rows),
                kernels = chunks * parts;
    const Index tasks = kernels + (d_x_ ? input_tasks(batch.rows) : 0);
    for (Index t = worker.take(); t < tasks; t = worker.take()) {
      if (t < kernels)
        kernel_chunk(worker, {t / parts, chunks}, t % parts, x, d_z, batch.rows);
      else
        input_gradient(worker, t - kernels, d_z, batch.rows);
    }
    worker.meet();
    add_partials(worker, chunks);
  }

 private:
  static constexpr Index kLine = 64;
  static constexpr Index kFewTerms = 64;  // that do not make up for a copy of what they all read
  static constexpr Index kTasks = 16;     // that the gradient on the kernel is worth
  static constexpr Index kBandRows = 8;   // of outputs: neighbouring bands both compute some
  static bool is_few(Index examples) { return examples < kTasks; }

  // Input -----------------------------------------------------------------------------------

  // The kernel turned around: of each group, (places x own filters) by own channels.
  void pack(const Worker& worker) const {
    if (conv_.winograd)
      return winograd_back_.pack(worker, packed_, [&](int i, int j, Index f, Index first) {
        const T* from =
            kernel_ + (((2 - i) * 3 + 2 - j) * conv_.channels() + first) * conv_.filters;
        T row[kVector<T>];
        for (Index c = 0; c < kVector<T>; ++c) row[c] = from[c * conv_.filters + f];
        return load(row);
      });
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

  Index input_parts(Index examples) const {
    if (conv_.winograd) return winograd_back_.strips;
    return turned_ ? back_.count : is_few(examples) ? bands_.count : 1;
  }
  Index input_tasks(Index examples) const {
    const Index together = conv_.winograd ? winograd_back_.together : 1;
    return divide_up(examples, together) * input_parts(examples);
  }

  // Of one of some parts of an example, or of some whole ones.
  void input_gradient(const Worker& worker, Index task, const T* all_d_z, Index examples) const {
    const Windows& w = conv_.windows;
    const Index parts = input_parts(examples), part = task % parts;
    const Index together = conv_.winograd ? winograd_back_.together : 1;
    const Index example = task / parts * together;
    const T* d_z = all_d_z + example * w.outputs() * conv_.filters;
    T* d_x = d_x_ + example * w.inputs() * conv_.channels();
    T* scratch = reinterpret_cast<T*>(worker.scratch);
    if (conv_.winograd)
      return winograd_back_.forward(d_z, smaller(together, examples - example), part, packed_,
                                    scratch, d_x);
    const Index line = w.width.size * conv_.channels();
    if (turned_) {
      const Range rows = back_.rows(part);
      const T* strip = back_.input(d_z, rows, scratch);
      return window_products(back_, back_offsets_.get(),
                             {conv_.groups, conv_.own_filters(), conv_.own_channels()}, packed_,
                             strip, rows, d_x + rows.begin * line);
    }
    const Range rows = parts > 1 ? bands_.rows(part) : Range{0, w.height.size};
    std::memset(d_x + rows.begin * line, 0,
                static_cast<std::size_t>((rows.end - rows.begin) * line) * sizeof(T));
    if (conv_.depthwise())
      depthwise_input(w, d_z, kernel_, d_x, rows);
    else
      scatter(d_z, d_x, scratch, rows);
  }

  // Any stride: the gradients of a tile of windows, then each number to the position it belongs to,
  // if that lies on the rows.
  Index columns_tile() const {
    return larger(1, smaller(conv_.windows.outputs(), (Index{1} << 17) / conv_.terms()));
  }
  void scatter(const T* d_z, T* d_x, T* tile, Range rows) const {
    const Windows& w = conv_.windows;
    const Index channels = conv_.own_channels(), filters = conv_.own_filters();
    const Index terms = conv_.terms(), step = columns_tile();
    const Range reach = w.height.outputs_on(rows);
    const Index last = reach.end * w.width.outputs;
    for (Index group = 0; group < conv_.groups; ++group)
      for (Index begin = reach.begin * w.width.outputs; begin < last; begin += step) {
        const Index count = smaller(step, last - begin);
        matrix_product(false, true, count, terms, filters,
                       d_z + begin * conv_.filters + group * filters, conv_.filters,
                       kernel_ + group * filters, conv_.filters, false, tile, terms);
        for (Index n = 0; n < count; ++n) {
          const Index row = (begin + n) / w.width.outputs, column = (begin + n) % w.width.outputs;
          const Range lines = w.height.places(row, rows);
          for (Index i = lines.begin; i < lines.end; ++i)
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

  Index kernel_chunks(Index examples) const {
    return conv_.winograd ? smaller(conv_.chunks, winograd_.parts(examples)) : conv_.chunks;
  }
  // Parts of a chunk: of its panels, where there are few chunks.
  Index kernel_parts() const {
    if (conv_.depthwise() || conv_.winograd) return 1;
    return smaller(conv_.groups * panels<T>(conv_.own_filters()), divide_up(kTasks, conv_.chunks));
  }

  // One of so many chunks of the batch.
  struct Chunk {
    Index number, of;
    Range share(Index all) const { return {all * number / of, all * (number + 1) / of}; }
  };

  // Its blocks, of some whole examples or of a strip of one.
  void tiles_chunk(const Worker& worker, Chunk chunk, const T* x, const T* d_z, Index rows) const {
    const Index inputs = conv_.windows.inputs() * conv_.channels(),
                outputs = conv_.windows.outputs() * conv_.filters;
    T* sums = partials_ + chunk.number * partial_size();
    double* bias = bias_partials_ + chunk.number * conv_.filters;
    for (Index f = 0; f < conv_.filters; ++f) bias[f] = 0;
    const Range own = chunk.share(divide_up(rows, winograd_.together) * winograd_.strips);
    if (own.begin == own.end)
      std::memset(sums, 0, static_cast<std::size_t>(partial_size()) * sizeof(T));
    for (Index block = own.begin; block < own.end; ++block) {
      const Index first = block / winograd_.strips * winograd_.together;
      const Index strip = block % winograd_.strips;
      const Index count = smaller(winograd_.together, rows - first);
      winograd_.add_kernel(x + first * inputs, d_z + first * outputs, count, strip,
                           block > own.begin, reinterpret_cast<T*>(worker.scratch), sums);
      const Range lines = winograd_.output_rows(strip);
      const Index width = conv_.windows.width.outputs;
      if (d_bias_)
        add_bias(count * (lines.end - lines.begin) * width,
                 d_z + first * outputs + lines.begin * width * conv_.filters, bias);
    }
  }

  // Some strips of the batch: their sums stand apart, and are added up in order at the end.
  void kernel_chunk(const Worker& worker, Chunk chunk, Index part, const T* x, const T* d_z,
                    Index rows) const {
    if (conv_.winograd) return tiles_chunk(worker, chunk, x, d_z, rows);
    const Index parts = kernel_parts();
    const Range own = chunk.share(rows * strips_.count);
    const Index all = conv_.groups * panels<T>(conv_.own_filters());
    const Range mine{all * part / parts, all * (part + 1) / parts};
    const Index size = partial_size(), inputs = conv_.windows.inputs() * conv_.channels(),
                outputs = conv_.windows.outputs() * conv_.filters;
    const Index panel = conv_.depthwise() ? size : conv_.terms() * kPanel<T>;
    const Range numbers =
        conv_.depthwise() ? Range{0, size} : Range{mine.begin * panel, mine.end * panel};
    T* sums = partials_ + chunk.number * size;
    std::memset(sums + numbers.begin, 0,
                static_cast<std::size_t>(numbers.end - numbers.begin) * sizeof(T));
    double* bias = bias_partials_ + chunk.number * conv_.filters;
    for (Index f = 0; part == 0 && f < conv_.filters; ++f) bias[f] = 0;
    for (Index n = own.begin; n < own.end; ++n) {
      const Index e = n / strips_.count;
      const Range strip_rows = strips_.rows(n % strips_.count);
      const Index width = conv_.windows.width.outputs;
      const T* strip_d_z = d_z + e * outputs + strip_rows.begin * width * conv_.filters;
      if (d_bias_ && part == 0)
        add_bias((strip_rows.end - strip_rows.begin) * width, strip_d_z, bias);
      if (conv_.depthwise()) {
        depthwise_kernel(conv_.windows, x + e * inputs, strip_d_z, strip_rows, sums);
        continue;
      }
      T* copy = reinterpret_cast<T*>(worker.scratch);
      const T* strip = strips_.input(x + e * inputs, strip_rows, copy);
      T* packed = copy + divide_up(strips_.bytes(), kLine) * kLine / static_cast<Index>(sizeof(T));
      kernel_strip(strip, strip_rows, strip_d_z, mine, packed, sums);
    }
  }

  void add_bias(Index positions, const T* d_z, double* bias) const {
    for (Index first = 0; first < conv_.filters; first += kStrip)
      add_column_sums(d_z, positions, conv_.filters,
                      {first, smaller(first + kStrip, conv_.filters)}, bias + first);
  }

  Index partial_size() const {
    if (conv_.winograd) return winograd_.kernel_size();
    if (conv_.depthwise()) return conv_.terms() * conv_.filters;
    return conv_.groups * conv_.terms() * panels<T>(conv_.own_filters()) * kPanel<T>;
  }

  // Of some panels, counted over all groups.
  void kernel_strip(const T* strip, Range rows, const T* d_z, Range mine, T* packed,
                    T* sums_out) const {
    const Index filters = conv_.own_filters(), channels = conv_.own_channels();
    const Index width = conv_.windows.width.outputs;
    const Index count = rows.end - rows.begin;
    const Index positions = count * width, terms = conv_.terms(), each = panels<T>(filters);
    const Index run = strips_.run * channels;
    // An image of width 1 is walked along its height.
    const Index lines = width == 1 ? 1 : count, length = width == 1 ? count : width;
    const Index step = width == 1 ? strips_.window(1, 0) : strips_.window(0, 1);
    for (Index panel = mine.begin; panel < mine.end; ++panel) {
      const Index group = panel / each, first = panel % each * kPanel<T>;
      const T* from = strip + group * channels;
      const T* of_rows = d_z + group * filters + first;
      const Index own = smaller(kPanel<T>, filters - first);
      PanelRows<T> lie{conv_.filters};
      if (own % kVector<T> != 0 || crowded<T>(conv_.filters) ||
          (conv_.filters > kPanel<T> && terms > kFewTerms)) {
        pack_panels<T>({0, 1}, positions, own, packed,
                       [&](Index r, Index c) { return of_rows[r * conv_.filters + c]; });
        of_rows = packed;
        lie = {};
      }
      T* out = sums_out + panel * terms * kPanel<T>;
      const auto tiles = [&](auto vectors) {
        constexpr int V = decltype(vectors)::rows;
        for (Index k = 0; k < terms; k += kRowsOf<V>)
          with_rows<kRowsOf<V>>(smaller(kRowsOf<V>, terms - k), [&](auto tile) {
            constexpr int M = decltype(tile)::rows;
            const T* base[M];
            for (int i = 0; i < M; ++i)
              base[i] = from + offsets_.get()[(k + i) / run] + (k + i) % run;
            Sums<T, M, V> sums;
            T* to = out + k * kPanel<T>;
            for (int i = 0; i < M; ++i) sums.take(i, to + i * kPanel<T>, kPanel<T>);
            for (Index r = 0; r < lines; ++r) {
              const T* at[M];
              for (int i = 0; i < M; ++i) at[i] = base[i] + strips_.window(r, 0);
              add_outer(at, step, length, of_rows + r * length * lie.pitch, sums, lie);
            }
            EVENLY_UNROLL(9)
            for (int i = 0; i < M; ++i) sums.put(i, to + i * kPanel<T>, kPanel<T>);
          });
      };
      with_vectors<T>(filters - first, tiles);
    }
  }

  void add_partials(const Worker& worker, Index chunks) const {
    const Index filters = conv_.own_filters(), terms = conv_.terms();
    if (d_bias_)
      total_of_blocks(bias_partials_, chunks, conv_.filters, worker.share(conv_.filters), d_bias_);
    if (conv_.winograd) return winograd_.kernel_gradient(worker, partials_, chunks, d_kernel_);
    if (conv_.depthwise()) return add_chunks(worker.share(partial_size()), d_kernel_);
    const Index each = panels<T>(filters);
    const Range mine = worker.share(conv_.groups * each * terms);
    for (Index t = mine.begin; t < mine.end; ++t) {
      const Index panel = t / terms, first = panel % each * kPanel<T>;
      T sums[kPanel<T>];
      add_chunks({t * kPanel<T>, (t + 1) * kPanel<T>}, sums);
      std::memcpy(d_kernel_ + t % terms * conv_.filters + panel / each * filters + first, sums,
                  static_cast<std::size_t>(smaller(kPanel<T>, filters - first)) * sizeof(T));
    }
  }

  // What the chunks have for some numbers, to where the first of them belongs or to its own place.
  void add_chunks(Range own, T* all_to) const {
    const Index size = partial_size();
    T* to = conv_.depthwise() ? all_to + own.begin : all_to;
    const T* from = partials_ + own.begin;
    for (Index i = 0; i < own.end - own.begin; ++i) to[i] = from[i];
    for (Index c = 1; c < conv_.chunks; ++c) {
      from += size;
#pragma omp simd
      for (Index i = 0; i < own.end - own.begin; ++i) to[i] += from[i];
    }
  }

  Convolution<T> conv_;
  Strips2D strips_;
  bool turned_;
  Strips2D back_;
  InputBands bands_;
  Winograd<T> winograd_, winograd_back_;
  Epilogue<T> epilogue_;
  Source<T> x_, y_, d_y_;
  T *d_x_, *kernel_, *d_kernel_, *d_bias_, *d_z_, *packed_, *partials_;
  double* bias_partials_;  // of each chunk
  OwnArray<Index> offsets_, back_offsets_;
};

}  // namespace evenly::EVENLY_ISA
