"""Everything that can be done in the window, step by step, for the scripted tour."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tour_hands import Tour

COARSE, FINE = "tour-3-m", "tour-1-m"
"""Names of the floods that are scrubbed; the steps of the fine one are heavy."""


def open_city(t: Tour) -> None:
    t.do(t.window.opening.open, t.city)
    t.until(lambda: t.window.desk.city is not None and t.window.picture.is_lit)


def layers(t: Tour) -> None:
    from PySide6.QtCore import Qt

    from twin.scene.workspace_points import SURVEY

    tree = t.window.layers
    for state in (Qt.CheckState.Unchecked, Qt.CheckState.Checked):
        for item in list(tree._items.values())[:12]:
            if item.text(0) and item.data(0, Qt.ItemDataRole.UserRole) != SURVEY:
                t.do(item.setCheckState, 0, state)
                t.pass_time(0.05)
        t.rest()
    for name in ("buildings", "terrain"):
        for value in (80, 40, 100):
            t.do(tree.sliders[name].setValue, value)
            t.pass_time(0.05)


def level_of_detail(t: Tour) -> None:
    for index in (3, 0):
        t.choose(t.window.layers.lod, index)
        t.rest()


def survey_points(t: Tour) -> None:
    from PySide6.QtCore import Qt

    from twin.scene.workspace_points import SURVEY

    for state in (Qt.CheckState.Checked, Qt.CheckState.Unchecked):
        t.do(t.window.layers._items[SURVEY].setCheckState, 0, state)
        t.rest()


def colours(t: Tour) -> None:
    panel = t.window.colour
    t.window.show_panel("colour")
    for i in range(0, panel.attributes.count(), max(1, panel.attributes.count() // 8)):
        t.do(panel._take_attribute, panel.attributes.item(i))
        t.pass_time(0.1)
    t.do(panel._take_attribute, panel.attributes.item(0))


def classes(t: Tour) -> None:
    panel = t.window.colour
    for index in range(panel.method.count()):
        t.choose(panel.method, index)
        t.pass_time(0.1)
        t.do(panel.count.setValue, 4 + index)
        t.pass_time(0.1)


def by_hand(t: Tour) -> None:
    panel = t.window.colour
    t.choose(panel.method, panel.method.count() - 1)
    t.do(panel.breaks.setText, "3, 6, 12")
    t.do(panel.breaks.returnPressed.emit)
    t.rest()
    t.do(panel.clear)


def pick(t: Tour) -> None:
    t.window.show_panel("inspect")
    for dx in range(-120, 121, 60):
        t.click(dx, 20)
        t.pass_time(0.2)


def rectangle(t: Tour) -> None:
    from PySide6.QtCore import QRectF

    box = QRectF(t.window.canvas.width() * 0.2, t.window.canvas.height() * 0.2, 500.0, 400.0)
    t.do(t.window.steering.boxed.emit, box, False)
    t.rest()
    t.do(t.window.inspect.cancel)


def plot(t: Tour) -> None:
    """A station is clicked, and its last hours are drawn."""
    from twin.scene.picking import Hit, Kind

    markers = next(iter(t.window.picture.marks), None)
    if markers is not None and len(markers.ids):
        o = t.window.desk.origin()
        place = tuple(float(a + b) for a, b in zip(markers.position[0], o, strict=True))
        t.do(t.window.inspect.inspect, Hit(Kind.MARKER, str(markers.ids[0]), place, 1.0))


def play(t: Tour) -> None:
    t.do(t.window.clock.toggle)
    t.pass_time(3.0)
    t.do(t.window.clock.stop)


def alarm(t: Tour) -> None:
    for back in (False, False, True):
        t.do(lambda b=back: t.window.clock.jump(back=b))
        t.rest()
    t.do(t.window.clock._no_time)


def level(t: Tour) -> None:
    water = t.window.water
    t.window.show_panel("water")
    t.choose(water.floods, 1)
    start = water.level.value()
    for k in range(1, 12):
        t.do(water.level.setValue, start + 4 * k)
        t.pass_time(0.05)


def way_round(t: Tour) -> None:
    water = t.window.water
    t.do(water.way.click)
    t.click(-100, 40)
    t.click(120, 30)
    t.rest()
    t.do(water.cancel)
    t.choose(water.floods, 0)


def scrub(t: Tour, name: str) -> None:
    water, clock = t.window.water, t.window.clock
    t.choose(water.floods, water.floods.findData(name))
    t.rest()
    for value in range(100, 1000, 60):
        t.do(clock.track.setValue, value)
        t.pass_time(0.08)


def simulation(t: Tour) -> None:
    scrub(t, COARSE)


def quantities(t: Tour) -> None:
    for index in (2, 3, 4, 1, 0):
        t.choose(t.window.water.quantity, index)
        t.rest()
    t.do(t.window.clock._no_time)
    t.choose(t.window.water.floods, 0)


def fine(t: Tour) -> None:
    scrub(t, FINE)


def fine_section(t: Tour) -> None:
    """The plane through a fine flood, the clock moving."""
    t.window.show_panel("measure")
    t.do(t.window.measure.section.put_here)
    t.rest()
    for value in range(300, 800, 100):
        t.do(t.window.clock.track.setValue, value)
        t.pass_time(0.1)
    t.rest()
    t.do(t.window.measure.section.take_away)
    t.do(t.window.clock._no_time)
    t.choose(t.window.water.floods, 0)


def section(t: Tour) -> None:
    box = t.window.measure.section
    t.window.show_panel("measure")
    t.do(box.put_here)
    t.rest()
    for value in (-60, -30, 30, 60):
        t.do(box.place.setValue, value)
        t.pass_time(0.2)
    t.rest()
    t.do(box.turn_over)
    t.rest()
    t.do(box.take_away)


def profile(t: Tour) -> None:
    t.measured("profile", (-150, 10), (150, 20))


def distances(t: Tour) -> None:
    t.measured("distance", (-60, 20), (50, 40))
    t.measured("area", (-60, 20), (50, 40), (20, 90))
    t.measured("volume", (-60, 20), (50, 40), (20, 90))


def sight(t: Tour) -> None:
    t.measured("sight", (-120, 40), (100, 30))


def viewshed(t: Tour) -> None:
    t.measured("viewshed", (-40, 30))
    t.do(lambda: t.window.desk.edit("none", measurements=()))


def sun_hours(t: Tour) -> None:
    t.window.show_panel("sun")
    t.do(t.window.sun.compute.click)
    t.until(lambda: t.window.sunshine.found is not None)
    t.rest()


def sun(t: Tour) -> None:
    t.do(t.window.sun.hide_hours)
    t.do(lambda: t.window.sun._season(6))
    t.rest()
    t.do(t.window.clock._no_time)


def proposal(t: Tour) -> None:
    from shapely.geometry import Point

    frame = t.window.desk.city.buildings
    middle = Point(*(frame.geometry.union_all().envelope.centroid.coords[0]))
    old = frame[frame["state"] == "built"].iloc[
        int(frame[frame["state"] == "built"].distance(middle).argmin())
    ]
    t.window.show_panel("plan")
    t.do(t.window.plan.take, t.model)
    t.rest()
    t.do(t.window.plan.place, t.model, (old.geometry.centroid.x, old.geometry.centroid.y))
    t.until(lambda: t.window.desk.state.shows == "plan")
    t.do(t.window.plan.cancel)


def today_plan(t: Tour) -> None:
    for shows in ("today", "plan", "today", "plan"):
        t.do(t.window.plan.show_state, shows)
        t.rest()


def turned(t: Tour) -> None:
    t.do(t.window.plan._turn, t.window.desk.state.proposals[0].id, 30)
    t.rest()


def compare(t: Tour) -> None:
    made = t.window.desk.state.proposals[0]
    t.do(t.window.plan.compare, made)
    t.until(lambda: made.id in t.window.plan.found)


def fly(t: Tour) -> None:
    from twin.viewer.actions import go_to_view

    for name in ("street", "top", "overview"):
        t.do(go_to_view, t.window, name)
        t.rest()
    t.press("walk")
    t.rest()
    t.press("walk")
    t.press("home")


def notes(t: Tour) -> None:
    from twin.scene.picking import Hit, Kind

    o = t.window.desk.origin()
    t.do(
        t.window.places.add_note,
        "Damaged kerb",
        Hit(Kind.TERRAIN, "", (o[0] + 1.0, o[1] + 1.0, o[2] + 1.0), 1.0),
    )
    t.rest()
    t.do(t.window.places.visit, t.window.desk.state.notes[0])


def tours(t: Tour) -> None:
    t.do(t.window.places.add_bookmark)
    t.press("from_above")
    t.rest()
    t.do(t.window.places.add_bookmark)
    t.do(t.window.places.add_tour)
    t.do(t.window.places.play, t.window.desk.state.tours[0])
    t.pass_time(2.0)
    t.do(t.window.places.stop_tour)
    t.press("home")


def undo_redo(t: Tour) -> None:
    for action in ("undo",) * 4 + ("redo",) * 4:
        t.press(action)
        t.pass_time(0.2)


def find(t: Tour) -> None:
    t.do(t.window.visit, t.window._places[0])
    t.rest()
    t.press("home")


def theme(t: Tour) -> None:
    for _ in range(2):
        t.press("theme")
        t.rest()


def language(t: Tour) -> None:
    for code in ("ko", "fi", "en"):
        t.do(lambda c=code: t.window.desk.edit("language", language=c))
        t.rest()


def help_page(t: Tour) -> None:
    t.press("help")
    t.pass_time(0.2)
    for dialog in t.app.topLevelWidgets():
        if type(dialog).__name__ == "HelpDialog":
            dialog.close()
            dialog.deleteLater()


def save_reopen(t: Tour) -> None:
    """With sun hours, a section, a flood and the plan, since all of that comes back."""
    w = t.window
    t.choose(w.water.floods, w.water.floods.findData(COARSE))
    t.do(w.measure.section.put_here)
    t.do(w.clock.track.setValue, 500)
    t.rest()
    file = t.folder / "tour.workspace.json"
    t.do(w.save, file)
    t.do(w.opening.open_workspace, file)
    t.pass_time(0.5)
    t.rest()


def clean(t: Tour) -> None:
    """As it was before, for the next round."""
    from twin.scene.workspace import Workspace

    state = Workspace(language="en", style="light")
    t.do(lambda: t.window.desk.change("clean", replace(state, city=t.window.desk.state.city)))
    t.rest()


STEPS: tuple[tuple[str, Callable[[Tour], None]], ...] = (
    ("open", open_city), ("layers", layers), ("level of detail", level_of_detail), ("survey points", survey_points),
    ("colours", colours), ("classes", classes), ("classes by hand", by_hand), ("pick", pick), ("rectangle", rectangle),
    ("plot", plot), ("clock", play), ("alarm", alarm), ("level by hand", level), ("way round", way_round),
    ("simulation scrubbed", simulation), ("quantities", quantities), ("fine flood scrubbed", fine),
    ("section in a fine flood", fine_section), ("section", section), ("distance, area, volume", distances),
    ("profile", profile), ("sight", sight), ("viewshed", viewshed), ("sun hours", sun_hours), ("sun", sun),
    ("proposal", proposal), ("today and plan", today_plan), ("proposal turned", turned), ("compare", compare),
    ("fly and walk", fly), ("search", find), ("notes", notes), ("tours", tours), ("undo, redo", undo_redo),
    ("theme", theme), ("language", language), ("help", help_page), ("workspace reopened", save_reopen),
    ("clean", clean),
)  # fmt: skip
