"""A city as Wavefront OBJ with materials: one object for each building, under its id."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from twin.core.files import atomic_path
from twin.outputs.columns import unique_names
from twin.outputs.export_content import SURFACE_KINDS, local
from twin.outputs.flat_mesh import all_parts
from twin.outputs.materials import material
from twin.outputs.verify import refuse_existing, require_same

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from twin.outputs.export_content import ExportContent

_ROWS = 1 << 16
_BLOCK = 1 << 22


def write_obj(path: Path | str, content: ExportContent, *, force: bool = False) -> int:
    """Write a city as OBJ and, beside it, its materials as MTL; how many triangles there are, as read back.

    Coordinates are metres from the local origin with 0.1 mm, z up; comments tell origin and CRS. Object names are the
    ids with what OBJ cannot hold replaced by ``_``; the id itself stands as JSON text in a comment before each.

    Raises
    ------
    OutputExistsError
        If the OBJ or the MTL exists and `force` is false.
    StorageError
        If the disk is full or fails, or the file does not read back as it was written.
    """
    path = Path(path)
    library = path.with_name(_plain(path.stem) + ".mtl")
    if not force:
        refuse_existing(path, library)
    with atomic_path(library, force=force) as materials, atomic_path(path, force=force) as temporary:
        materials.write_text(_materials(content), encoding="utf-8", newline="\n")
        with temporary.open("wb") as out:
            written = _write(out, content, library.name)
        read = read_obj_counts(temporary)
        require_same(path, written, read)
    return read["triangles"]


def _write(out: IO[bytes], content: ExportContent, library: str) -> dict[str, int]:
    parts = all_parts(content)
    out.write(_head(content, library).encode("utf-8", errors="replace"))
    n_vertices = 0
    for vertices in (content.buildings.vertices, *(p.mesh.vertices for p in parts)):
        _write_vertices(out, local(vertices, content.origin))
        n_vertices += len(vertices)
    _write_buildings(out, content)
    first, n_triangles = len(content.buildings.vertices), len(content.buildings.triangles)
    for part, name in zip(parts, unique_names(_plain(p.name) for p in parts), strict=True):
        out.write(f"o {name}\n".encode("utf-8", errors="replace"))
        order = np.argsort(part.kind, kind="stable")
        _write_faces(out, part.mesh.triangles[order] + (first + 1), part.kind[order], part.kinds)
        first, n_triangles = first + len(part.mesh.vertices), n_triangles + len(part.mesh.triangles)
    n_objects = len(np.unique(content.buildings.building)) + len(parts)
    return {"vertices": n_vertices, "triangles": n_triangles, "objects": n_objects}


def _head(content: ExportContent, library: str) -> str:
    lines = [f"crs {json.dumps(content.crs)}", "origin {} {} {}".format(*content.origin), "unit metre, z up"]
    lines += [f"attribution {json.dumps(a)}" for a in content.attribution]
    return "".join(f"# {line}\n" for line in lines) + f"mtllib {library}\n"


def _write_vertices(out: IO[bytes], vertices: NDArray[np.float32]) -> None:
    for first in range(0, len(vertices), _ROWS):
        rows = vertices[first : first + _ROWS]
        text = "v %.4f %.4f %.4f\n" * len(rows) % tuple(rows.reshape(-1).tolist())
        out.write(text.encode("ascii"))


def _write_buildings(out: IO[bytes], content: ExportContent) -> None:
    """Objects in the order of the buildings, within each the faces of one material together."""
    meshes = content.buildings
    kinds = tuple(dict.fromkeys(SURFACE_KINDS.values()))
    code = np.array([kinds.index(SURFACE_KINDS[s]) for s in sorted(SURFACE_KINDS)], dtype=np.uint8)
    names = unique_names(_plain(id_) for id_ in content.building_ids)
    kind = code[meshes.surface]
    order = np.lexsort((kind, meshes.building))
    triangles, kind = meshes.triangles[order] + 1, kind[order]
    present, starts = np.unique(meshes.building, return_index=True)
    ends = np.append(starts, len(triangles))[1:]
    for b, first, last in zip(present.tolist(), starts.tolist(), ends.tolist(), strict=True):
        out.write(f"# id {json.dumps(content.building_ids[b])}\no {names[b]}\n".encode())
        _write_faces(out, triangles[first:last], kind[first:last], kinds)


def _write_faces(
    out: IO[bytes], triangles: NDArray[np.int32], kind: NDArray[np.uint8], kinds: Sequence[str]
) -> None:
    """Faces in the order of their kinds, each kind under its material."""
    for k in np.unique(kind).tolist():
        a, b = np.searchsorted(kind, [k, k + 1])
        out.write(f"usemtl {_plain(kinds[k])}\n".encode())
        for first in range(a, b, _ROWS):
            rows = triangles[first : min(first + _ROWS, b)]
            out.write(("f %d %d %d\n" * len(rows) % tuple(rows.reshape(-1).tolist())).encode("ascii"))


def _plain(name: str) -> str:
    r"""A name without spaces, slashes and control characters, in any script.

    >>> _plain("a b/../c\n"), _plain(""), _plain("서울-1")
    ('a_b_.._c_', '_', '서울-1')
    """
    return re.sub(r"[^\w.{}:-]", "_", name)[:200] or "_"


def _materials(content: ExportContent) -> str:
    names = dict.fromkeys([*SURFACE_KINDS.values(), *(k for p in all_parts(content) for k in p.kinds)])
    blocks = []
    for name in names:
        red, green, blue = (round(c / 255, 4) for c in material(name, content.colours).rgb)
        blocks.append(f"newmtl {_plain(name)}\nKd {red} {green} {blue}\nKs 0 0 0\nd 1\nillum 1\n")
    return "\n".join(blocks)


def read_obj_counts(path: Path) -> dict[str, int]:
    """Vertices, triangles and objects of an OBJ, by its lines."""
    starts = {"vertices": b"\nv ", "triangles": b"\nf ", "objects": b"\no "}
    counts = dict.fromkeys(starts, 0)
    for block in _line_blocks(path):
        for what, start in starts.items():
            counts[what] += block.count(start)
    return counts


def _line_blocks(path: Path) -> Iterator[bytes]:
    """The file in pieces that begin with a line feed and end with a line."""
    with path.open("rb") as handle:
        left = b"\n"
        while block := handle.read(_BLOCK):
            whole, feed, rest = (left + block).rpartition(b"\n")
            yield whole
            left = feed + rest
