"""Adapters beside noisy tiles, and attention on gain cells."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

import copy  # noqa: E402

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from torch import nn  # noqa: E402

from gigawatt.core.errors import InputError, MissingDataError  # noqa: E402
from gigawatt.emulation.analog import convert  # noqa: E402
from gigawatt.emulation.analog_attention import gain_cell_attention, levels, use_gain_cells  # noqa: E402
from gigawatt.technology.registry import load_substrate  # noqa: E402
from low_rank_adapters import LowRank, adapt, attach, correction, trainable  # noqa: E402

torch.set_num_threads(1)
few = settings(deadline=None, max_examples=15, derandomize=True)
NOISY = "pcm:dac_bits=0,adc_bits=0,output_noise=0,read_noise=0,programming_noise=3"


def drawn(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Chain(nn.Module):
    """A model of the next word from this one, wide enough to learn a permutation."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embed = nn.Embedding(24, 32)
        self.first, self.second = nn.Linear(32, 64), nn.Linear(64, 32)
        self.norm = nn.LayerNorm(32)
        self.lm_head = nn.Linear(32, 24, bias=False)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.embed(ids)
        return self.lm_head(self.norm(self.second(torch.tanh(self.first(x)))))


def sequences(count: int) -> torch.Tensor:
    """Words that follow one another by a fixed permutation."""
    follow = torch.randperm(24, generator=drawn(9))
    rows = [torch.randint(0, 24, (count,), generator=drawn(8))]
    for _ in range(31):
        rows.append(follow[rows[-1]])
    return torch.stack(rows, 1)


def trained() -> nn.Module:
    model, ids = Chain(), sequences(64)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(60):
        logits = model(ids)
        loss = nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


def perplexity(model: nn.Module, ids: torch.Tensor) -> float:
    with torch.no_grad():
        logits = model(ids)
    return float(nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), ids[:, 1:].flatten()).exp())


@few
@given(rank=st.integers(1, 12), seed=st.integers(0, 20))
def test_a_correction_is_the_best_of_its_rank(rank: int, seed: int) -> None:
    """Eckart and Young: what is left, measured on the inputs, is the tail of the singular values."""
    g = drawn(seed)
    error = torch.randn(10, 12, generator=g, dtype=torch.float32)
    x = torch.randn(400, 12, generator=g) * torch.linspace(0.1, 3.0, 12)
    moment = x.T @ x / 400
    up, down = correction(error, moment, rank)
    assert up.shape == (10, min(rank, 10))
    ridge = moment + torch.eye(12) * 1e-3 * moment.diagonal().mean()
    root = torch.linalg.cholesky(ridge)
    tail = torch.linalg.svdvals(error @ root)[min(rank, 10) :]
    left = ((error - up @ down) @ root).norm()
    assert float(left) == pytest.approx(float(tail.norm()), rel=1e-3, abs=1e-3)


def test_a_path_of_full_rank_undoes_programming() -> None:
    model, ids = trained(), sequences(16)
    noisy = copy.deepcopy(model)
    convert(noisy, load_substrate(NOISY), None, drawn(1))
    spoiled = perplexity(noisy, ids)
    counted = attach(noisy, model, rank=32, inputs=ids)
    assert counted["layers"] == 2
    assert perplexity(noisy, ids) == pytest.approx(perplexity(model, ids), rel=0.01)
    assert perplexity(noisy, ids) < spoiled


def test_training_beside_noisy_tiles_brings_it_back() -> None:
    model, ids = trained(), sequences(64)
    noisy = copy.deepcopy(model)
    convert(noisy, load_substrate(NOISY.replace("noise=3", "noise=8")), None, drawn(1))
    spoiled = perplexity(noisy, ids)
    tiles = noisy.first.weights.clone()
    counted = attach(noisy, model, rank=4)
    assert perplexity(noisy, ids) == pytest.approx(spoiled, rel=1e-5)  # paths start at zero
    assert 0.0 < counted["adapter_share"] < 1.0
    before = perplexity(model, ids)
    done = adapt(noisy, ids, steps=60, batch=8, rate=1e-2, generator=drawn(0))
    assert done.tokens == 60 * 8 * 32
    assert done.cpu_seconds > 0.0
    assert done.parameters == sum(p.numel() for p in trainable(noisy))
    after = perplexity(noisy, ids)
    assert after - before < 0.5 * (spoiled - before)
    assert torch.equal(noisy.first.layer.weights, tiles)  # what is programmed stays


def test_training_for_any_chip() -> None:
    """Redrawn every step, the adapters help a chip that they never saw."""
    model, ids = trained(), sequences(64)
    substrate = load_substrate(NOISY.replace("noise=3", "noise=6"))

    def chip(seed: int) -> nn.Module:
        one = copy.deepcopy(model)
        convert(one, substrate, None, drawn(seed))
        return one

    training = chip(0)
    attach(training, model, rank=8)
    count = iter(range(1, 1000))

    def redraw() -> None:
        new = chip(next(count))
        for name in ("first", "second"):
            getattr(training, name).layer.weights.copy_(getattr(new, name).weights)

    adapt(training, ids, steps=60, batch=8, rate=1e-2, redraw=redraw, generator=drawn(0))
    unseen = [2001, 2002, 2003]
    plain = [perplexity(chip(seed), ids) for seed in unseen]
    helped = []
    for seed in unseen:
        new = chip(seed)
        for name in ("first", "second"):
            getattr(training, name).layer.weights.copy_(getattr(new, name).weights)
        helped.append(perplexity(training, ids))
    assert sum(helped) < sum(plain)


