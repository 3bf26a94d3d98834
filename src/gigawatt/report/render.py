"""One self-contained HTML page for a result, and a short one for notebooks."""

from __future__ import annotations

import base64
import gzip
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from gigawatt.evidence import Grade
from gigawatt.figures import figure
from gigawatt.figures.tables import has_table
from gigawatt.report import grids
from gigawatt.report.words import sentences, subject, topics
from gigawatt.report.words_serving import is_serving
from gigawatt.study.result import Result

__all__ = ["notebook", "render"]


@dataclass(frozen=True)
class Drawing:
    """A figure in the page: name, caption, what it says to someone who does not see it, height."""

    name: str
    caption: str
    height: int


#: Figure → (the table that it draws, its caption).
_FIGURES: dict[str, tuple[str, str]] = {
    "sankey": ("flows", "From the sources to arithmetic: year means of power."),
    "breakdown": ("breakdown", "What the time of a step goes to; each bar starts where the one above ends."),
    "relief": ("relief", "What doubling one resource (halving a latency) would save of the step."),
    "goodput": ("goodput", "Where time on the clock is lost: what is not progress."),
    "memory": ("memory", "Memory of one accelerator in the best layout; the dashed line is what it has."),
    "energy": ("energy", "What the electricity of a million tokens is used for."),
    "dispatch_summer": (
        "hourly",
        "The hottest week of the site's year: what each source gives, the load, below zero "
        "what storage takes in; the strip is the marginal price.",
    ),
    "dispatch_winter": ("hourly", "The coldest week of the site's year."),
    "duration": ("hourly", "Power of each source, its hours sorted from the highest to the lowest."),
    "price": ("hourly", "Marginal price of electricity, hours sorted from the dearest to the cheapest."),
    "capacity": ("plants", "What is built, and what it gives in a year."),
    "ledger": ("ledger", "What the run costs, by component."),
}
_SAME = ("sankey", "dispatch_summer", "dispatch_winter", "duration", "price", "capacity")
#: The same of a campus that serves.
_FIGURES_SERVING: dict[str, tuple[str, str]] = {
    "day": (
        "day",
        "Power by the hour, mean of the year's days; marks: the highest five minutes of IT. Below: demand.",
    ),
    "latency": ("latency", "How many requests wait no longer; dashed lines are what is promised."),
    "occupancy": ("day", "Requests that a replica works on and that wait, and the room that they take."),
    "time": ("breakdown", "What the time of an accelerator goes to under the load of the highest hour."),
    "cost_relief": (
        "relief",
        "What doubling one resource (halving a latency or overhead) would save of a token.",
    ),
    "wall": (
        "wall",
        "Left of its ridge a machine waits for memory. Circles: answers, batches growing to the right; "
        "squares: prompts.",
    ),
    "memory": ("memory", "Memory of one accelerator; the dashed line is what it has."),
    "energy": ("energy", "What the electricity of a million written tokens is used for."),
    **{name: _FIGURES[name] for name in _SAME},
    "cost": ("ledger", "What a year of the campus costs, by component."),
}


def _drawings(result: Result) -> tuple[dict[str, Drawing], dict[str, Any]]:
    drawings: dict[str, Drawing] = {}
    data: dict[str, Any] = {}
    for name, (table, caption) in (_FIGURES_SERVING if is_serving(result) else _FIGURES).items():
        if not has_table(result, table):
            continue
        drawn = figure(result, name)
        top = drawn.layout.margin.t - 30  # the page's caption stands in for the title
        height = drawn.layout.height - 30
        drawn.update_layout(title=None, margin={"t": top}, height=height)
        drawings[name] = Drawing(name, caption, height)
        data[name] = drawn.to_json()
    return drawings, data


