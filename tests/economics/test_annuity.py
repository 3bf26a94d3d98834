"""Annuities against textbook interest tables and numpy-financial's documented examples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt.core.errors import InputError
from gigawatt.core.quantities import to_si
from gigawatt.money import SECONDS_PER_YEAR, annuity, capital_recovery_factor, levelised_cost

YEAR = SECONDS_PER_YEAR


# (A/P, i, n) of the compound interest tables in Blank & Tarquin, "Engineering Economy".
@pytest.mark.parametrize(
    ("rate", "years", "factor"),
    [(0.05, 5, 0.23097), (0.08, 10, 0.14903), (0.10, 20, 0.11746), (0.06, 30, 0.07265), (0.12, 15, 0.14682)],
)
def test_recovery_factor_equals_the_textbook_table(rate: float, years: float, factor: float) -> None:
    assert capital_recovery_factor(rate=rate, life=years * YEAR) == pytest.approx(factor, abs=5e-6)


def test_equals_numpy_financial_pmt() -> None:
    # numpy_financial.pmt documentation: pmt(0.075/12, 12*15, 200000) = -1854.0247200054619
    payment = annuity(capital=200_000.0, rate=0.075 / 12, life=12 * 15 * YEAR)
    assert payment == pytest.approx(1854.0247200054619, rel=1e-12)


def test_zero_rate_is_straight_line_and_the_limit_is_smooth() -> None:
    assert capital_recovery_factor(rate=0.0, life=20 * YEAR) == 1 / 20
    near = capital_recovery_factor(rate=[1e-12, 1e-9, -1e-9], life=20 * YEAR)
    np.testing.assert_allclose(near, 1 / 20, rtol=2e-8)


def test_broadcasts() -> None:
    table = capital_recovery_factor(rate=np.array([[0.0], [0.07]]), life=np.array([5, 10, 20]) * YEAR)
    assert table.shape == (2, 3)
    assert table[1, 0] == capital_recovery_factor(rate=0.07, life=5 * YEAR)


@given(rate=st.floats(0, 1), years=st.floats(0.1, 100))
def test_never_below_straight_line_nor_below_the_interest(rate: float, years: float) -> None:
    factor = float(capital_recovery_factor(rate=rate, life=years * YEAR))
    assert factor >= 1 / years * (1 - 1e-12) or years < 1  # for less than a year the interest is partial
    assert factor >= rate * (1 - 1e-12)


@given(rate=st.floats(0, 0.5), years=st.integers(1, 60), capital=st.floats(0, 1e12))
def test_present_value_of_the_annuity_is_the_capital(rate: float, years: int, capital: float) -> None:
    payment = float(annuity(capital=capital, rate=rate, life=years * YEAR))
    value = float((payment / (1 + rate) ** np.arange(1, years + 1)).sum())
    assert value == pytest.approx(capital, rel=1e-9, abs=1e-9)


def test_lcoe_by_the_table_factor() -> None:
    # By hand with (A/P, 7 %, 25) = 0.08581 of the same tables: a PV plant of 1,000 $/kW, 20 $/kW/yr and a
    # capacity factor of 25 % makes 2,190 kWh per kW: (85.81 + 20) / 2.190 = 48.32 $/MWh; 1 $/MWh more with
    # a variable cost of 1 $/MWh.
    cost = levelised_cost(
        capital=1000.0,
        rate=0.07,
        life=25 * YEAR,
        operating=20.0,
        variable=to_si(1.0, "$/MWh"),
        output=to_si(2190.0, "kWh"),
    )
    assert float(cost) / to_si(1.0, "$/MWh") == pytest.approx(49.32, abs=0.01)


@pytest.mark.parametrize(
    ("given_rate", "life", "words"),
    [
        (0.07, 0.0, "the life is out of range"),
        (0.07, -YEAR, "the life is out of range"),
        (-1.0, YEAR, "the discount rate is out of range"),
        (float("nan"), YEAR, "the discount rate is out of range"),
        (0.07, [YEAR, float("inf")], "the life is out of range"),
    ],
)
def test_refuses_what_has_no_meaning(given_rate: float, life: float, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        capital_recovery_factor(rate=given_rate, life=life)
    assert "\n" not in str(caught.value)


def test_levelised_cost_refuses_no_output_and_negative_capital() -> None:
    with pytest.raises(InputError, match="the output is out of range; given 0"):
        levelised_cost(capital=1.0, rate=0.07, life=YEAR, output=0.0)
    with pytest.raises(InputError, match="the capital is out of range; given -1"):
        levelised_cost(capital=-1.0, rate=0.07, life=YEAR, output=1.0)
