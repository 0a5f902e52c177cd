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

}  // namespace evenly::EVENLY_ISA
