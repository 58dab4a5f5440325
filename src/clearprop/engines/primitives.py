"""The formula language's primitives as Numba functions in one dtype, written so that loops vectorise.

`exp`, `expm1`, `log`, `log1p`, `tanh`, `sigmoid`, `softplus`, `erf` and `erfc` are a range reduction and a
polynomial without a branch: about 0.5 ns an element in float32 where libm's takes 5 to 10. Errors stay
within a few units in the last place; `exp` overflows to infinity a little early (from 88.3 in float32, 709.4
in float64), and `log` takes normal numbers.

What is subtle: constants and parameters must have the dtype of the data, since a float64 constant in a
float32 formula promotes the whole row; a fused multiply-add is asked for by an intrinsic, since the
compiler may not fuse on its own (fastmath would also make `exp` less exact).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

Primitive = Callable[..., Any]


@intrinsic
def fma(typingctx: Any, a: Any, b: Any, c: Any) -> Any:
    """A * b + c with one rounding; all three of one float type."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.fma(*args)

    return (a(a, a, a), codegen) if isinstance(a, types.Float) and a == b == c else None


def _layout(real: Any) -> tuple[ir.IntType, int, int]:
    """Integer type, bits of the mantissa and bits of 1.0 for a float type."""
    if real == types.float32:
        return ir.IntType(32), 23, 0x3F800000
    return ir.IntType(64), 52, 0x3FF0000000000000


@intrinsic
def two_to_the(typingctx: Any, shifted: Any) -> Any:
    """2**n, where the last bits of `shifted` hold the whole number n (see `magic`)."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        integer, mantissa, bits_of_one = _layout(signature.return_type)
        bits = builder.shl(builder.bitcast(args[0], integer), integer(mantissa))
        return builder.bitcast(
            builder.add(bits, integer(bits_of_one)), context.get_value_type(signature.return_type)
        )

    return (shifted(shifted), codegen) if isinstance(shifted, types.Float) else None


@intrinsic
def split(typingctx: Any, x: Any) -> Any:
    """(e, m) with x = m * 2**e and m from sqrt(1/2) to sqrt(2); x positive and normal."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        real = signature.args[0]
        integer, mantissa, _ = _layout(real)
        llvm_real = context.get_value_type(real)
        root_half = int(
            np.array(math.sqrt(0.5), "f4" if mantissa == 23 else "f8").view(f"i{integer.width // 8}")
        )
        bits = builder.bitcast(args[0], integer)
        e = builder.ashr(builder.sub(bits, integer(root_half)), integer(mantissa))
        m = builder.bitcast(builder.sub(bits, builder.shl(e, integer(mantissa))), llvm_real)
        return context.make_tuple(builder, signature.return_type, (builder.sitofp(e, llvm_real), m))

    return (types.UniTuple(x, 2)(x), codegen) if isinstance(x, types.Float) else None


def _constants(real: type) -> dict[str, Any]:
    """Constants of the range reductions, in the dtype."""
    single = real is np.float32
    ln2_hi = 0.693359375 if single else 6.93147180369123816490e-01
    return {
        "magic": real(1.5 * 2.0 ** (23 if single else 52)),  # adding it rounds to a whole number
        "lowest": real(-87.3 if single else -708.3),
        "highest": real(88.3 if single else 709.4),
        "log2e": real(1 / math.log(2)),
        "ln2_hi": real(ln2_hi),
        "ln2_lo": real(math.log(2) - ln2_hi if single else 1.90821492927058770002e-10),
    }


def _horner(real: type, coefficients: list[float]) -> Primitive:
    """Polynomial with the highest coefficient first, unrolled, by fused multiply-adds."""
    names = [f"c{i}" for i in range(len(coefficients))]
    body = names[0]
    for name in names[1:]:
        body = f"fma({body}, x, {name})"
    scope: dict[str, Any] = {"fma": fma} | dict(zip(names, map(real, coefficients), strict=True))
    exec(f"def polynomial(x):\n    return {body}\n", scope)  # noqa: S102 - our own text
    return njit(forceinline=True)(scope["polynomial"])


#: (1 + 2 x) erfcx(x) as a polynomial in t = (x - c) / (x + c) for x >= 0, the highest power first, and c;
#: Chebyshev interpolation in 60 digits (erfcx(x) = exp(x^2) erfc(x)), after M. Shepherd and J. Laframboise,
#: *Chebyshev approximation of (1 + 2x) exp(x^2) erfc x* (1981)
_SCALED_TAIL_SINGLE = (
    6.336945837615251e-05,
    0.00016080358172579037,
    -0.00035792044784717933,
    -0.0013957069461305218,
    0.0012174105921552093,
    0.008689159658194386,
    -0.008018963078671063,
    -0.05421195849444883,
    0.1640494541394318,
    -0.1660310956509487,
    -0.09276376277486964,
    1.2769783913176496,
)
_SCALED_TAIL_DOUBLE = (
    -2.659599690242689e-10,
    9.311744978232572e-10,
    3.1695881915648173e-09,
    -1.234686604382353e-08,
    -2.05606492756992e-08,
    1.0633855618594884e-07,
    7.746992727017941e-08,
    -8.210939042560568e-07,
    2.919733377963012e-07,
    5.706604414895734e-06,
    -1.1221287012353486e-05,
    -2.4397746422436416e-05,
    0.0001506214900124047,
    -0.00019925714661091188,
    -0.0007577732613730956,
    0.005031970067657489,
    -0.016197734059799265,
    0.03716751552655567,
    -0.06633036581218697,
    0.0937328349990944,
    -0.10103906603630056,
    0.06809705425466908,
    0.015379652102619604,
    -0.1396211168405623,
    1.2329951186255526,
)


