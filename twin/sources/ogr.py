"""One layer of a vector file as it lies there: attributes with their exact types, geometry in its own CRS."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely
from pyproj.exceptions import ProjError

from twin.core.crs import is_placed, parse_crs
from twin.core.errors import CrsError, InputError, UsageError
from twin.core.limits import check_limit, limits
from twin.sources.attributes import FID, plain_frame
from twin.sources.formats import Format
from twin.sources.gdal import load_pyogrio
from twin.sources.layer_paths import with_layer
from twin.sources.long_numbers import restore_long_numbers
from twin.sources.shapefile import check_parts, table_encoding
from twin.sources.sqlite_checks import check_sqlite
from twin.sources.text import codec_name
from twin.sources.vector_errors import explained

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from pyproj import CRS

    from twin.core.grid import Bounds
    from twin.core.notices import Notices

pyogrio = load_pyogrio()

# Feature numbers that repeat are not used, and coordinates that are not finite are told with their feature.
_NOT_WORTH_TELLING = ("to be unique", "invalid value encountered")
_LAYERED = frozenset({Format.GPKG, Format.SQLITE})

_LAST_STRAIGHT_TYPE = 7
# Names of columns, types and the CRS stand in JSON of its own, which the readers take as it comes.
_METADATA_ERRORS = (LookupError, TypeError, AttributeError, RecursionError, ProjError)


@dataclass(frozen=True, slots=True)
class LayerInfo:
    """A layer of a file.

    Parameters
    ----------
    name : str
        As the file calls it.
    geometry : str
        Kind of its geometries, such as ``"Polygon"``; empty for a plain table.
    """

    name: str
    geometry: str


@dataclass(frozen=True, slots=True)
class OpenLayer:
    """A layer that was found sound as far as its headers tell.

    Parameters
    ----------
    path : Path
        The file.
    kind : Format
        Its format.
    name : str
        The layer.
    crs : CRS or None
        None where the file names none that has a place on earth.
    n_features : int
        How many it holds.
    fid_column : str
        Name of the column of lasting feature numbers; empty where the format has none.
    encoding : str or None
        Of the attributes; None where the format settles it.
    """

    path: Path
    kind: Format
    name: str
    crs: CRS | None
    n_features: int
    fid_column: str
    encoding: str | None


def layers(path: Path, kind: Format) -> list[LayerInfo]:
    """The layers of a file, plain tables included.

    Raises
    ------
    InputError
        If the file is damaged.
    """
    if kind is Format.PARQUET:
        return [LayerInfo(path.stem, "Unknown")]
    if kind in {Format.GPKG, Format.SQLITE}:
        check_sqlite(path)
    with explained(path, kind):
        return [LayerInfo(str(n), str(g or "")) for n, g in pyogrio.list_layers(_address(path))]


def open_layer(
    path: Path, kind: Format, *, layer: str | None, encoding: str | None, notices: Notices
) -> OpenLayer:
    """Open one layer and check what its headers promise.

    Raises
    ------
    UsageError
        If the file has several layers and `layer` names none of them.
    InputError
        If it is damaged.
    LimitError
        If it is too large.
    """
    check_limit(
        path, "bytes", path.stat().st_size, limits().max_vector_file_bytes, name="max_vector_file_bytes"
    )
    if kind is Format.SHAPEFILE:
        check_parts(path, notices)
    if kind is Format.PARQUET:
        return _open_parquet(path, _choose_layer(path, layers(path, kind), layer))
    name = _choose_layer(path, layers(path, kind), layer) if kind in _LAYERED else _only_layer(path, layer)
    codec = _encoding(path, kind, encoding, notices)
    with explained(path, kind):
        info = pyogrio.read_info(
            _source(path, kind, codec), layer=_layer_key(kind, name), force_feature_count=True
        )
    check_limit(path, "features", info["features"], limits().max_vector_features, name="max_vector_features")
    return OpenLayer(
        path=path,
        kind=kind,
        name=name,
        crs=_crs(path, info["crs"]),
        n_features=int(info["features"]),
        fid_column=str(info["fid_column"] or "") if kind in _LAYERED else "",
        encoding=codec,
    )


def read_layer(opened: OpenLayer, *, bounds: Bounds | None = None, notices: Notices) -> gpd.GeoDataFrame:
    """The features of a layer: attributes, feature numbers under `FID`, and geometries as in the file.

    Arcs are broken into short lines.

    Parameters
    ----------
    opened : OpenLayer
        From `open_layer`.
    bounds : Bounds, optional
        In the layer's own CRS; features that stay clear of it are left out.
    notices : Notices
        Is told what GDAL warns of.

    Raises
    ------
    InputError
        If the file is damaged.
    """
    box = None if bounds is None else (bounds.x_min, bounds.y_min, bounds.x_max, bounds.y_max)
    with warnings.catch_warnings(record=True) as told, explained(opened.path, opened.kind):
        warnings.simplefilter("always")
        read = _read_parquet if opened.kind is Format.PARQUET else _read_ogr
        frame = read(opened, box)
    for text in sorted({str(w.message) for w in told}):
        if any(mark in text for mark in _NOT_WORTH_TELLING):
            continue
        notices.add("gdal-warning", f"{opened.path}: {text}", subject=str(opened.path))
    return frame


def _choose_layer(path: Path, found: list[LayerInfo], wanted: str | None) -> str:
    spatial = [i for i in found if i.geometry]
    names = ", ".join(f"{i.name} ({i.geometry})" for i in spatial)
    if wanted is not None:
        if wanted in [i.name for i in spatial]:
            return wanted
        raise UsageError(path, f"has no layer {wanted!r}", f"its layers are: {names or 'none'}")
    if not spatial:
        raise InputError(path, "holds no layer with geometry", "give a file with a vector layer")
    if len(spatial) > 1:
        raise UsageError(
            path,
            f"holds {len(spatial)} layers: {names}",
            f"name the one that is meant: {with_layer(path, spatial[0].name)}",
        )
    return spatial[0].name


def _only_layer(path: Path, wanted: str | None) -> str:
    if wanted not in {None, path.stem}:
        raise UsageError(path, f"has no layer {wanted!r}", f"its layer is: {path.stem}")
    return path.stem


def _layer_key(kind: Format, name: str) -> str | int:
    """Where a file has one layer only, GDAL may call it by something else than the file's name."""
    return name if kind in _LAYERED else 0


