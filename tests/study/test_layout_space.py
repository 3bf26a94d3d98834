"""The cloud of layouts: rows of the search and of the step model, the best first, chosen without chance."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from gigawatt.chain.asking import Asker
from gigawatt.chain.training.layout_space import by_binding, layout_space, scenario_layout_space
from gigawatt.core.errors import InputError
from gigawatt.performance import capped_search, evaluate
from gigawatt.performance.layouts import COLUMNS, Layouts
from gigawatt.schema.pins import WORDS
from gigawatt.schema.scenario import read_scenario
from gigawatt.studies.training.figures_layouts import layout_space as figure_of

EXAMPLES = Path(__file__).parents[2] / "examples"
SMALL, LARGE = EXAMPLES / "gpt3-175b-a100.yaml", EXAMPLES / "llama-3.1-405b-texas.yaml"


def objects(file: Path) -> list:
    point = Asker(read_scenario(file)).at({})
    names = ("training.run", "machine.machine", "software.stack", "layout.fixed", "layout.widen")
    return [point.value(name).value for name in names]


@pytest.fixture(scope="module")
def space():
    return scenario_layout_space(LARGE, most=600)


def test_the_best_is_the_searchs(space) -> None:
    run, machine, stack, fixed, widen = objects(LARGE)
    found = capped_search(run, machine.cluster, stack, dict(fixed), top=1, widen=widen)
    first = space.frame.iloc[0]
    assert first["best"]
    assert space.frame["best"].sum() == 1
    assert first["step_time [s]"] == found.best.step_time[0]
    assert space.frame.loc[space.frame["fits"], "step_time [s]"].min() == first["step_time [s]"]
    assert (space.looked_at, space.fit) == (found.looked_at, found.fit)
    assert 500 < space.shown <= 600


def test_fitting_is_having_the_memory(space) -> None:
    frame = space.frame
    assert (frame["fits"] == (frame["memory [GB]"] <= space.capacity / 1e9)).all()
    assert 0.1 < (~frame["fits"]).mean() < 0.4
    columns = [name for name in frame.columns if "[" not in name and name not in ("fits", "best", "binding")]
    assert not frame.duplicated(columns).any()


def test_a_row_is_what_the_step_model_says(space) -> None:
    run, machine, stack, *_ = objects(LARGE)
    for _, row in space.frame.iloc[[1, 200, 400]].iterrows():
        columns = {}
        for name in COLUMNS:
            value = row[name]
            words = WORDS.get(name, {})
            if isinstance(value, str):
                value = words[value] if value in words else {"yes": 1, "no": 0}.get(value, value)
            columns[name] = int(value)
        table = evaluate(run, Layouts.of(global_batch=run.global_batch, **columns), machine.cluster, stack)
        assert float(table.step_time[0]) == pytest.approx(row["step_time [s]"], rel=1e-9)
        assert max(table.parts, key=lambda name: float(np.ravel(table.parts[name])[0])) == row["binding"]


def test_all_of_a_few_are_shown() -> None:
    space = scenario_layout_space(SMALL, most=2000)
    assert space.frame["fits"].sum() == space.fit
    assert scenario_layout_space(SMALL, most=2000).frame.equals(space.frame)


def test_a_cap_slows_them() -> None:
    run, machine, stack, fixed, widen = objects(SMALL)
    free, held = (
        layout_space(run, machine.cluster, stack, dict(fixed), widen, cap=cap, most=100)
        for cap in (None, 250.0)
    )
    assert held.frame["step_time [s]"].iloc[0] > free.frame["step_time [s]"].iloc[0]


def test_the_figure_marks_the_best(space) -> None:
    text = figure_of(space).to_json()
    assert len(text) < 400_000
    document = json.loads(text)
    cross = next(trace for trace in document["data"] if trace["marker"]["symbol"] == "x")
    assert cross["x"] == [round(float(space.frame["memory [GB]"].iloc[0]), 2)]
    named = [trace["name"] for trace in document["data"] if trace["showlegend"]]
    assert len(named) == len(set(named))
    opened = [trace for trace in document["data"] if trace["marker"]["symbol"] == "circle-open"]
    assert all(min(trace["x"]) >= space.capacity / 1e9 - 0.01 for trace in opened)


def test_what_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        scenario_layout_space(EXAMPLES / "serve-llama-70b-virginia.yaml")
    assert "not a training scenario" in str(caught.value)
    with pytest.raises(InputError) as caught:
        scenario_layout_space(SMALL, most=10)
    assert caught.value.key == "most"


def test_what_binds_is_counted_once(space) -> None:
    found = by_binding(space)
    assert found["shown"].sum() == space.shown
    assert found["fitting"].sum() == space.frame["fits"].sum()
    assert found["shown"].is_monotonic_decreasing
    best = space.frame.iloc[0]
    assert found.loc[best["binding"], "step_time [s]"] == best["step_time [s]"]
    assert found["step_time [s]"].min() == best["step_time [s]"]
    assert (found["fitting"].eq(0) == found["step_time [s]"].isna()).all()
