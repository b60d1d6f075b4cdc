"""The legend of what a picture shows: kinds of things that are really in it, and the user's layers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from twin.scene.added_layers import RASTER_MAP
from twin.scene.classes import class_texts
from twin.scene.colour import Legend, LegendEntry, class_colours
from twin.scene.pack import Material
from twin.scene.paint import overlay_colours
from twin.scene.units import unit_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twin.scene.pack import OverlayEntry, ScenePack, ValueClasses
    from twin.scene.style import Rgb, Style

_COVERS = {
    "water": ("Water", "water.deep"),
    "road": ("Road", "terrain.road"),
    "path": ("Footway", "terrain.footway"),
    "paved": ("Paved", "terrain.paved"),
    "rail": ("Rail", "terrain.rail"),
    "green": ("Green", "terrain.green"),
    "bare": ("Bare ground", "terrain.bare"),
    "ground": ("Other ground", "terrain.land"),
}


def scene_legends(
    pack: ScenePack, style: Style, attribute: Legend | None, *, over_time: Sequence[Legend] = ()
) -> list[Legend]:
    """Legends from top to bottom: layers over time, the attribute that colours the buildings, layers, then the map."""
    areas = [legend for legend in over_time if not is_of_marks(legend)]
    legends = [*areas, *([attribute] if attribute else [])]
    scales = [_scale(entry.name, entry.classes) for entry in pack.meta.overlays if entry.classes]
    if attribute is not None:
        shared = [legend for legend in scales if legend.entries == attribute.entries]
        scales = [legend for legend in scales if legend not in shared]
        title = " · ".join([*(legend.title for legend in shared), attribute.title])
        legends[-1] = replace(attribute, title=title)
    legends += scales
    pairs = zip(pack.meta.overlays, overlay_colours(pack, style), strict=True)
    overlays = [_overlay(o, c) for o, c in pairs if not _is_bare_picture(o)]
    # Beside an attribute's classes the map speaks for itself; a long legend would hide the city.
    is_plain = not legends
    legends += [Legend("Layers", tuple(overlays))] if overlays else []
    if is_plain:
        entries = _map_entries(pack, style)
    else:
        entries = _unbuilt_entry(pack, style) if over_time else _context_entry(pack, style)
    legends.append(Legend("Map" if overlays and is_plain else "", tuple(entries)))
    return legends


def sensor_legends(over_time: Sequence[Legend]) -> list[Legend]:
    """Legends of marks at places; they stand on a panel of their own, under a heading if there are several."""
    found = [legend for legend in over_time if is_of_marks(legend)]
    loose = tuple(entry for legend in found if not legend.title for entry in legend.entries)
    titled = [legend for legend in found if legend.title]
    return [*titled, *([Legend("Sensors", loose)] if loose else [])]


def is_of_marks(legend: Legend) -> bool:
    """Whether a legend explains marks, and no areas or lines."""
    return bool(legend.entries) and all(entry.kind == "point" for entry in legend.entries)


def _overlay(entry: OverlayEntry, rgb: Rgb) -> LegendEntry:
    if entry.lines[1] > entry.lines[0] and not entry.areas:
        return LegendEntry(entry.name, rgb, "line")
    if entry.points[1] > entry.points[0] and not entry.areas:
        return LegendEntry(entry.name, rgb, "point")
    return LegendEntry(entry.name, rgb)


def _is_bare_picture(entry: OverlayEntry) -> bool:
    """Whether a layer is nothing but a picture, which no single colour stands for."""
    has_shapes = entry.lines[1] > entry.lines[0] or entry.points[1] > entry.points[0]
    return entry.picture and not (entry.areas or entry.model or has_shapes)


def _scale(name: str, classes: ValueClasses) -> Legend:
    """Classes of a raster's values, with their unit."""
    unit = unit_of(classes.quantity)
    texts = class_texts(np.asarray(classes.breaks), classes.low, classes.high, open_ends=True)
    colours = class_colours(RASTER_MAP, len(texts))
    entries = tuple(
        LegendEntry(t, (int(r), int(g), int(b))) for t, (r, g, b) in zip(texts, colours, strict=True)
    )
    return Legend(f"{name} ({unit})" if unit else name, entries)


def _context_entry(pack: ScenePack, style: Style) -> list[LegendEntry]:
    """Buildings that are no models: masses without a footprint, and footprints without a shape."""
    found = []
    if Material.CONTEXT_ROOF in pack.materials:
        found.append(LegendEntry("Building without footprint", style.rgb("building.context_roof")))
    return [*found, *_unbuilt_entry(pack, style)]


def _unbuilt_entry(pack: ScenePack, style: Style) -> list[LegendEntry]:
    if not len(pack["unbuilt_points"]):
        return []
    return [LegendEntry("Building not built", style.rgb("building.unbuilt"), "line")]


def _map_entries(pack: ScenePack, style: Style) -> list[LegendEntry]:
    materials, entries = pack.materials, []
    if materials & {Material.ROOF_FLAT, Material.ROOF_SLOPED}:
        kind = "roofs_sloped" if Material.ROOF_SLOPED in materials else "roofs_flat"
        entries.append(LegendEntry("Building", style.rgb(f"building.{kind}")))
    entries += _context_entry(pack, style)
    if Material.BRIDGE_DECK in materials:
        entries.append(LegendEntry("Bridge", style.rgb("terrain.bridge_deck")))
    known = _COVERS.items()
    entries += [LegendEntry(text, style.rgb(key)) for name, (text, key) in known if name in pack.covers]
    if len(pack["tree_form"]):
        entries.append(LegendEntry("Tree", style.rgb("tree.broadleaf"), "point"))
    return entries
