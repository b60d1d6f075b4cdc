"""What a raster file promises, checked before a cell of it is read."""

from __future__ import annotations

import contextlib
import math
import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.core.crs import describe, is_placed, parse_crs
from twin.core.errors import CrsError, InputError, TwinError
from twin.core.grid import Bounds
from twin.core.limits import check_limit, limits
from twin.core.memory import memory_error, tells_exhausted_memory
from twin.sources.formats import RASTER_FORMATS, Format
from twin.sources.gdal import load_rasterio
from twin.sources.sniff import require_format

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pyproj import CRS

rasterio = load_rasterio()

# Damaged keys of a GeoTIFF end in the library's inner errors, damaged texts while it words its own message.
_LIBRARY_ERRORS = (
    rasterio.errors.RasterioError,
    rasterio._err.CPLE_BaseError,
    UnicodeDecodeError,
    OverflowError,
)
_CELL_SIZES = (1e-9, 1e9)
_FARTHEST = 1e12
_DRIVERS = {
    Format.GEOTIFF: "GTiff",
    Format.ASCII_GRID: "AAIGrid",
    Format.JPEG: "JPEG",
    Format.PNG: "PNG",
}
_STRAIGHT = 1e-9
# A file in one strip is not unpacked for the sake of its last cell.
_LARGEST_BLOCK = 2**24
# Deflate packs a thousand bytes into one at best.
_MAX_RATIO = 1000


@dataclass(frozen=True, slots=True)
class RasterInfo:
    """A raster as its header tells it.

    Parameters
    ----------
    path : Path
        The file.
    kind : Format
        Its format.
    nx, ny : int
        Columns and rows.
    dtypes : tuple of str
        Type of each band.
    colours : tuple of str
        Meaning of each band: ``"red"``, ``"gray"``, ``"palette"``, ``"alpha"``, ...
    transform : tuple of float
        ``(a, b, c, d, e, f)``: x = a col + b row + c, y = d col + e row + f, at cell corners.
    crs : CRS
        Named by the file, or assumed.
    assumed : bool
        Whether the CRS was assumed.
    nodata : float or None
        The declared value of cells without data.
    overviews : tuple of int
        Factors of the smaller copies inside the file.
    names : tuple of str
        What the file calls each band, such as ``sun_h``; empty where it does not say.
    """

    path: Path
    kind: Format
    nx: int
    ny: int
    dtypes: tuple[str, ...]
    colours: tuple[str, ...]
    transform: tuple[float, float, float, float, float, float]
    crs: CRS
    assumed: bool
    nodata: float | None
    overviews: tuple[int, ...]
    names: tuple[str, ...] = ()

    @property
    def driver(self) -> str:
        """GDAL's name of the format."""
        return _DRIVERS[self.kind]

    @property
    def cell_size(self) -> tuple[float, float]:
        """Width and height of a cell in units of the CRS."""
        return abs(self.transform[0]), abs(self.transform[4])

    @property
    def bounds(self) -> Bounds:
        """Outer edges in the raster's own CRS."""
        a, _, c, _, e, f = self.transform
        xs, ys = sorted((c, c + a * self.nx)), sorted((f, f + e * self.ny))
        return Bounds(xs[0], ys[0], xs[1], ys[1])


def open_raster_info(path: str | Path, *, assume_crs: CRS | None = None) -> RasterInfo:
    """The header of a raster: GeoTIFF, ESRI ASCII grid, or a picture with a world file.

    Parameters
    ----------
    path : path
        The file.
    assume_crs : CRS, optional
        For a raster that names none.

    Raises
    ------
    InputError
        If it is damaged, of another kind, a single cell, or turned against the axes of its CRS.
    UnsafeInputError
        If it is a virtual raster, which reads other files.
    CrsError
        If it has no place on the map, or names no CRS and `assume_crs` is None.
    """
    path = Path(path)
    kind = require_format(path, RASTER_FORMATS, kind="a raster")
    with open_dataset(path, kind) as source:
        placed = source.transform != type(source.transform).identity()
        text = source.crs.to_wkt() if source.crs else ""
        info = RasterInfo(
            path=path,
            kind=kind,
            nx=source.width,
            ny=source.height,
            dtypes=tuple(source.dtypes),
            colours=tuple(c.name for c in source.colorinterp),
            transform=tuple(source.transform)[:6],
            crs=_crs(path, text, placed=placed, assumed=assume_crs),
            assumed=not text,
            nodata=source.nodata,
            overviews=tuple(source.overviews(1)),
            names=tuple(name or "" for name in source.descriptions),
        )
    _check_shape(info)
    _refuse_bomb(info)
    _refuse_missing_end(info)
    return info


