"""Bytes come back from the letters of a page, and what was changed on the way is noticed."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.outputs.web.letters import LETTERS, from_letters, to_letters


@given(st.binary(max_size=200))
def test_bytes_come_back(data):
    text = to_letters(data)
    assert from_letters(text.encode(), len(data)) == data
    assert from_letters("\r\n".join([text[:30], text[30:]]).encode() + b"\n ", len(data)) == data


def test_letters_are_safe_in_any_page():
    text = to_letters(np.random.default_rng(0).integers(0, 256, 100_000, dtype=np.uint8).tobytes())
    assert set(text.encode()) == set(LETTERS)
    assert not set(text) & set("<>& \t\r\n\f\0")
    assert len(text) == pytest.approx(123_077, abs=2)


@pytest.mark.parametrize("wrong", [b"", b"abc", b"abcdefgh&jkl", b"abcdefghijkl\xc3\xa9", b"ab" * 40])
def test_other_text_is_refused(wrong):
    with pytest.raises(ValueError, match="do not hold 10 bytes"):
        from_letters(wrong, 10)


def test_ten_megabytes_take_no_time():
    data = bytes(10_000_000)
    started = time.process_time()
    text = to_letters(data).encode()
    assert time.process_time() - started < 3
    assert from_letters(text, len(data)) == data
