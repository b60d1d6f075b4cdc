"""What a build will do, decided before any point is read: CRS, inputs, key."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.city.manifest import FORMAT, Source
from twin.core.errors import CrsError, InputError, InputNotFoundError, TwinError, UsageError
from twin.core.files import canonical_json, sha256
from twin.core.limits import check_limit, limits

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyproj import CRS

    from twin.city.options import BuildOptions
    from twin.core.grid import Bounds
    from twin.core.notices import Notices
    from twin.core.progress import Progress
    from twin.sources.points import PointFile

HEIGHT_COLUMNS = (
    "height",
    "height_m",
    "measuredheight",
    "building_height",
    "hoogte",
    "korkeus",
    "hoehe",
    "높이",
)
"""Attributes of footprints that hold a height above ground, lower case."""
PIPELINE = 2
"""Raised whenever the same inputs give other bytes than before."""
SIDECARS = (".dbf", ".shx", ".prj", ".cpg", ".tfw", ".jgw", ".pgw", ".wld")
"""Files of the same stem without which an input is not what it is."""


@dataclass(frozen=True)
class Plan:
    """A build that is ready to start.

    Parameters
    ----------
    options : BuildOptions
        What was asked for.
    crs : pyproj.CRS
        Of the city: projected, metres.
    files : tuple of PointFile
        Point clouds whose headers were checked.
    footprints : GeoDataFrame or None
        Outlines in the city's CRS, with a state where one cannot be built.
    vectors : mapping
        Map layers by kind, in the city's CRS.
    sources : mapping
        Input files by role, for the manifest.
    stamps : mapping
        Size and time of change of every input file when the build began.
    key : str
        Digest of all that decides the result.
    """

    options: BuildOptions
    crs: CRS
    files: tuple[PointFile, ...]
    footprints: Any
    vectors: Mapping[str, Any]
    sources: Mapping[str, tuple[Source, ...]]
    stamps: Mapping[Path, tuple[int, int]]
    key: str

    @property
    def name(self) -> str:
        """Name of the city."""
        return self.options.name or self.options.output.name.removesuffix(".twin")

    @property
    def survey_name(self) -> str:
        """The point files in a message."""
        names = [f.path.name for f in self.files]
        return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")

    @cached_property
    def survey_bounds(self) -> Bounds:
        """Extent of the point clouds in the city's coordinates, as their headers promise it."""
        from functools import reduce

        from twin.core.grid import Bounds

        return reduce(Bounds.union, (_in_city(f, self.crs) for f in self.files if f.n_points))


def make_plan(options: BuildOptions, *, notices: Notices, progress: Progress) -> Plan:
    """Check the inputs and decide.

    Raises
    ------
    TwinError
        Whatever is wrong with an input, before anything is written.
    """
    progress.stage("checking inputs", 3)
    stamps = {part: _stamp(part) for path in options.inputs().values() for part in _parts(path)}
    files = _open_survey(options, notices)
    stamps |= {f.path: (f.size_bytes, f.mtime_ns) for f in files}
    crs = _city_crs(options, files)
    progress.advance()
    footprints = _read_footprints(options, crs, notices)
    vectors = _read_map(options, crs, notices)
    progress.advance()
    sources = _sources(options, files)
    progress.advance()
    plan = Plan(options, crs, files, footprints, vectors, sources, stamps, _key(options, crs, sources))
    _check_heights(plan)
    if files:
        if not any(f.n_points for f in files):
            raise InputError(plan.survey_name, "no points in any of the files", "fetch the survey again")
        check_cells(plan.survey_bounds, cell_size_m=options.cell_size_m)
    return plan


def _open_survey(options: BuildOptions, notices: Notices) -> tuple[PointFile, ...]:
    from twin.sources.points import open_points

    if not options.points:
        return ()
    if not options.keep_going:
        return tuple(open_points(options.points))
    files: list[PointFile] = []
    failure: TwinError | None = None
    for name in options.points:
        try:
            files += open_points([name])
        except TwinError as error:
            failure = error
            notices.add("left-out", f"{error}; left out (--keep-going)", subject=name)
    if not files and failure:
        raise failure
    return tuple(files)


