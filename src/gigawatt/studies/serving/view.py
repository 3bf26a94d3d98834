"""A service: latency against load, cost against speed, the hours of a day, the search by events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gigawatt import catalog
from gigawatt.chain.serving.load import (
    EVENTS,
    LoadCurve,
    latency_against_load,
    scenario_question,
    service_front,
)
from gigawatt.chain.serving.plan import plan_serving
from gigawatt.chain.serving.question import ServingQuestion
from gigawatt.chain.serving.scenario import question_beside
from gigawatt.core.document import Again, Grid
from gigawatt.core.errors import GigawattError, InfeasibleError, InputError
from gigawatt.core.quantities import several
from gigawatt.faces.figures.readable import significant, with_unit
from gigawatt.faces.report.frames import grid_of
from gigawatt.faces.report.trust import assumption_grid
from gigawatt.faces.web.answers import Asked, Fragment
from gigawatt.faces.web.form.state import placed
from gigawatt.faces.web.rendering import Plot, fragment, plot
from gigawatt.schema.fields import SERVING
from gigawatt.studies.run import grids
from gigawatt.studies.run.figures import figure
from gigawatt.studies.run.figures_tables import has_table
from gigawatt.studies.serving.answer import plan_answer
from gigawatt.studies.serving.document import document
from gigawatt.studies.serving.figures_load import cost_front, latency_load, output_front

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["day", "search", "show"]

_USUAL = "usual"
_WAITS = {
    "ttft": "time to first token (TTFT)",
    "tpot": "time per output token (TPOT)",
    "e2e": "end-to-end latency (E2E)",
}
_LISTED = 120
"""Most rows of the front in its table, evenly sampled."""
_MODES = {
    "aggregated": "prefill and decode on the same replicas",
    "disaggregated": "disaggregated prefill and decode",
    "both": "the better of both",
}
_MINIMISED = {"cost": "cost", "energy": "energy", "chips": "accelerators"}
_FINALISTS = {"3": "3", "1": "1", "6": "6", "10": "10"}
_REQUESTS = {"4000": "4,000", "1000": "1,000", "20000": "20,000"}
_CURVE = {
    "rate": "requests",
    "ttft_p50": "TTFT p50",
    "ttft_p99": "TTFT p99",
    "tpot_p50": "TPOT p50",
    "tpot_p99": "TPOT p99",
    "held": "in flight",
    "tokens": "output per accelerator",
}
_FRONT = {
    "chips": "accelerators",
    "held": "in flight",
    "user": "per user",
    "chip": "per accelerator",
    "tpot": "TPOT",
    "kept": "SLO met",
    "on_output": "best output",
    "on_cost": "best cost",
}
_DAY = {
    "latency": ("latency", "Percentiles of latency in simulated weekdays and weekends; dashed lines are "
                           "the SLO."),
    "day": ("day", "Power over the mean weekday and weekend day, markers: the highest five minutes; below "
                   "it the request rate."),
    "occupancy": ("day", "Running and waiting requests of a replica; below it the KV cache occupancy."),
}  # fmt: skip
_CARDS = (
    ("serving.ttft_p50", "TTFT p50"),
    ("serving.ttft_p99", "TTFT p99"),
    ("serving.tpot_p50", "TPOT p50"),
    ("serving.tpot_p99", "TPOT p99"),
    ("serving.e2e_p99", "E2E p99"),
    ("serving.kept", "SLO met"),
    ("serving.kept_worst", "SLO met in the worst hour"),
    ("serving.goodput", "Goodput"),
)


def _objectives() -> dict[str, str]:
    rows = catalog.table("objectives")
    return {_USUAL: "usual for the model", **{name: row.text("name") for name, row in rows.items()}}


def _question(asked: Asked) -> ServingQuestion:
    """The question of a serving scenario; else that of serving its model on its machine."""
    loaded = asked.state.loaded()
    try:
        if loaded.serves:
            return scenario_question(loaded)
        chosen = asked.setting("objective", _objectives())
        return question_beside(loaded, objective=None if chosen == _USUAL else chosen)
    except GigawattError as error:
        raise placed(error, asked.state.branch) from None


def show(asked: Asked) -> Fragment:
    """Latency against load and the front in closed form; the day of a service has its own fragment."""
    serves = asked.state.branch == SERVING
    asked.progress("Reading the scenario", 0.0)
    question = _question(asked)
    plots: dict[str, Plot] = {}
    tables: dict[str, Grid] = {}
    refused: list[str] = []
    asked.progress("Latency against load", 0.3)
    try:
        curve = latency_against_load(question, events=False)
        plots["load"], tables["load"] = _curve("load", curve)
    except (InfeasibleError, InputError) as error:
        refused.append(str(error))
    asked.progress("Cost against speed", 0.7)
    try:
        front = service_front(question)
    except InfeasibleError as error:
        refused += [] if str(error) in refused else [str(error)]
    else:
        words = (
            "Filled: the SLO is met. Pareto front of replicas and loads, each one replica in closed form "
            "(modelled); cost is per million output tokens, without prefill."
        )
        plots["output"] = plot(
            "output",
            output_front(front),
            f"Output per accelerator against speed per user. {words}",
        )
        plots["cost"] = plot(
            "cost",
            cost_front(front),
            f"Cost per million output tokens against TPOT. {words}",
        )
        tables["front"] = _front(front)
    return fragment(
        "serving.html.j2",
        title=f"Serving: {question.architecture.name}",
        serves=serves,
        words=_words(question),
        refused=refused,
        objective=asked.setting("objective", _objectives()),
        objectives=_objectives(),
        plots=plots,
        tables=tables,
        assumed=None if serves else assumption_grid(question.assumptions),
        notices=question.notices,
        modes=_MODES,
        minimised=_MINIMISED,
        finalists=_FINALISTS,
        requests=_REQUESTS,
        query=asked.state.query(asked.settings),
    )


def _words(question: ServingQuestion) -> str:
    traffic, objective = question.traffic, question.objective
    limits = ", ".join(f"{_WAITS[key]} ≤ {with_unit(value, 's')}" for key, value in objective.limits.items())
    share = "" if objective.percentile is None else f" for {100 * objective.percentile:g} % of requests"
    return (
        f"{question.architecture.name} in {question.weights}, KV cache in {question.cache}, on "
        f"{question.chip.name} with {question.engine.id} in {question.year}; "
        f"{significant(traffic.mean_prompt)} prompt and {significant(traffic.mean_output)} output tokens "
        f"on average. SLO: {limits or 'none'}{share}."
    )


def _curve(name: str, curve: LoadCurve) -> tuple[Plot, Grid]:
    both = bool((curve.frame["by"] == EVENTS).any())
    by = "lines by the closed form, markers request by request" if both else "by the closed form"
    words = (
        f"One replica, {curve.layout} on {several(curve.chips, 'accelerator')}: TTFT above, TPOT below, "
        f"p50 and p99, {by} (modelled). Dotted lines are the SLO."
    )
    return plot(name, latency_load(curve), words), grid_of(
        curve.frame.rename(columns={"by": "method"}),
        "Latency of one replica against its load.",
        heads=_CURVE,
    )


def _front(front: pd.DataFrame) -> Grid:
    every = max(1, -(-len(front) // _LISTED))
    shown = front.iloc[::every]
    sampled = "" if every == 1 else ", evenly sampled"
    return grid_of(
        shown, f"Replicas and loads of both fronts, by increasing speed per user{sampled}.", heads=_FRONT
    )


def day(asked: Asked) -> Fragment:
    """The hours of a service's day, by the event engine: latencies, power, running requests."""
    result = asked.result
    if not has_table(result, "day"):
        raise InputError("not a serving scenario", key="start", allowed="a scenario with a serving: section")
    return fragment(
        "serving_day.html.j2",
        title=f"The day of {result.name}",
        cards=grids.cards(result, _CARDS),
        plots={
            name: plot(f"day-{name}", figure(result, name), words)
            for name, (needed, words) in _DAY.items()
            if has_table(result, needed)
        },
        tables={name: grids.table(result, name) for name in ("latency", "promise", "day")},
    )


def search(asked: Asked) -> Fragment:
    """Every replica and load in closed form, the best few simulated request by request."""
    question = _question(asked)
    mode, minimise = asked.setting("mode", _MODES), asked.setting("minimise", _MINIMISED)
    requests = int(asked.setting("requests", _REQUESTS))
    plan = plan_serving(
        question,
        mode=mode,
        minimise=minimise,
        finalists=int(asked.setting("finalists", _FINALISTS)),
        requests=requests,
        progress=lambda text, share: asked.progress(text, 0.7 * share),
    )
    first = plan.first
    curve = latency_against_load(
        question,
        first.pools[0].points.degrees if len(first.pools) == 1 else None,
        requests=max(requests // 4, 500),
        progress=lambda text, share: asked.progress(text, 0.7 + 0.3 * share),
    )
    found = document(plan_answer(plan), Again(""))
    load, table = _curve("searched-load", curve)
    return fragment(
        "serving_search.html.j2",
        title=found.title,
        heading=f"{_MODES[mode][0].upper()}{_MODES[mode][1:]}, least {_MINIMISED[minimise]}",
        document=found,
        load=load,
        table=table,
    )
