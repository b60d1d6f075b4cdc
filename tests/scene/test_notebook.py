"""Scenes and meshes in notebooks, and what PyVista finds of ours by entry points."""

from __future__ import annotations

import io
import sys
import tomllib
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import pyvista as pv
from PIL import Image

import twin.scene.pyvista_accessor
from tests.drawing import needs_graphics
from twin.city.meshes import vtk_text
from twin.core.errors import GraphicsError, StorageError, UsageError
from twin.core.mesh import Surface
from twin.scene import notebook
from twin.scene.pyvista_reader import read_city
from twin.scene.pyvista_theme import TwinDarkTheme, TwinTheme
from twin.scene.scene import Scene

ROOT = Path(__file__).resolve().parents[2]


@needs_graphics
def test_a_scene_shows_itself_as_a_picture(village_scene) -> None:
    bundle = village_scene._repr_mimebundle_()
    assert bundle["text/plain"].startswith("<Scene of Village, 2026-07-01T17:00")
    with Image.open(io.BytesIO(bundle["image/png"])) as image:
        assert image.size == notebook.PICTURE_SIZE
        assert image.text["Title"] == "Village"
        pixels = np.asarray(image)
    assert np.array_equal(pixels, village_scene.image(size=notebook.PICTURE_SIZE))
    assert village_scene._repr_png_() == bundle["image/png"]


def test_where_nothing_can_be_drawn_a_scene_says_so(village, monkeypatch) -> None:
    def fail(self, **options):
        raise GraphicsError("OpenGL", "does not work", "install it")

    monkeypatch.setattr(Scene, "image", fail)
    assert notebook.mime_bundle(Scene(village)) == {
        "text/plain": "<Scene of Village, no time>: OpenGL: does not work; install it"
    }


def test_a_view_to_turn_needs_packages_that_are_named(village, monkeypatch) -> None:
    monkeypatch.setattr(notebook, "find_spec", lambda name: None)
    assert not notebook.can_be_turned()
    with pytest.raises(UsageError, match=r'pip install "twin\[notebook\]"'):
        notebook.show_in_notebook(Scene(village))


@needs_graphics
@pytest.mark.skipif(not notebook.can_be_turned(), reason="PyVista has no trame here")
def test_a_view_to_turn_is_a_widget(village_scene) -> None:
    assert "iframe" in repr(notebook.show_in_notebook(village_scene)).lower()


def test_a_kernel_is_told_from_a_plain_shell(monkeypatch) -> None:
    assert not notebook.is_in_notebook()
    shell = SimpleNamespace(kernel=object())
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert notebook.is_in_notebook()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: None))
    assert not notebook.is_in_notebook()


def test_entry_points_lead_to_what_they_name() -> None:
    data = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    points = data["project"]["entry-points"]
    assert set(points) == {"pyvista.accessors", "pyvista.themes", "pyvista.readers"}
    for group in points.values():
        for value in group.values():
            module, _, name = value.partition(":")
            loaded = import_module(module)
            assert not name or callable(getattr(loaded, name))
    assert "notebook" in data["project"]["optional-dependencies"]


@pytest.fixture
def mesh():
    """Two boxes of two buildings, marked as a city's meshes are."""
    boxes = [pv.Cube().triangulate(), pv.Cube(center=(5, 0, 0)).triangulate()]
    both = boxes[0].append_polydata(boxes[1])
    both.cell_data["building_id"] = np.array([vtk_text("가"), "b"], np.str_).repeat(12)
    both.cell_data["surface"] = np.tile(np.array([0, 2, 1, 1, 1, 1], np.uint8).repeat(2), 2)
    both.field_data["twin_crs"] = np.array(["EPSG:7415"], np.str_)
    both.field_data["twin_origin"] = np.array([84_000.0, 447_000.0, -1.0])
    return both


def test_a_mesh_knows_where_it_stands(mesh) -> None:
    assert twin.scene.pyvista_accessor.TwinAccessor in {r.accessor for r in pv.registered_accessors()}
    assert (mesh.twin.crs, mesh.twin.origin) == ("EPSG:7415", (84_000.0, 447_000.0, -1.0))
    assert mesh.twin.map_points.mean(axis=0) == pytest.approx([84_002.5, 447_000.0, -1.0])
    bare = pv.Sphere()
    assert (bare.twin.crs, bare.twin.origin) == ("", (0.0, 0.0, 0.0))


def test_buildings_and_surfaces_come_out_of_a_mesh(mesh) -> None:
    assert mesh.twin.building_ids == ("b", "가")
    one = mesh.twin.building("가")
    assert one.n_cells == 12
    assert one.bounds[1] == pytest.approx(0.5)
    assert set(mesh.twin.surfaces("roof").cell_data["surface"]) == {Surface.ROOF}
    assert mesh.twin.building("b").twin.crs == "EPSG:7415"


def test_values_of_buildings_come_onto_their_cells(mesh) -> None:
    joined = mesh.twin.join([7.0], "energy", ids=["b"])
    values = joined.cell_data["energy"]
    assert np.isnan(values[:12]).all()
    assert (values[12:] == 7.0).all()
    assert "energy" not in mesh.cell_data


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m: m.twin.building("c"), "'c'"),
        (lambda m: m.twin.surfaces("floor"), "ground, wall, roof"),
        (lambda m: m.twin.join([1.0, 2.0], "x", ids=["b"]), "1 ids for 2 values"),
        (lambda m: pv.Sphere().twin.building("b"), "no buildings"),
        (lambda m: pv.Sphere().twin.surfaces("roof"), "has none"),
    ],
)
def test_what_a_mesh_does_not_have(mesh, call, words) -> None:
    with pytest.raises(UsageError, match=words):
        call(mesh)


def test_themes_have_our_colours_and_names() -> None:
    light, dark = TwinTheme(), TwinDarkTheme()
    assert (light.name, dark.name) == ("twin", "twin_dark")
    assert sum(light.background.int_rgb) > 600 > 300 > sum(dark.background.int_rgb)
    assert sum(light.font.color.int_rgb) < 300 < sum(dark.font.color.int_rgb)
    assert {"twin", "twin_dark"} <= {r.name for r in pv.registered_themes()}


def test_a_folder_that_is_no_city_is_refused(tmp_path) -> None:
    with pytest.raises(StorageError, match=r"not a city"):
        read_city(str(tmp_path))
