"""A scene as it lies in the cache: arrays ready for the graphics card, and what they mean.

Reading it takes milliseconds and nothing but numpy, which is what makes a cold picture quick.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import math
import struct
import sys
import threading
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.files import atomic_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

FORMAT = 11
"""Counts up when the arrays or their meaning change; older packs are then made anew."""

_LOCAL_HEADER, _ZIP64_FIELD, _FIELD_HEADER = 30, 20, 4
_PADDING_FIELD = 0xD935
"""What Android's zipalign calls the field that makes data begin at a round place; readers pass over it."""
_ALIGNED = 64
_CODES_AT_ONCE = 1 << 20
_MAPPED_BYTES = 1 << 20
"""Arrays of this size are looked at in the file: of a large city only what is near is ever read, and what goes to the
graphics card is there once."""


_MAPPED: list[Any] = []
"""Files that are looked at. VTK gives arrays back while it holds a lock of its own; were a file let go of there, Python
would let other threads go on meanwhile, and one that makes something of VTK would wait for that lock for ever."""
_MAPPED_LOCK = threading.Lock()
_REFERENCES_OF_OURS = 3
"""To a file that nobody looks at any more: of the list, of who looks through it, and of the count itself."""


class Material(IntEnum):
    """What a face is made of, as a style colours it."""

    WALL = 0
    ROOF_FLAT = 1
    ROOF_SLOPED = 2
    BRIDGE_DECK = 3
    BRIDGE_SIDE = 4
    CONTEXT_WALL = 5
    CONTEXT_ROOF = 6
    QUAY = 7
    EARTH = 8
    MODEL = 9
    """Of a user's model, which brings its own colours."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A stretch of points and primitives that is drawn together; primitives count points from its first.

    Parameters
    ----------
    group : str
        ``city``, ``ground`` or ``model``.
    points, cells : tuple of int
        First and last (exclusive).
    """

    group: str
    points: tuple[int, int]
    cells: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """The light map of the ground as seen from above: its north-west corner, texel and shape; local metres."""

    x_min: float
    y_max: float
    texel_m: float
    rows: int
    columns: int


@dataclass(frozen=True, slots=True)
class ValueClasses:
    """Classes in whose colours a raster's values are drawn.

    Parameters
    ----------
    quantity : str
        What the values tell, named as a column is: ``sun_h``; empty where nobody said.
    low, high : float
        Between them lie all but the rarest values.
    breaks : tuple of float
        Borders between classes, ascending; the outer classes are open.
    """

    quantity: str
    low: float
    high: float
    breaks: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class OverlayEntry:
    """A user's layer as the legend names it; colour None is left to the style, which gives the one of its place."""

    name: str
    colour: tuple[int, int, int] | None
    lines: tuple[int, int] = (0, 0)
    points: tuple[int, int] = (0, 0)
    model: bool = False
    areas: bool = False
    picture: bool = False
    classes: ValueClasses | None = None
    place: int | None = None


@dataclass(frozen=True, slots=True)
class PackMeta:
    """What the arrays of a pack mean.

    Parameters
    ----------
    key : str
        Digest of what the pack was made from.
    geometry_key : str
        Digest of what stands in the light; light is kept under it.
    name, crs, origin, attribution
        As in `SceneContent`.
    latitude_deg, longitude_deg, convergence_deg : float or None
        Place of the origin on Earth, and angle of grid north clockwise from true north; None for a CRS that
        is tied to nowhere.
    block : tuple of float
        x_min, y_min, x_max, y_max, z_base, z_top of what stands on the table, local metres.
    axis_deg : float
        Direction of most walls, clockwise from grid north, 0 to 90.
    overview_deg, sun_deg : float
        Where the overview is taken from, and where the sun stands when no time is asked for; clockwise from
        grid north.
    atlas : tuple of int
        Rows and columns of the light atlas of faces.
    """

    key: str
    geometry_key: str
    name: str
    crs: str
    origin: tuple[int, int, int]
    attribution: tuple[str, ...]
    latitude_deg: float | None
    longitude_deg: float | None
    convergence_deg: float
    block: tuple[float, float, float, float, float, float]
    axis_deg: float
    overview_deg: float
    sun_deg: float
    atlas: tuple[int, int]
    atlas_texel_m: float
    plan: Plan
    covers: tuple[str, ...]
    facet_tiles: tuple[Tile, ...]
    edge_tiles: tuple[Tile, ...]
    terrain_tiles: tuple[Tile, ...]
    overlays: tuple[OverlayEntry, ...] = ()
    labels: tuple[tuple[str, tuple[float, float, float], str], ...] = ()
    attributes: tuple[tuple[str, str, dict[str, str]], ...] = ()
    """Tables of attributes: Parquet file, column of ids, units by column."""
    street_views: tuple[tuple[float, float, float, float], ...] = ()
    """Eye (x, y, z, local metres) and direction of view (degrees clockwise from grid north), best first."""
    format: int = FORMAT


