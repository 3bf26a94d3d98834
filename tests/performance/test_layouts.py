"""Layouts: every one divides, pins hold, impossible pins say what does not divide what."""

from __future__ import annotations

import numpy as np
import pytest

from gigawatt.core.errors import InputError
from gigawatt.machine import build_cluster
from gigawatt.performance import Layouts, TrainingRun, enumerate_layouts, load_stack
from gigawatt.performance.degrees import ENDS, equal_chunks
from gigawatt.performance.layouts import COLUMNS, RECOMPUTE, layouts_of
from gigawatt.performance.schedules.pipeline import cut, cuts, in_flight
from gigawatt.workload import read_architecture


def question(model: str = "llama-3.1-70b", count: int = 512, batch: int = 512, sequence: int = 8192):
    run = TrainingRun(read_architecture(model), 1e12, sequence, batch)
    return run, build_cluster(chip="H100-SXM5-80GB", count=count)[0]


@pytest.mark.parametrize("model", ["llama-3.1-70b", "deepseek-v3", "gpt3-175b", "mixtral-8x7b"])
def test_every_layout_divides(model: str) -> None:
    run, cluster = question(model)
    found = enumerate_layouts(run, cluster)
    architecture = run.architecture
    assert len(found) > 1000
    assert (found.count == 512).all()
    for block in architecture.blocks:
        assert (block.attention.heads % found.tensor == 0).all()
        if block.experts:
            assert (block.experts.count % found.expert == 0).all()
    assert (found.data * found.context * found.tensor % found.expert == 0).all()
    chunks, ends = found.pipeline * found.interleave, ENDS + architecture.prediction_depth
    assert (chunks <= architecture.layers + ENDS).all()
    assert (-architecture.layers % chunks[found.interleave > 1] <= ends).all(), "chunks are equal"
    assert (found.microbatches == np.round(found.microbatches)).all()
    assert (found.microbatches[found.interleave > 1] % found.pipeline[found.interleave > 1] == 0).all()
    assert (found.tensor > cluster.scale_up_size).any(), "tensor parallelism is looked at across domains"
    unique = np.unique(np.stack([getattr(found, name) for name in COLUMNS]), axis=1)
    assert unique.shape[1] == len(found)


def test_chunks_of_the_reports_are_equal() -> None:
    """Llama 3.1 405B has 128 chunks of 126 layers (section 3.3.2); DeepSeek-V3's 61 and a module fill 64."""
    llama, deepseek = (read_architecture(name) for name in ("llama-3.1-405b", "deepseek-v3"))
    turns = np.arange(1, 12)
    assert turns[equal_chunks(llama, 16, turns)].tolist() == [1, 2, 4, 8]
    assert turns[equal_chunks(deepseek, 16, turns)].tolist() == [1, 2, 4]
    assert turns[equal_chunks(llama, 1, turns)].tolist() == [1], "nothing to fill"


def test_pins_hold_and_only_shrink_the_table() -> None:
    run, cluster = question()
    pinned = enumerate_layouts(run, cluster, {"tensor": 8, "pipeline": 4, "zero": 1})
    assert set(pinned.tensor) == {8}
    assert set(pinned.pipeline) == {4}
    assert set(pinned.zero) == {1}
    assert len(pinned) < len(enumerate_layouts(run, cluster))


def test_frame_has_a_row_a_layout() -> None:
    run, cluster = question()
    layouts = enumerate_layouts(run, cluster, {"tensor": 8, "pipeline": 4})
    frame = layouts.to_frame()
    assert list(frame.columns) == [*COLUMNS, "microbatches"]
    assert len(frame) == len(layouts)


