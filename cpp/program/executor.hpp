// Runs instruction lists: one parallel region a call, and nothing allocated in it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "program/instruction_data.hpp"
#include "program/kernel.hpp"
#include "support/process.hpp"

namespace evenly {

// Rows of the caller's arrays, and where gathered rows go in the arena.
struct Rows {
  const std::byte* data = nullptr;
  std::int64_t bytes = 0;  // of one row
  std::byte* gathered = nullptr;
};

struct TrainingRun {
  Rows input, target;
  Rows weights, lengths;                // optional: without data
  const std::int64_t* order = nullptr;  // row numbers; null: as they lie
  std::int64_t rows = 0;                // of the whole pass
  std::int64_t batch_rows = 1;
  std::int64_t first_batch = 0;  // where in the pass to begin
  std::int64_t last_batch = 0;   // where to end
  std::uint64_t seed = 0;
  std::uint64_t first_step = 0;          // of first_batch, counted over the whole training
  const StepNumbers* numbers = nullptr;  // one a batch, from first_batch
  double* records = nullptr;             // kRecord numbers a batch, from first_batch
  double seconds = 0;                    // end after the step in which this has passed
};

constexpr int kRecord = 6;  // loss, score, penalty, gradient norm, weight, scored

struct TrainingEnd {
  std::int64_t steps;  // that were finished
  bool failed;         // the step after them was not finite; its update has not been made
  bool overflowed;     // the last of them has made a parameter that is not finite
};

// Over the rows so far.
struct EvaluationSums {
  std::int64_t rows = 0;
  double loss = 0, score = 0, scored = 0, weight = 0;  // `scored`: examples that count in `score`
};

// A call comes back so often, so that Ctrl-C is heard; on a busy machine a team soon costs more to
// bring together again.
constexpr double kSecondsACall = 0.25;

// What an instruction does between two meetings of the team.
struct Phase {
  std::int64_t tasks = 0;  // the most things that the team shares
  double seconds = 0;      // that one thread takes for all of it
};

class Executor {
 public:
  using Lists = std::map<std::string, std::vector<Instruction>>;

  Executor(const Lists& lists, bool is_double, const std::string& isa, Scalars* scalars);

  // Instructions [begin, end) of a list, on one batch.
  void run(const std::string& list, std::size_t begin, std::size_t end, const Batch& batch,
           int threads);
  // Runs instruction `number` of a list on one thread: its phases, the last of which ends with it.
  std::vector<Phase> phases(const std::string& list, std::size_t number, const Batch& batch);
  // Whole training steps: "gradient", then "update" if the step is finite.
  TrainingEnd train(const TrainingRun& run, int threads);
  // Scores of the rows from `first` on into `output`, `batch_rows` at a time, until kSecondsACall
  // have passed; returns the row to go on with.
  std::int64_t predict(const Rows& input, const Rows& lengths, std::int64_t first,
                       std::int64_t rows, std::int64_t batch_rows, const std::byte* scores,
                       std::byte* output, std::int64_t output_bytes, int threads);
  // Likewise: adds to `sums`, from where they end.
  void evaluate(const TrainingRun& run, EvaluationSums& sums, int threads);

 private:
  using Kernels = std::vector<std::unique_ptr<Kernel>>;

  const Kernels& list(const std::string& name) const;
  template <class Body>
  void on_team(int threads, Body body);

  std::map<std::string, Kernels> lists_;
  Scalars* scalars_;
  std::size_t thread_bytes_ = 0;    // that a thread needs for itself
  std::vector<std::byte> scratch_;  // of all threads
  Meeting meeting_;
  std::mutex mutex_;                  // the arena serves one call at a time
  std::atomic<ProcessId> holder_{0};  // the process whose thread has the mutex
};

}  // namespace evenly
