"""Latest, history, alarms, field and serve through the command line: answers, exit codes, and nothing hostile shown."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from tests.live.small_store import MIN, SCRIPT, T0, small_city
from twin.cli.main import run
from twin.live.model import Batch, Catalogue, Datastream, Place, Thing
from twin.live.store import open_store

RULES = '[[rule]]\nname = "high"\nobserved_property = "water_level"\nabove = 2.0\nseverity = "alert"\n'


@pytest.fixture
def city(tmp_path: Path) -> Path:
    city = small_city(tmp_path / "c.twin", n_minutes=90)
    (city / "live" / "alarms.toml").write_text(RULES, encoding="utf-8")
    return city


def said(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = run(["live", *map(str, arguments)])
    told = capsys.readouterr()
    assert "Traceback" not in told.err
    assert "\x1b" not in told.out + told.err
    return code, told.out, told.err


def answer(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    code, out, err = said(capsys, *arguments, "--json")
    assert code == 0, err
    return json.loads(out)


def test_latest(city: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = answer(capsys, "latest", city, "--time", "2026-08-28T12:30:30+09:00", "--zone", "Asia/Seoul")
    assert [r["state"] for r in rows] == ["fresh", "fresh", "fresh", "missing"]
    assert rows[0]["phenomenon_time"] == "2026-08-28T12:30:00+09:00"
    assert rows[1]["name"] == "Bridge gauge"
    code, out, _ = said(capsys, "latest", city, "--time", "end")
    assert (code, len(out.splitlines())) == (0, 4)
    code, _, err = said(capsys, "latest", city, "--time", "2026-08-28T12:30:30")
    assert (code, "zone" in err) == (2, True)
    assert said(capsys, "latest", city.parent / "none")[0] == 3


def test_history(city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = answer(
        capsys,
        "history",
        city,
        "river-1:level",
        "--from",
        "2026-08-28T03:10:00Z",
        "--to",
        "2026-08-28T03:12:00Z",
    )
    assert [r["phenomenon_time"][11:16] for r in rows] == ["03:10", "03:11", "03:12"]
    out = tmp_path / "level.csv"
    assert said(capsys, "history", city, "river-1:level", "-o", out)[0] == 0
    assert len(out.read_text(encoding="utf-8").splitlines()) == 91
    assert said(capsys, "history", city, "river-1:level", "-o", out)[0] == 5
    assert said(capsys, "history", city, "river-1:level", "-o", out, "--force")[0] == 0
    assert said(capsys, "history", city, "river-2:level")[0] == 2
    assert said(capsys, "history", city, "river-1:level", "--zone", "Mars/Olympus")[0] == 2


def test_alarms(city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = {
        "phenomenonTime": "2026-08-28T04:30:00Z",
        "result": 2.9,
        "Datastream": {"@iot.id": "river-1:level"},
    }
    (tmp_path / "more.jsonl").write_text(json.dumps(line), encoding="utf-8")
    code, out, _ = said(capsys, "replay", city, tmp_path / "more.jsonl", "--speed", "0")
    assert (code, json.loads(out)["alarm_events"]) == (0, 1)
    (alarm,) = answer(capsys, "alarms", city)
    assert (alarm["id"], alarm["state"], alarm["severity"]) == ("high@river-1:level", "firing", "alert")
    assert answer(capsys, "alarms", city, "--ack", alarm["id"])[0]["acknowledged"] is True
    until = ("--until", "2026-08-29T00:00:00+09:00")
    assert (
        answer(capsys, "alarms", city, "--shelve", alarm["id"], *until)[0]["shelved_until"]
        == "2026-08-28T15:00:00Z"
    )
    assert answer(capsys, "alarms", city, "--time", "2026-08-28T04:00:00Z") == []
    assert "seen, shelved until" in said(capsys, "alarms", city)[1]
    code, _, err = said(capsys, "alarms", city, "--ack", "hihg@river-1:level")
    assert (code, "did you mean 'high@river-1:level'" in err) == (2, True)
    assert said(capsys, "alarms", city, "--shelve", alarm["id"])[0] == 2


def with_air(city: Path) -> Path:
    """Eight stations around the middle of the city, one of them in a room."""
    things, streams, rows = [], [], []
    for k in range(8):
        kind = ("room", "R1") if k == 7 else ("point", "")
        place = Place(kind[0], (192_300.0 + 130 * (k % 3), 280_300.0 + 140 * (k // 3), 5.0), kind[1])
        things.append(Thing(f"air-{k}", f"Air {k}", place=place))
        streams.append(Datastream(f"air-{k}:no2", f"air-{k}", "", "no2", unit="[ppm]", max_age_s=900.0))
        rows.append((f"air-{k}:no2", 0.02 + 0.002 * k))
    with open_store(city, write=True) as store:
        store.put_catalogue(Catalogue(tuple(things), tuple(streams)))
        n = len(rows)
        store.append(Batch([s for s, _ in rows], [T0] * n, [T0] * n, [v for _, v in rows], [0] * n))
    return city


def test_field(city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, error = tmp_path / "no2.tif", tmp_path / "error.tif"
    arguments = ("field", with_air(city), "--property", "no2", "--time", "2026-08-28T03:05:00Z", "-o", out)
    told = answer(capsys, *arguments, "--deviation", error)
    assert (told["stations"], told["unit"], told["method"]) == (7, "[ppm]", "kriging")
    with rasterio.open(out) as raster, rasterio.open(error) as deviation:
        assert raster.crs.to_epsg() == 5187
        values, spread = raster.read(1), deviation.read(1)
    known = np.isfinite(values)
    assert 0.0 < known.mean() < 0.6
    assert np.nanmin(values) > 0.0195
    assert np.nanmax(values) < 0.0325
    assert (spread[known] >= 0).all()
    assert said(capsys, *arguments)[0] == 5
    assert said(capsys, *arguments, "--force")[0] == 0
    late = (*arguments[:5], "2026-08-28T04:05:00Z", *arguments[6:], "--force")
    code, _, err = said(capsys, *late)
    assert (code, "0 places have a value" in err) == (3, True)
    code, _, err = said(capsys, "field", city, "--property", "no3", "-o", out)
    assert (code, "did you mean 'no2'" in err) == (2, True)


def test_serve(city: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The address is told, and answers while it runs."""
    seen = []

    def sleep(_: float) -> None:
        address = capsys.readouterr().out.strip()
        if address:
            with urllib.request.urlopen(f"{address}/Things") as reply:
                seen.extend(t["name"] for t in json.load(reply)["value"])

    monkeypatch.setattr("time.sleep", sleep)
    assert run(["live", "serve", str(city), "--port", "0", "--seconds", "0.3"]) == 0
    assert SCRIPT in seen
    assert said(capsys, "serve", city.parent / "none", "--port", "0")[0] == 3


