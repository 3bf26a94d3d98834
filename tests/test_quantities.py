"""Units at the door: what a person writes becomes an SI float, or an error that names the unit."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt.core.errors import InputError
from gigawatt.core.quantities import compact, factor, parse, same_dimension, show, to_si

# Traps of pint's own registry, as seen in the issue trackers of neighbouring tools: money vanishes, M$ is
# molar, Gb gilbert, Gbps gigabaud, kt knots, T tesla, B bytes; FLOP, token, TOPS, MWe, tCO2 are unknown.
TRAPS = [
    ("60 $/MWh", "$/J", 60 / 3.6e9),
    ("60 USD/MWh", "$/J", 60 / 3.6e9),
    ("1 M$", "$", 1e6),
    ("2 B$", "$", 2e9),
    ("500 m$", "$", 0.5),
    ("12 M$/MW", "$/W", 12.0),
    ("0.3 $/W/yr", "$/J", 0.3 / 31_536_000),
    ("5 Gb", "B", 5e9 / 8),
    ("5 GB", "B", 5e9),
    ("5 GiB", "B", 5 * 2**30),
    ("1 PiB", "B", 2.0**50),
    ("100 Gbps", "B/s", 100e9 / 8),
    ("100 Gb/s", "B/s", 100e9 / 8),
    ("3.35 TB/s", "B/s", 3.35e12),
    ("1 kt", "kg", 1e6),
    ("7 T", "1", 7e12),
    ("70 B", "1", 70e9),
    ("70B", "1", 70e9),
    ("70 B", "B", 70.0),
    ("70B parameters", "parameters", 70e9),
    ("7T tokens", "tokens", 7e12),
    ("15.6T tokens", "tokens", 15.6e12),
    ("15.6 T tokens", "tokens", 15.6e12),
    ("70 B tokens", "tokens", 70e9),
    ("2 Mtokens", "tokens", 2e6),
    ("3e24 FLOP", "FLOP", 3e24),
    ("989 TFLOP/s", "FLOP/s", 989e12),
    ("989 TFLOPS", "FLOP/s", 989e12),
    ("1 TOPS", "FLOP/s", 1e12),
    ("100 MWe", "W", 1e8),
    ("300 MWth", "W", 3e8),
    ("5 tCO2", "kg", 5000.0),
    ("5 MtCO2e", "kg", 5e9),
    ("100 gCO2/kWh", "kg/J", 0.1 / 3.6e6),
    ("400 gCO2e/kWh", "kg/J", 0.4 / 3.6e6),
    ("5 pJ/b", "J/B", 40e-12),
    ("1.5 L/kWh", "m³/J", 1.5e-3 / 3.6e6),
    ("3 m3", "m³", 3.0),
    ("3 m³/h", "m³/s", 3 / 3600),
    ("25 °C", "K", 298.15),
    ("25 degC", "K", 298.15),
    ("300 K", "K", 300.0),
    ("4 %", "1", 0.04),
    ("4%", "1", 0.04),
    ("0.04", "1", 0.04),
    ("16k GPUs", "chips", 16e3),
    ("1,200 MW", "W", 1.2e9),
    ("1_200 MW", "W", 1.2e9),
    ("-5 MW", "W", -5e6),
    ("1.5e3kW", "W", 1.5e6),
    ("1 yr", "s", 31_536_000.0),
    ("5 1/s", "1/s", 5.0),
    ("7 $/MMBtu", "$/J", 7 / 1055.05585262e6),
]


@pytest.mark.parametrize(("text", "unit", "value"), TRAPS)
def test_reads_what_people_write(text: str, unit: str, value: float) -> None:
    assert parse(text, unit) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "unit", "words"),
    [
        ("5", "W", "the unit is missing; given '5'; allowed: a number with a unit such as 'W'"),
        (5, "W", "the unit is missing"),
        (5.0, "W", "the unit is missing"),
        ("70 B", "W", "the unit is missing; given '70 B'"),
        ("7 T", "W", "the unit is missing"),
        ("5 m", "W", "'m' is the wrong kind of unit here"),
        ("60 1/MWh", "$/J", "'1/MWh' is the wrong kind of unit here"),
        ("60 $/MWh", "1/J", "is the wrong kind of unit here"),
        ("5 GW", "J", "'GW' is the wrong kind of unit here"),
        ("5 GWh", "W", "'GWh' is the wrong kind of unit here"),
        ("60 €/MWh", "$/J", "money is counted in US dollars; given '60 €/MWh'"),
        ("5 foo", "W", "unknown unit; given '5 foo'"),
        ("5 GW", "s", "is the wrong kind of unit here"),
        ("1.200,5 MW", "W", "not a quantity; given '1.200,5 MW'"),
        ("5 W + 3 W", "W", "not a quantity"),
        ("5 2 W", "W", "not a quantity"),
        ("5 W*3", "W", "not a quantity"),
        ("5 __import__('os')", "W", "not a quantity"),
        ("5 W**99999", "W", "not a quantity"),
        ("5 W**9**9**9**9", "W", "not a quantity"),
        ("5 W²²²²²²", "W", "not a quantity"),
        ("60 EUR/MWh", "$/J", "money is counted in US dollars"),
        ("1.5 gw", "W", "did you mean 'GW'?"),
        ("300 mw", "W", "did you mean 'MW'?"),
        ("", "W", "not a quantity"),
        ("GW", "W", "not a quantity"),
        ("nan W", "W", "not a quantity"),
        ("inf W", "W", "not a quantity"),
        ("1e400 W", "W", "not a finite number"),
        ("1e300 YW", "W", "not a finite number"),
        ("nan", "1", "not a number; given 'nan'; allowed: a plain number"),
        (float("nan"), "1", "not a number"),
        (float("inf"), "1", "not a number"),
        (True, "W", "not a quantity; given 'True'"),
        (None, "W", "not a quantity; given 'None'"),
        (["5 W"], "W", "not a quantity"),
    ],
)
def test_refuses_and_names_the_unit(text: object, unit: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(text, unit)
    assert words in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_the_example_is_named() -> None:
    with pytest.raises(InputError, match=r"such as '1\.2 GW'"):
        parse("5", "W", example="1.2 GW")


def _read(text: str, unit: str) -> float:
    """The value, or the number of lines of the error (which must be one)."""
    try:
        return parse(text, unit)
    except InputError as error:
        return 1.0 if len(str(error).splitlines()) == 1 else math.nan


@given(st.text(max_size=24), st.sampled_from(["W", "1", "$/J", "tokens", "K", "B/s", "kg/J", "s"]))
def test_any_text_gives_a_finite_float_or_one_error(text: str, unit: str) -> None:
    assert math.isfinite(_read(text, unit))


_WORDS = st.sampled_from(
    [
        "1",
        "2.5",
        "e3",
        "-",
        "+",
        "T",
        "B",
        "k",
        "$",
        "%",
        "GW",
        "tokens",
        "/",
        "*",
        "**",
        "^",
        "(",
        ")",
        " ",
        "h",
        "°C",
    ]
)


@given(st.lists(_WORDS, max_size=7).map("".join), st.sampled_from(["W", "1", "tokens", "$/J", "K"]))
def test_any_salad_of_units_gives_a_finite_float_or_one_error(text: str, unit: str) -> None:
    assert math.isfinite(_read(text, unit))


UNITS = [
    "GW",
    "W",
    "$/MWh",
    "$",
    "gCO2/kWh",
    "TB/s",
    "tokens",
    "%",
    "K",
    "°C",
    "1",
    "L/kWh",
    "kWh/Mtoken",
    "1/s",
    "yr",
]


@given(st.floats(-1e15, 1e15), st.sampled_from(UNITS))
def test_show_and_parse_are_inverse_to_the_digits_shown(number: float, unit: str) -> None:
    value = to_si(number, unit)
    again = parse(show(value, unit, digits=6), unit)
    step = 5e-6 * abs(number) * factor(unit)
    assert again == pytest.approx(value, abs=step * 1.001 + 1e-9 * abs(value) + 1e-300)


@given(st.floats(1e-11, 1e26), st.sampled_from(["W", "$", "B", "J", "Wh", "FLOP/s"]))
def test_compact_and_parse_are_inverse_to_the_digits_shown(number: float, unit: str) -> None:
    assert parse(compact(number, unit, digits=6), unit) == pytest.approx(to_si(number, unit), rel=5.1e-6)


def test_show_and_compact() -> None:
    assert show(1.2e9, "GW") == "1.2 GW"
    assert show(298.15, "°C") == "25 °C"
    assert show(0.25, "1") == "0.25"
    assert show(123_456.0, "W") == "123,456 W"
    assert compact(2.5e7, "W") == "25 MW"
    assert compact(0.0, "W") == "0 W"
    assert compact(3e9, "$") == "3 G$"


def test_dimensions() -> None:
    assert same_dimension("GWh", "J")
    assert same_dimension("$/kW/yr", "$/J")
    assert not same_dimension("$/MWh", "1/MWh")
    assert not same_dimension("token", "1")
    assert not same_dimension("FLOP", "token")
    assert factor("TFLOP/s") == 1e12
    assert factor("GB") == 1e9


@pytest.mark.parametrize(("text", "tokens"), [("15T", 15e12), ("7 T", 7e12), ("300B", 3e11), ("1.5M", 1.5e6)])
def test_a_scaled_number_of_tokens_needs_no_unit(text: str, tokens: float) -> None:
    assert parse(text, "tokens") == parse(text, "token") == tokens
    with pytest.raises(InputError, match="the unit is missing"):
        parse("15", "tokens")


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("$1.5 billion", "$", 1.5e9),
        ("1.5 billion $", "$", 1.5e9),
        ("$50M", "$", 5e7),
        ("$20K", "$", 2e4),
        ("10 million dollars", "$", 1e7),
        ("$1,500,000", "$", 1.5e6),
        ("$60/MWh", "$/J", 60 / 3.6e9),
        ("15.6 trillion tokens", "tokens", 15.6e12),
        ("$1.5bn", "$", 1.5e9),
        ("USD 1.5 billion", "$", 1.5e9),
        ("$60 per MWh", "$/J", 60 / 3.6e9),
        ("6 cents/kWh", "$/J", 60 / 3.6e9),
        ("6 ct/kWh", "$/J", 60 / 3.6e9),
        ("100 MWh a year", "W", 100e6 / 8760),
        ("a year", "s", 31_536_000.0),
        ("two weeks", "s", 1_209_600.0),
        ("half a day", "s", 43_200.0),
        ("a hundred MW", "W", 1e8),
        ("2.5 million tokens a day", "token/s", 2.5e6 / 86400),
        ("300 g CO2/kWh", "kg/J", 0.3 / 3.6e6),
        ("0.3 tCO2eq/MWh", "kg/J", 0.3 / 3.6e6),
        ("600 miles", "m", 965_606.4),
        ("250 acres", "m³/m", 1_011_714.1056),
        ("3 y", "s", 94_608_000.0),
    ],
)
def test_reads_amounts_as_people_say_them(text: str, unit: str, value: float) -> None:
    assert parse(text, unit) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    "text", ["$", "$1.5 bilion", "million $", "$5 W", "$5 $", "5 billion billion $", "3 million"]
)
def test_an_amount_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="such as"):
        parse(text, "$")
