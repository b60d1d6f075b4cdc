"""What a measurement tells, in figures; each kind asks for its own number of places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.scene.units import number_text

if TYPE_CHECKING:
    from twin.core.translations import Texts
    from twin.energy.standing import Surroundings
    from twin.scene.workspace import Measurement

PLACES = {
    "distance": (2, None),
    "height": (1, 2),
    "area": (3, None),
    "volume": (3, None),
    "profile": (2, None),
    "sight": (2, 2),
    "viewshed": (1, 1),
}
"""Fewest and most places of each kind; None for as many as one likes."""
SIGHT_EYE_M = 1.6


@dataclass(frozen=True)
class Figures:
    """What was measured.

    Parameters
    ----------
    rows : tuple of (name, value)
    headline : str
        The one that is written into the picture.
    data : object, optional
        The profile or viewshed behind it, which can be saved.
    """

    rows: tuple[tuple[str, str], ...]
    headline: str
    data: Any = None


def measure(around: Surroundings, asked: Measurement, texts: Texts) -> Figures:
    """The figures of a measurement.

    Raises
    ------
    UsageError
        If its places cannot be meant, such as two that are one.
    """
    points = np.asarray(asked.points, np.float64)
    return _WAYS[asked.kind](around, points, texts)


def _distance(around: Surroundings, points: Any, t: Texts) -> Figures:
    from twin.scene.measure import ground_of, length

    found = length(points, ground_of(around))
    rows = [(t("measure.space"), metres(found.space_m)), (t("measure.plan"), metres(found.plan_m))]
    if found.terrain_m is not None:
        rows.append((t("measure.terrain"), metres(found.terrain_m)))
    rows.append((t("measure.rise"), metres(float(points[-1, 2] - points[0, 2]))))
    return Figures(tuple(rows), metres(found.space_m))


def _height(around: Surroundings, points: Any, t: Texts) -> Figures:
    from twin.scene.measure import ground_of, height_above_ground

    above = height_above_ground(points[-1], ground_of(around))
    rows = [(t("measure.above_ground"), metres(above)), (t("facts.elevation"), metres(float(points[-1, 2])))]
    if len(points) < 2:
        return Figures(tuple(rows), metres(above))
    rise = float(points[1, 2] - points[0, 2])
    return Figures(((t("measure.rise"), metres(rise)), *rows), metres(rise))


def _area(around: Surroundings, points: Any, t: Texts) -> Figures:
    from twin.scene.measure import area, ground_of

    found = area(points[:, :2], ground_of(around))
    rows = [(t("measure.plan_area"), squares(found.plan_m2))]
    if found.surface_m2 is not None:
        rows.append((t("measure.surface"), squares(found.surface_m2)))
    return Figures(tuple(rows), squares(found.plan_m2))


def _volume(around: Surroundings, points: Any, t: Texts) -> Figures:
    from twin.scene.measure import ground_of, volume

    level = float(points[0, 2])
    found = volume(points[:, :2], level, ground_of(around))
    rows = (
        (t("measure.level"), metres(level)),
        (t("measure.cut"), f"{number_text(round(found.above_m3, 1))} m³"),
        (t("measure.fill"), f"{number_text(round(found.below_m3, 1))} m³"),
    )
    return Figures(rows, f"+{number_text(round(found.above_m3, 1))} −{rows[2][1]}")


def _profile(around: Surroundings, points: Any, t: Texts) -> Figures:
    from twin.scene.profile import height_profile

    found = height_profile(around, points[:, :2])
    ground = found.ground_m[np.isfinite(found.ground_m)]
    rows = [(t("measure.plan"), metres(float(found.along_m[-1])))]
    if len(ground):
        rows += [
            (t("measure.lowest"), metres(float(ground.min()))),
            (t("measure.highest"), metres(float(ground.max()))),
        ]
    return Figures(tuple(rows), rows[0][1], found)


def _sight(around: Surroundings, points: Any, t: Texts) -> Figures:
    from twin.scene.sight import line_of_sight

    eye = (float(points[0, 0]), float(points[0, 1]), float(points[0, 2]) + SIGHT_EYE_M)
    target = tuple(float(v) for v in points[1])
    found = line_of_sight(around, eye, target)  # type: ignore[arg-type]
    answer = t("measure.seen") if found.visible else t("measure.blocked")
    rows = [(t("measure.target"), answer), (t("measure.space"), metres(found.distance_m))]
    if not found.visible:
        rows.append((t("measure.by"), t.get(f"measure.by_{found.by}", found.by)))
    return Figures(tuple(rows), answer, found)


def _viewshed(around: Surroundings, points: Any, t: Texts) -> Figures:
    from twin.scene.sight import viewshed

    found = viewshed(around, (float(points[0, 0]), float(points[0, 1])))
    return Figures(((t("measure.seen_area"), squares(found.seen_m2)),), squares(found.seen_m2), found)


_WAYS = {
    "distance": _distance, "height": _height, "area": _area, "volume": _volume, "profile": _profile,
    "sight": _sight, "viewshed": _viewshed,
}  # fmt: skip


def metres(value: float) -> str:
    """A length, to the centimetre below 100 m, in kilometres from ten on.

    Examples
    --------
    >>> metres(12.345), metres(1234.6), metres(12_345.6), metres(9_690_000.0)
    ('12.35 m', '1235 m', '12.35 km', '9690 km')
    """
    if abs(value) >= 10_000:
        return f"{value / 1e3:.2f} km" if abs(value) < 1e6 else f"{value / 1e3:.0f} km"
    return f"{value:.2f} m" if abs(value) < 100 else f"{value:.0f} m"


def squares(value: float) -> str:
    """An area; in hectares from one on.

    Examples
    --------
    >>> squares(123.4), squares(25_000.0)
    ('123.4 m²', '2.50 ha')
    """
    return f"{value / 1e4:.2f} ha" if value >= 1e4 else f"{value:.1f} m²"
