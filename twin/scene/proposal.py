"""One proposed building: read from a model, stood into the city, and what it replaces."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.errors import UsageError
from twin.core.mesh import Surface, TriangleMesh
from twin.energy.standing import Faces
from twin.scene.proposal_model import UNITS_M, ProposalModel, unit_m

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.core.notices import Notices
    from twin.scene.measure import Ground
    from twin.scene.model import SceneContent

_UPRIGHT = 0.2
_LARGEST_M = 2_000.0
_OVERLAP_M2 = 2.0
_CELL_M = 0.25
_OUTLINE_M = 0.05


@dataclass(frozen=True, slots=True)
class PlacedBuilding:
    """A proposed building where it shall stand.

    Parameters
    ----------
    id, name : str
    mesh : TriangleMesh
        Map coordinates, metres.
    rgb : array, shape (m, 3)
        uint8.
    outline : shapely geometry
        What it covers on the map.
    """

    id: str
    name: str
    mesh: TriangleMesh
    rgb: NDArray[np.uint8]
    outline: Any

    @property
    def corners(self) -> NDArray[np.float64]:
        """Corners of each triangle, shape (m, 3, 3)."""
        return self.mesh.vertices[self.mesh.triangles]

    @property
    def base_m(self) -> float:
        """Lowest elevation."""
        return float(self.mesh.vertices[:, 2].min())

    @property
    def top_m(self) -> float:
        """Highest elevation."""
        return float(self.mesh.vertices[:, 2].max())


@dataclass(frozen=True, slots=True)
class ProposalFigures:
    """Size and soundness of a proposed building.

    Parameters
    ----------
    height_m, plan_m2 : float
    volume_m3 : float
        Below its upper surface, down to its base: what a town planner counts, also of models with gaps.
    solid_m3 : float or None
        Inside its surface; None where that does not close.
    is_closed : bool
    n_open_edges, n_triangles : int
    """

    height_m: float
    plan_m2: float
    volume_m3: float
    solid_m3: float | None
    is_closed: bool
    n_open_edges: int
    n_triangles: int


def place_by_hand(
    model: ProposalModel,
    position: tuple[float, float] | tuple[float, float, float],
    *,
    name: str = "proposal",
    turn_deg: float = 0.0,
    units: str = "m",
    ground: Ground | None = None,
) -> PlacedBuilding:
    """A model stood at a place.

    Parameters
    ----------
    model : ProposalModel
    position : tuple of float
        Easting and northing of the middle of its plan, and perhaps the elevation of its lowest point.
    name : str
    turn_deg : float
        Clockwise seen from above.
    units : str
        ``m``, ``cm``, ``mm``, ``ft`` or ``in``.
    ground : Ground, optional
        Seats the model where no elevation is given: its lowest point comes to the lowest ground below its plan.

    Raises
    ------
    UsageError
        If the place is not finite, off the ground, or the model too large to be a building in these units.
    """
    if not all(map(math.isfinite, (*position, turn_deg))):
        raise UsageError("position", f"{position} is no place", "give finite metres in the city's CRS")
    points = model.vertices * unit_m(units)
    low, high = points.min(axis=0), points.max(axis=0)
    _check_size(model.path, high - low, units)
    middle = np.array([*(low[:2] + high[:2]) / 2, low[2]])
    turned = _turned(points - middle, turn_deg)
    at = np.array([position[0], position[1], position[2] if len(position) == 3 else 0.0])
    placed = _placed(name, turned + at, model)
    return placed if len(position) == 3 else seated(placed, ground)


def place_as_told(
    model: ProposalModel,
    *,
    city_crs: Any,
    name: str = "proposal",
    units: str = "m",
    ground: Ground | None = None,
    notices: Notices,
) -> PlacedBuilding:
    """A model where its file says that it stands, in the city's coordinates.

    Parameters
    ----------
    city_crs : pyproj.CRS
    ground : Ground, optional
        Given, the model is seated on it: heights of plans are often of another datum.

    Raises
    ------
    UsageError
        If the file does not tell.
    CrsError
        If its CRS is not known.
    """
    points = as_told(model, model.vertices * unit_m(units), city_crs=city_crs, notices=notices)
    placed = _placed(name, points, model)
    return placed if ground is None else seated(placed, ground)


def as_told(
    model: ProposalModel, points: NDArray[np.float64], *, city_crs: Any, notices: Notices
) -> NDArray[np.float64]:
    """Places of a model, in metres, in the city's coordinates as its file tells; errors as `place_as_told`."""
    from twin.core.crs import make_transform, parse_crs

    points, crs_name = on_its_map(model, points)
    if crs_name:
        source = parse_crs(crs_name, where=model.path)
        points = make_transform(source, city_crs, where=model.path, notices=notices)(points)
    return points


