"""Packs: made, kept, found again."""

import json
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import twin
from twin.city.manifest import Manifest
from twin.city.model import City
from twin.core.errors import UsageError
from twin.core.grid import Bounds
from twin.core.notices import Notices
from twin.reconstruct.cover import Cover
from twin.scene import pack
from twin.scene.facets import facets_from_solids
from twin.scene.model import ColouredMesh, FacetMesh, Lines, Overlay, Picture
from twin.scene.pack import (
    FORMAT,
    Material,
    load_arrays,
    load_pack,
    meta_from_json,
    meta_to_json,
    save_arrays,
    save_pack,
)
from twin.scene.packing import pack_content
from twin.scene.store import is_pack_kept, stored_pack


def moved(content, by):
    """The content somewhere else on the map."""
    shift = np.array(by, dtype=np.float64)

    def facets(mesh):
        return replace(mesh, vertices=mesh.vertices + shift)

    return replace(
        content,
        origin=tuple(o + b for o, b in zip(content.origin, by, strict=True)),
        buildings=facets(content.buildings),
        terrain=replace(content.terrain, vertices=content.terrain.vertices + shift),
        trees=replace(content.trees, foot=content.trees.foot + shift),
    )


def test_far_from_home_coordinates_are_as_exact(village):
    here = pack_content(village)
    there = pack_content(moved(village, (1_000_000, -2_000_000, 0)))
    np.testing.assert_allclose(there["facet_points"], here["facet_points"], atol=1e-5)
    np.testing.assert_allclose(there["terrain_points"], here["terrain_points"], atol=1e-5)


def test_every_triangle_of_the_city_is_in_one_tile(village):
    pack = pack_content(village)
    for kind, cells in (("facet", "facet_triangles"), ("terrain", "terrain_triangles")):
        tiles = getattr(pack.meta, f"{kind}_tiles")
        covered = np.concatenate([np.arange(*t.cells) for t in tiles])
        assert covered.tolist() == list(range(len(pack[cells])))
        for tile in tiles:
            used = pack[cells][slice(*tile.cells)]
            assert used.min() >= 0
            assert used.max() < tile.points[1] - tile.points[0]


def test_materials_follow_surface_and_slope(village):
    pack = pack_content(village)
    of_building = [set(pack["facet_material"][pack["facet_owner"] == i].tolist()) for i in range(3)]
    assert of_building == [
        {Material.WALL, Material.ROOF_FLAT},
        {Material.WALL, Material.ROOF_FLAT},
        {Material.WALL, Material.ROOF_SLOPED},
    ]
    ground = pack["facet_material"][pack["facet_owner"] < 0]
    assert set(ground.tolist()) == {Material.EARTH}


def test_a_roof_is_of_one_kind_though_parts_of_it_differ(make_village, solids):
    low_gable = solids["gable"](10, 6, 24, 8, -0.3, 3, 4)
    parts = [
        solids["box"](-22, -20, 12, -10, -0.3, 9),
        low_gable,
        solids["gable"](10, -20, 24, -10, -0.3, 6, 10),
    ]
    shed = solids["box"](26, -20, 28, -18, -0.3, 2.2)
    pack = pack_content(
        make_village(buildings=facets_from_solids([*parts, shed], [0, 0, 1, 1]), building_ids=("a", "b"))
    )
    of_building = [set(pack["facet_material"][pack["facet_owner"] == i].tolist()) for i in range(2)]
    assert of_building == [{Material.WALL, Material.ROOF_FLAT}, {Material.WALL, Material.ROOF_SLOPED}]


def test_water_lies_in_tiles_of_its_own(village):
    pack = pack_content(village)
    for tile in pack.meta.terrain_tiles:
        cover = set(pack["terrain_cover"][slice(*tile.points)].tolist())
        assert (cover == {Cover.WATER}) == (tile.group == "water")


def test_a_city_without_terrain_or_buildings_can_be_packed(make_village):
    bare = pack_content(make_village(terrain=None, trees=None))
    assert bare.meta.terrain_tiles == ()
    empty = pack_content(make_village(buildings=FacetMesh.empty(), building_ids=(), terrain=None, trees=None))
    assert empty.meta.facet_tiles == ()


def test_packs_come_back_from_disk_as_they_were(tmp_path, village):
    pack = pack_content(village, key="k")
    path = tmp_path / "pack.npz"
    save_pack(pack, path)
    found = load_pack(path, key="k")
    assert found.meta == pack.meta
    for name, values in pack.arrays.items():
        np.testing.assert_array_equal(found[name], values)
    again = tmp_path / "again.npz"
    save_pack(pack_content(village, key="k"), again)
    assert again.read_bytes() == path.read_bytes()


