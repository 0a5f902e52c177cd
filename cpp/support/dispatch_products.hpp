// Products of 32-bit numbers in 64-bit lanes: the one place where compilers do not find the
// instruction that every processor has.
#pragma once
#include <cstdint>

#include "support/compiler.hpp"
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

namespace evenly::EVENLY_ISA {

#if defined(__AVX512F__)
constexpr int kLaneBytes = 64;
#elif defined(__AVX2__)
constexpr int kLaneBytes = 32;
#else
constexpr int kLaneBytes = 16;
#endif
#if defined(__AVX512F__) || defined(__aarch64__) || defined(EVENLY_WIDE_TILES)
constexpr int kVectorRegisters = 32;
#else
constexpr int kVectorRegisters = 16;
#endif
typedef std::uint64_t Lanes EVENLY_VECTOR(kLaneBytes);
constexpr int kLanes = kLaneBytes / 8;
#if defined(__AVX512F__)
constexpr Lanes kCounting = {0, 1, 2, 3, 4, 5, 6, 7};
#elif defined(__AVX2__)
constexpr Lanes kCounting = {0, 1, 2, 3};
#else
constexpr Lanes kCounting = {0, 1};
#endif

// The products of the lower halves of the lanes.
static EVENLY_INLINE Lanes low_products(Lanes a, Lanes b) {
#if defined(__AVX512F__)
  return (Lanes)_mm512_mul_epu32((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
  return (Lanes)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
  return (Lanes)_mm_mul_epu32((__m128i)a, (__m128i)b);
#elif defined(__aarch64__)
  return (Lanes)vmull_u32(vmovn_u64((uint64x2_t)a), vmovn_u64((uint64x2_t)b));
#else
  return (a & 0xFFFFFFFFu) * (b & 0xFFFFFFFFu);
#endif
}

}  // namespace evenly::EVENLY_ISA
