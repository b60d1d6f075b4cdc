"""Random damage to the bytes of a file, from a seed: what disks, downloads, programs and people do to data."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    Injury = Callable[[bytes, np.random.Generator], bytes]

INJURIES = (1, 1, 1, 2, 3, 4)
"""How many; a single one gets farthest before it is found."""
MAX_GROWTH = 2**16
STRUCTURE_BYTES = 1024
"""Headers and footers: where most fields stand that say how long something is."""
LENGTHS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)
TOKENS = (
    *(b"", b"0", b"-1", b"1e999", b"-1e308", b"NaN", b"Infinity", b"1,5", b"99999999999999999999", b"1e-320"),
    *(b"null", b"true", b"[]", b"{}", b'"', b"'", b"\\", b"\\u0000", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf"),
    *(
        b"[" * 3000,
        b"9" * 5000,
        b"../../x",
        b"=cmd()",
        "\u202e가".encode(),
        b"\r",
        b"\n\n",
        b"#",
        b"%s",
        b";",
    ),
)
_WORD = re.compile(rb"-?\d[\d.eE+-]*|[A-Za-z_]+|[\[\]{}\",:;=/]")
_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"


def mutant(sound: bytes, rng: np.random.Generator, *, text: bool = False) -> bytes:
    """The bytes with one to four injuries.

    Parameters
    ----------
    sound : bytes
        Of a sound file.
    rng : Generator
        Decides all.
    text : bool
        Whether the file is made of words and numbers, which are then exchanged too.
    """
    kinds: tuple[Injury, ...] = BINARY + (TEXT * 2 if text else ())
    data = sound
    for _ in range(int(rng.choice(INJURIES))):
        data = kinds[int(rng.integers(len(kinds)))](data, rng)
    return data


def flipped(data: bytes, rng: np.random.Generator) -> bytes:
    """Up to eight bits turned over."""
    out = bytearray(data)
    for at in rng.integers(0, max(1, len(data)), int(rng.integers(1, 9))):
        if at < len(out):
            out[at] ^= 1 << int(rng.integers(8))
    return bytes(out)


def cut_off(data: bytes, rng: np.random.Generator) -> bytes:
    """The beginning only."""
    return data[: int(rng.integers(0, len(data) + 1))]


def cut_out(data: bytes, rng: np.random.Generator) -> bytes:
    """Without a piece in the middle."""
    start, end = _span(data, rng)
    return data[:start] + data[end:]


def spliced(data: bytes, rng: np.random.Generator) -> bytes:
    """A piece laid over another place."""
    start, end = _span(data, rng)
    at = int(rng.integers(0, len(data) + 1))
    return data[:at] + data[start:end] + data[at + end - start :]


def repeated(data: bytes, rng: np.random.Generator) -> bytes:
    """A piece that follows itself again and again."""
    start, end = _span(data, rng)
    times = min(int(rng.integers(2, 50)), MAX_GROWTH // max(1, end - start))
    return data[:end] + data[start:end] * times + data[end:]


def lying(data: bytes, rng: np.random.Generator) -> bytes:
    """A field of 1, 2, 4 or 8 bytes set to a length that is extreme or slightly wrong."""
    size = int(rng.choice([1, 2, 4, 8]))
    if len(data) < size:
        return data
    at = _structural(len(data) - size, rng)
    order: str = "little" if rng.integers(2) else "big"
    if rng.integers(3):
        value = LENGTHS[int(rng.integers(len(LENGTHS)))]
    else:
        value = int.from_bytes(data[at : at + size], order) + int(rng.integers(-3, 4))
    field = (value % 2 ** (8 * size)).to_bytes(size, order)
    return data[:at] + field + data[at + size :]


def reworded(data: bytes, rng: np.random.Generator) -> bytes:
    """A word, number or mark exchanged for an odd one, or for another of the same file."""
    words = [m.span() for m in _WORD.finditer(data)]
    if not words:
        return data
    start, end = words[int(rng.integers(len(words)))]
    other = words[int(rng.integers(len(words)))]
    word = TOKENS[int(rng.integers(len(TOKENS)))] if rng.integers(3) else data[slice(*other)]
    return data[:start] + word + data[end:]


def reordered(data: bytes, rng: np.random.Generator) -> bytes:
    """Two lines that changed places, or one left out."""
    lines = data.splitlines(keepends=True)
    if len(lines) < 2:
        return data
    i, k = (int(v) for v in rng.integers(0, len(lines), 2))
    lines[i], lines[k] = lines[k], lines[i] if rng.integers(2) else b""
    return b"".join(lines)


BINARY: tuple[Injury, ...] = (
    flipped,
    flipped,
    cut_off,
    cut_out,
    spliced,
    repeated,
    lying,
    lying,
    lying,
    lying,
)
TEXT: tuple[Injury, ...] = (reworded, reworded, reworded, reordered)


def _span(data: bytes, rng: np.random.Generator) -> tuple[int, int]:
    length = int(rng.choice([1, 4, 16, 100, 1000, 5000]))
    start = int(rng.integers(0, len(data) + 1))
    return start, min(len(data), start + length)


def _structural(reach: int, rng: np.random.Generator) -> int:
    """A place in the file, in two of three cases near one of its ends."""
    near = min(reach, STRUCTURE_BYTES)
    place = int(rng.integers(4))
    if place == 0:
        return int(rng.integers(0, reach + 1))
    return int(rng.integers(0, near + 1)) if place < 3 else reach - int(rng.integers(0, near + 1))


def png_checked(data: bytes, rng: np.random.Generator) -> bytes:
    """A damaged PNG whose checksums fit again in half of the cases, so that the damage gets past them."""
    if rng.integers(2) or not data.startswith(_PNG_MAGIC):
        return data
    out, at = bytearray(data), len(_PNG_MAGIC)
    while at + 12 <= len(out):
        (length,) = struct.unpack_from(">I", out, at)
        if at + 12 + length > len(out):
            break
        struct.pack_into(">I", out, at + 8 + length, zlib.crc32(out[at + 4 : at + 8 + length]))
        at += 12 + length
    return bytes(out)


def zip_member_mutant(sound: bytes, rng: np.random.Generator) -> bytes:
    """A sound archive in which one member is damaged, which no checksum tells."""
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(sound)) as old, zipfile.ZipFile(packed, "w") as new:
        names = old.namelist()
        chosen = names[int(rng.integers(len(names)))]
        for name in names:
            data = old.read(name)
            new.writestr(name, mutant(data, rng, text=True) if name == chosen else data)
    return packed.getvalue()
