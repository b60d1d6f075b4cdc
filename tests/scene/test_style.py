"""Styles from files."""

import pytest

from twin.core.assets import asset_names, asset_path
from twin.core.errors import ConfigError, InputNotFoundError, UsageError
from twin.reconstruct.building_model import BuildingState
from twin.scene.style import load_style, parse_colour, style_names


def test_shipped_styles_have_the_same_keys():
    light, *others = (load_style(name) for name in ("light", *style_names()))
    for style in others:
        assert {k for k in style.colours if not k.startswith("category.")} == set(light.colours)
        assert set(style.numbers) == set(light.numbers)


def test_the_dark_style_is_dark():
    light, dark = load_style("light"), load_style("dark")
    assert sum(dark.rgb("sky.ground")) < 0.4 * sum(light.rgb("sky.ground"))


def test_a_file_changes_what_it_names(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        '[water]\ndeep = "#102030"\n[building]\nwalls = ["#ffffff", "#eeeeee"]\n', encoding="utf-8"
    )
    style = load_style(str(path))
    assert style.rgb("water.deep") == (16, 32, 48)
    assert len(style.colours["building.walls"]) == 2
    assert style.rgb("terrain.road") == load_style("light").rgb("terrain.road")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("water = 3", "must be a section"),
        ('[water]\nwet = "#000000"', "is not a key"),
        ('[water]\ndeep = "blue"', "'blue' is no colour"),
        ("[water]\ndeep = []", "has no colour"),
        ("[water", "is no style file"),
        ('base = "states"', "is no whole style"),
        ("color_by = 3", "must be a text"),
        ("a = " + "[" * 30_000, "nested"),
        ("[light]\nsun_share = 1" + "0" * 400, "light.sun_share"),
        ("[light]\nsun_share = nan", "light.sun_share"),
    ],
)
def test_a_mistake_in_a_style_is_told_with_file_and_key(tmp_path, text, words):
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=words) as caught:
        load_style(str(path))
    assert "mine.toml" in caught.value.where


def test_a_style_of_states_names_every_state():
    states = load_style("states")
    assert states.color_by == "state"
    assert set(states.categories) == {str(s) for s in BuildingState}
    assert len(set(states.categories.values())) == len(BuildingState)


def test_a_style_stands_on_another(tmp_path):
    path = tmp_path / "mine.toml"
    text = 'base = "dark"\ncolor_by = "roof_type"\n[category]\ngable = "#102030"\n'
    path.write_text(text, encoding="utf-8")
    style = load_style(str(path))
    assert style.rgb("water.deep") == load_style("dark").rgb("water.deep")
    assert (style.color_by, style.categories) == ("roof_type", {"gable": (16, 32, 48)})


def test_an_unknown_style_names_the_known_ones():
    with pytest.raises(UsageError, match="dark, light, quality, states"):
        load_style("sepia")


@pytest.mark.parametrize("text", ["#12345", "123 456", "#gggggg", 7])
def test_what_is_no_colour(text):
    with pytest.raises(ValueError, match="is no colour"):
        parse_colour(text)


def test_assets_are_found_and_missing_ones_told():
    assert asset_path("styles/light.toml").is_file()
    assert "viridis.csv" in asset_names("colormaps")
    with pytest.raises(InputNotFoundError, match=r"light\.toml"):
        asset_path("styles/none.toml")
    assert asset_names("nowhere") == ()


def test_every_colour_map_names_its_source_and_licence():
    for name in asset_names("colormaps"):
        text = asset_path(f"colormaps/{name}").read_text(encoding="utf-8")
        assert "# source: " in text
        assert "# licence: " in text
