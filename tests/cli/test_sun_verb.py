"""`twin sun`: what it writes is what it says, and what cannot be meant is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.flood_city import make_city
from twin.cli.main import run

if TYPE_CHECKING:
    from twin.city.model import City


@pytest.fixture
def city(tmp_path: Path) -> City:
    z = np.full((20, 30), 1.0)
    z[8:12, 10:14] = 9.0
    return make_city(tmp_path / "town.twin", z)


def test_hours_are_written_and_told(city: City, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "dec.tif"
    assert run(["sun", str(city.path), str(out), "--date", "2026-12-21", "--every", "30", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    import rasterio

    with rasterio.open(out) as raster:
        hours = raster.read(1)
    assert hours.shape == (20, 30)
    assert hours.max() == pytest.approx(told["day_length_h"], abs=0.01)
    assert hours.mean() == pytest.approx(told["ground_mean_h"], abs=0.01)
    assert hours[7, 12] < hours[15, 12]  # north of the block
    assert run(["sun", str(city.path), str(out), "--date", "2026-12-21"]) == 5
    assert "exists already" in capsys.readouterr().err


def test_hours_are_kept_as_a_layer(city: City, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["sun", str(city.path), "--name", "winter", "--date", "2026-12-21", "--every", "60"]
    assert run(words) == 0
    from twin.city.model import open_city

    assert open_city(city.path).manifest.layers["winter"].kind == "raster"
    assert run(words) == 5
    assert run([*words, "--force"]) == 0
    capsys.readouterr()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--date", "21.12.2026", "--name", "x"], "no day"),
        (["--date", "2026-12-21"], "OUT.tif or --name"),
        (["--date", "2026-12-21", "--name", "x", "--every", "7"], "divide a day"),
        (["--date", "2026-12-21", "--name", "a/b"], "no name of a layer"),
        (["--date", "2026-12-21", "--name", "x", "--cell-size", "0.001"], "cells of"),
    ],
)
def test_what_cannot_be_meant_is_a_mistake_of_usage(
    city: City, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["sun", str(city.path), *words]) == 2
    assert said in capsys.readouterr().err
