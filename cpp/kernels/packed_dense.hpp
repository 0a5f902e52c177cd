// The linear layer of a network whose weights no longer change: its kernel lies in panels, packed
// once, as numbers of the network's type or as bfloat16. Each number of the result is a sum of sums
// in the order of the inputs, whatever the rows beside it, and how many.
#pragma once
#include "kernels/epilogue.hpp"
#include "kernels/product.hpp"

namespace evenly::EVENLY_ISA {

// The upper half of a float: its sign, its exponent and seven digits of it.
struct Bfloat16 {
  std::uint16_t bits;

  Bfloat16() = default;
  // To the nearest, of two that are as near the even one.
  explicit Bfloat16(float value) {
    std::uint32_t whole;
    std::memcpy(&whole, &value, sizeof whole);
    const bool is_nan = value != value;
    bits = static_cast<std::uint16_t>(is_nan ? (whole >> 16) | 0x40
                                             : (whole + 0x7FFF + (whole >> 16 & 1)) >> 16);
  }
};

// A panel's row, to and from where it is kept. Of bfloat16 a word holds a number of the first
// vector and below it one of the second, so that no lane moves on the way.
template <class T>
inline void keep_row(const T* row, T* to) {
  std::memcpy(to, row, kPanel<T> * sizeof(T));
}
inline void keep_row(const float* row, Bfloat16* to) {
  for (Index c = 0; c < kVector<float>; ++c) {
    const std::uint32_t upper = Bfloat16(row[c]).bits,
                        lower = Bfloat16(row[c + kVector<float>]).bits, word = upper << 16 | lower;
    std::memcpy(to + 2 * c, &word, sizeof word);
  }
}
template <class T>
EVENLY_INLINE void load_row(const T* from, Vector<T> (&row)[2]) {
  for (int v = 0; v < 2; ++v) row[v] = load(from + v * kVector<T>);
}
EVENLY_INLINE void load_row(const Bfloat16* from, Vector<float> (&row)[2]) {
  typedef std::uint32_t Words EVENLY_VECTOR(kLaneBytes);
  Words words;
  std::memcpy(&words, from, sizeof words);
  row[0] = (Vector<float>)(words & 0xFFFF0000u);
  row[1] = (Vector<float>)(words << 16);
}

// kernel (inputs x columns) to panels.
template <class T, class Stored>
class PackDense final : public Kernel {
 public:
  explicit PackDense(const Instruction& i)
      : inputs_(integer(i, "inputs")),
        columns_(integer(i, "columns")),
        x_(i, "x"),
        packed_(buffer<Stored>(i, "packed")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T* x = x_(batch);
    const Range own = worker.share(panels<T>(columns_));
    for (Index p = own.begin; p < own.end; ++p) {
      const Index first = p * kPanel<T>, width = smaller(kPanel<T>, columns_ - first);
      Stored* to = packed_ + p * inputs_ * kPanel<T>;
      T row[kPanel<T>] = {};
      for (Index r = 0; r < inputs_; ++r, to += kPanel<T>) {
        for (Index c = 0; c < width; ++c) row[c] = x[r * columns_ + first + c];
        keep_row(row, to);
      }
    }
  }

 private:
  Index inputs_, columns_;
  Source<T> x_;
  Stored* packed_;
};

template <class T, int M>
EVENLY_INLINE void join(const Sums<T, M>& more, Sums<T, M>& sums) {
  for (int i = 0; i < M; ++i)
    for (int v = 0; v < 2; ++v) sums.value[i][v] += more.value[i][v];
}

// How a layer's rows and panels are cut into tasks: by the shape alone.
struct PanelTasks {
  static constexpr Index kGroup = 4, kBlock = 96;
  Index rows, panels, blocks, groups;

  PanelTasks(Index rows_, Index panels_)
      : rows(rows_),
        panels(panels_),
        blocks(divide_up(rows_, kBlock)),
        groups(divide_up(panels_, kGroup)) {}
  Index count() const { return blocks * groups; }
  Range block(Index task) const {
    const Index b = task / groups;
    return {rows * b / blocks, rows * (b + 1) / blocks};
  }
  Range group(Index task) const {
    const Index first = task % groups * kGroup;
    return {first, smaller(first + kGroup, panels)};
  }
};

// What is done with sums when they are whole: bias, and an activation.
template <class T>
struct Ending {
  Epilogue<T> epilogue;
  bool relu_alone;  // ReLU needs no second pass
  const T* bias;
  T* y;
  Index columns;

  explicit Ending(const Instruction& i)
      : epilogue(i),
        relu_alone(epilogue.is_relu() && !has_number(i, "inference_scale")),
        bias(optional_buffer<T>(i, "bias")),
        y(buffer<T>(i, "y")),
        columns(integer(i, "columns")) {}

