"""What drives a flood: rain, inflow and levels at the edges, read and put on one clock."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from twin.core.moments import utc_second
from twin.water.flood import UNTIMED
from twin.water.inputs import check_rain, odd_rain
from twin.water.levels import check_level
from twin.water.rain_rasters import RainRasters, is_rain_raster, rain_on_cells, read_rain_rasters
from twin.water.series import Series, read_inflows, read_levels, read_series

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from pyproj import CRS

    from twin.core.grid import Grid
    from twin.core.notices import Notices
    from twin.water.request import Request, Value


class Gauge(NamedTuple):
    """A level, m: of the water nearest to a place, or of all waters where it has none."""

    place: tuple[float, float] | None
    level: Value


@dataclass(frozen=True, slots=True)
class Driving:
    """Rain, inflow and levels as numbers or functions of seconds after one start.

    Parameters
    ----------
    rain : float, callable, RainRasters or None
        mm/h.
    inflow : tuple of (easting, northing, m3/s)
    gauges : tuple of Gauge
        None where nothing holds a level.
    start : datetime64[s]
        The moment of 0 s.
    """

    rain: Any
    inflow: tuple[tuple[float, float, Value], ...]
    gauges: tuple[Gauge, ...]
    start: np.datetime64


def driving(request: Request, notices: Notices) -> Driving:
    """What drives a flood, read from its tables.

    Raises
    ------
    UsageError
        If a value cannot be meant.
    InputError
        If a table is damaged.
    """
    rain, inflow = _rain(request.rain, notices), _inflow(request.inflow, notices)
    gauges = _gauges(request.tide, notices)
    clocks = [rain, *(q for _, _, q in inflow), *(g.level for g in gauges)]
    start = _start(request.start, request.after, clocks)
    _tell_odd_rain(rain, request.hours * 3600.0, notices)
    return Driving(
        _since(rain, start),
        tuple((x, y, _since(q, start)) for x, y, q in inflow),
        tuple(Gauge(g.place, _since(g.level, start)) for g in gauges),
        start,
    )


def _rain(rain: Any, notices: Notices) -> Any:
    if not isinstance(rain, str | Path):
        return rain
    path = Path(rain)
    if is_rain_raster(path):
        return read_rain_rasters(path)
    return read_series(path, between="steps", notices=notices)


def _inflow(inflow: Any, notices: Notices) -> list[tuple[float, float, Any]]:
    if isinstance(inflow, str | Path):
        return list(read_inflows(inflow, notices=notices))
    return list(inflow or ())


def _gauges(tide: Any, notices: Notices) -> list[Gauge]:
    if tide is None:
        return []
    several: list[tuple[Any, Any]]
    if isinstance(tide, str | Path):
        several = list(read_levels(tide, notices=notices))
    elif callable(tide) or isinstance(tide, int | float):
        several = [(None, tide)]
    else:
        several = [((float(x), float(y)), level) for x, y, level in tide]
    for _, level in several:
        if isinstance(level, Series):
            check_level(float(level.values.min()))
            check_level(float(level.values.max()))
        elif not callable(level):
            check_level(float(level))
    return [Gauge(*g) for g in several]


def _tell_odd_rain(rain: Any, duration_s: float, notices: Notices) -> None:
    if rain is None or isinstance(rain, RainRasters) or (callable(rain) and not isinstance(rain, Series)):
        return
    if isinstance(rain, Series):
        held_s = np.diff([*rain.times_s, max(duration_s, rain.times_s[-1])])
        least, most, total = float(rain.values.min()), float(rain.values.max()), float(rain.values @ held_s)
    else:
        most, total = float(rain), float(rain) * duration_s
        least = most
    check_rain(least, (1, 1), "--rain")
    check_rain(most, (1, 1), "--rain")
    message = odd_rain(most, total / max(most, 1e-9))
    if message:
        notices.add("odd-rain", message)


def _since(value: Any, start: np.datetime64) -> Any:
    return value.since(start) if isinstance(value, Series | RainRasters) else value


def _start(given: Any, after: Any, values: list[Any]) -> np.datetime64:
    if given is not None:
        return utc_second(given, where="--start")
    if after is not None:
        return np.datetime64(after.times[-1], "s")
    known = [v.start for v in values if isinstance(v, Series | RainRasters) and v.start is not None]
    return min(known) if known else UNTIMED


def rain_on(rain: Any, share: NDArray[np.float64], grid: Grid, *, crs: CRS, notices: Notices) -> Any:
    """Rain in mm/h on each cell; one array for as long as the rate stays the same, since the solver looks for that.

    Parameters
    ----------
    rain : float, callable, RainRasters or None
        Of `Driving`.
    share : array, shape (ny, nx)
        How many cells' rain falls on each cell.
    grid : Grid
    crs : CRS
        Of the grid.
    notices : Notices
    """
    if rain is None:
        return None
    if isinstance(rain, RainRasters):
        return rain_on_cells(rain, grid, share, crs=crs, notices=notices)
    if not callable(rain):
        return float(rain) * share
    kept: dict[float, NDArray[np.float64]] = {}

    def on_cells(time_s: float) -> NDArray[np.float64]:
        rate = float(rain(time_s))
        if rate not in kept:
            kept.clear()
            kept[rate] = rate * share
        return kept[rate]

    return on_cells
