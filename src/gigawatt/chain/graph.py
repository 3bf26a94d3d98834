"""The graph of a question: the branch of its scenario, cut at quantities that the scenario sets.

The modules of this room register pure functions on :data:`~gigawatt.chain.registry.CHAIN` in the order of
the chain: model and machine, training or serving, power and building, supply, money. Serving is registered
on first use, since a training run does not need it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from gigawatt.chain.registry import CHAIN, complete
from gigawatt.core.branching import cut_by, fields_of
from gigawatt.core.errors import InputError
from gigawatt.core.graph import Graph
from gigawatt.schema.fields import LOAD, SERVING, TRAINING, Witness, belongs_to, field
from gigawatt.schema.scenario import SOUGHT, LoadedScenario, sizes, value_of

__all__ = ["UNCERTAINTY", "graph_of", "graph_of_branch", "refuse_sampling", "refuse_unread"]

_TITLE = "name"
"""The field without a quantity: the title of the report."""
UNCERTAINTY = "uncertainty"
"""The field that adds intervals to the answer of a whole chain."""
_ELSEWHERE = {"serving.classes": "gigawatt plan-serving or simulate-serving, which serve classes"}
"""Fields that other questions than those of the chain read, and which."""


_REGISTERED: set[str] = set()


def _registered(branch: str) -> None:
    """Import what registers the quantities of a branch, once."""
    if branch in _REGISTERED:
        return
    from gigawatt.chain import money
    from gigawatt.chain.site import campus, capacity_chain, load
    from gigawatt.chain.supply import built as supply_built
    from gigawatt.chain.supply import quantities as supply

    modules: tuple[Any, ...] = (supply, load, money, capacity_chain, campus, supply_built)
    if branch != LOAD:
        from gigawatt.chain.machine import quantities as machine
        from gigawatt.chain.machine import sizing

        modules = (*modules, machine, sizing)
    if branch == TRAINING:
        from gigawatt.chain import boundary
        from gigawatt.chain.supply import flexibility as flexible
        from gigawatt.chain.training import (
            budget,
            campaign,
            deadline,
            fit,
            flexibility,
            held_back,
            notices,
            quantities,
        )
        from gigawatt.chain.training.rl import apart, outputs, step

        modules = (*modules, notices, fit, quantities, budget, deadline, held_back, boundary, campaign)
        modules = (*modules, apart, outputs, step)
        modules = (*modules, flexible, flexibility)
    elif branch == SERVING:
        from gigawatt.chain import boundary
        from gigawatt.chain.serving import flexibility, outages, power, service, waits
        from gigawatt.chain.serving import money as serving_money
        from gigawatt.chain.serving import notices as serving_notices
        from gigawatt.chain.supply import flexibility as flexible
        from gigawatt.chain.training import quantities

        modules = (*modules, quantities, service, waits, power, serving_money, serving_notices, boundary)
        modules = (*modules, outages, flexible, flexibility)
    assert all(modules)
    complete(branch)
    _REGISTERED.add(branch)


def graph_of_branch(branch: str, given: tuple[str, ...] = ()) -> Graph:
    """The graph of ``training``, ``serving`` or ``load`` where the fields ``given`` are given."""
    _registered(branch)
    return CHAIN.graph(branch, given)


def _given(loaded: LoadedScenario, changes: Mapping[str, object]) -> tuple[str, ...]:
    """Fields that the scenario gives in place of what would be computed, under changes of its keys."""

    def given(name: str) -> bool:
        key, word, asked = name.partition("=")
        value = changes[key] if key in changes else value_of(loaded.scenario, key)
        return value == asked if word else value is not None

    by = next((name for name in sizes(loaded.branch) if given(name)), None)
    return tuple(name for name in CHAIN.seams if given(name) and (name not in SOUGHT or name == by))


def graph_of(loaded: LoadedScenario, changes: Mapping[str, object] = MappingProxyType({})) -> Graph:
    """The graph that answers a scenario, under changes of its keys.

    Raises
    ------
    InputError
        Two fields that are given each write the same quantity.
    """
    branch = loaded.branch
    _registered(branch)
    if branch == LOAD and not any(name.startswith("load.") for name in _given(loaded, changes)):
        allowed = "the highest hour, such as 1GW, or a file with a head such as 'load [MW]'"
        raise loaded.blame(InputError("the load is missing", allowed=allowed), "load.peak")
    try:
        return CHAIN.graph(branch, _given(loaded, changes))
    except InputError as error:
        raise loaded.blame(error, error.key or "") from None


def _missing(loaded: LoadedScenario, witness: Witness) -> str:
    """What a scenario lacks, and does not have otherwise, of what a field is read beside."""
    return ", ".join(f"{key}={value}" for key, value in witness.others if value and key not in loaded.written)


def refuse_unread(
    loaded: LoadedScenario,
    graph: Graph,
    targets: tuple[str, ...] | None = None,
    besides: tuple[str, ...] = (),
) -> None:
    """Raise ``InputError`` of the first field that is written and that ``targets`` do not follow from.

    ``besides`` are fields that the study itself reads. The message names what cuts it: a field that is given
    in its place, or the branch.
    """
    read = fields_of(graph, targets)
    for key in loaded.written:
        known = field(key)
        if known is None or known.key in read or known.key in (_TITLE, *besides):
            continue
        if known.key == UNCERTAINTY:
            refuse_sampling(loaded)
            continue
        branch = loaded.branch
        error = InputError("no requested quantity depends on this field", key=key, given=loaded.written[key],
                           allowed=_ELSEWHERE.get(known.key))  # fmt: skip
        cut = cut_by(CHAIN, branch, _given(loaded, {}), known.key)
        if cut is not None:
            error.message, error.allowed = (
                f"{cut} is set and replaces what depends on this field",
                "one of them",
            )
        elif not known.allows(branch):
            error.message = belongs_to(known.branch, branch)
        elif known.witness is not None and (others := _missing(loaded, known.witness)):
            error.allowed = f"{others} as well, for example"
        raise loaded.blame(error, key)


def refuse_sampling(loaded: LoadedScenario) -> LoadedScenario:
    """The scenario; raises ``InputError`` where it asks for the uncertainty, which is not given here."""
    if loaded.scenario.uncertainty:
        error = InputError("this command samples nothing", given="true", allowed="gigawatt run or compare")
        raise loaded.blame(error, UNCERTAINTY)
    return loaded
