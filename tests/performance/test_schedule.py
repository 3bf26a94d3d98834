"""Exact pipeline schedules against a slow simulator written apart, published tables, closed forms, limits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gigawatt.core.errors import InputError
from gigawatt.performance.layouts import SCHEDULES
from gigawatt.performance.schedules.closed import closed_makespan, fill_time, held_activations, kind_index
from gigawatt.performance.schedules.makespan import exact_makespan, timeline
from gigawatt.performance.schedules.order import KINDS, order_of, slots_of

Array = NDArray[np.float64]
Pass = tuple[str, int, int]  # what, stage of the model, microbatch

CASES = [
    ("gpipe", 3, 1, 5),
    ("gpipe", 2, 3, 4),
    ("gpipe", 4, 2, 2),
    ("1f1b", 1, 1, 4),
    ("1f1b", 4, 1, 2),
    ("1f1b", 4, 1, 9),
    ("1f1b", 5, 1, 7),
    ("1f1b", 2, 4, 6),
    ("1f1b", 4, 2, 8),
    ("1f1b", 3, 3, 9),
    ("1f1b", 4, 3, 4),
    ("zb-h1", 4, 1, 8),
    ("zb-h1", 4, 1, 2),
    ("zb-h1", 5, 1, 13),
    ("zb-h2", 4, 1, 10),
    ("zb-h2", 3, 1, 2),
    ("zb-v", 3, 2, 8),
    ("zb-v", 4, 2, 3),
    ("dualpipe", 2, 1, 6),
    ("dualpipe", 4, 1, 8),
    ("dualpipe", 6, 1, 16),
]


def orders_by_hand(kind: str, p: int, v: int, m: int) -> list[list[Pass]]:
    """Passes of each device in order, as the papers and Megatron-LM describe them, one by one."""
    lines: list[list[Pass]] = []
    for i in range(p):
        line: list[Pass] = []
        if kind in ("1f1b", "gpipe"):
            if kind == "gpipe":
                forwards = [(c * p + i, j) for c in range(v) for j in range(m)]
                backwards = [(c * p + i, j) for c in reversed(range(v)) for j in range(m)]
                warm = m * v
            else:
                groups = [range(g, min(g + p, m)) for g in range(0, m, p)]
                forwards = [(c * p + i, j) for g in groups for c in range(v) for j in g]
                backwards = [(c * p + i, j) for g in groups for c in reversed(range(v)) for j in g]
                warm = (p - i - 1) * 2 + (v - 1) * p if v > 1 else p - i - 1
            for stage, j in forwards[:warm]:
                line.append(("F", stage, j))
            ahead, behind = forwards[warm:], list(backwards)
            for stage, j in ahead:
                line.append(("F", stage, j))
                line.append(("BW", *behind.pop(0)))
            line += [("BW", stage, j) for stage, j in behind]
        else:  # ZB-H1, ZB-H2: forwards until first backward, weight gradients that keep the same number held
            warm, most = (p - i, p) if kind == "zb-h1" else (2 * (p - i) - 1, 2 * p - 1)
            ahead, back, weight = min(warm, m), 0, 0
            line += [("F", i, j) for j in range(ahead)]
            while back < m:
                line.append(("B", i, back))
                back += 1
                if back > most - warm:
                    line.append(("W", i, weight))
                    weight += 1
                if ahead < m:
                    line.append(("F", i, ahead))
                    ahead += 1
            line += [("W", i, j) for j in range(weight, m)]
        lines.append(line)
    return lines


def orders_from_library(kind: str, p: int, m: int) -> list[list[tuple[Pass, ...]]]:
    """Passes of each device; in DualPipe stages of the second direction count on from p."""
    order = order_of(kind, p, 1, m)
    names = {0: ("F",), 1: ("B",), 2: ("W",), 3: ("BW",)}
    lines: list[list[tuple[Pass, ...]]] = []
    for i in range(p):
        line: list[tuple[Pass, ...]] = []
        held: Pass | None = None
        for code, j in zip(order.code[i].tolist(), order.microbatch[i].tolist(), strict=True):
            what, c = divmod(code, 2)
            stage = (2 * p - 1 - i if c else i) if kind == "zb-v" else (p + p - 1 - i if c else i)
            if what == 6:
                continue
            if what == 4:
                held = ("F", stage, j)
            elif what == 5:
                assert held is not None
                line.append((held, ("BW", stage, j)))
            else:
                line.append(((names[what][0], stage, j),))
        lines.append(line)
    return lines


def simulate(
    lines: list[list[tuple[Pass, ...]]], time: dict[tuple[str, int], float], hop: float, ends: set[int]
) -> tuple[list[float], list[float]]:
    """Starts of the first and ends of the last pass by device: devices run whatever is next and ready.

    ``ends`` are the last stages of each pipeline: their backward needs their own forward.
    """
    p = len(lines)
    home = {stage: i for i, line in enumerate(lines) for group in line for _, stage, _ in group}
    done: dict[Pass, float] = {}
    at, clock, first = [0] * p, [0.0] * p, [-1.0] * p
    while any(at[i] < len(lines[i]) for i in range(p)):
        moved = False
        for i in range(p):
            if at[i] == len(lines[i]):
                continue
            arrives = 0.0
            for what, stage, j in lines[i][at[i]]:
                needs: list[Pass] = []
                if what == "F":
                    needs = [] if stage - 1 in ends or stage == 0 else [("F", stage - 1, j)]
                elif what in ("B", "BW"):
                    needs = [("F", stage, j)] if stage in ends else [("B", stage + 1, j), ("F", stage, j)]
                else:
                    needs = [("B", stage, j)]
                for need in needs:
                    away = home[need[1]] != i
                    arrives = max(arrives, done.get(need, np.inf) + (hop if away else 0.0))
            if not np.isfinite(arrives):
                continue
            moved = True
            group = lines[i][at[i]]
            start = max(arrives, clock[i])
            took = sum(time[what, stage] for what, stage, _ in group)
            clock[i] = start + took
            first[i] = start if first[i] < 0.0 else first[i]
            for what, stage, j in group:
                done["B" if what == "BW" else what, stage, j] = clock[i]
            at[i] += 1
        assert moved, "devices wait for each other"
    return first, clock


def by_hand(
    kind: str, p: int, v: int, m: int, times: list[Array], hop: float
) -> tuple[list[float], list[float]]:
    """:func:`simulate` of one layout, ``times`` forward, input and weight gradient ``(p, v)``."""
    if kind in ("zb-v", "dualpipe"):
        lines = orders_from_library(kind, p, m)
    else:
        lines = [[(one,) for one in line] for line in orders_by_hand(kind, p, v, m)]
    time: dict[tuple[str, int], float] = {}
    for i in range(p):
        for c in range(2 if kind == "dualpipe" else v):
            if kind == "dualpipe":
                stage, row, column = (i, i, 0) if c == 0 else (p + i, i, 0)
            else:
                stage, row, column = (2 * p - 1 - i if c else i) if kind == "zb-v" else c * p + i, i, c
            for name, part in zip("FBW", times, strict=True):
                time[name, stage] = float(part[row, column])
            time["BW", stage] = time["B", stage] + time["W", stage]
    ends = {p - 1, 2 * p - 1} if kind == "dualpipe" else {p * v - 1}
    return simulate(lines, time, hop, ends)


def random_times(rng: np.random.Generator, p: int, v: int, layouts: int = 1) -> list[Array]:
    return [rng.uniform(0.2, 2.0, size=(layouts, p, v)) for _ in range(3)]


@pytest.mark.parametrize(("kind", "p", "v", "m"), CASES)
def test_as_the_slow_simulator(kind: str, p: int, v: int, m: int) -> None:
    rng = np.random.default_rng(p * 100 + v * 10 + m)
    times = random_times(rng, p, v, 3)
    hop = np.array([0.0, 0.03, 0.7])
    found = exact_makespan(
        kind=kind,
        forward=times[0],
        input_gradient=times[1],
        weight_gradient=times[2],
        hop=hop,
        microbatches=m,
    )
    for row in range(3):
        first, last = by_hand(kind, p, v, m, [t[row] for t in times], float(hop[row]))
        assert found.makespan[row] == pytest.approx(max(last), rel=1e-12)
        longest = max(b - a for a, b in zip(first, last, strict=True))
        assert found.longest[row] == pytest.approx(longest, rel=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("p", [1, 2, 4, 6])
def test_every_pass_once_and_in_time(kind: str, p: int) -> None:
    if kind == "dualpipe" and p == 1:
        pytest.skip("DualPipe has two devices or more")
    v, m = (2 if kind in ("zb-v", "1f1b") else 1), 4 * p
    rng = np.random.default_rng(p)
    times = [t[0] for t in random_times(rng, p, v)]
    line = timeline(
        kind=kind,
        forward=times[0],
        input_gradient=times[1],
        weight_gradient=times[2],
        microbatches=m,
        hop=0.1,
    )
    seen: dict[tuple[int, int, int], dict[str, tuple[float, float]]] = defaultdict(dict)
    rows = zip(line.device, line.chunk, line.microbatch, line.name, line.start, line.end, strict=True)
    for device, chunk, microbatch, name, start, end in rows:
        key = (int(device), int(chunk), int(microbatch))
        assert str(name) not in seen[key]
        seen[key][str(name)] = (float(start), float(end))
    chunks, each = (2, m // 2) if kind == "dualpipe" else (v, m)
    assert len(seen) == p * chunks * each
    for done in seen.values():
        back = done.get("backward", done.get("input_gradient"))
        assert back is not None
        assert done["forward"][1] <= back[1]
        if "weight_gradient" in done:
            assert done["weight_gradient"][0] >= back[1] - 1e-12
        else:
            assert set(done) == {"forward", "backward"}
    found = exact_makespan(
        kind=kind,
        forward=times[0][None],
        input_gradient=times[1][None],
        weight_gradient=times[2][None],
        microbatches=m,
        hop=0.1,
    )
    assert found.makespan[0] == pytest.approx(line.end.max(), rel=1e-12)
    assert found.longest[0] == pytest.approx(
        max(line.end[line.device == i].max() - line.start[line.device == i].min() for i in range(p)),
        rel=1e-12,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_slots_are_later_than_what_they_wait_for(kind: str) -> None:
    for p in (1, 2, 3, 6, 8):
        for v in (1, 2, 3) if kind in ("1f1b", "gpipe") else (1,):
            for m in (1, 2, p, 2 * p, 4 * p, 4 * p + 3):
                if (kind == "dualpipe" and (p % 2 or m % 2 or m < 2 * p)) or (v > 1 and m % p):
                    continue
                order = order_of(kind, p, v, m)
                (slot,) = slots_of([order])
                assert (np.diff(slot, axis=1) > 0).all()
                waits = order.from_position >= 0
                assert (slot[order.from_device[waits], order.from_position[waits]] < slot[waits]).all()


# Qi et al. 2023 (arXiv:2401.10241), table 2 and section 6; DeepSeek-AI 2024 (arXiv:2412.19437), table 2 with
# F&B = F + B; Narayanan et al. 2021 (arXiv:2104.04473), section 2.2. All passes as long as each other.
PUBLISHED = [
    ("1f1b", 1, lambda p: 3.0 * (p - 1), lambda p: p),
    ("1f1b", 2, lambda p: 3.0 * (p - 1) / 2.0, lambda p: p * (1.0 + (p - 1.0) / (2.0 * p))),
    ("1f1b", 4, lambda p: 3.0 * (p - 1) / 4.0, lambda p: p * (1.0 + (p - 1.0) / (4.0 * p))),
    ("zb-h1", 1, lambda p: 1.0 * (p - 1), lambda p: p),
    ("zb-h2", 1, lambda p: 0.0, lambda p: 2 * p - 1),
    ("zb-v", 2, lambda p: 0.0, lambda p: p),
    ("dualpipe", 1, lambda p: (p / 2 - 1) * (3.0 + 2.0 - 3.0), lambda p: p + 1),
]


@pytest.mark.parametrize(("kind", "v", "bubble", "held"), PUBLISHED)
@pytest.mark.parametrize("p", [2, 4, 8, 16])
def test_published_bubbles_and_memory(
    kind: str, v: int, bubble: Callable[[int], float], held: Callable[[int], float], p: int
) -> None:
    m = 6 * p
    one = np.full((1, p, v), 1.0 / v)
    found = exact_makespan(kind=kind, forward=one, input_gradient=one, weight_gradient=one, microbatches=m)
    assert found.longest[0] - 3.0 * m == pytest.approx(bubble(p), abs=1e-9)
    assert found.held[0].max() == pytest.approx(held(p))


def test_zero_bubble_keeps_the_memory_that_its_paper_says() -> None:
    """(p − i)·M_B + i·M_W and (2(p − i) − 1)·M_B + 2i·M_W (arXiv:2401.10241, section 2.3), i from 0."""
    p, share, i = 8, 32.0 / 34.0, np.arange(8)
    assert order_of("zb-h1", p, 1, 40).held(share) == pytest.approx(p - i + i * share)
    assert order_of("zb-h2", p, 1, 40).held(share) == pytest.approx(2 * (p - i) - 1 + 2 * i * share)


def test_dualpipe_of_the_published_figure() -> None:
    """8 stages, 20 microbatches (arXiv:2412.19437, figure 5): 9 held; devices mirror each other."""
    order = order_of("dualpipe", 8, 1, 20)
    assert (order.held() == 9.0).all()
    line = timeline(
        kind="dualpipe",
        forward=np.ones(8),
        input_gradient=np.ones(8),
        weight_gradient=np.ones(8),
        microbatches=20,
    )
    for i in range(4):
        assert np.allclose(line.start[line.device == i], line.start[line.device == 7 - i])


def test_interleaved_step_by_hand() -> None:
    """Two stages of two chunks, two microbatches, F = 1, B = 2: drawn on paper, 2·2·3 + 3 = 15."""
    line = timeline(
        kind="1f1b",
        forward=np.ones((2, 2)),
        input_gradient=np.ones((2, 2)),
        weight_gradient=np.ones((2, 2)),
        microbatches=2,
    )
    assert line.end.max() == 15.0
    assert line.start[line.device == 0].tolist() == [0, 1, 2, 3, 6, 9, 11, 13]
    assert line.start[line.device == 1].tolist() == [1, 2, 3, 4, 6, 7, 9, 11]


@pytest.mark.parametrize("kind", [k for k in KINDS if k != "gpipe"])
@pytest.mark.parametrize("spread", [0.0, 0.15])
@pytest.mark.parametrize("hop", [0.0, 0.06])
def test_repeating_rounds_are_added_exactly(kind: str, spread: float, hop: float) -> None:
    """The long way and the short way, equal stages and unequal ones, with and without hops."""
    rng = np.random.default_rng(7)
    repeated = 0.0
    for p, v, m in [(4, 1, 203), (4, 1, 200), (8, 1, 160), (3, 1, 120), (4, 2, 160), (4, 3, 120)]:
        if (v > 1 and kind not in ("1f1b", "zb-v")) or (kind == "zb-v" and v != 2):
            continue
        if kind == "dualpipe" and (p % 2 or m % 2):
            continue
        times = [1.0 + spread * rng.uniform(-1.0, 1.0, size=(6, p, v)) for _ in range(3)]
        given = {
            "kind": kind,
            "forward": times[0],
            "input_gradient": times[1],
            "weight_gradient": times[2],
            "hop": hop,
            "microbatches": m,
        }
        short, long = exact_makespan(**given), exact_makespan(whole=True, **given)
        assert not long.periodic.any()
        assert short.makespan == pytest.approx(long.makespan, rel=1e-11)
        assert short.longest == pytest.approx(long.longest, rel=1e-11)
        assert short.busy == pytest.approx(long.busy, rel=1e-12)
        assert (short.held == long.held).all()
        repeated = max(repeated, float(short.periodic.mean()))
    assert repeated > 0.0 or (kind == "zb-v" and spread > 0.0)
    if spread == 0.0:
        assert repeated == 1.0


def test_many_microbatches_cost_hardly_more_than_few() -> None:
    """2,000 microbatches: rounds that repeat are found from as many passes as a few stages' worth."""
    times = np.ones((1, 8, 1))
    times[0, -1] = 1.3
    found = exact_makespan(
        kind="1f1b", forward=times, input_gradient=times, weight_gradient=times, microbatches=2000
    )
    assert found.periodic[0]
    assert found.makespan[0] == pytest.approx(2000 * 3.9 + 7 * 3.0, rel=1e-12)


