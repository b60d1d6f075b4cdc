"""Bytes packed for the page, which unpacks them with a script of its own (``assets/web/unpack.js``).

LZMA without its usual contexts: differences of numbers know no neighbours, and a seventh is saved over gzip where
browsers could unpack by themselves. Pictures and what a range coder has written stand behind, as they are.
"""

from __future__ import annotations

import lzma
import zlib

_FILTER = {
    "id": lzma.FILTER_LZMA1,
    "preset": 9 | lzma.PRESET_EXTREME,
    "dict_size": 2**23,
    "lc": 0,
    "lp": 0,
    "pb": 0,
}
_HEAD = 12


def packed(data: bytes, beside: bytes = b"") -> bytes:
    """Bytes packed, and others as they are; the same give the same.

    Before them, four bytes each: the checksum of all that follows, how long the data are, how long they are packed.

    Parameters
    ----------
    data : bytes
    beside : bytes
        What would not become smaller.
    """
    stream = lzma.compress(data, format=lzma.FORMAT_RAW, filters=[_FILTER])
    told = b"".join([len(data).to_bytes(4, "little"), len(stream).to_bytes(4, "little"), stream, beside])
    return zlib.crc32(told).to_bytes(4, "little") + told


def unpacked(block: bytes) -> tuple[bytes, bytes]:
    """Data and what stood beside them.

    Raises
    ------
    ValueError
        If the block is damaged.
    """
    checksum, length, n_stream = (int.from_bytes(block[i : i + 4], "little") for i in range(0, _HEAD, 4))
    if zlib.crc32(block[4:]) != checksum:
        raise ValueError("the checksum differs")
    reader = lzma.LZMADecompressor(format=lzma.FORMAT_RAW, filters=[_FILTER])
    return reader.decompress(block[_HEAD : _HEAD + n_stream], max_length=length), block[_HEAD + n_stream :]
