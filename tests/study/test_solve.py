"""Inverse questions: the search against brute force, answers of the chain against all of its points."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.chain.asking import Asker
from gigawatt.core.errors import InputError
from gigawatt.schema.scenario import read_scenario
from gigawatt.studies.solve.crossing import crossings, read_comparison
from gigawatt.studies.solve.search import Position, Seen, Space, search
from gigawatt.studies.solve.solve import Question, solve
from gigawatt.studies.solve.space import check_limits, read_axis, read_limit

TEXAS = Path(__file__).parents[2] / "examples/llama-3.1-405b-texas.yaml"
SMALL = {
    "model": "llama-3.1-8b",
    "training.tokens": "1T tokens",
    "machine.count": 256,
    "supply.plants": ["grid", "wind"],
}


@pytest.fixture(scope="module")
def asker() -> Asker:
    """Eight billion parameters on a few hundred accelerators: tens of milliseconds a point."""
    return Asker(read_scenario(TEXAS), SMALL)


def looked(score: dict[Position, float], excess: dict[Position, float]):
    def look(position: Position, beat: float, depth: int) -> Seen:
        return Seen(position, score[position], excess[position])

    return look


@given(st.data())
@settings(max_examples=60, derandomize=True, deadline=None)
def test_a_small_space_is_searched_exactly(data: st.DataObject) -> None:
    """Whatever the landscape; brute force over all points is the oracle."""
    sizes = tuple(data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)))
    points = [tuple(map(float, p)) for p in itertools.product(*map(range, sizes))]
    numbers = st.floats(-5, 5, allow_nan=False)
    score = {p: data.draw(numbers) for p in points}
    excess = {p: data.draw(numbers) for p in points}
    free = data.draw(st.booleans())
    found = search(
        Space(sizes, (True,) * len(sizes)), looked(score, excess), peek=score.__getitem__ if free else None
    )
    kept = [p for p in points if excess[p] <= 0.0]
    assert found.exact
    if not kept:
        assert found.best is None
    else:
        assert found.best is not None
        assert found.best.score == min(score[p] for p in kept)


@given(st.integers(0, 199), st.integers(0, 199), st.integers(0, 3))
@settings(max_examples=40, derandomize=True, deadline=None)
def test_a_long_unknown_is_found_where_limits_are_monotone(edge: int, other: int, at: int) -> None:
    """The largest of 200 values that keeps a limit, in four combinations, by far fewer looks."""
    edges = [min(edge, other) // 2] * 4
    edges[at] = max(edge, other)
    looks: set[Position] = set()

    def look(position: Position, beat: float, depth: int) -> Seen:
        looks.add(position)
        return Seen(position, -position[1], position[1] - edges[int(position[0])])

    found = search(Space((4, 200), (False, True)), look, peek=lambda p: -p[1], every=10)
    assert found.best is not None
    assert found.best.position[1] == max(edges)
    assert len(looks) < 200


def test_an_island_of_what_keeps_the_limits_is_not_skipped() -> None:
    """Not monotone: the best lies in a second region, wide enough to show in the scan."""

    def excess(at: float) -> float:
        return -1.0 if at <= 40 or 150 <= at <= 176 else 1.0

    def look(position: Position, beat: float, depth: int) -> Seen:
        return Seen(position, -position[0], excess(position[0]))

    found = search(Space((200,), (True,)), look, peek=lambda p: -p[0], every=10)
    assert found.best is not None
    assert found.best.position == (176.0,)
    assert not any("bisected" in one for one in found.remarks)


@given(st.floats(0.05, 0.95), st.floats(0.05, 0.95))
@settings(max_examples=40, derandomize=True, deadline=None)
def test_a_continuous_unknown_meets_the_edge_or_the_bottom(bottom: float, edge: float) -> None:
    """(x − bottom)² with x ≥ edge: the larger of both, in closed form."""

    def look(position: Position, beat: float, depth: int) -> Seen:
        x = position[0]
        return Seen(position, (x - bottom) ** 2, edge - x)

    found = search(Space((0,), (True,)), look)
    assert found.best is not None
    assert found.best.position[0] == pytest.approx(max(bottom, edge), abs=2e-4)
    assert found.best.position[0] >= edge


def test_evolution_recovers_a_known_optimum() -> None:
    """Rastrigin's function on a grid of 41 × 41 and a continuous unknown: least at its centre."""

    def look(position: Position, beat: float, depth: int) -> Seen:
        x = [position[0] / 10 - 2.0, position[1] / 10 - 2.0, 4.0 * position[2] - 2.0]
        height = sum(v * v - 3.0 * math.cos(2.0 * math.pi * v) + 3.0 for v in x)
        return Seen(position, height, -1.0 if x[0] > -1.5 else 1.0)

    found = search(Space((41, 41, 0), (True, True, True)), look)
    assert found.best is not None
    assert found.best.position[:2] == (20.0, 20.0)
    assert found.best.score == pytest.approx(0.0, abs=1e-2)
    assert search(Space((41, 41, 0), (True,) * 3), look).best == found.best  # the same seed, the same answer


