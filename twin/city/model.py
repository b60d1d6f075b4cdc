"""A built city as scripts see it: tables, meshes and exports, read from its folder when asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.city.folder import open_manifest
from twin.core.errors import BusyError, InputError, StorageError, UsageError
from twin.core.grid import Bounds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from twin.city.export_options import ExportOptions
    from twin.city.manifest import Manifest
    from twin.core.notices import Notices

EXPORTERS = {
    ".city.json": "twin.outputs.exporters:export_cityjson",
    ".city.jsonl": "twin.outputs.exporters:export_cityjsonseq",
    ".gpkg": "twin.outputs.exporters:export_geopackage",
    ".glb": "twin.outputs.exporters:export_glb",
    ".obj": "twin.outputs.exporters:export_obj",
    ".stl": "twin.outputs.exporters:export_stl",
    ".ply": "twin.outputs.exporters:export_ply",
    ".html": "twin.outputs.exporters:export_page",
    ".3mf": "twin.outputs.exporters:export_3mf",
    ".usdz": "twin.outputs.exporters:export_usdz",
}
"""Suffix to its writer ``(city, ExportRequest)``, found by name when it is needed, as a plug-in is."""

READS = 3
"""How often a city is read anew because a build replaced it meanwhile."""


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

        Buildings carry `building_id` and `surface` per cell, terrain its `cover`; `mesh.twin` knows CRS, origin and
        buildings (`twin.scene.pyvista_accessor.TwinAccessor`).

        Raises
        ------
        UsageError
            If the layer has no mesh, or the LoD was not built.
        """
        import pyvista as pv

        from twin.city.meshes import polydata

        if hasattr(
            pv, "register_dataset_accessor"
        ):  # PyVista 0.48 or later; `mesh.twin` is there from now on
            import_module("twin.scene.pyvista_accessor")
        return polydata(self.path, self.manifest, layer, lod=lod)

    def plot(
        self,
        view: str = "overview",
        *,
        layers: Sequence[Any] = (),
        time: str | None = None,
        color_by: str | None = None,
        style: str = "light",
        interactive: bool | None = None,
    ) -> Any:
        """Look at the city: in a notebook the scene shows itself, elsewhere a window opens.

        Parameters
        ----------
        view : str
            ``overview``, ``street``, ``top``, ... or a camera file.
        layers, time, color_by, style
            As of `twin.Scene` and its pictures.
        interactive : bool, optional
            Whether to turn it with the mouse: as a widget in a notebook, where PyVista has what that needs, in a
            window elsewhere. Without it a window opens outside of notebooks.

        Returns
        -------
        Scene or widget
        """
        scenes, notebooks = import_module("twin.scene.scene"), import_module("twin.scene.notebook")
        scene = scenes.Scene(self, layers, time=time, style=style)
        scene.shot = scenes.Shot(view, color_by)
        if notebooks.is_in_notebook():
            return notebooks.show_in_notebook(scene) if interactive else scene
        if interactive is not False:
            scene.show()
        return scene

    def add(
        self,
        *files: str | Path,
        name: str | None = None,
        crs: str | None = None,
        encoding: str | None = None,
        join: str | None = None,
        at: tuple[float, ...] | None = None,
        height_offset_m: float | None = None,
        force: bool = False,
        notices: Notices | None = None,
    ) -> City:
        """Put vectors, rasters, models or tables into the city as layers of their own; the city with them.

        What `twin add` does; this object stays as it was.

        Parameters
        ----------
        *files : path
            The content decides what they are; ``FILE|layername=NAME`` names one layer of a vector file or one sheet.
        name : str, optional
            Name of the layer, for a single file; the file's own if not given.
        crs : str, optional
            For files that name none.
        encoding : str, optional
            Of the text in the files, such as ``cp949``.
        join : str, optional
            ``COLUMN=id``: the table describes buildings, and its columns appear in `buildings`.
        at : tuple of float, optional
            Easting, northing and perhaps elevation where a model without coordinates stands.
        height_offset_m : float, optional
            Added to elevations of another datum, where no geoid grid is at hand, metres.
        force : bool
            Whether layers of the same names may be replaced.
        notices : Notices, optional
            Is told what was repaired, assumed or left out.

        Raises
        ------
        TwinError
            One of its leaves, with file, cause and remedy; then nothing was added.

        Examples
        --------
        >>> import twin
        >>> city = twin.open_city("town.twin").add("energy.csv", join="BUILDING_ID=id")  # doctest: +SKIP
        >>> city.buildings["kwh"]  # doctest: +SKIP
        """
        from twin.city.add import add_files
        from twin.core.notices import Notices

        add_files(
            self.path,
            [Path(file) for file in files],
            name=name,
            crs=crs,
            encoding=encoding,
            join=join,
            at=None if at is None else ",".join(map(repr, map(float, at))),
            height_offset=height_offset_m,
            force=force,
            notices=Notices() if notices is None else notices,
        )
        return open_city(self.path)

    def _require_more_than_observations(self, suffix: str) -> None:
        """Refuse models of a city that has neither ground nor buildings; a page shows its stations."""
        kinds = {layer.kind for layer in self.manifest.layers.values()}
        if kinds <= {"observations"} and suffix != ".html":
            raise InputError(
                self.path,
                f"holds {'observations only' if kinds else 'nothing yet'}, which a {suffix} file has no place for",
                "write them with `twin live export CITY history.parquet`, or show them in a page (.html)",
            )

    def export(
        self,
        path: str | Path,
        *,
        force: bool = False,
        options: ExportOptions | None = None,
        notices: Notices | None = None,
    ) -> Path:
        """Write the city in the format of the suffix; the path.

        Parameters
        ----------
        path : path
        force : bool
            Whether an existing file may be replaced.
        options : ExportOptions, optional
            What it shall hold and how large, as far as the format knows such a thing.
        notices : Notices, optional
            Is told what was left out or is more than others may take.

        Raises
        ------
        UsageError
            If no writer knows the suffix, or its files do not hold what was asked for.
        InputError
            If the city holds observations alone, and the file could not show them.
        ExtraMissingError
            If a package that the format needs is not installed; names the command that installs it.
        OutputExistsError
            If the file exists and `force` is false.
        BusyError
            If the city is replaced again and again while it is read.
        """
        from twin.city.export_options import ExportOptions, ExportRequest, require_taken
        from twin.core.notices import Notices

        target, wanted = Path(path), options or ExportOptions()
        told = Notices() if notices is None else notices
        write, city, is_ours = exporter_for(target), self, force
        require_taken(wanted, suffix_of(target))
        self._require_more_than_observations(suffix_of(target))
        for _ in range(READS):
            try:
                write(city, ExportRequest(target, is_ours, wanted, told))
                is_ours = True
            except StorageError:  # such as a file that is not what the manifest says: because it is newer?
                if not city.is_replaced():
                    raise
            else:
                if not city.is_replaced():
                    return target
            city = open_city(self.path)  # what was written may be of two cities
        raise BusyError(self.path, f"was replaced {READS} times while it was read", "export it again")

    def is_replaced(self) -> bool:
        """Whether another build has finished in the folder since this city was opened."""
        return open_manifest(self.path) != self.manifest


def exporter_for(path: Path) -> Callable[..., None]:
    """The writer for a file name.

    Raises
    ------
    UsageError
        If none is known.
    """
    suffix = suffix_of(path)
    if not suffix:
        raise UsageError(path, "no writer for this suffix", f"choose one of {' '.join(sorted(EXPORTERS))}")
    module, function = EXPORTERS[suffix].rsplit(":", 1)
    writer: Callable[..., None] = getattr(import_module(module), function)
    return writer


def suffix_of(path: Path) -> str:
    """The known suffix of a file name, such as ``.city.json``; empty if none is known."""
    name = path.name.lower()
    return max((s for s in EXPORTERS if name.endswith(s)), key=len, default="")


def open_city(path: str | Path) -> City:
    """The city in a folder.

    Raises
    ------
    StorageError
        If it is no city, was written by a newer version, or is damaged.
    """
    folder = Path(path)
    return City(folder, open_manifest(folder))
