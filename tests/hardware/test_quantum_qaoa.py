"""Small optimisations by QAOA beside exact solvers: oracles are brute force, HiGHS and known limits."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.core.errors import InputError
from gigawatt.technology.qubits.beside import run_piece
from gigawatt.technology.qubits.pieces import (
    best_bits,
    best_pipeline,
    bit_choice,
    layer_costs,
    pipeline_choice,
    pipeline_program,
    sensitivities,
)
from gigawatt.technology.qubits.qaoa import Choice, Hop, qaoa, quadratic_terms, shots_to_see
from gigawatt.workload import model_flops_per_token, read_architecture

few = settings(deadline=None, max_examples=15, derandomize=True)
LLAMA = layer_costs(read_architecture("llama-3.1-8b"))


def brute(costs: np.ndarray, stages: int) -> float:
    """Longest stage over an even share, by looking at all cuts."""
    best = np.inf
    for cuts in combinations(range(1, costs.size), stages - 1):
        parts = np.split(costs, cuts)
        best = min(best, max(part.sum() for part in parts))
    return best / (costs.sum() / stages)


def test_layers_cost_what_the_workload_room_counts() -> None:
    model = read_architecture("llama-3.1-8b")
    assert LLAMA.size == model.layers + 1
    assert LLAMA.sum() == pytest.approx(model_flops_per_token(model, 4096.0), rel=0.06)
    assert LLAMA[-1] > 1.5 * LLAMA[0]  # the head is worth about two layers


@few
@given(st.lists(st.floats(0.5, 3.0), min_size=5, max_size=9), st.integers(2, 4))
def test_dynamic_programming_and_highs_are_as_good_as_looking_at_all(costs: list[float], stages: int) -> None:
    c = np.array(costs)
    expected = brute(c, stages)
    found = best_pipeline(c, stages)
    assert found.value == pytest.approx(expected, rel=1e-9)
    assert pipeline_program(c, stages).value == pytest.approx(expected, rel=1e-6)
    parts = np.split(c, found.answer)
    assert max(part.sum() for part in parts) / (c.sum() / stages) == pytest.approx(found.value, rel=1e-9)


def test_equal_layers_divide_evenly() -> None:
    assert best_pipeline(np.ones(32), 4).value == pytest.approx(1.0, abs=1e-12)
    assert best_pipeline(np.ones(32), 4).answer == (8, 16, 24)


def test_what_the_machine_holds_is_a_lower_bound_for_nobody() -> None:
    choice = pipeline_choice(LLAMA, 4, 5)
    assert choice.qubits == 15
    assert choice.value[choice.chosen] >= choice.best_value
    assert choice.best_value == pytest.approx(best_pipeline(LLAMA, 4).value, rel=1e-12)
    # Σ (load/even − 1)² is least where all loads are even, and 0 only there
    assert choice.cost.min() > 0.0
    even = pipeline_choice(np.ones(8), 4, 3)
    assert even.cost.min() == pytest.approx(0.0, abs=1e-20)


def test_costs_of_bits_are_quadratic_and_the_budget_holds() -> None:
    choice = bit_choice(3.5)
    assert choice.qubits == 16
    assert quadratic_terms(choice) > 0
    assert choice.allowed[choice.chosen]
    exact = best_bits(3.5)
    assert exact.value == pytest.approx(choice.best_value, rel=1e-9)
    assert choice.value[choice.chosen] >= choice.best_value
    _, weights, rises = sensitivities()
    mean = float(weights @ np.array(exact.answer)) / float(weights.sum())
    assert mean <= 3.5 + 1e-9
    assert exact.value == pytest.approx(sum(rises[i, b - 2] for i, b in enumerate(exact.answer)), rel=1e-9)


@few
@given(st.floats(2.2, 4.9), st.floats(0.0, 0.1))
def test_more_bits_never_lose_more(mean: float, more: float) -> None:
    assert best_bits(mean + more).value <= best_bits(mean).value + 1e-9


@pytest.mark.parametrize("stages", [3, 4])
def test_qaoa_improves_with_depth_and_beats_an_even_draw(stages: int) -> None:
    found = qaoa(pipeline_choice(LLAMA, stages, 4), 4)
    means = [one.expectation for one in found]
    assert all(b <= a + 1e-9 for a, b in pairwise(means))
    assert all(one.ratio > one.even_ratio for one in found)
    assert found[-1].optimum > 3.0 * found[-1].even
    assert all(one.allowed == pytest.approx(1.0, abs=1e-9) for one in found)


def toy() -> Choice:
    """Two spins that want to differ, as bits."""
    cost = np.array([[1.0, -1.0], [-1.0, 1.0]])
    return Choice("two spins", cost, np.ones((2, 2), bool), cost, "bits", "1", str)


def test_one_layer_solves_an_edge() -> None:
    """Known: QAOA at p = 1 cuts a single edge with certainty (Farhi et al. 2014)."""
    only = qaoa(toy(), 1)[0]
    assert only.optimum == pytest.approx(1.0, abs=1e-6)
    assert only.ratio == pytest.approx(1.0, abs=1e-6)
    assert quadratic_terms(toy()) == 1


def test_one_layer_cuts_three_quarters_of_a_ring() -> None:
    """Known: the ring of even length has ratio (2p + 1)/(2p + 2), 3/4 at p = 1 (Farhi et al. 2014)."""
    n = 6
    spins = 1.0 - 2.0 * np.array(list(np.ndindex(*(2,) * n)))
    cost = -sum(0.5 * (1.0 - spins[:, i] * spins[:, (i + 1) % n]) for i in range(n)).reshape((2,) * n)
    ring = Choice("ring", cost, np.ones(cost.shape, bool), cost, "bits", "1", str)
    one, two = qaoa(ring, 2)
    assert -one.expectation / n == pytest.approx(3.0 / 4.0, abs=1e-4)
    assert -two.expectation / n == pytest.approx(5.0 / 6.0, abs=1e-4)


def test_the_hop_is_the_exponential_of_a_ring() -> None:
    from scipy.linalg import expm

    ring = np.roll(np.eye(4), 1, 0) + np.roll(np.eye(4), -1, 0)
    state = np.random.default_rng(0).normal(size=8) + 0j
    pair = np.array([[0.0, 1.0], [1.0, 0.0]])
    whole = np.kron(ring, np.eye(2)) + np.kron(np.eye(4), pair)
    np.testing.assert_allclose(Hop((4, 2)).apply(state, 0.4), expm(-0.4j * whole) @ state, atol=1e-12)
    np.testing.assert_allclose(Hop((4, 2)).generate(state), -1j * whole @ state, atol=1e-12)


def test_shots() -> None:
    assert float(shots_to_see(1.0)) == 1.0
    assert float(shots_to_see(0.5)) == pytest.approx(np.log(0.01) / np.log(0.5))
    assert float(shots_to_see(0.0)) == np.inf


def test_a_piece_beside_its_classical_solver() -> None:
    found = run_piece("pipeline", depth=1)
    document = found.to_json()
    quick = min(one["joules"] for one in document["classical"])
    assert all(row["joules"] > 1e3 * quick for row in document["quantum"])
    assert document["best"] == pytest.approx(document["classical"][0]["value"], rel=1e-9)
    row = document["quantum"][0]
    assert row["shots_noisy"] >= row["shots"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: pipeline_choice(LLAMA, 4, 6), "more qubits than the simulator"),
        (lambda: pipeline_choice(LLAMA, 4, 1), "not a window"),
        (lambda: best_pipeline(LLAMA, 1), "stages"),
        (lambda: best_pipeline([1.0, -1.0], 2), "not costs"),
        (lambda: bit_choice(6.0), "not a mean width"),
        (lambda: bit_choice(3.5, 0.0), "not a penalty"),
        (lambda: qaoa(toy(), 0), "out of range"),
        (lambda: run_piece("experts"), "no such piece"),
        (lambda: shots_to_see(1.5), "not a probability"),
        (lambda: layer_costs(read_architecture("llama-3.1-8b"), 0.0), "no sequence"),
    ],
)
def test_bad_input_is_one_line(call: object, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        call()  # type: ignore[operator]
    assert "\n" not in str(caught.value)
