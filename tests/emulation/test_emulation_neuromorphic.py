"""A model on spiking cores: the fast path is the simulation, what is counted adds up, limits are known."""

from __future__ import annotations

import copy

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from tiny_llama import text, tiny  # noqa: E402
from torch import nn  # noqa: E402

from gigawatt.core.errors import InputError  # noqa: E402
from gigawatt.emulation.layers import linear_layers  # noqa: E402
from gigawatt.emulation.neuromorphic import (  # noqa: E402
    Spikes,
    convert,
    layer_class,
    weight_codes,
    written_weights,
)
from gigawatt.emulation.neurons import counts  # noqa: E402
from gigawatt.emulation.run import emulate  # noqa: E402
from gigawatt.technology.substrate import Substrate  # noqa: E402

torch.set_num_threads(1)


def made(**changes: float | str) -> Substrate:
    settings = {"coding": "rate", "steps": 15.0, "rotate": 0.0, "core": "loihi2", "weight_bits": 8.0}
    settings |= {"threshold": "max", "attention": "digital"} | changes
    return Substrate("test", "test", "neuromorphic", settings)


def layer(substrate: Substrate, inputs: int = 64, outputs: int = 24, bias: bool = True) -> nn.Module:
    torch.manual_seed(1)
    return layer_class()(nn.Linear(inputs, outputs, bias=bias), substrate, Spikes())


