"""Power caps, goodput and several sites in plans and in the chain: conservation, limits, agreement."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gigawatt.chain.machine.accelerator_price import power_of
from gigawatt.chain.machine.resources import RESOURCES
from gigawatt.chain.study import Study
from gigawatt.chain.training.caps import cap_sweep, power_choice
from gigawatt.chain.training.lasting import duration_of
from gigawatt.chain.training.plan import Plan, count_for_power, plan_training
from gigawatt.chain.training.question import TrainingQuestion, read_question
from gigawatt.chain.training.relief import relieve
from gigawatt.chain.training.sites import ALLOWED, Sites, across, method_names, reach
from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.core.result import Result
from gigawatt.machine.clocks import clock_model, least_cap
from gigawatt.performance import StepTable, capped, capped_search, enumerate_layouts, evaluate, search
from gigawatt.performance.power import chip_power_of
from gigawatt.studies.training.answer import as_answer

BAND = {"low": 0.8, "high": 1.3, "coverage": 0.9, "groups": 20}
LIMIT, CAP = 700.0, 400.0


@pytest.fixture(scope="module")
def question() -> TrainingQuestion:
    return read_question(
        model="llama-3.1-8b", chip="H100-SXM5-80GB", tokens="1T tokens", sequence="4096", batch="512",
        year=2026, pue=1.2, electricity="60 $/MWh",
    )  # fmt: skip


@pytest.fixture(scope="module")
def plan(question: TrainingQuestion) -> Plan:
    return plan_training(question, 64, top=5)


@pytest.fixture(scope="module")
def free(plan: Plan) -> StepTable:
    return evaluate(plan.run, enumerate_layouts(plan.run, plan.cluster), plan.cluster, plan.question.stack)


def of_chips(table: StepTable, count: int) -> np.ndarray:
    """Mean watts of one chip in a step."""
    joules = sum(v for k, v in table.energy.items() if k not in ("node", "network"))
    return np.asarray(joules) / table.step_time / count


def test_at_its_own_limit_no_time_changes_and_no_chip_passes_it(plan: Plan, free: StepTable) -> None:
    for cap in (None, LIMIT, 2.0 * LIMIT):
        held = capped(free, plan.cluster, cap)
        assert np.array_equal(held.step_time, free.step_time)
        assert np.array_equal(held.mfu, free.mfu)
        assert np.all(of_chips(held, 64) <= LIMIT * (1.0 + 1e-9))
        for name in ("idle", "node", "network", "scale_up", "scale_out"):
            np.testing.assert_allclose(held.energy[name], free.energy[name], rtol=1e-12)


@pytest.mark.parametrize("cap", [550.0, CAP, 200.0])
def test_a_cap_is_kept_and_nothing_is_lost(plan: Plan, free: StepTable, cap: float) -> None:
    held = capped(free, plan.cluster, cap)
    settled = chip_power_of(free, plan.cluster.chip, 64.0, cap)
    np.testing.assert_allclose(sum(held.parts.values()), held.step_time, rtol=1e-12)
    np.testing.assert_allclose(held.step_time, settled.step_time, rtol=1e-12)
    np.testing.assert_allclose(of_chips(held, 64) * held.step_time, settled.energy, rtol=1e-9)
    links = (held.energy["scale_up"] + held.energy["scale_out"]) / held.step_time / 64.0
    assert np.all(of_chips(held, 64) - links <= cap * (1.0 + 1e-9))
    assert np.all(held.step_time >= free.step_time)
    np.testing.assert_allclose(held.mfu * held.step_time, free.mfu * free.step_time, rtol=1e-12)
    np.testing.assert_allclose(
        held.tokens_per_second * held.step_time, free.tokens_per_second * free.step_time, rtol=1e-12
    )
    for name in ("memory_bandwidth", "interconnect_bandwidth", "interconnect_latency", "launch"):
        assert np.array_equal(held.parts[name], free.parts[name])


def test_a_capped_search_finds_the_best_of_all_layouts(plan: Plan, free: StepTable) -> None:
    stack = plan.question.stack
    for cap in (None, 500.0, 300.0):
        held = capped(free, plan.cluster, cap)
        order = np.argsort(np.where(held.fits, held.step_time, np.inf), kind="stable")[:5]
        found = capped_search(plan.run, plan.cluster, stack, top=5, cap=cap)
        np.testing.assert_allclose(found.best.step_time, held.step_time[order], rtol=1e-12)
        assert found.fit == free.fits.sum()
    plain = search(plan.run, plan.cluster, stack, top=len(plan.search.best), kinds=True).best
    assert np.array_equal(plain.step_time, plan.search.best.step_time)


def test_a_capped_plan(question: TrainingQuestion, plan: Plan) -> None:
    held = plan_training(replace(question, cap=CAP), 64, top=5)
    assert held.days > plan.days
    assert held.clock[0] < 1.0 == plan.clock[0]
    assert held.power.facility == pytest.approx(plan.power.facility - 64 * 1.2 * (LIMIT - CAP))
    alone = held.search.best.layouts.pipeline == 1
    np.testing.assert_allclose(held.exact.step_time[alone], held.search.best.step_time[alone], rtol=1e-9)
    gains = {one.resource: one for one in relieve(held)}
    assert set(gains) == set(RESOURCES)
    twice = gains["power_cap"]
    assert twice.step == pytest.approx(plan.search.best.step_time[0])  # 800 W: its own limit
    # slower under the cap, arithmetic is more of the step: more of it for the same watts gains more
    assert gains["arithmetic"].gain > {one.resource: one for one in relieve(plan)}["arithmetic"].gain > 0.0


def test_a_sweep_begins_at_the_plan_and_finds_the_least(plan: Plan) -> None:
    found = cap_sweep(plan)
    assert found.caps[0] == LIMIT
    assert found.caps[-1] >= least_cap(clock_model(plan.cluster.chip))
    assert found.step_time[0] == pytest.approx(plan.search.best.step_time[0])
    assert found.energy[0] == pytest.approx(plan.outcome.energy[0])
    assert found.cost[0] == pytest.approx(plan.outcome.cost[0])
    assert np.all(np.diff(found.step_time) >= 0.0)
    assert np.all(np.diff(found.clock) <= 1e-12)
    assert np.all(found.chip_power <= found.caps * (1.0 + 1e-9))
    assert found.energy[found.frugal] == found.energy.min() <= found.energy[0]
    assert found.energy[-1] > found.energy.min()  # idle power takes over: the least lies between
    assert found.cost[found.cheapest] == found.cost.min()
    held = plan_training(replace(plan.question, cap=float(found.caps[8])), 64, top=5)
    assert held.search.best.step_time[0] <= found.step_time[8] * (1.0 + 1e-9)  # a new search finds it too


def test_more_than_the_power_feeds_fits_with_a_cap(question: TrainingQuestion) -> None:
    free = plan_training(question, 64, top=1)
    assert plan_training(question, 64, limit=1.001 * free.peak, top=1).question.cap is None
    limit = 0.85 * free.peak
    held = plan_training(question, 64, limit=limit, top=1)
    assert held.peak == pytest.approx(limit, rel=1e-3)
    assert held.outcome.seconds[0] > free.outcome.seconds[0]
    assert any("all 64 fit with a cap" in notice for notice in held.notices)
    choice = power_choice(held, question)
    assert choice is not None
    assert choice.fewer is not None
    fewer = choice.fewer.count
    assert fewer == count_for_power(question, limit) < 64
    assert choice.fewer.peak <= limit
    assert power_choice(plan_training(question, 64, top=1), question) is None
    rows = as_answer(held, band=BAND, choice=choice)["power_choice"]
    assert [row["count"] for row in rows] == [64, choice.fewer.count]
    with pytest.raises(InfeasibleError, match="more than any power cap can save"):
        plan_training(question, 64, limit=0.3 * power_of(question, 64).facility)


def test_caps_that_cannot_be(question: TrainingQuestion) -> None:
    given = {"model": "llama-3.1-8b", "chip": "H100-SXM5-80GB", "pue": 1.2, "electricity": "60 $/MWh"}
    with pytest.raises(InputError, match="out of range"):
        read_question(**given, cap="0 W")
    with pytest.raises(InputError, match="the unit is missing"):
        read_question(**given, cap="500")
    loose = read_question(**given, cap="900 W")
    assert loose.cap is None
    assert any("has no effect" in notice for notice in loose.notices)
    with pytest.raises(InfeasibleError, match="cannot be held below its idle power"):
        plan_training(replace(question, cap=20.0), 64)


# several sites


@pytest.fixture(scope="module")
def spread(plan: Plan) -> Sites:
    return across(plan, sites=2, distance=1e6, bandwidth=5e10, methods=method_names(None))


def test_sites_and_their_lines(plan: Plan, spread: Sites) -> None:
    ways = {way.method: way for way in spread.ways}
    assert ways["data-parallel"].found.exposed > ways["data-parallel-overlap"].found.exposed
    assert ways["data-parallel"].found.tokens == 1.0
    assert ways["diloco"].found.tokens > 1.0
    best = ways["streaming-diloco"]
    assert best.days_low <= best.days <= best.days_high
    base = duration_of(plan.run, plan.question.overhead, spread.step_time, plan.share) / 86400.0
    assert ways["data-parallel"].days == pytest.approx(base * float(ways["data-parallel"].found.slowdown))
    for way in spread.ways:
        if not np.isfinite(way.bandwidth):
            continue
        again = across(plan, sites=2, distance=1e6, bandwidth=way.bandwidth, methods=[way.method]).ways[0]
        assert float(again.found.slowdown) <= 1.0 + ALLOWED + 1e-9
        less = across(plan, sites=2, distance=1e6, bandwidth=way.bandwidth / 2.0, methods=[way.method])
        assert float(less.ways[0].found.slowdown) > float(again.found.slowdown)
        needed = spread.needed[way.method]
        assert np.all(np.diff(needed) >= 0.0)  # farther never needs less
        assert reach(needed, spread.distances, way.bandwidth) >= 1e6 * (1.0 - 1e-9)


def test_next_door_with_wide_lines_is_one_site(plan: Plan) -> None:
    near = across(plan, sites=2, distance=1.0, bandwidth=1e15, methods=["data-parallel"])
    assert float(near.ways[0].found.slowdown) == pytest.approx(1.0, abs=1e-3)
    assert near.ways[0].days == pytest.approx(plan.days, rel=0.1)  # half the batch on half the machine


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"sites": 1}, "too few sites"),
        ({"sites": 3}, "do not divide the accelerators"),
        ({"methods": ["gossip"]}, "no such method"),
        ({"distance": -1.0}, "out of range"),
        ({"distance": 1e12}, "too far"),
    ],
)
def test_bad_sites_are_one_line(plan: Plan, given: dict, words: str) -> None:
    asked = {"sites": 2, "distance": 1e6, "bandwidth": 5e10, "methods": ["diloco"]}
    with pytest.raises(InputError, match=words):
        across(plan, **{**asked, **given})
    with pytest.raises(InputError, match="did you mean 'diloco'"):
        method_names("dilocoo")


def test_a_site_that_is_too_small_says_so() -> None:
    large = read_question(
        model="llama-3.1-70b", chip="H100-SXM5-80GB", tokens="1T tokens", sequence="4096", batch="64",
        pue=1.2, electricity="60 $/MWh",
    )  # fmt: skip
    with pytest.raises(InfeasibleError, match="one site with 8 accelerators"):
        across(plan_training(large, 64, top=1), sites=8, distance=1e5, bandwidth=5e10, methods=["diloco"])


# the chain says the same as plans


SCENARIO = """\
model: llama-3.1-8b
training: {tokens: 1T tokens, sequence: 4096 tokens, global_batch: 512 sequences}
machine: {chip: H100-SXM5-80GB, count: 64MACHINE}
site: {name: abilene-texas}
supply: {plants: [grid]}
"""


def run(folder: Path, machine: str = "") -> Result:
    file = folder / "scenario.yaml"
    file.write_text(SCENARIO.replace("MACHINE", machine))
    return Study.read(file).run()


@pytest.fixture(scope="module")
def chained(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return run(tmp_path_factory.mktemp("free"))


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> Result:
    return run(tmp_path_factory.mktemp("held"), f", power_cap: {CAP:g} W")


def test_run_and_plan_agree(plan: Plan, chained: Result) -> None:
    assert chained["training.step_time"] == plan.search.best.step_time[0]
    assert chained["training.duration"] == pytest.approx(plan.days * 86400.0)
    assert chained["machine.power_it"] == pytest.approx(plan.outcome.power_it[0])
    shares = chained.tables["goodput"]["share []"]
    assert shares.to_dict() == pytest.approx(dict(plan.goodput.parts))
    assert shares.sum() == pytest.approx(1.0)
    low, high = (chained[f"training.duration_{end}"] for end in ("low", "high"))
    assert low < chained["training.duration"] < high
    assert plan.days / (high / 86400.0) == pytest.approx(plan.share_band[0] / plan.share)
    gains = chained.tables["relief"]["gain []"]
    assert gains.to_dict() == pytest.approx({one.words: one.gain_held for one in relieve(plan)}, abs=1e-12)
    told = {item.key for item in chained.assumptions}
    assert {"training.failure_rate", "training.detection", "training.planned_rate"} <= told


def test_a_cap_goes_through_the_chain(chained: Result, held: Result) -> None:
    assert chained["machine.clock"] == 1.0 > held["machine.clock"]
    assert held["training.step_time"] > chained["training.step_time"]
    assert held["machine.chip_power"] <= CAP
    assert chained["machine.chip_power"] <= LIMIT
    assert held["machine.design_power"] == pytest.approx(chained["machine.design_power"] - (LIMIT - CAP))
    for result in (chained, held):
        each = result["machine.step_power"] / result["machine.count"]
        assert each <= result["machine.design_power"]
    assert RESOURCES["power_cap"][0] in held.tables["relief"].index
    assert RESOURCES["power_cap"][0] not in chained.tables["relief"].index
    assert any("leaves" in notice and "of its clock" in notice for notice in held.notices)
    rows = {row.quantity for row in held.quantity("training.step_time").evidence}
    assert "knee_share" in rows
    assert not {row.quantity for row in chained.quantity("training.step_time").evidence} & {"knee_share"}
    assert "training_factor" in {row.quantity for row in chained.quantity("machine.energy").evidence}


def test_a_cap_that_cannot_be_kept_names_its_line(tmp_path: Path) -> None:
    with pytest.raises(InfeasibleError, match=r"scenario\.yaml:3: machine\.power_cap: .*idle power"):
        run(tmp_path, ", power_cap: 20 W")
