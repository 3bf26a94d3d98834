"""Latency against load, and cost against speed: curves of one service.

Waits stand twice: by the closed form of the screen (:mod:`gigawatt.chain.serving.screen`), at every load, and
by the event engine, request by request, at a few. The column ``by`` says which.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.chain.asking import Asker
from gigawatt.chain.serving.plan import plan_serving
from gigawatt.chain.serving.question import ServingQuestion
from gigawatt.chain.serving.replica import Degrees, Prices, candidates, prices_of, tables_of
from gigawatt.chain.serving.screen import Points, screen
from gigawatt.chain.serving.simulate import Setup, part, run_serving
from gigawatt.chain.serving.trials import layout_words
from gigawatt.core.errors import InputError
from gigawatt.machine import Cluster
from gigawatt.performance.search import non_dominated
from gigawatt.schema.scenario import LoadedScenario, read_scenario

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "CLOSED",
    "EVENTS",
    "LoadCurve",
    "latency_against_load",
    "scenario_question",
    "service_front",
]

Array = NDArray[np.float64]

CLOSED, EVENTS = "closed form", "events"
_SHARES = (0.1, 0.25, 0.4, 0.55, 0.7, 0.8, 0.87, 0.93, 0.97, 1.0)
"""Loads that the event engine simulates, relative to the highest of the closed form."""
_QUANTILES = {"p50": 0.5, "p99": 0.99}
_RATES = 40
"""Loads of the closed form."""
_TURNS, _WARM = 6.0, 0.2
"""Fewest turnovers of the requests in flight in a run; share of the run for warm-up."""
_MANY = 2**20
"""Accelerators of a machine with whole domains."""


@dataclass(frozen=True)
class LoadCurve:
    """Latency of one replica against its load.

    ``frame`` has the columns ``rate [1/s]``, ``by``, ``ttft_p50 [s]``, ``ttft_p99 [s]``, ``tpot_p50 [s]``,
    ``tpot_p99 [s]``, ``held`` (mean requests in flight) and ``tokens [token/s]`` output per accelerator.
    ``limits`` [s] are those of the SLO by name, ``percentile`` the share of requests that must keep them;
    ``layout`` in words, on ``chips`` accelerators.
    """

    frame: pd.DataFrame
    limits: dict[str, float]
    percentile: float | None
    layout: str
    chips: int


def scenario_question(scenario: LoadedScenario | str | Path) -> ServingQuestion:
    """The question of a scenario that serves, at its site and its grid's price.

    Raises
    ------
    InputError
        No such file, or a scenario that trains.
    """
    loaded = scenario if isinstance(scenario, LoadedScenario) else read_scenario(scenario)
    if not loaded.serves:
        raise InputError("not a serving scenario", file=loaded.file, allowed="a serving: section")
    found: ServingQuestion = Asker(loaded).at({}).value("serving.question").value
    return found


def latency_against_load(
    question: ServingQuestion,
    degrees: Degrees | None = None,
    *,
    events: bool = True,
    requests: int = 2000,
    seed: int = 0,
    progress: Callable[[str, float], None] | None = None,
) -> LoadCurve:
    """Latency of one replica from low load to its highest.

    Parameters
    ----------
    question : ServingQuestion
        What is served, for whom.
    degrees : Degrees, optional
        The replica (one row); the cheapest that meets the SLO, by the closed form, if left out.
    events : bool
        Whether the event engine serves a few loads too.
    requests : int
        Of each of its runs, at least, 100 or more.
    seed : int
        Of their arrivals and lengths.
    progress : callable, optional
        Called with (what is done, share done).

    Raises
    ------
    InputError
        Too few requests.
    InfeasibleError
        No replica fits, or none meets the SLO.
    """
    import pandas as pd

    if requests < 100:
        raise InputError("too few", key="requests", given=requests, allowed="100 or more")
    cluster, _ = question.cluster(_MANY)
    if degrees is None:
        degrees = plan_serving(question, finalists=0).first.pools[0].points.degrees
    found = {
        name: screen(_asking(question, share), cluster, degrees)[0] for name, share in _QUANTILES.items()
    }
    rows: Any = _closed(question, found)
    if events:
        reach = rows["rate [1/s]"] if len(rows) else found["p99"].rate
        most = float(reach.max())
        say = progress or (lambda text, share: None)
        made = _events(question, cluster, degrees, most * np.array(_SHARES), requests, seed, say)
        rows = pd.concat([rows, made], ignore_index=True)
    return LoadCurve(
        frame=rows,
        limits=dict(question.objective.limits),
        percentile=question.objective.percentile,
        layout=layout_words(degrees.row(0)),
        chips=round(float(degrees.chips[0])),
    )


def _asking(question: ServingQuestion, share: float) -> ServingQuestion:
    return replace(question, objective=replace(question.objective, percentile=share))


def _closed(question: ServingQuestion, found: dict[str, Points]) -> pd.DataFrame:
    """Both quantiles at the same rates, between those of the screen along straight lines.

    No row where prompts wait without end at every load in closed form (outputs of one token).
    """
    import pandas as pd

    curves: dict[str, tuple[Array, Points]] = {}
    for name, points in found.items():
        seen = np.isfinite(points.slow_ttft)
        kept = points.take(np.flatnonzero(seen)[np.argsort(points.rate[seen], kind="stable")])
        curves[name] = (kept.rate, kept)
    if not all(len(rate) for rate, _ in curves.values()):
        return pd.DataFrame()
    low = max(float(rate[0]) for rate, _ in curves.values())
    high = min(float(rate[-1]) for rate, _ in curves.values())
    rates = np.linspace(min(low, high), high, _RATES if low < high else 1)
    columns: dict[str, Any] = {"rate [1/s]": rates, "by": CLOSED}
    for key in ("ttft", "tpot"):
        for name, (rate, kept) in curves.items():
            columns[f"{key}_{name} [s]"] = np.interp(rates, rate, getattr(kept, f"slow_{key}"))
    rate, kept = curves["p50"]
    columns["held"] = np.interp(rates, rate, kept.held)
    columns["tokens [token/s]"] = rates * question.traffic.mean_output / float(kept.chips[0])
    return pd.DataFrame(columns)


def _events(
    question: ServingQuestion,
    cluster: Cluster,
    degrees: Degrees,
    rates: Array,
    requests: int,
    seed: int,
    say: Callable[[str, float], None],
) -> pd.DataFrame:
    import pandas as pd

    setup = Setup(part(question, degrees, 1))
    prices, tables = prices_of(question, cluster)[0], tables_of(question, cluster, degrees)
    lines: list[dict[str, Any]] = []
    flight = 0.0
    for number, rate in enumerate(rates):
        say(f"{rate:.3g} requests/s, one by one", number / len(rates))
        count = max(requests, round(_TURNS * flight))
        asked = question.traffic.underway(rate=float(rate), count=count, seed=seed)
        window = (float(asked.arrival[int(_WARM * len(asked))]), float(asked.arrival[-1]))
        run = run_serving(
            question, cluster, setup, asked, seed=seed, prices=prices, tables=(tables, None), window=window
        )
        s = run.summary
        flight = s.concurrency
        lines.append(
            {
                "rate [1/s]": float(rate), "by": EVENTS,
                "ttft_p50 [s]": s.ttft.p50, "ttft_p99 [s]": s.ttft.p99,
                "tpot_p50 [s]": s.tpot.p50, "tpot_p99 [s]": s.tpot.p99,
                "held": s.concurrency, "tokens [token/s]": s.output_rate / setup.chips,
            }
        )  # fmt: skip
    return pd.DataFrame(lines)


def service_front(question: ServingQuestion, *, chips: int | None = None) -> pd.DataFrame:
    """Pareto fronts of replicas and loads, in closed form, in speed and output, and in speed and cost.

    Parameters
    ----------
    question : ServingQuestion
        What is served, for whom.
    chips : int, optional
        Accelerators that there are.

    Returns
    -------
    DataFrame
        One row a replica and load, slowest for a user first: ``layout``, ``chips``, ``held`` in the mean,
        ``user [token/s]`` of one request, ``chip [token/s]`` written by an accelerator, ``tpot [s]``,
        ``cost [$/Mtoken]`` per million output tokens (without prefill), ``energy [J/token]`` at
        the meter, ``kept`` (the SLO is met), ``on_output`` and ``on_cost``: the fronts that it stands on.

    Raises
    ------
    InputError
        Answers of one token: there is no time between tokens.
    InfeasibleError
        Nothing fits.
    """
    import pandas as pd

    if question.traffic.mean_output <= 1.0:
        raise InputError(
            "outputs of one token have no TPOT", key="output", given="1 token",
            allowed="2 tokens or more",
        )  # fmt: skip
    cluster, _ = question.cluster(_MANY if chips is None else chips)
    prices = prices_of(question, cluster)[0]
    degrees, _ = candidates(question, cluster, chips)
    points, _ = screen(question, cluster, degrees)
    points = points.take(np.flatnonzero(np.isfinite(points.ttft)))
    output = question.traffic.mean_output
    user = 1.0 / np.maximum(points.tpot, 1e-9)
    chip = points.rate * output / points.chips
    cost = _cost(points, prices, output)
    fronts = {
        "on_output": non_dominated(np.stack([-user, -chip], axis=1)),
        "on_cost": non_dominated(np.stack([points.tpot, cost], axis=1)),
    }
    kept = np.flatnonzero(fronts["on_output"] | fronts["on_cost"])
    kept = kept[np.argsort(user[kept], kind="stable")]
    power = prices.meter(points.power(), points.chips)
    return pd.DataFrame(
        {
            "layout": [layout_words(points.degrees.row(int(i))) for i in kept],
            "chips": np.round(points.chips[kept]).astype(int),
            "held": points.held[kept],
            "user [token/s]": user[kept],
            "chip [token/s]": chip[kept],
            "tpot [s]": points.tpot[kept],
            "cost [$/Mtoken]": 1e6 * cost[kept],
            "energy [J/token]": (power / points.rate / output)[kept],
            "kept": (points.excess(question.objective) <= 1.0)[kept],
            **{name: front[kept] for name, front in fronts.items()},
        }
    )


def _cost(points: Points, prices: Prices, output: float) -> Array:
    """Cost of one output token [$], without prefill."""
    money = prices.cost(points.power(), points.chips) / points.rate
    return money * (1.0 - points.prompt_share) / output
