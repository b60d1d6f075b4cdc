"""What a district is made of: buildings, trees, cars and surfaces, planned cell by cell of the street net."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from twin.demo.recipes import ROOF_TYPES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.demo.names import Name
    from twin.demo.roofs import Part

    Float = NDArray[np.float64]

TREE_COLUMNS = ("u", "v", "z", "height_m", "radius_m", "crown_base_m", "species")
SHRUB_COLUMNS = ("u", "v", "z", "radius_m", "height_m")
CAR_COLUMNS = ("u", "v", "z", "angle_rad", "length_m")
SPECIES = (
    ("은행나무", "Ginkgo biloba"),
    ("느티나무", "Zelkova serrata"),
    ("왕벚나무", "Prunus x yedoensis"),
    ("곰솔", "Pinus thunbergii"),
    ("버드나무", "Salix pierotii"),
    ("팽나무", "Celtis sinensis"),
)


@dataclass(frozen=True, slots=True)
class Building:
    """One building as it stands.

    Parameters
    ----------
    id : str
        Unique in the district, and the same however large the district is made.
    kind : str
        Which recipe made it; a key of `ROOF_TYPES`.
    use : str
        house, shed, apartments, hospital, ...
    storeys, year : int
        As a register knows them.
    name, address : Name
        In Korean and English; the name may be empty.
    parts : tuple of Part
        Its roof, in its own frame.
    uv : tuple of float
        Where its own frame stands in the local frame of the district, metres.
    angle_rad : float
        How far its x axis is turned from u towards v.
    floor_z : float
        Elevation of its floor: the lowest ground along its walls, metres.
    rank : float
        Decides which buildings a district of a given size leaves out, lowest first: houses and sheds have a chance in
        [0, 1), all others one in [1, 2).
    """

    id: str
    kind: str
    use: str
    storeys: int
    year: int
    name: Name
    address: Name
    parts: tuple[Part, ...]
    uv: tuple[float, float]
    angle_rad: float
    floor_z: float
    rank: float

    @property
    def roof_type(self) -> str:
        """What a city calls the roof, by its own shape and not by that of the walls."""
        if self.kind == "courtyard" and all((part.planes[:, :2] == 0.0).all() for part in self.parts):
            return "flat"
        return ROOF_TYPES[self.kind]

    def to_uv(self, xy: Float) -> Float:
        """Local coordinates of points in the building's frame, shape (n, 2); further columns pass through."""
        cos, sin = math.cos(self.angle_rad), math.sin(self.angle_rad)
        uv = np.array(xy, dtype=np.float64)
        uv[:, 0] = self.uv[0] + cos * xy[:, 0] - sin * xy[:, 1]
        uv[:, 1] = self.uv[1] + sin * xy[:, 0] + cos * xy[:, 1]
        return uv

    def roof_z(self, xy: Float) -> Float:
        """Height of the roof above the floor at places in the building's frame, -inf where there is none."""
        z = np.full(len(xy), -np.inf)
        for part in self.parts:
            covered = part.covers(xy[:, 0], xy[:, 1])
            z[covered] = np.maximum(z[covered], part.z_at(xy[covered, 0], xy[covered, 1]))
        return z


@dataclass(frozen=True, slots=True)
class CellPlan:
    """One block with the streets on its riverward and upstream sides.

    Parameters
    ----------
    i, j : int
        The cell of the street net; beyond the last block there are streets only.
    buildings : tuple of Building
        In the order in which they were planned.
    trees : array, shape (n, 7)
        Columns as in `TREE_COLUMNS`; z is the ground, heights above it.
    shrubs : array, shape (n, 5)
        Hedges, bushes and reeds; columns as in `SHRUB_COLUMNS`.
    cars : array, shape (n, 5)
        Columns as in `CAR_COLUMNS`.
    surfaces : tuple
        Land cover class and ring (u, v) of shape (n, 2); later ones lie on earlier ones.
    """

    i: int
    j: int
    buildings: tuple[Building, ...]
    trees: Float
    shrubs: Float
    cars: Float
    surfaces: tuple[tuple[str, Float], ...]


@lru_cache(maxsize=4096)
def _angle(u: float, v: float) -> float:
    return math.atan2(v, u)


def direction_angle(direction: Float) -> float:
    """How far a direction is turned from u towards v, radians."""
    return _angle(float(direction[0]), float(direction[1]))
