"""Two studies of one scenario give the same numbers: 30 random scenarios, every study beside ``run``.

Oracle: ``Study.run``, the whole chain. Small models and counts, seeded; what studies share by name, inputs
and fidelity agrees within 1e-9.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gigawatt.chain.asking import Asker
from gigawatt.chain.memo import Remembered
from gigawatt.chain.serving.question import ServingQuestion
from gigawatt.chain.serving.reader import read_serving_question
from gigawatt.chain.serving.replica import prices_of
from gigawatt.chain.study import Study
from gigawatt.chain.training.plan import Plan, plan_training
from gigawatt.chain.training.question import read_question
from gigawatt.chain.training.size import fit_runs
from gigawatt.core.errors import GigawattError, InfeasibleError, InputError
from gigawatt.core.result import Result
from gigawatt.money.annuity import SECONDS_PER_YEAR
from gigawatt.money.ledger import Ledger
from gigawatt.schema.changed import scenario_of, scenario_with
from gigawatt.schema.scenario import read_scenario
from gigawatt.studies.codesign.codesign import _today, read_model
from gigawatt.studies.codesign.model import TrainingModel
from gigawatt.studies.compare.compare import compare
from gigawatt.studies.serving.door import plan_serving
from gigawatt.studies.solve.solve import Question, solve
from gigawatt.studies.solve.space import read_axis
from gigawatt.studies.sweep.evaluate import Task, evaluate_task
from gigawatt.studies.sweep.points import Point
from gigawatt.studies.training.door import plan_training as door
from sampled import sampled

ROOT = Path(__file__).parents[2]
TEXAS = ROOT / "examples/llama-3.1-405b-texas.yaml"
CASES = range(30)
KIN = "B200-SXM-180GB"
CLOSE = 1e-9
READ = (
    "training.step_time", "training.mfu", "training.goodput", "training.duration", "machine.count",
    "machine.clock", "machine.power_it", "machine.design_power", "facility.energy", "ledger.run_cost",
    "ledger.total_capital",
)  # fmt: skip


def drawn(case: int) -> dict[str, Any]:
    """Keys of a random scenario that trains, as they are written; every third on the design's kin."""
    rng = np.random.default_rng([20261128, case])

    def pick(*values: Any) -> Any:
        return values[int(rng.integers(len(values)))]

    def maybe(**keys: Any) -> dict[str, Any]:
        return {k.replace("__", "."): v for k, v in keys.items() if rng.random() < 0.5}

    count = pick(16, 32, 64)
    keys = {
        "model": pick("llama-3.1-8b", "qwen3-30b-a3b", "gpt3-6.7b"),
        "year": int(pick(2026, 2027)),
        "training.tokens": f"{rng.integers(1, 2000)}G tokens",
        "training.sequence": f"{pick(2048, 4096)} tokens",
        "training.global_batch": pick("64 sequences", "256 sequences", "1M tokens"),
        "machine.chip": KIN if case % 3 == 0 else pick("H100-SXM5-80GB", "A100-SXM4-80GB", "H200-SXM-141GB"),
        "machine.count": int(count),
        "site.name": pick("abilene-texas", "virginia"),
        "supply.plants": ["grid"],
        **maybe(
            machine__power_cap="",
            machine__oversubscription=2.0,
            training__runs=2,
            site__redundancy=pick("n+1", "2n"),
            site__cooling=pick("free-air", "water-cooled-chiller-tower"),
            supply__grid__price=f"{rng.integers(20, 150)} $/MWh",
            economics__discount_rate=f"{rng.integers(3, 15)} %",
            economics__chip_price=f"{rng.integers(10, 50)} k$",
            economics__chip_life=f"{rng.integers(2, 9)} years",
            layout__recompute=pick("full", "selective"),
            layout__widen=["schedule"],
        ),
    }
    if "machine.power_cap" in keys:
        limit = {"A100-SXM4-80GB": 400, KIN: 1000}.get(keys["machine.chip"], 700)
        keys["machine.power_cap"] = f"{int(limit * rng.uniform(0.5, 1.1))} W"
    return keys


@cache
def remembered() -> Remembered:
    return Remembered()


