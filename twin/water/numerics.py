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


@intrinsic
def bits_of(typing_context: Any, x: Any) -> Any:
    """The bits of a float32 as an int32; for compiled code."""
    if x != types.float32:
        return None

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], context.get_value_type(types.int32))

    return types.int32(x), generate


@intrinsic
def from_bits(typing_context: Any, x: Any) -> Any:
    """The float32 that has the bits of an int32; for compiled code."""
    if x != types.int32:
        return None

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], context.get_value_type(types.float32))

    return types.float32(x), generate


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
    """Newton's steps for ``y**-3 = x``, which need no division."""
    if x == types.float32:

        def single(x: Any) -> Any:
            a, b = np.float32(4.0 / 3.0), np.float32(1.0 / 3.0) * x
            y = cbrt_seed(x)
            y = y * (a - b * y * y * y)
            return y * (a - b * y * y * y)

        return single
    if x == types.float64:

        def double(x: Any) -> Any:
            a, b = 4.0 / 3.0, 1.0 / 3.0 * x
            y = np.float64(cbrt_seed(np.float32(x)))
            y = y * (a - b * y * y * y)
            y = y * (a - b * y * y * y)
            return y * (a - b * y * y * y)

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
