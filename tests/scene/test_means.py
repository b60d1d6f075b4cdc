"""Pixels as means of samples: the two ways give the same bytes."""

from __future__ import annotations

import numpy as np
import pytest

from twin.scene.means import averager


def samples(fine: int, width: int, height: int) -> np.ndarray:
    """Any samples, row 0 below."""
    return np.random.default_rng(fine).integers(0, 256, (height * fine, width * fine, 4), dtype=np.uint8)


@pytest.mark.parametrize("many", [False, True])
@pytest.mark.parametrize("fine", [2, 3])
def test_a_pixel_is_the_mean_of_its_samples_rounded_to_the_nearest(fine, many) -> None:
    given = samples(fine, 60, 40)
    out = np.empty((40, 60, 3), np.uint8)
    averager(fine, many=many)(given, out)
    sums = given[::-1, :, :3].reshape(40, fine, 60, fine, 3).sum(axis=(1, 3), dtype=int)
    # Three times three: Pillow divides by multiplying, and may be one off where that is not exact.
    assert np.abs(out - np.floor(sums / fine**2 + 0.5)).max() <= (0 if fine == 2 else 1)


@pytest.mark.parametrize("fine", [2, 3])
def test_both_ways_give_the_same_bytes_at_the_rim_too(fine) -> None:
    given = samples(fine, 64, 48)
    one, two = (np.zeros((80, 90, 3), np.uint8) for _ in range(2))
    for out, many in ((one, False), (two, True)):
        averager(fine, many=many)(given, out[5:50, 7:64])  # smaller than the means, and a part of a picture
    assert np.array_equal(one, two)
    assert one[:5].max() == 0
    assert one[50:].max() == 0
