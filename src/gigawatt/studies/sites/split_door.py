"""One load over several sites: what the command and Python both call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from gigawatt.core.answer import Answer
from gigawatt.core.errors import InputError
from gigawatt.money.annuity import SECONDS_PER_YEAR
from gigawatt.studies.sites import SPLIT

if TYPE_CHECKING:
    from gigawatt.studies.sites.split import Split, SplitQuestion

__all__ = ["split_load"]

Progress = Callable[[str, float], None]
_MEGA, _GWH, _MOST_SITES, _DUST = 1e6, 3.6e12, 12, 1e-3


def split_load(
    load: str,
    *,
    sites: str,
    most: Mapping[str, str] | None = None,
    machines: str | None = None,
    transfer: str | None = None,
    users: str | None = None,
    latency: str | None = None,
    year: int | None = None,
    settings: Mapping[str, object] | None = None,
    progress: Progress | None = None,
) -> Answer:
    """Divide one load over several sites, as ``gigawatt split-load`` does.

    Parameters
    ----------
    load : str
        Power at the racks of all sites together, at every hour: ``"100 MW"``.
    sites : str
        Two to twelve places with commas between.
    most : mapping, optional
        Most power at the racks of a site: ``{"texas": "60 MW"}``.
    machines : str, optional
        What machines and building cost by power at the racks and year, such as ``"5000 $/kW"``; left out,
        the accelerators that ``plan-pathway`` assumes.
    transfer : str, optional
        Price of moving the data of a megawatt-hour at the racks: ``"1 $/MWh"``; 0 where left out.
    users, latency : str, optional
        A place, and within which a request from there and its answer travel: ``"frankfurt"``, ``"60 ms"``.
    year : int, optional
        The year.
    settings : mapping, optional
        Other fields of the scenario of each site by dotted name: ``{"supply.carbon_limit": "100 g/kWh"}``.
    progress : callable, optional
        Called with (what is done, share done).

    Returns
    -------
    Answer
        Keys in docs/rank-sites.md.

    Raises
    ------
    GigawattError
        A word that cannot be read, sites that may not hold the load, no site in time.
    """
    from gigawatt.studies.sites.split import split_load as divided
    from gigawatt.studies.sites.split_figures import FIGURES

    question = _question(
        load, sites=sites, most=most or {}, machines=machines, transfer=transfer, users=users,
        latency=latency, settings={**({} if year is None else {"year": year}), **dict(settings or {})},
    )  # fmt: skip
    if progress is not None:
        progress("Planning all sites at once", 0.3)
    found = divided(question)
    data = {"load_MW": question.load / _MEGA, "year": year, **_found(question, found)}
    drawings = {name: partial(draw, data) for name, (draw, _) in FIGURES.items()}
    return Answer(SPLIT, data, found, drawings)


def _question(
    load: str,
    *,
    sites: str,
    most: Mapping[str, str],
    machines: str | None,
    transfer: str | None,
    users: str | None,
    latency: str | None,
    settings: Mapping[str, object],
) -> SplitQuestion:
    """The words of :func:`split_load` read."""
    from gigawatt.core.quantities import parse
    from gigawatt.facility import load_site
    from gigawatt.studies.sites.split import SplitQuestion

    def read(key: str, text: str | None, unit: str) -> float | None:
        if text is None:
            return None
        try:
            value = parse(text, unit)
        except InputError as error:
            raise error.at(key=key) from None
        if not value >= 0.0:
            raise InputError("below 0", key=key, given=text, allowed=f"a number in {unit}")
        return value

    def place(key: str, text: str) -> str:
        try:
            return load_site(text.strip()).id
        except InputError as error:
            error.key = key
            raise

    names = tuple(dict.fromkeys(place("sites", one) for one in sites.split(",")))
    if not 2 <= len(names) <= _MOST_SITES:
        raise InputError("a load is split over several sites", key="sites", given=sites,
                         allowed=f"2 to {_MOST_SITES} places with commas between")  # fmt: skip
    power = read("load", load, "MW") or 0.0
    if not power > 0.0:
        raise InputError("no load", key="load", given=load, allowed="power above 0, such as 100 MW")
    limits = {place("most", name): read("most", text, "MW") or 0.0 for name, text in most.items()}
    if latency is not None and users is None:
        raise InputError("from where?", key="latency", given=latency, allowed="--users PLACE beside it")
    return SplitQuestion(
        load=power, sites=names, most=limits, users=None if users is None else place("users", users),
        settings=settings, machine_cost=read("machines", machines, "$/kW"),
        transfer=read("transfer", transfer, "$/MWh") or 0.0,
        latency=read("latency", latency, "ms"),
    )  # fmt: skip


def _found(question: SplitQuestion, found: Split) -> dict[str, Any]:
    """What the split is, as its mapping has it."""
    power, limits = question.load, question.most
    energy = power * SECONDS_PER_YEAR * (1.0 - found.not_served)
    alone = [one.alone for one in found.parts if one.alone is not None]
    return {
        "users": question.users,
        "cost_USD_per_year": found.cost,
        "cost_USD_per_MWh": found.cost / energy * 3.6e9,
        "power_USD_per_MWh": sum(one.power_cost for one in found.parts) / energy * 3.6e9,
        "carbon_g_per_kWh": found.carbon / energy * 3.6e9,
        "not_served_share": found.not_served,
        "best_alone_USD_per_year": min(alone) if alone else None,
        "sites": [
            {
                "site": one.site.id,
                "name": one.site.name,
                "machines_MW": one.machines / _MEGA,
                "most_MW": limits[one.site.id] / _MEGA if one.site.id in limits else None,
                "share": one.share,
                "full_share": one.full,
                "energy_GWh": one.energy / _GWH,
                "pue": one.pue,
                "power_USD_per_MWh": one.power_cost / one.energy * 3.6e9 if one.share > _DUST else None,
                "machines_USD_per_year": one.machine_cost,
                "alone_USD_per_year": one.alone,
                "round_trip_ms": None if one.delay is None else 1e3 * one.delay,
                "plants_MW": {
                    name: size / _MEGA for name, size in one.capacity.items() if size > 1e-3 * power
                },
            }
            for one in found.parts
        ],
        "refused": [{"site": site, "reason": reason} for site, reason in found.refused],
        "binding": list(found.binding),
        "assumptions": [
            {"key": one.key, "value": one.value, "reason": one.reason, "grade": one.grade.label}
            for one in found.assumptions
        ],
        "hours_MW": {
            name: [float(f"{value / _MEGA:.4g}") for value in hours] for name, hours in found.flow.items()
        },
    }
