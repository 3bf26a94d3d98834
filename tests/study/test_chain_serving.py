"""The serving chain: tokens, watts and money are conserved, limits are those one can see without a model."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gigawatt.chain.graph import graph_of_branch
from gigawatt.chain.leaves import fill_leaves
from gigawatt.chain.serving.day import day_requests, read_week
from gigawatt.chain.serving.reader import read_serving_question
from gigawatt.chain.study import _ANSWERS_SERVING, Study
from gigawatt.core.errors import GigawattError, InputError
from gigawatt.core.explain import explain
from gigawatt.core.graph import Graph
from gigawatt.core.quantities import factor
from gigawatt.core.result import Result
from gigawatt.serving.arrivals import daily_shape

YEAR = 8760 * 3600.0


def write(**given: Any) -> str:
    """A scenario in YAML; ``None`` leaves a key out, ``serving`` adds lines to its section."""
    keys = {
        "demand": "400 requests/s", "trace": "azure-conversation-2023",
        "shape": "azure-conversation-2024-weekday", "objective": "ttft=1s,tpot=50ms,p99", "requests": 40_000,
        "serving": (), "count": None, "power": None, "plants": "[grid]", "site": "virginia", **given,
    }  # fmt: skip
    lines = ["year: 2026", "model: llama-3.1-8b", "serving:"]
    written = ("demand", "trace", "shape", "objective")
    lines.extend(f"  {key}: {keys[key]}" for key in written if keys[key] is not None)
    lines.append(f"  simulated_requests: {keys['requests']}")
    lines.extend(f"  {line}" for line in keys["serving"])
    lines.extend(["machine:", "  chip: H100-SXM5-80GB"])
    lines.extend(f"  {key}: {keys[key]}" for key in ("count", "power") if keys[key] is not None)
    lines.extend(["site:", f"  name: {keys['site']}", "supply:", f"  plants: {keys['plants']}"])
    return "\n".join(lines) + "\n"


def study(text: str) -> Study:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scenario.yaml"
        file.write_text(text)
        return Study.read(file)


@cache
def run(**given: Any) -> Result:
    return study(write(**given)).run()


def part_of(*targets: str) -> Graph:
    """What the targets need: a graph is its nodes, so a part of it is one too."""
    kept: dict[str, Any] = {}

    def keep(name: str) -> None:
        if name not in kept:
            for needed in graph_of_branch("serving").nodes[name].inputs:
                keep(needed)
            kept[name] = graph_of_branch("serving").nodes[name]

    for target in targets:
        keep(target)
    return Graph(kept)


SERVED = part_of(
    "facility.power_peak", "machine.energy", "serving.kept", "serving.kept_worst", "serving.simulated",
    "serving.tpot_p50", "serving.replicas", "serving.energy_token", "serving.prompt_share",
    "serving.breakdown", "ledger.campus",
)  # fmt: skip


@cache
def served(**given: Any) -> dict[str, Any]:
    """The objects of the chain up to the building, without what would relieve it, plants and money."""
    leaves, _ = fill_leaves(study(write(**given)).loaded)
    mine = {name: leaf for name, leaf in leaves.items() if name in SERVED.nodes}
    return {name: one.value for name, one in SERVED.evaluate(mine).items()}


# the graphs


def test_both_chains_share_functions_and_nothing_else() -> None:
    both = set(graph_of_branch("training").nodes) & set(graph_of_branch("serving").nodes)
    for name in ("supply.plan", "ledger.campus", "model.parameters", "machine.design_power"):
        functions = {graph_of_branch(branch).nodes[name].function for branch in ("training", "serving")}
        assert len(functions) == 1, name
    of_runs = {"supply.later_price", "supply.outage_price", "supply.flexibility_saves"}  # what pauses cost
    assert {name for name in both if name.startswith("supply.")} == {
        name for name in graph_of_branch("training").nodes if name.startswith("supply.")
    } - of_runs
    assert not [
        name for name in graph_of_branch("serving").nodes if name.startswith(("training.", "layouts."))
    ]
    assert not [name for name in graph_of_branch("training").nodes if name.startswith("serving.")]


def test_every_answer_of_the_serving_chain_to_an_error_is_a_quantity() -> None:
    assert set(_ANSWERS_SERVING) <= set(graph_of_branch("serving").nodes)


def test_every_quantity_can_be_explained() -> None:
    result = run()
    for name, quantity in result.quantities.items():
        steps = list(explain(result, name, 3))
        assert steps[0].quantity is quantity
        assert quantity.summary
        if quantity.origin == "computed":
            assert quantity.inputs, name
            assert quantity.formula, name
    for name in ("serving.ttft_p99", "serving.replicas", "serving.throughput"):
        assert not {row.quantity for row in result.quantity(name).evidence} & {"price", "capital_cost"}


# the week


def test_the_hours_of_a_shape_are_local_and_of_mean_one() -> None:
    week = read_week("azure-conversation-2024-weekday", days=None, time_zone=-5.0)
    assert week.kinds == ("weekday", "weekend")
    utc = daily_shape("azure-conversation-2024-weekday").hours
    np.testing.assert_allclose(week.levels[0], np.roll(utc, -5), rtol=1e-12)
    np.testing.assert_allclose(week.levels.mean(axis=1), 1.0, rtol=1e-12)
    assert week.share @ week.levels.mean(axis=1) == pytest.approx(1.0)
    half = read_week("azure-code-2024-weekday", days=1, time_zone=5.5)
    assert half.levels.mean() == pytest.approx(1.0)
    assert len(half.kinds) == 1


def test_the_days_of_a_year_fall_as_in_the_calendar() -> None:
    week = read_week("azure-conversation-2024-weekday", days=2, time_zone=0.0)
    kinds = week.of_year(2026)  # 1 January 2026 is a Thursday
    assert kinds[:7].tolist() == [0, 0, 1, 1, 0, 0, 0]
    assert np.bincount(kinds).tolist() == [261, 104]
    assert read_week(0.5, days=None, time_zone=0.0).of_year(2026).tolist() == [0] * 365


@pytest.mark.parametrize(
    "lengths",
    [
        {"trace": "azure-conversation-2023"},
        {"trace": "azure-code-2023", "arrivals": "poisson"},
        {"prompt": "800", "output": "200", "arrivals": "constant"},
        {"prompt": "800", "output": "200", "arrivals": "gamma", "variation": 2.0},
    ],
)
def test_requests_follow_the_hours(lengths: dict[str, Any]) -> None:
    asked = read_serving_question(
        model="llama-3.1-8b", chip="H100-SXM5-80GB", pue=1.0, electricity="0 $/MWh", **lengths
    )
    week = read_week("azure-code-2024-weekday", days=None, time_zone=-5.0)
    rate, speed = 200.0, 100.0
    found = day_requests(asked.traffic, week, rate=rate, speed=speed)
    hour = np.floor(found.arrival * speed / 3600.0).astype(int) - 1  # one hour of lead
    assert hour.min() == -1
    assert hour.max() == 47
    number = np.bincount(hour[hour >= 0], minlength=48).reshape(2, 24)
    expected = rate * 3600.0 / speed * week.levels
    assert number.sum() == pytest.approx(expected.sum(), rel=0.03)
    # hours are linear between their middles, and bursts of a trace and of gamma are not small
    np.testing.assert_allclose(number, expected, rtol=0.25, atol=0.1 * expected.mean())
    assert found.prompt.mean() == pytest.approx(asked.traffic.mean_prompt, rel=0.05)


# conservation


def test_tokens_watts_and_money_are_conserved() -> None:
    o = served()
    day, week = o["serving.day"], o["serving.week"]
    hours = o["machine.power_hours"]
    assert hours.mean() == pytest.approx(o["machine.power_it"], rel=1e-12)
    assert sum(o["machine.energy"].values()) == pytest.approx(o["machine.power_it"], rel=1e-9)
    assert np.asarray(o["facility.load"].it) == pytest.approx(hours)
    profile = o["machine.power_day"]
    np.testing.assert_allclose(sum(profile.parts.values()), profile.mean, rtol=1e-12)
    assert (profile.peak >= profile.mean).all()
    # written tokens of the slice, scaled, are those of the demand
    series = day.outcome.series
    written = day.bins(series.output_tokens).sum() / (day.bin * 12 * week.levels.size) / day.share
    assert written == pytest.approx(o["serving.throughput"], rel=0.03)
    done = day.run.requests.output[day.weight > 0.0].sum()
    assert written * day.share * day.bin * 12 * week.levels.size == pytest.approx(done, rel=0.03)
    # energy of the slice is that of the campus times its share
    chip = o["machine.machine"].cluster.chip
    drawn = day.bins(series.energy, 0.0).sum(axis=1) / (12 * series.bin)
    campus = (profile.parts["idle"] + profile.parts["at work"]).ravel()
    np.testing.assert_allclose(campus * day.share, drawn, rtol=1e-9)
    assert profile.parts["idle"].max() == pytest.approx(chip.idle_power * o["machine.count"], rel=1e-9)


def test_prompts_answers_and_requests_bear_what_the_year_takes() -> None:
    result = run()
    read, written = result["serving.throughput_prompt"] * YEAR, result["serving.throughput"] * YEAR
    requests = result["serving.rate"] * YEAR
    annual = result["ledger.annual_cost"] * YEAR
    for name, whole in (("cost", annual), ("energy", result["facility.energy"])):
        split = result[f"economics.{name}_million_prompt"] * read
        split += result[f"economics.{name}_million_output"] * written
        assert split == pytest.approx(whole, rel=1e-9), name
        assert result[f"economics.{name}_request"] * requests == pytest.approx(whole, rel=1e-9), name
    carbon = sum(result[f"economics.carbon_{kind}_request"] for kind in ("operational", "embodied"))
    assert carbon * requests == pytest.approx(result["ledger.annual_carbon"], rel=1e-9)
    energy = result.tables["energy"]["energy [kWh/Mtoken]"].sum() * factor("kWh/Mtoken")
    assert energy * result["serving.throughput"] == pytest.approx(result["facility.power_mean"], rel=1e-9)
    flows = result.tables["flows"]
    into, out = (flows.groupby(end)["power [MW]"].sum() for end in ("target", "source"))
    for node in into.index.intersection(out.index):
        assert out[node] == pytest.approx(into[node], rel=1e-6), node
    assert into["computing"] == pytest.approx(result["machine.power_it"] / 1e6, rel=1e-6)


def test_tables_hold_finite_numbers_and_shares_add_up() -> None:
    result = run()
    for name, table in result.tables.items():
        values = table.select_dtypes("number").to_numpy(float)
        assert len(table), name
        assert np.isfinite(values).all(), name
    assert result.tables["breakdown"]["share []"].sum() == pytest.approx(1.0)
    assert len(result.tables["day"]) == 48
    for key in ("ttft [s]", "tpot [ms]", "e2e [s]"):
        assert result.tables["latency"][key].is_monotonic_increasing
    assert (result.tables["latency"]["e2e [s]"] >= result.tables["latency"]["ttft [s]"]).all()
    assert result["serving.ttft_p50"] <= result["serving.ttft_p90"] <= result["serving.ttft_p99"]
    memory = result.tables["memory"]["bytes [GB]"]
    assert memory.drop("capacity").sum() <= memory["capacity"]
    relief = result.tables["relief"]
    assert (relief["gain []"] >= -1e-9).all()  # more of a resource is never dearer


# limits


FLAT: dict[str, Any] = {
    "trace": None,
    "shape": "constant",
    "serving": ("prompt: 800", "output: 200", "arrivals: constant"),
}


def test_a_constant_demand_gives_a_flat_day() -> None:
    o = served(**FLAT)
    hours = o["machine.power_day"].mean
    assert hours.shape == (1, 24)
    assert hours.max() == pytest.approx(hours.min(), rel=0.01)
    assert o["machine.power_hours"].std() < 0.01 * o["machine.power_it"]
    assert o["serving.rate"] == pytest.approx(o["serving.rate_peak"])
    assert o["serving.output_tokens"] == 200.0


def test_a_flat_day_is_flat_whatever_the_clock_is_quickened_by() -> None:
    quick, slow = served(**FLAT), served(**FLAT | {"requests": 120_000})
    assert slow["serving.simulated"] > 2.5 * quick["serving.simulated"]
    assert slow["machine.power_it"] == pytest.approx(quick["machine.power_it"], rel=0.02)
    assert slow["serving.tpot_p50"] == pytest.approx(quick["serving.tpot_p50"], rel=0.03)


def test_twice_the_demand_takes_twice_the_replicas() -> None:
    one, two = served(), served(demand="800 requests/s")
    assert two["serving.replicas"] == pytest.approx(2 * one["serving.replicas"], rel=0.07, abs=1)
    assert two["machine.count"] == pytest.approx(2 * one["machine.count"], rel=0.07)
    assert two["machine.power_it"] == pytest.approx(2 * one["machine.power_it"], rel=0.07)


def test_a_demand_of_tokens_is_that_of_requests() -> None:
    again = served(demand=f"{served()['serving.throughput']:.6f} tokens/s")
    assert again["serving.rate"] == pytest.approx(400.0, rel=1e-6)
    assert again["serving.replicas"] == served()["serving.replicas"]


def test_accelerators_given_serve_what_they_can() -> None:
    o = served(demand=None, count=11)
    assert o["machine.count"] <= 11
    assert o["serving.kept"] >= 0.99
    assert o["serving.rate_peak"] == pytest.approx(o["serving.rate"] * o["serving.week"].peak)
    # of more replicas each takes a little more: what comes levels out
    assert 1.95 < served(demand=None, count=22)["serving.rate"] / o["serving.rate"] < 2.3


def test_a_power_given_is_not_exceeded() -> None:
    o = served(demand=None, power="100 kW")
    assert o["facility.power_peak"] <= 1e5
    assert o["machine.count"] * o["machine.design_power"] * o["machine.pue_peak"] <= 1e5


def test_replicas_given_are_kept_and_too_few_are_told() -> None:
    half = served()["serving.replicas"] // 2
    few = run(serving=(f"replicas: {half}",))
    assert few["serving.replicas"] == half
    assert few["serving.kept"] < 0.99
    assert any("more replicas would meet it" in notice for notice in few.notices)


def test_replicas_that_turn_off_save_power() -> None:
    given: dict[str, Any] = {"shape": "azure-code-2024-weekday", "requests": 200_000}
    always = served(**given, serving=("days: 1",))
    scaled = served(**given, serving=("days: 1", "autoscaling:", "  minimum: 10 %"))
    assert scaled["serving.replicas"] == pytest.approx(always["serving.replicas"], rel=0.15)
    assert scaled["machine.power_it"] < 0.85 * always["machine.power_it"]
    power = scaled["machine.power_day"]
    assert power.parts["idle"].min() < 0.6 * power.parts["idle"].max()
    assert power.parts["network"].min() == power.parts["network"].max()


def test_prompts_on_replicas_of_their_own() -> None:
    o = served(serving=("mode: disaggregated",))
    assert [pool.role for pool in o["serving.configuration"].pools] == ["prefill", "decode"]
    assert o["serving.configuration"].chips == o["machine.count"]
    assert sum(o["serving.breakdown"].values()) == pytest.approx(1.0)
    assert sum(o["machine.energy"].values()) == pytest.approx(o["machine.power_it"], rel=1e-9)
    assert 0.0 < o["serving.prompt_share"] < 1.0
    assert o["serving.kept"] >= 0.98


def test_a_run_twice_is_the_same() -> None:
    first = served()
    leaves, _ = fill_leaves(study(write()).loaded)
    mine = {name: leaf for name, leaf in leaves.items() if name in SERVED.nodes}
    second = SERVED.evaluate(mine)
    for name, value in first.items():
        if isinstance(value, int | float | str):
            assert second[name].value == value, name


def test_a_demand_in_users_is_that_of_their_requests() -> None:
    """The row is 3.7 requests a day of each; it is listed, and a stated rate replaces it."""
    loaded = study(write(demand="1 million users")).loaded
    leaves, assumed = fill_leaves(loaded)
    assert [one.value for one in assumed if one.key == "serving.user_requests"] == ["3.7 1/day"]
    rate = leaves["serving.traffic"].value.requests(leaves["serving.demand"].value)
    assert rate == pytest.approx(3.7e6 / 86400.0)
    own = fill_leaves(study(write(demand="1 million users at 3.7 requests/day")).loaded)
    assert "serving.user_requests" not in {one.key for one in own[1]}
    assert own[0]["serving.demand"].value == ("request", pytest.approx(rate))


def test_of_few_replicas_the_layout_that_needs_fewest_accelerators_over_the_days_is_taken() -> None:
    """The best at the peak of qwen3-235b at this demand is one replica of eight, which lacks a second."""
    text = """