def _script_safe(text: str) -> str:
    """JSON inside a script element: nothing in it may end the element."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@lru_cache(maxsize=1)
def _plotly_js() -> str:
    """plotly.js as plotly ships it, compressed: 4.8 MB become 2.0 MB of text."""
    code = (files("plotly") / "package_data" / "plotly.min.js").read_bytes()
    return base64.b64encode(gzip.compress(code, 6, mtime=0)).decode("ascii")


@lru_cache(maxsize=1)
def _environment() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("gigawatt.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _asset(name: str) -> Any:
    from markupsafe import Markup

    return Markup((files("gigawatt.report") / "templates" / name).read_text(encoding="utf-8"))


def _setting(result: Result) -> str:
    parts = (
        subject(result, "model.architecture"),
        subject(result, "machine.chip"),
        subject(result, "site.site"),
        subject(result, "scenario.year"),
    )
    return " · ".join(part for part in parts if part)


#: A number and its unit are not torn apart at the end of a line.
_TORN = re.compile(
    r"(?<=\d) (?=(?:[kMGTµm]?(?:Wh|W|s|B|g|L|t)|%|days|years|million|billion|trillion|m³)(?![\w]))"
)


def _paragraphs(result: Result) -> list[str]:
    """The sentences as three paragraphs: the run or the service; the power; money and trust."""
    said = topics(result)
    groups = (
        ("training", "serving", "waits", "error", "binding", "layout"),
        ("day", "facility", "supply"),
        ("money", "tokens", "trust"),
    )
    texts = (" ".join(said[name] for name in group if name in said) for group in groups)
    return [_TORN.sub("\u00a0", text) for text in texts if text]


def render(result: Result) -> str:
    """The report of a result: one HTML document that needs nothing but itself.

    Words and tables are plain HTML; plotly.js is embedded once (compressed, unpacked by the browser) and
    draws the figures where scripts run.
    """
    from markupsafe import Markup

    drawings, data = _drawings(result)
    tables = (
        "breakdown", "relief", "goodput", "layouts", "operations", "memory", "energy", "flows", "plants",
        "ledger", "per_token", "configurations", "day", "latency", "promise", "wall", "formats",
    )  # fmt: skip
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            name=result.name,
            setting=_setting(result),
            paragraphs=_paragraphs(result),
            notices=result.notices,
            cards=grids.cards(result),
            drawings=drawings,
            tables={name: grids.table(result, name) for name in tables},
            assumptions=grids.assumptions(result),
            scenario=grids.scenario(result),
            quantities=grids.quantities(result),
            sources=grids.evidence_sources(result),
            grades=[(grade.label, _GRADES[grade]) for grade in Grade],
            run=result.run,
            serves=is_serving(result),
            explained=_EXPLAINED_SERVING if is_serving(result) else _EXPLAINED,
            css=_asset("report.css"),
            draw=_asset("draw.js"),
            figures=Markup(_script_safe(json.dumps(data, separators=(",", ":"), allow_nan=False))),
            plotly=_plotly_js() if data else "",
        )
    )


_EXPLAINED = ("training.step_time", "ledger.cost_per_mtoken --depth 4")
_EXPLAINED_SERVING = ("serving.ttft_p99", "economics.cost_million_output --depth 4")
"""Quantities that the page shows how to explain."""

_GRADES = {
    Grade.measured: "read from a measurement",
    Grade.vendor: "stated by who sells it",
    Grade.peer_reviewed: "from a reviewed paper",
    Grade.calibrated: "fitted to measurements",
    Grade.modelled: "computed by somebody's model",
    Grade.projected: "about the future",
    Grade.guess: "nobody has shown it",
}


def notebook(result: Result) -> str:
    """A short summary for notebooks: sentences, key figures, breakdown and figures of a token; no scripts."""
    return (
        _environment()
        .get_template("notebook.html.j2")
        .render(
            name=result.name,
            setting=_setting(result),
            sentences=sentences(result),
            notices=result.notices,
            cards=grids.cards(result),
            tables=[
                grid
                for n in ("breakdown", "plants", "per_token")
                if (grid := grids.table(result, n)) is not None
            ],
            assumed=len(result.assumptions),
        )
    )
