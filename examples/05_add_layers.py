"""Layers of one's own beside what was built: the street network as lines, sensors from a table as points."""

import common
import pandas as pd

import twin
from twin.city.add import add_files
from twin.core.notices import Notices


def main() -> None:
    """Write ``demo-layers.png``."""
    out = common.output_folder()
    city = common.copy_of(common.demo_city(out), "layers")
    rows = city.layer("trees").iloc[::40]
    sensors = pd.DataFrame({"x": rows.geometry.x, "y": rows.geometry.y, "air_c": 21.5})
    sensors.to_csv(out / "sensors.csv", index=False)

    notices = Notices()
    add_files(city.path, [out / "district" / "network.gpkg"], name="streets", notices=notices)
    add_files(city.path, [out / "sensors.csv"], notices=notices)
    print("\n".join(notices.lines()) or "nothing to remark")

    scene = twin.Scene(twin.open_city(city.path), layers=["streets", "sensors"])
    scene.snapshot(out / "demo-layers.png", size=common.picture_size(), view=common.close_view(city))


if __name__ == "__main__":
    main()
