"""Layouts of blocks that belong to everyone, to a firm, or to many under one roof."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from twin.demo import names
from twin.demo.recipes import Size
from twin.demo.roofs import Rect
from twin.demo.yard import build, hedge, line_of_trees, parking_lot, plant, scatter_trees

if TYPE_CHECKING:
    from twin.demo.names import Sign
    from twin.demo.yard import Frame, Yard


def hospital(yard: Yard, frame: Frame) -> None:
    """Six storeys of wards, an annex, a car park and a garden."""
    width = round(min(62.0, frame.width_m - 20.0), 1)
    depth = round(min(38.0, frame.depth_m - 15.0), 1)
    at = (frame.width_m - width - 3.0, frame.depth_m - depth - 4.0)
    build(
        yard,
        frame,
        at,
        Size(width, depth, 6),
        "hospital",
        use="hospital",
        sign=_sign(yard, "hospital", frame, 1),
    )
    annex = (2.5, frame.depth_m - 20.0)
    build(
        yard,
        frame,
        annex,
        Size(11.0, 15.0, 3),
        "flat_boxes",
        use="hospital",
        sign=_sign(yard, "clinic", frame, 3),
    )
    parking_lot(yard, frame, Rect(frame.width_m - 40.0, 1.5, frame.width_m - 3.0, min(17.5, at[1] + 8.0)))
    yard.surfaces.append(("paved", frame.ring(2.0, 0.0, frame.width_m - 42.0, 9.0)))
    scatter_trees(yard, frame, 22, height_m=(5.0, 11.0))


def school(yard: Yard, frame: Frame) -> None:
    """Class rooms along the far side, a gymnasium and a sports field."""
    width = round(min(58.0, frame.width_m - 22.0), 1)
    depth = round(min(34.0, frame.depth_m - 16.0), 1)
    at = (2.0, frame.depth_m - depth - 3.0)
    build(
        yard, frame, at, Size(width, depth, 4), "school", use="school", sign=_sign(yard, "school", frame, 2)
    )
    gym = Size(16.0, 24.0, 2)
    gym_at = (frame.width_m - gym.width_m - 2.0, frame.depth_m - gym.depth_m - 4.0)
    build(yard, frame, gym_at, gym, "barrel", use="school", sign=_sign(yard, "gym", frame, 4))
    yard.surfaces.append(("grass_pitch", frame.ring(16.0, 3.0, frame.width_m - 4.0, frame.depth_m - 30.0)))
    line_of_trees(
        yard, frame.at(1.0, 1.5), frame.at(frame.width_m - 1.0, 1.5), spacing_m=8.0, height_m=(6.0, 10.0)
    )
    scatter_trees(yard, frame, 8, height_m=(4.0, 9.0))


def market(yard: Yard, frame: Frame) -> None:
    """A vaulted hall and a round library on a square with trees in a grid."""
    hall = Size(round(min(46.0, frame.width_m - 34.0), 1), 24.0, 2)
    at = (3.0, frame.depth_m - hall.depth_m - 5.0)
    build(yard, frame, at, hall, "barrel", use="market", sign=_sign(yard, "market", frame, 1))
    library = Size(19.0, 19.0, 3)
    at = (frame.width_m - 23.0, frame.depth_m - 25.0)
    build(yard, frame, at, library, "drum", use="library", sign=_sign(yard, "library", frame, 5))
    kiosk = Size(8.0, 8.0, 1)
    build(yard, frame, (frame.width_m - 14.0, 4.0), kiosk, "cone", use="kiosk")
    yard.surfaces.append(("square", frame.ring(1.0, 1.0, frame.width_m - 1.0, frame.depth_m - 31.0)))
    for x in np.arange(7.0, frame.width_m - 20.0, 8.5):
        for y in np.arange(4.5, frame.depth_m - 33.0, 8.0):
            plant(yard, frame.at(float(x), float(y)), height_m=(6.0, 8.5), species=1)


def towers(yard: Yard, frame: Frame) -> None:
    """Point towers on podiums between lawns."""
    n = 3 if frame.width_m > 88 else 2
    for k in range(n):
        size = Size(25.0, 21.0, int(yard.rng.integers(14, 23)))
        x = frame.width_m * (k + 0.5) / n - 12.5
        y = (frame.depth_m - 21.0) * (0.2 if k % 2 else 0.85)
        sign = names.Sign(names.apartment(yard.i + yard.j, k), names.address(frame.street, 10 + k))
        build(yard, frame, (x, y), size, "tower", use="apartments", sign=sign)
    parking_lot(yard, frame, Rect(2.0, 1.5, min(24.0, frame.width_m / n - 2.0), 17.0))
    scatter_trees(yard, frame, 34, height_m=(5.0, 12.0))


def slabs(yard: Yard, frame: Frame) -> None:
    """Long blocks of flats that look south, lawns and car parks between them."""
    n = max(2, int(frame.depth_m / 27.0))
    gap = frame.depth_m / n
    for k in range(n):
        width = round(min(frame.width_m - 8.0, yard.rng.uniform(48.0, 70.0)), 1)
        size = Size(width, 12.4, int(yard.rng.integers(7, 13)))
        at = (yard.rng.uniform(3.0, frame.width_m - width - 3.0), k * gap + gap - 14.5)
        sign = names.Sign(names.apartment(yard.i + 2 * yard.j + 1, k), names.address(frame.street, 20 + k))
        build(yard, frame, at, size, "flat_boxes", use="apartments", sign=sign)
        if k % 2 == 0 and gap > 25:
            parking_lot(yard, frame, Rect(3.0, k * gap + 0.8, frame.width_m * 0.6, k * gap + gap - 17.0))
    scatter_trees(yard, frame, 26, height_m=(4.0, 11.0))


def courtyard(yard: Yard, frame: Frame) -> None:
    """A closed block round a court, and a mansard house beside it."""
    width, depth = round(min(54.0, frame.width_m - 24.0), 1), round(min(44.0, frame.depth_m - 6.0), 1)
    at = (2.5, (frame.depth_m - depth) / 2)
    size = Size(width, depth, int(yard.rng.integers(4, 6)))
    build(yard, frame, at, size, "courtyard", use="mixed", sign=_sign(yard, "court", frame, 3))
    court = frame.at(at[0] + width / 2, at[1] + depth / 2)
    plant(yard, court, height_m=(8.0, 10.0), species=1)
    villa = Size(14.5, 12.5, 3)
    at = (frame.width_m - 18.0, frame.depth_m - 17.0)
    build(yard, frame, at, villa, "mansard", use="mixed", sign=_door(frame, 7))
    parking_lot(yard, frame, Rect(frame.width_m - 19.0, 2.0, frame.width_m - 2.0, 17.5))
    scatter_trees(yard, frame, 8, height_m=(4.0, 8.0))


def offices(yard: Yard, frame: Frame) -> None:
    """Office bodies of different height behind a row of trees."""
    width = round(frame.width_m * 0.52, 1)
    size = Size(width, 20.0, int(yard.rng.integers(6, 10)))
    at = (2.0, frame.depth_m - 24.0)
    build(yard, frame, at, size, "offices", use="office", sign=_sign(yard, "office", frame, 1))
    other = Size(round(frame.width_m * 0.32, 1), 17.0, int(yard.rng.integers(4, 7)))
    at = (frame.width_m - other.width_m - 3.0, frame.depth_m - 23.0)
    build(yard, frame, at, other, "flat_boxes", use="office", sign=_door(frame, 3))
    low = Size(22.0, 12.0, 2)
    build(yard, frame, (frame.width_m - 27.0, 5.0), low, "multi_level", use="office", sign=_door(frame, 5))
    parking_lot(yard, frame, Rect(4.0, 5.0, frame.width_m - 31.0, 22.0))
    scatter_trees(yard, frame, 14, height_m=(5.0, 9.0))


def works(yard: Yard, frame: Frame) -> None:
    """A workshop hall under a sawtooth roof, a store and a yard."""
    hall = Size(round(min(56.0, frame.width_m - 26.0), 1), 27.0, 2)
    build(
        yard,
        frame,
        (3.0, frame.depth_m - 31.0),
        hall,
        "sawtooth",
        use="works",
        sign=_sign(yard, "works", frame, 2),
    )
    store = Size(17.0, 26.0, 2)
    at = (frame.width_m - 20.0, frame.depth_m - 30.0)
    build(yard, frame, at, store, "gable", use="works", sign=_door(frame, 4))
    parking_lot(yard, frame, Rect(3.0, 3.0, frame.width_m - 5.0, 19.0))
    scatter_trees(yard, frame, 8, height_m=(4.0, 9.0))


def park(yard: Yard, frame: Frame) -> None:
    """Trees round a pond, a pavilion, and the pumps that keep the low streets dry."""
    w, d = frame.width_m, frame.depth_m
    build(
        yard,
        frame,
        (w * 0.16, d * 0.62),
        Size(7.0, 7.0, 1),
        "pyramid",
        use="pavilion",
        sign=_sign(yard, "pavilion", frame, 1),
    )
    build(
        yard,
        frame,
        (2.0, 2.0),
        Size(9.0, 6.5, 1),
        "flat_parapet",
        use="pumping",
        sign=_sign(yard, "pump", frame, 3),
    )
    for y in (d * 0.12, d * 0.88):
        yard.surfaces.append(("path", frame.ring(0.0, y - 1.2, w, y + 1.2)))
    for x in (w * 0.1, w * 0.9):
        yard.surfaces.append(("path", frame.ring(x - 1.2, 0.0, x + 1.2, d)))
    yard.surfaces.append(("playground", frame.ring(w * 0.72, d * 0.6, w * 0.86, d * 0.82)))
    hedge(yard, frame.at(14.0, 0.8), frame.at(w - 2.0, 0.8), height_m=1.1)
    line_of_trees(
        yard, frame.at(2.0, d - 1.5), frame.at(w - 2.0, d - 1.5), spacing_m=9.0, height_m=(7.0, 12.0)
    )
    scatter_trees(yard, frame, 46, height_m=(5.0, 15.0))


def _door(frame: Frame, number: int) -> Sign:
    return names.Sign(address=names.address(frame.street, number))


def _sign(yard: Yard, place: str, frame: Frame, number: int) -> Sign:
    """Name and address of a public building; the first of its kind in the district has the plain name."""
    ordinal = (yard.i // 4) + 7 * (yard.j // 2)
    return names.Sign(names.place(place, ordinal), names.address(frame.street, number))
