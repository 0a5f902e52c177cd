// Counter-based random bits: Philox 4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy
// as 1, 2, 3", section 5.3). The definition in src/evenly/random.py draws the same bits.
//
// Dropout decides 8 elements with one Philox block: a half word each. An element is dropped when
// its 32-bit number is below the threshold rate * 2^32; the upper 16 bits decide nearly always, the
// lower 16 are drawn (with another purpose in the counter) only when the upper ones tie.
#pragma once
#include <cstdint>

#include "kernels/common.hpp"

namespace evenly::EVENLY_ISA {

constexpr std::uint32_t kDropoutPurpose = 1, kDropoutTiePurpose = 2;

// A tile: 8 blocks side by side. Element e of a tile is half word (e & 1) of word w of block b,
// where e / 2 = 8 w + b.
constexpr Index kTileBlocks = 8;
constexpr Index kTile = 8 * kTileBlocks;

struct Stream {
  std::uint32_t key_low, key_high, step, layer;
};

template <int Lanes>
inline void philox(std::uint32_t first_block, const Stream& stream, std::uint32_t purpose,
                   std::uint32_t (&words)[4][Lanes]) {
  // The words sit in 64-bit lanes; what lies above a word's 32 bits never enters the next product.
  std::uint64_t c0[Lanes], c1[Lanes], c2[Lanes], c3[Lanes];
  for (int lane = 0; lane < Lanes; ++lane) {
    c0[lane] = static_cast<std::uint32_t>(first_block + lane);
    c1[lane] = stream.step;
    c2[lane] = stream.layer;
    c3[lane] = purpose;
  }
  std::uint32_t k0 = stream.key_low, k1 = stream.key_high;
#pragma GCC unroll 10
  for (int round = 0; round < 10; ++round) {
#pragma omp simd
    for (int lane = 0; lane < Lanes; ++lane) {
      const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * static_cast<std::uint32_t>(c0[lane]);
      const std::uint64_t p1 = std::uint64_t{0xCD9E8D57u} * static_cast<std::uint32_t>(c2[lane]);
      c0[lane] = (p1 >> 32) ^ c1[lane] ^ k0;
      c2[lane] = (p0 >> 32) ^ c3[lane] ^ k1;
      c1[lane] = p1;
      c3[lane] = p0;
    }
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  for (int lane = 0; lane < Lanes; ++lane) words[0][lane] = static_cast<std::uint32_t>(c0[lane]);
  for (int lane = 0; lane < Lanes; ++lane) words[1][lane] = static_cast<std::uint32_t>(c1[lane]);
  for (int lane = 0; lane < Lanes; ++lane) words[2][lane] = static_cast<std::uint32_t>(c2[lane]);
  for (int lane = 0; lane < Lanes; ++lane) words[3][lane] = static_cast<std::uint32_t>(c3[lane]);
}

inline std::uint32_t half_word(const std::uint32_t (&words)[4][kTileBlocks], Index element) {
  const Index pair = element / 2;
  return words[pair / kTileBlocks][pair % kTileBlocks] >> (16 * (element & 1)) & 0xFFFFu;
}

// What dropout multiplies by: 0 or 1 / (1 - rate).
template <class T>
class KeepFactors {
 public:
  KeepFactors() = default;
  explicit KeepFactors(const Instruction& instruction) {
    if (!has_number(instruction, "dropout_rate")) return;
    rate_ = number(instruction, "dropout_rate");
    layer_ = static_cast<std::uint32_t>(integer(instruction, "dropout_stream"));
    const double threshold = std::floor(rate_ * 4294967296.0 + 0.5);
    const std::uint32_t whole =
        threshold >= 4294967295.0 ? 0xFFFFFFFFu : static_cast<std::uint32_t>(threshold);
    upper_ = whole >> 16;
    lower_ = whole & 0xFFFFu;
  }
  bool active() const { return rate_ > 0; }
  T scale() const { return static_cast<T>(1.0 / (1.0 - rate_)); }

  // factors[i] belongs to element first + i of the layer's output. Needs room for `count` values.
  void draw(Index first, Index count, const Batch& batch, T* factors) const {
    const Stream stream{static_cast<std::uint32_t>(batch.seed),
                        static_cast<std::uint32_t>(batch.seed >> 32),
                        static_cast<std::uint32_t>(batch.step), layer_};
    T whole[kTile];
    const Index end = first + count;
    for (Index tile = first / kTile; tile * kTile < end; ++tile) {
      const Index begin = tile * kTile;
      if (begin >= first && begin + kTile <= end) {
        draw_tile(tile, stream, factors + (begin - first));
      } else {
        draw_tile(tile, stream, whole);
        for (Index e = larger(begin, first); e < smaller(begin + kTile, end); ++e)
          factors[e - first] = whole[e - begin];
      }
    }
  }

 private:
  double rate_ = 0;
  std::uint32_t layer_ = 0, upper_ = 0, lower_ = 0;

  void draw_tile(Index tile, const Stream& stream, T* factors) const {
    std::uint32_t words[4][kTileBlocks];
    philox<kTileBlocks>(static_cast<std::uint32_t>(tile * kTileBlocks), stream, kDropoutPurpose,
                        words);
    const T keep = scale();
    const int first_kept = static_cast<int>(upper_) + (lower_ > 0);
    const std::uint32_t* flat = &words[0][0];
    int ties = 0;
#pragma omp simd reduction(+ : ties)
    for (Index pair = 0; pair < kTile / 2; ++pair) {
      const int low = static_cast<int>(flat[pair] & 0xFFFFu);
      const int high = static_cast<int>(flat[pair] >> 16);
      factors[2 * pair] = low >= first_kept ? keep : T(0);
      factors[2 * pair + 1] = high >= first_kept ? keep : T(0);
      ties += (low == static_cast<int>(upper_)) + (high == static_cast<int>(upper_));
    }
    if (ties > 0 && lower_ > 0) break_ties(tile, stream, words, factors);
  }

  void break_ties(Index tile, const Stream& stream,
                  const std::uint32_t (&words)[4][kTileBlocks], T* factors) const {
    std::uint32_t extra[4][kTileBlocks];
    philox<kTileBlocks>(static_cast<std::uint32_t>(tile * kTileBlocks), stream,
                        kDropoutTiePurpose, extra);
    for (Index e = 0; e < kTile; ++e)
      if (half_word(words, e) == upper_)
        factors[e] = half_word(extra, e) >= lower_ ? scale() : T(0);
  }
};

}  // namespace evenly::EVENLY_ISA
