"""LAZ: how the compressed points are laid out, and decoding them in blocks.

The chunk table and the layer sizes are held against the file before the decoder sees a byte, because it takes
memory for whatever they say. Decoding itself is done by lazrs, many chunks at a time on all cores.

References
----------
Isenburg (2013), LASzip: lossless compression of lidar data, Photogrammetric Engineering & Remote Sensing 79(2).
"""

from __future__ import annotations

import io
import struct
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import lazrs

from twin.core.errors import InputError
from twin.core.limits import check_limit, limits
from twin.sources.las_header import FETCH_AGAIN, LasHeader

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

POINTWISE, POINTWISE_CHUNKED, LAYERED_CHUNKED = 1, 2, 3
ANY_CHUNK_SIZE = (0, 2**32 - 1)
# Item types by number: bytes in a point and, for the layered kind, separately compressed layers; 0 bytes: any.
_ITEMS = {0: (0, 0), 6: (20, 0), 7: (8, 0), 8: (6, 0), 9: (29, 0)}
_LAYERED_ITEMS = {10: (30, 9), 11: (6, 1), 12: (8, 2), 13: (29, 1), 14: (0, 0)}
_EXTRA_BYTES_LAYERED = 14
# What this project uses of a point; with layers, the rest is not even decoded.
SELECTION = (
    lazrs.SELECTIVE_DECOMPRESS_XY_RETURNS_CHANNEL
    | lazrs.SELECTIVE_DECOMPRESS_Z
    | lazrs.SELECTIVE_DECOMPRESS_CLASSIFICATION
    | lazrs.SELECTIVE_DECOMPRESS_FLAGS
)
SELECTION_WITH_INTENSITY = SELECTION | lazrs.SELECTIVE_DECOMPRESS_INTENSITY


class Chunk(NamedTuple):
    """Points that were compressed together."""

    offset: int
    n_bytes: int
    n_points: int


@dataclass(frozen=True, slots=True)
class LazLayout:
    """What the compression record says.

    Parameters
    ----------
    record_data : bytes
        The record as lazrs takes it.
    compressor : int
        `POINTWISE`, `POINTWISE_CHUNKED` or `LAYERED_CHUNKED`.
    chunk_size : int
        Points in a chunk, one of `ANY_CHUNK_SIZE` where each chunk tells its own.
    n_layers : int
        Separately compressed layers of a chunk, 0 unless layered.
    """

    record_data: bytes
    compressor: int
    chunk_size: int
    n_layers: int


def laz_layout(header: LasHeader, *, path: Path) -> LazLayout:
    """The checked compression record of a LAZ file.

    Raises
    ------
    InputError
        If it is missing, damaged or does not fit the point format.
    """
    record = header.record("laszip encoded", 22204)
    if record is None:
        raise InputError(
            path, "corrupt: the header says LAZ, but the compression record is missing", FETCH_AGAIN
        )
    data = record.data
    n_items = struct.unpack_from("<H", data, 32)[0] if len(data) >= 34 else 0
    if n_items == 0 or len(data) < 34 + 6 * n_items:
        raise InputError(path, f"corrupt: compression record of {len(data)} bytes", FETCH_AGAIN)
    compressor, coder = struct.unpack_from("<HH", data)
    (chunk_size,) = struct.unpack_from("<I", data, 12)
    if compressor not in (POINTWISE, POINTWISE_CHUNKED, LAYERED_CHUNKED) or coder != 0:
        raise InputError(
            path, f"corrupt: LAZ compressor {compressor} with coder {coder} is unknown", FETCH_AGAIN
        )
    items = [struct.unpack_from("<HH", data, 34 + 6 * i) for i in range(n_items)]
    n_layers = _check_items(header, compressor, items, path)
    return LazLayout(data, compressor, chunk_size, n_layers)


def _check_items(header: LasHeader, compressor: int, items: list[tuple[int, ...]], path: Path) -> int:
    """Number of layers, once the items add up to the point record."""
    known = _LAYERED_ITEMS if compressor == LAYERED_CHUNKED else _ITEMS
    sizes_fit = all(kind in known and size == (known[kind][0] or size) for kind, size in items)
    if not sizes_fit or sum(size for _, size in items) != header.record_length:
        raise InputError(
            path,
            f"corrupt: compressed items {items} do not make up point format {header.point_format}"
            f" of {header.record_length} bytes",
            FETCH_AGAIN,
        )
    return sum(size if kind == _EXTRA_BYTES_LAYERED else known[kind][1] for kind, size in items)


def read_chunk_table(
    stream: BinaryIO, header: LasHeader, layout: LazLayout, *, path: Path, size_bytes: int
) -> tuple[list[Chunk], int]:
    """Where each chunk lies, checked against the file, and how many more the file has than its header counts.

    There are none in the old kind without chunks.

    Raises
    ------
    InputError
        If the table is missing (an interrupted download or writer), damaged, or holds too few points.
    """
    if header.n_points == 0 or layout.compressor == POINTWISE:
        return [], 0
    first = header.offset_to_points + 8
    table = _table_position(stream, header, path, size_bytes)
    stream.seek(table)
    (n_chunks,) = struct.unpack("<4xI", stream.read(8))
    if not 0 < n_chunks <= (table - first) // header.record_length:
        raise InputError(
            path, f"corrupt: {n_chunks} chunks cannot fit into {table - first} bytes of points", FETCH_AGAIN
        )
    stream.seek(table)
    with decoding(path):
        # No table needs 16 bytes for a chunk: two numbers of at most 32 bits and what the coder adds.
        packed = io.BytesIO(stream.read(min(size_bytes - table, 64 + 16 * n_chunks)))
        entries = lazrs.read_chunk_table_only(packed, lazrs.LazVlr(layout.record_data))
    return _placed(entries, (first, table), header, layout, path)


