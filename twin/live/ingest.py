"""Live sources into the store of a city, until a time is over or the user ends it."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from twin.city.manifest import MANIFEST
from twin.live.bindings import tell_unknown
from twin.live.counts import Counts
from twin.live.fetch import Fetcher, FetchError, FetchLimits
from twin.live.folder import find_site, record
from twin.live.intake import Intake
from twin.live.judge import judging_live
from twin.live.messages import Decoder
from twin.live.mqtt import MqttSource
from twin.live.ngsi import EntityReader, entity_pages, first_place_of
from twin.live.places import Locator
from twin.live.pump import Pump
from twin.live.store import open_store
from twin.live.tidier import Tidier
from twin.live.times import SteadyClock, now_us

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from twin.core.notices import Notices
    from twin.live.folder import Site
    from twin.live.judge import Judged
    from twin.live.mapping import MessageRule
    from twin.live.model import Catalogue
    from twin.live.mqtt import ConnectionState, Subscription


_ROUND_S = 0.25


@dataclass(slots=True)
class Ended:
    """What an ingest has done, also where it was broken off.

    Parameters
    ----------
    counts : Counts
        Of observations.
    n_messages : int
        How many messages came, of which some tell several observations.
    n_connects : int
        How often the broker was reached.
    reason : str
        Why the broker is away at the end, where it is.
    n_alarm_events : int, optional
        How many events the alarm log has more; None where nothing was judged.
    tidied : dict
        How many observations were ``removed`` and ``thinned`` meanwhile, where the city has rules of retention.
    """

    counts: Counts = field(default_factory=Counts)
    n_messages: int = 0
    n_connects: int = 0
    reason: str = ""
    n_alarm_events: int | None = None
    tidied: dict[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """In plain values."""
        told: dict[str, Any] = {
            **self.counts.as_json(),
            "messages": self.n_messages,
            "connects": self.n_connects,
        }
        told |= self.tidied
        return told if self.n_alarm_events is None else {**told, "alarm_events": self.n_alarm_events}


def ingest_mqtt(
    city: Path,
    wanted: Subscription,
    *,
    seconds: float | None = None,
    rules: Sequence[MessageRule] = (),
    crs: str | None = None,
    alarms: bool = True,
    alarm_rules: Path | None = None,
    on_change: Callable[[ConnectionState], None] | None = None,
    until: threading.Event | None = None,
    ended: Ended | None = None,
    notices: Notices,
) -> Ended:
    """Keep what a broker sends, and say what became of it.

    A broker that is away is waited for. However it ends, what has arrived is kept.

    Parameters
    ----------
    city : Path
        A city, or a new folder that becomes one.
    wanted : Subscription
    seconds : float, optional
        How long; until it is ended if not given.
    rules : sequence of MessageRule
        Of messages that are no SensorThings.
    crs : str, optional
        Of a new city.
    alarms : bool
        Whether what comes is judged.
    alarm_rules : Path, optional
        Rules of alarms instead of ``live/alarms.toml`` of the city.
    on_change : callable, optional
        Is told when the connection comes and goes.
    until : threading.Event, optional
        Ends it when it is set.
    ended : Ended, optional
        Is filled and given back; whoever passes one has it also where an exception ends the ingest.

    Raises
    ------
    BusyError
        If another process keeps observations of the city.
    ConfigError
        If the broker refuses us, or its certificate is not to be trusted.
    StorageError
        If the disk is full or fails; what was kept until then stays.
    """
    ended = ended or Ended()
    site = find_site(city, crs=crs, near=None, notices=notices)
    with open_store(city, write=True, notices=notices) as store:
        known = store.catalogue()
        intake = Intake(store, catalogue=known)
        source = MqttSource(wanted)
        pump = Pump(source, Decoder(intake, Locator(site.crs, site.extent), rules))
        tidier = Tidier(store, city)
        source.start()
        try:
            with judging_live(
                city, store, intake, rules=alarm_rules, is_on=alarms, notices=notices
            ) as judged:
                work = _Work(pump, judged, tidier)
                _run(work, seconds, on_change=on_change, until=until or threading.Event())
                pump.finish()
            ended.n_alarm_events = judged.n_events
        finally:
            try:
                pump.finish()
            finally:
                intake.tell(notices)
                ended.counts, ended.n_messages = intake.counts, source.arrivals.received
                ended.tidied = tidier.as_json()
                ended.n_connects, ended.reason = source.state.n_connects, source.state.reason
        catalogue: Catalogue = intake.catalogue
    _record(site, known, catalogue, notices)
    return ended


@dataclass(frozen=True, slots=True)
class _Work:
    """What is done round after round."""

    pump: Pump
    judged: Judged
    tidier: Tidier


def _run(
    work: _Work,
    seconds: float | None,
    *,
    on_change: Callable[[ConnectionState], None] | None,
    until: threading.Event,
) -> None:
    """Turn the pump; what it keeps is judged and given up by the rules of the city, if it has some."""
    end = math.inf if seconds is None else time.monotonic() + seconds
    told, clock = None, SteadyClock()
    while time.monotonic() < end and not until.is_set():
        work.pump.run_for(max(0.0, min(_ROUND_S, end - time.monotonic())))
        now = clock.now_us()
        work.judged.keep_time(now)
        work.tidier.work(now)
        state = work.pump.source.state
        if on_change is not None and (state.is_online, state.reason) != told:
            told = state.is_online, state.reason
            on_change(state)


def ingest_ngsi(
    city: Path,
    url: str,
    *,
    kind: str | None = None,
    seconds: float | None = None,
    every_s: float = 60.0,
    crs: str | None = None,
    alarms: bool = True,
    alarm_rules: Path | None = None,
    limits: FetchLimits | None = None,
    until: threading.Event | None = None,
    ended: Ended | None = None,
    notices: Notices,
) -> Ended:
    """Keep the entities that an NGSI-LD server gives, once, or every so many seconds until a time is over.

    A server that fails or never ends is told of; what it gave until then is kept.

    Parameters
    ----------
    url : str
        Of the server, or of its ``entities``.
    kind : str, optional
        Type of the entities.
    seconds : float, optional
        How long; one round if not given.
    every_s : float
        From one round to the next.
    alarms : bool
        Whether what comes is judged.
    alarm_rules : Path, optional
        Rules of alarms instead of ``live/alarms.toml`` of the city.
    until : threading.Event, optional
        Ends it when it is set.

    Raises
    ------
    BusyError, StorageError, UsageError
        As in `ingest_mqtt`.
    """
    ended = ended or Ended()
    end, stop = time.monotonic() + (seconds or 0.0), until or threading.Event()
    entities, asked = _entities(url, kind, limits, notices)
    if not entities and not (city / MANIFEST).exists():
        notices.add("no-things", f"{asked.base}: gave no entities; nothing was kept")
        return ended
    site = find_site(city, crs=crs, near=first_place_of(entities), notices=notices)
    with open_store(city, write=True, notices=notices) as store:
        known = store.catalogue()
        intake = Intake(store, catalogue=known)
        ended.counts = intake.counts
        tidier = Tidier(store, city)
        reader = EntityReader(intake, Locator(site.crs, site.extent), asked.base, notices)
        try:
            with judging_live(
                city, store, intake, rules=alarm_rules, is_on=alarms, notices=notices
            ) as judged:
                while True:
                    started = time.monotonic()
                    for entity in entities:
                        reader.take(entity)
                    ended.n_messages += len(entities)
                    ended.n_connects += 1
                    intake.flush()
                    judged.keep_time(now_us())
                    tidier.work(now_us())
                    wait_s = max(0.0, started + every_s - time.monotonic())
                    if time.monotonic() + wait_s >= end:
                        break
                    if stop.wait(wait_s):
                        break
                    entities, _ = _entities(url, kind, limits, notices)
            ended.n_alarm_events = judged.n_events
        finally:
            try:
                intake.flush()
            finally:
                intake.tell(notices)
                ended.tidied = tidier.as_json()
        catalogue = intake.catalogue
    _record(site, known, catalogue, notices)
    return ended


def _record(site: Site, known: Catalogue, catalogue: Catalogue, notices: Notices) -> None:
    """Write down what has come to be known, and say what of it is bound to nothing of the city."""
    if catalogue.things != known.things or site.manifest is None:
        before = {t.id for t in known.things}
        tell_unknown(site, [t for t in catalogue.things if t.id not in before], notices=notices)
        record(site, catalogue, (), notices=notices)


def _entities(
    url: str, kind: str | None, limits: FetchLimits | None, notices: Notices
) -> tuple[list[Any], Fetcher]:
    """What a server gives now, as far as it goes."""
    asked = Fetcher(url.rstrip("/") + "/", limits or FetchLimits())
    entities: list[Any] = []
    try:
        entities.extend(entity_pages(asked, kind))
    except FetchError as error:
        notices.add("server", f"{asked.base}: {error}; what came before is kept")
    finally:
        asked.close()
    return entities, asked
