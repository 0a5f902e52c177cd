// Products of 32-bit numbers in 64-bit lanes, and parts of vectors: where compilers do not find the
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

// The first `count` numbers of a vector, behind which nothing may be read; the rest is 0.
typedef float Floats EVENLY_VECTOR(kLaneBytes);
typedef double Doubles EVENLY_VECTOR(kLaneBytes);
static EVENLY_INLINE Floats load_some(const float* from, std::int64_t count) {
#if defined(__AVX512F__)
  return (Floats)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), from);
#elif defined(__AVX2__)
  const __m256i lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i some = _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), lanes);
  return (Floats)_mm256_maskload_ps(from, some);
#else
  Floats some{};
  for (int i = 0; i < count; ++i) some[i] = from[i];
  return some;
#endif
}
static EVENLY_INLINE Doubles load_some(const double* from, std::int64_t count) {
#if defined(__AVX512F__)
  return (Doubles)_mm512_maskz_loadu_pd((__mmask8)((1u << count) - 1), from);
#elif defined(__AVX2__)
  const __m256i some = _mm256_cmpgt_epi64(_mm256_set1_epi64x(count), (__m256i)kCounting);
  return (Doubles)_mm256_maskload_pd(from, some);
#else
  Doubles some{};
  for (int i = 0; i < count; ++i) some[i] = from[i];
  return some;
#endif
}

// The first `count` numbers of a vector, to where no more may be written. (AVX2 has an instruction
// for it, which some processors take apart.)
static EVENLY_INLINE void store_some(float* to, Floats v, std::int64_t count) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(to, (__mmask16)((1u << count) - 1), (__m512)v);
#else
  for (int i = 0; i < count; ++i) to[i] = v[i];
#endif
}
static EVENLY_INLINE void store_some(double* to, Doubles v, std::int64_t count) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_pd(to, (__mmask8)((1u << count) - 1), (__m512d)v);
#else
  for (int i = 0; i < count; ++i) to[i] = v[i];
#endif
}

}  // namespace evenly::EVENLY_ISA
