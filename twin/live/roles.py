"""Which column of a table means what: told by the user, else by names that people use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twin.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

OBSERVATION = {
    "datastream": ("datastream", "datastream_id", "datastream.@iot.id", "stream", "series", "sensor", "sensor_id"),
    "time": ("phenomenontime", "phenomenon_time", "time", "datetime", "date_time", "timestamp",
             "측정시간", "일시", "시간"),
    "result": ("result", "value", "측정값", "값", "wert", "arvo"),
    "result_time": ("resulttime", "result_time"),
    "quality": ("quality", "resultquality", "flag"),
}  # fmt: skip
STATION = {
    "id": ("id", "station_id", "station", "code", "site_no", "측정소코드", "관측소코드"),
    "name": ("name", "station_name", "title", "측정소명", "관측소명", "측정소", "관측소",
             "이름", "nimi", "asema"),
    "x": ("x", "easting", "lon", "lng", "longitude", "경도", "x좌표"),
    "y": ("y", "northing", "lat", "latitude", "위도", "y좌표"),
    "z": ("z", "elevation", "elevation_m", "alt", "altitude", "height", "표고"),
    "description": ("description", "kind", "type"),
    "building": ("building", "building_id"),
    "storey": ("storey", "floor", "level"),
    "room": ("room",),
    "road": ("road", "road_id"),
    "property": ("property", "observed_property", "parameter", "항목"),
    "unit": ("unit", "uom", "단위"),
    "zero": ("zero_m", "zero", "datum", "영점표고"),
}  # fmt: skip
ROLES = (*OBSERVATION, *STATION)


def parse_columns(texts: Iterable[str]) -> dict[str, str]:
    """Role to column from ``role=COLUMN`` texts.

    Raises
    ------
    UsageError
        If one is not of that form or names an unknown role.

    >>> parse_columns(["x=Rechtswert", "result=PM10"])
    {'x': 'Rechtswert', 'result': 'PM10'}
    """
    told = {}
    for text in texts:
        role, _, column = text.partition("=")
        if not column or role not in ROLES:
            known = ", ".join(dict.fromkeys(ROLES))
            raise UsageError("--column", f"{text!r} is not ROLE=COLUMN", f"the roles are {known}")
        told[role] = column
    return told


def find_columns(
    columns: Sequence[str], known: Mapping[str, tuple[str, ...]], told: Mapping[str, str], *, where: str
) -> dict[str, str]:
    """The column of each role that the table has.

    Raises
    ------
    UsageError
        If a column that the user named is not there.
    """
    folded = {c.strip().casefold(): c for c in reversed(columns)}
    found = {}
    for role, names in known.items():
        if role in told:
            if told[role] not in columns:
                shown = ", ".join(columns[:20])
                raise UsageError(where, f"has no column {told[role]!r}", f"its columns are: {shown}")
            found[role] = told[role]
            continue
        column = next((folded[n] for n in names if n in folded), None)
        if column is not None:
            found[role] = column
    return found
