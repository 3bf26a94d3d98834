"""The controls of the page: a field for every key of a scenario that can be set there.

A field is a row of ``fields.csv`` and says what may stand in it; whether a value is right is said by the
scenario itself (:mod:`gigawatt.schema.scenario`). Stops of sliders are places to halt at, nothing else: any
value may be typed.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal

from gigawatt import catalog
from gigawatt.catalog import Entity
from gigawatt.schema.scenario import Scenario, section_of

__all__ = ["FIELDS", "SIZE", "Field", "Option", "field_of", "fields_of", "options", "scenario_keys"]

SIZE = "size"
"""One field for the size, whichever key says it: ``16384``, ``300 MW``, ``2000 requests/s``."""

Purpose = Literal["train", "serve", "both"]


@dataclass(frozen=True)
class Option:
    """One of the values that a field may take; ``group`` is the heading it stands under."""

    value: str
    words: str
    group: str = ""


@dataclass(frozen=True)
class Field:
    """One control.

    Attributes
    ----------
    key : str
        Dotted key of the scenario, or :data:`SIZE`.
    section, label, words : str
        Where it stands, what it is called, what it means in a few words.
    kind : str
        ``choice`` (of a list), ``many`` (of a list), ``stops`` (a text with a slider), ``text``.
    purpose : str
        In scenarios of which purpose it stands.
    stops : tuple of str
        Where the slider halts, in order.
    more : bool
        Folded away with those that are rarely set.
    example : str
        What could be typed.
    """

    key: str
    section: str
    label: str
    words: str
    kind: Literal["choice", "many", "stops", "text"]
    purpose: Purpose = "both"
    stops: tuple[str, ...] = ()
    stops_serve: tuple[str, ...] = ()
    more: bool = False
    example: str = ""

    def stops_of(self, serves: bool) -> tuple[str, ...]:
        """Where its slider halts in a scenario that serves, or that trains."""
        return self.stops_serve if serves and self.stops_serve else self.stops


def _read() -> Iterator[Field]:
    """The rows of ``fields.csv``, in the order in which a section shows them."""
    text = (files("gigawatt.faces.web") / "fields.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        stops, stops_serve = (
            tuple(filter(None, row.pop(name).split("|"))) for name in ("stops", "stops_serve")
        )
        more = bool(row.pop("more"))
        yield Field(**row, more=more, stops=stops, stops_serve=stops_serve)  # type: ignore[arg-type]


FIELDS: tuple[Field, ...] = tuple(_read())
"""Every control."""


@lru_cache(maxsize=2)
def fields_of(serves: bool) -> dict[str, Field]:
    """The fields of a scenario that serves, or that trains, by key."""
    mine = "serve" if serves else "train"
    return {one.key: one for one in FIELDS if one.purpose in ("both", mine)}


def field_of(key: str, serves: bool) -> Field | None:
    """The field of a key, or ``None``."""
    return fields_of(serves).get(key)


@lru_cache(maxsize=1)
def scenario_keys() -> frozenset[str]:
    """Every key of a scenario that holds a value, whether it has a field or not."""

    def walk(model: Any, prefix: str) -> Iterator[str]:
        for name, info in model.model_fields.items():
            section = section_of(info.annotation)
            if hasattr(section, "model_fields"):
                yield from walk(section, f"{prefix}{name}.")
            else:
                yield f"{prefix}{name}"

    return frozenset(walk(Scenario, ""))


def _rows(table: str, group: str = "", words: Callable[[Entity], str] | None = None) -> Iterator[Option]:
    for name, row in catalog.table(table).items():
        said = words(row) if words else row.text("name") or name
        yield Option(name, said or name, row.text(group) if group else "")


def _chips() -> Iterator[Option]:
    rows = sorted(_rows("chips", "vendor", lambda row: f"{row.text('name')} ({row.text('year')})"),
                  key=lambda one: one.group)  # fmt: skip
    yield from rows
    for one in _rows("chip_designs"):
        yield Option(one.value, one.words, "from parts")


def _precisions(trained: bool) -> Iterator[Option]:
    for name, row in catalog.table("precisions").items():
        if not trained or row.text("training"):
            yield Option(name, row.text("name") or name)


def _words(*values: str) -> Callable[[], Iterator[Option]]:
    return lambda: (Option(value, value) for value in values)


def _links() -> Iterator[Option]:
    yield from _rows("links")


_OPTIONS: dict[str, Callable[[], Iterable[Option]]] = {
    "model": lambda: sorted(_rows("models"), key=lambda one: one.words.lower()),
    "machine.chip": _chips,
    "training.number_format": _words("bf16", "fp16", "fp8", "fp4", "tf32", "fp32"),
    "serving.precision": lambda: _precisions(trained=False),
    "serving.weights": _words("bf16", "fp8", "fp8_block", "fp4", "int4"),
    "serving.cache": _words("bf16", "fp8"),
    "serving.sparsity": _words("none", "2:4"),
    "serving.trace": lambda: _rows("traces"),
    "serving.shape": lambda: (*_words("constant")(), *_rows("traces_shapes")),
    "serving.engine": lambda: _rows("engines"),
    "serving.mode": _words("aggregated", "disaggregated", "both"),
    "serving.routing": _words("round-robin", "least-loaded", "random"),
    "serving.objective": lambda: _rows("objectives"),
    "site.name": lambda: sorted(_rows("sites"), key=lambda one: one.words),
    "site.cooling": lambda: _rows("cooling"),
    "site.redundancy": lambda: _rows("cooling_redundancy"),
    "supply.plants": lambda: _rows("plants", "kind"),
    "supply.reliability": _words("99 %", "99.9 %", "99.99 %", "99.999 %"),
    "supply.matching": _words("annual", "hourly", "50 %", "70 %", "80 %", "90 %", "95 %", "100 %"),
    "training.optimizer": lambda: _rows("optimizers"),
    "machine.node": lambda: _rows("nodes"),
    "machine.scale_up": _links,
    "machine.scale_out": _links,
    "machine.topology": lambda: _rows("topologies"),
    "machine.stack": lambda: _rows("stacks"),
    "layout.zero": _words("0", "1", "2", "3"),
    "layout.recompute": _words("none", "selective", "feed-forward", "full"),
    "layout.schedule": _words("1f1b", "zb-h1", "zb-h2", "dualpipe"),
    "layout.offload": _words("none", "optimizer", "all"),
}


@lru_cache(maxsize=64)
def options(key: str) -> tuple[Option, ...]:
    """What may be chosen for a key, in the order in which it is shown; empty where anything may be typed."""
    made = _OPTIONS.get(key)
    return tuple(made()) if made is not None else ()
