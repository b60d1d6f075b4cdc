"""What every datastream reports during the storm, with the faults that real ones have, as files."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.files import atomic_path, canonical_json, write_text
from twin.demo.chance import stream
from twin.demo.stations import PROPERTIES, stations_of
from twin.demo.storm import MINUTES, START, make_storm
from twin.demo.things import stream_id, things_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.demo.layout import Layout
    from twin.demo.stations import Station
    from twin.demo.storm import Storm

    Float = NDArray[np.float64]

GAP_SHARE, SPIKE_SHARE, LATE_SHARE, REPEAT_SHARE = 0.06, 0.0004, 0.004, 0.003
"""Streams with a gap; values that jump, come late, or come twice."""
FIRE_ROOM, FIRE_H = "405", 4.4
_DECIMALS = {"vehicle_count": 0, "occupancy": 0, "o3": 4, "no2": 4, "wind_direction": 0}


BUSY_UV, BUSY_M = (420.0, 230.0), 170.0
"""Where the air is stalest and the streets loudest, in the local frame, and how far that reaches."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with a stream: its kind, when it began and ended (minutes from the start)."""

    datastream: str
    kind: str
    begins_min: float
    ends_min: float


def true_values(station: Station, key: str, storm: Storm, seed: int) -> Float:
    """What a stream would report every minute if it never failed, shape (361,)."""
    rng = stream(seed, f"{station.id}:{key}")
    own = rng.uniform(0.9, 1.1)
    noise = rng.normal(0.0, 1.0, MINUTES)
    return _VALUES[key](station, storm, float(own), noise)


def _water_level(station: Station, storm: Storm, _: float, noise: Float) -> Float:
    level = {"canal_gauge": storm.canal_m, "tide_gauge": storm.tide_m}.get(station.kind, storm.river_m)
    return level - (station.zero_m or 0.0) + 0.006 * noise


def _water_depth(station: Station, storm: Storm, own: float, noise: Float) -> Float:
    if station.kind == "underpass_gauge":
        return np.maximum(storm.underpass_depth_m + 0.004 * noise, 0.0)
    standing = np.maximum(storm.canal_m - station.uvz[2], 0.0) + 0.0012 * own * np.maximum(
        storm.rain_mm_h - 15, 0
    )
    return np.where(standing > 0.005, np.maximum(standing + 0.004 * noise, 0.0), 0.0)


def _rain(_: Station, storm: Storm, own: float, noise: Float) -> Float:
    return np.maximum(storm.rain_mm_h * own * (1.0 + 0.06 * noise), 0.0)


def _wind(_: Station, storm: Storm, own: float, noise: Float) -> Float:
    return np.maximum(storm.wind_m_s * own + 0.8 * noise, 0.0)


def _wind_from(_: Station, storm: Storm, __: float, noise: Float) -> Float:
    return (storm.wind_from_deg + 6.0 * noise) % 360.0


def _pressure(_: Station, storm: Storm, own: float, noise: Float) -> Float:
    return storm.pressure_hpa + 2.0 * (own - 1.0) + 0.1 * noise


def _temperature(_: Station, storm: Storm, own: float, noise: Float) -> Float:
    return storm.temperature_c + 3.0 * (own - 1.0) + 0.1 * noise


def _humidity(_: Station, storm: Storm, __: float, noise: Float) -> Float:
    return np.clip(100.0 * storm.humidity + 1.0 * noise, 0.0, 100.0)


def _washed(storm: Storm, start: float, left: float) -> Float:
    """A pollutant that rain washes out and traffic brings back slowly."""
    wet = np.cumsum(storm.rain_mm_h) / 60.0
    return left + (start - left) * np.exp(-wet / 6.0)


def _staleness(station: Station) -> float:
    """How stale the air of a place is: fresh along the river, stale inland, most around one busy place; about 1."""
    u, v, _ = station.uvz
    inland = 1.0 - float(np.exp(-max(v, 0.0) / 250.0))
    busy = float(np.exp(-((u - BUSY_UV[0]) ** 2 + (v - BUSY_UV[1]) ** 2) / (2 * BUSY_M**2)))
    return 0.65 + 0.45 * inland + 0.35 * busy


def _pm(start: float, left: float) -> Callable[[Station, Storm, float, Float], Float]:
    def values(station: Station, storm: Storm, own: float, noise: Float) -> Float:
        air = _staleness(station) * (1.0 + 0.2 * (own - 1.0))
        return np.maximum(air * _washed(storm, start, left) * (1.0 + 0.03 * noise), 0.5)

    return values


