"""A sound file of every kind that is read, what reads it, and the command line that it would come by."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import openpyxl
import trimesh
from PIL import Image
from rasterio.transform import from_origin

from tests.city.broken_cityjson import as_sequence, sound_model
from tests.faults.mutants import mutant, png_checked, zip_member_mutant
from tests.faults.small_city import CRS, HOUSES, SITE, TREE, outlines, small_cloud, write_small
from tests.sources.broken_rasters import geotiff, hill
from tests.sources.broken_vectors import X, Y
from tests.sources.point_samples import town, write_copc, write_version
from tests.sources.vector_samples import write_spatialite
from twin.core.crs import parse_crs
from twin.core.notices import Notices

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import geopandas as gpd

    Damage = Callable[[bytes, np.random.Generator], bytes]

CITY = parse_crs(CRS)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of input.

    Parameters
    ----------
    name : str
        File name of the sound one; files beside it belong to it and are damaged too.
    make : callable
        Writes it into a folder.
    read : callable
        What a build, or an addition to a city, does with it.
    command : callable
        Command line for the file, the folder of the other inputs, and the city to make.
    damage : callable
        Bytes of a mutant.
    """

    name: str
    make: Callable[[Path], object]
    read: Callable[[Path], object]
    command: Callable[[Path, Path, Path], list[str]]
    damage: Damage = mutant


def text_damage(data: bytes, rng: np.random.Generator) -> bytes:
    """Injuries of words and numbers beside those of bytes."""
    return mutant(data, rng, text=True)


def png_damage(data: bytes, rng: np.random.Generator) -> bytes:
    """Injuries that half of the checksums do not tell."""
    return png_checked(mutant(data, rng), rng)


def xlsx_damage(data: bytes, rng: np.random.Generator) -> bytes:
    """Injuries of the archive, or of a member in it."""
    return zip_member_mutant(data, rng) if rng.integers(2) else mutant(data, rng)


# --- readers


def read_points(path: Path) -> None:
    """Every point, in the city's coordinates."""
    from twin.sources.points import file_transform, open_points, read_chunks

    for file in open_points(path):
        home = file_transform(file, parse_crs("EPSG:25832"), notices=Notices())
        for _ in read_chunks(file, transform=home, notices=Notices()):
            pass


def read_outlines(path: Path) -> object:
    """As building footprints."""
    from twin.sources.footprints import read_footprints

    return read_footprints(path, crs=CITY, assume_crs=CITY, notices=Notices())


def read_dtm(path: Path) -> object:
    """As elevations."""
    from twin.sources.rasters import read_elevation

    return read_elevation(path, crs=CITY, assume_crs=CITY, notices=Notices())


def read_ortho(path: Path) -> object:
    """As a picture of the ground."""
    from twin.sources.pictures import read_picture

    return read_picture(path, crs=CITY, assume_crs=CITY, notices=Notices())


def read_toml(path: Path) -> object:
    """As the description of a build."""
    from twin.city.options import read_options

    return read_options(path)


def read_solids(path: Path) -> object:
    """As given buildings."""
    from twin.city.given_solids import read_given

    return read_given(path, crs=CITY, assume_crs=CITY, height_offset_m=None, notices=Notices())


def read_rows(path: Path) -> object:
    """As a table."""
    from twin.sources.tables import read_table

    return read_table(path, notices=Notices())


def read_shape(path: Path) -> object:
    """As a 3D model."""
    from twin.sources.models import read_model

    return read_model(path, notices=Notices())


# --- command lines


def as_points(path: Path, beside: Path, city: Path) -> list[str]:
    return ["build", str(path), "--crs", "EPSG:25832", "-o", str(city), "--workers", "1"]


def as_option(option: str) -> Callable[[Path, Path, Path], list[str]]:
    """Beside a sound survey."""

    def command(path: Path, beside: Path, city: Path) -> list[str]:
        more = ["-o", str(city), "--workers", "1", "--crs", CRS]
        return ["build", str(beside / "survey.laz"), option, str(path), *more]

    return command


