"""Terrain, trees and point classes of a city held against the truth of a district."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Float = NDArray[np.float64]

ROWS_AT_ONCE = 256
OPEN_M = 0.1
"""Ground is open where nothing stands higher than this on it."""
BIN_M, LARGEST_M = 0.005, 20.0
TREE_REACH_M = 2.5
TREE_HEIGHT_M = 3.0


@dataclass(frozen=True, slots=True)
class TerrainErrors:
    """Vertical errors of a DTM, metres; open ground has nothing on it, the rest lies under roofs, crowns and decks.

    `missing` is the share of the district that the DTM leaves without a value.
    """

    rmse_m: float
    p95_m: float
    bias_m: float
    open_rmse_m: float
    open_p95_m: float
    missing: float

    def as_json(self) -> dict[str, float]:
        """The same for machines."""
        return {k: round(v, 4) for k, v in asdict(self).items()}

    def line(self) -> str:
        """The same for people."""
        return (
            f"terrain: RMSE {self.rmse_m:.3f} m, 95 % within {self.p95_m:.3f} m; "
            f"open ground {self.open_rmse_m:.3f} m, {self.open_p95_m:.3f} m; {100 * self.missing:.1f} % missing"
        )


@dataclass(frozen=True, slots=True)
class TreeErrors:
    """How many trees of three metres and more were found within 2.5 m of where they stand, and how high.

    `recall` is the share of true trees found, `precision` the share of those found that are true.
    """

    n_true: int
    n_found: int
    recall: float
    precision: float
    height_rmse_m: float

    def as_json(self) -> dict[str, float]:
        """The same for machines."""
        return {k: round(float(v), 4) for k, v in asdict(self).items()}

    def line(self) -> str:
        """The same for people."""
        return (
            f"trees: {self.n_found} found, {self.n_true} there; recall {self.recall:.2f}, "
            f"precision {self.precision:.2f}, height RMSE {self.height_rmse_m:.2f} m"
        )


class _Spread:
    """Root mean square, mean and 95th percentile of values that come in parts."""

    def __init__(self) -> None:
        self.n, self.total, self.squares = 0, 0.0, 0.0
        self.bins = np.zeros(int(LARGEST_M / BIN_M) + 1, np.int64)

    def add(self, error: Float) -> None:
        self.n += len(error)
        self.total += float(error.sum())
        self.squares += float((error**2).sum())
        place = np.minimum(np.abs(error) / BIN_M, len(self.bins) - 1).astype(np.int64)
        self.bins += np.bincount(place, minlength=len(self.bins))

    @property
    def rmse(self) -> float:
        return float(np.sqrt(self.squares / self.n)) if self.n else float("nan")

    @property
    def mean(self) -> float:
        return self.total / self.n if self.n else float("nan")

    @property
    def p95(self) -> float:
        if not self.n:
            return float("nan")
        place = int(np.searchsorted(np.cumsum(self.bins), 0.95 * self.n))
        return place * BIN_M


def compare_terrain(model: Path, truth: Path) -> TerrainErrors | None:
    """Errors of a city's DTM against the truth, cell by cell of the truth; None where there is no DTM."""
    path = model / "terrain" / "dtm.tif"
    return compare_dtm(path, truth) if path.exists() else None


def compare_dtm(dtm: Path, truth: Path) -> TerrainErrors:
    """Errors of a DTM file against the truth, strip by strip."""
    everywhere, open_ground = _Spread(), _Spread()
    n_missing = n = 0
    for exact, top, found in _strips(dtm, truth):
        known = np.isfinite(exact)
        there = known & np.isfinite(found)
        n, n_missing = n + int(known.sum()), n_missing + int((known & ~there).sum())
        error = found - exact
        everywhere.add(error[there])
        open_ground.add(error[there & (top - exact < OPEN_M)])
    return TerrainErrors(
        everywhere.rmse,
        everywhere.p95,
        everywhere.mean,
        open_ground.rmse,
        open_ground.p95,
        n_missing / max(n, 1),
    )


