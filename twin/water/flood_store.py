"""Floods on disk: a folder ``water/NAME`` of open formats, and an entry in the city's manifest.

All files of a flood and the manifest change in one journalled commit: a crash leaves the old flood or the new one.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.city.add import MAX_NAME_BYTES, layer_name
from twin.city.folder import WORK, open_manifest
from twin.city.manifest import BUILT_LAYERS, MANIFEST, Layer, Provenance, artifact, write_manifest
from twin.city.model import City, open_city
from twin.core.commit import commit
from twin.core.crs import parse_crs
from twin.core.errors import InputError, OutputExistsError, StorageError, UsageError
from twin.core.files import canonical_json, make_folder, remove_tree, write_text
from twin.core.grid import Grid
from twin.core.lock import writer_lock
from twin.sources.netcdf import FILL, add_raster, get, new_netcdf, open_netcdf, put
from twin.water.flood import ARRIVED_M, WET_M, Flood

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from pyproj import CRS

    from twin.city.manifest import Manifest, Source
    from twin.core.notices import Notices

FOLDER = "water"
FIELDS = "flood.nc"
RUN = "run.json"
GEOTIFFS = {
    "max_depth_m": "max_depth.tif",
    "arrival_s": "arrival.tif",
    "max_velocity_m_s": "max_velocity.tif",
}
_EPOCH = "seconds since 1970-01-01 00:00:00"
_STATIC = {
    "bed_m": ("bed", "m", "elevation of the ground under the water"),
    "max_depth_m": ("max_depth", "m", "greatest depth"),
    "max_velocity_m_s": ("max_velocity", "m s-1", "greatest speed"),
    "max_depth_velocity_m2_s": ("max_depth_velocity", "m2 s-1", "greatest product of depth and speed"),
    "arrival_s": (
        "arrival",
        "s",
        f"time after the first moment at which water stood {ARRIVED_M * 100:g} cm deep",
    ),
    "duration_s": ("duration", "s", f"how long water stood {ARRIVED_M * 100:g} cm deep or deeper"),
    "infiltrated_m": ("infiltrated", "m", "depth that the soil has taken since it was dry"),
}
_VELOCITY = {
    "u": ("sea_water_x_velocity", "velocity to the east"),
    "v": ("sea_water_y_velocity", "velocity to the north"),
}


@dataclass(frozen=True, slots=True)
class StepFile:
    """Fields of a flood read from its NetCDF file when they are asked for; picklable.

    Parameters
    ----------
    path : Path
        The file.
    has_velocity : bool
        Whether it holds velocities.
    """

    path: Path
    has_velocity: bool

    def depth_m(self, step: int) -> NDArray[np.float32]:
        """Depth, shape (ny, nx)."""
        with open_netcdf(self.path) as data:
            return get(data["depth"], step)

    def velocity(self, step: int) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """Velocity to the east and to the north, shape (ny, nx) each."""
        if not self.has_velocity:
            return None
        with open_netcdf(self.path) as data:
            return get(data["u"], step), get(data["v"], step)


def save_flood(
    folder: Path,
    flood: Flood,
    *,
    crs: CRS,
    run: Mapping[str, Any] | None = None,
    tables: Mapping[str, Any] | None = None,
) -> list[str]:
    """Write a flood as CF NetCDF, GeoTIFF and tables into a folder; the names of its files.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    flood : Flood
    crs : CRS
        Of its grid, vertical part included.
    run : mapping, optional
        How it was made, in plain values; kept in ``run.json``.
    tables : mapping of str to DataFrame, optional
        ``roads`` and ``buildings``; each becomes ``NAME.parquet``.

    Raises
    ------
    StorageError
        If the disk is full, not writable, or fails.
    """
    from twin.city.tables import write_table
    from twin.sources.cog import write_geotiff

    make_folder(folder)
    _write_fields(folder / FIELDS, flood, crs)
    names = [FIELDS]
    for field, name in GEOTIFFS.items():
        raster = getattr(flood, field)
        if raster is not None:
            write_geotiff(folder / name, raster, flood.grid, crs=crs, nodata=FILL)
            names.append(name)
    for name, table in (tables or {}).items():
        write_table(table, folder / f"{name}.parquet")
        names.append(f"{name}.parquet")
    write_text(folder / RUN, canonical_json({**describe_flood(flood), **(run or {})}))
    return [*names, RUN]


def describe_flood(flood: Flood) -> dict[str, Any]:
    """What a flood is, in plain values."""
    return {
        "name": flood.name,
        "kind": flood.kind,
        "is_preview": flood.is_preview,
        "first": f"{flood.times[0]}Z",
        "last": f"{flood.times[-1]}Z",
        "steps": flood.n_steps,
        "cell_size_m": flood.grid.cell_size_m,
        "attributes": dict(flood.attributes),
    }


def _write_fields(path: Path, flood: Flood, crs: CRS) -> None:
    with new_netcdf(path) as data:
        _write_frame(data, flood, crs)
        shape = flood.grid.shape
        for field, (name, units, words) in _STATIC.items():
            values = getattr(flood, field)
            if values is not None:
                raster = add_raster(data, name, ("y", "x"), shape=shape, attributes=_about(words, units))
                put(raster, values)
        about = _about("depth of the water above the ground", "m", "sea_floor_depth_below_sea_surface")
        depth = add_raster(data, "depth", ("time", "y", "x"), shape=shape, attributes=about)
        flow = flood.velocity(0)
        ways = [
            add_raster(data, n, ("time", "y", "x"), shape=shape, attributes=_about(words, "m s-1", standard))
            for n, (standard, words) in (_VELOCITY if flow is not None else {}).items()
        ]
        for step in range(flood.n_steps):
            put(depth, flood.depth_m(step), step)
            for variable, values in zip(ways, flood.velocity(step) or (), strict=True):
                put(variable, values, step)


def _write_frame(data: Any, flood: Flood, crs: CRS) -> None:
    """Dimensions, coordinates, CRS and what the file says of itself, as CF 1.8 has them."""
    grid, c = flood.grid, flood.grid.cell_size_m
    data.setncatts({"Conventions": "CF-1.8", "title": flood.name, "source": f"twin flood {flood.kind}"})
    data.setncattr("is_preview", np.int8(flood.is_preview))
    data.setncattr("cell_size_m", c)
    for name, n in (("time", flood.n_steps), ("y", grid.ny), ("x", grid.nx)):
        data.createDimension(name, n)
    time = data.createVariable("time", "i8", ("time",))
    time.setncatts({"standard_name": "time", "units": _EPOCH, "calendar": "standard", "axis": "T"})
    time[:] = flood.times.astype(np.int64)
    for name, centres in (("y", grid.y_centres), ("x", grid.x_centres)):
        axis = data.createVariable(name, "f8", (name,))
        axis.setncatts({"standard_name": f"projection_{name}_coordinate", "units": "m", "axis": name.upper()})
        axis[:] = centres
    place = data.createVariable("crs", "i4", ())
    wkt = crs.to_wkt()
    mapping = {k: v for k, v in crs.to_cf().items() if isinstance(v, str | float | int | list | tuple)}
    place.setncatts({**mapping, "crs_wkt": wkt, "spatial_ref": wkt})
    place.setncattr("GeoTransform", f"{grid.x_min!r} {c!r} 0 {grid.y_max!r} 0 {-c!r}")


def _about(words: str, units: str, standard: str = "") -> dict[str, str]:
    about = {"long_name": words, "units": units, "grid_mapping": "crs"}
    return {**about, "standard_name": standard} if standard else about


def open_flood(folder: Path) -> Flood:
    """The flood of a folder; its steps are read when they are asked for.

    Raises
    ------
    StorageError
        If it holds none, or a damaged one.
    """
    import json

    path = folder / FIELDS
    try:
        facts = json.loads((folder / RUN).read_text(encoding="utf-8"))
        with open_netcdf(path) as data:
            cell = float(data.getncattr("cell_size_m"))
            x, y = np.asarray(data["x"][:]), np.asarray(data["y"][:])
            grid = Grid(float(x[0]) - cell / 2, float(y[0]) + cell / 2, cell, len(x), len(y))
            times = np.asarray(data["time"][:]).astype("datetime64[s]")
            there = set(data.variables)
            fields = {f: get(data[n]) for f, (n, _, _) in _STATIC.items() if n in there}
        steps = StepFile(path, {"u", "v"} <= there)
        return Flood(
            facts["name"], grid, times, steps=steps, kind=facts["kind"], is_preview=facts["is_preview"],
            attributes=facts["attributes"], **fields,
        )  # fmt: skip
    except (OSError, InputError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise StorageError(folder, f"holds no whole flood ({error})", "make it again with --force") from error


def floods(city: City) -> list[str]:
    """Names of a city's floods, sorted."""
    return sorted(name for name, layer in city.manifest.layers.items() if layer.kind == "flood")


