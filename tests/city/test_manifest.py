"""The manifest: the same text for the same city, and words for every way in which it can be damaged."""

import json

import pytest

from twin.city.manifest import (
    Artifact,
    Layer,
    Manifest,
    Provenance,
    Source,
    manifest_text,
    read_manifest,
    write_manifest,
)
from twin.core.errors import StorageError

DIGEST = "0" * 64


@pytest.fixture
def manifest():
    provenance = Provenance(
        (Source("a.laz", 12, DIGEST),), {"lod": "1.3", "join": None}, {"twin": "0.1.0"}, "City of A", "CC0"
    )
    layer = Layer("table", (Artifact("map/roads.parquet", 3, DIGEST),), provenance, {"n": 3, "m2": 4.5}, "길")
    return Manifest(
        name="Städtchen",
        crs="EPSG:7415",
        crs_wkt="COMPOUNDCRS[]",
        origin=(84000, 447000, 0),
        bounds=(84000.0, 447000.0, -2.5, 84264.0, 447229.0, 31.25),
        build_key="k",
        layers={"roads": layer},
        notices=({"cause": "x", "count": 2},),
    )


def test_what_is_written_is_read(manifest, tmp_path):
    write_manifest(manifest, tmp_path / "twin.json")
    assert read_manifest(tmp_path) == manifest
    assert (tmp_path / "twin.json").read_text(encoding="utf-8") == manifest_text(manifest)


def changed(data, place, value):
    """The document with the value at a place replaced, or taken out where the value is ``...``."""
    *way, last = [int(p) if p.isdigit() else p for p in place.split(".")]
    inner = data
    for step in way:
        inner = inner[step]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return data


@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        ("name", 7, "name: must be a text, is int 7"),
        ("crs", ..., "crs: is missing"),
        ("origin", [1, 2], "origin: must be an array of 3"),
        ("origin.1", 2.5, "origin.1: must be a whole number, is float 2.5"),
        ("bounds.2", True, "bounds.2: must be a finite number"),
        ("bounds.2", float("nan"), "bounds.2: must be a finite number, is float nan"),
        ("novelty", 1, "novelty: is not known"),
        ("layers", [], "layers: must be an object, is list"),
        ("layers.roads.files", None, "layers.roads.files: must be an array, is nothing"),
        ("layers.roads.files.0.size", "3", "layers.roads.files.0.size: must be a whole number, is str '3'"),
        ("layers.roads.files.0.size", -3, "cannot hold -3 bytes"),
        ("layers.roads.files.0.path", "../x", "lies outside the city"),
        (
            "layers.roads.provenance.inputs.0.sha256",
            ...,
            "layers.roads.provenance.inputs.0.sha256: is missing",
        ),
        ("layers.roads.counts.n", "many", "layers.roads.counts.n: must be a finite number"),
        ("notices.0", "text", "notices.0: must be an object"),
    ],
)
def test_damage_is_told_with_its_place(manifest, tmp_path, place, value, words):
    data = changed(json.loads(manifest_text(manifest)), place, value)
    (tmp_path / "twin.json").write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(StorageError) as told:
        read_manifest(tmp_path)
    assert words in str(told.value)
    assert "the manifest is damaged" in str(told.value)


def test_a_document_of_another_kind_is_damage(tmp_path):
    (tmp_path / "twin.json").write_text('["twin"]')
    with pytest.raises(StorageError, match="manifest is damaged"):
        read_manifest(tmp_path)
