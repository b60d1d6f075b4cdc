"""Where a model stands and how large it is: on its map, or small on a table with its middle at the origin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.city.export_options import ExportOptions


@dataclass(frozen=True, slots=True)
class Placement:
    """From the map to the model: less `origin`, times `factor`.

    Parameters
    ----------
    origin : tuple of float
        Place of the map that becomes the model's origin.
    factor : float
        Metres of the model for a metre of the city.
    """

    origin: tuple[float, float, float]
    factor: float = 1.0

    def apply(self, vertices: NDArray[np.floating]) -> NDArray[np.float64]:
        """Vertices in the model, metres."""
        return np.asarray((vertices - np.asarray(self.origin)) * self.factor, np.float64)


def placement(vertices: NDArray[np.floating], options: ExportOptions) -> Placement | None:
    """On a table with the middle of its underside at the origin; None where true size and place are wanted.

    Parameters
    ----------
    vertices : array, shape (n, 3)
        All of the model, map coordinates.
    options : ExportOptions
    """
    if options.scale is None and options.size_m is None:
        return None
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    longest = max(float(high[0] - low[0]), float(high[1] - low[1]), 1e-6)
    factor = 1 / options.scale if options.scale is not None else (options.size_m or 1.0) / longest
    middle = (low + high) / 2
    return Placement((float(middle[0]), float(middle[1]), float(low[2])), factor)
