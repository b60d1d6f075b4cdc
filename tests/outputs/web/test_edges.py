"""Lines of houses come back from one bit for each edge that bounds a face, in Python and in the page alike."""

import base64
import json

import numpy as np
import pytest

from tests.outputs.web.browser import CHROMIUM, Browser
from tests.outputs.web.hostile_village import hostile_content
from tests.outputs.web.test_charting import town
from twin.core.assets import asset_path
from twin.outputs.web.codec import Bundle, read, unpack
from twin.outputs.web.edges import bounding_edges, edge_lines
from twin.outputs.web.geometry import facet_meshes, facets, grid_step_m, placed_faces, rounded
from twin.scene.packing import pack_content


def of_content(content):
    pack = pack_content(content)
    step = grid_step_m(pack)
    made = facets(pack, step)
    placed = placed_faces(pack, made, step)
    bundle = Bundle()
    dark = np.zeros((*pack.meta.atlas, 2), np.uint8)
    header = {
        "facets": facet_meshes(pack, made, placed, dark, bundle),
        "edges": edge_lines(pack, made, placed, bundle, step),
    }
    return pack, made, placed, *unpack(bundle.pack(header))


def segments(ends):
    return {tuple(sorted((tuple(a), tuple(b)))) for a, b in ends.tolist()}


def wanted(pack, made):
    """The scene's lines between corners of faces, in whole steps."""
    corners = {tuple(p) for p in made.places.tolist()}
    ends = rounded(pack["edge_points"], grid_step_m(pack))
    return {s for s in segments(ends) if corners.issuperset(s)}


@pytest.mark.parametrize("content", [hostile_content, lambda: town(1), lambda: town(2)])
def test_lines_come_back(content):
    pack, made, placed, header, data = of_content(content())
    shown = read(header["edges"]["shown"], data)[:, 0].astype(bool)
    pairs = np.concatenate(
        [bounding_edges(placed, made.corner)[shown], read(header["edges"]["others"], data).reshape(-1, 2)]
    )
    assert segments(made.places[pairs]) == wanted(pack, made)
    assert len(pairs) > 20
    # What is told besides costs as a pair each.
    assert len(read(header["edges"]["others"], data)) < 0.05 * len(pairs)


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (Debian: apt install chromium)")
def test_the_page_draws_the_same_lines():
    names = ("unpack", "decode", "charts", "edges")
    script = "".join(asset_path(f"web/{name}.js").read_text(encoding="utf-8") for name in names)
    browser = Browser((200, 200))
    try:
        for content in (hostile_content(), town(1), town(2)):
            pack, made, _, header, data = of_content(content)
            bytes_ = f"Uint8Array.from(atob('{base64.b64encode(data).decode()}'), (c) => c.charCodeAt(0))"
            found = browser.run(
                f"(() => {{ {script}; const block = {{header: {json.dumps(header)}, data: {bytes_}}};"
                "const f = block.header.facets;"
                "return [...drawnEdges(block, faceTriangles(block), referencesOf(block, f.corners),"
                "numbers(block, f.faces, Uint32Array))]; })()"
            )
            assert segments(made.places[np.reshape(found, (-1, 2))]) == wanted(pack, made)
    finally:
        browser.close()
