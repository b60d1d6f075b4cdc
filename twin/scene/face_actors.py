"""Faces as VTK draws them: buildings by tiles, at once or when they are first near, and what stands beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from vtkmodules.vtkCommonDataModel import vtkPolyData

from twin.scene import shaders
from twin.scene.coarse import Detail, block_geometry, block_light, vtk_bounds
from twin.scene.face_parts import BUILDINGS, FacePart, face_parts
from twin.scene.over_time import lookup, set_slots, tell_owners
from twin.scene.pack import Material
from twin.scene.paint import class_table, colour_slots, colour_table, palette_table, plain_colours
from twin.scene.stage import add_actor, put_light
from twin.scene.vtk_parts import set_colours, set_texture_places, surface_actor, texture, triangle_data

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.scene.bake import Light
    from twin.scene.colour import Painting
    from twin.scene.pack import ScenePack, Tile
    from twin.scene.stage import Stage


def add_faces(stage: Stage, light: Light, painting: Painting | None) -> None:
    """Draw everything that has faces: buildings, bridges, what no footprint tells of, quays, and added models."""
    pack = stage.pack
    if not pack.meta.facet_tiles:
        return
    light_map = texture(stage, light.atlas)
    stage.face_colours = lookup(colour_table(stage.style, plain_colours(pack, stage.style)), smooth=False)
    stage.classes = lookup(
        class_table(np.zeros(1, np.uint8) if painting is None else painting.index), smooth=False
    )
    stage.palette = lookup(palette_table(painting), smooth=False)
    for number, tile in enumerate(pack.meta.facet_tiles):
        if tile.group.startswith("model"):
            _add_model(stage, tile, light_map)
            continue
        for part in face_parts(pack, tile):
            actor = _built_tile(stage, number, part) if part.group == BUILDINGS else _built_part(stage, part)
            stage.culled.append(actor)
            _take_faces(stage, actor, part.group, light_map)


def _take_faces(stage: Stage, actor: Any, group: str, light_map: Any) -> None:
    add_actor(stage, actor, group)
    put_light(stage, actor, "atlas", light_map)
    stage.mirrored.append(actor)


def _add_model(stage: Stage, tile: Tile, light_map: Any) -> None:
    """A model that the user added."""
    pack = stage.pack
    whole = FacePart("", slice(*tile.points), slice(*tile.cells))
    data = _face_data(stage, whole)
    set_colours(stage, data, _model_colours(pack, tile))
    name = pack.meta.overlays[int(tile.group.partition(":")[2])].name
    _take_faces(stage, surface_actor(data, shaders.FACE, cull=False), name, light_map)


def _face_data(stage: Stage, part: FacePart) -> Any:
    """Geometry of faces of a tile, with their places in the light."""
    pack, triangles = stage.pack, part.triangles
    if isinstance(triangles, slice):
        triangles = pack["facet_triangles"][triangles]
    data = triangle_data(stage, pack["facet_points"][part.points], triangles)
    size = np.array(pack.meta.atlas[::-1], np.float32)
    texel = pack["facet_texel"][part.points]
    set_texture_places(stage, data, (texel + np.float32(0.5)) / size)
    return data


def _built_part(stage: Stage, part: FacePart) -> Any:
    return _built_actor(stage, _face_data(stage, part), colour_slots(stage.pack, part.points))


def _built_tile(stage: Stage, number: int, part: FacePart) -> Any:
    """Buildings of a tile, at once or, in a large city, when they are first seen from near."""
    starts = stage.pack.arrays.get("coarse_starts")
    if starts is None or starts[number] == starts[number + 1]:
        return _built_part(stage, part)
    waiting = vtkPolyData()
    actor = _built_actor(stage, waiting, np.empty(0, np.float32))
    rows = slice(int(starts[number]), int(starts[number + 1]))
    blocks, owner = stage.pack["coarse_blocks"][rows], stage.pack["coarse_owner"][rows]
    points, triangles, light, slots = block_geometry(blocks, owner)
    data = triangle_data(stage, points, triangles)
    set_texture_places(stage, data, light)
    coarse = _built_actor(stage, data, slots)
    add_actor(stage, coarse, part.group)
    put_light(stage, coarse, "blocks", _light_of_blocks(stage))

    def fill() -> None:
        waiting.ShallowCopy(_face_data(stage, part))
        set_slots(actor, colour_slots(stage.pack, part.points))

    size = float(np.median(blocks[:, 3:] - blocks[:, :3], axis=0).max())
    bounds = vtk_bounds(blocks[:, :3].min(axis=0), blocks[:, 3:].max(axis=0))
    stage.details.append(Detail(actor, coarse, bounds, size, fill))
    return actor


def _light_of_blocks(stage: Stage) -> Any:
    """The same small picture for the blocks of all tiles."""
    others = stage.light_maps.get("blocks")
    if others:
        return others[0].GetProperty().GetTexture("lightMap")
    return texture(stage, block_light(stage.sun))


def _model_colours(pack: ScenePack, tile: Tile) -> NDArray[np.uint8]:
    """Colours of the points of a user's model, which lie together in the pack."""
    before = int((pack["facet_material"][: tile.points[0]] == Material.MODEL).sum())
    return pack["facet_rgb"][before : before + tile.points[1] - tile.points[0]]


def _built_actor(stage: Stage, data: Any, slots: NDArray[np.float32]) -> Any:
    """Faces that look their colour up, and what layers over time say of it."""
    over_time = stage.over_time
    shader = shaders.BUILT if over_time is None else shaders.BUILT_OVER_TIME
    actor = surface_actor(data, shader, owned=True)
    set_slots(actor, slots)
    tables = {"colourTable": stage.face_colours, "classTable": stage.classes, "palette": stage.palette}
    for name, table in tables.items():
        if table is not None:
            actor.GetProperty().SetTexture(name, table.texture)
    if over_time is not None:
        tell_owners(actor, over_time)
    return actor
