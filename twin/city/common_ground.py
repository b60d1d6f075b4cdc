"""Whether the inputs of a build lie on the same ground, and which of them must be wrong if not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.errors import OverlapError
from twin.core.grid import Bounds
from twin.core.notices import Notices

if TYPE_CHECKING:
    from pathlib import Path

    from pyproj import CRS

    from twin.city.plan import Plan


def check_common_ground(plan: Plan, ground: Bounds, *, where: str, notices: Notices) -> None:
    """Refuse footprints none of which lies on the ground that was surveyed; tell of map layers that stay clear of it.

    Parameters
    ----------
    plan : Plan
        Its footprints and map layers.
    ground : Bounds
        What the points, or the terrain given instead, really cover; city coordinates.
    where : str
        Their files.

    Raises
    ------
    OverlapError
        With both places, and the mistake that would explain it.
    """
    outlines = plan.options.footprints or plan.options.buildings
    if outlines is not None and not _any_on(plan.footprints, ground):
        _refuse_footprints(plan, ground, outlines, where)
    if plan.options.buildings is not None:
        _tell_outside(plan, ground, notices)
    for kind, path in plan.options.vectors.items():
        frame = plan.vectors[kind]
        if not frame.geometry.isna().all() and not _any_on(frame, ground):
            notices.add("layer-elsewhere", _explained(plan, kind, ground, path, where), subject=kind)


def _tell_outside(plan: Plan, ground: Bounds, notices: Notices) -> None:
    """Say how many given solids stand where there is no terrain; reconstruction would have no points there."""
    b = plan.footprints.geometry.bounds.to_numpy(float)
    x, y = (b[:, 0] + b[:, 2]) / 2, (b[:, 1] + b[:, 3]) / 2
    n = int((~ground.contains(x, y)).sum())
    if n:
        path = plan.options.buildings
        what = f"{n} of {len(b)} buildings stand outside the terrain and have no ground under them"
        notices.add("given-outside", f"{path}: {what}", subject=str(path))


def _any_on(frame: Any, ground: Bounds) -> bool:
    b = frame.geometry.bounds.to_numpy(float)
    meets = (b[:, :2] <= (ground.x_max, ground.y_max)) & (b[:, 2:] >= (ground.x_min, ground.y_min))
    return bool(meets.all(axis=1).any()) or not np.isfinite(b).any()


def _refuse_footprints(plan: Plan, ground: Bounds, outlines: Path, where: str) -> None:
    from twin.sources.overlap import check_overlap

    area = Bounds(*map(float, plan.footprints.total_bounds))
    if _in_area_of_use(plan.crs, area) and not _in_area_of_use(plan.crs, ground):
        check_overlap(ground, area, where, outlines)
    raise OverlapError(*_blamed(plan, "footprints", ground, outlines, where))


def _explained(plan: Plan, kind: str, ground: Bounds, path: Path, where: str) -> str:
    return str(OverlapError(*_blamed(plan, kind, ground, path, where)))


def _blamed(plan: Plan, kind: str, ground: Bounds, path: Path, where: str) -> tuple[str, str, str]:
    """Which file is elsewhere, by how much, and what would explain it."""
    from twin.sources.formats import VECTOR_FORMATS
    from twin.sources.overlap import check_overlap
    from twin.sources.sniff import sniff
    from twin.sources.vectors import check_on_survey, load_vector

    assumed = plan.crs if plan.options.crs else None
    frame = plan.footprints if kind == "footprints" else plan.vectors[kind]
    layer = plan.options.layers.get(kind)
    try:
        if sniff(path) in VECTOR_FORMATS:
            own = load_vector(path, layer=layer, crs=plan.crs, assume_crs=assumed, notices=Notices())
            check_on_survey(frame, own, ground, crs=plan.crs, where=path, against=where)
        check_overlap(Bounds(*map(float, frame.total_bounds)), ground, path, where)
    except OverlapError as error:
        return error.where, error.what, error.remedy
    return str(path), f"none of its features lies on {where}", "check that both are of the same place"


def _in_area_of_use(crs: CRS, area: Bounds) -> bool:
    """Whether the middle of a place is where the CRS is meant for; True where that is not known."""
    from twin.core.crs import horizontal, make_transform, parse_crs

    use = crs.area_of_use
    if use is None:
        return True
    way = make_transform(horizontal(crs), parse_crs("EPSG:4326"), where="area of use", notices=Notices())
    middle = np.array([[(area.x_min + area.x_max) / 2, (area.y_min + area.y_max) / 2, 0.0]])
    try:
        lon, lat, _ = way(middle)[0]
    except ValueError:  # far outside, where the projection has no answer
        return False
    return bool(use.west - 1 <= lon <= use.east + 1 and use.south - 1 <= lat <= use.north + 1)
