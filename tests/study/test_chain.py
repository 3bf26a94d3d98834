"""The chain over scenarios nobody wrote: an answer that is sound, or one line that says why there is none."""

from __future__ import annotations

import math
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from gigawatt.chain.graph import graph_of_branch
from gigawatt.chain.leaves import fill_leaves
from gigawatt.chain.study import Study
from gigawatt.core.errors import GigawattError, InfeasibleError, InputError
from gigawatt.core.graph import Graph, Leaf
from gigawatt.core.result import Result
from gigawatt.core.store import as_json
from gigawatt.machine import Link, load_link
from gigawatt.schema.scenario import read_scenario

CHIPS = ("A100-SXM4-80GB", "H100-SXM5-80GB", "H800-SXM", "GB200", "MI300X")
#: Without shrinking: a failing case here is small already, and minutes of shrinking help nobody.
FEW = settings(
    max_examples=4, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.reuse, Phase.generate]
)


def write(**given: Any) -> str:
    """A scenario in YAML; ``None`` leaves a key out."""
    keys = {
        "model": "llama-3.1-8b", "tokens": "1T tokens", "sequence": "4096 tokens", "batch": "512 sequences",
        "format": "bf16", "chip": "H100-SXM5-80GB", "count": 64, "site": "abilene-texas",
        "plants": "[grid]", **given,
    }  # fmt: skip
    lines = [
        f"model: {keys['model']}",
        "training:",
        f"  tokens: {keys['tokens']}",
        f"  sequence: {keys['sequence']}",
        f"  global_batch: {keys['batch']}",
        f"  number_format: {keys['format']}",
        "machine:",
        f"  chip: {keys['chip']}",
        f"  count: {keys['count']}",
        "site:",
        f"  name: {keys['site']}",
        "supply:",
        f"  plants: {keys['plants']}",
    ]
    if keys.get("carbon_limit") is not None:
        lines.append(f"  carbon_limit: {keys['carbon_limit']}")
    if keys.get("layout"):
        lines.extend(["layout:", *(f"  {key}: {value}" for key, value in keys["layout"].items())])
    return "\n".join(lines) + "\n"


def study(text: str) -> Study:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "scenario.yaml"
        file.write_text(text)
        return Study.read(file)


def run(**given: Any) -> Result:
    return study(write(**given)).run()


def up_to(target: str) -> Graph:
    """The part of the chain that ``target`` needs: a graph is its nodes, so a part of it is one too."""
    kept: dict[str, Any] = {}

    def keep(name: str) -> None:
        if name not in kept:
            for needed in graph_of_branch("training").nodes[name].inputs:
                keep(needed)
            kept[name] = graph_of_branch("training").nodes[name]

    keep(target)
    return Graph(kept)


STEP = up_to("training.breakdown")


def step_time(text: str, **changed: Any) -> float:
    """The step time of a scenario with some leaves replaced (``machine_chip=lambda chip: …``)."""
    leaves, _ = fill_leaves(study(text).loaded)
    mine = {name: leaf for name, leaf in leaves.items() if name in STEP.nodes}
    for name, change in changed.items():
        key = name.replace("_", ".", 1)
        mine[key] = Leaf(change(mine[key].value), "scenario")
    return STEP.evaluate(mine)["training.step_time"].value


scenarios = st.fixed_dictionaries(
    {
        "model": st.sampled_from(
            ["llama-3.1-8b", "qwen3-30b-a3b", "gpt3-6.7b", "gemma-2-9b", "deepseek-v2-lite"]
        ),
        "tokens": st.sampled_from(["1T tokens", "15.6T tokens", "1 token"]),
        "sequence": st.sampled_from(["2048 tokens", "8192 tokens", "1 token", "1000 tokens"]),
        "batch": st.sampled_from(["512 sequences", "3M tokens", "4M tokens", "7 sequences", "1 token"]),
        "format": st.sampled_from(["bf16"] * 6 + ["fp8", "fp4"]),
        "chip": st.sampled_from(CHIPS),
        "count": st.sampled_from([8, 24, 64, 96, 256, 1000, 1024]) | st.integers(8, 1024),
        "site": st.sampled_from(["abilene-texas", "kiruna", "kuala-lumpur", "west-texas"]),
        "plants": st.sampled_from(
            ["[grid]", "[grid]", "[grid, solar]", "[grid, battery]", "[solar]", "[battery]"]
        ),
        "carbon_limit": st.sampled_from([None] * 5 + ["300 g/kWh", "0 g/kWh"]),
        "layout": st.sampled_from([{}] * 6 + [{"tensor": 8}, {"pipeline": 4, "data": 2}, {"expert": 8}]),
    }
)  # fmt: skip


