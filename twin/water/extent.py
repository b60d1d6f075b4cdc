"""Polygons of a flood's extent, with ranges of depth where they are classed, and a depth that agrees with both."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.crs import parse_crs
from twin.core.errors import InputError
from twin.sources.layer_paths import split_layer
from twin.water.flood import WET_M
from twin.water.ground import Site, covered, painted

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.city.model import City
    from twin.core.notices import Notices

_NUMBER = r"(\d+(?:[.,]\d+)?)\s*((?:cm|m)(?![a-z]))?"
_RANGE = re.compile(rf"{_NUMBER}\s*(?:to|bis|tot|-|–|~|\.\.\.?)\s*{_NUMBER}", re.IGNORECASE)
_ABOVE = re.compile(
    rf"(?:over|above|more than|>=?|≥)\s*{_NUMBER}|{_NUMBER}\s*(?:\+|이상|초과|and more)", re.IGNORECASE
)
_BELOW = re.compile(
    rf"(?:under|below|less than|up to|<=?|≤)\s*{_NUMBER}|{_NUMBER}\s*(?:미만|이하)", re.IGNORECASE
)
_TELLS_DEPTH = re.compile(r"depth|tiefe|diepte|profond|syvyy|침수|수심|class|klass|range", re.IGNORECASE)
"""Columns whose texts are classes of depth also without a unit; a street or a date elsewhere is none."""
_HAS_UNIT = re.compile(r"\d\s*(?:cm|m)(?![a-z])", re.IGNORECASE)


def parse_range(text: str) -> tuple[float, float] | None:
    """Lower and upper bound of a class of depths, metres; None where the text tells none.

    Examples
    --------
    >>> parse_range("0 to 0.5 m"), parse_range("0,5 - 1,0"), parse_range("> 2 m"), parse_range("50-100 cm")
    ((0.0, 0.5), (0.5, 1.0), (2.0, inf), (0.5, 1.0))
    >>> parse_range("50 cm - 1 m")
    (0.5, 1.0)
    """
    if found := _RANGE.search(text):
        low, low_unit, high, high_unit = found.groups()
        bounds = _metres(low, low_unit or high_unit), _metres(high, high_unit)
        return bounds if bounds[0] < bounds[1] else None
    if found := _ABOVE.search(text):
        return _metres(found[1] or found[3], found[2] or found[4]), float("inf")
    if found := _BELOW.search(text):
        return 0.0, _metres(found[1] or found[3], found[2] or found[4])
    return None


def _metres(number: str, unit: str | None) -> float:
    return float(number.replace(",", ".")) * (0.01 if (unit or "m").lower() == "cm" else 1.0)


def read_extent(city: City, path: Path, *, crs: str | None, notices: Notices) -> Any:
    """Polygons in the city's CRS with `depth_low_m` and `depth_high_m` (NaN where the file tells none).

    Raises
    ------
    InputError
        If there are no polygons.
    """
    from twin.sources.vectors import read_vector

    file, layer = split_layer(path)
    own = parse_crs(city.manifest.crs_wkt, where="twin.json")
    frame = read_vector(
        file, layer=layer, crs=own, assume_crs=parse_crs(crs) if crs else None, notices=notices
    )
    frame = _only_areas(frame, path, notices)
    bounds = [_row_range(row) for _, row in frame.drop(columns="geometry").iterrows()]
    lows, highs = zip(*bounds, strict=True)
    return frame.assign(depth_low_m=np.array(lows, float), depth_high_m=np.array(highs, float))


def _only_areas(frame: Any, path: Path, notices: Notices) -> Any:
    """Valid polygons; what crosses itself is mended and told."""
    import shapely

    shapes = frame.geometry.to_numpy()
    broken = ~shapely.is_valid(shapes) & ~shapely.is_missing(shapes)
    if broken.any():
        reason = shapely.is_valid_reason(shapes[broken][0])
        notices.add(
            "extent-repaired",
            f"{path.name}: {int(broken.sum())} polygons mended ({reason})",
            subject=path.name,
        )
        frame = frame.set_geometry(frame.geometry.make_valid())
    areas = frame[frame.geometry.area > 0]
    if not len(areas):
        raise InputError(
            path, f"holds {len(frame)} features and no area", "give polygons of the flooded ground"
        )
    return areas.reset_index(drop=True)


def _row_range(row: Any) -> tuple[float, float]:
    """Bounds by a pair of columns, else by the first text that tells a class."""
    lower = {str(k).lower(): v for k, v in row.items()}
    for low, high in (
        ("depth_low_m", "depth_high_m"),
        ("depth_min", "depth_max"),
        ("min_depth", "max_depth"),
    ):
        if low in lower and high in lower:
            return _finite(lower[low]), _finite(lower[high])
    for name, value in lower.items():
        if not isinstance(value, str) or not (_TELLS_DEPTH.search(name) or _HAS_UNIT.search(value)):
            continue
        if (found := parse_range(value)) is not None:
            return found
    return float("nan"), float("nan")


def _finite(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def extent_depth(frame: Any, ground: Site) -> NDArray[np.float32]:
    """Depth inside polygons, shape (ny, nx): the nearest shore's elevation less the ground, within the given ranges.

    References
    ----------
    Cohen et al. (2018), Estimating floodwater depths from flood inundation maps and topography, J. Am. Water Resour.
    Assoc. 54, 847-858.
    """
    from scipy.ndimage import binary_erosion
    from scipy.spatial import cKDTree

    bed = ground.bed_m
    shapes = frame.geometry.to_numpy()
    inside = covered(shapes, ground.grid) & np.isfinite(bed)
    depth = np.where(np.isfinite(bed), np.float32(0.0), np.float32(np.nan)).astype(np.float32)
    if not inside.any():
        return depth
    shore = inside & ~binary_erosion(inside, border_value=1)
    cells = np.argwhere(inside)
    if shore.any():
        banks = np.argwhere(shore)
        nearest = banks[cKDTree(banks).query(cells)[1]]
        found = bed[nearest[:, 0], nearest[:, 1]] - bed[inside]
    else:
        found = np.zeros(len(cells), np.float32)
    which = painted(shapes, np.arange(1, len(shapes) + 1, dtype=np.int32), ground.grid)[inside] - 1
    low = np.nan_to_num(frame["depth_low_m"].to_numpy(float), nan=0.0)[which]
    high = np.nan_to_num(frame["depth_high_m"].to_numpy(float), nan=np.inf, posinf=np.inf)[which]
    depth[inside] = np.clip(np.maximum(found, 2 * WET_M), np.maximum(low, 2 * WET_M), high)
    return depth
