"""Named loads: lengths of public benchmarks, by name wherever a trace is named."""

from __future__ import annotations

import numpy as np
import pytest

from gigawatt.chain.assumption_list import AssumptionList
from gigawatt.chain.serving.traffic import read_traffic
from gigawatt.core.errors import InputError
from gigawatt.serving.lengths import read_lengths
from gigawatt.serving.loads import lengths_of, list_loads, load_named, named_loads


@pytest.mark.parametrize("name", list_loads())
def test_distributions_have_the_means_that_the_row_gives(name: str) -> None:
    load, random = load_named(name), np.random.default_rng(0)
    for text, mean in ((load.prompt_lengths, load.prompt), (load.output_lengths, load.output)):
        drawn = read_lengths(text).draw(200_000, random)
        assert drawn.mean() == pytest.approx(mean, rel=0.15)  # cut at the longest: below, if anything


def test_a_load_in_place_of_a_trace() -> None:
    given = dict.fromkeys(("prompt", "output", "arrivals", "variation", "shape", "limit"))
    found = read_traffic(AssumptionList(), trace="ShareGPT", **given)  # type: ignore[arg-type]
    assert found.name == "ShareGPT"
    assert found.mean_prompt == pytest.approx(load_named("sharegpt").prompt, rel=0.15)
    assert found.arrivals != "trace"


def test_a_load_without_outputs_is_no_trace() -> None:
    with pytest.raises(InputError, match="leaves the length of outputs to the model"):
        lengths_of("gpqa")
    assert lengths_of("no-such-load") is None
    assert set(list_loads()) < set(named_loads())
