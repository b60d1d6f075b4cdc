"""``twin check``: a city, one building, a foreign file, and the second opinion of val3dity."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.faults.small_city import write_small
from twin.city.cityjson import ModelMetadata, VertexTransform, read_cityjson, write_cityjson
from twin.city.quality_figures import quality_figures, why
from twin.city.val3dity import ask_val3dity
from twin.cli.main import run
from twin.core.errors import UsageError
from twin.core.notices import Notices

FAKE = """
import json, pathlib, sys
option, report, file = sys.argv[1:]
assert option == "--report"
assert pathlib.Path(file).is_absolute()
told = json.loads({told!r})
ids = []
for line in pathlib.Path(file).read_text(encoding="utf-8").splitlines():
    item = json.loads(line)
    ids += [item["id"]] if item["type"] == "CityJSONFeature" else list(item.get("CityObjects", {{}}))
features = [
    {{"id": i, "type": "Building", "validity": not told.get(i),
      "errors": [{{"code": c, "description": "", "id": "coid=" + i, "info": ""}} for c in told.get(i, [])]}}
    for i in ids
]
pathlib.Path("val3dity.log").write_text("log")
pathlib.Path(report).write_text(json.dumps({{
    "type": "val3dity_report", "val3dity_version": "2.5.0", "validity": not told, "input_file": file,
    "all_errors": sorted({{c for found in told.values() for c in found}}), "dataset_errors": [],
    "features_overview": [], "primitives_overview": [], "features": features,
}}))
"""


def program(folder: Path, body: str) -> Path:
    """A program in Python that can be called by its path alone."""
    source = folder / "fake.py"
    source.write_text(body, encoding="utf-8")
    if os.name == "nt":
        path = folder / "fake.bat"
        path.write_text(f'@"{sys.executable}" "{source}" %*\n', encoding="utf-8")
    else:
        path = folder / "fake"
        path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{source}" "$@"\n', encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def val3dity(folder: Path, told: dict[str, list[int]] | None = None) -> Path:
    return program(folder, FAKE.format(told=json.dumps(told or {})))


@pytest.fixture(scope="module")
def city(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("check")
    assert run(write_small(folder).arguments(folder / "town.twin")) == 0
    return folder / "town.twin"


def ids_of(city: Path) -> list[str]:
    return (
        pd.read_parquet(city / "buildings" / "buildings.parquet", columns=["id", "state"])
        .query("state == 'built'")["id"]
        .tolist()
    )


def checked(capsys, *arguments) -> tuple[int, str]:
    capsys.readouterr()
    code = run(["check", *map(str, arguments)])
    return code, capsys.readouterr().out


def test_a_city_tells_the_spread_of_its_errors_and_the_worst(city, capsys):
    code, out = checked(capsys, city)
    assert code == 0
    for words in ("solids valid", "at points held out", "standard error", "largest errors", "LoD 2.2: RMSE"):
        assert words in out
    report = json.loads(checked(capsys, city, "--json")[1])
    worst = [w["rmse_m"] for w in report["quality"]["worst"]]
    assert worst == sorted(worst, reverse=True)
    assert 0 < len(worst) <= 10
    assert all(w["why"] for w in report["quality"]["worst"])
    table = pd.read_parquet(city / "buildings" / "buildings.parquet")
    told = report["quality"]["by_lod"]["2.2"]["rmse_m"]
    assert told["median"] == pytest.approx(table["rmse_m_lod22"].median(), abs=1e-4)
    assert told["p90"] == pytest.approx(np.percentile(table["rmse_m_lod22"].dropna(), 90), abs=1e-4)
    assert report["quality"]["holdout"]["share"] == pytest.approx(
        table["rmse_holdout_m"].notna().mean(), abs=1e-4
    )


def test_info_tells_the_quality_in_short(city, capsys):
    capsys.readouterr()
    assert run(["info", str(city)]) == 0
    out = capsys.readouterr().out
    for words in ("LoD 2.2    RMSE", "held out   RMSE", "of the buildings have one"):
        assert words in out
    assert run(["info", str(city), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    table = pd.read_parquet(city / "buildings" / "buildings.parquet")
    assert facts["quality"]["rmse_m"]["2.2"]["median"] == pytest.approx(
        table["rmse_m_lod22"].median(), abs=1e-4
    )
    assert facts["quality"]["holdout_share"] == pytest.approx(
        table["rmse_holdout_m"].notna().mean(), abs=1e-4
    )
    assert facts["unexplained"]["outside_footprints"] <= facts["unexplained"]["building_points"]


def test_one_building_tells_everything(city, capsys):
    id_ = ids_of(city)[0]
    code, out = checked(capsys, city, "--id", id_)
    assert code == 0
    for words in ("roof_type", "rmse_holdout_m", "LoD 1.2", "LoD 2.2", "roof faces", "sigma m"):
        assert words in out
    report = json.loads(checked(capsys, city, "--id", id_, "--json")[1])
    row = pd.read_parquet(city / "buildings" / "buildings.parquet").set_index("id").loc[id_]
    assert report["attributes"]["rmse_m"] == pytest.approx(row["rmse_m"])
    assert len(report["roof_faces"]) == row["n_roof_faces"]
    assert sum(f["area_m2"] for f in report["roof_faces"]) == pytest.approx(row["roof_area_m2"], rel=1e-3)
    assert report["lods"]["2.2"]["volume_m3"] == pytest.approx(row["volume_m3"], rel=1e-3)
    assert report["why"]


def test_a_building_that_is_not_there(city, capsys):
    assert run(["check", str(city), "--id", "no such"]) == 2
    said = capsys.readouterr().err
    assert "no such" in said
    assert ids_of(city)[0] in said
    assert run(["check", str(city), "--id", "a", "--val3dity", "v"]) == 2


def as_file(city: Path, path: Path) -> list[str]:
    """The buildings of a city as one CityJSON document without its measured values."""
    (file,) = (city / "buildings").glob("*.city.jsonl")
    buildings = read_cityjson(file, notices=Notices()).buildings
    origin = tuple(int(v) for v in buildings[0].solids["1.2"][0].vertices.min(axis=0))
    write_cityjson(
        path, buildings, metadata=ModelMetadata(crs="EPSG:7415"), transform=VertexTransform(origin)
    )
    return [b.id for b in buildings]


def test_a_file_of_others(city, tmp_path, capsys):
    ids = as_file(city, tmp_path / "a.city.json")
    code, out = checked(capsys, tmp_path / "a.city.json")
    assert code == 0
    assert f"{len(ids)} buildings" in out
    report = json.loads(checked(capsys, tmp_path / "a.city.json", "--id", ids[0], "--json")[1])
    assert report["lods"]["1.2"]["codes"] == [[]]
    assert report["roof_faces"][0]["slope_deg"] >= 0
    assert run(["check", str(tmp_path / "none.city.json"), "--id", ids[0]]) == 3


@pytest.mark.realdata
def test_models_of_others_are_told_of_building_by_building(shared_data, capsys):
    file = shared_data / "cityjson_extra" / "zurich_subset_lod2.json"
    report = json.loads(checked(capsys, file, "--json")[1])
    assert report["buildings"] > 40
    id_ = read_cityjson(file, notices=Notices()).buildings[0].id
    one = json.loads(checked(capsys, file, "--id", id_, "--json")[1])
    assert one["roof_faces"]
    assert all(0 <= face["slope_deg"] <= 180 for face in one["roof_faces"])


def test_val3dity_agrees(city, tmp_path, capsys):
    code, out = checked(capsys, city, "--val3dity", val3dity(tmp_path))
    assert code == 0
    assert "val3dity 2.5.0" in out
    assert "agree on every building" in out
    assert not list(city.glob("**/val3dity.log"))


def test_val3dity_differs(city, tmp_path, capsys):
    id_ = ids_of(city)[0]
    second = val3dity(tmp_path, {id_: [203, 306]})
    code, out = checked(capsys, city, "--val3dity", second)
    assert code == 1
    assert f"differs: {id_} twin valid, val3dity 203, 306" in out
    told = json.loads(checked(capsys, city, "--val3dity", second, "--json")[1])["val3dity"]
    assert told["invalid"] == [{"id": id_, "codes": [203, 306]}]
    assert told["differs"] == [{"id": id_, "twin": [], "val3dity": [203, 306]}]


def test_val3dity_on_a_file(city, tmp_path, capsys):
    ids = as_file(city, tmp_path / "a.city.json")
    text = (tmp_path / "a.city.json").read_text(encoding="utf-8")
    (tmp_path / "b.city.json").write_text(json.dumps(json.loads(text)), encoding="utf-8")
    told = json.loads(
        checked(capsys, tmp_path / "b.city.json", "--val3dity", val3dity(tmp_path), "--json")[1]
    )
    assert told["val3dity"]["buildings"] == len(ids)


def test_a_file_that_val3dity_cannot_read(city, tmp_path, capsys):
    report = {"val3dity_version": "2.5.0", "features": [], "dataset_errors": [{"code": 905}]}
    body = f"import sys\nopen(sys.argv[2], 'w').write({json.dumps(report)!r})"
    code, out = checked(capsys, city, "--val3dity", program(tmp_path, body))
    assert code == 1
    assert "files: codes 905" in out
    assert "agree" not in out


def test_codes_of_primitives_as_older_versions_list_them(tmp_path):
    report = {
        "val3dity_version": "2.4.0",
        "features": [
            {"id": "a", "errors": [], "primitives": [{"id": "0", "errors": [{"code": 302}]}, {"id": "1"}]}
        ],
        "dataset_errors": [{"code": 901}],
    }
    body = f"import sys\nopen(sys.argv[2], 'w').write({json.dumps(report)!r})"
    found = ask_val3dity(str(program(tmp_path, body)), [tmp_path / "a.city.json"])
    assert dict(found.codes) == {"a": (302,)}
    assert found.file_codes == (901,)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("import sys; print('no licence', file=sys.stderr); sys.exit(3)", "ended with 3 .*no licence"),
        ("import sys; open(sys.argv[2], 'w').write('hello')", "is no report of val3dity"),
        ("import sys; open(sys.argv[2], 'w').write('[]')", "is no report of val3dity"),
        ("import sys; open(sys.argv[2], 'w').write('{}')", "is no report of val3dity"),
        (
            """import sys; open(sys.argv[2], 'w').write('{"features": [{"id": 1, "errors": ["x"]}]}')""",
            "is no report",
        ),
    ],
)
def test_a_program_that_is_not_val3dity(tmp_path, body, told):
    with pytest.raises(UsageError, match=told):
        ask_val3dity(str(program(tmp_path, body)), [tmp_path / "a.city.json"])


def test_no_program_at_all(tmp_path):
    for nothing in (tmp_path / "none", tmp_path):
        with pytest.raises(UsageError, match="is no program"):
            ask_val3dity(str(nothing), [])


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ({"rmse_m": 0.04, "p95_m": 0.08}, "no more than the noise"),
        ({"rmse_m": 0.9, "p95_m": 1.8}, "a part is missed"),
        ({"rmse_m": 0.9, "p95_m": 0.1}, "a few far off"),
        ({"rmse_m": 0.4, "p95_m": 0.8, "no_data_share": 0.45}, "45 % of the footprint is without points"),
        ({"rmse_m": 0.4, "p95_m": 0.8, "density_per_m2": 1.2}, "only 1.2 points"),
        ({"rmse_m": 0.1, "p95_m": 0.2, "p95_holdout_m": 0.7}, "follows single points"),
        (
            {"rmse_m": 0.9, "p95_m": 1.8, "state": "fallback", "reason": "LoD2.2 is LoD1.3: thin"},
            "LoD1.3: thin",
        ),
    ],
)
def test_reasons(row, told):
    assert told in why(row)


def test_a_city_of_older_columns_has_fewer_figures(tmp_path):
    """Folders that were built before these columns existed are told of as far as they go."""
    table = pd.DataFrame(
        {
            "id": ["a", "b"],
            "rmse_m": [0.1, np.nan],
            "p95_m": [0.2, np.nan],
            "rmse_m_lod13": [0.1, 0.2],
            "p95_m_lod13": [0.2, 0.2],
        }
    )
    (tmp_path / "buildings").mkdir()
    table.to_parquet(tmp_path / "buildings" / "buildings.parquet")
    figures = quality_figures(tmp_path)
    assert figures["by_lod"]["1.3"]["rmse_m"] == {"buildings": 2, "median": 0.15, "p90": 0.19}
    assert figures["holdout"]["share"] == 0
    assert [w["id"] for w in figures["worst"]] == ["a"]
