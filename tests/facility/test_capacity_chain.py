"""From the racks to the plants: every stage carries its power with what is spare out of order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gigawatt.catalog import entity, table
from gigawatt.chain.site.capacity_chain import chain_rows, permit_notices, source_stages
from gigawatt.facility import LoadShape
from gigawatt.facility.capacity_chain import TABLE, building_stages, substation
from gigawatt.power import Problem, build_plant
from gigawatt.power.adequacy import adequacy_of, plan_whole_units

HOURS = 8760


def shape(it: float = 100e6, pue: float = 1.2, nameplate: float | None = None) -> LoadShape:
    racks = it * (0.9 + 0.1 * np.sin(np.arange(HOURS) / HOURS * 2.0 * np.pi))
    return LoadShape(
        facility=racks * pue, it=racks, pue=np.full(HOURS, pue), water=np.zeros(HOURS),
        evaporated=np.zeros(HOURS), parts={"it": racks}, nameplate=nameplate,
    )  # fmt: skip


@pytest.mark.parametrize("redundancy", ["n", "n+1", "block-redundant", "2n"])
@pytest.mark.parametrize("it", [1e6, 100e6, 3e9])
def test_every_stage_carries_its_power_within_its_rating(redundancy: str, it: float) -> None:
    load = shape(it)
    for one in building_stages(load, redundancy=entity("cooling_redundancy", redundancy)):
        factor = entity(TABLE, one.id).value("power_factor")
        in_service = one.units * one.size * factor * one.limit
        assert one.power <= in_service * (1.0 + 1e-9)
        assert in_service - one.size * factor * one.limit < one.power  # not one unit too many
        assert one.installed >= in_service / one.limit / factor
        least = entity(TABLE, one.id).evidence("unit_size").low
        assert least is not None
        assert one.size >= least * (1.0 - 1e-9)


def test_the_three_powers_are_not_one() -> None:
    load = shape(100e6, 1.2, nameplate=150e6)
    racks, ups, transformer, station = building_stages(load, nameplate=120e6)
    assert (racks.power, ups.power, transformer.power) == (120e6, 120e6, 150e6)
    assert station.power == pytest.approx(load.peak)
    assert load.mean < station.power < transformer.power


def test_spares_are_those_of_the_redundancy() -> None:
    load = shape()
    by = {
        name: {one.id: one for one in building_stages(load, redundancy=entity("cooling_redundancy", name))}
        for name in ("n", "n+1", "2n")
    }
    assert by["n"]["ups"].spare == 0
    assert by["n+1"]["ups"].spare == -(-by["n+1"]["ups"].units // 4)
    assert by["2n"]["ups"].installed == pytest.approx(2.0 * by["n"]["ups"].installed)
    assert substation(50e6).spare == 1


def test_plants_come_with_their_spare_units_and_a_start_from_black() -> None:
    engine = build_plant("gas-engine", year=2030, capital_recovery=lambda life: 0.1)
    problem = Problem(load=np.full(HOURS, 200e6), plants=(engine,), not_served_price=1e-5)
    plan = plan_whole_units(problem)
    adequacy = adequacy_of(plan)
    (one,) = source_stages(plan, adequacy)
    units = adequacy.system.kinds[0].units
    assert one.units + one.spare == units.count
    assert one.spare > 0
    assert one.units * units.size >= adequacy.mean_capacity(adequacy.system.kinds[0]) * (1.0 - 1e-9)
    assert one.size == pytest.approx(units.size / entity(TABLE, "generator").value("power_factor"))
    assert "black start" in one.note
    (row,) = chain_rows([one])
    assert row["installed [MVA]"] == pytest.approx(one.installed / 1e6)


def test_emergency_engines_that_run_all_year_need_a_permit_of_their_own() -> None:
    diesel = build_plant("diesel", year=2030, capital_recovery=lambda life: 0.1)
    plan = plan_whole_units(Problem(load=np.full(HOURS, 20e6), plants=(diesel,), not_served_price=1e-4))
    (said,) = permit_notices(plan)
    assert "above the 500 h" in said
    assert permit_notices(replace(plan, dispatch=plan.dispatch * 0.01)) == []


def test_rows_have_ranges() -> None:
    for one in table(TABLE).values():
        for name in one.numbers:
            row = one.evidence(name)
            assert row.low is not None
            assert row.low <= row.value
