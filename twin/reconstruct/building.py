"""One building from its footprint and the points around it: a plain function, all inputs in, one record out."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.mesh import Surface
from twin.reconstruct.building_model import LODS, BuildingModel, BuildingState, LodModel, RoofType
from twin.reconstruct.extrude import extrude, flat_planes
from twin.reconstruct.face_quality import face_quality
from twin.reconstruct.footprint import localize_footprint
from twin.reconstruct.heights import ground_heights, roof_heights
from twin.reconstruct.holdout import holdout_fit
from twin.reconstruct.lod1 import one_height, stepped_roof
from twin.reconstruct.measures import surface_areas, volume_m3
from twin.reconstruct.order import percentile_of_sorted
from twin.reconstruct.partition import locate
from twin.reconstruct.quality import Fit, coverage, roof_fit
from twin.reconstruct.roof import SlopedRoof, kept_above, sloped_roof
from twin.reconstruct.roof_points import EDGE_M, ROOF_CLASSES, select_roof_points
from twin.reconstruct.roof_type import roof_type
from twin.reconstruct.validity import check_solid

if TYPE_CHECKING:
    from twin.core.points import PointCloud
    from twin.reconstruct.footprint import LocalFootprint
    from twin.reconstruct.heights import Heights, OutlineTerrain
    from twin.reconstruct.lod1 import FlatRoof
    from twin.reconstruct.partition import FootprintPartition
    from twin.reconstruct.quality import Coverage
    from twin.reconstruct.roof_points import RoofPoints

MIN_ROOF_POINTS = 5
MIN_ROOF_HEIGHT_M = 1.0
"""Lower than this above the ground nothing is taken for a building's roof."""

MIN_DENSITY_PER_M2 = 1.0
"""Steps of roofs are not looked for in thinner points."""

MAX_NO_DATA_SHARE = 0.5
LOWEST_PART_M = 0.5
"""No part of a roof comes closer to the floor than this."""

SMALLEST_M2 = {"2.0": 12.0, "2.2": 0.0}
"""Parts of roofs that are smaller are left out; at LoD2.2 `detail` alone decides."""

SIMPLER = (1.0, 0.5, 0.0)
"""Shares of the detail asked for that are tried one after the other until a sloped roof is valid."""

FLAT_SPREAD_M = 0.2
"""A part is flat when the middle half of its points lies this close, drainage slopes included."""

FLAT_SHARE = 0.7


def reconstruct_building(
    footprint: Any,
    points: PointCloud,
    *,
    terrain: OutlineTerrain | None = None,
    lods: tuple[str, ...] = LODS,
    detail: float = 0.5,
    roof_classes: tuple[int, ...] = ROOF_CLASSES,
    given_height_m: float | None = None,
) -> BuildingModel:
    """The solids of a building, its heights and quality; always a record, whatever the input.

    Parameters
    ----------
    footprint : shapely Polygon or MultiPolygon
        Map coordinates, metres.
    points : PointCloud
        All points within 4 m of it; more do no harm. Their order is of no consequence.
    terrain : OutlineTerrain, optional
        The terrain along its outline, where one is known: floors lie on its lowest point.
    lods : tuple of str
        Levels of detail to build, of `LODS`. A finer one that the points do not carry is the next coarser one instead.
    detail : float
        From simple (0) to detailed (1), see `twin.reconstruct.lod1.step_rule` and `twin.reconstruct.roof.sloped_roof`.
    roof_classes : tuple of int
        Classes that the survey gives to roofs; empty for a survey without.
    given_height_m : float, optional
        Height above ground known from elsewhere, taken where points do not tell one.

    Raises
    ------
    ValueError
        If a level of detail is asked for that is not made. The state and reason of the record tell all else.

    Examples
    --------
    >>> import shapely
    >>> from twin.core.points import PointCloud
    >>> x, y = (v.ravel() for v in np.meshgrid(np.arange(0.25, 10, 0.5), np.arange(0.25, 8, 0.5)))
    >>> roof = np.column_stack([x, y, np.where(x < 5, 9.0, 6.0)])
    >>> lawn = np.column_stack([x, y - 10, np.full(x.size, 2.0)])
    >>> classes, once = np.repeat([6, 2], x.size).astype(np.uint8), np.ones(2 * x.size, np.uint8)
    >>> cloud = PointCloud(np.concatenate([roof, lawn]), classes, once, once)
    >>> house = reconstruct_building(shapely.box(0, 0, 10, 8), cloud)
    >>> print(house.state, house.roof_type, house.lods["1.3"].n_roof_faces, house.lods["1.3"].volume_m3)
    built multi_level 2 440.0
    """
    if not set(lods) <= set(LODS):
        raise ValueError(f"levels of detail {sorted(set(lods) - set(LODS))} are not made, only {LODS}")
    try:
        local = localize_footprint(footprint)
    except ValueError as error:
        return BuildingModel(BuildingState.INVALID_FOOTPRINT, str(error))
    ground = ground_heights(local, points, terrain=terrain)
    base = BuildingModel(BuildingState.NO_POINTS, footprint=local.on_map(), heights=ground)
    if math.isnan(ground.ground_m):
        return replace(base, reason="no ground points within 4 m and no terrain along the outline")
    roof = select_roof_points(local, points, ground_m=ground.ground_m, roof_classes=roof_classes)
    base = replace(base, coverage=coverage(local, roof))
    lack = _what_lacks(roof, ground)
    if not lack:
        return _from_points(base, local, roof, lods=lods, detail=detail)
    if given_height_m is None or not LOWEST_PART_M <= given_height_m < math.inf:
        return replace(base, reason=lack)
    return _from_given_height(base, local, lack, lods=lods, height_m=given_height_m)


