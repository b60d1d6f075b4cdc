"""How many processes a build is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twin.core.cluster import Cluster

if TYPE_CHECKING:
    from twin.city.plan import Plan
    from twin.core.tasks import Workers


SMALL_JOB_POINTS = 3_000_000
"""Below this one process is done before a second one has started."""


def useful_workers(plan: Plan) -> Workers:
    """Processes that pay for their start, or the cluster that was named."""
    if plan.options.scheduler:
        return Cluster(plan.options.scheduler)
    n_points = sum(f.n_points for f in plan.files)
    return plan.options.workers if n_points > SMALL_JOB_POINTS else 1
