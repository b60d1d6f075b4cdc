"""What lies under a pixel: rays through one prepared tree of all that a scene shows, and marks near the pointer."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.rays import TreeCaster
from twin.scene.camera import project
from twin.scene.layers import MarkerView
from twin.scene.pack import Material, ScenePack

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from twin.scene.camera import Camera
    from twin.scene.scene import Scene

_MARK_BEFORE_M = 1.0
"""A mark may stand this deep behind a surface and still be meant: stations hang on walls."""
_SURFACES = {
    Material.WALL: "wall",
    Material.ROOF_FLAT: "roof",
    Material.ROOF_SLOPED: "roof",
    Material.BRIDGE_DECK: "deck",
    Material.BRIDGE_SIDE: "side",
    Material.CONTEXT_WALL: "wall",
    Material.CONTEXT_ROOF: "roof",
    Material.QUAY: "quay",
    Material.EARTH: "earth",
    Material.MODEL: "model",
}


class Kind(IntEnum):
    """What a ray can meet."""

    BUILDING = 0
    TERRAIN = 1
    WATER = 2
    BRIDGE = 3
    MASS = 4
    """A building that no footprint tells of."""
    TREE = 5
    MODEL = 6
    MARKER = 7
    FEATURE = 8
    """A point, line or area of an added layer."""


_KINDS = {
    Material.BRIDGE_DECK: Kind.BRIDGE,
    Material.BRIDGE_SIDE: Kind.BRIDGE,
    Material.CONTEXT_WALL: Kind.MASS,
    Material.CONTEXT_ROOF: Kind.MASS,
    Material.QUAY: Kind.TERRAIN,
    Material.EARTH: Kind.TERRAIN,
    Material.MODEL: Kind.MODEL,
}


@dataclass(frozen=True, slots=True)
class Hit:
    """What was picked.

    Parameters
    ----------
    kind : Kind
    id : str
        Of a building, a marker, or the layer of a model or feature; the row in its table for a tree; else empty.
    position : tuple of float
        Easting, northing, elevation, metres, map coordinates.
    distance_m : float
        From the eye.
    surface : str
        ``roof``, ``wall``, ``deck``, ..., or the cover of the ground such as ``road``; ``point`` or ``line`` of a
        feature, empty for an area.
    face : int
        Plane face in the pack, -1 for what has none.
    part : int
        Which of the points or lines of its layer a feature is, as `twin.scene.added_layers.feature_row` counts them.
    """

    kind: Kind
    id: str
    position: tuple[float, float, float]
    distance_m: float
    surface: str = ""
    face: int = -1
    part: int = -1


@dataclass(frozen=True, slots=True)
class Picker:
    """A scene prepared for rays.

    Parameters
    ----------
    pack : ScenePack
    tree : TreeCaster
        Over facets, then terrain, then trees.
    kind : array, shape (m,)
        `Kind` of each triangle, uint8.
    owner : array, shape (m,)
        Index of the building, tree or overlay; -1 for none.
    surface : array, shape (m,)
        `Material` of facets, cover of terrain, uint8.
    face : array, shape (m,)
        Plane face of each triangle, -1 for terrain and trees.
    shown : array of bool, shape (m,)
        Which triangles count.
    """

    pack: ScenePack
    tree: TreeCaster
    kind: NDArray[np.uint8]
    owner: NDArray[np.int32]
    surface: NDArray[np.uint8]
    face: NDArray[np.int32]
    shown: NDArray[np.bool_]


def prepare_picker(source: Scene | ScenePack) -> Picker:
    """Everything of a scene in one tree; takes about a second for 100,000 buildings, and picks cost next to nothing."""
    pack = source if isinstance(source, ScenePack) else source.pack
    parts = [_facets(pack), _ground(pack), *_trees(pack)]
    triangles, kind, owner, surface, face = (np.concatenate(rows) for rows in zip(*parts, strict=True))
    if not len(triangles):
        triangles = np.empty((0, 3, 3), np.float32)
    return Picker(pack, TreeCaster(triangles), kind, owner, surface, face, np.ones(len(kind), np.bool_))


_Part = tuple["NDArray[Any]", "NDArray[Any]", "NDArray[Any]", "NDArray[Any]", "NDArray[Any]"]


def _facets(pack: ScenePack) -> _Part:
    from twin.scene.bake import triangle_points

    corner = triangle_points(pack["facet_triangles"], pack.meta.facet_tiles)
    first = corner[:, 0]
    material = pack["facet_material"][first]
    kinds = np.full(len(Material), Kind.BUILDING, np.uint8)
    for name, value in _KINDS.items():
        kinds[name] = value
    owner = pack["facet_owner"][first].copy()
    for tile in pack.meta.facet_tiles:
        if tile.group.startswith("model:"):
            owner[slice(*tile.cells)] = int(tile.group.removeprefix("model:"))
    return pack["facet_points"][corner], kinds[material], owner, material, pack["facet_face"]


def _ground(pack: ScenePack) -> _Part:
    from twin.scene.bake import triangle_points

    corner = triangle_points(pack["terrain_triangles"], pack.meta.terrain_tiles)
    kind = np.full(len(corner), Kind.TERRAIN, np.uint8)
    for tile in pack.meta.terrain_tiles:
        if tile.group == "water":
            kind[slice(*tile.cells)] = Kind.WATER
    none = np.full(len(corner), -1, np.int32)
    return pack["terrain_points"][corner], kind, none, pack["terrain_cover"][corner[:, 0]], none


def _trees(pack: ScenePack) -> list[_Part]:
    """Trunks and crowns as they are drawn."""
    from twin.scene.treeforms import N_FORMS, SHRUB, crown, stand, trunk

    forms = pack["tree_form"]
    shapes = [(forms != SHRUB, trunk()), *((forms == k, crown(k, detail=0)) for k in range(N_FORMS))]
    parts: list[_Part] = []
    for chosen, form in shapes:
        at = np.flatnonzero(chosen)
        if not len(at):
            continue
        corners = stand(pack["tree_foot"][at], pack["tree_size"][at], form, pack["tree_turn"][at])
        owner = np.repeat(at, len(form.triangles)).astype(np.int32)
        none = np.full(len(owner), -1, np.int32)
        kind = np.full(len(owner), Kind.TREE, np.uint8)
        parts.append((corners, kind, owner, np.zeros(len(owner), np.uint8), none))
    return parts


def showing(
    picker: Picker, *, hidden_kinds: Collection[Kind] = (), hidden_buildings: Collection[str] = ()
) -> Picker:
    """The same scene with some of it out of the way of rays, such as layers switched off; costs no new tree."""
    shown = ~np.isin(picker.kind, np.array(sorted(hidden_kinds), np.uint8))
    if hidden_buildings:
        hidden = np.isin(picker.pack["building_ids"], sorted(hidden_buildings))
        mine = picker.kind == Kind.BUILDING
        shown[mine] &= ~hidden[picker.owner[mine]]
    return replace(picker, shown=shown)


def pixel_rays(
    camera: Camera, size: tuple[int, int], xy: NDArray[np.floating]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the rays through pixels start and which way they go, local metres.

    Parameters
    ----------
    camera : Camera
    size : tuple of int
        Width and height of the picture, pixels.
    xy : array, shape (n, 2)
        Column and row from the upper left corner.

    Returns
    -------
    origins, directions : array, shape (n, 3)
        Directions of length 1.

    Examples
    --------
    >>> import numpy as np
    >>> from twin.scene.camera import Camera
    >>> pixel_rays(Camera((0, -10, 0), (0, 0, 0)), (200, 100), np.array([[100.0, 50.0]]))[1].tolist()
    [[0.0, 1.0, 0.0]]
    """
    right, up, forward = camera.axes
    half = np.asarray(size, dtype=np.float64) / 2
    across, above = ((np.asarray(xy, dtype=np.float64) - half) / half[1]).T
    eye = np.asarray(camera.eye, dtype=np.float64)
    if camera.parallel_height_m is not None:
        reach = camera.parallel_height_m / 2
        origins = eye + reach * (across[:, None] * right - above[:, None] * up)
        return origins, np.tile(forward, (len(origins), 1))
    tall = math.tan(math.radians(camera.view_angle_deg) / 2)
    directions = forward + tall * (across[:, None] * right - above[:, None] * up)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return np.tile(eye, (len(directions), 1)), directions


