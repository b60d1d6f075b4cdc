"""A city cut by a plane: exact outlines of what the plane meets, caps to draw, and what is left before it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from twin.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from twin.core.grid import Grid
    from twin.core.mesh import Solid
    from twin.energy.standing import Surroundings

_BASE_M = 3.0
"""Earth is shown down to this far below the lowest ground that is cut."""


@dataclass(frozen=True, slots=True)
class Plane:
    """A cutting plane; what lies on the side that its normal points to is cut away.

    Parameters
    ----------
    point : tuple of float
        Easting, northing, elevation of a place on it.
    normal : tuple of float
        Any length but 0.

    Raises
    ------
    ValueError
        If the normal has no length.
    """

    point: tuple[float, float, float]
    normal: tuple[float, float, float]

    def __post_init__(self) -> None:
        if (
            not float(np.linalg.norm(self.normal)) > 1e-12
            or not np.isfinite([*self.point, *self.normal]).all()
        ):
            raise ValueError("a plane needs a finite point and a normal with a length")

    @property
    def axes(self) -> NDArray[np.float64]:
        """Rows: along the plane and level, up in the plane, and the unit normal; north is up in a level plane."""
        normal = np.asarray(self.normal, np.float64) / np.linalg.norm(self.normal)
        level = np.cross(normal, [0.0, 0.0, 1.0])
        size = float(np.linalg.norm(level))
        along = level / size if size > 1e-9 else np.array([1.0, 0.0, 0.0])
        # Seen against its normal from the side that is cut away, along runs to the right and up is up.
        along = -along if size > 1e-9 else along
        return np.stack([along, np.cross(normal, along), normal])

    def to_plane(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Coordinates in the plane and above it, shape (..., 3)."""
        return (np.asarray(points, np.float64) - np.asarray(self.point)) @ self.axes.T

    def to_map(self, uv: NDArray[np.floating]) -> NDArray[np.float64]:
        """Map coordinates of places in the plane; (n, 2) to (n, 3)."""
        return np.asarray(uv, np.float64) @ self.axes[:2] + np.asarray(self.point)


def vertical_plane(a: tuple[float, float], b: tuple[float, float], *, elevation_m: float = 0.0) -> Plane:
    """The upright plane through two places on the map; what lies to the right of the way from a to b is cut away.

    Raises
    ------
    UsageError
        If the two are one.
    """
    dx, dy = b[0] - a[0], b[1] - a[1]
    if not np.hypot(dx, dy) > 1e-6:
        raise UsageError("section", "its two ends are one", "choose two places")
    return Plane((a[0], a[1], elevation_m), (dy, -dx, 0.0))


@dataclass(frozen=True, slots=True)
class Section:
    """What a plane cuts, in the plane's own coordinates: along and up, metres from its point.

    Parameters
    ----------
    plane : Plane
    buildings : mapping
        Id to the area that is cut, a shapely (Multi)Polygon.
    earth : shapely geometry
        Below the ground; empty for a level plane above it.
    water : shapely geometry
        Of a flood.
    open_lines : shapely geometry
        Cuts of surfaces that close no area, such as models with holes.
    """

    plane: Plane
    buildings: dict[str, Any] = field(default_factory=dict)
    earth: Any = field(default_factory=shapely.Polygon)
    water: Any = field(default_factory=shapely.Polygon)
    open_lines: Any = field(default_factory=shapely.MultiLineString)

    @property
    def building_m2(self) -> float:
        """Area of the cut through buildings, m2."""
        return float(sum(part.area for part in self.buildings.values()))


