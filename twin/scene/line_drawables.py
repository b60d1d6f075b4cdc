"""Lines of a pack as actors: edges of buildings, outlines of what could not be built, lines of added layers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from vtkmodules.vtkCommonDataModel import vtkPolyData

from twin.scene.face_parts import BUILDINGS
from twin.scene.near_edges import NearEdges, Stretch
from twin.scene.paint import (
    overlay_colours,
)
from twin.scene.stage import Stage, add_actor, renewing
from twin.scene.vtk_parts import (
    line_actor,
    line_data,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from twin.scene.pack import Tile

_EDGE_WIDTH_PX = 1.0
_EDGE_REACH_M = 0.28
_TOGETHER = 4
"""Tiles of edges of a large city that are one actor: each takes its time before the first picture."""
_LINE_WIDTH_PX = 3.0
_UNBUILT_WIDTH_PX = 1.6
_LINE_REACH_M = 1e9
"""Lines of the user's layers do not pale, however far away: a picture of a whole city is asked for them."""


def add_edges(stage: Stage) -> None:
    """Edges of buildings, those of a tile each; a large city draws only those that are near enough."""
    boxes = stage.pack.arrays.get("coarse_edge_bounds")
    rgb, alpha = stage.style.unit("building.edge"), stage.style.numbers["building.edge_alpha"]
    tiles = stage.pack.meta.edge_tiles
    if boxes is not None:
        stage.near_edges = NearEdges(boxes, _EDGE_REACH_M)
    for first, last in _stretches(tiles, 1 if boxes is None else _TOGETHER):
        data = vtkPolyData() if stage.near_edges else _edge_data(stage, [slice(*tiles[first].cells)])
        actor = line_actor(data, rgb=rgb, alpha=alpha)
        if stage.near_edges:
            fill = partial(_fill_edges, stage, data, f"edges {first}")
            stage.near_edges.stretches.append(Stretch(actor, first, last, fill))
        group = "edges" if tiles[first].group == BUILDINGS else tiles[first].group
        _add_lines(stage, actor, group, _EDGE_WIDTH_PX, _EDGE_REACH_M)


def _stretches(tiles: Sequence[Tile], most: int) -> Iterator[tuple[int, int]]:
    """First and last of tiles of the same group that lie in one stretch, so many at most."""
    first = 0
    for i in range(1, len(tiles) + 1):
        is_over = i == len(tiles) or i - first == most or tiles[i].group != tiles[first].group
        if is_over or tiles[i].cells[0] != tiles[i - 1].cells[1]:
            yield first, i
            first = i


def _edge_data(stage: Stage, parts: Sequence[slice]) -> Any:
    points = [stage.pack["edge_points"][cells].reshape(-1, 3) for cells in parts]
    ends = points[0] if len(points) == 1 else np.concatenate(points)
    return line_data(stage, ends, np.arange(len(ends), dtype=np.int32).reshape(-1, 2))


def _fill_edges(stage: Stage, data: Any, name: str, tiles: Sequence[int]) -> None:
    """Give an actor of a large city the edges of other tiles; nothing is kept of those before."""
    with renewing(stage, name):
        data.ShallowCopy(_edge_data(stage, [slice(*stage.pack.meta.edge_tiles[i].cells) for i in tiles]))


def _add_lines(stage: Stage, actor: Any, group: str, width_px: float, reach_m: float) -> None:
    """Take lines in, and say from which width of a pixel on they pale."""
    add_actor(stage, actor, group)
    actor.GetShaderProperty().GetFragmentCustomUniforms().SetUniformf("lineReach", reach_m)
    stage.lines.append((actor, width_px, reach_m))


def add_unbuilt(stage: Stage) -> None:
    """Outlines of buildings that have no shape: a reader sees where they stand, and why water has holes there."""
    ends = stage.pack["unbuilt_points"].reshape(-1, 3)
    if not len(ends):
        return
    data = line_data(stage, ends, np.arange(len(ends), dtype=np.int32).reshape(-1, 2))
    actor = line_actor(data, rgb=stage.style.unit("building.unbuilt"), alpha=0.95)
    _add_lines(stage, actor, "edges", _UNBUILT_WIDTH_PX, _LINE_REACH_M)


def add_overlay_lines(stage: Stage) -> None:
    """Lines of added layers in their colours."""
    pack = stage.pack
    colours = overlay_colours(pack, stage.style)
    starts, points = pack["overlay_line_starts"], pack["overlay_lines"]
    for i, entry in enumerate(pack.meta.overlays):
        first, last = int(starts[entry.lines[0]]), int(starts[entry.lines[1]])
        if last - first < 2:
            continue
        pairs = np.column_stack([np.arange(first, last - 1), np.arange(first + 1, last)])
        inside = ~np.isin(pairs[:, 1], starts)
        data = line_data(stage, points[first:last], (pairs[inside] - first).astype(np.int32))
        r, g, b = (c / 255 for c in colours[i])
        actor = line_actor(data, rgb=(r, g, b), alpha=0.95)
        _add_lines(stage, actor, entry.name, _LINE_WIDTH_PX, _LINE_REACH_M)
