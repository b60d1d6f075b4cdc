"""Flood water as VTK draws it: one thin translucent surface whose shape and colours change with time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkImageData, vtkPolyData
from vtkmodules.vtkRenderingCore import vtkTexture

from twin.scene import shaders
from twin.scene.stage import add_actor, put_light
from twin.scene.vtk_parts import grain_texture, surface_actor, texture
from twin.scene.water_field import RAMP_SIZE, ramp, water_field
from twin.scene.water_surface import water_nodes, water_surface

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.scene.layers import WaterView
    from twin.scene.stage import Stage

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
    shown: WaterView | None = None


def add_water(stage: Stage, view: WaterView, light_map: NDArray[np.uint8]) -> WaterActor:
    """Put a flood on the stage; `show_water` changes it.

    Parameters
    ----------
    stage : Stage
    view : WaterView
    light_map : array, shape (rows, columns, 4)
        Sun and sky on the ground, as of `Light.plan`.
    """
    data, image = vtkPolyData(), vtkImageData()
    data.SetPoints(vtkPoints())
    actor = surface_actor(data, shaders.FLOOD, cull=False)
    actor.ForceOpaqueOff()
    actor.ForceTranslucentOn()
    made = WaterActor(actor, data, image)
    add_actor(stage, actor, "flood")
    show_water(stage, made, view)
    _set_textures(stage, made, light_map)
    return made


def _set_textures(stage: Stage, water: WaterActor, light_map: NDArray[np.uint8]) -> None:
    looks = water.actor.GetProperty()
    looks.SetTexture("fieldMap", _linear(water.image))
    looks.SetTexture("rampMap", _linear(_image(water, "ramp", _ramp_of(water.shown))))
    put_light(stage, water.actor, "plan", texture(stage, light_map))
    looks.SetTexture("grainMap", grain_texture(stage))
    if stage.over_time is not None:
        stage.over_time.lay_on(water.actor)
    plan = stage.pack.meta.plan
    uniforms = water.actor.GetShaderProperty().GetFragmentCustomUniforms()
    uniforms.SetUniform4f(
        "planCorner",
        [plan.x_min, plan.y_max, 1 / (plan.columns * plan.texel_m), 1 / (plan.rows * plan.texel_m)],
    )
    uniforms.SetUniform3f("deepColour", list(stage.style.unit("water.deep")))
    uniforms.SetUniform3f("shoreColour", list(stage.style.unit("water.shore")))
    uniforms.SetUniformf("waterOpacity", _OPACITY)


def show_water(stage: Stage, water: WaterActor, view: WaterView) -> None:
    """Give the flood another moment: new triangles and depths; nothing else on the stage is touched."""
    nodes = water_nodes(view.grid, view.bed_m, view.depth_m)
    surface = water_surface(view.grid, view.bed_m, view.depth_m, origin=stage.pack.meta.origin, nodes=nodes)
    data, kept = water.data, water.kept
    kept |= {"points": surface.points, "triangles": surface.triangles, "place": surface.place}
    points = vtkPoints()
    points.SetData(numpy_to_vtk(surface.points))
    data.SetPoints(points)
    cells = vtkCellArray()
    cells.SetData(3, numpy_to_vtk(surface.triangles.reshape(-1)))
    data.SetPolys(cells)
    data.GetPointData().SetTCoords(numpy_to_vtk(surface.place))
    data.Modified()
    _fill(water, "field", water.image, water_field(view, nodes))
    water.actor.GetShaderProperty().GetFragmentCustomUniforms().SetUniformf(
        "isNatural", float(not view.colours)
    )
    water.shown = view


def hide_water(water: WaterActor) -> None:
    """Draw nothing of a flood whose layer shows no water now."""
    water.data.Initialize()
    water.kept.clear()


def _ramp_of(view: WaterView | None) -> NDArray[np.uint8]:
    colours = view.colours if view is not None else ()
    return ramp(colours) if colours else np.full((1, RAMP_SIZE, 4), 255, np.uint8)


def _fill(water: WaterActor, name: str, image: Any, values: NDArray[np.uint8]) -> None:
    water.kept[name] = values
    image.SetDimensions(values.shape[1], values.shape[0], 1)
    image.GetPointData().SetScalars(numpy_to_vtk(values.reshape(-1, values.shape[2])))
    image.Modified()


def _image(water: WaterActor, name: str, values: NDArray[np.uint8]) -> Any:
    image = vtkImageData()
    _fill(water, name, image, values)
    return image


def _linear(image: Any) -> Any:
    made = vtkTexture()
    made.SetInputData(image)
    made.SetColorModeToDirectScalars()
    made.InterpolateOn()
    made.RepeatOff()
    made.EdgeClampOn()
    return made
