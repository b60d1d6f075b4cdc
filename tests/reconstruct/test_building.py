"""One building: a state and a reason for every input, the same record for every order of points."""

from __future__ import annotations

import pickle
import re

import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.reconstruct.solid_asserts import assert_valid_solid
from twin.core.points import PointCloud
from twin.reconstruct.building import reconstruct_building
from twin.reconstruct.building_model import BuildingState, RoofType, attributes
from twin.reconstruct.heights import OutlineTerrain

HOUSE = shapely.box(100.0, 200.0, 110.0, 208.0)


def survey(shape=HOUSE, roof=9.0, *, density=8.0, ground=2.0, seed=0):
    """Roof points of class 6 within a footprint, ground points of class 2 around it."""
    rng = np.random.default_rng(seed)
    x0, y0, x1, y1 = shape.bounds
    n = int(density * (x1 - x0 + 8) * (y1 - y0 + 8))
    xy = rng.uniform((x0 - 4, y0 - 4), (x1 + 4, y1 + 4), (n, 2))
    inside = shapely.contains_xy(shape, xy)
    z = np.where(inside, roof(*xy.T) if callable(roof) else roof, ground)
    ones = np.ones(n, np.uint8)
    return PointCloud(np.column_stack([xy, z]), np.where(inside, 6, 2).astype(np.uint8), ones, ones)


def same(one, two):
    """Whether two models are equal to the last bit."""
    return (
        repr(attributes(one)) == repr(attributes(two))
        and one.lods.keys() == two.lods.keys()
        and all(
            np.array_equal(s.vertices, t.vertices) and np.array_equal(s.corners, t.corners)
            for lod in one.lods
            for s, t in zip(one.lods[lod].solids, two.lods[lod].solids, strict=True)
        )
        and all(
            np.array_equal(values, two.lods[lod].faces[name], equal_nan=True)
            for lod in one.lods
            for name, values in (one.lods[lod].faces or {}).items()
        )
    )


def test_a_flat_house_is_built_with_its_heights_and_sizes():
    model = reconstruct_building(HOUSE, survey())
    assert (model.state, model.reason, model.roof_type) == (BuildingState.BUILT, "", RoofType.FLAT)
    row = attributes(model)
    assert row["height_m"] == row["roof_70p_m"] - row["ground_m"] == 7.0
    assert (row["volume_m3"], row["roof_area_m2"], row["wall_area_m2"]) == (560.0, 80.0, 252.0)
    assert (row["rmse_m"], row["codes"], row["n_roof_faces"]) == (0.0, "", 1)
    assert row["density_per_m2"] == pytest.approx(8, abs=1.5)
    for lod in model.lods.values():
        for solid in lod.solids:
            assert_valid_solid(solid)


def test_each_level_of_detail_keeps_its_promise():
    model = reconstruct_building(HOUSE, survey(roof=lambda x, y: np.where(x < 104, 5.0, 9.0)))
    assert model.roof_type == RoofType.MULTI_LEVEL
    assert [model.lods[lod].n_roof_faces for lod in ("1.2", "1.3")] == [1, 2]
    assert model.lods["1.2"].solids[0].vertices[:, 2].max() == 9.0
    assert model.lods["1.3"].fit.rmse_m < 0.01 < model.lods["1.2"].fit.rmse_m


def test_a_gable_is_neither_flat_nor_of_levels():
    points = survey(roof=lambda x, y: 6 + (4 - np.abs(y - 204)))
    assert reconstruct_building(HOUSE, points).roof_type == RoofType.GABLE
    assert reconstruct_building(HOUSE, points, lods=("1.2", "1.3")).roof_type == RoofType.OTHER


def test_each_face_and_the_held_out_points_are_judged():
    model = reconstruct_building(HOUSE, survey(roof=lambda x, y: 6 + (4 - np.abs(y - 204))))
    row, faces = attributes(model), model.lods["2.2"].faces
    assert set(faces["azimuth_deg"].round()) == {0.0, 180.0}
    assert faces["slope_deg"] == pytest.approx(45, abs=0.2)
    assert faces["n_points"].sum() == model.coverage.n_points
    assert model.lods["1.3"].faces is None
    assert 0.01 <= row["height_sigma_m"] < 0.05
    assert row["rmse_holdout_m"] == pytest.approx(row["rmse_m"], abs=0.02)
    assert row["p95_holdout_m"] < 0.1


def test_a_building_without_points_has_no_quality():
    bare = survey()
    ground = bare.select(np.flatnonzero(bare.classification == 2))
    row = attributes(reconstruct_building(HOUSE, ground, given_height_m=6.0))
    assert all(np.isnan(row[c]) for c in ("rmse_m", "rmse_holdout_m", "p95_holdout_m", "height_sigma_m"))


def test_points_too_thin_for_slopes_tell_flat_roofs_only():
    thin = survey(roof=lambda x, y: 6 + (4 - np.abs(y - 204)), density=0.6)
    assert reconstruct_building(HOUSE, thin).roof_type is None
    assert reconstruct_building(HOUSE, survey(density=0.6)).roof_type == RoofType.FLAT


def test_only_the_asked_levels_are_built():
    assert list(reconstruct_building(HOUSE, survey(), lods=("1.2",)).lods) == ["1.2"]
    assert list(reconstruct_building(HOUSE, survey(), lods=("2.2",)).lods) == ["2.2"]
    with pytest.raises(ValueError, match=r"3\.0"):
        reconstruct_building(HOUSE, survey(), lods=("3.0",))


