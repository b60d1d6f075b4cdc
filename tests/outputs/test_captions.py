"""Captions: from files, in several languages, over pictures."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from twin.core.errors import ConfigError, InputError, InputNotFoundError, LimitError, UsageError
from twin.outputs.captions import Caption, read_captions, require_language, shown_at
from twin.outputs.film_marks import broken, caption_patches, logo_patch, read_logo
from twin.scene.furniture import Sheet
from twin.scene.style import load_style

TOML = """
[[caption]]
from = 2
to = 4.5
en = "Rain"
ko = "비"
fi = "Sade"
[[caption]]
from = 0.0
to = 2.5
kind = "title"
en = "The storm"
ko = "폭풍"
"""
CSV = 'from,to,kind,en,ko\n2,4.5,,Rain,비\n0,2.5,title,"The storm",폭풍\n'
SHEET = Sheet((640, 360), load_style("light"))


def written(tmp_path, text, name="words.toml"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_toml_and_csv_say_the_same(tmp_path) -> None:
    title, rain = read_captions(written(tmp_path, TOML))
    assert (title.kind, title.text["ko"], rain.start_s, rain.end_s) == ("title", "폭풍", 2.0, 4.5)
    from_csv = read_captions(written(tmp_path, CSV.encode("utf-8-sig"), "words.csv"))
    assert from_csv[0] == title
    assert from_csv[1].text == {"en": "Rain", "ko": "비"}


def test_captions_fade_in_and_out_and_may_overlap(tmp_path) -> None:
    captions = read_captions(written(tmp_path, TOML))
    assert [s.text for s in shown_at(captions, 2.2, "en")] == ["The storm", "Rain"]
    assert shown_at(captions, 0.0, "ko")[0].alpha == 0.0
    assert shown_at(captions, 1.0, "ko")[0].alpha == 1.0
    assert shown_at(captions, 4.5, "en") == ()
    assert shown_at(captions, 1.0, "fi") == ()


@pytest.mark.parametrize(
    ("text", "name", "words"),
    [
        ("a = 1", "a.toml", "knows"),
        ("[[caption]]\nfrom = 1\nen = 'x'", "a.toml", "from and to"),
        ("[[caption]]\nfrom = 3\nto = 1\nen = 'x'", "a.toml", "end after"),
        ("[[caption]]\nfrom = -3\nto = 1\nen = 'x'", "a.toml", "begin"),
        ("[[caption]]\nfrom = nan\nto = 1\nen = 'x'", "a.toml", "from and to"),
        ("[[caption]]\nfrom = 0\nto = 1\nkind = 'x'\nen = 'x'", "a.toml", "kind"),
        ("[[caption]]\nfrom = 0\nto = 1", "a.toml", "texts"),
        ("[[caption]]\nfrom = 0\nto = 1\nenglish = 'x'", "a.toml", "texts"),
        ("[[caption]]\nfrom = 0\nto = 1\nen = 5", "a.toml", "texts"),
        ("caption = 5", "a.toml", "knows"),
        (b"\xff\xfe", "a.toml", "no file of captions"),
        ("from,en\n1,x", "a.csv", "first row"),
        ("from,to,en\n1,2", "a.csv", "cells"),
        ("from,to,en\n1,2,x,y", "a.csv", "cells"),
        ("from,to,en\na,2,x", "a.csv", "no file of captions"),
        (b"#" * 1_100_000, "a.toml", "MiB"),
    ],
)
def test_files_that_cannot_be_meant(tmp_path, text, name, words) -> None:
    with pytest.raises(ConfigError, match=words):
        read_captions(written(tmp_path, text, name))


def test_missing_files_and_languages_are_named(tmp_path) -> None:
    with pytest.raises(InputNotFoundError):
        read_captions(tmp_path / "none.toml")
    captions = (Caption(0, 1, {"en": "a"}), Caption(0, 1, {"ko": "b"}))
    with pytest.raises(UsageError, match="en, ko"):
        require_language(captions, "fi")
    require_language((), "fi")


def test_long_captions_break_and_stay_in_the_picture() -> None:
    text = "every building of the district was measured once from the air " * 3 + "x" * 200
    lines = broken(SHEET, text, 25.0, bold=False)
    assert len(lines) > 3
    assert "".join("".join(lines).split()) == "".join(text.split())
    (patch,) = caption_patches(SHEET, shown_at((Caption(0, 9, {"en": text}),), 3, "en"))
    assert patch.x >= 0
    assert patch.x + patch.image.width <= 640


def test_korean_and_finnish_letters_are_drawn() -> None:
    large = Sheet((3200, 1800), SHEET.style)

    def ink(text):
        (patch,) = caption_patches(large, shown_at((Caption(0, 9, {"en": text}),), 3, "en"))
        return np.asarray(patch.image)[..., :3].min(axis=2) < 100

    assert ink("강 하구").sum() > 40
    assert ink("äö").sum() > ink("ao").sum()


def test_a_faded_caption_is_clearer() -> None:
    faded, full = (
        np.asarray(caption_patches(SHEET, shown_at((Caption(0, 9, {"en": "a"}),), t, "en"))[0].image)[
            ..., 3
        ].max()
        for t in (0.1, 3.0)
    )
    assert faded == pytest.approx(full / 4, abs=2)


def test_logos_keep_their_shape(tmp_path) -> None:
    path = tmp_path / "logo.png"
    Image.new("RGBA", (400, 100), (255, 0, 0, 128)).save(path)
    patch = logo_patch(SHEET, read_logo(path))
    assert patch.image.width / patch.image.height == pytest.approx(4, rel=0.1)
    assert patch.x + patch.image.width < 640


def test_logos_that_are_none(tmp_path) -> None:
    with pytest.raises(InputNotFoundError):
        read_logo(tmp_path / "none.png")
    with pytest.raises(InputError, match="no PNG"):
        read_logo(written(tmp_path, "x", "text.png"))
    Image.new("L", (5000, 4000)).save(tmp_path / "large.png")
    with pytest.raises(LimitError, match="5000 x 4000"):
        read_logo(tmp_path / "large.png")
    bomb = tmp_path / "bomb.png"
    Image.new("1", (60_000, 6_000)).save(bomb)
    with pytest.raises(LimitError):
        read_logo(bomb)
    cut = tmp_path / "cut.png"
    cut.write_bytes(path_bytes(tmp_path)[:60])
    with pytest.raises(InputError):
        read_logo(cut)


def path_bytes(tmp_path) -> bytes:
    Image.effect_noise((64, 64), 90).save(tmp_path / "noise.png")
    return (tmp_path / "noise.png").read_bytes()
