"""The light of a whole scene: baked once for a place of the sun, kept in the cache, read back in milliseconds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.errors import StorageError
from twin.core.files import atomic_path
from twin.scene.pack import forget_old, load_arrays, save_arrays

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.core.notices import Notices
    from twin.energy.sun import Sun
    from twin.scene.light import LitMesh, Occluders, Texels
    from twin.scene.pack import ScenePack
    from twin.scene.treeforms import Form

TABLE_TEXELS = 448
_KEPT_SUNS, _KEPT_SKIES = 8, 4
_MAPS = ("atlas", "plan", "table", "trees")
_MANY_TREES = 3000


@dataclass(frozen=True, slots=True)
class Light:
    """Sun and sky on everything, 0 to 255.

    Maps have sun as red and sky as green; blue and alpha only fill them up to the four bytes that a graphics card
    takes as they are. VTK would make two channels grey and alpha, and turning two into four in memory takes longer
    than reading four from the file.

    Parameters
    ----------
    atlas : array, shape (rows, columns, 4)
        On faces, as `PackMeta.atlas` lays them out.
    plan : array, shape (rows, columns, 4)
        On the ground, as `PackMeta.plan` lays it out.
    table : array, shape (n, n, 4)
        On the table that the block stands on, over `table_bounds`, row 0 in the south.
    trees : array, shape (n_trees, 2)
    """

    atlas: NDArray[np.uint8]
    plan: NDArray[np.uint8]
    table: NDArray[np.uint8]
    trees: NDArray[np.uint8]


def table_bounds(block: tuple[float, float, float, float, float, float]) -> tuple[float, float, float, float]:
    """The part of the table around the block that has a light map: x_min, y_min, x_max, y_max, local metres."""
    margin = 0.6 * max(block[2] - block[0], block[3] - block[1]) + 20
    return block[0] - margin, block[1] - margin, block[2] + margin, block[3] + margin


def light_for(
    pack: ScenePack,
    sun: Sun,
    cache: Path | None,
    *,
    notices: Notices | None = None,
    baker: Baker | None = None,
    is_kept: bool = True,
) -> Light:
    """The light of a scene, from the cache or baked now.

    Parameters
    ----------
    pack : ScenePack
    sun : Sun
    cache : Path, optional
        Folder to keep light in; None keeps nothing.
    notices : Notices, optional
        Told where the cache cannot be written.
    baker : Baker, optional
        Of this pack, where one place of the sun follows another.
    is_kept : bool
        Put what is baked into the cache; not so in a film, whose light nobody will ask for again.
    """
    sky_path, sun_path = _paths(pack, sun, cache)
    kept = load_arrays(sun_path) if sun_path else None
    found: Mapping[str, NDArray[Any]] = kept or {}
    if not found:
        baking = baker or Baker(pack)
        if not baking.kept_sky:
            baking.kept_sky = (load_arrays(sky_path) if sky_path else None) or _keep(
                sky_path, baking.sky(), notices
            )
        sky, shadow = baking.kept_sky, baking.sun(sun.direction)
        found = {n: _together(shadow[n], sky[n]) for n in _MAPS}
        if sun_path and is_kept:
            found = _keep(sun_path, found, notices)
            _forget_old(sun_path.parent)
    return Light(**{name: found[name] for name in _MAPS})


def is_light_kept(pack: ScenePack, sun: Sun, cache: Path | None) -> bool:
    """Whether the light of a scene lies in the cache, so that it takes no time."""
    path = _paths(pack, sun, cache)[1]
    return path is not None and path.exists()


def _together(sun: NDArray[np.uint8], sky: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Two maps as the first two of four channels; two lists as two columns."""
    if sun.ndim == 1:
        return np.column_stack([sun, sky])
    return np.stack([sun, sky, np.zeros_like(sun), np.full_like(sun, 255)], axis=-1)


def _paths(pack: ScenePack, sun: Sun, cache: Path | None) -> tuple[Path | None, Path | None]:
    if cache is None:
        return None, None
    key = pack.meta.geometry_key
    place = f"{sun.azimuth_deg:.2f}_{max(sun.elevation_deg, -1.0):.2f}"
    return cache / f"sky-{key}.npz", cache / f"light5-{key}-{place}.npz"


