"""Speculative decoding by measured acceptance: it pays at small batches and not at large ones."""

from __future__ import annotations

import pytest

from gigawatt import catalog
from gigawatt.chain.serving.question import ServingQuestion
from gigawatt.chain.serving.reader import read_serving_question
from gigawatt.chain.serving.replica import degrees_of, tables_of
from gigawatt.core.errors import InputError
from gigawatt.performance.serving.step_tables import StepTables, iteration_cost
from gigawatt.serving import EngineOptions, Fleet, Requests, simulate
from gigawatt.serving.outcome import summarise
from gigawatt.serving.speculation import read_speculation


def question(model: str = "llama-3.1-70b", chip: str = "H100", **words: object) -> ServingQuestion:
    return read_serving_question(model=model, chip=chip, weights="fp8", **words)  # type: ignore[arg-type]


def tables(asked: ServingQuestion, tensor: int = 8) -> StepTables:
    return tables_of(asked, asked.cluster(64)[0], degrees_of(tensor=tensor))


def gains(base: StepTables, drafted: StepTables, batches: tuple[int, ...], context: float) -> list[float]:
    """Tokens a second with drafts over those without."""
    return [
        float(
            iteration_cost(base, decoding=n, context=context)[0]
            / iteration_cost(drafted, decoding=n, context=context)[0]
        )
        * drafted.accepted
        for n in batches
    ]


@pytest.mark.parametrize("guesses", [3, 7])
def test_the_gain_falls_with_the_batch(guesses: int) -> None:
    base, drafted = tables(question()), tables(question(speculation="eagle3", guesses=guesses))
    found = gains(base, drafted, (4, 32, 128, 512), 256.0)
    assert found == sorted(found, reverse=True)
    assert 1.5 < found[0] <= drafted.accepted
    assert drafted.verified == 1 + guesses


def test_the_crossover() -> None:
    """Drafts multiply the tokens that are checked: compute-bound, they cost more than they give."""
    base, drafted = tables(question()), tables(question(speculation="eagle3", guesses=7))
    small, large = gains(base, drafted, (1, 1024), 128.0)
    assert small > 1.5
    assert large < 1.0


def test_the_crossover_by_events() -> None:
    asked, drafts = question(), question(speculation="eagle3", guesses=7)
    rates = []
    for one in (asked, drafts):
        fleet = Fleet(tables(one))
        for running in (1, 512):
            count = 8 * running
            requests = Requests([0.0] * count, [64] * count, [64] * count)
            options = EngineOptions(max_sequences=512, prefix_caching=False)
            done = simulate(requests, fleet, options, concurrency=running)
            rates.append(summarise(done, requests).output_rate)
    assert rates[2] > 1.5 * rates[0]
    assert rates[3] < rates[1]


def test_the_gain_on_kimi_is_as_measured() -> None:
    """Oracle: 2.03, 1.71 and 1.66 at concurrency 1, 4 and 16 (Kimi-K2.6, EAGLE 3.1, mixed prompts); the
    acceptance here is of coding prompts, which is higher."""
    base, drafted = (
        tables(read_serving_question(model="kimi-k2.5", chip="H200", **more), 16)  # type: ignore[arg-type]
        for more in ({}, {"speculation": "eagle3"})
    )
    for found, measured in zip(gains(base, drafted, (1, 4, 16), 1500.0), (2.03, 1.71, 1.66), strict=True):
        assert measured < found < 1.35 * measured


def test_a_row_a_method_and_a_mean() -> None:
    mine = read_speculation("eagle3", model="kimi-k2.5", guesses=4)
    assert (mine.accepted, mine.own) == (3.24, True)
    assert read_speculation("kimi-k2.5-eagle3", model="llama-3.1-8b", guesses=4).accepted == 3.24
    mean = read_speculation("eagle3", model="llama-3.1-8b")
    assert mean.guesses == 3
    assert not mean.own
    assert mean.accepted == pytest.approx((2.88 + 2.83 + 2.24) / 3)


def test_no_row_gains_more_than_it_drafts() -> None:
    for row in catalog.table("speculation").values():
        for count in range(1, 9):
            value = row.get(f"accepted_{count}")
            assert value is None or 1.0 < value <= 1.0 + count


def test_the_drafter_is_listed_and_takes_memory() -> None:
    plain, drafted = question("llama-3.1-8b"), question("llama-3.1-8b", speculation="eagle3")
    assert "serving.drafter" in {one.key for one in drafted.assumptions}
    assert any("eagle3 was not measured on llama-3.1-8b" in notice for notice in drafted.notices)
    assert drafted.architecture.parameters.total == plain.architecture.parameters.total
    assert tables(drafted, 1).capacity < tables(plain, 1).capacity


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"speculation": "eagle4"}, "no such speculation; given 'eagle4'.*did you mean 'eagle3'"),
        ({"speculation": "eagle3", "guesses": 12}, "not measured with this number of draft tokens; given 12"),
        ({"speculation": "p-eagle", "guesses": 4}, r"given 4; allowed: 3, 7"),
        ({"speculation": "eagle3", "acceptance": 0.7}, "the acceptance is given twice"),
    ],
)
def test_bad_words(words: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        question("llama-3.1-8b", **words)
