"""The supply side of the chain: weather years, what the buyer allows and asks, the building's redundancy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gigawatt.chain.study import Study
from gigawatt.core.errors import InputError
from gigawatt.core.quantities import compact
from gigawatt.core.result import Result
from gigawatt.money import SECONDS_PER_YEAR
from gigawatt.power.grid import load_grid
from gigawatt.schema.changed import scenario_of

TEXT = """\
model: llama-3.1-8b
year: 2030
training:
  tokens: 1T tokens
  sequence: 4096 tokens
  global_batch: 512 sequences
  number_format: bf16
machine:
  chip: H100-SXM5-80GB
  count: 64
layout:
  tensor: 1
  pipeline: 1
site:
  name: texas
{site}supply:
  plants: [grid, solar, wind, battery]
{supply}"""


def study(folder: Path, *, site: dict[str, Any] | None = None, **supply: Any) -> Study:
    file = folder / "scenario.yaml"
    lines = {
        name: "".join(f"  {key}: {value}\n" for key, value in (keys or {}).items())
        for name, keys in (("site", site), ("supply", supply))
    }
    file.write_text(TEXT.format(**lines))
    return Study.read(file)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return study(tmp_path_factory.mktemp("plain")).run()


def test_a_run_says_what_whole_units_lack(plain: Result) -> None:
    hours, energy = plain.quantities["supply.lolh"], plain.quantities["supply.eue"]
    assert hours.unit == "h"
    assert 0.0 < float(hours.value) / 3600.0 < 8760.0  # type: ignore[arg-type]
    assert 0.0 < float(energy.value) < float(plain.quantities["facility.energy"].value)  # type: ignore[arg-type]
    assert plain.quantities["supply.worst_outage"].value == "one grid connection of " + compact(
        float(plain.tables["plants"].loc["grid", "capacity [MW]"]) * 1e6, "W"
    )
    assert any(one.key == "supply.adequacy.grid" for one in plain.assumptions)


def test_two_weather_years_are_one_plan_and_a_mean_year(plain: Result, tmp_path: Path) -> None:
    both = study(tmp_path, site={"weather_years": 2}, carbon_limit="50 g/kWh").run()
    hours = both.tables["hourly"]
    assert len(hours) == 2 * 8760
    solar = hours["solar [MW]"].to_numpy().reshape(2, -1)
    assert not np.allclose(solar[0], solar[1])
    made = sum(hours[f"{name} [MW]"].sum() for name in ("grid", "solar", "wind", "battery"))
    made -= hours["battery charge [MW]"].sum()
    assert made + hours["not served [MW]"].sum() == pytest.approx(hours["load [MW]"].sum(), rel=1e-6)
    assert both["facility.energy"] == pytest.approx(plain["facility.energy"], rel=1e-12)  # of one year
    assert both["supply.carbon_intensity"] <= 50.0 / 3.6e9 * (1.0 + 1e-6)
    ledger, plants = both.tables["ledger"], both.tables["plants"]
    assert ledger.loc["solar", "annual [M$/yr]"] == pytest.approx(
        plants.loc["solar", "cost [M$/yr]"], rel=1e-6
    )


def test_matching_makes_every_hour_clean_and_costs_more(plain: Result, tmp_path: Path) -> None:
    matched = study(tmp_path, matching="80 %").run()
    hours = matched.tables["hourly"]
    dirty = (hours["grid [MW]"] + hours["not served [MW]"]) / hours["load [MW]"]
    assert dirty.max() <= 0.2 + 1e-6
    assert matched["supply.electricity_cost"] > plain["supply.electricity_cost"]


def test_a_load_that_may_be_cut_or_wait_is_cheaper_and_told(tmp_path: Path) -> None:
    firm = study(tmp_path, matching="hourly").run()
    soft = study(tmp_path, matching="hourly", flexible='"20%:50$/MWh"').run()
    assert firm["supply.cut"] == 0.0
    assert soft["supply.cut"] > 0.0
    assert soft["supply.put_off"] == 0.0
    assert soft["supply.electricity_cost"] < firm["supply.electricity_cost"]
    hours = soft.tables["hourly"]
    assert (hours["cut [MW]"] <= 0.2 * hours["load [MW]"] * (1.0 + 1e-6)).all()
    assert hours["cut [MW]"].sum() * 3.6e9 == pytest.approx(soft["supply.cut"], rel=1e-9)
    flows = soft.tables["flows"]
    entering = flows.loc[flows["target"] == "served", "power [MW]"].sum()
    assert entering == pytest.approx(flows.loc[flows["source"] == "served", "power [MW]"].sum(), rel=1e-6)


def test_reliability_binds(tmp_path: Path) -> None:
    cheap = {"matching": "hourly", "not_served_price": "2 $/kWh"}
    loose = study(tmp_path, **cheap).run()
    tight = study(tmp_path, reliability="99.99 %", **cheap).run()
    assert loose["supply.not_served"] > 1e-4 * loose["facility.energy"]
    assert tight["supply.not_served"] <= 1e-4 * tight["facility.energy"] * (1.0 + 1e-6)


def test_redundancy_costs_power_money_and_carbon_and_is_told(plain: Result, tmp_path: Path) -> None:
    usual, double = (study(tmp_path, site={"redundancy": name}).run() for name in ("n+1", "2n"))
    books = [result.tables["ledger"] for result in (plain, usual, double)]
    own = [float(book.loc["building", "capital [M$]"]) for book in books]
    assert own[0] == pytest.approx(own[1])  # published costs are of N+1
    # parts: 45 % of the cost is power, which goes from 5/4 to 2 of the needed; 20 % cooling, 6/5 to 7/5
    assert own[2] / own[1] == pytest.approx(1.0 + 0.45 * (2.0 / 1.25 - 1.0) + 0.2 * (1.4 / 1.2 - 1.0))
    assert double["facility.pue"] != usual["facility.pue"]  # UPS at half load lose more, idle fans less
    made = "ledger.carbon_embodied_per_mtoken"
    assert double[made] > usual[made]
    assert any("Two full paths of power" in text for text in double.notices)
    assert not any("power chain" in text for text in plain.notices)


@pytest.mark.parametrize(
    ("site", "supply", "says"),
    [
        ({"weather_years": 20}, {}, r":16: site\.weather_years: too many weather years; given 20"),
        ({"redundancy": "3n"}, {}, r":16: site\.redundancy: no such entry"),
        ({}, {"reliability": "120 %"}, r":18: supply\.reliability: not a share of the energy"),
        ({}, {"matching": "hourley"}, r":18: supply\.matching: unknown matching; given 'hourley'.*hourly"),
        ({}, {"flexible": "10%"}, r":18: supply\.flexible: not a flexible load"),
        ({}, {"deferrable": '"20%:6 days and more"'}, r":18: supply\.deferrable: "),
        ({}, {"deferable": '"20%:6h"'}, r":18: supply\.deferable: unknown key.*deferrable"),
    ],
)
def test_a_wrong_word_names_file_line_and_key(
    tmp_path: Path, site: dict[str, Any], supply: dict[str, Any], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        study(tmp_path, site=site, **supply).run()


def test_firm_capacity_follows_the_running_peak_of_the_hottest_hour(tmp_path: Path) -> None:
    """A step's power × the PUE of the hottest hour is carried; what is paid for is the mean."""
    file = tmp_path / "scenario.yaml"
    text = TEXT.format(site="", supply="").replace("[grid, solar, wind, battery]", "[gas-engine]")
    file.write_text(text.replace("training:\n", "training:\n  goodput: 70 %\n"))
    one = Study.read(file).run()
    peak = one["machine.step_power"] * one["machine.pue_peak"]
    assert one["facility.power_peak"] == pytest.approx(peak, rel=1e-9)
    assert (
        one["facility.power_standing"] < one["facility.power_mean"] < peak < one["facility.power_nameplate"]
    )
    engine = one.tables["plants"].loc["gas-engine"]
    assert engine["capacity [MW]"] * 1e6 >= peak * (1.0 - 1e-6)
    hours = one.tables["hourly"]
    assert hours["running load [MW]"].max() * 1e6 == pytest.approx(peak, rel=1e-9)
    assert hours["load [MW]"].sum() * 3.6e9 == pytest.approx(one["facility.energy"], rel=1e-9)
    for energy in (engine["energy [GWh]"] * 3.6e12, hours["gas-engine [MW]"].sum() * 3.6e9):
        assert energy == pytest.approx(one["facility.energy"], rel=1e-4)
    flows = one.tables["flows"].set_index("target")["power [MW]"]
    assert flows["electricity"] * 1e6 == pytest.approx(one["facility.power_mean"], rel=1e-4)


