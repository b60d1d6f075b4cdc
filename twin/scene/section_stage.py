"""A section on a stage: what lies before the plane is left out, and the cut is closed with caps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonDataModel import vtkImageData, vtkPlane, vtkPolyData
from vtkmodules.vtkRenderingCore import vtkTexture

from twin.scene import shaders
from twin.scene.caps import section_caps
from twin.scene.stage import add_actor, renewing
from twin.scene.vtk_parts import set_colours, set_texture_places, set_triangles, surface_actor

if TYPE_CHECKING:
    from twin.scene.caps import Caps
    from twin.scene.section import Plane, Section
    from twin.scene.stage import Stage

GROUP = "section"
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
    if found is None:
        show_caps(stage, None, None)
    else:
        show_caps(stage, found.plane, section_caps(found, stage.pack.meta.origin))


def show_caps(stage: Stage, plane: Plane | None, caps: Caps | None) -> None:
    """Cut a stage open by a plane, with caps that close the cut, or without; None closes it again.

    One actor has all caps and is changed in place: what was sent to the card for the plane before is given back.
    """
    cut_stage(stage, plane)
    if plane is None:
        _take_away(stage)
        return
    if caps is None or not len(caps.points):
        _empty(stage)
        return
    actors = stage.groups.get(GROUP) or [_cap_actor(stage)]
    data = actors[0].GetMapper().GetInput()
    with renewing(stage, GROUP):
        n = len(caps.points)
        set_triangles(stage, data, caps.points, np.arange(n, dtype=np.int32).reshape(-1, 3))
        set_texture_places(stage, data, np.full((n, 2), 0.5, np.float32))
        set_colours(stage, data, caps.rgb)
    data.Modified()


def _take_away(stage: Stage) -> None:
    old = stage.groups.pop(GROUP, [])
    stage.actors = [actor for actor in stage.actors if not any(actor is gone for gone in old)]
    stage.hidden.difference_update(old)
    stage.renewed.pop(GROUP, None)


def _empty(stage: Stage) -> None:
    for actor in stage.groups.get(GROUP, ()):
        actor.GetMapper().GetInput().Initialize()
    stage.renewed.pop(GROUP, None)


def _cap_actor(stage: Stage) -> Any:
    actor = surface_actor(vtkPolyData(), shaders.FACE, cull=False)
    actor.GetProperty().SetTexture("lightMap", _lit())
    add_actor(stage, actor, GROUP)
    return actor


def _lit() -> Any:
    """Full light, in a texture that owns its pixel."""
    image = vtkImageData()
    image.SetDimensions(1, 1, 1)
    image.GetPointData().SetScalars(numpy_to_vtk(_LIT.reshape(-1, 4), deep=True))
    made = vtkTexture()
    made.SetInputData(image)
    made.SetColorModeToDirectScalars()
    return made
