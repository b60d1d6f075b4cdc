"""Files into a city: catalogues first, then observations, whatever order they were given in."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.core.errors import CrsError, InputError
from twin.live.bindings import tell_unknown
from twin.live.decode import decode_observation, parse_json
from twin.live.folder import Site, find_site, record
from twin.live.import_plans import TABLES, first_near, first_told_crs, looks_geographic, plan_of
from twin.live.intake import Intake
from twin.live.judge import judging_stored
from twin.live.lines import bounded_lines
from twin.live.model import MICROSECONDS, Catalogue
from twin.live.places import Locator
from twin.live.rejected import RejectedError
from twin.live.stations import read_stations
from twin.live.store import open_store
from twin.live.tables import take_csv, take_lines, take_parquet
from twin.live.things import read_things
from twin.live.times import FILE_AHEAD_S, now_us
from twin.live.usgs import read_rdb, read_waterml

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pyproj import CRS

    from twin.core.notices import Notices
    from twin.core.progress import Progress
    from twin.live.counts import Counts
    from twin.live.import_plans import ImportOptions, Plan

    Rows = list[tuple[str, Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did: its counts, what the city knows now, and how many events the alarm log has more."""

    counts: Counts
    catalogue: Catalogue
    n_alarm_events: int | None = None

    def as_json(self) -> dict[str, Any]:
        """In plain values; events where observations were judged."""
        told = {
            **self.counts.as_json(),
            "things": len(self.catalogue.things),
            "datastreams": len(self.catalogue.datastreams),
        }
        return told if self.n_alarm_events is None else {**told, "alarm_events": self.n_alarm_events}


def import_files(
    city: Path, files: Sequence[Path], options: ImportOptions, *, notices: Notices, progress: Progress
) -> Imported:
    """Take files into a city, or into a new folder that then holds its observations only.

    Parameters
    ----------
    city : Path
    files : sequence of Path
        SensorThings answers, lists of stations, observations; the content decides.

    Raises
    ------
    TwinError
        One of its leaves; of a file that cannot be read nothing is kept, of one with bad rows the others are.
    """
    progress.stage("read", len(files))
    plans = [plan_of(Path(f), options) for f in files]
    told = _city_crs(options.crs) or first_told_crs(plans)
    site = find_site(city, crs=told, near=first_near(plans, options), notices=notices)
    read = [_catalogue(plan, site, options, notices) for plan in plans]
    merged = Catalogue()
    for catalogue, _ in read:
        merged = merged.merged(catalogue)
    if site.manifest is None and not merged.things:
        raise InputError(
            files[0],
            "tells of no things, and the city is new",
            "import its things first, such as things.json",
        )
    tell_unknown(site, merged.things, notices=notices)
    latest_us = now_us() + int(FILE_AHEAD_S * MICROSECONDS)
    with open_store(city, write=True, notices=notices) as store:
        intake = Intake(store, catalogue=store.catalogue())
        intake.learn(merged)
        progress.stage("keep", len(plans))
        with judging_stored(
            city, store, intake, rules=options.alarm_rules, is_on=options.alarms, notices=notices
        ) as judged:
            for plan, (_, rows) in zip(plans, read, strict=True):
                n = take_lines(rows, intake, latest_us=latest_us)
                n += _observations(plan, site, intake, options, latest_us)
                if not n and plan.kind not in {"things", "stations", "rdb"}:
                    told = f"{plan.path}: holds no observations"
                    notices.add("no-observations", told, subject=str(plan.path))
                progress.advance()
        intake.tell(notices)
        catalogue = intake.catalogue
    record(site, catalogue, _sources(plans), notices=notices)
    return Imported(intake.counts, catalogue, judged.n_events)


def _sources(plans: list[Plan]) -> tuple[Any, ...]:
    from twin.city.plan import sources_of

    return tuple(s for plan in plans for s in sources_of(plan.path))


def _city_crs(crs: str | None) -> str | None:
    """The CRS of a new city, where the one given can be one: degrees are for the stations alone."""
    from twin.core.crs import horizontal, parse_crs

    return None if crs is None or horizontal(parse_crs(crs)).is_geographic else crs


