"""Exposure of roads and buildings to a flood: time for many roads and moments, against one road at a time.

python tests/benchmarks/bench_exposure.py
"""

from __future__ import annotations

import time
from collections.abc import Callable

import geopandas as gpd
import numpy as np
import rasterio.features
import rasterio.transform
import shapely

from twin.core.grid import Grid
from twin.water.buildings import building_exposure
from twin.water.flood import UNTIMED, flood_of
from twin.water.road_network import road_network
from twin.water.roads import road_exposure
from twin.water.way_round import way_round

SIDE, MOMENTS = 1000, 100


class Tide:
    """A level that rises and falls over a bed, with a current; computed when it is asked for."""

    def __init__(self, bed: np.ndarray) -> None:
        self.bed = bed

    def depth_m(self, step: int) -> np.ndarray:
        return np.maximum(np.float32(np.sin(np.pi * step / MOMENTS)) - self.bed, 0)

    def velocity(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        h = self.depth_m(step)
        return h, 0.5 * h


def best(run: Callable[[], object], n: int = 2) -> float:
    spans = []
    for _ in range(n):
        t = time.perf_counter()
        run()
        spans.append(time.perf_counter() - t)
    return min(spans)


def streets(n: int) -> gpd.GeoDataFrame:
    """Lines of 100 m along a grid of streets that meets at its crossings, 10,000 in all for n = 71."""
    step = SIDE / n
    ticks = np.arange(n) * step + step / 2
    x, y = np.meshgrid(ticks[:-1], ticks)
    along = np.stack([x, y, x + step, y], axis=-1).reshape(-1, 2, 2)
    lines = shapely.linestrings(np.vstack([along, along[:, :, ::-1]]))
    return gpd.GeoDataFrame({"width_m": np.full(len(lines), 6.0)}, geometry=lines)


def one_by_one(roads: gpd.GeoDataFrame, flood, n_roads: int, n_moments: int) -> float:
    """Seconds for every road and moment as a plain script has it: a mask for each road, a maximum for each moment."""
    g = flood.grid
    place = rasterio.transform.from_origin(g.x_min, g.y_max, g.cell_size_m, g.cell_size_m)
    shapes = shapely.buffer(roads.geometry.to_numpy()[:n_roads], 3.0, cap_style="flat")
    t = time.perf_counter()
    masks = [rasterio.features.geometry_mask([s], g.shape, place, invert=True) for s in shapes]
    per_mask = (time.perf_counter() - t) / n_roads
    t = time.perf_counter()
    for step in range(n_moments):
        h = flood.depth_m(step)
        for mask in masks:
            h[mask].max(initial=0.0)
    per_value = (time.perf_counter() - t) / n_moments / n_roads
    return len(roads) * (per_mask + MOMENTS * per_value)


def main() -> None:
    y, x = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    bed = (0.6 + 0.5 * np.sin(7 * x) * np.cos(5 * y)).astype(np.float32)
    times = UNTIMED + np.arange(MOMENTS) * 60
    flood = flood_of("tide", Grid(0.0, SIDE, 1.0, SIDE, SIDE), times, bed, Tide(bed), kind="simulation")
    roads = streets(71)
    houses = shapely.buffer(
        shapely.points(np.random.default_rng(1).uniform(0, SIDE, (5000, 2))), 5, cap_style="square"
    )
    buildings = gpd.GeoDataFrame({"id": np.arange(len(houses)).astype(str)}, geometry=houses)
    fields = best(lambda: [(flood.depth_m(k), flood.velocity(k)) for k in range(MOMENTS)])
    road_exposure(roads.iloc[:5], flood)
    of_roads, of_houses = (
        best(lambda: road_exposure(roads, flood)),
        best(lambda: building_exposure(buildings, flood)),
    )
    plain = one_by_one(roads, flood, 20, 2)
    found = road_exposure(roads, flood)
    network = road_network(roads)
    graph = best(lambda: road_network(roads))
    way = best(lambda: way_round(network, found.states, (10, 10), (990, 990), time=times[0]))
    print(
        f"| what | seconds |\n|---|---|\n| {len(roads)} roads, {MOMENTS} moments, {SIDE}² cells | {of_roads:.2f} |"
    )
    print(f"| of which computing the flood's fields | {fields:.2f} |")
    print(f"| the same, one road at a time (from 20 of them) | {plain:.0f}, {plain / of_roads:.0f} times |")
    print(f"| {len(buildings)} buildings, {MOMENTS} moments | {of_houses:.2f} |")
    print(f"| network of {len(network.edges)} edges | {graph:.2f} |\n| a way round on it | {way:.3f} |")


if __name__ == "__main__":
    main()
