"""Sites side by side: what the command and Python both call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gigawatt.core.answer import Answer
from gigawatt.core.checks import check_word
from gigawatt.core.errors import InputError
from gigawatt.studies.sites import STUDY

if TYPE_CHECKING:
    from gigawatt.schema.scenario import LoadedScenario

__all__ = ["rank_sites", "ranked_sites"]

Progress = Callable[[str, float], None]


def rank_sites(
    scenario: str | Path | None = None,
    *,
    sites: str | None = None,
    by: str = "cost",
    load: str | None = None,
    year: int | None = None,
    workers: int = 1,
    settings: Mapping[str, object] | None = None,
    progress: Progress | None = None,
) -> Answer:
    """Ask one question at many sites, as ``gigawatt rank-sites`` does.

    Parameters
    ----------
    scenario : path, optional
        A scenario in YAML: a training run, a service or a load; its site does not count.
    sites : str, optional
        Places with commas between, countries, or ``all``; left out, every site of the
        catalog with hours of its own.
    by : str
        ``cost``, ``carbon``, ``date`` or ``short``.
    load, year
        Power in the highest hour, where no scenario is given; the year.
    workers : int
        Processes.
    settings : mapping, optional
        Other values of some fields by dotted name.
    progress : callable, optional
        Called with (what came of the last site, share done).

    Returns
    -------
    Answer
        Keys in docs/rank-sites.md: ``sites`` ranked, ``best``, ``refused``.

    Raises
    ------
    GigawattError
        Neither scenario nor load, an unknown place or criterion.
    """
    from gigawatt.chain.graph import refuse_sampling
    from gigawatt.chain.question_words import HERE
    from gigawatt.schema.changed import scenario_of, scenario_with
    from gigawatt.schema.scenario import read_scenario
    from gigawatt.studies.sites.rank import SITE

    names = _named(sites, by)
    changes = {SITE: names[0], **dict(settings or {})}
    changes |= {} if year is None else {"year": year}
    if scenario is not None:
        if load is not None:
            raise InputError("a scenario has its own load", key="load", given=load,
                             allowed="one of both, or --set load.peak=…")  # fmt: skip
        loaded = refuse_sampling(scenario_with(read_scenario(Path(scenario)), changes))
    else:
        if load is None and not any(key.startswith("load") for key in changes):
            raise InputError("nothing is asked", allowed="a scenario file, or a load such as --load '100 MW'")
        loaded = scenario_of({**changes, **({} if load is None else {"load.peak": load})}, HERE)
    title = f"a load of {load}" if scenario is None else Path(scenario).stem
    return ranked_sites(loaded, title, sites=sites, by=by, workers=workers, progress=progress)


def _named(sites: str | None, by: str) -> tuple[str, ...]:
    """Ids of the sites; raises of a name that no place has, and of a criterion that is none."""
    from gigawatt import catalog
    from gigawatt.studies.sites.rank import CRITERIA, sites_named

    check_word("by", by, CRITERIA, "no such criterion")
    return tuple(catalog.table("sites")) if sites is None else sites_named(sites)


def ranked_sites(
    loaded: LoadedScenario,
    title: str,
    *,
    sites: str | None = None,
    by: str = "cost",
    workers: int = 1,
    progress: Progress | None = None,
) -> Answer:
    """Ask a scenario that is read already at many sites; as :func:`rank_sites`.

    Parameters
    ----------
    loaded : LoadedScenario
        Its own site does not count.
    title : str
        What a scenario without a name is called.
    sites, by, workers, progress
        As there.
    """
    from gigawatt.studies.sites.figures import FIGURES
    from gigawatt.studies.sites.rank import CRITERIA, best_of, rank

    names = _named(sites, by)

    def told(row: Any, done: int) -> None:
        if progress is None:
            return
        cost = row.values.get("supply.electricity_cost")
        words = "no answer" if not isinstance(cost, float) else f"${cost * 3.6e9:.0f}/MWh"
        progress(f"{row.key}: {words} ({done} of {len(names)})", done / len(names))

    found = rank(loaded, names, workers=workers, told=told)
    rows = sorted(found.rows, key=lambda row: (row[CRITERIA[by]], row["site"]))
    best = best_of(rows)
    data: dict[str, Any] = {
        "name": loaded.scenario.name or title,
        "year": loaded.scenario.year,
        "by": by,
        "sites": [{"rank": k, **row, "best": row["site"] in best} for k, row in enumerate(rows, 1)],
        "best": list(best),
        "refused": [{"site": site, "reason": reason} for site, reason in found.refused],
        "seconds_per_site": found.seconds / len(names),
    }
    drawings = {name: partial(draw, data) for name, (draw, _) in FIGURES.items()} if rows else {}
    return Answer(STUDY, data, found, drawings, files={"sites": partial(list, data["sites"])})
