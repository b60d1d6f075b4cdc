"""Randomly damaged point clouds end in our own errors, quickly and in little memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAX_SECONDS, MAX_MB = 10, 1024


def fuzz(folder: Path, *, seed: int, count: int, timeout_s: float) -> dict[str, object]:
    """The report of a fuzzing process; a crash or an escape of a panic fails here."""
    command = [sys.executable, "-m", "tests.sources.fuzz_points", str(folder)]
    command += ["--seed", str(seed), "--count", str(count)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=timeout_s, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def assert_tame(report: dict[str, object]) -> None:
    assert not report["bugs"], report["bugs"]
    assert report["worst_s"] < MAX_SECONDS
    assert report["peak_mb"] < MAX_MB
    outcomes = report["outcomes"]
    # Damage that changes nothing read here is common, and so is damage that must be refused.
    assert outcomes["input"] > outcomes.get("read", 0) > 0, outcomes


def test_some_hundred_mutants(tmp_path: Path) -> None:
    assert_tame(fuzz(tmp_path, seed=1, count=100, timeout_s=120))


@pytest.mark.nightly
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 12))
def test_ten_thousand_mutants_of_each_layout(tmp_path: Path, seed: int) -> None:
    assert_tame(fuzz(tmp_path, seed=seed, count=1000, timeout_s=1200))
