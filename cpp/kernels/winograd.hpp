// Winograd's minimal filtering F(4x4, 3x3): windows of 3 x 3 with stride 1 and without dilation.
//
//   y = A' [(G kernel G') (B' x B)] A,   d_kernel = A' [(G d_z G') (B' x B)] A
//
// On an axis three places of the kernel and four outputs are polynomials, whose product is known
// from its values in six points: 0, a, -a, b, -b and infinity. There a tile of 4 x 4 outputs needs
// 36 multiplications a channel and filter instead of 144, as 36 products of matrices, tiles by
// channels by filters.
#pragma once
#include "kernels/product.hpp"
#include "kernels/strip.hpp"

namespace evenly::EVENLY_ISA {

constexpr Index kSide = 4, kPoints = 6, kProducts = kPoints * kPoints;

// Exact in binary, and around 1: the points 1 and 2 err four times as much.
template <class T>
struct Points {
  static constexpr T a = T(0.75), b = T(1.5), aa = a * a, bb = b * b;
  // What the differences to the other points multiply to, for 0, +-a and +-b.
  static constexpr T of_0 = aa * bb, of_a = 2 * aa * (aa - bb), of_b = 2 * bb * (bb - aa);
};

// B': six inputs.
template <class T>
struct FromInput : Points<T> {
  static constexpr int from = kPoints, to = kPoints;
  using V = Vector<T>;
  using P = Points<T>;
  static EVENLY_INLINE void line(const V (&x)[from], V (&y)[to]) {
    const V even_a = x[4] - P::bb * x[2], odd_a = P::a * (x[3] - P::bb * x[1]);
    const V even_b = x[4] - P::aa * x[2], odd_b = P::b * (x[3] - P::aa * x[1]);
    y[0] = P::aa * P::bb * x[0] - (P::aa + P::bb) * x[2] + x[4];
    y[1] = even_a + odd_a;
    y[2] = even_a - odd_a;
    y[3] = even_b + odd_b;
    y[4] = even_b - odd_b;
    y[5] = P::aa * P::bb * x[1] - (P::aa + P::bb) * x[3] + x[5];
  }
};

// G: the three places of a kernel, or the gradients of four outputs.
template <class T, int N>
struct FromFactor {
  static constexpr int from = N, to = kPoints;
  using V = Vector<T>;
  using P = Points<T>;
  static EVENLY_INLINE void line(const V (&x)[from], V (&y)[to]) {
    V even_a = x[0] + P::aa * x[2], odd_a = P::a * x[1];
    V even_b = x[0] + P::bb * x[2], odd_b = P::b * x[1];
    if constexpr (N == 4) {
      odd_a += P::a * P::aa * x[3];
      odd_b += P::b * P::bb * x[3];
    }
    constexpr T by_0 = 1 / P::of_0, by_a = 1 / P::of_a, by_b = 1 / P::of_b;
    y[0] = by_0 * x[0];
    y[1] = by_a * (even_a + odd_a);
    y[2] = by_a * (even_a - odd_a);
    y[3] = by_b * (even_b + odd_b);
    y[4] = by_b * (even_b - odd_b);
    y[5] = x[N - 1];
  }
};

// A': four outputs, or the gradients of the kernel's three places.
template <class T, int N>
struct ToResult {
  static constexpr int from = kPoints, to = N;
  using V = Vector<T>;
  using P = Points<T>;
  static EVENLY_INLINE void line(const V (&x)[from], V (&y)[to]) {
    const V even_a = x[1] + x[2], odd_a = x[1] - x[2], even_b = x[3] + x[4], odd_b = x[3] - x[4];
    y[0] = x[0] + even_a + even_b;
    y[1] = P::a * odd_a + P::b * odd_b;
    y[2] = P::aa * even_a + P::bb * even_b;
    if constexpr (N == 4) y[3] = P::a * P::aa * odd_a + P::b * P::bb * odd_b;
    y[N - 1] += x[5];
  }
};

// The matrix put(i, j, values) of get(i, j): along the columns, then along the rows.
template <class T, class Line, class Get, class Put>
EVENLY_INLINE void both_ways(Get get, Put put) {
  Vector<T> half[Line::to][Line::from];
  for (int j = 0; j < Line::from; ++j) {
    Vector<T> column[Line::from], result[Line::to];
    for (int i = 0; i < Line::from; ++i) column[i] = get(i, j);
    Line::line(column, result);
    for (int i = 0; i < Line::to; ++i) half[i][j] = result[i];
  }
  for (int i = 0; i < Line::to; ++i) {
    Vector<T> result[Line::to];
    Line::line(half[i], result);
    for (int j = 0; j < Line::to; ++j) put(i, j, result[j]);
  }
}

// A convolution by tiles. Its blocks are some whole examples, or strips of one: rows of tiles.
// There is at least a vector of channels and one of filters: where their number is no multiple, the
// last vector overlaps the one before it.
template <class T>
class Winograd {
 public:
  Index together, strips;  // examples of a block; strips of an example

