"""What lies flat over a picture of a scene: title, legends, scale, north, sources, names, values, sketches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.errors import UsageError

if TYPE_CHECKING:
    from twin.scene.camera import Camera
    from twin.scene.colour import ColourBy, Legend
    from twin.scene.framing import Taken
    from twin.scene.furniture import Patch
    from twin.scene.scene import Scene
    from twin.scene.shot import Furniture

_LABEL_REACH_M = 160.0


def legend_places(
    scene: Scene,
    size: tuple[int, int],
    *,
    color_by: str | ColourBy | None = None,
    furniture: Furniture | None = None,
) -> list[Taken]:
    """Where the legends of such a picture lie; parameters as of `Scene.camera`."""
    from twin.scene.framing import Taken
    from twin.scene.furniture import Sheet, legend_patches

    wanted = furniture or scene.shot.furniture
    if not wanted.legend:
        return []
    try:
        attribute = scene.colours(color_by or scene.shot.color_by)[1]
    except UsageError:
        attribute = None  # Told where the buildings are coloured.
    width, height = size
    sheet = Sheet(size, scene.style, scale=wanted.text_scale)
    boxes = [patch.box for patch in legend_patches(sheet, legend_panels(scene, attribute))]
    return [Taken(x0 / width, y0 / height, x1 / width, y1 / height) for x0, y0, x1, y1 in boxes]


def legend_panels(scene: Scene, attribute: Legend | None) -> list[list[Legend]]:
    """Legends of each panel, in the language of the picture."""
    from twin.scene.legend import scene_legends, sensor_legends
    from twin.scene.wording import worded_legends

    over_time = [*scene.moment.legends, *([] if scene.points is None else [scene.points.legend])]
    panels = (
        scene_legends(scene.pack, scene.style, attribute, over_time=over_time),
        sensor_legends(over_time),
    )
    return [worded_legends(part, scene.language) for part in panels]


def scene_furniture(
    scene: Scene, camera: Camera, size: tuple[int, int], attribute: Legend | None, wanted: Furniture
) -> list[Patch]:
    """Everything that lies flat over a picture, lowest first."""
    from twin.scene.furniture import Sheet, attribution_patch, legend_patches, title_patches
    from twin.scene.furniture_ground import north_patch, scale_patch
    from twin.scene.labels import boxes, faded, label_patches
    from twin.scene.sketches import sketch_patches
    from twin.scene.wording import worded
    from twin.scene.workspace_layers import LABELS, SENSORS, strength

    sheet, meta = Sheet(size, scene.style, scene.notices, wanted.text_scale), scene.pack.meta
    fixed: list[Any] = []
    title = meta.name if wanted.title is None else wanted.title
    if title:
        fixed += title_patches(sheet, title, _subtitle(scene))
    if wanted.legend:
        fixed += legend_patches(sheet, legend_panels(scene, attribute))
    inside = _stands_inside(camera, meta.block)
    if wanted.scale and not inside:
        fixed.append(scale_patch(sheet, camera, language=scene.language))
    if wanted.north:
        fixed.append(north_patch(sheet, camera, convergence_deg=meta.convergence_deg))
    if wanted.attribution:
        fixed.append(attribution_patch(sheet, [worded(line, scene.language) for line in meta.attribution]))
    named = _marks(scene, sheet, camera)
    figures, texts = sketch_patches(sheet, camera, meta.origin, scene.sketches)
    if wanted.labels:
        values = _values(scene, sheet, camera, boxes([*fixed, *named, *texts]))
        named += faded(values, strength(scene.shot.looks, SENSORS))
        reach = _LABEL_REACH_M if inside else float("inf")
        labels = meta.labels if scene.cut is None else scene.cut.standing(meta.labels, meta.origin)
        names = label_patches(sheet, camera, labels, taken=boxes([*fixed, *named, *texts]), farthest_m=reach)
        named += faded(names, strength(scene.shot.looks, LABELS))
    return [*named, *(patch for patch in fixed if patch is not None), *figures, *texts]


def _values(scene: Scene, sheet: Any, camera: Camera, taken: list[Any]) -> list[Patch]:
    """Values of what layers over time mark."""
    patches: list[Patch] = []
    for _, view in scene.moment.markers:
        from twin.scene.marker_actor import heads
        from twin.scene.marker_labels import marker_label_patches
        from twin.scene.wording import worded_markers

        used = [*taken, *(patch.box for patch in patches)]
        told = worded_markers(view, scene.language)
        stands = None if scene.cut is None else scene.cut.leaves(heads(view))
        patches += marker_label_patches(
            sheet, camera, told, scene.pack.meta.origin, taken=used, stands=stands
        )
    return patches


def _marks(scene: Scene, sheet: Any, camera: Camera) -> list[Patch]:
    """Points of the user's layers."""
    from twin.scene.furniture import point_patches
    from twin.scene.labels import faded
    from twin.scene.paint import overlay_colours
    from twin.scene.workspace_layers import strength

    patches: list[Patch] = []
    colours = overlay_colours(scene.pack, scene.style)
    for entry, rgb in zip(scene.pack.meta.overlays, colours, strict=True):
        places = scene.pack["overlay_points"][slice(*entry.points)]
        if scene.cut is not None:
            places = places[scene.cut.leaves(places + np.asarray(scene.pack.meta.origin))]
        marks = point_patches(sheet, camera, places, rgb)
        patches += faded(marks, strength(scene.shot.looks, entry.name))
    return patches


def _subtitle(scene: Scene) -> str:
    """What stands below the title: the moment whose sun is shown, and what layers have to say."""
    from twin.scene.wording import worded

    told = [*_time_texts(scene), *scene.moment.remarks]
    return " · ".join(worded(text, scene.language) for text in told)


def _time_texts(scene: Scene) -> list[str]:
    if scene.when is None:
        return []
    when, offset = scene.when.strftime("%Y-%m-%d %H:%M "), scene.when.strftime("%z")
    text = f"{when}UTC" if offset == "+0000" else f"{when}UTC{offset[:3]}:{offset[3:5]}"
    if scene.sun.when != scene.when:
        return [text]
    place = f"{scene.sun.elevation_deg:.0f}° high" if scene.sun.elevation_deg > 0 else "below the horizon"
    return [text, f"sun {place}"]


def _stands_inside(camera: Camera, block: tuple[float, float, float, float, float, float]) -> bool:
    x, y, z = camera.eye
    return block[0] <= x <= block[2] and block[1] <= y <= block[3] and z < block[5]
