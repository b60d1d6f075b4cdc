"""A city as USDZ: the model that phones and headsets put on a table, in the colours and the light of the scene.

Each building is a prim that knows its id; light and colour are pictures, so that the model looks like a snapshot in
any viewer. y is up and one unit a metre, as ARKit asks.

References
----------
Pixar (2021), Usdz File Format Specification. Apple (2023), Validating feature support for USD files.
"""

from __future__ import annotations

import errno
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.core.errors import ExtraMissingError, StorageError
from twin.core.files import atomic_path, says_full_disk, storage_error
from twin.core.visible_text import visible_text
from twin.outputs.baked import face_picture, ground_picture, jpeg
from twin.outputs.gltf_meshes import vertex_normals
from twin.outputs.placement import Placement, placement
from twin.outputs.verify import require_same
from twin.scene.pack import Material

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from twin.city.export_options import ExportOptions
    from twin.core.notices import Notices
    from twin.scene.model import Trees
    from twin.scene.scene import Scene

MAX_TRIANGLES = 200_000
MAX_TEXTURE = 2048
MAX_BYTES = 25_000_000
"""What phones of the last years show without halting; more is written, and said."""
MAX_PRIMS = 1000
"""More buildings than these share a prim with their neighbours, since each prim is drawn by itself."""
_REMEDY = 'pip install "twin[expo]"'
_HOUSE = (Material.WALL, Material.ROOF_FLAT, Material.ROOF_SLOPED)


@dataclass(frozen=True, slots=True)
class Piece:
    """One prim: a mesh in model coordinates with z up.

    Parameters
    ----------
    name : str
        Any text; the prim gets a valid name made of it, and shows this one.
    group : str
        Prim above it.
    points, normals : array, shape (n, 3)
    triangles : array, shape (m, 3)
    texel : array, shape (n, 2)
        Place in the picture, 0 to 1, from its upper left corner; empty for a plain colour.
    look : str
        Material.
    ids : tuple of str
        Buildings in it, if it holds several.
    """

    name: str
    group: str
    points: NDArray[np.float64]
    normals: NDArray[np.float32]
    triangles: NDArray[np.int64]
    texel: NDArray[np.float32]
    look: str
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UsdzCounts:
    """What a USDZ holds, as read back from it.

    Parameters
    ----------
    n_prims, n_triangles, n_bytes : int
        Meshes, their triangles, size of the file.
    """

    n_prims: int
    n_triangles: int
    n_bytes: int


def write_usdz(
    path: Path | str,
    scene: Scene,
    trees: Trees | None,
    options: ExportOptions,
    *,
    force: bool = False,
    notices: Notices | None = None,
) -> UsdzCounts:
    """Write a scene as USDZ, read it back, and only then give it its name.

    Parameters
    ----------
    path : path
        Where the file shall lie.
    scene : Scene
    trees : Trees, optional
        Map coordinates; left out, and told, where the model would have too many triangles for a phone.
    options : ExportOptions
        Scale or size; the model's middle is at the origin in any case.
    force : bool
        Whether an existing file may be replaced.
    notices : Notices, optional

    Raises
    ------
    ExtraMissingError
        If usd-core is not installed.
    OutputExistsError
        If the file exists and `force` is false.
    StorageError
        If the disk is full or fails, or the file does not read back as it was written.
    """
    require_usd()
    place = _placement(scene, options)
    with atomic_path(path, force=force) as temporary, tempfile.TemporaryDirectory() as name:
        pieces = _all_pieces(scene, trees, place, path, notices)
        made = Path(name) / "model.usdz"
        try:
            _write_package(made, scene, pieces, place)
            counts = read_usdz_counts(made)
            data = made.read_bytes()
        except RuntimeError as error:  # Tf.ErrorException: usd tells of a full disk no other way
            if says_full_disk(str(error)):
                raise storage_error(path, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))) from error
            raise StorageError(
                path, f"could not be written ({_first_line(error)})", "free some space"
            ) from error
        temporary.write_bytes(data)
        written = {"meshes": len(pieces), "triangles": sum(len(p.triangles) for p in pieces)}
        require_same(path, written, {"meshes": counts.n_prims, "triangles": counts.n_triangles})
        _tell_limits(path, counts, notices)
    return counts


