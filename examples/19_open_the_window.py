"""The desktop window from a script, with a layer of one's own: two shuttles that drive in a circle."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import common
import numpy as np

from twin.scene.layers import LayerView, MarkerView
from twin.viewer.launch import application, make_window

START = datetime(2026, 8, 28, 3, tzinfo=UTC)


@dataclass(frozen=True)
class Shuttles:
    """What moves, at every moment that the clock shows."""

    middle: tuple[float, float, float]
    name: str = "shuttles"
    span: tuple[datetime, datetime] = (START, START + timedelta(hours=1))

    def at(self, when):
        """Where they are at a moment."""
        turn = ((when or START) - START).total_seconds() / 600 + np.array([0, np.pi])
        away = 120 * np.column_stack([np.cos(turn), np.sin(turn), [0, 0]])
        rgb = np.array([[230, 90, 30], [30, 110, 230]], np.uint8)
        return LayerView(markers=MarkerView(("A", "B"), self.middle + away, rgb, np.zeros(2, np.uint8)))


def main() -> None:
    """Write ``demo-window.png``; ``twin.view(city, layers=[...])`` would open the same window to work in."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # nobody looks
    city = common.demo_city(out := common.output_folder())
    common.window_picture(application(), make_window, city, Shuttles(common.middle_of(city)), out)


if __name__ == "__main__":
    main()
