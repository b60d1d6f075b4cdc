"""The Merewether flood of 2007: stages at the five points of the reports within 0.3 m."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.benchmarks import bench_water
from twin.water import solve

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.slow
@pytest.mark.realdata
def test_stages_agree_with_every_report(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_water, "MEREWETHER", shared_data / "merewether_flood")
    ask, points = bench_water.merewether_case()
    found = solve(method="fast", dtype="float32", **ask)
    for name, row, col, published in points:
        stage = float(ask["z"][row, col] + found.h[0, row, col])
        assert np.abs(np.array(published) - stage).max() < 0.3, (name, stage, published)
    assert abs(found.mass_error_m3) < 1e-5 * found.volume_in_m3
