"""Random damage to sound point clouds, in a process of its own: ``python -m tests.sources.fuzz_points``.

Prints one JSON object: how many mutants were read, how many refused, whatever else was raised, and the worst time
and memory. A crash of the process itself leaves the mutant behind in the folder.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from collections import Counter
from pathlib import Path

import numpy as np

from tests.sources.point_samples import town, write_copc, write_sound, write_version
from twin.core.errors import TwinError
from twin.core.notices import Notices
from twin.sources.points import file_transform, open_points, read_chunks

EXTREMES = (0, 1, 0x7F, 0x80, 0xFF)
HEADER_BYTES = 700


def sound_files(folder: Path) -> list[Path]:
    """One of each layout."""
    cloud = town(3000)
    return [
        write_sound(folder / "open.las", cloud),
        write_version(folder / "pointwise.laz", cloud, point_format=3),
        write_version(folder / "layered.laz", cloud, version="1.4", point_format=7, extra_bytes=True),
        write_copc(folder / "octree.copc.laz", cloud, levels=3),
    ]


def mutant(sound: bytes, rng: np.random.Generator) -> bytes:
    """The file with one to four random injuries, most of them where the structure is."""
    data = bytearray(sound)
    for _ in range(int(rng.integers(1, 5))):
        kind = rng.integers(0, 6)
        if kind == 0:
            del data[int(rng.integers(0, len(data) + 1)) :]
        elif kind == 1:
            data += rng.integers(0, 256, int(rng.integers(1, 100)), np.uint8).tobytes()
        else:
            _overwrite(data, rng, structural=kind != 2)
        if len(data) < 8:
            break
    return bytes(data)


def _overwrite(data: bytearray, rng: np.random.Generator, *, structural: bool) -> None:
    size = int(rng.choice([1, 1, 2, 4, 8]))
    tail = bool(rng.integers(0, 3) == 0)
    reach = min(HEADER_BYTES, len(data)) if structural else len(data)
    start = len(data) - reach if structural and tail else 0
    at = start + int(rng.integers(0, max(1, reach)))
    value = int(rng.choice(EXTREMES)) if rng.integers(0, 2) else int(rng.integers(0, 256))
    data[at : at + size] = bytes([value]) * min(size, len(data) - at)


def read_all(path: Path) -> None:
    """What a build does with a file."""
    import pyproj

    city = pyproj.CRS("EPSG:25832")
    for file in open_points(path):
        home = file_transform(file, city, notices=Notices())
        for _ in read_chunks(file, transform=home, notices=Notices()):
            pass


def run(folder: Path, *, seed: int, count: int) -> dict[str, object]:
    """Read `count` mutants of each sound file."""
    outcomes: Counter[str] = Counter()
    bugs: list[str] = []
    worst_s = 0.0
    for sound in sound_files(folder):
        data = sound.read_bytes()
        for number in range(count):
            rng = np.random.default_rng([seed, number, len(sound.name)])
            path = folder / f"mutant{sound.suffix}"
            path.write_bytes(mutant(data, rng))
            start = time.perf_counter()
            try:
                read_all(path)
                outcomes["read"] += 1
            except TwinError as error:
                outcomes[error.code] += 1
            except Exception:  # noqa: BLE001 - every other one is a bug that is to be reported
                bugs.append(f"{sound.name} {number}: {traceback.format_exc(limit=-3)}")
            worst_s = max(worst_s, time.perf_counter() - start)
    return {"outcomes": dict(outcomes), "bugs": bugs[:5], "worst_s": worst_s, "peak_mb": peak_mb()}


def peak_mb() -> float:
    """Largest resident memory of this process so far, 0 where the system does not tell."""
    status = Path("/proc/self/status")
    if status.exists():  # on Linux `ru_maxrss` begins with the parent's, which may be a large test process
        line = next(t for t in status.read_text().splitlines() if t.startswith("VmHWM"))
        return int(line.split()[1]) / 2**10
    try:
        import resource
    except ImportError:
        return 0.0
    unit = 2**20 if sys.platform == "darwin" else 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=100)
    options = parser.parse_args()
    print(json.dumps(run(options.folder, seed=options.seed, count=options.count)))


if __name__ == "__main__":
    main()
