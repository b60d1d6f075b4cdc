"""Classes, colours and legends."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from twin.core.errors import InputError, UsageError
from twin.scene.attributes import Values, read_values, values_of
from twin.scene.classes import class_breaks, natural_breaks
from twin.scene.colour import ColourBy, colour_buildings, colour_map, paint_buildings, parse_colour_by

GREY = (200, 200, 200)


def deviation(values, breaks):
    groups = np.searchsorted(breaks, values, side="right")
    return sum(((values[groups == g] - values[groups == g].mean()) ** 2).sum() for g in np.unique(groups))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=4, max_size=9), st.integers(2, 4))
def test_natural_breaks_are_the_best_of_all(values, n_classes):
    from itertools import combinations

    values = np.sort(np.array(values, dtype=float))
    distinct = np.unique(values)
    n_classes = min(n_classes, len(distinct))
    found = deviation(values, natural_breaks(values, n_classes))
    borders = (distinct[1:] + distinct[:-1]) / 2
    best = (
        min(deviation(values, np.array(c)) for c in combinations(borders, n_classes - 1))
        if len(distinct) > 1
        else 0
    )
    assert found == pytest.approx(best, abs=1e-6)


def test_equal_and_quantile_and_given_classes():
    values = np.array([0.0, 1, 2, 3, 4, 5, 6, 7, 8, 100])
    assert class_breaks(values, ColourBy("x", method="equal", n_classes=4)).tolist() == [25, 50, 75]
    assert class_breaks(values, ColourBy("x", method="quantile", n_classes=2)).tolist() == [4.5]
    assert class_breaks(values, ColourBy("x", method="given", breaks=(3.0, 50.0))).tolist() == [3, 50]
    assert class_breaks(np.array([7.0, 7.0]), ColourBy("x")).tolist() == []


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-1e4, 1e4), min_size=2, max_size=30), st.integers(2, 6))
def test_round_breaks_leave_every_value_in_its_natural_class(values, n_classes):
    values = np.array(values)
    by = ColourBy("x", n_classes=n_classes)
    if len(np.unique(values)) < 2:
        return
    exact = np.searchsorted(natural_breaks(values, n_classes), values, side="right")
    rounded = np.searchsorted(class_breaks(values, by), values, side="right")
    np.testing.assert_array_equal(exact, rounded)


def test_breaks_are_round_where_the_gap_allows():
    values = np.array([1.13, 2.2, 3.07, 10.4, 11.9, 48.0, 52.7])
    assert class_breaks(values, ColourBy("x", n_classes=3)).tolist() == [5, 30]


def test_each_building_gets_the_colour_of_the_class_that_the_legend_tells():
    values = [1.0, 4.9, 5.0, 30.0, None, float("nan")]
    by = ColourBy("height_m", method="given", breaks=(5.0, 20.0))
    rgb, legend = colour_buildings(values, by, unit="m", missing=GREY)
    assert legend.title == "Height (m)"
    assert [e.text for e in legend.entries] == ["< 5", "5 – 20", "≥ 20", "no data"]
    assert legend.entries[-1].text == "no data"
    by_text = {e.text: e.rgb for e in legend.entries}
    expected = ["< 5", "< 5", "5 – 20", "≥ 20", "no data", "no data"]
    assert [tuple(c) for c in rgb.tolist()] == [by_text[t] for t in expected]


def test_words_become_categories_by_frequency():
    rgb, legend = colour_buildings(
        ["flat", "gable", "gable", None], ColourBy("roof_type"), unit="", missing=GREY
    )
    assert [e.text for e in legend.entries] == ["gable", "flat", "no data"]
    assert tuple(rgb[1]) == legend.entries[0].rgb
    assert rgb[3].tolist() == list(GREY)


def test_rare_categories_come_together():
    values = [f"kind {i}" for i in range(40)]
    _, legend = colour_buildings(values, ColourBy("use"), unit="", missing=GREY)
    assert len(legend.entries) == 12
    assert legend.entries[-1].text == "29 others"


def test_whole_numbers_of_few_kinds_are_names():
    _, legend = colour_buildings([1, 2, 2, 2, 9], ColourBy("zone"), unit="", missing=GREY)
    assert [e.text for e in legend.entries] == ["2", "1", "9"]
    _, amounts = colour_buildings(list(range(100)), ColourBy("year"), unit="", missing=GREY)
    assert len(amounts.entries) == 5


def test_an_attribute_that_is_empty_everywhere_is_refused():
    with pytest.raises(UsageError, match="empty for every building"):
        colour_buildings([None, float("nan")], ColourBy("height_m"), unit="m", missing=GREY)


@pytest.mark.parametrize("name", ["viridis", "cividis", "magma", "rdbu"])
def test_maps_are_complete_and_the_sequential_ones_grow_lighter(name):
    table = colour_map(name).astype(float)
    assert table.shape == (256, 3)
    if name != "rdbu":
        lightness = table @ (0.2126, 0.7152, 0.0722)
        assert (np.diff(lightness) > -1.5).all()


def test_values_are_found_by_id_in_the_first_table_that_has_them(tmp_path):
    own, joined = tmp_path / "buildings.parquet", tmp_path / "joined.parquet"
    parquet.write_table(pa.table({"id": ["b", "a"], "height_m": [2.0, 1.0]}), own)
    parquet.write_table(pa.table({"id": ["a"], "owner": ["city"], "height_m": [99.0]}), joined)
    tables = [(str(own), "id", {"height_m": "m"}), (str(joined), "id", {})]
    ids = np.array(["a", "b", "c"])
    heights, unit = read_values(tables, "height_m", ids)
    assert (heights.known.tolist(), heights.numbers.tolist(), unit) == ([True, True, False], [1.0, 2.0], "m")
    owners, unit = read_values(tables, "owner", ids)
    assert (owners.known.tolist(), owners.kinds[1], unit) == ([True, False, False], ("city",), "")
    with pytest.raises(UsageError, match="height_m"):
        read_values(tables, "heigth", ids)


CELLS = [
    [1.5, None, float("nan"), float("inf"), -2.0],
    [3, None, 3, 7, 7],
    [3, None, 5, 7, 9, 11, 13, 15],
    ["b", "a", None, "b", ""],
    [True, False, None],
    [None, None],
]


@pytest.mark.parametrize("cells", CELLS, ids=["real", "codes", "whole", "words", "yes or no", "nothing"])
def test_a_column_of_a_file_says_the_same_as_its_cells(tmp_path, cells):
    path, ids = tmp_path / "buildings.parquet", [f"b{i}" for i in range(len(cells))]
    order = np.random.default_rng(1).permutation(len(cells))
    parquet.write_table(pa.table({"id": pa.array(ids).take(order), "x": pa.array(cells).take(order)}), path)
    read, _ = read_values([(str(path), "id", {})], "x", np.array(ids))
    told = values_of(cells)
    assert read.known.tolist() == told.known.tolist()
    if told.numbers is not None and told.known.any():
        assert read.numbers.tolist() == told.numbers.tolist()
    if told.kinds is not None and told.known.any():
        assert [read.kinds[1][k] for k in read.kinds[0]] == [told.kinds[1][k] for k in told.kinds[0]]


def test_ids_that_are_numbers_are_found_as_they_are_written(tmp_path):
    path = tmp_path / "joined.parquet"
    parquet.write_table(pa.table({"id": [12, 7, 7], "x": ["a", "b", "c"]}), path)
    found, _ = read_values([(str(path), "id", {})], "x", np.array(["7", "12"]))
    assert [found.kinds[1][k] for k in found.kinds[0]] == ["c", "a"]


def test_a_damaged_table_is_told(tmp_path):
    path = tmp_path / "buildings.parquet"
    path.write_bytes(b"no parquet")
    with pytest.raises(InputError, match=r"buildings\.parquet"):
        read_values([(str(path), "id", {})], "x", np.array(["a"]))


@pytest.mark.parametrize("text", ["height_m:5,5", "height_m:9,1"])
def test_breaks_must_ascend(text):
    with pytest.raises(UsageError, match="ascending"):
        parse_colour_by(text)


def test_names_with_a_colon_are_names():
    assert parse_colour_by("noise:level").attribute == "noise:level"


def test_an_unknown_map_names_the_known_ones():
    with pytest.raises(UsageError, match="cividis, errors, magma"):
        colour_map("rainbow")


def test_categories_take_the_colours_that_a_style_gives_them():
    by = ColourBy("state", categories={"built": (1, 2, 3)})
    rgb, legend = colour_buildings(["built", "failed", "built"], by, unit="", missing=GREY)
    assert rgb[0].tolist() == rgb[2].tolist() == [1, 2, 3]
    assert rgb[1].tolist() != [1, 2, 3]
    assert {e.text: e.rgb for e in legend.entries}["built"] == (1, 2, 3)


@pytest.mark.parametrize(
    ("text", "attribute", "colour_map", "breaks"),
    [
        ("rmse_m:errors:0.5,1", "rmse_m", "errors", (0.5, 1.0)),
        ("rmse_m:0.5,1:errors", "rmse_m", "errors", (0.5, 1.0)),
        ("osm:height", "osm:height", None, ()),
        ("osm:height:magma", "osm:height", "magma", ()),
        ("magma", "magma", None, ()),
    ],
)
def test_map_and_breaks_are_read_behind_a_name(text, attribute, colour_map, breaks):
    by = parse_colour_by(text)
    assert (by.attribute, by.colour_map, by.breaks) == (attribute, colour_map, breaks)


def test_errors_get_darker_the_worse():
    light = colour_map("errors").astype(float) @ (0.2126, 0.7152, 0.0722)
    assert (np.diff(light) < 0.5).all()
    assert light[0] - light[-1] > 150


def test_twelve_categories_are_told_apart():
    from twin.scene.colour import MAX_CATEGORIES, _categorical

    table = _categorical(None, MAX_CATEGORIES).astype(float)
    assert len(table) == MAX_CATEGORIES
    # "Redmean", a simple distance of colours as seen; at 30 two swatches look alike.
    red = (table[:, None, 0] + table[None, :, 0]) / 2
    d = table[:, None] - table[None, :]
    apart = np.sqrt(
        (2 + red / 256) * d[..., 0] ** 2 + 4 * d[..., 1] ** 2 + (2 + (255 - red) / 256) * d[..., 2] ** 2
    )
    assert apart[~np.eye(len(table), dtype=bool)].min() > 95


def test_codes_are_words_in_the_legend():
    kinds = ["half_hip", "Town_hall", "half_hip"]
    _, legend = colour_buildings(
        kinds, ColourBy("roof_type", categories={"half_hip": (1, 2, 3)}), unit="", missing=(0, 0, 0)
    )
    assert {e.text: e.rgb for e in legend.entries}["half hip"] == (1, 2, 3)
    assert "Town_hall" in {e.text for e in legend.entries}


def exact_deviation(values, n_classes):
    """Least deviation within classes by the plain recursion of Fisher (1958), class by class and value by value."""
    values = np.sort(values)
    n = len(values)
    within = np.zeros((n, n))
    for i in range(n):
        group = values[i:]
        counts = np.arange(1, n - i + 1)
        mean = np.cumsum(group) / counts
        within[i, i:] = np.cumsum((group - values[i]) ** 2) - counts * (mean - values[i]) ** 2
    cost = within[0]
    for _ in range(n_classes - 1):
        cost = np.array([min([cost[j], *(cost[:j] + within[1 : j + 1, j])]) for j in range(n)])
    return float(cost[-1])


def heights(kind, n):
    """Values as attributes of cities have them."""
    rng = np.random.default_rng(7)
    if kind == "towers":
        return np.concatenate([rng.normal(8, 2, n - 6), rng.normal(120, 5, 6)])
    if kind == "many equal":
        return np.concatenate([np.zeros(n - 10), rng.uniform(1, 50, 10)])
    return rng.lognormal(2, 1, n)


@pytest.mark.parametrize("kind", ["towers", "many equal", "skewed"])
@pytest.mark.parametrize("n_classes", [2, 5, 9])
def test_natural_breaks_of_many_values_are_as_good_as_the_exact_ones(kind, n_classes, monkeypatch):
    from twin.scene import natural_breaks as by_itself

    values = heights(kind, 260)
    best = exact_deviation(values, n_classes)
    assert deviation(values, natural_breaks(values, n_classes)) == pytest.approx(best, rel=1e-6)
    monkeypatch.setattr(by_itself, "MOST_EXACT", 60)
    assert deviation(values, natural_breaks(values, n_classes)) <= 1.02 * best


@pytest.mark.parametrize("kind", ["towers", "many equal", "skewed"])
def test_many_values_are_classed_at_once(kind):
    import time

    values = heights(kind, 100_000)
    started = time.thread_time()
    breaks = natural_breaks(values, 7)
    assert time.thread_time() - started < 0.3, (
        "so many take some 20 ms; the limit is generous for slow machines"
    )
    counts = np.bincount(np.searchsorted(breaks, values, side="right"))
    assert len(counts) == 7
    assert counts.min() > 0


@pytest.mark.parametrize("method", ["natural", "quantile"])
@pytest.mark.parametrize(
    "values",
    [
        [1.0, np.nextafter(1.0, 2.0)],
        [0.0, 5e-324, 1e-323],
        [-1.7e308, 0.0, 1.7e308],
        [0.0] * 4 + [10.0] * 4,
        [0.0] * 40 + [10.0, 20.0],
        [-3.0, -3.0, -3.0],
    ],
)
@pytest.mark.parametrize("n_classes", [2, 4, 12])
def test_no_class_is_empty_whatever_the_values_are(method, values, n_classes):
    values = np.array(values)
    breaks = class_breaks(values, ColourBy("x", method=method, n_classes=n_classes))
    counts = np.bincount(np.searchsorted(breaks, values, side="right"), minlength=len(breaks) + 1)
    assert counts.min() > 0
    if method == "natural":
        assert len(counts) == min(n_classes, len(np.unique(values)))


def test_many_numbers_are_classed_the_same_in_pieces(monkeypatch):
    from twin.scene import colour

    values = np.random.default_rng(0).normal(size=1000)
    breaks = (-1.0, float(values[7]), 0.9)
    by = ColourBy("x", method="given", n_classes=4, breaks=tuple(sorted(breaks)))
    monkeypatch.setattr(colour, "_AT_ONCE", 64)
    painting, legend = paint_buildings(
        Values(np.ones(1000, bool), values, None), by, unit="", missing=(0, 0, 0)
    )
    np.testing.assert_array_equal(painting.index, np.searchsorted(sorted(breaks), values, side="right"))
    assert legend.entries[0].text.startswith("<")
    assert legend.entries[-1].text.startswith("≥")
