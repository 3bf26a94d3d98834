"""Published costs, heat rates and carbon of plants beside ours: what holds, and what is known not to."""

from __future__ import annotations

import pytest

from gigawatt.money import capital_recovery_factor
from gigawatt.power import build_plant
from gigawatt.validation.published import checks_of
from gigawatt.validation.supply.plants import levelised

YEAR = 8760 * 3600.0

#: Where we disagree with a publication, and why. A new name here, or one that no longer belongs, fails.
KNOWN = {
    "large light-water reactor: levelised cost at 7.7%, capacity factor 0.9": "next units are below",
    "solar: levelised cost of 2050 over 2025": "ATB's capacity factors rise, ours is the site's",
    "large light-water reactor: levelised cost of 2050 over 2030": "half of ATB's fall",
    "small light-water reactor: levelised cost of 2050 over 2030": "between ATB's fall and none",
}


def test_every_check_passes_but_the_known() -> None:
    found = checks_of("supply", "plants")
    assert {check.what for check in found if not check.ok} == set(KNOWN)
    assert len(found) > 60
    assert sum(not check.fitted for check in found) >= 20


def test_checks_say_who_published() -> None:
    for check in checks_of("supply", "plants"):
        assert check.source.split(":")[0]
        assert check.unit
        assert check.tolerance > 0.0
        assert check.part in ("plants", "costs")
        assert check.published > 0.0


def test_levelised_cost_is_the_textbook_sum() -> None:
    plant = build_plant(
        "gas-engine",
        year=2030,
        capital_recovery=lambda life: float(capital_recovery_factor(rate=0.08, life=life)),
    )
    factor = float(capital_recovery_factor(rate=0.08, life=plant.life))
    by_hand = (
        (plant.investment * factor + plant.fixed) / (0.5 * YEAR) + float(plant.variable) + float(plant.fuel)
    )
    assert levelised("gas-engine", year=2030, rate=0.08, capacity_factor=0.5) == pytest.approx(by_hand)


def test_levelised_cost_falls_with_use_and_with_a_lower_rate() -> None:
    costs = [levelised("fission-large", year=2030, rate=0.07, capacity_factor=cf) for cf in (0.3, 0.6, 0.9)]
    assert costs == sorted(costs, reverse=True)
    assert levelised("fission-large", year=2030, rate=0.03, capacity_factor=0.9) < costs[-1]
