"""Temperatures of packages. Oracles: Kennedy's series, conductances solved as equations, a measured rise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.core.errors import InputError
from gigawatt.technology.chiplets.package_thermal import (
    coolings,
    load_cooling,
    package_thermal,
    spreading_exact,
    spreading_resistance,
    stack_temperatures,
)

few = settings(deadline=None, max_examples=25, derandomize=True)
MM2 = 1e-6


@few
@given(
    source=st.floats(0.02, 0.9),
    thickness=st.floats(1.0, 10.0),
    biot=st.floats(1e-3, 0.3),
    k=st.floats(100, 2000),
)
def test_the_closed_form_beside_the_series(source: float, thickness: float, biot: float, k: float) -> None:
    """The exact series is Kennedy's, with a film; the closed form is that of Lee et al. 1995."""
    plate = 2500 * MM2
    film = biot * k / np.sqrt(plate / np.pi)
    options = {
        "source_area": source * plate,
        "plate_area": plate,
        "thickness": thickness * 1e-3,
        "conductivity": k,
        "film": film,
    }
    exact, ours = spreading_exact(**options), float(spreading_resistance(**options))
    assert abs(ours - exact) <= 0.12 * (exact + 1.0 / (film * plate))
    assert float(spreading_resistance(**options, mean=True)) < ours
    assert 0.0 < spreading_exact(**options, mean=True) < exact


def test_the_series_beside_finite_differences() -> None:
    """Rings and layers of a disc, solved as linear equations; the mean over the source."""
    a, b, t, k, h = 0.006, 0.02, 0.004, 150.0, 4000.0
    nr, nz = 80, 32
    dr, dz = b / nr, t / nz
    r = (np.arange(nr) + 0.5) * dr
    ring = 2 * np.pi * r * dr
    n = nr * nz
    matrix, heat = np.zeros((n, n)), np.zeros(n)
    for i in range(nr):
        for j in range(nz):
            one = j * nr + i
            for other, g in (
                (one + 1, k * 2 * np.pi * (i + 1) * dr * dz / dr if i + 1 < nr else 0.0),
                (one + nr, k * ring[i] / dz if j + 1 < nz else 0.0),
            ):
                if g:
                    matrix[[one, other], [one, other]] += g
                    matrix[one, other] -= g
                    matrix[other, one] -= g
        matrix[(nz - 1) * nr + i, (nz - 1) * nr + i] += ring[i] / (1.0 / h + 0.5 * dz / k)
    hot = r < a
    heat[:nr][hot] = ring[hot] / ring[hot].sum()
    rise = np.linalg.solve(matrix, heat)[:nr] + heat[:nr] / ring * 0.5 * dz / k
    mean = float(np.sum(rise[hot] * ring[hot]) / ring[hot].sum())
    plain = t / (k * np.pi * b**2) + 1.0 / (h * np.pi * b**2)
    ours = plain + spreading_exact(
        source_area=np.pi * a**2, plate_area=np.pi * b**2, thickness=t, conductivity=k, film=h, mean=True
    )
    assert ours == pytest.approx(mean, rel=0.02)


def test_no_spreading_where_the_source_is_the_plate() -> None:
    options = {"plate_area": 1e-3, "thickness": 2e-3, "conductivity": 390.0, "film": 1e4}
    assert float(spreading_resistance(source_area=1e-3, **options)) == 0.0
    assert spreading_exact(source_area=1e-3, **options) == pytest.approx(0.0, abs=1e-6)


def test_a_small_source_on_a_thick_plate() -> None:
    """Half space: hottest point of a disc of uniform heat is 1/(π k a)."""
    area, k = 1 * MM2, 200.0
    radius = np.sqrt(area / np.pi)
    exact = spreading_exact(
        source_area=area, plate_area=1e-2, thickness=0.09, conductivity=k, film=1e7, terms=4000
    )
    assert exact == pytest.approx(1.0 / (np.pi * k * radius), rel=0.02)


