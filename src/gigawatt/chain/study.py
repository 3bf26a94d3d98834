"""A study: one scenario read, its leaves filled, the graph evaluated, one frozen result."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from gigawatt import catalog
from gigawatt._version import __version__
from gigawatt.chain.graph import UNCERTAINTY, graph_of, refuse_unread
from gigawatt.chain.leaves import fill_leaves
from gigawatt.chain.memo import Remembered
from gigawatt.chain.tables import tables_of
from gigawatt.core.errors import GigawattError
from gigawatt.core.evidence import Assumption
from gigawatt.core.graph import Value
from gigawatt.core.result import Quantity, Result
from gigawatt.power.plan.kept_optima import keeping
from gigawatt.schema.changed import scenario_with
from gigawatt.schema.scenario import SOUGHT, LoadedScenario, read_scenario

__all__ = ["Study", "assumptions_of", "blame"]

_PACKAGES = ("numpy", "scipy", "pandas", "clarabel", "highspy", "pint", "pydantic")


_SIZE = ("machine.count", "machine.power")
#: Quantity → the keys of the scenario that an error of its answers to, the likeliest first; a section
#: (``layout.*``) stands for the key in it that the error itself names.
_ANSWERS: dict[str, tuple[str, ...]] = {
    "machine.found": ("training.*", "machine.*", "layout.*", "supply.*", "economics.*", *SOUGHT),
    "machine.held": ("machine.*", "machine.power", "machine.chip"),
    "machine.design_power": ("machine.*", "machine.chip"),
    "machine.pue_peak": ("site.cooling", "site.name"),
    "machine.count": ("machine.*", "machine.power", "machine.count"),
    "machine.machine": ("machine.*", "machine.chip"),
    "training.fit": ("layout.*", "training.*", "machine.power_*", "machine.*", *_SIZE),
    "layouts.search": ("layout.*", "training.*", "machine.power_*", *_SIZE),
    "facility.load": ("site.cooling", "site.name"),
    "supply.candidates": ("supply.*", "supply.plants", "site.name"),
    "supply.plan": ("supply.*", "supply.plants", "site.name"),
    "ledger.campus": ("economics.*", "machine.chip"),
    "ledger.ledger": ("economics.*", "machine.chip"),
}
_ANSWERS_SERVING: dict[str, tuple[str, ...]] = {
    "serving.week": ("serving.*", "serving.shape"),
    "serving.question": ("serving.*", "machine.*", "machine.chip"),
    "serving.plan": (
        "serving.layout.*",
        "serving.prefill.*",
        "serving.*",
        "machine.*",
        "machine.count",
        "machine.power",
        "serving.demand",
    ),
    "serving.day": ("serving.*", "serving.demand", "machine.count", "machine.power"),
}


def blame(loaded: LoadedScenario, error: GigawattError, quantity: str) -> None:
    """Put the scenario's file, line and key on an error that the chain raised."""
    if error.file is not None:
        return
    named = [] if error.key is None else [part.rsplit(".", 1)[-1] for part in error.key.split(" · ")]
    answers = (_ANSWERS | _ANSWERS_SERVING).get(quantity, ())
    keys = [] if error.key is None else [error.key]
    for answer in answers:
        section, star, _ = answer.partition("*")
        keys.extend([section + name for name in named] if star else [answer])
    written = [key for key in keys if key in loaded.lines]
    # a default objective is to blame as well, rather than the size in the file
    left_out = next((key for key in keys if key == "serving.objective" and key not in loaded.lines), None)
    blamed = left_out or (written or keys or [quantity])[0]
    if written or left_out:
        error.key = blamed
    loaded.blame(error, blamed)
    if left_out:
        error.line = loaded.lines.get("serving")


