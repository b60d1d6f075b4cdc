"""The water of a moment as arrays, ready to be handed to the graphics card; made in any thread."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twin.scene.water_field import water_field
from twin.scene.water_nodes import water_nodes
from twin.scene.water_surface import water_surface

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from twin.scene.layers import WaterView
    from twin.scene.style import Style
    from twin.scene.water_surface import WaterSurface


@dataclass(frozen=True, slots=True)
class WaterShape:
    """What is drawn of the water of a moment.

    Parameters
    ----------
    view : WaterView
        What it was made of.
    surface : WaterSurface
        Its triangles.
    field : array of uint8, shape (ny, nx, 4)
        Colour of each cell, and how much of the ground is seen through it.
    """

    view: WaterView
    surface: WaterSurface
    field: NDArray[np.uint8]


def water_shape(view: WaterView, style: Style, origin: Sequence[float]) -> WaterShape:
    """Triangles and colours of the water of a moment, in metres from an origin."""
    nodes = water_nodes(view.grid, view.bed_m, view.depth_m)
    shore, deep = style.rgb("water.shore"), style.rgb("water.deep")
    # Both are compiled and let others run: on two cores the colours cost no time beside the triangles.
    with ThreadPoolExecutor(1) as aside:
        field = aside.submit(water_field, view, nodes, shore=shore, deep=deep)
        surface = water_surface(view.grid, view.bed_m, view.depth_m, origin=origin, nodes=nodes)
        return WaterShape(view, surface, field.result())
