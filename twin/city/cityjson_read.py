"""City models of any maker, CityJSON 1.0 to 2.0 and CityJSONSeq, to buildings."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.city.cityjson_crs import crs_of_reference_system
from twin.city.cityjson_objects import ObjectReader, require_table
from twin.city.cityjson_text import parts, require_cityjson
from twin.city.cityjson_vertices import read_transform
from twin.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from twin.city.building_geometry import BuildingGeometry
    from twin.core.notices import Notices


@dataclass(frozen=True, slots=True)
class ModelHeader:
    """What a CityJSON file says before its objects.

    Parameters
    ----------
    version : str
        ``"1.0"``, ``"1.1"`` or ``"2.0"``.
    crs : str
        ``"EPSG:7415"``, ``"EPSG:5187+5193"``, another text that the file gives, or empty where it gives none.
    title, attribution : str
        As the file gives them.
    """

    version: str
    crs: str
    title: str = ""
    attribution: str = ""


@dataclass(frozen=True, slots=True)
class CityModel:
    """A city model as read: coordinates are those of the file.

    Parameters
    ----------
    header : ModelHeader
        CRS, version and title.
    buildings : tuple of BuildingGeometry
        In the order of the file; a building's parts are solids of the building.
    others : mapping
        How many objects of each other type the file holds; they are not read.
    """

    header: ModelHeader
    buildings: tuple[BuildingGeometry, ...]
    others: Mapping[str, int]


def read_cityjson(
    path: Path | str,
    *,
    notices: Notices,
    lods: frozenset[str] | None = None,
) -> CityModel:
    """Read every building of a CityJSON document or CityJSONSeq.

    Parameters
    ----------
    path : path
        The file.
    notices : Notices
        Told of what was left out: cavities, broken faces, surfaces that do not close, installations.
    lods : frozenset of str, optional
        Read these levels of detail only, which is quicker; LoD 0 is always read.

    Raises
    ------
    InputError
        If the file is damaged: names the object and the cause.
    InputNotFoundError, UnsafeInputError, LimitError
        If it is not there, reaches outside itself, or is too long.
    """
    others: Counter[str] = Counter()
    buildings = tuple(iter_buildings(path, notices=notices, lods=lods, others=others))
    return CityModel(read_header(path), buildings, dict(sorted(others.items())))


def read_header(path: Path | str) -> ModelHeader:
    """Version, CRS and title of a CityJSON file, from the first line of a sequence or the whole document."""
    where, first = next(parts(path))
    return _header(first, where)


def iter_buildings(
    path: Path | str,
    *,
    notices: Notices,
    lods: frozenset[str] | None = None,
    others: Counter[str] | None = None,
) -> Iterator[BuildingGeometry]:
    """Buildings one after another; a CityJSONSeq never holds more than one line in memory.

    Parameters
    ----------
    notices, lods
        As for `read_cityjson`.
    others : Counter, optional
        Counts the objects of other types while reading goes on.

    Raises
    ------
    InputError
        If the file is damaged, or two buildings share an id.
    """
    path = Path(path)
    counted: Counter[str] = Counter() if others is None else others
    seen: dict[str, str] = {}
    reader: ObjectReader | None = None
    for where, value in parts(path):
        if reader is None:
            version = require_cityjson(value, where)
            transform = read_transform(value, required=version != "1.0", where=where)
            templates = require_table(value, "geometry-templates", where)
            reader = ObjectReader(path, transform, templates, notices, lods=lods)
        else:
            _require_feature(value, where)
        for building in reader.buildings(value, counted, where=where):
            if building.id in seen:
                told = f"building {building.id!r} stands there twice (also at {seen[building.id]})"
                raise InputError(where, told, "give each building an id of its own")
            seen[building.id] = where
            yield building


def _header(value: dict[str, Any], where: str) -> ModelHeader:
    version = require_cityjson(value, where)
    metadata = require_table(value, "metadata", where)
    title = metadata.get("title") or metadata.get("datasetTitle") or ""
    attribution = metadata.get("attribution") or ""
    return ModelHeader(version, crs_of_reference_system(metadata), str(title), str(attribution))


def _require_feature(value: dict[str, Any], where: str) -> None:
    if value.get("type") != "CityJSONFeature":
        told = f"is of type {value.get('type', 'none')!r}, not CityJSONFeature"
        raise InputError(where, told, "a CityJSONSeq holds one header line and then features")