@contextlib.contextmanager
def open_dataset(path: Path, kind: Format, *, level: int | None = None) -> Iterator[Any]:
    """A raster opened by the driver of its format only, errors turned into ours.

    Parameters
    ----------
    path : Path
        The file.
    kind : Format
        What `sniff` found.
    level : int, optional
        Which of the smaller copies inside the file.

    Raises
    ------
    InputError
        If the file cannot be opened, or read inside the block.
    """
    options = {} if level is None else {"overview_level": level}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
            # A Path is taken as it is; of a text, rasterio would look for a protocol in it.
            dataset = rasterio.open(path.absolute(), driver=_DRIVERS[kind], **options)
        with dataset:
            yield dataset
    except TwinError:
        raise
    except _LIBRARY_ERRORS as error:
        raise _explain(path, kind, error) from error


def _explain(path: Path, kind: Format, error: Exception) -> TwinError:
    if tells_exhausted_memory(error):
        return memory_error(path, error)
    if kind is Format.ASCII_GRID:
        short = _short_rows(path)
        if short is not None:
            return InputError(path, short, "fetch or export it again")
    cause = error.__cause__ or error
    text = " ".join(str(cause).replace(str(path.absolute()), path.name).split())[:200]
    return InputError(path, f"is truncated or damaged ({text})", "fetch or export it again")


def _short_rows(path: Path) -> str | None:
    """How many rows an ASCII grid promises and holds; rows may be broken over lines, so values are counted."""
    header: dict[str, float] = {}
    n_values = 0
    with path.open("r", encoding="latin-1") as handle:
        for line in handle:
            match = re.match(r"\s*([A-Za-z_]+)\s+(\S+)\s*$", line)
            if match and n_values == 0:
                header[match.group(1).lower()] = _number(match.group(2))
            else:
                n_values += len(line.split())
    columns, rows = header.get("ncols", math.nan), header.get("nrows", math.nan)
    if not (columns > 0 and rows > 0) or n_values >= columns * rows:
        return None
    return (
        f"promises {rows:.0f} rows of {columns:.0f} cells, holds {n_values / columns:.4g} rows (truncated?)"
    )


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _crs(path: Path, text: str, *, placed: bool, assumed: CRS | None) -> CRS:
    if not placed:
        raise CrsError(
            path,
            "has no georeference: nothing tells where its cells lie",
            "write it with its CRS, origin and cell size, or put a world file beside it",
        )
    found = parse_crs(text, where=path) if text else None
    if found is not None and is_placed(found):
        return found
    if assumed is None:
        raise CrsError(path, "names no CRS", "write it into the file, or give it with --crs EPSG:...")
    return assumed


def _check_shape(info: RasterInfo) -> None:
    a, b, _, d, e, _ = info.transform
    if abs(b) > _STRAIGHT * abs(a) or abs(d) > _STRAIGHT * abs(e):
        angle = math.degrees(math.atan2(d, a))
        raise InputError(
            info.path,
            f"is rotated by {angle:.1f} degrees against {describe(info.crs)}",
            "turn it upright, for example with: gdalwarp in.tif out.tif",
        )
    if info.nx == 1 and info.ny == 1:
        raise InputError(info.path, "holds 1 x 1 cells", "give a raster that covers the city")
    sized = all(_CELL_SIZES[0] <= abs(side) <= _CELL_SIZES[1] for side in (a, e))
    if not (sized and max(abs(info.transform[2]), abs(info.transform[5])) < _FARTHEST):
        raise InputError(
            info.path,
            f"has cells of {a:g} by {e:g} units from {info.transform[2]:g}, {info.transform[5]:g} on",
            "write it again with its true place",
        )


def _refuse_missing_end(info: RasterInfo) -> None:
    """What a broken download lacks is the end, and windows elsewhere would not notice."""
    if info.kind is Format.ASCII_GRID:  # GDAL looks for the last row of a short one without end
        short = _short_rows(info.path)
        if short is not None:
            raise InputError(info.path, short, "fetch or export it again")
    if info.kind is Format.GEOTIFF:
        with open_dataset(info.path, info.kind) as source:
            height, width = source.block_shapes[-1]
            if height * width <= _LARGEST_BLOCK:
                source.read(source.count, window=((info.ny - 1, info.ny), (info.nx - 1, info.nx)))


def _refuse_bomb(info: RasterInfo) -> None:
    """A survey's raster may be larger than memory, since it is read by window; an empty promise is not read at all."""
    n_cells = info.nx * info.ny * len(info.dtypes)
    if n_cells > _MAX_RATIO * info.path.stat().st_size:
        check_limit(info.path, "cells", n_cells, limits().max_raster_cells, name="max_raster_cells")
