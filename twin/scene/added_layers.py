"""Layers that users added, as overlays of a scene: areas, lines, points, pictures, models."""

from __future__ import annotations

import zlib
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from twin.scene.model import ColouredMesh, Lines, Overlay, Picture

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from twin.city.manifest import Layer
    from twin.city.model import City
    from twin.core.mesh import TriangleMesh

    Decks = Sequence[tuple[Any, TriangleMesh]]
    HeightAt = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]

N_COLOURS = 7
"""As many as the styles have for layers."""
LIFT_M = 0.3
"""Lines and points without heights of their own lie this much above the ground, so that grass does not hide them."""
ABOVE_WATER_M = 0.7
SPACING_M = 2.0
"""Lines follow the ground in steps of this."""
MAX_PICTURE_SIDE = 4096
_POINT_KINDS = (shapely.GeometryType.POINT,)
_LINE_KINDS = (shapely.GeometryType.LINESTRING, shapely.GeometryType.LINEARRING)
RASTER_MAP, RASTER_OPACITY = "viridis", 200


def overlays(city: City) -> tuple[Overlay, ...]:
    """One overlay for each added layer that can be seen; tables are not."""
    height, decks = terrain_heights(city), _deck_tops(city)
    makers: dict[str, Callable[..., Overlay]] = {
        "vector": partial(_vector, decks=decks),
        "raster": _raster,
        "picture": _picture,
        "ortho": _picture,
        "model": _model,
    }
    added = {name: layer for name, layer in city.manifest.layers.items() if layer.kind in makers}
    made = (makers[layer.kind](city, name, layer, height) for name, layer in added.items())
    return tuple(replace(o, place=place) for o, place in zip(made, colour_places(list(added)), strict=True))


def colour_places(names: Sequence[str]) -> list[int]:
    """Which of a style's colours each layer takes: told by its name, so that it stays when others come and go.

    Of layers whose names tell the same colour the later ones in the alphabet take the next that is free.

    Examples
    --------
    >>> colour_places(["network", "shelters"]), colour_places(["benches", "network", "shelters"])
    ([3, 4], [6, 3, 4])
    """
    found: dict[str, int] = {}
    for name in sorted(names):
        first = zlib.crc32(name.encode())
        turns = [(first + i) % N_COLOURS for i in range(N_COLOURS)]
        found[name] = next((t for t in turns if t not in found.values()), turns[0])
    return [found[name] for name in names]


