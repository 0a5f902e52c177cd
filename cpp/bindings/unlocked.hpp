// Native work without the interpreter lock, and the way back to it.
#pragma once
#include <Python.h>

#include <vector>

namespace evenly {

// The threads, by Python's number, that called in the last moments. From now on a call in any other
// thread than this one ends with SystemExit.
std::vector<unsigned long> leave();

// Notes that this thread calls; raises SystemExit where it is to end.
void check_in();
void check_out();

// Lets Python's signal handlers run; raises what they raise, such as KeyboardInterrupt.
void check_signals();

// Takes the interpreter lock back. While the interpreter ends there is none to be had: then this
// never returns, and the process ends with what its main thread says.
void lock_again(PyThreadState* state);

// Counts a call that runs without the lock; the end of the process waits for those it finds.
class Running {
 public:
  Running();
  ~Running();
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
};

// Does `work` without the interpreter lock. Not by a guard whose destructor takes the lock back: up
// to Python 3.13 a thread that asks for the lock while the interpreter ends is made to exit, which
// unwinds its stack, and a destructor lets nothing through: the whole process would abort.
template <class Work>
void unlocked(Work work) {
  check_in();
  PyThreadState* state = PyEval_SaveThread();
  try {
    const Running running;
    work();
  } catch (...) {
    lock_again(state);
    throw;
  }
  lock_again(state);
  check_out();
}

}  // namespace evenly
