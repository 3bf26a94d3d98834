"""What is wanted: the run on trend, tokens and users, what they are worth, data, algorithms.

References
----------
Hoffmann et al. 2022, "Training Compute-Optimal Large Language Models" (the law, approach 3); Besiroglu,
Erdil, Barnett and You 2024, "Chinchilla Scaling: A replication attempt" (its posterior); Ho et al. 2024,
"Algorithmic progress in language models"; Villalobos et al. 2024, "Will we run out of data?"; Muennighoff
et al. 2023, "Scaling Data-Constrained Language Models" (repeated data).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gigawatt.core.quantities import factor
from gigawatt.outlook.frame import FIRST, YEARS, Frame
from gigawatt.outlook.paths import ANCHOR, fading, since, walk
from gigawatt.outlook.tables import Tables

__all__ = ["BLOCKS", "LAW_FLOPS", "optimal_tokens"]

Array = NDArray[np.float64]

LAW_FLOPS = 6.0
"""FLOPs of training a parameter with a token (Hoffmann et al. 2022, C = 6 N D)."""
_NEVER = float(YEARS[-1] + 1)


def optimal_tokens(flops: Array, law: tuple[Array, Array, Array, Array, Array]) -> Array:
    """Tokens of the run of ``flops`` that reaches the lowest loss.

    Parameters
    ----------
    flops : array [FLOP]
        Any shape that broadcasts with the law.
    law : five arrays
        E, A, B, α, β of L = E + A N^−α + B D^−β.

    Returns
    -------
    array
        D = G⁻¹ (C / 6)^(α/(α+β)), G = (αA / βB)^(1/(α+β)).

    References
    ----------
    Hoffmann et al. 2022, equation 4.
    """
    _, a, b, alpha, beta = law
    g = (alpha * a / (beta * b)) ** (1.0 / (alpha + beta))
    return (flops / LAW_FLOPS) ** (alpha / (alpha + beta)) / g


BLOCKS = Frame()
"""The blocks of this module."""


@BLOCKS.block("law_e [1]", "law_a [1]", "law_b [1]", "law_alpha [1]", "law_beta [1]")
def scaling_law(tables: Tables, law_row: Array) -> tuple[Array, ...]:
    """The scaling law's five numbers, drawn together by rows of their posterior."""
    rows = np.minimum(law_row[:, 0].astype(np.intp), len(tables.scaling) - 1)
    return tuple(tables.scaling[rows, i][:, None] for i in range(5))


@BLOCKS.block("desired_run [FLOP]")
def desired(tables: Tables, growth_row: Array, run_growth: Array, run_2025: Array) -> Array:
    """The largest run on trend, if nothing held it back: a drawn future of the record of training compute."""
    path = tables.future("training_compute", growth_row) + since(ANCHOR) * np.log(run_growth)
    return run_2025 * np.exp(path - (since(FIRST) == 0.0) * tables.past_growth)


@BLOCKS.block("tokens_wanted [1]")
def tokens_wanted(
    desired_run: Array,
    law_e: Array,
    law_a: Array,
    law_b: Array,
    law_alpha: Array,
    law_beta: Array,
    overtraining: Array,
) -> Array:
    """Tokens of the run on trend: the law's, times what is trained beyond it."""
    return overtraining * optimal_tokens(desired_run, (law_e, law_a, law_b, law_alpha, law_beta))


@BLOCKS.block("text_stock [1]", "data_stock [1]")
def data_there(data_text: Array, data_growth: Array, data_modal: Array) -> tuple[Array, Array]:
    """Tokens of human text that can be had, and with images, sound and video."""
    text = data_text * data_growth ** since(FIRST)
    return text, text * data_modal


