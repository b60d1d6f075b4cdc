"""Broken city models, one defect each, and what must be said about them."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twin.core.errors import InputError, LimitError, TwinError, UnsafeInputError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Broken:
    """One file with one defect.

    Parameters
    ----------
    name : str
        File name.
    make : callable
        Bytes of the file.
    error : type
        What reading it must raise.
    words : tuple of str
        What the message must hold.
    """

    name: str
    make: Callable[[], bytes]
    error: type[TwinError]
    words: tuple[str, ...]

    def write(self, folder: Path) -> Path:
        path = folder / self.name
        path.write_bytes(self.make())
        return path


def sound_model() -> dict[str, Any]:
    """A box of 10 x 8 x 6 m, building ``b1``, as CityJSON 2.0."""
    corners = [[0, 0, 0], [10, 0, 0], [10, 8, 0], [0, 8, 0], [0, 0, 6], [10, 0, 6], [10, 8, 6], [0, 8, 6]]
    faces = [[0, 3, 2, 1], [4, 5, 6, 7], [0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7]]
    return {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {"scale": [0.001, 0.001, 0.001], "translate": [84_000, 447_000, 0]},
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/7415"},
        "CityObjects": {
            "b1": {
                "type": "Building",
                "attributes": {"storeys": 2},
                "geometry": [
                    {
                        "type": "Solid",
                        "lod": "1.2",
                        "boundaries": [[[face] for face in faces]],
                        "semantics": {
                            "surfaces": [
                                {"type": "GroundSurface"},
                                {"type": "RoofSurface"},
                                {"type": "WallSurface"},
                            ],
                            "values": [[0, 1, 2, 2, 2, 2]],
                        },
                    }
                ],
            }
        },
        "vertices": [[1000 * v for v in corner] for corner in corners],
    }


def as_sequence(model: dict[str, Any]) -> list[dict[str, Any]]:
    """Header and one feature for each object of a model."""
    head = {**model, "CityObjects": {}, "vertices": []}
    return [
        head,
        *(
            {"type": "CityJSONFeature", "id": k, "CityObjects": {k: v}, "vertices": model["vertices"]}
            for k, v in model["CityObjects"].items()
        ),
    ]


def _edited(edit: Callable[[dict[str, Any]], object]) -> Callable[[], bytes]:
    def make() -> bytes:
        model = copy.deepcopy(sound_model())
        edit(model)
        return json.dumps(model).encode()

    return make


def _replaced(old: str, new: str) -> Callable[[], bytes]:
    def make() -> bytes:
        text = json.dumps(sound_model())
        assert old in text
        return text.replace(old, new, 1).encode()

    return make


def _lines(*values: object) -> bytes:
    return b"".join(json.dumps(v).encode() + b"\n" for v in values)


def _geometry(model: dict[str, Any]) -> dict[str, Any]:
    return model["CityObjects"]["b1"]["geometry"][0]


def _instance(**changes: object) -> Callable[[], bytes]:
    def edit(model: dict[str, Any]) -> None:
        geometry = _geometry(model)
        model["geometry-templates"] = {"templates": [dict(geometry)], "vertices-templates": [[0, 0, 0]] * 8}
        told = {"type": "GeometryInstance", "template": 0, "boundaries": [0]}
        told["transformationMatrix"] = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
        geometry.clear()
        geometry.update(told | changes)

    return _edited(edit)


BROKEN = (
    Broken("empty.city.json", lambda: b"", InputError, ("empty",)),
    Broken("spaces.city.json", lambda: b" \n\t ", InputError, ("spaces",)),
    Broken("web_page.city.json", lambda: b"<html><body>404</body></html>", InputError, ("XML",)),
    Broken(
        "city.gml.json",
        lambda: b'<?xml version="1.0"?><CityModel/>',
        InputError,
        ("CityGML", "citygml-tools"),
    ),
    Broken(
        "doctype.city.json",
        lambda: b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hosts">]><x>&e;</x>',
        UnsafeInputError,
        ("DOCTYPE",),
    ),
    Broken("number.city.json", lambda: b"17", InputError, ("not CityJSON",)),
    Broken("cut.city.json", lambda: json.dumps(sound_model()).encode()[:300], InputError, ("JSON", "column")),
    Broken(
        "cut_in_text.city.json",
        lambda: json.dumps(sound_model()).encode()[:22],
        InputError,
        ("JSON", "cut off"),
    ),
    Broken("utf16.city.json", lambda: b"{" + "ü".encode("latin-1"), InputError, ("UTF-8",)),
    Broken("deep.city.json", lambda: b'{"a":' * 100_000, InputError, ("nested",)),
    Broken("nan.city.json", _replaced("10000", "NaN"), InputError, ("NaN", "finite")),
    Broken("infinity.city.json", _replaced("10000", "-Infinity"), InputError, ("Infinity", "finite")),
    Broken("overflow.city.json", _replaced("10000", "1e999"), InputError, ("1e999", "finite")),
    Broken(
        "overflow_in_attribute.city.json",
        _replaced('"storeys": 2', '"storeys": 1e999'),
        InputError,
        ("1e999",),
    ),
    Broken("digits.city.json", _replaced("10000", "1" * 5000), InputError, ("too long",)),
    Broken("big_integer.city.json", _replaced("10000", "1" * 40), InputError, ("vertex 1",)),
    Broken(
        "geojson.city.json",
        _replaced('"CityJSON"', '"FeatureCollection"'),
        InputError,
        ("FeatureCollection",),
    ),
    Broken("no_version.city.json", _edited(lambda m: m.pop("version")), InputError, ("version", "missing")),
    Broken(
        "old.city.json", _edited(lambda m: m.update(version="0.9")), InputError, ("version 0.9", "upgrade")
    ),
    Broken(
        "from_the_future.city.json",
        _edited(lambda m: m.update(version="3.1")),
        InputError,
        ("version 3.1", "update twin"),
    ),
    Broken("no_transform.city.json", _edited(lambda m: m.pop("transform")), InputError, ("transform",)),
    Broken(
        "flat_transform.city.json",
        _edited(lambda m: m["transform"].update(scale=[0.001, 0.001])),
        InputError,
        ("transform", "three"),
    ),
    Broken(
        "zero_scale.city.json",
        _edited(lambda m: m["transform"].update(scale=[0, 0, 0])),
        InputError,
        ("transform",),
    ),
    Broken("no_vertices.city.json", _edited(lambda m: m.pop("vertices")), InputError, ("vertices",)),
    Broken(
        "flat_vertex.city.json",
        _edited(lambda m: m["vertices"].__setitem__(3, [0, 8000])),
        InputError,
        ("vertex 3", "three"),
    ),
    Broken(
        "text_vertex.city.json",
        _edited(lambda m: m["vertices"].__setitem__(5, ["10", "0", "6"])),
        InputError,
        ("vertex 5",),
    ),
    Broken(
        "vertex_out_of_range.city.json",
        _edited(lambda m: _geometry(m)["boundaries"][0][1][0].__setitem__(2, 99)),
        InputError,
        ("vertex 99", "b1", "8 vertices"),
    ),
    Broken(
        "negative_vertex.city.json",
        _edited(lambda m: _geometry(m)["boundaries"][0][1][0].__setitem__(2, -1)),
        InputError,
        ("vertex -1", "b1"),
    ),
    Broken(
        "half_a_vertex.city.json",
        _edited(lambda m: _geometry(m)["boundaries"][0][1][0].__setitem__(2, 1.5)),
        InputError,
        ("whole number", "b1"),
    ),
    Broken(
        "text_index.city.json",
        _edited(lambda m: _geometry(m)["boundaries"][0][1].__setitem__(0, ["4", "5", "6"])),
        InputError,
        ("whole number", "b1"),
    ),
    Broken(
        "too_shallow.city.json",
        _edited(lambda m: _geometry(m).update(boundaries=[[0, 1, 2, 3]])),
        InputError,
        ("nested", "b1"),
    ),
    Broken(
        "too_deep.city.json",
        _edited(lambda m: _geometry(m).update(boundaries=[_geometry(m)["boundaries"]])),
        InputError,
        ("b1",),
    ),
    Broken(
        "no_boundaries.city.json",
        _edited(lambda m: _geometry(m).pop("boundaries")),
        InputError,
        ("boundaries",),
    ),
    Broken("no_lod.city.json", _edited(lambda m: _geometry(m).pop("lod")), InputError, ("lod", "b1")),
    Broken(
        "text_lod.city.json", _edited(lambda m: _geometry(m).update(lod="fine")), InputError, ("lod", "fine")
    ),
    Broken(
        "objects_as_list.city.json",
        _edited(lambda m: m.update(CityObjects=[1])),
        InputError,
        ("CityObjects", "list"),
    ),
    Broken(
        "object_is_text.city.json",
        _edited(lambda m: m["CityObjects"].update(b1="a house")),
        InputError,
        ("b1",),
    ),
    Broken(
        "attributes_as_list.city.json",
        _edited(lambda m: m["CityObjects"]["b1"].update(attributes=[1])),
        InputError,
        ("attributes", "b1"),
    ),
    Broken(
        "geometry_is_text.city.json",
        _edited(lambda m: m["CityObjects"]["b1"].update(geometry="none")),
        InputError,
        ("geometry", "b1"),
    ),
    Broken("no_such_template.city.json", _instance(template=7), InputError, ("template", "b1")),
    Broken("negative_anchor.city.json", _instance(boundaries=[-1]), InputError, ("template", "b1")),
    Broken("short_matrix.city.json", _instance(transformationMatrix=[1, 0]), InputError, ("matrix", "b1")),
    Broken(
        "same_id.city.jsonl",
        lambda: _lines(*as_sequence(sound_model()), as_sequence(sound_model())[1]),
        InputError,
        ("line 3", "b1", "line 2"),
    ),
    Broken(
        "garbage_line.city.jsonl",
        lambda: _lines(*as_sequence(sound_model())) + b"done in 3.2 s\n",
        InputError,
        ("line 3", "JSON"),
    ),
    Broken(
        "torn_tail.city.jsonl",
        lambda: _lines(*as_sequence(sound_model()))[:-80],
        InputError,
        ("line 2", "JSON"),
    ),
    Broken(
        "two_headers.city.jsonl",
        lambda: _lines(as_sequence(sound_model())[0], as_sequence(sound_model())[0]),
        InputError,
        ("line 2", "CityJSONFeature"),
    ),
    Broken(
        "no_header.city.jsonl", lambda: _lines(as_sequence(sound_model())[1]), InputError, ("line 1", "type")
    ),
)

TOO_LONG = (
    Broken("long.city.json", _edited(lambda m: m.update(pad="x" * 5000)), LimitError, ("bytes", "limit")),
    Broken(
        "long_line.city.jsonl",
        lambda: _lines(as_sequence(sound_model())[0], {"pad": "x" * 5000}),
        LimitError,
        ("line 2", "limit"),
    ),
)
"""Files that exceed a limit of 4000 bytes."""
