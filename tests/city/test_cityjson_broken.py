"""Broken city models: the message names file, place and cause, and nothing but a TwinError comes out."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest

from tests.city.broken_cityjson import BROKEN, TOO_LONG, Broken, as_sequence, sound_model
from twin.city.cityjson import read_cityjson
from twin.core.errors import InputError, InputNotFoundError, TwinError
from twin.core.notices import Notices

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("broken", BROKEN, ids=lambda b: b.name)
def test_a_broken_file_is_refused_with_its_cause(broken: Broken, tmp_path: Path) -> None:
    path = broken.write(tmp_path)
    with pytest.raises(broken.error) as caught:
        read_cityjson(path, notices=Notices())
    message = str(caught.value)
    assert str(path) in message
    for word in broken.words:
        assert word in message, message


@pytest.mark.parametrize("broken", TOO_LONG, ids=lambda b: b.name)
def test_length_is_checked_before_parsing(
    broken: Broken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TWIN_MAX_JSON_BYTES", "4000")
    with pytest.raises(broken.error) as caught:
        read_cityjson(broken.write(tmp_path), notices=Notices())
    assert all(word in str(caught.value) for word in broken.words)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputNotFoundError, match=r"nope\.city\.json: not found"):
        read_cityjson(tmp_path / "nope.city.json", notices=Notices())
    with pytest.raises(InputError, match="folder"):
        read_cityjson(tmp_path, notices=Notices())


@pytest.mark.parametrize("form", ["document", "sequence"])
def test_damaged_bytes_raise_only_our_errors(form: str, tmp_path: Path) -> None:
    values = [sound_model()] if form == "document" else as_sequence(sound_model())
    sound = b"\n".join(json.dumps(v).encode() for v in values)
    path = tmp_path / ("m.city.json" if form == "document" else "m.city.jsonl")
    rng = random.Random(20_260_301)
    n_refused = 0
    for _ in range(400):
        data = bytearray(sound)
        for _ in range(rng.choice([1, 1, 2, 5])):
            i = rng.randrange(len(data))
            data[i : i + rng.choice([0, 1, 1, 3])] = rng.choice(
                [b"", b"9", b"-", b"[", b"\xff", b'"', b"null"]
            )
        path.write_bytes(bytes(data))
        try:
            read_cityjson(path, notices=Notices())
        except TwinError:
            n_refused += 1
    assert n_refused > 100


def test_a_transform_that_leads_beyond_all_numbers_is_told(tmp_path: Path) -> None:
    model = sound_model()
    model["transform"]["scale"] = [1e308, 0.001, 0.001]
    (tmp_path / "m.city.json").write_text(json.dumps(model))
    with pytest.raises(InputError, match="beyond all numbers"):
        read_cityjson(tmp_path / "m.city.json", notices=Notices())
