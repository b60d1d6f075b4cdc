"""The window stays alive: vanished drives, crashes, damaged files, builds; and it leaves nothing behind."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import time
from pathlib import Path

import numpy as np
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


def test_all_are_told_of_the_end_of_work_before_it_is_let_go_of(app):
    """Told from the worker's thread, the status bar missed it now and then and showed work that was over for ever."""
    import threading

    from PySide6.QtCore import Qt

    from twin.viewer.work import ThreadJob

    told: list[int] = []
    job = ThreadJob(lambda _told: None)
    job.ended.connect(job.deleteLater, Qt.ConnectionType.DirectConnection)
    for _ in range(3):
        job.ended.connect(lambda: told.append(threading.get_ident()), Qt.ConnectionType.DirectConnection)
    job.start()
    ends = time.monotonic() + 10
    while len(told) < 3 and time.monotonic() < ends:
        app.processEvents()
    assert told == [threading.get_ident()] * 3


def test_work_that_is_done_lets_go_of_what_it_was_made_from(app):
    """A job is kept until its name would have been shown: with it stayed the water of the moment before, 3.6 MB."""
    import weakref

    from twin.viewer.work import ThreadJob

    before = np.zeros(1000)
    gone = weakref.ref(before)
    found: list[int] = []
    job = ThreadJob(lambda _told, before=before: before.size)
    del before
    job.finished.connect(found.append)
    assert gone() is not None
    job.start()
    ends = time.monotonic() + 10
    while (not found or gone() is not None) and time.monotonic() < ends:
        app.processEvents()
    assert found == [1000]
    assert gone() is None


@pytest.mark.skipif(sys.platform == "win32", reason="there are no FIFOs")
def test_a_pipe_without_a_writer_is_no_workspace(driver, tmp_path):
    pipe = tmp_path / "gone.workspace.json"
    os.mkfifo(pipe)
    before = driver.window.desk.state
    driver.window.opening.open_workspace(pipe)
    driver.until(lambda: "gone.workspace.json" in driver.window.status.currentMessage(), seconds=20)
    assert driver.window.desk.state == before


def crashed(driver, n=999999999, text=None):
    """The copy of a window's work, as it is found when that window has ended without a word."""
    driver.window.keep_safe()
    driver.until(lambda: "autosave" not in driver.window.tasks.names)
    kept = driver.window.autosave.path
    lost = kept.with_name(f"unsaved-{n}.workspace.json")
    lost.write_bytes(kept.read_bytes() if text is None else text)
    return lost


@pytest.mark.parametrize("names_city", [False, True])
def test_work_is_offered_again_after_a_crash(driver, opened, state_folder, town, names_city):
    driver.window.colour.colour_by("height_m")
    lost, older = crashed(driver), crashed(driver, 999999998)
    crashed(driver, 999999997, b"{")
    os.utime(older, (1e9, 1e9))
    again = opened(town if names_city else None)
    assert again.window.banner.isVisible()
    again.window.banner.take.click()
    again.until(lambda: again.window.desk.city is not None and again.window.desk.state.color_by is not None)
    assert again.window.desk.state.color_by.attribute == "height_m"
    assert again.window.desk.is_changed, "it was never saved, and must not be lost without a word"
    assert again.window.autosave.path.exists()
    assert not lost.exists()
    assert older.exists(), "what another window lost is offered the next time"


def test_work_whose_city_is_gone_stays(driver, opened, state_folder, town, tmp_path):
    driver.window.colour.colour_by("height_m")
    lost = crashed(driver)
    moved = town.rename(town.with_name("moved.twin"))
    again = opened()
    again.window.banner.take.click()
    again.until(lambda: town.name in again.window.status.currentMessage(), seconds=20)
    assert lost.exists()
    moved.rename(town)


