"""Pictures speak the language of the workspace; sensors have a legend of their own."""

import re
import string
import tomllib

import pytest

from twin.core.assets import asset_path
from twin.core.translations import LANGUAGES
from twin.live.model import Datastream
from twin.scene.colour import Legend, LegendEntry
from twin.scene.flood_colours import (
    arrival_classes,
    depth_classes,
    hazard_classes_of,
    velocity_classes,
    wall_classes,
)
from twin.scene.furniture import Sheet, legend_patches
from twin.scene.legend import sensor_legends
from twin.scene.live_looks import LOOKS, Colouring
from twin.scene.style import load_style
from twin.scene.wording import BOOK, worded, worded_legends
from twin.water.standards import hazard_standard

HAZARDS = ("aidr-2017", "fd2320-2008")
OTHERS = [code for code in LANGUAGES if code != "en"]
HANGUL = re.compile("[가-힣]")


def test_every_phrase_is_in_every_language_with_its_values():
    pages = tomllib.loads(asset_path(BOOK).read_text(encoding="utf-8"))
    for text, page in pages.items():
        assert page.keys() == set(OTHERS), text
        for phrase in page.values():
            assert phrase.strip()
            assert phrase.count("{}") == text.count("{}"), text
            assert not [name for _, name, _, _ in string.Formatter().parse(phrase) if name]


@pytest.mark.parametrize(
    "classes",
    [
        *(depth_classes(), wall_classes(), velocity_classes(), arrival_classes(9e3)),
        *(hazard_classes_of(hazard_standard(name)) for name in HAZARDS),
    ],
)
def test_legends_of_floods_are_wholly_korean(classes):
    (legend,) = worded_legends([classes.legend], "ko")
    assert HANGUL.search(legend.title)
    for text in (entry.text for entry in legend.entries):
        assert not re.search("[a-z]{2}", text), text


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_known_properties_have_names(look):
    title = Colouring(look.name, []).legend.title or look.title
    assert HANGUL.search(
        worded(title if "," in title or look.name == "vehicle_count" else f"{title}, x", "ko")
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", HAZARDS)
def test_classes_of_hazard_are_told_apart_in_short_words(name, language):
    (legend,) = worded_legends([hazard_classes_of(hazard_standard(name)).legend], language)
    texts = [entry.text for entry in legend.entries]
    assert len({text.partition(" ")[2] for text in texts}) == len(texts)
    assert all(len(text) <= 40 and "…" not in text for text in texts)


def test_bands_keep_their_own_words():
    legend = Colouring("pm2_5", [Datastream("s", "t", observed_property="pm2_5", unit="ug/m3")]).legend
    by_text = dict(
        zip((e.text for e in legend.entries), worded_legends([legend], "ko")[0].entries, strict=True)
    )
    assert by_text["Good"].text == "좋음"
    text = next(text for text in by_text if text.startswith("Unhealthy from "))
    assert by_text[text].text == f"나쁨 ({text.removeprefix('Unhealthy from ')} 이상)"


def test_what_the_book_does_not_know_stays_and_values_are_put_in():
    assert worded("<b>Katu</b> {0}", "ko") == "<b>Katu</b> {0}"
    assert worded("typhoon: greatest depth at each place", "fi") == "typhoon: suurin syvyys kussakin paikassa"
    assert worded("live: of 9 sensors 2 old, 1 invalid", "ko") == "센서: 센서 9개 중 2개 오래됨, 1개 무효"
    assert worded("0.90 m · 20 min old", "ko") == "0.90 m · 20분 전"
    assert worded("Height above ground (m)", "en") == "Height above ground (m)"
    assert worded("Height (m)", "fi") == "Korkeus maanpinnasta (m)"


def test_sensors_stand_on_a_panel_of_their_own():
    area = Legend("Water depth, m", (LegendEntry("up to 1", (0, 0, 1)),))
    marks = Legend("PM2.5", (LegendEntry("Good", (0, 0, 1), "point"),))
    loose = Legend("", (LegendEntry("Noise", (0, 0, 1), "point"),))
    found = sensor_legends([area, marks, loose])
    assert [legend.title for legend in found] == ["PM2.5", "Sensors"]
    patches = legend_patches(Sheet((800, 450), load_style("light")), [[area], found, []])
    assert len(patches) == 2
    assert patches[1].box[1] > patches[0].box[3]
    assert patches[0].box[2] == patches[1].box[2]
