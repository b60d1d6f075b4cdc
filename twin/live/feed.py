"""Observations of a city as a scene asks for them: the newest of every datastream as of a moment."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from twin.core.errors import InputError, TwinError, UsageError
from twin.live.counts import Counts
from twin.live.folder import find_site
from twin.live.freshness import max_ages_s, states
from twin.live.intake import Intake
from twin.live.joined import joined_history, joined_snapshot
from twin.live.judge import Judged, judging_live
from twin.live.mapping import read_mapping
from twin.live.memory import Memory
from twin.live.messages import Decoder
from twin.live.model import NO_TIME, Batch, Catalogue, History, Snapshot
from twin.live.mqtt import MqttSource, Subscription, client_id_of
from twin.live.mqtt_address import find_credentials, parse_broker
from twin.live.places import Locator
from twin.live.pump import Pump
from twin.live.schema import database_path
from twin.live.store import Store, open_store
from twin.live.tidier import Tidier
from twin.live.times import SteadyClock, now_us

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from twin.city.model import City
    from twin.core.notices import Notices
    from twin.live.mqtt import ConnectionState

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_REFRESH_S = 0.1
_TURN_S = 0.02


class Feed:
    """Observations of a city, from its store, from a running subscription, or from both.

    Made by `open_feed` and `connect`; ends with `close`, or as a context.

    Attributes
    ----------
    path : Path
        The city.
    name : str
        As in the legend of a scene.
    """

    def __init__(
        self,
        path: Path,
        *,
        store: Store | None,
        memory: Memory | None = None,
        pump: Pump | None = None,
        judged: Judged | None = None,
        tidier: Tidier | None = None,
        ending: ExitStack,
    ) -> None:
        self.path, self.name = path, "live"
        self._judged, self._tidier = judged or Judged(), tidier
        self._store, self._memory, self._pump, self._ending = store, memory, pump, ending
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._failure: TwinError | None = None
        self._clock = SteadyClock()
        self._medians: dict[str, float] | None = None
        self._catalogue: Catalogue | None = None
        self._thread: threading.Thread | None = None
        if pump is not None:
            self._thread = threading.Thread(
                target=self._keep_fresh, args=(pump,), name="twin-feed", daemon=True
            )
            self._thread.start()

    def __enter__(self) -> Feed:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def catalogue(self) -> Catalogue:
        """Things and datastreams, in the order of the snapshots; grows while messages tell of new ones."""
        if self._pump is not None:
            return self._pump.decoder.intake.catalogue
        with self._lock:
            n = len(self._catalogue.datastreams) if self._catalogue else -1
            if self._store is not None and n != self._store.n_datastreams():
                self._catalogue = self._store.catalogue()
            return self._catalogue or Catalogue()

    @property
    def connection(self) -> ConnectionState | None:
        """How the subscription stands; None where there is none."""
        return self._pump.source.state if self._pump else None

    @property
    def counts(self) -> Counts:
        """What became of the messages so far."""
        return self._pump.decoder.intake.counts if self._pump else Counts()

    @property
    def failure(self) -> TwinError | None:
        """What ended the subscription, such as a broker that refuses us; None while it works or waits."""
        return self._failure

    def span(self) -> tuple[int, int] | None:
        """First and last phenomenon time of all observations, microseconds UTC; None if there are none."""
        spans = []
        if self._store is not None:
            with self._lock:
                spans.append(self._store.span())
        if self._memory is not None:
            spans.append(self._memory.span())
        known = [s for s in spans if s is not None]
        return (min(s[0] for s in known), max(s[1] for s in known)) if known else None

    def latest(self, moment: int | None = None) -> Snapshot:
        """What `as_of` gives; the name that stores have for it, so that a scene takes either."""
        return self.as_of(moment)

    def as_of(self, when: datetime | int | None = None) -> Snapshot:
        """The newest observation of every datastream at a moment.

        Parameters
        ----------
        when : datetime or int, optional
            With its offset, or microseconds UTC. If not given: now for a subscription, the last observation's time
            for a store.

        Raises
        ------
        UsageError
            If the moment names no zone.
        """
        moment = self._moment_us(when)
        recent = None if self._memory is None else self._memory.as_of(moment)
        if recent is not None and (self._store is None or self._memory_reaches(moment)):
            return recent
        if self._store is None:
            raise InputError(self.path, "the feed is closed", "open it again")
        with self._lock:
            kept = self._store.latest(moment)
        return kept if recent is None else joined_snapshot(kept, recent)

    def states(self, snapshot: Snapshot) -> NDArray[np.uint8]:
        """Fresh, stale, missing or invalid, for each datastream of a snapshot of this feed."""
        catalogue = self.catalogue()
        if self._medians is None and self._store is not None:
            with self._lock:
                self._medians = self._store.median_intervals_s()
        return states(snapshot, max_ages_s(catalogue, self._medians)[: len(snapshot.datastreams)])

    def history(
        self, datastream: str, start: datetime | int | None = None, end: datetime | int | None = None
    ) -> History:
        """Observations of one datastream between two moments, both included.

        Raises
        ------
        UsageError
            If there is no such datastream.
        """
        first = NO_TIME if start is None else self._moment_us(start)
        last = self._clock.now_us() if end is None and self._memory is not None else None
        last = last if end is None else self._moment_us(end)
        recent = self._recent(datastream, first, last)
        if recent is not None and (self._store is None or self._memory_reaches(first)):
            return recent
        if self._store is None:
            raise InputError(self.path, "the feed is closed", "open it again")
        with self._lock:
            if recent is not None and datastream not in self._store:  # a message told of it
                return recent
            kept = self._store.history(datastream, first, last)
        return kept if recent is None else joined_history(kept, recent)

    def _recent(self, datastream: str, first: int, last: int | None) -> History | None:
        """What the memory holds of a datastream between two moments; None where there is no memory."""
        if self._memory is None:
            return None
        if datastream not in self._memory:
            raise UsageError(datastream, "is no datastream of this city", "see the feed's catalogue")
        return self._memory.history(datastream, first, last)

    def _memory_reaches(self, moment: int) -> bool:
        return self._memory is not None and self._memory.reaches(moment)

    def close(self) -> None:
        """End the subscription, keep what it brought, and let go of the store."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._ending.close()
        self._store = None

    def _keep_fresh(self, pump: Pump) -> None:
        """Turn the pump until the feed is closed or its subscription can never work."""
        pump.source.start()
        try:
            while not self._stop.is_set():
                if pump.turn() == 0:
                    self._rest()
                    self._stop.wait(_TURN_S)
            pump.finish()
        except TwinError as error:  # told by `failure`: nobody waits for this thread
            self._failure = error
            pump.source.stop()

    def _rest(self) -> None:
        """What there is to do while nothing comes in."""
        now = self._clock.now_us()
        self._judged.keep_time(now)
        if self._tidier is not None:
            self._tidier.work(now)

    def _moment_us(self, when: datetime | int | None) -> int:
        if isinstance(when, datetime):
            if when.tzinfo is None:
                raise UsageError("when", f"{when} names no zone", "give a time with its offset")
            return (when - _EPOCH) // timedelta(microseconds=1)
        if when is not None:
            return int(when)
        if self._memory is not None:
            return self._clock.now_us()
        with self._lock:
            return ((self._store.span() if self._store else None) or (0, 0))[1]


