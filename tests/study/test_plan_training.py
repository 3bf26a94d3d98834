"""Planning a run: against the chain, against conservation, against published sizes of a family."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from gigawatt.chain.machine.accelerator_price import power_of
from gigawatt.chain.machine.resources import RESOURCES, resources
from gigawatt.chain.machine.sizing import round_counts
from gigawatt.chain.training.inverse import largest_model, smallest_cluster
from gigawatt.chain.training.pareto import pareto_front
from gigawatt.chain.training.plan import Plan, count_for_power, plan_training
from gigawatt.chain.training.question import TrainingQuestion, read_question
from gigawatt.chain.training.relief import relieve
from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.performance import enumerate_layouts, evaluate, search
from gigawatt.performance.exact import exact_steps
from gigawatt.performance.layouts import COLUMNS
from gigawatt.performance.search import floor_of, front, memory_of, non_dominated
from gigawatt.performance.step import prepare
from gigawatt.schema.pins import read_pins
from gigawatt.studies.training.answer import as_answer
from gigawatt.workload import read_architecture
from gigawatt.workload.sized import scaled_architecture
from sampled import sampled

BAND = {"low": 0.8, "high": 1.3, "coverage": 0.9, "groups": 20}
WIDE = ("schedule", "shard", "offload")


@pytest.fixture(scope="module")
def question() -> TrainingQuestion:
    return read_question(model="llama-3.1-8b", chip="H100-SXM5-80GB", sequence="8192", batch="256")


@pytest.fixture(scope="module")
def plan(question: TrainingQuestion) -> Plan:
    return plan_training(question, 64)


@pytest.mark.parametrize(
    ("model", "chip", "count", "batch"),
    sampled(
        [
            ("llama-3.1-8b", "H100-SXM5-80GB", 16, "64"),
            ("gpt3-175b", "A100-SXM4-80GB", 128, "128"),
            ("qwen3-30b-a3b", "H100-SXM5-80GB", 24, "48"),
        ],
        1,
    ),
)
def test_what_is_skipped_cannot_be_best(model: str, chip: str, count: int, batch: str) -> None:
    ask = read_question(model=model, chip=chip, batch=batch, sequence="4096", widen=WIDE)
    cluster, run = ask.cluster(count)[0], ask.run(count)
    found = search(run, cluster, ask.stack, top=20, widen=WIDE)
    layouts = enumerate_layouts(run, cluster, None, WIDE)
    prepared = prepare(run, layouts, cluster, ask.stack)
    memory, floor = memory_of(prepared, layouts, slice(None)), floor_of(prepared, layouts)
    whole = evaluate(run, layouts, cluster, ask.stack)
    assert np.array_equal(memory, whole.memory_total)
    assert np.all(floor <= whole.step_time)
    assert found.looked_at == len(layouts)
    assert found.fit == whole.fits.sum()
    assert found.in_full < found.fit
    quickest = np.argsort(np.where(whole.fits, whole.step_time, np.inf), kind="stable")[:20]
    assert np.array_equal(found.best.step_time, whole.step_time[quickest])
    for name in COLUMNS:
        assert np.array_equal(getattr(found.best.layouts, name), getattr(layouts, name)[quickest])


def test_exact_schedules_agree_with_the_formula_for_one_stage_and_stay_close(plan: Plan) -> None:
    best = plan.search.best
    alone = best.layouts.pipeline == 1
    np.testing.assert_allclose(plan.exact.step_time[alone], best.step_time[alone], rtol=1e-9)
    found = search(plan.run, plan.cluster, plan.question.stack, {"pipeline": 4}, top=50).best
    prepared = prepare(plan.run, found.layouts, plan.cluster, plan.question.stack)
    exact = exact_steps(prepared, found.layouts, np.arange(len(found)), found)
    assert np.all(exact.bubble > 0.0)
    assert np.all(np.abs(exact.step_time / found.step_time - 1.0) < 0.1)


def test_front_is_that_of_all_layouts(plan: Plan) -> None:
    run, cluster, stack = plan.run, plan.cluster, plan.question.stack
    found = front(run, cluster, stack)
    whole = evaluate(run, enumerate_layouts(run, cluster), cluster, stack)
    energy = sum(whole.energy.values())
    points = np.column_stack([whole.step_time, energy])[whole.fits]
    mine = np.column_stack([found.best.step_time, sum(found.best.energy.values())])
    kept = points[non_dominated(points)]
    np.testing.assert_allclose(mine, kept[np.argsort(kept[:, 0])], rtol=1e-12)


def test_non_dominated_of_made_points() -> None:
    points = np.array([[1.0, 5.0], [2.0, 2.0], [2.0, 2.0], [3.0, 3.0], [5.0, 1.0]])
    assert non_dominated(points).tolist() == [True, True, False, False, True]


def test_answer_adds_up(plan: Plan) -> None:
    answer = as_answer(plan, band=BAND)
    assert sum(answer["parts_s"].values()) == pytest.approx(answer["step_time_s"])
    assert sum(answer["goodput_parts"].values()) == pytest.approx(1.0)
    assert sum(answer["cost_parts_USD"].values()) == pytest.approx(answer["cost_USD"])
    assert answer["best"][0]["step_time_s"] == answer["step_time_s"]
    assert sum(answer["best"][0]["memory_parts_GB"].values()) == pytest.approx(answer["best"][0]["memory_GB"])
    work = answer["steps"] * answer["step_time_s"] / 86400.0
    assert answer["days"] == pytest.approx(work / answer["goodput"] * (1.0 + answer["overhead"]))
    assert answer["days_low"] < answer["days"] < answer["days_high"]
    assert answer["goodput_low"] < answer["goodput"] < answer["goodput_high"]
    hours = answer["days"] * 24.0
    assert answer["energy_MWh"] == pytest.approx(answer["power_MW"]["it_mean"] * hours * answer["pue"])
    machine = answer["chip_hour_USD"] * hours * answer["count"]
    assert answer["cost_parts_USD"]["machine_and_building"] == pytest.approx(machine)
    power = answer["power_MW"]
    assert power["it_mean"] < power["it_design"]
    assert power["it_mean"] < power["facility_peak"] < power["it_design"] * answer["pue_peak"]
    degrees = answer["best"][0]
    assert math.prod(degrees[k] for k in ("tensor", "pipeline", "context", "data")) == answer["count"]


def test_defaults_are_listed_and_what_is_given_is_not() -> None:
    bare = read_question(model="deepseek-v3", chip="H800")
    assert bare.tokens == 14.8e12
    keys = {one.key for one in bare.assumptions}
    assert {"training.tokens", "training.sequence", "software.stack", "scenario.year", "site.name"} <= keys
    given = read_question(
        model="deepseek-v3", chip="H800", tokens="1T tokens", sequence="4096", batch="16M tokens", year=2025,
        number_format="fp8", framework="hai-llm", pue=1.2, electricity="50 $/MWh", optimizer="adam-megatron",
    )  # fmt: skip
    left = {one.key for one in given.assumptions}
    assert not left & {"training.tokens", "training.sequence", "software.stack", "scenario.year", "site.name"}
    assert given.electricity == pytest.approx(50 / 3.6e9)
    unknown = read_question(model="gpt-39.1b", chip="A100-SXM4-80GB")  # nobody published its tokens
    assert unknown.tokens == 20.0 * unknown.architecture.active_parameters


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"tokens": "5 W"}, "tokens: .* wrong kind of unit"),
        ({"oversubscription": float("inf")}, "oversubscription: not a finite number"),
        ({"year": 1900}, "year: out of range"),
        ({"widen": ("tensor",)}, "widen: this column is always searched"),
        ({"widen": ("shards",)}, "widen: no such column .* did you mean 'shard'"),
        ({"sequence": "0"}, "sequence: not a count"),
        ({"batch": "2.5 sequences"}, "not a batch"),
        ({"pue": 0.9}, "below one"),
        ({"number_format": "fp4"}, "does not support this number format"),
        ({"pins": {"tp": 8}}, "no such layout column"),
        ({"pins": {"recompute": "some"}}, "recompute: unknown value"),
        ({"pins": {"shard": "some"}}, "shard: not a degree; .* allowed: all, a whole number"),
        ({"pins": {"offload": "al"}}, "offload: unknown value; .* did you mean 'all'"),
        ({"reliability": "node"}, "not a cluster"),
        ({"framework": "megatorn"}, "no such framework"),
    ],
)
def test_bad_input_is_one_line(given: dict, words: str) -> None:
    with pytest.raises(InputError, match=words) as raised:
        read_question(model="llama-3.1-8b", chip="H100-SXM5-80GB", **given)
    assert "\n" not in str(raised.value)


def test_pins_by_word_and_number() -> None:
    pins = read_pins({"recompute": "full", "schedule": "zb-h1", "tensor": "8", "offload": "optimizer"})
    assert pins == {"recompute": 2, "schedule": 1, "tensor": 8, "offload": 1}


def test_power_limits_the_count(question: TrainingQuestion) -> None:
    limit = 1e6
    count = count_for_power(question, limit)
    drawn = plan_training(question, count, top=1).peak
    assert 0.85 * limit < drawn <= limit < power_of(question, count).facility  # at its limit it draws more
    with pytest.raises(InfeasibleError, match=f"at most {count} accelerators"):
        plan_training(question, 4096, limit=limit)


def test_a_power_buys_no_accelerators_that_make_a_run_no_quicker() -> None:
    question = read_question(model="llama-3.1-70b", chip="B200", tokens="15T")
    count = count_for_power(question, 1e9)
    used = question.trial.fit(count)
    more = question.trial.fit(917_504)  # what 1 GW feeds at the low power of its step: 417,248 would be spare
    assert more.seconds > 0.999 * used.seconds
    assert used.used > 0.7 * count


def test_relief_of_every_resource(plan: Plan) -> None:
    found = {one.resource: one for one in relieve(plan)}
    assert set(found) == set(resources(None)) == set(RESOURCES) - {"power_cap"}
    for one in found.values():
        assert one.step <= one.step_held * (1.0 + 1e-9)  # a new search finds the held layout too
        assert 0.0 <= one.gain < 0.5 + 1e-9  # twice one resource never halves more than the whole
        assert one.gain >= one.gain_held - 1e-9
    assert found["memory_capacity"].gain_held == 0.0
    assert found["memory_capacity"].fits >= plan.search.fit
    assert found["mtbf"].step == plan.search.best.step_time[0]
    assert found["mtbf"].gain > 0.0
    assert found["arithmetic"].gain == max(one.gain for one in found.values())
    gains = [one.gain for one in relieve(plan, factor=4.0)]
    assert gains == sorted(gains, reverse=True)
    with pytest.raises(InputError, match="not a relief"):
        relieve(plan, factor=1.0)


def test_pareto_over_counts(plan: Plan) -> None:
    found, looked_at = pareto_front(plan, counts=(32, 64, 128))
    assert {one.count for one in found} == {32, 64, 128}
    assert looked_at > 1000
    points = np.array([[one.seconds, one.count, one.energy, one.cost] for one in found])
    assert non_dominated(points).all()
    mine = min((one for one in found if one.count == 64), key=lambda one: one.seconds)
    assert mine.seconds == pytest.approx(plan.outcome.seconds[0])


def test_counts_are_whole_nodes_with_four_digits() -> None:
    numbers = []
    for count in round_counts(0.0, 8):
        numbers.append(count)
        if count > 5000:
            break
    assert numbers[:3] == [8, 16, 24]
    assert numbers == sorted(set(numbers))
    for count in numbers:
        assert count % 8 == 0
        assert count // (count & -count) < 16
    every = {n for n in range(8, numbers[-1] + 1, 8) if n // (n & -n) < 16}
    assert set(numbers) == every


@pytest.mark.apart
def test_smallest_cluster_is_the_first_that_is_in_time(question: TrainingQuestion) -> None:
    small = replace(question, tokens=2e11)
    deadline = 20 * 86400.0
    found = smallest_cluster(small, deadline)
    assert found.plan.days * 86400.0 <= deadline
    assert all(one.days is None or one.days * 86400.0 > deadline for one in found.attempts[:-1])
    assert found.attempts[-1].count == found.plan.cluster.count
    sooner = smallest_cluster(small, deadline / 2)
    assert sooner.plan.cluster.count > found.plan.cluster.count
    with pytest.raises(InfeasibleError, match="the shortest"):
        smallest_cluster(small, 60.0)
    with pytest.raises(InfeasibleError, match="the power feeds"):
        smallest_cluster(small, deadline / 40, limit=2e5)


@pytest.mark.parametrize(("layers", "name"), [(40, "gpt3-13b"), (32, "gpt3-6.7b")])
def test_scaling_gpt3_gives_its_smaller_models(layers: int, name: str) -> None:
    """Brown et al. 2020, table 2.1: the models of 128 wide heads and 128 of width a layer."""
    made, known = scaled_architecture(read_architecture("gpt3-175b"), layers), read_architecture(name)
    assert made.parameters == known.parameters
    assert made.hidden == known.hidden
    assert made.blocks[0].attention == known.blocks[0].attention


@pytest.mark.parametrize("model", ["llama-3.1-405b", "deepseek-v3", "gpt-oss-120b", "gemma-2-27b"])
def test_scaled_models_are_whole(model: str) -> None:
    base = read_architecture(model)
    assert scaled_architecture(base, base.layers) is base
    sizes = []
    for layers in range(8, 2 * base.layers, 8):
        made = scaled_architecture(base, layers)
        assert len(made.order) == layers
        assert sum(block.count for block in made.blocks if block.role == "layer") == layers
        assert made.active_parameters <= made.parameters.total
        sizes.append(made.parameters.total)
    assert sizes == sorted(sizes)


def test_largest_model_is_in_time_and_a_larger_one_is_not(question: TrainingQuestion) -> None:
    found = largest_model(question, 20 * 86400.0, count=64)
    assert found.plan.days <= 20.0
    assert all(one.days is None or one.days > 20.0 for one in found.attempts[:-1])
    model = found.plan.question.architecture
    assert found.plan.question.tokens == pytest.approx(20.0 * model.active_parameters)
    longer = largest_model(question, 40 * 86400.0, count=64)
    assert longer.plan.question.architecture.parameters.total > model.parameters.total
    with pytest.raises(InputError, match="the largest model needs a machine"):
        largest_model(question, 86400.0)


def test_layout_columns_stand_in_the_answer(plan: Plan) -> None:
    assert set(COLUMNS) <= set(as_answer(plan, band=BAND)["best"][0])
