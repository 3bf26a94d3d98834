"""What tokens in and out cost, from the price of the chips' time."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gigawatt.core.checks import check_range
from gigawatt.core.errors import InputError
from gigawatt.performance.serving.step_tables import StepTables, iteration_cost
from gigawatt.serving.outcome import Summary

__all__ = ["TokenCost", "token_cost"]


@dataclass(frozen=True)
class TokenCost:
    """What tokens cost.

    Attributes
    ----------
    total : float
        Of the chips over the time looked at, in the money of the price.
    prompt_share : float
        Of the total that prompts bear.
    prompt_million, output_million : float
        A million tokens of prompts (cached ones included) and of outputs.
    computed_million : float
        A million tokens of prompts that the cache did not hold.
    """

    total: float
    prompt_share: float
    prompt_million: float
    output_million: float
    computed_million: float


def token_cost(
    summary: Summary, *, tables: StepTables, price: float, split: str | float = "time"
) -> TokenCost:
    """Cost of tokens in and out, from a price of the chips' time.

    Parameters
    ----------
    summary : Summary
        Of a run.
    tables : StepTables
        Of a replica.
    price : float [$/s]
        Of one chip for a second, busy or idle (a price per chip-hour over 3,600); what it holds is the
        caller's business.
    split : str or float
        How the cost is shared between prompts and outputs. ``time``: as the times that both would take alone:
        prompts of the mean computed length, each by itself, and output tokens in batches of the mean number
        of running requests, both from ``tables``. ``tokens``: every computed token alike. A number: the
        prompts' share.

    Notes
    -----
    There is no true split: prompts and outputs share iterations, and weights that are read once serve both.
    Idle time is borne by both in proportion.
    """
    check_range("price", price, 0.0, message="not a price of a chip's time")
    seconds = summary.window[1] - summary.window[0]
    total = price * tables.chips * summary.replicas * seconds
    share = _prompt_share(summary, tables, split)

    def million(part: float, rate: float) -> float:
        return part * 1e6 / (rate * seconds) if rate > 0.0 and seconds > 0.0 else math.nan

    return TokenCost(
        total,
        share,
        million(total * share, summary.prompt_rate),
        million(total * (1.0 - share), summary.output_rate),
        million(total * share, summary.computed_rate),
    )


def _prompt_share(summary: Summary, tables: StepTables, split: str | float) -> float:
    if not isinstance(split, str):
        if not 0.0 <= split <= 1.0:
            raise InputError("not a share", key="split", given=split, allowed="0 to 1")
        return float(split)
    if split == "tokens":
        together = summary.computed_rate + summary.output_rate
        return summary.computed_rate / together if together > 0.0 else math.nan
    if split != "time":
        raise InputError(
            "no such split", key="split", given=split, allowed="time, tokens, or the prompts' share"
        )
    if not (summary.request_rate > 0.0 and summary.output_rate > 0.0):
        return math.nan
    length = max(summary.computed_rate / summary.request_rate, 1.0)
    many = tables.groups  # a prompt for each attention group
    each, _ = iteration_cost(tables, decoding=0.0, context=0.0, chunk=length, before=0.0, prompts=many)
    prompts = float(each) / (many * length) * summary.computed_rate
    batch = max(summary.concurrency / max(summary.replicas, 1.0), 1.0)
    own = summary.prompt_rate / summary.request_rate + summary.output_rate / summary.request_rate / 2.0
    step, _ = iteration_cost(tables, decoding=batch, context=own, chunk=0.0)
    outputs = float(step) / (batch * tables.accepted) * summary.output_rate
    return prompts / (prompts + outputs)
