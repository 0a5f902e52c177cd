// Vectors of numbers, as many as the processor takes at once, for loops that compilers do not
// vectorize by themselves. (Wider ones they take apart, number by number.)
#pragma once
#include <cstdint>
#include <cstring>

#include "support/dispatch_products.hpp"

namespace evenly::EVENLY_ISA {

// A vector of numbers, and those of as many whole numbers of their size and of as many bytes.
template <class T>
struct SideBySide;
template <>
struct SideBySide<float> {
  static constexpr int kCount = kLaneBytes / 4;
  typedef float Numbers EVENLY_VECTOR(kLaneBytes);
  typedef std::int32_t Whole EVENLY_VECTOR(kLaneBytes);
  typedef std::uint8_t Bytes EVENLY_VECTOR(kLaneBytes / 4);
};
template <>
struct SideBySide<double> {
  static constexpr int kCount = kLaneBytes / 8;
  typedef double Numbers EVENLY_VECTOR(kLaneBytes);
  typedef std::int64_t Whole EVENLY_VECTOR(kLaneBytes);
  typedef std::uint8_t Bytes EVENLY_VECTOR(kLaneBytes / 8);
};

template <class Vector>
static EVENLY_INLINE Vector load_side(const void* from) {
  Vector lanes;
  std::memcpy(&lanes, from, sizeof lanes);
  return lanes;
}

}  // namespace evenly::EVENLY_ISA
