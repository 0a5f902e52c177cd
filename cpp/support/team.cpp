#include "support/team.hpp"

#include <omp.h>

#include <thread>

#include "support/dispatch.hpp"
#include "support/process.hpp"

namespace evenly {

Tally::~Tally() = default;

void Meeting::wait() {
  constexpr int kSpins = 4000;
  const unsigned phase = phase_.load(std::memory_order_acquire);
  if (waiting_.fetch_add(1, std::memory_order_acq_rel) + 1 == count_) {
    waiting_.store(0, std::memory_order_relaxed);
    ticket_.store(0, std::memory_order_relaxed);
    phase_.store(phase + 1, std::memory_order_release);
    return;
  }
  for (int spin = 0; phase_.load(std::memory_order_acquire) == phase; ++spin) {
    // After a while somebody else has our partner's processor: let them have ours too. (Sleeping
    // until woken was slower still: a thread that wakes waits for the other's time slice to end.)
    if (spin < kSpins)
      relax();
    else
      std::this_thread::yield();
  }
}

std::int64_t Meeting::ticket() {
  return ticket_.fetch_add(1, std::memory_order_relaxed);
}

void parallel(int threads, void (*body)(void*, const Worker&), void* argument, Meeting& meeting) {
  static std::atomic<ProcessId> owner{0};
  const ProcessId self = process();
  ProcessId expected = 0;
  const bool forked =
      threads > 1 && !owner.compare_exchange_strong(expected, self) && expected != self;
  if (threads == 1 || forked) {
    meeting.open(1);
    body(argument, Worker{0, 1, &meeting});
    return;
  }
#pragma omp parallel num_threads(threads)
  {
#pragma omp single
    meeting.open(omp_get_num_threads());
    body(argument, Worker{omp_get_thread_num(), omp_get_num_threads(), &meeting});
  }
}

}  // namespace evenly
