"""What is known of a thing that was clicked, in groups of rows to read; plain texts, made beside the interface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twin.city.building_geometry import json_value
from twin.scene.picking import Kind
from twin.scene.units import heading, number_text, unit_of
from twin.scene.wording import OWN_WORDS, worded
from twin.viewer.map_facts import layer_of, map_values, raster_values

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from twin.city.model import City
    from twin.core.translations import Texts
    from twin.scene.picking import Hit

_FIRST = ("state", "reason", "roof_type", "height_m", "floor_m", "roof_max_m", "footprint_area_m2", "volume_m3",
          "roof_area_m2", "wall_area_m2", "source")  # fmt: skip
_QUALITY = ("rmse_m", "rmse_holdout_m", "p95_m", "height_sigma_m", "density_per_m2", "no_data_share", "n_points",
            "codes")  # fmt: skip
_COORDINATES = frozenset({"lon", "lat", "longitude", "latitude", "x", "y", "easting", "northing"})
_HIDDEN = ("geometry", "id", "shift_gain")
_ON_RASTERS = frozenset({Kind.TERRAIN, Kind.WATER, Kind.BRIDGE, Kind.FEATURE})
_NAMES = ("name", "name_ko", "name_en", "address", "address_ko", "address_en")


@dataclass(frozen=True, slots=True)
class FactGroup:
    """Rows of name and value under a heading."""

    key: str
    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a panel shows of one thing."""

    title: str
    subtitle: str
    groups: tuple[FactGroup, ...]


def value_text(name: str, value: Any) -> str:
    """A value with the unit that its column's name tells; empty for nothing.

    Examples
    --------
    >>> value_text("level_m", 0.32), value_text("lat", 35.1260431), value_text("rooms", 4.0)
    ('0.32 m', '35.126043', '4')
    """
    value = json_value(value)
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return "✓" if value else "–"
    if not isinstance(value, int | float):
        return str(value).removesuffix("T00:00:00+00:00")  # a day
    is_coordinate = name.lower() in _COORDINATES
    text, unit = f"{value:.6f}" if is_coordinate else number_text(float(value)), unit_of(name)
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"{text} {unit}" if unit else text


def building_facts(city: City, building: str, texts: Texts) -> Facts:
    """State, quality, attributes and sources of a building."""
    frame = city.buildings
    rows = frame[frame["id"].astype(str) == building]
    if not len(rows):
        return Facts(building, texts("kind.BUILDING"), ())
    values = {name: value for name, value in rows.iloc[0].items() if name not in _HIDDEN}
    title = next((str(values[n]) for n in _title_columns(texts) if values.get(n)), building)
    others = [n for n in values if n not in (*_FIRST, *_QUALITY, *_NAMES) and "_lod" not in n]
    groups = (
        FactGroup("facts.building", _rows(values, _FIRST, texts)),
        FactGroup("facts.quality", _rows(values, _QUALITY, texts)),
        FactGroup("facts.attributes", _rows(values, (*_NAMES, *others), texts)),
        FactGroup("facts.provenance", provenance(city, "buildings", texts)),
    )
    subtitle = f"{texts('kind.BUILDING')} {building}" if title != building else texts("kind.BUILDING")
    return Facts(title, subtitle, tuple(g for g in groups if g.rows))


def _title_columns(texts: Texts) -> tuple[str, ...]:
    return (f"name_{texts.language}", "name", "name_ko", "name_en", f"address_{texts.language}", "address")


def _rows(values: dict[str, Any], names: Iterable[str], texts: Texts) -> tuple[tuple[str, str], ...]:
    found = [(attribute_name(n, texts), _told(n, values[n], texts)) for n in names if n in values]
    return tuple((name, text) for name, text in found if text)


def _told(name: str, value: Any, texts: Texts) -> str:
    """A value; one of a few that twin itself gives in the language of the window."""
    text = value_text(name, value)
    return worded(text.replace("_", " "), texts.language) if name in OWN_WORDS else text


def attribute_name(column: str, texts: Texts) -> str:
    """What an attribute is called; its own name, less its unit, where no language knows it."""
    unit = unit_of(column)
    return texts.get(f"attribute.{column}", heading(column, unit).removesuffix(f" ({unit})"))


def provenance(city: City, layer: str, texts: Texts) -> tuple[tuple[str, str], ...]:
    """Where a layer came from."""
    entry = city.manifest.layers.get(layer)
    if entry is None:
        return ()
    origin = entry.provenance
    inputs = [source.name for source in origin.inputs]
    more = f" … (+{len(inputs) - 3})" if len(inputs) > 3 else ""
    rows = [
        (texts("facts.sources"), ", ".join(inputs[:3]) + more),
        (texts("facts.attribution"), origin.attribution),
        (texts("facts.licence"), origin.licence),
    ]
    return tuple((name, text) for name, text in rows if text)


def place_rows(city: City, hit: Hit, texts: Texts) -> tuple[tuple[str, str], ...]:
    """Where a place lies, and what covers it."""
    x, y, z = hit.position
    rows = [
        (texts("facts.position"), f"{x:.2f}, {y:.2f}"),
        (texts("facts.elevation"), f"{z:.2f} m"),
        (texts("facts.crs"), city.crs),
    ]
    if hit.surface and hit.kind not in {Kind.TREE, Kind.FEATURE}:
        rows.insert(0, (texts("facts.surface"), texts.get(f"surface.{hit.surface}", hit.surface)))
    return tuple(rows)


def facts_of(city: City, hit: Hit, texts: Texts, *, hidden: Collection[str] = ()) -> Facts:
    """What is known of whatever was hit; of rasters that are not `hidden`, the values there as well."""
    place = FactGroup("facts.place", place_rows(city, hit, texts))
    if hit.kind == Kind.BUILDING:
        known = building_facts(city, hit.id, texts)
        return Facts(known.title, known.subtitle, (*known.groups[:1], place, *known.groups[1:]))
    kind = texts(f"kind.{hit.kind.name}")
    layer = "terrain" if hit.kind == Kind.TERRAIN else layer_of(hit)
    values = map_values(city, hit)
    attributes = FactGroup("facts.attributes", _rows(values, values, texts))
    origin = FactGroup("facts.provenance", provenance(city, layer, texts))
    own = hit.id if hit.kind != Kind.TREE else ""
    name = next((str(values[n]) for n in _title_columns(texts) if value_text(n, values.get(n))), "")
    title, subtitle = name or own or kind, own if name and own else kind
    there = raster_values(city, hit.position[:2], hidden) if hit.kind in _ON_RASTERS else {}
    rasters = FactGroup("panel.layers", tuple((n, value_text(what, v)) for n, (what, v) in there.items()))
    groups = (attributes, rasters, place, origin) if values else (place, rasters, origin)
    return Facts(title, "" if subtitle == title else subtitle, tuple(g for g in groups if g.rows))
