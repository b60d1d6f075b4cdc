"""Computed floods (red, dashed: `fast`, solid: `accurate`) over the answers known in closed form (black)."""

import sys
from pathlib import Path

import common
import numpy as np
import pyvista as pv

from twin.water import solve

sys.path.append(str(Path(__file__).resolve().parents[1]))
from tests import flood_cases as known

CASES = {
    "Dam break, wet (Stoker)": known.dam_break(200, h_right=0.001),
    "Dam break, dry (Ritter)": known.dam_break(200, h_right=0.0),
    "Bump, subcritical": known.bump("subcritical", 100),
    "Bump, sub- to supercritical": known.bump("transcritical", 100),
    "Bump, with a jump": known.bump("shock", 100),
    "Channel (MacDonald)": known.macdonald("subcritical", 100),
    "Film of rain": known.kinematic_plane(100, length=100, slope=0.05, roughness=0.02, rain_mm_h=50),
}


BOWL = "Bowl, three periods (Thacker)"
N_BOWL = 64


def bowl_chart(chart: pv.Chart2D) -> None:
    """Depth along the middle of a bowl in which a plane surface swung three times."""
    case = known.bowl("planar", N_BOWL)
    h0, end_s = case.depth(0.0), 3 * case.period_s
    qy0 = -0.5 * 2 * np.pi / case.period_s * h0
    found = solve(
        case.z, cell_size_m=case.cell_size_m, method="accurate", h0=h0, qy0=qy0, n=0.0, duration_s=end_s
    )
    x = (np.arange(N_BOWL) + 0.5) * case.cell_size_m
    chart.line(x, case.depth(end_s)[N_BOWL // 2], color="black", width=5.0, label="closed form")
    chart.line(x, found.h[0, N_BOWL // 2], color="red", width=2.0, label="accurate")


def main() -> None:
    """Write ``flood-known-answers.png``."""
    plotter = pv.Plotter(shape=(2, 4), window_size=common.picture_size(), off_screen=True, border=False)
    for number, title in enumerate([*CASES, BOWL]):
        plotter.subplot(number // 4, number % 4)
        chart = pv.Chart2D(x_label=f"{title}: x, m", y_label="depth, m")
        chart.legend_visible = number == 0
        if title == BOWL:
            bowl_chart(chart)
        else:
            case = CASES[title]
            chart.line(case.x, case.h, color="black", width=5.0, label="closed form")
            for method, style in (("fast", "--"), ("accurate", "-")):
                if method == "accurate" or "Bump" not in title:  # beyond the validity of `fast`
                    found = solve(**case.ask(), method=method)
                    chart.line(case.x, found.h[0, 0], color="red", width=2.0, style=style, label=method)
        plotter.add_chart(chart)
    plotter.screenshot(common.output_folder() / "flood-known-answers.png")


if __name__ == "__main__":
    main()
