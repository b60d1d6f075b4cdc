"""Shadows at noon of the shortest day, through a camera of one's own that looks straight down."""

import json

import common

import twin


def main() -> None:
    """Write ``demo-winter.png``."""
    out = common.output_folder()
    city = common.demo_city(out)
    middle = city.buildings.geometry.union_all().centroid
    camera = {  # map coordinates: easting, northing, elevation
        "eye": [middle.x, middle.y, 500.0],
        "target": [middle.x, middle.y, 0.0],
        "parallel_height_m": 260.0,
    }
    (out / "camera.json").write_text(json.dumps(camera))
    scene = twin.Scene(city, time="2026-12-21T12:00+09:00")
    scene.snapshot(out / "demo-winter.png", size=common.picture_size(), view=out / "camera.json")


if __name__ == "__main__":
    main()
