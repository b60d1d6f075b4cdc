"""Which encoding a text is in: UTF-8 where it can be, else CP949 where it reads as Korean."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

from twin.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

# Names in .cpg files and in the mouths of users that Python does not know.
_ALIASES = {
    "949": "cp949",
    "ms949": "cp949",
    "windows949": "cp949",
    "ansi949": "cp949",
    "ksc56011987": "cp949",
    "euckr": "cp949",
    "65001": "utf-8",
    "88591": "iso8859-1",
    "88592": "iso8859-2",
    "885915": "iso8859-15",
    "sjis": "cp932",
    "shiftjis": "cp932",
    "big5": "cp950",
    "ansi": "cp1252",
}
_HANGUL = ("\uac00", "\ud7a3")
_HANGUL_SHARE = 0.5


def codec_name(name: str, *, where: str = "--encoding") -> str:
    """Python's name of an encoding.

    CP949 is taken wherever EUC-KR is named: it holds all of EUC-KR, and the files that claim the smaller set use the
    larger one.

    Raises
    ------
    UsageError
        If there is no such encoding.

    Examples
    --------
    >>> codec_name("EUC-KR"), codec_name("65001"), codec_name("ANSI 1252"), codec_name("UTF8")
    ('cp949', 'utf-8', 'cp1252', 'utf-8')
    """
    plain = "".join(c for c in name.lower() if c.isalnum())
    for candidate in (_ALIASES.get(plain, ""), name.strip(), plain, f"cp{plain.removeprefix('ansi')}"):
        try:
            if candidate:
                return codecs.lookup(candidate).name
        except (LookupError, ValueError):
            continue
    raise UsageError(
        where, f"{name!r} is not a known text encoding", "give one such as utf-8, cp949 or cp1252"
    )


def guess_encoding(samples: Iterable[bytes]) -> str | None:
    """``"utf-8"`` or ``"cp949"`` if every sample decodes so and the second reads as Korean, else None.

    Parameters
    ----------
    samples : iterable of bytes
        Whole texts, such as the fields of a table.

    Examples
    --------
    >>> guess_encoding(["해운대구청".encode("cp949")]), guess_encoding(["부산".encode(), b"Busan"])
    ('cp949', 'utf-8')
    >>> guess_encoding(["Müller".encode("cp1252")]) is None
    True
    """
    samples = [s for s in samples if not s.isascii()]
    if not samples or all(_decodes(s, "utf-8") for s in samples):
        return "utf-8"
    texts = [_decodes(s, "cp949") for s in samples]
    if all(texts) and _hangul_share("".join(t for t in texts if t)) >= _HANGUL_SHARE:
        return "cp949"
    return None


def _decodes(sample: bytes, encoding: str) -> str | None:
    try:
        return sample.decode(encoding)
    except UnicodeDecodeError:
        return None


def _hangul_share(text: str) -> float:
    foreign = [c for c in text if ord(c) > 127]
    return sum(_HANGUL[0] <= c <= _HANGUL[1] for c in foreign) / max(1, len(foreign))
