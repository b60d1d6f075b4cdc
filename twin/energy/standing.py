"""What stands in the sun and what it shines on: ground, faces of buildings, and all else that throws shadow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from twin.core.errors import InputError, UsageError
from twin.core.limits import check_limit, limits
from twin.core.mesh import Surface
from twin.core.place import Place, place_on_earth

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from twin.city.model import City
    from twin.core.grid import Bounds, Grid
    from twin.core.mesh import Solid

CROWN_M = 2.0
"""What the survey saw this far above the ground and beside buildings counts as crown of a tree."""
_AXES = np.array([(1, 0, 0), (0, 1, 0), (-1, 0, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)], np.float64)
_OCTAHEDRON = np.array(
    [(0, 1, 4), (1, 2, 4), (2, 3, 4), (3, 0, 4), (1, 0, 5), (2, 1, 5), (3, 2, 5), (0, 3, 5)], np.int32
)


@dataclass(frozen=True, slots=True)
class Faces:
    """Plane faces of buildings as triangles.

    Parameters
    ----------
    vertices : array, shape (n, 3)
        Map coordinates, metres.
    triangles : array, shape (m, 3)
        Counter-clockwise from outside, int32.
    face : array, shape (m,)
        Plane face of each triangle, int32.
    surface : array, shape (n_faces,)
        `twin.core.mesh.Surface`, uint8.
    owner : array, shape (n_faces,)
        Index of the building, int32.
    """

    vertices: NDArray[np.float64]
    triangles: NDArray[np.int32]
    face: NDArray[np.int32]
    surface: NDArray[np.uint8]
    owner: NDArray[np.int32]

    def __post_init__(self) -> None:
        if len(self.face) != len(self.triangles) or len(self.surface) != len(self.owner):
            raise ValueError("one face per triangle, and one surface kind and owner per face")

    @property
    def corners(self) -> NDArray[np.float64]:
        """Corners of each triangle, shape (m, 3, 3)."""
        return self.vertices[self.triangles]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A city as the sun meets it.

    Parameters
    ----------
    grid : Grid
    ground_m : array of float32, shape (ny, nx)
        Elevation of the bare ground; NaN without data.
    buildings : Faces
    building_ids : tuple of str
    others : array, shape (k, 3, 3)
        Triangles of bridges, of masses without a footprint, and of trees, map coordinates.
    crowns_m : array of float32, shape (ny, nx), optional
        Elevation of the tops of trees, NaN beside them; None leaves trees out.
    terrain : array, shape (j, 3, 3)
        Triangles of the ground.
    place : Place
    """

    grid: Grid
    ground_m: NDArray[np.float32]
    buildings: Faces
    building_ids: tuple[str, ...]
    others: NDArray[np.float64]
    crowns_m: NDArray[np.float32] | None
    terrain: NDArray[np.float64]
    place: Place

    @property
    def origin(self) -> NDArray[np.float64]:
        """What is subtracted before coordinates become float32."""
        return np.array([np.floor(self.grid.x_min), np.floor(self.grid.y_max), 0.0])

    @property
    def obstacles(self) -> NDArray[np.float32]:
        """All triangles, metres from `origin`, shape (m, 3, 3)."""
        parts = (self.buildings.corners, self.others, self.terrain)
        return (np.concatenate(parts) - self.origin).astype(np.float32)


def surroundings(
    city: City, *, cell_size_m: float | None = None, bounds: Bounds | None = None, trees: bool = False
) -> Surroundings:
    """The city as the sun meets it.

    Parameters
    ----------
    city : City
    cell_size_m : float, optional
        Side of the cells of the ground; those of the terrain if not given, or coarser.
    bounds : Bounds, optional
        Part of the city that results are wanted for.
    trees : bool
        Whether trees throw shadow, as if their crowns were dense; rules about hours of sun leave them out.

    Raises
    ------
    InputError
        If the city has no terrain.
    UsageError
        If its CRS is tied to no place on Earth, or `bounds` lies elsewhere.
    LimitError
        If there would be too many cells.
    """
    from twin.city.ground_surface import city_surface
    from twin.city.meshes import city_solids

    grid = _grid(city, cell_size_m, bounds)
    middle = grid.bounds
    place = place_on_earth(
        city.manifest.crs_wkt, (middle.x_min + middle.x_max) / 2, (middle.y_min + middle.y_max) / 2
    )
    if place is None:
        raise UsageError(
            city.path, f"{city.crs} is tied to no place on Earth", "the sun's way over it is unknown"
        )
    found = city_solids(city.path, city.manifest)
    buildings = faces_of(found.solids, found.owner)
    ground = _raster(city, "dtm", grid)
    crowns = _crowns(city, grid, ground, buildings) if trees else None
    others = [_decks(city), _masses(city), *([_tree_shapes(city)] if trees else [])]
    surface = city_surface(city.path, city.manifest).mesh
    return Surroundings(
        grid,
        ground,
        buildings,
        found.ids,
        np.concatenate(others),
        crowns,
        surface.vertices[surface.triangles],
        place,
    )