def _encoding(path: Path, kind: Format, asked: str | None, notices: Notices) -> str | None:
    if asked is None:
        return table_encoding(path, notices) if kind is Format.SHAPEFILE else None
    codec = codec_name(asked)
    if kind in {Format.SHAPEFILE, Format.GEOJSON}:
        return codec
    if codec != "utf-8":
        notices.add(
            "encoding-settled",
            f"{path}: texts of a {kind.value} are UTF-8 by its standard; {asked} was not used",
            subject=str(path),
        )
    return None


def _source(path: Path, kind: Format, codec: str | None) -> str | bytes:
    """What GDAL is given: the file, or a GeoJSON turned into the UTF-8 that its standard asks for."""
    if kind is not Format.GEOJSON or codec is None or codec == "utf-8":
        return _address(path)
    check_limit(path, "bytes", path.stat().st_size, limits().max_json_bytes, name="max_json_bytes")
    try:
        return path.read_bytes().decode(codec).encode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(path, f"is not in {codec}: {error}", "name its true encoding") from error


def _address(path: Path) -> str:
    """An absolute path, so that no prefix of a name is taken for a driver or a protocol."""
    return str(path.absolute())


def _crs(path: Path, text: str | None) -> CRS | None:
    if not text:
        return None
    try:
        crs = parse_crs(text, where=path)
    except CrsError:
        return None
    return crs if is_placed(crs) else None


