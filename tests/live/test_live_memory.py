"""The memory gives what the store gives, within its bound."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from twin.live.memory import Memory
from twin.live.model import Catalogue, Datastream, Observation, Place, Quality, Thing, batch_of
from twin.live.store import open_store

STREAMS = Catalogue(
    (Thing("a"), Thing("bus", place=Place("moving"))),
    (*(Datastream(f"s{i}", "a", result_type="any") for i in range(4)), Datastream("ride", "bus")),
)


def random_observations(n: int, seed: int) -> list[Observation]:
    rng = random.Random(seed)
    found = []
    for _ in range(n):
        t = rng.randrange(60)
        value = rng.choice([rng.random(), None, "wet", True, 3.0])
        quality = rng.choice(list(Quality))
        found.append(Observation(f"s{rng.randrange(4)}", t, t + rng.randrange(1000), value, quality))
        found.append(Observation("ride", t, rng.randrange(10**6), 1.0, position=(t, 2.0, np.nan, 90.0)))
    return found


@pytest.mark.parametrize("seed", range(5))
def test_as_of_is_that_of_the_store(tmp_path: Path, seed: int) -> None:
    given = random_observations(150, seed)
    memory = Memory(STREAMS, keep=64)
    with open_store(tmp_path, write=True) as store:
        store.put_catalogue(STREAMS)
        for k in range(0, len(given), 30):
            batch = batch_of(given[k : k + 30])
            store.append(batch)
            memory.put(batch)
        for moment in (-1, 0, 17, 59, 100):
            mine, stored = memory.as_of(moment), store.latest(moment)
            assert mine.results == stored.results
            for name in ("time", "result_time", "quality", "position", "number"):
                np.testing.assert_array_equal(getattr(mine, name), getattr(stored, name))
        for name in memory.datastreams:
            mine, stored = memory.history(name, 10, 40), store.history(name, 10, 40)
            assert mine.results == stored.results
            np.testing.assert_array_equal(mine.position, stored.position)


def test_memory_is_bounded_and_keeps_the_newest() -> None:
    memory = Memory(STREAMS, keep=8)
    memory.put(batch_of([Observation("s0", t, t, float(t)) for t in range(1000)]))
    kept = memory.history("s0").results
    assert 8 <= len(kept) <= 16
    assert kept[-1] == 999.0
    memory.put(batch_of([Observation("s0", 3, 3, 0.0)]))  # older than what is kept
    assert memory.history("s0").results == kept


def test_a_catalogue_may_grow() -> None:
    memory = Memory(STREAMS, keep=8)
    memory.put(
        batch_of([Observation("s1", 5, 5, "open"), Observation("ride", 5, 5, 2.0, position=(1, 2, 3, 4))])
    )
    memory.extend(STREAMS.merged(Catalogue((Thing("b", place=Place("moving")),), (Datastream("new", "b"),))))
    memory.put(batch_of([Observation("new", 6, 6, 7.0, position=(9, 8, 7, 6))]))
    now = memory.as_of(10)
    assert now.results == [None, "open", None, None, 2.0, 7.0]
    assert now.position[4:].tolist() == [[1, 2, 3, 4], [9, 8, 7, 6]]


def test_texts_have_a_bound_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twin.live.memory.MAX_TEXTS", 50)
    memory = Memory(STREAMS, keep=4)
    for t in range(500):
        memory.put(batch_of([Observation("s0", t, t, f"text {t}")]))
        assert memory.as_of(t).results[0] == f"text {t}"
    assert len(memory._texts) <= 50


def test_unknown_datastreams_pass_over() -> None:
    memory = Memory(STREAMS)
    memory.put(batch_of([Observation("nobody", 1, 1, 1.0)]))
    assert memory.as_of(2).results == [None] * 5
