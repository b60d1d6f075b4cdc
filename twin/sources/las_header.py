"""The header of a LAS or LAZ file, read and checked by ourselves before any library believes it.

LAS readers trust what a header promises: a few damaged bytes make them build millions of empty records, ask
for terabytes or stop with a message about something else. Here every count and offset is held against the
size of the file first.

References
----------
ASPRS, LAS Specification 1.4 - R15 (2019); the tables of the public header block and of the record headers.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO

from twin.core.errors import InputError
from twin.core.limits import check_limit, limits

if TYPE_CHECKING:
    from pathlib import Path

SIGNATURE = b"LASF"
VLR_HEADER = struct.Struct("<2x16sHH32x")
EVLR_HEADER = struct.Struct("<2x16sHQ32x")
COMPRESSED_BIT = 0x80
WAVEFORMS_INSIDE, WKT_BIT = 0x02, 0x10
# Beyond this no map projection reaches, be it in feet or with a zone number before the easting.
MAX_COORDINATE = 1e9
MAX_SCALE = 1000.0
MAX_RECORDS = 100_000
MAX_RECORDS_KEPT = 64
MAX_RECORD_BYTES = 2**20

_WANTED = ("LASF_Projection", "liblas", "laszip encoded", "copc")
_SMALLEST_HEADER = {0: 227, 1: 227, 2: 227, 3: 235, 4: 375}
_SMALLEST_RECORD = (20, 28, 26, 34, 57, 63, 30, 36, 38, 59, 67)

FETCH_AGAIN = "fetch it again"
REWRITE = "write it anew with a tool that mends headers, such as `pdal translate` or `las2las`"


@dataclass(frozen=True, slots=True)
class VariableRecord:
    """A variable length record that matters here: coordinate system, compression, octree."""

    user_id: str
    record_id: int
    data: bytes


@dataclass(frozen=True, slots=True)
class LasHeader:
    """What a header promises, after the checks.

    Parameters
    ----------
    version : tuple of int
        Major and minor.
    point_format : int
        0 to 10.
    is_compressed : bool
        LAZ.
    record_length : int
        Bytes of one point, uncompressed.
    n_points : int
    offset_to_points : int
        First byte of the point data.
    end_of_points : int
        First byte after it that belongs to something else: extended records, waveforms or the end of the file.
    scales, offsets : tuple of float
        Stored integers become coordinates by ``integer * scale + offset``, axis by axis.
    lowest, highest : tuple of float
        Bounding box as promised, in the file's coordinates.
    global_encoding : int
    records : tuple of VariableRecord
        In the order of the file, ordinary ones before extended ones.
    remarks : tuple of str
        What is odd but does no harm.
    """

    version: tuple[int, int]
    point_format: int
    is_compressed: bool
    record_length: int
    n_points: int
    offset_to_points: int
    end_of_points: int
    scales: tuple[float, float, float]
    offsets: tuple[float, float, float]
    lowest: tuple[float, float, float]
    highest: tuple[float, float, float]
    global_encoding: int
    records: tuple[VariableRecord, ...] = ()
    remarks: tuple[str, ...] = ()

    def record(self, user_id: str, *record_ids: int) -> VariableRecord | None:
        """The first record of that kind."""
        matching = (r for r in self.records if r.user_id == user_id and r.record_id in record_ids)
        return next(matching, None)


@dataclass(slots=True)
class _Raw:
    """The fields as they stand in the file."""

    global_encoding: int
    version: tuple[int, int]
    header_size: int
    offset_to_points: int
    n_vlrs: int
    format_byte: int
    record_length: int
    n_points: int
    scales: tuple[float, float, float]
    offsets: tuple[float, float, float]
    box: tuple[float, ...]
    waveform_start: int = 0
    evlr_start: int = 0
    n_evlrs: int = 0
    remarks: list[str] = field(default_factory=list)

    @property
    def point_format(self) -> int:
        return self.format_byte & ~COMPRESSED_BIT

    @property
    def is_compressed(self) -> bool:
        return bool(self.format_byte & COMPRESSED_BIT)


def read_header(stream: BinaryIO, *, path: Path, size_bytes: int) -> LasHeader:
    """The checked header of an open file.

    Parameters
    ----------
    stream : binary file
        Seekable, at any position.
    path : Path
        For messages.
    size_bytes : int
        Size of the file.

    Raises
    ------
    InputError
        If the file is no LAS file, is truncated, or its header contradicts itself or the file.
    LimitError
        If it promises more points than allowed.
    """
    raw = _read_raw(stream, path, size_bytes)
    _check_layout(raw, path, size_bytes)
    _check_numbers(raw, path)
    check_limit(path, "points", raw.n_points, limits().max_points_per_file, name="max_points_per_file")
    evlrs = _read_evlrs(stream, raw, path, size_bytes)
    vlrs = _read_vlrs(stream, raw)
    end = _end_of_points(raw, size_bytes)
    if not raw.is_compressed:
        _check_length(raw, path, end)
    lowest, highest = _box(raw)
    return LasHeader(
        version=raw.version,
        point_format=raw.point_format,
        is_compressed=raw.is_compressed,
        record_length=raw.record_length,
        n_points=raw.n_points,
        offset_to_points=raw.offset_to_points,
        end_of_points=end,
        scales=raw.scales,
        offsets=raw.offsets,
        lowest=lowest,
        highest=highest,
        global_encoding=raw.global_encoding,
        records=(*vlrs, *evlrs),
        remarks=tuple(raw.remarks),
    )


def _read_raw(stream: BinaryIO, path: Path, size_bytes: int) -> _Raw:
    stream.seek(0)
    block = stream.read(375)
    if not block:
        raise InputError(path, "the file is empty (0 bytes)", FETCH_AGAIN)
    if block[:4] != SIGNATURE:
        raise InputError(
            path, f"not a LAS or LAZ file (it starts with {block[:12]!r})", "name a point cloud in LAS or LAZ"
        )
    if len(block) < 227:
        raise InputError(path, f"truncated: {size_bytes} bytes are no whole header", FETCH_AGAIN)
    encoding, major, minor = struct.unpack_from("<6xH16xBB", block)[:3]
    if major != 1 or minor not in _SMALLEST_HEADER:
        raise InputError(
            path, f"LAS version {major}.{minor} is unknown (1.0 to 1.4 are read)", "convert it to LAS 1.4"
        )
    header_size, offset_to_points, n_vlrs, format_byte, record_length, n_points = struct.unpack_from(
        "<HIIBHI", block, 94
    )
    doubles = struct.unpack_from("<12d", block, 131)
    raw = _Raw(
        global_encoding=encoding,
        version=(major, minor),
        header_size=header_size,
        offset_to_points=offset_to_points,
        n_vlrs=n_vlrs,
        format_byte=format_byte,
        record_length=record_length,
        n_points=n_points,
        scales=doubles[0:3],
        offsets=doubles[3:6],
        box=doubles[6:12],
    )
    if raw.header_size < _SMALLEST_HEADER[minor]:
        raise InputError(
            path,
            f"header of {raw.header_size} bytes, version 1.{minor} needs {_SMALLEST_HEADER[minor]}",
            REWRITE,
        )
    _read_later_fields(raw, block, path, size_bytes)
    return raw


def _read_later_fields(raw: _Raw, block: bytes, path: Path, size_bytes: int) -> None:
    """What versions 1.3 and 1.4 added behind the bounding box."""
    if raw.version >= (1, 3) and len(block) >= 235:
        (raw.waveform_start,) = struct.unpack_from("<Q", block, 227)
    if raw.version >= (1, 4):
        if len(block) < 375:
            raise InputError(path, f"truncated: {size_bytes} bytes are no whole header", FETCH_AGAIN)
        raw.evlr_start, raw.n_evlrs, n_points = struct.unpack_from("<QIQ", block, 235)
        # The old 32-bit count must be 0 or the same; many writers fill only one of the two.
        raw.n_points = n_points or raw.n_points


def _check_layout(raw: _Raw, path: Path, size_bytes: int) -> None:
    if raw.point_format >= len(_SMALLEST_RECORD):
        raise InputError(path, f"unknown point format {raw.point_format} (0 to 10 are read)", REWRITE)
    smallest = _SMALLEST_RECORD[raw.point_format]
    if raw.record_length < smallest:
        raise InputError(
            path,
            f"header says {raw.record_length} bytes for a point, point format {raw.point_format} needs {smallest}",
            REWRITE,
        )
    if raw.offset_to_points > size_bytes:
        raise InputError(
            path,
            f"truncated: points should start at byte {raw.offset_to_points}, the file ends at {size_bytes}",
            FETCH_AGAIN,
        )
    if raw.header_size + VLR_HEADER.size * raw.n_vlrs > raw.offset_to_points or raw.n_vlrs > MAX_RECORDS:
        raise InputError(
            path,
            f"header promises {raw.n_vlrs} records between byte {raw.header_size} and the points at byte"
            f" {raw.offset_to_points}, which cannot be",
            REWRITE,
        )


def _check_numbers(raw: _Raw, path: Path) -> None:
    for axis, scale, offset in zip("xyz", raw.scales, raw.offsets, strict=True):
        if not (math.isfinite(scale) and 0 < scale <= MAX_SCALE):
            raise InputError(path, f"{axis} scale is {scale:g}", REWRITE)
        if not math.isfinite(offset):
            raise InputError(path, f"{axis} offset is {offset:g}, not a finite number", REWRITE)
        if abs(offset) > MAX_COORDINATE:
            raise InputError(path, f"{axis} offset {offset:g} lies beyond the extent of any map", REWRITE)
    if raw.n_points == 0:
        return
    if not all(map(math.isfinite, raw.box)):
        raise InputError(path, "bounds in the header are not finite numbers", REWRITE)
    if max(map(abs, raw.box)) > MAX_COORDINATE:
        widest = max(raw.box, key=abs)
        raise InputError(
            path, f"bounds in the header reach {widest:g}, beyond the extent of any map", REWRITE
        )


def _box(raw: _Raw) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Lowest and highest corner; the file has the maximum first, which some writers confuse."""
    if not all(map(math.isfinite, raw.box)):
        return (0.0, 0.0, 0.0), (0.0, 0.0, 0.0)
    pairs = [sorted(raw.box[i : i + 2]) for i in (0, 2, 4)]
    return (pairs[0][0], pairs[1][0], pairs[2][0]), (pairs[0][1], pairs[1][1], pairs[2][1])