def cut_triangles(
    corners: NDArray[np.floating], plane: Plane
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Segments in which a plane cuts triangles.

    Parameters
    ----------
    corners : array, shape (m, 3, 3)
        Map coordinates.

    Returns
    -------
    segments : array, shape (k, 2, 2)
        In the plane's coordinates; the same edge of two triangles is cut at the same place to the last bit.
    triangle : array, shape (k,)
    """
    corners = np.asarray(corners, np.float64)
    height = (corners - np.asarray(plane.point)) @ plane.axes[2]
    # A corner in the plane counts as above it: then every edge is cut inside or not at all.
    above = height >= 0
    crossed = np.flatnonzero(above.any(axis=1) & ~above.all(axis=1))
    c, h, up = np.asarray(corners[crossed], np.float64), height[crossed], above[crossed]
    lone = np.where(up.sum(axis=1) == 1, up.argmax(axis=1), (~up).argmax(axis=1))
    rows = np.arange(len(c))
    ends = [_crossing(c, h, rows, lone, (lone + k) % 3) for k in (1, 2)]
    return plane.to_plane(np.stack(ends, axis=1))[..., :2], crossed


def _crossing(
    c: NDArray[np.float64],
    h: NDArray[np.float64],
    rows: NDArray[np.int64],
    i: NDArray[np.int64],
    j: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Where edges meet the plane, always reckoned from the end above, so that both neighbours find the same."""
    first = np.where(h[rows, i] >= 0, i, j)
    second = np.where(h[rows, i] >= 0, j, i)
    ha, hb = h[rows, first], h[rows, second]
    share = (ha / (ha - hb))[:, None]
    return c[rows, first] + share * (c[rows, second] - c[rows, first])


def cut_solids(solids: Sequence[Solid], names: Sequence[str], plane: Plane) -> tuple[dict[str, Any], Any]:
    """Areas in which a plane cuts solids, by name, and the lines that close none."""
    from twin.reconstruct.triangulate import join_solids, triangulate

    joined, solid_of_face = join_solids(list(solids))
    if not joined.n_faces:
        return {}, shapely.MultiLineString()
    triangles, face = triangulate(joined)
    segments, triangle = cut_triangles(joined.vertices[triangles], plane)
    owner = solid_of_face[face[triangle]]
    areas: dict[str, Any] = {}
    loose: list[Any] = []
    order = np.argsort(owner, kind="stable")
    cuts = np.searchsorted(owner[order], np.arange(len(solids) + 1))
    for k in np.flatnonzero(np.diff(cuts)).tolist():
        lines = shapely.linestrings(np.round(segments[order[cuts[k] : cuts[k + 1]]], 7))
        found = _area(lines)
        if found.area > 0:
            areas[names[k]] = found if names[k] not in areas else shapely.union(areas[names[k]], found)
        else:
            loose.extend(lines)
    return areas, shapely.MultiLineString(loose)


def _area(lines: NDArray[Any]) -> Any:
    """The area that lines bound, holes left out."""
    long = lines[shapely.length(lines) > 0]
    return shapely.build_area(shapely.union_all(long)) if len(long) else shapely.Polygon()


def section(
    around: Surroundings,
    solids: Sequence[Solid],
    names: Sequence[str],
    plane: Plane,
    *,
    water: tuple[Grid, NDArray[np.floating], NDArray[np.floating]] | None = None,
) -> Section:
    """Cut a city by a plane.

    Parameters
    ----------
    around : Surroundings
        For the ground.
    solids, names : sequence
        Closed solids of the buildings, and the id of each.
    plane : Plane
    water : tuple of Grid, bed and depth, optional
        Of a flood at a moment.
    """
    areas, loose = cut_solids(solids, names, plane)
    return Section(plane, areas, _earth(around, plane), _water_area(around, plane, water), loose)


def city_section(
    city: Any, plane: Plane, *, water: tuple[Grid, NDArray[np.floating], NDArray[np.floating]] | None = None
) -> Section:
    """Cut a city on disk by a plane; `water` as in `section`."""
    from twin.city.meshes import city_solids
    from twin.energy.standing import surroundings

    found = city_solids(city.path, city.manifest)
    names = [found.ids[k] for k in found.owner]
    return section(surroundings(city), found.solids, names, plane, water=water)


def cut_mesh(corners: NDArray[np.floating], plane: Plane) -> Any:
    """Area in which a plane cuts one closed mesh; empty where the mesh is open or not met. Shape (m, 3, 3)."""
    segments, _ = cut_triangles(corners, plane)
    return _area(shapely.linestrings(np.round(segments, 7))) if len(segments) else shapely.Polygon()


def with_water(
    found: Section,
    around: Surroundings,
    waters: Sequence[tuple[Grid, NDArray[np.floating], NDArray[np.floating]]],
) -> Section:
    """A section with other water in it: grid, bed and depth of each flood at a moment."""
    areas = [_water_area(around, found.plane, water) for water in waters]
    return replace(found, water=shapely.union_all(areas))


def _is_upright(plane: Plane) -> bool:
    return bool(abs(plane.axes[2][2]) < 1e-6)


def _earth(around: Surroundings, plane: Plane) -> Any:
    """Below the terrain along an upright plane; nothing for others, whose earth has no known depth."""
    if not _is_upright(plane):
        return shapely.Polygon()
    s, z = _ground_line(around, plane)
    known = np.isfinite(z)
    if known.sum() < 2:
        return shapely.Polygon()
    base = float(z[known].min()) - _BASE_M
    parts = []
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(np.int8)))
    for a, b in zip(edges[::2], edges[1::2], strict=True):
        if b - a >= 2:
            line = np.column_stack([s[a:b], z[a:b]])
            ring = np.concatenate([line, [(s[b - 1], base), (s[a], base)]])
            parts.append(shapely.Polygon(ring))
    return shapely.union_all(parts)


