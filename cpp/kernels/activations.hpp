// Activations: value and slope of each, side by side. Their numbers are those of the pages
// src/evenly/layers/{activations,gated}.py.
//
// The limits at infinity come out right, and NaN passes: what would be infinity times zero is
// computed from an x that is cut where the function has long reached its limit.
#pragma once
#include "kernels/common.hpp"
#include "support/math.hpp"

namespace evenly::EVENLY_ISA {

enum class Activation : int {
  none = 0,
  // Whose slope the output tells: they run behind other layers, too.
  relu = 1,
  sigmoid = 2,
  tanh = 3,
  leaky_relu = 4,
  softplus = 6,
  // Whose slope needs the input.
  gelu = 16,  // exact, or the approximation by tanh
  silu = 17,
  mish = 18,
  hard_sigmoid = 19,
  hard_swish = 20,
  elu = 21,  // and SELU
  softsign = 22,
};

inline bool needs_input(Activation activation) {
  return static_cast<int>(activation) >= static_cast<int>(Activation::gelu);
}

// exp(-kFar) is next to nothing, exp(kFar) still a number; the same for the normal density.
template <class T>
constexpr T kFar = sizeof(T) == 4 ? T(80) : T(700);
template <class T>
constexpr T kNormalFar = sizeof(T) == 4 ? T(13) : T(37);

// x cut to [low, high]; NaN stays.
template <class T>
inline T at_least(T x, T low) {
  return x < low ? low : x;
}
template <class T>
inline T between(T x, T low, T high) {
  return x < low ? low : (x > high ? high : x);
}
template <class T>
inline T size_of(T x) {
  return x < T(0) ? -x : x;
}

template <class T>
struct LeakyRelu {
  T slope;
  T value(T x) const { return x > T(0) ? x : slope * x; }
  T slope_at_output(T y) const { return y > T(0) ? T(1) : slope; }
};

template <class T>
struct Sigmoid {
  T value(T x) const { return logistic(x); }
  T slope_at_output(T y) const { return y * (T(1) - y); }
};

template <class T>
struct Tanh {
  T value(T x) const { return hyperbolic_tangent(x); }
  T slope_at_output(T y) const { return T(1) - y * y; }
};

// scale (x > 0 ? x : alpha (exp(x) - 1))
template <class T>
struct Elu {
  T alpha, scale;
  T value(T x) const {
    const T below = alpha * exponential_less_one(x > T(0) ? T(0) : x);
    return scale * (x > T(0) ? x : below);
  }
  T slope(T x) const {
    const T below = scale * alpha * exponential_of_negative(x > T(0) ? T(0) : x);
    return x > T(0) ? scale : below;
  }
};

// log(1 + exp(beta x)) / beta; its slope is logistic(beta x) = 1 - exp(-beta y)
template <class T>
struct Softplus {
  T beta;
  T value(T x) const {
    const T z = beta * x;
    const T rest = logarithm_of_one_more(exponential_of_negative(-size_of(z)));
    return ((z < T(0) ? T(0) : z) + rest) / beta;
  }
  T slope_at_output(T y) const { return -exponential_less_one(-(beta * y)); }
};

template <class T>
struct Softsign {
  T value(T x) const {
    constexpr T kMost = T(1e30);
    const T cut = between(x, -kMost, kMost);
    return cut / (T(1) + size_of(cut));
  }
  T slope(T x) const {
    const T rest = T(1) / (T(1) + size_of(x));
    return rest * rest;
  }
};

// x P(N(0, 1) < x)
template <class T>
struct Gelu {
  struct Normal {
    T cut, density, below;  // the density but for 1 / sqrt(2 pi)
    explicit Normal(T x) : cut(between(x, -kNormalFar<T>, kNormalFar<T>)) {
      density = exponential_inside(T(-0.5) * cut * cut);
      const T tail = density * normal_tail(size_of(cut));
      below = x < T(0) ? tail : T(1) - tail;
    }
  };
  T value(T x) const { return at_least(x, -kNormalFar<T>) * Normal(x).below; }
  T slope(T x) const {
    const Normal normal(x);
    return normal.below + normal.cut * normal.density * T(0.39894228040143267794);
  }
};

// x (1 + tanh(u)) / 2 = x logistic(2 u), where u = sqrt(2 / pi) (x + 0.044715 x^3)
template <class T>
struct GeluTanh {
  static constexpr T kTwice = T(1.59576912160573071176), kCube = T(0.044715);
  static constexpr T kEnd = sizeof(T) == 4 ? T(9.5) : T(20);
  T value(T x) const {
    const T cut = between(x, -kEnd, kEnd);
    const T e = exponential_inside(-kTwice * (cut + kCube * cut * cut * cut));
    return at_least(x, -kEnd) / (T(1) + e);
  }
  T slope(T x) const {
    const T cut = between(x, -kEnd, kEnd);
    const T e = exponential_inside(-kTwice * (cut + kCube * cut * cut * cut));
    const T s = T(1) / (T(1) + e);
    // e s is 1 - s without its cancellation
    return s + cut * ((e * s) * s) * (kTwice * (T(1) + T(3) * kCube * cut * cut));
  }
};

// x logistic(x)
template <class T>
struct Silu {
  T value(T x) const {
    const T e = exponential_inside(-between(x, -kFar<T>, kFar<T>));
    return at_least(x, -kFar<T>) / (T(1) + e);
  }
  T slope(T x) const {
    const T cut = between(x, -kFar<T>, kFar<T>);
    const T e = exponential_inside(-cut);
    const T s = T(1) / (T(1) + e);
    return s + cut * ((e * s) * s);
  }
};

// x tanh(log(1 + exp(x))) = x n / (n + 2), where n = exp(x) (exp(x) + 2)
template <class T>
struct Mish {
  static constexpr T kEnd = T(20);  // there the slope is 1 to 17 digits
  T value(T x) const {
    const T e = exponential_inside(between(x, -kFar<T>, kEnd));
    const T n = e * (e + T(2));
    return at_least(x, -kFar<T>) * (n / (n + T(2)));
  }
  T slope(T x) const {
    const T cut = between(x, -kFar<T>, kEnd);
    const T e = exponential_inside(cut);
    const T n = e * (e + T(2)), r = T(1) / (n + T(2));
    return n * r + cut * (T(4) * e * (T(1) + e) * r) * r;
  }
};

template <class T>
struct HardSigmoid {
  T steepness, shift;
  T value(T x) const { return between(steepness * x + shift, T(0), T(1)); }
  T slope(T x) const {
    const T z = steepness * x + shift;
    return z > T(0) && z < T(1) ? steepness : T(0);
  }
};

template <class T>
struct HardSwish {
  T value(T x) const { return at_least(x, T(-3)) * between(x * T(1.0 / 6.0) + T(0.5), T(0), T(1)); }
  T slope(T x) const {
    const T inside = x * T(1.0 / 3.0) + T(0.5);
    return x < T(-3) ? T(0) : (x > T(3) ? T(1) : inside);
  }
};

// The activation that an instruction names, with its numbers, on whole pieces.
template <class T>
class Activate {
 public:
  Activate() = default;
  explicit Activate(const Instruction& i) {
    if (!has_number(i, "activation")) return;
    kind_ = static_cast<Activation>(integer(i, "activation"));
    const auto read = [&](const char* name) { return static_cast<T>(number(i, name)); };
    switch (kind_) {
      case Activation::leaky_relu:
        first_ = read("activation_slope");
        return;
      case Activation::elu:
        first_ = read("activation_alpha");
        second_ = read("activation_scale");
        return;
      case Activation::softplus:
        first_ = read("activation_beta");
        return;
      case Activation::gelu:
        approximate_ = read("activation_approximate") != T(0);
        return;
      case Activation::hard_sigmoid:
        first_ = read("activation_slope");
        second_ = read("activation_shift");
        return;
      default:
        return;
    }
  }

