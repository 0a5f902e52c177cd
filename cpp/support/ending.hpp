// Whether a call is to end because the program does.
#pragma once
#include <atomic>
#include <thread>

namespace evenly {

enum class Stage {
  running,
  leaving,  // Python's exit handlers run: their thread may compute, the others are to end
  ended,    // the interpreter is gone, libraries are about to be
};

inline std::atomic<Stage> stage{Stage::running};
inline std::atomic<std::thread::id> leaving_thread{};

// Long calls ask it after every batch, in the thread that called, and return.
inline bool is_to_end() {
  const Stage now = stage.load();
  if (now == Stage::running) return false;
  return now == Stage::ended || leaving_thread.load() != std::this_thread::get_id();
}

}  // namespace evenly
