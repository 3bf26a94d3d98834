"""The answer in sentences, and the terminal summary that uses them."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from gigawatt.core.evidence import Grade
from gigawatt.core.result import Result
from gigawatt.faces.terminal.document import write_document
from gigawatt.studies.run.document import document
from gigawatt.studies.run.words import sentences, topics


def test_the_sentences_say_the_numbers(made: Result) -> None:
    said = topics(made)
    assert list(said) == [
        "training",
        "error",
        "binding",
        "layout",
        "facility",
        "supply",
        "money",
        "tokens",
        "trust",
    ]
    for name, words in {
        "training": [
            "llama-3.1-405b",
            "406 billion",
            "15.6 trillion",
            "16,384 H100-SXM5-80GB",
            "48.6 days",
            "19.1 million accelerator-hours",
            "4.23 s",
            "39.9 %",
            "4.51 s",
            "(calibrated)",
        ],
        "binding": [
            "arithmetic: it takes 68 %",
            "interconnect bandwidth (9 %)",
            "doubling arithmetic",
            "33.4 %",
        ],
        "layout": ["412,332", "98,765", "TP8 PP16 VP4 DP64 ZeRO1 µb1 SP", "61.2 GB of the 80 GB"],
        "facility": ["24.5 MW", "27.1 MW", "PUE 1.12", "215 GWh", "312,000 m³", "(modelled)"],
        "supply": [
            "Wind onshore 18 MW",
            "32 % of the energy",
            "$51.2/MWh",
            "123 g/kWh",
            "12.5 MWh a year are not served",
            "(projected)",
        ],
        "money": ["$40.1 million", "chips 48 %", "$1.01 billion", "$302 million a year", "(guess)"],
        "tokens": ["$2.57", "1.83 kWh", "226 g", "61.7 g", "2.7 L"],
        "trust": ["3 values", "1 of them is a guess"],
    }.items():
        for word in words:
            assert word in said[name], (name, word, said[name])
    assert "Fusion" not in said["supply"]


def test_a_mixture_says_how_many_parameters_are_active(made: Result) -> None:
    active = replace(made.quantities["model.active_parameters"], value=37_000_000_000)
    mixed = replace(made, quantities={**made.quantities, "model.active_parameters": active})
    assert "406 billion parameters, 37 billion of them active" in sentences(mixed)[0]


def test_a_dry_site_takes_no_water(made: Result) -> None:
    dry = replace(made.quantities["facility.water"], value=0.0)
    said = topics(replace(made, quantities={**made.quantities, "facility.water": dry}))
    assert "215 GWh and no water on site in a year" in said["facility"]


def test_a_latency_is_halved(made: Result) -> None:
    relief = made.tables["relief"].copy()
    relief.loc["interconnect latency", "gain []"] = 0.6
    said = topics(replace(made, tables={**made.tables, "relief": relief}))
    assert "halving interconnect latency would shorten the step most, by 60 %" in said["binding"]


def test_the_worst_grade_is_named(made: Result) -> None:
    worse = replace(made.quantities["training.mfu"], grade=Grade.guess)
    said = topics(replace(made, quantities={**made.quantities, "training.mfu": worse}))
    assert said["training"].endswith("(guess).")


def test_what_is_missing_is_left_out(made: Result) -> None:
    for name in made.quantities:
        less = replace(made, quantities={k: v for k, v in made.quantities.items() if k != name})
        assert sentences(less)
    bare = replace(made, quantities={}, tables={}, assumptions=())
    assert sentences(bare) == ["Nothing is assumed."]


def _printed(result: Result, width: int = 100) -> list[str]:
    stream = io.StringIO()
    write_document(document(result), Console(file=stream, width=width, highlight=False))
    return stream.getvalue().rstrip("\n").split("\n")


def test_the_terminal_summary_fits_a_screen(made: Result) -> None:
    lines = _printed(made)
    assert len(lines) <= 50
    assert max(map(len, lines)) <= 100
    text = "\n".join(lines)
    for word in (
        "48.6 days",
        "39.9 %",
        "$2.57",
        "1.83 kWh",
        "Wind onshore",
        "18 MW",
        "TP8 PP16 VP4 DP64",
        "4.512 s",
        "67.6 %",
        "█",
        "! doubling arithmetic",
        "3 values",
        "<script>",
    ):
        assert word in text
    assert text.count("TP8") == 3


def test_notices_beyond_a_few_are_counted(made: Result) -> None:
    text = "\n".join(_printed(replace(made, notices=tuple(f"notice {i}" for i in range(9)))))
    assert "! and 4 more in the report" in text


@pytest.mark.parametrize("width", [60, 200])
def test_the_terminal_summary_takes_any_width(made: Result, width: int) -> None:
    assert max(map(len, _printed(made, width))) <= width


def test_markup_in_names_is_text(made: Result) -> None:
    assert "[bold]x[/nope]" in "\n".join(_printed(replace(made, name="[bold]x[/nope]")))


def test_a_bare_result_prints(made: Result) -> None:
    assert _printed(replace(made, quantities={}, tables={}, notices=(), assumptions=()))
