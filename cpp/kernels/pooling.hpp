// What both poolings share: the places of windows, and what tasks are made of.
#pragma once
#include "kernels/window.hpp"

namespace evenly::EVENLY_ISA {

constexpr Index kPoolRun = 64;  // channels that are handled together

// Calls work(output position, example, row, column) for every output of this worker's examples.
template <class Work>
void for_outputs(const Worker& worker, const Batch& batch, const Windows& w, Work work) {
  const Range lines = worker.share(batch.rows * w.height.outputs);
  for (Index line = lines.begin; line < lines.end; ++line)
    for (Index column = 0; column < w.width.outputs; ++column)
      work(line * w.width.outputs + column, line / w.height.outputs, line % w.height.outputs,
           column);
}

// Calls work(place, input position) for every place of a window that lies on some input rows.
template <class Work>
void for_places(const Windows& w, Index row, Index column, Range rows, Work work) {
  const Range lines = w.height.places(row, rows);
  for (Index i = lines.begin; i < lines.end; ++i)
    for (Index j = w.width.first(column); j < w.width.end(column); ++j)
      work(i * w.width.window + j,
           w.height.position(row, i) * w.width.size + w.width.position(column, j));
}

// work(example, rows, output row) for this worker's bands of input rows, and the output rows whose
// windows reach them; begin(example, rows) before those of a band.
template <class Begin, class Work>
void for_bands(const Worker& worker, const Batch& batch, const Windows& w, Begin begin, Work work) {
  constexpr Index kBand = Index{1} << 13;  // numbers
  const InputBands bands(w.height,
                         larger(1, kBand / (w.height.stride * w.width.size * w.channels)));
  const Range own = worker.share(batch.rows * bands.count);
  for (Index task = own.begin; task < own.end; ++task) {
    const Index example = task / bands.count;
    const Range rows = bands.rows(task % bands.count), outputs = w.height.outputs_on(rows);
    begin(example, rows);
    for (Index row = outputs.begin; row < outputs.end; ++row) work(example, rows, row);
  }
}

// A window that is a whole large example is cut into bands of its lines; what each gives stands in
// the buffer "partial", and is joined in order.
struct WindowBands {
  Index lines, count;

  explicit WindowBands(const Instruction& i)
      : lines(integer(i, "window_height")),
        count(has_number(i, "bands") ? integer(i, "bands") : 1) {}
  Range band(Index index) const { return {lines * index / count, lines * (index + 1) / count}; }
};

// Whether every input position stands in exactly one window.
inline bool is_tiling(const Windows& w) {
  const auto tiles = [](const Axis& a) {
    return a.window == a.stride && a.dilation == 1 && a.before == 0 &&
           a.size == a.outputs * a.stride;
  };
  return tiles(w.height) && tiles(w.width);
}

// Windows of two by two that tile the input, which most are: the four numbers are read at once.
inline bool is_two_by_two(const Windows& w) {
  return is_tiling(w) && w.height.window == 2 && w.width.window == 2;
}

// The four places of such a window, from its first.
template <class T>
struct Corners {
  T *a, *b, *c, *d;
  Corners(T* first, const Windows& w)
      : a(first), b(first + w.channels), c(first + w.width.size * w.channels), d(c + w.channels) {}
  static Index position(const Windows& w, Index row, Index column) {
    return (2 * row * w.width.size + 2 * column) * w.channels;
  }
};

}  // namespace evenly::EVENLY_ISA
