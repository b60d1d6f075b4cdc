"""The comparison with the truth: nothing for the truth itself, and every planted error found and sized."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from twin.city.cityjson import ModelMetadata, VertexTransform, read_cityjson, write_cityjsonseq
from twin.core.errors import InputError, InputNotFoundError, UsageError
from twin.core.mesh import Solid, Surface
from twin.core.notices import Notices
from twin.demo import compare
from twin.demo.cadastre import NO_DEFECTS
from twin.demo.classcheck import compare_classes
from twin.demo.delivery import write_buildings
from twin.demo.layout import make_layout
from twin.demo.roofcells import cells_inside, count_faces, roof_faces
from twin.demo.skeleton import CRS, ORIGIN
from twin.demo.terraincheck import class_errors, compare_dtm, match_trees

if TYPE_CHECKING:
    from collections.abc import Callable

    from twin.city.building_geometry import BuildingGeometry
    from twin.demo.district import DistrictFiles


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is known of twelve buildings whose footprints are all right."""
    from twin.core.progress import Silent

    folder = tmp_path_factory.mktemp("district") / "truth"
    folder.mkdir()
    write_buildings(
        make_layout(12, seed=3), NO_DEFECTS, folder / "footprints.gpkg", folder, workers=1, progress=Silent()
    )
    return folder


@pytest.fixture(scope="module")
def exact(truth: Path) -> list[BuildingGeometry]:
    return list(read_cityjson(truth / "solids.city.jsonl", notices=Notices()).buildings)


def model_of(folder: Path, buildings: list[BuildingGeometry]) -> Path:
    path = folder / "model.city.jsonl"
    transform = VertexTransform((int(ORIGIN[0]), int(ORIGIN[1]), 0))
    write_cityjsonseq(path, buildings, metadata=ModelMetadata(CRS), transform=transform)
    return path


def changed(
    building: BuildingGeometry, change: Callable[[Solid], Solid], lod: str = "2.2"
) -> BuildingGeometry:
    solids = {**building.solids, lod: tuple(map(change, building.solids[lod]))}
    return replace(building, solids=solids)


def raised(by_m: float) -> Callable[[Solid], Solid]:
    """Lift the roof, and with it the walls, off the floor."""

    def lift(solid: Solid) -> Solid:
        vertices = solid.vertices.copy()
        vertices[vertices[:, 2] > vertices[:, 2].min() + 0.5, 2] += by_m
        return replace(solid, vertices=vertices)

    return lift


def test_the_truth_differs_from_itself_by_nothing(truth: Path) -> None:
    found = compare(truth / "solids.city.jsonl", truth)
    b = found.buildings
    assert found.lod == "2.2"
    assert found.score == 100.0
    assert (b["state"] == "built").all()
    assert b[["rmse_m", "rmse_lod_m", "ridge_error_m", "eave_error_m"]].abs().to_numpy().max() < 1e-3
    assert b["volume_error"].abs().max() < 1e-4
    assert (b["n_faces"] == b["n_true_faces"]).all()


@pytest.mark.parametrize("lod", ["1.2", "1.3"])
def test_lower_levels_are_right_against_themselves_and_worse_against_the_roof(truth: Path, lod: str) -> None:
    found = compare(truth / "solids.city.jsonl", truth, lod=lod)
    assert found.buildings["rmse_lod_m"].max() < 1e-3
    assert (found.buildings["w20_lod"] == 1.0).all()
    pitched = found.buildings[found.buildings["kind"].str.contains("gable")]
    assert pitched["rmse_m"].min() > 0.2


def test_a_lifted_roof_is_found_with_its_height(
    tmp_path: Path, truth: Path, exact: list[BuildingGeometry]
) -> None:
    lifted = [changed(b, raised(0.15)) if k == 0 else b for k, b in enumerate(exact)]
    row = compare(model_of(tmp_path, lifted), truth).buildings.iloc[0]
    assert row["rmse_m"] == pytest.approx(0.15, abs=1e-3)
    assert row["ridge_error_m"] == pytest.approx(0.15, abs=1e-3)
    assert row["eave_error_m"] == pytest.approx(0.15, abs=1e-3)
    assert (row["w10"], row["w20"], row["w50"]) == (0.0, 1.0, 1.0)
    assert row["volume_error"] > 0.01