ALONE = """\
load: {{{load}}}
site: {{name: texas, cooling: water-cooled-chiller-tower{site}}}
supply: {{price: 60 $/MWh}}
"""


def alone(folder: Path, load: str, site: str = "") -> Result:
    file = folder / "alone.yaml"
    file.write_text(ALONE.format(load=load, site=site))
    return Study.read(file).run()


def test_a_load_without_a_model_has_building_money_carbon_and_water(tmp_path: Path) -> None:
    one = alone(tmp_path, "peak: 300 MW, profile: serving")
    racks = alone(tmp_path, f"it_peak: {one['facility.power_it']!r} W, profile: serving")
    assert racks["facility.power_it"] == pytest.approx(one["facility.power_it"], rel=1e-9)
    assert one["facility.power_peak"] == pytest.approx(3e8)
    assert 1.0 < one["facility.pue"] == pytest.approx(racks["facility.pue"], rel=0.02)
    assert one["facility.water"] == pytest.approx(racks["facility.water"], rel=0.05) != 0.0
    building = one["facility.power_it"] * 11.7 * 1.085  # Cushman & Wakefield 2025, Turner & Townsend 2025
    assert one["ledger.total_capital"] == pytest.approx(building, rel=0.1)  # in dollars of another year
    bill = 60.0 / 3.6e9 * one["facility.energy"]
    yearly = one["ledger.annual_cost"] * SECONDS_PER_YEAR
    assert yearly == pytest.approx(one.tables["ledger"]["annual [M$/yr]"].sum() * 1e6)
    assert yearly > bill + 0.07 * building
    assert one["ledger.cost_per_energy"] * one["facility.energy"] == pytest.approx(yearly)
    assert one["ledger.cost_per_it_energy"] == pytest.approx(
        one["ledger.cost_per_energy"] * one["facility.pue"]
    )
    assert one["ledger.annual_carbon"] > one["supply.carbon_intensity"] * one["facility.energy"]
    assert set(one.tables["ledger"].index) == {"building", "grid"}
    dear = alone(tmp_path, "peak: 300 MW, profile: serving", ", redundancy: 2n")
    assert dear["ledger.total_capital"] > 1.1 * one["ledger.total_capital"]
    given = alone(tmp_path, "mean: 300 MW", ", pue: 1.25")
    assert given["facility.power_it"] == pytest.approx(3e8 / 1.25)
    assert given["facility.pue"] == pytest.approx(1.25)


