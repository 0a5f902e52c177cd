// Where branches join: their sum, or their columns side by side. The gradient of a sum is the same
// for every summand, so that backward has nothing to compute; that of columns side by side is cut.
// And a cut of columns by itself.
#pragma once
#include <cstdio>

#include "kernels/epilogue.hpp"

namespace evenly::EVENLY_ISA {

// The slots name_1, name_2, ... of an instruction, of which some may be absent.
template <class Item>
class Numbered {
 public:
  template <class Make>
  Numbered(Index count, const char* name, Make make) : count_(count) {
    items_ = new Item[static_cast<std::size_t>(count)];
    for (Index i = 0; i < count; ++i) {
      char text[40];
      std::snprintf(text, sizeof text, "%s_%lld", name, static_cast<long long>(i + 1));
      items_[i] = make(text);
    }
  }
  Numbered(const Numbered&) = delete;
  Numbered& operator=(const Numbered&) = delete;
  ~Numbered() { delete[] items_; }
  Index count() const { return count_; }
  const Item& operator[](Index i) const { return items_[i]; }

 private:
  Index count_;
  Item* items_;
};

template <class T>
Numbered<Source<T>> numbered_sources(const Instruction& i, const char* name) {
  Index count = 0;
  for (char text[40];; ++count) {
    std::snprintf(text, sizeof text, "%s_%lld", name, static_cast<long long>(count + 1));
    if (!slot(i, text).present) break;
  }
  return {count, name, [&](const char* text) { return Source<T>(i, text); }};
}

inline Numbered<Index> numbered_columns(const Instruction& i) {
  Index count = 0;
  for (char text[40];; ++count) {
    std::snprintf(text, sizeof text, "columns_%lld", static_cast<long long>(count + 1));
    if (!has_number(i, text)) break;
  }
  return {count, "columns", [&](const char* text) { return integer(i, text); }};
}

// y = epilogue(x_1 + x_2 + ...), in this order.
template <class T>
class SumForward final : public Kernel {
 public:
  explicit SumForward(const Instruction& i)
      : shape_(i), epilogue_(i), x_(numbered_sources<T>(i, "x")), y_(buffer<T>(i, "y")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const DropStream stream = epilogue_.prepare(batch);
    const Index count = shape_.rows(batch) * shape_.columns;
    epilogue_.for_flat(worker, count, [&](Index first, Index size) {
      T* y = y_ + first;
      std::memcpy(y, x_[0](batch) + first, static_cast<std::size_t>(size) * sizeof(T));
      for (Index k = 1; k < x_.count(); ++k) {
        const T* x = x_[k](batch) + first;
#pragma omp simd
        for (Index c = 0; c < size; ++c) y[c] += x[c];
      }
      epilogue_.forward(y, first, size, stream);
    });
  }

 private:
  Shape shape_;
  Epilogue<T> epilogue_;
  Numbered<Source<T>> x_;
  T* y_;
};

template <class T>
class ConcatenateForward final : public Kernel {
 public:
  explicit ConcatenateForward(const Instruction& i)
      : shape_(i),
        epilogue_(i),
        columns_(numbered_columns(i)),
        x_(numbered_sources<T>(i, "x")),
        y_(buffer<T>(i, "y")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const Range own = worker.share(shape_.rows(batch));
    Index start = 0;
    for (Index k = 0; k < x_.count(); ++k) {
      const T* x = x_[k](batch);
      const Index width = columns_[k];
      for (Index row = own.begin; row < own.end; ++row)
        std::memcpy(y_ + row * shape_.columns + start, x + row * width,
                    static_cast<std::size_t>(width) * sizeof(T));
      start += width;
    }
    if (!epilogue_.present()) return;
    worker.meet();
    const DropStream stream = epilogue_.prepare(batch);
    epilogue_.for_flat(worker, shape_.rows(batch) * shape_.columns, [&](Index first, Index size) {
      epilogue_.forward(y_ + first, first, size, stream);
    });
  }

 private:
  Shape shape_;
  Epilogue<T> epilogue_;
  Numbered<Index> columns_;
  Numbered<Source<T>> x_;
  T* y_;
};

template <class T>
class ConcatenateBackward final : public Kernel {
 public:
  explicit ConcatenateBackward(const Instruction& i)
      : shape_(i),
        columns_(numbered_columns(i)),
        d_y_(i, "d_y"),
        d_x_(columns_.count(), "d_x",
             [&](const char* name) { return optional_buffer<T>(i, name); }) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T* d_y = d_y_(batch);
    const Range own = worker.share(shape_.rows(batch));
    Index start = 0;
    for (Index k = 0; k < d_x_.count(); ++k) {
      const Index width = columns_[k];
      if (d_x_[k] != nullptr)
        for (Index row = own.begin; row < own.end; ++row)
          std::memcpy(d_x_[k] + row * width, d_y + row * shape_.columns + start,
                      static_cast<std::size_t>(width) * sizeof(T));
      start += width;
    }
  }

 private:
  Shape shape_;
  Numbered<Index> columns_;
  Source<T> d_y_;
  Numbered<T*> d_x_;
};

// y = columns of x from start on; backward puts d_y in its place, among zeros.
template <class T, bool kBack>
class Slice final : public Kernel {
 public:
  explicit Slice(const Instruction& i)
      : shape_(i),
        features_(integer(i, "features")),
        start_(integer(i, "start")),
        from_(i, kBack ? "d_y" : "x"),
        to_(kBack ? optional_buffer<T>(i, "d_x") : buffer<T>(i, "y")) {}

  void run(const Worker& worker, const Batch& batch) const override {
    const T* from = from_(batch);
    const Index width = shape_.columns;
    const Range own = worker.share(to_ == nullptr ? 0 : shape_.rows(batch));
    for (Index row = own.begin; row < own.end; ++row) {
      if constexpr (kBack) {
        T* to = to_ + row * features_;
        for (Index c = 0; c < features_; ++c) to[c] = T(0);
        std::memcpy(to + start_, from + row * width, static_cast<std::size_t>(width) * sizeof(T));
      } else {
        std::memcpy(to_ + row * width, from + row * features_ + start_,
                    static_cast<std::size_t>(width) * sizeof(T));
      }
    }
  }

 private:
  Shape shape_;
  Index features_, start_;
  Source<T> from_;
  T* to_;
};

}  // namespace evenly::EVENLY_ISA
