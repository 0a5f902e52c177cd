// Products of 16-bit numbers, summed in pairs: compilers do not find the instruction by themselves.
#pragma once
#include "support/dispatch_products.hpp"

namespace evenly::EVENLY_ISA {

typedef std::int16_t Shorts EVENLY_VECTOR(kLaneBytes);
typedef std::int32_t Ints EVENLY_VECTOR(kLaneBytes);

// a[2 i] b[2 i] + a[2 i + 1] b[2 i + 1] in each lane i.
static EVENLY_INLINE Ints pair_products(Shorts a, Shorts b) {
#if defined(__AVX512BW__)
  return (Ints)_mm512_madd_epi16((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
  return (Ints)_mm256_madd_epi16((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
  return (Ints)_mm_madd_epi16((__m128i)a, (__m128i)b);
#else
  const Ints x = (Ints)a, y = (Ints)b;
  return (x << 16 >> 16) * (y << 16 >> 16) + (x >> 16) * (y >> 16);
#endif
}

}  // namespace evenly::EVENLY_ISA
