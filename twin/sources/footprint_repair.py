"""Outlines of buildings as they come, made valid; and a reason for each that cannot be.

What is changed is told, building by building. What cannot be built keeps its row and gets a reason, so that every
footprint of the file ends in a named state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from twin.sources.rings import Rings, put_together, take_apart

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.core.notices import Notices

MIN_EDGE_M = 0.01
"""Vertices closer to the one before, and needles thinner, are no part of a building's shape."""
MIN_AREA_M2 = 1.0
MIN_WIDTH_M = 0.3
"""A footprint that is nowhere as wide is a sliver between two others."""
MAX_EXTENT_M = 5000.0
"""No building is as long."""
_DENSE_VERTICES = 2000
_FAR_FACTOR = 20
_POLYGONAL = (int(shapely.GeometryType.POLYGON), int(shapely.GeometryType.MULTIPOLYGON))
_MAX_ROUNDS = 8


@dataclass(frozen=True, slots=True)
class Repaired:
    """Footprints after repair.

    Parameters
    ----------
    geometry : array, shape (n,)
        Valid flat polygons and multipolygons; None where nothing is left.
    reason : array of str, shape (n,)
        Why a footprint cannot be built; empty where it can.
    """

    geometry: NDArray[np.object_]
    reason: NDArray[np.object_]


@dataclass(slots=True)
class _Work:
    """The arrays under repair, and who is told."""

    geometry: NDArray[np.object_]
    reason: NDArray[np.object_]
    ids: Sequence[str]
    where: str | Path
    notices: Notices

    def tell(self, row: int, cause: str, what: str) -> None:
        subject = self.ids[row]
        self.notices.add(cause, f"{self.where}: footprint {subject} {what}", subject=subject)

    def give_up(self, row: int, cause: str, reason: str) -> None:
        self.reason[row] = reason
        self.tell(row, cause, f"cannot be built: {reason}")

    @property
    def alive(self) -> NDArray[np.bool_]:
        return np.asarray(self.reason == "")


def repair_footprints(
    geometry: NDArray[np.object_], ids: Sequence[str], *, where: str | Path, notices: Notices
) -> Repaired:
    """Valid outlines, each changed as little as possible.

    Self-intersections are resolved into their lobes, holes outside their shell are dropped, a vertex kilometres away
    from all others is left out, needles and vertices within a centimetre of the one before go, and slivers are given
    up.

    Parameters
    ----------
    geometry : array, shape (n,)
        Whatever the file held, in metres, flat, coordinates finite.
    ids : sequence of str
        Names of the rows.
    where : path or str
        The file, for messages.
    notices : Notices
        Is told of every change, naming the id.

    Examples
    --------
    >>> from twin.core.notices import Notices
    >>> bowtie = shapely.from_wkt("POLYGON ((0 0, 10 10, 10 0, 0 10, 0 0))")
    >>> notices = Notices()
    >>> repaired = repair_footprints(np.array([bowtie, None]), ["b1", "b2"], where="b.gpkg", notices=notices)
    >>> repaired.geometry[0].area, repaired.reason[1]
    (50.0, 'no geometry')
    >>> notices.lines()[1]
    'b.gpkg: footprint b1 was invalid (self-intersection at 5, 5) and was repaired: 50.0 m2'
    """
    geometry = np.array(geometry, object)
    work = _Work(geometry, np.full(len(geometry), "", object), ids, where, notices)
    _only_polygons(work)
    _without_far_vertices(work)
    _make_valid(work)
    _without_clutter(work)
    _refuse_slivers(work)
    work.geometry[~work.alive & ~_is_sound(work.geometry)] = None
    return Repaired(work.geometry, work.reason)


def _is_sound(geometry: NDArray[np.object_]) -> NDArray[np.bool_]:
    polygonal = np.isin(shapely.get_type_id(geometry), _POLYGONAL)
    return np.asarray(polygonal & shapely.is_valid(geometry) & ~shapely.is_empty(geometry))


