#include <stdexcept>

#include "program/instruction_data.hpp"

namespace evenly {

const char* operation(const Instruction& instruction) {
  return instruction.operation.c_str();
}

bool has_number(const Instruction& instruction, const char* name) {
  return instruction.numbers.count(name) > 0;
}

double number(const Instruction& instruction, const char* name) {
  const auto found = instruction.numbers.find(name);
  if (found == instruction.numbers.end())
    throw std::invalid_argument(instruction.operation + ": the number '" + name + "' is missing");
  return found->second;
}

std::int64_t integer(const Instruction& instruction, const char* name) {
  return static_cast<std::int64_t>(number(instruction, name));
}

Slot slot(const Instruction& instruction, const char* name) {
  const auto found = instruction.slots.find(name);
  if (found == instruction.slots.end()) return {nullptr, Region::work, false};
  return found->second;
}

void* address(const Instruction& instruction, const char* name) {
  void* pointer = optional_address(instruction, name);
  if (pointer == nullptr)
    throw std::invalid_argument(instruction.operation + ": the buffer '" + name + "' is missing");
  return pointer;
}

void* optional_address(const Instruction& instruction, const char* name) {
  return slot(instruction, name).fixed;
}

}  // namespace evenly
