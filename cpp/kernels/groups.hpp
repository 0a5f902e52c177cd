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
inline T sum_of(Index count, Term term) {
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

// Sums over an example's positions of two terms for each channel.
template <class T, class Terms>
void sum_positions(const Groups& groups, double* first, double* second, Terms terms) {
  for (Index c = 0; c < groups.channels; c += kStrip)
    sum_many_rows<T>({0, groups.positions}, {c, smaller(c + kStrip, groups.channels)}, first + c,
                     second + c, terms);
}

// The buffer "statistics": one value for each group of each example. A group whose squares overflow
// or vanish is scaled by a power of two first, all others by 1. The mean of what was scaled is
// mean + rest: a number near it, and what x - mean sums to beside it.
template <class T>
struct GroupStatistics {
  T *scale, *mean, *rest, *reciprocal;
  Index groups;

  GroupStatistics(const Instruction& i, const Groups& sizes)
      : scale(buffer<T>(i, "statistics")),
        mean(scale + integer(i, "planned_examples") * sizes.count),
        rest(mean + integer(i, "planned_examples") * sizes.count),
        reciprocal(rest + integer(i, "planned_examples") * sizes.count),
        groups(sizes.count) {}

  // Those of one example.
  GroupStatistics(const GroupStatistics& all, Index example)
      : scale(all.scale + example * all.groups),
        mean(all.mean + example * all.groups),
        rest(all.rest + example * all.groups),
        reciprocal(all.reciprocal + example * all.groups),
        groups(all.groups) {}

  void keep(Index group, const Normal& normal) const {
    scale[group] = static_cast<T>(normal.scale);
    mean[group] = static_cast<T>(normal.mean);
    rest[group] = static_cast<T>(normal.mean - static_cast<double>(mean[group]));
    reciprocal[group] = static_cast<T>(normal.reciprocal);
  }
};

}  // namespace evenly::EVENLY_ISA
