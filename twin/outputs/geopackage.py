"""A city as GeoPackage: buildings with footprints and attributes, the map, trees, layers, roofs and walls."""

from __future__ import annotations

import contextlib
import sqlite3
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.city.building_geometry import lods, shapes
from twin.core.crs import horizontal
from twin.core.errors import StorageError
from twin.core.files import atomic_path
from twin.core.memory import memory_error, tells_exhausted_memory
from twin.core.mesh import Surface
from twin.outputs.columns import ColumnKind, typed_column, unique_names
from twin.outputs.verify import require_same
from twin.sources.gdal import load_pyogrio

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from geopandas import GeoDataFrame
    from numpy.typing import NDArray

    from twin.city.building_geometry import BuildingGeometry
    from twin.core.mesh import Solid

_EPOCH = "2000-01-01T00:00:00.000Z"
"""Written as the date of change, so that the same city gives the same bytes."""
_TAKEN = ("fid", "geom", "ogc_fid", "rowid")
_NULLABLE = {ColumnKind.REAL: "Float64", ColumnKind.INTEGER: "Int64", ColumnKind.BOOLEAN: "boolean"}
_NAMES = {
    Surface.GROUND: "GroundSurface",
    Surface.WALL: "WallSurface",
    Surface.ROOF: "RoofSurface",
    Surface.INNER_WALL: "WallSurface",
}


def write_geopackage(
    path: Path | str, layers: Mapping[str, GeoDataFrame], *, force: bool = False
) -> dict[str, int]:
    """Write layers into one GeoPackage, read it back, and only then give it its name.

    Parameters
    ----------
    path : path
        Where the file shall lie.
    layers : mapping
        Layer name to features; empty layers are left out. Lists and tables in cells become JSON text.
    force : bool
        Whether an existing file may be replaced.

    Returns
    -------
    dict
        Features by layer, as read back.

    Raises
    ------
    OutputExistsError
        If the file exists and `force` is false.
    StorageError
        If there is nothing to write, the disk is full or fails, or the file does not read back as it was written.
    """
    names = unique_names([_layer_name(n) for n in layers])
    filled = {name: frame for name, frame in zip(names, layers.values(), strict=True) if len(frame)}
    if not filled:
        raise StorageError(path, "no layer has a feature to write", "build the city with footprints first")
    with atomic_path(path, force=force) as temporary:
        for name, frame in filled.items():
            _write_layer(temporary, name, frame, path)
        read = read_geopackage_counts(temporary)
        require_same(path, {name: len(frame) for name, frame in filled.items()}, read)
    return read


def _layer_name(name: str) -> str:
    """A layer's name without what SQLite and GeoPackage keep for themselves."""
    plain = "".join(c if c.isprintable() and c != '"' else "_" for c in name).strip() or "layer"
    reserved = plain.casefold().startswith(("gpkg_", "sqlite_", "rtree_"))
    return f"layer_{plain}" if reserved else plain


def _write_layer(temporary: Path, name: str, frame: GeoDataFrame, path: Path | str) -> None:
    pyogrio = load_pyogrio()
    table = _plain_table(frame)
    with _fixed_date(pyogrio), _gdal_errors(pyogrio, path), warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", RuntimeWarning
        )  # northing-first CRS are told about, and written rightly
        pyogrio.write_dataframe(table, temporary, layer=name, driver="GPKG", append=temporary.exists())


def _plain_table(frame: GeoDataFrame) -> GeoDataFrame:
    """The features with columns and a CRS that the format can hold."""
    import geopandas
    import pandas as pd

    source = [c for c in frame.columns if c != frame.geometry.name]
    columns: dict[str, Any] = {}
    for name, values in zip(unique_names(_column_names(source), taken=_TAKEN), source, strict=True):
        series = frame[values]
        columns[name] = series if pd.api.types.is_datetime64_any_dtype(series) else _cells(series)
    crs = frame.crs
    if crs is not None and not bool(frame.geometry.has_z.any()):
        crs = horizontal(crs)
    return geopandas.GeoDataFrame(
        pd.DataFrame(columns, index=frame.index), geometry=np.asarray(frame.geometry.values), crs=crs
    )


