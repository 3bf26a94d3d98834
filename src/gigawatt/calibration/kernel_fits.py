"""Fits of measured kernels: from rows of latencies to shares, fixed times and surfaces of the catalog.

A measured row is

    t = fixed(source) + beside(source)·extra/bandwidth
        + physical(sizes) · exp(S(sizes) + D(source, sizes) + L(source, sizes))

with the physical form of ``hardware/technology``, the surface S that ships, and a coarse deviation D of every
source (framework, kernel and what else differs), pulled towards zero; L, of multiplications, is a sum of
lines over the bytes moved (operands may stay in the chip's own memory from one repetition to the next) and
over the waves of several tile shapes, fitted once S and D are known. The variants of a source (its head
widths) have a fixed time each. S is the kernel that the product predicts: the middle of the sources, free of
what a framework times beside it. The fit is least absolute error of log t, iteratively reweighted; second
differences of S, D and L are held small, and S and D near those fitted to all kin that were
measured, where there are any. A user's own rows have one source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from gigawatt.calibration.kernel_solver import (
    WAVE_TILES,
    Matrix,
    lines_of,
    penalised_lines,
    roughness,
    size,
    solve,
)
from gigawatt.machine.machine import Chip
from gigawatt.technology.digital.forms import AXES, Family, coordinates
from gigawatt.technology.digital.gpu import FITTED_FORMATS, Kernels, physical
from gigawatt.technology.digital.surfaces import Surface, read_values, write_axes, write_values

if TYPE_CHECKING:
    from gigawatt.calibration.kernel_rows import Frame
    from gigawatt.workload.operations import Array

__all__ = [
    "DEVIATION_KNOTS",
    "KNOTS",
    "Device",
    "Fit",
    "beside_of_thin",
    "catalog_rows",
    "deviation_surface",
    "fit_family",
    "fit_sources",
    "layers",
    "median_surface",
    "memory_share",
    "predict",
    "shares",
]

KNOTS: Mapping[Family, tuple[tuple[float, ...], ...]] = {
    "gemm": (
        (1, 16, 64, 128, 256, 512, 1024, 4096, 32768),
        (32, 128, 512, 1024, 2048, 4096, 8192, 16384, 65536),
        (32, 128, 512, 1024, 2048, 4096, 8192, 16384, 65536),
    ),
    "grouped_gemm": ((0.25, 1, 4, 16, 64, 256, 1024, 8192), (1, 4, 16, 64, 256), (256, 1024, 4096, 16384)),
    "attention": (
        (1, 16, 64, 128, 256, 512, 1024, 2048, 4096, 16384),
        (1, 8, 64, 512, 8192),
        (64, 128, 192, 256, 576),
        (1, 2, 8, 32, 128),
    ),
    "decode": (
        (2, 32, 256, 1024, 4096, 16384, 131072),
        (1e3, 1e5, 1e6, 3e6, 1e7, 3e7, 1e8, 3e8, 1e9, 1e10),
        (0.5, 2, 8, 32, 128, 512),
    ),
}
"""Knots of the surface of each family, along its :data:`~gigawatt.technology.digital.forms.AXES`."""

DEVIATION_KNOTS: Mapping[Family, tuple[tuple[float, ...], ...]] = {
    "gemm": ((1, 16, 64, 256, 1024, 32768), (32, 512, 4096, 65536), (32, 512, 4096, 65536)),
    "grouped_gemm": ((1, 16, 256, 8192), (1, 16, 256), (256, 4096, 16384)),
    "attention": ((16, 64, 256, 1024, 4096, 16384), (1, 64, 512, 8192), (64, 128, 192, 256), (1,)),
    "decode": ((2, 1024, 131072), (1e5, 1e7, 1e9), (0.5, 8, 128)),
}
"""Knots of what a source deviates by: some of the surface's, so that their middle moves into it exactly."""

_SMOOTH, _RIDGE = 0.05, 1e-3  # weights of second differences and of size of the surface
_SOURCE_SMOOTH, _SOURCE_FLAT, _SOURCE_RIDGE = 0.3, 0.1, 0.003  # second, first differences, size of deviations
_FLAT = 0.01  # weight of first differences, so that knots without rows stay near their neighbours
_KIN = 0.1  # weight of first differences from the surface of kin
_KIN_FLAT, _KIN_RIDGE = 0.3, 0.03  # first differences from, and size of what differs from, kin's deviations
_THIN, _BULKY, _LOWER = 256, 2**25, 0.25  # most columns, fewest operand elements, quantile (beside_of_thin)
_SIZES = ("m", "n", "k", "batch", "flops", "moved")
_FEWEST = 15  # rows that a source needs to have a deviation