  Winograd(const Windows& w, Index filters)
      : windows_(w),
        filters_(filters),
        rows_(divide_up(w.height.outputs, kSide)),
        columns_(divide_up(w.width.outputs, kSide)),
        pitch_(divide_up(w.channels, kVector<T>) * kVector<T>),
        zeros_(static_cast<std::size_t>(larger(w.channels, filters))) {
    // The input in its points should stay in the second-level cache, and a panel of the kernel be
    // worth its way there.
    const Index best =
        larger(kFewest, smaller(kMost, kBytes / (kProducts * pitch_ * Index{sizeof(T)})));
    together = larger(1, best / (rows_ * columns_));
    strips = divide_up(rows_, larger(1, best / columns_));
    step_ = divide_up(rows_, strips);
    strips = divide_up(rows_, step_);
    const Index tiles = together * step_ * columns_;
    // A cache line more: else all the products' parts would fall to the same places of the cache.
    input_pitch_ = tiles * pitch_ + kPanel<T>;
    panel_pitch_ = tiles * kPanel<T> + kPanel<T>;
    for (Index c = 0; c < larger(w.channels, filters); ++c) zeros_.get()[c] = T(0);
  }

  Index bytes() const { return kProducts * (input_pitch_ + panel_pitch_) * Index{sizeof(T)}; }
  // Numbers of a kernel in its points, or of the gradients on it.
  Index kernel_size() const { return panels<T>(filters_) * kProducts * matrix(); }
  // How many parts of a batch are worth sums of their own.
  Index parts(Index examples) const { return larger(1, examples * rows_ * columns_ / kMost); }
  Range output_rows(Index strip) const {
    const Index all = windows_.height.outputs;
    return {strip * step_ * kSide, smaller(all, (strip + 1) * step_ * kSide)};
  }

  // The kernel in its points: get(i, j, c, first) are the values of channel c's filters from
  // `first` on, a vector. As panels of filters, each with its 36 matrices.
  template <class Get>
  void pack(const Worker& worker, T* packed, Get get) const {
    for_kernel(worker, [&](Index c, Index first, Index at) {
      both_ways<T, FromFactor<T, 3>>(
          [&](int i, int j) { return get(i, j, c, first); },
          [&](int i, int j, Vector<T> v) { store(packed + at + (i * kPoints + j) * matrix(), v); });
    });
  }

