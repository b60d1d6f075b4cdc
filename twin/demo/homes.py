"""Layouts of blocks where people live in houses of their own: detached, and in rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from twin.demo import names
from twin.demo.chance import stream
from twin.demo.recipes import HOUSE_DECK, Size
from twin.demo.yard import Frame, build, hedge, is_free, park_car, plant

if TYPE_CHECKING:
    from twin.demo.yard import Yard

_ROOMY = {"l_gable", "t_gable", "multi_level"}


def detached_houses(yard: Yard, frame: Frame, *, first_card: int) -> None:
    """Houses on parcels of 13 to 18 m along one side of a block."""
    x, number = 1.0, 0
    while True:
        width = yard.rng.uniform(13.0, 17.5)
        if x + width > frame.width_m - 0.5:
            break
        kind = HOUSE_DECK[(first_card + number) % len(HOUSE_DECK)]
        _parcel(yard, _slice(frame, x, width), kind, number)
        x, number = x + width, number + 1


def _slice(frame: Frame, x: float, width: float) -> Frame:
    """A strip of a frame, from street to back."""
    return Frame(frame.at(x, 0.0), frame.along, width, frame.depth_m, frame.street)


def _parcel(yard: Yard, frame: Frame, kind: str, number: int) -> None:
    rng, width = yard.rng, frame.width_m
    setback = rng.uniform(3.2, 4.8)
    depth = rng.uniform(10.5, 12.5) if kind in _ROOMY else rng.uniform(8.2, 10.5)
    size = Size(
        round(min(width - 4.0, rng.uniform(8.6, 11.8)), 2),
        round(min(depth, frame.depth_m - setback - 5.0), 2),
        1 if rng.random() < 0.35 and kind != "multi_level" else 2,
    )
    at = 1.0 + rng.uniform(0.0, width - size.width_m - 3.0)
    sign = names.Sign(address=names.address(frame.street, 2 * number + 1))
    build(yard, frame, (at, setback), size, kind, use="house", sign=sign)
    drive = (at + size.width_m - 2.8, 0.0, at + size.width_m, setback)
    yard.surfaces.append(("paved", frame.ring(*drive)))
    if rng.random() < 0.5 and setback > 4.0:
        park_car(yard, frame.at(drive[0] + 1.4, setback / 2 - 0.2), frame.inward)
    _garden(yard, frame, setback + size.depth_m)


def _garden(yard: Yard, frame: Frame, y: float) -> None:
    """Behind a house: perhaps a shed, some trees, a hedge towards the neighbour."""
    rng = yard.rng
    if frame.depth_m - y > 5.5 and rng.random() < 0.55:
        _shed(yard, frame)
    for _ in range(int(rng.integers(1, 4))):
        place = frame.at(rng.uniform(1.0, frame.width_m - 1.0), rng.uniform(y + 1.5, frame.depth_m - 0.8))
        if is_free(yard, place, clearance_m=1.4):
            plant(yard, place, height_m=(4.0, 10.5))
    if rng.random() < 0.55:
        hedge(yard, frame.at(0.0, 1.0), frame.at(0.0, frame.depth_m - 1.0), height_m=1.5)


def _shed(yard: Yard, frame: Frame) -> None:
    rng = yard.rng
    w, d = round(rng.uniform(2.4, 4.6), 2), round(rng.uniform(2.2, 4.1), 2)
    at = 0.8 if rng.random() < 0.5 else frame.width_m - w - 0.8
    size = Size(w, d, 1, walls_m=round(rng.uniform(2.1, 2.5), 2))
    kind = str(rng.choice(["shed", "gable", "flat"]))
    build(yard, frame, (at, frame.depth_m - d - 0.8), size, kind, use="shed")


def row_houses(yard: Yard, frame: Frame) -> None:
    """Rows of four to seven houses wall to wall, with sheds at the end of their gardens."""
    rng, x, number = yard.rng, 1.5, 0
    while True:
        n, width = int(rng.integers(4, 8)), round(rng.uniform(5.4, 6.6), 2)
        n = min(n, int((frame.width_m - 1.0 - x) / width))
        if n < 3:
            break
        _row(yard, _slice(frame, x, n * width), n, number)
        x, number = x + n * width + rng.uniform(3.0, 4.5), number + n


def _row(yard: Yard, frame: Frame, n: int, number: int) -> None:
    rng, width = yard.rng, round(frame.width_m / n, 2)
    setback, depth, storeys = rng.uniform(2.2, 3.2), round(rng.uniform(8.4, 9.8), 2), int(rng.integers(2, 4))
    shared = bool(rng.random() < 0.5)
    seed = int(rng.integers(1 << 31))
    for k in range(n):
        size = Size(width, depth, storeys if shared or rng.random() < 0.7 else 5 - storeys)
        own = stream(seed, "row", 0 if shared else k)
        sign = names.Sign(address=names.address(frame.street, 2 * (number + k) + 2))
        build(yard, frame, (k * width, setback), size, "row_gable", use="house", sign=sign, rng=own)
        _row_garden(yard, _slice(frame, k * width, width), setback + depth)
    yard.surfaces.append(("paved", frame.ring(0.0, 0.0, n * width, setback)))


def _row_garden(yard: Yard, frame: Frame, y: float) -> None:
    rng = yard.rng
    if frame.depth_m - y > 6.0 and rng.random() < 0.3:
        w, d = round(rng.uniform(2.2, 2.9), 2), round(rng.uniform(2.0, 2.8), 2)
        size = Size(w, d, 1, walls_m=round(rng.uniform(2.1, 2.4), 2))
        kind = str(rng.choice(["shed", "flat"]))
        build(yard, frame, (0.5, frame.depth_m - d - 0.6), size, kind, use="shed")
    if rng.random() < 0.6:
        place = frame.at(rng.uniform(1.0, frame.width_m - 1.0), rng.uniform(y + 2.0, frame.depth_m - 0.8))
        if is_free(yard, place, clearance_m=1.0):
            plant(yard, place, height_m=(3.0, 7.5))
    if rng.random() < 0.4:
        hedge(yard, frame.at(0.0, y + 0.6), frame.at(0.0, frame.depth_m - 0.6), height_m=1.4)


def first_card(yard: Yard) -> int:
    """Where in the deck of house kinds a block begins, so that neighbours differ."""
    return int(np.array([7, 5]) @ [yard.i, yard.j])
