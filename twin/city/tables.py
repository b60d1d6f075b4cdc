"""Tables of a city: GeoParquet on disk, data frames in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twin.core.errors import StorageError
from twin.core.files import guard_storage
from twin.core.memory import memory_error, tells_exhausted_memory

if TYPE_CHECKING:
    from pathlib import Path

    from twin.city.manifest import Manifest
    from twin.core.errors import TwinError

BUILDINGS = "buildings/buildings.parquet"


def read_table(city: Path, relative: str) -> Any:
    """A parquet file of the city: a GeoDataFrame if it has geometry, else a DataFrame.

    Raises
    ------
    StorageError
        If the file is damaged.
    LimitError
        If memory is exhausted.
    """
    import geopandas
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = city / relative
    try:
        is_geo = b"geo" in (pq.read_schema(path).metadata or {})
        return geopandas.read_parquet(path) if is_geo else pd.read_parquet(path)
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _explain(path, error) from error


def _no_buildings(manifest: Manifest) -> Any:
    import geopandas

    columns: dict[str, list[Any]] = {"id": [], "state": [], "reason": []}
    return geopandas.GeoDataFrame(columns, geometry=[], crs=manifest.crs_wkt)


def read_columns(city: Path, relative: str, columns: tuple[str, ...]) -> Any:
    """Some columns of a parquet file, without its geometry, as a DataFrame."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = city / relative
    try:
        return pq.read_table(path, columns=list(columns)).to_pandas()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise _explain(path, error) from error


def _explain(path: Path, error: Exception) -> TwinError:
    if tells_exhausted_memory(error):
        return memory_error(path, error)
    return StorageError(path, f"is damaged ({error})", "run the same `twin build` again")


def write_table(frame: Any, path: Path) -> None:
    """Write a data frame as parquet: the same frame gives the same bytes."""
    with guard_storage(path):
        frame.reset_index(drop=True).to_parquet(path, index=False, compression="zstd")


def read_buildings(city: Path, manifest: Manifest) -> Any:
    """The buildings with every joined table's columns beside their own; no rows where the city has none."""
    if "buildings" not in manifest.layers:
        return _no_buildings(manifest)
    frame = read_table(city, BUILDINGS)
    for name, layer in sorted(manifest.layers.items()):
        if layer.kind != "join":
            continue
        joined = read_table(city, layer.files[0].path).drop_duplicates("id").set_index("id")
        fresh = joined.rename(columns={c: f"{name}_{c}" for c in joined.columns if c in frame.columns})
        frame = frame.join(fresh, on="id")
    return frame
