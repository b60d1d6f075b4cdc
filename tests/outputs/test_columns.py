"""Columns of lists, arrays and pandas to four types, with gaps where nothing is told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from twin.outputs.columns import typed_column, unique_names

NONE = [None]


@pytest.mark.parametrize(
    ("values", "kind", "wanted"),
    [
        ([True, False], "boolean", [True, False]),
        ([True, None], "boolean", [True, None]),
        ([1, 2], "integer", [1, 2]),
        ([1, None], "integer", [1, None]),
        ([2**63, 1], "text", [str(2**63), "1"]),
        (np.array([2**63, 1], dtype=np.uint64), "text", [str(2**63), "1"]),
        (np.array([3, 4], dtype=np.uint8), "integer", [3, 4]),
        ([1, 2.5], "real", [1.0, 2.5]),
        ([1.5, float("nan"), float("inf")], "real", [1.5, None, None]),
        (np.array([1.5, -np.inf], dtype=np.float32), "real", [1.5, None]),
        (["a", None, ""], "text", ["a", None, ""]),
        (["a", 1, True], "text", ["a", "1", "true"]),
        ([[1, 2], [3, 4]], "text", ["[1, 2]", "[3, 4]"]),
        ([{"k": "지붕"}], "text", ['{"k": "지붕"}']),
        (["\ud800"], "text", ["?"]),
        ([None, None], "text", [None, None]),
        ([], "text", []),
        (pd.Series([1, None, 3], dtype="Int64"), "integer", [1, None, 3]),
        (pd.Series([True, None], dtype="boolean"), "boolean", [True, None]),
        (pd.Series(["x", None], dtype="string"), "text", ["x", None]),
        (pd.Series(["x", "y"], dtype="category"), "text", ["x", "y"]),
        (pd.Series([1.5, None]), "real", [1.5, None]),
        (pd.Series(pd.to_datetime(["2026-07-01T14:00", None])), "text", ["2026-07-01T14:00:00", None]),
        (np.array(["2026-07-01", "NaT"], dtype="datetime64[ns]"), "text", ["2026-07-01T00:00:00", None]),
    ],
)
def test_type_and_gaps(values: Any, kind: str, wanted: list[Any]) -> None:
    column = typed_column("c", values)
    assert column.kind.value == kind
    cells = [None if m else v for v, m in zip(column.values.tolist(), column.missing.tolist(), strict=True)]
    assert cells == wanted


def test_names_stay_apart_whatever_their_case() -> None:
    names = unique_names(["a", "A", "a_2", "a"], taken=["FID"])
    assert names == ["a", "A_2", "a_2_2", "a_3"]
    assert len({n.casefold() for n in names}) == 4