def on_its_map(model: ProposalModel, points: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
    """Places of a model, in metres, in the CRS that its file names, and the name of that; empty for the city's.

    Raises
    ------
    UsageError
        If the file does not tell.
    """
    if not model.is_placed:
        raise UsageError(model.path, "does not tell where it stands", "place it by hand")
    place = model.place
    if place is None:
        return points, model.crs
    return _turned(points * place.scale, place.turn_deg) + np.array(place.origin), place.crs


def _check_size(path: Path, extent: NDArray[np.float64], units: str) -> None:
    largest = float(extent.max())
    if largest > _LARGEST_M or largest < 0.5:
        raise UsageError(
            path, f"is {largest:.4g} m large in {units}", f"choose other units: {', '.join(UNITS_M)}"
        )


def _turned(points: NDArray[np.float64], turn_deg: float) -> NDArray[np.float64]:
    """Turned clockwise seen from above."""
    angle = math.radians(-turn_deg)
    turn = np.array(
        [[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0], [0, 0, 1]]
    )
    return points @ turn.T


def _placed(name: str, points: NDArray[np.float64], model: ProposalModel) -> PlacedBuilding:
    mesh = TriangleMesh(points, model.triangles)
    return PlacedBuilding(f"proposal:{name}", name, mesh, model.rgb, outline(points[model.triangles]))


def seated(placed: PlacedBuilding, ground: Ground | None) -> PlacedBuilding:
    """The building moved up or down until its lowest point stands on the lowest ground below it.

    Raises
    ------
    UsageError
        If there is no ground below it.
    """
    if ground is None:
        raise UsageError("position", "no elevation is given and no ground to stand on", "give one of them")
    import shapely

    rim = shapely.get_coordinates(placed.outline)
    heights = ground.at(np.concatenate([rim, shapely.get_coordinates(placed.outline.centroid)]))
    if not np.isfinite(heights).any():
        raise UsageError("position", "lies outside the city", "choose a place in it")
    lift = float(np.nanmin(heights)) - placed.base_m
    return replace(
        placed, mesh=TriangleMesh(placed.mesh.vertices + np.array([0, 0, lift]), placed.mesh.triangles)
    )


def outline(corners: NDArray[np.floating]) -> Any:
    """What triangles cover on the map, to 5 cm; corners of shape (m, 3, 3)."""
    import shapely

    plan = np.round(np.asarray(corners, np.float64)[..., :2] / _OUTLINE_M) * _OUTLINE_M
    u, v = plan[:, 1] - plan[:, 0], plan[:, 2] - plan[:, 0]
    flat = np.abs(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]) > 1e-9
    rings = np.unique(np.concatenate([plan[flat], plan[flat][:, :1]], axis=1), axis=0)
    return shapely.union_all(shapely.polygons(rings)) if len(rings) else shapely.Polygon()


def replaced_buildings(placed: PlacedBuilding, table: Any) -> tuple[str, ...]:
    """Ids of the buildings whose plan it overlaps by 2 m2 or more; `table` has ``id`` and a geometry."""
    shared = table.geometry.intersection(placed.outline).area.to_numpy()
    return tuple(table["id"].to_numpy()[shared >= _OVERLAP_M2].tolist())


def figures(placed: PlacedBuilding) -> ProposalFigures:
    """Size and soundness of a placed building."""
    from twin.core.grid import Bounds, Grid
    from twin.energy.standing import raise_to
    from twin.scene.measure import solid_volume

    points, index = np.unique(np.round(placed.mesh.vertices, 4), axis=0, return_inverse=True)
    triangles = index.ravel()[placed.mesh.triangles]
    n_open = _open_edges(triangles)
    grid = Grid.covering(Bounds(*placed.outline.bounds), cell_size_m=_CELL_M)
    top = np.full(grid.shape, -np.inf)
    raise_to(top, placed.corners, grid)
    column = top[np.isfinite(top)] - placed.base_m
    plan = float(placed.outline.area)
    return ProposalFigures(
        placed.top_m - placed.base_m,
        plan,
        float(column.mean() * plan) if len(column) else 0.0,
        solid_volume(points[triangles]) if not n_open else None,
        n_open == 0,
        n_open,
        len(triangles),
    )


