"""The faces that close a cut city, as triangles; made in any thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.scene.section import cap_triangles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from twin.scene.section import Plane, Section
    from twin.scene.style import Rgb

BUILDING, EARTH, WATER = (74, 78, 92), (150, 128, 98), (70, 128, 190)


@dataclass(frozen=True, slots=True)
class Caps:
    """Triangles that close a cut.

    Parameters
    ----------
    plane : Plane
    points : array of float32, shape (3 m, 3)
        Corners of triangle after triangle, local metres.
    rgb : array of uint8, shape (3 m, 3)
        Colour of each corner.
    """

    plane: Plane
    points: NDArray[np.float32]
    rgb: NDArray[np.uint8]


def section_caps(found: Section, origin: Sequence[float]) -> Caps:
    """The caps of a section: earth, water and buildings, in this order."""
    areas: list[tuple[Any, Rgb]] = [(found.earth, EARTH), (found.water, WATER)]
    areas += [(part, BUILDING) for part in found.buildings.values()]
    corners = [cap_triangles(area, found.plane).reshape(-1, 3) for area, _ in areas]
    rgb = [np.tile(np.array(rgb, np.uint8), (len(c), 1)) for c, (_, rgb) in zip(corners, areas, strict=True)]
    local = np.concatenate(corners) - np.asarray(origin, np.float64)
    return Caps(found.plane, local.astype(np.float32), np.concatenate(rgb))
