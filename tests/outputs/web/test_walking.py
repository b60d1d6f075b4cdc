"""A mesh comes back from the walk over it, whatever it looks like, in Python and in the page alike."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.spatial import Delaunay

from tests.outputs.web.browser import CHROMIUM, Browser
from tests.outputs.web.hostile_village import hostile_content
from twin.outputs.web.codec import Bundle, unpack
from twin.outputs.web.geometry import ground
from twin.outputs.web.walking import NEW, NOTHING, OTHER, add_walk, read_walk, walk
from twin.scene.packing import pack_content

ASSETS = Path(__file__).parents[3] / "assets/web"


def grid(n):
    """A square of 2 (n - 1)² triangles; places and triangles."""
    y, x = np.mgrid[0:n, 0:n]
    a = (n * np.arange(n - 1)[:, None] + np.arange(n - 1)).ravel()
    triangles = np.concatenate(
        [np.column_stack([a, a + 1, a + n + 1]), np.column_stack([a, a + n + 1, a + n])]
    )
    return np.column_stack([100 * x.ravel(), 100 * y.ravel(), (x * y).ravel()]), triangles


def told(places, triangles, kind):
    """Each triangle by its places in their order, turned to the lowest, with its kind; sorted."""
    rows = []
    for corners, k in zip(places[triangles].tolist(), kind.tolist(), strict=True):
        rows.append((*min(corners[i:] + corners[:i] for i in range(3)), k))
    return sorted(rows)


def back(places, triangles, kind):
    """The mesh out of a block."""
    bundle = Bundle()
    header, data = unpack(bundle.pack({"mesh": add_walk(bundle, places, triangles, kind)}))
    return read_walk(header["mesh"], data)


@example([(1, 0, 2), (0, 0, 1)])
@given(st.lists(st.tuples(*[st.integers(0, 12)] * 3), max_size=40))
def test_any_triangles_come_back(rows):
    # Folded, doubled, without area, three at an edge: the walk takes them all.
    triangles = np.array(rows, np.int64).reshape(-1, 3)
    places = np.random.default_rng(1).integers(-(2**20), 2**20, (13, 3))
    kind = np.arange(len(triangles)) % 5
    assert told(*back(places, triangles, kind)) == told(places, triangles, kind)


def test_a_plain_with_a_house_in_it_comes_back_turned_as_it_was():
    places, triangles = grid(20)
    middle = places[triangles].mean(axis=1)[:, :2]
    triangles = triangles[(np.abs(middle - 900) > 300).any(axis=1)]
    kind = (middle[: len(triangles), 0] > 500).astype(np.int64)
    assert told(*back(places, triangles, kind)) == told(places, triangles, kind)


def test_most_triangles_need_no_reference():
    _, triangles = grid(60)
    found = walk(triangles)
    n = np.bincount(found.signs, minlength=5)
    assert n[NEW] + len(found.back) >= 3600
    assert n[OTHER] < 0.02 * len(triangles)
    assert n[NOTHING] < 0.1 * len(triangles)


def test_neighbours_take_less_than_three_bits_a_triangle():
    triangles = Delaunay(np.random.default_rng(0).random((5000, 2))).simplices.astype(np.int64)
    bundle = Bundle()
    add_walk(bundle, np.zeros((5000, 3), np.int64), triangles, np.zeros(len(triangles), np.int64))
    assert 8 * len(bundle.pack({})) < 3 * len(triangles)


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (Debian: apt install chromium)")
def test_the_page_walks_as_python_does():
    script = "".join((ASSETS / f"{name}.js").read_text(encoding="utf-8") for name in ("decode", "walk"))
    pack, bundle = pack_content(hostile_content()), Bundle()
    header, data = unpack(
        bundle.pack({"ground": ground(pack, bundle, 0.01), "step": 0.01, "block": pack.meta.block})
    )
    sent = base64.b64encode(data).decode()
    browser = Browser((200, 200))
    try:
        got = browser.run(
            f"(() => {{ {script}; const data = Uint8Array.from(atob('{sent}'), (c) => c.charCodeAt(0));"
            f"const block = {{header: {json.dumps(header)}, data}}, g = walkedGround(block);"
            "const tiles = [...groundTiles(block, 50)];"
            "return {walk: [g.places, g.triangles, g.kinds].map((a) => [...a]), tiles}; })()"
        )
    finally:
        browser.close()
    places, triangles, kinds = read_walk(header["ground"], data)
    for here, there in zip((places, triangles, kinds), got["walk"], strict=True):
        assert here.ravel().tolist() == there
    tiles = [
        told(
            np.reshape(t["points"], (-1, 3)),
            np.reshape(t["triangles"], (-1, 3)),
            np.array(t["covers"])[t["triangles"][::3]] + header["ground"]["waterKind"] * t["isWater"],
        )
        for t in got["tiles"]
    ]
    assert len(tiles) > 3
    assert sorted(row for tile in tiles for row in tile) == told(places, triangles, kinds)
