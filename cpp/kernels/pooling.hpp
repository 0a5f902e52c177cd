// Pooling: the largest number of a window, or its mean, channel by channel.
#pragma once
#include "kernels/window.hpp"
#include "support/lanes.hpp"

namespace evenly::EVENLY_ISA {

constexpr Index kPoolRun = 64;  // channels that are handled together

// Calls work(output position, example, row, column) for every output of this worker's examples.
template <class Work>
void for_outputs(const Worker& worker, const Batch& batch, const Windows& w, Work work) {
  const Range lines = worker.share(batch.rows * w.height.outputs);
  for (Index line = lines.begin; line < lines.end; ++line)
    for (Index column = 0; column < w.width.outputs; ++column)
      work(line * w.width.outputs + column, line / w.height.outputs, line % w.height.outputs,
           column);
}

// Calls work(place, input position) for every place of a window that lies on the input.
template <class Work>
void for_places(const Windows& w, Index row, Index column, Work work) {
  for (Index i = w.height.first(row); i < w.height.end(row); ++i)
    for (Index j = w.width.first(column); j < w.width.end(column); ++j)
      work(i * w.width.window + j,
           w.height.position(row, i) * w.width.size + w.width.position(column, j));
}

// Whether every input position stands in exactly one window.
inline bool is_tiling(const Windows& w) {
  const auto tiles = [](const Axis& a) {
    return a.window == a.stride && a.dilation == 1 && a.before == 0 &&
           a.size == a.outputs * a.stride;
  };
  return tiles(w.height) && tiles(w.width);
}

// Windows of two by two that tile the input, which most are: the four numbers are read at once.
inline bool is_two_by_two(const Windows& w) {
  return is_tiling(w) && w.height.window == 2 && w.width.window == 2;
}

// The four places of such a window, from its first.
template <class T>
struct Corners {
  T *a, *b, *c, *d;
  Corners(T* first, const Windows& w)
      : a(first), b(first + w.channels), c(first + w.width.size * w.channels), d(c + w.channels) {}
  static Index position(const Windows& w, Index row, Index column) {
    return (2 * row * w.width.size + 2 * column) * w.channels;
  }
};

template <class T>
class MaxPoolForward final : public Kernel {
 public:
  explicit MaxPoolForward(const Instruction& i)
      : windows_(i),
        x_(i, "x"),
        y_(buffer<T>(i, "y")),
        places_(reinterpret_cast<std::uint8_t*>(optional_buffer<T>(i, "places"))) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T* x = x_(batch);
    const Index channels = windows_.channels;
    const bool corners = is_two_by_two(windows_);
    for_outputs(worker, batch, windows_, [&](Index at, Index example, Index row, Index column) {
      const T* image = x + example * windows_.inputs() * channels;
      const Index done = corners ? largest_of_four(image, row, column, at * channels) : 0;
      for (Index first = done; first < channels; first += kPoolRun)
        largest(image + first, row, column, smaller(kPoolRun, channels - first),
                at * channels + first);
    });
  }

 private:
  // As below, for windows of two by two, in vectors of channels: compilers do not
  // find them in the choices. Returns how many channels are done.
  Index largest_of_four(const T* image, Index row, Index column, Index to) const {
    using Numbers = typename SideBySide<T>::Numbers;
    using Whole = typename SideBySide<T>::Whole;
    const Corners<const T> four(image + Corners<const T>::position(windows_, row, column),
                                windows_);
    Index c = 0;
    for (; c + SideBySide<T>::kCount <= windows_.channels; c += SideBySide<T>::kCount) {
      auto best = load_side<Numbers>(four.a + c);
      Whole where = {};
      const auto meet = [&](const T* from, int number) {
        const auto next = load_side<Numbers>(from + c);
        const Whole wins = ~(next <= best) & (best == best);
        best = wins ? next : best;
        where = wins ? Whole{} + number : where;
      };
      meet(four.b, 1);
      meet(four.c, 2);
      meet(four.d, 3);
      std::memcpy(y_ + to + c, &best, sizeof best);
      if (places_ == nullptr) continue;
      const auto bytes = __builtin_convertvector(where, typename SideBySide<T>::Bytes);
      std::memcpy(places_ + to + c, &bytes, sizeof bytes);
    }
    return c;
  }

