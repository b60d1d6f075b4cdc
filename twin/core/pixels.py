"""Sizes of pictures as they are written."""

from __future__ import annotations

from twin.core.errors import UsageError


def parse_size(text: str) -> tuple[int, int]:
    """Width and height from ``1920x1080``.

    Raises
    ------
    UsageError
        If it is not two positive whole numbers.

    >>> parse_size("1920x1080")
    (1920, 1080)
    """
    width, _, height = text.lower().partition("x")
    if not (
        len(text) < 20
        and text.isascii()
        and width.isdigit()
        and height.isdigit()
        and int(width)
        and int(height)
    ):
        raise UsageError("--size", f"{text!r} is not a size in pixels", "give it as 1920x1080")
    return int(width), int(height)