def pick(
    source: Picker | Scene | ScenePack,
    camera: Camera,
    size: tuple[int, int],
    xy: tuple[float, float],
    *,
    markers: MarkerView | Sequence[MarkerView] | None = None,
    reach_px: float = 9.0,
) -> Hit | None:
    """What stands first under a pixel, or None under the sky.

    Parameters
    ----------
    source : Picker, Scene or ScenePack
        A picker made by `prepare_picker` answers in a tenth of a millisecond; anything else is prepared first.
    camera : Camera
    size : tuple of int
        Width and height of the picture, pixels.
    xy : tuple of float
        Column and row from the upper left corner.
    markers : MarkerView or sequence of MarkerView, optional
        Marks that are drawn over the scene; the nearest within reach goes first unless something stands before it.
    reach_px : float
        How far beside the pointer a mark may be.
    """
    picker = source if isinstance(source, Picker) else prepare_picker(source)
    origins, directions = pixel_rays(camera, size, np.array([xy]))
    hit = cast(picker, origins, directions)[0]
    views = (markers,) if isinstance(markers, MarkerView) else markers or ()
    marks = [_marker(picker, (camera, size), xy, view, reach_px) for view in views]
    mark = min((m for m in marks if m is not None), key=lambda m: m.distance_m, default=None)
    if mark is None or (hit is not None and hit.distance_m + _MARK_BEFORE_M < mark.distance_m):
        return hit
    return mark


