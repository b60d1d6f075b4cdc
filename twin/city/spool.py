"""A survey laid out by tile on disk, so that a tile with its surroundings is read without the rest.

Point files come in any cut: one big file, strips, other tiles. They are streamed once, chunk by chunk, into one raw
file for each input and tile; memory is that of a chunk. Coordinates are kept as 0.1 mm integers from a whole-metre
origin, finer than any survey.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from twin.city.tiling import Tiling, tile_name
from twin.core.errors import InputError
from twin.core.files import append_bytes, canonical_json, make_folder, remove_file, write_text
from twin.core.grid import Bounds
from twin.core.notices import Notice
from twin.core.points import PointCloud
from twin.sources.points_check import (
    ELEVATION_CEILING_M,
    ELEVATION_FLOOR_M,
    N_CLASSES,
    PointTally,
    tally_points,
    within_elevations,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

Extent: TypeAlias = tuple[float, float, float, float, float, float]
"""x_min, y_min, z_min, x_max, y_max, z_max, metres."""

UNIT_M = 1e-4
RECORD = np.dtype([("x", "<i4"), ("y", "<i4"), ("z", "<i4"), ("c", "u1"), ("r", "u1"), ("n", "u1")])
_CHUNK_BYTES = 2**22
REACH_M = 200_000.0
"""Farther than this from the origin 0.1 mm no longer fit into 32 bits."""


@dataclass(frozen=True, slots=True)
class SpoolPart:
    """What one input file gave.

    Parameters
    ----------
    tiles : dict
        Points by tile name.
    histogram : dict
        Points by class number (as text, since it lives in JSON).
    elevations : dict
        Points by whole metre of elevation, in the bins of `PointTally`.
    bounds : tuple
        x_min, y_min, z_min, x_max, y_max, z_max of its points, or None without points.
    notices : tuple of Notice
        What was noticed while reading; kept, so that a resumed build tells the same.
    checksums : dict
        CRC-32 of each tile's file, by tile name.
    """

    number: int
    tiles: dict[str, int]
    histogram: dict[str, int]
    elevations: dict[str, int]
    bounds: Extent | None
    notices: tuple[Notice, ...] = ()
    checksums: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SpoolLayout:
    """Where points go: a folder, the tiles, and the whole-metre origin of the kept integers."""

    folder: Path
    tiling: Tiling
    origin: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Spool:
    """A finished spool."""

    layout: SpoolLayout
    parts: tuple[SpoolPart, ...]
    elevation_limits: tuple[float, float] = (-np.inf, np.inf)
    """Points outside are outliers and are not read."""

    @property
    def tally(self) -> PointTally:
        """Figures of the whole survey, for the checks that need all of it."""
        classes, elevations = (
            np.zeros(N_CLASSES, np.int64),
            np.zeros(ELEVATION_CEILING_M - ELEVATION_FLOOR_M, np.int64),
        )
        for part in self.parts:
            for code, n in part.histogram.items():
                classes[int(code)] += n
            for code, n in part.elevations.items():
                elevations[int(code)] += n
        ends = np.array([p.bounds for p in self.parts if p.bounds]).reshape(-1, 6)
        low, high = ends[:, :3].min(axis=0, initial=np.inf), ends[:, 3:].max(axis=0, initial=-np.inf)
        return PointTally(self.n_points, low, high, classes, elevations)

    @property
    def n_points(self) -> int:
        """All points."""
        return sum(sum(p.tiles.values()) for p in self.parts)

    @property
    def histogram(self) -> dict[int, int]:
        """Points by class."""
        total: dict[int, int] = {}
        for part in self.parts:
            for code, n in part.histogram.items():
                total[int(code)] = total.get(int(code), 0) + n
        return dict(sorted(total.items()))

    @property
    def bounds(self) -> Extent:
        """Extent of all points in x, y and z."""
        rows = np.array([p.bounds for p in self.parts if p.bounds])
        low, high = rows[:, :3].min(axis=0), rows[:, 3:].max(axis=0)
        return _extent(low, high)

    def tiles(self) -> list[tuple[int, int]]:
        """Numbers of the tiles that hold points, row by row from the south-west."""
        x0, y0, _, x1, y1, _ = self.bounds
        names = {name for part in self.parts for name in part.tiles}
        area = Bounds(x0, y0, x1 + self.layout.tiling.side_m, y1 + self.layout.tiling.side_m)
        return [t for t in self.layout.tiling.touching(area) if tile_name(*t) in names]

    def read(self, area: Bounds) -> PointCloud:
        """The points inside a rectangle in a canonical order, whatever the order and cut of the input files."""
        records = [self._read_tile(tile_name(*t), area) for t in self.layout.tiling.touching(area)]
        merged = np.concatenate(records) if records else np.empty(0, RECORD)
        cloud = _to_cloud(merged[_canonical_order(merged)], self.layout.origin)
        return within_elevations(cloud, self.elevation_limits)

    def _read_tile(self, name: str, area: Bounds) -> NDArray[np.void]:
        found = [
            np.fromfile(_part_path(self.layout.folder, p.number, name), RECORD)
            for p in self.parts
            if name in p.tiles
        ]
        records = np.concatenate(found) if found else np.empty(0, RECORD)
        low_x, low_y = (
            _quantise(area.x_min - self.layout.origin[0]),
            _quantise(area.y_min - self.layout.origin[1]),
        )
        high_x, high_y = (
            _quantise(area.x_max - self.layout.origin[0]),
            _quantise(area.y_max - self.layout.origin[1]),
        )
        x, y = records["x"], records["y"]
        return records[(x >= low_x) & (x < high_x) & (y >= low_y) & (y < high_y)]


def _quantise(value_m: float) -> int:
    return int(np.rint(value_m / UNIT_M))


def _part_path(folder: Path, number: int, name: str) -> Path:
    return folder / f"{name}.{number:05d}.points"


def _canonical_order(records: NDArray[np.void]) -> NDArray[np.int64]:
    place = (records["x"].astype(np.int64) << 32) + records["y"].astype(np.int64)
    rest = records["z"].astype(np.int64)
    for name in "crn":  # every field, so that points at one place come in one order too
        rest = (rest << 8) + records[name]
    return np.lexsort((rest, place))


def _to_cloud(records: NDArray[np.void], origin: tuple[float, float]) -> PointCloud:
    xyz = np.empty((len(records), 3))
    xyz[:, 0] = records["x"] * UNIT_M + origin[0]
    xyz[:, 1] = records["y"] * UNIT_M + origin[1]
    xyz[:, 2] = records["z"] * UNIT_M
    return PointCloud(xyz, records["c"].copy(), records["r"].copy(), records["n"].copy())


def spool_file(chunks: Iterable[PointCloud], layout: SpoolLayout, *, number: int, name: str) -> SpoolPart:
    """Lay the chunks of one input file out by tile.

    Parameters
    ----------
    chunks : iterable of PointCloud
        In city coordinates.
    layout : SpoolLayout
        Where to.
    number : int
        Place of the file in the list of inputs.
    name : str
        The file, for messages.

    Raises
    ------
    InputError
        If points lie so far apart that the survey cannot be one.
    """
    make_folder(layout.folder)
    for stale in layout.folder.glob(f"*.{number:05d}.points"):
        remove_file(stale)
    tiles: dict[str, int] = {}
    checksums: dict[str, int] = {}
    tally = tally_points(PointCloud.empty())
    for cloud in chunks:
        if not len(cloud):
            continue
        tally += tally_points(cloud)
        _check_reach(name, tally, layout.origin)
        for tile, records in _by_tile(_to_records(cloud, layout.origin), layout):
            data = records.view(np.uint8).data
            append_bytes(_part_path(layout.folder, number, tile), data)
            checksums[tile] = zlib.crc32(data, checksums.get(tile, 0))
            tiles[tile] = tiles.get(tile, 0) + len(records)
    extent = _extent(tally.lowest, tally.highest) if tiles else None
    return SpoolPart(
        number,
        dict(sorted(tiles.items())),
        _sparse(tally.n_by_class),
        _sparse(tally.n_by_elevation),
        extent,
        checksums=dict(sorted(checksums.items())),
    )


def _sparse(counts: NDArray[np.int64]) -> dict[str, int]:
    return {str(k): int(counts[k]) for k in np.flatnonzero(counts)}


def _extent(low: NDArray[np.float64], high: NDArray[np.float64]) -> Extent:
    return (float(low[0]), float(low[1]), float(low[2]), float(high[0]), float(high[1]), float(high[2]))


def _check_reach(name: str, tally: PointTally, origin: tuple[float, float]) -> None:
    centre = np.array([*origin, 0.0])
    low, high = tally.lowest, tally.highest
    if max(np.abs(low - centre).max(), np.abs(high - centre).max()) > REACH_M:
        extent = f"extent {low.round().tolist()} to {high.round().tolist()}"
        raise InputError(
            name, f"points too far apart for one survey ({extent})", "check its coordinates and CRS"
        )


def _to_records(cloud: PointCloud, origin: tuple[float, float]) -> NDArray[np.void]:
    records = np.empty(len(cloud), RECORD)
    for k, shift in enumerate((*origin, 0.0)):
        records["xyz"[k]] = np.rint((cloud.xyz[:, k] - shift) / UNIT_M)
    records["c"], records["r"], records["n"] = cloud.classification, cloud.return_number, cloud.n_returns
    return records


def _by_tile(records: NDArray[np.void], layout: SpoolLayout) -> Iterator[tuple[str, NDArray[np.void]]]:
    """Groups of records by tile; decided on the kept integers, so that reading back by rectangle loses none."""
    side = _quantise(layout.tiling.side_m)
    ix = (records["x"] - np.int64(_quantise(layout.tiling.x0 - layout.origin[0]))) // side
    iy = (records["y"] - np.int64(_quantise(layout.tiling.y0 - layout.origin[1]))) // side
    order = np.lexsort((ix, iy))
    cuts = np.flatnonzero((np.diff(ix[order]) != 0) | (np.diff(iy[order]) != 0)) + 1
    for group in np.split(order, cuts):
        yield tile_name(int(ix[group[0]]), int(iy[group[0]])), records[group]


def write_part(part: SpoolPart, folder: Path) -> None:
    """Mark one input file as done, so that an interrupted build does not read it again."""
    write_text(folder / f"part-{part.number:05d}.json", canonical_json(asdict(part)))


def part_from_json(data: dict[str, Any] | None) -> SpoolPart | None:
    """The part that `dataclasses.asdict` and JSON were made of."""
    if data is None:
        return None
    ends = np.array(data["bounds"], float).reshape(2, 3) if data["bounds"] else None
    extent = None if ends is None else _extent(ends[0], ends[1])
    told = tuple(Notice(**n) for n in data["notices"])
    return SpoolPart(
        int(data["number"]),
        data["tiles"],
        data["histogram"],
        data["elevations"],
        extent,
        told,
        data.get("checksums", {}),
    )


def read_part(folder: Path, number: int) -> SpoolPart | None:
    """The mark of an input file that was spooled before, if it and its files are whole."""
    try:
        text = (folder / f"part-{number:05d}.json").read_text(encoding="utf-8")
        part = part_from_json(json.loads(text))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return part if part is not None and is_whole(folder, part) else None


def is_whole(folder: Path, part: SpoolPart) -> bool:
    """Whether every file of a part is there as it was written: a power cut may leave the length and lose the bytes."""
    return all(
        _checksum(_part_path(folder, part.number, tile)) == (n * RECORD.itemsize, part.checksums.get(tile))
        for tile, n in part.tiles.items()
    )


def _checksum(path: Path) -> tuple[int, int] | None:
    """Length and CRC-32 of a file; None where it cannot be read."""
    n_bytes, crc = 0, 0
    try:
        with path.open("rb") as handle:
            while chunk := handle.read(_CHUNK_BYTES):
                n_bytes, crc = n_bytes + len(chunk), zlib.crc32(chunk, crc)
    except OSError:
        return None
    return n_bytes, crc
