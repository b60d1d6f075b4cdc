"""What the page says in its languages: its own words, and the texts of legends and remarks as pictures have them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from twin.core.assets import asset_path
from twin.scene.units import heading
from twin.scene.wording import phrase_of, worded, worded_title

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

LANGUAGES = ("en", "ko", "fi")
AGES = ("{} · {} old", "{} min", "{} s", "{} h", "{} d")
"""Phrases that tell how old a value is, the longest first."""


def column_label(column: Mapping[str, Any], language: str = "en") -> str:
    """What an attribute is called; its unit stands beside its values.

    >>> column_label({"name": "height_m", "unit": "m"}), column_label({"name": "height_m", "unit": "m"}, "fi")
    ('Height', 'Korkeus maanpinnasta')
    """
    unit = column["unit"]
    return worded(heading(column["name"], unit), language).removesuffix(f" ({unit})")


def page_words(
    looks: Mapping[str, Any],
    tracks: Sequence[Mapping[str, Any]],
    colourings: Sequence[Mapping[str, Any]],
    columns: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Words by language, with what legends and remarks say in English, and how.

    ``texts`` of each has it by what is said in English; ``phrases`` those of ages, whose values the page puts in:
    a storm of some hundred stations tells thousands of them.

    Parameters
    ----------
    looks, tracks, colourings, columns
        As the header of the page has them.
    """
    words: dict[str, Any] = json.loads(asset_path("web/words.json").read_text(encoding="utf-8"))
    legends = [
        *(legend for look in looks.values() for legend in look["legends"]),
        *(legend for track in tracks for legend in track["legends"]),
        *(colouring["legend"] for colouring in colourings),
    ]
    titles = {legend["title"] for legend in legends}
    texts = {entry["text"] for legend in legends for entry in legend["entries"]} | set(_remarks(tracks))
    if any("markers" in track for track in tracks):
        texts.add("no data")
    own = {text for column in columns if column["own"] for text in column.get("texts", ())}
    words["en"]["texts"] |= {text: text.replace("_", " ") for text in sorted(own) if "_" in text}
    for language in LANGUAGES[1:]:
        words[language]["phrases"] = [[phrase, phrase_of(phrase, language)] for phrase in AGES]
        said = {text: worded(text, language) for text in texts}
        said |= {title: worded_title(title, language) for title in titles}
        said |= {column_label(c): column_label(c, language) for c in columns}
        known = words[language]["texts"]
        for text in own:
            plain = text.replace("_", " ")
            found = worded(plain, language)
            said[text] = found if found != plain else known.get(text, plain)
        known |= {text: phrase for text, phrase in sorted(said.items()) if phrase != text}
    return words


def _remarks(tracks: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for track in tracks:
        for remarks in track["remarks"]:
            yield from remarks
