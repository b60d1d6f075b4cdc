"""Where no window can be: said in words, while pictures are drawn all the same."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


def run_twin(*arguments, **environment):
    """Run twin with an environment that is changed; None takes a variable away."""
    env = {k: v for k, v in {**os.environ, **environment}.items() if v is not None}
    command = [sys.executable, "-m", "twin", *map(str, arguments)]
    return subprocess.run(
        command, env=env, capture_output=True, text=True, encoding="utf-8", check=False, timeout=120
    )


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems always have a screen")
def test_without_a_screen_the_window_says_so_and_snapshots_still_work(town_folder, tmp_path):
    """RT-26."""
    pytest.importorskip("PySide6")
    screenless = {"DISPLAY": None, "WAYLAND_DISPLAY": None, "QT_QPA_PLATFORM": None}
    ended = run_twin("view", town_folder / "town.twin", **screenless)
    assert ended.returncode == 2
    assert "there is none (DISPLAY" in ended.stderr
    assert "twin snapshot" in ended.stderr
    assert "Traceback" not in ended.stderr
    out = tmp_path / "town.png"
    drawn = run_twin("snapshot", town_folder / "town.twin", out, "--size", "320x180", **screenless)
    assert drawn.returncode == 0, drawn.stderr
    assert out.stat().st_size > 1000


def test_without_qt_the_command_that_installs_it_is_named(monkeypatch):
    from twin.core.errors import ExtraMissingError
    from twin.viewer import needs

    monkeypatch.setattr(needs.util, "find_spec", lambda name: None)
    with pytest.raises(ExtraMissingError, match=r'pip install "twin\[desktop\]"') as caught:
        needs.require_desktop()
    assert caught.value.exit_code == 2


def test_calls_into_qt_do_not_use_constants_up(app):
    from PySide6.QtCore import QObject, Signal

    from twin.viewer.needs import keep_constants_alive

    class Sender(QObject):
        sent = Signal(object)

    keep_constants_alive()
    before, sender = sys.getrefcount(None), Sender()
    for _ in range(100_000):
        app.processEvents()
        sender.sent.emit(None)
    for constant in (None, True, False):
        assert sys.getrefcount(constant) > 100_000 or sys.version_info >= (3, 12)
    assert before > 1_000_000 or sys.version_info >= (3, 12)


def test_what_answers_a_look_into_it_by_importing_is_there_before_qt():
    """PySide6 looks into modules that come after it; two threads that import pydantic then met it half made."""
    script = (
        "import sys; from twin.viewer.launch import application; application(); names = list(sys.modules);"
        "print(max(names.index(n) for n in names if n.startswith('pydantic.')) < names.index('PySide6'))"
    )
    env = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    ran = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=False)
    assert ran.stdout.strip() == "True", ran.stderr


@pytest.mark.parametrize(
    ("given", "chosen"),
    [({}, "xcb"), ({"QT_QPA_PLATFORM": "wayland"}, "wayland")],
    ids=["by itself", "as told"],
)
def test_beside_wayland_x_is_preferred_unless_told_otherwise(monkeypatch, given, chosen):
    from twin.viewer import needs

    monkeypatch.setattr(needs.sys, "platform", "linux")
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    for name, value in {"DISPLAY": ":1", "WAYLAND_DISPLAY": "wayland-0", **given}.items():
        monkeypatch.setenv(name, value)
    needs.choose_platform()
    assert os.environ.pop("QT_QPA_PLATFORM") == chosen
