"""Fault-tolerant resources and break-even. Oracles: OpenFermion, Qualtran, qdk and papers (catalog rows)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigawatt.catalog import entity
from gigawatt.core.errors import GigawattError
from gigawatt.technology.mapper import decode_work, reason_of
from gigawatt.technology.quantum import loading as quantum
from gigawatt.technology.quantum.break_even import PROBLEMS, break_even
from gigawatt.technology.qubits.chemistry import determinants, phase_estimation
from gigawatt.technology.qubits.factoring import gidney_ekera, gidney_layout, ladder
from gigawatt.technology.qubits.molecules import load_molecule
from gigawatt.technology.qubits.neighbour import qdk_estimate, sequential_pauli
from gigawatt.technology.qubits.resources import (
    Algorithm,
    Physical,
    algorithms,
    auto_ccz,
    cultivation_ccz,
    estimate,
    load_algorithm,
    logical_error_rate,
    patch_qubits,
    yoked_patch,
)
from gigawatt.technology.substrate import Substrate
from gigawatt.validation.published import checks_of
from gigawatt.workload import read_architecture

few = settings(deadline=None, max_examples=20, derandomize=True)
MACHINE = Physical(1e-3, 1e-6, 1e-5)

#: What the scorecard is known to miss, each explained in docs/quantum.md.
MISSED = {
    "RSA-2048 of 2025: qubits a stored qubit",
    "RSA-2048 of 2025: days, factories alone",
    "FeMoco: physical qubits",
}


def test_the_scorecard_misses_what_it_is_known_to_miss_and_nothing_else() -> None:
    parts = ("quantum.energies", "quantum.estimates", "quantum.speed_ups")
    found = [one for part in parts for one in checks_of("technologies", part)]
    assert len(found) > 30
    assert {one.what for one in found if not one.ok} == MISSED


def test_cytochrome_to_the_qubit() -> None:
    """OpenFermion's own test of Goings et al. 2022: 4,624,440 qubits, 72 to 74 hours, distance 29."""
    found = estimate(load_algorithm("p450"), MACHINE)
    assert found.total == 4_624_440
    assert 72.0 < found.seconds / 3600.0 < 74.0
    assert found.distance == 29
    assert found.failure < 0.1


def test_factoring_of_2019() -> None:
    """Gidney and Ekerå: distance 27, windows 5 and 5, runways of 1,024, 28 factories, 31 % of runs fail."""
    found = gidney_ekera(2048, MACHINE)
    assert (found.distance, found.windows, found.runway, found.factories) == (27, (5, 5), 1024, 28)
    assert found.qubits == pytest.approx(20e6, rel=0.1)
    assert found.failure == pytest.approx(0.31, abs=0.02)
    assert found.toffolis == pytest.approx(0.3 * 2048**3 + 0.0005 * 2048**3 * 11, rel=0.05)


def test_larger_keys_take_more_and_better_gates_less() -> None:
    small, large = gidney_ekera(1024, MACHINE), gidney_ekera(3072, MACHINE)
    assert small.qubits < gidney_ekera(2048, MACHINE).qubits < large.qubits
    better = gidney_ekera(2048, Physical(1e-4, 1e-6, 1e-5))
    assert better.qubits < 0.5 * gidney_ekera(2048, MACHINE).qubits


def test_the_ladder_descends_to_less_than_a_million() -> None:
    rungs = ladder(MACHINE)
    qubits = [one.qubits for one in rungs]
    assert qubits == sorted(qubits, reverse=True)
    layout = gidney_layout(MACHINE)
    assert rungs[-1].qubits == layout["qubits"] == layout["cold"] + layout["hot"] + layout["compute"]
    assert layout["qubits"] < 1e6
    assert layout["days"] < 7.0


def test_the_estimators_closed_form_is_its_program() -> None:
    """qdk 1.33.1: 37,651,098 qubits and 36.8 h, 27 and 15 of distance and factories."""
    row = entity("quantum_algorithms", "rsa-2048-qdk")
    found = sequential_pauli(
        load_algorithm("rsa-2048-qdk"),
        measurements=row.value("measurements"),
        rotations=row.value("rotations"),
        rotation_depth=row.value("rotations"),
    )
    assert (found.qubits, found.distance, found.factories) == (37_651_098, 27, 15)
    assert found.seconds / 3600.0 == pytest.approx(36.818929368, rel=1e-9)


