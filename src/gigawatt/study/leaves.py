"""From a scenario to the graph's leaves: what was written, what the catalog says, what is assumed."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from pathlib import Path

from gigawatt import catalog
from gigawatt.economics import discount_rate
from gigawatt.errors import InputError, nearest
from gigawatt.evidence import Assumption, Evidence, Grade
from gigawatt.facility import load_site, load_weather
from gigawatt.hardware import Chip, load_chip
from gigawatt.performance import default_stack, load_optimizer, load_stack
from gigawatt.performance.stacks import stack_rows
from gigawatt.quantities import parse, show
from gigawatt.study.filler import Filler, beside, clock_rows
from gigawatt.study.graph import Leaf
from gigawatt.study.once import once, stamp
from gigawatt.study.pins import WORDS
from gigawatt.study.precision import TRAINED, training_format
from gigawatt.study.scenario import LoadedScenario, SupplySection, TrainingSection
from gigawatt.study.supply_terms import read_flexible, read_matching, read_reliability
from gigawatt.study.weather_years import grid_of, weather_years
from gigawatt.supply import default_not_served_price
from gigawatt.workload import read_architecture

__all__ = ["fill_leaves", "training_leaves"]

#: Formats in which a model can be trained, in the order of preference.
_FORMATS = ("bf16", "fp16", "tf32", "fp32", "fp8")


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
        from gigawatt.study.chain_serving_leaves import (
            model_and_serving,  # which reads what training needs not
        )

        chip = model_and_serving(fill)
        _chip_and_size(fill, chip, ())
    _place(fill)
    _cooling(fill)
    _spares(fill)
    _grid(fill)
    _supply(fill)
    _money(fill)
    return fill.leaves, tuple(fill.assumptions)


def training_leaves(
    loaded: LoadedScenario, *, building: bool, grid: bool
) -> tuple[dict[str, Leaf], tuple[Assumption, ...]]:
    """Leaves of model, training, machine and money of a scenario that trains, and their assumptions.

    With ``building`` those of the site's cooling, with ``grid`` those of its grid too; errors are those of
    :func:`fill_leaves`.
    """
    fill = Filler(loaded)
    fill.written("scenario.year", "year", loaded.scenario.year)
    assert loaded.scenario.training is not None
    _model_and_training(fill, loaded.scenario.training)
    _machine(fill, loaded.scenario.training)
    if building or grid:
        _place(fill)
    if building:
        _cooling(fill)
    _spares(fill)
    if grid:
        _grid(fill)
    _money(fill)
    return fill.leaves, tuple(fill.assumptions)


def _model_and_training(fill: Filler, training: TrainingSection) -> None:
    scenario = fill.loaded.scenario
    named = beside(fill.loaded, scenario.model)
    model = fill.ask("model", lambda: once(("model", stamp(named)), lambda: read_architecture(named)))
    fill.written("model.architecture", "model", model)
    fill.written("training.tokens", "training.tokens", training.tokens)
    if training.sequence is None:
        row = catalog.entity("defaults", "training.sequence")
        usual = parse(row.text("text"), "token")
        longest = float(model.max_sequence or usual)
        if longest >= usual:
            fill.default("training.sequence", int(usual), row.text("text"), row.text("reason"), row)
        else:
            shown, why = show(longest, "tokens"), "the model's own longest sequence"
            fill.default("training.sequence", int(longest), shown, why, grade=Grade.vendor)
    else:
        fill.written("training.sequence", "training.sequence", int(training.sequence))
    fill.given_or_default(
        "training.global_batch", training.global_batch, lambda t: ("token", parse(t, "token"))
    )
    fill.written("training.runs", "training.runs", training.runs)


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


def _machine(fill: Filler, training: TrainingSection) -> None:
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
    if asked is not None and chip.peak and asked not in chip.peak:
        error = InputError(
            f"{chip.id} does not multiply in this number format", given=asked, allowed=chip.peak,
            nearest=nearest(asked, chip.peak),
        )  # fmt: skip
        raise fill.loaded.blame(
            error, "training.number_format" if training.precision is None else "training.precision"
        )
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
        rows, why = stack_rows(name), f"the usual software of {chip.id} in {scenario.year}"
        fill.default("machine.stack", stack, name, why, source=rows[0].source_id if rows else "")
        fill.with_rows("machine.stack", rows)
    optimizer = training.optimizer
    if optimizer is None:
        own = stack.optimizer
        fill.default("training.optimizer", own, own, "the stack's own recipe", grade=Grade.modelled)
        fill.with_rows("training.optimizer", catalog.entity("optimizers", stack.optimizer).rows())
    else:
        fill.ask("training.optimizer", lambda: load_optimizer(optimizer))
        rows = catalog.entity("optimizers", optimizer).rows()
        fill.written("training.optimizer", "training.optimizer", optimizer, rows)
    pins = {k: v for k, v in scenario.layout.model_dump(exclude={"widen"}).items() if v is not None}
    fill.written("layout.fixed", "layout", {k: WORDS.get(k, {}).get(v, v) for k, v in pins.items()})
    fill.written("layout.widen", "layout.widen", scenario.layout.widen)


def _weather_key(fill: Filler) -> tuple[str, Hashable]:
    """(key of the scenario that the weather is of, what its reading depends on)."""
    place = fill.loaded.scenario.site
    key = "site.weather" if place.weather else "site.name"
    file = None if place.weather is None else stamp(beside(fill.loaded, place.weather))
    return key, (place.name, file)


def _place(fill: Filler) -> None:
    """Site and weather."""
    place = fill.loaded.scenario.site
    site = fill.ask("site.name", lambda: load_site(place.name))
    fill.written("site.site", "site.name", site)
    key, here = _weather_key(fill)
    source = site if place.weather is None else Path(beside(fill.loaded, place.weather))
    weather = fill.ask(key, lambda: once(("weather", here), lambda: load_weather(source)))
    fill.written("site.weather", key, weather)


def _cooling(fill: Filler) -> None:
    cooling = fill.given_or_default("site.cooling", fill.loaded.scenario.site.cooling, str)
    entry = fill.ask("site.cooling", lambda: catalog.entity("cooling", cooling))
    fill.leaves["site.cooling"] = replace(fill.leaves["site.cooling"], value=entry, grade=None)


def _spares(fill: Filler) -> None:
    """Spare units of power and cooling, where they are given."""
    spare = fill.loaded.scenario.site.redundancy
    row = (
        None
        if spare is None
        else fill.ask("site.redundancy", lambda: catalog.entity("cooling_redundancy", spare))
    )
    fill.written("site.redundancy", "site.redundancy", row)


def _grid(fill: Filler) -> None:
    """The grid at the site in the weather years of the supply; needs the leaves of the building."""
    scenario, (_, here) = fill.loaded.scenario, _weather_key(fill)
    place, supply = scenario.site, scenario.supply
    site, weather = (fill.leaves[name].value for name in ("site.site", "site.weather"))
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


def _supply(fill: Filler) -> None:
    """Plants that may be built, limits and terms of the supply."""
    supply = fill.loaded.scenario.supply
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


def _terms(fill: Filler, supply: SupplySection) -> None:
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
