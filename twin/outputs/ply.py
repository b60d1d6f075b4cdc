"""A city as binary PLY: coloured triangles, each with its building and kind, and the ids of the buildings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from twin.core.errors import StorageError
from twin.core.files import atomic_path
from twin.outputs.flat_mesh import flat_mesh, kind_colours
from twin.outputs.verify import require_same

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.outputs.export_content import ExportContent
    from twin.outputs.flat_mesh import FlatMesh

_FACE = np.dtype(
    [("n", "u1"), ("vertices", "<i4", 3), ("building", "<i4"), ("kind", "<u2"), ("rgb", "u1", 3)]
)
_ROWS = 1 << 18
_HEAD_BYTES = 1 << 16


def write_ply(path: Path | str, content: ExportContent, *, force: bool = False) -> int:
    """Write every triangle of a city as binary PLY; how many there are, as read back.

    Coordinates are metres from the local origin, which comments tell together with the CRS and the names of the kinds.
    ``building`` of a face counts the rows of the element ``building``, whose list holds the id's UTF-8 bytes, filled up
    with zeros to one length (some readers expect that); programs that do not know that element skip it.

    Raises
    ------
    OutputExistsError
        If the file exists and `force` is false.
    StorageError
        If the disk is full or fails, or the file does not read back as it was written.
    """
    mesh = flat_mesh(content)
    ids = [id_.encode("utf-8", errors="replace") for id_ in content.building_ids]
    with atomic_path(path, force=force) as temporary:
        with temporary.open("wb") as out:
            out.write(_header(content, mesh))
            out.write(mesh.vertices.astype("<f4").tobytes())
            colours = kind_colours(content, mesh.kinds)
            for first in range(0, len(mesh.triangles), _ROWS):
                out.write(_faces(mesh, colours, slice(first, first + _ROWS)).tobytes())
            longest = max(map(len, ids), default=0)
            count = longest.to_bytes(4, "little")
            out.writelines(count + id_.ljust(longest, b"\0") for id_ in ids)
        read = read_ply_counts(temporary)
        written = {"vertices": len(mesh.vertices), "triangles": len(mesh.triangles), "buildings": len(ids)}
        require_same(path, written, read)
    return read["triangles"]


def _header(content: ExportContent, mesh: FlatMesh) -> bytes:
    n_ids = len(content.building_ids)
    lines = [
        "ply",
        "format binary_little_endian 1.0",
        f"comment crs {_one_line(content.crs)}",
        "comment origin {} {} {}".format(*content.origin),
        *(f"comment attribution {_one_line(a)}" for a in content.attribution),
        *(f"comment kind {i} {_one_line(name)}" for i, name in enumerate(mesh.kinds)),
        f"element vertex {len(mesh.vertices)}",
        *(f"property float {axis}" for axis in "xyz"),
        f"element face {len(mesh.triangles)}",
        "property list uchar int vertex_indices",
        "property int building",
        "property ushort kind",
        *(f"property uchar {colour}" for colour in ("red", "green", "blue")),
        *([f"element building {n_ids}", "property list uint uchar id"] if n_ids else []),
        "end_header",
    ]
    return ("\n".join(lines) + "\n").encode("utf-8", errors="replace")


def _one_line(text: str) -> str:
    """A comment ends with its line, and so must the text in it."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", text)[:500]


def _faces(mesh: FlatMesh, colours: NDArray[np.uint8], rows: slice) -> NDArray[np.void]:
    faces = np.empty(len(mesh.triangles[rows]), dtype=_FACE)
    faces["n"] = 3
    faces["vertices"] = mesh.triangles[rows]
    faces["building"] = mesh.building[rows]
    faces["kind"] = mesh.kind[rows]
    faces["rgb"] = colours[mesh.kind[rows]]
    return faces


def read_ply_counts(path: Path) -> dict[str, int]:
    """Vertices, triangles and buildings of a PLY of ours, with the lengths checked against the file.

    Raises
    ------
    StorageError
        If the file is shorter or longer than it says.
    """
    size = path.stat().st_size
    with path.open("rb") as handle:
        head, mark, _ = handle.read(_HEAD_BYTES).partition(b"end_header\n")
        found = {m[1]: int(m[2]) for m in re.finditer(rb"^element (\w+) (\d+)$", head, re.MULTILINE)}
        keys = {"vertices": b"vertex", "triangles": b"face", "buildings": b"building"}
        counts = {name: found.get(key, 0) for name, key in keys.items()}
        handle.seek(len(head) + len(mark) + 12 * counts["vertices"] + _FACE.itemsize * counts["triangles"])
        if counts["buildings"]:
            longest = int.from_bytes(handle.read(4), "little")
            handle.seek(counts["buildings"] * (4 + longest) - 4, 1)
        if not mark or handle.tell() != size:
            raise StorageError(
                path, f"{size} bytes lie on the disk, not as many as it tells", "check the disk"
            )
    return counts
