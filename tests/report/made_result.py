"""A result made by hand from the schema of docs/result.md, with the magnitudes of a 16,384 H100 run.

The faces are tested on it: every text that comes from outside is hostile, every table is there, a small
linear dispatch keeps every hour balanced.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from gigawatt import catalog
from gigawatt.chain.site.capacity_chain import CHAIN_COLUMNS
from gigawatt.core.evidence import Assumption, Evidence, Grade
from gigawatt.core.quantities import factor
from gigawatt.core.result import Quantity, Result

HOSTILE = "<script>alert('x')</script> & \"q\""
HOURS = 8760

#: name, value in the unit, unit, grade
_COMPUTED: tuple[tuple[str, Any, str, Grade], ...] = (
    ("model.parameters", 405_853_388_800, "1", Grade.measured),
    ("model.active_parameters", 405_853_388_800, "1", Grade.measured),
    ("training.step_time", 4.2337, "s", Grade.calibrated),
    ("training.effective_step_time", 4.5123, "s", Grade.calibrated),
    ("training.mfu", 39.87654321, "percent", Grade.calibrated),
    ("training.tokens_per_second", 3_718_125.4, "tokens/s", Grade.calibrated),
    ("training.goodput", 93.83, "percent", Grade.measured),
    ("training.duration", 48.5607, "days", Grade.calibrated),
    ("training.accelerator_hours", 19_094_777.3, "h", Grade.calibrated),
    ("training.binding", "arithmetic", "", Grade.calibrated),
    ("machine.count", 16384, "1", Grade.measured),
    ("machine.power_it", 21.8342, "MW", Grade.modelled),
    ("machine.chip_power", 648.21, "W", Grade.modelled),
    ("facility.pue", 1.1234, "1", Grade.modelled),
    ("facility.power_mean", 24.528, "MW", Grade.modelled),
    ("facility.power_peak", 27.111, "MW", Grade.modelled),
    ("facility.energy", 214.865, "GWh", Grade.modelled),
    ("facility.water", 312_345.6, "m^3", Grade.modelled),
    ("supply.electricity_cost", 51.2345, "$/MWh", Grade.projected),
    ("supply.carbon_intensity", 123.456, "g/kWh", Grade.projected),
    ("supply.gap", 3.2e-10, "1", Grade.measured),
    ("supply.not_served", 12.5, "MWh", Grade.projected),
    ("ledger.total_capital", 1012.3, "M$", Grade.guess),
    ("ledger.annual_cost", 301.5, "M$/yr", Grade.guess),
    ("ledger.run_cost", 40.111, "M$", Grade.guess),
    ("ledger.cost_per_mtoken", 2.5712, "$/Mtoken", Grade.guess),
    ("ledger.energy_per_mtoken", 1.83245, "kWh/Mtoken", Grade.modelled),
    ("ledger.carbon_operational_per_mtoken", 226.2, "g/Mtoken", Grade.projected),
    ("ledger.carbon_embodied_per_mtoken", 61.7, "g/Mtoken", Grade.guess),
    ("ledger.water_per_mtoken", 2.7, "L/Mtoken", Grade.modelled),
    ("layouts.looked_at", 412_332, "1", Grade.measured),
    ("layouts.fit", 98_765, "1", Grade.measured),
)
_WRITTEN: tuple[tuple[str, Any, str, str], ...] = (
    ("scenario.year", 2026, "", "2026"),
    ("model.architecture", "Architecture llama-3.1-405b", "", "llama-3.1-405b"),
    ("training.tokens", 15.6e12, "tokens", "15.6T tokens"),
    ("training.sequence", 8192, "tokens", "8192 tokens"),
    ("machine.chip", "Chip H100", "", "H100-SXM5-80GB"),
    ("site.site", "Site abilene", "", "abilene-texas"),
)


def _evidence() -> tuple[Evidence, ...]:
    known = next(iter(catalog.sources()))
    row = Evidence(
        "H100",
        "price",
        3e4,
        None,
        None,
        "$",
        "30",
        2024,
        2024,
        Grade.guess,
        known,
        "p. 1",
        HOSTILE,
        "chips.csv:7",
    )
    return row, replace(row, quantity="peak", where="chips.csv:8", source_id="a-source-without-a-row")


def _quantities() -> dict[str, Quantity]:
    found: dict[str, Quantity] = {}
    for name, value, unit, grade in _COMPUTED:
        scaled = value * factor(unit) if isinstance(value, float) else value
        found[name] = Quantity(
            name,
            scaled,
            unit,
            grade,
            f"What {name} is.",
            "a × b",
            ("training.tokens",),
            "computed",
            "",
            "",
            "",
            _evidence(),
        )
    for line, (name, value, unit, text) in enumerate(_WRITTEN, 3):
        found[name] = Quantity(
            name,
            value,
            unit,
            Grade.measured,
            f"What {name} is.",
            "",
            (),
            "scenario",
            f"{HOSTILE}.yaml:{line}",
            "",
            text,
        )
    found["site.cooling"] = Quantity(
        "site.cooling",
        "Entity dry",
        "",
        Grade.guess,
        "Cooling.",
        "",
        (),
        "default",
        "",
        f"usual {HOSTILE}",
        "dry",
    )
    return found


def _hourly() -> pd.DataFrame:
    hour = np.arange(HOURS)
    day = np.cos(2 * np.pi * (hour % 24 - 15) / 24)
    season = -np.cos(2 * np.pi * (hour / HOURS))
    temperature = 18 + 11 * season + 6 * day + 3 * np.sin(hour / 61.0)
    pue = 1.08 + 0.003 * np.maximum(temperature - 10, 0)
    load = 21.8342 * pue
    solar = 30.0 * np.clip(day * 1.1 - 0.2 + 0.1 * season, 0, 1)
    wind = 18.0 * (0.5 + 0.45 * np.sin(hour / 17.0) * np.cos(hour / 41.0))
    fission = np.full(HOURS, 3.0)
    surplus = solar + wind + fission - load
    charge = np.clip(surplus, 0, 5.0)
    curtailed = np.clip(surplus - 5.0, 0, None)
    lack = np.clip(-surplus, 0, None)
    battery = np.minimum(lack, np.where(hour % 24 > 17, 3.0, 0.0))
    gas = np.minimum(lack - battery, 4.0)
    grid = np.minimum(lack - battery - gas, 14.0)
    missing = lack - battery - gas - grid
    stored = np.clip(10 + np.cumsum(0.9 * charge - battery) % 20, 0, 40)
    return pd.DataFrame(
        {
            "load [MW]": load,
            "grid [MW]": grid,
            "solar [MW]": solar - curtailed * (solar > 0) * 0,
            "wind [MW]": wind,
            "battery [MW]": battery,
            "battery charge [MW]": charge,
            "battery stored [MWh]": stored,
            "gas-combined-cycle [MW]": gas,
            "fission-small [MW]": fission,
            "curtailed [MW]": curtailed,
            "not served [MW]": missing,
            "price [$/MWh]": 20 + 45 * (grid > 0) + 5000 * (missing > 0),
            "pue []": pue,
            "temperature [degC]": temperature,
        },
        index=pd.RangeIndex(HOURS, name="hour"),
    )


def _flows(hourly: pd.DataFrame, energy: pd.DataFrame) -> pd.DataFrame:
    mean = hourly.mean()
    plants = {
        "Grid connection": "grid",
        "Solar": "solar",
        "Wind onshore": "wind",
        "Gas combined cycle": "gas-combined-cycle",
        "Small fission": "fission-small",
    }
    rows = [(name, "electricity", float(mean[f"{key} [MW]"])) for name, key in plants.items()]
    spill = float(mean["curtailed [MW]"])
    rows[1] = ("Solar", "electricity", rows[1][2] - spill)
    taken, given = float(mean["battery charge [MW]"]), float(mean["battery [MW]"])
    given = min(given, taken)
    rows += [
        ("electricity", "Battery", taken),
        ("Battery", "served", given),
        ("Battery", "storage losses", taken - given),
    ]
    served = sum(p for _, t, p in rows if t == "electricity") - taken
    rows.append(("electricity", "served", served))
    building = (served + given) * 0.11
    it = served + given - building
    rows += [("served", "building", building), ("served", "computing", it)]
    shares = energy["share []"].drop("building")
    rows += [
        ("computing", str(name), it * float(share) / float(shares.sum())) for name, share in shares.items()
    ]
    return pd.DataFrame([{"source": s, "target": t, "power [MW]": p} for s, t, p in rows])


def _given_up() -> pd.DataFrame:
    rows = [
        ("cap of 540 W", 8.3, 970.0, 0.0, 91.8, 3.0, 4.0),
        ("runs paused", 37.1, 2400.0, 194.0, 0.0, 0.0, 0.0),
    ]
    names = ("what", "share [percent]", "cost [$/MWh]", "event [$/MW]", "speed_kept [percent]",
             "cut [MWh/yr]", "hours [h/yr]")  # fmt: skip
    return pd.DataFrame(rows, columns=names).set_index("what")


def _bad_week() -> pd.DataFrame:
    hours = np.arange(168)
    sun = np.clip(np.sin((hours % 24 - 6) / 12 * np.pi), 0.0, None) * 20.0
    lacking = np.where(hours == 30, 2.0, 0.0)
    return pd.DataFrame(
        {"hour": hours + 4000, "load [MW]": 14.0, "sun, wind and cut [MW]": sun,
         "grid there [MW]": 14.0 - lacking, "battery gives [MW]": 0.0, "not served [MW]": lacking}
    )  # fmt: skip


def _stages() -> pd.DataFrame:
    rows = [
        ("grid", "Grid connection", "highest hour that runs", 14.0, 1.0, 1, 0, 1, 14.7, 14.7, ""),
        ("solar", f"Solar {HOSTILE}", "its own capacity", 30.0, 1.0, 1, 0, 1, 35.3, 35.3, ""),
        (
            "substation",
            "transformers from high voltage",
            "highest hour that runs",
            14.0,
            1.0,
            1,
            1,
            1,
            30.0,
            60.0,
            "",
        ),
        (
            "transformer",
            "transformers to low voltage",
            "nameplate at the meter",
            20.0,
            1.0,
            8,
            2,
            1,
            3.0,
            30.0,
            "",
        ),
        ("ups", "UPS modules", "nameplate", 17.0, 1.0, 12, 3, 1, 1.5, 22.5, ""),
        ("racks", "rack feeders", "nameplate", 17.0, 0.8, 145, 0, 1, 0.15, 21.8, "1.5 × for milliseconds"),
    ]
    return pd.DataFrame(rows, columns=list(CHAIN_COLUMNS)).set_index("stage")


def _tables() -> dict[str, pd.DataFrame]:
    parts = {
        "arithmetic": 3.05,
        "memory_bandwidth": 0.31,
        "interconnect_bandwidth": 0.42,
        "interconnect_latency": 0.05,
        "pipeline_bubble": 0.37,
        "launch": 0.0337,
        "failures": 0.2786,
    }
    total = sum(parts.values())
    gains = {
        "arithmetic": 0.334,
        "bandwidth between domains": 0.051,
        "bandwidth inside the domain": 0.043,
        "memory bandwidth": 0.021,
        "interconnect latency": 0.004,
        "launch overhead": 0.003,
    }
    degrees = {
        "tensor": 8,
        "pipeline": 16,
        "interleave": 4,
        "data": 128,
        "context": 1,
        "expert": 1,
        "zero": 1,
        "microbatch": 1,
        "recompute": "none",
        "sequence_parallel": "yes",
    }
    layouts = pd.DataFrame(
        [
            {
                **degrees,
                "data": 128 if i % 2 else 64,
                "step_time [s]": 4.2337 * 1.013**i,
                "mfu []": 0.3988 / 1.013**i,
                "memory [GB]": 61.234 - i,
            }
            for i in range(10)
        ],
        index=pd.RangeIndex(1, 11, name="rank"),
    )
    energy = pd.Series(
        {
            "idle": 0.31,
            "arithmetic": 0.72,
            "dram": 0.2,
            "sram": 0.08,
            "scale_up": 0.02,
            "scale_out": 0.01,
            "node": 0.21,
            "network": 0.05,
            "waiting": 0.03,
            "building": 0.20245,
        }
    )
    energies = pd.DataFrame({"energy [kWh/Mtoken]": energy, "share []": energy / energy.sum()}).rename_axis(
        "component"
    )
    hourly = _hourly()
    plants = pd.DataFrame(
        [
            ("grid", "Grid connection", "grid", 14.0, 0.0, 60.2, 0.49, 0.0, 3.9, 22.0, 3.0),
            ("solar", f"Solar {HOSTILE}", "profile", 30.0, 0.0, 71.0, 0.27, 4.0, 2.1, 0.0, 1.5),
            ("wind", "Wind onshore", "profile", 18.0, 0.0, 79.0, 0.5, 0.0, 2.6, 0.0, 2.0),
            ("battery", "Battery", "storage", 5.0, 20.0, 9.0, 0.2, 0.0, 0.9, 0.0, 1.0),
            (
                "gas-combined-cycle",
                "Gas combined cycle",
                "dispatchable",
                4.0,
                0.0,
                9.1,
                0.26,
                0.0,
                1.0,
                3.7,
                4.0,
            ),
            ("fission-small", "Small fission", "dispatchable", 3.0, 0.0, 26.3, 1.0, 0.0, 2.9, 0.0, 7.0),
            ("fusion", "Fusion", "dispatchable", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 12.0),
        ],
        columns=[
            "plant",
            "name",
            "kind",
            "capacity [MW]",
            "store [MWh]",
            "energy [GWh]",
            "capacity_factor []",
            "curtailed [GWh]",
            "cost [M$/yr]",
            "carbon [kt/yr]",
            "lead_time [yr]",
        ],
    ).set_index("plant")
    ledger = pd.DataFrame(
        [
            ("chips", 491.5, 145.0, 19.29),
            ("nodes", 210.0, 62.0, 8.25),
            ("network", 82.0, 24.2, 3.22),
            ("building", 110.0, 42.0, 5.59),
            ("grid", 9.0, 3.9, 0.52),
            ("solar", 33.0, 2.1, 0.28),
            ("wind", 29.0, 2.6, 0.35),
            ("battery", 9.0, 0.9, 0.12),
            ("gas-combined-cycle", 5.0, 1.0, 0.13),
            ("fission-small", 24.0, 17.0, 2.361),
        ],
        columns=["component", "capital [M$]", "annual [M$/yr]", "run [M$]"],
    ).set_index("component")
    ledger["share []"] = ledger["run [M$]"] / ledger["run [M$]"].sum()
    per_token = pd.DataFrame(
        [
            ("$/Mtoken", 2.5712),
            ("kWh/Mtoken", 1.83245),
            ("gCO2e/Mtoken operational", 226.2),
            ("gCO2e/Mtoken embodied", 61.7),
            ("gCO2e/Mtoken", 287.9),
            ("L/Mtoken on site", 1.9),
            ("L/Mtoken at the plants", 0.8),
            ("L/Mtoken", 2.7),
        ],
        columns=["quantity", "value"],
    ).set_index("quantity")
    per_token["unit"] = [str(n).split(" ")[0] for n in per_token.index]
    return {
        "breakdown": pd.DataFrame(
            {"time [s]": pd.Series(parts), "share []": pd.Series(parts) / total}
        ).rename_axis("part"),
        "relief": pd.DataFrame(
            {"step_time [s]": {k: 4.2337 * (1 - v) for k, v in gains.items()}, "gain []": gains}
        ).rename_axis("resource"),
        "goodput": pd.DataFrame(
            {"share []": {"progress": 0.924, "checkpoint": 0.011, "rework": 0.02, "straggler": 0.045}}
        ).rename_axis("part"),
        "layouts": layouts,
        "memory": pd.DataFrame(
            {
                "bytes [GB]": {
                    "weights": 6.34,
                    "gradients": 12.7,
                    "optimizer": 0.6,
                    "activations": 37.1,
                    "buffers": 4.5,
                    "capacity": 80.0,
                }
            }
        ).rename_axis("part"),
        "energy": energies,
        "flows": _flows(hourly, energies),
        "hourly": hourly,
        "plants": plants,
        "capacity_chain": _stages(),
        "bad_week": _bad_week(),
        "flexibility": _given_up(),
        "ledger": ledger,
        "per_token": per_token,
    }


def make_result(**changes: Any) -> Result:
    """A whole synthetic result; ``changes`` replace fields."""
    result = Result(
        name=f"Llama 3.1 405B in Texas {HOSTILE}",
        quantities=_quantities(),
        tables=_tables(),
        notices=(
            "doubling arithmetic would shorten the step most, by 33.4 % with the same layout",
            f"Small fission: 3 MW ordered in 2026 gives power from about 2033 {HOSTILE}",
        ),
        assumptions=(
            Assumption(
                "site.cooling",
                "dry cooler",
                f"the usual cooling {HOSTILE}",
                Grade.guess,
                next(iter(catalog.sources())),
            ),
            Assumption("training.optimizer", "adamw", "the stack's own recipe", Grade.measured),
            Assumption(
                "machine.node", "dgx-h100", "the chip's usual node", Grade.vendor, "a-source-without-a-row"
            ),
        ),
        run={
            "scenario": f"examples/{HOSTILE}.yaml",
            "scenario_hash": "abc123def456",
            "catalog": "0123456789ab",
            "gigawatt": "0.1.0",
            "python": "3.12.1",
            "packages": {"numpy": "2.4.6"},
            "seconds": 4.2,
            "cpu_seconds": 6.1,
        },
    )
    return replace(result, **changes)
