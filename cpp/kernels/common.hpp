// What every kernel uses: sources, pieces of a matrix, rows and columns.
// Included only by kernel_set.cpp, which is compiled once for each instruction set; so all lives in
// a namespace of that set's name, and nothing from the standard library's templates is used (one
// shared copy of them might hold instructions that an older processor does not have).
#pragma once
#include <cmath>
#include <cstdint>
#include <cstring>

#include "program/kernel.hpp"

namespace evenly::EVENLY_ISA {

using Index = std::int64_t;

inline Index smaller(Index a, Index b) {
  return a < b ? a : b;
}
constexpr Index larger(Index a, Index b) {
  return a > b ? a : b;
}
inline Index divide_up(Index a, Index b) {
  return (a + b - 1) / b;
}

// Partial results of a reduction over rows: at most this many blocks, whatever the thread count.
// The buffer "scratch" has room for kMaxBlocks x 2 x columns doubles.
constexpr Index kMaxBlocks = 32;

// Pieces that fit the first-level cache: this many elements.
constexpr Index kPiece = 1024;

// A buffer that is read: in an arena, or the caller's own array.
template <class T>
struct Source {
  const T* fixed = nullptr;
  Region region = Region::work;

  Source() = default;
  Source(const Instruction& instruction, const char* name) {
    const Slot found = slot(instruction, name);
    fixed = static_cast<const T*>(found.fixed);
    region = found.region;
  }
  const T* operator()(const Batch& batch) const {
    if (fixed != nullptr) return fixed;
    switch (region) {
      case Region::input:
        return static_cast<const T*>(batch.input);
      case Region::target:
        return static_cast<const T*>(batch.target);
      case Region::output_gradient:
        return static_cast<const T*>(batch.output_gradient);
      case Region::weights:
        return static_cast<const T*>(batch.weights);
      case Region::lengths:
        return static_cast<const T*>(static_cast<const void*>(batch.lengths));
      default:
        return nullptr;
    }
  }
};

template <class T>
T* buffer(const Instruction& instruction, const char* name) {
  return static_cast<T*>(address(instruction, name));
}

template <class T>
T* optional_buffer(const Instruction& instruction, const char* name) {
  return static_cast<T*>(optional_address(instruction, name));
}

// A parameter that a layer may lack: then one value stands in its place, so that loops need not
// ask. Allocated when the program is loaded.
template <class T>
class OrConstant {
 public:
  OrConstant(const Instruction& instruction, const char* name, Index count, T value)
      : given_(optional_buffer<T>(instruction, name)) {
    if (given_ != nullptr) return;
    own_ = new T[static_cast<std::size_t>(count)];
    for (Index i = 0; i < count; ++i) own_[i] = value;
  }
  OrConstant(const OrConstant&) = delete;
  OrConstant& operator=(const OrConstant&) = delete;
  ~OrConstant() { delete[] own_; }
  const T* get() const { return given_ != nullptr ? given_ : own_; }

 private:
  const T* given_;
  T* own_ = nullptr;
};

// The matrix that an activation is to a kernel: rows x columns, columns last.
struct Shape {
  Index rows_per_example, columns;

  explicit Shape(const Instruction& instruction)
      : rows_per_example(integer(instruction, "rows_per_example")),
        columns(integer(instruction, "columns")) {}
  Index rows(const Batch& batch) const { return batch.rows * rows_per_example; }
};

struct Piece {
  Index row_begin, row_end, column_begin, column_end;
};

// Cuts rows x columns into contiguous pieces of about kPiece elements: some whole rows, or a part
// of one. work(piece) must not depend on the order.
template <class Work>
void for_pieces(Range rows, Index columns, Work work) {
  if (columns <= kPiece) {
    const Index step = larger(1, kPiece / larger(1, columns));
    for (Index row = rows.begin; row < rows.end; row += step)
      work(Piece{row, smaller(row + step, rows.end), 0, columns});
  } else {
    for (Index row = rows.begin; row < rows.end; ++row)
      for (Index column = 0; column < columns; column += kPiece)
        work(Piece{row, row + 1, column, smaller(column + kPiece, columns)});
  }
}

// Blocks of rows for a reduction over rows: their number depends on the shape alone.
struct RowBlocks {
  Index rows, count;

  RowBlocks(Index rows_, Index smallest)
      : rows(rows_), count(larger(1, smaller(kMaxBlocks, rows_ / smallest))) {}
  Range block(Index index) const { return {rows * index / count, rows * (index + 1) / count}; }
};

}  // namespace evenly::EVENLY_ISA
