"""COPC: which chunks of a LAZ file touch a rectangle, by the octree that the file carries.

The pages of the octree point at one another by byte offsets. Each page is read at most once and must lie in the
file, so that a damaged or hostile tree ends the walk instead of keeping it going.

References
----------
COPC specification 1.0 (2021), https://copc.io.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, BinaryIO

from twin.core.errors import InputError
from twin.sources.las_header import FETCH_AGAIN, LasHeader
from twin.sources.laz import Chunk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from twin.core.grid import Bounds

INFO_BYTES = 160
PAGE = -1
MAX_PAGE_BYTES = 2**26  # two million nodes
MAX_LEVEL = 30
_INFO = struct.Struct("<5d2Q")
_ENTRY = struct.Struct("<4iQii")


@dataclass(frozen=True, slots=True)
class CopcInfo:
    """Root cube and root page of the octree.

    Parameters
    ----------
    west, south, width : float
        Corner and side of the root cube, in the file's coordinates.
    page_offset, page_bytes : int
        Where the root page lies.
    """

    west: float
    south: float
    width: float
    page_offset: int
    page_bytes: int


def is_copc(header: LasHeader) -> bool:
    """Whether the file carries an octree."""
    record = header.record("copc", 1)
    return header.is_compressed and record is not None and len(record.data) == INFO_BYTES


def copc_info(header: LasHeader, *, path: Path) -> CopcInfo:
    """The checked octree record of a COPC file.

    Raises
    ------
    InputError
        If its numbers make no sense.
    """
    record = header.record("copc", 1)
    if record is None:
        raise InputError(path, "no COPC record")
    x, y, _, half, _, page_offset, page_bytes = _INFO.unpack_from(record.data)
    if not (all(map(math.isfinite, (x, y, half))) and half > 0):
        raise InputError(path, f"corrupt: octree around {x:g}, {y:g} with half side {half:g}", FETCH_AGAIN)
    return CopcInfo(x - half, y - half, 2 * half, page_offset, page_bytes)


def chunks_within(
    stream: BinaryIO, header: LasHeader, bounds: Bounds | None, *, path: Path, size_bytes: int
) -> list[Chunk]:
    """The chunks that touch a rectangle, all of them for None, in the order of the file.

    Parameters
    ----------
    stream : binary file
    header : LasHeader
        Of a COPC file.
    bounds : Bounds or None
        In the file's coordinates.

    Raises
    ------
    InputError
        If the octree is damaged.
    """
    info = copc_info(header, path=path)
    reach = bounds if bounds is None else bounds.buffered(2 * max(header.scales[:2]))
    chunks: list[Chunk] = []
    seen: set[int] = set()
    pages = [(info.page_offset, info.page_bytes)]
    while pages:
        offset, n_bytes = pages.pop()
        if offset in seen:
            raise InputError(
                path, f"corrupt: the octree refers twice to the page at byte {offset}", FETCH_AGAIN
            )
        seen.add(offset)
        for level, i, j, _, start, length, n_points in _entries(stream, offset, n_bytes, path, size_bytes):
            if reach is not None and not _touches(info, (level, i, j), reach):
                continue
            if n_points == PAGE:
                pages.append((start, length))
            elif n_points > 0:
                chunks.append(_checked(Chunk(start, length, n_points), header, path, size_bytes))
    n_points = sum(c.n_points for c in chunks)
    if n_points > header.n_points or (reach is None and n_points < header.n_points):
        raise InputError(
            path, f"corrupt: header promises {header.n_points} points, its octree {n_points}", FETCH_AGAIN
        )
    return _apart(sorted(chunks), path)


def _apart(chunks: list[Chunk], path: Path) -> list[Chunk]:
    for chunk, following in pairwise(chunks):
        if chunk.offset + chunk.n_bytes > following.offset:
            raise InputError(path, f"corrupt: octree chunks overlap at byte {following.offset}", FETCH_AGAIN)
    return chunks


def _entries(
    stream: BinaryIO, offset: int, n_bytes: int, path: Path, size_bytes: int
) -> Iterator[tuple[int, ...]]:
    # The length of a page is a signed number, in the octree record and in the pages above.
    is_whole = 0 <= n_bytes <= MAX_PAGE_BYTES and n_bytes % _ENTRY.size == 0
    if not is_whole or offset + n_bytes > size_bytes:
        raise InputError(
            path, f"corrupt: octree page of {n_bytes} bytes at byte {offset} of {size_bytes}", FETCH_AGAIN
        )
    stream.seek(offset)
    return _ENTRY.iter_unpack(stream.read(n_bytes))


def _touches(info: CopcInfo, key: tuple[int, int, int], reach: Bounds) -> bool:
    level, i, j = key
    if not 0 <= level <= MAX_LEVEL:
        return True
    side = info.width / 2**level
    west, south = info.west + i * side, info.south + j * side
    return (
        west <= reach.x_max
        and west + side >= reach.x_min
        and south <= reach.y_max
        and south + side >= reach.y_min
    )


def _checked(chunk: Chunk, header: LasHeader, path: Path, size_bytes: int) -> Chunk:
    starts_early = chunk.offset < header.offset_to_points
    if starts_early or chunk.n_bytes < header.record_length or chunk.offset + chunk.n_bytes > size_bytes:
        raise InputError(
            path, f"corrupt: octree chunk of {chunk.n_bytes} bytes at byte {chunk.offset}", FETCH_AGAIN
        )
    return chunk