def test_work_on_another_city_is_not_offered(driver, opened, state_folder, town, tmp_path):
    driver.window.colour.colour_by("height_m")
    lost = crashed(driver)
    text = lost.read_text(encoding="utf-8").replace(town.resolve().as_posix(), "/elsewhere/other.twin")
    lost.write_text(text, encoding="utf-8")
    assert not opened(town).window.banner.isVisible()
    assert opened().window.banner.isVisible()


def test_a_window_comes_back_where_it_was_and_fits_a_small_screen(opened, state_folder, monkeypatch):
    from PySide6.QtCore import QRect

    from twin.viewer.session import load_settings
    from twin.viewer.window import TwinWindow

    first = opened().window
    first.setGeometry(120, 80, 1100, 720)
    first.close()
    assert load_settings(state_folder).geometry
    second = TwinWindow()
    assert (second.width(), second.height()) == (1100, 720)
    second.release()
    second.deleteLater()
    (state_folder / "window.json").write_text('{"geometry": "no geometry"}')
    small = type("Small", (), {"availableGeometry": lambda self: QRect(0, 0, 1280, 800)})()
    monkeypatch.setattr(TwinWindow, "screen", lambda self: small)
    third = TwinWindow()
    assert (third.width(), third.height()) == (1280, 768)
    third.release()
    third.deleteLater()


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
def test_an_hour_of_use_leaves_memory_flat(opened, town, monkeypatch):
    """RT-32: ``TWIN_SOAK_S`` says how long; an hour if it does not.

    Mesa that draws in threads of its own keeps lists of what is to be drawn, 0.8 MB each, and makes one more whenever
    all others are in work: their number grows for hours, up to a bound. Without such threads it stays.
    """
    from scipy.stats import theilslopes

    monkeypatch.setenv("LP_NUM_THREADS", "0")
    driver = opened(town).ready()
    window = driver.window
    seconds = float(os.environ.get("TWIN_SOAK_S", "3600"))
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
        n += 1
        if n % 5 == 0:
            samples.append(memory_sample())
            print(
                "hours {:.4f}, MB {:.1f}, in use {:.1f}, objects {}, files {}".format(*samples[-1]),
                flush=True,
            )
        window.entries["undo"].trigger()
    hours, held, in_use, _, files = np.array(samples[len(samples) // 10 :]).T
    # The steps that can be undone are 500 after the first sixth, and no more.
    later, _, _, objects, _ = np.array(samples[len(samples) // 6 :]).T
    # Allocators keep what is free in pieces, so what the process holds moves by steps; what is in use tells of a leak.
    held_slope, used_slope = (theilslopes(megabytes, hours)[0] for megabytes in (held, in_use))
    object_slope = theilslopes(objects, later)[0]
    assert held_slope < 20, f"{held_slope:.1f} MB an hour"
    assert used_slope < 5, f"{used_slope:.1f} MB in use an hour"
    assert object_slope < 5000, f"{object_slope:.0f} objects of Python an hour"
    assert np.median(files[-5:]) <= np.median(files[:5]) + 2


def memory_sample():
    """Hours, megabytes that the process holds and that are in use, objects of Python, open files; at rest."""
    import psutil

    from twin.core.memory import give_back_memory

    gc.collect()
    give_back_memory()
    process = psutil.Process()
    held, files = process.memory_info().rss / 1e6, process.num_fds()
    return time.monotonic() / 3600, held, allocated_bytes() / 1e6, sys.getallocatedblocks(), files


def allocated_bytes():
    """What programs have asked glibc for and not yet given back; 0 where there is no glibc of 2.33 or later."""
    import ctypes

    class Mallinfo(ctypes.Structure):
        names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
        _fields_ = tuple((name, ctypes.c_size_t) for name in names.split())

    try:
        ask = ctypes.CDLL("libc.so.6").mallinfo2
    except (OSError, AttributeError):
        return 0
    ask.restype = Mallinfo
    told = ask()
    return told.uordblks + told.hblkhd