def as_toml(path: Path, beside: Path, city: Path) -> list[str]:
    return ["build", str(path), "-o", str(city), "--workers", "1"]


def as_layer(path: Path, beside: Path, city: Path) -> list[str]:
    """Into a copy of a sound city that lies where the new one would."""
    return ["add", str(city), str(path), "--as", "mutant", "--at", f"{X},{Y}", "--crs", "EPSG:25832"]


# --- sound files


def houses() -> gpd.GeoDataFrame:
    """The footprints with attributes of several types."""
    return outlines().assign(
        이름=["구청", "역", "a", None], storeys=[2, 1, None, 3], height=["7,5", "3", "", "4.5"], area=80.5
    )


def vector(name: str, **options: str) -> Callable[[Path], object]:
    def make(folder: Path) -> None:
        houses().to_file(folder / name, engine="pyogrio", **options)

    return make


def points(name: str, version: str, point_format: int) -> Callable[[Path], object]:
    def make(folder: Path) -> None:
        cloud = small_cloud(density=2.0)
        write_version(
            folder / name, cloud, version=version, point_format=point_format, crs=parse_crs("EPSG:25832"),
            extra_bytes=point_format == 7,
        )  # fmt: skip

    return make


def write_tif(folder: Path) -> None:
    corner = from_origin(SITE.x_min, SITE.y_max, 0.5, 0.5)
    values = hill(84, 70) + 40
    geotiff(
        folder, "dtm.tif", values, transform=corner, nodata=-9999, compress="deflate", tiled=True,
        blockxsize=32, blockysize=32, predictor=3,
    )  # fmt: skip


def write_png(folder: Path) -> None:
    ramp = np.arange(84 * 70 * 3, dtype=np.uint32).reshape(70, 84, 3)
    Image.fromarray((ramp % 251).astype(np.uint8)).save(folder / "ortho.png", optimize=True)
    lines = (0.5, 0, 0, -0.5, SITE.x_min + 0.25, SITE.y_max - 0.25)
    (folder / "ortho.pgw").write_text("".join(f"{v}\n" for v in lines))


def write_toml(folder: Path) -> None:
    write_small(folder)
    (folder / "twin.toml").write_text(
        f'# a town\n[project]\nname = "작은 town"\ncrs = "{CRS}"\nattribution = "us"\n\n[sources]\n'
        'points = ["survey.laz"]\nfootprints = "houses.gpkg"\nid_field = "id"\n\n[terrain]\ncell_size = 0.5\n'
        'height_offset = 0.0\n\n[buildings]\nlod = "1.3"\ndetail = 0.5\n\n[output]\nfolder = "town.twin"\n'
    )


def city_model() -> dict[str, object]:
    model = sound_model()
    model["transform"]["translate"] = [X, Y, 60]
    model["metadata"]["referenceSystem"] = "https://www.opengis.net/def/crs/EPSG/0/25832"
    return model


def write_model(folder: Path) -> None:
    (folder / "town.city.json").write_text(json.dumps(city_model(), ensure_ascii=False))


def write_sequence(folder: Path) -> None:
    lines = [json.dumps(line) for line in as_sequence(city_model())]
    (folder / "town.city.jsonl").write_text("\n".join(lines) + "\n")


def write_csv(folder: Path) -> None:
    rows = [f"{i};이름 {n};{7.5 + n:.2f};2024-0{n + 1}-01;{X + n};{Y}" for n, i in enumerate(HOUSES)]
    text = "\n".join(["id;name;height;built;x;y", *rows]).replace(".", ",")
    (folder / "table.csv").write_bytes(text.encode("cp949"))


