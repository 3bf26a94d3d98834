"""Which size a run takes, in words: spares by name, the batch that was chosen, runs side by side."""

from __future__ import annotations

from dataclasses import replace

from gigawatt import catalog
from gigawatt.chain.training.sizes import MOST, Fit, Sizes
from gigawatt.chain.training.terms import RunTerms, critical_batch
from gigawatt.core.errors import GigawattError, InfeasibleError
from gigawatt.core.evidence import Assumption, Grade
from gigawatt.core.quantities import compact, several
from gigawatt.performance.layouts import IndivisibleError, not_offered
from gigawatt.performance.search import lacking_bytes
from gigawatt.schema.pins import word_of

__all__ = ["fit_again", "fit_run", "fit_runs", "fit_whole"]

_ROUNDED = 0.001
"""Rounding of a given batch from which on it is said."""
_UNSEEN = 5
"""What a part that was not searched may be quicker by [percent]: the most of 200 sizes of a benchmark."""
_DAY = 86400.0
_SPREAD = 0.9
"""Share of what one accelerator would hold, below which the memory of several is not looked at."""
_FEW_SPARE = 0.1
"""Share of a machine above which spare accelerators are no remainder of a division."""


class TooSmallError(InfeasibleError):
    """The model does not fit. The fewest accelerators that hold it are looked for when the error is read."""

    look: tuple[Sizes, int] | None = None
    _allowed: str | None = None

    @property
    def allowed(self) -> str | None:  # type: ignore[override]
        """What would do."""
        if self.look is not None:
            (sizes, count), self.look = self.look, None
            self._allowed = _fewest(sizes, count) or self._allowed
        return self._allowed

    @allowed.setter
    def allowed(self, value: str | None) -> None:
        self._allowed = value


def fit_run(terms: RunTerms, count: int, known: Sizes | None = None) -> Fit:
    """What one run uses of ``count`` accelerators, and with what batch; ``known`` are sizes of its terms.

    Raises
    ------
    InfeasibleError
        The model does not fit: says the fewest accelerators that hold it.
    InputError
        A pin that cannot divide.
    """
    sizes = known or Sizes(terms)
    return _told(sizes, _best(sizes, count))


def fit_whole(terms: RunTerms, count: int) -> Fit:
    """All of ``count`` accelerators in one layout, with the usual batch: ten times as quick.

    Raises what :func:`fit_run` raises, which answers where no layout divides them.
    """
    sizes = Sizes(terms)
    try:
        return sizes.on(count, terms.batch, uneven=False)
    except IndivisibleError:
        return _best(sizes, count)


def fit_again(terms: RunTerms, fit: Fit) -> Fit:
    """The accelerators and batch of another fit of the run, in the quickest of their layouts.

    Raises ``InfeasibleError`` where the model does not fit.
    """
    batch = "token", fit.run.tokens_per_step
    return replace(Sizes(terms).on(fit.used, batch, uneven=fit.run.uneven), count=fit.count)


