"""Floods: speed beside the memory triad of the same run, known answers, and the Merewether flood of 2007.

    python -m tests.benchmarks.bench_water             speed, known answers, Merewether if it is at hand
    python -m tests.benchmarks.bench_water --storm     also the hour of storm over 2 km x 2 km (minutes)

Speeds of one core are per second of its processor time, since other work shares the machine; those of two threads are
by the clock, beside what two threads bring the triad at the same time. An update is a full step of one cell. The triad
``a = b + s c`` moves 3 numbers an element; an update of `fast` has to move 8 (read depth, bed, roughness and two
discharges, write depth and discharges). Its share of the triad is updates a second, times 8, times the bytes of a
number, divided by the bytes a second of the triad; what is read only to be written over counts in neither.
"""

from __future__ import annotations

import argparse
import csv
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit
from scipy.ndimage import gaussian_filter

from tests.flood_cases import BUMPS, bowl, bump, dam_break, kinematic_plane, macdonald
from twin.water import fill_level, solve

MEREWETHER = Path(__file__).resolve().parents[3] / "shared" / "data" / "merewether_flood"
NUMBERS_PER_UPDATE = 8


@njit(nogil=True)
def triad(a, b, c, s):  # type: ignore[no-untyped-def]
    for i in range(a.size):
        a[i] = b[i] + s * c[i]


def triad_bytes_per_s(dtype: Any) -> float:
    a, b, c = (np.ones(20_000_000, dtype) for _ in range(3))
    s = np.dtype(dtype).type(2)
    triad(a, b, c, s)
    return 3 * a.nbytes / min(cpu(lambda: triad(a, b, c, s)) for _ in range(7))


def triad_on_two(dtype: Any) -> float:
    """How many times as fast two threads do the triad, by the clock."""
    a, b, c = (np.ones(20_000_000, dtype) for _ in range(3))
    s, half = np.dtype(dtype).type(2), a.size // 2
    parts = [(a[:half], b[:half], c[:half], s), (a[half:], b[half:], c[half:], s)]

    def clock(work: Any) -> float:
        begin = time.perf_counter()
        work()
        return time.perf_counter() - begin

    with ThreadPoolExecutor(2) as pool:
        triad(*parts[0])
        one = min(clock(lambda: [triad(*p) for p in parts]) for _ in range(5))
        both = min(clock(lambda: list(pool.map(lambda p: triad(*p), parts))) for _ in range(5))
    return one / both


def cpu(work: Any) -> float:
    """Processor seconds of this thread."""
    begin = time.thread_time()
    work()
    return time.thread_time() - begin


def town(n: int, seed: int = 1) -> np.ndarray:
    """A DTM of n x n metres with hollows, and blocks of houses that water cannot enter."""
    rng = np.random.default_rng(seed)
    z = gaussian_filter(rng.normal(size=(n, n)), 25) * 60 + rng.normal(size=(n, n)) * 0.01
    rows, cols = np.mgrid[:n, :n]
    z[(rows % 40 < 14) & (cols % 50 < 18)] = np.inf
    return z


def table(title: str, head: list[str], rows: list[list[str]]) -> None:
    print(f"\n### {title}\n")
    for row in (head, ["---"] * len(head), *rows):
        print("| " + " | ".join(row) + " |")


def speed(n: int) -> None:
    z, rows = town(n), []
    cases = [
        ("fast", "float32", 150),
        ("fast", "float64", 70),
        ("accurate", "float32", 0),
        ("accurate", "float64", 10),
    ]
    for method, dtype, asked in cases:
        ask: dict[str, Any] = {
            "cell_size_m": 1.0,
            "method": method,
            "dtype": dtype,
            "rain_mm_h": 60.0,
            "n": 0.03,
        }
        start = solve(z, duration_s=600.0, **ask | {"method": "fast"}).final
        ask |= {
            "h0": start.h,
            "qx0": start.qx,
            "qy0": start.qy,
            "duration_s": 200.0 if method == "fast" else 20.0,
        }
        moved = triad_bytes_per_s(dtype)
        best = 0.0
        for _ in range(3):
            found: list[Any] = []
            seconds = cpu(lambda ask=ask, found=found: found.append(solve(z, threads=1, **ask)))
            best = max(best, found[0].cell_updates / seconds)
        walls = [min(solve(z, threads=t, **ask).wall_s for _ in range(3)) for t in (1, 2)]
        share = best * NUMBERS_PER_UPDATE * np.dtype(dtype).itemsize / moved
        rows.append([
            f"`{method}` {dtype}", f"{asked or ''}", f"{best / 1e6:.0f}", f"{moved / 1e9:.1f}",
            f"{share:.2f}" if method == "fast" else "", f"{walls[0] / walls[1]:.2f}", f"{triad_on_two(dtype):.2f}",
        ])  # fmt: skip
    head = [
        "rain on a town, one core",
        "asked M/s",
        "million updates/s",
        "triad GB/s",
        "share of triad",
        "two threads",
        "triad on two",
    ]
    table(f"Speed, {n} x {n}", head, rows)


