"""Tasks in processes: order kept, a dying worker replaced, the rest finished."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from twin.core.errors import InputError, TileError
from twin.core.progress import Silent
from twin.core.tasks import AHEAD, TRIES, Task, run_tasks


def square(n: int) -> int:
    return n * n


def die_on_seven(n: int, folder: str) -> int:
    if n == 7:
        (Path(folder) / f"try-{os.getpid()}").touch()
        os._exit(9)
    (Path(folder) / f"done-{n}").touch()
    return n


def leave_a_mark(n: int, folder: str) -> int:
    (Path(folder) / f"begun-{n}").touch()
    return n


def refuse(n: int) -> int:
    raise InputError(f"{n}.laz", "truncated", "fetch it again")


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_order(workers: int) -> None:
    tasks: list[Task] = [Task(str(n), (n,)) for n in range(6)]
    assert list(run_tasks(square, tasks, workers=workers, progress=Silent())) == [0, 1, 4, 9, 16, 25]


def test_a_dying_worker_costs_its_tile_only(tmp_path: Path) -> None:
    tasks: list[Task] = [Task(f"tile {n}", (n, str(tmp_path))) for n in range(5, 10)]
    with pytest.raises(TileError, match="tile 7") as caught:
        list(run_tasks(die_on_seven, tasks, workers=2, progress=Silent()))
    assert caught.value.exit_code == 3
    assert sorted(p.name for p in tmp_path.glob("done-*")) == ["done-5", "done-6", "done-8", "done-9"]
    assert len(list(tmp_path.glob("try-*"))) == TRIES


def test_few_tasks_are_begun_before_a_result_is_taken(tmp_path: Path) -> None:
    tasks: list[Task] = [Task(str(n), (n, str(tmp_path))) for n in range(40)]
    results = run_tasks(leave_a_mark, tasks, workers=2, progress=Silent())
    assert [next(results), next(results)] == [0, 1]
    assert len(list(tmp_path.glob("begun-*"))) <= 2 * AHEAD + 2
    assert list(results) == list(range(2, 40))


def test_our_errors_come_home_from_a_worker() -> None:
    with pytest.raises(InputError, match=r"3\.laz: truncated; fetch it again"):
        list(run_tasks(refuse, [Task("a", (3,)), Task("b", (4,))], workers=2, progress=Silent()))
