"""A model on digital substrates: what must change nothing, what must hold, what was counted."""

from __future__ import annotations

import copy

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from tiny_llama import text, tiny  # noqa: E402

from gigawatt.catalog import table  # noqa: E402
from gigawatt.core.errors import InputError  # noqa: E402
from gigawatt.emulation.digital import SETTINGS, convert, needs_calibration  # noqa: E402
from gigawatt.emulation.evaluate import pick_windows  # noqa: E402
from gigawatt.emulation.formats import quantise  # noqa: E402
from gigawatt.emulation.layers import linear_layers, unfold_transposed  # noqa: E402
from gigawatt.emulation.run import emulate  # noqa: E402
from gigawatt.technology.registry import load_substrate  # noqa: E402
from gigawatt.technology.substrate import Substrate  # noqa: E402

torch.set_num_threads(1)
WINDOWS = pick_windows(tiny(), text(), 3, 48)
SEEN = pick_windows(tiny(), text(), 4, 48, training=True)
DIGITAL = [name for name, row in table("substrates").items() if row.text("technology") == "digital"]


def converted(**settings: float | str):
    module = copy.deepcopy(tiny().module)
    counter = convert(module, Substrate("x", "x", "digital", settings), SEEN, torch.Generator())
    return module, counter


def logits(module) -> torch.Tensor:
    with torch.no_grad():
        return module(input_ids=WINDOWS).logits


PLAIN = logits(tiny().module)


def test_nothing_asked_changes_nothing() -> None:
    module, counter = converted()
    assert torch.equal(logits(module), PLAIN)
    assert counter["tokens"] == WINDOWS.numel()
    assert counter["weight_bits"] == 32.0
    assert counter["activation_zeros"] == counter["weight_zeros"] == 0.0


@pytest.mark.parametrize("settings", [{"smooth": 0.5}, {"rotate": 32.0}, {"smooth": 0.7, "rotate": 64.0}])
def test_scales_and_rotations_alone_change_nothing(settings: dict[str, float]) -> None:
    module, _ = converted(**settings)
    assert torch.allclose(logits(module), PLAIN, rtol=1e-3, atol=2e-3)


def test_weights_are_those_of_the_format_and_the_head_stays() -> None:
    module, counter = converted(weights="mxfp4")
    before = dict(linear_layers(tiny().module))
    for name, layer in before.items():
        assert torch.equal(module.get_submodule(name).weight, quantise(layer.weight.data, "mxfp4"))
    assert torch.equal(module.lm_head.weight, tiny().module.lm_head.weight)
    assert counter["weight_bits"] == pytest.approx(4.25)


def test_inputs_are_those_of_the_format() -> None:
    module, _ = converted(activations="int4", activation_group="token")
    seen: list[torch.Tensor] = []
    layer = module.model.layers[0].self_attn.q_proj
    layer.register_forward_hook(lambda _, inputs, output: seen.extend([inputs[0], output]))
    logits(module)
    assert torch.equal(seen[1], quantise(seen[0], "int4", "token") @ layer.weight.t())


def test_a_layer_that_shares_its_input_rounds_it_the_same() -> None:
    module, _ = converted(activations="mxfp4")
    found = {}
    attention = module.model.layers[0].self_attn
    for name in ("q_proj", "k_proj"):
        getattr(attention, name).register_forward_hook(
            lambda layer, inputs, output, name=name: found.update({name: (layer, inputs[0], output)})
        )
    logits(module)
    for layer, inputs, output in found.values():
        assert torch.equal(output, quantise(inputs, "mxfp4") @ layer.weight.t())


@pytest.mark.parametrize(
    ("form", "group"), [("int4", "token"), ("mxfp4", "block"), ("fp8_e4m3", "token"), ("int4", "g32")]
)
def test_a_rounded_cache_stays_causal(form: str, group: str) -> None:
    module, counter = converted(cache=form, cache_group=group)
    first = logits(module)
    assert not torch.allclose(first, PLAIN, atol=1e-4)
    changed = WINDOWS.clone()
    changed[:, 30:] = 5
    with torch.no_grad():
        again = module(input_ids=changed).logits
    assert torch.allclose(again[:, :30], first[:, :30], rtol=1e-4, atol=1e-4)
    assert counter["cache_bits"] < 10