def dry_tiles(n: int) -> None:
    """The same flood in a valley with the tiles skipped, and all computed."""
    import twin.water.run as run

    rows, cols = np.mgrid[:n, :n]
    z = 0.02 * (n - cols) + 0.2 * np.abs(rows - n / 2) * (np.abs(rows - n / 2) > n / 16)
    ask: dict[str, Any] = {
        "cell_size_m": 1.0, "dtype": "float32", "sources": [(n // 2 + k, 2, 4.0) for k in range(-20, 20)],
        "boundary": {"east": "open"}, "duration_s": 120.0, "threads": 1,
    }  # fmt: skip
    found: list[Any] = []
    skipping = cpu(lambda: found.append(solve(z, **ask)))
    kept, run.wet_tiles = run.wet_tiles, lambda h, r, c, out: out.fill(True)
    whole = cpu(lambda: found.append(solve(z, **ask)))
    run.wet_tiles = kept
    wet = (found[0].h[-1] > 0).mean()
    same = found[0].h.tobytes() == found[1].h.tobytes()
    table("Dry tiles", ["wet at the end", "times as fast", "asked", "same bytes"],
          [[f"{wet:.0%}", f"{whole / skipping:.1f}", "3", "yes" if same else "NO"]])  # fmt: skip


def level_speed() -> None:
    z = gaussian_filter(np.random.default_rng(5).normal(size=(1000, 1000)), 3) * 10
    fill_level(z, 0.0, [(0, 0)])
    worst = max(cpu(lambda e=e: fill_level(z, e, [(0, 0), (500, 500)])) for e in (-0.2, 0.0, 0.2, 0.4))
    table("Level, 1000 x 1000", ["asked ms", "worst of four levels, ms"], [["50", f"{worst * 1e3:.1f}"]])


def relative_l1(found: np.ndarray, known: np.ndarray) -> float:
    return float(np.abs(found - known).sum() / known.sum())


def known_answers() -> None:
    rows = []
    for name, h_right, asked in (("Stoker", 0.001, "1.5e-3"), ("Ritter", 0.0, "2e-3")):
        case = dam_break(1000, h_right=h_right)
        errors = [relative_l1(solve(**case.ask(), method=m).h[0, 0], case.h) for m in ("accurate", "fast")]
        rows.append([f"{name}, N = 1000, relative L1", asked, f"{errors[0]:.1e}", f"{errors[1]:.1e}"])
    for n in (50, 100, 200):
        case = bowl("planar", n)
        h0 = case.depth(0.0)
        omega = 2 * np.pi / case.period_s
        found = solve(case.z, cell_size_m=case.cell_size_m, method="accurate", h0=h0, qy0=-0.5 * omega * h0, n=0.0,
                      duration_s=3 * case.period_s)  # fmt: skip
        rows.append([
            f"Thacker's plane, 3 periods, n = {n}, relative L1", "0.03 at 200",
            f"{relative_l1(found.h[0], case.depth(3 * case.period_s)):.4f}", "",
        ])  # fmt: skip
    for kind in BUMPS:
        case = bump(kind)
        found = solve(**case.ask(), method="accurate")
        error = np.abs(found.h[0, 0] - case.h)[3:]
        rows.append([f"bump, {kind}, MAE", "1 cm", f"{error.mean() * 100:.2f} cm", ""])
    for kind in ("subcritical", "supercritical"):
        for rain in (0.0, 0.001):
            case = macdonald(kind, rain_m_s=rain)
            both = [solve(**case.ask(), method=m).h[0, 0] for m in ("accurate", "fast")]
            errors = [np.abs(h - case.h)[2:].mean() for h in both]
            rows.append([
                f"MacDonald 1 km, {kind}{', rain' if rain else ''}, MAE", "1 cm", f"{errors[0] * 100:.2f} cm",
                f"{errors[1] * 100:.1f} cm",
            ])  # fmt: skip
    for slope in (0.05, 0.3, 1.0):
        case = kinematic_plane(100, length=100.0, slope=slope, roughness=0.02, rain_mm_h=50.0)
        errors = [relative_l1(solve(**case.ask(), method=m).h[0, 0], case.h) for m in ("accurate", "fast")]
        rows.append(
            [f"film of rain, slope {slope:.0%}, relative L1", "1 %", f"{errors[0]:.2%}", f"{errors[1]:.2%}"]
        )
    table("Known answers", ["case", "asked", "`accurate`", "`fast`"], rows)


def merewether_case() -> tuple[dict[str, Any], list[tuple[str, int, int, list[float]]]]:
    """The published set-up, and the points: name, row, column, published stages."""
    import shapely

    lines = (MEREWETHER / "topography1.asc").read_text().splitlines()
    head = {line.split()[0]: float(line.split()[1]) for line in lines[:6]}
    z, size = np.loadtxt(lines[6:]), head["cellsize"]
    x = head["xllcorner"] + (np.arange(z.shape[1]) + 0.5) * size
    y = head["yllcorner"] + (z.shape[0] - 0.5 - np.arange(z.shape[0])) * size
    xs, ys = np.meshgrid(x, y)

    def covered(path: Path) -> np.ndarray:
        return np.asarray(shapely.contains_xy(shapely.Polygon(np.loadtxt(path, delimiter=",")), xs, ys))

    houses = np.any([covered(p) for p in sorted((MEREWETHER / "houses").glob("*.csv"))], axis=0)
    n = np.where(covered(MEREWETHER / "Road" / "RoadPolygon.csv"), 0.02, 0.04)
    z = np.where(z == head["NODATA_value"], np.inf, z + 3.0 * houses)
    cells = np.argwhere((xs - 382265) ** 2 + (ys - 6354280) ** 2 <= 100)
    points = []
    for row in list(csv.reader((MEREWETHER / "Observations" / "ObservationPoints.csv").open()))[1:]:
        j, i = int(np.argmin(np.abs(y - float(row[1])))), int(np.argmin(np.abs(x - float(row[0]))))
        points.append((row[2].strip(), j, i, [float(v) for v in row[3:]]))
    ask = {
        "z": z, "cell_size_m": size, "n": n, "sources": [(r, c, 19.7 / len(cells)) for r, c in cells],
        "boundary": {"north": "open", "east": "open"}, "duration_s": 1000.0,
    }  # fmt: skip
    return ask, points


def merewether() -> None:
    if not MEREWETHER.exists():
        print("\nMerewether: no data beside the checkout")
        return
    ask, points = merewether_case()
    found = {
        m: solve(method=m, dtype="float32" if m == "fast" else "float64", **ask) for m in ("fast", "accurate")
    }
    rows = []
    for name, j, i, published in sorted(points):
        stages = [float(ask["z"][j, i] + found[m].h[0, j, i]) for m in found]
        rows.append([name, *(f"{v:.2f}" for v in (*published, *stages))])
    head = ["point", "draft report", "ARR final report", "TUFLOW (ARR)", "`fast` f32", "`accurate` f64"]
    table("Merewether 2007, stages in m", head, rows)
    for m, flood in found.items():
        print(
            f"\n`{m}`: {flood.wall_s:.1f} s, {flood.steps} steps, mass error {flood.mass_error_m3:.1e} m3 of 19,700"
        )


def storm() -> None:
    """An hour of storm over 2 km x 2 km at 1 m with two threads; hollows fill to about a metre."""
    ask: dict[str, Any] = {"cell_size_m": 1.0, "dtype": "float32", "rain_mm_h": 80.0, "boundary": "open"}
    z, begin = town(2000), time.process_time()
    flood = solve(z, threads=2, duration_s=3600.0, **ask)
    used = time.process_time() - begin
    head = ["asked", "wall", "processor", "load", "deepest", "steps", "mass error, relative"]
    table("Storm of 1 h, 2000 x 2000, two threads, float32", head, [[
        "6 min", f"{flood.wall_s / 60:.1f} min", f"{used / 60:.1f} min", f"{os.getloadavg()[0]:.1f}",
        f"{flood.h[-1].max():.2f} m", f"{flood.steps:,}", f"{flood.mass_error_m3 / flood.volume_in_m3:.1e}",
    ]])  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--storm", action="store_true", help="also the storm over 2 km x 2 km")
    parser.add_argument("--speed", action="store_true", help="only the speeds")
    parser.add_argument("--cells", type=int, default=1000, help="side of the town, cells")
    arguments = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f} before, on {os.cpu_count()} cores")
    speed(arguments.cells)
    dry_tiles(arguments.cells)
    level_speed()
    if arguments.speed:
        return
    known_answers()
    merewether()
    if arguments.storm:
        storm()


if __name__ == "__main__":
    main()
