"""Packed bytes come back, in Python and in the page; damaged ones are refused."""

import base64
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.outputs.web.browser import CHROMIUM, Browser
from twin.core.assets import asset_path
from twin.outputs.web.packing import packed, unpacked

RUNS = st.lists(st.tuples(st.binary(max_size=6), st.integers(1, 400)), max_size=30)


@given(RUNS, st.binary(max_size=40))
def test_bytes_come_back(runs, beside):
    data = b"".join(part * n for part, n in runs)
    assert unpacked(packed(data, beside)) == (data, beside)


@given(st.integers(0, 10**6), st.integers(1, 255))
@settings(max_examples=300)
def test_damage_is_noticed_wherever_it_is(where, changed):
    data = bytes(range(256)) * 4 + np.random.default_rng(1).bytes(200)
    block = bytearray(packed(data, b"beside"))
    block[where % len(block)] ^= changed
    with pytest.raises(ValueError, match="checksum"):
        unpacked(bytes(block))


def hard_cases():
    """What uses every kind of match: none, near, far, repeated distances in turn, long, and none at all."""
    random = np.random.default_rng(3)
    noise = random.integers(0, 256, 70_000, np.uint8).tobytes()
    parts = [noise[:300], noise[900:1300], noise[40_000:40_050], noise[5:90]]
    turns = b"".join(parts[i] + bytes([i]) for i in random.integers(0, 4, 400))
    ramp = (np.arange(9000) // 7).astype("<u2").tobytes()
    return [
        b"",
        b"a",
        b"a" * 5000,
        noise,
        noise + noise[::-1] + noise,
        turns,
        ramp,
        turns + ramp + noise + turns,
    ]


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (Debian: apt install chromium)")
def test_the_page_unpacks_what_python_packs():
    script = asset_path("web/unpack.js").read_text(encoding="utf-8")
    browser = Browser((200, 200))
    try:
        for data in hard_cases():
            sent = base64.b64encode(packed(data, b"beside")).decode()
            found = browser.run(
                f"(() => {{ {script}; const sent = Uint8Array.from(atob('{sent}'), (c) => c.charCodeAt(0));"
                "const { data, beside } = unpacked(sent);"
                "let text = ''; for (const byte of data) text += String.fromCharCode(byte);"
                "return [btoa(text), String.fromCharCode(...beside)]; })()"
            )
            assert base64.b64decode(found[0]) == data
            assert found[1] == "beside"
    finally:
        browser.close()


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed (Debian: apt install chromium)")
def test_the_page_refuses_what_is_damaged():
    script = asset_path("web/unpack.js").read_text(encoding="utf-8")
    block = packed(hard_cases()[5], b"beside")
    damaged = [block[:7], block[:200], block[:-1]]
    for where in (0, 5, 9, 13, 400, len(block) - 3):
        changed = bytearray(block)
        changed[where] ^= 0x41
        damaged.append(bytes(changed))
    sent = json.dumps([base64.b64encode(d).decode() for d in damaged])
    browser = Browser((200, 200))
    try:
        found = browser.run(
            f"(() => {{ {script}; return {sent}.map((text) => {{"
            "try { unpacked(Uint8Array.from(atob(text), (c) => c.charCodeAt(0))); return 'read'; }"
            "catch (error) { return error.constructor.name; } }); })()"
        )
        assert found == ["DamageError"] * len(damaged)
    finally:
        browser.close()
