"""What is drawn, told where the camera stands: light and haze of a style, and what water mirrors."""

from __future__ import annotations

import math
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.scene.camera import metres_per_pixel
from twin.scene.coarse import choose_detail
from twin.scene.paint import class_table, palette_table
from twin.scene.vtk_parts import texture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from twin.energy.sun import Sun
    from twin.scene.camera import Camera
    from twin.scene.coarse import Detail
    from twin.scene.colour import Painting
    from twin.scene.near_edges import NearEdges
    from twin.scene.over_time import Lookup, OverTime
    from twin.scene.pack import ScenePack
    from twin.scene.point_actor import PointActors
    from twin.scene.style import Style

_INVISIBLE = 0.2
"""Lines thinner than this share of a pixel are left out: they would change no pixel by more than 5 of 255."""
_TABLE_REACH = 20
MARK_UNITS = 8.0
"""Radius of a marker's mark, pixels in a picture of 1600 x 900; larger ones have larger marks."""


@dataclass
class Stage:
    """All that is drawn, and how its shaders are told where the camera stands.

    Parameters
    ----------
    actors : list
        In drawing order.
    face_colours : Lookup, optional
        The style's colours of buildings and of what is built.
    classes, palette : Lookup, optional
        Which of few colours a building has by an attribute, and these, so that colours can change alone.
    """

    pack: ScenePack
    style: Style
    sun: Sun
    actors: list[Any] = field(default_factory=list)
    face_colours: Lookup | None = None
    classes: Lookup | None = None
    palette: Lookup | None = None
    lines: list[tuple[Any, float, float]] = field(default_factory=list)
    """Actors of lines, each with its width in pixels and the width in metres below which it pales."""
    mirrored: list[Any] = field(default_factory=list)
    """Actors that water mirrors."""
    culled: list[Any] = field(default_factory=list)
    """Those among them whose inner side is never drawn."""
    water: list[Any] = field(default_factory=list)
    water_level: float = 0.0
    dome: Any = None
    """The sky."""
    kept: list[Any] = field(default_factory=list)
    """Arrays that VTK looks at without owning them."""
    near_eye: list[Any] = field(default_factory=list)
    """Actors that are drawn a hair nearer to the eye than they are."""
    floods: list[Any] = field(default_factory=list)
    """Actors of flood water."""
    upright: list[Any] = field(default_factory=list)
    """Actors of marks that face the eye, in a size that is told in pixels."""
    hidden: set[Any] = field(default_factory=set)
    """Actors that are switched off."""
    translucent: set[Any] = field(default_factory=set)
    """Actors that are never opaque: lines and flood water."""
    details: list[Detail] = field(default_factory=list)
    """Tiles of a large city, in full and as blocks."""
    near_edges: NearEdges | None = None
    """Edges of a large city, of which those are drawn that are near enough."""
    renewed: dict[str, list[Any]] = field(default_factory=dict)
    """Of those the ones that are given up when others take their place, by what they are for."""
    light_maps: dict[str, list[Any]] = field(default_factory=dict)
    """Actors by the light map that lies on them: ``atlas``, ``plan``, ``table``, ``blocks``."""
    sunlight: dict[str, list[float]] | None = None
    """What shaders are told of this place of the sun, once it is known."""
    tree_colours: list[tuple[Any, NDArray[np.bool_], str]] = field(default_factory=list)
    """Places of trees, which of all trees stand there, and whether their colour is that of crowns or trunks."""
    over_time: OverTime | None = None
    """What layers over time change without new actors; None on a stage that stands still."""
    points: PointActors | None = None
    """Survey points: all of them, and the few that are drawn while the camera moves."""
    groups: dict[str, list[Any]] = field(default_factory=dict)
    """Actors by what they show, such as ``buildings``; a window switches and fades them."""
    painted: dict[str, Callable[[float], None]] = field(default_factory=dict)
    """Groups that are colour on other actors, such as ``roads``: told how strongly they are shown, 0 to 1."""


@contextmanager
def renewing(stage: Stage, what: str) -> Iterator[None]:
    """Keep the arrays that are wrapped within in the place of those of last time."""
    lasting, stage.kept = stage.kept, []
    try:
        yield
    finally:
        stage.renewed[what], stage.kept = stage.kept, lasting


