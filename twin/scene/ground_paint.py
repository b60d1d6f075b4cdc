"""What is colour on the ground and no thing of its own, faded: roads, and layers that lie on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from twin.scene.drape import compose_overlay
from twin.scene.paint import overlay_colours
from twin.scene.stage import renewing
from twin.scene.vtk_parts import set_colours

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from twin.scene.over_time import Lookup
    from twin.scene.pack import ScenePack, Tile
    from twin.scene.stage import Stage
    from twin.scene.style import Style

ROADS = "roads"
_ROAD_COVERS = ("road", "path", "rail")


def road_points(pack: ScenePack) -> NDArray[np.bool_]:
    """Which points of the terrain belong to a road, a footway or a track, shape (n_points,)."""
    chosen = np.array([cover in _ROAD_COVERS for cover in pack.meta.covers])
    return chosen[pack["terrain_cover"]]


def road_paint(
    stage: Stage, colours: NDArray[np.uint8], parts: Sequence[tuple[Tile, Any]]
) -> Callable[[float], None]:
    """A function that shows roads as strongly as it is told: at 0 bare land lies where they are.

    Parameters
    ----------
    stage : Stage
    colours : array, shape (n_points, 3)
        Of all points of the terrain, with their roads.
    parts : sequence of (Tile, vtkPolyData)
        Tiles of the terrain as they are drawn.
    """
    roads = road_points(stage.pack)
    land = np.asarray(stage.style.rgb("terrain.land"), np.float32)
    shown = 1.0

    def paint(share: float) -> None:
        nonlocal shown
        if share == shown:
            return
        shown = share
        mixed = colours.copy()
        mixed[roads] = np.rint(land + share * (colours[roads] - land))
        with renewing(stage, ROADS):
            for tile, data in parts:
                set_colours(stage, data, mixed[slice(*tile.points)])
                data.Modified()

    return paint


def overlay_picture(
    pack: ScenePack, style: Style, shares: dict[str, float] | None = None
) -> NDArray[np.uint8] | None:
    """What added layers lay on the ground, shape (rows, columns, 4); None without any.

    Parameters
    ----------
    pack : ScenePack
    style : Style
    shares : dict, optional
        How strongly layers are shown, 0 to 1, by name; others as they are.
    """
    pictures: list[tuple[NDArray[np.uint8], Any]] = []
    areas: list[tuple[NDArray[np.uint8], Any]] = []
    colours = overlay_colours(pack, style)
    for i, entry in enumerate(pack.meta.overlays):
        share = (shares or {}).get(entry.name, 1.0)
        if entry.picture:
            pictures.insert(0, (_thinned(pack[f"overlay_picture_{i}"], share), None))
        if entry.areas:
            areas.append((_thinned(pack[f"overlay_area_{i}"], share), colours[i]))
    return compose_overlay([*pictures, *areas])


def _thinned(values: NDArray[np.uint8], share: float) -> NDArray[np.uint8]:
    """A mask, or a picture by its alpha, at a share of its strength."""
    if share >= 1:
        return values
    strength = np.rint(np.arange(256) * share).astype(np.uint8)
    if values.ndim == 2:
        return strength[values]
    thin = values.copy()
    thin[..., 3] = strength[values[..., 3]]
    return thin


def overlay_paints(stage: Stage, drape: Lookup) -> dict[str, Callable[[float], None]]:
    """For each added layer that lies on the ground a function that shows it as strongly as it is told."""
    shares: dict[str, float] = {}

    def paint(name: str, share: float) -> None:
        if shares.get(name, 1.0) == share:
            return
        shares[name] = share
        picture = overlay_picture(stage.pack, stage.style, shares)
        if picture is not None:
            drape.show(picture)

    def painter(name: str) -> Callable[[float], None]:
        return lambda share: paint(name, share)

    return {o.name: painter(o.name) for o in stage.pack.meta.overlays if o.areas or o.picture}
