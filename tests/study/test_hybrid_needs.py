"""What a machine of several substrates supposes, and what a plan on one is told."""

from __future__ import annotations

import json

import pytest

from gigawatt.chain.machine.hybrids import machine_notices, needs, training_notices
from gigawatt.core.errors import MissingDataError
from gigawatt.faces.terminal.app import main
from gigawatt.machine.load import load_chip
from gigawatt.technology.hybrid.machine import machine_of
from gigawatt.workload import read_architecture

LLAMA = read_architecture("llama-3.1-8b")
MIXED = read_architecture("mixtral-8x7b")


def test_needs_are_factors_over_what_is_published() -> None:
    found = {one.what: one for one in needs("mixed-2035", LLAMA)}
    machine = machine_of("mixed-2035")
    assert found["weights on a mm²"].factor == pytest.approx(machine.density, rel=1e-9)
    assert found["energy of its products"].factor == pytest.approx(1.0 / machine.joules, rel=1e-9)
    bandwidth = found["memory bandwidth"]
    assert bandwidth.factor == pytest.approx(load_chip("mixed-2035").memory_bandwidth / 3.35e12, rel=1e-6)
    stricter = {one.what: one for one in needs("mixed-2035", LLAMA, loss=1.01)}
    borne = next(name for name in found if name.startswith("perplexity"))
    assert stricter[borne].factor == pytest.approx(2.0 * found[borne].factor, rel=1e-9)
    with pytest.raises(MissingDataError):
        needs("H100", LLAMA)


def test_a_plan_names_what_maps_and_the_fallback_of_what_does_not() -> None:
    chip = load_chip("mixed-2035")
    told = machine_notices(chip, MIXED)
    assert any(line.startswith("mixed-2035 is hypothetical") for line in told)
    assert any(line.startswith("on pcm") and "experts" in line for line in told)
    assert any("left to the digital host" in line and "attention.decode" in line for line in told)
    assert any("router" in line and "event-2040" in line for line in told)
    assert machine_notices(load_chip("H100"), MIXED) == []
    dense = read_architecture("llama-3.1-8b")
    assert training_notices(load_chip("H100"), dense) == []
    assert "host alone" in training_notices(chip, dense)[0]


def test_the_command_prints_and_refuses(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["technologies", "needs", "neuromorphic-2045", "--model", "llama-3.1-8b", "--json"])
    assert left.value.code == 0
    rows = json.loads(capsys.readouterr().out)
    assert {"what", "supposed", "today", "unit", "factor", "basis"} == set(rows[0])
    with pytest.raises(SystemExit) as left:
        main(["technologies", "needs", "H100"])
    assert left.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_plans_and_runs_take_a_hybrid_as_any_chip(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["plan-serving", "--model", "llama-3.1-8b", "--chips", "16", "--year", "2035", "--prompt", "512"]
    words += ["--output", "64", "--finalists", "0", "--json", "--chip"]
    found = {}
    for chip in ("mixed-2035", "H100"):
        with pytest.raises(SystemExit) as left:
            main([*words, chip])
        assert left.value.code == 0
        found[chip] = json.loads(capsys.readouterr().out)
    assert any("hypothetical" in line for line in found["mixed-2035"]["notices"])
    assert not any("digital host" in line for line in found["H100"]["notices"])
