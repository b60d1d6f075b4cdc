"""Sloped roofs against the exact truth of demo districts: by kind and density, with the time they take.

    python tests/benchmarks/bench_roofs.py [BUILDINGS]
    python tests/benchmarks/bench_roofs.py --many 5000    CPU of LoD1.2, 1.3 and 2.2 for many buildings

Score: 100 x the share of roof area within 0.2 m of the truth, in cells of 0.25 m inside the footprint less 0.3 m; a
missing or invalid building counts as 0. Reference in the same run: the 15 nearest neighbours of every point by scipy,
which any growing of regions begins with.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from twin.core.points import PointCloud
from twin.demo.roofcells import cells_inside, count_faces, roof_faces, roof_height
from twin.demo.samples import Sample, sample_buildings
from twin.reconstruct.building import reconstruct_building

DENSITIES = ((2.0, 31), (5.0, 32), (8.0, 33), (20.0, 34))
"""Pulses per m2 and seed of each district."""

NEAR_M = 0.2


@dataclass(frozen=True)
class Outcome:
    kind: str
    near: float
    is_valid: bool
    faces_right: bool
    type_right: bool
    seconds: float
    reference_s: float


def judged(sample: Sample) -> Outcome:
    ones = np.ones(len(sample.xyz), np.uint8)
    cloud = PointCloud(sample.xyz, sample.classification, ones, ones)
    start = time.process_time()
    model = reconstruct_building(sample.footprint, cloud, lods=("2.2",))
    seconds = time.process_time() - start
    start = time.process_time()
    cKDTree(sample.xyz[:, :2]).query(sample.xyz[:, :2], 15)
    reference = time.process_time() - start
    origin = np.floor([*sample.footprint.bounds[:2], 0.0])
    at = cells_inside(sample.footprint, origin)
    made = model.lods.get("2.2")
    faces = roof_faces(made.solids if made else (), origin)
    error = np.abs(roof_height(faces, at) - roof_height(roof_faces([sample.solids["2.2"]], origin), at))
    return Outcome(
        sample.kind,
        float((error < NEAR_M).mean()) if made and not made.codes else 0.0,
        made is not None and not made.codes,
        count_faces(faces) == int(sample.facts["n_roof_faces"]),
        str(model.roof_type) == sample.roof_type,
        seconds,
        reference,
    )


def many(n: int) -> None:
    """CPU of three levels of detail, without what it takes to invent the buildings."""
    spent, missing, invalid = 0.0, 0, 0
    for k, sample in enumerate(sample_buildings(n + 1, density=5.0, seed=77)):
        ones = np.ones(len(sample.xyz), np.uint8)
        cloud = PointCloud(sample.xyz, sample.classification, ones, ones)
        start = time.process_time()
        model = reconstruct_building(sample.footprint, cloud, lods=("1.2", "1.3", "2.2"))
        if k:  # the first one loads compiled code
            spent += time.process_time() - start
        made = model.lods.get("2.2")
        missing, invalid = missing + (made is None), invalid + bool(made and made.codes)
    print(f"{n} buildings: {spent:.0f} s of CPU, {missing} missing, {invalid} invalid")


def main(n: int) -> None:
    columns, kinds = [], defaultdict(dict)
    for density, seed in DENSITIES:
        samples = list(sample_buildings(n, density=density, seed=seed))
        judged(samples[0])
        outcomes = [judged(s) for s in samples]
        columns.append((density, outcomes))
        for kind in {o.kind for o in outcomes}:
            kinds[kind][density] = [o for o in outcomes if o.kind == kind]
    print(
        "| points per m² | buildings | score | valid | faces right | type right | ms CPU each | times reference |"
    )
    print("|---|---|---|---|---|---|---|---|")
    for density, all_ in columns:
        spent, reference = sum(o.seconds for o in all_), sum(o.reference_s for o in all_)
        shares = [np.mean([getattr(o, f) for o in all_]) for f in ("is_valid", "faces_right", "type_right")]
        print(
            f"| {density:g} | {len(all_)} | {100 * np.mean([o.near for o in all_]):.2f} | "
            + " | ".join(f"{100 * s:.0f} %" for s in shares)
            + f" | {1000 * spent / len(all_):.0f} | {spent / reference:.1f} |"
        )
    print("\n| kind: share within 0.2 m, faces right | " + " | ".join(f"{d:g}" for d, _ in DENSITIES) + " |")
    print("|---" * (1 + len(DENSITIES)) + "|")
    for kind, found in sorted(kinds.items()):
        cells = [
            f"{np.mean([o.near for o in found[d]]):.3f}, {np.mean([o.faces_right for o in found[d]]):.2f}"
            if d in found
            else ""
            for d, _ in DENSITIES
        ]
        print(f"| {kind} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    if "--many" in sys.argv:
        many(int(sys.argv[2]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
