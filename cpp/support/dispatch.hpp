// Which clone of the kernels this processor runs. The only place that knows one processor family.
#pragma once
#include <string>
#include <vector>

#include "program/kernel.hpp"
#include "support/blas.hpp"

namespace evenly {

// The names of the clones that this build holds and this processor can run, plainest first.
std::vector<std::string> available_isas();

// Makes the kernel of an instruction from the clone named `isa`; "" means the best one.
// Throws std::invalid_argument for an unknown clone or an operation without a kernel.
Kernel* make_kernel(const std::string& isa, bool is_double, const Instruction& instruction);

// One matrix product by itself, by the clone named `isa`, as the kernels make it.
void multiply(const std::string& isa, bool is_double, const MatrixProduct& product);

// Tells the processor that a thread waits in a loop.
inline void relax() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace evenly
