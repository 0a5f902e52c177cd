// Groups of channels that stand side by side: their sizes, their statistics, and sums over the
// positions of an example. A large example is cut into bands of positions by its shape alone; the
// bands' sums are added in order, so that it does not matter who computed them.
#pragma once
#include "kernels/statistics.hpp"

namespace evenly::EVENLY_ISA {

// The sizes of one example.
struct Groups {
  Index positions, channels, count, width, values;  // width: channels of a group
  Index step, bands;                                // of positions, and how many steps there are

  explicit Groups(const Instruction& i)
      : positions(integer(i, "rows_per_example")),
        channels(integer(i, "columns")),
        count(integer(i, "groups")),
        width(channels / count),
        values(positions * channels),
        step(divide_up(divide_up(positions, integer(i, "bands")), kRun) * kRun),
        bands(divide_up(positions, step)) {}

  Range band(Index index) const { return {index * step, smaller((index + 1) * step, positions)}; }
  // Whether a team shares the bands of each example: with many examples it shares these, and what
  // a worker reads twice is in its cache.
  bool shared(Index examples) const { return bands > 1 && examples < kFewExamples; }
  static constexpr Index kFewExamples = 16;

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

// Sums over the values of a group that stands in a row, as sum_side_by_side has them; a long one's
// in parts, which are added up in double.
template <Index kWidth, int kSums, class T, class Terms>
EVENLY_INLINE void sum_group(Index width, T (&totals)[kSums], Terms terms) {
  if constexpr (kWidth > 0) return sum_side_by_side(kWidth, totals, terms);
  double all[kSums] = {};
  for_parts(width, [&](Index begin, Index end) {
    T part[kSums];
    sum_side_by_side(end - begin, part, [&](auto here, auto& sums) EVENLY_ALWAYS_INLINE {
      here.at += begin;
      terms(here, sums);
    });
    for (int s = 0; s < kSums; ++s) all[s] += static_cast<double>(part[s]);
  });
  for (int s = 0; s < kSums; ++s) totals[s] = static_cast<T>(all[s]);
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

// Sums over some positions of two terms for each channel.
template <class T, class Terms>
void sum_positions(const Groups& groups, Range positions, double* sums, Terms terms) {
  for (Index c = 0; c < groups.channels; c += kStrip)
    sum_many_rows<T>(positions, {c, smaller(c + kStrip, groups.channels)}, sums + c,
                     sums + groups.channels + c, terms);
}

// The same over all of them, band by band; `band` has room for a band's.
template <class T, class Terms>
void sum_bands(const Groups& groups, double* sums, double* band, Terms terms) {
  sum_positions<T>(groups, groups.band(0), sums, terms);
  for (Index b = 1; b < groups.bands; ++b) {
    sum_positions<T>(groups, groups.band(b), band, terms);
    for (Index c = 0; c < 2 * groups.channels; ++c) sums[c] += band[c];
  }
}

// Of bands whose sums stand side by side.
inline void join_bands(const Groups& groups, const double* bands, double* sums) {
  for (Index c = 0; c < 2 * groups.channels; ++c) sums[c] = bands[c];
  for (Index b = 1; b < groups.bands; ++b)
    for (Index c = 0; c < 2 * groups.channels; ++c) sums[c] += bands[b * 2 * groups.channels + c];
}

// Calls first(example, band) for this worker's bands of all examples, and when the team has met
// begin(example, whether it begins here) once for each example, and second(example, band).
template <class First, class Begin, class Second>
void in_bands(const Groups& groups, const Worker& worker, Index examples, First first, Begin begin,
              Second second) {
  const Range before = worker.share(examples * groups.bands);
  for (Index t = before.begin; t < before.end; ++t) first(t / groups.bands, t % groups.bands);
  worker.meet();
  const Range own = worker.share(examples * groups.bands);
  for (Index t = own.begin; t < own.end; ++t) {
    const Index band = t % groups.bands;
    if (t == own.begin || band == 0) begin(t / groups.bands, band == 0);
    second(t / groups.bands, band);
  }
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

  // Those of one example, in a thread's own memory.
  GroupStatistics(T* own, Index count)
      : scale(own),
        mean(own + count),
        rest(mean + count),
        reciprocal(rest + count),
        groups(count) {}

  // Those of one example.
  GroupStatistics(const GroupStatistics& all, Index example)
      : scale(all.scale + example * all.groups),
        mean(all.mean + example * all.groups),
        rest(all.rest + example * all.groups),
        reciprocal(all.reciprocal + example * all.groups),
        groups(all.groups) {}

  void copy_to(const GroupStatistics& other) const {
    const auto bytes = static_cast<std::size_t>(groups) * sizeof(T);
    std::memcpy(other.scale, scale, bytes);
    std::memcpy(other.mean, mean, bytes);
    std::memcpy(other.rest, rest, bytes);
    std::memcpy(other.reciprocal, reciprocal, bytes);
  }

  void keep(Index group, const Normal& normal) const {
    scale[group] = static_cast<T>(normal.scale);
    mean[group] = static_cast<T>(normal.mean);
    rest[group] = static_cast<T>(normal.mean - static_cast<double>(mean[group]));
    reciprocal[group] = static_cast<T>(normal.reciprocal);
  }
};

}  // namespace evenly::EVENLY_ISA
