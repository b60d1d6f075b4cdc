"""What can be asked of an export, and what is refused on the command line."""

import json

import numpy as np
import pytest

from tests.flood_city import make_city
from twin.city.export_options import TAKEN, ExportOptions, require_taken
from twin.city.model import EXPORTERS
from twin.cli.export import parse_scale
from twin.cli.main import run
from twin.core.errors import UsageError


@pytest.fixture
def town(tmp_path):
    make_city(tmp_path / "town.twin", np.full((20, 30), 1.0))
    return tmp_path / "town.twin"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"scale": 500.0, "size_m": 0.4}, "one of them"),
        ({"scale": 0.0}, "--scale"),
        ({"scale": float("nan")}, "--scale"),
        ({"size_m": -1.0}, "--size-m"),
        ({"around": (1.0, 2.0, 0.0)}, "--around"),
        ({"around": (float("inf"), 2.0, 5.0)}, "--around"),
    ],
)
def test_senseless_numbers_are_refused(wrong, words):
    with pytest.raises(UsageError, match=words):
        ExportOptions(**wrong)


def test_only_known_suffixes_take_options():
    assert set(TAKEN) <= set(EXPORTERS)
    require_taken(ExportOptions(), ".gpkg")
    with pytest.raises(UsageError, match=r"--print.*\.stl \.3mf"):
        require_taken(ExportOptions(for_print=True), ".gpkg")


@pytest.mark.parametrize("text", ["x", "1:0", "", "1:2:3"])
def test_other_scales_are_refused(text):
    with pytest.raises(UsageError, match="1:500"):
        parse_scale(text)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["a.ply", "--scale", "1:500"], "--scale"),
        (["a.glb", "--print"], "--print"),
        (["a.stl", "--flood", "x"], "--flood"),
        (["a.html", "--flood", "x"], "no flood"),
        (["a.html", "--from", "2026-07-01T00:00Z"], "nothing"),
        (["a.html", "--from", "yesterday"], "--from"),
        (["a.html", "--lang", "xx"], "--lang"),
        (["a.html", "--theme", "pink"], "--theme"),
        (["a.glb", "--around", "1,2"], "--around"),
        (["a.glb", "--around", "0,0,50"], "--around"),
        (["a.glb", "--size-m", "0"], "--size-m"),
        (["a.docx"], "suffix"),
    ],
)
def test_the_command_line_refuses_with_2_and_leaves_nothing(town, tmp_path, capsys, arguments, words):
    name, *options = arguments
    assert run(["export", str(town), str(tmp_path / name), *options]) == 2
    told = capsys.readouterr()
    assert words in told.err
    assert "Traceback" not in told.err
    assert not (tmp_path / name).exists()


def test_what_exists_is_kept_with_5(town, tmp_path, capsys):
    out = tmp_path / "a.stl"
    assert run(["export", str(town), str(out), "--print", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"output": str(out), "bytes": out.stat().st_size}
    before = out.read_bytes()
    assert run(["export", str(town), str(out), "--print"]) == 5
    assert "exists" in capsys.readouterr().err
    assert run(["export", str(town), str(out), "--print", "--force"]) == 0
    assert out.read_bytes() == before