@pytest.mark.apart
@settings(FEW, max_examples=25)
@given(given=scenarios)
def test_a_scenario_is_answered_soundly_or_refused_in_one_line(given: dict[str, Any]) -> None:
    try:
        result = run(**given)
    except GigawattError as error:
        said = str(error)
        assert "\n" not in said
        assert "scenario.yaml" in said, said
        assert error.line is not None or error.key is not None, said  # noqa: PT017
        return
    for quantity in result.quantities.values():
        if isinstance(quantity.shown, float):
            assert math.isfinite(quantity.shown), quantity.name
            assert quantity.shown >= 0.0, quantity.name
    for name, table in result.tables.items():
        values = table.select_dtypes("number").to_numpy(float)
        assert np.isfinite(values).all(), name
    breakdown = result.tables["breakdown"]["time [s]"]
    assert (breakdown >= 0.0).all()
    assert breakdown.sum() == pytest.approx(result["training.effective_step_time"], rel=1e-9)
    energy = result.tables["energy"]["energy [kWh/Mtoken]"]
    assert (energy >= 0.0).all()
    assert energy.sum() == pytest.approx(result.quantity("ledger.energy_per_mtoken").shown, rel=1e-6)
    assert 0.0 < result["training.mfu"] < 1.0
    assert 0.0 < result["training.goodput"] <= 1.0
    assert result["facility.pue"] >= 1.0
    limit = result["supply.carbon_limit"]
    assert limit is None or result["supply.carbon_intensity"] <= limit * (1 + 1e-6)
    as_json(result)


def _with(key: str, link: Link, options: dict[str, Any]) -> dict[str, Any]:
    return {**options, key: link}


machines = st.fixed_dictionaries(
    {
        "model": st.sampled_from(["llama-3.1-8b", "qwen3-30b-a3b"]),
        "chip": st.sampled_from(["A100-SXM4-80GB", "H100-SXM5-80GB", "GB200"]),
        "count": st.sampled_from([16, 64, 512]),
        "batch": st.sampled_from(["64 sequences", "1024 sequences"]),
    }
)


@FEW
@given(given=machines, factor=st.floats(1.0, 16.0))
def test_more_bandwidth_is_never_slower(given: dict[str, Any], factor: float) -> None:
    text = write(**given)
    base = step_time(text)
    tolerance = 1 + 1e-9
    memory = step_time(
        text, machine_chip=lambda chip: replace(chip, memory_bandwidth=chip.memory_bandwidth * factor)
    )
    assert memory <= base * tolerance
    for key, name in (("scale_up", "nvlink4"), ("scale_out", "ib-ndr-400")):
        link = load_link(name)
        wider = replace(link, bandwidth=link.bandwidth * factor)
        slow, quick = (step_time(text, machine_options=partial(_with, key, one)) for one in (link, wider))
        assert quick <= slow * tolerance, key


@FEW
@given(given=machines, factor=st.floats(1.0, 8.0))
def test_more_arithmetic_and_memory_are_never_slower(given: dict[str, Any], factor: float) -> None:
    text = write(**given)
    base = step_time(text)
    quicker = step_time(
        text, machine_chip=lambda c: replace(c, peak={k: v * factor for k, v in c.peak.items()})
    )
    larger = step_time(text, machine_chip=lambda c: replace(c, memory_bytes=c.memory_bytes * factor))
    assert quicker <= base * (1 + 1e-9)
    assert larger <= base * (1 + 1e-9)


def test_time_is_linear_in_tokens_and_a_token_costs_the_same() -> None:
    one, ten = run(tokens="1T tokens"), run(tokens="10T tokens")
    assert ten["training.duration"] == pytest.approx(10 * one["training.duration"], rel=1e-12)
    assert ten["model.training_flops"] == pytest.approx(10 * one["model.training_flops"], rel=1e-12)
    for name in ("training.step_time", "training.mfu", "ledger.cost_per_mtoken", "ledger.energy_per_mtoken"):
        assert ten[name] == pytest.approx(one[name], rel=1e-9), name


@pytest.mark.parametrize("site", ["abilene-texas", "virginia"])
def test_a_tighter_carbon_limit_is_never_cheaper(site: str) -> None:
    plants = "[grid, solar, wind]"
    free = run(site=site, plants=plants)
    reached = free.quantity("supply.carbon_intensity").shown
    last = free["supply.electricity_cost"]
    for share in (1.1, 0.9, 0.75):
        result = run(site=site, plants=plants, carbon_limit=f"{share * reached:.6f} g/kWh")
        assert result.quantity("supply.carbon_intensity").shown <= share * reached * (1 + 1e-6)
        assert result["supply.electricity_cost"] >= last * (1 - 1e-6)
        last = result["supply.electricity_cost"]
    assert last > free["supply.electricity_cost"]


