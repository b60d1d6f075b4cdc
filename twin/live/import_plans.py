"""What the files of an import are, by their content, and where on earth the first of their things stands."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from twin.core.errors import CrsError, InputError, InputNotFoundError
from twin.core.limits import check_limit, limits
from twin.core.notices import Notices
from twin.live.decode import is_number, parse_json
from twin.live.mapping import find
from twin.live.places import WGS84, Locator
from twin.live.rejected import RejectedError
from twin.live.stations import read_stations
from twin.live.tables import is_observations, read_head
from twin.live.usgs import is_rdb, is_usgs, read_rdb

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_HEAD_BYTES = 65_536
_LINES = {".jsonl", ".ndjson"}
TABLES = {".csv", ".tsv", ".txt", ".xlsx"}


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
class Plan:
    """What a file is, and how it becomes catalogue and observations once the city is known."""

    path: Path
    kind: str
    document: Any = None


def plan_of(path: Path, options: ImportOptions) -> Plan:
    """What a file is.

    Raises
    ------
    InputError
        If it is not there, or damaged.
    LimitError
        If it is JSON and longer than is read into memory.
    """
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
    return Plan(path, kind)


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


def _json_plan(path: Path) -> Plan:
    """A JSON document by its content; one that ends after its first line is a file of lines."""
    check_limit(path, "bytes", path.stat().st_size, limits().max_json_bytes, name="max_json_bytes")
    try:
        document = parse_json(path.read_bytes())
    except RejectedError as reason:
        if reason.cause == "json" and "Extra data" in str(reason):
            return Plan(path, "lines")
        raise InputError(path, str(reason), "export or fetch it again") from reason
    if is_usgs(document):
        return Plan(path, "usgs", document)
    if isinstance(document, dict) and document.get("type") in {"FeatureCollection", "Feature"}:
        return Plan(path, "stations")
    rows = document.get("value", document) if isinstance(document, dict) else document
    first = rows[0] if isinstance(rows, list) and rows else rows
    if isinstance(first, dict) and ("result" in first or "phenomenonTime" in first):
        return Plan(path, "observations", rows if isinstance(rows, list) else [rows])
    return Plan(path, "things", document)


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


def first_near(plans: list[Plan], options: ImportOptions) -> tuple[float, float] | None:
    """Longitude and latitude of the first thing that has them."""
    return next((found for found in (_near_in(p, options) for p in plans) if found is not None), None)


def _near_in(plan: Plan, options: ImportOptions) -> tuple[float, float] | None:
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
    if plan.kind == "rdb" or (plan.kind == "stations" and plan.path.suffix.lower() in TABLES):
        return _near_in_table(plan, options)
    return None


def _near_in_table(plan: Plan, options: ImportOptions) -> tuple[float, float] | None:
    """The first place of a table that counts in degrees."""
    from twin.core.crs import parse_crs
    from twin.sources.tables import read_table

    degrees = Locator(parse_crs(WGS84), None, where=plan.path.name)
    if plan.kind == "rdb":
        catalogue, _ = read_rdb(plan.path, locator=degrees, notices=Notices())
    else:
        table = read_table(plan.path, encoding=options.encoding, notices=Notices())
        if options.crs or not looks_geographic(table, options):
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


def first_told_crs(plans: list[Plan]) -> str | None:
    """The CRS that things of a file name, if a city can live in it."""
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


def looks_geographic(table: Any, options: ImportOptions) -> bool:
    """Whether the columns of coordinates are called longitude and latitude."""
    from twin.live.roles import STATION, find_columns

    at = find_columns([str(c) for c in table.columns], STATION, options.columns, where="stations")
    return at.get("x", "").strip().casefold() in {"lon", "lng", "longitude", "경도"}
