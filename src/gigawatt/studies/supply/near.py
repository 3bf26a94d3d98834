"""What stands near a planned supply: sizes that cost almost the same, and prices at which it is another."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from gigawatt import catalog
from gigawatt.core.document import Grid
from gigawatt.core.errors import InputError
from gigawatt.core.quantities import parse
from gigawatt.faces.figures.readable import significant, with_unit
from gigawatt.faces.report.parts import listed, rows_grid, with_percent
from gigawatt.power import Problem
from gigawatt.power.adequacy import WHOLE
from gigawatt.power.plan.neighbours import CARBON_PRICE, GRID_PRICE, MOVED, STORES, Flip, Neighbours
from gigawatt.studies.supply.plan import SupplyAnswer, problem_of

__all__ = [
    "near_grids",
    "near_json",
    "near_problem",
    "near_words",
    "nearest_turn",
    "read_near",
    "turn_json",
    "turn_words",
]

_MWH, _MEGA, _TONNE = 3.6e9, 1e6, 1e3
_LEAST = 0.05
"""A smaller share of the energy is left out of the words."""

Near = Mapping[str, Any]


def read_near(text: str) -> float:
    """``2%`` → the share of the cost within which plans are near.

    Raises
    ------
    InputError
        Not a share above 0 and at most 1.
    """
    share = parse(text, "1")
    if not 0.0 < share <= 1.0:
        raise InputError(
            "not a share of the cost", key="near", given=text, allowed="above 0 % to 100 %, such as 2%"
        )
    return share


def near_problem(supply: SupplyAnswer) -> Problem:
    """The question in capacities of any size, without plants of which one unit is more than the load.

    A plan in whole units that builds such a unit keeps it.
    """
    problem, plan = problem_of(supply.question), supply.plan
    most = float(plan.load.max())
    kept = tuple(p for p in problem.plants if p.unit_size <= most or plan.capacity[p.id] > 0.0)
    return replace(problem, plants=kept) if supply.question.units == WHOLE else problem


def near_json(found: Neighbours) -> dict[str, Any]:
    """Keys of docs/plan-supply.md; ``more`` is null where limits allow no plan without the plant."""
    return {
        "within": found.within,
        "plants": [
            {
                "plant": one.plant,
                "least_MW": one.least / _MEGA,
                "capacity_MW": one.size / _MEGA,
                "most_MW": one.most / _MEGA,
            }
            for one in found.reaches
        ],
        "without": [
            {
                "plant": one.plant,
                "more": None if math.isinf(one.more) else one.more,
                "shares": dict(one.shares),
            }
            for one in found.without
        ],
        "turns": [turn_json(one) for one in found.flips],
    }


def turn_json(flip: Flip) -> dict[str, Any]:
    """A price at which the plan turns: ``what``, ``unit``, ``now``, ``below`` and ``above``."""
    unit, scale = {CARBON_PRICE: ("$/t", _TONNE), STORES: ("times", 1.0)}.get(flip.what, ("$/MWh", _MWH))

    def end(one: tuple[float, Mapping[str, float]] | None) -> dict[str, Any] | None:
        return None if one is None else {"at": one[0] * scale, "shares": dict(one[1])}

    return {
        "what": flip.what, "unit": unit, "now": flip.now * scale,
        "below": end(flip.below), "above": end(flip.above),
    }  # fmt: skip


def _mix(shares: Mapping[str, float], names: Mapping[str, str]) -> str:
    parts = sorted(((share, name) for name, share in shares.items() if share >= _LEAST), reverse=True)
    return ", ".join(f"{names.get(name, name)} {with_percent(share)}" for share, name in parts) or "nothing"


def _what(turn: Near) -> str:
    """The price in words."""
    what = str(turn["what"])
    if what in (GRID_PRICE, CARBON_PRICE):
        return what
    if what == STORES:
        return "cost of stores"
    return f"price of {catalog.entity('fuels', what).text('name', what)} (per MWh of electricity)"


def _value(turn: Near, value: float) -> str:
    return (
        f"{significant(value)} ×" if turn["unit"] == "times" else f"${significant(value)}/{turn['unit'][2:]}"
    )


def near_grids(near: Near, names: Mapping[str, str]) -> tuple[Grid, ...]:
    """Sizes within the share, plans without a plant, and prices at which the plan turns."""
    share = with_percent(near["within"])
    sizes = [
        (names[one["plant"]], *(with_unit(one[end], "MW") for end in ("least_MW", "capacity_MW", "most_MW")))
        for one in near["plants"]
    ]
    without = [
        (
            names[one["plant"]],
            "no such plan" if one["more"] is None else f"+ {significant(100.0 * one['more'], 2)} %",
            _mix(one["shares"], names) if one["shares"] else "–",
        )
        for one in near["without"]
    ]
    turns = [
        (
            _what(one), _value(one, one["now"]),
            *("–" if one[end] is None else f"{_value(one, one[end]['at'])}: {_mix(one[end]['shares'], names)}"
              for end in ("below", "above")),
        )
        for one in near["turns"]
    ]  # fmt: skip
    grids = [
        rows_grid(
            f"Sizes of plans that cost at most {share} more, sought on three days of every 21.",
            ("plant", "least", "cheapest", "most"), sizes,
        ),
    ]  # fmt: skip
    if without:
        grids.append(rows_grid("The cheapest plan without a plant.", ("without", "costs", "energy"), without))
    if turns:
        moved = with_percent(MOVED)
        caption = (
            f"Prices at which {moved} of the energy comes from other plants, one price at a time, from a "
            "quarter of today's to four times (carbon: to $500/t)."
        )
        grids.append(rows_grid(caption, ("price", "now", "turns below", "turns above"), turns))
    return tuple(grids)


def near_words(near: Near, names: Mapping[str, str]) -> str:
    """Which sizes hardly matter, and the price that is nearest to turning the plan, in two sentences."""
    loose = [
        f"{names[one['plant']]} {with_unit(one['least_MW'], 'MW')} to {with_unit(one['most_MW'], 'MW')}"
        for one in near["plants"]
        if one["most_MW"] - one["least_MW"] > 0.25 * max(one["capacity_MW"], one["least_MW"])
    ]
    words = f"Within {with_percent(near['within'])} of the cost: {listed(loose)}." if loose else ""
    turn = nearest_turn(near["turns"])
    if turn is None:
        none = "No price of fuel, grid, stores or carbon between a quarter and four times turns it."
        return f"{words} {none}".strip()
    one, end = turn
    mix = _mix(one[end]["shares"], names)
    return f"{words} The plan turns first with the {turn_words(one, end)} it is {mix}.".strip()


def turn_words(turn: Near, end: str) -> str:
    """``grid price: above $47.6/MWh (now $27.1/MWh)``; ``end`` is ``below`` or ``above``."""
    return f"{_what(turn)}: {end} {_value(turn, turn[end]['at'])} (now {_value(turn, turn['now'])})"


def nearest_turn(turns: Sequence[Near]) -> tuple[Near, str] | None:
    """The turn with the smallest change of its price, and on which side; carbon by $100/t."""

    def away(one: Near, end: str) -> float:
        at, now = float(one[end]["at"]), float(one["now"])
        return abs(at - now) / 100.0 if one["what"] == CARBON_PRICE else abs(math.log(at / now))

    found = [(one, end) for one in turns for end in ("below", "above") if one[end] is not None]
    return min(found, key=lambda pair: away(*pair)) if found else None