def test_more_plants_to_choose_from_are_never_dearer() -> None:
    few, more = run(plants="[grid]"), run(plants="[grid, solar]")
    # what energy not served would cost is no cost of electricity, so it is added for the comparison
    price = few["supply.not_served_price"]
    total = [
        r["supply.electricity_cost"] * (r["facility.energy"] - r["supply.not_served"])
        + price * r["supply.not_served"]
        for r in (few, more)
    ]
    assert total[1] <= total[0] * (1 + 1e-6)


def test_the_machine_does_not_know_where_it_stands() -> None:
    cold, hot = run(site="kiruna"), run(site="kuala-lumpur")
    for name in ("training.step_time", "training.duration", "machine.power_it", "layouts.looked_at"):
        assert cold[name] == hot[name], name
    assert cold["facility.pue"] <= hot["facility.pue"]


def test_a_run_twice_is_the_same() -> None:
    first, second = run(), run()
    for name, quantity in first.quantities.items():
        assert second[name] == quantity.value, name


def test_power_in_place_of_a_count_stays_under_it() -> None:
    text = write().replace("count: 64", "power: 5 MW").replace("512 sequences", "4096 sequences")
    result = study(text).run()
    assert result["facility.power_peak"] <= 5e6
    assert result["facility.power_peak"] > 5e6 * 7 / 8  # four binary digits
    assert result["machine.count"] * result["machine.design_power"] * result["machine.pue_peak"] > 5e6
    assert result["machine.count"] > 1000


def test_pinned_degrees_are_kept_and_never_quicker_than_a_free_choice() -> None:
    free, pinned = run(), run(layout={"tensor": 8, "pipeline": 2, "recompute": "full"})
    layouts = pinned.tables["layouts"]
    assert (layouts["tensor"] == 8).all()
    assert (layouts["pipeline"] == 2).all()
    assert (layouts["recompute"] == "full").all()
    assert pinned["training.step_time"] >= free["training.step_time"]
    assert pinned["layouts.looked_at"] < free["layouts.looked_at"]


@pytest.mark.parametrize(
    ("given", "kind", "line", "says"),
    [
        ({"layout": {"tensor": 7}}, InputError, 15, "layout.tensor: a layout that cannot divide: 7 does not"),
        ({"layout": {"data": 4, "tensor": 64}}, InputError, 16, "layout.tensor: a layout that cannot divide"),
        ({"layout": {"expert": 4}}, InputError, 15, "layout.expert: a model without experts"),
        (
            {"model": "llama-3.1-405b"}, InfeasibleError, 9,
            r"machine.count: .* lacks [\d.]+ [GT]B per device.*allowed: 104 or more of them",
        ),
        ({"format": "fp4"}, InputError, 6, "training.number_format: H100-SXM5-80GB does not support"),
        ({"plants": "[grid, gass]"}, InputError, 13, "supply.plants: no such plant; given 'gass'"),
        ({"plants": "[grid, grid]"}, InputError, 13, "supply.plants: two plants have the same id"),
        ({"plants": "[]"}, InputError, 13, "supply.plants: no plant here makes electricity"),
        ({"plants": "[battery]"}, InputError, 13, "supply.plants: no plant here makes electricity"),
        (
            {"carbon_limit": "5 g/kWh"}, InfeasibleError, 14,
            r"supply.carbon_limit: the carbon limit of 5 g/kWh cannot be met .* [\d.]+ g/kWh too much",
        ),
    ],
)  # fmt: skip
def test_an_error_inside_the_chain_names_file_line_and_key(
    given: dict[str, Any], kind: type[GigawattError], line: int, says: str
) -> None:
    with pytest.raises(kind, match=rf"scenario\.yaml:{line}: {says}"):
        run(**given)


def test_an_error_about_a_default_still_names_the_file() -> None:
    text = write(count=60).replace("  count: 60\n", "  count: 60\n  node: nonode\n")
    with pytest.raises(InputError, match=r"scenario\.yaml:10: machine\.node: no such entry"):
        study(text).run()


def test_a_chip_without_the_usual_number_format_gets_one_of_its_own() -> None:
    text = write().replace("  number_format: bf16\n", "").replace("H100-SXM5-80GB", "V100-SXM2-32GB")
    result = study(text).run()
    assert result["training.number_format"] == "fp16"
    told = [a for a in result.assumptions if a.key == "training.number_format"]
    assert [a.reason for a in told] == ["V100-SXM2-32GB has no bf16 rate"]


def test_every_answer_of_the_chain_to_an_error_is_a_quantity() -> None:
    from gigawatt.chain.study import _ANSWERS

    assert set(_ANSWERS) <= set(graph_of_branch("training").nodes)
    loaded = read_scenario(Path(__file__).parents[2] / "examples" / "gb200-1gw-virginia.yaml")
    known = {"layout", "economics", "site", *loaded.lines}
    for answers in _ANSWERS.values():
        assert {answer.split(".")[0] for answer in answers} <= {key.split(".")[0] for key in known}
