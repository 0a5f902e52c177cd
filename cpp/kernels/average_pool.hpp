// Average pooling: the mean of a window, channel by channel.
#pragma once
#include "kernels/pooling.hpp"
#include "support/compiler.hpp"

namespace evenly::EVENLY_ISA {

// By how many numbers the sum of a window is divided. What the last one reaches over behind the
// padding never counts.
struct WindowCount {
  Windows windows;
  bool with_padding;
  Index height_end, width_end;  // behind the padding

  explicit WindowCount(const Instruction& i)
      : windows(i),
        with_padding(number(i, "count_padding") != 0),
        height_end(windows.height.size + integer(i, "after_height")),
        width_end(windows.width.size + integer(i, "after_width")) {}
  Index operator()(Index row, Index column) const {
    const Axis &height = windows.height, &width = windows.width;
    if (with_padding)
      return height.places_before(height_end, row) * width.places_before(width_end, column);
    return (height.end(row) - height.first(row)) * (width.end(column) - width.first(column));
  }
};

template <class T>
class AveragePoolForward final : public Kernel {
 public:
  explicit AveragePoolForward(const Instruction& i)
      : count_(i),
        bands_(i),
        x_(i, "x"),
        y_(buffer<T>(i, "y")),
        partial_(optional_buffer<T>(i, "partial")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T* x = x_(batch);
    const Windows& w = count_.windows;
    if (bands_.count > 1) return in_bands(worker, batch, x);
    const bool corners = is_two_by_two(w);
    const Range lines = worker.share(batch.rows * w.height.outputs);
    for (Index line = lines.begin; line < lines.end; ++line) {
      const Index row = line % w.height.outputs;
      const T* image = x + line / w.height.outputs * w.inputs() * w.channels;
      T* y = y_ + line * w.width.outputs * w.channels;
      if (corners)
        means_of_corners(image, row, y);
      else
        means(image, row, y);
    }
  }

 private:
  // A row of outputs. Apart, so that each loop has the registers to itself.
  EVENLY_APART void means_of_corners(const T* image, Index row, T* y) const {
    const Windows& w = count_.windows;
    for (Index column = 0; column < w.width.outputs; ++column, y += w.channels) {
      const Corners<const T> four(image + Corners<const T>::position(w, row, column), w);
#pragma omp simd
      for (Index c = 0; c < w.channels; ++c)
        y[c] = ((four.a[c] + four.b[c]) + (four.c[c] + four.d[c])) * T(0.25);
    }
  }

  EVENLY_APART void means(const T* image, Index row, T* y) const {
    const Windows& w = count_.windows;
    const Range lines{w.height.first(row), w.height.end(row)};
    for (Index column = 0; column < w.width.outputs; ++column, y += w.channels) {
      const T share = T(1) / static_cast<T>(count_(row, column));
      for (Index first = 0; first < w.channels; first += kPoolRun)
        mean(image + first, row, column, lines, smaller(kPoolRun, w.channels - first), share,
             y + first);
    }
  }

  // Lines of a window are summed apart, so that large windows lose no digits.
  void mean(const T* x, Index row, Index column, Range lines, Index count, T share, T* y) const {
    const Windows& w = count_.windows;
    T total[kPoolRun];
    for (Index c = 0; c < count; ++c) total[c] = T(0);
    for (Index i = lines.begin; i < lines.end; ++i) {
      T line[kPoolRun];
      for (Index c = 0; c < count; ++c) line[c] = T(0);
      for (Index j = w.width.first(column); j < w.width.end(column); ++j) {
        const T* from =
            x +
            (w.height.position(row, i) * w.width.size + w.width.position(column, j)) * w.channels;
#pragma omp simd
        for (Index c = 0; c < count; ++c) line[c] += from[c];
      }
#pragma omp simd
      for (Index c = 0; c < count; ++c) total[c] += line[c];
    }
#pragma omp simd
    for (Index c = 0; c < count; ++c) y[c] = total[c] * share;
  }

