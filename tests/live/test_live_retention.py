"""Old observations give way by rules, and the history goes out as Parquet."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from twin.cli.main import run
from twin.core.errors import ConfigError, OutputExistsError, UsageError
from twin.live.archive import write_archive
from twin.live.model import MICROSECONDS, Catalogue, Datastream, Observation, Place, Thing, batch_of
from twin.live.retention import DAY_US, Retention, Tidied, read_retention, tidy, tidying
from twin.live.store import Store, open_store
from twin.live.tidier import Tidier

NOW = 400 * DAY_US
MINUTE = 60 * MICROSECONDS
KNOWN = Catalogue(
    (Thing("room-1"), Thing("bus", place=Place("moving"))),
    (
        Datastream("room-1:co2", "room-1", unit="[ppm]", observed_property="co2"),
        Datastream("room-1:door", "room-1", result_type="any"),
        Datastream("bus:speed", "bus"),
    ),
)


def fill(made: Store) -> None:
    """Put the observations of the tests into a store."""
    made.put_catalogue(KNOWN)
    rows = [Observation("room-1:co2", k * DAY_US // 4, 0, float(k)) for k in range(1600)]
    rows += [Observation("room-1:co2", 300 * DAY_US + k * MINUTE, 0, float(k % 7)) for k in range(1, 60)]
    rows += [Observation("room-1:door", k * DAY_US, 0, "open" if k % 2 else None) for k in range(400)]
    rows += [Observation("bus:speed", NOW, 0, 3.5, position=(1.0, 2.0, np.nan, 90.0))]
    made.append(batch_of(rows))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Four hundred days with one value every six hours, and an hour of minutes a hundred days ago."""
    with open_store(tmp_path / "c.twin", write=True) as made:
        fill(made)
        yield made


def test_what_is_too_old_goes_and_the_rest_stays(store: Store) -> None:
    rules = (Retention(property="co2", keep_us=100 * DAY_US),)
    before = store.count()
    done = tidy(store, rules, now_us=NOW)
    kept = store.history("room-1:co2")
    assert kept.time[0] == NOW - 100 * DAY_US
    assert done.removed == before - store.count() == 1200
    assert len(store.history("room-1:door")) == 400
    assert tidy(store, rules, now_us=NOW).removed == 0


@pytest.mark.parametrize(("way", "wanted"), [("last", 3.0), ("max", 6.0), ("min", 0.0), ("mean", None)])
def test_a_window_is_thinned_to_one(store: Store, way: str, wanted: float | None) -> None:
    hour = 60 * MINUTE
    rules = (Retention("room-*", thin_after_us=30 * DAY_US, window_us=hour, thin_by=way),)
    minutes = np.array([1200.0, *(k % 7 for k in range(1, 60))])
    done = tidy(store, rules, now_us=NOW)
    window = store.history("room-1:co2", 300 * DAY_US, 300 * DAY_US + hour - 1)
    assert done.thinned == 59
    assert window.time.tolist() == [300 * DAY_US + 59 * MINUTE]
    expected = {"last": 59 % 7, "max": minutes.max(), "min": minutes.min(), "mean": minutes.mean()}[way]
    assert wanted is None or way == "max" or wanted == expected
    assert window.number[0] == pytest.approx(expected)
    assert tidy(store, rules, now_us=NOW).thinned == 0


def test_the_first_rule_that_fits_counts(store: Store) -> None:
    rules = (Retention("room-1:co2"), Retention("*", keep_us=DAY_US))
    tidy(store, rules, now_us=NOW)
    assert len(store.history("room-1:co2")) == 1659
    assert len(store.history("room-1:door")) == 1


def test_steps_come_to_the_same_as_all_at_once(store: Store, tmp_path: Path) -> None:
    rules = (
        Retention("*", keep_us=350 * DAY_US, thin_after_us=30 * DAY_US, window_us=7 * DAY_US, thin_by="max"),
    )
    done, n = Tidied(), 0
    for _ in tidying(store, rules, now_us=NOW, done=done, at_once=10):
        n += 1
    assert n > 50
    with open_store(tmp_path / "other.twin", write=True) as other:
        fill(other)
        assert tidy(other, rules, now_us=NOW) == done
        for name in ("room-1:co2", "room-1:door"):
            kept, wanted = store.history(name), other.history(name)
            assert kept.time.tolist() == wanted.time.tolist()
            assert kept.results == wanted.results
    assert tidy(store, rules, now_us=NOW) == Tidied()


