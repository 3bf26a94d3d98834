"""Feeders: their voltages against OpenDSS, their equivalents, what they refuse."""

from __future__ import annotations

import json
import math
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from gigawatt.core.errors import GigawattError, InfeasibleError, InputError
from gigawatt.power.loop import (
    Branch,
    Feeder,
    Load,
    feeder_grid,
    load_feeder,
    solve,
)
from gigawatt.power.loop.opendss import opendss_grid

ORACLE = json.loads((Path(__file__).parents[1] / "oracles" / "feeder_voltages.json").read_text())["voltages"]
TAPS = tuple((f"ieee-13-reg{i}", 1.0 + 0.00625 * steps) for i, steps in ((1, 14), (2, 6), (3, 15)))
LAG = math.tan(math.acos(0.95))
needs_opendss = pytest.mark.skipif(find_spec("dss") is None, reason="the extra feeders is not installed")


@pytest.mark.parametrize("case", sorted(ORACLE))
def test_every_node_has_the_voltage_that_opendss_finds(case: str) -> None:
    id, _, power = case.partition("@")
    taps = TAPS if id == "openg2g-13" else ()
    feeder = load_feeder(id, taps)
    site = {"671": complex(float(power), float(power) * LAG) * 1e6} if power else None
    found = solve(feeder, site)
    ours = dict(zip(found.nodes, found.values, strict=True))
    compared = 0
    for node, published in ORACLE[case].items():
        bus, _, phase = node.rpartition(".")
        name = f"{bus}.{'abc'[int(phase) - 1]}"
        if name in ours:
            compared += 1
            assert ours[name] == pytest.approx(published, abs=4e-4), node
    assert compared == len(ours)


def simple(*, kind: str = "power", power: complex = 0.0) -> Feeder:
    z = (0.3 + 0.6j) * np.eye(3)
    line = Branch("head", "end", "abc", impedance=z.astype(np.complex128))
    return Feeder("two buses", 10e3, "head", 1.0, (line,), (Load("end", "abc", "wye", kind, power, 10e3),))


def test_two_buses_are_the_quadratic_of_the_textbook() -> None:
    """V⁴ + V²(2(RP + XQ) − E²) + |Z|²|S|² = 0, per unit on the line voltage."""
    p, q = 8e6, 3e6
    found = solve(simple(power=complex(p, q))).of("end")
    b = 10e3**2 - 2.0 * (0.3 * p + 0.6 * q)
    volts = math.sqrt((b + math.sqrt(b * b - 4.0 * 0.45 * (p * p + q * q))) / 2.0)
    assert found == pytest.approx(np.full(3, volts / 10e3), rel=1e-8)


def test_what_a_load_draws_follows_its_kind() -> None:
    """Below the rated voltage a constant impedance pulls less than a current, that less than a power."""
    ends = [
        float(solve(simple(kind=k, power=8e6 + 3e6j)).of("end")[0]) for k in ("power", "current", "impedance")
    ]
    assert ends[0] < ends[1] < ends[2] < 1.0


def test_a_delta_of_equal_parts_is_a_wye() -> None:
    wye = solve(simple(power=6e6 + 2e6j)).of("end")
    line = simple().branches
    delta = Feeder(
        "delta", 10e3, "head", 1.0, line, (Load("end", "abc", "delta", "power", 6e6 + 2e6j, 10e3),)
    )
    assert solve(delta).of("end") == pytest.approx(wye, rel=1e-8)


def test_a_tap_raises_what_lies_behind_it() -> None:
    plain, raised = load_feeder("ieee-13"), load_feeder("ieee-13", (("ieee-13-reg1", 1.1),))
    at = plain.nodes.index("671.a")
    assert solve(raised).values[at] > solve(plain).values[at] + 0.03


def test_what_a_feeder_refuses() -> None:
    feeder = load_feeder("ieee-13")
    with pytest.raises(InputError, match="no such feeder; given 'ieee-14'; allowed: ieee-13"):
        load_feeder("ieee-14")
    with pytest.raises(InputError, match="no bus of ieee-13 with three phases; given '611'"):
        solve(feeder, {"611": 1e3})
    with pytest.raises(InfeasibleError, match="cannot carry this load: its voltage collapses"):
        solve(feeder, {"671": 60e6 + 20e6j})
    with pytest.raises(InputError, match="no regulator of ieee-13; given 'reg9'"):
        load_feeder("ieee-13", (("reg9", 1.0),))


@pytest.mark.skipif(find_spec("dss") is not None, reason="OpenDSS is there")
def test_without_opendss_the_extra_is_named() -> None:
    words = r"OpenDSS is not installed; allowed: pip install 'gigawatt\[feeders\]'"
    with pytest.raises(GigawattError, match=words):
        opendss_grid("feeder.dss", "671", most=1e6)


def written(feeder: Feeder) -> str:
    """A feeder of lines, switches and wye loads in OpenDSS's own language."""
    lines = [
        f"new circuit.ours basekv={feeder.voltage / 1e3} pu={feeder.source_voltage} bus1={feeder.source} "
        "angle=0 r1=0 x1=0.000001 r0=0 x0=0.000001"
    ]
    for i, one in enumerate(feeder.branches):
        assert one.impedance is not None
        r, x = (" | ".join(" ".join(f"{v:.9g}" for v in row[: k + 1]) for k, row in enumerate(part))
                for part in (one.impedance.real, one.impedance.imag))  # fmt: skip
        lines.append(
            f"new line.l{i} bus1={one.start} bus2={one.end} phases={len(one.phases)} length=1 units=none "
            f"rmatrix=[{r}] xmatrix=[{x}] cmatrix=[0 | 0 0 | 0 0 0]"
        )
    for i, load in enumerate(feeder.loads):
        lines.append(
            f"new load.d{i} bus1={load.bus} phases=3 conn={load.connection} model=1 kv={load.voltage / 1e3} "
            f"kw={load.power.real / 1e3} kvar={load.power.imag / 1e3} vminpu=0.5"
        )
    return "\n".join([*lines, f"set voltagebases=[{feeder.voltage / 1e3}]", "calcv", "solve"]) + "\n"


@needs_opendss
@pytest.mark.apart
def test_a_circuit_in_a_file_gives_the_same_voltages(tmp_path: Path) -> None:
    feeder = simple(power=2e6 + 1e6j)
    file = tmp_path / "two.dss"
    file.write_text(written(feeder))
    theirs = opendss_grid(file, "end", most=5e6, power_factor=0.95)
    ours = feeder_grid(feeder, "end", most=5e6, power_factor=0.95)
    at = [i for i, node in enumerate(theirs.nodes) if node.startswith("end")]
    assert theirs.volts[:, at] == pytest.approx(ours.volts, abs=2e-5)
    with pytest.raises(InputError, match="no such bus in the circuit; given 'nowhere'"):
        opendss_grid(file, "nowhere", most=1e6)
    (tmp_path / "bad.dss").write_text("new circuit.x basekv=10\nnew line.a phasess=3\n")
    with pytest.raises(InputError, match="OpenDSS refuses this circuit"):
        opendss_grid(tmp_path / "bad.dss", "sourcebus", most=1e6)
