// Depthwise convolution with one filter a channel: elementwise in the channels.
#pragma once
#include "kernels/strip.hpp"

namespace evenly::EVENLY_ISA {

constexpr Index kVectorRun = 64;  // channels whose sums stay in registers

// y = windows * kernel for the positions of a strip; channels are many numbers side by side.
template <class T>
void depthwise_forward(const Windows& w, const Strips2D& strips, const Index* offsets,
                       const T* strip, Range rows, const T* kernel, T* y) {
  const Index channels = w.channels, places = w.places();
  for (Index r = 0; r < rows.end - rows.begin; ++r)
    for (Index c = 0; c < w.width.outputs; ++c, y += channels) {
      const T* from = strip + strips.window(r, c);
      for (Index first = 0; first < channels; first += kVectorRun) {
        const Index count = smaller(kVectorRun, channels - first);
        T sum[kVectorRun];
        for (Index k = 0; k < count; ++k) sum[k] = T(0);
        for (Index p = 0; p < places; ++p) {
          const T *a = from + offsets[p] + first, *b = kernel + p * channels + first;
#pragma omp simd
          for (Index k = 0; k < count; ++k) sum[k] += a[k] * b[k];
        }
        std::memcpy(y + first, sum, static_cast<std::size_t>(count) * sizeof(T));
      }
    }
}

// d_x of some rows of an image, zero on entry: each output gives its share to the places of its
// window.
template <class T>
void depthwise_input(const Windows& w, const T* all_d_z, const T* kernel, T* d_x, Range rows) {
  const Index channels = w.channels;
  const Range outputs = w.height.outputs_on(rows);
  const T* d_z = all_d_z + outputs.begin * w.width.outputs * channels;
  for (Index row = outputs.begin; row < outputs.end; ++row) {
    const Range lines = w.height.places(row, rows);
    for (Index column = 0; column < w.width.outputs; ++column, d_z += channels)
      for (Index i = lines.begin; i < lines.end; ++i)
        for (Index j = w.width.first(column); j < w.width.end(column); ++j) {
          T* to = d_x + (w.height.position(row, i) * w.width.size + w.width.position(column, j)) *
                            channels;
          const T* k = kernel + (i * w.width.window + j) * channels;
#pragma omp simd
          for (Index c = 0; c < channels; ++c) to[c] += d_z[c] * k[c];
        }
  }
}

// d_kernel += windows * d_z over some rows of an image's outputs, whose d_z it gets.
template <class T>
void depthwise_kernel(const Windows& w, const T* x, const T* d_z, Range rows, T* d_kernel) {
  const Index channels = w.channels;
  for (Index row = rows.begin; row < rows.end; ++row)
    for (Index column = 0; column < w.width.outputs; ++column, d_z += channels)
      for (Index i = w.height.first(row); i < w.height.end(row); ++i)
        for (Index j = w.width.first(column); j < w.width.end(column); ++j) {
          const T* from =
              x +
              (w.height.position(row, i) * w.width.size + w.width.position(column, j)) * channels;
          T* to = d_kernel + (i * w.width.window + j) * channels;
#pragma omp simd
          for (Index c = 0; c < channels; ++c) to[c] += d_z[c] * from[c];
        }
}

}  // namespace evenly::EVENLY_ISA
