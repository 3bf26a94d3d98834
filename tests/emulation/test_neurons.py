"""Neurons step by step, in closed form, and against another simulator, bit by bit. Oracle: snntorch 1.0.0."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from gigawatt.core.errors import InputError  # noqa: E402
from gigawatt.emulation.neurons import (  # noqa: E402
    MOST_STEPS,
    THRESHOLD,
    counts,
    first_spikes,
    integrate,
    rate_spikes,
    to_fixed,
)

torch.set_num_threads(1)
few = settings(deadline=None, max_examples=30, derandomize=True)
GOLDEN = json.loads((Path(__file__).parent / "golden_snntorch.json").read_text(encoding="utf-8"))


def golden(name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """(currents, spikes), both (steps, neurons)."""
    case = GOLDEN["cases"][name]
    spikes = torch.tensor([[float(x) for x in row] for row in case["spikes"]]).T
    currents = torch.tensor(case["currents"], dtype=torch.float32).expand(len(spikes), -1)
    return currents, spikes


@pytest.mark.parametrize("name", sorted(GOLDEN["cases"]))
def test_spikes_are_those_of_snntorch(name: str) -> None:
    """Version in the file; a current of the other sign sends the same spikes with the other sign."""
    assert GOLDEN["snntorch"] == "1.0.0"
    currents, spikes = golden(name)
    assert torch.equal(integrate(currents), spikes)
    assert torch.equal(integrate(-currents), -spikes)
    assert 0.0 < float(spikes.mean()) < 1.0


@pytest.mark.skipif(importlib.util.find_spec("snntorch") is None, reason="snntorch is not installed")
def test_spikes_are_those_of_snntorch_here() -> None:
    import snntorch

    generator = torch.Generator().manual_seed(5)
    currents = torch.randint(0, THRESHOLD + 1, (50, 64), generator=generator).float()
    neuron = snntorch.Leaky(beta=1.0, threshold=float(THRESHOLD), reset_mechanism="subtract")
    membrane, ours = torch.full((64,), THRESHOLD / 2), integrate(currents)
    for step, current in enumerate(currents):
        spikes, membrane = neuron(current, membrane)
        assert torch.equal(spikes.detach(), ours[step])


@pytest.mark.parametrize("steps", [1, 2, 15, 31, 255, MOST_STEPS])
def test_the_closed_form_is_the_simulation(steps: int) -> None:
    """Every current of a threshold where there are few steps, 4,000 of them where there are many."""
    stride = 1 if steps <= 31 else 4
    current = torch.arange(-THRESHOLD, THRESHOLD + 1, stride, dtype=torch.float32)
    current = current if steps <= 31 else current[:: max(1, len(current) // 4000)]
    sent = counts(current, steps)
    assert torch.equal(rate_spikes(current, steps).sum(0), sent)
    spikes = first_spikes(current, steps)
    left = steps - torch.arange(steps, dtype=torch.float32)
    assert torch.equal((spikes * left[:, None]).sum(0), sent)
    assert float(spikes.abs().sum(0).max()) == 1.0
    assert torch.equal(spikes.abs().sum(0) == 0.0, sent == 0.0)


@few
@given(share=st.floats(-3.0, 3.0), steps=st.integers(1, MOST_STEPS))
def test_a_code_is_off_by_half_a_step_at_most(share: float, steps: int) -> None:
    fixed = to_fixed(torch.tensor([share]), torch.tensor([1.0]))
    found = float(counts(fixed, steps)) / steps
    wanted = min(1.0, max(-1.0, share))
    assert abs(found - wanted) <= 0.5 / steps + 1.0 / THRESHOLD


def test_ties_go_down_and_signs_mirror() -> None:
    half = torch.tensor([0.5, 1.5, -0.5, -1.5]) / 4.0 * THRESHOLD
    assert counts(half, 4).tolist() == [0.0, 1.0, 0.0, -1.0]


def test_no_threshold_no_current() -> None:
    assert to_fixed(torch.ones(3), torch.zeros(3)).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("steps", [0, MOST_STEPS + 1])
def test_steps_out_of_range(steps: int) -> None:
    with pytest.raises(InputError) as caught:
        counts(torch.ones(1), steps)
    assert caught.value.key == "steps"
