"""No example is short by more than it says: units and stores simulated anew, beside what the plan says."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from gigawatt.power.adequacy.simulated import stores_of
from gigawatt.studies.supply.plan import SupplyAnswer, plan_supply
from gigawatt.studies.supply.question import read_supply_question

pytestmark = pytest.mark.apart
ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(file for file in ROOT.glob("examples/*.yaml") if not file.stem.startswith("sweep"))
YEARS = 150


def served(answer: SupplyAnswer) -> tuple[float, float]:
    """(share of the energy that is served, its standard error): every unit a two-state chain, stores in the
    order of their hours, all years at once."""
    rng, plan = np.random.default_rng(23), answer.plan
    system = answer.adequacy.system
    stores = sorted((one for one, _ in stores_of(plan)), key=lambda one: -one.energy / one.units.total)
    hours, need = len(plan.load) // plan.years, system.need + system.discharge
    modes = [
        (one, rng.random((YEARS, one.units.count)) >= one.units.forced, np.zeros(YEARS))
        for one in system.modes
    ]
    kinds = [one.units for one in system.kinds]
    up = [rng.random((YEARS, one.count)) >= one.forced * system.risk[0, i] for i, one in enumerate(kinds)]
    levels, lost = [np.full(YEARS, one.start) for one in stores], np.zeros(YEARS)
    for h in range(hours):
        broken = np.zeros((YEARS, len(kinds)), dtype=bool)
        dark = np.zeros(YEARS, dtype=bool)
        for mode, there, since in modes:
            chance = rng.random(there.shape)
            there[:] = np.where(there, chance >= mode.units.failure_rate, chance < 1.0 / mode.units.repair)
            out: npt.NDArray[np.bool_] = ~np.any(there, axis=1)
            dark |= out if mode.all else False
            since[:] = np.where(out, since + 1.0, 0.0)
            for k, stock in mode.takes.items():
                broken[:, k] |= since > stock
        gap = np.full(YEARS, need[h])
        for i, one in enumerate(kinds):
            chance = rng.random(up[i].shape)
            kept = chance >= one.failure_rate * system.hazard[h, i]
            up[i] = np.where(up[i], kept, chance < 1.0 / one.repair)
            day = h // 24 - system.first[i]
            ready = (day < 0) | (day >= math.ceil(one.planned * 365 - 1e-9)) | (system.first[i] < 0)
            order = (up[i] & ready).sum(axis=1) * one.size * system.share[h, i]
            gap -= np.where(broken[:, i] | dark, 0.0, order)
        for k, one in enumerate(stores):
            most = np.where(dark, 0.0, one.units.total)
            levels[k] = levels[k] * (1.0 - one.loss)
            given = np.minimum(np.minimum(np.maximum(gap, 0.0), most), levels[k] * one.discharging)
            room = (one.energy - levels[k]) / one.charging
            taken = np.minimum(np.minimum(np.maximum(-gap, 0.0), most), room)
            levels[k] = levels[k] - given / one.discharging + taken * one.charging
            gap = gap - given + taken
        lost += np.maximum(gap, 0.0)
    share = lost / plan.load[:hours].sum()
    return 1.0 - float(share.mean()), float(share.std() / np.sqrt(YEARS))


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_an_example_serves_what_it_says(file: Path) -> None:
    question = read_supply_question(site=str(file))
    assert question.weather_years == 1  # as `served` takes it
    answer = plan_supply(question)
    found, error = served(answer)
    assert found + 4.0 * error + 2e-6 >= answer.adequacy.served
    assert found <= answer.adequacy.served + 4.0 * error + 2e-4  # nor does it say too little
