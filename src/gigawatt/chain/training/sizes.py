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

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from gigawatt import catalog
from gigawatt.chain.machine.quantities import spare_power_of
from gigawatt.chain.training.lasting import duration_of
from gigawatt.chain.training.terms import ROUNDING, Batch, RunTerms
from gigawatt.core.errors import GigawattError, InfeasibleError
from gigawatt.core.evidence import Assumption, Evidence
from gigawatt.core.quantities import several
from gigawatt.machine import Cluster
from gigawatt.performance import Search, TrainingRun, capped, capped_search
from gigawatt.performance.known_costs import KnownCosts
from gigawatt.performance.layouts import IndivisibleError
from gigawatt.performance.search import search

__all__ = ["MOST", "Fit", "Sizes"]

_DAY = 86400.0
MOST = 2**21
"""Accelerators up to which a machine is looked for that holds a model."""
_PARTS, _FINE = 8, 16
"""Sizes in an octave that are looked at below a machine that is too large for its run, and that is not."""
_WELL = 0.5
"""Share of the time of all accelerators that goes into arithmetic, above which a machine is not too large."""
_LOW = 0.8
"""Goodput of one run below which several are said to make more of the machine."""
_FAILS = 0.9
"""Goodput over that of half the machine, below which a smaller one may be quicker."""
_PATIENCE = 3
"""Steps of a batch, or octaves of a machine, without gain after which no other is looked at."""
_NEAR = 1.2
"""Time over that of the best, below which other batches are tried as well."""
_CLOSE = 1.05
"""The same, below which every layout is looked at."""
_BELOW = 3
"""Sizes that are looked at below a machine that is used well, and looked at closely below one that is not."""
_FEW = 64
"""Accelerators up to which numbers that are no whole nodes are looked at."""
_NODES = 1024
"""Accelerators up to which whole and half nodes below are looked at as machines of their own."""
_TOP, _SIZES = 256, 16
"""Quickest parts of a machine, in few layouts, and how many of their sizes are looked at closely."""
_GROWTH = 2.0**0.5
"""Steps in which a batch grows."""
_DEGREES = ("tensor", "pipeline", "context", "data")


@dataclass(frozen=True)
class Fit:
    """What one of ``runs`` equal runs uses of its ``count`` accelerators.

    ``search`` holds the best layout of the ``cluster`` that is used, ``seconds`` is the run's time, failures
    included; ``sizes`` are those that were looked at, ``notices`` say what is spare and why, and what batch
    was chosen.
    """

    run: TrainingRun
    cluster: Cluster
    count: int
    search: Search
    seconds: float
    share: float
    runs: int = 1
    sizes: Sizes | None = field(default=None, repr=False, compare=False)
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
        """IT power of the spare accelerators of one run, and of empty places of its nodes [W]."""
        return spare_power_of(self.cluster, self.spare, self.count)

    def advice(self) -> tuple[str, ...]:
        """What a larger batch would do for a machine that the given one leaves idle, and what several runs
        would do for one that failures do: seconds of search."""
        if self.sizes is None:
            return ()
        terms, told = self.sizes.terms, list[str]()
        if terms.batch_held and self.working < _WELL:
            told += _small_batch_words(terms, self)
        if self.runs == 1 and self.share < _LOW and terms.given_goodput is None:
            told += _several_words(self.sizes, self)
        return tuple(told)

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


