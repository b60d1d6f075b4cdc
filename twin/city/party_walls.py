"""Walls that buildings share, over the whole city: neighbours may lie in different tiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from twin.city.building_geometry import lods
from twin.core.notices import Notices

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.city.building_geometry import BuildingGeometry
    from twin.core.mesh import Solid

PARTY_LOD = "1.3"
"""Walls are compared where all of them end level: a gable is cut off where its two walls rise no higher."""


def party_walls(frame: Any, shapes: Iterable[Path]) -> NDArray[np.float64]:
    """Area of each building's walls that stand against another's, m2, shape (n,); NaN where there is no solid.

    Buildings whose footprints touch, directly or through others, are compared as one group as soon as the last of
    them was read, and then let go. So memory does not grow with the city, and the tiles that buildings were cut into
    change no digit.

    Parameters
    ----------
    frame : GeoDataFrame
        Buildings with `id`, outline, and `volume_m3` where they have solids.
    shapes : iterable of Path
        CityJSONSeq files that hold their solids, each building in one of them.
    """
    from twin.reconstruct.party_walls import party_wall_areas

    built = frame["volume_m3"].notna().to_numpy()
    outlines = np.array(frame.geometry.array, dtype=object)
    outlines[~built] = None
    group = _groups(outlines)
    missing = np.bincount(group, built, minlength=1)
    place = {building_id: k for k, building_id in enumerate(frame["id"])}
    waiting: dict[int, dict[int, tuple[Solid, ...]]] = {}
    found = np.full(len(frame), np.nan)
    for building in _buildings(shapes):
        k = place[building.id]
        g = int(group[k])
        members = waiting.setdefault(g, {})
        if solids := _solids(building):
            members[k] = solids
        if members and len(members) == missing[g]:
            rows = sorted(members)
            found[rows] = party_wall_areas([members[row] for row in rows])
            del waiting[g]
    return found.round(3)


def _buildings(shapes: Iterable[Path]) -> Iterator[BuildingGeometry]:
    from twin.city.cityjson import iter_buildings

    for path in shapes:
        yield from iter_buildings(path, notices=Notices())


def _solids(building: BuildingGeometry) -> tuple[Solid, ...]:
    levels = [level for level in lods(building) if level in building.solids]
    if not levels:
        return ()
    return tuple(building.solids[PARTY_LOD if PARTY_LOD in levels else max(levels)])


def _groups(outlines: NDArray[Any]) -> NDArray[np.int64]:
    """Number of the group of touching footprints that each belongs to, shape (n,)."""
    import shapely
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    from twin.reconstruct.party_walls import GAP_M

    n = len(outlines)
    one, two = shapely.STRtree(outlines).query(outlines, predicate="dwithin", distance=GAP_M)
    touching = coo_array((np.ones(len(one), np.int8), (one, two)), shape=(n, n))
    _, group = connected_components(touching, directed=False)
    return np.asarray(group, np.int64)
