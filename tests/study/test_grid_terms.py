"""Terms of a grid connection: hours of a cut, charges on coincident peaks, payment for reserve."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from gigawatt.chain.supply.grid_terms import check_reserve, read_peak_hours, with_terms
from gigawatt.core.errors import InputError
from gigawatt.power import CutStep, Flexible, Plant, plan
from gigawatt.power.tariff.clock import coincident_hours as peak_hours
from gigawatt.studies.supply.plan import plan_supply
from gigawatt.studies.supply.question import read_supply_question

MWH, PER_KW = 3.6e9, 1e-3
PRICE = (40 + 30 * np.random.default_rng(4).random(8760)) / MWH
GRID = Plant("grid", "grid", capital=20 * PER_KW, fixed=5 * PER_KW, fuel=PRICE)
VOLL = 10_000 / MWH


def test_four_peaks_are_the_dearest_hours_of_four_months() -> None:
    first = np.cumsum([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]) * 24
    hours = peak_hours(PRICE, "4CP")
    assert len(hours) == 4
    for hour, month in zip(hours, range(5, 9), strict=True):
        assert first[month] <= hour < first[month + 1]
        assert PRICE[hour] == PRICE[first[month] : first[month + 1]].max()
    assert len(peak_hours(PRICE, "12CP")) == 12
    assert set(peak_hours(PRICE, 5).tolist()) == set(np.argsort(PRICE)[-5:].tolist())
    assert read_peak_hours("4cp") == "4CP"
    assert read_peak_hours("20") == 20


def test_a_charge_is_paid_on_the_mean_of_the_peak_hours() -> None:
    load = 1e8 * (1 + 0.3 * np.sin(np.arange(8760) / 50))
    plain = plan(load=load, plants=[GRID], not_served_price=VOLL)
    charged = with_terms(GRID, PRICE, {"peak_charge": 60 * PER_KW, "peak_hours": "4CP"})
    dear = plan(load=load, plants=[charged], not_served_price=30_000 / MWH)
    mean = float(load[peak_hours(PRICE, "4CP")].mean())
    assert dear.objective - plain.objective == pytest.approx(60 * PER_KW * mean, rel=1e-5)


def test_a_cut_pays_in_peak_hours_up_to_its_price() -> None:
    """60 $/kW on four hours is 15,000 $/MWh in each."""
    charged = with_terms(GRID, PRICE, {"peak_charge": 60 * PER_KW, "peak_hours": "4CP"})
    asked = {"load": np.full(8760, 1e8), "plants": [replace(charged, capital=0.0)], "not_served_price": 1.0}
    for price, pays in ((14_000, True), (16_000, False)):
        found = plan(**asked, flexible=Flexible(0.4, price / MWH))
        cut = np.zeros(8760)
        cut[peak_hours(PRICE, "4CP")] = 4e7 if pays else 0.0
        assert found.cut == pytest.approx(cut, abs=1e4)


def test_a_connection_that_may_be_cut_gives_nothing_in_its_hours_and_costs_less() -> None:
    terms = {"nonfirm": 100 * 3600.0, "nonfirm_saving": 10 * PER_KW}
    soft = with_terms(GRID, PRICE, terms)
    off = np.asarray(soft.availability) == 0.0
    assert off.sum() == 100
    assert PRICE[off].min() >= PRICE[~off].max()
    assert soft.capital + soft.fixed == pytest.approx(15 * PER_KW)
    engine = Plant("engine", "dispatchable", capital=100 * PER_KW, fuel=90 / MWH)
    asked = {"load": np.full(8760, 1e8), "not_served_price": VOLL}
    found = plan(plants=[soft, engine], **asked)
    assert found.capacity["engine"] == pytest.approx(1e8, rel=1e-5)
    steps = (CutStep(0.5, 300 / MWH), CutStep(0.3, 2_000 / MWH))  # an engine is 1,090 $/MWh in 100 h
    cut = plan(plants=[soft, engine], **asked, flexible=Flexible(steps=steps))
    assert cut.capacity["engine"] == pytest.approx(5e7, rel=1e-5)
    assert cut.cut_steps[off, 0] == pytest.approx(5e7, rel=1e-5)
    assert not np.any(cut.cut_steps[~off] > 1e2)
    years = with_terms(GRID, np.concatenate([PRICE, PRICE[::-1]]), {"nonfirm": 100 * 3600.0})
    there = np.asarray(years.availability)
    assert (there[:8760] == 0.0).sum() == (there[8760:] == 0.0).sum() == 100


def test_reserve_is_paid_for_what_the_grid_feeds_and_can_be_cut() -> None:
    grid = with_terms(replace(GRID, maximum=6e7), PRICE, {"reserve_price": 10 / MWH})
    engine = Plant("engine", "dispatchable", capital=100 * PER_KW, fuel=30 / MWH)
    asked = {"load": np.full(8760, 1e8), "not_served_price": VOLL}
    gives = Flexible(0.8, 500 / MWH)
    plain = plan(plants=[replace(grid, reserve_price=0.0), engine], flexible=gives, **asked)
    found = plan(plants=[grid, engine], flexible=gives, **asked)
    i = found.names.index("grid")
    assert np.all(found.reserve[:, i] <= found.dispatch[:, i] + 1e2)
    assert found.reserve[:, i] == pytest.approx(np.minimum(found.dispatch[:, i], 8e7 - found.cut), abs=1e3)
    income = float(found.reserve.sum()) * 10 / 1e6
    assert found.cost["grid"]["variable"] == pytest.approx(-income, rel=1e-9)
    assert found.objective < plain.objective
    assert found.objective >= plain.objective - 6e7 * 8760 * 10 / 1e6 * (1 + 1e-6)
    assert any(text.startswith("load that the grid pays to be able to cut: ") for text in found.notices)
    theirs = plan(plants=[grid, engine], flexible=gives, solver="highs", **asked)
    assert found.objective == pytest.approx(theirs.objective, rel=1e-6)


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({"peak_hours": "4CP"}, "supply.grid.peak_hours: no charge on these hours"),
        ({"nonfirm_saving": 1.0}, "supply.grid.nonfirm_saving: nothing is saved by a firm connection"),
        ({"nonfirm": 3600.0, "nonfirm_saving": 1.0}, "supply.grid.nonfirm_saving: more than the connection"),
    ],
)
def test_terms_that_make_no_sense_are_refused(terms: dict[str, object], said: str) -> None:
    with pytest.raises(InputError) as error:
        with_terms(GRID, PRICE, terms)
    assert str(error.value).startswith(said)


def test_what_is_not_known_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="its price is the same in all"):
        with_terms(GRID, np.full(8760, 1e-8), {"peak_charge": 0.06, "peak_hours": "4CP"})
    with pytest.raises(InputError, match="not a rule of coincident peaks; given '4PC'"):
        read_peak_hours("4PC")
    with pytest.raises(InputError, match="no load can be cut, so none is offered"):
        check_reserve([replace(GRID, reserve_price=1e-9)], None)


def test_plan_supply_has_the_terms_of_a_scenario() -> None:
    asked: dict[str, Any] = {"site": "texas", "load": "100 MW", "plants": "grid"}
    plain = plan_supply(read_supply_question(**asked, settings={"supply.units": "any"}))
    question = read_supply_question(
        **asked, settings={"supply.units": "any", "supply.grid.peak_charge": "60 $/kW"}
    )
    assert "4CP" in {one.value for one in question.assumptions if one.key == "supply.grid.peak_hours"}
    found = plan_supply(question)
    assert found.plan.objective - plain.plan.objective == pytest.approx(6e6, rel=1e-5)
    with pytest.raises(InputError, match="no load can be cut"):
        plan_supply(read_supply_question(**asked, settings={"supply.grid.reserve_price": "10 $/MWh"}))
    with pytest.raises(InputError, match="computed of a model alone"):
        read_supply_question(**asked, flexible="computed")
