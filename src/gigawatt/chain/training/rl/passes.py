"""How many forward passes over the outputs come before an update, by the words of ``rl.logprobs``."""

from __future__ import annotations

__all__ = ["passes_of"]

_PASSES = {"none": 0, "reference": 1, "policy": 1, "both": 2}


def passes_of(logprobs: str) -> int:
    """Forward passes that compute log-probabilities: of the reference, of the policy, of both or of none."""
    return _PASSES[logprobs]
