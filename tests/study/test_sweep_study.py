"""Studies of sweeps: grids, lists, draws, what runs together; every refusal has file, line and key.

Oracles: scipy.stats for quantiles, numpy for grids, the scenario file itself for values.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gigawatt import catalog
from gigawatt.chain.graph import graph_of
from gigawatt.core.errors import InputError
from gigawatt.schema.changed import scenario_with
from gigawatt.schema.scenario import read_scenario
from gigawatt.studies.sweep.draws import quantile, shares
from gigawatt.studies.sweep.points import Points, scenario_key
from gigawatt.studies.sweep.shares import Shares
from gigawatt.studies.sweep.study import SweepStudy, default_reads, read_study

EXAMPLES = Path(__file__).parents[2] / "examples"
TEXAS = EXAMPLES / "llama-3.1-405b-texas.yaml"
Study = Callable[[str], SweepStudy]


@pytest.fixture
def study(tmp_path: Path) -> Study:
    def read(text: str) -> SweepStudy:
        file = tmp_path / "study.yaml"
        file.write_text(f"base: {TEXAS}\n{text}", encoding="utf-8")
        return read_study(file)

    return read


def test_the_example_is_a_crossed_grid() -> None:
    made = read_study(EXAMPLES / "sweep-texas.yaml")
    points = Points.of(made)
    assert len(points) == len(made) == 4 * 3 * 3 * 3
    found = {tuple(sorted(points[i].axes.items())) for i in range(len(points))}
    expected = itertools.product(
        [8192.0, 16384.0, 24576.0, 32768.0], [5e12, 15e12, 45e12], [2e4, 2.5e4, 3e4], [0.0, 0.05, 0.1]
    )
    names = ("machine.count", "training.tokens", "economics.chip_price", "supply.carbon_price")
    wanted = {tuple(sorted(zip(names, row, strict=True))) for row in expected}
    assert {tuple((k, round(v, 9)) for k, v in row) for row in found} == wanted
    assert len({points.key(i) for i in range(len(points))}) == len(points)


def test_every_point_is_a_scenario_of_the_values_it_tells(study: Study) -> None:
    made = study(
        "set: {machine.count: null}\nover:\n  machine.power: {from: 0.05 GW, to: 200 MW, steps: 4}\n"
        "  training.global_batch: [2048 sequences, 16M tokens]\n  economics.discount_rate: [5 %, 0.07]\n"
    )
    points = Points.of(made)
    for i in range(len(points)):
        loaded = scenario_with(made.base, points[i].changes)
        axes = points[i].axes
        assert loaded.scenario.machine.power == pytest.approx(axes["machine.power"], rel=1e-12)
        assert loaded.scenario.economics.discount_rate == pytest.approx(axes["economics.discount_rate"])
        batch = loaded.scenario.training.global_batch  # type: ignore[union-attr]
        assert batch is not None
        assert batch[1] == axes["training.global_batch"]
    powers = {float(points[i].axes["machine.power"]) for i in range(len(points))}
    assert sorted(powers) == pytest.approx(list(np.linspace(5e7, 2e8, 4)))


def test_what_runs_together_and_what_is_crossed(study: Study) -> None:
    made = study(
        "zip:\n  - site.name: [abilene-texas, virginia]\n    supply.carbon_price: [10 $/t, 20 $/t]\n"
        "  - {machine.count: [null, 8192], machine.power: [50 MW, null]}\nover: {year: [2026, 2027, 2028]}\n"
    )
    points = Points.of(made)
    rows = [points[i].axes for i in range(len(points))]
    assert len(rows) == 2 * 2 * 3
    pairs = {(row["site.name"], row["supply.carbon_price"]) for row in rows}
    assert {site: round(float(price), 9) for site, price in pairs} == {
        "abilene-texas": 0.01, "virginia": 0.02,
    }  # fmt: skip
    machines = [scenario_with(made.base, points[i].changes).scenario.machine for i in range(len(points))]
    assert {(one.count, one.power) for one in machines} == {(None, 50e6), (8192, None)}


def test_whole_numbers_stay_whole_and_each_stands_once(study: Study) -> None:
    made = study("over: {machine.count: {from: 1000, to: 1004, steps: 9}}")
    assert [made.columns[0].value(i) for i in range(len(made))] == [1000, 1001, 1002, 1003, 1004]
    logs = study("over: {training.sequence: {from: 1024 tokens, to: 8192 tokens, steps: 4, scale: log}}")
    assert [logs.columns[0].value(i) for i in range(4)] == [f"{2**n} tokens" for n in (10, 11, 12, 13)]


def test_rows_of_the_catalog_are_axes(study: Study) -> None:
    before = catalog.entity("chips", "H100-SXM5-80GB").value("idle_power")
    key = "catalog.chips.H100-SXM5-80GB.idle_power"
    made = study(f"over: {{{key}: {{from: 60 W, to: 0.1 kW, steps: 3}}, machine.count: [8192, 16384]}}")
    points = Points.of(made)
    assert points.groups[0].columns[0].key == key  # another catalog empties every cache: it changes slowest
    assert [points[i].varied for i in (0, 2, 4)] == [
        {("chips", "H100-SXM5-80GB", "idle_power"): pytest.approx(watts)} for watts in (60.0, 80.0, 100.0)
    ]
    assert key not in points[0].changes
    assert len({points.key(i) for i in range(6)}) == 6
    assert catalog.entity("chips", "H100-SXM5-80GB").value("idle_power") == before


def test_what_is_read_where_nobody_says_is_known_and_single() -> None:
    for name, cost in (
        ("llama-3.1-405b-texas", "ledger.cost_per_mtoken"),
        ("serve-llama-70b-virginia", "economics.cost_million_output"),
    ):
        graph = graph_of(read_scenario(EXAMPLES / f"{name}.yaml"))
        chosen = default_reads(graph)
        assert cost in chosen
        assert len(chosen) >= 15
        for one in chosen:
            assert graph.nodes[one].function is not None
            assert graph.nodes[one].function.__annotations__["return"] in ("float", "int", "str")


def test_dear_axes_change_slowest(study: Study) -> None:
    made = study(
        "over:\n  economics.chip_life: [4 years, 5 years]\n  training.tokens: [1T tokens, 2T tokens]\n"
        "  supply.carbon_price: [0 $/t, 5 $/t]\n  machine.count: [8192, 16384]\n"
    )
    order = [group.columns[0].key for group in Points.of(made).groups]
    assert order == ["training.tokens", "machine.count", "supply.carbon_price", "economics.chip_life"]


@settings(max_examples=25, derandomize=True, deadline=None)
@given(at=st.floats(1e-6, 1.0 - 1e-6), mean=st.floats(-5, 5), width=st.floats(0.1, 3))
def test_quantiles_are_those_of_scipy(at: float, mean: float, width: float) -> None:
    u = np.array([at])
    low, high = mean - width, mean + 2 * width
    median = np.exp(mean)
    pairs = [
        (quantile("normal", u, {"mean": mean, "deviation": width}), stats.norm(mean, width)),
        (quantile("uniform", u, {"from": low, "to": high}), stats.uniform(low, high - low)),
        (quantile("lognormal", u, {"median": median, "sigma": width}), stats.lognorm(width, scale=median)),
        (quantile("loguniform", u, {"from": median, "to": 9 * median}), stats.loguniform(median, 9 * median)),
        (
            quantile("triangular", u, {"low": low, "mode": mean, "high": high}),
            stats.triang(1 / 3, low, high - low),
        ),
        (
            quantile("normal", u, {"mean": mean, "deviation": width, "low": low, "high": high}),
            stats.truncnorm(-1.0, 2.0, mean, width),
        ),
    ]
    for found, known in pairs:
        assert found[0] == pytest.approx(known.ppf(at), rel=1e-7, abs=1e-7)


def test_a_hypercube_has_one_point_in_each_part_and_is_seeded(study: Study) -> None:
    at = shares(50, 3, method="latin-hypercube", seed=3)
    for column in at.T:
        assert sorted((column * 50).astype(int)) == list(range(50))
    assert np.array_equal(at, shares(50, 3, method="latin-hypercube", seed=3))
    assert not np.array_equal(at, shares(50, 3, method="latin-hypercube", seed=4))
    text = (
        "sample:\n  points: 16\n  keys:\n    machine.count: [8192, 16384]\n"
        "    economics.chip_price: {normal: {mean: 27 k$, deviation: 3000 $, low: 20 k$}}\n"
        "    supply.carbon_price: {triangular: {low: 0 $/t, mode: 40 $/t, high: 0.1 $/kg}}\n"
    )
    points = Points.of(study(f"seed: 7\n{text}"))
    rows = [points[i].axes for i in range(len(points))]
    assert rows == [Points.of(study(f"seed: 7\n{text}"))[i].axes for i in range(16)]
    assert rows != [Points.of(study(f"seed: 8\n{text}"))[i].axes for i in range(16)]
    assert [row["machine.count"] for row in rows].count(8192.0) == 8
    prices = np.array([float(row["economics.chip_price"]) for row in rows])
    assert prices.min() >= 20e3
    assert prices.mean() == pytest.approx(27e3, rel=0.02)
    assert max(float(row["supply.carbon_price"]) for row in rows) < 0.1


def test_points_of_a_distribution_are_its_middles(study: Study) -> None:
    made = study("over: {economics.chip_price: {uniform: {from: 20 k$, to: 30 k$}, points: 5}}")
    assert [made.columns[0].stored(i) for i in range(5)] == pytest.approx([21e3, 23e3, 25e3, 27e3, 29e3])


def test_keys_are_of_the_meaning(tmp_path: Path, study: Study) -> None:
    base = study("over: {machine.count: [8192, 16384]}").base
    one = scenario_with(base, {"economics.chip_price": "30 k$", "name": "one"})
    assert scenario_key(one) == scenario_key(scenario_with(base, {"economics.chip_price": "30000 $"}))
    assert scenario_key(one) != scenario_key(scenario_with(base, {"economics.chip_price": "30001 $"}))
    assert scenario_key(one) != scenario_key(one, {("chips", "H100-SXM5-80GB", "idle_power"): 1.0})
    model = tmp_path / "config.json"
    model.write_text("{}")
    named = scenario_with(base, {"model": str(model)})
    before = scenario_key(named)
    model.write_text('{"a": 1}')
    assert scenario_key(named) != before


def test_shares_give_every_place_once_and_neighbours_together() -> None:
    for total, slots in ((0, (0,)), (1, (0, 1)), (17, (0, 1, 2)), (100, (4, 9))):
        made = Shares(total, slots)
        given_out: dict[int, list[int]] = {slot: [] for slot in (*slots, 77)}
        turn = 0
        order = (*slots, slots[0], slots[0], 77)  # one is thrice as quick, one comes from outside
        while (place := made.next(order[turn % len(order)])) is not None:
            given_out[order[turn % len(order)]].append(place)
            turn += 1
        assert sorted(p for places in given_out.values() for p in places) == list(range(total))
    steps = np.diff(given_out[4])
    assert np.mean(steps == 1) > 0.85


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("over: {machine.count: []}", 2, "machine.count: an empty grid"),
        ("over:\n  machine.count: {from: 1, to: 2, steps: 0}", 3, "machine.count: an empty grid"),
        ("sample: {points: 0, keys: {year: [2026]}}", 2, "sample.points: an empty grid"),
        ("sample: {points: 3}", 2, "sample.keys: an empty grid"),
        ("name: none", 1, "nothing is varied"),
        ("over:\n  machine.cuont: [1]", 3, "machine.cuont: unknown key; .*did you mean 'machine.count'"),
        ("over:\n  machine.stack: [llama3-2024]", 3, "earlier version; allowed: software.framework"),
        ("over:\n  machin.count: [1]", 3, "machin.count: unknown key; .*did you mean 'machine.count'"),
        ("ovr: {}", 2, "ovr: unknown key; .*did you mean 'over'"),
        ("over:\n  training.tokens: [5]", 3, "training.tokens: the unit is missing"),
        (
            "over:\n  training.tokens: {from: 5T tokens, to: 2 GW, steps: 3}",
            3,
            "training.tokens: .*wrong kind",
        ),
        ("over:\n  machine.count: {from: 1, to: 9}", 3, "machine.count: a grid needs steps"),
        (
            "over:\n  machine.count: {from: 1, to: 9, step: 3}",
            3,
            "unknown word of a grid.*did you mean 'steps'",
        ),
        ("over:\n  machine.count: {from: 1, to: 9, steps: 3, scale: lgo}", 3, "unknown scale.*'log'"),
        (
            "over:\n  supply.carbon_price: {from: 0 $/t, to: 9 $/t, steps: 3, scale: log}",
            3,
            "begins and ends",
        ),
        ("over:\n  site.name: {from: 1, to: 9, steps: 3}", 3, "site.name: this key takes no numbers"),
        ("over:\n  year: [2026]\nzip:\n  - {year: [2027]}", 5, "year: varied twice; given 'first in line 3'"),
        (
            "zip:\n  - {year: [2026, 2027], machine.count: [1024]}",
            3,
            "zip.0: what runs together has one length",
        ),
        ("over:\n  economics.chip_price: {nrmal: {mean: 1 k$}, points: 3}", 3, "did you mean 'normal'"),
        ("over:\n  economics.chip_price: {normal: {mean: 1 k$}, points: 3}", 3, "normal needs deviation too"),
        ("over:\n  economics.chip_price: {normal: {mean: 9 k$, deviation: 2 W}, points: 3}", 3, "wrong kind"),
        ("over: {year: [2026]}\nread: [training.duratoin]", 3, "no such quantity.*'training.duration'"),
        ("over: {year: [2026]}\nread: [supply.plan]", 3, "read: not a single number; given 'supply.plan'"),
        ("over:\n  catalog.chps.H100-SXM5-80GB.price: [1 $]", 3, "no such table.*did you mean 'chips'"),
        ("over:\n  catalog.chips.H100-SXM5-80G.price: [1 $]", 3, "no such row.*'H100-SXM5-80GB'"),
        ("over:\n  catalog.chips.H100-SXM5-80GB.idle_powr: [1 W]", 3, "no such number.*'idle_power'"),
        ("over:\n  catalog.chips.H100-SXM5-80GB.idle_power: [1 $]", 3, "wrong kind of unit"),
        ("set: {machine.cuont: 5}\nover: {year: [2026]}", 2, "machine.cuont: unknown key"),
        ("seed: -1\nsample: {points: 3, keys: {year: [2026]}}", 2, "seed: not a count"),
    ],
)
def test_refusals_name_file_line_and_key(
    study: Study, tmp_path: Path, text: str, line: int, told: str
) -> None:
    with pytest.raises(InputError, match=told) as caught:
        study(text)
    assert caught.value.file == tmp_path / "study.yaml"
    assert caught.value.line == line
    assert "\n" not in str(caught.value)


def test_a_name_that_nothing_has_is_found_before_anything_runs(study: Study, tmp_path: Path) -> None:
    made = study("over:\n  year: [2026, 2027]\n  site.name: [abilene-texas, abilene-texs]")
    with pytest.raises(InputError, match=r"site\.name: .*did you mean 'abilene-texas'") as caught:
        Points.of(made)
    assert (caught.value.file, caught.value.line) == (tmp_path / "study.yaml", 4)
    file = tmp_path / "other.yaml"
    file.write_text("base: nothing.yaml\nover: {year: [2026]}")
    with pytest.raises(InputError, match="no such scenario file"):
        read_study(file)
