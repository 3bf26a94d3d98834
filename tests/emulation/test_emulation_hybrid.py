"""A model on several substrates at once: each group as if alone, the others untouched."""

from __future__ import annotations

import copy

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from tiny_llama import text, tiny  # noqa: E402

from gigawatt.core.errors import InputError  # noqa: E402
from gigawatt.emulation.evaluate import pick_windows  # noqa: E402
from gigawatt.emulation.hybrid import convert, group_of_layer  # noqa: E402
from gigawatt.emulation.layers import linear_layers, replace_layer  # noqa: E402
from gigawatt.emulation.run import emulate  # noqa: E402
from gigawatt.technology.composition import GROUPS  # noqa: E402
from gigawatt.technology.substrate import Substrate  # noqa: E402

torch.set_num_threads(1)
WINDOWS = pick_windows(tiny(), text(), 3, 48)
SEEN = pick_windows(tiny(), text(), 4, 48, training=True)


def hybrid(**groups: str) -> Substrate:
    return Substrate("x", "x", "hybrid", {**dict.fromkeys(GROUPS, "digital"), **groups})


def logits(module) -> torch.Tensor:
    with torch.no_grad():
        return module(input_ids=WINDOWS).logits


def converted(**groups: str):
    module = copy.deepcopy(tiny().module)
    counted = convert(module, hybrid(**groups), SEEN, torch.Generator().manual_seed(3))
    return module, counted


def test_no_parts_change_nothing() -> None:
    module, counted = converted()
    assert torch.equal(logits(module), logits(tiny().module))
    assert counted() == {}


def test_each_group_is_converted_alone_and_counts_alone() -> None:
    module, counted = converted(feed_forward="nvfp4", projections="w-int8")
    from gigawatt.emulation.digital import convert as digital
    from gigawatt.technology.registry import load_substrate

    other = copy.deepcopy(tiny().module)
    whole = {"feed_forward": "nvfp4", "projections": "w-int8"}
    for name, layer in list(linear_layers(other)):
        one = torch.nn.Sequential()
        one.append(layer)
        one.config, one.set_attn_implementation = tiny().module.config, str
        alone = load_substrate(f"{whole[group_of_layer(name)]}:cache=fp32")
        digital(one, alone, SEEN, torch.Generator())
        replace_layer(other, name, one[0])
    assert torch.equal(logits(module), logits(other))
    found = counted()
    assert found["feed_forward.weight_bits"] < 5.0 < found["projections.weight_bits"]


def test_analog_and_digital_groups_stand_in_one_model() -> None:
    module, counted = converted(feed_forward=["pcm", "programming_noise=0"][0], projections="fp8")
    names = {name: type(layer).__name__ for name, layer in module.named_modules() if "proj" in name}
    assert all("Analog" in kind for name, kind in names.items() if ".mlp." in name)
    assert all("Analog" not in kind for name, kind in names.items() if "self_attn" in name)
    assert torch.isfinite(logits(module)).all()
    assert counted()["feed_forward.tile_reads"] > 0.0


def test_a_hybrid_runs_through_the_front_door_and_a_wrong_part_is_refused() -> None:
    made = emulate(tiny(), hybrid(feed_forward="w-int4"), text=text(), windows=3, length=48, cache=False)
    assert made.ratio.value > 0.0
    assert "feed_forward.weight_bits" in made.statistics
    with pytest.raises(InputError, match="activations"):
        converted(attention="nvfp4")
    with pytest.raises(InputError, match="group"):
        group_of_layer("model.layers.0.lstm.gates")
