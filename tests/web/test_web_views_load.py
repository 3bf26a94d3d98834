"""A load without a model: every address of the page answers, views of a model say what they are of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from page_seen import Seen, said, seen
from served import HERE, Server, serving

from gigawatt.core.errors import InputError
from gigawatt.core.registry import find_study, jobs, views
from gigawatt.faces.web.answers import Question, compared, report_html, result_of, show, work
from gigawatt.faces.web.form.form import form_of
from gigawatt.faces.web.form.state import State, read_address, read_form, read_values
from gigawatt.faces.web.starts import starts
from gigawatt.faces.web.views import views_of
from gigawatt.schema.fields import LOAD, SERVING, TRAINING, fields

NAME = "campus-300mw-texas"
STATE = State(NAME).with_changes({"supply.plants": "grid,gas-engine", "supply.carbon_limit": ""})
ASKED = STATE.query()
OTHERS = ("layouts", "serving", "technologies")


def page(view: str = "chain", state: State = STATE, item: str = "") -> Seen:
    return seen(show(Question(view, state, item=item), said).html)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("served")) as running:
        yield running


def test_the_chain_is_the_document_of_the_run() -> None:
    found, document = page(), find_study("run").service("document")(result_of(STATE, said))
    headings = [text for _, text in found.headings]
    assert [one.title for one in document.sections] == [one for one in headings if one in headings[1:]][
        :1
    ] + [one.title for one in document.sections[1:]]
    assert headings[0] == document.title
    assert found.paragraphs[: len(document.paragraphs)] == list(document.paragraphs)
    assert {f"/explain/{card.name}" for card in document.cards} <= {link for link, _ in found.links}
    assert "gigawatt explain FOLDER facility.power_it" in report_html(STATE, said)


def test_the_form_has_the_fields_of_a_load_and_no_other() -> None:
    form = form_of(STATE)
    keys = [one.key for section in form.sections for one in (*section.shown, *section.more)]
    assert {"size", "load.profile", "load.it_peak", "load.mean", "site.name", "supply.plants"} <= set(keys)
    assert all(fields()[key].allows(LOAD) for key in keys if key != "size")
    assert [one.kind for one in form.uploads] == ["scenario", "weather", "hours"]
    others = (form_of(State(one.id)) for one in starts().values() if one.branch != LOAD)
    assert not any(one.key.startswith("load.") for other in others for s in other.sections for one in s.more)


def test_the_size_is_the_peak_and_one_of_three() -> None:
    start = ("start", NAME)
    assert dict(read_form([start, ("size", "120 MW")]).state.changes) == {"load.peak": "120 MW"}
    racks = read_form([start, ("size", ""), ("load.it_peak", "120 MW")]).state
    assert dict(racks.changes) == {"load.peak": "", "load.it_peak": "120 MW"}
    assert racks.written("size") == ""
    assert result_of(racks, said)["facility.power_it"] == pytest.approx(120e6)
    brought = "hours-0123456789abcdef.csv"
    hours = read_address([start, ("load.profile", ""), ("load.hours", brought)], {brought}).state
    assert dict(hours.changes) == {"load.hours": brought, "load.peak": "", "load.profile": ""}
    assert hours.written("size") == brought
    assert read_form([*hours.changes, start, ("size", brought)], {brought}).state == hours
    pairs = [("load.peak", ""), ("load.it_peak", "120 MW"), start]
    assert read_address(pairs).state == read_address(reversed(pairs)).state == racks
    with pytest.raises(InputError, match="size: the size is needed"):
        read_form([start, ("size", "")])
    with pytest.raises(InputError, match=r"load\.it_peak: load\.peak is given as well"):
        result_of(read_form([start, ("size", "300 MW"), ("load.it_peak", "120 MW")]).state, said)


def test_a_key_of_another_branch_is_refused_with_that_reason() -> None:
    with pytest.raises(InputError, match=r"machine\.chip: the scenario has a load and no machine"):
        read_form([("start", NAME), ("machine.chip", "H100")])
    (told,) = read_address([("start", NAME), ("training.tokens", "1T tokens")]).dropped
    assert told == "'training.tokens': belongs to training"


def test_a_scenario_of_a_load_can_be_brought() -> None:
    shown = read_values({"load.it_peak": "80 MW", "load.profile": "serving", "site.name": "virginia"})
    assert (shown.state.branch, shown.dropped) == (LOAD, ())
    assert dict(shown.state.loaded().data["load"]) == {"profile": "serving", "it_peak": "80 MW"}


def test_only_views_of_a_load_are_offered() -> None:
    assert [one.name for one in views_of(LOAD)] == [
        one.name for one in views_of(TRAINING) if one.name not in OTHERS
    ]
    assert views_of(SERVING) == views_of(TRAINING)
    for name in OTHERS:
        found = page(name)
        assert [text for _, text in found.headings] == ["Not of a load"]
        assert f"/supply?{ASKED}" in [link for link, _ in found.links]
        assert name in [one.name for one in views_of(LOAD, name)]
    supply = page("supply")
    assert [form["action"].partition("?")[0] for form in supply.forms] == ["/jobs/supply-near"]
    assert supply.paragraphs[-1].startswith("A load that is given has hours")


def test_two_loads_are_weighed_by_their_energy_and_split() -> None:
    larger = STATE.with_changes({"load.peak": "400 MW", "supply.grid.limit": "300 MW"})
    found = page("compare", larger)
    (words,) = [text for text in found.paragraphs if text.startswith("Two loads stand side by side")]
    assert "energy at the meter costs, all included," in words
    assert found.forms[0]["action"].startswith("/jobs/compare-split?")
    made = compared((STATE, larger), said)
    assert {side["does"] for side in made["scenarios"]} == {LOAD}
    split = {one["quantity"]: one for one in made["attribution"]["quantities"]}
    assert {"ledger.cost_per_energy", "ledger.annual_cost", "facility.power_mean"} <= set(split)
    assert split["facility.power_mean"]["parts"] == pytest.approx([100.0, 0.0])


@pytest.mark.parametrize("kind", ["seconds", "serving-search", "technology-bands"])
def test_long_work_on_a_model_is_refused(kind: str) -> None:
    assert kind in [one.name for one in jobs()]
    with pytest.raises(InputError, match=r"not a training scenario|has a load and no machine"):
        work(Question(kind, STATE), said)


@pytest.mark.apart
def test_every_address_answers(server: Server) -> None:
    """Every view whole and as a part, every link on them, what is taken away, the same for programs."""
    asked = {f"/{one.name}?{ASKED}&wait=1" for one in views()} | {
        f"/answer/{one.name}?{ASKED}" for one in views()
    }
    paths = ("answer", "tables", "tables/hourly", "figures/cost", "figures/sankey", "figures/relief",
             "explain/ledger.cost_per_energy", "explain/training.step_time")  # fmt: skip
    asked |= {f"/api/v1/{path}?{ASKED}" for path in paths} | {f"/api/v1/controls/{NAME}", "/api/v1/about"}
    links: set[str] = set()
    for address in sorted(asked):
        answer = server.ask(address)
        assert answer.status in (200, 422), (address, answer.status, answer.text[:300])
        assert "Traceback" not in answer.text, address
        links |= {unescape(link) for link in re.findall(r'href="(/[^"#]+)"', answer.text)}
    mine = {link for link in links if f"start={NAME}" in link} - asked
    assert {f"/report.html?{ASKED}", f"/scenario.yaml?{ASKED}", f"/pin?{ASKED}"} <= mine
    for link in sorted(mine):
        assert server.ask(link).status in (200, 303), link
    refused = server.ask(f"/answer/serving-day?{ASKED}")
    assert (refused.status, "not a serving scenario" in refused.text) == (422, True)
    for kind in (one.name for one in jobs() if one.name in ("seconds", "serving-search", "compare-split")):
        begun = server.ask(f"/jobs/{kind}?{ASKED}", "POST", HERE)
        assert (begun.status, begun.headers["location"][:6]) == (303, "/jobs/")
    assert "Traceback" not in (Path(server.folder) / "errors").read_text()
