"""A published system as the scenario that a user would write, and the quantity of it that a figure is."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from gigawatt.core.errors import GigawattError
from gigawatt.facility import load_site
from gigawatt.machine import Chip, load_chip
from gigawatt.performance.software import framework_named_in
from gigawatt.schema.fields import fields
from gigawatt.validation.chain.boundary import carbon_factor, counted, is_derived
from gigawatt.validation.chain.rows import CaseRow, refuse_unscored
from gigawatt.validation.files import Refusal
from gigawatt.workload import read_architecture

__all__ = ["Asked", "asked"]

Read = Callable[[Callable[[str], Any]], float]
"""Takes a function from the name of a quantity to its SI value, gives the figure in the row's unit."""
_MONTH = 30.0 * 86400.0
_USUAL_MFU = 0.4
_ALIKE = 0.1
"""Share by which the parameters of a named model may differ from those of the row."""
_DEGREES = {
    "tensor": r"\bTP(\d+)|(?=\d+-way model)(\d+)",
    "pipeline": r"PP(\d+)",
    "data": r"(?<!FS)DP(\d+)",
    "expert": r"EP(\d+)",
    "zero": r"ZeRO-(\d)",
    "interleave": r"interleaved (\d+)",
}
_CLOSED_LOOP = "warm-water-dry-cooler"
_OFFLINE = "ttft=600s,tpot=2s,p50"
_WEIGHTS = ("fp8", "fp4")
_MACHINES = re.compile(r"(\d[\d,]*) ?(k)? (H100|H200|GB200|B200)\b")
_NOWHERE = "virginia"
"""Site of a scenario whose figure does not depend on it."""
_PRICE = "60 $/MWh"
"""Price of electricity in place of a plan of its supply, on which none of these figures depends."""


@dataclass(frozen=True)
class Asked:
    """``values``: keys of the scenario; ``read``: the figure from its quantities; ``of``: what those are of;
    ``derived``: the figure is hours times factors; ``assumed``: what the row leaves open and a user has to
    say; ``band``: power of the step time that the figure goes with, ``None``: none of it."""

    values: Mapping[str, object]
    read: Read
    boundary: str
    derived: bool
    assumed: tuple[str, ...]
    band: float | None = 1.0


def asked(row: CaseRow, case: Iterable[CaseRow]) -> Asked:
    """The scenario of a row and what to read from it; ``case`` are all rows of its system.

    Raises
    ------
    Refusal
        The row is no outcome, or says too little to be asked: with the reason.
    """
    refuse_unscored(row)
    kinds = {"train": _trained, "serve": _served, "campus": _campus}
    return kinds[row.text("kind")](row, tuple(case))


def _trained(row: CaseRow, case: tuple[CaseRow, ...]) -> Asked:
    values, assumed = _training(row)
    name, count = row.text("quantity"), float(str(values["machine.count"]))
    if row.first == "ideal":
        values["training.goodput"] = "100 %"
    if name == "gpu_hours":
        return Asked(values, lambda of: of("training.accelerator_hours") / 3600.0, "final run",
                     is_derived(row), assumed)  # fmt: skip
    if name == "days":
        if row.number("count") is None:
            raise Refusal("days without the number of accelerators", row.text("case"))
        return Asked(
            values, lambda of: of("training.duration") / 86400.0, row.first, is_derived(row), assumed
        )
    if name == "mfu":
        parameters_alone = "6ND" in row.counts or "Epoch" in row.counts
        return Asked(values, lambda of: of("training.mfu") * (
            6.0 * of("model.active_parameters") / of("model.flops_per_token") if parameters_alone else 1.0
        ), "step", False, assumed, -1.0)  # fmt: skip
    if name == "tokens_per_s_per_gpu":
        if row.first == "bench" or not is_derived(row):
            return Asked(values, lambda of: of("training.tokens_per_step") / of("training.step_time") / count,
                         "step", False, assumed, -1.0)  # fmt: skip
        return Asked(values, lambda of: of("training.tokens_per_second") / count, "final run", True, assumed,
                     -1.0)  # fmt: skip
    if name in ("mwh", "tco2e_location", "it_mw"):
        return _energy(row, case, values, assumed)
    if name == "usd_run" and "amortised" in row.counts:
        return Asked(values, lambda of: of("ledger.run_cost"), "owned campus", True, assumed)
    if name == "usd_run" and "rental" in row.counts:
        return Asked(values, _rented, "rented", True, assumed)
    if name in ("pue", "wue"):
        return _building(row, values, assumed)
    raise Refusal(_UNASKED.get(name, f"no quantity is {name}"), f"{row.text('case')}: {row.text('boundary')}")


