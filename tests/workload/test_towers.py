"""Vision towers: parameters equal to transformers', their memory, what an image costs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gigawatt import catalog
from gigawatt.chain.assumption_list import AssumptionList
from gigawatt.chain.machine.precision import published
from gigawatt.core.errors import InputError
from gigawatt.machine.load import load_chip
from gigawatt.workload import read_architecture
from gigawatt.workload.config import Config
from gigawatt.workload.inference import Shares, weight_bytes
from gigawatt.workload.towers import read_towers

GOLDEN = json.loads((Path(__file__).parent / "golden_towers.json").read_text(encoding="utf-8"))
"""Of transformers' own models on the meta device (tests/oracles/workload_towers.py)."""


@pytest.mark.parametrize("name", GOLDEN)
def test_parameters_equal_those_of_transformers(name: str, tmp_path: Path) -> None:
    given = dict(GOLDEN[name]["config"])
    language = {"hidden_size": given.pop("text_hidden")}
    c = Config(language, file=tmp_path, text="{}", family="", nested=False)
    towers, left = read_towers(given, c, given["model_type"])
    assert not left
    assert sum(tower.parameters for tower in towers) == GOLDEN[name]["parameters"]


def test_every_wrapper_of_the_table_is_held_to_transformers() -> None:
    parts = {"siglip", "clip", "pixtral"}  # towers of several wrappers
    held = {name.split()[0] for name in GOLDEN} | {f"{name}_thinker" for name in OMNI} | {*HEARD}
    assert held == {*catalog.table("model_towers")} - parts


OMNI: dict[str, tuple[dict[str, Any], dict[str, Any], int, int]] = {
    "qwen2_5_omni": (
        {"hidden_size": 3584, "intermediate_size": 18944, "num_attention_heads": 28},
        {"hidden_size": 3584, "out_hidden_size": 3584, "fullatt_block_indexes": [7, 15, 23, 31]},
        469703168 + 3584000, 3083025152,
    ),
    "qwen3_omni_moe": (
        {"hidden_size": 2048, "num_attention_heads": 16, "head_dim": 128, "num_experts": 128,
         "num_experts_per_tok": 8, "moe_intermediate_size": 768, "decoder_sparse_step": 1},
        {"hidden_size": 1152, "out_hidden_size": 3584, "deepstack_visual_indexes": [8, 16, 24]},
        1231514112 + 2048000, 566949104,
    ),
}  # fmt: skip
"""Two layers of the thinker and its vision tower, counted as above, each with a head of its own."""


@pytest.mark.parametrize("name", OMNI)
def test_of_a_model_that_speaks_the_thinker_is_read(name: str, tmp_path: Path) -> None:
    language, vision, parameters, tower = OMNI[name]
    usual = {"num_hidden_layers": 2, "num_key_value_heads": 4, "vocab_size": 1000}
    thinker = {
        "model_type": f"{name}_thinker", "tie_word_embeddings": False, "vision_config": vision,
        "text_config": {"model_type": f"{name}_text", **usual, **language}, "audio_config": {"d_model": 1280},
    }  # fmt: skip
    found = read_architecture(written(tmp_path, {"model_type": name, "thinker_config": thinker}))
    assert found.parameters.total == parameters
    assert found.tower_parameters == tower
    assert [one for one in found.uncounted if "audio tower" in one]


def qwen() -> dict[str, Any]:
    return json.loads(catalog.path("models/qwen3-vl-2b.json").read_text())


def written(folder: Path, config: dict[str, Any]) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps(config))
    return path


def test_memory_holds_the_tower_and_a_notice_says_so(tmp_path: Path) -> None:
    whole = read_architecture(written(tmp_path, qwen()))
    blind = read_architecture(written(tmp_path, {k: v for k, v in qwen().items() if k != "vision_config"}))
    assert whole.parameters == blind.parameters
    more = float(weight_bytes(whole, shares=Shares.of())) - float(weight_bytes(blind, shares=Shares.of()))
    assert more == 2.0 * whole.tower_parameters > 0.0
    assumed = AssumptionList()
    published(assumed, (None, None), None, load_chip("H100"), whole)
    assert any(
        "vision tower (0.407 billion parameters) is in memory" in one and "1,024 tokens" in one
        for one in assumed.notices
    )


def test_a_tower_that_is_not_known_is_named(tmp_path: Path) -> None:
    config = {**qwen(), "audio_config": {"model_type": "whisper"}}
    found = read_architecture(written(tmp_path, config))
    assert [one for one in found.uncounted if "audio tower of qwen3_vl" in one]


