"""Rain and tide over time from stations, as a computation of a flood takes them."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.errors import InputError, UsageError
from twin.core.visible_text import visible_text
from twin.coupling.gauges import gauge_of
from twin.live.concentrations import convert, is_convertible
from twin.live.freshness import MEDIANS, median_interval_s
from twin.live.model import MICROSECONDS, Quality
from twin.live.moments import iso_utc
from twin.live.toml_tables import closest
from twin.water.series import Series

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.core.notices import Notices
    from twin.live.model import Datastream
    from twin.live.store import Store

    Float = NDArray[np.float64]
    Times = NDArray[np.int64]


def rain_of_stations(
    store: Store,
    pattern: str,
    *,
    notices: Notices,
    start_us: int | None = None,
    end_us: int | None = None,
) -> Series:
    """Rain in mm/h over time of one station, or the mean of several.

    Each value holds until the next one. A station that is silent for longer than its values hold takes no part in the
    mean meanwhile; where all are silent, the mean of the values before and after is taken, and told. When the last one
    has fallen silent it does not rain any more, which is told too.

    Parameters
    ----------
    store : Store
    pattern : str
        Id of a datastream of rain, or a pattern with ``*`` of several.
    notices : Notices
    start_us, end_us : int, optional
        Microseconds, UTC; all there is if not given.

    Raises
    ------
    UsageError
        If no datastream fits.
    InputError
        If one does not tell mm/h, or there are no values.
    """
    streams = _rain_streams(store, pattern)
    parts = [_values(store, s, start_us, end_us) for s in streams]
    spoken = np.concatenate([t for t, _, _ in parts])
    ends = np.concatenate([_fallen_silent(t, v, hold) for t, v, hold in parts])
    times = np.unique(np.concatenate([spoken, ends]))
    if not spoken.size:
        raise InputError(
            visible_text(pattern), "has no values in that time", "choose another time or station"
        )
    rates = np.array([_held(t, v, hold, times) for t, v, hold in parts])
    known = np.isfinite(rates)
    mean = np.where(known, rates, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    mean[~known.any(axis=0)] = np.nan
    _tell_gaps(times, mean, pattern, notices)
    _tell_end(times, mean, end_us, pattern, notices)
    if len(streams) > 1:
        notices.add("rain-mean", f"rain is the mean of {len(streams)} stations ({visible_text(pattern)})")
    return _series(times, _bridged(mean), "steps")


def tide_of_gauge(
    store: Store,
    datastream: str,
    *,
    notices: Notices,
    start_us: int | None = None,
    end_us: int | None = None,
) -> Series:
    """Elevation of the water over time at a gauge, m in the city's datum; values are joined by lines.

    Raises
    ------
    UsageError, InputError
        As in `twin.coupling.gauges.gauge_of`, or if there are no values.
    """
    stream = gauge_of(store.catalogue(), datastream)
    times, values, hold_us = _values(store, stream, start_us, end_us)
    keep = np.isfinite(values)
    if not keep.any():
        raise InputError(
            visible_text(datastream), "has no values in that time", "choose another time or gauge"
        )
    gaps = np.diff(times[keep])
    if (gaps > hold_us).any():
        longest = float(gaps.max()) / MICROSECONDS / 60
        notices.add(
            "gauge-gap", f"{visible_text(datastream)}: joined by lines over gaps of up to {longest:.0f} min"
        )
    return _series(times[keep], values[keep] + (stream.zero_m or 0.0), "lines")


def _rain_streams(store: Store, pattern: str) -> list[Datastream]:
    streams = store.catalogue().datastreams
    found = [s for s in streams if fnmatchcase(s.id, pattern)]
    if not found:
        rain = [s.id for s in streams if is_convertible(s.unit, "mm/h")]
        raise UsageError(
            "--rain", f"there is no datastream {visible_text(pattern)!r}", closest(pattern, rain)
        )
    wrong = next((s for s in found if not is_convertible(s.unit, "mm/h")), None)
    if wrong is not None:
        what = f"tells {visible_text(wrong.observed_property)} in {visible_text(wrong.unit) or 'no unit'}, no mm/h"
        raise InputError(visible_text(wrong.id), what, "choose a datastream of rain")
    return found


def _values(
    store: Store, stream: Datastream, start_us: int | None, end_us: int | None
) -> tuple[Times, Float, int]:
    """Times, values (NaN for none and for invalid ones), and how long one holds in microseconds."""
    history = store.history(stream.id, start_us, end_us)
    values = np.where(history.quality < Quality.INVALID, history.number, np.nan)
    if is_convertible(stream.unit, "mm/h"):
        values = convert(values, unit=stream.unit, to="mm/h")
    interval = median_interval_s(history.time) or stream.every_s or 3600.0
    hold_s = stream.max_age_s or MEDIANS * interval
    return history.time, values, round(hold_s * MICROSECONDS)


def _held(times: Times, values: Float, hold_us: int, at: Times) -> Float:
    """The newest value at each moment while it holds; NaN else."""
    keep = np.isfinite(values)
    times, values = times[keep], values[keep]
    if not times.size:
        return np.full(len(at), np.nan)
    last = np.searchsorted(times, at, side="right") - 1
    is_held = (last >= 0) & (at - times[last.clip(0)] <= hold_us)
    return np.where(is_held, values[last.clip(0)], np.nan)


def _fallen_silent(times: Times, values: Float, hold_us: int) -> Times:
    """The moments at which a value holds no longer and no next one has come."""
    known = times[np.isfinite(values)]
    following = np.append(known[1:], np.iinfo(np.int64).max)
    return np.asarray(known[following - known > hold_us] + hold_us + 1, np.int64)


def _tell_gaps(times: Times, rate: Float, pattern: str, notices: Notices) -> None:
    known = np.flatnonzero(np.isfinite(rate))
    if not known.size:
        raise InputError(visible_text(pattern), "has no valid values", "choose another time or station")
    silent = np.isnan(rate)
    silent[known[-1] :] = False
    if silent.any():
        minutes = float(np.diff(times)[silent[:-1]].sum()) / MICROSECONDS / 60
        first = _whole_second(times[np.argmax(silent)])
        notices.add(
            "rain-gap",
            f"{visible_text(pattern)}: no value for {minutes:.0f} min (first from {first} on); "
            "the mean of before and after was taken",
        )


def _tell_end(times: Times, rate: Float, end_us: int | None, pattern: str, notices: Notices) -> None:
    """Say where rain ends because nothing tells of it, not because it stopped."""
    last = int(np.flatnonzero(np.isfinite(rate))[-1])
    if last + 1 < len(rate) and rate[last] > 0 and (end_us is None or times[last + 1] < end_us):
        when = _whole_second(times[last + 1])
        notices.add(
            "rain-end", f"{visible_text(pattern)}: no value after {when}; taken as no rain from then on"
        )


def _whole_second(time_us: Any) -> str:
    return iso_utc(int(time_us) // MICROSECONDS * MICROSECONDS)


def _bridged(rate: Float) -> Float:
    """Rates with gaps filled by the mean of the values on both sides, and nothing after the last value."""
    known = np.flatnonzero(np.isfinite(rate))
    rate = np.where(np.arange(len(rate)) > known[-1], 0.0, rate)
    known = np.flatnonzero(np.isfinite(rate))
    at = np.arange(len(rate))
    before = rate[known[(np.searchsorted(known, at, side="right") - 1).clip(0)]]
    after = rate[known[np.searchsorted(known, at).clip(None, len(known) - 1)]]
    return np.where(np.isfinite(rate), rate, (before + after) / 2)


def _series(times: Times, values: Float, between: str) -> Series:
    start = np.datetime64(int(times[0]) // MICROSECONDS, "s")
    seconds = times / MICROSECONDS - int(times[0]) // MICROSECONDS
    return Series(np.asarray(seconds, np.float64), values, between, start)  # type: ignore[arg-type]
