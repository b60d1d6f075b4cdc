"""A user's file as a layer of the city: read and checked, in the city's CRS, in an open format."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twin.core.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from pyproj import CRS

    from twin.core.notices import Notices

COORDINATE_COLUMNS = (
    *(("x", "y"), ("easting", "northing"), ("lon", "lat"), ("longitude", "latitude"), ("lng", "lat")),
    *(("경도", "위도"), ("x좌표", "y좌표")),
)
NODATA = -9999.0
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
    assume_crs : CRS or None
        For a file that names none.
    encoding : str or None
        Of its text.
    join : tuple of str or None
        Column of the table and column of the buildings.
    at : tuple of float or None
        Where a model stands; NaN as third number means on the ground.
    """

    file: Path
    name: str
    crs: CRS
    assume_crs: CRS | None
    encoding: str | None
    join: tuple[str, str] | None
    at: tuple[float, float, float] | None


@dataclass(frozen=True, slots=True)
class LayerFile:
    """What became of a file: its kind, where it lies below the city, and counts of what it holds."""

    kind: str
    relative: str
    counts: dict[str, int | float]


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
    if kind in RASTER_FORMATS:
        return _write_raster(request, stage, notices)
    if kind in MODEL_FORMATS:
        return _write_model(request, city, stage, notices)
    return _write_vector(request, stage, notices)


def _write_vector(request: LayerRequest, stage: Path, notices: Notices) -> LayerFile:
    from twin.city.tables import write_table
    from twin.sources.vectors import read_vector

    frame = read_vector(
        request.file,
        crs=request.crs,
        assume_crs=request.assume_crs,
        encoding=request.encoding,
        keep_z=True,
        notices=notices,
    )
    relative = f"layers/{request.name}.parquet"
    write_table(frame, stage / relative)
    return LayerFile("vector", relative, {"features": len(frame)})


def _write_raster(request: LayerRequest, stage: Path, notices: Notices) -> LayerFile:
    """A picture as colours, anything else as one band of values, both in the city's CRS."""
    from twin.sources.pictures import is_picture, read_picture
    from twin.sources.rasters import open_raster_info, read_elevation, write_geotiff

    relative = f"layers/{request.name}.tif"
    assumed = request.assume_crs
    if is_picture(open_raster_info(request.file, assume_crs=assumed)):
        picture = read_picture(request.file, crs=request.crs, assume_crs=assumed, notices=notices)
        write_geotiff(stage / relative, picture.rgba, picture.grid, crs=request.crs)
        return LayerFile("picture", relative, {"cells": picture.grid.nx * picture.grid.ny})
    raster = read_elevation(request.file, crs=request.crs, assume_crs=assumed, notices=notices)
    write_geotiff(stage / relative, raster.values, raster.grid, crs=request.crs, nodata=NODATA)
    return LayerFile("raster", relative, {"cells": int(np.isfinite(raster.values).sum())})
