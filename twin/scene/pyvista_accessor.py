"""``mesh.twin`` on PyVista's meshes: what a city's mesh knows of map, buildings and attributes.

PyVista finds it by its entry point; nothing has to be imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyvista as pv

from twin.city.meshes import CRS_FIELD, ORIGIN_FIELD, plain_text, vtk_text
from twin.core.errors import UsageError
from twin.core.mesh import Surface

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

_BUILDING = "building_id"


@pv.register_dataset_accessor("twin", pv.DataSet)
class TwinAccessor:
    """What a mesh of a city can do besides what PyVista's can.

    Parameters
    ----------
    dataset : pyvista.DataSet
        From `City.mesh`, or made from it.

    Examples
    --------
    >>> import pyvista as pv
    >>> pv.Sphere().twin.crs
    ''
    """

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset

    @property
    def crs(self) -> str:
        """Name of the CRS, empty for a mesh of no city."""
        found = self._dataset.field_data.get(CRS_FIELD)
        return "" if found is None else str(np.atleast_1d(found)[0])

    @property
    def origin(self) -> tuple[float, float, float]:
        """Easting, northing and elevation of the mesh's zero."""
        found = self._dataset.field_data.get(ORIGIN_FIELD)
        x, y, z = (0.0, 0.0, 0.0) if found is None else (float(v) for v in found)
        return x, y, z

    @property
    def map_points(self) -> NDArray[np.float64]:
        """Points in map coordinates, shape (n, 3), metres."""
        return np.asarray(self._dataset.points, dtype=np.float64) + self.origin

    @property
    def building_ids(self) -> tuple[str, ...]:
        """Ids of the buildings in the mesh, sorted.

        Raises
        ------
        UsageError
            If the mesh has no buildings.
        """
        return tuple(sorted(plain_text(str(i)) for i in np.unique(self._cells_of_buildings())))

    def building(self, *ids: str) -> Any:
        """The cells of some buildings.

        Raises
        ------
        UsageError
            If the mesh has none of that id.
        """
        owners = self._cells_of_buildings()
        wanted = [vtk_text(name) for name in ids]
        for name, text in zip(ids, wanted, strict=True):
            if not np.any(owners == text):
                raise UsageError(
                    "building", f"the mesh has none of id {name!r}", "see mesh.twin.building_ids"
                )
        return self._dataset.extract_cells(np.flatnonzero(np.isin(owners, wanted)))

    def surfaces(self, *kinds: str) -> Any:
        """The cells of kinds of surfaces: ``ground``, ``wall``, ``roof``.

        Raises
        ------
        UsageError
            If there is no such kind, or the mesh has no surfaces.
        """
        known = {s.name.lower(): int(s) for s in Surface}
        for kind in kinds:
            if kind not in known:
                raise UsageError("surfaces", f"there is no kind {kind!r}", f"choose {', '.join(known)}")
        found = self._dataset.cell_data.get("surface")
        if found is None:
            raise UsageError("surfaces", "the mesh has none", 'take city.mesh("buildings")')
        return self._dataset.extract_cells(np.flatnonzero(np.isin(found, [known[k] for k in kinds])))

    def join(self, values: Any, name: str, *, ids: Iterable[Any] | None = None) -> Any:
        """A copy of the mesh with a value for each cell, from one for each building.

        Parameters
        ----------
        values : sequence of float, or pandas Series
        name : str
            Of the new cell array.
        ids : iterable of str, optional
            Building of each value; the index of a Series if not given.

        Raises
        ------
        UsageError
            If there are not as many ids as values.
        """
        owners = self._cells_of_buildings()
        keys = [vtk_text(str(i)) for i in (getattr(values, "index", ()) if ids is None else ids)]
        numbers = np.asarray(values, dtype=np.float64)
        if len(keys) != len(numbers):
            raise UsageError(
                "join", f"{len(keys)} ids for {len(numbers)} values", "give one id for each value"
            )
        by_id = dict(zip(keys, numbers.tolist(), strict=True))
        joined = self._dataset.copy(deep=False)
        joined.cell_data[name] = np.array([by_id.get(str(o), np.nan) for o in owners])
        return joined

    def _cells_of_buildings(self) -> NDArray[np.str_]:
        found = self._dataset.cell_data.get(_BUILDING)
        if found is None:
            raise UsageError("mesh", "has no buildings", 'take city.mesh("buildings")')
        return np.asarray(found, dtype=np.str_)