def recolour(stage: Stage, painting: Painting | None) -> None:
    """Give the buildings other colours, or their own: a byte for each goes to the card, and no geometry."""
    if stage.classes is None or stage.palette is None:
        return
    if painting is not None:
        stage.classes.show(class_table(painting.index))
    stage.palette.show(palette_table(painting))


def aim(stage: Stage, camera: Camera, height_px: int) -> None:
    """Tell all shaders where the eye is and how large a pixel is out there."""
    block = stage.pack.meta.block
    middle = np.array([(block[0] + block[2]) / 2, (block[1] + block[3]) / 2, (block[4] + block[5]) / 2])
    radius = max(block[2] - block[0], block[3] - block[1], 60.0) / 2
    distance = float(np.linalg.norm(middle - camera.eye))
    shown_m = camera.parallel_height_m
    flat = shown_m is not None
    angle = 0.0 if flat else 2 * math.tan(math.radians(camera.view_angle_deg) / 2) / height_px
    choose_detail(stage, camera, height_px)
    _choose_lines(stage, camera, height_px, angle)
    unseen = {actor for actor, _, _ in stage.lines if not actor.GetVisibility()}
    unseen |= {d.coarse if d.fine.GetVisibility() else d.fine for d in stage.details}
    for actor in stage.actors:
        if actor in unseen:  # most of a large city: each is told before the first frame that shows it
            continue
        uniforms = actor.GetShaderProperty().GetFragmentCustomUniforms()
        uniforms.SetUniform3f("eye", list(camera.eye))
        uniforms.SetUniformf("hazeStart", 1e9 if flat else max(distance - radius, 0.0))
        uniforms.SetUniformf("hazeLength", 2.0 * radius)
        uniforms.SetUniformf("pixelAngle", angle)
        uniforms.SetUniformf("parallelPixel", shown_m / height_px if shown_m is not None else 1e-9)
    for actor in stage.near_eye:
        actor.GetShaderProperty().GetVertexCustomUniforms().SetUniform3f("eyeV", list(camera.eye))
    for actor in stage.floods:
        vertex = actor.GetShaderProperty().GetVertexCustomUniforms()
        vertex.SetUniform3f("eyeV", list(camera.eye))
        vertex.SetUniformf("hazeStartV", 1e9 if flat else max(distance - radius, 0.0))
        vertex.SetUniformf("hazeLengthV", 2.0 * radius)
    _aim_marks(stage, camera, height_px, angle)


def _choose_lines(stage: Stage, camera: Camera, height_px: int, angle: float) -> None:
    """Show the lines that are near enough; those too thin to be seen even where they are nearest are not drawn."""
    shown_m = camera.parallel_height_m

    def farthest_m(reach_m: float) -> float:
        if shown_m is None:
            return reach_m / (_INVISIBLE * angle)
        return math.inf if shown_m / height_px * _INVISIBLE < reach_m else 0.0

    some = stage.near_edges
    near = set() if some is None else some.choose(camera, farthest_m(some.width_m))
    far = set() if some is None else {s.actor for s in some.stretches} - near
    for actor, _, reach_m in stage.lines:
        is_near = actor in near or (
            actor not in far and _nearest(actor.GetBounds(), camera.eye) < farthest_m(reach_m)
        )
        is_seen = is_near and actor not in stage.hidden
        if is_seen:
            actor.GetShaderProperty().GetVertexCustomUniforms().SetUniform3f("eyeV", list(camera.eye))
        actor.SetVisibility(is_seen)


def mark_radius_px(height_px: int) -> float:
    """Radius of a marker's mark in a picture of this height, pixels."""
    return MARK_UNITS * max(0.6, height_px / 900)


