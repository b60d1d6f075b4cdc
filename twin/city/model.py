"""A built city as scripts see it: tables, meshes and exports, read from its folder when asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.city.folder import open_manifest
from twin.core.errors import InputError, UsageError
from twin.core.grid import Bounds

if TYPE_CHECKING:
    from collections.abc import Callable

    from twin.city.manifest import Manifest

EXPORTERS = {
    ".city.json": "twin.outputs.exporters:export_cityjson",
    ".city.jsonl": "twin.outputs.exporters:export_cityjsonseq",
    ".gpkg": "twin.outputs.exporters:export_geopackage",
    ".glb": "twin.outputs.exporters:export_glb",
    ".obj": "twin.outputs.exporters:export_obj",
    ".stl": "twin.outputs.exporters:export_stl",
    ".ply": "twin.outputs.exporters:export_ply",
}
"""Suffix to its writer ``(city, path, *, force)``, found by name when it is needed, as a plug-in is."""


@dataclass(frozen=True)
class City:
    """A city folder that was opened.

    Parameters
    ----------
    path : Path
        The folder, ``NAME.twin``.
    manifest : Manifest
        What it holds.
    """

    path: Path
    manifest: Manifest

    @property
    def name(self) -> str:
        """Name of the city."""
        return self.manifest.name

    @property
    def crs(self) -> str:
        """Name of the city's CRS."""
        return self.manifest.crs

    @property
    def bounds(self) -> Bounds:
        """Extent in plan, metres."""
        x0, y0, _, x1, y1, _ = self.manifest.bounds
        return Bounds(x0, y0, x1, y1)

    @cached_property
    def buildings(self) -> Any:
        """Table of all footprints with state, reason, heights and quality; a GeoDataFrame in the city's CRS.

        Tables that were joined by `twin add --join` appear as further columns.
        """
        from twin.city.tables import read_buildings

        return read_buildings(self.path, self.manifest)

    def layer(self, name: str) -> Any:
        """A map layer or an added one as a GeoDataFrame (or a DataFrame for a table).

        Raises
        ------
        InputError
            If the city has no such layer.
        """
        from twin.city.tables import read_table

        entry = self.manifest.layers.get(name)
        if entry is None or not any(f.path.endswith(".parquet") for f in entry.files):
            known = ", ".join(sorted(self.manifest.layers))
            raise InputError(self.path, f"has no table called {name!r}", f"choose one of {known}")
        return read_table(self.path, next(f.path for f in entry.files if f.path.endswith(".parquet")))

    def mesh(self, layer: str = "buildings", *, lod: str | None = None) -> Any:
        """A layer as ``pyvista.PolyData`` in local coordinates (metres from the manifest's origin).

        Buildings carry `building_id` and `surface` per cell, terrain its `cover`.

        Raises
        ------
        UsageError
            If the layer has no mesh, or the LoD was not built.
        """
        from twin.city.meshes import polydata

        return polydata(self.path, self.manifest, layer, lod=lod)

    def export(self, path: str | Path, *, force: bool = False) -> Path:
        """Write the city in the format of the suffix; the path.

        Raises
        ------
        UsageError
            If no writer knows the suffix.
        OutputExistsError
            If the file exists and `force` is false.
        """
        target = Path(path)
        exporter_for(target)(self, target, force=force)
        return target


def exporter_for(path: Path) -> Callable[..., None]:
    """The writer for a file name.

    Raises
    ------
    UsageError
        If none is known.
    """
    name = path.name.lower()
    suffix = max((s for s in EXPORTERS if name.endswith(s)), key=len, default="")
    if not suffix:
        raise UsageError(path, "no writer for this suffix", f"choose one of {' '.join(sorted(EXPORTERS))}")
    module, function = EXPORTERS[suffix].rsplit(":", 1)
    writer: Callable[..., None] = getattr(import_module(module), function)
    return writer


def open_city(path: str | Path) -> City:
    """The city in a folder.

    Raises
    ------
    StorageError
        If it is no city, was written by a newer version, or is damaged.
    """
    folder = Path(path)
    return City(folder, open_manifest(folder))
