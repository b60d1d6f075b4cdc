"""The Korean air-quality index with its rules: forecast means of particles, sub-indices, the index of a station."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from twin.live.bands import NO_BAND, classify, converted, scale_of
from twin.live.concentrations import convert
from twin.live.means import COVERAGE, hourly_means, trailing_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    from twin.live.bands import BandTable

HOURS = 12
RECENT = 4
RECENT_HOURS = 25
"""Longest time before a moment that an index looks back."""
DAMPED = 0.75
"""What a value counts that is high and not far from the last half day."""


@dataclass(frozen=True, slots=True)
class StationSeries:
    """What a station measured of one property: times (int64 microseconds, ascending), values, unit."""

    times_us: NDArray[np.int64]
    values: NDArray[np.float64]
    unit: str


@dataclass(frozen=True, slots=True)
class AirIndex:
    """The index of a station at a moment.

    Parameters
    ----------
    value : float
        NaN where it cannot be told.
    band : int
        Its place in the table, `NO_BAND` where it cannot be told.
    main : str
        The property that decides.
    sub : mapping
        Sub-index by property, as far as their means are covered.
    added : float
        What was added since several properties are bad.
    missing : tuple of str
        Needed properties without a mean.
    """

    value: float
    band: int
    main: str = ""
    sub: Mapping[str, float] = field(default_factory=dict)
    added: float = 0.0
    missing: tuple[str, ...] = ()


def forecast_mean(hourly: ArrayLike, *, forecast_from: float) -> float:
    """Forecast mean of 24 h from the hours before, the latest first (C24E of the Korean index).

    ``C24E = (12 C12 + 12 C4) / 24``; in C4, the mean of the last four hours, a value of `forecast_from` or more counts
    0.75 times where its ratio to C12 lies between 0.9 and 1.7. NaN where less than three quarters of either are there.

    Parameters
    ----------
    hourly : array, shape (12,)
        Means of the hours; NaN where there is none.

    References
    ----------
    AirKorea, calculator of the CAI.

    Examples
    --------
    >>> forecast_mean(np.full(12, 100.0), forecast_from=70.0)
    87.5
    >>> forecast_mean(np.full(12, 20.0), forecast_from=30.0)
    20.0
    """
    hours = np.asarray(hourly, np.float64)[:HOURS]
    recent = hours[:RECENT]
    enough = np.isfinite(hours).sum() >= COVERAGE * HOURS and np.isfinite(recent).sum() >= COVERAGE * RECENT
    if not enough:
        return float("nan")
    c12 = float(np.nanmean(hours))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = recent / c12
    is_damped = (recent >= forecast_from) & (ratio >= 0.9) & (ratio <= 1.7)
    c4 = float(np.nanmean(np.where(is_damped, DAMPED * recent, recent)))
    return (HOURS * c12 + HOURS * c4) / 24.0


def sub_index(
    table: BandTable, observed_property: str, values: ArrayLike, *, unit: str
) -> NDArray[np.float64]:
    """Index of one property: linear within each band, rounded to whole points; NaN where there is no value.

    ``I = (I_hi - I_lo) / (C_hi - C_lo) * (C - C_lo) + I_lo``

    Examples
    --------
    >>> from twin.live.bands import read_bands
    >>> sub_index(read_bands("korea-cai"), "pm10", [30, 31, 80, 600, 900], unit="ug/m3").tolist()
    [50.0, 51.0, 100.0, 500.0, 500.0]
    """
    scale = scale_of(table, observed_property)
    found = converted(table, observed_property, values, unit=unit)
    bands = classify(table, observed_property, values, unit=unit)
    index = np.array([b.index or (np.nan, np.nan) for b in table.bands])
    lower = np.array([0.0, *(b + scale.step for b in scale.borders)])
    upper = np.array([*scale.borders, scale.greatest])
    k = np.clip(bands, 0, None)
    part = np.clip((np.maximum(found, 0.0) - lower[k]) / (upper[k] - lower[k]), 0.0, 1.0)
    points = index[k, 0] + part * (index[k, 1] - index[k, 0])
    return np.where(bands == NO_BAND, np.nan, np.floor(points + 0.5 + 1e-9))


def station_index(table: BandTable, series: Mapping[str, StationSeries], *, at_us: int) -> AirIndex:
    """The index of a station at a moment, by the table's rules.

    None is told unless all needed properties have their means (of 1 h, or the forecast of 24 h) with three quarters of
    their time covered. Where two or three properties are at least unhealthy, points are added to the greatest.

    Parameters
    ----------
    table : BandTable
        One with an index, such as ``korea-cai``.
    series : mapping
        By observed property; others than the table's are left aside.
    at_us : int
        Microseconds, UTC.

    Raises
    ------
    UsageError
        If a unit does not fit.
    """
    means = {p: mean_of(table, p, s, at_us=at_us) for p, s in series.items() if p in table.scales}
    known = {p: v for p, v in means.items() if np.isfinite(v)}
    sub = {p: float(sub_index(table, p, [v], unit=table.scales[p].unit)[0]) for p, v in known.items()}
    rule = table.index
    missing = tuple(p for p in (rule.needs if rule else ()) if p not in sub)
    if rule is None or missing or not sub:
        return AirIndex(float("nan"), NO_BAND, sub=sub, missing=missing)
    main = max(sorted(sub), key=lambda p: sub[p])
    bad = sum(_band_of(table, v) >= rule.least_of_additions for v in sub.values())
    added = rule.additions[min(bad, len(rule.additions) - 1)]
    value = min(sub[main] + added, rule.greatest)
    return AirIndex(value, _band_of(table, value), main, sub, added)


def mean_of(table: BandTable, observed_property: str, series: StationSeries, *, at_us: int) -> float:
    """The mean that a scale bands, in the scale's unit; NaN where it is not covered."""
    scale = scale_of(table, observed_property)
    values = convert(
        series.values,
        unit=series.unit,
        to=scale.unit,
        gas=observed_property,
        temperature_c=table.gas_temperature_c,
    )
    if np.isfinite(scale.forecast_from):
        hours = hourly_means(series.times_us, values, at_us=at_us, hours=HOURS)
        return forecast_mean(hours, forecast_from=scale.forecast_from)
    if not scale.mean_h:
        last = int(np.searchsorted(series.times_us, at_us, side="right")) - 1
        return float(values[last]) if last >= 0 else float("nan")
    return float(trailing_mean(series.times_us, values, at_us=[at_us], hours=scale.mean_h)[0])


