"""Vector files of any kind, brought into the city's coordinates."""

from __future__ import annotations

import contextlib
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import shapely

from twin.core.crs import PointTransform, crs_name, describe, horizontal, make_transform
from twin.core.errors import CrsError, InputError, TwinError
from twin.core.grid import Bounds
from twin.core.notices import Notices
from twin.sources.archives import unpacked
from twin.sources.attributes import FID
from twin.sources.formats import VECTOR_FORMATS, Format
from twin.sources.ogr import LayerInfo, OpenLayer, layers, open_layer, read_layer
from twin.sources.overlap import check_overlap, swapped
from twin.sources.sniff import require_format

if TYPE_CHECKING:
    from collections.abc import Iterator

    import geopandas as gpd
    from numpy.typing import NDArray
    from pyproj import CRS

__all__ = [
    "LayerInfo",
    "bring_home",
    "check_finite",
    "check_on_survey",
    "list_layers",
    "load_vector",
    "read_vector",
]

_ARCHIVES = frozenset({Format.ZIP, Format.TAR})
_KIND = "a vector file"
_TAKEN_APART = re.compile(r"[!\n\r\t]")


def list_layers(path: str | Path) -> list[LayerInfo]:
    """The layers of a vector file, plain tables among them.

    Parameters
    ----------
    path : path
        GeoPackage, SpatiaLite, GeoJSON, Shapefile (also zipped), FlatGeobuf or GeoParquet.

    Raises
    ------
    InputError
        If it is none of these, or damaged.
    """
    with _plain_file(Path(path), Notices()) as (file, kind, _):
        return layers(file, kind)


def read_vector(
    path: str | Path,
    *,
    layer: str | None = None,
    crs: CRS,
    assume_crs: CRS | None = None,
    encoding: str | None = None,
    bounds: Bounds | None = None,
    survey: Bounds | None = None,
    keep_z: bool = False,
    height_offset_m: float | None = None,
    notices: Notices,
) -> gpd.GeoDataFrame:
    """The features of a vector file in the city's coordinates.

    Attributes keep their types: whole numbers stay whole beside gaps. Arcs are broken into short lines.

    Parameters
    ----------
    path : path
        GeoPackage, SpatiaLite, GeoJSON, Shapefile (also zipped), FlatGeobuf or GeoParquet; a Shapefile without
        ``.cpg`` is read as UTF-8, or as CP949 if it reads as Korean.
    layer : str, optional
        Which layer; needed where there are several.
    crs : CRS
        Of the city; its horizontal part is what the features end in.
    assume_crs : CRS, optional
        For a file that names none.
    encoding : str, optional
        Of the attributes, against what the file says.
    bounds : Bounds, optional
        City coordinates; features that stay clear of it are left out.
    survey : Bounds, optional
        City coordinates of what the features must overlap.
    keep_z : bool
        Whether elevations stay, in the city's vertical datum; else the features are flat.
    height_offset_m : float, optional
        Metres to add to elevations of another datum instead of transforming them.
    notices : Notices
        Is told what was assumed or guessed.

    Returns
    -------
    GeoDataFrame
        The columns of the file, and `geometry`; 0 rows where the layer is empty.

    Raises
    ------
    UsageError
        If there are several layers and `layer` is not one of them.
    CrsError
        If the file names no CRS and `assume_crs` is None.
    InputError
        If the file is damaged, or a coordinate is not finite or out of its CRS's range.
    UnsafeInputError
        If it reaches for other files.
    LimitError
        If it is too large.
    OverlapError
        If it stays clear of `survey`.
    """
    path = Path(path)
    own = load_vector(
        path,
        layer=layer,
        crs=crs,
        assume_crs=assume_crs,
        encoding=encoding,
        bounds=bounds,
        notices=notices,
    ).drop(columns=FID)
    check_finite(own, [f"feature {i + 1}" for i in range(len(own))], where=path)
    home = bring_home(
        own, crs=crs, keep_z=keep_z, height_offset_m=height_offset_m, where=path, notices=notices
    )
    if survey is not None:
        check_on_survey(home, own, survey, crs=crs, where=path)
    return home


