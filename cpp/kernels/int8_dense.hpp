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

// A step of a panel: four codes of each column, and so of each 32-bit lane. In pairs the order is
// 0, 2, 1, 3: then a pair is the lower bytes of 16-bit words, or the upper, and no lane moves on
// the way.
constexpr Index kFour = 4;
constexpr Index kStep = kFour * kPanel<float>;

// Products of bytes where the processor has them, or else in pairs: the sums are the same. (Tests
// want pairs everywhere.)
inline bool in_bytes(const Instruction& i) {
  return multiplies_bytes() && !has_number(i, "in_pairs");
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
        in_bytes_(in_bytes(i)),
        x_(i, "x"),
        packed_(buffer<std::int8_t>(i, "packed")),
        scales_(buffer<float>(i, "scales")),
        starts_(buffer<std::int32_t>(i, "starts")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const float* x = x_(batch);
    const Range own = worker.share(panels<float>(columns_));
    const Index steps = divide_up(inputs_, kFour);
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
      std::int8_t* to = packed_ + p * steps * kStep;
      const Index order[] = {0, in_bytes_ ? 1 : 2, in_bytes_ ? 2 : 1, 3};
      Index sums[kPanel<float>] = {};
      for (Index s = 0; s < steps; ++s)
        for (Index c = 0; c < kPanel<float>; ++c)
          for (const Index r : order) {
            *to = static_cast<std::int8_t>(code(kFour * s + r, c));
            sums[c] += *to++;
          }
      for (Index c = 0; c < kPanel<float>; ++c)
        starts_[first + c] = static_cast<std::int32_t>(in_bytes_ ? -128 * sums[c] : 0);
    }
  }

 private:
  Index inputs_, columns_;
  bool in_bytes_;
  Source<float> x_;
  std::int8_t* packed_;
  float* scales_;
  std::int32_t* starts_;
};

class Int8Dense final : public Kernel {
 public:
  explicit Int8Dense(const Instruction& i)
      : shape_(i),
        inputs_(integer(i, "inputs")),
        steps_(divide_up(inputs_, kFour)),
        in_bytes_(in_bytes(i)),
        x_(i, "x"),
        packed_(buffer<std::int8_t>(i, "packed")),
        scales_(buffer<float>(i, "scales")),
        starts_(buffer<std::int32_t>(i, "starts")),
        codes_(address(i, "codes")),
        row_scales_(buffer<float>(i, "row_scales")),
        ending_(i) {}

  std::int64_t thread_bytes() const override {
    return in_bytes_ ? 0 : steps_ * kStep * static_cast<Index>(sizeof(std::int16_t));
  }

  void run(const Worker& worker, const Batch& batch) const override {
    in_bytes_ ? run_with<std::uint8_t>(worker, batch) : run_with<std::int16_t>(worker, batch);
  }

 private:
  static constexpr Index kWorthWidening = 2 * kRows;  // up to so many rows it does not pay

  // Codes of rows as 16-bit numbers for products in pairs, or as bytes, 128 more than they are.
  template <class Code>
  void run_with(const Worker& worker, const Batch& batch) const {
    constexpr bool kPairs = sizeof(Code) == 2;
    const float* x = x_(batch);
    const Index rows = shape_.rows(batch);
    const Range own = worker.share(rows);
    for (Index r = own.begin; r < own.end; ++r) encode<Code>(x + r * inputs_, r);
    worker.meet();
    const PanelTasks tasks(rows, panels<float>(shape_.columns));
    for (Index t = worker.take(); t < tasks.count(); t = worker.take()) {
      const Range block = tasks.block(t), group = tasks.group(t);
      for (Index p = group.begin; p < group.end; ++p) {
        const std::int8_t* panel = packed_ + p * steps_ * kStep;
        if constexpr (kPairs)
          if (block.end - block.begin > kWorthWidening) {
            auto* room = reinterpret_cast<std::int16_t*>(worker.scratch);
            tiles<Code>(block, p, widened(panel, room));
            continue;
          }
        tiles<Code>(block, p, panel);
      }
      ending_.activate(block, group);
    }
  }

  template <class Code>
  Code* codes_of(Index row) const {
    return static_cast<Code*>(codes_) + row * kFour * steps_;
  }

