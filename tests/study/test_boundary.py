"""Energy and carbon of a run within the boundary that the scenario names."""

from __future__ import annotations

import pytest

import gigawatt
from gigawatt.chain.boundary import BOUNDARIES
from gigawatt.core.result import Result
from gigawatt.schema.fields import fields

RUN = {
    "model": "llama-2-13b", "year": 2023, "training.tokens": "100B tokens", "machine.chip": "A100",
    "machine.count": 64, "site": "virginia", "supply.price": "60 $/MWh", "site.pue": 1.1,
}  # fmt: skip


def found(boundary: str | None = None, **settings: object) -> Result:
    given = {} if boundary is None else {"boundary": boundary}
    return gigawatt.run({**RUN, **given, **settings}).found


def test_the_steps_of_the_ladder_are_what_they_say() -> None:
    """Hours × limit; what is drawn; with hosts; × PUE."""
    result = found()
    hours, limit = result["training.accelerator_hours"], 400.0
    assert result["energy.at_limit"] == pytest.approx(hours * limit)
    drawn, it, meter = (result[f"energy.{step}"] for step in ("chips", "it", "facility"))
    assert drawn < it < meter
    assert meter == pytest.approx(1.1 * it)
    assert drawn <= result["energy.at_limit"]
    year = result["facility.energy"] / (365.0 * 86400.0)
    assert meter == pytest.approx(year * result["training.duration"], rel=1e-6)


def test_the_energy_of_half_of_the_campus_is_that_of_one_run() -> None:
    """Two runs at once each have their own energy."""
    one, two = found(), found(**{"training.runs": 2, "machine.count": 128})
    for name in ("energy.at_limit", "energy.chips", "energy.it", "energy.facility"):
        assert two[name] == pytest.approx(one[name], rel=0.02)


@pytest.mark.parametrize("boundary", fields()["boundary"].choices)
def test_the_run_counts_what_the_scenario_names(boundary: str) -> None:
    """The meter of the facility where nothing is said; embodied carbon in the lifecycle alone."""
    result = found(boundary)
    step = boundary.replace("-", "_") if boundary != "lifecycle" else "facility"
    energy = result["energy.run"]
    assert energy == result[f"energy.{step}"]
    assert result["energy.counts"] == BOUNDARIES[boundary]
    operational = energy * result["supply.carbon_intensity"]
    assert result["carbon.operational"] == pytest.approx(operational)
    embodied = result["carbon.run"] - operational
    assert embodied > 0.0 if boundary == "lifecycle" else embodied == pytest.approx(0.0, abs=1e-6)


def test_what_is_not_said_is_the_meter() -> None:
    """And it is the lifecycle without embodied carbon."""
    assert found()["energy.run"] == found("lifecycle")["energy.facility"]


def test_a_year_that_serves_has_the_same_ladder() -> None:
    """Drawn, with hosts, at the meter; embodied carbon in the lifecycle alone."""
    service = {
        "model": "llama-3.1-8b", "year": 2025, "machine.chip": "H100", "serving.demand": "1 requests/s",
        "site": "virginia", "supply.price": "60 $/MWh", "serving.simulated_requests": 500,
    }  # fmt: skip
    it, whole = (gigawatt.run({**service, "boundary": one}).found for one in ("it", "lifecycle"))
    assert it["energy.chips"] < it["energy.at_limit"]
    assert it["energy.chips"] < it["energy.it"] == it["energy.year"] < whole["energy.year"]
    assert whole["energy.year"] == pytest.approx(whole["facility.energy"], rel=1e-3)
    assert whole["carbon.year"] == pytest.approx(whole["ledger.annual_carbon"], rel=1e-3)
    assert it["carbon.year"] < whole["carbon.year"]


def test_the_answer_names_its_boundary() -> None:
    """Beside energy and carbon."""
    cards = [card.title for card in gigawatt.run({**RUN, "boundary": "it"}).document.cards]
    assert "Energy of the run, it" in cards
    assert "CO2e of the run, it" in cards