def _read_ogr(opened: OpenLayer, box: tuple[float, ...] | None) -> gpd.GeoDataFrame:
    source = _source(opened.path, opened.kind, opened.encoding)
    codec = opened.encoding if opened.kind is Format.SHAPEFILE else None
    # GDAL reads all of a GeoJSON in any case; the box is applied below, when long numbers are in their place.
    options = {
        "layer": _layer_key(opened.kind, opened.name),
        "encoding": codec,
        "bbox": None if opened.kind is Format.GEOJSON else box,
    }
    meta, table = pyogrio.raw.read_arrow(source, return_fids=True, **options)
    # The feature numbers come first; in GeoJSON an attribute may bear the same name.
    numbers, table = table.columns[0].to_numpy(), table.remove_column(0)
    geometry_column = meta["geometry_name"] or "wkb_geometry"
    geometry = _straight(table[geometry_column].to_numpy())
    if geometry is None:
        # The plain way of reading breaks arcs into lines, but turns whole numbers with gaps into floats.
        _, _, wkb, _ = pyogrio.raw.read(source, columns=[], **options)
        geometry = shapely.from_wkb(wkb)
    frame = restore_long_numbers(
        plain_frame(table.drop_columns([geometry_column])),
        numbers.tolist(),
        path=opened.path,
        kind=opened.kind,
        encoding=opened.encoding,
    )
    frame[FID] = numbers
    return _inside(gpd.GeoDataFrame(frame, geometry=geometry, crs=opened.crs), box)


def _straight(wkb: NDArray[np.object_]) -> NDArray[np.object_] | None:
    """The geometries, or None if one of them has arcs."""
    try:
        geometry = np.asarray(shapely.from_wkb(wkb))
    except (shapely.errors.ShapelyError, NotImplementedError):
        return None
    return geometry if int(shapely.get_type_id(geometry).max(initial=-1)) <= _LAST_STRAIGHT_TYPE else None


def _open_parquet(path: Path, name: str) -> OpenLayer:
    import pyarrow.parquet as pq

    with explained(path, Format.PARQUET):
        file = pq.ParquetFile(path)
        stored = dict(file.schema_arrow.metadata or {})
        n_rows = file.metadata.num_rows
        n_bytes = sum(file.metadata.row_group(i).total_byte_size for i in range(file.metadata.num_row_groups))
    check_limit(path, "features", n_rows, limits().max_vector_features, name="max_vector_features")
    check_limit(path, "bytes", n_bytes, limits().max_vector_file_bytes, name="max_vector_file_bytes")
    if b"geo" not in stored:
        raise InputError(
            path, "is a Parquet table without geometry (no 'geo' metadata)", "write it as GeoParquet"
        )
    return OpenLayer(
        path=path,
        kind=Format.PARQUET,
        name=name,
        crs=_parquet_crs(path, stored[b"geo"]),
        n_features=n_rows,
        fid_column="",
        encoding=None,
    )


def _parquet_crs(path: Path, stored: bytes) -> CRS | None:
    """By the standard a missing key means longitude and latitude, null means unknown."""
    try:
        geo = json.loads(stored)
        crs = geo["columns"][geo["primary_column"]].get("crs", "OGC:CRS84")
    except (ValueError, *_METADATA_ERRORS) as error:
        raise _damaged_metadata(path, error) from error
    return _crs(path, crs if isinstance(crs, str) else json.dumps(crs)) if crs else None


def _damaged_metadata(path: Path, error: Exception) -> InputError:
    text = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    return InputError(path, f"has damaged GeoParquet metadata ({text})", "export it again")


def _read_parquet(opened: OpenLayer, box: tuple[float, ...] | None) -> gpd.GeoDataFrame:
    _check_texts(opened.path)
    try:
        frame = gpd.read_parquet(opened.path).reset_index(drop=True)
    except _METADATA_ERRORS as error:
        raise _damaged_metadata(opened.path, error) from error
    if frame.geometry.name != "geometry":
        frame = frame.rename(columns={"geometry": "geometry_attribute"}).rename_geometry("geometry")
    frame[FID] = np.arange(len(frame))
    frame = frame.set_crs(opened.crs, allow_override=True) if opened.crs is not None else frame
    return _inside(frame, box)


def _check_texts(path: Path) -> None:
    """Texts that are no UTF-8 would only be found when somebody looks at them."""
    import pyarrow.parquet as pq

    file = pq.ParquetFile(path)
    names = [f.name for f in file.schema_arrow if str(f.type) in {"string", "large_string"}]
    for batch in file.iter_batches(columns=names) if names else ():
        batch.validate(full=True)


def _inside(frame: gpd.GeoDataFrame, box: tuple[float, ...] | None) -> gpd.GeoDataFrame:
    if box is None:
        return frame
    return frame[frame.geometry.intersects(shapely.box(*box))].reset_index(drop=True)
