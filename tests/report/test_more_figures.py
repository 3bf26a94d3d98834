"""Figures of scorecards, sites, plants: what is drawn is what the tables say, light enough for a page."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from gigawatt.core.errors import InputError
from gigawatt.studies.plant.figures_overview import plant_costs as costs_figure
from gigawatt.studies.plant.figures_overview import plants_lcoe
from gigawatt.studies.plant.overview import plant_costs, plant_overview
from gigawatt.studies.supply.site_map import COLOURED, coastline, site_map
from gigawatt.studies.supply.site_overview import site_overview
from gigawatt.studies.validate.figures import DRAWN, error_figure, parity_figure
from gigawatt.validation.parity import parity

MOST = 400_000
"""Characters of a figure's JSON."""


def light(figure) -> dict:
    text = figure.to_json()
    assert len(text) <= MOST
    document = json.loads(text)
    for trace in document["data"]:  # gl traces compile code as they run, geo ones fetch their outlines
        assert not trace["type"].endswith("gl")
        assert "geo" not in trace["type"]
    return document


def points(document: dict) -> list[dict]:
    return [trace for trace in document["data"] if trace.get("mode") == "markers"]


@pytest.fixture(scope="module")
def sites() -> pd.DataFrame:
    return site_overview(2030)


@pytest.mark.parametrize("name", ["kernels", "memory", "collectives"])
def test_parity_draws_the_rows(name: str) -> None:
    frame = parity(name)
    document = light(parity_figure(frame))
    drawn = sum(len(trace["x"]) for trace in points(document))
    assert drawn == min(len(frame), DRAWN)
    held = sum(len(trace["x"]) for trace in points(document) if trace["marker"]["symbol"] == "circle-open")
    if len(frame) <= DRAWN:
        assert held == int(frame["held_out"].sum())
    unit = {"s": "[s]", "B": "[GB]"}[frame["unit"].iloc[0]]
    assert document["layout"]["xaxis"]["title"]["text"] == f"measured {unit}"
    scale = 1e9 if unit == "[GB]" else 1.0
    measured = np.concatenate([trace["x"] for trace in points(document)])
    assert measured.max() == pytest.approx(frame["measured"].max() / scale, rel=1e-3)


def test_parity_thins_to_the_ends() -> None:
    """Of more rows than are drawn, a group's worst are kept."""
    rng = np.random.default_rng(3)
    count = 3 * DRAWN
    frame = pd.DataFrame(
        {
            "measured": 1.0, "predicted": np.exp(rng.normal(size=count)), "unit": "s", "group": "one",
            "source": "<b>them</b>", "label": "a row", "held_out": True, "low": np.nan, "high": np.nan,
        }
    )  # fmt: skip
    document = light(parity_figure(frame))
    (trace,) = points(document)
    assert len(trace["y"]) == DRAWN
    assert max(trace["y"]) == pytest.approx(frame["predicted"].max(), rel=1e-3)
    assert min(trace["y"]) == pytest.approx(frame["predicted"].min(), rel=1e-3)
    assert "<b>" not in trace["customdata"][0]
    assert parity_figure(frame).to_json() == parity_figure(frame).to_json()


def test_parity_without_rows_says_so() -> None:
    frame = parity("memory").iloc[:0]
    for draw in (parity_figure, error_figure):
        assert draw(frame).layout.annotations[0].text == "nothing above zero to compare"


def test_parity_says_what_it_leaves_out_and_its_bands() -> None:
    frame = parity("memory").iloc[:4].assign(low=[1e9, np.nan, np.nan, np.nan], high=9e9)
    frame.loc[frame.index[1], "measured"] = 0.0
    document = light(parity_figure(frame))
    (note,) = document["layout"]["annotations"]
    assert note["text"].startswith("3 rows")
    assert "1 at or below 0 left out" in note["text"]
    texts = [text for trace in points(document) for text in trace["text"]]
    assert sum(text.endswith("; 90 %: 1 to 9") for text in texts) == 1


def test_errors_are_sorted_by_their_median() -> None:
    frame = parity("kernels")
    document = light(error_figure(frame))
    error = (frame["predicted"] / frame["measured"] - 1.0) * 100.0
    sizes = error.abs().groupby(frame["group"]).median().sort_values()
    assert [trace["name"] for trace in document["data"]] == list(sizes.index)
    for trace in document["data"]:
        mine = error[frame["group"] == trace["name"]]
        assert trace["median"][0] == pytest.approx(mine.median(), abs=0.01)
        assert trace["q3"][0] == pytest.approx(mine.quantile(0.75), abs=0.01)