def test_a_file_that_is_looked_at_is_let_go_of_when_another_is_read_and_not_before(tmp_path):
    for name in ("a", "b"):
        with (tmp_path / name).open("wb") as handle:
            save_arrays(handle, {"light": np.zeros(2 << 20, np.uint8)})
    first = weakref.ref(load_arrays(tmp_path / "a")["light"].base.base)  # the array itself is gone at once
    assert first() is not None
    kept = load_arrays(tmp_path / "b")["light"]
    assert first() is None
    assert kept.base.base in pack._MAPPED


def test_large_arrays_of_any_type_lie_where_they_can_be_looked_at(tmp_path):
    arrays = {
        f"a{'x' * n}": np.arange(400_000 + n).astype(kind)
        for n, kind in enumerate((np.float32, np.uint8, np.int32, np.float64, "<U7", np.float64))
    }
    path = tmp_path / "many.npz"
    with path.open("wb") as handle:
        save_arrays(handle, arrays)
    found = load_arrays(path)
    for name, values in arrays.items():
        np.testing.assert_array_equal(found[name], values)
        assert isinstance(found[name].base, np.memmap) == (values.nbytes >= pack._MAPPED_BYTES)
        assert type(found[name]) is np.ndarray
    with np.load(path) as archive:  # numpy's own reader finds the same
        assert all(np.array_equal(archive[name], values) for name, values in arrays.items())
    found["a"][0] = 7  # stays in memory
    assert load_arrays(path)["a"][0] == 0


def test_a_pack_of_something_else_or_a_damaged_one_is_not_taken(tmp_path, village):
    path = tmp_path / "pack.npz"
    save_pack(pack_content(village, key="k"), path)
    assert load_pack(path, key="other") is None
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert load_pack(path, key="k") is None
    path.write_bytes(b"")
    assert load_pack(path, key="k") is None
    assert load_pack(tmp_path / "none.npz", key="k") is None


def test_what_a_pack_shows_is_looked_for_once(village, monkeypatch):
    """Each frame asked again, by sorting all points: a second for a million buildings."""
    made = pack_content(village)
    assert made.materials == set(np.unique(made["facet_material"]).tolist())
    assert made.covers == {made.meta.covers[code] for code in np.unique(made["terrain_cover"])}
    monkeypatch.setattr(pack, "_codes_in", None)
    assert made.materials
    assert made.covers


def test_a_pack_of_another_format_is_not_taken(village):
    data = json.loads(meta_to_json(pack_content(village).meta))
    with pytest.raises(ValueError, match="format"):
        meta_from_json(json.dumps({**data, "format": FORMAT + 1}))


def test_light_is_kept_for_the_geometry_and_not_for_the_names(village):
    key = pack_content(village).meta.geometry_key
    assert pack_content(replace(village, name="Other", labels=())).meta.geometry_key == key
    shorter = replace(village.trees, height_m=village.trees.height_m - 1)
    assert pack_content(replace(village, trees=shorter)).meta.geometry_key != key


def test_place_on_earth_follows_from_the_crs(make_village):
    meta = pack_content(make_village()).meta
    assert meta.latitude_deg == pytest.approx(52.0, abs=0.1)
    assert meta.longitude_deg == pytest.approx(4.35, abs=0.1)
    assert meta.convergence_deg == pytest.approx(-0.8, abs=0.1)
    local = pack_content(make_village(crs='LOCAL_CS["site",UNIT["metre",1]]')).meta
    assert local.latitude_deg is None


def overlays(origin):
    x, y, _ = origin
    middle = np.array([x, y], dtype=float)
    square = np.array([(-10, -10), (10, -10), (10, 10), (-10, 10)], dtype=float)
    ring, hole = square + middle, 0.4 * square + middle
    line = np.array([(-20, 0, 1), (0, 0, 1), (20, 5, 1)], dtype=float) + origin
    photo = np.zeros((20, 20, 4), np.uint8)
    photo[:10] = (255, 0, 0, 255)
    corner = np.array([(0, 0, 0), (5, 0, 0), (0, 5, 0), (0, 0, 5)], dtype=float) + origin
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], np.int32)
    return (
        Overlay("zone", areas=((ring, hole),)),
        Overlay("tram", lines=Lines(line, np.array([0, 3], np.int32))),
        Overlay("sensors", points=line, colour=(1, 2, 3)),
        Overlay("photo", picture=Picture(photo, Bounds(x - 30, y - 30, x + 30, y + 30))),
        Overlay("statue", mesh=ColouredMesh(corner, faces, np.tile(np.array([9, 8, 7], np.uint8), (4, 1)))),
    )


def test_areas_cover_their_inside_but_not_their_holes(village):
    pack = pack_content(replace(village, overlays=overlays(village.origin)))
    plan, mask = pack.meta.plan, pack["overlay_area_0"]

    def at(x, y):
        return mask[int((plan.y_max - y) / plan.texel_m), int((x - plan.x_min) / plan.texel_m)]

    assert at(7, 0) > 100
    assert at(0, 0) == 0
    assert at(20, 20) == 0
    assert at(9.9, 0) > at(7, 0)