def _city_crs(options: BuildOptions, files: tuple[PointFile, ...]) -> CRS:
    from twin.core.crs import check_city_crs, parse_crs
    from twin.sources.points import common_crs

    if options.crs:
        crs, where = parse_crs(options.crs), "project.crs / --crs"
    elif files:
        crs, where = common_crs(files, None), str(files[0].path)
    else:
        raise CrsError(
            "--crs", "no point cloud names a CRS for the city", "give it, such as --crs EPSG:25832+7837"
        )
    check_city_crs(crs, where=where)
    return crs


def _read_footprints(options: BuildOptions, crs: CRS, notices: Notices) -> Any:
    if options.buildings:
        from twin.city.given_solids import read_given

        return read_given(
            options.buildings,
            crs=crs,
            assume_crs=crs if options.crs else None,
            height_offset_m=options.height_offset_m,
            notices=notices,
        )
    if not options.footprints:
        return None
    from twin.sources.footprints import read_footprints

    assumed = crs if options.crs else None
    frame = read_footprints(
        options.footprints,
        layer=options.layers.get("footprints"),
        id_field=options.id_field,
        crs=crs,
        assume_crs=assumed,
        notices=notices,
    )
    return frame.assign(given_height_m=_given_heights(options, frame, notices))


def _check_heights(plan: Plan) -> None:
    """Refuse heights of another datum that nothing turns into the city's before anything is read.

    Raises
    ------
    CrsError
        With the grid that is missing, and the option that does without.
    """
    from twin.core.notices import Notices
    from twin.sources.points import file_transform

    options = plan.options
    for file in plan.files:
        file_transform(file, plan.crs, height_offset_m=options.height_offset_m, notices=Notices())
    for kind in ("dtm", "dsm"):
        if kind in options.rasters:
            from twin.sources.rasters import check_heights

            check_heights(
                options.rasters[kind],
                crs=plan.crs,
                assume_crs=plan.crs if options.crs else None,
                height_offset_m=options.height_offset_m,
            )


def _given_heights(options: BuildOptions, frame: Any, notices: Notices) -> Any:
    """Heights above ground that the footprints' own attributes tell; NaN where they do not."""
    import numpy as np

    from twin.sources.lengths import heights_from_column

    column = _height_column(options, [str(c) for c in frame.columns])
    if column is None:
        return np.full(len(frame), np.nan)
    path = options.footprints or Path("footprints")
    return heights_from_column(frame[column], ids=list(frame["id"]), where=path, notices=notices)


def _height_column(options: BuildOptions, columns: list[str]) -> str | None:
    """The named column, or a usual one; as in SQL, upper and lower case are the same.

    Raises
    ------
    UsageError
        If there is none of the name.
    """
    lower = {c.lower(): c for c in columns}
    if options.height_field is None:
        return next((lower[c] for c in HEIGHT_COLUMNS if c in lower), None)
    if options.height_field.lower() not in lower:
        there = ", ".join(c for c in columns if c not in {"id", "state", "reason", "geometry"})
        what = f"{options.footprints} has no column {options.height_field!r}"
        raise UsageError("buildings.height_field / --height-field", what, f"choose of {there or 'none'}")
    return lower[options.height_field.lower()]


def _read_map(options: BuildOptions, crs: CRS, notices: Notices) -> dict[str, Any]:
    from twin.sources.vectors import read_vector

    assumed = crs if options.crs else None
    frames = {
        kind: read_vector(path, layer=options.layers.get(kind), crs=crs, assume_crs=assumed, notices=notices)
        for kind, path in sorted(options.vectors.items())
    }
    for kind in ("water", "bridges", "landcover"):
        if kind in frames:
            _require_areas(options.vectors[kind], kind, frames[kind])
    return frames


def _require_areas(path: Path, kind: str, frame: Any) -> None:
    found = set(frame.geometry.dropna().geom_type)
    if len(frame) and not found & {"Polygon", "MultiPolygon"}:
        kinds = ", ".join(sorted(found)) or "no geometry"
        raise UsageError(path, f"--{kind} needs areas, the file holds {kinds}", "add lines with `twin add`")


def _sources(options: BuildOptions, files: tuple[PointFile, ...]) -> dict[str, tuple[Source, ...]]:
    sources = {role: sources_of(path) for role, path in sorted(options.inputs().items())}
    if files:
        sources["points"] = tuple(_source(f.path) for f in files)
    return sources


def sources_of(path: Path) -> tuple[Source, ...]:
    """The manifest's entries for an input and the files beside it that belong to it."""
    return tuple(_source(part) for part in _parts(path))


