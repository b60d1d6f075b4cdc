"""The block under the city."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from twin.core.grid import Bounds, Grid
from twin.core.mesh import TriangleMesh
from twin.reconstruct.cover import Cover, CoverPolygons
from twin.reconstruct.skirt import SIDES, block_skirt
from twin.reconstruct.surface import build_surface

BOUNDS = Bounds(0.0, 0.0, 40.0, 30.0)
GRID = Grid.covering(BOUNDS, cell_size_m=0.5)
X, Y = np.meshgrid(GRID.x_centres, GRID.y_centres)


def ground(footprints=(), water=()):
    cover = CoverPolygons.of(list(water), [Cover.WATER] * len(water), level_m=[0.5] * len(water))
    houses = np.array(footprints, dtype=object)
    dtm = 2 + np.sin(X / 5) + 0.02 * Y
    return build_surface(dtm, GRID, bounds=BOUNDS, cover=cover, footprints=houses).mesh


def signed_volume(*meshes):
    return sum(
        np.einsum(
            "ij,ij->i",
            m.vertices[m.triangles[:, 0]],
            np.cross(m.vertices[m.triangles[:, 1]], m.vertices[m.triangles[:, 2]]),
        ).sum()
        / 6
        for m in meshes
    )


def area(mesh):
    v = mesh.vertices[mesh.triangles]
    return np.linalg.norm(np.cross(v[:, 1] - v[:, 0], v[:, 2] - v[:, 0]), axis=1).sum() / 2


@pytest.mark.parametrize("water", [[], [shapely.box(10, -5, 20, 40)]])
def test_surface_and_skirt_enclose_the_block(water):
    surface = ground(water=water)
    skirt = block_skirt(surface, bounds=BOUNDS, base_m=-3.0)
    v, t = surface.vertices, surface.triangles
    plan = np.cross(v[t[:, 1]] - v[t[:, 0]], v[t[:, 2]] - v[t[:, 0]])[:, 2] / 2
    column = (plan * (v[t, 2].mean(axis=1) + 3.0)).sum()
    assert signed_volume(surface, skirt) == pytest.approx(column, rel=1e-9)


def test_a_border_between_two_millimetres_has_its_faces():
    """Vertices are rounded to a millimetre, the border of a terrain raster in degrees of its own is not."""
    surface = ground()
    moved = TriangleMesh(surface.vertices + np.array([0.0004, -0.0003, 0.0]), surface.triangles)
    skirt = block_skirt(moved, bounds=BOUNDS, base_m=-3.0)
    assert area(skirt) == pytest.approx(area(block_skirt(surface, bounds=BOUNDS, base_m=-3.0)), rel=1e-4)


def test_only_the_sides_asked_for():
    surface = ground()
    whole = area(block_skirt(surface, bounds=BOUNDS, base_m=-3.0))
    plate = area(block_skirt(surface, bounds=BOUNDS, base_m=-3.0, sides=()))
    assert plate == pytest.approx(40 * 30)
    each = [area(block_skirt(surface, bounds=BOUNDS, base_m=-3.0, sides=(s,))) - plate for s in SIDES]
    assert sum(each) == pytest.approx(whole - plate)
    assert each[1] == pytest.approx(30 * (2 + np.sin(8) + 0.3 + 3), rel=0.02)


def test_a_house_across_the_rim_leaves_no_gap():
    surface = ground(footprints=[shapely.box(-5, 10, 5, 20), shapely.box(30, 20, 50, 40)])
    skirt = block_skirt(surface, bounds=BOUNDS, base_m=-3.0)
    v = skirt.vertices[skirt.triangles]
    for axis, at, length in ((0, 0.0, 30.0), (0, 40.0, 30.0), (1, 0.0, 40.0), (1, 30.0, 40.0)):
        on = (v[:, :, axis] == at).all(axis=1)
        foot = np.unique(v[on][:, :, 1 - axis][v[on][:, :, 2] == -3.0])
        assert (foot[0], foot[-1]) == (0.0, length)
        assert (
            area(TriangleMesh(v[on].reshape(-1, 3), np.arange(3 * on.sum(), dtype=np.int32).reshape(-1, 3)))
            > 3.9 * length
        )


def test_a_base_above_the_ground_is_refused():
    with pytest.raises(ValueError, match="base_m is 9"):
        block_skirt(ground(), bounds=BOUNDS, base_m=9.0)
