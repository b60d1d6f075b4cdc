"""The store: what is kept, however it came in, and what is said where it cannot be."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from twin.core.errors import BusyError, InputError, StorageError
from twin.live.model import (
    MICROSECONDS,
    NO_TIME,
    Catalogue,
    Datastream,
    Observation,
    Place,
    Quality,
    Thing,
    batch_of,
)
from twin.live.schema import database_path
from twin.live.store import open_store

STREAMS = Catalogue(
    (Thing("gauge", "Gauge", place=Place("point", (1.0, 2.0, float("nan")))), Thing("bus", place=Place("moving"))),
    (
        Datastream("level", "gauge", unit="m", observed_property="water_level", zero_m=-1.0),
        Datastream("door", "gauge", result_type="any", properties={"name": "문"}),
        Datastream("ride", "bus", valid_range=(0.0, 100.0)),
    ),
)  # fmt: skip


def level(
    minute: float, result: float | None, *, produced: float | None = None, **more: object
) -> Observation:
    at = int(minute * 60 * MICROSECONDS)
    made = at if produced is None else int(produced * 60 * MICROSECONDS)
    return Observation("level", at, made, result, **more)  # type: ignore[arg-type]


def filled(city: Path, observations: list[Observation]) -> list[tuple[object, ...]]:
    """The rows that a store has after observations came in one by one."""
    with open_store(city, write=True) as store:
        store.put_catalogue(STREAMS)
        for one in observations:
            store.append(batch_of([one]))
        return store.connection.execute("SELECT * FROM observation ORDER BY stream, time").fetchall()


def test_the_catalogue_comes_back_as_it_was(tmp_path: Path) -> None:
    with open_store(tmp_path, write=True) as store:
        store.put_catalogue(STREAMS)
        kept = store.catalogue()
    assert kept.datastreams == STREAMS.datastreams
    assert [t.id for t in kept.things] == ["gauge", "bus"]
    assert np.isnan(kept.things[0].place.position[2])


def test_a_catalogue_put_again_keeps_order_and_observations(tmp_path: Path) -> None:
    with open_store(tmp_path, write=True) as store:
        store.put_catalogue(STREAMS)
        store.append(batch_of([level(1, 2.0)]))
        store.put_catalogue(
            Catalogue((Thing("gauge", "New name"),), (Datastream("level", "gauge", unit="m"),))
        )
        assert [t.id for t in store.catalogue().things] == ["gauge", "bus"]
        assert store.catalogue().thing("gauge").name == "New name"
        assert store.latest().results == [2.0, None, None]


def test_shuffled_and_repeated_messages_settle_to_the_same_rows(tmp_path: Path) -> None:
    rng = random.Random(4)
    clean = [level(m, float(m)) for m in range(20)]
    corrections = [level(m, 100.0 + m, produced=m + 30) for m in (3, 7)]
    ties = [
        level(9, value, produced=50, quality=q)
        for value in (1.0, 4.0)
        for q in (Quality.GOOD, Quality.SUSPECT)
    ]
    first = filled(tmp_path / "clean", clean + corrections + ties)
    for k in range(3):
        mixed = [*clean, *corrections, *ties, *clean[::3]]
        rng.shuffle(mixed)
        assert filled(tmp_path / f"mixed{k}", mixed) == first
    assert first[3][3] == 103.0
    assert first[9][3] == 4.0


def test_counts_do_not_depend_on_the_order(tmp_path: Path) -> None:
    batch = [level(1, 1.0), level(1, 1.0), level(1, 5.0, produced=9), level(2, 1.0)]
    for name, given in (("a", batch), ("b", batch[::-1])):
        with open_store(tmp_path / name, write=True) as store:
            store.put_catalogue(STREAMS)
            counts = store.append(batch_of(given))
        assert (counts.stored, counts.duplicates, counts.received) == (2, 2, 4)


def test_unknown_datastreams_are_refused_and_counted(tmp_path: Path) -> None:
    with open_store(tmp_path, write=True) as store:
        store.put_catalogue(STREAMS)
        counts = store.append(batch_of([level(1, 1.0), Observation("999", 0, 0, 1.0)]))
    assert counts.as_json()["rejected_by_cause"] == {"unknown_datastream": 1}
    assert counts.stored == 1


def test_every_kind_of_result_comes_back(tmp_path: Path) -> None:
    results = [1.5, None, "열림", True, False, 2]
    with open_store(tmp_path, write=True) as store:
        store.put_catalogue(STREAMS)
        store.append(batch_of([Observation("door", i, i, r) for i, r in enumerate(results)]))
        assert store.history("door").results == [1.5, None, "열림", True, False, 2.0]
        assert store.history("door", 2, 3).results == ["열림", True]
        assert store.latest(2).results == [None, "열림", None]


def test_what_moves_keeps_its_places(tmp_path: Path) -> None:
    where = (192318.0, 280870.25, float("nan"), 270.0)
    with open_store(tmp_path, write=True) as store:
        store.put_catalogue(STREAMS)
        store.append(batch_of([Observation("ride", 5, 5, 8.3, position=where), level(0, 1.0)]))
        now = store.latest(10)
    np.testing.assert_array_equal(now.position[2], where)
    assert np.isnan(now.position[0]).all()


def test_latest_is_as_of_the_moment(tmp_path: Path) -> None:
    with open_store(tmp_path, write=True) as store:
        store.put_catalogue(STREAMS)
        assert store.span() is None
        assert store.latest().time.tolist() == [NO_TIME] * 3
        store.append(batch_of([level(m, float(m)) for m in (1, 2, 3)]))
        now = store.latest(150 * MICROSECONDS)
        assert now.results[0] == 2.0
        assert now.age_s.tolist() == [30.0, np.inf, np.inf]
        assert store.latest(30 * MICROSECONDS).results[0] is None
        assert store.median_intervals_s() == {"level": 60.0}


def test_a_reader_sees_datastreams_that_came_after_it(tmp_path: Path) -> None:
    with open_store(tmp_path, write=True) as writer:
        writer.put_catalogue(STREAMS)
        with open_store(tmp_path) as reader:
            assert len(reader.latest().datastreams) == 3
            writer.put_catalogue(Catalogue((Thing("new"),), (Datastream("late", "new"),)))
            writer.append(batch_of([Observation("late", 1, 1, 4.0)]))
            assert reader.latest(2).results == [None, None, None, 4.0]


def test_a_reader_of_an_empty_store_sees_what_comes(tmp_path: Path) -> None:
    with open_store(tmp_path, write=True) as writer, open_store(tmp_path) as reader:
        assert len(reader.latest().datastreams) == 0
        for n, name in enumerate(("a", "b", "c"), start=1):
            writer.put_catalogue(Catalogue((Thing("gauge"),), (Datastream(name, "gauge"),)))
            writer.append(batch_of([Observation(name, k, k, float(k)) for k in range(3)]))
            if name != "b":
                assert reader.history(name).results == [0.0, 1.0, 2.0]
            assert reader.history_end(name) == 2
            assert len(reader.median_intervals_s()) == n
            assert reader.latest().results == [2.0] * n


def test_the_second_writer_is_told_who_the_first_is(tmp_path: Path) -> None:
    with open_store(tmp_path, write=True), pytest.raises(BusyError, match=str(os.getpid())):  # noqa: SIM117
        with open_store(tmp_path, write=True):
            pass


def test_nothing_to_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no observations"):  # noqa: SIM117
        with open_store(tmp_path):
            pass


@pytest.mark.parametrize("write", [False, True])
def test_an_overwritten_page_is_corrupt(tmp_path: Path, write: bool) -> None:
    with open_store(tmp_path, write=True) as store:
        store.put_catalogue(STREAMS)
        store.append(batch_of([level(m, float(m)) for m in range(5000)]))
    path = database_path(tmp_path)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    data[middle : middle + 4096] = b"\xa5" * 4096
    path.write_bytes(data)
    with pytest.raises(StorageError, match="corrupt") as error:  # noqa: SIM117
        with open_store(tmp_path, write=write) as store:
            store.history("level")
    assert error.value.exit_code == 5


def test_pages_are_looked_at_once_for_each_state_of_the_file(tmp_path: Path) -> None:
    with open_store(tmp_path, write=True) as store:
        store.put_catalogue(STREAMS)
        store.append(batch_of([level(m, float(m)) for m in range(5000)]))
    for _ in range(2):
        with open_store(tmp_path) as store:
            assert len(store.history("level").time) == 5000
    path = database_path(tmp_path)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2 // 4096 * 4096
    data[middle : middle + 4096] = b"\xa5" * 4096
    path.write_bytes(data)
    with pytest.raises(StorageError, match="corrupt"):  # noqa: SIM117
        with open_store(tmp_path) as store:
            store.history("level")


@pytest.mark.parametrize("content", [b"somebody's thesis" * 400, b"SQLite format 3\0"])
def test_a_foreign_file_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    path = database_path(tmp_path)
    path.parent.mkdir()
    path.write_bytes(content)
    for write in (False, True):
        with pytest.raises(StorageError), open_store(tmp_path, write=write):
            pass
    assert path.read_bytes() == content


def test_a_newer_format_is_refused(tmp_path: Path) -> None:
    with open_store(tmp_path, write=True) as store:
        store.connection.execute("PRAGMA user_version=99")
    with pytest.raises(StorageError, match="newer"), open_store(tmp_path):
        pass


KILLED = """
import sys, time
from pathlib import Path
from twin.live.model import *
from twin.live.store import open_store
with open_store(Path(sys.argv[1]), write=True) as store:
    store.put_catalogue(Catalogue((Thing("gauge"),), (Datastream("level", "gauge"),)))
    for k in range(10**6):
        store.append(batch_of([Observation("level", k * 100 + j, 0, float(j)) for j in range(100)]))
        print(k, flush=True)
"""


def test_kill_9_loses_no_batch_that_was_kept(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        lines = [child.stdout.readline() for _ in range(20)]
        time.sleep(0.02)
        child.send_signal(signal.SIGKILL)
        told = int((lines + child.stdout.readlines())[-1])
    with open_store(tmp_path, write=True) as store:  # the lock went with the process
        n = store.count()
        assert n % 100 == 0
        assert n >= (told + 1) * 100
        assert store.append(batch_of([Observation("level", -1, 0, 0.0)])).stored == 1
