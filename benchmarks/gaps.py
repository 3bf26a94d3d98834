"""Catalog rows by the variance they carry over the examples and fifty random scenarios, with what each lacks.

``python benchmarks/gaps.py --out gaps.csv`` draws scenarios of training, serving and flat loads (several
chips, models, places over the world, supplies of default plants, of given plants or at a price, 2026 to 2030)
from one seed, runs each with its uncertainty as ``gigawatt catalog gaps`` does, and writes all rows by their
share of the variance of key figures, after each scenario. A scenario without an answer is named and another
is drawn in its place. Columns: ``share`` (over all scenarios, weighted by log width), ``scenarios`` (how many
it acts in), ``range``, ``source`` (graded better than a guess, of a source that someone else wrote),
``reason``: locator or note speak of the range, a rule of thumb by words, which a reader has to confirm.
"""

from __future__ import annotations

import argparse
import csv
import re
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import yaml

from gigawatt import catalog
from gigawatt.core.errors import GigawattError
from gigawatt.core.evidence import Evidence, Grade
from gigawatt.studies.catalog.gaps import catalog_gaps

__all__ = ["random_scenario"]

SEED, MOST = 20261201, 120
CHIPS = (
    "A100-SXM4-80GB", "H100-SXM5-80GB", "H100-SXM5-80GB", "H200-SXM-141GB", "H20-96GB", "B200-SXM-180GB",
    "B200-SXM-180GB", "GB200", "GB300", "MI300X", "MI355X", "TPU-v5p", "TPU-v6e", "VR200", "Trainium2",
)  # fmt: skip
TRAINED = (
    "llama-3.1-8b", "llama-3.1-70b", "llama-3.1-405b", "deepseek-v3", "qwen3-235b-a22b", "qwen3-32b",
    "gpt-oss-120b", "mixtral-8x22b",
)  # fmt: skip
SERVED = ("llama-3.1-8b", "llama-3.1-70b", "llama-3.1-70b", "qwen3-32b", "gpt-oss-120b", "mixtral-8x7b")
PLACES = (
    "abilene-texas", "virginia", "columbus-ohio", "atlanta-georgia", "phoenix-arizona", "des-moines-iowa",
    "the-dalles", "new-york", "montreal", "queretaro", "sao-paulo", "santiago", "london", "dublin",
    "frankfurt", "paris", "madrid", "lulea", "bodo", "helsinki", "warsaw", "milan", "dubai", "riyadh",
    "tel-aviv", "johannesburg", "nairobi", "mumbai", "telangana", "chennai", "singapore", "johor-bahru",
    "jakarta", "tokyo", "seoul", "shanghai", "ulanqab", "taipei", "sydney", "auckland",
)  # fmt: skip
SUPPLIES = (
    ["grid"], ["grid", "solar", "battery"], ["grid", "solar", "wind", "battery"],
    ["grid", "solar", "wind", "battery", "gas-engine"], ["grid", "gas-combined-cycle", "solar", "battery"],
    ["grid", "gas-turbine", "battery"], ["grid", "fission-small", "solar", "wind", "battery"],
)  # fmt: skip
COOLING = (None, None, None, "direct-liquid-dry-cooler", "water-cooled-chiller-tower",
           "air-cooled-chiller-economiser")  # fmt: skip
COLUMNS = (
    "rank", "row", "grade", "where", "value", "low", "high", "unit", "share", "largest", "quantity",
    "scenario", "scenarios", "range", "source", "reason", "source_id", "locator", "note",
)  # fmt: skip
_OWN = re.compile(r"recalled|judgement|^gigawatt|\bgigawatt$", re.I)
_REASON = re.compile(
    r"\b(range|low|lowest|high|highest|between|ends?|spread|quantiles?|±|least|most)\b|\d to \d"
)


