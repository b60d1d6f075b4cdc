"""Footprints derived from points: independent of tiles and strips, told apart from given ones."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from tests.faults.small_city import HOUSES, outlines, write_footprints, write_small
from twin.api import build_with
from twin.city import tiling
from twin.city.model import open_city
from twin.city.options import BuildOptions, read_options
from twin.city.pieces import label_pieces
from twin.core.errors import UsageError
from twin.core.grid import Grid
from twin.core.notices import Notices
from twin.core.progress import Silent

GIVEN = ("b1", "b4")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Four houses, two of them in the footprints' file."""
    small = write_small(tmp_path_factory.mktemp("derive"))
    write_footprints(small.footprints.with_name("two.gpkg"), outlines(GIVEN))
    return small


def city_of(inputs, output, **more):
    footprints = more.pop("footprints", inputs.footprints.with_name("two.gpkg"))
    points = tuple(map(str, inputs.points))
    notices = Notices()
    options = BuildOptions(points=points, output=output, footprints=footprints, lod="1.3", **more)
    build_with(options, notices=notices, progress=Silent())
    return open_city(output), notices


@pytest.fixture(scope="module")
def derived(inputs, tmp_path_factory):
    return city_of(inputs, tmp_path_factory.mktemp("city") / "a.twin", derive_footprints=True)[0]


def test_every_house_is_there_and_says_where_its_outline_is_from(derived):
    table = derived.buildings.set_index("id")
    assert set(table.index) >= set(GIVEN)
    assert (table.loc[list(GIVEN), "source"] == "given").all()
    assert table.loc[list(GIVEN), "footprint_confidence"].isna().all()
    found = table[table["source"] == "derived"]
    assert len(found) == 2
    assert found.index.str.startswith("derived-").all()
    assert found["footprint_confidence"].between(0.8, 1.0).all()
    assert set(found["state"]) == {"built"}
    for name in ("b2", "b3"):
        truth = HOUSES[name][0]
        best = max(truth.intersection(g).area / truth.union(g).area for g in found.geometry)
        assert best > 0.9


def test_derived_houses_lie_clear_of_the_given_ones(derived):
    table = derived.buildings
    one, two = table[table["source"] == "given"].geometry, table[table["source"] == "derived"].geometry
    assert shapely.intersection(one.union_all(), two.union_all()).area < 1e-6


def test_without_the_option_it_is_told_what_it_would_do(inputs, tmp_path):
    city, notices = city_of(inputs, tmp_path / "b.twin")
    told = [n for n in notices.items if n.cause == "unexplained-points"]
    assert len(told) == 1
    assert "--derive-footprints" in told[0].message
    counts = city.manifest.layers["terrain"].counts
    assert 0.3 < counts["unexplained points"] / counts["building points"] < 0.7
    assert set(city.buildings["source"]) == {"given"}
    assert "unmapped" in city.manifest.layers


def test_with_the_option_nothing_is_left(derived):
    counts = derived.manifest.layers["terrain"].counts
    assert counts["unexplained points"] <= 0.01 * counts["building points"]
    assert "unmapped" not in derived.manifest.layers


def test_no_footprints_at_all(inputs, tmp_path):
    city, _ = city_of(inputs, tmp_path / "c.twin", footprints=None, derive_footprints=True)
    assert len(city.buildings) == 4
    assert set(city.buildings["source"]) == {"derived"}


def test_outlines_do_not_depend_on_where_tiles_are_cut(inputs, derived, tmp_path, monkeypatch):
    monkeypatch.setattr(tiling, "TILE_SIDES_M", (10.0,))
    monkeypatch.setattr(tiling, "POINTS_PER_TILE", 500)
    cut, _ = city_of(inputs, tmp_path / "d.twin", derive_footprints=True)
    assert len(list((cut.path / "buildings").glob("*.city.jsonl"))) > len(
        list((derived.path / "buildings").glob("*.city.jsonl"))
    )
    assert cut.buildings["id"].tolist() == derived.buildings["id"].tolist()
    for a, b in zip(cut.buildings.geometry, derived.buildings.geometry, strict=True):
        assert shapely.equals_exact(a, b, 0.0)
    assert cut.buildings["footprint_confidence"].equals(derived.buildings["footprint_confidence"])


@pytest.mark.parametrize("strip_cells", [60, 400, 100_000])
def test_pieces_do_not_depend_on_strips(tmp_path, strip_cells):
    rng = np.random.default_rng(4)
    tops = np.full((120, 60), -np.inf, np.float32)
    for _ in range(12):
        r, c = rng.integers(2, 100), rng.integers(2, 45)
        tops[r : r + rng.integers(8, 18), c : c + rng.integers(8, 14)] = 5.0
    np.save(tmp_path / "tops.npy", tops)
    grid = Grid(0.0, 60.0, 0.5, 60, 120)
    pieces = label_pieces(tmp_path, grid, np.empty(0, object), strip_cells=strip_cells)
    labels = np.load(tmp_path / "pieces.npy")
    whole = label_pieces(tmp_path, grid, np.empty(0, object), strip_cells=10**9)
    one = np.load(tmp_path / "pieces.npy")
    assert [(p.rows, p.cols) for p in pieces] == [(p.rows, p.cols) for p in whole]
    for p, q in zip(pieces, whole, strict=True):
        assert (np.isin(labels, p.labels) == np.isin(one, q.labels)).all()


@pytest.mark.parametrize("more", [{"points": (), "rasters": {"dtm": "x.tif"}}, {"buildings": "x.city.json"}])
def test_the_option_needs_points_and_no_given_solids(tmp_path, more):
    from pathlib import Path

    given = {"points": ("a.laz",), "output": tmp_path / "x.twin", **more}
    if "rasters" in given:
        given["rasters"] = {k: Path(v) for k, v in given["rasters"].items()}
    if "buildings" in given:
        given["buildings"] = Path(given["buildings"])
    with pytest.raises(UsageError, match="--derive-footprints"):
        BuildOptions(**given, derive_footprints=True)


@pytest.mark.realdata
def test_nearly_all_roof_points_of_delft_are_explained(shared_data, tmp_path):
    """Two of three lie outside the footprints of the set."""
    delft = shared_data / "delft"
    options = BuildOptions(
        points=tuple(map(str, sorted((delft / "ahn3").glob("*.laz")))),
        output=tmp_path / "delft.twin",
        footprints=delft / "bgt" / "bgt_pand.sqlite",
        id_field="gml_id",
        crs="EPSG:7415",
        lod="1.2",
        derive_footprints=True,
    )
    build_with(options, notices=Notices(), progress=Silent())
    city = open_city(options.output)
    counts = city.manifest.layers["terrain"].counts
    assert counts["building points"] > 250_000
    assert counts["unexplained points"] < 0.02 * counts["building points"]
    derived = city.buildings[city.buildings["source"] == "derived"]
    assert 40 < len(derived) < 90
    assert (derived["state"] == "built").mean() > 0.95
    assert derived["footprint_confidence"].median() > 0.9


def test_twin_toml_has_the_key(tmp_path):
    (tmp_path / "a.laz").touch()
    text = '[project]\n[sources]\npoints = "a.laz"\n[buildings]\nderive_footprints = true\n'
    (tmp_path / "twin.toml").write_text(text, encoding="utf-8")
    assert read_options(tmp_path / "twin.toml").derive_footprints
