#pragma once
#include <nanobind/nanobind.h>

namespace evenly {

void bind_support(nanobind::module_& module);
void bind_executor(nanobind::module_& module);

}  // namespace evenly
