"""Co-design: brute force on a coarse space, chips that add up, gains that are taken apart without rest."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest

from gigawatt.chain.asking import Asker
from gigawatt.chain.training.plan import plan_training
from gigawatt.core.errors import InputError
from gigawatt.performance.search import non_dominated
from gigawatt.schema.scenario import read_scenario
from gigawatt.studies.codesign.codesign import co_design, read_limits, read_model
from gigawatt.studies.codesign.equal_loss import law_rows, shaped, tokens_at_equal_loss
from gigawatt.studies.codesign.explain import doubt, relief_of, same_use, take_apart, todays_best
from gigawatt.studies.codesign.model import Model, TrainingModel
from gigawatt.workload import read_architecture
from gigawatt.workload.sized import scaled_architecture

ROOT = Path(__file__).parents[2]
TEXAS = ROOT / "examples/llama-3.1-405b-texas.yaml"
VIRGINIA = ROOT / "examples/serve-llama-70b-virginia.yaml"
SMALL = {
    "model": "llama-3.1-8b", "training.tokens": "1T tokens", "machine.count": 64,
    "training.number_format": "fp8", "training.global_batch": "4M tokens", "supply.plants": ["grid"],
}  # fmt: skip


@pytest.fixture(scope="module")
def asker() -> Asker:
    return Asker(read_scenario(TEXAS), SMALL)


@pytest.fixture(scope="module")
def model(asker: Asker) -> Model:
    """Three choices free: area, stacks, bandwidth inside a domain."""
    held = ["dies", "sram", "height", "domain", "format", "parameters", "aspect", "count", "source"]
    made = read_model(asker, "B200-parts", held=held)
    coarse = {"area": 3, "stacks": 2, "scale_up": 3}
    genes = []
    for gene in made.genes:
        if gene.key in coarse:
            step = max(1, len(gene.values) // coarse[gene.key])
            values = tuple(sorted({*gene.values[::step], gene.values[gene.own]}))
            genes.append(type(gene)(gene.key, values, values.index(gene.values[gene.own]), gene.unit))
        else:
            genes.append(gene)
    made.genes = tuple(genes)
    return made


def test_the_front_of_a_coarse_space_is_that_of_all_its_points(model: Model) -> None:
    found = co_design(model, population=24, generations=25, year=2015)
    points = np.array(list(itertools.product(*(range(len(g.values)) for g in model.genes))), dtype=np.int64)
    assert 40 <= len(points) <= 120
    values, excess = model.evaluate(points)
    kept = np.flatnonzero(excess <= 0.0)
    best = {tuple(points[i]) for i in kept[non_dominated(values[kept])]}
    assert {one.genes for one in found.front} == best
    for k, name in enumerate(model.objectives):
        assert found.least(name).metrics[name] == values[kept, k].min()


def test_a_limit_is_kept_and_an_impossible_one_refused(asker: Asker) -> None:
    held = ["dies", "sram", "height", "domain", "format", "parameters", "aspect", "count", "source"]
    limited = read_model(
        asker, "B200-parts", held=held, limits=["chip_power <= 900 W", "die_area <= 1200 mm^2"]
    )
    found = co_design(limited, population=20, generations=8, year=2015)
    for one in found.front:
        assert one.metrics["chip_power"] <= 900.0 * (1 + 1e-9)
        assert one.metrics["die_area"] <= 1200e-6 * (1 + 1e-9)
    none = read_model(asker, "B200-parts", held=held, limits=["chip_power <= 5 W"])
    with pytest.raises(InputError, match="no design meets every limit"):
        co_design(none, population=8, generations=1, year=2015)


def test_a_design_costs_what_its_plan_costs(model: Model) -> None:
    """The outcome of today's chip against a plan of the same question, made by the other door."""
    assert isinstance(model, TrainingModel)
    twin = model.outcome(model.own)
    _, chip, options = model.built(model.own)
    question, count = model.asked(model.own, chip, options)
    plan = plan_training(question, count, top=1)
    assert twin.metrics["cost"] == pytest.approx(float(plan.outcome.cost[0]), rel=1e-12)
    assert twin.metrics["energy"] == pytest.approx(float(plan.outcome.energy[0]), rel=1e-12)
    assert twin.metrics["time"] == pytest.approx(plan.days * 86400.0, rel=1e-12)
    assert twin.metrics["power"] == pytest.approx(plan.power.facility, rel=1e-12)


def test_switches_cost_what_the_catalog_says(model: Model) -> None:
    key = next(i for i, gene in enumerate(model.genes) if gene.key == "scale_up")
    most = [*model.own]
    most[key] = len(model.genes[key].values) - 1
    _, _, own = model.built(model.own)
    _, _, more = model.built(most)
    extra = more["scale_up"].bandwidth - own["scale_up"].bandwidth
    paid = (more["node"].price - own["node"].price) / own["node"].chips
    assert paid == pytest.approx(model.prices.value("switch_price") * extra)
    assert own["node"].price == model.node.price


def test_gains_taken_apart_multiply_to_the_whole(model: Model) -> None:
    twin = model.outcome(model.own)
    other = model.outcome([len(gene.values) - 1 if gene.key != "stacks" else 0 for gene in model.genes])
    if not other.metrics:
        other = model.outcome([0] * len(model.genes))
    for metric in model.objectives:
        parts = take_apart(model, twin, other, metric)
        assert parts.orders > 0
        assert math.prod(parts.factors.values()) == pytest.approx(parts.whole, rel=1e-9)