@dataclass(frozen=True)
class Device:
    """What the fit must know of a device: a chip's numbers by fitted format, [1, FLOP/s, B/s, B]."""

    units: float
    peak: Mapping[str, float]
    bandwidth: float
    cache: float

    @classmethod
    def of(cls, chip: Chip) -> Device:
        """The numbers of a chip; ``fp8_block`` has the peak of FP8."""
        peak = {form: chip.peak[form] for form in FITTED_FORMATS if form in chip.peak}
        if "fp8" in peak:
            peak["fp8_block"] = peak["fp8"]
        return cls(chip.units, peak, chip.memory_bandwidth, chip.sram_bytes)

    def beside(self, extra: Array, memory: float) -> Array:
        """Time of bytes beside a kernel [s]: those that the chip's own memory holds pass more quickly."""
        return extra * extra / np.maximum(extra + self.cache, 1.0) / (self.bandwidth * memory)


@dataclass(frozen=True)
class Fit:
    """What was fitted to the rows of one family, format and device.

    ``share`` of the peak, ``memory`` share of the bandwidth, ``surface``, ``fixed`` [s] of every variant (and
    of their middle under ``""``), ``deviation`` surfaces by source and ``lines`` those over
    bytes and waves (values of all in a row), ``beside`` how many times the least time
    the bytes of what a variant times beside its kernel take, ``rows`` that were fitted.
    """

    family: Family
    form: str
    share: float
    memory: float
    surface: Surface
    fixed: Mapping[str, float]
    deviation: Mapping[str, Surface] = field(default_factory=dict)
    beside: Mapping[str, float] = field(default_factory=dict)
    rows: int = 0
    lines: Mapping[str, Array] = field(default_factory=dict)

    @property
    def numbers(self) -> int:
        """How many fitted numbers ship for the product (sources' deviations apart)."""
        return self.surface.values.size + 2


def shares(frame: Frame, family: Family, device: Device, constants: Kernels, memory: float) -> float:
    """Share of the peak that large operations reach: median over the largest tenth, at most 1."""
    large = frame[frame["flops"] >= frame["flops"].quantile(0.9)]
    arithmetic, _ = _parts(large, family, device, constants, 1.0, memory)
    return float(np.clip(np.median(sum(arithmetic) / large["time"].to_numpy()), 0.01, 1.0))


def layers(frame: Frame) -> list[dict[str, Array]]:
    """Sizes of the multiplications that a row holds: one, or the two of an expert layer."""
    one = {c: frame[c].to_numpy(dtype=float) for c in _SIZES}
    gate = frame["gate"].to_numpy(dtype=float)
    if not gate.any():
        return [one]
    up = gate / (gate + 1.0)  # share of the gated up-projection in FLOPs and bytes
    down = {"m": one["m"], "n": one["k"], "k": one["n"] / gate, "batch": one["batch"]}
    return [
        one | {"flops": one["flops"] * up, "moved": one["moved"] * up},
        down | {"flops": one["flops"] * (1.0 - up), "moved": one["moved"] * (1.0 - up)},
    ]


def _parts(
    frame: Frame, family: Family, device: Device, constants: Kernels, share: float, memory: float
) -> tuple[list[Array], list[Array]]:
    found = [
        physical(
            family,
            constants,
            **sizes,
            groups=_groups(frame, family),
            units=device.units,
            rate=device.peak[str(frame["form"].iloc[0])] * share,
            bandwidth=device.bandwidth * memory,
        )
        for sizes in layers(frame)
    ]
    return [a for a, _ in found], [b for _, b in found]


def _physical(
    frame: Frame, family: Family, device: Device, constants: Kernels, share: float, memory: float
) -> list[Array]:
    """Physical time of each multiplication of the rows [s]."""
    arithmetic, moving = _parts(frame, family, device, constants, share, memory)
    return [np.maximum(a, b) for a, b in zip(arithmetic, moving, strict=True)]


def _groups(frame: Frame, family: Family) -> Array | None:
    return frame["groups"].to_numpy(dtype=float) if family == "attention" else None


