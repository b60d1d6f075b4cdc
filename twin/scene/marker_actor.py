"""Markers as VTK draws them: marks of a size in pixels that face the eye, and columns below them.

Colours and states lie in a small table that the shader looks up by the number of the marker: new values change some
bytes and no geometry, as long as nothing moves and no column grows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkDataObject, vtkImageData, vtkPolyData
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkTexture

from twin.scene import marker_shaders
from twin.scene.layers import MarkerState
from twin.scene.stage import add_actor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.scene.layers import MarkerView
    from twin.scene.stage import Stage

TABLE_WIDTH = 256
_SIDES = 8
_LEAST_RADIUS_M, _RADIUS_SHARE = 0.6, 1 / 420
_IS_ALARM, _MOVES = 4, 8


@dataclass
class MarkerActor:
    """The markers of a layer on a stage.

    Parameters
    ----------
    marks, columns, image : VTK objects
        What is drawn, and the table of colours.
    """

    marks: Any
    columns: Any
    image: Any
    kept: dict[str, Any] = field(default_factory=dict)
    shown: MarkerView | None = None


def add_markers(stage: Stage, view: MarkerView) -> MarkerActor:
    """Put the markers of a layer on the stage; `show_markers` changes them."""
    image = vtkImageData()
    mark_shader = (
        marker_shaders.MARK_DEC,
        marker_shaders.MARK_IMPL,
        marker_shaders.MARK_FRAGMENT_DEC,
        marker_shaders.MARK,
    )
    column_shader = (
        marker_shaders.COLUMN_DEC,
        marker_shaders.COLUMN_IMPL,
        marker_shaders.COLUMN_FRAGMENT_DEC,
        marker_shaders.COLUMN,
    )
    made = MarkerActor(_actor(mark_shader), _actor(column_shader), image)
    for actor in (made.columns, made.marks):
        actor.GetProperty().SetTexture("markerTable", _nearest(image))
        add_actor(stage, actor, "markers")
    made.columns.GetProperty().SetBackfaceCulling(True)
    stage.upright.append(made.marks)
    show_markers(stage, made, view)
    return made


def show_markers(stage: Stage, markers: MarkerActor, view: MarkerView) -> None:
    """Give the markers other values; geometry is made anew only where a marker moved or a column grew."""
    _fill_table(markers, marker_table(view))
    if markers.shown is None or not _same_places(markers.shown, view):
        _set_geometry(stage, markers, view)
    markers.shown = view


def hide_markers(markers: MarkerActor) -> None:
    """Draw nothing of a layer that shows no markers now."""
    for actor in (markers.marks, markers.columns):
        actor.GetMapper().GetInput().Initialize()
    markers.shown = None


def marker_table(view: MarkerView) -> NDArray[np.uint8]:
    """Colours and states as a picture of 256 markers a row, shape (rows, 256, 4).

    Alpha holds the `MarkerState`, plus 4 for an alarm and 8 for what moves. What is stale loses its colour.
    """
    n = len(view.ids)
    table = np.zeros((max(1, -(-n // TABLE_WIDTH)), TABLE_WIDTH, 4), np.uint8)
    entries = table.reshape(-1, 4)[:n]
    entries[:, :3] = view.rgb
    stale = view.state == MarkerState.STALE
    if stale.any():
        grey = view.rgb[stale].astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
        entries[stale, :3] = (0.4 * grey + 0.6 * 150)[:, None].astype(np.uint8)
    entries[:, 3] = view.state
    if view.is_alarm is not None:
        entries[:, 3] += np.uint8(_IS_ALARM) * view.is_alarm.astype(np.uint8)
    if view.heading_deg is not None:
        entries[:, 3] += np.uint8(_MOVES) * np.isfinite(view.heading_deg).astype(np.uint8)
    return table


def _same_places(before: MarkerView, after: MarkerView) -> bool:
    pairs = ((getattr(before, k), getattr(after, k)) for k in ("position", "height_m", "heading_deg"))
    return len(before.ids) == len(after.ids) and all(
        a is b or (a is not None and b is not None and np.array_equal(a, b, equal_nan=True)) for a, b in pairs
    )


def heads(view: MarkerView) -> NDArray[np.float64]:
    """Where the marks stand: on their columns, shape (n, 3), map coordinates."""
    top = np.array(view.position, np.float64)
    if view.height_m is not None:
        top[:, 2] += np.nan_to_num(np.maximum(view.height_m, 0))
    return top


def _set_geometry(stage: Stage, markers: MarkerActor, view: MarkerView) -> None:
    origin = np.asarray(stage.pack.meta.origin, np.float64)
    n = len(view.ids)
    ahead = np.zeros((n, 2), np.float32)
    if view.heading_deg is not None:
        turn = np.radians(np.nan_to_num(view.heading_deg))
        moving = np.isfinite(view.heading_deg)
        ahead[moving] = np.column_stack([np.sin(turn), np.cos(turn)])[moving]
    top = (heads(view) - origin).astype(np.float32)
    data = np.empty((n, 4, 4), np.float32)
    data[..., 0] = np.arange(n, dtype=np.float32)[:, None]
    data[..., 1] = np.array([0, 1, 3, 2], np.float32)
    data[..., 2:] = ahead[:, None]
    rows = np.arange(4 * n, dtype=np.int32).reshape(n, 4)
    _fill(markers, "marks", np.repeat(top, 4, axis=0), data.reshape(-1, 4), rows)
    _fill(markers, "columns", *_columns(stage, view, origin))


def _columns(
    stage: Stage, view: MarkerView, origin: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int32]]:
    """Prisms with eight sides: points, number with normal at each, and faces of four corners."""
    height = np.zeros(len(view.ids)) if view.height_m is None else np.nan_to_num(view.height_m)
    there = np.flatnonzero(height > 0)
    block = stage.pack.meta.block
    radius = max(_LEAST_RADIUS_M, _RADIUS_SHARE * max(block[2] - block[0], block[3] - block[1]))
    turn = (np.arange(_SIDES + 1) + 0.5) * 2 * np.pi / _SIDES
    rim = radius * np.column_stack([np.cos(turn), np.sin(turn)])
    middle = (turn[:-1] + turn[1:]) / 2
    face = np.zeros((_SIDES, 4, 6), np.float32)  # x, y, share of the height, normal
    face[:, :, :2] = np.stack([rim[:-1], rim[1:], rim[1:], rim[:-1]], axis=1)
    face[:, 2:, 2] = 1
    face[:, :, 3] = np.cos(middle)[:, None]
    face[:, :, 4] = np.sin(middle)[:, None]
    foot = (np.asarray(view.position)[there] - origin).astype(np.float32)
    points = np.repeat(foot[:, None, None, :], _SIDES, axis=1) + face[None, :, :, :3] * np.array([1, 1, 0])
    points[..., 2] += face[None, :, :, 2] * height[there][:, None, None]
    data = np.empty((len(there), _SIDES, 4, 4), np.float32)
    data[..., 0] = there[:, None, None]
    data[..., 1:] = face[None, :, :, 3:]
    rows = np.arange(len(there) * _SIDES * 4, dtype=np.int32).reshape(-1, 4)
    return points.reshape(-1, 3).astype(np.float32), data.reshape(-1, 4), rows


def _actor(shader: tuple[str, str, str, str]) -> Any:
    data = vtkPolyData()
    data.SetPoints(vtkPoints())
    mapper = vtkPolyDataMapper()
    mapper.SetInputData(data)
    mapper.StaticOn()
    mapper.SetVBOShiftScaleMethod(0)
    mapper.ScalarVisibilityOff()
    mapper.MapDataArrayToVertexAttribute(
        "markerData", "markerData", vtkDataObject.FIELD_ASSOCIATION_POINTS, -1
    )
    actor = vtkActor()
    actor.SetMapper(mapper)
    actor.ForceOpaqueOn()
    actor.GetProperty().LightingOff()
    replace = actor.GetShaderProperty()
    replace.AddVertexShaderReplacement("//VTK::PositionVC::Dec", True, shader[0], False)
    replace.AddVertexShaderReplacement("//VTK::PositionVC::Impl", True, shader[1], False)
    replace.AddFragmentShaderReplacement("//VTK::PositionVC::Dec", True, shader[2], False)
    replace.AddFragmentShaderReplacement("//VTK::TCoord::Impl", True, shader[3], False)
    return actor


def _fill(
    markers: MarkerActor,
    name: str,
    points: NDArray[np.float32],
    data: NDArray[np.float32],
    rows: NDArray[np.int32],
) -> None:
    target = getattr(markers, name).GetMapper().GetInput()
    markers.kept |= {f"{name} points": points, f"{name} data": data, f"{name} rows": rows}
    places = vtkPoints()
    places.SetData(numpy_to_vtk(points))
    target.SetPoints(places)
    cells = vtkCellArray()
    cells.SetData(4, numpy_to_vtk(rows.reshape(-1)))
    target.SetPolys(cells)
    values = numpy_to_vtk(data)
    values.SetName("markerData")
    target.GetPointData().AddArray(values)
    # Textures are only handed to shaders of what has places in them.
    texture_places = np.zeros((len(points), 2), np.float32)
    markers.kept[f"{name} texture"] = texture_places
    target.GetPointData().SetTCoords(numpy_to_vtk(texture_places))
    target.Modified()


def _fill_table(markers: MarkerActor, table: NDArray[np.uint8]) -> None:
    markers.kept["table"] = table
    markers.image.SetDimensions(table.shape[1], table.shape[0], 1)
    markers.image.GetPointData().SetScalars(numpy_to_vtk(table.reshape(-1, 4)))
    markers.image.Modified()


def _nearest(image: Any) -> Any:
    made = vtkTexture()
    made.SetInputData(image)
    made.SetColorModeToDirectScalars()
    made.InterpolateOff()
    made.RepeatOff()
    made.EdgeClampOn()
    return made
