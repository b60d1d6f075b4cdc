"""A user's file as a layer of the city: read and checked, in the city's CRS, in an open format."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.errors import InputError, OverlapError, UsageError
from twin.core.files import guard_storage
from twin.core.grid import Bounds
from twin.core.notices import Notices
from twin.core.visible_text import visible_text

if TYPE_CHECKING:
    from pathlib import Path

    from pyproj import CRS

COORDINATE_COLUMNS = (
    *(("x", "y"), ("easting", "northing"), ("lon", "lat"), ("longitude", "latitude"), ("lng", "lat")),
    *(("경도", "위도"), ("x좌표", "y좌표")),
)
NODATA = -9999.0
NEAR_M = 10_000.0
"""A layer farther from the city than this is in the wrong CRS or of another place."""
DEGREE_COLUMNS = {"lon", "longitude", "lng", "경도"}


@dataclass(frozen=True, slots=True)
class LayerRequest:
    """One file to add.

    Parameters
    ----------
    file : Path
        Where it lies.
    name : str
        Name of the layer.
    crs : CRS
        Of the city.
    extent : Bounds
        Of the city.
    assume_crs : CRS or None
        For a file that names none.
    encoding : str or None
        Of its text.
    join : tuple of str or None
        Column of the table and column of the buildings.
    at : tuple of float or None
        Where a model stands; NaN as third number means on the ground.
    layer : str or None
        Which layer of a vector file, or sheet of a table, where there are several.
    height_offset_m : float or None
        Metres to add to elevations whose datum is not the city's.
    """

    file: Path
    name: str
    crs: CRS
    extent: Bounds
    assume_crs: CRS | None
    encoding: str | None
    join: tuple[str, str] | None
    at: tuple[float, float, float] | None
    layer: str | None = None
    height_offset_m: float | None = None


@dataclass(frozen=True, slots=True)
class LayerFile:
    """What became of a file: its kind, where it lies below the city, counts of what it holds, and how it is placed."""

    kind: str
    relative: str
    counts: dict[str, int | float]
    options: dict[str, Any] = field(default_factory=dict)


def write_layer(request: LayerRequest, city: Path, stage: Path, *, notices: Notices) -> LayerFile:
    """Read a file and write the layer below `stage`.

    Raises
    ------
    TwinError
        If the file is not of a known kind, damaged, or does not fit the options.
    """
    from twin.sources.formats import MODEL_FORMATS, RASTER_FORMATS, TABLE_FORMATS, VECTOR_FORMATS
    from twin.sources.sniff import require_format

    known = VECTOR_FORMATS | RASTER_FORMATS | MODEL_FORMATS | TABLE_FORMATS
    kind = require_format(request.file, known, kind="a vector, raster, model or table file")
    if kind in TABLE_FORMATS:
        return _write_table(request, city, stage, notices)
    if request.join:
        raise UsageError("--join", f"{request.file.name} is no table", "join CSV or XLSX files")
    if request.layer is not None and kind not in VECTOR_FORMATS:
        raise UsageError(request.file, f"a {kind.value} has no layers", "leave |layername= out")
    if kind in RASTER_FORMATS:
        return _write_raster(request, stage, notices)
    if kind in MODEL_FORMATS:
        return _write_model(request, city, stage, notices)
    return _write_vector(request, stage, notices)


def _write_vector(request: LayerRequest, stage: Path, notices: Notices) -> LayerFile:
    from twin.city.tables import write_table

    try:
        frame = _read_vector(request, request.extent, notices)
    except OverlapError as error:
        frame = _read_vector(request, None, Notices())
        _tell_elsewhere(error, Bounds(*map(float, frame.total_bounds)), request, notices)
    relative = f"layers/{request.name}.parquet"
    write_table(frame, stage / relative)
    return LayerFile("vector", relative, {"features": len(frame)})


def _read_vector(request: LayerRequest, survey: Bounds | None, notices: Notices) -> Any:
    from twin.sources.vectors import read_vector

    return read_vector(
        request.file,
        layer=request.layer,
        crs=request.crs,
        assume_crs=request.assume_crs,
        height_offset_m=request.height_offset_m,
        encoding=request.encoding,
        survey=survey,
        keep_z=True,
        notices=notices,
    )


def _check_place(bounds: Bounds, request: LayerRequest, notices: Notices) -> None:
    from twin.sources.overlap import check_overlap

    try:
        check_overlap(bounds, request.extent, request.file, "the city")
    except OverlapError as error:
        _tell_elsewhere(error, bounds, request, notices)


def _tell_elsewhere(error: OverlapError, bounds: Bounds, request: LayerRequest, notices: Notices) -> None:
    """Take what lies beside the city, such as a gauge upstream; what is in another region is a mistake."""
    from twin.sources.overlap import distance

    if distance(bounds, request.extent) > NEAR_M:
        raise error
    notices.add("layer-elsewhere", str(error), subject=request.name)


def _write_raster(request: LayerRequest, stage: Path, notices: Notices) -> LayerFile:
    """A picture as colours, anything else as one band of values, both in the city's CRS."""
    from twin.sources.pictures import is_picture, read_picture
    from twin.sources.rasters import open_raster_info, read_elevation, write_geotiff

    relative = f"layers/{request.name}.tif"
    assumed = request.assume_crs
    info = open_raster_info(request.file, assume_crs=assumed)
    if is_picture(info):
        picture = read_picture(request.file, crs=request.crs, assume_crs=assumed, notices=notices)
        _check_place(picture.grid.bounds, request, notices)
        write_geotiff(stage / relative, picture.rgba, picture.grid, crs=request.crs)
        return LayerFile("picture", relative, {"cells": picture.grid.nx * picture.grid.ny})
    raster = read_elevation(
        request.file,
        crs=request.crs,
        assume_crs=assumed,
        height_offset_m=request.height_offset_m,
        notices=notices,
    )
    _check_place(raster.grid.bounds, request, notices)
    name = visible_text(info.names[0]) if info.names else ""
    write_geotiff(stage / relative, raster.values, raster.grid, crs=request.crs, nodata=NODATA, quantity=name)
    counts: dict[str, int | float] = {"cells": int(np.isfinite(raster.values).sum())}
    return LayerFile("raster", relative, counts, {"quantity": name} if name else {})


