"""The chain, sixth part: what a campaign takes beside the final pre-training run.

A phase is a share of the accelerator-hours of the final run (``20 %``), so many accelerator-hours
(``119000 h``), or runs of either (``30 x 2 %``). Phases that are not given are those of the published
campaign that ``campaign.like`` names, or nothing: the answer says which.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from gigawatt import catalog
from gigawatt.chain.registry import training
from gigawatt.core.errors import InputError
from gigawatt.core.quantities import parse

__all__ = ["PHASES", "phase_hours"]

PHASES = ("ablations", "annealing", "long_context", "post_training", "evaluation")
"""Phases beside the pre-training run, as fields of ``campaign`` and as quantities of ``campaigns``."""
_RUNS = re.compile(r"\s*(?:(\d+)\s*[x×]\s+)?(\S.*?)\s*")


def phase_hours(key: str, text: str, final: float) -> float:
    """Accelerator-time of a phase [s], of one whose final run takes ``final`` [s].

    Raises
    ------
    InputError
        Neither a share nor accelerator-hours.
    """
    allowed = "a share of the final run such as 20 %, accelerator-hours such as 119000 h, or runs: 30 x 2 %"
    found = _RUNS.fullmatch(text)
    if found is None:
        raise InputError("the phase is empty", key=key, given=text, allowed=allowed)
    runs, each = int(found[1] or 1), found[2]
    share = each.endswith("%")
    try:
        value = parse(each, "1" if share else "s")
    except InputError as error:
        raise InputError("neither a share nor a time", key=key, given=text, allowed=allowed) from error
    if value < 0.0:
        raise InputError("out of range", key=key, given=text, allowed=allowed)
    return runs * value * (final if share else 1.0)


@training("campaign.phases", "")
def phases(
    campaign_like: str | None,
    campaign_ablations: str | None,
    campaign_annealing: str | None,
    campaign_long_context: str | None,
    campaign_post_training: str | None,
    campaign_evaluation: str | None,
    training_accelerator_hours: float,
) -> dict[str, float]:
    """Accelerator-time of each phase beside the pre-training run [s].

    as given, or the share that the published campaign has, or nothing
    """
    given = (campaign_ablations, campaign_annealing, campaign_long_context, campaign_post_training,
             campaign_evaluation)  # fmt: skip
    like = {} if campaign_like is None else _published(campaign_like)
    return {
        name: like.get(name, 0.0) * training_accelerator_hours
        if text is None
        else phase_hours(f"campaign.{name}", text, training_accelerator_hours)
        for name, text in zip(PHASES, given, strict=True)
    }


def _published(name: str) -> dict[str, float]:
    try:
        row = catalog.entity("campaigns", name)
    except InputError as error:
        raise error.at(key="campaign.like") from None
    return {phase: row.value(phase) for phase in PHASES if phase in row.numbers}


@training("campaign.hours", "h")
def hours(training_accelerator_hours: float, campaign_phases: Mapping[str, float]) -> float:
    """Accelerator-hours of the whole campaign.

    final run + ablations + annealing + long context + post-training + evaluation
    """
    return training_accelerator_hours + sum(campaign_phases.values())


@training("campaign.multiplier", "1")
def multiplier(campaign_hours: float, training_accelerator_hours: float) -> float:
    """The whole campaign over its final pre-training run, in accelerator-hours.

    campaign / final run
    """
    return campaign_hours / training_accelerator_hours


@training("campaign.energy", "MWh")
def energy(campaign_multiplier: float, energy_run: float) -> float:
    """Energy of the whole campaign within the boundary of the scenario.

    Its accelerator-hours draw as those of the final run.
    """
    return campaign_multiplier * energy_run


@training("campaign.carbon", "t")
def carbon(campaign_multiplier: float, carbon_run: float) -> float:
    """Carbon of the whole campaign within the boundary of the scenario.

    Its accelerator-hours emit as those of the final run.
    """
    return campaign_multiplier * carbon_run


@training("campaign.cost", "M$")
def cost(campaign_multiplier: float, ledger_run_cost: float) -> float:
    """Cost of the whole campaign.

    Its accelerator-hours cost as those of the final run.
    """
    return campaign_multiplier * ledger_run_cost


@training("campaign.counts", "")
def counts(campaign_phases: Mapping[str, float]) -> str:
    """What the campaign holds.

    The phases that take any time; with none, what published campaigns took.
    """
    named = [name.replace("_", " ") for name, time in campaign_phases.items() if time > 0.0]
    if named:
        return f"final pre-training run, {', '.join(named)}"
    wholes = [1.0 + sum(_published(name).values()) for name in catalog.table("campaigns")]
    return (
        f"final pre-training run alone; published campaigns took {min(wholes):.2g} to {max(wholes):.2g} "
        "times theirs (campaign.like)"
    )