@dataclass(frozen=True)
class Study:
    """A scenario that has been read and checked."""

    loaded: LoadedScenario

    @classmethod
    def read(cls, file: str | Path) -> Study:
        """Read a scenario file; raises ``InputError`` with file, line and key."""
        return cls(read_scenario(file))

    def changed(self, changes: Mapping[str, object]) -> Study:
        """The same scenario with other values for some keys.

        Parameters
        ----------
        changes : mapping of str to object
            Dotted key → value as a person writes it: ``{"year": 2028, "machine.count": 4096}``; ``None``
            takes a key away.

        Raises
        ------
        InputError
            A key or a value that does not fit, with the file of this scenario and the key.
        """
        return Study(scenario_with(self.loaded, changes))

    def run(
        self,
        progress: Callable[[str, float], None] | None = None,
        remembered: Remembered | None = None,
        finish: Callable[[Result, LoadedScenario, Mapping[str, Any]], Result] | None = None,
    ) -> Result:
        """Evaluate the whole chain.

        Parameters
        ----------
        progress : callable, optional
            Called with (what is being done, share done).
        remembered : Remembered, optional
            Cache shared with other scenarios; none if left out.
        finish : callable, optional
            Makes of the result, the scenario and its quantities by name what is returned.

        Raises
        ------
        gigawatt.core.errors.GigawattError
            A name that the catalog does not know, a layout that cannot divide, a model that fits in no
            layout, a limit that cannot be met: one line that names the mend.
        """
        started, cpu = time.perf_counter(), time.process_time()
        chain = graph_of(self.loaded)
        refuse_unread(self.loaded, chain, besides=(UNCERTAINTY,))
        leaves, assumptions = fill_leaves(self.loaded)
        blamed = lambda error, name: blame(self.loaded, error, name)  # noqa: E731
        size = chain.nodes.get("machine.size")
        if remembered is None and size is not None and size.function is not None:
            remembered = Remembered()  # the size that is found has been computed on the way
        if remembered is None:
            values = chain.evaluate(leaves, progress, blamed)
        else:
            with keeping(remembered.optima):
                values = remembered.memo.evaluate(chain, leaves, progress, blamed)
        objects = {name: value.value for name, value in values.items()}
        found = assumptions_of(values, assumptions)
        tables = {name: make(objects) for name, make in tables_of(self.loaded.branch, objects).items()}
        run = {
            "scenario": str(self.loaded.file),
            "scenario_hash": self.loaded.hash,
            "scenario_text": self.loaded.yaml,
            "catalog": catalog.version(),
            "gigawatt": __version__,
            "python": platform.python_version(),
            "packages": {name: _version(name) for name in _PACKAGES},
            "seconds": round(time.perf_counter() - started, 3),
            "cpu_seconds": round(time.process_time() - cpu, 3),
        }
        name = self.loaded.scenario.name or self.loaded.file.stem
        quantities = {key: _quantity(value, objects) for key, value in values.items()}
        notices = (*self.loaded.notices, *objects["study.notices"])
        result = Result(name, quantities, tables, notices, found, run)
        return result if finish is None else finish(result, self.loaded, objects)


def assumptions_of(values: Mapping[str, Value], first: Iterable[Assumption]) -> tuple[Assumption, ...]:
    """Assumptions of the scenario (``first``), then those that values hold, each once."""
    listed = dict.fromkeys(first)
    for value in values.values():
        listed |= dict.fromkeys(_assumptions(value.value))
    return tuple(listed)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _quantity(value: Value, objects: Mapping[str, Any]) -> Quantity:
    node, leaf = value.node, value.leaf
    formula = node.expression
    terms: dict[str, float] = {}
    if formula is not None and formula.text not in formula.terms:
        terms = formula.numbers([objects[name] for name in node.inputs])
    elif formula is not None and isinstance(value.value, int | float):  # one term, which is the value itself
        terms = {formula.text: value.value}
    return Quantity(
        name=node.name,
        value=_plain(value.value),
        unit=node.unit,
        grade=value.grade,
        summary=node.summary,
        formula=node.formula,
        inputs=node.inputs,
        origin=leaf.origin if leaf else "computed",
        where=leaf.where if leaf else "",
        reason=leaf.reason if leaf else "",
        written=leaf.written if leaf else "",
        evidence=value.evidence,
        code=node.code,
        method=node.method,
        expression="" if formula is None else formula.text,
        terms={text: number for text, number in terms.items() if text not in node.inputs},
    )


def _plain(value: Any) -> float | int | str | None:
    """A scalar as it is; anything composite as one line that says what it holds."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if hasattr(value, "item") and getattr(value, "size", 0) == 1:
        return value.item()
    if hasattr(value, "dtype"):
        return f"an array of {'×'.join(map(str, value.shape))}, mean {value.mean():.6g}"
    name = getattr(value, "name", None) or getattr(value, "id", None)
    kind = type(value).__name__
    if isinstance(name, str):
        return f"{kind} {name}"
    if isinstance(value, Mapping):
        return ", ".join(
            f"{k} {v:.6g}" if isinstance(v, float) else f"{k} {v}" for k, v in list(value.items())[:12]
        )
    if isinstance(value, tuple | list):
        return ", ".join(str(getattr(v, "id", v)) for v in value[:12])
    return kind


def _assumptions(value: Any, depth: int = 3) -> Iterator[Assumption]:
    if isinstance(value, Assumption):
        yield value
    elif depth and isinstance(value, list | tuple):
        for item in value:
            yield from _assumptions(item, depth - 1)
    elif depth and is_dataclass(value) and not isinstance(value, type):
        for item in fields(value):
            if item.name in ("assumptions", "plants", "evidence") or depth > 1:
                yield from _assumptions(getattr(value, item.name), depth - 1)
