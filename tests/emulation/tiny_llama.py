"""A random Llama of 0.1 M parameters and a text for it: everything but quality can be tested on it."""

from __future__ import annotations

from functools import lru_cache

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from gigawatt.emulation.models import LanguageModel
from gigawatt.emulation.text import Text

WORDS = [
    "over", "the", "lazy", "dog", "jumps", "a", "quick", "brown", "fox", "while", "seven", "wizards", "brew",
    "strong", "ale", "in", "the", "old", "tower",
]  # fmt: skip


@lru_cache(maxsize=1)
def tiny() -> LanguageModel:
    """Weights large enough that the logits are far from even."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=96,
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=128,
    )
    module = LlamaForCausalLM(config).eval()
    for weight in module.parameters():
        if weight.dim() == 2:
            weight.data *= 4.0
    return LanguageModel("tiny", module, lambda text: [ord(c) % 96 for c in text], "tiny", 123)


def text() -> Text:
    """Passages that all differ."""
    passages = tuple(
        " ".join(WORDS[(i * j) % len(WORDS)] for j in range(1, 60)) + f" {i}" for i in range(1, 21)
    )
    return Text("words", passages[:16], passages[16:])
