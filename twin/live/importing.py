"""Files into a city: catalogues first, then observations, whatever order they were given in."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.core.errors import CrsError, InputError, InputNotFoundError
from twin.core.limits import check_limit, limits
from twin.core.notices import Notices
from twin.live.bindings import tell_unknown
from twin.live.decode import decode_observation, is_number, parse_json
from twin.live.folder import Site, find_site, record
from twin.live.intake import Intake
from twin.live.judge import judging_stored
from twin.live.lines import bounded_lines
from twin.live.mapping import find
from twin.live.model import MICROSECONDS, Catalogue
from twin.live.places import WGS84, Locator
from twin.live.rejected import RejectedError
from twin.live.stations import read_stations
from twin.live.store import open_store
from twin.live.tables import is_observations, read_head, take_csv, take_lines, take_parquet
from twin.live.things import read_things
from twin.live.times import FILE_AHEAD_S, now_us
from twin.live.usgs import is_rdb, is_usgs, read_rdb, read_waterml

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pyproj import CRS

    from twin.core.progress import Progress
    from twin.live.counts import Counts

    Rows = list[tuple[str, Mapping[str, Any]]]

_HEAD_BYTES = 65_536
_LINES = {".jsonl", ".ndjson"}
_TABLES = {".csv", ".tsv", ".txt", ".xlsx"}


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How files are read.

    Parameters
    ----------
    crs : str, optional
        Of a new city, and of stations whose file names none.
    columns : mapping
        Role to column of tables.
    values : tuple of str
        Columns of a list of stations that hold results, ``COLUMN`` or ``COLUMN=UNIT``.
    time : str, optional
        When those results were true.
    datastream : str
        Of tables without a column for it.
    encoding, zone : str, optional
        Of text, and of times that name no zone.
    alarms : bool
        Whether what they hold is judged.
    alarm_rules : Path, optional
        Rules of alarms instead of ``live/alarms.toml`` of the city.
    """

    crs: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    values: tuple[str, ...] = ()
    time: str | None = None
    datastream: str = ""
    encoding: str | None = None
    zone: str | None = None
    alarms: bool = True
    alarm_rules: Path | None = None


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a file is, and how it becomes catalogue and observations once the city is known."""

    path: Path
    kind: str
    document: Any = None


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
    plans = [_plan(Path(f), options) for f in files]
    told = _city_crs(options.crs) or _told_crs(plans)
    site = find_site(city, crs=told, near=_near(plans, options), notices=notices)
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


def _sources(plans: list[_Plan]) -> tuple[Any, ...]:
    from twin.city.plan import sources_of

    return tuple(s for plan in plans for s in sources_of(plan.path))


def _city_crs(crs: str | None) -> str | None:
    """The CRS of a new city, where the one given can be one: degrees are for the stations alone."""
    from twin.core.crs import horizontal, parse_crs

    return None if crs is None or horizontal(parse_crs(crs)).is_geographic else crs


def _told_crs(plans: list[_Plan]) -> str | None:
    return next((t for t in (told_crs(p.document) for p in plans if p.kind == "things") if t), None)


def told_crs(answer: Any) -> str | None:
    """The CRS that the first thing names in its own properties, if PROJ knows it and a city can live in it."""
    from twin.core.crs import check_city_crs, parse_crs

    rows = answer.get("value") if isinstance(answer, dict) else None
    first = rows[0] if isinstance(rows, list) and rows else None
    properties = first.get("properties") if isinstance(first, dict) else None
    text = properties.get("crs") if isinstance(properties, dict) else None
    if isinstance(text, str):
        with contextlib.suppress(CrsError):
            check_city_crs(parse_crs(text))
            return text
    return None


def _plan(path: Path, options: ImportOptions) -> _Plan:
    if not path.is_file():
        raise InputNotFoundError(path, "not found" if not path.exists() else "is a folder", "name a file")
    with path.open("rb") as handle:
        head = handle.read(_HEAD_BYTES)
    kind = _kind(path, head)
    if kind == "json":
        return _json_plan(path)
    if kind == "csv":
        columns = read_head(path, options.encoding).columns
        kind = "csv" if is_observations(columns, options.columns, where=str(path)) else "stations"
    if kind == "parquet" and not is_observations(_parquet_columns(path), options.columns, where=str(path)):
        kind = "stations"
    return _Plan(path, kind)


def _kind(path: Path, head: bytes) -> str:
    if path.suffix.lower() in _LINES:
        return "lines"
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith((b"PK", b"SQLite format 3", b"\x00\x00\x27\x0a", b"fgb")):
        return "stations"
    if is_rdb(head):
        return "rdb"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    if text[:1] in {b"{", b"["}:
        return "json"
    if not text:
        return "lines"
    return "csv"


def _json_plan(path: Path) -> _Plan:
    """A JSON document by its content; one that ends after its first line is a file of lines."""
    check_limit(path, "bytes", path.stat().st_size, limits().max_json_bytes, name="max_json_bytes")
    try:
        document = parse_json(path.read_bytes())
    except RejectedError as reason:
        if reason.cause == "json" and "Extra data" in str(reason):
            return _Plan(path, "lines")
        raise InputError(path, str(reason), "export or fetch it again") from reason
    if is_usgs(document):
        return _Plan(path, "usgs", document)
    if isinstance(document, dict) and document.get("type") in {"FeatureCollection", "Feature"}:
        return _Plan(path, "stations")
    rows = document.get("value", document) if isinstance(document, dict) else document
    first = rows[0] if isinstance(rows, list) and rows else rows
    if isinstance(first, dict) and ("result" in first or "phenomenonTime" in first):
        return _Plan(path, "observations", rows if isinstance(rows, list) else [rows])
    return _Plan(path, "things", document)


def _parquet_columns(path: Path) -> list[str]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            return list(file.schema_arrow.names)
    except (pa.ArrowException, OSError) as error:
        raise InputError(
            path, f"is a damaged Parquet file ({str(error)[:120]})", "export it again"
        ) from error


def _near(plans: list[_Plan], options: ImportOptions) -> tuple[float, float] | None:
    """Longitude and latitude of the first thing that has them."""
    return next((found for found in (_near_in(p, options) for p in plans) if found is not None), None)


def _near_in(plan: _Plan, options: ImportOptions) -> tuple[float, float] | None:
    if plan.kind == "things":
        return first_place(plan.document)
    if plan.kind == "usgs":
        series = plan.document["value"]["timeSeries"]
        places = [find(s, ("sourceInfo", "geoLocation", "geogLocation")) for s in series]
        return _first_on_earth([[find(p, ("longitude",)), find(p, ("latitude",))] for p in places])
    if plan.kind == "stations" and plan.path.suffix.lower() in {".geojson", ".json"}:
        document = parse_json(plan.path.read_bytes())
        features = find(document, ("features",)) or [document]
        listed = features if isinstance(features, list) else []
        return _first_on_earth([find(f, ("geometry", "coordinates")) for f in listed])
    if plan.kind == "rdb" or (plan.kind == "stations" and plan.path.suffix.lower() in _TABLES):
        return _near_in_table(plan, options)
    return None


def _near_in_table(plan: _Plan, options: ImportOptions) -> tuple[float, float] | None:
    """The first place of a table that counts in degrees."""
    from twin.core.crs import parse_crs
    from twin.sources.tables import read_table

    degrees = Locator(parse_crs(WGS84), None, where=plan.path.name)
    if plan.kind == "rdb":
        catalogue, _ = read_rdb(plan.path, locator=degrees, notices=Notices())
    else:
        table = read_table(plan.path, encoding=options.encoding, notices=Notices())
        if options.crs or not _looks_geographic(table, options):
            return None
        catalogue, _ = read_stations(
            table, where=plan.path.name, locator=degrees, told=options.columns,
            values=options.values, time=options.time, notices=Notices(),
        )  # fmt: skip
    return _first_on_earth([list(t.place.position[:2]) for t in catalogue.things if t.place.position])


def first_place(answer: Any) -> tuple[float, float] | None:
    """Longitude and latitude of the first thing of an answer that has them."""
    rows = answer.get("value", []) if isinstance(answer, dict) else answer
    pairs = []
    for row in rows if isinstance(rows, list) else []:
        locations = row.get("Locations") if isinstance(row, dict) else None
        first = locations[0] if isinstance(locations, list) and locations else None
        place = first.get("location") if isinstance(first, dict) else None
        place = place.get("geometry", place) if isinstance(place, dict) else None
        if isinstance(place, dict) and place.get("type") == "Point":
            pairs.append(place.get("coordinates"))
    return _first_on_earth(pairs)


def _first_on_earth(pairs: list[Any]) -> tuple[float, float] | None:
    for pair in pairs:
        if isinstance(pair, list) and len(pair) > 1 and all(map(is_number, pair[:2])):
            x, y = float(pair[0]), float(pair[1])
            if abs(x) <= 180 and abs(y) <= 84 and (x, y) != (0.0, 0.0):
                return x, y
    return None


def _catalogue(plan: _Plan, site: Site, options: ImportOptions, notices: Notices) -> tuple[Catalogue, Rows]:
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
    plan: _Plan, site: Site, options: ImportOptions, notices: Notices
) -> tuple[Catalogue, list[tuple[str, dict[str, Any]]]]:
    from twin.core.crs import parse_crs
    from twin.sources.tables import read_table

    given = parse_crs(options.crs) if options.crs else None
    source: CRS | None
    if plan.path.suffix.lower() in _TABLES:
        table = read_table(plan.path, encoding=options.encoding, notices=notices)
        source = given or (site.crs if not _looks_geographic(table, options) else None)
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


def _looks_geographic(table: Any, options: ImportOptions) -> bool:
    """Whether the columns of coordinates are called longitude and latitude."""
    from twin.live.roles import STATION, find_columns

    at = find_columns([str(c) for c in table.columns], STATION, options.columns, where="stations")
    return at.get("x", "").strip().casefold() in {"lon", "lng", "longitude", "경도"}


def _observations(plan: _Plan, site: Site, intake: Intake, options: ImportOptions, latest_us: int) -> int:
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