def brute(asker: Asker, question: Question) -> float | None:
    """The best objective over every point, each asked for on its own."""
    best = None
    for values in itertools.product(*(axis.values for axis in question.axes)):
        point = asker.at(dict(zip((axis.key for axis in question.axes), values, strict=True)))
        try:
            kept = all(one.excess(point.value(one.quantity).value) <= 1e-6 for one in question.limits)
            value = float(point.value(question.objective).value)
        except Exception:
            continue
        if kept and (best is None or (value > best if question.most else value < best)):
            best = value
    return best


@pytest.mark.parametrize(
    ("objective", "most", "limits"),
    [
        ("model.parameters", True, ("training.duration <= 10 days",)),
        ("model.parameters", True, ("training.duration <= 8 days", "machine.power_it <= 0.2 MW")),
        ("training.duration", False, ("machine.power_it <= 0.15 MW", "model.parameters >= 6000000000")),
        ("training.accelerator_hours", False, ("training.mfu >= 40 %",)),
    ],
)
@pytest.mark.parametrize("every", [1, 400])
def test_the_chain_gives_the_optimum_of_all_its_points(
    asker: Asker, objective: str, most: bool, limits: tuple[str, ...], every: int
) -> None:
    axes = (read_axis(asker, "model.parameters", "2B..20B"), read_axis(asker, "machine.count", "64|128|256"))
    bounds = tuple(read_limit(asker, one) for one in limits)
    question = Question(asker, axes, bounds, objective, most, every=every)
    answer = solve(question)
    assert answer.found
    assert answer.objective == brute(asker, question)
    assert answer.exact == (every == 400)
    for one in answer.kept:
        assert one.value is not None
        assert one.room >= -1e-6
        assert one.gain >= 0.0


def test_relaxing_says_what_the_wider_question_gives(asker: Asker) -> None:
    axes = (read_axis(asker, "model.parameters", "2B..20B"), read_axis(asker, "machine.count", "64|128|256"))
    limit = read_limit(asker, "training.duration <= 4 days")
    answer = solve(Question(asker, axes, (limit,), "model.parameters", True))
    wider = solve(Question(asker, axes, (limit.relaxed(0.1),), "model.parameters", True))
    assert answer.kept[0].wider == wider.objective
    assert answer.kept[0].stopped > 0


def test_no_answer_says_how_far_the_nearest_came(asker: Asker) -> None:
    axes = (read_axis(asker, "machine.count", "64|128|256"),)
    limit = read_limit(asker, "training.duration <= 1 days")
    answer = solve(Question(asker, axes, (limit,), "training.mfu", True))
    days = [asker.at({"machine.count": n}).value("training.duration").value for n in (64, 128, 256)]
    assert not answer.found
    assert answer.kept[0].value == min(days)
    assert answer.kept[0].room == pytest.approx(1.0 - min(days) / 86400.0)