def windows(count: int = 2, length: int = 32) -> torch.Tensor:
    return torch.randint(0, 96, (count, length), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("coding", ["rate", "ttfs"])
@pytest.mark.parametrize("rotate", [0.0, 32.0])
@pytest.mark.parametrize("steps", [1.0, 15.0, 40.0])
def test_a_layer_step_by_step_is_the_layer(coding: str, rotate: float, steps: float) -> None:
    """Outputs equal bit by bit (sums of a small layer are exact in fp32), and so do spikes counted."""
    one = layer(made(coding=coding, rotate=rotate, steps=steps))
    x = torch.randn(3, 5, 64, generator=torch.Generator().manual_seed(2))
    slow, spikes = one.simulate(x)
    assert torch.equal(one(x), slow)
    assert one.counter.operations == float(spikes.abs().sum()) * 24
    assert one.counter.macs == 15 * 64 * 24
    assert one.counter.updates == steps * 15 * (64 + 24)
    sent = spikes.abs().sum(0) > 0
    assert one.counter["activation_zeros"] == pytest.approx(1.0 - float(sent.float().mean()), abs=1e-6)


def test_one_spike_at_most_by_time() -> None:
    x = torch.randn(8, 64, generator=torch.Generator().manual_seed(3))
    rate, once = layer(made()), layer(made(coding="ttfs"))
    assert torch.equal(rate(x), once(x))
    assert once.counter["spikes_per_activation"] == pytest.approx(1.0 - once.counter["activation_zeros"])
    assert rate.counter["spikes_per_activation"] > 2.0 * once.counter["spikes_per_activation"]


def test_many_steps_are_the_dense_layer() -> None:
    one = layer(made(steps=1024.0, weight_bits=16.0, rotate=64.0))
    torch.manual_seed(1)
    dense = nn.Linear(64, 24)
    x = torch.randn(50, 64, generator=torch.Generator().manual_seed(4))
    exact = dense(x).detach()
    assert float((one(x).detach() - exact).norm() / exact.norm()) < 1e-3


def test_a_silent_token_gives_the_bias() -> None:
    one = layer(made())
    assert torch.equal(one(torch.zeros(2, 64)), one.bias.expand(2, -1))
    assert one.counter.operations == 0.0


def test_weight_codes_are_whole_and_reach_the_end() -> None:
    codes, scale = weight_codes(torch.randn(6, 50, generator=torch.Generator().manual_seed(6)), 4)
    assert torch.equal(codes, codes.round())
    assert codes.abs().amax(1).tolist() == [7.0] * 6
    assert scale.shape == (6, 1)


def test_a_fixed_threshold_saturates_what_is_above() -> None:
    model = copy.deepcopy(tiny().module)
    counted = convert(model, made(threshold="percentile", steps=31.0), windows(3), torch.Generator())
    with torch.no_grad():
        model(input_ids=windows(1))
    assert 0.0 < counted["saturated"] < 0.05
    layers = [one for one in model.modules() if type(one).__name__ == "SpikingLinear"]
    assert len({one.fixed for one in layers}) > 2
    assert all(one.fixed > 0.0 for one in layers)


def test_what_a_model_counts_adds_up() -> None:
    model = copy.deepcopy(tiny().module)
    macs = sum(float(one.weight.numel()) for _, one in linear_layers(model))
    counted = convert(model, made(), windows(0), torch.Generator())
    with torch.no_grad():
        model(input_ids=windows())
        model(input_ids=windows())
    assert counted["tokens"] == 2 * 64
    assert counted["macs"] == macs
    assert counted["synaptic_operations"] == pytest.approx(counted["spikes_per_activation"] * macs)
    assert 1.0 < counted["spikes_per_activation"] < 15.0
    assert 0.0 < counted["activation_zeros"] < 1.0
    # queries, keys and values share their encoders, gate and up too: four encoded inputs a layer of 64 or 128
    senders = 2 * (64 + 64 + 64 + 128)
    receivers = 2 * (64 + 32 + 32 + 64 + 128 + 128 + 64)
    assert counted["neuron_updates"] == 15 * (senders + receivers)


def test_more_steps_lose_less() -> None:
    """Perplexity beside fp32, by steps; both codes give the same numbers."""
    runs = {
        steps: emulate(
            tiny(), made(steps=steps), text=text(), windows=2, length=48, calibration=0, cache=False
        )
        for steps in (3.0, 255.0)
    }
    assert abs(runs[255.0].ratio.value - 1.0) < 0.02
    assert abs(runs[3.0].ratio.value - 1.0) > abs(runs[255.0].ratio.value - 1.0)
    once = emulate(
        tiny(), made(coding="ttfs", steps=3.0), text=text(), windows=2, length=48, calibration=0, cache=False
    )
    assert once.losses == runs[3.0].losses


@pytest.mark.parametrize(
    ("substrate", "key"),
    [
        (made(steps=0.0), "test.steps"),
        (made(steps=2.5), "steps"),
        (made(coding="phase"), "test.coding"),
        (made(core="brain"), "test.core"),
        (made(rotate=48.0), "rotate"),
        (made(threshold="percentile"), "calibration"),
        (Substrate("x", "x", "digital", {}), "technology"),
        (Substrate("x", "x", "neuromorphic", {"leak": 1.0}), "x"),
    ],
)
def test_what_cannot_be_is_named(substrate: Substrate, key: str) -> None:
    with pytest.raises(InputError) as caught:
        convert(copy.deepcopy(tiny().module), substrate, windows(0), torch.Generator())
    assert caught.value.key == key


def test_counts_keep_their_type() -> None:
    assert counts(torch.ones(2, dtype=torch.float64), 3).dtype == torch.float64


def test_memristive_synapses_are_written_with_a_spread() -> None:
    """Same generator, same chip; off as analog memory of such cells is."""
    weight = torch.randn(40, 64, generator=torch.Generator().manual_seed(7))
    first, again = (written_weights(weight, torch.Generator().manual_seed(8)) for _ in range(2))
    assert torch.equal(first, again)
    error = float((first - weight).norm() / weight.norm())
    assert 0.02 < error < 0.4
    x = torch.randn(20, 64, generator=torch.Generator().manual_seed(9))
    digital = layer(made(steps=255.0))(x).detach()
    torch.manual_seed(1)
    cells = layer_class()(nn.Linear(64, 24), made(steps=255.0, core="memristive"), Spikes())
    off = float((cells(x).detach() - digital).norm() / digital.norm())
    assert 0.02 < off < 0.4