def test_training_passes_converters_and_noise_of_reads() -> None:
    """Gradients stay finite through every part of a tile, and training helps there too."""
    model, ids = trained(), sequences(64)
    noisy = copy.deepcopy(model)
    convert(noisy, load_substrate("pcm:dac_bits=4,adc_bits=4,programming_noise=4,ir_drop=1"), ids, drawn(1))
    spoiled = perplexity(noisy, ids)
    attach(noisy, model, rank=4, inputs=ids)
    adapt(noisy, ids, steps=40, batch=8, rate=1e-2, generator=drawn(0))
    assert all(bool(torch.isfinite(p).all()) for p in trainable(noisy))
    assert perplexity(noisy, ids) < spoiled


def test_time_ends_a_training() -> None:
    model = trained()
    noisy = copy.deepcopy(model)
    convert(noisy, load_substrate(NOISY), None, drawn(1))
    attach(noisy, model, rank=2)
    done = adapt(noisy, sequences(8), steps=10_000, seconds=0.2, generator=drawn(0))
    assert len(done.losses) < 10_000
    assert done.cpu_seconds < 2.0


@pytest.mark.parametrize(
    ("run", "key"),
    [
        (lambda: LowRank(nn.Linear(4, 3), 4), "rank"),
        (lambda: attach(Chain(), Chain(), rank=2), "model"),
        (lambda: adapt(Chain(), torch.zeros(2, 4, dtype=torch.long), steps=0), "steps"),
        (lambda: adapt(Chain(), torch.zeros(2, 1, dtype=torch.long), steps=1), "windows"),
    ],
)
def test_what_cannot_be_is_named(run: object, key: str) -> None:
    with pytest.raises(InputError) as caught:
        run()  # type: ignore[operator]
    assert caught.value.key == key


# attention


def heads(seed: int, groups: int = 1) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    g = drawn(seed)
    return (
        torch.randn(2, 4, 20, 16, generator=g),
        torch.randn(2, 4 // groups, 20, 16, generator=g),
        torch.randn(2, 4 // groups, 20, 16, generator=g),
    )


@pytest.mark.parametrize("groups", [1, 2])
def test_many_levels_and_no_leak_are_plain_attention(groups: int) -> None:
    """Of torch."""
    q, k, v = heads(0, groups)
    ours = gain_cell_attention(q, k, v, stored=2**18 + 1, pulsed=2**18 + 1)
    k, v = (x.repeat_interleave(groups, 1) for x in (k, v))
    plain = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    assert torch.allclose(ours, plain, atol=1e-3)


def test_few_levels_leak_and_window_each_move_it() -> None:
    q, k, v = heads(1)
    plain = nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)

    def error(**other: float) -> float:
        exact = {"stored": 2**18 + 1, "pulsed": 2**18 + 1, **other}
        return float((gain_cell_attention(q, k, v, **exact) - plain).norm())  # type: ignore[arg-type]

    assert error(stored=8) < error(stored=3)
    assert error(pulsed=16) < error(pulsed=3)
    assert error(token_time=1e-5) < error(token_time=1e-3)
    assert error(window=19) < error(window=4)
    # long after writing nothing is left but what was written now
    gone = gain_cell_attention(q, k, v, token_time=1.0, stored=2**18 + 1, pulsed=2**18 + 1)
    assert torch.allclose(gone[:, :, 0], v[:, :, 0], atol=1e-3)
    assert float(gone[:, :, -1].norm()) < float(v[:, :, -1].norm())


def test_levels() -> None:
    x = torch.randn(5, 100, generator=drawn(0))
    for count in (3, 8, 16):
        found = levels(x, count)
        assert all(len(row.unique()) <= count for row in found)
        assert torch.allclose(found.abs().amax(-1), x.abs().amax(-1))


def test_attention_says_what_it_lacks() -> None:
    q, k, v = heads(0)
    with pytest.raises(InputError):
        gain_cell_attention(q, k, v, token_time=-1.0)
    with pytest.raises(InputError):
        gain_cell_attention(q, k, v, window=0)
    with pytest.raises(MissingDataError):
        use_gain_cells(Chain())


def test_a_model_of_transformers_runs_on_gain_cells() -> None:
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    shape = {"vocab_size": 64, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2}
    heads_of = {"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 64}
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(**shape, **heads_of)).eval()
    ids = torch.randint(0, 64, (1, 24), generator=drawn(0))
    with torch.no_grad():
        exact = model(input_ids=ids, use_cache=False).logits
        use_gain_cells(model)
        near = model(input_ids=ids, use_cache=False).logits
        use_gain_cells(model, token_time=5e-3)
        far = model(input_ids=ids, use_cache=False).logits
    assert 0.0 < float((near - exact).norm()) < float((far - exact).norm())
    assert float((near - exact).norm() / exact.norm()) < 0.5
