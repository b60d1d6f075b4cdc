"""Builds that are killed, lose power or meet another one: the old city or the new one, never a mixture."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.faults.fault_harness import Twin, assert_told, differing, snapshot, twin_process
from tests.faults.running import Running, posix
from tests.faults.small_city import OTHER, SmallInputs, outlines, write_footprints
from tests.faults.small_tiles import make_tiles_small
from twin.cli.main import run

pytestmark = pytest.mark.slow
SMALL_TILES = "tests.faults.small_tiles"
MOST_OPERATIONS = 400
"""More than a build of the small survey in six tiles begins."""


def kill_at(n: int, inputs: SmallInputs, city: Path, module: str = "twin.cli.main") -> bool:
    """Build into a city, killed at its n-th file operation; False where it had fewer."""
    done = twin_process(*inputs.arguments(city, *OTHER), module=module, TWIN_FAULT=f"kill@{n}")
    assert done.code in {0, -signal.SIGKILL}, done.err
    return done.code != 0


def visible(files: dict[str, bytes]) -> dict[str, bytes]:
    """Without unfinished work, locks, and what was being written: the next build removes it."""
    return {
        name: data
        for name, data in files.items()
        if not name.startswith((".build/", ".lock")) and "twin-tmp" not in name
    }


def assert_old_or_new(twin: Twin, city: Path, old: dict[str, bytes], new: dict[str, bytes]) -> bool:
    """The city that is opened next is one of the two, byte for byte; whether it is the new one."""
    assert twin("check", city).code == 0
    found = visible(snapshot(city))
    assert differing(found, old) == [] or differing(found, new) == []
    return found == new


@posix
@pytest.mark.parametrize("n", [3, 18, 50])
def test_a_kill_leaves_the_old_city(
    n: int, twin: Twin, inputs: SmallInputs, city: Path, sound_city: Path, other_city: Path
) -> None:
    """RT-01 and RT-08: the dead build's lock is taken over with a note; the same command completes the new city."""
    assert kill_at(n, inputs, city)
    assert not assert_old_or_new(twin, city, snapshot(sound_city), snapshot(other_city))
    done = twin(*inputs.arguments(city, *OTHER))
    assert done.code == 0
    assert_told(done.notes, "took over the lock of process", "which no longer runs")
    assert differing(snapshot(city), snapshot(other_city)) == []


@posix
@pytest.mark.parametrize("moves", [0, 2, "all"])
def test_a_kill_during_the_commit_leaves_the_new_city_to_whoever_opens_it_next(
    moves: int | str, twin: Twin, inputs: SmallInputs, city: Path, sound_city: Path, other_city: Path
) -> None:
    """RT-01: the journal was written, and none, some or all of the files were moved."""
    killed = "tests.faults.killed_commit"
    done = twin_process(*inputs.arguments(city, *OTHER), module=killed, KILLED_AFTER=str(moves))
    assert done.code == -signal.SIGKILL
    assert (city / ".commit.json").exists()
    assert assert_old_or_new(twin, city, snapshot(sound_city), snapshot(other_city))
    assert not (city / ".commit.json").exists()
    done = twin(*inputs.arguments(city, *OTHER))
    assert done.code == 0
    assert "unchanged" in done.out
    assert differing(snapshot(city), snapshot(other_city)) == []


