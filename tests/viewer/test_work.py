"""When work beside the interface begins: after what the interface is about to do, in turn, one after the other."""

from __future__ import annotations

import threading
import time

import pytest

pytest.importorskip("PySide6")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@pytest.fixture
def tasks(app):
    from PySide6.QtCore import QEvent

    from twin.viewer.tasks import Tasks
    from twin.viewer.work import TURN

    problems = []
    # As in a window, something else holds them: jobs call back, and the last that is deleted would take them along.
    made = Tasks(problems.append, app)
    yield made
    made.cancel_all()
    TURN.let_go()
    until(app, lambda: not made._last)
    made.deleteLater()
    app.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert not problems


@pytest.fixture
def turn():
    from twin.viewer.work import TURN

    yield TURN
    TURN.let_go()


def until(app, true, *, seconds=10.0):
    ends = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < ends, "it did not come to pass"
        app.processEvents()


def pass_time(app, seconds):
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        app.processEvents()


def test_a_thread_begins_when_the_interface_has_handled_what_waits(app, tasks):
    from PySide6.QtCore import QEvent, QObject

    class Receiver(QObject):
        def event(self, event):
            done.append("event")
            time.sleep(0.02)
            return super().event(event)

    done, receiver = [], Receiver()
    tasks.run("work", lambda _told: done.append("work"), lambda _none: None)
    for _ in range(3):
        app.postEvent(receiver, QEvent(QEvent.Type.User))
    time.sleep(0.05)
    assert done == []
    until(app, lambda: "work" in done)
    assert done == ["event"] * 3 + ["work"]


def test_no_thread_begins_while_the_interface_is_busy(app, tasks, turn, monkeypatch):
    found = []
    turn.hold()
    tasks.run("work", lambda _told: 1, found.append)
    pass_time(app, 0.2)
    assert found == []
    turn.let_go()
    until(app, lambda: found == [1])
    monkeypatch.setattr(turn, "LONGEST_S", 0.1)
    turn.hold()  # by somebody who never lets go
    tasks.run("work", lambda _told: 2, found.append)
    until(app, lambda: found == [1, 2])


def test_work_that_is_given_up_before_it_began_never_runs(app, tasks):
    ran, ended = [], []
    job = tasks.run("work", ran.append, ran.append)
    job.ended.connect(lambda: ended.append(job.is_over))
    tasks.cancel("work")
    until(app, lambda: ended)
    assert ended == [True]
    assert ran == []


def test_whoever_waits_for_work_has_it_begin(app):
    from twin.viewer.work import ThreadJob

    ran = []
    job = ThreadJob(ran.append).start()
    job.wait(10.0)
    assert len(ran) == 1
    until(app, lambda: job.is_over)


def test_what_is_handed_over_is_shown_before_the_work_goes_on(app, tasks):
    told = []

    def work(progress):
        progress.partly("half")
        told.append("goes on")

    job = tasks.run("work", work, lambda _none: told.append("done"))
    job.partial.connect(lambda found: (time.sleep(0.1), told.append(found)))
    until(app, lambda: "done" in told)
    assert told == ["half", "goes on", "done"]


def test_the_same_work_begins_anew_when_what_ran_has_ended(app, tasks):
    """A plane that is dragged asks for a cut at each step: three at a time took three times as long as one."""
    running, most, found = [], [], []

    def work(k):
        def run(told):
            running.append(k)
            most.append(len(running))
            time.sleep(0.1)
            running.remove(k)
            told.check()
            return k

        return run

    tasks.run("cut", work(0), found.append)
    until(app, lambda: running)
    for k in range(1, 5):
        tasks.run("cut", work(k), found.append)
        pass_time(app, 0.01)
    until(app, lambda: not tasks.names)
    assert found == [4]
    assert max(most) == 1
    assert len(most) == 2, "of those that were asked for meanwhile only the newest ran"


def test_work_that_never_ends_keeps_no_other_from_beginning(app, tasks, monkeypatch):
    """A drive that does not answer: what comes with another city is read all the same."""
    from twin.viewer import tasks as module

    monkeypatch.setattr(module, "_SAME_MS", 100)
    monkeypatch.setattr(module, "_TURN_MS", 200)
    answers, found = threading.Event(), []
    tasks.run("attributes", lambda _told: answers.wait(20), found.append, in_turn=True)
    tasks.run("sensors", lambda _told: "sensors", found.append, in_turn=True)
    pass_time(app, 0.1)
    assert found == []
    until(app, lambda: found == ["sensors"])
    tasks.run("attributes", lambda _told: "attributes", found.append, in_turn=True)
    until(app, lambda: found == ["sensors", "attributes"])
    answers.set()
    pass_time(app, 0.1)
    assert found == ["sensors", "attributes"]


def test_what_nobody_waits_for_runs_one_after_the_other_once_there_is_a_picture(app, tasks):
    order, together, gate = [], [], threading.Lock()

    def work(name):
        def run(_told):
            together.append(gate.acquire(blocking=False))
            order.append(name)
            time.sleep(0.05)
            gate.release()

        return run

    tasks.hold()
    for name in ("sensors", "attributes", "search"):
        tasks.run(name, work(name), lambda _none: None, in_turn=True)
    tasks.run("facts", lambda _told: order.append("facts"), lambda _none: None)
    until(app, lambda: "facts" not in tasks.names)
    pass_time(app, 0.1)
    assert order == ["facts"]
    assert set(tasks.names) == {"sensors", "attributes", "search"}
    tasks.cancel("attributes")
    tasks.go_on()
    until(app, lambda: not tasks.names)
    assert order == ["facts", "sensors", "search"]
    assert together == [True, True]
