"""Arrays as VTK's data, textures and actors with our shaders."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import vtkmodules.vtkRenderingOpenGL2  # noqa: F401 - registers the OpenGL classes that the others stand for
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkImageData, vtkPolyData
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkTexture

from twin.scene import shaders
from twin.scene.treeforms import place_hash

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.scene.pack import Tile
    from twin.scene.stage import Stage

_GRAIN_SIDE = 256


def wrap(stage: Stage, values: NDArray[Any], name: str) -> Any:
    """An array as VTK's, looked at and not copied; the stage keeps it alive."""
    values = np.ascontiguousarray(values)
    made = numpy_to_vtk(values)
    made.SetName(name)
    stage.kept.append(values)
    return made


def _points_of(stage: Stage, points: NDArray[np.float32]) -> Any:
    places = vtkPoints()
    places.SetData(wrap(stage, points, "place"))
    return places


def _cells_of(stage: Stage, rows: NDArray[np.int32], name: str) -> Any:
    """Rows of point indices, shape (n, k), as cells of k points."""
    cells = vtkCellArray()
    cells.SetData(rows.shape[1], wrap(stage, rows.reshape(-1), name))
    return cells


def triangle_data(stage: Stage, points: NDArray[np.float32], triangles: NDArray[np.int32]) -> Any:
    """Triangles as ``vtkPolyData``."""
    data = vtkPolyData()
    set_triangles(stage, data, points, triangles)
    return data


def set_triangles(stage: Stage, data: Any, points: NDArray[np.float32], triangles: NDArray[np.int32]) -> None:
    """Give ``vtkPolyData`` other triangles."""
    data.SetPoints(_points_of(stage, points))
    data.SetPolys(_cells_of(stage, triangles, "corner"))


def line_data(stage: Stage, points: NDArray[np.float32], pairs: NDArray[np.int32]) -> Any:
    """Pairs of points as lines in ``vtkPolyData``."""
    data = vtkPolyData()
    data.SetPoints(_points_of(stage, points))
    data.SetLines(_cells_of(stage, pairs, "end"))
    return data


def tile_data(stage: Stage, kind: str, tile: Tile) -> Any:
    """A tile of the pack's ``facet`` or ``terrain`` arrays."""
    points, triangles = stage.pack[f"{kind}_points"], stage.pack[f"{kind}_triangles"]
    return triangle_data(stage, points[slice(*tile.points)], triangles[slice(*tile.cells)])


def set_colours(stage: Stage, data: Any, colours: NDArray[np.uint8]) -> None:
    """Give every point its colour."""
    data.GetPointData().SetScalars(wrap(stage, colours, "colour"))


def set_texture_places(stage: Stage, data: Any, places: NDArray[np.float32]) -> None:
    """Give every point its place in a texture, 0 to 1."""
    data.GetPointData().SetTCoords(wrap(stage, places, "texture"))


def texture(stage: Stage, values: NDArray[np.uint8]) -> Any:
    """A texture of shape (rows, columns, depth), filtered, its rim drawn on beyond its border."""
    image = vtkImageData()
    image.SetDimensions(values.shape[1], values.shape[0], 1)
    image.GetPointData().SetScalars(wrap(stage, values.reshape(-1, values.shape[2]), "light"))
    made = vtkTexture()
    made.SetInputData(image)
    made.SetColorModeToDirectScalars()
    made.InterpolateOn()
    made.RepeatOff()
    made.EdgeClampOn()
    return made


def grain_texture(stage: Stage) -> Any:
    """Smooth noise that repeats without a seam, some 64 bumps across, 0 to 255."""
    made = texture(stage, _grain())
    made.RepeatOn()
    made.EdgeClampOff()
    return made


@lru_cache(maxsize=1)
def _grain() -> NDArray[np.uint8]:
    """The same for every stage; shape (n, n, 1)."""
    wave = np.fft.fftfreq(_GRAIN_SIDE, 1 / _GRAIN_SIDE)
    length = np.hypot(wave[:, None], wave[None, :])
    index = np.arange(_GRAIN_SIDE**2, dtype=np.float64)
    chance = (place_hash(index, index) >> np.uint64(40)).astype(np.float64).reshape(_GRAIN_SIDE, -1)
    values = np.real(np.fft.ifft2(np.fft.fft2(chance - chance.mean()) * np.exp(-((length / 34.0) ** 2))))
    scaled = np.clip(0.5 + values / (5 * values.std()), 0, 1)
    return np.rint(scaled * 255).astype(np.uint8)[..., None]


