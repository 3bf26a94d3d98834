"""Sites on the page, the bill of the grid and what stands near a plan: what the commands say, on the page."""

from __future__ import annotations

import pytest
from page_seen import Seen, said, seen

from gigawatt import catalog
from gigawatt.core.errors import InputError
from gigawatt.faces.figures.readable import significant, with_unit
from gigawatt.faces.web.answers import Question, result_of, show, work
from gigawatt.faces.web.form.state import State
from gigawatt.power.plan.neighbours import neighbours_of
from gigawatt.studies.sites.door import ranked_sites
from gigawatt.studies.supply.near import near_json, near_problem
from gigawatt.studies.supply.plan import plan_supply
from gigawatt.studies.supply.question import question_of

STATE = State("campus-300mw-texas").with_changes(
    {"supply.plants": "grid,gas-engine", "supply.carbon_limit": "", "supply.units": "any",
     "supply.grid.limit": ""}
)  # fmt: skip
TRAINED = State("gpt3-175b-a100").with_changes({"supply.plants": "grid"})


def of_job(name: str, state: State = STATE, **settings: str) -> Seen:
    """What a job shows, with the heading of the section of the page that it stands in."""
    _, made = work(Question(name, state, tuple(sorted(settings.items()))), said)
    return seen(f"<h2>the page</h2>{made.html}")


def test_the_page_offers_sites_with_hours_countries_and_all() -> None:
    found = seen(show(Question("sites", STATE), said).html)
    assert [text for _, text in found.headings] == ["Rank sites", "Split one load over sites"]
    where = found.choices["show.where"].options
    own, others = catalog.table("sites"), catalog.table("places")
    assert where[""] == f"those with hours of their own ({len(own)})"
    assert where["all"] == f"all ({len({**others, **own})})"
    assert "Germany" in where
    assert set(found.choices["show.by"].options) == {"cost", "carbon", "date", "short"}
    assert {"ranked", "split"} <= set(found.ids)


def test_ranked_sites_are_those_of_the_command() -> None:
    told: list[str] = []
    asked = Question("sites-ranked", STATE, (("by", "carbon"), ("places", "texas, dublin")))
    _, made = work(asked, lambda words, share: told.append(words))
    found = seen(f"<h2>the page</h2>{made.html}")
    answer = ranked_sites(STATE.loaded(), "", sites="texas, dublin", by="carbon").data
    table = found.table("Sites by carbon")
    assert [row[1] for row in table.rows] == [row["name"] for row in answer["sites"]]
    at = table.head.index("cost")
    assert [row[at] for row in table.rows] == [
        f"${significant(row['cost_USD_per_MWh'])}/MWh" for row in answer["sites"]
    ]
    assert any("2 of 2" in words for words in told)
    assert "ranked-sites" in found.figures
    assert any("rank-sites scenario.yaml --by carbon" in text for text in found.paragraphs)


def test_a_country_is_ranked_whole_and_an_unknown_place_is_one_line() -> None:
    own = {**catalog.table("places"), **catalog.table("sites")}
    there = {row.text("name") for row in own.values() if row.text("country") == "Ireland"}
    found = of_job("sites-ranked", where="Ireland")
    assert {row[1] for row in found.table("Sites by cost").rows} == there
    with pytest.raises(InputError, match="nowhere-at-all"):
        of_job("sites-ranked", places="nowhere-at-all")


def test_a_load_is_split_as_by_the_command() -> None:
    found = of_job(
        "sites-split", load="100 MW", sites="texas, dublin", most="texas=60 MW", machines="900 $/kW"
    )
    table = found.table("Power at the racks")
    by = {row[0]: row[table.head.index("machines")] for row in table.rows}
    assert by["Abilene, Texas"] == "60 MW"
    assert "split-day" in found.figures
    (line,) = [text for text in found.paragraphs if text.startswith("The same from a terminal")]
    assert "--most 'texas=60 MW'" in line
    assert "--set supply.plants=grid,gas-engine" in line
    assert "load.peak" not in line


def test_a_split_of_a_scenario_with_a_model_takes_its_plants_alone() -> None:
    found = of_job("sites-split", TRAINED, load="20 MW", sites="texas, dublin", machines="900 $/kW")
    (line,) = [text for text in found.paragraphs if text.startswith("The same from a terminal")]
    assert "supply.plants=grid" in line
    assert "training" not in line
    assert "machine." not in line


@pytest.mark.parametrize(("most", "key"), [("texas", "most"), ("=5 MW", "most"), ("dublin=60 MW", "most")])
def test_limits_of_a_split_that_are_none_are_one_line(most: str, key: str) -> None:
    with pytest.raises(InputError) as error:
        of_job("sites-split", sites="texas, karlsruhe", most=most)
    assert error.value.key == key


def test_what_stands_near_is_what_the_plan_has() -> None:
    found = of_job("supply-near", within="5%")
    supply = plan_supply(question_of(STATE.loaded()))
    near = near_json(neighbours_of(near_problem(supply), 0.05))
    table = found.table("Sizes of plans that cost at most 5 % more")
    names = {plant.id: plant.name for plant in supply.plan.plants}
    assert [tuple(row) for row in table.rows] == [
        (names[one["plant"]], *(with_unit(one[key], "MW") for key in ("least_MW", "capacity_MW", "most_MW")))
        for one in near["plants"]
    ]
    assert "near" in found.figures


def test_a_supply_without_a_plan_has_nothing_near() -> None:
    bought = STATE.with_changes({"supply.price": "60 $/MWh", "supply.plants": "", "supply.units": ""})
    with pytest.raises(InputError, match="no supply to plan"):
        of_job("supply-near", bought)


def test_the_bill_of_a_tariff_stands_on_the_page() -> None:
    plain = seen(show(Question("supply", STATE), said).html)
    assert "bill" not in plain.figures
    billed = STATE.with_changes({"supply.grid.tariff": "ercot-wholesale", "supply.plants": "grid"})
    found = seen(show(Question("supply", billed), said).html)
    frame = result_of(billed, said).tables["bill"]
    table = found.table("What is drawn from the grid under its tariff")
    assert [row[0] for row in table.rows][: len(frame)] == list(frame.index)
    bars = found.figures["bill"].data["data"][0]
    assert sum(bars["x"]) == pytest.approx(sum(map(float, frame["amount [$/yr]"])), rel=1e-3)
