"""Standard errors, directions, densities and gaps of roof faces against formulas and drawn truth."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from twin.core.mesh import Surface
from twin.reconstruct.extrude import extrude
from twin.reconstruct.face_quality import COLUMNS, LEAST_NOISE_M, face_quality, on_all_faces
from twin.reconstruct.footprint import localize_footprint
from twin.reconstruct.partition import cut_footprint, polygons_of, whole_footprint
from twin.reconstruct.roof_points import RoofPoints

WIDE, DEEP = 12.0, 8.0
FOOTPRINT = localize_footprint(shapely.box(1000, 2000, 1000 + WIDE, 2000 + DEEP))
SHED = np.array([(0.1, 0.25, 6.0)])


def points(xyz) -> RoofPoints:
    n = len(xyz)
    return RoofPoints(np.round(xyz, 4), np.ones(n, np.bool_), np.full(n, 2.0))


def survey(planes, n=600, *, sigma=0.03, seed=0, inside=(0, 0, WIDE, DEEP)):
    """Points on the highest of planes, with noise."""
    rng = np.random.default_rng(seed)
    x0, y0, x1, y1 = inside
    xy = np.column_stack([rng.uniform(x0, x1, n), rng.uniform(y0, y1, n)])
    z = np.min([xy @ p[:2] + p[2] for p in planes], axis=0)
    return np.column_stack([xy, z + rng.normal(0, sigma, n)])


def shed_quality(xyz):
    solids = extrude(whole_footprint(FOOTPRINT), SHED, ground_m=0.0)
    values = face_quality(solids, points(xyz) if xyz is not None else None, origin=FOOTPRINT.origin)
    return {name: float(column[0]) for name, column in values.items()}


def test_size_and_direction_of_a_face():
    told = shed_quality(survey(SHED))
    gradient = np.hypot(0.1, 0.25)
    assert told["area_m2"] == pytest.approx(WIDE * DEEP * np.sqrt(1 + gradient**2), abs=0.001)
    assert told["slope_deg"] == pytest.approx(np.degrees(np.arctan(gradient)), abs=0.006)
    assert told["azimuth_deg"] == pytest.approx(np.degrees(np.arctan2(-0.1, -0.25)) % 360, abs=0.01)
    assert told["n_points"] == 600
    assert told["density_per_m2"] == pytest.approx(600 / (WIDE * DEEP), abs=0.001)
    assert told["no_data_share"] < 0.03


def test_the_standard_error_is_that_of_least_squares():
    """With the sum of squares written out; noise of the survey added, square metres counted as one observation."""
    xyz = survey(SHED)
    told = shed_quality(xyz)
    kept = np.round(xyz, 4)
    off = kept[:, 2] - kept[:, :2] @ SHED[0, :2] - SHED[0, 2]
    noise = 1.4826 * np.median(np.abs(off))
    cells = len(np.unique(np.floor(kept[:, :2] - kept[:, :2].min(axis=0)), axis=0))
    one = max(noise**2, (off**2).sum() / (len(off) - 3)) * len(off) / cells
    design = np.column_stack([kept[:, :2], np.ones(len(kept))])
    covariance = one * np.linalg.inv(design.T @ design)
    corners = np.array([(x, y, 1.0) for x in (0, WIDE) for y in (0, DEEP)])
    middle = np.array([*kept[:, :2].mean(axis=0), 1.0])
    assert told["rmse_m"] == pytest.approx(np.sqrt((off**2).mean()), abs=1e-4)
    assert told["height_sigma_m"] == pytest.approx(np.sqrt(middle @ covariance @ middle + noise**2), abs=1e-4)
    worst = max(np.sqrt(c @ covariance @ c + noise**2) for c in corners)
    assert told["height_sigma_corner_m"] == pytest.approx(worst, abs=1e-4)


def test_points_along_one_side_leave_the_far_corners_unsure():
    near, all_over = survey(SHED, inside=(0, 0, WIDE, 1.5)), survey(SHED)
    assert shed_quality(near)["height_sigma_corner_m"] > 2 * shed_quality(all_over)["height_sigma_corner_m"]
    assert shed_quality(near)["no_data_share"] == pytest.approx(1 - 1.5 / DEEP, abs=0.13)


def test_a_perfect_survey_still_errs():
    assert shed_quality(survey(SHED, sigma=0.0))["height_sigma_m"] >= LEAST_NOISE_M


def test_order_of_points_changes_nothing():
    xyz = survey(SHED)
    assert shed_quality(xyz) == shed_quality(xyz[np.random.default_rng(1).permutation(len(xyz))])


def test_without_points_sizes_and_directions_remain():
    told = shed_quality(None)
    known = {"area_m2", "slope_deg", "azimuth_deg", "n_points"}
    assert all(np.isfinite(told[k]) == (k in known) for k in COLUMNS)
    assert told["n_points"] == 0


def test_few_points_and_points_in_a_line():
    three = shed_quality(survey(SHED, n=3))
    assert three["n_points"] == 3
    assert np.isnan(three["height_sigma_m"])
    line = np.column_stack([np.linspace(0.5, 11.5, 30), np.full(30, 4.0), np.full(30, 7.0)])
    assert np.isfinite(shed_quality(line)["height_sigma_m"])
    assert np.isnan(shed_quality(line)["height_sigma_corner_m"])


def test_faces_keep_the_order_of_the_solids():
    """One wing of a gable without points, over two parts of a footprint."""
    parts = shapely.multipolygons([shapely.box(0, 0, 12, 8), shapely.box(20, 0, 26, 8)])
    footprint = localize_footprint(parts)
    cut = cut_footprint(footprint, [shapely.LineString([(-1, 4), (30, 4)])])
    rises = np.array([(0.0, 0.7, 5.0), (0.0, -0.7, 10.6)])
    middle = [shapely.centroid(face).y for face in polygons_of(cut)]
    planes = np.array([rises[int(y > 4)] for y in middle])
    solids = extrude(cut, planes, ground_m=0.0)
    told = face_quality(solids, points(survey(rises, inside=(0, 0, WIDE, 4))), origin=footprint.origin)
    assert len(told["n_points"]) == 4
    with_points = told["n_points"] > 0
    assert with_points.sum() == 1
    assert told["area_m2"][with_points] == pytest.approx(12 * 4 * np.sqrt(1.49), abs=0.01)
    assert told["azimuth_deg"][with_points] == pytest.approx(180, abs=0.01)
    assert told["no_data_share"][~with_points].tolist() == [1, 1, 1]


def test_values_of_roofs_stand_on_roofs_alone():
    solids = extrude(whole_footprint(FOOTPRINT), SHED, ground_m=0.0)
    spread = on_all_faces(solids, face_quality(solids, None, origin=FOOTPRINT.origin))
    assert np.isfinite(spread["area_m2"]).tolist() == (solids[0].surface == Surface.ROOF).tolist()


def test_the_errors_of_many_surveys_are_as_large_as_told():
    """Of 200 fits to the same plane with noise, about two thirds lie within one standard error in the middle.

    The survey's own noise is not drawn here, so it is taken off.
    """
    within = 0
    for seed in range(200):
        xyz = survey(SHED, n=60, seed=seed)
        design = np.column_stack([xyz[:, :2], np.ones(60)])
        fitted = np.linalg.lstsq(design, xyz[:, 2])[0]
        solids = extrude(whole_footprint(FOOTPRINT), fitted[None], ground_m=0.0)
        told = face_quality(solids, points(xyz), origin=FOOTPRINT.origin)
        noise = max(LEAST_NOISE_M, 1.4826 * np.median(np.abs(xyz[:, 2] - design @ fitted)))
        sigma = np.sqrt(told["height_sigma_m"][0] ** 2 - noise**2)
        at = np.array([*xyz[:, :2].mean(axis=0), 1.0])
        within += abs(at @ (fitted - SHED[0])) < sigma
    assert 0.6 < within / 200 < 0.85
