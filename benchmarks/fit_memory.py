"""Fit of what the allocator wastes to measured memory, and who judges it.

    python benchmarks/fit_memory.py [--write] [--json]

One bounded number a value of the flag ``allocator``, ``fragmentation``, each fitted to one source: segments
that grow to what SimuMax's B200 runs reserve, blocks of the first years to logs of 2021 (Jean Zay, V100),
those that FSDP gathers into to torchao's runs of early 2025. Everything else follows from the code of the
frameworks. BigScience's runs of 2022 (A100),
torchtitan's tables and the runs of mid 2025 judge. The second table turns fit and judge round for
Megatron-DeepSpeed. ``--write`` puts the numbers into the catalog (``software_values.details.csv``).
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gigawatt.validation.files import Refusals, data_folder
from gigawatt.validation.memory import MemoryCase, MemoryScorecard, judge, memory_case
from gigawatt.validation.rows import read_rows

DETAILS = Path(__file__).parents[1] / "src/gigawatt/catalog/data/software_values.details.csv"
STEPS = 31


Numbers = dict[tuple[str, str], float]
QUANTITY, LOW, HIGH = "fragmentation", 0.0, 0.3


@dataclass(frozen=True)
class Knob:
    """The fragmentation of a value of ``allocator``, fitted on rows of ``source`` that count ``counted``."""

    allocator: str
    source: str
    counted: str

    @property
    def key(self) -> tuple[str, str]:
        """Row of ``software_values``, and quantity."""
        return f"allocator:{self.allocator}", QUANTITY


KNOBS = (
    Knob("expandable", "SimuMax", "reserved"),
    Knob("caching", "Jean Zay", "reserved"),
    Knob("segmented", "early 2025", "reserved"),
)
TURNED = (Knob("caching", "BigScience", "device"),)


def cases() -> list[MemoryCase]:
    """Every shipped row that reports memory."""
    rows = [row for name in ("training.csv", "memory.csv") for row in read_rows(data_folder() / name)]
    return [memory_case(row) for row in rows if row.number("mem_gib") is not None]


def fit(knob: Knob, everything: Sequence[MemoryCase], numbers: Numbers) -> float:
    """The value between the bounds with the least mean absolute error on the knob's rows."""
    mine = [c for c in everything if knob.source in c.case.row.text("source") and c.counted == knob.counted]
    low, high = LOW, HIGH
    best = low
    for _ in range(2):
        trials = np.linspace(low, high, STEPS)
        errors = [
            np.mean([abs(one.error) for one in judge(mine, {**numbers, knob.key: float(value)})[0]])
            for value in trials
        ]
        best = float(trials[int(np.argmin(errors))])
        width = (high - low) / (STEPS - 1)
        low, high = max(LOW, best - width), min(HIGH, best + width)
    return round(best, 3)


def fitted(knobs: Sequence[Knob], everything: Sequence[MemoryCase]) -> Numbers:
    """The numbers of all knobs, fitted one after the other."""
    numbers: Numbers = {}
    for knob in knobs:
        numbers[knob.key] = fit(knob, everything, numbers)
    return numbers


def write(numbers: Numbers) -> None:
    """The fitted numbers in their rows of the catalog."""
    with DETAILS.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.reader(stream))
    at = rows[0].index("value")
    for row in rows[1:]:
        if (row[0], row[1]) in numbers:
            row[at] = f"{numbers[row[0], row[1]]:g}"
    with DETAILS.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, lineterminator="\n").writerows(rows)


def show(title: str, numbers: Numbers, everything: Sequence[MemoryCase]) -> None:
    """Print errors by source."""
    card = MemoryScorecard(tuple(judge(everything, numbers)[0]), Refusals())
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
    numbers = fitted(KNOBS, everything)
    if given.write:
        write(numbers)
    if given.json:
        print(json.dumps([{**vars(k), "value": numbers[k.key]} for k in KNOBS]))
        return
    for knob in KNOBS:
        print(f"{QUANTITY} of {knob.allocator}: {numbers[knob.key]:g} from {knob.source}, {knob.counted}")
    show("MAPE, median, p90, bias", numbers, everything)
    turned = fitted(TURNED, everything)
    print(f"turned round: fragmentation {turned[TURNED[0].key]:g} from BigScience's A100 runs")
    mine = [c for c in everything if c.case.software.settings["allocator"] == TURNED[0].allocator]
    show("MAPE, median, p90, bias", turned, mine)


if __name__ == "__main__":
    main()