def _end_of_points(raw: _Raw, size_bytes: int) -> int:
    later = [size_bytes]
    if raw.n_evlrs:
        later.append(raw.evlr_start)
    if raw.global_encoding & WAVEFORMS_INSIDE and raw.offset_to_points < raw.waveform_start < size_bytes:
        later.append(raw.waveform_start)
    return min(later)


def _check_length(raw: _Raw, path: Path, end: int) -> None:
    held, rest = divmod(end - raw.offset_to_points, raw.record_length)
    if held < raw.n_points:
        raise InputError(
            path,
            f"truncated: header promises {raw.n_points} points, file holds {held}",
            FETCH_AGAIN,
        )
    # Only whole records right up to the end are points; anything else behind them is somebody's own data.
    if held > raw.n_points and rest == 0 and not raw.n_evlrs and not raw.waveform_start:
        raw.remarks.append(
            f"header counts {raw.n_points} points, the file has room for {held}; those behind were not read"
        )


def _read_vlrs(stream: BinaryIO, raw: _Raw) -> list[VariableRecord]:
    records: list[VariableRecord] = []
    position = raw.header_size
    for i in range(raw.n_vlrs):
        stream.seek(position)
        user_id, record_id, length = VLR_HEADER.unpack(stream.read(VLR_HEADER.size))
        position += VLR_HEADER.size + length
        if position > raw.offset_to_points:
            raw.remarks.append(f"header promises {raw.n_vlrs} records, only {i} are whole")
            break
        if _text(user_id) in _WANTED and len(records) < MAX_RECORDS_KEPT:
            records.append(VariableRecord(_text(user_id), record_id, stream.read(length)))
    return records


