"""Options of ``twin flood`` that name stations of the city: gauges of a level, rain and tide of a computation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.core.errors import UsageError

if TYPE_CHECKING:
    from twin.city.model import City
    from twin.core.notices import Notices

_LEVEL = 3


def gauges_of(city: City, texts: tuple[str, ...], time: str | None) -> tuple[Any, list[dict[str, Any]]]:
    """What ``--gauge`` tells: a level or a row of (x, y, level), and which stations told it when.

    Each is X,Y,LEVEL or a datastream of the city; a single X,Y,LEVEL is left to be refused.

    Raises
    ------
    UsageError, InputError
        If one is neither, or a station tells no elevation of water at that moment.
    """
    from twin.cli.flood_common import parse_numbers

    rows: list[Any] = []
    stations: list[dict[str, Any]] = []
    for text in texts:
        if _has_numbers(text):
            rows.append(parse_numbers(text, _LEVEL, "--gauge", "X,Y,LEVEL"))
            continue
        told, eta = _station(city, text, time)
        stations.append(told)
        rows.append((*told["position"], eta))
    if time is not None and not stations:
        raise UsageError("--time", "goes with a --gauge that names a datastream", "leave it out")
    if len(rows) == 1 and stations:
        return rows[0][2], stations
    return rows, stations


def _has_numbers(text: str) -> bool:
    """Whether a text is meant as numbers with commas between."""
    parts = text.split(",")
    try:
        [float(p) for p in parts]
    except ValueError:
        return len(parts) == _LEVEL
    return True


def _station(city: City, text: str, time: str | None) -> tuple[dict[str, Any], float]:
    from twin.cli.live_options import moment_of
    from twin.coupling.gauges import gauge_level
    from twin.live.moments import iso_utc
    from twin.live.store import open_store

    with open_store(city.path) as store:
        level = gauge_level(store, text, at_us=moment_of(store, time))
    told = {
        "datastream": text,
        "position": list(level.position),
        "time": iso_utc(level.time_us),
        "eta_m": round(level.eta_m, 4),
    }
    return told, level.eta_m


def forcing_of(
    city: City, text: str | None, *, option: str, start: str | None, hours: float, notices: Notices
) -> Any:
    """What ``--rain`` or ``--tide`` tells: a number, a file, or a series of stations of the city.

    Raises
    ------
    UsageError
        If it is no number and no file, and the city has no such datastream.
    """
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        pass
    database = city.path / "live" / "observations.sqlite"
    if Path(text).exists() or not database.exists():
        return Path(text)
    from fnmatch import fnmatchcase

    from twin.coupling.rain import rain_of_stations, tide_of_gauge
    from twin.live.store import open_store

    with open_store(city.path) as store:
        if not any(fnmatchcase(d.id, text) for d in store.catalogue().datastreams):
            return Path(text)
        span = _span(start, hours)
        if option == "--rain":
            return rain_of_stations(store, text, notices=notices, **span)
        return tide_of_gauge(store, text, notices=notices, **span)


def _span(start: str | None, hours: float) -> dict[str, int]:
    """The time of a computation, with an hour before it, so that what holds at its start is known."""
    if start is None:
        return {}
    from twin.core.moments import utc_second

    first = int(utc_second(start, where="--start").astype("datetime64[us]").astype("int64"))
    hour = 3_600_000_000
    return {"start_us": first - hour, "end_us": first + round(hours * hour)}
