"""``machine.power_cap`` of a service: sizing of the building, replicas, refusals, every command's door."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gigawatt.chain.asking import Asker
from gigawatt.chain.serving.reader import read_serving_question
from gigawatt.chain.serving.replica import prices_of
from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.faces.terminal.app import app
from gigawatt.schema.scenario import read_scenario

SCENARIO = """\
name: a service under a cap
year: 2026
model: llama-3.1-8b
serving: {{demand: 60 requests/s, simulated_requests: 4000, layout: {{tensor: 1}}, seed: 0}}
machine: {{chip: H100-SXM5-80GB{cap}}}
site: {{name: abilene-texas}}
supply: {{plants: [grid], units: any}}
"""
WORDS = {"model": "llama-3.1-8b", "chip": "H100-SXM5-80GB", "prompt": "1000", "output": "200", "year": 2026}


def asked(folder: Path, cap: str = ""):
    file = folder / "one.yaml"
    file.write_text(SCENARIO.format(cap=cap and f", power_cap: {cap}"))
    return Asker(read_scenario(file)).at({})


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory):
    return {cap: asked(tmp_path_factory.mktemp("cap"), cap) for cap in ("", "700 W", "400 W")}


def test_a_cap_at_the_limit_changes_nothing(found) -> None:
    for name in ("serving.replicas", "serving.tpot_p99", "machine.power_it", "machine.nameplate",
                 "ledger.total_capital", "energy.at_limit"):  # fmt: skip
        own, held = (found[cap].value(name).value for cap in ("", "700 W"))
        assert held == pytest.approx(own, rel=1e-9), name


def test_racks_and_building_are_sized_for_the_cap(found) -> None:
    """As for a training run: 300 W less of every accelerator, nothing less of its node."""
    free, held = found[""], found["400 W"]
    whole = {"serving.demand": None, "machine.count": 16}
    nodes = [one.asker.at(whole) for one in (free, held)]
    for name in ("machine.design_power", "machine.nameplate"):
        each = [one.value(name).value for one in nodes]
        assert each[0] - each[1] == pytest.approx(300.0, rel=1e-9), name
    assert held.value("serving.replicas").value > free.value("serving.replicas").value
    chip = held.value("machine.chip_power").value
    assert chip < 0.975 * 400.0 < free.value("machine.chip_power").value
    count = held.value("machine.count").value
    assert held.value("energy.at_limit").value / count == pytest.approx(400.0 * 8760 * 3600)
    assert any("prompts alone take" in one for one in held.value("study.notices").value)
    relief = held.value("serving.relief").value
    assert relief["power cap of an accelerator"] < 1.0
    assert "power cap of an accelerator" not in free.value("serving.relief").value


@pytest.mark.parametrize(
    ("cap", "error", "words"),
    [
        ("701 W", InputError, r"one\.yaml:5: machine\.power_cap: above the power limit of .*165 to 700 W"),
        ("150 W", InfeasibleError, r"one\.yaml:5: machine\.power_cap: below what .* idle or at its least"),
    ],
)
def test_caps_that_no_accelerator_keeps_are_refused_in_one_line(
    tmp_path: Path, cap: str, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        asked(tmp_path, cap).value("serving.replicas")
    assert "\n" not in str(caught.value)


def test_prices_have_what_stands_beside_a_capped_accelerator() -> None:
    """Node and network draw what they did; what is provided is the cap's and theirs."""
    free, held = (read_serving_question(**WORDS, cap=cap) for cap in (None, "400 W"))
    own, capped = (prices_of(one, one.cluster(64)[0])[0] for one in (free, held))
    assert capped.beside == pytest.approx(own.beside)
    assert own.design - capped.design == pytest.approx(300.0)
    assert capped.second < own.second  # less of a building


def test_every_command_takes_the_field(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(SCENARIO.format(cap=", power_cap: 400 W"))
    run = CliRunner()

    def answer(*argv: str):
        done = run.invoke(app, [*argv, "--json"])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    words = ("--model", "llama-3.1-8b", "--chip", "H100", "--prompt", "1000", "--output", "200")
    plans = [
        answer("plan-serving", *words, "--rate", "40/s", "--finalists", "0", *more)
        for more in ((), ("--cap", "400 W"), ("--set", "machine.power_cap=400 W"))
    ]
    assert plans[0]["best"][0]["USD_per_hour"] < plans[1]["best"][0]["USD_per_hour"]
    assert plans[1]["best"] == plans[2]["best"]
    rest = ("--replicas", "4", "--requests", "600", "--tensor", "1")
    free = answer("simulate-serving", *words, "--rate", "20/s", *rest)
    held = answer("simulate-serving", *words, "--rate", "20/s", *rest, "--cap", "300 W")
    assert held["ttft_s"]["mean"] > free["ttft_s"]["mean"]
    assert (
        held["energy_per_output_token_J"]["accelerators"] < free["energy_per_output_token_J"]["accelerators"]
    )
    scenario = answer("simulate-serving", str(tmp_path / "one.yaml"), "--replicas", "4", "--requests", "600")
    assert any("power cap of 400 W" in one for one in scenario["notices"])
