"""Images and sound of requests: tokens, operations of the tower, time to the first token, memory, cost."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gigawatt.chain.serving.plan import plan_serving
from gigawatt.chain.serving.question import ServingQuestion
from gigawatt.chain.serving.reader import read_serving_question
from gigawatt.chain.serving.replica import degrees_of, replica, tables_of
from gigawatt.chain.serving.simulate import Setup, part, run_serving
from gigawatt.core.errors import GigawattError
from gigawatt.performance.serving.inference import Replica, encoder_cost
from gigawatt.performance.serving.memory import room
from gigawatt.performance.serving.step_tables import iteration_cost
from gigawatt.workload import read_architecture
from gigawatt.workload.encoders import Encoded, encoder_operations, image_patches
from gigawatt.workload.towers import Tower

MODEL = "qwen3-vl-30b-a3b"
HEARS = {
    "model_type": "qwen2_audio",
    "audio_config": {"model_type": "qwen2_audio_encoder"},
    "text_config": {
        "model_type": "qwen2", "hidden_size": 4096, "intermediate_size": 11008, "num_hidden_layers": 32,
        "num_attention_heads": 32, "num_key_value_heads": 32, "vocab_size": 156032,
        "tie_word_embeddings": False, "max_position_embeddings": 8192,
    },
}  # fmt: skip
"""Qwen2-Audio-7B, as of tests/workload/test_towers.py."""


def question(images: str | None, model: str = MODEL, chip: str = "H100", **more: Any) -> ServingQuestion:
    words = {"prompt": "200", "output": "128", **more}
    return read_serving_question(model=model, chip=chip, images=images, **words)


def of(asked: ServingQuestion, **degrees: int) -> Replica:
    return replica(asked, asked.cluster(64)[0], degrees_of(**degrees))


@pytest.mark.parametrize(
    ("model", "size", "tokens"),
    [
        (MODEL, (1024, 1024), 1024),
        (MODEL, (640, 480), 300),
        (MODEL, (10, 10), 1),
        ("qwen3-vl-2b", (1000, 1000), 31 * 31),
    ],
)
def test_tokens_of_an_image(model: str, size: tuple[int, int], tokens: int) -> None:
    """Qwen3-VL: one token for 32 × 32 pixels (patches of 16, 2 × 2 merged), sides rounded to these."""
    (tower,) = read_architecture(model).towers
    patches = image_patches(tower, width=size[0], height=size[1])
    assert Encoded(tower, 1, patches).tokens == tokens
    assert Encoded(tower, 3, patches).tokens == 3 * tokens


def test_a_tile_of_llama_4_has_one_size() -> None:
    """144 tokens for a tile of 336 pixels a side: 24 × 24 patches of 14, a quarter after the shuffle."""
    (one,) = question("2", "llama-4-scout").encoded
    assert one.tokens == 2 * 144


@pytest.mark.parametrize("model", [MODEL, "llama-4-scout", "kimi-k2.5", "gemma-4-31b"])
def test_operations_are_those_of_the_tower(model: str) -> None:
    """2 FLOPs a weight and patch, 4 × width a pair of patches: held to transformers in tests/workload."""
    architecture = read_architecture(model)
    tower = architecture.towers[0]
    one = Encoded(tower, 3, float(tower.patches or 1152))
    found = encoder_operations(one, tensor=np.ones(1), hidden=architecture.hidden)
    flops = sum(float(np.max(op.flops * op.launches)) for op in found)
    assert flops == pytest.approx(one.flops, rel=1e-6)
    halves = encoder_operations(one, tensor=np.full(1, 2.0), hidden=architecture.hidden)
    assert sum(float(np.max(op.flops * op.launches)) for op in halves) == pytest.approx(flops / 2.0)


def test_windows_see_less() -> None:
    """Qwen2.5-VL's tower: four of 32 layers see the image, the others windows of 64 patches."""
    tower = Tower("vision tower", 1, 32, 1280, 600_000_000, 40_000_000, 4, 0, 196, 4, 64)
    one = Encoded(tower, 1, 4096.0)
    found = encoder_operations(one, tensor=np.ones(1), hidden=3584)
    assert sum(float(np.max(op.flops * op.launches)) for op in found) == pytest.approx(one.flops)


def test_an_image_is_computed_at_no_more_than_the_chip_does() -> None:
    r = of(question("1 of 1024x1024"))
    cost, (one,) = encoder_cost(r), r.encoded
    rate = one.flops / float(np.max(cost.time))
    assert 0.2 < rate / r.cluster.chip.peak["bf16"] < 0.75
    assert float(np.max(encoder_cost(replace(r, encoded=())).time)) == 0.0


def test_ranks_share_an_image() -> None:
    asked = question("1 of 1024x1024")
    one, four = (float(np.max(encoder_cost(of(asked, tensor=t)).time)) for t in (1, 4))
    assert one / 4.0 < four < one


