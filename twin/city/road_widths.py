"""How wide roads are that a map tells as centre lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LANE_M = 3.25
LINE_WIDTH_M = 2 * LANE_M
"""Width of a road whose map tells none."""


def road_widths_m(roads: Any) -> NDArray[np.float64]:
    """Width of each road: its own (`width`, `width_m`), that of its `lanes`, or that of two lanes.

    Parameters
    ----------
    roads : GeoDataFrame

    Examples
    --------
    >>> import pandas as pd
    >>> road_widths_m(pd.DataFrame({"width": ["12", None, "wide"], "lanes": [2, 4, None]})).tolist()
    [12.0, 13.0, 6.5]
    """
    import pandas as pd

    width = np.full(len(roads), np.nan)
    for column, factor in (("width", 1.0), ("width_m", 1.0), ("lanes", LANE_M)):
        if column in roads:
            given = (
                pd.to_numeric(roads[column], errors="coerce").to_numpy(np.float64, na_value=np.nan) * factor
            )
            width = np.where(np.isnan(width) & np.isfinite(given) & (given > 0), given, width)
    return np.where(np.isnan(width), LINE_WIDTH_M, width)
