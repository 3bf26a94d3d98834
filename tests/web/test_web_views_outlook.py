"""The view of the outlook: what is asked and not known at once, draws in the background."""

from __future__ import annotations

import pytest
from page_seen import Seen, seen

from gigawatt.core.document import Again
from gigawatt.core.errors import InputError
from gigawatt.faces.report.html import glued
from gigawatt.faces.web.answers import Question, show, work
from gigawatt.faces.web.form.state import State
from gigawatt.outlook.priors import read_priors
from gigawatt.outlook.randomness import SEED
from gigawatt.studies.outlook.document import document
from gigawatt.studies.outlook.outlook import OutlookScenario, outlook
from gigawatt.studies.outlook.society import society_block
from gigawatt.studies.outlook.view import DRAWS
from gigawatt.validation.outlook.costs import OURS, hindcast_scores

STATE = State()


def page(**settings: str) -> Seen:
    question = Question("outlook", STATE, tuple(sorted(settings.items())))
    return seen(show(question, lambda words, share: None).html)


@pytest.fixture(scope="module")
def drawn() -> tuple[Seen, list[float]]:
    told: list[float] = []
    question = Question("outlook-draws", STATE, (("draws", "2000"), ("world", "lift-off")))
    _, fragment = work(question, lambda words, share: told.append(share))
    return seen(fragment.html), told


def test_what_is_not_known_is_listed_with_its_grade() -> None:
    shown = page()
    assert [text for _, text in shown.headings] == ["What is asked", "Draws", "What is not known"]
    table = shown.table("Every quantity that is not known")
    assert {row[0] for row in table.rows} == {one.key for one in read_priors("base").assumptions()}


def test_a_world_is_handed_to_the_draws() -> None:
    shown = page(world="headwinds")
    assert shown.choices["show.world"].chosen == "headwinds"
    rows = {row[0]: row[1] for row in shown.table("Every quantity that is not known").rows}
    told = {one.key: one.value for one in read_priors("headwinds").assumptions()}
    assert rows["capital_step"] == told["capital_step"]
    assert page(world="atlantis").choices["show.world"].chosen == "base"


def test_draws_begin_by_themselves_and_the_form_stays() -> None:
    (form,) = page().forms
    assert "load" in form["hx-trigger"]
    assert form["hx-target"] == "#drawn"
    assert "drawn" in page().ids
    assert list(page().choices["show.draws"].options) == list(DRAWS)


def test_the_draws_are_those_of_the_command(drawn: tuple[Seen, list[float]]) -> None:
    shown, told = drawn
    result = outlook(OutlookScenario("lift-off"), 2000, SEED)
    answer = {**result.to_json(), "society": society_block(result)}
    wanted = document(answer, Again("gigawatt outlook lift-off"))
    assert shown.headings[0] == (3, wanted.title)
    sections = shown.headings[1][0]  # parts of a section may have headings of their own
    assert [text for level, text in shown.headings[1:] if level == sections] == [
        *(one.title for one in wanted.sections), "What such forecasts were worth",
    ]  # fmt: skip
    told_as = [" ".join(glued(text).split()) for text in wanted.paragraphs]
    assert [text for text in shown.paragraphs if text in told_as] == told_as
    assert told == sorted(told)
    assert len(told) > 1


def test_every_figure_of_the_draws_has_a_table(drawn: tuple[Seen, list[float]]) -> None:
    shown, _ = drawn
    names = [name.partition("-")[2] for name in shown.figures]
    for name in ("feasible", "binding", "relief", "bands-electricity"):
        assert name in names
    assert len(shown.tables) >= len(names)


def test_hindcasts_are_told_with_a_way_to_the_rows(drawn: tuple[Seen, list[float]]) -> None:
    shown, _ = drawn
    whole, far = hindcast_scores()[OURS]
    words = next(text for text in shown.paragraphs if text.startswith("The models that carry"))
    assert f"{whole.forecasts:,} starting points" in words
    assert f"{100 * far.coverage_each:.0f} %" in words
    assert "/validation?show.table=outlook" in [address for address, _ in shown.links]
    assert shown.table("Costs of technologies").rows[-1][0].startswith(OURS)


def test_what_if_is_in_the_answer_and_in_the_file_that_makes_it_anew() -> None:
    settings = (("draws", "2000"), ("quantity", "run_growth"), ("value", "0.9"))
    _, fragment = work(Question("outlook-draws", STATE, settings), lambda words, share: None)
    shown = seen(fragment.html)
    table = shown.table("What this scenario puts in place")
    assert [row[0] for row in table.rows] == ["run_growth"]
    assert "gigawatt outlook mine.yaml --draws 2000" in fragment.html
    assert "run_growth: 0.9" in fragment.html


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"draws": "3"}, "draws"),
        ({"draws": "many"}, "draws"),
        ({"seed": "-1"}, "seed"),
        ({"quantity": "run_growth"}, "value"),
        ({"value": "1"}, "quantity"),
        ({"quantity": "no_such", "value": "1"}, "quantities.no_such"),
        ({"world": "atlantis"}, "scenario"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(settings: dict[str, str], key: str) -> None:
    question = Question("outlook-draws", STATE, tuple(sorted(settings.items())))
    with pytest.raises(InputError) as caught:
        work(question, lambda words, share: None)
    assert "\n" not in str(caught.value)
    assert caught.value.key == key
