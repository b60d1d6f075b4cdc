"""Meshes of a city: solids of its buildings, its terrain, and both as PyVista data sets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.city.building_geometry import lods, shapes
from twin.core.errors import UsageError
from twin.core.notices import Notices

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.city.building_geometry import BuildingGeometry
    from twin.city.manifest import Manifest
    from twin.core.mesh import Solid

CRS_FIELD, ORIGIN_FIELD = "twin_crs", "twin_origin"
"""Field data of meshes: the name of the CRS, and what is added to points to return to map coordinates."""


@dataclass(frozen=True, slots=True)
class CitySolids:
    """The solids of all buildings at one level of detail.

    Parameters
    ----------
    ids : tuple of str
        All buildings, in the order of the table.
    solids : tuple of Solid
        Map coordinates.
    owner : array, shape (n_solids,)
        Index into `ids`, int32.
    """

    ids: tuple[str, ...]
    solids: tuple[Solid, ...]
    owner: NDArray[np.int32]


def iter_geometry(
    city: Path, manifest: Manifest, *, lods: frozenset[str] | None = None
) -> Iterator[BuildingGeometry]:
    """Every building with its shapes, tile by tile."""
    from twin.city.cityjson import iter_buildings

    layer = manifest.layers.get("buildings")
    for item in layer.files if layer else ():
        if item.path.endswith(".city.jsonl"):
            yield from iter_buildings(city / item.path, notices=Notices(), lods=lods)


def city_solids(
    city: Path, manifest: Manifest, *, lod: str | None = None, at_most: str | None = None
) -> CitySolids:
    """The shapes of a city's buildings: solids, and the open surfaces of given models that do not close.

    Parameters
    ----------
    lod : str, optional
        Only this level; without it the finest that each building has.
    at_most : str, optional
        The finest up to this level of each building, or the coarsest that it has: no building is left out.

    Raises
    ------
    UsageError
        If no building has that level.
    """
    from twin.city.tables import BUILDINGS, read_columns

    if "buildings" not in manifest.layers:
        return CitySolids((), (), np.empty(0, np.int32))
    ids = tuple(read_columns(city, BUILDINGS, ("id",))["id"])
    place = {building_id: k for k, building_id in enumerate(ids)}
    solids: list[Solid] = []
    owner: list[int] = []
    known: set[str] = set()
    for building in iter_geometry(city, manifest):
        levels = lods(building)
        known.update(levels)
        level = lod or _finest(levels, at_most)
        found = shapes(building, level) if level in levels else ()
        solids += found
        owner += [place[building.id]] * len(found)
    if lod and not solids and ids:
        choices = ", ".join(sorted(known)) or "none was built"
        raise UsageError("lod", f"no building of {city.name} has LoD {lod}", f"choose one of: {choices}")
    order = np.argsort(np.array(owner, np.int32), kind="stable")
    return CitySolids(ids, tuple(solids[k] for k in order), np.array(owner, np.int32)[order])


def _finest(levels: Sequence[str], at_most: str | None) -> str:
    """The finest of the levels up to one, the coarsest where all are finer, empty of none.

    Examples
    --------
    >>> _finest(("1.2", "1.3", "2.2"), "2.0"), _finest(("2.2",), "1.2"), _finest((), None)
    ('1.3', '2.2', '')
    """
    fitting = [level for level in levels if at_most is None or level <= at_most]
    return max(fitting, default=min(levels, default=""))


def vtk_text(text: str) -> str:
    r"""A text as arrays of VTK take it, which know ASCII alone: other letters are escaped as in Python.

    Examples
    --------
    >>> vtk_text("NL.IMBAG.0503"), vtk_text("가")
    ('NL.IMBAG.0503', '\\uac00')
    """
    return text.encode("unicode_escape").decode("ascii")


def plain_text(text: str) -> str:
    """The text that `vtk_text` escaped."""
    return text.encode("ascii").decode("unicode_escape")


def polydata(city: Path, manifest: Manifest, layer: str, *, lod: str | None = None) -> Any:
    """A layer as ``pyvista.PolyData`` in local coordinates.

    Raises
    ------
    UsageError
        If the layer has no mesh.
    """
    makers = {"buildings": _buildings_polydata, "terrain": _terrain_polydata}
    if layer not in makers:
        raise UsageError(layer, "has no mesh", f"choose one of {', '.join(makers)}")
    mesh = makers[layer](city, manifest, lod)
    mesh.field_data[CRS_FIELD] = np.array([manifest.crs], dtype=np.str_)
    mesh.field_data[ORIGIN_FIELD] = np.asarray(manifest.origin, dtype=np.float64)
    return mesh


def _buildings_polydata(city: Path, manifest: Manifest, lod: str | None) -> Any:
    from twin.reconstruct.triangulate import join_solids, triangulate

    found = city_solids(city, manifest, lod=lod)
    joined, solid_of_face = join_solids(found.solids)
    triangles, face = triangulate(joined)
    mesh = _polydata(joined.vertices - manifest.origin, triangles)
    owner = found.owner[solid_of_face[face]]
    mesh.cell_data["building"] = owner
    mesh.cell_data["building_id"] = np.array([vtk_text(i) for i in found.ids], dtype=np.str_)[owner]
    mesh.cell_data["surface"] = joined.surface[face]
    return mesh


def _terrain_polydata(city: Path, manifest: Manifest, lod: str | None) -> Any:
    from twin.city.ground_surface import city_surface

    if lod is not None:
        raise UsageError("lod", "terrain has no level of detail", "leave it out")
    surface = city_surface(city, manifest)
    mesh = _polydata(surface.mesh.vertices - manifest.origin, surface.mesh.triangles)
    mesh.cell_data["cover"] = surface.cover
    return mesh


def _polydata(vertices: NDArray[np.float64], triangles: NDArray[np.int32]) -> Any:
    import pyvista as pv

    return pv.PolyData.from_regular_faces(vertices.astype(np.float32), triangles)
