"""The view of layouts: the numbers of the rooms, figures with words and tables, settings of the address."""

from __future__ import annotations

import pytest
from page_seen import Seen, said, seen

from gigawatt.chain.training.layout_space import by_binding, scenario_layout_space
from gigawatt.core.errors import GigawattError
from gigawatt.faces.web.answers import Question, result_of, show
from gigawatt.faces.web.form.state import State
from gigawatt.studies.run.figures_machine import layout_words

SMALL = State("gpt3-175b-a100").with_changes({"supply.plants": "grid"})
SERVED = State("serve-llama-70b-virginia").with_changes(
    {"serving.simulated_requests": "2000", "supply.plants": "grid", "supply.carbon_limit": ""}
)


def page(state: State, **settings: str) -> Seen:
    return seen(show(Question("layouts", state, tuple(sorted(settings.items()))), said).html)


@pytest.fixture(scope="module")
def training() -> Seen:
    return page(SMALL)


@pytest.fixture(scope="module")
def serving() -> Seen:
    return page(SERVED)


def test_headings_say_what_stands_where(training: Seen) -> None:
    assert [text for _, text in training.headings] == [
        "The best layouts", "All of them: time against memory", "Memory of an accelerator",
        "What would relieve it", "Kernels of the best layout",
    ]  # fmt: skip
    assert list(training.figures) == ["layouts", "cloud", "memory", "relief"]


def test_the_best_layouts_are_those_of_the_result(training: Seen) -> None:
    frame = result_of(SMALL, said).tables["layouts"]
    table = training.table("The best layouts found")
    assert len(table.rows) == len(frame)
    at = table.head.index("step time [s]")
    for row, time in zip(table.rows, frame["step_time [s]"], strict=True):
        assert float(row[at]) == pytest.approx(time, rel=1e-3)
    assert layout_words(frame.iloc[0]) in training.paragraphs[0]


def test_the_cloud_and_its_tables_are_the_studys(training: Seen) -> None:
    space = scenario_layout_space(SMALL.loaded(), most=1500)
    assert f"{space.shown} of {space.looked_at} layouts" in training.figures["cloud"].caption
    counted = training.table("Sampled layouts by bottleneck")
    for row, (name, mine) in zip(counted.rows, by_binding(space).iterrows(), strict=True):
        assert row[0] == str(name).replace("_", " ")
        assert [int(text) for text in row[1:3]] == [mine["shown"], mine["fitting"]]
    quickest = training.table("The 60 fastest sampled layouts")
    assert quickest.folded
    assert [row[0] for row in quickest.rows] == [
        layout_words(row) for _, row in space.frame.head(60).iterrows()
    ]
    assert {row[quickest.head.index("fits")] for row in quickest.rows} <= {"yes", "no"}


def test_the_number_of_layouts_is_a_setting() -> None:
    many = SMALL.with_changes(
        {"software.framework": "megatron-core", "software.version": "2026"}
    )  # that of 2021 offers fewer than 500
    few, other = page(many, layouts="500"), page(many, layouts="7; DROP")
    drawn = [sum(len(trace["x"]) for trace in one.figures["cloud"].data["data"]) for one in (few, other)]
    assert drawn[0] <= 500 < drawn[1]
    assert few.choices["show.layouts"].chosen == "500"
    assert other.choices["show.layouts"].chosen == "1500"


def test_a_service_shows_replicas_and_the_wall(serving: Seen) -> None:
    result = result_of(SERVED, said)
    assert [text for _, text in serving.headings] == [
        "The best replicas", "Memory of an accelerator", "The memory wall", "What would relieve it",
    ]  # fmt: skip
    assert set(serving.figures) == {"memory", "cost-relief", "wall"}
    table, frame = serving.table("Replicas that meet the SLO"), result.tables["configurations"]
    at = table.head.index("accelerators")
    assert [int(row[at].replace(",", "")) for row in table.rows] == frame["chips"].tolist()
    assert len(serving.table("Every point of the curves").rows) == len(result.tables["wall"])


def test_what_the_scenario_refuses_has_its_field() -> None:
    with pytest.raises(GigawattError) as error:
        page(SMALL.with_changes({"machine.count": "7"}))
    assert error.value.file is None
