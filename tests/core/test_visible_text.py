"""What others wrote is shown as text and does nothing else."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.core.visible_text import spreadsheet_text, visible_text


@given(st.text())
def test_nothing_hidden_is_left(text: str) -> None:
    shown = visible_text(text)
    assert len(shown) <= 200
    hidden = [c for c in shown if unicodedata.category(c) in {"Cc", "Cf", "Zl", "Zp", "Cs"}]
    assert set(hidden) <= {"\u200c", "\u200d"}


@pytest.mark.parametrize("name", ["새나루대교 수위계", "Älykäs mittari", "गेज", "🌊 gauge"])
def test_names_of_any_script_stay(name: str) -> None:
    assert visible_text(name) == name


@given(st.sampled_from("=+-@\t\r＝"), st.text())
def test_no_cell_starts_a_formula(first: str, rest: str) -> None:
    cell = spreadsheet_text(first + rest)
    if cell[0] in "=+-@\t\r＝":
        assert float(cell) == float(first + rest)  # a plain number


def test_numbers_are_not_quoted() -> None:
    assert spreadsheet_text("-12.5e-3") == "-12.5e-3"
