"""Proposals: a planned building is dropped in, moved, turned and compared with today."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtWidgets import QButtonGroup, QComboBox, QFileDialog, QVBoxLayout

from twin.core.errors import CrsError
from twin.core.notices import Notices
from twin.scene.figures import metres
from twin.scene.proposal_place import ToldPlace, told_place
from twin.scene.units import number_text
from twin.scene.workspace import Proposal
from twin.scene.workspace_plan import placed_proposal
from twin.viewer.navigation import angles
from twin.viewer.parts import (
    Panel,
    button,
    clear,
    fact_rows,
    fresh_name,
    icon_button,
    label,
    line,
    quietly,
    row,
    slider,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from twin.core.grid import Bounds
    from twin.energy.standing import Surroundings
    from twin.scene.picking import Hit
    from twin.scene.proposal_compare import Comparison
    from twin.scene.workspace import Workspace
    from twin.viewer.basis import Basis
    from twin.viewer.parts import Room

UNITS = {"m": 1.0, "cm": 0.01, "mm": 0.001, "ft": 0.3048}
_MODELS = "Models (*.glb *.gltf *.obj *.ply *.stl *.ifc *.json *.skp)"
_NEIGHBOURS = 5
_LOW_M = 60.0
"""Views are compared from where one is up to this height above the ground."""


class PlanPanel(Panel):
    """Places proposals, switches between today and the plan, and tells the difference."""

    def __init__(self, room: Room, basis: Basis) -> None:
        super().__init__(room, room.texts("panel.plan"))
        self.basis = basis
        self.model: Path | None = None
        self.moved: str | None = None
        self.found: dict[str, Comparison] = {}
        self.eyes: dict[str, tuple[str, ...]] = {}
        self.box.addWidget(label(self.t("plan.hint"), "muted"))
        self.box.addWidget(button(self.t("plan.add"), self._ask, kind="primary"))
        self.told = button(self.t("plan.as_told"), self.place_as_told)
        self.told.hide()
        self.box.addWidget(self.told)
        self._told: ToldPlace | None = None
        self.today = button(self.t("plan.today"), partial(self.show_state, "today"), checks=True)
        self.plan = button(self.t("plan.plan"), partial(self.show_state, "plan"), checks=True)
        group = QButtonGroup(self)
        for choice in (self.today, self.plan):
            group.addButton(choice)
        self.box.addLayout(row(self.today, self.plan))
        self.list = QVBoxLayout()
        self.box.addLayout(self.list)
        self.box.addStretch(1)
        self.follow(None, room.desk.state)

    def follow(self, before: Workspace | None, after: Workspace) -> None:
        """List the proposals of the state."""
        if before is None:
            self.found = {}
        with quietly(self.today, self.plan):
            self.today.setChecked(after.shows == "today")
            self.plan.setChecked(after.shows == "plan")
        self.plan.setEnabled(bool(after.proposals))
        if before is None or before.proposals != after.proposals:
            self._list(after)

    def show_state(self, shows: str) -> None:
        """Show the city of today, or the plan."""
        self.room.desk.edit(self.t(f"plan.{shows}"), shows=shows)

    def _ask(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, self.t("plan.add"), "", _MODELS)
        if path:
            self.take(Path(path))

    def take(self, model: Path) -> None:
        """Have the next click in the picture place a model; one that tells where it stands is offered that place."""
        city = self.room.desk.city
        if city is None:
            return
        self.room.steering.lend(self)
        self.model, self._told = model, None
        self.room.say(self.t("plan.where", name=model.name))

        def done(found: ToldPlace | None) -> None:
            if self.model != model or found is None:
                return
            far_m = outside_m(city.bounds, found.position)
            if far_m > 0:
                self.room.say(self.t("plan.far", name=model.name, far=metres(far_m)))
                return
            self._told = found
            self.told.show()

        def failed(error: Exception) -> None:
            if self.model == model:
                self.cancel()
            self.room.complain(error)

        wkt = city.manifest.crs_wkt
        self.room.tasks.run("model", lambda _told: read_place(model, wkt), done, failed=failed)

    def place_as_told(self) -> None:
        """Stand the model where its file says."""
        if self.model is not None and self._told is not None:
            self.place(self.model, self._told.position, turn_deg=self._told.turn_deg)
        self.cancel()

    def click(self, hit: Hit | None, *, add: bool) -> None:
        """The place of the model."""
        if hit is None:  # beside the city: the model stays in the hand
            self.room.say(self.t("plan.missed"))
            return
        self._put((round(hit.position[0], 2), round(hit.position[1], 2)))
        self.cancel()

    def _put(self, at: tuple[float, float]) -> None:
        if self.moved is not None:
            self._change(self.moved, position=(*at, 0.0))
        elif self.model is not None:
            self.place(self.model, at)

    def hover(self, hit: Hit | None) -> None:
        """Nothing."""

    def finish(self) -> None:
        """Nothing more to come."""
        self.cancel()

    def cancel(self) -> None:
        """Give the hand back."""
        self.model = self._told = self.moved = None
        self.told.hide()
        if self.room.steering.lent is self:
            self.room.steering.lend(None)

    def place(self, model: Path, at: tuple[float, float], *, turn_deg: float = 0.0) -> None:
        """Stand a model on the ground; what its plan covers is replaced."""
        desk, city = self.room.desk, self.room.desk.city
        if city is None:
            return
        names = [p.id for p in desk.state.proposals]
        name = fresh_name(self.t("plan.proposal"), names)
        made = Proposal(
            name,
            model.stem or name,
            str(model.resolve()),
            (round(at[0], 2), round(at[1], 2), 0.0),
            round(turn_deg, 3),
        )

        def done(proposal: Proposal) -> None:
            changed = replace(desk.state, proposals=(*desk.state.proposals, proposal), shows="plan")
            desk.change(self.t("plan.add"), changed)

        self._seat(made, done)

    def _seat(self, made: Proposal, done: Callable[[Proposal], object]) -> None:
        """Stand a proposal on the ground, tell what its plan covers, and hand it over."""
        city = self.room.desk.city
        if city is None:
            return
        file = None if Path(made.model).is_absolute() else self.room.desk.file

        def work(around: Surroundings, _told: object) -> Proposal:
            from twin.scene.measure import ground_of
            from twin.scene.proposal import replaced_buildings

            placed = placed_proposal(made, ground_of(around), file=file, notices=Notices())
            gone = tuple(str(i) for i in replaced_buildings(placed, city.buildings))
            return replace(
                made, hidden_buildings=gone, position=(*made.position[:2], round(placed.base_m, 2))
            )

        self.basis.run("plan", work, done)

    def ask_place(self, name: str) -> None:
        """Have the next click in the picture move a proposal that is there."""
        found = next((p for p in self.room.desk.state.proposals if p.id == name), None)
        if found is None:
            return
        self.room.steering.lend(self)
        self.moved = name
        self.room.say(self.t("plan.where", name=found.name))

    def _list(self, state: Workspace) -> None:
        clear(self.list)
        for proposal in state.proposals:
            self.list.addWidget(line())
            drop = icon_button(
                "delete", self.t("measure.delete"), partial(self._drop, proposal.id), self.room.theme
            )
            self.list.addLayout(row(label(proposal.name, "section"), None, drop))
            turn = slider(-180, 180, partial(self._turn, proposal.id))
            turn.setTracking(False)
            turn.setAccessibleName(self.t("plan.turn"))
            with quietly(turn):
                turn.setValue(round(proposal.turn_deg))
            self.list.addLayout(row(label(self.t("plan.turn"), "muted"), turn, stretch=1))
            units = QComboBox()
            units.addItems(list(UNITS))
            known = [k for k, v in UNITS.items() if v == proposal.units_m]
            units.setCurrentText(known[0] if known else "m")
            units.textActivated.connect(partial(self._units, proposal.id))
            self.list.addLayout(row(label(self.t("plan.units"), "muted"), units, stretch=1))
            gone = ", ".join(proposal.hidden_buildings) or "–"
            fact_rows(self.list, [(self.t("plan.replaces"), gone)])
            self.list.addLayout(
                row(
                    button(self.t("plan.move"), partial(self.ask_place, proposal.id)),
                    button(self.t("plan.compare"), partial(self.compare, proposal)),
                    stretch=1,
                )
            )
            found = self.found.get(proposal.id)
            if found is not None:
                fact_rows(self.list, difference_rows(found, self.t, self.eyes.get(proposal.id, ())))

    def _change(self, name: str, **changes: Any) -> None:
        """Move, turn or scale a proposal: it is seated anew, and may replace others."""
        desk = self.room.desk
        old = next((p for p in desk.state.proposals if p.id == name), None)
        if old is None:
            return

        def done(new: Proposal) -> None:
            changed = tuple(new if p.id == name else p for p in desk.state.proposals)
            self.found.pop(name, None)
            desk.edit(self.t("plan.change"), proposals=changed)

        self._seat(replace(old, **changes), done)

    def _turn(self, name: str, degrees: int) -> None:
        self._change(name, turn_deg=float(degrees))

    def _units(self, name: str, units: str) -> None:
        self._change(name, units_m=UNITS[units])

    def _drop(self, name: str) -> None:
        desk = self.room.desk
        kept = tuple(p for p in desk.state.proposals if p.id != name)
        shows = desk.state.shows if kept else "today"
        desk.change(self.t("measure.delete"), replace(desk.state, proposals=kept, shows=shows))

    def _eyes(self) -> list[tuple[str, tuple[float, float, float]]]:
        """Places whose view is compared, with a name each: here, and the bookmarks.

        Who looks from high above is asked to the street below the middle of the picture: nobody lives in the sky.
        """
        camera, sight, o = self.room.picture.canvas.camera, self.room.sight, self.room.desk.origin()
        found = [(b.name, b.camera.eye) for b in self.room.desk.state.bookmarks]
        if camera is None or not sight.is_ready:
            return found
        name = "plan.here"
        if not camera.eye[2] - sight.ground(camera.eye[0], camera.eye[1]) < _LOW_M:
            street = sight.step_out(camera.target, angles(np.subtract(camera.target, camera.eye))[0])
            if street is None:
                return found
            camera, name = street, "plan.street"
        x, y, z = (float(a + b) for a, b in zip(camera.eye, o, strict=True))
        return [(self.t(name), (x, y, z)), *found]

    def compare(self, proposal: Proposal, day: date | None = None) -> None:
        """Tell what the proposal changes: size, views, and the sun that neighbours lose in midwinter."""
        city, file = self.room.desk.city, self.room.desk.file
        if city is None:
            return
        eyes = self._eyes()
        chosen = day or date(date.today().year, 12, 21)  # noqa: DTZ011 - a season, not a moment

        def work(around: Surroundings, _told: object) -> Comparison:
            from twin.scene.measure import ground_of
            from twin.scene.proposal_compare import compare

            own = None if Path(proposal.model).is_absolute() else file
            placed = placed_proposal(proposal, ground_of(around), file=own, notices=Notices())
            gone, at = proposal.hidden_buildings, np.array([eye for _, eye in eyes])
            return compare(around, placed, city.buildings, day=chosen, hidden=gone, eyes=at)

        def done(found: Comparison) -> None:
            self.eyes[proposal.id] = tuple(name for name, _ in eyes)
            self.found[proposal.id] = found
            self._list(self.room.desk.state)

        self.basis.run("compare", work, done)


def read_place(model: Path, crs_wkt: str) -> ToldPlace | None:
    """Where the file of a model says that it stands; None where it does not tell, or cannot be meant in the city's CRS.

    Raises
    ------
    TwinError
        If it cannot be read.
    """
    from twin.core.crs import parse_crs
    from twin.scene.proposal_model import read_proposal

    notices = Notices()
    found = read_proposal(model, notices=notices)
    if not found.is_placed or not crs_wkt:
        return None
    try:
        return told_place(found, city_crs=parse_crs(crs_wkt, where=model), notices=notices)
    except CrsError:
        return None  # it stands somewhere on Earth, and not here: a click places it


def outside_m(bounds: Bounds, place: tuple[float, float]) -> float:
    """How far outside of a city a place lies, metres; 0 within.

    >>> from twin.core.grid import Bounds
    >>> outside_m(Bounds(0, 0, 10, 10), (13, 14)), outside_m(Bounds(0, 0, 10, 10), (5, 5))
    (5.0, 0.0)
    """
    x, y = place
    dx = max(bounds.x_min - x, 0.0, x - bounds.x_max)
    dy = max(bounds.y_min - y, 0.0, y - bounds.y_max)
    return math.hypot(dx, dy)


def difference_rows(found: Comparison, texts: Any, eyes: Sequence[str] = ()) -> list[tuple[str, str]]:
    """Today and the plan in figures, what is taken from views, and the neighbours that lose most sun."""
    rows = [
        (texts("plan.height"), f"{metres(found.today_height_m)} → {metres(found.plan.height_m)}"),
        (
            texts("plan.volume"),
            f"{number_text(round(found.today_volume_m3))} → {number_text(round(found.plan.volume_m3))} m³",
        ),
        (
            texts("plan.area"),
            f"{number_text(round(found.today_plan_m2))} → {number_text(round(found.plan.plan_m2))} m²",
        ),
    ]
    for name, view in zip(eyes, found.views, strict=False):
        rows.append((texts("plan.view", place=name), f"{100 * view.taken:.1f} %"))
        if math.isfinite(view.sky_lost):
            rows.append((texts("plan.sky", place=name), f"{100 * view.sky_lost:.1f} %"))
    worst = found.neighbours.sort_values("worst_wall_lost_h", ascending=False).head(_NEIGHBOURS)
    for name, hours in zip(worst["id"], worst["worst_wall_lost_h"], strict=True):
        if hours > 0.05:
            rows.append((texts("plan.loses", id=name), f"{hours:.1f} h"))
    return rows
