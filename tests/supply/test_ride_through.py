"""Ride-through of dips: the event of July 2024, curves, protections, mends, load model, islands."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.catalog import table
from gigawatt.core.errors import InputError
from gigawatt.power.seconds import (
    Band,
    Event,
    Protection,
    code_of,
    exceeded,
    judge,
    list_codes,
    list_events,
    list_protections,
    load_code,
    load_event,
    load_model,
    load_protection,
    lose_unit,
    mend,
    ride,
)

SOME = settings(deadline=None, max_examples=60, derandomize=True)
VIRGINIA = "virginia-2024-07-10"


def dips(starts: list[float], *, volts: float = 0.3, seconds: float = 0.05, end: float = 200.0) -> Event:
    """Rated voltage but for dips."""
    times, values = [0.0], [1.0]
    for start in starts:
        times += [start, start + seconds]
        values += [volts, 1.0]
    return Event("dips", np.array([*times, end]), np.array([*values, 1.0]))


def test_july_2024_in_virginia() -> None:
    """1,500 MW of 60 sites left after six dips in 82 s, by counters of three within a minute."""
    event = load_event(VIRGINIA)
    faults = event.stays(0.9, math.inf)
    assert len(faults) == 6
    assert faults[-1][0] - faults[0][0] == pytest.approx(82.0)
    assert all(0.042 - 1e-9 <= end - start <= 0.066 + 1e-9 for start, end in faults)
    counted = ride(event, load=load_protection("ups-counter"))
    assert counted.outcome == "leaves"
    assert counted.left == pytest.approx(faults[2][0] + 0.01)  # the third of six
    assert 60 * 25.0 * counted.lost == 1500.0
    assert ride(event, load=load_protection("ups")).outcome == "returns"
    assert ride(event, load=replace(load_protection("ups-counter"), count=math.inf)).outcome == "returns"
    assert ride(event, load=load_protection("supply")).outcome == "leaves"
    assert math.isinf(exceeded(event, load_code("ercot-nogrr-282").voltage))  # it had to be ridden through


@SOME
@given(st.lists(st.floats(0.0, 82.0), min_size=6, max_size=6))
def test_any_six_dips_in_82_seconds_are_three_in_a_minute(places: list[float]) -> None:
    starts = np.sort(np.array(places))
    if np.diff(starts).min() < 0.2:
        return
    starts = (starts - starts[0]) / (starts[-1] - starts[0]) * 82.0 + 1.0
    if np.diff(starts).min() < 0.2:
        return
    seen = ride(dips(starts.tolist()), load=load_protection("ups-counter"))
    assert seen.outcome == "leaves"


@SOME
@given(
    st.lists(st.floats(1.0, 150.0), min_size=1, max_size=5),
    st.floats(0.0, 1.0),
    st.floats(0.011, 0.4),
    st.sampled_from(["ups", "ups-counter", "rack-battery"]),
)
def test_what_is_on_the_grid_is_a_share_and_ends_whole_or_gone(
    places: list[float], volts: float, seconds: float, name: str
) -> None:
    starts = sorted(places)
    if any(b - a < 0.5 for a, b in itertools.pairwise(starts)):
        return
    load = load_protection(name)
    seen = ride(dips(starts, volts=volts, seconds=seconds), load=load)
    assert np.all((seen.share >= 0.0) & (seen.share <= 1.0))
    assert np.all(np.diff(seen.time) >= 0.0)
    if volts >= load.transfer_low:
        assert (seen.outcome, seen.back) == ("stays", 0.0)
    else:
        assert len(seen.transfers) == len(starts)
        assert seen.share[-1] == (0.0 if seen.outcome == "leaves" else 1.0)
        last = starts[-1] + seconds
        if seen.outcome == "returns":
            at = last + load.wait + 0.9 * load.walk_in
            assert seen.back == pytest.approx(at - last)
            assert float(np.interp(at, seen.time, seen.share)) == pytest.approx(0.9, abs=1e-6)


def test_a_dip_shorter_than_the_detection_is_not_seen() -> None:
    load = load_protection("ups")
    assert ride(dips([5.0], seconds=0.009), load=load).outcome == "stays"
    assert ride(dips([5.0], seconds=0.011), load=load).outcome == "returns"


def test_the_counter_forgets_after_its_window() -> None:
    load = load_protection("ups-counter")
    assert ride(dips([1.0, 30.0, 62.0]), load=load).outcome == "returns"
    assert ride(dips([1.0, 30.0, 60.0]), load=load).outcome == "leaves"


def test_supplies_bear_the_iti_curve() -> None:
    load = load_protection("supply")
    for volts, seconds, outcome in (
        (0.0, 0.019, "stays"), (0.0, 0.021, "leaves"), (0.7, 0.49, "stays"), (0.7, 0.51, "leaves"),
        (0.8, 9.9, "stays"), (0.8, 10.1, "leaves"), (0.9, 60.0, "stays"), (1.15, 0.6, "leaves"),
    ):  # fmt: skip
        assert ride(dips([1.0], volts=volts, seconds=seconds), load=load).outcome == outcome, (volts, seconds)


@pytest.mark.parametrize("code", list_codes())
def test_a_corner_of_a_curve_is_within_it_and_a_longer_one_is_not(code: str) -> None:
    found = load_code(code)
    assert found.voltage
    assert found.frequency
    for band in found.voltage:
        if math.isinf(band.duration):
            continue
        worst = band.least if band.most <= 1.0 else band.most
        for longer, within in ((0.0, True), (0.01, False)):
            event = dips([1.0], volts=worst, seconds=band.duration + longer, end=1e5)
            assert math.isinf(exceeded(event, found.voltage)) == within


def test_ercot_forbids_counting_and_asks_for_two_seconds() -> None:
    code = load_code("ercot-nogrr-282")
    broken = {
        (case.quantity, case.value): case.broken for case in judge(code, load_protection("ups-counter"))
    }
    assert "it counts" in broken["counting", 3.0]
    assert "2 s are allowed" in broken["voltage", 0.2]
    mends = mend(code, load_protection("ups-counter"))
    assert [one.id for one in mends] == ["as it is", "counter off", "quick return",
                                         "counter off and quick return"]  # fmt: skip
    assert [len(one.left) for one in mends] == [5, 4, 1, 0]
    assert not mend(code, load_protection("rack-battery"))[0].left
    (bare, held) = mend(code, load_protection("supply"))
    assert (held.id, held.hold, held.left) == ("hold-up store", 2.0, ())
    assert bare.left
    assert max(case.duration for case in bare.left) == 2.0  # an overvoltage; of dips half a second
    ireland = mend(load_code("ireland-mpid-345"), load_protection("ups"))
    assert (ireland[-1].id, ireland[-1].hold) == ("hold-up store", 0.15)


def test_a_mend_breaks_no_more_than_what_it_mends() -> None:
    for code in map(load_code, list_codes()):
        for load in map(load_protection, list_protections()):
            found = mend(code, load)
            assert all(len(one.left) <= len(found[0].left) for one in found)
            assert all(one.left for one in found[:-1])
            for one in found:
                assert one.left == tuple(case for case in judge(code, one.load) if case.broken)


def test_codes_by_place() -> None:
    assert code_of(grid="ercot", country="USA") == "ercot-nogrr-282"
    assert code_of(grid="", country="Ireland") == "ireland-mpid-345"
    assert code_of(grid="finland", country="Finland") == "eu-dcc-nordic"
    assert code_of(grid="india", country="India") == ""
    grids = table("grids")
    assert all(grid in grids for row in table("ride_through").values()
               for grid in filter(None, row.text("grids").split("|")))  # fmt: skip


def test_refusals(tmp_path: Path) -> None:
    for call, said in (
        (lambda: load_code("ercot"), "no such code"),
        (lambda: load_protection("upss"), "did you mean 'ups'?"),
        (lambda: load_event("virginia"), VIRGINIA),
        (lambda: Event("x", np.array([0.0, 0.0]), np.ones(2)), "must grow"),
        (lambda: Event("x", np.array([0.0, 1.0]), np.array([1.0, -0.1])), "not a voltage"),
        (lambda: load_model(load_protection("ups"), power=0.0), "not a power"),
        (lambda: lose_unit(load=0.0, plants={"gas-engine": 1e6}), "not a power"),
        (lambda: lose_unit(load=2e6, plants={"gas-engine": 1e6}), "cannot give this load"),
    ):
        with pytest.raises(InputError, match=said):
            call()
    for text, said in (
        ("time,voltage\n0,1\n1,\n2,1\n", "event.csv:3: not a number; given '1, nothing'"),
        ("time,voltage\n0,1\n2,0.3\n1,1\n", "event.csv:4: the times of an event must grow"),
        ("time,volts\n0,1\n1,1\n", "column voltage is missing"),
        ("time,voltage\n0,1\n", "two rows or more"),
        ("time,voltage\n0,1\n1,inf\n", "not a number"),
    ):
        file = tmp_path / "event.csv"
        file.write_text(text)
        with pytest.raises(InputError) as error:
            load_event(str(file))
        assert said in str(error.value), str(error.value)
    file.write_text("time,voltage\n0,1\n1,0.3\n1.05,1\n")
    assert load_event(str(file)).stays(0.9, 2.0) == [(1.0, 1.05)]
    assert VIRGINIA in list_events()


def perc1(parameters: dict[str, float], time: np.ndarray, volts: np.ndarray) -> np.ndarray:
    """FracOn of PERC1 as its page describes it, on an even time; without its filters."""
    step = float(time[1] - time[0])
    on, below, above, ramp, ceased = 1.0, 0.0, 0.0, 0.0, False
    found = []
    for v in volts:
        below = below + step if v < parameters["Vcease"] else 0.0
        if not ceased and below > parameters["Tcease"]:
            ceased, ramp = True, 0.0
            on = 1.0 - parameters["Fcease"]
        if ceased:
            above = above + step if v >= parameters["Vrecon"] else 0.0
            if above > parameters["Trecon"]:
                ramp += step
                whole = 1.0 - parameters["Fcease"] + parameters["Fcease"] * parameters["Frecon"]
                share = min(ramp / parameters["Tramp"], 1.0) if parameters["Tramp"] > 0.0 else 1.0
                on = 1.0 - parameters["Fcease"] + (whole - 1.0 + parameters["Fcease"]) * share
                ceased = share < 1.0
        found.append(on)
    return np.array(found)


@pytest.mark.parametrize("name", list_protections())
@pytest.mark.parametrize("volts", [0.3, 0.87])
def test_the_exported_model_does_what_the_load_does(name: str, volts: float) -> None:
    load = load_protection(name)
    event = dips([1.0], volts=volts, seconds=0.2, end=40.0)
    step = 0.001
    time = np.arange(0.0, 40.0, step)
    voltage = event.voltage[np.searchsorted(event.time, time, side="right") - 1]
    theirs = perc1(load_model(load, power=1e8)["PERC1"], time, voltage)
    seen = ride(event, load=load)
    ours = np.interp(time, seen.time, seen.share)
    apart = np.abs(ours - theirs) > 0.02
    assert apart.sum() * step < 0.05


@pytest.mark.apart
@SOME
@given(st.floats(0.5, 0.9), st.sampled_from(["gas-engine", "gas-turbine"]))
def test_an_island_with_its_store_keeps_its_load(loaded: float, plant: str) -> None:
    plants = {plant: 400e6}
    found = lose_unit(load=loaded * 400e6, plants=plants)
    assert found is not None
    assert found.lost == pytest.approx(found.unit * loaded)
    assert found.nadir < 0.0
    if found.sheds:
        assert 0.0 < found.store < math.inf
        kept = lose_unit(load=loaded * 400e6, plants={**plants, "battery-2h": found.store})
        assert kept is not None
        assert not kept.sheds
        fewer = lose_unit(load=loaded * 400e6, plants={**plants, "battery-2h": 0.9 * found.store})
        assert fewer is not None
        assert fewer.sheds
    else:
        assert found.store == 0.0


def test_the_first_fall_of_the_frequency_is_that_of_the_swing_equation() -> None:
    """df/dt = P_lost · f / (2 Σ H·S) of what is left, before a governor acts."""
    found = lose_unit(load=200e6, plants={"fission-small": 900e6, "gas-engine": 100e6})
    assert found is not None
    assert (found.plant, found.unit) == ("fission-small", 300e6)
    assert found.lost == pytest.approx(300e6 * 200e6 / 1000e6)
    kinetic = 5.0 * 600e6 + 1.5 * 100e6
    assert found.rocof == pytest.approx(found.lost * 60.0 / (2.0 * kinetic), rel=0.25)


def test_an_island_of_one_unit_is_lost_with_it() -> None:
    found = lose_unit(load=20e6, plants={"gas-turbine": 40e6})
    assert found is not None
    assert found.trips
    assert (found.nadir, found.short) == (-math.inf, 20e6)
    assert lose_unit(load=20e6, plants={"battery-2h": 40e6}) is None


def test_bands_and_protections_take_defaults() -> None:
    assert ride(dips([1.0]), load=Protection("bare")).outcome == "stays"
    assert math.isinf(exceeded(dips([1.0]), ()))
    assert exceeded(dips([1.0], volts=0.3), (Band(0.5, 0.9, 0.15),)) == 1.0  # below what the curve covers
