"""Point clouds from LAS, LAZ and COPC files: found, checked, and read in blocks of bounded size.

`open_points` looks at headers only. `read_chunks` reads one file; it holds the points against the header while
they pass, so that a damaged file ends in an error that says so and not in wrong terrain.
"""

from __future__ import annotations

import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from twin.core.errors import InputError, InputNotFoundError, TwinError
from twin.core.grid import Bounds
from twin.sources.copc import chunks_within, is_copc
from twin.sources.las_crs import crs_of_header
from twin.sources.las_header import LasHeader, read_header
from twin.sources.laz import (
    SELECTION,
    SELECTION_WITH_INTENSITY,
    Chunk,
    decode_chunks,
    decode_in_sequence,
    laz_layout,
    read_chunk_table,
)
from twin.sources.point_crs import common_crs, file_transform
from twin.sources.point_paths import find_point_files
from twin.sources.point_records import Watch, record_type

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pyproj import CRS

    from twin.core.crs import PointTransform
    from twin.core.notices import Notices
    from twin.core.points import PointCloud

__all__ = [
    "PointFile",
    "common_crs",
    "file_transform",
    "find_point_files",
    "open_point_file",
    "open_points",
    "read_chunks",
]

# A chunk that alone is larger than this many blocks is decoded on one core, bit by bit, instead of at once.
MAX_CHUNK_BLOCKS = 4


@dataclass(frozen=True, slots=True)
class PointFile:
    """A point cloud file whose header was checked.

    Parameters
    ----------
    path : Path
    header : LasHeader
    crs : CRS or None
        As the file names it.
    crs_problem : str
        Why the CRS that it names cannot be understood; empty where it can, or where none is named.
    size_bytes, mtime_ns : int
        Of the file when it was opened; reading compares them.
    """

    path: Path
    header: LasHeader
    crs: CRS | None
    crs_problem: str
    size_bytes: int
    mtime_ns: int

    @property
    def n_points(self) -> int:
        """Points that the header promises."""
        return self.header.n_points

    @property
    def bounds(self) -> Bounds:
        """Horizontal extent as the header has it, in the file's coordinates."""
        low, high = self.header.lowest, self.header.highest
        return Bounds(low[0], low[1], high[0], high[1])

    @property
    def z_range(self) -> tuple[float, float]:
        """Lowest and highest elevation as the header has them, in the file's unit."""
        return self.header.lowest[2], self.header.highest[2]

    @property
    def is_copc(self) -> bool:
        """Whether it can be asked for a rectangle without reading all of it."""
        return is_copc(self.header)


def open_points(paths: str | Path | Iterable[str | Path]) -> list[PointFile]:
    """The point cloud files that paths, folders and globs stand for, their headers checked.

    Parameters
    ----------
    paths : path or iterable of paths
        Files, folders (every ``.las`` and ``.laz`` in them) and globs. A name that exists is taken as it is,
        whatever characters it holds.

    Raises
    ------
    InputNotFoundError
        If a path leads nowhere.
    InputError
        If a file is no sound LAS or LAZ file.
    LimitError
        If a file promises more points than allowed.
    """
    return [open_point_file(path) for path in find_point_files(paths)]


def open_point_file(path: str | Path) -> PointFile:
    """One point cloud file, its header checked; raises as `open_points` does."""
    path = Path(path)
    with _opened(path) as (stream, state):
        header = read_header(stream, path=path, size_bytes=state.st_size)
        if header.is_compressed and header.n_points:
            layout = laz_layout(header, path=path)
            if is_copc(header):
                chunks_within(stream, header, None, path=path, size_bytes=state.st_size)
            else:
                read_chunk_table(stream, header, layout, path=path, size_bytes=state.st_size)
    crs, problem = crs_of_header(header)
    return PointFile(path, header, crs, problem, state.st_size, state.st_mtime_ns)


def read_chunks(
    file: PointFile,
    *,
    transform: PointTransform | None = None,
    bounds: Bounds | None = None,
    chunk_points: int = 1_000_000,
    with_intensity: bool = False,
    notices: Notices,
) -> Iterator[PointCloud]:
    """The points of a file, block by block, without withheld points and noise (classes 7 and 18).

    Memory is bounded by the block, not by the file. The blocks and their order depend on nothing but the file
    and the arguments.

    Parameters
    ----------
    file : PointFile
    transform : PointTransform, optional
        From the file's coordinates into the city's.
    bounds : Bounds, optional
        Only points inside, in the coordinates after `transform`; of a COPC file only the chunks that touch it
        are read.
    chunk_points : int
        About how many points a block has.
    with_intensity : bool
        Whether the strength of the echoes is read as well.
    notices : Notices
        Is told at the end what was left out and what was odd.

    Yields
    ------
    PointCloud
        Never an empty one.

    Raises
    ------
    InputError
        If the file is truncated, corrupt, or changes while it is read.
    """
    if transform is not None and transform.is_identity:
        transform = None
    wanted = bounds if bounds is None or transform is None else transform.to_source(bounds)
    watch = Watch(file.path, file.header, with_intensity)
    with _opened(file.path) as (stream, state):
        _refuse_change(file, state)
        plan = _plan(stream, file, wanted, chunk_points, notices)
        if with_intensity:
            plan = replace(plan, selection=SELECTION_WITH_INTENSITY)
        for block in plan.blocks():
            cloud = watch.take(np.frombuffer(block, dtype=record_type(file.header)))
            if transform is not None:
                cloud = replace(cloud, xyz=transform(cloud.xyz))
            if bounds is not None:
                cloud = cloud.select(bounds.contains(cloud.xyz[:, 0], cloud.xyz[:, 1]))
            if len(cloud):
                yield cloud
        _refuse_change(file, file.path.stat())
    watch.finish(notices, n_expected=plan.n_points)


