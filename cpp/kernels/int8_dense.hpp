// The linear layer in whole numbers: each column of the kernel, and each row of the inputs, becomes
// 127 times what it is to its largest number, rounded; the products are summed exactly, and scaled
// back.
//
//   y = (sum of codes(x) codes(kernel)) scale(row) scale(column) + bias
#pragma once
#include "kernels/packed_dense.hpp"
#include "support/dispatch_pairs.hpp"

namespace evenly::EVENLY_ISA {

constexpr float kLargestCode = 127;
// Rows and columns of smaller numbers count as 0.
constexpr float kSmallestScaled = 1e-30f;

// A step of a panel: two numbers of each column. A 16-bit word holds one of the first vector, and
// above it one of the second, so that no lane moves on the way.
constexpr Index kPairs = 2 * kPanel<float>;

inline Index pair_steps(Index inputs) {
  return divide_up(inputs, 2);
}

// To the nearest whole number, by the last digits of a sum.
inline std::int16_t code_of(float value) {
  const float sum = value + 12582912.0f;  // 1.5 * 2^23
  std::uint32_t bits;
  std::memcpy(&bits, &sum, sizeof bits);
  return static_cast<std::int16_t>(bits);
}

// (codes per unit, units per code): NaN where a number is not finite.
struct Scale {
  float codes, units;

  Scale(float largest, float nothing)
      : codes(largest < kSmallestScaled ? 0 : kLargestCode / largest),
        units((largest < kSmallestScaled ? 0 : largest / kLargestCode) + nothing) {}
};

class PackInt8 final : public Kernel {
 public:
  explicit PackInt8(const Instruction& i)
      : inputs_(integer(i, "inputs")),
        columns_(integer(i, "columns")),
        x_(i, "x"),
        packed_(buffer<std::int8_t>(i, "packed")),
        scales_(buffer<float>(i, "scales")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const float* x = x_(batch);
    const Range own = worker.share(panels<float>(columns_));
    const Index steps = pair_steps(inputs_);
    for (Index p = own.begin; p < own.end; ++p) {
      const Index first = p * kPanel<float>, width = smaller(kPanel<float>, columns_ - first);
      float codes[kPanel<float>] = {};
      for (Index c = 0; c < kPanel<float>; ++c) {
        float largest = 0, nothing = 0;
        for (Index r = 0; r < inputs_ && c < width; ++r) {
          const float value = x[r * columns_ + first + c];
          largest = std::fabs(value) > largest ? std::fabs(value) : largest;
          nothing += value * 0;
        }
        const Scale scale(largest, nothing);
        codes[c] = scale.codes;
        scales_[first + c] = scale.units;
      }
      const auto code = [&](Index r, Index c) {
        const bool there = r < inputs_ && c < width;
        return there ? code_of(x[r * columns_ + first + c] * codes[c]) : std::int16_t{0};
      };
      std::int8_t* to = packed_ + p * steps * kPairs;
      for (Index s = 0; s < steps; ++s)
        for (Index lane = 0; lane < kPanel<float>; ++lane, to += 2) {
          const Index r = 2 * s + lane % 2, c = lane / 2;
          const int lower = code(r, c) & 0xFF, upper = code(r, c + kVector<float>) & 0xFF;
          const auto word = static_cast<std::uint16_t>(lower | upper << 8);
          std::memcpy(to, &word, sizeof word);
        }
    }
  }

 private:
  Index inputs_, columns_;
  Source<float> x_;
  std::int8_t* packed_;
  float* scales_;
};

class Int8Dense final : public Kernel {
 public:
  explicit Int8Dense(const Instruction& i)
      : shape_(i),
        inputs_(integer(i, "inputs")),
        steps_(pair_steps(inputs_)),
        x_(i, "x"),
        packed_(buffer<std::int8_t>(i, "packed")),
        scales_(buffer<float>(i, "scales")),
        codes_(buffer<std::int16_t>(i, "codes")),
        row_scales_(buffer<float>(i, "row_scales")),
        ending_(i) {}

  std::int64_t thread_bytes() const override {
    return steps_ * kPairs * static_cast<Index>(sizeof(std::int16_t));
  }

  void run(const Worker& worker, const Batch& batch) const override {
    const float* x = x_(batch);
    const Index rows = shape_.rows(batch);
    const Range own = worker.share(rows);
    for (Index r = own.begin; r < own.end; ++r) encode(x + r * inputs_, r);
    worker.meet();
    const PanelTasks tasks(rows, panels<float>(shape_.columns));
    for (Index t = worker.take(); t < tasks.count(); t = worker.take()) {
      const Range block = tasks.block(t), group = tasks.group(t);
      for (Index p = group.begin; p < group.end; ++p) {
        const std::int8_t* panel = packed_ + p * steps_ * kPairs;
        if (block.end - block.begin <= kWorthWidening)
          tiles(block, p, panel);
        else
          tiles(block, p, widened(panel, reinterpret_cast<std::int16_t*>(worker.scratch)));
      }
      ending_.activate(block, group);
    }
  }

