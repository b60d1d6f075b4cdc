"""Things, datastreams and observations as OGC SensorThings names them, and tables of many observations.

Times are whole microseconds since 1970 in UTC (int64); `NO_TIME` stands where there is none.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

KINDS = ("point", "building", "room", "storey", "road", "cell", "moving")
"""What a thing can be bound to."""

RESULT_TYPES = ("number", "text", "truth", "any")
"""What a datastream's results are."""

NO_TIME = int(np.iinfo(np.int64).min)
"""Stands where there is no time; as ``datetime64[us]`` it is NaT."""

MICROSECONDS = 1_000_000

Result = float | str | bool | None


class Quality(IntEnum):
    """How far a result can be trusted, by its source or by the range that its datastream may have."""

    GOOD = 0
    PROVISIONAL = 1
    SUSPECT = 2
    INVALID = 3


@dataclass(frozen=True, slots=True)
class Place:
    """Where a thing is.

    Parameters
    ----------
    kind : str
        One of `KINDS`: what `target` names; a ``point`` is bound to nothing, ``moving`` has a place with every
        observation.
    position : tuple of float, optional
        Easting, northing and elevation in the city's CRS, metres; the elevation is NaN where it is not known.
    target : str
        Id of the building, room, storey, road or cell.
    building : str
        Id of the building that a room or a storey is in.
    storey : int, optional
        Counted from 1; below ground negative.

    Raises
    ------
    ValueError
        If the kind is not known, the position is not finite, or a bound place names no target.
    """

    kind: str = "point"
    position: tuple[float, float, float] | None = None
    target: str = ""
    building: str = ""
    storey: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind!r} is no kind of place; the kinds are {', '.join(KINDS)}")
        if self.kind not in {"point", "moving"} and not self.target:
            raise ValueError(f"a place of kind {self.kind} names its target")
        if self.position is not None and not all(map(math.isfinite, self.position[:2])):
            raise ValueError(f"{self.position} is no position")


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that measures, with what its source tells of it; names are hostile text until they are shown."""

    id: str
    name: str = ""
    description: str = ""
    place: Place = field(default_factory=Place)
    properties: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.id:
            raise ValueError("a thing has an id")


@dataclass(frozen=True, slots=True)
class Datastream:
    """One series of results of one thing.

    Parameters
    ----------
    id, thing : str
        Its own id and that of its thing.
    observed_property : str
        Such as ``water_level``.
    unit : str
        UCUM code of the results as they are kept, such as ``m`` or ``ug/m3``; empty where there is none.
    symbol : str
        The unit as it is shown; the code if not given.
    scale, offset : float
        Incoming results become ``result * scale + offset``, such as feet to metres.
    every_s, max_age_s : float, optional
        Usual interval, and the age from which a result counts as stale; seconds.
    zero_m : float, optional
        Elevation of a gauge's zero in the city's vertical datum. A level without it is shown but never drives water.
    valid_range : tuple of float, optional
        Least and greatest result that can be true, in `unit`; others are kept as `Quality.INVALID`.
    result_type : str
        One of `RESULT_TYPES`.

    Raises
    ------
    ValueError
        If a number is not finite, an interval is not positive, or a range is empty.
    """

    id: str
    thing: str
    name: str = ""
    observed_property: str = ""
    unit: str = ""
    symbol: str = ""
    every_s: float | None = None
    max_age_s: float | None = None
    zero_m: float | None = None
    valid_range: tuple[float, float] | None = None
    scale: float = 1.0
    offset: float = 0.0
    result_type: str = "number"
    properties: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.id or not self.thing:
            raise ValueError("a datastream has an id and belongs to a thing")
        if self.result_type not in RESULT_TYPES:
            raise ValueError(f"{self.result_type!r} is no type of result")
        for name in ("every_s", "max_age_s"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise ValueError(f"{name} is a positive number of seconds, not {value}")
        for name in ("zero_m", "scale", "offset"):
            value = getattr(self, name)
            if value is not None and not math.isfinite(value):
                raise ValueError(f"{name} is a finite number, not {value}")
        if self.valid_range is not None and not self.valid_range[0] <= self.valid_range[1]:
            raise ValueError(f"{self.valid_range} is no range")

    @property
    def is_level(self) -> bool:
        """Whether its results are levels of water."""
        return self.observed_property == "water_level" and self.unit == "m"

    @property
    def drives_water(self) -> bool:
        """Whether its results can be elevations of a flood: a level whose zero is known."""
        return self.is_level and self.zero_m is not None


@dataclass(frozen=True, slots=True)
class Observation:
    """One result.

    Parameters
    ----------
    datastream : str
        Id.
    phenomenon_time, result_time : int
        When it was true and when it was produced, microseconds UTC.
    result : float, str, bool or None
        In the datastream's unit; None says that there was none, which is not zero.
    quality : Quality
    position : tuple of float, optional
        Easting, northing, elevation (m) and heading (degrees clockwise from grid north) of what moves; NaN where
        not known.
    """

    datastream: str
    phenomenon_time: int
    result_time: int
    result: Result
    quality: Quality = Quality.GOOD
    position: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Many observations as columns of one length.

    Parameters
    ----------
    datastreams : sequence of str, n ids
    phenomenon_time, result_time : sequence of int, n
        Microseconds UTC.
    results : sequence, n
        Float, str, bool or None each.
    quality : sequence of int, n
    positions : sequence, n
        None, or easting, northing, elevation and heading; empty where nothing moves.
    """

    datastreams: Sequence[str]
    phenomenon_time: Sequence[int]
    result_time: Sequence[int]
    results: Sequence[Result]
    quality: Sequence[int]
    positions: Sequence[tuple[float, float, float, float] | None] = ()

    def __post_init__(self) -> None:
        n = len(self.datastreams)
        columns = (self.phenomenon_time, self.result_time, self.results, self.quality)
        if any(len(c) != n for c in columns) or len(self.positions) not in {0, n}:
            raise ValueError("the columns of a batch have one length")

    def __len__(self) -> int:
        return len(self.datastreams)


