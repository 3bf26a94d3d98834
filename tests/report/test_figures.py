"""Figures: every name draws, parts add up, flows are conserved, names from outside stay text."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from made_result import make_result

import gigawatt.studies.run.figures as figures
from gigawatt.core.errors import InputError
from gigawatt.core.result import Result
from gigawatt.faces.figures.style import INK, colour, on
from gigawatt.studies.supply.weeks import hottest_and_coldest_week


@pytest.mark.parametrize("name", figures.NAMES)
def test_every_figure_draws_fresh_and_saved(made: Result, saved: Result, name: str) -> None:
    fresh, read = made.figure(name), figures.figure(saved, name)
    assert len(fresh.data) > 0
    assert fresh.to_json() == read.to_json()
    assert fresh.layout.title.text
    assert fresh.layout.paper_bgcolor == "rgba(0,0,0,0)"  # light and dark


def test_an_unknown_figure_names_the_nearest(made: Result) -> None:
    with pytest.raises(InputError, match=r"no such figure; given 'sanky'; allowed: .*did you mean 'sankey'"):
        made.figure("sanky")


@pytest.mark.parametrize("name", figures.NAMES)
def test_a_missing_table_is_one_line(made: Result, name: str) -> None:
    with pytest.raises(InputError, match="no such table"):
        replace(made, tables={}).figure(name)


@pytest.mark.parametrize(
    ("name", "table", "column"),
    [
        ("breakdown", "breakdown", "time [s]"),
        ("ledger", "ledger", "run [M$]"),
        ("energy", "energy", "energy [kWh/Mtoken]"),
    ],
)
def test_bars_add_up_to_the_last(made: Result, name: str, table: str, column: str) -> None:
    bars = made.figure(name).data[0]
    widths, starts = np.array(bars.x, dtype=float), np.array(bars.base, dtype=float)
    assert widths[-1] == pytest.approx(widths[:-1].sum(), rel=1e-12)
    assert widths[-1] == pytest.approx(float(made.tables[table][column].sum()), rel=1e-9)
    assert starts[:-1] == pytest.approx(np.concatenate([[0.0], np.cumsum(widths[:-2])]))
    assert starts[-1] == 0.0


def test_the_breakdown_is_the_effective_step(made: Result) -> None:
    assert made.figure("breakdown").data[0].x[-1] == pytest.approx(
        made["training.effective_step_time"], rel=1e-3
    )


def test_memory_leaves_the_limit_out_of_the_sum(made: Result) -> None:
    sizes = made.tables["memory"]["bytes [GB]"]
    figure = made.figure("memory")
    assert figure.data[0].x[-1] == pytest.approx(float(sizes.drop("capacity").sum()))
    assert figure.layout.shapes[0].x0 == float(sizes["capacity"])


def test_the_sankey_conserves_power_in_every_inner_node(made: Result) -> None:
    trace = made.figure("sankey").data[0]
    source, target, value = (
        np.asarray(v, dtype=float) for v in (trace.link.source, trace.link.target, trace.link.value)
    )
    inner = set(source) & set(target)
    assert len(inner) >= 3
    for node in inner:
        assert value[source == node].sum() == pytest.approx(value[target == node].sum(), rel=2e-3)
    load = float(made.tables["flows"].query("target == 'served'")["power [MW]"].sum())
    ends = [v for t, v in zip(target, value, strict=True) if t not in set(source)]
    losses = float(made.tables["flows"].query("target == 'storage losses'")["power [MW]"].sum())
    assert sum(ends) == pytest.approx(load + losses, rel=2e-3)


def test_the_sankey_merges_a_relay_only_where_nothing_is_lost(made: Result) -> None:
    flows = pd.DataFrame(
        [
            ("wind", "electricity", 3.0),
            ("grid", "electricity", 1.0),
            ("electricity", "served", 4.0),
            ("served", "building", 1.0),
            ("served", "computing", 3.0),
        ],
        columns=["source", "target", "power [MW]"],
    )
    trace = replace(made, tables={"flows": flows}).figure("sankey").data[0]
    assert len(trace.node.label) == 5
    assert sum(trace.link.value) == pytest.approx(8.0)
    assert any("served" in text for text in made.figure("sankey").data[0].node.label)


def test_weeks_follow_the_temperature_on_either_hemisphere(made: Result) -> None:
    hourly = made.tables["hourly"]
    hot, cold = hottest_and_coldest_week(hourly)
    assert 24 * 120 < hot < 24 * 240  # the made year is warm in its middle
    assert cold < 24 * 60 or cold > 24 * 300
    south = hourly.assign(**{"temperature [degC]": -hourly["temperature [degC]"]})
    assert hottest_and_coldest_week(south) == (cold, hot)
    assert hot % 24 == cold % 24 == 0


def test_a_week_is_stacked_to_load_and_charge(made: Result) -> None:
    hot, _ = hottest_and_coldest_week(made.tables["hourly"])
    figure = made.figure("dispatch_summer")
    given = sum(np.asarray(t.y, dtype=float) for t in figure.data if t.stackgroup == "given")
    taken = sum(np.asarray(t.y, dtype=float) for t in figure.data if t.stackgroup == "taken")
    week = made.tables["hourly"].iloc[hot : hot + 168]
    assert np.all(taken <= 0)
    wanted = week["load [MW]"] + week["battery charge [MW]"] + week["curtailed [MW]"]
    assert given == pytest.approx(wanted.to_numpy(), abs=0.01)
    (load,) = [t for t in figure.data if t.name == "load"]
    assert len(load.y) == 168
    assert load.x[0] < "2001-08"


def test_what_the_solver_left_is_not_a_plant(made: Result) -> None:
    plants = made.tables["plants"].copy()
    plants.loc["fusion", "capacity [MW]"] = 1e-4
    rows = replace(made, tables={**made.tables, "plants": plants}).figure("capacity").data[0].y
    assert len(rows) == 6
    assert "Fusion" not in rows


def test_no_plant_at_all_is_said_in_words(made: Result) -> None:
    plants = made.tables["plants"].copy()
    plants["capacity [MW]"] = 0.0
    figure = replace(made, tables={**made.tables, "plants": plants}).figure("capacity")
    assert figure.layout.annotations[0].text == "no plant is built"


def test_the_words_of_a_bar_stay_on_the_paper(made: Result) -> None:
    for share in (0.05, 0.4, 0.75, 0.97):
        times = pd.DataFrame({"time [s]": {"arithmetic": share, "launch": 1 - share}}).rename_axis("part")
        figure = replace(made, tables={"breakdown": times}).figure("breakdown")
        end = figure.layout.xaxis.range[1]
        for text in figure.layout.annotations:
            reach = {"left": (0.0, 0.3), "right": (-0.3, 0.0), "center": (-0.0, 0.0)}[text.xanchor]
            assert text.x + reach[0] * end >= 0.0
            assert text.x + reach[1] * end <= end


def test_scarcity_does_not_flatten_the_other_hours(made: Result) -> None:
    hourly = made.tables["hourly"].copy()
    hourly["price [$/MWh]"] = 40.0
    hourly.iloc[100, hourly.columns.get_loc("price [$/MWh]")] = 35_000.0
    figure = replace(made, tables={**made.tables, "hourly": hourly}).figure("price")
    assert figure.layout.yaxis.range[1] < 100
    assert figure.layout.annotations[0].text == "highest price: $35,000/MWh"


def test_words_on_a_bar_are_read() -> None:
    assert on("#0072b2") == on(INK) == "#ffffff"
    assert on("#e69f00") == "#10202c"


def test_names_from_outside_are_no_tags() -> None:
    made = make_result()
    for name in ("capacity", "dispatch_summer", "duration"):
        assert "<script" not in made.figure(name).to_json()


def test_a_plant_keeps_its_colour() -> None:
    assert colour("solar") == colour("solar-utility", 5)
    assert colour("memory_bandwidth") == colour("memory bandwidth")
    assert (
        len({colour(n) for n in ("solar", "wind", "battery", "gas-combined-cycle", "fission-small", "grid")})
        == 6
    )
    assert colour("an unknown thing", 0) != colour("an unknown thing", 1)
