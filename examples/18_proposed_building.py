"""A proposed tower, today and in the plan: what it replaces, the sun that neighbours lose, and the figures."""

from datetime import date

import common
import trimesh

import twin
from twin.core.notices import Notices
from twin.scene.from_city import scene_content
from twin.scene.measure import ground_of
from twin.scene.proposal import place_by_hand, with_proposal
from twin.scene.proposal_compare import compare
from twin.scene.proposal_model import read_proposal
from twin.scene.shot import Furniture


def main() -> None:
    """Write ``demo-proposal.png``."""
    out = common.output_folder()
    city = common.demo_city(out)
    trimesh.creation.box((24, 14, 48)).export(out / "tower.obj")
    around, table = twin.energy.surroundings(city), city.buildings
    old = table.loc[table.centroid.distance(table.union_all().centroid).idxmin()].geometry.centroid
    model = read_proposal(out / "tower.obj", notices=Notices())
    tower = place_by_hand(model, (old.x, old.y), turn_deg=12, ground=ground_of(around))
    found = compare(around, tower, table, day=date(2026, 12, 21))
    print(found.hidden, round(found.added_volume_m3), found.neighbours.head())
    content, hidden = scene_content(city), list(table[table["id"].isin(found.hidden)].geometry)
    plan = with_proposal(content, tower, hidden=found.hidden, ground=(hidden, ground_of(around)))
    (width, height), view = common.picture_size(), common.view_of(city, (old.x, old.y), reach_m=150)
    pictures = []
    for title, shown in (("Today", content), ("Plan", plan)):
        look = Furniture(title, legend=False, labels=False, scale=False)
        pictures.append(twin.Scene(shown).image(size=(width // 2, height), view=view, furniture=look))
    common.save_beside(pictures, out / "demo-proposal.png")


if __name__ == "__main__":
    main()
