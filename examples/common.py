"""What the examples share: where pictures go, how large they are, and one district that is built once for all."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyvista as pv
from PIL import Image

import twin
from twin.core.points import PointCloud
from twin.demo.district import generate_district
from twin.reconstruct.building import reconstruct_building
from twin.reconstruct.triangulate import triangulate


def output_folder() -> Path:
    """The folder that was named on the command line, or ``pictures``."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def picture_size() -> tuple[int, int]:
    """Pixels; the environment variable ``TWIN_EXAMPLE_SIZE`` asks for others, such as 640x360."""
    width, height = os.environ.get("TWIN_EXAMPLE_SIZE", "1200x675").split("x")
    return int(width), int(height)


def demo_city(folder: Path) -> twin.City:
    """The demo district, made, surveyed and built when an example first asks for it."""
    city = folder / "district" / "district.twin"
    if not city.exists():
        n_buildings = int(os.environ.get("TWIN_EXAMPLE_BUILDINGS", "400"))
        files = generate_district(folder / "district", n_buildings=n_buildings)
        maps = {
            "roads": files.roads,
            "water": files.water,
            "bridges": files.bridges,
            "landcover": files.landcover,
        }
        texts = {"name": "Eco Delta (procedural)", "attribution": "twin demo district (procedural)"}
        twin.build(files.survey, files.footprints, city, id_field="id", vectors=maps, **texts)
    return twin.open_city(city)


def copy_of(city: twin.City, name: str) -> twin.City:
    """The city in another folder, so that what an example adds does not show in the pictures of the others."""
    folder = city.path.with_name(f"{name}.twin")
    shutil.rmtree(folder, ignore_errors=True)
    return twin.open_city(shutil.copytree(city.path, folder))


def close_view(city: twin.City) -> Path:
    """A camera file that looks over the buildings from the south-west, in map coordinates."""
    west, south, east, north = city.buildings.total_bounds
    side = max(east - west, north - south)
    target = [(west + east) / 2 - 0.05 * side, (south + north) / 2, city.manifest.bounds[2]]
    eye = [target[0] - 0.43 * side, target[1] - 0.47 * side, target[2] + 0.23 * side]
    path = city.path.parent / "camera.json"
    path.write_text(json.dumps({"eye": eye, "target": target, "view_angle_deg": 38}))
    return path


def view_of(city: twin.City, place: tuple[float, float], *, reach_m: float) -> Path:
    """A camera file that looks at a place from the south-west."""
    x, y, z = *place, city.manifest.bounds[2]
    eye = [x - 0.75 * reach_m, y - 0.75 * reach_m, z + 0.62 * reach_m]
    path = city.path.parent / "place.json"
    path.write_text(json.dumps({"eye": eye, "target": [x, y, z + 12], "view_angle_deg": 42}))
    return path


def save_beside(pictures: list[np.ndarray], path: Path) -> None:
    """Pictures of one height side by side as a file."""
    Image.fromarray(np.concatenate(pictures, axis=1)).save(path)


def model_of(house, **options):
    """A sample of the demo reconstructed from its points, with the options of `reconstruct_building`."""
    ones = np.ones((2, len(house.xyz)), np.uint8)
    return reconstruct_building(
        house.footprint, PointCloud(house.xyz, house.classification, *ones), **options
    )


def mesh_of(solid, origin) -> pv.PolyData:
    """A solid, seen from an origin."""
    return pv.PolyData.from_regular_faces(solid.vertices - origin, triangulate(solid)[0])


def middle_of(city: twin.City) -> tuple[float, float, float]:
    """The middle of a city, 12 m above its lowest ground."""
    b = city.bounds
    return (b.x_min + b.x_max) / 2, (b.y_min + b.y_max) / 2, city.manifest.bounds[2] + 12.0


def window_picture(app: Any, make: Any, city: twin.City, layer: Any, out: Path) -> None:
    """Show a layer in a window and write ``demo-window.png``, the whole window as it is on the screen."""
    width, height = picture_size()
    window = make(city.path, language="en")
    window.resize(max(width, 1180), max(height, 720))
    window.show()
    window.moving.show_other(layer, layer.name)
    window.settle()
    window.clock.set_time(layer.span[0])
    window.settle()
    path = out / "demo-window.png"
    window.grab().save(str(path))
    Image.open(path).convert("RGB").resize((width, height), Image.Resampling.LANCZOS).save(path)
    window.release()
    app.processEvents()


def flood_cases():
    """The floods with an answer in closed form that the tests know."""
    sys.path.append(str(Path(__file__).resolve().parents[1]))
    from tests import flood_cases as cases

    return cases
