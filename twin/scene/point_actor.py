"""Survey points as VTK draws them: few while the camera moves, all when it rests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.scene.point_colours import point_colours

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.scene.point_layer import SurveyPoints

MOVING_SHARE = 0.075
POINT_PX = 2.0


@dataclass
class PointActors:
    """Two actors over the same points: all of them, and the few that are drawn while the camera moves."""

    every: Any
    some: Any
    is_visible: bool = True

    @property
    def both(self) -> tuple[Any, Any]:
        """Both actors."""
        return self.every, self.some

    def show(self, *, moving: bool, visible: bool = True) -> None:
        """Draw few points or all."""
        shown = visible and self.is_visible
        self.every.SetVisibility(shown and not moving)
        self.some.SetVisibility(shown and moving)

    def scale(self, times: float) -> None:
        """Draw each point this many times as large as usual."""
        for actor in self.both:
            actor.GetProperty().SetPointSize(POINT_PX * times)

    def fade(self, opacity: float) -> None:
        """Let through what lies behind."""
        self.is_visible = opacity > 0
        for actor in self.both:
            actor.GetProperty().SetOpacity(opacity)
        self.show(moving=False)

    def recolour(self, rgb: NDArray[np.uint8]) -> None:
        """Give the points other colours; their places stay where they are."""
        for actor in self.both:
            data = actor.GetMapper().GetInput()
            data.GetPointData().SetScalars(_colours(rgb[: data.GetNumberOfPoints()]))
            data.Modified()
            actor.GetMapper().StaticOff()
            actor.GetMapper().Update()
            actor.GetMapper().StaticOn()


def point_actors(
    points: SurveyPoints, *, share: float = MOVING_SHARE, rgb: NDArray[np.uint8] | None = None
) -> PointActors:
    """Survey points ready to be drawn.

    Parameters
    ----------
    points : SurveyPoints
    share : float
        Of all points, drawn while the camera moves.
    rgb : array, shape (n, 3), optional
        Colours; by class if not given.
    """
    colours = point_colours(points)[0] if rgb is None else rgb
    n = len(points.first(share))
    every = _actor(points.xyz, colours, POINT_PX)
    some = _actor(points.xyz[:n], colours[:n], POINT_PX)
    made = PointActors(every, some)
    made.show(moving=False)
    return made


def _actor(xyz: NDArray[np.float32], rgb: NDArray[np.uint8], size_px: float) -> Any:
    import vtkmodules.vtkRenderingOpenGL2  # noqa: F401 - without it VTK makes mappers that draw nothing
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonCore import vtkPoints
    from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
    from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper

    data, places, cells = vtkPolyData(), vtkPoints(), vtkCellArray()
    places.SetData(numpy_to_vtk(np.ascontiguousarray(xyz), deep=True))
    data.SetPoints(places)
    # One cell of all points: a cell for each would take five times the memory.
    ends = np.array([0, len(xyz)], np.int64)
    cells.SetData(_ids(ends), _ids(np.arange(len(xyz), dtype=np.int64)))
    data.SetVerts(cells)
    data.GetPointData().SetScalars(_colours(rgb))
    mapper, actor = vtkPolyDataMapper(), vtkActor()
    mapper.SetInputData(data)
    mapper.StaticOn()
    actor.SetMapper(mapper)
    actor.GetProperty().LightingOff()
    actor.GetProperty().SetPointSize(size_px)
    return actor


def _colours(rgb: NDArray[np.uint8]) -> Any:
    from vtkmodules.util.numpy_support import numpy_to_vtk

    return numpy_to_vtk(np.ascontiguousarray(rgb), deep=True)


def _ids(values: NDArray[np.int64]) -> Any:
    from vtkmodules.util.numpy_support import numpy_to_vtkIdTypeArray

    return numpy_to_vtkIdTypeArray(np.ascontiguousarray(values), deep=True)