_UNASKED = {
    "tco2e_market": "market-based carbon: certificates are no part of a scenario",
    "water_m3": "water of the power plants by a factor that no field states",
    "usd_run": "money of neither a campus nor a rent",
    "embodied_t": "manufacture alone, amortised over a use that is not said",
}


def _rented(of: Callable[[str], Any]) -> float:
    cost = of("ledger.rented_cost")
    if cost is None:
        raise Refusal("no rent of this accelerator is known", of("machine.chip").id)
    return cost


def _energy(
    row: CaseRow, case: tuple[CaseRow, ...], values: dict[str, object], assumed: tuple[str, ...]
) -> Asked:
    """Energy, power or carbon of a run within the boundary of the row."""
    what, name = counted(row, case), row.text("quantity")
    if what.pue > 1.0:
        values["site.pue"] = what.pue
    if not row.value:
        raise Refusal("a figure of zero has no ratio", row.counts)
    step = "facility" if what.step == "it" and what.pue > 1.0 else what.step
    scale = what.pue if step in ("at-limit", "chips") else 1.0
    key = f"energy.{step.replace('-', '_')}"
    if name == "it_mw":
        return Asked(values, lambda of: of(key) * scale / of("training.duration") / 1e6, step, what.derived,
                     assumed, None)  # fmt: skip
    if name == "mwh":
        return Asked(values, lambda of: of(key) * scale / 3.6e9, step, what.derived, assumed)
    factor = carbon_factor(row)
    if factor is not None:
        values["supply.grid.carbon"] = factor
    elif values["site.name"] == _NOWHERE:
        raise Refusal("carbon without a factor or a place", f"{row.text('case')}: {row.text('site')}")
    return Asked(
        values, lambda of: of(key) * scale * of("supply.carbon_intensity") / 1e3, step, True, assumed
    )


def _building(row: CaseRow, values: dict[str, object], assumed: tuple[str, ...]) -> Asked:
    if values["site.name"] == _NOWHERE:
        raise Refusal("a building without a place", f"{row.text('case')}: {row.text('site')}")
    if "closed loop" in row.counts:
        values["site.cooling"] = _CLOSED_LOOP
    if row.text("quantity") == "pue":
        return Asked(values, lambda of: of("facility.pue"), "facility", False, assumed, None)
    return Asked(
        values, lambda of: of("facility.water") * 1e3 / (of("facility.energy") / of("facility.pue") / 3.6e6),
        "site", False, assumed, None,
    )  # fmt: skip