 private:
  static constexpr Index kWorthWidening = 2 * kRows;  // up to so many rows it does not pay

  void encode(const float* x, Index row) const {
    float largest = 0, nothing = 0;
#pragma omp simd reduction(max : largest) reduction(+ : nothing)
    for (Index k = 0; k < inputs_; ++k) {
      const float size = std::fabs(x[k]);
      largest = size > largest ? size : largest;
      nothing += x[k] * 0;
    }
    const Scale scale(largest, nothing);
    row_scales_[row] = scale.units;
    std::int16_t* to = codes_ + row * 2 * steps_;
    const float codes = scale.codes;
#pragma omp simd
    for (Index k = 0; k < inputs_; ++k) to[k] = code_of(x[k] * codes);
    if (inputs_ % 2) to[inputs_] = 0;
  }

  static EVENLY_INLINE void load_step(const std::int16_t* from, Shorts (&step)[2]) {
    for (int v = 0; v < 2; ++v) std::memcpy(&step[v], from + v * kPanel<float>, sizeof step[v]);
  }
  static EVENLY_INLINE void load_step(const std::int8_t* from, Shorts (&step)[2]) {
    Shorts words;
    std::memcpy(&words, from, sizeof words);
    step[0] = words << 8 >> 8;
    step[1] = words >> 8;
  }

  // A panel in 16 bits, for many rows.
  const std::int16_t* widened(const std::int8_t* from, std::int16_t* room) const {
    for (Index s = 0; s < steps_; ++s) {
      Shorts step[2];
      load_step(from + s * kPairs, step);
      std::memcpy(room + s * kPairs, step, sizeof step);
    }
    return room;
  }

  // sums[i] += two codes of a row times a step of a panel.
  template <int M>
  static EVENLY_INLINE void add_pairs(int i, const std::int16_t* codes, const Shorts (&step)[2],
                                      Sums<std::int32_t, M>& sums) {
    std::int32_t pair;
    std::memcpy(&pair, codes, sizeof pair);
    const Shorts all = (Shorts)(pair - Ints{});
    for (int v = 0; v < 2; ++v) sums.value[i][v] += pair_products(step[v], all);
  }

  // A panel for a block of rows.
  template <class Code>
  void tiles(Range block, Index p, const Code* panel) const {
    const Index rows = block.end - block.begin, count = divide_up(rows, kRows);
    for (Index t = 0; t < count; ++t) {
      const Index row = block.begin + rows * t / count;
      with_rows(block.begin + rows * (t + 1) / count - row, [&](auto tile) {
        constexpr int M = decltype(tile)::rows;
        Sums<std::int32_t, M> sums;
        sums.zero();
        const std::int16_t* from = codes_ + row * 2 * steps_;
        const Code* right = panel;
        for (Index s = 0; s < steps_; ++s, right += kPairs, from += 2) {
          Shorts both[2];
          load_step(right, both);
          EVENLY_UNROLL(6)
          for (int i = 0; i < M; ++i) add_pairs<M>(i, from + i * 2 * steps_, both, sums);
        }
        end_tile<M>(sums, row, p);
      });
    }
  }

  template <int M>
  EVENLY_INLINE void end_tile(const Sums<std::int32_t, M>& sums, Index row, Index p) const {
    const Index first = p * kPanel<float>;
    const Sums<float, 1> bias = ending_.of_panel(first);
    for (int i = 0; i < M; ++i) {
      Sums<float, 1> y;
      for (int v = 0; v < 2; ++v) {
        const Vector<float> scale =
            load(scales_ + first + v * kVector<float>) * row_scales_[row + i];
        const Vector<float> sum = EVENLY_CONVERT(sums.value[i][v], Vector<float>);
        y.value[0][v] = ending_.last(sum * scale, bias.value[0][v]);
      }
      y.put(0, ending_.y + (row + i) * shape_.columns + first, shape_.columns - first);
    }
  }

  Shape shape_;
  Index inputs_, steps_;
  Source<float> x_;
  const std::int8_t* packed_;
  const float* scales_;
  std::int16_t* codes_;
  float* row_scales_;
  Ending<float> ending_;
};

}  // namespace evenly::EVENLY_ISA
