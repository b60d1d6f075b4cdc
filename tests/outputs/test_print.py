"""Prints are closed bodies, as trimesh sees them when it reads the files."""

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

import twin
from tests.small_town import small_town
from twin.city.export_options import ExportOptions
from twin.core.errors import ExtraMissingError, OutputExistsError, UsageError
from twin.core.notices import Notices
from twin.outputs.print_body import BASE_MM, height_block, plan_print, told_apart

pytest.importorskip("manifold3d", reason='manifold3d is not installed: pip install "twin[expo]"')


@given(st.integers(2, 5), st.integers(2, 5), st.randoms())
@settings(deadline=None)
def test_a_block_of_any_heights_is_closed(ny, nx, chance):
    heights = np.array([[chance.uniform(0.5, 3) for _ in range(nx)] for _ in range(ny)])
    block = height_block(heights, (2.0, 3.0), (-1.0, -1.0))
    mesh = trimesh.Trimesh(block.vertices, block.triangles, process=False)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    low, high = heights.min(), heights.max()
    plan = 2.0 * (nx - 1) * 3.0 * (ny - 1)
    assert plan * low - 1e-9 <= mesh.volume <= plan * high + 1e-9


def test_bodies_that_touch_along_an_edge_stay_two():
    boxes = [
        trimesh.creation.box((1, 1, 1), trimesh.transformations.translation_matrix((x, x, 0))) for x in (0, 1)
    ]
    vertices = np.concatenate([b.vertices for b in boxes])
    triangles = np.concatenate([boxes[0].faces, boxes[1].faces + 8]).astype(np.int32)
    merged = trimesh.Trimesh(vertices, triangles)
    assert not merged.is_watertight
    moved = told_apart(vertices.copy(), triangles)
    assert len(np.unique(moved, axis=0)) == 16
    assert np.abs(moved - vertices).max() < 0.01
    assert trimesh.Trimesh(moved, triangles).is_watertight


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    return twin.open_city(small_town(tmp_path_factory) / "town.twin")


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".stl", ".3mf"])
def test_a_print_is_one_closed_body(city, tmp_path, suffix):
    pytest.importorskip("lxml", reason="trimesh reads 3MF with lxml")
    notices = Notices()
    path = city.export(
        tmp_path / f"a{suffix}", options=ExportOptions(for_print=True, scale=1000), notices=notices
    )
    mesh = trimesh.load(path, force="mesh")
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert mesh.body_count == 1
    low, high = mesh.bounds
    width = [city.bounds.x_max - city.bounds.x_min, city.bounds.y_max - city.bounds.y_min]
    assert (high - low)[:2] == pytest.approx(width, abs=0.01)  # 1:1000: a metre is a millimetre
    assert low[2] == pytest.approx(0, abs=1e-3)
    # More than its base plate, less than the block of its height.
    plate = width[0] * width[1] * BASE_MM
    assert plate < mesh.volume < width[0] * width[1] * high[2]
    tallest = float(city.buildings["height_m"].max())
    assert high[2] > BASE_MM + 0.8 * tallest


@pytest.mark.slow
def test_a_round_print_is_round(city, tmp_path):
    b = city.bounds
    middle = ((b.x_min + b.x_max) / 2, (b.y_min + b.y_max) / 2)
    radius = 0.3 * min(b.x_max - b.x_min, b.y_max - b.y_min)
    options = ExportOptions(for_print=True, size_m=0.1, around=(*middle, radius))
    mesh = trimesh.load(city.export(tmp_path / "a.stl", options=options), force="mesh")
    assert mesh.is_watertight
    reach = np.hypot(*mesh.vertices[:, :2].T)
    assert reach.max() == pytest.approx(50, rel=2e-3)
    before = (tmp_path / "a.stl").read_bytes()
    with pytest.raises(OutputExistsError):
        city.export(tmp_path / "a.stl", options=options)
    assert (tmp_path / "a.stl").read_bytes() == before


@pytest.mark.slow
def test_models_without_print_have_named_objects(city, tmp_path):
    pytest.importorskip("lxml", reason="trimesh reads 3MF with lxml")
    path = city.export(tmp_path / "a.3mf")
    scene = trimesh.load(path)
    assert {"terrain"} <= set(scene.geometry)
    houses = [g for name, g in scene.geometry.items() if name in set(city.buildings["id"])]
    assert houses
    assert all(g.is_watertight for g in houses)
    table = trimesh.load(city.export(tmp_path / "a.glb", options=ExportOptions(size_m=0.4)))
    size = table.bounds[1] - table.bounds[0]
    assert max(size[0], size[2]) == pytest.approx(0.4, rel=0.05)  # crowns of trees may reach over the edge


@pytest.mark.slow
def test_places_outside_are_refused(city):
    with pytest.raises(UsageError, match="--around"):
        plan_print(city, ExportOptions(for_print=True, around=(0.0, 0.0, 10.0)))


def test_without_manifold_the_remedy_is_named(monkeypatch, tmp_path):
    from tests.flood_city import make_city

    flat = make_city(tmp_path / "town.twin", np.full((20, 30), 1.0))
    monkeypatch.setitem(__import__("sys").modules, "manifold3d", None)
    with pytest.raises(ExtraMissingError, match=r'pip install "twin\[expo\]"'):
        flat.export(tmp_path / "a.stl", options=ExportOptions(for_print=True))
    assert not (tmp_path / "a.stl").exists()


def test_bare_ground_is_printed_as_a_plate(tmp_path):
    from tests.flood_city import make_city

    heights = np.full((20, 30), 1.0)
    heights[:, 15:] = 3.0
    heights[5, 5] = np.nan
    hill = make_city(tmp_path / "town.twin", heights)
    path = hill.export(tmp_path / "a.stl", options=ExportOptions(for_print=True, scale=500))
    mesh = trimesh.load(path, force="mesh")
    assert mesh.is_watertight
    assert (mesh.bounds[1] - mesh.bounds[0]).tolist() == pytest.approx([60, 40, BASE_MM + 4], abs=0.05)
    assert mesh.volume == pytest.approx(30 * 40 * (BASE_MM + BASE_MM + 4), rel=0.03)