def _only_polygons(work: _Work) -> None:
    empty = shapely.is_missing(work.geometry) | shapely.is_empty(work.geometry)
    for row in np.flatnonzero(empty).tolist():
        work.give_up(row, "no-geometry", "no geometry")
    kinds = shapely.get_type_id(work.geometry)
    for row in np.flatnonzero(~empty & ~np.isin(kinds, _POLYGONAL)).tolist():
        polygons = _polygons_within(work.geometry[row])
        if polygons is None:
            name = work.geometry[row].geom_type
            work.give_up(row, "not-a-polygon", f"a {name} is no polygon")
        else:
            work.geometry[row] = polygons


def _polygons_within(geometry: shapely.Geometry) -> shapely.Geometry | None:
    """The polygons of a collection, None if it has none."""
    parts = shapely.get_parts(shapely.get_parts(geometry))
    polygons = parts[shapely.get_type_id(parts) == _POLYGONAL[0]]
    polygons = polygons[~shapely.is_empty(polygons)]
    if len(polygons) == 0:
        return None
    return polygons[0] if len(polygons) == 1 else shapely.multipolygons(polygons)


def _extent_m(geometry: NDArray[np.object_]) -> NDArray[np.float64]:
    box = shapely.bounds(geometry)
    return np.asarray(np.nan_to_num(np.maximum(box[..., 2] - box[..., 0], box[..., 3] - box[..., 1])))


def _without_far_vertices(work: _Work) -> None:
    for row in np.flatnonzero(work.alive & (_extent_m(work.geometry) > MAX_EXTENT_M)).tolist():
        before = work.geometry[row]
        extent_km = float(_extent_m(np.array([before]))[0]) / 1000
        after, n_dropped = _drop_far(before)
        if after is None or float(_extent_m(np.array([after]))[0]) > MAX_EXTENT_M:
            work.give_up(row, "extent", f"its extent is {extent_km:.1f} km")
        else:
            work.geometry[row] = after
            work.tell(
                row,
                "extent",
                f"had an extent of {extent_km:.1f} km; {n_dropped} vertex far from all others was left out, "
                "check its outline",
            )


def _drop_far(geometry: shapely.Geometry) -> tuple[shapely.Geometry | None, int]:
    """The geometry without its far vertices, None where fewer than four stay: a corner is then missing."""
    like = np.array([geometry], object)
    rings = take_apart(like)
    distance = np.linalg.norm(rings.xy - np.median(rings.xy, axis=0), axis=1)
    near = distance <= max(MAX_EXTENT_M / 2, _FAR_FACTOR * float(np.median(distance)))
    if near.sum() < 4 or near.all():
        return None, 0
    return put_together(rings.with_vertices(rings.xy[near], rings.ring[near]), like=like)[0], int(
        (~near).sum()
    )


def _make_valid(work: _Work) -> None:
    for row in np.flatnonzero(work.alive & ~shapely.is_valid(work.geometry)).tolist():
        why = _validity_text(work.geometry[row])
        inner = _without_outside_holes(work.geometry[row])
        polygons = _polygons_within(shapely.make_valid(inner, method="structure", keep_collapsed=False))
        if polygons is None:
            work.give_up(row, "invalid-outline", f"{why}, and nothing is left after repair")
        else:
            work.geometry[row] = polygons
            work.tell(
                row, "repaired-outline", f"was invalid ({why}) and was repaired: {polygons.area:.1f} m2"
            )


def _without_outside_holes(geometry: shapely.Geometry) -> shapely.Geometry:
    """A hole that takes nothing from its shell would become a building of its own by repair."""
    parts = []
    for part in shapely.get_parts(geometry):
        shell = shapely.make_valid(shapely.Polygon(part.exterior), method="structure")
        holes = [
            h for h in part.interiors if shapely.make_valid(shapely.Polygon(h)).intersection(shell).area > 0
        ]
        parts.append(shapely.Polygon(part.exterior, holes))
    return parts[0] if len(parts) == 1 else shapely.multipolygons(parts)


def _validity_text(geometry: shapely.Geometry) -> str:
    """GEOS writes ``Self-intersection[5 5]``."""
    kind, _, place = str(shapely.is_valid_reason(geometry)).partition("[")
    x, _, y = place.rstrip("]").partition(" ")
    return f"{kind.lower()} at {x}, {y}" if y else kind.lower()


