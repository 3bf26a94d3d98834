"""Reinforcement learning as a run: closed forms of a step, and that every choice does what it says."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gigawatt.chain.asking import Asker
from gigawatt.chain.training.rl.outputs import Outputs
from gigawatt.core.errors import GigawattError
from gigawatt.performance.serving.rollout import schedule
from gigawatt.schema.changed import scenario_of
from gigawatt.serving.lengths import read_lengths

BASE: dict[str, Any] = {
    "model": "llama-3.1-8b", "rl.steps": 100, "rl.prompts": 64, "rl.samples": 8, "rl.prompt": "200",
    "rl.response": "lognormal(median=700, p90=2000)", "machine.chip": "H100", "machine.count": 16,
    "site.name": "virginia", "supply.price": "60 $/MWh", "year": 2025,
}  # fmt: skip


@cache
def _asker(given: tuple[tuple[str, Any], ...]) -> Asker:
    return Asker(scenario_of({**BASE, **dict(given)}, Path("question")))


def ask(name: str, **changes: Any) -> Any:
    given = {key.replace("__", "."): value for key, value in changes.items()}
    return _asker(tuple(sorted(given.items()))).at({}).value(name).value


def test_the_parts_of_a_step_add_up() -> None:
    parts = ("rollout", "reward", "logprob", "update", "sync")
    whole = sum(ask(f"rl.{one}_time", rl__reward="llama-3.1-8b") for one in parts)
    assert ask("training.step_time", rl__reward="llama-3.1-8b") == pytest.approx(whole)
    breakdown = ask("training.breakdown", rl__reward="llama-3.1-8b")
    assert sum(breakdown.values()) == pytest.approx(
        ask("training.effective_step_time", rl__reward="llama-3.1-8b")
    )


def test_outputs_of_one_token_leave_prompts_and_the_update() -> None:
    """A rollout that writes nothing beyond the token of its prompt's last pass decodes nothing."""
    found = ask("training.breakdown", rl__response="1", rl__logprobs="none")
    assert found.get("rollout_decode", 0.0) == found.get("rollout_tail", 0.0) == 0.0
    rest = ask("rl.update_time", rl__response="1") + ask("rl.sync_time", rl__response="1")
    step = ask("training.step_time", rl__response="1", rl__logprobs="none")
    assert step == pytest.approx(rest + found["rollout_prompts"])


def test_the_update_is_the_training_run_of_the_same_tokens() -> None:
    """Alike outputs of 1,000 + 200 tokens are sequences of 1,200: what `training` alone makes of them."""
    alone = Asker(scenario_of({
        **{key: value for key, value in BASE.items() if not key.startswith("rl.")},
        "training.tokens": f"{512 * 1200 * 100} tokens", "training.sequence": "1200 tokens",
        "training.global_batch": f"{512 * 1200} tokens",
    }, Path("question"))).at({})  # fmt: skip
    step, tokens = (alone.value(f"training.{one}").value for one in ("step_time", "tokens_per_step"))
    assert ask("rl.update_time", rl__response="1000") == pytest.approx(step * 512 * 1200 / tokens)
    assert ask("training.tokens", rl__response="1000") == 512 * 1200 * 100


def test_twice_the_samples_are_at_most_twice_the_step() -> None:
    one, two = (ask("training.step_time", rl__samples=number) for number in (8, 16))
    assert one < two < 2.0 * one
    tokens = [ask("training.tokens_per_step", rl__samples=number) for number in (8, 16)]
    assert tokens[1] == pytest.approx(2.0 * tokens[0])


def test_epochs_and_steps_multiply() -> None:
    assert ask("rl.update_time", rl__epochs=3) == pytest.approx(3.0 * ask("rl.update_time"))
    assert ask("training.duration", rl__steps=300) == pytest.approx(3.0 * ask("training.duration"))
    assert ask("rl.logprob_time", rl__logprobs="both") == pytest.approx(
        2.0 * ask("rl.logprob_time", rl__logprobs="policy")
    )
    assert ask("rl.logprob_time", rl__logprobs="none") == ask("rl.reward_time", rl__reward="rule") == 0.0


def test_spread_alone_lengthens_a_rollout() -> None:
    """The same tokens in the mean, but the longest holds the step."""
    wide = "lognormal(median=700, p90=2000)"
    mean = ask("rl.response_mean")
    even = str(round(mean))
    assert ask("rl.response_longest") > 5.0 * mean
    assert ask("rl.response_longest", rl__response=even) == round(mean)
    assert ask("rl.rollout_time", rl__response=wide) > 2.0 * ask("rl.rollout_time", rl__response=even)
    assert ask("rl.tail") > 0.3
    assert ask("rl.tail", rl__response=even) == 0.0


def test_asynchronous_is_no_slower_than_one_after_the_other_on_the_same_accelerators() -> None:
    """With as many accelerators for each side as a colocated run has in all, the longer side is the step."""
    apart = {"rl__mode": "asynchronous", "rl__rollout_share": "50 %", "machine__count": 32}
    together = ask("training.step_time")
    assert ask("training.step_time", **apart) <= together
    sides = ask("rl.rollout_time", **apart), ask("rl.update_time", **apart) + ask("rl.logprob_time", **apart)
    assert ask("training.step_time", **apart) == pytest.approx(max(sides) + ask("rl.sync_time", **apart))
    assert ask("machine.used", **apart) == 32
    assert ask("rl.accelerators", **apart) == 16