@cache
def run(case: int) -> Result:
    return Study(scenario_of(drawn(case), Path("drawn"))).run(remembered=remembered())


def value(result: Result, name: str) -> Any:
    return result.quantities[name].value


def planned(keys: dict[str, Any]) -> Plan:
    """The same run by the other door: words where there are words, settings for the rest."""
    settings = dict(keys)
    count = settings.pop("machine.count") // settings.pop("training.runs", 1)
    settings.pop("supply.plants")
    power = settings.pop("machine.power", None)
    assert power is None
    words = {
        "model": settings.pop("model"),
        "chip": settings.pop("machine.chip"),
        "year": settings.pop("year"),
    }
    return plan_training(read_question(**words, settings=settings), count, top=1)


def assets_of(books: Ledger) -> float:
    """Money of one run for chips, nodes, network and building."""
    return sum(money for name, money in books.by_component.items() if name not in books.supply)


@pytest.mark.parametrize("case", sampled(CASES, 10))
def test_a_plan_is_the_run(case: int) -> None:
    keys, result = drawn(case), run(case)
    plan, runs = planned(keys), keys.get("training.runs", 1)
    outcome, best = plan.outcome, plan.search.best

    def same(mine: float, name: str, times: float = 1.0) -> None:
        assert mine * times == pytest.approx(value(result, name), rel=CLOSE), name

    same(float(best.step_time[0]), "training.step_time")
    same(float(best.mfu[0]), "training.mfu")
    same(plan.share, "training.goodput")
    same(float(outcome.seconds[0]), "training.duration")
    same(float(plan.clock[0]), "machine.clock")
    same(plan.power.chip, "machine.design_power")
    same(plan.chip_second, "ledger.chip_hour_owned")
    same(float(outcome.capital[0]), "ledger.run_owned")
    same(float(outcome.power_it[0]), "machine.power_it", runs)
    year = value(result, "training.duration") / SECONDS_PER_YEAR
    same(float(outcome.energy[0]) / year, "facility.energy", runs)
    books = Asker(scenario_of(keys, Path("drawn"))).at({}).value("ledger.ledger").value
    assert float(outcome.capital[0]) == pytest.approx(assets_of(books), rel=CLOSE)


@pytest.mark.parametrize("case", sampled([case for case in CASES if case % 3 == 0], 4))
def test_codesign_of_todays_chip_is_the_run(case: int) -> None:
    """The catalog's chip that the design is like, and the chip from its parts, each beside its own run."""
    keys = drawn(case)
    base = scenario_of(keys, Path("drawn"))
    model = read_model(Asker(base), "B200-parts")
    assert isinstance(model, TrainingModel)
    own = _today(model, KIN, 1.0, base.scenario.year, (model.question.number_format,))
    assert own is not None
    built = {key: item for key, item in keys.items() if key != "economics.chip_price"}
    parts = scenario_of(built | {"machine.chip": "B200-parts"}, Path("drawn"))
    price = Asker(base).at({}).value("supply.electricity_cost").value
    runs = keys.get("training.runs", 1)
    for outcome, loaded in ((own.outcome, base), (model.outcome(model.own), parts)):
        point = Asker(loaded).at({})
        metrics, year = outcome.metrics, point.value("training.duration").value / SECONDS_PER_YEAR
        energy = point.value("facility.energy").value * year / runs
        campus = point.value("ledger.campus").value.assets.values()
        shared = {
            "time": point.value("training.duration").value,
            "mfu": point.value("training.mfu").value,
            "energy": energy,
            "cost": assets_of(point.value("ledger.ledger").value) + energy * price,
            "capital": sum(asset.price for asset in campus) / runs,
        }
        assert shared["cost"] == pytest.approx(
            point.value("ledger.run_owned").value + point.value("ledger.run_electricity").value, rel=1e-3
        )
        for metric, expected in shared.items():
            assert metrics[metric] == pytest.approx(expected, rel=CLOSE), metric
        # the ledger bills what its plan serves, which an interior point leaves short by its tolerance; other
        # designs buy at the price of today's, whose running peak is another multiple of its mean
        bill = point.value("ledger.run_cost").value
        assert metrics["cost"] == pytest.approx(bill, rel=1e-6 if loaded is base else 1e-3)