def test_the_estimator_itself_where_it_is_installed() -> None:
    pytest.importorskip("qdk")
    found = qdk_estimate(load_algorithm("p450"))
    assert found[0].qubits == pytest.approx(3_871_773, rel=0.02)  # qdk 1.33.1
    assert found[0].seconds / 3600.0 == pytest.approx(56.875, rel=0.02)


@few
@given(st.floats(1e6, 1e11), st.floats(10, 1e4))
def test_more_work_takes_more(toffolis: float, qubits: float) -> None:
    one, two = (estimate(Algorithm("x", qubits, t), MACHINE) for t in (toffolis, 4.0 * toffolis))
    assert two.seconds > one.seconds
    assert two.total * two.seconds > one.total * one.seconds
    assert max(one.failure, two.failure) <= 0.1
    assert one.total == pytest.approx(sum(one.qubits.values()))


def test_factories_cost_space_and_save_time() -> None:
    four, eight = (estimate(load_algorithm("p450"), MACHINE, factories=n) for n in (4, 8))
    assert eight.total > four.total
    assert eight.seconds < four.seconds


def test_reaction_limits_what_is_one_after_the_other() -> None:
    chained = estimate(Algorithm("x", 100.0, 1e8, depth=1e8), MACHINE, factories=100)
    assert chained.limit == "reaction"
    assert chained.seconds == pytest.approx(1e8 * MACHINE.reaction)


def test_cultivation_is_smaller_than_distillation_and_no_better_than_it_must_be() -> None:
    grown, distilled = cultivation_ccz(25, 1e-3), auto_ccz(15, 27, 1e-3)
    assert grown.qubits == 12 * patch_qubits(25) < 0.2 * distilled.qubits
    assert cultivation_ccz(25, 1e-3, 1e-8).rounds > grown.rounds


def test_yoked_storage_is_denser_than_patches_of_the_same_reliability() -> None:
    each, distance = yoked_patch(1280, 1e-15, 1e-3)
    plain = next(d for d in range(3, 99, 2) if logical_error_rate(d, 1e-3) <= 1e-15)
    assert distance < plain
    assert each < 0.5 * patch_qubits(plain)
    assert yoked_patch(1280, 1e-18, 1e-3)[1] >= distance


def test_phase_estimation_grows_with_the_one_norm() -> None:
    h = load_molecule("lih", 1.6e-10).hamiltonian
    made = phase_estimation("lih", terms=len(h.terms), one_norm=h.one_norm, qubits=h.qubits)
    twice = phase_estimation("lih", terms=len(h.terms), one_norm=2 * h.one_norm, qubits=h.qubits)
    assert twice.toffolis == pytest.approx(2.0 * made.toffolis, rel=0.02)
    assert estimate(made, MACHINE).total > 1e5  # 25 determinants by diagonalisation take a microsecond
    assert determinants(5, 1, 1) == 25.0


# the face of the technology


def test_nothing_of_a_language_model_maps() -> None:
    machine = Substrate("quantum", "quantum", "quantum", {})
    for work in decode_work(read_architecture("llama-3.1-8b")):
        on, reason = reason_of(machine, work.operation)
        assert not on
        assert reason


def test_loading_grows_with_the_weights_whatever_the_circuit() -> None:
    """Toffolis grow with √N (select and swap), joules with N: bits are set one by one."""
    small, large = quantum.loading(1e8), quantum.loading(1e10)
    assert large["toffolis"] == pytest.approx(10.0 * small["toffolis"], rel=1e-9)
    assert large["joules"] == pytest.approx(100.0 * small["joules"], rel=0.02)
    assert large["toffolis"] == pytest.approx(2.0 * np.sqrt(1e10 * 16.0), rel=1e-9)
    made = Substrate("q", "q", "quantum", {"machine": "superconducting"})
    joules = [float(quantum.cost(made, m=m, n=4096, k=4096)["loading"]) for m in (1, 7)]
    assert joules[1] == pytest.approx(7.0 * joules[0], rel=1e-12)
    assert quantum.loading(8e9)["joules"] > 1e8 * 5.0  # an H100 takes some 5 J a token
    fast = Substrate("q", "q", "quantum", {"factories": 10.0})
    assert float(quantum.time(fast, m=1, n=4096, k=4096)) < float(quantum.time(made, m=1, n=4096, k=4096))