  template <class Code>
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
    Code* to = codes_of<Code>(row);
    constexpr int more = sizeof(Code) == 1 ? 128 : 0;
    const float codes = scale.codes;
#pragma omp simd
    for (Index k = 0; k < inputs_; ++k) to[k] = static_cast<Code>(code_of(x[k] * codes) + more);
    for (Index k = inputs_; k < kFour * steps_; ++k) to[k] = 0;
  }

  // A step of a panel: a pair of codes in 16 bits, or four in bytes, for both vectors.
  template <class Stored>
  static constexpr Index kCodes = kFour / static_cast<Index>(sizeof(Stored));
  template <class Stored, class Lanes>
  static EVENLY_INLINE void load_step(const Stored* from, Lanes (&step)[2]) {
    for (int v = 0; v < 2; ++v)
      std::memcpy(&step[v], from + v * kCodes<Stored> * kVector<float>, sizeof step[v]);
  }
  // Of four bytes the pair in the lower halves of 16-bit words, or in the upper ones.
  static EVENLY_INLINE Shorts lower(Shorts words) { return words << 8 >> 8; }
  static EVENLY_INLINE Shorts upper(Shorts words) { return words >> 8; }

  // A panel in 16 bits, for many rows.
  const std::int16_t* widened(const std::int8_t* from, std::int16_t* room) const {
    for (Index s = 0; s < steps_; ++s) {
      Shorts words[2];
      load_step(from + s * kStep, words);
      const Shorts step[] = {lower(words[0]), lower(words[1]), upper(words[0]), upper(words[1])};
      std::memcpy(room + s * kStep, step, sizeof step);
    }
    return room;
  }

  // sums += codes of rows, `pitch` apart, times a step of a panel.
  template <int M>
  static EVENLY_INLINE void add_step(const std::int16_t* codes, Index pitch,
                                     const Shorts (&pair)[2], Sums<std::int32_t, M>& sums) {
    EVENLY_UNROLL(8)
    for (int i = 0; i < M; ++i) {
      const Shorts all = (Shorts)in_all(codes + i * pitch);
      for (int v = 0; v < 2; ++v) sums.value[i][v] += pair_products(pair[v], all);
    }
  }
  template <int M>
  static EVENLY_INLINE void add_step(const std::int16_t* codes, Index pitch,
                                     const std::int16_t* step, Sums<std::int32_t, M>& sums) {
    Shorts pair[2];
    load_step(step, pair);
    add_step(codes, pitch, pair, sums);
  }
  template <int M>
  static EVENLY_INLINE void add_step(const std::int16_t* codes, Index pitch,
                                     const std::int8_t* step, Sums<std::int32_t, M>& sums) {
    Shorts words[2];
    load_step(step, words);
    add_step(codes, pitch, {lower(words[0]), lower(words[1])}, sums);
    add_step(codes + 2, pitch, {upper(words[0]), upper(words[1])}, sums);
  }
  template <int M>
  static EVENLY_INLINE void add_step(const std::uint8_t* codes, Index pitch,
                                     const std::int8_t* step, Sums<std::int32_t, M>& sums) {
    Ints fours[2];
    load_step(step, fours);
    EVENLY_UNROLL(8)
    for (int i = 0; i < M; ++i) {
      const Ints all = in_all(codes + i * pitch);
      for (int v = 0; v < 2; ++v) sums.value[i][v] = byte_products(sums.value[i][v], all, fours[v]);
    }
  }
  // The codes of a lane, in every lane.
  static EVENLY_INLINE Ints in_all(const void* codes) {
    std::int32_t lane;
    std::memcpy(&lane, codes, sizeof lane);
    return lane - Ints{};
  }

  // A panel for a block of rows.
  template <class Code, class Stored>
  void tiles(Range block, Index p, const Stored* panel) const {
    const Index rows = block.end - block.begin, count = divide_up(rows, kRows);
    const Index pitch = kFour * steps_;
    for (Index t = 0; t < count; ++t) {
      const Index row = block.begin + rows * t / count;
      with_rows(block.begin + rows * (t + 1) / count - row, [&](auto tile) {
        constexpr int M = decltype(tile)::rows;
        Sums<std::int32_t, M> sums;
        const std::int32_t* start = starts_ + p * kPanel<float>;
        for (auto& of_row : sums.value)
          for (int v = 0; v < 2; ++v) of_row[v] = load(start + v * kVector<float>);
        const Code* codes = codes_of<Code>(row);
        const Stored* step = panel;
        for (Index k = 0; k < pitch; k += kCodes<Stored>, step += kCodes<Stored> * kPanel<float>)
          add_step<M>(codes + k, pitch, step, sums);
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
  bool in_bytes_;
  Source<float> x_;
  const std::int8_t* packed_;
  const float* scales_;
  const std::int32_t* starts_;
  void* codes_;
  float* row_scales_;
  Ending<float> ending_;
};

}  // namespace evenly::EVENLY_ISA
