"""Linear layers and attention in light. Oracles: exact products, the numpy model of rings, laws of shot
noise."""

# pyright: reportMissingImports=false
from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from gigawatt.core.errors import InputError  # noqa: E402
from gigawatt.emulation import photonic as face  # noqa: E402
from gigawatt.emulation.photonic import PhotonicLinear, convert, mesh_weights, ring_weights  # noqa: E402
from gigawatt.emulation.photonic_attention import photonic_attention  # noqa: E402
from gigawatt.technology.photonic.mesh import Flaws  # noqa: E402
from gigawatt.technology.photonic.rings import bank_weights, ring_phase  # noqa: E402
from gigawatt.technology.registry import load_substrate  # noqa: E402
from gigawatt.technology.substrate import Substrate  # noqa: E402

torch.set_num_threads(1)
IDEAL = (
    "weight_bits=0,dac_bits=0,adc_bits=0,thermal_noise=0,phase_error=0,loss=0,crosstalk=0,photons_per_mac=0"
)


def made(text: str) -> Substrate:
    return load_substrate(text)


def layer(inputs: int = 96, outputs: int = 40, seed: int = 0) -> torch.nn.Linear:
    torch.manual_seed(seed)
    return torch.nn.Linear(inputs, outputs)


def drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def error(substrate: str, x: torch.Tensor, linear: torch.nn.Linear, seed: int = 0) -> float:
    light = PhotonicLinear(linear, made(substrate), x, drawn(seed))
    exact = linear(x)
    return float((light(x) - exact).norm() / exact.norm())


@pytest.mark.parametrize("name", ["photonic-mzi", "photonic-crossbar", "pace"])
@torch.no_grad()
def test_ideal_light_is_a_linear_layer(name: str) -> None:
    linear, x = layer(), torch.randn(5, 7, 96, generator=drawn(1))
    light = PhotonicLinear(linear, made(f"{name}:{IDEAL}"))
    assert torch.allclose(light(x), linear(x), atol=1e-5)


@pytest.mark.parametrize("name", ["photonic-mzi", "photonic-crossbar", "photonic-ring", "pace"])
@torch.no_grad()
def test_shot_noise_falls_with_the_root_of_photons(name: str) -> None:
    linear, x = layer(), torch.randn(400, 96, generator=drawn(1))
    quiet = f"{name}:weight_bits=0,dac_bits=0,adc_bits=0,thermal_noise=0,phase_error=0,loss=0,crosstalk=0"
    few, many = (error(f"{quiet},photons_per_mac={n}", x, linear) for n in (100, 10_000))
    assert few / many == pytest.approx(10.0, rel=0.02)
    if name in ("photonic-mzi", "photonic-crossbar"):  # homodyne: 1/√photons of a random matrix
        outputs = torch.nn.functional.linear(x, linear.weight)
        scale = float((linear.weight.norm() ** 2 * x.square().sum(1).mean() / (96 * 40)).sqrt())
        expected = 0.1 * scale / float(outputs.square().mean().sqrt())
        light = PhotonicLinear(linear, made(f"{quiet},photons_per_mac=100"), x, drawn())
        got = float((light(x) - linear(x)).square().mean().sqrt() / outputs.square().mean().sqrt())
        assert got == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("name", ["photonic-ring", "pace"])
@torch.no_grad()
def test_counted_light_scatters_with_each_output_s_own_scale(name: str) -> None:
    """Oracle: Poisson counts on the detectors of an output whose largest weight lets all light through."""
    linear, u = layer(64, 6), torch.rand(64, generator=drawn(1)) * 2.0 - 1.0
    linear.weight.data[0] *= 20.0
    text = f"{name}:weight_bits=0,dac_bits=0,adc_bits=0,thermal_noise=0,phase_error=0,crosstalk=0"
    text += ",photons_per_mac=40"
    light = PhotonicLinear(linear, made(text), u[None], drawn())
    w, x = light.weights.numpy().astype(float), u.numpy().astype(float)
    scale = np.abs(w).max(1)
    share = w / scale[:, None]
    rails = [
        np.abs(share * x),
        np.abs(x) - np.abs(share * x),
    ]  # of the wanted rail, and of what a ring passes
    lit = (rails[0] + rails[1] if name == "photonic-ring" else rails[0]).sum(1)
    per = 40.0 * 64 / lit.mean()
    counts = np.random.default_rng(0).poisson(lit * per, (40_000, 6))
    expected = counts.std(0) / per * scale
    assert light.shot(u[None])[0].numpy() == pytest.approx(expected, rel=0.02)


