"""A moment as arrays: what did not change is neither made again nor sent to the card again."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pytest

from tests.drawing import needs_graphics
from tests.scene.test_over_time import START, flood
from twin.core.errors import TwinError
from twin.scene.flood_layer import FloodLayer
from twin.scene.layers import LayerView
from twin.scene.over_time import lookup
from twin.scene.ready import ready_moment


@dataclass
class Chosen:
    """A layer that colours one building."""

    building: str
    name: str = "chosen"
    span: None = None

    def at(self, _when):
        return LayerView(building_rgb={self.building: (200, 40, 40)})


def test_water_that_stands_is_not_made_again_when_something_else_changes(village_scene):
    water = FloodLayer(flood())
    when = START + timedelta(minutes=20)
    before = ready_moment(village_scene.with_layers([water]).in_same_light(when))
    after = ready_moment(
        village_scene.with_layers([water, Chosen("a")]).in_same_light(when + timedelta(0)), known=before
    )
    assert after.waters["storm"] is before.waters["storm"]
    later = ready_moment(
        village_scene.with_layers([water]).in_same_light(when + timedelta(minutes=5)), known=after
    )
    assert later.waters["storm"] is not after.waters["storm"]
    assert later.waters["storm"].surface.points[:, 2].max() > after.waters["storm"].surface.points[:, 2].max()


def test_nobody_waits_any_more(village_scene):
    def gone():
        raise TwinError("x", "is given up", "")

    with pytest.raises(TwinError):
        ready_moment(village_scene.with_layers([FloodLayer(flood())]), check=gone)


@needs_graphics
def test_only_what_changed_goes_to_the_card(village_scene):
    water = FloodLayer(flood())
    live = village_scene.with_layers([water]).in_same_light(START + timedelta(minutes=20)).stage()
    shown = live.waters["storm"]
    over = live.stage.over_time

    def ages():
        return [part.GetMTime() for part in (shown.data, shown.image, over.owners.image, over.drape.image)]

    first = ages()
    live.take(live.scene.with_layers([water, Chosen("b")]))
    changed = [now > then for now, then in zip(ages(), first, strict=True)]
    assert changed == [False, False, True, False]
    live.show(START + timedelta(minutes=30))
    changed = [now > then for now, then in zip(ages(), first, strict=True)]
    assert changed[:2] == [True, True]


def test_a_picture_that_is_the_same_is_not_sent_again():
    values = np.arange(16, dtype=np.uint8).reshape(2, 2, 4)
    table = lookup(values, smooth=False)
    sent = table.image.GetMTime()
    table.show(values.copy())
    assert table.image.GetMTime() == sent
    table.show(values + 1)
    assert table.image.GetMTime() > sent


@needs_graphics
def test_a_moment_made_ready_elsewhere_is_drawn_as_one_that_was_asked_for(village_scene):
    from twin.scene.canvas import Canvas

    water = FloodLayer(flood())
    scene = village_scene.with_layers([water]).in_same_light(START)
    camera = scene.camera("overview", (240, 160))
    plain, apart = scene.stage(), scene.stage()
    when = START + timedelta(minutes=50)
    plain.show(when)
    wanted = scene.in_same_light(when)
    apart.take(apart.scene.showing(wanted), ready_moment(wanted, known=apart.ready))
    with Canvas((240, 160)) as canvas:
        np.testing.assert_array_equal(canvas.draw(plain.stage, camera), canvas.draw(apart.stage, camera))
    assert apart.moment.when == when


def test_a_layer_draws_what_it_is_told_in_that_order_and_nothing_else():
    from vtkmodules.vtkRenderingCore import vtkActor, vtkRenderWindow

    from twin.scene.canvas import Layer

    layer = Layer(vtkRenderWindow())
    a, b, c, d = (vtkActor() for _ in range(4))

    def drawn():
        props = layer.renderer.GetViewProps()
        return [props.GetItemAsObject(i) for i in range(props.GetNumberOfItems())]

    for wanted in ([a, b], [a, b, c], [a, c], [c, a], [d], [], [a, d, b]):
        layer.show(wanted)
        assert drawn() == wanted