def test_break_even_of_polynomial_speed_ups() -> None:
    """Babbush et al. 2021, table I: 2.4 h, 100 days, 320 days, 4.9 h."""
    calls, seconds = quantum.break_even_time(17e-3, 33e-9, parallel=[1.0, 1e3])
    assert calls[0] == pytest.approx(5.2e5, rel=0.02)
    np.testing.assert_allclose(seconds, [2.4 * 3600, 100 * 86400], rtol=0.02)
    assert float(quantum.break_even_time(0.44, 7e-9)[1]) == pytest.approx(320 * 86400, rel=0.01)
    quartic = quantum.break_even_time(0.44, 7e-9, order=4.0, parallel=1e6)[1]
    assert float(quartic) == pytest.approx(4.9 * 3600, rel=0.01)


@few
@given(st.floats(1e-6, 1e3), st.floats(1e-12, 1e-7), st.floats(1.5, 4.0))
def test_slower_calls_and_smaller_orders_break_even_later(tq: float, tc: float, order: float) -> None:
    calls, seconds = quantum.break_even_time(tq, tc, order=order)
    assert float(calls * tq) == pytest.approx(float(calls**order * tc), rel=1e-6)  # both ways take as long
    assert float(quantum.break_even_time(2 * tq, tc, order=order)[1]) > float(seconds)
    assert float(quantum.break_even_time(tq, tc, order=order + 0.5)[1]) < float(seconds)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_bands_hold_their_values(problem: str) -> None:
    found = break_even(problem)
    for side in (found.quantum, found.classical):
        for value, low, high in (side.seconds, side.joules, side.dollars):
            assert 0.0 < low <= value <= high
    assert found.joules[1] <= found.joules[0] <= found.joules[2]
    assert found.verdict
    if problem != "chemistry":
        assert found.joules[1] > 1.0


def test_power_of_a_machine_is_never_below_its_cryostat() -> None:
    small = quantum.run_cost(10.0, 1.0)
    assert small.joules[0] == entity("quantum_machines", "superconducting").value("cryostat")
    large = quantum.run_cost(1e6, 1.0)
    assert large.joules[0] == pytest.approx(6e6)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Physical(0.01, 1e-6, 1e-5), "no distance suffices"),
        (lambda: Physical(0.02, 1e-6, 1e-5), "no distance suffices"),
        (lambda: Physical(0.0, 1e-6, 1e-5), "not an error"),
        (lambda: Physical(1e-3, 0.0, 1e-5), "not a time"),
        (lambda: load_algorithm("rsa"), "no such algorithm"),
        (lambda: Algorithm("x", 0.0, 1.0), "not a count"),
        (lambda: Algorithm("x", 1.0, 0.0), "magic state"),
        (lambda: estimate(load_algorithm("p450"), budget=1.5), "out of range"),
        (lambda: estimate(Algorithm("x", 10.0, 1e30)), "good enough"),
        (lambda: gidney_ekera(2000), "not a size"),
        (lambda: cultivation_ccz(25, 1e-3, 1e-12), "cultivation"),
        (lambda: auto_ccz(27, 15, 1e-3), "two levels"),
        (lambda: determinants(4, 5, 1), "electrons"),
        (lambda: break_even("weather"), "no such problem"),
        (lambda: break_even("llm", weights=0.0), "weights"),
        (lambda: quantum.run_cost(1.0, 1.0, "photonic"), "no such machine"),
        (lambda: quantum.break_even_time(1.0, 1.0, order=1.0), "out of range"),
        (lambda: quantum.cost(Substrate("q", "q", "quantum"), m=-1, n=1, k=1), "not a size"),
    ],
)
def test_bad_input_is_one_line(call: object, words: str) -> None:
    with pytest.raises(GigawattError, match=words) as caught:
        call()  # type: ignore[operator]
    assert "\n" not in str(caught.value)


def test_every_algorithm_of_the_catalog_can_be_estimated() -> None:
    for name in algorithms():
        found = estimate(load_algorithm(name), MACHINE)
        assert found.total > 1e4
        assert found.seconds > 0.0
