"""How long observations are kept and when they become fewer, by rules of a file.

``live/retention.toml`` of a city::

    [[rule]]
    property = "pm2_5"       # or datastream = "room-*"; every datastream where neither stands
    thin_after_days = 30     # then only one result of each
    thin_to_s = 3600         # window of so many seconds is kept:
    thin_by = "last"         # the last, or the least, greatest or mean of the window (min, max, mean)
    keep_days = 3650         # and nothing that is older

The first rule that fits a datastream counts; without one everything is kept. Whoever writes observations of a city
keeps to its rules while it runs (`Tidier`); ``twin live tidy`` does it by hand.
"""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.errors import ConfigError
from twin.live.model import MICROSECONDS, NO_TIME
from twin.live.schema import FOLDER, guard_database, transaction
from twin.live.toml_tables import closest, known_keys, number, read_toml, words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.live.model import Catalogue, Datastream
    from twin.live.store import Store

FILE = "retention.toml"
DAY_US = 86_400 * MICROSECONDS
WAYS = ("last", "min", "max", "mean")
_KEYS = ("datastream", "property", "keep_days", "thin_after_days", "thin_to_s", "thin_by")
_MANY = 50_000
_SUMMARY = "UPDATE observation SET result=? WHERE stream=? AND time=? AND typeof(result) != 'text'"
_DONE = """
CREATE TABLE IF NOT EXISTS thinned (stream INTEGER PRIMARY KEY, window INTEGER NOT NULL, until INTEGER NOT NULL)
"""


@dataclass(frozen=True, slots=True)
class Retention:
    """One rule.

    Parameters
    ----------
    datastream : str
        Pattern of ids, such as ``room-*``.
    property : str
        Observed property; empty for any.
    keep_us, thin_after_us, window_us : int, optional
        Microseconds.
    thin_by : str
        One of `WAYS`.
    """

    datastream: str = "*"
    property: str = ""
    keep_us: int | None = None
    thin_after_us: int | None = None
    window_us: int | None = None
    thin_by: str = "last"

    def fits(self, stream: Datastream) -> bool:
        """Whether it speaks of a datastream."""
        return fnmatch.fnmatchcase(stream.id, self.datastream) and self.property in {
            "",
            stream.observed_property,
        }


@dataclass(slots=True)
class Tidied:
    """How many observations went: those too old, and those that one of their window stands for."""

    removed: int = 0
    thinned: int = 0


def read_retention(path: Path) -> tuple[Retention, ...]:
    """The rules of a file, in their order.

    Raises
    ------
    ConfigError, InputNotFoundError
        With the key that is wrong.
    """
    document = read_toml(path)
    known_keys(path, document, ("rule",))
    rules = document.get("rule")
    if not isinstance(rules, list) or not rules:
        raise ConfigError(
            f"{path}: rule", "holds no rules", "write [[rule]] with keep_days or thin_after_days"
        )
    return tuple(_rule(path, rule, f"rule.{n}") for n, rule in enumerate(rules))


def _rule(path: Path, rule: object, place: str) -> Retention:
    known_keys(path, rule, _KEYS, place=place)
    assert isinstance(rule, dict)  # noqa: S101 - known_keys refuses all else
    days = {
        key: _positive(path, rule, key, place) if key in rule else None
        for key in ("keep_days", "thin_after_days", "thin_to_s")
    }
    if (days["thin_after_days"] is None) != (days["thin_to_s"] is None):
        raise ConfigError(
            f"{path}: {place}", "has one of thin_after_days and thin_to_s", "give both or neither"
        )
    way = words(path, rule, "thin_by", place=place, default="last")
    if way not in WAYS:
        raise ConfigError(f"{path}: {place}.thin_by", f"is {way!r}", closest(way, WAYS))
    keep, after, window = (
        None if days[key] is None else int(days[key] * unit)  # type: ignore[operator]
        for key, unit in (("keep_days", DAY_US), ("thin_after_days", DAY_US), ("thin_to_s", MICROSECONDS))
    )
    stream = words(path, rule, "datastream", place=place, default="*")
    observed = words(path, rule, "property", place=place, default="")
    return Retention(stream, observed, keep, after, window, way)


def _positive(path: Path, rule: dict[str, object], key: str, place: str) -> float:
    value = number(path, rule, key, place=place)
    if value <= 0:
        raise ConfigError(f"{path}: {place}.{key}", f"is {value:g}", "write a number above 0")
    return value


def rules_of(city: Path) -> tuple[Retention, ...]:
    """The rules of a city; none where it has no file of them."""
    path = city / FOLDER / FILE
    return read_retention(path) if path.exists() else ()


def tidy(store: Store, rules: tuple[Retention, ...], *, now_us: int) -> Tidied:
    """Remove and thin observations by rules; done again, it finds nothing to do.

    Parameters
    ----------
    store : Store
        Opened to write.
    now_us : int
        The moment that ages count from, microseconds UTC.
    """
    done = Tidied()
    for _ in tidying(store, rules, now_us=now_us, done=done):
        pass
    return done


