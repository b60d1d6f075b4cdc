"""Footprints that lie beside their points, through whole builds."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from tests.faults.small_city import GROUND_M, write_footprints
from tests.sources.broken_vectors import house
from twin.api import build_with
from twin.city import tiling
from twin.city.model import open_city
from twin.city.options import BuildOptions, read_options
from twin.core.crs import parse_crs
from twin.core.errors import UsageError
from twin.core.notices import Notices
from twin.core.points import PointCloud
from twin.core.progress import Silent
from twin.sources.las_writer import write_las

CRS = "EPSG:25832+7837"
PLACES = [(0, 0), (24, 0), (48, 0), (0, 24), (24, 24), (48, 24), (60, 24)]
"""Seven houses; the last two share a wall."""


def houses():
    shapes = [shapely.affinity.translate(house(), x, y) for x, y in PLACES]
    x0, y0, _, y1 = shapes[5].bounds
    side = shapes[5].bounds[2] - x0
    shapes[6] = shapely.box(x0 + side, y0, x0 + 2 * side, y1)
    shapes[5] = shapely.box(x0, y0, x0 + side, y1)
    return shapes


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    """Flat roofs over the houses, lawn around."""
    rng = np.random.default_rng(2)
    x0, y0, x1, y1 = shapely.union_all(houses()).buffer(12).bounds
    n = int(8 * (x1 - x0) * (y1 - y0))
    x, y = rng.uniform(x0, x1, n), rng.uniform(y0, y1, n)
    roof = shapely.contains_xy(shapely.union_all(houses()), x, y)
    z = GROUND_M + 6.0 * roof + rng.normal(0, 0.01, n)
    ones = np.ones(n, np.uint8)
    path = tmp_path_factory.mktemp("align") / "survey.laz"
    write_las(
        path,
        PointCloud(np.c_[x, y, z], np.where(roof, 6, 2).astype(np.uint8), ones, ones),
        crs=parse_crs(CRS),
    )
    return path


def built(survey, folder, shifts, **more):
    shapes = [shapely.affinity.translate(s, *by) for s, by in zip(houses(), shifts, strict=True)]
    frame = gpd.GeoDataFrame({"id": [f"h{k}" for k in range(len(shapes))]}, geometry=shapes, crs="EPSG:25832")
    folder.mkdir(exist_ok=True)
    notices = Notices()
    options = BuildOptions(
        points=(str(survey),),
        output=folder / "c.twin",
        lod="1.2",
        footprints=write_footprints(folder / "f.gpkg", frame),
        **more,
    )
    build_with(options, notices=notices, progress=Silent())
    return open_city(options.output).buildings.set_index("id"), {n.cause: n.message for n in notices.items}


def off(table):
    """How far each outline's middle is from the house's."""
    places = shapely.centroid(np.array(houses()))
    return shapely.distance(shapely.centroid(np.asarray(table.geometry.array)), places)


STILL = [(0.0, 0.0)] * 7


def test_good_footprints_are_left_alone(survey, tmp_path):
    table, told = built(survey, tmp_path, STILL, align=True)
    assert not table["aligned"].any()
    assert (table[["shift_east_m", "shift_north_m"]] == 0).all(axis=None)
    assert off(table).max() < 1e-3
    assert not {"footprints-shifted", "footprints-displaced"} & set(told)


def test_a_shift_of_the_layer_is_told_and_taken_back(survey, tmp_path):
    shifts = [(1.1, -0.8)] * 7
    table, told = built(survey, tmp_path / "a", shifts)
    assert "--align" in told["footprints-shifted"]
    assert not table["aligned"].any()
    assert off(table).min() > 1.3
    assert table["shift_east_m"].to_numpy() == pytest.approx(np.full(7, -1.1), abs=0.1)
    table, told = built(survey, tmp_path / "b", shifts, align=True)
    assert "moved there" in told["footprints-shifted"]
    assert table["aligned"].all()
    assert off(table).max() < 0.15


def test_one_displaced_house_is_moved_alone(survey, tmp_path):
    table, told = built(survey, tmp_path, [*STILL[:1], (0.9, 1.0), *STILL[2:]], align=True)
    assert table["aligned"].tolist() == [False, True, *[False] * 5]
    assert off(table).max() < 0.15
    assert "(h1); 1 of them were moved" in told["footprints-displaced"]
    assert table.loc["h1", "shift_gain"] > 0.7


def test_a_block_moves_as_one(survey, tmp_path):
    table, _ = built(survey, tmp_path, [*STILL[:5], (0.8, 0.9), (0.8, 0.9)], align=True)
    assert table["aligned"].tolist() == [*[False] * 5, True, True]
    assert off(table).max() < 0.15
    one, two = table.geometry.loc["h5"], table.geometry.loc["h6"]
    assert one.intersection(two).area == 0
    assert one.intersection(two).length == pytest.approx(two.bounds[3] - two.bounds[1], abs=1e-6)


def test_tiles_have_no_influence(survey, tmp_path, monkeypatch):
    shifts = [(1.1, -0.8), (1.9, 0.1), *[(1.1, -0.8)] * 5]
    one, _ = built(survey, tmp_path / "a", shifts, align=True)
    monkeypatch.setattr(tiling, "TILE_SIDES_M", (20.0,))
    monkeypatch.setattr(tiling, "POINTS_PER_TILE", 100)
    two, _ = built(survey, tmp_path / "b", shifts, align=True)
    assert shapely.equals_exact(one.geometry.array, two.geometry.array, 0.0).all()
    assert one["shift_gain"].equals(two["shift_gain"])


def test_the_option_needs_footprints_and_points(tmp_path):
    with pytest.raises(UsageError, match="--align"):
        BuildOptions(points=("a.laz",), output=tmp_path / "x.twin", align=True)


def test_twin_toml_has_the_key(tmp_path):
    for name in ("a.laz", "f.gpkg"):
        (tmp_path / name).touch()
    text = '[project]\n[sources]\npoints = "a.laz"\nfootprints = "f.gpkg"\n[buildings]\nalign = true\n'
    (tmp_path / "twin.toml").write_text(text, encoding="utf-8")
    assert read_options(tmp_path / "twin.toml").align


@pytest.mark.realdata
def test_delft(shared_data, tmp_path):
    """A planted shift of 1.5 m is taken back; of the given footprints at most one in a hundred is moved."""
    delft = shared_data / "delft"
    points = tuple(map(str, sorted((delft / "ahn3").glob("*.laz"))))

    def city(name, footprints, **more):
        options = BuildOptions(
            points=points, output=tmp_path / name, footprints=footprints, crs="EPSG:7415", lod="1.2", **more
        )
        build_with(options, notices=Notices(), progress=Silent())
        return open_city(tmp_path / name).buildings

    given = city("a.twin", delft / "bgt" / "bgt_pand.sqlite", id_field="gml_id", align=True)
    assert given["aligned"].sum() <= 0.01 * len(given)
    moved = gpd.GeoDataFrame(given[["id"]], geometry=given.geometry.translate(1.2, -0.9), crs=given.crs)
    moved.to_file(tmp_path / "moved.gpkg")
    back = city("b.twin", tmp_path / "moved.gpkg", align=True)
    far = shapely.distance(shapely.centroid(back.geometry.array), shapely.centroid(given.geometry.array))
    assert np.median(far) < 0.15
