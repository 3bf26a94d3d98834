"""Precision and sparsity: stored formats, savings, effect on quality.

``precision: nvfp4`` chooses the stored formats of weights and cache (or the format of a training run's
multiplications); ``sparsity: "2:4"`` stores half of the weights. Notices of the answer say what that saves of
a token, and what a stored run says of quality, with its caveat. Nothing is scaled from that run to the model.
"""

from __future__ import annotations

from gigawatt.catalog.loader import Entity, entity, table
from gigawatt.chain.assumption_list import AssumptionList
from gigawatt.chain.machine.hybrids import machine_notices
from gigawatt.chain.machine.technologies import CAVEAT
from gigawatt.core.errors import GigawattError, InputError, nearest
from gigawatt.core.evidence import Grade
from gigawatt.machine.machine import Chip
from gigawatt.performance.serving.inference import multiply_format
from gigawatt.technology.digital.formats import sparse_gain
from gigawatt.technology.measured import measured
from gigawatt.technology.rollup import BASE, token_cost
from gigawatt.technology.substrate import Substrate
from gigawatt.workload.architecture import Architecture
from gigawatt.workload.inference import SPARSE, WEIGHT_BYTES, Shares, weight_bytes

__all__ = ["BATCH", "PATTERNS", "TRAINED", "published", "run_of", "served", "training_format"]

PATTERNS = ("none", "2:4")
BATCH = 32.0
"""Batch size of the energy in a notice."""
_IMAGE, _SOUND = 1024.0**2, 30.0
"""Pixels of the image, seconds of the sound in a notice."""
TRAINED = (
    "the effect of training in this precision on quality is unknown: stored runs round a model that was "
    "trained in 16 bits"
)

_RUNS = {
    ("bf16", False, False): "bf16",
    ("fp8", True, False): "fp8",
    ("fp8", False, False): "w-fp8",
    ("fp4", True, False): "nvfp4",
    ("fp4", False, False): "w-nvfp4",
    ("int4", False, False): "w-int4-g128",
    ("bf16", False, True): "2of4-wanda",
    ("fp8", True, True): "2of4-wanda-fp8",
}
"""(stored format, multiplied as narrow as that, with a pattern) → the substrate whose stored run that is."""

_DIGITAL = {
    "bf16": {"weights": "bf16", "activations": "bf16"},
    "fp8": {"weights": "fp8_e4m3", "activations": "fp8_e4m3"},
    "fp4": {"weights": "nvfp4", "activations": "nvfp4"},
    "int4": {"weights": "int4", "activations": "bf16", "weight_group": "g128"},
}


def _row(precision: str) -> Entity:
    try:
        return entity("precisions", precision)
    except InputError:
        known = list(table("precisions"))
        raise InputError(
            "no such precision", key="precision", given=precision, allowed=known,
            nearest=nearest(precision, known),
        ) from None  # fmt: skip


def training_format(precision: str | None, sparsity: str | None, given: str | None) -> str | None:
    """Number format of a training run: what ``precision`` means, or the format that was given.

    Raises
    ------
    InputError
        A precision for serving alone; one that contradicts the format; a sparsity pattern.
    """
    if sparsity not in (None, "none"):
        raise InputError(
            "no training framework of the catalog supports sparsity", key="sparsity", given=sparsity,
            allowed="none; 2:4 in a scenario that serves",
        )  # fmt: skip
    if precision is None:
        return given
    row = _row(precision)
    found = row.text("training")
    if not found:
        allowed = [name for name, one in table("precisions").items() if one.text("training")]
        raise InputError(
            "a format for serving, not for training", key="precision", given=precision, allowed=allowed
        )
    if given is not None and given != found:
        raise InputError(
            "contradicts the number format",
            key="precision",
            given=precision,
            allowed=f"or {given} alone",
        )
    return found


def run_of(weights: str, chip: Chip) -> str:
    """The substrate whose stored run is that of weights stored so on a chip; empty where there is no run."""
    narrow = multiply_format(weights, chip) not in ("bf16", "fp16")
    return _RUNS.get((weights.removesuffix(SPARSE), narrow, weights.endswith(SPARSE)), "")