def _read_evlrs(stream: BinaryIO, raw: _Raw, path: Path, size_bytes: int) -> list[VariableRecord]:
    records: list[VariableRecord] = []
    if not raw.n_evlrs:
        return records
    position = raw.evlr_start
    if raw.n_evlrs > MAX_RECORDS or not raw.offset_to_points <= position <= size_bytes:
        raise _evlrs_do_not_fit(raw, path, size_bytes)
    for _ in range(raw.n_evlrs):
        if position + EVLR_HEADER.size > size_bytes:
            raise _evlrs_do_not_fit(raw, path, size_bytes)
        stream.seek(position)
        user_id, record_id, length = EVLR_HEADER.unpack(stream.read(EVLR_HEADER.size))
        position += EVLR_HEADER.size + length
        if position > size_bytes:
            raise _evlrs_do_not_fit(raw, path, size_bytes)
        if (
            _text(user_id) == "LASF_Projection"
            and length <= MAX_RECORD_BYTES
            and len(records) < MAX_RECORDS_KEPT
        ):
            records.append(VariableRecord(_text(user_id), record_id, stream.read(length)))
    return records


def _evlrs_do_not_fit(raw: _Raw, path: Path, size_bytes: int) -> InputError:
    return InputError(
        path,
        f"header promises {raw.n_evlrs} extended records from byte {raw.evlr_start} on,"
        f" the file ends at {size_bytes} (truncated, or a damaged header)",
        FETCH_AGAIN,
    )


def _text(user_id: bytes) -> str:
    return user_id.split(b"\0", 1)[0].decode("latin-1").strip()
