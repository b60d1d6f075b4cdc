"""A lot while it is being filled: places a layout's buildings and plants, and knows what ground they stand on."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from twin.demo.chance import stream, unit
from twin.demo.ground import ground_at_many
from twin.demo.names import NOTHING, Sign
from twin.demo.plan import Building, CellPlan, direction_angle
from twin.demo.recipes import RECIPES

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from twin.demo.names import Name
    from twin.demo.recipes import Size
    from twin.demo.roofs import Rect
    from twin.demo.skeleton import Skeleton
    from twin.demo.terrain import Terrain

    Float = NDArray[np.float64]


NO_SIGN = Sign()


@dataclass(frozen=True, slots=True)
class Frame:
    """A rectangle that looks onto a street: x along it, y into the lot, metres."""

    origin: Float
    along: Float
    width_m: float
    depth_m: float
    street: Name = NOTHING

    @property
    def inward(self) -> Float:
        """Unit vector away from the street."""
        return np.array([-self.along[1], self.along[0]])

    def at(self, x: float, y: float) -> Float:
        """Local u and v of a place in the frame."""
        return self.origin + x * self.along + y * self.inward

    def ring(self, x0: float, y0: float, x1: float, y1: float) -> Float:
        """Local corners of a rectangle in the frame."""
        return np.array([self.at(x0, y0), self.at(x1, y0), self.at(x1, y1), self.at(x0, y1)])


@dataclass(slots=True)
class Yard:
    """One cell of the street net, being filled."""

    skeleton: Skeleton
    terrain: Terrain
    i: int
    j: int
    rng: Generator = field(init=False)
    buildings: list[Building] = field(default_factory=list)
    occupied: list[tuple[Frame, float, float]] = field(default_factory=list)
    trees: list[tuple[float, ...]] = field(default_factory=list)
    shrubs: list[tuple[float, ...]] = field(default_factory=list)
    cars: list[tuple[float, ...]] = field(default_factory=list)
    surfaces: list[tuple[str, Float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = stream(self.skeleton.seed, "cell", self.i, self.j)

    def plan(self) -> CellPlan:
        """What stands here, with everything seated on the ground."""
        return CellPlan(
            self.i,
            self.j,
            tuple(self.buildings),
            self._seated(self.trees, 7),
            self._seated(self.shrubs, 5),
            self._seated(self.cars, 5),
            tuple(self.surfaces),
        )

    def _seated(self, rows: list[tuple[float, ...]], n_columns: int) -> Float:
        table = np.array(rows, dtype=np.float64).reshape(-1, n_columns)
        if len(table):
            table[:, 2] = ground_at_many(np.ascontiguousarray(table[:, :2]), self.terrain)[0]
        return table


def build(
    yard: Yard,
    frame: Frame,
    at: tuple[float, float],
    size: Size,
    kind: str,
    *,
    use: str,
    sign: Sign = NO_SIGN,
    rng: Generator | None = None,
) -> None:
    """Put a building with its left front corner at a place of the frame."""
    corner = frame.at(*at)
    site = Frame(corner, frame.along, size.width_m, size.depth_m)
    number = len(yard.buildings)
    rng = rng or yard.rng
    yard.buildings.append(
        Building(
            id=f"ED-{yard.i:03d}-{yard.j:03d}-{number:02d}",
            kind=kind,
            use=use,
            storeys=size.storeys,
            year=int(rng.integers(1978, 2025)),
            name=sign.name,
            address=sign.address,
            parts=RECIPES[kind](rng, size),
            uv=(float(corner[0]), float(corner[1])),
            angle_rad=direction_angle(frame.along),
            floor_z=_floor(yard.terrain, site),
            rank=unit(yard.skeleton.seed, "rank", yard.i, yard.j, number) + (use not in _COMMON),
        )
    )
    yard.occupied.append((site, size.width_m, size.depth_m))


_COMMON = {"house", "shed"}


def _floor(terrain: Terrain, site: Frame) -> float:
    """Lowest ground along the walls, to the centimetre."""
    x = np.array([0.0, 0.5, 1.0, 1.0, 1.0, 0.5, 0.0, 0.0]) * site.width_m
    y = np.array([0.0, 0.0, 0.0, 0.5, 1.0, 1.0, 1.0, 0.5]) * site.depth_m
    around = site.origin + np.outer(x, site.along) + np.outer(y, site.inward)
    return math.floor(float(ground_at_many(around, terrain)[0].min()) * 100) / 100


def is_free(yard: Yard, place: Float, *, clearance_m: float) -> bool:
    """Whether a place keeps its distance from walls and pond."""
    pond = yard.terrain.ponds[yard.i, yard.j]
    if pond[2] > 0 and np.hypot(*((place - pond[:2]) / (pond[2:4] + 3.0))) < 1.0:
        return False
    for site, width, depth in yard.occupied:
        x, y = (place - site.origin) @ site.along, (place - site.origin) @ site.inward
        if -clearance_m < x < width + clearance_m and -clearance_m < y < depth + clearance_m:
            return False
    return True


def plant(yard: Yard, place: Float, *, height_m: tuple[float, float], species: int | None = None) -> None:
    """One tree; its crown may reach over a roof, its trunk keeps clear of walls."""
    rng = yard.rng
    height = rng.uniform(*height_m)
    kind = int(rng.integers(0, 6)) if species is None else species
    slender = 0.2 if kind == 3 else 0.29
    radius = min(max(height * slender * rng.uniform(0.85, 1.2), 0.9), 6.0)
    base = height * rng.uniform(0.22, 0.34)
    yard.trees.append((float(place[0]), float(place[1]), 0.0, height, radius, base, float(kind)))


def scatter_trees(yard: Yard, frame: Frame, n: int, *, height_m: tuple[float, float]) -> None:
    """Up to `n` trees anywhere in the frame that is free."""
    for _ in range(n):
        place = frame.at(
            yard.rng.uniform(1.5, frame.width_m - 1.5), yard.rng.uniform(1.5, frame.depth_m - 1.5)
        )
        if is_free(yard, place, clearance_m=2.0):
            plant(yard, place, height_m=height_m)


def line_of_trees(
    yard: Yard, start: Float, end: Float, *, spacing_m: float, height_m: tuple[float, float]
) -> None:
    """Trees of one species in a line, with a gap here and there."""
    length = float(np.hypot(*(end - start)))
    n = max(1, int(length / spacing_m))
    species = int(yard.rng.integers(0, 3))
    for k in range(n):
        place = start + (end - start) * ((k + 0.5) / n)
        if yard.rng.random() < 0.93 and is_free(yard, place, clearance_m=1.5):
            plant(yard, place, height_m=height_m, species=species)


def hedge(yard: Yard, start: Float, end: Float, *, height_m: float) -> None:
    """A row of bushes that touch."""
    length = float(np.hypot(*(end - start)))
    for t in np.arange(0.4, length, 0.9):
        place = start + (end - start) * (t / length)
        radius, height = yard.rng.uniform(0.45, 0.65), height_m * yard.rng.uniform(0.85, 1.1)
        yard.shrubs.append((float(place[0]), float(place[1]), 0.0, radius, height))


def park_car(yard: Yard, place: Float, along: Float) -> None:
    """One car."""
    length = yard.rng.uniform(3.7, 4.9) if yard.rng.random() < 0.93 else yard.rng.uniform(6.0, 9.0)
    yard.cars.append((float(place[0]), float(place[1]), 0.0, direction_angle(along), length))


def parking_lot(yard: Yard, frame: Frame, room: Rect) -> None:
    """A paved rectangle with two rows of bays, most of them taken."""
    x0, y0, x1, y1 = room
    yard.surfaces.append(("parking", frame.ring(*room)))
    for row, y in enumerate((y0 + 2.7, y1 - 2.7)):
        if row and y1 - y0 < 15.0:
            break
        for x in np.arange(x0 + 1.4, x1 - 1.2, 2.6):
            if yard.rng.random() < 0.6:
                park_car(yard, frame.at(float(x), y), frame.inward)
