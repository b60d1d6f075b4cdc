"""Survey points: kept in an order of which any first part is an even sample."""

import os

import numpy as np
import pytest

from tests.drawing import needs_graphics
from twin.core.crs import parse_crs
from twin.core.errors import LimitError
from twin.core.notices import Notices
from twin.core.points import PointCloud
from twin.scene.graphics import offscreen_window
from twin.scene.point_actor import point_actors
from twin.scene.point_colours import point_colours
from twin.scene.point_layer import read_survey_points
from twin.sources.las_writer import write_las

CRS = parse_crs("EPSG:28992+5709")
ORIGIN = (84_000, 447_000, 0)


@pytest.fixture
def laz(tmp_path):
    rng = np.random.default_rng(2)
    xyz = rng.uniform((84_000, 447_000, 0), (84_100, 447_100, 10), (20_000, 3))
    xyz = xyz[np.argsort(xyz[:, 0])]  # as a survey has them: one end of the city first
    ones = np.ones(len(xyz), np.uint8)
    classes = np.where(xyz[:, 2] < 5, 2, 6).astype(np.uint8)
    write_las(tmp_path / "p.laz", PointCloud(xyz, classes, ones, ones), crs=CRS)
    return tmp_path / "p.laz", xyz


def test_all_points_come_and_the_first_are_an_even_sample(laz):
    path, xyz = laz
    points = read_survey_points(path, crs=CRS, origin=ORIGIN, notices=Notices())
    assert len(points) == len(xyz)
    np.testing.assert_allclose(np.sort(points.xyz[:, 0]) + ORIGIN[0], np.sort(xyz[:, 0]), atol=0.02)
    few = points.first(0.1)
    assert len(few) == 2000
    counts, _ = np.histogram(few.xyz[:, 0], bins=10, range=(0, 100))
    assert counts.min() > 150  # 200 in each strip, where the file's order would have all in the first
    assert set(points.classification.tolist()) == {2, 6}
    assert point_colours(points)[0].shape == (20_000, 3)


def test_a_copy_of_a_survey_elsewhere_comes_in_the_same_order(laz, tmp_path):
    elsewhere = tmp_path / "copied" / "later.laz"
    elsewhere.parent.mkdir()
    elsewhere.write_bytes(laz[0].read_bytes())
    os.utime(elsewhere, (1, 1))
    first, second = (
        read_survey_points(path, crs=CRS, origin=ORIGIN, most=500, notices=Notices())
        for path in (laz[0], elsewhere)
    )
    np.testing.assert_array_equal(first.xyz, second.xyz)


def test_they_are_kept_and_read_again_alike(laz, tmp_path):
    path, _ = laz
    cache = tmp_path / "cache"
    first = read_survey_points(path, crs=CRS, origin=ORIGIN, cache=cache, notices=Notices())
    (kept,) = cache.glob("points-*.npz")
    stamp = kept.stat().st_mtime_ns
    again = read_survey_points(path, crs=CRS, origin=ORIGIN, cache=cache, notices=Notices())
    np.testing.assert_array_equal(first.xyz, again.xyz)
    assert kept.stat().st_mtime_ns == stamp
    part = read_survey_points(path, crs=CRS, origin=ORIGIN, cache=cache, most=500, notices=Notices())
    assert len(part) == 500


def test_too_many_are_refused_before_they_are_read(laz, monkeypatch):
    monkeypatch.setenv("TWIN_MAX_POINTS_IN_MEMORY", "100")
    with pytest.raises(LimitError):
        read_survey_points(laz[0], crs=CRS, origin=ORIGIN, notices=Notices())


def test_few_are_drawn_while_the_camera_moves(laz):
    points = read_survey_points(laz[0], crs=CRS, origin=ORIGIN, notices=Notices())
    actors = point_actors(points)
    sizes = [a.GetMapper().GetInput().GetNumberOfPoints() for a in (actors.every, actors.some)]
    assert sizes == [20_000, 1_500]
    assert (actors.every.GetVisibility(), actors.some.GetVisibility()) == (1, 0)
    actors.show(moving=True)
    assert (actors.every.GetVisibility(), actors.some.GetVisibility()) == (0, 1)
    actors.show(moving=True, visible=False)
    assert (actors.every.GetVisibility(), actors.some.GetVisibility()) == (0, 0)


@needs_graphics
def test_points_are_seen_in_their_colours(laz):
    from vtkmodules.util.numpy_support import vtk_to_numpy
    from vtkmodules.vtkCommonCore import vtkUnsignedCharArray
    from vtkmodules.vtkRenderingCore import vtkRenderer

    actors = point_actors(read_survey_points(laz[0], crs=CRS, origin=ORIGIN, notices=Notices()))
    window, renderer = offscreen_window((64, 64)), vtkRenderer()
    window.AddRenderer(renderer)
    renderer.AddActor(actors.every)
    renderer.ResetCamera()
    window.Render()
    pixels = vtkUnsignedCharArray()
    window.GetPixelData(0, 0, 63, 63, 0, pixels, 0)
    seen = {tuple(p) for p in vtk_to_numpy(pixels).reshape(-1, 3).tolist()}
    assert {(170, 146, 110), (206, 110, 82)} <= seen
