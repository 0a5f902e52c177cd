// Assembles the native module; one file a subject.
#include "bindings/module.hpp"

#include "support/blas.hpp"

NB_MODULE(_native, module) {
  module.doc() = "The native core of Evenly: runs programs. Use evenly.Engine.";
  // A thread that the end of the process finds at work keeps what it works with: no fault.
  nanobind::set_leak_warnings(false);
  evenly::use_one_blas_thread();
  evenly::bind_support(module);
  evenly::bind_executor(module);
}
