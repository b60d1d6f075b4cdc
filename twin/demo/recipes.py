"""How each kind of building is put together from roof parts, in its own frame with the street along y = 0."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from twin.demo.roofs import (
    Part,
    Rect,
    barrel,
    box,
    cone,
    dormer,
    drum,
    flat,
    flat_dormer,
    gable,
    half_hip,
    hip,
    mansard,
    parapet,
    row_gable,
    shed,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator

STOREY_M = 2.9

ROOF_TYPES = {
    "flat": "flat",
    "flat_parapet": "flat",
    "flat_boxes": "flat",
    "shed": "shed",
    "gable": "gable",
    "gable_dormers": "gable",
    "row_gable": "gable",
    "hip": "hip",
    "half_hip": "half_hip",
    "mansard": "mansard",
    "pyramid": "pyramid",
    "l_gable": "cross_gable",
    "t_gable": "cross_gable",
    "multi_level": "multi_level",
    "tower": "multi_level",
    "drum": "flat",
    "cone": "round",
    "barrel": "round",
    "sawtooth": "other",
    "courtyard": "other",
    "hospital": "multi_level",
    "school": "multi_level",
    "offices": "multi_level",
}
"""Kind of building to the roof type that a city names."""


class Size(NamedTuple):
    """Room for a building: along the street, away from it, its storeys, and its walls where they are no storeys."""

    width_m: float
    depth_m: float
    storeys: int
    walls_m: float | None = None

    @property
    def rect(self) -> Rect:
        """The walls, if they take all of it."""
        return Rect(0.0, 0.0, self.width_m, self.depth_m)

    @property
    def eave_m(self) -> float:
        """Height of the walls."""
        return 0.4 + STOREY_M * self.storeys if self.walls_m is None else self.walls_m


Recipe = tuple[Part, ...]


def _round(value: float) -> float:
    return round(float(value), 2)


def _pitch(rng: Generator, low: float, high: float) -> float:
    return round(float(rng.uniform(low, high)), 3)


def _gable(rng: Generator, size: Size) -> Recipe:
    return (gable(size.rect, size.eave_m, _pitch(rng, 0.55, 1.0), ridge="x" if rng.random() < 0.6 else "y"),)


def _hip(rng: Generator, size: Size) -> Recipe:
    return (hip(size.rect, size.eave_m, _pitch(rng, 0.45, 0.8)),)


def _pyramid(rng: Generator, size: Size) -> Recipe:
    side = min(size.width_m, size.depth_m)
    return (hip(Rect(0, 0, side, side), size.eave_m, _pitch(rng, 0.5, 0.9)),)


def _half_hip(rng: Generator, size: Size) -> Recipe:
    return (half_hip(size.rect, size.eave_m, _pitch(rng, 0.75, 1.0), share=_round(rng.uniform(0.45, 0.65))),)


def _mansard(rng: Generator, size: Size) -> Recipe:
    knee = _round(rng.uniform(0.8, 1.1))
    return (mansard(size.rect, size.eave_m, knee_in_m=knee, knee_up_m=2.3, pitch=_pitch(rng, 0.25, 0.4)),)


def _shed(rng: Generator, size: Size) -> Recipe:
    return (shed(size.rect, size.eave_m, _pitch(rng, 0.12, 0.3), rises=str(rng.choice(["+y", "-y", "+x"]))),)


def _flat(_: Generator, size: Size) -> Recipe:
    return (flat(size.rect, size.eave_m),)


def _flat_parapet(rng: Generator, size: Size) -> Recipe:
    return flat(size.rect, size.eave_m), *parapet(size.rect, size.eave_m + _round(rng.uniform(0.5, 1.0)))


def _boxes(rng: Generator, size: Size, n: int) -> Recipe:
    """Plant rooms side by side along the middle of a flat roof, well clear of its rim and of one another."""
    slot = (size.width_m - 4.0) / n
    boxes = []
    for k in range(n):
        w, d = rng.uniform(2.2, min(4.5, slot - 1.5)), rng.uniform(2.2, min(5.0, size.depth_m - 5.0))
        x = 2.0 + k * slot + rng.uniform(0.3, slot - w - 0.3)
        y = rng.uniform(2.0, size.depth_m - d - 2.0)
        rect = Rect(_round(x), _round(y), _round(x + w), _round(y + d))
        boxes.append(box(rect, size.eave_m + _round(rng.uniform(1.6, 3.2))))
    return tuple(boxes)


def _flat_boxes(rng: Generator, size: Size) -> Recipe:
    n = max(1, min(4, int(size.width_m / 9.0)))
    return *_flat_parapet(rng, size), *_boxes(rng, size, n)


def _l_gable(rng: Generator, size: Size) -> Recipe:
    """A main house along the street and a narrower wing into the garden, flush with one gable."""
    pitch, depth = _pitch(rng, 0.6, 0.95), _round(size.depth_m * 0.6)
    wing = _round(min(size.width_m * 0.45, depth * 0.85))
    x = 0.0 if rng.random() < 0.5 else _round(size.width_m - wing)
    main = gable(Rect(0, 0, size.width_m, depth), size.eave_m, pitch)
    return main, gable(Rect(x, depth / 2, x + wing, size.depth_m), size.eave_m, pitch, ridge="y")


def _t_gable(rng: Generator, size: Size) -> Recipe:
    pitch, depth = _pitch(rng, 0.6, 0.95), _round(size.depth_m * 0.65)
    wing = _round(min(size.width_m * 0.4, depth * 0.8))
    x = _round((size.width_m - wing) * rng.uniform(0.35, 0.65))
    main = gable(Rect(0, 0, size.width_m, depth), size.eave_m, pitch)
    eave = size.eave_m - _round(rng.choice([0.0, 0.0, 0.6]))
    return main, gable(Rect(x, depth / 2, x + wing, size.depth_m), eave, pitch, ridge="y")


def _gable_dormers(rng: Generator, size: Size) -> Recipe:
    pitch = _pitch(rng, 0.85, 1.05)
    rect, eave = size.rect, size.eave_m
    n = 2 if size.width_m > 8.5 else 1
    gap = size.width_m / n
    parts = [gable(rect, eave, pitch)]
    for k in range(n):
        width = _round(rng.uniform(1.5, min(2.2, gap - 1.8)))
        parts.append(
            dormer(rect, eave, pitch, x_m=_round(gap * (k + 0.5) - width / 2), width_m=width, back=False)
        )
    if rng.random() < 0.6:
        width = _round(size.width_m * rng.uniform(0.35, 0.55))
        x = _round((size.width_m - width) / 2)
        parts.append(flat_dormer(rect, eave, pitch, x_m=x, width_m=width))
    return tuple(parts)


def _row_gable(rng: Generator, size: Size) -> Recipe:
    pitch = _pitch(rng, 0.6, 0.9)
    house = row_gable(size.rect, size.eave_m, pitch)
    if rng.random() < 0.35:
        x = _round((size.width_m - 2.4) / 2)
        return house, flat_dormer(size.rect, size.eave_m, pitch, x_m=x, width_m=2.4)
    return (house,)


def _multi_level(rng: Generator, size: Size) -> Recipe:
    """A cube house in flat steps: two storeys, one storey, and a stair head."""
    split = _round(size.width_m * rng.uniform(0.45, 0.6))
    high, low = size.eave_m, size.eave_m - STOREY_M * (1 if size.storeys < 4 else 2)
    main, annex = (
        Rect(0, 0, split, size.depth_m),
        Rect(split, _round(size.depth_m * 0.2), size.width_m, size.depth_m),
    )
    stair = Rect(_round(split * 0.3), 1.5, _round(split * 0.3 + 2.2), 4.1)
    return flat(main, high), flat(annex, max(low, 2.8)), box(stair, high + 2.2)


def _tower(rng: Generator, size: Size) -> Recipe:
    """A point tower on a podium, with a set-back crown and a plant room."""
    w, d = size.width_m, size.depth_m
    shaft = Rect(4.0, 3.0, w - 4.0, d - 3.0)
    crown = shaft.grown(-2.2, -2.2)
    plant = crown.grown(-2.5, -3.0)
    top = size.eave_m
    parts = [
        flat(size.rect, 0.4 + STOREY_M * 2),
        flat(shaft, top),
        box(crown, top + _round(rng.uniform(3.2, 6.0))),
    ]
    return *parts, box(plant, top + 9.0)


def _drum(_: Generator, size: Size) -> Recipe:
    r = min(size.width_m, size.depth_m) / 2
    return drum((r, r), r, size.eave_m), on_top_drum(r, size.eave_m)


def on_top_drum(radius_m: float, eave_m: float) -> Part:
    """A glass lantern in the middle of a round roof."""
    r = radius_m * 0.35
    lantern = drum((radius_m, radius_m), r, eave_m + 1.8, n=12)
    return Part(lantern.ring, lantern.planes, None, is_glass=True)


def _cone(rng: Generator, size: Size) -> Recipe:
    r = min(size.width_m, size.depth_m) / 2
    return (cone((r, r), r, size.eave_m, _pitch(rng, 0.4, 0.7)),)


def _barrel(rng: Generator, size: Size) -> Recipe:
    return (barrel(size.rect, size.eave_m, _round(size.depth_m * rng.uniform(0.18, 0.26))),)


def _sawtooth(rng: Generator, size: Size) -> Recipe:
    n = max(2, int(size.width_m / 8.0))
    x = np.round(np.linspace(0.0, size.width_m, n + 1), 2)
    pitch = _pitch(rng, 0.3, 0.42)
    teeth = (shed(Rect(x[k], 0.0, x[k + 1], size.depth_m), size.eave_m, pitch, rises="+x") for k in range(n))
    # The teeth stand wall to wall; a roof edge over a neighbour would only hide in it.
    return tuple(Part(tooth.wall, tooth.planes, tooth.wall) for tooth in teeth if tooth.wall is not None)


def _courtyard(rng: Generator, size: Size) -> Recipe:
    """Four wings round a court, their roofs mitred at the corners."""
    w, d, t = size.width_m, size.depth_m, _round(rng.uniform(9.5, 11.0))
    wings = (Rect(0, 0, w, t), Rect(0, d - t, w, d), Rect(0, 0, t, d), Rect(w - t, 0, w, d))
    pitch = _pitch(rng, 0.5, 0.75)
    if rng.random() < 0.4:
        return tuple(flat(wing, size.eave_m) for wing in wings)
    return tuple(hip(wing, size.eave_m, pitch) for wing in wings)


def _hospital(_: Generator, size: Size) -> Recipe:
    """A ward block of six storeys across, a treatment wing towards the street, a glass hall in their corner."""
    w, d, top = size.width_m, size.depth_m, size.eave_m
    wards = Rect(0, d - 16.0, w, d)
    wing = Rect(6.0, 0.0, 22.0, d - 16.0)
    hall = Rect(22.0, _round(d - 30.0), 38.0, d - 16.0)
    plant = Rect(w - 16.0, d - 12.0, w - 6.0, d - 5.0)
    return (
        flat(wards, top),
        *parapet(wards, top + 1.1),
        flat(wing, 0.4 + STOREY_M * 4),
        Part(hall.ring, np.array([[0.0, 0.0, 7.2]]), hall.ring, is_glass=True),
        box(plant, top + 3.4),
        box(Rect(10.0, d - 11.0, 14.0, d - 6.0), top + 2.8),
        box(Rect(10.0, 4.0, 16.0, 8.5), 0.4 + STOREY_M * 4 + 2.4),
    )


def _school(_: Generator, size: Size) -> Recipe:
    """Class rooms along the far side, a lower wing at the end of them."""
    w, d, top = size.width_m, size.depth_m, size.eave_m
    rooms, wing = Rect(0, d - 12.0, w, d), Rect(0, 0, 12.0, d - 12.0)
    stairs = Rect(_round(w / 2), d - 8.0, _round(w / 2 + 5.0), d - 3.0)
    return flat(rooms, top), *parapet(rooms, top + 0.9), flat(wing, top - STOREY_M), box(stairs, top + 2.9)


def _offices(rng: Generator, size: Size) -> Recipe:
    """Three bodies of different height, the middle one with a skylight."""
    w, d, top = size.width_m, size.depth_m, size.eave_m
    a, b = _round(w * rng.uniform(0.3, 0.36)), _round(w * rng.uniform(0.64, 0.7))
    middle = Rect(a, 0, b, d)
    light = Rect(_round(a + 2.5), _round(d * 0.35), _round(b - 2.5), _round(d * 0.65))
    return (
        flat(Rect(0, 2.0, a, d - 2.0), top - STOREY_M * 2),
        flat(middle, top),
        flat(Rect(b, 1.0, w, d - 3.0), top - STOREY_M * 3.5),
        box(light, top + 1.2, is_glass=True),
    )


RECIPES: dict[str, Callable[[Generator, Size], Recipe]] = {
    "flat": _flat,
    "flat_parapet": _flat_parapet,
    "flat_boxes": _flat_boxes,
    "shed": _shed,
    "gable": _gable,
    "gable_dormers": _gable_dormers,
    "row_gable": _row_gable,
    "hip": _hip,
    "half_hip": _half_hip,
    "mansard": _mansard,
    "pyramid": _pyramid,
    "l_gable": _l_gable,
    "t_gable": _t_gable,
    "multi_level": _multi_level,
    "tower": _tower,
    "drum": _drum,
    "cone": _cone,
    "barrel": _barrel,
    "sawtooth": _sawtooth,
    "courtyard": _courtyard,
    "hospital": _hospital,
    "school": _school,
    "offices": _offices,
}

HOUSE_DECK = (
    "gable",
    "hip",
    "gable_dormers",
    "l_gable",
    "flat_parapet",
    "half_hip",
    "t_gable",
    "mansard",
    "gable",
    "shed",
    "pyramid",
    "multi_level",
    "hip",
    "gable_dormers",
)
"""Kinds of detached houses as they are dealt out, so that even a small district has each of them."""
