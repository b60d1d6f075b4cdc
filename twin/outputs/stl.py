"""A city as binary STL: triangles in metres from the local origin, for printing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from twin.core.errors import StorageError
from twin.core.files import atomic_path
from twin.outputs.flat_mesh import flat_mesh
from twin.outputs.verify import require_same

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.core.mesh import TriangleMesh
    from twin.outputs.export_content import ExportContent
    from twin.outputs.placement import Placement

_HEADER_BYTES = 80
_RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
_ROWS = 1 << 18


def write_stl(
    path: Path | str, content: ExportContent, *, place: Placement | None = None, force: bool = False
) -> int:
    """Write every triangle of a city as binary STL; how many there are, as read back.

    STL has room for neither ids nor a place on earth; the CRS and the origin stand in its 80-byte header as far as
    they fit.

    Parameters
    ----------
    path : path
    content : ExportContent
    place : Placement, optional
        Puts the model on a table, in millimetres as printers take it; metres from the local origin without.
    force : bool
        Whether an existing file may be replaced.

    Raises
    ------
    OutputExistsError
        If the file exists and `force` is false.
    StorageError
        If the disk is full or fails, or the file does not read back as it was written.
    """
    mesh = flat_mesh(content)
    vertices, told = mesh.vertices, _header(content)
    if place is not None:
        vertices = (place.apply(mesh.vertices + np.asarray(content.origin, np.float64)) * 1000).astype(
            np.float32
        )
        told = _filled(f"binary stl, millimetres, 1:{1 / place.factor:g}, {content.crs or 'no CRS'}")
    return _write(path, vertices, mesh.triangles, told, force=force)


def write_stl_body(path: Path | str, body: TriangleMesh, *, scale: float, force: bool = False) -> int:
    """Write a closed body in millimetres as binary STL; its triangles, as read back.

    Raises
    ------
    OutputExistsError
        If the file exists and `force` is false.
    StorageError
        If the disk is full or fails, or the file does not read back as it was written.
    """
    told = _filled(f"binary stl, millimetres, 1:{scale:g}")
    return _write(path, body.vertices.astype(np.float32), body.triangles, told, force=force)


def _write(
    path: Path | str,
    vertices: NDArray[np.float32],
    triangles: NDArray[np.int32],
    header: bytes,
    *,
    force: bool,
) -> int:
    with atomic_path(path, force=force) as temporary:
        with temporary.open("wb") as out:
            out.write(header)
            out.write(np.array(len(triangles), dtype="<u4").tobytes())
            for first in range(0, len(triangles), _ROWS):
                out.write(_records(vertices, triangles[first : first + _ROWS]).tobytes())
        n = read_stl_count(temporary)
        require_same(path, {"triangles": len(triangles)}, {"triangles": n})
    return n


def _header(content: ExportContent) -> bytes:
    """Eighty bytes that do not begin with ``solid``, by which readers know the text form."""
    origin = " ".join(map(str, content.origin))
    return _filled(f"binary stl, metres, {content.crs or 'no CRS'}, origin {origin}")


def _filled(told: str) -> bytes:
    return told.encode("ascii", errors="replace")[:_HEADER_BYTES].ljust(_HEADER_BYTES)


def _records(vertices: NDArray[np.float32], triangles: NDArray[np.int32]) -> NDArray[np.void]:
    records = np.zeros(len(triangles), dtype=_RECORD)
    corners = vertices[triangles]
    records["corners"] = corners
    a, b, c = (corners[:, i].astype(np.float64) for i in range(3))
    normal = np.cross(b - a, c - a)
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    records["normal"] = np.divide(normal, length, out=np.zeros_like(normal), where=length > 0)
    return records


def read_stl_count(path: Path) -> int:
    """Triangles of a binary STL.

    Raises
    ------
    StorageError
        If the file is shorter or longer than it says.
    """
    size = path.stat().st_size
    with path.open("rb") as handle:
        handle.seek(_HEADER_BYTES)
        count = handle.read(4).ljust(4, b"\0")
    n = int(np.frombuffer(count, dtype="<u4")[0])
    wanted = _HEADER_BYTES + 4 + n * _RECORD.itemsize
    if size != wanted:
        raise StorageError(
            path, f"{n} triangles need {wanted} bytes, {size} lie on the disk", "check the disk"
        )
    return n