@torch.no_grad()
def test_many_conversions_scatter_like_their_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawn as one normal error or made one by one: the same error of a layer within 5 %."""
    linear, x = layer(480, 64), torch.randn(300, 480, generator=drawn(1))
    for bits in (5, 8):
        text = f"photonic-crossbar:weight_bits=0,dac_bits=0,photons_per_mac=0,phase_error=0,adc_bits={bits}"
        drawn_error = error(text, x, linear)
        monkeypatch.setattr(face, "_EXACT", 1000)
        assert error(text, x, linear) == pytest.approx(drawn_error, rel=0.05)
        monkeypatch.undo()


@torch.no_grad()
def test_each_flaw_costs() -> None:
    linear, x = layer(128, 128), torch.randn(200, 128, generator=drawn(1))
    for name, worse in (
        ("photonic-mzi", "phase_error=0.05"),
        ("photonic-mzi", "weight_bits=5"),
        ("photonic-mzi", "crosstalk=0.05"),
        ("photonic-ring", "phase_error=0.005"),
        ("photonic-crossbar", "phase_error=0.5"),
        ("photonic-crossbar", "adc_bits=5"),
        ("pace", "dac_bits=4"),
        ("pace", "thermal_noise=0.05"),
        ("lightmatter", "weight_bits=4"),
    ):
        assert error(f"{name}:{worse}", x, linear) > 1.3 * error(name, x, linear), (name, worse)


def test_blocks_of_a_mesh_make_the_matrix() -> None:
    w = torch.randn(70, 100, generator=drawn(3))
    rng = np.random.default_rng(0)
    assert torch.allclose(mesh_weights(w, 32, Flaws(), rng), w, atol=2e-5)
    off = mesh_weights(w, 32, Flaws(phase_error=0.01), rng)
    assert 0.02 < float((off - w).norm() / w.norm()) < 0.06  # real part: about half of √(2N)·10 mrad


def test_rings_of_torch_are_rings_of_numpy() -> None:
    w = torch.rand(30, 32, generator=drawn(4), dtype=torch.float32) * 1.6 - 0.8
    phases = ring_phase(w.numpy().reshape(-1, 8).astype(float), finesse=100.0)
    seen = 1.0 / (1.0 + (torch.tensor(phases, dtype=torch.float32) * (100.0 / math.pi)).square())
    left = face._others(torch.tensor(phases, dtype=torch.float32), 100.0)
    ours = (1.0 - 2.0 * (1.0 - seen) * left).numpy()
    assert ours == pytest.approx(bank_weights(phases, finesse=100.0), abs=1e-5)
    # set with the crosstalk known, what is left is of second order
    raw = np.abs(bank_weights(phases, finesse=100.0).reshape(30, 32) - w.numpy()).max()
    kept = ring_weights(w, channels=8, phase_error=0.0, crosstalk=1.0, generator=None)
    assert float((kept - w).abs().max()) < 0.1 * raw


@torch.no_grad()
def test_attention_in_light() -> None:
    q, k, v = (torch.randn(1, h, 24, 16, generator=drawn(h + 5)) for h in (4, 2, 2))
    exact = torch.nn.functional.scaled_dot_product_attention(
        q, k.repeat_interleave(2, 1), v.repeat_interleave(2, 1), is_causal=True
    )
    found = photonic_attention(q, k, v, made(f"photonic-crossbar:{IDEAL}"))
    assert torch.allclose(found, exact, atol=1e-6)
    errors = [
        float(
            (photonic_attention(q, k, v, made(f"photonic-crossbar{x}"), drawn()) - exact).norm()
            / exact.norm()
        )
        for x in ("", "-4b", ":photons_per_mac=10")
    ]
    assert errors[0] < 0.05 < errors[1]
    assert errors[0] < 0.05 < errors[2]


@torch.no_grad()
def test_converting_a_model() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(32, 48), torch.nn.ReLU(), torch.nn.Linear(48, 16))
    x = torch.randn(4, 10, 32, generator=drawn(1))
    exact = model(x)
    counted = convert(model, made("photonic-mzi-trimmed:size=16"), x, drawn(2))
    assert isinstance(model[0], PhotonicLinear)
    assert counted["macs"] == 32 * 48 + 48 * 16
    assert counted["photons"] == 1000 * counted["macs"]
    assert counted["adc_conversions"] == 48 * 2 + 16 * 3
    assert 0.0 < counted["weight_error"] < 0.05
    assert counted["weight_bits"] == 10.0
    got = model(x)
    assert 0.0 < float((got - exact).norm() / exact.norm()) < 0.15
    again = torch.nn.Sequential(torch.nn.Linear(32, 48), torch.nn.ReLU(), torch.nn.Linear(48, 16))
    twin = torch.nn.Sequential(torch.nn.Linear(32, 48), torch.nn.ReLU(), torch.nn.Linear(48, 16))
    twin.load_state_dict(again.state_dict())
    for net in (again, twin):
        convert(net, made("photonic-mzi"), x, drawn(7))
    assert torch.equal(again(x), twin(x))  # same seed: same chip and same noise


@pytest.mark.parametrize(
    ("run", "key"),
    [
        (lambda: PhotonicLinear(layer(), made("pace")), "inputs"),
        (lambda: PhotonicLinear(layer(), made("pace"), torch.zeros(3, 5)), "inputs"),
        (lambda: PhotonicLinear(layer(), Substrate("x", "x", "analog", {})), "technology"),
        (
            lambda: PhotonicLinear(layer(), made("photonic-ring:wavelengths=250"), torch.ones(2, 96)),
            "wavelengths",
        ),
        (lambda: convert(torch.nn.ReLU(), made("pace")), "model"),
        (lambda: convert(torch.nn.Linear(3, 3), made(f"photonic-mzi:{IDEAL}")), "model"),
        (
            lambda: photonic_attention(*(torch.zeros(1, 2, 3, 4),) * 3, made("photonic-mzi")),
            "attention",
        ),
        (
            lambda: photonic_attention(
                torch.zeros(1, 3, 3, 4), *(torch.zeros(1, 2, 3, 4),) * 2, made("photonic-crossbar")
            ),
            "heads",
        ),
    ],
)
def test_light_that_cannot_be_is_named(run: object, key: str) -> None:
    with pytest.raises(InputError) as caught:
        run()  # type: ignore[operator]
    assert caught.value.key == key
