"""What remains of a published claim once scope, workload and precision are those of a language model.

A claim of operations a joule counts what its authors counted. Here it is set beside today's digital chips at
the same precision (a large multiplication at the chip's limit: the best they can), and then carried through a
decode step: what the substrate multiplies at the claimed energy, everything else at the digital chip's, and
weights that do not stay written read from memory. All of it in the claim's favour: its own waiting, links and
host are counted as nothing. So what remains is an upper bound.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gigawatt.catalog.loader import Entity, entity, source, table
from gigawatt.chain.machine.technologies import read_model
from gigawatt.core.errors import InputError, nearest
from gigawatt.core.evidence import Evidence
from gigawatt.machine.load import load_chip, load_node
from gigawatt.machine.machine import Chip
from gigawatt.technology.mapper import places
from gigawatt.technology.rollup import energy_share, fallback_cost, token_cost
from gigawatt.technology.substrate import SCOPES, Figure, Substrate
from gigawatt.technology.token import TokenCost
from gigawatt.technology.work import Work, decode_work
from gigawatt.workload.architecture import Architecture

__all__ = ["Audit", "audit", "audited", "best_digital", "figure_of", "peak_joules", "shares_of"]

CHIPS = ("H100-SXM5-80GB", "B200-SXM-180GB")
"""Digital chips of today that a claim is set beside."""
BATCHES = (1.0, 4.0, 16.0, 64.0, 128.0, 256.0, 512.0)

_LABELS = ("batch 1", "best batch")
_BYTES = {"bf16": 2.0, "int8": 1.0, "fp8": 1.0}
_FORMATS: Mapping[str, Mapping[str, float | str]] = {
    "bf16": {"weights": "bf16", "activations": "bf16", "cache": "bf16"},
    "int8": {"weights": "int8", "activations": "int8", "cache": "int8"},
    "w4a8": {"weights": "int4", "activations": "int8", "cache": "int8"},
    "fp8": {"weights": "fp8_e4m3", "activations": "fp8_e4m3", "cache": "fp8_e4m3"},
}
_CLAIM = Substrate("claim", "claim", "analog", {})
"""A substrate that keeps weights: what is left to the digital chip is what physics leaves it."""


def _linear(work: Work) -> bool:
    return work.linear and not work.operation.name.startswith(("head", "router"))


_PARTS: Mapping[str, Callable[[Work], bool]] = {
    "linear": _linear,
    "attention": lambda work: work.operation.kind == "attention",
}


@dataclass(frozen=True)
class Audit:
    """A claim, what it counts, what it leaves out, and what remains.

    ``factors`` are how many times better than a digital chip the claim is, by comparison: ``claimed``
    (as published, where it is a ratio), ``peak``, ``token_batch_1``, ``token_best_batch`` …; ``said`` are
    sentences, in order.
    """

    id: str
    name: str
    claim: str
    scope: str
    source: str
    grade: str
    included: str
    left_out: str
    factors: Mapping[str, float]
    said: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Stable keys; plain numbers and sentences."""
        return {
            "id": self.id,
            "name": self.name,
            "claim": self.claim,
            "scope": self.scope,
            "source": self.source,
            "grade": self.grade,
            "included": self.included,
            "left_out": self.left_out,
            "factors": dict(self.factors),
            "said": list(self.said),
        }


def audited() -> list[str]:
    """Ids of the published rows that can be audited."""
    return sorted(table("technologies_audit"))


def figure_of(id: str, quantity: str = "value") -> Figure:
    """A published row as a figure with its scope.

    Raises
    ------
    InputError
        No such row; a row that counts no machine (an algorithm, a wafer, a law).
    """
    row = entity("technologies_published", id)
    if row.text("scope") not in SCOPES:
        raise InputError(
            "this row is of no machine: an algorithm, an estimate by counting, or a price",
            key=row.id,
            given=row.text("included") or row.text("metric"),
            allowed=f"a row of scope {', '.join(SCOPES)}",
        )
    number = _number(row, quantity)
    return Figure(number.value, number.unit, row.text("scope"), row.text("workload"), row.text("precision"))


def _number(row: Entity, quantity: str = "value") -> Evidence:
    name = quantity if quantity in row.numbers else next(iter(row.numbers), None)
    if name is None:
        raise InputError("this row is a statement without a number", key=row.id, given=row.text("claim"))
    return row.evidence(name)


