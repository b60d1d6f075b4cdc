"""Things and datastreams in the store's tables."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from twin.core.errors import StorageError
from twin.live.model import Catalogue, Datastream, Place, Thing

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping
    from pathlib import Path

_THING = "id, name, description, kind, x, y, z, target, building, storey, properties"
_PUT_THING = f"""
INSERT INTO thing ({_THING}) VALUES ({",".join("?" * 11)})
ON CONFLICT (id) DO UPDATE SET {", ".join(f"{c.strip()}=excluded.{c.strip()}" for c in _THING.split(",")[1:])}
"""  # noqa: S608 - from constants alone
_DATASTREAM = (
    "id, thing, name, observed_property, unit, symbol, every_s, max_age_s, zero_m,"
    ' valid_min, valid_max, scale, "offset", result_type, properties'
)
_PUT_DATASTREAM = f"""
INSERT INTO datastream ({_DATASTREAM}) VALUES ({",".join("?" * 15)})
ON CONFLICT (id) DO UPDATE SET {", ".join(f"{c.strip()}=excluded.{c.strip()}" for c in _DATASTREAM.split(",")[1:])}
"""  # noqa: S608 - from constants alone


def write_catalogue(connection: sqlite3.Connection, catalogue: Catalogue) -> None:
    """Put things and datastreams into their tables; a known datastream keeps its number and so its observations."""
    connection.executemany(_PUT_THING, [_thing_row(t) for t in catalogue.things])
    connection.executemany(_PUT_DATASTREAM, [_datastream_row(d) for d in catalogue.datastreams])


def read_catalogue(path: Path, connection: sqlite3.Connection) -> Catalogue:
    """Things and datastreams in the order in which they came.

    Raises
    ------
    StorageError
        If the tables contradict themselves.
    """
    things = connection.execute(f"SELECT {_THING} FROM thing ORDER BY rowid").fetchall()  # noqa: S608
    streams = connection.execute(f"SELECT {_DATASTREAM} FROM datastream ORDER BY number").fetchall()  # noqa: S608
    try:
        return Catalogue(tuple(map(_thing, things)), tuple(map(_datastream, streams)))
    except (ValueError, TypeError) as error:
        raise StorageError(
            path, f"the list of things is damaged ({error})", "import the things again"
        ) from error


def stream_numbers(connection: sqlite3.Connection) -> dict[str, int]:
    """Each datastream's number in the table of observations, in the order of the catalogue."""
    return dict(connection.execute("SELECT id, number FROM datastream ORDER BY number"))


def _thing_row(thing: Thing) -> tuple[Any, ...]:
    place = thing.place
    x, y, z = place.position or (None, None, None)
    shown = (thing.id, thing.name, thing.description, place.kind, x, y, None if _is_nan(z) else z)
    return (*shown, place.target, place.building, place.storey, _text(thing.properties))


def _thing(row: tuple[Any, ...]) -> Thing:
    ident, name, description, kind, x, y, z, target, building, storey, properties = row
    position = None if x is None else (x, y, math.nan if z is None else z)
    return Thing(
        ident, name, description, Place(kind, position, target, building, storey), json.loads(properties)
    )


def _datastream_row(d: Datastream) -> tuple[Any, ...]:
    least, greatest = d.valid_range or (None, None)
    shown = (d.id, d.thing, d.name, d.observed_property, d.unit, d.symbol, d.every_s, d.max_age_s, d.zero_m)
    return (*shown, least, greatest, d.scale, d.offset, d.result_type, _text(d.properties))


def _datastream(row: tuple[Any, ...]) -> Datastream:
    keys = ("id", "thing", "name", "observed_property", "unit", "symbol", "every_s", "max_age_s", "zero_m")
    least, greatest, scale, offset, result_type, properties = row[9:]
    return Datastream(
        **dict(zip(keys, row, strict=False)),
        valid_range=None if least is None or greatest is None else (least, greatest),
        scale=scale,
        offset=offset,
        result_type=result_type,
        properties=json.loads(properties),
    )


def _is_nan(value: float | None) -> bool:
    return value is not None and math.isnan(value)


def _text(properties: Mapping[str, Any]) -> str:
    return json.dumps(dict(properties), ensure_ascii=False, sort_keys=True)