def test_layouts_of_all_kinds_together_are_what_they_are_alone() -> None:
    rng = np.random.default_rng(3)
    kinds = np.array(["1f1b", "zb-h1", "dualpipe", "gpipe", "zb-v", "1f1b", "zb-h2"])
    p, v = np.array([4, 3, 4, 2, 3, 2, 5]), np.array([2, 1, 1, 1, 2, 3, 1])
    m = np.array([16, 7, 10, 5, 9, 40, 60])
    times = [rng.uniform(0.5, 1.5, size=(7, 5, 3)) for _ in range(3)]
    hop = rng.uniform(0.0, 0.2, size=(7, 5))
    together = exact_makespan(
        kind=kinds,
        forward=times[0],
        input_gradient=times[1],
        weight_gradient=times[2],
        hop=hop,
        microbatches=m,
        pipeline=p,
        interleave=v,
    )
    for row in range(7):
        part = [t[row : row + 1, : p[row], : v[row]] for t in times]
        alone = exact_makespan(
            kind=str(kinds[row]),
            forward=part[0],
            input_gradient=part[1],
            weight_gradient=part[2],
            hop=hop[row : row + 1, : p[row]],
            microbatches=int(m[row]),
        )
        assert alone.makespan[0] == together.makespan[row]
        assert (alone.busy[0] == together.busy[row, : p[row]]).all()
        assert (together.busy[row, p[row] :] == 0.0).all()
        assert (alone.held[0] == together.held[row, : p[row]]).all()
        assert together.take(np.array([row])).longest[0] == alone.longest[0]


