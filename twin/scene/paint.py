"""Colours of things: from a style, varied by a hash of the id where nothing is known, or by an attribute."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING

import numpy as np

from twin.scene.colour import MOST_COLOURS
from twin.scene.pack import Material

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.scene.colour import Painting
    from twin.scene.pack import ScenePack
    from twin.scene.style import Rgb, Style

_PLAIN = {
    Material.BRIDGE_DECK: "terrain.bridge_deck",
    Material.BRIDGE_SIDE: "terrain.bridge_side",
    Material.CONTEXT_WALL: "building.context_wall",
    Material.CONTEXT_ROOF: "building.context_roof",
    Material.QUAY: "terrain.quay",
    Material.EARTH: "terrain.earth",
    Material.MODEL: "building.missing",
}
_CHOSEN = {
    Material.WALL: "building.walls",
    Material.ROOF_FLAT: "building.roofs_flat",
    Material.ROOF_SLOPED: "building.roofs_sloped",
}
TABLE_WIDTH = 1024
FIRST_OWN = 16
"""Places before the first building's, for materials."""
_TONES = 1024
"""Steps from a little darker to a little lighter."""


def id_hash(ids: NDArray[np.str_]) -> NDArray[np.uint32]:
    """A number for each id that never changes, whatever the order or number of the others."""
    return np.fromiter((zlib.crc32(i.encode()) for i in ids.tolist()), np.uint32, len(ids))


def colour_slots(pack: ScenePack, part: slice | NDArray[np.int64] = slice(None)) -> NDArray[np.float32]:
    """Where points of the faces find their colour in `colour_table`, shape (n_points,).

    A building has three places: of its walls, its flat and its sloped roofs; everything else one for its material.
    Floats hold whole numbers to 16 million, enough for 5 million buildings.
    """
    material, owner = pack["facet_material"][part], pack["facet_owner"][part]
    own = (material <= Material.ROOF_SLOPED) & (owner >= 0)
    return np.where(own, FIRST_OWN + 3 * owner + material, material).astype(np.float32)


def plain_colours(pack: ScenePack, style: Style) -> NDArray[np.uint8]:
    """Colours of walls, flat and sloped roofs of each building by style alone, shape (n, 3, 3)."""
    kept = pack.arrays.get("building_chance")
    chance = id_hash(pack["building_ids"]) if kept is None else kept
    colours = np.empty((len(chance), len(_CHOSEN), 3), np.uint8)
    for k, (kind, key) in enumerate(_CHOSEN.items()):
        colours[:, k] = _varied(style.colours[key], chance, salt=int(kind))
    return colours


def colour_table(style: Style, plain: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Every colour of faces that the style gives, for shaders to look up.

    Parameters
    ----------
    style : Style
    plain : array, shape (n_buildings, 3, 3)
        As `plain_colours` gives it.

    Returns
    -------
    array, shape (rows, 1024, 4)
        uint8, in the order of `colour_slots`.
    """
    n = FIRST_OWN + 3 * len(plain)
    table = np.zeros((-(-n // TABLE_WIDTH) * TABLE_WIDTH, 4), np.uint8)
    for kind, key in _PLAIN.items():
        table[kind, :3] = style.rgb(key)
    table[FIRST_OWN:n, :3].reshape(-1, 3, 3)[:] = plain
    table[:, 3] = 255
    return table.reshape(-1, TABLE_WIDTH, 4)


def class_table(index: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Which colour of a palette each building has, for shaders to look up; shape (rows, 1024, 1)."""
    rows = max(1, -(-len(index) // TABLE_WIDTH))
    if rows * TABLE_WIDTH == len(index):
        return index.reshape(rows, TABLE_WIDTH, 1)
    table = np.zeros(rows * TABLE_WIDTH, np.uint8)
    table[: len(index)] = index
    return table.reshape(rows, TABLE_WIDTH, 1)


def palette_table(painting: Painting | None) -> NDArray[np.uint8]:
    """The colours of a painting for shaders, shape (1, 256, 4); alpha 0 where buildings keep their own."""
    table = np.zeros((1, MOST_COLOURS, 4), np.uint8)
    if painting is not None:
        table[0, : len(painting.palette), :3] = painting.palette
        table[0, : len(painting.palette), 3] = 255
    return table


def _varied(palette: tuple[Rgb, ...], chance: NDArray[np.uint32], *, salt: int) -> NDArray[np.uint8]:
    """One of a palette's colours for each hash, a little lighter or darker."""
    tone = 1 + 0.05 * (np.arange(_TONES) / 511.5 - 1)
    shades = np.clip(np.rint(np.asarray(palette, np.float64)[:, None] * tone[:, None]), 0, 255)
    mixed = (chance * np.uint32(2654435761) + np.uint32(salt * 40503)) >> np.uint32(7)
    which = mixed % np.uint32(len(palette)) * np.uint32(_TONES) + (
        (mixed >> np.uint32(9)) & np.uint32(_TONES - 1)
    )
    # Whole words are looked up in a third of the time that triples of bytes take.
    words = np.zeros((len(palette) * _TONES, 4), np.uint8)
    words[:, :3] = shades.reshape(-1, 3)
    return words.view(np.uint32).ravel().take(which).view(np.uint8).reshape(-1, 4)[:, :3]


def terrain_colours(pack: ScenePack, style: Style) -> NDArray[np.uint8]:
    """Colour of every point of the terrain by what covers it, shape (n_points, 3)."""
    keys = {"ground": "land", "path": "footway", "water": "earth", "skirt": "earth"}
    table = [style.rgb(f"terrain.{keys.get(cover, cover)}") for cover in pack.meta.covers]
    return np.asarray(table, np.uint8)[pack["terrain_cover"]]


def tree_colours(pack: ScenePack, style: Style, light: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Colour of every tree and, as its alpha, the sun that reaches it; shape (n_trees, 4)."""
    tint, form = pack["tree_tint"], pack["tree_form"]
    colours = np.empty((len(tint), 4), np.uint8)
    for forms, key in (((0, 1, 2), "tree.broadleaf"), ((3,), "tree.conifer"), ((4,), "tree.shrub")):
        chosen = np.isin(form, forms)
        palette = np.asarray(style.colours[key], dtype=np.float64)
        share = (tint[chosen] + 1) / 2
        base = palette[np.minimum((share * len(palette)).astype(int), len(palette) - 1)]
        tone = (0.72 + 0.28 * light[chosen, 1] / 255) * (1 + 0.06 * np.sin(tint[chosen] * 40))
        colours[chosen, :3] = np.clip(np.rint(base * tone[:, None]), 0, 255)
    colours[:, 3] = light[:, 0]
    return colours


def trunk_colours(style: Style, light: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Colour of every trunk and, as its alpha, the sun that reaches it; shape (n_trees, 4)."""
    bark = np.tile(style.rgb("tree.trunk"), (len(light), 1))
    return np.column_stack([bark, light[:, 0]]).astype(np.uint8)


def overlay_colours(pack: ScenePack, style: Style) -> list[Rgb]:
    """Colour of each layer of the user: its own, or that which the style has for its place."""
    palette = style.colours["overlay.colours"]
    turns = [i if o.place is None else o.place for i, o in enumerate(pack.meta.overlays)]
    return [
        o.colour or palette[turn % len(palette)] for o, turn in zip(pack.meta.overlays, turns, strict=True)
    ]
