"""A broker that the window listens to: a process of its own keeps what comes, as `twin live ingest` does.

A city has one writer. Where another process receives already, the window follows what that one writes, and takes its
place when it ends. The process ends with the window, also when the window ends without a word.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from twin.core.lock import is_being_written
from twin.live.schema import FOLDER
from twin.viewer.work import ProcessJob

if TYPE_CHECKING:
    from pathlib import Path

    from twin.core.translations import Texts
    from twin.viewer.desk import Desk

PATIENCE_S = 3.0
_LOOK_MS = 2000
_TELLS = "broker "


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker and what is wanted of it.

    Parameters
    ----------
    url : str
        ``mqtt://HOST:PORT`` or ``mqtts://HOST:PORT``.
    topics : tuple of str
        Filters; those of `twin live ingest` if there are none.
    credentials, ca, mapping : Path, optional
        As the options of `twin live ingest`.
    """

    url: str
    topics: tuple[str, ...] = ()
    credentials: Path | None = None
    ca: Path | None = None
    mapping: Path | None = None

    def arguments(self, city: Path) -> list[str]:
        """What `twin` is called with to receive for a city."""
        found = ["live", "ingest", str(city), "--mqtt", self.url, "--attached"]
        for topic in self.topics:
            found += ["--topic", topic]
        for name, path in (("credentials", self.credentials), ("ca", self.ca), ("map", self.mapping)):
            if path is not None:
                found += [f"--{name}", str(path)]
        return found


class FeedState(Enum):
    """How a feed stands; the values name its texts."""

    OFF = "off"
    STARTING = "starting"
    ONLINE = "receiving"
    OFFLINE = "no_answer"
    FOLLOWING = "following"


class Feed(QObject):
    """Receives from a broker while the window is open.

    Signals
    -------
    changed : FeedState
    failed : Exception
        The broker, its topics or the city cannot be used.
    """

    changed = Signal(object)
    failed = Signal(object)

    def __init__(self, desk: Desk, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.desk = desk
        self.broker: Broker | None = None
        self.state = FeedState.OFF
        self._job: ProcessJob | None = None
        self._city: Path | None = None
        self._looks = QTimer(self, interval=_LOOK_MS)
        self._looks.timeout.connect(self._look)
        desk.opened.connect(self._opened)

    def start(self, broker: Broker) -> None:
        """Listen to a broker from now on, instead of the one before."""
        self.stop()
        if self.desk.city is None:
            return
        self.broker, self._city = broker, self.desk.city.path
        self._receive()

    def stop(self) -> None:
        """Listen no more; what has come is kept."""
        self._looks.stop()
        job, self._job = self._job, None
        if job is not None:
            job.end(PATIENCE_S)
        self.broker = None
        self._become(FeedState.OFF)

    def told(self, texts: Texts) -> str:
        """How it stands, in words; empty without a broker."""
        if self.broker is None or self.state is FeedState.OFF:
            return ""
        return texts(f"feed.{self.state.value}", url=self.broker.url)

    def _opened(self) -> None:
        """Another city is no place for what came for this one."""
        if self.broker is not None and (self.desk.city is None or self.desk.city.path != self._city):
            self.stop()

    def _receive(self) -> None:
        broker, city = self.broker, self._city
        if broker is None or city is None:
            return
        if is_being_written(city / FOLDER):
            self._follow()
            return
        job = ProcessJob(broker.arguments(city), name="feed", parent=self)
        job.said.connect(lambda line: self._hear(job, line))
        job.failed.connect(lambda error: self._fail(job, error))
        job.finished.connect(lambda _answer: self._end(job))
        self._job = job
        self._become(FeedState.STARTING)
        job.start()

    def _hear(self, job: ProcessJob, line: str) -> None:
        if job is self._job and line.startswith(_TELLS):
            is_online = line.removeprefix(_TELLS).startswith("online")
            self._become(FeedState.ONLINE if is_online else FeedState.OFFLINE)

    def _fail(self, job: ProcessJob, error: Exception) -> None:
        if job is not self._job:
            return
        self._job = None
        if self._city is not None and is_being_written(self._city / FOLDER):
            self._follow()  # another one was quicker
            return
        self.broker = None
        self._become(FeedState.OFF)
        self.failed.emit(error)

    def _end(self, job: ProcessJob) -> None:
        if job is self._job:
            self._job = self.broker = None
            self._become(FeedState.OFF)

    def _follow(self) -> None:
        self._become(FeedState.FOLLOWING)
        self._looks.start()

    def _look(self) -> None:
        """Take the place of the other process once it is gone."""
        if self._city is None or is_being_written(self._city / FOLDER):
            return
        self._looks.stop()
        self._receive()

    def _become(self, state: FeedState) -> None:
        if state is not self.state:
            self.state = state
            self.changed.emit(state)