def cast(picker: Picker, origins: NDArray[np.floating], directions: NDArray[np.floating]) -> list[Hit | None]:
    """What each ray meets first; rays of shape (n, 3) in local metres, directions of length 1."""
    number, distance = picker.tree.nearest(origins, directions, shown=picker.shown)
    places = np.asarray(origins) + np.where(number >= 0, distance, 0.0)[:, None] * directions
    places += np.asarray(picker.pack.meta.origin, dtype=np.float64)
    return [
        _hit(picker, int(n), place, float(d)) if n >= 0 else None
        for n, place, d in zip(number, places, distance, strict=True)
    ]


def _hit(picker: Picker, triangle: int, place: NDArray[np.float64], distance_m: float) -> Hit:
    kind, owner = Kind(picker.kind[triangle]), int(picker.owner[triangle])
    x, y, z = (float(v) for v in place)
    surface, face = _surface(picker, triangle, kind), int(picker.face[triangle])
    return Hit(kind, _name(picker.pack, kind, owner), (x, y, z), distance_m, surface, face)


def _surface(picker: Picker, triangle: int, kind: Kind) -> str:
    if kind == Kind.TREE:
        return "tree"
    number = int(picker.surface[triangle])
    if picker.face[triangle] < 0:
        return picker.pack.meta.covers[number]
    return _SURFACES[Material(number)]


def _name(pack: ScenePack, kind: Kind, owner: int) -> str:
    if owner < 0:
        return ""
    if kind == Kind.BUILDING:
        return str(pack["building_ids"][owner])
    return pack.meta.overlays[owner].name if kind == Kind.MODEL else str(owner)


def _marker(
    picker: Picker,
    view: tuple[Camera, tuple[int, int]],
    xy: tuple[float, float],
    markers: MarkerView,
    reach_px: float,
) -> Hit | None:
    """The mark whose disc, column or foot is nearest to a pixel, within reach and before the eye."""
    from twin.scene.stage import mark_radius_px

    if not len(markers.ids):
        return None
    camera, size = view
    local = markers.position - np.asarray(picker.pack.meta.origin, dtype=np.float64)
    top = local.copy()
    if markers.height_m is not None:
        top[:, 2] += np.nan_to_num(markers.height_m)
    a, b = project(camera, local, size), project(camera, top, size)
    gap, share = to_segments(np.asarray(xy, dtype=np.float64), a[:, :2], b[:, :2])
    # The disc stands on its place, or on the head of its column, in a size of its own.
    radius = mark_radius_px(size[1])
    to_disc = np.hypot(b[:, 0] - xy[0], b[:, 1] - radius - xy[1]) - radius
    gap = np.minimum(gap, np.maximum(to_disc, 0.0))
    nearest = local + share[:, None] * (top - local)
    flat = camera.parallel_height_m is not None
    distance = a[:, 2] if flat else np.linalg.norm(nearest - camera.eye, axis=1)
    gap = np.where((a[:, 2] > 0) & (b[:, 2] > 0) & (gap <= reach_px), gap, np.inf)
    best = int(np.lexsort((distance, gap))[0])
    if not np.isfinite(gap[best]):
        return None
    x, y, z = (float(v) for v in markers.position[best])
    return Hit(Kind.MARKER, markers.ids[best], (x, y, z), float(distance[best]))


def to_segments(
    pixel: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pixels from a point to segments on the screen, and the share of each segment before its nearest point."""
    along = b - a
    square = np.maximum((along**2).sum(axis=1), 1e-12)
    share = np.clip(((pixel - a) * along).sum(axis=1) / square, 0, 1)
    return np.hypot(*(a + share[:, None] * along - pixel).T), share
