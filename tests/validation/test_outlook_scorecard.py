"""The scorecard of the outlook: what passes, what is known to miss, what it says of itself."""

from __future__ import annotations

import json

import pytest

from gigawatt.catalog import table
from gigawatt.cli.validate import validate_command
from gigawatt.errors import InputError
from gigawatt.validation import validate
from gigawatt.validation.outlook_check import PUBLISHED, at_least, at_most, published, within
from gigawatt.validation.outlook_energy import TABLE, run_energy

PARTS = ("costs", "records", "growth", "energy")

#: Known to miss, with the reason in docs/hindcasts.md. What begins to pass shall be taken off.
MISSES = {
    "trend, coverage at 9 to 20 y",
    "chip flops, CRPS beside a random walk",
    "chip flops per dollar, CRPS beside a random walk",
    "stock at tracked sites, August 2026",
}


def test_all_but_the_named_pass(capsys: pytest.CaptureFixture[str]) -> None:
    card = validate("outlook", parts=PARTS)
    assert {one.what.split(":")[0] for one in card.checks if not one.ok} == MISSES
    assert len(card.checks) > 70
    assert card.to_json()["table"] == "outlook"
    assert {one.part for one in card.checks} == set(PARTS)
    validate_command("outlook", None, as_json=True, quiet=True)
    answer = json.loads(capsys.readouterr().out)
    assert answer["table"] == "outlook"


def test_energies_are_predicted_within_a_factor_of_two() -> None:
    rows = table(TABLE)
    assert len(rows) == 12
    by_id = {key: run_energy(row) for key, row in rows.items()}
    for one in by_id.values():
        assert 0.5 < one.ratio < 2.0, one.id
        assert 0.2 < one.mfu < 0.7
        assert 0.8 < one.goodput < 1.0
    llama = by_id["llama-3.1-405b"]
    assert llama.ours / 3600.0 / 700.0 == pytest.approx(llama.chip_hours)  # chips at 700 W, no PUE
    assert llama.chip_hours == pytest.approx(30.84e6, rel=0.1)
    gpt = by_id["gpt-3"]
    assert gpt.ours == pytest.approx(1.1 * gpt.drawn)


def test_ranges_and_sides() -> None:
    row = published("records-target", "bandwidth_coverage")
    for ours, passes in ((0.84, False), (0.851, True), (0.969, True), (0.98, False)):
        assert within("p", "w", ours, row).passes is passes
    assert at_least("p", "w", 0.9, 0.85, "s").passes
    assert not at_least("p", "w", 0.8, 0.85, "s").passes
    assert at_most("p", "w", 0.8, 0.85, "s").passes
    assert not at_most("p", "w", 0.9, 0.85, "s").passes


def test_every_published_row_has_its_source() -> None:
    for entity in table(PUBLISHED).values():
        for row in entity.rows():
            assert row.source_id
            assert row.low is None or row.low <= row.value <= (row.high or row.value)


def test_no_such_part() -> None:
    with pytest.raises(InputError, match=r"growth"):
        validate("outlook", parts=("growt",))
