// Strips of an image: some output rows and the input that their windows see, with its padding.
#pragma once
#include "kernels/window.hpp"

namespace evenly::EVENLY_ISA {

// An array that belongs to a kernel. Allocated when the program is loaded.
template <class T>
class OwnArray {
 public:
  explicit OwnArray(std::size_t count) : values_(new T[count]) {}
  OwnArray(const OwnArray&) = delete;
  OwnArray& operator=(const OwnArray&) = delete;
  ~OwnArray() { delete[] values_; }
  T* get() const { return values_; }

 private:
  T* values_;
};

struct Strips2D {
  Windows windows;
  bool padded;    // whether windows reach over the edges: then a strip is a copy
  Index pitch;    // positions of a row of the strip
  Index step;     // output rows of a strip
  Index count;    // strips of an image
  Index element;  // bytes of a number
  Index run;      // places of a window that are read as one piece: a line of it, or one place

  Strips2D(const Windows& w, std::size_t bytes_of_number, bool by_lines)
      : windows(w),
        element(static_cast<Index>(bytes_of_number)),
        run(by_lines && w.width.dilation == 1 ? w.width.window : 1) {
    padded = w.height.before > 0 || w.width.before > 0 || reach(w.height) > w.height.size ||
             reach(w.width) > w.width.size;
    pitch = padded ? larger(reach(w.width), w.width.before + w.width.size) : w.width.size;
    // About 256 KiB of input a strip, so that it stays in the second-level cache, and not too many
    // positions of the output: fewer of a sequence, whose strips hardly overlap.
    constexpr Index kBytes = Index{1} << 18;
    const Index most = Index{1} << (w.width.outputs == 1 ? 10 : 12);
    const Index row = pitch * w.channels * element * w.height.stride;
    const Index rows = larger(1, smaller(kBytes / row, most / w.width.outputs));
    count = divide_up(w.height.outputs, rows);
    step = divide_up(w.height.outputs, count);
    count = divide_up(w.height.outputs, step);
  }

  Range rows(Index strip) const {
    return {strip * step, smaller((strip + 1) * step, windows.height.outputs)};
  }
  Index bytes() const { return padded ? input_rows(step) * pitch * windows.channels * element : 0; }
  // Numbers from a strip's beginning to the window of an output position in it.
  Index window(Index row, Index column) const {
    return (row * windows.height.stride * pitch + column * windows.width.stride) * windows.channels;
  }
  Index runs() const { return windows.places() / run; }
  // Numbers from a window's beginning to each of its runs.
  void offsets(Index* to) const {
    for (Index i = 0; i < windows.height.window; ++i)
      for (Index j = 0; j < windows.width.window; j += run)
        *to++ =
            (i * windows.height.dilation * pitch + j * windows.width.dilation) * windows.channels;
  }

  // The strip's input: in the image itself, or copied with zeros around it.
  template <class T>
  const T* input(const T* image, Range rows, T* copy) const {
    const Index first = rows.begin * windows.height.stride - windows.height.before;
    const Index length = windows.width.size * windows.channels;
    if (!padded) return image + first * length;
    const Index line = pitch * windows.channels, left = windows.width.before * windows.channels;
    const Index count_rows = input_rows(rows.end - rows.begin);
    for (Index r = 0; r < count_rows; ++r) {
      T* to = copy + r * line;
      const Index row = first + r;
      if (row < 0 || row >= windows.height.size) {
        std::memset(to, 0, static_cast<std::size_t>(line) * sizeof(T));
        continue;
      }
      std::memset(to, 0, static_cast<std::size_t>(left) * sizeof(T));
      std::memcpy(to + left, image + row * length, static_cast<std::size_t>(length) * sizeof(T));
      std::memset(to + left + length, 0,
                  static_cast<std::size_t>(line - left - length) * sizeof(T));
    }
    return copy;
  }

 private:
  // From the first padded position to behind the last window.
  static Index reach(const Axis& a) {
    return (a.outputs - 1) * a.stride + (a.window - 1) * a.dilation + 1;
  }
  Index input_rows(Index outputs) const {
    return (outputs - 1) * windows.height.stride +
           (windows.height.window - 1) * windows.height.dilation + 1;
  }
};

}  // namespace evenly::EVENLY_ISA
