"""One entry: a language model on a substrate, its quality beside fp32, and what was counted."""

# pyright: reportMissingImports=false

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gigawatt.core.errors import InputError, MissingDataError
from gigawatt.emulation.evaluate import (
    Array,
    Interval,
    code_digest,
    interval,
    losses,
    pick_windows,
    read_cached,
    write_cached,
)
from gigawatt.emulation.extra import needed
from gigawatt.emulation.models import LanguageModel, load_model
from gigawatt.emulation.text import WIKIPEDIA, Text, load_text
from gigawatt.technology.registry import load_substrate, technologies
from gigawatt.technology.substrate import Substrate

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["BASELINE", "Emulation", "emulate"]

BASELINE = Substrate("fp32", "fp32, nothing left out", "digital", {})
"""What every substrate stands beside."""

Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Emulation:
    """What a technology did to a model.

    Attributes
    ----------
    model, parameters : str, int
        Which model, and its weights.
    substrate : Substrate
        In the configuration that was run.
    text : str
        Held-out part of which the windows are.
    windows, length, seeds : int
        Windows, tokens of each, and drawn runs (1 where nothing is drawn).
    perplexity, baseline, ratio : Interval
        Of the substrate, of fp32, and of both over the same windows; 95 % intervals.
    statistics : mapping
        :data:`~gigawatt.technology.substrate.Statistics` of the run.
    losses, baseline_losses : tuple
        (seeds, windows) and (windows,) [nats a token].
    caveats : tuple of str
        What stands beside the numbers.
    cpu_seconds : float
        Processor time of the substrate's runs; of an earlier run where they were kept.
    """

    model: str
    parameters: int
    substrate: Substrate
    text: str
    windows: int
    length: int
    seeds: int
    perplexity: Interval
    baseline: Interval
    ratio: Interval
    statistics: Mapping[str, float]
    losses: tuple[tuple[float, ...], ...] = field(repr=False)
    baseline_losses: tuple[float, ...] = field(repr=False)
    caveats: tuple[str, ...] = ()
    cpu_seconds: float = 0.0
    folder: Path | None = None

    def to_json(self) -> dict[str, Any]:
        """Stable keys, plain values."""
        return {
            "model": self.model,
            "parameters": self.parameters,
            "substrate": {
                "id": self.substrate.id,
                "name": self.substrate.name,
                "technology": self.substrate.technology,
                "settings": dict(self.substrate.settings),
            },
            "text": self.text,
            "windows": self.windows,
            "length": self.length,
            "seeds": self.seeds,
            "perplexity": self.perplexity.to_json(),
            "baseline": self.baseline.to_json(),
            "ratio": self.ratio.to_json(),
            "statistics": dict(self.statistics),
            "losses": [list(one) for one in self.losses],
            "baseline_losses": list(self.baseline_losses),
            "caveats": list(self.caveats),
            "cpu_seconds": self.cpu_seconds,
        }


def _face(technology: str) -> Any:
    """The module that runs a technology, as its registration names it."""
    known = technologies()
    if technology not in known or not known[technology].emulation:
        raise MissingDataError(
            "no functional face of this technology yet", key="technology", given=technology
        )
    return import_module(known[technology].emulation)


def _read(substrate: str | Substrate) -> Substrate:
    if isinstance(substrate, Substrate):
        return substrate
    return load_substrate(substrate)