def faces_of(solids: Sequence[Solid], owner: NDArray[np.int32]) -> Faces:
    """Faces of solids but those on the ground; `owner` of each solid, shape (n_solids,)."""
    from twin.reconstruct.triangulate import join_solids, triangulate

    joined, solid_of_face = join_solids(list(solids))
    triangles, face = triangulate(joined)
    kept = joined.surface != Surface.GROUND
    number = np.cumsum(kept) - 1
    drawn = kept[face]
    return Faces(
        joined.vertices,
        triangles[drawn],
        number[face[drawn]].astype(np.int32),
        joined.surface[kept],
        np.asarray(owner, np.int32)[solid_of_face[kept]],
    )


def first_surface(around: Surroundings) -> NDArray[np.float32]:
    """Elevation of what is seen from above: ground, roofs, decks, and crowns where they count; shape (ny, nx)."""
    top = around.ground_m.astype(np.float64)
    parts = [around.buildings.corners]
    if around.crowns_m is None:
        parts.append(around.others)
    for corners in parts:
        raise_to(top, corners, around.grid)
    if around.crowns_m is not None:
        top = np.fmax(top, around.crowns_m)
    return top.astype(np.float32)


def building_cells(around: Surroundings) -> NDArray[np.bool_]:
    """Cells whose middle lies below a roof, shape (ny, nx)."""
    top = np.full(around.grid.shape, -np.inf)
    raise_to(top, around.buildings.corners, around.grid)
    return top > -np.inf


def raise_to(top: NDArray[np.float64], corners: NDArray[np.float64], grid: Grid) -> None:
    """Raise the cells of a raster to the triangles above their middles; corners of shape (m, 3, 3), map coordinates."""
    if len(corners):
        _raise(top, np.ascontiguousarray(corners), grid.x_min, grid.y_max, grid.cell_size_m)


@njit(cache=True, nogil=True)
def _raise(top, corners, x_min, y_max, cell):  # type: ignore[no-untyped-def]
    ny, nx = top.shape
    for t in range(len(corners)):
        ax, ay = (corners[t, 0, 0] - x_min) / cell - 0.5, (y_max - corners[t, 0, 1]) / cell - 0.5
        ux, uy = (corners[t, 1, 0] - x_min) / cell - 0.5 - ax, (y_max - corners[t, 1, 1]) / cell - 0.5 - ay
        vx, vy = (corners[t, 2, 0] - x_min) / cell - 0.5 - ax, (y_max - corners[t, 2, 1]) / cell - 0.5 - ay
        area = ux * vy - uy * vx
        if abs(area) < 1e-9:
            continue
        first = max(int(np.ceil(ay + min(0.0, uy, vy))), 0)
        last = min(int(np.floor(ay + max(0.0, uy, vy))), ny - 1)
        left = max(int(np.ceil(ax + min(0.0, ux, vx))), 0)
        right = min(int(np.floor(ax + max(0.0, ux, vx))), nx - 1)
        for row in range(first, last + 1):
            for column in range(left, right + 1):
                px, py = column - ax, row - ay
                v = (px * vy - py * vx) / area
                w = (ux * py - uy * px) / area
                if v < -1e-9 or w < -1e-9 or v + w > 1 + 1e-9:
                    continue
                z = (
                    corners[t, 0, 2]
                    + v * (corners[t, 1, 2] - corners[t, 0, 2])
                    + w * (corners[t, 2, 2] - corners[t, 0, 2])
                )
                if not top[row, column] >= z:
                    top[row, column] = z


def without_buildings(around: Surroundings, ids: Collection[str]) -> Surroundings:
    """The city as it would be without some buildings; the order of the others stays."""
    gone = np.isin(np.array(around.building_ids, dtype=np.str_), sorted(ids))
    faces = around.buildings
    kept = ~gone[faces.owner]
    number = np.cumsum(kept) - 1
    drawn = kept[faces.face]
    left = Faces(
        faces.vertices,
        faces.triangles[drawn],
        number[faces.face[drawn]].astype(np.int32),
        faces.surface[kept],
        faces.owner[kept],
    )
    return replace(around, buildings=left)