@pytest.mark.apart
def test_a_sweep_is_the_runs() -> None:
    """All 30 as points of one sweep from the first of them."""
    base = scenario_of(drawn(0), Path("drawn"))
    gone = dict.fromkeys(drawn(0))
    points = tuple(Point({**gone, **drawn(case)}, {}, {}) for case in CASES)
    task = Task(base, READ, tuple(str(case) for case in CASES), points)
    for case, row in zip(CASES, evaluate_task(task, Remembered()).rows, strict=True):
        assert not row.error, (case, row.error)
        assert not row.fault
        for name in READ:
            assert row.values[name] == pytest.approx(value(run(case), name), rel=CLOSE), (case, name)


@pytest.mark.parametrize("case", sampled([1, 3, 8], 1))
def test_what_solve_finds_is_its_run(case: int) -> None:
    """The cheapest number of accelerators: its cost is that of the run with so many."""
    base = scenario_of(drawn(case), Path("drawn"))
    asker = Asker(base)
    axis = read_axis(asker, "machine.count", "32|64|128")
    found = solve(Question(asker, (axis,), (), "ledger.run_cost", most=False))
    assert found.found
    again = Study(scenario_with(base, found.changes)).run()
    assert found.objective == pytest.approx(value(again, "ledger.run_cost"), rel=CLOSE)
    costs = [
        value(Study(scenario_with(base, {"machine.count": count})).run(), "ledger.run_cost")
        for count in (32, 64, 128)
    ]
    assert found.objective == pytest.approx(min(costs), rel=CLOSE)


def test_a_comparison_is_the_runs() -> None:
    cases = (2, 5, 9)
    found = compare([Study(scenario_of(drawn(case), Path(f"drawn-{case}"))) for case in cases], outputs=READ)
    rows = {row.quantity: row for row in found.rows}
    for name in READ:
        for case, mine in zip(cases, rows[name].sides, strict=True):
            assert mine is not None
            assert mine.value == pytest.approx(value(run(case), name), rel=CLOSE), (case, name)


# what a scenario says is honoured, or refused by name


def changed(**changes: object) -> dict[str, Any]:
    keys = {
        "model": "llama-3.1-8b", "training.tokens": "1T tokens", "machine.chip": KIN, "machine.count": 64,
        "site.name": "abilene-texas", "supply.plants": ["grid"],
    }  # fmt: skip
    return keys | {name.replace("__", "."): given for name, given in changes.items()}


def cost_of(**changes: object) -> float:
    model = read_model(Asker(scenario_of(changed(**changes), Path("drawn"))), "B200-parts")
    return model.outcome(model.own).metrics["cost"]


