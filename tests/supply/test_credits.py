"""Tax credits: who has one by law, what it is worth, and its own line in the books."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gigawatt import catalog
from gigawatt.chain.money import TAX_CREDITS, supply_costs
from gigawatt.core.quantities import factor
from gigawatt.facility import country_of, load_site
from gigawatt.money import capital_recovery_factor
from gigawatt.power import Plant, build_plant, plan
from gigawatt.power.plants.credits import credits_of, with_credits
from gigawatt.studies.supply.plan import plan_supply
from gigawatt.studies.supply.question import read_supply_question

YEAR = 8760 * 3600.0
TEXAS, GERMANY, ONTARIO = (country_of(load_site(name)) for name in ("dallas", "karlsruhe", "toronto"))


def recovery(life: float) -> float:
    return float(capital_recovery_factor(rate=0.07, life=life))


def shares(plant: str, begun: float, served: float, country: Any = TEXAS) -> list[float]:
    return sorted(one.share for one in credits_of(plant, country, begun=begun, served=served))


# markets.md, section 4: the law of 4 July 2025
@pytest.mark.parametrize(
    ("plant", "begun", "served", "share"),
    [
        ("solar", 2026.4, 2029.0, [0.3]),  # begun before 4 July 2026, in service within four years
        ("solar", 2026.4, 2031.5, []),
        ("solar", 2026.9, 2029.0, []),
        ("wind", 2026.9, 2027.9, [0.3]),  # in service by the end of 2027
        ("battery", 2026.9, 2030.0, [0.3]),
        ("battery", 2033.9, 2036.0, [0.3]),
        ("battery", 2034.5, 2036.0, [0.225]),
        ("fission-small", 2035.5, 2043.0, [0.15]),
        ("fission-small", 2036.5, 2044.0, []),
        ("geothermal-enhanced", 2027.0, 2031.0, [0.3]),
        ("gas-fuel-cell", 2027.0, 2028.0, [0.3]),
        ("gas-turbine", 2027.0, 2030.0, []),
    ],
)
def test_who_has_a_credit_in_the_united_states(plant: str, begun: float, served: float, share: Any) -> None:
    assert shares(plant, begun, served) == pytest.approx(share)


def test_credits_are_of_the_place() -> None:
    assert shares("battery", 2027.0, 2029.0, GERMANY) == []
    assert max(shares("battery", 2027.0, 2029.0, ONTARIO)) == pytest.approx(0.3)


def test_rows_name_plants_and_places() -> None:
    for row in catalog.table("credits").values():
        assert row.text("place") in catalog.table("countries")
        assert set(row.text("plants").split("|")) <= set(catalog.table("plants"))
        assert row.value("begun_from") < row.value("begun_before")


def credited(plant: Plant, begun: float = 2027.0, served: float = 2030.0) -> Plant:
    allowed = credits_of(plant.id, TEXAS, begun=begun, served=served)
    return with_credits(plant, allowed, capital_recovery=recovery)


def test_a_share_takes_off_the_annuity_of_power_and_store() -> None:
    plain = build_plant("battery", year=2030, capital_recovery=recovery)
    made = credited(plain)
    assert made.storage is not None
    assert plain.storage is not None
    assert made.capital == pytest.approx(plain.capital * (1.0 - 0.3 * 0.94))
    assert made.storage.energy_capital == pytest.approx(plain.storage.energy_capital * (1.0 - 0.3 * 0.94))
    assert made.capital + made.credit == pytest.approx(plain.capital)
    assert made.investment == plain.investment
    (said,) = (one for one in made.assumptions if one.key == "supply.credits.battery")
    assert "30 % of the capital cost" in said.value


def test_energy_for_ten_years_is_levelised_to_the_same_present_value() -> None:
    windy = build_plant("wind", year=2027, capital_recovery=recovery, profile=[0.5] * 24)
    made = credited(windy, begun=2026.2, served=2027.0)
    assert made.credit == 0.0
    # 30 $/MWh at 94 % for ten years against the levelised one for the life, both at 7 %
    worth = lambda years: (1.0 - 1.07**-years) / 0.07  # noqa: E731
    rate = 30.0 * 0.94 * 313.689 / 321.943
    over_life = rate * worth(10.0) / worth(made.life / YEAR)
    assert made.energy_credit / factor("$/MWh") == pytest.approx(over_life)
    assert made.variable == pytest.approx(windy.variable - made.energy_credit)


def test_the_larger_of_both_is_taken() -> None:
    reactor = credited(build_plant("fission-small", year=2035, capital_recovery=recovery))
    assert reactor.credit > 0.0
    assert reactor.energy_credit == 0.0
    cheap = credited(
        replace(build_plant("fission-small", year=2035, capital_recovery=recovery), capital=1e-9)
    )
    assert cheap.energy_credit > 0.0
    assert cheap.credit == 0.0


@pytest.mark.parametrize("by", ["share", "energy"])
def test_books_have_a_line_of_their_own_and_sum_to_the_objective(by: str) -> None:
    made = Plant("a", "dispatchable", capital=2e-9 * YEAR, variable=1e-8)
    made = replace(made, **({"credit": 1e-9 * YEAR} if by == "share" else {"energy_credit": 5e-9}))
    found = plan(load=[1e6] * 24, plants=(made,), not_served_price=1.0)
    cost = found.cost["a"]
    assert cost["credits"] < 0.0
    assert sum(sum(parts.values()) for parts in found.cost.values()) == pytest.approx(found.objective)
    joules = 1e6 * 24 * 3600.0
    if by == "energy":
        assert cost["credits"] == pytest.approx(-5e-9 * joules)
        assert cost["variable"] == pytest.approx(1.5e-8 * joules)
    else:
        assert cost["capital"] == pytest.approx(3e-9 * YEAR * 1e6 * 24 / 8760)
    book = supply_costs(found)
    assert book[TAX_CREDITS].energy == pytest.approx(cost["credits"])


def test_a_plan_has_them_by_default_and_can_go_without() -> None:
    words: dict[str, Any] = {"load": "10 MW", "plants": "solar,battery", "not_served_price": "1 $/kWh"}
    words["site"] = "dallas"
    law = plan_supply(read_supply_question(**words))
    none = plan_supply(read_supply_question(**words, settings={"supply.credits": "none"}))
    assert sum(parts.get("credits", 0.0) for parts in law.plan.cost.values()) < 0.0
    assert sum(parts.get("credits", 0.0) for parts in none.plan.cost.values()) == 0.0
    assert law.plan.objective < none.plan.objective
    keys = {one.key for one in law.question.assumptions}
    told = {one.key for plant in law.question.plants for one in plant.assumptions}
    assert "supply.credits.battery" in keys | told
    assert "supply.credits.solar" not in keys | told  # ordered after 4 July 2026