def _catalogue(plan: Plan, site: Site, options: ImportOptions, notices: Notices) -> tuple[Catalogue, Rows]:
    where = plan.path.name
    locator = Locator(site.crs, site.extent, where=where)
    if plan.kind == "things":
        return read_things(plan.document, where=where, locator=locator, notices=notices), []
    if plan.kind == "usgs":
        return _as_rows(read_waterml(plan.document, where=where, locator=locator, notices=notices))
    if plan.kind == "rdb":
        return _as_rows(read_rdb(plan.path, locator=locator, notices=notices))
    if plan.kind == "stations":
        return _as_rows(_stations(plan, site, options, notices))
    return Catalogue(), []


def _as_rows(found: tuple[Catalogue, Sequence[tuple[str, Mapping[str, Any]]]]) -> tuple[Catalogue, Rows]:
    return found[0], list(found[1])


def _stations(
    plan: Plan, site: Site, options: ImportOptions, notices: Notices
) -> tuple[Catalogue, list[tuple[str, dict[str, Any]]]]:
    from twin.core.crs import parse_crs
    from twin.sources.tables import read_table

    given = parse_crs(options.crs) if options.crs else None
    source: CRS | None
    if plan.path.suffix.lower() in TABLES:
        table = read_table(plan.path, encoding=options.encoding, notices=notices)
        source = given or (site.crs if not looks_geographic(table, options) else None)
        if source is site.crs and given is None and site.manifest is None:
            raise CrsError(
                plan.path, "tells places as x and y, and the city is new", "say in which with --crs"
            )
    else:
        table, source = _vector(plan.path, site, given, options, notices), site.crs
    read: Callable[..., tuple[Catalogue, list[tuple[str, dict[str, Any]]]]] = partial(
        read_stations, told=options.columns, values=options.values, time=options.time, notices=notices
    )
    return read(table, where=plan.path.name, locator=Locator(site.crs, site.extent, source, plan.path.name))


def _vector(path: Path, site: Site, given: CRS | None, options: ImportOptions, notices: Notices) -> Any:
    from twin.sources.vectors import read_vector

    return read_vector(
        path, crs=site.crs, assume_crs=given, encoding=options.encoding, keep_z=True, notices=notices
    )


def _observations(plan: Plan, site: Site, intake: Intake, options: ImportOptions, latest_us: int) -> int:
    if plan.kind == "lines":
        return take_json_lines(
            plan.path, intake, site=site, otherwise=options.datastream, latest_us=latest_us
        )
    if plan.kind == "observations":
        locate = Locator(site.crs, None).moved
        for n, entry in enumerate(plan.document, 1):
            where = f"{plan.path.name}: observation {n}"
            take_observation(
                entry, where, intake, locate=locate, otherwise=options.datastream, latest_us=latest_us
            )
        return len(plan.document)
    if plan.kind in {"csv", "parquet"}:
        how = {
            "told": options.columns,
            "datastream": options.datastream,
            "zone": options.zone,
            "latest_us": latest_us,
        }
        if plan.kind == "parquet":
            return take_parquet(plan.path, intake, **how)  # type: ignore[arg-type]
        return take_csv(plan.path, intake, encoding=options.encoding, **how)  # type: ignore[arg-type]
    return 0


def take_json_lines(path: Path, intake: Intake, *, site: Site, otherwise: str = "", latest_us: int) -> int:
    """Take in a file with one SensorThings Observation a line; how many lines it had."""
    n, locate = 0, Locator(site.crs, None).moved
    for number, line in bounded_lines(path):
        n += 1
        where = f"{path.name}: line {number}"
        if isinstance(line, RejectedError):
            intake.reject(where, line)
            continue
        try:
            entry = parse_json(line)
        except RejectedError as reason:
            intake.reject(where, reason)
            continue
        take_observation(entry, where, intake, locate=locate, otherwise=otherwise, latest_us=latest_us)
    return n


def take_observation(
    entry: Any,
    where: str,
    intake: Intake,
    *,
    locate: Callable[[Any, Any], tuple[float, float, float, float] | None],
    datastream: str = "",
    otherwise: str = "",
    latest_us: int,
) -> None:
    """Take one SensorThings Observation in, or count why not."""
    try:
        found = decode_observation(
            entry,
            intake.specs,
            latest_us=latest_us,
            datastream=datastream,
            otherwise=otherwise,
            locate=locate,
        )
        intake.add(found)
    except RejectedError as reason:
        intake.reject(where, reason)
