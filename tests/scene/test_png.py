"""PNG files that we write ourselves, read by others."""

from __future__ import annotations

import io
import sys
import zlib

import numpy as np
import pytest
from PIL import Image

from twin.scene.camera import Camera
from twin.scene.pack import PackMeta
from twin.scene.png import png_bytes
from twin.scene.sun import studio_sun

CAMERA = Camera((0.0, -45.0, 6.0), (0.0, 20.0, 0.0))


@pytest.fixture
def meta(village_scene) -> PackMeta:
    return village_scene.pack.meta


def picture(width: int, height: int) -> np.ndarray:
    """Smooth with some noise, so that filter and compression have something to do."""
    rng = np.random.default_rng(width * 1000 + height)
    slope = np.add.outer(np.arange(height), np.arange(width))[..., None] % 251
    return (slope + rng.integers(0, 5, (height, width, 3))).astype(np.uint8)


@pytest.mark.parametrize("size", [(16, 16), (1, 1), (2, 3), (1280, 720), (17, 4001), (4001, 17)])
def test_other_readers_see_the_same_pixels(meta, size) -> None:
    wanted = picture(*size)
    data = png_bytes(wanted, meta, CAMERA, studio_sun(120.0))
    Image.open(io.BytesIO(data)).verify()
    with Image.open(io.BytesIO(data)) as read:
        assert read.mode == "RGB"
        assert np.array_equal(np.asarray(read), wanted)
        assert read.text["Title"] == meta.name
        assert read.text["twin:crs"] == meta.crs


def test_letters_of_any_script_stay_whole(meta) -> None:
    from dataclasses import replace

    names = replace(meta, name="하천 Jöki 河", attribution=("© Jyväskylä", "부산"))
    with Image.open(io.BytesIO(png_bytes(picture(8, 8), names, CAMERA, studio_sun(120.0)))) as read:
        assert read.text["Title"] == "하천 Jöki 河"
        assert read.text["Source"] == "© Jyväskylä · 부산"


def test_without_the_quick_library_the_pixels_are_the_same(meta, monkeypatch) -> None:
    wanted = picture(300, 200)
    for name in ("isal", "isal.isal_zlib"):
        monkeypatch.setitem(sys.modules, name, None)
    with Image.open(io.BytesIO(png_bytes(wanted, meta, CAMERA, studio_sun(120.0)))) as read:
        assert np.array_equal(np.asarray(read), wanted)


def test_the_same_picture_gives_the_same_bytes_and_a_small_file(meta) -> None:
    wanted = picture(1280, 720)
    one, two = (png_bytes(wanted, meta, CAMERA, studio_sun(120.0)) for _ in range(2))
    assert one == two
    assert len(one) < 1.1 * len(zlib.compress(wanted.tobytes(), 1))
