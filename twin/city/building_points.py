"""The points of a tile that belong to buildings, and how many of them lie outside every footprint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.core.grid import Bounds, Grid
    from twin.core.points import PointCloud

LOWEST_M = 2.0
"""Lower things are no buildings."""
EAVES_M = 1.0
"""Points this near to a footprint are the eaves of its building."""
CELL_M = 0.5


def is_building_point(
    cloud: PointCloud, dtm: NDArray[np.float32], grid: Grid, *, area: Bounds, has_building_class: bool
) -> NDArray[np.bool_]:
    """Which points are of buildings and above 2 m: by their class, or by how they lie where there are no classes.

    Parameters
    ----------
    cloud : PointCloud
        Points of a tile and `twin.reconstruct.roof_candidates.HALO_M` around it.
    dtm : array, shape (ny, nx)
        Ground elevation over them.
    grid : Grid
        Place of `dtm`.
    area : Bounds
        Extent of the points.
    has_building_class : bool
        Whether the survey says which points are a building's.
    """
    from twin.core.grid import sample_bilinear
    from twin.core.points import Classification
    from twin.reconstruct.roof_candidates import roof_candidates

    height = cloud.xyz[:, 2] - sample_bilinear(dtm, grid, cloud.xyz[:, 0], cloud.xyz[:, 1])
    high = height >= LOWEST_M
    if has_building_class:
        return np.asarray(high & (cloud.classification == Classification.BUILDING))
    return np.asarray(high & roof_candidates(cloud, height, bounds=area))


def building_points(
    cloud: PointCloud, dtm: NDArray[np.float32], grid: Grid, *, area: Bounds, has_building_class: bool
) -> NDArray[np.float64]:
    """The points that `is_building_point` tells, shape (n, 3)."""
    return cloud.xyz[is_building_point(cloud, dtm, grid, area=area, has_building_class=has_building_class)]


def count_outside(xyz: NDArray[np.float64], *, footprints: NDArray[Any], bounds: Bounds) -> tuple[int, int]:
    """How many points there are in a tile, and how many of them farther than the eaves from every footprint.

    Examples
    --------
    >>> import shapely
    >>> from twin.core.grid import Bounds
    >>> xyz = np.array([[5.0, 5.0, 8.0], [10.4, 5.0, 8.0], [15.0, 5.0, 8.0], [99.0, 5.0, 8.0]])
    >>> count_outside(xyz, footprints=np.array([shapely.box(0, 0, 10, 10)]), bounds=Bounds(0, 0, 20, 20))
    (3, 1)
    """
    from scipy import ndimage

    from twin.core.grid import Grid
    from twin.reconstruct.raster_marks import cells_within

    own = xyz[bounds.contains(xyz[:, 0], xyz[:, 1])]
    grid = Grid.covering(bounds.buffered(2 * EAVES_M), cell_size_m=CELL_M)
    square = np.ones((3, 3), dtype=bool)
    near = ndimage.binary_dilation(cells_within(footprints, grid), square, iterations=round(EAVES_M / CELL_M))
    return len(own), int(np.count_nonzero(~near[grid.rows_cols(own[:, 0], own[:, 1])]))
