"""3D models as triangles with a name and a colour: glTF, GLB, OBJ, PLY and STL."""

from __future__ import annotations

import contextlib
import struct
import warnings
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import trimesh
from trimesh.resolvers import Resolver

from twin.core.errors import InputError, InputNotFoundError, TwinError
from twin.core.limits import check_limit
from twin.core.memory import memory_error
from twin.core.mesh import TriangleMesh
from twin.sources.formats import MODEL_FORMATS, Format
from twin.sources.gltf_checks import check_gltf
from twin.sources.model_checks import check_obj, check_ply, check_stl
from twin.sources.model_files import check_image, mean_colour, neighbour
from twin.sources.sniff import require_format

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from twin.core.notices import Notices

MAX_MODEL_BYTES = 2 * 2**30
GREY = (200, 200, 200, 255)
"""Colour of what has none."""
UpAxis = Literal["y", "z"]
# From y up to z up, as a transformation of homogeneous coordinates.
_TURNED = np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
_UPRIGHT = np.eye(4)
# The parsers have no errors of their own: a damaged file ends in whatever Python says to the line that stumbles.
_PARSER_ERRORS = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    BufferError,
    EOFError,
    NotImplementedError,
    OSError,
    RecursionError,
    SyntaxError,
    struct.error,
    zlib.error,
)
_CHECKS: dict[Format, Callable[[Path], object]] = {
    Format.GLB: lambda path: check_gltf(path, Format.GLB),
    Format.GLTF: lambda path: check_gltf(path, Format.GLTF),
    Format.OBJ: check_obj,
    Format.PLY: check_ply,
    Format.STL: check_stl,
}


@dataclass(frozen=True, slots=True)
class ModelPart:
    """One named piece of a model.

    Parameters
    ----------
    name : str
        As in the file, numbered where it repeats.
    mesh : TriangleMesh
        Metres, z up; where the model lies is for the caller to say.
    rgba : tuple of int
        Its colour, 0 to 255; of a texture or of coloured vertices the mean.
    """

    name: str
    mesh: TriangleMesh
    rgba: tuple[int, int, int, int]


