"""What a survey as a whole tells about itself: too few points, one place, birds, missing classes, feet for metres.

A tally is taken block by block and added up over files and workers; the checks look at nothing but tallies, so
that they come out the same however the survey was cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twin.core.errors import InputError
from twin.core.points import Classification, PointCloud

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    from twin.core.notices import Notices

N_CLASSES = 256
# One bin for each metre between these elevations; what lies beyond counts in the outermost bins.
ELEVATION_FLOOR_M, ELEVATION_CEILING_M = -12_000, 12_000
# Points are outliers where nothing at all was measured between them and the rest over so many metres. Towers
# return light from their walls, so that an empty stretch this high has no building in it.
GAP_ABOVE_M, GAP_BELOW_M = 300, 100
MAX_OUTLIER_SHARE = 0.01
MIN_EXTENT_M = 0.5

# Of houses with the footprint of a home few are higher than six storeys; a cloud whose heights are feet makes
# two storeys that high.
HOME_AREA_M2 = (20.0, 250.0)
HOME_HEIGHT_M = 18.0
MIN_HOMES = 3


@dataclass(frozen=True, slots=True)
class PointTally:
    """Counts over some points, in the city's coordinates.

    Parameters
    ----------
    n_points : int
    lowest, highest : array, shape (3,)
        Corners of the bounding box, metres; infinite without points.
    n_by_class : array of int64, shape (256,)
    n_by_elevation : array of int64, shape (24000,)
        For each metre from -12000 on.
    """

    n_points: int
    lowest: NDArray[np.float64]
    highest: NDArray[np.float64]
    n_by_class: NDArray[np.int64]
    n_by_elevation: NDArray[np.int64]

    def __add__(self, other: PointTally) -> PointTally:
        return PointTally(
            self.n_points + other.n_points,
            np.minimum(self.lowest, other.lowest),
            np.maximum(self.highest, other.highest),
            self.n_by_class + other.n_by_class,
            self.n_by_elevation + other.n_by_elevation,
        )


def tally_points(cloud: PointCloud) -> PointTally:
    """The tally of one cloud.

    Examples
    --------
    >>> (tally_points(PointCloud.empty()) + tally_points(PointCloud.empty())).n_points
    0
    """
    n_bins = ELEVATION_CEILING_M - ELEVATION_FLOOR_M
    bins = np.clip(np.floor(cloud.xyz[:, 2]).astype(np.int64) - ELEVATION_FLOOR_M, 0, n_bins - 1)
    empty = len(cloud) == 0
    return PointTally(
        len(cloud),
        np.full(3, np.inf) if empty else cloud.xyz.min(axis=0),
        np.full(3, -np.inf) if empty else cloud.xyz.max(axis=0),
        np.bincount(cloud.classification, minlength=N_CLASSES),
        np.bincount(bins, minlength=n_bins),
    )


def check_extent(tally: PointTally, *, where: str | Path) -> None:
    """Refuse a survey from which no surface can be made: a single point, or all of them at one place.

    Raises
    ------
    InputError
        With the number of points or the extent.
    """
    if tally.n_points == 0:
        return
    if tally.n_points == 1:
        raise InputError(where, "holds 1 point, which is no survey", "name the whole point cloud")
    width, depth = (tally.highest - tally.lowest)[:2]
    if max(width, depth) < MIN_EXTENT_M:
        raise InputError(
            where,
            f"{tally.n_points} points within an extent of {width:.3f} m by {depth:.3f} m",
            "the coordinates were lost when it was written; export it again",
        )


def has_ground_classes(tally: PointTally, *, where: str | Path, notices: Notices) -> bool:
    """Whether ground points are told; False where the cloud is unclassified, so that ground must be found.

    Raises
    ------
    InputError
        If the cloud is classified but neither ground nor anything that could be ground is in it.
    """
    if tally.n_by_class[Classification.GROUND] > 0 or tally.n_points == 0:
        return True
    open_classes = (Classification.NEVER_CLASSIFIED, Classification.UNCLASSIFIED)
    n_open = int(sum(tally.n_by_class[c] for c in open_classes))
    if n_open == 0:
        raise InputError(
            where,
            f"no ground (class 2) among {tally.n_points} points, only {_classes(tally)}",
            "add the ground points, or deliver the cloud without classes",
        )
    notices.add(
        "unclassified",
        f"{where}: {n_open} of {tally.n_points} points have no class (0 or 1); the ground is found here",
        subject=str(where),
    )
    return False


def _classes(tally: PointTally) -> str:
    return ", ".join(f"class {c}" for c in np.flatnonzero(tally.n_by_class))


def elevation_limits(tally: PointTally, *, where: str | Path, notices: Notices) -> tuple[float, float]:
    """Elevations between which the survey lies, without birds and pits far from everything else.

    Parameters
    ----------
    tally : PointTally
        Of the whole survey.

    Returns
    -------
    tuple of float
        Points below the first or above the second are outliers; infinite where there are none.
    """
    occupied = np.flatnonzero(tally.n_by_elevation)
    if len(occupied) < 2:
        return -np.inf, np.inf
    middle = np.searchsorted(np.cumsum(tally.n_by_elevation), tally.n_points / 2)
    above, below = occupied[occupied >= middle], occupied[occupied <= middle]
    rise, fall = np.flatnonzero(np.diff(above) > GAP_ABOVE_M), np.flatnonzero(np.diff(below) > GAP_BELOW_M)
    top = above[rise[0]] if len(rise) else occupied[-1]
    bottom = below[fall[-1] + 1] if len(fall) else occupied[0]
    inside = int(tally.n_by_elevation[bottom : top + 1].sum())
    n_outliers = tally.n_points - inside
    if n_outliers == 0 or n_outliers > MAX_OUTLIER_SHARE * tally.n_points:
        return -np.inf, np.inf
    low, high = float(bottom + ELEVATION_FLOOR_M), float(top + 1 + ELEVATION_FLOOR_M)
    notices.add(
        "outliers",
        f"{where}: {n_outliers} outliers at elevations down to {tally.lowest[2]:.0f} m and up to"
        f" {tally.highest[2]:.0f} m, far from the rest between {low:.0f} m and {high:.0f} m, were left out",
        subject=str(where),
    )
    return low, high


def within_elevations(cloud: PointCloud, limits_m: tuple[float, float]) -> PointCloud:
    """The points between two elevations; the cloud itself where all are."""
    z = cloud.xyz[:, 2]
    keep = (z >= limits_m[0]) & (z < limits_m[1])
    return cloud if keep.all() else cloud.select(keep)


def tell_suspected_feet(
    heights_m: ArrayLike, areas_m2: ArrayLike, *, where: str | Path, notices: Notices
) -> bool:
    """Warn where heights above the terrain look like feet taken for metres.

    Parameters
    ----------
    heights_m : array, shape (n,)
        Of the buildings above the terrain; NaN where unknown.
    areas_m2 : array, shape (n,)
        Of their footprints.
    where : path or str
        The survey.
    notices : Notices

    Returns
    -------
    bool
        Whether it was told.
    """
    heights, areas = np.asarray(heights_m, np.float64), np.asarray(areas_m2, np.float64)
    homes = heights[np.isfinite(heights) & (areas >= HOME_AREA_M2[0]) & (areas <= HOME_AREA_M2[1])]
    if len(homes) < MIN_HOMES or np.median(homes) < HOME_HEIGHT_M:
        return False
    notices.add(
        "feet-suspected",
        f"{where}: half of {len(homes)} buildings with the footprint of a home have a height of"
        f" {np.median(homes):.1f} m or more above the terrain; if its elevations are in feet, deliver it with a"
        " CRS that says so",
        subject=str(where),
    )
    return True
