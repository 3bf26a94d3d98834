"""The user catalog's rows of a measured machine: what was measured, what was taken over, why.

A chip of the catalog that is the same device by name lends what cannot be measured (power limit, price, die
area) and its datasheet rates; without one the rates are the best that were reached. What is taken over is
graded a guess, with the reason, but for the datasheet figures of the very device.
"""

from __future__ import annotations

import csv
import os
import platform
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from gigawatt.calibration.measure import Device, Measured
from gigawatt.catalog.loader import CURRENCY_YEAR, Entity, entity, table, tables
from gigawatt.core.errors import InputError
from gigawatt.core.evidence import Grade
from gigawatt.core.quantities import factor, to_si

__all__ = [
    "Number",
    "best_bandwidth",
    "best_rate",
    "check_name",
    "chip_numbers",
    "chip_texts",
    "default_name",
    "same_device",
    "source_id",
    "write_user_rows",
]

_LONG = (
    "id", "quantity", "value", "low", "high", "unit", "year", "currency_year", "grade", "source_id",
    "locator", "note",
)  # fmt: skip
_TEXTS = (
    "id", "aliases", "name", "vendor", "kind", "status", "technology", "year", "node", "memory", "kernels",
    "default_node", "default_scale_up", "default_scale_out", "grade", "source_id", "locator", "note",
)  # fmt: skip
_SOURCES = ("id", "title", "publisher", "year", "url", "licence")
_PEAK = "peak_"
_CALIBRATE = "calibrate-"  # what the source of a measured chip starts with
_MAKERS = {"nvidia", "amd", "intel", "instinct", "tesla", "geforce", "graphics", "corporation"}
_SAME_MEMORY = 0.15  # by how much a driver's memory size may differ from the datasheet's


@dataclass(frozen=True, slots=True)
class Number:
    """One number of the user catalog, in ``unit``."""

    quantity: str
    value: float
    unit: str
    grade: Grade
    note: str
    low: float | None = None
    high: float | None = None
    source: str = ""
    locator: str = ""

    @property
    def si(self) -> float:
        """The value in SI base units."""
        return to_si(self.value, self.unit)


def _words(name: str) -> set[str]:
    return {word for word in re.findall(r"[a-z0-9.]+", name.lower()) if word not in _MAKERS}


def same_device(device: Device) -> Entity | None:
    """The catalog's chip that a driver's device name means (``NVIDIA H100 80GB HBM3``), or ``None``.

    All words of one of the chip's names must stand in the device's name. Among several the one whose
    names share most words with it wins, then the memory that is named, then the one nearest in size.
    """
    wanted = _words(device.name)
    found: list[tuple[tuple[float, ...], Entity]] = []
    for chip in table("chips").values():
        names = [chip.id, chip.text("name"), *chip.text("aliases").split("|")]
        sets = [words for words in map(_words, names) if words]
        if _measured_here(chip) or not any(words <= wanted for words in sets):
            continue
        memory = chip.get("memory_bytes") or 0.0
        if device.memory and memory and abs(device.memory / memory - 1.0) > _SAME_MEMORY:
            continue
        if ("pcie" in wanted) != any("pcie" in words for words in sets):
            continue
        shared = len(set().union(*sets) & wanted)
        kind = chip.text("memory").lower() in wanted
        off = abs(device.memory / memory - 1.0) if device.memory and memory else 1.0
        found.append(((float(shared), float(kind), -round(off, 2)), chip))
    return max(found, key=lambda pair: pair[0])[1] if found else None


def _measured_here(chip: Entity) -> bool:
    return chip.text("source_id").startswith(_CALIBRATE)


def default_name(device: Device) -> str:
    """A name for the measured chip: ``MY-`` and the device's own."""
    short = re.sub(r"\((r|tm)\)|\bcpu\b|@.*|\bprocessor\b", " ", device.name, flags=re.IGNORECASE)
    return "MY-" + "-".join(re.findall(r"[A-Za-z0-9.]+", short)).upper()


def check_name(name: str) -> str:
    """The name, if a chip may be called so: a word, and no name of a shipped chip."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", name):
        raise InputError(
            "this is no name for a chip",
            key="--name",
            given=name,
            allowed="letters, digits, '.', '-' and '_', at most 63",
        )
    try:
        known = entity("chips", name)
    except InputError:
        return name
    if known.id != name or not _measured_here(known):
        raise InputError(
            f"the catalog has a chip of this name ({known.id})",
            key="--name",
            given=name,
            allowed=f"MY-{name}",
        )
    return name


def best_rate(measured: Measured, number_format: str) -> float:
    """The best rate of a multiplication in a format [FLOP/s]; 0 where none was measured."""
    rates = (
        2.0 * _number(row, "m") * _number(row, "n") * _number(row, "k") / (_number(row, "latency_ms") * 1e-3)
        for row in measured.of("gemm", number_format=number_format)
    )
    return max(rates, default=0.0)


def best_bandwidth(measured: Measured) -> float:
    """The best rate of a copy within the device's memory, read and written bytes [B/s]."""
    copies = [
        (_number(row, "message_size"), _number(row, "latency_ms") * 1e-3)
        for row in measured.of("memory_copy")
    ]
    least = min(2.0 * min(measured.device.cache, _SMALL), max((size for size, _ in copies), default=0.0))
    return max((2.0 * size / seconds for size, seconds in copies if size >= least), default=0.0)