@dataclass(frozen=True)
class ScenePack:
    """A scene ready to be drawn.

    Parameters
    ----------
    meta : PackMeta
    arrays : mapping
        Name to array; read from the file when asked for. ``facet_points`` f4 (n, 3), ``facet_texel`` f4 (n, 2),
        ``facet_owner`` i4 (n,) and ``facet_material`` u1 (n,) per point, ``facet_triangles`` i4 (m, 3),
        ``facet_face`` i4 (m,), ``facet_rgb`` u1 (k, 3) of the points of models; ``edge_points`` f4 (e, 2, 3),
        ``edge_owner`` i4 (e,); ``terrain_points``, ``terrain_cover`` u1 per point, ``terrain_triangles``;
        ``tree_foot``, ``tree_size`` (radius, height), ``tree_form``, ``tree_turn``, ``tree_tint``;
        ``overlay_rgba`` u1 over the plan, ``overlay_lines`` f4, ``overlay_line_starts`` i4, ``overlay_points``;
        ``unbuilt_points`` f4 (u, 2, 3), the outlines of buildings without a shape; ``building_ids``;
        ``fit_points`` f4, which a view of everything must hold.
    """

    meta: PackMeta
    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.arrays[name]

    @cached_property
    def materials(self) -> frozenset[int]:
        """What its faces are made of, as `Material` counts; looked for once, for every frame tells it in its legend."""
        return _codes_in(self["facet_material"])

    @cached_property
    def covers(self) -> frozenset[str]:
        """What covers its ground; looked for once."""
        return frozenset(self.meta.covers[code] for code in _codes_in(self["terrain_cover"]))


def _codes_in(values: NDArray[np.uint8]) -> frozenset[int]:
    """Which numbers there are among many."""
    seen = np.zeros(256, np.bool_)
    for start in range(0, len(values), _CODES_AT_ONCE):
        seen[values[start : start + _CODES_AT_ONCE]] = True
    return frozenset(np.flatnonzero(seen).tolist())


def meta_to_json(meta: PackMeta) -> str:
    """The meaning of a pack as text."""
    return json.dumps(dataclasses.asdict(meta), ensure_ascii=False, sort_keys=True)


def meta_from_json(text: str) -> PackMeta:
    """The meaning of a pack from its text.

    Raises
    ------
    ValueError, KeyError, TypeError
        If it was written by another version.
    """
    data = json.loads(text)
    if data.get("format") != FORMAT:
        raise ValueError(f"pack format {data.get('format')} is not {FORMAT}")
    tuples = {name: tuple(data[name]) for name in ("origin", "attribution", "block", "atlas", "covers")}
    tiles = {
        name: tuple(Tile(t["group"], tuple(t["points"]), tuple(t["cells"])) for t in data[name])
        for name in ("facet_tiles", "edge_tiles", "terrain_tiles")
    }
    overlays = tuple(_overlay(entry) for entry in data["overlays"])
    labels = tuple((text, tuple(position), kind) for text, position, kind in data["labels"])
    views = tuple(tuple(view) for view in data["street_views"])
    attributes = tuple((path, column, dict(units)) for path, column, units in data["attributes"])
    changed = {**tuples, **tiles, "overlays": overlays, "labels": labels, "street_views": views}
    return PackMeta(**{**data, **changed, "plan": Plan(**data["plan"]), "attributes": attributes})


def _overlay(entry: dict[str, Any]) -> OverlayEntry:
    changed: dict[str, Any] = {k: tuple(entry[k]) for k in ("lines", "points")}
    if entry["classes"]:
        told = entry["classes"]
        changed["classes"] = ValueClasses(**{**told, "breaks": tuple(told["breaks"])})
    return OverlayEntry(**{**entry, **changed, "colour": tuple(entry["colour"]) if entry["colour"] else None})


def save_pack(pack: ScenePack, path: Path) -> None:
    """Write a pack atomically, uncompressed: reading counts, not size."""
    with atomic_path(path) as temporary, temporary.open("wb") as handle:
        save_arrays(handle, {"meta": np.array(meta_to_json(pack.meta)), **pack.arrays})


