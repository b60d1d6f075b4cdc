"""OBJ, PLY and STL held against their own promises before they are loaded."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

from twin.core.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

_PLY_BYTES = {
    "char": 1, "uchar": 1, "int8": 1, "uint8": 1, "short": 2, "ushort": 2, "int16": 2, "uint16": 2,
    "int": 4, "uint": 4, "int32": 4, "uint32": 4, "float": 4, "float32": 4, "double": 8, "float64": 8,
}  # fmt: skip
_MAX_HEADER = 65_536
_AGAIN = "fetch or export it again"


def check_stl(path: Path) -> None:
    """Refuse a binary STL that is shorter than its count of triangles.

    Raises
    ------
    InputError
        With both figures.
    """
    size = path.stat().st_size
    with path.open("rb") as handle:
        head = handle.read(512)
    if b"\0" not in head and head.lstrip().lower().startswith(b"solid") and b"facet" in head.lower():
        return
    if len(head) < 84:
        raise InputError(path, f"is truncated: {size} bytes", _AGAIN)
    (n_triangles,) = struct.unpack_from("<I", head, 80)
    if 84 + 50 * n_triangles > size:
        raise InputError(
            path,
            f"is truncated: its header promises {n_triangles:,} triangles, the file holds {(size - 84) // 50:,}",
            _AGAIN,
        )


def check_ply(path: Path) -> None:
    """Refuse a PLY that is shorter than its header promises.

    Raises
    ------
    InputError
        With both figures.
    """
    with path.open("rb") as handle:
        head = handle.read(_MAX_HEADER)
    end = re.search(rb"end_header\r?\n", head)
    if end is None:
        raise InputError(path, "is truncated or no PLY: its header does not end", _AGAIN)
    lines = head[: end.start()].decode("latin-1").splitlines()
    is_text = any(line.startswith("format ascii") for line in lines)
    least = _least_bytes(path, lines, is_text=is_text)
    there = path.stat().st_size - end.end()
    if there < least:
        raise InputError(
            path, f"is truncated: its header promises {least:,} bytes or more, {there:,} are there", _AGAIN
        )


def _least_bytes(path: Path, lines: list[str], *, is_text: bool) -> int:
    """The fewest bytes in which the promised elements can be: a digit and a blank for each value of a text."""
    least, count = 0, 0
    for words in (line.split() for line in lines):
        try:
            if words[:1] == ["element"]:
                count = int(words[2])
                if count < 0:
                    raise ValueError("a negative count")
            elif words[:2] == ["property", "list"]:
                least += count * (2 if is_text else _PLY_BYTES[words[2]])
            elif words[:1] == ["property"]:
                least += count * (2 if is_text else _PLY_BYTES[words[1]])
        except (IndexError, ValueError, KeyError) as error:
            raise InputError(path, f"has a header line that is no PLY: {' '.join(words)}", _AGAIN) from error
    return max(0, least - 1) if is_text else least


def check_obj(path: Path) -> None:
    """Refuse an OBJ with a face that refers to a vertex that is not there.

    Raises
    ------
    InputError
        With the line, the face and the number of vertices.
    """
    n_vertices, highest, where = 0, 0, ""
    with path.open("r", encoding="utf-8", errors="replace") as handle:
        for number, line in enumerate(handle, 1):
            if line.startswith("v "):
                n_vertices += 1
            elif line.startswith("f "):
                top, low = _face_range(path, number, line)
                if -low > n_vertices:
                    raise _bad_face(path, number, str(low), n_vertices)
                if top > highest:
                    highest, where = top, str(number)
    if highest > n_vertices:
        raise _bad_face(path, int(where), str(highest), n_vertices)


def _face_range(path: Path, number: int, line: str) -> tuple[int, int]:
    """The highest and lowest vertex of a face line; negative ones count from the last vertex."""
    try:
        corners = [int(word.split("/", 1)[0]) for word in line.split("#", maxsplit=1)[0].split()[1:]]
    except ValueError:
        corners = []
    if len(corners) < 3 or 0 in corners:
        raise InputError(
            path, f"line {number} is no face of three corners or more: {line.strip()[:60]!r}", _AGAIN
        )
    return max(corners), min(corners)


def _bad_face(path: Path, number: int, corner: str, n_vertices: int) -> InputError:
    return InputError(
        path, f"line {number}: a face refers to vertex {corner}, the file holds {n_vertices}", _AGAIN
    )