def test_a_balanced_division_beats_lopsided_ones() -> None:
    apart = {"rl__mode": "asynchronous", "machine__count": 32}
    best = ask("training.step_time", **apart)
    for share in ("25 %", "75 %"):
        assert best <= 1.02 * ask("training.step_time", **apart, rl__rollout_share=share)


def test_more_staleness_never_slows_rollouts() -> None:
    apart = {"rl__mode": "asynchronous", "rl__rollout_share": "50 %"}
    times = [ask("rl.rollout_time", **apart, rl__staleness=lag) for lag in (1, 2, 4, 8)]
    assert times == sorted(times, reverse=True)


def test_energy_is_of_the_whole_step() -> None:
    """Idle, node and network power for the time of the step; rollouts and passes beside the update."""
    energy, step = ask("machine.energy"), ask("training.step_time")
    chip = _asker(()).at({}).value("machine.chip").value
    assert energy["idle"] == pytest.approx(chip.idle_power * 16 * step)
    assert energy["rollouts"] > 0.0 < energy["forward_passes"]
    limit = chip.power_limit * 16
    above = sum(value for name, value in energy.items() if name not in ("node", "network"))
    assert above < limit * step
    assert ask("machine.step_power") == pytest.approx(sum(energy.values()) / step, rel=1e-3)


def test_money_and_carbon_follow_the_days() -> None:
    for name in ("ledger.run_cost", "carbon.run", "energy.run"):
        assert ask(name, rl__steps=200) == pytest.approx(2.0 * ask(name), rel=0.02)


def test_an_order_of_outputs_has_the_makespan_of_list_scheduling() -> None:
    """Two places, three of 4, 2 and 3 iterations: the third enters after the second, all end after 5."""
    found = schedule([4.0, 2.0, 3.0], weights=[1.0, 1.0, 1.0], places=2.0)
    assert found.iterations.tolist() == [2.0, 2.0, 1.0]
    assert found.running.tolist() == [2.0, 2.0, 1.0]
    assert found.written.tolist() == [1.0, 2.0, 2.5]
    assert found.waiting.tolist() == [True, False, False]
    many = schedule(np.full(64, 10.0), weights=np.ones(64), places=16.0)
    assert float(np.sum(many.iterations)) == 40.0


def test_every_token_is_decoded_once() -> None:
    random = np.random.default_rng(3)
    lengths, weights = random.integers(1, 500, 200).astype(float), random.uniform(0.5, 3.0, 200)
    found = schedule(lengths, weights=weights, places=40.0)
    assert float(np.sum(found.iterations * found.running)) == pytest.approx(float(np.sum(lengths * weights)))
    assert float(np.max(found.running)) <= 40.0


@pytest.mark.parametrize(
    ("text", "count", "expected"),
    [("uniform(1000, 0.5)", 1000, 1499.0), ("1000", 64, 1000.0), ("geometric(mean=100)", 1000, 748.0)],
)
def test_the_longest_of_many_draws(text: str, count: int, expected: float) -> None:
    """Against order statistics: a uniform's n/(n + 1), an exponential's mean × harmonic number."""
    outputs = Outputs(count, 1, read_lengths("1"), read_lengths(text))
    assert outputs.longest == pytest.approx(expected, rel=0.01)
    drawn = read_lengths(text).draw(200 * count, np.random.default_rng(0)).reshape(200, count)
    assert outputs.longest == pytest.approx(drawn.max(axis=1).mean(), rel=0.03)


@pytest.mark.parametrize("number", [1.0, 3.0, 100.0, 1000.0])
def test_outputs_of_a_replica_keep_their_number_and_mean(number: float) -> None:
    outputs = Outputs(512, 16, read_lengths("100"), read_lengths("lognormal(median=700, p90=2000)"))
    lengths, weights = outputs.of_replica(number)
    assert weights.sum() == pytest.approx(number)
    assert lengths.max() == pytest.approx(outputs.longest)
    if number >= 1000.0:
        assert float((lengths * weights).sum() / number) == pytest.approx(outputs.response, rel=0.03)


@pytest.mark.parametrize(
    ("changes", "key", "words"),
    [
        ({"rl.steps": None}, "rl.prompts", "rl.steps as well"),
        ({"rl.prompts": None}, "rl.prompts", "needed"),
        ({"rl.staleness": 2}, "rl.staleness", "rl.mode: asynchronous"),
        ({"rl.acceptance": "80 %"}, "rl.acceptance", "rl.guesses"),
        ({"rl.weights": "fp3"}, "rl.weights", "bf16"),
        ({"rl.cache": "int4"}, "rl.cache", "fp8"),
        ({"rl.engine": "vllm-2052"}, "rl.engine", "vllm-2025"),
        ({"rl.reward": "llama-9"}, "rl.reward", "rule"),
        ({"rl.response": "normal(3)"}, "rl.response", "lognormal"),
        ({"rl.minibatches": 1000}, "rl.minibatches", "at most 512"),
        ({"rl.replica": 3}, "rl.replica", "1, 2"),
        ({"rl.mode": "asynchronous", "machine.count": 1}, "rl.mode", "colocated"),
    ],
)
def test_what_cannot_be_is_one_clear_line(changes: dict[str, Any], key: str, words: str) -> None:
    values = {name: value for name, value in {**BASE, **changes}.items() if value is not None}
    if changes.get("rl.steps", 1) is None:
        values["training.tokens"] = "1T tokens"

    def answer() -> None:
        Asker(scenario_of(values, Path("question"))).at({}).value("training.step_time")

    with pytest.raises(GigawattError) as caught:
        answer()
    assert str(caught.value.key).startswith(key)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