def terrain_heights(city: City) -> HeightAt:
    """A function that gives the ground's elevation at points; that of a plain where the city has no ground."""
    from twin.core.grid import sample_bilinear
    from twin.sources.rasters import open_elevation

    if "terrain" not in city.manifest.layers:
        flat = plain_elevation(city)
        return lambda x, _: np.full(len(x), flat)

    read, grid = open_elevation(city.path / "terrain" / "dtm.tif")
    dtm = read((slice(0, grid.ny), slice(0, grid.nx)))

    def height(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        return sample_bilinear(dtm, grid, x, y)

    return height


def lines_on_ground(city: City, curves: NDArray[Any]) -> Lines:
    """Lines of the map along the ground, so far above it that shallow water does not hide them."""
    lines = _lines(curves, terrain_heights(city), [])
    return Lines(lines.vertices + np.array([0.0, 0.0, ABOVE_WATER_M]), lines.starts)


def plain_elevation(city: City) -> float:
    """Elevation of the plain on which things stand whose city has no ground: that of the lowest."""
    return float(city.manifest.bounds[2])


def _deck_tops(city: City) -> Decks:
    from twin.city.decks import deck_tops

    return deck_tops(city.layer("bridges")) if "bridges" in city.manifest.layers else []


def _vector(city: City, name: str, _layer: Layer, height: HeightAt, *, decks: Decks) -> Overlay:
    parts = shapely.get_parts(np.asarray(city.layer(name).geometry.dropna().array, dtype=object))
    kind = shapely.get_type_id(parts)
    areas = tuple(_rings(p) for p in parts[kind == shapely.GeometryType.POLYGON])
    curves, dots = parts[np.isin(kind, _LINE_KINDS)], parts[np.isin(kind, _POINT_KINDS)]
    return Overlay(
        name,
        areas=areas,
        lines=_lines(curves, height, decks) if len(curves) else None,
        points=_lifted(dots, height, decks)[0] if len(dots) else None,
    )


def feature_row(table: Any, surface: str, part: int, place: tuple[float, float]) -> int:
    """Row of a feature in the table of its layer; -1 where there is none.

    Parameters
    ----------
    table : GeoDataFrame
    surface : str
        ``point``, ``line``, or empty for an area.
    part : int
        Which of the points or lines of the layer, in the order in which they are drawn.
    place : tuple of float
        Easting and northing, which decide between areas: the last of those that cover it, else the nearest.
    """
    shapes = np.asarray(table.geometry.array, dtype=object)
    parts, rows = shapely.get_parts(shapes, return_index=True)
    kind = shapely.get_type_id(parts)
    if surface:
        rows = rows[np.isin(kind, _POINT_KINDS if surface == "point" else _LINE_KINDS)]
        return int(rows[part]) if 0 <= part < len(rows) else -1
    areas = kind == shapely.GeometryType.POLYGON
    nearest = last_nearest(parts[areas], place)
    return int(rows[areas][nearest]) if nearest >= 0 else -1


def last_nearest(shapes: NDArray[Any], place: tuple[float, float], *, reach_m: float = np.inf) -> int:
    """Index of the shape that covers a place or comes nearest to it, the last of several; -1 for none within reach."""
    distance = shapely.distance(shapes, shapely.Point(place))
    near = np.flatnonzero(distance <= reach_m)
    return int(near[np.lexsort((-near, distance[near]))[0]]) if len(near) else -1


def _rings(polygon: Any) -> tuple[NDArray[np.float64], ...]:
    return tuple(shapely.get_coordinates(r)[:-1] for r in (polygon.exterior, *polygon.interiors))


def _lines(curves: NDArray[Any], height: HeightAt, decks: Decks) -> Lines:
    flat = ~shapely.has_z(curves)
    curves = curves.copy()
    curves[flat] = shapely.segmentize(curves[flat], SPACING_M)
    vertices, owner = _lifted(curves, height, decks)
    starts = np.searchsorted(owner, np.arange(len(curves) + 1)).astype(np.int32)
    return Lines(vertices, starts)


def _lifted(
    geometry: NDArray[Any], height: HeightAt, decks: Decks
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Coordinates with heights, from ground and bridges where the geometry has none, and the geometry of each."""
    from twin.scene.over_decks import above_decks

    xyz, owner = shapely.get_coordinates(geometry, include_z=True, return_index=True)
    ground = np.column_stack([xyz[:, :2], height(xyz[:, 0], xyz[:, 1])])
    raised = above_decks(ground, owner, decks) + LIFT_M
    xyz[:, 2] = np.where(np.isfinite(xyz[:, 2]), xyz[:, 2], raised)
    return xyz, owner


def _picture(city: City, name: str, layer: Layer, _height: HeightAt) -> Overlay:
    from twin.core.crs import parse_crs
    from twin.core.notices import Notices
    from twin.sources.pictures import read_picture

    crs = parse_crs(city.manifest.crs_wkt, where="twin.json")
    found = read_picture(city.path / layer.files[0].path, crs=crs, notices=Notices())
    step = _step(found.rgba.shape)
    return Overlay(name, picture=Picture(np.ascontiguousarray(found.rgba[::step, ::step]), found.grid.bounds))


def _raster(city: City, name: str, layer: Layer, _height: HeightAt) -> Overlay:
    """Values in the colours of classes between their 2nd and 98th percentile."""
    from twin.scene.classes import round_breaks
    from twin.scene.colour import class_colours
    from twin.scene.pack import ValueClasses
    from twin.sources.rasters import open_elevation

    read, grid = open_elevation(city.path / layer.files[0].path)
    step = _step(grid.shape)
    values = read((slice(0, grid.ny), slice(0, grid.nx)))[::step, ::step]
    known = np.isfinite(values)
    low, high = np.percentile(values[known], [2, 98]) if known.any() else (0.0, 1.0)
    breaks = round_breaks(float(low), float(high))
    place = np.searchsorted(breaks, np.where(known, values, low), side="right")
    rgba = np.zeros((*values.shape, 4), np.uint8)
    rgba[..., :3] = class_colours(RASTER_MAP, len(breaks) + 1)[place]
    rgba[..., 3] = np.where(known, RASTER_OPACITY, 0)
    classes = ValueClasses(str(layer.options.get("quantity", "")), float(low), float(high), breaks)
    return Overlay(name, picture=Picture(rgba, grid.bounds), classes=classes)


def _step(shape: tuple[int, ...]) -> int:
    """Every how many cells are kept, so that a picture fits a texture."""
    return max(1, -(-max(shape[:2]) // MAX_PICTURE_SIDE))


def _model(city: City, name: str, layer: Layer, height: HeightAt) -> Overlay:
    from twin.core.notices import Notices
    from twin.sources.models import read_model

    x, y, z = layer.options["at"]
    place = np.array([x, y, z if z is not None else height(np.array([x]), np.array([y]))[0]])
    parts = read_model(city.path / layer.files[0].path, notices=Notices())
    vertices, triangles, rgb, n = [], [], [], 0
    for part in parts:
        vertices.append(part.mesh.vertices + place)
        triangles.append(part.mesh.triangles + n)
        rgb.append(np.tile(np.array(part.rgba[:3], np.uint8), (len(part.mesh.triangles), 1)))
        n += len(part.mesh.vertices)
    mesh = ColouredMesh(
        np.concatenate(vertices), np.concatenate(triangles).astype(np.int32), np.concatenate(rgb)
    )
    return Overlay(name, mesh=mesh)