def _table_position(stream: BinaryIO, header: LasHeader, path: Path, size_bytes: int) -> int:
    first = header.offset_to_points + 8
    if first > size_bytes:
        raise InputError(
            path, f"truncated: the file ends at byte {size_bytes}, where points begin", FETCH_AGAIN
        )
    stream.seek(header.offset_to_points)
    (table,) = struct.unpack("<q", stream.read(8))
    if table < first:  # a writer that could not seek back leaves the position in the last eight bytes
        stream.seek(size_bytes - 8)
        (table,) = struct.unpack("<q", stream.read(8))
    if not first <= table <= size_bytes - 8:
        raise InputError(
            path,
            f"truncated: the table of compressed chunks should stand at byte {table}, the file has {size_bytes}",
            FETCH_AGAIN,
        )
    return table


def _placed(
    entries: list[tuple[int, int]],
    span: tuple[int, int],
    header: LasHeader,
    layout: LazLayout,
    path: Path,
) -> tuple[list[Chunk], int]:
    """The chunks one behind the other between the first and the last byte of `span`."""
    chunks: list[Chunk] = []
    offset, left = span[0], header.n_points
    for n_promised, n_bytes in entries:
        n_held = n_promised if layout.chunk_size in ANY_CHUNK_SIZE else layout.chunk_size
        if n_bytes < header.record_length or offset + n_bytes > span[1]:
            raise InputError(
                path,
                f"corrupt: a chunk of {n_bytes} bytes at byte {offset}, the points end at {span[1]}",
                FETCH_AGAIN,
            )
        n_points = min(n_held, left)
        if n_points:
            chunks.append(Chunk(offset, n_bytes, n_points))
        offset, left = offset + n_bytes, left - n_points
    if left:
        raise InputError(
            path,
            f"truncated: header promises {header.n_points} points, its chunks hold {header.n_points - left}",
            FETCH_AGAIN,
        )
    return chunks, sum(1 for _, n_bytes in entries if n_bytes) - len(chunks)


def decode_chunks(
    stream: BinaryIO,
    chunks: Sequence[Chunk],
    header: LasHeader,
    layout: LazLayout,
    *,
    path: Path,
    selection: int = SELECTION,
) -> bytearray:
    """The point records of some chunks, uncompressed, one after another.

    Raises
    ------
    InputError
        If the bytes are damaged so that decoding stops.
    LimitError
        If the chunks unpack to more than may be held at once.
    """
    n_points = sum(c.n_points for c in chunks)
    check_limit(path, "points at once", n_points, limits().max_points_in_memory, name="max_points_in_memory")
    packed = bytearray()
    for chunk in chunks:
        stream.seek(chunk.offset)
        data = stream.read(chunk.n_bytes)
        _check_chunk(data, chunk, header, layout, path)
        packed += data
    out = bytearray(n_points * header.record_length)
    with decoding(path):
        lazrs.decompress_points_with_chunk_table(
            packed,
            layout.record_data,
            out,
            [(c.n_points, c.n_bytes) for c in chunks],
            lazrs.DecompressionSelection(selection),
        )
    return out


def _check_chunk(data: bytes, chunk: Chunk, header: LasHeader, layout: LazLayout, path: Path) -> None:
    """Hold a chunk's inner sizes against its length: the decoder would take memory for whatever they say."""
    if len(data) < chunk.n_bytes:
        raise InputError(path, f"truncated: the chunk at byte {chunk.offset} is not whole", FETCH_AGAIN)
    if layout.compressor != LAYERED_CHUNKED:
        return
    start = header.record_length
    if chunk.n_bytes < start + 4 + 4 * layout.n_layers:
        raise InputError(path, f"corrupt: the chunk at byte {chunk.offset} is too short", FETCH_AGAIN)
    n_points, *sizes = struct.unpack_from(f"<{1 + layout.n_layers}I", data, start)
    if n_points < chunk.n_points or start + 4 + 4 * len(sizes) + sum(sizes) > chunk.n_bytes:
        raise InputError(
            path,
            f"corrupt: the chunk at byte {chunk.offset} claims {n_points} points in {sum(sizes)} bytes,"
            f" {chunk.n_points} points in {chunk.n_bytes} were promised",
            FETCH_AGAIN,
        )


def decode_in_sequence(
    stream: BinaryIO,
    header: LasHeader,
    layout: LazLayout,
    *,
    path: Path,
    block_points: int,
    selection: int = SELECTION,
) -> Iterator[bytearray]:
    """The point records of a whole file in blocks, on one core.

    For files whose chunks are too large to be held at once, and for those without chunks.
    """
    stream.seek(header.offset_to_points)
    with decoding(path):
        decoder = lazrs.LasZipDecompressor(
            stream, layout.record_data, lazrs.DecompressionSelection(selection)
        )
    for start in range(0, header.n_points, block_points):
        out = bytearray(min(block_points, header.n_points - start) * header.record_length)
        with decoding(path):
            decoder.decompress_many(out)
        yield out


@contextmanager
def decoding(path: Path) -> Iterator[None]:
    """Turn whatever the decoder throws into one of our errors.

    A panic of the Rust library arrives as an exception that is not an ``Exception``, and whose class cannot be
    imported; nothing but its module's name tells it from ``KeyboardInterrupt``.
    """
    try:
        yield
    except (lazrs.LazrsError, OSError, ValueError, OverflowError) as error:
        raise _corrupt(path, error) from error
    except BaseException as error:
        if type(error).__module__ != "pyo3_runtime":
            raise
        raise _corrupt(path, error) from error


def _corrupt(path: Path, error: BaseException) -> InputError:
    return InputError(path, f"corrupt: the compressed points cannot be decoded ({error})", FETCH_AGAIN)