def _coordinates(frame: Frame, family: Family, constants: Kernels) -> list[tuple[Array, ...]]:
    groups, tile = _groups(frame, family), constants.attention_tile
    found = [coordinates(family, **sizes, tile=tile, groups=groups) for sizes in layers(frame)]
    return [tuple(np.asarray(x) for x in at) for at in found]


def _empty(family: Family, knots: Sequence[Sequence[float]]) -> Surface:
    axes = tuple(np.asarray(k, dtype=float) for k in knots)
    return Surface(AXES[family], axes, np.zeros([len(k) for k in axes]))


def fit_family(
    frame: Frame,
    family: Family,
    device: Device | Mapping[str, Device],
    constants: Kernels,
    *,
    memory: float,
    share: float | None = None,
    kin: Surface | None = None,
    kin_deviation: Mapping[str, Surface] | None = None,
    beside: Mapping[str, float] | None = None,
) -> Fit:
    """Fit the surface of one family and format, and what each source deviates by.

    Parameters
    ----------
    frame : DataFrame
        Columns as :func:`~gigawatt.calibration.kernel_rows.read_kernels` gives them, of one ``form``; with
        several devices also ``device``.
    family : str
        Of kernels.
    device : Device, or by name
        Whose rows these are; several give the joint surface of kin.
    constants : Kernels
        Constants of the physical forms (the catalog's).
    memory : float
        Share of the bandwidth that large transfers reach.
    share : float, optional
        Of the peak; found from the rows if left out.
    kin : Surface, optional
        Towards which the surface is held.
    kin_deviation : mapping, optional
        Towards which deviations are held, by source.
    beside : mapping, optional
        Where :func:`beside_of_thin` found it: how many times the least time what a variant times beside its
        kernel takes; held there. Otherwise near 1.
    """
    single = isinstance(device, Device)
    devices: Mapping[str, Device] = {"": device} if single else device  # type: ignore[dict-item,assignment]
    names = np.array([""] * len(frame)) if single else frame["device"].to_numpy()
    found: dict[str, float] = {}
    base: list[Array] = [np.zeros(len(frame)) for _ in layers(frame.iloc[:1])]
    extra = np.zeros(len(frame))
    for name, one in devices.items():
        mine = names == name
        part = frame[mine]
        found[name] = shares(part, family, one, constants, memory) if share is None else share
        times = _physical(part, family, one, constants, found[name], memory)
        for whole, values in zip(base, times, strict=True):
            whole[mine] = values
        extra[mine] = one.beside(part["extra"].to_numpy(), memory)
    empty = _empty(family, KNOTS[family])
    start = empty if kin is None else kin
    at = _coordinates(frame, family, constants)
    base = [b * start.at(*a) for b, a in zip(base, at, strict=True)]
    source, variant = frame["source"].to_numpy(), frame["variant"].to_numpy()
    sources = sorted(set(source))
    deviating = [s for s in sources if (source == s).sum() >= _FEWEST] if len(sources) > 1 else []
    pull = _SMOOTH * roughness(empty, 2) + _FLAT * roughness(empty, 1) + _RIDGE * size(empty)
    if kin is not None:
        pull = pull + _KIN * roughness(empty, 1)
    coarse = _empty(family, DEVIATION_KNOTS[family])
    known = {s: d for s, d in (kin_deviation or {}).items() if s in deviating}
    for name, d in known.items():
        mine = source == name
        for whole, a in zip(base, at, strict=True):
            whole[mine] *= d.at(*(x[mine] for x in a))
    members = [(empty, pull, np.ones(len(frame)), at)]
    members += [(coarse, _aside(coarse, s in known), (source == s).astype(float), at) for s in deviating]
    values, fixed, more = solve(frame["time"].to_numpy(), base, extra, members, variant, beside)
    aside = [
        replace(coarse, values=v + (known[s].values if s in known else 0.0))
        for s, v in zip(deviating, values[1:], strict=True)
    ]
    middle = np.median([d.values for d in aside], axis=0) if aside else np.zeros(())
    surface = start.values + values[0]
    if aside:
        surface = surface + np.log(
            replace(coarse, values=middle).at(*np.meshgrid(*empty.knots, indexing="ij"))
        )
    return Fit(
        family=family,
        form=str(frame["form"].iloc[0]),
        share=float(np.median(list(found.values()))),
        memory=memory,
        surface=replace(empty, values=surface),
        fixed=fixed | {"": float(np.median([fixed[v] for v in variant]))},
        deviation={s: replace(d, values=d.values - middle) for s, d in zip(deviating, aside, strict=True)},
        beside=more | {"": float(np.median([more[v] for v in variant]))},
        rows=len(frame),
    )


