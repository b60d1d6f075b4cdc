"""A city as one closed body for a 3D printer: a block of ground on a base plate, with the buildings grown out of it.

The ground is a field of heights over a regular grid, closed by walls and an underside. Buildings are solids already;
their floors are sunk into the block, bridges stand on it, and everything is united to one body (manifold3d), so that
no slicer has to guess what is inside.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.errors import ExtraMissingError, InputError, UsageError
from twin.core.mesh import Surface, TriangleMesh

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from twin.city.export_options import ExportOptions
    from twin.city.model import City
    from twin.core.mesh import Solid
    from twin.core.notices import Notices

BASE_MM = 2.0
"""Thickness of the plate under the lowest ground."""
FINEST_MM = 0.4
"""Width of the usual nozzle: finer ground cannot be printed."""
MOST_CELLS = 700
LAYER_MM = 0.12
STEP_MM = 0.001
SHORTEST_MM = 0.005
"""Shorter edges are closed: files of single precision would make gaps or points of them."""
THINNEST_MM = 0.8
"""Two lines of the nozzle; thinner walls break or are not printed."""
USUAL_PLATE_MM = 250.0
DEFAULT_SIZE_M = 0.18
_REMEDY = 'pip install "twin[expo]"'
_N_SIDES = 128


@dataclass(frozen=True, slots=True)
class PrintPlan:
    """What is printed of a city, and how large.

    Parameters
    ----------
    bounds : tuple of float
        x_min, y_min, x_max, y_max, metres, map coordinates.
    mm_per_m : float
        Millimetres of the model for a metre of the city.
    circle : tuple of float, optional
        Middle and radius of a round plate.
    """

    bounds: tuple[float, float, float, float]
    mm_per_m: float
    circle: tuple[float, float, float] | None = None

    @property
    def middle(self) -> tuple[float, float]:
        """Place of the map under the middle of the plate."""
        x0, y0, x1, y1 = self.bounds
        return (x0 + x1) / 2, (y0 + y1) / 2

    @property
    def scale(self) -> float:
        """The model is this many times smaller than the city."""
        return 1000 / self.mm_per_m


def plan_print(city: City, options: ExportOptions) -> PrintPlan:
    """Extent and scale of a print; 18 cm wide where no size is asked for.

    Raises
    ------
    UsageError
        If the place asked for lies outside the city.
    """
    b = city.bounds
    box = (b.x_min, b.y_min, b.x_max, b.y_max)
    if options.around is not None:
        x, y, r = options.around
        box = (max(box[0], x - r), max(box[1], y - r), min(box[2], x + r), min(box[3], y + r))
        if box[0] >= box[2] or box[1] >= box[3]:
            raise UsageError("--around", f"{x:g}, {y:g} lies outside the city", "give a place within")
    longest = max(box[2] - box[0], box[3] - box[1])
    factor = 1 / options.scale if options.scale else (options.size_m or DEFAULT_SIZE_M) / longest
    return PrintPlan(box, 1000 * factor, options.around)


def print_body(city: City, plan: PrintPlan, notices: Notices) -> TriangleMesh:
    """The printed body in millimetres, its underside at z = 0 and its middle at the origin.

    Parameters
    ----------
    city : City
    plan : PrintPlan
    notices : Notices
        Is told of buildings that are left out, of thin ones, and of a plate that is larger than usual printers.

    Raises
    ------
    ExtraMissingError
        If manifold3d is not installed.
    InputError
        If the city has no terrain.
    """
    manifold = _manifold()
    ground = _ground(city, plan)
    block = _as_body(manifold, height_block(ground.heights_mm, ground.cell_mm, ground.corner_mm))
    block = block.simplify(
        LAYER_MM / 4
    )  # a quarter of a layer is not seen, and level ground needs few triangles
    solids, ids = _solids(city)
    bodies = _standing(manifold, solids, ids, plan, ground=ground, notices=notices)
    whole = manifold.Manifold.batch_boolean([block, *bodies], manifold.OpType.Add)
    if plan.circle is not None:
        radius = plan.circle[2] * plan.mm_per_m
        x, y = ((c - m) * plan.mm_per_m for c, m in zip(plan.circle[:2], plan.middle, strict=True))
        tall = whole.bounding_box()[5] + 1
        rod = manifold.Manifold.cylinder(tall, radius, radius, _N_SIDES).translate((x, y, 0))
        whole ^= rod
    _tell_size(whole.bounding_box(), notices)
    return _largest(whole.simplify(SHORTEST_MM))


def _manifold() -> Any:
    try:
        import manifold3d
    except ImportError as error:
        raise ExtraMissingError("manifold3d", f"is needed for --print ({error})", _REMEDY) from error
    return manifold3d


@dataclass(frozen=True, slots=True)
class Ground:
    """Heights of the plate's upper side over a regular grid, millimetres.

    Parameters
    ----------
    heights_mm : array, shape (ny, nx)
        At the corners of the cells, row 0 in the south.
    cell_mm : tuple of float
        Along x and along y.
    corner_mm : tuple of float
        South-west corner; the middle of the plate is (0, 0).
    lowest_m : float
        Elevation that lies on the base plate.
    """

    heights_mm: NDArray[np.float64]
    cell_mm: tuple[float, float]
    corner_mm: tuple[float, float]
    lowest_m: float


def _ground(city: City, plan: PrintPlan) -> Ground:
    from twin.core.grid import sample_bilinear
    from twin.sources.rasters import open_elevation

    if "terrain" not in city.manifest.layers:
        raise InputError(city.path, "has no terrain to stand a print on", "build it with ground points")
    read, grid = open_elevation(city.path / "terrain" / "dtm.tif")
    dtm = _without_gaps(np.asarray(read((slice(0, grid.ny), slice(0, grid.nx))), np.float64))
    x0, y0, x1, y1 = plan.bounds
    cell_m = max(FINEST_MM / plan.mm_per_m, max(x1 - x0, y1 - y0) / MOST_CELLS)
    nx, ny = (max(2, math.ceil(side / cell_m) + 1) for side in (x1 - x0, y1 - y0))
    half = grid.cell_size_m / 2
    xs = np.linspace(x0, x1, nx).clip(grid.x_min + half, grid.x_min + grid.nx * grid.cell_size_m - half)
    ys = np.linspace(y0, y1, ny).clip(grid.y_max - grid.ny * grid.cell_size_m + half, grid.y_max - half)
    x, y = np.meshgrid(xs, ys)
    z = np.asarray(sample_bilinear(dtm, grid, x.ravel(), y.ravel()), np.float64).reshape(ny, nx)
    lowest = float(z.min())
    heights = BASE_MM + (z - lowest) * plan.mm_per_m
    width, depth = (x1 - x0) * plan.mm_per_m, (y1 - y0) * plan.mm_per_m
    return Ground(heights, (width / (nx - 1), depth / (ny - 1)), (-width / 2, -depth / 2), lowest)


def _without_gaps(heights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Heights with unknown cells filled from the nearest known one."""
    from scipy.ndimage import distance_transform_edt

    gap = ~np.isfinite(heights)
    if not gap.any() or gap.all():
        return np.where(gap, 0.0, heights)
    row, column = distance_transform_edt(gap, return_distances=False, return_indices=True)
    return np.asarray(heights[row, column])


