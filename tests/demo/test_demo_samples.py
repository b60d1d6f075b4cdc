"""Single roofs for trying out methods, and the cameras of a district."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import pytest
import shapely

from twin.core.errors import UsageError
from twin.core.points import Classification
from twin.demo import Sample, sample_buildings
from twin.demo.layout import make_layout
from twin.demo.roofcells import roof_faces, roof_height
from twin.demo.viewpoints import viewpoints
from twin.reconstruct.validity import check_solid
from twin.scene.camera import load_camera

if TYPE_CHECKING:
    from pathlib import Path

    from twin.demo.district import DistrictFiles

KINDS = ("gable", "hip", "shed", "flat_boxes", "row_gable", "mansard")


@pytest.fixture(scope="module")
def houses() -> list[Sample]:
    return list(sample_buildings(12, density=4.0, seed=2, kinds=KINDS))


def test_kinds_are_dealt_out_evenly(houses: list[Sample]) -> None:
    assert Counter(h.kind for h in houses) == dict.fromkeys(KINDS, 2)
    assert len({h.id for h in houses}) == 12


def test_points_lie_around_the_footprint_and_on_the_true_roof(houses: list[Sample]) -> None:
    for house in houses:
        points = shapely.points(house.xyz[:, :2])
        assert shapely.dwithin(house.footprint, points, 3.0).all()
        deep = shapely.contains_properly(house.footprint.buffer(-0.5), points)
        roof = house.xyz[deep & (house.classification == Classification.BUILDING)]
        assert len(roof) > 1.5 * house.footprint.buffer(-0.5).area
        origin = np.floor([*house.footprint.bounds[:2], 0.0])
        at = np.ascontiguousarray(roof[:, :2] - origin[:2])
        z = roof_height(roof_faces([house.solids["2.2"]], origin), at)
        assert np.median(np.abs(roof[:, 2] - z)) < 0.08


def test_solids_are_valid_and_agree_with_the_facts(houses: list[Sample]) -> None:
    for house in houses:
        assert set(house.solids) == {"1.2", "1.3", "2.2"}
        assert not any(check_solid(solid) for solid in house.solids.values())
        assert house.solids["2.2"].vertices[:, 2].max() == pytest.approx(house.facts["ridge_z_m"], abs=1e-3)
        assert house.solids["2.2"].vertices[:, 2].min() == pytest.approx(house.floor_z_m)


def test_the_same_seed_gives_the_same_samples(houses: list[Sample]) -> None:
    again = next(sample_buildings(12, density=4.0, seed=2, kinds=KINDS))
    assert again.id == houses[0].id
    np.testing.assert_array_equal(again.xyz, houses[0].xyz)


def test_unknown_kinds_are_named_and_none_give_none() -> None:
    with pytest.raises(UsageError, match="no building is called 'igloo'"):
        next(sample_buildings(1, kinds=["igloo"]))
    assert list(sample_buildings(3, kinds=[])) == []


def test_cameras_of_a_district_are_read_back(small_district: DistrictFiles) -> None:
    assert [path.stem for path in small_district.views] == list(viewpoints(make_layout(12, seed=3)))
    for path in small_district.views:
        camera = load_camera(path, (0, 0, 0))
        assert camera.eye[2] > camera.target[2] + 10.0


@pytest.mark.parametrize("n", [1, 40, 400])
def test_pictures_are_taken_from_the_river_towards_the_land(n: int, tmp_path: Path) -> None:
    for name, camera in viewpoints(make_layout(n, seed=1)).items():
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(camera))
        eye, target = load_camera(path, (0, 0, 0)).eye, load_camera(path, (0, 0, 0)).target
        assert target[1] > eye[1]  # the river runs in the south
