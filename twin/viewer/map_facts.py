"""Attributes of what the maps of a city, its trees and the layers that users added tell of a place that was clicked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from twin.scene.picking import Kind

if TYPE_CHECKING:
    from collections.abc import Collection

    from twin.city.model import City
    from twin.scene.picking import Hit

_MAPS = {Kind.WATER: "water", Kind.BRIDGE: "bridges", Kind.MASS: "unmapped", Kind.TREE: "trees"}
_ROAD_SURFACES = frozenset({"road", "path"})
_REACH_M = 1.0
"""Walls of masses and sides of bridges stand this far beside their outlines."""


def map_values(city: City, hit: Hit) -> dict[str, Any]:
    """Attributes by column of the tree, area, line or point that was hit; empty where nothing is known."""
    from twin.scene.added_layers import feature_row, last_nearest

    layer = layer_of(hit)
    entry = city.manifest.layers.get(layer)
    if entry is None or not any(file.path.endswith(".parquet") for file in entry.files):
        return {}
    table = city.layer(layer)
    if hit.kind == Kind.TREE:
        row = int(hit.id) if hit.id.isdigit() else -1
    elif hit.kind == Kind.FEATURE:
        row = feature_row(table, hit.surface, hit.part, hit.position[:2])
    else:
        shapes = np.asarray(table.geometry.array, dtype=object)
        row = last_nearest(shapes, hit.position[:2], reach_m=_REACH_M)
    if not 0 <= row < len(table):
        return {}
    return {n: v for n, v in table.iloc[row].items() if not hasattr(v, "geom_type")}


def raster_values(
    city: City, place: tuple[float, float], hidden: Collection[str]
) -> dict[str, tuple[str, float]]:
    """Quantity and value at a place of each added raster that is shown and has one there, by its layer."""
    from twin.sources.rasters import open_elevation

    found: dict[str, tuple[str, float]] = {}
    for name, layer in city.manifest.layers.items():
        if layer.kind != "raster" or name in hidden:
            continue
        read, grid = open_elevation(city.path / layer.files[0].path)
        rows, columns = grid.rows_cols(np.array([place[0]]), np.array([place[1]]))
        row, column = int(rows[0]), int(columns[0])
        if 0 <= row < grid.ny and 0 <= column < grid.nx:
            value = float(read((slice(row, row + 1), slice(column, column + 1)))[0, 0])
            if np.isfinite(value):
                found[name] = str(layer.options.get("quantity", "")), value
    return found


def layer_of(hit: Hit) -> str:
    """The layer that tells of what was hit; of the ground that which covers it."""
    if hit.kind in {Kind.FEATURE, Kind.MODEL}:
        return hit.id
    if hit.kind == Kind.TERRAIN:
        return "roads" if hit.surface in _ROAD_SURFACES else "landcover"
    return _MAPS.get(hit.kind, "")