def fit_runs(terms: RunTerms, count: int, runs: int, known: Sizes | None = None) -> Fit:
    """What each of ``runs`` equal runs uses of its share of ``count`` accelerators; 0 runs: as many as pay.

    ``known`` are sizes of the terms that were looked at before.

    Raises
    ------
    InfeasibleError, InputError
        As :func:`fit_run`.
    """
    if runs:
        return replace(fit_run(terms, max(count // runs, 1), known), runs=runs)
    worth = catalog.entity("batch_law", "runs").evidence("runs_worth")
    sizes, told = known or Sizes(terms), list[str]()
    runs, times = sizes.side_by_side(count)
    best = _best(sizes, max(count // runs, 1))
    if runs > 1:
        together = compact(runs * terms.tokens / best.seconds * _DAY, "tokens")
        told.append(
            f"{runs} runs share the campus, {several(best.count, 'accelerator')} each (training.runs: auto): "
            f"{best.seconds / _DAY:.4g} days each, together {together} a day"
        )
    if len(times) > (at := runs.bit_length()):
        told.append(
            f"{2 * runs} runs would train {2.0 * times[at - 1] / times[at]:.3g} times the tokens a day"
        )
    best = _told(sizes, best)
    assumed = worth.assumption("training.runs_worth", worth.note, f"{worth.value:g}")
    return replace(
        best, runs=runs, notices=("; ".join(told), *best.notices) if told else best.notices,
        assumptions=(*best.assumptions, assumed), evidence=(*best.evidence, worth),
    )  # fmt: skip


def _best(sizes: Sizes, count: int) -> Fit:
    try:
        return replace(sizes.best(count), count=count)
    except InfeasibleError as error:
        found = TooSmallError(error.message, key=error.key, given=error.given, allowed=error.allowed)
        found.look = sizes, count
        raise found from None


def _told(sizes: Sizes, fit: Fit) -> Fit:
    """The fit with its notices and assumptions, and the rows behind a batch that was chosen."""
    law = catalog.entity("batch_law", "critical").rows() if fit.run.tokens > sizes.terms.tokens else ()
    return replace(
        fit, sizes=sizes, notices=tuple(_notices(sizes, fit)),
        assumptions=_assumed(sizes.terms, fit), evidence=tuple(law),
    )  # fmt: skip


def _fewest(sizes: Sizes, count: int) -> str | None:
    """The fewest accelerators on which the model fits, in words."""
    batch = sizes.terms.batch
    low = high = 2 ** (count.bit_length() - 1)  # of every number the same between two powers of two
    least = _SPREAD * _whole_memory(sizes.terms)

    def fits(number: int) -> bool:
        if number * sizes.terms.chip.memory_bytes < least:
            return False
        try:
            sizes.of(number, batch)
        except GigawattError:
            return False
        return True

    while high < MOST and not fits(high := 2 * high):
        low = high
    if not fits(high):
        return None
    while high - low > max(1, high // 64):
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return f"{sizes.of(high, batch).used:,} or more of them, or others with more memory"


def _whole_memory(terms: RunTerms) -> float:
    """What the run takes on one accelerator [B]: many hold no less of it together. 0 where pins need many."""
    cluster, _ = terms.cluster(1)
    try:
        lacking = lacking_bytes(terms.run(1, terms.batch, uneven=True), cluster, terms.stack, terms.fixed)
    except GigawattError:
        return 0.0
    return lacking + cluster.chip.memory_bytes


def _notices(sizes: Sizes, fit: Fit) -> list[str]:
    terms, told, critical = sizes.terms, list[str](), critical_batch(sizes.terms.tokens)
    if fit.search.beyond:
        told.append(
            f"no layout that {terms.stack.id} offers fits: layouts of later software are taken "
            "(sequence parallelism, selective recomputation, parts of a sequence, ZeRO)"
        )
    if alien := not_offered(terms.stack, terms.fixed, terms.widen):
        words = ", ".join(f"{name.replace('_', ' ')} {word_of(name, value)}" for name, value in alien.items())
        told.append(
            f"the layout is pinned to {words}, which {terms.stack.id} does not offer: a search without the "
            "pin does not look at it, and may find a slower one"
        )
    if fit.spare:
        told.append(_spare_words(sizes, fit))
    layout = fit.search.best.layouts
    most, mean = float(layout.microbatches[0]), float(layout.mean_microbatches[0])
    if most > mean:
        told.append(
            f"{fit.run.global_batch:,} sequences do not divide over {int(layout.data[0]):,} replicas: a step "
            f"waits for those with {most:.0f} microbatches, the mean has {mean:.4g}"
        )
    batch, days = fit.run.tokens_per_step, fit.seconds / _DAY
    if terms.batch_held:
        told += _held_batch_words(terms, fit)
        if batch > critical:
            told.append(
                f"a batch of {compact(batch, 'tokens')} is {batch / critical:.2g} times the critical batch, "
                f"{compact(critical, 'tokens')}: the same loss takes {1.0 + batch / critical:.2g} times the "
                "tokens of a small batch; the tokens given are kept"
            )
    elif fit.run.tokens > terms.tokens:
        usual = sizes.of(fit.count, terms.batch)
        smaller = ""
        if usual.run.tokens_per_step < batch:
            smaller = (
                f" in place of {usual.seconds / _DAY:.4g} with {compact(usual.run.tokens_per_step, 'tokens')}"
            )
        told.append(
            f"no batch is given: {compact(batch, 'tokens')} a step take {days:.4g} days{smaller}, and "
            f"{100.0 * (fit.run.tokens / terms.tokens - 1.0):.3g} % more tokens for the same loss (critical "
            f"batch {compact(critical, 'tokens')})"
        )
    return told


def _held_batch_words(terms: RunTerms, fit: Fit) -> list[str]:
    """By how much a given batch is rounded, and what of the parts was not looked at."""
    told, (counted, given), batch = list[str](), terms.batch, fit.run.tokens_per_step
    if counted == "token" and abs(batch / given - 1.0) > _ROUNDED:
        told.append(
            f"the batch of {compact(given, 'tokens')} is rounded to {compact(batch, 'tokens')}, so that "
            f"{int(fit.search.best.layouts.data[0]):,} replicas divide it"
        )
    if fit.spare:
        told.append(
            f"a batch is given: of the parts of the machine only the likeliest are searched closely, another "
            f"may be up to {_UNSEEN} % quicker"
        )
    return told


def _spare_words(sizes: Sizes, fit: Fit) -> str:
    why = "no layout divides them all"
    if fit.spare > _FEW_SPARE * fit.count:
        why = "one run is no quicker on more of them, as failures and exchanges grow with their number"
    try:
        whole = sizes.on(fit.count, sizes.terms.batch, uneven=False)
        why = f"all in one layout would take {whole.seconds / _DAY:.4g} days, not {fit.seconds / _DAY:.4g}"
    except GigawattError:
        pass
    return (
        f"{fit.count:,} accelerators: {fit.used:,} used, {fit.spare:,} spare: {why}; the spare ones "
        "stand by for failed nodes, are paid for and draw idle power"
    )


def _assumed(terms: RunTerms, fit: Fit) -> tuple[Assumption, ...]:
    """The batch that was chosen, and the law it was chosen by."""
    if fit.run.tokens <= terms.tokens:
        return ()
    law = catalog.entity("batch_law", "critical").evidence("batch_scale")
    return (
        Assumption(
            "training.batch_chosen", compact(fit.run.tokens_per_step, "tokens"),
            "the quickest on this machine, by the law of the critical batch", Grade.guess,
        ),
        law.assumption("training.critical_batch", law.note, compact(critical_batch(terms.tokens), "tokens")),
    )  # fmt: skip
