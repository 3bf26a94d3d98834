"""Numbers as a person reads them."""

from __future__ import annotations

import math

import pytest

from gigawatt.faces.figures.readable import aligned, count, large, significant, with_unit


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1234.0, "MW", "1.23 GW"),
        (999.96, "MW", "1 GW"),
        (24.528, "MW", "24.5 MW"),
        (0.00197, "MW", "1.97 kW"),
        (214.865, "GWh", "215 GWh"),
        (12.5, "MWh", "12.5 MWh"),
        (94.12, "M$", "$94.1 million"),
        (1012.3, "M$", "$1.01 billion"),
        (301.5, "M$/yr", "$302 million a year"),
        (61.234, "$/MWh", "$61.2/MWh"),
        (2.5712, "$/Mtoken", "$2.57/Mtoken"),
        (-3.0, "$", "−$3"),
        (0.527212, "M$", "$527,000"),
        (0.0, "$", "$0"),
        (1.83245, "kWh/Mtoken", "1.83 kWh/Mtoken"),
        (123.456, "kg/MWh", "123 g/kWh"),
        (48.5607, "days", "48.6 days"),
        (1.0, "d", "24 h"),
        (0.0337, "s", "33.7 ms"),
        (4.2337, "s", "4.23 s"),
        (19_094_777.3, "h", "19.1 million hours"),
        (1_817.4, "h", "1,820 hours"),
        (12.3, "h", "12.3 h"),
        (312_345.6, "m^3", "312,000 m³"),
        (3_718_125.4, "tokens/s", "3.72 million tokens/s"),
        (39.87654321, "percent", "39.9 %"),
        (61.2345, "GB", "61.2 GB"),
        (648.21, "W", "648 W"),
        (0.0, "MW", "0 W"),
        (math.nan, "MW", "–"),
        (math.inf, "$", "–"),
    ],
)
def test_a_value_with_its_unit(value: float, unit: str, text: str) -> None:
    assert with_unit(value, unit) == text


def test_digits_and_counts() -> None:
    assert significant(12345.678) == "12,300"
    assert significant(0.01234567) == "0.0123"
    assert significant(0.0) == "0"
    assert significant(9.999) == "10"
    assert count(16384.0) == "16,384"
    assert large(15.6e12) == "15.6 trillion"
    assert large(405_853_388_800) == "406 billion"
    assert large(7) == "7"


def test_a_column_keeps_its_decimals_and_hides_no_small_number() -> None:
    write = aligned([3.05, 0.0337, 4.512], "s")
    assert [write(v) for v in (3.05, 0.0337, 4.512, 0.0, 1e-5)] == [
        "3.050 s",
        "0.034 s",
        "4.512 s",
        "–",
        "<0.001 s",
    ]
    years = aligned([5.0, 2.0, 1.5])
    assert [years(v) for v in (5.0, 1.5)] == ["5.0", "1.5"]
    assert aligned([25.04, 6.521], "M$")(25.04) == "$25.04 M"
    assert aligned([])(1.0) == "1"
