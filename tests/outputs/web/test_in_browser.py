"""The page in Chromium without a network: drawn, turned, asked, played; nothing hostile runs and nothing is fetched."""

import io
from dataclasses import replace
from datetime import timedelta, timezone

import numpy as np
import pytest
from PIL import Image

from tests.outputs.web.browser import CHROMIUM, Browser
from tests.outputs.web.hostile_village import ATTRIBUTES, IMAGE, SCRIPT, START, hostile_options, hostile_scene
from twin.outputs.web.page import write_page
from twin.outputs.web.timeline import choose_moments
from twin.scene.wording import worded

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="Chromium is not installed (Debian: apt install chromium)"
)
SIZE = (900, 640)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "village.html"
    write_page(path, hostile_scene(), ATTRIBUTES, hostile_options())
    return path


@pytest.fixture(scope="module")
def browser(page):
    opened = Browser(SIZE)
    opened.open(page)
    yield opened
    opened.close()


def look(browser):
    """The page as an array."""
    return np.asarray(Image.open(io.BytesIO(browser.picture())).convert("RGB")).astype(int)


def share_changed(before, after):
    """Share of the pixels that differ."""
    return float((np.abs(before - after).max(axis=2) > 8).mean())


def set_value(browser, name, value, event):
    """Set a control as a reader's hand does."""
    browser.run(
        f"(() => {{ const e = document.getElementById({name!r}); e.value = {value!r}; "
        f"e.dispatchEvent(new Event({event!r})); }})()"
    )


def home(browser):
    browser.run("document.getElementById('home').click()")
    browser.settle()


def house(browser):
    """Picks until a building is hit; its id."""
    for x in range(250, 700, 30):
        for y in range(200, 520, 30):
            browser.click(x, y)
            picked = browser.run("document.body.dataset.picked")
            if picked:
                return picked
    raise AssertionError("no click meets a building")


