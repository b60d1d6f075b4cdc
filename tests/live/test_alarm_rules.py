"""Rules are read, mistakes in them named; the log holds each event once and what people did beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.live.small_store import small_city
from twin.core.errors import ConfigError, InputNotFoundError, StorageError, UsageError
from twin.core.notices import Notices
from twin.core.progress import Silent
from twin.live.alarm_log import LOG, AlarmReader, Log, acknowledge, alarms, read_lines, shelve
from twin.live.alarm_rules import FILE, read_rules, watched
from twin.live.import_plans import ImportOptions
from twin.live.importing import Imported, import_files
from twin.live.intake import Intake
from twin.live.judge import STATE, judging, judging_stored
from twin.live.model import Batch, Catalogue, Datastream, Observation, Quality, Thing
from twin.live.moments import iso_utc, parse_utc
from twin.live.replay import replay
from twin.live.store import open_store

RULES = """
lateness_s = 30

[[rule]]
name = "river-high"
severity = "alert"
observed_property = "water_level"
datastream = "river-*"
unit = "cm"
above = 200
recover_below = 150
pending_s = 120
no_data_s = 600
flapping = { changes = 4, window_s = 3600 }
text = { en = "The river is high", ko = "하천 수위 상승" }

[[rule]]
name = "stage"
stage = "serious"
severity = "serious"
"""
CATALOGUE = Catalogue(
    (Thing("river-1", "Bridge\x1b[31m gauge"), Thing("air-1", "Air")),
    (
        Datastream("river-1:level", "river-1", observed_property="water_level", unit="m", max_age_s=300,
                   properties={"stages": {"serious": 2.5}}),
        Datastream("air-1:o3", "air-1", observed_property="o3", unit="[ppm]"),
    ),
)  # fmt: skip
MIN = 60_000_000
T0 = parse_utc("2026-08-28T03:00:00Z")


def rules_file(folder: Path, text: str = RULES) -> Path:
    path = folder / "rules.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_rules_are_read_and_brought_into_the_unit_of_the_stream(tmp_path: Path) -> None:
    rules = read_rules(rules_file(tmp_path))
    assert rules.lateness_s == 30
    pairs = watched(rules, CATALOGUE)
    assert [(r.name, d.id, r.above, r.recover_below) for r, d in pairs] == [
        ("river-high", "river-1:level", 2.0, 1.5),
        ("stage", "river-1:level", 2.5, 2.5),
    ]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("pending_s", "pendng_s", "did you mean 'pending_s'"),
        ('severity = "alert"', 'severity = "alrt"', "did you mean 'alert'"),
        ("above = 200", 'above = "200"', "write a number"),
        ("recover_below = 150", "recover_below = 250", "lies above the threshold"),
        ('name = "stage"', 'name = "river-high"', "two are called"),
        ("changes = 4", "changes = 1", "2 or more"),
        ("window_s = 3600", "windows = 3600", "did you mean 'window_s'"),
        ('stage = "serious"\n', "", "nothing to watch"),
        ("pending_s = 120", "pending_s = -1", "0 or more"),
        ("lateness_s = 30", "latenes_s = 30", "did you mean 'lateness_s'"),
        ("[[rule]]", "[rule]", "is no TOML"),
        ('name = "river-high"', "", "name: is missing"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert old in RULES
    with pytest.raises(ConfigError, match=r"rules\.toml") as found:
        read_rules(rules_file(tmp_path, RULES.replace(old, new, 1)))
    assert told in str(found.value)


def test_a_unit_that_fits_nothing_and_a_missing_file(tmp_path: Path) -> None:
    rules = read_rules(rules_file(tmp_path, RULES.replace('unit = "cm"', 'unit = "ppm"')))
    with pytest.raises(ConfigError, match="river-1:level"):
        watched(rules, CATALOGUE)
    with pytest.raises(InputNotFoundError):
        read_rules(tmp_path / "none.toml")


def batch(values: list[tuple[float, float | None]], stream: str = "river-1:level") -> Batch:
    times = [T0 + int(t * MIN) for t, _ in values]
    n = len(values)
    return Batch([stream] * n, times, times, [v for _, v in values], [Quality.GOOD] * n)


def judge(city: Path, values: list[tuple[float, float | None]], *, is_replay: bool = True) -> None:
    rows = batch(values)
    with open_store(city, write=True) as store:
        store.put_catalogue(CATALOGUE)
        start = rows.phenomenon_time[0] if is_replay else None
        intake = Intake(store, catalogue=store.catalogue())
        with judging(city, store, intake, from_us=start, notices=Notices()):
            store.append(rows)
            assert intake.after is not None
            intake.after(rows)


@pytest.fixture
def city(tmp_path: Path) -> Path:
    (tmp_path / "live").mkdir()
    (tmp_path / FILE).write_text(RULES, encoding="utf-8")
    return tmp_path


HIGH = [(t, 1.0) for t in range(5)] + [(t, 2.6) for t in range(5, 10)]
DOWN = [(t, 1.2) for t in range(10, 15)]


def test_the_log_and_the_same_replay_again(city: Path) -> None:
    judge(city, HIGH + DOWN)
    rows = read_lines(city / LOG)
    assert [(r["time"][11:16], r["event"], r["rule"], r["value"]) for r in rows] == [
        ("03:05", "fired", "stage", 2.6),
        ("03:07", "fired", "river-high", 2.6),
        ("03:10", "recovered", "river-high", 1.2),
        ("03:10", "recovered", "stage", 1.2),
    ]
    assert rows[1]["thing"] == r"Bridge\x1b[31m gauge"
    assert rows[1]["text"]["ko"] == "하천 수위 상승"
    kept = (city / LOG).read_bytes(), (city / STATE).read_bytes()
    judge(city, HIGH + DOWN)
    assert ((city / LOG).read_bytes(), (city / STATE).read_bytes()) == kept
    (city / LOG).unlink()
    judge(city, HIGH + DOWN)
    assert (city / LOG).read_bytes() == kept[0]


def test_parts_one_after_the_other_give_the_log_of_the_whole(
    city: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "live").mkdir()
    (other / FILE).write_text(RULES, encoding="utf-8")
    judge(other, HIGH + DOWN)
    judge(city, HIGH)
    judge(city, DOWN, is_replay=False)
    assert (city / LOG).read_bytes() == (other / LOG).read_bytes()


def test_what_was_stored_but_not_judged_is_judged_next_time(city: Path) -> None:
    judge(city, HIGH[:3])
    with open_store(city, write=True) as store:
        store.append(batch(HIGH[3:]))
    judge(city, DOWN[:1], is_replay=False)
    assert "fired" in [r["event"] for r in read_lines(city / LOG)]


def test_a_new_datastream_leaves_the_others_as_they_were(city: Path) -> None:
    judge(city, HIGH)
    more = Datastream("river-1:second", "river-1", observed_property="water_level", unit="m")
    with open_store(city, write=True) as store:
        store.put_catalogue(Catalogue(CATALOGUE.things, (*CATALOGUE.datastreams, more)))
    judge(city, [(t, 2.6) for t in range(10, 12)], is_replay=False)
    told = [(r["event"], r["id"]) for r in read_lines(city / LOG)]
    assert [e for e, i in told if i == "river-high@river-1:level"] == ["fired"]
    judge(city, [(t, 2.6) for t in range(12, 30)], is_replay=False)
    told = [(r["event"], r["id"]) for r in read_lines(city / LOG)]
    assert ("no_data", "river-high@river-1:second") in told


def test_a_line_cut_off_is_taken_away(city: Path) -> None:
    judge(city, HIGH + DOWN)
    whole = (city / LOG).read_bytes()
    (city / LOG).write_bytes(whole[:-30])
    judge(city, HIGH + DOWN)
    assert (city / LOG).read_bytes() == whole
    (city / LOG).write_bytes(b"{}x\n" + whole)
    with pytest.raises(StorageError, match="line 1"):
        Log(city / LOG)


def test_seen_and_shelved(city: Path) -> None:
    judge(city, HIGH)
    ident = "river-high@river-1:level"
    assert [a.state for a in alarms(city)] == ["firing", "firing"]
    acknowledge(city, ident, at="2026-08-28T04:00:00Z")
    shelve(city, "stage@river-1:level", until="2026-08-28T09:00:00Z", at="2026-08-28T04:00:00Z")
    found = {a.id: a for a in alarms(city)}
    assert found[ident].is_acknowledged
    assert found["stage@river-1:level"].shelved_until == "2026-08-28T09:00:00Z"
    later = {a.id: a for a in alarms(city, at_us=T0 + 400 * MIN)}
    assert not later["stage@river-1:level"].shelved_until
    judge(city, [*DOWN, *((t, 2.6) for t in range(15, 20))], is_replay=False)
    again = {a.id: a for a in alarms(city)}[ident]
    assert again.state == "firing"
    assert not again.is_acknowledged
    with pytest.raises(UsageError, match="did you mean 'river-high@river-1:level'"):
        acknowledge(city, "river-hig@river-1:level", at=iso_utc(T0))


def test_an_alarm_of_then(city: Path) -> None:
    judge(city, HIGH + DOWN)
    assert [a.state for a in alarms(city, at_us=T0 + 8 * MIN)] == ["firing", "firing"]
    assert not any(a.is_active for a in alarms(city))


def test_a_firing_alarm_without_data_fires_on_when_it_is_back(city: Path) -> None:
    judge(city, [*HIGH, (30, 2.6)])
    states = [alarms(city, at_us=T0 + m * MIN) for m in (8, 20, 30)]
    assert [next(a.state for a in s if a.rule == "river-high") for s in states] == [
        "firing",
        "no_data",
        "firing",
    ]


def logged(city: Path, *events: tuple[str, str]) -> None:
    """A log of one alarm, with times as text."""
    names = ("severity", "datastream", "thing", "observed_property", "unit")
    row = {"id": "high@level", "rule": "high", **dict.fromkeys(names, "x"), "value": 2.5}
    Log(city / LOG).add({**row, "time": time, "event": event} for time, event in events)


def test_flapping_that_settles_in_silence_brings_no_data(city: Path) -> None:
    logged(
        city,
        ("2026-08-28T03:00:00Z", "flapping"),
        ("2026-08-28T03:10:00Z", "no_data"),
        ("2026-08-28T03:30:00Z", "settled"),
    )
    (alarm,) = alarms(city)
    assert (alarm.state, alarm.since, alarm.is_active) == ("no_data", "2026-08-28T03:10:00Z", True)
    logged(city, ("2026-08-28T03:40:00Z", "data_back"))
    assert alarms(city)[0].state == "recovered"


def test_the_log_is_read_in_the_order_of_time(city: Path) -> None:
    """As text a part of a second would come before the whole one."""
    logged(city, ("2026-08-28T03:00:00.500Z", "recovered"), ("2026-08-28T03:00:00Z", "fired"))
    assert [a.state for a in alarms(city)] == ["recovered"]


def test_an_action_with_a_time_that_is_none_is_not_kept(city: Path) -> None:
    logged(city, ("2026-08-28T03:00:00Z", "fired"))
    for until, at in (("tomorrow", "2026-08-28T04:00:00Z"), ("2026-08-28T04:00:00Z", "now")):
        with pytest.raises(UsageError, match="is no moment"):
            shelve(city, "high@level", until=until, at=at)
    with pytest.raises(UsageError, match="is no moment"):
        acknowledge(city, "high@level", at="now")
    assert [a.shelved_until for a in alarms(city)] == [""]


def test_a_rule_that_watches_nothing_is_told(city: Path) -> None:
    (city / FILE).write_text(RULES.replace('"river-*"', '"rivr-*"'), encoding="utf-8")
    notices = Notices()
    with open_store(city, write=True) as store:
        store.put_catalogue(CATALOGUE)
        with judging(city, store, Intake(store), notices=notices):
            pass
    assert "rule river-high: fits no datastream" in notices.lines()[0]


def test_files_in_any_order_give_the_log_of_the_replay(city: Path, tmp_path: Path) -> None:
    """Rows by datastream, backwards and in parts: what counts is when they were true."""
    values = HIGH + DOWN + [(t, 2.7) for t in range(15, 25)] + [(40, 1.0)]
    rows = [
        {
            "phenomenonTime": iso_utc(T0 + int(t * MIN)),
            "result": v,
            "Datastream": {"@iot.id": "river-1:level"},
        }
        for t, v in values
    ]
    logs = []
    for name, order in (("replay", 1), ("whole", -1), ("parts", -1)):
        there = tmp_path / name
        (there / "live").mkdir(parents=True)
        (there / FILE).write_text(RULES, encoding="utf-8")
        (there / "twin.json").write_bytes((small_city(tmp_path / "small") / "twin.json").read_bytes())
        with open_store(there, write=True) as store:
            store.put_catalogue(CATALOGUE)
        file = tmp_path / f"{name}.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows[::order]), encoding="utf-8")
        if name == "replay":
            replay(there, file, speed=0.0, notices=Notices())
        else:
            done = imported(there, file)
            assert done.n_alarm_events == len(read_lines(there / LOG)) > 4
        if name == "parts":  # what comes later for a time that is judged is judged from there anew
            before = (there / LOG).read_bytes()
            assert imported(there, file).n_alarm_events == 0
            assert (there / LOG).read_bytes() == before
        logs.append((there / LOG).read_bytes())
    assert logs[0] == logs[1] == logs[2]


def imported(city: Path, file: Path) -> Imported:
    return import_files(city, [file], ImportOptions(), notices=Notices(), progress=Silent())


def test_rules_can_be_left_aside(city: Path, tmp_path: Path) -> None:
    with open_store(city, write=True) as store:
        store.put_catalogue(CATALOGUE)
        intake = Intake(store, catalogue=CATALOGUE)
        with judging_stored(city, store, intake, is_on=False, notices=Notices()) as judged:
            for observation in HIGH:
                time = T0 + observation[0] * MIN
                intake.add(Observation("river-1:level", time, time, observation[1]))
    assert judged.n_events is None
    assert not (city / LOG).exists()


def test_a_datastream_that_messages_tell_of_is_watched_from_then_on(city: Path) -> None:
    notices = Notices()
    with open_store(city, write=True) as store:
        intake = Intake(store)
        with judging(city, store, intake, notices=notices) as judged:
            for thing in CATALOGUE.things:
                mine = tuple(d for d in CATALOGUE.datastreams if d.thing == thing.id)
                intake.register(thing, mine)
            for minutes, value in HIGH:
                time = T0 + minutes * MIN
                intake.add(Observation("river-1:level", time, time, value))
            intake.flush()
    assert judged.n_events == 2
    assert {r["rule"] for r in read_lines(city / LOG)} == {"stage", "river-high"}


def test_the_log_is_read_again_only_when_it_has_changed(city: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judge(city, HIGH)
    reader = AlarmReader(city)
    assert reader.active(T0 + 8 * MIN) == {"river-1:level"}
    read = []
    monkeypatch.setattr("twin.live.alarm_log.read_lines", lambda path: read.append(path) or read_lines(path))
    assert reader.active(T0 + 3 * MIN) == set()
    assert [a.state for a in reader.at(T0 + 8 * MIN)] == ["firing", "firing"]
    assert read == []
    judge(city, DOWN, is_replay=False)
    assert reader.active(T0 + 12 * MIN) == set()
    assert len(read) >= 2
    assert AlarmReader(city / "nowhere").at() == []


def test_a_datastream_whose_unit_nobody_knows_is_told_and_left_aside(city: Path) -> None:
    (city / FILE).write_text(RULES.replace('unit = "cm"', 'unit = "cm"\nthing = "*"'), encoding="utf-8")
    odd = Datastream("river-1:odd", "river-1", observed_property="water_level")
    known = Catalogue(CATALOGUE.things, (*CATALOGUE.datastreams, odd))
    for is_late in (False, True):
        notices = Notices()
        with open_store(city, write=True) as store:
            intake = Intake(store, catalogue=store.catalogue())
            intake.learn(CATALOGUE if is_late else known)
            with judging(city, store, intake, notices=notices) as judged:
                intake.learn(known)
                assert judged.judge is not None
                assert "river-1:odd" not in judged.judge.engine.datastreams
        assert "does not watch 1 datastreams without a unit (river-1:odd" in " ".join(notices.lines())
