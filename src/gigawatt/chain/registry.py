"""The graphs of both chains, their leaves, and the decorators that register a quantity in one or in both.

A quantity that training and serving share is one function, registered once (:data:`shared`); what only one of
them knows is registered with :data:`q` (training) or :data:`serving`. Each graph has one writer a name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from gigawatt.core.graph import Graph, GraphError
from gigawatt.schema.fields import fields

__all__ = ["CHAIN_SERVING", "CHAIN_TRAINING", "complete", "q", "serving", "shared", "take"]

Function = Callable[..., Any]
Register = Callable[[Function], Function]

CHAIN_TRAINING, CHAIN_SERVING = Graph(), Graph()
_USUAL_ASSETS = ("chips", "nodes", "network", "building")


def _registrar(*graphs: Graph) -> Callable[..., Register]:
    def quantity(name: str, unit: str, *, rows: Iterable[str] = ("*",), method: str = "") -> Register:
        patterns = tuple(rows)

        def register(function: Function) -> Function:
            for graph in graphs:
                graph.quantity(name, unit, rows=patterns, method=method)(function)
            return function

        return register

    return quantity


q = _registrar(CHAIN_TRAINING)
"""Registers a quantity of training; the keywords of :meth:`~gigawatt.core.graph.Graph.quantity`."""
serving = _registrar(CHAIN_SERVING)
"""The same of serving."""
shared = _registrar(CHAIN_TRAINING, CHAIN_SERVING)
"""The same of both."""


def complete(graph: Graph) -> None:
    """Add what follows from what is registered: the assets of the campus, and leaves that are fields.

    A quantity may read any field of the schema by its name; it enters as the scenario says, ``None`` where it
    is left out and has no default.
    """
    summary = "What is bought once beside chips, nodes, network and building"
    taken = [name for name in graph.nodes if name in {f"assets.{usual}" for usual in _USUAL_ASSETS}]
    if taken:
        raise GraphError(f"{taken[0]} has the name of an asset that every campus has")
    if any(name.startswith("assets.") for name in graph.nodes):
        graph.gather("ledger.assets", "", "assets.", summary)
    else:
        graph.leaf("ledger.assets", "", summary)
    for name in graph.missing():
        if name in fields():
            graph.leaf(name, fields()[name].unit, fields()[name].sentence)


def take(*names: str) -> None:
    """Quantities of the training chain that serving has as they are."""
    for name in names:
        node = CHAIN_TRAINING.nodes[name]
        assert node.function is not None
        serving(name, node.unit, rows=node.rows, method=node.method)(node.function)


_BOTH = (
    ("scenario.year", "", "Year of prices, plants and software"),
    ("model.architecture", "", "The model, as its config.json describes it"),
    ("machine.chip", "", "The accelerator"),
    ("machine.size", "", "How many accelerators, or the facility power they may draw"),
    ("machine.options", "", "Node, links and domain where they differ from the chip's usual ones"),
    ("machine.power_cap", "W", "Largest power of one accelerator, where it is given"),
    ("site.site", "", "The site"),
    ("site.weather", "", "A year of hourly weather"),
    ("site.weather_years", "", "Years of sun and wind that the supply is planned over"),
    ("site.cooling", "", "The cooling system"),
    ("site.redundancy", "", "Spare units of power and cooling, where they are given"),
    ("supply.grid", "", "The grid at the site, hour by hour"),
    ("supply.grid_given", "", "Connection limit, price and carbon where they are given"),
    ("supply.plants", "", "Plants that may be built"),
    ("supply.limits", "", "Largest capacity of a plant where it is given"),
    ("supply.carbon_limit", "g/kWh", "Largest average carbon intensity of the electricity"),
    ("supply.carbon_price", "$/t", "Price on operational carbon"),
    ("supply.not_served_price", "$/MWh", "What energy not served costs, where it is given"),
    ("supply.not_served_limit", "percent", "Share of the energy that may stay unserved, where it is given"),
    ("supply.matching", "percent", "Share of every hour's load from clean plants, where it is given"),
    ("supply.flexible", "", "What of the load may be cut or wait, where it is given"),
    ("economics.discount_rate", "percent", "Real discount rate a year"),
    ("economics.chip_life", "yr", "Life of accelerators and nodes, where it is given"),
)
_TRAINING = (
    ("training.tokens", "tokens", "Tokens to train on"),
    ("training.sequence", "tokens", "Tokens of one sequence"),
    ("training.global_batch", "", "What one optimizer step sees, as written"),
    ("training.number_format", "", "Number format of the multiplications"),
    ("training.optimizer", "", "Optimizer and its number formats"),
    ("training.runs", "", "Runs that share the campus at the same time"),
    ("machine.stack", "", "The software stack"),
    ("layout.fixed", "", "Columns of the layout that are fixed"),
    ("layout.widen", "", "Rare columns of the layout that are searched as well"),
)
_SERVING = (
    ("serving.demand", "", "Requests or written tokens a second, as written; the mean of the year"),
    ("serving.traffic", "", "Lengths of prompts and answers, and how requests come"),
    ("serving.shape", "", "Hours of the day that the demand follows"),
    ("serving.days", "", "Kinds of days: all alike, or weekdays and weekends"),
    ("serving.objective", "", "What is promised to a request"),
    ("serving.engine", "", "The serving engine"),
    ("serving.weights", "", "Format in which weights are stored"),
    ("serving.cache", "", "Format in which keys and values are stored"),
    ("serving.precision", "", "What precision and zeros save, and what a stored run lost by them"),
    ("serving.guesses", "1", "Tokens guessed an iteration and checked together"),
    ("serving.acceptance", "percent", "Chance that a guessed token is right"),
    ("serving.layout", "", "Degrees of a replica that are held"),
    ("serving.mode", "", "Whether prompts and answers are computed on the same replicas"),
    ("serving.routing", "", "How a request finds its replica"),
    ("serving.autoscaling", "", "How replicas turn off and on, where they do"),
    ("serving.replicas_given", "1", "Replicas, where their number is given"),
    ("serving.seed", "", "Of everything that is drawn"),
    ("serving.simulated_requests", "1", "Requests that the event engine may simulate"),
    ("serving.simulated_replicas", "1", "Replicas of a kind that it simulates at most"),
    ("serving.simulated_hour", "s", "Seconds simulated that stand for an hour at least"),
)

for _graph, _leaves in ((CHAIN_TRAINING, (*_BOTH, *_TRAINING)), (CHAIN_SERVING, (*_BOTH, *_SERVING))):
    for _name, _unit, _summary in _leaves:
        _graph.leaf(_name, _unit, _summary)