def load_vector(
    path: Path,
    *,
    layer: str | None,
    crs: CRS,
    assume_crs: CRS | None,
    encoding: str | None = None,
    bounds: Bounds | None = None,
    notices: Notices,
) -> gpd.GeoDataFrame:
    """The features in the file's own CRS, their numbers in the file under `attributes.FID`.

    The file's name for the numbers stands in ``frame.attrs[FID]``, empty where they are not lasting.

    Parameters and errors as in `read_vector`; `crs` serves to understand `bounds`.
    """
    with _plain_file(path, notices, layer=layer) as (file, kind, told):
        opened = open_layer(file, kind, layer=layer, encoding=encoding, notices=told)
        own_crs = _own_crs(opened, assume_crs, told)
        own_bounds = _own_bounds(bounds, own_crs, crs, where=file)
        frame = read_layer(opened, bounds=own_bounds, notices=told).set_crs(own_crs, allow_override=True)
    frame.attrs[FID] = opened.fid_column
    if frame.empty:
        notices.add("no-features", f"{path}: layer {opened.name} holds no features", subject=str(path))
    return frame


def bring_home(
    frame: gpd.GeoDataFrame,
    *,
    crs: CRS,
    keep_z: bool = False,
    height_offset_m: float | None = None,
    where: str | Path,
    notices: Notices,
) -> gpd.GeoDataFrame:
    """The features in the horizontal part of `crs`; flat unless `keep_z`.

    Raises
    ------
    InputError
        If degrees are out of their range.
    CrsError
        If the coordinates cannot be transformed.
    """
    _check_degrees(frame, where)
    geometry = np.asarray(frame.geometry.array)
    solid = shapely.has_z(geometry) if keep_z else np.zeros(len(geometry), bool)
    home = shapely.force_2d(geometry)
    flat_way = make_transform(horizontal(frame.crs), horizontal(crs), where=where, notices=notices)
    home[~solid] = _moved(home[~solid], flat_way)
    if solid.any():
        full_way = make_transform(
            frame.crs, crs, height_offset_m=height_offset_m, where=where, notices=notices
        )
        home[solid] = _moved(shapely.force_3d(geometry[solid]), full_way)
    return frame.set_geometry(home).set_crs(horizontal(crs), allow_override=True)


def check_finite(frame: gpd.GeoDataFrame, labels: list[str], *, where: str | Path) -> None:
    """Refuse coordinates that are NaN or infinite; `labels` name the rows.

    Raises
    ------
    InputError
        Naming the first row.
    """
    coordinates, rows = shapely.get_coordinates(np.asarray(frame.geometry.array), return_index=True)
    bad = rows[~np.isfinite(coordinates).all(axis=1)]
    if len(bad):
        raise InputError(
            where,
            f"{labels[bad[0]]} has a coordinate that is not finite ({len(bad)} such vertices in all)",
            "repair it where it was made",
        )


def check_on_survey(
    home: gpd.GeoDataFrame,
    own: gpd.GeoDataFrame,
    survey: Bounds,
    *,
    crs: CRS,
    where: str | Path,
    against: str = "the survey",
) -> None:
    """Refuse features none of which lies on the survey, and say which mistake would explain it.

    Parameters
    ----------
    home, own : GeoDataFrame
        The features in the city's coordinates, and as they were in their file.
    survey : Bounds
        City coordinates.
    crs : CRS
        Of the city.
    where : path or str
        The file.
    against : str
        What the survey is called in the message.

    Raises
    ------
    OverlapError
        With both places.
    """
    boxes = shapely.bounds(np.asarray(home.geometry.array))
    boxes = boxes[np.isfinite(boxes).all(axis=1)]
    meets = (boxes[:, :2] <= (survey.x_max, survey.y_max)) & (boxes[:, 2:] >= (survey.x_min, survey.y_min))
    if len(boxes) == 0 or meets.all(axis=1).any():
        return
    at_home, at_source = _total_bounds(home), _total_bounds(own)
    way = make_transform(horizontal(own.crs), horizontal(crs), where=where, notices=Notices())
    explanations = {}
    with contextlib.suppress(ValueError):
        name = "latitude and longitude seem" if own.crs.is_geographic else "the axes seem"
        explanations[f"{name} exchanged (axis order): write easting or longitude first"] = way.to_target(
            swapped(at_source)
        )
    explanations[
        f"its numbers would fit {crs_name(horizontal(crs))}, so the CRS that it names ({crs_name(own.crs)}) "
        "seems wrong: name the right one in the file"
    ] = at_source
    check_overlap(at_home, survey, where, against, explanations=explanations)


