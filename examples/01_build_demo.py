"""Make a district, fly a laser survey over it, build the city and draw it: what `twin demo` does, in Python."""

import os

import common

import twin
from twin.demo.district import generate_district


def main() -> None:
    """Write ``demo-overview.png``."""
    out = common.output_folder()
    n_buildings = int(os.environ.get("TWIN_EXAMPLE_BUILDINGS", "400"))
    files = generate_district(out / "district", n_buildings=n_buildings, density=8, seed=1)
    print(f"{len(files.survey)} point clouds, footprints in {files.footprints.name}, CRS {files.crs}")

    city = twin.build(
        files.survey,
        files.footprints,
        out / "district" / "district.twin",
        id_field="id",
        vectors={
            "roads": files.roads,
            "water": files.water,
            "bridges": files.bridges,
            "landcover": files.landcover,
        },
        name="Eco Delta (procedural)",
        attribution="twin demo district (procedural)",
    )
    print(city.buildings["state"].value_counts().to_string())
    camera = common.close_view(city)
    twin.Scene(city).snapshot(out / "demo-overview.png", size=common.picture_size(), view=camera)


if __name__ == "__main__":
    main()
