"""From which side a city shows best, and a light that suits that side."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.scene.pack import Material

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from twin.scene.pack import Tile

TURN_DEG = 28.0
"""Turned against the streets by this, two sides of each house are seen."""
_SUN_BESIDE_DEG = 36.0
_SUN_RANGE_DEG = (95.0, 265.0)
_CONTEXT = (Material.CONTEXT_ROOF, Material.CONTEXT_WALL)
_BUILDING = (Material.WALL, Material.ROOF_FLAT, Material.ROOF_SLOPED)


def best_side(
    arrays: Mapping[str, NDArray[Any]],
    terrain_tiles: Sequence[Tile],
    block: tuple[float, float, float, float, float, float],
    *,
    axis_deg: float,
) -> float:
    """Direction in which the camera of the overview stands, degrees clockwise from grid north.

    Of the eight directions that look a little turned along or across the streets, the one that has the mapped
    buildings before those without a footprint, water in front, rather the south at its back, and fills the picture.

    Parameters
    ----------
    arrays : mapping
        Of the pack.
    terrain_tiles : sequence of Tile
    block : tuple of float
        As in `PackMeta`.
    axis_deg : float
        Direction of most walls.
    """
    candidates = [(axis_deg + 90 * k + turn) % 360 for k in range(4) for turn in (-TURN_DEG, TURN_DEG)]
    middle = np.array([(block[0] + block[2]) / 2, (block[1] + block[3]) / 2])
    radius = max(block[2] - block[0], block[3] - block[1], 1.0) / 2
    material = arrays["facet_material"]
    places = {
        "buildings": arrays["facet_points"][np.isin(material, _BUILDING)],
        "context": arrays["facet_points"][np.isin(material, _CONTEXT)],
        "water": _water(arrays, terrain_tiles),
    }
    centres = {
        k: (p[:, :2].mean(axis=0) - middle) / radius if len(p) else np.zeros(2) for k, p in places.items()
    }
    weight = {"buildings": 1.0, "context": -1.0 if len(places["context"]) else 0.0, "water": 0.6}

    def score(azimuth_deg: float) -> float:
        towards = np.array([np.sin(np.radians(azimuth_deg)), np.cos(np.radians(azimuth_deg))])
        near = sum(weight[k] * float(centres[k] @ towards) for k in centres)
        south = float(np.cos(np.radians(azimuth_deg - 190)))
        # A block seen nearly along its edges fills a wide picture; seen over its corner it leaves half of it empty.
        fill = float(np.cos(np.radians(4 * azimuth_deg)))
        return round(near + 0.25 * south + 0.3 * fill, 9)

    return float(max(candidates, key=lambda c: (score(c), -c)))


def _water(arrays: Mapping[str, NDArray[Any]], tiles: Sequence[Tile]) -> NDArray[np.float32]:
    parts = [arrays["terrain_points"][slice(*t.points)] for t in tiles if t.group == "water"]
    return np.concatenate([np.empty((0, 3), np.float32), *parts])


def studio_sun_azimuth(overview_deg: float, latitude_deg: float | None, *, axis_deg: float) -> float:
    """Where a sun stands that models what the overview shows, and that could really stand there.

    It stands beside the camera, rather on the side to which the broader faces of the houses turn, so that these
    are lit and their other sides lie in shade.

    Parameters
    ----------
    overview_deg : float
        Where the camera stands, clockwise from north.
    latitude_deg : float, optional
        South of the equator the sun stands in the north.
    axis_deg : float
        Direction of most walls.

    Examples
    --------
    >>> studio_sun_azimuth(203, 52.0, axis_deg=51), studio_sun_azimuth(79, 52.0, axis_deg=51)
    (239.0, 115.0)
    """
    turn = 180.0 if latitude_deg is not None and latitude_deg < 0 else 0.0
    facing = min((((axis_deg + 90 * k - overview_deg + 180) % 360) - 180 for k in range(4)), key=abs)
    side = math.copysign(_SUN_BESIDE_DEG, facing)
    beside = [(overview_deg + turn + s) % 360 for s in (side, -side)]
    inside = [a for a in beside if _SUN_RANGE_DEG[0] <= a <= _SUN_RANGE_DEG[1]]
    chosen = inside[0] if inside else float(np.clip(min(beside, key=lambda a: abs(a - 180)), *_SUN_RANGE_DEG))
    return round((chosen + turn) % 360 * 4) / 4
