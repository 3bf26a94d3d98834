"""Families that are rows: parameters of those that transformers lacks, refusals, FLOPs, states, caches."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gigawatt.core.errors import InputError
from gigawatt.workload import block_operations, known_families, model_flops_per_token, read_architecture
from gigawatt.workload.family_rows import family_row
from gigawatt.workload.inference import Shares, kept_bytes
from workload.family_examples import BY_PUBLISHER, SAME

GOLDEN = json.loads(Path(__file__).with_name("golden_parameters.json").read_text())
SMALL = json.loads((Path(__file__).parents[1] / "oracles" / "workload_families.json").read_text())


def read(folder: Path, values: dict) -> object:
    file = folder / "config.json"
    file.write_text(json.dumps(values, indent=1))
    return read_architecture(file)


@pytest.mark.parametrize("family", sorted(BY_PUBLISHER))
def test_parameters_are_those_that_publishers_say(family: str, tmp_path: Path) -> None:
    values, billions, rounding, source = BY_PUBLISHER[family]
    model = read(tmp_path, {"model_type": family, **values})
    assert model.parameters.total / 1e9 == pytest.approx(billions, abs=rounding), source


@pytest.mark.parametrize("family", sorted(set(SAME) - {"deepseek_ref"}))
def test_a_second_name_reads_the_same_model(family: str, tmp_path: Path) -> None:
    base = next(
        case["config"] for case in GOLDEN["variants"].values() if case["config"]["model_type"] == SAME[family]
    )
    usual, other = (read(tmp_path, base | {"model_type": name}) for name in (SAME[family], family))
    assert other.parameters == usual.parameters
    assert other.blocks == usual.blocks


@pytest.mark.parametrize("name", sorted(SMALL))
def test_model_flops_are_six_a_weight_that_a_token_passes_and_its_mixing(name: str, tmp_path: Path) -> None:
    # At one token of context attention adds 12 × heads × width a layer; scans what they say of themselves.
    model = read(tmp_path, SMALL[name])
    mixing = sum(
        block.count
        * (
            6.0 * block.attention.heads * (block.attention.head_dim + block.attention.value_dim)
            + (3.0 * block.mixer.flops if block.mixer is not None else 0.0)
        )
        for block in model.blocks
        if block.role == "layer"
    )
    found = model_flops_per_token(model, 1.0, prediction=False) - mixing
    # Weights that multiply: all but gathered embeddings, norms and vectors; a tied head multiplies.
    passed = model.active_parameters - model.parameters.embedding
    passed += model.vocabulary * model.hidden if model.tied_embeddings else 0
    passed -= sum(block.count * block.mixer.vectors for block in model.blocks if block.mixer is not None)
    passed -= sum(block.count * block.table for block in model.blocks if block.role == "layer")
    passed -= model.parameters.norms
    assert found / 6.0 <= passed
    assert found / 6.0 == pytest.approx(passed, rel=0.06)


@pytest.mark.parametrize("name", sorted(SMALL))
def test_operations_do_the_models_flops(name: str, tmp_path: Path) -> None:
    model = read(tmp_path, SMALL[name])
    one = dict.fromkeys(("microbatch", "tensor", "context", "expert"), 1.0)
    total = 0.0
    for block in model.blocks:
        if block.role == "layer":
            operations = block_operations(
                model, block, causal=False, sequence=256.0, sequence_parallel=0.0, number_format="bf16", **one
            )
            total += block.count * sum(
                float(op.flops * op.launches) for op in operations if not op.name.endswith(".again")
            )
    head = 6.0 * model.vocabulary * model.hidden
    needed = model_flops_per_token(model, 256.0, prediction=False) - head
    # Fused attention computes the scores again backward: 3.5 of 3.
    again = sum(
        b.count * 2.0 * b.attention.heads * b.attention.head_dim * min(256.0, b.attention.window or 256.0)
        for b in model.blocks
        if b.role == "layer"
    )
    assert total / 256.0 - again == pytest.approx(needed, rel=0.02)


@pytest.mark.parametrize("name", sorted(SMALL))
def test_states_do_not_grow_and_caches_do(name: str, tmp_path: Path) -> None:
    model = read(tmp_path, SMALL[name])
    short, long, longest = (
        float(kept_bytes(model, tokens=tokens, shares=Shares.of())) for tokens in (10_000, 20_000, 30_000)
    )
    grows = any(
        b.attention.heads and b.attention.window is None and b.attention.chunk is None for b in model.blocks
    )
    assert (long > short) == grows
    assert longest - long == pytest.approx(long - short)
    if not grows:
        assert short > 0.0


def test_a_family_is_a_row_and_what_it_is_like() -> None:
    row = family_row("olmo3")
    assert row is not None
    assert row["attention"]["norm"] == "whole"
    assert row["attention"]["groups"] == "num_key_value_heads"
    assert row["layers"]["full_every"] == "4"


OLMO = SMALL["olmo3-small"]


@pytest.mark.parametrize(
    ("values", "parts"),
    [
        ({"model_type": "t5", "d_model": 64}, ["encoder-decoder models are not read yet; given 't5'"]),
        ({**OLMO, "is_encoder_decoder": True}, ["encoder-decoder models are not read yet"]),
        ({**OLMO, "layer_types": ["odd"] * 6}, ["layer_types: this kind of layer is not known; given 'odd'"]),
        ({**OLMO, "layer_types": ["full_attention"]}, ["layer_types: one entry a layer; given '1 entries'"]),
        ({**OLMO, "model_type": "olmo9"}, ["this model family is not known", "did you mean 'olmo"]),
        ({**SMALL["jamba-small"], "model_type": "xyzzy"}, ["not known", "did you mean 'jamba'?"]),
        (
            {**SMALL["opt-small"], "word_embed_proj_dim": 32},
            ["word_embed_proj_dim: embeddings of another width"],
        ),
        ({**SMALL["bamba-small"], "mamba_n_groups": 3}, ["mamba_n_groups: groups do not divide the heads"]),
        ({"model_type": "mistral3", "text_config": {"model_type": "odd"}}, ["model_type", "given 'odd'"]),
    ],
)
def test_what_is_not_understood_is_named(values: dict, parts: list[str], tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, values)
    text = str(caught.value)
    assert "\n" not in text
    for part in parts:
        assert part in text


def test_the_page_of_models_names_every_family() -> None:
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
    assert [family for family in known_families() if f"`{family}`" not in page] == []
