"""What stays of a window is sound, and the same whatever came late or twice."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from twin.live.model import MICROSECONDS, Catalogue, Datastream, Observation, Quality, Thing, batch_of
from twin.live.retention import DAY_US, Retention, Tidied, tidy, tidying
from twin.live.store import Store, open_store

NOW = 100 * DAY_US
HOUR, MINUTE = 3600 * MICROSECONDS, 60 * MICROSECONDS
KNOWN = Catalogue((Thing("t"),), (Datastream("pm", "t"), Datastream("door", "t", result_type="any")))


def rule(way: str) -> tuple[Retention, ...]:
    return (Retention(thin_after_us=DAY_US, window_us=HOUR, thin_by=way),)


def at(minute: int, result: float | str | None, quality: Quality = Quality.GOOD) -> Observation:
    return Observation("pm", DAY_US + minute * MINUTE, 0, result, quality)


def left(store: Store, name: str = "pm") -> list[tuple[int, object, int]]:
    kept = store.history(name)
    minutes = ((kept.time - DAY_US) // MINUTE).tolist()
    return list(zip(minutes, kept.results, kept.quality.tolist(), strict=True))


@pytest.fixture
def store(tmp_path: Path):
    with open_store(tmp_path / "c.twin", write=True) as made:
        made.put_catalogue(KNOWN)
        yield made


def test_what_is_invalid_or_nothing_does_not_stand_for_a_window(store: Store) -> None:
    bad = [at(50, 999.0, Quality.INVALID), at(55, None)]
    store.append(batch_of([at(10, 1.0), at(40, 3.0, Quality.SUSPECT), *bad]))
    tidy(store, rule("last"), now_us=NOW)
    assert left(store) == [(40, 3.0, Quality.SUSPECT)]


@pytest.mark.parametrize(("way", "wanted"), [("min", 1.0), ("max", 3.0), ("mean", 2.0)])
def test_what_is_invalid_does_not_enter_a_summary(store: Store, way: str, wanted: float) -> None:
    store.append(
        batch_of([at(10, 1.0), at(40, 3.0), at(50, 999.0, Quality.INVALID), at(55, -9.0, Quality.INVALID)])
    )
    tidy(store, rule(way), now_us=NOW)
    assert left(store) == [(40, wanted, Quality.GOOD)]


def test_where_nothing_is_sound_the_last_stays_as_it_is(store: Store) -> None:
    store.append(batch_of([at(10, 1.0, Quality.INVALID), at(50, 2.0, Quality.INVALID)]))
    tidy(store, rule("max"), now_us=NOW)
    assert left(store) == [(50, 2.0, Quality.INVALID)]


def test_a_late_row_has_its_window_thinned_again(store: Store) -> None:
    store.append(batch_of([at(10, 1.0), at(200, 5.0)]))
    tidy(store, rule("last"), now_us=NOW)
    store.append(batch_of([at(20, 2.0), at(30, 4.0), at(5, 9.0)]))
    assert tidy(store, rule("last"), now_us=NOW).thinned == 3
    assert left(store) == [(30, 4.0, 0), (200, 5.0, 0)]


def test_a_row_that_comes_between_two_steps_is_thinned_too(store: Store) -> None:
    store.append(batch_of([at(60 * k + m, float(m)) for k in range(5) for m in (1, 2)]))
    done = Tidied()
    steps = tidying(store, rule("last"), now_us=NOW, done=done, at_once=2)
    next(steps)
    store.append(batch_of([at(3, 7.0)]))
    list(steps)
    assert left(store)[0] == (3, 7.0, 0)
    assert len(left(store)) == 5


def test_a_repeated_message_does_not_put_its_own_number_back(store: Store) -> None:
    rows = [at(10, 1.0), at(20, 2.0), at(40, 6.0)]
    store.append(batch_of(rows))
    tidy(store, rule("mean"), now_us=NOW)
    for again in (rows[2:], rows[:1], rows):
        store.append(batch_of(again))
        tidy(store, rule("mean"), now_us=NOW)
        assert left(store) == [(40, 3.0, 0)]


def test_a_late_row_enters_a_mean_with_its_weight(store: Store) -> None:
    store.append(batch_of([at(10, 1.0), at(20, 2.0), at(40, 6.0)]))
    tidy(store, rule("mean"), now_us=NOW)
    store.append(batch_of([at(50, 7.0)]))
    tidy(store, rule("mean"), now_us=NOW)
    assert left(store) == [(50, 4.0, 0)]


def test_texts_give_way_to_numbers_where_numbers_are_summed_up(store: Store) -> None:
    rows = [Observation("door", DAY_US + m * MINUTE, 0, r) for m, r in ((1, 4.0), (2, 8.0), (3, "open"))]
    store.append(batch_of(rows))
    tidy(store, rule("max"), now_us=NOW)
    assert left(store, "door") == [(2, 8.0, 0)]


@pytest.mark.parametrize("way", ["last", "min", "max", "mean"])
@pytest.mark.parametrize("seed", range(2))
def test_late_and_repeated_rows_settle_to_a_clean_run(tmp_path: Path, way: str, seed: int) -> None:
    chance = random.Random(seed)
    rows = [
        at(m, chance.choice([None, float(chance.randrange(9))]), Quality(chance.choice([0, 0, 0, 1, 3])))
        for m in range(0, 600, 7)
    ]
    with open_store(tmp_path / "clean", write=True) as clean:
        clean.put_catalogue(KNOWN)
        clean.append(batch_of(rows))
        tidy(clean, rule(way), now_us=NOW)
        wanted = left(clean)
    messy = rows + chance.sample(rows, 40)
    chance.shuffle(messy)
    with open_store(tmp_path / "messy", write=True) as store:
        store.put_catalogue(KNOWN)
        for k in range(0, len(messy), 11):
            store.append(batch_of(messy[k : k + 11]))
            list(tidying(store, rule(way), now_us=NOW, done=Tidied(), at_once=chance.choice([1, 5, 100])))
        found = left(store)
    assert [f[::2] for f in found] == [w[::2] for w in wanted]
    numbers = [[np.nan if r[1] is None else r[1] for r in run] for run in (found, wanted)]
    np.testing.assert_allclose(*numbers, rtol=1e-12 if way == "mean" else 0)
