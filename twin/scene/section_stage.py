"""A section on a stage: what lies before the plane is left out, and the cut is closed with caps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from vtkmodules.vtkCommonDataModel import vtkPlane

from twin.scene import shaders
from twin.scene.section import cap_triangles
from twin.scene.stage import add_actor
from twin.scene.vtk_parts import set_colours, set_texture_places, surface_actor, texture, triangle_data

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.scene.section import Plane, Section
    from twin.scene.stage import Stage
    from twin.scene.style import Rgb

GROUP = "section"
BUILDING, EARTH, WATER = (74, 78, 92), (150, 128, 98), (70, 128, 190)
_LIT = np.full((1, 1, 4), 255, np.uint8)


def cut_stage(stage: Stage, plane: Plane | None) -> None:
    """Leave out all that lies on the side to which the plane's normal points; None shows everything again."""
    # The ground far around lies dark below the block, where nobody sees it uncut: it goes too. The sky stays.
    kept = {id(actor) for actor in (stage.dome, *stage.groups.get(GROUP, ()))}
    cutter = None if plane is None else _cutter(plane, stage.pack.meta.origin)
    for actor in stage.actors:
        mapper = actor.GetMapper()
        if id(actor) in kept or mapper is None:
            continue
        mapper.RemoveAllClippingPlanes()
        if cutter is not None:
            mapper.AddClippingPlane(cutter)


def _cutter(plane: Plane, origin: tuple[int, int, int]) -> Any:
    made = vtkPlane()
    made.SetOrigin(*(float(a - b) for a, b in zip(plane.point, origin, strict=True)))
    # VTK keeps the side that its normal points to.
    made.SetNormal(*(-float(v) for v in plane.axes[2]))
    return made


def show_section(stage: Stage, found: Section | None) -> None:
    """Cut a stage open by a section and close the cut with caps; None closes it again."""
    old = stage.groups.pop(GROUP, [])
    stage.actors = [actor for actor in stage.actors if not any(actor is gone for gone in old)]
    cut_stage(stage, None if found is None else found.plane)
    if found is None:
        return
    areas: list[tuple[Any, Rgb]] = [(found.earth, EARTH), (found.water, WATER)]
    areas += [(part, BUILDING) for part in found.buildings.values()]
    for area, rgb in areas:
        corners = cap_triangles(area, found.plane)
        if len(corners):
            add_actor(stage, _cap(stage, corners, rgb), GROUP)


def _cap(stage: Stage, corners: NDArray[np.float64], rgb: Rgb) -> Any:
    points = (corners - np.asarray(stage.pack.meta.origin, np.float64)).reshape(-1, 3).astype(np.float32)
    data = triangle_data(stage, points, np.arange(len(points), dtype=np.int32).reshape(-1, 3))
    set_texture_places(stage, data, np.full((len(points), 2), 0.5, np.float32))
    set_colours(stage, data, np.tile(np.array(rgb, np.uint8), (len(points), 1)))
    actor = surface_actor(data, shaders.FACE, cull=False)
    actor.GetProperty().SetTexture("lightMap", texture(stage, _LIT))
    return actor