def test_a_carbon_limit_is_told_to_the_plan(asker: Asker) -> None:
    question = Question(
        asker,
        (read_axis(asker, "machine.count", "128|256"),),
        (read_limit(asker, "supply.carbon_intensity <= 80 g/kWh"),),
        "ledger.run_cost",
        False,
    )
    answer = solve(question)
    assert answer.found
    assert answer.kept[0].value == pytest.approx(80.0 * 1e-3 / 3.6e6, rel=1e-4)
    assert any("supply.carbon_limit" in one for one in answer.notices)


def test_crossings_are_where_the_curves_cross(asker: Asker) -> None:
    axis = read_axis(asker, "training.tokens", "1T..30T tokens")
    left, right = read_comparison("training.duration <= 100 days", asker, None)
    found = crossings(axis, left, right)
    assert found.monotone
    assert len(found.found) == 1
    assert not found.found[0].holds
    tokens = float(found.found[0].after.split()[0]) * 1.0
    days = asker.at({"training.tokens": f"{tokens} tokens"}).value("training.duration").value / 86400.0
    assert days == pytest.approx(100.0, rel=1e-3)


def test_crossings_of_two_scenarios_over_whole_numbers(asker: Asker) -> None:
    other = Asker(read_scenario(TEXAS), {**SMALL, "training.tokens": "2T tokens", "machine.count": 512})
    axis = read_axis(asker, "training.runs", "1|2|4")
    left, right = read_comparison("other:training.duration <= training.duration", asker, other)
    found = crossings(axis, left, right)
    for words, mine, theirs, holds in found.rows:
        point = {"training.runs": int(words)}
        assert mine == other.at(point).value("training.duration").value
        assert theirs == asker.at(point).value("training.duration").value
        assert holds == (mine <= theirs)
    assert found.first == next((words for words, *_, holds in found.rows if holds), None)


@pytest.mark.parametrize(
    ("key", "text", "values"),
    [
        ("year", "2026..2029", (2026, 2027, 2028, 2029)),
        ("machine.count", "8..64 times 2", (8, 16, 32, 64)),
        ("machine.count", "64..128 step 32", (64, 96, 128)),
        ("supply.plants", "grid+solar|grid", (["grid", "solar"], ["grid"])),
        ("machine.power_cap", "400..500 W step 50 W", ("400.0 W", "450.0 W", "500.0 W")),
    ],
)
def test_ranges_are_read(asker: Asker, key: str, text: str, values: tuple[object, ...]) -> None:
    assert read_axis(asker, key, text).values == values


def test_a_continuous_range_is_written_back_in_its_unit(asker: Asker) -> None:
    axis = read_axis(asker, "machine.power_cap", "350..700 W")
    assert axis.continuous
    assert axis.at(0.0) == "350.0 W"
    assert axis.at(1.0) == "700.0 W"
    assert axis.words(axis.at(0.5)) == "525 W"


@pytest.mark.parametrize(
    ("key", "text", "words"),
    [
        ("machine.cuont", "8..64", "count"),
        ("year", "2032..2026", "an empty range"),
        ("training.tokens", "1..2 MW", "wrong kind of unit"),
        ("machine.power_cap", "300..400", "unit is missing"),
        ("machine.chip", "H100-SXM5-80GB|nonsense", "nonsense"),
        ("year", "2026..2060", "out of range"),
        ("model.parameters", "1..2", "no model of this family"),
        ("year", "a..b", "not a"),
    ],
)
def test_ranges_that_cannot_be_read_say_why(asker: Asker, key: str, text: str, words: str) -> None:
    with pytest.raises(InputError) as error:
        read_axis(asker, key, text)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("training.duratoin <= 3 days", "training.duration"),
        ("training.duration <= 3 MW", "wrong kind of unit"),
        ("training.duration < 3 days", "not a limit"),
        ("layouts.search <= 3", "not a number"),
    ],
)
def test_limits_that_cannot_be_read_say_why(asker: Asker, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_limit(asker, text)


def test_limits_that_contradict_or_repeat_are_refused(asker: Asker) -> None:
    low, high = (read_limit(asker, f"training.duration {s} days") for s in (">= 30", "<= 20"))
    with pytest.raises(InputError, match="contradict"):
        check_limits((low, high))
    with pytest.raises(InputError, match="twice"):
        check_limits((high, high.relaxed(0.1)))
