"""Weather and market years in the draws: closed forms of a load that is bought, plans of held sizes."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gigawatt
from gigawatt import catalog
from gigawatt.chain.machine.quantities import flat_year
from gigawatt.chain.study import Study
from gigawatt.chain.uncertainty import monte_carlo, years
from gigawatt.chain.uncertainty.draws import normal_draws
from gigawatt.chain.uncertainty.factors import Acts, ModelError
from gigawatt.chain.uncertainty.monte_carlo import Uncertainty, uncertainty
from gigawatt.chain.uncertainty.years import YearFactor, drawn_years
from gigawatt.core.evidence import Z95
from gigawatt.facility import load_site
from gigawatt.facility.weather import load_place_years, load_weather
from gigawatt.facility.years import load_years
from gigawatt.money import SECONDS_PER_YEAR
from gigawatt.power.plan.operated import operated
from gigawatt.power.plan.repriced import repriced
from gigawatt.power.resource import solar_capacity_factor, wind_capacity_factor
from gigawatt.schema.scenario import LoadedScenario
from gigawatt.studies.compare.decision import _information  # pyright: ignore[reportPrivateUsage]

Chain = tuple[LoadedScenario, dict[str, Any]]
Ask = Callable[[str], Chain]
BOUGHT = "year: 2024\nload: {peak: 50 MW}\nsite: {name: dallas}\nsupply: {plants: [grid]}\n"
YEAR = YearFactor.name
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Ask:
    """A scenario of the text, read and evaluated once, with every quantity of it."""
    kept: dict[str, Chain] = {}

    def ask(text: str) -> Chain:
        if text not in kept:
            file, found = tmp_path_factory.mktemp("years") / "run.yaml", dict[str, Any]()
            file.write_text(text)

            def keep(result: Any, loaded: LoadedScenario, objects: Any) -> Any:
                found.update(objects)
                return result

            study = Study.read(file)
            study.run(finish=keep)
            kept[text] = study.loaded, found
        return kept[text]

    return ask


def _alone(
    chain: Chain, monkeypatch: pytest.MonkeyPatch, *errors: ModelError, draws: int = 400
) -> Uncertainty:
    """The draws of the year, and of model errors, with no row of the catalog."""
    monkeypatch.setattr(monte_carlo, "row_factors", lambda rows, readers: ())
    return uncertainty(*chain, errors, draws=draws)


def test_a_flat_load_that_is_bought_costs_the_mean_of_each_year(
    ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closed form: of two years the interval is from the cheaper mean to the dearer, and its share is that
    of a two-point distribution beside a lognormal."""
    monkeypatch.setattr(years, "MOST_YEARS", 2)
    chain = ask(BOUGHT)
    mean = {one.year: one.value for one in catalog.entity("grids_hours", "ercot").numbers["price"]}
    middle = chain[1]["supply.electricity_cost"]
    cost = {year: middle + mean[year] - mean[2024] for year in (2023, 2024)}
    found = _alone(chain, monkeypatch)
    assert [one.year for one in found.years] == [2023, 2024]
    assert found.years[0].numbers["supply.electricity_cost"] == pytest.approx(cost[2023], rel=1e-6)
    band = found.bands["supply.electricity_cost"]
    assert (band.low, band.high) == pytest.approx((cost[2024], cost[2023]), rel=1e-6)
    assert [(one.name, one.share) for one in band.rows] == [(YEAR, pytest.approx(1.0))]
    assert band.off == pytest.approx(0.0, abs=1e-9)

    spread = 1.3
    error = ModelError("other", "other", 1.0 / spread, spread, {"supply.electricity_cost": Acts()})
    both = _alone(chain, monkeypatch, error, draws=4000).bands["supply.electricity_cost"]
    z = normal_draws((error,), draws=4000, seed=0, shared=0.5)
    of_error = (math.log(spread) / Z95) ** 2 * float(z.var())
    of_year = (math.log(cost[2023] / cost[2024]) / 2.0) ** 2
    share = {one.name: one.share for one in both.groups}[YearFactor.group]
    assert share == pytest.approx(of_year / (of_year + of_error), abs=0.02)
    assert sum(one.share for one in both.groups) == pytest.approx(1.0)


