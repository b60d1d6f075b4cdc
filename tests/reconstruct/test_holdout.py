"""Held-out points: which ones, and what they show that the others hide."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
import shapely

from twin.reconstruct.footprint import localize_footprint
from twin.reconstruct.holdout import holdout_fit, is_held_out
from twin.reconstruct.lod1 import stepped_roof
from twin.reconstruct.partition import FootprintPartition, cut_footprint, locate, whole_footprint
from twin.reconstruct.quality import roof_fit
from twin.reconstruct.roof_points import RoofPoints

FOOTPRINT = localize_footprint(shapely.box(0, 0, 12, 8))


@dataclass(frozen=True)
class Roof:
    partition: FootprintPartition
    planes: np.ndarray


def survey(n=800, *, seed=0, sigma=0.03) -> RoofPoints:
    rng = np.random.default_rng(seed)
    xy = np.column_stack([rng.uniform(0, 12, n), rng.uniform(0, 8, n)])
    xyz = np.round(np.column_stack([xy, 6 + 0.3 * xy[:, 1] + rng.normal(0, sigma, n)]), 4)
    return RoofPoints(xyz, np.ones(n, np.bool_), np.full(n, 2.0))


def one_plane(points: RoofPoints) -> Roof:
    design = np.column_stack([points.xyz[:, :2], np.ones(len(points))])
    return Roof(whole_footprint(FOOTPRINT), np.linalg.lstsq(design, points.xyz[:, 2])[0][None])


def plane_for_each_cell(points: RoofPoints, *, cell_m: float = 0.4) -> Roof:
    """As many faces as there are points, nearly: a roof that follows the noise."""
    lines = [shapely.LineString([(-1, y), (13, y)]) for y in np.arange(cell_m, 8, cell_m)]
    lines += [shapely.LineString([(x, -1), (x, 9)]) for x in np.arange(cell_m, 12, cell_m)]
    cells = cut_footprint(FOOTPRINT, lines)
    face = locate(cells, points.xyz[:, :2])
    level = np.full(cells.n_faces, points.xyz[:, 2].mean())
    n = np.bincount(face, minlength=cells.n_faces)
    slope = 0.3 * points.xyz[:, 1]
    total = np.bincount(face, points.xyz[:, 2] - slope, minlength=cells.n_faces)
    level = np.where(n > 0, total / np.maximum(n, 1), 6.0)
    return Roof(cells, np.column_stack([np.zeros_like(level), np.full_like(level, 0.3), level]))


def test_a_fifth_is_held_out_and_another_seed_holds_out_others():
    xyz = survey(20_000).xyz
    one, two = is_held_out(xyz), is_held_out(xyz, seed=7)
    assert one.mean() == pytest.approx(0.2, abs=0.01)
    assert (one & two).mean() == pytest.approx(0.04, abs=0.005)


def test_the_choice_is_of_points_and_not_of_their_order():
    xyz = survey().xyz
    order = np.random.default_rng(3).permutation(len(xyz))
    assert np.array_equal(is_held_out(xyz)[order], is_held_out(xyz[order]))


def test_the_choice_has_no_pattern_over_the_roof():
    """In every strip and every height a fifth, and of neighbours along a line no more than chance has it."""
    xyz = survey(40_000).xyz
    held = is_held_out(xyz)
    for axis in range(3):
        bands = np.digitize(xyz[:, axis], np.quantile(xyz[:, axis], np.linspace(0, 1, 11)[1:-1]))
        assert np.bincount(bands, held) / np.bincount(bands) == pytest.approx(0.2, abs=0.03)
    row = np.column_stack([np.arange(20_000) * 1e-4, np.zeros(20_000), np.full(20_000, 5.0)])
    beside = is_held_out(row)
    assert (beside[1:] & beside[:-1]).mean() == pytest.approx(0.04, abs=0.01)


def test_the_roof_is_built_without_the_points_that_judge_it():
    points = survey()
    held = is_held_out(points.xyz)
    seen = []

    def build(some: RoofPoints) -> Roof:
        seen.append(some.xyz)
        return one_plane(some)

    fit = holdout_fit(points, build)
    assert np.array_equal(seen[0], points.xyz[~held])
    assert fit.n_points == held.sum()


def test_a_sound_roof_is_as_good_at_points_it_has_not_seen():
    points = survey()
    own, held = roof_fit(*_parts(one_plane(points)), points), holdout_fit(points, one_plane)
    assert held.rmse_m == pytest.approx(own.rmse_m, rel=0.15)


def test_a_roof_that_follows_noise_is_found_out():
    points = survey(sigma=0.1)
    own, held = (
        roof_fit(*_parts(plane_for_each_cell(points)), points),
        holdout_fit(points, plane_for_each_cell),
    )
    assert own.rmse_m < 0.08
    assert held.rmse_m > 0.1


def test_errors_that_a_rough_tool_hides_in_its_own_points():
    points = survey()
    assert holdout_fit(points, partial(stepped_flat, detail=0.5)).rmse_m > 0.3


def stepped_flat(points: RoofPoints, *, detail: float) -> Roof:
    flat = stepped_roof(FOOTPRINT, points, detail=detail)
    planes = np.zeros((flat.partition.n_faces, 3))
    planes[:, 2] = flat.heights_m
    return Roof(flat.partition, planes)


def test_nothing_is_told_where_nothing_can_be():
    def refuses(_: RoofPoints) -> Roof:
        raise ValueError("no plane")

    assert np.isnan(holdout_fit(survey(), refuses).rmse_m)
    assert np.isnan(holdout_fit(survey(30), one_plane).rmse_m)


def _parts(roof: Roof):
    return roof.partition, roof.planes
