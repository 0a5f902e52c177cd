// Counter-based random bits: Philox 4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy
// as 1, 2, 3", section 5.3). The definition in src/evenly/random.py draws the same bits.
//
// Dropout decides 16 elements with one Philox block: a byte each. An element is dropped when its
// 32-bit number is below the threshold rate * 2^32; the upper 8 bits decide nearly always, the
// lower 24 are drawn (from a counter of the element's own) only when the upper ones tie.
#pragma once
#include <bit>
#include <cstdint>

#include "kernels/common.hpp"
#include "support/dispatch_products.hpp"

namespace evenly::EVENLY_ISA {

constexpr std::uint32_t kDropoutPurpose = 1, kDropoutTiePurpose = 2, kNormalPurpose = 3;

// A tile: 8 blocks side by side, 32 words. Element e of a tile is byte e / 32 (from the lowest) of
// word w of block b, where e % 32 = 8 w + b.
constexpr Index kTileBlocks = 8;
constexpr Index kTileWords = 4 * kTileBlocks;
constexpr Index kTile = 4 * kTileWords;

// The random numbers of one layer at one step: all that does not change from tile to tile.
struct Stream {
  Lanes key_low[10], key_high[10];
  // What the first two rounds make of step, layer and purpose, which no block changes.
  Lanes first_high, second_low, second_high, second_last;
  std::uint32_t step, layer;

  Stream(std::uint64_t seed, std::uint64_t step_, std::uint32_t layer_, std::uint32_t purpose)
      : step(static_cast<std::uint32_t>(step_)), layer(layer_) {
    const Lanes zero = {};
    for (std::uint32_t round = 0; round < 10; ++round) {
      key_low[round] = zero + (static_cast<std::uint32_t>(seed) + round * kKeySteps[0]);
      key_high[round] = zero + (static_cast<std::uint32_t>(seed >> 32) + round * kKeySteps[1]);
    }
    const Lanes product = low_products(zero + layer, zero + kFactors[1]);
    second_last = low_products((product >> 32) ^ step ^ key_low[0], zero + kFactors[0]);
    first_high = purpose ^ key_high[0];
    second_low = product ^ key_low[1];
    second_high = (second_last >> 32) ^ key_high[1];
  }

  static constexpr std::uint32_t kFactors[2] = {0xD2511F53u, 0xCD9E8D57u};
  static constexpr std::uint32_t kKeySteps[2] = {0x9E3779B9u, 0xBB67AE85u};
};

// Likewise of dropout: an element whose number is below the threshold is dropped, and one that is
// kept is multiplied by the scale.
struct DropStream : Stream {
  double rate;
  double scale;  // 1 / (1 - rate), or 1 for classic dropout
  std::uint32_t upper, lower;
  Index first;  // example of the whole batch that a part of it begins with

  DropStream(const Batch& batch, std::uint32_t layer_, double rate_, bool classic)
      : Stream(batch.seed, batch.step, layer_, kDropoutPurpose),
        rate(rate_ * batch.numbers.dropout),
        scale(classic ? 1.0 : 1.0 / (1.0 - rate)) {
    const double threshold = std::floor(rate * 4294967296.0 + 0.5);
    const std::uint32_t whole =
        threshold >= 4294967295.0 ? 0xFFFFFFFFu : static_cast<std::uint32_t>(threshold);
    upper = whole >> 24;
    lower = whole & 0xFFFFFFu;
    first = batch.first();
  }
};

// The counters of kTileBlocks blocks, which the rounds make random. The words sit in 64-bit lanes;
// what lies above a word's 32 bits never enters the next product.
struct Blocks {
  static constexpr int kVectors = kTileBlocks / kLanes;
  Lanes c0[kVectors], c1[kVectors], c2[kVectors], c3[kVectors];

