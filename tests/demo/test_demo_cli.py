"""``twin check --truth`` and ``twin demo`` as they are typed: answers, exit codes, words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from twin.cli.main import run
from twin.core.errors import EXIT_INPUT, EXIT_OK, EXIT_USAGE

if TYPE_CHECKING:
    from twin.demo.district import DistrictFiles

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, small_district: DistrictFiles) -> Path:
    """The small district as the pipeline builds it from the survey alone."""
    import twin

    folder = tmp_path_factory.mktemp("built") / "small.twin"
    twin.build(
        [str(p) for p in small_district.survey],
        small_district.footprints,
        folder,
        vectors={"water": small_district.water},
        id_field="id",
        workers=1,
    )
    return folder


def test_check_with_truth_answers_for_machines(
    built: Path, small_district: DistrictFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", str(built), "--truth", str(small_district.truth), "--json"]) == EXIT_OK
    told = json.loads(capsys.readouterr().out)
    found = told["truth"]
    assert told["invalid"] == []
    assert sum(found["states"].values()) == 12
    assert set(found["by_roof_type"]) <= {
        "flat",
        "shed",
        "gable",
        "hip",
        "half_hip",
        "mansard",
        "pyramid",
        "cross_gable",
        "multi_level",
        "round",
        "other",
    }
    assert 0.0 < found["terrain"]["open_rmse_m"] < 0.15
    assert found["trees"]["recall"] > 0.3
    assert found["classes"]["kappa"] > 0.9
    assert found["buildings"]["volume_error_median"] < 0.1


def test_check_with_truth_tells_people_a_table(
    built: Path, small_district: DistrictFiles, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check", str(built), "--truth", str(small_district.truth)]) == EXIT_OK
    out = capsys.readouterr().out
    assert "against the truth: score" in out
    assert out.splitlines()[-1].startswith("ground told from coordinates")


@pytest.mark.parametrize(
    ("truth", "words"),
    [
        ("nothing", "there is no truth here; name the truth folder"),
        ("folder", "there is no truth here; name"),
    ],
)
def test_check_without_a_truth_says_what_to_name(
    built: Path,
    small_district: DistrictFiles,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    truth: str,
    words: str,
) -> None:
    place = {"nothing": tmp_path / "none", "folder": small_district.folder}[truth]
    assert run(["check", str(built), "--truth", str(place)]) == EXIT_INPUT
    out, err = capsys.readouterr()
    assert words in err
    assert "Traceback" not in err
    assert out == ""


def test_check_against_another_district_is_refused(
    built: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from twin.demo import generate_district

    other = generate_district(tmp_path, n_buildings=12, density=0.5, seed=8)
    assert run(["check", str(built), "--truth", str(other.truth)]) == EXIT_INPUT
    assert "is not of the district of" in capsys.readouterr().err


def test_demo_inputs_only_lists_what_it_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "inputs"
    words = ["demo", str(folder), "--buildings", "3", "--density", "0.5", "--inputs-only", "--workers", "1"]
    assert run([*words, "--unclassified", "--json"]) == EXIT_OK
    told = json.loads(capsys.readouterr().out)
    assert {Path(p).name for p in told["inputs"]} >= {"footprints.gpkg", "roads.gpkg", "ortho.tif"}
    assert all(Path(p).exists() for p in told["inputs"])
    assert (folder / "truth" / "solids.city.jsonl").exists()
    assert not (folder / "district.twin").exists()


@pytest.mark.parametrize(
    "words", [["--buildings", "0"], ["--buildings", "300000"], ["--density", "0"], ["--seed", "-1"]]
)
def test_demo_refuses_numbers_out_of_range(tmp_path: Path, words: list[str]) -> None:
    assert run(["demo", str(tmp_path / "d"), "--inputs-only", *words]) == EXIT_USAGE
    assert not (tmp_path / "d").exists()


def test_demo_builds_compares_draws_and_says_what_is_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("twin.cli.demo.PICTURE_SIZE", (480, 270))
    monkeypatch.setattr("twin.demo.typhoon.CELL_SIZE_M", 6.0)  # its flood has a test of its own
    folder = tmp_path / "d"
    assert run(["demo", str(folder), "--buildings", "4", "--density", "2", "--workers", "1"]) == EXIT_OK
    out, err = capsys.readouterr()
    lines = out.splitlines()
    city = folder / "district.twin"
    assert lines[0].startswith(f"{city}: ")
    assert "against the truth: score" in lines[2]
    pictures = [Path(line.removeprefix("picture: ")) for line in lines if line.startswith("picture: ")]
    assert [p.name for p in pictures][:2] == ["overview.png", "river.png"]
    assert all(p.stat().st_size > 20_000 for p in pictures)
    assert f"next: twin info {city}" in lines
    assert "comparing with the truth" in err
    (live,) = [line for line in lines if line.startswith("live: ")]
    assert " observations of " in live
    assert (city / "live" / "alarms.jsonl").stat().st_size > 0
