"""Images and sound of requests in an answer: tokens, operations and the time of their towers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from gigawatt.chain.serving.question import ServingQuestion
from gigawatt.chain.serving.replica import Degrees, replica
from gigawatt.faces.figures.readable import with_unit
from gigawatt.machine import Cluster
from gigawatt.performance.serving.inference import encoder_cost

__all__ = ["encoder_words", "encoders_answer"]


def encoders_answer(question: ServingQuestion, cluster: Cluster, degrees: Degrees) -> dict[str, Any]:
    """``encoders`` of an answer: what each tower does for a request; empty for text alone."""
    if not question.encoded:
        return {}
    r = replica(question, cluster, degrees)
    rows = [
        {
            "tower": one.tower.name, "count": one.count, "prompt_tokens": one.tokens,
            "TFLOP": one.flops / 1e12,
            "time_ms": 1e3 * float(np.max(encoder_cost(replace(r, encoded=(one,))).time)),
        }
        for one in question.encoded
    ]  # fmt: skip
    return {"encoders": rows}


def encoder_words(answer: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Rows of a summary, one a tower."""
    return [
        (
            row["tower"],
            f"{row['count']} a request, {row['prompt_tokens']:,} of the prompt tokens, "
            f"{with_unit(row['time_ms'], 'ms')} alone",
        )
        for row in answer.get("encoders", ())
    ]
