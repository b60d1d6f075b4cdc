"""Buildings without a shape: their outlines on the ground, and a word in the legend."""

from dataclasses import replace

import numpy as np
import pytest

from tests.flood_city import box, grid_of, make_city
from twin.core.notices import Notices
from twin.scene.from_city import scene_content
from twin.scene.legend import scene_legends
from twin.scene.packing import pack_content
from twin.scene.style import load_style


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    path = tmp_path_factory.mktemp("unbuilt") / "town.twin"
    z = np.full((30, 30), 2.0)
    return scene_content(make_city(path, z, footprints=[box(grid_of(z), slice(5, 15), slice(5, 12))]))


def entries(pack, style, **options):
    return [e.text for legend in scene_legends(pack, style, None, **options) for e in legend.entries]


def test_the_outline_lies_along_the_ground(content):
    pack = pack_content(content)
    ends = pack["unbuilt_points"]
    assert np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1).sum() == pytest.approx(2 * (10 + 7), rel=1e-3)
    assert (np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1) <= 2.0 + 1e-3).all()
    height = ends[..., 2] + content.origin[2]
    assert ((height > 2.0) & (height < 3.5)).all()


def test_the_legend_names_it_also_beside_a_flood(content):
    pack, style = pack_content(content), load_style("light")
    flood = scene_legends(pack, style, None)[:1]
    assert "Building not built" in entries(pack, style)
    assert "Building not built" in entries(pack, style, over_time=flood)
    without = pack_content(replace(content, unbuilt=None))
    assert not len(without["unbuilt_points"])
    assert "Building not built" not in entries(without, style)


@pytest.mark.parametrize("has_heights", [True, False])
def test_the_note_names_the_column_of_heights(has_heights):
    import pandas as pd

    from twin.city.judgement import tell_of_buildings

    notices = Notices()
    table = pd.DataFrame({"id": ["a"], "state": ["no_points"], "height_m": [np.nan], "n_points": [0]})
    tell_of_buildings(
        table, footprints="f.gpkg", survey="", has_points=False, has_heights=has_heights, notices=notices
    )
    (told,) = [str(item) for item in notices.items]
    assert ("--height-field" in told) != has_heights
