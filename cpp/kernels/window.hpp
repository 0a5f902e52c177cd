// Windows that slide over an image: where they stand. Sequences are images of width 1.
#pragma once
#include "kernels/common.hpp"

namespace evenly::EVENLY_ISA {

// A window on one axis.
struct Axis {
  Index size, outputs, window, stride, dilation, before;

  // The window's first place that lies on the input, for an output; and behind its last.
  Index first(Index output) const {
    const Index start = output * stride - before;
    return start >= 0 ? 0 : smaller(window, divide_up(-start, dilation));
  }
  Index end(Index output) const {
    const Index start = output * stride - before;
    return start >= size ? 0 : smaller(window, divide_up(size - start, dilation));
  }
  // Its places that lie on some rows of the input.
  Range places(Index output, Range rows) const {
    const Index start = output * stride - before;
    const Index from = rows.begin > start ? divide_up(rows.begin - start, dilation) : 0;
    const Index to = rows.end > start ? divide_up(rows.end - start, dilation) : 0;
    return {larger(from, first(output)), smaller(to, end(output))};
  }
  // The outputs whose windows reach them.
  Range outputs_on(Range rows) const {
    const Index behind = rows.begin + before - (window - 1) * dilation;
    return {behind > 0 ? divide_up(behind, stride) : 0,
            smaller(outputs, (rows.end - 1 + before) / stride + 1)};
  }
  // How many of an output's places lie before `behind`, padding included.
  Index places_before(Index behind, Index output) const {
    return smaller(window, divide_up(behind - (output * stride - before), dilation));
  }
  Index position(Index output, Index place) const {
    return output * stride - before + place * dilation;
  }
};

struct Windows {
  Axis height, width;
  Index channels;  // of the input

  explicit Windows(const Instruction& i)
      : height{integer(i, "height"),          integer(i, "out_height"),
               integer(i, "window_height"),   integer(i, "stride_height"),
               integer(i, "dilation_height"), integer(i, "before_height")},
        width{integer(i, "width"),        integer(i, "out_width"),      integer(i, "window_width"),
              integer(i, "stride_width"), integer(i, "dilation_width"), integer(i, "before_width")},
        channels(integer(i, "channels")) {}

  Index places() const { return height.window * width.window; }
  Index inputs() const { return height.size * width.size; }
  Index outputs() const { return height.outputs * width.outputs; }
};

// Bands of input rows, which backward shares out. A number gets its gradients in the order of the
// outputs, so bands change none.
struct InputBands {
  Index size, step, count;

  InputBands(const Axis& height, Index strides)
      : size(height.size), step(height.stride * strides), count(divide_up(size, step)) {}
  Range rows(Index band) const { return {band * step, smaller((band + 1) * step, size)}; }
};

}  // namespace evenly::EVENLY_ISA