def require_usd() -> None:
    """Refuse, with the remedy, where usd-core is not installed.

    Raises
    ------
    ExtraMissingError
    """
    try:
        import pxr  # noqa: F401
    except ImportError as error:
        raise ExtraMissingError("usd-core", f"is needed for .usdz ({error})", _REMEDY) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__


def _placement(scene: Scene, options: ExportOptions) -> Placement:
    block, origin = scene.pack.meta.block, np.asarray(scene.pack.meta.origin, np.float64)
    corners = np.array([block[:2] + block[4:5], block[2:4] + block[5:6]]) + origin
    found = placement(corners, options)
    if found is not None:
        return found
    middle = corners.mean(axis=0)
    return Placement((float(middle[0]), float(middle[1]), float(corners[0, 2])))


def _all_pieces(
    scene: Scene, trees: Trees | None, place: Placement, path: Path | str, notices: Notices | None
) -> list[Piece]:
    pieces = [*_facet_pieces(scene, place), *_ground_pieces(scene, place)]
    crowns = list(_tree_pieces(trees, place)) if trees is not None and len(trees.foot) else []
    total = sum(len(p.triangles) for p in [*pieces, *crowns])
    if crowns and total > MAX_TRIANGLES:
        if notices is not None:
            what = f"{total:,} triangles are more than the {MAX_TRIANGLES:,} that phones take"
            notices.add("no-trees", f"{path}: {what}; trees are left out")
        return pieces
    return [*pieces, *crowns]


def _tell_limits(path: Path | str, counts: UsdzCounts, notices: Notices | None) -> None:
    over = []
    if counts.n_triangles > MAX_TRIANGLES:
        over.append(f"{counts.n_triangles:,} triangles, phones take {MAX_TRIANGLES:,}")
    if counts.n_bytes > MAX_BYTES:
        over.append(f"{counts.n_bytes / 1e6:.0f} MB, phones take {MAX_BYTES / 1e6:.0f}")
    if over and notices is not None:
        notices.add("large-model", f"{path}: {'; '.join(over)}; choose a part with --around X,Y,R")


def _facet_pieces(scene: Scene, place: Placement) -> Iterator[Piece]:
    """Buildings one by one or by the tile, bridges and the rest."""
    pack = scene.pack
    names = pack["building_ids"].tolist()
    one_by_one = len(names) <= MAX_PRIMS
    for number, tile in enumerate(pack.meta.facet_tiles):
        triangles = pack["facet_triangles"][slice(*tile.cells)].astype(np.int64) + tile.points[0]
        material = pack["facet_material"][triangles[:, 0]]
        owner = pack["facet_owner"][triangles[:, 0]]
        is_house = np.isin(material, _HOUSE)
        key = np.where(is_house, owner if one_by_one else -2, -1)
        for code in np.unique(key).tolist():
            rows = triangles[key == code]
            if code >= 0:
                yield _facet_piece(scene, place, rows, names[code], group="buildings")
            elif code == -2:
                ids = tuple(names[i] for i in np.unique(owner[is_house]).tolist())
                yield _facet_piece(scene, place, rows, f"buildings {number}", group="buildings", ids=ids)
            else:
                yield _facet_piece(scene, place, rows, f"{tile.group} {number}", group="structures")


def _facet_piece(
    scene: Scene,
    place: Placement,
    triangles: NDArray[np.int64],
    name: str,
    *,
    group: str,
    ids: tuple[str, ...] = (),
) -> Piece:
    pack = scene.pack
    points, renumbered = np.unique(triangles, return_inverse=True)
    rows, columns = pack.meta.atlas
    texel = (pack["facet_texel"][points] + 0.5) / np.array([columns, rows], np.float32)
    local = pack["facet_points"][points] + np.asarray(pack.meta.origin, np.float64)
    normals = pack["facet_normals"][points].astype(np.float32)
    made = renumbered.reshape(-1, 3).astype(np.int64)
    return Piece(name, group, place.apply(local), normals, made, texel.astype(np.float32), "faces", ids)


