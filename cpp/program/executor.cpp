#include "program/executor.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <stdexcept>

#include "support/dispatch.hpp"
#include "support/ending.hpp"

namespace evenly {

Kernel::~Kernel() = default;

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kLine = 64;  // bytes of a cache line

template <class Kernels>
void run_all(const Kernels& kernels, std::size_t begin, std::size_t end, const Worker& worker,
             const Batch& batch) {
  for (std::size_t i = begin; i < end; ++i) {
    kernels[i]->run(worker, batch);
    worker.meet();
  }
}

void gather(const Rows& rows, const std::int64_t* order, std::int64_t count, const Worker& worker) {
  const Range own = worker.share(count);
  const auto bytes = static_cast<std::size_t>(rows.bytes);
  for (std::int64_t r = own.begin; r < own.end; ++r)
    std::memcpy(rows.gathered + r * rows.bytes, rows.data + order[r] * rows.bytes, bytes);
}

std::int64_t smaller(std::int64_t a, std::int64_t b) {
  return a < b ? a : b;
}

const std::byte* at(const Rows& rows, std::int64_t first) {
  return rows.data == nullptr ? nullptr : rows.data + first * rows.bytes;
}

// The arena serves one call at a time: the others wait for their turn. In a forked child nobody
// would ever end the call that another thread of the parent was in.
class Turn {
 public:
  Turn(std::mutex& mutex, std::atomic<ProcessId>& holder) : mutex_(mutex), holder_(holder) {
    const ProcessId self = process();
    if (!mutex_.try_lock()) {
      const ProcessId other = holder_.load();
      if (other != 0 && other != self)
        throw std::runtime_error(
            "the process was forked while another thread computed with this network: its arrays "
            "are half done here: fork before or after, or give the child a model of its own");
      mutex_.lock();
    }
    holder_.store(self);
  }
  ~Turn() {
    holder_.store(0);
    mutex_.unlock();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  std::mutex& mutex_;
  std::atomic<ProcessId>& holder_;
};

class PhaseTally final : public Tally {
 public:
  void shared(std::int64_t things) override { tasks_ = std::max(tasks_, things); }
  // The last ticket finds nothing: of each loop that takes them one is none.
  void taken() override { tasks_ = std::max(tasks_, ++tickets_ - 1); }
  void met() override {
    const auto now = Clock::now();
    phases.push_back({tasks_, std::chrono::duration<double>(now - begin_).count()});
    tasks_ = tickets_ = 0;
    begin_ = Clock::now();
  }
  std::vector<Phase> phases;

