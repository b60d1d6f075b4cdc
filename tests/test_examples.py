"""Every script in examples/ runs, makes the picture it promises, and stays short."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = sorted((ROOT / "examples").glob("[0-9]*.py"))
SIZE = (480, 270)
MAX_LINES = 40
CURVES = {"09_flood_known_answers", "13_print"}
"""Lines on white, and a body of one colour, have fewer colours than a city."""
ALONE = {"01_build_demo", "19_open_the_window"}
"""One that starts workers, and one whose window needs a process that has no other screen."""
HELPERS = ("common", "browser")


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all of them, so that the district is built once."""
    return tmp_path_factory.mktemp("examples")


def promised(script: Path) -> str:
    """The picture that the docstring of `main` names."""
    found = re.search(r'"""Write ``([\w.-]+)``', script.read_text(encoding="utf-8"))
    assert found is not None, f"{script.name} names no picture"
    return found[1]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_example_is_short_and_its_picture_is_shown(script: Path) -> None:
    assert len(script.read_text(encoding="utf-8").splitlines()) <= MAX_LINES
    assert (ROOT / "docs" / "pictures" / promised(script)).is_file()


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_example_makes_its_picture(script: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWIN_EXAMPLE_SIZE", f"{SIZE[0]}x{SIZE[1]}")
    monkeypatch.setenv("TWIN_EXAMPLE_BUILDINGS", "12")
    if script.stem in ALONE:
        run_alone(script, out)
    else:
        run_here(script, out, monkeypatch)
    picture = np.asarray(Image.open(out / promised(script)).convert("RGB"))
    width, height = SIZE
    assert picture.shape == (height // 2 * 2, width // 2 * 2, 3)
    fewest = 100 if script.stem in CURVES else 500
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > fewest, "hardly anything is drawn"


def run_alone(script: Path, out: Path) -> None:
    """As a reader starts it."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run(
        [sys.executable, script, out],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def run_here(script: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As its main program in this process, where the libraries are loaded already."""
    monkeypatch.setattr(sys, "argv", [str(script), str(out)])
    monkeypatch.setattr(sys, "path", [str(script.parent), str(ROOT), *sys.path])
    for name in HELPERS:
        monkeypatch.delitem(sys.modules, name, raising=False)
    runpy.run_path(str(script), run_name="__main__")
