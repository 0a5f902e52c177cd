// Vectors of numbers, as many as the processor takes at once, for loops that compilers do not
// vectorize by themselves. (Wider ones they take apart, number by number.)
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "support/dispatch_products.hpp"

namespace evenly::EVENLY_ISA {

// As many numbers as the processor takes at once, or those of so many bytes: fewer for what is left
// of a row, and of sums that are added up.
template <class T, int kBytes>
struct VectorOf {
  typedef T type EVENLY_VECTOR(kBytes);
};
template <class T, int kBytes = kLaneBytes>
using Vector = typename VectorOf<T, kBytes>::type;
template <class T>
constexpr std::int64_t kVector = kLaneBytes / static_cast<std::int64_t>(sizeof(T));

// As many whole numbers of their size, and as many bytes.
template <class T>
struct SideBySide;
template <>
struct SideBySide<float> {
  using Whole = Vector<std::int32_t>;
  using Bytes = Vector<std::uint8_t, kVector<float>>;
};
template <>
struct SideBySide<double> {
  using Whole = Vector<std::int64_t>;
  using Bytes = Vector<std::uint8_t, kVector<double>>;
};

template <class Numbers>
static EVENLY_INLINE Numbers load_as(const void* from) {
  Numbers lanes;
  std::memcpy(&lanes, from, sizeof lanes);
  return lanes;
}
template <class T>
static EVENLY_INLINE Vector<T> load(const T* from) {
  return load_as<Vector<T>>(from);
}
template <class T>
static EVENLY_INLINE void store(T* to, Vector<T> numbers) {
  std::memcpy(to, &numbers, sizeof numbers);
}

// The numbers from `at` on that arrays have there; one, where they are no vector.
template <class T, class Number>
struct Here {
  std::int64_t at;
  EVENLY_INLINE Number operator()(const T* from) const { return load_as<Number>(from + at); }
  EVENLY_INLINE void put(T* to, Number numbers) const {
    std::memcpy(to + at, &numbers, sizeof numbers);
  }
  EVENLY_INLINE void add(T* to, Number numbers) const { put(to, (*this)(to) + numbers); }
  // What a function makes of each number.
  template <class Function>
  EVENLY_INLINE Number each(const T* from, Function function) const {
    T lanes[sizeof(Number) / sizeof(T)];
#pragma omp simd
    for (std::size_t i = 0; i < sizeof(Number) / sizeof(T); ++i) lanes[i] = function(from[at + i]);
    return load_as<Number>(lanes);
  }
};

struct Sum {
  template <class Number>
  EVENLY_INLINE Number operator()(Number a, Number b) const {
    return a + b;
  }
};
struct Larger {
  template <class Number>
  EVENLY_INLINE Number operator()(Number a, Number b) const {
    return a > b ? a : b;
  }
};

template <int kBytes, class Join, class T, int kResults, class Terms>
EVENLY_INLINE void join_from(std::int64_t at, std::int64_t count,
                             Vector<T, kBytes> (&some)[kResults], T (&results)[kResults],
                             Terms terms) {
  constexpr int kCount = kBytes / sizeof(T);
  for (; at + kCount <= count; at += kCount) terms(Here<T, Vector<T, kBytes>>{at}, some);
  if constexpr (kCount > 2) {
    Vector<T, kBytes / 2> halves[kResults];
    for (int r = 0; r < kResults; ++r) {
      Vector<T, kBytes / 2> both[2];
      std::memcpy(both, &some[r], sizeof both);
      halves[r] = Join()(both[0], both[1]);
    }
    join_from<kBytes / 2, Join>(at, count, halves, results, terms);
  } else {
    for (int r = 0; r < kResults; ++r) results[r] = Join()(some[r][0], some[r][1]);
    for (; at < count; ++at) terms(Here<T, T>{at}, results);
  }
}

// Sums over the places 0 .. count - 1 of arrays: terms(here, sums) adds to each sum what it makes
// of here(array), some numbers of it side by side. What stands side by side is joined by halves:
// compilers join the lanes of a loop's result one after the other, and 16 of them wait for each
// other longer than a short row takes.
template <int kSums, class T, class Terms>
EVENLY_INLINE void sum_side_by_side(std::int64_t count, T (&totals)[kSums], Terms terms) {
  Vector<T> sums[kSums] = {};
  join_from<kLaneBytes, Sum>(0, count, sums, totals, terms);
}

// Likewise the largest of some numbers. NaN is larger than none.
template <class T>
EVENLY_INLINE T largest_side_by_side(const T* x, std::int64_t count) {
  Vector<T> some[1] = {Vector<T>{} + x[0]};
  T largest[1];
  join_from<kLaneBytes, Larger>(0, count, some, largest,
                                [=](auto here, auto& best)
                                    EVENLY_ALWAYS_INLINE { best[0] = Larger()(here(x), best[0]); });
  return largest[0];
}

}  // namespace evenly::EVENLY_ISA