def test_a_cache_is_rounded_as_by_hand() -> None:
    """One head: softmax(q kᵀ) v with keys after their positions and values rounded."""
    module, _ = converted(cache="int4", cache_group="channel")
    seen = {}
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    plain = ALL_ATTENTION_FUNCTIONS["sdpa"]
    rounded = ALL_ATTENTION_FUNCTIONS[module.config._attn_implementation]

    def spy(layer, query, key, value, mask, **more):
        out = rounded(layer, query, key, value, mask, **more)
        hand = plain(
            layer,
            query,
            quantise(key, "int4", "channel", dim=-2),
            quantise(value, "int4", "channel"),
            mask,
            **more,
        )
        seen["same"] = torch.equal(out[0], hand[0])
        seen["other"] = torch.allclose(out[0], plain(layer, query, key, value, mask, **more)[0], atol=1e-5)
        return out

    ALL_ATTENTION_FUNCTIONS.register(module.config._attn_implementation, spy)
    logits(module)
    assert seen == {"same": True, "other": False}


def test_zeros_are_counted() -> None:
    _, counter = converted(sparsity="2:4-magnitude")
    assert counter["weight_zeros"] == 0.5
    module, counter = converted(sparsity="teal", keep=0.6)
    logits(module)
    assert counter["activation_zeros"] == pytest.approx(0.4, abs=0.03)
    assert counter["weight_zeros"] == 0.0


def test_a_rotation_lowers_the_crest_factor_of_an_outlier() -> None:
    source = copy.deepcopy(tiny().module)
    for layer in source.model.layers:
        layer.input_layernorm.weight.data[3] *= 40.0
        layer.post_attention_layernorm.weight.data[3] *= 40.0
    crest = []
    for settings in ({}, {"rotate": 64.0}):
        module = copy.deepcopy(source)
        counter = convert(module, Substrate("x", "x", "digital", settings), SEEN, torch.Generator())
        logits(module)
        crest.append(counter["activation_crest"])
    assert crest[1] < 0.8 * crest[0]


def test_crest_factors_lie_between_one_and_the_root_of_the_width() -> None:
    module, counter = converted()
    logits(module)
    assert 1.0 <= counter["activation_crest"] <= 128**0.5


@pytest.mark.parametrize("name", DIGITAL)
def test_every_row_of_the_catalog_runs(name: str) -> None:
    run = emulate(tiny(), name, text=text(), windows=2, length=48, calibration=2, cache=False)
    assert 0.0 < run.ratio.low <= run.ratio.value <= run.ratio.high
    for key in (
        "tokens", "activation_zeros", "weight_zeros", "activation_crest", "weight_bits", "activation_bits",
        "cache_bits", "tile_utilisation", "perplexity", "perplexity_base",
    ):  # fmt: skip
        assert key in run.statistics, key
    assert run.statistics["weight_bits"] <= 16.0


def test_what_needs_calibration() -> None:
    assert {name for name in DIGITAL if needs_calibration(load_substrate(name))} == {
        name
        for name in DIGITAL
        if any(word in name for word in ("gptq", "wanda", "teal", "smooth")) or name == "int4-hadamard"
    }
    with pytest.raises(InputError, match="inputs of calibration"):
        emulate(tiny(), "wanda-50", text=text(), windows=2, length=48, calibration=0, cache=False)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"weights": "int9"}, "did you mean 'int8'"),
        ({"weigths": "int8"}, "did you mean 'weights'"),
        ({"rotate": 48.0}, "power of two"),
        ({"rotate": 256.0}, "divides 64"),
        ({"smooth": 1.5}, "0 to 1"),
        ({"keep": 0.0, "sparsity": "magnitude"}, "outside its physical range"),
        ({"weights": "mxfp4", "weight_group": "g64"}, "blocks of 32"),
        ({"rounding": "up"}, "nearest, gptq"),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, float | str], says: str) -> None:
    with pytest.raises(InputError, match=says):
        converted(**settings)


def test_settings_of_rows_are_known() -> None:
    for name in DIGITAL:
        assert set(load_substrate(name).settings) <= set(SETTINGS), name


def test_transposed_layers_become_linear_ones() -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    module = GPT2LMHeadModel(GPT2Config(vocab_size=96, n_positions=64, n_embd=32, n_layer=1, n_head=2)).eval()
    ids = WINDOWS % 96
    with torch.no_grad():
        before = module(input_ids=ids).logits
        unfold_transposed(module)
        after = module(input_ids=ids).logits
    assert torch.allclose(before, after, atol=1e-5)
    assert len(list(linear_layers(module))) == 4


def test_a_model_without_linear_layers_is_refused() -> None:
    with pytest.raises(InputError, match="no linear layers"):
        list(linear_layers(torch.nn.Sequential(torch.nn.ReLU())))
