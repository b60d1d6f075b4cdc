"""The way round closed roads, found and drawn from two clicks; and the plot of a station's last hours."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("PySide6")

from tests.viewer.window_driver import pixels
from twin.scene.layers import LayerView

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def grabbed(widget):
    return pixels(widget.grab().toImage()).astype(int)


def near(picture, colour, *, within=60):
    from PySide6.QtGui import QColor

    rgb = QColor(colour)
    return (np.abs(picture - (rgb.red(), rgb.green(), rgb.blue())).sum(axis=2) < within).astype(bool)


def series_of(hours, values):
    from twin.viewer.station_facts import Series

    return Series("Water level", "m", np.array(hours, float), np.array(values, float))


def plot_of(app, series, width=400):
    from twin.viewer.panels.plot import Plot
    from twin.viewer.theme import LIGHT

    plot = Plot(series, LIGHT)
    plot.resize(width, 140)
    app.processEvents()
    return plot, near(grabbed(plot), LIGHT.accent)


def test_a_plot_draws_its_line_where_there_are_values_and_leaves_gaps(app):
    hours = [-6, -5.5, -5, -4.5, -4, -1, -0.5, 0]
    plot, line = plot_of(app, series_of(hours, [1, 2, 3, 2, 1, 1, 2, 3]))
    assert plot._steps() == [(0, 1), (1, 2), (2, 3), (3, 4), (5, 6), (6, 7)]
    columns = line.any(axis=0)
    share = np.flatnonzero(columns)
    axis = np.linspace(44, 394, 400 - 50)
    at = {h: round(axis[0] + (h + 6) / 6 * (axis[-1] - axis[0])) for h in (-5, -3, -2, -0.6)}
    assert columns[at[-5]]
    assert columns[at[-0.6]]
    assert not columns[at[-3] : at[-2]].any()  # nobody observed then
    assert share.min() >= 40


def test_higher_values_stand_higher_and_missing_ones_nowhere(app):
    _, line = plot_of(app, series_of([-6, -3, 0], [0.0, np.nan, 10.0]))
    rows, columns = np.nonzero(line)
    assert rows[columns > 380].mean() < rows[columns < 60].mean() - 60
    empty, nothing = plot_of(app, series_of([-6, 0], [np.nan, np.nan]))
    assert empty._steps() == []
    assert not nothing.any()
    _, level = plot_of(app, series_of([-6, 0], [5.0, 5.0]))
    assert level.any()


def road_ends(driver):
    """Two places on roads, as far apart as roads go within the picture, local metres."""
    import shapely

    window = driver.window
    points = shapely.get_coordinates(window.water.tables["roads"].geometry)
    o = window.desk.origin()
    order = points[np.argsort(points @ (1, 1))]

    def seen(row):
        x, y = row[0] - o[0], row[1] - o[1]
        place = (x, y, float(window.sight.ground(x, y)))
        if not np.isfinite(place[2]):
            return None
        pixel = driver.pixel_of(place)
        hit = window.sight.under(window.canvas.camera, (pixel.x(), pixel.y()))
        at = None if hit is None else np.subtract(hit.position[:2], row)
        return place if at is not None and np.hypot(*at) < 2 else None

    return [next(p for p in map(seen, rows) if p is not None) for rows in (order, order[::-1])]


class Empty:
    """A layer that shows nothing."""

    name, span = "empty", None

    def at(self, when):
        return LayerView()


def test_a_way_round_closed_roads_is_found_by_two_clicks_and_drawn(driver):
    from twin.viewer.water_facts import way_between

    window = driver.window
    window.steering.fly_to(window.picture.named_view("top"), seconds=0)
    window.water.set_level(window.water.spin.minimum() + 0.5)
    driver.until(lambda: bool(window.water.tables))
    driver.ready()
    ends = road_ends(driver)
    before = driver.shot("dry roads", window.canvas).astype(int)
    window.water.way.click()
    for place in ends:
        driver.click(driver.pixel_of(place))
    driver.until(lambda: window.water.route is not None)
    way = window.water.route
    assert way.reached
    assert way.length_m >= way.dry_length_m - 1e-6
    assert f"{way.length_m:.0f} m" in window.water.way_told.text()
    shown = driver.shot("way", window.canvas).astype(int)
    assert (np.abs(shown - before).max(axis=2) > 40).sum() > 300
    o = window.desk.origin()
    a, b = ((x + o[0], y + o[1]) for x, y, _ in ends)
    again = way_between(window.desk.city, window.water.tables, a, b, window.desk.state.clock.time)
    assert way.length_m == pytest.approx(again.length_m, rel=0.1)
    window.moving.show_other(Empty(), "empty")
    driver.ready()
    assert window.water.route is way, "another layer closes no road"
    window.water.set_level(window.water.spin.maximum())
    driver.ready()
    assert window.water.route is None  # it was a way through another flood
