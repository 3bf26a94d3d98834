"""Whole systems that were published, asked as a user would ask them."""

from __future__ import annotations

import csv
import json
import math
import statistics
import zlib
from pathlib import Path

import pytest
from scipy import stats

from chain_scorecard import PAGE, figures, page, residuals, run_overhead
from gigawatt import catalog
from gigawatt.core.errors import InputError
from gigawatt.validation.chain.band import RESIDUALS, resembling, run_days_band, whole_run_band
from gigawatt.validation.chain.boundary import carbon_factor, counted, pue_of
from gigawatt.validation.chain.card import ChainFigure, chain_card, summary_of
from gigawatt.validation.chain.rows import COLUMNS, CaseRow, read_chain_rows
from gigawatt.validation.chain.scenario import asked
from gigawatt.validation.files import Refusal, data_folder, table
from gigawatt.validation.rows import in_fitted_half

SHARED = Path(__file__).resolve().parents[3] / "shared/data/chain/cases.csv"


def row(boundary: str, quantity: str = "mwh", **cells: str) -> CaseRow:
    texts = {"case": "one", "kind": "train", "quantity": quantity, "boundary": boundary,
             "chip": "A100-SXM4-80GB", **cells}  # fmt: skip
    return CaseRow(2, {"value": 1.0, "datacentre_pue_published": 1.2}, texts)


def figure(case: str, ratio: float, quantity: str = "days", **more: object) -> ChainFigure:
    given = {"kind": "train", "boundary": "final run", "derived": False, "unit": "d", "low": 50.0,
             "high": 150.0, "line": 2, "ships": True, "grade": "read", **more}  # fmt: skip
    return ChainFigure(case=case, quantity=quantity, published=100.0, predicted=100.0 * ratio, **given)  # type: ignore[arg-type]


def test_only_half_of_the_cases_ship_whoever_published_them() -> None:
    """By the CRC-32 of the case's name."""
    rows = read_chain_rows(data_folder() / "chain.csv")
    cases = {one.text("case") for one in rows}
    assert all(zlib.crc32(case.encode()) % 2 == 0 and in_fitted_half(case) for case in cases)
    assert not any("ML.ENERGY" in one.text("source_title") for one in rows)
    assert all(one.text("source_title") and one.text("read_or_recalled") for one in rows)


@pytest.mark.parametrize(
    ("words", "step", "pue", "derived"),
    [
        ("final run; hours x 400 W TDP x PUE 1.1 by construction, GPUs only", "at-limit", 1.1, True),
        ("final run; hours x 400 W, GPUs only", "at-limit", 1.0, True),
        ("final run; measured mean system power per chip with host x PUE", "it", 1.2, False),
        ("final run; 330 W measured per GPU with host share x PUE 1.10", "it", 1.1, False),
        ("final run; chip-hours x 283 W, no PUE", "it", 1.0, False),
        ("final run; measured on GPUs, one node extrapolated, before PUE", "chips", 1.0, False),
        ("final run; x PUE 1.2, GPUs only", "chips", 1.2, False),
    ],
)
def test_the_words_of_a_boundary_say_its_step(words: str, step: str, pue: float, derived: bool) -> None:
    found = counted(row(words))
    assert (found.step, found.pue, found.derived) == (step, pue, derived)


def test_a_boundary_that_says_nothing_is_refused() -> None:
    for words in ("final run; published accounting", "final run; idle infrastructure, in addition"):
        with pytest.raises(Refusal):
            counted(row(words))
    assert pue_of(row("final run; before PUE 1.2")) is None
    assert carbon_factor(row("final run; energy x 57 g/kWh")) == "57 g/kWh"
    assert carbon_factor(row("final run; x 0.385 kg/kWh (US mean)")) == "385 g/kWh"


@pytest.mark.parametrize("first", ["campaign", "stage", "lifecycle", "plan", "rumour", "estimate", "unclear"])
def test_what_is_no_outcome_of_a_run_is_refused_by_name(first: str) -> None:
    one = row(f"{first}; so much", "gpu_hours")
    with pytest.raises(Refusal) as refused:
        asked(one, (one,))
    assert refused.value.reason


def test_each_system_weighs_one() -> None:
    """A case of many rows, and rows of one quantity, count no more than one row of another."""
    near = [figure("a", 1.0), figure("a", 1.1), figure("a", 1.0, "mfu")]
    summary = summary_of([*near, figure("b", 2.0)])
    assert summary.n == 4
    assert summary.within25 == pytest.approx(0.5)
    assert summary.coverage90 == pytest.approx(1.0)
    assert summary.median_ratio == pytest.approx(1.1)
    twice = summary_of([figure("a", 1.0), figure("a", 2.0), figure("b", 1.0)])
    assert twice.within25 == pytest.approx(0.75)


def test_the_band_of_a_run_is_as_wide_as_whole_runs_show() -> None:
    """At least the band of step and failures; without the case that is judged."""
    whole = whole_run_band()
    low, high = run_days_band(step=(0.99, 1.01), failures=(0.99, 1.01))
    assert (low, high) == (min(whole.low, low), whole.high)
    assert run_days_band(step=(0.1, 10.0), failures=(1.0, 1.0)) == pytest.approx((0.1, 10.0))
    rows = [one for one in table(RESIDUALS) if one["whole_run"]]
    furthest = max(rows, key=lambda one: float(one["published"]) / float(one["predicted"]))
    assert whole_run_band(furthest["case"]).high < whole.high


