"""The chain: one graph, its branches, its leaves, and the decorators that register quantities on it.

A quantity is registered once, for the branches that have it: :data:`training` and :data:`serving` a model,
both (:data:`running`), or any question, a load of its own among them (:data:`shared`). A field that is given
in place of what would be computed chooses its writer (``given``) and cuts what only the usual writer reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from gigawatt.chain.supply.grid_terms import GRID_TERMS
from gigawatt.core.branching import BranchingGraph
from gigawatt.core.graph import GraphError
from gigawatt.performance.software import OFFERED
from gigawatt.schema.fields import LOAD, SERVING, TRAINING, fields, keys_under

__all__ = [
    "CHAIN",
    "complete",
    "load_alone",
    "running",
    "serving",
    "shared",
    "training",
]

Function = Callable[..., Any]
Register = Callable[[Function], Function]

CHAIN = BranchingGraph((TRAINING, SERVING, LOAD))
"""Every quantity from the model's configuration to the cost of a token."""
_USUAL_ASSETS = ("chips", "nodes", "network", "building")


def _registrar(*branches: str) -> Callable[..., Register]:
    def quantity(
        name: str, unit: str, *, given: Iterable[str] = (), rows: Iterable[str] = ("*",), method: str = ""
    ) -> Register:
        return CHAIN.quantity(name, unit, branches, given=given, rows=rows, method=method)

    return quantity


training = _registrar(TRAINING)
"""Registers a quantity of training; keywords of :meth:`~gigawatt.core.branching.BranchingGraph.quantity`."""
serving = _registrar(SERVING)
"""The same of serving."""
running = _registrar(TRAINING, SERVING)
"""The same of both."""
load_alone = _registrar(LOAD)
"""The same of a load without a model."""
shared = _registrar(TRAINING, SERVING, LOAD)
"""The same of every question, a load of its own among them."""


def complete(branch: str) -> None:
    """Add to a branch what follows from what is registered: assets of the campus, leaves that are fields.

    A quantity may read any field of the schema by its name; it enters as the scenario says, ``None`` where it
    is left out and has no default.

    Raises
    ------
    GraphError
        A leaf that nothing reads, an input that is neither quantity nor field, an asset with a usual name.
    """
    names = {one.node.name for one in CHAIN.writers if branch in one.branches}
    summary = "Further assets besides chips, nodes, network and building"
    taken = sorted(names & {f"assets.{usual}" for usual in _USUAL_ASSETS})
    if taken:
        raise GraphError(f"{taken[0]} has the name of an asset that every campus has")
    if "ledger.assets" not in CHAIN.missing(branch):
        pass  # no campus is bought
    elif any(name.startswith("assets.") for name in names):
        CHAIN.gather("ledger.assets", "", "assets.", summary, (branch,))
    else:
        CHAIN.leaf("ledger.assets", "", summary, (branch,))
    missing = set(CHAIN.missing(branch))
    for name, field in fields().items():  # in the order of the schema, whatever was imported first
        if name in missing:
            CHAIN.leaf(name, field.unit, field.sentence, (branch,), fields=(name,))
    unread = CHAIN.unread(branch)
    if unread:
        raise GraphError(f"nothing reads {', '.join(unread)}")


