"""Optical activations in torch: the equations of the hardware room, derivatives, training of tiny models."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from gigawatt.core.errors import InputError  # noqa: E402
from gigawatt.emulation.text import Text  # noqa: E402
from gigawatt.technology.optical.activations import list_activations, load_activation  # noqa: E402
from optical_activation import (  # noqa: E402
    ENCODINGS,
    optical_module,
    relative_transmission,
)
from optical_training import activation_layer, prepare, train_with  # noqa: E402

torch.set_num_threads(1)
POWERS = np.concatenate([[0.0, 1e-9], np.linspace(1e-3, 8.0, 400)])
TINY = {
    "vocab_size": 300,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
}


@pytest.mark.parametrize("id", list_activations())
def test_torch_solves_the_same_equation(id: str) -> None:
    device = load_activation(id)
    double = relative_transmission(torch.tensor(POWERS), device).numpy() * POWERS
    np.testing.assert_allclose(double, device.relative(POWERS), rtol=0.0, atol=1e-12)
    single = relative_transmission(torch.tensor(POWERS, dtype=torch.float32), device).numpy() * POWERS
    np.testing.assert_allclose(single, device.relative(POWERS), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("id", list_activations())
def test_derivatives_are_those_of_the_equation(id: str) -> None:
    """torch's own check by finite differences, in double precision."""
    device = load_activation(id)
    power = torch.linspace(0.05, 4.0, 9, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda p: relative_transmission(p, device), (power,))


@pytest.mark.parametrize("id", list_activations())
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_module_is_passive_and_has_no_holes(id: str, encoding: str) -> None:
    layer = optical_module(load_activation(id), encoding=encoding)
    x = torch.linspace(-4.0, 4.0, 161, requires_grad=True)
    y = layer(x)
    assert torch.isfinite(y).all()
    y.sum().backward()
    assert torch.isfinite(x.grad).all()
    assert float(layer(torch.zeros(1)).abs()) < 1e-6
    if encoding == "field":
        assert bool((y.abs() <= x.abs() * (1.0 + 1e-6)).all())
        torch.testing.assert_close(layer(-x.detach()), -layer(x.detach()))
    else:  # there is no less light than none
        low = layer(torch.tensor([-1.0, -3.0]))
        assert float(low[0]) == float(low[1])


def test_a_scale_scales() -> None:
    device = load_activation("absorber-graphene")
    x = torch.linspace(-2.0, 2.0, 11)
    torch.testing.assert_close(optical_module(device, scale=3.0)(3.0 * x), 3.0 * optical_module(device)(x))


@pytest.mark.parametrize(
    ("call", "key"),
    [
        (lambda: optical_module(load_activation("ppln-shg"), encoding="phase"), "encoding"),
        (lambda: optical_module(load_activation("ppln-shg"), scale=0.0), "scale"),
        (lambda: optical_module(load_activation("ppln-shg"), offset=-1.0), "offset"),
        (lambda: activation_layer("relu6"), "relu6"),
        (lambda: activation_layer("ppln-shg:power:wide"), "scale"),
    ],
)
def test_bad_modules_are_one_line(call: object, key: str) -> None:
    with pytest.raises(InputError, match=key) as caught:
        call()  # type: ignore[operator]
    assert "\n" not in str(caught.value)


@pytest.fixture(scope="module")
def tokens() -> tuple[tuple[np.ndarray, np.ndarray], dict[str, int]]:
    rng = np.random.default_rng(0)
    words = ["light", "bends", "mirror", "returns", "slowly", "never", "glass", "the", "a", "and"]
    passages = tuple(" ".join(rng.choice(words, 60)) for _ in range(40))
    training, held, sizes = prepare(Text("tiny", passages[:32], passages[32:]), TINY)
    return (training, held), sizes


@pytest.mark.parametrize("name", ["absorber-graphene", "electro-optic-integrated:power", "silu", "linear"])
def test_a_tiny_model_learns_with_it(
    name: str, tokens: tuple[tuple[np.ndarray, np.ndarray], dict[str, int]]
) -> None:
    """Words drawn at random cost ln 10 each: the loss falls from ln 300 towards what the draw leaves."""
    pair, sizes = tokens
    run = train_with(name, pair, sizes, steps=40, batch=4, length=32, windows=8, rate=1e-2)
    assert run.loss < 3.5 < np.log(300.0)
    if name == "linear":
        assert run.power_kept == pytest.approx(1.0)
    else:
        assert 0.0 < run.power_kept < 1.0


def test_runs_repeat_and_need_steps(tokens: tuple[tuple[np.ndarray, np.ndarray], dict[str, int]]) -> None:
    pair, sizes = tokens
    options = {"steps": 3, "batch": 2, "length": 16, "windows": 2}
    first = train_with("relu", pair, sizes, seed=1, gated=True, **options)
    again = train_with("relu", pair, sizes, seed=1, gated=True, **options)
    assert first.loss == again.loss
    assert train_with("relu", pair, sizes, seed=2, gated=True, **options).loss != first.loss
    with pytest.raises(InputError, match="steps"):
        train_with("relu", pair, sizes, steps=0)