def with_building(around: Surroundings, building_id: str, faces: Faces) -> Surroundings:
    """The city with one more building, whose owner's index becomes the last."""
    old, n = around.buildings, len(around.building_ids)
    joined = Faces(
        np.concatenate([old.vertices, faces.vertices]),
        np.concatenate([old.triangles, faces.triangles + len(old.vertices)]).astype(np.int32),
        np.concatenate([old.face, faces.face + len(old.surface)]).astype(np.int32),
        np.concatenate([old.surface, faces.surface]),
        np.concatenate([old.owner, np.full(len(faces.owner), n, np.int32)]),
    )
    return replace(around, buildings=joined, building_ids=(*around.building_ids, building_id))


def _grid(city: City, cell_size_m: float | None, bounds: Bounds | None) -> Grid:
    """The terrain's own cells, or whole multiples of them, over a part of the city."""
    from twin.core.grid import Grid
    from twin.sources.rasters import open_elevation

    if "terrain" not in city.manifest.layers:
        raise InputError(city.path, "has no terrain", "build it from points, or with --dtm")
    _, own = open_elevation(city.path / "terrain" / "dtm.tif")
    if bounds is not None and not bounds.overlaps(own.bounds):
        raise UsageError("bounds", f"{bounds} lie outside the city", f"choose a part of {own.bounds}")
    size = own.cell_size_m if cell_size_m is None else float(cell_size_m)
    if not np.isfinite(size) or size < own.cell_size_m or size > min(own.bounds.width, own.bounds.height):
        what = f"cells of {size:g} m over a terrain with cells of {own.cell_size_m:g} m"
        raise UsageError("--cell-size", what, f"give {own.cell_size_m:g} or more")
    part = own.bounds if bounds is None else own.bounds.clipped(bounds)
    n_cells = round(part.width / size) * round(part.height / size)
    check_limit(city.path, "cells", n_cells, limits().max_raster_cells, name="max_raster_cells")
    if size == own.cell_size_m:
        return own.subgrid(own.window(part))
    nx, ny = max(1, int(part.width // size)), max(1, int(part.height // size))
    return Grid(part.x_min, part.y_max, size, nx, ny)


def _raster(city: City, name: str, grid: Grid) -> NDArray[np.float32]:
    """A terrain raster on a grid; bilinear where the cells are coarser than its own."""
    from twin.core.grid import sample_bilinear
    from twin.sources.rasters import open_elevation

    read, own = open_elevation(city.path / "terrain" / f"{name}.tif")
    if own.cell_size_m == grid.cell_size_m:
        return read(own.window(grid.bounds))[: grid.ny, : grid.nx]
    values = read((slice(0, own.ny), slice(0, own.nx)))
    x, y = np.meshgrid(grid.x_centres, grid.y_centres)
    return sample_bilinear(values, own, x.ravel(), y.ravel()).reshape(grid.shape).astype(np.float32)


def _crowns(city: City, grid: Grid, ground: NDArray[np.float32], buildings: Faces) -> NDArray[np.float32]:
    """What the survey saw high above the ground and not on a building."""
    from scipy.ndimage import binary_dilation

    top = np.full(grid.shape, -np.inf)
    raise_to(top, buildings.corners, grid)
    # Roofs overhang their footprints; a cell beside a house is a house.
    built = binary_dilation(top > -np.inf, iterations=max(1, round(1.0 / grid.cell_size_m)))
    seen = _raster(city, "dsm", grid)
    return np.where((seen - ground > CROWN_M) & ~built, seen, np.float32(np.nan))


def _decks(city: City) -> NDArray[np.float64]:
    from twin.city.decks import slab_mesh

    none = np.empty((0, 3, 3))
    if "bridges" not in city.manifest.layers:
        return none
    table = city.layer("bridges")
    meshes = [slab_mesh(slab) for slab in table["slab"]] if "slab" in table else []
    return np.concatenate([none, *(m.vertices[m.triangles] for m in meshes)])


def _masses(city: City) -> NDArray[np.float64]:
    """Buildings that no footprint tells of, as blocks."""
    from twin.city.masses import mass_solids

    if "unmapped" not in city.manifest.layers:
        return np.empty((0, 3, 3))
    solids = mass_solids(city.layer("unmapped"))
    faces = faces_of(solids, np.arange(len(solids), dtype=np.int32))
    return faces.corners


def _tree_shapes(city: City) -> NDArray[np.float64]:
    """Crowns as octahedra over two thirds of a tree's height."""
    if "trees" not in city.manifest.layers:
        return np.empty((0, 3, 3))
    table: Any = city.layer("trees")
    height, radius = table["height_m"].to_numpy(float), table["crown_radius_m"].to_numpy(float)
    middle = np.column_stack([table.geometry.x, table.geometry.y, table["ground_m"] + height * 2 / 3])
    reach = np.column_stack([radius, radius, height / 3])
    points = middle[:, None] + _AXES * reach[:, None]
    return points[:, _OCTAHEDRON].reshape(-1, 3, 3)