def _column_names(names: list[Any]) -> Iterator[str]:
    for name in names:
        yield "".join(c if c.isprintable() else "_" for c in str(name)) or "_"


def _cells(values: Any) -> Any:
    """A column as pandas holds one of SQLite's types, with nulls."""
    import pandas as pd

    column = typed_column("", values)
    if not column.missing.any() and column.kind is not ColumnKind.TEXT:
        return column.values
    cells = column.values.astype(object)
    if column.kind is ColumnKind.TEXT:
        cells[:] = [t.replace("\0", "\ufffd") for t in cells]
    cells[column.missing] = None
    dtype: Any = _NULLABLE.get(column.kind)
    return cells if dtype is None else pd.array(cells, dtype=dtype)


@contextlib.contextmanager
def _fixed_date(pyogrio: Any) -> Iterator[None]:
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": _EPOCH})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


@contextlib.contextmanager
def _gdal_errors(pyogrio: Any, path: Path | str) -> Iterator[None]:
    errors = pyogrio.errors
    try:
        yield
    except (errors.DataSourceError, errors.DataLayerError, errors.FeatureError, errors.FieldError) as error:
        if tells_exhausted_memory(error):
            raise memory_error(path, error) from error
        what = f"GeoPackage could not be written (disk full?): {' '.join(str(error).split())[:200]}"
        raise StorageError(path, what, "free some space and run again") from error


def read_geopackage_counts(path: Path) -> dict[str, int]:
    """Features of each layer, counted row by row after the database has been checked.

    Raises
    ------
    StorageError
        If the database is damaged.
    """
    try:
        with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as database:
            (sound,) = database.execute("PRAGMA integrity_check").fetchone()
            if sound != "ok":
                raise StorageError(path, f"the database is damaged: {sound}", "check the disk and run again")
            names = [
                r[0] for r in database.execute("SELECT table_name FROM gpkg_contents ORDER BY table_name")
            ]
            quoted = {name: name.replace('"', '""') for name in names}
            return {
                name: int(database.execute(f'SELECT count(*) FROM "{q}"').fetchone()[0])  # noqa: S608 - quoted
                for name, q in quoted.items()
            }
    except sqlite3.Error as error:
        raise StorageError(path, f"the database cannot be read back ({error})", "check the disk") from error


@dataclass(frozen=True, slots=True)
class _SurfaceRow:
    """Faces of one kind of one building."""

    id: str
    lod: str
    surface: str
    polygons: list[Any]


def surface_features(
    buildings: Iterable[BuildingGeometry], *, crs: Any, lod: str | None = None
) -> GeoDataFrame:
    """Ground, walls and roofs of buildings as MultiPolygonZ features, one for each building and kind.

    Parameters
    ----------
    buildings : iterable of BuildingGeometry
        Each at the finest level of detail that it has and that is not finer than `lod`.
    crs : pyproj.CRS
        Of their coordinates.
    lod : str, optional
        Finest level wanted; without it the finest there is.

    Returns
    -------
    GeoDataFrame
        Columns ``id``, ``lod``, ``surface`` and the geometry.
    """
    import geopandas
    import shapely

    rows = [row for building in buildings for row in _surface_rows(building, lod)]
    return geopandas.GeoDataFrame(
        {
            "id": [r.id for r in rows],
            "lod": [r.lod for r in rows],
            "surface": [r.surface for r in rows],
        },
        geometry=[shapely.MultiPolygon(r.polygons) for r in rows],
        crs=crs,
    )


def _surface_rows(building: BuildingGeometry, lod: str | None) -> Iterator[_SurfaceRow]:
    wanted = [level for level in lods(building) if lod is None or level <= lod]
    if not wanted:
        return
    found: dict[str, list[Any]] = {}
    for solid in shapes(building, wanted[-1]):
        for f in range(solid.n_faces):
            found.setdefault(_NAMES[Surface(int(solid.surface[f]))], []).append(_polygon(solid, f))
    for name in sorted(found):
        yield _SurfaceRow(building.id, wanted[-1], name, found[name])


def _polygon(solid: Solid, face: int) -> Any:
    import shapely

    outer, *holes = (_closed(solid.vertices[ring]) for ring in solid.rings(face))
    return shapely.Polygon(outer, holes)


def _closed(ring: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.concatenate([ring, ring[:1]])
