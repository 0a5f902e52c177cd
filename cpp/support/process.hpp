// Which process this is: a forked child has none of its parent's threads.
#pragma once

#if defined(_WIN32)
// Nothing forks here.
namespace evenly {
using ProcessId = int;
inline ProcessId process() {
  return 1;
}
inline int at_fork_in_child(void (*)()) {
  return 0;
}
}  // namespace evenly
#else
#include <pthread.h>
#include <unistd.h>
namespace evenly {
using ProcessId = pid_t;
inline ProcessId process() {
  return getpid();
}
inline int at_fork_in_child(void (*work)()) {
  return pthread_atfork(nullptr, nullptr, work);
}
}  // namespace evenly
#endif
