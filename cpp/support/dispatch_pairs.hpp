// Products of 16-bit numbers, summed in pairs, and of bytes, summed in fours: compilers do not find
// the instructions by themselves.
#pragma once
#include "support/dispatch_products.hpp"
#if defined(__x86_64__)
#include <cpuid.h>
#endif

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

// Whether the processor has an instruction for byte_products. No clone's flags name it, so whoever
// calls that asks here first.
static inline bool multiplies_bytes() {
#if defined(__AVX512F__)
  return __builtin_cpu_supports("avx512vnni");
#elif defined(__AVX2__)
  // AVX-VNNI. (Not every compiler knows it by name.)
  unsigned a = 0, b, c, d;
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
#else
  return false;
#endif
}

// sums + the four products in each lane of bytes from 0 to 255 and codes from -128 to 127, without
// their carries beyond 32 bits.
static EVENLY_INLINE Ints byte_products(Ints sums, Ints bytes, Ints codes) {
#if defined(__AVX512F__)
  asm("vpdpbusd %2, %1, %0" : "+v"(sums) : "v"(bytes), "v"(codes));
#elif defined(__AVX2__)
  asm("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sums) : "x"(bytes), "x"(codes));
#else
  for (int at = 0; at < 32; at += 8) sums += (bytes >> at & 255) * (codes << (24 - at) >> 24);
#endif
  return sums;
}

}  // namespace evenly::EVENLY_ISA