def _ground_pieces(scene: Scene, place: Placement) -> Iterator[Piece]:
    from twin.scene.bake import plan_texel

    pack = scene.pack
    size = np.array([pack.meta.plan.columns, pack.meta.plan.rows], np.float32)
    for number, tile in enumerate(pack.meta.terrain_tiles):
        local = pack["terrain_points"][slice(*tile.points)]
        triangles = pack["terrain_triangles"][slice(*tile.cells)].astype(np.int64)
        texel = (plan_texel(local, pack) + 0.5) / size
        normals = vertex_normals(local, triangles.astype(np.int32))
        points = place.apply(local + np.asarray(pack.meta.origin, np.float64))
        yield Piece(f"{tile.group} {number}", "ground", points, normals, triangles, texel, "ground")


def _tree_pieces(trees: Trees, place: Placement) -> Iterator[Piece]:
    from twin.outputs.tree_shapes import tree_part

    part = tree_part(trees)
    for kind, name in enumerate(part.kinds):
        triangles = part.mesh.triangles[part.kind == kind]
        used, renumbered = np.unique(triangles, return_inverse=True)
        points = place.apply(part.mesh.vertices[used])
        made = renumbered.reshape(-1, 3).astype(np.int32)
        normals = vertex_normals(points.astype(np.float32), made)
        yield Piece(
            f"{name}s", "trees", points, normals, made.astype(np.int64), np.empty((0, 2), np.float32), name
        )


def _write_package(made: Path, scene: Scene, pieces: list[Piece], place: Placement) -> None:
    from pxr import Sdf, Usd, UsdGeom, UsdUtils

    folder = made.parent
    (folder / "faces.jpg").write_bytes(jpeg(face_picture(scene), most=MAX_TEXTURE))
    (folder / "ground.jpg").write_bytes(jpeg(ground_picture(scene), most=MAX_TEXTURE))
    stage = Usd.Stage.CreateNew(str(folder / "model.usdc"))
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    city = UsdGeom.Xform.Define(stage, "/City")
    stage.SetDefaultPrim(city.GetPrim())
    Usd.ModelAPI(city.GetPrim()).SetKind("assembly")
    city.GetPrim().SetDisplayName(visible_text(scene.pack.meta.name))
    stage.GetRootLayer().customLayerData = {
        "crs": scene.pack.meta.crs,
        "origin": " ".join(f"{v:.3f}" for v in place.origin),
        "metresPerMetre": float(place.factor),
        "attribution": "; ".join(visible_text(t) for t in scene.pack.meta.attribution),
        "generator": "twin",
    }
    looks = _materials(stage, {p.look for p in pieces}, scene)
    for group in dict.fromkeys(p.group for p in pieces):
        UsdGeom.Xform.Define(stage, f"/City/{group}")
    taken: set[str] = set()
    for piece in pieces:
        _define(stage, piece, looks, taken)
    stage.GetRootLayer().Save()
    if not UsdUtils.CreateNewUsdzPackage(Sdf.AssetPath(str(folder / "model.usdc")), str(made)):
        raise RuntimeError("the package was not made")


def _define(stage: Any, piece: Piece, looks: dict[str, Any], taken: set[str]) -> None:
    from pxr import Sdf, UsdGeom, UsdShade, Vt

    mesh = UsdGeom.Mesh.Define(stage, f"/City/{piece.group}/{_prim_name(piece.name, taken)}")
    prim = mesh.GetPrim()
    prim.SetDisplayName(visible_text(piece.name))
    prim.SetCustomDataByKey("id", visible_text(piece.name))
    if piece.ids:
        prim.SetCustomDataByKey("ids", Vt.StringArray([visible_text(i) for i in piece.ids]))
    points = _y_up(piece.points)
    mesh.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(points))
    mesh.CreateExtentAttr(Vt.Vec3fArray.FromNumpy(np.stack([points.min(axis=0), points.max(axis=0)])))
    mesh.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(piece.triangles.ravel().astype(np.int32)))
    mesh.CreateFaceVertexCountsAttr(Vt.IntArray.FromNumpy(np.full(len(piece.triangles), 3, np.int32)))
    mesh.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    mesh.CreateNormalsAttr(Vt.Vec3fArray.FromNumpy(_y_up(piece.normals)))
    mesh.SetNormalsInterpolation(UsdGeom.Tokens.vertex)
    if len(piece.texel):
        turned = np.ascontiguousarray(np.column_stack([piece.texel[:, 0], 1 - piece.texel[:, 1]]), np.float32)
        st = UsdGeom.PrimvarsAPI(mesh).CreatePrimvar(
            "st", Sdf.ValueTypeNames.TexCoord2fArray, UsdGeom.Tokens.vertex
        )
        st.Set(Vt.Vec2fArray.FromNumpy(turned))
    material, colour = looks[piece.look]
    mesh.CreateDisplayColorAttr([colour])
    UsdShade.MaterialBindingAPI.Apply(prim).Bind(material)


