"""Lists of stations as catalogues: GeoJSON and other vectors, CSV and XLSX, with a column for each role."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from twin.core.errors import InputError, UsageError
from twin.core.visible_text import visible_text
from twin.live.decode import clean_text
from twin.live.model import Catalogue, Datastream, Thing
from twin.live.places import settled
from twin.live.properties import LENGTHS_IN_M, property_key
from twin.live.roles import STATION, find_columns
from twin.live.things import clean_properties, place_of
from twin.live.units import find_unit
from twin.sources.footprint_ids import exact_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from twin.core.notices import Notices
    from twin.live.places import Locator, Xyz


def read_stations(
    table: pd.DataFrame,
    *,
    where: str,
    locator: Locator,
    told: Mapping[str, str],
    values: Sequence[str],
    time: str | None,
    notices: Notices,
) -> tuple[Catalogue, list[tuple[str, dict[str, Any]]]]:
    """Things and datastreams of a table with one station a row, and its values if a time is told.

    Parameters
    ----------
    table : DataFrame
        With coordinates in columns, or a GeoDataFrame whose geometry is in the CRS of `locator`.
    told : mapping
        Role to column, where the names do not tell.
    values : sequence of str
        Columns that hold results: ``COLUMN`` or ``COLUMN=UNIT``; each becomes a datastream of every station.
    time : str, optional
        When those results were true; without it only the datastreams are made.

    Raises
    ------
    UsageError
        If no column holds the place, or one that was named is not there.
    InputError
        If two stations share an id.
    """
    names = [str(c) for c in table.columns]
    at = find_columns(names, STATION, told, where=where)
    has_geometry = "geometry" in names
    if not has_geometry and not {"x", "y"} <= at.keys():
        raise UsageError(
            where,
            "has neither a geometry nor columns of coordinates",
            f"name them with --column x=NAME --column y=NAME; its columns are: {', '.join(names[:20])}",
        )
    units = dict(_value_column(v, names, where) for v in values)
    things: list[Thing] = []
    streams: list[Datastream] = []
    rows: list[tuple[str, dict[str, Any]]] = []
    records: list[dict[str, Any]] = table.to_dict("records")  # type: ignore[assignment]
    for n, row in enumerate(records, 1):
        station = {role: row[column] for role, column in at.items() if not _is_missing(row[column])}
        place = _place(station, locator) if not has_geometry else _geometry_place(row, locator)
        thing = _thing(
            row,
            station,
            place,
            n=n,
            where=where,
            locator=locator,
            notices=notices,
            keep=set(names) - {"geometry"},
        )
        things.append(thing)
        streams.extend(_streams(thing, station, units, where, notices))
        if time is not None:
            for column in units:
                value = row[column]
                cells = {
                    "datastream": f"{thing.id}:{column}",
                    "time": time,
                    "result": None if _is_missing(value) else _plain(value),
                }
                rows.append((f"{where}: row {n}", cells))
    _tell_nameless(things, where, notices)
    try:
        return Catalogue(tuple(things), tuple(streams)), rows
    except ValueError as error:
        raise InputError(where, str(error), "name the column of unique ids with --column id=NAME") from error


def _tell_nameless(things: list[Thing], where: str, notices: Notices) -> None:
    """Say how many are called by their row: in a file of another order the same call means another station."""
    nameless = [t.id for n, t in enumerate(things, 1) if not t.name and t.id == f"station {n}"]
    if nameless:
        what = f"{len(nameless)} stations have neither id nor name and are called by their row, such as {nameless[0]!r}"
        notices.add("no-ids", f"{where}: {what}; name the column with --column id=NAME")


def _value_column(text: str, names: list[str], where: str) -> tuple[str, str]:
    column, _, unit = text.partition("=")
    if column not in names:
        raise UsageError(where, f"has no column {column!r}", f"its columns are: {', '.join(names[:20])}")
    return column, unit


def _is_missing(value: Any) -> bool:
    return value is None or value != value or str(value) in {"", "<NA>", "NaT"}  # noqa: PLR0124 - NaN


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def _number(value: Any) -> float:
    try:
        return float(str(value).strip().replace(",", "."))
    except ValueError:
        return math.nan


def _place(station: Mapping[str, Any], locator: Locator) -> Xyz | None:
    if not {"x", "y"} <= station.keys():
        return None
    return locator(_number(station["x"]), _number(station["y"]), _number(station.get("z", math.nan)))


def _geometry_place(row: Mapping[str, Any], locator: Locator) -> Xyz | None:
    geometry = row["geometry"]
    if geometry is None or geometry.is_empty:
        return None
    middle = geometry if geometry.geom_type == "Point" else geometry.centroid
    return locator(middle.x, middle.y, middle.z if middle.has_z else math.nan)


def _thing(
    row: Mapping[str, Any],
    station: Mapping[str, Any],
    place: Xyz | None,
    *,
    n: int,
    where: str,
    locator: Locator,
    notices: Notices,
    keep: set[str],
) -> Thing:
    name = clean_text(str(station.get("name", "")))
    ident = clean_text(exact_text(station["id"]) or "") if "id" in station else name or f"station {n}"
    shown = f"{where}: {visible_text(name or ident)}"
    place = settled(place, locator, name=shown, subject=ident, notices=notices)
    bound = {k: station[k] for k in ("building", "storey", "room", "road") if k in station}
    properties = clean_properties({k: _plain(row[k]) for k in keep if not _is_missing(row[k])} | bound)
    description = clean_text(str(station.get("description", "")))
    return Thing(ident or f"station {n}", name, description, place_of(properties, place), properties)


def _streams(
    thing: Thing, station: Mapping[str, Any], units: Mapping[str, str], where: str, notices: Notices
) -> list[Datastream]:
    """One for each value column, or the one that the columns property and unit tell of."""
    wanted = [(f"{thing.id}:{column}", column, unit) for column, unit in units.items()]
    if not units and "property" in station:
        told = str(station["property"])
        wanted = [(f"{thing.id}:{told}", told, str(station.get("unit", "")))]
    zero = _number(station.get("zero", math.nan))
    found = []
    for ident, label, text in wanted:
        key = property_key(label)
        unit = find_unit(text, length_in_m=key in LENGTHS_IN_M)
        if not unit.is_known:
            shown = f"{where}: {visible_text(ident)}: the unit {visible_text(unit.symbol)!r} is not known"
            notices.add(
                "unknown-unit", f"{shown}; its results are kept and shown as they come", subject=ident
            )
        found.append(
            Datastream(
                clean_text(ident),
                thing.id,
                clean_text(label),
                key,
                unit.code,
                unit.symbol,
                zero_m=zero if math.isfinite(zero) else None,
                scale=unit.scale,
                offset=unit.offset,
                result_type="number" if text or key == "water_level" else "any",
            )
        )
    return found
