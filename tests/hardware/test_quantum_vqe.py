"""Molecules on qubits. Oracles: PySCF (in the data files), own diagonalisation, differences, conservation."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.core.errors import InputError
from gigawatt.technology.qubits import noise as noisy
from gigawatt.technology.qubits.ansatz import build, excitation, hardware_efficient, pool, uccsd
from gigawatt.technology.qubits.molecules import MOLECULES, Molecule, bond_lengths, load_molecule
from gigawatt.technology.qubits.noise import Noisy, extrapolate, noisy_energy
from gigawatt.technology.qubits.pauli import PauliSum, groups, jordan_wigner, parity
from gigawatt.technology.qubits.statevector import Mixer, Phase, Rotation, basis_state, sample
from gigawatt.technology.qubits.vqe import (
    CHEMICAL_ACCURACY,
    OPTIMISERS,
    adapt,
    minimise,
    sampled_energy,
    shots_needed,
    vqe,
)

few = settings(deadline=None, max_examples=15, derandomize=True)
H2, LIH = load_molecule("h2", 0.735e-10), load_molecule("lih", 1.6e-10)
_ONE = {
    "I": np.eye(2),
    "X": np.array([[0, 1], [1, 0]]),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.diag([1, -1]),
}


def dense(word: str) -> np.ndarray:
    """A Pauli word by Kronecker products, first letter the highest qubit."""
    made = np.eye(1)
    for letter in word:
        made = np.kron(made, _ONE[letter])
    return made


def masks(word: str) -> tuple[int, int]:
    bits = [(letter in "XY", letter in "ZY") for letter in reversed(word)]
    return sum(x << q for q, (x, _) in enumerate(bits)), sum(z << q for q, (_, z) in enumerate(bits))


# Pauli sums

words = st.text(alphabet="IXYZ", min_size=3, max_size=3)


@few
@given(words, words)
def test_products_and_matrices_are_those_of_kronecker_products(one: str, other: str) -> None:
    a, b = PauliSum(3, {masks(one): 0.7}), PauliSum(3, {masks(other): -1.3j})
    np.testing.assert_allclose(a.matrix(), 0.7 * dense(one), atol=1e-15)
    np.testing.assert_allclose((a @ b).matrix(), a.matrix() @ b.matrix(), atol=1e-14)
    np.testing.assert_allclose((a + b).matrix(), a.matrix() + b.matrix(), atol=1e-14)


def test_ladder_operators_anticommute_canonically() -> None:
    n = 4
    for i in range(n):
        for j in range(n):
            up, down = jordan_wigner(n, (i, True)), jordan_wigner(n, (j, False))
            both = ((up @ down) + (down @ up)).simplified()
            assert both.terms == ({(0, 0): 1.0} if i == j else {})
            zero = (
                (down @ jordan_wigner(n, (i, False))) + (jordan_wigner(n, (i, False)) @ down)
            ).simplified()
            assert not zero.terms


def test_groups_share_a_basis_and_hold_every_string_once() -> None:
    found = groups(LIH.hamiltonian)
    strings = [key for part in found for key in part]
    assert len(strings) == len(set(strings)) == len(LIH.hamiltonian.terms) - 1
    for part in found:
        for a in part:
            for b in part:
                both = (a[0] | a[1]) & (b[0] | b[1])
                assert (a[0] ^ b[0]) & both == 0
                assert (a[1] ^ b[1]) & both == 0


# molecules


@pytest.mark.parametrize("name", MOLECULES)
def test_hamiltonians_have_the_energies_of_pyscf(name: str) -> None:
    """Exact and mean-field energies at every carried bond length, to 1e-9 hartree."""
    for bond in bond_lengths(name):
        molecule = load_molecule(name, bond)
        assert molecule.exact()[0] == pytest.approx(molecule.active, abs=1e-9)
        state = basis_state(molecule.qubits, molecule.reference)
        assert molecule.hamiltonian.expectation(state) == pytest.approx(molecule.hartree_fock, abs=1e-9)
        assert molecule.full <= molecule.active + 1e-9 <= molecule.hartree_fock + 2e-9


def test_the_lowest_of_all_states_is_in_the_sector_for_hydrogen() -> None:
    """H2 and H4 bind: no charge or spin lies lower (own diagonalisation of everything)."""
    for name, bond in (("h2", 0.735e-10), ("h4", 0.9e-10)):
        molecule = load_molecule(name, bond)
        everything = np.linalg.eigvalsh(molecule.hamiltonian.matrix())
        assert everything[0] == pytest.approx(molecule.active, abs=1e-9)


def test_two_targets_of_earlier_runs() -> None:
    """PennyLane and PySCF runs before: H2 at 0.70 and LiH (2e, 5o) at 1.6, to 1e-6 hartree."""
    assert vqe(load_molecule("h2", 0.70e-10)).energy == pytest.approx(-1.1361892, abs=1e-6)
    assert vqe(LIH).energy == pytest.approx(-7.8820963, abs=1e-6)
    assert LIH.full == pytest.approx(-7.8823244, abs=1e-6)


# circuits


@pytest.mark.parametrize("molecule", [H2, LIH], ids=["h2", "lih"])
def test_gradients_by_sweep_shifts_and_differences_agree(molecule: Molecule) -> None:
    for circuit in (uccsd(molecule), hardware_efficient(molecule, 1)):
        x = np.random.default_rng(3).normal(0.0, 0.4, circuit.parameters)
        h = molecule.hamiltonian
        value, slopes = circuit.gradient(x, h.apply)
        assert value == pytest.approx(circuit.energy(x, h), abs=1e-12)
        np.testing.assert_allclose(slopes, circuit.shift_gradient(x, h), atol=1e-10)
        step = 1e-5 * np.eye(x.size)[:4]
        differences = [(circuit.energy(x + s, h) - circuit.energy(x - s, h)) / 2e-5 for s in step]
        np.testing.assert_allclose(slopes[:4], differences, atol=1e-8)


@few
@given(st.integers(0, 10_000))
def test_uccsd_keeps_norm_number_and_spin(seed: int) -> None:
    circuit = uccsd(LIH)
    state = circuit.run(np.random.default_rng(seed).normal(0.0, 1.0, circuit.parameters))
    assert np.linalg.norm(state) == pytest.approx(1.0, abs=1e-12)
    outside = np.setdiff1d(np.arange(state.size), LIH.sector())
    assert np.abs(state[outside]).max() == 0.0


def test_a_hardware_efficient_circuit_does_not_keep_the_number() -> None:
    circuit = hardware_efficient(H2, 1)
    state = circuit.run(np.full(circuit.parameters, 0.7))
    assert np.linalg.norm(state) == pytest.approx(1.0, abs=1e-12)
    outside = np.setdiff1d(np.arange(state.size), H2.sector())
    assert np.abs(state[outside]).max() > 0.1


def test_an_excitation_is_the_exponential_of_its_pauli_sum() -> None:
    from scipy.linalg import expm

    for one in pool(H2):
        a = one.pauli.matrix()
        np.testing.assert_allclose(a, -a.conj().T, atol=1e-14)
        state = np.random.default_rng(0).normal(size=16)
        np.testing.assert_allclose(one.apply(state, 0.37), expm(0.37 * a) @ state, atol=1e-12)
        np.testing.assert_allclose(one.generate(state), a @ state, atol=1e-12)


def test_rotations_mixers_and_phases_are_exponentials() -> None:
    from scipy.linalg import expm

    state = np.random.default_rng(0).normal(size=8) + 0j
    made = Rotation(*masks("XYZ")).apply(state, 0.9)
    np.testing.assert_allclose(made, expm(-0.45j * dense("XYZ")) @ state, atol=1e-12)
    total = dense("XII") + dense("IXI") + dense("IIX")
    np.testing.assert_allclose(Mixer(3).apply(state, 0.3), expm(-0.3j * total) @ state, atol=1e-12)
    cost = np.arange(8.0)
    np.testing.assert_allclose(Phase(cost).apply(state, 0.3), np.exp(-0.3j * cost) * state, atol=1e-14)


# minimisation


@pytest.mark.parametrize("optimiser", OPTIMISERS)
def test_every_optimiser_finds_hydrogen(optimiser: str) -> None:
    """Own exact diagonalisation is the oracle; SPSA's directions are drawn, so it gets chemical accuracy."""
    found = vqe(H2, optimiser=optimiser, iterations=120)
    exact = H2.exact()[0]
    assert found.energy >= exact - 1e-10
    assert found.energy - exact < (1e-4 if optimiser == "spsa" else 1e-7)


