"""Rows beside measurements are the scorecards' own, and headlines say what the scorecards say."""

from __future__ import annotations

import numpy as np
import pytest

from gigawatt.core.errors import InputError
from gigawatt.validation import parity as room
from gigawatt.validation import validate
from gigawatt.validation.collectives import scorecard
from gigawatt.validation.kernels import validate_kernels
from gigawatt.validation.memory import validate_memory
from gigawatt.validation.parity import (
    COLUMNS,
    TABLES,
    furthest,
    groups,
    headline,
    is_known,
    make,
    parity,
)
from gigawatt.validation.power.serving import serving_power_scorecard
from gigawatt.validation.power.training import errors as power_errors
from gigawatt.validation.power.training import power_scorecard

QUICK = ("kernels", "memory", "collectives", "goodput", "uncertainty", "adequacy", "prices")


def test_tables_are_those_of_the_command() -> None:
    from gigawatt.validation.tables import TABLES as JUDGED

    assert set(room.TABLES) == set(JUDGED)
    assert [name for name, table in TABLES.items() if table.quick] == list(QUICK)


def test_an_unknown_table_is_one_line() -> None:
    with pytest.raises(InputError) as caught:
        parity("kernel")
    assert caught.value.nearest == "kernels"


@pytest.mark.parametrize("name", [*QUICK, "timelines"])
def test_a_frame_has_its_columns(name: str) -> None:
    frame = parity(name)
    assert tuple(frame.columns) == COLUMNS
    assert np.isfinite(frame[["measured", "predicted"]].to_numpy()).all()
    bound = frame["label"].str.contains(": lacking to ")  # a bound that is kept lacks nothing
    assert (frame["measured"] > 0).eq(~bound).all()
    for column in ("unit", "group", "source", "label"):
        assert frame[column].str.len().gt(0).all()
    frame.loc[:, "measured"] = 0.0
    assert (
        (parity(name)["measured"] > 0).eq(~bound).all()
    )  # what a caller does to a frame stays with the caller


def test_memory_rows_are_the_scorecards() -> None:
    card, frame = validate_memory(), parity("memory")
    assert frame["measured"].tolist() == [one.measured for one in card.judged]
    assert frame["predicted"].tolist() == [one.predicted for one in card.judged]
    judge, told = card.errors(role="judge"), headline("memory")["held_out"]
    assert told["number"] == len(card.select(role="judge"))
    assert (told["median"], told["p90"], told["bias"]) == (judge.median_ape, judge.p90_ape, judge.bias)


def test_kernel_rows_give_the_scorecards_errors() -> None:
    card, frame = validate_kernels(), parity("kernels")
    assert len(frame) == card.rows
    total = next(line for line in card.totals if (line.operation, line.format) == ("GEMM", "all"))
    gemm = frame[frame["group"] == "gemm"]
    error = (gemm["predicted"] / gemm["measured"] - 1.0).abs()
    assert len(gemm) == total.rows
    assert error.median() == pytest.approx(total.median, rel=1e-9)
    assert error.quantile(0.9) == pytest.approx(total.p90, rel=1e-9)


def test_collective_rows_give_the_scorecards_errors() -> None:
    frame = parity("collectives")
    for score in scorecard():
        mine = frame[frame["source"] == score.part]
        error = mine["predicted"] / mine["measured"] - 1.0
        assert len(mine) == score.rows
        assert mine["held_out"].ne(score.fitted).all()
        assert np.median(error.abs()) == pytest.approx(score.median, rel=1e-9)
        assert np.median(error) == pytest.approx(score.bias, rel=1e-9)


def test_checks_become_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two quick parts of supply: the same function that the whole table goes through."""
    from gigawatt.validation import parity as room

    card = validate("supply", parts=("plants", "plan"))
    monkeypatch.setattr(room, "validate", lambda table, progress: card)
    made = room._of_checks("supply")(lambda done, of: None)
    checks = card.checks or ()
    assert [line[:2] for line in made.lines] == [(c.published, c.ours) for c in checks]
    assert [line[6] for line in made.lines] == [not c.fitted for c in checks]
    assert made.passed["passed"] == sum(group.more["passed"] for group in card.groups)
    assert made.passed["judging_passed"] == sum(group.more["judging_passed"] for group in card.groups)


@pytest.mark.apart
def test_long_tables_are_the_scorecards() -> None:
    from gigawatt.validation.serving.card import validate_serving
    from gigawatt.validation.training.card import validate_training

    card, frame = validate_training(), parity("training")
    own = frame[~frame["held_out"]]
    assert own["predicted"].tolist() == [one.predicted for one in card.judged]
    assert own["low"].tolist() == [one.low for one in card.judged]
    told = headline("training")
    assert told["fitted"]["median"] == card.overall.median_ape
    naive = card.card().to_json()["baseline"]["in_sample"]
    assert told["baseline"]["median"] == naive["median_ape"] > told["fitted"]["median"]
    assert told["held_out"]["number"] == frame["held_out"].sum() > 200

    serving, rows = validate_serving(), parity("serving")
    for line in (*serving.totals, *serving.runs, *serving.replays):
        mine = rows[(rows["group"] == line.metric) & (rows["source"] == line.source)]
        mine = mine[mine["held_out"] == (line.use == "judge")]
        if line.accelerator != "all":
            mine = mine[mine["label"].str.startswith(f"{line.accelerator}: ")]
        assert len(mine) == line.rows
        error = (mine["predicted"] / mine["measured"] - 1.0).abs()
        assert np.median(error) == pytest.approx(line.median, rel=1e-12)


@pytest.mark.apart
@pytest.mark.parametrize("name", ["supply", "technologies"])
def test_long_checks_are_the_scorecards(name: str) -> None:
    card, told = validate(name), headline(name)
    assert told["number"] == len(card.checks or ())
    assert told["passed"] == card.more["passed"]


@pytest.mark.apart
def test_power_rows_are_the_scorecards() -> None:
    rows, frame = (*power_scorecard(), *serving_power_scorecard()), parity("power")
    assert frame["predicted"].tolist() == [one.predicted for one in rows]
    mine = frame[(frame["group"] == "energy") & frame["held_out"]]
    error = (mine["predicted"] / mine["measured"] - 1.0).abs()
    assert np.median(error) == power_errors(rows, what="energy").median_ape


@pytest.mark.parametrize("name", QUICK)
def test_groups_hold_every_row_once(name: str) -> None:
    found, frame = groups(name), parity(name)
    assert sum(one["number"] for one in found) == len(frame)
    assert [one["number"] for one in found] == sorted((one["number"] for one in found), reverse=True)
    for one in found:
        mine = frame[(frame["group"] == one["group"]) & (frame["held_out"] == one["held_out"])]
        error = (mine["predicted"] / mine["measured"] - 1.0).abs()
        assert one["median"] == pytest.approx(float(error.median()))


def test_the_furthest_rows_are_off_by_the_largest_factors() -> None:
    frame, far = parity("collectives"), furthest("collectives", 5)
    factors = np.abs(np.log(frame["predicted"] / frame["measured"])).sort_values(ascending=False)
    assert np.abs(np.log1p(far["error"])).tolist() == pytest.approx(factors.iloc[:5].tolist())
    assert len(furthest("collectives", 10_000)) == len(frame)
    assert len(furthest("collectives", 0)) == 0


def test_a_table_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_kept", {})
    assert not is_known("collectives")
    make("collectives")
    assert is_known("collectives")
    kept = room._kept["collectives"]
    parity("collectives")
    assert room._kept["collectives"] is kept
    with pytest.raises(InputError):
        is_known("collective")
