"""One city from four places, on one sheet."""

import common
import numpy as np
from PIL import Image

import twin
from twin.scene.shot import Furniture

VIEWS = (("street", "light"), ("top", "light"), ("axis", "light"), ("overview", "dark"))


def main() -> None:
    """Write ``demo-views.png``."""
    out = common.output_folder()
    city = common.demo_city(out)
    width, height = common.picture_size()
    bare = Furniture.none()
    pictures = []
    for view, style in VIEWS:
        scene = twin.Scene(city, style=style)
        pictures.append(scene.image(size=(width // 2, height // 2), view=view, furniture=bare))
    sheet = np.vstack([np.hstack(pictures[:2]), np.hstack(pictures[2:])])
    Image.fromarray(sheet).save(out / "demo-views.png")


if __name__ == "__main__":
    main()
