"""One roof from points to figures: the survey, the faces found in it, the model, and how far the points lie off it."""

import common
import numpy as np
import pyvista as pv

from twin.demo import sample_buildings
from twin.reconstruct.partition import locate


def main() -> None:
    """Write ``roof-quality.png``."""
    house = next(sample_buildings(1, density=12, kinds=["gable_dormers"], seed=5))
    model = common.model_of(house)
    print(model.roof_type, (made := model.lods["2.2"]).fit, model.holdout, made.faces)
    planes, origin = made.roof.planes, np.array([*made.roof.partition.origin, 0.0])
    xyz = house.xyz[(house.classification == 6) & (house.xyz[:, 2] > house.facts["eave_z_m"])] - origin
    face = locate(made.roof.partition, xyz[:, :2])
    xyz, face = xyz[face >= 0], face[face >= 0]
    off = xyz[:, 2] - (planes[face, :2] * xyz[:, :2]).sum(axis=1) - planes[face, 2]
    mesh = common.mesh_of(made.solids[0], origin)
    plot = pv.Plotter(shape=(2, 2), off_screen=True, window_size=list(common.picture_size()), border=False)
    panels = (xyz[:, 2], "viridis", None), (face, "tab10", None), None, (off, "RdBu_r", (-0.2, 0.2))
    for k, panel in enumerate(panels):
        plot.subplot(k // 2, k % 2)
        if panel is None:
            plot.add_mesh(mesh, color="#d9a384")
        else:
            look = dict(zip(("scalars", "cmap", "clim"), panel, strict=True))
            plot.add_points(xyz, point_size=6, show_scalar_bar=k == 3, **look)
        plot.view_vector((-0.7, -1.0, 0.7), viewup=(0, 0, 1))
    plot.screenshot(common.output_folder() / "roof-quality.png")


if __name__ == "__main__":
    main()
