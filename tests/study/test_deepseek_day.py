"""DeepSeek's production day of February 2025, which `gigawatt run` answers from a shipped example."""

from __future__ import annotations

import pytest

from ran import evaluated

NAME = "serve-deepseek-day"
DAY = 86_400.0


@pytest.mark.apart
@pytest.mark.parametrize(
    ("role", "tokens", "published"),
    [("prefill", 608e9, 73_700.0), ("decode", 168e9, 14_800.0)],
)
def test_tokens_of_a_node(role: str, tokens: float, published: float) -> None:
    """DeepSeek-V3/R1 inference system overview: tokens/s per node of 8 H800 of either pool, in the mean."""
    _, quantities = evaluated(NAME)
    (pool,) = (one for one in quantities["serving.configuration"].pools if one.role == role)
    assert tokens / DAY / (pool.chips / 8) == pytest.approx(published, rel=0.2)


def test_nodes_and_speed_of_the_day() -> None:
    """226.75 nodes in the mean; 20 to 22 tokens/s a user."""
    result, quantities = evaluated(NAME)
    assert result["machine.count"] / 8 == pytest.approx(226.75, rel=0.2)
    decode = quantities["serving.plan"].first.pools[-1].points
    assert 1.0 / float(decode.tpot[0]) == pytest.approx(21.0, rel=0.2)
