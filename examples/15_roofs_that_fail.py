"""Where the reconstruction of roofs fails: the worst of some of each kind, above the truth, below what was made."""

import common
import numpy as np
import pyvista as pv

from twin.demo import sample_buildings
from twin.demo.roofcells import cells_inside, roof_faces, roof_height

KINDS = {"gable_dormers": 5, "cone": 5, "tower": 5, "mansard": 2}  # pulses per m2 at which each is looked at
LOOK = {"cmap": "RdBu_r", "clim": (-1, 1), "scalar_bar_args": {"title": "error, m", "n_labels": 3}}


def judged(house):
    """Share of the roof within 0.2 m of the truth, both solids, places and errors of its cells."""
    made = common.model_of(house, lods=("2.2",)).lods["2.2"].solids[0]
    origin, solids = np.floor([*house.footprint.bounds[:2], 0.0]), (house.solids["2.2"], made)
    at = cells_inside(house.footprint, origin)
    true, found = (roof_height(roof_faces([solid], origin), at) for solid in solids)
    meshes = [common.mesh_of(solid, origin) for solid in solids]
    return (np.abs(found - true) < 0.2).mean(), meshes, np.column_stack([at, found + 0.05]), found - true


def main() -> None:
    """Write ``roofs-that-fail.png``."""
    plot = pv.Plotter(shape=(2, 4), off_screen=True, window_size=list(common.picture_size()), border=False)
    for k, (kind, density) in enumerate(KINDS.items()):
        houses = sample_buildings(12, density=density, kinds=[kind], seed=32)
        near, meshes, cells, error = min((judged(h) for h in houses), key=lambda found: found[0])
        for row, text in enumerate((f"{kind}: truth", f"{density} per m2: {near:.1%} within 0.2 m")):
            plot.subplot(row, k)
            plot.add_mesh(meshes[row], color="#e4c7ae")
            plot.add_text(text, font_size=8, color="#333333")
            plot.view_vector((-0.7, -1.0, 1.1), viewup=(0, 0, 1))
        plot.add_points(cells, scalars=error, point_size=7, show_scalar_bar=k == 3, **LOOK)
    plot.screenshot(common.output_folder() / "roofs-that-fail.png")


if __name__ == "__main__":
    main()