@contextlib.contextmanager
def _plain_file(
    path: Path, notices: Notices, *, layer: str | None = None
) -> Iterator[tuple[Path, Format, Notices]]:
    """The file itself, what an archive holds, or the file by a name that GDAL does not take apart."""
    kind = require_format(path, VECTOR_FORMATS, kind=_KIND)
    with contextlib.ExitStack() as stack:
        if kind in _ARCHIVES:
            inner = stack.enter_context(unpacked(path, wanted=layer))
            shown = f"{path}/{inner.name}"
        elif _TAKEN_APART.search(str(path.absolute())):
            inner, shown = stack.enter_context(_linked(path)), str(path)
        else:
            yield path, kind, notices
            return
        told = stack.enter_context(_told_as({f"{inner}|": f"{path}|", str(inner): shown}, notices))
        yield inner, require_format(inner, VECTOR_FORMATS - _ARCHIVES, kind=_KIND), told


@contextlib.contextmanager
def _linked(path: Path) -> Iterator[Path]:
    """The file and those of the same stem under plain names.

    The library that wraps GDAL reads ``a!b.gpkg`` as the member ``b.gpkg`` of an archive ``a`` and drops line breaks,
    and so would open another file.
    """
    with tempfile.TemporaryDirectory(prefix="twin-linked-") as folder:
        for part in path.parent.iterdir():
            if part.stem == path.stem and part.is_file():
                (Path(folder) / f"data{part.suffix}").symlink_to(part.absolute())
        yield Path(folder) / f"data{path.suffix}"


@contextlib.contextmanager
def _told_as(names: dict[str, str], notices: Notices) -> Iterator[Notices]:
    """A collector whose messages, like the errors raised inside, call a file by the name that the user knows."""
    told = Notices()

    def renamed(text: str) -> str:
        for inner, shown in names.items():
            text = text.replace(inner, shown)
        return text

    try:
        yield told
    except TwinError as error:
        raise type(error)(*map(renamed, (error.where, error.what, error.remedy))) from error
    finally:
        for n in told.items:
            notices.add(n.cause, renamed(n.message), subject=renamed(n.subject))


def _own_crs(opened: OpenLayer, assumed: CRS | None, notices: Notices) -> CRS:
    if opened.crs is not None:
        return opened.crs
    if assumed is None:
        raise CrsError(opened.path, "names no CRS", "write it into the file, or give it with --crs EPSG:...")
    notices.add(
        "crs-assumed",
        f"{opened.path}: names no CRS and was taken to be in {describe(horizontal(assumed))}",
        subject=str(opened.path),
    )
    return assumed


def _own_bounds(bounds: Bounds | None, own: CRS, city: CRS, *, where: Path) -> Bounds | None:
    if bounds is None:
        return None
    way = make_transform(horizontal(own), horizontal(city), where=where, notices=Notices())
    try:
        return way.to_source(bounds)
    except ValueError:  # beyond what the file's CRS can express; then nothing is left out early
        return None


def _check_degrees(frame: gpd.GeoDataFrame, where: str | Path) -> None:
    if not frame.crs.is_geographic or frame.empty or not np.isfinite(frame.total_bounds).all():
        return
    bounds = _total_bounds(frame)
    if max(abs(bounds.x_min), abs(bounds.x_max)) <= 360 and max(abs(bounds.y_min), abs(bounds.y_max)) <= 90:
        return
    could_be_swapped = max(abs(bounds.x_min), abs(bounds.x_max)) <= 90
    remedy = (
        "latitude seems to stand first: exchange the axes" if could_be_swapped else "name its true CRS in it"
    )
    raise InputError(
        where,
        f"says {describe(horizontal(frame.crs))}, but x {bounds.x_min:.8g} to {bounds.x_max:.8g} and "
        f"y {bounds.y_min:.8g} to {bounds.y_max:.8g} are out of the range of degrees",
        remedy,
    )


def _moved(geometry: NDArray[np.object_], way: PointTransform) -> NDArray[np.object_]:
    if way.is_identity or len(geometry) == 0:
        return geometry
    with_z = bool(shapely.has_z(geometry).any())
    coordinates = shapely.get_coordinates(geometry, include_z=with_z)
    xyz = coordinates if with_z else np.column_stack([coordinates, np.zeros(len(coordinates))])
    return np.asarray(shapely.set_coordinates(geometry.copy(), way(xyz)[:, : coordinates.shape[1]]))


def _total_bounds(frame: gpd.GeoDataFrame) -> Bounds:
    return Bounds(*(float(v) for v in frame.total_bounds))
