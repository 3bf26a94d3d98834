"""Meshes of Mach-Zehnder interferometers: a unitary as phases, and what errors of the phases make of it.

An interferometer (MZI) is two splitters of 50:50 with a phase shifter θ on one arm between them and a phase
shifter φ on one input. A unitary of N modes takes N(N−1)/2 of them in N layers and N phases at the output
(Clements et al. 2016); a real matrix takes two such meshes with a column of attenuators between (its
singular values). Everything is batched: the first axis of every array is a mesh of its own.

With S(ε) = [[cos(π/4+ε), i sin(π/4+ε)], [i sin(π/4+ε), cos(π/4+ε)]] an MZI is
S(β)·diag(e^{iθ}, 1)·S(α)·diag(e^{iφ}, 1); with exact splitters that is
i·e^{iθ/2}·[[e^{iφ} sin θ/2, cos θ/2], [e^{iφ} cos θ/2, −sin θ/2]]. θ is the phase that a heater makes: an
error of 10 mrad is one of θ and of φ, not of half of θ.

References
----------
Reck et al. 1994, "Experimental realization of any discrete unitary operator", PRL 73, 58. Clements et al.
2016, "Optimal design for universal multiport interferometers", Optica 3, 1460. Shen et al. 2017, "Deep
learning with coherent nanophotonic circuits", Nature Photonics 11, 441.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError

__all__ = [
    "Flaws",
    "Mesh",
    "RealMesh",
    "apply_mesh",
    "decompose",
    "decompose_real",
    "flawed",
    "flawed_matrix",
    "matrix_of",
    "weight_error",
]

Complex = NDArray[Any]
Real = NDArray[Any]

_TURN = 2.0 * np.pi


@dataclass(frozen=True)
class Flaws:
    """What is wrong with a fabricated mesh.

    Attributes
    ----------
    phase_error : float [rad]
        Standard deviation of every phase (θ, φ and those at the output), 0 to π.
    splitter_error : float [rad]
        Standard deviation of the angle of every splitter, 0 to π/4.
    loss : float [dB]
        Of light in an interferometer, ≥ 0.
    dummies : bool
        Modes that pass a layer outside its interferometers lose as much there; without, they lose nothing.
    crosstalk : float
        Share of its phase that a heater leaves on each next shifter of its layer, 0 to 1.
    bits : float
        Of the converters that set the phases, over a full turn; 0: exact.
    half_angle : bool
        ``phase_error`` is of θ/2, the angle of Clements' rotation, so that θ is off by twice as much.
    """

    phase_error: float = 0.0
    splitter_error: float = 0.0
    loss: float = 0.0
    crosstalk: float = 0.0
    bits: float = 0.0
    half_angle: bool = False
    dummies: bool = True

    def __post_init__(self) -> None:
        limits = {
            "phase_error": (np.pi, "rad"),
            "splitter_error": (np.pi / 4.0, "rad"),
            "loss": (100.0, "dB"),
            "crosstalk": (1.0, ""),
            "bits": (24.0, "bits (0 is exact)"),
        }
        for key, (most, unit) in limits.items():
            check_range(key, float(getattr(self, key)), 0.0, most, unit)


@dataclass(frozen=True)
class Mesh:
    """Phases of a batch of meshes.

    Attributes
    ----------
    modes : int
        N.
    theta, phi : array (meshes, N(N−1)/2) [rad]
        In the order in which light meets the interferometers: layer by layer, from the first mode down.
    output : array (meshes, N) [rad]
        Phases behind the last layer.
    alpha, beta : array or float [rad]
        Errors of the first and the second splitter of each.
    through, rim : float
        Amplitude that an interferometer lets through, and a mode beside them, 0 to 1.
    """

    modes: int
    theta: Real
    phi: Real
    output: Real
    alpha: Real | float = 0.0
    beta: Real | float = 0.0
    through: float = 1.0
    rim: float = 1.0


@dataclass(frozen=True)
class RealMesh:
    """A batch of real matrices as two meshes and the attenuators between:
    ``left``·diag(``middle``)·``right``.

    ``middle`` are the singular values over the largest of each matrix, 0 to 1 (a passive attenuator);
    ``scale`` is that largest, which an amplifier or the digital side makes good.
    """

    left: Mesh
    middle: Real
    right: Mesh
    scale: Real = field(repr=False)


@lru_cache(maxsize=32)
def layers(modes: int) -> tuple[tuple[int, int, int], ...]:
    """(first interferometer, past its last, first mode) of each layer: modes 0, 2, … then 1, 3, …"""
    found: list[tuple[int, int, int]] = []
    at = 0
    for layer in range(modes):
        count = (modes - layer % 2) // 2
        found.append((at, at + count, layer % 2))
        at += count
    return tuple(found)


@lru_cache(maxsize=32)
def _order(modes: int) -> tuple[tuple[tuple[int, int, bool], ...], tuple[int, ...]]:
    """Nulled elements as (line, mode, from the right?), and where each gate in light's order is stored."""
    steps: list[tuple[int, int, bool]] = []
    for i in range(modes - 1):
        for j in range(i + 1):
            if i % 2 == 0:
                steps.append((modes - 1 - j, i - j, True))
            else:
                steps.append((j, modes - 2 - i + j, False))
    rights = [mode for _, mode, right in steps if right]
    lefts = [mode for _, mode, right in steps if not right]
    free, seen = [0] * modes, [*rights, *reversed(lefts)]
    places: list[int] = []
    starts = layers(modes)
    for mode in seen:
        layer = max(free[mode], free[mode + 1])
        if layer % 2 != mode % 2:
            layer += 1
        free[mode] = free[mode + 1] = layer + 1
        places.append(starts[layer][0] + (mode - starts[layer][2]) // 2)
    return tuple(steps), tuple(places)


def _batch(matrix: Complex) -> Complex:
    made = np.asarray(matrix)
    if made.ndim == 2:
        made = made[None]
    if made.ndim != 3 or made.shape[1] != made.shape[2] or made.shape[1] < 2:
        raise InputError(
            "not square matrices", key="matrix", given=str(made.shape), allowed="(meshes, N, N), N ≥ 2"
        )
    if not np.all(np.isfinite(made)):
        raise InputError("not finite", key="matrix", allowed="finite entries")
    return made


def _factors(theta: Real, phi: Real) -> tuple[Complex, Complex, Complex, Complex]:
    """Entries of exact interferometers."""
    common, turn = 1j * np.exp(0.5j * theta), np.exp(1j * phi)
    s, c = common * np.sin(0.5 * theta), common * np.cos(0.5 * theta)
    return turn * s, c, turn * c, -s


def decompose(unitary: Complex) -> Mesh:
    """Phases of meshes that make ``unitary``.

    Parameters
    ----------
    unitary : complex array (meshes, N, N) or (N, N)
        N ≥ 2. In double precision the residual of the mesh is some 1e-14.

    Returns
    -------
    Mesh
        θ within 0 to π, φ and the output phases within 0 to 2π.

    Raises
    ------
    InputError
        Not square, not finite, or not unitary within 1e-3.

    References
    ----------
    Clements et al. 2016, Optica 3, 1460.
    """
    u = _batch(unitary)
    kind = np.complex64 if u.dtype.itemsize < 8 or u.dtype == np.dtype(np.complex64) else np.complex128
    u = np.moveaxis(u.astype(kind), 0, -1).copy()  # (N, N, meshes): a step touches rows of memory
    n, count = u.shape[0], u.shape[2]
    gram = np.einsum("kim,kjm->ijm", u.conj(), u)
    if float(np.abs(gram - np.eye(n)[:, :, None]).max()) > 1e-3:
        raise InputError("not unitary", key="unitary", allowed="U†U = 1 within 1e-3")
    steps, places = _order(n)
    real = np.float32 if kind is np.complex64 else np.float64
    theta, phi = np.zeros((len(places), count), real), np.zeros((len(places), count), real)
    lefts: list[tuple[int, Real, Real]] = []
    at = 0
    for line, mode, right in steps:
        if right:
            one, two = u[line, mode], u[line, mode + 1]
            t = 2.0 * np.arctan2(np.abs(two), np.abs(one))
            f = np.angle(one) - np.angle(two) - np.pi
            a, b, c, d = (x.astype(kind).conj() for x in _factors(t, f))
            x, y = u[: line + 1, mode].copy(), u[: line + 1, mode + 1].copy()  # below it both are zero
            u[: line + 1, mode], u[: line + 1, mode + 1] = x * a + y * b, x * c + y * d
            theta[places[at]], phi[places[at]] = t, f
            at += 1
        else:
            one, two = u[mode, line], u[mode + 1, line]
            t = 2.0 * np.arctan2(np.abs(one), np.abs(two))
            f = np.angle(two) - np.angle(one)
            a, b, c, d = (x.astype(kind) for x in _factors(t, f))
            x, y = u[mode, line:].copy(), u[mode + 1, line:].copy()  # before it both are zero
            u[mode, line:], u[mode + 1, line:] = a * x + b * y, c * x + d * y
            lefts.append((mode, t, f))
    diagonal = np.einsum("iim->im", u).copy()
    for mode, t, f in reversed(lefts):
        # M† D = D' M': the entries of M† D are told apart by their sizes and angles
        a, b, c, d = _factors(t, f)
        p, q = diagonal[mode], diagonal[mode + 1]
        made_t, made_f, first, second = _split(a.conj() * p, c.conj() * q, b.conj() * p, d.conj() * q)
        theta[places[at]], phi[places[at]] = made_t, made_f
        diagonal[mode], diagonal[mode + 1] = np.exp(1j * first), np.exp(1j * second)
        at += 1
    return Mesh(n, theta.T.copy(), np.mod(phi.T, _TURN), np.mod(np.angle(diagonal).T, _TURN))


def _split(x11: Complex, x12: Complex, x21: Complex, x22: Complex) -> tuple[Real, Real, Real, Real]:
    """(θ, φ, a, b) with diag(e^{ia}, e^{ib})·MZI(θ, φ) the given unitary of two modes."""
    theta = 2.0 * np.arctan2(np.abs(x11), np.abs(x12))
    quarter, half = 0.5 * np.pi, 0.5 * theta
    bar = np.abs(x11) > np.abs(x12)  # the larger pair has the surer angle
    # large off-diagonal: angles of x12 and x21 fix a and b + φ; large diagonal: those of x11 and x22
    phi = np.where(
        np.minimum(np.abs(x11), np.abs(x12)) > 0.0,
        np.angle(x11) - np.angle(x12),
        np.zeros_like(theta),
    )
    first = np.where(bar, np.angle(x11) - phi, np.angle(x12)) - quarter - half
    second = np.where(bar, np.angle(x22) + np.pi, np.angle(x21) - phi) - quarter - half
    return theta, phi, first, second


def _entries(mesh: Mesh, gates: slice) -> tuple[Complex, Complex, Complex, Complex]:
    """Entries (meshes, gates) of interferometers with their splitters' errors and loss."""
    theta, phi = mesh.theta[:, gates], mesh.phi[:, gates]
    if np.ndim(mesh.alpha) == 0 and np.ndim(mesh.beta) == 0 and mesh.alpha == mesh.beta == 0.0:
        made = _factors(theta, phi)
    else:
        a, b = (
            0.25 * np.pi + (x if np.ndim(x) == 0 else np.asarray(x)[:, gates])
            for x in (mesh.alpha, mesh.beta)
        )
        ca, sa, cb, sb = np.cos(a), np.sin(a), np.cos(b), np.sin(b)
        arm, turn = np.exp(1j * theta), np.exp(1j * phi)
        made = (
            turn * (cb * ca * arm - sb * sa),
            1j * (cb * sa * arm + sb * ca),
            turn * 1j * (sb * ca * arm + cb * sa),
            cb * ca - sb * sa * arm,
        )
    return tuple(mesh.through * x for x in made)  # type: ignore[return-value]


def apply_mesh(mesh: Mesh, fields: Complex) -> Complex:
    """Fields behind a mesh.

    Parameters
    ----------
    mesh : Mesh
        Of ``meshes`` meshes of N modes.
    fields : complex array (meshes, N, columns)
        Amplitudes at the inputs.

    Returns
    -------
    complex array (meshes, N, columns)
        Power is kept where ``through`` is 1.
    """
    kind = np.complex64 if mesh.theta.dtype == np.float32 else np.complex128
    state = np.array(fields, dtype=kind)
    for start, stop, first in layers(mesh.modes):
        a, b, c, d = (x.astype(kind)[:, :, None] for x in _entries(mesh, slice(start, stop)))
        last = first + 2 * (stop - start)
        x, y = state[:, first:last:2].copy(), state[:, first + 1 : last : 2].copy()
        state[:, first:last:2] = a * x + b * y
        state[:, first + 1 : last : 2] = c * x + d * y
        if mesh.rim != 1.0:
            state[:, :first] *= mesh.rim
            state[:, last:] *= mesh.rim
    return state * np.exp(1j * mesh.output).astype(kind)[:, :, None]


def matrix_of(mesh: Mesh) -> Complex:
    """Transfer matrices (meshes, N, N) of meshes."""
    eye = np.broadcast_to(np.eye(mesh.modes), (mesh.theta.shape[0], mesh.modes, mesh.modes))
    return apply_mesh(mesh, eye)


def decompose_real(matrix: Real) -> RealMesh:
    """Two meshes and attenuators that make real matrices: W = U·Σ·Vᵀ.

    Parameters
    ----------
    matrix : array (meshes, N, N) or (N, N)
        Real, finite. A matrix of zeros is one with all attenuators shut.
    """
    w = _batch(matrix)
    if np.iscomplexobj(w):
        raise InputError("not real", key="matrix", allowed="a real matrix; a unitary: decompose()")
    left, values, right = np.linalg.svd(w)
    scale = np.where(values[:, 0] > 0.0, values[:, 0], 1.0)
    return RealMesh(decompose(left), values / scale[:, None], decompose(right), scale)


def flawed(mesh: Mesh, flaws: Flaws, rng: np.random.Generator) -> Mesh:
    """The mesh as fabricated and set: phases rounded, warmed by their neighbours, then off by chance."""
    theta, phi, output = mesh.theta, mesh.phi, mesh.output
    if flaws.bits:
        step = _TURN / 2.0**flaws.bits
        theta, phi, output = _stepped(theta, step), _stepped(phi, step), _stepped(output, step)
    if flaws.crosstalk:
        theta = _warmed(theta, mesh.modes, flaws.crosstalk)
        phi = _warmed(phi, mesh.modes, flaws.crosstalk)
    if flaws.phase_error:

        def drawn(like: Real) -> Real:
            return (flaws.phase_error * rng.standard_normal(like.shape)).astype(like.dtype)

        twice = 2.0 if flaws.half_angle else 1.0
        theta, phi, output = theta + twice * drawn(theta), phi + drawn(phi), output + drawn(output)
    alpha, beta = mesh.alpha, mesh.beta
    if flaws.splitter_error:
        alpha = (flaws.splitter_error * rng.standard_normal(theta.shape)).astype(theta.dtype)
        beta = (flaws.splitter_error * rng.standard_normal(theta.shape)).astype(theta.dtype)
    left = 10.0 ** (-flaws.loss / 20.0)
    through, rim = mesh.through * left, mesh.rim * (left if flaws.dummies else 1.0)
    return replace(
        mesh, theta=theta, phi=phi, output=output, alpha=alpha, beta=beta, through=through, rim=rim
    )


def _stepped(phases: Real, step: float) -> Real:
    return np.asarray(np.round(phases / step) * step, dtype=phases.dtype)


def _warmed(phases: Real, modes: int, share: float) -> Real:
    made = phases.copy()
    for start, stop, _ in layers(modes):
        made[:, start + 1 : stop] += share * phases[:, start : stop - 1]
        made[:, start : stop - 1] += share * phases[:, start + 1 : stop]
    return made


def flawed_matrix(
    made: RealMesh, flaws: Flaws, rng: np.random.Generator, *, exact: Real | None = None
) -> Real:
    """Real matrices (meshes, N, N) that two flawed meshes make.

    Detection is of the in-phase part of the field (homodyne), so that the real part is what is read. The
    attenuators have the loss of an interferometer and no error of their own. With ``exact`` (meshes, N, N),
    what they should make, one gain a matrix (least squares) makes good the mean loss, as a receiver does.
    """
    left, right = flawed(made.left, flaws, rng), flawed(made.right, flaws, rng)
    state = made.middle[:, :, None] * matrix_of(right)
    found = np.real(apply_mesh(left, state)) * made.scale[:, None, None]
    if exact is not None:
        power = np.sum(found * found, (1, 2))
        found = found * (np.sum(found * exact, (1, 2)) / np.where(power > 0.0, power, 1.0))[:, None, None]
    return found


def weight_error(found: Complex, exact: Complex) -> Real:
    """Relative error of each matrix: ‖found − exact‖/‖exact‖, Frobenius, over the last two axes."""
    over = np.sqrt(np.sum(np.abs(np.asarray(exact)) ** 2, (-2, -1)))
    return np.sqrt(np.sum(np.abs(np.asarray(found) - exact) ** 2, (-2, -1))) / over