def beside_of_thin(frame: Frame, wide: Fit, device: Device, constants: Kernels) -> dict[str, float]:
    """What casts to a narrow format take, in least times of their bytes, by variant of a source.

    Multiplications of large activations by few columns are mostly cast. The kernel itself is taken to be as
    efficient as that of the 16-bit format (``wide``) in its own bytes and FLOPs; of what is left the lower
    quartile counts, since part of it is the narrow kernel's own.
    """
    thin = frame[(frame["n"] <= _THIN) & (frame["m"] * frame["k"] >= _BULKY) & (frame["extra"] > 0.0)]
    if not len(thin):
        return {}
    at = _coordinates(thin, wide.family, constants)
    core = sum(
        p * wide.surface.at(*a)
        for p, a in zip(
            _physical(thin, wide.family, device, constants, wide.share, wide.memory), at, strict=True
        )
    )
    ratio = (thin["time"].to_numpy() - core) / device.beside(thin["extra"].to_numpy(), wide.memory)
    found: dict[str, float] = {}
    for name, part in thin.assign(ratio=ratio).groupby("variant"):
        if len(part) >= _FEWEST:
            found[str(name)] = float(np.clip(part["ratio"].quantile(_LOWER), 1.0, None))
    return found


def fit_sources(frame: Frame, fit: Fit, device: Device, constants: Kernels) -> Fit:
    """A fit with the lines of its sources, and the deviations of further ones, added; the surface is held."""
    fixed, beside, deviation, lines = map(dict, (fit.fixed, fit.beside, fit.deviation, fit.lines))
    coarse, family = _empty(fit.family, DEVIATION_KNOTS[fit.family]), fit.family
    for name, rows in frame.groupby("source"):
        if len(rows) < _FEWEST:
            continue
        at, known = _coordinates(rows, family, constants), fit.deviation.get(str(name))
        start = coarse if known is None else known
        base = _physical(rows, family, device, constants, fit.share, fit.memory)
        base = [b * fit.surface.at(*a) * start.at(*a) for b, a in zip(base, at, strict=True)]
        extra = device.beside(rows["extra"].to_numpy(), fit.memory)
        members = [(coarse, _aside(coarse, known is not None), np.ones(len(rows)), at)]
        along = _line_coordinates(rows, family, device.units)
        for line, x in zip(penalised_lines(family), along, strict=True):
            members.append((*line, np.ones(len(rows)), x))
        variant = rows["variant"].to_numpy()
        held = {v: fit.beside[v] for v in set(variant) if v in fit.beside}
        values, own, more = solve(rows["time"].to_numpy(), base, extra, members, variant, held)
        fixed |= own
        beside |= more
        deviation[str(name)] = replace(coarse, values=start.values + values[0])
        if along:
            lines[str(name)] = np.concatenate(values[1:])
    return replace(fit, fixed=fixed, beside=beside, deviation=deviation, lines=lines)


def _aside(coarse: Surface, known: bool = False) -> Matrix:
    flat, ridge = (_KIN_FLAT, _KIN_RIDGE) if known else (_SOURCE_FLAT, _SOURCE_RIDGE)
    return _SOURCE_SMOOTH * roughness(coarse, 2) + flat * roughness(coarse, 1) + ridge * size(coarse)


def _line_coordinates(frame: Frame, family: Family, units: float) -> list[list[tuple[Array, ...]]]:
    """Where each multiplication stands on each line."""
    parts = layers(frame)
    found: list[list[tuple[Array, ...]]] = [[(sizes["moved"],) for sizes in parts]]
    for tm, tn in WAVE_TILES:
        found.append([(np.ceil(s["m"] / tm) * np.ceil(s["n"] / tn) / units,) for s in parts])
    return found[: len(lines_of(family))]


