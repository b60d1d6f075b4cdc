"""The order in which files of tests begin.

Workers take whole files: what is long begins first, and short files even out the end. The first two decide how often
kernels are compiled where numba has no cache: one compiles what a build of a city needs, which is most of it, while the
other is busy with files that need no city. Seconds of processor time tell how long a file is; they need not be exact.
"""

from __future__ import annotations

FIRST = (
    "tests/test_docs.py",
    "tests/water/test_flood_simulation.py",
    "tests/test_docstrings.py",
    "tests/water/test_solve_known_answers.py",
    "tests/live/test_live_mqtt.py",
    "tests/sources/test_points.py",
    "tests/live/test_sta_server.py",
    "tests/live/test_running_feeds.py",
    "tests/sources/test_rasters.py",
    "tests/sources/test_vectors.py",
)
LONG = {
    "tests/water/test_solve_invariants.py": 55,
    "tests/city/test_delft.py": 100,
    "tests/city/test_roofs_elsewhere.py": 90,
    "tests/test_examples.py": 85,
    "tests/viewer/test_window.py": 60,
    "tests/viewer/test_robust.py": 65,
    "tests/demo/test_demo_typhoon.py": 60,
    "tests/demo/test_demo_cli.py": 50,
    "tests/viewer/test_panels.py": 45,
    "tests/cli/test_film_verb.py": 20,
    "tests/faults/test_fault_signals.py": 35,
    "tests/faults/test_fault_kills.py": 30,
    "tests/faults/test_fault_places.py": 27,
    "tests/faults/test_fault_storage.py": 16,
    "tests/faults/test_fault_mutants.py": 15,
    "tests/outputs/test_takeaway.py": 15,
    "tests/outputs/test_print.py": 15,
    "tests/viewer/test_same_picture.py": 15,
    "tests/viewer/test_live.py": 15,
    "tests/viewer/test_way_and_plot.py": 15,
    "tests/outputs/test_batch.py": 12,
    "tests/faults/test_fault_rasters.py": 12,
    "tests/outputs/web/test_in_browser.py": 12,
    "tests/core/test_cluster.py": 12,
    "tests/faults/test_fault_memory.py": 10,
    "tests/faults/test_fault_footprints.py": 10,
    "tests/outputs/web/test_hostile_sensors.py": 10,
    "tests/outputs/test_film.py": 10,
    "tests/demo/test_demo_district.py": 10,
}
PLACES = {file: place for place, file in enumerate([*FIRST, *sorted(LONG, key=lambda f: -LONG[f])])}


def place_of(file: str) -> int:
    """Where a file stands; those that are not long come after all others, in the order that they have."""
    return PLACES.get(file, len(PLACES))
