"""Rasters as layers: what their colours mean stands in the legend, and buildings that tell the same share it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.flood_city import make_city
from twin.city.model import open_city
from twin.cli.main import run
from twin.core.notices import Notices
from twin.scene.added_layers import overlays
from twin.scene.colour import Legend, LegendEntry, class_colours
from twin.scene.legend import scene_legends
from twin.scene.scene import Scene
from twin.scene.wording import worded_legends

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    z = np.full((20, 30), 1.0)
    z[8:12, 10:14] = 9.0
    path = tmp_path_factory.mktemp("sunny") / "town.twin"
    make_city(path, z)
    assert run(["sun", str(path), "--name", "winter", "--date", "2026-12-21", "--every", "60"]) == 0
    return Scene(open_city(path))


def legends(scene: Scene, attribute: Legend | None = None) -> dict[str, Legend]:
    return {legend.title: legend for legend in scene_legends(scene.pack, scene.style, attribute)}


def test_a_raster_has_a_titled_legend_of_its_classes_with_their_unit(scene: Scene) -> None:
    (entry,) = scene.pack.meta.overlays
    assert entry.classes is not None
    assert entry.classes.quantity == "sun_h"
    breaks, found = entry.classes.breaks, legends(scene)
    assert "Layers" not in found
    winter = found["winter (h)"]
    assert len(winter.entries) == len(breaks) + 1 >= 4
    assert winter.entries[0].text == f"< {breaks[0]:g}"
    assert winter.entries[-1].text == f"≥ {breaks[-1]:g}"


def test_the_picture_has_the_colours_of_the_legend_and_no_others(scene: Scene) -> None:
    (overlay,) = overlays(open_city(scene._stored.base))
    assert overlay.picture is not None
    rgba = overlay.picture.rgba.reshape(-1, 4)
    told = {e.rgb for e in legends(scene)["winter (h)"].entries}
    assert {tuple(c) for c in rgba[rgba[:, 3] > 0][:, :3].tolist()} <= told


def test_buildings_that_tell_the_same_take_the_classes_of_the_ground(scene: Scene) -> None:
    by = scene.colouring._asked("wall_sun_h")
    assert by is not None
    entry = scene.pack.meta.overlays[0]
    assert entry.classes is not None
    assert by.breaks == entry.classes.breaks
    for other in ("height_m", "wall_sun_h:magma", "wall_sun_h:2,4"):
        asked = scene.colouring._asked(other)
        assert asked is not None
        assert asked.breaks != by.breaks


def test_one_legend_stands_for_both(scene: Scene) -> None:
    ground = legends(scene)["winter (h)"]
    found = legends(scene, Legend("Wall sun (h)", ground.entries))
    assert "winter (h) · Wall sun (h)" in found
    assert "winter (h)" not in found
    other = legends(scene, Legend("Height (m)", (LegendEntry("all", (1, 2, 3)),)))
    assert {"winter (h)", "Height (m)"} <= set(other)


def test_parts_of_a_shared_title_are_worded_each() -> None:
    (found,) = worded_legends([Legend("winter (h) · Water depth, m", (LegendEntry("x", (1, 2, 3)),))], "fi")
    assert found.title == "winter (h) · Veden syvyys (m)"


def test_a_raster_file_keeps_the_name_of_its_band(scene: Scene, tmp_path: Path) -> None:
    out = tmp_path / "hours.tif"
    city = make_city(tmp_path / "other.twin", np.full((20, 30), 1.0))
    assert run(["sun", str(city.path), str(out), "--date", "2026-12-21", "--every", "60"]) == 0
    added = city.add(out, name="hours", notices=Notices())
    assert added.manifest.layers["hours"].options["quantity"] == "sun_h"


def test_class_colours_are_those_of_the_map() -> None:
    assert class_colours("viridis", 2)[0].tolist() == [68, 1, 84]
