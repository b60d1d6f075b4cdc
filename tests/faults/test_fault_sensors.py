"""Bad files of sensors: one file, one defect, through the command line; every message in exactly one count."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from twin.cli.main import run
from twin.live.store import open_store

START = "2026-03-01T00:{:02d}:00Z"
THING: dict[str, Any] = {
    "@iot.id": 1,
    "name": "Gauge 1",
    "Locations": [{"location": {"type": "Point", "coordinates": [128.9157, 35.1241]}}],
    "Datastreams": [
        {
            "@iot.id": 11,
            "name": "Level",
            "unitOfMeasurement": {"symbol": "m", "name": "metre", "definition": "ucum:m"},
            "observationType": "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement",
            "ObservedProperty": {"name": "Water level", "definition": ""},
            "properties": {"zero_m": -1.0},
        }
    ],
}


def observation(minute: int, **change: Any) -> dict[str, Any]:
    entry = {
        "phenomenonTime": START.format(minute),
        "resultTime": START.format(minute),
        "result": 1.0 + minute / 100,
    }
    return {**entry, "Datastream": {"@iot.id": 11}, **change}


def lines_with(n: int = 30, **at: str) -> str:
    """Lines of good observations, some replaced by a text: ``line5="..."``."""
    rows = [json.dumps(observation(k)) for k in range(n)]
    for key, text in at.items():
        rows[int(key[4:]) - 1] = text
    return "\n".join(rows) + "\n"


def changed(**change: Any) -> str:
    return json.dumps(observation(4, **change))


CASES: dict[str, tuple[str, int, str, tuple[str, ...]]] = {
    "SN-01": (lines_with(line5=changed(result=float("nan"))), 1, "finite", ("line 5", "finite")),
    "SN-02": (lines_with(line5=changed(result=float("-inf"))), 1, "finite", ("line 5", "finite")),
    "SN-03": (lines_with(line5=changed(result="1,25")), 1, "number", ("line 5", "1,25")),
    "SN-04": (lines_with(line5=changed(result=None)), 0, "", ()),
    "SN-05": (lines_with(line5=changed(phenomenonTime=1_772_323_200_000)), 1, "time", ("line 5", "time")),
    "SN-06": (lines_with(line5=changed(phenomenonTime="2066-03-01T00:04:00Z")), 1, "future", ("line 5", "future")),
    "SN-07": (lines_with(line5=changed(phenomenonTime="2026-03-01T00:04:00")), 1, "zone", ("line 5", "zone")),
    "SN-08": (lines_with(line5=changed(phenomenonTime="2026-02-31T00:04:00Z")), 1, "time", ("line 5", "time")),
    "SN-10": (lines_with(line5=changed(Datastream={"@iot.id": 999})), 1, "unknown_datastream", ("line 5", "999")),
    "SN-11": (lines_with(line5=changed(result=1e308)), 1, "range", ("line 5", "range")),
    "SN-12": ("\n".join(json.dumps(observation(k, result=2.0)) for k in range(30)), 0, "", ()),
    "SN-13": (lines_with(31, line11="Mar 01 00:10:00 gw mosquitto[7]: reconnected"), 1, "json", ("line 11",)),
    "SN-14": (lines_with()[:-40], 1, "json", ("line 30",)),
    "SN-15": (lines_with(line1="[" * 100_000 + "]" * 100_000), 1, "nesting", ("line 1",)),
    "SN-16": (lines_with(line5=changed(note="x" * 8_000_000)), 1, "limit", ("line 5", "limit")),
    "SN-19": (lines_with(line1=changed(result=1).replace(": 1,", f": {'9' * 5000},")), 1, "json", ("line 1",)),
}  # fmt: skip


@pytest.fixture
def city(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    (tmp_path / "things.json").write_text(json.dumps({"value": [THING]}), encoding="utf-8")
    assert run(["live", "import", str(tmp_path / "c.twin"), str(tmp_path / "things.json")]) == 0
    capsys.readouterr()
    return tmp_path / "c.twin"


def told(
    city: Path, path: Path, capsys: pytest.CaptureFixture[str], *more: str, verb: str = "import"
) -> tuple[int, dict[str, Any], str]:
    """Exit code, counts and words of an import or a replay."""
    code = run(["live", verb, str(city), str(path), *more, *(["--speed", "0"] if verb == "replay" else [])])
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    counts = json.loads(said.out) if said.out else {}
    if counts:
        parts = counts["stored"] + counts["duplicates"] + counts["rejected"] + counts["dropped"]
        assert counts["received"] == parts
        assert counts["rejected"] == sum(counts["rejected_by_cause"].values())
    return code, counts, said.err


@pytest.mark.parametrize("verb", ["import", "replay"])
@pytest.mark.parametrize("case", CASES)
def test_bad_lines(
    case: str, verb: str, city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, n_bad, cause, words = CASES[case]
    (tmp_path / "bad.jsonl").write_text(text, encoding="utf-8")
    code, counts, said = told(city, tmp_path / "bad.jsonl", capsys, verb=verb)
    assert code == 0
    assert counts["rejected_by_cause"] == ({cause: n_bad} if n_bad else {})
    assert counts["stored"] == len(text.splitlines()) - n_bad
    assert all(word in said for word in words)
    assert bool(words) == bool(said.count("note:"))


@pytest.mark.parametrize("verb", ["import", "replay"])
def test_sn09_late_and_repeated_messages_change_nothing(
    verb: str, city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = lines_with().splitlines()
    (tmp_path / "clean.jsonl").write_text("\n".join(rows), encoding="utf-8")
    (tmp_path / "late.jsonl").write_text("\n".join([*rows[::-1], *rows[:7]]), encoding="utf-8")
    code, counts, said = told(city, tmp_path / "late.jsonl", capsys, verb=verb)
    assert (code, counts["stored"], counts["duplicates"], said.count("note:")) == (0, 30, 7, 0)
    with open_store(city) as store:
        before = store.history("11")
    _, counts, _ = told(city, tmp_path / "clean.jsonl", capsys, verb=verb)
    assert counts["duplicates"] == 30
    with open_store(city) as store:
        assert store.history("11").results == before.results


def test_sn17_a_burst_is_kept_whole(city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = (json.dumps(observation(0, phenomenonTime=f"2026-03-01T00:00:00.{k:06d}Z")) for k in range(50_000))
    (tmp_path / "burst.jsonl").write_text("\n".join(rows), encoding="utf-8")
    code, counts, _ = told(city, tmp_path / "burst.jsonl", capsys)
    assert (code, counts["stored"], counts["dropped"]) == (0, 50_000, 0)


@pytest.mark.parametrize("verb", ["import", "replay"])
def test_sn18_no_messages_at_all(
    verb: str, city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.jsonl").touch()
    code, counts, said = told(city, tmp_path / "empty.jsonl", capsys, verb=verb)
    assert (code, counts["received"]) == (0, 0)
    assert "no observations" in said


def thing_with(**change: Any) -> dict[str, Any]:
    thing = copy.deepcopy(THING)
    stream = change.pop("stream", {})
    thing["Datastreams"][0].update(stream)
    return {**thing, **change}


def at(*coordinates: float) -> list[dict[str, Any]]:
    return [{"location": {"type": "Point", "coordinates": list(coordinates)}}]


@pytest.mark.parametrize(
    ("case", "thing", "words"),
    [
        ("SN-20", thing_with(name="<script>alert(1)</script>"), ()),
        ("SN-21", thing_with(name="a\0b\x1b[31m\u202egauge"), ()),
        ("SN-22", thing_with(name='=HYPERLINK("http://x")'), ()),
        ("SN-23", thing_with(Locations=at(35.1241, 128.9157)), ("Gauge 1", "outside")),
        ("SN-24", thing_with(Locations=at(0, 0)), ("Gauge 1", "outside")),
        ("SN-25", thing_with(Locations=[]), ("Gauge 1", "location")),
        ("SN-26", thing_with(stream={"unitOfMeasurement": {"symbol": "ft", "name": "foot"}}), ()),
        ("SN-27", thing_with(stream={"unitOfMeasurement": {"symbol": "smoots"}}), ("smoots",)),
        ("half a character", thing_with(name="gauge \ud83d"), ()),
    ],
)
def test_odd_things(
    case: str,
    thing: dict[str, Any],
    words: tuple[str, ...],
    city: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "odd.json").write_text(json.dumps({"value": [thing]}), encoding="utf-8")
    (tmp_path / "good.jsonl").write_text(lines_with(), encoding="utf-8")
    code, counts, said = told(city, tmp_path / "odd.json", capsys)
    assert (code, counts["things"]) == (0, 1)
    assert all(word in said for word in words)
    assert bool(words) == bool(said.count("note:"))
    assert "\x1b" not in said
    told(city, tmp_path / "good.jsonl", capsys)
    with open_store(city) as store:
        if case in {"SN-20", "SN-21", "SN-22"}:
            assert store.catalogue().thing("1").name == thing["name"]
        if case == "SN-26":
            stream = store.catalogue().datastream("11")
            assert (stream.unit, stream.drives_water) == ("m", True)
            assert store.history("11").results[0] == pytest.approx(0.3048)
        if words and case != "SN-27":
            assert store.catalogue().thing("1").place.position is None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"value": [THING, {**THING, "Datastreams": []}]}, ("@iot.id", "1")),
        ({"value": [THING], "@iot.nextLink": "http://169.254.169.254/Things?$skip=1"}, ("nextLink",)),
        ({"hello": "world"}, ("SensorThings",)),
        ({"value": [{"name": "nobody"}]}, ("@iot.id",)),
    ],
)
def test_things_that_are_refused(
    answer: dict[str, Any], words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """SN-28, SN-29: nothing is kept, and no folder is made."""
    (tmp_path / "things.json").write_text(json.dumps(answer), encoding="utf-8")
    code, _, said = told(tmp_path / "new.twin", tmp_path / "things.json", capsys)
    assert code == 3
    assert all(word in said for word in words)
    assert not (tmp_path / "new.twin").exists()


def test_st10_a_damaged_history_is_said(
    city: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "good.jsonl").write_text(lines_with(), encoding="utf-8")
    database = city / "live" / "observations.sqlite"
    data = bytearray(database.read_bytes())
    data[4096:8192] = b"\x5a" * 4096
    database.write_bytes(data)
    code, _, said = told(city, tmp_path / "good.jsonl", capsys)
    assert code == 5
    assert "corrupt" in said


def test_somebody_elses_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.txt").write_text("words", encoding="utf-8")
    (tmp_path / "things.json").write_text(json.dumps({"value": [THING]}), encoding="utf-8")
    code, _, said = told(tmp_path / "thesis", tmp_path / "things.json", capsys)
    assert code == 5
    assert "not a twin build" in said
    assert [p.name for p in (tmp_path / "thesis").iterdir()] == ["chapter1.txt"]


SERIES: dict[str, Any] = {
    "sourceInfo": {
        "siteCode": [{"value": "1"}],
        "geoLocation": {"geogLocation": {"latitude": 35.1, "longitude": 128.9}},
    },
    "variable": {"variableCode": [{"value": "00065"}], "unit": {"unitCode": "ft"}},
    "values": [{"value": [{"value": "1.5", "dateTime": "2026-03-01T00:00:00Z", "qualifiers": ["A"]}]}],
}  # fmt: skip
HUGE = 10**400


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ({"value": {"timeSeries": [SERIES]}}, 0),
        ({"value": {"timeSeries": [{**SERIES, "values": [{"value": [True]}]}]}}, 3),
        ({"value": {"timeSeries": [{**SERIES, "sourceInfo": HUGE}]}}, 3),
        ({"value": {"timeSeries": [7]}}, 3),
        ({"value": [thing_with(Locations=at(HUGE, 1))]}, 0),
        ({"value": [thing_with(stream={"properties": {"zero_m": HUGE, "every_s": HUGE}})]}, 0),
        ({"type": "FeatureCollection", "features": 5}, 3),
        ({"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": HUGE}]}, 3),
        ([], 3),
        ("text", 3),
    ],
)
def test_documents_of_odd_shapes_are_no_bugs(
    document: object, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "odd.json").write_text(json.dumps(document), encoding="utf-8")
    found, _, said = told(tmp_path / "new.twin", tmp_path / "odd.json", capsys, "--crs", "EPSG:5187")
    assert found == code, said