  EVENLY_APART void in_bands(const Worker& worker, const Batch& batch, const T* x) const {
    const Windows& w = count_.windows;
    const Range own = worker.share(batch.rows * bands_.count);
    for (Index t = own.begin; t < own.end; ++t) {
      const T* image = x + t / bands_.count * w.inputs() * w.channels;
      for (Index first = 0; first < w.channels; first += kPoolRun)
        mean(image + first, 0, 0, bands_.band(t % bands_.count),
             smaller(kPoolRun, w.channels - first), T(1), partial_ + t * w.channels + first);
    }
    worker.meet();
    join(worker, batch);
  }

  void join(const Worker& worker, const Batch& batch) const {
    const Index channels = count_.windows.channels;
    const double share = 1.0 / static_cast<double>(count_(0, 0));
    const Range own = worker.share(batch.rows * channels);
    for (Index t = own.begin; t < own.end; ++t) {
      const T* from = partial_ + t / channels * bands_.count * channels + t % channels;
      double total = 0;
      for (Index b = 0; b < bands_.count; ++b) total += static_cast<double>(from[b * channels]);
      y_[t] = static_cast<T>(total * share);
    }
  }

  WindowCount count_;
  WindowBands bands_;
  Source<T> x_;
  T *y_, *partial_;
};

template <class T>
void put_share(const T* from, T share, Index count, T* to) {
#pragma omp simd
  for (Index c = 0; c < count; ++c) to[c] = from[c] * share;
}
template <class T>
void add_share(const T* from, T share, Index count, T* to) {
#pragma omp simd
  for (Index c = 0; c < count; ++c) to[c] += from[c] * share;
}

template <class T>
class AveragePoolBackward final : public Kernel {
 public:
  explicit AveragePoolBackward(const Instruction& i)
      : count_(i), tiling_(is_tiling(count_.windows)), d_y_(i, "d_y"), d_x_(buffer<T>(i, "d_x")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T* d_y = d_y_(batch);
    const Windows& w = count_.windows;
    const Index channels = w.channels, line = w.width.size * channels;
    const Index inputs = w.inputs() * channels, outputs = w.outputs() * channels;
    const bool corners = is_two_by_two(w);
    for_bands(
        worker, batch, w,
        [&](Index e, Range rows) {
          if (!tiling_)
            std::memset(d_x_ + e * inputs + rows.begin * line, 0,
                        static_cast<std::size_t>((rows.end - rows.begin) * line) * sizeof(T));
        },
        [&](Index e, Range rows, Index row) {
          T* d_x = d_x_ + e * inputs;
          const T* from = d_y + e * outputs + row * w.width.outputs * channels;
          if (corners)
            give_corners(from, d_x, row);
          else
            give(from, d_x, row, rows);
        });
  }

 private:
  // Of a row of outputs.
  EVENLY_APART void give_corners(const T* from, T* d_x, Index row) const {
    const Windows& w = count_.windows;
    for (Index column = 0; column < w.width.outputs; ++column, from += w.channels) {
      const Corners<T> four(d_x + Corners<T>::position(w, row, column), w);
#pragma omp simd
      for (Index c = 0; c < w.channels; ++c)
        four.a[c] = four.b[c] = four.c[c] = four.d[c] = from[c] * T(0.25);
    }
  }

  EVENLY_APART void give(const T* from, T* d_x, Index row, Range rows) const {
    const Index channels = count_.windows.channels;
    for (Index column = 0; column < count_.windows.width.outputs; ++column, from += channels) {
      const T share = T(1) / static_cast<T>(count_(row, column));
      for_places(count_.windows, row, column, rows, [&](Index, Index position) {
        T* to = d_x + position * channels;
        if (tiling_)
          put_share(from, share, channels, to);
        else
          add_share(from, share, channels, to);
      });
    }
  }

  WindowCount count_;
  bool tiling_;
  Source<T> d_y_;
  T* d_x_;
};

}  // namespace evenly::EVENLY_ISA
