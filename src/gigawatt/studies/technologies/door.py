"""Compute technologies: what the commands and Python both call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from gigawatt.core.answer import Answer
from gigawatt.studies.technologies import STUDY

__all__ = ["compare_technologies", "technologies_audit", "technologies_needs", "technologies_study"]

Progress = Callable[[str, float], None]


def compare_technologies(
    *,
    model: str = "llama-3.1-8b",
    substrates: Sequence[str] | None = None,
    chip: str | None = None,
    batch: float = 1.0,
    context: float = 512.0,
    bands: bool = False,
    settings: Mapping[str, object] | None = None,
    progress: Progress | None = None,
) -> Answer:
    """Number formats, sparsity and other substrates side by side, as ``gigawatt technologies compare`` does.

    Parameters
    ----------
    model : str
        Whose tokens are priced.
    substrates : sequence of str, optional
        Rows of ``gigawatt catalog list substrates``; all of them where left out.
    chip : str, optional
        The digital machine, or the host of what is not digital.
    batch, context : float
        Sequences that are decoded together, ≥ 1, and tokens behind each.
    bands : bool
        Ranges of joules and dollars as well.
    settings : mapping, optional
        Fields of a scenario that the dollars follow from: ``{"supply.price": "40 $/MWh"}``.
    progress : callable, optional
        Called with (what is done, share done).

    Returns
    -------
    Answer
        Table ``rows``: perplexity over that as trained, as a stored run measured it, joules and dollars a
        token; figures ``front`` (``kind="joules"`` or ``"dollars"``, ``scope="chip"`` or ``"system"``) and
        ``components``.
    """
    from gigawatt.chain.machine.technologies import compare as compared
    from gigawatt.chain.machine.technologies import read_prices, with_bands
    from gigawatt.technology.digital import formats as digital

    found = compared(
        model=model, substrates=substrates, chip=chip or digital.CHIP, batch=batch, context=context,
        prices=read_prices(settings or {}),
    )  # fmt: skip
    return _compared(with_bands(found, progress) if bands else found)


def _compared(found: Any, **more: Any) -> Answer:
    from gigawatt.studies.technologies import figures

    data = {**found.to_json(), **more}
    drawings = {"front": partial(figures.front, data), "components": partial(figures.components, data)}
    return Answer(STUDY, data, found, drawings)


def technologies_study(
    *,
    model: str = "smollm2-135m",
    priced: str = "llama-3.1-8b",
    substrates: Sequence[str] | None = None,
    windows: int = 8,
    chip: str | None = None,
    batch: float = 1.0,
    progress: Progress | None = None,
) -> Answer:
    """Run a model on every substrate and compare them, as ``gigawatt technologies study`` does (torch).

    Parameters
    ----------
    model, priced : str
        What is run, and whose tokens are priced.
    substrates : sequence of str, optional
        All where left out.
    windows : int
        Held-out windows of 512 tokens, ≥ 2.
    chip : str, optional
        The digital machine, or the host.
    batch : float
        Sequences that decode together.
    progress : callable, optional
        Called with (what is done, share done).

    Returns
    -------
    Answer
        As of :func:`compare_technologies`, with ``not_run`` and ``cpu_seconds``.
    """
    from gigawatt.chain.machine.technologies import with_bands
    from gigawatt.studies.technologies.study import study_all
    from gigawatt.technology.digital import formats as digital

    report = progress or (lambda words, share: None)
    made = study_all(
        model=model, priced=priced, substrates=substrates, windows=windows, chip=chip or digital.CHIP,
        batch=batch, progress=lambda words, share: report(words, 0.9 * share),
    )  # fmt: skip
    report("Moving rows", 0.9)
    return _compared(
        with_bands(made.comparison),
        not_run=[list(one) for one in made.not_run], cpu_seconds=made.cpu_seconds,
    )  # fmt: skip


def technologies_audit(
    id: str | None = None, *, model: str | None = None, context: float = 2048.0, against: str | None = None
) -> Answer:
    """What remains of a published claim, as ``gigawatt technologies audit`` says.

    Parameters
    ----------
    id : str, optional
        A published row; all are listed without it.
    model : str, optional
        On which it is tried.
    context : float
        Tokens behind the one that is computed.
    against : str, optional
        Another row: their ratio, if they count the same.

    Returns
    -------
    Answer
        Keys in docs/technologies.md; rows ``id, name, metric, claim`` without an id.

    Raises
    ------
    InputError
        No such row; two that do not count the same.
    """
    from gigawatt.studies.technologies.audit import audit, audited, figure_of
    from gigawatt.studies.technologies.tables import claims_of

    if id is None:
        return Answer(STUDY, {"rows": claims_of(audited())}, listed=True, kind="claims")
    if against is not None:
        data = {"id": id, "against": against, "ratio": figure_of(id).over(figure_of(against))}
        return Answer(STUDY, data, kind="ratio")
    found = audit(id, model=model, context=context)
    return Answer(STUDY, found.to_json(), found, kind="audit")


def technologies_needs(
    chip: str, *, model: str = "llama-3.1-70b", today: str = "H100", loss: float = 1.02
) -> Answer:
    """What a machine of several substrates supposes, as ``gigawatt technologies needs`` lists it.

    Parameters
    ----------
    chip : str
        A hybrid chip of the catalog.
    model : str
        Whose weights stand in its cells.
    today : str
        The chip that its memory and links stand beside.
    loss : float
        Perplexity that would be borne, over the model's own.

    Returns
    -------
    Answer
        A row a supposition.

    Raises
    ------
    InputError
        No such chip or model; one that is no hybrid.
    """
    from gigawatt.chain.machine.hybrids import needs
    from gigawatt.chain.machine.technologies import read_model

    found = needs(chip, read_model(model), today=today, loss=loss)
    data = {"rows": [one.to_json() for one in found]}
    return Answer(STUDY, data, found, listed=True, kind="needs")
