"""CityJSON 2.0 files: one document, or CityJSONSeq with a building a line; memory is bounded by one building."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from twin.city.cityjson_crs import reference_system
from twin.city.cityjson_encode import VERSION, VertexPool, VertexTransform, encode_building
from twin.core.errors import StorageError
from twin.core.files import atomic_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from twin.city.building_geometry import BuildingGeometry

_COPY_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class ModelMetadata:
    """What a city model says of itself.

    Parameters
    ----------
    crs : str
        ``"EPSG:7415"``, ``"EPSG:5187+5193"``; other texts are not written, since CityJSON has no place for them.
    title : str
        Name of the model.
    attribution : str
        Whose data it is, as their licences want it said.
    extent : tuple of six floats, optional
        Smallest easting, northing, elevation and largest, metres.
    """

    crs: str
    title: str = ""
    attribution: str = ""
    extent: tuple[float, float, float, float, float, float] | None = None

    def as_json(self) -> dict[str, Any]:
        """CityJSON's ``metadata`` member."""
        told: dict[str, Any] = dict(reference_system(self.crs))
        if self.title:
            told["title"] = self.title
        if self.attribution:
            told["attribution"] = self.attribution
        if self.extent is not None:
            told["geographicalExtent"] = [float(v) for v in self.extent]
        return told


def header_line(metadata: ModelMetadata, transform: VertexTransform) -> bytes:
    """First line of a CityJSONSeq: the whole model's CRS and transform, without objects."""
    return _dump(
        {
            "type": "CityJSON",
            "version": VERSION,
            "transform": transform.as_json(),
            "metadata": metadata.as_json(),
            "CityObjects": {},
            "vertices": [],
        }
    )


def feature_line(building: BuildingGeometry, transform: VertexTransform) -> bytes:
    """A line of a CityJSONSeq: one building with its own vertices.

    The bytes depend on the building and the transform alone, so that workers may make lines and one process join them.
    """
    pool = VertexPool(transform)
    encoded = encode_building(building, pool)
    return _dump(
        {
            "type": "CityJSONFeature",
            "id": building.id,
            "CityObjects": {building.id: encoded},
            "vertices": pool.rows(),
        }
    )


def write_cityjsonseq(
    path: Path | str,
    buildings: Iterable[BuildingGeometry],
    *,
    metadata: ModelMetadata,
    transform: VertexTransform,
    force: bool = True,
) -> int:
    """Write a CityJSONSeq file atomically; how many buildings it holds.

    Raises
    ------
    ValueError
        If two buildings share an id.
    OutputExistsError
        If the file exists and `force` is false.
    StorageError
        If the disk is full or fails; nothing is left under the final name.
    """
    with atomic_path(path, force=force) as temporary:
        written = n = 0
        with temporary.open("wb") as out:
            written += out.write(header_line(metadata, transform))
            for building in _unique(buildings):
                written += out.write(feature_line(building, transform))
                n += 1
        _require_size(temporary, written, path)
    return n


def write_cityjson(
    path: Path | str,
    buildings: Iterable[BuildingGeometry],
    *,
    metadata: ModelMetadata,
    transform: VertexTransform,
    force: bool = True,
) -> int:
    """Write one CityJSON document atomically; how many buildings it holds.

    The vertices, which stand behind all objects, wait in a temporary file, so that memory holds one building at a time.

    Raises
    ------
    ValueError
        If two buildings share an id.
    OutputExistsError
        If the file exists and `force` is false.
    StorageError
        If the disk is full or fails; nothing is left under the final name.
    """
    with atomic_path(path, force=force) as temporary:
        with temporary.open("wb") as out, tempfile.TemporaryFile(dir=temporary.parent) as spool:
            n = _write_objects(out, spool, buildings, metadata, transform)
            written = out.tell()
        _require_size(temporary, written, path)
    return n


def _write_objects(
    out: IO[bytes],
    spool: IO[bytes],
    buildings: Iterable[BuildingGeometry],
    metadata: ModelMetadata,
    transform: VertexTransform,
) -> int:
    head = {"type": "CityJSON", "version": VERSION, "transform": transform.as_json()}
    out.write(_dump(head)[:-2] + b',"CityObjects":{')
    n = n_vertices = 0
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for building in _unique(buildings):
        pool = VertexPool(transform, first_index=n_vertices)
        encoded = encode_building(building, pool)
        rows = pool.rows()
        out.write((b",\n" if n else b"\n") + _dump(building.id)[:-1] + b":" + _dump(encoded)[:-1])
        if rows:
            spool.write((b",\n" if n_vertices else b"\n") + _dump(rows)[1:-2])
            xyz = transform.decode(np.asarray(rows, dtype=np.int64))
            low, high = np.minimum(low, xyz.min(axis=0)), np.maximum(high, xyz.max(axis=0))
        n, n_vertices = n + 1, n_vertices + len(rows)
    out.write(b'},\n"vertices":[')
    spool.seek(0)
    while block := spool.read(_COPY_BYTES):
        out.write(block)
    told = metadata.as_json()
    if n_vertices:
        told["geographicalExtent"] = [*low.tolist(), *high.tolist()]
    out.write(b'],\n"metadata":' + _dump(told)[:-1] + b"}\n")
    return n


def _unique(buildings: Iterable[BuildingGeometry]) -> Iterator[BuildingGeometry]:
    seen: set[str] = set()
    for building in buildings:
        if building.id in seen:
            raise ValueError(f"two buildings share the id {building.id!r}")
        seen.add(building.id)
        yield building


def _dump(value: Any) -> bytes:
    """Compact JSON and a line feed; half surrogate pairs, which UTF-8 has no bytes for, are escaped."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return (json.dumps(value, allow_nan=False, separators=(",", ":")) + "\n").encode("ascii")


def _require_size(temporary: Path, written: int, path: Path | str) -> None:
    there = temporary.stat().st_size
    if there != written:
        raise StorageError(
            path, f"{written} bytes were written but {there} lie on the disk", "check the disk"
        )
