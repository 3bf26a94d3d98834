"""Outputs of a step of reinforcement learning: how many, how long, and what tokens an update has of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gigawatt.chain.registry import training
from gigawatt.core.errors import InputError

if TYPE_CHECKING:  # a run without rollouts does not import what serves
    from gigawatt.serving.lengths import Lengths

__all__ = ["Outputs", "outputs", "passes_of"]

Array = NDArray[np.float64]
_GIVEN = ("rl.steps",)
_POINTS = 4096
"""Quantiles of a distribution of which its moments are means."""
STRATA = 256
"""Lengths that the outputs of a replica have at most, each that of several."""

_PASSES = {"none": 0, "reference": 1, "policy": 1, "both": 2}
"""Forward passes over the outputs before an update, by the words of ``rl.logprobs``."""


def passes_of(logprobs: str) -> int:
    """Forward passes that compute log-probabilities: of the reference, of the policy, of both or of none."""
    return _PASSES[logprobs]


def _middles(count: int) -> Array:
    return (np.arange(count) + 0.5) / count


def _mixed(count: int) -> NDArray[np.intp]:
    """An order of ``count`` things in which every stretch has about all of them (van der Corput, base 2)."""
    bits = max(count - 1, 1).bit_length()
    reversed_ = [int(f"{i:0{bits}b}"[::-1], 2) for i in range(2**bits)]
    return np.array([i for i in reversed_ if i < count], dtype=np.intp)


@dataclass(frozen=True)
class Outputs:
    """The outputs of a step: ``samples`` of each of ``prompts``, with their lengths in tokens."""

    prompts: int
    samples: int
    of_prompt: Lengths
    of_response: Lengths

    @property
    def count(self) -> int:
        """Outputs of a step."""
        return self.prompts * self.samples

    @cached_property
    def _prompt(self) -> Array:
        return self.of_prompt.quantile(_middles(_POINTS))

    @cached_property
    def _response(self) -> Array:
        return self.of_response.quantile(_middles(_POINTS))

    @property
    def prompt(self) -> float:
        """Tokens of a prompt in the mean."""
        return float(self._prompt.mean())

    @property
    def response(self) -> float:
        """Tokens of an output in the mean."""
        return float(self._response.mean())

    @property
    def tokens(self) -> float:
        """Tokens of all sequences of a step, prompts with each of their outputs."""
        return self.count * (self.prompt + self.response)

    @property
    def attended(self) -> float:
        """Length of the sequence in which a token of a step lies, in the mean: E[L²] / E[L].

        Packed one behind the other, sequences attend to themselves alone: the attention of a step is that
        of as many tokens in sequences of this length.
        """
        prompt, response = self._prompt, self._response
        square = float((prompt**2).mean() + 2.0 * prompt.mean() * response.mean() + (response**2).mean())
        return square / (self.prompt + self.response)

    @property
    def under_way(self) -> float:
        """Tokens that an output which is being written has in the end, in the mean: E[l²] / E[l]."""
        return float((self._response**2).mean()) / self.response

    @cached_property
    def longest(self) -> float:
        """Expected length of the longest output of a step.

        ∫ Q(v^(1/N)) dv over (0, 1), the mean of the largest of N independent draws with quantiles Q.
        """
        shares = np.minimum(_middles(_POINTS) ** (1.0 / self.count), 1.0 - 1e-15)
        return float(self.of_response.quantile(shares).mean())

    def of_replica(self, number: float) -> tuple[Array, Array]:
        """(tokens, how many each stands for) of ``number`` of the outputs, in the order in which they start.

        Middles of equal shares of the distribution, well mixed; one is the longest of the whole step: the
        step waits for the replica that has it.
        """
        strata = max(1, min(round(number), STRATA))
        lengths = self.of_response.quantile(_middles(strata))
        lengths *= self.response / lengths.mean()
        weights = np.full(strata, number / strata)
        order = _mixed(strata)
        place = int(np.flatnonzero(order == strata - 1)[0])
        lengths, weights = lengths[order], weights[order]
        if weights[place] <= 1.0:
            lengths[place] = max(lengths[place], self.longest)
            return lengths, weights
        weights[place] -= 1.0
        return np.insert(lengths, place, max(lengths[place], self.longest)), np.insert(weights, place, 1.0)


def _read(key: str, text: str) -> Lengths:
    from gigawatt.serving.lengths import read_lengths

    try:
        return read_lengths(text)
    except InputError as error:
        raise InputError(error.message, key=key, given=error.given or text, allowed=error.allowed,
                         nearest=error.nearest) from error  # fmt: skip


@training("rl.outputs", "", given=_GIVEN)
def outputs(rl_prompts: int, rl_samples: int, rl_prompt: str, rl_response: str) -> Outputs:
    """The outputs of a step, with the distributions of their lengths.

    prompts × samples of each
    """
    return Outputs(rl_prompts, rl_samples, _read("rl.prompt", rl_prompt), _read("rl.response", rl_response))


@training("rl.outputs_step", "1", given=_GIVEN)
def outputs_step(rl_outputs: Outputs) -> int:
    """Outputs of a step.

    prompts × samples of each
    """
    return rl_outputs.count


@training("rl.response_mean", "tokens", given=_GIVEN)
def response_mean(rl_outputs: Outputs) -> float:
    """Tokens of an output in the mean.

    Mean of the distribution, cut at its maximum.
    """
    return rl_outputs.response


@training("rl.response_longest", "tokens", given=_GIVEN)
def response_longest(rl_outputs: Outputs) -> float:
    """Tokens of the longest output of a step, which holds it, in the mean.

    Mean of the largest of as many draws as a step has outputs: ∫ Q(v^(1/N)) dv over (0, 1).
    """
    return rl_outputs.longest


@training("training.tokens", "tokens", given=_GIVEN)
def tokens(rl_steps: int, rl_epochs: int, rl_outputs: Outputs) -> float:
    """Tokens to train on: prompts and outputs of all steps.

    steps × epochs × outputs × (prompt + response)
    """
    return rl_steps * rl_epochs * rl_outputs.tokens


@training("training.sequence", "tokens", given=_GIVEN)
def sequence(rl_outputs: Outputs) -> int:
    """Tokens of the sequence in which a token of a step lies, in the mean.

    E[L²] / E[L] of the packed sequences, whose attention is that of as many tokens at this length.
    """
    return max(1, round(rl_outputs.attended))


@training("training.global_batch", "", given=_GIVEN)
def global_batch(rl_minibatches: int, rl_outputs: Outputs) -> tuple[str, float]:
    """Tokens of an optimizer step.

    tokens of a step / mini-batches
    """
    if rl_minibatches > rl_outputs.count:
        raise InputError("more mini-batches than outputs of a step", key="rl.minibatches",
                         given=rl_minibatches, allowed=f"at most {rl_outputs.count}")  # fmt: skip
    return "token", rl_outputs.tokens / rl_minibatches


@training("training.batch_held", "", given=_GIVEN)
def batch_held(rl_outputs: Outputs) -> bool:
    """Whether the batch is given: prompts, samples and mini-batches give it.

    Always so in reinforcement learning.
    """
    return rl_outputs.count > 0