def test_pictures_lie_where_they_belong(village):
    pack = pack_content(replace(village, overlays=overlays(village.origin)))
    plan, rgba = pack.meta.plan, pack["overlay_picture_3"]
    north, south = (rgba[int((plan.y_max - y) / plan.texel_m), plan.columns // 2] for y in (15, -15))
    assert north.tolist() == [255, 0, 0, 255]
    assert south[3] == 0


def test_a_legend_names_a_model_by_the_colour_that_most_of_it_has():
    corners = np.array([(0, 0, 0), (9, 0, 0), (0, 9, 0), (1, 0, 5), (0, 1, 5)], dtype=float)
    triangles = np.array([[0, 1, 2], [0, 3, 4], [0, 4, 3]], np.int32)
    rgb = np.array([(200, 90, 10), (1, 1, 1), (1, 1, 1)], np.uint8)
    assert ColouredMesh(corners, triangles, rgb).main_colour == (200, 90, 10)
    assert ColouredMesh(corners, triangles[:0], rgb[:0]).main_colour is None


def test_lines_points_and_models_are_taken_over(village):
    pack = pack_content(replace(village, overlays=overlays(village.origin)))
    entries = {o.name: o for o in pack.meta.overlays}
    assert entries["tram"].lines == (0, 1)
    assert entries["sensors"].points == (0, 3)
    assert entries["statue"].model
    assert entries["statue"].colour == (9, 8, 7)
    assert (pack["facet_rgb"] == (9, 8, 7)).all()
    assert len(pack["facet_rgb"]) == 12


def test_only_the_layers_asked_for(village):
    content = replace(village, overlays=overlays(village.origin))
    pack = stored_pack(content, ("tram",), notices=Notices()).pack
    assert [o.name for o in pack.meta.overlays] == ["tram"]
    with pytest.raises(UsageError, match="zone, tram"):
        stored_pack(content, ("metro",), notices=Notices())


def small_city(path, name="one"):
    manifest = Manifest(
        name=name, crs="EPSG:7415", crs_wkt="", origin=(0, 0, 0), bounds=(0.0, 0.0, 0.0, 9.0, 9.0, 9.0)
    )
    return City(path, manifest)


@pytest.fixture
def read_count(monkeypatch, village):
    import twin.scene.from_city as from_city

    calls = []
    monkeypatch.setattr(
        from_city, "scene_content", lambda city, lod=None: calls.append((city, lod)) or village
    )
    return calls


def test_a_city_is_packed_once_and_again_when_it_changed(tmp_path, read_count):
    notices = Notices()
    first = stored_pack(small_city(tmp_path), (), notices=notices)
    second = stored_pack(small_city(tmp_path), (), notices=notices)
    assert len(read_count) == 1
    assert second.pack.meta == first.pack.meta
    stored_pack(small_city(tmp_path, "two"), (), notices=notices)
    assert len(read_count) == 2
    assert not notices.items


def test_each_level_of_detail_is_packed_once(tmp_path, read_count):
    city = small_city(tmp_path)
    keys = {stored_pack(city, (), notices=Notices(), lod=lod).pack.meta.key for lod in (None, "1.2", "1.2")}
    assert [lod for _, lod in read_count] == [None, "1.2"]
    assert len(keys) == 2
    assert is_pack_kept(city, (), "1.2")
    assert not is_pack_kept(city, (), "1.3")


def test_where_the_cache_cannot_be_written_the_picture_is_drawn_all_the_same(tmp_path, read_count):
    (tmp_path / "cache").write_text("a file stands in the way")
    notices = Notices()
    stored = stored_pack(small_city(tmp_path), (), notices=notices)
    assert stored.folder is None
    assert "as long" in notices.lines()[0]


def test_old_packs_are_forgotten(tmp_path, read_count):
    for i in range(7):
        stored_pack(small_city(tmp_path, str(i)), (), notices=Notices())
    assert len(list(Path(tmp_path, "cache", "scene").glob("pack-*.npz"))) == 4


@pytest.mark.slow
def test_a_city_that_is_moved_takes_its_cache_along(tmp_path, tmp_path_factory):
    """The pack names the table of attributes within the city, not where the city lay."""
    import shutil

    from tests.small_town import small_town

    town = small_town(tmp_path_factory) / "town.twin"
    first = shutil.copytree(town, tmp_path / "here.twin")
    legend = twin.Scene(twin.open_city(first)).colours("height_m")[1]
    moved = first.rename(tmp_path / "there.twin")
    assert twin.Scene(twin.open_city(moved)).colours("height_m")[1] == legend