def tidying(
    store: Store, rules: tuple[Retention, ...], *, now_us: int, done: Tidied, at_once: int = _MANY
) -> Iterator[None]:
    """The same in steps of some `at_once` observations, each a transaction of its own, that other work can go between.

    Parameters
    ----------
    store, rules, now_us
        As in `tidy`.
    done : Tidied
        Is counted up.
    """
    with guard_database(store.path):
        store.connection.execute(_DONE)
    for stream, rule in _chosen(store.catalogue(), rules):
        number_of = store.numbers[stream.id]
        if rule.keep_us is not None:
            for n in _remove(store, number_of, now_us - rule.keep_us, at_once):
                done.removed += n
                yield
        if rule.thin_after_us is not None and rule.window_us:
            for n in _thin(store, number_of, rule, now_us - rule.thin_after_us, at_once):
                done.thinned += n
                yield


def _chosen(catalogue: Catalogue, rules: tuple[Retention, ...]) -> list[tuple[Datastream, Retention]]:
    found = ((s, next((r for r in rules if r.fits(s)), None)) for s in catalogue.datastreams)
    return [(s, r) for s, r in found if r is not None]


def _remove(store: Store, stream: int, before_us: int, at_once: int) -> Iterator[int]:
    """Delete what is older, in pieces; how many each time."""
    query = (
        "DELETE FROM observation WHERE stream=?1 AND time < ?2 AND time <= coalesce("
        "(SELECT time FROM observation WHERE stream=?1 AND time < ?2 ORDER BY time LIMIT 1 OFFSET ?3), ?2)"
    )
    gone = at_once + 1
    while gone > at_once:
        with guard_database(store.path), transaction(store.connection):
            gone = store.connection.execute(query, (stream, before_us, at_once)).rowcount
        yield gone


def _thin(store: Store, stream: int, rule: Retention, before_us: int, at_once: int) -> Iterator[int]:
    """Leave one observation of each whole window before a moment, in pieces of whole windows; how many go each time."""
    window = int(rule.window_us or 1)
    end = before_us // window * window
    start = _thinned_until(store, stream, window)
    while start < end:
        with guard_database(store.path):
            rows = _next_windows(store, stream, (start, end), window, at_once)
            start = end if len(rows) < at_once else (rows[-1][0] // window + 1) * window
            with transaction(store.connection):
                gone = _leave_one(store, stream, rule, rows)
                store.connection.execute(
                    "INSERT OR REPLACE INTO thinned VALUES (?,?,?)", (stream, window, start)
                )
        yield gone


def _thinned_until(store: Store, stream: int, window: int) -> int:
    """The moment before which all is thinned already."""
    with guard_database(store.path):
        found = store.connection.execute(
            "SELECT until FROM thinned WHERE stream=? AND window=?", (stream, window)
        ).fetchone()
    return int(found[0]) if found else NO_TIME


def _next_windows(
    store: Store, stream: int, span: tuple[int, int], window: int, at_once: int
) -> list[tuple[int, Any]]:
    """Times and results of the first windows of a span that hold so many together, the last of them whole."""
    query = "SELECT time, result FROM observation WHERE stream=? AND time >= ? AND time < ? ORDER BY time"
    rows = store.connection.execute(f"{query} LIMIT {int(at_once)}", (stream, *span)).fetchall()
    if len(rows) == at_once:
        rest = rows[-1][0] + 1, min(span[1], (rows[-1][0] // window + 1) * window)
        rows += store.connection.execute(query, (stream, *rest)).fetchall()
    return rows


def _leave_one(store: Store, stream: int, rule: Retention, rows: list[tuple[int, Any]]) -> int:
    """Delete all but the last observation of each window, which then stands for them; how many went."""
    if not rows:
        return 0
    window = int(rule.window_us or 1)
    times = np.array([r[0] for r in rows], np.int64)
    numbers = np.array([r[1] if isinstance(r[1], float) else np.nan for r in rows])
    last = np.append(times[1:] // window != times[:-1] // window, True)
    if rule.thin_by != "last":
        summaries = [(v, stream, t) for v, t in _summaries(times, numbers, last, rule.thin_by)]
        store.connection.executemany(_SUMMARY, summaries)
    gone = [(stream, int(t)) for t in times[~last]]
    store.connection.executemany("DELETE FROM observation WHERE stream=? AND time=?", gone)
    return len(gone)


def _summaries(
    times: NDArray[np.int64], numbers: NDArray[np.float64], last: NDArray[np.bool_], way: str
) -> list[tuple[float, int]]:
    """Least, greatest or mean number of each window that has one, with the time of its last observation."""
    starts = np.append(0, np.flatnonzero(last)[:-1] + 1)
    has = ~np.isnan(numbers)
    filled = np.where(has, numbers, {"min": np.inf, "max": -np.inf, "mean": 0.0}[way])
    n = np.add.reduceat(has.astype(np.int64), starts)
    if way == "mean":
        values = np.add.reduceat(filled, starts) / np.maximum(n, 1)
    else:
        values = (np.minimum if way == "min" else np.maximum).reduceat(filled, starts)
    return [(float(v), int(t)) for v, t, k in zip(values, times[last], n, strict=True) if k]
