"""Hindcasts: what they may know, how they are widened, what they reach."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from gigawatt.core.errors import InputError
from gigawatt.outlook.forecasts import hindcast
from gigawatt.outlook.forecasts.conformal import group_quantile, widening
from gigawatt.outlook.forecasts.hindcast import BINS, MODELS, all_origins, cost_hindcast, pools_before
from gigawatt.outlook.series import CostSeries, cost_series

YEAR = 1970.0


@pytest.fixture
def changed(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """Give the hindcast other series; what was kept of the shipped ones comes back afterwards."""

    def give(series: tuple[CostSeries, ...]) -> None:
        monkeypatch.setattr(hindcast, "cost_series", lambda: series)
        all_origins.cache_clear()
        cost_hindcast.cache_clear()

    yield give
    all_origins.cache_clear()
    cost_hindcast.cache_clear()


def test_what_is_judged() -> None:
    done = cost_hindcast()
    assert len(cost_series()) == len(np.unique(done.technology)) == 84
    assert len(cost_series(judged=False)) == 89
    assert len(done.actual) == 14_078
    assert done.horizon.min() == 1
    assert done.horizon.max() == 20
    assert set(done.forecasts) == set(MODELS)


def test_nothing_after_the_origin_is_known(changed) -> None:
    whole = cost_hindcast()
    rng = np.random.default_rng(0)
    other: list[CostSeries] = []
    for one in cost_series():
        later = one.years > YEAR
        cost = np.where(later, one.cost + rng.normal(3.0, 2.0, len(later)), one.cost)
        produced = np.where(later, one.produced + rng.uniform(1.0, 2.0, len(later)), one.produced)
        other.append(replace(one, cost=cost, produced=produced))
    changed(tuple(other))
    after = cost_hindcast()
    before = whole.origin <= YEAR
    assert before.sum() > 3000
    for model in MODELS:
        for name in ("location", "scale", "freedom"):
            assert np.array_equal(
                getattr(whole.forecasts[model], name)[before], getattr(after.forecasts[model], name)[before]
            ), (model, name)
    assert not np.allclose(whole.actual[before], after.actual[before])


def test_pools_leave_the_family_out(changed) -> None:
    series = cost_series()
    families = tuple(sorted({one.family for one in series}))
    sun = families.index("photovoltaics")
    own, others = pools_before(all_origins(), sun, 2000.0, 8), pools_before(all_origins(), 0, 2000.0, 8)
    changed(
        tuple(replace(one, cost=one.cost * 5.0) if one.family == "photovoltaics" else one for one in series)
    )
    assert pools_before(all_origins(), sun, 2000.0, 8) == own
    assert pools_before(all_origins(), 0, 2000.0, 8) != others
    assert pools_before(all_origins(), sun, 1870.0, 8)["drift"].freedom == 0.0


def test_targets_in_every_bin() -> None:
    done = cost_hindcast()
    for low, high in BINS:
        score = done.score("conformal", (low, high))
        assert 0.85 <= score.coverage <= 0.95
        assert 0.85 <= score.coverage_each <= 0.95
    ours = done.score("conformal")
    for plain in ("trend", "moore"):
        other = done.score(plain)
        assert ours.crps < other.crps
        assert ours.crps_each < other.crps_each
    assert done.score("trend").coverage < 0.5


def test_a_subset_is_the_same_forecasts() -> None:
    whole, part = cost_hindcast(), cost_hindcast(7)
    assert set(np.unique(part.technology)) == set(range(0, 84, 7))
    use = whole.technology % 7 == 0
    assert np.array_equal(whole.forecasts["wright_pooled"].scale[use], part.forecasts["wright_pooled"].scale)


def test_a_world_without_noise_is_foreseen(changed) -> None:
    made: list[CostSeries] = []
    rng = np.random.default_rng(3)
    for k in range(20):
        x = np.cumsum(np.full(25, rng.uniform(0.1, 0.4)))
        made.append(CostSeries(f"t{k:02d}", f"t{k:02d}", 1960.0 + np.arange(25.0), -0.3 * x, x))
    changed(tuple(made))
    assert cost_hindcast().score("wright").error < 1e-9


def test_widening_is_a_weighted_quantile_of_others() -> None:
    miss = np.array([0.1, 0.2, 3.0, 0.5, 0.6, 2.0, 1.4, 0.3])
    who = np.array([0, 0, 0, 1, 1, 2, 2, 3])
    year = np.array([1.0, 2.0, 3.0, 1.0, 2.0, 1.0, 2.0, 1.0])
    made = widening(
        miss=miss, technology=who, family=who, origin=year, target=year + 1,
        horizon_bin=np.zeros(8, dtype=np.int64), level=0.6, least=1, past_only=False,
    )  # fmt: skip
    for k in range(8):
        rest = who != who[k]
        x, w = miss[rest], 1.0 / np.bincount(who[rest])[who[rest]]
        order = np.argsort(x)
        n = len(set(who[rest]))
        place = np.flatnonzero(np.cumsum(w[order]) >= min(0.6 * (n + 1), n) - 1e-9)[0]
        assert made[k] == max(1.0, x[order][place])
    assert group_quantile(miss[:3], who[:3], 0.9, least=2) == 1.0


def test_widening_makes_exchangeable_groups_covered() -> None:
    rng = np.random.default_rng(11)
    groups, each = 120, 15
    scale = np.exp(0.7 * rng.standard_normal(groups))
    who = np.repeat(np.arange(groups), each)
    miss = np.abs(scale[who] * rng.standard_normal(groups * each))
    zero = np.zeros(len(who))
    factor = widening(
        miss=miss, technology=who, family=who, origin=zero, target=zero, horizon_bin=zero.astype(np.int64),
        level=0.9, least=8, past_only=False,
    )  # fmt: skip
    assert (miss <= factor).mean() == pytest.approx(0.9, abs=0.02)
    assert (miss <= 1.0).mean() < 0.75


def test_refusals() -> None:
    done = cost_hindcast()
    with pytest.raises(InputError, match=r"conformal.*did you mean 'moore'"):
        done.score("more")
    with pytest.raises(InputError, match="horizons"):
        done.score("moore", (50, 60))
    with pytest.raises(InputError, match="every"):
        cost_hindcast(0)
    empty = np.zeros(0)
    none = np.zeros(0, dtype=np.int64)
    for level, least, key in ((1.0, 1, "level"), (0.5, 0, "least")):
        with pytest.raises(InputError, match=key):
            widening(
                miss=empty, technology=none, family=none, origin=empty, target=empty, horizon_bin=none,
                level=level, least=least,
            )  # fmt: skip
