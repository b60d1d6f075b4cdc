"""A picture from above, coloured from the plan: materials, roofs, crowns, cars, shadows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.grid import Bounds
from twin.demo.bridges import bridges_of
from twin.demo.chance import stream
from twin.demo.geofiles import place_on_map, polygon
from twin.demo.ground import Ground, far_side
from twin.demo.layout import cell_plan, cells_near
from twin.demo.roads import far_road_area
from twin.demo.skeleton import to_local
from twin.demo.surfaces import FIELD_STRIP_M, is_tilled
from twin.demo.survey import local_window
from twin.demo.views import SUN, Seen, cast_shadows, look_down, shadow_place

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.core.grid import Grid
    from twin.demo.bridges import Bridge
    from twin.demo.layout import Layout
    from twin.demo.plan import Building
    from twin.demo.views import TopView

    Colours = NDArray[np.float32]

DECK_ROAD_SHARE = 0.66
SHADOW_REACH_M = 72.0
"""Shadows of things farther away are left out."""
_GROUND = np.array(
    [
        (128, 138, 82),  # field
        (122, 140, 88),  # block, where no surface says more
        (176, 172, 164),  # sidewalk
        (92, 93, 97),  # carriageway
        (112, 141, 78),  # levee
        (134, 144, 92),  # berm
        (58, 88, 96),  # river
        (62, 92, 94),  # canal
        (66, 92, 84),  # pond
    ],
    np.float32,
)
_SURFACES = {
    "garden": (116, 143, 84),
    "grass": (120, 150, 86),
    "paved": (170, 165, 156),
    "square": (188, 180, 166),
    "parking": (112, 112, 115),
    "grass_pitch": (92, 138, 92),
    "playground": (196, 160, 118),
    "path": (194, 182, 156),
    "road": (104, 104, 106),
}
_PITCHED = ((150, 76, 56), (166, 88, 62), (136, 68, 58), (92, 84, 86), (84, 96, 112), (120, 88, 66))
_FLAT = ((156, 158, 160), (138, 142, 144), (174, 172, 166), (120, 132, 128), (106, 110, 116))
_CARS = ((232, 232, 234), (40, 42, 46), (120, 124, 130), (168, 36, 40), (44, 72, 128), (200, 202, 204))
_SOIL = (142, 118, 88)
_GLASS, _BRIDGE, _SHRUB = (150, 176, 186), (150, 148, 146), (72, 104, 56)
_TREES = ((62, 100, 48), (74, 112, 52), (84, 116, 58), (48, 84, 52), (98, 128, 66), (70, 106, 60))


def paint(layout: Layout, grid: Grid, dsm: NDArray[np.float64], dsm_grid: Grid) -> NDArray[np.uint8]:
    """Red, green and blue over a map grid, shape (3, ny, nx); black outside the district, never inside.

    `dsm` is what stands there and on the sides that shadows come from, on a coarser grid.
    """
    view, buildings = look_down(layout, grid)
    shadow = cast_shadows(view.dsm, dsm, shadow_place(grid, dsm_grid))
    colours = _base(layout, grid, view)
    _paint_fields(colours, view, grid)
    _paint_buildings(colours, view, buildings)
    _paint_others(colours, view)
    _paint_decks(colours, view, grid, bridges_of(layout.skeleton, layout.terrain))
    light = 0.46 + 0.8 * view.shade * ~shadow
    rough = _grain(layout, grid)
    painted = np.clip(colours * (light * rough)[..., None], 1, 255)
    painted[view.seen == Seen.NOTHING] = 0
    return np.moveaxis(painted.astype(np.uint8), -1, 0)


def towards_sun(bounds: Bounds) -> Bounds:
    """A rectangle widened on the sides that shadows come from."""
    azimuth, reach = SUN[0], SHADOW_REACH_M
    east, north = math.sin(azimuth), math.cos(azimuth)
    return Bounds(
        bounds.x_min - reach * (east < 0),
        bounds.y_min - reach * (north < 0),
        bounds.x_max + reach * (east > 0),
        bounds.y_max + reach * (north > 0),
    )


def _base(layout: Layout, grid: Grid, view: TopView) -> Colours:
    """Ground by its kind, and on lots and levees by what was laid on it."""
    seen = np.where(view.seen < len(_GROUND), view.seen, Ground.BLOCK)
    colours = _GROUND[seen]
    surfaces = _surfaces(layout, grid)
    if surfaces:
        from affine import Affine
        from rasterio.features import rasterize

        transform = Affine(grid.cell_size_m, 0.0, grid.x_min, 0.0, -grid.cell_size_m, grid.y_max)
        which = rasterize(surfaces, out_shape=grid.shape, transform=transform, fill=0, dtype="uint8")
        palette = np.array([(0, 0, 0), *_SURFACES.values()], np.float32)
        is_laid = np.isin(view.seen, (Ground.BLOCK, Ground.LEVEE)) & (which > 0)
        colours[is_laid] = palette[which[is_laid]]
    return colours


def _surfaces(layout: Layout, grid: Grid) -> list[tuple[Any, int]]:
    window = local_window(grid.bounds)
    code = {name: k + 1 for k, name in enumerate(_SURFACES)}
    laid = [
        (place_on_map(polygon(ring)), code[kind])
        for i, j in cells_near(layout, window)
        for kind, ring in cell_plan(layout, i, j).surfaces
    ]
    return [(place_on_map(far_road_area(layout)), code["road"]), *laid]


def _paint_buildings(colours: Colours, view: TopView, buildings: tuple[Building, ...]) -> None:
    is_roof = np.isin(view.seen, (Seen.ROOF, Seen.WALL))
    if is_roof.any():
        palette = np.array([_roof_colour(b) for b in buildings], np.float32)
        colours[is_roof] = palette[view.owner[is_roof]]


def _roof_colour(building: Building) -> tuple[float, ...]:
    rng = stream(0, building.id)
    choices = _FLAT if building.roof_type in {"flat", "multi_level", "other", "round"} else _PITCHED
    base = np.array(choices[int(rng.integers(len(choices)))])
    return tuple(np.clip(base * rng.uniform(0.9, 1.12), 0, 255))


def _paint_others(colours: Colours, view: TopView) -> None:
    colours[view.seen == Seen.GLASS] = _GLASS
    colours[view.seen == Seen.BRIDGE] = _BRIDGE
    colours[view.seen == Seen.SHRUB] = _SHRUB
    for kind, palette in ((Seen.TREE, _TREES), (Seen.CAR, _CARS)):
        mine = view.seen == kind
        colours[mine] = np.array(palette, np.float32)[view.owner[mine] * 7 % len(palette)]


def _paint_fields(colours: Colours, view: TopView, grid: Grid) -> None:
    """Strips of crops and bare soil, around the streets and beyond the far levee."""
    rows, cols = np.nonzero(np.isin(view.seen, (Ground.FIELD, Ground.LEVEE)))
    uv = to_local(np.column_stack([grid.x_centres[cols], grid.y_centres[rows]]))
    if not len(uv):
        return
    stations = np.linspace(uv[:, 0].min(), uv[:, 0].max(), 100)
    far = np.interp(uv[:, 0], stations, [-far_side(s) for s in stations])
    is_field = (view.seen[rows, cols] == Ground.FIELD) | (uv[:, 1] < far)
    rows, cols, u = rows[is_field], cols[is_field], uv[is_field, 0]
    strip = np.floor(u / FIELD_STRIP_M).astype(np.int64)
    tilled = np.isin(strip, [s for s in np.unique(strip).tolist() if is_tilled(s)])
    tint = 0.9 + 0.2 * ((strip * 2654435761 >> 7) & 15) / 15.0
    furrow = 1.0 - 0.05 * (np.floor(u / 1.5).astype(np.int64) & 1)
    painted = np.where(tilled[:, None], np.array(_SOIL), _GROUND[Ground.FIELD])
    colours[rows, cols] = painted * (tint * furrow)[:, None]


def _paint_decks(colours: Colours, view: TopView, grid: Grid, bridges: list[Bridge]) -> None:
    """The carriageway in the middle of a deck."""
    is_deck = view.seen == Seen.BRIDGE
    for number in np.unique(view.owner[is_deck]):
        mine = is_deck & (view.owner == number)
        rows, cols = np.nonzero(mine)
        uv = to_local(np.column_stack([grid.x_centres[cols], grid.y_centres[rows]]))
        bridge = bridges[int(number)]
        start, end = bridge.axis[0, :2], bridge.axis[-1, :2]
        along = (end - start) / np.hypot(*(end - start))
        aside = np.abs((uv - start) @ np.array([-along[1], along[0]]))
        road = aside < bridge.half_width_m * DECK_ROAD_SHARE
        colours[rows[road], cols[road]] = _GROUND[Ground.CARRIAGEWAY]


def _grain(layout: Layout, grid: Grid) -> Colours:
    """Fine unevenness of every surface, fixed to the map."""
    row = np.round(grid.y_centres / grid.cell_size_m).astype(np.int64)[:, None]
    col = np.round(grid.x_centres / grid.cell_size_m).astype(np.int64)[None, :]
    dice = (row * 73856093) ^ (col * 19349663) ^ (layout.seed * 83492791)
    dice = (dice ^ (dice >> 13)) * 0x5BD1E995 & 0xFFFFFFFF
    return np.asarray(0.94 + 0.12 * ((dice ^ (dice >> 15)) & 1023) / 1023.0, dtype=np.float32)
