"""The answer of `gigawatt plan-pathway`: sentences, rows of steps and plants, JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt import catalog
from gigawatt.core.quantities import compact, finite_or_none
from gigawatt.money.annuity import SECONDS_PER_YEAR
from gigawatt.power.pathway.pathway import Pathway
from gigawatt.power.plan.words import money
from gigawatt.studies.pathway.plan import NOTICED, Pathways

__all__ = ["pathway_answer", "sentences"]

Array = NDArray[np.float64]

_MWH = 3.6e9
_GWH = 3.6e12
NEGLIGIBLE = 1e-6
"""Share of the load below which a size or an energy is the solver's rounding."""
_TONNE = 1e3
_KWH = 3.6e6


def pathway_answer(pathways: Pathways) -> dict[str, Any]:
    """The answer as plain data, units in the names of its keys."""
    best, question = pathways.best, pathways.question
    dark = np.array(_lasting(pathways, best.energy_not_served))
    return {
        "site": question.loaded.scenario.site.name,
        "years": [float(year) for year in best.years],
        "end": float(question.end),
        "discount_rate": pathways.rate,
        "present_cost_M$": best.objective / 1e6,
        "accelerator": {
            "chip": pathways.accelerators.chip,
            "power_at_meter_W": pathways.accelerators.power,
            "cost_$/h": pathways.accelerators.hour,
        },
        "idle_accelerator_hours": float(pathways.accelerators.hours(dark)),
        "not_served_price_$/MWh": pathways.not_served_price * _MWH,
        "ready": {name: float(year) for name, year in pathways.ready.items()},
        "steps": _steps(pathways),
        "bridges": list(pathways.bridges),
        "waiting": None if pathways.waiting is None else _waiting(pathways, pathways.waiting),
        "weeks": {
            "hours": len(best.hours.index),
            "error_of_cost": pathways.week_error,
            "checked_step": pathways.checked,
        },
        "words": list(sentences(pathways)),
        "notices": [*question.notices, *best.notices],
        "solver": {"name": best.solver, "gap": best.gap, "infeasibility": best.infeasibility,
                   "seconds": best.seconds, "iterations": best.iterations},
        "assumptions": [one.to_json() for one in pathways.assumptions],
    }  # fmt: skip


def _steps(pathways: Pathways) -> list[dict[str, Any]]:
    """Each step of the pathway, plant by plant."""
    best = pathways.best
    idle = pathways.accelerators.hours(best.energy_not_served)
    ends = [*best.years[1:], pathways.question.end]
    dust = NEGLIGIBLE * float(np.max(best.demand))
    energies = np.where(best.energy > dust, best.energy, 0.0)
    sizes = {
        name: np.where(values > dust / SECONDS_PER_YEAR, values, 0.0) / 1e6
        for name, values in (("capacity", best.capacity), ("built", best.added), ("retired", best.retired))
    }
    steps: list[dict[str, Any]] = []
    for s, step in enumerate(best.steps):
        plants = [
            {
                "plant": name,
                **{f"{of}_MW": values[s, i] for of, values in sizes.items()},
                "storage_MWh": best.storage_energy[s, i] / _MWH,
                "energy_GWh": energies[s, i] / _GWH,
                "share_of_load": energies[s, i] / best.demand[s] if best.demand[s] else 0.0,
                "cost_M$": sum(float(one[s, i]) for one in best.costs.values()) / 1e6,
                "carbon_kt": best.carbon[s, i] / (1e3 * _TONNE),
            }
            for i, name in enumerate(best.names)
        ]
        steps.append(
            {
                "year": float(step.year),
                "end": float(ends[s]),
                "load_MW": best.demand[s] / SECONDS_PER_YEAR / 1e6,
                "served_GWh": (best.demand[s] - best.energy_not_served[s]) / _GWH,
                "not_served_GWh": best.energy_not_served[s] / _GWH,
                "idle_accelerator_hours": float(idle[s]),
                "idle_cost_M$": float(idle[s]) * pathways.accelerators.hour / 1e6,
                "cost_M$": float(best.cost[s]) / 1e6,
                "cost_$/MWh": finite_or_none(best.cost_per_energy[s] * _MWH),
                "carbon_g/kWh": finite_or_none(best.carbon_intensity[s] * _KWH * 1e3),
                "carbon_kt": float(best.carbon[s].sum()) / (1e3 * _TONNE),
                "carbon_price_$/t": step.carbon_price * _TONNE,
                "carbon_limit_g/kWh": None if step.carbon_limit is None else step.carbon_limit * _KWH * 1e3,
                "carbon_shadow_price_$/t": float(best.carbon_shadow_price[s]) * _TONNE,
                "costs_M$": {name: float(one[s].sum()) / 1e6 for name, one in best.costs.items()},
                "plants": plants,
            }
        )
    return steps


def _waiting(pathways: Pathways, waiting: Pathway) -> dict[str, Any]:
    """What it costs more to wait than to build the bridging plants."""
    hours = _more_idle_hours(pathways, waiting)
    return {
        "without": list(pathways.bridges),
        "idle_accelerator_hours_more": hours,
        "idle_cost_more_M$": hours * pathways.accelerators.hour / 1e6,
        "present_cost_more_M$": (waiting.objective - pathways.best.objective) / 1e6,
    }


