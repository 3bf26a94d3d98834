"""Options that are fields of a question: each is in its command, with sentence and example of the schema."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from subprocess import run
from typing import Any

import pytest

from gigawatt.core.registry import find_command
from gigawatt.faces.terminal import main
from gigawatt.faces.terminal.commands import built
from gigawatt.faces.terminal.question import has_example
from gigawatt.schema.fields import FIELDS, Field, Option

MADE = ("plan-training", "plan-serving", "simulate-serving", "plan-supply", "plan-pathway", "plan-seconds")
"""Commands whose options are made of the schema; each takes every other field after ``--set``."""
DECLARED = [(one, option) for one in FIELDS for option in one.options]
TRAINING = ("plan-training", "--model", "llama-3.1-8b", "--chip", "H100", "--count", "64")
SERVING = ("plan-serving", "--model", "llama-3.1-8b", "--chip", "H100", "--prompt", "1024", "--output", "200")
Call = Callable[..., tuple[int, str, str]]


def known(command: str) -> dict[str, Any]:
    """Parameters of a command by what is typed: ``--tokens``, or ``SITE``."""
    found = find_command(command)
    assert found is not None, command
    return {
        name if name.startswith("-") else name.upper(): one
        for one in built(found).params
        for name in one.opts
    }


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    def type_in(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main([*words])
        said = capsys.readouterr()
        return int(left.value.code or 0), said.out, said.err

    return type_in


@pytest.mark.parametrize(("one", "option"), DECLARED, ids=[f"{o.command} {o.flag}" for _, o in DECLARED])
def test_an_option_of_the_schema_is_in_its_command(one: Field, option: Option) -> None:
    parameter = known(option.command)[option.flag]
    beside = [other for other, o in DECLARED if (o.command, o.flag) == (option.command, option.flag)]
    last = beside[-1]  # a mapping of all plants stands behind the grid's own field
    if option.command in MADE:
        assert parameter.help.startswith(last.sentence)
        typed = {"supply.plants": "grid,solar,battery", "supply.limits": "wind=200 MW",
                 "supply.capacity_factors": "hydro=river.csv"}  # fmt: skip
        said = typed.get(last.key, last.example)
        assert parameter.help.endswith(f" ({said}).") == has_example(last)


@pytest.mark.parametrize("command", sorted({option.command for _, option in DECLARED}))
def test_the_help_runs(call: Call, command: str) -> None:
    code, out, err = call(command, "--help")
    assert (code, err) == (0, "")
    for one, option in DECLARED:
        if option.command == command:
            assert option.flag.lower() in out.lower()
            if command in MADE and one.section:
                assert f"\n{one.section}:" in out
    assert ("--set KEY=VALUE" in out) == (command in MADE)


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys\nfrom gigawatt.faces.terminal import main\n"
        "try:\n    main(['plan-training', '--help'])\nexcept SystemExit:\n    pass\n"
        "print([m for m in ('numpy', 'pandas', 'scipy', 'gigawatt.chain.graph') if m in sys.modules])"
    )
    done = run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            (*TRAINING, "--tokens", "1T", "--set", "training.tokens=2T tokens"),
            "--set: given twice; given 'training.tokens=2T tokens'; allowed: one of it and --tokens",
        ),
        ((*TRAINING, "--set", "machine.count=8"), "allowed: one of it and --count"),
        ((*TRAINING, "--set", "economics.chip_lif=3 years"), "did you mean 'chip_life'?"),
        ((*TRAINING, "--set", "economics"), "--set: not a pair; given 'economics'; allowed: KEY=VALUE"),
        ((*TRAINING, "--tokens", "5 km"), "--tokens: 'km' is the wrong kind of unit here"),
        ((*TRAINING, "--pue", "low"), "--pue: not a number; given 'low'"),
        ((*SERVING, "--weights", "fp8", "--set", "serving.weights=bf16"), "allowed: one of it and --weights"),
        ((*SERVING, "--rate", "20 km"), "--rate: not a rate of requests; given '20 km'"),
        ((*SERVING, "--set", "serving.weigths=fp8"), "did you mean 'weights'?"),
        (("simulate-serving", "--variation", "high"), "--variation: not a number; given 'high'"),
        (
            ("plan-supply", "texas", "--load", "1GW", "--plants", ","),
            "--plants: no name; given ','; allowed: such as grid,solar,battery",
        ),
        ((*TRAINING, "--zero", "5"), "--zero: unknown value; given '5'"),
    ],
)
def test_what_cannot_be_read_is_one_line_that_names_the_option(
    call: Call, words: tuple[str, ...], said: str
) -> None:
    code, out, err = call(*words)
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1


def test_a_rate_without_its_unit_is_of_requests(call: Call) -> None:
    short = (*SERVING, "--pue", "1.2", "--electricity", "60 $/MWh", "--finalists", "0", "--json")
    answers = [json.loads(call(*short, "--rate", rate)[1]) for rate in ("20", "20 requests/s", "40/s")]
    first, same, other = (answer["chips"] for answer in answers)
    assert first == same < other


def test_a_number_without_its_unit_has_that_of_the_option(call: Call) -> None:
    short = (*TRAINING, "--pue", "120 %", "--electricity", "60 $/MWh", "--top", "1", "--json")
    bare = call(*short, "--tokens", "1T", "--batch", "256")
    whole = call(*short, "--tokens", "1T tokens", "--batch", "256 sequences")
    assert bare[0] == whole[0] == 0
    answers = [json.loads(out) for _, out, _ in (bare, whole)]
    for name in ("best", "days", "step_time_s", "tokens", "cost"):
        assert [answer.get(name) for answer in answers].count(answers[0].get(name)) == 2, name
    assert answers[0]["step_time_s"] > 0