def _strips(dtm: Path, truth: Path) -> Iterator[tuple[Float, Float, Float]]:
    """True ground, what is on top, and the city's DTM at the centres of the truth's cells."""
    import rasterio
    from rasterio.enums import Resampling
    from rasterio.vrt import WarpedVRT

    with (
        rasterio.open(truth / "dtm.tif") as ground,
        rasterio.open(truth / "dsm.tif") as top,
        rasterio.open(dtm) as built,
        WarpedVRT(
            built,
            src_crs=ground.crs,
            crs=ground.crs,
            transform=ground.transform,
            width=ground.width,
            height=ground.height,
            resampling=Resampling.bilinear,
            nodata=float("nan"),
        ) as found,
    ):
        for row in range(0, ground.height, ROWS_AT_ONCE):
            window = ((row, min(row + ROWS_AT_ONCE, ground.height)), (0, ground.width))
            yield tuple(d.read(1, window=window).astype(np.float64) for d in (ground, top, found))


def compare_trees(model: Path, truth: Path) -> TreeErrors | None:
    """Trees of a city against the truth; None where it has none."""
    path = model / "map" / "trees.parquet"
    if not path.exists():
        return None
    import geopandas as gpd

    found, exact = gpd.read_parquet(path), gpd.read_file(truth / "trees.gpkg")
    heights = [np.asarray(frame["height_m"], dtype=np.float64) for frame in (found, exact)]
    tall = [h >= TREE_HEIGHT_M for h in heights]
    places = [
        np.column_stack([frame.geometry.centroid.x, frame.geometry.centroid.y])[mask]
        for frame, mask in zip((found, exact), tall, strict=True)
    ]
    return match_trees(places[0], heights[0][tall[0]], places[1], heights[1][tall[1]])


def match_trees(found: Float, found_height: Float, exact: Float, exact_height: Float) -> TreeErrors:
    """Match found to true trees, nearest pairs first, each once.

    Parameters
    ----------
    found, exact : array, shape (n, 2) and (m, 2)
        Places, metres.
    found_height, exact_height : array, shape (n,) and (m,)
        Metres.
    """
    from scipy.spatial import cKDTree

    pairs = []
    if len(found) and len(exact):
        near = cKDTree(found).sparse_distance_matrix(cKDTree(exact), TREE_REACH_M, output_type="coo_matrix")
        order = np.lexsort((near.col, near.row, near.data))
        used_found, used_exact = np.zeros(len(found), bool), np.zeros(len(exact), bool)
        for k in order:
            a, b = near.row[k], near.col[k]
            if not used_found[a] and not used_exact[b]:
                used_found[a] = used_exact[b] = True
                pairs.append((a, b))
    matched = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    error = found_height[matched[:, 0]] - exact_height[matched[:, 1]]
    return TreeErrors(
        len(exact),
        len(found),
        len(matched) / max(len(exact), 1),
        len(matched) / max(len(found), 1),
        float(np.sqrt(np.mean(error**2))) if len(error) else float("nan"),
    )


def class_errors(predicted: NDArray[Any], exact: NDArray[Any]) -> dict[str, float]:
    """How well points were told apart: type I and II, total error and kappa (Sithole & Vosselman 2004).

    Parameters
    ----------
    predicted, exact : array of bool, shape (n,)
        Whether each point is of the class (ground, say).

    Examples
    --------
    >>> class_errors(np.array([1, 1, 0, 0], bool), np.array([1, 0, 0, 0], bool))["total"]
    0.25
    """
    both = float(np.sum(predicted & exact))
    lost, gained = float(np.sum(~predicted & exact)), float(np.sum(predicted & ~exact))
    neither, n = float(np.sum(~predicted & ~exact)), max(float(len(exact)), 1.0)
    chance = ((both + lost) * (both + gained) + (neither + gained) * (neither + lost)) / n**2
    right = (both + neither) / n
    return {
        "type_1": lost / max(both + lost, 1.0),
        "type_2": gained / max(gained + neither, 1.0),
        "total": 1.0 - right,
        "kappa": (right - chance) / (1.0 - chance) if chance < 1 else 1.0,
    }