def test_walls_reach_the_lowest_terrain_along_the_outline():
    model = reconstruct_building(HOUSE, survey(), terrain=OutlineTerrain(-1.25, 1.0))
    for lod in model.lods.values():
        assert lod.solids[0].vertices[:, 2].min() == -1.25
    assert model.heights.ground_m == 2.0


@pytest.mark.parametrize(
    ("points", "told"),
    [
        (survey(roof=9.0).select(np.arange(0)), "no ground points within 4 m and no terrain"),
        (survey(shapely.box(100, 200, 100.1, 200.1), density=30), "roof points"),
        (survey(roof=2.4), r"lie 0\.40 m above the ground"),
    ],
    ids=["nothing", "hardly any", "demolished"],
)
def test_what_cannot_be_built_is_told_and_keeps_its_footprint(points, told):
    model = reconstruct_building(HOUSE, points)
    assert model.state == BuildingState.NO_POINTS
    assert re.search(told, model.reason)
    assert model.footprint.equals(HOUSE)
    assert not model.lods


def test_a_given_height_stands_in_for_missing_points():
    ground = survey()
    ground = ground.select(ground.classification == 2)
    model = reconstruct_building(HOUSE, ground, given_height_m=7.5)
    assert model.state == BuildingState.FALLBACK
    assert "0 roof points; the given height of 7.50 m was taken" in model.reason
    assert model.lods["1.3"].volume_m3 == pytest.approx(600)
    for useless in (None, float("nan"), -3.0, float("inf")):
        assert reconstruct_building(HOUSE, ground, given_height_m=useless).state == BuildingState.NO_POINTS


def test_a_half_covered_roof_is_built_simply_and_says_so():
    points = survey(roof=lambda x, y: np.where(x < 102, 5.0, 9.0))
    seen = (points.classification == 2) | (points.xyz[:, 0] < 103.5)
    model = reconstruct_building(HOUSE, points.select(seen))
    assert model.state == BuildingState.FALLBACK
    assert "of the footprint is without points" in model.reason
    assert model.lods["1.3"].n_roof_faces == 1


def test_a_thin_survey_gets_one_height_only():
    model = reconstruct_building(HOUSE, survey(density=0.4, roof=lambda x, y: np.where(x < 105, 5.0, 9.0)))
    assert model.state == BuildingState.FALLBACK
    assert "points per m2" in model.reason


@pytest.mark.parametrize(
    ("footprint", "told"),
    [(None, "geometry"), (shapely.box(0, 0, 0.1, 0.2), "0.02 m2"), (shapely.Point(0, 0), "Point")],
)
def test_a_footprint_that_cannot_be_used_is_a_state_not_an_exception(footprint, told):
    model = reconstruct_building(footprint, survey())
    assert model.state == BuildingState.INVALID_FOOTPRINT
    assert told in model.reason
    assert attributes(model)["state"] == "invalid_footprint"


def test_several_parts_and_courtyards_are_several_sound_solids():
    yard = shapely.box(100, 200, 120, 220).difference(shapely.box(106, 206, 112, 212))
    shape = yard.union(shapely.box(130, 200, 136, 206))
    model = reconstruct_building(shape, survey(shape))
    assert [len(lod.solids) for lod in model.lods.values()] == [2, 2, 2, 2]
    assert model.lods["1.2"].volume_m3 == pytest.approx(shape.area * 7)


def test_an_unclassified_survey_is_built_from_heights_and_returns():
    points = survey(roof=lambda x, y: np.where(x < 104, 5.0, 9.0))
    unclassified = PointCloud(
        points.xyz,
        np.where(points.classification == 2, 2, 1).astype(np.uint8),
        points.return_number,
        points.n_returns,
    )
    assert reconstruct_building(HOUSE, unclassified).state == BuildingState.NO_POINTS
    model = reconstruct_building(HOUSE, unclassified, roof_classes=())
    assert same(model, reconstruct_building(HOUSE, points))


def test_a_model_travels_between_processes():
    model = reconstruct_building(HOUSE, survey())
    assert same(pickle.loads(pickle.dumps(model)), model)


shapes = st.sampled_from(
    [
        HOUSE,
        shapely.affinity.rotate(HOUSE, 25),
        shapely.box(100, 200, 120, 220).difference(shapely.box(108, 208, 112, 212)),
        shapely.box(100, 200, 112, 206).union(shapely.box(100, 200, 106, 216)),
    ]
)


@given(shapes, st.integers(0, 2**16), st.sampled_from([0.0, 2.0, 3.5]))
@example(shapely.box(100, 200, 110, 208), 64255, 3.5)  # a volume halfway between two roundings
@settings(max_examples=25, deadline=None)
def test_order_and_place_of_the_points_change_nothing(shape, seed, step):
    points = survey(shape, roof=lambda x, y: 8.0 + step * ((x > 106) ^ (y > 205)), seed=seed)
    points = PointCloud(
        np.round(points.xyz, 3), points.classification, points.return_number, points.n_returns
    )
    model = reconstruct_building(shape, points)
    shuffled = points.select(np.random.default_rng(seed).permutation(len(points)))
    assert same(model, reconstruct_building(shape, shuffled))
    shift = np.array([1_000_000.0, -1_000_000.0, 0.0])
    far = PointCloud(points.xyz + shift, points.classification, points.return_number, points.n_returns)
    moved = reconstruct_building(shapely.affinity.translate(shape, *shift[:2]), far)
    assert repr(attributes(moved)) == repr(attributes(model))
    for lod in model.lods:
        for one, two in zip(model.lods[lod].solids, moved.lods[lod].solids, strict=True):
            assert_valid_solid(one)
            assert np.array_equal(one.corners, two.corners)
            assert np.allclose(one.vertices + shift, two.vertices, rtol=0, atol=1e-8)