def test_codesign_moves_with_money_and_caps() -> None:
    base = cost_of()
    assert cost_of(economics__chip_life="2 years") > 1.5 * base
    assert cost_of(economics__chip_life="10 years") < 0.8 * base
    assert cost_of(economics__discount_rate="15 %") > 1.1 * base
    assert cost_of(machine__power_cap="700 W") > 1.1 * base
    assert cost_of(site__redundancy="2n") > base
    assert cost_of(supply__grid__price="200 $/MWh") > base


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"machine__node": "dgx-b200"}, "machine.node: codesign takes this from the design; .*design-set"),
        ({"machine__domain": 72}, "machine.domain: codesign takes this from the design"),
        ({"machine__power": "1 MW"}, "machine.power: codesign does not cap every design"),
        (
            {"machine__chip": "H100", "economics__chip_price": "20 k$"},
            "economics.chip_price: the price of H100",
        ),
    ],
)
def test_what_codesign_cannot_use_is_refused_by_name(changes: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        cost_of(**changes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"supply.plants": ["solar"]},
            "supply.plants: plan-training does not use this key; .*supply.price",
        ),
        ({"machine.count": 64}, "machine.count: .*--count"),
        ({"training.runs": 2}, "training.runs: plan-training does not use this key"),
        ({"serving.seed": 1}, "serving.seed: .*plan-serving"),
        ({"economics.chip_lfe": "2 years"}, "chip_lfe: unknown key; .*did you mean 'chip_life'"),
        ({"economics.chip_life": "2 W"}, "economics.chip_life: .*wrong kind of unit"),
        ({"machine.chip": "H200"}, "machine.chip: given twice"),
    ],
)
def test_what_a_plan_cannot_use_is_refused_by_name(settings: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        read_question(model="llama-3.1-8b", chip="H100-SXM5-80GB", settings=settings)
    assert "\n" not in str(caught.value)


def test_a_plan_of_several_runs_is_that_of_one_on_its_part() -> None:
    """Against the plan on a part by number, and as many runs as ``gigawatt run`` takes on ``auto``."""
    words: dict[str, Any] = {"model": "llama-3.1-8b", "chip": "H100", "batch": "512 sequences", "top": 1}

    def of(**more: Any) -> dict[str, Any]:
        return dict(door(**words, **more).data)

    part, of_three = of(count=1000), of(count=3000, settings={"training.runs": 3})
    varying = {"notices", "search_cpu_s", "exact_schedules_cpu_s", "layouts_per_cpu_s"}
    assert {k: v for k, v in part.items() if k not in varying} == {
        k: v for k, v in of_three.items() if k not in varying
    }
    assert sum("3 equal runs share the machine" in one for one in of_three["notices"]) == 1
    auto = of(count=65_536, settings={"training.runs": "auto"})
    runs = fit_runs(read_question(model="llama-3.1-8b", chip="H100", batch="512 sequences"), 65_536, 0).runs
    assert auto["count"] == 65_536 // runs < 65_536
    powered = of(power="30 MW", settings={"training.runs": 2})
    assert powered["power_MW"]["limit"] == pytest.approx(15.0)
    for runs, more in (("auto", {"deadline": "9 days"}), (9, {"count": 8}), ("many", {"count": 8})):
        with pytest.raises(InputError, match=r"training\.runs: "):
            of(**more, settings={"training.runs": runs})


# a count with a power


@cache
def both(power: str) -> Result:
    return Study(scenario_of(changed(machine__power=power), Path("drawn"))).run()


@pytest.mark.apart
def test_a_count_with_a_power_sets_the_cap_that_keeps_it() -> None:
    free = Study(scenario_of(changed(), Path("drawn"))).run()
    facility = value(free, "facility.power_peak")
    held = both(f"{0.8 * facility!r} W")
    assert value(held, "machine.count") == 64
    assert value(held, "facility.power_peak") == pytest.approx(0.8 * facility, rel=1e-3)
    assert value(held, "machine.cap") < 1000.0
    assert value(held, "training.duration") > value(free, "training.duration")
    assert any("all 64 fit with a cap of" in one for one in held.notices)
    question = read_question(
        model="llama-3.1-8b", chip=KIN, tokens="1T tokens", site="abilene-texas", year=2026
    )
    plan = plan_training(question, 64, limit=0.8 * facility, top=1)
    assert plan.question.cap == pytest.approx(value(held, "machine.cap"), rel=CLOSE)
    assert plan.days * 86400.0 == pytest.approx(value(held, "training.duration"), rel=CLOSE)
    roomy = both(f"{2.0 * facility!r} W")
    assert value(roomy, "machine.cap") is None
    assert value(roomy, "training.duration") == value(free, "training.duration")
    assert any("feeds" in one for one in roomy.notices)


def test_a_power_that_no_cap_keeps_says_how_many_fit() -> None:
    with pytest.raises(
        InfeasibleError, match=r"machine\.power: .*at most \d+ accelerators, or .* with the least"
    ) as caught:
        both("20 kW")
    assert "\n" not in str(caught.value)


def test_serving_has_one_size() -> None:
    loaded = read_scenario(ROOT / "examples/serve-llama-70b-virginia.yaml")
    with pytest.raises(InputError, match="the size is given twice"):
        scenario_with(loaded, {"serving.demand": None, "machine.count": 64, "machine.power": "1 MW"})


@pytest.mark.apart
def test_a_service_at_a_power_has_the_accelerators_of_the_chain() -> None:
    loaded = read_scenario(ROOT / "examples/serve-llama-70b-virginia.yaml")
    chained = Study(scenario_with(loaded, {"serving.demand": None, "machine.power": "1 MW"})).run()
    planned = plan_serving(
        model="llama-3.1-70b", chip="H100", power="1 MW", site="virginia", year=2026, finalists=0
    ).data
    assert planned["chips"] == value(chained, "machine.count")
    assert any(one.startswith("1 MW at the meter feeds") for one in planned["notices"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"power": "1 MW", "chips": 8}, "power: .*without --chips"),
        ({"power": "1 MW", "rate": "5/s"}, "power: .*without --chips"),
        ({"power": "-1 MW"}, "power: out of range"),
        ({"power": "1 kW", "finalists": 0}, "power: .* does not fit: .*which feeds 1 accelerator"),
    ],
)
def test_a_power_that_no_service_takes_is_named(words: dict[str, Any], said: str) -> None:
    with pytest.raises(GigawattError, match=said) as caught:
        plan_serving(model="llama-3.1-70b", chip="H100", **words)
    assert "\n" not in str(caught.value)