def _served(row: CaseRow, case: tuple[CaseRow, ...]) -> Asked:
    """Energy of a service that gives the tokens a second that were measured."""
    name = row.text("quantity")
    rates = [one.value for one in case if one.text("quantity") == "tokens_per_s_per_gpu"]
    if name == "tokens_per_s_per_gpu":
        raise Refusal("tokens a second at a batch size: the scenario states them as its demand", row.counts)
    if name not in ("joule_per_token", "it_mw", "wh_per_query"):
        raise Refusal(_UNASKED.get(name, f"no quantity is {name}"), f"{row.text('case')}: {row.counts}")
    joules = {one.text("quantity"): one.value for one in case if one.first == row.first}
    count = row.number("count")
    if row.first != "bench" or len(set(rates)) != 1 or count is None or "joule_per_token" not in joules:
        raise Refusal("a service without its tokens a second or its accelerators", row.text("case"))
    if counted(row).step != "chips":
        raise Refusal("watts of a service beyond its accelerators, by no load that is said", row.text("case"))
    model, assumed = _model(row)
    chip, rate = _chip(row), rates[0] * count
    values: dict[str, object] = {
        "model": model, "year": _year(row), "machine.chip": chip.id, "site.name": _NOWHERE,
        "supply.price": _PRICE, "serving.demand": f"{rate:.6g} tokens/s", "serving.replicas": 1,
        "serving.layout.tensor": round(count), "serving.objective": _OFFLINE, "serving.shape": "constant",
        "serving.simulated_requests": 1000, "serving.simulated_replicas": 1,
    }  # fmt: skip
    if "wh_per_query" in joules:
        output = 3600.0 * joules["wh_per_query"] / joules["joule_per_token"]
        values["serving.output"] = f"{output:.0f} tokens"
    if row.text("precision") in _WEIGHTS:
        values["serving.weights"] = row.text("precision")
    scales = {
        "joule_per_token": 1.0 / rate, "it_mw": 1e-6,
        "wh_per_query": joules.get("wh_per_query", 0.0) / joules["joule_per_token"] / rate,
    }  # fmt: skip
    return Asked(values, lambda of: of("machine.chip_power") * of("machine.count") * scales[name], "chips",
                 name != "joule_per_token", assumed, None)  # fmt: skip


def _campus(row: CaseRow, case: tuple[CaseRow, ...]) -> Asked:
    """Power provided for a campus of so many accelerators."""
    name, words = row.text("quantity"), f"{row.counts} {row.text('note')}"
    if name not in ("it_mw", "facility_mw"):
        raise Refusal(
            _UNASKED.get(name, f"a campus has no {name} without its load"),
            f"{row.text('case')}: {row.counts}",
        )
    count, chip = row.number("count"), row.text("chip")
    said = _MACHINES.search(words)
    if said is not None:
        count, chip = float(said[1].replace(",", "")) * (1e3 if said[2] else 1.0), said[3]
    if count is None:
        raise Refusal("a campus without the number of its accelerators", f"{row.text('case')}: {words}")
    accelerator = _chip(replace(row, texts={**row.texts, "chip": chip}))
    site = _site(row.text("site"))
    if site is None:
        raise Refusal("a building without a place", f"{row.text('case')}: {row.text('site')}")
    values: dict[str, object] = {
        "model": "8B", "training.tokens": "1T tokens", "year": _year(row), "machine.chip": accelerator.id,
        "machine.count": round(count), "site.name": site, "supply.price": _PRICE,
    }  # fmt: skip
    assumed = ("any model: the power provided does not depend on it",)
    if "GPUs alone" in words:
        return Asked(
            values, lambda of: count * accelerator.power_limit / 1e6, "at-limit", True, assumed, None
        )
    # a building is designed, and its capacity reported, for what its nodes are rated at
    rated = row.first == "design" or "capacity" in words
    each = "machine.nameplate" if rated else "machine.design_power"
    if name == "it_mw":
        return Asked(values, lambda of: count * of(each) / 1e6, "it", False, assumed, None)
    return Asked(
        values, lambda of: count * of(each) * of("machine.pue_peak") / 1e6, "facility", False, assumed, None
    )


