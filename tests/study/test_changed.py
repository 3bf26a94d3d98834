"""A changed scenario is the one that the changed file would be, and refuses what the file would refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gigawatt.core.errors import InputError
from gigawatt.schema.changed import scenario_with
from gigawatt.schema.scenario import read_scenario

TEXAS = Path(__file__).parents[2] / "examples/llama-3.1-405b-texas.yaml"


def test_changes_give_what_the_changed_file_gives(tmp_path: Path) -> None:
    base = read_scenario(TEXAS)
    before = repr(base.data)
    made = scenario_with(
        base,
        {
            "machine.count": None,
            "machine.power": "150 MW",
            "training.tokens": "3T tokens",
            "supply.limits.wind": "200 MW",
            "supply.plants": ["grid", "wind"],
            "economics.discount_rate": "7 %",
        },
    )
    text = TEXAS.read_text(encoding="utf-8")
    text = text.replace("count: 16384", "power: 150 MW").replace("15.6T tokens", "3T tokens")
    text = text.replace("[grid, solar, wind, battery, gas-engine, fission-small]", "[grid, wind]")
    file = tmp_path / "changed.yaml"
    file.write_text(
        f"{text}  limits: {{wind: 200 MW}}\neconomics: {{discount_rate: 7 %}}\n", encoding="utf-8"
    )
    read = read_scenario(file)
    assert made.scenario == read.scenario
    assert made.written == read.written
    assert set(made.lines) == set(read.lines)
    assert repr(base.data) == before
    assert base.scenario.machine.count == 16384


def test_hash_is_of_the_content() -> None:
    base = read_scenario(TEXAS)
    one = scenario_with(base, {"machine.count": 512, "year": 2027})
    two = scenario_with(scenario_with(base, {"year": np.int64(2027)}), {"machine.count": 512})
    assert one.hash == two.hash != scenario_with(base, {"machine.count": 513, "year": 2027}).hash
    assert scenario_with(base, {}) is base


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"machine.cuont": 5}, "machine.cuont: unknown key; allowed: .*did you mean 'count'"),
        ({"machin.count": 5}, "machin: unknown key; .*did you mean 'machine'"),
        ({"training.tokens": 5e12}, "training.tokens: the unit is missing"),
        ({"machine.count": 2.5}, "machine.count: not a count; given '2.5'"),
        ({"machine.count": None}, "machine: give the machine's size as count or as power"),
        ({"model.layers": 3}, "model.layers: this is a value, not a section"),
        ({"site.name": None}, "site.name: this key is needed"),
        ({"serving.demand": "5 requests/s"}, "a scenario trains or serves, not both"),
        ({"year": 1900}, "year: out of range; given 1900"),
    ],
)
def test_what_a_file_refuses_is_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told) as caught:
        scenario_with(read_scenario(TEXAS), changes)
    assert caught.value.file == TEXAS


def test_a_new_section_is_one_of_the_file() -> None:
    base = read_scenario(TEXAS.parent / "serve-llama-70b-virginia.yaml")
    with pytest.raises(InputError, match=r"layout: belongs to training; allowed: serving\.layout"):
        scenario_with(base, {"layout.tensor": 8})