def random_scenario(case: int) -> dict[str, Any]:
    """Keys of a random scenario, as a file has them."""
    rng = np.random.default_rng([SEED, case])

    def pick(values: Any) -> Any:
        return values[int(rng.integers(len(values)))]

    kind = ("training", "serving", "load")[case % 3]
    keys: dict[str, Any] = {"name": f"{kind} {case}", "year": int(rng.integers(2026, 2031))}
    keys["site"] = {"name": pick(PLACES)}
    cooling = pick(COOLING)
    if cooling:
        keys["site"]["cooling"] = cooling
    way = int(rng.integers(4))
    if way == 0:
        keys["supply"] = {"price": f"{int(rng.integers(35, 160))} $/MWh"}
    elif way < 3:
        keys["supply"] = {"plants": pick(SUPPLIES)}
        if rng.random() < 0.25:
            keys["supply"]["carbon_price"] = f"{int(rng.integers(20, 120))} $/t"
    if kind == "load":
        keys["load"] = {"peak": f"{int(10 ** rng.uniform(0.7, 3))} MW", "profile": "flat"}
        keys.setdefault("supply", {"plants": pick(SUPPLIES)})
        return keys
    keys["machine"] = {"chip": pick(CHIPS)}
    if kind == "training":
        keys["model"] = pick(TRAINED)
        keys["training"] = {
            "tokens": f"{int(rng.integers(1, 20))}T tokens", "sequence": f"{pick((4096, 8192))} tokens",
            "global_batch": f"{pick((1024, 2048, 4096))} sequences",
        }  # fmt: skip
        keys["machine"]["count"] = int(pick((1024, 2048, 4096, 8192, 16384)))
    else:
        keys["model"] = pick(SERVED)
        keys["serving"] = {
            "demand": f"{int(10 ** rng.uniform(1.5, 3.5))} requests/s",
            "trace": pick(("azure-conversation-2023", "azure-code-2023")),
            "objective": pick(("ttft=500ms,tpot=40ms,p90", "ttft=2s,tpot=100ms,p90")),
            "simulated_replicas": 1,
        }  # fmt: skip
    return keys


def _sources(folder: Path) -> Iterator[Path]:
    """Files of random scenarios, without end but for ``MOST``."""
    for case in range(MOST):
        path = folder / f"random-{case:02d}.yaml"
        path.write_text(yaml.safe_dump(random_scenario(case), sort_keys=False), encoding="utf-8")
        yield path


class _Sums:
    """Sums over scenarios that :func:`catalog_gaps` found one by one."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self.names: list[str] = []
        self.figures, self.width, self.guesses = 0, 0.0, 0.0

    def add(self, path: Path, found: Any) -> None:
        """Add what the rows of a scenario carry."""
        self.names.append(path.stem)
        self.figures, self.width = self.figures + found.figures, self.width + found.width
        self.guesses += found.guesses
        for name, one in found.weights.items():
            mine = self.rows.setdefault(name, {"row": one.row, "share": 0.0, "scenarios": 0, "largest": 0.0})
            mine["share"] += one.share
            mine["scenarios"] += 1
            if one.largest > mine["largest"]:
                mine |= {"largest": one.largest, "quantity": one.quantity, "scenario": path.stem}

    def said(self) -> str:
        """One line of totals."""
        share = self.guesses / (self.width or 1.0)
        number = sum(one["row"].grade is Grade.guess for one in self.rows.values())
        return f"{len(self.names)} scenarios, {self.figures} key figures: {share:.2%} on {number} guesses"


def _write(path: Path, sums: _Sums) -> None:
    """The table of rows, by share."""
    ordered = sorted(sums.rows.items(), key=lambda pair: -pair[1]["share"])
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for rank, (name, one) in enumerate(ordered, 1):
            row: Evidence = one["row"]
            text = f"{row.locator} {row.note}"
            source = catalog.source(row.source_id) if row.source_id else None
            read = source is not None and not any(
                map(_OWN.search, (source.id, source.title, source.publisher))
            )
            read = read and row.grade is not Grade.guess
            writer.writerow(
                [rank, name, row.grade.label, row.where, row.written, row.low, row.high, row.unit,
                 f"{one['share'] / (sums.width or 1.0):.6f}", f"{one['largest']:.3f}",
                 one.get("quantity", ""), one.get("scenario", ""), one["scenarios"], row.low is not None,
                 read, bool(_REASON.search(text)), row.source_id, row.locator, row.note]
            )  # fmt: skip


def main() -> None:
    """Run the examples, then random scenarios, writing the table after each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("gaps.csv"))
    parser.add_argument("--number", type=int, default=50)
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--no-examples", action="store_true")
    given = parser.parse_args()
    every, examples, drawn = _Sums(), _Sums(), _Sums()
    shipped = [] if given.no_examples else sorted(Path("examples").glob("*.yaml"))
    with TemporaryDirectory() as folder:
        for path in [*shipped, *_sources(Path(folder))]:
            part = examples if path in shipped else drawn
            if len(drawn.names) >= given.number:
                break
            begun = time.process_time()
            try:
                found = catalog_gaps([path], everything=True, draws=given.draws).found
            except GigawattError as error:
                print(f"{path.stem}: no answer, {str(error)[:150]}", flush=True)
                continue
            for sums in (part, every):
                sums.add(path, found)
            _write(given.out, every)
            print(f"{path.stem}: {time.process_time() - begun:.0f} s; {every.said()}", flush=True)
    for title, sums in (("examples", examples), ("random", drawn), ("both", every)):
        print(f"{title}: {sums.said()}")


if __name__ == "__main__":
    main()
