"""The village with names that would be code if they were let, water that rises, and gauges that tell of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np

from tests.scene.conftest import ORIGIN, village_content
from twin.core.grid import Bounds, Grid
from twin.outputs.web.page import PageOptions
from twin.outputs.web.timeline import choose_moments
from twin.scene.colour import Legend, LegendEntry
from twin.scene.layers import LayerView, LineView, MarkerView, WaterView
from twin.scene.model import ColouredMesh, Label, Lines, Overlay, Picture
from twin.scene.scene import Scene

SCRIPT = "<script>window.pwned=1;alert(1)</script>"
IMAGE = '"><img src=http://example.invalid/x.png onerror="window.pwned=1;alert(2)">'
CONTROL = "gauge\x00\x1b[31m\u202elevel\u2028"
FORMULA = "=cmd|' /C calc'!A0"
STYLE = "</style><script>window.pwned=1</script>"
CLOSER = "--></script></title><svg onload=alert(3)>"
IDS = (SCRIPT, IMAGE, "c")
ATTRIBUTES = {
    "id": list(IDS),
    "height_m": [9.3, 14.3, None],
    "roof_type": ["flat", "flat", "gable"],
    "name": [STYLE, CLOSER, CONTROL],
    SCRIPT: [FORMULA, None, "x" * 5000],
    "monument": [True, False, True],
    "tags": [["a", SCRIPT], None, []],
}
START = datetime(2026, 7, 1, 12, tzinfo=UTC)


def hostile_content():
    """Three houses, an outline without one, and what users added: an area, a line, a point and a model."""
    corner = np.array(ORIGIN, dtype=np.float64)
    ring = np.array([(-5.0, -9), (5, -9), (5, 9), (-5, 9)]) + corner[:2]
    line = Lines(np.array([(-25.0, 0, 1), (25, 2, 1)]) + corner, np.array([0, 2], np.int32))
    block = np.array([(20.0, 0, 0), (26, 0, 0), (23, 5, 0), (23, 2, 6)]) + corner
    sides = np.array([(0, 2, 1), (0, 1, 3), (1, 2, 3), (2, 0, 3)], np.int32)
    model = ColouredMesh(block, sides, np.tile(np.array([[200, 30, 120]], np.uint8), (4, 1)))
    outline = np.array([(-16.0, 7, 0.3), (-8, 7, 0.3), (-8, 13, 0.3), (-16, 13, 0.3), (-16, 7, 0.3)]) + corner
    return village_content(
        name=f"Village {SCRIPT}",
        unbuilt=Lines(outline, np.array([0, 5], np.int32)),
        building_ids=IDS,
        labels=(Label(IMAGE, (ORIGIN[0] - 10.0, ORIGIN[1] + 22.0, 0.0), "water"),),
        attribution=(f"Survey {CLOSER}",),
        overlays=(
            Overlay(SCRIPT, areas=((ring,),)),
            Overlay("line", lines=line, points=np.array([[0.0, 0, 1]]) + corner),
            Overlay("model", mesh=model),
        ),
    )


@dataclass(frozen=True)
class Rising:
    """Water that rises by a metre in an hour over the south of the village."""

    name: str = "rising"
    span: tuple[datetime, datetime] = (START, START + timedelta(hours=1))
    grid: Grid = field(default_factory=lambda: Grid(ORIGIN[0] - 30.0, ORIGIN[1] - 5.0, 1.0, 60, 25))

    def at(self, when):
        """Depth grows evenly; one house stands dry in it."""
        share = 1.0 if when is None else (when - self.span[0]) / (self.span[1] - self.span[0])
        depth = np.full(self.grid.shape, share, np.float32)
        bed = np.zeros(self.grid.shape, np.float32)
        bed[5:15, 8:18] = np.nan
        depth[5:15, 8:18] = 0
        legend = Legend(
            "Water depth, m",
            (LegendEntry("up to 0.5", (133, 188, 226)), LegendEntry("over 0.5", (45, 108, 178))),
        )
        water = WaterView(self.grid, bed, depth, None, None, (0.5,), ((133, 188, 226), (45, 108, 178)))
        rgba = np.zeros((8, 8, 4), np.uint8)
        rgba[2:6, 2:6] = (220, 40, 40, 255) if share > 0.5 else (0, 0, 0, 0)
        drape = Picture(rgba, Bounds(ORIGIN[0] + 10.0, ORIGIN[1] + 5, ORIGIN[0] + 26, ORIGIN[1] + 14))
        return LayerView(water=water, drape=drape, legends=(legend,), remarks=(f"remark {SCRIPT}",))


@dataclass(frozen=True)
class Gauges:
    """Three gauges; one has a script for its name, one tells nothing from the middle on."""

    name: str = SCRIPT
    span: tuple[datetime, datetime] = (START, START + timedelta(hours=1))

    def at(self, when):
        """Values rise with time; a house turns red with them."""
        share = 1.0 if when is None else (when - self.span[0]) / (self.span[1] - self.span[0])
        ids = (SCRIPT, CONTROL, FORMULA)[: 3 if share < 0.5 else 2]
        place = np.array([(0.0, 5, 3), (10, 5, 3), (-10, 5, 3)])[: len(ids)] + np.array(ORIGIN)
        text = (*(f"{share:.2f} m {IMAGE}" for _ in ids[:2]), f"{share:.2f} m · 5 min old")[: len(ids)]
        rgb, state = np.tile(np.array([[30, 90, 160]], np.uint8), (len(ids), 1)), np.zeros(len(ids), np.uint8)
        history = tuple(np.array([[600.0, 0.1], [300, np.nan], [0, share]]) for _ in ids)
        alarm = np.array([share > 0.5] * len(ids))
        marks = MarkerView(ids, place, rgb, state, None, text, history, alarm)
        ends = np.array([(-28.0, 10, 0.1), (-5, 10, 0.1), (-28, 13, 0.1), (-5, 13, 0.1)]) + np.array(ORIGIN)
        roads = LineView(
            Lines(ends, np.array([0, 2, 4], np.int32)),
            np.array([(40, 160, 80), (round(255 * share), 40, 40)], np.uint8),
        )
        red = {"c": (250, 20, 20)} if share > 0.9 else {}
        return LayerView(markers=marks, lines=roads, building_rgb=red)


def hostile_scene() -> Scene:
    """The village as a scene."""
    return Scene(hostile_content())


def hostile_options(**changes) -> PageOptions:
    """With water and gauges over an hour."""
    layers = (Rising(), Gauges())
    return PageOptions(**{"layers": layers, "moments": choose_moments(layers), **changes})
