"""Figures of draws: whiskers, tornado, curve and fan against the tables; sentences on limits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gigawatt
from gigawatt.chain.uncertainty.years import YearFactor
from gigawatt.core.result import Result
from gigawatt.core.store import load_result, save_result
from gigawatt.faces.figures.ranges import Bar, Whisker, ratio_axis, tornado, whiskers
from gigawatt.faces.figures.readable import with_unit
from gigawatt.faces.figures.style import safe
from gigawatt.studies.run.document import document
from gigawatt.studies.run.figures import drawn_figures, figure
from gigawatt.studies.run.responses import input_value, responses_of
from gigawatt.studies.run.uncertainty_words import YEAR, limits_of, spread_words

COST, DAYS = "ledger.run_cost", "training.duration"
SITE = {"year": 2026, "site": {"name": "abilene-texas"}, "supply": {"price": "60 $/MWh"}}


@pytest.fixture(scope="module")
def run() -> Result:
    """A training run that has a deadline."""
    return gigawatt.run(
        {**SITE, "model": "llama-3.1-8b", "training": {"tokens": "1T tokens", "deadline": "30 days"},
         "machine": {"chip": "H100-SXM5-80GB"}},
        uncertainty=True, draws=400,
    ).found  # fmt: skip


@pytest.fixture(scope="module")
def service() -> Result:
    """A service with latency targets."""
    return gigawatt.run(
        {**SITE, "model": "llama-3.1-8b", "machine": {"chip": "H100"},
         "serving": {"demand": "2000/s", "trace": "sharegpt"}},
        uncertainty=True, draws=200,
    ).found  # fmt: skip


def drawn(result: Result, name: str) -> np.ndarray[Any, Any]:
    return np.asarray(result.tables["draws"][name], float)


@pytest.mark.parametrize("name", ["uncertainty", "tornado", "odds", "fan"])
def test_figures_are_the_same_fresh_and_saved(run: Result, tmp_path: Path, name: str) -> None:
    assert name in drawn_figures(run)
    stored = load_result(save_result(run, tmp_path / "run"))
    assert figure(stored, name).to_json() == figure(run, name).to_json()


def test_whiskers_are_quantiles_of_the_draws_the_widest_first(run: Result) -> None:
    made = figure(run, "uncertainty")
    wide, narrow, dots = made.data
    at = list(dots.y).index("Cost of the run")
    value = float(run[COST]) / 1e6
    five = np.quantile(drawn(run, COST), (0.05, 0.25, 0.5, 0.75, 0.95)) / value
    assert (wide.x[3 * at], narrow.x[3 * at], dots.x[at], narrow.x[3 * at + 1], wide.x[3 * at + 1]) == (
        pytest.approx(tuple(five))
    )
    widths = [wide.x[3 * k + 1] / wide.x[3 * k] for k in range(len(dots.y))]
    assert widths == pytest.approx(sorted(widths, reverse=True), rel=1e-12)  # some differ in digits


def test_a_tornado_has_the_responses_the_longest_first(run: Result) -> None:
    low, high = figure(run, "tornado").data
    rows = {safe(one.words, 52): one for one in responses_of(run, COST)}  # as names of bars are cut
    value = float(run[COST]) / 1e6
    assert 8 <= len(low.y) <= 12
    for bars, end in ((low, "low"), (high, "high")):
        for name, width, base in zip(bars.y, bars.x, bars.base, strict=True):
            assert base == pytest.approx(value)
            assert base + width == pytest.approx(getattr(rows[name], end), rel=1e-6)
    lengths = [abs(right - left) for left, right in zip(low.x, high.x, strict=True)]
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] == pytest.approx(max(abs(one.high - one.low) for one in rows.values()), rel=1e-6)


def test_the_curve_is_the_share_of_draws_below(run: Result) -> None:
    curve, marks = figure(run, "odds").data
    values = drawn(run, COST)
    for x, y in zip(curve.x[::20], curve.y[::20], strict=True):
        assert 100.0 * np.mean(values <= x) == pytest.approx(y, abs=0.5)
    assert list(marks.y) == [5.0, 25.0, 50.0, 75.0, 95.0]


def test_the_fan_reaches_the_top_where_runs_end_and_marks_the_deadline(run: Result) -> None:
    made = figure(run, "fan")
    curves = {round(trace.y[-1], 9) for trace in made.data}
    assert max(curves) == pytest.approx(1.0)  # trillion tokens
    median = made.data[-1]
    first = next(x for x, y in zip(median.x, median.y, strict=True) if y >= 1.0 - 1e-12)
    assert first == pytest.approx(float(np.median(drawn(run, DAYS))))
    limit = limits_of(run)[DAYS]
    assert (limit.name, limit.value) == ("deadline", pytest.approx(30.0))
    assert limit.met == pytest.approx(float(np.mean(drawn(run, DAYS) <= 30.0)))
    words = f"deadline 30 days<br>met: {100 * limit.met:.0f} %"
    assert words in [note.text for note in made.layout.annotations]


def test_a_sentence_says_nine_in_ten_one_in_four_and_the_deadline(run: Result, service: Result) -> None:
    said = spread_words(run)
    quarter = with_unit(float(np.quantile(drawn(run, COST), 0.75)), "M$")
    assert "In nine cases of ten the run costs $" in said
    assert f"in one of four more than {quarter}." in said
    assert (
        f"The deadline of 30 days is met with a probability of {100 * limits_of(run)[DAYS].met:.0f} %" in said
    )
    told = spread_words(service)
    assert "In nine cases of ten a million output tokens cost $" in told
    assert "The TTFT target (p99) of" in told


def test_the_fan_of_a_service_scales_its_power_by_the_hour(service: Result) -> None:
    made = figure(service, "fan")
    ratio = (
        np.quantile(drawn(service, "facility.power_mean"), 0.5) * 1e6 / float(service["facility.power_mean"])
    )
    day = service.tables["day"]
    shape = day[day["kind"] == day["kind"].iloc[0]]["facility [MW]"]
    assert list(made.data[-1].y) == pytest.approx(list(float(ratio) * shape))


def test_the_fan_of_a_load_has_the_quantiles_of_each_year_that_is_drawn() -> None:
    load = gigawatt.run(
        {"year": 2026, "load": "50 MW", "site": "dallas", "supply": {"plants": ["grid"]}},
        uncertainty=True, draws=300,
    ).found  # fmt: skip
    assert "fan" in drawn_figures(load)
    years = load.tables["normals"][YEAR].to_numpy()
    assert YearFactor.name == YEAR
    made = figure(load, "fan")
    assert list(made.data[-1].x) == sorted(set(years)) == load.run["uncertainty"]["years"]
    cost = drawn(load, "supply.electricity_cost")
    for year, middle in zip(made.data[-1].x, made.data[-1].y, strict=True):
        assert middle == pytest.approx(float(np.median(cost[years == year])))
    assert max(made.data[-1].y) > 1.05 * min(made.data[-1].y)


def test_the_report_has_them_in_its_section(run: Result) -> None:
    section = next(one for one in document(run).sections if one.key == "error")
    names: list[str] = []
    for part in section.parts:
        parts = (*part.left, *part.right) if part.kind == "columns" else (part,)  # type: ignore[union-attr]
        names += [one.name for one in parts if one.kind == "drawing"]  # type: ignore[union-attr]
    assert names == ["uncertainty", "tornado", "odds", "fan"]


def test_names_and_ends_stay_text_and_axes_hold_everything() -> None:
    rows = [Whisker("<b>x</b>", (0.5, 0.8, 1.0, 1.3, 4.0), ""), Whisker("y", (0.99, 1.0, 1.0, 1.0, 1.01), "")]
    made = whiskers(rows, title="t", x="x")
    assert "&lt;b&gt;" in made.data[2].y[0]
    low, high = made.layout.xaxis.range
    assert 10.0**low < 0.5
    assert 10.0**high > 4.0
    bars = [Bar("one", 8.0, 15.0, "a", "b"), Bar("two", 12.0, 2.0, "a", "b")]
    made = tornado(bars, 10.0, title="t", x="x", words=str)
    assert list(made.data[0].y) == ["two", "one"]
    assert made.layout.xaxis.range[0] < 2.0
    assert made.layout.xaxis.range[1] > 15.0
    assert json.loads(made.to_json())
    assert ratio_axis(1.0, 1.01)["tickvals"] == [1.0, 1.01]


@pytest.mark.parametrize(
    ("value", "ends", "unit", "words"),
    [
        (1.4, (0.8, 0.9, 1.0, 1.1, 1.4), "×", "×\u00a01.4"),
        (0.35, (0.0, 0.1, 0.16, 0.2, 0.35), "1", "35\u00a0%"),
        (6.0, (0.9, 1.0, 1.0, 2.0, 6.0), "", "6"),
        (33600.0, (18e3, 20e3, 24e3, 28e3, 33.6e3), "$", "$33,600"),
    ],
)
def test_ends_of_inputs_are_told_in_their_unit(
    value: float, ends: tuple[float, ...], unit: str, words: str
) -> None:
    assert input_value(value, ends, unit) == words
