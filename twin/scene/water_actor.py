"""Flood water as VTK draws it: one thin translucent surface whose shape and colours change with time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkImageData, vtkPolyData
from vtkmodules.vtkRenderingCore import vtkTexture

from twin.scene import shaders
from twin.scene.stage import add_actor, put_light
from twin.scene.vtk_parts import flood_actor, grain_texture, texture

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from twin.scene.layers import WaterView
    from twin.scene.stage import Stage
    from twin.scene.water_shape import WaterShape

_OPACITY = 0.78


@dataclass
class WaterActor:
    """One flood on a stage.

    Parameters
    ----------
    actor, data, image : VTK objects
        What is drawn, its triangles, and the picture of its depths.
    """

    actor: Any
    data: Any
    image: Any
    kept: dict[str, Any] = field(default_factory=dict)
    shown: WaterShape | None = None


def add_water(stage: Stage, shape: WaterShape, light_map: NDArray[np.uint8]) -> WaterActor:
    """Put a flood on the stage; `show_water` changes it.

    Parameters
    ----------
    stage : Stage
    shape : WaterShape
    light_map : array, shape (rows, columns, 4)
        Sun and sky on the ground, as of `Light.plan`.
    """
    data, image = vtkPolyData(), vtkImageData()
    data.SetPoints(vtkPoints())
    bare, laid_over = _shaders(shape.view)
    actor = flood_actor(data, bare)
    stage.floods.append(actor)
    made = WaterActor(actor, data, image)
    add_actor(stage, actor, "flood")
    show_water(made, shape)
    _set_textures(stage, made, light_map)
    if stage.over_time is not None:
        stage.over_time.lay_on(actor, bare, laid_over)
    return made


def _shaders(view: WaterView) -> tuple[str, str]:
    """Shaders of water in colours or natural, with nothing over it and with something."""
    if view.colours:
        return shaders.FLOOD, shaders.FLOOD_LAID_OVER
    return shaders.WAVES, shaders.WAVES_LAID_OVER


def _set_textures(stage: Stage, water: WaterActor, light_map: NDArray[np.uint8]) -> None:
    looks = water.actor.GetProperty()
    looks.SetTexture("fieldMap", _linear(water.image))
    put_light(stage, water.actor, "plan", texture(stage, light_map))
    looks.SetTexture("grainMap", grain_texture(stage))
    plan = stage.pack.meta.plan
    shader = water.actor.GetShaderProperty()
    shader.GetVertexCustomUniforms().SetUniform4f(
        "planCornerV",
        [plan.x_min, plan.y_max, 1 / (plan.columns * plan.texel_m), 1 / (plan.rows * plan.texel_m)],
    )
    shader.GetVertexCustomUniforms().SetUniformf("hazeShareV", stage.style.numbers["sky.fade"] * 4)
    shader.GetFragmentCustomUniforms().SetUniformf("waterOpacity", _OPACITY)


def show_water(water: WaterActor, shape: WaterShape) -> None:
    """Give the flood another moment: new triangles and depths; nothing is sent where it is the same one."""
    if water.shown is shape:
        return
    surface, data, kept = shape.surface, water.data, water.kept
    kept |= {"points": surface.points, "triangles": surface.triangles, "place": surface.place}
    points = vtkPoints()
    points.SetData(numpy_to_vtk(surface.points))
    data.SetPoints(points)
    cells = vtkCellArray()
    cells.SetData(3, numpy_to_vtk(surface.triangles.reshape(-1)))
    data.SetPolys(cells)
    data.GetPointData().SetTCoords(numpy_to_vtk(surface.place))
    data.Modified()
    _fill(water, "field", water.image, shape.field)
    water.shown = shape


def hide_water(water: WaterActor) -> None:
    """Draw nothing of a flood whose layer shows no water now."""
    if water.shown is None:
        return
    water.data.Initialize()
    water.kept.clear()
    water.shown = None


def _fill(water: WaterActor, name: str, image: Any, values: NDArray[np.uint8]) -> None:
    water.kept[name] = values
    image.SetDimensions(values.shape[1], values.shape[0], 1)
    image.GetPointData().SetScalars(numpy_to_vtk(values.reshape(-1, values.shape[2])))
    image.Modified()


def _linear(image: Any) -> Any:
    made = vtkTexture()
    made.SetInputData(image)
    made.SetColorModeToDirectScalars()
    made.InterpolateOn()
    made.RepeatOff()
    made.EdgeClampOn()
    return made