@dataclass(frozen=True, slots=True)
class _Plan:
    """In which pieces a file is read; `chunks` is None where the records lie open or in one stream."""

    stream: BinaryIO
    file: PointFile
    chunks: list[Chunk] | None
    n_points: int
    block_points: int
    selection: int = SELECTION

    def blocks(self) -> Iterator[bytearray]:
        """The uncompressed point records, block by block."""
        header = self.file.header
        if not header.is_compressed:
            return self._open_blocks()
        if self.n_points == 0:
            return iter(())
        layout = laz_layout(header, path=self.file.path)
        if self.chunks is None:
            return decode_in_sequence(
                self.stream, header, layout, path=self.file.path, block_points=self.block_points,
                selection=self.selection,
            )  # fmt: skip
        return (
            decode_chunks(self.stream, group, header, layout, path=self.file.path, selection=self.selection)
            for group in _groups(self.chunks, self.block_points)
        )

    def _open_blocks(self) -> Iterator[bytearray]:
        header = self.file.header
        self.stream.seek(header.offset_to_points)
        for start in range(0, self.n_points, self.block_points):
            block = bytearray(min(self.block_points, self.n_points - start) * header.record_length)
            n_bytes = self.stream.readinto(block)  # type: ignore[attr-defined]
            del block[n_bytes - n_bytes % header.record_length :]
            yield block


def _plan(
    stream: BinaryIO, file: PointFile, wanted: Bounds | None, chunk_points: int, notices: Notices
) -> _Plan:
    header, path, size = file.header, file.path, file.size_bytes
    if not header.is_compressed or header.n_points == 0:
        return _Plan(stream, file, None, header.n_points, chunk_points)
    layout = laz_layout(header, path=path)
    if file.is_copc:
        chunks = chunks_within(stream, header, wanted, path=path, size_bytes=size)
    else:
        chunks, n_unused = read_chunk_table(stream, header, layout, path=path, size_bytes=size)
        if n_unused:
            notices.add(
                "point-header",
                f"{path}: header counts {header.n_points} points, {n_unused} more chunks behind them were not read",
                subject=path.name,
            )
        if not chunks or max(c.n_points for c in chunks) > MAX_CHUNK_BLOCKS * chunk_points:
            return _Plan(stream, file, None, header.n_points, chunk_points)
    return _Plan(stream, file, chunks, sum(c.n_points for c in chunks), chunk_points)


def _groups(chunks: list[Chunk], block_points: int) -> Iterator[list[Chunk]]:
    """Runs of chunks with at least `block_points` points together, but for the last."""
    group: list[Chunk] = []
    n_points = 0
    for chunk in chunks:
        if group and n_points + chunk.n_points > block_points:
            yield group
            group, n_points = [], 0
        group.append(chunk)
        n_points += chunk.n_points
    if group:
        yield group


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, os.stat_result]]:
    """An input file open for reading, and its state; anything but a plain file is refused unopened."""
    try:
        state = path.stat()
        if stat.S_ISDIR(state.st_mode):
            raise InputError(path, "a folder, no LAS or LAZ file", "name the files in it")
        if not stat.S_ISREG(state.st_mode):
            raise InputError(path, "not a plain file", "name a LAS or LAZ file")
        with path.open("rb") as stream:
            yield stream, os.fstat(stream.fileno())
    except TwinError:
        raise
    except FileNotFoundError as error:
        raise InputNotFoundError(path, "not found", "check the name") from error
    except OSError as error:
        raise InputError(path, f"cannot be read ({error.strerror or error})") from error


def _refuse_change(file: PointFile, state: os.stat_result) -> None:
    if (state.st_size, state.st_mtime_ns) != (file.size_bytes, file.mtime_ns):
        raise InputError(
            file.path,
            f"changed while it was read ({file.size_bytes} bytes before, {state.st_size} now)",
            "wait until nothing writes it, then start again",
        )
