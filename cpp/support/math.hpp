// exp, tanh and the logistic function in plain arithmetic, so that loops over them vectorize.
// Coefficients: S. Moshier, Cephes Mathematical Library (exp, expf, tanh, tanhf). Errors are below
// 2 units in the last place; NaN gives NaN, infinities their limits.
#pragma once
#include <cstdint>
#include <cstring>

namespace evenly::EVENLY_ISA {

inline float power_of_two(std::uint32_t n, float) {
  const std::uint32_t bits = (n + 127u) << 23;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline double power_of_two(std::uint64_t n, double) {
  const std::uint64_t bits = (n + 1023u) << 52;
  double value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// exp(x) = p * 2^n for an x that neither overflows nor underflows by far; returns p, about 1.
inline float exponential_parts(float x, std::uint32_t& n) {
  constexpr float kMagic = 12582912.0f;  // adding it rounds to a whole number, kept in the low bits
  const float shifted = x * 1.44269504088896341f + kMagic;
  const float whole = shifted - kMagic;
  std::uint32_t base;
  std::memcpy(&n, &shifted, sizeof n);
  std::memcpy(&base, &kMagic, sizeof base);
  n -= base;
  float r = x - whole * 0.693359375f;
  r = r + whole * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  return p * (r * r) + r + 1.0f;
}

inline float exponential(float x) {
  x = x < -104.0f ? -104.0f : x;
  x = x > 89.0f ? 89.0f : x;
  std::uint32_t n;
  const float p = exponential_parts(x, n);
  // Two factors, for results below the smallest normal number and at the largest.
  const std::uint32_t half = static_cast<std::uint32_t>(static_cast<std::int32_t>(n) >> 1);
  return p * power_of_two(half, 0.0f) * power_of_two(n - half, 0.0f);
}

inline double exponential(double x) {
  constexpr double kMagic = 6755399441055744.0;
  x = x < -746.0 ? -746.0 : x;
  x = x > 710.0 ? 710.0 : x;
  const double shifted = x * 1.4426950408889634074 + kMagic;
  const double whole = shifted - kMagic;
  std::uint64_t n, base;
  std::memcpy(&n, &shifted, sizeof n);
  std::memcpy(&base, &kMagic, sizeof base);
  n -= base;
  double r = x - whole * 6.93145751953125e-1;
  r = r - whole * 1.42860682030941723212e-6;
  const double square = r * r;
  double p = 1.26177193074810590878e-4;
  p = p * square + 3.02994407707441961300e-2;
  p = (p * square + 9.99999999999999999910e-1) * r;
  double q = 3.00198505138664455042e-6;
  q = q * square + 2.52448340349684104192e-3;
  q = q * square + 2.27265548208155028766e-1;
  q = q * square + 2.0;
  const double value = 1.0 + 2.0 * (p / (q - p));
  // n fits 12 bits; a 32-bit shift keeps its sign and vectorizes where a 64-bit one does not.
  const auto half = static_cast<std::uint64_t>(
      static_cast<std::int64_t>(static_cast<std::int32_t>(static_cast<std::uint32_t>(n)) >> 1));
  return value * power_of_two(half, 0.0) * power_of_two(n - half, 0.0);
}

// exp(x) for x <= 0, as softmax needs it: one factor is enough, and what is below the smallest
// normal number counts as 0.
inline float exponential_of_negative(float x) {
  std::uint32_t n;
  const float p = exponential_parts(x < -87.0f ? -87.0f : x, n);
  return x < -87.0f ? 0.0f : p * power_of_two(n, 0.0f);
}

inline double exponential_of_negative(double x) {
  return exponential(x);
}

template <class T>
inline T logistic(T x) {
  return T(1) / (T(1) + exponential(-x));
}

inline float tanh_near_zero(float x) {
  const float s = x * x;
  float p = -5.70498872745e-3f;
  p = p * s + 2.06390887954e-2f;
  p = p * s - 5.37397155531e-2f;
  p = p * s + 1.33314422036e-1f;
  p = p * s - 3.33332819422e-1f;
  return p * s * x + x;
}

inline double tanh_near_zero(double x) {
  const double s = x * x;
  double p = -9.64399179425052238628e-1;
  p = p * s - 9.92877231001918586564e1;
  p = p * s - 1.61468768441708447952e3;
  double q = s + 1.12811678491632931402e2;
  q = q * s + 2.23548839060100448583e3;
  q = q * s + 4.84406305325125486048e3;
  return x + x * s * (p / q);
}

template <class T>
inline T hyperbolic_tangent(T x) {
  const T size = x < 0 ? -x : x;
  const T far = T(1) - T(2) / (exponential(size + size) + T(1));
  const T signed_far = x < 0 ? -far : far;
  return size < T(0.625) ? tanh_near_zero(x) : signed_far;
}

}  // namespace evenly::EVENLY_ISA