 private:
  std::int64_t tasks_ = 0, tickets_ = 0;
  Clock::time_point begin_ = Clock::now();
};

// The batch as it lies in the caller's arrays.
Batch batch_of(const TrainingRun& run, std::int64_t first, std::int64_t rows) {
  Batch batch{};
  batch.rows = rows;
  batch.seed = run.seed;
  batch.input = at(run.input, first);
  batch.target = at(run.target, first);
  batch.weights = at(run.weights, first);
  batch.lengths = reinterpret_cast<const std::int32_t*>(at(run.lengths, first));
  return batch;
}

}  // namespace

Executor::Executor(const Lists& lists, bool is_double, const std::string& isa, Scalars* scalars)
    : scalars_(scalars) {
  for (const auto& [name, instructions] : lists) {
    Kernels& kernels = lists_[name];
    for (const Instruction& instruction : instructions)
      kernels.emplace_back(make_kernel(isa, is_double, instruction));
    for (const auto& kernel : kernels)
      thread_bytes_ = std::max(thread_bytes_, static_cast<std::size_t>(kernel->thread_bytes()));
  }
  thread_bytes_ = (thread_bytes_ + kLine - 1) / kLine * kLine;
}

// Every thread gets its scratch memory; it is allocated when a call has more threads than any
// before it, and never within a step.
template <class Body>
void Executor::on_team(int threads, Body body) {
  if (thread_bytes_ > 0) {
    const std::size_t needed = thread_bytes_ * static_cast<std::size_t>(threads) + kLine;
    if (scratch_.size() < needed) scratch_.resize(needed);
  }
  struct Call {
    Body& body;
    std::byte* scratch;
    std::size_t bytes;
  };
  const auto base = reinterpret_cast<std::uintptr_t>(scratch_.data());
  Call call{body, scratch_.data() + (kLine - base % kLine) % kLine, thread_bytes_};
  parallel(
      threads,
      [](void* argument, const Worker& worker) {
        const Call& own = *static_cast<Call*>(argument);
        Worker equipped = worker;
        if (own.bytes > 0)
          equipped.scratch = own.scratch + own.bytes * static_cast<std::size_t>(worker.index);
        own.body(equipped);
      },
      &call, meeting_);
}

const Executor::Kernels& Executor::list(const std::string& name) const {
  const auto found = lists_.find(name);
  if (found == lists_.end()) throw std::invalid_argument("the program has no list '" + name + "'");
  return found->second;
}

void Executor::run(const std::string& name, std::size_t begin, std::size_t end, const Batch& batch,
                   int threads) {
  const Kernels& kernels = list(name);
  if (begin > end || end > kernels.size())
    throw std::out_of_range("list '" + name + "' has no such instructions");
  const Turn turn(mutex_, holder_);
  on_team(threads, [&](const Worker& worker) { run_all(kernels, begin, end, worker, batch); });
}

std::vector<Phase> Executor::phases(const std::string& name, std::size_t number,
                                    const Batch& batch) {
  const Kernels& kernels = list(name);
  if (number >= kernels.size())
    throw std::out_of_range("list '" + name + "' has no such instruction");
  const Turn turn(mutex_, holder_);
  PhaseTally tally;
  on_team(1, [&](const Worker& worker) {
    Worker own = worker;
    tally = PhaseTally();
    own.tally = &tally;
    kernels[number]->run(own, batch);
    own.meet();
  });
  return std::move(tally.phases);
}

TrainingEnd Executor::train(const TrainingRun& run, int threads) {
  const Kernels &gradient = list("gradient"), &update = list("update");
  const Turn turn(mutex_, holder_);
  const auto end_time = Clock::now() + std::chrono::duration<double>(run.seconds);
  TrainingEnd result{0, false, false};
  bool out_of_time = false;

  on_team(threads, [&](const Worker& worker) {
    for (std::int64_t b = run.first_batch; b < run.last_batch; ++b) {
      const std::int64_t first = b * run.batch_rows, number = b - run.first_batch;
      Batch batch = batch_of(run, first, smaller(run.batch_rows, run.rows - first));
      batch.step = run.first_step + static_cast<std::uint64_t>(number);
      batch.numbers = run.numbers[number];
      if (run.order != nullptr) {
        for (const Rows* rows : {&run.input, &run.target, &run.weights, &run.lengths})
          if (rows->data != nullptr) gather(*rows, run.order + first, batch.rows, worker);
        batch.input = run.input.gathered;
        batch.target = run.target.gathered;
        if (batch.weights) batch.weights = run.weights.gathered;
        if (batch.lengths)
          batch.lengths = reinterpret_cast<const std::int32_t*>(run.lengths.gathered);
        worker.meet();
      }
      run_all(gradient, 0, gradient.size(), worker, batch);
      const bool failed = scalars_->failed != 0;
      if (worker.index == 0) {
        double* record = run.records + number * kRecord;
        record[0] = scalars_->loss;
        record[1] = scalars_->score;
        record[2] = scalars_->penalty;
        record[3] = scalars_->gradient_norm;
        record[4] = scalars_->weight;
        record[5] = scalars_->scored;
        if (failed) {
          result.failed = true;
        } else {
          ++result.steps;
          out_of_time = Clock::now() >= end_time || is_to_end();
        }
      }
      if (failed) return;
      // Most of these do not read what another wrote; those that do meet the others themselves.
      for (const auto& kernel : update) kernel->run(worker, batch);
      worker.meet();
      if (scalars_->failed == kOverflowed) {
        if (worker.index == 0) result.overflowed = true;
        return;
      }
      if (out_of_time) return;
    }
  });
  return result;
}

std::int64_t Executor::predict(const Rows& input, const Rows& lengths, std::int64_t first,
                               std::int64_t rows, std::int64_t batch_rows, const std::byte* scores,
                               std::byte* output, std::int64_t output_bytes, int threads) {
  const Kernels& kernels = list("inference");
  const Turn turn(mutex_, holder_);
  const auto end_time = Clock::now() + std::chrono::duration<double>(kSecondsACall);
  std::int64_t done = first;
  bool stopped = false;
  on_team(threads, [&](const Worker& worker) {
    for (std::int64_t begin = first; begin < rows; begin += batch_rows) {
      const std::int64_t count = smaller(batch_rows, rows - begin);
      Batch batch{};
      batch.rows = count;
      batch.input = at(input, begin);
      batch.lengths = reinterpret_cast<const std::int32_t*>(at(lengths, begin));
      run_all(kernels, 0, kernels.size(), worker, batch);
      const Range own = worker.share(count * output_bytes);
      std::memcpy(output + begin * output_bytes + own.begin, scores + own.begin,
                  static_cast<std::size_t>(own.end - own.begin));
      if (worker.index == 0) {
        done = begin + count;
        stopped = Clock::now() >= end_time || is_to_end();
      }
      worker.meet();
      if (stopped) return;
    }
  });
  return done;
}

void Executor::evaluate(const TrainingRun& run, EvaluationSums& sums, int threads) {
  const Kernels& kernels = list("evaluation");
  const Turn turn(mutex_, holder_);
  const auto end_time = Clock::now() + std::chrono::duration<double>(kSecondsACall);
  const std::int64_t first = sums.rows;
  bool stopped = false;
  on_team(threads, [&](const Worker& worker) {
    for (std::int64_t begin = first; begin < run.rows; begin += run.batch_rows) {
      const Batch batch = batch_of(run, begin, smaller(run.batch_rows, run.rows - begin));
      run_all(kernels, 0, kernels.size(), worker, batch);
      if (worker.index == 0) {
        if (scalars_->weight > 0) sums.loss += scalars_->loss * scalars_->weight;
        sums.score += scalars_->score;
        sums.scored += scalars_->scored;
        sums.weight += scalars_->weight;
        sums.rows = begin + batch.rows;
        stopped = Clock::now() >= end_time || is_to_end();
      }
      worker.meet();
      if (stopped) return;
    }
  });
}

}  // namespace evenly
