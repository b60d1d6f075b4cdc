"""Polygons taken apart into one array of vertices, and put together again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Rings:
    """The rings of many polygons, without the vertex that closes each.

    Parameters
    ----------
    xy : array, shape (k, 2)
        Vertices, ring after ring.
    ring : array, shape (k,)
        Ring of each vertex, rising.
    part_of_ring : array, shape (n_rings,)
        Polygon of each ring, rising; the first ring of a polygon is its shell.
    geometry_of_part : array, shape (n_parts,)
        Polygon or MultiPolygon of each polygon, rising.
    n_geometries : int
        How many there are, empty ones among them.
    """

    xy: NDArray[np.float64]
    ring: NDArray[np.int64]
    part_of_ring: NDArray[np.int64]
    geometry_of_part: NDArray[np.int64]
    n_geometries: int

    @property
    def owner(self) -> NDArray[np.int64]:
        """Geometry of each vertex, shape (k,)."""
        return self.geometry_of_part[self.part_of_ring[self.ring]]

    @property
    def following(self) -> NDArray[np.int64]:
        """Index of the next vertex of the same ring, shape (k,)."""
        n = len(self.ring)
        after = np.arange(1, n + 1)
        ends = np.flatnonzero(np.append(self.ring[1:] != self.ring[:-1], n > 0))
        after[ends] = np.append(0, ends[:-1] + 1)[: len(ends)]
        return after

    @property
    def place_in_ring(self) -> NDArray[np.int64]:
        """How many vertices of the same ring stand before, shape (k,)."""
        return np.arange(len(self.ring)) - np.searchsorted(self.ring, self.ring)

    @property
    def preceding(self) -> NDArray[np.int64]:
        """Index of the vertex before in the same ring, shape (k,)."""
        before = np.empty(len(self.ring), np.int64)
        before[self.following] = np.arange(len(self.ring))
        return before

    def with_vertices(self, xy: NDArray[np.float64], ring: NDArray[np.int64]) -> Rings:
        """The same polygons with other vertices in their rings."""
        return Rings(xy, ring, self.part_of_ring, self.geometry_of_part, self.n_geometries)


def take_apart(geometry: NDArray[np.object_]) -> Rings:
    """The rings of polygons and multipolygons, shape (n,); None and empty ones have no rings."""
    parts, geometry_of_part = shapely.get_parts(geometry, return_index=True)
    rings, part_of_ring = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    inner = np.append(ring[1:] == ring[:-1], False)[: len(ring)]
    return Rings(
        xy=xy[inner],
        ring=ring[inner].astype(np.int64),
        part_of_ring=part_of_ring.astype(np.int64),
        geometry_of_part=geometry_of_part.astype(np.int64),
        n_geometries=len(geometry),
    )


def put_together(rings: Rings, *, like: NDArray[np.object_]) -> NDArray[np.object_]:
    """The polygons of `rings`.

    Vertices that repeat the one before are left out; so are rings of fewer than three vertices, and polygons whose
    shell is one of them.

    Parameters
    ----------
    rings : Rings
        From `take_apart`.
    like : array, shape (n,)
        The geometries that were taken apart: a MultiPolygon stays one, None stays None.
    """
    rings = _without_repeats(rings)
    n_rings = len(rings.part_of_ring)
    long_enough = np.bincount(rings.ring, minlength=n_rings) >= 3
    is_shell = np.append(True, rings.part_of_ring[1:] != rings.part_of_ring[:-1])[:n_rings]
    part_lives = np.zeros(len(rings.geometry_of_part), bool)
    part_lives[rings.part_of_ring[is_shell]] = long_enough[is_shell]
    ring_lives = long_enough & part_lives[rings.part_of_ring]
    vertex_lives = ring_lives[rings.ring]
    new_ring = (np.cumsum(ring_lives) - 1)[rings.ring[vertex_lives]]
    new_part = np.cumsum(part_lives) - 1
    closed = shapely.linearrings(rings.xy[vertex_lives], indices=new_ring) if vertex_lives.any() else []
    polygons = (
        shapely.polygons(closed, indices=new_part[rings.part_of_ring[ring_lives]]) if len(closed) else []
    )
    return _grouped(np.asarray(polygons, object), rings.geometry_of_part[part_lives], like)


def _without_repeats(rings: Rings) -> Rings:
    repeats = (rings.xy == rings.xy[rings.preceding]).all(axis=1)
    return rings.with_vertices(rings.xy[~repeats], rings.ring[~repeats]) if repeats.any() else rings


def _grouped(
    polygons: NDArray[np.object_], geometry: NDArray[np.int64], like: NDArray[np.object_]
) -> NDArray[np.object_]:
    out = np.full(len(like), None, object)
    there = ~shapely.is_missing(like)
    out[there] = shapely.Polygon()
    n_parts = np.bincount(geometry, minlength=len(like))
    single = n_parts[geometry] == 1
    out[geometry[single]] = polygons[single]
    many, which = polygons[~single], geometry[~single]
    if len(many):
        rows, index = np.unique(which, return_inverse=True)
        out[rows] = shapely.multipolygons(many, indices=index)
    return out
