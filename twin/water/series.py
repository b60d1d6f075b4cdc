"""Rain, inflow and tide over time, from tables as gauges and offices deliver them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from twin.core.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.core.notices import Notices

Between = Literal["steps", "lines"]
_SECONDS = {
    **dict.fromkeys(("time_s", "seconds", "second", "sec", "s"), 1.0),
    **dict.fromkeys(("time_min", "minutes", "minute", "min"), 60.0),
    **dict.fromkeys(("time_h", "hours", "hour", "h"), 3600.0),
}
_MOMENTS = ("time", "datetime", "date", "timestamp", "phenomenon_time", "시각", "일시", "시간")
_PLACES = (("x", "y"), ("easting", "northing"))


@dataclass(frozen=True, slots=True)
class Series:
    """A value over time, called with seconds after the start.

    Parameters
    ----------
    times_s : array, shape (t,)
        Seconds, increasing.
    values : array, shape (t,)
        At these times; the first and the last hold before and after.
    between : {"steps", "lines"}
        Whether a value holds until the next one, as rain is given, or the values are joined by lines.
    start : datetime64 or None
        The moment of 0 s, where it is known.

    Raises
    ------
    ValueError
        If times do not increase, or a number is missing.

    Examples
    --------
    >>> rain = Series(np.array([0.0, 600.0]), np.array([20.0, 0.0]), "steps")
    >>> rain(599.0), rain(600.0)
    (20.0, 0.0)
    >>> Series(rain.times_s, rain.values, "lines")(300.0)
    10.0
    """

    times_s: NDArray[np.float64]
    values: NDArray[np.float64]
    between: Between = "lines"
    start: np.datetime64 | None = None

    def __post_init__(self) -> None:
        if self.times_s.shape != self.values.shape or self.times_s.ndim != 1 or not self.times_s.size:
            raise ValueError(
                f"times {self.times_s.shape} and values {self.values.shape} must have one shape (t,)"
            )
        if not (np.isfinite(self.times_s).all() and np.isfinite(self.values).all()):
            raise ValueError("times and values must be numbers")
        if (np.diff(self.times_s) <= 0).any():
            raise ValueError("times must increase")

    def __call__(self, time_s: float) -> float:
        """The value at a time."""
        if self.between == "steps":
            return float(self.values[self.step(time_s)])
        return float(np.interp(time_s, self.times_s, self.values))

    def step(self, time_s: float) -> int:
        """Which value was the last at a time; the first one before all."""
        return max(0, int(np.searchsorted(self.times_s, time_s, side="right")) - 1)

    def since(self, start: np.datetime64 | None) -> Series:
        """The same over seconds after another start; unchanged where either is not known."""
        if start is None or self.start is None:
            return self
        shift = float((self.start - start) / np.timedelta64(1, "s"))
        return replace(self, times_s=self.times_s + shift, start=start)


def read_series(path: str | Path, *, between: Between, notices: Notices) -> Series:
    """A table with a column of times and one of values.

    Times are moments (ISO 8601, UTC unless they say otherwise) under `time`, or numbers under `seconds`, `minutes` or
    `hours`. The first other column with numbers is the value.

    Raises
    ------
    InputError
        If a column is missing, a cell is no number, or times do not increase.
    """
    path = Path(path)
    frame = _table(path, notices)
    return _series(frame, path, between, value=_value_column(frame, path))


def read_inflows(path: str | Path, *, notices: Notices) -> list[tuple[float, float, Series]]:
    """Inflows at points: a table with times, `x`, `y`, and m3/s; each place with its own series.

    Raises
    ------
    InputError
        As in `read_series`, or if there are no places.
    """
    path = Path(path)
    frame = _table(path, notices)
    if _place_columns(frame) is None:
        raise InputError(path, "has no columns x and y", "give time, x, y, m3_per_s in the city's CRS")
    return _at_places(frame, path)


def read_levels(path: str | Path, *, notices: Notices) -> list[tuple[tuple[float, float] | None, Series]]:
    """Levels over time, m, of one water (place None), or of gauges where the table has `x` and `y`.

    Raises
    ------
    InputError
        As in `read_series`.
    """
    path = Path(path)
    frame = _table(path, notices)
    if _place_columns(frame) is None:
        return [(None, _series(frame, path, "lines", value=_value_column(frame, path)))]
    return [((x, y), series) for x, y, series in _at_places(frame, path)]


def _place_columns(frame: Any) -> tuple[Any, Any] | None:
    lower = {str(c).strip().lower(): c for c in frame.columns}
    pair = next((p for p in _PLACES if p[0] in lower and p[1] in lower), None)
    return None if pair is None else (lower[pair[0]], lower[pair[1]])


def _at_places(frame: Any, path: Path) -> list[tuple[float, float, Series]]:
    """Each place of a table with its own series, on one clock."""
    columns = _place_columns(frame) or ("x", "y")
    x, y = (_numbers(frame[c], path, c) for c in columns)
    value = _value_column(frame, path)
    places = dict.fromkeys(zip(x.tolist(), y.tolist(), strict=True))
    start = _first_moment(frame, path)
    return [
        (px, py, _series(frame[(x == px) & (y == py)], path, "lines", value=value, start=start))
        for px, py in places
    ]


def _table(path: Path, notices: Notices) -> Any:
    from twin.sources.tables import read_table

    frame = read_table(path, notices=notices)
    if not len(frame):
        raise InputError(path, "has no rows", "give times and values")
    return frame


def _time_column(frame: Any, path: Path) -> tuple[Any, float]:
    """The column of times, and seconds in its unit; 0 for moments."""
    for column in frame.columns:
        name = str(column).strip().lower()
        if name in _SECONDS:
            return column, _SECONDS[name]
        if name in _MOMENTS:
            return column, 0.0
    known = "time (ISO 8601), seconds, minutes or hours"
    raise InputError(
        path, f"has no column of times ({', '.join(map(str, frame.columns))})", f"call it {known}"
    )


def _value_column(frame: Any, path: Path) -> Any:
    time, _ = _time_column(frame, path)
    taken = {time, *(c for c in frame.columns if str(c).strip().lower() in {n for p in _PLACES for n in p})}
    rest = [c for c in frame.columns if c not in taken and frame[c].dtype.kind in "iuf"]
    if not rest:
        raise InputError(path, "has no column of numbers beside the times", "give the values in one")
    return rest[0]


def _first_moment(frame: Any, path: Path) -> np.datetime64 | None:
    column, unit = _time_column(frame, path)
    return None if unit else _moments(frame[column], path)[0]


def _series(
    frame: Any, path: Path, between: Between, *, value: Any, start: np.datetime64 | None = None
) -> Series:
    column, unit = _time_column(frame, path)
    if unit:
        times, start = _numbers(frame[column], path, column) * unit, None
    else:
        moments = _moments(frame[column], path)
        start = moments[0] if start is None else start
        times = (moments - start) / np.timedelta64(1, "s")
    try:
        return Series(times, _numbers(frame[value], path, value), between, start)
    except ValueError as error:
        row = int(np.argmax(np.diff(times) <= 0)) + 2
        raise InputError(path, f"{error} (row {row} of the values)", "sort it by time") from error


def _numbers(column: Any, path: Path, name: Any) -> NDArray[np.float64]:
    values = column.to_numpy(np.float64, na_value=np.nan)
    if not np.isfinite(values).all():
        row = int(np.argmin(np.isfinite(values))) + 1
        raise InputError(path, f"column {name} holds no number in row {row}", "complete it")
    return np.asarray(values)


def _moments(column: Any, path: Path) -> NDArray[np.datetime64]:
    import pandas as pd

    found = pd.to_datetime(column, utc=True, errors="coerce", format="ISO8601")
    if found.isna().any():
        row = int(np.argmax(found.isna().to_numpy())) + 1
        raise InputError(path, f"{column.iloc[row - 1]!r} in row {row} is no moment", "give ISO 8601 times")
    return np.asarray(found.dt.tz_localize(None).to_numpy("datetime64[s]"))
