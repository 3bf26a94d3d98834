"""Every shipped example runs, and what it says is sound: sums, conservation, limits, published anchors."""

from __future__ import annotations

import math
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gigawatt.core.quantities import factor, parse
from gigawatt.core.result import Result
from gigawatt.core.store import as_json
from ran import ran

FOLDER = Path(__file__).parent.parent / "examples"
#: Scenarios; a study of many (a sweep) names one of them.
EVERY = sorted(file.stem for file in FOLDER.glob("*.yaml") if "\nsite:" in file.read_text(encoding="utf-8"))
#: Those of a training run.
EXAMPLES = [name for name in EVERY if "\ntraining:" in (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")]

#: Those with a model on a machine.
MODELS = [name for name in EVERY if "\nmodel:" in (FOLDER / f"{name}.yaml").read_text(encoding="utf-8")]


#: Wide on purpose: these guard against a slip by a factor, the scorecard says how well the model predicts.
WIDE = 0.4

#: example → quantity, published value, unit, who published it.
ANCHORS = {
    "deepseek-v3-h800": (
        "training.accelerator_hours", 2.664e6, "h",
        "DeepSeek-V3 Technical Report, arXiv 2412.19437, Table 1: 2,664 K H800 hours of pre-training",
    ),
    "llama-3.1-405b-texas": (
        "training.accelerator_hours", 30.84e6, "h",
        "Llama 3.1 model card: 30.84 M GPU-hours on H100-80GB for the 405B model, all training",
    ),
    "gpt3-175b-a100": (
        "training.duration", 34.0, "days",
        "Narayanan et al. 2021, arXiv 2104.04473, section 5.1: GPT-3 175B on 1,024 A100 takes 34 days",
    ),
}  # fmt: skip

#: Quantities that are a rate or a given and may be below zero.
SIGNED = {"economics.discount_rate"}


def plant_columns(result: Result) -> tuple[list[str], list[str]]:
    """Columns of the hourly table that deliver, and those that take in."""
    plants = result.tables["plants"].index
    hourly = result.tables["hourly"]
    return (
        [f"{plant} [MW]" for plant in plants],
        [f"{plant} charge [MW]" for plant in plants if f"{plant} charge [MW]" in hourly],
    )


def test_the_four_examples_are_there() -> None:
    assert len(EXAMPLES) >= 4
    assert set(ANCHORS) < set(EXAMPLES)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_breakdown_adds_up_to_the_step(name: str) -> None:
    result = ran(name)
    table = result.tables["breakdown"]
    assert table["time [s]"].sum() == pytest.approx(result["training.effective_step_time"], rel=1e-9)
    assert table["share []"].sum() == pytest.approx(1.0, rel=1e-9)
    assert (table["time [s]"] >= 0.0).all()
    assert len(table) == 7  # six of the machine and one of failures
    assert result["training.binding"] == table["time [s]"].idxmax().replace("_", " ")


@pytest.mark.parametrize("name", EVERY)
def test_every_hour_balances(name: str) -> None:
    hourly = ran(name).tables["hourly"]
    given, taken = plant_columns(ran(name))
    left = hourly[given].sum(axis=1) - hourly[taken].sum(axis=1) + hourly["not served [MW]"]
    assert len(hourly) == 8760
    np.testing.assert_allclose(left, hourly["load [MW]"], rtol=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_power_flows_conserve(name: str) -> None:
    result = ran(name)
    flows = result.tables["flows"]
    into = flows.groupby("target")["power [MW]"].sum()
    out = flows.groupby("source")["power [MW]"].sum()
    inner = into.index.intersection(out.index)
    assert {"electricity", "served", "computing"} <= set(inner)
    for node in inner:
        assert out[node] == pytest.approx(into[node], rel=1e-6), node
    load = result.tables["hourly"]["load [MW]"].mean()
    assert into["served"] == pytest.approx(load, rel=1e-6)
    assert out["served"] == pytest.approx(result["facility.power_mean"] / 1e6, rel=1e-6)
    assert into["computing"] == pytest.approx(result["machine.power_it"] / 1e6, rel=1e-6)


@pytest.mark.parametrize("name", EVERY)
def test_stores_give_back_no_more_than_they_took(name: str) -> None:
    hourly = ran(name).tables["hourly"]
    for taken in plant_columns(ran(name))[1]:
        given = taken.replace(" charge", "")
        assert hourly[given].sum() <= hourly[taken].sum() * (1 + 1e-6) + 1e-6, given


@pytest.mark.parametrize("name", EVERY)
def test_nothing_is_negative_infinite_or_no_number(name: str) -> None:
    result = ran(name)
    for quantity in result.quantities.values():
        if isinstance(quantity.shown, float):
            assert math.isfinite(quantity.shown), quantity.name
            assert quantity.shown >= 0.0 or quantity.name in SIGNED, quantity.name
    for key, table in result.tables.items():
        for column in table.select_dtypes("number"):
            values = table[column].to_numpy(float)
            assert np.isfinite(values).all(), (key, column)
            if key == "ledger":  # what is given back stands as a line of its own
                values = values[table.index.astype(str) != "tax credits"]
            if not column.startswith(("temperature", "price", "gain")):
                scale = max(1.0, float(np.abs(values).max()))
                assert values.min() >= -1e-6 * scale, (key, column, values.min())


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_ledger_adds_up(name: str) -> None:
    result = ran(name)
    ledger = result.tables["ledger"]
    assert ledger["share []"].sum() == pytest.approx(1.0, rel=1e-9)
    assert ledger["run [M$]"].sum() == pytest.approx(result["ledger.run_cost"] / 1e6, rel=1e-9)
    assert ledger["annual [M$/yr]"].sum() == pytest.approx(
        result.quantity("ledger.annual_cost").shown, rel=1e-9
    )
    assert ledger["capital [M$]"].sum() == pytest.approx(result["ledger.total_capital"] / 1e6, rel=1e-9)
    per_token = result["ledger.run_cost"] / result["training.tokens"]
    assert result["ledger.cost_per_mtoken"] == pytest.approx(per_token, rel=1e-9)
    plants = result.tables["plants"]
    served = result.tables["hourly"]["load [MW]"].sum() - result.tables["hourly"]["not served [MW]"].sum()
    levelised = plants["cost [M$/yr]"].sum() * 1e6 / served  # $/MWh
    assert levelised == pytest.approx(result.quantity("supply.electricity_cost").shown, rel=1e-6)
    grams = plants["carbon [kt/yr]"].sum() * 1e9 / (served * 1e3)
    assert grams == pytest.approx(result.quantity("supply.carbon_intensity").shown, rel=1e-6)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_energy_of_a_token_adds_up(name: str) -> None:
    result = ran(name)
    energy = result.tables["energy"]
    assert energy["share []"].sum() == pytest.approx(1.0, rel=1e-9)
    by_part = energy["energy [kWh/Mtoken]"].sum()
    assert by_part == pytest.approx(result.quantity("ledger.energy_per_mtoken").shown, rel=1e-6)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_best_layouts_stand_in_order_and_fit(name: str) -> None:
    result = ran(name)
    layouts = result.tables["layouts"]
    assert layouts["step_time [s]"].is_monotonic_increasing
    assert layouts["step_time [s]"].iloc[0] == result["training.step_time"]
    memory = result.tables["memory"]["bytes [GB]"]
    assert (layouts["memory [GB]"] <= memory["capacity"]).all()
    assert memory.drop("capacity").sum() == pytest.approx(layouts["memory [GB]"].iloc[0], rel=1e-9)
    degrees = layouts[["tensor", "pipeline", "data", "context"]].prod(axis=1)
    assert (degrees == result["machine.count"] / result["training.runs"]).all()
    assert 1 <= result["layouts.fit"] <= result["layouts.looked_at"]
    assert 0.0 < result["training.mfu"] < 1.0


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_plan_is_solved_and_the_answer_is_json(name: str) -> None:
    result = ran(name)
    assert result["supply.gap"] < 1e-6
    assert as_json(result)["quantities"]["training.step_time"]["value"] == result["training.step_time"]
    assert len(result.assumptions) > 0
    assert all(item.reason for item in result.assumptions)


def test_virginia_keeps_its_carbon_limit_and_its_power() -> None:
    result = ran("gb200-1gw-virginia")
    limit = parse("100 g/kWh", "kg/J")
    assert result["supply.carbon_limit"] == pytest.approx(limit)
    assert result["supply.carbon_intensity"] <= limit * (1 + 1e-6)
    assert result["facility.power_peak"] <= 1e9
    assert result["machine.count"] % result["training.runs"] == 0
    grid = result.tables["hourly"]["grid [MW]"]
    assert grid.max() <= 500.0 * (1 + 1e-6)


@pytest.mark.parametrize("name", ANCHORS)
def test_published_anchors(name: str) -> None:
    key, published, unit, source = ANCHORS[name]
    ours = float(ran(name)[key]) / factor(unit)
    off = ours / published - 1.0
    said = f"{name}: {key} is {ours:,.4g} {unit}, published {published:,.4g} ({off:+.1%}); {source}"
    print(said)
    assert abs(off) <= WIDE, said


def test_the_python_face() -> None:
    result = ran("gpt3-175b-a100")
    frame = result.to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert frame.loc["training.mfu", "unit"] == "percent"
    arrays = result.arrays()
    assert arrays.sizes["hour"] == 8760
    assert arrays["load [MW]"].attrs["units"] == "MW"
    assert result.name in result._repr_html_()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(result.figure("sankey").data) == 1
    with pytest.raises(AttributeError):
        result.name = "another"  # type: ignore[misc]