def emulate(
    model: str | Path | LanguageModel = "smollm2-135m",
    substrate: str | Substrate = "nvfp4",
    *,
    text: str | Path | Text = WIKIPEDIA,
    windows: int = 12,
    length: int = 512,
    seeds: int = 1,
    calibration: int = 8,
    cache: bool = True,
    progress: Progress | None = None,
) -> Emulation:
    """Run a model on a substrate, and in fp32 beside it.

    Parameters
    ----------
    model : str, Path or LanguageModel
        As :func:`~gigawatt.emulation.models.load_model` takes it.
    substrate : str or Substrate
        ``nvfp4``, ``pcm:adc_bits=6``: a row of ``substrates`` with changes.
    text : str, Path or Text
        As :func:`~gigawatt.emulation.text.load_text` takes it.
    windows, length : int, int [tokens]
        Held-out windows, two or more, and tokens of each.
    seeds : int
        Drawn runs of a substrate that is noisy.
    calibration : int
        Training windows that a method may look at, where it needs any.
    cache : bool
        Read and keep finished runs; the key holds model, text, windows, settings, seed and code.
    progress : callable, optional
        Called with words and the share done.

    Raises
    ------
    InputError
        A model, substrate, setting, text or number of windows that cannot be.
    MissingDataError
        The extra is not installed; names what to install.
    """
    if windows < 2 or seeds < 1 or calibration < 0:
        key, given = ("windows", windows) if windows < 2 else ("seeds", seeds)
        if windows >= 2 and seeds >= 1:
            key, given = "calibration", calibration
        least = {"windows": 2, "seeds": 1, "calibration": 0}[key]
        raise InputError("too few", key=key, given=given, allowed=f"{least} or more")
    say: Progress = progress or (lambda text, share: None)
    asked = _read(substrate)
    face = _face(asked.technology)
    needed("torch")
    words = text if isinstance(text, Text) else load_text(text)
    say("Loading the model", 0.0)
    mine = model if isinstance(model, LanguageModel) else load_model(model, length=length)
    ids = pick_windows(mine, words, windows, length)
    shown = pick_windows(mine, words, calibration, length, training=True) if calibration else ids[:0]
    key = {
        "model": mine.digest,
        "text": words.digest,
        "windows": [windows, length, calibration],
        "code": code_digest(),
    }
    kept = cache
    base, _, _ = _run(
        mine, BASELINE, _face("digital"), ids, shown, 0, key, kept, _part(say, "fp32", 0.05, 0.5)
    )
    numbers = range(seeds if getattr(face, "NOISY", True) else 1)
    found: list[Array] = []
    counted: list[dict[str, float]] = []
    seconds = 0.0
    for number in numbers:
        share = 0.5 / len(numbers)
        part = _part(say, f"{asked.id}, seed {number}", 0.5 + share * number, share)
        one, statistics, spent = _run(mine, asked, face, ids, shown, number, key, kept, part)
        found.append(one)
        counted.append(statistics)
        seconds += spent
    ours, theirs = interval(found), interval(base)
    mean = {name: float(np.mean([one[name] for one in counted])) for name in counted[0]}
    return Emulation(
        model=mine.name,
        parameters=mine.parameters,
        substrate=asked,
        text=words.name,
        windows=windows,
        length=length,
        seeds=len(numbers),
        perplexity=ours,
        baseline=theirs,
        ratio=interval(found, base),
        statistics={**mean, "perplexity": ours.value, "perplexity_base": theirs.value},
        losses=tuple(tuple(float(x) for x in one) for one in found),
        baseline_losses=tuple(float(x) for x in base),
        caveats=mine.caveats,
        cpu_seconds=seconds,
        folder=mine.folder,
    )


def _part(say: Progress, words: str, start: float, share: float) -> Callable[[float], None]:
    return lambda done: say(f"Running {words}", start + share * done)


def _run(
    model: LanguageModel,
    substrate: Substrate,
    face: Any,
    windows: Tensor,
    calibration: Tensor,
    seed: int,
    key: Mapping[str, Any],
    cache: bool,
    progress: Callable[[float], None],
) -> tuple[Array, dict[str, float], float]:
    """Losses, what was counted, processor seconds."""
    import torch

    settings = {name: substrate.settings[name] for name in sorted(substrate.settings)}
    full = {**key, "technology": substrate.technology, "settings": settings, "seed": seed}
    kept = read_cached(full) if cache else None
    if kept is not None:
        return np.array(kept["losses"]), dict(kept["statistics"]), float(kept["cpu_seconds"])
    started = time.process_time()
    statistics: Any = {}
    module = model.module
    if substrate != BASELINE:
        module = copy.deepcopy(module)
        generator = torch.Generator().manual_seed(seed)
        statistics = face.convert(module, substrate, calibration, generator)
    found = losses(module, windows, progress)
    filled: Any = statistics() if callable(statistics) else statistics
    counted = {name: float(filled[name]) for name in filled}
    spent = time.process_time() - started
    if cache:
        write_cached(full, {"losses": found.tolist(), "statistics": counted, "cpu_seconds": spent})
    return found, counted, spent
