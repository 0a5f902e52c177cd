// Groups of channels that stand side by side: their sizes, their statistics, and sums over the
// positions of an example.
#pragma once
#include "kernels/statistics.hpp"

namespace evenly::EVENLY_ISA {

// The sizes of one example.
struct Groups {
  Index positions, channels, count, width, values;  // width: channels of a group

  explicit Groups(const Instruction& i)
      : positions(integer(i, "rows_per_example")),
        channels(integer(i, "columns")),
        count(integer(i, "groups")),
        width(channels / count),
        values(positions * channels) {}

  // The number of values that a group's statistics are over.
  double size() const { return static_cast<double>(positions * width); }
};

// A size known when this is compiled, or 0 for the one known when it runs.
template <Index kWidth>
struct Width {
  static Index of(const Groups& groups) { return kWidth > 0 ? kWidth : groups.width; }
};

// work(Width<w>()) for the width of the groups.
template <class Work>
void for_width(const Groups& groups, Work work) {
  switch (groups.width) {
    case 4:
      return work(Width<4>());
    case 8:
      return work(Width<8>());
    case 16:
      return work(Width<16>());
    case 32:
      return work(Width<32>());
    default:
      return work(Width<0>());
  }
}

template <class T, class Term>
T sum_of(Index count, Term term) {
  T sum = 0;
#pragma omp simd reduction(+ : sum)
  for (Index k = 0; k < count; ++k) sum += term(k);
  return sum;
}

// of_channel[c] = what the group of channel c has.
template <class T>
void spread(const Groups& groups, const T* of_group, T* of_channel) {
  for (Index g = 0; g < groups.count; ++g) {
    const T value = of_group[g];
    T* to = of_channel + g * groups.width;
    for (Index k = 0; k < groups.width; ++k) to[k] = value;
  }
}

// Sums over an example's positions of two terms for each channel: runs of positions, and then the
// runs' sums, so that rounding does not grow with the size of an image. `run_first` and
// `run_second` hold the sums of one run.
template <class T, class Terms>
void sum_positions(const Groups& groups, T* first, T* second, T* run_first, T* run_second,
                   Terms terms) {
  constexpr Index kRun = 128;
  const Range all{0, groups.channels};
  sum_rows<T>({0, smaller(kRun, groups.positions)}, all, first, second, terms);
  for (Index p = kRun; p < groups.positions; p += kRun) {
    sum_rows<T>({p, smaller(p + kRun, groups.positions)}, all, run_first, run_second, terms);
#pragma omp simd
    for (Index c = 0; c < groups.channels; ++c) {
      first[c] += run_first[c];
      second[c] += run_second[c];
    }
  }
}

// The buffer "statistics": one value for each group of each example. The mean is mean + rest: the
// nearest number, and what x - mean sums to beside it.
template <class T>
struct GroupStatistics {
  T *mean, *rest, *reciprocal;
  Index groups;

  GroupStatistics(const Instruction& i, const Groups& sizes)
      : mean(buffer<T>(i, "statistics")),
        rest(mean + integer(i, "planned_examples") * sizes.count),
        reciprocal(rest + integer(i, "planned_examples") * sizes.count),
        groups(sizes.count) {}

  // Those of one example.
  GroupStatistics(const GroupStatistics& all, Index example)
      : mean(all.mean + example * all.groups),
        rest(all.rest + example * all.groups),
        reciprocal(all.reciprocal + example * all.groups),
        groups(all.groups) {}
};

}  // namespace evenly::EVENLY_ISA