def _keep(
    path: Path | None, arrays: dict[str, NDArray[Any]], notices: Notices | None
) -> Mapping[str, NDArray[Any]]:
    if path is None:
        return arrays
    try:
        with atomic_path(path) as temporary, temporary.open("wb") as handle:
            save_arrays(handle, arrays)
    except StorageError as error:
        if notices is not None:
            notices.add("no-cache", f"{error}; the light is not kept")
    return arrays


def _forget_old(folder: Path) -> None:
    """Keep the last skies and places of the sun: a day of work on a plan must not fill the disk."""
    forget_old(folder, "light*.npz", _KEPT_SUNS)
    forget_old(folder, "sky-*.npz", _KEPT_SKIES)


class Baker:
    """Holds the ray tree and the texels, made when first needed, while one light after another is baked.

    Parameters
    ----------
    pack : ScenePack
    kept_sky : mapping, optional
        What `sky` gave before for this pack.
    check : callable, optional
        Called now and then; what it raises ends the work.
    """

    def __init__(
        self,
        pack: ScenePack,
        *,
        kept_sky: Mapping[str, NDArray[Any]] | None = None,
        check: Callable[[], object] | None = None,
    ) -> None:
        self.pack, self._check = pack, check
        self.kept_sky = kept_sky or {}

    @cached_property
    def occluders(self) -> Occluders:
        """What stops the rays."""
        return scene_occluders(self.pack)

    @cached_property
    def maps(self) -> dict[str, Texels]:
        """Where light is asked for."""
        from twin.scene.light import Texels

        return {
            "atlas": Texels.of(facet_mesh(self.pack)),
            "plan": Texels.of(terrain_mesh(self.pack)),
            "table": Texels.of(_table_mesh(self.pack)),
        }

    def sky(self) -> dict[str, NDArray[Any]]:
        """How much of the sky each place sees; one list or map each."""
        from twin.scene.light import bake_sky, fill_rim, light_points

        found = {}
        for name, texels in self.maps.items():
            rays = 4 if name == "table" else 8
            light = bake_sky(self.occluders, texels, most_rays=rays, check=self._check)
            found[name] = fill_rim(light[..., None], texels)[..., 0]
        found["trees"] = light_points(self.occluders, self._crowns(), direction=(0.0, 0.0, 1.0))[:, 1]
        return found

    def sun(self, direction: tuple[float, float, float]) -> dict[str, NDArray[Any]]:
        """How much sun from a direction falls on each place."""
        from twin.scene.light import bake_sun, fill_rim, light_points

        found = {}
        for name, texels in self.maps.items():
            light = bake_sun(self.occluders, texels, direction, check=self._check)
            found[name] = fill_rim(light[..., None], texels)[..., 0]
        found["trees"] = light_points(self.occluders, self._crowns(), direction=direction)[:, 0]
        return found

    def _crowns(self) -> NDArray[np.float32]:
        foot, size = self.pack["tree_foot"], self.pack["tree_size"]
        return foot + np.array([0, 0, 0.75], np.float32) * size[:, 1:]


def scene_occluders(pack: ScenePack) -> Occluders:
    """Everything in a pack that stops light or sight."""
    from twin.scene.light import Occluders
    from twin.scene.treeforms import N_FORMS, SHRUB, crown, trunk

    solid = [
        _soup(pack["facet_points"], pack["facet_triangles"], pack.meta.facet_tiles),
        _soup(pack["terrain_points"], pack["terrain_triangles"], pack.meta.terrain_tiles),
        _stand(pack, pack["tree_form"] != SHRUB, trunk()),
    ]
    detail = int(len(pack["tree_form"]) <= _MANY_TREES)
    leaves = [_stand(pack, pack["tree_form"] == f, crown(f, detail=detail)) for f in range(N_FORMS)]
    return Occluders.of(np.concatenate(solid), np.concatenate(leaves))


def _stand(pack: ScenePack, chosen: NDArray[np.bool_], form: Form) -> NDArray[np.float32]:
    """One form at the places of chosen trees, as triangles."""
    from twin.scene.treeforms import stand

    return stand(pack["tree_foot"][chosen], pack["tree_size"][chosen], form, pack["tree_turn"][chosen])


