"""Light as pictures: coarser for cities of many faces, yet near to what was baked."""

import io

import numpy as np
from PIL import Image

from twin.outputs.web.codec import Bundle
from twin.outputs.web.packing import unpacked
from twin.outputs.web.pictures import light_pictures
from twin.scene.bake import Light


def lit(n=512):
    """Patches of light and shade with soft rims and a little noise."""
    y, x = np.mgrid[0:n, 0:n]
    patches = (
        128
        + 100 * np.tanh(6 * np.sin(x / 9) * np.cos(y / 13))
        + np.random.default_rng(0).normal(0, 3, (n, n))
    )
    values = np.repeat(np.clip(patches, 0, 255).astype(np.uint8)[..., None], 4, axis=2)
    return Light(values, values, values[:64, :64], np.zeros((0, 2), np.uint8))


def opened(light, n_faces):
    bundle = Bundle()
    told = light_pictures(light, bundle, n_faces=n_faces)
    place = told["plan"]["sun"]
    _, beside = unpacked(bundle.pack({}))
    raw = beside[place["start"] : place["start"] + place["length"]]
    off = np.asarray(Image.open(io.BytesIO(raw)).convert("L")).astype(float) - light.plan[..., 0]
    return len(raw), float(np.sqrt((off**2).mean()))


def test_light_of_many_faces_takes_less_and_stays_near():
    light = lit()
    few, many = opened(light, 100_000), opened(light, 100_001)
    assert many[0] < 0.8 * few[0]
    assert few[1] < 5
    assert many[1] < 8