def _training(row: CaseRow) -> tuple[dict[str, object], tuple[str, ...]]:
    """Keys of a training scenario, and what the row leaves open."""
    tokens = row.number("tokens")
    if tokens is None:
        raise Refusal("no tokens", row.text("case"))
    chip = _chip(row)
    model, assumed = _model(row)
    site = _site(row.text("site"))
    number_format = _format(row, chip)
    values: dict[str, object] = {
        "model": model,
        "year": _year(row),
        "training.tokens": f"{tokens:.0f} tokens",
        "training.sequence": _tokens(row.number("sequence")),
        "training.global_batch": _tokens(row.number("global_batch_tokens")),
        "training.number_format": number_format,
        "machine.chip": chip.id,
        "machine.count": _count(row, chip, number_format, tokens),
        "site.name": site or _NOWHERE,
        "supply.price": _PRICE,
        "software.framework": framework_named_in(row.text("software"), chip),
        **_layout(row.text("layout")),
    }
    if row.number("count") is None:
        assumed = (*assumed, f"accelerators are not published: {values['machine.count']}, about a month")
    return {key: value for key, value in values.items() if value is not None}, assumed


def _layout(words: str) -> dict[str, object]:
    """Columns of a layout that is written as reports do: ``TP8xPP12xDP64``, ``FSDP16``, ``ZeRO-1``."""
    found: dict[str, object] = {
        f"layout.{column}": int(next(one for one in match.groups() if one))
        for column, pattern in _DEGREES.items()
        if (match := re.search(pattern, words)) is not None
    }
    if "FSDP" in words:
        found["layout.zero"] = 3
    if found and "layout.pipeline" not in found and "layout.tensor" in found:
        found["layout.pipeline"] = 1
    if re.match(r"FSDP\d", words):
        found |= {"layout.tensor": 1, "layout.pipeline": 1}
    return found


def _tokens(number: float | None) -> str | None:
    return None if number is None else f"{number:.0f} tokens"


def _year(row: CaseRow) -> int:
    year = row.number("year")
    if year is None or not 2015 <= year <= 2050:
        raise Refusal("no year from 2015 on", row.text("case"))
    return int(year)


def _chip(row: CaseRow) -> Chip:
    try:
        return load_chip(row.text("chip"))
    except GigawattError as error:
        raise Refusal("no such accelerator in the catalog", f"{row.text('case')}: {error}") from None


def _model(row: CaseRow) -> tuple[str, tuple[str, ...]]:
    """The model by a name of the catalog, else by its size; a mixture says its active parameters."""
    total, active = row.number("params"), row.number("active_params")
    name = row.text("model")
    for words in (name, name.partition(" (")[0], row.text("case")):
        try:
            found = read_architecture(words).parameters.total
        except GigawattError:
            continue
        if total is None or abs(found / total - 1.0) < _ALIKE:
            return words, ()
    if total is None:
        raise Refusal("neither a model of the catalog nor its parameters", f"{row.text('case')}: {name}")
    size = f"{total / 1e9:.4g}B"
    if active is not None and active < 0.97 * total:
        size = f"{size}-A{active / 1e9:.4g}B"
    elif active is None:
        raise Refusal("the active parameters are not published", f"{row.text('case')}: {name}")
    return size, (f"{name} is not in the catalog: a model of {size}",)


def _format(row: CaseRow, chip: Chip) -> str | None:
    known = fields()["training.number_format"].choices
    given = [word for word in re.split(r"[/ ]", row.text("precision")) if word in known]
    return next((word for word in given if word in chip.peak), given[0] if given else None)


def _count(row: CaseRow, chip: Chip, number_format: str | None, tokens: float) -> int:
    """Accelerators as published; else the power of two that takes about a month at the usual utilisation."""
    given = row.number("count")
    if given is not None:
        return round(given)
    size = row.number("active_params") or row.number("params") or 0.0
    peak = chip.peak.get(number_format or "bf16") or max(chip.peak.values())
    needed = 6.0 * size * tokens / (_USUAL_MFU * peak * _MONTH)
    return max(8, 2 ** round(math.log2(max(needed, 1.0))))


@lru_cache(maxsize=256)
def _site(words: str) -> str | None:
    """The first part of a site's words that the catalog knows as a place; ``None`` where none is."""
    parts = re.split(r"[,;/]| and ", words.replace("(", ",").replace(")", ","))
    for part in (words, *parts):
        name = part.strip()
        if len(name) > 3:
            try:
                load_site(name)
            except GigawattError:
                continue
            return name
    return None