def _band_of(table: BandTable, value: float) -> int:
    """Band in which an index lies."""
    return max(i for i, band in enumerate(table.bands) if band.index and value >= band.index[0])


def apparent_temperature(temperature_c: ArrayLike, humidity_percent: ArrayLike) -> NDArray[np.float64]:
    """Apparent temperature of summer, °C, as the Korea Meteorological Administration tells it from May to September.

    ``-0.2442 + 0.55399 Tw + 0.45535 T - 0.0022 Tw² + 0.00278 Tw T + 3.0`` with the wet-bulb temperature Tw after Stull.

    References
    ----------
    Korea Meteorological Administration (2022), apparent temperature of summer; Stull (2011), J. Appl. Meteor. Climatol.
    50, 2267-2269.

    Examples
    --------
    >>> apparent_temperature([33.0], [60.0]).round(1).tolist()
    [33.5]
    """
    t, rh = np.asarray(temperature_c, np.float64), np.asarray(humidity_percent, np.float64)
    wet = (
        t * np.arctan(0.151977 * np.sqrt(rh + 8.313659))
        + np.arctan(t + rh)
        - np.arctan(rh - 1.676331)
        + 0.00391838 * rh**1.5 * np.arctan(0.023101 * rh)
        - 4.686035
    )
    return np.asarray(-0.2442 + 0.55399 * wet + 0.45535 * t - 0.0022 * wet**2 + 0.00278 * wet * t + 3.0)