def test_the_village_is_drawn(browser):
    shown = look(browser)
    middle = shown[150:550, 200:700]
    assert len(np.unique((middle // 16).reshape(-1, 3), axis=0)) > 20
    # Grass, the canal's water and plaster are all there.
    r, g, b = (middle[..., i] for i in range(3))
    assert ((g > r + 10) & (g > b + 20)).mean() > 0.05
    assert ((b > r + 15) & (b > 90)).mean() > 0.004


def test_dragging_turns_the_city(browser):
    home(browser)
    before = look(browser)
    browser.drag((450, 320), (560, 340))
    assert share_changed(before, look(browser)) > 0.05
    home(browser)
    assert share_changed(before, look(browser)) < 0.01


def test_keys_walk_and_the_wheel_comes_nearer(browser):
    home(browser)
    before = look(browser)
    browser.key("KeyW", "w", 0.4)
    walked = look(browser)
    assert share_changed(before, walked) > 0.02
    browser.mouse("mouseWheel", 450, 320, deltaX=0, deltaY=-300)
    assert share_changed(walked, look(browser)) > 0.02


def test_a_click_tells_what_a_building_is(browser):
    home(browser)
    picked = house(browser)
    card = browser.run("document.getElementById('facts').textContent")
    assert picked in card
    assert "Height" in card or picked == "c"
    browser.run("document.getElementById('close').click()")
    assert browser.run("document.getElementById('card').hidden")


def test_water_rises_with_the_slider(browser):
    home(browser)
    set_value(browser, "moment", "0", "input")
    dry = look(browser)
    set_value(browser, "moment", "60", "input")
    wet = look(browser)
    assert share_changed(dry, wet) > 0.03
    assert (
        browser.run("document.getElementById('clock').value || document.getElementById('clock').textContent")
        == "2026-07-01 13:00 UTC"
    )
    # The gauges' text changes with it, and one of them has fallen silent.
    texts = browser.run("[...document.querySelectorAll('.mark:not([hidden]) span')].map(n => n.textContent)")
    assert texts
    assert all(t.startswith("1.00 m") for t in texts)


@pytest.mark.parametrize(
    ("hours", "told"), [(9.0, "2026-07-01 21:00 UTC+09:00"), (-3.5, "2026-07-01 08:30 UTC-03:30")]
)
def test_times_are_told_in_the_zone_of_the_first(tmp_path, hours, told):
    options = hostile_options()
    first = START.astimezone(timezone(timedelta(hours=hours)))
    options = replace(options, moments=choose_moments(options.layers, start=first))
    write_page(tmp_path / "zone.html", hostile_scene(), ATTRIBUTES, options)
    opened = Browser(SIZE)
    try:
        opened.open(tmp_path / "zone.html")
        assert opened.run("document.getElementById('clock').textContent") == told
    finally:
        opened.close()


@pytest.mark.parametrize(("language", "said"), [("ko", "0.00 m · 5분 전"), ("fi", "0.00 m · 5 min sitten")])
def test_ages_are_told_in_the_language_of_the_page(browser, language, said):
    home(browser)
    set_value(browser, "moment", "0", "input")
    set_value(browser, "language", language, "change")
    texts = browser.run("[...document.querySelectorAll('.mark span')].map(n => n.textContent)")
    set_value(browser, "language", "en", "change")
    assert said in texts
    assert "0.00 m · 5 min old" in browser.run(
        "[...document.querySelectorAll('.mark span')].map(n => n.textContent)"
    )


def test_the_city_stands_beside_the_legend_and_names_beside_values(browser):
    home(browser)
    set_value(browser, "moment", "60", "input")
    left = browser.run("document.getElementById('legend').getBoundingClientRect().left")
    whole = look(browser)
    browser.run("document.querySelector('[data-layer=ground]').click()")
    changed = np.abs(whole - look(browser)).max(axis=2) > 8
    browser.run("document.querySelector('[data-layer=ground]').click()")
    assert changed.any()
    assert np.flatnonzero(changed.any(axis=0)).max() < left
    values, names, marks = (
        browser.run(f"[...document.querySelectorAll('{q}')].map(n => n.getBoundingClientRect().toJSON())")
        for q in (".mark:not([hidden]) span:not([hidden])", ".label:not([hidden])", ".mark:not([hidden])")
    )
    assert len(values) > 1
    for i, value in enumerate(values):
        for other in [*names, *marks, *values[:i]]:
            apart = value["right"] <= other["left"] or other["right"] <= value["left"]
            assert apart or value["bottom"] <= other["top"] or other["bottom"] <= value["top"]


def test_a_drag_that_begins_on_a_value_turns_the_city_and_a_click_tells_of_its_station(browser):
    home(browser)
    set_value(browser, "moment", "60", "input")
    box = browser.run(
        "document.querySelector('.mark:not([hidden]) span:not([hidden])').getBoundingClientRect().toJSON()"
    )
    at = (box["left"] + box["width"] / 2, box["top"] + box["height"] / 2)
    before = look(browser)
    browser.drag(at, (at[0] + 120, at[1] + 20))
    assert share_changed(before, look(browser)) > 0.03
    assert browser.run("document.getElementById('card').hidden")
    home(browser)
    browser.click(*at)
    assert not browser.run("document.getElementById('card').hidden")
    assert "1.00 m" in browser.run("document.getElementById('facts').textContent")
    browser.run("document.getElementById('close').click()")


def test_layers_and_colours_are_switched(browser):
    home(browser)
    before = look(browser)
    browser.run("document.querySelector('[data-layer=buildings]').click()")
    assert share_changed(before, look(browser)) > 0.02
    browser.run("document.querySelector('[data-layer=buildings]').click()")
    assert share_changed(before, look(browser)) < 0.01
    options = browser.run("[...document.getElementById('colour').options].map(o => o.textContent)")
    set_value(browser, "colour", str(options.index("Roof type") - 1), "change")
    assert "Roof type" in browser.run("document.getElementById('legend').textContent")
    assert share_changed(before, look(browser)) > 0.01
    set_value(browser, "colour", "-1", "change")


def test_buildings_without_a_shape_have_an_outline(browser):
    home(browser)
    shown = look(browser)
    browser.run("document.querySelector('[data-layer=edges]').click()")
    hidden = look(browser)
    browser.run("document.querySelector('[data-layer=edges]').click()")
    dark = (shown.sum(axis=2) < 330) & (hidden.sum(axis=2) > shown.sum(axis=2) + 60)
    assert dark.sum() > 30
    assert "Building not built" in browser.run("document.getElementById('legend').textContent")


def test_search_finds_by_id_and_by_text(browser):
    set_value(browser, "search", "gable", "input")
    found = browser.run("document.getElementById('found').textContent")
    assert found == "gable · c"
    browser.run("document.querySelector('#found button').click()")
    assert browser.run("document.body.dataset.picked") == "c"
    set_value(browser, "search", "no such thing", "input")
    assert browser.run("document.getElementById('found').textContent") == "Nothing found"


def test_three_languages_and_two_themes(browser):
    for code, word in (("ko", "건물"), ("fi", "Rakennukset"), ("en", "Buildings")):
        set_value(browser, "language", code, "change")
        assert word in browser.run("document.getElementById('layers').textContent")
        assert browser.run("document.documentElement.lang") == code
        legend = browser.run("document.getElementById('legend').textContent")
        for text in ("Water depth, m", "over 0.5", "Building not built"):
            assert worded(text, code) in legend
    before = look(browser)
    browser.run("document.getElementById('theme').click()")
    assert look(browser).mean() < before.mean() - 40
    browser.run("document.getElementById('theme').click()")


def test_hostile_names_are_shown_and_do_nothing(browser, page):
    assert browser.run("window.pwned === undefined")
    assert browser.run("document.querySelector('h1').textContent") == f"Village {SCRIPT}"
    assert IMAGE in browser.run("document.getElementById('labels').textContent")
    assert browser.run("document.images.length") == 0
    assert browser.dialogs == []
    assert browser.requests == [page.resolve().as_uri()]
    assert [line for line in browser.console if not line.startswith("warning")] == []


def test_a_phone_turns_it_with_fingers(page):
    phone = Browser((390, 740), touch=True)
    try:
        phone.open(page)
        before = look(phone)
        points = [[{"x": 200, "y": 400}], [{"x": 250, "y": 410}], [{"x": 320, "y": 420}]]
        for kind, at in zip(("touchStart", "touchMove", "touchMove"), points, strict=True):
            phone.call("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})
        phone.call("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        assert share_changed(before, look(phone)) > 0.03
        reach = phone.run(
            "Math.max(...[...document.querySelectorAll('.mark:not([hidden]) span:not([hidden])')]"
            ".map(n => n.getBoundingClientRect()).filter(r => r.left < 390).map(r => r.right))"
        )
        assert 0 < reach <= 390
        width = phone.run("document.documentElement.scrollWidth")
        assert width <= 390
        assert [line for line in phone.console if not line.startswith("warning")] == []
    finally:
        phone.close()


def damaged(raw, how):
    """A page that something on its way has changed."""
    middle = raw.index(b'id="data"') + 2000
    if how == "cut":
        return raw[:middle]
    if how == "letter":
        return raw[:middle] + (b"A" if raw[middle : middle + 1] != b"A" else b"B") + raw[middle + 1 :]
    return raw[:middle] + raw[middle + 500 :]


@pytest.mark.parametrize("how", ["cut", "letter", "hole"])
def test_a_page_that_came_over_damaged_says_so(page, browser, tmp_path, how):
    other = tmp_path / "damaged.html"
    other.write_bytes(damaged(page.read_bytes(), how))
    with pytest.raises(RuntimeError, match="damaged or not whole: fetch it again"):
        browser.open(other)
    assert "다시 받으십시오" in browser.run("document.querySelector('#wait p').textContent")


@pytest.mark.parametrize("how", ["lines", "utf-16", "cp949"])
def test_a_page_survives_editors(page, browser, tmp_path, how):
    text, other = page.read_text(encoding="utf-8"), tmp_path / "edited.html"
    if how == "lines":
        start = text.index(">", text.index('id="data"')) + 1
        rows = [text[i : i + 4001] for i in range(start, len(text), 4001)]
        other.write_text(text[:start] + "\n".join(rows), encoding="utf-8", newline="\r\n")
    else:
        other.write_text(text, encoding=how)
    browser.open(other)
    assert browser.run("document.querySelector('h1').textContent") == f"Village {SCRIPT}"
