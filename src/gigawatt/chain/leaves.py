"""From a scenario to the graph's leaves: what was written, what the catalog says, what is assumed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from gigawatt import catalog
from gigawatt.chain.precision import TRAINED, training_format
from gigawatt.chain.supply_terms import read_flexible, read_matching, read_reliability
from gigawatt.chain.weather_years import grid_of, weather_years
from gigawatt.core.errors import GigawattError
from gigawatt.core.evidence import Assumption, Evidence, Grade
from gigawatt.core.graph import Leaf
from gigawatt.core.once import once, stamp
from gigawatt.core.quantities import parse, show
from gigawatt.facility import load_site, load_weather
from gigawatt.machine import Chip, load_chip
from gigawatt.money import discount_rate
from gigawatt.performance import default_stack, load_optimizer, load_stack
from gigawatt.performance.stacks import stack_rows
from gigawatt.power import default_not_served_price
from gigawatt.schema.pins import WORDS
from gigawatt.schema.scenario import LoadedScenario
from gigawatt.workload import read_architecture

__all__ = ["Filler", "beside", "clock_rows", "fill_leaves"]

T = TypeVar("T")
#: Why a leaf of the scenario has no line in it.
_NOT_GIVEN, _SCHEMA = "not given", "not given: default of the scenario"
#: Formats in which a model can be trained, in the order of preference.
_FORMATS = ("bf16", "fp16", "tf32", "fp32", "fp8")


class Filler:
    """Collects leaves and assumptions, and puts file and line on the errors that rooms raise."""

    def __init__(self, loaded: LoadedScenario) -> None:
        self.loaded = loaded
        self.leaves: dict[str, Leaf] = {}
        self.assumptions: list[Assumption] = []

    def ask(self, key: str, call: Callable[[], T]) -> T:
        """Call a room; an error of its gets the place of ``key`` in the scenario."""
        try:
            return call()
        except GigawattError as error:
            named = Path(self.loaded.written.get(key, "")).name
            if error.file is not None and Path(error.file).name == named and not Path(error.file).is_file():
                error.file, error.given = None, str(error.file)  # not there: blame who named it
            if error.file is None:
                if error.key is not None and "." not in error.key:
                    error.key = None  # what a room or a command calls it; here it has the scenario's name
                self.loaded.blame(error, key)
            raise

    def written(self, name: str, key: str, value: Any, rows: tuple[Evidence, ...] = ()) -> None:
        """A leaf that the scenario wrote (``key``), or that follows from what it wrote.

        ``rows`` are those of the catalog that the value was read from, where it does not hold them.
        """
        where, written = self.loaded.where(key), self.loaded.written.get(key, "")
        reason = "" if where else _NOT_GIVEN if value is None or value in ((), {}) else _SCHEMA
        self.leaves[name] = Leaf(
            value, "scenario", where=where, reason=reason, written=written, evidence=rows
        )

    def default(
        self, name: str, value: Any, shown: str, reason: str, row: catalog.Entity | None = None
    ) -> None:
        """A leaf that nobody wrote: listed as an assumption."""
        grade = Grade.read(row.text("grade")) if row else Grade.guess
        source = row.text("source_id") if row else ""
        self.leaves[name] = Leaf(value, "default", reason=reason, written=shown, grade=grade)
        self.assumptions.append(Assumption(name, shown, reason, grade, source))

    def with_rows(self, name: str, rows: tuple[Evidence, ...]) -> None:
        """A default that is a row of the catalog has the grades of that row, not one of its own."""
        self.leaves[name] = replace(self.leaves[name], evidence=rows, grade=None)

    def given_or_default(self, name: str, value: T | None, read: Callable[[str], T]) -> T:
        """The scenario's value of ``name``, or the catalog's default row of that name."""
        if value is not None:
            self.written(name, name, value)
            return value
        row = catalog.entity("defaults", name)
        found = read(row.text("text"))
        self.default(name, found, row.text("text"), row.text("reason"), row)
        return found


def fill_leaves(loaded: LoadedScenario) -> tuple[dict[str, Leaf], tuple[Assumption, ...]]:
    """Every leaf of a scenario's chain, and the assumptions made on the way.

    Raises
    ------
    InputError
        A name that the catalog does not know, a file that is not there or cannot be read: with the
        scenario's file, line and key.
    """
    fill = Filler(loaded)
    scenario = loaded.scenario
    fill.written("scenario.year", "year", scenario.year)
    if scenario.training is not None:
        _model_and_training(fill, scenario.training)
        _machine(fill, scenario.training)
    else:
        from gigawatt.chain.serving.leaves import (
            model_and_serving,  # which reads what training needs not
        )

        chip = model_and_serving(fill)
        _chip_and_size(fill, chip, ())
    _site_and_supply(fill)
    _money(fill)
    return fill.leaves, tuple(fill.assumptions)


def beside(loaded: LoadedScenario, name: str) -> str | Path:
    """A path as written, or relative to the scenario's folder where it is found there."""
    found = loaded.file.parent / name
    return found if found.is_file() else name


