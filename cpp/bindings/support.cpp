// What this build and this processor can do.
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>
#include <omp.h>

#include "bindings/module.hpp"
#include "bindings/unlocked.hpp"
#include "support/dispatch.hpp"

namespace evenly {

void bind_support(nanobind::module_& module) {
  module.def("available_isas", &available_isas,
             "Instruction sets of this build that this processor runs, plainest first.");
  module.def(
      "processors", [] { return omp_get_num_procs(); }, "Processors that this process may use.");
  module.def("leave", &leave,
             "Ends the native calls of all threads but this one with SystemExit, those to come too."
             "\nReturns the numbers of the threads that made one in the last moments.");
}

}  // namespace evenly