@lru_cache(maxsize=32)
def peak_joules(chip: str, form: str, scope: str = "chip") -> float:
    """Least J/FLOP of a chip: its power limit over what a large multiplication sustains at it.

    At ``system`` scope with the node's power, shared by its chips.
    """
    machine = load_chip(chip)
    wanted = {"bf16": ("bf16",), "int8": ("int8", "fp8"), "fp8": ("fp8", "int8")}[form]
    rate = next((machine.peak[one] for one in wanted if one in machine.peak), None)
    if rate is None:
        raise InputError("the chip has no such rate", key="chip", given=machine.id, allowed=machine.peak)
    fit = table("kernels").get(entity("chips", machine.id).text("kernels"))
    share = fit.get("gemm_sustained_share") if fit is not None else None
    if share is None:
        share = entity("kernels", "default").value("gemm_sustained_share")
    return (machine.power_limit + _host(machine, scope)) / (share * rate)


def _host(chip: Chip, scope: str) -> float:
    """Watts of the node that a chip answers for; 0 at the scope of a chip."""
    if scope != "system":
        return 0.0
    node = load_node(entity("chips", chip.id).text("default_node"))
    return node.overhead_power / node.chips


def _joules(cost: TokenCost, scope: str) -> float:
    """J/token of a digital machine at the claim's scope; cooling is in no claim."""
    if scope != "system":
        return cost.joules("chip")
    return cost.joules("system") - cost.energy["cooling"]


def _digital(form: str) -> Substrate:
    return Substrate(form, form, "digital", _FORMATS[form])


def best_digital(
    architecture: Architecture, chip: Chip, form: str, context: float
) -> tuple[TokenCost, TokenCost]:
    """(token at batch 1, token at the batch of least joules) of a digital chip, at chip scope."""
    found = [
        token_cost(_digital(form), architecture, chip=chip, batch=batch, context=context) for batch in BATCHES
    ]
    return found[0], min(found, key=lambda one: one.joules("chip"))


def shares_of(
    architecture: Architecture, chip: Chip, context: float, *, of: str = "energy"
) -> dict[str, float]:
    """Share of a 16-bit token's energy (or ``time``) at batch 1, by part: ``linear``, ``attention`` …"""
    step = decode_work(architecture, batch=1.0, context=context)
    found = {part: energy_share(step, chosen, chip=chip, of=of) for part, chosen in _PARTS.items()}
    whole = token_cost(_digital("bf16"), architecture, chip=chip, context=context)
    found["arithmetic"] = (whole.energy["arithmetic"] + whole.energy["sram"]) / whole.joules("chip")
    return found


def _carried(
    joules: float,
    architecture: Architecture,
    chip: Chip,
    rule: Entity,
    batch: float,
    context: float,
    scope: str,
) -> float:
    """J/token of a step whose products by weights cost ``joules`` a FLOP, the rest as on ``chip``."""
    form = rule.text("format")
    placed = places(_CLAIM, architecture, batch=batch, context=context)
    mine = [one.work for one in placed if one.on_substrate]
    products = sum(float(work.operation.flops) * work.count for work in mine) * joules
    read = 0.0
    if rule.text("stationary") != "yes":
        weights = sum(float(work.weights) * work.count for work in mine)
        read = weights * _BYTES[form] * chip.energy_byte["dram"]
    rest, seconds = fallback_cost(placed, chip=chip, substrate=_digital(form))
    return (products + read + rest + _host(chip, scope) * seconds) / batch


def _times(factor: float) -> str:
    return f"{factor:,.3g} times"


def _efficiency(
    row: Entity, rule: Entity, joules: float, architecture: Architecture, context: float
) -> tuple[dict[str, float], list[str]]:
    form, stays, scope = rule.text("format"), rule.text("stationary") == "yes", row.text("scope")
    beside = "norms, attention and head" if stays else "weights from memory, norms, attention and head"
    factors: dict[str, float] = {}
    precision = row.text("precision") or form
    said = [f"The claim is {joules * 1e12:.3g} pJ an operation ({precision}; scope: {scope})."]
    if scope == "macro":
        said.append(
            "A macro compares with no chip: what joins macros is not in it. Carried into a token alone:"
        )
    for name in CHIPS:
        chip = load_chip(name)
        if scope != "macro":
            mine = Figure(joules, "J/FLOP", scope, precision=form)
            best = Figure(peak_joules(name, form, scope), "J/FLOP", scope, precision=form)
            factors[f"peak {name}"] = best.over(mine)
            said.append(
                f"{chip.name} multiplies large matrices in {form} at {best.value * 1e12:.3g} pJ an "
                f"operation, memory and waiting counted: the claim is {_times(best.over(mine))} as good."
            )
        for label, digital in zip(_LABELS, best_digital(architecture, chip, form, context), strict=True):
            claim = _carried(joules, architecture, chip, rule, digital.batch, context, scope)
            theirs = _joules(digital, scope)
            factors[f"{label} {name}"] = theirs / claim
            said.append(
                f"A token of {architecture.name} at batch {digital.batch:g} takes {theirs * 1e3:.3g} mJ on "
                f"{chip.name}; with the claim's products and {beside} on that chip {claim * 1e3:.3g} mJ: at "
                f"most {_times(theirs / claim)} as good."
            )
    return factors, said


