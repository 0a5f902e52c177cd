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
                       bool transpose_a, bool transpose_b, bool add, const std::string& isa, int by,
                       int times) {
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
  if (by < 0 || by > static_cast<int>(Maker::blas))
    throw std::invalid_argument("by must be 0, 1 or 2");
  const MatrixProduct product{static_cast<Maker>(by),
                              transpose_a,
                              transpose_b,
                              add,
                              m,
                              n,
                              k,
                              a.data(),
                              a.stride(0),
                              b.data(),
                              b.stride(0),
                              c.data(),
                              c.stride(0)};
  for (int i = 0; i < times; ++i) multiply(isa, sizeof(T) == 8, product);
}

template <class T>
void bind_product(nb::module_& module) {
  module.def("matrix_product", &multiply_matrices<T>, nb::arg("a").noconvert(),
             nb::arg("b").noconvert(), nb::arg("c").noconvert(), nb::arg("transpose_a") = false,
             nb::arg("transpose_b") = false, nb::arg("add") = false, nb::arg("isa") = "",
             nb::arg("by") = 0, nb::arg("times") = 1,
             "c = op(a) op(b), or c += op(a) op(b), as the kernels multiply on one thread: by whom "
             "the\nshape belongs to (0), the kernels' own product (1) or OpenBLAS (2); so many "
             "times.");
}

using Classes = nb::ndarray<const std::int32_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

bool are_classes(const Classes& numbers, std::int32_t classes) {
  std::int32_t strange = 0;
  for (std::size_t i = 0; i < numbers.size(); ++i)
    strange |= numbers(i) < 0 || numbers(i) >= classes;
  return strange == 0;
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
  module.def("are_classes", &are_classes, nb::arg("numbers").noconvert(), nb::arg("classes"),
             "Whether all numbers are those of classes: 0, 1, ..., classes - 1.");
  bind_product<float>(module);
  bind_product<double>(module);
}

}  // namespace evenly
