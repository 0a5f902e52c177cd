// The threads of one parallel region: who am I, what is my share, wait for the others.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace evenly {

// A barrier that spins for a moment, then yields. Meeting at it also puts the tickets back to zero.
class Meeting {
 public:
  void open(int count) { count_ = count; }
  void wait();
  std::int64_t ticket();
  void reset() { ticket_.store(0, std::memory_order_relaxed); }

 private:
  alignas(64) std::atomic<int> waiting_{0};
  alignas(64) std::atomic<unsigned> phase_{0};
  alignas(64) std::atomic<std::int64_t> ticket_{0};
  int count_ = 1;
};

struct Range {
  std::int64_t begin, end;
};

// Hears what one thread, which stands for any number of them, is asked to share out.
class Tally {
 public:
  virtual ~Tally();
  virtual void shared(std::int64_t things) = 0;  // in contiguous parts
  virtual void taken() = 0;                      // a ticket: a task, or the end of them
  virtual void met() = 0;
};

struct Worker {
  int index;
  int count;
  Meeting* meeting;
  std::byte* scratch = nullptr;  // this thread's own memory, 64-byte aligned
  Tally* tally = nullptr;

  void meet() const {
    if (count > 1)
      meeting->wait();
    else
      meeting->reset();
    if (tally != nullptr) tally->met();
  }
  // The next task nobody has taken since the last meeting.
  std::int64_t take() const {
    if (tally != nullptr) tally->taken();
    return meeting->ticket();
  }
  // This worker's contiguous part of n things.
  Range share(std::int64_t n) const {
    if (tally != nullptr) tally->shared(n);
    return {n * index / count, n * (index + 1) / count};
  }
};

// Runs body(argument, worker) on `threads` threads in one parallel region. With one thread, and in
// a forked child (where the parent's threads do not exist), it runs in place; results are the same
// for any number of threads, so nothing but time depends on it.
void parallel(int threads, void (*body)(void*, const Worker&), void* argument, Meeting& meeting);

}  // namespace evenly
