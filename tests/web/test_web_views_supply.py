"""The view of supply and the seconds: map, plants, weeks, curves, carbon, with the numbers of the rooms."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import numpy as np
import pytest
from page_seen import Seen, said, seen

from gigawatt import catalog
from gigawatt.core.errors import InputError
from gigawatt.faces.web.answers import Question, result_of, show, work
from gigawatt.faces.web.form.state import State, read_address
from gigawatt.studies.run.figures_tables import built
from gigawatt.studies.seconds.scenario import scenario_seconds
from gigawatt.studies.supply.site_overview import site_overview
from gigawatt.studies.supply.weeks import days_of, weeks

STATE = State("gpt3-175b-a100").with_changes({"supply.plants": "grid,solar"})
SERVED = State("serve-llama-70b-virginia").with_changes(
    {"serving.simulated_requests": "2000", "supply.plants": "grid", "supply.carbon_limit": ""}
)


def page(state: State = STATE, **settings: str) -> Seen:
    return seen(show(Question("supply", state, tuple(sorted(settings.items()))), said).html)


@pytest.fixture(scope="module")
def found() -> Seen:
    return page()


@pytest.fixture(scope="module")
def seconds() -> Seen:
    told: list[str] = []
    _, made = work(
        Question("seconds", STATE, (("duration", "60 s"),)), lambda words, share: told.append(words)
    )
    assert "Planning the training step" in told
    assert any(words.startswith("Sizing the store") for words in told)
    return seen(made.html)


def test_headings_say_what_stands_where(found: Seen) -> None:
    assert [text for _, text in found.headings] == [
        "Where it stands", "The plants that are built", "The bill of the grid",
        "What costs almost the same", "Two weeks, hour by hour",
        "The year from high to low", "Carbon", "The seconds",
    ]  # fmt: skip
    assert list(found.figures) == ["map", "capacity", "week-0", "week-1", "duration", "price", "carbon"]


def test_the_map_gives_the_site_that_is_clicked(found: Seen) -> None:
    assert found.picks == ["site.name"]
    marked = [trace for trace in found.figures["map"].data["data"] if "customdata" in trace]
    ids = {row[0] for trace in marked for row in trace["customdata"]}
    assert ids == set(catalog.table("sites"))


def test_every_site_is_a_link_to_the_same_question_there(found: Seen) -> None:
    overview = site_overview(STATE.loaded().scenario.year)
    table = found.table("All")
    assert table.folded
    assert [row[0] for row in table.rows] == overview["name"].tolist()
    here = {text: link for link, text in found.links}
    for site, name in overview["name"].items():
        parts = urlsplit(here[name])
        shown = read_address(parse_qsl(parts.query, keep_blank_values=True))
        assert not shown.dropped
        assert parts.path == "/supply"
        assert shown.state == STATE.with_changes({"site.name": str(site)})
    at = table.head.index("grid price [$/MWh]")
    assert [float(row[at]) for row in table.rows] == pytest.approx(
        overview["price [$/MWh]"].tolist(), abs=0.06
    )
    assert table.rows[0][at + 1] == overview["price_grade"].iloc[0]


def test_plants_are_those_of_the_plan(found: Seen) -> None:
    frame = result_of(STATE, said).tables["plants"]
    table = found.table("Plants:")
    assert [row[0] for row in table.rows] == frame["name"].tolist()
    bars = found.figures["capacity"].data["data"][0]
    assert len(bars["y"]) == len(built(frame))


def test_two_weeks_are_the_hours_of_the_result(found: Seen) -> None:
    hourly = result_of(STATE, said).tables["hourly"]
    starts = weeks(hourly)
    assert found.choices["show.week"].chosen == "hottest-coldest"
    for place, name in enumerate(("hottest", "coldest")):
        drawn = found.figures[f"week-{place}"]
        assert f"The {name} seven days" in drawn.caption
        (load,) = [trace for trace in drawn.data["data"] if trace.get("name") == "load"]
        start = starts[name]
        assert load["y"] == pytest.approx(hourly["load [MW]"].iloc[start : start + 168].tolist(), rel=1e-3)
        table = found.table(f"Means of the days of the {name} week")
        days = days_of(hourly, start)
        assert [row[0] for row in table.rows] == days.index.tolist()
        at = table.head.index("load [MW]")
        assert [float(row[at]) for row in table.rows] == pytest.approx(days["load [MW]"].tolist(), abs=0.01)


def test_weeks_and_colours_are_settings(found: Seen) -> None:
    other = page(week="dearest-cheapest", map="carbon")
    assert "The dearest seven days" in other.figures["week-0"].caption
    assert "grid carbon" in other.figures["map"].caption
    assert other.choices["show.week"].chosen == "dearest-cheapest"
    assert "show.map=carbon&show.week=dearest-cheapest" in next(
        link for link, _ in other.links if "site" in link
    )
    unknown = page(week="worst", map="<b>")
    assert unknown.figures["week-0"].data == found.figures["week-0"].data
    assert unknown.figures["map"].data == found.figures["map"].data


def test_curves_go_from_high_to_low(found: Seen) -> None:
    table = found.table("Value reached or exceeded")
    hourly = result_of(STATE, said).tables["hourly"]
    for column in ("load [MW]", "price [$/MWh]"):
        values = [float(row[table.head.index(column)].replace(",", "").lstrip("<")) for row in table.rows]
        assert values == sorted(values, reverse=True)
        assert values[0] == pytest.approx(float(hourly[column].max()), rel=2e-3, abs=5e-3)
        assert values[-1] == pytest.approx(float(hourly[column].min()), abs=0.1)
    assert not any(head.startswith(("PUE", "temperature")) for head in table.head)


def test_carbon_adds_up_to_the_intensity(found: Seen) -> None:
    result = result_of(STATE, said)
    table = found.table("Carbon of a year of operation")
    whole = sum(float(row[table.head.index("carbon [kt/yr]")]) for row in table.rows)
    hourly = result.tables["hourly"]
    served = float((hourly["load [MW]"] - hourly["not served [MW]"]).sum())
    assert 1e6 * whole / served == pytest.approx(result["supply.carbon_intensity"] * 3.6e9, rel=2e-3)


def test_a_call_of_the_utility_is_answered_on_the_page() -> None:
    question = Question("seconds", STATE, (("duration", "60 s"), ("cut", "20")))
    _, made = work(question, lambda words, share: None)
    shown = seen(made.html)
    assert "seconds-flexibility" in shown.figures
    names = [row[0] for row in shown.table("What answers the call").rows]
    assert names == ["batch", "cap", "pause", "store", "all"]


def test_the_seconds_are_those_of_the_room(seconds: Seen) -> None:
    result = result_of(STATE, said)
    frame = result.tables["plants"]
    plants = {str(frame.index[i]): 1e6 * float(frame["capacity [MW]"].iloc[i]) for i in built(frame)}
    room = scenario_seconds(
        STATE.loaded(), plants=plants, electricity=result["supply.electricity_cost"], duration="60 s"
    )
    table = seconds.table("The smallest store of each kind")
    costs = {row[0]: row[table.head.index("cost per year")] for row in table.rows}
    assert set(costs) == {one.store.replace("-", " ") for one in room.offers}
    for one in room.offers:
        assert (costs[one.store.replace("-", " ")] == "–") is (one.sized is None)
    (load,) = [trace for trace in seconds.figures["seconds-power"].data["data"] if trace["name"] == "load"]
    assert max(load["y"]) == pytest.approx(room.measures.peak / 1e6, rel=0.02)
    assert len(load["x"]) <= 1500
    assert seconds.paragraphs[0].startswith("gpt3-175b on 1,024 ×")
    assert "seconds-frequency" in seconds.figures
    assert np.isfinite([float(row[0]) for row in seconds.table("Power, evenly sampled").rows]).all()


def test_the_seconds_ride_through_the_event_that_is_asked() -> None:
    more = (("duration", "60 s"), ("event", "virginia-2024-07-10"), ("protection", "rack-battery"))
    _, made = work(Question("seconds", STATE, more), said)
    found = seen(made.html)
    assert {"seconds-ride_through", "seconds-event"} <= set(found.figures)
    assert any("In the event virginia-2024-07-10" in text for text in found.paragraphs)
    assert found.table("Demands of").rows


def test_plants_that_cannot_be_judged_are_told() -> None:
    weak = STATE.with_changes({"supply.plants": "grid,solar,wind,gas-engine", "supply.units": "any"})
    _, made = work(Question("seconds", weak, (("duration", "60 s"),)), said)
    found = seen(made.html)
    assert "seconds-frequency" not in found.figures
    assert "the plants were not checked: short_circuit" in made.html


def test_a_service_has_no_training_step() -> None:
    there = page(SERVED)
    assert [form["action"].partition("?")[0] for form in there.forms] == ["/jobs/supply-near"]
    assert any("/serving?" in link for link, _ in there.links)
    with pytest.raises(InputError, match="not a training scenario"):
        work(Question("seconds", SERVED), said)
