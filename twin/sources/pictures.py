"""Orthophotos brought onto a grid of the city."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.errors import InputError
from twin.sources.formats import Format
from twin.sources.raster_blocks import filled_blocks, fitting_overview, read_window, target_grid
from twin.sources.raster_info import RasterInfo, open_dataset, open_raster_info
from twin.sources.raster_values import Tally, tell

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from pyproj import CRS

    from twin.core.grid import Grid
    from twin.core.notices import Notices
    from twin.sources.raster_resample import Window

_SAMPLE_CELLS = 1000


@dataclass(frozen=True, slots=True)
class Picture:
    """An orthophoto on a grid.

    Parameters
    ----------
    rgba : array, shape (ny, nx, 4)
        Red, green, blue and opacity, uint8; opacity 0 without data.
    grid : Grid
        Its place, in the city's CRS.
    """

    rgba: NDArray[np.uint8]
    grid: Grid


def is_picture(info: RasterInfo) -> bool:
    """Whether the raster holds colours, not one quantity."""
    solid = [c for c in info.colours if c != "alpha"]
    return len(solid) >= 3 or solid[:1] == ["palette"] or info.kind in {Format.JPEG, Format.PNG}


def read_picture(
    path: str | Path,
    *,
    crs: CRS,
    grid: Grid | None = None,
    assume_crs: CRS | None = None,
    notices: Notices,
) -> Picture:
    """An orthophoto in the city's coordinates.

    Palettes are resolved, one band becomes grey, and bands of more than eight bits are stretched between their 1st
    and 99th percentile.

    Parameters
    ----------
    path : path
        GeoTIFF, or JPEG or PNG with a world file.
    crs : CRS
        Of the city.
    grid : Grid, optional
        Where colours are wanted; by default as in `read_elevation`.
    assume_crs : CRS, optional
        For a picture that names none.
    notices : Notices
        Is told of what was assumed.

    Raises
    ------
    InputError, OverlapError, LimitError, CrsError, UnsafeInputError
        As in `read_elevation`.
    """
    info = open_raster_info(path, assume_crs=assume_crs)
    grid = target_grid(info, crs, grid, n_bands=4, notices=notices)
    colours = _colour_reader(info, notices)
    rgba = np.zeros((*grid.shape, 4), np.uint8)
    level = fitting_overview(info, grid, crs)
    for block in filled_blocks(info, crs, grid, colours, "bilinear", level=level):
        there = np.isfinite(block.bands[0])
        for i, band in enumerate(block.bands):
            rgba[(*block.place, i)] = np.where(there, np.clip(np.round(band), 0, 255), 0)
        rgba[(*block.place, 3)] = 255 * there
    share = float((rgba[..., 3] > 0).mean())
    if share == 0:
        raise InputError(info.path, "holds nothing but nodata here", "give a picture that shows the city")
    tell(info.path, Tally(n_read=1000, n_data=round(1000 * share)), notices)
    return Picture(rgba, grid)


def _colour_reader(info: RasterInfo, notices: Notices) -> Callable[[Any, Window], list[NDArray[np.float32]]]:
    """What reads a window as red, green and blue from 0 to 255, NaN without data."""
    bands = _colour_bands(info)
    low, high = _stretch(info, bands, notices)
    palette = _palette(info)

    def read(source: Any, window: Window) -> list[NDArray[np.float32]]:
        read_once = {band: read_window(source, band, window) for band in sorted(set(bands))}
        there = np.all([mask > 0 for _, mask in read_once.values()], axis=0)
        if palette is not None:
            index = read_once[bands[0]][0].astype(np.int64)
            layers = [palette[index, k] for k in range(3)]
        else:
            layers = [(read_once[b][0].astype(np.float32) - low) * (255 / (high - low)) for b in bands]
        return [np.where(there, layer, np.nan).astype(np.float32) for layer in layers]

    return read


def _colour_bands(info: RasterInfo) -> list[int]:
    by_name = {colour: i + 1 for i, colour in reversed(list(enumerate(info.colours)))}
    if {"red", "green", "blue"} <= by_name.keys():
        return [by_name["red"], by_name["green"], by_name["blue"]]
    solid = [i + 1 for i, colour in enumerate(info.colours) if colour != "alpha"]
    return solid[:3] if len(solid) >= 3 else solid[:1] * 3


def _palette(info: RasterInfo) -> NDArray[np.float32] | None:
    if info.colours[0] != "palette":
        return None
    with open_dataset(info.path, info.kind) as source:
        table = source.colormap(1)
    palette = np.zeros((max(256, 1 + max(table)), 3), np.float32)
    for index, colour in table.items():
        palette[index] = colour[:3]
    return palette


def _stretch(info: RasterInfo, bands: list[int], notices: Notices) -> tuple[float, float]:
    """The values that become 0 and 255."""
    if all(info.dtypes[b - 1] == "uint8" for b in bands):
        return 0.0, 255.0
    shape = (min(info.ny, _SAMPLE_CELLS), min(info.nx, _SAMPLE_CELLS))
    with open_dataset(info.path, info.kind) as source:
        sample = source.read(bands, out_shape=(len(bands), *shape), masked=True).compressed()
    sample = sample[np.isfinite(sample)]
    low, high = np.percentile(sample, [1, 99]) if len(sample) else (0.0, 1.0)
    notices.add(
        "picture-stretched",
        f"{info.path}: colours of type {info.dtypes[bands[0] - 1]} were stretched from {low:g} to {high:g}",
        subject=str(info.path),
    )
    return float(low), float(max(high, low + 1e-6))