def test_what_an_image_costs() -> None:
    (tower,) = read_architecture("qwen3-vl-2b").towers
    patches = 1024.0  # 512 × 512 pixels
    assert tower.tokens(patches) == 256.0
    # depth × (12 × width²) weights and 4 × width × patches² of attention a layer (Dosovitskiy et al. 2021)
    width, depth = 1024, 24
    layers = depth * (2 * 12 * width**2 * patches + 4 * width * patches**2)
    assert layers < tower.flops(patches) < 1.2 * layers
    assert tower.flops(2 * patches) > 2 * tower.flops(patches)


def test_windows_spare_pairs(tmp_path: Path) -> None:
    golden = GOLDEN["qwen2_5_vl default"]["config"]
    c = Config({"hidden_size": golden["text_hidden"]}, file=tmp_path, text="{}", family="", nested=False)
    ((near,), _), ((far,), _) = (
        read_towers({**golden, "vision_config": {**golden["vision_config"], **more}}, c, "qwen2_5_vl")
        for more in ({}, {"fullatt_block_indexes": list(range(32))})
    )
    assert (near.window, near.full, far.full) == (64, 4, 32)
    assert far.flops(4096.0) - near.flops(4096.0) == 4.0 * near.width * 28 * 4096.0 * (4096.0 - 64.0)


@pytest.mark.parametrize(
    ("key", "given", "words"),
    [("depth", "many", r"depth: this is not a size; given 'many'"), ("depth", 0, "not a size"),
     ("hidden_size", -1, "not a size"), ("depth", 10**7, "not a size")],
)  # fmt: skip
def test_sizes_that_are_none_are_refused_by_name(tmp_path: Path, key: str, given: object, words: str) -> None:
    config = qwen()
    config["vision_config"][key] = given
    with pytest.raises(InputError, match=words):
        read_architecture(written(tmp_path, config))


def encoder(d: int, wide: int, layers: int, mel: int) -> int:
    """Whisper's encoder: two convolutions of three, layers whose key has no bias, a norm at the end."""
    convolutions = (3 * mel * d + d) + (3 * d * d + d)
    layer = 4 * d * d + 3 * d + (d * wide + wide) + (wide * d + d) + 4 * d
    return convolutions + layers * layer + 2 * d


HEARD = {
    "qwen2_audio_encoder": lambda d, out: 1500 * d + d * out + out,
    "qwen2_5_omni_audio_encoder": lambda d, out: d * out + out + 2 * out,
}
"""Besides the encoder: learned positions and the projector; the projector and two tokens."""


@pytest.mark.parametrize("kind", HEARD)
@pytest.mark.parametrize(
    "size", [{}, {"d_model": 512, "encoder_ffn_dim": 2048, "encoder_layers": 6, "num_mel_bins": 80}]
)
def test_what_hears_is_counted_by_the_arithmetic_of_its_code(
    kind: str, size: dict[str, int], tmp_path: Path
) -> None:
    """Of transformers' modeling_qwen2_audio.py and modeling_qwen2_5_omni.py, read; torch is not at hand."""
    c = Config({"hidden_size": 3584}, file=tmp_path, text="{}", family="", nested=False)
    audio = {"model_type": kind, "output_dim": 3584, **size}
    (tower,), left = read_towers({"audio_config": audio}, c, "any")
    d, wide = size.get("d_model", 1280), size.get("encoder_ffn_dim", 5120)
    whole = encoder(d, wide, size.get("encoder_layers", 32), size.get("num_mel_bins", 128))
    assert not left
    assert tower.parameters == whole + HEARD[kind](d, 3584)
    assert tower.tokens(tower.sound(30.0)) == 750.0
    assert tower.tokens(tower.sound(31.0)) == (1500.0 if kind == "qwen2_audio_encoder" else 775.0)


def test_a_model_that_hears_has_the_parameters_that_it_is_published_with(tmp_path: Path) -> None:
    """Qwen2-Audio-7B: 8.4 billion on its page, an encoder of 640 million in its report (arXiv 2407.10759)."""
    text = {
        "model_type": "qwen2", "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32,
        "num_attention_heads": 32, "num_key_value_heads": 32, "vocab_size": 156032,
        "tie_word_embeddings": False,
    }  # fmt: skip
    audio = {"model_type": "qwen2_audio_encoder"}
    given = {"model_type": "qwen2_audio", "text_config": text, "audio_config": audio}
    found = read_architecture(written(tmp_path, given))
    assert found.parameters.total + found.tower_parameters == 8_397_094_912
    assert found.tower_parameters == 636_968_960 + 1280 * 4096 + 4096
    assumed = AssumptionList()
    published(assumed, (None, None), None, load_chip("H100"), found)
    assert any("30 s of sound would be 750 tokens" in one for one in assumed.notices)
    audio["encoder_layers"] = "many"
    with pytest.raises(InputError, match=r"encoder_layers: this is not a size"):
        read_architecture(written(tmp_path, given))
