"""The seconds between: a campus from 10 ms to hours, through racks, stores and machines to the grid.

    segments or a trace → load of all nodes → software (floor, slow start) → stores → bus: frequency, voltage

One way through it::

    node = training_power(load, step=0.01, duration=60.0)          # W of one node
    campus = sum_nodes(node, step=0.01, nodes=2048, spread=0.02)   # W of all
    limits = load_limits("moderate", peak=campus.max())
    found = smallest_store(campus, step=0.01, limits=limits)       # blind controller
    bound = least_store(campus, step=0.01, limits=limits, prices=…)  # no controller undercuts it
    verdict = carry_seconds(campus, step=0.01, plants={"gas-turbine": 50e6}, limits=limits, …)
    broken = [case for case in judge(load_code("ercot-nogrr-282"), load_protection("ups")) if case.broken]
"""

from __future__ import annotations

from gigawatt.power.seconds.bound import Bound, Prices, least_store
from gigawatt.power.seconds.carried import Carried, carry_seconds, machines_of
from gigawatt.power.seconds.flicker import LAMPS, flicker_severity, voltage
from gigawatt.power.seconds.island import UnitLoss, lose_unit
from gigawatt.power.seconds.load import Segment, TrainingLoad, resample, sum_nodes, training_power
from gigawatt.power.seconds.load_model import load_model
from gigawatt.power.seconds.machines import (
    Frequency,
    Machine,
    Mode,
    frequency,
    modes,
    response,
    settled,
    step_deviation,
)
from gigawatt.power.seconds.measures import (
    Limits,
    Measures,
    Spectrum,
    averaged,
    largest_fall,
    measure,
    spectrum,
)
from gigawatt.power.seconds.ride_rows import (
    code_of,
    list_codes,
    list_events,
    list_protections,
    load_code,
    load_event,
    load_protection,
)
from gigawatt.power.seconds.ride_through import (
    Band,
    Case,
    Code,
    Event,
    Mend,
    Protection,
    Ridden,
    exceeded,
    judge,
    mend,
    ride,
)
from gigawatt.power.seconds.rows import (
    bought,
    list_limits,
    list_stores,
    load_limits,
    load_machine,
    load_store,
    store_prices,
)
from gigawatt.power.seconds.sizing import Frontier, FrontierPoint, Sized, frontier, smallest_store
from gigawatt.power.seconds.stores import Passed, Software, Store, pass_store, pass_stores, soften

__all__ = [
    "LAMPS",
    "Band",
    "Bound",
    "Carried",
    "Case",
    "Code",
    "Event",
    "Frequency",
    "Frontier",
    "FrontierPoint",
    "Limits",
    "Machine",
    "Measures",
    "Mend",
    "Mode",
    "Passed",
    "Prices",
    "Protection",
    "Ridden",
    "Segment",
    "Sized",
    "Software",
    "Spectrum",
    "Store",
    "TrainingLoad",
    "UnitLoss",
    "averaged",
    "bought",
    "carry_seconds",
    "code_of",
    "exceeded",
    "flicker_severity",
    "frequency",
    "frontier",
    "judge",
    "largest_fall",
    "least_store",
    "list_codes",
    "list_events",
    "list_limits",
    "list_protections",
    "list_stores",
    "load_code",
    "load_event",
    "load_limits",
    "load_machine",
    "load_model",
    "load_protection",
    "load_store",
    "lose_unit",
    "machines_of",
    "measure",
    "mend",
    "modes",
    "pass_store",
    "pass_stores",
    "resample",
    "response",
    "ride",
    "settled",
    "smallest_store",
    "soften",
    "spectrum",
    "step_deviation",
    "store_prices",
    "sum_nodes",
    "training_power",
    "voltage",
]
