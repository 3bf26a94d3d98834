"""Fit of what the allocator wastes to measured memory, and who judges it.

    python benchmarks/fit_memory.py [--write] [--json]

One bounded number a stack, ``fragmentation``, each fitted to one source: Megatron Core to what SimuMax's B200
runs reserve, Megatron-LM and DeepSpeed to logs of 2021 (Jean Zay, V100), PyTorch FSDP to torchao's runs of
early 2025. Everything else follows from the code of the stacks. BigScience's runs of 2022 (A100),
torchtitan's tables and the runs of mid 2025 judge. The second table turns fit and judge round for
Megatron-DeepSpeed. ``--write`` puts the numbers into the catalog (``stacks_memory.details.csv``).
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gigawatt.performance.stacks import Stack, load_stack
from gigawatt.validation.files import data_folder
from gigawatt.validation.memory import MemoryCase, MemoryScorecard, judge, memory_case
from gigawatt.validation.rows import read_rows

DETAILS = Path(__file__).parents[1] / "src/gigawatt/catalog/data/stacks_memory.details.csv"
STEPS = 31


@dataclass(frozen=True)
class Knob:
    """One number: fitted on the rows of ``source`` that count ``counted``, used for ``stacks``."""

    quantity: str
    low: float
    high: float
    source: str
    counted: str
    stacks: tuple[str, ...]


MEGATRON_CORE = ("megatron-core-2024", "nemo-2025", "nemo-2026", "nemo-mlperf")
OLD = ("megatron-2021", "megatron-2022", "deepspeed-2022", "deepspeed-2023")
FSDP = ("fsdp-2023", "fsdp-2024", "fsdp-2025")
KNOBS = (
    Knob("fragmentation", 0.0, 0.3, "SimuMax", "reserved", MEGATRON_CORE),
    Knob("fragmentation", 0.0, 0.3, "Jean Zay", "reserved", OLD),
    Knob("fragmentation", 0.0, 0.3, "early 2025", "reserved", FSDP),
)
TURNED = (Knob("fragmentation", 0.0, 0.3, "BigScience", "device", OLD),)


def cases() -> list[MemoryCase]:
    """Every shipped row that reports memory."""
    rows = [row for name in ("training.csv", "memory.csv") for row in read_rows(data_folder() / name)]
    return [memory_case(row) for row in rows if row.number("mem_gib") is not None]


def loaded(everything: Sequence[MemoryCase]) -> dict[str, Stack]:
    """The catalog's stack of every case, by its line in ``stacks_memory``."""
    return {one.memory_of: load_stack(one.stack, one.memory_of) for one in everything}


def fit(knob: Knob, everything: Sequence[MemoryCase], stacks: Mapping[str, Stack]) -> float:
    """The value between the bounds with the least mean absolute error on the knob's rows."""
    mine = [c for c in everything if knob.source in c.case.row.text("source") and c.counted == knob.counted]
    low, high = knob.low, knob.high
    best = low
    for _ in range(2):
        trials = np.linspace(low, high, STEPS)
        errors = []
        for value in trials:
            tried = {name: replace(stack, **{knob.quantity: float(value)}) for name, stack in stacks.items()}
            errors.append(np.mean([abs(one.error) for one in judge(mine, tried)[0]]))
        best = float(trials[int(np.argmin(errors))])
        width = (high - low) / (STEPS - 1)
        low, high = max(knob.low, best - width), min(knob.high, best + width)
    return round(best, 3)


def fitted(knobs: Sequence[Knob], everything: Sequence[MemoryCase]) -> tuple[dict[str, Stack], list[float]]:
    """Stacks with all knobs fitted one after the other, and the values."""
    stacks = loaded(everything)
    values: list[float] = []
    for knob in knobs:
        values.append(fit(knob, everything, stacks))
        for name in knob.stacks:
            if name in stacks:
                stacks[name] = replace(stacks[name], **{knob.quantity: values[-1]})
    return stacks, values


def write(values: Sequence[float]) -> None:
    """The fitted numbers as details of ``stacks_memory``, with bounds as their range."""
    with DETAILS.open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream, lineterminator="\n")
        out.writerow(
            ("id", "quantity", "value", "low", "high", "unit", "grade", "source_id", "locator", "note")
        )
        for knob, value in zip(KNOBS, values, strict=True):
            for stack in knob.stacks:
                out.writerow(
                    (stack, knob.quantity, value, knob.low, knob.high, "", "calibrated",
                     "gigawatt-memory-fit", f"{knob.source}, {knob.counted}", "range is the bounds")
                )  # fmt: skip


def show(title: str, stacks: Mapping[str, Stack], everything: Sequence[MemoryCase]) -> None:
    """Print errors by source."""
    card = MemoryScorecard(tuple(judge(everything, stacks)[0]), ())
    print(title)
    for group in card.card().groups:
        e = group.summary
        errors = " ".join(f"{one or 0.0:7.1%}" for one in (e.mape, e.median_ape, e.p90_ape, e.bias))
        print(f"  {group.group:60} {e.n:4} {errors}")


def main() -> None:
    """Fit, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    everything = cases()
    stacks, values = fitted(KNOBS, everything)
    if given.write:
        write(values)
    if given.json:
        print(json.dumps([{**vars(k), "value": v} for k, v in zip(KNOBS, values, strict=True)]))
        return
    for knob, value in zip(KNOBS, values, strict=True):
        print(f"{knob.quantity} of {', '.join(knob.stacks)}: {value:g} from {knob.source}, {knob.counted}")
    show("MAPE, median, p90, bias", stacks, everything)
    turned, others = fitted(TURNED, everything)
    print(f"turned round: fragmentation {others[0]:g} from BigScience's A100 runs")
    mine = [c for c in everything if c.memory_of in OLD]
    show("MAPE, median, p90, bias", turned, mine)


if __name__ == "__main__":
    main()
