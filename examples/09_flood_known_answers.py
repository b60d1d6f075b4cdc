"""Computed floods (red, dashed: `fast`, solid: `accurate`) over the answers known in closed form (black)."""

import sys
from pathlib import Path

import common
import pyvista as pv

from twin.water import solve

sys.path.append(str(Path(__file__).resolve().parents[1]))
from tests import flood_cases as known

CASES = {
    "Dam break, wet (Stoker)": known.dam_break(200, h_right=0.001),
    "Dam break, dry (Ritter)": known.dam_break(200, h_right=0.0),
    "Bump, sub- to supercritical": known.bump("transcritical", 100),
    "Bump, with a jump": known.bump("shock", 100),
    "Channel (MacDonald)": known.macdonald("subcritical", 100),
    "Film of rain": known.kinematic_plane(100, length=100, slope=0.05, roughness=0.02, rain_mm_h=50),
}


def main() -> None:
    """Write ``flood-known-answers.png``."""
    plotter = pv.Plotter(shape=(2, 3), window_size=common.picture_size(), off_screen=True, border=False)
    for number, (title, case) in enumerate(CASES.items()):
        plotter.subplot(number // 3, number % 3)
        chart = pv.Chart2D(x_label=f"{title}: x, m", y_label="depth, m")
        chart.line(case.x, case.h, color="black", width=5.0)
        for method, style in (("fast", "--"), ("accurate", "-")):
            if method == "accurate" or "Bump" not in title:  # beyond the validity of `fast`
                found = solve(**case.ask(), method=method)
                chart.line(case.x, found.h[0, 0], color="red", width=2.0, style=style)
        plotter.add_chart(chart)
    plotter.screenshot(common.output_folder() / "flood-known-answers.png")


if __name__ == "__main__":
    main()
