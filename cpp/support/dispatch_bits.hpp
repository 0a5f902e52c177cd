// A bit for each number of an array: eight to a byte, the first of them the lowest.
#pragma once
#include "support/lanes.hpp"

namespace evenly::EVENLY_ISA {

// Which of eight numbers are positive.
static EVENLY_INLINE std::uint8_t positive_bits(const float* x) {
#if defined(__AVX__)
  return static_cast<std::uint8_t>(
      _mm256_movemask_ps(_mm256_cmp_ps(_mm256_loadu_ps(x), _mm256_setzero_ps(), _CMP_GT_OQ)));
#elif defined(__SSE2__)
  const __m128 zero = _mm_setzero_ps();
  return static_cast<std::uint8_t>(_mm_movemask_ps(_mm_cmpgt_ps(_mm_loadu_ps(x), zero)) |
                                   _mm_movemask_ps(_mm_cmpgt_ps(_mm_loadu_ps(x + 4), zero)) << 4);
#else
  std::uint8_t bits = 0;
  for (int i = 0; i < 8; ++i) bits |= static_cast<std::uint8_t>((x[i] > 0 ? 1 : 0) << i);
  return bits;
#endif
}

static EVENLY_INLINE std::uint8_t positive_bits(const double* x) {
  std::uint8_t bits = 0;
  for (int i = 0; i < 8; ++i) bits |= static_cast<std::uint8_t>((x[i] > 0 ? 1 : 0) << i);
  return bits;
}

template <class T>
static EVENLY_INLINE void positive_bits(const T* x, std::int64_t count, std::uint8_t* bits) {
  for (; count >= 32; count -= 32, x += 32, bits += 4)
    for (int byte = 0; byte < 4; ++byte) bits[byte] = positive_bits(x + 8 * byte);
  for (; count > 0; count -= 8, x += 8, ++bits) {
    *bits = 0;
    for (int i = 0; i < (count < 8 ? count : 8); ++i)
      *bits |= static_cast<std::uint8_t>((x[i] > 0 ? 1 : 0) << i);
  }
}

// to[i] = from[i] factor where the bit is set. Elsewhere 0, or with kTimesZero from[i] times 0,
// which for infinity and NaN is NaN. to may be from.
template <bool kTimesZero, class T>
void pass_bits(const std::uint8_t* bits, std::int64_t count, T factor, const T* from, T* to) {
  using Whole = typename SideBySide<T>::Whole;
  constexpr int kCount = kVector<T>;
  const Vector<T> zero = {}, all = zero + factor;
  Whole first_bits = {};
  for (int i = 0; i < kCount; ++i) first_bits[i] = 1 << i;
  std::int64_t i = 0;
  for (; i + 32 <= count; i += 32) {
    std::int32_t word;
    std::memcpy(&word, bits + i / 8, sizeof word);
    for (int side = 0; side < 32 / kCount; ++side) {
      const std::int64_t at = i + side * kCount;
      const Whole on = ((Whole{} + word) & (first_bits << (side * kCount))) != 0;
      const auto numbers = load(from + at);
      const Vector<T> result = kTimesZero ? numbers * (on ? all : zero) : on ? numbers * all : zero;
      store(to + at, result);
    }
  }
  for (; i < count; ++i) {
    const bool on = (bits[i / 8] >> (i % 8) & 1) != 0;
    to[i] = kTimesZero ? from[i] * (on ? factor : T(0)) : on ? from[i] * factor : T(0);
  }
}

}  // namespace evenly::EVENLY_ISA
