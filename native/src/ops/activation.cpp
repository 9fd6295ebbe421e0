/* Activations, gated (SwiGLU, GeGLU: Shazeer 2020) or plain, and their gradients. */
#include "common.h"

namespace sartor::SARTOR_ISA {

namespace {

/* value(x) and, with the derivative, value_and_slope(x, slope); through(u) and its derivative: what a gate multiplies. */
struct Plain {
  SARTOR_INLINE vf through(vf u) { return u; }
  SARTOR_INLINE vf through_slope(vf) { return splat(1.0f); }
};

struct Silu : Plain {
  SARTOR_INLINE vf value(vf x) { return x * sigmoid(x); }
  SARTOR_INLINE vf value_and_slope(vf x, vf &slope) {
    vf s = sigmoid(x), y = x * s;
    slope = fma(y, splat(1.0f) - s, s);
    return y;
  }
};

/* x * Phi(x), Phi the normal distribution function. */
struct Gelu : Plain {
  SARTOR_INLINE vf cumulative(vf x) {
    return fma(erf(x * splat(0.70710678f)), splat(0.5f), splat(0.5f));
  }
  SARTOR_INLINE vf value(vf x) { return x * cumulative(x); }
  SARTOR_INLINE vf value_and_slope(vf x, vf &slope) {
    vf phi = cumulative(x);
    vf density = splat(0.39894228f) * exp(x * x * splat(-0.5f));
    slope = fma(x, density, phi);
    return x * phi;
  }
};

/* 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) */
struct GeluTanh : Plain {
  SARTOR_INLINE vf inner(vf x) {
    return splat(0.79788456f) * fma(x * x * x, splat(0.044715f), x);
  }
  SARTOR_INLINE vf value(vf x) {
    vf half = x * splat(0.5f);
    return fma(half, tanh(inner(x)), half);
  }
  SARTOR_INLINE vf value_and_slope(vf x, vf &slope) {
    vf t = tanh(inner(x)), half = x * splat(0.5f);
    /* Bounded, since infinity times the 0 of 1 - t^2 is NaN. */
    vf inner_slope = splat(0.79788456f) * fma(min(x * x, splat(1e30f)), splat(3 * 0.044715f), splat(1.0f));
    slope = fma(half * (splat(1.0f) - t * t), inner_slope, fma(t, splat(0.5f), splat(0.5f)));
    return fma(half, t, half);
  }
};

struct Relu : Plain {
  SARTOR_INLINE vf value(vf x) { return max(vf{}, x); } /* NaN stays */
  SARTOR_INLINE vf value_and_slope(vf x, vf &slope) {
    slope = select(x > vf{}, splat(1.0f), vf{});
    return value(x);
  }
};

/* GPT-OSS's: g sigmoid(1.702 g) with g = min(x, 7), which multiplies u + 1 with u between -7 and 7. */
struct ClampedSwish {
  SARTOR_INLINE vf below(vf x) { return select(x > splat(7.0f), splat(7.0f), x); } /* NaN stays */
  SARTOR_INLINE vf value(vf x) {
    vf g = below(x);
    return g * sigmoid(g * splat(1.702f));
  }
  SARTOR_INLINE vf value_and_slope(vf x, vf &slope) {
    vf g = below(x), s = sigmoid(g * splat(1.702f)), y = g * s;
    slope = select(x > splat(7.0f), vf{}, fma(splat(1.702f) * y, splat(1.0f) - s, s));
    return y;
  }
  SARTOR_INLINE vf through(vf u) { return below(select(u < splat(-7.0f), splat(-7.0f), u)) + splat(1.0f); }
  SARTOR_INLINE vf through_slope(vf u) {
    return select(u > splat(7.0f), vf{}, select(u < splat(-7.0f), vf{}, splat(1.0f)));
  }
};

template <class Body>
int32_t for_kind(Context &context, const char *op, int32_t kind, Body &&body) {
  switch (kind) {
    case SARTOR_SILU: return body(Silu{});
    case SARTOR_GELU: return body(Gelu{});
    case SARTOR_GELU_TANH: return body(GeluTanh{});
    case SARTOR_RELU: return body(Relu{});
    case SARTOR_CLAMPED_SWISH: return body(ClampedSwish{});
  }
  return context.fail(SARTOR_BAD_ARGUMENT, "%s: kind is %d, no such activation", op, kind);
}

} // namespace

int32_t activation(Context &context, const sartor_activation &op) {
  SARTOR_REQUIRE_NOT_NEGATIVE("activation", op.count);
  if (op.count == 0) return SARTOR_OK;
  SARTOR_REQUIRE_POINTER("activation", op.gate);
  SARTOR_REQUIRE_POINTER("activation", op.y);
  return for_kind(context, "activation", op.kind, [&](auto kind) {
    using Kind = decltype(kind);
    return for_activation_dtype(context, "activation", op.dtype, [&](auto type) {
      using T = decltype(type);
      const T *gate = (const T *)op.gate, *up = (const T *)op.up;
      T *y = (T *)op.y;
      parallel_flat(context, op.count, [&](int64_t first, int64_t last) {
        each_vector(last - first, [&](int64_t j, auto n) {
          int64_t i = first + j;
          vf r = Kind::value(load(gate + i, n));
          if (up) r *= Kind::through(load(up + i, n));
          store(y + i, r, n);
        });
      });
      return SARTOR_OK;
    });
  });
}

int32_t activation_backward(Context &context, const sartor_activation_backward &op) {
  SARTOR_REQUIRE_NOT_NEGATIVE("activation_backward", op.count);
  if (op.count == 0) return SARTOR_OK;
  SARTOR_REQUIRE_POINTER("activation_backward", op.dy);
  SARTOR_REQUIRE_POINTER("activation_backward", op.gate);
  SARTOR_REQUIRE_POINTER("activation_backward", op.d_gate);
  SARTOR_REQUIRE((op.up == nullptr) == (op.d_up == nullptr),
                 "activation_backward: up and d_up must be given together");
  return for_kind(context, "activation_backward", op.kind, [&](auto kind) {
    using Kind = decltype(kind);
    return for_activation_dtype(context, "activation_backward", op.dtype, [&](auto type) {
      using T = decltype(type);
      const T *dy = (const T *)op.dy, *gate = (const T *)op.gate, *up = (const T *)op.up;
      T *d_gate = (T *)op.d_gate, *d_up = (T *)op.d_up;
      parallel_flat(context, op.count, [&](int64_t first, int64_t last) {
        each_vector(last - first, [&](int64_t j, auto n) {
          int64_t i = first + j;
          vf slope, g = load(dy + i, n);
          vf value = Kind::value_and_slope(load(gate + i, n), slope);
          if (up) {
            vf u = load(up + i, n);
            store(d_up + i, g * value * Kind::through_slope(u), n);
            g *= Kind::through(u);
          }
          store(d_gate + i, g * slope, n);
        });
      });
      return SARTOR_OK;
    });
  });
}

} // namespace sartor::SARTOR_ISA
