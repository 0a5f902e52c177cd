#include "support/dispatch.hpp"

#include <stdexcept>

#define X(isa)                                         \
  namespace evenly::isa {                              \
  Kernel* make_float(const Instruction& instruction);  \
  Kernel* make_double(const Instruction& instruction); \
  void multiply_float(const MatrixProduct& product);   \
  void multiply_double(const MatrixProduct& product);  \
  }
EVENLY_DISPATCH_LIST
#undef X

namespace evenly {
namespace {

struct Clone {
  const char* name;
  Kernel* (*make_float)(const Instruction&);
  Kernel* (*make_double)(const Instruction&);
  void (*multiply_float)(const MatrixProduct&);
  void (*multiply_double)(const MatrixProduct&);
};

constexpr Clone kClones[] = {
#define X(isa) \
  {#isa, &isa::make_float, &isa::make_double, &isa::multiply_float, &isa::multiply_double},
    EVENLY_DISPATCH_LIST
#undef X
};

bool runs_here(const std::string& name) {
  if (name == "baseline") return true;
#if defined(__x86_64__)
  // The features by name, since not every compiler's support library knows the levels.
  __builtin_cpu_init();
  const bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
                  __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
  if (name == "x86_64_v3") return v3;
  if (name == "x86_64_v4")
    return v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
#endif
  return false;
}

const Clone& clone_named(const std::string& isa) {
  const std::string wanted = isa.empty() ? available_isas().back() : isa;
  for (const Clone& clone : kClones) {
    if (clone.name != wanted) continue;
    if (!runs_here(clone.name))
      throw std::invalid_argument("this processor cannot run the instruction set " + wanted);
    return clone;
  }
  throw std::invalid_argument("unknown instruction set " + wanted);
}

}  // namespace

std::vector<std::string> available_isas() {
  std::vector<std::string> names;
  for (const Clone& clone : kClones)
    if (runs_here(clone.name)) names.push_back(clone.name);
  return names;
}

Kernel* make_kernel(const std::string& isa, bool is_double, const Instruction& instruction) {
  const Clone& clone = clone_named(isa);
  Kernel* kernel = is_double ? clone.make_double(instruction) : clone.make_float(instruction);
  if (kernel == nullptr)
    throw std::invalid_argument("no kernel is named '" + std::string(operation(instruction)) + "'");
  return kernel;
}

void multiply(const std::string& isa, bool is_double, const MatrixProduct& product) {
  const Clone& clone = clone_named(isa);
  (is_double ? clone.multiply_double : clone.multiply_float)(product);
}

}  // namespace evenly
