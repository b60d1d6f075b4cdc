"""What a workspace switches, fades and floods is what its pictures show."""

from __future__ import annotations

import numpy as np
import pytest

from tests.drawing import needs_graphics
from tests.flood_city import grid_of, make_city
from twin.core.notices import Notices
from twin.scene.scene import Scene
from twin.scene.shot import Furniture
from twin.scene.workspace import FloodState, Section, Viewpoint, Workspace, with_layer

SIZE = (240, 160)


@pytest.fixture(scope="module")
def valley(tmp_path_factory):
    """Level ground at 1 m with a basin at 0 m in its middle."""
    z = np.ones((60, 60))
    z[20:40, 20:40] = 0.0
    return make_city(tmp_path_factory.mktemp("valley") / "valley.twin", z)


def above(city, **changes):
    """A workspace that looks straight down on a city."""
    b = grid_of(np.ones((60, 60))).bounds
    middle = ((b.x_min + b.x_max) / 2, (b.y_min + b.y_max) / 2)
    eye = Viewpoint((*middle, 200.0), (*middle, 0.0), parallel_height_m=60.0)
    return Workspace(camera=eye, furniture=Furniture.none(), **changes)


def middle_of(city, workspace, notices=None):
    scene = Scene.from_workspace(city, workspace, notices=notices)
    picture = scene.image(size=SIZE).astype(float)
    return picture[SIZE[1] // 2 - 8 : SIZE[1] // 2 + 8, SIZE[0] // 2 - 8 : SIZE[0] // 2 + 8].mean(axis=(0, 1))


@needs_graphics
def test_a_level_set_by_hand_is_drawn(valley):
    source = (grid_of(np.ones((60, 60))).bounds.x_min + 30.0, grid_of(np.ones((60, 60))).bounds.y_min + 30.0)
    dry = middle_of(valley, above(valley))
    wet = middle_of(valley, above(valley, flood=FloodState(eta_m=0.6, source=source)))
    assert wet[2] - wet[0] > dry[2] - dry[0] + 30  # bluer


@needs_graphics
def test_a_flood_that_is_not_there_is_told_and_left_out(valley):
    notices = Notices()
    shown = middle_of(valley, above(valley, flood=FloodState("typhoon")), notices)
    assert np.allclose(shown, middle_of(valley, above(valley)))
    assert any("typhoon" in line for line in notices.lines())


@needs_graphics
def test_what_is_switched_off_or_faded_lets_the_rest_shine_through(valley):
    plain = above(valley)
    shown = middle_of(valley, plain)
    gone = middle_of(valley, with_layer(plain, "terrain", is_visible=False))
    half = middle_of(valley, with_layer(plain, "terrain", opacity=0.5))
    assert np.abs(shown - gone).max() > 8
    assert np.abs(shown - half).max() > 2
    assert np.abs(gone - half).max() > 2


@needs_graphics
def test_a_section_shows_earth_and_the_flood_in_the_cut(valley):
    """Seen from the south, with all before the middle left out."""
    b = grid_of(np.ones((60, 60))).bounds
    x, y = (b.x_min + b.x_max) / 2, (b.y_min + b.y_max) / 2
    cut = Section((x, y, 0.0), (0.0, -1.0, 0.0))

    def seen(z, **changes):
        eye = Viewpoint((x, y - 100.0, z), (x, y, z), parallel_height_m=4.0)
        return middle_of(valley, Workspace(camera=eye, furniture=Furniture.none(), **changes))

    earth = seen(-1.0, section=cut)
    assert earth[0] > earth[1] > earth[2]
    water = seen(0.3, section=cut, flood=FloodState(eta_m=0.6, source=(x, y)))
    assert water[2] > water[0] + 60


def test_names_of_what_is_cut_away_are_left_out(valley):
    from twin.scene.workspace_section import workspace_cut

    b = grid_of(np.ones((60, 60))).bounds
    x, y = (b.x_min + b.x_max) / 2, (b.y_min + b.y_max) / 2
    workspace = Workspace(section=Section((x, y, 0.0), (0.0, -1.0, 0.0)))
    cut = workspace_cut(valley, workspace, file=None, notices=Notices())
    origin = valley.manifest.origin
    north, south = (
        (name, (x - origin[0], y + dy - origin[1], 1.0), "street") for name, dy in (("N", 5), ("S", -5))
    )
    assert cut.standing([north, south], origin) == [north]
    assert cut.leaves(np.array([(x, y + 5, 1.0), (x, y - 5, 1.0)])).tolist() == [True, False]
