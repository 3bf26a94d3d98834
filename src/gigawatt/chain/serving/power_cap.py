"""What a power cap of the accelerators does to a replica, in a sentence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from gigawatt.chain.serving.question import ServingQuestion
from gigawatt.chain.serving.replica import Degrees, cap_of, replica
from gigawatt.machine import Cluster
from gigawatt.performance.serving.inference import sequence_cost
from gigawatt.performance.serving.steady import decode_pass, prompts_pass

__all__ = ["cap_notices"]


def cap_notices(
    question: ServingQuestion, cluster: Cluster, degrees: Degrees, held: float
) -> tuple[str, ...]:
    """What a cap does to prompts alone and to decoding alone of a replica where ``held`` requests decode.

    ``degrees`` has one row. Empty without a cap.
    """
    if question.cap is None:
        return ()
    chip, cap = cluster.chip, cap_of(question, cluster.chip)
    own = f"a power cap of {question.cap:.4g} W of the {chip.power_limit:.4g} W of {chip.name}"
    if cap is None:
        return (f"{own} changes nothing",)
    r, traffic = replica(question, cluster, degrees), question.traffic
    most = question.settings(float(degrees.data[0]), float(degrees.tensor[0])).token_budget * degrees.data
    context = traffic.mean_prompt + traffic.mean_output / 2.0

    def times(cap: float | None) -> tuple[float, float]:
        """(time of a mean prompt in an iteration of prompts alone, of one of decoding alone) [s]."""
        one = replace(r, cap=cap)
        first, _ = prompts_pass(
            one, prompt=traffic.mean_prompt, count=most / traffic.mean_prompt, most=most,
            ends=sequence_cost(one, np.maximum(most / traffic.mean_prompt, 1.0)),
        )  # fmt: skip
        step, _ = decode_pass(one, sequences=max(held, 1.0), context=context)
        return float(np.max(first)), float(np.max(step))

    (prompts, step), (quick_prompts, quick_step) = times(cap), times(None)
    return (
        f"{own}: prompts alone take {prompts / quick_prompts:.3g} times as long, "
        f"decoding alone {step / quick_step:.3g} times",
    )
