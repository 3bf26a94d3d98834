"""Which files a process opens: a script that fills the leaves of scenarios with what a visitor might write.

``python watcher.py FOLDER CHECK`` with values on standard input (JSON). ``CHECK`` is ``vetted`` (as the page
does) or ``unchecked`` (what would happen without). Prints JSON: for each key and value what came of it, and
the files opened that are none of the package and of Python.
"""

from __future__ import annotations

import json
import os
import sys
import sysconfig
from pathlib import Path
from typing import Any

import gigawatt
from gigawatt.chain.graph import graph_of
from gigawatt.chain.leaves import fill_leaves
from gigawatt.core.errors import GigawattError
from gigawatt.faces.web.uploads.paths import confirm, vetted
from gigawatt.schema.changed import scenario_with
from gigawatt.schema.fields import fields
from gigawatt.schema.scenario import LoadedScenario, read_scenario

OURS = tuple(
    os.path.realpath(place)
    for place in (
        Path(gigawatt.__file__).parent, sys.prefix, sys.base_prefix, sysconfig.get_path("purelib"),
        "/proc/self", "/proc/meminfo", "/proc/cpuinfo", "/sys", "/dev/null",
    )
)  # fmt: skip
EVENTS = {
    "open",
    "os.listdir",
    "os.scandir",
    "os.open",
    "glob.glob",
    "pathlib.Path.glob",
    "os.truncate",
    "os.remove",
}
BASES = {
    "training": "model: llama-3.1-8b\ntraining: {tokens: 1T tokens}\n"
    "machine: {chip: H100-SXM5-80GB, count: 8}\nsite: {name: abilene-texas}\n",
    "serving": "model: llama-3.1-8b\nserving: {demand: 10 requests/s}\nmachine: {chip: H100-SXM5-80GB}\n"
    "site: {name: abilene-texas}\n",
    "load": "load: {mean: 10 MW}\nsite: {name: abilene-texas}\n",
}


def base_of(key: str) -> str:
    if key.startswith("load."):
        return "load"
    return "serving" if key.startswith("serving") else "training"


def changes_of(key: str, value: Any) -> dict[str, Any]:
    if key == "supply.capacity_factors":
        return {key: {"solar": value}}
    return {"load.mean": None, key: value} if key == "load.hours" else {key: value}


def answer_load(loaded: LoadedScenario) -> None:
    """The hours of a load are read by the quantity that needs them, not before."""
    if loaded.scenario.load is not None:
        graph_of(loaded).evaluate(fill_leaves(loaded)[0], targets=["facility.load"])


def main(folder: Path, check: str, values: list[Any]) -> None:
    os.chdir(folder)
    bases = {}
    for name, text in BASES.items():
        (folder / f"{name}.yaml").write_text(text)
        bases[name] = read_scenario(folder / f"{name}.yaml")
        answer_load(bases[name])
        fill_leaves(bases[name])  # imports and caches: what comes later is due to a value
    opened: list[str] = []

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in EVENTS and arguments and isinstance(arguments[0], str | bytes | os.PathLike):
            opened.append(os.path.realpath(os.fsdecode(arguments[0])))

    sys.addaudithook(hook)
    found: list[dict[str, Any]] = []
    for key in sorted(fields()):
        base = bases[base_of(key)]
        for value in values:
            del opened[:]
            try:
                changes = changes_of(key, value)
                loaded = scenario_with(base, vetted(changes) if check == "vetted" else changes)
                loaded = confirm(loaded) if check == "vetted" else loaded
                fill_leaves(loaded)
                answer_load(loaded)
                outcome = "filled"
            except GigawattError as error:
                outcome = f"{error}"
            foreign = [name for name in opened if not name.startswith(OURS)]
            found.append({"key": key, "value": value, "outcome": outcome, "opened": foreign})
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], json.load(sys.stdin))