def _aim_marks(stage: Stage, camera: Camera, height_px: int, angle: float) -> None:
    """Turn marks to the eye and tell them how large a pixel is."""
    if not stage.upright:
        return
    right, up, forward = (list(map(float, axis)) for axis in camera.axes)
    pixels = mark_radius_px(height_px)
    shown_m = camera.parallel_height_m
    for actor in stage.upright:
        shader = actor.GetShaderProperty()
        uniforms = shader.GetVertexCustomUniforms()
        axes = {"rightV": right, "upV": up, "forwardV": forward, "eyeV": list(camera.eye)}
        for name, axis in axes.items():
            uniforms.SetUniform3f(name, axis)
        uniforms.SetUniformf("pixelAngleV", angle)
        uniforms.SetUniformf("flatView", float(shown_m is not None))
        uniforms.SetUniformf("parallelPixelV", shown_m / height_px if shown_m is not None else 0.0)
        uniforms.SetUniformf("markPixels", pixels)
        shader.GetFragmentCustomUniforms().SetUniformf("markPixelsF", pixels)


def hide_what_is_not_seen(stage: Stage, camera: Camera, size: tuple[int, int]) -> None:
    """Leave out the sky where the picture shows nothing but ground: a shader that is not needed is not compiled."""
    right, up, forward = camera.axes
    tall = math.tan(math.radians(camera.view_angle_deg) / 2)
    steepest = forward + tall * up
    sides = [steepest + s * tall * size[0] / size[1] * right for s in (-1, 1)]
    drop = camera.eye[2] - stage.pack.meta.block[4]
    reach = (
        drop / min(max(-ray[2] / math.hypot(ray[0], ray[1]), 1e-9) for ray in sides) if drop > 0 else math.inf
    )
    flat = camera.parallel_height_m is not None
    seen = not flat and bool(reach > _TABLE_REACH * _extent(stage))
    stage.dome.SetVisibility(seen and stage.dome not in stage.hidden)


def _extent(stage: Stage) -> float:
    block = stage.pack.meta.block
    return max(block[2] - block[0], block[3] - block[1], 100.0)


def _nearest(bounds: tuple[float, ...], eye: tuple[float, float, float]) -> float:
    """Distance from the eye to a box, 0 inside."""
    gaps = [max(bounds[2 * i] - eye[i], eye[i] - bounds[2 * i + 1], 0.0) for i in range(3)]
    return math.hypot(*gaps)


def water_pixel_m(stage: Stage, camera: Camera, height_px: int) -> float:
    """Metres that a pixel shows where water is nearest; infinite without water or in a view straight down."""
    if not stage.water or camera.parallel_height_m is not None:
        return math.inf
    nearest = min(_nearest(actor.GetBounds(), camera.eye) for actor in stage.water)
    return metres_per_pixel(camera, height_px, nearest)


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
    with renewing(stage, "mirror"):
        shown = texture(stage, blank if image is None else image)
    for actor in stage.water:
        actor.GetProperty().RemoveTexture("mirrorImage")
        actor.GetProperty().SetTexture("mirrorImage", shown)
        uniforms = actor.GetShaderProperty().GetFragmentCustomUniforms()
        uniforms.SetUniform2f("mirrorScale", list(scale))
        uniforms.SetUniformf("mirrorShare", 0.0 if image is None else 1.0)
    place_mirror_image(stage, (0.0, 0.0))


def place_mirror_image(stage: Stage, start: tuple[float, float]) -> None:
    """Tell the water where in the picture of what it mirrors, in shares of it, the window begins."""
    for actor in stage.water:
        uniforms = actor.GetShaderProperty().GetFragmentCustomUniforms()
        uniforms.SetUniform2f("mirrorStart", list(start))


def add_actor(stage: Stage, actor: Any, group: str) -> None:
    """Take an actor into a group and give its shaders the light and the sky of the style."""
    style, shader = stage.style, actor.GetShaderProperty()
    uniforms = shader.GetFragmentCustomUniforms()
    if stage.sunlight is None:
        stage.sunlight = sunlight(style, stage.sun)
    set_sunlight(actor, stage.sunlight)
    for both in (shader.GetVertexCustomUniforms(), uniforms):
        both.SetUniformf("mirrored", 0.0)
        both.SetUniformf("waterLevel", stage.water_level)
    uniforms.SetUniform3f("horizon", list(style.unit("sky.horizon")))
    uniforms.SetUniform3f("zenith", list(style.unit("sky.zenith")))
    uniforms.SetUniformf("hazeShare", style.numbers["sky.fade"] * 4)
    uniforms.SetUniformf("groupOpacity", 1.0)
    stage.actors.append(actor)
    if actor.GetForceTranslucent():
        stage.translucent.add(actor)
    stage.groups.setdefault(group, []).append(actor)


