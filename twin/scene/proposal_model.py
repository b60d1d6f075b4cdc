"""The model of a proposal, read from a file: its triangles, its units, and where it says that it stands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from twin.core.errors import InputError, UsageError
from twin.core.mesh import Surface

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.core.notices import Notices
    from twin.sources.ifc import MapPlace
    from twin.sources.models import ModelPart

UNITS_M = {"m": 1.0, "cm": 0.01, "mm": 0.001, "ft": 0.3048, "in": 0.0254}
"""Metres of a unit of a model, by its name."""
AS_GLB = (
    "in SketchUp choose File > Export > 3D Model and GLB (or glTF), set units to metres, and give that file"
)


@dataclass(frozen=True, slots=True)
class ProposalModel:
    """A model as its file has it.

    Parameters
    ----------
    path : Path
    vertices : array, shape (n, 3)
        In the model's units, or map coordinates where `crs` says so; z up.
    triangles : array, shape (m, 3)
        int32.
    rgb : array, shape (m, 3)
        uint8.
    place : MapPlace or None
        Where the file says that it stands, in its own axes.
    crs : str
        CRS of the vertices themselves; empty where they are the model's own.
    """

    path: Path
    vertices: NDArray[np.float64]
    triangles: NDArray[np.int32]
    rgb: NDArray[np.uint8]
    place: MapPlace | None = None
    crs: str = ""

    @property
    def is_placed(self) -> bool:
        """Whether the file tells where the model stands."""
        return bool(self.crs) or self.place is not None


def read_proposal(path: str | Path, *, notices: Notices) -> ProposalModel:
    """A proposed building from GLB, glTF, OBJ, PLY, STL, CityJSON or IFC.

    Raises
    ------
    InputError
        If the file is of another kind (a SketchUp file: the remedy tells how to export it), damaged or empty.
    """
    file = Path(path)
    if file.suffix.lower() == ".skp":
        raise InputError(file, "is a SketchUp file, which only SketchUp reads", AS_GLB)
    from twin.sources.formats import CITY_FORMATS
    from twin.sources.ifc import is_ifc, read_ifc
    from twin.sources.models import read_model
    from twin.sources.sniff import sniff

    if is_ifc(file):
        parts, place = read_ifc(file, notices=notices)
        return _gathered(file, parts, place)
    if sniff(file) in CITY_FORMATS:
        return _from_cityjson(file, notices)
    return _gathered(file, read_model(file, notices=notices), None)


def _gathered(path: Path, parts: list[ModelPart], place: MapPlace | None) -> ProposalModel:
    first = np.cumsum([0] + [len(p.mesh.vertices) for p in parts])
    triangles = [p.mesh.triangles + n for p, n in zip(parts, first, strict=False)]
    rgb = [np.tile(np.array(p.rgba[:3], np.uint8), (len(p.mesh.triangles), 1)) for p in parts]
    return ProposalModel(
        path,
        np.concatenate([p.mesh.vertices for p in parts]),
        np.concatenate(triangles).astype(np.int32),
        np.concatenate(rgb),
        place,
    )


def _from_cityjson(path: Path, notices: Notices) -> ProposalModel:
    from twin.city.building_geometry import lods, shapes
    from twin.city.cityjson_read import read_cityjson
    from twin.reconstruct.triangulate import join_solids, triangulate

    found = read_cityjson(path, notices=notices)
    solids = [s for b in found.buildings for s in (shapes(b, max(lods(b))) if lods(b) else ())]
    if not solids:
        raise InputError(path, "holds no building with a shape", "export it with LoD 1 or finer")
    joined, _ = join_solids(solids)
    triangles, face = triangulate(joined)
    kinds = {Surface.ROOF: (186, 110, 84)}
    rgb = np.array([kinds.get(Surface(k), (214, 206, 194)) for k in joined.surface[face]], np.uint8)
    return ProposalModel(path, joined.vertices, triangles, rgb, None, found.header.crs)


def unit_m(name: str) -> float:
    """Metres of a unit.

    Raises
    ------
    UsageError
        If it is not known.

    Examples
    --------
    >>> unit_m("ft")
    0.3048
    """
    if name not in UNITS_M:
        raise UsageError("units", f"{name!r} is none", f"choose one of {', '.join(UNITS_M)}")
    return UNITS_M[name]