def test_doubt_of_a_chip_beside_itself(model: Model) -> None:
    """With one residual for both the ratio is 1 in every draw; with one each it is not."""
    twin = model.outcome(model.own)
    ((cost, *_),) = doubt(model, [(twin, twin)], draws=6)
    assert cost.shared == (1.0, 1.0)
    assert cost.own[0] < 1.0 < cost.own[1]
    assert cost.verdict == "inside the error"


def test_same_use_leaves_the_hardware_as_it_is(asker: Asker) -> None:
    made = read_model(asker, "B200-parts")
    genes = [0 if gene.group in ("silicon", "format", "machine") else gene.own for gene in made.genes]
    told = made.values(same_use(made, made.outcome(genes)).genes)
    for gene in made.genes:
        own = gene.values[gene.own]
        changed = gene.values[0] if gene.group in ("format", "machine") else own
        assert told[gene.key] == changed


def test_relief_names_the_resource_that_binds(model: Model) -> None:
    rows = relief_of(model, model.outcome(model.own))
    assert rows[0].resource == "arithmetic"
    assert rows[0].gain > 0.1
    assert [one.gain for one in rows] == sorted((one.gain for one in rows), reverse=True)


def test_todays_hardware_at_its_best_is_all_of_its_points(asker: Asker) -> None:
    made = read_model(asker, "B200-parts", held=["parameters", "aspect"], formats=["bf16", "fp8"])
    best = todays_best(made)
    free = [g for g in made.genes if g.group not in ("silicon", "memory", "links") and len(g.values) > 1]
    assert {g.key for g in free} == {"format", "count"}
    assert all(made.values(one.genes)["area"] == made.values(made.own)["area"] for one in best)
    assert min(one.metrics["cost"] for one in best) <= made.outcome(made.own).metrics["cost"]


def test_a_load_without_a_model_has_no_design() -> None:
    load = Asker(read_scenario(ROOT / "examples/campus-300mw-texas.yaml"))
    with pytest.raises(InputError, match="not a scenario with a model"):
        read_model(load, "B200-parts")


def test_serving_designs_keep_the_promise() -> None:
    serving = Asker(
        read_scenario(VIRGINIA),
        {"model": "llama-3.1-8b", "serving.demand": "50 requests/s", "supply.plants": ["grid"],
         "supply.carbon_limit": None},
    )  # fmt: skip
    held = ["dies", "sram", "height", "domain", "format", "area", "source"]
    made = read_model(serving, "B200-parts", held=held)
    twin = made.outcome(made.own)
    promise = made.question.objective  # type: ignore[attr-defined]
    assert twin.metrics["time"] <= promise.tpot
    assert twin.metrics["first_token"] <= promise.ttft
    found = co_design(made, population=8, generations=2, year=2015)
    assert found.least("cost").metrics["cost"] <= twin.metrics["cost"]
    assert relief_of(made, twin)[0].gain > 0.0


def test_tokens_at_equal_loss_reach_the_loss() -> None:
    """Each fit of the law, put in: L(N, D) is the base's; the base itself needs its own tokens exactly."""
    e, a, b, alpha, beta = law_rows()[:5].T
    base = 4e11, 15e12
    for row in range(5):
        fit = law_rows()[row : row + 1]
        for n in (2.5e11, 8e11):
            tokens, _, _ = tokens_at_equal_loss(n, base_parameters=base[0], base_tokens=base[1], rows=fit)

            def loss(n: float, d: float, k: int = row) -> float:
                return float(e[k] + a[k] * n ** -alpha[k] + b[k] * d ** -beta[k])

            assert loss(n, float(tokens[0])) == pytest.approx(loss(*base), rel=1e-12)
    tokens, low, high = tokens_at_equal_loss([1e10, 4e11, 8e11], base_parameters=base[0], base_tokens=base[1])
    assert tokens[1] == base[1]
    assert tokens[0] > tokens[1] > tokens[2]
    assert np.all(low <= tokens)
    assert np.all(tokens <= high)


def test_shapes_keep_their_size_and_change_their_aspect() -> None:
    model = read_architecture("llama-3.1-405b")
    assert shaped(model, parameters=model.active_parameters, aspect=1.0) is model
    for aspect in (0.7, 1.4):
        one = shaped(model, parameters=model.active_parameters, aspect=aspect)
        assert one.active_parameters == pytest.approx(model.active_parameters, rel=0.06)
        ratio = (one.hidden / one.layers) / (model.hidden / model.layers)
        assert ratio == pytest.approx(aspect, rel=0.12)
    half = shaped(model, parameters=0.5 * model.active_parameters, aspect=1.0)
    assert half.active_parameters == pytest.approx(0.5 * model.active_parameters, rel=0.06)
    assert scaled_architecture(model, model.layers, 1.0) is model


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["powr <= 3 MW"], "did you mean 'power'"),
        (["power <= 3 days"], "wrong kind of unit"),
        (["power >= 3 MW"], "not a limit"),
        (["power <= 3 MW", "power <= 4 MW"], "already"),
        (["power <= 0 MW"], "out of range"),
    ],
)
def test_limits_that_cannot_be_read_say_why(texts: list[str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_limits(texts, serves=False)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"held": ["aera"]}, "area"),
        ({"formats": ["fp99"]}, "does not multiply"),
        ({"sources": [["gird"]]}, "grid"),
    ],
)
def test_what_cannot_be_varied_says_why(asker: Asker, more: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_model(asker, "B200-parts", **more)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="one kind of die"):
        read_model(asker, "GW-2027")
