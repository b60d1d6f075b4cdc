"""The page as a file: what it says, what it lets run, and what it refuses."""

import base64
import hashlib
import re

import numpy as np
import pytest

from tests.outputs.web.hostile_village import ATTRIBUTES, CLOSER, IDS, hostile_options, hostile_scene
from twin.core.errors import OutputExistsError, StorageError, UsageError
from twin.core.notices import Notices
from twin.outputs.web.codec import Bundle, read, read_places, read_references, unpack
from twin.outputs.web.letters import from_letters
from twin.outputs.web.library import three_js
from twin.outputs.web.packing import unpacked
from twin.outputs.web.page import PageOptions, encode_page, page_text, read_page_counts, write_page
from twin.outputs.web.table import attribute_columns
from twin.outputs.web.words import page_words


@pytest.fixture(scope="module")
def scene():
    return hostile_scene()


@pytest.fixture(scope="module")
def block(scene):
    return encode_page(scene, ATTRIBUTES, hostile_options())


def test_names_of_the_data_are_not_in_the_text(block):
    text = page_text(block, title=CLOSER, language="en")
    assert "pwned" not in text
    assert "<svg onload" not in text
    assert text.count("<script") == 3
    assert text.count("</script>") == 3
    assert text.count("<style>") == text.count("</style>") == 1
    assert text.isascii()


def scripts(text):
    """What runs in a page: what begins, and the program that it unpacks."""
    start = re.search(r"<script>(.*?)</script>", text, re.DOTALL)[1]
    n_bytes, letters = re.search(r'id="program" data-bytes="(\d+)">([^<]+)</script>', text).groups()
    return start, unpacked(from_letters(letters.encode(), int(n_bytes)))[0].decode()


def test_the_policy_knows_the_scripts_and_nothing_else(block):
    text = page_text(block, title="x", language="en")
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)[1]
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe" not in policy
    assert "http" not in policy
    style = re.search(r"<style>(.*)</style>", text, re.DOTALL)[1]
    for part in (*scripts(text), style):
        digest = base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy


def test_the_page_names_no_address(block):
    start, program = scripts(page_text(block, title="x", language="en"))
    assert program.startswith(three_js().script)
    own = start + program.removeprefix(three_js().script)
    assert "showCity" in own
    addresses = set(re.findall(r"https?://[^\s\"'`]+", own))
    assert addresses <= {
        "http://www.w3.org/2000/svg"
    }  # the name of a kind of element; nothing is fetched from it


def test_faces_have_the_corners_of_the_scene(scene, block):
    header, data = unpack(block)
    facets, pack = header["facets"], scene.pack
    assert facets["nFaces"] == len(np.unique(pack["facet_face"]))
    place = read_places(facets["places"], data)[read_references(facets["corners"], data)]
    want, got = (
        {tuple(p) for p in np.rint(points).tolist()} for points in (pack["facet_points"] * 100, place)
    )
    assert got == want
    assert len(place) == len(pack["facet_points"])


def test_water_is_told_by_differences(block):
    header, data = unpack(block)
    water = header["time"]["tracks"][0]["water"]
    depth = np.cumsum([read(f, data)[:, 0] for f in water["frames"]], axis=0)
    assert depth[0].max() == 0
    assert depth[-1].max() == 100
    assert depth[30].max() == 50
    kept = np.unpackbits(read(water["kept"], data)[:, 0].astype(np.uint8))
    n = water["grid"]["rows"] * water["grid"]["columns"]
    assert kept[:n].sum() == depth.shape[1]


def test_outlines_of_buildings_without_a_shape_are_there(scene, block):
    header, data = unpack(block)
    ends = read(header["unbuilt"], data).reshape(-1, 2, 3) * header["step"]
    assert np.allclose(ends, scene.pack["unbuilt_points"], atol=0.006)
    assert len(ends) == 4


def test_attributes_are_there_by_kind(block):
    header, data = unpack(block)
    columns = {c["label"]: c for c in header["columns"]}
    height = columns["Height"]
    assert (height["unit"], height["decimals"]) == ("m", 1)
    assert (read(height["values"], data)[:, 0] / 10).tolist() == [9.3, 14.3, 0]
    assert read(height["known"], data)[:, 0].tolist() == [1, 1, 0]
    assert columns["Monument"]["texts"] == ["no", "yes"]
    assert len(header["ids"]) == len(IDS)
    assert "\x00" not in str(header["columns"])
    assert max(len(t) for c in header["columns"] for t in c.get("texts", [])) <= 400


def test_written_pages_are_read_back_and_kept(scene, tmp_path):
    path = tmp_path / "page.html"
    counts = write_page(path, scene, ATTRIBUTES, hostile_options())
    assert (counts.n_buildings, counts.n_moments) == (3, 61)
    assert counts.n_bytes == path.stat().st_size
    before = path.read_bytes()
    with pytest.raises(OutputExistsError):
        write_page(path, scene, ATTRIBUTES, hostile_options())
    write_page(path, scene, ATTRIBUTES, hostile_options(), force=True, notices=Notices())
    assert path.read_bytes() == before
    path.write_bytes(before[: len(before) // 2])
    with pytest.raises(StorageError, match=r"page\.html"):
        read_page_counts(path)


def test_what_there_is_not_is_refused():
    with pytest.raises(UsageError, match="--lang"):
        PageOptions(language="xx")
    with pytest.raises(UsageError, match="--theme"):
        PageOptions(theme="pink")


def test_headings_and_own_words_are_said_in_each_language_and_words_of_data_stay():
    given = {"roof_type": ["multi_level", "flat"], "use": ["flat", "home"], "rmse_holdout_m": [0.1, 0.2]}
    columns = attribute_columns(given | {"id": ["a", "b"], "listed": [True, False]}, Bundle())
    assert {c["name"]: c["own"] for c in columns} == {
        "roof_type": True, "use": False, "rmse_holdout_m": False, "listed": True
    }  # fmt: skip
    words = page_words({}, [], [], columns)
    assert words["en"]["texts"]["multi_level"] == "multi level"
    assert words["ko"]["texts"]["multi_level"] == "다단 지붕"
    assert words["fi"]["texts"]["Roof type"] == "Kattotyyppi"
    assert words["ko"]["texts"]["yes"] == "예"
    assert "home" not in words["fi"]["texts"]