  Activation kind() const { return kind_; }

  // y may be x itself.
  void values(const T* x, T* y, Index count) const {
    if (kind_ == Activation::none) {
      if (x != y) std::memcpy(y, x, static_cast<std::size_t>(count) * sizeof(T));
    } else if (kind_ == Activation::relu) {  // written so that NaN passes
#pragma omp simd
      for (Index i = 0; i < count; ++i) y[i] = x[i] < T(0) ? T(0) : x[i];
    } else {
      values_by_rule(x, y, count);
    }
  }

  // d_z = d_y times the slope, which `known`, the output times `factor` or the input, tells. Not
  // for ReLU, which the epilogue treats apart.
  void gradient(const T* known, T factor, const T* d_y, T* d_z, Index count) const {
    if (kind_ == Activation::none) {
      for (Index i = 0; i < count; ++i) d_z[i] = d_y[i];
      return;
    }
    with_rule([=](auto rule) {
      if constexpr (requires { rule.slope_at_output(factor); }) {
#pragma omp simd
        for (Index i = 0; i < count; ++i) d_z[i] = d_y[i] * rule.slope_at_output(known[i] * factor);
      } else {
#pragma omp simd
        for (Index i = 0; i < count; ++i) d_z[i] = d_y[i] * rule.slope(known[i]);
      }
    });
  }

 private:
  Activation kind_ = Activation::none;
  T first_ = 0, second_ = 0;
  bool approximate_ = false;

  // Apart, so that the two above stay small enough to be inlined.
  void values_by_rule(const T* x, T* y, Index count) const {
    with_rule([=](auto rule) {
#pragma omp simd
      for (Index i = 0; i < count; ++i) y[i] = rule.value(x[i]);
    });
  }

  template <class Work>
  void with_rule(Work work) const {
    switch (kind_) {
      case Activation::none:
      case Activation::relu:
        return;
      case Activation::sigmoid:
        return work(Sigmoid<T>{});
      case Activation::tanh:
        return work(Tanh<T>{});
      case Activation::leaky_relu:
        return work(LeakyRelu<T>{first_});
      case Activation::elu:
        return work(Elu<T>{first_, second_});
      case Activation::softplus:
        return work(Softplus<T>{first_});
      case Activation::softsign:
        return work(Softsign<T>{});
      case Activation::gelu:
        return approximate_ ? work(GeluTanh<T>{}) : work(Gelu<T>{});
      case Activation::silu:
        return work(Silu<T>{});
      case Activation::mish:
        return work(Mish<T>{});
      case Activation::hard_sigmoid:
        return work(HardSigmoid<T>{first_, second_});
      case Activation::hard_swish:
        return work(HardSwish<T>{});
    }
  }
};

}  // namespace evenly::EVENLY_ISA