def _open_edges(triangles: NDArray[np.int64]) -> int:
    """Edges that one triangle has and no other runs against; 0 for a closed surface."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    edges = edges[edges[:, 0] != edges[:, 1]]
    n = int(triangles.max()) + 1
    forward, back = edges[:, 0] * n + edges[:, 1], edges[:, 1] * n + edges[:, 0]
    kinds, count = np.unique(np.concatenate([forward, back]), return_inverse=True)
    ways = np.bincount(count[: len(forward)], minlength=len(kinds)) - np.bincount(
        count[len(forward) :], minlength=len(kinds)
    )
    return int((ways > 0).sum())


def faces_of_proposal(placed: PlacedBuilding) -> Faces:
    """Its triangles as faces: roofs where they look up, walls where they stand; what looks down stays out."""
    a, b, c = (placed.corners[:, k] for k in range(3))
    cross = np.cross(b - a, c - a)
    up = cross[:, 2] / np.maximum(np.linalg.norm(cross, axis=1), 1e-12)
    kept = up > -_UPRIGHT
    n = int(kept.sum())
    surface = np.where(up[kept] > _UPRIGHT, Surface.ROOF, Surface.WALL).astype(np.uint8)
    return Faces(
        placed.mesh.vertices,
        placed.mesh.triangles[kept],
        np.arange(n, dtype=np.int32),
        surface,
        np.zeros(n, np.int32),
    )


def with_proposal(
    content: SceneContent, placed: PlacedBuilding, *, hidden: Collection[str] = (), ground: Any = None
) -> SceneContent:
    """A scene's content with the building in it and what it replaces left out.

    Parameters
    ----------
    hidden : collection of str
        Ids of the buildings that it replaces.
    ground : tuple of geometries and `Ground`, optional
        Plans of the hidden buildings and heights of the ground, to close the terrain where they stood.
    """
    from twin.scene.model import ColouredMesh, FacetMesh, Overlay

    mesh = content.buildings
    gone = np.isin(np.array(content.building_ids, dtype=np.str_), sorted(hidden))
    kept = ~gone[mesh.owner] if len(mesh.owner) else np.zeros(0, np.bool_)
    number = np.cumsum(kept) - 1
    drawn = kept[mesh.face]
    used = np.zeros(len(mesh.vertices), np.bool_)
    used[mesh.triangles[drawn]] = True
    left = FacetMesh(
        mesh.vertices,
        mesh.triangles[drawn],
        number[mesh.face[drawn]].astype(np.int32),
        mesh.surface[kept],
        mesh.owner[kept],
        mesh.edges[used[mesh.edges].all(axis=1)],
    )
    shown = Overlay(placed.name, mesh=ColouredMesh(placed.mesh.vertices, placed.mesh.triangles, placed.rgb))
    changed = replace(content, buildings=left, overlays=(*content.overlays, shown))
    return changed if ground is None else _closed(changed, *ground)


def _closed(content: SceneContent, plans: Any, ground: Ground) -> SceneContent:
    """The terrain with the holes of some plans filled."""
    import shapely

    from twin.reconstruct.cover import Cover
    from twin.scene.model import Terrain

    terrain = content.terrain
    if terrain is None or not len(plans):
        return content
    pieces = [shapely.get_parts(shapely.constrained_delaunay_triangles(p)) for p in plans if p is not None]
    rings = shapely.get_coordinates(np.concatenate(pieces)).reshape(-1, 4, 2)[:, :3]
    u, v = rings[:, 1] - rings[:, 0], rings[:, 2] - rings[:, 0]
    turned = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0] < 0
    rings[turned] = rings[turned][:, ::-1]
    flat = rings.reshape(-1, 2)
    points = np.column_stack([flat, ground.at(flat)])
    triangles = np.arange(len(points), dtype=np.int32).reshape(-1, 3) + len(terrain.vertices)
    return replace(
        content,
        terrain=Terrain(
            np.concatenate([terrain.vertices, points]),
            np.concatenate([terrain.triangles, triangles]).astype(np.int32),
            np.concatenate([terrain.cover, np.full(len(triangles), Cover.BARE, np.uint8)]),
        ),
    )
