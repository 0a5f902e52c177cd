#include "program/executor.hpp"

#include <chrono>
#include <cstring>
#include <stdexcept>

#include "support/dispatch.hpp"

namespace evenly {

Kernel::~Kernel() = default;

namespace {

template <class Body>
void on_team(int threads, Meeting& meeting, Body body) {
  parallel(
      threads,
      [](void* argument, const Worker& worker) { (*static_cast<Body*>(argument))(worker); }, &body,
      meeting);
}

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

}  // namespace

Executor::Executor(const Lists& lists, bool is_double, const std::string& isa, Scalars* scalars)
    : scalars_(scalars) {
  for (const auto& [name, instructions] : lists) {
    Kernels& kernels = lists_[name];
    for (const Instruction& instruction : instructions)
      kernels.emplace_back(make_kernel(isa, is_double, instruction));
  }
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
  const std::lock_guard lock(mutex_);
  on_team(threads, meeting_,
          [&](const Worker& worker) { run_all(kernels, begin, end, worker, batch); });
}

TrainingEnd Executor::train(const TrainingRun& run, int threads) {
  using Clock = std::chrono::steady_clock;
  const Kernels &gradient = list("gradient"), &update = list("update");
  const std::lock_guard lock(mutex_);
  const auto end_time = Clock::now() + std::chrono::duration<double>(run.seconds);
  TrainingEnd result{0, false};
  bool out_of_time = false;

  on_team(threads, meeting_, [&](const Worker& worker) {
    for (std::int64_t b = run.first_batch; b < run.last_batch; ++b) {
      const std::int64_t first = b * run.batch_rows, number = b - run.first_batch;
      Batch batch{smaller(run.batch_rows, run.rows - first),
                  run.seed,
                  run.first_step + static_cast<std::uint64_t>(number),
                  run.learning_rates[number],
                  run.input.data + first * run.input.bytes,
                  run.target.data + first * run.target.bytes,
                  nullptr};
      if (run.order != nullptr) {
        gather(run.input, run.order + first, batch.rows, worker);
        gather(run.target, run.order + first, batch.rows, worker);
        batch.input = run.input.gathered;
        batch.target = run.target.gathered;
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
        if (failed) {
          result.failed = true;
        } else {
          ++result.steps;
          out_of_time = Clock::now() >= end_time;
        }
      }
      if (failed) return;
      for (const auto& kernel : update) kernel->run(worker, batch);
      worker.meet();
      if (out_of_time) return;
    }
  });
  return result;
}

void Executor::predict(const Rows& input, std::int64_t rows, std::int64_t batch_rows,
                       const std::byte* scores, std::byte* output, std::int64_t output_bytes,
                       int threads) {
  const Kernels& kernels = list("inference");
  const std::lock_guard lock(mutex_);
  on_team(threads, meeting_, [&](const Worker& worker) {
    for (std::int64_t first = 0; first < rows; first += batch_rows) {
      const std::int64_t count = smaller(batch_rows, rows - first);
      const Batch batch{count, 0, 0, 0, input.data + first * input.bytes, nullptr, nullptr};
      run_all(kernels, 0, kernels.size(), worker, batch);
      const Range own = worker.share(count * output_bytes);
      std::memcpy(output + first * output_bytes + own.begin, scores + own.begin,
                  static_cast<std::size_t>(own.end - own.begin));
      worker.meet();
    }
  });
}

void Executor::evaluate(const Rows& input, const Rows& target, std::int64_t rows,
                        std::int64_t batch_rows, double* loss, double* score, int threads) {
  const Kernels& kernels = list("evaluation");
  const std::lock_guard lock(mutex_);
  *loss = *score = 0;
  on_team(threads, meeting_, [&](const Worker& worker) {
    for (std::int64_t first = 0; first < rows; first += batch_rows) {
      const std::int64_t count = smaller(batch_rows, rows - first);
      const Batch batch{
          count,  0, 0, 0, input.data + first * input.bytes, target.data + first * target.bytes,
          nullptr};
      run_all(kernels, 0, kernels.size(), worker, batch);
      if (worker.index == 0) {
        *loss += scalars_->loss * static_cast<double>(count);
        *score += scalars_->score;
      }
      worker.meet();
    }
  });
  *loss /= static_cast<double>(rows);
}

}  // namespace evenly