def test_one_window_with_more_than_a_step_stays_one(store: Store) -> None:
    rules = (Retention("room-1:co2", thin_after_us=30 * DAY_US, window_us=60 * MINUTE),)
    list(tidying(store, rules, now_us=NOW, done=Tidied(), at_once=7))
    assert len(store.history("room-1:co2", 300 * DAY_US, 300 * DAY_US + 60 * MINUTE - 1)) == 1


def test_the_writer_tidies_in_steps_and_rests_between(store: Store, tmp_path: Path) -> None:
    rules = tmp_path / "c.twin" / "live" / "retention.toml"
    rules.write_text("[[rule]]\nkeep_days = 100\n", encoding="utf-8")
    tidier = Tidier(store, tmp_path / "c.twin", every_s=0.0)
    before = store.count()
    for _ in range(400):
        tidier.work(NOW)
        time.sleep(0.001)
    assert tidier.as_json() == {"removed": before - store.count(), "thinned": 0}
    assert tidier.done.removed == 1200 + 300
    assert Tidier(None, tmp_path / "c.twin").as_json() == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "rule"),
        ("[[rule]]\nkeep_dais = 3\n", "did you mean 'keep_days'"),
        ("[[rule]]\nthin_to_s = 3\n", "both or neither"),
        ("[[rule]]\nkeep_days = 0\n", "above 0"),
        ("[[rule]]\nkeep_days = 1\nthin_by = 'median'\n", "thin_by"),
    ],
)
def test_a_mistake_in_the_rules_is_named(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "r.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=words):
        read_retention(tmp_path / "r.toml")


def test_the_verbs(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    city = tmp_path / "c.twin"
    out = tmp_path / "h.parquet"
    assert run(["live", "export", str(city), str(out), "--datastream", "bus:speed"]) == 0
    assert "1 observations" in capsys.readouterr().out
    assert run(["live", "tidy", str(city)]) == 3
    assert "no rules of retention; write them" in capsys.readouterr().err
    assert run(["live", "tidy", str(tmp_path / "none.twin")]) == 3
    assert "no observations" in capsys.readouterr().err
    (city / "live" / "retention.toml").write_text("[[rule]]\nkeep_days = 1\n", encoding="utf-8")
    assert run(["live", "tidy", str(city)]) == 6
    assert "process" in capsys.readouterr().err


def test_tidy_gives_room_back(store: Store, tmp_path: Path) -> None:
    store.append(batch_of([Observation("room-1:co2", k, 0, float(k)) for k in range(20_000)]))
    store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = store.path.stat().st_size
    tidy(store, (Retention(keep_us=DAY_US),), now_us=NOW)
    store.compact()
    store.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert store.path.stat().st_size < size / 4


def test_the_history_goes_out_whole(store: Store, tmp_path: Path) -> None:
    n = write_archive(store, tmp_path / "h.parquet")
    table = pd.read_parquet(tmp_path / "h.parquet")
    assert n == len(table) == store.count()
    bus = table[table["datastream"] == "bus:speed"].iloc[0]
    assert (bus["result"], bus["x"], bus["heading"], bus["quality"]) == (3.5, 1.0, 90.0, "good")
    assert np.isnan(bus["z"])
    assert bus["phenomenon_time"] == pd.Timestamp(NOW, unit="us", tz="UTC")
    doors = table[table["datastream"] == "room-1:door"]
    assert doors["result_text"].fillna("").tolist()[:2] == ["", "open"]
    assert doors["result"].isna().all()
    with pytest.raises(OutputExistsError):
        write_archive(store, tmp_path / "h.parquet")
    with pytest.raises(UsageError, match="nobody"):
        write_archive(store, tmp_path / "i.parquet", datastreams=["nobody"])


def test_an_empty_span_is_an_empty_file(store: Store, tmp_path: Path) -> None:
    assert write_archive(store, tmp_path / "h.parquet", start=NOW + 1) == 0
    assert len(pd.read_parquet(tmp_path / "h.parquet")) == 0
