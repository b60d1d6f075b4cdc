"""Arrays come back as they were, small ones small."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from twin.outputs.web.codec import Bundle, by_first_use, read, read_places, read_references, unpack

TABLES = arrays(
    np.int64, st.tuples(st.integers(0, 12), st.integers(1, 4)), elements=st.integers(-(2**29), 2**29)
)


@given(TABLES, st.sampled_from(["delta", "signed"]))
def test_tables_come_back(table, codec):
    bundle = Bundle()
    bundle.add(np.arange(3))
    place = bundle.add(table, codec=codec)
    header, data = unpack(bundle.pack({"place": place}))
    assert np.array_equal(read(header["place"], data), table)


@given(st.lists(st.tuples(*[st.integers(0, 20)] * 3), max_size=30))
def test_triangles_come_back_over_points_in_order_of_use(rows):
    triangles = np.array(rows, np.int64).reshape(-1, 3)
    order, renumbered = by_first_use(triangles)
    assert np.array_equal(order[renumbered] if len(order) else renumbered, triangles)
    bundle = Bundle()
    place = bundle.add_triangles(renumbered)
    header, data = unpack(bundle.pack({"place": place}))
    assert np.array_equal(read(header["place"], data).reshape(-1, 3), renumbered)


@given(arrays(np.int64, st.tuples(st.integers(0, 20), st.just(3)), elements=st.integers(-3, 3)))
def test_places_above_each_other_come_back(places):
    bundle = Bundle()
    header, data = unpack(bundle.pack({"places": bundle.add_places(places)}))
    assert np.array_equal(read_places(header["places"], data), places)


@given(st.lists(st.integers(0, 30), max_size=60))
def test_references_come_back(numbers):
    _, renumbered = by_first_use(np.array(numbers, np.int64))
    bundle = Bundle()
    header, data = unpack(bundle.pack({"corners": bundle.add_references(renumbered)}))
    assert np.array_equal(read_references(header["corners"], data), renumbered)


def test_walls_take_less_than_their_corners():
    plan = np.random.default_rng(0).integers(0, 2**14, (500, 8, 2))
    feet, eaves = (np.dstack([plan, np.full((500, 8), z)]) for z in (0, 900))
    places = np.concatenate([feet, eaves[:, ::-1]], axis=1).reshape(-1, 3)
    plain, stacked = Bundle(), Bundle()
    plain.add(places)
    stacked.add_places(places)
    assert len(stacked.pack({})) < 0.65 * len(plain.pack({}))


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="fit"):
        Bundle().add(np.array([2**40]))
    with pytest.raises(ValueError, match="fit"):
        Bundle().add(np.array([-1]), codec="plain")


def test_bytes_do_not_depend_on_anything_else():
    packed = []
    for _ in range(2):
        bundle = Bundle()
        bundle.add(np.arange(1000) ** 2)
        bundle.add_bytes(b"abc")
        packed.append(bundle.pack({"a": "서울"}))
    assert packed[0] == packed[1]
    assert unpack(packed[0])[0] == {"a": "서울"}


def test_the_same_twice_is_kept_once():
    values, bundle = np.random.default_rng(0).integers(0, 2**30, 20_000), Bundle()
    taken = (values, values[::-1], values, values[:0], values[:0])
    places = [bundle.add(v) for v in taken]
    header, data = unpack(bundle.pack({"places": places}))
    assert places[0] == places[2]
    for place, want in zip(header["places"], taken, strict=True):
        assert read(place, data)[:, 0].tolist() == list(want)
    assert len(data) == 2 * 4 * 20_000


def test_a_ramp_takes_almost_nothing():
    bundle = Bundle()
    bundle.add(np.arange(100_000))
    assert len(bundle.pack({})) < 400