  // The first of equal numbers stays; NaN wins, and then stays too.
  void largest(const T* x, Index row, Index column, Index count, Index to) const {
    T best[kPoolRun];
    std::int32_t where[kPoolRun];
    bool empty = true;
    for_places(windows_, row, column, [&](Index place, Index position) {
      const T* from = x + position * windows_.channels;
      const auto number = static_cast<std::int32_t>(place);
      if (empty) {
        for (Index c = 0; c < count; ++c) {
          best[c] = from[c];
          where[c] = number;
        }
        empty = false;
        return;
      }
#pragma omp simd
      for (Index c = 0; c < count; ++c) {
        const bool wins = (from[c] > best[c]) | ((from[c] != from[c]) & (best[c] == best[c]));
        best[c] = wins ? from[c] : best[c];
        where[c] = wins ? number : where[c];
      }
    });
    std::memcpy(y_ + to, best, static_cast<std::size_t>(count) * sizeof(T));
    if (places_ != nullptr)
      for (Index c = 0; c < count; ++c) places_[to + c] = static_cast<std::uint8_t>(where[c]);
  }

  Windows windows_;
  Source<T> x_;
  T* y_;
  std::uint8_t* places_;  // of each output: where in its window the largest number stood
};

// The gradient goes where the largest number stood.
template <class T>
class MaxPoolBackward final : public Kernel {
 public:
  explicit MaxPoolBackward(const Instruction& i)
      : windows_(i),
        tiling_(is_tiling(windows_)),
        corners_(is_two_by_two(windows_)),
        x_(i, "x"),
        y_(i, "y"),
        d_y_(i, "d_y"),
        d_x_(buffer<T>(i, "d_x")),
        places_(reinterpret_cast<std::uint8_t*>(optional_buffer<T>(i, "places"))) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T* d_y = d_y_(batch);
    const Index channels = windows_.channels, inputs = windows_.inputs() * channels,
                outputs = windows_.outputs() * channels;
    const Range examples = worker.share(batch.rows);
    for (Index e = examples.begin; e < examples.end; ++e) {
      T* d_x = d_x_ + e * inputs;
      if (!tiling_) std::memset(d_x, 0, static_cast<std::size_t>(inputs) * sizeof(T));
      Index at = e * outputs;
      for (Index row = 0; row < windows_.height.outputs; ++row)
        for (Index column = 0; column < windows_.width.outputs; ++column, at += channels) {
          if (places_ == nullptr)
            search(x_(batch) + e * inputs, y_(batch) + at, d_y + at, d_x, row, column);
          else
            give(places_ + at, d_y + at, d_x, row, column);
        }
    }
  }

 private:
  void give(const std::uint8_t* places, const T* d_y, T* d_x, Index row, Index column) const {
    const Index channels = windows_.channels;
    if (corners_ && channels % SideBySide<T>::kCount == 0)
      return give_to_four(places, d_y, d_x, row, column);
    for_places(windows_, row, column, [&](Index place, Index position) {
      T* to = d_x + position * channels;
      const auto number = static_cast<std::uint8_t>(place);
      if (tiling_) {
#pragma omp simd
        for (Index c = 0; c < channels; ++c) to[c] = places[c] == number ? d_y[c] : T(0);
      } else {
#pragma omp simd
        for (Index c = 0; c < channels; ++c) to[c] += places[c] == number ? d_y[c] : T(0);
      }
    });
  }

  void give_to_four(const std::uint8_t* places, const T* d_y, T* d_x, Index row,
                    Index column) const {
    using Numbers = typename SideBySide<T>::Numbers;
    using Whole = typename SideBySide<T>::Whole;
    const Corners<T> four(d_x + Corners<T>::position(windows_, row, column), windows_);
    for (Index c = 0; c < windows_.channels; c += SideBySide<T>::kCount) {
      const auto d = load_side<Numbers>(d_y + c);
      const Whole where =
          __builtin_convertvector(load_side<typename SideBySide<T>::Bytes>(places + c), Whole);
      const auto put = [&](T* to, int number) {
        const Numbers own = where == number ? d : Numbers{};
        std::memcpy(to + c, &own, sizeof own);
      };
      put(four.a, 0);
      put(four.b, 1);
      put(four.c, 2);
      put(four.d, 3);
    }
  }

  // Windows of more places than a byte counts: the first that holds the output.
  void search(const T* x, const T* y, const T* d_y, T* d_x, Index row, Index column) const {
    for (Index c = 0; c < windows_.channels; ++c) {
      bool found = false;
      for_places(windows_, row, column, [&](Index, Index position) {
        const Index at = position * windows_.channels + c;
        const bool here = x[at] == y[c] || (x[at] != x[at] && y[c] != y[c]);
        if (tiling_)
          d_x[at] = here && !found ? d_y[c] : T(0);
        else if (here && !found)
          d_x[at] += d_y[c];
        found = found || here;
      });
    }
  }

  Windows windows_;
  bool tiling_, corners_;
  Source<T> x_, y_, d_y_;
  T* d_x_;
  const std::uint8_t* places_;
};

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
      : count_(i), x_(i, "x"), y_(buffer<T>(i, "y")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T* x = x_(batch);
    const Windows& w = count_.windows;
    const bool corners = is_two_by_two(w);
    for_outputs(worker, batch, w, [&](Index at, Index example, Index row, Index column) {
      const T* image = x + example * w.inputs() * w.channels;
      if (corners) {
        const Corners<const T> four(image + Corners<const T>::position(w, row, column), w);
        T* y = y_ + at * w.channels;
#pragma omp simd
        for (Index c = 0; c < w.channels; ++c)
          y[c] = ((four.a[c] + four.b[c]) + (four.c[c] + four.d[c])) * T(0.25);
        return;
      }
      const T share = T(1) / static_cast<T>(count_(row, column));
      for (Index first = 0; first < w.channels; first += kPoolRun)
        mean(image + first, row, column, smaller(kPoolRun, w.channels - first), share,
             y_ + at * w.channels + first);
    });
  }

 private:
  // Lines of a window are summed apart, so that large windows lose no digits.
  void mean(const T* x, Index row, Index column, Index count, T share, T* y) const {
    const Windows& w = count_.windows;
    T total[kPoolRun];
    for (Index c = 0; c < count; ++c) total[c] = T(0);
    for (Index i = w.height.first(row); i < w.height.end(row); ++i) {
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

  WindowCount count_;
  Source<T> x_;
  T* y_;
};

template <class T>
class AveragePoolBackward final : public Kernel {
 public:
  explicit AveragePoolBackward(const Instruction& i)
      : count_(i), tiling_(is_tiling(count_.windows)), d_y_(i, "d_y"), d_x_(buffer<T>(i, "d_x")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T* d_y = d_y_(batch);
    const Windows& w = count_.windows;
    const Index channels = w.channels, inputs = w.inputs() * channels;
    const bool corners = is_two_by_two(w);
    const Range examples = worker.share(batch.rows);
    for (Index e = examples.begin; e < examples.end; ++e) {
      T* d_x = d_x_ + e * inputs;
      if (!tiling_) std::memset(d_x, 0, static_cast<std::size_t>(inputs) * sizeof(T));
      const T* from = d_y + e * w.outputs() * channels;
      for (Index row = 0; row < w.height.outputs; ++row)
        for (Index column = 0; column < w.width.outputs; ++column, from += channels) {
          if (corners) {
            const Corners<T> four(d_x + Corners<T>::position(w, row, column), w);
#pragma omp simd
            for (Index c = 0; c < channels; ++c)
              four.a[c] = four.b[c] = four.c[c] = four.d[c] = from[c] * T(0.25);
            continue;
          }
          const T share = T(1) / static_cast<T>(count_(row, column));
          for_places(w, row, column, [&](Index, Index position) {
            T* to = d_x + position * channels;
            if (tiling_) {
#pragma omp simd
              for (Index c = 0; c < channels; ++c) to[c] = from[c] * share;
            } else {
#pragma omp simd
              for (Index c = 0; c < channels; ++c) to[c] += from[c] * share;
            }
          });
        }
    }
  }

 private:
  WindowCount count_;
  bool tiling_;
  Source<T> d_y_;
  T* d_x_;
};

}  // namespace evenly::EVENLY_ISA
