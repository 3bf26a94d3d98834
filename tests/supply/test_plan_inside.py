"""Stores inside a plant: charged by it alone, no larger than it allows; an oracle written in full form."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import lil_matrix

from gigawatt.core.errors import InfeasibleError, InputError
from gigawatt.money import capital_recovery_factor
from gigawatt.power import Plant, Problem, Storage, build_plant, plan_network, plan_units
from gigawatt.power.pathway.hours import Hours
from gigawatt.power.pathway.pathway import plan_pathway
from gigawatt.power.pathway.steps import Step, Vintage
from gigawatt.power.plan.export_pypsa import export_pypsa, pypsa_limits
from gigawatt.power.plan.network import Link
from gigawatt.power.plan.plan import SupplyPlan, solve_problem
from gigawatt.power.plan.reduce import Guess, price_out, solve_reduced
from gigawatt.power.solve import solve

MWH, KWH, PER_KW = 3.6e9, 3.6e6, 1e-3
TOP = 1e9


def sun(hours: int) -> np.ndarray:
    clear = np.random.default_rng(3).uniform(0.4, 1.0, hours // 24 + 1).repeat(24)[:hours]
    return np.clip(np.sin((np.arange(hours) % 24 - 6) / 12 * np.pi), 0, 1) * clear


def salt(host: str = "reactor", ratio: float = 0.9, **other: object) -> Plant:
    store = Storage(0.99, 0.98, 8 / KWH, duration_min=3600.0, duration_max=8 * 3600.0, self_discharge=4e-4)
    return Plant("salt", "storage", **({"capital": 15 * PER_KW, "storage": store} | other),
                 host=host, host_ratio=ratio)  # fmt: skip


def parts(hours: int) -> list[Plant]:
    """Grid with dear evenings, sun, a reactor that hardly moves, salt inside it."""
    h = np.arange(hours)
    return [
        Plant("grid", "grid", fuel=(60 + 55 * np.sin(h / 24 * 2 * np.pi + 3)) / MWH, carbon=0.4 / KWH),
        Plant("solar", "profile", availability=sun(hours), capital=35 * PER_KW),
        Plant("reactor", "dispatchable", capital=380 * PER_KW, fuel=11 / MWH, availability=0.93,
              minimum_load=0.2, ramp=0.3, maximum=0.6 * TOP),
        salt(),
    ]  # fmt: skip


def problem(hours: int = 336, **other: object) -> Problem:
    load = TOP * (1 + 0.15 * np.sin(np.arange(hours) / 24 * 2 * np.pi + 3)) / 1.15
    asked: dict = {"load": load, "plants": parts(hours), "not_served_price": 10_000 / MWH}
    return Problem(**(asked | other))


def loose(asked: Problem) -> Problem:
    """The same store, charged by anything."""
    return replace(asked, plants=[replace(q, host="", host_ratio=np.inf) for q in asked.plants])


def tied(found: SupplyPlan, host: str = "reactor") -> None:
    """What holds of every store inside a plant, and the balance of every hour."""
    at = found.names.index(host)
    made = found.dispatch[:, at] + found.curtailed[:, at]
    unit = found.load.max()
    inside = [k for k, q in enumerate(found.plants) if q.host == host]
    assert np.all(found.charge[:, inside].sum(1) <= found.dispatch[:, at] + 1e-9 * unit)
    assert np.all(
        made <= found.plants[at].hourly("availability", len(made)) * found.capacity[host] + 1e-9 * unit
    )
    for k in inside:
        size = found.capacity[found.plants[k].id]
        assert size <= found.plants[k].host_ratio * found.capacity[host] + 1e-9 * unit
    balance = found.dispatch.sum(1) - found.charge.sum(1) + found.not_served - found.drawn
    assert np.max(np.abs(balance)) < 1e-9 * unit
    assert found.gap < 1e-6
    assert found.infeasibility < 1e-6
    assert found.bound <= found.objective * (1 + 1e-9)


def full_form(asked: Problem) -> float:
    """$ of the same question, in MW and with every flow a variable of its own: our form has none of it.

    Grid, sun, reactor, salt of :func:`parts`; per hour: bought, sun used, sun curtailed, reactor to the bus,
    reactor to the salt, salt to the bus, level, not served.
    """
    grid, solar, reactor, store = asked.plants
    inside = store.storage
    assert inside is not None
    H, need = len(asked.watts), asked.watts / 1e6
    names = ("buy", "sun", "curtail", "direct", "heat", "out", "level", "lost")
    at = {name: 5 + k * H for k, name in enumerate(names)}
    count = 5 + len(names) * H  # first MW of the four and MWh of the store
    year, cost = H / 8760, np.zeros(count)
    cost[:4] = [q.capital * year * 1e6 for q in asked.plants]
    cost[4] = inside.energy_capital * year * 3.6e9
    fuel = np.asarray(grid.fuel) * 3.6e9
    cost[at["buy"] : at["buy"] + H] = fuel
    for name in ("direct", "heat"):
        cost[at[name] : at[name] + H] = float(np.asarray(reactor.fuel)) * 3.6e9
    cost[at["lost"] : at["lost"] + H] = asked.not_served_price * 3.6e9
    E, e, U, u = (
        lil_matrix((3 * H, count)),
        np.zeros(3 * H),
        lil_matrix((8 * H + 3, count)),
        np.zeros(8 * H + 3),
    )
    share = np.asarray(solar.availability)
    ready, floor, ramp = 0.93, reactor.minimum_load, float(reactor.ramp or 0.0)
    for h in range(H):
        for name, sign in (("buy", 1), ("sun", 1), ("direct", 1), ("out", 1), ("lost", 1)):
            E[h, at[name] + h] = sign
        e[h] = need[h]
        E[H + h, at["sun"] + h], E[H + h, at["curtail"] + h], E[H + h, 1] = 1, 1, -share[h]
        E[2 * H + h, at["level"] + h] = 1
        E[2 * H + h, at["level"] + (h - 1) % H] -= 1 - inside.self_discharge
        E[2 * H + h, at["heat"] + h] = -inside.charge_efficiency
        E[2 * H + h, at["out"] + h] = 1 / inside.discharge_efficiency
        rows: list[tuple[dict[int, float], float]] = [
            ({at["buy"] + h: 1, 0: -1}, 0.0),
            ({at["direct"] + h: 1, at["heat"] + h: 1, 2: -ready}, 0.0),
            ({at["direct"] + h: -1, at["heat"] + h: -1, 2: floor * ready}, 0.0),
            ({at["heat"] + h: 1, 3: -1}, 0.0),
            ({at["out"] + h: 1, 3: -1}, 0.0),
            ({at["level"] + h: 1, 4: -1}, 0.0),
        ]
        before = (h - 1) % H
        for sign in (1, -1):
            step = {at[k] + g: sign * way for k in ("direct", "heat") for g, way in ((h, 1), (before, -1))}
            rows.append((step | {2: -ramp}, 0.0))
        for k, (row, right) in enumerate(rows):
            for column, value in row.items():
                U[8 * h + k, column] = value
            u[8 * h + k] = right
    U[8 * H, 3], U[8 * H, 2] = 1, -store.host_ratio
    U[8 * H + 1, 4], U[8 * H + 1, 3] = 1, -8
    U[8 * H + 2, 4], U[8 * H + 2, 3] = -1, 1
    top = [(0, q.maximum / 1e6 if np.isfinite(q.maximum) else None) for q in asked.plants]
    lost = [(0, float(v)) for v in need]
    bounds = top + [(0, None)] * (count - 4 - H) + lost
    found = linprog(cost, A_ub=U.tocsr(), b_ub=u, A_eq=E.tocsr(), b_eq=e, bounds=bounds, method="highs")
    assert found.status == 0
    return float(found.fun)


def test_full_form_of_a_week_has_the_same_optimum() -> None:
    asked = problem(168)
    found = solve_problem(asked)
    tied(found)
    assert found.capacity["salt"] > 0.05 * TOP
    assert found.objective == pytest.approx(full_form(asked), rel=1e-6)


def test_an_untied_store_would_cheat_with_the_sun() -> None:
    asked = problem()
    ours, cheat = solve_problem(asked), solve_problem(loose(asked))
    reactor, store = ours.names.index("reactor"), ours.names.index("salt")
    too_much = cheat.charge[:, store] - cheat.dispatch[:, reactor]
    assert too_much.max() > 0.05 * TOP  # charged from the sun
    assert cheat.objective < ours.objective * (1 - 1e-3)
    tied(ours)


def test_highs_agrees_and_the_bound_holds() -> None:
    for other in ({}, {"carbon_limit": 0.1 / KWH}):
        asked = problem(**other)
        ours, theirs = solve_problem(asked), solve_problem(asked, solver="highs")
        tied(ours)
        tied(theirs)
        assert ours.objective == pytest.approx(theirs.objective, rel=1e-6)
        assert ours.bound <= theirs.objective * (1 + 1e-9)
        assert ours.bound == pytest.approx(theirs.objective, rel=1e-5)


def test_ratio_binds_and_its_worth_is_the_slope() -> None:
    def cost(ratio: float) -> SupplyPlan:
        grid, solar, reactor = parts(336)[:3]
        return solve_problem(problem(plants=[grid, solar, replace(reactor, minimum=3e8), salt(ratio=ratio)]))

    low, mid, high = cost(0.0999), cost(0.1), cost(0.1001)
    assert mid.capacity["salt"] == pytest.approx(0.1 * mid.capacity["reactor"], rel=1e-5)
    slope = (high.objective - low.objective) / (0.0002 * mid.capacity["reactor"])
    text = next(one for one in mid.binding if "as large as reactor takes" in one)
    assert slope < 0.0
    per_mw = float(text.split("$")[1].split()[0]) * (1e3 if "thousand" in text else 1.0)
    assert per_mw == pytest.approx(-slope * 1e6 * 8760 / 336, rel=0.01)


@pytest.mark.parametrize("unbuilt", [(), (2,), (3,), (2, 3), (1, 2, 3), (0, 1)])
@pytest.mark.parametrize("capital", [420.0, 4000.0], ids=["pays", "dear"])
def test_whatever_was_guessed_the_optimum_is_the_same(unbuilt: tuple[int, ...], capital: float) -> None:
    plants = parts(168)
    plants[2] = replace(plants[2], capital=capital * PER_KW)
    p = problem(168, plants=plants).programme()
    whole = solve(A=p.A, b=p.b, cost=p.cost, equalities=p.equalities)
    guessed = solve_reduced(p, Guess(unbuilt=frozenset(unbuilt)))
    assert guessed.objective == pytest.approx(whole.objective, rel=2e-6)
    assert guessed.gap < 1e-6
    assert guessed.infeasibility < 1e-6
    assert guessed.bound == pytest.approx(whole.objective, rel=1e-5)


def test_a_plant_that_pays_only_with_its_store_is_not_priced_out() -> None:
    def asked(*, inside: bool) -> Problem:
        cheap = salt(ratio=1.0, capital=1 * PER_KW)
        reactor = replace(parts(336)[2], capital=445 * PER_KW, minimum_load=1.0)
        return problem(plants=[parts(336)[0], reactor, *([cheap] if inside else [])])

    alone, both = asked(inside=False), asked(inside=True)
    plain = solve_problem(alone)
    assert plain.capacity["reactor"] < 1e-3 * TOP  # alone it does not pay
    assert solve_problem(both).capacity["reactor"] > 0.05 * TOP
    p = both.programme()
    grid = solve_reduced(alone.programme(), Guess(unbuilt=frozenset({1})))
    z = np.zeros(len(p.b))
    q = alone.programme()
    z[p.balance_row : p.balance_row + p.hours] = grid.z[q.balance_row : q.balance_row + q.hours]
    assert not price_out(p, 1, z)


def test_two_stores_share_their_host_and_a_field_may_host_one() -> None:
    twin = replace(salt(), id="twin", name="twin")
    found = solve_problem(problem(plants=[*parts(336), twin]))
    tied(found)
    other = replace(salt("solar", ratio=0.5), id="on site", name="on site")
    field = problem(plants=[*parts(336)[:3], other], carbon_limit=0.05 / KWH)
    theirs = solve_problem(field, solver="highs")
    ours = solve_problem(field)
    tied(ours, "solar")
    assert ours.capacity["on site"] > 0.01 * TOP
    assert ours.objective == pytest.approx(theirs.objective, rel=1e-6)


@settings(max_examples=8, deadline=None, derandomize=True)
@given(st.floats(0.02, 1.0), st.floats(0.0, 80.0))
def test_a_tie_is_never_cheaper_and_a_larger_share_never_dearer(ratio: float, capital: float) -> None:
    def cost(share: float) -> float:
        return solve_problem(
            problem(72, plants=[*parts(72)[:3], salt(ratio=share, capital=capital * PER_KW)])
        ).objective

    mine = cost(ratio)
    free = loose(problem(72, plants=[*parts(72)[:3], salt(capital=capital * PER_KW)]))
    assert mine >= solve_problem(free).objective * (1 - 1e-6)
    assert mine <= cost(ratio / 2) * (1 + 1e-6)


def test_size_of_the_site_and_years_do_not_matter() -> None:
    small = problem()
    twice = problem(load=np.tile(small.watts, 2), years=2, plants=[
        replace(q, **{n: np.tile(v, 2) for n in ("fuel", "availability") if np.ndim(v := getattr(q, n))})
        for q in small.plants
    ])  # fmt: skip
    assert solve_problem(twice).objective == pytest.approx(solve_problem(small).objective, rel=1e-6)


def test_a_year_of_the_catalog_reactor_with_its_salt() -> None:
    def recovery(life: float) -> float:
        return float(capital_recovery_factor(rate=0.07, life=life))

    h = np.arange(8760)
    price = (95 + 60 * np.sin(h / 24 * 2 * np.pi + 3)) / MWH
    made = [
        build_plant("grid", year=2040, capital_recovery=recovery, price=price, carbon=0.4 / KWH, limit=9e8),
        build_plant("fission-sodium", year=2040, capital_recovery=recovery, minimum=345e6),
        build_plant("fission-sodium-salt", year=2040, capital_recovery=recovery),
    ]
    asked = Problem(load=np.full(8760, TOP), plants=made, not_served_price=10_000 / MWH)
    found = solve_problem(asked)
    assert found.capacity["fission-sodium-salt"] <= 0.4493 * found.capacity["fission-sodium"] * (1 + 1e-6)
    i, k = found.names.index("fission-sodium"), found.names.index("fission-sodium-salt")
    assert np.all(found.charge[:, k] <= found.dispatch[:, i] + 1e-9 * TOP)


def test_units_and_networks_keep_the_tie() -> None:
    plants = parts(168)
    plants[2] = replace(plants[2], unit_size=0.1 * TOP, minimum=0.2 * TOP)
    units = plan_units(problem=problem(168, plants=plants), weeks=None, gap=0.01)
    made = units.plan
    charge, reactor = made.charge[:, 3], made.dispatch[:, 2] + made.curtailed[:, 2]
    assert made.capacity["salt"] > 0.0
    assert np.all(charge <= reactor + 1e-6 * TOP)
    assert made.capacity["salt"] <= 0.9 * made.capacity["reactor"] + 1e-6 * TOP

    site = problem(168)
    alone = solve_problem(site)
    two = plan_network(sites={"a": site, "b": problem(168)}, links=[Link("line", "a", "b", maximum=0.0)])
    assert two.objective == pytest.approx(2 * alone.objective, rel=1e-6)
    tied_site = two.sites["a"]
    assert np.all(tied_site.charge[:, 3] <= tied_site.dispatch[:, 2] + 1e-6 * TOP)


@pytest.mark.skipif(find_spec("pypsa") is None, reason="the extra pypsa is not installed")
@pytest.mark.filterwarnings("ignore")
def test_pypsa_ties_it_too() -> None:
    asked = problem(168)
    network = export_pypsa(asked)
    network.optimize(
        solver_name="highs", extra_functionality=pypsa_limits(asked), output_flag=False, progress=False
    )
    assert float(network.objective) == pytest.approx(solve_problem(asked).objective, rel=1e-6)


def test_refusals() -> None:
    with pytest.raises(InputError, match=r"salt: a store that stands inside a plant has no plant to .*"
                                         r"allowed: reactor among the plants"):  # fmt: skip
        problem(plants=[parts(336)[0], salt()])
    with pytest.raises(InputError, match=r"did you mean 'reactor'"):
        problem(plants=[*parts(336)[:3], salt(host="reacter")])
    with pytest.raises(InputError, match=r"two.host: a store cannot stand inside a store"):
        problem(plants=[*parts(336), replace(salt(host="salt"), id="two")])
    with pytest.raises(InfeasibleError, match="salt of 550 MW does not fit into reactor"):
        problem(plants=[*parts(336)[:3], salt(minimum=5.5e8)])
    step, hours = Step(2030.0, 1.0, np.ones(1)), Hours(np.zeros(1, dtype=int), np.full(1, 8760.0), 1)
    inside = Vintage("salt", 2030.0, 1e9, (salt(),))
    with pytest.raises(InputError, match="salt: a store inside a plant has no pathway of its own"):
        plan_pathway(steps=[step], vintages=[inside], hours=hours, not_served_price=1.0)
