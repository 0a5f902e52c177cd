// The inside of Instruction, for the binding that fills it and the accessors that read it.
#pragma once
#include <map>
#include <string>

#include "program/instruction.hpp"

namespace evenly {

class Instruction {
 public:
  std::string operation;
  std::map<std::string, Slot> slots;
  std::map<std::string, double> numbers;
};

}  // namespace evenly