def surface_actor(data: Any, fragment: str, *, cull: bool = True, owned: bool = False) -> Any:
    """An actor of triangles whose colour our fragment shader decides; `owned` ones know the building of each point."""
    actor = vtkActor()
    actor.SetMapper(_mapper(data))
    # A texture of two channels would count as one with alpha.
    actor.ForceOpaqueOn()
    actor.GetProperty().LightingOff()
    actor.GetProperty().SetBackfaceCulling(cull)
    if owned:
        _replace(actor, shaders.OWNED_DEC, shaders.OWNED_IMPL, shaders.OWNED_FRAGMENT_DEC, fragment)
    else:
        _replace(actor, shaders.POSITION_DEC, shaders.POSITION_IMPL, shaders.FRAGMENT_DEC, fragment)
    return actor


def flood_actor(data: Any, fragment: str) -> Any:
    """An actor of flood water, laid translucently over what is drawn already."""
    actor = vtkActor()
    actor.SetMapper(_mapper(data))
    actor.ForceTranslucentOn()
    actor.GetProperty().LightingOff()
    _replace(actor, shaders.FLOOD_DEC, shaders.FLOOD_IMPL, shaders.FLOOD_FRAGMENT_DEC, fragment)
    return actor


def ribbon_actor(data: Any) -> Any:
    """An actor of flat shapes a hair before what they lie on, in the colours of their points."""
    actor = vtkActor()
    actor.SetMapper(_mapper(data))
    actor.ForceTranslucentOn()
    actor.GetProperty().LightingOff()
    _replace(actor, shaders.LINE_DEC, shaders.LINE_IMPL, shaders.FRAGMENT_DEC, shaders.RIBBON)
    return actor


def instance_actor(mapper: Any, fragment: str) -> Any:
    """An actor of one form at many places; lit as VTK sees it, since only then it hands normals on."""
    actor = vtkActor()
    actor.SetMapper(mapper)
    # Alpha tells how much sun a tree gets; what is drawn is opaque.
    actor.ForceOpaqueOn()
    actor.GetProperty().BackfaceCullingOn()
    _replace(actor, shaders.GLYPH_DEC, shaders.GLYPH_IMPL, shaders.GLYPH_FRAGMENT_DEC, fragment)
    return actor


def line_actor(data: Any, *, rgb: tuple[float, float, float], alpha: float) -> Any:
    """An actor of lines that lie a hair before the faces that they bound."""
    actor = vtkActor()
    actor.SetMapper(_mapper(data))
    actor.ForceTranslucentOn()
    appearance = actor.GetProperty()
    appearance.LightingOff()
    appearance.SetColor(*rgb)
    appearance.SetOpacity(alpha)
    _replace(actor, shaders.LINE_DEC, shaders.LINE_IMPL, shaders.FRAGMENT_DEC, shaders.LINE)
    return actor


def _replace(actor: Any, vertex_dec: str, vertex_impl: str, fragment_dec: str, fragment_impl: str) -> None:
    shader = actor.GetShaderProperty()
    shader.AddVertexShaderReplacement("//VTK::PositionVC::Dec", True, vertex_dec, False)
    shader.AddVertexShaderReplacement("//VTK::PositionVC::Impl", True, vertex_impl, False)
    shader.AddFragmentShaderReplacement("//VTK::PositionVC::Dec", True, fragment_dec, False)
    shader.AddFragmentShaderReplacement("//VTK::TCoord::Impl", True, fragment_impl, False)


def set_fragment_shader(actor: Any, fragment: str) -> None:
    """Give an actor another shader of fragments."""
    shader = actor.GetShaderProperty()
    shader.ClearFragmentShaderReplacement("//VTK::TCoord::Impl", True)
    shader.AddFragmentShaderReplacement("//VTK::TCoord::Impl", True, fragment, False)


def _mapper(data: Any) -> Any:
    mapper = vtkPolyDataMapper()
    mapper.SetInputData(data)
    mapper.StaticOn()
    # Coordinates are local already; a shift of VTK's own would hide them from the shaders.
    mapper.SetVBOShiftScaleMethod(0)
    return mapper
