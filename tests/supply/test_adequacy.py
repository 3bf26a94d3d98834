"""Adequacy by convolution: published test systems, binomials, closed forms, enumerated states, properties."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from gigawatt.core.errors import InputError
from gigawatt.power.adequacy import Units, convolve, outage_table
from gigawatt.power.adequacy.maintenance import place_maintenance, units_out
from gigawatt.validation.adequacy.systems import load_shape, lole, lolh, units_of
from gigawatt.validation.published import checks_of

EIGHT = Units("small", 8, 12.0, 0.07, repair=40.0), Units("large", 2, 50.0, 0.03, repair=90.0)


def test_published_systems_are_met_but_for_the_one_that_convolution_does_not_give() -> None:
    missed = [check.what for check in checks_of("adequacy", "systems") if not check.ok]
    assert missed == ["11 units, peak 185 MW: LOLH"]  # quoted 1.0919, exact 1.09156


def test_digits_beyond_the_published_ones() -> None:
    """As recomputed by an independent program of the reference (scipy-free recursion at 1 MW)."""
    assert lole("RTS-79", 2850) == pytest.approx(1.3688629, abs=1e-7)
    assert lolh("RTS-79", 2850) == pytest.approx(9.3941755, abs=1e-7)
    assert lolh("RBTS", 185) == pytest.approx(1.0915605, abs=1e-7)
    assert lole("RTS-79", 5700, 2) == pytest.approx(0.1678891, abs=1e-7)


# size MW, forced, planned share, and units for 99.9 and 99.99 % with and without planned ones, of 1,000 MW
ISLANDS = (
    (3.36, 0.02, 0.04, 313, 327, 315, 329), (3.36, 0.05, 0.04, 328, 342, 331, 345),
    (18.8, 0.02, 0.04, 60, 63, 61, 64), (18.8, 0.05, 0.04, 64, 67, 65, 68),
    (34.0, 0.03, 0.0327, 35, 37, 36, 38), (34.0, 0.071, 0.0327, 39, 41, 40, 42),
    (57.0, 0.03, 0.0478, 22, 24, 23, 25), (57.0, 0.0581, 0.0478, 24, 26, 25, 27),
    (240.0, 0.0581, 0.0478, 8, 9, 9, 10), (573.0, 0.0393, 0.0802, 4, 5, 5, 6),
    (77.0, 0.03, 0.0584, 17, 19, 18, 20), (77.0, 0.1, 0.0584, 20, 22, 21, 23),
    (300.0, 0.03, 0.0584, 6, 7, 7, 8), (300.0, 0.1, 0.0584, 8, 9, 9, 10),
    (1117.0, 0.0194, 0.0584, 2, 3, 3, 4),
)  # fmt: skip


def units_needed(size: float, forced: float, planned: float, target: float) -> int:
    """Fewest units with which a flat GW is served, some of them out for maintenance at all times."""
    for count in itertools.count(int(np.ceil(1000.0 / size))):
        there = count - int(np.ceil(count * planned - 1e-9))
        if outage_table([Units("x", there, size, forced)]).short(1000.0) <= 1.0 - target:
            return count
    raise AssertionError


@pytest.mark.parametrize("row", ISLANDS)
def test_units_of_a_flat_gigawatt(row: tuple[float, float, float, int, int, int, int]) -> None:
    """The binomial counts of the reference tables (references/adequacy.md, computed there)."""
    size, forced, planned, *counts = row
    found = [units_needed(size, forced, p, t) for t in (0.999, 0.9999) for p in (0.0, planned)]
    assert found == counts


@pytest.mark.parametrize("row", ISLANDS)
def test_the_table_of_equal_units_is_the_binomial(row: tuple[float, ...]) -> None:
    size, forced = row[:2]
    count = int(np.ceil(1064.0 / size))
    least = int(np.ceil(1000.0 / size - 1e-12))
    short = outage_table([Units("x", count, size, forced)]).short(1000.0)
    assert float(short) == pytest.approx(binom.cdf(least - 1, count, 1.0 - forced), rel=1e-9, abs=1e-15)


def enumerated(units: tuple[Units, ...], need: float) -> tuple[float, float, float]:
    """(LOLP, power that lacks, losses an hour) from every state of every unit, one by one."""
    every = [one for one in units for _ in range(one.count)]
    lolp = lacking = often = 0.0
    for state in itertools.product((True, False), repeat=len(every)):
        chance = np.prod([1 - u.forced if up else u.forced for u, up in zip(every, state, strict=True)])
        there = sum(u.size for u, up in zip(every, state, strict=True) if up)
        if there < need - 1e-9:
            lolp, lacking = lolp + chance, lacking + chance * (need - there)
        else:  # each failure from here that loses load
            often += chance * sum(
                u.failure_rate
                for u, up in zip(every, state, strict=True)
                if up and there - u.size < need - 1e-9
            )
    return lolp, lacking, often


@pytest.mark.parametrize("need", [60.0, 96.0, 140.0, 144.0, 183.9, 196.0, 200.0])
def test_every_state_enumerated(need: float) -> None:
    lolp, lacking, often = enumerated(EIGHT, need)
    found = convolve(EIGHT, np.full(48, need), each=True)
    assert found.lolp == pytest.approx(lolp, rel=1e-10)
    assert found.lacking == pytest.approx(lacking, rel=1e-10)
    assert found.events == pytest.approx(48 * often, rel=1e-9, abs=1e-12)


def test_two_units_in_closed_form() -> None:
    """Load above one unit: frequency 2 λ A², mean event as Billinton & Allan, chapter 10."""
    forced, repair = 0.1, 50.0
    failures = forced / (1 - forced) / repair
    found = convolve([Units("x", 2, 10.0, forced, repair)], np.full(8760, 15.0), each=True)
    assert found.events == pytest.approx(8760 * 2 * failures * (1 - forced) ** 2)
    assert found.event_hours == pytest.approx((1 - (1 - forced) ** 2) / (2 * failures * (1 - forced) ** 2))
    assert found.while_out[0][0] == 1.0


def test_outages_of_all_kinds_add_up_where_the_load_is_all_there_is() -> None:
    """With one unit the energy that its outages add is the unserved energy."""
    found = convolve([Units("x", 1, 10.0, 0.1, 50.0)], np.full(24, 8.0), each=True)
    assert found.while_out[0][1] == pytest.approx(found.energy) == 24 * 0.8


def test_sizes_without_a_common_measure_keep_the_mean() -> None:
    odd = [Units("a", 7, np.pi, 0.1), Units("b", 3, np.e * 3, 0.05), Units("c", 1, 17.171717, 0.02)]
    table = outage_table(odd)
    assert table.probability.sum() == pytest.approx(1.0)
    lost = float(table.probability @ np.arange(len(table.probability))) * table.step
    assert lost == pytest.approx(sum(one.total * one.forced for one in odd))
    every = tuple(replace(one, repair=1.0) for one in odd)
    lolp, lacking, _ = enumerated(every, 50.0)
    assert float(table.short(50.0)) == pytest.approx(lolp, rel=0.02)
    assert float(table.lacking(50.0)) == pytest.approx(lacking, rel=0.01)


def test_a_further_unit_and_smaller_units_never_hurt() -> None:
    load = load_shape() * 2850.0
    base = list(units_of("RTS-79"))
    before = convolve(base, load)
    more = convolve([*base, Units("more", 1, 25.0, 0.3)], load)
    assert more.hours < before.hours
    assert more.energy < before.energy
    for size in (100.0, 50.0, 25.0):  # the same power in halves
        need = convolve([Units("x", round(1200 / size), size, 0.05)], np.full(24, 1000.0)).energy
        half = convolve([Units("x", round(2400 / size), size / 2, 0.05)], np.full(24, 1000.0)).energy
        assert half < need
    perfect = convolve([*base, Units("perfect", 1, 100.0, 0.0)], load)
    assert perfect.energy == pytest.approx(convolve(base, load - 100.0).energy, rel=1e-9)


def test_hours_of_weather_and_maintenance_are_tables_of_their_own() -> None:
    share = np.ones((48, 2))
    share[24:, 0] = 0.5
    away = np.zeros((48, 2), dtype=int)
    away[:12, 1] = 1
    found = convolve(EIGHT, np.full(48, 100.0), share=share, out=away)
    small, large = EIGHT
    parts = ((slice(0, 12), small, replace(large, count=1)), (slice(12, 24), small, large),
             (slice(24, 48), replace(small, size=6.0), large))  # fmt: skip
    for hours, *units in parts:
        assert found.lolp[hours] == pytest.approx(float(outage_table(units).short(100.0)))


def test_maintenance_goes_where_the_load_is_mild_and_is_spread() -> None:
    days = np.arange(365)
    level = 800.0 + 200.0 * np.cos(2 * np.pi * days / 365)  # winter peak
    units = [Units("x", 10, 100.0, 0.05, planned=0.08)]
    (first,) = place_maintenance(units, level)
    out = units_out(units, [first], 365)[:, 0]
    assert out.sum() == 10 * np.ceil(0.08 * 365)
    assert out[:60].sum() == out[-60:].sum() == 0
    assert (level + 100.0 * out).max() <= 1000.0 + 1e-9
    (flat,) = place_maintenance(units, np.full(365, 800.0))
    assert units_out(units, [flat], 365).max() == 1  # 10 outages of 30 days fit one after the other


@pytest.mark.parametrize(
    ("change", "said"),
    [({"forced": 1.0}, "x.forced_outage_rate"), ({"repair": -3.0}, "x.repair_time"),
     ({"size": 0.0}, "x.unit_size"), ({"planned": 1.0}, "x.planned_outage"),
     ({"derated": ((0.5, 0.95),)}, "x.forced_outage_rate")],
)  # fmt: skip
def test_figures_that_are_none_are_one_line(change: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        replace(Units("x", 3, 10.0, 0.1, 50.0), **change)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("seed", range(12))
def test_units_without_a_common_measure_never_leave_the_table(seed: int) -> None:
    """Losses shared upwards of many kinds reach further than the ceiling of their sum (a crash before)."""
    draw = np.random.default_rng(seed)
    units = [
        Units(f"kind {i}", int(draw.integers(1, 6)), float(draw.uniform(1.0, 300.0)), 0.05)
        for i in range(int(draw.integers(3, 7)))
    ]
    table = outage_table(units)
    assert table.probability.sum() == pytest.approx(1.0, abs=1e-12)
    mean = float(table.probability @ np.arange(len(table.probability))) * table.step
    assert mean == pytest.approx(sum(one.count * one.size * one.forced for one in units))