@BLOCKS.block("text_exhausted [year]")
def exhausted(tokens_wanted: Array, text_stock: Array) -> Array:
    """The year in which the run on trend would read all human text; after the last year if never."""
    gap = np.log(tokens_wanted / text_stock)
    past = gap >= 0.0
    first = np.argmax(past, axis=1)
    rows = np.arange(len(gap))
    before = np.maximum(first - 1, 0)
    rise = gap[rows, first] - gap[rows, before]
    part = np.where(first > 0, gap[rows, first] / np.where(rise == 0.0, 1.0, rise), 0.0)
    found = FIRST + first - np.clip(part, 0.0, 1.0)
    return np.where(past.any(axis=1), found, _NEVER)[:, None]


@BLOCKS.block("algorithm_gain [1]")
def algorithms(algorithm_halving: Array, algorithm_ceiling: Array) -> Array:
    """By how much less compute than in 2024 the same loss takes; it saturates at a ceiling."""
    doublings = since(FIRST) * factor("yr") / algorithm_halving
    trend = np.log(2.0) * doublings
    top = np.log(algorithm_ceiling)
    return np.exp(top * -np.expm1(-trend / top))


@BLOCKS.block("users [1]")
def people(users_2025: Array, users_ceiling: Array, users_speed: Array) -> Array:
    """People who use it every week: logistic, from those of 2025 to a ceiling."""
    odds = users_2025 / np.maximum(users_ceiling - users_2025, 1.0)
    years = np.asarray(YEARS, dtype=float)[None, :] - ANCHOR
    return users_ceiling / (1.0 + np.exp(-users_speed * factor("yr") * years) / odds)


@BLOCKS.block("revenue [$/s]")
def revenue(
    users: Array,
    users_2025: Array,
    tables: Tables,
    value_row: Array,
    value_add: Array,
    revenue_2025: Array,
    use_growth: Array,
    use_growth_late: Array,
    output: Array,
    revenue_most: Array,
) -> Array:
    """What is paid for it: users to the power β, deeper use, at most a share of the world's product."""
    depth = walk(fading(use_growth, use_growth_late, 2026.0, 2040.0), 0.0, 0.0)
    exponent = tables.value_exponent[np.minimum(value_row.astype(np.intp), len(tables.value_exponent) - 1)]
    wanted = revenue_2025 * (users / users_2025) ** (exponent + value_add) * np.exp(depth)
    most = revenue_most * output
    return wanted * most / (wanted + most)


@BLOCKS.block("output [$/s]")
def product(output_2025: Array, output_growth: Array) -> Array:
    """The world's gross product."""
    years = np.asarray(YEARS, dtype=float)[None, :] - ANCHOR
    return output_2025 * output_growth**years


@BLOCKS.block("answer_energy [J]", "inference_power [W]")
def answers(
    tables: Tables,
    served_row: Array,
    answer_tokens: Array,
    tokens_user: Array,
    tokens_growth: Array,
    tokens_growth_late: Array,
    users: Array,
    chip_watts: Array,
    prompt_share: Array,
    pue_mean: Array,
) -> tuple[Array, Array]:
    """Joules of an answer at the meter, and the power of all tokens: chips' joules fall as chips improve."""
    row = np.minimum(served_row[:, 0].astype(np.intp), len(tables.joules_token) - 1)
    token = tables.joules_token[row][:, None] * chip_watts / chip_watts[:, 1:2] * pue_mean
    depth = walk(fading(tokens_growth, tokens_growth_late, 2026.0, 2040.0), 0.0, 0.0)
    tokens = users * tokens_user * np.exp(depth)  # tokens/s
    return answer_tokens * token, tokens * token * (1.0 - prompt_share)


@BLOCKS.block("effective_run [FLOP]", "reducible_loss [1]")
def effective(
    run: Array,
    algorithm_gain: Array,
    law_e: Array,
    law_a: Array,
    law_b: Array,
    law_alpha: Array,
    law_beta: Array,
) -> tuple[Array, Array]:
    """The run in FLOPs of 2024's algorithms, and the law's loss above its floor at that size."""
    flops = run * algorithm_gain
    tokens = optimal_tokens(flops, (law_e, law_a, law_b, law_alpha, law_beta))
    weights = flops / (LAW_FLOPS * tokens)
    return flops, law_a * weights**-law_alpha + law_b * tokens**-law_beta
