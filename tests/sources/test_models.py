"""Models end as triangles with z up; what promises more than it holds, or reaches elsewhere, is refused by name."""

from __future__ import annotations

import base64
import io
import json
import random
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import trimesh
from PIL import Image

from twin.core.errors import InputError, InputNotFoundError, LimitError, TwinError, UnsafeInputError
from twin.core.notices import Notices
from twin.sources.models import GREY, ModelPart, read_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BOX = trimesh.creation.box(extents=(2, 4, 6))


def read(path: Path, **kwargs: Any) -> list[ModelPart]:
    return read_model(path, notices=kwargs.pop("notices", Notices()), **kwargs)


def volume(part: ModelPart) -> float:
    """Signed, so that faces turned inside out show."""
    a, b, c = np.moveaxis(part.mesh.vertices[part.mesh.triangles], 1, 0)
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


def extents(part: ModelPart) -> list[float]:
    return [float(v) for v in np.ptp(part.mesh.vertices, axis=0)]


def exported(folder: Path, suffix: str, scene: Any = BOX) -> Path:
    path = folder / f"box{suffix}"
    data = scene.export(file_type=suffix[1:])
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def test_a_face_beyond_the_coloured_vertices_is_told_as_such(tmp_path: Path) -> None:
    """Colours of faces are looked up in those of the vertices as soon as a mesh is copied."""
    box = BOX.copy()
    box.visual.vertex_colors = [10, 120, 30, 255]
    path = exported(tmp_path, ".glb", box)
    data, (n_text,) = bytearray(path.read_bytes()), struct.unpack_from("<I", path.read_bytes(), 12)
    document = json.loads(data[20 : 20 + n_text])
    indices = document["accessors"][document["meshes"][0]["primitives"][0]["indices"]]
    offset = document["bufferViews"][indices["bufferView"]].get("byteOffset", 0)
    data[20 + n_text + 8 + offset + 1] = 0x7F
    path.write_bytes(data)
    with pytest.raises(InputError, match="refers to vertex"):
        read(path)


def test_a_texture_that_breaks_off_is_told(tmp_path: Path) -> None:
    """A picture is decoded only when its colours are asked for."""
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8)
    packed = io.BytesIO()
    Image.fromarray(noise).save(packed, "PNG")
    box = BOX.copy()
    box.visual = trimesh.visual.TextureVisuals(
        uv=np.zeros((len(box.vertices), 2)),
        material=trimesh.visual.material.PBRMaterial(baseColorTexture=Image.open(packed)),
    )
    for name, data in trimesh.exchange.gltf.export_gltf(trimesh.Scene(box)).items():
        at = data.find(b"IDAT")
        damaged = data if at < 0 else data[: at + 200] + bytes(400) + data[at + 600 :]
        (tmp_path / name).write_bytes(damaged)
    assert any(b"IDAT" in p.read_bytes() for p in tmp_path.iterdir())
    with pytest.raises(InputError, match="damaged"):
        read(tmp_path / "model.gltf")


@pytest.mark.parametrize("suffix", [".obj", ".ply", ".stl"])
def test_formats_with_z_up(suffix: str, tmp_path: Path) -> None:
    (part,) = read(exported(tmp_path, suffix))
    assert extents(part) == pytest.approx([2, 4, 6])
    assert volume(part) == pytest.approx(48)
    assert part.rgba[3] == 255
    (turned,) = read(exported(tmp_path, suffix), up="y")
    assert extents(turned) == pytest.approx([2, 6, 4])
    assert volume(turned) == pytest.approx(48)


def test_an_ascii_stl(tmp_path: Path) -> None:
    (tmp_path / "a.stl").write_text(trimesh.exchange.stl.export_stl_ascii(BOX))
    assert volume(read(tmp_path / "a.stl")[0]) == pytest.approx(48)


def test_gltf_stands_up_where_its_nodes_put_it(tmp_path: Path) -> None:
    """Two boxes, the second moved by 10 m along the y of glTF, which is up."""
    scene = trimesh.Scene()
    red = BOX.copy()
    red.visual = trimesh.visual.TextureVisuals(
        material=trimesh.visual.material.PBRMaterial(baseColorFactor=[255, 0, 0, 128])
    )
    scene.add_geometry(red, node_name="red")
    scene.add_geometry(
        BOX, node_name="high", transform=trimesh.transformations.translation_matrix([0, 10, 0])
    )
    path = exported(tmp_path, ".glb", scene)
    parts = {p.name: p for p in read(path)}
    assert parts.keys() == {"red", "high"}
    assert extents(parts["red"]) == pytest.approx([2, 6, 4])
    assert parts["high"].mesh.vertices[:, 2].mean() == pytest.approx(10)
    assert parts["red"].rgba == (255, 0, 0, 128)
    assert volume(parts["red"]) == pytest.approx(48)
    files = scene.export(file_type="gltf")
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    assert sorted(p.name for p in read(tmp_path / "model.gltf")) == ["high", "red"]


