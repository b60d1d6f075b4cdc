"""Roof points of surveys without classes: trees above and beside roofs, low sheds, edges."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from twin.core.points import Classification, PointCloud
from twin.reconstruct.footprint import localize_footprint
from twin.reconstruct.roof_points import select_roof_points
from twin.reconstruct.vegetation import classify_points

HOUSE = shapely.box(10, 10, 24, 20)


def scene(roof_m, *, crown_xy=None, crown_m=(9.0, 13.0), seed=0, spacing=0.35):
    """Lawn, a flat roof, and a crown that the beam goes through: cloud and what each point belongs to."""
    rng = np.random.default_rng(seed)
    x, y = (v.ravel() for v in np.meshgrid(np.arange(0, 36, spacing), np.arange(0, 32, spacing)))
    x, y = x + rng.uniform(0, spacing, len(x)), y + rng.uniform(0, spacing, len(y))
    on_roof = shapely.contains_xy(HOUSE, x, y)
    z = np.where(on_roof, roof_m, 0.0) + rng.normal(0, 0.02, len(x))
    n_returns, kind = np.ones(len(x), np.uint8), np.where(on_roof, 6, 2)
    number = np.ones(len(x), np.uint8)
    clouds = [(np.column_stack([x, y, z]), kind, number, n_returns)]
    if crown_xy is not None:
        under = np.flatnonzero(np.hypot(x - crown_xy[0], y - crown_xy[1]) < 3.0)
        met = under[rng.random(len(under)) < 0.8]
        leaf = np.column_stack([x[met], y[met], rng.uniform(*crown_m, len(met))])
        stopped = rng.random(len(met)) < 0.15  # the crown sent the only return
        n_returns[met], number[met] = 2, 2
        clouds.append(
            (
                leaf,
                np.full(len(met), 5),
                np.ones(len(met), np.uint8),
                np.where(stopped, 1, 2).astype(np.uint8),
            )
        )
        keep = np.ones(len(x), bool)
        keep[met[stopped]] = False
        clouds[0] = (clouds[0][0][keep], kind[keep], number[keep], n_returns[keep])
    xyz, truth, number, n_returns = (np.concatenate(column) for column in zip(*clouds, strict=True))
    return PointCloud(xyz, np.ones(len(xyz), np.uint8), number, n_returns), truth


def selected(cloud):
    """Which points are chosen, by their place and elevation."""
    roof = select_roof_points(localize_footprint(HOUSE), cloud, ground_m=0.0, roof_classes=())
    return roof.xyz[:, 2]


def test_a_crown_above_a_roof_is_told_from_it():
    cloud, truth = scene(5.0, crown_xy=(20.0, 15.0))
    z = selected(cloud)
    over = shapely.contains_xy(HOUSE, cloud.xyz[:, 0], cloud.xyz[:, 1])
    assert (z > 8).sum() < 0.1 * ((truth == 5) & over).sum()
    assert ((z > 4.5) & (z < 5.5)).sum() > 0.95 * (truth == 6).sum()


@pytest.mark.parametrize("roof_m", [1.8, 2.1, 6.0])
def test_low_roofs_within_footprints_are_found(roof_m):
    cloud, truth = scene(roof_m)
    classes = classify_points(cloud, truth == 2, footprints=np.array([HOUSE]))
    assert (classes[truth == 6] == Classification.BUILDING).mean() > 0.99
    assert not (classes[truth == 2] == Classification.BUILDING).any()


def test_what_is_as_low_outside_footprints_is_no_building():
    cloud, truth = scene(1.8)
    classes = classify_points(cloud, truth == 2)
    assert not (classes == Classification.BUILDING).any()


def test_a_crown_beside_a_house_is_a_plant():
    cloud, truth = scene(5.0, crown_xy=(29.0, 15.0), crown_m=(3.0, 7.0))
    classes = classify_points(cloud, truth == 2, footprints=np.array([HOUSE]))
    assert (classes[truth == 5] == Classification.BUILDING).mean() < 0.05
    assert (classes[truth == 6] == Classification.BUILDING).mean() > 0.98
