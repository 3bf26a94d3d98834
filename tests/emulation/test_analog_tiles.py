"""Layers and small models on analog tiles. Oracles: aihwkit 1.1.0, circuit equations, exact products."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from itertools import pairwise  # noqa: E402

import numpy as np  # noqa: E402
from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from torch import nn  # noqa: E402

from gigawatt.catalog import entity  # noqa: E402
from gigawatt.core.errors import InputError  # noqa: E402
from gigawatt.emulation.analog import (  # noqa: E402
    AnalogLinear,
    convert,
    count_reads,
    linear_layers,
    output_noise,
)
from gigawatt.emulation.analog_devices import (  # noqa: E402
    DEVICES,
    age,
    drift_exponents,
    load_cell,
    program,
    programming_spread,
)
from gigawatt.emulation.analog_tile import best_range, quantise, tiles, wire_transfer  # noqa: E402
from gigawatt.technology.analog import tiles as cost_face  # noqa: E402
from gigawatt.technology.registry import load_substrate  # noqa: E402
from gigawatt.technology.substrate import Substrate  # noqa: E402
from gigawatt.validation.technologies.analog import layer_errors  # noqa: E402

torch.set_num_threads(1)
few = settings(deadline=None, max_examples=15, derandomize=True)
IDEAL = "dac_bits=0,adc_bits=0,output_noise=0,read_noise=0,programming_noise=0"


def drawn(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def made(name: str, changes: str = "") -> Substrate:
    return load_substrate(f"{name}:{changes}")


def linear(inputs: int, outputs: int, *, bias: bool = True, seed: int = 0) -> nn.Linear:
    torch.manual_seed(seed)
    return nn.Linear(inputs, outputs, bias=bias)


class Small(nn.Module):
    """Embedding, two layers with a residual, head."""

    def __init__(self, words: int = 32, width: int = 48) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.embed = nn.Embedding(words, width)
        self.up, self.down = nn.Linear(width, 96), nn.Linear(96, width)
        self.norm = nn.LayerNorm(width)
        self.lm_head = nn.Linear(width, words, bias=False)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.embed(ids)
        x = x + self.down(torch.relu(self.up(x)))
        return self.lm_head(self.norm(x))


# devices


@pytest.mark.parametrize(
    ("device", "g", "time", "spread"),
    [
        # spreads of 200,000 conductances that aihwkit 1.1.0 programmed (seed 0), over the largest one
        ("pcm", 0.25, 0.0, 0.02721),
        ("pcm", 0.5, 0.0, 0.03814),
        ("pcm", 0.9, 0.0, 0.04306),
        ("rram", 0.25, 1.0, 0.05647),
        ("rram", 0.5, 1.0, 0.05051),
        ("rram", 0.9, 1.0, 0.03279),
        ("rram", 0.25, 86400.0, 0.09282),
        ("rram", 0.5, 86400.0, 0.09774),
        ("rram", 0.9, 172800.0, 0.07447),
    ],
)
def test_spreads_of_another_simulator(device: str, g: float, time: float, spread: float) -> None:
    found = programming_spread(load_cell(device), torch.tensor([g], dtype=torch.float64), time)
    assert float(found) == pytest.approx(spread, rel=0.01)


@pytest.mark.parametrize(
    ("g", "nu", "nu_spread", "mean", "spread"),
    [
        # exponents and conductances after a day, of 200,000 cells of aihwkit 1.1.0
        (0.25, 0.04898, 0.01143, 0.16671, 0.03042),
        (0.5, 0.0490, 0.00802, 0.33243, 0.04123),
        (0.9, 0.04903, 0.00801, 0.59837, 0.05722),
    ],
)
def test_drift_of_another_simulator(
    g: float, nu: float, nu_spread: float, mean: float, spread: float
) -> None:
    cell, target = load_cell("pcm"), torch.full((100_000,), g)
    exponents = drift_exponents(cell, target, generator=drawn(1))
    assert float(exponents.mean()) == pytest.approx(nu, rel=0.01)
    assert float(exponents.std()) == pytest.approx(nu_spread, rel=0.03)
    then = program(cell, target, generator=drawn(2))
    after = age(cell, then, target, time=86400.0, generator=drawn(3))
    assert float(after.mean()) == pytest.approx(mean, rel=0.01)
    assert float(after.std()) == pytest.approx(spread, rel=0.03)


def test_flash_and_hermes_at_points_of_their_laws() -> None:
    """SONOS: A(1 − e^(−I/B)) at 800 nA. HERMES: cubics in counts, written out (analog-foundation-models)."""
    flash = programming_spread(load_cell("flash"), torch.tensor([0.5], dtype=torch.float64))
    assert float(flash) == pytest.approx(19.88665 * (1 - np.exp(-800 / 176.3115)) / 1600, rel=1e-6)
    x = np.array([30.0, 100.0])
    one = np.polyval(
        [2.939751381126213e-05, -0.00371581208142707, 0.22419685954327148, 2.5797410660159494], x
    )
    two = np.polyval(
        [1.2329755395573392e-05, -0.003054993405157235, 0.2453487119885723, 2.110295720240385], x
    )
    hermes = programming_spread(load_cell("pcm-hermes"), torch.tensor(x / 180.0))
    assert hermes.numpy() == pytest.approx(np.array([one[0], two[1]]) / 180.0, rel=1e-6)
    assert float(programming_spread(load_cell("pcm-hermes"), torch.tensor([0.001]))) == 0.0


def test_gain_cells_have_levels_and_leak() -> None:
    cell = load_cell("gain-cell")
    held = program(cell, torch.linspace(0, 1, 101))
    assert len(held.unique()) == 8
    tau = cell["retention"]
    assert age(cell, held, held, time=tau) == pytest.approx(held.numpy() / np.e, rel=1e-6)
    twice = age(cell, age(cell, held, held, time=0.3 * tau), held, time=0.7 * tau)
    assert twice.numpy() == pytest.approx(age(cell, held, held, time=tau).numpy(), rel=1e-6)


@pytest.mark.parametrize("device", DEVICES)
def test_spread_grows_with_time_and_is_never_negative(device: str) -> None:
    cell, g = load_cell(device), torch.linspace(0, 1, 50)
    spreads = [programming_spread(cell, g, time) for time in (0.0, 1e4, 86400.0, 1e7)]
    assert all(bool((one >= 0).all()) for one in spreads)
    means = [float(one.mean()) for one in spreads]
    for sooner, later in pairwise(means):
        assert later >= 0.99 * sooner  # the published fits at one and two days cross


def test_stuck_cells_are_counted() -> None:
    stuck = program(
        load_cell("pcm"), torch.full((50_000,), 0.5), scale=0.0, stuck_share=0.1, generator=drawn(0)
    )
    assert float((stuck == 0.0).float().mean()) == pytest.approx(0.05, abs=0.005)
    assert float((stuck == 1.0).float().mean()) == pytest.approx(0.05, abs=0.005)


# a tile


@few
@given(cells=st.integers(1, 40), ratio=st.floats(1e-6, 1e-1), seed=st.integers(0, 10))
def test_wires_are_those_of_the_circuit(cells: int, ratio: float, seed: int) -> None:
    """The dense nodal equations of a column with signed sources, solved by numpy, give the same current."""
    rng = np.random.default_rng(seed)
    plus, minus, x = rng.random(cells), rng.random(cells), rng.standard_normal(cells)
    wire = 1.0 / ratio
    nodes = np.diag(plus + minus)
    for k in range(cells):
        nodes[k, k] += wire  # to the node before, or to the sense end
        if k + 1 < cells:
            nodes[k, k] += wire
            nodes[k, k + 1] -= wire
            nodes[k + 1, k] -= wire
    volts = np.linalg.solve(nodes, (plus - minus) * x)
    share = wire_transfer(torch.tensor(plus + minus)[None], ratio)[0].numpy()
    assert float(share @ ((plus - minus) * x)) == pytest.approx(wire * volts[0], rel=1e-9, abs=1e-12)
    assert np.all(np.diff(share) <= 1e-15)
    assert np.all((share > 0) & (share <= 1))


def test_converters() -> None:
    x = torch.linspace(-2, 2, 4001, requires_grad=True)
    y = quantise(x, 1.0, 4.0)
    assert len(y.detach().unique()) == 15
    inside = x.detach().abs() <= 1
    assert float((y - x).detach().abs()[inside].max()) <= 0.5 / 7 + 1e-6
    y.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, inside.to(x.dtype))  # straight through, but not where it clips
    assert torch.equal(quantise(x, 1.0, 0), x)
    with pytest.raises(InputError):
        quantise(x, 1.0, 1)
    heavy = torch.cat([torch.randn(10_000, generator=drawn(0)), torch.tensor([40.0])])
    assert best_range(heavy, 4) < 20.0  # clips the outlier
    assert best_range(heavy, 0) == 40.0
    assert tiles(513, 512) == 2


# layers


@pytest.mark.parametrize("inputs", [256, 512, 1024])
def test_errors_of_another_simulator(inputs: int) -> None:
    """Rasch et al., aihwkit 1.1.0 run on the same layer: within 15 %."""
    ours, row = layer_errors(inputs, draws=2), entity("analog_published", f"aihwkit-{inputs}")
    for stage in row.numbers:
        assert ours[stage] == pytest.approx(row.value(stage), rel=0.15), stage


@pytest.mark.parametrize("rows", [16, 50, 512])
def test_an_ideal_tile_is_the_layer(rows: int) -> None:
    layer, x = linear(100, 30), torch.randn(7, 5, 100, generator=drawn(0))
    tiled = AnalogLinear(layer, made("pcm", f"{IDEAL},tile_rows={rows}"))
    assert torch.allclose(tiled(x), layer(x), atol=2e-5)
    assert torch.allclose(tiled.matrix(), layer.weight, atol=1e-6)
    assert len(tiled.parts) == tiles(100, rows)


def test_more_noise_bits_time_and_wire_each_move_the_error() -> None:
    layer, x = linear(256, 64, bias=False), torch.randn(256, 256, generator=drawn(5))
    exact = layer(x).detach()

    def error(changes: str, device: str = "pcm") -> float:
        tiled = AnalogLinear(layer, made(device, f"{IDEAL},{changes}"), x, drawn(1))
        return float((tiled(x) - exact).norm() / exact.norm())

    for a, b in (
        ("dac_bits=8", "dac_bits=4"),
        ("adc_bits=8", "adc_bits=4"),
        ("programming_noise=0.5", "programming_noise=2"),
        ("read_noise=1", "read_noise=3"),
        ("output_noise=0.01", "output_noise=0.1"),
        ("input_noise=0.01", "input_noise=0.1"),
        ("ir_drop=1", "ir_drop=5"),
        ("stuck_share=0.001", "stuck_share=0.02"),
        ("drift_time=3600,compensation=none", "drift_time=1e6,compensation=none"),
        ("drift_time=1e6,compensation=global", "drift_time=1e6,compensation=none"),
        ("mode=precise", "mode=fast"),
    ):
        assert error(a) < error(b), (a, b)
    errors = [error(f"programming_noise=1,slices={n}") for n in (1, 2, 3)]
    assert errors[1] < 0.4 * errors[0]
    assert errors[2] < 0.4 * errors[1]
    assert error("programming_noise=1,drift_time=86400", "rram") > error("programming_noise=1", "rram")


def test_the_mode_is_that_of_the_cost() -> None:
    """One word sets what is paid and what is lost."""
    fast, precise = made("pcm-hermes-fast"), made("pcm-hermes-precise")
    assert output_noise(fast) > output_noise(precise)
    assert cost_face.phases(fast) < cost_face.phases(precise)


def test_clipping_is_chosen_by_calibration() -> None:
    layer, x = linear(64, 8), torch.randn(512, 64, generator=drawn(2))
    layer.requires_grad_(False)
    x[0, 0] = 50.0
    changes = f"{IDEAL},dac_bits=4,input_range="
    static = AnalogLinear(layer, made("pcm", changes + "static"), x)
    assert float(static.input_range) < 25.0
    dynamic = AnalogLinear(layer, made("pcm", changes + "dynamic"), x)
    assert float(dynamic.input_range) <= 1.0
    rest = slice(1, None)
    loss = [float((one(x)[rest] - layer(x)[rest]).norm()) for one in (static, dynamic)]
    assert loss[1] < loss[0]  # an outlier of one vector does not spoil the others


def test_a_model_is_converted() -> None:
    model, ids = Small(), torch.randint(0, 32, (2, 64), generator=drawn(0))
    exact = model(ids).detach()
    counted = convert(model, made("pcm", "tile_rows=32,tile_columns=64"), ids, drawn(0))
    assert type(model.lm_head) is nn.Linear
    assert [path for path, *_ in linear_layers(model)] == []
    assert isinstance(model.up, AnalogLinear)
    assert model.up.in_features == 48
    assert counted["tokens"] == 128
    assert counted["macs"] == 2 * 48 * 96
    assert counted["tile_reads"] == 2 * 2 + 3 * 1
    assert counted["adc_conversions"] == 2 * 96 + 3 * 48
    assert counted["dac_conversions"] == 2 * 48 + 1 * 96
    assert counted["tile_utilisation"] == pytest.approx(2 * 48 * 96 / (7 * 32 * 64))
    assert 0.2 < counted["activation_zeros"] < 0.6  # behind a rectifier on one of two layers
    assert counted["activation_crest"] > 1.0
    assert 0.0 < float((model(ids).detach() - exact).norm() / exact.norm()) < 0.5
    again = Small()
    convert(again, made("pcm", "tile_rows=32,tile_columns=64"), ids, drawn(0))
    assert torch.equal(again.up.weights, model.up.weights)  # same generator, same chip


@pytest.mark.parametrize("device", ["pcm", "pcm-hermes"])
def test_a_chip_is_the_same_chip_a_day_later(device: str) -> None:
    """Two layers drawn from one generator: each is what it was, drifted; not another draw."""
    layers, found = [linear(64, 64, bias=False, seed=n) for n in (1, 2)], {}
    for time in (0, 1, 86400):
        changes = f"{IDEAL},programming_noise=1,compensation=none,drift_time={time}"
        substrate, generator = made("pcm", f"{changes},device={device}"), drawn(4)
        found[time] = [AnalogLinear(layer, substrate, None, generator).matrix() for layer in layers]
    for number in (0, 1):
        start, second, day = (found[time][number].flatten() for time in (0, 1, 86400))
        assert float(torch.corrcoef(torch.stack([start, day]))[0, 1]) > 0.985
        assert float((second - start).norm()) < float((day - start).norm())
        error = layers[number].weight.detach().flatten()
        aligned = torch.corrcoef(torch.stack([start - error, second - error]))[0, 1]
        assert float(aligned) > 0.9  # the same errors of programming


def test_counts_are_those_of_the_cost() -> None:
    """Both faces cut a matrix into the same tiles."""
    for shape in ((576, 1536), (1536, 576), (100, 3000)):
        for changes in ("tile_rows=512", "tile_rows=300,tile_columns=200,slices=2"):
            one = made("pcm", changes)
            counted = count_reads([shape], one)
            paid = cost_face.reads(one, n=float(shape[1]), k=float(shape[0]))
            assert counted["tile_reads"] == float(paid["tiles"])
            assert counted["adc_conversions"] == float(paid["columns"])
            assert counted["dac_conversions"] == float(paid["rows"])
            assert counted["macs"] * one.number("slices") == float(paid["cells"])


@pytest.mark.parametrize(
    ("run", "key"),
    [
        (lambda: AnalogLinear(linear(4, 4), Substrate("d", "d", "digital", {})), "technology"),
        (lambda: AnalogLinear(linear(4, 4), made("pcm"), torch.zeros(3, 5)), "inputs"),
        (lambda: convert(nn.ReLU(), made("pcm")), "model"),
        (lambda: convert(Small(), made("pcm")), "calibration_inputs"),
        (lambda: convert(Small(), Substrate("d", "d", "digital", {})), "technology"),
        (lambda: load_cell("dram"), "device"),
        (lambda: age(load_cell("pcm"), torch.ones(1), torch.ones(1), time=-1.0), "drift_time"),
        (lambda: wire_transfer(torch.ones(1, 1), -1.0), "ir_drop"),
    ],
)
def test_what_cannot_be_is_named(run: object, key: str) -> None:
    with pytest.raises(InputError) as caught:
        run()  # type: ignore[operator]
    assert caught.value.key == key
    assert caught.value.allowed