def _more_idle_hours(pathways: Pathways, waiting: Pathway) -> float:
    """Idle accelerator-hours of all years that waiting has more."""
    joules = _lasting(pathways, waiting.energy_not_served - pathways.best.energy_not_served)
    return float(pathways.accelerators.hours(np.array(joules)))


def _lasting(pathways: Pathways, yearly: Any) -> float:
    """A yearly figure by step, summed over all years."""
    return float(np.sum(np.diff([*pathways.best.years, pathways.question.end]) * yearly))


def _called(name: str) -> str:
    return catalog.entity("plants", name).text("name", name)


def _when(year: float) -> str:
    return f"{year:.0f}" if float(year).is_integer() else f"{year:.2f}".rstrip("0")


def sentences(pathways: Pathways) -> tuple[str, ...]:
    """The pathway in sentences: load that waits, bridging plants, the cost of waiting instead."""
    share = pathways.best.energy / np.maximum(pathways.best.demand, 1e-300)[:, None]
    return (
        *_load_that_waits(pathways),
        *(_bridging(pathways, name, share) for name in pathways.bridges),
        *(() if pathways.waiting is None else (_waiting_instead(pathways, pathways.waiting),)),
        *_late_plants(pathways, share),
    )


def _load_that_waits(pathways: Pathways) -> Iterator[str]:
    """A sentence for each run of steps in which the same share of the load waits."""
    best = pathways.best
    ends = [*best.years[1:], pathways.question.end]
    dark = best.energy_not_served / np.maximum(best.demand, 1e-300)
    generators = [name for name in pathways.ready if catalog.entity("plants", name).text("kind") != "storage"]
    ready = min((pathways.ready[name] for name in generators), default=math.inf)
    spans: list[list[int]] = []
    for s in (int(one) for one in np.flatnonzero(dark > NOTICED)):
        alike = spans and spans[-1][-1] == s - 1 and abs(dark[s] - dark[s - 1]) < NOTICED
        (spans[-1] if alike else spans.append([]) or spans[-1]).append(s)
    for span in spans:
        s = span[0]
        hours = float(pathways.accelerators.hours(best.energy_not_served[s : s + 1])[0])
        why = "serving the rest would cost more than waiting"
        if best.years[s] < ready:
            why = "no plant ordered at the start is ready"
        elif dark[s] > NOTICED * 10:
            why = "ready plants are at a limit, or cost more than waiting"
        share_waits = f"{dark[s]:.0%}" if dark[s] > 1.0 - NOTICED else f"{dark[s]:.1%}"
        yield (
            f"from {_when(best.years[s])} to {_when(ends[span[-1]])} {share_waits} of the load waits "
            f"({why}): {hours / 1e6:,.4g} million idle accelerator-hours a year, "
            f"{money(hours * pathways.accelerators.hour)}"
        )


def _bridging(pathways: Pathways, name: str, share: Array) -> str:
    """What a bridging plant carries, and what becomes of it; ``share`` (steps, plants) of the load."""
    best = pathways.best
    i = best.names.index(name)
    most = int(np.argmax(share[:, i]))
    after = [s for s in range(most + 1, len(best.steps)) if share[s, i] < share[most, i] / 2.0]
    text = (
        f"{_called(name)} bridges: ready in {_when(pathways.ready[name])}, it carries "
        f"{share[most, i]:.0%} of the load from {_when(best.years[most])}"
    )
    if not after:
        return text
    s = after[0]
    risen = np.argsort(share[most] - share[s])
    came = [best.names[j] for j in risen if share[s, j] - share[most, j] > 0.1][:2]
    text += f" and {share[s, i]:.0%} from {_when(best.years[s])}"
    text += f", when {' and '.join(_called(one) for one in came)} came" if came else ""
    reserve = best.capacity[-1, i]
    if reserve > NOTICED * best.capacity[most, i]:
        return text + f"; {compact(reserve, 'W')} remain as reserve in the last step"
    return text + "; it is retired by the last step"


def _waiting_instead(pathways: Pathways, waiting: Pathway) -> str:
    """What waiting without the bridging plants costs more."""
    hours = _more_idle_hours(pathways, waiting)
    without = " and ".join(_called(one) for one in pathways.bridges)
    dearer = money(waiting.objective - pathways.best.objective)
    return (
        f"waiting instead, without {without}: {hours / 1e6:,.4g} million more idle accelerator-hours "
        f"({money(hours * pathways.accelerators.hour)} at ${pathways.accelerators.hour:.2f} an hour), "
        f"and the whole pathway costs {dearer} more at present worth"
    )


def _late_plants(pathways: Pathways, share: Array) -> Iterator[str]:
    """When plants that are ready later start to carry much; ``share`` (steps, plants) of the load."""
    best = pathways.best
    late = {n: y for n, y in pathways.ready.items() if y > best.years[0] and n not in pathways.bridges}
    for name, year in sorted(late.items(), key=lambda pair: -pair[1]):
        i = best.names.index(name) if name in best.names else None
        if i is not None and share[:, i].max() > 1.0 / 4.0:
            first = int(np.flatnonzero(share[:, i] > NOTICED)[0])
            yield (
                f"{_called(name)}, ready in {_when(year)} if ordered in {_when(best.years[0])}, starts in "
                f"{_when(best.years[first])} and carries up to {share[:, i].max():.0%}"
            )
