"""Perplexity over fixed windows of held-out text, with an interval, alone and beside the digital baseline."""

# pyright: reportMissingImports=false

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gigawatt.core.errors import InputError
from gigawatt.core.quantities import finite_or_none
from gigawatt.emulation.models import LanguageModel, cache_folder
from gigawatt.emulation.text import Text

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Interval", "code_digest", "interval", "losses", "pick_windows", "read_cached", "write_cached"]

Array = NDArray[np.float64]

_LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A number with its 95 % interval."""

    value: float
    low: float
    high: float

    def to_json(self) -> dict[str, float | None]:
        """Its three numbers; ``None`` of what overflows."""
        return {name: finite_or_none(value) for name, value in asdict(self).items()}


def interval(losses: ArrayLike, base: ArrayLike | None = None) -> Interval:
    """Perplexity exp(mean loss) with a t-interval over windows; with ``base`` the ratio of two, paired.

    Windows are taken as independent. Seeds add the variance of their means to that over windows.

    Parameters
    ----------
    losses : array (windows,) or (seeds, windows) [nats a token]
        Mean loss of each window.
    base : array (windows,), optional
        Of the baseline, over the same windows.

    Raises
    ------
    InputError
        Fewer than two windows; windows that differ.

    References
    ----------
    Student 1908 (t); Miller 2024, "Adding error bars to evals", arXiv:2411.00640 (paired differences).
    """
    from scipy.stats import t

    mine = np.atleast_2d(np.asarray(losses, dtype=float))
    if base is not None:
        theirs = np.asarray(base, dtype=float)
        if theirs.shape != mine.shape[1:]:
            raise InputError("windows differ", key="base", given=theirs.shape, allowed=f"{mine.shape[1:]}")
        mine = mine - theirs
    seeds, count = mine.shape
    if count < 2:
        raise InputError(
            "an interval needs two windows or more", key="windows", given=count, allowed="2 or more"
        )
    means = mine.mean(axis=0)
    variance = float(means.var(ddof=1)) / count
    freedom = count - 1
    if seeds > 1:
        drawn = float(mine.mean(axis=1).var(ddof=1)) / seeds
        total = variance + drawn  # Welch and Satterthwaite: freedom of a sum of two variances
        freedom = total**2 / (variance**2 / (count - 1) + drawn**2 / (seeds - 1)) if total > 0.0 else freedom
        variance = total
    middle, half = float(mine.mean()), float(t.ppf(0.5 + _LEVEL / 2.0, freedom)) * math.sqrt(variance)
    with np.errstate(over="ignore"):
        low, value, high = (float(np.exp(x)) for x in (middle - half, middle, middle + half))
    return Interval(value, low, high)


def pick_windows(
    model: LanguageModel, text: Text, count: int, length: int, *, training: bool = False
) -> Tensor:
    """Token ids (count, length), taken evenly from the held-out part, or from the training part.

    Raises
    ------
    InputError
        The part has fewer windows of that length; fewer than one asked for.
    """
    import torch

    if count < 1 or length < 2:
        raise InputError(
            "no windows", key="windows", given=f"{count} of {length} tokens", allowed="1 or more of 2 or more"
        )
    ids: list[int] = []
    for passage in text.training if training else text.held_out:
        ids.extend(model.encode(passage + "\n\n"))
    most = len(ids) // length
    if count > most:
        raise InputError(
            "the text has fewer windows",
            key="windows",
            given=count,
            allowed=f"{most} or fewer of {length} tokens",
        )
    starts = [round(i * (most - 1) / max(count - 1, 1)) * length for i in range(count)]
    return torch.tensor([ids[start : start + length] for start in starts])


def losses(module: Any, windows: Tensor, progress: Callable[[float], None] | None = None) -> Array:
    """Mean loss of each window [nats a token], (windows,): each token but the first, given those before it.

    A loss that is not a number (a substrate that broke the model) counts as that of an even guess over the
    vocabulary, so that no result is without a number.
    """
    import torch

    found: list[float] = []
    with torch.no_grad():
        for number, window in enumerate(windows):
            logits = module(input_ids=window[None]).logits[0, :-1]
            loss = float(torch.nn.functional.cross_entropy(logits.float(), window[1:]))
            found.append(loss if math.isfinite(loss) else math.log(logits.shape[-1]))
            if progress is not None:
                progress((number + 1) / len(windows))
    return np.array(found)


@lru_cache(maxsize=1)
def code_digest() -> str:
    """SHA-256 of the code that a run depends on, so that no result of older code is shown as of this one."""
    import torch
    import transformers

    import gigawatt.workload.formats as formats

    files = [*sorted(Path(__file__).parent.glob("*.py")), Path(str(formats.__file__))]
    found = hashlib.sha256(f"{torch.__version__} {transformers.__version__}".encode())
    for file in files:
        found.update(file.read_bytes())
    return found.hexdigest()


def _cache_file(key: Mapping[str, Any]) -> Path:
    name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
    return cache_folder() / "runs" / f"{name[:32]}.json"


def read_cached(key: Mapping[str, Any]) -> dict[str, Any] | None:
    """What :func:`write_cached` kept under this key."""
    file = _cache_file(key)
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found["value"] if found.get("key") == dict(key) else None


def write_cached(key: Mapping[str, Any], value: Mapping[str, Any]) -> None:
    """Keep a run; where the folder cannot be written nothing is kept."""
    file = _cache_file(key)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        scratch = file.with_suffix(".new")
        scratch.write_text(json.dumps({"key": dict(key), "value": dict(value)}) + "\n", encoding="utf-8")
        scratch.replace(file)
    except OSError:
        return