def _model_and_training(fill: Filler, training: Any) -> None:
    scenario = fill.loaded.scenario
    named = beside(fill.loaded, scenario.model)
    model = fill.ask("model", lambda: once(("model", stamp(named)), lambda: read_architecture(named)))
    fill.written("model.architecture", "model", model)
    fill.written("training.tokens", "training.tokens", training.tokens)
    if training.sequence is None:
        row = catalog.entity("defaults", "training.sequence")
        sequence = parse(row.text("text"), "token")
        if model.max_sequence:
            sequence = min(sequence, float(model.max_sequence))
        fill.default("training.sequence", int(sequence), show(sequence, "tokens"), row.text("reason"), row)
    else:
        fill.written("training.sequence", "training.sequence", int(training.sequence))
    fill.given_or_default(
        "training.global_batch", training.global_batch, lambda t: ("token", parse(t, "token"))
    )
    fill.written("training.runs", "training.runs", training.runs)


def clock_rows(chip: Chip) -> tuple[Evidence, ...]:
    """The rows of the catalog behind the clock model of a chip: its own, then the default's it lacks."""
    rows = catalog.table("clocks")
    common = rows["default"]
    own = rows.get(chip.id, common)
    return (*own.rows(), *(row for row in common.rows() if row.quantity not in own.numbers))


def _chip_and_size(fill: Filler, chip: Chip, rows: tuple[Evidence, ...]) -> None:
    """The chip at the price that the scenario gives; ``rows`` are those it is read from beside its own."""
    scenario = fill.loaded.scenario
    machine, economics = scenario.machine, scenario.economics
    if economics.chip_price is not None:
        evidence = {name: row for name, row in chip.evidence.items() if name != "price"}
        chip = replace(chip, price=economics.chip_price, evidence=evidence)
    kernels = catalog.entity("kernels", chip.kernels or "default").rows()
    fill.written("machine.chip", "machine.chip", chip, (*chip.evidence.values(), *kernels, *rows))
    cap = machine.power_cap
    fill.written("machine.power_cap", "machine.power_cap", cap, () if cap is None else clock_rows(chip))
    key = "machine.count" if machine.count is not None else "machine.power"
    fill.written("machine.size", key, {"count": machine.count, "power": machine.power})
    options = {
        name: getattr(machine, name)
        for name in ("node", "scale_up", "scale_out", "domain", "oversubscription", "topology")
        if getattr(machine, name) is not None
    }
    fill.written("machine.options", "machine", options)


def _machine(fill: Filler, training: Any) -> None:
    scenario = fill.loaded.scenario
    machine = scenario.machine
    chip = fill.ask("machine.chip", lambda: load_chip(str(beside(fill.loaded, machine.chip))))
    asked = fill.ask(
        "training.sparsity" if training.precision is None else "training.precision",
        lambda: training_format(training.precision, training.sparsity, training.number_format),
    )
    written = fill.given_or_default("training.number_format", asked, str)
    if training.precision is not None:
        fill.assumptions.append(Assumption("training.precision", written, TRAINED, Grade.guess))
    if asked is None and written not in chip.peak and chip.peak:
        known = next((name for name in _FORMATS if name in chip.peak), next(iter(chip.peak)))
        del fill.assumptions[-1]
        fill.default("training.number_format", known, known, f"{chip.id} has no {written} rate")
    _chip_and_size(fill, chip, tuple(row for row in clock_rows(chip) if row.quantity == "training_factor"))
    if machine.stack is not None:
        stack = fill.ask("machine.stack", lambda: load_stack(str(machine.stack)))
        fill.written("machine.stack", "machine.stack", stack, stack_rows(stack.id))
    else:
        name = default_stack(chip, scenario.year)
        stack = load_stack(name)
        fill.default("machine.stack", stack, name, f"the usual software of {chip.id} in {scenario.year}")
        fill.with_rows("machine.stack", stack_rows(name))
    optimizer = training.optimizer
    if optimizer is None:
        fill.default("training.optimizer", stack.optimizer, stack.optimizer, "the stack's own recipe")
        fill.with_rows("training.optimizer", catalog.entity("optimizers", stack.optimizer).rows())
    else:
        fill.ask("training.optimizer", lambda: load_optimizer(optimizer))
        rows = catalog.entity("optimizers", optimizer).rows()
        fill.written("training.optimizer", "training.optimizer", optimizer, rows)
    pins = {k: v for k, v in scenario.layout.model_dump(exclude={"widen"}).items() if v is not None}
    fill.written("layout.fixed", "layout", {k: WORDS.get(k, {}).get(v, v) for k, v in pins.items()})
    fill.written("layout.widen", "layout.widen", scenario.layout.widen)


