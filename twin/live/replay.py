"""History fed into a city by the clock of the scene, as if it came in now, at any speed; alarms judged as it goes."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twin.core.errors import InputError, InputNotFoundError, UsageError
from twin.live.decode import decode_observation, parse_json
from twin.live.folder import find_site
from twin.live.intake import Intake
from twin.live.judge import judging
from twin.live.lines import bounded_lines
from twin.live.model import MICROSECONDS
from twin.live.places import Locator
from twin.live.rejected import RejectedError
from twin.live.store import open_store
from twin.live.times import FILE_AHEAD_S, now_us

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from twin.core.notices import Notices
    from twin.live.counts import Counts
    from twin.live.decode import Spec
    from twin.live.model import Observation

    Locate = Callable[[Any, Any], tuple[float, float, float, float] | None]

BATCH = 5_000
KEEP_EVERY_S = 0.5
"""What came in is kept at least so often by the wall clock."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What a replay did: what became of its lines, and how many events the alarm log has more."""

    counts: Counts
    n_alarm_events: int | None


class Clock:
    """The clock of the scene: it runs `speed` times as fast as the wall clock, from the first moment that it is told.

    Parameters
    ----------
    speed : float
        Infinite never waits.
    """

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self._began = 0.0
        self._first: int | None = None

    def wait_s(self, time_us: int) -> float:
        """Seconds of the wall clock until a moment of the scene; 0 once it is past."""
        if self._first is None:
            self._first, self._began = time_us, time.monotonic()
        if math.isinf(self.speed):
            return 0.0
        due = self._began + (time_us - self._first) / MICROSECONDS / self.speed
        return max(0.0, due - time.monotonic())


def check_speed(speed: float) -> float:
    """A speed; 0 means as fast as possible.

    Raises
    ------
    UsageError
        If it is negative or no number.

    Examples
    --------
    >>> check_speed(60.0), check_speed(0.0)
    (60.0, inf)
    """
    if math.isnan(speed) or speed < 0:
        raise UsageError("--speed", f"is {speed}", "give how many seconds pass in one, or 0 for all at once")
    return speed or math.inf


def replay(
    city: Path,
    path: Path,
    *,
    speed: float = 1.0,
    rules: Path | None = None,
    until: threading.Event | None = None,
    notices: Notices,
) -> Replayed:
    """Feed a file of observations into a city, one a line in the order in which they came in.

    Parameters
    ----------
    city : Path
        Its folder, with things.
    path : Path
        JSON lines of SensorThings Observations.
    speed : float
        Seconds of the scene in a second; 0 waits for nothing.
    rules : Path, optional
        Rules of alarms, instead of ``live/alarms.toml`` of the city.
    until : threading.Event, optional
        Ends it when it is set; what was fed until then is kept and judged.
    notices : Notices
        Is told which lines were refused and why.

    Raises
    ------
    InputNotFoundError
        If there is no such file.
    InputError
        If the city knows no datastreams.
    ConfigError
        If the rules have a mistake.
    BusyError
        If another process writes observations of the city.
    """
    pace = Clock(check_speed(speed))
    if not path.is_file():
        raise InputNotFoundError(path, "not found" if not path.exists() else "is a folder", "name a file")
    locate = _locator(city, notices)
    with open_store(city, write=True, notices=notices) as store:
        intake = Intake(store, catalogue=store.catalogue())
        reader = Lines(path, intake.specs, _latest_us(), locate)
        first = reader.first_time()
        with judging(city, store, intake, rules=rules, from_us=first, notices=notices) as judged:
            _feed(reader, intake, pace, until or threading.Event())
    if not intake.counts.received:
        notices.add("no-observations", f"{path}: holds no observations", subject=str(path))
    intake.tell(notices)
    return Replayed(intake.counts, judged.n_events)


def reader_of(city: Path, path: Path, specs: dict[str, Spec], notices: Notices) -> Lines:
    """A reader of a file of observations of a city's datastreams.

    Raises
    ------
    InputError
        If the city knows no datastreams.
    """
    return Lines(path, specs, _latest_us(), _locator(city, notices))


def _latest_us() -> int:
    return now_us() + round(FILE_AHEAD_S * MICROSECONDS)


def _locator(city: Path, notices: Notices) -> Locate:
    """Where messages of moving things are in the city; its folder is known to have things."""
    with open_store(city) as store:
        if not store.catalogue().datastreams:
            raise InputError(city, "knows no datastreams", "import its things first: `twin live import`")
    site = find_site(city, crs=None, near=None, notices=notices)
    return Locator(site.crs, None).moved


@dataclass(slots=True)
class Lines:
    """The lines of a file as observations, or why one is none."""

    path: Path
    specs: dict[str, Spec]
    latest_us: int
    locate: Locate

    def __iter__(self) -> Iterator[tuple[str, Observation | RejectedError]]:
        for number, line in bounded_lines(self.path):
            yield f"{self.path.name}: line {number}", self.read(line)

    def read(self, line: bytes | RejectedError) -> Observation | RejectedError:
        """The observation of a line, or why it is none."""
        if isinstance(line, RejectedError):
            return line
        try:
            return decode_observation(
                parse_json(line), self.specs, latest_us=self.latest_us, locate=self.locate
            )
        except RejectedError as reason:
            return reason

    def first_time(self) -> int | None:
        """Phenomenon time of the first sound observation, microseconds; None without any."""
        sound = (found for _, found in self if not isinstance(found, RejectedError))
        first = next(sound, None)
        return None if first is None else first.phenomenon_time


def _feed(reader: Lines, intake: Intake, pace: Clock, until: threading.Event) -> None:
    kept_at = time.monotonic()
    for where, found in reader:
        if isinstance(found, RejectedError):
            intake.reject(where, found)
            continue
        wait_s = pace.wait_s(found.phenomenon_time)
        is_full = len(intake.waiting) >= BATCH
        if is_full or (wait_s > 0 and time.monotonic() - kept_at + wait_s >= KEEP_EVERY_S):
            intake.flush()
            kept_at = time.monotonic()
        if until.wait(pace.wait_s(found.phenomenon_time)):
            break
        intake.add(found)
    intake.flush()
