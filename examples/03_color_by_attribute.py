"""Buildings coloured by their height, in classes that stay the same from picture to picture."""

import common

import twin
from twin.scene.colour import ColourBy


def main() -> None:
    """Write ``demo-heights.png``."""
    out = common.output_folder()
    scene = twin.Scene(common.demo_city(out))
    by = ColourBy(
        "height_m", method="given", breaks=(5, 10, 20, 40)
    )  # metres; the command line: height_m:5,10,20,40
    scene.snapshot(out / "demo-heights.png", size=common.picture_size(), color_by=by)


if __name__ == "__main__":
    main()
