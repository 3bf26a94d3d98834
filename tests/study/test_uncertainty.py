"""Bands of every number: against exact joint draws, closed forms and plans that are solved again."""

from __future__ import annotations

import importlib.util
import json
import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.special import stdtrit

import gigawatt
from gigawatt import catalog
from gigawatt.chain.recompute import Recompute
from gigawatt.chain.study import Study
from gigawatt.chain.uncertainty import monte_carlo
from gigawatt.chain.uncertainty.cells import WHOLE, Cell
from gigawatt.chain.uncertainty.draws import LARGEST, normal_draws
from gigawatt.chain.uncertainty.factors import Acts, ModelError, RowFactor, group_of
from gigawatt.chain.uncertainty.monte_carlo import HELD, Uncertainty, uncertainty
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Z95
from gigawatt.core.store import load_result
from gigawatt.power import SupplyPlan
from gigawatt.power.plan.plan import plan
from gigawatt.power.plan.repriced import repriced
from gigawatt.power.plants.plant import Plant
from gigawatt.schema.scenario import LoadedScenario
from gigawatt.studies.run.far_off import step_band
from gigawatt.studies.run.figures_tables import need_table, row_names
from gigawatt.studies.run.grids import table
from gigawatt.studies.run.uncertainty_words import cells_of, spreads
from gigawatt.validation.power.training import power_scorecard

ROOT = Path(__file__).resolve().parents[2]
RUN = {
    "model": "llama-3.1-8b",
    "year": 2026,
    "training": {"tokens": "1T tokens"},
    "machine": {"chip": "H100-SXM5-80GB", "count": 64},
    "site": {"name": "abilene-texas"},
    "supply": {"price": "60 $/MWh"},
}
STEP = "measured steps over predicted, 64 H100-SXM5-80GB, bf16, llama-3.1-8b"


@pytest.fixture(scope="module")
def drawn() -> Any:
    return gigawatt.run(RUN, uncertainty=True, draws=400)


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> tuple[LoadedScenario, dict[str, Any]]:
    """A run that buys from plants, and every quantity of it."""
    file = tmp_path_factory.mktemp("chain") / "run.yaml"
    file.write_text(
        "model: llama-3.1-8b\nyear: 2026\ntraining: {tokens: 1T tokens}\n"
        "machine: {chip: H100-SXM5-80GB, count: 64}\nsite: {name: abilene-texas}\n"
        "supply: {plants: [grid, solar, gas-engine]}\n"
    )
    found: dict[str, Any] = {}

    def keep(result: Any, loaded: LoadedScenario, objects: Any) -> Any:
        found.update(objects)
        return result

    study = Study.read(file)
    study.run(finish=keep)
    return study.loaded, found


@pytest.fixture(scope="module")
def spread(chain: tuple[LoadedScenario, dict[str, Any]]) -> Uncertainty:
    step = ModelError("step", "step time", 0.8, 1.4, {"training.step_time": Acts()})
    return uncertainty(*chain, (step,), draws=300)


def test_draws_of_a_name_are_the_same_wherever_it_stands() -> None:
    one, two, three = (ModelError(name, "", 0.5, 2.0, {}) for name in ("one", "two", "three"))
    first = normal_draws((one, two), draws=200, seed=3, shared=0.5)
    other = normal_draws((three, two, one), draws=200, seed=3, shared=0.5)
    assert np.array_equal(first, other[:, [2, 1]])
    assert not np.array_equal(first, normal_draws((one, two), draws=200, seed=4, shared=0.5))
    assert np.abs(first).max() <= LARGEST
    assert abs(first.mean()) < 0.01  # stratified


def _row(table: str, id: str, quantity: str) -> RowFactor:
    row = catalog.entity(table, id).evidence(quantity)
    assert row.low is not None
    assert row.high is not None
    return RowFactor((table, id, quantity), row)


def test_rows_of_one_source_vary_together_in_part() -> None:
    prices = [_row("nodes", name, "price") for name in ("dgx-h100", "dgx-h200")]
    assert len({one.shared for one in prices}) == 1
    z = normal_draws(prices, draws=4000, seed=0, shared=0.5)
    assert float(np.corrcoef(z.T)[0, 1]) == pytest.approx(0.5, abs=0.05)
    assert float(z.std()) == pytest.approx(1.0, abs=0.03)
    alone = normal_draws(prices, draws=4000, seed=0, shared=0.0)
    assert abs(float(np.corrcoef(alone.T)[0, 1])) < 0.05


