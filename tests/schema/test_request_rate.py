"""A demand as people type it."""

from __future__ import annotations

import pytest

from gigawatt.core.errors import InputError
from gigawatt.schema.request_rate import read_demand, read_rate

DAY, MONTH = 86400.0, 31_536_000.0 / 12.0


@pytest.mark.parametrize(
    ("text", "counted", "number"),
    [
        ("2000 requests/s", "request", 2000.0),
        ("20/s", "request", 20.0),
        ("72k/h", "request", 20.0),
        ("a million requests a day", "request", 1e6 / DAY),
        ("10M requests a day", "request", 1e7 / DAY),
        ("10 million requests per day", "request", 1e7 / DAY),
        ("1e7 requests/day", "request", 1e7 / DAY),
        ("3 billion requests a month", "request", 3e9 / MONTH),
        ("50 rps", "request", 50.0),
        ("50 qps", "request", 50.0),
        ("2k queries/s", "request", 2000.0),
        ("300 rpm", "request", 5.0),
        ("1M tokens/s", "token", 1e6),
        ("1 billion tokens a day", "token", 1e9 / DAY),
        ("100k users", "user", 1e5),
        ("two million users", "user", 2e6),
        ("2 million daily users", "user", 2e6),
        ("100k users at 5 requests a day", "request", 5e5 / DAY),
    ],
)
def test_reads_a_demand_as_people_type_it(text: str, counted: str, number: float) -> None:
    assert read_demand(text) == (counted, pytest.approx(number, rel=1e-12))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("20", "the unit is missing"),
        ("10M", "the unit is missing"),
        ("12 apples/s", "not a rate of requests"),
        ("1,5 rps", "a comma that could be a decimal one"),
        ("-3 rps", "out of range"),
        ("0/s", "out of range"),
        ("100k users at 5", "the unit is missing"),
        ("5 requests a parsec", "unknown unit"),
        ("", "not a rate"),
    ],
)
def test_refuses_what_is_no_demand_in_one_line(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        read_demand(text)
    assert len(str(caught.value).splitlines()) == 1


def test_a_rate_is_read_the_same_way() -> None:
    assert read_rate("a thousand requests a minute") == pytest.approx(1000.0 / 60.0)
