"""Packs and light that child processes make, and what the window does where they fail."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("PySide6")

from twin.city.model import open_city
from twin.scene.bake import Baker, is_light_kept
from twin.scene.from_city import scene_content
from twin.scene.scene import Scene
from twin.scene.store import is_pack_kept
from twin.viewer.elsewhere import light_elsewhere, prepare_elsewhere
from twin.viewer.loading import scene_in_light
from twin.viewer.prepare import main

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
MAPS = ("atlas", "plan", "table", "trees")


class Told:
    """What work is told by the window: to end, after a while."""

    def __init__(self, seconds=float("inf")):
        self.ends = time.monotonic() + seconds
        self.stages = []

    def stage(self, name, _total):
        self.stages.append(name)

    def check(self):
        if time.monotonic() > self.ends:
            raise TimeoutError


@pytest.fixture
def plan(town, tmp_path):
    """A scene of content alone, as a plan is, whose light may be kept in a folder."""
    (tmp_path / "light").mkdir()
    return replace(scene_content(open_city(town)), light_folder=tmp_path / "light")


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """Where temporary files come to lie."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_the_light_of_a_plan_is_cast_in_a_process_of_its_own(plan, temporary, monkeypatch):
    """Embree holds Python's lock for half a second while it makes its tree: the window stood still for as long."""
    here = Scene(replace(plan, light_folder=None)).light
    monkeypatch.setattr(Baker, "sun", None)
    scene = scene_in_light(Scene(plan), told=Told())
    assert scene.has_light
    for name in MAPS:
        np.testing.assert_array_equal(getattr(scene.light, name), getattr(here, name))
    assert not list(temporary.iterdir()), "the pack is handed over by a file that goes again"
    told = Told()
    scene_in_light(Scene(plan), told=told)
    assert told.stages == [], "what is kept is read at once"


def test_a_city_s_pack_and_light_are_made_in_processes_of_their_own(town, temporary, monkeypatch):
    city = open_city(town)
    prepare_elsewhere(city, (), None, told=Told())
    assert is_pack_kept(city, ())
    scene = Scene(city)
    assert scene.pack_file.is_file()
    light_elsewhere(scene, told=Told())
    assert is_light_kept(scene.pack, scene.sun, scene.light_folder)
    assert not list(temporary.iterdir())


def test_light_is_cast_here_where_the_child_fails(plan, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert scene_in_light(Scene(plan), told=Told()).has_light


def test_light_is_cast_here_where_there_is_no_room_for_the_pack(plan, tmp_path, monkeypatch):
    (tmp_path / "taken").write_text("no folder", encoding="utf-8")
    monkeypatch.setattr("twin.viewer.elsewhere.tempfile.TemporaryDirectory", NoRoom)
    started = []
    monkeypatch.setattr(subprocess, "Popen", lambda *given, **_named: started.append(given))
    assert scene_in_light(Scene(plan), told=Told()).has_light
    assert not started


class NoRoom:
    """A folder that cannot be written."""

    def __init__(self, **_named):
        pass

    def __enter__(self):
        return "/dev/null"

    def __exit__(self, *_given):
        pass


def test_a_child_that_is_not_wanted_any_more_is_ended(plan, temporary):
    before = threading.active_count()
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        light_elsewhere(Scene(plan), told=Told(0.2))
    assert time.monotonic() - began < 20
    assert threading.active_count() == before
    assert not list(plan.light_folder.iterdir())
    assert not list(temporary.iterdir())


def test_a_pack_that_is_gone_is_an_error_with_a_code(tmp_path, capsys):
    place = ["--folder", str(tmp_path), "--azimuth", "10.0", "--elevation", "-1.5"]
    assert main(["light", str(tmp_path / "gone.npz"), *place]) == 5
    assert "gone.npz" in capsys.readouterr().err
    assert main(["pack", str(tmp_path / "no city")]) != 0
    assert list(Path(tmp_path).iterdir()) == []
