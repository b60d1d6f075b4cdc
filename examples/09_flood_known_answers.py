"""Computed floods (red, dashed: `fast`, solid: `accurate`) over the answers known in closed form (black)."""

import common
import pyvista as pv

from twin.water import solve

known = common.flood_cases()

CASES = {
    "Dam break, wet (Stoker)": known.dam_break(200, h_right=0.001),
    "Dam break, dry (Ritter)": known.dam_break(200, h_right=0.0),
    "Bump, subcritical": known.bump("subcritical", 100),
    "Bump, sub- to supercritical": known.bump("transcritical", 100),
    "Bump, with a jump": known.bump("shock", 100),
    "Channel (MacDonald)": known.macdonald("subcritical", 100),
    "Film of rain": known.kinematic_plane(100, length=100, slope=0.05, roughness=0.02, rain_mm_h=50),
    "Bowl, three periods (Thacker)": known.bowl("planar", 64).middle_row(3),
}


def main() -> None:
    """Write ``flood-known-answers.png``."""
    plotter = pv.Plotter(shape=(2, 4), window_size=common.picture_size(), off_screen=True, border=False)
    for number, (title, case) in enumerate(CASES.items()):
        plotter.subplot(number // 4, number % 4)
        chart = pv.Chart2D(x_label=f"{title}: x, m", y_label="depth, m")
        chart.legend_visible = not number
        chart.line(case.x, case.h, color="black", width=5.0, label="closed form")
        # Bumps and bowls lie beyond the validity of `fast`.
        for method, style in (("fast", "--"), ("accurate", "-"))[title[0] == "B" :]:
            h = solve(**case.ask(), method=method).h[0]
            chart.line(case.x, h[len(h) // 2], color="red", width=2.0, style=style, label=method)
        plotter.add_chart(chart)
    plotter.screenshot(common.output_folder() / "flood-known-answers.png")


if __name__ == "__main__":
    main()