def triangle_points(triangles: NDArray[np.int32], tiles: tuple[Any, ...]) -> NDArray[np.int32]:
    """Corners of triangles counted from the first point of the pack, not of their tile; shape (m, 3)."""
    moved = triangles.copy()
    for tile in tiles:
        moved[tile.cells[0] : tile.cells[1]] += tile.points[0]
    return moved


def _soup(
    points: NDArray[np.float32], triangles: NDArray[np.int32], tiles: tuple[Any, ...]
) -> NDArray[np.float32]:
    return points[triangle_points(triangles, tiles)].reshape(-1, 3, 3)


def facet_mesh(pack: ScenePack) -> LitMesh:
    """Faces of a pack with their places in the atlas."""
    from twin.scene.light import LitMesh

    return LitMesh(
        pack["facet_points"],
        pack["facet_normals"],
        pack["facet_texel"],
        triangle_points(pack["facet_triangles"], pack.meta.facet_tiles),
        pack["facet_face"],
        pack.meta.atlas,
    )


def facet_texels(
    pack: ScenePack,
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """Texels of the atlas that show a building: flat index, place in local metres and normal, shapes (k,), (k, 3)."""
    from twin.scene.light import Texels, texel_places

    mesh = facet_mesh(pack)
    texels = Texels.of(mesh)
    first = mesh.triangles[texels.owner.ravel()[texels.index], 0]
    index = texels.index[pack["facet_owner"][first] >= 0]
    return (index, *texel_places(texels, index))


def plan_texel(points: NDArray[np.float32], pack: ScenePack) -> NDArray[np.float32]:
    """Column and row of points in the plan, from the centre of its first texel; shape (n, 2)."""
    plan = pack.meta.plan
    columns, rows = points[:, 0] - plan.x_min, plan.y_max - points[:, 1]
    return (np.column_stack([columns, rows]) / plan.texel_m - 0.5).astype(np.float32)


def terrain_mesh(pack: ScenePack) -> LitMesh:
    """The ground of a pack with its places in the plan."""
    from twin.scene.light import LitMesh

    points = pack["terrain_points"]
    triangles = triangle_points(pack["terrain_triangles"], pack.meta.terrain_tiles)
    kin = np.zeros(len(triangles), np.int32)
    for tile in pack.meta.terrain_tiles:
        kin[tile.cells[0] : tile.cells[1]] = tile.group == "water"
    shape = (pack.meta.plan.rows, pack.meta.plan.columns)
    return LitMesh(
        points, _smooth_normals(points, triangles), plan_texel(points, pack), triangles, kin, shape
    )


def _smooth_normals(points: NDArray[np.float32], triangles: NDArray[np.int32]) -> NDArray[np.float32]:
    """Normals shared by all corners at one place, whatever tile or cover they belong to."""
    if not len(points):
        return np.empty((0, 3), np.float32)
    _, place = np.unique(np.rint(points * 1000).astype(np.int64), axis=0, return_inverse=True)
    place = place.ravel()
    a, b, c = (points[triangles[:, i]].astype(np.float64) for i in range(3))
    cross = np.cross(b - a, c - a)
    total = np.zeros((int(place.max()) + 1, 3))
    for i in range(3):
        corner = place[triangles[:, i]]
        total += np.column_stack([np.bincount(corner, part, len(total)) for part in cross.T])
    total /= np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)
    return total[place].astype(np.float32)


def _table_mesh(pack: ScenePack) -> LitMesh:
    from twin.scene.light import LitMesh

    x0, y0, x1, y1 = table_bounds(pack.meta.block)
    z = pack.meta.block[4]
    last = TABLE_TEXELS - 1
    return LitMesh(
        np.array([[x0, y0, z], [x1, y0, z], [x1, y1, z], [x0, y1, z]], np.float32),
        np.tile(np.array([0, 0, 1], np.float32), (4, 1)),
        np.array([[0, 0], [last, 0], [last, last], [0, last]], np.float32),
        np.array([[0, 1, 2], [0, 2, 3]], np.int32),
        np.zeros(2, np.int32),
        (TABLE_TEXELS, TABLE_TEXELS),
    )
