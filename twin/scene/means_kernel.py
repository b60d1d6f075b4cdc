"""Means of two times two samples, two channels of a sample in one sum: a sixth of what Pillow takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PAIR = np.uint32(0x00FF00FF)
"""Every other channel of a sample, with eight bits of room for sums above each."""
_HALF = np.uint32(0x00020002)
_FOURTH, _CHANNEL, _OTHER = np.uint32(2), np.uint32(8), np.uint32(16)
_BYTE = np.uint32(0xFF)


def average_of_four(samples: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
    """Put the means of two times two samples into a piece of a picture, as `twin.scene.means.averager` tells."""
    _average_words(np.ascontiguousarray(samples).view("<u4")[..., 0], out)


@numba.njit(cache=True, nogil=True)
def _average_words(words: NDArray[np.uint32], out: NDArray[np.uint8]) -> None:
    last = words.shape[0] // 2 - 1
    for row in range(out.shape[0]):
        below = 2 * (last - row)
        for column in range(out.shape[1]):
            a, b = words[below, 2 * column], words[below, 2 * column + 1]
            c, d = words[below + 1, 2 * column], words[below + 1, 2 * column + 1]
            even = (a & _PAIR) + (b & _PAIR) + (c & _PAIR) + (d & _PAIR) + _HALF
            odd = ((a >> _CHANNEL) & _PAIR) + ((b >> _CHANNEL) & _PAIR)
            odd += ((c >> _CHANNEL) & _PAIR) + ((d >> _CHANNEL) & _PAIR) + _HALF
            out[row, column, 0] = (even >> _FOURTH) & _BYTE
            out[row, column, 1] = (odd >> _FOURTH) & _BYTE
            out[row, column, 2] = (even >> (_FOURTH + _OTHER)) & _BYTE
