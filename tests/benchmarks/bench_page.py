"""The page of 10,000 buildings with attributes, colours, water over time and sensors: size, and time to a picture.

``PYTHONPATH=. python tests/benchmarks/bench_page.py`` from the root of the checkout prints a table. The city is that of
``bench_snapshot.py``: boxes on a grid of streets, a plain of 180,000 triangles with a canal, light baked. Chromium
draws in software, without a network. The yardstick is an empty page in the same browser. Processor time is that of
all of the browser's processes from the empty page to the picture.

``--real CITY`` takes the buildings of a built city instead, again and again until there are 10,000, each turned and
moved, with its ground, trees and columns (`real_city.py`), and tells what each part of the page takes.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from bench_snapshot import N_SIDE, SPACING_M, boxes, ground
from real_city import real_attributes, real_content

from tests.outputs.web.browser import CHROMIUM, Browser
from twin.city.model import open_city
from twin.core.grid import Grid
from twin.core.notices import Notices
from twin.outputs.exporters import scene_attributes
from twin.outputs.web.codec import unpack
from twin.outputs.web.letters import from_letters
from twin.outputs.web.packing import packed, unpacked
from twin.outputs.web.page import PageOptions, write_page
from twin.outputs.web.timeline import choose_moments
from twin.reconstruct.cover import Cover
from twin.scene.facets import facets_from_solids
from twin.scene.from_city import scene_content
from twin.scene.layers import LayerView, MarkerView, WaterView
from twin.scene.model import SceneContent, Terrain
from twin.scene.scene import Scene

if TYPE_CHECKING:
    from collections.abc import Iterator

START = datetime(2026, 7, 1, tzinfo=UTC)
SPAN = (START, START + timedelta(hours=6))
ROUNDS = 3


@dataclass(frozen=True)
class River:
    """Water that spreads from the canal over a third of the city."""

    name: str = "flood"
    span: tuple[datetime, datetime] = SPAN
    grid: Grid = field(default_factory=lambda: Grid(0.0, N_SIDE * SPACING_M, 5.0, 440, 440))

    def at(self, when):
        """A wave of changing depth."""
        share = 1.0 if when is None else (when - SPAN[0]) / (SPAN[1] - SPAN[0])
        y = np.abs(np.arange(440) * 5.0 - N_SIDE * SPACING_M / 2)[:, None]
        x = np.arange(440)[None] * 5.0
        depth = np.clip(1.5 * share - y / 400 + 0.1 * np.sin(x / 40), 0, None).astype(np.float32)
        return LayerView(water=WaterView(self.grid, np.zeros((440, 440), np.float32), depth))


@dataclass(frozen=True)
class Gauges:
    """Two hundred sensors."""

    name: str = "sensors"
    span: tuple[datetime, datetime] = SPAN

    def at(self, when):
        """Values that follow the clock."""
        share = 1.0 if when is None else (when - SPAN[0]) / (SPAN[1] - SPAN[0])
        k = np.arange(200)
        place = np.column_stack([(k % 20) * 110.0, (k // 20) * 220.0, np.full(200, 3.0)])
        rgb, state = np.full((200, 3), 120, np.uint8), np.zeros(200, np.uint8)
        text = tuple(f"{share * 10 + i % 7:.1f} m" for i in range(200))
        return LayerView(markers=MarkerView(tuple(f"gauge {i}" for i in k), place, rgb, state, None, text))


def make_page(path: Path) -> tuple[float, int]:
    """Write the page; seconds without the light, and bytes."""
    solids = boxes()
    content = SceneContent(
        name="Ten thousand",
        crs="EPSG:28992",
        origin=(0, 0, 0),
        buildings=facets_from_solids(solids, list(range(len(solids)))),
        building_ids=tuple(f"NL.IMBAG.Pand.{i:016d}" for i in range(len(solids))),
        terrain=Terrain(*ground()),
    )
    rng = np.random.default_rng(2)
    n = len(solids)
    attributes = {
        "height_m": [float(s.vertices[:, 2].max()) for s in solids],
        "roof_type": ["flat"] * n,
        "year": rng.integers(1850, 2026, n).tolist(),
        "use": rng.choice(["home", "shop", "office", "school"], n).tolist(),
        "rmse_m": rng.gamma(2, 0.03, n).round(3).tolist(),
        "street": [f"Street {i % 400}" for i in range(n)],
    }
    scene = Scene(content)
    _ = scene.light
    layers = (River(), Gauges())
    started = time.perf_counter()
    counts = write_page(path, scene, attributes, PageOptions(layers=layers, moments=choose_moments(layers)))
    print(f"{counts.n_buildings:,} buildings, {counts.n_triangles:,} triangles, {counts.n_moments} moments\n")
    return time.perf_counter() - started, counts.n_bytes


def make_real_page(path: Path, city_path: Path) -> tuple[float, int]:
    """Write the page of ten thousand buildings such as those of a built city; seconds without the light, and bytes."""
    city = open_city(city_path)
    n, notices = 10_000, Notices()
    attributes = real_attributes(scene_attributes(city, Scene(city)), n)
    scene = Scene(real_content(scene_content(city), n))
    _ = scene.light
    started = time.perf_counter()
    counts = write_page(path, scene, attributes, PageOptions(), notices=notices)
    seconds = time.perf_counter() - started
    print(f"{counts.n_buildings:,} buildings, {counts.n_triangles:,} triangles; {notices.causes()}\n")
    tell_parts(path, n)
    return seconds, counts.n_bytes


def tell_parts(path: Path, n_buildings: int) -> None:
    """Packed bytes of each part of a page, alone, before they become letters."""
    found = re.search(rb'id="data" data-bytes="(\d+)">([^<]+)</script>', path.read_bytes())
    assert found is not None
    block = from_letters(found[2], int(found[1]))
    header, data = unpack(block)
    sizes = {"all": len(block), "light": len(unpacked(block)[1])}
    for name in header.keys() - {"light"}:
        raw = b"".join(arrays(header[name], data)) + json.dumps(header[name]).encode()
        sizes[name] = len(packed(raw))
    print("| part | kB | bytes a building |\n|---|---|---|")
    for name, size in sorted(sizes.items(), key=lambda item: -item[1])[:12]:
        print(f"| {name} | {size / 1000:,.0f} | {size / n_buildings:.0f} |")
    print()


def arrays(part: object, data: bytes) -> Iterator[bytes]:
    """Bytes of all arrays that a part of a header names."""
    if isinstance(part, dict) and {"offset", "width", "shape"} <= set(part):
        n = part["shape"][0] * part["shape"][1] * part["width"]
        yield data[part["offset"] : part["offset"] + n]
    elif isinstance(part, dict | list):
        for inner in part.values() if isinstance(part, dict) else part:
            yield from arrays(inner, data)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", type=Path, metavar="CITY", help="a built city whose buildings are taken")
    real = parser.parse_args().real
    if real is not None and not real.exists():
        raise SystemExit(
            f"skipped: there is no city {real}; build one with twin build, such as Delft's sample"
        )
    assert Cover.WATER in ground()[2]
    if CHROMIUM is None:
        raise SystemExit("Chromium is not installed (Debian: apt install chromium)")
    with tempfile.TemporaryDirectory() as name:
        page = Path(name) / "page.html"
        seconds, size = make_page(page) if real is None else make_real_page(page, real)
        empty = Path(name) / "empty.html"
        empty.write_text(
            "<script>onload=()=>document.body.dataset.ready=performance.now()</script><body></body>"
        )
        first, bare, busy, requests, lines = [], [], [], 0, 0
        for _ in range(ROUNDS):
            browser = Browser((1280, 720))
            bare.append(browser.open(empty))
            browser.requests.clear()
            before = browser.processor_s()
            first.append(browser.open(page))
            busy.append(browser.processor_s() - before)
            browser.picture()
            requests += len(browser.requests) - 1  # the page itself
            lines += sum(not line.startswith("warning") for line in browser.console)
            browser.close()
        print("| what | figure |\n|---|---|")
        print(f"| written in | {seconds:.1f} s |\n| size | {size / 1e6:.2f} MB |")
        print(f"| first picture, median of {ROUNDS} | {statistics.median(first) / 1000:.2f} s |")
        print(f"| processor time for it | {statistics.median(busy):.2f} s |")
        print(f"| an empty page | {statistics.median(bare) / 1000:.2f} s |")
        print(f"| requests | {requests} |\n| lines in the console | {lines} |")


if __name__ == "__main__":
    main()
