"""What makes the suite quick holds in its workers and in the programs that they start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.built_once import built_once
from tests.full_disk import file_size_limit
from tests.order import PLACES, place_of


def test_byte_code_is_kept_here_and_in_programs_that_are_started() -> None:
    ask = "import sys; print(sys.dont_write_bytecode, sys.pycache_prefix)"
    told = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True).stdout
    assert told.split(maxsplit=1) == ["False", sys.pycache_prefix + "\n"]
    assert sys.dont_write_bytecode is False


def test_one_worker_makes_a_folder_and_others_copy_it(tmp_path, monkeypatch) -> None:
    made = []

    def build(folder: Path) -> None:
        made.append(folder)
        (folder / "a.txt").write_text("as made")

    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")
    copies = []
    for worker in ("gw0", "gw1"):
        (tmp_path / worker).mkdir()
        factory = SimpleNamespace(getbasetemp=lambda own=tmp_path / worker: own)
        copies += [built_once(factory, "place", build), built_once(factory, "place", build)]
        (copies[-1] / "a.txt").write_text("changed by a test")
    assert len(made) == 1
    assert (tmp_path / "place-first" / "a.txt").read_text() == "as made"
    assert copies == [tmp_path / w / "place" for w in ("gw0", "gw0", "gw1", "gw1")]


def test_a_folder_whose_making_failed_is_made_again(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    factory = SimpleNamespace(getbasetemp=lambda: tmp_path)

    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011 - it is the one above
        built_once(factory, "place", fail)
    assert list(built_once(factory, "place", lambda folder: None).iterdir()) == []


def test_no_byte_code_is_written_that_a_full_disk_would_cut_off() -> None:
    with file_size_limit(1000):
        assert sys.dont_write_bytecode
    assert not sys.dont_write_bytecode


def test_files_that_begin_early_are_there() -> None:
    assert [file for file in PLACES if not Path(__file__).parents[1].joinpath(file).is_file()] == []
    assert sorted(["tests/core/test_crs.py", *PLACES], key=place_of) == [*PLACES, "tests/core/test_crs.py"]
