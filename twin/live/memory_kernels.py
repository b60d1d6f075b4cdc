"""Loops over rows of ascending times."""

# ruff: noqa: PLR0917 - compiled: arrays one by one
from __future__ import annotations

from typing import TYPE_CHECKING

import numba

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]
    Flags = NDArray[np.uint8]


@numba.njit(cache=True, nogil=True)
def find_as_of(time: Ints, count: Ints, moment: int, k: Ints) -> None:
    """Index of the last time up to `moment` in each row; -1 where there is none."""
    for i in range(len(count)):
        low, high = 0, count[i]
        if high > 0 and time[i, high - 1] <= moment:
            low = high
        while low < high:
            middle = (low + high) // 2
            if time[i, middle] <= moment:
                low = middle + 1
            else:
                high = middle
        k[i] = low - 1


@numba.njit(cache=True, nogil=True)
def put_all(
    time: Ints,
    result_time: Ints,
    number: Floats,
    flags: Flags,
    position: Floats,
    slot: Ints,
    count: Ints,
    at: Ints,
    new_time: Ints,
    new_result_time: Ints,
    new_number: Floats,
    new_flags: Flags,
    new_position: Floats,
) -> None:
    """Put each new observation into row ``at[j]`` at its place by time; -1 passes it over."""
    width = time.shape[1]
    for j in range(len(at)):
        i = at[j]
        if i < 0:
            continue
        s = slot[i] if len(new_position) > 0 else -1
        n = count[i]
        k = n
        while k > 0 and time[i, k - 1] >= new_time[j]:
            k -= 1
        if k < n and time[i, k] == new_time[j]:
            if not _wins(
                result_time[i, k], number[i, k], flags[i, k], new_result_time[j], new_number[j], new_flags[j]
            ):
                continue
        else:
            if n == width:
                if k < width // 2:
                    continue  # older than what is kept
                n, k = _drop_half(time, result_time, number, flags, position, slot[i], i), k - width // 2
            for m in range(n, k, -1):
                time[i, m], result_time[i, m] = time[i, m - 1], result_time[i, m - 1]
                number[i, m], flags[i, m] = number[i, m - 1], flags[i, m - 1]
                if slot[i] >= 0:
                    position[slot[i], m] = position[slot[i], m - 1]
            count[i] = n + 1
        time[i, k], result_time[i, k] = new_time[j], new_result_time[j]
        number[i, k], flags[i, k] = new_number[j], new_flags[j]
        if s >= 0:
            position[s, k] = new_position[j]
        elif slot[i] >= 0:
            position[slot[i], k] = float("nan")


@numba.njit(cache=True, nogil=True)
def _wins(rt: int, number: float, flags: int, new_rt: int, new_number: float, new_flags: int) -> bool:
    """Whether a message corrects another of the same time: produced later, or then of better quality, or greater."""
    if new_rt != rt:
        return new_rt > rt
    if (new_flags & 15) != (flags & 15):
        return (new_flags & 15) < (flags & 15)
    return new_number > number or (number != number and new_number == new_number)  # noqa: PLR0124 - NaN


@numba.njit(cache=True, nogil=True)
def _drop_half(
    time: Ints, result_time: Ints, number: Floats, flags: Flags, position: Floats, s: int, i: int
) -> int:
    half = time.shape[1] // 2
    for m in range(half):
        time[i, m], result_time[i, m] = time[i, m + half], result_time[i, m + half]
        number[i, m], flags[i, m] = number[i, m + half], flags[i, m + half]
        if s >= 0:
            position[s, m] = position[s, m + half]
    return half
