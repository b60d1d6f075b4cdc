"""Point clouds in memory: plain arrays in the city's coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class Classification(IntEnum):
    """ASPRS standard point classes, and class 26 as the Dutch AHN uses it."""

    NEVER_CLASSIFIED = 0
    UNCLASSIFIED = 1
    GROUND = 2
    LOW_VEGETATION = 3
    MEDIUM_VEGETATION = 4
    HIGH_VEGETATION = 5
    BUILDING = 6
    LOW_NOISE = 7
    WATER = 9
    BRIDGE_DECK = 17
    HIGH_NOISE = 18
    CIVIL_STRUCTURE = 26


@dataclass(frozen=True, slots=True)
class PointCloud:
    """Points with what the pipeline uses of them.

    Parameters
    ----------
    xyz : array, shape (n, 3)
        Easting, northing and elevation, metres, float64.
    classification : array, shape (n,)
        ASPRS class, uint8.
    return_number, n_returns : array, shape (n,)
        Which return of how many, uint8, both counted from 1; 0 where the file does not tell.
    intensity : array, shape (n,), optional
        Strength of the echo as the scanner notes it, uint16; None where nobody asked for it.
    """

    xyz: NDArray[np.float64]
    classification: NDArray[np.uint8]
    return_number: NDArray[np.uint8]
    n_returns: NDArray[np.uint8]
    intensity: NDArray[np.uint16] | None = None

    def __post_init__(self) -> None:
        n = len(self.xyz)
        if self.xyz.shape != (n, 3):
            raise ValueError(f"xyz must have shape (n, 3), has {self.xyz.shape}")
        if not len(self.classification) == len(self.return_number) == len(self.n_returns) == n:
            raise ValueError("every array of a point cloud has one value per point")
        if self.intensity is not None and len(self.intensity) != n:
            raise ValueError("every array of a point cloud has one value per point")

    def __len__(self) -> int:
        return len(self.xyz)

    def select(self, keep: NDArray[np.bool_] | NDArray[np.int64]) -> PointCloud:
        """The points of a mask or of an index array."""
        return PointCloud(
            self.xyz[keep],
            self.classification[keep],
            self.return_number[keep],
            self.n_returns[keep],
            None if self.intensity is None else self.intensity[keep],
        )

    @classmethod
    def empty(cls) -> PointCloud:
        """A cloud without points."""
        none = np.empty(0, np.uint8)
        return cls(np.empty((0, 3)), none, none, none)

    @classmethod
    def concatenate(cls, clouds: Sequence[PointCloud]) -> PointCloud:
        """The clouds one after another."""
        if not clouds:
            return cls.empty()
        return cls(
            np.concatenate([c.xyz for c in clouds]),
            np.concatenate([c.classification for c in clouds]),
            np.concatenate([c.return_number for c in clouds]),
            np.concatenate([c.n_returns for c in clouds]),
        )
