"""Ways on roads: known lengths, detours, and none where there is none."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.core.errors import UsageError
from twin.water.road_network import drivable, road_network
from twin.water.standards import STATES
from twin.water.way_round import way_round

TIME = np.datetime64("2026-08-28T03:00:00")


def roads(shapes, **columns):
    ids = columns.pop("id", [f"r{i}" for i in range(len(shapes))])
    return gpd.GeoDataFrame({"id": ids, **columns}, geometry=list(shapes), crs=5187)


def states(network, closed=(), slow=None, time=TIME):
    ids = [str(r) for r in network.road_ids]
    state = ["closed" if r in closed else "open" for r in ids]
    return pd.DataFrame(
        {
            "road_id": ids,
            "time": np.full(len(ids), time.astype("datetime64[ns]")),
            "state": pd.Categorical(state, categories=STATES, ordered=True),
            "speed_km_h": [0.0 if r in closed else (slow or {}).get(r, 86.9) for r in ids],
        }
    )


def street_grid(n=4, step=100.0):
    """Lines between the crossings of a square grid, called ``h`` or ``v`` with column and row."""
    shapes, ids = [], []
    for i in range(n):
        for j in range(n):
            if i + 1 < n:
                shapes.append(shapely.LineString([(i * step, j * step), ((i + 1) * step, j * step)]))
                ids.append(f"h{i}{j}")
            if j + 1 < n:
                shapes.append(shapely.LineString([(i * step, j * step), (i * step, (j + 1) * step)]))
                ids.append(f"v{i}{j}")
    return roads(shapes, id=ids)


def test_the_shortest_way_and_a_detour() -> None:
    network = road_network(street_grid())
    assert (len(network.xy), len(network.edges)) == (16, 24)
    dry = way_round(network, states(network), (50, 0), (250, 0), time=TIME)
    assert dry.road_ids == ("h00", "h10", "h20")
    assert dry.length_m == pytest.approx(200)
    assert dry.seconds == pytest.approx(200 / (50 / 3.6))
    assert dry.line.length == pytest.approx(200)
    wet = way_round(network, states(network, {"h10"}), (50, 0), (250, 0), time=TIME)
    assert wet.length_m == pytest.approx(400)
    assert wet.closed_on_dry_way == ("h10",)
    assert wet.dry_length_m == pytest.approx(200)
    assert "h10" not in wet.road_ids


def test_slow_water_is_driven_round_where_that_is_quicker() -> None:
    network = road_network(street_grid())
    # 100 m at 5 km/h take 72 s; the 300 m around it 21.6 s
    quick = way_round(network, states(network, slow={"h10": 5.0}), (50, 0), (250, 0), time=TIME)
    assert "h10" not in quick.road_ids
    through = way_round(network, states(network, slow={"h10": 30.0}), (50, 0), (250, 0), time=TIME)
    assert "h10" in through.road_ids
    assert through.seconds == pytest.approx(100 / (50 / 3.6) + 100 / (30 / 3.6))


def test_an_island_is_not_reached_and_the_reason_is_named() -> None:
    network = road_network(street_grid())
    cut = {"h20", "v30"}
    lost = way_round(network, states(network, cut), (50, 0), (300, 0), time=TIME)
    assert not lost.reached
    assert (lost.length_m, lost.road_ids, lost.line.is_empty) == (np.inf, (), True)
    assert lost.closed_on_dry_way == ("h20",)
    start = way_round(network, states(network, {"h00"}), (50, 0), (250, 0), time=TIME)
    assert not start.reached  # the road at the door is under water
    assert start.closed_on_dry_way == ("h00",)


def test_lines_meet_at_ends_and_not_where_they_cross() -> None:
    over = shapely.LineString([(0, 50), (100, 50)])
    below = shapely.LineString([(50, 0), (50, 100)])
    bridge = road_network(roads([over, below]))
    assert not way_round(bridge, states(bridge), (0, 50), (50, 100), time=TIME).reached
    side = shapely.LineString([(50, 50.3), (50, 100)])  # ends on the other, but for 30 cm
    junction = road_network(roads([over, side]))
    found = way_round(junction, states(junction), (0, 50), (50, 100), time=TIME)
    assert found.length_m == pytest.approx(50 + 49.7, abs=0.5)


def test_bends_are_followed() -> None:
    bent = shapely.LineString([(0, 0), (0, 30), (40, 30)])
    network = road_network(roads([bent, shapely.LineString([(40, 30), (100, 30)])]))
    found = way_round(network, states(network), (100, 30), (0, 0), time=TIME)
    assert found.length_m == pytest.approx(130)
    assert found.line.equals(shapely.LineString([(100, 30), (40, 30), (0, 30), (0, 0)]))


@pytest.mark.parametrize("first", ["straight", "bow"])
def test_of_two_roads_between_the_same_crossings_the_quicker_counts(first: str) -> None:
    straight = shapely.LineString([(0, 0), (100, 0)])
    bow = shapely.LineString([(0, 0), (50, 80), (100, 0)])
    tail = shapely.LineString([(100, 0), (150, 0)]), shapely.LineString([(-50, 0), (0, 0)])
    pair = [("straight", straight), ("bow", bow)]
    named = [*(pair if first == "straight" else pair[::-1]), ("out", tail[0]), ("in", tail[1])]
    network = road_network(roads([line for _, line in named], id=[name for name, _ in named]))
    found = way_round(network, states(network), (-50, 0), (150, 0), time=TIME)
    assert found.road_ids == ("in", "straight", "out")
    wet = way_round(network, states(network, {"straight"}), (-50, 0), (150, 0), time=TIME)
    assert wet.road_ids == ("in", "bow", "out")
    assert wet.length_m == pytest.approx(100 + bow.length)


def test_polygons_meet_where_they_share_a_border() -> None:
    pieces = [
        shapely.box(0, 0, 50, 6),
        shapely.box(50, 0, 56, 6),  # a crossing
        shapely.box(56, 0, 100, 6),
        shapely.box(50, 6, 56, 60),
        shapely.box(56, 6, 80, 10),  # touches the crossing in a corner alone
    ]
    network = road_network(roads(pieces))
    found = way_round(network, states(network), (0, 3), (100, 3), time=TIME)
    assert found.road_ids == ("r0", "r1", "r2")
    assert found.length_m == pytest.approx(100, abs=0.5)
    shut = way_round(network, states(network, {"r1"}), (0, 3), (100, 3), time=TIME)
    assert not shut.reached
    corner = way_round(network, states(network, {"r2", "r3"}), (0, 3), (70, 8), time=TIME)
    assert not corner.reached


def test_a_deck_does_not_lead_to_the_road_below_it() -> None:
    pieces = [shapely.box(0, 20, 100, 26), shapely.box(40, 0, 60, 50)]
    flat = road_network(roads(pieces))
    assert way_round(flat, states(flat), (0, 23), (50, 0), time=TIME).reached
    levels = road_network(roads(pieces, underpass=[True, False], on_deck=[False, True]))
    assert not way_round(levels, states(levels), (0, 23), (50, 0), time=TIME).reached


def test_the_state_is_that_of_the_moment() -> None:
    network = road_network(street_grid())
    later = TIME + np.timedelta64(600, "s")
    both = pd.concat([states(network), states(network, {"h10"}, time=later)], ignore_index=True)
    assert "h10" in way_round(network, both, (50, 0), (250, 0), time="2026-08-28T03:09:59").road_ids
    assert "h10" not in way_round(network, both, (50, 0), (250, 0), time=later).road_ids
    with pytest.raises(UsageError, match="before the flood"):
        way_round(network, both, (50, 0), (250, 0), time="2026-08-28T02:00:00")
    with pytest.raises(UsageError, match="passable"):
        way_round(network, both, (0, 0), (1, 1), time=TIME, passable="closed")
    assert "h10" not in way_round(network, both, (50, 0), (250, 0), time="2026-08-28T12:10+09:00").road_ids
    with pytest.raises(UsageError, match="'noon' is none"):
        way_round(network, both, (0, 0), (1, 1), time="noon")
    with pytest.raises(UsageError, match=r"3500 m from any road"):
        way_round(network, both, (0, 0), (37.0, -3500.0), time=TIME)
    with pytest.raises(UsageError, match="no points"):
        way_round(network, both, (0, np.nan), (1, 1), time=TIME)


def test_walkers_ways_are_told_from_roads() -> None:
    frame = roads([shapely.box(0, 0, 1, 1)] * 3, **{"class": ["footway", "primary", "residential"]})
    assert drivable(frame).tolist() == [False, True, True]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_a_way_is_never_shorter_than_the_dry_one_and_avoids_what_is_closed(seed: int) -> None:
    rng = np.random.default_rng(seed)
    network = NETWORK
    closed = {str(r) for r in network.road_ids if rng.random() < 0.3}
    a, b = rng.uniform(0, 300, (2, 2))
    found = way_round(network, states(network, closed), a, b, time=TIME)
    assert found.seconds >= found.dry_seconds - 1e-6
    assert not closed & set(found.road_ids)
    if found.reached:
        assert found.line.length == pytest.approx(found.length_m, rel=1e-6, abs=300)
    again = way_round(network, states(network, closed), b, a, time=TIME)
    assert again.seconds == pytest.approx(found.seconds)


NETWORK = road_network(street_grid())
