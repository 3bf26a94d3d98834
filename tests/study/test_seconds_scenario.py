"""The seconds of a scenario: its own step and count, plants of its plan, what cannot be judged said."""

from __future__ import annotations

from pathlib import Path

import pytest

from gigawatt.chain.asking import Asker
from gigawatt.core.errors import InputError
from gigawatt.performance.serving.power import load_node_power
from gigawatt.schema.scenario import read_scenario
from gigawatt.studies.seconds.question import training_load
from gigawatt.studies.seconds.scenario import scenario_seconds

EXAMPLES = Path(__file__).parents[2] / "examples"
SMALL = EXAMPLES / "gpt3-175b-a100.yaml"


@pytest.fixture(scope="module")
def found():
    return scenario_seconds(
        SMALL, plants={"grid": 1e6, "solar": 2e6, "wind": 0.0}, electricity=50.0 / 3.6e9, duration="60 s"
    )


def test_the_step_is_that_of_the_scenario(found) -> None:
    point = Asker(read_scenario(SMALL)).at({})
    search, machine = (point.value(name).value for name in ("layouts.search", "machine.machine"))
    load = training_load(search.best, machine.cluster)
    assert found.question.segments == load.segments
    assert sum(one.duration for one in load.segments) == pytest.approx(float(search.best.step_time[0]))
    assert found.question.accelerators == machine.cluster.count
    assert found.question.what == "gpt3-175b on 1,024 × NVIDIA A100 SXM4 80GB"
    # the mean power of a step is its energy over its time, less what the node's overhead falls with its chips
    joules = sum(float(values[0]) for values in search.best.energy.values())
    mean = sum(one.power * one.duration for one in load.segments) / float(search.best.step_time[0])
    node = load_node_power(machine.cluster.node, machine.cluster.chip)
    chips = sum(
        float(values[0]) for name, values in search.best.energy.items() if name not in ("node", "network")
    ) / float(search.best.step_time[0])
    saved = machine.cluster.node.overhead_power * machine.cluster.count / node.chips - (
        node.base * machine.cluster.count / node.chips + node.share * chips
    )
    assert saved > 0.0
    assert mean * machine.cluster.count + saved == pytest.approx(
        joules / float(search.best.step_time[0]), rel=1e-6
    )
    # before and after the run chips rest at less than the power of those that wait within it
    assert load.idle < load.segments[2].power < load.segments[0].power


def test_plants_and_price_are_those_given(found) -> None:
    assert found.question.plants == {"grid": 1e6, "solar": 2e6}
    assert found.question.electricity == pytest.approx(50.0 / 3.6e9)
    assert found.carried is not None
    assert not found.carried.island


def test_plants_that_make_no_frequency_are_told_and_left_out() -> None:
    told: list[tuple[str, float]] = []
    alone = scenario_seconds(
        SMALL,
        plants={"solar": 2e6},
        duration="60 s",
        progress=lambda words, share: told.append((words, share)),
    )
    assert alone.carried is None
    assert any("the plants were not checked" in text for text in alone.notices)
    assert alone.offers
    assert told[0] == ("Planning the training step", 0.0)
    assert all(0.0 <= share <= 1.0 for _, share in told)


def test_a_service_has_no_step() -> None:
    with pytest.raises(InputError, match="not a training scenario"):
        scenario_seconds(EXAMPLES / "serve-llama-70b-virginia.yaml")
