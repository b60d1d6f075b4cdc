"""The folder as it is delivered: readable, consistent with its truth, and the same bytes every time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from twin.city.cityjson import read_cityjson, read_header
from twin.core.crs import parse_crs, same_crs
from twin.core.errors import UsageError
from twin.core.notices import Notices
from twin.core.progress import Silent
from twin.demo.cadastre import NO_DEFECTS, FootprintDefects
from twin.demo.delivery import deliver_survey, write_buildings
from twin.demo.district import generate_district
from twin.demo.flight import SurveySettings, fly
from twin.demo.layout import make_layout
from twin.demo.skeleton import CRS
from twin.reconstruct.validity import check_solid
from twin.sources.footprints import read_footprints
from twin.sources.points import open_points, read_chunks

if TYPE_CHECKING:
    from twin.demo.district import DistrictFiles


def test_the_survey_opens_with_its_crs_and_all_its_points(small_district: DistrictFiles) -> None:
    files = open_points(small_district.survey)
    assert [f.path for f in files] == list(small_district.survey)
    for file in files:
        assert same_crs(file.crs, parse_crs(CRS))
        with np.load(small_district.truth / "points" / f"{file.path.stem}.npz") as truth:
            assert len(truth["classification"]) == len(truth["strip"]) == file.header.n_points


def test_delivered_classes_are_the_true_ones_or_none(small_district: DistrictFiles, tmp_path: Path) -> None:
    import laspy

    layout = make_layout(2, seed=1)
    flight = fly(SurveySettings(density=0.5, is_classified=False), layout.bounds, seed=1)
    bare = deliver_survey(layout, flight, tmp_path, tmp_path, workers=1, progress=Silent())
    known = small_district.survey[0], small_district.truth, True
    for path, folder, is_known in (known, (bare[0], tmp_path, False)):
        with np.load(folder / "points" / f"{path.stem}.npz") as truth:
            told = np.asarray(laspy.read(path).classification)
            expected = truth["classification"] if is_known else np.ones(len(told))
            np.testing.assert_array_equal(told, expected)
            assert len(np.unique(truth["classification"])) > 4


def test_reading_leaves_out_noise_only(small_district: DistrictFiles) -> None:
    notices = Notices()
    (file, *_) = open_points(small_district.survey)
    n = sum(len(c) for c in read_chunks(file, notices=notices))
    assert 0.999 * file.header.n_points < n <= file.header.n_points


def test_every_true_solid_is_valid_and_stands_on_its_outline(small_district: DistrictFiles) -> None:
    notices = Notices()
    path = small_district.truth / "solids.city.jsonl"
    model = read_cityjson(path, notices=notices)
    assert not notices.items
    assert read_header(path).crs == CRS
    table = gpd.read_file(small_district.truth / "buildings.gpkg").set_index("id")
    assert len(model.buildings) == len(table) == 12
    for building in model.buildings:
        for lod in ("1.2", "1.3", "2.2"):
            (solid,) = building.solids[lod]
            assert check_solid(solid) == ()
            hull = shapely.MultiPoint(solid.vertices[:, :2]).convex_hull
            assert hull.hausdorff_distance(table.geometry[building.id].convex_hull) < 0.001


def test_truth_rasters_agree_with_truth_solids(small_district: DistrictFiles) -> None:
    import rasterio

    table = gpd.read_file(small_district.truth / "buildings.gpkg")
    with (
        rasterio.open(small_district.truth / "dtm.tif") as dtm,
        rasterio.open(small_district.truth / "dsm.tif") as dsm,
    ):
        assert dtm.crs.to_epsg() == dsm.crs.to_epsg()
        for row in table.itertuples():
            inside = row.geometry.buffer(-1.0)
            if inside.is_empty:
                continue
            at = [shapely.get_coordinates(inside.representative_point())[0]]
            ground, top = (float(next(iter(r.sample(at)))[0]) for r in (dtm, dsm))
            assert ground >= row.floor_z_m - 0.05
            assert top > row.floor_z_m + 1.5
            assert ground < row.eave_z_m


def test_the_photograph_covers_the_district_and_nothing_else(small_district: DistrictFiles) -> None:
    import rasterio

    with rasterio.open(small_district.ortho) as photo, rasterio.open(small_district.truth / "dtm.tif") as dtm:
        assert photo.count == 3
        picture = photo.read()
        outside = np.isnan(dtm.read(1))
    step = picture.shape[1] // outside.shape[0]
    assert (
        picture[:, ::step, ::step].max(0)[: outside.shape[0], : outside.shape[1]] == 0
    ).mean() == pytest.approx(outside.mean(), abs=0.02)
    assert picture[:, 200:-200, 200:-200].std() > 20


def test_streets_make_one_connected_net(small_district: DistrictFiles) -> None:
    net = gpd.read_file(small_district.network)
    nodes = {name: k for k, name in enumerate(sorted({*net.from_node, *net.to_node}))}
    a, b = net.from_node.map(nodes), net.to_node.map(nodes)
    graph = coo_array((np.ones(len(net)), (a, b)), shape=(len(nodes), len(nodes)))
    assert connected_components(graph, directed=False)[0] == 1
    ends = {}
    for row in net.itertuples():
        for name, end in ((row.from_node, row.geometry.coords[0]), (row.to_node, row.geometry.coords[-1])):
            if not any(abs(int(part)) > 90 for part in name.split("-")[2:] if part.isdigit()):
                ends.setdefault(name, []).append(end)
    for name, places in ends.items():
        if len(places) > 1:
            assert np.ptp(np.array(places), axis=0).max() < 0.01, name


def test_areas_of_the_map_fill_the_district_once(small_district: DistrictFiles) -> None:
    layers = {
        n: gpd.read_file(getattr(small_district, n)).geometry.values for n in ("roads", "water", "landcover")
    }
    union = {n: shapely.union_all(shapes) for n, shapes in layers.items()}
    assert shapely.area(layers["landcover"]).sum() == pytest.approx(union["landcover"].area, rel=1e-3)
    assert union["roads"].intersection(union["water"]).area < 1.0
    everything = shapely.union_all(list(union.values()))
    assert sum(u.area for u in union.values()) == pytest.approx(everything.area, rel=1e-4)
    hull = everything.convex_hull
    assert everything.area > 0.999 * hull.area


def cadastre(
    folder: Path, n_buildings: int, defects: FootprintDefects, seed: int = 2
) -> list[dict[str, Any]]:
    """Footprints and truth about buildings in one folder; the list of what is wrong."""
    layout = make_layout(n_buildings, seed=seed)
    write_buildings(layout, defects, folder / "footprints.gpkg", folder, workers=1, progress=Silent())
    told: list[dict[str, Any]] = json.loads((folder / "defects.json").read_text("utf-8"))
    return told


def test_footprints_have_ids_names_and_known_defects(tmp_path: Path) -> None:
    defects = FootprintDefects(0.2, 0.15, 0.15, 0.15, 0.1, 0.1)
    told = cadastre(tmp_path, 120, defects)
    assert {d["kind"] for d in told} == set(defects.shares())
    notices = Notices()
    rows = read_footprints(tmp_path / "footprints.gpkg", id_field="id", crs=parse_crs(CRS), notices=notices)
    truth = gpd.read_file(tmp_path / "buildings.gpkg").set_index("id")
    ids = set(rows["id"])
    for defect in told:
        there = defect["footprint"] in ids
        assert there == (defect["kind"] != "missing")
        if defect["kind"] == "duplicated":
            assert set(defect["rows"]) <= ids
    by_kind = {k: {d["building"] for d in told if d["kind"] == k} for k in defects.shares()}
    shapes = rows.set_index("id").geometry
    for building in by_kind["shifted"]:
        moved = shapes[building].centroid.distance(truth.geometry[building].centroid)
        assert 0.5 < moved < 1.9
    for building in by_kind["invalid"]:  # a small loop: what it encloses otherwise is the house
        assert shapes[building].symmetric_difference(truth.geometry[building]).area < 8.0
    drawn = gpd.read_file(tmp_path / "footprints.gpkg").set_index("id").geometry
    assert set(drawn.index[~drawn.is_valid]) == by_kind["invalid"]
    sound = set(truth.index) - {d["building"] for d in told}
    for building in sound:  # rounded to centimetres, as a cadastre is
        assert shapes[building].hausdorff_distance(truth.geometry[building]) < 0.02
    assert rows["name_ko"].str.contains("병원").any()


def test_no_defects_where_none_are_asked_for(tmp_path: Path) -> None:
    assert cadastre(tmp_path, 20, NO_DEFECTS) == []
    assert len(gpd.read_file(tmp_path / "footprints.gpkg")) == 20


def test_shares_of_defects_must_make_sense() -> None:
    with pytest.raises(UsageError, match="shares"):
        FootprintDefects(simplified=0.8, missing=0.5)


@pytest.mark.parametrize(
    ("n", "seed", "named"), [(0, 1, "--buildings"), (10**7, 1, "--buildings"), (5, -1, "--seed")]
)
def test_numbers_out_of_range_are_refused_before_anything_is_written(
    tmp_path: Path, n: int, seed: int, named: str
) -> None:
    with pytest.raises(UsageError, match=named):
        generate_district(tmp_path / "d", n_buildings=n, seed=seed)
    assert not (tmp_path / "d").exists()


@pytest.mark.slow
def test_the_same_bytes_on_one_process_and_on_two(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for workers, folder in enumerate(folders, start=1):
        generate_district(folder, n_buildings=20, density=0.5, seed=9, workers=workers)
    one, two = (
        {p.relative_to(f): p.read_bytes() for p in sorted(f.rglob("*")) if p.is_file()} for f in folders
    )
    assert one.keys() == two.keys()
    assert [name for name in one if one[name] != two[name]] == []


def test_another_seed_is_another_district(tmp_path: Path) -> None:
    areas = []
    for seed in (1, 2):
        cadastre(tmp_path, 12, NO_DEFECTS, seed=seed)
        areas.append(gpd.read_file(tmp_path / "footprints.gpkg").geometry.area.sum())
    assert abs(areas[0] - areas[1]) > 1.0
