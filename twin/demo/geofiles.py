"""Vector files of the district, written a part at a time and with the same bytes every time."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from twin.core.errors import StorageError
from twin.core.files import atomic_path
from twin.demo import skeleton as sk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Row = Mapping[str, Any]

DAY = "2026-05-14"
"""When the district was surveyed; also what files say about when they were made."""
HAIR_M = 0.004
HORIZONTAL_CRS = "EPSG:5187"


def place_on_map(geometry: Any) -> Any:
    """A geometry of the local frame in map coordinates, valid and to the millimetre."""
    placed = shapely.set_precision(shapely.transform(geometry, sk.to_world), 0.001)
    return shapely.transform(placed, lambda xy: np.round(xy, 3))


def _without_hairs(geometry: Any) -> Any:
    """The area without the spikes and slits that differences of nearly equal outlines leave."""
    # GEOS divides by the length of every edge, also of those that are next to nothing; its result is sound.
    with np.errstate(divide="ignore", invalid="ignore"):
        inner = shapely.buffer(geometry, -HAIR_M, join_style="mitre")
        return shapely.buffer(inner, HAIR_M, join_style="mitre")


def polygons_of(geometry: Any, *, min_area_m2: float) -> list[Any]:
    """The polygons of an area of the local frame on the map; slivers are left out."""
    placed = shapely.get_parts(place_on_map(_without_hairs(geometry)))
    return [p for p in placed if p.geom_type == "Polygon" and p.area > min_area_m2]


class LayerSink:
    """A GeoPackage of one layer, named after its file, that takes rows in parts."""

    def __init__(self, path: Path, temporary: Path) -> None:
        self._path, self._temporary = path, temporary
        self.n_rows = 0

    def add(self, rows: Sequence[Row]) -> None:
        """Write rows of attributes and ``geometry`` in map coordinates; the first rows decide the columns."""
        import geopandas as gpd
        import pyogrio

        if not rows:
            return
        frame = gpd.GeoDataFrame(list(rows), geometry="geometry", crs=HORIZONTAL_CRS)
        try:
            pyogrio.write_dataframe(
                frame, self._temporary, layer=self._path.stem, driver="GPKG", append=self.n_rows > 0
            )
        except pyogrio.errors.DataSourceError as error:
            raise StorageError(self._path, f"could not be written ({error})", "check the disk") from error
        self.n_rows += len(frame)


@contextlib.contextmanager
def layer_sink(path: Path) -> Iterator[LayerSink]:
    """A place for rows; the file has its name when the block ends well.

    Raises
    ------
    StorageError
        If the disk is full or fails; nothing is left under the name then.
    """
    with atomic_path(path) as temporary, _fixed_clock():
        yield LayerSink(path, temporary)


def write_layer(path: Path, parts: Iterable[Sequence[Row]]) -> None:
    """Write a GeoPackage of one layer from rows that come in parts."""
    with layer_sink(path) as sink:
        for rows in parts:
            sink.add(rows)


@contextlib.contextmanager
def _fixed_clock() -> Iterator[None]:
    """GeoPackage stores when a layer was changed; the day of the survey keeps the bytes the same."""
    import pyogrio

    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": f"{DAY}T00:00:00.000Z"})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def polygon(ring: NDArray[np.float64]) -> Any:
    """A polygon from a ring of the local frame."""
    return shapely.Polygon(ring[:, :2])
