"""Round pieces: areas in closed form, closed ground, buildings whole or not there."""

import numpy as np
import pytest

from tests.outputs.small_content import ORIGIN, small_content
from tests.scene.conftest import ORIGIN as VILLAGE
from tests.scene.conftest import flat_terrain, village_content
from twin.core.errors import UsageError
from twin.outputs.cut import N_SIDES, Circle, clip, cut_export, cut_scene, cut_terrain
from twin.reconstruct.cover import Cover

POLYGON = N_SIDES * np.tan(np.pi / N_SIDES)
"""Area of a regular polygon around a circle of radius 1."""


def area(soup):
    """Signed area in plan."""
    a, b = soup[:, 1] - soup[:, 0], soup[:, 2] - soup[:, 0]
    return float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / 2)


@pytest.mark.parametrize("n", [1, 3, 10])
def test_a_plain_becomes_a_polygon(n):
    axis = np.linspace(-5, 5, n + 1)
    corner = [(axis[i], axis[j], axis[i + 1], axis[j + 1]) for i in range(n) for j in range(n)]
    soup = np.array(
        [
            t
            for a, b, c, d in corner
            for t in (((a, b, 7), (c, b, 7), (c, d, 7)), ((a, b, 7), (c, d, 7), (a, d, 7)))
        ],
        float,
    )
    kept, source, rim = clip(soup, Circle(0.3, -0.2, 3.0))
    assert area(kept) == pytest.approx(POLYGON * 9, rel=1e-9)
    assert len(source) == len(kept)
    assert (kept[..., 2] == 7).all()
    length = np.linalg.norm(rim[:, 1, :2] - rim[:, 0, :2], axis=1).sum()
    assert length == pytest.approx(2 * POLYGON * 3, rel=1e-9)
    # The inside lies to the left of every edge of the rim.
    along, inward = rim[:, 1, :2] - rim[:, 0, :2], np.array([0.3, -0.2]) - rim[:, 0, :2]
    assert (along[:, 0] * inward[:, 1] - along[:, 1] * inward[:, 0] > 0).all()


def test_cut_ground_is_closed_down_to_its_underside():
    terrain = cut_terrain(flat_terrain(), Circle(VILLAGE[0] + 1.3, VILLAGE[1] - 0.7, 20.0))
    top = terrain.cover != Cover.SKIRT
    soup = terrain.vertices[terrain.triangles]
    assert area(soup[top]) == pytest.approx(POLYGON * 400, rel=1e-6)
    assert area(soup[~top]) == pytest.approx(-POLYGON * 400, rel=1e-6)  # the underside looks down
    # Volume by Gauss: a block of four metres.
    a, b, c = (soup[:, i] - soup[:, 0].mean(axis=0) for i in range(3))
    volume = float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)
    assert volume == pytest.approx(POLYGON * 400 * 4, rel=1e-6)


def test_buildings_are_kept_whole_and_their_plots_filled():
    content = village_content()
    middle = (VILLAGE[0] - 17.0, VILLAGE[1] - 15.0)
    cut = cut_scene(content, (*middle, 12.0))
    assert np.unique(cut.buildings.owner).tolist() == [0]
    assert cut.building_ids == content.building_ids
    whole = content.buildings
    assert len(cut.buildings.triangles) == int((whole.owner[whole.face] == 0).sum())
    assert cut.trees is not None
    assert len(cut.trees.foot) == 0


def test_tables_follow_the_buildings():
    content = small_content(9)
    cut = cut_export(content, (ORIGIN[0] + 5.0, ORIGIN[1] + 4.0, 20.0))
    assert 0 < len(cut.building_ids) < 9
    assert set(cut.building_ids) <= set(content.building_ids)
    assert all(len(v) == len(cut.building_ids) for v in cut.attributes.values())
    assert cut.buildings.vertex_ranges(len(cut.building_ids))[-1] == len(cut.buildings.vertices)
    heights = dict(zip(content.building_ids, content.attributes["height_m"], strict=True))
    assert list(cut.attributes["height_m"]) == [heights[i] for i in cut.building_ids]


def test_nowhere_is_refused():
    with pytest.raises(UsageError, match="--around"):
        cut_scene(village_content(), (0.0, 0.0, 5.0))
    with pytest.raises(UsageError, match="--around"):
        cut_export(small_content(3), (0.0, 0.0, 5.0))
