// Max pooling: the largest number of a window, channel by channel.
#pragma once
#include "kernels/pooling.hpp"
#include "support/compiler.hpp"
#include "support/lanes.hpp"

namespace evenly::EVENLY_ISA {

// Which place of its window each output came from: a byte, or more where a byte does not count
// them.
template <class T>
struct Places {
  std::uint8_t* narrow;
  std::int32_t* wide;

  explicit Places(const Instruction& i)
      : narrow(reinterpret_cast<std::uint8_t*>(optional_buffer<T>(i, "places"))),
        wide(reinterpret_cast<std::int32_t*>(optional_buffer<T>(i, "wide_places"))) {}

  void keep(Index to, const std::int32_t* from, Index count) const {
    if (narrow != nullptr)
      for (Index c = 0; c < count; ++c) narrow[to + c] = static_cast<std::uint8_t>(from[c]);
    else
      std::memcpy(wide + to, from, static_cast<std::size_t>(count) * sizeof *from);
  }
};

// The largest number so far of some channels, and where it stood. The first of equal numbers stays;
// NaN wins, and then stays too.
template <class T>
struct Largest {
  T best[kPoolRun];
  std::int32_t where[kPoolRun];
  bool empty = true;

  // place(c) is where from[c] stands.
  template <class Place>
  void add(const T* from, Index count, Place place) {
    if (empty) {
      for (Index c = 0; c < count; ++c) {
        best[c] = from[c];
        where[c] = place(c);
      }
      empty = false;
      return;
    }
#pragma omp simd
    for (Index c = 0; c < count; ++c) {
      const bool wins = (from[c] > best[c]) | ((from[c] != from[c]) & (best[c] == best[c]));
      best[c] = wins ? from[c] : best[c];
      where[c] = wins ? place(c) : where[c];
    }
  }
};

template <class T>
class MaxPoolForward final : public Kernel {
 public:
  explicit MaxPoolForward(const Instruction& i)
      : windows_(i),
        bands_(i),
        x_(i, "x"),
        y_(buffer<T>(i, "y")),
        partial_(optional_buffer<T>(i, "partial")),
        partial_places_(reinterpret_cast<std::int32_t*>(optional_buffer<T>(i, "partial_places"))),
        places_(i) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T* x = x_(batch);
    const Index channels = windows_.channels, inputs = windows_.inputs() * channels;
    if (bands_.count > 1) return in_bands(worker, batch, x);
    const bool corners = is_two_by_two(windows_);
    for_outputs(worker, batch, windows_, [&](Index at, Index example, Index row, Index column) {
      const Index done =
          corners ? largest_of_four(x + example * inputs, row, column, at * channels) : 0;
      for (Index first = done; first < channels; first += kPoolRun) {
        const Index count = smaller(kPoolRun, channels - first), to = at * channels + first;
        Largest<T> found;
        look(x + example * inputs + first, row, column, {0, windows_.height.size}, count, found);
        std::memcpy(y_ + to, found.best, static_cast<std::size_t>(count) * sizeof(T));
        places_.keep(to, found.where, count);
      }
    });
  }

 private:
  // As Largest, for windows of two by two, in vectors of channels: compilers do not find them in
  // the choices. Returns how many channels are done.
  Index largest_of_four(const T* image, Index row, Index column, Index to) const {
    using Whole = typename SideBySide<T>::Whole;
    const Corners<const T> four(image + Corners<const T>::position(windows_, row, column),
                                windows_);
    Index c = 0;
    for (; c + kVector<T> <= windows_.channels; c += kVector<T>) {
      auto best = load(four.a + c);
      Whole where = {};
      const auto meet = [&](const T* from, int number) {
        const auto next = load(from + c);
        const Whole wins = ~(next <= best) & (best == best);
        best = wins ? next : best;
        where = wins ? Whole{} + number : where;
      };
      meet(four.b, 1);
      meet(four.c, 2);
      meet(four.d, 3);
      std::memcpy(y_ + to + c, &best, sizeof best);
      const auto bytes = EVENLY_CONVERT(where, typename SideBySide<T>::Bytes);
      std::memcpy(places_.narrow + to + c, &bytes, sizeof bytes);
    }
    return c;
  }

  void look(const T* x, Index row, Index column, Range rows, Index count, Largest<T>& found) const {
    for_places(windows_, row, column, rows, [&](Index place, Index position) {
      const auto number = static_cast<std::int32_t>(place);
      found.add(x + position * windows_.channels, count, [number](Index) { return number; });
    });
  }

  EVENLY_APART void in_bands(const Worker& worker, const Batch& batch, const T* x) const {
    const Index channels = windows_.channels, inputs = windows_.inputs() * channels;
    const Range own = worker.share(batch.rows * bands_.count);
    for (Index t = own.begin; t < own.end; ++t)
      of_band(x + t / bands_.count * inputs, bands_.band(t % bands_.count), t * channels);
    worker.meet();
    join(worker, batch);
  }

