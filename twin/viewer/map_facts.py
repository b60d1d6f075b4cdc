"""Attributes of what the maps of a city, its trees and the layers that users added tell of a place that was clicked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twin.scene.picking import Kind

if TYPE_CHECKING:
    from twin.city.model import City
    from twin.scene.picking import Hit

_MAPS = {Kind.WATER: "water", Kind.BRIDGE: "bridges", Kind.MASS: "unmapped"}
_ROAD_SURFACES = frozenset({"road", "path"})
_REACH_M = 1.0
"""Walls of masses and sides of bridges stand this far beside their outlines."""


def map_values(city: City, hit: Hit) -> dict[str, Any]:
    """Attributes by column of the tree, area, line or point that was hit; empty where nothing is known."""
    from twin.scene.added_layers import feature_row

    layer = _layer_of(hit)
    entry = city.manifest.layers.get(layer)
    if entry is None or not any(file.path.endswith(".parquet") for file in entry.files):
        return {}
    table = city.layer(layer)
    if hit.kind == Kind.TREE:
        row = int(hit.id) if hit.id.isdigit() else -1
    elif hit.kind == Kind.FEATURE:
        row = feature_row(table, hit.surface, hit.part, hit.position[:2])
    else:
        row = _covering(table, hit.position[:2])
    if not 0 <= row < len(table):
        return {}
    return {n: v for n, v in table.iloc[row].items() if not hasattr(v, "geom_type")}


def _layer_of(hit: Hit) -> str:
    if hit.kind == Kind.FEATURE:
        return hit.id
    if hit.kind == Kind.TREE:
        return "trees"
    if hit.kind == Kind.TERRAIN:
        return "roads" if hit.surface in _ROAD_SURFACES else "landcover"
    return _MAPS.get(hit.kind, "")


def _covering(table: Any, place: tuple[float, float]) -> int:
    """The row whose area covers a place, the last of several, else the nearest within reach; -1 for none."""
    import numpy as np
    import shapely

    distance = shapely.distance(np.asarray(table.geometry.array, dtype=object), shapely.Point(place))
    near = np.flatnonzero(distance <= _REACH_M)
    return int(near[np.lexsort((-near, distance[near]))[0]]) if len(near) else -1
