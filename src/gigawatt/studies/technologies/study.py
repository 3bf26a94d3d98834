"""Every substrate run on a model and priced in one go: the stored rows made anew, on any model and text.

What the runs count goes into the cost, as everywhere. A substrate without a functional face, or one that a
model refuses, keeps its cost and has no quality.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gigawatt.chain.machine.technologies import Comparison, compare, list_substrates, read_substrate
from gigawatt.core.errors import InputError
from gigawatt.emulation.run import Emulation, emulate
from gigawatt.emulation.text import WIKIPEDIA
from gigawatt.technology.digital import formats as digital
from gigawatt.technology.measured import Measured
from gigawatt.technology.registry import registered

__all__ = ["Studied", "study_all"]

_RUN = frozenset(("perplexity", "perplexity_base"))


@dataclass(frozen=True)
class Studied:
    """The comparison with fresh qualities, which substrates could not be run and why, processor seconds."""

    comparison: Comparison
    not_run: tuple[tuple[str, str], ...]
    cpu_seconds: float


def _quality(run: Emulation) -> Measured:
    counted = {name: value for name, value in run.statistics.items() if name not in _RUN}
    ratio = run.ratio
    return Measured(
        run.model,
        run.perplexity.value,
        run.baseline.value,
        ratio.value,
        ratio.low,
        ratio.high,
        "measured",
        counted,
    )


def study_all(
    *,
    model: str | Path = "smollm2-135m",
    text: str | Path = WIKIPEDIA,
    windows: int = 8,
    length: int = 512,
    priced: str = "llama-3.1-8b",
    substrates: Sequence[str] | None = None,
    chip: str = digital.CHIP,
    batch: float = 1.0,
    context: float = 512.0,
    cache: bool = True,
    progress: Callable[[str, float], None] | None = None,
) -> Studied:
    """Run a model on every substrate, and price each with what its run counted.

    Parameters
    ----------
    model, text, windows, length, cache
        As of :func:`~gigawatt.emulation.run.emulate`: what is run. Finished runs are kept, so that a study
        that was stopped goes on where it was.
    priced, chip, batch, context
        As of :func:`~gigawatt.chain.machine.technologies.compare`: whose tokens are priced, beside what.
    substrates : sequence of str, optional
        All of the catalog where left out.
    progress : callable, optional
        Called with words and the share done.

    Raises
    ------
    InputError, MissingDataError
        A name or number that cannot be, or the extra ``emulation`` is not installed.
    """
    say = progress or (lambda words, share: None)
    names = list_substrates() if substrates is None else list(substrates)
    if not names:
        raise InputError("no substrate to run", key="substrates", allowed="names of substrates")
    started = time.process_time()
    found: dict[str, Measured] = {}
    failed: list[tuple[str, str]] = []
    for done, name in enumerate(names):
        one = read_substrate(name)
        if not registered(one.technology).emulation:
            failed.append((one.id, "no functional face: its quality is that of its number format"))
            continue
        share = done / len(names)
        try:
            run = emulate(
                model,
                one,
                text=text,
                windows=windows,
                length=length,
                cache=cache,
                progress=lambda words, part, share=share: say(words, share + part / len(names)),
            )
        except InputError as error:
            failed.append((one.id, str(error)))
            continue
        found[one.id] = _quality(run)
    asked = None if substrates is None else names
    made = compare(model=priced, substrates=asked, chip=chip, batch=batch, context=context, qualities=found)
    return Studied(made, tuple(failed), time.process_time() - started)
