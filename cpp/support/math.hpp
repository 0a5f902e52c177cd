// exp, tanh, the logistic function and their kin in plain arithmetic, so that loops over them
// vectorize. Coefficients of exp and tanh: S. Moshier, Cephes Mathematical Library (exp, expf,
// tanh, tanhf). Errors are below 2 units in the last place; NaN gives NaN, infinities their limits.
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

// exp(x) = (1 + rest) * 2^n for an x that neither overflows nor underflows by far; returns the
// rest, whose size is below 0.42, to its own last digits.
inline float exponential_rest(float x, std::uint32_t& n) {
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
  return p * (r * r) + r;
}

inline double exponential_rest(double x, std::uint64_t& n) {
  constexpr double kMagic = 6755399441055744.0;
  const double shifted = x * 1.4426950408889634074 + kMagic;
  const double whole = shifted - kMagic;
  std::uint64_t base;
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
  return 2.0 * (p / (q - p));
}

// exp(x) for an x that is known to lie within +-87 (float) or +-700 (double).
inline float exponential_inside(float x) {
  std::uint32_t n;
  const float p = exponential_rest(x, n) + 1.0f;
  return p * power_of_two(n, 0.0f);
}

inline double exponential_inside(double x) {
  std::uint64_t n;
  const double p = exponential_rest(x, n) + 1.0;
  return p * power_of_two(n, 0.0);
}

// exp(x) for x <= 0; what is below about the smallest normal number counts as 0.
template <class T>
inline T exponential_of_negative(T x) {
  constexpr T kFar = sizeof(T) == 4 ? T(-87) : T(-700);
  const T inside = exponential_inside(x < kFar ? kFar : x);
  return x < kFar ? T(0) : inside;
}

// exp(x) - 1 for x <= 0, to its own last digits near 0.
inline float exponential_less_one(float x) {
  std::uint32_t n;
  const float rest = exponential_rest(x < -40.0f ? -40.0f : x, n);
  const float power = power_of_two(n, 0.0f);
  return power * rest + (power - 1.0f);
}

inline double exponential_less_one(double x) {
  std::uint64_t n;
  const double rest = exponential_rest(x < -40.0 ? -40.0 : x, n);
  const double power = power_of_two(n, 0.0);
  return power * rest + (power - 1.0);
}

// 2 artanh(s) for |s| <= 1/3, from which both logarithms below are made. The coefficients are our
// own: interpolation of artanh(s) / s in s^2 at Chebyshev's points; errors 4e-9 and 1e-18.
inline float twice_artanh(float s) {
  const float w = s * s;
  float p = 0.14078889181554540f;
  p = p * w + 0.13982578872598634f;
  p = p * w + 0.20012297615351874f;
  p = p * w + 0.33333160820688887f;
  // Apart from the leading 1, so that its rounding is the only one that counts.
  return 2.0f * s + 2.0f * s * w * p;
}

inline double twice_artanh(double s) {
  const double w = s * s;
  double p = 0.085220817813906990645;
  p = p * w + 0.041622532559304102879;
  p = p * w + 0.060550843640346088273;
  p = p * w + 0.066501870163373121685;
  p = p * w + 0.076933070211520038808;
  p = p * w + 0.090908704162524022551;
  p = p * w + 0.11111112040373836587;
  p = p * w + 0.14285714272727057267;
  p = p * w + 0.20000000000092873734;
  p = p * w + 0.33333333333333074797;
  return 2.0 * s + 2.0 * s * w * p;
}

// log(1 + t) for 0 <= t <= 1.
template <class T>
inline T logarithm_of_one_more(T t) {
  return twice_artanh(t / (t + T(2)));
}

// What the upper tail of the normal distribution is to exp(-a^2 / 2), for a >= 0:
//   P(N(0, 1) > a) = erfc(a / sqrt(2)) / 2 = exp(-a^2 / 2) normal_tail(a).
// The coefficients are our own: rational interpolation at Chebyshev's points. The errors of the
// product are 2e-9 and 1e-18; far out the quotient keeps its limit 1 / (a sqrt(2 pi)).
inline float normal_tail(float a) {
  float p = 0.0039507989646861126f;
  p = p * a + 0.039536998361016478f;
  p = p * a + 0.18001214308276319f;
  p = p * a + 0.43398892646761508f;
  p = p * a + 0.50000000156668512f;
  float q = 0.0099030311290380066f;
  q = q * a + 0.099112367205798636f;
  q = q * a + 0.46095353190961205f;
  q = q * a + 1.1891872243153139f;
  q = q * a + 1.6658626658902132f;
  q = q * a + 1.0f;
  return p / q;
}

inline double normal_tail(double a) {
  double p = 3.6370139542450367755e-6;
  p = p * a + 0.000096302654019421624344;
  p = p * a + 0.0012123016651668264431;
  p = p * a + 0.0094058274344106913941;
  p = p * a + 0.049053043057467574083;
  p = p * a + 0.17628546456943457849;
  p = p * a + 0.42900448404019381419;
  p = p * a + 0.65539367685720325282;
  p = p * a + 0.50000000000000000032;
  double q = 9.1166417623341155455e-6;
  q = q * a + 0.00024139497628256196261;
  q = q * a + 0.0030479054492220929244;
  q = q * a + 0.023818328765249904738;
  q = q * a + 0.12597792380514344909;
  q = q * a + 0.46498148007516411948;
  q = q * a + 1.192268554626194287;
  q = q * a + 2.0404857324723302518;
  q = q * a + 2.1086719145172720443;
  q = q * a + 1.0;
  return p / q;
}

template <class T>
inline T logistic(T x) {
  constexpr T kFar = sizeof(T) == 4 ? T(87) : T(700);
  T cut = x < -kFar ? -kFar : x;
  cut = cut > kFar ? kFar : cut;
  const T inside = T(1) / (T(1) + exponential_inside(-cut));
  return x < -kFar ? T(0) : inside;
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
  const T cut = size > T(20) ? T(20) : size;  // where it is 1 to the last digit
  const T far = T(1) - T(2) / (exponential_inside(cut + cut) + T(1));
  const T signed_far = x < 0 ? -far : far;
  return size < T(0.625) ? tanh_near_zero(x) : signed_far;
}

}  // namespace evenly::EVENLY_ISA
