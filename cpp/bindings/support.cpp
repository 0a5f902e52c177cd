// What this build and this processor can do.
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>
#include <omp.h>

#include <stdexcept>

#include "bindings/module.hpp"
#include "bindings/unlocked.hpp"
#include "support/dispatch.hpp"

namespace nb = nanobind;

namespace evenly {
namespace {

template <class T>
using Matrix = nb::ndarray<T, nb::ndim<2>, nb::device::cpu>;

template <class T>
void multiply_matrices(const Matrix<const T>& a, const Matrix<const T>& b, const Matrix<T>& c,
                       bool transpose_a, bool transpose_b, bool add, const std::string& isa) {
  const auto size = [](const auto& matrix, bool second) {
    return static_cast<std::int64_t>(matrix.shape(second ? 1 : 0));
  };
  const std::int64_t m = size(c, false), n = size(c, true), k = size(a, !transpose_a);
  if (size(a, transpose_a) != m || size(b, transpose_b) != k || size(b, !transpose_b) != n)
    throw std::invalid_argument("the shapes of a, b and c do not fit");
  const auto side_by_side = [](const auto& matrix) {
    return matrix.size() == 0 || matrix.shape(1) == 1 || matrix.stride(1) == 1;
  };
  if (!side_by_side(a) || !side_by_side(b) || !side_by_side(c))
    throw std::invalid_argument("the numbers of a row must lie side by side");
  multiply(isa, sizeof(T) == 8,
           {transpose_a, transpose_b, add, m, n, k, a.data(), a.stride(0), b.data(), b.stride(0),
            c.data(), c.stride(0)});
}

template <class T>
void bind_product(nb::module_& module) {
  module.def("matrix_product", &multiply_matrices<T>, nb::arg("a").noconvert(),
             nb::arg("b").noconvert(), nb::arg("c").noconvert(), nb::arg("transpose_a") = false,
             nb::arg("transpose_b") = false, nb::arg("add") = false, nb::arg("isa") = "",
             "c = op(a) op(b), or c += op(a) op(b), as the kernels multiply on one thread.");
}

}  // namespace

void bind_support(nb::module_& module) {
  module.def("available_isas", &available_isas,
             "Instruction sets of this build that this processor runs, plainest first.");
  module.def(
      "processors", [] { return omp_get_num_procs(); }, "Processors that this process may use.");
  module.def("leave", &leave,
             "Ends the native calls of all threads but this one with SystemExit, those to come too."
             "\nReturns the numbers of the threads that made one in the last moments.");
  bind_product<float>(module);
  bind_product<double>(module);
}

}  // namespace evenly