layouts = st.tuples(
    st.sampled_from(
        [("gpipe", 1), ("1f1b", 1), ("1f1b", 2), ("zb-h1", 1), ("zb-h2", 1), ("zb-v", 2), ("dualpipe", 1)]
    ),
    st.sampled_from([1, 2, 3, 4, 6]),
    st.integers(2, 5),
    st.integers(0, 2**32 - 1),
)


@settings(max_examples=60, deadline=None)
@given(layouts)
def test_limits_and_monotony(case: tuple[tuple[str, int], int, int, int]) -> None:
    """Never shorter than the busiest device or one microbatch's way; grows with any time; scales."""
    (kind, v), p, groups, seed = case
    if kind == "dualpipe":
        p = 2 * ((p + 1) // 2)
    m = groups * p * (2 if kind == "dualpipe" else 1)
    rng = np.random.default_rng(seed)
    times = random_times(rng, p, v)
    hop = np.array([rng.uniform(0.0, 0.5)])

    def of(parts: list[Array], wait: Array) -> tuple[float, float]:
        found = exact_makespan(
            kind=kind,
            forward=parts[0],
            input_gradient=parts[1],
            weight_gradient=parts[2],
            hop=wait,
            microbatches=m,
        )
        assert found.busy[0] + found.idle[0] == pytest.approx(found.makespan[0])
        assert found.idle[0].min() >= -1e-9
        return float(found.makespan[0]), float(found.longest[0])

    makespan, longest = of(times, hop)
    assert longest <= makespan + 1e-9
    way = float(sum(t.sum() for t in times[:2])) + 2.0 * float(hop[0]) * (
        (p - 1) * v if kind != "1f1b" else p * v - 1
    )
    assert makespan >= way - 1e-9
    slower = [t.copy() for t in times]
    slower[seed % 3][0, seed % p, seed % v] *= 1.5
    assert of(slower, hop)[0] >= makespan - 1e-9
    assert of(times, hop * 2.0)[0] >= makespan - 1e-9
    assert of([3.0 * t for t in times], 3.0 * hop)[0] == pytest.approx(3.0 * makespan, rel=1e-12)


# --- closed forms -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "v"),
    [
        ("gpipe", 1),
        ("gpipe", 2),
        ("1f1b", 1),
        ("1f1b", 3),
        ("zb-h1", 1),
        ("zb-h2", 1),
        ("zb-v", 2),
        ("dualpipe", 1),
    ],
)
@pytest.mark.parametrize("p", [1, 2, 4, 8, 12])
def test_closed_forms_are_exact_for_equal_stages(kind: str, v: int, p: int) -> None:
    """Passes of any length; ZB-V's longest device and hops in split schedules to within 1 %."""
    if kind == "dualpipe" and p == 1:
        pytest.skip("DualPipe has two devices or more")
    rng = np.random.default_rng(p)
    m, number = 3 * p + p % 2 + (p if kind == "dualpipe" else 0), 40
    m = m if v == 1 or kind == "zb-v" else 3 * p
    f = rng.uniform(0.8, 1.2, number)
    i, w = f * rng.uniform(0.8, 1.4, number), f * rng.uniform(0.6, 1.1, number)
    one = np.ones((number, p, v)) / v
    for hop in (0.0, 0.02):
        exact = exact_makespan(
            kind=kind,
            forward=f[:, None, None] * one,
            input_gradient=i[:, None, None] * one,
            weight_gradient=w[:, None, None] * one,
            hop=hop * f,
            microbatches=m,
        )
        given = {
            "kind": kind,
            "pipeline": p,
            "interleave": 1 if kind == "zb-v" else v,
            "microbatches": m,
            "forward": f,
            "input_gradient": i,
            "weight_gradient": w,
            "hop": hop * f,
        }
        split = hop > 0.0 and kind in ("zb-h1", "zb-h2", "zb-v", "dualpipe")
        within = 1e-2 if split else 1e-12
        assert closed_makespan(slowest=f + i + w, **given) == pytest.approx(exact.makespan, rel=within)
        assert m * (f + i + w) + fill_time(**given) == pytest.approx(exact.makespan, rel=within)
        within = 1e-2 if split or kind == "zb-v" else 1e-12
        assert closed_makespan(slowest=f + i + w, apart=True, **given) == pytest.approx(
            exact.longest, rel=within
        )


