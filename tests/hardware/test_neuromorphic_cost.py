"""Cost of event-driven cores: laws, conservation, a chip's sweep, a mapping that was counted tile by tile."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.catalog import entity, table
from gigawatt.chain.machine.technologies import compare, measured, read_model, read_substrate
from gigawatt.core.errors import InputError, MissingDataError
from gigawatt.machine.load import load_chip
from gigawatt.technology.mapper import places
from gigawatt.technology.neuromorphic import cores as room
from gigawatt.technology.registry import load_substrate
from gigawatt.technology.rollup import token_cost
from gigawatt.technology.substrate import Substrate

few = settings(deadline=None, max_examples=25, derandomize=True)
ROWS = [key for key, row in table("substrates").items() if row.text("technology") == "neuromorphic"]
THREE = {"spikes_per_activation": 3.0}


def made(**changes: float | str) -> Substrate:
    given = {"coding": "rate", "steps": 15.0, "core": "loihi2", "weight_bits": 8.0} | changes
    return Substrate("test", "test", "neuromorphic", given)


def total(substrate: Substrate, **sizes: object) -> np.ndarray:
    return np.sum(list(room.cost(substrate, **sizes).values()), axis=0)  # type: ignore[arg-type]


def test_one_spike_on_loihi_is_its_table() -> None:
    """Davies et al. 2018, table 2: 23.6 pJ a synapse, 81 pJ a neuron, 3.5 ns and 8.4 ns of them."""
    sizes = {"m": 1.0, "n": 1000.0, "k": 1000.0, "statistics": {"spikes_per_activation": 0.001}}
    found = room.cost(made(core="loihi", steps=1.0), **sizes)
    assert found["synapse"] + found["sram"] == pytest.approx(1000 * 23.6e-12, rel=1e-12)
    assert found["neuron"] == pytest.approx(2000 * 81e-12, rel=1e-12)
    cores = room.cores_needed(made(core="loihi"), n=1000.0, k=1000.0)["weights"]
    assert cores == pytest.approx(1e6 / 131072)
    seconds = room.time(made(core="loihi", steps=1.0), **sizes)
    assert seconds == pytest.approx(1000 / cores * 3.5e-9 + 1000 * 8.4e-9 + 465e-9, rel=1e-12)


@pytest.mark.parametrize("name", room.CORES)
def test_parts_of_a_matrix_cost_what_the_matrix_costs(name: str) -> None:
    """Cut along outputs, additions and fetches are kept; of outputs alone neurons too."""
    one = made(core=name)
    whole = room.cost(one, m=2.0, n=4096.0, k=2048.0, statistics=THREE)
    parts = room.cost(one, m=2.0, n=np.array([1024.0, 3072.0]), k=2048.0, statistics=THREE)
    assert set(whole) == set(room.COMPONENTS)
    for part in ("synapse", "sram"):
        assert parts[part].sum() == pytest.approx(float(whole[part]), rel=1e-9)
    senders = 2.0 * 15.0 * 2048.0 * entity("neuromorphic", name).value("update")
    assert parts["neuron"].sum() == pytest.approx(float(whole["neuron"]) + senders, rel=1e-9)
    power = room.standing_power(one, n=np.array([1024.0, 3072.0]), k=2048.0)
    assert power.sum() == pytest.approx(float(room.standing_power(one, n=4096.0, k=2048.0)), rel=1e-9)


@few
@given(
    m=st.floats(1, 1e3), n=st.floats(16, 1e4), k=st.floats(16, 1e4), s=st.floats(0.1, 30),
    name=st.sampled_from(room.CORES),
)  # fmt: skip
def test_signs_of_what_moves_a_cost(m: float, n: float, k: float, s: float, name: str) -> None:
    sizes = {"m": m, "n": n, "k": k, "statistics": {"spikes_per_activation": s}}
    one, more = made(core=name), {**sizes, "statistics": {"spikes_per_activation": 1.5 * s}}
    assert total(one, **more) > total(one, **sizes)
    assert total(made(core=name, steps=30.0), **sizes) >= total(one, **sizes)
    assert total(made(core=name, weight_bits=16.0), **sizes) > total(
        made(core=name, weight_bits=4.0), **sizes
    )
    assert room.time(one, **more) >= room.time(one, **sizes)
    assert total(one, **{**sizes, "m": 2 * m}) == pytest.approx(2 * total(one, **sizes), rel=1e-9)
    assert room.area(one, n=n, k=k) > 0.0


def test_nobody_speaks_nothing_is_added() -> None:
    quiet = room.cost(made(), m=1.0, n=64.0, k=64.0, statistics={"spikes_per_activation": 0.0})
    assert quiet["synapse"] == quiet["sram"] == quiet["route"] == 0.0
    assert quiet["neuron"] > 0.0
    assert quiet["leakage"] > 0.0


def _grid(tiles: int) -> tuple[tuple[int, int], ...]:
    """Positions of ``tiles`` tiles in a near-square, column by column."""
    side = int(np.ceil(np.sqrt(tiles)))
    return tuple((i // side, i % side) for i in range(tiles))


def placed_distance(sources: int, targets: int) -> float:
    """Mean tiles that a spike crosses, counted on a mesh tile by tile."""
    a, b = np.array(_grid(sources), dtype=float), np.array(_grid(targets), dtype=float)
    a -= [a[:, 0].max() + 1.0, a[:, 1].mean()]
    b -= [0.0, b[:, 1].mean()]
    return float(np.abs(a[:, None, :] - b[None, :, :]).sum(2).mean())


@pytest.mark.parametrize(("sources", "targets"), [(4, 4), (16, 16), (4, 16), (9, 25), (25, 9), (64, 64)])
def test_the_mean_way_is_that_of_a_mesh(sources: int, targets: int) -> None:
    """Counted tile by tile on whole squares; a tile's own width is what the formula smears out."""
    counted = placed_distance(sources, targets)
    assert room.distance(float(sources), float(targets)) == pytest.approx(counted, rel=0.07)


