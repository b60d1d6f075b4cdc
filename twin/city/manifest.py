"""The city's table of contents, ``twin.json``: what it holds and where each part came from."""

from __future__ import annotations

import json
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from twin.core.errors import StorageError
from twin.core.files import canonical_json, guard_storage, sha256, write_text

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = "twin.json"
FORMAT = 1
BUILT_LAYERS = frozenset(
    {"terrain", "buildings", "roads", "water", "bridges", "landcover", "trees", "unmapped", "ortho"}
)
"""Layers that a build makes; all others were added by the user and stay."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Artifact(_Strict):
    """One file of the city, with what proves that it is whole."""

    path: str
    size: int = Field(ge=0)
    sha256: str

    @field_validator("path")
    @classmethod
    def _inside(cls, path: str) -> str:
        parts = PureWindowsPath(path)  # knows every way to leave a folder, those of POSIX too
        if parts.anchor or ".." in parts.parts or not parts.parts:
            raise ValueError(f"{path!r} lies outside the city")
        return path


class Source(_Strict):
    """One input file as it was read."""

    name: str
    size: int
    sha256: str


class Provenance(_Strict):
    """Where a layer came from."""

    inputs: tuple[Source, ...] = ()
    parameters: dict[str, Any] = {}
    software: dict[str, str] = {}
    attribution: str = ""
    licence: str = ""


class Layer(_Strict):
    """One layer of the city: its kind, its files, its origin."""

    kind: str
    files: tuple[Artifact, ...]
    provenance: Provenance = Provenance()
    counts: dict[str, int | float] = {}
    title: str = ""
    options: dict[str, Any] = {}


class Manifest(_Strict):
    """The whole table of contents."""

    format: int = FORMAT
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
    layers: dict[str, Layer] = {}
    notices: tuple[dict[str, Any], ...] = ()


def artifact(city: Path, relative: str) -> Artifact:
    """The entry for a file as it lies on disk now."""
    path = city / relative
    return Artifact(path=relative, size=path.stat().st_size, sha256=sha256(path))


def write_manifest(manifest: Manifest, path: Path) -> None:
    """Write the manifest atomically; the same manifest gives the same bytes."""
    write_text(path, canonical_json(manifest.model_dump(mode="json")))


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
        return Manifest.model_validate(data)
    except (ValueError, ValidationError, AttributeError, RecursionError) as error:
        raise StorageError(path, f"the manifest is damaged ({_first_line(error)})", rebuild) from error


def _first_line(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"[:200]
    return str(error).splitlines()[0][:200]


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
