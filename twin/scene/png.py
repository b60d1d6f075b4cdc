"""A picture as a PNG file that says what it shows."""

from __future__ import annotations

import json
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from twin import __version__
from twin.core.files import atomic_path
from twin.scene.camera import camera_to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.energy.sun import Sun
    from twin.scene.camera import Camera
    from twin.scene.pack import PackMeta

_STRIPE_BYTES = 1 << 20
_ZLIB_HEAD, _LAST_BLOCK = b"\x78\x01", b"\x03\x00"
_ADLER_PRIME = 65_521
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LESS_BY_LEFT = 1
"""Each byte less the one three to its left: what suits pictures of smooth light, of the five filters of PNG."""


def write_png(
    path: Path, picture: NDArray[np.uint8], meta: PackMeta, camera: Camera, sun: Sun, *, force: bool
) -> None:
    """Write a picture atomically, with CRS, camera and sun beside the pixels and no date: same picture, same bytes.

    Raises
    ------
    OutputExistsError
        If the file exists and `force` is false.
    StorageError
        If it cannot be written.
    """
    with atomic_path(path, force=force) as temporary:
        temporary.write_bytes(png_bytes(picture, meta, camera, sun))


def png_bytes(picture: NDArray[np.uint8], meta: PackMeta, camera: Camera, sun: Sun) -> bytes:
    """A picture as it stands in its file."""
    height, width = picture.shape[:2]
    head = width.to_bytes(4) + height.to_bytes(4) + bytes([8, 2, 0, 0, 0])
    texts = [_chunk(b"iTXt", _text(k, v)) for k, v in _texts(meta, camera, sun).items() if v]
    rows = [_chunk(b"IDAT", part) for part in _deflated(picture)]
    return b"".join([_SIGNATURE, _chunk(b"IHDR", head), *texts, *rows, _chunk(b"IEND", b"")])


def _texts(meta: PackMeta, camera: Camera, sun: Sun) -> dict[str, str]:
    """What the picture shows, by keyword."""
    return {
        "Software": f"twin {__version__}",
        "Title": meta.name,
        "Source": " · ".join(meta.attribution),
        "twin:crs": meta.crs,
        "twin:camera": json.dumps(camera_to_json(camera, meta.origin)),
        "twin:sun": json.dumps(
            {
                "azimuth_deg": round(sun.azimuth_deg, 2),
                "elevation_deg": round(sun.elevation_deg, 2),
                "time": sun.when.isoformat() if sun.when else None,
            }
        ),
    }


def _text(keyword: str, text: str) -> bytes:
    """A text in UTF-8 that is not compressed, in no language that is told."""
    return keyword.encode("latin-1") + b"\0\0\0\0\0" + text.encode()


def _chunk(kind: bytes, data: bytes) -> bytes:
    """A part of a PNG file: length, kind, data, checksum."""
    return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)


def _deflated(picture: NDArray[np.uint8]) -> Iterator[bytes]:
    """The rows of a picture, filtered and compressed: stripes in two threads, with the same bytes as in one."""
    height, width = picture.shape[:2]
    rows = picture.reshape(height, 3 * width)
    step = max(1, _STRIPE_BYTES // (3 * width))
    checksum = 1
    yield _ZLIB_HEAD
    with ThreadPoolExecutor(2) as pool:
        for part, own, n_bytes in pool.map(_stripe, [rows[i : i + step] for i in range(0, height, step)]):
            checksum = _joined(checksum, own, n_bytes)
            yield part
    yield _LAST_BLOCK + checksum.to_bytes(4)


def _stripe(rows: NDArray[np.uint8]) -> tuple[bytes, int, int]:
    """Rows filtered and compressed by themselves, up to a whole byte; checksum and length of what was compressed."""
    deflater, adler32 = _deflater()
    filtered = np.empty((len(rows), 1 + rows.shape[1]), np.uint8)
    filtered[:, 0] = _LESS_BY_LEFT
    filtered[:, 1:4] = rows[:, :3]
    np.subtract(rows[:, 3:], rows[:, :-3], out=filtered[:, 4:])
    part = deflater.compress(filtered.data) + deflater.flush(zlib.Z_FULL_FLUSH)
    return part, adler32(filtered.data), filtered.size


def _joined(first: int, second: int, n_second: int) -> int:
    """Adler-32 of two parts one after the other, from that of each (RFC 1950, section 8.2).

    Examples
    --------
    >>> _joined(zlib.adler32(b"Busan "), zlib.adler32(b"Saha"), 4) == zlib.adler32(b"Busan Saha")
    True
    """
    low, high = first & 0xFFFF, first >> 16
    total = (low + (second & 0xFFFF) - 1) % _ADLER_PRIME
    return (high + (second >> 16) + n_second * (low - 1)) % _ADLER_PRIME << 16 | total


def _deflater() -> tuple[Any, Callable[[Any], int]]:
    """ISA-L, nine times as fast as zlib for files as small; zlib where that is not there."""
    raw = (1, zlib.DEFLATED, -zlib.MAX_WBITS)
    try:
        from isal import isal_zlib
    except ImportError:
        return zlib.compressobj(*raw), zlib.adler32
    return isal_zlib.compressobj(*raw), isal_zlib.adler32
