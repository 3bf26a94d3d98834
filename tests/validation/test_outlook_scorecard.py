"""The scorecard of the outlook: what passes, what is known to miss, what it says of itself."""

from __future__ import annotations

import json

import pytest

from gigawatt.catalog import entity, table
from gigawatt.core.errors import InputError
from gigawatt.studies.validate.command import validate_command
from gigawatt.validation import validate
from gigawatt.validation.calls import Calls
from gigawatt.validation.outlook.energy import TABLE, run_energy
from gigawatt.validation.published import COLUMNS, check_of

PARTS = ("costs", "records", "growth", "energy")
PUBLISHED = "hindcast_published"

#: Known to miss, with the reason in docs/hindcasts.md. What begins to pass shall be taken off.
MISSES = {
    "trend, coverage at 9 to 20 y",
    "chip flops, CRPS beside a random walk",
    "chip flops per dollar, CRPS beside a random walk",
    "stock at tracked sites, August 2026",
}


@pytest.mark.apart
def test_all_but_the_named_pass(capsys: pytest.CaptureFixture[str]) -> None:
    card = validate("outlook", parts=PARTS)
    assert {one.what.split(":")[0] for one in card.checks if not one.ok} == MISSES
    assert len(card.checks) > 70
    assert card.to_json()["table"] == "outlook"
    assert {one.part for one in card.checks} == set(PARTS)
    validate_command("outlook", None, None, json=True, quiet=True)
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
    gpt = by_id["gpt-3"]
    assert gpt.ours == pytest.approx(1.1 * gpt.drawn)


def test_hours_of_llama_3_are_those_published() -> None:
    llama = run_energy(table(TABLE)["llama-3.1-405b"])
    assert llama.chip_hours == pytest.approx(30.84e6, rel=0.1)


def test_ranges_and_sides() -> None:
    target = entity(PUBLISHED, "records-target").evidence("bandwidth_coverage")
    calls, empty = Calls({}), dict.fromkeys(COLUMNS, "")
    for ours, ok in ((0.84, False), (0.851, True), (0.969, True), (0.98, False)):
        row = {**empty, "ours": str(ours), "rule": "inside"}
        assert check_of(row, calls, {"row": target}).ok is ok
    for rule, ours, ok in (
        ("at least", 0.9, True), ("at least", 0.8, False), ("at most", 0.8, True), ("at most", 0.9, False),
    ):  # fmt: skip
        row = {**empty, "what": "w", "ours": str(ours), "published": "0.85", "rule": rule}
        check = check_of(row, calls, {})
        assert check.ok is ok
        assert check.what.startswith("w: lacking to 0.85" if rule == "at least" else "w: above 0.85")
    for rule, tolerance, ours, ok in (
        ("factor", "2", 1.9, True), ("factor", "2", 0.6, True), ("factor", "2", 0.4, False),
        ("absolute", "0.1", 1.05, True), ("absolute", "0.1", 1.2, False), ("", "0.1", 1.05, True),
    ):  # fmt: skip
        row = {**empty, "ours": str(ours), "published": "1", "rule": rule, "tolerance": tolerance}
        assert check_of(row, calls, {}).ok is ok


def test_every_published_row_has_its_source() -> None:
    for one in table(PUBLISHED).values():
        for row in one.rows():
            assert row.source_id
            assert row.low is None or row.low <= row.value <= (row.high or row.value)


def test_no_such_part() -> None:
    with pytest.raises(InputError, match=r"growth"):
        validate("outlook", parts=("growt",))
