// Counter-based random bits: Philox 4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy
// as 1, 2, 3", section 5.3). The definition in src/evenly/random.py draws the same bits.
//
// Dropout decides 16 elements with one Philox block: a byte each. An element is dropped when its
// 32-bit number is below the threshold rate * 2^32; the upper 8 bits decide nearly always, the
// lower 24 are drawn (from a counter of the element's own) only when the upper ones tie.
#pragma once
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
  std::uint32_t step, layer;

  Stream(std::uint64_t seed, std::uint64_t step_, std::uint32_t layer_)
      : step(static_cast<std::uint32_t>(step_)), layer(layer_) {
    const Lanes zero = {};
    for (std::uint32_t round = 0; round < 10; ++round) {
      key_low[round] = zero + (static_cast<std::uint32_t>(seed) + round * 0x9E3779B9u);
      key_high[round] = zero + (static_cast<std::uint32_t>(seed >> 32) + round * 0xBB67AE85u);
    }
  }
};

// Likewise of dropout: an element whose number is below the threshold is dropped, and one that is
// kept is multiplied by the scale.
struct DropStream : Stream {
  double rate;
  double scale;  // 1 / (1 - rate), or 1 for classic dropout
  std::uint32_t upper, lower;
  Index first;  // example of the whole batch that a part of it begins with

  DropStream(const Batch& batch, std::uint32_t layer_, double rate_, bool classic)
      : Stream(batch.seed, batch.step, layer_),
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

// The 32 words of a tile: word w of block b at 8 w + b.
inline void philox_tile(std::uint32_t first_block, const Stream& stream, std::uint32_t purpose,
                        std::uint32_t (&words)[kTileWords]) {
  // The words sit in 64-bit lanes; what lies above a word's 32 bits never enters the next product.
  constexpr int kVectors = kTileBlocks / kLanes;
  const Lanes zero = {};
  const Lanes m0 = zero + 0xD2511F53u, m1 = zero + 0xCD9E8D57u;
  Lanes c0[kVectors], c1[kVectors], c2[kVectors], c3[kVectors];
  for (int v = 0; v < kVectors; ++v) {
    c0[v] = kCounting + (first_block + static_cast<std::uint32_t>(v * kLanes));
    c1[v] = zero + stream.step;
    c2[v] = zero + stream.layer;
    c3[v] = zero + purpose;
  }
  EVENLY_UNROLL(10)
  for (int round = 0; round < 10; ++round) {
    for (int v = 0; v < kVectors; ++v) {
      const Lanes p0 = low_products(c0[v], m0), p1 = low_products(c2[v], m1);
      c0[v] = (p1 >> 32) ^ (c1[v] ^ stream.key_low[round]);
      c2[v] = (p0 >> 32) ^ (c3[v] ^ stream.key_high[round]);
      c1[v] = p1;
      c3[v] = p0;
    }
  }
  const Lanes* all[4] = {c0, c1, c2, c3};
  for (int w = 0; w < 4; ++w)
    for (int v = 0; v < kVectors; ++v)
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
    std::uint32_t words[kTileWords];
    philox_tile(static_cast<std::uint32_t>(tile * kTileBlocks), stream, kDropoutPurpose, words);
    const T keep = static_cast<T>(stream.scale);
    const int upper = static_cast<int>(stream.upper), first_kept = upper + (stream.lower > 0);
    EVENLY_UNROLL(4)
    for (int byte = 0; byte < 4; ++byte) {
      T* to = factors + byte * kTileWords;
#pragma omp simd
      for (Index i = 0; i < kTileWords; ++i)
        to[i] = static_cast<int>(words[i] >> (8 * byte) & 0xFFu) >= first_kept ? keep : T(0);
    }
    if (stream.lower > 0) break_ties(tile, stream, words, factors);
  }

  void break_ties(Index tile, const DropStream& stream, const std::uint32_t (&words)[kTileWords],
                  T* factors) const {
    const std::uint32_t upper = stream.upper;
    int tied[kTileWords];
    int ties = 0;
#pragma omp simd reduction(+ : ties)
    for (Index i = 0; i < kTileWords; ++i) {
      const std::uint32_t w = words[i];
      tied[i] = ((w & 0xFFu) == upper) + ((w >> 8 & 0xFFu) == upper) +
                ((w >> 16 & 0xFFu) == upper) + (w >> 24 == upper);
      ties += tied[i];
    }
    if (ties == 0) return;
    for (Index i = 0; i < kTileWords; ++i) {
      if (tied[i] == 0) continue;
      for (int byte = 0; byte < 4; ++byte) {
        if ((words[i] >> (8 * byte) & 0xFFu) != upper) continue;
        const Index element = byte * kTileWords + i;
        const std::uint32_t extra =
            first_word(static_cast<std::uint32_t>(tile * kTile + element), stream);
        factors[element] = extra >> 8 >= stream.lower ? static_cast<T>(stream.scale) : T(0);
      }
    }
  }

  // The first word of one block, for the rare element whose byte ties.
  static std::uint32_t first_word(std::uint32_t element, const Stream& stream) {
    std::uint32_t c0 = element, c1 = stream.step, c2 = stream.layer, c3 = kDropoutTiePurpose;
    for (int round = 0; round < 10; ++round) {
      const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * c0,
                          p1 = std::uint64_t{0xCD9E8D57u} * c2;
      c0 = static_cast<std::uint32_t>(p1 >> 32) ^ c1 ^
           static_cast<std::uint32_t>(stream.key_low[round][0]);
      c2 = static_cast<std::uint32_t>(p0 >> 32) ^ c3 ^
           static_cast<std::uint32_t>(stream.key_high[round][0]);
      c1 = static_cast<std::uint32_t>(p1);
      c3 = static_cast<std::uint32_t>(p0);
    }
    return c0;
  }
};

}  // namespace evenly::EVENLY_ISA
