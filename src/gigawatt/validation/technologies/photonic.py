"""Light that multiplies beside what others published: a simulator, two processors, meshes, shot noise.

``fitted`` marks every number that had a say in the model, if only by deciding between two structures: that
weights of Lightening-Transformer are read from memory, its rings a modulator, its shared amplifiers and what
its laser's path leaves out; the held cell of PACE; the bits of the processor with four cores and its
electronics; by which angle a mesh is off. What is not marked was computed before it was looked at, or could
not be moved by a choice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

import numpy as np

from gigawatt.catalog import entity, table
from gigawatt.technology.photonic import products as photonic
from gigawatt.technology.photonic.mesh import (
    Flaws,
    apply_mesh,
    decompose,
    decompose_real,
    flawed,
    matrix_of,
    weight_error,
)
from gigawatt.technology.photonic.noise import needed_photons
from gigawatt.technology.registry import load_substrate
from gigawatt.technology.substrate import Substrate

__all__ = [
    "lightening",
    "mesh_error",
    "ours",
    "processor",
    "residual",
    "width_exponent",
]

_WORKLOADS: Mapping[str, tuple[tuple[float, float, float, float, bool], ...]] = {
    "deit": (
        (12, 197, 576, 192, True), (12, 197, 192, 192, True), (12, 197, 768, 192, True), (12, 197, 192, 768,
        True), (36, 197, 197, 64, False), (36, 197, 64, 197, False), (1, 196, 192, 768, True), (1, 1, 1000,
        192, True),
    ),
    "bert": (
        (12, 384, 2304, 768, True), (12, 384, 768, 768, True), (12, 384, 3072, 768, True),
        (12, 384, 768, 3072, True), (144, 384, 384, 64, False), (144, 384, 64, 384, False),
    ),
}  # fmt: skip
"""(times, vectors, outputs, inputs, by weights) of the products of DeiT-T (197 tokens) and BERT-B (384)."""

_WORSE = 0.05  # of perplexity


def _lightening(bits: int) -> Substrate:
    return load_substrate("photonic-crossbar" if bits == 8 else f"photonic-crossbar-{bits}b")


def lightening(workload: str, bits: int, *, memory: bool = True) -> tuple[float, float]:
    """(J, s) of one forward pass of ``deit`` or ``bert`` on Lightening-Transformer with ``bits`` bits.

    Weights come once from memory (left out without ``memory``); scores and values of attention stay on the
    chip.
    """
    made = _lightening(bits)
    joules = seconds = 0.0
    for times, m, n, k, weights in _WORKLOADS[workload]:
        cost = photonic.cost(made, m=m, n=n, k=k)
        joules += times * sum(
            float(x) for name, x in cost.items() if (weights and memory) or name != "weights"
        )
        arrays = photonic.number(made, "tiles") * photonic.number(made, "cores")
        symbols = float(photonic.counts(made, m=m, n=n, k=k).array_symbols) / arrays
        seconds += times * symbols / photonic.number(made, "clock")
    return joules, seconds


def processor(name: str) -> dict[str, float]:
    """Throughput, efficiencies and light of ``pace`` or ``lightmatter``, SI, every cell at work."""
    made = load_substrate(name)
    cells = photonic.number(made, "size") ** 2 * photonic.number(made, "tiles")
    rate = 2.0 * cells * photonic.number(made, "clock")
    parts = photonic.powers(made)
    light = photonic.optical_power(made) * photonic.number(made, "tiles")
    found = {
        "throughput": rate,
        "optical_power": light,
        "efficiency": rate / sum(parts.values()),
        "efficiency_without_lasers": rate / (sum(parts.values()) - parts["laser"]),
    }
    if name == "lightmatter":  # the published figure counts light, not what the laser takes
        rest = entity("photonic", "lightmatter").value("electronics")
        found["budget"] = rate / (sum(parts.values()) - parts["laser"] + light)
        found["efficiency"] = rate / (sum(parts.values()) - parts["laser"] + rest + light)
    return found


def mesh_error(modes: int, *, meshes: int = 40, seed: int = 0) -> float:
    """Relative error of a real matrix on two meshes at 10 mrad of θ/2, φ and the output phases.

    Normal matrices, the mean of ``meshes``; the error is of the complex transfer matrix. It does not depend
    on the matrix: √(5(N−1) + 2) times the error of a phase.
    """
    rng = np.random.default_rng(seed)
    w = rng.standard_normal((meshes, modes, modes))
    made, flaws = decompose_real(w), Flaws(phase_error=0.01, half_angle=True)
    left, right = flawed(made.left, flaws, rng), flawed(made.right, flaws, rng)
    found = apply_mesh(left, made.middle[:, :, None] * matrix_of(right)) * made.scale[:, None, None]
    return float(weight_error(found, w).mean())


def residual(modes: int) -> float:
    """Largest error of four random unitaries on meshes of so many modes."""
    rng = np.random.default_rng(modes)
    u = np.linalg.qr(rng.standard_normal((4, modes, modes)) + 1j * rng.standard_normal((4, modes, modes)))[0]
    return float(np.abs(matrix_of(decompose(u)) - u).max())


def width_exponent(kind: str) -> float:
    """Exponent of the photons a multiply-accumulate against the inner dimension, 64 to 1,024, at 10 % of
    error.

    ``signed``: normal weights and inputs in homodyne detection; ``intensities``: their magnitudes, directly
    detected, so that outputs add up in step.
    """
    rng, widths = np.random.default_rng(3), np.array([64, 128, 256, 512, 1024])
    found: list[float] = []
    for width in widths:
        w, x = rng.standard_normal((256, width)), rng.standard_normal((64, width))
        if kind == "intensities":
            found.append(needed_photons(np.abs(w), np.abs(x), detection="direct"))
        else:
            found.append(needed_photons(w, x))
    return float(np.polyfit(np.log(widths), np.log(found), 1)[0])


def _trained_exponent() -> float:
    """Exponent of the photons for 5 % more perplexity against the width of models that were trained alike.

    From measured rows of ``photonic_shot``; between points the excess is a power of the photons.
    """
    points: dict[float, list[tuple[float, float]]] = {}
    for row in table("photonic_shot").values():
        if row.text("model").startswith("width-"):
            excess = max(row.value("ratio") - 1.0, 1e-6)
            points.setdefault(row.value("width"), []).append((row.value("photons"), excess))
    needed: list[float] = []
    for mine in points.values():
        photons, excess = np.log(np.array(sorted(mine))).T
        needed.append(float(np.interp(-np.log(_WORSE), -excess, photons)))
    return float(np.polyfit(np.log(list(points)), needed, 1)[0])


@lru_cache(maxsize=8)
def ours(case: str) -> dict[str, float]:
    """Ours of a case of ``photonic_published`` by quantity, SI; empty where there is none."""
    return _CASES[case]() if case in _CASES else {}


def _chip() -> dict[str, float]:
    made = _lightening(4)
    power, size = photonic.powers(made), photonic.chip_area(made)
    whole = sum(power.values())
    chip = {
        "power": whole,
        "area": sum(size.values()),
        "area_dac": size["dac"],
        "area_modulator": size["modulator"] + size["ring"],
        "area_adc": size["adc"],
        "share_modulator": (power["modulator"] + power["tuning"]) / whole,
        **{f"share_{name}": power[name] / whole for name in ("laser", "dac", "adc", "tia", "detector")},
    }
    for name in _WORKLOADS:
        for bits in (4, 8):
            chip[f"energy_{name}_{bits}"], chip[f"latency_{name}"] = lightening(name, bits)
    return chip


def _shot() -> dict[str, float]:
    return {
        f"ratio_{row.value('photons'):.0f}": row.value("ratio")
        for row in table("photonic_shot").values()
        if row.text("model") == "smollm2-135m"
    }


_CASES: Mapping[str, Callable[[], dict[str, float]]] = {
    "lt-b": _chip,
    "pace": lambda: processor("pace"),
    "lightmatter": lambda: processor("lightmatter"),
    "mesh": lambda: {f"error_{n}": mesh_error(n) for n in (16, 32, 64)},
    "width": lambda: {
        "exponent_intensities": width_exponent("intensities"), "exponent_trained": _trained_exponent(),
    },
    "shot": _shot,
}  # fmt: skip
