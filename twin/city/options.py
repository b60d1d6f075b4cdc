"""What a build is asked to do: one frozen record, from a call, a command line or a ``twin.toml``."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from twin.core.errors import ConfigError, InputNotFoundError, UsageError
from twin.sources.layer_paths import split_layer

if TYPE_CHECKING:
    from collections.abc import Mapping

LODS = ("1.2", "1.3", "2.0", "2.2")
DEFAULT_CELL_SIZE_M = 0.5
MAP_KINDS = ("roads", "water", "bridges", "landcover")
RASTER_KINDS = ("dtm", "dsm", "ortho")


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """One build.

    Parameters
    ----------
    points : tuple of str
        Files, folders or globs of point clouds; may be empty when terrain and buildings are given.
    output : Path
        The city folder.
    footprints : Path, optional
        Building outlines.
    buildings : Path, optional
        Given solids (CityJSON) that replace reconstruction.
    vectors, rasters : mapping
        Map layers by kind (roads, water, bridges, landcover) and rasters by kind (dtm, dsm, ortho).
    layers : mapping
        By kind, which layer of a vector file is meant; also taken from paths such as ``map.gpkg|layername=roads``.
    crs : str, optional
        CRS of the city, assumed for inputs that name none.
    id_field : str, optional
        Column of the footprints that names a building.
    height_field : str, optional
        Column of the footprints with heights above ground, taken where points tell none.
    lod : str
        Finest level of detail to make.
    detail : float
        From simple (0) to detailed (1).
    cell_size_m : float
        Cell of terrain rasters, metres.
    height_offset_m : float, optional
        Added to elevations where no geoid grid is at hand.
    derive_footprints : bool
        Outline, from the points, the buildings that no footprint tells of, and build them too.
    align : bool
        Move footprints that are displaced against the points.
    keep_going : bool
        Leave damaged point files out instead of stopping.
    workers : int
        Processes.
    scheduler : str, optional
        Address of a Dask scheduler whose workers do the tiles instead; they see the files under the same paths.
    attribution, licence : str
        Shown in pictures and written into the manifest.
    """

    points: tuple[str, ...]
    output: Path
    footprints: Path | None = None
    buildings: Path | None = None
    vectors: Mapping[str, Path] = field(default_factory=dict)
    rasters: Mapping[str, Path] = field(default_factory=dict)
    layers: Mapping[str, str] = field(default_factory=dict)
    crs: str | None = None
    id_field: str | None = None
    height_field: str | None = None
    lod: str = LODS[-1]
    detail: float = 0.5
    cell_size_m: float = DEFAULT_CELL_SIZE_M
    height_offset_m: float | None = None
    derive_footprints: bool = False
    align: bool = False
    keep_going: bool = False
    workers: int = 1
    scheduler: str | None = None
    name: str = ""
    attribution: str = ""
    licence: str = ""

    def __post_init__(self) -> None:
        _take_layers(self)
        if self.lod not in LODS:
            raise UsageError("--lod", f"{self.lod!r} is not made", f"choose one of {', '.join(LODS)}")
        if not 0 <= self.detail <= 1:
            raise UsageError("--detail", f"{self.detail} is outside 0 to 1", "choose a value between")
        if not (math.isfinite(self.cell_size_m) and self.cell_size_m > 0):
            raise UsageError("--cell-size", f"{self.cell_size_m} is not a positive length", "give metres")
        if self.height_offset_m is not None and not math.isfinite(self.height_offset_m):
            raise UsageError("--height-offset", f"{self.height_offset_m} is no length", "give metres")
        if not self.points and "dtm" not in self.rasters:
            raise UsageError("build", "no point clouds and no --dtm", "name at least one of them")
        if self.footprints and self.buildings:
            raise UsageError("--buildings", "given solids and --footprints exclude each other", "name one")
        if self.derive_footprints and (self.buildings or not self.points):
            lack = "given solids need no footprints" if self.buildings else "there are no point clouds"
            raise UsageError("--derive-footprints", lack, "leave it out, or build from points")
        if self.align and not (self.footprints and self.points):
            lack = "there are no footprints" if self.points else "there are no point clouds"
            raise UsageError("--align", lack, "leave it out, or give points and --footprints")
        _refuse_output_among_inputs(self)
        if self.scheduler:  # workers elsewhere have another working folder
            object.__setattr__(self, "output", self.output.absolute())
            object.__setattr__(self, "points", tuple(str(Path(p).absolute()) for p in self.points))

    def inputs(self) -> dict[str, Path]:
        """The named single files by role."""
        files = {**self.vectors, **self.rasters}
        if self.footprints:
            files["footprints"] = self.footprints
        if self.buildings:
            files["buildings"] = self.buildings
        return files


def _take_layers(options: BuildOptions) -> None:
    """Part ``FILE|layername=NAME`` of vector files into file and layer."""
    split = {kind: split_layer(path) for kind, path in options.vectors.items()}
    layers = {kind: layer for kind, (_, layer) in split.items() if layer is not None}
    object.__setattr__(options, "vectors", {kind: path for kind, (path, _) in split.items()})
    if options.footprints:
        path, layer = split_layer(options.footprints)
        object.__setattr__(options, "footprints", path)
        layers |= {"footprints": layer} if layer is not None else {}
    object.__setattr__(options, "layers", {**options.layers, **layers})


def _refuse_output_among_inputs(options: BuildOptions) -> None:
    output = options.output.resolve()
    for name in (*map(Path, options.points), *options.inputs().values()):
        path = name.resolve()
        if path == output or (path.is_file() and output == path.parent) or output in path.parents:
            raise ConfigError(
                "output.folder",
                f"{options.output} holds the input {name}",
                "write the city into a folder of its own",
            )


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Project(_Section):
    name: str = ""
    crs: str | None = None
    attribution: str = ""
    licence: str = ""


class _Sources(_Section):
    points: str | list[str] = []
    footprints: str | None = None
    buildings: str | None = None
    id_field: str | None = None
    roads: str | None = None
    water: str | None = None
    bridges: str | None = None
    landcover: str | None = None
    dtm: str | None = None
    dsm: str | None = None
    ortho: str | None = None


class _Terrain(_Section):
    cell_size: Annotated[float, Field(gt=0, allow_inf_nan=False)] = DEFAULT_CELL_SIZE_M
    height_offset: Annotated[float, Field(allow_inf_nan=False)] | None = None


class _Buildings(_Section):
    lod: Literal["1.2", "1.3", "2.0", "2.2"] = "2.2"
    detail: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.5
    derive_footprints: bool = False
    align: bool = False
    height_field: str | None = None


class _Output(_Section):
    folder: str = ""


class _File(_Section):
    project: _Project
    sources: _Sources
    terrain: _Terrain = _Terrain()
    buildings: _Buildings = _Buildings()
    output: _Output = _Output()


def read_options(
    path: Path, *, output: Path | None = None, workers: int = 1, scheduler: str | None = None
) -> BuildOptions:
    """The build that a ``twin.toml`` describes; paths in it are relative to the file.

    Raises
    ------
    ConfigError
        With the file, the line or key, and the nearest known key for a mistyped one.
    InputNotFoundError
        If a named input is not there.
    """
    file = _validate(path, _parse(path))
    base = path.resolve().parent
    sources = file.sources
    points = [sources.points] if isinstance(sources.points, str) else sources.points

    def place(name: str) -> Path:
        found = base / name
        file, _ = split_layer(found)
        if not file.exists():
            raise InputNotFoundError(file, f"not found (named in {path})", "correct the path")
        return found

    single = {k: place(v) for k, v in sources.model_dump().items() if k not in {"points", "id_field"} and v}
    folder = output or _output_folder(path, file, base)
    return BuildOptions(
        points=tuple(_point_path(base, p, path) for p in points),
        output=folder,
        footprints=single.get("footprints"),
        buildings=single.get("buildings"),
        vectors={k: single[k] for k in MAP_KINDS if k in single},
        rasters={k: single[k] for k in RASTER_KINDS if k in single},
        crs=file.project.crs,
        id_field=sources.id_field,
        height_field=file.buildings.height_field,
        lod=file.buildings.lod,
        detail=file.buildings.detail,
        cell_size_m=file.terrain.cell_size,
        height_offset_m=file.terrain.height_offset,
        derive_footprints=file.buildings.derive_footprints,
        align=file.buildings.align,
        workers=workers,
        scheduler=scheduler,
        name=file.project.name,
        attribution=file.project.attribution,
        licence=file.project.licence,
    )


def _point_path(base: Path, name: str, toml: Path) -> str:
    path = base / name
    if not path.exists() and not any(c in name for c in "*?["):
        raise InputNotFoundError(path, f"not found (named in {toml})", "correct the path")
    return str(path)


def _output_folder(path: Path, file: _File, base: Path) -> Path:
    folder = file.output.folder or (f"{file.project.name or path.stem}.twin")
    target = (base / folder).resolve()
    if Path(folder).is_absolute() or not target.is_relative_to(base):
        raise ConfigError(
            f"{path}: output.folder", f"{folder!r} leads outside the folder of {path.name}", "use a name"
        )
    return base / folder


def _parse(path: Path) -> dict[str, Any]:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise InputNotFoundError(path, "not found", "correct the path") from None
    except UnicodeDecodeError as error:
        raise ConfigError(path, f"is not UTF-8 (byte {error.start})", "save it as UTF-8") from error
    except OSError as error:
        raise ConfigError(path, f"cannot be read ({error.strerror})", "check the path") from error
    if "\0" in text:
        raise ConfigError(path, "is not UTF-8 text (zero bytes, perhaps UTF-16)", "save it as UTF-8")
    try:
        return tomllib.loads(text)
    except ValueError as error:  # with line and column; a number of thousands of digits has neither
        raise ConfigError(path, str(error), "correct that line") from error
    except RecursionError as error:
        raise ConfigError(path, "is nested too deeply", "write lists without lists in them") from error


def _validate(path: Path, data: dict[str, Any]) -> _File:
    try:
        return _File.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(p) for p in first["loc"])
        if first["type"] == "extra_forbidden":
            raise ConfigError(
                f"{path}: {key}", f"unknown key{_nearest(first['loc'])}", "correct the key"
            ) from error
        if first["type"] == "missing":
            raise ConfigError(f"{path}: {key}", f"the section [{key}] is missing", "add it") from error
        raise ConfigError(
            f"{path}: {key}", f"{first['msg']} (is {first['input']!r})", "correct the value"
        ) from error


def _nearest(location: tuple[int | str, ...]) -> str:
    import difflib

    sections = _File.model_fields
    known = list(sections)
    if len(location) > 1 and location[0] in sections:
        annotation = sections[str(location[0])].annotation
        known = list(getattr(annotation, "model_fields", {}))
    close = difflib.get_close_matches(str(location[-1]), known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f" (known: {', '.join(known)})"