def test_adapt_falls_monotonically_to_the_exact_energy() -> None:
    found, energies = adapt(LIH)
    assert all(b <= a + 1e-10 for a, b in pairwise(energies))
    assert energies[0] == pytest.approx(LIH.hartree_fock, abs=1e-9)
    assert found.energy == pytest.approx(LIH.active, abs=1e-7)
    assert len(energies) - 1 < len(pool(LIH))


@pytest.mark.parametrize(("name", "bond"), [("h4", 0.9e-10), ("beh2", 1.3e-10)])
def test_uccsd_is_above_exact_and_within_chemical_accuracy_near_the_minimum(name: str, bond: float) -> None:
    molecule = load_molecule(name, bond)
    found = vqe(molecule)
    assert 0.0 <= found.energy - molecule.active < CHEMICAL_ACCURACY


def test_a_hardware_efficient_circuit_reaches_hydrogen() -> None:
    assert vqe(H2, ansatz="hardware-efficient", iterations=300).energy == pytest.approx(H2.active, abs=1e-6)


# shots


def test_predicted_standard_errors_are_those_of_drawn_shots() -> None:
    found = vqe(H2)
    state = found.circuit.run(found.angles)
    read = shots_needed(state, H2.hamiltonian, 0.01)
    rng = np.random.default_rng(5)
    drawn = [
        sampled_energy(state, H2.hamiltonian, round(read.shots), rng, weights=read.deviations)
        for _ in range(400)
    ]
    assert np.mean(drawn) == pytest.approx(found.energy, abs=4 * 0.01 / np.sqrt(400))
    assert np.std(drawn) == pytest.approx(0.01, rel=0.15)


