// What the executor knows of a kernel, and what a kernel knows of the batch at hand.
#pragma once
#include <cmath>
#include <cstdint>

#include "program/instruction.hpp"
#include "support/team.hpp"

namespace evenly {

// What may differ from step to step, decided before the pass.
struct StepNumbers {
  double learning_rate = 0;
  double momentum = NAN;  // NaN: the update rule's own
  double mix = 1;         // mixup: the share of the example itself
  double shift = 0;       // mixup: where the other example is, see Batch::partner
  double average = 0;     // the weight of the new values in the average of weights
  double dropout = 1;     // what the rates of dropout are multiplied by
  double decay = 1;       // what the weight decay is multiplied by
  double cut = 0;         // how many columns of the input are cut out,
  double place = 0;       // and which: see kernels/mixup.hpp
  double first = 0;       // of a part of a batch: which row of the whole batch its first one is,
  double whole = 0;       // the rows of the whole batch (0: this is no part),
  double total = NAN;     // and what the whole batch's loss is divided by (NaN: not known)
};

constexpr int kStepNumbers = 12;

struct Batch {
  std::int64_t rows;   // examples in this batch; at most what the program was planned for
  std::uint64_t seed;  // of the run: dropout masks
  std::uint64_t step;  // counted from 0: dropout masks and bias corrections
  StepNumbers numbers;
  const void* input;  // the caller's arrays, or the arena's copy of gathered rows
  const void* target;
  const void* output_gradient;
  const void* weights = nullptr;          // of the examples; null: 1 each
  const std::int32_t* lengths = nullptr;  // steps of each example that count; null: all

  std::int64_t first() const { return static_cast<std::int64_t>(numbers.first); }
  std::int64_t whole() const {
    return numbers.whole > 0 ? static_cast<std::int64_t>(numbers.whole) : rows;
  }

  // The row that mixup mixes into this one: another one, if there is any. Counted from the part's
  // first row, it may lie before that or behind the last: then the arrays are the whole batch's.
  std::int64_t partner(std::int64_t row) const {
    const std::int64_t all = whole();
    if (all < 2) return row;
    const std::int64_t distance = 1 + static_cast<std::int64_t>(numbers.shift) % (all - 1);
    return (first() + row + distance) % all - first();
  }
};

// The few numbers that leave a step, as they lie in the arena (buffer "scalars").
constexpr double kNotFinite = 1, kOverflowed = 2;

struct Scalars {
  double loss;           // mean over the rows
  double score;          // right answers, or the sum of squared errors
  double penalty;        // its part of the cost
  double gradient_norm;  // before clipping, penalty included
  double clip_factor;    // what the update multiplies the gradient by
  double weight;         // of the batch: what the loss was divided by
  double failed;         // kNotFinite: the loss or a gradient; kOverflowed: a parameter, updated
  double scored;         // examples that count in the score
};

class Kernel {
 public:
  virtual ~Kernel();
  // Called by every thread of the team. The executor makes the team meet after it.
  virtual void run(const Worker& worker, const Batch& batch) const = 0;
  // Bytes that each thread needs for itself in Worker::scratch, whatever the batch.
  virtual std::int64_t thread_bytes() const { return 0; }
};

}  // namespace evenly
