// Eight numbers side by side, for loops that compilers do not vectorize by themselves.
#pragma once
#include <cstdint>
#include <cstring>

#include "support/compiler.hpp"

namespace evenly::EVENLY_ISA {

// And whole numbers of their size.
template <class T>
struct Eight;
template <>
struct Eight<float> {
  typedef float Numbers EVENLY_VECTOR(32);
  typedef std::int32_t Whole EVENLY_VECTOR(32);
};
template <>
struct Eight<double> {
  typedef double Numbers EVENLY_VECTOR(64);
  typedef std::int64_t Whole EVENLY_VECTOR(64);
};
typedef std::uint8_t EightBytes EVENLY_VECTOR(8);

template <class Lanes8>
static EVENLY_INLINE Lanes8 load_eight(const void* from) {
  Lanes8 lanes;
  std::memcpy(&lanes, from, sizeof lanes);
  return lanes;
}

}  // namespace evenly::EVENLY_ISA