def test_colours_of_vertices_textures_and_materials(tmp_path: Path) -> None:
    painted = BOX.copy()
    painted.visual.vertex_colors = np.tile([10, 20, 30, 255], (len(BOX.vertices), 1))
    assert read(exported(tmp_path, ".ply", painted))[0].rgba == (10, 20, 30, 255)
    textured = BOX.copy()
    textured.visual = trimesh.visual.TextureVisuals(
        uv=np.zeros((len(BOX.vertices), 2)),
        material=trimesh.visual.material.PBRMaterial(
            baseColorTexture=Image.new("RGB", (8, 8), (0, 100, 200))
        ),
    )
    found = np.array(read(exported(tmp_path, ".glb", textured))[0].rgba)
    assert np.abs(found - (0, 100, 200, 255)).max() <= 2
    (tmp_path / "m.mtl").write_text("newmtl wall\nKd 1 0.5 0\n")
    (tmp_path / "m.obj").write_text("mtllib m.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nusemtl wall\nf 1 2 3\n")
    assert np.abs(np.array(read(tmp_path / "m.obj")[0].rgba) - (255, 127, 0, 255)).max() <= 1
    (tmp_path / "n.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf -3 -2 -1\n")
    assert read(tmp_path / "n.obj")[0].rgba[3] == GREY[3]
    notices = Notices()
    (tmp_path / "m.mtl").unlink()
    assert len(read(tmp_path / "m.obj", notices=notices)) == 1
    assert "'m.mtl', which is not there" in notices.items[0].message


def test_points_and_lines_are_left_out_and_told(tmp_path: Path) -> None:
    scene = trimesh.Scene([BOX])
    scene.add_geometry(trimesh.PointCloud([[0, 0, 0], [1, 1, 1]]))
    notices = Notices()
    assert len(read(exported(tmp_path, ".glb", scene), notices=notices)) == 1
    assert "points or lines" in notices.items[0].message
    (tmp_path / "p.ply").write_text(
        "ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty float y\nproperty float z\n"
        "end_header\n0 0 0\n"
    )
    with pytest.raises(InputError, match="no triangles"):
        read(tmp_path / "p.ply")


# --- broken files


def triangle_tree(**changes: Any) -> dict[str, Any]:
    data = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], "<f4").tobytes()
    tree: dict[str, Any] = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
        "buffers": [
            {
                "byteLength": 36,
                "uri": "data:application/octet-stream;base64," + base64.b64encode(data).decode(),
            }
        ],
        "bufferViews": [{"buffer": 0, "byteLength": 36}],
        "accessors": [{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"}],
    }
    return tree | changes


def gltf(name: str, **changes: Any) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / name).write_text(json.dumps(triangle_tree(**changes)))
        return folder / name

    return make


