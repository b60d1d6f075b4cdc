"""Values between stations, by ordinary kriging or inverse distance, with what they are worth and where they end.

No value is told beyond the reach of stations: where kriging knows hardly more than the mean of all, and where none
is near.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from twin.core.errors import InputError, UsageError
from twin.core.grid import Bounds, Grid
from twin.live.bands import classify, colours, converted, scale_of
from twin.live.kriging import fit, parts

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from twin.live.bands import BandTable

    Float = NDArray[np.float64]

Method = Literal["kriging", "idw"]
LEAST_STATIONS = {"idw": 3, "kriging": 5}
GUESS = 0.9
"""Share of the spread of far apart values from which on a kriged one is a guess."""
REACH = 1.0
"""Reach of a station in medians of the distance to its third-nearest neighbour."""
POWER = 2.0
MAX_CELLS = 4_000_000
MAX_STATIONS = 2000
PALE = 0.6
"""How much of its colour a band has where it begins."""
_ALPHA = 185


@dataclass(frozen=True, slots=True)
class Field:
    """Values on a grid between stations.

    Parameters
    ----------
    grid : Grid
    value : array of float32, shape (ny, nx)
        In the stations' unit; NaN where it would be a guess.
    deviation : array of float32, shape (ny, nx)
        Standard deviation of its error, likewise.
    method : {"kriging", "idw"}
        The one that was used.
    reach_m : float
        Beyond this distance from every station nothing is told.
    rmse_left_out : float
        Error at stations told from the others alone, root of the mean square; NaN where none could be told.
    n_stations : int
    """

    grid: Grid
    value: NDArray[np.float32]
    deviation: NDArray[np.float32]
    method: Method
    reach_m: float
    rmse_left_out: float
    n_stations: int

    @property
    def share_known(self) -> float:
        """Part of the grid that has a value."""
        return float(np.isfinite(self.value).mean())


def field_between(
    positions: ArrayLike,
    values: ArrayLike,
    *,
    bounds: Bounds,
    cell_size_m: float = 10.0,
    method: Method = "kriging",
    least: float = -np.inf,
) -> Field:
    """Values between stations.

    Ordinary kriging with an exponential variogram fitted to the stations; its deviation is that of kriging. Inverse
    distance weights by the square; its deviation is the weighted spread of the stations around the value, and at least
    the error at stations left out, times the distance to the nearest over the reach. Stations that all tell the same
    are interpolated by distance.

    Parameters
    ----------
    positions : array, shape (n, 2)
        Easting and northing, metres.
    values : array, shape (n,)
        NaN is no value.
    bounds : Bounds
        Where to tell values.
    cell_size_m : float
    method : {"kriging", "idw"}
    least : float
        No value lies below, such as 0 for concentrations.

    Raises
    ------
    InputError
        If too few stations have values.
    UsageError
        If the grid is too fine, or the method not known.
    ExtraMissingError
        If kriging is not installed.

    References
    ----------
    Isaaks & Srivastava (1989), An Introduction to Applied Geostatistics, chapters 11 and 12.
    """
    if method not in LEAST_STATIONS:
        raise UsageError("--method", f"{method!r} is not known", f"choose one of {', '.join(LEAST_STATIONS)}")
    xy, z = _stations(positions, values, method)
    grid = _grid(bounds, cell_size_m)
    at = np.column_stack([g.ravel() for g in np.meshgrid(grid.x_centres, grid.y_centres)])
    nearest, reach = _nearest(xy, at), _reach(xy)
    is_near = nearest <= reach
    used: Method = "idw" if float(np.ptp(z)) == 0.0 else method
    way = _kriged if used == "kriging" else _weighted
    told = np.full((2, len(at)), np.nan)
    told[0, is_near], told[1, is_near], left_out = way(xy, z, at[is_near], nearest[is_near] / reach)
    value, deviation = told.reshape(2, *grid.shape).astype(np.float32)
    return Field(grid, np.maximum(value, np.float32(least)), deviation, used, reach, left_out, len(z))


def _kriged(xy: Float, z: Float, at: Float, _: Float) -> tuple[Float, Float, float]:
    """Values and deviations, NaN where they are guesses, and the error at stations left out."""
    kriging = fit(xy, z)
    value, deviation = kriging.at(at)
    is_guess = deviation > GUESS * kriging.spread
    value[is_guess], deviation[is_guess] = np.nan, np.nan
    return value, deviation, _root_mean_square(kriging.left_out())


def _weighted(xy: Float, z: Float, at: Float, share: Float) -> tuple[Float, Float, float]:
    """The same by distance; `share` is that to the nearest station in reaches."""
    left_out = _root_mean_square(_left_out_by_distance(xy, z))
    value, spread = _by_distance(xy, z, at)
    return value, np.hypot(spread, np.nan_to_num(left_out) * share), left_out


def _root_mean_square(errors: Float) -> float:
    """Of stations left out; NaN where the others would be too few to tell."""
    few = len(errors) <= LEAST_STATIONS["idw"]
    return float("nan") if few else float(np.sqrt(np.mean(np.square(errors))))


def _stations(positions: ArrayLike, values: ArrayLike, method: Method) -> tuple[Float, Float]:
    """Places and values of stations that have one; those at one place as their mean."""
    xy, z = np.asarray(positions, np.float64).reshape(-1, 2), np.asarray(values, np.float64)
    keep = np.isfinite(z) & np.isfinite(xy).all(axis=1)
    places, which = np.unique(np.round(xy[keep], 1), axis=0, return_inverse=True)
    which = which.ravel()
    need = LEAST_STATIONS[method]
    if len(places) < need:
        what = f"{len(places)} places have a value, {method} needs {need}"
        raise InputError(
            "stations", what, "take another moment" + ("" if method == "idw" else " or --method idw")
        )
    if len(places) > MAX_STATIONS:
        raise InputError("stations", f"{len(places)} of them, the limit is {MAX_STATIONS}", "choose fewer")
    return places, np.bincount(which, z[keep]) / np.bincount(which)


def _grid(bounds: Bounds, cell_size_m: float) -> Grid:
    if not (np.isfinite(cell_size_m) and cell_size_m > 0):
        raise UsageError("--cell-size", f"is {cell_size_m}", "give metres")
    n = (bounds.width / cell_size_m + 1) * (bounds.height / cell_size_m + 1)
    if n > MAX_CELLS:
        raise UsageError(
            "--cell-size",
            f"{cell_size_m:g} m makes {n:,.0f} cells, the limit is {MAX_CELLS:,}",
            "take larger cells",
        )
    return Grid.covering(bounds, cell_size_m=cell_size_m)


def _nearest(xy: Float, at: Float) -> Float:
    from scipy.spatial import KDTree

    return np.asarray(KDTree(xy).query(at)[0])


def _reach(xy: Float) -> float:
    from scipy.spatial import KDTree

    k = min(4, len(xy))
    return REACH * float(np.median(KDTree(xy).query(xy, k=k)[0][:, -1]))


def _by_distance(xy: Float, z: Float, at: Float) -> tuple[Float, Float]:
    """Weighted means and the weighted spread around them."""
    value, spread = np.empty(len(at)), np.empty(len(at))
    for part in parts(len(at), len(z)):
        distance = np.hypot(*(at[part, None, :] - xy[None]).transpose(2, 0, 1))
        weight = 1.0 / np.maximum(distance, 1e-3) ** POWER
        weight /= weight.sum(axis=1, keepdims=True)
        value[part] = weight @ z
        spread[part] = np.sqrt((weight * (z - value[part, None]) ** 2).sum(axis=1))
    return value, spread


def _left_out_by_distance(xy: Float, z: Float) -> Float:
    """Error at each station told by all others."""
    rest = ~np.eye(len(z), dtype=bool)
    return np.array([_by_distance(xy[r], z[r], xy[[i]])[0][0] - z[i] for i, r in enumerate(rest)])


def field_rgba(field: Field, table: BandTable, observed_property: str, *, unit: str) -> NDArray[np.uint8]:
    """A field in the colours of its bands, to drape over the ground: shape (ny, nx, 4), clear where nothing is told.

    Each band begins pale and ends in its full colour: a border shows as a line, and a slope within a band as well.
    """
    value = converted(table, observed_property, field.value, unit=unit, is_rounded=False)
    bands = classify(table, observed_property, field.value, unit=unit)
    edges = _edges(table, observed_property)
    within = np.searchsorted(edges[1:-1], np.nan_to_num(value), side="left")
    share = np.clip((value - edges[within]) / (edges[within + 1] - edges[within]), 0.0, 1.0)
    full = (PALE + (1.0 - PALE) * np.nan_to_num(share))[..., None]
    rgb = 255.0 + full * (colours(table, bands) - 255.0)
    alpha = np.where(np.isfinite(value), _ALPHA, 0)
    return np.rint(np.dstack([rgb, alpha])).astype(np.uint8)


def _edges(table: BandTable, observed_property: str) -> Float:
    """Borders of the bands of a property, with ends as far beyond as the neighbours are wide."""
    borders = np.asarray(scale_of(table, observed_property).borders, np.float64)
    if not borders.size:
        raise UsageError(table.name, "leaves its borders to the stations", "colour by another table")
    widths = np.diff(borders)
    first, last = (widths[0], widths[-1]) if widths.size else (abs(borders[0]) or 1.0,) * 2
    return np.concatenate([[borders[0] - first], borders, [borders[-1] + last]])