  // The bias of a panel.
  Sums<T, 1> of_panel(Index first) const {
    Sums<T, 1> own;
    own.zero();
    if (bias != nullptr) own.take(0, bias + first, columns - first);
    return own;
  }
  EVENLY_INLINE Vector<T> last(Vector<T> sum, Vector<T> own) const {
    const Vector<T> z = sum + own, zero{};
    return relu_alone ? (z < zero ? zero : z) : z;  // NaN passes
  }
  // The activation of some panels of some rows, while they are in the cache.
  void activate(Range rows, Range of) const {
    if (relu_alone || !epilogue.present()) return;
    const Index first = of.begin * kPanel<T>, end = smaller(of.end * kPanel<T>, columns);
    for (Index r = rows.begin; r < rows.end; ++r)
      epilogue.activate(y + r * columns + first, end - first);
  }
};

template <class T, class Stored>
class PackedDense final : public Kernel {
 public:
  explicit PackedDense(const Instruction& i)
      : shape_(i),
        inputs_(integer(i, "inputs")),
        x_(i, "x"),
        packed_(buffer<Stored>(i, "packed")),
        ending_(i) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T* x = x_(batch);
    const Index rows = shape_.rows(batch);
    const PanelTasks tasks(rows, panels<T>(shape_.columns));
    for (Index t = worker.take(); t < tasks.count(); t = worker.take()) {
      const Range block = tasks.block(t), group = tasks.group(t);
      if (rows == 1)
        few_rows<1, 4>(x, group);
      else if (rows == 2)
        few_rows<2, 2>(x, group);
      else if (rows == 3)
        few_rows<3, sizeof(Stored) == sizeof(T) ? 2 : 1>(x, group);
      else
        for (Index p = group.begin; p < group.end; ++p) tiles(x, block, p);
      ending_.activate(block, group);
    }
  }

 private:
  // Terms that are summed in registers before they join the result: so many of a panel stay in the
  // first-level cache, or are soon back in it, and the rounding of a long sum does not grow with
  // its length.
  static constexpr Index kDepth = larger(256, 8192 / kLaneBytes);

  Index parts() const { return larger(1, divide_up(inputs_, kDepth)); }
  Range terms(Index part) const {
    return {inputs_ * part / parts(), inputs_ * (part + 1) / parts()};
  }

  const Stored* panel(Index p) const { return packed_ + p * inputs_ * kPanel<T>; }
  T* result(Index row, Index p) const { return ending_.y + row * shape_.columns + p * kPanel<T>; }

  // A row times a matrix is bound by reading the matrix, and by the wait for each sum: several
  // panels at once.
  template <int M, int P>
  void few_rows(const T* x, Range group) const {
    Index p = group.begin;
    for (; p + P <= group.end; p += P) some_panels<M, P>(x, p);
    for (; p < group.end; ++p) some_panels<M, 1>(x, p);
  }

  template <int M, int P>
  void some_panels(const T* x, Index p) const {
    Sums<T, M> all[P];
    const Stored* from[P];
    for (int j = 0; j < P; ++j) {
      all[j].zero();
      from[j] = panel(p + j);
    }
    for (Index part = 0; part < parts(); ++part) {
      const Range own = terms(part);
      Sums<T, M> sums[P];
      for (int j = 0; j < P; ++j) sums[j].zero();
      for (Index k = own.begin; k < own.end; ++k)
        for (int j = 0; j < P; ++j) {
          Vector<T> row[2];
          load_row(from[j] + k * kPanel<T>, row);
          for (int i = 0; i < M; ++i) add_row<T, M, 2>(i, x[i * inputs_ + k], row, sums[j]);
        }
      for (int j = 0; j < P; ++j) join(sums[j], all[j]);
    }
    for (int j = 0; j < P; ++j) end_tile<M>(all[j], 0, p + j);
  }

  template <int M>
  EVENLY_INLINE void end_tile(Sums<T, M>& sums, Index row, Index p) const {
    const Index first = p * kPanel<T>;
    const Sums<T, 1> bias = ending_.of_panel(first);
    for (int i = 0; i < M; ++i) {
      for (int v = 0; v < 2; ++v)
        sums.value[i][v] = ending_.last(sums.value[i][v], bias.value[0][v]);
      sums.put(i, result(row + i, p), shape_.columns - first);
    }
  }

  // A panel for a block of rows.
  void tiles(const T* x, Range block, Index p) const {
    alignas(kLaneBytes) T room[sizeof(Stored) == sizeof(T) ? 1 : kDepth * kPanel<T>];
    const Index rows = block.end - block.begin, count = divide_up(rows, kRows);
    const Index width = shape_.columns - p * kPanel<T>;
    for (Index part = 0; part < parts(); ++part) {
      const Range own = terms(part);
      const T* right = numbers(panel(p) + own.begin * kPanel<T>, own.end - own.begin, room);
      for (Index t = 0; t < count; ++t) {
        const Index row = block.begin + rows * t / count;
        with_rows(block.begin + rows * (t + 1) / count - row, [&](auto tile) {
          constexpr int M = decltype(tile)::rows;
          const Index nothing = 0;
          const T* at[M];
          for (int i = 0; i < M; ++i) at[i] = x + (row + i) * inputs_ + own.begin;
          Sums<T, M> sums;
          sums.zero();
          add_products(at, &nothing, 1, own.end - own.begin, right, sums);
          if (part > 0) {
            Sums<T, M> before;
            for (int i = 0; i < M; ++i) before.take(i, result(row + i, p), width);
            join(before, sums);
          }
          if (part + 1 == parts()) return end_tile<M>(sums, row, p);
          for (int i = 0; i < M; ++i) sums.put(i, result(row + i, p), width);
        });
      }
    }
  }

  static const T* numbers(const T* stored, Index, T*) { return stored; }
  template <class Other>
  static const T* numbers(const Other* stored, Index terms, T* room) {
    for (Index k = 0; k < terms; ++k) {
      Vector<T> row[2];
      load_row(stored + k * kPanel<T>, row);
      for (int v = 0; v < 2; ++v) store(room + k * kPanel<T> + v * kVector<T>, row[v]);
    }
    return room;
  }

  Shape shape_;
  Index inputs_;
  Source<T> x_;
  const Stored* packed_;
  Ending<T> ending_;
};

}  // namespace evenly::EVENLY_ISA
