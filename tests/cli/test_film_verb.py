"""``twin film`` on the command line: ended by signals it leaves what it has, and goes on from there."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.drawing import needs_graphics
from tests.small_town import small_town
from twin.cli.main import run

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.slow,
    needs_graphics,
]


@pytest.fixture(scope="module")
def city(tmp_path_factory) -> Path:
    town = small_town(tmp_path_factory) / "town.twin"
    return shutil.copytree(town, tmp_path_factory.mktemp("film") / "town.twin")


def pieces(work: Path) -> list[str]:
    return sorted(p.name for p in work.glob("piece-*")) if work.is_dir() else []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_a_film_that_is_ended_goes_on(tmp_path, city) -> None:
    out, work = tmp_path / "a.mp4", tmp_path / ".a.mp4.twin-film"
    arguments = ["film", str(city), str(out), "--orbit", "--seconds", "5", "--fps", "8", "--size", "160x90"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for number, code in ((signal.SIGINT, 130), (signal.SIGKILL, -9)):
        had = len(pieces(work))
        process = subprocess.Popen(
            [sys.executable, "-m", "twin", *arguments], env=environment, stderr=subprocess.PIPE, text=True
        )
        limit = time.monotonic() + 60
        while len(pieces(work)) == had and time.monotonic() < limit:
            time.sleep(0.02)
        process.send_signal(number)
        told = process.communicate(timeout=30)[1]
        assert process.returncode == code
        assert "Traceback" not in told
        assert len(pieces(work)) > had
        assert not out.exists()
    assert run(arguments) == 0
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["z.mp4"], 2, "nothing moves"),
        (["z.mp4", "--orbit", "--tour", "a.toml"], 3, "no such tour"),
        (["z.mp4", "--tour", "round"], 2, "no tour"),
        (["z.mp4", "--orbit", "--size", "0x90"], 2, "--size"),
        (["z.mp4", "--orbit", "--size", "99999x99999"], 4, "too large"),
        (["z.avi", "--orbit"], 2, ".mp4"),
        (["z.mp4", "--orbit", "--captions", "none.toml"], 3, "captions"),
        (["z.mp4", "--orbit", "--logo", "none.png"], 3, "picture"),
        (["z.mp4", "--time-range", "all"], 2, "no layer changes"),
        (["z.mp4", "--orbit", "--workspace", "none.json"], 3, "workspace"),
    ],
)
def test_what_cannot_be_meant_ends_in_words(
    tmp_path, city, capfd, monkeypatch, arguments, code, words
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["film", str(city), *arguments]) == code
    assert words in capfd.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_tour_of_a_file_and_of_a_workspace(tmp_path, city, capfd, monkeypatch) -> None:
    from twin.city.model import open_city
    from twin.scene.scene import Scene
    from twin.scene.tour_files import read_tour
    from twin.scene.workspace import Workspace
    from twin.scene.workspace_json import write_workspace

    monkeypatch.chdir(tmp_path)
    Path("tour.toml").write_text(
        '[[stops]]\nview = "north"\n[[stops]]\nview = "top"\ncaption = { ko = "위" }\n'
    )
    korean = Scene(open_city(city))
    korean.language = "ko"  # a named view stands beside the legend, whose words differ
    tour = read_tour(Path("tour.toml"), scene=korean, size=(160, 90))
    write_workspace(Workspace(tours=(tour,)), "plan.json")
    usual = ["--seconds", "1", "--fps", "2", "--size", "160x90", "--lang", "ko", "--json"]
    for name, more in (("a", ["--tour", "tour.toml"]), ("b", ["--tour", "tour", "--workspace", "plan.json"])):
        assert run(["film", str(city), name, *more, *usual]) == 0
        assert json.loads(capfd.readouterr().out)["frames"] == 2
    assert Path("a/0001.png").read_bytes() == Path("b/0001.png").read_bytes()
    Path("bad.toml").write_text('[[stops]]\nview = "north"\nhold = 3\n[[stops]]\nview = "top"\n')
    assert run(["film", str(city), "c.mp4", "--tour", "bad.toml"]) == 3
    assert "did you mean 'hold_s'" in capfd.readouterr().err


@pytest.mark.parametrize(("code", "pictures"), [("ko", "ko"), ("fi", "fi"), ("sv", "en"), (None, "en")])
def test_pictures_speak_the_language_of_the_captions_where_they_can(city, code, pictures) -> None:
    from twin.city.model import open_city
    from twin.cli.film import _plan, command
    from twin.core.notices import Notices

    asked = ["--lang", code] if code else []
    given = command.make_context("film", [str(city), "a.mp4", "--orbit", "--seconds", "1", *asked]).params
    plan = _plan(open_city(city), "mp4", given, Notices())
    assert plan.still_scene.language == pictures
    assert plan.options.language == (code or "en")


def test_a_batch_from_the_command_line(tmp_path, city, capfd) -> None:
    file = tmp_path / "shots.toml"
    file.write_text('views = ["top", "north"]\nsizes = ["96x54"]\nout = "p"\n')
    assert run(["snapshot", str(city), "--batch", str(file), "--json"]) == 0
    assert len(json.loads(capfd.readouterr().out)["drawn"]) == 2
    assert run(["snapshot", str(city), "--batch", str(file), "--view", "top"]) == 2
    assert run(["snapshot", "--batch", str(file)]) == 2
    assert run(["snapshot", str(city)]) == 2
    single = tmp_path / "one.png"
    assert run(["snapshot", str(city), str(single), "--size", "96x54", "--sidecar"]) == 0
    assert json.loads((tmp_path / "one.png.json").read_text())["size"] == [96, 54]