def _site_and_supply(fill: Filler) -> None:
    scenario = fill.loaded.scenario
    place, supply = scenario.site, scenario.supply
    site = fill.ask("site.name", lambda: load_site(place.name))
    fill.written("site.site", "site.name", site)
    key = "site.weather" if place.weather else "site.name"
    source = site if place.weather is None else Path(beside(fill.loaded, place.weather))
    here = (site.id, None if place.weather is None else stamp(beside(fill.loaded, place.weather)))
    weather = fill.ask(key, lambda: once(("weather", here), lambda: load_weather(source)))
    fill.written("site.weather", key, weather)
    cooling = fill.given_or_default("site.cooling", place.cooling, str)
    entry = fill.ask("site.cooling", lambda: catalog.entity("cooling", cooling))
    fill.leaves["site.cooling"] = replace(fill.leaves["site.cooling"], value=entry, grade=None)
    spare = place.redundancy
    row = (
        None
        if spare is None
        else fill.ask("site.redundancy", lambda: catalog.entity("cooling_redundancy", spare))
    )
    fill.written("site.redundancy", "site.redundancy", row)
    key = "site.name" if place.weather_years is None else "site.weather_years"
    here = (here, place.weather_years)
    read_years = lambda: weather_years(site, weather, place.weather_years)  # noqa: E731
    skies, told = fill.ask(key, lambda: once(("weather_years", here), read_years))
    fill.written("site.weather_years", key, skies)
    fill.assumptions += told
    read_grid = lambda: grid_of(site.grid, scenario.year, skies)  # noqa: E731
    grid = fill.ask("site.name", lambda: once(("grid", here, site.grid, scenario.year), read_grid))
    fill.written("supply.grid", "site.name", grid)
    fill.written("supply.grid_given", "supply.grid", supply.grid.model_dump())
    fill.given_or_default("supply.plants", supply.plants, lambda t: tuple(t.split("|")))
    fill.written("supply.limits", "supply.limits", dict(supply.limits))
    fill.written("supply.carbon_limit", "supply.carbon_limit", supply.carbon_limit)
    fill.given_or_default("supply.carbon_price", supply.carbon_price, lambda t: parse(t, "$/kg"))
    if supply.not_served_price is not None:
        fill.written("supply.not_served_price", "supply.not_served_price", supply.not_served_price)
    else:
        price, why = default_not_served_price()
        fill.leaves["supply.not_served_price"] = Leaf(
            price, "default", reason=why.reason, written=why.value, grade=why.grade
        )
        fill.assumptions.append(why)
    _terms(fill, supply)


def _terms(fill: Filler, supply: Any) -> None:
    """What the buyer allows and asks of the supply; nothing of it where nothing is written."""
    needed, share = supply.reliability, supply.matching
    limit = None if needed is None else fill.ask("supply.reliability", lambda: read_reliability(needed))
    fill.written("supply.not_served_limit", "supply.reliability", limit)
    matched = None if share is None else fill.ask("supply.matching", lambda: read_matching(share))
    fill.written("supply.matching", "supply.matching", matched)
    key = "supply.flexible" if supply.deferrable is None else "supply.deferrable"
    cut = fill.ask("supply.flexible", lambda: read_flexible(supply.flexible))
    both = fill.ask(key, lambda: read_flexible(supply.flexible, supply.deferrable)) or cut
    fill.written("supply.flexible", key, both)


def _money(fill: Filler) -> None:
    economics = fill.loaded.scenario.economics
    if economics.discount_rate is not None:
        fill.written("economics.discount_rate", "economics.discount_rate", economics.discount_rate)
    else:
        rate, told = discount_rate()
        finance = catalog.entity("finance", "hyperscaler").evidence("discount_rate")
        fill.leaves["economics.discount_rate"] = Leaf(
            rate, "catalog", reason=told.reason, written=told.value, evidence=(finance,)
        )
        fill.assumptions.append(told)
    fill.written("economics.chip_life", "economics.chip_life", economics.chip_life)
