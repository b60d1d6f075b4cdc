"""A proposed building: read, placed, judged, and compared with today."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from tests.energy.test_face_sun import ORIGIN, box, world
from twin.core.crs import parse_crs
from twin.core.errors import InputError, UsageError
from twin.core.mesh import Surface
from twin.core.notices import Notices
from twin.scene.measure import ground_of
from twin.scene.proposal import (
    faces_of_proposal,
    figures,
    place_as_told,
    place_by_hand,
    replaced_buildings,
    with_proposal,
)
from twin.scene.proposal_compare import compare, planned
from twin.scene.proposal_model import read_proposal
from twin.scene.proposal_place import told_place
from twin.sources.ifc import MapPlace

IFC = Path(__file__).resolve().parents[3] / "shared/data/ifc_indoor"
CUBE = [(0, 0, 0), (10, 0, 0), (10, 6, 0), (0, 6, 0), (0, 0, 12), (10, 0, 12), (10, 6, 12), (0, 6, 12)]
QUADS = [(4, 3, 2, 1), (5, 6, 7, 8), (1, 2, 6, 5), (2, 3, 7, 6), (3, 4, 8, 7), (4, 1, 5, 8)]


def write_obj(path, scale=1.0, quads=QUADS):
    lines = [f"v {x * scale} {y * scale} {z * scale}" for x, y, z in CUBE]
    path.write_text("\n".join([*lines, *("f " + " ".join(map(str, q)) for q in quads)]) + "\n")
    return path


@pytest.fixture
def block(tmp_path):
    return read_proposal(write_obj(tmp_path / "block.obj"), notices=Notices())


def at(x, y, *z):
    return tuple(float(v) for v in (np.array([x, y, *z]) + ORIGIN[: 2 + len(z)]))


def test_a_model_stands_with_the_middle_of_its_plan_at_its_place_on_the_ground(block):
    placed = place_by_hand(block, at(20, 10), ground=ground_of(world()))
    assert placed.outline.area == pytest.approx(60)
    assert placed.outline.centroid.coords[0] == pytest.approx(at(20, 10), abs=0.03)
    assert (placed.base_m, placed.top_m) == pytest.approx((0, 12))
    x0, y0, x1, y1 = placed.outline.bounds
    assert (x1 - x0, y1 - y0) == pytest.approx((10, 6), abs=0.06)


def test_it_turns_clockwise_and_keeps_its_size(block):
    x0, y0, x1, y1 = place_by_hand(block, at(0, 0, 3), turn_deg=90).outline.bounds
    assert (x1 - x0, y1 - y0) == pytest.approx((6, 10), abs=0.06)
    placed = place_by_hand(block, at(0, 0, 3), turn_deg=30)
    # The corner in its north-east, 5 m and 3 m from the middle.
    east = placed.mesh.vertices[np.argmax(placed.mesh.vertices[:, 0])] - ORIGIN
    assert east[:2] == pytest.approx((5.830, 0.098), abs=0.01)
    assert placed.base_m == pytest.approx(3)


@pytest.mark.parametrize(
    ("units", "factor"), [("mm", 1000), ("cm", 100), ("ft", 1 / 0.3048), ("in", 1 / 0.0254)]
)
def test_units_are_those_that_are_told(tmp_path, units, factor):
    model = read_proposal(write_obj(tmp_path / "b.obj", factor), notices=Notices())
    placed = place_by_hand(model, at(0, 0, 0), units=units)
    assert placed.top_m == pytest.approx(12, rel=1e-5)
    if units == "mm":
        with pytest.raises(UsageError, match="choose other units"):
            place_by_hand(model, at(0, 0, 0), units="m")


def test_what_cannot_be_placed_is_told(block):
    with pytest.raises(UsageError, match="no ground to stand on"):
        place_by_hand(block, at(0, 0))
    with pytest.raises(UsageError, match="outside the city"):
        place_by_hand(block, at(9000, 0), ground=ground_of(world()))
    with pytest.raises(UsageError, match="does not tell where"):
        place_as_told(block, city_crs=parse_crs("EPSG:28992"), notices=Notices())
    with pytest.raises(UsageError, match="is none"):
        place_by_hand(block, at(0, 0, 0), units="league")


def test_size_and_soundness_are_those_of_the_block(block, tmp_path):
    found = figures(place_by_hand(block, at(0, 0, 5)))
    assert found.is_closed
    assert found.solid_m3 == pytest.approx(720)
    assert found.volume_m3 == pytest.approx(720, rel=0.01)
    assert (found.height_m, found.plan_m2) == pytest.approx((12, 60))
    gap = read_proposal(write_obj(tmp_path / "gap.obj", quads=QUADS[:-1]), notices=Notices())
    open_one = figures(place_by_hand(gap, at(0, 0, 5)))
    assert not open_one.is_closed
    assert open_one.n_open_edges == 4
    assert open_one.solid_m3 is None
    assert open_one.volume_m3 == pytest.approx(720, rel=0.01)


def test_a_sketchup_file_is_answered_with_how_to_export_it(tmp_path):
    (tmp_path / "house.skp").write_bytes(b"\xff\xfe\xff\x0e\x53\x00\x6b\x00anything")
    with pytest.raises(InputError, match="GLB"):
        read_proposal(tmp_path / "house.skp", notices=Notices())


def test_a_damaged_ifc_is_refused(tmp_path):
    pytest.importorskip("ifcopenshell", reason="ifcopenshell is not installed")
    (tmp_path / "x.ifc").write_text("ISO-10303-21;\nHEADER;\nFILE_SCHEMA(('IFC4'));\nENDSEC;\nDATA;\n")
    with pytest.raises(InputError):
        read_proposal(tmp_path / "x.ifc", notices=Notices())


def table_of(*squares):
    return gpd.GeoDataFrame(
        {
            "id": [f"b{k}" for k in range(len(squares))],
            "volume_m3": [1000.0] * len(squares),
            "height_m": [10.0] * len(squares),
        },
        geometry=[shapely.box(*(np.array(s) + np.tile(ORIGIN[:2], 2))) for s in squares],
    )


def test_it_replaces_what_it_stands_on_and_not_what_it_touches(block):
    placed = place_by_hand(block, at(0, 0, 0))
    table = table_of((-3, -3, 3, 3), (5, -3, 9, 3), (30, 30, 40, 40))
    assert replaced_buildings(placed, table) == ("b0",)


def test_neighbours_in_its_shadow_lose_sun_and_others_do_not(tmp_path):
    around = world(box(-5, 12, 5, 20, 8), box(-40, -50, -30, -40, 8), box(-6, -4, 6, 4, 3))
    table = table_of((-5, 12, 5, 20), (-40, -50, -30, -40), (-6, -4, 6, 4))
    model = read_proposal(write_obj(tmp_path / "b.obj", 1.5), notices=Notices())
    placed = place_by_hand(model, at(0, 0), ground=ground_of(around))
    eyes = np.array([at(0, -40, 2), at(0, 11, 2)])
    found = compare(around, placed, table, day=date(2026, 12, 21), eyes=eyes)
    assert found.hidden == ("b2",)
    lost = found.neighbours.set_index("id")
    assert lost.index.tolist() == ["b0"]
    assert lost.loc["b0", "worst_wall_lost_h"] > 1
    assert lost.loc["b0", "wall_today_h"] > lost.loc["b0", "wall_plan_h"]
    row, column = around.grid.rows_cols(*(np.array([v]) for v in at(0.5, 9.5)))
    assert found.ground_lost_h[row[0], column[0]] >= 1
    assert found.added_volume_m3 == pytest.approx(720 * 1.5**3 - 1000, rel=0.01)
    assert found.today_height_m == 10.0
    assert found.views[1].taken > found.views[0].taken > 0


def test_the_plan_has_the_new_and_not_the_old():
    around = world(box(-6, -4, 6, 4, 3))
    obj = read_proposal_box(around)
    after = planned(around, obj, ["b0"])
    assert after.building_ids[-1] == obj.id
    assert set(after.buildings.owner.tolist()) == {1}
    kinds = faces_of_proposal(obj).surface
    assert (kinds == Surface.ROOF).sum() == 2
    assert (kinds == Surface.WALL).sum() == 8


def read_proposal_box(around, folder=None):
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        model = read_proposal(write_obj(Path(name) / "b.obj"), notices=Notices())
    return place_by_hand(model, at(0, 0), ground=ground_of(around))


def test_a_scene_of_the_plan_leaves_out_what_is_replaced(village):
    class Flat:
        def at(self, xy):
            return np.zeros(len(xy))

    import tempfile

    with tempfile.TemporaryDirectory() as name:
        model = read_proposal(write_obj(Path(name) / "b.obj"), notices=Notices())
    placed = place_by_hand(model, (84_000.0 - 17, 447_000.0 - 15, 0.0))
    plan = shapely.box(84_000 - 22, 447_000 - 20, 84_000 - 12, 447_000 - 10)
    content = with_proposal(village, placed, hidden=["a"], ground=([plan], Flat()))
    assert set(content.buildings.owner.tolist()) == {1, 2}
    assert content.overlays[-1].mesh.triangles.shape == (12, 3)
    fresh = content.terrain.vertices[content.terrain.triangles[len(village.terrain.triangles) :]]
    u, v = fresh[:, 1] - fresh[:, 0], fresh[:, 2] - fresh[:, 0]
    assert (np.cross(u, v)[:, 2].sum() / 2) == pytest.approx(100)


def test_a_told_place_in_another_crs_is_a_place_and_a_turn(block):
    """The convergence of the two grids is part of the turn."""
    city = parse_crs("EPSG:28992")
    moved = replace(block, place=MapPlace("EPSG:25831", (593_000.0, 5_763_000.0, 2.0), 30.0))
    told = told_place(moved, city_crs=city, notices=Notices())
    placed = place_as_told(moved, city_crs=city, notices=Notices())
    by_hand = place_by_hand(moved, (*told.position, placed.base_m), turn_deg=told.turn_deg)
    np.testing.assert_allclose(by_hand.mesh.vertices, placed.mesh.vertices, atol=0.02)
    assert 0.3 < abs(told.turn_deg - 30.0) < 2.5
    with pytest.raises(UsageError, match="does not tell where"):
        told_place(block, city_crs=city, notices=Notices())


def test_heights_of_another_datum_are_no_reason_to_refuse_a_told_place(block):
    """The model is seated on the ground: only its place in plan is asked for."""
    moved = replace(block, place=MapPlace("EPSG:2169+5774", (76_670.0, 77_179.0, 293.7), 0.0))
    told = told_place(moved, city_crs=parse_crs("EPSG:25832+7837"), notices=Notices())
    assert told.position == pytest.approx((293_000.0, 5_505_000.0), abs=40_000)
    assert abs(told.turn_deg) < 5


@pytest.mark.slow
@pytest.mark.skipif(not IFC.exists(), reason="no IFC files beside this checkout")
def test_a_georeferenced_ifc_stands_where_it_says():
    pytest.importorskip("ifcopenshell", reason="ifcopenshell is not installed")
    model = read_proposal(IFC / "Duplex_A_20110907_georeferenced.ifc", notices=Notices())
    assert model.is_placed
    assert model.place.origin == pytest.approx((76670.0, 77179.0, 293.7), abs=0.01)
    placed = place_as_told(model, city_crs=parse_crs("EPSG:9897"), notices=Notices())
    x, y = placed.outline.centroid.coords[0]
    assert np.hypot(x - 76670, y - 77179) < 30  # the model lies within 25 m of its own origin
    assert placed.base_m == pytest.approx(293.7 - 1.55, abs=0.01)
    told = told_place(model, city_crs=parse_crs("EPSG:9897"), notices=Notices())
    by_hand = place_by_hand(model, (*told.position, placed.base_m), turn_deg=told.turn_deg)
    np.testing.assert_allclose(by_hand.mesh.vertices, placed.mesh.vertices, atol=0.01)
    found = figures(placed)
    assert found.height_m == pytest.approx(8.2, abs=0.1)
    assert 100 < found.plan_m2 < 260
