"""RT-33: randomly damaged files of every kind that is read end in our own errors, quickly and in little memory.

The default suite reads some tens of mutants of each kind in one process, and a few through whole command lines. The
nightly job reads ten thousand of each, a process for every thousand::

    pytest tests/faults/test_fault_mutants.py -m nightly

What a run came to stands in its ``report.json``; the figures of the last full one are in ``docs/benchmarks.md``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.faults.fault_harness import ROOT, environment
from tests.faults.mutant_inputs import KINDS
from tests.faults.mutants import mutant

if TYPE_CHECKING:
    from pathlib import Path

MAX_SECONDS, MAX_MB = 10, 1024
QUICK, QUICK_WHOLE, BATCH = 25, 3, 1000
Report = dict[str, dict[str, dict[str, Any]]]


def fuzz(folder: Path, *options: str | int, timeout_s: float) -> Report:
    """The report of a fuzzing process; its death fails here, with the mutant that it died of."""
    command = [sys.executable, "-m", "tests.faults.fuzz_inputs", str(folder), *map(str, options)]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=timeout_s, check=False
    )
    current = folder / "current"
    last = current.read_text() if current.exists() else "none yet"
    assert done.returncode == 0, f"died with {done.returncode} at {last}: {done.stderr[-2000:]}"
    done_report: Report = json.loads((folder / "report.json").read_text())
    return done_report


def assert_tame(tally: dict[str, Any], count: int) -> None:
    assert not tally["bugs"], "\n".join(tally["bugs"][:3])
    assert tally["worst_s"] < MAX_SECONDS, f"mutant {tally['slowest']}"
    assert tally["peak_mb"] < MAX_MB, f"mutant {tally['largest']}"
    assert sum(tally["outcomes"].values()) == count
    assert count < QUICK or tally["outcomes"].keys() - {"read"}, "no damage was found, so none was made"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Some tens of mutants of each kind read as a build does, a few through ``twin build`` or ``twin add``."""
    folder = tmp_path_factory.mktemp("fuzz")
    return fuzz(folder, "--count", QUICK, "--whole", QUICK_WHOLE, timeout_s=300)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_some_tens_of_mutants(kind: str, report: Report) -> None:
    assert_tame(report["read"][kind], QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_some_mutants_through_the_command_line(kind: str, report: Report) -> None:
    assert_tame(report["whole"][kind], QUICK_WHOLE)


@pytest.mark.nightly
@pytest.mark.slow
@pytest.mark.parametrize("batch", range(10))
@pytest.mark.parametrize("kind", KINDS)
def test_ten_thousand_mutants(kind: str, batch: int, tmp_path: Path) -> None:
    first = batch * BATCH
    done = fuzz(tmp_path, kind, "--seed", 10, "--first", first, "--count", BATCH, timeout_s=3600)
    assert_tame(done["read"][kind], BATCH)


@pytest.mark.nightly
@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_hundreds_of_mutants_through_the_command_line(kind: str, tmp_path: Path) -> None:
    done = fuzz(tmp_path, kind, "--seed", 11, "--count", 0, "--whole", 300, timeout_s=3600)
    assert_tame(done["whole"][kind], 300)


def test_mutants_depend_on_their_seed_alone_and_differ() -> None:
    sound = bytes(range(256)) * 20
    made = [mutant(sound, np.random.default_rng([1, n]), text=True) for n in range(200)]
    assert made == [mutant(sound, np.random.default_rng([1, n]), text=True) for n in range(200)]
    assert len(set(made)) > 190
    assert sum(m != sound for m in made) > 190
    assert max(map(len, made)) < len(sound) + 5 * 2**16


def test_nothing_is_left_of_an_empty_file() -> None:
    for n in range(200):
        mutant(b"", np.random.default_rng(n), text=True)