  void of_band(const T* image, Range rows, Index to) const {
    for (Index first = 0; first < windows_.channels; first += kPoolRun) {
      const Index count = smaller(kPoolRun, windows_.channels - first);
      Largest<T> found;
      look(image + first, 0, 0, rows, count, found);
      for (Index c = 0; c < count; ++c) {
        partial_[to + first + c] = found.best[c];
        partial_places_[to + first + c] = found.where[c];
      }
    }
  }

  void join(const Worker& worker, const Batch& batch) const {
    const Index channels = windows_.channels, runs = divide_up(channels, kPoolRun);
    const Range own = worker.share(batch.rows * runs);
    for (Index t = own.begin; t < own.end; ++t) {
      const Index example = t / runs, first = t % runs * kPoolRun;
      const Index count = smaller(kPoolRun, channels - first), to = example * channels + first;
      Largest<T> found;
      for (Index b = 0; b < bands_.count; ++b) {
        const Index at = (example * bands_.count + b) * channels + first;
        found.add(partial_ + at, count, [=, this](Index c) { return partial_places_[at + c]; });
      }
      std::memcpy(y_ + to, found.best, static_cast<std::size_t>(count) * sizeof(T));
      places_.keep(to, found.where, count);
    }
  }

  Windows windows_;
  WindowBands bands_;
  Source<T> x_;
  T *y_, *partial_;
  std::int32_t* partial_places_;
  Places<T> places_;
};

// to = d_y where the place is the number, else 0.
template <class T, class Number>
void put_where(const Number* places, Number number, const T* d_y, Index count, T* to) {
#pragma omp simd
  for (Index c = 0; c < count; ++c) to[c] = places[c] == number ? d_y[c] : T(0);
}
template <class T, class Number>
void add_where(const Number* places, Number number, const T* d_y, Index count, T* to) {
#pragma omp simd
  for (Index c = 0; c < count; ++c) to[c] += places[c] == number ? d_y[c] : T(0);
}

// The gradient goes where the largest number stood.
template <class T>
class MaxPoolBackward final : public Kernel {
 public:
  explicit MaxPoolBackward(const Instruction& i)
      : windows_(i),
        tiling_(is_tiling(windows_)),
        corners_(is_two_by_two(windows_) && windows_.channels % kVector<T> == 0),
        d_y_(i, "d_y"),
        d_x_(buffer<T>(i, "d_x")),
        places_(i) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T* d_y = d_y_(batch);
    const Index channels = windows_.channels, line = windows_.width.size * channels;
    const Index inputs = windows_.inputs() * channels, outputs = windows_.outputs() * channels;
    for_bands(
        worker, batch, windows_,
        [&](Index e, Range rows) {
          if (!tiling_)
            std::memset(d_x_ + e * inputs + rows.begin * line, 0,
                        static_cast<std::size_t>((rows.end - rows.begin) * line) * sizeof(T));
        },
        [&](Index e, Range rows, Index row) {
          const Index at = e * outputs + row * windows_.width.outputs * channels;
          if (corners_)
            give_to_four(places_.narrow + at, d_y + at, d_x_ + e * inputs, row);
          else if (places_.narrow != nullptr)
            give(places_.narrow + at, d_y + at, d_x_ + e * inputs, row, rows);
          else
            give(places_.wide + at, d_y + at, d_x_ + e * inputs, row, rows);
        });
  }

 private:
  // Of a row of outputs.
  template <class Number>
  EVENLY_APART void give(const Number* places, const T* d_y, T* d_x, Index row, Range rows) const {
    const Index channels = windows_.channels;
    for (Index column = 0; column < windows_.width.outputs;
         ++column, places += channels, d_y += channels)
      for_places(windows_, row, column, rows, [&](Index place, Index position) {
        T* to = d_x + position * channels;
        if (tiling_)
          put_where(places, static_cast<Number>(place), d_y, channels, to);
        else
          add_where(places, static_cast<Number>(place), d_y, channels, to);
      });
  }

  // A band has both lines of such windows.
  EVENLY_APART void give_to_four(const std::uint8_t* places, const T* d_y, T* d_x,
                                 Index row) const {
    using Whole = typename SideBySide<T>::Whole;
    for (Index column = 0; column < windows_.width.outputs; ++column) {
      const Corners<T> four(d_x + Corners<T>::position(windows_, row, column), windows_);
      for (Index c = 0; c < windows_.channels; c += kVector<T>) {
        const auto d = load(d_y + c);
        const Whole where =
            EVENLY_CONVERT(load_as<typename SideBySide<T>::Bytes>(places + c), Whole);
        const auto put = [&](T* to, int number) {
          store(to + c, where == number ? d : Vector<T>{});
        };
        put(four.a, 0);
        put(four.b, 1);
        put(four.c, 2);
        put(four.d, 3);
      }
      places += windows_.channels;
      d_y += windows_.channels;
    }
  }

  Windows windows_;
  bool tiling_, corners_;
  Source<T> d_y_;
  T* d_x_;
  Places<T> places_;
};

}  // namespace evenly::EVENLY_ISA