  EVENLY_INLINE void rounds(const Stream& stream, int first) {
    const Lanes zero = {};
    const Lanes m0 = zero + Stream::kFactors[0], m1 = zero + Stream::kFactors[1];
    EVENLY_UNROLL(10)
    for (int round = first; round < 10; ++round) {
      for (int v = 0; v < kVectors; ++v) {
        const Lanes p0 = low_products(c0[v], m0), p1 = low_products(c2[v], m1);
        c0[v] = (p1 >> 32) ^ (c1[v] ^ stream.key_low[round]);
        c2[v] = (p0 >> 32) ^ (c3[v] ^ stream.key_high[round]);
        c1[v] = p1;
        c3[v] = p0;
      }
    }
  }
};

// The 32 words of a tile: word w of block b at 8 w + b.
inline void philox_tile(std::uint32_t first_block, const Stream& stream,
                        std::uint32_t (&words)[kTileWords]) {
  Blocks blocks;
  const Lanes zero = {};
  const Lanes m0 = zero + Stream::kFactors[0], m1 = zero + Stream::kFactors[1];
  for (int v = 0; v < Blocks::kVectors; ++v) {
    const Lanes p0 =
        low_products(kCounting + (first_block + static_cast<std::uint32_t>(v * kLanes)), m0);
    const Lanes p1 = low_products((p0 >> 32) ^ stream.first_high, m1);
    blocks.c0[v] = (p1 >> 32) ^ stream.second_low;
    blocks.c1[v] = p1;
    blocks.c2[v] = p0 ^ stream.second_high;
    blocks.c3[v] = stream.second_last;
  }
  blocks.rounds(stream, 2);
  const Lanes* all[4] = {blocks.c0, blocks.c1, blocks.c2, blocks.c3};
  for (int w = 0; w < 4; ++w)
    for (int v = 0; v < Blocks::kVectors; ++v)
      for (int lane = 0; lane < kLanes; ++lane)
        words[w * kTileBlocks + v * kLanes + lane] = static_cast<std::uint32_t>(all[w][v][lane]);
}

// to[i] = number first + i, from tiles of kSize numbers that draw_tile(tile, where) gives.
template <Index kSize, class T, class DrawTile>
void draw_numbers(Index first, Index count, T* to, DrawTile draw_tile) {
  T whole[kSize];
  const Index end = first + count;
  for (Index tile = first / kSize; tile * kSize < end; ++tile) {
    const Index begin = tile * kSize;
    if (begin >= first && begin + kSize <= end) {
      draw_tile(tile, to + (begin - first));
    } else {
      draw_tile(tile, whole);
      for (Index e = larger(begin, first); e < smaller(begin + kSize, end); ++e)
        to[e - first] = whole[e - begin];
    }
  }
}

// The same where each example's numbers begin at a tile of their own: element f of example e, which
// is element e * features + f of the whole, has the number e * padded + f.
template <Index kSize, class T, class DrawTile>
void draw_by_example(Index first, Index count, Index features, T* to, DrawTile draw_tile) {
  const Index padded = divide_up(features, kSize) * kSize;
  if (features == padded) return draw_numbers<kSize>(first, count, to, draw_tile);
  while (count > 0) {
    const Index example = first / features, feature = first % features;
    const Index here = smaller(count, features - feature);
    draw_numbers<kSize>(example * padded + feature, here, to, draw_tile);
    first += here;
    to += here;
    count -= here;
  }
}

// What dropout multiplies by: 0, or what those kept are scaled by.
template <class T>
class KeepFactors {
 public:
  KeepFactors() = default;
  explicit KeepFactors(const Instruction& instruction) {
    if (!has_number(instruction, "dropout_rate")) return;
    *this = KeepFactors(number(instruction, "dropout_rate"),
                        static_cast<std::uint32_t>(integer(instruction, "dropout_stream")),
                        integer(instruction, "rows_per_example") * integer(instruction, "columns"),
                        has_number(instruction, "dropout_classic"));
  }
  // `features` numbers for each example.
  KeepFactors(double rate, std::uint32_t layer, Index features, bool classic = false)
      : rate_(rate), features_(features), layer_(layer), classic_(classic) {}
  bool active() const { return rate_ > 0; }
  DropStream stream(const Batch& batch) const { return {batch, layer_, rate_, classic_}; }