def test_shots_grow_with_the_inverse_square_and_groups_help() -> None:
    found = vqe(LIH)
    state = found.circuit.run(found.angles)
    coarse, fine = (shots_needed(state, LIH.hamiltonian, e) for e in (3.2e-3, 1.6e-3))
    assert fine.shots == pytest.approx(4.0 * coarse.shots, rel=1e-12)
    alone = tuple((key,) for key in LIH.hamiltonian.terms if key != (0, 0))
    assert shots_needed(state, LIH.hamiltonian, 1.6e-3, alone).shots > 5.0 * fine.shots


def test_an_eigenstate_of_a_string_needs_no_shot() -> None:
    h = PauliSum(2, {masks("ZZ"): 0.5, (0, 0): 1.0})
    assert shots_needed(basis_state(2, 1), h).shots == 0.0


def test_spsa_with_shots_comes_near() -> None:
    found = minimise(uccsd(H2), H2.hamiltonian, optimiser="spsa", iterations=150, shots=2000, seed=1)
    assert abs(found.energy - H2.active) < 5e-3


def test_samples_are_counted() -> None:
    assert sample(np.array([0.6, 0.8]), 1000, np.random.default_rng(0)).sum() == 1000
    np.testing.assert_array_equal(parity([0, 1, 2, 3, 7]), [0, 1, 1, 0, 1])


# noise


def single() -> tuple[object, list[float]]:
    found = vqe(H2, ansatz="adapt")
    return found.circuit, list(found.angles)


