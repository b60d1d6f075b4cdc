"""What is seen from the highest roof and from the street: two viewsheds over the plan of the city."""

import common

import twin
from twin.scene.seen_layer import SeenLayer
from twin.scene.shot import Furniture
from twin.scene.sight import viewshed


def main() -> None:
    """Write ``demo-viewshed.png``."""
    out = common.output_folder()
    city = common.demo_city(out)
    around = twin.energy.surroundings(city)
    highest = city.buildings.loc[city.buildings["height_m"].idxmax()].geometry.representative_point()
    roads = city.layer("roads")
    middle = city.buildings.union_all().centroid
    street = roads.geometry[roads.distance(middle).idxmin()].representative_point()

    width, height = common.picture_size()
    pictures = []
    for place, title in ((street, "Seen from a street"), (highest, "Seen from the highest roof")):
        found = viewshed(around, (place.x, place.y), target_height_m=0.0)
        print(f"{title}: {found.seen_m2:.0f} m2")
        scene = twin.Scene(city, layers=[SeenLayer(found)])
        look = Furniture(title, labels=False)
        pictures.append(scene.image(size=(width // 2, height), view="top", furniture=look))
    common.save_beside(pictures, out / "demo-viewshed.png")


if __name__ == "__main__":
    main()
