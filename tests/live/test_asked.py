"""What a city tells at a moment and over time: ages, states, zones, and files that do no harm."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.live.small_store import MIN, T0, small_city
from twin.core.errors import OutputExistsError, UsageError
from twin.live.asked import history_rows, latest_rows, write_history
from twin.live.model import Batch, Catalogue, Datastream, History, Thing
from twin.live.moments import iso_utc, parse_utc, shown_in, zone_of
from twin.live.store import Store, open_store


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(small_city(tmp_path_factory.mktemp("asked") / "city")) as opened:
        yield opened


def states(store: Store, minute: float) -> dict[str, str]:
    return {r["datastream"]: r["state"] for r in latest_rows(store, T0 + int(minute * MIN))}


def test_fresh_stale_missing_and_invalid(store: Store) -> None:
    assert states(store, -1) == dict.fromkeys(states(store, 0), "missing")
    assert states(store, 2)["river-1:level"] == "fresh"
    assert states(store, 77.5)["river-1:level"] == "invalid"
    assert states(store, 253.5)["river-1:level"] == "stale"  # its own age is 180 s
    assert states(store, 61)["it's:pm2_5"] == "missing"  # None is not zero
    assert states(store, 258)["it's:pm2_5"] == "fresh"  # three times its median interval of 5 minutes
    assert states(store, 261)["it's:pm2_5"] == "stale"
    assert states(store, 261)["bus:speed"] == "missing"


def test_rows_hold_what_is_promised(store: Store) -> None:
    rows = latest_rows(store, T0 + int(2.5 * MIN), zone=zone_of("Asia/Seoul"))
    level = rows[0]
    assert set(level) >= {
        "datastream",
        "thing",
        "observed_property",
        "phenomenon_time",
        "result",
        "unit",
        "age_s",
        "state",
    }
    assert (level["age_s"], level["phenomenon_time"]) == (30.0, "2026-08-28T12:02:00+09:00")
    assert rows[3]["age_s"] is rows[3]["phenomenon_time"] is None


def test_history_keeps_what_was_none(store: Store) -> None:
    stream = store.catalogue().datastream("it's:pm2_5")
    rows = history_rows(store.history(stream.id, T0 + 55 * MIN, T0 + 65 * MIN), stream)
    assert [r["result"] for r in rows] == [12.5, None, 12.5]
    assert rows[0]["result_time"] == iso_utc(T0 + 55 * MIN + 1_250_000)


def test_the_hour_that_comes_twice_and_the_one_that_never_comes() -> None:
    helsinki = zone_of("Europe/Helsinki")
    night = [parse_utc("2026-10-25T00:00:00Z") + k * 30 * MIN for k in range(5)]
    shown = [shown_in(t, helsinki)[11:22] for t in night]
    assert shown == ["03:00:00+03", "03:30:00+03", "03:00:00+02", "03:30:00+02", "04:00:00+02"]
    spring = [shown_in(parse_utc("2026-03-29T00:59:00Z") + k * MIN, helsinki)[11:16] for k in range(2)]
    assert spring == ["02:59", "04:00"]


def test_ages_do_not_know_of_clocks_that_are_changed(tmp_path: Path) -> None:
    """Across the end of summer time a value of an hour ago is an hour old."""
    night = parse_utc("2026-10-25T03:30:00+03:00"), parse_utc("2026-10-25T03:30:00+02:00")
    with open_store(tmp_path, write=True) as store:
        store.put_catalogue(Catalogue((Thing("t"),), (Datastream("d", "t", max_age_s=1800.0),)))
        store.append(Batch(["d"], [night[0]], [night[0]], [1.0], [0]))
        (row,) = latest_rows(store, night[1], zone=zone_of("Europe/Helsinki"))
    assert (row["age_s"], row["state"]) == (3600.0, "stale")


def test_zones_and_moments_that_are_none() -> None:
    assert shown_in(T0, zone_of("+05:45")).endswith("+05:45")
    with pytest.raises(UsageError, match="not known"):
        zone_of("Asia/Busann")
    with pytest.raises(UsageError, match="tells no zone"):
        parse_utc("2026-08-28T03:00:00")
    with pytest.raises(UsageError, match="no moment"):
        parse_utc("2026-02-31T03:00:00Z")


def text_history(results: list[Any]) -> tuple[History, Datastream]:
    n = len(results)
    times = np.arange(n, dtype=np.int64) * MIN
    history = History(
        "d",
        times,
        times,
        np.full(n, np.nan),
        dict(enumerate(results)),
        np.zeros(n, np.uint8),
        np.full((n, 4), np.nan),
    )
    return history, Datastream("d", "t", unit="=1+1", result_type="any")


def test_csv_starts_no_formula_and_hides_nothing(tmp_path: Path) -> None:
    history, stream = text_history(
        ['=HYPERLINK("http://x")', "@SUM(A1)", "a\x00b\x1b[31m\u202e", "plain, text", True]
    )
    write_history(history, stream, tmp_path / "out.csv")
    lines = (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "phenomenon_time,result_time,result,unit,quality"
    cells = [line.split(",", 2)[2] for line in lines[1:]]
    assert cells[0].startswith("\"'=HYPERLINK")
    assert cells[1].startswith("'@SUM")
    assert cells[2].startswith(r"a\x00b\x1b[31m\u202e")
    assert cells[4].startswith("true,'=1+1,")


def test_parquet_holds_times_and_numbers(store: Store, tmp_path: Path) -> None:
    stream = store.catalogue().datastream("it's:pm2_5")
    history = store.history(stream.id)
    write_history(history, stream, tmp_path / "out.parquet")
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.column("phenomenon_time")[0].value == T0
    assert table.column("result").null_count == 1
    assert table.schema.metadata[b"unit"] == b"ug/m3"
    write_history(*text_history(["open", "closed"]), tmp_path / "text.parquet")
    assert pq.read_table(tmp_path / "text.parquet").column("result").to_pylist() == ["open", "closed"]


def test_a_file_that_exists_is_kept(store: Store, tmp_path: Path) -> None:
    stream = store.catalogue().datastream("river-1:level")
    out = tmp_path / "out.csv"
    out.write_text("mine", encoding="utf-8")
    with pytest.raises(OutputExistsError):
        write_history(store.history(stream.id), stream, out)
    assert out.read_text(encoding="utf-8") == "mine"
    with pytest.raises(UsageError, match=r"neither \.csv nor \.parquet"):
        write_history(store.history(stream.id), stream, tmp_path / "out.xlsx")
