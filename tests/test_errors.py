"""Errors are an interface: one line with place, key, given, allowed and the nearest spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigawatt.core.errors import GigawattError, InfeasibleError, InputError, MissingDataError, nearest


def test_the_whole_line() -> None:
    error = InputError(
        "unknown key",
        file="scenario.yaml",
        line=7,
        key="machine.chipp",
        given="chipp",
        allowed=["chip", "count"],
        nearest="chip",
    )
    assert str(error) == (
        "scenario.yaml:7: machine.chipp: unknown key; given 'chipp'; allowed: chip, count; "
        "did you mean 'chip'?"
    )


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({}, "wrong"),
        ({"line": 3}, "line 3: wrong"),
        ({"file": "a.csv"}, "a.csv: wrong"),
        ({"key": "site"}, "site: wrong"),
        ({"given": 3}, "wrong; given 3"),
        ({"given": 0}, "wrong; given 0"),
        ({"given": ""}, "wrong; given ''"),
        ({"allowed": "a number"}, "wrong; allowed: a number"),
        ({"nearest": "chip"}, "wrong; did you mean 'chip'?"),
    ],
)
def test_only_what_is_known(fields: dict[str, object], line: str) -> None:
    assert str(GigawattError("wrong", **fields)) == line  # type: ignore[arg-type]


@given(
    st.builds(
        InputError,
        st.text(),
        file=st.none() | st.text(),
        key=st.none() | st.text(),
        given=st.none() | st.text() | st.floats() | st.lists(st.text()),
        allowed=st.none() | st.text() | st.lists(st.text()),
        nearest=st.none() | st.text(),
    )
)
def test_always_one_line(error: InputError) -> None:
    assert len(str(error).splitlines()) <= 1


def test_a_number_that_python_does_not_write_out_has_a_length() -> None:
    assert str(InputError("no", given=int("f" * 5000, 16))) == "no; given a whole number of 20,000 bits"


def test_at_fills_in_only_what_is_missing() -> None:
    error = InputError("wrong", key="a.b")
    assert error.at(file="s.yaml", line=2, key="other") is error
    assert str(error) == "s.yaml:2: a.b: wrong"


def test_kinds_and_exit_codes() -> None:
    for kind in (InputError, MissingDataError, InfeasibleError):
        assert issubclass(kind, GigawattError)
        assert kind.exit_code == 2


def test_nearest() -> None:
    options = ["H100-SXM5-80GB", "A100-SXM4-80GB", "GB200"]
    assert nearest("h100-sxm5-80gb", options) == "H100-SXM5-80GB"
    assert nearest("H100-SXM-80GB", options) == "H100-SXM5-80GB"
    assert nearest("xyz", options) is None
    assert nearest("xyz", []) is None