def _source(path: Path) -> Source:
    """Named without its folder, which is nobody else's business."""
    return Source(name=path.name, size=path.stat().st_size, sha256=sha256(path))


def _parts(path: Path) -> list[Path]:
    """An input file and those that readers take from beside it: the rest of a Shapefile, a world file.

    Raises
    ------
    InputNotFoundError
        If there is no such file.
    InputError
        If it is no plain file.
    """
    if not path.exists():
        link = " (a link to a file that is gone)" if path.is_symlink() else ""
        raise InputNotFoundError(path, f"not found{link}", "correct the path")
    if not path.is_file():
        raise InputError(path, "is no plain file", "name the file inside it")
    beside = (path.with_suffix(s) for s in SIDECARS if s != path.suffix.lower())
    return [path, *(p for p in beside if p.is_file())]


def _stamp(path: Path) -> tuple[int, int]:
    state = path.stat()
    return state.st_size, state.st_mtime_ns


def require_unchanged(plan: Plan) -> None:
    """Refuse to finish a city of which it is not known what it was made from.

    Raises
    ------
    InputError
        If an input file is not what it was when the build began.
    """
    for path, (size, _) in plan.stamps.items():
        there = path.is_file()
        if not there or _stamp(path) != plan.stamps[path]:
            now = f"{path.stat().st_size} now" if there else "gone now"
            raise InputError(
                path,
                f"changed while it was read ({size} bytes before, {now})",
                "wait until nothing writes it, then start again",
            )


def _key(options: BuildOptions, crs: CRS, sources: Mapping[str, tuple[Source, ...]]) -> str:
    import twin

    decisive = {
        "pipeline": [PIPELINE, FORMAT, twin.__version__],
        "crs": crs.to_wkt(),
        "sources": {role: [asdict(s) for s in group] for role, group in sources.items()},
        "parameters": parameters(options),
    }
    return hashlib.sha256(canonical_json(decisive).encode()).hexdigest()


def parameters(options: BuildOptions) -> dict[str, Any]:
    """The options that decide the result, for the key and the manifest."""
    return {
        "name": options.name,
        "id_field": options.id_field,
        "height_field": options.height_field,
        "layers": dict(options.layers),
        "lod": options.lod,
        "detail": options.detail,
        "cell_size_m": options.cell_size_m,
        "height_offset_m": options.height_offset_m,
        "derive_footprints": options.derive_footprints,
        "align": options.align,
        "attribution": options.attribution,
        "licence": options.licence,
    }


def check_cells(area: Bounds, *, cell_size_m: float) -> None:
    """Refuse cells that are too fine for the extent, before anything is read.

    Raises
    ------
    LimitError
        With the number of cells.
    """
    n_cells = int(area.width * area.height / cell_size_m**2)
    where = f"terrain.cell_size / --cell-size {cell_size_m:g}"
    check_limit(where, "cells", n_cells, limits().max_raster_cells, name="max_raster_cells")


def _in_city(file: PointFile, crs: CRS) -> Bounds:
    """A file's extent in the city's coordinates, measured where the header leaves it at zero."""
    import numpy as np

    from twin.core.crs import horizontal, is_placed, make_transform
    from twin.core.grid import Bounds
    from twin.core.notices import Notices

    b = file.bounds
    if b == Bounds(0, 0, 0, 0):
        b = _measured(file)
    if file.crs is None or not is_placed(file.crs):
        return b  # taken to be in the city's CRS
    way = make_transform(horizontal(file.crs), horizontal(crs), where=file.path, notices=Notices())
    side = np.linspace(0, 1, 9)
    x, y = np.meshgrid(b.x_min + side * b.width, b.y_min + side * b.height)
    home = way(np.column_stack([x.ravel(), y.ravel(), np.zeros(x.size)]))
    return Bounds(*map(float, (*home[:, :2].min(axis=0), *home[:, :2].max(axis=0))))


def _measured(file: PointFile) -> Bounds:
    """A file's extent in its own coordinates, from its points."""
    from functools import reduce

    from twin.core.grid import Bounds
    from twin.core.notices import Notices
    from twin.sources.points import read_chunks

    ends = ((c.xyz.min(axis=0), c.xyz.max(axis=0)) for c in read_chunks(file, notices=Notices()))
    boxes = [Bounds(low[0], low[1], high[0], high[1]) for low, high in ends]
    return reduce(Bounds.union, boxes) if boxes else file.bounds
