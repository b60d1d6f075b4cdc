"""Things and observations from an OGC SensorThings server, page by page, as far as it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from twin.core.visible_text import visible_text
from twin.live.bindings import tell_unknown
from twin.live.fetch import Fetcher, FetchError, FetchLimits
from twin.live.folder import find_site, record
from twin.live.import_plans import first_place, told_crs
from twin.live.importing import Imported, take_observation
from twin.live.intake import Intake
from twin.live.judge import judging_stored
from twin.live.model import MICROSECONDS, Catalogue
from twin.live.moments import iso_utc
from twin.live.places import Locator
from twin.live.store import open_store
from twin.live.things import read_things
from twin.live.times import FILE_AHEAD_S, now_us

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from twin.core.notices import Notices

_EXPAND = "$expand=Locations,Datastreams($expand=ObservedProperty)"
_TOP = 1000
_SAFE = "':"


def import_sensorthings(
    city: Path,
    url: str,
    *,
    since_us: int | None = None,
    crs: str | None = None,
    alarms: bool = True,
    alarm_rules: Path | None = None,
    limits: FetchLimits | None = None,
    fetcher: Fetcher | None = None,
    notices: Notices,
) -> Imported:
    """Take what a server has into a city: its things, then the observations of each datastream in their order.

    A server that fails, sends us elsewhere or never ends is told of; what it gave until then is kept.

    Parameters
    ----------
    url : str
        Root of the service, such as ``https://host/FROST-Server/v1.1``.
    since_us : int, optional
        Only observations from then on; from the newest that is kept already if not given.
    crs : str, optional
        Of a new city.
    alarms : bool
        Whether what comes is judged.
    alarm_rules : Path, optional
        Rules of alarms instead of ``live/alarms.toml`` of the city.

    Raises
    ------
    TwinError
        One of its leaves, where the address, the city or the things themselves cannot be meant.
    """
    asked = fetcher or Fetcher(url.rstrip("/") + "/", limits or FetchLimits())
    where = visible_text(asked.base.rstrip("/"), max_chars=80)
    try:
        found = _things(asked, where, notices)
        rows = list(
            {str(row.get("@iot.id")): row for row in found}.values()
        )  # pages that shift repeat entries
        if not rows:
            notices.add("no-things", f"{where}: gave no things; nothing was kept")
            return Imported(Intake().counts, Catalogue())
        answer = {"value": rows}
        told = crs or told_crs(answer)
        site = find_site(city, crs=told, near=first_place(answer), notices=notices)
        catalogue = read_things(
            answer, where=where, locator=Locator(site.crs, site.extent, where=where), notices=notices
        )
        tell_unknown(site, catalogue.things, notices=notices)
        with open_store(city, write=True, notices=notices) as store:
            intake = Intake(store, catalogue=store.catalogue())
            intake.learn(catalogue)
            with judging_stored(
                city, store, intake, rules=alarm_rules, is_on=alarms, notices=notices
            ) as judged:
                for stream in catalogue.datastreams:
                    first = since_us if since_us is not None else store.history_end(stream.id)
                    if not _observations(
                        asked, stream.id, intake, first_us=first, where=where, notices=notices
                    ):
                        break
            intake.tell(notices)
        record(site, intake.catalogue, (), notices=notices)
        return Imported(intake.counts, intake.catalogue, judged.n_events)
    finally:
        asked.close()


def _things(asked: Fetcher, where: str, notices: Notices) -> Iterator[dict[str, Any]]:
    try:
        for row in pages(asked, f"Things?{_EXPAND}"):
            if isinstance(row, dict):
                more = row.pop("Datastreams@iot.nextLink", None)
                if isinstance(more, str) and isinstance(row.get("Datastreams"), list):
                    row["Datastreams"].extend(pages(asked, more))
                yield row
    except FetchError as error:
        notices.add("server", f"{where}: Things: {error}; what came before is kept")


def pages(asked: Fetcher, url: str) -> Iterator[Any]:
    """The entries of a collection, page after page.

    Raises
    ------
    FetchError
        As `Fetcher.page`, or if a page is no list of entries.
    """
    link: str | None = url
    while link is not None:
        document, _ = asked.page(link)
        rows = document.get("value") if isinstance(document, dict) else None
        if not isinstance(rows, list):
            raise FetchError("its answer holds no list of entries")
        yield from rows
        following = document.get("@iot.nextLink")
        link = following if isinstance(following, str) else None


def _observations(
    asked: Fetcher, stream: str, intake: Intake, *, first_us: int | None, where: str, notices: Notices
) -> bool:
    """Take in what there is of one datastream; whether it is of use to ask the server for the next."""
    latest_us = now_us() + int(FILE_AHEAD_S * MICROSECONDS)
    shown = stream if stream.isdigit() else "'" + stream.replace("'", "''") + "'"
    link = f"Datastreams({quote(shown, safe=_SAFE)})/Observations?$orderby=phenomenonTime&$top={_TOP}"
    if first_us is not None:
        link += f"&$filter=phenomenonTime%20ge%20{iso_utc(first_us)}"
    try:
        for n, entry in enumerate(pages(asked, link), 1):
            place = f"{where}: {visible_text(stream)}: observation {n}"
            take_observation(
                entry, place, intake, locate=lambda *_: None, datastream=stream, latest_us=latest_us
            )
    except FetchError as error:
        notices.add(
            "server", f"{where}: {visible_text(stream)}: {error}; what came before is kept", subject=stream
        )
        return not error.is_final
    return True
