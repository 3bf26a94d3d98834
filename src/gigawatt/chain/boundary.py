"""The chain, fifth part: energy and carbon of a run, or of a year that serves, within a boundary.

Published figures count different things: accelerators times their power limit, accelerators as they drew,
IT power with hosts and network, the meter of the facility, and what making it all emitted. Each step is a
quantity of its own; ``energy.run`` and ``carbon.run``, of a service ``energy.year`` and ``carbon.year``, are
those of the scenario's ``boundary``.
"""

from __future__ import annotations

from collections.abc import Mapping

from gigawatt.chain.registry import running, serving, training
from gigawatt.machine import Chip
from gigawatt.money import SECONDS_PER_YEAR, Ledger

__all__ = ["BOUNDARIES", "LIFECYCLE"]

LIFECYCLE = "lifecycle"
BOUNDARIES: Mapping[str, str] = {
    "at-limit": "accelerators at their power limit for all their hours, without hosts, network and cooling",
    "chips": "accelerators as they draw, without hosts, network and cooling",
    "it": "accelerators, hosts and network, without power chain and cooling",
    "facility": "the meter of the facility",
    LIFECYCLE: "the meter of the facility, with the embodied carbon of the run's share of campus and plants",
}
"""Values of the field ``boundary``, and what each counts."""


@training("energy.at_limit", "MWh", rows=("power_limit",))
def at_limit(training_accelerator_hours: float, machine_chip: Chip, machine_cap: float | None) -> float:
    """Energy of one run if its accelerators drew their power limit (or cap) in all their hours.

    accelerator-hours × power limit
    """
    limit = machine_chip.power_limit
    return training_accelerator_hours * (limit if machine_cap is None else min(limit, machine_cap))


@training("energy.chips", "MWh")
def chips(
    machine_chip_power: float,
    machine_energy: Mapping[str, float],
    machine_used: int,
    training_runs: int,
    training_step_time: float,
    training_goodput: float,
    training_duration: float,
) -> float:
    """Energy that the accelerators of one run draw, without hosts and network.

    (goodput × power in a step + (1 − goodput) × idle power) × accelerators × duration
    """
    each = machine_used / training_runs
    idle = machine_energy["idle"] / training_step_time
    return (
        training_goodput * machine_chip_power * each + (1.0 - training_goodput) * idle
    ) * training_duration


@training("energy.it", "MWh")
def it(machine_power_it: float, training_duration: float, training_runs: int) -> float:
    """Energy of one run with hosts and network, without power chain and cooling.

    IT power × duration / runs
    """
    return machine_power_it * training_duration / training_runs


@training("energy.facility", "MWh")
def facility(energy_it: float, facility_pue: float) -> float:
    """Energy of one run at the meter of the facility.

    IT energy × PUE
    """
    return energy_it * facility_pue


@training("energy.run", "MWh")
def energy_run(
    scenario_boundary: str,
    energy_at_limit: float,
    energy_chips: float,
    energy_it: float,
    energy_facility: float,
) -> float:
    """Energy of one run within the boundary of the scenario.

    The step of the ladder that ``boundary`` names; with embodied carbon, the facility's.
    """
    steps = {"at-limit": energy_at_limit, "chips": energy_chips, "it": energy_it}
    return steps.get(scenario_boundary, energy_facility)


@training("carbon.operational", "t")
def operational(energy_run: float, supply_carbon_intensity: float) -> float:
    """Operational carbon of one run within the boundary of the scenario.

    energy × carbon of the electricity
    """
    return energy_run * supply_carbon_intensity


@training("carbon.run", "t")
def carbon_run(scenario_boundary: str, carbon_operational: float, ledger_ledger: Ledger) -> float:
    """Carbon of one run within the boundary of the scenario.

    operational, with the run's share of embodied carbon where ``boundary`` is lifecycle
    """
    if scenario_boundary != LIFECYCLE:
        return carbon_operational
    return carbon_operational + ledger_ledger.carbon_embodied


@running("energy.counts", "")
def counts(scenario_boundary: str) -> str:
    """What energy and carbon count.

    The words of ``boundary``.
    """
    return BOUNDARIES[scenario_boundary]


@serving("energy.at_limit", "MWh", rows=("power_limit",))
def at_limit_of_a_year(machine_count: int, machine_chip: Chip, machine_cap: float | None) -> float:
    """Energy of a year if all accelerators drew their power limit (or cap) throughout.

    accelerators × power limit, or the cap if that is less × year
    """
    limit = machine_chip.power_limit
    return machine_count * (limit if machine_cap is None else min(limit, machine_cap)) * SECONDS_PER_YEAR


@serving("energy.chips", "MWh")
def chips_of_a_year(machine_count: int, machine_chip_power: float) -> float:
    """Energy that the accelerators draw in a year, without hosts and network.

    accelerators × mean power × year
    """
    return machine_count * machine_chip_power * SECONDS_PER_YEAR


@serving("energy.it", "MWh")
def it_of_a_year(machine_power_it: float) -> float:
    """Energy of a year with hosts and network, without power chain and cooling.

    IT power × year
    """
    return machine_power_it * SECONDS_PER_YEAR


@serving("energy.year", "MWh")
def energy_year(
    scenario_boundary: str,
    energy_at_limit: float,
    energy_chips: float,
    energy_it: float,
    facility_power_mean: float,
) -> float:
    """Energy of a year within the boundary of the scenario.

    The step of the ladder that ``boundary`` names; with embodied carbon, the facility's.
    """
    steps = {"at-limit": energy_at_limit, "chips": energy_chips, "it": energy_it}
    return steps.get(scenario_boundary, facility_power_mean * SECONDS_PER_YEAR)


@serving("carbon.year", "t")
def carbon_year(
    scenario_boundary: str, energy_year: float, supply_carbon_intensity: float, ledger_ledger: Ledger
) -> float:
    """Carbon of a year within the boundary of the scenario.

    energy × carbon of the electricity, with the year's embodied carbon where ``boundary`` is lifecycle
    """
    operational = energy_year * supply_carbon_intensity
    return operational + (ledger_ledger.carbon_embodied if scenario_boundary == LIFECYCLE else 0.0)
