"""The window stays alive: vanished drives, crashes, damaged files, builds; and it leaves nothing behind."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("PySide6")

from tests.viewer.window_driver import pixels

pytestmark = [pytest.mark.slow, pytest.mark.timeout(280)]


def test_work_that_does_not_answer_is_given_up(driver, monkeypatch):
    """RT-15: what reads from a drive that is gone never comes back; the window goes on answering."""
    import threading

    from twin.viewer import opening

    monkeypatch.setattr(opening, "PATIENCE_S", 0.5)
    window, before, back = driver.window, driver.window.desk.state, threading.Event()
    gone = Path("/mnt/gone/town.twin")
    window.opening._with_patience("opening", gone, lambda _told: back.wait(60), lambda _found: None)
    driver.until(lambda: "did not answer" in window.status.currentMessage(), seconds=20)
    assert str(gone) in window.status.currentMessage()
    assert window.desk.state == before
    window.colour.colour_by("height_m")
    assert window.desk.state.color_by is not None
    back.set()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no FIFOs")
def test_a_pipe_without_a_writer_is_no_workspace(driver, tmp_path):
    pipe = tmp_path / "gone.workspace.json"
    os.mkfifo(pipe)
    before = driver.window.desk.state
    driver.window.opening.open_workspace(pipe)
    driver.until(lambda: "gone.workspace.json" in driver.window.status.currentMessage(), seconds=20)
    assert driver.window.desk.state == before


def test_work_is_offered_again_after_a_crash(driver, opened, state_folder):
    window = driver.window
    window.colour.colour_by("height_m")
    window.keep_safe()
    kept = window.autosave.path
    assert kept.exists()
    lost = kept.with_name("unsaved-999999999.workspace.json")
    lost.write_bytes(kept.read_bytes())
    again = opened()
    assert again.window.banner.isVisible()
    again.window.banner.take.click()
    again.until(lambda: again.window.desk.city is not None)
    assert again.window.desk.state.color_by.attribute == "height_m"
    assert not lost.exists()


@pytest.mark.parametrize(
    "content", [b"", b"{", b'{"kind": "other"}', b"\xff\xfe"], ids=["empty", "cut", "other", "odd"]
)
def test_a_damaged_workspace_is_refused_in_words(driver, tmp_path, content):
    window = driver.window
    file = tmp_path / "bad.workspace.json"
    file.write_bytes(content)
    before = window.desk.state
    window.opening.take([file])
    driver.until(lambda: "bad.workspace.json" in window.status.currentMessage())
    assert window.desk.state == before


def test_a_new_city_is_looked_over_and_built_from_the_window(opened, town_folder, tmp_path):
    driver = opened()
    window = driver.window
    assert window.pages.currentWidget() is window.start
    window.opening.take(
        [*sorted((town_folder / "survey").glob("*")), town_folder / "houses.gpkg", town_folder / "roads.gpkg"]
    )
    from twin.viewer.panels.new_city import NewCityDialog

    dialog = window.findChild(NewCityDialog)
    dialog.output.setText(str(tmp_path / "made.twin"))
    driver.until(dialog.build.isEnabled, seconds=90)
    told = " ".join(label.text() for label in dialog.findChildren(type(window.status.place)))
    assert "points in" in told
    assert "lie in the survey" in told
    assert "EPSG" in told
    dialog.build.click()
    driver.until(lambda: window.desk.city is not None, seconds=200)
    assert (tmp_path / "made.twin" / "twin.json").exists()
    driver.ready()
    image = window.canvas.grab().toImage()
    assert pixels(image).std() > 10


def test_a_layer_is_dropped_into_the_open_city(driver, town_folder, tmp_path):
    window = driver.window
    shutil.copy(town_folder / "roads.gpkg", tmp_path / "cycle paths.gpkg")
    window.opening.take([tmp_path / "cycle paths.gpkg"])
    driver.until(lambda: "cycle paths" in window.desk.city.manifest.layers, seconds=120)
    driver.ready()
    assert "cycle paths" in window.layers.sliders


def test_nothing_is_left_of_a_window_that_was_closed(opened, town):
    from vtkmodules.vtkRenderingCore import vtkRenderWindow

    def windows():
        gc.unfreeze()  # what was there before the window counts, too
        gc.collect()
        return sum(isinstance(thing, vtkRenderWindow) for thing in gc.get_objects())

    before = windows()
    driver = opened(town).ready()
    assert windows() == before + 1
    driver.window.release()
    driver.pass_time(0.2)
    assert windows() == before


@pytest.mark.nightly
@pytest.mark.timeout(7200)
def test_an_hour_of_use_leaves_memory_flat(opened, town):
    """RT-32: ``TWIN_SOAK_S`` says how long; an hour if it does not."""
    import psutil

    driver = opened(town).ready()
    window = driver.window
    process, seconds = psutil.Process(), float(os.environ.get("TWIN_SOAK_S", "3600"))
    names = ("north", "top", "overview", "street")
    samples, ends, n = [], time.monotonic() + seconds, 0
    while time.monotonic() < ends:
        window.steering.fly_to(window.picture.named_view(names[n % len(names)]), seconds=0.2)
        window.colour.colour_by(("height_m", "roof_type")[n % 2])
        window.water.set_level(window.water.spin.minimum() + 8.0 + 0.1 * (n % 9))
        window.inspect.selection.choose([driver.tallest()] if n % 2 else [])
        driver.pass_time(0.8)
        driver.ready()
        window.canvas.settle()
        window.entries["undo"].trigger()
        n += 1
        if n % 5 == 0:
            gc.collect()
            samples.append((time.monotonic(), process.memory_info().rss / 1e6, process.num_fds()))
    later = samples[len(samples) // 2 :]
    hours = (later[-1][0] - later[0][0]) / 3600
    assert (later[-1][1] - later[0][1]) / max(hours, 0.25) < 20
    assert later[-1][2] <= later[0][2] + 2