def load_of_ten(**more: Any) -> Result:
    """A load of 10 MW at the meter, all hours alike: 87.6 GWh a year."""
    return Study(scenario_of({"site": "karlsruhe", "load": "10 MW", "year": 2026} | more, Path("load"))).run()


def test_water_behind_the_grid_is_what_is_drawn_times_that_of_a_kwh() -> None:
    """1.947 L/kWh in Germany (EcoLogits, by the guidance of the World Resources Institute)."""
    kwh = 8760 * 10_000
    bought = load_of_ten(**{"supply.price": "60 $/MWh"})
    assert bought["supply.grid_water"] == pytest.approx(kwh * 1.947e-3)
    given = load_of_ten(**{"supply.price": "60 $/MWh", "supply.grid.water": "2 L/kWh"})
    assert given["supply.grid_water"] == pytest.approx(kwh * 2e-3)
    assert (
        given["ledger.annual_water"] == bought["ledger.annual_water"]
    )  # on site and at plants that are built
    island = load_of_ten(**{"supply.plants": ["gas-engine"]})
    assert island["supply.grid_water"] == 0.0
    both = load_of_ten(**{"supply.plants": ["grid", "gas-engine"], "supply.grid.limit": "4 MW"})
    drawn = float(both.tables["plants"].loc["grid", "energy [GWh]"]) * 1e6  # type: ignore[arg-type]
    assert both["supply.grid_water"] == pytest.approx(drawn * 1.947e-3, rel=1e-3)


def test_a_country_without_water_has_that_of_the_world_as_an_assumption() -> None:
    found = load_grid("AFG", 2026)
    assert found.water == pytest.approx(3.908e-3 / 3.6e6)
    assert [one.key for one in found.assumptions if "water" in one.reason] == ["supply.grid_water"]
    assert not any("water" in one.key for one in load_grid("NOR", 2026).assumptions)
