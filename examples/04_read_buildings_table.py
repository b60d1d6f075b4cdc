"""The table of buildings as a data frame: figures by use, and a figure of one's own back into the city."""

import common

import twin
from twin.city.add import add_files
from twin.core.notices import Notices


def main() -> None:
    """Write ``demo-compactness.png``: outer surface per volume, which decides how much heat a building loses."""
    out = common.output_folder()
    city = common.copy_of(common.demo_city(out), "compactness")
    table = city.buildings[city.buildings["volume_m3"] > 0].copy()
    by_use = table.groupby("use")[["footprint_area_m2", "volume_m3"]].sum().round()
    print(by_use.sort_values("volume_m3", ascending=False).to_string())

    surface_m2 = table["wall_area_m2"] + table["roof_area_m2"] + table["footprint_area_m2"]
    table["surface_per_volume"] = (surface_m2 / table["volume_m3"]).round(3)
    table[["id", "surface_per_volume"]].to_csv(out / "compactness.csv", index=False)
    add_files(city.path, [out / "compactness.csv"], join="id=id", notices=Notices())

    scene = twin.Scene(twin.open_city(city.path))
    path = out / "demo-compactness.png"
    scene.snapshot(
        path, size=common.picture_size(), view=common.close_view(city), color_by="surface_per_volume"
    )


if __name__ == "__main__":
    main()