def save_arrays(handle: BinaryIO, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays as an uncompressed archive."""
    with zipfile.ZipFile(handle, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, values in arrays.items():
            # A fixed date: the same arrays give the same bytes.
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.extra = _padding(handle.tell() + _LOCAL_HEADER + len(entry.filename) + _ZIP64_FIELD)
            with archive.open(entry, "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(values, order="C"), allow_pickle=False)


def _padding(data_start: int) -> bytes:
    """A field of a zip header by which data that would begin here begin at the next round place."""
    n = -data_start % _ALIGNED
    if 0 < n < _FIELD_HEADER:
        n += _ALIGNED
    return struct.pack("<HH", _PADDING_FIELD, n - _FIELD_HEADER) + bytes(n - _FIELD_HEADER) if n else b""


def forget_old(folder: Path, pattern: str, n: int) -> None:
    """Delete all but the `n` newest files of a cache."""
    newest_first = sorted(folder.glob(pattern), key=lambda p: p.stat().st_mtime, reverse=True)
    for old in newest_first[n:]:
        with contextlib.suppress(OSError):  # Windows keeps what another process has mapped.
            old.unlink(missing_ok=True)


def load_pack(path: Path, *, key: str | None = None) -> ScenePack | None:
    """The pack in a file, or None where there is none, it is damaged, or it was made from something else than `key`
    says; any pack will do without.
    """
    arrays = load_arrays(path)
    if arrays is None or "meta" not in arrays:
        return None
    try:
        meta = meta_from_json(str(arrays["meta"]))
    except (ValueError, KeyError, TypeError):
        return None
    return ScenePack(meta, arrays) if key in (None, meta.key) else None


def load_arrays(path: Path) -> StoredArrays | None:
    """Arrays of an uncompressed archive by name, or None if it is missing or damaged; a cache is made again."""
    try:
        return StoredArrays(path)
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile):
        return None


class StoredArrays(Mapping[str, "NDArray[Any]"]):
    """Arrays of an uncompressed archive, each read when it is first asked for.

    Raises
    ------
    OSError, ValueError, zipfile.BadZipFile
        If the file is missing, cut short, compressed, or holds anything but plain arrays.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: dict[str, NDArray[Any]] = {}
        with zipfile.ZipFile(path) as archive, path.open("rb") as handle:
            self._places = {m.filename.removesuffix(".npy"): _place(handle, m) for m in archive.infolist()}

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self._read:
            start, dtype, shape = self._places[name]
            n = math.prod(shape)
            if n * dtype.itemsize >= _MAPPED_BYTES and start % dtype.alignment == 0:
                self._read[name] = _looked_at(self._path, start, dtype, shape)
            else:
                with self._path.open("rb") as handle:
                    handle.seek(start)
                    self._read[name] = np.fromfile(handle, dtype, n).reshape(shape)
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def _looked_at(path: Path, start: int, dtype: np.dtype[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    """An array in the file itself; files that nobody looks at any more are let go of here.

    What is written to it stays in memory: compiled code tells arrays that may be written from those that may not, and
    would be compiled again for large cities.
    """
    found = np.memmap(path, dtype, "c", start, shape)
    with _MAPPED_LOCK:
        _MAPPED[:] = [file for file in _MAPPED if sys.getrefcount(file) > _REFERENCES_OF_OURS]
        _MAPPED.append(found.base)
    return found.view(np.ndarray)


def _place(handle: BinaryIO, member: zipfile.ZipInfo) -> tuple[int, np.dtype[Any], tuple[int, ...]]:
    """Where the values of a stored array begin, their type and their shape."""
    if member.compress_type != zipfile.ZIP_STORED:
        raise ValueError("a pack is not compressed")
    # The local header repeats the name; its lengths tell where the data begin (APPNOTE.TXT, 4.3.7).
    handle.seek(member.header_offset)
    head = handle.read(_LOCAL_HEADER)
    lengths = int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
    handle.seek(member.header_offset + _LOCAL_HEADER + lengths)
    if np.lib.format.read_magic(handle) != (1, 0):
        raise ValueError("an array header of another version")
    shape, by_columns, dtype = np.lib.format.read_array_header_1_0(handle)
    if dtype.hasobject or by_columns:
        raise ValueError("no plain array")
    return handle.tell(), dtype, shape


def digest(*parts: NDArray[Any] | str) -> str:
    """A short key for arrays and texts: equal content, equal key."""
    made = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            made.update(part.encode() + b"\0")
        else:
            made.update(f"{part.dtype}{part.shape}".encode())
            made.update(np.ascontiguousarray(part).tobytes())
    return made.hexdigest()[:20]
