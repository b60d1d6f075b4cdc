"""Make the pictures of the tutorial for planners: ``python docs/tutorial/planner_pictures.py DISTRICT``.

DISTRICT is a folder that ``twin demo`` made. A copy of it gets its sensors, a cloudburst and a tower, and is looked at
in a real window, on the screen that is there or on none.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import Image

PICTURES = Path(__file__).resolve().parents[1] / "pictures"
SIZE = (1280, 800)
PEAK = datetime(2026, 8, 28, 4, 45, tzinfo=UTC)


def twin(*arguments: object) -> None:
    """Run one verb."""
    subprocess.run([sys.executable, "-m", "twin", *map(str, arguments)], check=True)


def keep(window: Any, name: str) -> None:
    """Write the window as it is now."""
    if not window.settle(seconds=600):
        raise TimeoutError(f"the window is busy still: {name}")
    path = PICTURES / f"window-{name}.png"
    window.grab().save(str(path))
    Image.open(path).convert("RGB").resize((960, 600), Image.Resampling.LANCZOS).quantize(255, kmeans=3).save(
        path, optimize=True
    )
    print(path)


def click(window: Any, *places: tuple[float, float]) -> None:
    """Click places of the picture, given as shares of its width and height."""
    from PySide6.QtCore import QPoint, Qt
    from PySide6.QtTest import QTest

    canvas = window.canvas
    for x, y in places:
        at = QPoint(round(canvas.width() * x), round(canvas.height() * y))
        QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, at)


def main(district: Path) -> None:
    """Go through the tutorial and take a picture at each step."""
    os.environ.setdefault("QT_QPA_PLATFORM", "xcb" if os.environ.get("DISPLAY") else "offscreen")
    folder = Path(tempfile.mkdtemp())
    os.environ["TWIN_STATE"] = str(folder / "state")
    city = shutil.copytree(district / "district.twin", folder / "district.twin")
    twin("live", "import", city, district / "things.json", district / "storm.jsonl")
    twin(
        "flood",
        "simulate",
        city,
        "--rain",
        90,
        "--hours",
        2,
        "--start",
        "2026-08-28T03:30",
        "--cell-size",
        3,
        "--name",
        "cloudburst",
    )
    from twin.viewer.launch import application, make_window

    application()
    window = make_window(language="en")
    window.resize(*SIZE)
    window.show()
    keep(window, "start")
    window.opening.open(city)
    window.settle()
    keep(window, "open")
    sensors(window, shown=False)
    nearer(window)
    look(window)
    study(window, folder)
    window.release()


def sensors(window: Any, *, shown: bool) -> None:
    """Switch the marks of sensors."""
    from twin.scene.workspace import with_layer

    window.desk.change("", with_layer(window.desk.state, "markers", is_visible=shown))


def nearer(window: Any, share: float = 0.5) -> None:
    """Look at the middle of the city from nearer."""
    from twin.viewer.navigation import zoom

    camera = window.picture.named_view("overview")
    window.picture.look(zoom(camera, share, camera.target))
    window.settle()


def tallest(window: Any) -> Any:
    """The tallest building, as the search finds it."""
    frame = window.desk.city.buildings
    name = str(frame.sort_values("height_m").dropna(subset=["height_m"])["id"].iloc[-1])
    return next(place for place in window._places if place.id == name)


def look(window: Any) -> None:
    """Pick, colour, walk."""
    window.visit(tallest(window))
    window.settle()
    keep(window, "pick")
    nearer(window)
    window.show_panel("colour")
    window.colour.colour_by("height_m")
    keep(window, "colour")
    window.colour.clear()
    window.desk.edit("", selection=())
    window.picture.look(window.picture.named_view("street"))
    keep(window, "walk")
    nearer(window)


def study(window: Any, folder: Path) -> None:
    """Water, sun, measures, a proposal."""
    import trimesh

    window.show_panel("water")
    sensors(window, shown=True)
    window.water.floods.setCurrentIndex(window.water.floods.findData("cloudburst"))
    window.water._choose(window.water.floods.currentIndex())
    window.clock.set_time(PEAK)
    window.clock.rested.emit()
    keep(window, "flood")
    sensors(window, shown=False)
    window.desk.edit("", flood=None)
    window.water.set_level(3.4)
    keep(window, "level")
    window.desk.edit("", flood=None)
    window.show_panel("sun")
    window.sun.compute_hours()
    keep(window, "sun")
    window.sun.hide_hours()
    window.show_panel("measure")
    window.measure.begin("profile")
    click(window, (0.40, 0.45), (0.55, 0.50), (0.66, 0.56))
    window.measure.finish()
    window.measure.cancel()
    keep(window, "profile")
    window.desk.edit("", measurements=())
    trimesh.creation.box((22, 16, 60)).export(folder / "tower.obj")
    window.show_panel("plan")
    window.plan.take(folder / "tower.obj")
    click(window, (0.45, 0.50))
    window.settle()
    window.plan.compare(window.desk.state.proposals[0])
    keep(window, "plan")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
