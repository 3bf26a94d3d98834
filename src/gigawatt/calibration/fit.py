"""Fits of one's own rows: the same surfaces as those of the catalog, from one device and one source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from gigawatt.calibration.measure import Measured
from gigawatt.calibration.plan import ATTENTION
from gigawatt.calibration.report import operation, row_values
from gigawatt.calibration.user import Number, best_bandwidth
from gigawatt.core.evidence import Grade
from gigawatt.technology.digital.forms import AXES, Family
from gigawatt.technology.digital.gpu import Kernels, fitted_as, kernels
from gigawatt.technology.digital.surfaces import DEFAULT, Surface, surface

if TYPE_CHECKING:
    import pandas as pd

    from gigawatt.calibration.kernel_fits import Device, Fit

__all__ = ["FEWEST", "KernelFits", "fit_kernels", "fitted_first"]

FEWEST = 4
"""Shapes of a kind and number format below which nothing is fitted."""
_FOR_SURFACE = 10  # shapes below which the surface is one level

_ORDER = ("bf16", "fp16", "fp32", "fp8")  # of formats that share a fit, the first measured one is fitted
_FAMILIES: tuple[tuple[str, Family, str], ...] = (
    ("gemm", "gemm", "gemm"),
    (ATTENTION[0], "attention", "attention"),
)


@dataclass(frozen=True)
class KernelFits:
    """Rows of the catalog's ``kernels`` and ``kernels_surfaces`` for a measured chip."""

    numbers: list[dict[str, str]]
    surfaces: list[dict[str, str]]


def _frame(rows: Sequence[Mapping[str, object]], form: str) -> pd.DataFrame:
    import pandas as pd

    op = operation(rows, form)
    groups = op.batch
    if op.kind == "attention":
        groups = row_values(rows, "batch_size") * row_values(rows, "num_key_value_heads")
    return pd.DataFrame(
        {
            "form": form,
            "source": "here",
            "variant": "here",
            **{
                name: np.asarray(getattr(op, name), dtype=float) for name in ("m", "n", "k", "batch", "flops")
            },
            "moved": op.bytes_read + op.bytes_written,
            "extra": 0.0,
            "gate": 0.0,
            "groups": groups,
            "time": row_values(rows, "latency_ms") * 1e-3,
        }
    )


def fit_kernels(
    name: str, source: str, measured: Measured, numbers: Sequence[Number], *, kin: str = ""
) -> KernelFits:
    """Fit multiplications and attention of every number format; rows that judge are not seen.

    Parameters
    ----------
    name, source : str
        Of the chip, and the id of its source row.
    measured : Measured
        Rows, those that judge among them.
    numbers : sequence of Number
        Of the chip's row: processors, peaks, bandwidth.
    kin : str
        Chip of the ``kernels`` table towards whose surfaces a GPU's are held (empty: the median's).

    Returns
    -------
    KernelFits
        A kind with fewer than :data:`FEWEST` shapes has no rows: the catalog's default holds, with a notice.
    """
    from gigawatt.calibration.kernel_fits import Device, catalog_rows, fit_family

    si = {number.quantity: number.si for number in numbers}
    peaks = {q.removeprefix("peak_"): value for q, value in si.items() if q.startswith("peak_")}
    device = Device(
        units=si["units"], peak=peaks, bandwidth=si["memory_bandwidth"], cache=si.get("sram_bytes", 0.0)
    )
    constants = kernels(DEFAULT)
    reached = best_bandwidth(measured)
    memory = min(reached / device.bandwidth, 1.0) if reached else constants.memory
    fits: dict[tuple[Family, str], Fit] = {}
    said: list[str] = []
    for operation_name, family, word in _FAMILIES:
        for form in _ORDER:
            target = fitted_as(form)
            rows = [row for row in measured.of(operation_name, number_format=form) if not row["judges"]]
            if not rows or (family, target) in fits or form not in peaks:
                continue
            if len(rows) < FEWEST:
                measured.notice(
                    f"{word} in {form}: {len(rows)} shapes are too few to fit, the catalog's default holds"
                )
                continue
            frame = _frame(rows, form)
            if len(rows) < _FOR_SURFACE:
                fits[family, target] = _level(frame, family, device, constants, memory)
            else:
                held = _kin(kin, family, target) if measured.device.kind == "GPU" else None
                fits[family, target] = fit_family(frame, family, device, constants, memory=memory, kin=held)
            level = " at one level" if len(rows) < _FOR_SURFACE else ""
            said.append(f"{len(rows)} shapes of {word} in {form}{level}")
    note = "fitted to " + ", ".join(said)
    plain, surfaces = catalog_rows(
        fits, chip=name, memory=memory, grade=Grade.calibrated.label, source=source, locator="", note=note
    )
    backward = _backward(measured, fits, device)
    if backward is not None:
        plain.append(
            {
                "id": name, "quantity": "attention_backward", "value": f"{backward:.4g}", "unit": "",
                "grade": Grade.calibrated.label, "source_id": source, "note": "rate backward over forward",
            }
        )  # fmt: skip
    return KernelFits(plain, surfaces)


def _kin(chip: str, family: Family, form: str) -> Surface | None:
    """The surface of kin, where it stands on the knots that are fitted."""
    from gigawatt.calibration.kernel_fits import KNOTS

    found = surface(chip, family, form)
    same = found is not None and all(
        np.array_equal(a, b) for a, b in zip(found.knots, map(np.asarray, KNOTS[family]), strict=True)
    )
    return found if same else None


def _level(frame: pd.DataFrame, family: Family, device: Device, constants: Kernels, memory: float) -> Fit:
    """Of few shapes: the share of the largest, and one factor on the time of all."""
    from gigawatt.calibration.kernel_fits import KNOTS, Fit, predict, shares

    knots = tuple(np.asarray(k, dtype=float) for k in KNOTS[family])
    share = shares(frame, family, device, constants, memory)
    empty = Surface(AXES[family], knots, np.zeros([len(k) for k in knots]))
    fixed = float(np.min(frame["time"].to_numpy())) / 10.0
    made = Fit(family, str(frame["form"].iloc[0]), share, memory, empty, {"": fixed}, rows=len(frame))
    spent = frame["time"].to_numpy() - fixed
    level = np.median(np.log(spent / (predict(frame, made, device, constants) - fixed)))
    return replace(made, surface=replace(empty, values=empty.values + level))


def fitted_first(formats: Sequence[str]) -> list[str]:
    """Of number formats that share a fit (16 and 32 bits), the one that is fitted."""
    found: dict[str, str] = {}
    for form in _ORDER:
        if form in formats:
            found.setdefault(fitted_as(form), form)
    return [*found.values()]


def _backward(measured: Measured, fits: Mapping[tuple[Family, str], Fit], device: Device) -> float | None:
    """Rate of attention backward over that forward: median over the larger half of the shapes."""
    from gigawatt.calibration.kernel_fits import predict

    for form in _ORDER:
        rows = [row for row in measured.of(ATTENTION[1], number_format=form) if not row["judges"]]
        made = fits.get(("attention", fitted_as(form)))
        if made is not None and len(rows) >= FEWEST // 2:
            frame, fixed = _frame(rows, form), made.fixed[""]
            taken = row_values(rows, "latency_ms") * 1e-3
            large = frame["flops"].to_numpy() >= np.median(frame["flops"].to_numpy())
            as_forward = predict(frame, made, device, kernels(DEFAULT)) - fixed
            ratio = as_forward / np.maximum(taken - fixed, taken / 10.0)
            return float(np.clip(np.median(ratio[large]), 0.05, 2.0))
    return None