def read_flood(city: City, name: str) -> Flood:
    """A flood of a city by its name.

    Raises
    ------
    UsageError
        If the city has no such flood.
    StorageError
        If its files are damaged.
    """
    if name not in floods(city):
        known = ", ".join(floods(city))
        raise UsageError(
            city.path,
            f"has no flood called {name!r}",
            f"choose one of {known}" if known else "make one first",
        )
    return open_flood(city.path / FOLDER / name)


def check_name(city: City, name: str, *, force: bool) -> None:
    """Refuse a name before any work is done for it.

    Raises
    ------
    UsageError
        If it can be no folder, or belongs to a layer of another kind.
    OutputExistsError
        If there is a flood of that name and `force` is false.
    """
    _require_free(city.path, city.manifest, name, force=force)


def _require_free(city: Path, manifest: Manifest, name: str, *, force: bool) -> None:
    if not name or name != layer_name(name) or len(name.encode()) > MAX_NAME_BYTES // 2:
        raise UsageError(
            "--name", f"{name!r} is no name of a flood", f"choose one such as {layer_name(name)[:40]}"
        )
    there = manifest.layers.get(name)
    if name in BUILT_LAYERS or (there is not None and there.kind != "flood"):
        raise UsageError("--name", f"{name!r} is the name of another layer", "choose another")
    if there is not None and not force:
        raise OutputExistsError(
            city / FOLDER / name, "the flood exists and was kept", "pass --force or another --name"
        )


