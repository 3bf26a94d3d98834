"""The chain: key figures, words, the flow from source to arithmetic, what binds, relief, money."""

from __future__ import annotations

from gigawatt.figures import figure
from gigawatt.figures.tables import has_table
from gigawatt.report import grids
from gigawatt.report.html import glued
from gigawatt.report.trust import assumption_grid
from gigawatt.report.words import topics
from gigawatt.report.words_serving import is_serving
from gigawatt.web.answers import Asked, Fragment
from gigawatt.web.rendering import Plot, fragment, plot
from gigawatt.web.views.explain import link_to

__all__ = ["show"]

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
_FIRST = ("training", "serving", "error", "binding")
"""Topics that are said before the key figures; the others follow the figures."""


def show(asked: Asked) -> Fragment:
    """Words, cards, Sankey, breakdown, relief, ledger, assumptions."""
    result = asked.result
    names = ("sankey", "time", "cost_relief") if is_serving(result) else ("sankey", "breakdown", "relief")
    plots: dict[str, Plot] = {}
    for name in names:
        table, caption = _CAPTIONS[name]
        if has_table(result, table):
            plots[name] = plot(name, figure(result, name), caption)
    query = asked.state.query()
    said = {name: glued(text) for name, text in topics(result).items()}
    return fragment(
        "chain.html.j2",
        title=result.name,
        first=" ".join(text for name, text in said.items() if name in _FIRST),
        then=[text for name, text in said.items() if name not in _FIRST],
        notices=result.notices,
        cards=grids.cards(result),
        plots=plots,
        tables={
            name: grids.linked(grids.table(result, name), name, result, lambda one: link_to(one, query))
            for name in _TABLES
        },
        assumptions=assumption_grid(result.assumptions),
        names=names,
        query=query,
    )