def _without_clutter(work: _Work) -> None:
    """Drop vertices that say nothing: a centimetre from the one before, on a needle, or thousands on a curve."""
    rows = np.flatnonzero(work.alive)
    before = work.geometry[rows]
    after = before.copy()
    dense = shapely.get_num_coordinates(after) > _DENSE_VERTICES
    after[dense] = shapely.simplify(after[dense], MIN_EDGE_M)
    after = _without_idle_vertices(after)
    unsound = ~_is_sound(after)
    after[unsound] = before[unsound]
    work.geometry[rows] = after
    for row in rows[dense & ~unsound].tolist():
        work.tell(row, "dense-outline", f"has over {_DENSE_VERTICES} vertices; it was simplified to 1 cm")


def _without_idle_vertices(geometry: NDArray[np.object_]) -> NDArray[np.object_]:
    rings = take_apart(geometry)
    changed = np.zeros(len(geometry), bool)
    for _ in range(_MAX_ROUNDS):
        idle = _needle_tips(rings) | _doubled(rings)
        if not idle.any():
            break
        changed[rings.owner[idle]] = True
        rings = rings.with_vertices(rings.xy[~idle], rings.ring[~idle])
    out = geometry.copy()
    if changed.any():
        out[changed] = put_together(rings, like=geometry)[changed]
    return out


def _doubled(rings: Rings) -> NDArray[np.bool_]:
    """Vertices within a centimetre of the one before; of several in a row every other one."""
    step = np.linalg.norm(rings.xy - rings.xy[rings.preceding], axis=1)
    close = step < MIN_EDGE_M
    return np.asarray(close & (~close[rings.preceding] | (rings.place_in_ring % 2 == 1)))


def _needle_tips(rings: Rings) -> NDArray[np.bool_]:
    """Vertices where the outline turns back on itself within a centimetre."""
    back, ahead = rings.xy[rings.preceding] - rings.xy, rings.xy[rings.following] - rings.xy
    len_back, len_ahead = np.linalg.norm(back, axis=1), np.linalg.norm(ahead, axis=1)
    longer = np.maximum(np.maximum(len_back, len_ahead), 1e-12)
    width = np.abs(back[:, 0] * ahead[:, 1] - back[:, 1] * ahead[:, 0]) / longer
    turns_back = np.einsum("ij,ij->i", back, ahead) > 0.9 * len_back * len_ahead
    return np.asarray(turns_back & (width < MIN_EDGE_M))


def _refuse_slivers(work: _Work) -> None:
    rows = np.flatnonzero(work.alive)
    geometry = work.geometry[rows]
    parts, owner = shapely.get_parts(geometry, return_index=True)
    sliver = _is_sliver(parts)
    n_good = np.bincount(owner[~sliver], minlength=len(rows))
    n_bad = np.bincount(owner[sliver], minlength=len(rows))
    for i in np.flatnonzero(n_good == 0).tolist():
        area, width = float(shapely.area(geometry[i])), _width_m(geometry[i])
        work.give_up(
            int(rows[i]), "sliver", f"an area of {area:.3g} m2, about {width:.2g} m wide, is a sliver"
        )
    for i in np.flatnonzero((n_good > 0) & (n_bad > 0)).tolist():
        kept = parts[(owner == i) & ~sliver]
        work.geometry[rows[i]] = kept[0] if len(kept) == 1 else shapely.multipolygons(kept)
        lost = float(shapely.area(parts[(owner == i) & sliver]).sum())
        work.tell(
            int(rows[i]), "sliver-part", f"has {n_bad[i]} parts that are slivers ({lost:.2g} m2); left out"
        )


def _is_sliver(parts: NDArray[np.object_]) -> NDArray[np.bool_]:
    area, length = shapely.area(parts), shapely.length(parts)
    small = area < MIN_AREA_M2
    # An outline that shrinks away is nowhere as wide; compact ones need no such test.
    suspect = ~small & (2 * area < 4 * MIN_WIDTH_M * length)
    narrow = np.zeros(len(parts), bool)
    narrow[suspect] = shapely.is_empty(shapely.buffer(parts[suspect], -MIN_WIDTH_M / 2))
    return np.asarray(small | narrow)


def _width_m(geometry: shapely.Geometry) -> float:
    """Mean width of something long and thin, metres."""
    length = float(shapely.length(geometry))
    return 2 * float(shapely.area(geometry)) / length if length else 0.0
