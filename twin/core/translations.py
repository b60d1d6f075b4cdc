"""Texts in the languages of the user, from files that the package ships: Korean, English, Finnish."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from twin.core.assets import asset_path
from twin.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

LANGUAGES = {"en": "English", "ko": "한국어", "fi": "Suomi"}
"""Codes and the names by which their speakers know them."""


@dataclass(frozen=True)
class Texts:
    """The texts of one language; what it lacks is told in English.

    Parameters
    ----------
    language : str
        One of `LANGUAGES`.
    texts : mapping
        ``section.key`` to a text with ``{names}`` for values.

    Examples
    --------
    >>> texts = load_texts("fi")
    >>> texts("action.open")
    'Avaa'
    """

    language: str
    texts: Mapping[str, str]

    def __call__(self, key: str, **values: Any) -> str:
        """The text of a key with its values put in.

        Raises
        ------
        KeyError
            If no language has it: a mistake of the program, found by the tests.
        """
        text = self.texts[key]
        return text.format(**values) if values else text

    def get(self, key: str, default: str) -> str:
        """The text of a key that may be missing, such as the name of an attribute."""
        return self.texts.get(key, default)


@cache
def load_texts(language: str) -> Texts:
    """The texts of a language.

    Raises
    ------
    UsageError
        If twin does not speak it.
    """
    if language not in LANGUAGES:
        raise UsageError("--language", f"{language!r} is not spoken here", f"choose {', '.join(LANGUAGES)}")
    return Texts(language, {**_read("en"), **_read(language)})


def _read(language: str) -> dict[str, str]:
    path = asset_path(f"translations/{language}.toml")
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    return {f"{section}.{key}": text for section, entries in data.items() for key, text in entries.items()}


def language_of(locale: str) -> str:
    """The language for a locale such as ``ko_KR.UTF-8``; English for one that is not spoken.

    Examples
    --------
    >>> language_of("fi_FI.UTF-8"), language_of("C")
    ('fi', 'en')
    """
    code = locale.partition("_")[0].partition(".")[0].lower()
    return code if code in LANGUAGES else "en"
