"""A printed plate of a city: one closed body, drawn as the slicer gets it."""

import common
import pyvista as pv

from twin.city.export_options import ExportOptions


def main() -> None:
    """Write ``demo-print.png``."""
    out = common.output_folder()
    city = common.demo_city(out)
    options = ExportOptions(for_print=True, size_m=0.18)
    plate = city.export(out / "district.stl", force=True, options=options)
    body = pv.read(plate)
    print(f"{body.n_cells:,} triangles, {body.volume / 1000:.0f} cm3, open edges: {body.n_open_edges}")

    plotter = pv.Plotter(off_screen=True, window_size=list(common.picture_size()), lighting="none")
    for place, strength in (((-300, -100, 260), 0.75), ((200, -300, 300), 0.3)):
        plotter.add_light(pv.Light(position=place, intensity=strength))
    body = body.compute_normals(split_vertices=True, feature_angle=15)
    plotter.add_mesh(body, color="#efe8db", ambient=0.12)
    plotter.set_background("#4d5661")
    plotter.view_vector((-0.3, -0.75, 0.6))
    plotter.camera.zoom(1.45)
    plotter.screenshot(out / "demo-print.png")


if __name__ == "__main__":
    main()