def batch_of(observations: Sequence[Observation]) -> Batch:
    """Observations as columns."""
    positions = [o.position for o in observations]
    return Batch(
        [o.datastream for o in observations],
        [o.phenomenon_time for o in observations],
        [o.result_time for o in observations],
        [o.result for o in observations],
        [int(o.quality) for o in observations],
        positions if any(p is not None for p in positions) else (),
    )


@dataclass(frozen=True, slots=True)
class History:
    """Observations of one datastream in the order of their phenomenon time.

    Parameters
    ----------
    datastream : str
    time, result_time : array of int64, shape (n,)
        Microseconds UTC.
    number : array of float64, shape (n,)
        Results; NaN where one is no number (truths are 0 and 1).
    other : mapping of int to str or bool
        Results that are no numbers, by their index; one that is neither here nor a number is None.
    quality : array of uint8, shape (n,)
    position : array of float64, shape (n, 4)
        Easting, northing, elevation, heading; NaN where nothing moves.
    """

    datastream: str
    time: NDArray[np.int64]
    result_time: NDArray[np.int64]
    number: NDArray[np.float64]
    other: Mapping[int, str | bool]
    quality: NDArray[np.uint8]
    position: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.time)

    @property
    def results(self) -> list[Result]:
        """Results as they came, n: float, str, bool or None."""
        return _results(self.number, self.other)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The newest observation of every datastream at a moment, in the order of the catalogue.

    Parameters
    ----------
    moment : int
        Microseconds UTC.
    datastreams : tuple of str, n ids
    time, result_time : array of int64, shape (n,)
        Microseconds UTC; `NO_TIME` where there was no observation yet.
    number : array of float64, shape (n,)
    other : mapping of int to str or bool
        As in `History`.
    quality : array of uint8, shape (n,)
    position : array of float64, shape (n, 4)
        As in `History`.
    """

    moment: int
    datastreams: tuple[str, ...]
    time: NDArray[np.int64]
    result_time: NDArray[np.int64]
    number: NDArray[np.float64]
    other: Mapping[int, str | bool]
    quality: NDArray[np.uint8]
    position: NDArray[np.float64]

    @property
    def age_s(self) -> NDArray[np.float64]:
        """Seconds from each observation to the moment, shape (n,); infinite where there is none."""
        has = self.time != NO_TIME
        return np.where(has, (self.moment - np.where(has, self.time, 0)) / MICROSECONDS, np.inf)

    @property
    def results(self) -> list[Result]:
        """Results as they came, n: float, str, bool or None; None also where there was no observation."""
        return _results(self.number, self.other)

    @property
    def is_empty(self) -> NDArray[np.bool_]:
        """Whether there is no observation or one without a result, shape (n,)."""
        empty = np.isnan(self.number)
        empty[list(self.other)] = False
        return empty


def _results(number: NDArray[np.float64], other: Mapping[int, str | bool]) -> list[Result]:
    results: list[Result] = [None if v != v else v for v in number.tolist()]  # noqa: PLR0124 - NaN is what differs from itself
    for i, value in other.items():
        results[i] = value
    return results


def split_results(results: Sequence[Result]) -> tuple[NDArray[np.float64], dict[int, str | bool]]:
    """Results as numbers, and those that are none by their index.

    >>> split_results([1.5, None, "open", True])
    (array([1.5, nan, nan, 1. ]), {2: 'open', 3: True})
    """
    other = {i: r for i, r in enumerate(results) if isinstance(r, str | bool)}
    numbers = results if not other else [None if isinstance(r, str) else r for r in results]
    return np.array(numbers, np.float64), other


Columns = tuple[
    "NDArray[np.int64]",
    "NDArray[np.int64]",
    "NDArray[np.float64]",
    "dict[int, str | bool]",
    "NDArray[np.uint8]",
    "NDArray[np.float64]",
]
"""Time, result time, number, other, quality and position, as `History` has them."""


def scattered(moment: int, names: tuple[str, ...], at: NDArray[np.int64], columns: Columns) -> Snapshot:
    """A snapshot of the datastreams `names` from the observations of those `at` some places."""
    n = len(names)
    time, result_time, number, other, quality, place = columns
    moved = {int(at[i]): value for i, value in other.items()}
    times = np.full(n, NO_TIME), np.full(n, NO_TIME)
    out = Snapshot(
        moment, names, *times, np.full(n, np.nan), moved, np.zeros(n, np.uint8), np.full((n, 4), np.nan)
    )
    out.time[at], out.result_time[at], out.number[at] = time, result_time, number
    out.quality[at], out.position[at] = quality, place
    return out


@dataclass(frozen=True)
class Catalogue:
    """What there is: things and their datastreams, each in the order in which it came.

    Raises
    ------
    ValueError
        If two have one id, or a datastream belongs to no thing.
    """

    things: tuple[Thing, ...] = ()
    datastreams: tuple[Datastream, ...] = ()

    def __post_init__(self) -> None:
        for kind, items, known in (
            ("things", self.things, self._things),
            ("datastreams", self.datastreams, self._datastreams),
        ):
            if len(known) != len(items):
                names = Counter(item.id for item in items)
                raise ValueError(f"two {kind} have the @iot.id {names.most_common(1)[0][0]!r}")
        orphan = next((d for d in self.datastreams if d.thing not in self._things), None)
        if orphan is not None:
            raise ValueError(
                f"datastream {orphan.id!r} belongs to thing {orphan.thing!r}, which is not there"
            )

    @cached_property
    def _things(self) -> dict[str, Thing]:
        return {t.id: t for t in self.things}

    @cached_property
    def _datastreams(self) -> dict[str, Datastream]:
        return {d.id: d for d in self.datastreams}

    def __contains__(self, datastream: str) -> bool:
        return datastream in self._datastreams

    def has_thing(self, name: str) -> bool:
        """Whether there is a thing with an id."""
        return name in self._things

    def thing(self, name: str) -> Thing:
        """The thing with an id; KeyError if there is none."""
        return self._things[name]

    def datastream(self, name: str) -> Datastream:
        """The datastream with an id; KeyError if there is none."""
        return self._datastreams[name]

    def merged(self, other: Catalogue) -> Catalogue:
        """Both, where the other's entries take the place of those with the same ids."""
        return Catalogue(
            tuple({**self._things, **other._things}.values()),
            tuple({**self._datastreams, **other._datastreams}.values()),
        )
