"""Ids that things are bound to, held against a city; what it does not have is told, and kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from tests.live.small_store import small_city
from twin.city.manifest import Layer, Manifest, Provenance, read_manifest, write_manifest
from twin.core.notices import Notices
from twin.live.bindings import tell_unknown
from twin.live.folder import Site, find_site
from twin.live.model import Place, Thing


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A city with two buildings and two pieces of one road."""
    folder = small_city(tmp_path / "c.twin", n_minutes=1)
    tables = {
        "buildings/buildings.parquet": {"id": ["b-1", "b-2"], "storeys": [6, None]},
        "map/roads.parquet": {"id": [11, 12], "segment": ["mill", "mill"]},
    }
    for name, columns in tables.items():
        (folder / name).parent.mkdir()
        pd.DataFrame(columns).to_parquet(folder / name)
    manifest: Manifest = read_manifest(folder)
    layers = {name: Layer(name, (), Provenance()) for name in ("buildings", "roads")}
    write_manifest(replace(manifest, layers=layers), folder / "twin.json")
    return find_site(folder, crs=None, near=None, notices=Notices())


def told(site: Site, *places: Place) -> list[str]:
    notices = Notices()
    tell_unknown(site, [Thing(f"t{k}", place=place) for k, place in enumerate(places)], notices=notices)
    return notices.lines()


def test_what_the_city_has_is_silent(site: Site) -> None:
    places = [
        Place("building", None, "b-1"),
        Place("room", None, "601", "b-1", 6),
        Place("storey", None, "40", "b-2", 40),  # nobody tells how many storeys it has
        Place("storey", None, "-1", "b-1", -1),
        Place("road", None, "12"),
        Place("road", None, "mill"),
        Place("point", (1.0, 2.0, 3.0)),
        Place("cell", None, "7"),
    ]
    assert told(site, *places) == []


def test_what_it_does_not_have_is_counted_with_examples(site: Site) -> None:
    places = [Place("room", (1.0, 2.0, 3.0), f"10{k}", f"c-{k}", 1) for k in range(5)]
    lines = told(site, *places, Place("road", None, "quay"), Place("room", None, "701", "b-1", 7))
    assert len(lines) == 3
    assert (
        "5 things are bound to a building that the city does not have (t0: c-0, t1: c-1, t2: c-2 and 2 more)"
        in lines[0]
    )
    assert "they are kept" in lines[0]
    assert "1 things are bound to a storey that the city does not have (t6: 7 of b-1)" in lines[1]
    assert "1 things are bound to a road that the city does not have (t5: quay)" in lines[2]


def test_hostile_ids_are_shown_as_text(site: Site) -> None:
    (line,) = told(site, Place("road", None, "\x1b[31m"))
    assert "\x1b" not in line


def test_observations_alone_have_nothing_to_be_held_against(tmp_path: Path) -> None:
    alone = find_site(small_city(tmp_path / "a.twin", n_minutes=1), crs=None, near=None, notices=Notices())
    assert told(alone, Place("building", None, "b-9")) == []