def _write_table(request: LayerRequest, city: Path, stage: Path, notices: Notices) -> LayerFile:
    """A table joined to the buildings, points where it has coordinates, or plain rows."""
    from twin.city.tables import BUILDINGS, read_columns, write_table
    from twin.sources.tables import join_by_id, read_table

    table = read_table(request.file, encoding=request.encoding, sheet=request.layer, notices=notices)
    if table.empty:
        raise InputError(request.file, "has a header and no rows", "give a table with rows")
    relative = f"layers/{request.name}.parquet"
    if request.join:
        column, target = request.join
        if target != "id":
            raise UsageError("--join", f"buildings have no key {target!r}", f"join by their id: {column}=id")
        ids = read_columns(city, BUILDINGS, ("id",))
        joined, report = join_by_id(ids, table, column=column, where=request.file, notices=notices)
        write_table(joined, stage / relative)
        counts: dict[str, int | float] = {"matched": report.n_matched, "unmatched": len(report.unmatched)}
        return LayerFile("join", relative, {**counts, "buildings without": report.n_without})
    points = _points_of(request, table)
    if points is None:
        write_table(table, stage / relative)
        return LayerFile("table", relative, {"rows": len(table)})
    _check_place(Bounds(*map(float, points.total_bounds)), request, notices)
    write_table(points, stage / relative)
    return LayerFile("vector", relative, {"features": len(points)})


def _points_of(request: LayerRequest, table: Any) -> Any:
    """The rows as points in the city's CRS, None where the table has no coordinates."""
    import geopandas as gpd
    import pandas as pd

    from twin.core.crs import horizontal, parse_crs

    lower = {str(c).strip().lower(): c for c in table.columns}
    pair = next((p for p in COORDINATE_COLUMNS if p[0] in lower and p[1] in lower), None)
    if pair is None:
        return None
    x, y = (pd.to_numeric(table[lower[c]], errors="coerce").to_numpy(float) for c in pair)
    n_bad = int((~np.isfinite(x + y)).sum())
    if n_bad:
        columns = " and ".join(lower[c] for c in pair)
        what = f"{n_bad} of {len(table)} rows have no numbers as coordinates ({columns})"
        raise InputError(request.file, what, "complete them")
    degrees = parse_crs("EPSG:4326") if pair[0] in DEGREE_COLUMNS else None
    own = request.assume_crs or degrees or request.crs
    points = gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(x, y), crs=horizontal(own))
    return points.to_crs(horizontal(request.crs))


def _write_model(request: LayerRequest, city: Path, stage: Path, notices: Notices) -> LayerFile:
    """A 3D model as GLB around a place of its own."""
    import trimesh

    from twin.sources.models import read_model

    parts = read_model(request.file, notices=notices)
    corners = np.concatenate([p.mesh.vertices for p in parts])
    place, shift = _place_of(request, city, corners)
    scene = trimesh.Scene()
    for part in parts:
        local = part.mesh.vertices - shift
        upright = np.column_stack([local[:, 0], local[:, 2], -local[:, 1]])  # glTF has y up
        mesh = trimesh.Trimesh(upright, part.mesh.triangles, process=False)
        material = trimesh.visual.material.PBRMaterial(baseColorFactor=part.rgba, metallicFactor=0.0)
        mesh.visual = trimesh.visual.TextureVisuals(material=material)
        scene.add_geometry(mesh, geom_name=part.name)
    relative = f"layers/{request.name}.glb"
    with guard_storage(stage / relative):
        (stage / relative).write_bytes(scene.export(file_type="glb"))
    counts: dict[str, int | float] = {
        "parts": len(parts),
        "triangles": sum(len(p.mesh.triangles) for p in parts),
    }
    return LayerFile("model", relative, counts, {"at": place})


def _place_of(request: LayerRequest, city: Path, corners: Any) -> tuple[list[float | None], Any]:
    """Where the model stands (None for the ground's elevation) and what its coordinates are counted from.

    Raises
    ------
    UsageError
        If it lies elsewhere and no place was given.
    """
    from twin.city.manifest import read_manifest

    low, high = corners.min(axis=0), corners.max(axis=0)
    foot = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]])
    if request.at is not None:
        x, y, z = request.at
        return [x, y, None if np.isnan(z) else z], foot
    x0, y0, _, x1, y1, _ = read_manifest(city).bounds
    if x0 <= foot[0] <= x1 and y0 <= foot[1] <= y1:
        return [float(v) for v in foot], foot
    what = (
        f"lies at {foot[0]:.1f}, {foot[1]:.1f}, outside the city ({x0:.0f} to {x1:.0f}, {y0:.0f} to {y1:.0f})"
    )
    raise UsageError(request.file, what, "say where it stands with --at X,Y or --at X,Y,Z")