@pytest.mark.parametrize("kind", ["1f1b", "zb-h1", "zb-h2"])
def test_closed_forms_with_few_microbatches(kind: str) -> None:
    rng = np.random.default_rng(2)
    f, i, w = np.ones(30), rng.uniform(0.8, 1.4, 30), rng.uniform(0.6, 1.1, 30)
    for p in (2, 4, 7):
        one = np.ones((30, p))
        for m in range(1, 2 * p + 2):
            exact = exact_makespan(
                kind=kind,
                forward=f[:, None] * one,
                input_gradient=i[:, None] * one,
                weight_gradient=w[:, None] * one,
                microbatches=m,
            )
            fill = fill_time(
                kind=kind, pipeline=p, microbatches=m, forward=f, input_gradient=i, weight_gradient=w
            )
            assert m * (f + i + w) + fill == pytest.approx(exact.makespan, rel=1e-12)


def test_dualpipe_overlapped() -> None:
    rng = np.random.default_rng(5)
    for p in (2, 4, 8, 16):
        f, i, w = np.ones(20), rng.uniform(0.8, 1.2, 20), rng.uniform(0.7, 1.0, 20)
        both = (f + i + w) * rng.uniform(0.75, 1.0, 20)
        one, m = np.ones((20, p)), 4 * p
        exact = exact_makespan(
            kind="dualpipe",
            forward=f[:, None] * one,
            input_gradient=i[:, None] * one,
            weight_gradient=w[:, None] * one,
            overlapped=both,
            microbatches=m,
        )
        fill = fill_time(
            kind="dualpipe",
            pipeline=p,
            microbatches=m,
            forward=f,
            input_gradient=i,
            weight_gradient=w,
            overlapped=both,
        )
        assert m * both + fill == pytest.approx(exact.makespan, rel=1e-12)
        assert (
            exact.makespan
            <= m * (f + i + w)
            + fill_time(
                kind="dualpipe", pipeline=p, microbatches=m, forward=f, input_gradient=i, weight_gradient=w
            )
            + 1e-9
        ).all()


