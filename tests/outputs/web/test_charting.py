"""Places in the light map are found again from the corners of faces alone, in Python and in the page alike."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.outputs.web.browser import CHROMIUM, Browser
from tests.outputs.web.hostile_village import hostile_content
from tests.scene.conftest import ORIGIN, box_solid, gable_solid
from twin.outputs.web.charting import TOLERANCE_TEXELS, charts, expected_sizes, texel_places
from twin.outputs.web.codec import Bundle, unpack
from twin.outputs.web.geometry import facet_meshes, facets, grid_step_m, placed_faces
from twin.scene.charts import pack_shelves
from twin.scene.facets import facets_from_solids
from twin.scene.model import ColouredMesh, Overlay, SceneContent
from twin.scene.packing import pack_content

ASSETS = Path(__file__).parents[3] / "assets/web"


def houses(rng, n=60):
    """Boxes and gables turned and moved by chance, some thin as a board, with no corner on a whole centimetre."""
    solids = [
        (box_solid if i % 2 else gable_solid)(
            0, 0, *rng.uniform(0.02 if i % 7 == 0 else 3, 25, 2), 0, *heights
        )
        for i, heights in enumerate(
            (h,) if i % 2 else (h, h + r) for i, (h, r) in enumerate(rng.uniform(2, 30, (n, 2)))
        )
    ]
    mesh = facets_from_solids(solids, list(range(n)))
    of_vertex = np.zeros(len(mesh.vertices), np.int64)
    of_vertex[mesh.triangles] = mesh.owner[mesh.face][:, None]
    angle, place = rng.uniform(0, 2 * np.pi, n)[of_vertex], rng.uniform(0, 400, (n, 2))[of_vertex]
    x, y, z = (mesh.vertices - ORIGIN).T
    turned = np.column_stack(
        [x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle), z]
    )
    turned[:, :2] += place
    return replace(mesh, vertices=turned + ORIGIN)


def model(rng):
    """A dome, a cylinder's wall, and triangles by chance, slivers and one without area among them."""
    u, v = (a.ravel() for a in np.meshgrid(np.linspace(0, 2 * np.pi, 25)[:-1], np.linspace(0.02, 1.5, 9)))
    dome = 9 * np.column_stack([np.cos(u) * np.cos(v), np.sin(u) * np.cos(v), np.sin(v)])
    wall = np.column_stack([30 + 4 * np.cos(u), 4 * np.sin(u), 8 * v])
    a = np.array([24 * j + i for j in range(8) for i in range(24)])
    b = a - a % 24 + (a + 1) % 24
    quads = np.concatenate([np.column_stack([a, b, b + 24]), np.column_stack([a, b + 24, a + 24])])
    loose = rng.uniform(-20, 20, (40, 3, 3))
    loose[:20, 2] = loose[:20, 0] + rng.normal(0, 0.01, (20, 3))
    loose[0, 1] = loose[0, 0]
    points = np.concatenate([dome, wall, loose.reshape(-1, 3)])
    n = len(dome)
    triangles = np.concatenate([quads, quads + n, 2 * n + np.arange(120).reshape(-1, 3)]).astype(np.int32)
    return ColouredMesh(points + ORIGIN, triangles, np.full((len(triangles), 3), 99, np.uint8))


def town(seed):
    """Houses and a model."""
    rng = np.random.default_rng(seed)
    return SceneContent(
        name="town",
        crs="EPSG:28992",
        origin=ORIGIN,
        buildings=houses(rng),
        building_ids=tuple(map(str, range(60))),
        overlays=(Overlay("model", mesh=model(rng)),),
    )


@pytest.fixture(scope="module", params=["village", 1, 2, 3])
def pack(request):
    return pack_content(hostile_content() if request.param == "village" else town(request.param))


def found_again(pack):
    """Faces of a page, what is told of them, and where the scene has their points."""
    step = grid_step_m(pack)
    made = facets(pack, step)
    placed, texel = placed_faces(pack, made, step), pack["facet_texel"][made.points].astype(np.float64)
    return made, placed, charts(placed, texel), texel


def test_points_are_found_where_the_scene_has_them(pack):
    _, placed, told, texel = found_again(pack)
    off = np.abs(texel_places(placed, told) - texel).max(axis=1)
    assert off.max() <= TOLERANCE_TEXELS
    assert np.quantile(off, 0.9) < 0.1
    # Only slivers are told as they are.
    assert len(told.odd) < 0.03 * placed.n_faces
    assert (told.axis > 0).any()
    assert (told.wider != 0).mean() < 0.15


def test_no_size_stands_on_the_edge_between_two():
    metres = np.arange(0, 40, 0.25)[:, None] * [100, 100]
    for last_digit in (-1e-9, 0, 1e-9):
        sizes = expected_sizes(metres + last_digit, 25.0)
        assert (sizes[:, 0] == np.maximum(np.arange(160) + 1, 2)).all()


def test_a_city_without_faces_has_no_charts():
    pack = pack_content(replace(town(1), buildings=houses(np.random.default_rng(0), 0), overlays=()))
    _, placed, told, _ = found_again(pack)
    assert placed.n_faces == 0
    assert texel_places(placed, told).shape == (0, 2)


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (Debian: apt install chromium)")
def test_the_page_reckons_as_python_does():
    script = "".join(
        (ASSETS / f"{name}.js").read_text(encoding="utf-8") for name in ("unpack", "decode", "charts")
    )
    browser = Browser((200, 200))
    try:
        for content in (hostile_content(), town(1), town(2)):
            pack = pack_content(content)
            made, placed, told, _ = found_again(pack)
            bundle = Bundle()
            dark = np.zeros((*pack.meta.atlas, 2), np.uint8)
            header = {"facets": facet_meshes(pack, made, placed, dark, bundle)}
            header, data = unpack(bundle.pack(header))
            sent = base64.b64encode(data).decode()
            bytes_ = f"Uint8Array.from(atob('{sent}'), (c) => c.charCodeAt(0))"
            block = f"{{header: {json.dumps(header)}, data: {bytes_}}}"
            found = browser.run(
                f"(() => {{ {script}; const block = {block}, f = block.header.facets;"
                "const {texels, charts} = texelPlaces(block, placesOf(block, f.places), referencesOf(block, f.corners),"
                "numbers(block, f.faces, Uint32Array), faceTriangles(block));"
                "return [[...texels], ...['xs', 'ys', 'widths', 'heights'].map((k) => [...charts[k]])]; })()"
            )
            assert np.abs(np.reshape(found[0], (-1, 2)) - texel_places(placed, told)).max() < 1e-9
            assert np.array_equal(np.transpose(found[1:3]), pack_shelves(told.sizes)[0])
            assert np.array_equal(np.transpose(found[3:]), told.sizes)
    finally:
        browser.close()
