"""States and matrices of a reactor with its loops and sink: linear but for power times reactivity.

States, in order: power over rated n; precursors (G × N); decay heat held (23); fuel (N), graphite, tubes and
coolant above the reference temperature [K]; over them two meters, fission energy and heat removed [J].
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gigawatt.catalog.loader import Entity
from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError
from gigawatt.power.plants.molten_salt.loop import (
    Neutrons,
    Ring,
    lost_reactivity,
    neutrons,
    reactor_row,
    ring,
    steady_precursors,
)

__all__ = ["Steady", "System", "decay_heat", "steady", "system"]

Array = npt.NDArray[np.float64]
Cells = npt.NDArray[np.intp]

#: ANSI/ANS-5.1-1979, table 8, thermal fission of U-235: MeV/s per fission and 1/s; 200 MeV per fission.
_DECAY_HEAT = np.array([
    6.5057e-1, 5.1264e-1, 2.4384e-1, 1.3850e-1, 5.5440e-2, 2.2225e-2, 3.3088e-3, 9.3015e-4, 8.0943e-4,
    1.9567e-4, 3.2535e-5, 7.5595e-6, 2.5232e-6, 4.9948e-7, 1.8531e-7, 2.6608e-8, 2.2398e-9, 8.1641e-12,
    8.7797e-11, 2.5131e-14, 3.2176e-16, 4.5038e-17, 7.4791e-17,
])  # fmt: skip
_DECAY_RATE = np.array([
    2.2138e1, 5.1587e-1, 1.9594e-1, 1.0314e-1, 3.3656e-2, 1.1681e-2, 3.5870e-3, 1.3930e-3, 6.2630e-4,
    1.8906e-4, 5.4988e-5, 2.0958e-5, 1.0010e-5, 2.5438e-6, 6.6361e-7, 1.2290e-7, 2.7213e-8, 4.3714e-9,
    7.5780e-10, 2.4786e-10, 2.2384e-13, 2.4600e-14, 1.5699e-14,
])  # fmt: skip
_FISSION_ENERGY = 200.0  # MeV, recoverable
_DECAY_SHARE = _DECAY_HEAT / _DECAY_RATE / _FISSION_ENERGY
_SECONDARY = (4, 3, 3, 3)  # cells: exchanger, hot pipe, sink, cold pipe


def decay_heat(after: npt.ArrayLike, *, operation: float = np.inf) -> Array:
    """Decay heat over the fission power that stopped ``after`` s ago.

    Parameters
    ----------
    after : (T,)
        s since the fissions stopped, >= 0.
    operation : float
        s of steady power before, > 0.

    Returns
    -------
    (T,) ndarray
        Share of the fission power.

    Raises
    ------
    InputError
        A negative time.

    References
    ----------
    ANSI/ANS-5.1-1979, equations 9 and 10 (U-235, without uncertainty and neutron capture).
    """
    time = np.asarray(after, dtype=float)
    if not (np.all(time >= 0.0) and operation > 0.0):
        raise InputError("a time of decay before the end of operation", key="after", allowed="at least 0 s")
    built = _DECAY_SHARE * -np.expm1(-_DECAY_RATE * operation)
    return np.asarray(np.exp(-np.multiply.outer(time, _DECAY_RATE)) @ built)


@dataclass(frozen=True)
class System:
    """Matrices of a reactor: dy/dt = (still + flow·fuel + flow^x·film + sink) y + …

    ``still``, ``moved``, ``film`` (S, S) ; ``warmth`` (S,) : J/K of each temperature, 1 for a store of decay
    heat, 0 elsewhere ; ``feedback`` (S,) : 1/K ; ``names`` : the slices of the state.
    """

    design: str
    kinetics: Neutrons
    loop: Ring
    power: float
    still: Array
    moved: Array
    film: Array
    warmth: Array
    feedback: Array
    names: dict[str, slice]
    sink_cells: Cells
    sink_temperature: float
    film_exponent: float
    reference: float
    row: Entity = field(repr=False)

    @property
    def size(self) -> int:
        """Number of states."""
        return len(self.warmth)


@dataclass(frozen=True)
class Steady:
    """A steady state: the states, reactivity held by the rods against the loss by flow, and the sink.

    ``state`` (S,) ; ``rods`` : reactivity ; ``conductance`` : W/K from the sink's cells to its temperature.
    """

    state: Array
    rods: float
    conductance: float


def system(
    design: str = "msre",
    *,
    fuel: str | None = None,
    refinement: float = 1.0,
    fuel_coefficient: float | None = None,
    graphite_coefficient: float | None = None,
) -> System:
    """Matrices of a reactor design.

    Parameters
    ----------
    design, fuel : str
        Rows of ``molten_salt``; the fuel of the design where none is given.
    refinement : float
        Cells of the fuel loop over the usual number.
    fuel_coefficient, graphite_coefficient : float, optional
        1/K in place of the fuel's; at most 0.

    Raises
    ------
    InputError
        Unknown design or fuel; a positive coefficient.

    References
    ----------
    Ball and Kerlin, ORNL-TM-1070, appendix A (lumps); Prince, ORNL-TM-1626 (precursors).
    """
    row, loop = reactor_row(design), ring(design, refinement=refinement)
    kinetics = neutrons(fuel or row.text("fuel"))
    alpha_fuel = kinetics.fuel_coefficient if fuel_coefficient is None else fuel_coefficient
    alpha_graphite = kinetics.graphite_coefficient if graphite_coefficient is None else graphite_coefficient
    for key, value in (("fuel_coefficient", alpha_fuel), ("graphite_coefficient", alpha_graphite)):
        check_range(
            key,
            value,
            -1e-3,
            0.0,
            "per K",
            message="a reactor that heat makes more reactive does not govern itself, and is not built",
        )
    matrices = _Matrices(row, loop, kinetics)
    matrices.neutrons()
    matrices.heat_made()
    matrices.heat_carried()
    matrices.heat_exchanged()
    names = matrices.names
    worth = loop.source * loop.importance * loop.time
    core = loop.where("core")
    feedback = np.zeros(len(matrices.warmth))
    feedback[names["fuel"]] = alpha_fuel * worth / worth.sum()
    feedback[names["graphite"]] = alpha_graphite * worth[core] / worth[core].sum()
    first = names["coolant"].start + len(matrices.shell) + _SECONDARY[1]
    return System(
        design=design,
        kinetics=kinetics,
        loop=loop,
        power=row.value("power"),
        still=matrices.still,
        moved=matrices.moved,
        film=matrices.film,
        warmth=matrices.warmth,
        feedback=feedback,
        names=names,
        sink_cells=_range(first, first + _SECONDARY[2]),
        sink_temperature=row.value("sink_temperature"),
        film_exponent=row.value("film_exponent"),
        reference=row.value("inlet_temperature"),
        row=row,
    )


class _Matrices:
    """Rates of change of the states: ``still``, ``moved`` (with the flow) and ``film`` (with its power).

    ``names`` gives the states of each part, ``warmth`` their heat capacity, J/K.
    """

    def __init__(self, row: Entity, loop: Ring, kinetics: Neutrons) -> None:
        self.row, self.loop, self.kinetics = row, loop, kinetics
        self.core = np.flatnonzero(loop.where("core"))
        self.shell = np.flatnonzero(loop.where("exchanger"))
        cells = len(loop.time)
        lengths = {
            "power": 1,
            "precursors": len(kinetics.decay) * cells,
            "decay": len(_DECAY_RATE),
            "fuel": cells,
            "graphite": len(self.core),
            "tubes": len(self.shell),
            "coolant": len(self.shell) + sum(_SECONDARY[1:]),
            "fission": 1,
            "removed": 1,
        }
        self.names: dict[str, slice] = {}
        size = 0
        for name, length in lengths.items():
            self.names[name] = slice(size, size + length)
            size += length
        self.still, self.moved, self.film = (np.zeros((size, size)) for _ in range(3))
        self.warmth = np.zeros(size)

    def neutrons(self) -> None:
        """Power and the precursors of delayed neutrons, group by group, carried round the loop."""
        loop, kinetics, cells = self.loop, self.kinetics, len(self.loop.time)
        for group in range(len(kinetics.decay)):
            at = self.names["precursors"].start + group * cells
            here = _range(at, at + cells)
            self.still[here, here] = -kinetics.decay[group]
            self.still[here, 0] = kinetics.fraction[group] * loop.source
            given = kinetics.decay[group] * loop.importance * loop.time
            self.still[0, here] = given / kinetics.generation_time
            self.moved[here, here] = -1.0 / loop.time
            self.moved[here, np.roll(here, 1)] = 1.0 / loop.time
        self.still[0, 0] = -kinetics.total / kinetics.generation_time

    def heat_made(self) -> None:
        """Heat in fuel and graphite, at once and by decay."""
        row, loop, core, names, still = self.row, self.loop, self.core, self.names, self.still
        power = row.value("power")
        fuel_warmth = _fuel_flow(row) * row.value("heat_capacity") * loop.time
        self.warmth[names["fuel"]] = fuel_warmth
        in_core = loop.source[core] * loop.time[core]
        in_core = in_core / in_core.sum()
        graphite = row.value("graphite_capacity") * loop.time[core] / loop.time[core].sum()
        self.warmth[names["graphite"]] = graphite
        prompt, share = 1.0 - float(_DECAY_SHARE.sum()), row.value("graphite_share")
        still[names["fuel"], 0] = prompt * power * (1.0 - share) * loop.source * loop.time / fuel_warmth
        still[names["graphite"], 0] = prompt * power * share * in_core / graphite
        held = _range(names["decay"].start, names["decay"].stop)
        still[held, 0] = _DECAY_SHARE * power
        still[held, held] = -_DECAY_RATE
        self.warmth[held] = 1.0
        spread = loop.time / loop.total_time
        still[names["fuel"], names["decay"]] = np.outer(spread / fuel_warmth, _DECAY_RATE)
        still[names["fission"], 0] = power

    def heat_carried(self) -> None:
        """Heat that fuel and coolant carry along their loops."""
        row, loop, shell = self.row, self.loop, self.shell
        here = _range(self.names["fuel"].start, self.names["fuel"].stop)
        self.moved[here, here] -= 1.0 / loop.time
        self.moved[here, np.roll(here, 1)] += 1.0 / loop.time
        coolant = self.names["coolant"]
        stays = np.concatenate([
            np.full(len(shell), row.value("coolant_exchanger_time") / len(shell)),
            *(
                np.full(count, row.value(f"coolant_{part}_time") / count)
                for part, count in zip(("hot", "sink", "cold"), _SECONDARY[1:], strict=True)
            ),
        ])  # fmt: skip
        self.warmth[coolant] = row.value("coolant_flow") * row.value("coolant_heat_capacity") * stays
        self.warmth[self.names["tubes"]] = row.value("wall_capacity") / len(shell)
        here = _range(coolant.start, coolant.stop)
        self.still[here, here] -= 1.0 / stays
        self.still[here, np.roll(here, 1)] += 1.0 / stays

    def heat_exchanged(self) -> None:
        """Heat between graphite and fuel, fuel and tubes, tubes and coolant."""
        row, loop, core, shell, coolant = self.row, self.loop, self.core, self.shell, self.names["coolant"]
        fuel, graphite = self.names["fuel"].start, self.names["graphite"].start
        conductances = row.value("graphite_conductance") * loop.time[core] / loop.time[core].sum()
        for number, cell in enumerate(core):
            self._exchange(self.still, graphite + number, fuel + int(cell), float(conductances[number]))
        for number, cell in enumerate(shell):
            tube, at = self.names["tubes"].start + number, fuel + int(cell)
            self._exchange(self.film, tube, at, row.value("film_fuel") / len(shell), at - 1)
            against = coolant.start + len(shell) - 1 - number
            ahead = against - 1 if against > coolant.start else coolant.stop - 1
            self._exchange(self.still, tube, against, row.value("film_coolant") / len(shell), ahead)

    def _exchange(
        self, into: Array, one: int, other: int, conductance: float, before: int | None = None
    ) -> None:
        """``other`` gives heat at its own temperature, or in a stream at the mean of inlet and outlet."""
        parts = ((other, 1.0),) if before is None else ((other, 0.5), (before, 0.5))
        into[one, one] -= conductance / self.warmth[one]
        into[other, one] += conductance / self.warmth[other]
        for cell, share in parts:
            into[one, cell] += share * conductance / self.warmth[one]
            into[other, cell] -= share * conductance / self.warmth[other]


def steady(
    plant: System,
    *,
    power: float,
    flow: float = 1.0,
    operation: float = 3.15e7,
    rods_at: float | None = None,
) -> Steady:
    """The steady state at a power, with the vessel's inlet at the rated inlet temperature.

    Parameters
    ----------
    plant : System
        A reactor.
    power : float
        W of heat, > 0 and at most 1.2 of the rated.
    flow : float
        Fuel over rated flow, (0, 2].
    operation : float
        s at that power before, for the decay heat that is built up.
    rods_at : float, optional
        W: the rods stand where they stood at that power with the rated inlet, so that the temperatures shift
        until feedback is the same. By default the rods keep the rated inlet at every power.

    Raises
    ------
    InputError
        Power or flow out of range.

    References
    ----------
    ORNL-TM-1070, section 3.
    """
    check_range(
        "power",
        power,
        0.0,
        1.2 * plant.power,
        "W",
        open_low=True,
        message="power out of range: above, salts and films are out of what the design is for",
    )
    if not flow > 0.0:
        raise InputError("no steady heat without flow", key="flow", given=flow, allowed="above 0, at most 2")
    names = plant.names
    built = _DECAY_SHARE * -np.expm1(-_DECAY_RATE * operation)
    level = power / plant.power / (1.0 - float(_DECAY_SHARE.sum()) + float(built.sum()))
    state = np.zeros(plant.size)
    state[0] = level
    state[names["precursors"]] = level * steady_precursors(plant.kinetics, plant.loop, flow).ravel()
    state[names["decay"]] = level * plant.power * built / _DECAY_RATE
    warm = _range(names["fuel"].start, names["coolant"].stop)
    matrix = plant.still + flow * plant.moved + flow**plant.film_exponent * plant.film
    made = matrix[warm, 0] * level + matrix[warm, names["decay"]] @ state[names["decay"]]
    made[plant.sink_cells - warm[0]] -= power / len(plant.sink_cells) / plant.warmth[plant.sink_cells]
    # the level is free: the first cell's balance follows from the rest, so its row fixes the inlet
    inner = matrix[np.ix_(warm, warm)].copy()
    inlet = int(np.flatnonzero(plant.loop.where("cold"))[-1])
    inner[0], made[0] = 0.0, 0.0
    inner[0, inlet] = 1.0
    state[warm] = np.linalg.solve(inner, -made)
    if rods_at is not None and rods_at != power:
        set_at = steady(plant, power=rods_at, flow=flow, operation=operation)
        slope = float(plant.feedback.sum())
        if slope == 0.0:
            raise InputError("without feedback no temperature is held", key="rods_at", given=rods_at)
        state[warm] += float(plant.feedback @ (set_at.state - state)) / slope
    mean = float(state[plant.sink_cells].mean()) + plant.reference - plant.sink_temperature
    return Steady(
        state=state, rods=lost_reactivity(plant.kinetics, plant.loop, flow), conductance=power / mean
    )


def _range(start: int, stop: int) -> Cells:
    return np.arange(start, stop, dtype=np.intp)


def _fuel_flow(row: Entity) -> float:
    """kg/s of fuel at rated flow."""
    if "flow" in row.numbers:
        return row.value("flow") * row.value("density")
    return row.value("power") / (row.value("flow_temperature_rise") * row.value("heat_capacity"))