def _prim_name(name: str, taken: set[str]) -> str:
    """A name that USD takes, and that no other prim has."""
    from pxr import Tf

    ascii_name = name.encode("ascii", errors="ignore").decode()[:60]
    wanted = Tf.MakeValidIdentifier(ascii_name or "building")
    number, free = 2, wanted
    while free in taken:
        free, number = f"{wanted}_{number}", number + 1
    taken.add(free)
    return free


def _y_up(values: NDArray[Any]) -> NDArray[np.float32]:
    """East, north, up as x, -z, y."""
    return np.ascontiguousarray(np.column_stack([values[:, 0], values[:, 2], -values[:, 1]]), np.float32)


def _materials(stage: Any, names: set[str], scene: Scene) -> dict[str, Any]:
    """Material and plain colour of each look."""
    from pxr import Gf

    plain = {"crown": "tree.broadleaf", "trunk": "tree.trunk"}
    made = {}
    for name in sorted(names):
        rgb = scene.style.rgb(plain.get(name, "terrain.land" if name == "ground" else "building.walls"))
        colour = Gf.Vec3f(*((c / 255) ** 2.2 for c in rgb))
        picture = None if name in plain else f"./{name}.jpg"
        made[name] = (_material(stage, name, colour, picture), colour)
    return made


def _material(stage: Any, name: str, colour: Any, picture: str | None) -> Any:
    """A matt surface of one colour, or of a picture."""
    from pxr import Sdf, UsdShade

    types = Sdf.ValueTypeNames
    material = UsdShade.Material.Define(stage, f"/City/looks/{name}")
    surface = UsdShade.Shader.Define(stage, f"/City/looks/{name}/surface")
    surface.CreateIdAttr("UsdPreviewSurface")
    surface.CreateInput("roughness", types.Float).Set(1.0)
    surface.CreateInput("metallic", types.Float).Set(0.0)
    diffuse = surface.CreateInput("diffuseColor", types.Color3f)
    diffuse.Set(colour)
    material.CreateSurfaceOutput().ConnectToSource(surface.ConnectableAPI(), "surface")
    if picture is None:
        return material
    reader = UsdShade.Shader.Define(stage, f"/City/looks/{name}/place")
    reader.CreateIdAttr("UsdPrimvarReader_float2")
    reader.CreateInput("varname", types.String).Set("st")
    reader.CreateOutput("result", types.Float2)
    texture = UsdShade.Shader.Define(stage, f"/City/looks/{name}/picture")
    texture.CreateIdAttr("UsdUVTexture")
    texture.CreateInput("file", types.Asset).Set(picture)
    texture.CreateInput("sourceColorSpace", types.Token).Set("sRGB")
    for wrap in ("wrapS", "wrapT"):
        texture.CreateInput(wrap, types.Token).Set("clamp")
    texture.CreateInput("st", types.Float2).ConnectToSource(reader.ConnectableAPI(), "result")
    texture.CreateOutput("rgb", types.Float3)
    diffuse.ConnectToSource(texture.ConnectableAPI(), "rgb")
    return material


def read_usdz_counts(path: Path) -> UsdzCounts:
    """What a USDZ holds.

    Raises
    ------
    StorageError
        If it cannot be opened.
    """
    from pxr import Usd, UsdGeom

    stage = Usd.Stage.Open(str(path))
    if not stage or not stage.GetDefaultPrim():
        raise StorageError(path, "does not read back", "check the disk and run again")
    meshes = [UsdGeom.Mesh(p) for p in stage.Traverse() if p.IsA(UsdGeom.Mesh)]
    n = sum(len(m.GetFaceVertexCountsAttr().Get()) for m in meshes)
    return UsdzCounts(len(meshes), n, path.stat().st_size)