def _truncated(folder: Path) -> Path:
    path = exported(folder, ".glb")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def bomb_png(width: int, height: int) -> bytes:
    """A sound header that promises pixels; the data behind it need not be there to be refused."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def _texture_bomb(folder: Path) -> Path:
    (folder / "texture_bomb.png").write_bytes(bomb_png(60_000, 60_000))
    images = [{"uri": "texture_bomb.png"}]
    return gltf("textured.gltf", images=images, textures=[{"source": 0}])(folder)


def _bad_face(folder: Path) -> Path:
    (folder / "bad_face.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\nf 1 2 99\n")
    return folder / "bad_face.obj"


def _cut(suffix: str, share: float) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = exported(folder, suffix)
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
        return path

    return make


def _far_index(folder: Path) -> Path:
    index = base64.b64encode(np.array([0, 1, 9], "<u2").tobytes()).decode()
    tree = triangle_tree()
    tree["buffers"].append({"byteLength": 6, "uri": f"data:;base64,{index}"})
    tree["bufferViews"].append({"buffer": 1, "byteLength": 6})
    tree["accessors"].append({"bufferView": 1, "componentType": 5123, "count": 3, "type": "SCALAR"})
    tree["meshes"][0]["primitives"][0]["indices"] = 1
    (folder / "far.gltf").write_text(json.dumps(tree))
    return folder / "far.gltf"


def buffer(uri: str) -> Callable[[Path], Path]:
    return gltf("model.gltf", buffers=[{"byteLength": 9, "uri": uri}])


def accessor(count: Any) -> Callable[[Path], Path]:
    return gltf(
        "a.gltf", accessors=[{"bufferView": 0, "componentType": 5126, "count": count, "type": "VEC3"}]
    )


BROKEN = {
    "EX-01": (buffer("../x/canary.txt"), UnsafeInputError, "outside"),
    "absolute": (buffer("/etc/passwd"), UnsafeInputError, "outside"),
    "escaped": (buffer("..%2fcanary.txt"), UnsafeInputError, "outside"),
    "drive": (buffer("C:\\x.bin"), UnsafeInputError, "address|outside"),
    "EX-02": (buffer("http://127.0.0.1:9/a"), UnsafeInputError, "http"),
    "gone": (buffer("gone.bin"), InputNotFoundError, "gone.bin"),
    "EX-03": (accessor(10**9), LimitError, "accessor 0"),
    "a little lie": (accessor(4), LimitError, "4 elements .48 bytes., its buffer view holds 36"),
    "a count in words": (accessor("x"), InputError, "accessor 0"),
    "EX-04": (_truncated, InputError, "truncated"),
    "EX-05": (_texture_bomb, LimitError, r"60000 x 60000.*limit"),
    "EX-06": (_bad_face, InputError, "line 5: a face refers to vertex 99, the file holds 3"),
    "view": (
        gltf("v.gltf", bufferViews=[{"buffer": 0, "byteLength": 99}]),
        InputError,
        "ends at byte 99 of 36",
    ),
    "index": (_far_index, InputError, "damaged|vertex 9"),
    "cycle": (gltf("c.gltf", nodes=[{"children": [1]}, {"children": [0]}]), InputError, "own ancestors"),
    "two parents": (
        gltf("t.gltf", nodes=[{"children": [2]}, {"children": [2]}, {}]),
        InputError,
        "two parents",
    ),
    "draco": (
        gltf("k.gltf", extensionsRequired=["KHR_draco_mesh_compression"]),
        InputError,
        "without compression",
    ),
    "stl": (_cut(".stl", 0.7), InputError, "12 triangles, the file holds"),
    "ply": (_cut(".ply", 0.7), InputError, "truncated"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_models_are_refused_with_their_cause(case: str, tmp_path: Path) -> None:
    make, error, words = BROKEN[case]
    path = make(tmp_path)
    with pytest.raises(error, match=words) as caught:
        read(path)
    assert type(caught.value) is error
    assert str(path) in str(caught.value)
    assert caught.value.remedy


def test_a_material_library_elsewhere_is_not_opened(tmp_path: Path) -> None:
    (tmp_path / "secret.mtl").write_text("newmtl a\nKd 1 0 0\n")
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "m.obj").write_text(
        "mtllib ../secret.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nusemtl a\nf 1 2 3\n"
    )
    with pytest.raises(UnsafeInputError, match="outside"):
        read(tmp_path / "in" / "m.obj")


def test_a_ply_that_promises_millions_is_refused_before_reading(tmp_path: Path) -> None:
    head = "ply\nformat binary_little_endian 1.0\nelement vertex 99999999999\nproperty float x\nend_header\n"
    (tmp_path / "b.ply").write_bytes(head.encode() + bytes(100))
    with pytest.raises(InputError, match="promises 399,999,999,996 bytes or more, 100 are there"):
        read(tmp_path / "b.ply")


@pytest.mark.parametrize("suffix", [".glb", ".gltf", ".obj", ".ply", ".stl"])
def test_damaged_bytes_raise_only_our_errors(suffix: str, tmp_path: Path) -> None:
    rng = random.Random(suffix)
    make = gltf("a.gltf") if suffix == ".gltf" else _cut(suffix, 1)
    sound = make(tmp_path).read_bytes()
    n_refused = 0
    for _ in range(60):
        data = bytearray(sound)
        for _ in range(rng.choice([1, 2, 5])):
            data[rng.randrange(len(data))] = rng.randrange(256)
        (tmp_path / f"m{suffix}").write_bytes(data)
        try:
            read(tmp_path / f"m{suffix}")
        except TwinError:
            n_refused += 1
    assert n_refused


def test_a_picture_is_told_by_its_header_not_by_its_pixels() -> None:
    assert len(bomb_png(60_000, 60_000)) < 1000
    with Image.open(io.BytesIO(bomb_png(100, 100))) as picture:
        assert picture.size == (100, 100)
