"""The chain: key figures, words, the flow from source to arithmetic, what binds, relief, money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gigawatt.chain.study import Study
from gigawatt.core.document import Grid
from gigawatt.core.errors import GigawattError
from gigawatt.core.result import Result
from gigawatt.faces.report.html import glued
from gigawatt.faces.report.trust import assumption_grid
from gigawatt.faces.web.answers import Asked, Fragment, loaded_of
from gigawatt.faces.web.form.state import placed
from gigawatt.faces.web.rendering import Plot, document_fragment, fragment, plot
from gigawatt.schema.fields import LOAD
from gigawatt.schema.scenario import LoadedScenario
from gigawatt.studies.explain.view import link_to
from gigawatt.studies.run import grids
from gigawatt.studies.run.document import document
from gigawatt.studies.run.figures import drawn_figures, figure
from gigawatt.studies.run.figures_tables import has_table
from gigawatt.studies.run.figures_uncertainty import caption_of, tornado_grid
from gigawatt.studies.run.uncertainty_words import spread_grid, spread_words
from gigawatt.studies.run.words import topics
from gigawatt.studies.run.words_serving import is_serving

__all__ = ["compute", "show"]

_CAPTIONS = {
    "sankey": ("flows", "From the sources to arithmetic: year means of power."),
    "breakdown": ("breakdown", "What the time of a step goes to; each bar starts where the one above ends."),
    "relief": ("relief", "What doubling one resource (halving a latency) would save of the step."),
    "time": ("breakdown", "What the time of an accelerator goes to under the load of the highest hour."),
    "cost_relief": (
        "relief",
        "What doubling one resource (halving a latency or overhead) would save of a token.",
    ),
}
_TABLES = ("flows", "breakdown", "relief", "goodput", "ledger", "per_token")
_BOOKS = ("ledger", "per_token")
"""Tables whose figures get intervals once these are drawn."""
_FIRST = ("training", "serving", "error", "binding")
"""Topics that are said before the key figures; the others follow the figures."""


def show(asked: Asked) -> Fragment:
    """Words, cards, Sankey, breakdown, relief, ledger, assumptions; of a load its document."""
    result = asked.result
    query = asked.state.query()
    if asked.state.branch == LOAD:
        said, sampled = (
            document_fragment(document(result, usual=True), "chain-", query),
            "chain_sampled.html.j2",
        )
        return replace(said, html=said.html + fragment(sampled, query=query).html)
    names = ("sankey", "time", "cost_relief") if is_serving(result) else ("sankey", "breakdown", "relief")
    plots: dict[str, Plot] = {}
    for name in names:
        table, caption = _CAPTIONS[name]
        if has_table(result, table):
            plots[name] = plot(name, figure(result, name), caption)
    said = {name: glued(text) for name, text in topics(result).items()}
    return fragment(
        "chain.html.j2",
        title=result.name,
        first=" ".join(text for name, text in said.items() if name in _FIRST),
        then=[text for name, text in said.items() if name not in _FIRST],
        notices=result.notices,
        cards=grids.cards(result, usual=True),
        plots=plots,
        tables={name: _linked(result, name, query) for name in _TABLES},
        assumptions=assumption_grid(result.assumptions),
        names=names,
        query=query,
    )


def _linked(result: Result, name: str, query: str) -> Grid | None:
    return grids.linked(grids.table(result, name), name, result, lambda one: link_to(one, query))


def compute(asked: Asked) -> Fragment:
    """Uncertainty of the key figures: sentence, table and figures."""
    from gigawatt.studies.run.uncertainty import Sampling, with_uncertainty

    def finish(result: Result, loaded: LoadedScenario, objects: Mapping[str, Any]) -> Result:
        return with_uncertainty(result, loaded, objects, Sampling(), asked.progress)

    try:
        result = Study(loaded_of(asked.state)).run(asked.progress, finish=finish)
    except GigawattError as error:
        raise placed(error, asked.state.branch) from None
    query = asked.state.query()
    return fragment(
        "chain_uncertainty.html.j2",
        words=glued(spread_words(result)),
        cards=grids.cards(result),
        plots=[plot(name, figure(result, name), caption_of(result, name)) for name in drawn_figures(result)],
        tables=(*spread_grid(result, grids.titles_of(result)), *tornado_grid(result)),
        books=() if asked.state.branch == LOAD else [_linked(result, name, query) for name in _BOOKS],
    )
