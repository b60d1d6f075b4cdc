"""Sizes of pictures as text."""

from __future__ import annotations

import pytest

from twin.core.errors import UsageError
from twin.core.pixels import parse_size


@pytest.mark.parametrize("text", ["²x³", "٣x٤", "0x9", "-1x9", "9" * 5000 + "x1", "9"])
def test_what_is_no_size_is_said(text: str) -> None:
    with pytest.raises(UsageError, match="size in pixels"):
        parse_size(text)
