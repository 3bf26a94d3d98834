"""What would change a choice: against lognormal costs whose break-even and probability are known."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import ndtr

import gigawatt
from gigawatt import catalog
from gigawatt.chain.study import Study
from gigawatt.core.evidence import Z95, Grade
from gigawatt.core.result import Quantity, Result
from gigawatt.faces.figures.style import safe
from gigawatt.studies.compare.break_even import settled_by
from gigawatt.studies.compare.decision import Decision, Pair, decisions
from gigawatt.studies.run.responses import input_at, normal_at, responses_of

COST = "ledger.run_cost"
QUARTILE = 0.6744897501960817
INPUTS = ("chips.a.price", "chips.b.price", "finance.x.discount_rate")
SPREADS = {"chips.a.price": 0.2, "chips.b.price": 0.3, "finance.x.discount_rate": 0.25}
"""Standard deviations of the logarithms of the inputs, whose middles are 100."""


def toy(value: float, powers: dict[str, float], draws: int = 40_000) -> Result:
    """A result whose cost is ``value`` times powers of lognormal inputs."""
    rng = np.random.default_rng(7)
    normals = {name: rng.standard_normal(draws) for name in INPUTS}  # the same in every result
    logs = sum((powers[name] * SPREADS[name] * normals[name] for name in powers), np.zeros(draws))
    rows = []
    for name, power in powers.items():
        end = Z95 * power * SPREADS[name]
        ends = [100.0 * math.exp(z * SPREADS[name]) for z in (-Z95, -QUARTILE, 0.0, QUARTILE, Z95)]
        rows.append(
            {
                "quantity": COST, "cause": name, "group": "accelerator prices", "share": 0.5,
                "low": value * math.exp(-end), "high": value * math.exp(end), "unit": "$",
                **dict(zip(("input low", "input 25 %", "input", "input 75 %", "input high"), ends,
                           strict=True)),
                "input unit": "$", "grade": "vendor", "source": "toy",
            }
        )  # fmt: skip
    band = {"value": value, "low": 0.0, "median": value, "high": 0.0, "unit": "$", "from guesses": 0.0,
            "response error": 0.0}  # fmt: skip
    tables: dict[str, Any] = {
        "uncertainty": pd.DataFrame([{"quantity": COST, **band}]).set_index("quantity"),
        "draws": pd.DataFrame({COST: value * np.exp(logs)}),
        "normals": pd.DataFrame(normals),
        "responses": pd.DataFrame(rows),
    }
    quantity = Quantity(COST, value, "$", Grade.vendor, "Cost of one run.", "", (), "computed", "", "", "")
    return Result("toy", {COST: quantity}, tables, (), (), {"uncertainty": {"draws": draws, "seed": 0}})


def decided(first: Result, second: Result) -> tuple[Decision, Pair]:
    (one,) = decisions([first, second])
    (pair,) = one.pairs
    return one, pair


def test_the_break_even_is_that_of_the_closed_form() -> None:
    """ln A = ln 100 + s_a z_a, ln B = ln 110 + s_b z_b: equal at z_a = ln 1.1 / s_a, z_b = −ln 1.1 / s_b."""
    _, one = decided(toy(100.0, {INPUTS[0]: 1.0}), toy(110.0, {INPUTS[1]: 1.0}))
    assert one.ratio == pytest.approx(1.1)
    assert one.break_even is not None
    found = {row.input: row for row in one.break_even}
    assert found.keys() == set(INPUTS[:2])
    for name, above, value in ((INPUTS[0], True, 110.0), (INPUTS[1], False, 100.0 / 1.1)):
        row = found[name]
        assert row.above is above
        assert row.value == pytest.approx(value, rel=1e-9)
        assert row.probability == pytest.approx(float(ndtr(-math.log(1.1) / SPREADS[name])), rel=1e-6)
        assert row.low < row.middle < row.high
        assert (row.grade, row.settled_by) == ("vendor", "a quote")
    spread = math.hypot(SPREADS[INPUTS[0]], SPREADS[INPUTS[1]])
    expected = float(ndtr(math.log(1.1) / spread))
    assert one.probability_first_lower == pytest.approx(expected, abs=0.01)
    assert one.together == ()


def test_an_input_that_both_share_changes_nothing() -> None:
    """An equal power on either side leaves the ratio; with powers 1 and 2 the break-even is at ln 1.1 / s."""
    shared = INPUTS[2]
    _, alike = decided(toy(100.0, {shared: 1.0}), toy(110.0, {shared: 1.0}))
    assert alike.break_even == ()
    assert alike.together == ()
    assert alike.ratios == ()
    _, unlike = decided(toy(100.0, {shared: 2.0}), toy(110.0, {shared: 1.0}))
    assert unlike.break_even is not None
    (row,) = unlike.break_even
    assert row.above
    assert row.value == pytest.approx(110.0, rel=1e-9)
    (ends,) = unlike.ratios
    reach = Z95 * SPREADS[shared]
    assert (ends.low, ends.high) == pytest.approx((1.1 * math.exp(reach), 1.1 * math.exp(-reach)))


@pytest.mark.parametrize(("ratio", "pair"), [(2.2, INPUTS[:2][::-1]), (3.0, ())])
def test_two_inputs_are_named_where_none_suffices(ratio: float, pair: tuple[str, ...]) -> None:
    """The ends move the ratio by exp(1.645 · 0.2) = 1.39 and by 1.64, together by 2.28."""
    _, one = decided(toy(100.0, {INPUTS[0]: 1.0}), toy(100.0 * ratio, {INPUTS[1]: 1.0}))
    assert one.break_even == ()
    assert one.together == pair


def test_information_is_that_of_a_normal_saving() -> None:
    """The smaller the spread the nearer a saving is to normal: E max(s, 0) = σ φ(μ/σ) − |μ| Φ(−|μ|/σ)."""
    small = {INPUTS[0]: 0.1}
    one, _ = decided(toy(100.0, small, 200_000), toy(101.0, {INPUTS[2]: 0.1}, 200_000))
    for name, middle in ((INPUTS[0], 100.0), (INPUTS[2], 101.0)):
        sigma = 0.1 * SPREADS[name] * middle
        mean = (
            1.0
            + 0.5 * (0.1 * SPREADS[INPUTS[2]]) ** 2 * 101.0
            - 0.5 * (0.1 * SPREADS[INPUTS[0]]) ** 2 * 100.0
        )
        normal = math.exp(-0.5 * (mean / sigma) ** 2) / math.sqrt(2.0 * math.pi)
        expected = sigma * normal - mean * float(ndtr(-mean / sigma))
        assert dict(one.value_of_information)[name] == pytest.approx(expected, rel=0.03)


def test_of_three_each_has_the_probability_of_being_lowest() -> None:
    """Oracle: the same draws by hand, one by one; a constant between two that vary."""
    results = [toy(100.0, {INPUTS[0]: 1.0}), toy(101.0, {}), toy(104.0, {INPUTS[1]: 1.0})]
    (one,) = decisions(results)
    rows = list(zip(*(result.tables["draws"][COST].tolist() for result in results), strict=True))
    least = [min(row) for row in rows]
    for side in range(3):
        wins = sum(row[side] == low for row, low in zip(rows, least, strict=True)) / len(rows)
        assert one.lowest[side] == pytest.approx(wins, rel=1e-9)
        regret = sum(row[side] - low for row, low in zip(rows, least, strict=True)) / len(rows)
        assert one.regrets[side] == pytest.approx(regret, rel=1e-9)
        middle = float(ndtr(0.0))
        assert one.quantiles[side][2] == pytest.approx((100.0, 101.0, 104.0)[side], rel=0.01 * middle)
    assert sum(one.lowest) == pytest.approx(1.0)
    assert one.chosen == 1  # a lognormal's mean is above its median: the constant has the smallest
    assert one.expected_regret == one.regrets[1] == min(one.regrets)
    assert [(pair.first, pair.second) for pair in one.pairs] == [(0, 1), (1, 2)]
    # both inputs together are all there is to know, and one alone is worth less
    values = dict(one.value_of_information)
    assert set(values) == set(INPUTS[:2])
    assert max(values.values()) < one.expected_regret < 1.02 * sum(values.values())


def test_the_value_of_an_input_among_three_is_that_of_the_closed_form() -> None:
    """Costs 100 eˢᶻ, 100, 100 e⁻ˢᶻ: known z saves the constant E 100 (1 − e⁻ˢ|ᶻ|), all of the regret."""
    three = [toy(100.0, {INPUTS[0]: 1.0}), toy(100.0, {}), toy(100.0, {INPUTS[0]: -1.0})]
    (one,) = decisions(three)
    s = SPREADS[INPUTS[0]]
    expected = 100.0 * (1.0 - 2.0 * math.exp(s * s / 2.0) * float(ndtr(-s)))
    assert one.expected_regret == pytest.approx(expected, rel=0.02)
    assert dict(one.value_of_information)[INPUTS[0]] == pytest.approx(expected, rel=0.03)
    assert one.lowest == pytest.approx([0.5, 0.0, 0.5], abs=0.01)


def test_results_without_responses_have_no_break_even() -> None:
    first, second = toy(100.0, {INPUTS[0]: 1.0}), toy(110.0, {INPUTS[1]: 1.0})
    for one in (first, second):
        del one.tables["responses"]  # type: ignore[attr-defined]
    _, one = decided(first, second)
    assert one.break_even is None
    assert one.together is None


@pytest.mark.parametrize("ends", [(50.0, 80.0, 100.0, 130.0, 250.0), (0.0, 0.1, 0.2, 0.5, 1.5)])
def test_values_and_normals_of_an_input_are_those_of_its_quantiles(ends: tuple[float, ...]) -> None:
    assert input_at(ends, 0.0) == ends[2]
    assert (input_at(ends, -1.0), input_at(ends, 1.0)) == pytest.approx((ends[0], ends[4]))
    reaches = np.linspace(-1.4, 1.4, 57)
    normals = [normal_at(ends, float(one)) for one in reaches]
    assert np.all(np.diff(normals) > 0.0)
    assert (normal_at(ends, -1.0), normal_at(ends, 1.0)) == pytest.approx((-Z95, Z95))
    for quarter, z in ((ends[1], -QUARTILE), (ends[3], QUARTILE)):
        end = ends[4] if z > 0.0 else ends[0]
        positive = min(ends) > 0.0
        far = (
            math.log(quarter / ends[2]) / math.log(end / ends[2])
            if positive
            else (quarter - ends[2]) / (end - ends[2])
        )
        assert normal_at(ends, math.copysign(far, z)) == pytest.approx(z)


def test_what_lies_ahead_is_settled_by_a_forecast() -> None:
    assert settled_by("plant costs", "vendor") == "a quote"
    assert settled_by("plant costs", "projected") == "a forecast"
    assert settled_by("a group without words", "guess") == "a measurement"


RUN = {
    "model": "llama-3.1-8b",
    "year": 2026,
    "training": {"tokens": "1T tokens"},
    "site": {"name": "abilene-texas"},
    "supply": {"price": "60 $/MWh"},
}
MACHINES = ({"chip": "H100-SXM5-80GB", "count": 64}, {"chip": "H200-SXM-141GB", "count": 64})


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("choice")
    found = [folder / "a.yaml", folder / "b.yaml"]
    for file, machine in zip(found, MACHINES, strict=True):
        file.write_text(json.dumps({**RUN, "machine": machine}))
    return found


@pytest.fixture(scope="module")
def compared(files: list[Path]) -> Any:
    return gigawatt.compare(*files, split=False, uncertainty=True)


def test_at_the_break_even_both_runs_of_the_whole_chain_cost_the_same(
    files: list[Path], compared: Any
) -> None:
    """Oracle: both scenarios run from the start with the row at its break-even, nothing fixed or known."""
    by_quantity = {one["quantity"]: one for one in compared["decisions"]}
    decision = by_quantity["ledger.annual_cost"]["pairs"][0]
    prices = [one for one in decision["break_even"] if one["input"].startswith("chips.")]
    assert prices
    for one in prices:
        table, rest = one["input"].split(".", 1)
        id, _, quantity = rest.rpartition(".")
        row = catalog.entity(table, id).evidence(quantity)
        value = row.value * one["value"] / float(row.written)  # of the currency year of the catalog
        with catalog.varied({(table, id, quantity): value}):
            costs = [float(Study.read(file).run()["ledger.annual_cost"]) for file in files]
        assert costs[1] / costs[0] == pytest.approx(1.0, abs=0.01), one["input"]
        assert abs(decision["ratio"] - 1.0) > 0.02


def test_report_and_terminal_say_what_would_change_the_choice(compared: Any, tmp_path: Path) -> None:
    document = compared.document
    said = " ".join(document.paragraphs)
    (cost,) = next(one for one in compared["decisions"] if one["quantity"] == COST)["pairs"]
    if cost["break_even"]:
        assert f"{cost['break_even'][0]['words']} " in said
        assert "settles it" in said
    else:
        assert "No single input" in said
    section = next(one for one in document.sections if one.key == "choice")
    assert "choice" in document.short
    drawing = next(one for one in section.parts if one.kind == "drawing" and one.name == "choice")
    bars = [trace for trace in json.loads(drawing.plotly)["data"] if trace["type"] == "bar"]
    ends = {safe(row["words"], 52): (row["low"], row["high"]) for row in cost["ratios"]}
    for at, bar in enumerate(bars):
        for name, width, base in zip(bar["y"], bar["x"], bar["base"], strict=True):
            assert base + width == pytest.approx(ends[name][at])
    compared.save(tmp_path)
    stored = json.loads((tmp_path / "compare.json").read_text())["decisions"]
    assert {"break_even", "together", "ratio", "ratios"} <= stored[0]["pairs"][0].keys()


def test_responses_of_a_run_are_those_of_its_ends(files: list[Path]) -> None:
    answer = gigawatt.run(files[0], uncertainty=True, draws=400)
    found = {one.cause: one for one in responses_of(answer.found, COST)}
    price = found["chips.H100-SXM5-80GB.price"]
    row = catalog.entity("chips", "H100-SXM5-80GB").evidence("price")
    assert row.low is not None
    with catalog.varied({("chips", "H100-SXM5-80GB", "price"): row.low}):
        cost = float(Study.read(files[0]).run()[COST])
    assert price.low * 1e6 == pytest.approx(cost, rel=1e-6)
    assert price.ends[2] == pytest.approx(float(row.written))
    assert price.low < answer["quantities"][COST]["value"] < price.high
    assert len(answer.found.tables["responses"]) < 168  # so few that the answer's JSON has them