  // y = windows of x * kernel, for a block that begins at the examples x and y.
  void forward(const T* x, Index examples, Index strip, const T* packed, T* scratch, T* y) const {
    const Index tiles = input(x, examples, strip, scratch), nothing = 0;
    T* sums_at = scratch + kProducts * input_pitch_;
    // The outputs are all written soon: their lines come while the products are made.
    const Range rows = output_rows(strip);
    const Index row = windows_.width.outputs * filters_;
    const T* y_block = y + rows.begin * row;
    const Index outputs =
        examples > 1 ? examples * windows_.outputs() * filters_ : (rows.end - rows.begin) * row;
    for (Index p = 0; p < panels<T>(filters_); ++p) {
      for (Index k = 0; k < kProducts; ++k) {
        const T* panel = packed + (p * kProducts + k) * matrix();
        T* to = sums_at + k * panel_pitch_;
        if (p == 0)
          for (Index n = outputs * k / kProducts; n < outputs * (k + 1) / kProducts; n += kLine)
            EVENLY_PREFETCH(y_block + n, 1);
        with_vectors<T>(filters_ - p * kPanel<T>, [&](auto vectors) {
          constexpr int V = decltype(vectors)::rows;
          for (Index n = 0; n < tiles; n += kRowsOf<V>)
            with_rows<kRowsOf<V>>(smaller(kRowsOf<V>, tiles - n), [&](auto tile) {
              constexpr int M = decltype(tile)::rows;
              const T* at[M];
              for (int i = 0; i < M; ++i) at[i] = scratch + k * input_pitch_ + (n + i) * pitch_;
              Sums<T, M, V> sums;
              sums.zero();
              add_products(at, &nothing, 1, windows_.channels, panel, sums);
              EVENLY_UNROLL(9)
              for (int i = 0; i < M; ++i) sums.put(i, to + (n + i) * kPanel<T>, kPanel<T>);
            });
        });
      }
      for (Index first = 0; first < vectors_of(p); first += kVector<T>) {
        const Index filter = filter_at(p, first);
        const T* from = sums_at + first;
        for_outputs(examples, strip, [&](Index place, Index high, Index wide) {
          T* here = y + place * filters_ + filter;
          both_ways<T, ToResult<T, 4>>(
              [&](int i, int j) { return load(from + (i * kPoints + j) * panel_pitch_); },
              [&](int i, int j, Vector<T> v) {
                if (i < high && j < wide)
                  store(here + (i * windows_.width.outputs + j) * filters_, v);
              });
          from += kPanel<T>;
        });
      }
    }
  }

  // sums = [sums +] the gradients on the kernel of a block, in the points.
  void add_kernel(const T* x, const T* d_z, Index examples, Index strip, bool add, T* scratch,
                  T* sums_out) const {
    const Index tiles = input(x, examples, strip, scratch);
    T* packed = scratch + kProducts * input_pitch_;
    for (Index p = 0; p < panels<T>(filters_); ++p) {
      for (Index first = 0; first < vectors_of(p); first += kVector<T>) {
        const Index filter = filter_at(p, first);
        T* to = packed + first;
        for_outputs(examples, strip, [&](Index place, Index high, Index wide) {
          const T* here = d_z + place * filters_ + filter;
          both_ways<T, FromFactor<T, 4>>(
              [&](int i, int j) {
                if (i >= high || j >= wide) return Vector<T>{};
                return load(here + (i * windows_.width.outputs + j) * filters_);
              },
              [&](int i, int j, Vector<T> v) { store(to + (i * kPoints + j) * panel_pitch_, v); });
          to += kPanel<T>;
        });
      }
      for (Index k = 0; k < kProducts; ++k)
        with_vectors<T>(filters_ - p * kPanel<T>, [&](auto vectors) {
          constexpr int V = decltype(vectors)::rows;
          for (Index c = 0; c < windows_.channels; c += kRowsOf<V>)
            with_rows<kRowsOf<V>>(smaller(kRowsOf<V>, windows_.channels - c), [&](auto tile) {
              constexpr int M = decltype(tile)::rows;
              const T* at[M];
              for (int i = 0; i < M; ++i) at[i] = scratch + k * input_pitch_ + c + i;
              T* to = sums_out + (p * kProducts + k) * matrix() + c * kPanel<T>;
              Sums<T, M, V> sums;
              sums.zero();
              if (add)
                for (int i = 0; i < M; ++i) sums.take(i, to + i * kPanel<T>, kPanel<T>);
              add_outer(at, pitch_, tiles, packed + k * panel_pitch_, sums);
              EVENLY_UNROLL(9)
              for (int i = 0; i < M; ++i) sums.put(i, to + i * kPanel<T>, kPanel<T>);
            });
        });
    }
  }

  // The gradient on the kernel from the sums of each part of a batch, added in order.
  void kernel_gradient(const Worker& worker, const T* sums, Index parts, T* d_kernel) const {
    for_kernel(worker, [&](Index c, Index first, Index at) {
      both_ways<T, ToResult<T, 3>>(
          [&](int i, int j) {
            const T* from = sums + at + (i * kPoints + j) * matrix();
            Vector<T> sum = load(from);
            for (Index part = 1; part < parts; ++part) sum += load(from + part * kernel_size());
            return sum;
          },
          [&](int i, int j, Vector<T> v) {
            store(d_kernel + ((i * 3 + j) * windows_.channels + c) * filters_ + first, v);
          });
    });
  }

