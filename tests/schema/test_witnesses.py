"""Every field of a question moves an answer: its witness is two values that give a quantity two values."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from gigawatt.chain.asking import Asker
from gigawatt.chain.memo import Memo
from gigawatt.power.plan.kept_optima import KeptOptima
from gigawatt.schema.fields import FIELDS, Field
from gigawatt.schema.scenario import read_scenario
from gigawatt.schema.settings import read_setting

TRAINING = """
model: llama-3.1-8b
training: {tokens: 1T tokens}
machine: {chip: H100, count: 64}
site: {name: abilene-texas}
"""
SERVING = """
model: llama-3.1-8b
serving: {demand: 20 requests/s}
machine: {chip: H100}
site: {name: abilene-texas}
"""
LOAD = """
load: {peak: 50 MW}
site: {name: abilene-texas}
"""
#: Fields without a quantity of their own to move, and why.
NONE = {
    "name": "the title of a report",
    "uncertainty": "adds intervals to an answer: tests/study/test_uncertainty.py",
    "training.sparsity": "its only value is none",
    "site.weather": "a file: tests/study/test_chain.py has one",
    "serving.classes": "of plan-serving and simulate-serving: tests/study/test_classes_of_requests.py",
    "serving.audio": "a file: tests/serving/test_encoders.py has a model that hears",
    "load.hours": "a file: tests/study/test_plan_supply.py has one",
    "supply.grid.hours": "a file: tests/supply/test_own_hours.py has one",
    "supply.capacity_factors": "a file: tests/study/test_plan_supply.py has one",
}
WITNESSED = [one for one in FIELDS if one.witness is not None]
NONE |= dict.fromkeys(
    ("machine.sites", "machine.distance", "machine.wan", "machine.exchange"),
    "plan-training's alone: tests/study/test_caps_and_sites.py",
)
#: A few of each branch that take little; the rest are run apart.
QUICK = (
    "training.tokens", "training.sequence", "training.step_time", "training.goodput", "training.failures",
    "training.recovery", "training.deadline", "economics.budget",
    "machine.count", "machine.power", "machine.power_cap", "machine.node", "site.pue", "layout.tensor",
    "machine.deliveries", "site.buildings",
    "layout.widen", "load.peak", "load.mean", "load.it_peak", "load.profile", "supply.price",
)  # fmt: skip
#: Ten seconds each: every second one is run, test_reachability.py has the paths of all.
SLOW = [one for one in WITNESSED if one.key not in QUICK]
#: What witnesses before this one made, where it is of the same inputs.
MEMO, OPTIMA = Memo(), KeptOptima()


def values(one: Field, tmp_path: Path) -> tuple[object, object]:
    """What the two values of a witness make of its quantity."""
    assert one.witness is not None
    serving = one.branch == "serving" or one.witness.quantity.startswith("serving.")
    file = tmp_path / "scenario.yaml"
    file.write_text(LOAD if one.key.startswith("load.") else SERVING if serving else TRAINING)
    others = {key: yaml.safe_load(value) if value else None for key, value in one.witness.others}
    if one.key.startswith("load.") and one.key != "load.profile":
        others["load.peak"] = None  # one of them is given
    asker = Asker(read_scenario(file), {key: listed(key, value) for key, value in others.items()})
    asker.memo, asker.optima = MEMO, OPTIMA
    first, second = (
        asker.at({one.key: read_setting(one.key, value)}).value(one.witness.quantity).value
        for value in one.witness.values
    )
    return first, second


def listed(key: str, value: object) -> object:
    """A list of plants as the file has it."""
    return value.split("|") if key == "supply.plants" and isinstance(value, str) else value


def test_every_field_has_a_witness_or_a_reason() -> None:
    assert {one.key for one in FIELDS if one.witness is None} == set(NONE)


@pytest.mark.parametrize("one", [one for one in WITNESSED if one.key in QUICK], ids=lambda one: one.key)
def test_a_field_moves_its_quantity(one: Field, tmp_path: Path) -> None:
    first, second = values(one, tmp_path)
    assert first != second


@pytest.mark.apart
@pytest.mark.parametrize("one", SLOW[::2], ids=lambda one: one.key)
def test_every_other_field_moves_its_quantity(one: Field, tmp_path: Path) -> None:
    first, second = values(one, tmp_path)
    assert first != second
