"""Garbage that may hold widgets is collected where widgets may be destroyed: in the thread of the interface."""

from __future__ import annotations

import gc
import sys
import threading
import time
from typing import ClassVar

import pytest

pytest.importorskip("PySide6")

from PySide6.QtCore import QCoreApplication

from twin.viewer import collecting
from twin.viewer.collecting import Collector


class Knot:
    """A cycle that tells in which thread it is collected."""

    found: ClassVar[list[threading.Thread]] = []

    def __init__(self):
        self.me = self

    def __del__(self):
        Knot.found.append(threading.current_thread())


def churn(stop):
    while not stop.is_set():
        rows = [{} for _ in range(2000)]
        rows[0]["last"] = rows
        time.sleep(0.001)


@pytest.fixture
def collector(app):
    made = Collector(app)
    made.start()
    yield made
    made.stop()


def test_no_thread_but_that_of_the_interface_collects(collector):
    Knot.found = []
    assert not gc.isenabled()
    stop = threading.Event()
    threads = [threading.Thread(target=churn, args=(stop,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    ends = time.monotonic() + 20
    while len(Knot.found) < 5 and time.monotonic() < ends:
        Knot()
        QCoreApplication.processEvents()
        time.sleep(0.05)
    stop.set()
    for thread in threads:
        thread.join()
    assert len(Knot.found) >= 5
    assert set(Knot.found) == {threading.main_thread()}


def test_python_collects_again_when_the_last_window_is_gone(collector):
    other = Collector(QCoreApplication.instance())
    other.start()
    other.stop()
    other.stop()
    assert not gc.isenabled()
    collector.stop()
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0
    collector.start()


def old_garbage():
    """A cycle in the oldest generation that nobody holds."""
    Knot.found, old = [], Knot()
    gc.collect(1)
    gc.collect(1)
    del old


def look_often(collector, times=50):
    for _ in range(times):
        rows = [[] for _ in range(1000)]
        collector.look()
        del rows


def test_old_garbage_waits_for_a_quiet_moment(collector, monkeypatch):
    old_garbage()
    monkeypatch.setattr(collecting, "_QUIET_S", 0.2)
    collector.touch()
    look_often(collector)
    collector.touch()
    collector.look()
    assert not Knot.found
    time.sleep(0.3)
    collector.look()
    assert len(Knot.found) == 1


def test_old_garbage_waits_for_work_to_end_but_not_for_ever(collector, monkeypatch):
    """What a thread reads just now, all buildings of a city, was looked at too, for a tenth of a second."""
    old_garbage()
    monkeypatch.setattr(collecting, "_QUIET_S", 0.0)
    monkeypatch.setattr(collector, "is_working", lambda: True)
    look_often(collector)
    assert not Knot.found
    monkeypatch.setattr(collector, "is_working", lambda: False)
    look_often(collector, 2)
    assert len(Knot.found) == 1
    old_garbage()
    monkeypatch.setattr(collector, "is_working", lambda: True)
    monkeypatch.setattr(collecting, "_PATIENCE_S", 0.0)
    look_often(collector)
    assert len(Knot.found) == 1


def test_old_garbage_waits_no_longer_than_a_minute_of_work(collector, monkeypatch):
    old_garbage()
    monkeypatch.setattr(collecting, "_LATEST_S", 0.3)
    ends = time.monotonic() + 20
    while not Knot.found and time.monotonic() < ends:
        collector.touch()
        look_often(collector, 5)
        time.sleep(0.02)
    assert len(Knot.found) == 1


def test_what_a_city_replaced_is_due_without_any_other_work(collector, monkeypatch):
    collector.opened()
    old_garbage()
    collector.opened()
    monkeypatch.setattr(collecting, "_QUIET_S", 0.0)
    time.sleep(0.01)
    collector.look()
    assert len(Knot.found) == 1


def test_what_was_there_when_the_first_city_opened_is_looked_at_when_nobody_is_there(collector, monkeypatch):
    old_garbage()
    collector.opened()
    monkeypatch.setattr(collecting, "_QUIET_S", 0.0)
    collector.opened()
    time.sleep(0.01)
    collector.look()
    assert not Knot.found
    monkeypatch.setattr(collecting, "_AWAY_S", 0.01)
    time.sleep(0.02)
    collector.look()
    assert len(Knot.found) == 1
    assert gc.get_freeze_count() > 1000


def test_what_comes_with_modules_is_left_out_until_all_are_there(collector, monkeypatch):
    monkeypatch.setitem(sys.modules, "twin_one_more", sys)
    rows = [[] for _ in range(1000)]
    before = gc.get_freeze_count()
    collector.look()
    assert gc.get_freeze_count() >= before + len(rows)
    collector.has_modules()
    monkeypatch.setitem(sys.modules, "twin_another", sys)
    rows += [[] for _ in range(1000)]
    before = gc.get_freeze_count()
    collector.look()
    assert gc.get_freeze_count() <= before
