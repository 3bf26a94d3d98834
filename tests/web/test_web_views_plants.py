"""The view of plants: numbers of the overview, the sheet of a plant's physics, numbers that are set."""

from __future__ import annotations

import pytest
from page_seen import Seen, said, seen

from gigawatt import catalog
from gigawatt.faces.web.answers import Question, show
from gigawatt.faces.web.form.state import State
from gigawatt.faces.web.tabled import ranged
from gigawatt.power.plants.sheet import physics_of
from gigawatt.studies.plant.figures import line_value
from gigawatt.studies.plant.overview import plant_costs, plant_overview

STATE = State("gpt3-175b-a100")
SITE, YEAR = "abilene-texas", 2030


def page(state: State, **settings: str) -> Seen:
    pairs = tuple(sorted((name.replace("__", "."), text) for name, text in settings.items()))
    return seen(show(Question("plants", state, pairs), said).html)


@pytest.fixture(scope="module")
def here() -> State:
    return STATE.with_changes({"site.name": SITE, "year": str(YEAR), "supply.plants": "solar,battery,grid"})


@pytest.fixture(scope="module")
def plain(here: State) -> Seen:
    return page(here)


def test_headings_say_what_stands_where(plain: Seen) -> None:
    assert [text for level, text in plain.headings if level == 2] == [
        f"What electricity would cost at {SITE} in {YEAR}", "All plants", "Capital cost over the years",
        "Plants not built yet, from their physics",
    ]  # fmt: skip
    assert list(plain.figures)[:3] == ["lcoe", "costs", "stores"]


def test_every_plant_has_the_numbers_of_the_overview(plain: Seen) -> None:
    frame, table = plant_overview(YEAR, SITE), plain.table("Every plant of the catalog")
    assert {row[0] for row in table.rows} == set(frame["name"])
    assert len(table.rows) == len(catalog.table("plants"))
    by_name = {row[0]: dict(zip(table.head, row, strict=True)) for row in table.rows}
    for _, row in frame.iterrows():
        shown = by_name[row["name"]]
        ends = [row[f"lcoe{end} [$/MWh]"] for end in ("", "_low", "_high")]
        assert shown["levelised cost [$/MWh]"] == ranged(*ends)
        assert shown["grade"] == row["grade"]
        assert shown["weakest"] == row["worst_grade"]
    marked = {name for name, row in by_name.items() if row["in the scenario"] == "yes"}
    assert marked == set(frame.loc[["solar", "battery", "grid"], "name"])


def test_the_figure_draws_the_same_costs(plain: Seen) -> None:
    frame = plant_overview(YEAR, SITE)
    rows = frame[frame["lcoe [$/MWh]"].notna()].sort_values("lcoe [$/MWh]")
    (bars,) = plain.figures["lcoe"].data["data"]
    assert bars["y"] == rows["name"].tolist()
    assert bars["x"] == pytest.approx(rows["lcoe [$/MWh]"].tolist(), rel=1e-3)


def test_costs_by_year_are_those_of_the_plants_that_may_be_built(plain: Seen) -> None:
    table = plain.table("Capital cost by year")
    assert len(table.rows) == 3
    solar = plant_costs("solar")
    row = next(r for r in table.rows if r[0] == "solar")
    assert table.head[1:] == [str(year) for year in solar["year"]]
    first = solar.iloc[0]
    assert row[1] == ranged(first["capital [$/kW]"], first["low [$/kW]"], first["high [$/kW]"])


@pytest.mark.parametrize("plant", ["msr", "fusion", "space-solar"])
def test_a_sheet_is_that_of_the_command(here: State, plant: str) -> None:
    found = page(here, plant=plant)
    physics = physics_of(plant)
    design = next(iter(physics.list_designs()))
    sheet = physics.sheet({}, design=design, year=2040.0)
    told = {(row[0], row[1]) for table in found.tables for row in table.rows if len(row) == 3}
    assert {(label, line_value(value, unit)) for _, label, value, unit, _ in sheet.lines} <= told
    assert found.choices["show.plant"].chosen == plant
    assert list(found.choices["show.design"].options) == list(physics.list_designs())
    assert any(name.startswith("curve-") for name in found.figures)
    assert {f"n-{plant}.{key}" for key in sheet.settings} == {i for i in found.ids if i.startswith("n-")}


def test_a_number_that_is_set_reaches_the_plant(here: State) -> None:
    found = page(here, plant="fusion", at="2050", fusion__net="800 MW", msr__fuel="u233")
    sheet = physics_of("fusion").sheet({"net": "800 MW"}, design="pilot", year=2050.0)
    told = {(row[0], row[1]) for table in found.tables for row in table.rows if len(row) == 3}
    assert {(label, line_value(value, unit)) for _, label, value, unit, _ in sheet.lines} <= told


def test_what_cannot_be_is_said_at_its_field_and_the_design_stays(here: State) -> None:
    plain = page(here, plant="fusion")
    refused = page(here, plant="fusion", fusion__net="800 kg")
    (line,) = [text for text in refused.paragraphs if text.startswith("net: ")]
    assert "'800 kg'" in line
    assert [t.rows for t in refused.tables] == [t.rows for t in plain.tables]


def test_settings_that_are_unknown_fall_to_the_first(here: State, plain: Seen) -> None:
    odd = page(here, plant="perpetuum", design="none", at="1066")
    assert {name: one.chosen for name, one in odd.choices.items()} == {
        name: one.chosen for name, one in plain.choices.items()
    }
    assert odd.choices["show.plant"].chosen == "msr"
    assert odd.choices["show.at"].chosen == "2040"


def test_a_weather_of_ones_own_is_said_not_to_count(here: State, plain: Seen) -> None:
    def warned(shown: Seen) -> bool:
        return any("the weather that the scenario brings" in text for text in shown.paragraphs)

    brought = page(here.with_changes({"site.weather": "mine.csv"}))
    assert warned(brought)
    assert not warned(plain)
    assert brought.table("Every plant").rows == plain.table("Every plant").rows
