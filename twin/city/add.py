"""Layers that users put beside what was built: read, brought into the city's CRS, kept in open formats.

A layer is one file under ``layers/`` and one entry of the manifest; both change in one journalled commit, so the
city is never without its manifest and nothing built is touched.
"""

from __future__ import annotations

import contextlib
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.city.folder import WORK, open_manifest
from twin.city.layer_files import LayerFile, LayerRequest, write_layer
from twin.city.manifest import (
    BUILT_LAYERS,
    DRAWN_NAMES,
    MANIFEST,
    Layer,
    Provenance,
    artifact,
    write_manifest,
)
from twin.city.plan import sources_of
from twin.core.commit import commit
from twin.core.errors import InputNotFoundError, OutputExistsError, UsageError
from twin.core.files import make_folder, remove_tree
from twin.core.lock import writer_lock
from twin.sources.layer_paths import split_layer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from twin.city.manifest import Manifest
    from twin.core.notices import Notices


MAX_NAME_BYTES = 200
DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(1, 10))}
"""Names that Windows keeps for itself, with any suffix."""


def add_files(
    city: Path,
    files: Sequence[Path],
    *,
    name: str | None = None,
    crs: str | None = None,
    encoding: str | None = None,
    join: str | None = None,
    at: str | None = None,
    height_offset: float | None = None,
    force: bool = False,
    notices: Notices,
) -> list[dict[str, Any]]:
    """Add files to a city; name, kind and counts of each new layer.

    Parameters
    ----------
    city : Path
        The city folder.
    files : sequence of Path
        Vectors, rasters, models or tables; the content decides, not the suffix. ``FILE|layername=NAME`` names one
        layer of a vector file, or one sheet of a workbook.
    name : str, optional
        Name of the layer, for a single file.
    crs : str, optional
        For files that name none.
    encoding : str, optional
        Of the text in the files.
    join : str, optional
        ``COLUMN=id``: the table describes buildings.
    at : str, optional
        ``X,Y`` or ``X,Y,Z``: where a model without coordinates of its own stands.
    height_offset : float, optional
        Metres to add to elevations whose datum is not the city's, where no geoid grid is at hand.
    force : bool
        Whether a layer of that name may be replaced.

    Raises
    ------
    TwinError
        One of its leaves; then nothing was added.
    """
    if name is not None and len(files) > 1:
        raise UsageError("--as", f"one name for {len(files)} files", "add them one by one")
    if name is not None and name != layer_name(name):
        raise UsageError("--as", f"{name!r} is no name of a layer", f"choose one such as {layer_name(name)}")
    open_manifest(city)  # before the lock, which would make a folder of a mistyped name
    with writer_lock(city, notices=notices):
        manifest = open_manifest(city)
        request = _shared_request(
            manifest, crs=crs, encoding=encoding, join=join, at=at, height_offset_m=height_offset
        )
        requests = [request(f) for f in files]
        if name is not None:
            requests = [replace(requests[0], name=name)]
        _refuse_taken(city, manifest, requests, force=force)
        stage = city / WORK / "add"
        remove_tree(stage)
        make_folder(stage / "layers")
        try:
            added = [(r, write_layer(r, city, stage, notices=notices)) for r in requests]
            entries = {r.name: _entry(r, a, stage) for r, a in added}
            _commit(city, stage, manifest, entries)
        finally:
            remove_tree(stage)
            with contextlib.suppress(OSError):  # an unfinished build stays
                (city / WORK).rmdir()
    return [{"name": r.name, "kind": a.kind, "counts": a.counts} for r, a in added]


def _shared_request(
    manifest: Manifest,
    *,
    crs: str | None,
    encoding: str | None,
    join: str | None,
    at: str | None,
    height_offset_m: float | None,
) -> Callable[[Path], LayerRequest]:
    """What all files of one call have in common; a file makes it a request."""
    from twin.core.crs import parse_crs
    from twin.core.grid import Bounds

    city_crs = parse_crs(manifest.crs_wkt, where="twin.json")
    x0, y0, _, x1, y1, _ = manifest.bounds
    extent = Bounds(x0, y0, x1, y1)
    own = parse_crs(crs) if crs else None
    if height_offset_m is not None and not math.isfinite(height_offset_m):
        raise UsageError("--height-offset", f"{height_offset_m} is no length", "give metres")
    joined, place = _join(join), _place(at)

    def request(path: Path) -> LayerRequest:
        file, layer = split_layer(path)
        if not file.exists():
            raise InputNotFoundError(file, "not found", "correct the path")
        name = layer_name(layer or file.name.split(".")[0] or file.name)
        return LayerRequest(
            file, name, city_crs, extent, own, encoding, joined, place, layer, height_offset_m
        )

    return request


def layer_name(text: str) -> str:
    """The nearest name of a layer: any script, no path, nothing that a file system stumbles over.

    >>> layer_name("가로등 2024"), layer_name("../x"), layer_name("CON")
    ('가로등 2024', '___x', 'CON_')
    """
    clean = "".join(c if c.isalnum() or c in "-_ " else "_" for c in text).strip()
    while len(clean.encode()) > MAX_NAME_BYTES:
        clean = clean[:-1].rstrip()
    return f"{clean}_" if clean.upper() in DEVICES else clean or "layer"


def _join(text: str | None) -> tuple[str, str] | None:
    if text is None:
        return None
    column, _, target = text.partition("=")
    if not column or not target:
        raise UsageError(
            "--join", f"{text!r} is not COLUMN=id", "name the table's column and the buildings' column"
        )
    return column, target


def _place(text: str | None) -> tuple[float, float, float] | None:
    if text is None:
        return None
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in {2, 3} or not np.isfinite(numbers).all():
        raise UsageError("--at", f"{text!r} is not X,Y or X,Y,Z", "give metres in the city's CRS")
    return (numbers[0], numbers[1], numbers[2] if len(numbers) == 3 else float("nan"))


def _refuse_taken(city: Path, manifest: Manifest, requests: list[LayerRequest], *, force: bool) -> None:
    seen: set[str] = set()
    for request in requests:
        if request.name in BUILT_LAYERS:
            raise UsageError(request.name, "is the name of a built layer", "choose another with --as")
        if request.name in DRAWN_NAMES:
            raise UsageError(
                request.name, "is what pictures call a part of their own", "choose another with --as"
            )
        if request.name in seen:
            raise UsageError(
                request.name, "two files would become this layer", "add them one by one with --as"
            )
        if request.name in manifest.layers and not force:
            raise OutputExistsError(
                city / request.name, "the layer exists and was kept", "pass --force or --as NAME"
            )
        seen.add(request.name)


def _entry(request: LayerRequest, added: LayerFile, stage: Path) -> Layer:
    provenance = Provenance(
        inputs=sources_of(request.file),
        parameters={
            "encoding": request.encoding,
            "join": list(request.join) if request.join else None,
            "layer": request.layer,
            "height_offset_m": request.height_offset_m,
        },
    )
    return Layer(
        kind=added.kind,
        files=(artifact(stage, added.relative),),
        provenance=provenance,
        counts=added.counts,
        title=request.name,
        options=added.options,
    )


def _commit(city: Path, stage: Path, manifest: Manifest, entries: dict[str, Layer]) -> None:
    fresh = {f.path for e in entries.values() for f in e.files}
    stale = {
        f.path for name in entries if name in manifest.layers for f in manifest.layers[name].files
    } - fresh
    updated = replace(manifest, layers={**manifest.layers, **entries})
    write_manifest(updated, stage / MANIFEST)
    commit(stage, city, last=MANIFEST, remove=tuple(stale))
