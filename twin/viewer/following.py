"""Live mode: what a running feed adds to the city's observations is followed, second by second."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from twin.core.errors import InputError
from twin.core.lock import is_being_written
from twin.live.schema import FOLDER
from twin.live.store import open_store
from twin.scene.live_layer import moment_of_us
from twin.viewer.moving import alarm_events

if TYPE_CHECKING:
    from twin.city.model import City
    from twin.scene.workspace import Workspace
    from twin.viewer.desk import Desk
    from twin.viewer.moving import Moving
    from twin.viewer.tasks import Tasks
    from twin.viewer.timing import Event

POLL_MS = 1000
TASK = "live"


@dataclass(frozen=True, slots=True)
class Freshness:
    """How a city's observations stand.

    Parameters
    ----------
    is_online : bool
        Whether a process keeps observations now.
    newest : datetime, optional
        Of the newest observation; None where there is none.
    n_datastreams : int
    alarms : tuple of Event
    """

    is_online: bool
    newest: datetime | None = None
    n_datastreams: int = 0
    alarms: tuple[Event, ...] = ()

    def age_s(self, now: datetime | None = None) -> float | None:
        """Seconds since the newest observation; None where there is none."""
        return (
            None
            if self.newest is None
            else max(0.0, ((now or datetime.now(UTC)) - self.newest).total_seconds())
        )


class Following(QObject):
    """Asks each second how the observations stand, while the clock is live.

    Signals
    -------
    told : Freshness or None
        How they stand; None where the clock is not live.
    """

    told = Signal(object)

    def __init__(self, desk: Desk, moving: Moving, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.desk, self.moving, self.tasks = desk, moving, tasks
        self.found: Freshness | None = None
        self._soon = QTimer(self, interval=POLL_MS)
        self._soon.timeout.connect(self._ask)
        desk.changed.connect(self._follow)
        desk.opened.connect(self._open)

    def _open(self) -> None:
        self.found = None
        self._follow(self.desk.state, self.desk.state)

    def _follow(self, _before: Workspace, after: Workspace) -> None:
        is_live = after.clock.is_live and self.desk.city is not None
        if is_live == self._soon.isActive():
            return
        if is_live:
            self._soon.start()
            self._ask()
        else:
            self._soon.stop()
            self.found = None
            self.told.emit(None)

    def _ask(self) -> None:
        city = self.desk.city
        if city is None or TASK in self.tasks.names:
            return
        self.tasks.run(TASK, lambda _told: freshness(city), self._take, is_quiet=True)

    def _take(self, found: Freshness) -> None:
        if not self._soon.isActive():
            return
        before, self.found = self.found, found
        known = before.n_datastreams if before is not None else None
        if found.n_datastreams and (self.moving.sensors is None or known not in {None, found.n_datastreams}):
            self.moving.read_anew()
        elif found.alarms != self.moving.alarms:
            self.moving.take_alarms(found.alarms)
        self.told.emit(found)


def freshness(city: City) -> Freshness:
    """How the observations of a city stand now.

    Raises
    ------
    StorageError
        If they are damaged.
    """
    is_online = is_being_written(city.path / FOLDER)
    try:
        with open_store(city.path) as store:
            span, n = store.span(), store.n_datastreams()
    except InputError:
        return Freshness(is_online)
    return Freshness(is_online, None if span is None else moment_of_us(span[1]), n, alarm_events(city))