  // factors[i] belongs to element first + i of the layer's output.
  void draw(Index first, Index count, const DropStream& stream, T* factors) const {
    draw_by_example<kTile>(first + stream.first * features_, count, features_, factors,
                           [&](Index tile, T* to) { draw_tile(tile, stream, to); });
  }

 private:
  double rate_ = 0;
  Index features_ = kTile;
  std::uint32_t layer_ = 0;
  bool classic_ = false;

  void draw_tile(Index tile, const DropStream& stream, T* factors) const {
    std::uint32_t words[kTileWords], kept[kTileWords];
    philox_tile(static_cast<std::uint32_t>(tile * kTileBlocks), stream, words);
    const T keep = static_cast<T>(stream.scale);
    // All that ties counts as kept first.
    const auto upper = static_cast<std::uint8_t>(stream.upper);
    const auto* byte_of = static_cast<const std::uint8_t*>(static_cast<const void*>(words));
    auto* is_kept = static_cast<std::uint8_t*>(static_cast<void*>(kept));
#pragma omp simd
    for (Index i = 0; i < kTile; ++i) is_kept[i] = byte_of[i] >= upper ? 255 : 0;
    EVENLY_UNROLL(4)
    for (int byte = 0; byte < 4; ++byte) {
      T* to = factors + byte * kTileWords;
#pragma omp simd
      for (Index i = 0; i < kTileWords; ++i)
        to[i] = static_cast<std::int32_t>(kept[i] << (24 - 8 * byte)) < 0 ? keep : T(0);
    }
    if (stream.lower > 0) break_ties(tile, stream, byte_of, factors);
  }

  void break_ties(Index tile, const DropStream& stream, const std::uint8_t* byte_of,
                  T* factors) const {
    const auto upper = static_cast<std::uint8_t>(stream.upper);
    std::uint8_t ties[kTile];
    std::uint8_t some = 0;
#pragma omp simd reduction(| : some)
    for (Index i = 0; i < kTile; ++i) {
      ties[i] = byte_of[i] == upper ? 1 : 0;
      some |= ties[i];
    }
    if (some == 0) return;
    Index tied[kTile], count = 0;
    for (Index first = 0; first < kTile; first += 8) {
      std::uint64_t eight;
      std::memcpy(&eight, ties + first, sizeof eight);
      for (; eight != 0; eight &= eight - 1) {
        const Index at = first + std::countr_zero(eight) / 8;
        tied[count++] = at % 4 * kTileWords + at / 4;
      }
    }
    for (Index first = 0; first < count; first += kTileBlocks) {
      const Index here = smaller(kTileBlocks, count - first);
      Lanes extra[Blocks::kVectors];
      first_words(tile * kTile, tied + first, here, stream, extra);
      for (Index i = 0; i < here; ++i) {
        const auto word = static_cast<std::uint32_t>(extra[i / kLanes][i % kLanes]);
        factors[tied[first + i]] = word >> 8 >= stream.lower ? static_cast<T>(stream.scale) : T(0);
      }
    }
  }

  // The first words of one block each, for the rare elements whose bytes tie.
  static void first_words(Index first, const Index* elements, Index count, const Stream& stream,
                          Lanes (&words)[Blocks::kVectors]) {
    Blocks blocks;
    const Lanes zero = {};
    std::uint64_t counters[kTileBlocks] = {};
    for (Index i = 0; i < count; ++i) counters[i] = static_cast<std::uint32_t>(first + elements[i]);
    std::memcpy(blocks.c0, counters, sizeof counters);
    for (int v = 0; v < Blocks::kVectors; ++v) {
      blocks.c1[v] = zero + stream.step;
      blocks.c2[v] = zero + stream.layer;
      blocks.c3[v] = zero + kDropoutTiePurpose;
    }
    blocks.rounds(stream, 0);
    for (int v = 0; v < Blocks::kVectors; ++v) words[v] = blocks.c0[v];
  }
};

}  // namespace evenly::EVENLY_ISA