def write_xlsx(folder: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append(["id", "이름", "height", "x", "y"])
    for n, i in enumerate(HOUSES):
        book.active.append([i, f"이름 {n}", 7.5 + n, X + n, Y])
    book.save(folder / "table.xlsx")


def tree() -> trimesh.Scene:
    """A box with a texture, and a plain one beside it."""
    box = trimesh.creation.box(extents=(2, 4, 6))
    picture = Image.fromarray(np.full((8, 8, 3), 90, np.uint8))
    uv = np.random.default_rng(1).uniform(size=(len(box.vertices), 2))
    box.visual = trimesh.visual.TextureVisuals(
        uv=uv, material=trimesh.visual.material.PBRMaterial(baseColorTexture=picture)
    )
    ball = trimesh.creation.icosphere(subdivisions=1)
    ball.visual.vertex_colors = [10, 120, 30, 255]
    return trimesh.Scene({"box": box, "ball": ball})


def write_glb(folder: Path) -> None:
    (folder / "tree.glb").write_bytes(tree().export(file_type="glb"))


def write_gltf(folder: Path) -> None:
    for name, data in trimesh.exchange.gltf.export_gltf(tree()).items():
        (folder / name.replace("model.gltf", "tree.gltf")).write_bytes(data)


def write_obj(folder: Path) -> None:
    box = trimesh.creation.box(extents=(2, 4, 6))
    lines = [f"v {x} {y} {z}" for x, y, z in box.vertices + np.array([*TREE, 63])]
    faces = [f"f {a}//{a} {b}//{b} {c}//{c}" for a, b, c in box.faces + 1]
    normals = [f"vn {x} {y} {z}" for x, y, z in box.vertex_normals]
    head = ["mtllib tree.mtl", "o box", "usemtl bark"]
    (folder / "tree.obj").write_text("\n".join([*head, *lines, *normals, *faces]) + "\n")
    (folder / "tree.mtl").write_text("newmtl bark\nKd 0.4 0.3 0.1\nKa 0 0 0\nd 1\n")


FOOTPRINTS = as_option("--footprints")
KINDS: dict[str, Kind] = {
    "las": Kind("a.las", points("a.las", "1.2", 1), read_points, as_points),
    "laz": Kind("a.laz", points("a.laz", "1.2", 3), read_points, as_points),
    "laz14": Kind("b.laz", points("b.laz", "1.4", 7), read_points, as_points),
    "copc": Kind(
        "c.copc.laz", lambda f: write_copc(f / "c.copc.laz", town(3000), levels=3), read_points, as_points
    ),
    "gpkg": Kind("h.gpkg", vector("h.gpkg"), read_outlines, FOOTPRINTS),
    "geojson": Kind("h.geojson", vector("h.geojson"), read_outlines, FOOTPRINTS, text_damage),
    "shapefile": Kind("h.shp", vector("h.shp", encoding="CP949"), read_outlines, FOOTPRINTS),
    "flatgeobuf": Kind("h.fgb", vector("h.fgb"), read_outlines, FOOTPRINTS),
    "geoparquet": Kind(
        "h.parquet", lambda f: houses().to_parquet(f / "h.parquet"), read_outlines, FOOTPRINTS
    ),
    "spatialite": Kind(
        "h.sqlite",
        lambda f: write_spatialite(f / "h.sqlite", {"pand": {k: v[0] for k, v in HOUSES.items()}}),
        read_outlines,
        FOOTPRINTS,
    ),
    "geotiff": Kind("dtm.tif", write_tif, read_dtm, as_option("--dtm")),
    "png": Kind("ortho.png", write_png, read_ortho, as_option("--ortho"), png_damage),
    "toml": Kind("twin.toml", write_toml, read_toml, as_toml, text_damage),
    "cityjson": Kind("town.city.json", write_model, read_solids, as_option("--buildings"), text_damage),
    "cityjsonseq": Kind(
        "town.city.jsonl", write_sequence, read_solids, as_option("--buildings"), text_damage
    ),
    "csv": Kind("table.csv", write_csv, read_rows, as_layer, text_damage),
    "xlsx": Kind("table.xlsx", write_xlsx, read_rows, as_layer, xlsx_damage),
    "obj": Kind("tree.obj", write_obj, read_shape, as_layer, text_damage),
    "glb": Kind("tree.glb", write_glb, read_shape, as_layer),
    "gltf": Kind("tree.gltf", write_gltf, read_shape, as_layer, text_damage),
}
