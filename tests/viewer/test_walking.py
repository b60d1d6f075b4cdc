"""Walking begins with the street ahead and ends at walls."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("PySide6")

from twin.scene.camera import Camera
from twin.scene.picking import Kind, cast, prepare_picker
from twin.viewer import navigation as nav

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def sight(app, town_folder):
    import twin
    from twin.scene.scene import Scene
    from twin.viewer.canvas import SceneWidget
    from twin.viewer.sight import Sight

    made = Sight(SceneWidget())
    made._job = job = object()
    made._take(job, prepare_picker(Scene(twin.open_city(town_folder / "town.twin")).pack))
    yield made
    made.forget()


def houses(sight):
    pack = sight.picker.pack
    for k in range(len(pack["building_ids"])):
        points = pack["facet_points"][pack["facet_owner"] == k]
        if len(points):
            yield points.min(axis=0), points.max(axis=0)


def ahead_m(sight, camera):
    way = np.subtract(camera.target, camera.eye)
    hit = cast(sight.picker, np.array([camera.eye]), (way / np.linalg.norm(way))[None])[0]
    return np.inf if hit is None or hit.kind not in {Kind.BUILDING, Kind.MASS} else hit.distance_m


def test_wherever_one_lands_there_is_no_wall_ahead(sight):
    for low, high in houses(sight):
        for azimuth in (0.0, 90.0, 180.0, 270.0):
            camera = sight.step_out((*((low + high) / 2)[:2], 0.0), azimuth)
            assert camera is not None
            x, y, _ = camera.eye
            assert not (low[0] < x < high[0] and low[1] < y < high[1] and sight.ground(x, y) > high[2])
            assert ahead_m(sight, camera) > 10


def test_the_open_side_is_taken_and_of_two_the_one_ahead(sight, monkeypatch):
    def free(_eye, azimuths, **_met):
        turned = np.abs((azimuths - 200 + 180) % 360 - 180)
        return np.where(turned < 30, 80.0, np.where(np.abs(azimuths % 360 - 100) < 4, 150.0, 5.0))

    monkeypatch.setattr(sight, "_free", free)
    assert sight.open_heading((0, 0, 0), 0.0) == pytest.approx(200, abs=20)  # not through the gap at 100
    monkeypatch.setattr(sight, "_free", lambda _eye, azimuths, **_met: np.full(len(azimuths), 100.0))
    assert sight.open_heading((0, 0, 0), 37.0) == pytest.approx(37.0)


def test_a_wall_ends_the_walk_and_is_passed_along(sight):
    low, high = max(houses(sight), key=lambda box: np.prod((box[1] - box[0])[:2]))
    middle = (low + high) / 2
    for azimuth in range(0, 360, 30):
        start = sight.step_out((middle[0], middle[1], 0.0), azimuth)
        toward = np.array([middle[0] - start.eye[0], middle[1] - start.eye[1], 0.0])
        camera = Camera(start.eye, tuple(np.add(start.eye, toward)), nav.WALK_ANGLE_DEG)
        for _ in range(120):
            before = camera.eye
            camera = nav.walk(camera, (0.0, 1.0, 0.0), 0.25, sight.ground, free=sight.free_way)
            step = np.subtract(camera.eye, before)
            if np.hypot(*step[:2]) > 1e-9:
                level = np.array([[step[0], step[1], 0.0]]) / np.hypot(*step[:2])
                hit = cast(sight.picker, np.array([before]), level)[0]
                assert hit is None or hit.kind != Kind.BUILDING or hit.distance_m > np.hypot(*step[:2])


def test_without_a_scene_nothing_stands_in_the_way(app):
    from twin.viewer.canvas import SceneWidget
    from twin.viewer.sight import Sight

    assert Sight(SceneWidget()).free_way((0.0, 0.0, 2.0), 90.0, 1.0) == (90.0, 1.0)
