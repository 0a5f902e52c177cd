#include "bindings/unlocked.hpp"

#include <nanobind/nanobind.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "support/ending.hpp"
#include "support/process.hpp"

namespace evenly {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// A thread that called so long ago is at something else.
constexpr auto kMoment = 250ms;
// A batch is over long before; a process that is to end must not wait for ever.
constexpr auto kPatience = 5s;

std::atomic<int> running{0};

// When a thread called last; later than any time while it calls. An interpreter without a lock has
// many in here at once, so records are only ever added. A thread that gets the number of one that
// has ended gets its record too. (No mutex: a forked child might find it locked for ever.)
struct Calls {
  const unsigned long thread;
  std::atomic<Clock::time_point> last{Clock::time_point::min()};
  Calls* next = nullptr;
};

std::atomic<Calls*> all_calls{nullptr};

Calls* calls_of(unsigned long thread) {
  for (Calls* calls = all_calls.load(); calls != nullptr; calls = calls->next)
    if (calls->thread == thread) return calls;
  auto* calls = new Calls{thread};
  calls->next = all_calls.load();
  while (!all_calls.compare_exchange_weak(calls->next, calls)) {
  }
  return calls;
}

// This thread's.
std::atomic<Clock::time_point>& last_call() {
  thread_local Calls* const mine = calls_of(PyThread_get_thread_ident());
  return mine->last;
}

[[noreturn]] void wait_for_the_end() {
  for (;;) std::this_thread::sleep_for(1h);
}

// Behind it the libraries close that native calls compute with: OpenBLAS gives its memory back.
void end_calls() {
  stage.store(Stage::ended);
  const auto last = Clock::now() + kPatience;
  while (running.load() > 0 && Clock::now() < last) std::this_thread::sleep_for(200us);
}

// The calls of other threads do not exist in a forked child.
void forget_calls() {
  running.store(0);
}

[[maybe_unused]] const int at_exit = std::atexit(end_calls);
[[maybe_unused]] const int at_fork = at_fork_in_child(forget_calls);

}  // namespace

Running::Running() {
  running.fetch_add(1);
}

Running::~Running() {
  running.fetch_sub(1);
}

std::vector<unsigned long> leave() {
  leaving_thread.store(std::this_thread::get_id());
  stage.store(Stage::leaving);
  std::vector<unsigned long> recent;
  const auto moment_ago = Clock::now() - kMoment;
  for (const Calls* calls = all_calls.load(); calls != nullptr; calls = calls->next)
    if (calls->last.load() > moment_ago) recent.push_back(calls->thread);
  return recent;
}

void check_out() {
  if (!is_to_end()) return;
  PyErr_SetNone(PyExc_SystemExit);
  throw nanobind::python_error();
}

void check_in() {
  check_out();
  last_call().store(Clock::time_point::max());
}

void check_signals() {
  if (PyErr_CheckSignals() != 0) throw nanobind::python_error();
}

void lock_again(PyThreadState* state) {
  if (stage.load() == Stage::ended) wait_for_the_end();
  try {
    PyEval_RestoreThread(state);
  } catch (...) {
    // The unwinding of a thread that is to exit. Frames above this one let nothing through.
    wait_for_the_end();
  }
  last_call().store(Clock::now());
}

}  // namespace evenly