def height_block(
    heights: NDArray[np.floating], cell: tuple[float, float], corner: tuple[float, float]
) -> TriangleMesh:
    """A closed block with a field of heights as its upper side and a level underside at z = 0.

    Parameters
    ----------
    heights : array, shape (ny, nx)
        Positive, at least 2 x 2, row 0 in the south.
    cell : tuple of float
        Distance between columns and between rows.
    corner : tuple of float
        x and y of ``heights[0, 0]``.

    Examples
    --------
    >>> block = height_block(np.ones((2, 3)), (1.0, 1.0), (0.0, 0.0))
    >>> len(block.vertices), len(block.triangles)
    (12, 20)
    """
    ny, nx = heights.shape
    x, y = np.meshgrid(corner[0] + cell[0] * np.arange(nx), corner[1] + cell[1] * np.arange(ny))
    top = np.column_stack([x.ravel(), y.ravel(), np.asarray(heights, np.float64).ravel()])
    bottom = top * (1, 1, 0)
    n = nx * ny
    a = (np.arange(ny - 1)[:, None] * nx + np.arange(nx - 1)).ravel()
    upper = np.concatenate(
        [np.column_stack([a, a + 1, a + nx + 1]), np.column_stack([a, a + nx + 1, a + nx])]
    )
    rim = np.concatenate(
        [
            np.arange(nx - 1),
            np.arange(ny - 1) * nx + nx - 1,
            n - 1 - np.arange(nx - 1),
            n - nx - np.arange(ny - 1) * nx,
        ]
    )
    after = np.roll(rim, -1)
    sides = np.concatenate(
        [np.column_stack([rim + n, after + n, after]), np.column_stack([rim + n, after, rim])]
    )
    triangles = np.concatenate([upper, upper[:, ::-1] + n, sides])
    return TriangleMesh(np.concatenate([top, bottom]), triangles.astype(np.int32))


def _as_body(manifold: Any, mesh: TriangleMesh) -> Any:
    vertices = np.ascontiguousarray(mesh.vertices, np.float64)
    return manifold.Manifold(manifold.Mesh64(vertices, np.ascontiguousarray(mesh.triangles, np.uint64)))


def _solids(city: City) -> tuple[list[Solid], list[str]]:
    """Buildings and bridges as solids, with what to call each."""
    from twin.city.decks import deck_solids
    from twin.city.meshes import city_solids

    found = city_solids(city.path, city.manifest)
    solids, names = list(found.solids), [found.ids[i] for i in found.owner.tolist()]
    if "bridges" in city.manifest.layers:
        decks = deck_solids(city.layer("bridges"))
        solids += decks
        names += ["bridge"] * len(decks)
    return solids, names


