"""A pack, its light and a style as things that VTK draws; a window, a snapshot and a film share them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import vtkmodules.vtkRenderingOpenGL2  # noqa: F401 - registers the OpenGL classes that the others stand for
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkImageData, vtkPolyData
from vtkmodules.vtkRenderingCore import vtkActor, vtkGlyph3DMapper, vtkPolyDataMapper, vtkTexture

from twin.scene import shaders
from twin.scene.bake import plan_texel, table_bounds
from twin.scene.drape import compose_overlay
from twin.scene.paint import facet_colours, overlay_colours, terrain_colours, tree_colours
from twin.scene.treeforms import N_FORMS, SHRUB, crown, trunk

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.scene.bake import Light
    from twin.scene.camera import Camera
    from twin.scene.pack import ScenePack, Tile
    from twin.scene.style import Style
    from twin.scene.sun import Sun

_MANY_TREES = 3000
_LINE_WIDTH_PX = 1.0


@dataclass
class Stage:
    """All that is drawn, and how its shaders are told where the camera stands.

    Parameters
    ----------
    actors : list
        In drawing order.
    faces : list
        Actors of faces with the points that each shows, so that colours can change alone.
    """

    pack: ScenePack
    style: Style
    sun: Sun
    actors: list[Any] = field(default_factory=list)
    faces: list[tuple[Any, tuple[int, int]]] = field(default_factory=list)
    lines: list[Any] = field(default_factory=list)
    mirrored: list[Any] = field(default_factory=list)
    """Actors that water mirrors."""
    culled: list[Any] = field(default_factory=list)
    """Those among them whose inner side is never drawn."""
    water: list[Any] = field(default_factory=list)
    water_level: float = 0.0
    kept: list[Any] = field(default_factory=list)
    """Arrays that VTK looks at without owning them."""


def make_stage(
    pack: ScenePack, light: Light, style: Style, sun: Sun, *, building_rgb: NDArray[np.uint8] | None = None
) -> Stage:
    """Everything of a scene ready to be drawn.

    Parameters
    ----------
    pack, light, style, sun
        What is seen, the light that was baked for it, its colours, and the sun of that light.
    building_rgb : array, shape (n_buildings, 3), optional
        Colours by an attribute.
    """
    stage = Stage(pack, style, sun)
    _add_sky(stage)
    _add_table(stage, light)
    _add_terrain(stage, light)
    _add_faces(stage, light, facet_colours(pack, style, building_rgb))
    _add_trees(stage, light)
    _add_edges(stage)
    _add_overlay_lines(stage)
    _add_water(stage, light)
    return stage


def recolour(stage: Stage, building_rgb: NDArray[np.uint8] | None) -> None:
    """Give the buildings other colours; points and triangles stay on the graphics card."""
    colours = facet_colours(stage.pack, stage.style, building_rgb)
    for actor, (first, last) in stage.faces:
        data = _array(stage, colours[first:last], "colour")
        actor.GetMapper().GetInput().GetPointData().SetScalars(data)
        actor.GetMapper().GetInput().Modified()


def aim(stage: Stage, camera: Camera, height_px: int) -> None:
    """Tell all shaders where the eye is and how large a pixel is out there."""
    block = stage.pack.meta.block
    middle = np.array([(block[0] + block[2]) / 2, (block[1] + block[3]) / 2, (block[4] + block[5]) / 2])
    radius = max(block[2] - block[0], block[3] - block[1], 60.0) / 2
    distance = float(np.linalg.norm(middle - camera.eye))
    shown_m = camera.parallel_height_m
    flat = shown_m is not None
    angle = 0.0 if flat else 2 * math.tan(math.radians(camera.view_angle_deg) / 2) / height_px
    for actor in stage.actors:
        uniforms = actor.GetShaderProperty().GetFragmentCustomUniforms()
        uniforms.SetUniform3f("eye", list(camera.eye))
        uniforms.SetUniformf("hazeStart", 1e9 if flat else max(distance - radius, 0.0))
        uniforms.SetUniformf("hazeLength", 2.0 * radius)
        uniforms.SetUniformf("pixelAngle", angle)
        uniforms.SetUniformf("parallelPixel", shown_m / height_px if shown_m is not None else 1e-9)
    for actor in stage.lines:
        actor.GetShaderProperty().GetVertexCustomUniforms().SetUniform3f("eyeV", list(camera.eye))


def turn_over(stage: Stage, eye: tuple[float, float, float] | None) -> None:
    """Hang what water mirrors upside down below its level, seen from `eye`; None puts it upright again."""
    z = stage.water_level
    for actor in stage.mirrored:
        shader = actor.GetShaderProperty()
        fragment = shader.GetFragmentCustomUniforms()
        for uniforms in (shader.GetVertexCustomUniforms(), fragment):
            uniforms.SetUniformf("mirrored", 0.0 if eye is None else 1.0)
        if eye is not None:
            # As far from the mirrored eye as the mirror image is from the eye: the haze is the same.
            fragment.SetUniform3f("eye", [eye[0], eye[1], 2 * z - eye[2]])
        culls = actor in stage.culled
        actor.GetProperty().SetBackfaceCulling(culls and eye is None)
        actor.GetProperty().SetFrontfaceCulling(culls and eye is not None)


def show_mirror_image(stage: Stage, image: NDArray[np.uint8] | None, scale: tuple[float, float]) -> None:
    """Give the water a picture of what it mirrors, or none.

    Parameters
    ----------
    image : array, shape (rows, columns, 4), optional
        RGBA with alpha already multiplied in, row 0 below.
    scale : tuple of float
        From pixels of the window to the picture's width and height.
    """
    blank = np.zeros((1, 1, 4), np.uint8)
    texture = _texture(stage, blank if image is None else image)
    for actor in stage.water:
        actor.GetProperty().RemoveTexture("mirrorImage")
        actor.GetProperty().SetTexture("mirrorImage", texture)
        uniforms = actor.GetShaderProperty().GetFragmentCustomUniforms()
        uniforms.SetUniform2f("mirrorScale", list(scale))
        uniforms.SetUniformf("mirrorShare", 0.0 if image is None else 1.0)


# ------------------------------------------------------------------ parts


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
    data = _mesh(stage, (points * radius).reshape(-1, 3).astype(np.float32), triangles.astype(np.int32))
    _surface(stage, data, shaders.SKY, cull=False)


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
    data = _mesh(stage, points.astype(np.float32), triangles.astype(np.int32))
    _texture_places(stage, data, ((share * (n - 1) + 0.5) / n).astype(np.float32))
    actor = _surface(stage, data, shaders.TABLE, cull=False)
    actor.GetProperty().SetColor(*stage.style.unit("sky.ground"))
    actor.GetProperty().SetTexture("lightMap", _texture(stage, light.table))
    uniforms = actor.GetShaderProperty().GetFragmentCustomUniforms()
    half = max(block[2] - block[0], block[3] - block[1]) / 2 * math.sqrt(2)
    uniforms.SetUniform3f("middle", [(block[0] + block[2]) / 2, (block[1] + block[3]) / 2, half])


def _add_terrain(stage: Stage, light: Light) -> None:
    pack = stage.pack
    tiles = [t for t in pack.meta.terrain_tiles if t.group == "land"]
    if not tiles:
        return
    colours, places = terrain_colours(pack, stage.style), _plan_places(pack)
    light_map = _texture(stage, light.plan)
    overlay = _overlay_picture(pack, stage.style)
    drape = _texture(stage, overlay) if overlay is not None else None
    for tile in tiles:
        data = _tile_mesh(stage, "terrain", tile)
        _texture_places(stage, data, places[slice(*tile.points)])
        _colours(stage, data, colours[slice(*tile.points)])
        actor = _surface(stage, data, shaders.LAND if drape is None else shaders.DRAPED, noisy=True)
        actor.GetProperty().SetTexture("lightMap", light_map)
        if drape is not None:
            actor.GetProperty().SetTexture("overlay", drape)


def _overlay_picture(pack: ScenePack, style: Style) -> NDArray[np.uint8] | None:
    layers: list[tuple[NDArray[np.uint8], Any]] = []
    colours = overlay_colours(pack, style)
    for i, entry in enumerate(pack.meta.overlays):
        if entry.picture:
            layers.insert(0, (pack[f"overlay_picture_{i}"], None))
        if entry.areas:
            layers.append((pack[f"overlay_area_{i}"], colours[i]))
    return compose_overlay(layers)


def _plan_places(pack: ScenePack) -> NDArray[np.float32]:
    size = np.array([pack.meta.plan.columns, pack.meta.plan.rows], np.float32)
    return (plan_texel(pack["terrain_points"], pack) + np.float32(0.5)) / size


def _add_faces(stage: Stage, light: Light, colours: NDArray[np.uint8]) -> None:
    pack = stage.pack
    if not pack.meta.facet_tiles:
        return
    light_map = _texture(stage, light.atlas)
    size = np.array(pack.meta.atlas[::-1], np.float32)
    places = (pack["facet_texel"] + np.float32(0.5)) / size
    for tile in pack.meta.facet_tiles:
        data = _tile_mesh(stage, "facet", tile)
        _texture_places(stage, data, places[slice(*tile.points)])
        _colours(stage, data, colours[slice(*tile.points)])
        actor = _surface(stage, data, shaders.FACE, cull=not tile.group.startswith("model"))
        actor.GetProperty().SetTexture("lightMap", light_map)
        stage.faces.append((actor, tile.points))
        stage.mirrored.append(actor)
        if not tile.group.startswith("model"):
            stage.culled.append(actor)


def _add_trees(stage: Stage, light: Light) -> None:
    pack = stage.pack
    n = len(pack["tree_form"])
    if not n:
        return
    colours = tree_colours(pack, stage.style, light.trees)
    bark = np.column_stack([np.tile(stage.style.rgb("tree.trunk"), (n, 1)), light.trees[:, 0]]).astype(
        np.uint8
    )
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
    points.SetData(_array(stage, pack["tree_foot"][chosen], "place"))
    places.SetPoints(points)
    attributes = places.GetPointData()
    attributes.AddArray(_array(stage, size[:, [0, 0, 1]], "size"))
    attributes.AddArray(_array(stage, np.column_stack([0 * turn, 0 * turn, turn]), "turn"))
    attributes.AddArray(_array(stage, colours[chosen], "colour"))
    source = _mesh(stage, form.points, form.triangles)
    source.GetPointData().SetNormals(_array(stage, form.normals, "normal"))
    mapper = vtkGlyph3DMapper()
    mapper.SetInputData(places)
    mapper.SetSourceData(source)
    mapper.SetScaleModeToScaleByVectorComponents()
    mapper.SetScaleArray("size")
    mapper.SetOrientationModeToRotation()
    mapper.SetOrientationArray("turn")
    mapper.SetScalarModeToUsePointFieldData()
    mapper.SelectColorArray("colour")
    actor = vtkActor()
    actor.SetMapper(mapper)
    # Alpha tells how much sun a tree gets; what is drawn is opaque.
    actor.ForceOpaqueOn()
    actor.GetProperty().BackfaceCullingOn()
    shader = actor.GetShaderProperty()
    shader.AddVertexShaderReplacement("//VTK::PositionVC::Dec", True, shaders.GLYPH_DEC, False)
    shader.AddVertexShaderReplacement("//VTK::PositionVC::Impl", True, shaders.GLYPH_IMPL, False)
    shader.AddFragmentShaderReplacement("//VTK::PositionVC::Dec", True, shaders.GLYPH_FRAGMENT_DEC, False)
    shader.AddFragmentShaderReplacement("//VTK::TCoord::Impl", True, shaders.TREE, False)
    uniforms = shader.GetFragmentCustomUniforms()
    uniforms.SetUniform3f("sunDirection", list(stage.sun.direction))
    uniforms.SetUniformf("leafy", leafy)
    _add(stage, actor)
    stage.mirrored.append(actor)
    stage.culled.append(actor)


def _add_edges(stage: Stage) -> None:
    points = stage.pack["edge_points"]
    style = stage.style
    for tile in stage.pack.meta.edge_tiles:
        ends = points[slice(*tile.cells)].reshape(-1, 3)
        pairs = np.arange(len(ends), dtype=np.int32).reshape(-1, 2)
        data = _line_mesh(stage, ends, pairs)
        actor = _line(
            stage, data, _LINE_WIDTH_PX, style.unit("building.edge"), style.numbers["building.edge_alpha"]
        )
        actor.GetShaderProperty().GetFragmentCustomUniforms().SetUniformf("lineReach", 0.28)


def _add_overlay_lines(stage: Stage) -> None:
    pack = stage.pack
    colours = overlay_colours(pack, stage.style)
    starts, points = pack["overlay_line_starts"], pack["overlay_lines"]
    for i, entry in enumerate(pack.meta.overlays):
        first, last = int(starts[entry.lines[0]]), int(starts[entry.lines[1]])
        if last - first < 2:
            continue
        pairs = np.column_stack([np.arange(first, last - 1), np.arange(first + 1, last)])
        inside = ~np.isin(pairs[:, 1], starts)
        data = _line_mesh(stage, points[first:last], (pairs[inside] - first).astype(np.int32))
        r, g, b = (c / 255 for c in colours[i])
        actor = _line(stage, data, 3.0, (r, g, b), 0.95)
        actor.GetShaderProperty().GetFragmentCustomUniforms().SetUniformf("lineReach", 3.0)


def _add_water(stage: Stage, light: Light) -> None:
    pack = stage.pack
    tiles = [t for t in pack.meta.terrain_tiles if t.group == "water"]
    if not tiles:
        return
    light_map, places = _texture(stage, light.plan), _plan_places(pack)
    stage.water_level = main_water_level(pack)
    for actor in stage.actors:
        for uniforms in _both_uniforms(actor):
            uniforms.SetUniformf("waterLevel", stage.water_level)
    for tile in tiles:
        data = _tile_mesh(stage, "terrain", tile)
        _texture_places(stage, data, places[slice(*tile.points)])
        actor = _surface(stage, data, shaders.WATER, noisy=True)
        stage.water.append(actor)
        actor.GetProperty().SetTexture("lightMap", light_map)
        uniforms = actor.GetShaderProperty().GetFragmentCustomUniforms()
        uniforms.SetUniform3f("deepColour", list(stage.style.unit("water.deep")))
        uniforms.SetUniform3f("shoreColour", list(stage.style.unit("water.shore")))
        uniforms.SetUniformf("sunLevel", max(stage.sun.direction[2], 0.0))

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
    kinds, index = np.unique(np.concatenate(level), return_inverse=True)
    return float(kinds[np.argmax(np.bincount(index, np.concatenate(area)))]) / 20


# ------------------------------------------------------------------ VTK


def _array(stage: Stage, values: NDArray[Any], name: str) -> Any:
    values = np.ascontiguousarray(values)
    made = numpy_to_vtk(values)
    made.SetName(name)
    stage.kept.append(values)
    return made


def _mesh(stage: Stage, points: NDArray[np.float32], triangles: NDArray[np.int32]) -> Any:
    data = vtkPolyData()
    places = vtkPoints()
    places.SetData(_array(stage, points, "place"))
    data.SetPoints(places)
    cells = vtkCellArray()
    cells.SetData(3, _array(stage, triangles.reshape(-1), "corner"))
    data.SetPolys(cells)
    return data


def _line_mesh(stage: Stage, points: NDArray[np.float32], pairs: NDArray[np.int32]) -> Any:
    data = vtkPolyData()
    places = vtkPoints()
    places.SetData(_array(stage, points, "place"))
    data.SetPoints(places)
    cells = vtkCellArray()
    cells.SetData(2, _array(stage, pairs.reshape(-1), "end"))
    data.SetLines(cells)
    return data


def _tile_mesh(stage: Stage, kind: str, tile: Tile) -> Any:
    points, triangles = stage.pack[f"{kind}_points"], stage.pack[f"{kind}_triangles"]
    return _mesh(stage, points[slice(*tile.points)], triangles[slice(*tile.cells)])


def _colours(stage: Stage, data: Any, colours: NDArray[np.uint8]) -> None:
    data.GetPointData().SetScalars(_array(stage, colours, "colour"))


def _texture_places(stage: Stage, data: Any, places: NDArray[np.float32]) -> None:
    data.GetPointData().SetTCoords(_array(stage, places, "texture"))


def _texture(stage: Stage, values: NDArray[np.uint8]) -> Any:
    """A texture of shape (rows, columns, depth), filtered, its rim drawn on beyond its border."""
    image = vtkImageData()
    image.SetDimensions(values.shape[1], values.shape[0], 1)
    image.GetPointData().SetScalars(_array(stage, values.reshape(-1, values.shape[2]), "light"))
    texture = vtkTexture()
    texture.SetInputData(image)
    texture.SetColorModeToDirectScalars()
    texture.InterpolateOn()
    texture.RepeatOff()
    texture.EdgeClampOn()
    return texture


def _surface(stage: Stage, data: Any, fragment: str, *, cull: bool = True, noisy: bool = False) -> Any:
    actor = vtkActor()
    actor.SetMapper(_mapper(data))
    # A texture of two channels would count as one with alpha.
    actor.ForceOpaqueOn()
    appearance = actor.GetProperty()
    appearance.LightingOff()
    appearance.SetBackfaceCulling(cull)
    shader = actor.GetShaderProperty()
    shader.AddVertexShaderReplacement("//VTK::PositionVC::Dec", True, shaders.POSITION_DEC, False)
    shader.AddVertexShaderReplacement("//VTK::PositionVC::Impl", True, shaders.POSITION_IMPL, False)
    declared = shaders.NOISY_FRAGMENT_DEC if noisy else shaders.FRAGMENT_DEC
    shader.AddFragmentShaderReplacement("//VTK::PositionVC::Dec", True, declared, False)
    shader.AddFragmentShaderReplacement("//VTK::TCoord::Impl", True, fragment, False)
    _add(stage, actor)
    return actor


def _line(stage: Stage, data: Any, width_px: float, colour: tuple[float, float, float], alpha: float) -> Any:
    actor = vtkActor()
    actor.SetMapper(_mapper(data))
    actor.ForceTranslucentOn()
    appearance = actor.GetProperty()
    appearance.LightingOff()
    appearance.SetColor(*colour)
    appearance.SetOpacity(alpha)
    appearance.SetLineWidth(width_px)
    shader = actor.GetShaderProperty()
    shader.AddVertexShaderReplacement("//VTK::PositionVC::Dec", True, shaders.LINE_DEC, False)
    shader.AddVertexShaderReplacement("//VTK::PositionVC::Impl", True, shaders.LINE_IMPL, False)
    shader.AddFragmentShaderReplacement("//VTK::PositionVC::Dec", True, shaders.FRAGMENT_DEC, False)
    shader.AddFragmentShaderReplacement("//VTK::TCoord::Impl", True, shaders.LINE, False)
    stage.lines.append(actor)
    _add(stage, actor)
    return actor


def _mapper(data: Any) -> Any:
    mapper = vtkPolyDataMapper()
    mapper.SetInputData(data)
    mapper.StaticOn()
    # Coordinates are local already; a shift of VTK's own would hide them from the shaders.
    mapper.SetVBOShiftScaleMethod(0)
    return mapper


def _both_uniforms(actor: Any) -> tuple[Any, Any]:
    shader = actor.GetShaderProperty()
    return shader.GetVertexCustomUniforms(), shader.GetFragmentCustomUniforms()


def _add(stage: Stage, actor: Any) -> None:
    """Take an actor in and give its shaders the light and the sky of the style."""
    style = stage.style
    uniforms = actor.GetShaderProperty().GetFragmentCustomUniforms()
    for name, value in light_balance(style, stage.sun).items():
        uniforms.SetUniform3f(name, list(value))
    for both in _both_uniforms(actor):
        both.SetUniformf("mirrored", 0.0)
        both.SetUniformf("waterLevel", -1e9)
    uniforms.SetUniform3f("horizon", list(style.unit("sky.horizon")))
    uniforms.SetUniform3f("zenith", list(style.unit("sky.zenith")))
    uniforms.SetUniformf("hazeShare", style.numbers["sky.fade"] * 4)
    stage.actors.append(actor)


def light_balance(style: Style, sun: Sun) -> dict[str, tuple[float, ...]]:
    """Linear strength of sun, sky and bounce, such that level ground in the open shows its colour as the style has it.

    The sun's share is kept for any height of the sun above 17 degrees, and fades below; the sky fades in dusk.
    """
    share, bounce = style.numbers["light.sun_share"], style.numbers["light.bounce_share"]
    linear = {k: [c**2.2 for c in style.unit(f"light.{k}")] for k in ("sun", "sky", "bounce", "white")}
    white = [share * s + (1 - share) * k for s, k in zip(linear["sun"], linear["sky"], strict=True)]
    level = max(math.sin(math.radians(max(sun.elevation_deg, 0.0))), 0.3)
    dusk = min(1.0, max(0.15, (sun.elevation_deg + 8) / 20))
    scale = {"sun": share / level, "sky": (1 - share) * dusk, "bounce": bounce * dusk}
    return {
        f"{k}Light": tuple(
            scale[k] * c * w / v for c, w, v in zip(linear[k], linear["white"], white, strict=True)
        )
        for k in ("sun", "sky", "bounce")
    }