def _what_lacks(roof: RoofPoints, ground: Heights) -> str:
    """Why a building cannot be built from its points; empty if it can."""
    if len(roof) < MIN_ROOF_POINTS:
        return f"{len(roof)} roof points"
    height = percentile_of_sorted(np.sort(roof.xyz[:, 2]), 70) - ground.ground_m
    if height < MIN_ROOF_HEIGHT_M:
        return f"its {len(roof)} roof points lie {height:.2f} m above the ground"
    return ""


def _from_given_height(
    base: BuildingModel, local: LocalFootprint, lack: str, *, lods: tuple[str, ...], height_m: float
) -> BuildingModel:
    ground: Heights = base.heights  # type: ignore[assignment]
    flat = _laid(one_height(local, round(ground.ground_m + height_m, 4)), ground.floor_m + LOWEST_PART_M)
    models = {lod: _lod_model(flat, ground.floor_m, None) for lod in lods}
    reason = f"{lack}; the given height of {height_m:.2f} m was taken"
    return _judged(replace(base, state=BuildingState.FALLBACK, reason=reason, lods=models))


def _from_points(
    base: BuildingModel, local: LocalFootprint, roof: RoofPoints, *, lods: tuple[str, ...], detail: float
) -> BuildingModel:
    heights = roof_heights(base.heights, roof.xyz[:, 2])  # type: ignore[arg-type]
    recipe = _Recipe(local, heights.floor_m, detail)
    thin = _too_thin(base.coverage)  # type: ignore[arg-type]
    models = {"1.2": _lod_model(roof_at("1.2", recipe, roof), heights.floor_m, roof)}
    reasons: list[str] = []
    for lod in sorted({"1.3", *lods} - {"1.2"}) if set(lods) - {"1.2"} else ():
        below = max(models)
        made, why = (None, thin) if thin else _tried(lod, recipe, roof)
        models[lod] = made or models[below]
        reasons += [f"LoD{lod} is LoD{below}: {why}"] if made is None and lod in lods else []
    state = BuildingState.FALLBACK if reasons else BuildingState.BUILT
    finest, holdout = _quality(models, max(lods), recipe, roof)
    models[max(lods)] = finest
    model = replace(
        base,
        state=state,
        reason="; ".join(reasons[-1:]),
        heights=heights,
        roof_type=_roof_type(models, roof),
        holdout=holdout,
        lods={lod: models[lod] for lod in sorted(lods)},
    )
    return _judged(model)


@dataclass(frozen=True, slots=True)
class _Recipe:
    """What a roof is made with besides its points."""

    footprint: LocalFootprint
    floor_m: float
    detail: float


def roof_at(lod: str, recipe: _Recipe, points: RoofPoints) -> SlopedRoof:
    """The roof of a level of detail from nothing but points.

    Raises
    ------
    ValueError
        If they do not carry it.
    """
    lowest = recipe.floor_m + LOWEST_PART_M
    if lod >= "2":
        sloped = sloped_roof(
            recipe.footprint, points, detail=recipe.detail, smallest_m2=SMALLEST_M2.get(lod, 0.0)
        )
        return kept_above(sloped, lowest)
    if lod == "1.2":
        top = percentile_of_sorted(np.sort(points.xyz[:, 2]), 70)
        return _laid(one_height(recipe.footprint, round(top, 4)), lowest)
    return _laid(stepped_roof(recipe.footprint, points, detail=recipe.detail), lowest)


def _laid(flat: FlatRoof, lowest_m: float) -> SlopedRoof:
    return SlopedRoof(flat.partition, flat_planes(np.maximum(flat.heights_m, lowest_m)))