@dataclass
class Sizes:
    """Fits of one run's terms, each computed once."""

    terms: RunTerms
    known: dict[tuple[object, ...], Fit | GigawattError] = field(default_factory=dict)
    shares: dict[int, float] = field(default_factory=dict)
    costs: KnownCosts = field(default_factory=KnownCosts, repr=False, compare=False)

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
        seconds = duration_of(run, self.terms.overhead, float(found.best.step_time[0]), share)
        return Fit(run, cluster, cluster.count, found, seconds, share)

    def on(self, used: int, batch: Batch, *, uneven: bool) -> Fit:
        """All of ``used`` accelerators in one layout, of every layout of them."""

        def make() -> Fit:
            terms = self.terms
            run, (cluster, _) = terms.run(used, batch, uneven=uneven), terms.cluster(used)
            found = capped_search(
                run, cluster, terms.stack, terms.fixed, top=1, widen=terms.widen, cap=terms.cap,
                counted=False, known=self.costs,
            )  # fmt: skip
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
            top = _TOP if terms.batch_held else 1
            found = search(
                run, cluster, terms.stack, terms.fixed, top=top, widen=terms.widen, part=True, fill=fill,
                counted=False, known=self.costs,
            )  # fmt: skip
            layout = found.best.layouts
            full = int(layout.microbatches[0]) * int(layout.data[0]) * int(layout.microbatch[0])
            if run.global_batch < full <= (1.0 + fill) * run.global_batch:
                run = terms.run(count, ("token", float(full * terms.sequence)), uneven=True)
            used, _ = terms.cluster(int(layout.count[0]))
            return self._fit(run, used, replace(found, best=capped(found.best, used, terms.cap)))

        return self._once((count, batch, "part"), make)

    def _rounded_part(self, count: int, batch: Batch) -> tuple[Fit, Batch] | None:
        """The quickest part with a held batch in tokens rounded so that replicas divide it, and that batch.

        As all accelerators may round it: replicas of every power of two of accelerators, as many as there is
        room for and the rounding lets work through as many sequences each.
        """
        counted, number = batch
        if not self.terms.batch_held or counted != "token" or "data" in self.terms.fixed:
            return None
        wanted, sequence = number / self.terms.sequence, self.terms.sequence
        numbers = set[int]()
        for replica in (2**power for power in range(count.bit_length())):
            data = count // replica
            for each in {max(1, math.floor(wanted / data)), math.ceil(wanted / data)}:
                whole = each * min(data, math.floor((1.0 + ROUNDING) * wanted / each))
                if whole and abs(whole / wanted - 1.0) <= ROUNDING:
                    numbers.add(whole)
        found: tuple[Fit, Batch] | None = None
        for whole in sorted(numbers - {round(wanted)}):
            other: Batch = counted, float(whole * sequence)
            try:
                fit = self.part(count, other)
            except GigawattError:
                continue
            if found is None or fit.seconds < found[0].seconds:
                found = fit, other
        return found

    def refined(self, part: Fit, batch: Batch) -> Fit:
        """The same part in the best of all layouts, with its batch or, where none is held, an even one.

        Of a batch that is held also the parts that are next to it.
        """
        if self.terms.batch_held:
            return self._closest(part, batch)
        uneven = self.on(part.used, ("token", part.run.tokens_per_step), uneven=True)
        try:
            even = self.on(part.used, batch, uneven=False)
        except GigawattError:
            return uneven
        return min(uneven, even, key=lambda fit: fit.seconds)

    def _closest(self, part: Fit, batch: Batch) -> Fit:
        """The quickest, in the best of all layouts, of the few parts that were quickest in few of them."""
        counts = dict.fromkeys(int(used) for used in part.search.best.layouts.count)
        found, wrong = list[Fit](), list[GigawattError]()
        for used in list(counts)[:_SIZES]:
            try:
                found.append(self.on(used, batch, uneven=True))
            except GigawattError as error:
                wrong.append(error)
        if not found:
            raise wrong[0]
        return min(found, key=lambda fit: fit.seconds)

    def of(self, count: int, batch: Batch, beat: float = math.inf) -> Fit:
        """The quicker of all accelerators and a part of them; all where they are a power of two at work.

        A part that is far from the seconds to ``beat`` is not looked at closely.
        """
        found: list[Fit] = []
        errors: list[GigawattError] = []
        pinned = all(name in self.terms.fixed for name in _DEGREES)

        def part() -> Fit:
            quick = self.part(count, batch)
            if quick.seconds > _NEAR * beat:
                return quick
            rounded = self._rounded_part(count, batch)
            found = [self.refined(quick, batch)]
            if rounded is not None and rounded[0].seconds < _CLOSE * found[0].seconds:
                found.append(self.refined(*rounded))
            return min(found, key=lambda fit: fit.seconds)

        for one in (lambda: self.on(count, batch, uneven=False), part):
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

    def grown(self, count: int, batch: Batch, find: Callable[[int, Batch, float], Fit]) -> tuple[Fit, Batch]:
        """What is found, with its batch: ``batch``, or a larger or smaller one while that is quicker."""
        best = find(count, batch, math.inf)
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
                    found = find(count, other, best.seconds)
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
        if count <= _NODES:
            best = self._of_few(count, best, batch) if count <= _FEW else self._of_whole_nodes(count, best)
        if best.working >= _WELL and share >= _FAILS * half:
            if _power_of_two(count) and best.used == count:
                return best
            below = [size for size in _ladder(_FINE) if size < count][-_BELOW:]
            closely = _BELOW if self.terms.batch_held else 1
            return self._polished(*self._nearby(below, closely, best, batch))
        sizes = [size for size in _ladder(_PARTS) if size < count]
        slower = 0
        for size in filter(_power_of_two, reversed(sizes)):
            if slower == _PATIENCE:
                break
            if size * self.share(size) < (size // 2) * self.share(max(size // 2, 1)):
                continue  # failures cost more than the accelerators bring
            before = best
            best, batch = self._quicker(size, best, batch)
            slower = slower + 1 if best is before else 0
        near = [size for size in sizes if 0.7 < size / best.used < 1.4]
        best = self._polished(*self._nearby(near, _BELOW, best, batch))
        return self._rounded_near([size for size in near if 0.9 < size / best.used < 1.2], best)

    def _rounded_near(self, sizes: list[int], best: Fit) -> Fit:
        """The quicker of ``best`` and of the quickest of ``sizes`` with a held batch rounded."""
        for found in filter(None, [self._rounded_part(size, self.terms.batch) for size in sizes]):
            if found[0].seconds < _CLOSE * best.seconds:
                best = min(best, self.refined(*found), key=lambda fit: fit.seconds)
        return best

    def _of_few(self, count: int, best: Fit, batch: Batch) -> Fit:
        """The quicker of ``best`` and of every number less than a node below: parts are of whole nodes."""
        node = self.terms.cluster(count)[0].node_chips
        for size in range(count - 1, max(count - node, 0), -1):
            try:
                best = min(best, self.on(size, batch, uneven=True), key=lambda fit: fit.seconds)
            except GigawattError:
                continue
        return best

    def _of_whole_nodes(self, count: int, best: Fit) -> Fit:
        """The quicker of ``best`` and of whole and half nodes below as machines of their own."""
        node = self.terms.cluster(count)[0].node_chips
        whole = count - count % node
        for size in dict.fromkeys((whole, max(whole - node, node), count - count % max(node // 2, 1))):
            try:
                best = min(best, self.on(size, self.terms.batch, uneven=False), key=lambda fit: fit.seconds)
            except GigawattError:
                continue
        return best

    def _polished(self, best: Fit, batch: Batch) -> Fit:
        """The quickest layout of what was found; a part also as a machine of its own."""
        if not best.run.uneven:
            return best
        return min(best, self.refined(best, batch), key=lambda fit: fit.seconds)

    def _nearby(self, sizes: list[int], most: int, best: Fit, batch: Batch) -> tuple[Fit, Batch]:
        """The quicker of ``best`` and of the ``most`` likeliest of some sizes, with their batches."""
        likely = sorted(sizes, key=lambda size: self._at_first(size, best, batch)[0])
        for size in likely[:most]:
            best, batch = self._quicker(size, best, batch)
        return best, batch

    def _at_first(self, size: int, best: Fit, batch: Batch) -> tuple[float, Fit | None, Batch]:
        """(seconds, a part of ``size`` accelerators, its batch): that of ``best``, or in proportion."""
        batches = [batch]
        if not self.terms.batch_held and size != best.used:
            batches.append((batch[0], max(batch[1] * size / best.used, self.terms.batch[1])))
        found: tuple[float, Fit | None, Batch] = math.inf, None, batch
        for one in batches:
            try:
                part = self.part(size, one)
            except GigawattError:
                continue
            if part.seconds < found[0]:
                found = part.seconds, part, one
        return found

    def rough(self, count: int) -> float:
        """Time of a run on ``count`` accelerators, of few layouts: not less than that of :meth:`best` [s].

        The usual batch, or twice it as often as that is quicker.
        """
        batch = self.terms.batch
        best, slower = self.part(count, batch).seconds, 0
        while not self.terms.batch_held and slower < _PATIENCE - 1:
            batch = batch[0], 2.0 * batch[1]
            try:
                found = self.part(count, batch).seconds
            except GigawattError:
                break
            best, slower = (found, 0) if found < best else (best, slower + 1)
        return best

    def side_by_side(self, count: int) -> tuple[int, list[float]]:
        """(equal runs that pay on ``count`` accelerators, times [s] of one run by doublings of their number).

        Twice as many pay while they train ``runs_worth`` times the tokens. Times are rough, and no more than
        on the smaller part of a later doubling; they end where a part no longer gains from being smaller.
        """
        worth = catalog.entity("batch_law", "runs").value("runs_worth")
        times = list[float]()
        while count >= 2 ** len(times) and not (times and times[-1] > worth * min(times)):
            try:
                times.append(self.rough(count // 2 ** len(times)))
            except GigawattError:
                break
        least = [min(times[at:]) for at in range(len(times))]
        doublings = 0
        while doublings + 1 < len(least) and 2.0 * least[doublings] / least[doublings + 1] >= worth:
            doublings += 1
        return 2**doublings, least

    def _or_whole(self, part: Fit, size: int, batch: Batch) -> Fit:
        """The quicker of a part and, where the batch is held, of all ``size`` accelerators in any layout.

        The few layouts of a part tell little of a size that a batch divides badly.
        """
        if not self.terms.batch_held:
            return part
        try:
            return min(part, self.on(size, batch, uneven=True), key=lambda fit: fit.seconds)
        except GigawattError:
            return part

    def _quicker(self, size: int, best: Fit, batch: Batch) -> tuple[Fit, Batch]:
        """The quicker of ``best`` and a part of ``size`` accelerators, with their batches."""
        if best.at_least / (size * self.share(size)) >= best.seconds:
            return best, batch
        _, found, own = self._at_first(size, best, batch)
        if found is None:
            return best, batch
        try:
            if found.seconds < _NEAR * best.seconds:
                part, own = self.grown(size, own, lambda number, other, _: self.part(number, other))
                found = self._or_whole(part, size, own)
                if found.seconds < _CLOSE * best.seconds:
                    found = min(found, self.refined(part, own), key=lambda fit: fit.seconds)
        except GigawattError:
            return best, batch
        return (found, own) if found.seconds < best.seconds else (best, batch)


def _power_of_two(count: int) -> bool:
    """Whether it is one: degrees divide it so well that no part of it is looked for."""
    return not count & (count - 1)


def _ladder(parts: int) -> list[int]:
    """Sizes of which every smaller machine is one, ``parts`` in an octave."""
    octaves = range(MOST.bit_length())
    steps = range(parts, 2 * parts)
    return sorted({2**octave * step // parts for octave in octaves for step in steps})


def _several_words(sizes: Sizes, fit: Fit) -> list[str]:
    """What several runs would make of a machine of which failures take much, if anything."""
    runs, times = sizes.side_by_side(fit.count)
    if runs == 1:
        return []
    each = times[runs.bit_length() - 1]
    return [
        f"goodput of one run on {several(fit.used, 'accelerator')} is {100.0 * fit.share:.3g} %: "
        f"{runs} runs side by side on {fit.count // runs:,} each (training.runs: auto) would train at least "
        f"{_at_least(runs * fit.seconds / each)} times the tokens a day, {each / _DAY:.4g} days each"
    ]


def _at_least(value: float) -> str:
    """A number above 0 to three digits, rounded down."""
    last = 10.0 ** (math.floor(math.log10(value)) - 2)
    return f"{math.floor(value / last * (1.0 + 1e-12)) * last:.3g}"


def _small_batch_words(terms: RunTerms, fit: Fit) -> list[str]:
    """What a larger batch would do for a machine that the given one leaves idle, if anything."""
    given = "token", fit.run.tokens_per_step
    free = Sizes(replace(terms, batch=given, batch_held=False)).best(fit.count)
    if free.seconds >= fit.seconds:
        return []
    return [
        f"a batch of {several(fit.run.global_batch, 'sequence')} is small for "
        f"{several(fit.count, 'accelerator')}, which compute {100.0 * fit.working:.2g} % of the time: "
        f"{free.run.global_batch:,} sequences would take "
        f"{free.seconds / _DAY:.4g} days in place of {fit.seconds / _DAY:.4g}, more tokens for the same loss "
        "counted; several runs side by side (training.runs: auto) use more of them"
    ]