def published(
    assumed: AssumptionList,
    stored: tuple[str | None, str | None],
    precision: str | None,
    chip: Chip,
    architecture: Architecture,
) -> tuple[str | None, str | None]:
    """(formats of weights, of the cache): what was given, else what the published checkpoint has, listed.

    Notices say which towers stand beside the language part, and of which nothing is known.
    ``precision`` names both and so goes before the checkpoint. A chip without the rate of the cache's format
    keeps it in 16 bits, a notice says so.

    Raises
    ------
    InputError
        The checkpoint's formats are not known, and nothing else says those of the weights.
    """
    for one in architecture.towers:
        patches = one.sound(_SOUND) if one.rate else one.image(_IMAGE)
        given = (
            f"{_SOUND:g} s of sound" if one.rate else
            f"an image of {(patches * one.pixels) ** 0.5:,.0f} pixels a side"
        )  # fmt: skip
        assumed.notices.append(
            f"the {one.name} ({one.parameters / 1e9:.3g} billion parameters) is in memory and works on no "
            f"token of text; {given} would be {one.tokens(patches):,.0f} tokens and take "
            f"{one.flops(patches) / 1e12:.3g} TFLOP"
        )
    assumed.notices += architecture.uncounted
    weights, cache = stored
    found = architecture.checkpoint
    if precision is not None or found is None or (weights is not None and cache is not None):
        return stored
    if found.error is not None:
        if weights is not None:
            return stored
        error = found.error
        raise InputError(
            f"{error.message}; or say the format of the weights (serving.weights)", file=error.file,
            line=error.line, key=error.key, given=error.given, allowed=error.allowed, nearest=error.nearest,
        )  # fmt: skip
    reason = f"as the checkpoint stores them (quantization_config: {found.said})"
    if weights is None:
        weights = found.weights
        assumed.add("serving.weights", weights, reason, Grade.vendor)
    if cache is None and found.cache and found.cache not in chip.peak:
        assumed.notices.append(
            f"the cache stays in bf16: the checkpoint asks for {found.cache}, and {chip.id} has no such rate "
            "for attention"
        )
    elif cache is None and found.cache:
        cache = found.cache
        assumed.add("serving.cache", cache, reason, Grade.vendor)
    return weights, cache


def served(
    assumed: AssumptionList,
    precision: str | None,
    sparsity: str | None,
    stored: tuple[str | None, str | None],
    chip: Chip,
    architecture: Architecture,
) -> tuple[str | None, str | None]:
    """(format of weights, of the cache) that precision and pattern mean; notices say what that does.

    Parameters
    ----------
    assumed : AssumptionList
        Takes the notices.
    precision, sparsity : str, optional
        A row of ``precisions``; ``2:4`` or ``none``.
    stored : tuple
        Formats that were given by name; they go before those of ``precision``.
    chip, architecture
        What serves what.

    Raises
    ------
    InputError
        No such precision or pattern, or a format that has no pattern.
    """
    assumed.notices += machine_notices(chip, architecture)
    if precision is None and sparsity in (None, "none"):
        return stored
    if sparsity is not None and sparsity not in PATTERNS:
        hint = "activation sparsity saves reads at batch 1 only; " if sparsity == "teal" else ""
        raise InputError(
            "unsupported sparsity pattern for serving",
            key="sparsity",
            given=sparsity,
            allowed=f"{hint}{', '.join(PATTERNS)}",
        )
    row = _row(precision or "bf16")
    weights, cache = stored[0] or row.text("weights"), stored[1]
    if cache is None and precision is not None:
        cache = row.text("cache")
        if cache not in chip.peak:
            assumed.notices.append(f"the cache stays in bf16: {chip.id} has no {cache} rate for attention")
            cache = "bf16"
    pattern = sparsity == "2:4"
    if pattern:
        if f"{weights}{SPARSE}" not in WEIGHT_BYTES:
            allowed = [name.removesuffix(SPARSE) for name in WEIGHT_BYTES if name.endswith(SPARSE)]
            raise InputError("no 2:4 sparsity of this format", key="sparsity", given=weights, allowed=allowed)
        weights = f"{weights}{SPARSE}"
    assumed.notices += _notices(weights, cache or "bf16", pattern, chip, architecture)
    return weights, cache


def _notices(weights: str, cache: str, pattern: bool, chip: Chip, architecture: Architecture) -> list[str]:
    settings = dict(_DIGITAL.get(weights.removesuffix(SPARSE), _DIGITAL["bf16"]))
    settings["cache"] = "fp8_e4m3" if cache == "fp8" else "bf16"
    if pattern:
        settings["sparsity"] = "2:4-wanda"
    substrate = Substrate(weights, weights, "digital", settings)
    mine, wide = (
        float(weight_bytes(architecture, shares=Shares.of(weights=one))) for one in (weights, "bf16")
    )
    found = [f"weights in {weights} take {mine / 1e9:,.3g} GB instead of {wide / 1e9:,.3g} GB in bf16"]
    try:
        less, base = (
            token_cost(one, architecture, chip=chip, batch=BATCH).joules("chip") for one in (substrate, BASE)
        )
        found[0] += (
            f"; an output token at batch {BATCH:g} takes {less * 1e3:.3g} mJ at the chip instead of "
            f"{base * 1e3:.3g} mJ"
        )
    except GigawattError as error:
        found.append(f"the saving per token is unknown: {error}")
    if pattern:
        gain, why = sparse_gain(substrate, chip)
        words = f"a sparse speed-up of {gain:.3g} is not counted" if gain > 1.0 else why
        found.append(f"2:4: multiplications at the dense rate; {words}")
    run = run_of(weights, chip)
    quality = measured(run)
    if quality is None:
        found.append(f"the effect of {weights} on quality is unknown: no stored run")
    else:
        found.append(
            f"perplexity × {quality.ratio:.3f} ({quality.low:.3f} to {quality.high:.3f}) with {run}: {CAVEAT}"
        )
    return found