def test_coastlines_close() -> None:
    rings = coastline()
    assert len(rings) > 100
    for longitudes, latitudes in rings:
        assert len(longitudes) == len(latitudes) >= 4
        assert (longitudes[0], latitudes[0]) == (longitudes[-1], latitudes[-1])
        assert np.isfinite(longitudes).all()
        assert np.isfinite(latitudes).all()
        assert np.abs(np.diff(longitudes)).max() < 30.0  # no line across the map
        assert min(longitudes) >= -180.0
        assert -90.0 <= min(latitudes) <= max(latitudes) <= 90.0


def inside(longitude: float, latitude: float) -> bool:
    """Even-odd rule over all rings."""
    crossings = 0
    for longitudes, latitudes in coastline():
        x, y = np.array(longitudes), np.array(latitudes)
        above = (y[:-1] > latitude) != (y[1:] > latitude)
        at = x[:-1][above] + (latitude - y[:-1][above]) / np.diff(y)[above] * np.diff(x)[above]
        crossings += int((at > longitude).sum())
    return crossings % 2 == 1


def test_land_is_where_land_is(sites) -> None:
    """Geography that everybody knows, then the sites: ashore but for a few at a coast and at sea."""
    assert inside(25.0, 0.0)  # the Congo
    assert inside(-105.0, 40.0)  # the Rocky Mountains
    assert not inside(-40.0, 30.0)  # the Atlantic
    assert not inside(-150.0, 0.0)  # the Pacific
    assert inside(183.0, 67.0)  # Chukotka, beyond the 180th meridian
    ashore = [inside(row["longitude [deg]"], row["latitude [deg]"]) for _, row in sites.iterrows()]
    assert np.mean(ashore) > 0.75


@pytest.mark.parametrize("by", list(COLOURED))
def test_a_map_carries_ids(sites, by: str) -> None:
    document = light(site_map(sites, "rome", by=by))
    (trace,) = points(document)[:1]
    assert [one[0] for one in trace["customdata"]] == list(sites.index)
    column, scale, words, _ = COLOURED[by]
    assert trace["marker"]["color"] == pytest.approx(list(scale * sites[column]), rel=1e-3)
    assert "[" in words
    ring = next(trace for trace in document["data"] if trace.get("mode") == "markers+text")
    assert ring["x"] == [sites.loc["rome", "longitude [deg]"]]


def test_a_map_refuses_what_is_not_there(sites) -> None:
    with pytest.raises(InputError) as caught:
        site_map(sites, "romme")
    assert caught.value.nearest == "rome"
    with pytest.raises(InputError) as caught:
        site_map(sites, by="winds")
    assert caught.value.nearest == "wind"


def test_levelised_costs_are_the_tables() -> None:
    frame = plant_overview(2030, "rome")
    document = light(plants_lcoe(frame, site="Rome", year=2030))
    made = frame[frame["lcoe [$/MWh]"].notna()].sort_values("lcoe [$/MWh]")
    (bars,) = document["data"]
    assert bars["y"] == list(made["name"])
    assert bars["x"] == pytest.approx(list(made["lcoe [$/MWh]"]), rel=1e-3)
    high = np.array(bars["x"]) + np.array(bars["error_x"]["array"])
    assert high == pytest.approx(list(made["lcoe_high [$/MWh]"]), rel=1e-3)
    stores = frame[frame["kind"] == "storage"]
    assert plants_lcoe(stores).layout.annotations[0].text == "no plant makes electricity"


def test_costs_by_year_have_bands() -> None:
    names = ("solar", "battery-4h")
    frames = {name: plant_costs(name) for name in names}
    document = light(costs_figure(frames))
    lines = [trace for trace in document["data"] if trace.get("mode") == "lines+markers"]
    assert [trace["name"] for trace in lines] == list(names)
    assert lines[0]["y"] == pytest.approx(list(frames["solar"]["capital [$/kW]"]), rel=1e-3)
    energy = light(costs_figure(frames, energy=True))
    assert [trace["name"] for trace in energy["data"] if trace.get("mode") == "lines+markers"] == [
        "battery-4h"
    ]
