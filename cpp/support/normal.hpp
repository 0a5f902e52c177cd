// Normal deviates as a function of (seed, step, layer, element), from Philox's bits by the method
// of Box and Muller (1958, "A note on the generation of random normal deviates"). The definition in
// src/evenly/random.py draws the same numbers.
//
// Two words make two deviates, r cos(a) and r sin(a) with r = sqrt(-2 log(u)), a = 2 pi v. Of each
// word the upper 24 bits count: those a float holds exactly, so that both precisions start from the
// same u and v. No deviate is larger than sqrt(-2 log(2^-24)) = 5.77.
#pragma once
#include "support/math.hpp"
#include "support/philox.hpp"

namespace evenly::EVENLY_ISA {

constexpr Index kNormalTile = kTileWords;

// sin and cos for |x| <= pi / 4. Coefficients: S. Moshier, Cephes Mathematical Library (sin, sinf).
inline void sine_and_cosine(float x, float& sine, float& cosine) {
  const float s = x * x;
  float p = -1.9515295891e-4f;
  p = p * s + 8.3321608736e-3f;
  p = p * s - 1.6666654611e-1f;
  float q = 2.443315711809948e-5f;
  q = q * s - 1.388731625493765e-3f;
  q = q * s + 4.166664568298827e-2f;
  sine = p * s * x + x;
  cosine = q * s * s - 0.5f * s + 1.0f;
}

inline void sine_and_cosine(double x, double& sine, double& cosine) {
  const double s = x * x;
  double p = 1.58962301576546568060e-10;
  p = p * s - 2.50507477628578072866e-8;
  p = p * s + 2.75573136213857245213e-6;
  p = p * s - 1.98412698295895385996e-4;
  p = p * s + 8.33333333332211858878e-3;
  p = p * s - 1.66666666666666307295e-1;
  double q = -1.13585365213876817300e-11;
  q = q * s + 2.08757008419747316778e-9;
  q = q * s - 2.75573141792967388112e-7;
  q = q * s + 2.48015872888517045348e-5;
  q = q * s - 1.38888888888730564116e-3;
  q = q * s + 4.16666666666665929218e-2;
  sine = p * s * x + x;
  cosine = q * s * s - 0.5 * s + 1.0;
}

// log(k / 2^24) for a whole k from 1 to 2^24: k = m 2^n with m between sqrt(1/2) and sqrt(2).
template <class T>
inline T logarithm_of_share(std::int32_t k) {
  const float exact = static_cast<float>(k);
  std::int32_t bits;
  std::memcpy(&bits, &exact, sizeof bits);
  const std::int32_t n = (bits - 0x3F3504F3) >> 23;
  bits -= n << 23;
  float mantissa;
  std::memcpy(&mantissa, &bits, sizeof mantissa);
  const T m = static_cast<T>(mantissa);
  return static_cast<T>(n - 24) * T(0.69314718055994530942) + twice_artanh((m - T(1)) / (m + T(1)));
}

template <class T>
inline void box_muller(std::uint32_t first, std::uint32_t second, T& one, T& other) {
  const T size =
      std::sqrt(T(-2) * logarithm_of_share<T>(static_cast<std::int32_t>(first >> 8) + 1));
  // The angle is a quarter turn times quarter, plus one of at most an eighth turn.
  const std::int32_t turn = static_cast<std::int32_t>(second >> 8);
  const std::int32_t quarter = (turn + (1 << 21)) >> 22;
  const T rest = static_cast<T>(turn - (quarter << 22)) * T(1.57079632679489661923 / 4194304.0);
  T sine, cosine;
  sine_and_cosine(rest, sine, cosine);
  const T x = (quarter & 1) != 0 ? sine : cosine, y = (quarter & 1) != 0 ? cosine : sine;
  one = size * (((quarter + 1) & 2) != 0 ? -x : x);
  other = size * ((quarter & 2) != 0 ? -y : y);
}

// 32 deviates. Of block b, words 0 and 1 make elements b and 8 + b, words 2 and 3 elements 16 + b
// and 24 + b.
template <class T>
void normal_tile(Index tile, const Stream& stream, T* to) {
  std::uint32_t words[kTileWords];
  philox_tile(static_cast<std::uint32_t>(tile * kTileBlocks), stream, words);
  for (Index half = 0; half < kTileWords; half += 2 * kTileBlocks) {
#pragma omp simd
    for (Index b = 0; b < kTileBlocks; ++b)
      box_muller(words[half + b], words[half + kTileBlocks + b], to[half + b],
                 to[half + kTileBlocks + b]);
  }
}

}  // namespace evenly::EVENLY_ISA