class _OwnFolder(Resolver):
    """Gives a model the files of its own folder, pictures only after their size was checked.

    The parsers swallow what goes wrong here, so it is remembered.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trouble: list[TwinError] = []

    def get(self, name: str) -> bytes:
        try:
            data = neighbour(self.path, str(name).strip()).read_bytes()
            if Path(name).suffix.lower() not in {".mtl", ".bin"}:
                check_image(self.path, data, name=str(name))
        except TwinError as error:
            self.trouble.append(error)
            raise
        return data

    def write(self, name: str, data: object) -> None:
        raise NotImplementedError("models are only read")

    def namespaced(self, namespace: str) -> _OwnFolder:
        raise NotImplementedError(namespace)

    def keys(self) -> list[str]:
        return sorted(p.name for p in self.path.absolute().parent.iterdir() if p.is_file())


def read_model(path: str | Path, *, up: UpAxis | None = None, notices: Notices) -> list[ModelPart]:
    r"""The pieces of a model, each as triangles with one colour.

    Parameters
    ----------
    path : path
        GLB, glTF, OBJ, PLY or STL. Files that it refers to must lie in its own folder.
    up : {"y", "z"}, optional
        Which axis of the file points up: in glTF it is y by its standard; in the others z unless said.
    notices : Notices
        Is told what was left out.

    Raises
    ------
    InputError
        If the file is truncated, damaged, or holds no triangles.
    UnsafeInputError
        If it fetches something from an address or from outside its folder.
    LimitError
        If it promises more than it holds, or a picture has too many pixels.

    Examples
    --------
    >>> import tempfile
    >>> from twin.core.notices import Notices
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "roof.obj"
    ...     _ = path.write_text("v 0 0 0\nv 4 0 0\nv 0 3 1\nf 1 2 3\n")
    ...     parts = read_model(path, notices=Notices())
    >>> parts[0].mesh.vertices[2].tolist(), parts[0].mesh.triangles.tolist()
    ([0.0, 3.0, 1.0], [[0, 1, 2]])
    """
    path = Path(path)
    kind = require_format(path, MODEL_FORMATS, kind="a 3D model")
    check_limit(path, "bytes", path.stat().st_size, MAX_MODEL_BYTES)
    _CHECKS[kind](path)
    scene = _load(path, kind, notices)
    usual: UpAxis = "y" if kind in {Format.GLB, Format.GLTF} else "z"
    upright = _TURNED if (up or usual) == "y" else _UPRIGHT
    names: set[str] = set()
    with _sound(path):  # colours and textures are decoded only when they are asked for
        parts = [_part(path, name, piece, names) for name, piece in _pieces(scene, upright, path, notices)]
    parts = [part for part in parts if len(part.mesh.triangles)]
    if not parts:
        raise InputError(path, "holds no triangles", "export its surfaces, not only points or lines")
    return parts


def _load(path: Path, kind: Format, notices: Notices) -> trimesh.Scene:
    folder = _OwnFolder(path)
    try:
        with path.open("rb") as handle, warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            scene = trimesh.load_scene(
                handle, file_type=kind.value.lower(), resolver=folder, process=False, maintain_order=True
            )
    except TwinError:
        raise
    except MemoryError as error:
        raise memory_error(path, error) from error
    except _PARSER_ERRORS as error:
        raise _damaged(path, error) from error
    for trouble in folder.trouble:
        if not isinstance(trouble, InputNotFoundError):
            raise trouble
        notices.add("model-file-missing", f"{trouble}; the model is shown without it", subject=str(path))
    return scene


def _damaged(path: Path, error: Exception) -> InputError:
    text = " ".join(f"{type(error).__name__}: {error}".split())[:200]
    return InputError(path, f"is truncated or damaged ({text})", "fetch or export it again")


@contextlib.contextmanager
def _sound(path: Path) -> Iterator[None]:
    """Tell what the library stumbles over inside the block as damage of the file."""
    try:
        yield
    except (TwinError, MemoryError):
        raise
    except _PARSER_ERRORS as error:
        raise _damaged(path, error) from error


def _pieces(
    scene: trimesh.Scene, upright: NDArray[np.float64], path: Path, notices: Notices
) -> list[tuple[str, trimesh.Trimesh]]:
    """Each geometry where its node puts it."""
    pieces, n_other = [], 0
    for node in scene.graph.nodes_geometry:
        transform, geometry_name = scene.graph[node]
        geometry = scene.geometry[geometry_name]
        if not isinstance(geometry, trimesh.Trimesh):
            n_other += 1
            continue
        _check_vertices(path, str(node), geometry)
        placed = geometry.copy()
        placed.apply_transform(upright @ transform)
        pieces.append((str(node), placed))
    if n_other:
        notices.add(
            "no-surface", f"{path}: {n_other} pieces are points or lines and were left out", subject=str(path)
        )
    return pieces


def _check_vertices(path: Path, name: str, piece: trimesh.Trimesh) -> None:
    """Before anything looks up a face's vertices.

    Raises
    ------
    InputError
        If vertices have no three coordinates, or a face refers to one that is not there.
    """
    vertices = np.asarray(piece.vertices, np.float64)
    if vertices.ndim != 2 or vertices.shape[1] != 3:
        raise InputError(
            path, f"piece {name} has vertices of shape {vertices.shape}", "export it with x, y and z"
        )
    triangles = np.asarray(piece.faces, np.int64).reshape(-1, 3)
    if len(triangles) and not 0 <= triangles.min() <= triangles.max() < len(vertices):
        raise InputError(
            path,
            f"piece {name}: a face refers to vertex {int(triangles.max())}, the piece holds {len(vertices)}",
            "export it again",
        )


def _part(path: Path, name: str, piece: trimesh.Trimesh, names: set[str]) -> ModelPart:
    vertices, triangles = np.asarray(piece.vertices, np.float64), np.asarray(piece.faces, np.int64)
    if not np.isfinite(vertices).all():  # where its node puts them
        raise InputError(
            path, f"piece {name} has vertices that are not finite", "repair it where it was made"
        )
    unique, n = name or "model", 2
    while unique in names:
        unique, n = f"{name} {n}", n + 1
    names.add(unique)
    return ModelPart(
        unique, TriangleMesh(vertices, triangles.reshape(-1, 3).astype(np.int32)), _colour(piece)
    )


def _colour(piece: trimesh.Trimesh) -> tuple[int, int, int, int]:
    visual: Any = piece.visual
    material = getattr(visual, "material", None)
    rgba = _material_colour(material) if material is not None else None
    if rgba is None and visual.kind in {"vertex", "face"}:
        every = visual.vertex_colors if visual.kind == "vertex" else visual.face_colors
        rgba = np.asarray(every, np.float64).mean(axis=0) / 255
    if rgba is None:
        return GREY
    red, green, blue, opacity = (int(v) for v in np.clip(np.round(255 * rgba), 0, 255))
    return red, green, blue, opacity


def _material_colour(material: Any) -> NDArray[np.float64] | None:
    factor = getattr(material, "baseColorFactor", None)
    if factor is None:
        factor = getattr(material, "diffuse", None)
    image = getattr(material, "baseColorTexture", None) or getattr(material, "image", None)
    if factor is None and image is None:
        return None
    rgba = np.ones(4)
    if factor is not None:
        given = np.asarray(factor, np.float64).ravel()
        scale = 255.0 if np.asarray(factor).dtype.kind in "ui" else 1.0
        rgba[: min(4, len(given))] = given[:4] / scale
    return rgba * mean_colour(image) if image is not None else rgba
