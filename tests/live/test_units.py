"""Units as they are written: capitals count where they tell one unit from another."""

from __future__ import annotations

import pytest

from twin.live.units import find_unit


@pytest.mark.parametrize(
    "name", ["mW", "mJ", "mWh", "S", "H", "G", "D", "Mm", "Mg/m3", "Mbar", "mw", "k", "gJ"]
)
def test_a_symbol_of_another_size_is_not_known(name: str) -> None:
    assert not find_unit(name).is_known


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("MW", "MW"), ("MWh", "MW.h"), ("s", "s"), ("Meter", "m"), ("CUBIC FEET PER SECOND", "m3/s"), ("PPM", "[ppm]"),
        ("kwh", "kW.h"), ("uS/cm @25C", "uS/cm"), ("Degrees Celsius", "Cel"), ("DB(A)", "dB"), ("HPA", "hPa"),
        ("CFS", "m3/s"), ("KT", "m/s"), ("Percent", "%"), ("UG/M3", "ug/m3"), ("mbar", "hPa"),
    ],
)  # fmt: skip
def test_words_and_what_has_one_meaning_may_be_cased_freely(name: str, code: str) -> None:
    assert find_unit(name).code == code
