"""What layers over time change on a stage without new actors: what lies on the ground, and the colours of buildings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonDataModel import vtkDataObject, vtkImageData
from vtkmodules.vtkRenderingCore import vtkTexture

from twin.scene.vtk_parts import set_fragment_shader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from twin.scene.model import Picture

TABLE_WIDTH = 256
_COMPARED = 1 << 20
_NOTHING = np.zeros((1, 1, 4), np.uint8)


@dataclass
class Lookup:
    """A picture that shaders look up and that changes in place."""

    image: Any = field(default_factory=vtkImageData)
    texture: Any = None
    values: NDArray[np.uint8] | None = None

    def show(self, values: NDArray[np.uint8]) -> None:
        """Take other values, shape (rows, columns, depth), uint8; nothing is sent where they are the same."""
        values = np.ascontiguousarray(values)
        if self.values is not None and _is_same(self.values, values):
            return
        self.image.SetDimensions(values.shape[1], values.shape[0], 1)
        self.image.GetPointData().SetScalars(numpy_to_vtk(values.reshape(-1, values.shape[2])))
        self.image.Modified()
        self.values = values


def _is_same(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> bool:
    """Whether two pictures are one, or small and equal: to compare large ones costs what it saves."""
    return a is b or (a.size <= _COMPARED and a.shape == b.shape and bool(np.array_equal(a, b)))


def lookup(values: NDArray[np.uint8], *, smooth: bool) -> Lookup:
    """A picture for shaders; between its points interpolated if `smooth`."""
    made = Lookup()
    made.texture = vtkTexture()
    made.texture.SetInputData(made.image)
    made.texture.SetColorModeToDirectScalars()
    made.texture.SetInterpolate(smooth)
    made.texture.RepeatOff()
    made.texture.EdgeClampOn()
    made.show(values)
    return made


@dataclass
class OverTime:
    """Pictures that the shaders of ground and buildings look up.

    Parameters
    ----------
    drape : Lookup
        What lies on the ground.
    draped : list of (actor, shader, shader)
        What it lies on, with its shader while nothing lies there and while something does: looking for nothing
        would take a sixth of the frame.
    owners : Lookup
        Colours of buildings, 256 a row; alpha 0 leaves a building its own.
    faces : Lookup
        Colours of roofs and walls, laid out as the light atlas; alpha 0 leaves a face its own.
    """

    drape: Lookup = field(default_factory=lambda: lookup(_NOTHING, smooth=True))
    draped: list[tuple[Any, str, str]] = field(default_factory=list)
    owners: Lookup = field(default_factory=lambda: lookup(_NOTHING, smooth=False))
    faces: Lookup = field(default_factory=lambda: lookup(_NOTHING, smooth=False))
    corner: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    is_laid: bool = False

    def lay_on(self, actor: Any, bare: str, laid_over: str) -> None:
        """Let the drape lie on an actor, by one shader of fragments or the other."""
        actor.GetProperty().SetTexture("drapeMap", self.drape.texture)
        actor.GetShaderProperty().GetFragmentCustomUniforms().SetUniform4f("drapeCorner", list(self.corner))
        self.draped.append((actor, bare, laid_over))
        set_fragment_shader(actor, laid_over if self.is_laid else bare)


def show_drape(over: OverTime, picture: Picture | None, origin: Sequence[float]) -> None:
    """Lay a picture over the ground, or take away what lies there."""
    if picture is None and not over.is_laid:
        return
    over.drape.show(_NOTHING if picture is None else picture.rgba)
    if picture is not None:
        b = picture.bounds
        over.corner = (b.x_min - origin[0], b.y_max - origin[1], 1 / b.width, 1 / b.height)
    changes, over.is_laid = over.is_laid != (picture is not None), picture is not None
    for actor, bare, laid_over in over.draped:
        actor.GetShaderProperty().GetFragmentCustomUniforms().SetUniform4f("drapeCorner", list(over.corner))
        if changes:
            set_fragment_shader(actor, laid_over if over.is_laid else bare)


def show_building_colours(over: OverTime, rgba: NDArray[np.uint8] | None) -> None:
    """Give buildings the colours of layers, shape (n, 4); None leaves all their own."""
    n = 0 if rgba is None else len(rgba)
    table = np.zeros((max(1, -(-n // TABLE_WIDTH)), TABLE_WIDTH, 4), np.uint8)
    if rgba is not None:
        table.reshape(-1, 4)[:n] = rgba
    over.owners.show(table)


def show_faces(over: OverTime, rgba: NDArray[np.uint8] | None) -> None:
    """Colour roofs and walls texel by texel, shape (rows, columns, 4); None leaves all their own."""
    wanted = _NOTHING if rgba is None else rgba
    if over.faces.values is not wanted:
        over.faces.show(wanted)


def tell_owners(actor: Any, over: OverTime) -> None:
    """Let the shader of an actor of faces look up what layers say of its buildings."""
    actor.GetProperty().SetTexture("ownerTable", over.owners.texture)
    actor.GetProperty().SetTexture("faceMap", over.faces.texture)


def set_slots(actor: Any, slots: NDArray[np.float32]) -> None:
    """Hand the places of colours to the shader of an actor of faces."""
    values = numpy_to_vtk(np.ascontiguousarray(slots), deep=True)
    values.SetName("slotData")
    mapper = actor.GetMapper()
    mapper.GetInput().GetPointData().AddArray(values)
    mapper.MapDataArrayToVertexAttribute("slotData", "slotData", vtkDataObject.FIELD_ASSOCIATION_POINTS, -1)
