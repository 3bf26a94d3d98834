"""Words and settings of a question as keys of a scenario; PUE and price without a supply plan.

A question that is asked before the size of its machine is known has words of its own for some keys of a
scenario; every other key is a setting, dotted as in the file. Errors name the word, or the key.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from gigawatt.chain.assumption_list import AssumptionList, year_of
from gigawatt.chain.filler import Filler
from gigawatt.chain.machine.quantities import flat_year, pue_peak
from gigawatt.chain.shared_leaves import fill_cooling, fill_grid, fill_money, fill_place, fill_spares
from gigawatt.chain.supply.candidates import connection_price
from gigawatt.core.branching import fields_of
from gigawatt.core.errors import GigawattError, InputError
from gigawatt.core.evidence import Grade
from gigawatt.core.graph import Graph
from gigawatt.core.quantities import show
from gigawatt.schema.fields import field
from gigawatt.schema.scenario import SHORT
from gigawatt.schema.values import at_year

__all__ = ["HERE", "Words", "place_of", "with_defaults"]

HERE = Path("question")
"""The file name of keys that are in no file."""
_SITE = "abilene-texas"


class Words:
    """Keys of a scenario with their values, and the word that each was given by.

    Parameters
    ----------
    command : str
        What an error calls the question.
    refused : mapping
        Keys or sections that the question has no use for, and what would do; empty: usable after all.
    """

    def __init__(self, command: str, refused: Mapping[str, str]) -> None:
        self.command, self.refused = command, refused
        self.values: dict[str, object] = {}
        self.names: dict[str, str] = {}

    def word(self, name: str, key: str, value: object) -> None:
        """Set the key of a word, where the word is set."""
        if value is not None:
            self.values[key] = value
            self.names[key] = name

    def machine(self, options: Mapping[str, Any]) -> dict[str, object]:
        """Take options of the machine (node, links, domain …); what has a dot in its name is a setting."""
        dotted: dict[str, object] = {}
        for name, value in options.items():
            if "." in name:
                dotted[name] = value
                continue
            if isinstance(value, float) and not math.isfinite(value):
                raise InputError("not a finite number", key=name, given=str(value), allowed="a finite number")
            self.word(name, f"machine.{name}", value)
        return dotted

    def settings(self, given: Mapping[str, object]) -> None:
        """Take keys of a scenario.

        Raises
        ------
        InputError
            A key that the question has no use for, or that a word gives as well.
        """
        for name, value in given.items():
            key = name if isinstance(value, Mapping) else SHORT.get(name, name)
            self._usable(key)
            if key in self.values:
                raise InputError(
                    "given twice", key=key, given=str(value), allowed=f"or {self.names[key]} alone"
                )
            self.values[key] = value

    def refuse_unread(self, graph: Graph, targets: Iterable[str]) -> None:
        """Raise ``InputError`` of the first key that ``targets`` of the graph do not follow from."""
        read = fields_of(graph, targets)
        for key in self.values:
            known = field(key)
            if known is not None and known.key not in read and self._usable(key) is None:
                message = f"{self.command} does not use this key"
                raise InputError(message, key=key, allowed="gigawatt run SCENARIO")

    def _usable(self, key: str) -> str | None:
        """``""`` of a key that is usable after all, ``None`` of one that is not named."""
        parts = key.split(".")
        for depth in range(len(parts), 0, -1):
            instead = self.refused.get(".".join(parts[:depth]))
            if instead:
                raise InputError(f"{self.command} does not use this key", key=key, allowed=instead)
            if instead is not None:
                return instead
        return None

    @contextmanager
    def named(self) -> Iterator[None]:
        """Errors inside name the word of a key, and no file."""
        try:
            yield
        except GigawattError as error:
            if error.file == HERE:
                error.file = error.line = None
            error.key = self.names.get(error.key or "", error.key)
            raise


def with_defaults(
    assumed: AssumptionList, given: Mapping[str, object], pue: float | None
) -> dict[str, object]:
    """The keys with a year and a site, listed where they are defaults that the answer needs."""
    values = dict(given)
    if "year" not in values:
        values["year"] = year_of(assumed, None)
    if "site.name" not in values:
        values["site.name"] = _SITE
        if pue is None or not values.keys() & {"supply.price", "supply.grid.price"}:
            assumed.add("site.name", _SITE, "PUE and price of electricity depend on the site", Grade.guess)
    if pue is not None and not 1.0 <= pue < math.inf:
        raise InputError(
            "not finite" if pue == math.inf else "below one", key="pue", given=str(pue), allowed="1 or more"
        )
    return values


def place_of(assumed: AssumptionList, fill: Filler, pue: float | None) -> tuple[float, float, float]:
    """(PUE of the year, of the hottest hour, price of electricity [$/J]); fills the leaves that these need,
    and those of money.

    ``pue`` where it is given; the price that is given, or what a flat load pays at the grid of its site: the
    mean of the hours, and the connection by its energy.
    """
    scenario = fill.loaded.scenario
    mean_price = at_year(scenario.supply.grid.price, scenario.year)
    price = mean_price if scenario.supply.price is None else scenario.supply.price
    pue = scenario.site.pue if pue is None else pue
    if pue is None or price is None or scenario.economics.discount_rate is None:
        fill_place(fill)
    if pue is None:
        fill_cooling(fill)
    fill_spares(fill)
    fill_money(fill)
    mean, peak = (pue, pue) if pue is not None else _pue(assumed, fill)
    rate = fill.leaves["economics.discount_rate"].value
    connection = connection_price(year=scenario.year, rate=rate)
    if price is not None:  # that of the grid is of its hours
        return mean, peak, price if scenario.supply.price is not None else price + connection
    fill_grid(fill)
    grid, place = fill.leaves["supply.grid"].value, fill.leaves["site.site"].value
    price = float(np.mean(grid.price)) + connection
    evidence = grid.evidence.get("price")
    assumed.add(
        "supply.price",
        show(price, "$/MWh"),
        f"mean of the grid {place.grid}, with {show(connection, '$/MWh')} for the connection",
        evidence.grade if evidence is not None else Grade.modelled,
        evidence.source_id if evidence is not None else "",
    )
    return mean, peak, price


def _pue(assumed: AssumptionList, fill: Filler) -> tuple[float, float]:
    """(PUE of the year, of the hottest hour) under a constant load in the weather of the site."""
    weather, cooling, redundancy = (
        fill.leaves[f"site.{name}"].value for name in ("weather", "cooling", "redundancy")
    )
    mean = flat_year(weather, cooling, redundancy).annual_pue
    peak = pue_peak(weather, cooling, redundancy, None)
    assumed.add(
        "facility.pue",
        f"{mean:.3g} in the year, {peak:.3g} in the hottest hour",
        f"{cooling.id} in the weather of {fill.leaves['site.site'].value.id}",
        Grade.modelled,
    )
    return mean, peak
