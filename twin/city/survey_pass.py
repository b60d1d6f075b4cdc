"""The first pass: the points of every file, laid out by tile."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from twin.city.common_ground import check_common_ground
from twin.city.processes import useful_workers
from twin.city.spool import Spool, SpoolLayout, SpoolPart, read_part, spool_file, write_part
from twin.city.tiling import choose_tiling
from twin.core.errors import InputError
from twin.core.grid import Bounds
from twin.core.tasks import Task, run_tasks
from twin.sources.points_check import check_extent, elevation_limits

if TYPE_CHECKING:
    from pathlib import Path

    from twin.city.plan import Plan
    from twin.core.notices import Notices
    from twin.core.progress import Progress


def spool_survey(plan: Plan, folder: Path, *, notices: Notices, progress: Progress) -> Spool | None:
    """The survey laid out by tile; None where there are no point clouds.

    Raises
    ------
    InputError
        If a file is damaged, or no point is left.
    OverlapError
        If the points lie elsewhere than the footprints.
    """
    if not plan.files:
        return None
    layout = _layout(plan, folder)
    progress.stage("reading point clouds", len(plan.files))
    parts: list[SpoolPart] = []
    fresh: list[Task] = []
    for number in range(len(plan.files)):
        done = read_part(folder, number)
        if done is not None:
            parts.append(done)
            progress.advance()
        else:
            fresh.append(Task(plan.files[number].path.name, (_Reading.of(plan, number), layout)))
    for part in run_tasks(_spool_one, fresh, workers=useful_workers(plan), progress=progress):
        write_part(part, folder)
        parts.append(part)
    spool = Spool(layout, tuple(sorted(parts, key=lambda p: p.number)))
    notices.items.extend(n for part in spool.parts for n in part.notices)
    _check_survey(plan, spool, notices)
    limits_m = elevation_limits(spool.tally, where=plan.survey_name, notices=notices)
    return replace(spool, elevation_limits=limits_m)


@dataclass(frozen=True, slots=True)
class _Reading:
    """One point file and how to bring it into the city."""

    file: Any
    number: int
    crs_wkt: str
    assumed: bool
    height_offset_m: float | None
    keep_going: bool

    @classmethod
    def of(cls, plan: Plan, number: int) -> _Reading:
        options = plan.options
        return cls(
            plan.files[number],
            number,
            plan.crs.to_wkt(),
            options.crs is not None,
            options.height_offset_m,
            options.keep_going,
        )


def _spool_one(reading: _Reading, layout: SpoolLayout) -> SpoolPart:
    from pyproj import CRS

    from twin.core.errors import TwinError
    from twin.core.notices import Notices
    from twin.sources.points import file_transform, read_chunks

    notices, file = Notices(), reading.file
    city, offset_m = CRS.from_wkt(reading.crs_wkt), reading.height_offset_m
    transform = file_transform(file, city, height_offset_m=offset_m, notices=notices)
    chunks = read_chunks(file, transform=transform, notices=notices)
    try:
        part = spool_file(chunks, layout, number=reading.number, name=str(file.path))
    except TwinError as error:
        if not reading.keep_going:
            raise
        notices.add("left-out", f"{error}; left out (--keep-going)", subject=file.path.name)
        part = spool_file([], layout, number=reading.number, name=str(file.path))
    return replace(part, notices=tuple(notices.items))


def _layout(plan: Plan, folder: Path) -> SpoolLayout:
    bounds = plan.survey_bounds
    n_points = sum(f.n_points for f in plan.files)
    tiling = choose_tiling(bounds, n_points=n_points, cell_size_m=plan.options.cell_size_m)
    middle = (bounds.x_min + bounds.x_max) / 2, (bounds.y_min + bounds.y_max) / 2
    return SpoolLayout(folder, tiling, (float(round(middle[0])), float(round(middle[1]))))


def _check_survey(plan: Plan, spool: Spool, notices: Notices) -> None:
    names = plan.survey_name
    if not spool.n_points:
        raise InputError(names, "no points are left to build from", "check the files and their classes")
    check_extent(spool.tally, where=names)
    x0, y0, _, x1, y1, _ = spool.bounds
    check_common_ground(plan, Bounds(x0, y0, x1, y1), where=names, notices=notices)
