"""Sites: the scenario of the page at many of them, and one load over several."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from gigawatt import catalog
from gigawatt._version import __version__
from gigawatt.core.document import Again, Document
from gigawatt.core.errors import GigawattError, InputError
from gigawatt.faces.web.answers import Asked, Fragment
from gigawatt.faces.web.form.fields import SIZE
from gigawatt.faces.web.form.state import State, placed
from gigawatt.faces.web.rendering import fragment
from gigawatt.schema.fields import LOAD, fields
from gigawatt.schema.scenario import LoadedScenario
from gigawatt.studies.sites.document import document as ranked_document
from gigawatt.studies.sites.door import ranked_sites
from gigawatt.studies.sites.rank import ALL, CRITERIA
from gigawatt.studies.sites.split_document import document as split_document
from gigawatt.studies.sites.split_door import split_load

__all__ = ["rank", "show", "split"]

_BY = {"cost": "cost", "carbon": "carbon in operation", "date": "date", "short": "hours short of a year"}
assert set(_BY) == set(CRITERIA)
_SEVERAL = "texas, dublin, karlsruhe"
"""Places that the form of a split begins with."""
_LOAD = "100 MW"
_WORDS = ("machines", "transfer", "users", "latency")
"""Words of a split that may be left out."""
_NOT_OF_SITES = ("load.", "site.name", "site.weather")
"""What the scenario says of its own load and place."""
_OF_SITES = ("year", "supply.", "carbon.", "site.", "economics.discount_rate")
"""Keys of a scenario that hold at each site of a split."""


@lru_cache(maxsize=1)
def _where() -> dict[str, str]:
    """What may be ranked: sites with hours of their own, countries, all; with how many there are."""
    own, others = catalog.table("sites"), catalog.table("places")
    rows = {**others, **own}
    counts: dict[str, int] = {}
    for row in rows.values():
        counts[row.text("country")] = counts.get(row.text("country"), 0) + 1
    countries = {name: f"{name} ({count})" for name, count in sorted(counts.items()) if name}
    return {"": f"those with hours of their own ({len(own)})", ALL: f"all ({len(rows)})", **countries}


def show(asked: Asked) -> Fragment:
    """What can be asked of sites; the answers are jobs."""
    state = asked.state
    size = state.written(SIZE)
    return fragment(
        "sites.html.j2",
        title=f"Sites: {state.loaded().scenario.name or state.start}",
        branch=state.branch,
        where=_where(),
        criteria=_BY,
        several=_SEVERAL,
        load=size if state.branch == LOAD and size.endswith("W") else _LOAD,
        query=state.query(),
    )


def rank(asked: Asked) -> Fragment:
    """The scenario at each site, ranked: the document of ``gigawatt rank-sites``."""
    given, state = asked.settings, asked.state
    sites = given.get("places", "").strip() or given.get("where", "") or None
    by = asked.setting("by", _BY)
    loaded = asked.loaded()
    try:
        answer = ranked_sites(loaded, state.start, sites=sites, by=by, progress=asked.progress)
    except GigawattError as error:
        raise placed(error, state.branch) from None
    words = [
        "gigawatt",
        "rank-sites",
        "scenario.yaml",
        "--by",
        by,
        *([] if sites is None else ["--sites", sites]),
    ]
    return _found(ranked_document(answer.data, _again(words)), words, state, "ranked-")


def split(asked: Asked) -> Fragment:
    """One load over several sites, in one programme: the document of ``gigawatt split-load``."""
    given, state = asked.settings, asked.state
    read = {key: given.get(key, "").strip() or None for key in _WORDS}
    load, sites = given.get("load", "").strip() or _LOAD, given.get("sites", "").strip() or _SEVERAL
    most = _limits(given.get("most", ""))
    settings = _settings(asked.loaded())
    try:
        answer = split_load(
            load, sites=sites, most=most, machines=read["machines"], transfer=read["transfer"],
            users=read["users"], latency=read["latency"], settings=settings, progress=asked.progress,
        )  # fmt: skip
    except GigawattError as error:
        raise placed(error, state.branch) from None
    words = ["gigawatt", "split-load", load, "--sites", sites]
    words += [word for name, power in most.items() for word in ("--most", f"{name}={power}")]
    words += [word for key, text in read.items() if text for word in (f"--{key}", text)]
    words += [word for key, value in settings.items() for word in ("--set", f"{key}={_text(value)}")]
    return _found(split_document(answer.data, _again(words)), words, state, "split-")


def _again(words: list[str]) -> Again:
    return Again(shlex.join(words), __version__, catalog.version())


def _found(document: Document, words: list[str], state: State, prefix: str) -> Fragment:
    return fragment(
        "sites_found.html.j2", title=document.title, document=document, prefix=prefix, query=None,
        command=shlex.join(words), filed="scenario.yaml" in words, scenario=state.query(),
    )  # fmt: skip


def _limits(text: str) -> dict[str, str]:
    """``texas=60 MW, dublin=20 MW`` → power by place."""
    found: dict[str, str] = {}
    for part in (one.strip() for one in text.split(",")):
        if not part:
            continue
        place, equals, power = part.partition("=")
        if not equals or not place.strip() or not power.strip():
            raise InputError("not a power of a place", key="most", given=part, allowed="texas=60 MW")
        found[place.strip()] = power.strip()
    return found


def _settings(loaded: LoadedScenario) -> dict[str, Any]:
    """What the scenario says of power, money and buildings, for each site of a split."""
    known = fields()
    return {
        key: value
        for key, value in _leaves(loaded.data)
        if key.startswith(_OF_SITES) and not key.startswith(_NOT_OF_SITES)
        and (key not in known or known[key].allows(LOAD))
    }  # fmt: skip


def _leaves(data: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
    """Dotted keys and values as they were written."""
    found: list[tuple[str, Any]] = []
    for name, value in data.items():
        key = f"{before}{name}"
        inner = isinstance(value, Mapping) and key not in fields()
        found += _leaves(value, f"{key}.") if inner else [(key, value)]
    return found


def _text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
