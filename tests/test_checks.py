"""Checks of arguments: what passes comes back, what does not is named in one line."""

from __future__ import annotations

import numpy as np
import pytest

from gigawatt.core.checks import check_range, check_rules, check_word
from gigawatt.core.errors import InputError


def test_what_is_inside_comes_back_as_floats() -> None:
    assert check_range("share", 1, 0.0, 1.0).dtype == float
    assert check_range("share", [0.0, 0.5], 0.0, 1.0).tolist() == [0.0, 0.5]
    assert check_range("clustering", np.inf, 0.0, np.inf, open_low=True) == np.inf
    assert check_range("empty", [], 0.0).size == 0
    assert check_word("kind", "ring", ("ring", "mesh")) == "ring"


@pytest.mark.parametrize(
    ("value", "low", "high", "unit", "open_low", "says"),
    [
        (2.0, 0.0, 1.0, "", False, "x: no share; given 2.0; allowed: 0 to 1"),
        (-1, 0.0, None, "W", False, "x: no share; given -1; allowed: 0 W or more, finite"),
        (0.0, 0.0, None, "m", True, "x: no share; given 0.0; allowed: above 0 m, finite"),
        (0.0, 0.0, 5.0, "m", True, "x: no share; given 0.0; allowed: above 0 to 5 m"),
        (np.inf, 0.0, None, "", False, "x: no share; given inf; allowed: 0 or more, finite"),
        (np.nan, 0.0, np.inf, "", False, "x: no share; given nan; allowed: 0 to inf"),
        ([0.5, 3.0, 9.0], 0.0, 1.0, "", False, "x: no share; given 3.0; allowed: 0 to 1"),
    ],
)
def test_what_is_outside_is_named(
    value: float, low: float, high: float | None, unit: str, open_low: bool, says: str
) -> None:
    with pytest.raises(InputError) as caught:
        check_range("x", value, low, high, unit, open_low=open_low, message="no share")
    assert str(caught.value) == says


def test_a_word_that_is_not_known_has_a_nearest() -> None:
    with pytest.raises(InputError) as caught:
        check_word("kind", "rnig", ("ring", "mesh"), "no such kind")
    assert str(caught.value) == "kind: no such kind; given 'rnig'; allowed: ring, mesh; did you mean 'ring'?"


def test_the_first_number_that_breaks_its_rule_is_named() -> None:
    rules = [
        ("power", 1.0, "above 0 W", True),
        ("droop", np.inf, "above 0", True),
        ("ramp", -2, "above 0", False),
    ]
    with pytest.raises(InputError) as caught:
        check_rules(rules, "diesel")
    assert str(caught.value) == "diesel.ramp: not a sensible value; given '-2'; allowed: above 0"
    with pytest.raises(InputError) as caught:
        check_rules(rules, finite=True, message="not a machine")
    assert str(caught.value) == "droop: not a machine; given 'inf'; allowed: above 0"
    check_rules(rules[:2])
