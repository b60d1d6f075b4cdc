"""Light of faces: near to what was baked, smaller than a picture of it, and the page sees the same."""

import base64

import numpy as np
import pytest

from tests.outputs.web.browser import CHROMIUM, Browser
from twin.core.assets import asset_path
from twin.outputs.web.lit_charts import COARSE, FINE, LightSteps, encode_charts
from twin.outputs.web.pictures import webp
from twin.scene.charts import pack_shelves


def lit_faces(n=4000, seed=0):
    """Rectangles laid in rows, each with a slope of light of its own, soft shades and a little noise."""
    random = np.random.default_rng(seed)
    sizes = random.integers(2, 9, (n, 2))
    corners, (rows, columns) = pack_shelves(sizes)
    light = np.zeros((rows, columns), np.uint8)
    for (x, y), (w, h) in zip(corners.astype(int), sizes, strict=True):
        v, u = np.mgrid[0:h, 0:w]
        base, slope, shade = random.uniform(30, 220), random.uniform(-6, 6, 2), random.uniform(-3, 12)
        value = base + slope[0] * u + slope[1] * v - 90 * (u + v > shade) + random.normal(0, 2, (h, w))
        light[y : y + h, x : x + w] = np.clip(value, 0, 255)
    return light, corners.astype(np.int64), sizes


@pytest.mark.parametrize("steps", [FINE, COARSE])
def test_light_is_near_to_what_was_baked(steps):
    light, corners, sizes = lit_faces()
    _, seen = encode_charts(light, corners, sizes, steps)
    off = np.abs(seen.astype(int) - light)
    assert off.max() <= max(steps.slack, steps.step // 2)
    assert np.sqrt((off**2).mean()) < 0.6 * steps.slack


def test_it_takes_less_than_a_picture_that_is_as_near():
    light, corners, sizes = lit_faces()
    told, seen = encode_charts(light, corners, sizes, COARSE)
    off = np.sqrt(((seen.astype(float) - light) ** 2).mean())
    assert len(told) < 0.7 * len(webp(light, 35))
    assert off < 7


def test_without_slack_levels_are_the_nearest():
    light, corners, sizes = lit_faces(300)
    _, seen = encode_charts(light, corners, sizes, LightSteps(1, 0))
    assert np.array_equal(seen, light)


def test_no_faces_take_no_light():
    told, seen = encode_charts(np.zeros((64, 64), np.uint8), *[np.zeros((0, 2), np.int64)] * 2, FINE)
    assert len(told) == 5
    assert not seen.any()


def test_noise_is_told_too():
    light, corners, sizes = lit_faces(900)
    light[:] = np.random.default_rng(1).integers(0, 256, light.shape)
    told, seen = encode_charts(light, corners, sizes, LightSteps(1, 0))
    _, (rows, columns) = pack_shelves(sizes)
    inside = np.zeros((rows, columns), bool)
    for (x, y), (w, h) in zip(corners, sizes, strict=True):
        inside[y : y + h, x : x + w] = True
    assert np.array_equal(seen[inside], light[inside])
    assert len(told) > inside.sum()


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (Debian: apt install chromium)")
def test_the_page_sees_the_same_light():
    script = "".join(asset_path(f"web/{name}.js").read_text(encoding="utf-8") for name in ("unpack", "light"))
    browser = Browser((200, 200))
    try:
        for steps in (FINE, COARSE, LightSteps(1, 0)):
            light, corners, sizes = lit_faces(1500, seed=steps.step)
            told, seen = encode_charts(light, corners, sizes, steps)
            fields = zip(("xs", "ys", "widths", "heights"), [*corners.T, *sizes.T], strict=True)
            charts = ", ".join(f"{name}: {values.tolist()}" for name, values in fields)
            found = browser.run(
                f"(() => {{ {script}; const bytes = Uint8Array.from(atob('{base64.b64encode(told).decode()}'),"
                f"(c) => c.charCodeAt(0)), shape = {list(light.shape)};"
                f"return [...litCharts(bytes, {steps.step}, shape, {{{charts}}})]; }})()"
            )
            assert np.array_equal(np.reshape(found, light.shape), seen)
    finally:
        browser.close()
