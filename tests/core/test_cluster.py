"""Tiles on a Dask cluster: the same results as here, and clear words where there is none."""

from __future__ import annotations

import os
import socket
import sys

import pytest

from twin.core.cluster import Cluster
from twin.core.errors import ExtraMissingError, TileError, UsageError
from twin.core.progress import Silent
from twin.core.tasks import Task, run_tasks


def _square(x):
    return x * x


def _fail(x):
    raise ValueError(f"no square of {x}")


def _die(x):
    if x == 3:
        os._exit(1)
    return x


@pytest.fixture(scope="module")
def address():
    """A cluster of two processes on this machine."""
    distributed = pytest.importorskip("distributed", reason="the extra `scale` is not installed")
    dask = pytest.importorskip("dask")
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
        ) as cluster,
    ):
        yield cluster.scheduler_address


def results(function, values, address):
    tasks = [Task(f"tile {v}", (v,)) for v in values]
    return list(run_tasks(function, tasks, workers=Cluster(address), progress=Silent()))


@pytest.mark.slow
def test_results_come_in_the_order_of_the_tasks(address):
    assert results(_square, range(50), address) == [x * x for x in range(50)]


@pytest.mark.slow
def test_errors_arrive_as_they_are(address):
    with pytest.raises(ValueError, match="no square of 2"):
        results(_fail, [2], address)


@pytest.mark.slow
def test_a_task_that_kills_its_workers_is_named(address):
    with pytest.raises(TileError, match="tile 3"):
        results(_die, range(6), address)


def test_no_scheduler_there():
    pytest.importorskip("distributed", reason="the extra `scale` is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(UsageError, match="no Dask scheduler answers"):
        results(_square, [1], f"tcp://127.0.0.1:{port}")


def test_without_the_extra_it_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ExtraMissingError, match=r"twin\[scale\]"):
        results(_square, [1], "tcp://127.0.0.1:1")


@pytest.mark.slow
def test_a_city_made_on_a_cluster_is_the_same_to_the_byte(address, tmp_path):
    from tests.faults.small_city import write_small
    from twin.api import build_with
    from twin.city.options import BuildOptions
    from twin.core.notices import Notices

    inputs = write_small(tmp_path / "in")
    made = {}
    for name, more in (("here", {}), ("there", {"scheduler": address})):
        options = BuildOptions(
            points=tuple(map(str, inputs.points)),
            output=tmp_path / name / "town.twin",
            footprints=inputs.footprints,
            lod="1.3",
            derive_footprints=True,
            **more,
        )
        options.output.parent.mkdir()
        build_with(options, notices=Notices(), progress=Silent())
        files = (p for p in sorted(options.output.rglob("*")) if p.is_file())
        made[name] = {p.relative_to(options.output): p.read_bytes() for p in files}
    assert len(made["here"]) > 4
    assert made["here"] == made["there"]
