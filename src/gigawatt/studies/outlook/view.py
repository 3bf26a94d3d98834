"""The outlook to 2050: what is drawn and from what, and the draws themselves as work in the background."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from gigawatt import catalog
from gigawatt._version import __version__
from gigawatt.core.checks import check_word
from gigawatt.core.document import Again, Grid
from gigawatt.core.errors import InputError
from gigawatt.faces.report.trust import assumption_grid
from gigawatt.faces.web.answers import Asked, Fragment
from gigawatt.faces.web.rendering import fragment
from gigawatt.faces.web.tabled import percent, tabled
from gigawatt.outlook.compute.limits import DEFINITION
from gigawatt.outlook.priors import SCENARIOS, read_priors
from gigawatt.outlook.randomness import SEED
from gigawatt.studies.outlook.document import document as report
from gigawatt.studies.outlook.outlook import OutlookResult, OutlookScenario, outlook
from gigawatt.studies.outlook.sensitivity import explained
from gigawatt.studies.outlook.society import society_block
from gigawatt.validation.outlook.costs import OURS, hindcast_scores

__all__ = ["compute", "show"]

WORLDS = {
    "base": "base: growth as it was, slowing where limits are",
    "headwinds": "headwinds: plans are cut, queues get longer",
    "lift-off": "lift-off: money and permits come more quickly",
}
DRAWS = {"2000": "2,000", "20000": "20,000", "100000": "100,000"}
FOLDED = ("technologies", "decade-2030s", "decade-2040s", "years")
"""Sections that a page shows when asked."""


def show(asked: Asked) -> Fragment:
    """What is asked and what is not known; draws begin by themselves, more of them when told to."""
    world = asked.setting("world", WORLDS)
    assert set(WORLDS) == set(SCENARIOS)
    rows = read_priors(world)
    changeable = {name: row for name, row in sorted(rows.rows.items()) if not row.yearly}
    return fragment(
        "outlook.html.j2",
        title=f"Outlook to 2050: {world}",
        definition=DEFINITION,
        worlds=WORLDS,
        world=world,
        draws=DRAWS,
        seed=SEED,
        quantities={name: f"{name.replace('_', ' ')}: {row.summary}" for name, row in changeable.items()},
        assumptions=assumption_grid(rows.assumptions(), "Every quantity that is not known, weakest first."),
    )


def compute(asked: Asked) -> Fragment:
    """The draws, as the document that ``gigawatt outlook`` writes, and what such forecasts were worth."""
    scenario, draws, seed, sensitive = _question(asked.settings)
    last = 0.4 if sensitive else 0.95
    result = outlook(scenario, draws, seed, progress=lambda w, share: asked.progress(w, last * share))
    if sensitive:
        result = explained(
            result, scenario, progress=lambda w, share: asked.progress(w, last + (0.95 - last) * share)
        )
    asked.progress("Forecasts of the past beside what came", 0.96)
    document = report(_answer(result), _again(scenario, draws, seed, sensitive))
    prefix = hashlib.sha256(repr(sorted(asked.settings.items())).encode()).hexdigest()[:6]
    return fragment(
        "outlook_drawn.html.j2",
        title=document.title,
        document=document,
        prefix=f"o{prefix}-",
        shown=[one for one in document.sections if one.key not in FOLDED],
        more=[one for one in document.sections if one.key in FOLDED],
        hindcast=_hindcast(),
        said=_hindcast_words(),
    )


def _question(settings: Mapping[str, str]) -> tuple[OutlookScenario, int, int, bool]:
    """What the form of the job holds, checked."""
    world, quantity = settings.get("world") or SCENARIOS[0], settings.get("quantity", "")
    value = settings.get("value", "").strip()
    if bool(quantity) != bool(value):
        lacking = "value" if quantity else "quantity"
        raise InputError("a quantity and what it is to be go together", key=lacking)
    changed: dict[str, Any] = {quantity: value} if quantity else {}
    numbers = {"draws": settings.get("draws") or next(iter(DRAWS)), "seed": settings.get("seed") or str(SEED)}
    for key, text in numbers.items():
        if not (text.isascii() and text.isdigit() and len(text) < 20):
            raise InputError("not a whole number", key=key, given=text[:40])
    check_word("draws", numbers["draws"], DRAWS, "too few or too many")
    sensitive = settings.get("sensitivity") == "yes"
    return OutlookScenario(world, changed), int(numbers["draws"]), int(numbers["seed"]), sensitive


def _answer(result: OutlookResult) -> dict[str, Any]:
    return {**result.to_json(), "society": society_block(result)}


def _again(scenario: OutlookScenario, draws: int, seed: int, sensitive: bool) -> Again:
    named = "mine.yaml" if scenario.quantities else scenario.base
    words = f"gigawatt outlook {named} --draws {draws} --seed {seed}"
    return Again(
        f"{words}{' --sensitivity' if sensitive else ''}",
        __version__,
        catalog.version(),
        scenario=_written(scenario) if scenario.quantities else "",
    )


def _written(scenario: OutlookScenario) -> str:
    """The file that the command reads for a scenario with changes."""
    lines = [f"  {name}: {value}" for name, value in scenario.quantities.items()]
    return "\n".join((f"base: {scenario.base}", "quantities:", *lines, ""))


def _hindcast() -> Grid:
    rows = [
        (f"{name}{', which the draws take' if name == OURS else ''}", f"{whole.error_each:.3f}",
         f"{whole.crps_each:.3f}", percent(whole.coverage_each), percent(far.coverage_each),
         f"{whole.forecasts:,}", f"{whole.technologies}")
        for name, (whole, far) in hindcast_scores().items()
    ]  # fmt: skip
    return tabled(
        "Costs of technologies forecast from every year of the past, means over technologies: error and "
        "score in natural logarithms, and how often what came lay in the 90 % interval.",
        ("model", "error", "CRPS", "inside 90 %", "inside, 9 years and more", "forecasts", "technologies"),
        rows,
    )


def _hindcast_words() -> str:
    scores = hindcast_scores()
    (ours, far), (line, line_far) = scores[OURS], scores["trend"]
    return (
        f"The models that carry growth rates on were tried on the past: from {ours.forecasts:,} starting "
        f"points in the records of {ours.technologies} technologies, what came lay in their 90 % interval "
        f"in {100 * ours.coverage_each:.0f} % of the cases, and nine years on and more in "
        f"{100 * far.coverage_each:.0f} %. Of a straight line through the logarithms, which most published "
        f"outlooks are, that is {100 * line.coverage_each:.0f} and {100 * line_far.coverage_each:.0f} %."
    )