@pytest.mark.parametrize(
    ("kind", "v", "within"),
    [("1f1b", 1, 0.02), ("1f1b", 2, 0.04), ("zb-h1", 1, 0.04), ("zb-h2", 1, 0.07), ("dualpipe", 1, 0.06)],
)
def test_closed_forms_of_unequal_stages(kind: str, v: int, within: float) -> None:
    """Stages that differ by a few per cent each, and a heavier last one: median and 90 % of closed/exact."""
    rng = np.random.default_rng(11)
    ratios: list[Array] = []
    for p, m in [(4, 32), (8, 32), (8, 128), (16, 64)]:
        stage = 1.0 + 0.05 * rng.standard_normal((40, p, 1)).clip(-2.0, 2.0)
        stage[:, -1] *= rng.uniform(1.0, 1.15, (40, 1))
        parts = [np.repeat(stage * each / v, v, axis=2) for each in (1.0, 1.1, 0.9)]
        exact = exact_makespan(
            kind=kind,
            forward=parts[0],
            input_gradient=parts[1],
            weight_gradient=parts[2],
            hop=0.01,
            microbatches=m,
        )
        total = (parts[0] + parts[1] + parts[2]).sum(axis=2)
        if kind == "dualpipe":
            total = (total + total[:, ::-1]) / 2.0
        f, i, w = (part.sum(axis=2).mean(axis=1) for part in parts)
        closed = closed_makespan(
            kind=kind,
            pipeline=p,
            interleave=v,
            microbatches=m,
            forward=f,
            input_gradient=i,
            weight_gradient=w,
            slowest=total.max(axis=1),
            hop=0.01,
        )
        ratios.append(closed / exact.makespan)
    ratio = np.concatenate(ratios)
    assert abs(np.median(ratio) - 1.0) < within
    assert np.percentile(np.abs(ratio - 1.0), 90) < 2.0 * within


