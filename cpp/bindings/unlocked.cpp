#include "bindings/unlocked.hpp"

#include <nanobind/nanobind.h>
#include <pthread.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <thread>
#include <unordered_map>

#include "support/ending.hpp"

namespace evenly {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// A thread that called so long ago is at something else.
constexpr auto kMoment = 250ms;
// A batch is over long before; a process that is to end must not wait for ever.
constexpr auto kPatience = 5s;

std::atomic<int> running{0};

// When each thread called last; later than any time while it calls. Under the interpreter lock.
std::unordered_map<unsigned long, Clock::time_point>& last_calls() {
  static auto* calls = new std::unordered_map<unsigned long, Clock::time_point>;
  return *calls;
}

// This thread's.
Clock::time_point& last_call() {
  thread_local Clock::time_point& mine = last_calls()[PyThread_get_thread_ident()];
  return mine;
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
[[maybe_unused]] const int at_fork = pthread_atfork(nullptr, nullptr, forget_calls);

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
  for (const auto& [thread, time] : last_calls())
    if (time > moment_ago) recent.push_back(thread);
  return recent;
}

void check_out() {
  if (!is_to_end()) return;
  PyErr_SetNone(PyExc_SystemExit);
  throw nanobind::python_error();
}

void check_in() {
  check_out();
  last_call() = Clock::time_point::max();
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
  last_call() = Clock::now();
}

}  // namespace evenly
