"""What is known of a building after reconstruction: its state and why, heights, shapes, quality."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from twin.reconstruct.heights import Heights
from twin.reconstruct.quality import Coverage, Fit

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from twin.core.mesh import Solid
    from twin.reconstruct.roof import SlopedRoof

LODS = ("1.2", "1.3", "2.0", "2.2")
"""Levels of detail that are made, coarse to fine."""


NO_FIT = Fit()


class BuildingState(StrEnum):
    """What became of a footprint; each ends in exactly one of these."""

    BUILT = "built"
    FALLBACK = "fallback"
    """Built more simply than asked for, or from a given height."""
    NO_POINTS = "no_points"
    INVALID_FOOTPRINT = "invalid_footprint"
    DUPLICATE = "duplicate"
    FAILED = "failed"


class RoofType(StrEnum):
    """Shape of a roof."""

    FLAT = "flat"
    SHED = "shed"
    GABLE = "gable"
    HIP = "hip"
    HALF_HIP = "half_hip"
    MANSARD = "mansard"
    PYRAMID = "pyramid"
    CROSS_GABLE = "cross_gable"
    MULTI_LEVEL = "multi_level"
    ROUND = "round"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class LodModel:
    """A building at one level of detail.

    Parameters
    ----------
    solids : tuple of Solid
        One for each part of the footprint, map coordinates.
    codes : tuple of int
        Defects, see `twin.reconstruct.validity`; empty where it is valid.
    fit : Fit
        Distance of its roof from the points.
    n_roof_faces : int
        Faces of the roof.
    volume_m3, roof_area_m2, wall_area_m2 : float
        Of all solids; walls include those between parts of the roof.
    roof : SlopedRoof, optional
        What the solids were raised from.
    faces : mapping, optional
        What is known of each roof face, see `twin.reconstruct.face_quality`; of the finest level only.
    """

    solids: tuple[Solid, ...]
    codes: tuple[int, ...]
    fit: Fit
    n_roof_faces: int
    volume_m3: float
    roof_area_m2: float
    wall_area_m2: float
    roof: SlopedRoof | None = None
    faces: Mapping[str, NDArray[np.float64]] | None = None


@dataclass(frozen=True, slots=True)
class BuildingModel:
    """What was made of one footprint.

    Parameters
    ----------
    state : BuildingState
        What became of it.
    reason : str
        Why, with the measured values; empty where it was simply built.
    footprint : shapely Polygon or MultiPolygon, optional
        As it was built, map coordinates on the 0.1 mm grid: LoD 0, and what the terrain is cut out by.
    heights : Heights, optional
        Elevations.
    roof_type : RoofType, optional
        Shape of the roof, where points tell it.
    coverage : Coverage, optional
        How points lie over it.
    holdout : Fit
        Distances of the finest model, built without a fifth of the points, at that fifth.
    lods : mapping
        Level of detail to its model.
    """

    state: BuildingState
    reason: str = ""
    footprint: Any = None
    heights: Heights | None = None
    roof_type: RoofType | None = None
    coverage: Coverage | None = None
    holdout: Fit = NO_FIT
    lods: Mapping[str, LodModel] = field(default_factory=dict)


def attributes(model: BuildingModel) -> dict[str, Any]:
    """A building's row of the table: state, reason, heights, quality and sizes; NaN or None where unknown.

    Sizes and errors without a level of detail in their name are those of the finest one that was built.
    """
    row: dict[str, Any] = {
        "state": str(model.state),
        "reason": model.reason,
        "roof_type": str(model.roof_type) if model.roof_type else None,
        **_height_columns(model.heights),
        **_coverage_columns(model.coverage),
        "footprint_area_m2": round(float(model.footprint.area), 3) if model.footprint else math.nan,
    }
    finest = max(model.lods, default=None)
    row |= _lod_columns(model.lods[finest] if finest else None, suffix="")
    row |= {
        "rmse_holdout_m": model.holdout.rmse_m,
        "p95_holdout_m": model.holdout.p95_m,
        "height_sigma_m": _mean_sigma(model.lods[finest] if finest else None),
    }
    for lod in LODS:
        row |= _lod_columns(model.lods.get(lod), suffix=f"_lod{lod.replace('.', '')}")
    return row


def _height_columns(heights: Heights | None) -> dict[str, float]:
    known = heights or Heights(math.nan, math.nan)
    return {
        "height_m": round(known.height_m, 4),
        "ground_m": known.ground_m,
        "floor_m": known.floor_m,
        "roof_min_m": known.roof_min_m,
        "roof_50p_m": known.roof_50p_m,
        "roof_70p_m": known.roof_70p_m,
        "roof_max_m": known.roof_max_m,
    }


def _coverage_columns(cover: Coverage | None) -> dict[str, float]:
    known = cover or Coverage(0, 0.0, 1.0)
    return {
        "n_points": known.n_points,
        "density_per_m2": known.density_per_m2,
        "no_data_share": known.no_data_share,
    }


def _mean_sigma(model: LodModel | None) -> float:
    """Standard error of the roof's height: root mean square over its area as far as it is known."""
    if model is None or model.faces is None:
        return math.nan
    area, sigma = model.faces["area_m2"], model.faces["height_sigma_m"]
    known = sigma == sigma  # noqa: PLR0124 - not NaN
    if not known.any():
        return math.nan
    return round(math.sqrt(float((area[known] * sigma[known] ** 2).sum() / area[known].sum())), 4)


def _lod_columns(model: LodModel | None, *, suffix: str) -> dict[str, Any]:
    nan = math.nan
    return {
        f"rmse_m{suffix}": model.fit.rmse_m if model else nan,
        f"p95_m{suffix}": model.fit.p95_m if model else nan,
        f"volume_m3{suffix}": model.volume_m3 if model else nan,
        f"roof_area_m2{suffix}": model.roof_area_m2 if model else nan,
        f"wall_area_m2{suffix}": model.wall_area_m2 if model else nan,
        f"n_roof_faces{suffix}": model.n_roof_faces if model else 0,
        f"codes{suffix}": " ".join(map(str, model.codes)) if model else "",
    }
