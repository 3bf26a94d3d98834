"""The fewest accelerators whose run ends by a deadline, failures included.

Nothing is assumed about how time falls with size: the numbers that cannot do for want of FLOP/s are left out,
the others are asked one after the other until one does.
"""

from __future__ import annotations

from collections.abc import Callable

from gigawatt.chain.machine.sizing import BITS, Asked, Sizing, round_counts
from gigawatt.chain.registry import CHAIN, TRAINING
from gigawatt.chain.supply.flexibility import PAUSING
from gigawatt.chain.training.budget import Trial
from gigawatt.chain.training.quantities import RATES
from gigawatt.chain.training.terms import RunTerms
from gigawatt.core.branching import Inside
from gigawatt.core.errors import GigawattError, InfeasibleError
from gigawatt.core.graph import Value
from gigawatt.core.quantities import several, show
from gigawatt.workload.adapters import adapted_flops_per_token

__all__ = ["fewest_in_time", "flops_of"]

_OCTAVES = 5
"""Doublings beyond the FLOPs' own need, after which a deadline counts as infeasible."""
_PATIENCE = 2**BITS
"""Consecutive numbers of accelerators without gain that end the search (two doublings)."""


def flops_of(terms: RunTerms) -> float:
    """FLOPs of the run's model."""
    return adapted_flops_per_token(terms.architecture, terms.sequence, terms.adapters) * terms.tokens


def fewest_in_time(
    terms: RunTerms,
    deadline: float,
    seconds: Callable[[int], float | GigawattError],
    *,
    most: int | None = None,
    within: str = "",
    progress: Callable[[str, float], None] | None = None,
) -> int:
    """The fewest accelerators of one run that end it by a deadline [s].

    Numbers of whole nodes with at most four significant binary digits are asked from the fewest that could
    do it at their datasheet peak. ``seconds`` on the clock of a number, or why it cannot train; no more than
    ``most``, where that is given, which ``within`` words.

    Raises
    ------
    InfeasibleError
        No number is quick enough; says the quickest.
    """
    least = flops_of(terms) / (terms.chip.peak[terms.number_format] * deadline)
    given, days = show(deadline, "days") + within, dict[int, float]()
    node, wrong = max(1, terms.cluster(2**20)[0].node.chips), ""
    last = max(least * 2.0**_OCTAVES if most is None else float(most), float(node))
    counts, idle, count = round_counts(least, node), 0, 0
    while least <= _most_degrees(terms) and idle < _PATIENCE:
        after = next(counts)
        if after > last:
            break
        count = after
        if progress is not None:
            progress(f"Searching layouts on {several(count, 'accelerator')}", min(len(days) / 20.0, 0.95))
        found = seconds(count)
        if isinstance(found, GigawattError):
            wrong = str(found)
            continue
        if found <= deadline:
            return count
        idle = 0 if found < min(days.values(), default=float("inf")) else idle + 1
        days[count] = found
    if days:
        best = min(days, key=lambda one: days[one])
        raise InfeasibleError(
            f"no number of {terms.chip.id} up to {count:,} meets the deadline",
            key="deadline",
            given=given,
            allowed=f"{show(days[best], 'days')}, the shortest, on {several(best, 'accelerator')}",
        )
    if not wrong:
        wrong = f"the FLOPs alone need {several(least, 'accelerator')}"
        wrong += "" if most is None else f", the power feeds {most:,}"
    raise InfeasibleError(
        "no number of accelerators meets the deadline", key="deadline", given=given, allowed=wrong
    )


def _most_degrees(terms: RunTerms) -> float:
    """More accelerators than this no layout can use: a token of a step and a layer for each."""
    counted, batch = terms.batch
    tokens = batch if counted == "token" else batch * terms.sequence
    return tokens * terms.architecture.layers


@CHAIN.inverse(
    "machine.found", (TRAINING,), unknown="machine.size", target="training.duration",
    given=("training.deadline",), without=PAUSING, rows=RATES,
    method="""Round numbers of accelerators (whole nodes, at most four significant binary digits) upward from
    the fewest that could do it at their datasheet peak, until the run ends in time; infeasible after two
    doublings that gain nothing, or five in all.""",
)  # fmt: skip
def found_by_deadline(inside: Inside, training_deadline: float, machine_trial: Trial) -> Sizing:
    """The fewest accelerators, in round numbers, whose run ends by the deadline, failures included.

    Smallest round number of which the time on the clock is within the deadline.
    """
    duration, runs, slower = Asked(inside), machine_trial.runs, list[str]()

    def seconds(count: int) -> float | GigawattError:
        found = duration.value(count * runs)
        if not isinstance(found, Value):
            return found
        if (time := float(found.value)) > training_deadline:
            slower[:] = [f"; {count * runs:,} take {show(time, 'days')}"]
        return time

    count = runs * fewest_in_time(machine_trial.terms, training_deadline, seconds)
    told = f"{count:,} {machine_trial.terms.chip.name} are the fewest, in round numbers, that end by the "
    return duration.sizing(count, f"{told}deadline of {show(training_deadline, 'days')}{''.join(slower)}")