def _ground_line(around: Surroundings, plane: Plane) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Way along an upright plane, and the ground's height over the plane's point, every half cell."""
    from twin.scene.measure import ground_of

    along, point = plane.axes[0], np.asarray(plane.point)
    b = around.grid.bounds
    corners = np.array([(x, y) for x in (b.x_min, b.x_max) for y in (b.y_min, b.y_max)])
    reach = (corners - point[:2]) @ along[:2]
    s = np.arange(reach.min(), reach.max(), around.grid.cell_size_m / 2)
    xy = point[:2] + s[:, None] * along[:2]
    return s, ground_of(around).at(xy) - point[2]


def _water_area(
    around: Surroundings,
    plane: Plane,
    water: tuple[Grid, NDArray[np.floating], NDArray[np.floating]] | None,
) -> Any:
    """Between bed and level of a flood along an upright plane."""
    if water is None or not _is_upright(plane):
        return shapely.Polygon()
    grid, bed, depth = water
    s, _ = _ground_line(around, plane)
    point, along = np.asarray(plane.point), plane.axes[0]
    row, column = grid.rows_cols(*(point[:2] + s[:, None] * along[:2]).T)
    inside = (row >= 0) & (row < grid.ny) & (column >= 0) & (column < grid.nx)
    row, column = row.clip(0, grid.ny - 1), column.clip(0, grid.nx - 1)
    h = np.where(inside, depth[row, column], 0.0)
    z = bed[row, column] - point[2]
    half = around.grid.cell_size_m / 4
    wet = np.flatnonzero((h > 0) & np.isfinite(z))
    return shapely.union_all(shapely.box(s[wet] - half, z[wet], s[wet] + half, z[wet] + h[wet]))


def cap_triangles(area: Any, plane: Plane) -> NDArray[np.float64]:
    """An area of a section as triangles in space that face the side that was cut away; shape (m, 3, 3)."""
    parts = [p for p in shapely.get_parts(area) if p.geom_type == "Polygon" and p.area > 1e-9]
    found = [shapely.get_parts(shapely.constrained_delaunay_triangles(p)) for p in parts]
    if not found:
        return np.empty((0, 3, 3))
    rings = shapely.get_coordinates(np.concatenate(found)).reshape(-1, 4, 2)[:, :3]
    u, v = rings[:, 1] - rings[:, 0], rings[:, 2] - rings[:, 0]
    turned = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0] < 0
    rings[turned] = rings[turned][:, ::-1]
    return plane.to_map(rings.reshape(-1, 2)).reshape(-1, 3, 3)
