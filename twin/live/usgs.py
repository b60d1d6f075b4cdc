"""Water data of the U.S. Geological Survey: values as JSON (WaterML) and as RDB, and its list of sites."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING, Any

from twin.core.errors import InputError
from twin.live.decode import clean_text
from twin.live.model import Catalogue, Datastream, Place, Quality, Thing
from twin.live.places import settled
from twin.live.properties import LENGTHS_IN_M, property_key
from twin.live.units import find_unit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from twin.core.notices import Notices
    from twin.live.places import Locator

    Rows = list[tuple[str, Mapping[str, Any]]]

FEET_M = 0.3048
_ZONES = {
    "UTC": 0, "GMT": 0, "AST": -4, "ADT": -3, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6,
    "PST": -8, "PDT": -7, "AKST": -9, "AKDT": -8, "HST": -10, "HDT": -9, "SST": -11, "CHST": 10,
}  # fmt: skip
_PARAMETERS = {
    "00060": ("Discharge", "ft3/s"), "00065": ("Gage height", "ft"), "00010": ("Temperature, water", "degC"),
    "00045": ("Precipitation", "in"), "00095": ("Specific conductance", "uS/cm"), "00300": ("Dissolved oxygen", "mg/L"),
    "00400": ("pH", "[pH]"), "63680": ("Turbidity", "[NTU]"),
}  # fmt: skip


def is_usgs(document: Any) -> bool:
    """Whether a JSON document is an answer of the water services."""
    value = document.get("value") if isinstance(document, dict) else None
    return isinstance(value, dict) and isinstance(value.get("timeSeries"), list)


def read_waterml(
    document: Any, *, where: str, locator: Locator, notices: Notices
) -> tuple[Catalogue, list[tuple[str, dict[str, Any]]]]:
    """Sites, series and rows of an answer; a row names datastream, time, result and quality.

    Raises
    ------
    InputError
        If a series has neither site nor variable.
    """
    things: dict[str, Thing] = {}
    streams: dict[str, Datastream] = {}
    rows: list[tuple[str, dict[str, Any]]] = []
    for n, series in enumerate(document["value"]["timeSeries"], 1):
        try:
            thing, stream = _series(series, where, locator, notices, things)
            blocks = [v for block in series["values"] for v in block["value"]]
            missing = series["variable"].get("noDataValue")
            cells = [_row(stream.id, value, missing) for value in blocks]
        except (KeyError, TypeError, IndexError, AttributeError, ValueError, OverflowError) as error:
            raise InputError(
                where, f"series {n} is not as the water services write it ({error!r})", "fetch it again"
            ) from error
        things[thing.id], streams[stream.id] = thing, stream
        rows.extend((f"{where}: {stream.id} value {k}", row) for k, row in enumerate(cells, 1))
    return Catalogue(tuple(things.values()), tuple(streams.values())), rows


def _series(
    series: dict[str, Any], where: str, locator: Locator, notices: Notices, known: dict[str, Thing]
) -> tuple[Thing, Datastream]:
    site, variable = series["sourceInfo"], series["variable"]
    code, parameter = str(site["siteCode"][0]["value"]), str(variable["variableCode"][0]["value"])
    ident = f"USGS:{code}"
    thing = known.get(ident) or _site(ident, site, where, locator, notices)
    statistic = str((variable.get("options") or {"option": [{}]})["option"][0].get("optionCode", "00000"))
    named = series.get("name") or f"{ident}:{parameter}:{statistic}"
    label = html.unescape(str(variable.get("variableName") or _PARAMETERS.get(parameter, (parameter,))[0]))
    unit = (variable.get("unit") or {}).get("unitCode") or _PARAMETERS.get(parameter, ("", ""))[1]
    return thing, usgs_stream(str(named), ident, parameter, label=label, unit=str(unit))


def usgs_stream(ident: str, thing: str, parameter: str, *, label: str = "", unit: str = "") -> Datastream:
    """The datastream of a parameter code."""
    name, usual = _PARAMETERS.get(parameter, (parameter, ""))
    key = property_key(parameter, label or name)
    found = find_unit(unit or usual, length_in_m=key in LENGTHS_IN_M)
    return Datastream(
        ident,
        thing,
        clean_text(label or name),
        key,
        found.code,
        found.symbol,
        scale=found.scale,
        offset=found.offset,
    )


def _site(ident: str, site: dict[str, Any], where: str, locator: Locator, notices: Notices) -> Thing:
    name = clean_text(str(site.get("siteName", "")))
    place = (site.get("geoLocation") or {}).get("geogLocation")
    shown = f"{where}: {name or ident}"
    if place is None:
        notices.add("no-location", f"{shown}: has no location; it is kept without a place", subject=ident)
        return Thing(ident, name)
    at = locator(float(place["longitude"]), float(place["latitude"]))
    found = settled(at, locator, name=shown, subject=ident, notices=notices)
    return Thing(ident, name, "river gauge", Place("point", found))


def _row(stream: str, value: dict[str, Any], missing: Any) -> dict[str, Any]:
    told = value.get("qualifiers") or ()
    codes = [told] if isinstance(told, str) else [str(c) for c in told]
    result = value.get("value")
    if isinstance(result, str) and isinstance(missing, int | float) and _is(result, missing):
        result = None
    return {"datastream": stream, "time": value.get("dateTime"), "result": result, "quality": _quality(codes)}


def _is(text: str, number: float) -> bool:
    try:
        return math.isclose(float(text), number)
    except ValueError:
        return False


def _quality(codes: list[str]) -> int:
    """Approved is good, provisional and estimated are provisional, any other remark is suspect."""
    ranks = {"a": Quality.GOOD, "p": Quality.PROVISIONAL, "e": Quality.PROVISIONAL}
    return int(
        max((ranks.get(c.strip().lower(), Quality.SUSPECT) for c in codes if c.strip()), default=Quality.GOOD)
    )


def is_rdb(head: bytes) -> bool:
    """Whether a text is RDB: remarks, a line of names with the agency, tabs."""
    return head.startswith(b"#") and b"\nagency_cd\t" in head.replace(b"\r\n", b"\n")


def read_rdb(
    path: Path, *, locator: Locator, notices: Notices
) -> tuple[Catalogue, list[tuple[str, dict[str, Any]]]]:
    """Sites, or series and rows, of an RDB file.

    Raises
    ------
    InputError
        If it has neither sites nor values.
    """
    lines = [
        (n, line.split("\t"))
        for n, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if line and not line.startswith("#")
    ]
    if len(lines) < 2:
        raise InputError(path, "holds no rows", "fetch it again")
    names = lines[0][1]
    rows = [(n, dict(zip(names, cells, strict=False))) for n, cells in lines[2:]]
    if "dec_lat_va" in names:
        return Catalogue(tuple(_rdb_sites(rows, path, locator, notices))), []
    if "datetime" in names:
        return _rdb_values(names, rows, path)
    raise InputError(
        path, "holds neither sites nor values", "fetch the site service or the values service as RDB"
    )


def _rdb_sites(
    rows: list[tuple[int, dict[str, str]]], path: Path, locator: Locator, notices: Notices
) -> Iterator[Thing]:
    for n, row in rows:
        ident, name = f"USGS:{row.get('site_no', '')}", clean_text(row.get("station_nm", ""))
        try:
            x, y = float(row["dec_long_va"]), float(row["dec_lat_va"])
        except (KeyError, ValueError):
            notices.add("no-location", f"{path.name}: line {n}: {name} has no location", subject=ident)
            yield Thing(ident, name)
            continue
        try:
            z = float(row.get("alt_va", "")) * FEET_M
        except ValueError:
            z = math.nan
        found = settled(
            locator(x, y, z), locator, name=f"{path.name}: {name}", subject=ident, notices=notices
        )
        datum = {"alt_datum": row.get("alt_datum_cd", "")}
        yield Thing(ident, name, "river gauge", Place("point", found), datum)


def _rdb_values(
    names: list[str], rows: list[tuple[int, dict[str, str]]], path: Path
) -> tuple[Catalogue, list[tuple[str, dict[str, Any]]]]:
    """Columns such as ``69928_00060`` hold values, ``69928_00060_cd`` their remarks."""
    series = [c for c in names if f"{c}_cd" in names and c.rpartition("_")[2].isdigit()]
    things: dict[str, Thing] = {}
    streams: dict[str, Datastream] = {}
    out: list[tuple[str, dict[str, Any]]] = []
    for n, row in rows:
        thing = f"USGS:{row.get('site_no', '')}"
        things.setdefault(thing, Thing(thing))
        for column in series:
            parameter = column.rpartition("_")[2]
            ident = f"{thing}:{parameter}:00000"
            streams.setdefault(ident, usgs_stream(ident, thing, parameter))
            value = row.get(column, "")
            if value:
                time = _with_zone(row.get("datetime", ""), row.get("tz_cd", ""))
                quality = _quality(row.get(f"{column}_cd", "").split(":"))
                cells = {"datastream": ident, "time": time, "result": value, "quality": quality}
                out.append((f"{path.name}: line {n}", cells))
    return Catalogue(tuple(things.values()), tuple(streams.values())), out


def _with_zone(time: str, zone: str) -> str:
    hours = _ZONES.get(zone.strip().upper())
    return time if hours is None else f"{time}{'-' if hours < 0 else '+'}{abs(hours):02d}:00"
