"""What things are bound to, held against the city: ids that it does not have are told, and the things are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twin.city.tables import BUILDINGS
from twin.core.visible_text import visible_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from twin.core.notices import Notices
    from twin.live.folder import Site
    from twin.live.model import Thing

ROAD_IDS = ("road_id", "id", "gml_id", "osm_id", "lokaalid", "ufid", "fid", "segment")
"""Columns of roads whose values a thing may name."""
_STOREYS = ("storeys", "n_storeys")
_EXAMPLES = 3


def tell_unknown(site: Site, things: Iterable[Thing], *, notices: Notices) -> None:
    """Say which buildings, storeys and roads that things are bound to are none of the city's.

    A room is held against its building, since a city has no rooms of its own yet. A folder of observations alone has
    nothing to hold things against.

    Parameters
    ----------
    site : Site
    things : iterable of Thing
        Those that have just come in.
    notices : Notices
        Is told once for each kind, with the number of things and the first ids.
    """
    bound = [t for t in things if t.place.target]
    if site.manifest is None or not bound:
        return
    layers = site.manifest.layers
    if "buildings" in layers:
        _tell_buildings(site, bound, notices)
    if "roads" in layers:
        named = {t.id: t.place.target for t in bound if t.place.kind == "road"}
        known = _values(site, "map/roads.parquet", ROAD_IDS) if named else {}
        ids = set[str]().union(*known.values())
        _tell("road", {thing: road for thing, road in named.items() if road not in ids}, notices)


def _tell_buildings(site: Site, bound: list[Thing], notices: Notices) -> None:
    named = {t.id: t.place.target if t.place.kind == "building" else t.place.building for t in bound}
    named = {thing: building for thing, building in named.items() if building}
    if not named:
        return
    table = _values(site, BUILDINGS, ("id", *_STOREYS))
    ids = table.get("id", [])
    _tell("building", {thing: b for thing, b in named.items() if b not in set(ids)}, notices)
    column = next((table[c] for c in _STOREYS if c in table), None)
    if column is None:
        return
    top = dict(zip(ids, column, strict=True))
    too_high = {
        t.id: f"{t.place.storey} of {named[t.id]}"
        for t in bound
        if t.place.storey is not None and t.place.storey > _number(top.get(named.get(t.id, "")))
    }
    _tell("storey", too_high, notices)


def _number(text: str | None) -> float:
    """A number of storeys; endless where none is told."""
    try:
        return float(text) if text else float("inf")
    except ValueError:
        return float("inf")


def _tell(kind: str, unknown: Mapping[str, str], notices: Notices) -> None:
    if not unknown:
        return
    first = [f"{visible_text(thing)}: {visible_text(target)}" for thing, target in unknown.items()]
    more = f" and {len(first) - _EXAMPLES} more" if len(first) > _EXAMPLES else ""
    notices.add(
        f"unknown-{kind}",
        f"{len(first)} things are bound to a {kind} that the city does not have ({', '.join(first[:_EXAMPLES])}{more});"
        " they are kept, and stand where their own coordinates say",
        subject=next(iter(unknown)),
    )


def _values(site: Site, relative: str, columns: tuple[str, ...]) -> dict[str, list[str]]:
    """Columns of a table of the city, as texts; none where it cannot be read, which others tell."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(site.folder / relative) as file:
            names = [c for c in columns if c in file.schema_arrow.names]
            table: Any = file.read(names)
    except (pa.ArrowException, OSError):
        return {}
    return {name: ["" if v is None else str(v) for v in table[name].to_pylist()] for name in names}