year: 2026
model: qwen3-235b-a22b
serving: {demand: 1M requests/day, simulated_requests: 200000}
machine: {chip: H200}
site: {name: singapore}
supply: {price: 80 $/MWh}
"""
    found = study(text).run()
    pinned = study(text.replace("200000}", "200000, layout: {tensor: 2, data: 4, expert: 8}}")).run()
    assert pinned["machine.count"] == 16
    assert found["machine.count"] == 8
    assert found["serving.kept_worst"] >= 0.99
    table = found.tables["configurations"]
    assert table["chips"].iloc[0] == 8
    assert table["accelerators"].iloc[0] * table["replicas"].iloc[0] == 8


# errors

REFUSED = [
    (
        {"demand": "2000"},
        4,
        "serving.demand: the unit is missing; given '2000'; allowed: \"2000 requests/s\"",
    ),
    ({"demand": "-3 requests/s"}, 4, "serving.demand: out of range"),
    ({"demand": "1 request/h"}, 4, "serving.demand: too few requests for a day"),
    ({"demand": None}, 3, "serving: the demand or the machine's size is missing"),
    ({"count": 64}, 11, "machine.count: the size is given twice; given 'serving.demand as well'"),
    (
        {"trace": "azure-conversatio"},
        5,
        "serving.trace: no such trace.* did you mean 'azure-conversation-",
    ),
    ({"trace": "nowhere.csv"}, 5, "serving.trace: no such trace file"),
    ({"shape": "azure-covnersation"}, 6, "serving.shape: no such entry.* did you mean 'azure-conv"),
    ({"shape": "1.5"}, 6, "serving.shape: not a ratio of trough to peak"),
    ({"shape": "[1, 2]"}, 6, "serving.shape: not a daily shape; given '2 numbers'"),
    ({"shape": "constant", "serving": ("days: 2",)}, 9, "serving.days: this shape has no separate weekend"),
    ({"objective": "ttft=1"}, 7, "serving.objective: the unit is missing"),
    (
        {"objective": "ttft=1ms,tpot=1ms,p99"},
        7,
        "serving.objective: no configuration meets the SLO: the closest",
    ),
    (
        {"serving": ("weights: fp7",)},
        9,
        "serving.weights: unknown number format.*mean 'fp8'",
    ),
    ({"serving": ("cache: fp4",)}, 9, "serving.cache: unknown number format"),
    ({"serving": ("layout:", "  tensor: 3")}, 10, "serving.layout.tensor: does not divide"),
    ({"serving": ("layot:", "  tensor: 2")}, 9, "serving.layot: unknown key.*did you mean 'layout'"),
    ({"serving": ("engine: vlm-2025",)}, 9, "serving.engine: no such entry.*did you mean 'vllm-2025'"),
    ({"serving": ("prompt: 1024",)}, 9, "serving.prompt: lengths are given twice"),
    ({"serving": ("mode: disaggregated", "replicas: 5")}, 10, "serving.replicas: needs one kind of replica"),
    ({"serving": ("autoscaling:", "  target: 0")}, 10, "serving.autoscaling.target: must be positive"),
    ({"site": "virgina"}, 12, "site.name: no such site.*did you mean 'virginia'"),
]


@pytest.mark.parametrize(("given", "line", "says"), REFUSED, ids=[says[:40] for _, _, says in REFUSED])
def test_what_cannot_be_served_is_one_line(given: dict[str, Any], line: int, says: str) -> None:
    with pytest.raises(GigawattError, match=rf"scenario\.yaml:{line}: {says}") as caught:
        study(write(**given)).run()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (write() + "training:\n  tokens: 1T tokens\n", "serving: a scenario trains or serves, not both"),
        (write() + "layout:\n  tensor: 2\n", "layout: belongs to training; allowed: serving.layout"),
        (
            write().replace("  chip: H100", "  stack: llama3-2024\n  chip: H100"),
            "software: belongs to training; allowed: serving.engine",
        ),
        ("model: llama-3.1-8b\nmachine:\n  chip: H100\n  count: 8\nsite:\n  name: virginia\n",
         "1: training: training or serving is missing"),
    ],
)  # fmt: skip
def test_training_and_serving_are_told_apart(text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        study(text)


def test_leaves_are_whole_where_nothing_else_was_imported(tmp_path: Path) -> None:
    """In a process of its own, whose first import is that of the leaves: none of the graph's is missing."""
    (tmp_path / "scenario.yaml").write_text(write())
    code = (
        "from gigawatt.chain.leaves import fill_leaves\n"
        "from gigawatt.schema.scenario import read_scenario\n"
        f"leaves, _ = fill_leaves(read_scenario({str(tmp_path / 'scenario.yaml')!r}))\n"
        "from gigawatt.chain.graph import graph_of_branch\n"
        "print(sorted(set(graph_of_branch('serving').leaves()) - set(leaves)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[]", done.stderr
