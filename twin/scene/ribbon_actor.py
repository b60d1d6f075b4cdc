"""Coloured triangles over the ground, as VTK draws them: roads by state, tracks, arrows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData

from twin.scene.stage import add_actor
from twin.scene.vtk_parts import ribbon_actor

if TYPE_CHECKING:
    from twin.scene.ribbons import Ribbons
    from twin.scene.stage import Stage


@dataclass
class RibbonActor:
    """Ribbons on a stage.

    Parameters
    ----------
    actor, data : VTK objects
        What is drawn, and its triangles.
    """

    actor: Any
    data: Any
    kept: dict[str, Any] = field(default_factory=dict)


def add_ribbons(stage: Stage, ribbons: Ribbons, group: str) -> RibbonActor:
    """Put ribbons on the stage; `show_ribbons` changes them."""
    data = vtkPolyData()
    data.SetPoints(vtkPoints())
    made = RibbonActor(ribbon_actor(data), data)
    add_actor(stage, made.actor, group)
    stage.near_eye.append(made.actor)
    show_ribbons(made, ribbons)
    return made


def show_ribbons(shown: RibbonActor, ribbons: Ribbons) -> None:
    """Draw other triangles or colours."""
    shown.kept = {"points": ribbons.points, "triangles": ribbons.triangles, "rgba": ribbons.rgba}
    places = vtkPoints()
    places.SetData(numpy_to_vtk(ribbons.points))
    shown.data.SetPoints(places)
    cells = vtkCellArray()
    cells.SetData(3, numpy_to_vtk(ribbons.triangles.reshape(-1)))
    shown.data.SetPolys(cells)
    shown.data.GetPointData().SetScalars(numpy_to_vtk(ribbons.rgba))
    shown.data.Modified()
