"""Predictions of measured serving rows: benchmarks by the event engine, others by closed forms."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.errors import InputError
from gigawatt.performance.serving.engines import Engine, load_engine
from gigawatt.performance.serving.inference import Replica
from gigawatt.performance.serving.memory import room
from gigawatt.performance.serving.recipes import engine_on
from gigawatt.performance.serving.steady import most_held, static_batch, steady
from gigawatt.validation.serving.closed_loop import SHORTEST, predict_closed, recipe_of
from gigawatt.validation.serving.pools import predict_pools
from gigawatt.validation.serving.replicas import replica_of
from gigawatt.validation.serving.rows import ServingCase

__all__ = ["best_cut", "cuts", "predict_serving"]

Array = NDArray[np.float64]

_HELD = (1.0, 0.7, 0.4, 0.15)
"""Shares of the most requests a replica holds that are tried where a row gives the largest throughput."""


def _loops(
    cases: Sequence[ServingCase], engine: Engine, r: Replica, held: Array, rounds: int
) -> dict[str, Array]:
    """Closed loops in closed form, long after their start, with the settings of their recipes: what fits of
    the step model use."""
    mean = (1.0 + SHORTEST) / 2.0
    prompt, output = (mean * np.array([getattr(c, n) for c in cases]) for n in ("prompt", "output"))
    recipes = [recipe_of(c, engine, c.layout, float(h)) for c, h in zip(cases, held, strict=True)]
    budget, places, interval, balance = np.array(
        [(x.token_budget, x.max_sequences, x.mean_interval, x.balance) for x in recipes], dtype=float
    ).T
    found = steady(
        r, prompt=prompt, output=output, held=held, budget=budget, sequences=places, interval=interval,
        balance=balance, rounds=rounds,
    )  # fmt: skip
    return {"ttft": found.first_token, "tpot": found.token, "throughput": found.requests * output}


def _steady(r: Replica, prompt: Array, output: Array, held: Array, rounds: int) -> dict[str, Array]:
    found = steady(r, prompt=prompt, output=output, held=held, rounds=rounds)
    return {"ttft": found.first_token, "tpot": found.token, "throughput": found.requests * output}


def _peak(r: Replica, prompt: Array, output: Array, held: Array, rounds: int) -> dict[str, Array]:
    most = most_held(r, prompt=prompt, output=output)
    best = np.zeros_like(prompt)
    for share in _HELD:
        found = steady(r, prompt=prompt, output=output, held=np.maximum(share * most, 1.0), rounds=rounds)
        best = np.maximum(best, found.requests * output)
    return {"throughput": best}


def _static(r: Replica, prompt: Array, output: Array, held: Array, rounds: int) -> dict[str, Array]:
    found = static_batch(r, prompt=prompt, output=output, batch=held)
    return {"ttft": found.first_token, "tpot": found.token, "throughput": found.requests * output}


_KINDS: Mapping[str, Callable[[Replica, Array, Array, Array, int], dict[str, Array]]] = {
    "steady": _steady,
    "peak": _peak,
    "static": _static,
    "first": _static,
}


def predict_serving(
    cases: Sequence[ServingCase],
    engines: Mapping[str, Engine] | None = None,
    rounds: int = 6,
    *,
    events: bool = True,
) -> list[dict[str, float]]:
    """Predictions of each case, by the same names as its ``measured``.

    Parameters
    ----------
    cases : sequence
        Of any kind but ``open``.
    engines : mapping, optional
        In place of those of the catalog, by id (as fits do).
    rounds : int
        Those of ``steady``.
    events : bool
        Benchmarks of a closed loop go through the event engine; if not, they are taken in closed form, long
        after their start.

    Notes
    -----
    Of accelerators without degrees those copies are taken that give most in all.
    """
    found: list[dict[str, float]] = [{} for _ in cases]
    groups: dict[tuple[str, ...], list[tuple[int, ServingCase]]] = defaultdict(list)
    for i, case in enumerate(cases):
        for one in cuts(case):
            groups[one.group].append((i, one))
    for key, rows in groups.items():
        engine = (engines or {}).get(key[2]) or load_engine(key[2])
        some, kind = [one for _, one in rows], key[-1]
        if kind == "pools":
            made = [predict_pools(one, engine) for one in some]
        elif kind == "closed" and events:
            made = predict_closed(some, engine)
        else:
            made = _in_closed_form(some, engine_on(engine, some[0].chip), rounds)
        for (i, _), values in zip(rows, made, strict=True):
            if not found[i] or values.get("throughput", 0.0) > found[i]["throughput"]:
                found[i] = values
    if not all(found):
        raise InputError("the model does not fit", key="layout", given="no number of copies has room")
    return [
        {name: value for name, value in values.items() if name in case.measured}
        for case, values in zip(cases, found, strict=True)
    ]


def _in_closed_form(cases: Sequence[ServingCase], engine: Engine, rounds: int) -> list[dict[str, float]]:
    """Predictions of cases of one group; nothing of a cut that has no room."""
    prompt, output = (np.array([getattr(c, n) for c in cases]) for n in ("prompt", "output"))
    copies = np.array([c.layout.copies for c in cases])
    held = np.maximum(np.array([c.held for c in cases]) / copies, 1.0)
    r = replica_of(cases, engine)
    if cases[0].kind == "closed":
        made = _loops(cases, engine, r, held, rounds)
    else:
        made = _KINDS[cases[0].kind](r, prompt, output, held, rounds)
    made["throughput"] = made["throughput"] * copies
    fits = np.broadcast_to(room(r) > 0.0, len(cases))
    rows = {name: np.broadcast_to(values, len(cases)) for name, values in made.items()}
    return [
        {} if case.layout.chosen and not fits[i] else {name: float(v[i]) for name, v in rows.items()}
        for i, case in enumerate(cases)
    ]


def cuts(case: ServingCase) -> list[ServingCase]:
    """The case, or where its row gives accelerators and no degrees those with every number of copies."""
    count, layout = round(case.layout.tensor), case.layout
    if not layout.chosen or case.kind not in ("peak", "open") or count < 2:
        return [replace(case, layout=replace(layout, chosen=False))]
    found: list[ServingCase] = []
    tensor = 1
    while tensor <= count:
        if count % tensor == 0:
            cut = replace(layout, tensor=float(tensor), expert_tensor=float(tensor), copies=count / tensor)
            found.append(replace(case, layout=cut))
        tensor *= 2
    return found


def best_cut(case: ServingCase) -> ServingCase:
    """The case with the copies that give most in all."""
    many = cuts(case)
    if len(many) == 1:
        return many[0]
    tried: list[tuple[float, int]] = []
    for i, one in enumerate(many):
        peak = replace(
            one, kind="peak", layout=replace(one.layout, chosen=False), measured={"throughput": 1.0}
        )
        if np.all(room(replica_of([peak], load_engine(peak.engine))) > 0.0):
            tried.append((predict_serving([peak])[0]["throughput"], i))
    if not tried:
        raise InputError(
            "the model does not fit", key="layout", given=f"{case.layout.tensor:g} {case.chip.id}"
        )
    return many[max(tried)[1]]
