"""Published numbers beside ours: which are taken, and what words and table say of them."""

from __future__ import annotations

from typing import Any

import pytest

from gigawatt.faces.report.held import held_section, held_words, rows_words
from gigawatt.studies.memory.published import of_generations
from gigawatt.studies.quantum.published import beside
from gigawatt.validation.check import Check


def _rows(*checks: Check) -> list[dict[str, Any]]:
    return [check.to_json() for check in checks]


def _check(what: str, ours: float, published: float, fitted: bool = False, unit: str = "W") -> Check:
    return Check("part", what, ours, published, unit, 0.1, "somebody", fitted)


def test_words_count_what_judges_and_name_the_furthest() -> None:
    rows = _rows(_check("near", 10.0, 10.0), _check("far", 5.0, 10.0), _check("made", 99.0, 1.0, True))
    assert held_words(rows, "things") == (
        "Uncertainty: of 2 published numbers of things that nothing here was made from, 1 is met within its "
        "tolerance; the furthest off is far, by −50 %."
    )
    (section,) = held_section(rows, "things", "A note.")
    grid, note = section.parts
    assert [row[6].text for row in grid.rows] == ["met", "fails", "made from it"]  # type: ignore[union-attr]
    assert [row[4].text for row in grid.rows] == ["0 %", "−50 %", "+9,800 %"]  # type: ignore[union-attr]
    assert "1 of 2 that judge" in grid.caption  # type: ignore[union-attr]
    assert note.text == "A note."  # type: ignore[union-attr]


def test_without_a_published_number_nothing_is_said() -> None:
    assert held_words((), "things") == ""
    assert held_words(_rows(_check("made", 1.0, 1.0, True)), "things") == ""
    assert held_section((), "things") == ()


def test_energies_keep_the_digits_that_are_compared() -> None:
    (section,) = held_section(_rows(_check("lih", -7.8823871, -7.8823874, unit="Ha")), "energies")
    assert [cell.text for cell in section.parts[0].rows[0]][1:5] == [  # type: ignore[union-attr]
        "−7.882387", "−7.882387", "Ha", "0 %"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("read", "guesses", "said"),
    [
        (0, 0, "No row of the catalog was read."),
        (1, 0, "It rests on 1 row of the catalog; the weakest of them is graded vendor."),
        (9, 1, "It rests on 9 rows of the catalog; 1 of them is a guess."),
        (1200, 30, "It rests on 1,200 rows of the catalog; 30 of them are guesses."),
    ],
)
def test_rows_are_counted_in_words(read: int, guesses: int, said: str) -> None:
    assert rows_words({"rows": {"read": read, "guesses": guesses, "weakest": "vendor"}}) == said


@pytest.mark.parametrize(
    ("kind", "asked", "words"),
    [
        ("vqe", {"molecule": "h2"}, ("h2",)),
        ("resources", {"algorithm": "rsa"}, ("RSA",)),
        ("resources", {"algorithm": "p450"}, ("P450",)),
        ("break-even", {"problem": "chemistry", "algorithm": "femoco-lee"}, ("FeMoco",)),
        ("break-even", {"problem": "search"}, ("quadratic", "quartic")),
    ],
)
def test_what_is_published_nearest_is_taken(kind: str, asked: dict[str, str], words: tuple[str, ...]) -> None:
    found = beside({"kind": kind, "asked": asked})
    assert found
    assert all(any(word in check.what for word in words) for check in found)
    assert not any("beh2" in check.what for check in found)


def test_a_computation_of_which_nothing_is_published_is_held_to_all() -> None:
    found = beside({"kind": "resources", "asked": {"algorithm": "custom"}})
    assert {check.what.split()[0].strip(":,") for check in found} >= {"P450", "FeMoco", "RSA-2048"}
    for answer in (
        {"kind": "optimise", "asked": {"piece": "bits"}},
        {"kind": "break-even", "asked": {"problem": "llm", "weights": 8e9}},
    ):
        assert beside(answer) == []


def test_a_generation_is_held_to_what_is_published_of_it() -> None:
    found = [check.what for check in of_generations(["hbm4"])]
    assert "HBM4: W of a stack at its peak" in found
    assert "HBM4, a stream, refreshed by bank" in found
    assert all(what.startswith(("HBM4:", "HBM4,", "HBM4 at", "Hybrid bonds")) for what in found)
