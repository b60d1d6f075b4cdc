"""Hours of sun on the shortest day: on the ground, on roofs and on walls, with a table of the buildings."""

import common

import twin
from twin.scene.sun_layer import SunHoursLayer


def main() -> None:
    """Write ``demo-sun-hours.png``."""
    out = common.output_folder()
    city = common.demo_city(out)
    found = twin.energy.sun_hours(city, date="2026-12-21", surfaces=True)
    print(f"day of {found.track.day_length_h:.1f} h, on the ground {found.ground_h.mean():.1f} h in the mean")
    print(found.buildings.sort_values("wall_sun_h").head())

    layer = SunHoursLayer(found, twin.Scene(city).pack)
    scene = twin.Scene(city, layers=[layer])
    scene.snapshot(out / "demo-sun-hours.png", size=common.picture_size(), view=common.close_view(city))


if __name__ == "__main__":
    main()
