// One line of a program as Python hands it over, and how a kernel reads it.
// Nothing here is a template or inline: kernels are compiled once for each instruction set, and
// what they share must exist once only.
#pragma once
#include <cstdint>

namespace evenly {

// Where a buffer lies. External buffers are the caller's arrays and change with every batch.
enum class Region : int {
  state = 0,
  work = 1,
  input = 2,
  target = 3,
  output_gradient = 4,
  weights = 5,
  lengths = 6
};

struct Slot {
  void* fixed;  // null for an external buffer and for one that is absent
  Region region;
  bool present;
};

class Instruction;
const char* operation(const Instruction& instruction);
bool has_number(const Instruction& instruction, const char* name);
double number(const Instruction& instruction, const char* name);
std::int64_t integer(const Instruction& instruction, const char* name);
Slot slot(const Instruction& instruction, const char* name);      // may be absent
void* address(const Instruction& instruction, const char* name);  // must be in an arena
void* optional_address(const Instruction& instruction, const char* name);

}  // namespace evenly
