"""How long observations are kept and when they become fewer, by rules of a file.

``live/retention.toml`` of a city::

    [[rule]]
    property = "pm2_5"       # or datastream = "room-*"; every datastream where neither stands
    thin_after_days = 30     # then only one result of each
    thin_to_s = 3600         # window of so many seconds is kept:
    thin_by = "last"         # the last good one, or the least, greatest or mean of the window (min, max, mean)
    keep_days = 3650         # and nothing that is older

The first rule that fits a datastream counts; without one everything is kept. Whoever writes observations of a city
keeps to its rules while it runs (`Tidier`); ``twin live tidy`` does it by hand.
"""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twin.core.errors import ConfigError
from twin.live.model import MICROSECONDS
from twin.live.schema import FOLDER, guard_database, transaction
from twin.live.thinning import thin
from twin.live.toml_tables import closest, known_keys, number, read_toml, words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from twin.live.model import Catalogue, Datastream
    from twin.live.store import Store

FILE = "retention.toml"
DAY_US = 86_400 * MICROSECONDS
WAYS = ("last", "min", "max", "mean")
_KEYS = ("datastream", "property", "keep_days", "thin_after_days", "thin_to_s", "thin_by")
_MANY = 50_000


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
    for stream, rule in _chosen(store.catalogue(), rules):
        number_of = store.numbers[stream.id]
        if rule.keep_us is not None:
            for n in _remove(store, number_of, now_us - rule.keep_us, at_once):
                done.removed += n
                yield
        if rule.thin_after_us is not None and rule.window_us:
            before = now_us - rule.thin_after_us
            for n in thin(
                store, number_of, rule.thin_by, window_us=rule.window_us, before_us=before, at_once=at_once
            ):
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
            store.connection.execute("DELETE FROM summary WHERE stream=? AND time < ?", (stream, before_us))
        yield gone