def _gas(base: float, by_traffic: float, by_sun: float) -> Callable[[Station, Storm, float, Float], Float]:
    def values(station: Station, storm: Storm, own: float, noise: Float) -> Float:
        stale = _staleness(station)
        level = (
            base
            + by_traffic * storm.traffic * stale
            + by_sun * storm.sunlight_w_m2 / 620.0 * (1.6 - 0.6 * stale)
        )
        return np.maximum(level * (1.0 + 0.2 * (own - 1.0)) * (1.0 + 0.03 * noise), 0.0)

    return values


def _sound(station: Station, storm: Storm, own: float, noise: Float) -> Float:
    parts = [
        49.0 + 6.0 * _staleness(station) + 9.0 * storm.traffic,
        30.0 + 1.3 * storm.wind_m_s,
        38.0 + 6.5 * np.log10(1 + storm.rain_mm_h) * 2,
    ]
    return 10.0 * np.log10(sum(10.0 ** (p / 10.0) for p in parts)) + 4.0 * (own - 1.0) + 0.5 * noise


def _flow_factor(station: Station, storm: Storm) -> Float:
    """Traffic stops where the street is under more than fifteen centimetres of water."""
    return storm.traffic * (storm.canal_m - (station.uvz[2] - 5.5) < 0.15)


def _count(station: Station, storm: Storm, own: float, noise: Float) -> Float:
    return np.maximum(np.round(26.0 * own * station.scale * _flow_factor(station, storm) + 2.0 * noise), 0.0)


def _speed(station: Station, storm: Storm, own: float, noise: Float) -> Float:
    free = 50.0 if station.scale > 2 else 32.0
    return np.maximum(free * own * (0.35 + 0.65 * _flow_factor(station, storm)) + 1.5 * noise, 0.0)


def _power(station: Station, storm: Storm, own: float, noise: Float) -> Float:
    watts = (
        11.0
        + 7.0 * np.clip(storm.temperature_c - 24.0, 0, None) / 3.5
        + 2.5 * (1 - storm.sunlight_w_m2 / 620.0)
    )
    return np.maximum(watts * station.scale / 1000.0 * own * (1.0 + 0.07 * noise), 0.02)


def _solar(station: Station, storm: Storm, own: float, noise: Float) -> Float:
    return np.maximum(
        0.35 * station.scale * 0.19 * storm.sunlight_w_m2 / 1000.0 * own * (1.0 + 0.05 * noise), 0.0
    )


def _heat(station: Station, _: Storm, own: float, noise: Float) -> Float:
    return np.maximum(4.0 * station.scale / 1000.0 * own * (1.0 + 0.15 * noise), 0.0)


def _tap(station: Station, _: Storm, own: float, noise: Float) -> Float:
    return np.maximum(0.012 * station.scale * own * (1.0 + 0.6 * noise), 0.0)


def _people(station: Station, storm: Storm, own: float) -> Float:
    base = 2.0 + 2.0 * ((station.storey * 7 + int(station.room or 0)) % 3)
    away = (storm.hours > FIRE_H + 0.15) & (station.storey == int(FIRE_ROOM[0]))
    return np.where(away, 0.0, np.round(base * own))


def _occupancy(station: Station, storm: Storm, own: float, _: Float) -> Float:
    return _people(station, storm, own)


def _co2(station: Station, storm: Storm, own: float, noise: Float) -> Float:
    return 430.0 + 105.0 * _people(station, storm, own) * (1.0 + 0.5 * storm.is_power_cut) + 8.0 * noise


def _room_temperature(station: Station, storm: Storm, own: float, noise: Float) -> Float:
    warm = np.cumsum(storm.is_power_cut) / 60.0 * 1.6
    fire = _smoke(station, storm, own, np.zeros(MINUTES)) * 0.9
    return 23.5 + 2.0 * (own - 1.0) + warm + fire + 0.08 * noise


def _smoke(station: Station, storm: Storm, _: float, noise: Float) -> Float:
    """A fire in one room, whose smoke reaches its neighbours on the same storey later and thinner."""
    if not station.room or station.storey != int(FIRE_ROOM[0]):
        return np.abs(0.02 * noise)
    away = abs(int(station.room) - int(FIRE_ROOM))
    since = np.clip(storm.hours - FIRE_H - 0.06 * away, 0.0, None)
    return 14.0 * (1.0 - np.exp(-since / 0.12)) / (1.0 + 1.2 * away) + np.abs(0.02 * noise)


