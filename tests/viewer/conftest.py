"""A real window on a real screen: the one that is there, or an Xvfb of our own; without either, tests are skipped."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib import util

import pytest

from tests.small_town import small_town
from tests.viewer.window_driver import Driver


@pytest.fixture(scope="session")
def screen():
    """A display that windows can be opened on."""
    if util.find_spec("PySide6") is None:
        pytest.skip("PySide6 is not installed: no window")
    if not sys.platform.startswith("linux") or os.environ.get("DISPLAY"):
        yield os.environ.get("DISPLAY", "")
        return
    if shutil.which("Xvfb") is None:
        pytest.skip("no display and no Xvfb here: windows cannot be tested")
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1600x1000x24", "-nolisten", "tcp"]
    server = subprocess.Popen(
        command, pass_fds=(write,), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    os.close(write)
    with os.fdopen(read) as told:
        number = told.readline().strip()
    if not number:
        server.kill()
        pytest.skip("Xvfb does not start here")
    os.environ["DISPLAY"] = f":{number}"
    yield os.environ["DISPLAY"]
    del os.environ["DISPLAY"]
    server.terminate()
    server.wait(10)


@pytest.fixture(scope="session")
def town_folder(tmp_path_factory):
    """The small demo town, with its inputs."""
    return small_town(tmp_path_factory)


@pytest.fixture
def town(town_folder, tmp_path):
    """A copy of the town that a test may change."""
    return shutil.copytree(town_folder / "town.twin", tmp_path / "town.twin")


@pytest.fixture
def state_folder(tmp_path, monkeypatch):
    """Where the window of a test remembers things."""
    monkeypatch.setenv("TWIN_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    monkeypatch.delenv("LC_ALL", raising=False)
    return tmp_path / "state"


@pytest.fixture(scope="session")
def app(screen):
    """Qt's application."""
    from twin.viewer.launch import application

    return application()


@pytest.fixture
def opened(app, state_folder, tmp_path):
    """A function that opens a window and gives a driver; all are closed at the end."""
    from PySide6.QtCore import QEvent

    from twin.viewer.launch import make_window

    windows = []

    def open_window(city=None, **given):
        window = make_window(city, **given)
        window.resize(1280, 820)
        window.show()
        windows.append(window)
        driver = Driver(app, window, tmp_path / "pictures")
        driver.pass_time(0.05)
        return driver

    yield open_window
    for window in windows:
        window.release()
        window.deleteLater()
    app.processEvents()
    # Only an event loop deletes by itself; windows that stay take a share of every later turn.
    app.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture
def driver(opened, town):
    """A window on a copy of the town, ready."""
    return opened(town).ready()
