"""A reactor in time: power, precursors, decay heat and temperatures while load, rods and flow change."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

from gigawatt.core.checks import check_range, check_word
from gigawatt.core.errors import InputError
from gigawatt.power.plants.molten_salt.loop import MOST_FLOW, instants_of, lost_reactivity
from gigawatt.power.plants.molten_salt.system import Steady, System, steady

__all__ = ["Transient", "effective_fraction", "natural_flow", "simulate"]

Array = npt.NDArray[np.float64]

_GRAVITY = 9.80665
MOST_POWER = 3.0  # of the rated power; above it the salt boils or the model is not meant


@dataclass(frozen=True)
class Transient:
    """What came out, all (T,).

    ``time`` s ; ``power`` W released as heat, fission and decay ; ``fission`` W ; ``removed`` W taken at the
    sink ; ``flow`` over rated ; ``inlet``, ``outlet`` of the vessel, ``fuel`` (mean of all), ``graphite``
    (mean), ``coolant_hot``, ``coolant_cold`` K ; ``rate`` K/s, the fastest change of a loop's temperature at
    the places where thick metal is ; ``reactivity`` by feedback ; ``residual`` : what the ledger of energy
    misses, over the fission energy of the whole span.
    """

    time: Array
    power: Array
    fission: Array
    removed: Array
    flow: Array
    inlet: Array
    outlet: Array
    fuel: Array
    graphite: Array
    coolant_hot: Array
    coolant_cold: Array
    rate: Array
    reactivity: Array
    residual: Array
    steps: int


def effective_fraction(plant: System, flow: float = 1.0) -> float:
    """β that still counts at a flow: static β less what the flow loses; an insertion of that much is prompt.

    Raises
    ------
    InputError
        A flow out of range.

    References
    ----------
    Prince, ORNL-TM-1626, equation 20.
    """
    return plant.kinetics.total - lost_reactivity(plant.kinetics, plant.loop, flow)


def simulate(
    plant: System,
    *,
    time: npt.ArrayLike,
    power: float,
    heat: npt.ArrayLike | None = None,
    reactivity: npt.ArrayLike | None = None,
    flow: npt.ArrayLike | None = None,
    natural: bool = False,
    rods_at: float | None = None,
    tolerance: float = 1e-6,
    longest_step: float | None = None,
    method: str = "BDF",
) -> Transient:
    """Follow a reactor from the steady state at ``power``.

    The rods stand where the first instant needs them; after it only ``reactivity`` and the feedback act.

    Parameters
    ----------
    plant : System
        A reactor.
    time : (T,)
        s, rising; inputs are linear between these instants.
    power : float
        W of heat at the start.
    heat : (T,), optional
        W taken at the sink; without, the sink takes in proportion to its temperature, as a radiator does.
    reactivity : (T,), optional
        Put in from outside, over the start.
    flow : (T,), optional
        Fuel over rated flow, [0, 2].
    natural : bool
        The fuel pump stands and warm salt rises: the flow follows from heat, height and friction.
    rods_at : float, optional
        W, as in :func:`~gigawatt.power.plants.molten_salt.system.steady`: where the rods were set.
    tolerance : float
        Relative tolerance of the solver, [1e-10, 1e-3].
    longest_step : float, optional
        s; by default a fraction of the span, so that no kink of the inputs is jumped over.
    method : str
        ``BDF`` or ``Radau`` (implicit: the system is stiff).

    Raises
    ------
    InputError
        Reactivity at or above the β that counts; power, flow, heat or times out of range; salt that boils.

    References
    ----------
    ORNL-TM-1070, appendix A; ORNL-TM-1626; momentum of the loop: Welander, J. Fluid Mech. 29, 1967.
    """
    instants = instants_of(time)
    check_range("tolerance", tolerance, 1e-10, 1e-3, message="tolerance out of range")
    check_word("method", method, ("BDF", "Radau"), "no such solver")
    start_flow = natural_flow(plant, power) if natural else 1.0
    flows = _given(flow, instants, "flow", 0.0, MOST_FLOW, start_flow)
    if natural and flow is not None:
        raise InputError("a flow by itself is not given", key="flow", allowed="natural or a flow")
    if not natural:
        start_flow = float(flows[0])
    counts = effective_fraction(plant, start_flow)
    inserted = _given(reactivity, instants, "reactivity", -0.1, np.inf, 0.0)
    if float(inserted.max()) >= counts:
        raise InputError(
            "prompt critical: the power would rise within milliseconds, faster than salt carries heat away",
            key="reactivity",
            given=f"{inserted.max() * 1e5:.1f} pcm",
            allowed=f"below the β that counts in flowing fuel, {counts * 1e5:.1f} pcm",
        )
    at_start = steady(plant, power=power, flow=start_flow, rods_at=rods_at)
    taken = None if heat is None else _given(heat, instants, "heat", 0.0, 1.5 * plant.power, power)
    run = _Run(plant, at_start, instants, flows, inserted, taken, natural, start_flow)
    if longest_step is None:
        longest_step = float(np.clip(np.diff(instants).min(), (instants[-1] - instants[0]) / 4000.0, 600.0))
    scale = np.full(len(run.start), 1e-3)
    scale[0] = 1e-4 * float(at_start.state[0])
    scale[plant.names["precursors"]] = (
        np.maximum(np.abs(at_start.state[plant.names["precursors"]]), 1e-12) * 1e-3
    )
    span = plant.power * (instants[-1] - instants[0])
    scale[plant.names["decay"]] = 1e-6 * span
    scale[plant.names["fission"]] = scale[plant.names["removed"]] = 1e-6 * span
    sparse = import_module("scipy.sparse").csc_matrix  # loops are chains: sooner, and no threads

    def jacobian(instant: float, state: Array) -> Any:
        return sparse(run.jacobian(instant, state))

    found: Any = import_module("scipy.integrate").solve_ivp(
        run.derivative,
        (float(instants[0]), float(instants[-1])),
        run.start,
        method=method,
        t_eval=instants,
        jac=jacobian,
        rtol=tolerance,
        atol=scale * max(tolerance / 1e-6, 1e-4) * 1e-1,
        max_step=longest_step,
    )
    if not found.success:
        raise InputError(f"the reactor could not be followed: {found.message}", key="time")
    return run.outcome(found.y, int(found.nfev))


def natural_flow(plant: System, power: float) -> float:
    """Flow over rated at which the rise of warm salt meets friction, with the pump standing.

    Parameters
    ----------
    plant : System
        A reactor whose pump head is known.
    power : float
        W carried by the fuel, > 0.

    Returns
    -------
    float
        (ρ ε g h P / (cp ΔP W))^(1/(1+x)) with ε the expansion, h the height between the centres of core and
        heat exchanger, ΔP the loss of head at the rated flow W and x its exponent.

    Raises
    ------
    InputError
        No power; a design without pump head.

    References
    ----------
    Zuber, ANL 1980 (one-phase loop); Blasius 1913 (friction in smooth pipes, x = 1.75).
    """
    check_range("power", power, 0.0, unit="W", open_low=True, message="no heat, no flow by itself")
    lift, loss = _heads(plant)
    difference = power / (plant.warmth[plant.names["fuel"]].sum() / plant.loop.total_time)
    return float((lift * difference / loss) ** (1.0 / (1.0 + plant.row.value("flow_exponent"))))


def _heads(plant: System) -> tuple[float, float]:
    """(Pa per K between the legs, Pa lost at rated flow)."""
    row = plant.row
    if "pump_head" not in row.numbers:
        raise InputError("no pump head is known, so no flow by itself", key="natural", given=plant.design)
    weight = row.value("density") * _GRAVITY
    return weight * row.value("expansion") * row.value("buoyancy_height"), weight * row.value("pump_head")


def _given(
    values: npt.ArrayLike | None, time: Array, key: str, least: float, most: float, default: float
) -> Array:
    if values is None:
        return np.full(len(time), default)
    made = np.asarray(values, dtype=float)
    if made.shape != time.shape:
        raise InputError("one value an instant", key=key, given=str(made.shape), allowed=str(time.shape))
    if not (np.all(np.isfinite(made)) and float(made.min()) >= least and float(made.max()) <= most):
        raise InputError(
            "out of range: outside it the model is not meant",
            key=key,
            given=f"{made.min():g} to {made.max():g}",
            allowed=f"{least:g} to {most:g}",
        )
    return made


class _Run:
    """Right-hand side, Jacobian and readings of a transient; a flow by itself is a state at the end."""

    def __init__(
        self,
        plant: System,
        at_start: Steady,
        time: Array,
        flow: Array,
        inserted: Array,
        heat: Array | None,
        natural: bool,
        start_flow: float,
    ) -> None:
        self.plant, self.time, self.flows, self.inserted, self.heat = plant, time, flow, inserted, heat
        self.rods, self.conductance = at_start.rods, at_start.conductance
        self.natural, self.held = natural, at_start.state
        self.start = np.append(at_start.state, start_flow) if natural else at_start.state.copy()
        self.base = float(plant.feedback @ at_start.state)
        self.sink = np.zeros(plant.size)
        self.sink[plant.sink_cells] = 1.0 / len(plant.sink_cells)
        self.out = int(plant.names["removed"].start)
        self.tables: dict[float, Array] = {}
        regions = plant.loop.region
        fuel = plant.names["fuel"].start
        self.outlet = fuel + max(i for i, name in enumerate(regions) if name == "upper")
        self.inlet = fuel + max(i for i, name in enumerate(regions) if name == "cold")
        self.hot = np.zeros(plant.size)
        self.hot[[fuel + i for i, name in enumerate(regions) if name in ("upper", "pot", "hot")]] = 1.0
        self.hot /= self.hot.sum()
        self.cold = np.zeros(plant.size)
        self.cold[[fuel + i for i, name in enumerate(regions) if name in ("cold", "lower")]] = 1.0
        self.cold /= self.cold.sum()
        if natural:
            self.lift, self.loss = _heads(plant)
            self.exponent = plant.row.value("flow_exponent")
            mass_flow = plant.warmth[plant.names["fuel"]].sum() / plant.loop.total_time
            self.inertia = plant.row.value("inertia") * mass_flow / plant.row.value("heat_capacity")
            # of the two legs the difference at the start drives the start's flow: friction is scaled to it
            self.balance = (
                self.loss
                * start_flow**self.exponent
                / (self.lift * float((self.hot - self.cold) @ at_start.state))
            )

    def matrix(self, flow: float) -> Array:
        made = self.tables.get(flow)
        if made is None:
            plant = self.plant
            made = plant.still + flow * plant.moved + flow**plant.film_exponent * plant.film
            if self.heat is None:
                loss = self.conductance * self.sink / np.where(plant.warmth > 0.0, plant.warmth, 1.0)
                made = made - np.outer(loss, self.sink)
                made[self.out] += self.conductance * self.sink
            self.tables = {flow: made}
        return made

    def at(self, instant: float, state: Array) -> tuple[float, float, float]:
        """(flow, reactivity over prompt balance, heat forced)."""
        flow = (
            float(max(state[-1], 1e-6)) if self.natural else float(np.interp(instant, self.time, self.flows))
        )
        rho = (
            self.rods
            + float(np.interp(instant, self.time, self.inserted))
            + float(self.plant.feedback @ state[: self.plant.size])
            - self.base
        )
        forced = 0.0 if self.heat is None else float(np.interp(instant, self.time, self.heat))
        return flow, rho, forced

    def derivative(self, instant: float, state: Array) -> Array:
        plant = self.plant
        flow, rho, forced = self.at(instant, state)
        inner = state[: plant.size]
        made = self.matrix(flow) @ inner
        made[0] += rho * inner[0] / plant.kinetics.generation_time
        if self.heat is None:  # the sink's own temperature and the reference
            forced = self.conductance * (plant.reference - plant.sink_temperature)
        made[plant.sink_cells] -= forced / len(plant.sink_cells) / plant.warmth[plant.sink_cells]
        made[self.out] += forced
        if not self.natural:
            return made
        push = self.balance * self.lift * float((self.hot - self.cold) @ inner)
        return np.append(made, (push - self.loss * flow**self.exponent) / self.inertia)

    def jacobian(self, instant: float, state: Array) -> Array:
        plant, size = self.plant, self.plant.size
        flow, rho, _ = self.at(instant, state)
        inner, over = state[:size], plant.kinetics.generation_time
        made = self.matrix(flow).copy()
        made[0] += plant.feedback * inner[0] / over
        made[0, 0] += rho / over
        if not self.natural:
            return made
        full = np.zeros((size + 1, size + 1))
        full[:size, :size] = made
        curve = plant.film_exponent * flow ** (plant.film_exponent - 1.0)
        full[:size, size] = plant.moved @ inner + curve * (plant.film @ inner)
        full[size, :size] = self.balance * self.lift * (self.hot - self.cold) / self.inertia
        full[size, size] = -self.loss * self.exponent * flow ** (self.exponent - 1.0) / self.inertia
        return full

    def outcome(self, states: Array, steps: int) -> Transient:
        plant, names = self.plant, self.plant.names
        inner = states[: plant.size]
        level = inner[0] * plant.power
        if float(inner[0].max()) > MOST_POWER:
            raise InputError(
                "power out of range: the salt would boil before the model is wrong",
                key="power",
                given=f"{inner[0].max():.3g} of the rated",
                allowed=f"up to {MOST_POWER:g}",
            )
        hottest = float(inner[names["fuel"]].max()) + plant.reference
        if not hottest < plant.row.value("boiling_temperature"):
            raise InputError(
                "the salt would boil: more heat is made than is taken, and nothing holds it back",
                key="heat",
                given=f"{hottest:.0f} K",
                allowed=f"below {plant.row.value('boiling_temperature'):.0f} K",
            )
        prompt = plant.still[names["decay"], 0].sum() / plant.power
        rates = -np.diag(plant.still)[names["decay"]]
        kelvin = plant.reference
        slopes = np.stack([
            self.derivative(t, states[:, k])[: plant.size] for k, t in enumerate(self.time)
        ])  # fmt: skip
        coolant, shell = names["coolant"], int(plant.loop.where("exchanger").sum())
        hot, cold = coolant.start + shell + 2, coolant.stop - 1
        thick = [self.outlet, self.inlet, hot, cold]
        warm = inner[names["fuel"]]
        if self.heat is None:
            sink = float(kelvin - plant.sink_temperature)
            removed = self.conductance * (self.sink @ inner + sink)
        else:
            removed = np.interp(self.time, self.time, self.heat)
        stored = plant.warmth @ (inner - self.held[:, None])
        made, gone = inner[names["fission"]][0], inner[names["removed"]][0]
        return Transient(
            time=self.time,
            power=level * (1.0 - prompt) + rates @ inner[names["decay"]],
            fission=level,
            removed=np.asarray(removed),
            flow=states[-1] if self.natural else self.flows,
            inlet=inner[self.inlet] + kelvin,
            outlet=inner[self.outlet] + kelvin,
            fuel=plant.warmth[names["fuel"]] @ warm / plant.warmth[names["fuel"]].sum() + kelvin,
            graphite=inner[names["graphite"]].mean(axis=0) + kelvin,
            coolant_hot=inner[hot] + kelvin,
            coolant_cold=inner[cold] + kelvin,
            rate=np.abs(slopes[:, thick]).max(axis=1),
            reactivity=plant.feedback @ inner - self.base,
            residual=(made - gone - stored) / max(float(made[-1]), 1.0),
            steps=steps,
        )
