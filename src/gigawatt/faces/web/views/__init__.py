"""The views of the page: what each is called, what it says of itself, which function shows it.

A view is a function of :class:`gigawatt.faces.web.answers.Asked` that gives a
:class:`gigawatt.faces.web.answers.Fragment`. It runs in a worker and formats what the rooms give; to add
one, write the function, a template, and a line here.
"""

from __future__ import annotations

from dataclasses import dataclass

from gigawatt.core.errors import nearest
from gigawatt.faces.web.names import Unknown

__all__ = ["LONG", "VIEWS", "Long", "View", "long_of", "view_of"]


@dataclass(frozen=True)
class View:
    """One view.

    Attributes
    ----------
    name, title, words : str
        Part of the address, heading, one sentence that says what it shows.
    target : str
        ``module:function``.
    asks : bool
        Whether it shows the scenario of the controls; else they are folded away.
    listed : bool
        Whether it stands in the navigation.
    items : bool
        Whether the address may name something in it: ``/catalog/chips/H100``.
    """

    name: str
    title: str
    words: str
    target: str
    asks: bool = True
    listed: bool = True
    items: bool = False


def _view(
    name: str, title: str, words: str, *, asks: bool = True, listed: bool = True, items: bool = False
) -> View:
    return View(name, title, words, f"gigawatt.faces.web.views.{name}:show", asks, listed, items)


VIEWS: tuple[View, ...] = (
    _view("chain", "Chain", "From source to token: what it takes, what binds first, what would relieve it."),
    _view(
        "layouts",
        "Layouts",
        "How the model is laid out over the accelerators: what is quickest, what fits, what binds.",
    ),
    _view(
        "serving",
        "Serving",
        "What requests wait, how that grows with load, and what speed for one user costs.",
    ),
    View(
        "serving-day",
        "The day of a service",
        "What requests wait over the hours of a day.",
        "gigawatt.studies.serving.view:day",
        listed=False,
    ),
    _view(
        "supply",
        "Supply",
        "Where the campus stands, which plants are built for it, and what they do hour by hour.",
    ),
    _view(
        "plants",
        "Plants",
        "What each plant costs at the site, and the physics of those that nobody has built.",
    ),
    _view(
        "technologies",
        "Technologies",
        "What number formats and other ways to compute do to quality and energy.",
    ),
    _view(
        "outlook", "Outlook", "The largest run, what binds it, machines and electricity to 2050.", asks=False
    ),
    _view("validation", "Validation", "Predictions beside measurements, row by row.", asks=False),
    _view(
        "catalog",
        "Catalog",
        "Every number with its unit, range, grade and source.",
        asks=False,
        items=True,
    ),
    _view("compare", "Compare", "Questions side by side: what differs, and which input moved what."),
    _view(
        "explain",
        "Why this number",
        "From a number down to its formula, inputs and rows.",
        listed=False,
        items=True,
    ),
)

_BY_NAME = {view.name: view for view in VIEWS}


@dataclass(frozen=True)
class Long:
    """Work that takes longer than somebody waits: what it is called, ``module:function`` that does it.

    Answers are kept by name, so that none may have that of a view.
    """

    name: str
    title: str
    target: str


LONG: tuple[Long, ...] = (
    Long("serving-search", "Replicas tried request by request", "gigawatt.studies.serving.view:search"),
    Long("seconds", "The seconds of the campus", "gigawatt.studies.seconds.view:compute"),
    Long("technology-bands", "Ranges of energy and cost", "gigawatt.studies.technologies.view:compute"),
    Long("outlook-draws", "Draws of the outlook", "gigawatt.studies.outlook.view:compute"),
    Long("validation-table", "Predictions beside measurements", "gigawatt.studies.validate.view:compute"),
    Long("validation-all", "Every table", "gigawatt.studies.validate.view:compute_all"),
    Long("compare-split", "Which input moved what", "gigawatt.studies.compare.view:compute"),
)
"""Work that a view offers to begin (``job_form`` of ``parts.html.j2``)."""

_LONG: dict[str, Long] = {long.name: long for long in LONG}


def view_of(name: str, item: str = "") -> View:
    """A view by name, of which something by ``item`` is asked.

    Raises
    ------
    Unknown
        No such view, with the nearest name.
    """
    found = _BY_NAME.get(name)
    if found is None:
        raise Unknown("no such view", key="view", given=name[:60], nearest=nearest(name[:60], _BY_NAME))
    if item and not found.items:
        raise Unknown("nothing of this name is in the view", key=name, given=item[:60])
    return found


def long_of(name: str) -> Long:
    """Long work by name; raises :class:`Unknown`."""
    found = _LONG.get(name)
    if found is None:
        raise Unknown("no such view", key="jobs", given=name[:60], nearest=nearest(name[:60], _LONG))
    return found