def sunlight(style: Style, sun: Sun) -> dict[str, list[float]]:
    """What every shader is told of a place of the sun: how strong sun and sky are, water's tones, the direction."""
    balance = light_balance(style, sun)
    shade, sunny = water_tones(balance, sun)
    told = {"shadeTone": shade, "sunnyTone": sunny, "sunDirection": list(sun.direction)}
    return {**{name: list(value) for name, value in balance.items()}, **told}


def set_sunlight(actor: Any, told: dict[str, list[float]]) -> None:
    """Tell an actor's shader what `sunlight` gives."""
    uniforms = actor.GetShaderProperty().GetFragmentCustomUniforms()
    for name, value in told.items():
        uniforms.SetUniform3f(name, value)
    uniforms.SetUniformf("sunLevel", max(told["sunDirection"][2], 0.0))


def water_tones(balance: dict[str, tuple[float, ...]], sun: Sun) -> tuple[list[float], list[float]]:
    """What level water multiplies its colour with in full shade and in full sun and sky, encoded."""
    lights = zip(balance["sunLight"], balance["skyLight"], balance["bounceLight"], strict=True)
    shade, sunny, level = [], [], max(sun.direction[2], 0.0)
    for direct, sky, bounce in lights:
        shade.append(math.sqrt(0.4 * direct * level + 0.5 * sky + bounce))
        sunny.append(math.sqrt(direct * level + sky))
    return shade, sunny


def put_light(stage: Stage, actor: Any, kind: str, light_map: Any) -> None:
    """Lay a light map on an actor."""
    actor.GetProperty().SetTexture("lightMap", light_map)
    stage.light_maps.setdefault(kind, []).append(actor)


def set_look(stage: Stage, group: str, *, visible: bool, opacity: float) -> None:
    """Show, hide or fade the actors of a group.

    Parameters
    ----------
    group : str
        A key of `Stage.groups` or of `Stage.painted`.
    opacity : float
        1 as the style has it, less lets through what lies behind.
    """
    if group in stage.painted:
        stage.painted[group](opacity if visible else 0.0)
    for actor in stage.groups.get(group, ()):
        shown = visible and opacity > 0
        stage.hidden.discard(actor) if shown else stage.hidden.add(actor)
        actor.SetVisibility(shown)
        actor.GetShaderProperty().GetFragmentCustomUniforms().SetUniformf("groupOpacity", opacity)
        if actor in stage.translucent:
            continue
        actor.SetForceOpaque(opacity >= 1)
        actor.SetForceTranslucent(opacity < 1)


_LOW_SUN = 0.3
"""Sine of 17 degrees: the sun's share of light fades below this height."""
_NIGHT = 0.5
"""The least light on level ground in the open, of that of the day: it shows seven tenths of its colour."""


def light_balance(style: Style, sun: Sun) -> dict[str, tuple[float, ...]]:
    """Linear strength of sun, sky and bounce, such that level ground in the open shows its colour as the style has it.

    The sun's share is kept for any height of the sun above 17 degrees, and fades below; the sky fades in dusk, down to
    `_NIGHT`: live values and floods are looked at by night, too.
    """
    share, bounce = style.numbers["light.sun_share"], style.numbers["light.bounce_share"]
    linear = {k: [c**2 for c in style.unit(f"light.{k}")] for k in ("sun", "sky", "bounce", "white")}
    white = [share * s + (1 - share) * k for s, k in zip(linear["sun"], linear["sky"], strict=True)]
    level = max(math.sin(math.radians(sun.elevation_deg)), 0.0)
    dusk = min(1.0, max(_NIGHT, (sun.elevation_deg + 8) / 20))
    sky = max((1 - share) * dusk, _NIGHT - share * min(level / _LOW_SUN, 1.0))
    scale = {"sun": share / max(level, _LOW_SUN), "sky": sky, "bounce": bounce * dusk}
    return {
        f"{k}Light": tuple(
            scale[k] * c * w / v for c, w, v in zip(linear[k], linear["white"], white, strict=True)
        )
        for k in ("sun", "sky", "bounce")
    }
