"""Power over decades: what the command and Python both call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from gigawatt.core.answer import Answer
from gigawatt.core.errors import InputError
from gigawatt.studies.pathway import STUDY

if TYPE_CHECKING:
    from gigawatt.studies.pathway.plan import Question

__all__ = ["plan_pathway"]

Progress = Callable[[str, float], None]
_PLANTS = "grid,solar,wind,battery,gas-engine,gas-turbine,gas-combined-cycle,fission-small"


def plan_pathway(
    site: str,
    load: str,
    *,
    years: str = "2025-2050",
    every: int = 5,
    whole_steps: bool = False,
    chip: str = "H100",
    carbon: str | None = None,
    carbon_price: str | None = None,
    gas_price: str | None = None,
    grid_price: str | None = None,
    plants: str = _PLANTS,
    limit: Sequence[str] | None = None,
    build_rate: Sequence[str] | None = None,
    lead_time: Sequence[str] | None = None,
    existing: Sequence[str] | None = None,
    learning: Sequence[str] | None = None,
    case: str = "value",
    discount_rate: str | None = None,
    not_served: str | None = None,
    weeks: int = 7,
    check: bool = False,
    progress: Progress | None = None,
) -> Answer:
    """Plan a campus's power over decades, as ``gigawatt plan-pathway`` does: build, retire, bridge.

    Parameters
    ----------
    site, load : str
        A site of the catalog; mean power at the meter, one value or by year (``"2025: 200 MW, 2030: 1 GW"``).
    years, every, whole_steps
        Where steps begin: a span with years of a step, or years; no steps where a lead time ends.
    carbon, carbon_price, gas_price, grid_price : str, optional
        Limits and prices, one value or by year.
    limit, build_rate, lead_time, existing, learning : sequence of str, optional
        ``plant=value`` each.
    chip, plants, case, discount_rate, not_served, weeks, check
        As the options of the command.
    progress : callable, optional
        Called with (what is done, share done).

    Returns
    -------
    Answer
        Keys in docs/pathway.md.

    Raises
    ------
    gigawatt.core.errors.GigawattError
        A word that cannot be read, a limit that cannot be met.
    """
    given = {name: value for name, value in locals().items() if name not in ("check", "progress")}
    from gigawatt.studies.pathway.answer import pathway_answer
    from gigawatt.studies.pathway.figures import FIGURES
    from gigawatt.studies.pathway.plan import pathways

    found = pathways(_question(given), check=check, progress=progress or (lambda words, share: None))
    data = pathway_answer(found)
    steps = [{key: value for key, value in step.items() if key != "plants"} for step in data["steps"]]
    rows = [{"year": step["year"], **row} for step in data["steps"] for row in step["plants"]]
    drawings = {name: partial(draw, data) for name, (draw, _) in FIGURES.items()}
    files = {"steps": lambda: steps, "plants": lambda: rows}
    return Answer(STUDY, data, found, drawings, {"plants": lambda: rows}, files=files)


def _question(given: dict[str, Any]) -> Question:
    from gigawatt.core.quantities import parse
    from gigawatt.studies.pathway.plan import Question, read_path, read_years

    def single(key: str, unit: str) -> float | None:
        try:
            return None if given[key] is None else parse(given[key], unit)
        except InputError as error:
            raise error.at(key=key) from None

    def each(key: str, unit: str) -> dict[str, float]:
        return {name: _value(key, text, unit) for name, text in _pairs(key, given[key])}

    years, end = read_years(given["years"], given["every"])
    learns: dict[str, float | None] = {
        name: None if text == "rows" else _value("learning", text, "percent")
        for name, text in _pairs("learning", given["learning"])
    }
    stands: list[tuple[str, float, float]] = []
    for name, text in _pairs("existing", given["existing"]):
        watts, sign, year = text.partition("@")
        if not sign or not year.strip().isdigit():
            raise InputError("no year", key="existing", given=text, allowed="such as gas-turbine=100 MW@2015")
        stands.append((name, _value("existing", watts.strip(), "W"), float(year)))
    return Question(
        site=given["site"], load=read_path(given["load"], "W", "load"),
        plants=tuple(name.strip() for name in given["plants"].split(",")), years=years, end=end,
        chip=given["chip"], cut=not given["whole_steps"],
        carbon_limit=read_path(given["carbon"], "g/kWh", "carbon"),
        carbon_price=read_path(given["carbon_price"], "$/t", "carbon_price"),
        gas_price=read_path(given["gas_price"], "$/MMBtu", "gas_price"),
        grid_price=read_path(given["grid_price"], "$/MWh", "grid_price"),
        limits=each("limit", "W"),
        build_rates={name: rate / parse("1 yr", "s") for name, rate in each("build_rate", "W").items()},
        lead_times=each("lead_time", "yr"), learning=learns, existing=tuple(stands), case=given["case"],
        rate=single("discount_rate", "percent"), not_served_price=single("not_served", "$/MWh"),
        weeks=given["weeks"],
    )  # fmt: skip


def _value(key: str, text: str, unit: str) -> float:
    from gigawatt.core.quantities import parse

    try:
        return parse(text, unit)
    except InputError as error:
        raise error.at(key=key) from None


def _pairs(key: str, written: Sequence[str] | None) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for one in written or ():
        name, sign, value = one.partition("=")
        if not sign or not name.strip() or not value.strip():
            raise InputError("not a plant and a value", key=key, given=one, allowed="such as wind=200 MW")
        if key != "existing" and any(name.strip() == known for known, _ in found):
            raise InputError("this plant stands twice", key=key, given=one, allowed="each plant once")
        found.append((name.strip(), value.strip()))
    return found