_SMALL = 16e6  # a copy below this may stay in a cache


def _number(row: Mapping[str, object], column: str) -> float:
    return float(str(row[column]))


def chip_numbers(
    measured: Measured,
    formats: Iterable[str],
    *,
    same: Entity | None,
    like: Entity | None,
    ranks: int = 1,
) -> list[Number]:
    """Every number of the chip's row.

    Parameters
    ----------
    measured : Measured
        Rows of the device.
    formats : iterable of str
        Number formats that were measured.
    same : Entity, optional
        The catalog's chip that is this device by name: lends its datasheet.
    like : Entity, optional
        A chip that lends what cannot be measured.
    ranks : int
        Devices, or processes of a CPU, that were measured together.
    """
    device, found = measured.device, dict[str, Number]()

    def add(number: Number) -> None:
        found.setdefault(number.quantity, number)

    seen = f"as {device.framework} reports"
    if device.power_limit:
        add(Number("power_limit", device.power_limit, "W", Grade.measured, "as nvidia-smi reports"))
    if same is not None:
        for quantity in same.numbers:
            if quantity.startswith(_PEAK) or quantity in (
                "memory_bandwidth",
                "memory_bytes",
                "units",
                "sram_bytes",
            ):
                add(_taken(same, quantity, "datasheet of the device, which its driver names", own_grade=True))
    for form in formats:
        rate = best_rate(measured, form)
        if rate:
            note = "best rate reached, no datasheet known: shares of it are shares of what was reached"
            add(Number(f"{_PEAK}{form}", rate / 1e12, "TFLOP/s", Grade.measured, note))
    bandwidth = best_bandwidth(measured)
    if bandwidth:
        note = "best rate of a copy, read and written bytes; no datasheet known"
        add(Number("memory_bandwidth", bandwidth / 1e9, "GB/s", Grade.measured, note))
    if device.memory:
        add(Number("memory_bytes", device.memory / 1e9, "GB", Grade.measured, seen))
    if device.units:
        what = "threads" if device.kind == "CPU" else "processors"
        add(Number("units", device.units, "", Grade.measured, f"{what}, {seen}"))
    if device.cache:
        add(Number("sram_bytes", device.cache / 1e6, "MB", Grade.measured, f"largest cache, {seen}"))
    add(Number("scale_up_domain", ranks, "", Grade.measured, "measured together in this machine"))
    if like is not None:
        why = "the driver names the same device" if like is same else "named with --like"
        for quantity in like.numbers:
            if not quantity.startswith(_PEAK):
                add(_taken(like, quantity, f"not measured here: that of {like.id}, {why}", own_grade=False))
    elif device.kind == "CPU":
        rules, threads = entity("calibrate_defaults", "cpu"), device.units
        for quantity, unit in (("power_limit", "W"), ("price", "$"), ("die_area", "mm^2")):
            rule = rules.evidence(
                {"power_limit": "power", "die_area": "area"}.get(quantity, quantity) + "_per_thread"
            )
            value, low, high = (
                None if x is None else threads * x / factor(unit) for x in (rule.value, rule.low, rule.high)
            )
            assert value is not None
            note = f"not measured: {rule.quantity.replace('_', ' ')} of usual processors, times threads"
            add(Number(quantity, value, unit, Grade.guess, note, low, high, rule.source_id))
    return [*found.values()]


def _taken(chip: Entity, quantity: str, note: str, *, own_grade: bool) -> Number:
    row = chip.evidence(quantity)
    scale = factor(row.unit)
    return Number(
        quantity,
        row.value / scale,
        row.unit,
        row.grade if own_grade else Grade.guess,
        note,
        None if row.low is None else row.low / scale,
        None if row.high is None else row.high / scale,
        row.source_id,
        f"catalog row {chip.id}" + (f"; {row.locator}" if row.locator else ""),
    )