 private:
  static constexpr Index kLine = 64 / Index{sizeof(T)};  // numbers of a line of the cache
  static constexpr Index kFewest = 24, kMost = 48, kBytes = Index{1} << 19;

  // Of a panel of the kernel in one point.
  Index matrix() const { return (windows_.channels + 1) * kPanel<T>; }

  // Columns of a panel's vectors that hold filters: of both, or of the first.
  Index vectors_of(Index panel) const {
    return filters_ - panel * kPanel<T> > kVector<T> ? kPanel<T> : kVector<T>;
  }

  // The filter where a vector of a panel begins.
  Index filter_at(Index panel, Index vector) const {
    return smaller(panel * kPanel<T> + vector, filters_ - kVector<T>);
  }

  // work(channel, filter, where they lie in the first matrix), for a worker's channels.
  template <class Work>
  void for_kernel(const Worker& worker, Work work) const {
    const Range mine = worker.share(windows_.channels);
    for (Index p = 0; p < panels<T>(filters_); ++p)
      for (Index c = mine.begin; c < mine.end; ++c)
        for (Index v = 0; v < vectors_of(p); v += kVector<T>)
          work(c, filter_at(p, v), p * kProducts * matrix() + c * kPanel<T> + v);
  }

  // work(example, row, column) for each tile.
  template <class Work>
  void for_tiles(Index examples, Index strip, Work work) const {
    const Index begin = strip * step_, end = smaller(rows_, begin + step_);
    for (Index e = 0; e < examples; ++e)
      for (Index row = begin; row < end; ++row)
        for (Index column = 0; column < columns_; ++column) work(e, row * kSide, column * kSide);
  }

  // work(its first output's place, its rows, its columns) for each tile.
  template <class Work>
  void for_outputs(Index examples, Index strip, Work work) const {
    const Index height = windows_.height.outputs, width = windows_.width.outputs;
    for_tiles(examples, strip, [&](Index e, Index row, Index column) {
      work((e * height + row) * width + column, height - row, width - column);
    });
  }

  // The tiles of x in their points; returns how many.
  Index input(const T* x, Index examples, Index strip, T* to) const {
    const Axis &height = windows_.height, &width = windows_.width;
    const Index channels = windows_.channels;
    Index tiles = 0;
    const Index line = width.size * channels;
    for_tiles(examples, strip, [&](Index e, Index row, Index column) {
      const Index top = row - height.before, left = column - width.before;
      const T* first = x + (e * height.size + top) * line + left * channels;
      // What the tile below will read and this one did not.
      for (Index i = kPoints; i < kPoints + kSide; ++i)
        for (Index n = 0; n < kSide * channels; n += kLine)
          EVENLY_PREFETCH(first + i * line + n, 0);
      T* here = to + tiles++ * pitch_;
      const auto transform = [&](auto at) {
        for (Index n = 0; n < pitch_; n += kVector<T>) {
          const Index c = smaller(n, channels - kVector<T>);
          both_ways<T, FromInput<T>>([&](int i, int j) { return load(at(i, j) + c); },
                                     [&](int i, int j, Vector<T> v) {
                                       store(here + (i * kPoints + j) * input_pitch_ + c, v);
                                     });
        }
      };
      if (top >= 0 && left >= 0 && top + kPoints <= height.size && left + kPoints <= width.size)
        return transform([&](int i, int j) { return first + i * line + j * channels; });
      // At the edges of the image.
      const T* at[kPoints][kPoints];
      const Index begin = larger(0, -left), end = smaller(kPoints, width.size - left);
      for (Index i = 0; i < kPoints; ++i) {
        const bool inside = top + i >= 0 && top + i < height.size;
        for (Index j = 0; j < kPoints; ++j)
          at[i][j] =
              inside && j >= begin && j < end ? first + i * line + j * channels : zeros_.get();
      }
      transform([&](int i, int j) { return at[i][j]; });
    });
    return tiles;
  }

  Windows windows_;
  Index filters_, rows_, columns_, step_, pitch_, input_pitch_, panel_pitch_;
  OwnArray<T> zeros_;
};

}  // namespace evenly::EVENLY_ISA