@pytest.mark.parametrize("kind", KINDS)
def test_held_activations_are_those_of_the_order(kind: str) -> None:
    for p in (2, 4, 7, 8):
        for v in (1, 2, 3) if kind == "1f1b" else (1,):
            for m in (2, p, 2 * p, 2 * p + 2, 5 * p):
                if (kind == "dualpipe" and (p % 2 or m < 2 * p or m % 2)) or (v > 1 and m % p):
                    continue
                if kind == "zb-v" and m < 2 * p - 1:
                    continue
                unit = {"zb-v": 2.0, "1f1b": float(v)}.get(kind, 1.0)
                share = 0.9 if kind in ("zb-h1", "zb-h2") else 1.0
                order = order_of(kind, p, v, m).held(share) / unit
                closed = held_activations(
                    kind=kind,
                    stage=np.arange(p),
                    pipeline=p,
                    interleave=v,
                    microbatches=m,
                    weight_share=share,
                )
                assert closed == pytest.approx(order)


def test_a_layout_column_numbers_the_kinds() -> None:
    assert KINDS[: len(SCHEDULES)] == SCHEDULES


def test_kinds_in_one_array() -> None:
    index = kind_index(np.array(KINDS))
    assert index.tolist() == list(range(len(KINDS)))
    fill = fill_time(
        kind=index,
        pipeline=4,
        microbatches=16,
        forward=1.0,
        input_gradient=1.0,
        weight_gradient=1.0,
        apart=True,
    )
    assert fill.tolist() == [9.0, 3.0, 0.0, 2.0, 0.0, 9.0]
    held = held_activations(kind=index, stage=0, pipeline=4, interleave=1, microbatches=16)
    assert held.tolist() == [4.0, 4.0, 7.0, 5.0, 4.0, 16.0]


