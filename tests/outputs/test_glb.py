"""GLB: what the bytes hold, read by a decoder of its own, by trimesh, and by Khronos's validator where it is there."""

from __future__ import annotations

import itertools
import json
import shutil
import struct
import subprocess
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import trimesh

from tests.outputs.small_content import HOSTILE_IDS, ORIGIN, attributes, boxes, small_content, trees
from twin.core.errors import LimitError, OutputExistsError, StorageError
from twin.core.mesh import TriangleMesh
from twin.outputs.export_content import BuildingMeshes, MeshPart
from twin.outputs.glb import GlbCounts, encode_gltf, read_glb_counts, write_glb
from twin.outputs.gltf_metadata import property_ids
from twin.outputs.placement import Placement
from twin.outputs.tree_shapes import tree_part

if TYPE_CHECKING:
    from pathlib import Path

COMPONENTS = {5121: "u1", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTHS = {"SCALAR": 1, "VEC3": 3}


class Glb:
    """A GLB taken apart by the rules of the specification."""

    def __init__(self, path: Path) -> None:
        data = path.read_bytes()
        assert struct.unpack("<4sII", data[:12]) == (b"glTF", 2, len(data))
        n_text, kind = struct.unpack("<I4s", data[12:20])
        assert kind == b"JSON"
        assert n_text % 4 == 0
        self.json: dict[str, Any] = json.loads(data[20 : 20 + n_text])
        self.binary = b""
        if len(data) > 20 + n_text:
            n_binary, kind = struct.unpack("<I4s", data[20 + n_text : 28 + n_text])
            assert kind == b"BIN\0"
            self.binary = data[28 + n_text :]
            assert len(self.binary) == n_binary == self.json["buffers"][0]["byteLength"]
        assert all(v["byteOffset"] % 8 == 0 and v["byteLength"] > 0 for v in self.json.get("bufferViews", []))

    def view(self, index: int) -> bytes:
        view = self.json["bufferViews"][index]
        return self.binary[view["byteOffset"] : view["byteOffset"] + view["byteLength"]]

    def accessor(self, index: int) -> np.ndarray:
        told = self.json["accessors"][index]
        width = WIDTHS[told["type"]]
        values = np.frombuffer(
            self.view(told["bufferView"]),
            COMPONENTS[told["componentType"]],
            told["count"] * width,
            told.get("byteOffset", 0),
        )
        return values if width == 1 else values.reshape(-1, width)

    def column(self, name: str) -> list[Any]:
        """A column of the property table, None where it says that there is no value."""
        extension = self.json["extensions"]["EXT_structural_metadata"]
        (table,) = extension["propertyTables"]
        properties = extension["schema"]["classes"][table["class"]]["properties"]
        (id_,) = [k for k, p in properties.items() if p["name"] == name]
        told, n = properties[id_], table["count"]
        if id_ not in table["properties"]:
            assert not told.get("required")
            return [None] * n
        placed = table["properties"][id_]
        raw = self.view(placed["values"])
        if told["type"] == "STRING":
            assert placed["stringOffsetType"] == "UINT32"
            ends = np.frombuffer(self.view(placed["stringOffsets"]), "<u4", n + 1)
            values = [raw[a:b].decode() for a, b in itertools.pairwise(ends)]
        elif told["type"] == "BOOLEAN":
            values = [bool(raw[i // 8] >> i % 8 & 1) for i in range(n)]
        elif told["type"] == "ENUM":
            enum = extension["schema"]["enums"][told["enumType"]]
            values = [enum["values"][v]["name"] for v in raw[:n]]
        else:
            kinds = {"FLOAT32": "<f4", "FLOAT64": "<f8", "INT8": "<i1", "INT16": "<i2"}
            dtype = {**kinds, "INT32": "<i4", "INT64": "<i8"}[told["componentType"]]
            values = np.frombuffer(raw, dtype, n).tolist()
        assert ("noData" in told) != told.get("required", False)
        return [None if v == told.get("noData", object()) else v for v in values]


@pytest.fixture(scope="module")
def glb(tmp_path_factory: pytest.TempPathFactory) -> Glb:
    path = tmp_path_factory.mktemp("glb") / "a.glb"
    write_glb(path, small_content())
    return Glb(path)


def primitives(glb: Glb, prefix: str) -> list[dict[str, Any]]:
    return [p for m in glb.json["meshes"] if m["name"].startswith(prefix) for p in m["primitives"]]


def test_place_and_origin_are_told(glb: Glb) -> None:
    asset = glb.json["asset"]
    assert asset["version"] == "2.0"
    assert asset["copyright"] == "AHN3, CC0; BGT"
    assert asset["extras"] == {
        "crs": "EPSG:7415",
        "origin": list(ORIGIN),
        "name": "Test 시티",
        "unit": "metre",
    }


def test_z_becomes_y_and_nothing_is_mirrored(glb: Glb) -> None:
    root = glb.json["nodes"][glb.json["scenes"][0]["nodes"][0]]
    matrix = np.array(root["matrix"]).reshape(4, 4, order="F")
    np.testing.assert_array_equal(matrix @ [1, 2, 3, 1], [1, 3, -2, 1])
    assert np.linalg.det(matrix) == 1


def test_every_mesh_hangs_once_below_the_root(glb: Glb) -> None:
    nodes, seen, queue = glb.json["nodes"], [], [0]
    while queue:
        node = queue.pop()
        seen.append(node)
        queue += nodes[node].get("children", [])
    assert sorted(seen) == list(range(len(nodes)))
    assert sorted(n["mesh"] for n in nodes if "mesh" in n) == list(range(len(glb.json["meshes"])))


def test_each_triangle_knows_its_building_and_material(glb: Glb) -> None:
    content = small_content()
    found = []
    for primitive in primitives(glb, "buildings"):
        position = glb.accessor(primitive["attributes"]["POSITION"])
        feature = glb.accessor(primitive["attributes"]["_FEATURE_ID_0"])
        triangles = glb.accessor(primitive["indices"]).reshape(-1, 3)
        assert (feature[triangles] == feature[triangles[:, :1]]).all()
        material = glb.json["materials"][primitive["material"]]["name"]
        (ids,) = primitive["extensions"]["EXT_mesh_features"]["featureIds"]
        assert (ids["attribute"], ids["propertyTable"]) == (0, 0)
        assert ids["featureCount"] == len(np.unique(feature))
        found += [(int(feature[t[0]]), material, *position[t].ravel().tolist()) for t in triangles]
    names = {0: "floor", 1: "wall", 2: "roof", 3: "wall"}
    meshes = content.buildings
    corners = (meshes.vertices - ORIGIN).astype(np.float32)[meshes.triangles].reshape(-1, 9)
    wanted = [
        (int(b), names[int(s)], *c)
        for b, s, c in zip(meshes.building, meshes.surface, corners.tolist(), strict=True)
    ]
    assert sorted(found) == sorted(wanted)


def test_positions_tell_their_bounds_exactly(glb: Glb) -> None:
    n_checked = 0
    for primitive in primitives(glb, ""):
        index = primitive["attributes"]["POSITION"]
        values, told = glb.accessor(index), glb.json["accessors"][index]
        assert (told["min"], told["max"]) == (values.min(axis=0).tolist(), values.max(axis=0).tolist())
        n_checked += 1
    assert n_checked >= 8


def test_every_attribute_comes_back(glb: Glb) -> None:
    n = 7
    assert glb.column("id") == [i.replace("\ud800", "?") for i in HOSTILE_IDS]
    for name, values in attributes(n).items():
        wanted = list(values)
        if name == "rmse_m":
            wanted = [None if np.isnan(v) else float(v) for v in values]
        if name == "listed":
            wanted = [None if v is None else str(v).lower() for v in values]
        if name == "tags":
            wanted = [json.dumps(v) for v in values]
        assert glb.column(name) == [v.item() if isinstance(v, np.generic) else v for v in wanted], name


def test_empty_texts_are_not_taken_for_missing_ones(tmp_path: Path) -> None:
    write_glb(tmp_path / "a.glb", small_content(3, attributes={"note": ["", None, "null"], "void": [""] * 3}))
    glb = Glb(tmp_path / "a.glb")
    assert glb.column("note") == ["", None, "null"]
    assert glb.column("void") == ["", "", ""]


def test_property_names_become_identifiers_and_stay_apart() -> None:
    ids = property_ids(["a b", "a-b", "A_B", "", "9", "ü"])
    assert ids == ["a_b", "a_b_2", "A_B_3", "_", "_9", "__2"]
    assert len(set(ids)) == 6


def test_terrain_and_trees_have_unit_normals_and_their_materials(glb: Glb) -> None:
    for name, kinds in (("terrain", ["ground", "road", "water"]), ("trees", ["crown", "trunk"])):
        parts = primitives(glb, name)
        assert [glb.json["materials"][p["material"]]["name"] for p in parts] == kinds
        normals = glb.accessor(parts[0]["attributes"]["NORMAL"])
        np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-6)
    slope = glb.accessor(primitives(glb, "terrain")[0]["attributes"]["NORMAL"])
    np.testing.assert_allclose(slope, np.tile(np.array([-1, 0, 40]) / np.hypot(1, 40), (25, 1)), atol=1e-6)


def test_chunks_keep_to_16_bit_indices_and_a_giant_has_its_own(tmp_path: Path) -> None:
    small = boxes(9000)
    giant_x, giant_y = np.meshgrid(np.arange(300.0), np.arange(300.0))
    vertices = np.column_stack([giant_x.ravel() + 84_500, giant_y.ravel() + 447_500, np.ones(90_000)])
    corner = (np.arange(299)[:, None] * 300 + np.arange(299)).ravel()
    sheet = np.stack([corner, corner + 1, corner + 301], axis=1) + len(small.vertices)
    meshes = BuildingMeshes(
        np.concatenate([small.vertices, vertices]),
        np.concatenate([small.triangles, sheet]).astype(np.int32),
        np.concatenate([small.building, np.full(len(sheet), 9000)]).astype(np.int32),
        np.concatenate([small.surface, np.full(len(sheet), 2)]).astype(np.uint8),
    )
    ids = tuple(f"b{i}" for i in range(9001))
    content = small_content(2, buildings=meshes, building_ids=ids, attributes={})
    counts = write_glb(tmp_path / "a.glb", content)
    assert counts.n_features == 9001
    glb = Glb(tmp_path / "a.glb")
    widths, seen = [], []
    for mesh in glb.json["meshes"]:
        if mesh["name"].startswith("buildings"):
            primitive = mesh["primitives"][0]
            widths.append(glb.json["accessors"][primitive["indices"]]["componentType"])
            seen += np.unique(glb.accessor(primitive["attributes"]["_FEATURE_ID_0"])).astype(int).tolist()
            assert (
                all(glb.accessor(p["indices"]).max() < 0xFFFF for p in mesh["primitives"])
                or widths[-1] == 5125
            )
    assert sorted(widths) == [5123, 5123, 5125]
    assert sorted(seen) == list(range(9001))


def test_trimesh_reads_it_where_it_stands(tmp_path: Path) -> None:
    write_glb(tmp_path / "a.glb", small_content(trees=None, parts=()))
    scene = trimesh.load_scene(tmp_path / "a.glb")
    assert sum(len(g.faces) for g in scene.geometry.values()) == 7 * 12
    low, high = scene.bounds
    np.testing.assert_allclose(low, [0, 0.5, -38])
    np.testing.assert_allclose(high, [40, 9.5, 0])
    merged = scene.to_mesh()
    mesh = trimesh.Trimesh(merged.vertices, merged.faces)
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(80 * sum(i + 3 for i in range(7)))


def test_the_same_city_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.glb", "b.glb"):
        write_glb(tmp_path / name, small_content())
    assert (tmp_path / "a.glb").read_bytes() == (tmp_path / "b.glb").read_bytes()


def test_a_city_without_buildings_or_without_anything(tmp_path: Path) -> None:
    none = {"buildings": BuildingMeshes.empty(), "building_ids": (), "attributes": {}}
    counts = write_glb(tmp_path / "a.glb", small_content(**none, trees=None))
    assert (counts.n_features, counts.n_triangles) == (0, 32)
    write_glb(tmp_path / "b.glb", small_content(**none, trees=None, parts=()))
    assert Glb(tmp_path / "b.glb").json["nodes"] == [
        {"name": "Test 시티", "matrix": [1, 0, 0, 0, 0, 0, -1, 0, 0, 1, 0, 0, 0, 0, 0, 1]}
    ]


def test_buildings_without_a_shape_stay_in_the_table(tmp_path: Path) -> None:
    meshes = boxes(3)
    kept = meshes.building != 1
    gaps = BuildingMeshes(
        meshes.vertices, meshes.triangles[kept], meshes.building[kept], meshes.surface[kept]
    )
    counts = write_glb(tmp_path / "a.glb", small_content(4, buildings=gaps))
    assert (counts.n_features, counts.n_triangles) == (4, 24 + 32 + len(tree_part(trees()).mesh.triangles))


def test_mixed_vertices_are_refused() -> None:
    meshes = boxes(2)
    mixed = BuildingMeshes(meshes.vertices, meshes.triangles.copy(), meshes.building, meshes.surface)
    mixed.triangles[0, 0] = 9
    with pytest.raises(ValueError, match="two buildings are mixed"):
        encode_gltf(small_content(2, buildings=mixed))


def test_more_buildings_than_feature_numbers_are_refused() -> None:
    many = range(2**24 + 1)
    content = small_content(0, building_ids=many, attributes={})
    with pytest.raises(LimitError, match="16,777,217 buildings"):
        encode_gltf(content)


def test_a_file_that_is_there_is_kept_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "a.glb"
    path.write_text("mine")
    with pytest.raises(OutputExistsError, match="--force"):
        write_glb(path, small_content())
    assert path.read_text() == "mine"
    assert isinstance(write_glb(path, small_content(), force=True), GlbCounts)
    assert [p.name for p in tmp_path.iterdir()] == ["a.glb"]


@pytest.mark.parametrize("cut", [10, 19, 400, -1])
def test_a_file_cut_anywhere_is_noticed(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "a.glb"
    write_glb(path, small_content())
    data = path.read_bytes()
    path.write_bytes(data[:cut])
    with pytest.raises(StorageError):
        read_glb_counts(path)


def test_trees_are_closed_bodies_of_their_size() -> None:
    part = tree_part(trees())
    mesh = trimesh.Trimesh(part.mesh.vertices, part.mesh.triangles)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert all(body.volume > 0 for body in mesh.split())
    np.testing.assert_allclose(mesh.bounds[1], [84_046, 447_033, 14.6])
    np.testing.assert_allclose(mesh.bounds[0], [84_002, 447_027, 0.1])


VALIDATE = """
const fs = require("fs");
let validator;
try { validator = require("gltf-validator"); } catch (e) { console.log("missing"); process.exit(0); }
validator.validateBytes(new Uint8Array(fs.readFileSync(process.argv[1])), {maxIssues: 0})
  .then(r => console.log(JSON.stringify(r.issues)), e => { console.error(String(e)); process.exit(1); });
"""


@pytest.mark.parametrize("place", [None, Placement((84_050.0, 447_050.0, 0.0), 0.002)])
def test_khronos_validator_finds_no_fault(tmp_path: Path, place: Placement | None) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed; the glTF validator cannot run")
    quads = np.array(
        [[84_000.0, 447_000, 5], [84_010, 447_000, 5], [84_010, 447_010, 5], [84_000, 447_010, 5]]
    )
    deck = TriangleMesh(quads, np.array([[0, 1, 2], [0, 2, 3]], dtype=np.int32))
    bridge = MeshPart("bridges", deck, np.zeros(2, np.uint8), ("bridge",))
    content = small_content(parts=(*small_content().parts, bridge))
    write_glb(tmp_path / "a.glb", content, place=place)
    done = subprocess.run(
        [node, "-e", VALIDATE, str(tmp_path / "a.glb")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    if done.stdout.strip() == "missing":
        pytest.skip("the node module gltf-validator is not installed (npm install gltf-validator; NODE_PATH)")
    issues = json.loads(done.stdout)
    assert (issues["numErrors"], issues["numWarnings"]) == (0, 0), issues