# serving: the question of the chain and that of plan-serving

MONEY = {
    "site.redundancy": "2n", "site.cooling": "free-air", "economics.discount_rate": "11 %",
    "economics.chip_life": "3 years", "economics.chip_price": "21 k$", "supply.grid.price": "85 $/MWh",
}  # fmt: skip
WORDS: dict[str, Any] = {
    "prompt": "1000",
    "output": "200",
    "objective": "ttft=2s,tpot=50ms,p99",
    "weights": "fp8",
}


@pytest.mark.parametrize("gone", [(), tuple(MONEY)])
def test_a_service_is_the_same_by_both_doors(gone: tuple[str, ...]) -> None:
    money = {key: item for key, item in MONEY.items() if key not in gone}
    keys = {
        "model": "llama-3.1-8b", "year": 2026, "machine.chip": "H100-SXM5-80GB", "site.name": "virginia",
        "serving.demand": "20 requests/s", **{f"serving.{name}": item for name, item in WORDS.items()},
    }  # fmt: skip
    chained = Asker(scenario_of(keys | money, Path("drawn"))).at({}).value("serving.question").value
    words = read_serving_question(
        model="llama-3.1-8b", chip="H100-SXM5-80GB", year=2026, site="virginia", rate="20/s", settings=money,
        **WORDS,
    )  # fmt: skip
    for name in ("architecture", "chip", "options", "engine", "weights", "cache", "objective", "fixed", "cap",
                 "token_budget", "sequences", "chip_life", "redundancy", "rate", "year"):  # fmt: skip
        assert getattr(chained, name) == getattr(words, name), name
    for name in ("pue_mean", "pue_peak", "electricity"):
        assert getattr(chained, name) == pytest.approx(getattr(words, name), rel=CLOSE), name
    assert words.demand == 20.0
    cluster = words.cluster(64)[0]
    mine, theirs = (prices_of(one, cluster)[0] for one in (words, chained))
    assert mine.second == pytest.approx(theirs.second, rel=CLOSE)
    assert mine.design == theirs.design
    assert (mine.second > 1.2 * prices_of(words_without(), cluster)[0].second) == bool(money)


@cache
def words_without() -> ServingQuestion:
    return read_serving_question(
        model="llama-3.1-8b", chip="H100-SXM5-80GB", year=2026, site="virginia", **WORDS
    )


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"supply.limits.wind": "2 MW"}, "supply.limits.wind: plan-serving does not use this key"),
        ({"serving.shape": "flat"}, "serving.shape: plan-serving does not use this key; .*gigawatt run"),
        ({"machine.power_cap": "900 W"}, "machine.power_cap: above the power limit of NVIDIA H100"),
        ({"serving.prompt": "500"}, "serving.prompt: given twice"),
        ({"economics.chip_life": "0 s"}, "economics.chip_life: out of range"),
    ],
)
def test_what_a_plan_of_serving_cannot_use_is_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_serving_question(model="llama-3.1-8b", chip="H100-SXM5-80GB", settings=settings, **WORDS)
