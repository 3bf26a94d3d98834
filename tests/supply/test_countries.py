"""Countries: every place has one; hubs, carbon prices and laws are those of the rows, in the plan too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gigawatt import catalog
from gigawatt.chain.supply.allowed import barred_words, not_allowed
from gigawatt.chain.supply.markets import carbon_price
from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.core.quantities import factor
from gigawatt.facility import Site, country_of, load_site
from gigawatt.power import build_plant
from gigawatt.power.plants.hubs import price_row
from gigawatt.power.plants.place_costs import capital_factor
from gigawatt.studies.supply.question import read_supply_question

PLACES = [*catalog.table("sites"), *catalog.table("places")]


def country(name: str) -> Any:
    return country_of(load_site(name))


def ends(quantity: str, hub: str, year: float) -> tuple[float, float, float]:
    row = catalog.entity("fuel_hubs", hub)
    return tuple(one / factor("$/MMBtu") for one in row.at(quantity, year))  # type: ignore[return-value]


def test_every_place_has_a_country_of_its_own() -> None:
    known = {row.text("country") for row in catalog.table("countries").values()}
    missing = {row.text("country") for t in ("sites", "places") for row in catalog.table(t).values()} - known
    assert not missing


def test_every_state_of_a_federation_has_a_row() -> None:
    states = {(row.text("country"), row.text("state")) for row in catalog.table("countries").values()}
    for table in ("sites", "places"):
        for row in catalog.table(table).values():
            if row.text("country") in ("USA", "Canada", "Australia"):
                assert (row.text("country"), row.text("state")) in states, row.id


def test_rows_of_countries_name_rows_that_are_there() -> None:
    for row in catalog.table("countries").values():
        for fuel in ("natural-gas", "coal"):
            assert not row.text(fuel) or catalog.entity("fuel_hubs", row.text(fuel)).text("fuel") == fuel
        assert not row.text("carbon") or row.text("carbon") in catalog.table("carbon_markets")
        assert not row.text("within") or row.text("within") in catalog.table("countries")
    for row in catalog.table("allowed").values():
        assert row.text("place") in catalog.table("countries")
        assert row.id == f"{row.text('place')}/{row.text('subject')}"
        assert row.text("offered") in ("yes", "no")
        assert row.text("law")


@pytest.mark.parametrize(
    ("site", "hub"),
    [
        ("west-texas", "waha"),
        ("abilene-texas", "waha"),
        ("texas-panhandle", "henry-hub"),
        ("dallas", "henry-hub"),
        ("virginia", "transco-z5"),
        ("columbus-ohio", "eastern-gas-south"),
        ("karlsruhe", "ttf"),
        ("brighton", "nbp"),
        ("tokyo", "jkm"),
        ("gujarat", "india"),
        ("geraldton-australia", "western-australia"),
        ("brisbane", "australia"),
        ("calgary", "aeco"),
    ],
)
def test_gas_is_priced_at_the_hub_of_the_place(site: str, hub: str) -> None:
    assert price_row("natural-gas", country(site).hubs()).id == hub


def test_prices_of_hubs_lie_where_the_year_says() -> None:
    # markets.md, section 2: Henry Hub 3.53 in 2025; TTF 15.7 and JKM 18.3 $/MMBtu in May 2026
    back = 313.689 / 332.0  # dollars of 2026 in those of 2024
    assert ends("price", "henry-hub", 2025)[0] == pytest.approx(3.53 * 313.689 / 321.943, rel=1e-3)
    assert ends("price", "ttf", 2026)[0] == pytest.approx(15.7 * back, rel=1e-3)
    assert ends("price", "jkm", 2026)[0] == pytest.approx(18.3 * back, rel=1e-3)


def test_ranges_of_forwards_widen_and_the_value_is_held() -> None:
    for hub, row in catalog.table("fuel_hubs").items():
        middle, low, high = ends("price", hub, 2050)
        earlier = ends("price", hub, 2034)
        if row.text("fuel") == "natural-gas":
            assert middle == pytest.approx(earlier[0]), hub
            assert low <= earlier[1] and high >= earlier[2], hub  # noqa: PT018


def test_a_plant_burns_gas_of_its_hub() -> None:
    def fuel(site: str) -> float:
        made = build_plant(
            "gas-combined-cycle", year=2030, capital_recovery=lambda _: 0.1, country=country(site)
        )
        return float(np.mean(made.fuel)) / factor("$/MWh")

    rate = catalog.entity("plants", "gas-combined-cycle").at("heat_rate", 2030)[0]  # J/J
    for site, hub in (("dallas", "henry-hub"), ("karlsruhe", "ttf")):
        paid = (ends("price", hub, 2030)[0] + ends("delivery", hub, 2030)[0]) * factor("$/MMBtu")
        assert fuel(site) == pytest.approx(rate * paid / factor("$/MWh"))
    assert fuel("karlsruhe") > 1.8 * fuel("dallas")


def test_a_price_of_ones_own_row_goes_before_the_hub() -> None:
    assert price_row("diesel", {"diesel": "ttf"}).table == "fuels"


# EUA 88 EUR/t in January 2026; UKA 67.25 and 18 GBP/t; nothing in Texas (markets.md, section 2)
@pytest.mark.parametrize(
    ("site", "price"),
    [("karlsruhe", 88 * 1.17), ("brighton", 85.3 * 1.35), ("abilene-texas", 0.0), ("riyadh", 0.0)],
)
def test_carbon_price_of_a_place(site: str, price: float) -> None:
    (paid, low, high), why = carbon_price(country(site), 2026)
    assert paid * 1e3 == pytest.approx(price * 313.689 / 332.0, rel=1e-3, abs=1e-12)
    assert low <= paid <= high
    if site == "karlsruhe":
        assert "EU ETS in 2026: 88 EUR/t" in why.reason


def test_a_market_that_gives_allowances_away_costs_what_is_paid_for() -> None:
    row = catalog.entity("carbon_markets", "china")
    (paid, _, _), why = carbon_price(country("beijing"), 2026)
    assert paid == pytest.approx(row.at("price", 2026)[0] * row.at("paid_share", 2026)[0])
    assert "paid for" in why.reason


def test_market_price_is_on_what_burns_and_not_on_the_grid() -> None:
    made = build_plant("gas-turbine", year=2030, capital_recovery=lambda _: 0.1, market=True)
    # 53.06 of 53.06 + 14.3 kg/MMBtu burn on the site
    assert made.levied == pytest.approx(53.06 / (53.06 + 14.3))
    grid = build_plant(
        "grid", year=2030, capital_recovery=lambda _: 0.1, price=1e-8, carbon=1e-7, market=True
    )
    assert grid.levied == 0.0
    assert build_plant("gas-turbine", year=2030, capital_recovery=lambda _: 0.1).levied == 1.0


def test_the_question_takes_the_market_and_a_given_price_goes_before_it() -> None:
    words: dict[str, Any] = {"site": "karlsruhe", "load": "10 MW", "year": 2030, "plants": "grid,gas-turbine"}
    here, given = read_supply_question(**words), read_supply_question(**words, carbon_price="20 $/t")
    by = {plant.id: plant.levied for plant in here.plants}
    assert by["grid"] == 0.0
    assert 0.7 < by["gas-turbine"] < 0.9
    assert here.carbon_ends[0] < here.carbon_price < here.carbon_ends[1]
    assert {plant.levied for plant in given.plants} == {1.0}
    assert given.carbon_price * 1e3 == pytest.approx(20.0)
    keys = {one.key for one in here.assumptions}
    assert {"supply.carbon_price", "supply.fuel_prices.natural-gas"} <= keys
    fuel = read_supply_question(**words, settings={"supply.fuel_prices.natural-gas": "3 $/MMBtu"})
    assert "supply.fuel_prices.natural-gas" not in {one.key for one in fuel.assumptions}


BANNED = [
    "karlsruhe",
    "jutland",
    "rome",
    "brisbane",
    "daggett-california",
    "iron-range-minnesota",
    "zurich",
    "vienna",
    "dublin",
]


@pytest.mark.parametrize("site", BANNED)
def test_no_reactor_where_the_law_bars_it(site: str) -> None:
    assert "fission-small" in not_allowed(["fission-small", "solar"], country(site))


@pytest.mark.parametrize("site", ["abilene-texas", "virginia", "lublin", "brighton", "linkoping"])
def test_reactors_where_the_law_allows_them(site: str) -> None:
    assert not not_allowed(["fission-small", "fission-large", "solar"], country(site))


def test_no_geothermal_gigawatt_in_loudoun() -> None:
    assert "geothermal" in not_allowed(["geothermal"], country("virginia"))
    assert not not_allowed(["geothermal"], country("reykjavik"))


def test_a_medium_resource_is_no_gigawatt() -> None:
    words: dict[str, Any] = {"site": "karlsruhe", "load": "1 GW", "year": 2035, "plants": "grid,geothermal"}

    def most(**more: Any) -> float:
        plants = {plant.id: plant for plant in read_supply_question(**words, **more).plants}
        return plants["geothermal"].maximum

    assert most() == pytest.approx(100e6)
    assert most(limits={"geothermal": "2 GW"}) == pytest.approx(2e9)
    assert most(settings={"supply.allow": ["geothermal"]}) == np.inf
    keys = {one.key for one in read_supply_question(**words).assumptions}
    assert "supply.limits.geothermal" in keys


def test_allow_overrides_by_name_and_alias() -> None:
    here = country("karlsruhe")
    assert not not_allowed(["fission-small"], here, ["small-reactor"])
    with pytest.raises(InputError, match="no such plant"):
        not_allowed(["fission-small"], here, ["perpetuum"])


def test_a_law_of_a_country_holds_in_its_states() -> None:
    assert "fission-small" in not_allowed(["fission-small"], country("geraldton-australia"))


def test_the_words_name_the_law_its_row_and_how_it_is_known() -> None:
    (said,) = barred_words(not_allowed(["fission-small"], country("jutland")))
    for word in ("small light-water reactor", "Denmark", "1985", "DK/nuclear", "supply.allow"):
        assert word in said
    assert "recalled" not in said
    (said,) = barred_words(not_allowed(["fission-small"], country("vancouver")))
    assert "CA-BC/nuclear of the table allowed, recalled" in said
    assert barred_words({}) == ()


def test_a_plan_leaves_out_what_is_barred_and_says_so() -> None:
    question = read_supply_question(site="karlsruhe", load="10 MW", year=2040)
    assert "fission-small" not in {plant.id for plant in question.plants}
    assert sum("Atomic Energy Act" in one for one in question.notices) == 1
    asked = {"supply.allow": ["fission-small"]}
    allowed = read_supply_question(site="karlsruhe", load="10 MW", year=2040, settings=asked)
    assert "fission-small" in {plant.id for plant in allowed.plants}
    assert not any("Atomic" in one for one in allowed.notices)


def test_a_plant_asked_for_by_name_is_refused_in_one_line() -> None:
    with pytest.raises(InfeasibleError) as caught:
        read_supply_question(site="frankfurt", load="10 MW", year=2040, plants="grid,small-reactor")
    line = str(caught.value)
    assert "\n" not in line
    for word in ("Atomic Energy Act", "supply.allow: [", "DE/nuclear"):
        assert word in line


@pytest.mark.parametrize("named", ["small-reactor", "fission-small"])
@pytest.mark.parametrize("allowed", ["small-reactor", "fission-small"])
def test_a_plant_asked_for_by_name_and_allowed_by_name_is_offered(named: str, allowed: str) -> None:
    asked = {"supply.allow": [allowed]}
    question = read_supply_question(
        site="frankfurt", load="10 MW", year=2040, plants=f"grid,{named}", settings=asked
    )
    assert "fission-small" in {plant.id for plant in question.plants}


def test_a_site_knows_its_state() -> None:
    found: Site = load_site("virginia")
    assert (found.country, found.state) == ("USA", "Virginia")


# turnkey of 2025: 236 $/kWh in the US at 4 h (recalled), 177 in Europe, 73 in China (BNEF), 125 elsewhere
@pytest.mark.parametrize(
    ("site", "paid"),
    [("dallas", 236), ("karlsruhe", 177), ("beijing", 73), ("kuala-lumpur", 125), ("riyadh", 121)],
)
def test_a_battery_costs_what_the_place_pays(site: str, paid: float) -> None:
    plant = build_plant("battery-4h", year=2025, capital_recovery=lambda _: 0.1, country=country(site))
    assert plant.storage is not None
    whole = (plant.investment / 4.0 / 3600.0 + plant.storage.energy_investment) / factor("$/kWh")
    assert whole == pytest.approx(paid * 313.689 / 321.943, rel=0.05)


def test_work_on_the_site_costs_what_it_costs_there() -> None:
    row = catalog.entity("plants", "fission-small")
    share = row.value("labour_share")
    assert capital_factor(row, country("dallas"))[0] == 1.0
    poland = capital_factor(row, country("lublin"))
    assert poland[0] == pytest.approx(1.0 + share * (0.5 - 1.0))
    assert {one.quantity for one in poland[1]} == {"labour_share", "labour"}
    at_home, there = (
        build_plant("fission-small", year=2035, capital_recovery=lambda _: 0.1, country=country(site))
        for site in ("dallas", "lublin")
    )
    assert there.investment / at_home.investment == pytest.approx(poland[0])
    assert "labour" in {one.quantity for one in there.evidence}


def test_factors_name_plants_and_regions_that_are_there() -> None:
    regions = {row.text("costs") for row in catalog.table("countries").values()}
    for name in catalog.table("plants_places"):
        region, _, plant = name.partition("/")
        assert region in regions
        assert plant in catalog.table("plants")


def test_money_costs_more_where_it_is_at_risk() -> None:
    words: dict[str, Any] = {"load": "10 MW", "year": 2030, "plants": "grid,solar"}
    rates = {site: read_supply_question(site=site, **words) for site in ("dallas", "gujarat", "nairobi")}
    assert rates["dallas"].rate == pytest.approx(0.07)
    assert rates["gujarat"].rate == pytest.approx(0.0993)
    assert rates["dallas"].rate < rates["gujarat"].rate < rates["nairobi"].rate
    said = next(one for one in rates["gujarat"].assumptions if one.key == "finance.discount_rate")
    assert "2.93 percent of risk of India" in said.reason
    given = read_supply_question(site="gujarat", discount="5 %", **words)
    assert given.rate == pytest.approx(0.05)
