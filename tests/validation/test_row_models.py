"""Models of measured rows: parameter counts against the rows' own, conventions of FLOPs against papers."""

from __future__ import annotations

import pytest

from gigawatt.validation.files import Refusal, rows_file
from gigawatt.validation.rows import Row, read_rows
from gigawatt.validation.training.models import architecture_of, from_columns
from gigawatt.validation.training.target import counted_flops_per_token, measured_step_time

ROWS = {row.id: row for row in read_rows(rows_file("training"))}
BY_MODEL = {row.text("model"): row for row in ROWS.values()}


@pytest.mark.parametrize(
    ("model", "billions", "gated", "tied", "head_dim"),
    [
        # Parameter counts as the rows' sources publish them.
        ("MPT-7b", 6.66, False, True, 128),
        ("PaLM-540B", 540.35, True, True, 256),
        ("GLM-130B", 130.0, True, False, 128),
        ("nemotron4-340b", 341.0, False, False, 192),
        ("TinyLlama-1.1B", 1.1, True, False, 64),
        ("GPT-1008B", 1008.0, False, True, 160),
        ("MaxText-22B", 22.0, False, True, 256),
    ],
)
def test_shapes_are_inferred_from_the_count(
    model: str, billions: float, gated: bool, tied: bool, head_dim: int
) -> None:
    built, told = from_columns(BY_MODEL[model])
    (block,) = built.blocks
    assert built.parameters.total == pytest.approx(billions * 1e9, rel=0.01)
    assert block.feed_forward is not None
    assert (block.feed_forward.gated, built.tied_embeddings) == (gated, tied)
    assert block.attention.head_dim == head_dim
    assert "the parameter count says so" in told[0]


def test_every_row_with_widths_has_a_model_near_its_own_count() -> None:
    checked = 0
    for row in ROWS.values():
        said = row.number("params_b")
        if said is None or row.count("hidden") is None or row.count("kv_heads") is None:
            continue
        built, _ = architecture_of(row)
        counted = built.parameters  # some sizes leave the embedding out
        sizes = (counted.total, counted.total - counted.embedding - counted.head)
        assert min(abs(size / (said * 1e9) - 1.0) for size in sizes) < 0.06, row.text("model")
        checked += 1
    assert checked > 2000


def test_known_names_are_the_catalogs_models_and_truncations_of_them() -> None:
    whole, told = architecture_of(BY_MODEL["deepseek-v3"])
    assert whole.blocks[0].attention.latent
    assert told == ()
    part, told = architecture_of(BY_MODEL["deepseekv3-4layer"])
    assert part.layers == len(part.order) == sum(block.count for block in part.blocks) == 4
    assert [part.blocks[kind].experts is not None for kind in part.order] == [False, True, True, True]
    assert "first layers of the catalog's deepseek-v3" in told[0]
    half, _ = architecture_of(BY_MODEL["llama3-70b-12layer"])
    full, _ = architecture_of(BY_MODEL["llama3-70b"])
    assert half.parameters.attention * full.layers == full.parameters.attention * half.layers
    assert half.parameters.embedding == full.parameters.embedding


def changed(row: Row, **numbers: float | None) -> Row:
    merged = {**row.numbers, **numbers}
    return Row(row.line, {key: value for key, value in merged.items() if value is not None}, row.texts)


def test_a_count_that_no_shape_has_is_refused() -> None:
    with pytest.raises(Refusal, match=r"no usual shape has the parameters.*GPT-7.5B: 30 billion said"):
        from_columns(changed(BY_MODEL["GPT-7.5B"], params_b=30.0))
    with pytest.raises(Refusal, match=r"the model's shape is not given: no hidden, vocab"):
        from_columns(changed(BY_MODEL["GPT-7.5B"], hidden=None, vocab=None))


def test_gpt_widths_that_a_row_leaves_out_are_the_usual_ones() -> None:
    whole, _ = from_columns(BY_MODEL["GPT-7.5B"])
    bare, _ = from_columns(changed(BY_MODEL["GPT-7.5B"], ffn=None, kv_heads=None))
    assert bare == whole


@pytest.mark.parametrize(("id", "seconds"), [("T0533", 3.696), ("T0540", 102.63), ("T0537", 24.817)])
def test_hardware_flops_are_those_of_equation_3(id: str, seconds: float) -> None:
    """Narayanan et al. 2021, table 1: TFLOP/s and, from their equation 3, the step times of the rows."""
    row = changed(ROWS[id], step_time_s=None)
    built, _ = architecture_of(row)
    found = measured_step_time(row, built, count=row.number("n_accel") or 0, peak=None)
    assert found == pytest.approx(seconds, rel=0.01)


def test_model_flops_give_palms_published_utilisation() -> None:
    """Chowdhery et al. 2022, section 4.1: 46.2 % MFU at 238.3 thousand tokens/s on 6,144 TPU v4."""
    row = BY_MODEL["PaLM-540B"]
    built, _ = architecture_of(row)
    utilisation = counted_flops_per_token(built, sequence=2048) * 238.3e3 / (6144 * 275e12)
    assert utilisation == pytest.approx(0.462, rel=0.01)


def test_token_rates_and_utilisations_become_step_times() -> None:
    row = BY_MODEL["llama3-8b"]
    built, _ = architecture_of(row)
    tokens = (row.number("seq_len") or 0) * (row.number("global_batch") or 0)
    bare = changed(row, step_time_s=None, tokens_per_s=None, tokens_per_s_per_gpu=10_000.0)
    assert measured_step_time(bare, built, count=8, peak=None) == pytest.approx(tokens / 80_000)
    only = changed(bare, tokens_per_s_per_gpu=None, tflops_per_gpu=None, MFU=40.0)
    work = counted_flops_per_token(built, sequence=row.number("seq_len") or 0)
    found = measured_step_time(only, built, count=8, peak=989e12)
    assert found == pytest.approx(tokens * work / (8 * 0.4 * 989e12))
    with pytest.raises(Refusal, match="nothing measured"):
        measured_step_time(changed(only, MFU=None), built, count=8, peak=989e12)