@pytest.mark.parametrize(
    ("fixed", "message"),
    [
        ({"tensor": 3}, "tensor: a layout that cannot divide: 3 does not divide the accelerators (512)"),
        ({"tensor": 128}, "128 does not divide the attention heads (64)"),
        (
            {"pipeline": 512},
            "more pipeline chunks than layers; given 512; allowed: at most 82",
        ),
        ({"data": 8, "microbatch": 100}, "data · microbatch: a layout that cannot divide: 800"),
        ({"expert": 8}, "a model without experts has no expert parallelism; given 8"),
        ({"tensor": 8, "pipeline": 4, "data": 64}, "tensor · context · data · pipeline"),
        ({"zero": 4}, "zero: out of range; given 4; allowed: 0 to 3"),
        ({"pipelne": 4}, "did you mean 'pipeline'?"),
        ({"context": 0}, "context: not a positive whole number; given 0"),
        ({"tensor": 8, "context": 1, "pipeline": 3}, "3 does not divide the accelerators (512)"),
    ],
)
def test_impossible_pins_say_what_does_not_divide(fixed: dict[str, int], message: str) -> None:
    run, cluster = question()
    with pytest.raises(InputError) as raised:
        enumerate_layouts(run, cluster, fixed)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_software_of_2021_has_no_later_layout() -> None:
    """Narayanan et al. recompute whole layers and share no state; Korthikanti et al. came a year later."""
    run, cluster = question()
    old, new = (layouts_of(run, cluster, load_stack("megatron-core", year)) for year in (2021, 2022))
    assert not old.sequence_parallel.any()
    assert not old.zero.any()
    assert set(old.recompute) == {0, RECOMPUTE.index("full")}
    assert new.sequence_parallel.any()
    assert set(new.zero) == {0, 1}
    assert set(new.recompute) == {0, 1, 2}
    assert (old.context == 1).all()
    assert (new.context == 1).all()
    pinned = layouts_of(run, cluster, load_stack("megatron-core", 2021), {"context": 2, "zero": 3})
    assert (pinned.context == 2).all(), "a pin is kept"
    assert (pinned.zero == 3).all()


def test_experts_that_do_not_divide() -> None:
    run, cluster = question("mixtral-8x7b")
    with pytest.raises(InputError, match=r"16 does not divide the experts \(8\)"):
        enumerate_layouts(run, cluster, {"expert": 16})


def test_a_batch_that_no_degree_divides() -> None:
    run, cluster = question(batch=7)
    with pytest.raises(InputError, match="7 sequences a step"):
        enumerate_layouts(run, cluster, {"tensor": 1, "pipeline": 1})


def test_llama_405b_is_cut_as_its_paper_says() -> None:
    """126 layers on 16 stages: one layer less on the first and the last (arXiv 2407.21783, section 3.3.2)."""
    counts = cut(order=(0,) * 126, kinds=1, pipeline=16, interleave=1)[:, 0]
    assert counts.tolist() == [7, *[8] * 14, 7]


def test_all_layers_are_cut_and_stages_counted() -> None:
    model = read_architecture("deepseek-v3")
    pipeline, interleave = np.array([1, 4, 16, 16, 8]), np.array([1, 1, 1, 2, 4])
    found = cuts(model, pipeline.astype(np.int32), interleave.astype(np.int32))
    layers = np.array([block.count for block in model.blocks], dtype=float)
    for i, p in enumerate(pipeline):
        number = found.number[found.index[i]]
        assert number.sum() == p
        assert (number @ found.layers[found.index[i]] == layers).all()
        assert number @ found.head[found.index[i]] == 1.0
        assert number @ found.embedding[found.index[i]] == 1.0
    both = cuts(model, pipeline.astype(np.int32), interleave.astype(np.int32), bidirectional=True)
    assert both.layers[both.index[2]].max() <= found.layers[found.index[2]].max()


def test_in_flight_microbatches() -> None:
    """First stage: p for 1F1B, p (1 + (p − 1)/(p v)) interleaved (Korthikanti et al. 2022, section 4.2.3)."""
    p = np.array(8.0)
    many = np.array(1000.0)
    plain = in_flight(stage=np.array(0.0), pipeline=p, interleave=np.array(1.0), microbatches=many)
    assert plain == 8.0
    twice = in_flight(stage=np.array(0.0), pipeline=p, interleave=np.array(2.0), microbatches=many)
    assert twice == pytest.approx(8.0 * (1.0 + 7.0 / 16.0))
    few = in_flight(stage=np.array(0.0), pipeline=p, interleave=np.array(2.0), microbatches=np.array(3.0))
    assert few == 3.0


def test_unknown_column_names_the_nearest() -> None:
    with pytest.raises(InputError, match="did you mean 'tensor'"):
        Layouts.of(global_batch=8, tenser=2)
