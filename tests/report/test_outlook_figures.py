"""Every figure of an outlook and of a plant's sheet by name, as light as a page wants them."""

from __future__ import annotations

import json

import pytest

from gigawatt.power.plants.sheet import physics_of
from gigawatt.studies.outlook import figures, figures_decades, figures_society
from gigawatt.studies.outlook.outlook import outlook
from gigawatt.studies.outlook.society import society_block
from gigawatt.studies.plant.figures import drawings

MOST = 400_000
FIGURES = {**figures.FIGURES, **figures_decades.FIGURES, **figures_society.FIGURES}


@pytest.fixture(scope="module")
def answer() -> dict:
    result = outlook("base", 300, 1)
    return json.loads(json.dumps({**result.to_json(), "society": society_block(result)}))


@pytest.mark.parametrize("name", list(FIGURES))
def test_a_figure_by_name(answer: dict, name: str) -> None:
    text = FIGURES[name][0](answer).to_json()
    assert len(text) < MOST
    document = json.loads(text)
    assert document["data"]
    assert FIGURES[name][1]
    assert document["layout"]["title"]["text"]


def test_shares_of_what_binds_are_whole(answer: dict) -> None:
    bars = json.loads(figures.binding(answer).to_json())["data"]
    for year in range(len(answer["years"])):
        assert sum(trace["y"][year] for trace in bars) == pytest.approx(100.0, abs=1e-6)


def test_a_band_holds_its_median(answer: dict) -> None:
    document = json.loads(figures.bands(answer, "run_cost").to_json())
    middle = document["data"][-1]["y"]
    at = answer["quantiles"].index(0.5)
    assert middle == pytest.approx([row[at] for row in answer["bands"]["run_cost"]["values"]])


@pytest.mark.parametrize("plant", ["msr", "fusion", "space-solar"])
def test_a_sheet_has_its_figures(plant: str) -> None:
    physics = physics_of(plant)
    made = drawings(physics.curves(physics.sheet({}, year=2040.0)))
    assert len(made) >= 3
    for draw, caption in made.values():
        figure = draw()
        assert len(figure.to_json()) < MOST
        assert caption
        assert figure.data