_VALUES: dict[str, Callable[[Station, Storm, float, Float], Float]] = {
    "water_level": _water_level,
    "water_depth": _water_depth,
    "rain_rate": _rain,
    "wind_speed": _wind,
    "wind_direction": _wind_from,
    "air_pressure": _pressure,
    "air_temperature": _temperature,
    "relative_humidity": _humidity,
    "pm2_5": _pm(38.0, 7.0),
    "pm10": _pm(64.0, 12.0),
    "o3": _gas(0.012, 0.0, 0.05),
    "no2": _gas(0.006, 0.026, 0.0),
    "co": _gas(0.25, 0.45, 0.0),
    "sound_level": _sound,
    "vehicle_count": _count,
    "vehicle_speed": _speed,
    "power": _power,
    "pv_power": _solar,
    "heat_power": _heat,
    "water_flow": _tap,
    "room_temperature": _room_temperature,
    "co2": _co2,
    "occupancy": _occupancy,
    "smoke": _smoke,
}


def observations(
    station: Station, key: str, storm: Storm, seed: int
) -> tuple[list[tuple[float, float, float]], list[Fault]]:
    """Rows of phenomenon minute, result minute and value of one stream, with its faults."""
    values = true_values(station, key, storm, seed).round(_DECIMALS.get(key, 3))
    step = PROPERTIES[key].every_s // 60
    minutes = np.arange(0, MINUTES, step)
    rng = stream(seed, f"faults:{station.id}:{key}")
    rows, faults, name = [], [], stream_id(station, key)
    gap = _gap(station, storm, rng)
    if gap is not None:
        faults.append(Fault(name, "gap", *gap))
    for minute in minutes.tolist():
        dice = rng.random(4)
        if gap is not None and gap[0] <= minute < gap[1]:
            continue
        value, delay = float(values[minute]), 0.02 + 0.05 * float(dice[3])
        if dice[0] < SPIKE_SHARE:
            value = round(value * 40.0 + 500.0, 3)
            faults.append(Fault(name, "spike", minute, minute))
        if dice[1] < LATE_SHARE:
            delay = 6.0 + 50.0 * float(dice[3])
            faults.append(Fault(name, "late", minute, minute + delay))
        rows.append((float(minute), minute + delay, value))
        if dice[2] < REPEAT_SHARE:
            rows.append((float(minute), minute + delay, value))
            faults.append(Fault(name, "repeated", minute, minute))
    return rows, faults


def _gap(station: Station, storm: Storm, rng: np.random.Generator) -> tuple[float, float] | None:
    """When a stream is silent: in the power cut for one meter in five, at some time for one stream in sixteen."""
    fate, begins, length = rng.random(3)
    if station.kind.endswith("_meter") and fate < 0.2:
        cut = np.flatnonzero(storm.is_power_cut)
        return float(cut[0]), float(cut[-1] + 1)
    if fate < GAP_SHARE:
        return round(20 + 280 * begins), round(20 + 280 * begins + 12 + 40 * length)
    return None


def write_storm(layout: Layout, things: Path, log: Path, truth: Path) -> None:
    """Write the stations, what they report, and into the truth folder what really happened and what went wrong.

    Lines of the log are SensorThings Observations by phenomenon time; among equal times by result time and
    stream. Late ones have a later result time; repeated ones stand there twice.
    """
    storm, stations = make_storm(layout.seed), stations_of(layout)
    write_text(things, canonical_json(things_json(stations)))
    everything: list[tuple[float, float, str, float]] = []
    faults: list[Fault] = []
    for station in stations:
        for key in station.properties:
            rows, wrong = observations(station, key, storm, layout.seed)
            everything += [(at, told, stream_id(station, key), value) for at, told, value in rows]
            faults += wrong
    with (
        atomic_path(log) as temporary,
        temporary.open("w", encoding="utf-8", newline="\n") as out,
    ):
        out.writelines(_lines(sorted(everything)))
    write_text(truth / "storm.json", canonical_json(_storm_json(storm, faults)))


def _lines(rows: list[tuple[float, float, str, float]]) -> Iterator[str]:
    for at, told, name, value in rows:
        observation = {
            "phenomenonTime": _time(at),
            "resultTime": _time(told),
            "result": value,
            "Datastream": {"@iot.id": name},
        }
        yield json.dumps(observation, ensure_ascii=False, separators=(",", ":")) + "\n"


def _time(minute: float) -> str:
    start = datetime.fromisoformat(START)
    moment = start + timedelta(milliseconds=round(minute * 60_000))
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _storm_json(storm: Storm, faults: list[Fault]) -> dict[str, Any]:
    series = {k: v.astype(float).round(4).tolist() for k, v in asdict(storm).items()}
    return {"start": START, "every_s": 60, "series": series, "faults": [asdict(f) for f in faults]}
