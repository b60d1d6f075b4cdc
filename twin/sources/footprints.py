"""Footprints of buildings, read, repaired and told apart: every row of the file ends in the frame."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from twin.core.errors import InputError
from twin.sources.attributes import FID
from twin.sources.footprint_edges import share_edges
from twin.sources.footprint_ids import choose_id_column, id_texts
from twin.sources.footprint_overlaps import SAME_SHARE, Overlaps, find_overlaps, originals_of
from twin.sources.footprint_repair import repair_footprints
from twin.sources.vectors import bring_home, check_finite, check_on_survey, load_vector

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray
    from pyproj import CRS

    from twin.core.grid import Bounds
    from twin.core.notices import Notices

INVALID = "invalid_footprint"
DUPLICATE = "duplicate"
OWN_COLUMNS = ("id", "state", "reason", "geometry")
"""Columns with a meaning of ours; one of the file by the same name becomes ``source_NAME``."""


def read_footprints(
    path: str | Path,
    *,
    layer: str | None = None,
    id_field: str | None = None,
    crs: CRS,
    assume_crs: CRS | None = None,
    encoding: str | None = None,
    survey: Bounds | None = None,
    notices: Notices,
) -> gpd.GeoDataFrame:
    """The footprints of a file in the city's coordinates, one row for each row of the file, in its order.

    Outlines are repaired, and neighbours whose outlines nearly coincide share vertices exactly afterwards.

    Parameters
    ----------
    path : path
        GeoPackage, SpatiaLite, GeoJSON, Shapefile (also zipped), FlatGeobuf or GeoParquet.
    layer : str, optional
        Which layer; needed where there are several.
    id_field : str, optional
        The column of ids; without it a usual one is taken (``gml_id``, ``identificatie``, ``id``, ``ufid``, ...),
        and feature numbers where there is none.
    crs : CRS
        Of the city; its horizontal part is what the footprints end in.
    assume_crs : CRS, optional
        For a file that names none.
    encoding : str, optional
        Of the attributes, against what the file says.
    survey : Bounds, optional
        What at least one footprint must overlap, city coordinates.
    notices : Notices
        Is told of every repair, overlap and duplicate, naming the ids.

    Returns
    -------
    GeoDataFrame
        ``id`` (exact text, unique), the columns of the file, ``state`` and ``reason`` (``invalid_footprint`` or
        ``duplicate`` where a row cannot be built, else None), ``geometry`` (valid flat polygons, None where nothing
        valid is left).

    Raises
    ------
    InputError
        If there are no footprints, none of them is a polygon, two have the same id, or a coordinate is not finite.
    UsageError, CrsError, UnsafeInputError, LimitError, OverlapError
        As in `vectors.read_vector`.
    """
    path = Path(path)
    own = load_vector(path, layer=layer, crs=crs, assume_crs=assume_crs, encoding=encoding, notices=notices)
    if own.empty:
        raise InputError(path, "holds no footprints (0 features)", "give the layer of the buildings")
    column = _id_column(own, id_field, path)
    ids = id_texts(own, column, where=path, notices=notices)
    _require_polygons(own, path)
    check_finite(own, [f"footprint {i}" for i in ids], where=path)
    frame = bring_home(own, crs=crs, where=path, notices=notices)
    frame = _with_own_columns(frame, ids, id_column=column)
    repaired = repair_footprints(np.asarray(frame.geometry.array), ids, where=path, notices=notices)
    good = np.flatnonzero(repaired.reason == "")
    geometry = repaired.geometry.copy()
    geometry[good] = share_edges(geometry[good])
    frame["geometry"] = geometry
    state, reason = _states(repaired.reason)
    if survey is not None:
        check_on_survey(frame, own, survey, crs=crs, where=path)
    names = np.array(ids, object)
    overlaps = find_overlaps(geometry[good], names[good].tolist())
    original = originals_of(overlaps, len(good))
    repeats = original >= 0
    state[good[repeats]] = DUPLICATE
    reason[good[repeats]] = [f"same outline as {first}" for first in names[good[original[repeats]]]]
    _tell_duplicates(names[good], original, where=path, notices=notices)
    _tell_overlaps(overlaps, names[good], original, where=path, notices=notices)
    # As objects, so that what is missing stays None and does not become NaN, which counts as true.
    return frame.assign(state=pd.Series(state, dtype=object), reason=pd.Series(reason, dtype=object))


def _states(reasons: NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray[np.object_]]:
    state, reason = np.full(len(reasons), None, object), np.full(len(reasons), None, object)
    bad = reasons != ""
    state[bad], reason[bad] = INVALID, reasons[bad]
    return state, reason


def _id_column(own: gpd.GeoDataFrame, id_field: str | None, path: Path) -> str | None:
    columns = [str(c) for c in own.columns if c not in {FID, "geometry"}]
    return choose_id_column(columns, id_field=id_field, fid_column=str(own.attrs.get(FID, "")), where=path)


def _require_polygons(own: gpd.GeoDataFrame, path: Path) -> None:
    kinds = own.geometry.geom_type.dropna()
    if len(kinds) and not kinds.isin(["Polygon", "MultiPolygon", "GeometryCollection"]).any():
        counts = ", ".join(f"{n} {kind}" for kind, n in kinds.value_counts().sort_index().items())
        raise InputError(
            path, f"holds no polygons but {counts}", "give the layer with the outlines of buildings"
        )


def _with_own_columns(frame: gpd.GeoDataFrame, ids: list[str], *, id_column: str | None) -> gpd.GeoDataFrame:
    """Names are compared without regard to case, as SQL does: a GeoPackage cannot hold ``ID`` beside ``id``."""
    frame = frame.drop(columns=FID)
    if id_column == "id":
        frame = frame.drop(columns="id")
    taken = {str(c).lower() for c in frame.columns} | set(OWN_COLUMNS)
    renamed = {}
    for name in [c for c in frame.columns if c != "geometry" and str(c).lower() in OWN_COLUMNS]:
        renamed[name] = f"source_{name}"
        while renamed[name].lower() in taken:
            renamed[name] += "_"
        taken.add(renamed[name].lower())
    frame = frame.rename(columns=renamed)
    frame.insert(0, "id", np.array(ids, object))
    return frame


def _tell_duplicates(
    ids: NDArray[np.object_], original: NDArray[np.int64], *, where: Path, notices: Notices
) -> None:
    for i in np.flatnonzero(original >= 0).tolist():
        first = ids[original[i]]
        notices.add(
            "duplicate-footprint",
            f"{where}: footprint {ids[i]} is a duplicate of {first}: the same outline; {first} is built",
            subject=str(ids[i]),
        )


def _tell_overlaps(
    overlaps: Overlaps,
    ids: NDArray[np.object_],
    original: NDArray[np.int64],
    *,
    where: Path,
    notices: Notices,
) -> None:
    different = overlaps.select(
        (overlaps.joint_share < SAME_SHARE) & (original[overlaps.a] < 0) & (original[overlaps.b] < 0)
    )
    for a, b, area, share in zip(different.a, different.b, different.area_m2, different.share, strict=True):
        notices.add(
            "overlapping-footprints",
            f"{where}: footprints {ids[a]} and {ids[b]} overlap by {area:.1f} m2 "
            f"({100 * share:.0f} % of the smaller); both are built",
            subject=f"{ids[a]}/{ids[b]}",
        )
