"""Processor seconds of ``gigawatt run`` on scenarios of any size whose electricity is bought at a price.

Without a supply search a scenario must take no more than three seconds of a user's processor time, start of
Python, report and files included; with ``--plans`` scenarios whose plants are searched, fifteen. On a machine
that others use the ratio to a fixed loop, measured before and after each, says more:

    python benchmarks/run_seconds.py [--plans] [--most 3] [--repeat 1] [--only WORD]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

MOST_SECONDS, MOST_SECONDS_OF_PLANS = 3.0, 15.0
LOOP = 6_000_000
"""Turns of the loop that seconds are compared with."""
COMMON: dict[str, Any] = {"site.name": "virginia", "supply.price": "80 $/MWh", "year": 2026}
RUN: dict[str, Any] = {"model": "llama-3.1-405b", "training.tokens": "15.6T tokens"}
PLANT: dict[str, Any] = {"site.name": "texas", "supply.price": None, "supply.grid.price": "60 $/MWh"}
SERVICE: dict[str, Any] = {"model": "llama-3.1-70b", "machine.chip": "H100"}


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, settings) of runs by number, power and parallel runs, of services, budgets and loads."""
    for chip in ("H100", "GB200", "TPU-v5p", "MI300X"):
        for count in ("2,048", "10,000", "100,000", "2,000,000"):
            yield f"{count} {chip}", RUN | {"machine.chip": chip, "machine.count": count}
    for chip in ("H100", "GB200"):
        for power in ("20 MW", "300 MW", "1 GW", "10 GW"):
            for runs in ("1", "auto"):
                asked = {"machine.chip": chip, "machine.power": power, "training.runs": runs}
                yield f"{power} of {chip}, {runs} runs", RUN | asked
    held = {"machine.chip": "H100", "training.global_batch": "16M tokens"}
    for count in ("10,000", "100,000", "2,000,000"):
        yield f"{count} H100, a batch given", RUN | held | {"machine.count": count}
    yield "1 GW of GB200, 56 runs", RUN | {
        "machine.chip": "GB200", "machine.power": "1 GW", "training.runs": "56",
        "training.global_batch": "16M tokens", "training.number_format": "fp8",
    }  # fmt: skip
    yield "DeepSeek-V3 on 2,048 H800", {
        "model": "deepseek-v3", "training.tokens": "14.8T tokens", "machine.chip": "H800",
        "machine.count": "2,048",
    }  # fmt: skip
    yield "8B on 64 H100", RUN | {
        "model": "llama-3.1-8b", "machine.chip": "H100", "machine.count": "64",
    }  # fmt: skip
    for budget in ("50 M$", "5 billion $"):
        yield f"a run for {budget}", RUN | {"machine.chip": "H100", "economics.budget": budget}
    yield "a run within 60 days", RUN | {"machine.chip": "H100", "training.deadline": "60 d"}
    for demand in ("10 requests/s", "10,000 requests/s"):
        yield f"a service of {demand}", SERVICE | {"serving.demand": demand}
    yield "a service within 300 MW", SERVICE | {"serving.objective": "interactive", "machine.power": "300 MW"}
    yield "a service for 500 M$", SERVICE | {"serving.objective": "interactive", "economics.budget": "500 M$"}
    yield "a load of 300 MW", {"load": "300 MW"}


def plans() -> Iterator[tuple[str, dict[str, Any]]]:
    """(name, settings) of scenarios whose supply is searched among the usual plants."""
    yield "a plan for 16,384 H100", RUN | PLANT | {"machine.chip": "H100", "machine.count": "16,384"}
    yield "a plan for 1 GW of H100", RUN | PLANT | {"machine.chip": "H100", "machine.power": "1 GW"}
    yield "a plan for DeepSeek-V3 on 10 GW of GB200", PLANT | {
        "model": "deepseek-v3", "training.tokens": "14.8T tokens", "machine.chip": "GB200",
        "machine.power": "10 GW",
    }  # fmt: skip
    yield "a plan for a service", PLANT | SERVICE | {"serving.demand": "115 requests/s"}


def loop() -> float:
    """Processor seconds of a loop of plain additions."""
    started, total = os.times().user, 0
    for turn in range(LOOP):
        total += turn & 7
    return os.times().user - started


def seconds(settings: dict[str, Any]) -> tuple[float, str]:
    """(processor seconds of the command, those of the system left out; what it refused)."""
    nested: dict[str, Any] = {}
    for key, value in (COMMON | settings).items():
        *sections, name = key.split(".")
        where = nested
        for section in sections:
            where = where.setdefault(section, {})
        if value is not None:
            where[name] = value
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with TemporaryDirectory() as folder:
        scenario = Path(folder, "scenario.yaml")
        scenario.write_text(json.dumps(nested), encoding="utf-8")
        command = [sys.executable, "-m", "gigawatt", "run", str(scenario), "--output", f"{folder}/answer"]
        # compiled modules are kept, as on a user's machine
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600, env=kept)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime, done.stderr.strip()[:200] if done.returncode else ""


def main() -> int:
    """Print what each case takes, the least of some times; 1 where one takes too long."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plans", action="store_true")
    parser.add_argument("--most", type=float)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--only", default="")
    said = parser.parse_args()
    most: float = said.most or (MOST_SECONDS_OF_PLANS if said.plans else MOST_SECONDS)
    spent: list[float] = []
    for name, settings in plans() if said.plans else cases():
        if said.only not in name:
            continue
        before = loop()
        found = [seconds(settings) for _ in range(said.repeat)]
        spent.append(min(one for one, _ in found))
        ratio = 2.0 * spent[-1] / (before + loop())
        print(f"{spent[-1]:6.2f} s  {ratio:6.1f} loops  {name}  {found[0][1]}", flush=True)
    late = sum(one > most for one in spent)
    print(f"{len(spent)} scenarios, {late} over {most:g} CPU-s, slowest {max(spent, default=0.0):.2f}")
    return int(late > 0)


if __name__ == "__main__":
    sys.exit(main())
