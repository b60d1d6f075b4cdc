"""Chance that depends on what is asked and never on who asks first.

Plans draw from a generator of their own per block; the survey, which throws millions of dice, draws from a hash of
the pulse's own numbers. Either way a tile gets the same district whichever process makes it, and in any order.
"""

from __future__ import annotations

import math
import zlib
from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.random import Generator

INLINED = njit(cache=True, nogil=True, inline="always")
"""For kernels that are small, or take tuples of many arrays: copying those for a call costs as much as the work."""
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_TO_UNIT = 1.0 / 9007199254740992.0  # 2**-53: the top 53 bits become a float in [0, 1)


def stream(seed: int, purpose: str, *key: int) -> Generator:
    """A generator for one purpose and one place.

    Parameters
    ----------
    seed : int
        The district's seed.
    purpose : str
        What it is for, so that two uses at the same place do not share dice.
    *key : int
        The place: block indices, building number; may be negative.

    Examples
    --------
    >>> stream(1, "houses", 3, -1).random() == stream(1, "houses", 3, -1).random()
    True
    """
    return np.random.default_rng([abs(seed), zlib.crc32(purpose.encode()), *(k & 0xFFFFFFFF for k in key)])


def unit(seed: int, purpose: str, *key: int) -> float:
    """One number in [0, 1) for a purpose and a place; cheaper than a generator."""
    state = np.uint64(zlib.crc32(purpose.encode()) ^ (abs(seed) << 32) & 0xFFFFFFFFFFFFFFFF)
    for k in key:
        state = np.uint64(mix(state, np.uint64(k & 0xFFFFFFFF)))
    return float(to_unit(np.uint64(mix(state, np.uint64(1)))))


@INLINED
def mix(state: np.uint64, key: np.uint64) -> np.uint64:
    """A well-stirred 64-bit number from two: splitmix64's finaliser (Steele, Lea & Flood, OOPSLA 2014)."""
    z = (state ^ (key * _GOLDEN)) + _GOLDEN
    z = (z ^ (z >> np.uint64(30))) * _MIX_1
    z = (z ^ (z >> np.uint64(27))) * _MIX_2
    return z ^ (z >> np.uint64(31))


@INLINED
def to_unit(bits: np.uint64) -> float:
    """The bits as a number in [0, 1)."""
    return float(bits >> np.uint64(11)) * _TO_UNIT


@INLINED
def to_normal(bits: np.uint64, more_bits: np.uint64) -> float:
    """Two hashes as a standard normal number (Box & Muller 1958)."""
    radius = math.sqrt(-2.0 * math.log(to_unit(bits) + _TO_UNIT))
    return radius * math.cos(6.283185307179586 * to_unit(more_bits))
