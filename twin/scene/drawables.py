"""A pack, its light and a style as things that VTK draws; a window, a snapshot and a film share them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkPolyData
from vtkmodules.vtkRenderingCore import vtkGlyph3DMapper

from twin.scene import shaders
from twin.scene.bake import plan_texel, table_bounds
from twin.scene.face_actors import add_faces
from twin.scene.ground_paint import ROADS, overlay_paints, overlay_picture, road_paint, road_points
from twin.scene.line_drawables import add_edges, add_overlay_lines, add_unbuilt
from twin.scene.over_time import lookup
from twin.scene.paint import (
    terrain_colours,
    tree_colours,
    trunk_colours,
)
from twin.scene.stage import Stage, add_actor, put_light, show_mirror_image
from twin.scene.treeforms import N_FORMS, SHRUB, crown, trunk
from twin.scene.vtk_parts import (
    grain_texture,
    instance_actor,
    set_colours,
    set_texture_places,
    surface_actor,
    texture,
    tile_data,
    triangle_data,
    wrap,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.energy.sun import Sun
    from twin.scene.bake import Light
    from twin.scene.colour import Painting
    from twin.scene.over_time import OverTime
    from twin.scene.pack import ScenePack
    from twin.scene.style import Style

_MANY_TREES = 3000


def make_stage(
    pack: ScenePack,
    light: Light,
    style: Style,
    sun: Sun,
    *,
    painting: Painting | None = None,
    over_time: OverTime | None = None,
) -> Stage:
    """Everything of a scene ready to be drawn.

    Parameters
    ----------
    pack, light, style, sun
        What is seen, the light that was baked for it, its colours, and the sun of that light.
    painting : Painting, optional
        Colours by an attribute.
    over_time : OverTime, optional
        Lets layers over time colour ground and buildings.
    """
    stage = Stage(pack, style, sun, over_time=over_time)
    stage.water_level = main_water_level(pack)
    # Near things first, since what is hidden costs nothing then; the sky last.
    add_faces(stage, light, painting)
    _add_trees(stage, light)
    _add_terrain(stage, light)
    _add_water(stage, light)
    _add_table(stage, light)
    _add_sky(stage)
    add_edges(stage)
    add_unbuilt(stage)
    add_overlay_lines(stage)
    return stage


def _add_sky(stage: Stage) -> None:
    """A dome far outside; its colour depends on the direction alone."""
    block = stage.pack.meta.block
    radius = 30 * max(block[2] - block[0], block[3] - block[1], 100.0)
    rings, spokes = 6, 24
    elevation = np.linspace(-0.2, math.pi / 2, rings)
    azimuth = np.arange(spokes) * 2 * math.pi / spokes
    level, up = np.cos(elevation)[:, None], np.sin(elevation)[:, None]
    points = np.stack(
        [level * np.cos(azimuth), level * np.sin(azimuth), np.broadcast_to(up, (rings, spokes))], axis=-1
    )
    i = np.arange(spokes)
    j = (i + 1) % spokes
    row = np.concatenate([np.column_stack([i, j + spokes, j]), np.column_stack([i, i + spokes, j + spokes])])
    triangles = np.concatenate([row + k * spokes for k in range(rings - 1)])
    data = triangle_data(
        stage, (points * radius).reshape(-1, 3).astype(np.float32), triangles.astype(np.int32)
    )
    stage.dome = surface_actor(data, shaders.SKY, cull=False)
    add_actor(stage, stage.dome, "surroundings")


def _add_table(stage: Stage, light: Light) -> None:
    """The ground far around, on which the block stands and casts its shadow; it fades into the horizon."""
    block = stage.pack.meta.block
    x0, y0, x1, y1 = table_bounds(block)
    radius = 29 * max(block[2] - block[0], block[3] - block[1], 100.0)
    spokes, steps = 48, np.array([0.0, 0.02, 0.05, 0.1, 0.25, 1.0]) * radius
    azimuth = np.arange(spokes) * 2 * math.pi / spokes
    middle = ((x0 + x1) / 2, (y0 + y1) / 2)
    points = np.stack(
        [
            middle[0] + steps[:, None] * np.cos(azimuth),
            middle[1] + steps[:, None] * np.sin(azimuth),
            np.full((len(steps), spokes), block[4] - 0.02),
        ],
        axis=-1,
    ).reshape(-1, 3)
    i = np.arange(spokes)
    j = (i + 1) % spokes
    row = np.concatenate([np.column_stack([i, i + spokes, j + spokes]), np.column_stack([i, j + spokes, j])])
    triangles = np.concatenate([row + k * spokes for k in range(len(steps) - 1)])
    n = light.table.shape[0]
    share = (points[:, :2] - (x0, y0)) / (x1 - x0, y1 - y0)
    data = triangle_data(stage, points.astype(np.float32), triangles.astype(np.int32))
    set_texture_places(stage, data, ((share * (n - 1) + 0.5) / n).astype(np.float32))
    actor = surface_actor(data, shaders.TABLE, cull=False)
    add_actor(stage, actor, "surroundings")
    actor.GetProperty().SetColor(*stage.style.unit("sky.ground"))
    put_light(stage, actor, "table", texture(stage, light.table))
    uniforms = actor.GetShaderProperty().GetFragmentCustomUniforms()
    half = max(block[2] - block[0], block[3] - block[1]) / 2 * math.sqrt(2)
    uniforms.SetUniform3f("middle", [(block[0] + block[2]) / 2, (block[1] + block[3]) / 2, half])


def _add_terrain(stage: Stage, light: Light) -> None:
    pack = stage.pack
    tiles = [t for t in pack.meta.terrain_tiles if t.group == "land"]
    if not tiles:
        return
    colours, places = terrain_colours(pack, stage.style), _plan_places(pack)
    light_map = texture(stage, light.plan)
    overlay = overlay_picture(pack, stage.style)
    over_time = stage.over_time
    drape = lookup(overlay, smooth=True) if overlay is not None else None
    shader = shaders.FACE if drape is None else shaders.DRAPED
    laid_over = shaders.FACE_LAID_OVER if drape is None else shaders.DRAPED_LAID_OVER
    drawn = []
    for tile in tiles:
        data = tile_data(stage, "terrain", tile)
        set_texture_places(stage, data, places[slice(*tile.points)])
        set_colours(stage, data, colours[slice(*tile.points)])
        actor = surface_actor(data, shader)
        add_actor(stage, actor, "terrain")
        put_light(stage, actor, "plan", light_map)
        drawn.append((tile, data))
        if drape is not None:
            actor.GetProperty().SetTexture("overlay", drape.texture)
        if over_time is not None:
            over_time.lay_on(actor, shader, laid_over)
    if road_points(pack).any():
        stage.painted[ROADS] = road_paint(stage, colours, drawn)
    if drape is not None:
        stage.painted |= overlay_paints(stage, drape)


def _plan_places(pack: ScenePack) -> NDArray[np.float32]:
    size = np.array([pack.meta.plan.columns, pack.meta.plan.rows], np.float32)
    return (plan_texel(pack["terrain_points"], pack) + np.float32(0.5)) / size


def _add_trees(stage: Stage, light: Light) -> None:
    pack = stage.pack
    n = len(pack["tree_form"])
    if not n:
        return
    colours = tree_colours(pack, stage.style, light.trees)
    bark = trunk_colours(stage.style, light.trees)
    standing = pack["tree_form"] != SHRUB
    if standing.any():
        _add_instances(stage, standing, trunk(), bark, leafy=0.0)
    for form in range(N_FORMS):
        chosen = pack["tree_form"] == form
        if chosen.any():
            _add_instances(stage, chosen, crown(form, detail=int(n <= _MANY_TREES)), colours, leafy=1.0)


def _add_instances(
    stage: Stage, chosen: NDArray[np.bool_], form: Any, colours: NDArray[np.uint8], *, leafy: float
) -> None:
    """One form at many places, instanced on the graphics card."""
    pack = stage.pack
    size, turn = pack["tree_size"][chosen], pack["tree_turn"][chosen]
    places = vtkPolyData()
    points = vtkPoints()
    points.SetData(wrap(stage, pack["tree_foot"][chosen], "place"))
    places.SetPoints(points)
    attributes = places.GetPointData()
    attributes.AddArray(wrap(stage, size[:, [0, 0, 1]], "size"))
    attributes.AddArray(wrap(stage, np.column_stack([0 * turn, 0 * turn, turn]), "turn"))
    attributes.AddArray(wrap(stage, colours[chosen], "colour"))
    stage.tree_colours.append((places, chosen, "crown" if leafy else "trunk"))
    source = triangle_data(stage, form.points, form.triangles)
    source.GetPointData().SetNormals(wrap(stage, form.normals, "normal"))
    mapper = vtkGlyph3DMapper()
    mapper.SetInputData(places)
    mapper.SetSourceData(source)
    mapper.SetScaleModeToScaleByVectorComponents()
    mapper.SetScaleArray("size")
    mapper.SetOrientationModeToRotation()
    mapper.SetOrientationArray("turn")
    mapper.SetScalarModeToUsePointFieldData()
    mapper.SelectColorArray("colour")
    actor = instance_actor(mapper, shaders.TREE)
    uniforms = actor.GetShaderProperty().GetFragmentCustomUniforms()
    uniforms.SetUniformf("leafy", leafy)
    add_actor(stage, actor, "trees")
    stage.mirrored.append(actor)
    stage.culled.append(actor)


def _add_water(stage: Stage, light: Light) -> None:
    pack = stage.pack
    tiles = [t for t in pack.meta.terrain_tiles if t.group == "water"]
    if not tiles:
        return
    light_map, places = texture(stage, light.plan), _plan_places(pack)
    for tile in tiles:
        data = tile_data(stage, "terrain", tile)
        set_texture_places(stage, data, places[slice(*tile.points)])
        actor = surface_actor(data, shaders.WATER)
        add_actor(stage, actor, "water")
        if stage.over_time is not None:
            stage.over_time.lay_on(actor, shaders.WATER, shaders.WATER_LAID_OVER)
        stage.water.append(actor)
        put_light(stage, actor, "plan", light_map)
        actor.GetProperty().SetTexture("grainMap", grain_texture(stage))
        uniforms = actor.GetShaderProperty().GetFragmentCustomUniforms()
        uniforms.SetUniform3f("deepColour", list(stage.style.unit("water.deep")))
        uniforms.SetUniform3f("shoreColour", list(stage.style.unit("water.shore")))

    show_mirror_image(stage, None, (1.0, 1.0))


def main_water_level(pack: ScenePack) -> float:
    """Elevation on which most of the water lies, local metres: a mirror can have only one."""
    points, triangles = pack["terrain_points"], pack["terrain_triangles"]
    level, area = [], []
    for tile in pack.meta.terrain_tiles:
        if tile.group != "water":
            continue
        corners = points[slice(*tile.points)][triangles[slice(*tile.cells)]].astype(np.float64)
        u, v = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
        area.append(np.abs(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]))
        level.append(np.rint(corners[:, :, 2].mean(axis=1) * 20))
    if not level:
        return -1e9
    kinds, index = np.unique(np.concatenate(level), return_inverse=True)
    return float(kinds[np.argmax(np.bincount(index, np.concatenate(area)))]) / 20
