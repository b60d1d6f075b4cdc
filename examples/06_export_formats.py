"""A city in every format, and the GLB opened again by a program that knows nothing of twin."""

import common
import pyvista as pv

SUFFIXES = (".city.json", ".city.jsonl", ".gpkg", ".glb", ".obj", ".stl", ".ply")


def main() -> None:
    """Write ``demo-glb.png``."""
    out = common.output_folder()
    city = common.demo_city(out)
    for suffix in SUFFIXES:
        path = city.export(out / f"district{suffix}", force=True)
        print(f"{path.stat().st_size / 1e6:6.2f} MB  {path.name}")

    plotter = pv.Plotter(off_screen=True, window_size=list(common.picture_size()))
    plotter.import_gltf(str(out / "district.glb"))
    plotter.add_light(pv.Light(light_type="headlight", intensity=2.6))
    plotter.set_background("#f4f1eb")
    plotter.view_vector((-0.5, 0.5, 0.9), viewup=(0, 1, 0))  # a GLB has y up, and south is +z
    plotter.camera.zoom(1.9)
    plotter.screenshot(out / "demo-glb.png")


if __name__ == "__main__":
    main()
