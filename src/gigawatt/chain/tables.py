"""The tables of a result from the chain's objects; docs/result.md has every column."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.chain.site.capacity_chain import chain_rows
from gigawatt.chain.supply.flexibility import rows_of
from gigawatt.chain.supply.grid_tariff import bill_of, bill_rows
from gigawatt.chain.supply.quantities import HOUR
from gigawatt.core.quantities import HOURS_PER_YEAR
from gigawatt.schema.fields import LOAD, TRAINING
from gigawatt.schema.pins import word_of
from gigawatt.workload import block_operations, embedding_operations, head_operations

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["tables_of"]

Objects = Mapping[str, Any]
_MW, _GWH, _MWH = 1e6, 3.6e12, 3.6e9


def _frame(rows: list[dict[str, Any]], index: str) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(rows).set_index(index)


def _breakdown(o: Objects) -> pd.DataFrame:
    parts, total = o["training.breakdown"], o["training.effective_step_time"]
    return _frame([{"part": k, "time [s]": v, "share []": v / total} for k, v in parts.items()], "part")


def _goodput(o: Objects) -> pd.DataFrame:
    found = o["training.reliability"].parts
    return _frame([{"part": k, "share []": v} for k, v in found.items()], "part")


def _relief(o: Objects) -> pd.DataFrame:
    step = o["training.effective_step_time"]
    rows = [
        {"resource": k, "step_time [s]": v, "gain []": 1.0 - v / step}
        for k, v in o["training.relief"].items()
    ]
    return _frame(sorted(rows, key=lambda row: -row["gain []"]), "resource")


def _layouts(o: Objects) -> pd.DataFrame:
    best = o["layouts.search"].best
    frame = best.layouts.to_frame()
    for name in ("recompute", "schedule", "shard", "offload"):
        frame[name] = [word_of(name, v) for v in frame[name]]
    frame["sequence_parallel"] = ["yes" if v else "no" for v in frame["sequence_parallel"]]
    frame["step_time [s]"] = best.step_time
    frame["mfu []"] = best.mfu
    frame["memory [GB]"] = np.asarray(best.memory_total) / 1e9
    frame.insert(0, "rank", np.arange(1, len(frame) + 1))
    return frame.set_index("rank")


def _operations(o: Objects) -> pd.DataFrame:
    """A row per kernel of one microbatch on one device under the best layout, by kind of layer."""
    import pandas as pd

    run, best = o["training.run"], o["layouts.search"].best.layouts.take(np.arange(1))
    sizes = {
        name: getattr(best, name).astype(float)
        for name in ("microbatch", "tensor", "context", "expert", "sequence_parallel")
    }
    given = {**sizes, "sequence": float(run.sequence), "number_format": run.number_format}
    model = run.architecture
    groups = [(b.name, b.count * b.repeats, block_operations(model, b, **given)) for b in model.blocks]
    groups.append(("embedding", 1, embedding_operations(model, **given)))
    groups.append(("head", 1, head_operations(model, **given)))
    rows = [
        {
            "block": block,
            "layers": count,
            "operation": op.name,
            "phase": op.phase,
            "kind": op.kind,
            "m": int(_one(op.m)),
            "n": int(_one(op.n)),
            "k": int(_one(op.k)),
            "batch": _one(op.batch),
            "launches": int(_one(op.launches)),
            "flops [GFLOP]": _one(op.flops) / 1e9,
            "read [MB]": _one(op.bytes_read) / 1e6,
            "written [MB]": _one(op.bytes_written) / 1e6,
            "format": op.number_format,
        }
        for block, count, operations in groups
        for op in operations
    ]
    return pd.DataFrame(rows)


def _one(column: Any) -> float:
    """The single value of a column of one layout."""
    return float(np.ravel(column)[0])


def _memory(o: Objects) -> pd.DataFrame:
    best, chip = o["layouts.search"].best, o["machine.machine"].cluster.chip
    rows = [{"part": k, "bytes [GB]": float(v[0]) / 1e9} for k, v in best.memory.items()]
    rows.append({"part": "capacity", "bytes [GB]": chip.memory_bytes / 1e9})
    return _frame(rows, "part")


def _energy(o: Objects) -> pd.DataFrame:
    per_step, tokens = dict(o["machine.energy"]), o["training.tokens_per_step"]
    waiting = o["machine.power_it"] / o["training.runs"] * o["training.effective_step_time"]
    per_step["waiting"] = max(0.0, waiting - sum(per_step.values()))
    it = sum(per_step.values())
    per_step["building"] = it * (o["facility.pue"] - 1.0)
    total, whole = sum(per_step.values()), 1.0 + o["training.overhead"]
    rows = [
        {"component": k, "energy [kWh/Mtoken]": v * whole / tokens * 1e6 / 3.6e6, "share []": v / total}
        for k, v in per_step.items()
    ]
    return _frame(rows, "component")


def _flows(o: Objects, energy: Callable[[Objects], pd.DataFrame] = _energy) -> pd.DataFrame:
    """Year means, MW. Sources → electricity → building losses and IT → components."""
    import pandas as pd

    plan, load = o["supply.plan"], o["facility.load"]
    rows: list[tuple[str, str, float]] = []
    for i, plant in enumerate(plan.plants):
        given, taken = (float(np.mean(flow[:, i])) * plan.duty for flow in (plan.dispatch, plan.charge))
        if plant.kind == "storage":
            if taken > 0.0:
                rows.append(("electricity", plant.name, taken))
                rows.append((plant.name, "served", given))
                rows.append((plant.name, "storage losses", taken - given))
        elif given > 0.0:
            rows.append((plant.name, "electricity", given))
    supplied = sum(v for s, t, v in rows if t == "electricity")
    charged = sum(v for s, t, v in rows if s == "electricity")
    rows.append(("electricity", "served", supplied - charged))
    for name, lacking in (("not served", plan.not_served), ("load cut", plan.cut)):
        if float(np.mean(lacking)) > 0.0:
            rows.append((name, "served", float(np.mean(lacking)) * plan.duty))
    it = float(np.mean(load.it))
    rows.append(("served", "building", float(np.mean(load.facility)) - it))
    rows.append(("served", "computing", it))
    column = energy(o)["energy [kWh/Mtoken]"]
    parts = dict(zip(column.index.astype(str), column.to_numpy(float), strict=True))
    del parts["building"]
    whole = sum(parts.values())
    rows.extend(("computing", name, it * value / whole) for name, value in parts.items())
    kept = [row for row in rows if row[2] > 1e-9]
    return pd.DataFrame([{"source": s, "target": t, "power [MW]": v / _MW} for s, t, v in kept])


def _hourly(o: Objects) -> pd.DataFrame:
    import pandas as pd

    plan, load, weather = o["supply.plan"], o["facility.load"], o["site.weather"]
    columns: dict[str, Any] = {"load [MW]": plan.load}
    for i, plant in enumerate(plan.plants):
        columns[f"{plant.id} [MW]"] = plan.dispatch[:, i]
        if plant.kind == "storage":
            columns[f"{plant.id} charge [MW]"] = plan.charge[:, i]
            columns[f"{plant.id} stored [MWh]"] = plan.state_of_charge[:, i]
    columns["curtailed [MW]"] = plan.curtailed.sum(1)
    columns["not served [MW]"] = plan.not_served
    if np.any(plan.cut) or np.any(plan.waiting):
        columns["cut [MW]"] = plan.cut
        columns["waiting [MWh]"] = plan.waiting
    for name, values in columns.items():  # means of the hour, as its energy is
        columns[name] = values * plan.duty / (_MWH if name.endswith("[MWh]") else _MW)
    if plan.duty < 1.0:
        columns["running load [MW]"] = plan.load / _MW
    columns["price [$/MWh]"] = plan.price * _MWH
    columns["pue []"] = np.tile(load.pue, plan.years)
    columns["temperature [degC]"] = np.tile(weather.air_temperature() - 273.15, plan.years)
    return pd.DataFrame(columns, index=pd.RangeIndex(len(plan.load), name="hour"))


def _plants(o: Objects) -> pd.DataFrame:
    plan, dates = o["supply.plan"], o["supply.arrivals"].by
    energy, lost = plan.energy("dispatch"), plan.energy("curtailed")
    rows: list[dict[str, Any]] = []
    for plant in plan.plants:
        capacity = plan.capacity[plant.id]
        made = energy[plant.id]
        full = capacity * plan.hours * HOUR
        lead = dates[plant.id].lead[0] if plant.id in dates else plant.lead_time
        rows.append(
            {
                "plant": plant.id,
                "name": plant.name,
                "kind": plant.kind,
                "capacity [MW]": capacity / _MW,
                "store [MWh]": plan.storage_energy.get(plant.id, 0.0) / _MWH,
                "energy [GWh]": made / _GWH,
                "capacity_factor []": made / full if full > 0.0 else 0.0,
                "curtailed [GWh]": lost[plant.id] / _GWH,
                "cost [M$/yr]": sum(plan.cost[plant.id].values()) / 1e6,
                "carbon [kt/yr]": plan.carbon[plant.id] / 1e6,
                "lead_time [yr]": lead / (HOURS_PER_YEAR * HOUR),
            }
        )
    return _frame(rows, "plant")


def _ledger(o: Objects) -> pd.DataFrame:
    books = o["ledger.ledger"]
    year, run = books.yearly.sum(axis=1), books.run.sum(axis=1)
    total = float(run.sum())
    rows = [
        {
            "component": name,
            "capital [M$]": float(books.upfront[i]) / 1e6,
            "annual [M$/yr]": float(year[i]) / 1e6,
            "run [M$]": float(run[i]) / 1e6,
            "share []": float(run[i]) / total if total else 0.0,
        }
        for i, name in enumerate(books.components)
    ]
    return _frame(rows, "component")


def _per_token(o: Objects) -> pd.DataFrame:
    rows = [
        {"quantity": k, "value": v, "unit": k.split(" ")[0]}
        for k, v in o["ledger.ledger"].per_token().items()
    ]
    return _frame(rows, "quantity")


def _capacity_chain(o: Objects) -> pd.DataFrame:
    return _frame(chain_rows(o["facility.capacity_chain"]), "stage")


def _flexibility(o: Objects) -> pd.DataFrame:
    return _frame(rows_of(o["load.ladder"], o["supply.plan"]), "what")


def _bill(o: Objects) -> pd.DataFrame:
    bill = bill_of(o["supply.plan"])
    assert bill is not None
    return _frame(bill_rows(bill), "line").drop(columns="kind")


_OF_SUPPLY: dict[str, Callable[[Objects], pd.DataFrame]] = {
    "hourly": _hourly, "plants": _plants, "bill": _bill, "capacity_chain": _capacity_chain,
}  # fmt: skip
_OF_LOAD = {**_OF_SUPPLY, "ledger": lambda o: _ledger(o).drop(columns="run [M$]")}
_OF_TRAINING: dict[str, Callable[[Objects], pd.DataFrame]] = {
    "breakdown": _breakdown,
    "goodput": _goodput,
    "relief": _relief,
    "layouts": _layouts,
    "operations": _operations,
    "memory": _memory,
    "energy": _energy,
    "flows": _flows,
    **_OF_SUPPLY,
    "flexibility": _flexibility,
    "ledger": _ledger,
    "per_token": _per_token,
}


def tables_of(branch: str, quantities: Mapping[str, Any]) -> dict[str, Callable[[Objects], pd.DataFrame]]:
    """The tables of a branch of the chain by name, each made of the values of its quantities.

    That of a ladder is left out where ``quantities`` have none: a service has one where it is asked; that of
    a bill where no connection has a tariff.
    """
    found = {TRAINING: _OF_TRAINING, LOAD: _OF_LOAD}.get(branch) or _of_serving()
    plan = quantities.get("supply.plan")
    billed = plan is not None and any(plant.metered is not None for plant in plan.plants)
    there = {"flexibility": "load.ladder" in quantities, "bill": billed}
    return {k: make for k, make in found.items() if there.get(k, True)}


def _of_serving() -> dict[str, Callable[[Objects], pd.DataFrame]]:
    from gigawatt.chain.serving import tables as served  # which a training run does without

    return {
        "breakdown": served.breakdown,
        "relief": served.relief,
        "configurations": served.configurations,
        "day": served.day,
        "latency": served.latency,
        "promise": served.promise,
        "memory": served.memory,
        "energy": served.energy,
        "wall": served.wall,
        "formats": served.formats,
        "flows": lambda o: _flows(o, served.energy),
        **_OF_SUPPLY,
        "flexibility": _flexibility,
        "ledger": served.ledger,
        "per_token": served.per_token,
    }
