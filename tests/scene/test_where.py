"""Selection by attributes."""

import numpy as np
import pandas as pd
import pytest

from twin.core.errors import UsageError
from twin.scene.where import select

TABLE = pd.DataFrame(
    {
        "height_m": [5.0, 25.0, np.nan, 12.5],
        "state": ["built", "built", "failed", None],
        "용도": ["주택", "상가", "주택", "상가"],
        "Bau jahr": pd.array([1900, 1950, None, 2001], dtype="Int64"),
        "listed": [True, False, True, False],
    }
)


@pytest.mark.parametrize(
    ("expression", "rows"),
    [
        ("height_m > 20", [1]),
        ("height_m >= 5 and height_m<25", [0, 3]),
        ("not height_m > 20", [0, 3]),  # a missing height is neither above nor below
        ("height_m is null", [2]),
        ("state is not null and not (state = 'failed')", [0, 1]),
        ("height_m > 20 or state = 'failed'", [1, 2]),
        ("height_m > 20 and state = 'failed'", []),
        ("용도 = '주택'", [0, 2]),
        ("`Bau jahr` in (1900, 2001)", [0, 3]),
        ("`Bau jahr` not in (1900)", [1, 3]),
        ("listed = true", [0, 2]),
        ('state <> "built"', [2]),
        ("height_m = -1e3 or height_m = 12.5", [3]),
        ("state < 'c'", [0, 1]),
    ],
)
def test_rows_are_those_that_the_words_say(expression, rows):
    assert np.flatnonzero(select(TABLE, expression)).tolist() == rows


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("", "ends too early"),
        ("hight_m > 3", "did you mean height_m"),
        ("height_m > 'x'", "numbers with a text"),
        ("state = 3", "texts with a number"),
        ("height_m >", "ends too early"),
        ("(height_m > 3", "closing parenthesis"),
        ("height_m > 3 4", "should end"),
        ("height_m > 3; import os", "cannot be read"),
        ("__import__('os')", "no attribute"),
        ("__import__('os').system('ls')", "cannot be read"),
        ("@pd.eval('1')", "cannot be read"),
        ("height_m.max() > 3", "cannot be read"),
        ("not " * 60 + "height_m > 3", "too deeply"),
        ("(" * 60 + "height_m > 3" + ")" * 60, "too deeply"),
        ("x" * 5000, "signs long"),
        ("height_m", "ends too early"),
        ("height_m is 3", "without 'null'"),
        ("height_m in 3", "list in parentheses"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(expression, words):
    with pytest.raises(UsageError, match=words):
        select(TABLE, expression)


def test_a_quote_is_written_twice():
    assert select({"name": ["O'Neill", "x"]}, "name = 'O''Neill'").tolist() == [True, False]
