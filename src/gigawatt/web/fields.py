"""The controls of the page: a field for every key of a scenario that can be set there.

A field says what may stand in it; whether a value is right is said by the scenario itself
(:mod:`gigawatt.study.scenario`). Stops of sliders are places to halt at, nothing else: any value may be typed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from gigawatt import catalog
from gigawatt.catalog import Entity
from gigawatt.study.scenario import Scenario, section_of

__all__ = ["FIELDS", "SIZE", "Field", "Option", "field_of", "fields_of", "options", "scenario_keys"]

SIZE = "size"
"""One field for the size of the machine, whichever key says it: ``16384``, ``300 MW``, ``2000 requests/s``."""

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


def _steps(unit: str, numbers: Iterable[float | int]) -> tuple[str, ...]:
    return tuple(f"{number:g} {unit}".strip() for number in numbers)


def _decades(unit: str, first: int, last: int) -> tuple[str, ...]:
    """1, 1.5, 2, 3, 5, 7 of every decade."""
    found = (m * 10**e for e in range(first, last) for m in (1, 1.5, 2, 3, 5, 7))
    return (*_steps(unit, found), f"{10.0**last:g} {unit}".strip())


_COUNTS = tuple(str(round(2**e * m)) for e in range(6, 20) for m in (1, 1.25, 1.5, 1.75))
_RATES = tuple(f"{m * 10**e:g} requests/s" for e in range(1, 6) for m in (1, 1.5, 2, 3, 5, 7))
_DEGREES = tuple(str(2**e) for e in range(0, 11))
_YEARS = tuple(str(year) for year in range(2018, 2051))

FIELDS: tuple[Field, ...] = (
    Field("year", "The question", "Year", "of prices, plants and software", "stops", stops=_YEARS),
    Field("model", "The question", "Model", "what is trained or served", "choice"),
    Field("training.tokens", "The question", "Tokens", "that it is trained on", "stops", "train",
          _decades("T tokens", -1, 2), example="15.6T tokens"),
    Field(SIZE, "The machine", "Size", "accelerators, or facility power such as 300 MW; served: or the demand",
          "stops", stops=_COUNTS, stops_serve=_RATES, example="16384, or 300 MW"),
    Field("machine.chip", "The machine", "Accelerator", "what computes it", "choice"),
    Field("training.number_format", "Technology", "Number format", "of the multiplications", "choice", "train"),
    Field("machine.power_cap", "Technology", "Power cap", "largest power of one accelerator", "stops", "train",
          _steps("W", range(300, 1250, 50)), example="500 W"),
    Field("serving.precision", "Technology", "Precision", "one word for weights and cache", "choice", "serve"),
    Field("serving.weights", "Technology", "Weights", "format in which they are stored", "choice", "serve"),
    Field("serving.cache", "Technology", "Cache", "format of keys and values", "choice", "serve"),
    Field("serving.sparsity", "Technology", "Zeros", "pattern of zeros of the weights", "choice", "serve"),
    Field("serving.guesses", "Technology", "Guessed tokens", "checked together (speculative decoding)", "stops",
          "serve", ("0", "1", "2", "3", "4", "5", "6", "8"), more=True),
    Field("serving.acceptance", "Technology", "Guesses right", "chance that a guessed token is right", "stops",
          "serve", _steps("%", range(40, 100, 5)), more=True, example="70 %"),
    Field("serving.objective", "The promise", "Promise", "waits that are kept", "text", "serve",
          example="ttft=450ms,tpot=40ms,p99"),
    Field("serving.trace", "The promise", "Requests like", "lengths and bursts", "choice", "serve"),
    Field("serving.prompt", "The promise", "Tokens read", "a request, in place of the trace", "text", "serve",
          more=True, example="1024"),
    Field("serving.output", "The promise", "Tokens written", "a request, in place of the trace", "text",
          "serve", more=True, example="lognormal(median=300, p90=900)"),
    Field("serving.shape", "The promise", "Hours of the day", "that the demand follows", "choice", "serve",
          more=True),
    Field("site.name", "The site", "Site", "weather, grid and prices", "choice"),
    Field("site.cooling", "The site", "Cooling", "of the building", "choice", more=True),
    Field("site.redundancy", "The site", "Redundancy", "spare units of power and cooling", "choice", more=True),
    Field("site.weather", "The site", "Weather", "an uploaded year in place of the site's own", "choice",
          more=True),
    Field("site.weather_years", "The site", "Weather years", "in one plan of the supply", "stops",
          stops=_steps("", range(1, 11)), more=True),
    Field("supply.plants", "The supply", "Plants", "that may be built", "many"),
    Field("supply.carbon_limit", "The supply", "Carbon limit", "largest mean in operation", "stops",
          stops=_steps("g/kWh", (400, 350, 300, 250, 200, 150, 125, 100, 80, 60, 50, 40, 30, 20, 10, 5)),
          example="100 g/kWh"),
    Field("supply.carbon_price", "The supply", "Carbon price", "per tonne of CO2", "stops",
          stops=_steps("$/t", (0, 10, 20, 30, 40, 50, 60, 75, 100, 125, 150, 200, 250, 300, 400)),
          example="50 $/t"),
    Field("supply.grid.limit", "The supply", "Grid connection", "at most", "stops",
          stops=("0 MW", *_decades("MW", 0, 4)), example="300 MW"),
    Field("supply.grid.price", "The supply", "Grid price", "flat, in place of the site's hours", "stops",
          stops=_steps("$/MWh", (*range(10, 100, 5), *range(100, 260, 25))), more=True, example="60 $/MWh"),
    Field("supply.grid.carbon", "The supply", "Grid carbon", "flat, in place of the site's", "stops",
          stops=_steps("g/kWh", range(0, 850, 50)), more=True, example="350 g/kWh"),
    Field("supply.reliability", "The supply", "Reliability", "least share of the energy that is served", "choice",
          more=True),
    Field("supply.matching", "The supply", "Matching", "clean energy, by the year or the hour", "choice", more=True),
    Field("supply.flexible", "The supply", "May be cut", "share of the load, and what a cut costs", "text",
          more=True, example="10%:60$/MWh"),
    Field("supply.deferrable", "The supply", "May wait", "share of the load, and how long", "text", more=True,
          example="20%:6h"),
    Field("economics.discount_rate", "Money", "Discount rate", "real, a year", "stops",
          stops=_steps("%", (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 20)), example="7 %"),
    Field("economics.chip_price", "Money", "Price of an accelerator", "in place of the catalog's", "stops",
          stops=_decades("k$", 0, 2), more=True, example="30 k$"),
    Field("economics.chip_life", "Money", "Life of an accelerator", "until it is replaced", "stops",
          stops=_steps("years", range(2, 11)), more=True, example="5 years"),
    Field("training.sequence", "The question", "Sequence", "tokens of one", "stops", "train",
          _steps("tokens", (2**e for e in range(10, 18))), more=True, example="8192 tokens"),
    Field("training.global_batch", "The question", "Global batch", "tokens or sequences a step", "stops", "train",
          _steps("sequences", (2**e for e in range(6, 15))), more=True, example="2048 sequences"),
    Field("training.runs", "The question", "Runs at once", "that share the campus", "stops", "train",
          _steps("", range(1, 17)), more=True),
    Field("training.optimizer", "The question", "Optimizer", "", "choice", "train", more=True),
    Field("machine.node", "The machine", "Node", "", "choice", more=True),
    Field("machine.scale_up", "The machine", "Links inside a domain", "", "choice", more=True),
    Field("machine.scale_out", "The machine", "Links between domains", "", "choice", more=True),
    Field("machine.domain", "The machine", "Domain", "accelerators in one", "stops", stops=_DEGREES[1:],
          more=True),
    Field("machine.topology", "The machine", "Fabric", "between domains", "choice", more=True),
    Field("machine.oversubscription", "The machine", "Oversubscription", "of the fabric", "stops",
          stops=_steps("", (1, 1.5, 2, 3, 4, 7, 8)), more=True),
    Field("machine.stack", "The machine", "Software", "framework and year", "choice", "train", more=True),
    Field("serving.engine", "The machine", "Engine", "software and year", "choice", "serve", more=True),
    Field("serving.mode", "The machine", "Prompts and answers", "on the same replicas or apart", "choice",
          "serve", more=True),
    Field("serving.routing", "The machine", "Routing", "of requests to replicas", "choice", "serve", more=True),
    *(Field(f"layout.{name}", "The layout", words, "held; empty: searched", "stops", "train", _DEGREES, more=True)
      for name, words in (("tensor", "Tensor"), ("pipeline", "Pipeline"), ("context", "Context"),
                          ("expert", "Expert"), ("data", "Data"), ("microbatch", "Microbatch"),
                          ("interleave", "Interleave"))),
    *(Field(f"layout.{name}", "The layout", words, "held; empty: searched", "choice", "train", more=True)
      for name, words in (("zero", "ZeRO"), ("recompute", "Recomputed"), ("schedule", "Schedule"),
                          ("offload", "In the host's memory"))),
    *(Field(f"serving.layout.{name}", "The layout", words, "of a replica, held; empty: searched", "stops", "serve",
            _DEGREES[:7], more=True)
      for name, words in (("tensor", "Tensor"), ("pipeline", "Pipeline"), ("data", "Attention data"),
                          ("expert", "Expert"))),
)  # fmt: skip
"""Every control in the order in which a section shows them."""


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
