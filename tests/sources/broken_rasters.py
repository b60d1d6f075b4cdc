"""Broken rasters, one defect each, and what must be said about them.

The city is in EPSG:25832; the wanted grid covers 565,000 to 565,100 east and 5,930,000 to 5,930,080 north.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
from rasterio.transform import Affine, from_origin

from twin.core.errors import CrsError, InputError, LimitError, OverlapError, TwinError, UnsafeInputError
from twin.core.grid import Bounds, Grid

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CITY_CRS = "EPSG:25832"
GRID = Grid.covering(Bounds(565_000, 5_930_000, 565_100, 5_930_080), cell_size_m=1.0)
TRANSFORM = from_origin(565_000, 5_930_080, 1.0, 1.0)


def hill(nx: int = 100, ny: int = 80) -> np.ndarray[Any, Any]:
    """A gentle hill of 8 m."""
    y, x = np.mgrid[0:ny, 0:nx]
    return (20 + 8 * np.exp(-((x - nx / 2) ** 2 + (y - ny / 2) ** 2) / 800)).astype(np.float32)


def geotiff(
    folder: Path,
    name: str,
    values: np.ndarray[Any, Any],
    *,
    crs: str | None = CITY_CRS,
    transform: Any = TRANSFORM,
    **options: Any,
) -> Path:
    bands = values[None] if values.ndim == 2 else values
    with rasterio.open(
        folder / name, "w", driver="GTiff", width=bands.shape[2], height=bands.shape[1], count=len(bands),
        dtype=bands.dtype, crs=crs, transform=transform, **options,
    ) as out:  # fmt: skip
        out.write(bands)
    return folder / name


def ascii_grid(folder: Path, name: str, rows: int, *, promised: int = 80) -> Path:
    lines = [" ".join(f"{v:.2f}" for v in row) for row in hill()[:rows]]
    head = (
        f"ncols 100\nnrows {promised}\nxllcorner 565000\nyllcorner 5930000\ncellsize 1\nNODATA_value -9999\n"
    )
    (folder / name).write_text(head + "\n".join(lines) + "\n")
    (folder / name).with_suffix(".prj").write_text(rasterio.crs.CRS.from_epsg(25832).to_wkt())
    return folder / name


def with_value(value: float, share: float = 0.1) -> np.ndarray[Any, Any]:
    values = hill()
    values[: int(80 * share)] = value
    return values


def _truncated(folder: Path) -> Path:
    path = geotiff(folder, "truncated.tif", hill())
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * 0.6)])
    return path


def _bomb(folder: Path) -> Path:
    """Ten thousand million cells that no strip stands for; the file has a few hundred kilobytes."""
    with rasterio.open(
        folder / "bomb.tif", "w", driver="GTiff", width=100_000, height=100_000, count=1, dtype="float32",
        crs=CITY_CRS, transform=TRANSFORM, sparse_ok=True, tiled=True, blockxsize=8192, blockysize=8192,
    ):  # fmt: skip
        pass
    return folder / "bomb.tif"


def _vrt(name: str, source: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_text(
            '<VRTDataset rasterXSize="4" rasterYSize="4"><VRTRasterBand dataType="Byte" band="1">'
            f"<SimpleSource><SourceFilename>{source}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"
        )
        return folder / name

    return make


@dataclass(frozen=True, slots=True)
class Refused:
    """A raster that must not be read: what is raised, and the words of the message."""

    row: str
    make: Callable[[Path], Path]
    error: type[TwinError]
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tolerated:
    """A raster that is read, and what is told."""

    row: str
    make: Callable[[Path], Path]
    words: tuple[str, ...] = ()


def turned(degrees: float) -> Affine:
    return TRANSFORM * Affine.rotation(degrees)


REFUSED = [
    Refused("RA-01", _truncated, InputError, ("truncated",)),
    Refused("RA-02", lambda f: geotiff(f, "no_crs.tif", hill(), crs=None), CrsError, ("CRS", "--crs")),
    Refused(
        "RA-03",
        lambda f: geotiff(f, "no_georeference.tif", hill(), crs=None, transform=None),
        CrsError,
        ("georeference",),
    ),
    Refused(
        "RA-05", lambda f: geotiff(f, "all.tif", with_value(-9999, 1), nodata=-9999), InputError, ("nodata",)
    ),
    Refused(
        "RA-07",
        lambda f: geotiff(f, "rotated.tif", hill(), transform=turned(-20)),
        InputError,
        ("rotat", "20.0"),
    ),
    Refused("RA-11", _bomb, LimitError, ("10,000,000,000 cells", "limit")),
    Refused(
        "RA-12",
        lambda f: geotiff(f, "rgb.tif", np.zeros((3, 80, 100), np.uint8), photometric="rgb"),
        InputError,
        ("3 bands", "red, green, blue"),
    ),
    Refused(
        "RA-13",
        lambda f: geotiff(f, "disjoint.tif", hill(), transform=from_origin(765_000, 5_930_080, 1, 1)),
        OverlapError,
        ("overlap",),
    ),
    Refused("RA-14", lambda f: geotiff(f, "one_cell.tif", hill(1, 1)), InputError, ("1 x 1",)),
    Refused("RA-17", _vrt("reads_other_file.vrt", "/etc/passwd"), UnsafeInputError, ("VRT",)),
    Refused("RA-18", _vrt("remote.vrt", "/vsicurl/http://127.0.0.1:9/a.tif"), UnsafeInputError, ("VRT",)),
    Refused("RA-19", lambda f: ascii_grid(f, "short_rows.asc", 40), InputError, ("80 rows", "holds 40 rows")),
    Refused("RA-20", _vrt("vrt_in_disguise.tif", "/etc/passwd"), UnsafeInputError, ("VRT", "not a GeoTIFF")),
]


def _south_up(folder: Path) -> Path:
    return geotiff(folder, "south_up.tif", hill()[::-1], transform=Affine(1, 0, 565_000, 0, 1, 5_930_000))


def _other_zone(folder: Path) -> Path:
    """The same ground in the next zone, generously around it."""
    from pyproj import Transformer

    box = Transformer.from_crs(25832, 25833, always_xy=True).transform_bounds(*_corners())
    transform = from_origin(box[0] - 5, box[3] + 5, 1, 1)
    shape = (int(box[3] - box[1]) + 12, int(box[2] - box[0]) + 12)
    return geotiff(
        folder, "other_zone.tif", np.full(shape, 21.5, np.float32), crs="EPSG:25833", transform=transform
    )


def _degrees(folder: Path) -> Path:
    from pyproj import Transformer

    box = Transformer.from_crs(25832, 4326, always_xy=True).transform_bounds(*_corners())
    transform = from_origin(box[0] - 1e-4, box[3] + 1e-4, 1e-5, 1e-5)
    shape = (int((box[3] - box[1]) * 1e5) + 22, int((box[2] - box[0]) * 1e5) + 22)
    return geotiff(
        folder, "degrees.tif", np.full(shape, 21.5, np.float32), crs="EPSG:4326", transform=transform
    )


def _corners() -> tuple[float, float, float, float]:
    b = GRID.bounds
    return b.x_min, b.y_min, b.x_max, b.y_max


def _nan_and_inf(folder: Path) -> Path:
    values = with_value(np.nan)
    values[40, 40], values[50, 50] = np.inf, -np.inf
    return geotiff(folder, "nan_and_inf.tif", values)


def _centimetres(folder: Path) -> Path:
    rough = hill() + np.random.default_rng(1).normal(0, 0.05, (80, 100)).astype(np.float32)
    return geotiff(folder, "centimetres.tif", np.round(100 * rough).astype(np.int32))


TOLERATED = [
    Tolerated("RA-04", lambda f: geotiff(f, "undeclared.tif", with_value(-9999)), ("-9999", "nodata")),
    Tolerated("RA-06", _nan_and_inf, ("not finite",)),
    Tolerated("RA-08", _south_up),
    Tolerated("RA-09", _other_zone),
    Tolerated("RA-10", _degrees, ("degree", "1e-05")),
    Tolerated("RA-15", _centimetres, ("height", "centimetres")),
    Tolerated("RA-16", lambda f: geotiff(f, "partial_cover.tif", hill(50)), ("covers 50 %",)),
    Tolerated("sound", lambda f: geotiff(f, "sound.tif", hill())),
    Tolerated("sound grid", lambda f: ascii_grid(f, "sound.asc", 80)),
]
