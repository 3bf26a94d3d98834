"""The molten-salt reactor: delayed neutrons carried by the flow, kinetics with heat, and what is refused."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.core.errors import InputError
from gigawatt.power.plants.molten_salt.kinetics import effective_fraction, natural_flow, simulate
from gigawatt.power.plants.molten_salt.loop import (
    lost_by_group,
    lost_reactivity,
    lost_reactivity_plug,
    neutrons,
    ring,
)
from gigawatt.power.plants.molten_salt.pump import measured, pump_transient, rod_reactivity
from gigawatt.power.plants.molten_salt.system import decay_heat, steady, system
from gigawatt.validation.published import checks_of

PCM = 1e5
few = settings(deadline=None, max_examples=8, derandomize=True)

#: Where we disagree with a publication, and why. A new name here, or one that no longer belongs, fails.
KNOWN = {
    "delayed neutrons lost by the flow, U-233 at its loading, calculated by ORNL": "6.7 % above",
    "delayed neutrons lost by the flow, pure U-233, calculated by ORNL": "6.6 % above",
    "share of the fissions in the heads": "the sine over the nuclear height is too high in the heads",
    "pump stop: time to half": "the flow of the fuel was not recorded, the speed stands for it",
    "pump stop: rod after 20 s": "the flow of the fuel was not recorded, the speed stands for it",
    "step of 13.9 pcm at 1 MW: largest rise": "worth of the rod uncertain",
    "step of 19.0 pcm at 5 MW: largest rise": "worth of the rod uncertain",
    "step at 8 MW, were it 13.9 pcm: largest rise": "worth of the rod uncertain",
    "capital cost of 2040": "that of small reactors of the market, which is above NREL's",
    "step of 24.8 pcm at 8 MW: largest rise": "less than the prompt jump of any β below 400 pcm",
}
SHAPE_1 = re.compile(r"step of 13.9 pcm at 1 MW: rms distance .*")


def test_published_numbers_hold_but_the_known() -> None:
    found = checks_of("supply", "molten_salt")
    failing = {check.what for check in found if not check.ok}
    shape = {what for what in failing if SHAPE_1.fullmatch(what)}
    assert failing - shape == set(KNOWN)
    assert len(shape) == 1, "the slow swing at 1 MW: power came back up after 190 s, ours does not"
    assert len(found) >= 40
    for check in found:
        assert check.source.split(":")[0]
        assert check.tolerance > 0.0


def test_nothing_is_lost_at_rest_and_all_that_can_be_in_fast_flow() -> None:
    for fuel in ("u235", "u233"):
        kinetics, loop = neutrons(fuel), ring("msre")
        assert lost_reactivity(kinetics, loop, 0.0) == pytest.approx(0.0, abs=1e-15)
        assert lost_reactivity(kinetics, loop, 1e-6) == pytest.approx(0.0, abs=1e-8)
        losses = [lost_reactivity(kinetics, loop, flow) for flow in (0.05, 0.2, 0.5, 1.0, 2.0)]
        assert losses == sorted(losses)
        kept = float((loop.source * loop.time).sum() * (loop.importance * loop.time).sum()) / loop.total_time
        assert losses[-1] < kinetics.total * (1.0 - kept)  # of endless flow, where fuel is one mixture


def test_the_chain_of_tanks_tends_to_plug_flow() -> None:
    kinetics = neutrons("u235")
    exact = lost_reactivity_plug(kinetics)
    off = [exact - lost_reactivity(kinetics, ring("msre", refinement=n)) for n in (2.0, 4.0, 8.0)]
    assert off[0] / off[1] == pytest.approx(2.0, rel=0.1)  # first order
    assert off[1] / off[2] == pytest.approx(2.0, rel=0.1)
    assert abs(2.0 * off[2] - off[1]) < 2e-3 * exact


def test_delayed_neutrons_are_conserved_round_the_loop() -> None:
    # with equal worth everywhere, every neutron that is made counts, whatever the flow
    kinetics, loop = neutrons("u235"), ring("msre")
    equal = type(loop)(loop.time, loop.source, np.ones_like(loop.time), loop.region)
    assert np.abs(lost_by_group(kinetics, equal, 1.0)).max() < 1e-15


def test_the_rod_ends_where_the_steady_loop_is() -> None:
    kinetics, loop = neutrons("u235"), ring("msre")
    time = np.linspace(0.0, 1500.0, 301)
    up = rod_reactivity(kinetics, loop, time=time, flow=np.clip(time / 5.0, 0.0, 1.0))
    assert up[0] == pytest.approx(0.0, abs=1e-12)
    assert up[-1] == pytest.approx(lost_reactivity(kinetics, loop), rel=1e-4)
    down = rod_reactivity(kinetics, loop, time=time, flow=np.clip(1.0 - time / 5.0, 0.0, 1.0))
    assert down[0] == pytest.approx(lost_reactivity(kinetics, loop), rel=1e-9)
    assert down[-1] < 1e-3 * down[0]


def test_the_pump_transients_have_the_shape_that_was_measured() -> None:
    start = pump_transient("startup")
    peak, points = int(start.value.argmax()), measured("startup")
    assert start.time[peak] == pytest.approx(points.time[points.value.argmax()], abs=2.0)
    assert start.value[peak] > 1.1 * start.value[-1]  # fuel full of precursors has not come back yet
    stop = pump_transient("coastdown")
    assert np.all(np.diff(stop.value) < 1e-9)


def test_a_steady_state_stands_still() -> None:
    for design, power in (("msre", 5e6), ("imsr", 4e8)):
        plant = system(design)
        made = simulate(plant, time=np.linspace(0.0, 600.0, 61), power=power, heat=np.full(61, power))
        assert made.fission == pytest.approx(made.fission[0], rel=1e-4)
        assert made.outlet == pytest.approx(made.outlet[0], abs=0.02)
        assert made.power[0] == pytest.approx(power, rel=1e-9)
        capacity = plant.warmth[plant.names["fuel"]].sum() / plant.loop.total_time
        assert (made.outlet[0] - made.inlet[0]) * capacity == pytest.approx(power, rel=0.05)


def test_energy_is_conserved() -> None:
    plant = system("imsr", refinement=0.5)
    time = np.linspace(0.0, 7200.0, 121)
    heat = plant.power * np.where(time < 1800.0, 1.0, 0.5)
    made = simulate(plant, time=time, power=plant.power, heat=heat)
    assert np.abs(made.residual).max() < 1e-9
    assert np.ptp(made.fission) > 0.3 * plant.power
    msre = system("msre", fuel="u233")
    time = np.linspace(0.0, 200.0, 101)
    step = np.where(time > 0.0, 20e-5, 0.0)
    assert np.abs(simulate(msre, time=time, power=5e6, reactivity=step).residual).max() < 1e-9
    free = simulate(msre, time=60.0 * time, power=1e4, heat=1e4 + 20.0 * time, natural=True)
    assert np.abs(free.residual).max() < 1e-9


def test_neither_step_nor_solver_matters() -> None:
    plant = system("msre", fuel="u233", refinement=0.5)
    time = np.linspace(0.0, 60.0, 61)
    step = np.where(time > 0.5, 15e-5, 0.0)
    runs = [
        simulate(plant, time=time, power=5e6, reactivity=step, tolerance=1e-6),
        simulate(plant, time=time, power=5e6, reactivity=step, tolerance=1e-8, longest_step=0.05),
        simulate(plant, time=time, power=5e6, reactivity=step, tolerance=1e-7, method="Radau"),
    ]
    for other in runs[1:]:
        assert other.fission == pytest.approx(runs[0].fission, rel=1e-3)
        assert other.outlet == pytest.approx(runs[0].outlet, abs=0.02)


def test_growth_follows_the_inhour_equation_of_flowing_fuel() -> None:
    # without feedback the power grows with the largest eigenvalue of neutrons and precursors (ORNL-TM-1626)
    plant = system("msre", fuel_coefficient=0.0, graphite_coefficient=0.0, refinement=0.5)
    inserted, time = 20e-5, np.linspace(0.0, 150.0, 76)
    step = np.where(time > 0.0, inserted, 0.0)
    made = simulate(plant, time=time, power=1e5, heat=np.full(76, 1e5), reactivity=step, tolerance=1e-7)
    end = plant.names["precursors"].stop
    matrix = (plant.still + plant.moved)[:end, :end].copy()
    rods = lost_reactivity(plant.kinetics, plant.loop)
    matrix[0, 0] += (rods + inserted) / plant.kinetics.generation_time
    growth = float(np.linalg.eigvals(matrix).real.max())
    late = np.diff(np.log(made.fission))[-10:] / 2.0
    assert late == pytest.approx(growth, rel=0.02)
    still = lost_reactivity(plant.kinetics, plant.loop, 0.0)
    assert still == pytest.approx(0.0, abs=1e-15)
    assert growth > 0.0


@few
@given(size=st.floats(-30.0, 30.0).filter(lambda x: abs(x) > 2.0), power=st.floats(3e6, 9e6))
def test_heat_takes_back_what_rods_give(size: float, power: float) -> None:
    plant = system("msre", fuel="u233", refinement=0.4)
    time = np.linspace(0.0, 1500.0, 101)
    step = np.where(time > 0.0, size / PCM, 0.0)
    made = simulate(plant, time=time, power=power, heat=np.full(101, power), reactivity=step, tolerance=1e-5)
    assert np.sign(made.fission[1] - made.fission[0]) == np.sign(size)
    assert made.reactivity[-1] == pytest.approx(-size / PCM, rel=0.02)
    assert np.sign(made.fuel[-1] - made.fuel[0]) == np.sign(size)


@few
@given(part=st.floats(0.5, 0.95))
def test_power_follows_the_heat_that_is_taken(part: float) -> None:
    plant = system("imsr", refinement=0.4)
    time = np.linspace(0.0, 5400.0, 91)
    heat = plant.power * np.interp(time, [0.0, 1800.0], [1.0, part])
    made = simulate(plant, time=time, power=plant.power, heat=heat, tolerance=1e-5)
    assert made.power[-1] == pytest.approx(part * plant.power, rel=0.03)
    assert made.outlet[-1] < made.outlet[0]
    assert made.inlet[-1] > made.inlet[0]


def test_less_pump_flow_warms_the_outlet_and_lowers_the_loss() -> None:
    plant = system("msre")
    full, half = steady(plant, power=5e6), steady(plant, power=5e6, flow=0.5)
    fuel = plant.names["fuel"]
    assert np.ptp(half.state[fuel]) > 1.8 * np.ptp(full.state[fuel])
    assert half.rods < full.rods
    assert effective_fraction(plant, 0.5) > effective_fraction(plant, 1.0)
    assert effective_fraction(plant, 0.0) == pytest.approx(plant.kinetics.total)


def test_natural_flow_grows_with_power_by_the_textbook() -> None:
    plant = system("msre")
    ratio = natural_flow(plant, 8e5) / natural_flow(plant, 1e5)
    assert ratio == pytest.approx(8.0 ** (1.0 / 2.75))  # Blasius: ΔP ~ W^1.75


def test_decay_heat_of_the_standard() -> None:
    # ANSI/ANS-5.1-1979, table 4, U-235: 12.31 and 1.908 MeV per fission after 1 and 1e4 s, of 200
    assert decay_heat([1.0, 1e4]) == pytest.approx([12.31 / 200.0, 1.908 / 200.0], rel=5e-3)
    assert float(decay_heat(1e6, operation=1e5)) < float(decay_heat(1e6))


REFUSED = [
    (lambda p: simulate(p, time=[0, 1], power=5e6, reactivity=[0, 450e-5]), "prompt critical"),
    (lambda p: simulate(p, time=[0, 1], power=5e6, flow=[1, 2.5]), "flow: out of range"),
    (lambda p: simulate(p, time=[0, 1], power=5e6, flow=[1, -0.1]), "flow: out of range"),
    (lambda p: simulate(p, time=[0, 1], power=5e6, flow=[0, 0]), "no steady heat without flow"),
    (lambda p: simulate(p, time=[0, 1], power=2e7), "power: power out of range"),
    (lambda p: simulate(p, time=[0, 1], power=5e6, heat=[5e6, float("nan")]), "heat: out of range"),
    (lambda p: simulate(p, time=[1, 0], power=5e6), "time: times must rise"),
    (lambda p: simulate(p, time=[0, 1], power=5e6, tolerance=1.0), "tolerance out of range"),
    (lambda p: simulate(p, time=[0, 1], power=5e6, method="Euler"), "no such solver"),
    (lambda p: system("msre", fuel_coefficient=1e-5), "does not govern itself"),
    (
        lambda p: simulate(
            system("msre", fuel_coefficient=0.0, graphite_coefficient=0.0),
            time=np.linspace(0.0, 20000.0, 11),
            power=5e6,
            heat=np.linspace(5e6, 0.0, 11),
        ),
        "the salt would boil",
    ),
    (lambda p: system("msrr"), "no such molten-salt reactor"),
    (lambda p: neutrons("u234"), "did you mean 'u23"),
    (lambda p: lost_reactivity(p.kinetics, p.loop, -0.5), "it cannot run backwards"),
    (lambda p: ring("msre", refinement=0.0), "cells out of range"),
    (lambda p: measured("startupp"), "did you mean 'startup'?"),
    (lambda p: natural_flow(system("imsr"), 1e6), "no pump head is known"),
]


@pytest.mark.parametrize(("act", "words"), REFUSED, ids=[words for _, words in REFUSED])
def test_refusals_say_why_in_one_line(act, words: str) -> None:
    with pytest.raises(InputError) as caught:
        act(system("msre"))
    text = str(caught.value)
    assert words in text
    assert "\n" not in text


def test_prompt_critical_means_the_beta_that_counts_in_flowing_fuel() -> None:
    plant = system("msre")
    counts = effective_fraction(plant)
    assert counts < plant.kinetics.total
    with pytest.raises(InputError, match=f"{counts * PCM:.1f} pcm"):
        simulate(plant, time=[0.0, 1.0], power=5e6, reactivity=[0.0, counts])
    slow = simulate(plant, time=[0.0, 0.01], power=5e6, reactivity=[0.0, 0.2 * counts])
    assert slow.fission[-1] > slow.fission[0]
