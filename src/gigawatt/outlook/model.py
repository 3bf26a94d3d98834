"""The outlook's frame, put together: which blocks there are, what is reported, on what scale it is
counted."""

from __future__ import annotations

from dataclasses import dataclass

from gigawatt.outlook.adoption import shares as adoption
from gigawatt.outlook.adoption.outputs import TOLD, UNTOLD
from gigawatt.outlook.compute import demand, fleet, limits
from gigawatt.outlook.energy import electricity, environment
from gigawatt.outlook.energy import sources as energy
from gigawatt.outlook.frame import Frame
from gigawatt.outlook.sketch import Sketch
from gigawatt.outlook.society import society

__all__ = ["FRAME", "REPORTED", "TABLES", "Reported"]

TABLES = "tables"
"""Name of the leaf with the response tables."""


@dataclass(frozen=True)
class Reported:
    """One output that is told: unit in which it is shown, words, and the range of its sketch (SI).

    ``scalar``: it does not change with the years.
    """

    name: str
    unit: str
    words: str
    low: float
    high: float
    logarithmic: bool = True
    scalar: bool = False

    def sketch(self, years: int) -> Sketch:
        """An empty sketch for it."""
        return Sketch(self.low, self.high, self.logarithmic, 1 if self.scalar else years)


def _table() -> tuple[Reported, ...]:
    run, watt, year = (1e22, 1e46), (1e5, 1e14), 365.0 * 86400.0
    return (
        Reported("feasible", "FLOP", "largest run that is feasible", *run),
        Reported(
            "feasible_flat", "FLOP", "the same at the utilisation of small runs, up to the latency wall", *run
        ),
        Reported("run", "FLOP", "largest run, feasible and on trend", *run),
        Reported("desired_run", "FLOP", "run on trend, nothing holding it back", *run),
        Reported("effective_run", "FLOP", "largest run in FLOPs of 2024's algorithms", 1e22, 1e52),
        Reported("reducible_loss", "1", "loss above its floor by the scaling law", 1e-6, 1e2),
        Reported("limit_power", "FLOP", "run that power allows", *run),
        Reported("limit_chips", "FLOP", "run that chips allow", *run),
        Reported("limit_capital", "FLOP", "run that capital allows", *run),
        Reported("limit_interconnect", "FLOP", "largest run of any machine", *run),
        Reported("limit_data", "FLOP", "run that data allow", *run),
        Reported("latency_wall", "FLOP", "run that latencies alone allow", *run),
        Reported("campus_power", "GW", "largest campus", *watt),
        Reported("network_power", "GW", "one developer's campuses in one country", *watt),
        Reported("leading_power", "GW", "power of the largest run", *watt),
        Reported(
            "reference_power",
            "GW",
            "power that a run of 2e29 FLOP takes at the utilisation of small runs",
            *watt,
        ),
        Reported("run_machines", "1", "H100 equivalents that chips allow one run", 1.0, 1e16),
        Reported("run_utilisation", "1", "model FLOP utilisation of the feasible run", 1e-6, 1.0),
        Reported("stock", "1", "AI machines of the world in H100 equivalents", 1e5, 1e16),
        Reported("power_ceiling", "GW", "power that AI campuses of the world can have", *watt),
        Reported("ai_nameplate", "GW", "power that AI machines of the world could draw", *watt),
        Reported("electricity", "TWh/yr", "electricity of the world's data centres", *watt),
        Reported("ai_power", "TWh/yr", "of which AI", *watt),
        Reported("electricity_us", "TWh/yr", "electricity of data centres, United States", *watt),
        Reported("electricity_china", "TWh/yr", "electricity of data centres, China", *watt),
        Reported("electricity_europe", "TWh/yr", "electricity of data centres, Europe", *watt),
        Reported(
            "electricity_asia", "TWh/yr", "electricity of data centres, Asia and Pacific without China", *watt
        ),
        Reported("demand_us", "GW", "power that US data centres could draw", *watt),
        Reported(
            "inference_power", "TWh/yr", "electricity of the tokens that users read, bottom-up", 1.0, 1e18
        ),
        Reported("answer_energy", "Wh", "energy of an answer at the meter", 1e-3, 1e8),
        Reported("capital", "B$/yr", "spending on AI machines and buildings", 1e9 / year, 1e15 / year),
        Reported("revenue", "B$/yr", "revenue from AI", 1e9 / year, 1e15 / year),
        Reported("users", "1", "people who use AI every week", 1e8, 1e11),
        *(Reported(*row) for row in TOLD),
        Reported("chip_watts", "W", "chip watts per H100 equivalent, new chips", 1e-2, 1e5),
        Reported("data_stock", "tokens", "tokens of data that can be had", 1e11, 1e20),
        Reported(
            "text_exhausted",
            "1",
            "year in which the run on trend reads all human text",
            2020.0,
            2060.0,
            False,
            True,
        ),
    )


REPORTED: tuple[Reported, ...] = (
    *_table(),
    *(Reported(*row) for part in (energy, environment, society) for row in part.TOLD),
    *(Reported(*row, logarithmic=False) for row in society.LINEAR),
)
"""What a result tells by year."""

EXTRA = (
    "binding", "binding_flat", "binding_actual", "fleet_limit", "made_limit", "relief_power", "relief_chips",
    "relief_capital",    "relief_interconnect", "relief_data", *UNTOLD,
)  # fmt: skip
"""Outputs that are counted otherwise."""


_ROOMS = (demand, fleet, adoption, limits, electricity, energy, environment, society)
FRAME = Frame.joined(room.BLOCKS for room in _ROOMS)
"""The blocks of the outlook; whoever adds a module names it here, and above what is reported."""
