"""Every text in every language, with the same values in it; and every text that the program asks for."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

import twin
from twin.core.translations import LANGUAGES, _read, language_of, load_texts

PACKAGE = Path(twin.__file__).parent
ASKED = re.compile(r"""(?:\btexts|\bt|\b_t)\(\s*"([a-z_]+\.[A-Za-z_]+)\"""")


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
def test_a_language_has_the_texts_that_english_has(language):
    english, other = _read("en"), _read(language)
    assert other.keys() == english.keys()
    for key, text in other.items():
        assert text.strip(), key
        assert names_in(text) == names_in(english[key]), key


def names_in(text):
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name)


def test_every_text_that_is_asked_for_is_there():
    asked = {key for path in PACKAGE.rglob("*.py") for key in ASKED.findall(path.read_text(encoding="utf-8"))}
    assert len(asked) > 50
    assert not asked - load_texts("en").texts.keys()


@pytest.mark.parametrize(
    ("locale", "language"), [("ko_KR.UTF-8", "ko"), ("fi", "fi"), ("de_DE", "en"), ("", "en")]
)
def test_the_language_of_a_locale(locale, language):
    assert language_of(locale) == language