def chip_texts(name: str, measured: Measured, *, like: Entity | None, link: str = "") -> dict[str, str]:
    """The text columns of the chip's row; node and links are those of ``like``, else usual ones."""
    device = measured.device
    usual = (
        ("desktop-1", "pcie3", "ethernet-10")
        if device.kind == "CPU"
        else ("server-pcie-8", "pcie4", "ethernet-100")
    )
    node, up, out = (
        like.text(f"default_{what}", other) if like is not None else other
        for what, other in zip(("node", "scale_up", "scale_out"), usual, strict=True)
    )
    origin = f"that of {like.id}" if like is not None else "a guess"
    return {
        "id": name,
        "aliases": "",
        "name": f"{device.name} of this machine",
        "vendor": like.text("vendor") if like is not None else device.name.split()[0].split("(")[0],
        "kind": device.kind,
        "status": "measured here",
        "technology": like.text("technology", "gpu") if like is not None else "gpu",
        "year": like.text("year") if like is not None else str(date.today().year),
        "node": like.text("node") if like is not None else "",
        "memory": like.text("memory") if like is not None else "",
        "kernels": name,
        "default_node": node,
        "default_scale_up": link or up,
        "default_scale_out": out,
        "grade": Grade.guess.label,
        "source_id": source_id(name),
        "locator": "",
        "note": f"node and links: {origin}" + (f"; scale-up link {link} measured" if link else ""),
    }


def source_id(name: str) -> str:
    """Id of the source row of a calibration."""
    return f"{_CALIBRATE}{name}"


def _source_row(name: str, device: Device) -> dict[str, str]:
    return {
        "id": source_id(name),
        "title": f"gigawatt calibrate on {platform.node() or 'this machine'}, {date.today().isoformat()}: "
        f"{device.name}, {device.framework} {device.version}",
        "publisher": "measured by the user",
        "year": str(date.today().year),
        "url": "",
        "licence": "the user's own",
    }


def write_user_rows(
    folder: Path,
    name: str,
    device: Device,
    *,
    texts: Mapping[str, str],
    numbers: Sequence[Number],
    kernels: Sequence[Mapping[str, str]] = (),
    surfaces: Sequence[Mapping[str, str]] = (),
    link: Mapping[str, str] | None = None,
    link_numbers: Sequence[Number] = (),
    sustained: Number | None = None,
) -> list[Path]:
    """Replace the rows of ``name`` in the user catalog's tables; every file is written whole or not at all.

    Sources come first and details after the rows that they detail, so that a stop between two files
    leaves a catalog that can be read.
    """
    own, between = source_id(name), f"{name}-link"
    kept = [] if sustained is None or "sustained" not in tables() else [sustained]
    written = [
        _replace(folder / "sources" / "calibrate.csv", "id", own, _SOURCES, [_source_row(name, device)]),
        _replace(folder / "kernels_surfaces.csv", "chip", name, (), surfaces),
        _replace(folder / "kernels.csv", "id", name, _LONG, kernels),
        _replace(folder / "sustained.csv", "id", name, _LONG, _long(name, kept)),
        _replace(
            folder / "links.csv", "id", between, (), [] if link is None else [dict(link) | {"source_id": own}]
        ),
        _replace(folder / "links.details.csv", "id", between, _LONG, _long(name, link_numbers, between)),
        _replace(folder / "chips.csv", "id", name, _TEXTS, [texts]),
        _replace(folder / "chips.details.csv", "id", name, _LONG, _long(name, numbers)),
    ]
    return [file for file in written if file.exists()]


def _long(name: str, numbers: Iterable[Number], id: str = "") -> list[dict[str, str]]:
    """Numbers of ``id`` (the chip) as rows of a long table; a range is widened to the rounded value."""

    def row(number: Number) -> dict[str, str]:
        written = f"{number.value:.6g}"
        low, high = number.low, number.high
        return {
            "id": id or name,
            "quantity": number.quantity,
            "value": written,
            "low": "" if low is None else f"{min(low, float(written)):.9g}",
            "high": "" if high is None else f"{max(high, float(written)):.9g}",
            "unit": number.unit,
            "year": "",
            "currency_year": str(CURRENCY_YEAR) if "$" in number.unit else "",
            "grade": number.grade.label,
            "source_id": number.source or source_id(name),
            "locator": number.locator,
            "note": number.note,
        }

    return [row(number) for number in numbers]


def _replace(
    file: Path, key: str, value: str, columns: Sequence[str], rows: Sequence[Mapping[str, str]]
) -> Path:
    """Put ``rows`` in the place of those whose ``key`` is ``value``; others stand as they are.

    ``columns`` is the header of a new file (empty: that of the rows).
    """
    kept: list[dict[str, str]] = []
    header = list(columns or (rows[0] if rows else ()))
    if file.exists():
        with file.open(newline="", encoding="utf-8") as stream:
            reader = csv.DictReader(stream)
            there = list(reader.fieldnames or [])
            header = [*there, *(column for column in header if column not in there)]
            kept = [row for row in reader if row.get(key) != value]
    elif not rows:
        return file
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with draft.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, header, restval="")
            writer.writeheader()
            writer.writerows([*kept, *rows])
        os.replace(draft, file)
    finally:
        draft.unlink(missing_ok=True)
    return file