def _tried(lod: str, recipe: _Recipe, points: RoofPoints) -> tuple[LodModel | None, str]:
    """A level above 1.2, simpler where as asked for it would not be valid; or why there is none."""
    why = ""
    for simpler in SIMPLER if lod >= "2" else SIMPLER[:1]:
        try:
            roof = roof_at(lod, replace(recipe, detail=simpler * recipe.detail), points)
            model = _lod_model(roof, recipe.floor_m, points)
        except ValueError as error:
            why = str(error)
            continue
        if not model.codes:
            return model, ""
        why = f"divided, it would have defects {_spoken(model.codes)}"
    return None, why


def _roof_type(models: dict[str, LodModel], points: RoofPoints) -> RoofType | None:
    """Told from the finest roof that was made; None where points are too thin for sloping parts, and it is not flat."""
    finest = models[max(models)]
    stepped = models.get("1.3", models["1.2"])
    if finest.roof is stepped.roof or max(models) < "2":
        told = classify_roof(stepped.roof.partition, points)  # type: ignore[union-attr]
        return None if told == RoofType.OTHER and max(models) >= "2" else told
    return roof_type(finest.roof.partition, finest.roof.planes)  # type: ignore[union-attr]


def _quality(
    models: dict[str, LodModel], lod: str, recipe: _Recipe, points: RoofPoints
) -> tuple[LodModel, Fit]:
    """A model with what is known of each face, and its error at points that it was not made from."""
    model = models[lod]
    made_as = min(name for name, other in models.items() if other is model)

    def rebuilt(some: RoofPoints) -> SlopedRoof:
        return roof_at(made_as, recipe, some)

    faces = face_quality(model.solids, points, origin=recipe.footprint.origin)
    return replace(model, faces=faces), holdout_fit(points, rebuilt)


def _too_thin(cover: Coverage) -> str:
    """Why the points do not tell steps; empty if they do."""
    if cover.density_per_m2 < MIN_DENSITY_PER_M2:
        return f"{cover.density_per_m2:.2f} points per m2"
    if cover.no_data_share > MAX_NO_DATA_SHARE:
        return f"{cover.no_data_share:.0%} of the footprint is without points"
    return ""


def _judged(model: BuildingModel) -> BuildingModel:
    """The model; or, where a level of detail is not valid, a failed one with the levels that are."""
    bad = {lod: m.codes for lod, m in model.lods.items() if m.codes}
    if not bad:
        return model
    told = ", ".join(f"LoD{lod} {_spoken(codes)}" for lod, codes in bad.items())
    sound = {lod: m for lod, m in model.lods.items() if not m.codes}
    return replace(model, state=BuildingState.FAILED, reason=f"has defects: {told}", lods=sound)


def _spoken(codes: tuple[int, ...]) -> str:
    return " ".join(map(str, codes))


def _lod_model(roof: SlopedRoof, floor_m: float, points: RoofPoints | None) -> LodModel:
    solids = extrude(roof.partition, roof.planes, ground_m=floor_m)
    areas = [surface_areas(s) for s in solids]
    return LodModel(
        solids=solids,
        codes=tuple(sorted({code for s in solids for code in check_solid(s)})),
        fit=roof_fit(roof.partition, roof.planes, points) if points else Fit(),
        n_roof_faces=sum(int((s.surface == Surface.ROOF).sum()) for s in solids),
        volume_m3=round(sum(volume_m3(s) for s in solids), 3),
        roof_area_m2=round(sum(a[Surface.ROOF] for a in areas), 3),
        wall_area_m2=round(sum(a[Surface.WALL] + a[Surface.INNER_WALL] for a in areas), 3),
        roof=roof,
    )


def classify_roof(partition: FootprintPartition, points: RoofPoints) -> RoofType:
    """Flat, multi-level, or other of flat parts: whether most points lie in parts whose points are at one height."""
    inner = points.is_top & (points.edge_distance_m > EDGE_M)
    xyz = points.xyz[inner] if inner.sum() >= MIN_ROOF_POINTS else points.top
    face = locate(partition, xyz[:, :2])
    flat = np.zeros(len(xyz), np.bool_)
    for f in range(partition.n_faces):
        own = face == f
        if own.any():
            z = np.sort(xyz[own, 2])
            flat[own] = percentile_of_sorted(z, 75) - percentile_of_sorted(z, 25) <= FLAT_SPREAD_M
    if not len(xyz) or flat.mean() < FLAT_SHARE:
        return RoofType.OTHER
    return RoofType.FLAT if partition.n_faces == 1 else RoofType.MULTI_LEVEL