def test_a_stack_beside_its_matrix() -> None:
    """Conductances of a ladder solved as linear equations; what enters leaves through the sink."""
    powers, joints, outside = np.array([30.0, 20.0, 10.0, 5.0]), np.array([0.1, 0.2, 0.3]), 0.05
    g = 1.0 / joints
    matrix = np.zeros((4, 4))
    matrix[0, 0] = 1.0 / outside
    for i, one in enumerate(g):
        matrix[[i, i + 1], [i, i + 1]] += one
        matrix[i, i + 1] -= one
        matrix[i + 1, i] -= one
    rise = np.linalg.solve(matrix, powers)
    ours = stack_temperatures(powers=powers, joints=joints, outside=outside, coolant=40.0)
    np.testing.assert_allclose(ours - 40.0, rise, rtol=1e-12)
    assert (ours[0] - 40.0) / outside == pytest.approx(powers.sum())


def package(cooling: str, power: float = 700.0, **more: float | str) -> object:
    options: dict[str, float | str] = {"stack_power": 80.0, "stack_area": 121 * MM2, "stacks": 5, **more}
    return package_thermal(load_cooling(cooling), logic_power=power, logic_area=814 * MM2, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", coolings())
def test_temperatures_are_linear_and_the_limit_is_reached(name: str) -> None:
    one, two = package(name, 350.0, stack_power=40.0), package(name, 700.0, stack_power=80.0)
    assert two.junction - two.coolant == pytest.approx(2 * (one.junction - one.coolant))  # type: ignore[attr-defined]
    scale = two.limit / 780.0  # type: ignore[attr-defined]
    full = package(name, 700.0 * scale, stack_power=80.0 * scale)
    hottest = full.junction if full.binding == "logic" else full.memory  # type: ignore[attr-defined]
    assert hottest - 273.15 == pytest.approx(105.0 if full.binding == "logic" else 95.0)  # type: ignore[attr-defined]


def test_better_cooling_carries_more() -> None:
    limits = {name: package(name).limit for name in coolings()}  # type: ignore[attr-defined]
    assert limits["cold-plate-lid"] < limits["cold-plate"] < limits["two-phase"] < limits["embedded"]


def test_heat_through_memory_is_worse_than_memory_under_logic() -> None:
    on, under = (package("cold-plate", place=place).limit for place in ("on-logic", "under-logic"))  # type: ignore[attr-defined]
    assert on < under


def test_logic_under_logic_is_warmer() -> None:
    flat = package("cold-plate")
    tall = package("cold-plate", layers=(400.0, 300.0))
    assert tall.junction > flat.junction  # type: ignore[attr-defined]


def test_water_in_the_die() -> None:
    """TSMC 2021 as reported: 63 K at 2.6 kW and 4.8 W/mm² (our film was taken from it)."""
    made = package_thermal(load_cooling("embedded"), logic_power=2600.0, logic_area=2600.0 / 4.8 * MM2)
    assert 2600.0 * sum(made.resistance.values()) == pytest.approx(63.0, rel=0.01)
    assert made.flux == pytest.approx(4.8e6)


@pytest.mark.parametrize(
    ("run", "key"),
    [
        (
            lambda: spreading_resistance(
                source_area=2.0, plate_area=1.0, thickness=1e-3, conductivity=1.0, film=1.0
            ),
            "source_area",
        ),
        (lambda: load_cooling("cold-plat"), "cooling"),
        (lambda: package("air", -1.0), "logic_power"),
        (lambda: package("air", layers=(1.0, 2.0)), "layers"),
        (
            lambda: stack_temperatures(powers=np.ones(3), joints=np.ones(3), outside=1.0, coolant=0.0),
            "joints",
        ),
    ],
)
def test_what_cannot_be_is_named(run: object, key: str) -> None:
    with pytest.raises(InputError) as caught:
        run()  # type: ignore[operator]
    assert caught.value.key == key