def test_times_are_of_the_scene(city: Path) -> None:
    with open_store(city) as store:
        assert store.span() == (T0, T0 + 90 * MIN)


def day_of_air(city: Path) -> Path:
    """A station with 25 hours of all that the Korean index needs."""
    values = {"pm10": 60.0, "pm2_5": 20.0, "no2": 0.02, "o3": 0.05}
    units = {"pm10": "ug/m3", "pm2_5": "ug/m3", "no2": "[ppm]", "o3": "[ppm]"}
    with open_store(city, write=True) as store:
        streams = tuple(Datastream(f"air:{k}", "air", "", k, unit=units[k]) for k in values)
        store.put_catalogue(Catalogue((Thing("air", SCRIPT),), streams))
        for name, value in values.items():
            times = [T0 + k * 10 * MIN for k in range(150)]
            store.append(Batch([f"air:{name}"] * 150, times, times, [value] * 150, [0] * 150))
    return city


def test_index(city: Path, capsys: pytest.CaptureFixture[str]) -> None:
    then = ("--time", "2026-08-29T03:55:00Z")
    rows = {r["thing"]: r for r in answer(capsys, "index", day_of_air(city), *then, "--language", "ko")}
    assert (rows["air"]["index"], rows["air"]["label"], rows["air"]["main"]) == (80, "보통", "pm10")
    assert rows["it's"]["index"] is None
    assert set(rows["it's"]["missing"]) == {"pm10", "pm2_5", "no2", "o3"}
    who = {r["thing"]: r for r in answer(capsys, "index", city, *then, "--bands", "who-2021")}
    assert who["air"]["properties"]["pm2_5"] == {
        "mean": 20.0,
        "hours": 24.0,
        "unit": "ug/m3",
        "band": "target_4",
    }
    assert (who["air"]["band"], who["air"]["main"]) == ("target_2", "no2")  # 37.6 ug/m3 at 25 degrees
    early = answer(capsys, "index", city, "--time", "2026-08-28T05:00:00Z")
    assert all(row["index"] is None for row in early)
    stage = answer(capsys, "index", city, "--bands", "korea-water-stage", "--time", "2026-08-28T03:40:00Z")
    assert (stage[0]["thing"], stage[0]["band"]) == ("river-1", "interest")
    assert "Moderate 80 (pm10)" in said(capsys, "index", city, *then)[1]
    code, _, err = said(capsys, "index", city, "--bands", "korea-cia")
    assert (code, "did you mean 'korea-cai'" in err) == (2, True)