@pytest.mark.parametrize("units", ["any", "whole"])
def test_a_plan_in_its_own_hours_does_what_it_did(ask: Ask, units: str) -> None:
    """Under a carbon limit, with stores, plants that burn fuel, and whole units whose sizes are counted."""
    chain = ask(
        "year: 2026\nload: {it_peak: 50 MW}\nsite: {name: dallas}\nsupply:\n  grid: {limit: 30 MW}\n"
        f"  plants: [grid, solar, wind, battery, gas-engine]\n  carbon_limit: 300 g/kWh\n  units: {units}\n"
    )
    plan = chain[1]["supply.plan"]
    again = operated(
        plan,
        plants=chain[1]["supply.candidates"],
        load=plan.load,
        not_served_price=chain[1]["supply.not_served_price"],
        carbon_price=chain[1]["supply.carbon_price"],
    )
    assert again.objective == pytest.approx(plan.objective, rel=1e-7)
    assert again.carbon_intensity == pytest.approx(plan.carbon_intensity, rel=1e-6)
    for name, size in again.capacity.items():
        assert size == plan.capacity[name]


def test_the_year_of_the_answer_changes_nothing(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Prices of the weather's own year: that year is the answer, the others are not."""
    chain = ask(BOUGHT.replace("[grid]", "[grid, solar], grid: {year: weather}"))
    own = chain[1]["site.weather"].happened
    found = {one.year: one for one in _alone(chain, monkeypatch).years}
    assert found[own].numbers == {}
    assert all(one.numbers["supply.electricity_cost"] > 0.0 for year, one in found.items() if year != own)


def test_the_same_year_is_drawn_everywhere(ask: Ask) -> None:
    """By the name of the cause and the seed alone, each year as often."""
    first = drawn_years(*ask(BOUGHT)).factor
    other = drawn_years(*ask(BOUGHT.replace("dallas", "frankfurt"))).factor
    assert first is not None
    assert other is not None
    assert first.years == other.years == (2020, 2021, 2022, 2023, 2024)
    step = ModelError("step", "", 0.5, 2.0, {})
    one, two = (
        of.which(normal_draws(factors, draws=1000, seed=3, shared=0.5)[:, -1])
        for of, factors in ((first, (first,)), (other, (step, other)))
    )
    assert np.array_equal(one, two)
    assert np.bincount(one).tolist() == [200] * 5
    assert not np.array_equal(one, first.which(normal_draws((first,), draws=1000, seed=4, shared=0.5)[:, 0]))
    assert [int(first.which(np.array(z))) for z in first.tried] == [0, 1, 2, 3, 4]
    assert 0.0 not in first.tried


def test_a_row_of_the_price_level_is_not_drawn_beside_the_years(ask: Ask) -> None:
    level = ("grids_hours", "ercot", "level")
    assert level in drawn_years(*ask(BOUGHT)).left_out
    found = uncertainty(*ask(BOUGHT), draws=100)
    assert YEAR in found.normals
    assert set(found.normals[YEAR]) == {2020.0, 2021.0, 2022.0, 2023.0, 2024.0}
    assert ".".join(level) not in found.normals


def test_a_site_with_one_year_says_so(ask: Ask) -> None:
    """Its price level stays a row that is drawn."""
    found = uncertainty(*ask(BOUGHT.replace("dallas", "west-texas")), draws=100)
    assert found.years == ()
    assert YEAR not in found.normals
    assert "grids_hours.ercot.level" in found.normals
    assert len(found.of_one_year) == 1
    assert "West Texas" in found.of_one_year[0]
    assert "one weather year only" in found.of_one_year[0]


@pytest.mark.parametrize(
    ("supply", "told"),
    [
        ("{plants: [grid], grid: {year: 2023}}", "prices are those of 2023, which is given"),
        ("{price: 60 $/MWh}", "all electricity has one price, which is given"),
    ],
)
def test_what_the_scenario_gives_is_certain(ask: Ask, supply: str, told: str) -> None:
    """Weather still has its years: water, losses and load."""
    text = BOUGHT.replace("peak", "it_peak").replace("{plants: [grid]}", supply)
    found = uncertainty(*ask(text), draws=100)
    assert any(told in one for one in found.of_one_year)
    moved = {name for one in found.years for name in one.numbers}
    assert {"facility.water", "facility.pue", "facility.energy"} <= moved
    usual = ask(text)[1]["supply.electricity_cost"]
    for one in found.years:  # prices of one year, in the hours of another weather
        assert one.numbers.get("supply.electricity_cost", usual) == pytest.approx(usual, rel=0.02)


def test_one_price_and_years_of_sun_and_wind_alone_draw_nothing(ask: Ask) -> None:
    text = BOUGHT.replace("dallas", "abilene-texas").replace("{plants: [grid]}", "{price: 60 $/MWh}")
    found = drawn_years(*ask(text))
    assert found.factor is None
    assert "are of sun and wind, and all electricity has one price" in found.told[0]


def test_at_one_price_temperatures_of_whole_years_are_drawn(ask: Ask) -> None:
    """Oracle: the mean PUE of a run of each year of the place's own weather."""
    head = "model: llama-3.1-8b\nyear: 2026\n"
    head += "training: {tokens: 1T tokens}\nmachine: {chip: H100, count: 64}\n"
    loaded, objects = ask(head + "site: london\nsupply: {price: 80 $/MWh}\n")
    found = uncertainty(loaded, objects, (), draws=200)
    assert [one.year for one in found.years] == [2020, 2021, 2022, 2023, 2024]
    pue = {one.year: one.numbers.get("facility.pue", objects["facility.pue"]) for one in found.years}
    assert len(set(pue.values())) > 1
    assert found.of_one_year == ("market years are not drawn: all electricity has one price, which is given",)
    skies = {sky.year: sky for sky in load_place_years(load_site("london"))}
    for year, value in pue.items():
        made = flat_year(skies[year], objects["site.cooling"], objects["site.redundancy"], None)
        assert value == pytest.approx(float(np.mean(made.pue)), rel=2e-3), year


def test_years_of_a_reanalysis_have_the_mean_of_the_weather_of_the_answer(ask: Ask) -> None:
    """All years together: a windy year stays windier than a calm one."""
    text = BOUGHT.replace("dallas", "abilene-texas")
    skies, whole = years._skies(  # pyright: ignore[reportPrivateUsage]
        ask(text)[0], *(ask(text)[1][name] for name in ("site.site", "site.weather", "site.weather_years"))
    )
    assert not whole
    own, raw = load_weather("abilene-texas"), load_years("abilene-texas")
    for name, of in (("wind", wind_capacity_factor), ("solar", solar_capacity_factor)):
        means = [float(of(sky).mean()) for sky in skies]
        assert float(np.mean(means)) == pytest.approx(float(of(own).mean()), rel=1e-9)
        before = [float(getattr(one, name).mean()) for one in raw]
        assert np.corrcoef(means, before)[0, 1] > 0.9
    found = drawn_years(*ask(text))
    assert found.factor is not None
    assert found.factor.years == (2020, 2021, 2022, 2023, 2024)
    assert any("temperature" in one and "2013" in one for one in found.told)


def test_energy_that_a_year_leaves_unserved_has_its_price(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection of the size of a mild year's peak, in the hottest of five."""
    chain = ask(BOUGHT.replace("peak", "it_peak"))
    found = _alone(chain, monkeypatch, draws=100)
    short = [one for one in found.years if one.not_served > 0.0]
    assert short
    price, plan = chain[1]["supply.not_served_price"], chain[1]["supply.plan"]
    for one in found.years:
        load = plan.load.max()
        peak = one.numbers.get("facility.power_peak", chain[1]["facility.power_peak"])
        assert (one.not_served > 0.0) == (peak > load * (1.0 + 1e-9))
    worst = max(short, key=lambda one: one.not_served)
    drawn = worst.numbers["supply.electricity_cost"] * worst.numbers["facility.energy"]
    more = (worst.numbers["ledger.annual_cost"] - chain[1]["ledger.annual_cost"]) * SECONDS_PER_YEAR
    bill = plan.objective + more  # without that price, as all bills are; a building for a higher peak
    assert bill == pytest.approx(drawn, rel=0.02)
    assert worst.shortage == pytest.approx(price * worst.not_served, rel=1e-9)


def test_hedges_stay_settled_where_a_plan_is_priced_again(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closed form: of a load hedged by 60 % a dear year costs 40 % of what it is dearer, though the hedge
    pays more than the connection costs to keep."""
    chain = ask(BOUGHT.replace("[grid]", "[grid], hedge: 60 % at 30 $/MWh"))
    plan = chain[1]["supply.plan"]
    again = repriced(plan, plants=chain[1]["supply.candidates"])
    assert again.objective == pytest.approx(plan.objective, rel=1e-12)
    found = _alone(chain, monkeypatch, draws=100)
    assert found.refused == ()
    mean = {one.year: one.value for one in catalog.entity("grids_hours", "ercot").numbers["price"]}
    for one in found.years[:-1]:
        cost = chain[1]["supply.electricity_cost"] + 0.4 * (mean[one.year] - mean[2024])
        assert one.numbers["supply.electricity_cost"] == pytest.approx(cost, rel=1e-6)


def test_a_joint_draw_stays_where_there_is_an_answer() -> None:
    """Factor 0 has no answer at its low end, factor 2 none at its high end."""
    z = np.array([-1.0, -1.0, 0.5, 2.0])
    assert monte_carlo._answered(z, [(0, 0), (2, 1)]).tolist() == [0.0, -1.0, 0.0, 2.0]  # pyright: ignore
    assert monte_carlo._answered(-z, [(0, 0), (2, 1)]).tolist() == (-z).tolist()  # pyright: ignore


@pytest.mark.apart
def test_a_machine_from_parts_has_its_response_surface_checked(ask: Ask) -> None:
    chip = ROOT / "examples" / "chips" / "chip-of-chiplets.yaml"
    found = uncertainty(
        *ask(
            f"model: llama-3.1-8b\nyear: 2032\ntraining: {{tokens: 1T tokens}}\nsite: london\n"
            f"machine: {{chip: {chip}, count: 64}}\nsupply: {{price: 80 $/MWh}}\n"
        ),
        draws=200,
    )
    assert found.refused
    assert found.checked >= 6
    assert 0.0 < found.bands["ledger.annual_cost"].off < 0.1


def test_the_value_of_knowing_the_year_is_that_of_its_means() -> None:
    """Closed form: saving 1 in the second of four years and losing 1 else, whatever their order."""
    year = np.repeat([2021.0, 2022.0, 2023.0, 2024.0], 25)
    saving = np.where(year == 2022.0, 1.0, -1.0)
    assert _information(saving[None], year) == pytest.approx(0.25)


def test_the_result_has_the_years_in_a_table(tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(BOUGHT)
    found = gigawatt.run(file, uncertainty=True, draws=100).found
    assert found.run["uncertainty"]["years"] == [2020, 2021, 2022, 2023, 2024]
    assert found.run["uncertainty"]["of_one_year"] == []
    table = found.tables["years"]
    assert list(table.index) == [2020, 2021, 2022, 2023, 2024]
    assert table.loc[2021, "supply.electricity_cost"] > table.loc[2020, "supply.electricity_cost"]
    assert not table[["not served [MWh]", "not served [M$]"]].to_numpy().any()
    shares = {
        one["input"]: one for one in gigawatt.explain(found, "supply.electricity_cost").data["variance"]
    }
    assert shares[YEAR]["where"] == ""