@posix
def test_everything_is_on_the_disk_before_the_journal_and_the_journal_before_the_first_move(
    twin: Twin, inputs: SmallInputs, city: Path, other_city: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RT-02: what a power cut may lose is what was not handed to the disk; the manifest is moved last."""
    events = traced(monkeypatch)
    assert twin(*inputs.arguments(city, *OTHER)).code == 0
    names = [(what, path.name) for what, path in events]
    journal = names.index(("replace", ".commit.json"))
    synced = [str(path) for what, path in events[:journal] if what == "fsync"]
    staged = {path.partition("/stage/")[2] for path in synced}
    moved = [str(path.relative_to(city)) for what, path in events[journal + 1 :] if what == "replace"]
    assert len(moved) > 3
    assert set(moved) <= staged
    assert moved[-1] == "twin.json"
    assert events[journal + 1] == ("fsync", city)  # the journal's name
    last = max(k for k, event in enumerate(events) if event == ("replace", city / "twin.json"))
    assert ("fsync", city) in events[last:]


def traced(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Path]]:
    """What is handed to the disk and what is renamed, from now on, in their order."""
    events: list[tuple[str, Path]] = []
    fsync, replace = os.fsync, Path.replace

    def traced_fsync(handle: int) -> None:
        events.append(("fsync", Path(f"/proc/self/fd/{handle}").readlink()))
        fsync(handle)

    def traced_replace(self: Path, target: Path) -> Path:
        events.append(("replace", Path(target)))
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", traced_fsync)
    monkeypatch.setattr(Path, "replace", traced_replace)
    return events


class Made:
    """Which tiles are made, and not taken over from an earlier build."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        for name in ("object_tile._make", "ground_tile._ground_tile", "survey_pass.spool_file"):
            self._count(f"twin.city.{name}", patch)

    def _count(self, name: str, patch: pytest.MonkeyPatch) -> None:
        module, function = name.rsplit(".", 1)
        original = getattr(__import__(module, fromlist=[function]), function)

        def counted(*arguments: Any, **named: Any) -> Any:
            self.calls.append(function)
            return original(*arguments, **named)

        patch.setattr(name, counted)


FINISHED = {
    "_make": "objects/*/tile.json",
    "_ground_tile": "ground/*.json",
    "spool_file": "spool/part-*.json",
}
N_PIECES = {"_make": 6, "_ground_tile": 6, "spool_file": 1}


@posix
@pytest.mark.nightly
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("cut", [False, True], ids=["kill", "power cut"])
def test_a_kill_at_any_operation_leaves_the_old_city_or_the_new_one(
    cut: bool,
    twin: Twin,
    inputs: SmallInputs,
    sound_city: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """RT-01, all operations of a build of six tiles, and RT-02: the file written last is cut to nothing.

    Tiles that were finished before are taken over.
    """
    make_tiles_small(monkeypatch.setattr)
    made = Made(monkeypatch)
    new_city = tmp_path / "new" / "town.twin"
    assert twin(*inputs.arguments(new_city, *OTHER)).code == 0
    old, new = snapshot(sound_city), snapshot(new_city)
    n_new = 0
    for n in range(1, MOST_OPERATIONS):
        city = shutil.copytree(sound_city, tmp_path / str(n) / "town.twin")
        if not kill_at(n, inputs, city, SMALL_TILES):
            break
        if cut:
            cut_last_work(city)
        n_new += assert_old_or_new(twin, city, old, new)
        done = {name: count_files(city, f".build/*/{marks}") for name, marks in FINISHED.items()}
        made.calls.clear()
        assert twin(*inputs.arguments(city, *OTHER)).code == 0, n
        assert differing(snapshot(city), new) == [], n
        if not cut and not n_new:
            again = {name: made.calls.count(name) for name in N_PIECES}
            assert again == {name: total - done[name] for name, total in N_PIECES.items()}, n
        shutil.rmtree(city.parent)
    print(f"{n - 1} operations, {n_new} of them after the journal")
    assert 150 < n < MOST_OPERATIONS - 1
    assert n_new > 5


def count_files(city: Path, pattern: str) -> int:
    """Files that bear their final names."""
    return sum(not path.name.startswith(".") for path in city.glob(pattern))


def cut_last_work(city: Path) -> None:
    """Empty the file of the unfinished work that was written last."""
    work = [p for p in city.rglob(".build/**/*") if p.is_file() and "stage" not in p.parts]
    if work:
        max(work, key=lambda p: p.stat().st_mtime_ns).write_bytes(b"")


# --- two builds at once


def test_a_second_build_into_the_same_city_leaves_at_once(
    twin: Twin, larger: SmallInputs, inputs: SmallInputs, larger_city: dict[str, bytes], running: list[Running],
    tmp_path: Path,
) -> None:  # fmt: skip
    """RT-07: the words name process, host and start; layers are not added meanwhile; readers see the old city."""
    city = tmp_path / "town.twin"
    assert twin(*inputs.arguments(city)).code == 0
    first = Running(larger.arguments(city))
    running.append(first)
    first.wait_for("finding the ground")
    done = twin(*inputs.arguments(city, *OTHER))
    assert done.code == 6, done.err
    assert_told(done.error, "town.twin", f"process {first.process.pid} on ", " since 20")
    (tmp_path / "t.csv").write_text("name,kwh\nb1,7\n")
    assert twin("add", city, tmp_path / "t.csv").code == 6
    assert '"trees"' not in twin("info", city, "--json").err
    assert first.end() == 0, first.said
    assert differing(snapshot(city), larger_city) == []


@pytest.mark.parametrize(
    ("suffix", "after"),
    [
        (".gpkg", "twin.city.model.open_manifest"),
        (".gpkg", "twin.city.tables.read_buildings"),
        (".city.jsonl", "twin.city.model.open_manifest"),
        (".glb", "twin.city.tables.read_buildings"),
    ],
)
def test_a_city_that_is_replaced_while_it_is_exported(
    suffix: str, after: str, twin: Twin, inputs: SmallInputs, city: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """RT-09: the new one, never a mixture of both, and no word of damage."""
    fewer = SmallInputs(inputs.points, write_footprints(tmp_path / "fewer.gpkg", outlines(("b2", "b4"))))
    new_city = tmp_path / "new" / "town.twin"
    assert twin(*fewer.arguments(new_city)).code == 0
    module, name = after.rsplit(".", 1)
    original = getattr(__import__(module, fromlist=[name]), name)
    rebuilt: list[int] = []

    def then_rebuild(*arguments: Any) -> Any:
        result = original(*arguments)
        if not rebuilt:
            rebuilt.append(run(fewer.arguments(city)))
        return result

    monkeypatch.setattr(after, then_rebuild)
    done = twin("export", city, tmp_path / f"town{suffix}")
    assert done.code == 0, done.err
    assert rebuilt == [0]
    assert twin("export", new_city, tmp_path / f"new{suffix}").code == 0
    assert (tmp_path / f"town{suffix}").read_bytes() == (tmp_path / f"new{suffix}").read_bytes()
