"""The same bytes in any tongue, zone and folder; inputs that change while they are read; files that stand already."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults.fault_harness import (
    Outcome,
    Twin,
    assert_told,
    differing,
    environment,
    snapshot,
    twin_process,
)
from tests.faults.running import posix
from tests.faults.small_city import SmallInputs, write_small

pytestmark = pytest.mark.slow
PLACES = {
    "tr_TR": {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8", "TZ": "Pacific/Apia", "PYTHONHASHSEED": "1"},
    "C": {"LC_ALL": "C", "LANG": "C", "TZ": "UTC", "PYTHONHASHSEED": "77", "PYTHONUTF8": "0"},
    "de_DE": {"LC_ALL": "de_DE.UTF-8", "LC_NUMERIC": "de_DE.UTF-8", "TZ": "Asia/Seoul"},
    "Korean console": {"PYTHONIOENCODING": "cp949", "TZ": "Asia/Seoul"},
}


def twin_in(folder: Path, arguments: list[str], *, module: str = "twin.cli.main", **env: str) -> Outcome:
    """A command line in another folder and environment; what it says as text, whatever its encoding."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment(**env), capture_output=True, timeout=120, check=False
    )
    out, err = (data.decode(errors="replace") for data in (done.stdout, done.stderr))
    assert "Traceback" not in err, err
    return Outcome(done.returncode, out, err)


@posix
@pytest.mark.parametrize("place", PLACES)
def test_locale_zone_and_folder_change_nothing(
    place: str, inputs: SmallInputs, sound_city: Path, tmp_path: Path
) -> None:
    """RT-31: another tongue and zone, relative paths from elsewhere, Hangul, a path of 250 characters."""
    deep = tmp_path / "가나다"
    deep /= "d" * (250 - len(os.fsencode(deep)) - len("//town.twin"))
    deep.mkdir(parents=True)
    city = deep / "town.twin"
    assert len(os.fsencode(city)) == 250
    named = [os.path.relpath(a, deep) if a.startswith(os.sep) else a for a in inputs.arguments(city)]
    done = twin_in(deep, named, **PLACES[place])
    assert done.code == 0, done.err
    assert differing(snapshot(city), snapshot(sound_city)) == []


@pytest.fixture(scope="session")
def locales(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of locales, which few machines have installed."""
    folder = tmp_path_factory.mktemp("locales")
    if not shutil.which("localedef"):
        pytest.skip("localedef is not here to make locales")
    for name in ("de_DE", "tr_TR"):
        subprocess.run(["localedef", "-i", name, "-f", "UTF-8", folder / f"{name}.UTF-8"], check=False)
        if not (folder / f"{name}.UTF-8").is_dir():
            pytest.skip("the sources of locales are not here (Debian: package locales)")
    return folder


@posix
@pytest.mark.parametrize("place", ["tr_TR", "de_DE"])
def test_decimal_commas_and_dotless_letters_change_nothing(
    place: str, locales: Path, inputs: SmallInputs, sound_city: Path, tmp_path: Path
) -> None:
    """RT-31: the locale in force in Python and in every library."""
    there = {**PLACES[place], "LOCPATH": str(locales)}
    arguments = inputs.arguments(tmp_path / "town.twin")
    done = twin_in(tmp_path, arguments, module="tests.faults.foreign_locale", **there)
    assert done.code == 0, done.err
    assert differing(snapshot(tmp_path / "town.twin"), snapshot(sound_city)) == []


@posix
def test_a_line_break_in_a_name_changes_nothing(
    twin: Twin, inputs: SmallInputs, sound_city: Path, tmp_path: Path
) -> None:
    """RT-31"""
    folder = tmp_path / "a\nb 'c' [d]"
    folder.mkdir()
    moved = SmallInputs((folder / "sur\nvey [1].laz",), folder / "hou\nses.gpkg")
    moved.points[0].write_bytes(inputs.points[0].read_bytes())
    moved.footprints.write_bytes(inputs.footprints.read_bytes())
    city = folder / "town.twin"
    done = twin(*moved.arguments(city))
    assert done.code == 0, done.err
    assert differing(snapshot(city), snapshot(sound_city)) == ["twin.json"]  # it names the inputs
    assert twin("check", city).code == 0


@posix
@pytest.mark.parametrize("which", ["footprints", "output", "city"])
def test_a_name_of_other_bytes_than_utf_8_is_refused_in_words(
    which: str, inputs: SmallInputs, tmp_path: Path
) -> None:
    """RT-31: a folder of an old Latin-1 disk."""
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/b\xfcro"))
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system holds no such name")
    houses = folder / "houses.gpkg"
    houses.write_bytes(inputs.footprints.read_bytes())
    arguments = {
        "footprints": SmallInputs(inputs.points, houses).arguments(tmp_path / "t.twin"),
        "output": inputs.arguments(folder / "town.twin"),
        "city": ["info", str(folder / "town.twin")],
    }
    done = twin_process(*arguments[which])
    assert done.code == (5 if which == "city" else 2), done.err
    assert_told(done.error, "ro/")
    assert_told(done.error, "not a city" if which == "city" else "not UTF-8")
    assert list(folder.iterdir()) == [houses]
    assert not (tmp_path / "t.twin").exists()


@posix
def test_help_on_the_plainest_console(tmp_path: Path) -> None:
    """RT-31: Hangul, dashes and all that such a console cannot show."""
    plain = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii", "TERM": "dumb"}
    for arguments in (["--help"], ["build", "--help"], ["snapshot", "--help"], ["add", "--help"]):
        done = twin_in(tmp_path, arguments, **plain)
        assert done.code == 0, done.err
        assert_told(done.out, "usage", "--help")


@pytest.mark.parametrize("victim", ["survey.laz", "houses.gpkg"])
@pytest.mark.parametrize("stage", ["spool_survey", "ground_pass", "object_pass"])
def test_an_input_that_changes_during_the_build_is_refused(
    victim: str, stage: str, twin: Twin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RT-14"""
    passes = importlib.import_module(f"twin.city.{'survey_pass' if stage == 'spool_survey' else stage}")
    inputs = write_small(tmp_path / "in")
    original = getattr(passes, stage)

    def while_somebody_writes(*arguments: object, **named: object) -> object:
        with (tmp_path / "in" / victim).open("ab") as handle:
            handle.write(b"\0")
        return original(*arguments, **named)

    monkeypatch.setattr(passes, stage, while_somebody_writes)
    done = twin(*inputs.arguments(tmp_path / "town.twin"))
    assert done.code == 3, done.err
    assert_told(done.error, victim, "changed while it was read", "bytes before")
    assert not (tmp_path / "town.twin").exists()
