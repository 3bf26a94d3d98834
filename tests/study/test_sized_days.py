"""How many replicas the days of a service take: the busiest hour first, and the same answer as without it."""

from __future__ import annotations

from typing import Any

import pytest

import gigawatt
from gigawatt.chain.serving import sized_days

SERVICES: tuple[dict[str, Any], ...] = (
    {"demand": "1M requests/day"},
    {"count": 256, "objective": "interactive", "simulated_requests": 400000},
)
"""A replica too few at first, and too much demand for the accelerators."""


def run(given: dict[str, Any]) -> Any:
    machine = {"chip": "H100"} | ({"count": given["count"]} if "count" in given else {})
    serving = {key: given[key] for key in given if key != "count"}
    answer = gigawatt.run(
        {
            "model": "llama-3.1-70b", "serving": serving, "machine": machine,
            "site": {"name": "virginia"}, "supply": {"price": "80 $/MWh"},
        }
    )  # fmt: skip
    return answer.found


@pytest.mark.parametrize("given", SERVICES, ids=str)
def test_the_busiest_hour_spares_days_and_moves_no_answer(
    given: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    days, serve = [0, 0], sized_days.serve_day

    def counted(*args: Any, **more: Any) -> Any:
        days[bool(more.get("busiest"))] += 1
        return serve(*args, **more)

    monkeypatch.setattr(sized_days, "serve_day", counted)
    found, (whole, hours) = run(given), days
    monkeypatch.setattr(sized_days, "_misses_busiest_hour", lambda *_, **__: False)
    days[:] = [0, 0]
    plain = run(given)
    assert hours > 0
    assert whole < days[0]
    for name in (
        "serving.replicas",
        "serving.rate_peak",
        "serving.ttft_p99",
        "serving.kept_worst",
        "serving.energy_token",
    ):
        assert found[name] == plain[name], name
