"""What a flood does to a city's roads and buildings, as tables in its folder."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.city.folder import WORK, open_manifest
from twin.city.manifest import MANIFEST, artifact, write_manifest
from twin.city.model import open_city
from twin.city.tables import read_table, write_table
from twin.core.commit import commit
from twin.core.errors import UsageError
from twin.core.files import make_folder, remove_tree
from twin.core.lock import writer_lock
from twin.core.notices import Notices
from twin.water.buildings import building_exposure
from twin.water.depth_ranges import with_ranges
from twin.water.road_network import road_network
from twin.water.roads import ID_COLUMNS, road_exposure
from twin.water.standards import DEFAULT_HAZARD, DEFAULT_ROADS

if TYPE_CHECKING:
    from pathlib import Path

    from twin.city.model import City
    from twin.water.flood import Flood
    from twin.water.road_network import Network

TABLES = ("roads", "road_states", "buildings")
FOLDER, EXTENT = "water", "extent"


def exposure(
    city: City,
    flood: Flood,
    *,
    standard: str | Path = DEFAULT_ROADS,
    hazard: str | Path = DEFAULT_HAZARD,
    notices: Notices | None = None,
) -> dict[str, Any]:
    """Roads and buildings of a city in a flood; nothing is written.

    Parameters
    ----------
    city : City
    flood : Flood
        On a grid in the city's CRS.
    standard : str or path
        When roads close: a name in ``assets/water/roads`` or a ``.toml`` file.
    hazard : str or path
        Classes of danger: a name in ``assets/water/hazard`` or a ``.toml`` file.
    notices : Notices, optional
        Is told if the city has no roads.

    Returns
    -------
    dict of str to DataFrame
        ``roads`` and ``road_states`` as of `twin.water.roads.road_exposure`, with the decks of the city's bridges
        among the roads, and ``buildings`` as of `twin.water.buildings.building_exposure`.
    """
    found: dict[str, Any] = {}
    water = _layer(city, "water")
    flood = _with_own_ranges(city, flood)
    roads = city_roads(city)
    if roads is None:
        (notices or Notices()).add("no-roads", "the city has no roads; only buildings are told of")
    else:
        shown = road_exposure(roads, flood, standard=standard, decks=_layer(city, "bridges"), water=water)
        found |= {"roads": shown.segments, "road_states": shown.states}
    found["buildings"] = building_exposure(_footprints(city), flood, hazard=hazard, water=water)
    return found


def expose(
    city: City,
    flood: Flood,
    *,
    standard: str | Path = DEFAULT_ROADS,
    hazard: str | Path = DEFAULT_HAZARD,
    notices: Notices | None = None,
) -> City:
    """Put what a flood does to roads and buildings beside the flood, in its city; the city with them.

    Writes ``roads.parquet``, ``road_states.parquet`` and ``buildings.parquet`` into ``water/NAME/`` in one commit with
    the manifest, and replaces those that are there.

    Parameters
    ----------
    city, flood, standard, hazard, notices
        As in `exposure`; the flood is one of the city.

    Raises
    ------
    UsageError
        If the city has no such flood, or there is no such standard.
    BusyError
        If another process is writing the city.
    StorageError
        If writing fails; then the city is as it was.
    """
    told = notices if notices is not None else Notices()
    tables = exposure(city, flood, standard=standard, hazard=hazard, notices=told)
    with writer_lock(city.path, notices=told):
        manifest = open_manifest(city.path)
        layer = manifest.layers.get(flood.name)
        if layer is None or layer.kind != "flood":
            raise UsageError(city.path, f"has no flood called {flood.name!r}", "store it first")
        stage = city.path / WORK / "exposure"
        remove_tree(stage)
        try:
            relative = [f"{FOLDER}/{flood.name}/{name}.parquet" for name in tables]
            make_folder(stage / FOLDER / flood.name)
            for path, table in zip(relative, tables.values(), strict=True):
                write_table(table, stage / path)
            possible = {f"{FOLDER}/{flood.name}/{name}.parquet" for name in TABLES}
            before = [f for f in layer.files if f.path not in possible]
            updated = replace(
                layer,
                files=(*before, *(artifact(stage, path) for path in relative)),
                options={**layer.options, "road_standard": str(standard), "hazard_standard": str(hazard)},
            )
            write_manifest(
                replace(manifest, layers={**manifest.layers, flood.name: updated}), stage / MANIFEST
            )
            stale = {f.path for f in layer.files} & possible - set(relative)
            commit(stage, city.path, last=MANIFEST, remove=tuple(stale))
        finally:
            remove_tree(stage)
            with contextlib.suppress(OSError):  # an unfinished build stays
                (city.path / WORK).rmdir()
    return open_city(city.path)


def city_roads(city: City) -> Any:
    """Roads of a city and the decks of its bridges, which lead over what its roads leave out; None without roads."""
    import pandas as pd

    roads, decks = _layer(city, "roads"), _layer(city, "bridges")
    if roads is None or not len(roads):
        return None
    roads = _with_road_id(roads)
    if decks is None or not len(decks):
        return roads
    decks = _with_road_id(decks, prefix="deck ")
    columns = ["road_id", *(c for c in ("name", "class") if c in decks), "geometry"]
    # Both lie in the city's CRS, decks with its heights
    decks = decks[columns].assign(on_deck=True).set_crs(roads.crs, allow_override=True)
    return pd.concat([roads.assign(on_deck=roads.get("on_deck", False)), decks], ignore_index=True)


def city_network(city: City, segments: Any) -> Network:
    """The graph of the roads of a city that vehicles drive on, from its ``roads`` table of a flood."""
    from twin.water.road_network import drivable

    roads = city_roads(city)
    if roads is None:
        raise UsageError(city.path, "has no roads", "build it with --roads")
    flags = segments.set_index("road_id")[["on_deck", "underpass"]].reindex(roads["road_id"])
    known = roads.assign(**{c: flags[c].fillna(value=False).to_numpy(bool) for c in flags})
    return road_network(known[drivable(known)].reset_index(drop=True))


def _with_road_id(frame: Any, *, prefix: str = "") -> Any:
    """Ids as texts, the feature's number where there is no column for them or one is used twice."""
    for column in ID_COLUMNS:
        if column in frame and frame[column].notna().all() and frame[column].astype(str).is_unique:
            return frame.assign(road_id=prefix + frame[column].astype(str))
    numbers = [f"{prefix or 'road '}{n}" for n in range(1, len(frame) + 1)]
    return frame.assign(road_id=np.array(numbers, object))


def _layer(city: City, name: str) -> Any:
    return city.layer(name) if name in city.manifest.layers else None


def _with_own_ranges(city: City, flood: Flood) -> Flood:
    """A flood made of polygons of depth classes, with their bounds; any other as it is."""
    relative = f"{FOLDER}/{flood.name}/{EXTENT}.parquet"
    layer = city.manifest.layers.get(flood.name)
    if layer is None or all(f.path != relative for f in layer.files):
        return flood
    return with_ranges(flood, read_table(city.path, relative))


def _footprints(city: City) -> Any:
    """Footprints that count: a duplicate of another would drown twice."""
    buildings = city.buildings
    return buildings[buildings["state"] != "duplicate"].reset_index(drop=True)