def audit(id: str, *, model: str | None = None, context: float = 2048.0) -> Audit:
    """What remains of a published claim.

    Parameters
    ----------
    id : str
        A row of ``technologies_published`` that ``technologies_audit`` has a rule for.
    model : str, optional
        On which it is tried; the claim's own where it has one, else Llama 3.1 8B.
    context : float
        Tokens behind the one that is computed, ≥ 0.

    Returns
    -------
    Audit
        Factors beside digital chips, and sentences.

    Raises
    ------
    InputError
        No such row, a row that counts no machine, or one without a rule.
    """
    row = entity("technologies_published", id)
    rules = table("technologies_audit")
    if row.id not in rules:
        figure_of(row.id)  # says why, where it counts no machine
        raise InputError(
            "no rule says what this figure leaves out",
            key="id",
            given=row.id,
            allowed=audited(),
            nearest=nearest(row.id, rules),
        )
    rule, number = rules[row.id], _number(row)
    architecture = read_model(model or rule.text("model") or "llama-3.1-8b")
    factors, said = _remains(row, rule, number, architecture, context)
    return Audit(
        id=row.id,
        name=row.text("name"),
        claim=f"{row.text('metric')}: {number.written} {number.unit or 'times'}".strip(),
        scope=row.text("scope") or "none: it counts no machine",
        source=source(number.source_id).title,
        grade=number.grade.label,
        included=rule.text("included"),
        left_out=rule.text("left_out"),
        factors=factors,
        said=(*said, f"{rule.text('said')[:1].upper()}{rule.text('said')[1:]}."),
    )


def _remains(
    row: Entity, rule: Entity, number: Evidence, architecture: Architecture, context: float
) -> tuple[dict[str, float], list[str]]:
    kind, part = rule.text("kind"), rule.text("part")
    if kind == "efficiency":
        return _efficiency(row, rule, 1.0 / number.value, architecture, context)
    if kind == "multiply-add":
        return _efficiency(row, rule, number.value / 2.0, architecture, context)
    if kind == "throughput":
        return {}, ["A rate alone: nothing can be said of energy."]
    if kind == "attributed":
        return {"claimed": number.value, "remains": 1.0}, ["Nothing of it remains for the technology."]
    if kind in ("token", "token-ratio"):
        return _token(rule, number, architecture, context)
    chip = load_chip(CHIPS[0])
    what = "time" if kind == "time-ratio" else "energy"
    share = shares_of(architecture, chip, context, of=what)[part]
    better = 1.0 / (1.0 - number.value) if kind == "saved-share" else number.value
    whole = 1.0 / (1.0 - share + share / better)
    said = [
        f"{part.capitalize()} takes {100 * share:.3g} % of the {what} of a token of {architecture.name} on "
        f"{chip.name} (batch 1, {context:,.0f} tokens of context).",
        f"A factor {better:,.3g} on that part is {_times(whole)} on the whole token; without end it would be "
        f"{1.0 / (1.0 - share):.3g}.",
    ]
    return {"claimed": better, "share": share, "whole token": whole}, said


def _token(
    rule: Entity, number: Evidence, architecture: Architecture, context: float
) -> tuple[dict[str, float], list[str]]:
    form, kind = rule.text("format"), rule.text("kind")
    own = number if kind == "token" else entity("technologies_published", "northpole-token").evidence("value")
    factors: dict[str, float] = {} if kind == "token" else {"claimed": number.value}
    said: list[str] = []
    for name in CHIPS:
        chip = load_chip(name)
        for label, digital in zip(_LABELS, best_digital(architecture, chip, form, context), strict=True):
            factor = digital.joules("chip") / own.value
            factors[f"{label} {name}"] = factor
            said.append(
                f"{chip.name} in {form} at batch {digital.batch:g}: {digital.joules('chip') * 1e3:.3g} mJ a "
                f"token at {digital.step_time * 1e3:.3g} ms; the claim's {own.value * 1e3:.3g} mJ is "
                f"{_times(factor)} as good."
            )
    return factors, said