# --- errors -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "1f1p"}, "schedule: no such pipeline schedule; given '1f1p'; allowed: 1f1b"),
        ({"microbatches": 0}, "microbatches: not a positive whole number; given 0"),
        ({"microbatches": 2.5}, "microbatches: not a whole number; given 2.5"),
        ({"kind": "dualpipe", "microbatches": 6}, "microbatches: DualPipe takes an even number of stages"),
        ({"forward": -np.ones((1, 4))}, "forward: a time is negative or not finite; allowed: 0 s or more"),
        ({"hop": np.nan}, "hop: a time is negative or not finite"),
        ({"hop": np.zeros((3, 9))}, "shapes of the schedule's times do not go together"),
        ({"pipeline": 9}, "more stages or chunks than times are given for; given '9 stages of 1 chunks'"),
        (
            {"kind": "zb-h1", "interleave": 2, "forward": np.ones((1, 4, 2))},
            "interleave: zb-h1 is not interleaved",
        ),
        (
            {"interleave": 2, "forward": np.ones((1, 4, 2)), "microbatches": 6},
            "groups of the stages; given 6; allowed: multiples of 4",
        ),
    ],
)
def test_errors_name_what_is_wrong(change: dict[str, object], message: str) -> None:
    given: dict[str, object] = {
        "kind": "1f1b",
        "forward": np.ones((1, 4)),
        "input_gradient": np.ones((1, 4)),
        "weight_gradient": np.ones((1, 4)),
        "microbatches": 8,
    }
    with pytest.raises(InputError) as raised:
        exact_makespan(**(given | change))  # type: ignore[arg-type]
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_unknown_kind_in_a_closed_form() -> None:
    with pytest.raises(InputError, match="did you mean 'dualpipe'"):
        kind_index("dualpip")
    with pytest.raises(InputError, match="no such pipeline schedule"):
        kind_index(np.array([0, 9]))
