"""Pixels as means of samples: by Pillow, or by a kernel of our own where many pictures pay for loading its compiler.

Both give the same bytes: sums of samples, rounded to the nearest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Average = Callable[[NDArray[np.uint8], NDArray[np.uint8]], None]


def averager(fine: int, *, many: bool) -> Average:
    """What puts the means of `fine` times `fine` samples into a piece of a picture.

    It takes samples of shape (rows, columns, 4), row 0 below, and the piece, shape (height, width, 3), row 0 on top,
    which is smaller than the means at the rim of the picture.

    Parameters
    ----------
    fine : int
        Samples across and down.
    many : bool
        Whether so much is averaged that a quarter of a second for a compiler is won back. For three times three
        samples Pillow is the faster of the two.
    """
    if many and fine == 2:
        from twin.scene.means_kernel import average_of_four

        return average_of_four

    def average_by_pillow(samples: NDArray[np.uint8], out: NDArray[np.uint8]) -> None:
        height, width = samples.shape[:2]
        image = Image.frombuffer("RGBX", (width, height), samples, "raw", "RGBX", 0, 1).reduce(fine)
        raw = np.frombuffer(image.tobytes("raw", "RGB", 0, -1), np.uint8)
        out[:] = raw.reshape(image.height, image.width, 3)[: out.shape[0], : out.shape[1]]

    return average_by_pillow