def _folder(city: City | Path | str) -> Path:
    return Path(city) if isinstance(city, str | Path) else city.path


def open_feed(city: City | Path | str) -> Feed:
    """The observations that a city keeps, also while another process adds to them.

    Raises
    ------
    InputError
        If it keeps none.
    StorageError
        If they are damaged.
    """
    path = _folder(city)
    ending = ExitStack()
    store = ending.enter_context(open_store(path))
    return Feed(path, store=store, ending=ending)


def connect(
    city: City | Path | str,
    url: str,
    *,
    topic: str | tuple[str, ...] = "v1.1/#",
    qos: int = 1,
    store: bool = False,
    alarms: bool = True,
    mapping: Path | str | None = None,
    credentials: Path | str | None = None,
    ca: Path | str | None = None,
    notices: Notices | None = None,
) -> Feed:
    """A feed that a broker keeps fresh; returns at once, whether or not the broker is there.

    Parameters
    ----------
    city : City or path
        Whose things are known, from its store.
    url : str
        ``mqtt://HOST:PORT`` or ``mqtts://HOST:PORT``, without a password.
    topic : str or tuple of str
        Filters of topics.
    qos : int
        0 or 1.
    store : bool
        Whether what comes is kept in the city too; this process is then its one writer.
    alarms : bool
        Whether what is kept is judged by the rules of the city.
    mapping : path, optional
        Rules for messages that are no SensorThings.
    credentials : path, optional
        TOML with ``username`` and ``password``; the environment's if not given.
    ca : path, optional
        Certificates of authorities, instead of the system's.

    Raises
    ------
    UsageError, ConfigError
        If the address, the topic or a file cannot be meant.
    BusyError
        If `store` is asked for and another process keeps observations.
    """
    from twin.core.notices import Notices as New

    path = _folder(city)
    told = notices or New()
    wanted = Subscription(
        parse_broker(url),
        (topic,) if isinstance(topic, str) else tuple(topic),
        qos,
        client_id_of(path) if store else "",
        find_credentials(None if credentials is None else Path(credentials)),
        None if ca is None else Path(ca),
    )
    rules = read_mapping(Path(mapping), notices=told) if mapping is not None else ()
    site = find_site(path, crs=None, near=None, notices=told)
    ending = ExitStack()
    reader = ending.enter_context(open_store(path)) if database_path(path).exists() else None
    writer = ending.enter_context(open_store(path, write=True, notices=told)) if store else None
    catalogue = reader.catalogue() if reader is not None else Catalogue()
    memory = Memory(catalogue)
    if reader is not None:
        memory.put(_batch(reader.latest(now_us())))
    intake = Intake(writer, memory, catalogue)
    decoder = Decoder(intake, Locator(site.crs, site.extent), rules)
    pump = Pump(MqttSource(wanted), decoder, batch_s=1.0 if store else _REFRESH_S)
    judged = None
    if writer is not None:
        judged = ending.enter_context(judging_live(path, writer, intake, is_on=alarms, notices=told))
    tidier = Tidier(writer, path)
    return Feed(path, store=reader, memory=memory, pump=pump, judged=judged, tidier=tidier, ending=ending)


def _batch(snapshot: Snapshot) -> Batch:
    """The observations of a snapshot, to fill a memory with what was known before."""
    results = snapshot.results
    there = [i for i, t in enumerate(snapshot.time) if t != NO_TIME]
    return Batch(
        [snapshot.datastreams[i] for i in there],
        [int(snapshot.time[i]) for i in there],
        [int(snapshot.result_time[i]) for i in there],
        [results[i] for i in there],
        [int(snapshot.quality[i]) for i in there],
        [tuple(snapshot.position[i].tolist()) for i in there],
    )
