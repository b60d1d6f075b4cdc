"""What pictures say in the language of their readers: phrases of the legends and remarks, from a book of phrases.

Layers name what they show in English. A phrase with values, such as ``over 2``, is found by its pattern; what the book
does not have, such as the name of a street, stays as it is.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from twin.core.assets import asset_path
from twin.core.translations import load_texts
from twin.scene.colour import Legend
from twin.scene.units import heading, unit_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from twin.scene.colour import LegendEntry
    from twin.scene.layers import MarkerView

BOOK = "translations/drawn.toml"
OWN_WORDS = frozenset({"state", "roof_type", "source"})
"""Attributes of buildings whose values are words of twin itself."""
_VALUE = "{}"
_ATTRIBUTE = "attribute."


@lru_cache(maxsize=4096)
def worded(text: str, language: str) -> str:
    """A text of a picture in another language; itself where the book does not have it.

    Examples
    --------
    >>> worded("Water depth, m", "fi"), worded("over 2", "ko"), worded("Kauppakatu", "ko")
    ('Veden syvyys (m)', '2 초과', 'Kauppakatu')
    """
    if language == "en" or not text:
        return text
    exact, patterns = _book(language)
    if text in exact:
        return exact[text]
    for pattern, phrase in patterns:
        found = pattern.fullmatch(text)
        if found is not None:
            return phrase.format(*(worded(value, language) for value in found.groups()))
    return text


def phrase_of(phrase: str, language: str) -> str:
    """A phrase with ``{}`` where its values stand; itself where the book does not have it.

    >>> phrase_of("{} min", "ko")
    '{}분'
    """
    return next((said for known, said in _book(language)[1] if known == _pattern(phrase)), phrase)


def worded_legends(legends: Iterable[Legend], language: str) -> list[Legend]:
    """Legends in another language."""
    return [
        Legend(
            worded_title(legend.title, language), tuple(_worded_entry(e, language) for e in legend.entries)
        )
        for legend in legends
    ]


def worded_title(title: str, language: str) -> str:
    """The parts of a title that several layers share."""
    return " · ".join(worded(part, language) for part in title.split(" · "))


def worded_markers(view: MarkerView, language: str) -> MarkerView:
    """Markers whose texts tell ages in another language."""
    if language == "en" or not view.text:
        return view
    return replace(view, text=tuple(worded(text, language) for text in view.text))


def _worded_entry(entry: LegendEntry, language: str) -> LegendEntry:
    known = dict(entry.words)
    return replace(entry, text=known.get(language) or worded(entry.text, language))


@cache
def _book(language: str) -> tuple[dict[str, str], list[tuple[re.Pattern[str], str]]]:
    """Phrases without values, and patterns of those with some, in the order of the book."""
    pages = tomllib.loads(asset_path(BOOK).read_text(encoding="utf-8"))
    exact = {text: page[language] for text, page in pages.items() if _VALUE not in text}
    exact |= _attributes(language)
    patterns = [
        (_pattern(text), page[language])
        for text, page in sorted(pages.items(), key=lambda item: -len(item[0]))
        if _VALUE in text
    ]
    return exact, patterns


def _pattern(phrase: str) -> re.Pattern[str]:
    return re.compile("(.+?)".join(re.escape(part) for part in phrase.split(_VALUE)))


def _attributes(language: str) -> dict[str, str]:
    """Headings of attributes: the names that panels give them, with their units."""
    found = {}
    for key, name in load_texts(language).texts.items():
        if key.startswith(_ATTRIBUTE):
            column = key.removeprefix(_ATTRIBUTE)
            unit = unit_of(column)
            found[heading(column, unit)] = f"{name} ({unit})" if unit and f"({unit})" not in name else name
    return found
