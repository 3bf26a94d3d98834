"""A service: what requests wait against load, what speed costs, the hours of a day, the search by events."""

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
from gigawatt.faces.figures.readable import significant, with_unit
from gigawatt.faces.report.frames import grid_of
from gigawatt.faces.report.trust import assumption_grid
from gigawatt.faces.web.answers import Asked, Fragment
from gigawatt.faces.web.form.state import placed
from gigawatt.faces.web.rendering import Plot, fragment, plot
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
    "ttft": "time to the first token (TTFT)",
    "tpot": "time a token (TPOT)",
    "e2e": "time to the last token (E2E)",
}
_LISTED = 120
"""Rows of the front in the table beneath it at most, evenly chosen."""
_MODES = {
    "aggregated": "prompts and answers on the same replicas",
    "disaggregated": "on replicas of their own",
    "both": "whichever is better",
}
_MINIMISED = {"cost": "cost", "energy": "energy", "chips": "accelerators"}
_FINALISTS = {"3": "3", "1": "1", "6": "6", "10": "10"}
_REQUESTS = {"4000": "4,000", "1000": "1,000", "20000": "20,000"}
_CURVE = {
    "rate": "requests",
    "ttft_p50": "first token, half",
    "ttft_p99": "first token, 99 %",
    "tpot_p50": "a token, half",
    "tpot_p99": "a token, 99 %",
    "held": "in flight",
    "tokens": "written by an accelerator",
}
_FRONT = {
    "chips": "accelerators",
    "held": "in flight",
    "user": "of one user",
    "chip": "of an accelerator",
    "tpot": "time a token",
    "kept": "promise kept",
    "on_output": "best in output",
    "on_cost": "best in cost",
}
_DAY = {
    "latency": ("latency", "What a share of the requests waits at most, in simulated weekdays and weekends; "
    "dashed lines "
                "are what is promised."),
    "day": ("day", "Power over the mean weekday and the mean day of the weekend, markers the highest five "
    "minutes; below "
            "it the requests that come."),
    "occupancy": ("day", "Requests in a replica that run and that wait; below it the share of the room for "
    "keys and "
                  "values that they take."),
}  # fmt: skip
_CARDS = (
    ("serving.ttft_p50", "First token, half of requests"),
    ("serving.ttft_p99", "First token, 99 %"),
    ("serving.tpot_p50", "Per token, half of requests"),
    ("serving.tpot_p99", "Per token, 99 %"),
    ("serving.e2e_p99", "Last token, 99 %"),
    ("serving.kept", "Promise kept"),
    ("serving.kept_worst", "Kept in the worst hour"),
    ("serving.goodput", "Requests that keep it"),
)


def _objectives() -> dict[str, str]:
    rows = catalog.table("objectives")
    return {_USUAL: "as usual for the model", **{name: row.text("name") for name, row in rows.items()}}


def _question(asked: Asked) -> ServingQuestion:
    """The question of a scenario that serves; else what it would be to serve its model on its machine."""
    loaded = asked.state.loaded()
    try:
        if loaded.serves:
            return scenario_question(loaded)
        chosen = asked.setting("objective", _objectives())
        return question_beside(loaded, objective=None if chosen == _USUAL else chosen)
    except GigawattError as error:
        raise placed(error, asked.state.serves) from None


def show(asked: Asked) -> Fragment:
    """Waits against load and the front in closed form; the day of a service comes by itself."""
    serves = asked.state.serves
    asked.progress("The question", 0.0)
    question = _question(asked)
    plots: dict[str, Plot] = {}
    tables: dict[str, Grid] = {}
    refused: list[str] = []
    asked.progress("Waits against load", 0.3)
    try:
        curve = latency_against_load(question, events=False)
        plots["load"], tables["load"] = _curve("load", curve)
    except (InfeasibleError, InputError) as error:
        refused.append(str(error))
    asked.progress("What speed costs", 0.7)
    try:
        front = service_front(question)
    except InfeasibleError as error:
        refused += [] if str(error) in refused else [str(error)]
    else:
        words = (
            "Filled: the promise is kept. Replicas and loads that none beats, each one replica in closed "
            "form "
            "(modelled); a million tokens are those written, what prompts cost is left out."
        )
        plots["output"] = plot(
            "output",
            output_front(front),
            f"What an accelerator writes against how fast one user reads. {words}",
        )
        plots["cost"] = plot(
            "cost",
            cost_front(front),
            f"What a million tokens cost against the time between two of them. {words}",
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
    traffic, promised = question.traffic, question.objective
    limits = ", ".join(f"{_WAITS[key]} ≤ {with_unit(value, 's')}" for key, value in promised.limits.items())
    share = "" if promised.percentile is None else f" for {100 * promised.percentile:g} % of requests"
    return (
        f"{question.architecture.name} in {question.weights}, keys and values in {question.cache}, on "
        f"{question.chip.name} with {question.engine.id} in {question.year}; "
        f"{significant(traffic.mean_prompt)} tokens "
        f"in and {significant(traffic.mean_output)} out in the mean. Promised: {limits or 'nothing'}{share}."
    )


def _curve(name: str, curve: LoadCurve) -> tuple[Plot, Grid]:
    both = bool((curve.frame["by"] == EVENTS).any())
    by = "lines by the closed form, markers request by request" if both else "by the closed form"
    words = (
        f"One replica, {curve.layout} on {curve.chips} accelerators: time to the first token above, time a "
        "token "
        f"below, of half of the requests and of 99 in 100, {by} (modelled). Dotted lines are what is "
        "promised."
    )
    return plot(name, latency_load(curve), words), grid_of(
        curve.frame.rename(columns={"by": "known by"}),
        "Waits of one replica against its load.",
        heads=_CURVE,
    )


def _front(front: pd.DataFrame) -> Grid:
    every = max(1, -(-len(front) // _LISTED))
    shown = front.iloc[::every]
    said = "" if every == 1 else f", every {every}th"
    return grid_of(shown, f"Replicas and loads of both fronts, slowest for a user first{said}.", heads=_FRONT)


def day(asked: Asked) -> Fragment:
    """The hours of a service's day, by the event engine: waits, power, what runs."""
    result = asked.result
    if not has_table(result, "day"):
        raise InputError("this scenario serves nothing", key="start", allowed="a scenario that serves")
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
    """Every replica and load in closed form, the best few tried request by request."""
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
