"""An oversubscribed facility: what is firm, when the accelerators are capped, what that costs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gigawatt.chain.asking import Asker, Point
from gigawatt.chain.study import Study
from gigawatt.chain.training.question import read_question
from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.schema.changed import scenario_of

TRAINED: dict[str, object] = {
    "model": "llama-3.1-8b", "training.tokens": "1T tokens", "machine.chip": "H100", "machine.count": 64,
    "site": "texas", "supply.plants": ["grid"],
}  # fmt: skip
SERVED: dict[str, object] = {
    "model": "llama-3.1-8b", "machine.chip": "H100", "machine.count": 16, "site": "texas",
    "supply.plants": ["grid"], "serving.simulated_requests": 4000, "serving.mode": "aggregated",
}  # fmt: skip


def at(base: dict[str, object], /, **more: object) -> Point:
    found = base | {key.replace("__", "."): one for key, one in more.items()}
    return Asker(scenario_of({key: one for key, one in found.items() if one is not None}, Path("x"))).at({})


def number(point: Point, name: str) -> float:
    return float(point.value(name).value)


def test_firm_power_is_the_peak_over_one_and_the_share() -> None:
    free, held = at(TRAINED), at(TRAINED, site__oversubscription="3 %")
    assert number(held, "facility.power_peak") == pytest.approx(number(free, "facility.power_peak") / 1.03)
    assert number(held, "facility.power_nameplate") == number(free, "facility.power_nameplate")
    load = held.value("facility.load").value
    uncapped = free.value("facility.load").value.running
    np.testing.assert_allclose(load.running, np.minimum(uncapped, load.peak))
    np.testing.assert_allclose(load.facility, sum(load.parts.values()))
    share = float(np.mean(uncapped > load.peak))
    assert number(held, "facility.capped_time") == share
    assert 0.0 < share < 1.0
    assert number(free, "facility.capped_time") == 0.0


@pytest.mark.parametrize("share", ["1 %", "5 %", "30 %"])
def test_the_speed_kept_lies_between_power_and_one(share: str) -> None:
    """Bounds of what a cap costs; days are longer by the speed that is lost, steps are as before."""
    free, held = at(TRAINED), at(TRAINED, site__oversubscription=share)
    kept = number(held, "training.kept_speed")
    assert float(held.value("facility.load").value.allowed.min()) ** 2 < kept < 1.0
    for name in ("duration", "duration_low", "duration_high"):
        longer = number(held, f"training.{name}") / number(free, f"training.{name}")
        assert longer == pytest.approx(1.0 / kept)
    assert number(held, "training.step_time") == number(free, "training.step_time")


@pytest.mark.apart
def test_a_flat_load_that_is_capped_all_year_is_the_run_under_that_cap() -> None:
    """With one PUE for every hour all are capped alike: against machine.power_cap with the same power, which
    may take another layout."""
    same = {"site__pue": 1.2, "machine__count": 64}
    free, held = at(TRAINED, **same), at(TRAINED, **same, site__oversubscription="25 %")
    step = number(free, "machine.step_power") / 1.25
    low, high = 200.0, 700.0
    for _ in range(14):
        cap = 0.5 * (low + high)
        capped = at(TRAINED, **same, machine__power_cap=f"{cap!r} W")
        low, high = (low, cap) if number(capped, "machine.step_power") > step else (cap, high)
    kept = number(free, "training.step_time") / number(capped, "training.step_time")
    assert 0.97 * kept < number(held, "training.kept_speed") < 1.001 * kept
    assert number(held, "facility.capped_time") == 1.0
    assert any("as by machine.power_cap" in one for one in held.value("study.notices").value)


@pytest.mark.apart
def test_a_power_feeds_more_accelerators() -> None:
    of_power = {"machine__count": None, "machine__power": "1 MW"}
    free, held = at(TRAINED, **of_power), at(TRAINED, **of_power, site__oversubscription="30 %")
    assert number(held, "machine.count") / number(free, "machine.count") == pytest.approx(1.3, abs=0.15)
    assert number(held, "facility.power_peak") <= 1e6
    both = {"machine__power": f"{0.8 * number(at(TRAINED), 'facility.power_peak')!r} W"}
    capped, less = at(TRAINED, **both), at(TRAINED, **both, site__oversubscription="10 %")
    assert number(less, "machine.cap") > number(capped, "machine.cap")


def test_a_service_is_capped_in_its_highest_hours() -> None:
    free, held = at(SERVED), at(SERVED, site__oversubscription="5 %")
    assert number(held, "facility.power_peak") == pytest.approx(number(free, "facility.power_peak") / 1.05)
    assert 0.0 < number(held, "facility.capped_time") < 1.0
    assert any("is not simulated" in one for one in held.value("study.notices").value)
    more = {"machine__count": None, "machine__power": "100 kW"}
    counts = [
        number(at(SERVED, **more, **o), "machine.count") for o in ({}, {"site__oversubscription": "30 %"})
    ]
    assert counts[1] > counts[0]


def test_what_no_cap_can_do_and_who_cannot_be_capped() -> None:
    with pytest.raises(InfeasibleError, match=r"oversubscription: no power cap .* allowed: at most \d+"):
        Study(scenario_of(TRAINED | {"site.oversubscription": "95 %"}, Path("x"))).run()
    load = {"load.peak": "100 MW", "site": "texas", "supply.plants": ["grid"], "site.oversubscription": "3 %"}
    with pytest.raises(InputError, match="a load and no machine"):
        Study(scenario_of(load, Path("x"))).run()
    with pytest.raises(InputError, match=r"site\.oversubscription: .*gigawatt run SCENARIO"):
        read_question(model="llama-3.1-8b", chip="H100", settings={"site.oversubscription": "3 %"})