def predict(frame: Frame, fit: Fit, device: Device, constants: Kernels, *, as_measured: bool = True) -> Array:
    """Time of measured rows [s].

    ``as_measured`` takes the fixed time and deviation of each row's source; else every row is the product's
    kernel, with the middle fixed time.
    """
    at = _coordinates(frame, fit.family, constants)
    parts = _physical(frame, fit.family, device, constants, fit.share, fit.memory)
    parts = [p * fit.surface.at(*a) for p, a in zip(parts, at, strict=True)]
    fixed, beside = np.full(len(frame), fit.fixed[""]), np.full(len(frame), fit.beside.get("", 1.0))
    if as_measured:
        variant = frame["variant"].to_numpy()
        for name in set(variant):
            mine = variant == name
            fixed[mine] = fit.fixed.get(name, fit.fixed[""])
            beside[mine] = fit.beside.get(name, fit.beside.get("", 1.0))
        source = frame["source"].to_numpy()
        for name in set(source):
            mine = source == name
            if name in fit.deviation:
                for part, a in zip(parts, at, strict=True):
                    part[mine] *= fit.deviation[name].at(*(x[mine] for x in a))
            if name in fit.lines:
                rows = frame[mine]
                along = _line_coordinates(rows, fit.family, device.units)
                start = 0
                for empty, at_line in zip(lines_of(fit.family), along, strict=True):
                    line = replace(empty, values=fit.lines[name][start : start + empty.values.size])
                    start += empty.values.size
                    for part, (x,) in zip(parts, at_line, strict=True):
                        part[mine] *= line.at(x)
    return fixed + beside * device.beside(frame["extra"].to_numpy(), fit.memory) + sum(parts)


def deviation_surface(family: Family, values: str) -> Surface:
    """The deviation of a source from its values as they are written."""
    empty = _empty(family, DEVIATION_KNOTS[family])
    return replace(empty, values=read_values(values).reshape(empty.values.shape))


def median_surface(fits: Sequence[Surface]) -> Surface:
    """The middle of several surfaces on the same knots, knot by knot."""
    return replace(fits[0], values=np.median([s.values for s in fits], axis=0))


def memory_share(frame: Frame, device: Device, large: float) -> float | None:
    """Share of the bandwidth that multiplications of few rows reach: median of those of ``large`` bytes.

    ``None`` where fewer than 20 rows are so large.
    """
    few = frame[(frame["m"] <= _FEW_ROWS) & (frame["moved"] > large)]
    if len(few) < _ENOUGH:
        return None
    return float(min(np.median(few["moved"] / few["time"]) / device.bandwidth, 1.0))


def catalog_rows(
    fits: Mapping[tuple[Family, str], Fit],
    *,
    chip: str,
    memory: float,
    grade: str,
    source: str,
    locator: str,
    note: str,
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Rows of the tables ``kernels`` and ``kernels_surfaces`` that carry the fits of one chip.

    Parameters
    ----------
    fits : mapping of (family, format) to Fit
        What was fitted to the chip's rows.
    chip : str
        Id of the rows, which a chip's ``kernels`` cell names.
    memory : float
        Share of the bandwidth.
    grade, source, locator, note : str
        As every row of the catalog has them.
    """
    common = {"grade": grade, "source_id": source, "locator": locator, "note": note}
    shares_of, launches = [], []
    for (family, form), fit in fits.items():
        if family in _SHARE_NAMES and form in FITTED_FORMATS:
            shares_of.append((f"{_SHARE_NAMES[family]}_share_{form}", f"{fit.share:.4g}", ""))
        if form == "bf16":
            launches.append((_LAUNCH_NAMES[family], f"{fit.fixed[''] * 1e6:.4g}", "us"))
    numbers = [*shares_of, *launches, ("memory_share", f"{memory:.4g}", "")]
    plain = [
        {"id": chip, "quantity": quantity, "value": value, "unit": unit} | common
        for quantity, value, unit in numbers
    ]
    surfaces = [
        {
            "id": f"{chip}/{family}/{form}",
            "chip": chip,
            "operation": family,
            "format": form,
            "axes": write_axes(dict(zip(fit.surface.names, fit.surface.knots, strict=True))),
            "values": write_values(fit.surface.values),
            "share []": f"{fit.share:.4g}",
            "fixed [us]": f"{fit.fixed[''] * 1e6:.4g}",
            "beside []": f"{fit.beside.get('', 1.0):.3g}",
            "rows []": str(fit.rows),
        }
        | common
        for (family, form), fit in fits.items()
    ]
    return plain, surfaces


_FEW_ROWS, _ENOUGH = 16, 20
_SHARE_NAMES: Mapping[str, str] = {"gemm": "gemm", "grouped_gemm": "grouped", "attention": "attention"}
_LAUNCH_NAMES: Mapping[str, str] = {
    "gemm": "launch",
    "grouped_gemm": "grouped_launch",
    "attention": "attention_launch",
    "decode": "decode_launch",
}
