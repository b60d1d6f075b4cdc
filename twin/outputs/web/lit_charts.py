"""Light of faces for the page, chart by chart; the page reads it the same way (``assets/web/light.js``).

A light map of a city is thousands of small rectangles side by side. A picture format looks for what neighbouring texels
share, and here they belong to different houses; within a rectangle they do share nearly everything. So each texel is
told as its difference to what its neighbours in the same rectangle lead one to expect (the median of left, above and
left + above - corner, as lossless JPEG has it: Weinberger, Seroussi & Sapiro 2000), with chances that adapt to how
even the neighbours are, by the range coder of LZMA.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from twin.scene.charts import pack_shelves

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.outputs.web.codec import Bundle

MANY_FACES = 100_000
"""Some thousand buildings with roofs: light is then the largest part of a page."""

_N_CONTEXTS, _N_BINS = 36, 32
_HALF = 1024


@dataclass(frozen=True, slots=True)
class LightSteps:
    """How finely light is told.

    Parameters
    ----------
    step : int
        Between two levels of light, of 255.
    slack : int
        How far from the truth a texel may be where that makes it as expected.
    """

    step: int
    slack: int


FINE = LightSteps(8, 8)
COARSE = LightSteps(24, 16)


@njit(cache=True)
def _give(state, out):  # type: ignore[no-untyped-def]
    """Move the highest byte of `low` out; a run of 0xff waits until it is known whether a carry comes."""
    low = state[0]
    if low < 0xFF000000 or low > 0xFFFFFFFF:
        carry = low >> 32
        byte = state[2]
        while state[3] > 0:
            out[state[4]] = (byte + carry) & 255
            state[4] += 1
            state[3] -= 1
            byte = 255
        state[2] = (low >> 24) & 255
    state[3] += 1
    state[0] = (low & 0x00FFFFFF) << 8


@njit(cache=True)
def _put(state, out, chances, i, bit):  # type: ignore[no-untyped-def]
    """One bit by its chance, which learns from it."""
    bound = (state[1] >> 11) * chances[i]
    if bit:
        state[0] += bound
        state[1] -= bound
        chances[i] -= chances[i] >> 5
    else:
        state[1] = bound
        chances[i] += (2048 - chances[i]) >> 5
    while state[1] < 0x1000000:
        state[1] <<= 8
        _give(state, out)


@njit(cache=True)
def _expected(levels, x0, y0, x, y, w):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Level that the neighbours lead one to expect, and which chances hold."""
    row, column = y0 + y, x0 + x
    if y == 0:
        return levels[row, column - 1], 1
    above = levels[row - 1, column]
    if x == 0:
        return above, 32 + min(abs(levels[row - 1, column + 1] - above), 3)
    left, corner = levels[row, column - 1], levels[row - 1, column - 1]
    low, high = min(left, above), max(left, above)
    expected = min(max(left + above - corner, low), high)
    context = 2 + min(abs(left - corner) + abs(above - corner), 9)
    if x + 1 < w:
        context += 10 * min(abs(levels[row - 1, column + 1] - above), 2)
    return expected, context


@njit(cache=True)
def _encode(light, corners, sizes, step, slack, levels, out):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    """Bytes written, or -1 where `out` is too short; `levels` becomes what the page will see."""
    chances = np.full(_N_CONTEXTS * _N_BINS, _HALF, np.int64)
    state = np.array(
        [0, 0xFFFFFFFF, 0, 1, 0], np.int64
    )  # low, range, byte that waits, how many wait, bytes written
    first = 0
    for f in range(len(sizes)):
        x0, y0, w, h = corners[f, 0], corners[f, 1], sizes[f, 0], sizes[f, 1]
        for y in range(h):
            if state[4] + state[3] + 64 * w > len(out):
                return -1
            for x in range(w):
                expected, context = first, 0
                if x or y:
                    expected, context = _expected(levels, x0, y0, x, y, w)
                value = light[y0 + y, x0 + x]
                level = (value + step // 2) // step
                if abs(min(expected * step, 255) - value) <= slack:
                    level = expected
                levels[y0 + y, x0 + x] = level
                if x == 0 and y == 0:
                    first = level
                off = level - expected
                folded = 2 * off if off >= 0 else -2 * off - 1
                for k in range(folded + 1):
                    _put(state, out, chances, context * _N_BINS + min(k, _N_BINS - 1), k < folded)
    for _ in range(5):
        _give(state, out)
    return state[4]


def encode_charts(
    light: NDArray[np.uint8], corners: NDArray[np.int64], sizes: NDArray[np.int64], steps: LightSteps
) -> tuple[bytes, NDArray[np.uint8]]:
    """Light of rectangles of a map as bytes, and the map as the page will see it.

    Parameters
    ----------
    light : array, shape (rows, columns)
    corners, sizes : array, shape (n, 2)
        Column and row of the first texel of each rectangle, its width and height; at least two texels each.
    steps : LightSteps

    Returns
    -------
    data : bytes
    seen : array, shape (rows, columns)
        0 outside of the rectangles.
    """
    levels = np.zeros(light.shape, np.int16)
    room = 4096 + 64 * int(sizes[:, 0].max(initial=0)) + int(sizes.prod(axis=1).sum())
    while True:
        out = np.empty(room, np.uint8)
        n = _encode(light.astype(np.int16), corners, sizes, steps.step, steps.slack, levels, out)
        if n >= 0:
            return out[:n].tobytes(), np.minimum(levels * steps.step, 255).astype(np.uint8)
        room *= 2


def lit_charts(atlas: NDArray[np.uint8], sizes: NDArray[np.int64], bundle: Bundle) -> dict[str, Any]:
    """Take the light of faces into a block; where it lies.

    Parameters
    ----------
    atlas : array, shape (rows, columns, 2 or more)
        Sun and sky first.
    sizes : array, shape (n, 2)
        Width and height of the rectangle of each face, which are laid out as a scene lays them.
    bundle : Bundle
    """
    steps = FINE if len(sizes) <= MANY_FACES else COARSE
    corners = pack_shelves(sizes)[0].astype(np.int64)
    told = (encode_charts(atlas[..., channel], corners, sizes, steps)[0] for channel in range(2))
    return {"step": steps.step, **dict(zip(("sun", "sky"), map(bundle.add_bytes, told), strict=True))}