def build_primitives(real: type) -> Mapping[str, Primitive]:
    """Numba functions for the primitives that are more than an operator, for float32 or float64.

    The functions are inlined where they are called; they are not compiled on their own.
    """
    single = real is np.float32
    constants = _constants(real)
    magic, log2e = constants["magic"], constants["log2e"]
    lowest, highest = constants["lowest"], constants["highest"]
    ln2_hi, ln2_lo = constants["ln2_hi"], constants["ln2_lo"]
    zero, one, two = real(0), real(1), real(2)
    infinity, not_a_number = real(np.inf), real(np.nan)
    inline = njit(forceinline=True, error_model="numpy")

    # expm1(r) = r + r^2 q(r) on |r| <= ln(2)/2, by Taylor's series
    tail = _horner(real, [1 / math.factorial(k) for k in range(7 if single else 13, 1, -1)])
    # atanh(s) = s + s^3 p(s^2): on |s| <= 0.172 for log, on [0, 1/3] for softplus
    near = _horner(real, [1 / (2 * k + 1) for k in range(5 if single else 11, 0, -1)])
    wide = _horner(real, [1 / (2 * k + 1) for k in range(7 if single else 16, 0, -1)])
    # erf(x) = x p(x^2) by Taylor's series on |x| <= 1
    terms = range(11 if single else 20, -1, -1)
    central = _horner(
        real, [2 / math.sqrt(math.pi) * (-1) ** k / math.factorial(k) / (2 * k + 1) for k in terms]
    )
    scaled_tail = _horner(real, list(_SCALED_TAIL_SINGLE if single else _SCALED_TAIL_DOUBLE))
    centre = real(2 if single else 4)

    @inline
    def reduced(x: Any) -> Any:
        """(2^n, expm1(r)) with x = n ln 2 + r."""
        x = lowest if x < lowest else x
        x = highest if x > highest else x
        shifted = fma(x, log2e, magic)
        n = shifted - magic
        r = fma(-n, ln2_hi, x)
        r = fma(-n, ln2_lo, r)
        return two_to_the(shifted), fma(r * r, tail(r), r)

    @inline
    def exp(x: Any) -> Any:
        scale, p = reduced(x)
        return infinity if x > highest else fma(scale, p, scale)

    @inline
    def expm1(x: Any) -> Any:
        scale, p = reduced(x)
        return infinity if x > highest else fma(scale, p, scale - one)

    @inline
    def sigmoid(x: Any) -> Any:
        return one / (one + exp(-x))

    @inline
    def tanh(x: Any) -> Any:
        size = x if x > zero else -x
        t = expm1(-two * size)
        a = -t / (two + t)
        return a if x > zero else -a

    @inline
    def softplus(x: Any) -> Any:
        size = x if x > zero else -x
        u = exp(-size)
        s = u / (two + u)
        s2 = s * s
        return (x if x > zero else zero) + two * fma(s * s2, wide(s2), s)

    @inline
    def log(x: Any) -> Any:
        e, m = split(x)
        s = (m - one) / (m + one)
        s2 = s * s
        y = fma(e, ln2_hi, fma(e, ln2_lo, two * fma(s * s2, near(s2), s)))
        y = y if x < infinity else x
        return y if x > zero else (-infinity if x == zero else not_a_number)

    @inline
    def maximum(a: Any, b: Any) -> Any:
        return b if b >= a or b != b else a  # NaN where either is

    @inline
    def minimum(a: Any, b: Any) -> Any:
        return b if b <= a or b != b else a

    @inline
    def absolute(x: Any) -> Any:
        return x if x > zero else -x

    @inline
    def tail_of_erf(size: Any) -> Any:
        """Erfc(size) for size >= 0, by exp(-size^2) with the square in two parts."""
        square = size * size
        rest = fma(size, size, -square)
        power = exp(-square)
        power = fma(power, -rest, power)
        scaled = scaled_tail((size - centre) / (size + centre)) / fma(two, size, one)
        return zero if square > -lowest else power * scaled

    @inline
    def erfc(x: Any) -> Any:
        y = tail_of_erf(x if x > zero else -x)
        return y if x > zero else two - y

    @inline
    def erf(x: Any) -> Any:
        size = x if x > zero else -x
        y = one - tail_of_erf(size)
        y = size * central(size * size) if size < one else y
        return y if x > zero else -y

    @inline
    def log1p(x: Any) -> Any:
        u = one + x
        y = log(u) * (x / (u - one))
        y = x if u == one else y
        return x if x == infinity else y

    @inline
    def sqrt(x: Any) -> Any:
        return math.sqrt(x)

    @inline
    def sin(x: Any) -> Any:
        return math.sin(x)

    @inline
    def cos(x: Any) -> Any:
        return math.cos(x)

    @inline
    def floor(x: Any) -> Any:
        return np.floor(x)

    @inline
    def power(x: Any, y: Any) -> Any:
        return x**y

    return {
        "abs": absolute,
        "cos": cos,
        "erf": erf,
        "erfc": erfc,
        "exp": exp,
        "expm1": expm1,
        "floor": floor,
        "log": log,
        "log1p": log1p,
        "maximum": maximum,
        "minimum": minimum,
        "power": power,
        "sigmoid": sigmoid,
        "sin": sin,
        "softplus": softplus,
        "sqrt": sqrt,
        "tanh": tanh,
    }