def _standing(
    manifold: Any,
    solids: Sequence[Solid],
    names: Sequence[str],
    plan: PrintPlan,
    *,
    ground: Ground,
    notices: Notices,
) -> list[Any]:
    """Bodies of the solids that stand on the plate, each down to the middle of the base plate."""
    bodies, thin = [], 0
    for solid, name in zip(solids, names, strict=True):
        mesh = _sunk(solid, plan, ground)
        if not _is_on_plate(mesh.vertices, plan):
            continue
        body = _as_body(manifold, mesh)
        if body.status() != manifold.Error.NoError or body.volume() <= 0:
            notices.add("not-closed", f"{name}: is no closed body and is left out of the print")
            continue
        thin += _width_mm(body, mesh.vertices) < THINNEST_MM
        bodies.append(body)
    if thin:
        what = f"{thin} of {len(bodies)} bodies are thinner than {THINNEST_MM} mm at 1:{plan.scale:.0f}"
        notices.add("thin", f"{what}; print a smaller part, or larger")
    return bodies


def _sunk(solid: Solid, plan: PrintPlan, ground: Ground) -> TriangleMesh:
    """A solid in millimetres, the corners of its floor moved down into the base plate."""
    from twin.reconstruct.triangulate import join_solids, triangulate

    joined, _ = join_solids([solid])
    triangles, face = triangulate(joined)
    is_floor = joined.surface[face] == Surface.GROUND
    x, y = plan.middle
    vertices = (joined.vertices - (x, y, ground.lowest_m)) * plan.mm_per_m + (0, 0, BASE_MM)
    floor = np.unique(triangles[is_floor])
    vertices[floor, 2] = np.minimum(vertices[floor, 2], BASE_MM / 2)
    return TriangleMesh(vertices, triangles.astype(np.int32))


def _is_on_plate(vertices: NDArray[np.float64], plan: PrintPlan) -> bool:
    """Whether the middle of a body lies on the plate."""
    x0, y0, x1, y1 = plan.bounds
    middle = vertices[:, :2].mean(axis=0)
    inside = bool((np.abs(middle) <= np.array([x1 - x0, y1 - y0]) / 2 * plan.mm_per_m).all())
    if not inside or plan.circle is None:
        return inside
    place = middle / plan.mm_per_m + plan.middle
    return math.hypot(place[0] - plan.circle[0], place[1] - plan.circle[1]) <= plan.circle[2]


def _width_mm(body: Any, vertices: NDArray[np.float64]) -> float:
    """How wide a body is in plan, as the narrow side of a rectangle of its area and length."""
    span = vertices.max(axis=0) - vertices.min(axis=0)
    area = body.volume() / max(float(span[2]), 1e-9)
    return float(area / max(math.hypot(span[0], span[1]), 1e-9))


def _tell_size(box: Sequence[float], notices: Notices) -> None:
    longest = max(box[3] - box[0], box[4] - box[1])
    if longest > USUAL_PLATE_MM:
        what = f"the plate is {longest:.0f} mm long, usual printers take {USUAL_PLATE_MM:.0f}"
        notices.add("large-plate", f"{what}; pass --size-m 0.2 or --around X,Y,R")


def _largest(body: Any) -> TriangleMesh:
    """The body's largest piece: what hangs in the air beside it would fall off the plate."""
    pieces = body.decompose()
    whole = max(pieces, key=lambda piece: piece.volume())
    mesh = whole.to_mesh64()
    triangles = np.asarray(mesh.tri_verts).astype(np.int32)
    return TriangleMesh(told_apart(np.asarray(mesh.vert_properties)[:, :3].copy(), triangles), triangles)


def told_apart(vertices: NDArray[np.float64], triangles: NDArray[np.int32]) -> NDArray[np.float64]:
    """Vertices on whole micrometres, no two at one place.

    Houses that touch along an edge have it twice. Programs that know points by their places alone, as in STL, would see
    four faces at one edge, which is no closed surface; so one of the two moves into its own body by some micrometres.

    Parameters
    ----------
    vertices : array, shape (n, 3)
        Millimetres.
    triangles : array, shape (m, 3)
    """
    ends = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    count = np.maximum(np.bincount(ends[:, 0], minlength=len(vertices)), 1)
    for _ in range(20):
        whole = np.rint(vertices / STEP_MM)
        _, first, group = np.unique(whole, axis=0, return_index=True, return_inverse=True)
        again = np.flatnonzero(first[group.ravel()] != np.arange(len(vertices)))
        vertices = whole * STEP_MM
        if not len(again):
            break
        around = np.column_stack([np.bincount(ends[:, 0], c, len(vertices)) for c in vertices[ends[:, 1]].T])
        inward = (around / count[:, None] - vertices)[again]
        length = np.maximum(np.linalg.norm(inward, axis=1, keepdims=True), 1e-9)
        vertices[again] += inward / length * 3 * STEP_MM
    return vertices