def test_few_whole_runs_bound_a_further_one_as_a_normal_sample_does() -> None:
    """The prediction interval of scipy's t distribution, of the means of ln(published / predicted)."""
    errors: dict[str, list[float]] = {}
    for one in table(RESIDUALS):
        if one["whole_run"]:
            ratio = math.log(float(one["published"]) / float(one["predicted"]))
            errors.setdefault(one["case"], []).append(ratio)
    means = [sum(some) / len(some) for some in errors.values()]
    wide = statistics.stdev(means) * math.sqrt(1.0 + 1.0 / len(means))
    ends = stats.t.interval(0.9, len(means) - 1, loc=statistics.fmean(means), scale=wide)
    band = whole_run_band()
    assert band.low == pytest.approx(min(math.exp(ends[0]), math.exp(min(map(min, errors.values())))))
    assert band.high == pytest.approx(max(math.exp(ends[1]), math.exp(max(map(max, errors.values())))))


@pytest.fixture(scope="module")
def shipped() -> list[ChainFigure]:
    return figures()


def test_the_residuals_are_those_of_the_chain(shipped: list[ChainFigure]) -> None:
    """Written by benchmarks/chain_scorecard.py; within a tenth, since the chain moves on."""
    made = {(one["case"], one["quantity"], one["boundary"]): one for one in residuals(shipped)}
    kept = {(one["case"], one["quantity"], one["boundary"]): one for one in table(RESIDUALS)}
    assert made.keys() == kept.keys()
    for key, one in made.items():
        assert float(one["predicted"]) == pytest.approx(float(kept[key]["predicted"]), rel=0.1), key
        assert one["published"] == kept[key]["published"]


def test_the_overhead_of_a_run_is_what_whole_shipped_runs_took(shipped: list[ChainFigure]) -> None:
    """The row of the catalog is the median over systems; its range holds each of them from 0 on."""
    row = catalog.entity("reliability", "whole-run").evidence("overhead")
    assert row.value == pytest.approx(run_overhead(shipped), abs=0.03)
    rows = [one for one in table(RESIDUALS) if one["boundary"] == "final run" and one["whole_run"]]
    took = [float(one["published"]) / float(one["predicted"]) * (1.0 + row.value) - 1.0 for one in rows]
    assert row.high == pytest.approx(max(took), abs=0.03)
    assert row.low == pytest.approx(max(min(took), 0.0), abs=0.03)


def test_a_run_like_a_published_one_shows_it() -> None:
    """Same accelerator, half to twice the size; nothing of others."""
    found = resembling(chip="A100-SXM4-80GB", active=7e10, count=2048)
    assert {"llama1-65b", "llama2-70b"} <= {one["case"] for one in found}
    larger = resembling(chip="A100-SXM4-80GB", active=7e10, count=64 * 2048)
    assert {one["case"] for one in larger} == {"llama2-70b"}  # its accelerators are not published
    assert not resembling(chip="L4", active=7e10, count=2048)


def test_what_is_predicted_of_the_shipped_cases(shipped: list[ChainFigure]) -> None:
    """The band holds nine in ten, and the middle lies within a fifth."""
    summary = summary_of(one for one in shipped if not one.derived)
    assert summary.coverage90 is not None
    assert summary.coverage90 >= 0.85
    assert math.log(summary.median_ratio or 0.0) == pytest.approx(0.0, abs=0.2)


def test_half_of_the_shipped_figures_lie_within_a_quarter(shipped: list[ChainFigure]) -> None:
    within = summary_of(one for one in shipped if not one.derived).within25
    assert within is not None
    assert within > 0.5


def test_hours_times_limit_repeat_the_hours(shipped: list[ChainFigure]) -> None:
    """Derived energies are off by as much as the hours that they are made of."""
    by_case = {(one.case, one.quantity): one for one in shipped if one.boundary in ("final run", "at-limit")}
    for case in ("llama1-65b", "llama2-70b"):
        assert by_case[case, "mwh"].derived
        assert by_case[case, "mwh"].ratio == pytest.approx(by_case[case, "gpu_hours"].ratio, rel=0.03)


def test_the_page_is_what_the_command_prints(shipped: list[ChainFigure]) -> None:
    """Every shipped system that can be asked stands in docs/scorecard-chain.md."""
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"| {one.case} | {one.quantity} " in text for one in shipped)
    assert text.splitlines()[0] == page().splitlines()[0]


def test_the_card_has_the_shape_of_every_table() -> None:
    card = chain_card().to_json()
    json.dumps(card, allow_nan=False)
    assert (
        card["rows"]
        == card["predicted"] + card["refused"]
        == card["predicted"] + sum(card["refused_reasons"].values())
    )
    assert {"n", "median_ratio", "within25", "coverage90"} <= card["overall"].keys()
    assert all({"group", "quantity", "kind", "boundary"} <= group.keys() for group in card["groups"])


def test_a_bad_cell_is_one_line(tmp_path: Path) -> None:
    """File, line and column."""
    with (data_folder() / "chain.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))[:2]
    file = tmp_path / "cases.csv"
    for column, value in (("value", "many"), ("kind", "flown"), ("count", "-3"), ("quantity", "")):
        with file.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, COLUMNS)
            writer.writeheader()
            writer.writerows([rows[0], {**rows[1], column: value}])
        with pytest.raises(InputError) as raised:
            read_chain_rows(file)
        assert (raised.value.line, raised.value.key) == (3, column)
    file.write_text("case,kind,quantity\na,train,days\n", encoding="utf-8")
    with pytest.raises(InputError, match="value"):
        read_chain_rows(file)


@pytest.mark.apart
@pytest.mark.skipif(not SHARED.is_file(), reason="the whole table is not here")
def test_every_row_of_the_whole_table_is_predicted_or_refused() -> None:
    card = chain_card(SHARED)
    assert card.rows == 277
    assert card.predicted + card.refused == 277
    assert card.predicted > 100
