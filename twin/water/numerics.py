"""Small compiled formulas that both solvers share.

They are written so that loops over rows become vector instructions: choices as expressions, no calls into a maths
library, and everything in the number type of the run.
"""

# ruff: noqa: ARG001, FURB136 - numba prescribes the arguments of what it compiles; max() is no vector instruction
from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import njit, types
from numba.extending import intrinsic, overload

if TYPE_CHECKING:
    from collections.abc import Callable

GRAVITY = 9.81
"""Standard gravity, m/s2."""
DRY_M = 1e-6
"""Water thinner than this rests."""
FILM_M = 2e-4
"""Water thinner than this does not shorten the step, however fast it runs."""
THETA = 0.8
"""Weight of a face's own discharge against its two neighbours' (`fast`)."""
STEEP = 1.3
"""Steepness of the slope limiter between minmod (1) and superbee-like (2) (`accurate`)."""


class Coefficients(NamedTuple):
    """Constants of one step in the number type of the run, so that compiled code stays in that type."""

    zero: Any
    quarter: Any
    half: Any
    one: Any
    two: Any
    four: Any
    gravity: Any
    dry: Any
    film: Any
    tiny: Any
    theta: Any
    side: Any
    steep: Any
    keep: Any
    dtdx: Any
    gdt: Any
    gdtdx: Any


def coefficients(dtype: Any, dt_s: float, cell_size_m: float) -> Coefficients:
    """Constants for a step of `dt_s` seconds."""
    real = np.dtype(dtype).type
    fixed = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, GRAVITY, DRY_M, FILM_M, 1e-20, THETA, (1.0 - THETA) / 2.0, STEEP)
    keep = 1.0 - 8.0 * np.finfo(real).eps
    ratio = dt_s / cell_size_m
    return Coefficients(*(real(v) for v in (*fixed, keep, ratio, GRAVITY * dt_s, GRAVITY * ratio)))


_BITS = {types.float32: types.int32, types.float64: types.int64}


@intrinsic
def bits_of(typing_context: Any, x: Any) -> Any:
    """The bits of a float as a whole number of the same width; for compiled code."""
    if x not in _BITS:
        return None

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], context.get_value_type(_BITS[x]))

    return _BITS[x](x), generate


@intrinsic
def from_bits(typing_context: Any, x: Any) -> Any:
    """The float that has the bits of a whole number of the same width; for compiled code."""
    real = next((real for real, bits in _BITS.items() if bits == x), None)
    if real is None:
        return None

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], context.get_value_type(real))

    return real(x), generate


def size_bits(x: float) -> int:
    """Bits of ``|x|``, which order as the sizes do, with all that is no number above them. For compiled code only.

    The greatest of many is found so by vector instructions, and one that is not finite is not lost on the way.
    """
    raise NotImplementedError


@overload(size_bits, inline="always")
def _size_bits(x: Any) -> Callable[[Any], Any] | None:
    if x == types.float32:

        def single(x: Any) -> Any:
            return np.int32(bits_of(x) & np.int32(0x7FFFFFFF))

        return single
    if x == types.float64:

        def double(x: Any) -> Any:
            return np.int64(bits_of(x) & np.int64(0x7FFFFFFFFFFFFFFF))

        return double
    return None


@njit(inline="always")
def cbrt_seed(x: Any) -> Any:
    """``x ** (-1/3)`` within a few per cent: minus a third of the exponent, by arithmetic on the bits."""
    third = np.float32(bits_of(x)) * np.float32(1.0 / 3.0)
    return from_bits(np.int32(np.float32(1419967116.0) - third))


def inverse_cbrt(x: float) -> float:
    """``x ** (-1/3)`` to four digits (float32) or nine (float64); ``x`` positive. For compiled code only."""
    raise NotImplementedError


@overload(inverse_cbrt, inline="always")
def _inverse_cbrt(x: Any) -> Callable[[Any], Any] | None:
    """``y (1 - e) ** (-1/3)`` with ``e = 1 - x y**3``: four terms, and for float64 one more step of Newton's."""
    if x == types.float32:

        def single(x: Any) -> Any:
            y = cbrt_seed(x)
            e = np.float32(1.0) - x * y * y * y
            more = np.float32(1.0 / 3.0) + e * (np.float32(2.0 / 9.0) + e * np.float32(14.0 / 81.0))
            return y + y * e * more

        return single
    if x == types.float64:

        def double(x: Any) -> Any:
            y = np.float64(cbrt_seed(np.float32(x)))
            e = 1.0 - x * y * y * y
            y += y * e * (1.0 / 3.0 + e * (2.0 / 9.0 + e * (14.0 / 81.0)))
            e = 1.0 - x * y * y * y
            return y + y * e * (1.0 / 3.0)

        return double
    return None


def representable(v: float, _h: float) -> float:
    """Part of a volume (as depth) that a cell of depth ``h`` can take without rounding. For compiled code only."""
    raise NotImplementedError


@overload(representable, inline="always")
def _representable(v: Any, h: Any) -> Callable[[Any, Any], Any]:
    """Rounded towards zero to the spacing of numbers at `h`; float64 needs none of it.

    Both sides of a face take the same multiple of the spacing at the deeper side, so float32 sums stay exact: what a
    lake is too deep to feel waits in the shallow cell until there is enough of it.
    """
    if v == types.float32:

        def single(v: Any, h: Any) -> Any:
            deep = h if h > np.float32(1e-20) else np.float32(1e-20)
            exponent = np.int32(bits_of(deep) & np.int32(0x7F800000))
            per_spacing = from_bits(np.int32(np.int32(277 << 23) - exponent))
            spacing = from_bits(np.int32(exponent - np.int32(23 << 23)))
            return np.float32(np.int32(v * per_spacing)) * spacing

        return single

    def double(v: Any, h: Any) -> Any:
        return v

    return double