def store_flood(
    city: City,
    flood: Flood,
    *,
    run: Mapping[str, Any] | None = None,
    inputs: Sequence[Source] = (),
    tables: Mapping[str, Any] | None = None,
    force: bool = False,
    notices: Notices,
) -> City:
    """Put a flood into its city; the city with it.

    Parameters
    ----------
    city : City
    flood : Flood
    run : mapping, optional
        How it was made, in plain values.
    inputs : sequence of Source
        Files that it was made of.
    tables : mapping of str to DataFrame, optional
        What it does to roads and buildings.
    force : bool
        Whether a flood of that name may be replaced.
    notices : Notices
        Is told of a lock that was taken over.

    Raises
    ------
    UsageError, OutputExistsError
        As in `check_name`.
    BusyError
        If another process is writing the city.
    StorageError
        If writing fails; then the city is as it was.
    """
    relative = f"{FOLDER}/{flood.name}"
    with writer_lock(city.path, notices=notices):
        manifest = open_manifest(city.path)
        _require_free(city.path, manifest, flood.name, force=force)
        stage = city.path / WORK / "flood"
        remove_tree(stage)
        try:
            crs = parse_crs(manifest.crs_wkt, where=MANIFEST)
            facts = {"inputs": [vars_of(s) for s in inputs], "software": _software(), **(run or {})}
            names = save_flood(stage / relative, flood, crs=crs, run=facts, tables=tables)
            files = tuple(artifact(stage, f"{relative}/{n}") for n in names)
            parameters = dict((run or {}).get("parameters", {}))
            layer = Layer(
                "flood",
                files,
                Provenance(inputs=tuple(inputs), parameters=parameters, software=_software()),
                counts=flood_counts(flood),
                title=flood.name,
                options={"kind": flood.kind, "is_preview": flood.is_preview},
            )
            _commit(city.path, stage, manifest, flood.name, layer)
        finally:
            remove_tree(stage)
            with contextlib.suppress(OSError):  # an unfinished build stays
                (city.path / WORK).rmdir()
    return open_city(city.path)


def vars_of(source: Source) -> dict[str, Any]:
    """An input file as plain values."""
    return {"name": source.name, "size": source.size, "sha256": source.sha256}


def flood_counts(flood: Flood) -> dict[str, int | float]:
    """Moments, wet ground and greatest depth, as `twin info` shows them."""
    depth = flood.max_depth_m
    wet = depth >= WET_M
    return {
        "steps": flood.n_steps,
        "m2 wet": round(int(wet.sum()) * flood.grid.cell_size_m**2, 1),
        "m greatest depth": round(float(depth[wet].max()), 2) if wet.any() else 0.0,
    }


def _software() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("twin", "numpy", "numba", "netCDF4", "rasterio")}


def _commit(city: Path, stage: Path, manifest: Manifest, name: str, layer: Layer) -> None:
    before = manifest.layers[name].files if name in manifest.layers else ()
    stale = {f.path for f in before} - {f.path for f in layer.files}
    write_manifest(replace(manifest, layers={**manifest.layers, name: layer}), stage / MANIFEST)
    commit(stage, city, last=MANIFEST, remove=tuple(stale))