def test_missing_and_broken_buildings_count_as_nothing(
    tmp_path: Path, truth: Path, exact: list[BuildingGeometry]
) -> None:
    def turned(solid: Solid) -> Solid:
        """Inside out."""
        corners = np.concatenate(
            [
                solid.corners[a:b][::-1]
                for a, b in zip(solid.ring_starts[:-1], solid.ring_starts[1:], strict=True)
            ]
        )
        return replace(solid, corners=corners)

    broken = [*exact[:-2], changed(exact[-2], turned)]
    found = compare(model_of(tmp_path, broken), truth)
    assert found.buildings["state"].tolist() == ["built"] * (len(exact) - 2) + ["invalid_solid", "missing"]
    assert found.score == pytest.approx(100 * (len(exact) - 2) / len(exact))


def test_faces_are_counted_after_merging_coplanar_neighbours(exact: list[BuildingGeometry]) -> None:
    house = next(b for b in exact if b.attributes["kind"] == "gable")
    (solid,) = house.solids["2.2"]
    origin = np.floor([*solid.vertices.min(0)[:2], 0.0])
    whole = roof_faces([solid], origin)
    split = roof_faces([split_roof(solid)], origin)
    assert (len(whole), len(split)) == (2, 4)
    assert count_faces(whole) == count_faces(split) == 2


def split_roof(solid: Solid) -> Solid:
    """Every four-cornered roof face as two triangles."""
    corners, rings, faces, surface = [], [0], [0], []
    for f in range(solid.n_faces):
        pieces = [solid.rings(f)]
        if solid.surface[f] == Surface.ROOF and len(pieces[0][0]) == 4:
            a, b, c, d = pieces[0][0]
            pieces = [[np.array([a, b, c])], [np.array([a, c, d])]]
        for piece in pieces:
            for ring in piece:
                corners += ring.tolist()
                rings.append(len(corners))
            faces.append(len(rings) - 1)
            surface.append(solid.surface[f])
    return Solid(
        solid.vertices,
        np.array(corners, np.int32),
        np.array(rings, np.int32),
        np.array(faces, np.int32),
        np.array(surface, np.uint8),
    )


def test_cells_keep_their_distance_from_the_walls() -> None:
    import shapely

    house = shapely.box(10.0, 20.0, 14.0, 23.0)
    at = cells_inside(house, np.array([10.0, 20.0, 0.0]))
    assert at.min() >= 0.3
    assert (at.max(0) <= [3.7, 2.7]).all()
    assert len(at) * 0.0625 == pytest.approx(3.4 * 2.4, rel=0.1)
    assert len(cells_inside(shapely.box(0.0, 0.0, 0.5, 4.0), np.zeros(3))) > 0


