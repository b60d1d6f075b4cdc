"""Four pictures of a film: a flight from above the roofs down into a street, each what a snapshot there shows."""

import common
import numpy as np
from PIL import Image

import twin
from twin.outputs.film import draw_frame
from twin.outputs.film_plan import FilmOptions, plan_film
from twin.scene.shot import Furniture, Shot
from twin.scene.studio import Studio
from twin.scene.workspace import Tour, TourStop
from twin.scene.workspace_scene import viewpoint_of

SHOWN = (3, 10, 13, 31)


def main() -> None:
    """Write ``demo-film.png``."""
    out = common.output_folder()
    scene = twin.Scene(common.demo_city(out))
    scene.shot = Shot(furniture=Furniture.none())
    size = tuple(side // 2 for side in common.picture_size())
    places = [viewpoint_of(scene.camera(v, size), scene.pack.meta.origin) for v in ("overview", "street")]
    tour = Tour("arrival", tuple(TourStop(place) for place in places))
    plan = plan_film(scene, FilmOptions(size=size, fps=4.0, seconds=8.0, tour=tour))
    with Studio(size) as studio:
        a, b, c, d = (draw_frame(plan, studio, plan.frames[i]) for i in SHOWN)
    Image.fromarray(np.vstack([np.hstack([a, b]), np.hstack([c, d])])).save(out / "demo-film.png")


if __name__ == "__main__":
    main()
