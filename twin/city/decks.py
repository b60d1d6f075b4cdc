"""Bridge decks as rows of a table: plan, way over it and slab as geometries that other tools can show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.mesh import Solid, Surface, TriangleMesh

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from twin.reconstruct.bridges import Bridge


def deck_table(bridges: Sequence[Bridge], attributes: Any, crs: Any) -> Any:
    """Bridges as a GeoDataFrame: the map's attributes, height and quality, and the triangles of the slab.

    Parameters
    ----------
    bridges : sequence of Bridge
        `feature` counts the rows of `attributes`.
    attributes : GeoDataFrame
        Deck polygons as the map has them.
    """
    import geopandas as gpd
    import shapely

    rows = attributes.iloc[[b.feature for b in bridges]].reset_index(drop=True)
    slabs = [shapely.MultiPolygon(_polygons(b.mesh.vertices[b.mesh.triangles])) for b in bridges]
    return gpd.GeoDataFrame(
        rows.assign(
            height_from=[b.source for b in bridges],
            deck_m=[round(float(b.mesh.vertices[:, 2].max()), 2) for b in bridges],
            n_points=[b.n_points for b in bridges],
            rmse_m=[round(b.rmse_m, 3) for b in bridges],
            slab=gpd.GeoSeries(slabs, crs=crs),
        ),
        geometry=[b.polygon for b in bridges],
        crs=crs,
    )


def _polygons(corners: NDArray[np.float64]) -> Any:
    import shapely

    return shapely.polygons(corners)


def slab_mesh(slab: Any) -> TriangleMesh:
    """The triangles of a slab as a mesh with shared vertices."""
    import shapely

    corners = shapely.get_coordinates(shapely.get_parts(slab), include_z=True).reshape(-1, 4, 3)[:, :3]
    vertices, index = np.unique(corners.reshape(-1, 3), axis=0, return_inverse=True)
    return TriangleMesh(vertices, index.reshape(-1, 3).astype(np.int32))


def deck_solids(frame: Any) -> list[Solid]:
    """Every slab of a bridge table as a solid: the way over it is its roof."""
    if "slab" not in frame:
        return []
    return [_solid(slab_mesh(slab)) for slab in frame["slab"]]


def _solid(mesh: TriangleMesh) -> Solid:
    a, b, c = (mesh.vertices[mesh.triangles[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    slope = normal[:, 2] / np.maximum(np.linalg.norm(normal, axis=1), 1e-12)
    kind = np.where(slope > 0.5, Surface.ROOF, np.where(slope < -0.5, Surface.GROUND, Surface.WALL))
    n = len(mesh.triangles)
    starts = np.arange(0, 3 * n + 1, 3, dtype=np.int32)
    each = np.arange(n + 1, dtype=np.int32)
    return Solid(mesh.vertices, mesh.triangles.reshape(-1), starts, each, kind.astype(np.uint8))


def deck_tops(frame: Any) -> list[tuple[Any, TriangleMesh]]:
    """Plan and upper triangles of every deck."""
    if "slab" not in frame:
        return []
    tops = []
    for polygon, slab in zip(frame.geometry, frame["slab"], strict=True):
        mesh = slab_mesh(slab)
        solid = _solid(mesh)
        tops.append((polygon, TriangleMesh(mesh.vertices, mesh.triangles[solid.surface == Surface.ROOF])))
    return tops


def heights_on(top: TriangleMesh, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Elevation of a deck at points, shape (n,): on the upper triangle that lies nearest in plan.

    Parameters
    ----------
    top : TriangleMesh
        Upper triangles as `deck_tops` gives them, at least one.
    x, y : array, shape (n,)
        Map coordinates.
    """
    import shapely

    corners = top.vertices[top.triangles]
    triangle = shapely.STRtree(shapely.polygons(corners[:, :, :2])).nearest(shapely.points(x, y))
    a, b, c = (corners[triangle, k] for k in range(3))
    normal = np.cross(b - a, c - a)  # upper faces are never upright
    away = normal[:, 0] * (x - a[:, 0]) + normal[:, 1] * (y - a[:, 1])
    return np.asarray(a[:, 2] - away / normal[:, 2])