def test_binary_synapses_take_one_for_each_bit() -> None:
    add, fetch = room.synapse_energy(made(core="truenorth", weight_bits=8.0))
    assert add + fetch == pytest.approx(8 * 2.297e-12)
    add, fetch = room.synapse_energy(made(core="loihi2", weight_bits=4.0))
    row = entity("neuromorphic", "loihi2")
    assert fetch == pytest.approx(row.value("synapse") * row.value("share_fetch") / 2)
    assert add == pytest.approx(row.value("synapse") * (1 - row.value("share_fetch")))


@pytest.mark.parametrize("name", ROWS)
def test_a_row_was_run_and_is_priced(name: str) -> None:
    """With its own run's spikes; what waits is idle power of its cores for as long as the step takes."""
    one, run, model = read_substrate(name), measured(name), read_model("smollm2-135m")
    assert run is not None
    assert run.statistics["spikes_per_activation"] > 0.5
    assert 1.0 <= run.ratio < 5.0
    cost = token_cost(one, model, run.statistics)
    plain = token_cost(read_substrate("pcm"), model)
    assert cost.energy["arithmetic"] > 0.0
    assert cost.area > 0.0
    assert cost.mapped_operations == plain.mapped_operations
    power = sum(
        float(room.standing_power(one, n=p.work.operation.n, k=p.work.operation.k)) * p.work.count
        for p in places(one, model)
        if p.on_substrate
    )
    waiting = cost.energy["idle"] - load_chip(cost.chip).idle_power * cost.chips * cost.step_time
    assert 0.95 * power * cost.step_time < waiting < power * cost.step_time


def test_time_to_first_spike_costs_less_than_the_rate_code() -> None:
    """Same perplexity, one spike at most: additions fall by what was counted."""
    rate, once = measured("loihi2-rate-t31"), measured("loihi2-ttfs-t31")
    assert rate is not None
    assert once is not None
    assert once.perplexity == rate.perplexity
    sizes = {"m": 1.0, "n": 1536.0, "k": 576.0}
    many = room.cost(read_substrate("loihi2-rate-t31"), **sizes, statistics=rate.statistics)
    few_spikes = room.cost(read_substrate("loihi2-ttfs-t31"), **sizes, statistics=once.statistics)
    share = once.statistics["spikes_per_activation"] / rate.statistics["spikes_per_activation"]
    assert few_spikes["synapse"] / many["synapse"] == pytest.approx(share)
    assert share < 0.2


def test_what_nobody_ran_has_no_cost() -> None:
    other = read_substrate("loihi2-rate-t15:steps=9")
    with pytest.raises(MissingDataError) as caught:
        compare(substrates=[other])
    assert caught.value.key == "spikes_per_activation"


@pytest.mark.parametrize(
    ("run", "key"),
    [
        (lambda: room.cost(made(), m=1.0, n=0.0, k=4.0, statistics=THREE), "n"),
        (lambda: room.cost(made(), m=-1.0, n=4.0, k=4.0, statistics=THREE), "m"),
        (lambda: room.time(made(), m=1.0, n=4.0, k=np.nan, statistics=THREE), "k"),
        (lambda: room.time(made(), m=1.0, n=4.0, k=4.0, statistics={"spikes_per_activation": -1.0}),
         "spikes_per_activation"),
        (lambda: room.area(made(core="brain"), n=4.0, k=4.0), "core"),
        (lambda: room.area(made(weight_bits=3.5), n=4.0, k=4.0), "weight_bits"),
        (lambda: room.standing_power(Substrate("x", "x", "analog", {}), n=1.0, k=1.0), "technology"),
        (lambda: room.distance(-1.0, 2.0), "sources"),
        (lambda: load_substrate("loihi2-rate-t15:steps=4000"), "loihi2-rate-t15.steps"),
        (lambda: load_substrate("loihi2-rate-t15:coding=phase"), "loihi2-rate-t15.coding"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_named(run: object, key: str) -> None:
    with pytest.raises(InputError) as caught:
        run()  # type: ignore[operator]
    assert caught.value.key == key
    assert caught.value.allowed


def test_many_sizes_at_once() -> None:
    rng = np.random.default_rng(0)
    sizes = {key: rng.uniform(1.0, 1e4, 200_000) for key in ("m", "n", "k")}
    assert np.all(total(made(), **sizes, statistics=THREE) > 0.0)
