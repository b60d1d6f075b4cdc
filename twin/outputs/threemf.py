"""A city as 3MF, which slicers and Windows open: named objects with colours and a unit.

References
----------
3MF Consortium (2021), 3MF Core Specification 1.3.
"""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

import numpy as np

from twin.core.errors import StorageError
from twin.core.files import atomic_path
from twin.core.visible_text import visible_text
from twin.outputs.export_content import SURFACE_KINDS
from twin.outputs.flat_mesh import all_parts
from twin.outputs.materials import material
from twin.outputs.verify import require_same

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.core.mesh import TriangleMesh
    from twin.outputs.export_content import ExportContent
    from twin.outputs.placement import Placement

_TYPES = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="model" ContentType="application/vnd.ms-package.3dmanufacturing-3dmodel+xml"/>'
    "</Types>"
)
_RELATIONS = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Target="/3D/3dmodel.model" Id="rel0" '
    'Type="http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"/></Relationships>'
)
_MODEL = "3D/3dmodel.model"
_CORE = "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"
_DATE = (1980, 1, 1, 0, 0, 0)
"""Fixed, so that the same city gives the same bytes."""


@dataclass(frozen=True, slots=True)
class PrintObject:
    """One object of a 3MF.

    Parameters
    ----------
    name : str
        Any text.
    vertices : array, shape (n, 3)
    triangles : array, shape (m, 3)
        Counter-clockwise from outside.
    kind : array, shape (m,)
        Index into `kinds`.
    kinds : tuple of str
        Materials.
    is_closed : bool
        Whether it bounds a volume.
    """

    name: str
    vertices: NDArray[np.float64]
    triangles: NDArray[np.int64]
    kind: NDArray[np.integer]
    kinds: tuple[str, ...]
    is_closed: bool


def body_object(body: TriangleMesh, name: str) -> PrintObject:
    """A printed body as the only object."""
    n = len(body.triangles)
    return PrintObject(
        name, body.vertices, body.triangles.astype(np.int64), np.zeros(n, np.int64), ("wall",), True
    )


def content_objects(content: ExportContent, place: Placement | None) -> list[PrintObject]:
    """One object for each building, and one for each other part; metres from the local origin, or millimetres."""

    def moved(vertices: NDArray[np.float64]) -> NDArray[np.float64]:
        if place is None:
            return vertices - np.asarray(content.origin, np.float64)
        return place.apply(vertices) * 1000

    meshes = content.buildings
    kinds = tuple(dict.fromkeys(SURFACE_KINDS.values()))
    codes = np.array([kinds.index(SURFACE_KINDS[k]) for k in sorted(SURFACE_KINDS)], np.int64)
    starts = np.searchsorted(meshes.building, np.arange(len(content.building_ids) + 1))
    objects = []
    for number, name in enumerate(content.building_ids):
        rows = slice(int(starts[number]), int(starts[number + 1]))
        if rows.start < rows.stop:
            used, renumbered = np.unique(meshes.triangles[rows], return_inverse=True)
            triangles = renumbered.reshape(-1, 3).astype(np.int64)
            kind = codes[meshes.surface[rows]]
            closed = _is_closed(triangles)
            objects.append(PrintObject(name, moved(meshes.vertices[used]), triangles, kind, kinds, closed))
    for part in all_parts(content):
        triangles = part.mesh.triangles.astype(np.int64)
        objects.append(
            PrintObject(
                part.name, moved(part.mesh.vertices), triangles, part.kind, part.kinds, _is_closed(triangles)
            )
        )
    return objects


def _is_closed(triangles: NDArray[np.int64]) -> bool:
    """Whether every edge is run through once in each direction."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    n = int(triangles.max()) + 1 if len(triangles) else 1
    there, back = edges @ (n, 1), edges[:, ::-1] @ (n, 1)
    return bool(len(np.unique(there)) == len(there) and np.array_equal(np.sort(there), np.sort(back)))


def write_3mf(
    path: Path | str, objects: Sequence[PrintObject], *, unit: str, title: str, force: bool = False
) -> int:
    """Write objects as 3MF; their triangles, as read back.

    Parameters
    ----------
    path : path
    objects : sequence of PrintObject
    unit : str
        ``meter`` or ``millimeter``.
    title : str
        Any text.
    force : bool
        Whether an existing file may be replaced.

    Raises
    ------
    OutputExistsError
        If the file exists and `force` is false.
    StorageError
        If the disk is full or fails, or the file does not read back as it was written.
    """
    n_triangles = sum(len(o.triangles) for o in objects)
    with atomic_path(path, force=force) as temporary:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            for name, text in (("[Content_Types].xml", _TYPES), ("_rels/.rels", _RELATIONS)):
                archive.writestr(zipfile.ZipInfo(name, _DATE), text, zipfile.ZIP_DEFLATED)
            entry = zipfile.ZipInfo(_MODEL, _DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as raw, io.TextIOWrapper(raw, "utf-8") as out:
                for piece in _model(objects, unit, title):
                    out.write(piece)
        n = read_3mf_count(temporary)
        require_same(path, {"triangles": n_triangles}, {"triangles": n})
    return n


def _model(objects: Sequence[PrintObject], unit: str, title: str) -> Iterable[str]:
    names = list(dict.fromkeys(kind for o in objects for kind in o.kinds))
    number = {name: i for i, name in enumerate(names)}
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<model unit="{unit}" xml:lang="en" xmlns="{_CORE}">\n'
    yield f'<metadata name="Title">{quoteattr(visible_text(title))[1:-1]}</metadata>\n<resources>\n'
    yield '<basematerials id="1">\n'
    for name in names:
        r, g, b = material(name, {}).rgb
        yield f'<base name={quoteattr(visible_text(name))} displaycolor="#{r:02X}{g:02X}{b:02X}"/>\n'
    yield "</basematerials>\n"
    for i, o in enumerate(objects, 2):
        kind = "model" if o.is_closed else "surface"
        yield f'<object id="{i}" type="{kind}" name={quoteattr(visible_text(o.name))} pid="1" pindex="0">\n'
        yield "<mesh>\n<vertices>\n"
        yield "".join(f'<vertex x="{x:.7g}" y="{y:.7g}" z="{z:.7g}"/>\n' for x, y, z in o.vertices.tolist())
        yield "</vertices>\n<triangles>\n"
        codes = np.array([number[k] for k in o.kinds])[o.kind].tolist()
        rows = zip(o.triangles.tolist(), codes, strict=True)
        yield "".join(f'<triangle v1="{a}" v2="{b}" v3="{c}" pid="1" p1="{k}"/>\n' for (a, b, c), k in rows)
        yield "</triangles>\n</mesh>\n</object>\n"
    yield "</resources>\n<build>\n"
    yield "".join(f'<item objectid="{i}"/>\n' for i in range(2, len(objects) + 2))
    yield "</build>\n</model>\n"


def read_3mf_count(path: Path) -> int:
    """Triangles of a 3MF.

    Raises
    ------
    StorageError
        If it is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.testzip() is not None:
                raise zipfile.BadZipFile("a member is damaged")
            text = archive.read(_MODEL)
    except (zipfile.BadZipFile, KeyError, EOFError) as error:
        raise StorageError(path, f"does not read back ({error})", "check the disk and run again") from error
    return len(re.findall(rb"<triangle ", text))
