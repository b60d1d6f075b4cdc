"""The city's table of contents, ``twin.json``: what it holds and where each part came from."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING, Any

from twin.core.errors import StorageError
from twin.core.files import canonical_json, guard_storage, sha256, write_text
from twin.core.typed_json import fields, number, row_of, table, table_of, text, whole

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = "twin.json"
FORMAT = 1
BUILT_LAYERS = frozenset(
    {"terrain", "buildings", "roads", "water", "bridges", "landcover", "trees", "unmapped", "ortho"}
)
"""Layers that a build makes; all others were added by the user and stay."""
DRAWN_NAMES = frozenset(
    {
        "markers",
        "labels",
        "edges",
        "survey_points",
        "flood",
        "level",
        "sun hours",
        "viewshed",
        "selection",
        "section",
    }
)
"""What a scene draws besides layers, each with a switch of its own; no layer may share its name."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """One file of the city, with what proves that it is whole.

    Raises
    ------
    ValueError
        If the path leaves the city, or the size is negative.
    """

    path: str
    size: int
    sha256: str

    def __post_init__(self) -> None:
        parts = PureWindowsPath(self.path)  # knows every way to leave a folder, those of POSIX too
        if parts.anchor or ".." in parts.parts or not parts.parts:
            raise ValueError(f"{self.path!r} lies outside the city")
        if self.size < 0:
            raise ValueError(f"{self.path!r} cannot hold {self.size} bytes")


@dataclass(frozen=True, slots=True)
class Source:
    """One input file as it was read."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a layer came from."""

    inputs: tuple[Source, ...] = ()
    parameters: dict[str, Any] = field(default_factory=dict)
    software: dict[str, str] = field(default_factory=dict)
    attribution: str = ""
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of the city: its kind, its files, its origin."""

    kind: str
    files: tuple[Artifact, ...]
    provenance: Provenance = field(default_factory=Provenance)
    counts: dict[str, int | float] = field(default_factory=dict)
    title: str = ""
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Manifest:
    """The whole table of contents."""

    name: str
    crs: str
    """Name of the city's CRS, such as ``EPSG:7415``."""
    crs_wkt: str
    origin: tuple[int, int, int]
    """Local origin of meshes and pictures: whole metres, subtracted before float32."""
    bounds: tuple[float, float, float, float, float, float]
    """x_min, y_min, z_min, x_max, y_max, z_max in metres."""
    build_key: str = ""
    """Digest of inputs, parameters and format: the same key means the same bytes."""
    layers: dict[str, Layer] = field(default_factory=dict)
    notices: tuple[dict[str, Any], ...] = ()
    format: int = FORMAT


def artifact(city: Path, relative: str) -> Artifact:
    """The entry for a file as it lies on disk now."""
    path = city / relative
    return Artifact(path=relative, size=path.stat().st_size, sha256=sha256(path))


def write_manifest(manifest: Manifest, path: Path) -> None:
    """Write the manifest atomically; the same manifest gives the same bytes."""
    write_text(path, manifest_text(manifest))


def manifest_text(manifest: Manifest) -> str:
    """The manifest as it stands in its file."""
    return canonical_json(asdict(manifest))


def read_manifest(city: Path) -> Manifest:
    """The manifest of a city folder.

    Raises
    ------
    StorageError
        If it is missing, damaged, or was written by a newer version.
    """
    path = city / MANIFEST
    rebuild = "run the same `twin build` again; finished parts are reused"
    with guard_storage(path):
        try:
            text = path.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            raise StorageError(
                city, "is not a city (no twin.json manifest)", "make one with `twin build`"
            ) from None
        except UnicodeDecodeError as error:
            raise StorageError(path, "the manifest is damaged (not UTF-8)", rebuild) from error
    if not text.strip():
        raise StorageError(path, "the manifest is empty (a power cut?)", rebuild)
    try:
        data = json.loads(text)
        found = data.get("format")
        if isinstance(found, int) and found > FORMAT:
            what = f"has format {found}, written by a newer twin; this one reads up to format {FORMAT}"
            raise StorageError(path, what, "upgrade twin")
        return _manifest(data)
    except (ValueError, AttributeError, RecursionError) as error:
        raise StorageError(path, f"the manifest is damaged ({str(error)[:200]})", rebuild) from error


# Read by hand: the library that checks options takes a tenth of a second to load, and every command opens a city.
_FILE = {"size": whole, "sha256": text}


def _artifact(value: Any, place: str) -> Artifact:
    return Artifact(**fields(value, place, {"path": text, **_FILE}, needed=frozenset({"path", *_FILE})))


def _source(value: Any, place: str) -> Source:
    return Source(**fields(value, place, {"name": text, **_FILE}, needed=frozenset({"name", *_FILE})))


def _provenance(value: Any, place: str) -> Provenance:
    known = {
        "inputs": row_of(_source),
        "parameters": table,
        "software": table_of(text),
        "attribution": text,
        "licence": text,
    }
    return Provenance(**fields(value, place, known, needed=frozenset()))


def _layer(value: Any, place: str) -> Layer:
    known = {
        "kind": text,
        "files": row_of(_artifact),
        "provenance": _provenance,
        "counts": table_of(number),
        "title": text,
        "options": table,
    }
    return Layer(**fields(value, place, known, needed=frozenset({"kind", "files"})))


def _manifest(value: Any) -> Manifest:
    known = {
        "format": whole,
        "name": text,
        "crs": text,
        "crs_wkt": text,
        "origin": row_of(whole, n=3),
        "bounds": row_of(number, n=6),
        "build_key": text,
        "layers": table_of(_layer),
        "notices": row_of(table),
    }
    needed = frozenset({"name", "crs", "crs_wkt", "origin", "bounds"})
    return Manifest(**fields(value, "", known, needed=needed))


def damaged_files(city: Path, manifest: Manifest, *, by_checksum: bool) -> dict[str, str]:
    """Files of the manifest that are not as written: relative path to what is wrong with it.

    Parameters
    ----------
    by_checksum : bool
        Whether to read every byte; sizes alone take no time.
    """
    damage: dict[str, str] = {}
    for layer in manifest.layers.values():
        for item in layer.files:
            wrong = _damage(city / item.path, item, by_checksum=by_checksum)
            if wrong:
                damage[item.path] = wrong
    return damage


def _damage(path: Path, item: Artifact, *, by_checksum: bool) -> str:
    if not path.is_file():
        return "is missing"
    size = path.stat().st_size
    if size != item.size:
        return f"has {size} of {item.size} bytes"
    if by_checksum and sha256(path) != item.sha256:
        return "differs from its checksum"
    return ""