_MACHINE = (
    "machine.node machine.scale_up machine.scale_out machine.domain machine.oversubscription machine.topology"
)
_DEGREES = " ".join(f"serving.layout.{name}" for name in keys_under("serving.layout"))
_PREFILL = " ".join(f"serving.prefill.{name}" for name in keys_under("serving.prefill"))
_COLUMNS = " ".join(f"layout.{name}" for name in keys_under("layout") if name != "widen")
_WEATHER = "site.name site.weather site.design_hot site.design_cold site.wind_speed"
_DATED = "year supply.ordered supply.ready supply.allow"
_CONNECTION = " ".join(
    [
        *(f"supply.grid.{name}" for name in GRID_TERMS),
        "supply.ppa",
        "supply.ppa_price",
        "supply.hedge",
        "supply.congestion_right",
    ]
)
_HOURS = " ".join(
    f"supply.grid.{name}"
    for name in ("price", "carbon", "water", "year", "delivery", "hours", "residual_carbon", "basis")
)
_EVERY = (
    ("scenario.year", "", "Year of prices, plants and software", "year"),
    ("site.site", "", "The site", "site.name"),
    ("site.weather", "", "A year of hourly weather", _WEATHER),
    ("site.weather_years", "", "Years of sun and wind that the supply is planned over",
     f"{_WEATHER} site.weather_years"),
    ("site.cooling", "", "The cooling system", "site.cooling"),
    ("site.redundancy", "", "Spare units of power and cooling, where they are given", "site.redundancy"),
    ("supply.grid", "", "The grid at the site, hour by hour",
     f"year {_WEATHER} site.weather_years {_HOURS} carbon.boundary"),
    ("supply.grid_given", "", "Terms of the connection, where they are given", _CONNECTION),
    ("supply.dates", "", "Orders and lead times of the plants", f"{_DATED} supply.plants"),
    ("supply.plants", "", "Plants that may be built", f"supply.plants {_DATED}"),
    ("supply.limits", "", "Largest capacity of a plant where it is given", f"supply.limits {_DATED}"),
    ("supply.capacity_factors", "", "Capacity factors by the hour of a plant, where they are given",
     "supply.capacity_factors"),
    ("supply.fuel_prices", "", "Prices of fuels at their hubs, where they are given", "supply.fuel_prices"),
    ("supply.credits", "", "Whether tax credits are as the law of the place gives them", "supply.credits"),
    ("supply.fuel_stock", "h", "Fuel in stock, as time at full output, where it is given",
     "supply.fuel_stock"),
    ("supply.carbon_limit", "g/kWh", "Largest average carbon intensity of the electricity",
     "supply.carbon_limit"),
    ("supply.carbon_price", "$/t", "Price on operational carbon", "supply.carbon_price"),
    ("supply.carbon_market", "", "Whether the carbon price is the place's own, on what burns on the site",
     "supply.carbon_price"),
    ("supply.not_served_price", "$/MWh", "Price of energy not served, where it is given",
     "supply.not_served_price"),
    ("supply.not_served_limit", "percent", "Share of the energy that may be unserved, where it is given",
     "supply.reliability"),
    ("supply.units", "", "Whether plants come in whole units", "supply.units"),
    ("supply.fuel_lines", "1", "Lines by which each fuel comes, of which one is enough", "supply.fuel_lines"),
    ("supply.matching", "percent", "Share of every hour's load from clean plants, where it is given",
     "supply.matching"),
    ("supply.flexible", "", "Curtailable and deferrable load, where it is given",
     "supply.flexible supply.deferrable"),
    ("economics.discount_rate", "percent", "Real discount rate a year", "economics.discount_rate"),
)  # fmt: skip
_RUNNING = (
    ("scenario.boundary", "", "What energy and carbon count", "boundary"),
    ("model.architecture", "", "The model, as its config.json describes it", "model"),
    ("machine.chip", "", "The accelerator",
     "machine.chip machine.operand_energy machine.die_temperature economics.chip_price economics.chip_bought "
     "economics.chip_resale year"),
    ("machine.size", "", "Number of accelerators, or their facility power limit",
     "machine.count machine.power"),
    ("machine.options", "", "Node, links and domain where they differ from the chip's usual ones", _MACHINE),
    ("site.oversubscription", "percent",
     "Share by which the running peak may exceed the firm power at the meter, where it is given",
     "site.oversubscription"),
    ("machine.power_cap", "W", "Largest power of one accelerator, where it is given", "machine.power_cap"),
    ("economics.chip_life", "yr", "Life of accelerators and nodes, where it is given",
     "economics.chip_life"),
)  # fmt: skip
_TRAINING = (
    ("training.tokens", "tokens", "Tokens to train on, in all epochs", "training.tokens training.epochs"),
    ("training.sequence", "tokens", "Tokens of one sequence", "training.sequence"),
    ("training.global_batch", "", "Global batch of an optimizer step, as written", "training.global_batch"),
    ("training.number_format", "", "Number format of the multiplications",
     "training.number_format training.precision training.sparsity"),
    ("training.optimizer", "", "Optimizer and its number formats", "training.optimizer"),
    ("training.batch_held", "", "Whether the batch is given, or that of a given step time; else it may grow",
     "training.global_batch"),
    ("training.runs_given", "", "Runs that share the campus at the same time, as given; 0: as many as pay",
     "training.runs"),
    ("training.overhead", "percent", "Time of a whole run besides its steps and failures, as a share of them",
     "training.overhead training.goodput"),
    ("software.stack", "", "Parameters of the training software",
     "software.framework software.version software.flags year "
     + " ".join(f"layout.{name}" for name in OFFERED)),
    ("layout.fixed", "", "Columns of the layout that are fixed", _COLUMNS),
    ("layout.widen", "", "Rare columns of the layout that are searched as well", "layout.widen"),
    ("rl.engine", "", "The engine that rolls out", "rl.engine year"),
    ("rl.weights", "", "Format in which rollouts store the weights", "rl.weights"),
    ("rl.cache", "", "Format in which rollouts store keys and values", "rl.cache"),
    ("rl.acceptance", "percent", "Acceptance rate of a draft token of rollouts", "rl.acceptance"),
    ("rl.rewarder", "", "The model that scores outputs; none where a rule does", "rl.reward"),
)  # fmt: skip
_SERVING = (
    ("serving.demand", "", "Requests or output tokens a second, or users, as written; the mean of the year",
     "serving.demand"),
    ("serving.traffic", "", "Prompt and output lengths, and arrivals of requests",
     "serving.trace serving.prompt serving.output serving.sessions serving.arrivals serving.variation "
     "serving.images serving.audio"),
    ("serving.encoded", "", "Images and sound of each request, by tower", "serving.images serving.audio"),
    ("serving.shape", "", "Hours of the day that the demand follows", "serving.shape"),
    ("serving.days", "", "Kinds of days: all alike, or weekdays and weekends", "serving.days"),
    ("serving.objective", "", "Latency target of a request", "serving.objective"),
    ("serving.engine", "", "The serving engine", "serving.engine year"),
    ("serving.recipe", "", "How the engine is set: its defaults or a recipe", "serving.recipe"),
    ("serving.weights", "", "Format in which weights are stored", "serving.weights serving.precision"),
    ("serving.cache", "", "Format in which keys and values are stored", "serving.cache serving.precision"),
    ("serving.precision", "", "Savings by precision and sparsity, and the quality loss of a stored run",
     "serving.precision serving.sparsity"),
    ("serving.guesses", "1", "Draft tokens of an iteration, checked together", "serving.guesses"),
    ("serving.acceptance", "percent", "Acceptance rate of a draft token", "serving.acceptance"),
    ("serving.speculation", "", "Tokens gained an iteration, as measured", "serving.speculation"),
    ("serving.tiers", "", "Tiers below the prefix cache of an accelerator", "serving.tiers"),
    ("serving.adapters", "", "Low-rank adapters that requests name", "serving.adapters"),
    ("serving.layout", "", "Fixed degrees of a replica", _DEGREES),
    ("serving.prefill", "", "Fixed degrees of a prefill replica", _PREFILL),
    ("serving.redundant_experts", "1", "Experts of a layer with a second copy", "serving.redundant_experts"),
    ("serving.two_batch_overlap", "", "Whether exchange of half a batch goes on beside the other half",
     "serving.two_batch_overlap"),
    ("serving.cached_prompt", "percent", "Share of prompt tokens found in a cache", "serving.cached_prompt"),
    ("serving.mode", "", "Whether prefill and decode share replicas", "serving.mode"),
    ("serving.routing", "", "How a request finds its replica", "serving.routing"),
    ("serving.autoscaling", "", "Autoscaling of replicas, where it is given",
     "serving.autoscaling.minimum serving.autoscaling.target"),
    ("serving.replicas_given", "1", "Replicas, where their number is given", "serving.replicas"),
    ("serving.seed", "", "Random seed", "serving.seed"),
    ("serving.simulated_requests", "1", "Requests that the event engine may simulate",
     "serving.simulated_requests"),
    ("serving.simulated_replicas", "1", "Replicas of a kind that the event engine may simulate",
     "serving.simulated_replicas"),
    ("serving.simulated_hour", "s", "Fewest simulated seconds that represent an hour", ""),
)  # fmt: skip

for _branches, _leaves in (
    ((), _EVERY), ((TRAINING, SERVING), _RUNNING), ((TRAINING,), _TRAINING), ((SERVING,), _SERVING),
):  # fmt: skip
    for _name, _unit, _summary, _fields in _leaves:
        CHAIN.leaf(_name, _unit, _summary, _branches, fields=_fields.split())