@pytest.mark.parametrize("compact", [False, True])
def test_compiled_gates_without_noise_are_the_circuit(compact: bool) -> None:
    circuit, angles = single()
    clean = noisy_energy(circuit, angles, H2.hamiltonian, Noisy(0.0, 0.0, 0.0), compact=compact)  # type: ignore[arg-type]
    assert clean == pytest.approx(H2.active, abs=1e-9)


def test_a_hardware_efficient_circuit_compiles_to_itself() -> None:
    circuit = hardware_efficient(H2, 2)
    x = np.random.default_rng(1).normal(0.0, 0.5, circuit.parameters)
    clean = noisy_energy(circuit, list(x), H2.hamiltonian, Noisy(0.0, 0.0, 0.0))
    assert clean == pytest.approx(circuit.energy(x, H2.hamiltonian), abs=1e-10)


def test_trajectories_agree_with_the_density_matrix() -> None:
    circuit, angles = single()
    noise = Noisy(0.02, 0.002, 0.01)
    exact = noisy_energy(circuit, angles, H2.hamiltonian, noise, compact=True)  # type: ignore[arg-type]
    mean, error = noisy.trajectories(circuit, angles, H2.hamiltonian, noise, count=500, compact=True)  # type: ignore[arg-type]
    assert abs(mean - exact) < 4.0 * error


def test_total_depolarising_leaves_the_mean_of_all_states() -> None:
    circuit, angles = single()
    lost = noisy_energy(circuit, angles, H2.hamiltonian, Noisy(15 / 16, 0.75, 0.5))  # type: ignore[arg-type]
    assert lost == pytest.approx(H2.hamiltonian.constant, abs=0.02)


def test_error_grows_with_noise_and_extrapolation_removes_its_first_power() -> None:
    circuit, angles = single()
    curve = noisy.noise_curve(H2, circuit, angles, [1e-4, 1e-3, 1e-2], readout=False, compact=True)  # type: ignore[arg-type]
    assert np.all(np.diff(curve.raw) > 0.0)
    assert np.all(np.abs(curve.mitigated) < curve.raw)
    assert curve.gates == 6
    assert curve.amplification > 1.0
    two = noisy.noise_curve(H2, circuit, angles, [1e-4], folds=(1, 3), readout=False, compact=True)  # type: ignore[arg-type]
    assert two.raw[0] == pytest.approx(curve.raw[0], rel=1e-12)


def test_richardson_is_exact_for_polynomials() -> None:
    assert extrapolate([1, 3, 5], [2.0 + 3 * x - 0.5 * x * x for x in (1, 3, 5)]) == pytest.approx(
        2.0, abs=1e-12
    )


# what is refused


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: PauliSum(17), "simulator"),
        (lambda: load_molecule("h2", 0.731e-10), "no integrals of this bond length"),
        (lambda: load_molecule("h3", 1e-10), "no such molecule"),
        (lambda: vqe(H2, ansatz="uccsdt"), "no such ansatz"),
        (lambda: vqe(H2, optimiser="adam"), "no such optimiser"),
        (lambda: vqe(H2, shots=100), "exact energies"),
        (lambda: uccsd(H2).run([0.0]), "angles do not fit"),
        (lambda: uccsd(H2).run([0.0, np.nan, 0.0]), "angles do not fit"),
        (lambda: excitation(4, (2,), (2,)), "no excitation"),
        (lambda: build(H2, "hardware-efficient", 0), "no layers"),
        (lambda: Noisy(1.0, 0.0, 0.0), "not a probability"),
        (lambda: extrapolate([1, 1], [0.0, 0.0]), "folds"),
        (lambda: shots_needed(basis_state(4, 3), H2.hamiltonian, 0.0), "not an error"),
        (lambda: noisy_energy(uccsd(LIH), [0.0] * 24, LIH.hamiltonian, Noisy(0, 0, 0)), "density matrix"),
    ],
)
def test_bad_input_is_one_line(call: object, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        call()  # type: ignore[operator]
    assert "\n" not in str(caught.value)
