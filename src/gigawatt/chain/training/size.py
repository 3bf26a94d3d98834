"""What of a machine one run uses, and with what batch: every size has an answer, and more is never slower.

All accelerators are tried in one layout, then the largest parts of them; a part that is quicker is used, and
the other accelerators are spare. Where no batch is given, it grows while the steps it saves outweigh its
tokens: the same loss takes them in proportion to 1 + B / B_crit.

References
----------
McCandlish et al. 2018, arXiv 1812.06162 (tokens and steps over the batch). Bergsma et al. 2025, arXiv
2505.13738 (B_crit over tokens).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from gigawatt import catalog
from gigawatt.chain.training.terms import ROUNDING, Batch, RunTerms, critical_batch
from gigawatt.core.errors import GigawattError, InfeasibleError
from gigawatt.core.evidence import Assumption, Evidence, Grade
from gigawatt.core.quantities import compact
from gigawatt.machine import Cluster
from gigawatt.performance import Search, TrainingRun, capped, capped_search
from gigawatt.performance.layouts import IndivisibleError
from gigawatt.performance.search import search

__all__ = ["Fit", "Sizes", "fit_again", "fit_run", "fit_runs", "fit_whole", "spare_power_of"]

_DAY = 86400.0
_MOST = 2**21
"""Accelerators up to which a machine is looked for that holds a model."""
_PARTS = 8
"""Sizes in an octave that are looked at below a machine that is too large for its run."""
_WELL = 0.5
"""Share of the time of all accelerators that goes into arithmetic, above which a machine is not too large."""
_FAILS = 0.9
"""Goodput over that of half the machine, below which a smaller one may be quicker."""
_PATIENCE = 3
"""Steps of a batch, or octaves of a machine, without gain after which no other is looked at."""
_NEAR = 1.2
"""Time over that of the best, below which other batches are tried as well."""
_CLOSE = 1.05
"""The same, below which every layout is looked at."""
_BELOW = 3
"""Sizes that are looked at below a machine that is used well."""
_GROWTH = 2.0**0.5
"""Steps in which a batch grows."""
_DEGREES = ("tensor", "pipeline", "context", "data")


@dataclass(frozen=True)
class Fit:
    """What one of ``runs`` equal runs uses of its ``count`` accelerators.

    ``search`` holds the best layout of the ``cluster`` that is used, ``seconds`` is the run's time, failures
    included; ``notices`` say what is spare and why, and what batch was chosen.
    """

    run: TrainingRun
    cluster: Cluster
    count: int
    search: Search
    seconds: float
    share: float
    runs: int = 1
    terms: RunTerms | None = field(default=None, repr=False)
    notices: tuple[str, ...] = ()
    assumptions: tuple[Assumption, ...] = ()
    evidence: tuple[Evidence, ...] = ()

    @property
    def used(self) -> int:
        """Accelerators of one run that train."""
        return self.cluster.count

    @property
    def spare(self) -> int:
        """Accelerators of one run that stand by."""
        return self.count - self.cluster.count

    @property
    def spare_power(self) -> float:
        """IT power of the spare accelerators of one run [W]."""
        return spare_power_of(self.cluster, self.spare)

    def advice(self) -> tuple[str, ...]:
        """What a larger batch would do for a machine that the given one leaves idle: seconds of search."""
        if self.terms is None or not self.terms.batch_held or self.working >= _WELL:
            return ()
        return tuple(_small_batch_words(self.terms, self))

    @property
    def at_least(self) -> float:
        """Accelerator-seconds of the run on any smaller machine, without failures.

        Arithmetic, and half of all else, which a smaller machine is taken not to fall below (a guess).
        """
        best = self.search.best
        each = float(best.parts["arithmetic"][0] + best.step_time[0]) / 2.0
        return each * self.run.steps * self.used

    @property
    def working(self) -> float:
        """Share of the time of all accelerators that arithmetic takes, without failures."""
        best = self.search.best
        return float(best.parts["arithmetic"][0] / best.step_time[0]) * self.used / self.count


def spare_power_of(cluster: Cluster, spare: int) -> float:
    """IT power of ``spare`` idle accelerators like those of a cluster [W], node and network included."""
    each = cluster.chip.idle_power + cluster.node.overhead_power / cluster.node.chips + cluster.network_power
    return spare * each


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


@dataclass
class Sizes:
    """Fits of one run's terms, each computed once."""

    terms: RunTerms
    known: dict[tuple[object, ...], Fit | GigawattError] = field(default_factory=dict)
    shares: dict[int, float] = field(default_factory=dict)

    def share(self, count: int) -> float:
        """Goodput of ``count`` accelerators."""
        if count not in self.shares:
            self.shares[count] = self.terms.goodput(count).share
        return self.shares[count]

    def _once(self, key: tuple[object, ...], make: Callable[[], Fit]) -> Fit:
        if key not in self.known:
            try:
                self.known[key] = make()
            except GigawattError as error:
                self.known[key] = error
        found = self.known[key]
        if isinstance(found, GigawattError):
            raise found
        return found

    def _fit(self, run: TrainingRun, cluster: Cluster, found: Search) -> Fit:
        share = self.share(cluster.count)
        seconds = self.terms.seconds(run.steps, float(found.best.step_time[0]), share)
        return Fit(run, cluster, cluster.count, found, seconds, share)

    def on(self, used: int, batch: Batch, *, uneven: bool) -> Fit:
        """All of ``used`` accelerators in one layout, of every layout of them."""

        def make() -> Fit:
            terms = self.terms
            run, (cluster, _) = terms.run(used, batch, uneven=uneven), terms.cluster(used)
            found = capped_search(
                run, cluster, terms.stack, terms.fixed, top=1, widen=terms.widen, cap=terms.cap
            )
            return self._fit(run, cluster, found)

        return self._once((used, batch, uneven), make)

    def part(self, count: int, batch: Batch) -> Fit:
        """The quickest part of ``count`` accelerators, of few layouts and without regard of failures.

        A batch that is not held is filled up to what the layout works through.
        """

        def make() -> Fit:
            terms = self.terms
            run, (cluster, _) = terms.run(count, batch, uneven=True), terms.cluster(count)
            fill = 0.0 if terms.batch_held else _GROWTH - 1.0
            found = search(
                run, cluster, terms.stack, terms.fixed, top=1, widen=terms.widen, part=True, fill=fill
            )
            layout = found.best.layouts
            full = int(layout.microbatches[0]) * int(layout.data[0]) * int(layout.microbatch[0])
            if run.global_batch < full <= (1.0 + fill) * run.global_batch:
                run = terms.run(count, ("token", float(full * terms.sequence)), uneven=True)
            used, _ = terms.cluster(int(layout.count[0]))
            return self._fit(run, used, replace(found, best=capped(found.best, used, terms.cap)))

        return self._once((count, batch, "part"), make)

    def refined(self, part: Fit, batch: Batch) -> Fit:
        """The same part in the best of all layouts, with its batch or, where none is held, an even one."""
        if self.terms.batch_held:
            return self.on(part.used, batch, uneven=True)
        uneven = self.on(part.used, ("token", part.run.tokens_per_step), uneven=True)
        try:
            even = self.on(part.used, batch, uneven=False)
        except GigawattError:
            return uneven
        return min(uneven, even, key=lambda fit: fit.seconds)

    def best_part(self, count: int, batch: Batch) -> Fit:
        """The quickest part in the best of all layouts."""
        return self.refined(self.part(count, batch), batch)

    def of(self, count: int, batch: Batch) -> Fit:
        """The quicker of all accelerators and a part of them; all where they are a power of two at work."""
        found: list[Fit] = []
        errors: list[GigawattError] = []
        pinned = all(name in self.terms.fixed for name in _DEGREES)
        for one in (lambda: self.on(count, batch, uneven=False), lambda: self.best_part(count, batch)):
            try:
                found.append(one())
            except (IndivisibleError, InfeasibleError) as error:
                errors.append(error)
                if pinned:
                    raise
            if found and _power_of_two(count) and found[0].working >= _WELL:
                break
        if not found:
            raise next((one for one in errors if isinstance(one, InfeasibleError)), errors[0])
        return min(found, key=lambda fit: fit.seconds)

    def grown(self, count: int, batch: Batch, find: Callable[[int, Batch], Fit]) -> tuple[Fit, Batch]:
        """What is found, with its batch: ``batch``, or a larger or smaller one while that is quicker."""
        best = find(count, batch)
        if self.terms.batch_held:
            return best, batch
        start = batch
        for times in (_GROWTH, 1.0 / _GROWTH):
            other, slower = start, 0
            while slower < _PATIENCE:
                other = other[0], other[1] * times
                if other[1] < (1.0 - ROUNDING) * self.terms.batch[1]:
                    break
                try:
                    found = find(count, other)
                except GigawattError:
                    break
                slower += 1
                if found.seconds < best.seconds:
                    best, batch, slower = found, other, 0
        return best, batch

    def best(self, count: int) -> Fit:
        """The quickest of ``count`` accelerators and of every smaller machine that may be quicker."""
        best, batch = self.grown(count, self.terms.batch, self.of)
        share = self.share(count)
        half = self.share(max(count // 2, 1))
        if count <= 1:
            return best
        sizes = [size for size in _ladder() if size < count]
        if best.working >= _WELL and share >= _FAILS * half:
            if _power_of_two(count) and best.used == count:
                return best
            sizes = sizes[-_BELOW:]
        slower = 0
        for size in filter(_power_of_two, reversed(sizes)):
            if slower == _PATIENCE:
                break
            if size * self.share(size) < (size // 2) * self.share(max(size // 2, 1)):
                continue  # failures cost more than the accelerators bring
            before = best
            best, batch = self._quicker(size, best, batch)
            slower = slower + 1 if best is before else 0
        for size in [size for size in sizes if 0.7 < size / best.used < 1.4]:
            best, batch = self._quicker(size, best, batch)
        if not best.run.uneven:
            return best
        return min(best, self.refined(best, batch), key=lambda fit: fit.seconds)

    def _quicker(self, size: int, best: Fit, batch: Batch) -> tuple[Fit, Batch]:
        """The quicker of ``best`` and a part of ``size`` accelerators, with their batches."""
        if best.at_least / (size * self.share(size)) >= best.seconds:
            return best, batch
        batches = [batch]
        if not self.terms.batch_held and size < best.used:
            batches.append((batch[0], max(batch[1] * size / best.used, self.terms.batch[1])))
        try:
            found, own = min(((self.part(size, one), one) for one in batches), key=lambda way: way[0].seconds)
            if found.seconds < _NEAR * best.seconds:
                found, own = self.grown(size, own, self.part)
            if found.seconds < _CLOSE * best.seconds:
                found = min(found, self.refined(found, own), key=lambda fit: fit.seconds)
        except GigawattError:
            return best, batch
        return (found, own) if found.seconds < best.seconds else (best, batch)


def _power_of_two(count: int) -> bool:
    """Whether it is one: degrees divide it so well that no part of it is looked for."""
    return not count & (count - 1)


def _ladder() -> list[int]:
    """Sizes of which every smaller machine is one, eight in an octave."""
    octaves = range(_MOST.bit_length())
    steps = range(_PARTS, 2 * _PARTS)
    return sorted({2**octave * step // _PARTS for octave in octaves for step in steps})


def fit_run(terms: RunTerms, count: int) -> Fit:
    """What one run uses of ``count`` accelerators, and with what batch.

    Raises
    ------
    InfeasibleError
        The model does not fit: says the fewest accelerators that hold it.
    InputError
        A pin that cannot divide.
    """
    sizes = Sizes(terms)
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


def fit_runs(terms: RunTerms, count: int, runs: int) -> Fit:
    """What each of ``runs`` equal runs uses of its share of ``count`` accelerators; 0 runs: as many as pay.

    Raises
    ------
    InfeasibleError, InputError
        As :func:`fit_run`.
    """
    if runs:
        return replace(fit_run(terms, max(count // runs, 1)), runs=runs)
    worth = catalog.entity("batch_law", "runs").evidence("runs_worth")
    sizes, runs, told = Sizes(terms), 1, list[str]()
    best = _best(sizes, count)
    while count >= 2 * runs:
        try:
            other = _best(sizes, count // (2 * runs))
        except InfeasibleError:
            break
        gain = 2.0 * best.seconds / other.seconds
        if gain < worth.value:
            told.append(f"{2 * runs} runs would train {gain:.3g} times the tokens a day")
            break
        best, runs = other, 2 * runs
    if runs > 1:
        together = compact(runs * terms.tokens / best.seconds * _DAY, "tokens")
        told.insert(
            0,
            f"{runs} runs share the campus, {best.count:,} accelerators each (training.runs: auto): "
            f"{best.seconds / _DAY:.4g} days each, together {together} a day",
        )
    best = _told(sizes, best)
    assumed = Assumption("training.runs_worth", f"{worth.value:g}", worth.note, worth.grade, worth.source_id)
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
        fit, terms=sizes.terms, notices=tuple(_notices(sizes, fit)),
        assumptions=_assumed(sizes.terms, fit), evidence=tuple(law),
    )  # fmt: skip


def _fewest(sizes: Sizes, count: int) -> str | None:
    """The fewest accelerators on which the model fits, in words."""
    batch, low, high = sizes.terms.batch, count, count

    def fits(number: int) -> bool:
        try:
            sizes.of(number, batch)
        except GigawattError:
            return False
        return True

    while high < _MOST and not fits(high := 2 * high):
        low = high
    if not fits(high):
        return None
    while high - low > max(1, high // 64):
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return f"{sizes.of(high, batch).used:,} or more of them, or others with more memory"


def _notices(sizes: Sizes, fit: Fit) -> list[str]:
    terms, told, critical = sizes.terms, list[str](), critical_batch(sizes.terms.tokens)
    if fit.search.beyond:
        told.append(
            f"no layout that {terms.stack.id} offers fits: layouts of later software are taken "
            "(sequence parallelism, selective recomputation, parts of a sequence, ZeRO)"
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
        if batch > critical:
            told.append(
                f"a batch of {compact(batch, 'tokens')} is {batch / critical:.2g} times the critical batch, "
                f"{compact(critical, 'tokens')}: the same loss takes {1.0 + batch / critical:.2g} times the "
                "tokens of a small batch; the tokens given are kept"
            )
    elif fit.run.tokens > terms.tokens:
        usual = sizes.of(fit.count, terms.batch)
        told.append(
            f"no batch is given: {compact(batch, 'tokens')} a step take {days:.4g} days in place of "
            f"{usual.seconds / _DAY:.4g} with {compact(usual.run.tokens_per_step, 'tokens')}, and "
            f"{100.0 * (fit.run.tokens / terms.tokens - 1.0):.2g} % more tokens for the same loss (critical "
            f"batch {compact(critical, 'tokens')})"
        )
    return told


def _spare_words(sizes: Sizes, fit: Fit) -> str:
    why = "no layout divides them all"
    try:
        whole = sizes.on(fit.count, sizes.terms.batch, uneven=False)
        why = f"all in one layout would take {whole.seconds / _DAY:.4g} days, not {fit.seconds / _DAY:.4g}"
    except GigawattError:
        pass
    return (
        f"{fit.count:,} accelerators asked, {fit.used:,} used, {fit.spare:,} spare: {why}; the spare ones "
        "stand by for failed nodes, are paid for and draw idle power"
    )


def _small_batch_words(terms: RunTerms, fit: Fit) -> list[str]:
    """What a larger batch would do for a machine that the given one leaves idle, if anything."""
    given = "token", fit.run.tokens_per_step
    free = Sizes(replace(terms, batch=given, batch_held=False)).best(fit.count)
    if free.seconds >= fit.seconds:
        return []
    return [
        f"a batch of {fit.run.global_batch:,} sequences is small for {fit.count:,} accelerators, which "
        f"compute {100.0 * fit.working:.2g} % of the time: {free.run.global_batch:,} sequences would take "
        f"{free.seconds / _DAY:.4g} days in place of {fit.seconds / _DAY:.4g}, more tokens for the same loss "
        "counted; several runs side by side (training.runs: auto) use more of them"
    ]


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
        Assumption(
            "training.critical_batch", compact(critical_batch(terms.tokens), "tokens"),
            law.note, law.grade, law.source_id,
        ),
    )  # fmt: skip
