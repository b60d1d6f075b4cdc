"""Styles, legends and labels of a scene as plain values for the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twin.core.visible_text import visible_text
from twin.scene.legend import scene_legends
from twin.scene.pack import Material
from twin.scene.paint import overlay_colours
from twin.scene.stage import light_balance
from twin.scene.style import load_style

if TYPE_CHECKING:
    from twin.energy.sun import Sun
    from twin.scene.colour import Legend, LegendEntry
    from twin.scene.pack import ScenePack
    from twin.scene.style import Style

STYLES = ("light", "dark")
_COVERS = {"ground": "land", "path": "footway", "water": "earth", "skirt": "earth"}
_TREES = ("tree.broadleaf", "tree.conifer", "tree.shrub")
_PLAIN = {
    Material.BRIDGE_DECK: "terrain.bridge_deck",
    Material.BRIDGE_SIDE: "terrain.bridge_side",
    Material.CONTEXT_WALL: "building.context_wall",
    Material.CONTEXT_ROOF: "building.context_roof",
    Material.QUAY: "terrain.quay",
    Material.EARTH: "terrain.earth",
    Material.MODEL: "building.missing",
}
_HOUSE = ("building.walls", "building.roofs_flat", "building.roofs_sloped")


def looks(pack: ScenePack, sun: Sun) -> dict[str, Any]:
    """Everything that a change of style changes, by the name of the style."""
    return {name: _look(pack, load_style(name), sun) for name in STYLES}


def _look(pack: ScenePack, style: Style, sun: Sun) -> dict[str, Any]:
    return {
        "light": {k: [round(v, 5) for v in values] for k, values in light_balance(style, sun).items()},
        "sky": {k: style.unit(f"sky.{k}") for k in ("zenith", "horizon", "ground")},
        "hazeShare": style.numbers["sky.fade"] * 4,
        "houses": [list(style.colours[key]) for key in _HOUSE],
        "plain": {str(int(m)): style.rgb(key) for m, key in _PLAIN.items()},
        "covers": [style.rgb(f"terrain.{_COVERS.get(c, c)}") for c in pack.meta.covers],
        "trees": [list(style.colours[key]) for key in _TREES],
        "trunk": style.rgb("tree.trunk"),
        "edge": [*style.unit("building.edge"), style.numbers["building.edge_alpha"]],
        "unbuilt": style.unit("building.unbuilt"),
        "missing": style.rgb("building.missing"),
        "water": {k: style.unit(f"water.{k}") for k in ("deep", "shore")},
        "text": {k: style.rgb(f"text.{k}") for k in ("colour", "halo", "muted", "panel", "accent", "water")},
        "overlays": overlay_colours(pack, style),
        "legends": [legend_values(legend) for legend in scene_legends(pack, style, None)],
    }


def legend_values(legend: Legend) -> dict[str, Any]:
    """A legend as plain values."""
    return {
        "title": visible_text(legend.title),
        "entries": [_entry_values(entry) for entry in legend.entries],
    }


def _entry_values(entry: LegendEntry) -> dict[str, Any]:
    told = {"text": visible_text(entry.text), "rgb": list(entry.rgb), "kind": entry.kind}
    words = {language: visible_text(text) for language, text in entry.words}
    return {**told, "words": words} if words else told