def test_the_first_chunk_of_a_prompt_has_its_images() -> None:
    """In the tables of the event engine: once a prompt, whatever its chunks, and in no decoding iteration."""
    with_images = question("2 of 1024x1024")
    plain = replace(with_images, encoded=())
    tables = [tables_of(one, one.cluster(1)[0], degrees_of()) for one in (with_images, plain)]

    def time(chunk: float, before: float, decoding: float = 0.0) -> float:
        cost = [
            iteration_cost(t, decoding=decoding, context=500.0, chunk=chunk, before=before)[0] for t in tables
        ]
        return float(cost[0] - cost[1])

    alone = float(np.max(encoder_cost(of(with_images)).time))
    assert time(1024.0, 0.0) == pytest.approx(alone, rel=1e-6)
    assert time(2048.0, 0.0) == pytest.approx(alone, rel=1e-6)
    assert time(1024.0, 1024.0) == pytest.approx(0.0, abs=1e-9)
    assert time(0.0, 0.0, 32.0) == pytest.approx(0.0, abs=1e-9)


def test_prompts_are_longer_by_the_tokens_of_images() -> None:
    asked, plain = question("2 of 1024x1024"), question(None)
    assert asked.traffic.mean_prompt == plain.traffic.mean_prompt + 2048
    drawn = asked.traffic.at(rate=1.0, count=50, seed=0)
    assert np.all(drawn.prompt == 200 + 2048)
    trace = question("1 of 1024x1024", prompt=None, output=None, trace="azure-conversation-2023")
    whole = question(None, prompt=None, output=None, trace="azure-conversation-2023")
    assert trace.traffic.at(rate=2.0, count=50, seed=0).prompt.min() > 1024
    assert trace.traffic.mean_prompt == pytest.approx(whole.traffic.mean_prompt + 1024)


def test_events_have_images_before_the_first_token() -> None:
    found = []
    for words in (None, "4 of 1024x1024"):
        asked = question(words)
        requests = asked.traffic.at(rate=1.0, count=200, seed=0)
        run = run_serving(
            asked, asked.cluster(1)[0], Setup(part(asked, degrees_of(), 1)), requests, window=None
        )
        found.append(run.summary)
    before, after = found
    assert after.ttft.p50 > before.ttft.p50 + 0.9 * float(
        np.max(encoder_cost(of(question("4 of 1024x1024"))).time)
    )
    assert after.request_energy > before.request_energy


def test_a_plan_with_images_serves_less() -> None:
    rates = [
        plan_serving(question(words), chips=8, finalists=0).first.rate
        for words in (None, "1 of 512x512", "2 of 1024x1024")
    ]
    assert rates == sorted(rates, reverse=True)
    assert rates[2] < 0.6 * rates[0]


def test_the_tower_is_in_memory_whether_or_not_images_come() -> None:
    asked = question("1")
    assert np.all(room(of(asked)) == room(of(question(None))))


def test_sound_of_a_request(tmp_path: Path) -> None:
    """Qwen2-Audio: 25 tokens a second (arXiv 2407.10759: a frame of 40 ms), clips padded to half a minute."""
    file = tmp_path / "config.json"
    file.write_text(json.dumps(HEARS))
    asked = {s: question(None, str(file), audio=f"{s} s", prompt="100") for s in (30, 31)}
    assert asked[30].traffic.mean_prompt == 100 + 750
    assert asked[31].traffic.mean_prompt == 100 + 1500
    times = [float(np.max(encoder_cost(of(one)).time)) for one in asked.values()]
    assert times[0] < times[1] < 2.1 * times[0]
    with pytest.raises(GigawattError, match=r"images: .* has no vision tower"):
        read_serving_question(model=str(file), chip="H100", images="1")


def test_the_usual_size_is_listed() -> None:
    asked = question("1")
    assert {one.key: one.value for one in asked.assumptions}["serving.images.size"] == "1024x1024"
    assert "serving.images.size" not in {one.key for one in question("1 of 300x400").assumptions}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"images": "1", "model": "llama-3.1-8b"}, "images: llama-3.1-8b has no vision tower.*qwen3-vl"),
        ({"images": "some"}, "images: not images of a request; given 'some'"),
        ({"images": "0"}, "not images of a request"),
        ({"images": "1 of 4x4"}, "not the sides of an image"),
        ({"images": "1 of 300x300", "model": "llama-4-scout"}, "images of this model have one size"),
        ({"images": "1", "sessions": "chat", "prompt": None, "output": None}, "turns of sessions are text"),
        ({"images": "1", "prompt": None, "output": None, "trace": "mooncake-conversation"}, "share prefixes"),
        ({"images": "1", "chip": "mixed-2035"}, "images: mixed-2035 is not a digital chip"),
        ({"images": None, "audio": "30 s"}, "audio: qwen3-vl-30b-a3b has no audio tower"),
    ],
)
def test_images_that_cannot_be(words: dict[str, Any], message: str) -> None:
    with pytest.raises(GigawattError, match=message):
        question(**words)


def test_prefill_replicas_compute_images() -> None:
    shares = []
    for words in ("1 of 256x256", "4 of 1024x1024"):
        first = plan_serving(question(words), chips=16, mode="disaggregated", finalists=0).first
        prefill, decode = first.pools
        shares.append(prefill.chips / decode.chips)
    assert shares[1] > shares[0]
