"""Hostile text made safe to see: names of sensors, labels and values of others on screens, in logs, in tables."""

from __future__ import annotations

import unicodedata

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
"""What spreadsheets take for the start of a formula; the wide forms are made plain by some."""
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_JOINERS = {"\u200c", "\u200d"}
"""Needed to write Persian, Hindi and some emoji; harmless."""


def visible_text(text: str, *, max_chars: int = 200) -> str:
    r"""The text on one line, with every character that does not show as itself written out, and not too long.

    Control characters, escape codes of terminals, marks that turn the direction of writing, and line breaks become
    ``\x1b`` or ``\u202e``; letters of every script stay.

    Parameters
    ----------
    text : str
    max_chars : int
        Longer text ends in ``…``.

    Examples
    --------
    >>> print(visible_text("수위계\x1b[31m 1\n"))
    수위계\x1b[31m 1\x0a
    >>> print(visible_text("gauge \u202e1 level", max_chars=13))
    gauge \u202e…
    """
    shown = "".join(_shown(c) for c in text[: max_chars + 1])
    return shown if len(shown) <= max_chars else shown[: max_chars - 1] + "…"


def _shown(character: str) -> str:
    if unicodedata.category(character) not in _HIDDEN or character in _JOINERS:
        return character
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def spreadsheet_text(text: str, *, max_chars: int = 32_000) -> str:
    r"""The text as a cell that no spreadsheet takes for a formula: visible, and with an apostrophe before such a start.

    Plain numbers stay as they are.

    Examples
    --------
    >>> spreadsheet_text('=HYPERLINK("http://x")')
    '\'=HYPERLINK("http://x")'
    >>> spreadsheet_text("-1.5"), spreadsheet_text("Gauge 1"), spreadsheet_text(" =1+1")
    ('-1.5', 'Gauge 1', "' =1+1")
    """
    starts = text.lstrip(" \u00a0\u3000\ufeff").startswith(_FORMULA)
    shown = visible_text(text, max_chars=max_chars)
    return "'" + shown if starts and not _is_number(text) else shown


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.isascii() and text == text.strip()