def test_a_lifted_terrain_is_found_with_its_height(tmp_path: Path, small_district: DistrictFiles) -> None:
    import rasterio

    with rasterio.open(small_district.truth / "dtm.tif") as dtm:
        values, profile = dtm.read(1), dtm.profile
    same = compare_dtm(small_district.truth / "dtm.tif", small_district.truth)
    assert (same.rmse_m, same.open_rmse_m, same.missing) == (0.0, 0.0, 0.0)
    values[: values.shape[0] // 2] = np.nan
    with rasterio.open(tmp_path / "dtm.tif", "w", **profile) as out:
        out.write(values + 0.25, 1)
    found = compare_dtm(tmp_path / "dtm.tif", small_district.truth)
    assert found.rmse_m == pytest.approx(0.25, abs=1e-4)
    assert found.bias_m == pytest.approx(0.25, abs=1e-4)
    assert found.open_p95_m == pytest.approx(0.25, abs=0.006)
    assert 0.2 < found.missing < 0.8


def test_trees_are_matched_once_and_nearest_first() -> None:
    exact = np.array([[0.0, 0.0], [2.0, 0.0], [50.0, 0.0]])
    found = np.array([[0.9, 0.0], [1.8, 0.0], [10.0, 10.0]])
    errors = match_trees(found, np.array([5.0, 7.0, 3.0]), exact, np.array([5.0, 6.0, 9.0]))
    assert (errors.recall, errors.precision) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert errors.height_rmse_m == pytest.approx(np.sqrt(0.5))
    nothing = match_trees(np.empty((0, 2)), np.empty(0), exact, np.zeros(3))
    assert (nothing.recall, nothing.n_found) == (0.0, 0)


def test_class_errors_of_a_known_table() -> None:
    exact = np.repeat([True, False], [80, 20])
    predicted = exact.copy()
    predicted[:8] = False
    predicted[-4:] = True
    errors = class_errors(predicted, exact)
    assert errors["type_1"] == pytest.approx(0.1)
    assert errors["type_2"] == pytest.approx(0.2)
    assert errors["total"] == pytest.approx(0.12)
    assert errors["kappa"] == pytest.approx(0.6511627907)


def test_a_flattened_roof_is_found_with_its_faces(
    tmp_path: Path, truth: Path, exact: list[BuildingGeometry]
) -> None:
    at = next(k for k, b in enumerate(exact) if b.attributes["kind"] == "gable")
    flat = replace(exact[at], solids={**exact[at].solids, "2.2": exact[at].solids["1.2"]})
    row = compare(model_of(tmp_path, [*exact[:at], flat, *exact[at + 1 :]]), truth).buildings.iloc[at]
    assert (row["n_faces"], row["n_true_faces"]) == (1, 2)
    assert row["ridge_error_m"] < -0.3
    assert row["eave_error_m"] > 0.3
    assert row["w20"] < 0.6
    assert row["rmse_lod_m"] == row["rmse_m"]


def test_a_building_that_stands_beside_its_place_is_found(
    tmp_path: Path, truth: Path, exact: list[BuildingGeometry]
) -> None:
    def moved(solid: Solid) -> Solid:
        return replace(solid, vertices=solid.vertices + np.array([1.0, 0.0, 0.0]))

    row = compare(model_of(tmp_path, [changed(exact[0], moved), *exact[1:]]), truth).buildings.iloc[0]
    assert 0.0 < row["w20"] < 0.97
    assert row["ridge_error_m"] == pytest.approx(0.0, abs=1e-3)


def test_types_are_right_wrong_or_not_told(truth: Path) -> None:
    found = compare(truth / "solids.city.jsonl", truth)
    assert found.buildings["roof_type_right"].isna().all()
    assert "type: not available, this model does not name roof types" in found.lines()
    told = found.buildings.assign(roof_type_right=[1.0, 0.0] * 6)
    assert replace(found, buildings=told).as_json()["buildings"]["roof_type_right"] == 0.5
    assert not any("not available" in line for line in replace(found, buildings=told).lines())


def test_the_truth_of_another_district_is_refused(tmp_path: Path, truth: Path) -> None:
    from twin.core.progress import Silent

    layout = make_layout(12, seed=4)
    write_buildings(layout, NO_DEFECTS, tmp_path / "f.gpkg", tmp_path, workers=1, progress=Silent())
    with pytest.raises(InputError, match=r"is not of the district of .*: \d+ of its 12 buildings"):
        compare(truth / "solids.city.jsonl", tmp_path)


def test_a_model_without_any_building_of_the_truth_is_refused(
    tmp_path: Path, truth: Path, exact: list[BuildingGeometry]
) -> None:
    strangers = [replace(b, id=f"other-{b.id}") for b in exact]
    with pytest.raises(InputError, match="0 of its 12 buildings"):
        compare(model_of(tmp_path, strangers), truth)


def test_class_errors_grow_by_what_is_planted(tmp_path: Path, small_district: DistrictFiles) -> None:
    survey = small_district.survey[0].parent
    found = compare_classes(survey, small_district.truth)
    assert found is not None
    assert found.kappa > 0.9
    (tmp_path / "points").mkdir()
    for path in (small_district.truth / "points").glob("*.npz"):
        with np.load(path) as columns:
            classes = columns["classification"].copy()
        ground = np.flatnonzero(classes == 2)
        classes[ground[::10]] = 5
        np.savez(tmp_path / "points" / path.name, classification=classes)
    worse = compare_classes(survey, tmp_path)
    assert worse is not None
    assert worse.type_2 > found.type_2 + 0.2
    assert worse.n_points == found.n_points
    assert compare_classes(tmp_path, small_district.truth) is None


def test_wrong_paths_and_levels_are_named(tmp_path: Path, truth: Path) -> None:
    with pytest.raises(
        InputNotFoundError, match=r"buildings\.gpkg.* name the truth folder of a demo district"
    ):
        compare(truth / "solids.city.jsonl", tmp_path)
    with pytest.raises(InputNotFoundError, match=rf"name {re.escape(str(truth))}"):
        compare(truth / "solids.city.jsonl", truth.parent)
    with pytest.raises(InputNotFoundError, match="no CityJSON"):
        compare(tmp_path, truth)
    with pytest.raises(UsageError, match=r"LoD 3\.0"):
        compare(truth / "solids.city.jsonl", truth, lod="3.0")


def test_the_answer_is_json_and_lines(truth: Path) -> None:
    import json

    found = compare(truth / "solids.city.jsonl", truth)
    told = json.loads(json.dumps(found.as_json(), allow_nan=False))
    assert told["score"] == 100.0
    assert told["states"] == {"built": 12}
    assert set(told["by_kind"]) == set(found.buildings["kind"])
    assert set(told["by_roof_type"]) == set(found.buildings["roof_type"])
    assert [line.split()[0] for line in found.lines()[2:-2]] == sorted(set(found.buildings["roof_type"]))
    assert found.lines()[-2].startswith("all")