def test_errors_of_models_vary_together_by_what_they_share() -> None:
    """Oracle: the correlation of two sums of independent normals is the variance of what they share."""
    named = {
        "a": (("model", 0.42), ("chip", 0.2)),
        "b": (("model", 0.42), ("other chip", 0.2)),
        "c": (("other model", 0.42), ("chip", 0.2)),
        "d": (("other model", 0.42), ("other chip", 0.2)),
        "e": (("model", 0.42), ("chip", 0.2)),
    }
    errors = [ModelError(name, "", 0.8, 1.4, {}, None, shared) for name, shared in named.items()]
    found = np.corrcoef(normal_draws(errors, draws=20_000, seed=0, shared=0.5), rowvar=False)
    for other, correlation in zip("bcde", (0.42, 0.2, 0.0, 0.62), strict=True):
        assert found[0, "abcde".index(other)] == pytest.approx(correlation, abs=0.02)


def test_what_errors_share_is_what_residuals_of_one_maker_share() -> None:
    spec = importlib.util.spec_from_file_location("likeness", ROOT / "benchmarks" / "error_correlation.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    like = catalog.entity("uncertainty", "training")
    shares = {name: like.evidence(name) for name in ("same_maker", "same_model")}
    for software in ("default", "stated"):
        rows = made.training_rows(software)
        maker, number = made.correlation(rows, (False, False, False))
        assert number >= 6
        assert shares["same_maker"].low <= maker <= shares["same_maker"].high
        model, number = made.correlation(rows, (False, True, True))
        assert number >= 6
        assert shares["same_model"].low <= model - maker <= shares["same_model"].high
        for alike in ((False, True, False), (True, True, False)):  # one format; one format and accelerator
            assert abs(made.correlation(rows, alike)[0] - maker) < 0.1
        both, _ = made.correlation(rows, (True, True, True))
        assert both == pytest.approx(sum(one.value for one in shares.values()), abs=0.2)
    # +1 ± 1 of one maker, -1 ± 1 of the other: of one kind the product is 4 or 0, of two kinds 0; variance 2
    toy = [
        (maker, sign + value, (kind,))
        for maker, sign in (("p", 1.0), ("q", -1.0))
        for kind, value in (("a", 1.0), ("b", -1.0))
        for _ in range(6)
    ]
    assert made.correlation(toy, (True,))[0] == pytest.approx(1.0)
    assert made.correlation(toy, (False,))[0] == pytest.approx(0.0)


def test_ends_of_a_row_are_its_5_and_95_percent() -> None:
    price = _row("nodes", "dgx-h100", "price")
    assert price.at(0.0) == price.row.value
    assert (price.at(-Z95), price.at(Z95)) == pytest.approx((price.row.low, price.row.high))
    nothing = _row("reliability", "large-cluster", "evaluation")  # its low end is 0: in proportion
    assert nothing.at(-Z95) == 0.0
    assert nothing.row.high is not None
    assert nothing.at(Z95 / 2.0) == pytest.approx((nothing.row.value + nothing.row.high) / 2.0)


def test_rows_with_a_far_end_are_tried_half_way_too() -> None:
    """1 + the overhead of whole runs is not in proportion in logarithms: 1.23 to 2.14, 1.51 half-way."""
    near, far = _row("nodes", "dgx-h100", "price"), _row("reliability", "whole-run", "overhead")
    assert near.tried == (-Z95, Z95)
    assert far.tried == (-Z95, Z95, -Z95 / 2.0, Z95 / 2.0)
    half, end = (math.log((1.0 + far.at(z)) / 1.23) for z in (Z95 / 2.0, Z95))
    reach = np.array([[0.0, 0.25, 0.5, 0.75, 1.0]]).T
    logs, parts = monte_carlo._moved(np.full((5, 1), end), np.full((5, 1), half), reach)
    assert 1.23 * np.exp(logs[:, 0]) == pytest.approx([1.0 + far.at(Z95 * r) for r in reach[:, 0]], rel=0.03)
    assert parts[:, 0] == pytest.approx(np.interp(reach[:, 0], (0, 0.5, 1), np.expm1((0.0, half, end))))


def test_each_year_of_a_series_moves_to_its_own_end() -> None:
    """Rent of an H100: 8 $/h (7 to 12) in 2023, 2.95 (1.99 to 5) in 2026; a run of 2026 has these."""
    rows = catalog.entity("chip_prices", "H100-SXM5-80GB").numbers["rental"]
    assert [row.year for row in rows] == [2023, 2026]
    with catalog.watched() as seen:
        catalog.entity("chip_prices", "H100-SXM5-80GB").at("rental", 2026)
    rent = RowFactor(("chip_prices", "H100-SXM5-80GB", "rental"), *seen.values())
    assert rent.row == rows[1]
    for side, z in enumerate((-Z95, Z95)):
        with catalog.varied({rent.key: partial(rent.at, z)}):
            moved = [row.value for row in catalog.entity(*rent.key[:2]).numbers["rental"]]
        assert moved == pytest.approx([(row.low, row.high)[side] for row in rows])


@pytest.mark.parametrize(
    ("key", "group"),
    [
        (("chips", "H100-SXM5-80GB", "price"), "accelerator prices"),
        (("chips", "H100-SXM5-80GB", "embodied_carbon"), "embodied carbon"),
        (("reliability", "whole-run", "overhead"), "overhead of whole runs"),
        (("plants", "wind", "capital_cost"), "plant costs"),
        (("fuel_hubs", "waha", "price"), "fuel prices"),
        (("cooling", "dry-cooler", "approach"), "cooling and power distribution"),
    ],
)
def test_rows_are_told_in_groups(key: tuple[str, str, str], group: str) -> None:
    assert group_of(key) == group


def test_a_plan_under_its_own_prices_has_its_own_books(chain: Any) -> None:
    found = chain[1]["supply.plan"]
    again = repriced(found, plants=found.plants, carbon_price=chain[1]["supply.carbon_price"])
    assert again.objective == pytest.approx(found.objective, rel=1e-12)
    for name in ("carbon", "water", "upfront", "construction_carbon"):
        assert getattr(again, name) == pytest.approx(getattr(found, name), rel=1e-9, abs=1e-9), name
    for name, parts in found.cost.items():
        assert again.cost[name] == pytest.approx(parts, rel=1e-9, abs=1e-9 * found.objective), name


def test_a_plan_of_twice_the_load_costs_twice(chain: Any) -> None:
    found = chain[1]["supply.plan"]
    twice = repriced(found, plants=found.plants, load=2.0 * found.load)
    assert twice.objective == pytest.approx(2.0 * found.objective, rel=1e-9)
    assert twice.cost_per_energy == pytest.approx(found.cost_per_energy, rel=1e-9)
    assert twice.carbon_intensity == pytest.approx(found.carbon_intensity, rel=1e-9)
    balance = twice.dispatch.sum(1) - twice.charge.sum(1) + twice.not_served
    assert balance == pytest.approx(twice.drawn, rel=1e-6)


def test_a_held_plan_costs_a_little_more_than_a_new_one_and_to_first_order_the_same() -> None:
    """Envelope theorem: the error of holding a plan falls with the square of what prices move."""
    hours = np.arange(24 * 14)
    load = 10e6 * (1.0 + 0.2 * np.sin(hours / 24.0 * 2.0 * math.pi))
    sun = np.clip(np.sin((hours % 24 - 6) / 12.0 * math.pi), 0.0, None)

    def plants(price: float) -> tuple[Plant, ...]:
        gas = Plant("gas", "dispatchable", fuel=price, capital=0.08, maximum=1e8)
        return gas, Plant("sun", "profile", availability=sun, capital=0.05, maximum=1e8)

    def best(price: float) -> SupplyPlan:
        return plan(load=load, plants=plants(price), not_served_price=10.0 / 3.6e6)

    middle = 40.0 / 3.6e9
    base = best(middle)
    lost: list[float] = []
    for step in (0.02, 0.04):
        held, anew = repriced(base, plants=plants(middle * (1.0 + step))), best(middle * (1.0 + step))
        lost.append(held.objective - anew.objective)
        assert held.objective > base.objective
        assert -1e-6 * anew.objective <= lost[-1] <= 2e-3 * anew.objective


def test_the_response_is_that_of_exact_joint_draws(spread: Uncertainty) -> None:
    """Each number's response was compared with joint draws through the graph itself."""
    for name in ("training.duration", "energy.run", "ledger.run_cost", "supply.electricity_cost"):
        assert spread.bands[name].off < 0.06, name
    assert float(np.median([band.off for band in spread.bands.values() if band.off == band.off])) < 0.04


def test_shares_of_the_variance_sum_to_one(spread: Uncertainty) -> None:
    for name, band in spread.bands.items():
        assert sum(cause.share for cause in band.groups) == pytest.approx(1.0, abs=1e-9), name
        assert sum(cause.share for cause in band.rows) == pytest.approx(1.0, abs=1e-9), name
        assert 0.0 <= band.guesses <= 1.0 + 1e-9, name
        assert band.low <= band.median <= band.high, name
        assert len(band.groups) <= 20, name


def test_what_follows_by_a_product_has_the_same_band(spread: Uncertainty) -> None:
    """accelerator-hours = duration × accelerators; the step moves both, the plan neither."""
    days, hours = spread.bands["training.duration"], spread.bands["training.accelerator_hours"]
    for end in ("low", "median", "high"):
        assert getattr(hours, end) / hours.value == pytest.approx(getattr(days, end) / days.value, rel=1e-9)
    assert {cause.name for cause in days.groups} == {"step time", "overhead of whole runs"}
    assert spread.bands["training.step_time"].high / spread.bands[
        "training.step_time"
    ].value == pytest.approx(1.4, rel=0.03)


def test_shares_have_intervals_and_more_draws_narrow_them(
    chain: tuple[LoadedScenario, dict[str, Any]], spread: Uncertainty
) -> None:
    step = ModelError("step", "step time", 0.8, 1.4, {"training.step_time": Acts()})
    more = uncertainty(*chain, (step,), draws=3000)
    widths: list[list[float]] = [[], []]
    for at, found in enumerate((spread, more)):
        for cause in found.bands["ledger.run_cost"].groups:
            assert cause.low <= cause.share <= cause.high
            widths[at].append(cause.high - cause.low)
    assert max(widths[1]) < max(widths[0])
    largest = more.bands["ledger.run_cost"].groups[0]
    assert spread.bands["ledger.run_cost"].groups[0].name == largest.name
    assert largest.high - largest.low < 0.1


def test_cells_of_tables_are_drawn_as_the_quantities_that_they_add_up_to(spread: Uncertainty) -> None:
    for column, name, unit in (
        ("annual [M$/yr]", "ledger.annual_cost", 1e6 / (8760.0 * 3600.0)),
        ("run [M$]", "ledger.run_cost", 1e6),
        ("capital [M$]", "ledger.total_capital", 1e6),
    ):
        cell, band = spread.cells[Cell("ledger", WHOLE, column)], spread.bands[name]
        for end in ("value", "low", "median", "high"):
            assert getattr(cell, end) * unit == pytest.approx(getattr(band, end), rel=2e-3), (name, end)
    chips = spread.cells[Cell("ledger", "chips", "capital [M$]")]
    assert chips.low < chips.value < chips.high
    for cell, band in spread.cells.items():
        assert band.low <= band.median <= band.high, cell
    assert not any(cell.column.startswith("capacity") for cell in spread.cells)  # the plan is held


def test_more_tokens_cost_more_in_every_draw(drawn: Any) -> None:
    """What two runs share is drawn once: their ratio is far narrower than either."""
    other = gigawatt.run(RUN, training={"tokens": "2T tokens"}, uncertainty=True, draws=400)
    ratio = other.found.tables["draws"]["ledger.run_cost"] / drawn.found.tables["draws"]["ledger.run_cost"]
    assert float(ratio.min()) > 1.5
    assert float(ratio.quantile(0.95) / ratio.quantile(0.05)) < 1.1


def test_what_is_drawn_is_what_its_row_says(drawn: Any) -> None:
    """The overhead of whole runs, 6 to 114 % around 23 %, is a number of the answer and drawn so."""
    row = catalog.entity("reliability", "whole-run").evidence("overhead")
    band = drawn["uncertainty"]["training.overhead"]
    assert row.low is not None
    assert row.high is not None
    assert band["low"] == pytest.approx(100.0 * row.low, rel=0.1)
    assert band["median"] == pytest.approx(100.0 * row.value, abs=4.0)
    assert band["high"] == pytest.approx(100.0 * row.high, rel=0.1)
    assert band["response_error"] < 1e-6


def test_the_same_seed_gives_the_same_bands_whoever_asks_for_them(drawn: Any) -> None:
    asked = gigawatt.run({**RUN, "uncertainty": True}, draws=400)  # by the scenario's own field
    assert asked["uncertainty"] == drawn["uncertainty"]
    assert gigawatt.run(RUN, uncertainty=True, draws=400, seed=1)["uncertainty"] != drawn["uncertainty"]


def test_a_run_says_what_its_spread_comes_from(drawn: Any) -> None:
    cost = drawn["uncertainty"]["ledger.run_cost"]
    assert cost["low"] < drawn["quantities"]["ledger.run_cost"]["value"] < cost["high"]
    assert cost["unit"] == "M$"
    assert "accelerator prices" in cost["groups"]
    assert STEP in cost["rows"]
    band = step_band(drawn.found)
    assert band is not None
    low, high = (drawn["uncertainty"]["training.step_time"][end] for end in ("low", "high"))
    assert (low, high) == pytest.approx(band.step, rel=0.03)  # the ends are those of measured steps
    assert "supply.electricity_cost" not in drawn["uncertainty"]  # it is given
    figure = drawn.figure("uncertainty")
    assert {trace.name for trace in figure.data} == {"90 %", "50 %", "median"}


def test_a_given_step_time_has_no_error_of_a_model() -> None:
    fields = {**RUN, "training": {"tokens": "1T tokens", "step_time": "2 s"}}
    fields["training"]["global_batch"] = "4M tokens"  # type: ignore[index]
    found = gigawatt.run(fields, uncertainty=True, draws=100)["uncertainty"]
    assert "training.step_time" not in found
    assert STEP not in found["training.duration"]["rows"]


def test_the_error_of_watts_is_what_the_scorecard_of_power_gives() -> None:
    """Prediction interval of a further step, its logarithm taken as normal; the row is no narrower."""
    logs = [math.log(row.measured / row.predicted) for row in power_scorecard() if row.what == "watts"]
    assert len(logs) >= 4
    n = len(logs)
    reach = float(stdtrit(n - 1.0, 0.95) * np.std(logs, ddof=1) * math.sqrt(1.0 + 1.0 / n))
    row = catalog.entity("uncertainty", "training").evidence("watts")
    assert row.low is not None
    assert row.high is not None
    assert row.low <= math.exp(np.mean(logs) - reach) <= row.low + 0.02
    assert row.high - 0.02 <= math.exp(np.mean(logs) + reach) <= row.high


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"uncertainty": True, "draws": 10}, "100 to 20000"),
        ({"uncertainty": True, "seed": -1}, "0 or more"),
        ({"draws": 500}, "--uncertainty"),
        ({"seed": 0}, "--uncertainty"),
    ],
)
def test_draws_that_cannot_be_made_are_one_line(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        gigawatt.run(RUN, **options)


def test_cells_that_are_not_drawn_follow_a_quantity(drawn: Any, tmp_path: Path) -> None:
    """The best layout is as uncertain as the step; the interval is the same where the result is stored."""
    drawn.save(tmp_path / "kept")
    for result in (drawn.found, load_result(tmp_path / "kept")):
        cells = cells_of(result, "layouts")
        step, best = spreads(result)["training.step_time"], need_table(result, "layouts").iloc[0]
        assert cells["1", "step_time [s]"] == pytest.approx((step.low, step.high))
        grid = table(result, "layouts")
        assert grid is not None
        mfu = next(cell for cell in grid.rows[0] if cell.text == f"{100 * best['mfu []']:.1f} %")
        assert " to " in mfu.band
        pauses = table(result, "flexibility")
        assert pauses is not None
        assert any(cell.band for row in pauses.rows for cell in row)
        assert set(cells_of(result, "memory")) == set()  # bytes of a layout are known


def test_rows_of_one_label_are_told_apart() -> None:
    frame = pd.DataFrame({"kind": ["weekday", "weekend", "weekday"]}, index=[0, 0, 1])
    assert row_names(frame) == ["0", "0 (2)", "1"]


def test_a_stored_result_tells_the_same(drawn: Any, tmp_path: Path) -> None:
    from gigawatt.studies.run.uncertainty_words import as_json, spread_words

    drawn.save(tmp_path / "run")
    stored = load_result(tmp_path / "run")
    assert as_json(stored) == json.loads(json.dumps(as_json(drawn.found)))
    assert "90 % intervals" in spread_words(stored)
    text = (tmp_path / "run" / "report.md").read_text()
    assert "variance from guesses" in text
    assert "mainly from" in text


def test_two_results_say_how_sure_the_cheaper_one_is(drawn: Any, tmp_path: Path) -> None:
    for name, price in (("a", "20000 $"), ("b", "60000 $")):
        answer = gigawatt.run(RUN, economics={"chip_price": price}, uncertainty=True, draws=400)
        answer.save(tmp_path / name)
    found = gigawatt.compare(tmp_path / "a", tmp_path / "b", split=False)
    by_quantity = {one["quantity"]: one for one in found["decisions"]}
    assert by_quantity["ledger.run_cost"]["lowest"] == (1.0, 0.0)
    assert by_quantity["ledger.run_cost"]["expected_regret"] == 0.0
    assert by_quantity["training.duration"]["lowest"] == (0.5, 0.5)  # alike
    row = next(one for one in found["quantities"] if one["quantity"] == "ledger.run_cost")
    for side, (low, high) in zip("ab", row["intervals"], strict=True):
        stored = json.loads((tmp_path / side / "result.json").read_text())["uncertainty"]["ledger.run_cost"]
        assert (low, high) == pytest.approx((stored["low"], stored["high"]))
        assert low < row["values"]["ab".index(side)] < high
    assert "A is cheaper with a probability of 100 %" in " ".join(found.document.paragraphs)
    drawn.save(tmp_path / "c")
    near = gigawatt.compare(tmp_path / "a", tmp_path / "c", split=False)
    decision = {one["quantity"]: one for one in near["decisions"]}["ledger.run_cost"]
    assert 0.0 < decision["lowest"][0] < 1.0
    first = next(iter(decision["value_of_information"]))
    assert first in ("chips.H100-SXM5-80GB.price", "chip_prices.default.decline")  # what differs between them
    assert 0.0 < decision["value_of_information"][first] <= decision["expected_regret"] * (1.0 + 1e-9)


def test_plants_that_are_not_bought_change_nothing(
    chain: tuple[LoadedScenario, dict[str, Any]], spread: Uncertainty, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Oracle: all plants that were on offer, read again for every row."""
    plan = chain[1]["supply.plan"]
    assert any(size == 0.0 for size in plan.capacity.values())
    monkeypatch.setattr(monte_carlo, "_bought_plants", lambda plan, node: node.function)
    step = ModelError("step", "step time", 0.8, 1.4, {"training.step_time": Acts()})
    every = uncertainty(*chain, (step,), draws=300)
    assert every.factors > spread.factors
    assert every.bands.keys() == spread.bands.keys()
    for name, band in spread.bands.items():
        same = every.bands[name]
        assert (band.low, band.high) == pytest.approx((same.low, same.high), rel=1e-9), name


def test_guesses_are_listed_by_what_rests_on_them(drawn: Any, tmp_path: Path) -> None:
    """The same shares as the run itself has; a row of another grade only where everything is asked."""
    file = tmp_path / "run.yaml"
    file.write_text(json.dumps(RUN))
    found = gigawatt.catalog_gaps([file], draws=400, everything=True, most=1000)
    assert found["figures"] > 10
    shares = [row["share"] for row in found["rows"]]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) < 1.0  # the errors of the models are the rest
    guesses = gigawatt.catalog_gaps([file], draws=400, most=5)
    assert len(guesses["rows"]) == 5
    assert {row["grade"] for row in guesses["rows"]} == {"guess"}
    first = guesses["rows"][0]
    alone = drawn["uncertainty"]
    assert first["largest"] == pytest.approx(alone[first["quantity"]]["rows"][first["row"]])
    assert "comes from guesses" in guesses.document.paragraphs[0]


def test_a_moved_row_gives_what_a_run_of_the_whole_chain_gives(tmp_path: Path) -> None:
    """Oracle: the chain run from the start under other rows, with nothing fixed or known."""
    file = tmp_path / "run.yaml"
    file.write_text(json.dumps(RUN))
    names = ("ledger.run_cost", "ledger.total_capital", "facility.pue", "energy.run", "carbon.run")
    rows = {
        ("nodes", "dgx-h100", "price"): 150e3,
        ("finance", "hyperscaler", "discount_rate"): 0.1,
        ("cooling", "water-cooled-chiller-tower", "carnot_share"): 0.5,
        ("reliability", "whole-run", "overhead"): 0.5,
    }
    objects: dict[str, Any] = {}

    def keep(result: Any, loaded: LoadedScenario, found: Any) -> Any:
        objects.update(found)
        return result

    study = Study.read(file)
    before = study.run(finish=keep)
    branch = Recompute(study.loaded, names, known=objects, held=HELD & objects.keys())
    moved = branch.at(rows)
    with catalog.varied(rows):
        whole = Study.read(file).run()
    for name in names:
        assert moved[name] == pytest.approx(float(whole[name]), rel=1e-9), name
        assert moved[name] != pytest.approx(float(before[name]), rel=1e-5), name
    assert branch.at({}) == {name: pytest.approx(float(before[name]), rel=1e-12) for name in names}


def test_a_scenario_may_ask_for_it(tmp_path: Path) -> None:
    assert "uncertainty" not in gigawatt.run({**RUN, "uncertainty": True}, uncertainty=False).data
    files = [tmp_path / f"{count}.yaml" for count in (64, 128)]
    for file, count in zip(files, (64, 128), strict=True):
        machine = {"chip": "H100-SXM5-80GB", "count": count}
        file.write_text(json.dumps({**RUN, "machine": machine, "uncertainty": True}))
    decisions = gigawatt.compare(*files, split=False)["decisions"]
    assert any(one["quantity"] == "training.duration" for one in decisions)
    with pytest.raises(InputError, match="uncertainty: this command samples nothing"):
        gigawatt.solve(files[0], find={"machine.count": "64|128"}, minimise="training.duration")
    with pytest.raises(InputError, match="uncertainty: this command samples nothing"):
        gigawatt.plan_supply(str(files[0]), settings={"supply.price": None, "supply.plants": ["grid"]})


def test_quartiles_and_ends_of_a_model_error_are_those_given() -> None:
    """Between the ends, which stay where they are, the factor rises; tails are those without quartiles."""
    plain, bent = (ModelError("", "", 0.8, 2.0, {}, middle) for middle in (None, (0.97, 1.1)))
    for z, factor in ((-Z95, 0.8), (-0.67449, 0.97), (0.0, 1.0), (0.67449, 1.1), (Z95, 2.0)):
        assert bent.at(z) == pytest.approx(factor, rel=1e-5)
    for z in (-LARGEST, -Z95, 0.0, Z95, LARGEST):
        assert bent.at(z) == pytest.approx(plain.at(z), rel=1e-6)
    normals = np.linspace(-LARGEST, LARGEST, 999)
    found = np.array([bent.at(z) for z in normals])
    assert np.all(np.diff(found) > 0.0)
    drawn = normal_draws([bent], draws=4000, seed=0, shared=0.5)[:, 0]
    quarters = np.quantile([bent.at(z) for z in drawn], (0.05, 0.25, 0.5, 0.75, 0.95))
    assert quarters == pytest.approx([0.8, 0.97, 1.0, 1.1, 2.0], rel=0.01)


@pytest.mark.parametrize("middle", [(1.0, 1.0), (0.5, 3.0)])
def test_quartiles_at_one_or_beyond_the_ends_stay_within_them(middle: tuple[float, float]) -> None:
    error = ModelError("", "", 0.8, 2.0, {}, middle)
    found = np.array([error.at(z) for z in np.linspace(-Z95, Z95, 99)])
    assert np.all(np.diff(found) >= 0.0)
    assert (found.min(), found.max()) == (pytest.approx(0.8), pytest.approx(2.0))


def test_explain_lists_the_inputs_by_their_share(drawn: Any, tmp_path: Path) -> None:
    found = gigawatt.explain(drawn.found, "ledger.run_cost").data["variance"]
    shares = [one["share"] for one in found]
    assert shares == sorted(shares, reverse=True)
    named = {one["input"]: one["share"] for one in found}
    assert named.items() <= drawn["uncertainty"]["ledger.run_cost"]["rows"].items()
    assert next(one for one in found if one["input"] == STEP)["where"] == ""
    rows = [one for one in found if one["where"]]
    assert rows
    for one in rows:
        table, rest = one["input"].split(".", 1)
        row = catalog.entity(table, rest.rpartition(".")[0]).evidence(rest.rpartition(".")[2])
        assert (one["where"], one["grade"]) == (row.where, row.grade.label)
    answer = gigawatt.explain(drawn.found, "ledger.run_cost")
    answer.save(tmp_path)
    text = (tmp_path / "explain.md").read_text()
    assert "Inputs by their share of its variance" in text
    assert "Weakest rows" not in text
    assert "variance" not in gigawatt.explain(drawn.found, "machine.count").data
